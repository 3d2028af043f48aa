/*
 * Cells of recurrent nets: one step of one unit, by the formulas.
 */
#include "sequence.h"

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

#define X 0.5
#define S 0.25 /* the state h */
#define C -0.5 /* the state c */

typedef struct unit {
    ks_graph *g;
    ks_node *x, *h, *c;
    ks_recurrent_weights weights;
} unit;

/* Of gate k: w = 1 + k, u = 0.5 - k, b = 0.1 k, c = -0.2 k. */
static unit make(ks_dtype dtype, int gates, bool biases)
{
    unit m = {.g = ks_graph_new(NULL)};
    double w[4], u[4], b[4], c[4];
    for (int k = 0; k < gates; k++) {
        w[k] = 1 + k;
        u[k] = 0.5 - k;
        b[k] = 0.1 * k;
        c[k] = -0.2 * k;
    }
    m.x = VARIABLE(m.g, "x", dtype, KS_SHAPE(1, 1), X);
    m.h = VARIABLE(m.g, "h", dtype, KS_SHAPE(1, 1), S);
    m.c = VARIABLE(m.g, "c", dtype, KS_SHAPE(1, 1), C);
    m.weights.w = make_variable(m.g, "weight", dtype, KS_SHAPE(1, gates), w, gates);
    m.weights.u = make_variable(m.g, "back", dtype, KS_SHAPE(1, gates), u, gates);
    m.weights.b = biases ? make_variable(m.g, "bias", dtype, KS_SHAPE(gates), b, gates) : NULL;
    m.weights.c = biases ? make_variable(m.g, "other", dtype, KS_SHAPE(gates), c, gates) : NULL;
    return m;
}

/* The input's and the state's part of gate k. */
static double from_x(int k, bool biases)
{
    return X * (1 + k) + (biases ? 0.1 * k : 0);
}

static double from_h(int k, bool biases)
{
    return S * (0.5 - k) - (biases ? 0.2 * k : 0);
}

static double gate(int k, bool biases)
{
    return from_x(k, biases) + from_h(k, biases);
}

static double near(ks_dtype dtype)
{
    return dtype == KS_F32 ? 1e-6 : 1e-15;
}

Test(cells, rnn_squashes_or_cuts_the_sum)
{
    for (ks_dtype dtype = KS_F32; dtype <= KS_F64; dtype++) {
        unit m = make(dtype, 1, true);
        IS_NEAR(near(dtype), ks_rnn_cell(m.x, m.h, &m.weights, KS_RNN_TANH), tanh(gate(0, true)));
        IS_NEAR(near(dtype), ks_rnn_cell(m.x, m.h, &m.weights, KS_RNN_RELU), gate(0, true));
        IS(ks_rnn_cell(ks_neg(m.x), m.h, &m.weights, KS_RNN_RELU), 0);
        QUIET(m.g);
        ks_graph_free(m.g);
    }
}

Test(cells, lstm_keeps_and_adds_and_lets_out)
{
    for (int biases = 0; biases < 2; biases++) {
        unit m = make(KS_F64, 4, biases);
        ks_node *h, *c;
        cr_assert(ks_lstm_cell(m.x, m.h, m.c, &m.weights, &h, &c));
        double kept = sigmoid(gate(1, biases)) * C + sigmoid(gate(0, biases)) * tanh(gate(2, biases));
        IS_NEAR(1e-15, c, kept);
        IS_NEAR(1e-15, h, sigmoid(gate(3, biases)) * tanh(kept));
        differences_agree(ks_sum_all(ks_mul(h, ks_exp(c))));
        QUIET(m.g);
        ks_graph_free(m.g);
    }
}

Test(cells, gru_mixes_the_new_with_the_old)
{
    for (int biases = 0; biases < 2; biases++) {
        unit m = make(KS_F64, 3, biases);
        double r = sigmoid(gate(0, biases)), z = sigmoid(gate(1, biases));
        double after = tanh(from_x(2, biases) + r * from_h(2, biases));
        double before = tanh(from_x(2, biases) + r * S * (0.5 - 2) - (biases ? 0.4 : 0));
        ks_node *y = ks_gru_cell(m.x, m.h, &m.weights, KS_RESET_AFTER);
        IS_NEAR(1e-15, y, (1 - z) * after + z * S);
        differences_agree(ks_sum_all(ks_square(y)));
        y = ks_gru_cell(m.x, m.h, &m.weights, KS_RESET_BEFORE);
        IS_NEAR(1e-15, y, (1 - z) * before + z * S);
        differences_agree(ks_sum_all(ks_square(y)));
        QUIET(m.g);
        ks_graph_free(m.g);
    }
}

Test(cells, weights_of_other_shapes_are_refused)
{
    unit m = make(KS_F64, 3, true);
    ks_node *h, *c;
    REFUSED(m.g, ks_rnn_cell(m.x, m.h, &m.weights, KS_RNN_TANH), KS_BAD_SHAPE,
            "rnn_cell: the weight 'back' is [1, 3]: give it as [H, H], with H known");
    cr_assert_not(ks_lstm_cell(m.x, m.h, m.c, &m.weights, &h, &c));
    FAILS(m.g, KS_BAD_SHAPE, "lstm_cell: the weight 'back' is [1, 3]: give it as [H, 4 H], with H known");
    ks_node *wide = VARIABLE(m.g, "wide", KS_F64, KS_SHAPE(1, 2), 1, 2);
    REFUSED(m.g, ks_gru_cell(wide, m.h, &m.weights, KS_RESET_AFTER), KS_BAD_SHAPE,
            "gru_cell: the weight 'weight' is [1, 3]: give it as [2, 3]");
    m.weights.b = m.x;
    REFUSED(m.g, ks_gru_cell(m.x, m.h, &m.weights, KS_RESET_AFTER), KS_BAD_SHAPE, "gru_cell: the weight 'x' is [1, 1]: give it as [3]");
    cr_assert_null(ks_gru_cell(m.x, NULL, &m.weights, KS_RESET_AFTER));
    cr_assert_null(ks_gru_cell(m.x, m.h, NULL, KS_RESET_AFTER));
    QUIET(m.g);
    ks_graph_free(m.g);
}
