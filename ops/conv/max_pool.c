/*
 * ops/conv/max_pool.c - max pooling: the largest of each window; its derivative goes to the element that was chosen.
 *
 * max_pool_grad adds u at the chosen places and max_pool_take takes what stands there: each is the transpose of the other, so derivatives
 * of any order are there. Both look the places up in x again; nothing is kept from the forward pass.
 */
#include "ops/conv/pool.h"
#include "engine/kernels/isa.h"

#include <keisan/ops/conv.h>
#include <keisan/ops/elementwise.h>
#include <math.h>

/* ---- the chosen places ----------------------------------------------------------------------------------- */

/*
 * The first of the greatest of each window; a NaN is the greatest. Rows of a window go from left to right, so a later one wins only if it
 * is greater. The chosen place is -1 if the window sees nothing.
 */
#define DEFINE_MAX(S, T)                                                                                                                   \
    static KS_INLINE int64_t chosen_##S(const T *x, const ks__window *w, ks__pool_span s0, ks__pool_span s1, ks__pool_span s2)             \
    {                                                                                                                                      \
        int64_t best = -1;                                                                                                                 \
        T most = 0;                                                                                                                        \
        for (int64_t i0 = 0; i0 < s0.count; i0++) {                                                                                        \
            for (int64_t i1 = 0; i1 < s1.count; i1++) {                                                                                    \
                int64_t at = ((s0.first + i0 * s0.step) * w->in[1] + s1.first + i1 * s1.step) * w->in[2] + s2.first;                       \
                for (int64_t i2 = 0; i2 < s2.count; i2++, at += s2.step) {                                                                 \
                    T v = x[at];                                                                                                           \
                    if (best < 0 || v > most || (v != v && most == most)) {                                                                \
                        best = at;                                                                                                         \
                        most = v;                                                                                                          \
                    }                                                                                                                      \
                }                                                                                                                          \
            }                                                                                                                              \
        }                                                                                                                                  \
        return best;                                                                                                                       \
    }                                                                                                                                      \
    static KS_INLINE void plane_##S(const ks__pooling *j, ks__pool_act what, int64_t plane)                                                \
    {                                                                                                                                      \
        const ks__window *w = &j->window;                                                                                                  \
        int64_t us = what == KS__POOL_ADD ? j->outs : what == KS__POOL_TAKE ? j->ins : 0;                                                  \
        const T *x = (const T *)j->x + plane * j->ins, *u = (const T *)j->u + plane * us;                                                  \
        T *y = (T *)j->call->out->data + plane * (what == KS__POOL_ADD ? j->ins : j->outs);                                                \
        if (what == KS__POOL_ADD)                                                                                                          \
            memset(y, 0, (size_t)j->ins * sizeof *y);                                                                                      \
        int64_t o = 0;                                                                                                                     \
        for (int64_t o0 = 0; o0 < w->out[0]; o0++) {                                                                                       \
            ks__pool_span s0 = ks__pool_sees(w, j->adaptive, 0, o0);                                                                       \
            for (int64_t o1 = 0; o1 < w->out[1]; o1++) {                                                                                   \
                ks__pool_span s1 = ks__pool_sees(w, j->adaptive, 1, o1);                                                                   \
                for (int64_t o2 = 0; o2 < w->out[2]; o2++, o++) {                                                                          \
                    int64_t at = chosen_##S(x, w, s0, s1, ks__pool_sees(w, j->adaptive, 2, o2));                                           \
                    if (what == KS__POOL_VALUE)                                                                                            \
                        y[o] = at < 0 ? -(T)INFINITY : x[at];                                                                              \
                    else if (what == KS__POOL_TAKE)                                                                                        \
                        y[o] = at < 0 ? 0 : u[at];                                                                                         \
                    else if (at >= 0)                                                                                                      \
                        y[at] += u[o];                                                                                                     \
                }                                                                                                                          \
            }                                                                                                                              \
        }                                                                                                                                  \
    }
DEFINE_MAX(f32, float)
DEFINE_MAX(f64, double)

#define DEFINE_TASK(ACT, S)                                                                                                                \
    static void ACT##_##S(void *payload, int64_t plane)                                                                                    \
    {                                                                                                                                      \
        if (ks__pool_are_pairs(payload))                                                                                                   \
            ks__pool_pairs(payload, KS__POOL_##ACT, plane);                                                                                \
        else                                                                                                                               \
            plane_##S(payload, KS__POOL_##ACT, plane);                                                                                     \
    }
DEFINE_TASK(VALUE, f32)
DEFINE_TASK(VALUE, f64)
DEFINE_TASK(ADD, f32)
DEFINE_TASK(ADD, f64)
DEFINE_TASK(TAKE, f32)
DEFINE_TASK(TAKE, f64)

static bool max_kernel(const ks_call *call, ks_failure *failure)
{
    (void)failure;
    return ks__pool_planes(call, &call->in[0], call->in[0].data, call->out->dtype == KS_F32 ? VALUE_f32 : VALUE_f64);
}

static bool grad_kernel(const ks_call *call, ks_failure *failure)
{
    (void)failure;
    return ks__pool_planes(call, &call->in[1], call->in[0].data, call->out->dtype == KS_F32 ? ADD_f32 : ADD_f64);
}

static bool take_kernel(const ks_call *call, ks_failure *failure)
{
    (void)failure;
    return ks__pool_planes(call, &call->in[1], call->in[0].data, call->out->dtype == KS_F32 ? TAKE_f32 : TAKE_f64);
}

/* ---- shapes and derivatives ------------------------------------------------------------------------------- */

static bool infer_max(ks_infer *infer)
{
    ks__window w;
    return ks__pool_window(infer, 0, infer->shape[0], infer->attrs, &w, &infer->out);
}

static bool infer_take(ks_infer *infer)
{
    ks__window w;
    return ks__pool_window(infer, 1, infer->shape[1], infer->attrs, &w, &infer->out) &&
           (ks__same_shapes(infer->graph, infer->shape[0], infer->shape[1]) ||
            ks_infer_fail(infer, KS_BAD_SHAPE, "both must have one shape: {0}, {1}"));
}

static ks_node *max_pullback(ks_node *y, int i, ks_node *u)
{
    (void)i;
    return ks__apply2(ks_node_place(y), &ks__op_max_pool_grad, u, ks__in(y, 0), ks__attrs(y));
}

/* Which element is chosen does not change with x, wherever there is a derivative. */
static ks_node *grad_pullback(ks_node *y, int i, ks_node *v)
{
    return i == 0 ? ks__apply2(ks_node_place(y), &ks__op_max_pool_take, v, ks__in(y, 1), ks__attrs(y)) : NULL;
}

static ks_node *take_pullback(ks_node *y, int i, ks_node *v)
{
    return i == 0 ? ks__apply2(ks_node_place(y), &ks__op_max_pool_grad, v, ks__in(y, 1), ks__attrs(y)) : NULL;
}

static ks_node *max_example(ks_graph *g)
{
    return ks_max_pool(ks__pool_image(g), KS_INTS(2), &(ks_window_options){.pads = KS_INTS(1, 0, 0, 1), .strides = KS_INTS(1, 2)});
}

static ks_node *grad_example(ks_graph *g)
{
    ks_node *y = max_example(g), *u = ks__given(g, "u", KS_SHAPE(1, 2, 3, 2), KS__VALUES(1, 2, -3, 4, 0.5, 1, -1, 2, 3, -4, 5, 0.25));
    return ks__apply2(KS_HERE, &ks__op_max_pool_grad, u, ks_stop_gradient(ks__in(y, 0)), ks__attrs(y));
}

static ks_node *take_example(ks_graph *g)
{
    ks_node *y = max_example(g), *x = ks__in(y, 0);
    return ks__apply2(KS_HERE, &ks__op_max_pool_take, x, ks_stop_gradient(ks_mul(x, ks_number(g, -1))), ks__attrs(y));
}

static ks_node *adaptive_example(ks_graph *g)
{
    return ks_adaptive_max_pool(ks__pool_image(g), KS_INTS(2));
}

/* ---- the operations ------------------------------------------------------------------------------------ */

static const ks_attr max_table[] = {KS__POOL_ATTRS, {0}};
static const ks_attr grad_table[] = {KS__POOL_ATTRS, KS__POOL_OUTPUT_SIZE(false), {0}};
static const ks_attr adaptive_table[] = {KS__POOL_OUTPUT_SIZE(true), {0}};

const ks_op ks__op_max_pool = {
    .size = sizeof(ks_op),
    .name = "max_pool",
    .formula = "y[n, c, o] = the greatest x[n, c, o s + i d - p] over i in the window",
    .doc = "The greatest element of each window of x [N, C, spatial...], channel by channel. Windows begin strides apart; y has (size + "
           "pads - dilation (kernel - 1) - 1) / stride + 1 elements along an axis, rounded down, or up with ceil_mode, where a window "
           "must begin in x or in the padding before it. Padding is minus infinity and is never chosen. A NaN is greater than all. The "
           "derivative goes to the element that was chosen; of equal ones that is the first, row by row.",
    .types = "T>T",
    .inputs = "x",
    .attrs = max_table,
    .attrs_size = sizeof(ks__window_attrs),
    .defaults = &ks__window_defaults,
    .infer = infer_max,
    .kernel = max_kernel,
    .pullback = max_pullback,
    .derivative = "max_pool_grad(u, x)",
    .onnx = "MaxPool",
    .example = max_example,
};

const ks_op ks__op_max_pool_grad = {
    .size = sizeof(ks_op),
    .name = "max_pool_grad",
    .formula = "y[n, c, j] = the sum of u[n, c, o] over the windows o whose greatest x is at j",
    .doc = "The derivative of max_pool, and with output_size of adaptive_max_pool: each element of u is added where the greatest element "
           "of its window of x stands, the first of equal ones. Linear in u; where x has a derivative at all it is zero.",
    .types = "TT>T",
    .inputs = "u x",
    .flags = KS_OP_LINEAR,
    .attrs = grad_table,
    .attrs_size = sizeof(ks__window_attrs),
    .defaults = &ks__window_defaults,
    .infer = ks__pool_infer_grad,
    .kernel = grad_kernel,
    .pullback = grad_pullback,
    .derivative = "max_pool_take(v, x), with v upstream; none",
    .example = grad_example,
};

const ks_op ks__op_max_pool_take = {
    .size = sizeof(ks_op),
    .name = "max_pool_take",
    .formula = "y[n, c, o] = v[n, c, where x is greatest in window o]",
    .doc = "Takes from v, of x's shape, what stands where max_pool (with output_size: adaptive_max_pool) chooses from x: the transpose "
           "of max_pool_grad.",
    .types = "TT>T",
    .inputs = "v x",
    .flags = KS_OP_LINEAR,
    .attrs = grad_table,
    .attrs_size = sizeof(ks__window_attrs),
    .defaults = &ks__window_defaults,
    .infer = infer_take,
    .kernel = take_kernel,
    .pullback = take_pullback,
    .derivative = "max_pool_grad(u, x); none",
    .example = take_example,
};

const ks_op ks__op_adaptive_max_pool = {
    .size = sizeof(ks_op),
    .name = "adaptive_max_pool",
    .formula = "y[n, c, o] = the greatest of x[n, c, floor(o in / out) .. ceil((o + 1) in / out) - 1]",
    .doc = "The greatest element of windows that are chosen so that the result has a given size, whatever the size of x [N, C, "
           "spatial...]: along an axis window o goes from floor(o in / out) up to ceil((o + 1) in / out). The rule is PyTorch's. Of "
           "equal elements the first is chosen; a NaN is greater than all.",
    .types = "T>T",
    .inputs = "x",
    .attrs = adaptive_table,
    .attrs_size = sizeof(ks__window_attrs),
    .defaults = &ks__window_defaults,
    .infer = infer_max,
    .kernel = max_kernel,
    .pullback = max_pullback,
    .derivative = "max_pool_grad(u, x)",
    .example = adaptive_example,
};
