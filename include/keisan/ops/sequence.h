/*
 * keisan/ops/sequence.h - steps in time: cells of recurrent nets, attention, positions. All are composed of other operations, so
 * that a trace shows what happens in them. Whole sequences of cells are in keisan/sequence.h.
 */
#ifndef KEISAN_OPS_SEQUENCE_H
#define KEISAN_OPS_SEQUENCE_H

#include <keisan/op.h>

KS_BEGIN

/* ---- cells: one step of a recurrent net ---------------------------------------------------------------- */

/*
 * What a cell has learned, for inputs x [N, in] and states h [N, H]; G gates lie beside each other: 1 in an RNN, 4 in an LSTM (i f g o), 3
 * in a GRU (r z n), in PyTorch's order. From PyTorch come w = weight_ih transposed, u = weight_hh transposed, b = bias_ih, c = bias_hh. ONNX
 * keeps w and u transposed too, with the gates of an LSTM in the order i o f g and those of a GRU in the order z r n, and b before c in B.
 */
typedef struct ks_recurrent_weights {
    ks_node *w; /* [in, G H], from the input */
    ks_node *u; /* [H, G H], from the state */
    ks_node *b; /* [G H], beside x w; NULL: none */
    ks_node *c; /* [G H], beside h u; NULL: none. It is one bias with b, but in a GRU with KS_RESET_AFTER */
} ks_recurrent_weights;

typedef enum ks_rnn_activation { KS_RNN_TANH, KS_RNN_RELU } ks_rnn_activation;

/* Where a GRU's reset gate stands: behind the product with the state (PyTorch; ONNX's linear_before_reset = 1), or before it (Cho et al.). */
typedef enum ks_gru_form { KS_RESET_AFTER, KS_RESET_BEFORE } ks_gru_form;

/* h' = tanh(x w + b + h u + c), or relu. Elman, 1990. */
#define ks_rnn_cell(x, h, weights, ...) ks_rnn_cell_at(KS_HERE, x, h, weights, __VA_ARGS__)
KS_API ks_node *ks_rnn_cell_at(ks_place at, ks_node *x, ks_node *h, const ks_recurrent_weights *weights, ks_rnn_activation activation);

/*
 * (i f g o) = x w + b + h u + c; c' = sigmoid(f) c + sigmoid(i) tanh(g), h' = sigmoid(o) tanh(c'). Hochreiter and Schmidhuber, 1997; the
 * forget gate f of Gers et al., 2000. False on failure.
 */
#define ks_lstm_cell(x, h, c, weights, h_next, ...) ks_lstm_cell_at(KS_HERE, x, h, c, weights, h_next, __VA_ARGS__)
KS_API bool ks_lstm_cell_at(ks_place at, ks_node *x, ks_node *h, ks_node *c, const ks_recurrent_weights *weights, ks_node **h_next,
                            ks_node **c_next);

/*
 * r = sigmoid(x w_r + b_r + h u_r + c_r), z likewise; n = tanh(x w_n + b_n + r (h u_n + c_n)), or with KS_RESET_BEFORE
 * tanh(x w_n + b_n + (r h) u_n + c_n); h' = (1 - z) n + z h. Cho et al., 2014.
 */
#define ks_gru_cell(x, h, weights, ...) ks_gru_cell_at(KS_HERE, x, h, weights, __VA_ARGS__)
KS_API ks_node *ks_gru_cell_at(ks_place at, ks_node *x, ks_node *h, const ks_recurrent_weights *weights, ks_gru_form form);

/* ---- attention ----------------------------------------------------------------------------------------- */

typedef struct ks_attention_options {
    size_t size;    /* sizeof(ks_attention_options) */
    ks_node *mask;  /* broadcasts to [..., Tq, Tk]. bool: who may be seen; float: is added to the scores. NULL: none */
    bool causal;    /* place i sees the places 0 to i only */
    double scale;   /* of the products; 0: 1/sqrt(d) */
    double dropout; /* of the weights, in training runs */
} ks_attention_options;
#define KS_ATTENTION_OPTIONS_DEFAULT {.size = sizeof(ks_attention_options)}

/*
 * softmax(q kᵀ scale) v: q [..., Tq, d], k [..., Tk, d] and v [..., Tk, e] give [..., Tq, e]; what stands before broadcasts. What may not be
 * seen has the score -inf and the weight 0; a row that sees nothing is 0, and so are its derivatives. Options NULL: the defaults. Vaswani et
 * al., 2017.
 */
#define ks_attention(q, k, v, ...) ks_attention_at(KS_HERE, q, k, v, __VA_ARGS__)
KS_API ks_node *ks_attention_at(ks_place at, ks_node *q, ks_node *k, ks_node *v, const ks_attention_options *options);

/* [..., T, E] -> [..., heads, T, E/heads] and back. */
#define ks_split_heads(x, ...) ks_split_heads_at(KS_HERE, x, __VA_ARGS__)
#define ks_join_heads(...)     ks_join_heads_at(KS_HERE, __VA_ARGS__)
KS_API ks_node *ks_split_heads_at(ks_place at, ks_node *x, int heads);
KS_API ks_node *ks_join_heads_at(ks_place at, ks_node *x);

typedef struct ks_attention_weights {
    ks_node *q, *k, *v;             /* [D, E] each; k and v NULL: q is [D, 3 E], all three beside each other, and memory is x */
    ks_node *q_bias, *k_bias, *v_bias; /* [E] each ([3 E] in q_bias); NULL: none */
    ks_node *out, *out_bias;        /* [E, D], [D]; NULL: none */
} ks_attention_weights;

/*
 * Attention in several heads at once: q = x w_q, k and v from `memory` (NULL: x itself), each split into heads, attended to, joined, and
 * multiplied by `out`. x [..., Tq, D] gives [..., Tq, D]. The mask of the options broadcasts to [..., heads, Tq, Tk].
 */
#define ks_multi_head_attention(x, memory, weights, heads, ...) ks_multi_head_attention_at(KS_HERE, x, memory, weights, heads, __VA_ARGS__)
KS_API ks_node *ks_multi_head_attention_at(ks_place at, ks_node *x, ks_node *memory, const ks_attention_weights *weights, int heads,
                                           const ks_attention_options *options);

/* ---- positions ----------------------------------------------------------------------------------------- */

/*
 * The sinusoidal encoding of the places along x's axis -2: for x [..., T, D] a node [T, D], to be added to x. Column 2 i has sin(t / base^(2 i/D)),
 * column 2 i + 1 the cosine. D must be known; base is usually 10000. Vaswani et al., 2017. (Learned places are an embedding of ks_positions.)
 */
#define ks_sinusoidal_positions(x, ...) ks_sinusoidal_positions_at(KS_HERE, x, __VA_ARGS__)
KS_API ks_node *ks_sinusoidal_positions_at(ks_place at, ks_node *x, double base);

/* Which elements a rotation pairs: i with i + d/2 (Llama, GPT-NeoX, ONNX), or 2 i with 2 i + 1 (the paper). */
typedef enum ks_rotary_form { KS_ROTARY_HALVES, KS_ROTARY_PAIRS } ks_rotary_form;

/*
 * Rotary positions: x [..., T, d], of which pair i at place t is turned by the angle t / base^(2 i/d). `places`: the places, whole numbers [T] or
 * what broadcasts to [..., T]; NULL: 0, 1, ... d must be known and even; base is usually 10000. Su et al., 2021.
 */
#define ks_rotary(x, places, base, ...) ks_rotary_at(KS_HERE, x, places, base, __VA_ARGS__)
KS_API ks_node *ks_rotary_at(ks_place at, ks_node *x, ks_node *places, double base, ks_rotary_form form);

KS_END

#endif
