/*
 * ops/sequence/cells.c - one step of a recurrent net: rnn, lstm, gru.
 *
 * A cell is two products, a sum, and the gates' arithmetic, each a node that the trace shows.
 */
#include "ops/sequence/cells.h"

#include <stdio.h>

/* ---- weights ------------------------------------------------------------------------------------------- */

static bool has_shape(const ks_node *x, int64_t rows, int64_t columns)
{
    const ks_shape *shape = &x->dims->shape;
    int64_t same;
    bool matrix = rows >= 0;
    return shape->rank == 1 + matrix && (!matrix || ks__dim_same(x->graph, shape->dim[0], rows, &same)) &&
           ks__dim_same(x->graph, shape->dim[shape->rank - 1], columns, &same);
}

static bool refuse_weight(ks_place at, const char *name, const ks_node *weight, const char *wanted)
{
    char text[KS__SHAPE_TEXT];
    return ks__refuse(weight->graph, KS_BAD_SHAPE, at, "%s: the weight '%.100s' is %s: give it as %s", name, ks_name(weight),
                      ks__shape_text(weight->graph, &weight->dims->shape, text), wanted);
}

static bool check_bias(ks_place at, const char *name, const ks_node *bias, int64_t columns)
{
    char wanted[32];
    snprintf(wanted, sizeof wanted, "[%lld]", (long long)columns);
    if (!bias)
        return true;
    return ks__usable(bias) && (has_shape(bias, -1, columns) || refuse_weight(at, name, bias, wanted));
}

bool ks__check_weights(ks_place at, const char *name, ks_node *x, const ks_recurrent_weights *weights, int gates, int64_t *hidden)
{
    ks_node *w = weights ? weights->w : NULL, *u = weights ? weights->u : NULL;
    if (!ks__usable(x) || !ks__usable(w) || !ks__usable(u))
        return false;
    char wanted[96];
    *hidden = ks__rank(u) == 2 ? u->dims->shape.dim[0] : -1;
    if (*hidden <= 0 || !has_shape(u, *hidden, gates * *hidden)) {
        snprintf(wanted, sizeof wanted, gates > 1 ? "[H, %d H], with H known" : "[H, H], with H known", gates);
        return refuse_weight(at, name, u, wanted);
    }
    int64_t in = ks__rank(x) ? x->dims->shape.dim[ks__rank(x) - 1] : KS_ANY, rows = ks__rank(w) == 2 ? w->dims->shape.dim[0] : 0;
    if (!has_shape(w, ks__dim_open(in) ? rows : in, gates * *hidden)) {
        if (ks__dim_open(in))
            snprintf(wanted, sizeof wanted, "[in, %lld]", (long long)(gates * *hidden));
        else
            snprintf(wanted, sizeof wanted, "[%lld, %lld]", (long long)in, (long long)(gates * *hidden));
        return refuse_weight(at, name, w, wanted);
    }
    return check_bias(at, name, weights->b, gates * *hidden) && check_bias(at, name, weights->c, gates * *hidden);
}

/* ---- gates --------------------------------------------------------------------------------------------- */

bool ks__split_gates(ks_place at, ks_node *x, int gates, int64_t hidden, ks_node **out)
{
    for (int g = 0; g < gates; g++) {
        out[g] = !x ? NULL : gates == 1 ? x : ks_slice_at(at, x, -1, g * hidden, (g + 1) * hidden);
        if (x && !out[g])
            return false;
    }
    return true;
}

ks_node *ks__add_given(ks_place at, ks_node *a, ks_node *b)
{
    return a && b ? ks_add_at(at, a, b) : a ? a : b;
}

/* x w + b + c: of the biases, those that are given. */
static ks_node *from_input(ks_place at, ks_node *x, const ks_recurrent_weights *weights, ks_node *other)
{
    ks_node *bias = ks__add_given(at, weights->b, other), *product = ks_matmul_at(at, x, weights->w);
    return product && bias ? ks_add_at(at, product, bias) : product;
}

/* ---- the cells ----------------------------------------------------------------------------------------- */

ks_node *ks__rnn_next(ks_place at, ks_node *gate, ks_rnn_activation activation)
{
    return activation == KS_RNN_RELU ? ks_relu_at(at, gate) : ks_tanh_at(at, gate);
}

ks_node *ks_rnn_cell_at(ks_place at, ks_node *x, ks_node *h, const ks_recurrent_weights *weights, ks_rnn_activation activation)
{
    int64_t hidden;
    if (!h || !ks__check_weights(at, "rnn_cell", x, weights, 1, &hidden))
        return NULL;
    ks_node *gate = ks_add_at(at, from_input(at, x, weights, weights->c), ks_matmul_at(at, h, weights->u));
    return ks__rnn_next(at, gate, activation);
}

bool ks__lstm_next(ks_place at, ks_node *const *gate, ks_node *c, ks_node **h_next, ks_node **c_next)
{
    ks_node *kept = ks_mul_at(at, ks_sigmoid_at(at, gate[1]), c);
    ks_node *new = ks_mul_at(at, ks_sigmoid_at(at, gate[0]), ks_tanh_at(at, gate[2]));
    *c_next = ks_add_at(at, kept, new);
    *h_next = ks_mul_at(at, ks_sigmoid_at(at, gate[3]), ks_tanh_at(at, *c_next));
    return *h_next != NULL;
}

bool ks_lstm_cell_at(ks_place at, ks_node *x, ks_node *h, ks_node *c, const ks_recurrent_weights *weights, ks_node **h_next,
                     ks_node **c_next)
{
    int64_t hidden;
    ks_node *gate[4];
    if (!h || !c || !h_next || !c_next || !ks__check_weights(at, "lstm_cell", x, weights, 4, &hidden))
        return false;
    ks_node *all = ks_add_at(at, from_input(at, x, weights, weights->c), ks_matmul_at(at, h, weights->u));
    return all && ks__split_gates(at, all, 4, hidden, gate) && ks__lstm_next(at, gate, c, h_next, c_next);
}

/* (1 - z) n + z h, with one product less. */
ks_node *ks__gru_next(ks_place at, ks_node *h, ks_node *z, ks_node *n)
{
    return ks_add_at(at, n, ks_mul_at(at, ks_sigmoid_at(at, z), ks_sub_at(at, h, n)));
}

static ks_node *reset_after(ks_place at, ks_node *x, ks_node *h, const ks_recurrent_weights *weights, int64_t hidden)
{
    ks_node *from_x[3], *from_h[3], *state = ks_matmul_at(at, h, weights->u);
    state = state && weights->c ? ks_add_at(at, state, weights->c) : state;
    if (!state || !ks__split_gates(at, from_input(at, x, weights, NULL), 3, hidden, from_x) ||
        !ks__split_gates(at, state, 3, hidden, from_h))
        return NULL;
    ks_node *r = ks_sigmoid_at(at, ks_add_at(at, from_x[0], from_h[0]));
    ks_node *n = ks_tanh_at(at, ks_add_at(at, from_x[2], ks_mul_at(at, r, from_h[2])));
    return ks__gru_next(at, h, ks_add_at(at, from_x[1], from_h[1]), n);
}

static ks_node *reset_before(ks_place at, ks_node *x, ks_node *h, const ks_recurrent_weights *weights, int64_t hidden)
{
    ks_node *from_x[3], *u = weights->u;
    ks_node *u_rz = ks_slice_at(at, u, 1, 0, 2 * hidden), *u_n = ks_slice_at(at, u, 1, 2 * hidden, 3 * hidden);
    ks_node *rz[2], *state = ks_matmul_at(at, h, u_rz);
    if (!state || !ks__split_gates(at, from_input(at, x, weights, weights->c), 3, hidden, from_x) ||
        !ks__split_gates(at, state, 2, hidden, rz))
        return NULL;
    ks_node *r = ks_sigmoid_at(at, ks_add_at(at, from_x[0], rz[0]));
    ks_node *n = ks_tanh_at(at, ks_add_at(at, from_x[2], ks_matmul_at(at, ks_mul_at(at, r, h), u_n)));
    return ks__gru_next(at, h, ks_add_at(at, from_x[1], rz[1]), n);
}

ks_node *ks_gru_cell_at(ks_place at, ks_node *x, ks_node *h, const ks_recurrent_weights *weights, ks_gru_form form)
{
    int64_t hidden;
    if (!h || !ks__check_weights(at, "gru_cell", x, weights, 3, &hidden))
        return NULL;
    return (form == KS_RESET_BEFORE ? reset_before : reset_after)(at, x, h, weights, hidden);
}
