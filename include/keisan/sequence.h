/*
 * keisan/sequence.h - whole sequences through recurrent nets: rnn, lstm, gru, in layers and in both directions.
 *
 * A layer is one product of the input's weights with all steps, and a scan of the cell (keisan/ops/sequence.h) over what that gives. So its
 * length may be open, and derivatives of every kind go through it.
 */
#ifndef KEISAN_SEQUENCE_H
#define KEISAN_SEQUENCE_H

#include <keisan/function.h>
#include <keisan/ops/sequence.h>

KS_BEGIN

/* How a sequence is read: from its first step, from its last, or by one net each way, whose outputs stand beside each other. */
typedef enum ks_reading { KS_READ_FORWARD, KS_READ_BACKWARD, KS_READ_BOTH } ks_reading;

/* Zero fields mean what is said. D is the number of directions, 1 or 2. */
typedef struct ks_recurrent_options {
    size_t size;         /* sizeof(ks_recurrent_options) */
    int layers;          /* one upon the other; 0: 1 */
    ks_reading reading;
    bool batch_first;    /* x and y are [N, T, ...] instead of [T, N, ...] */
    ks_node *h, *c;      /* first states [layers D, N, H], c of an LSTM only; NULL: zeros */
    ks_node *lengths;    /* whole numbers [N]: row n ends after so many steps: its state stays there and y is 0. NULL: all are T long */
    double dropout;      /* of what a layer gives to the next, in training runs */
    bool recompute;      /* of a step only the states are kept for the derivative: memory against time */
    ks_rnn_activation activation; /* ks_rnn */
    ks_gru_form form;             /* ks_gru */
} ks_recurrent_options;
#define KS_RECURRENT_OPTIONS_DEFAULT {.size = sizeof(ks_recurrent_options)}

typedef struct ks_recurrent_results {
    ks_node *y; /* [T, N, D H]: the last layer's state after each step */
    ks_node *h; /* [layers D, N, H]: the last states; those of a reversed net are after the first step */
    ks_node *c; /* likewise, of an LSTM; else NULL */
} ks_recurrent_results;

/*
 * x [T, N, in] through `layers` of cells. weights [layers D]: a layer after the other, in each the forward direction first; the first layer's w is
 * [in, G H], that of the others [D H, G H]. Options NULL: one layer, forward, from zeros. The values are PyTorch's of nn.RNN, nn.LSTM and nn.GRU.
 * False on failure.
 */
#define ks_rnn(x, weights, options, ...)  ks_rnn_at(KS_HERE, x, weights, options, __VA_ARGS__)
#define ks_lstm(x, weights, options, ...) ks_lstm_at(KS_HERE, x, weights, options, __VA_ARGS__)
#define ks_gru(x, weights, options, ...)  ks_gru_at(KS_HERE, x, weights, options, __VA_ARGS__)
KS_API bool ks_rnn_at(ks_place at, ks_node *x, const ks_recurrent_weights *weights, const ks_recurrent_options *options,
                      ks_recurrent_results *out);
KS_API bool ks_lstm_at(ks_place at, ks_node *x, const ks_recurrent_weights *weights, const ks_recurrent_options *options,
                       ks_recurrent_results *out);
KS_API bool ks_gru_at(ks_place at, ks_node *x, const ks_recurrent_weights *weights, const ks_recurrent_options *options,
                      ks_recurrent_results *out);

KS_END

#endif
