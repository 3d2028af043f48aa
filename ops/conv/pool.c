/*
 * ops/conv/pool.c - average pooling, and what it shares with max_pool.c: the shapes, and planes as tasks.
 *
 * Its transpose is an operation with the same attributes, so derivatives of any order are there. Windows that slide and windows that are
 * adapted to a size differ only in what each of them sees.
 */
#include "ops/conv/pool.h"

#include <keisan/ops/conv.h>
#include <keisan/ops/elementwise.h>
#include <keisan/ops/reduce.h>

/* ---- shapes -------------------------------------------------------------------------------------------- */

static bool adaptive_window(ks_infer *infer, int which, const ks_shape *x, const ks_ints *size, ks__window *w)
{
    int axes = x->rank - 2;
    if (infer && size->count > 1 && size->count != axes)
        return ks_infer_fail(infer, KS_BAD_ARGUMENT, "output_size has %d numbers, but there are %d spatial axes: give %d, or one for all",
                             size->count, axes, axes);
    *w = (ks__window){.axes = axes, .in = {1, 1, 1}, .out = {1, 1, 1}, .kernel = {1, 1, 1}, .stride = {1, 1, 1}, .dilation = {1, 1, 1}};
    for (int i = 0; i < axes; i++) {
        int a = 3 - axes + i;
        w->in[a] = x->dim[2 + i];
        w->out[a] = ks__window_pick(size, axes, i, 1);
        if (infer && (w->out[a] < 1 || w->out[a] > INT32_MAX))
            return ks_infer_fail(infer, KS_BAD_ARGUMENT, "output_size has a %lld: its numbers are from 1 to 2^31 - 1",
                                 (long long)w->out[a]);
        if (infer && w->in[a] == 0)
            return ks_infer_fail(infer, KS_BAD_SHAPE, "spatial axis %d is empty, so there is nothing to pool: {%d}", i, which);
    }
    return true;
}

bool ks__pool_window(ks_infer *infer, int which, const ks_shape *x, const ks__window_attrs *attrs, ks__window *w, ks_shape *y)
{
    if (infer && !ks__window_rank(infer, which))
        return false;
    if (attrs->output_size.count > 0) {
        if (!adaptive_window(infer, which, x, &attrs->output_size, w))
            return false;
    } else if (!ks__window_of(infer, which, x, NULL, attrs, w)) {
        return false;
    }
    for (int a = 0; infer && attrs->output_size.count <= 0 && a < 3; a++) {
        int64_t reach = (w->kernel[a] - 1) * w->dilation[a] + 1;
        if (w->before[a] >= reach || w->after[a] >= reach)
            return ks_infer_fail(infer, KS_BAD_ARGUMENT,
                                 "padding of %lld + %lld is not less than the window, which is %lld long: some would see nothing",
                                 (long long)w->before[a], (long long)w->after[a], (long long)reach);
    }
    *y = *x;
    ks__window_shape(w, y);
    return true;
}

static bool infer_pool(ks_infer *infer)
{
    ks__window w;
    return ks__pool_window(infer, 0, infer->shape[0], infer->attrs, &w, &infer->out);
}

bool ks__pool_infer_grad(ks_infer *infer)
{
    ks__window w;
    ks_shape y = KS_SCALAR;
    if (!ks__pool_window(infer, 1, infer->shape[1], infer->attrs, &w, &y))
        return false;
    infer->out = *infer->shape[1];
    return ks__same_shapes(infer->graph, &y, infer->shape[0]) ||
           ks_infer_fail(infer, KS_BAD_SHAPE, "the first is not what pooling makes of the second: {0}, {1}");
}

/* ---- planes -------------------------------------------------------------------------------------------- */

bool ks__pool_planes(const ks_call *call, const ks_tensor *x, const void *u, ks_task_fn task)
{
    const ks__window_attrs *attrs = call->attrs;
    ks_shape y;
    ks__pooling j = {.call = call, .adaptive = attrs->output_size.count > 0, .count_pad = attrs->count_include_pad, .u = u, .x = x->data};
    ks__pool_window(NULL, 0, x->shape, attrs, &j.window, &y);
    j.ins = j.window.in[0] * j.window.in[1] * j.window.in[2];
    j.outs = j.window.out[0] * j.window.out[1] * j.window.out[2];
    ks__each(call, y.dim[0] * y.dim[1] * (j.ins + j.outs), y.dim[0] * y.dim[1], task, &j);
    return true;
}

/* ---- averages ------------------------------------------------------------------------------------------ */

/* By how much the sum over a window is divided. */
static int64_t divisor(const ks__pooling *j, ks__pool_span s0, ks__pool_span s1, ks__pool_span s2)
{
    return j->count_pad ? s0.padded * s1.padded * s2.padded : s0.count * s1.count * s2.count;
}

/* Visits each window of a plane with its spans and the position o of its output. */
#define EACH_WINDOW(J)                                                                                                                     \
    int64_t o = 0;                                                                                                                         \
    const ks__window *w = &(J)->window;                                                                                                    \
    for (int64_t o0 = 0; o0 < w->out[0]; o0++)                                                                                             \
        for (int64_t o1 = 0; o1 < w->out[1]; o1++)                                                                                         \
            for (int64_t o2 = 0; o2 < w->out[2]; o2++, o++)

#define SPANS(J)                                                                                                                           \
    ks__pool_span s0 = ks__pool_sees(w, (J)->adaptive, 0, o0), s1 = ks__pool_sees(w, (J)->adaptive, 1, o1),                                \
                  s2 = ks__pool_sees(w, (J)->adaptive, 2, o2)

/* Visits what a window sees: `at` is the position in the plane. */
#define EACH_SEEN                                                                                                                          \
    for (int64_t i0 = 0; i0 < s0.count; i0++)                                                                                              \
        for (int64_t i1 = 0; i1 < s1.count; i1++)                                                                                          \
            for (int64_t i2 = 0, at = ((s0.first + i0 * s0.step) * w->in[1] + s1.first + i1 * s1.step) * w->in[2] + s2.first;              \
                 i2 < s2.count; i2++, at += s2.step)

#define DEFINE_AVERAGE(S, T)                                                                                                               \
    static void average_##S(void *payload, int64_t plane)                                                                                  \
    {                                                                                                                                      \
        const ks__pooling *j = payload;                                                                                                    \
        const T *x = (const T *)j->x + plane * j->ins;                                                                                     \
        T *y = (T *)j->call->out->data + plane * j->outs;                                                                                  \
        EACH_WINDOW(j)                                                                                                                     \
        {                                                                                                                                  \
            SPANS(j);                                                                                                                      \
            T sum = 0;                                                                                                                     \
            EACH_SEEN                                                                                                                      \
            sum += x[at];                                                                                                                  \
            y[o] = sum / (T)divisor(j, s0, s1, s2);                                                                                        \
        }                                                                                                                                  \
    }                                                                                                                                      \
    static void spread_##S(void *payload, int64_t plane)                                                                                   \
    {                                                                                                                                      \
        const ks__pooling *j = payload;                                                                                                    \
        const T *u = (const T *)j->u + plane * j->outs;                                                                                    \
        T *x = (T *)j->call->out->data + plane * j->ins;                                                                                   \
        memset(x, 0, (size_t)j->ins * sizeof *x);                                                                                          \
        EACH_WINDOW(j)                                                                                                                     \
        {                                                                                                                                  \
            SPANS(j);                                                                                                                      \
            T part = u[o] / (T)divisor(j, s0, s1, s2);                                                                                     \
            EACH_SEEN                                                                                                                      \
            x[at] += part;                                                                                                                 \
        }                                                                                                                                  \
    }
DEFINE_AVERAGE(f32, float)
DEFINE_AVERAGE(f64, double)

static bool average_kernel(const ks_call *call, ks_failure *failure)
{
    (void)failure;
    return ks__pool_planes(call, &call->in[0], NULL, call->out->dtype == KS_F32 ? average_f32 : average_f64);
}

static bool spread_kernel(const ks_call *call, ks_failure *failure)
{
    (void)failure;
    return ks__pool_planes(call, call->out, call->in[0].data, call->out->dtype == KS_F32 ? spread_f32 : spread_f64);
}

static ks_node *average_pullback(ks_node *y, int i, ks_node *u)
{
    (void)i;
    return ks__apply2(ks_node_place(y), &ks__op_average_pool_grad, u, ks__in(y, 0), ks__attrs(y));
}

static ks_node *spread_pullback(ks_node *y, int i, ks_node *v)
{
    const ks__window_attrs *attrs = ks__attrs(y);
    const ks_op *op = attrs->output_size.count > 0 ? &ks__op_adaptive_average_pool : &ks__op_average_pool;
    return i == 0 ? ks__apply1(ks_node_place(y), op, v, attrs) : NULL;
}

ks_node *ks__pool_image(ks_graph *g)
{
    return ks__given(g, "x", KS_SHAPE(1, 2, 3, 3), KS__VALUES(1, -2, 3, 0.5, 4, -1, 2, 0.25, -3, 1.5, 2, -0.5, 3, 1, -2, 0.75, -1, 2.5));
}

static ks_node *average_example(ks_graph *g)
{
    return ks_average_pool(ks__pool_image(g), KS_INTS(2), &(ks_window_options){.pads = KS_INTS(1, 0, 0, 1), .strides = KS_INTS(1, 2)});
}

static ks_node *spread_example(ks_graph *g)
{
    ks_node *y = average_example(g), *u = ks__given(g, "u", KS_SHAPE(1, 2, 3, 2), KS__VALUES(1, 2, -3, 4, 0.5, 1, -1, 2, 3, -4, 5, 0.25));
    return ks__apply2(KS_HERE, &ks__op_average_pool_grad, u, ks_stop_gradient(ks__in(y, 0)), ks__attrs(y));
}

static ks_node *adaptive_example(ks_graph *g)
{
    return ks_adaptive_average_pool(ks__pool_image(g), KS_INTS(2));
}

static const ks_attr average_table[] = {
    KS__POOL_ATTRS,
    KS__WINDOW_FIELD(count_include_pad, KS_ATTR_BOOL, false, "whether padding counts as elements that are 0; default false"),
    {0},
};
static const ks_attr grad_table[] = {
    KS__POOL_ATTRS,
    KS__WINDOW_FIELD(count_include_pad, KS_ATTR_BOOL, false, "whether padding counts as elements that are 0; default false"),
    KS__POOL_OUTPUT_SIZE(false),
    {0},
};
static const ks_attr adaptive_table[] = {KS__POOL_OUTPUT_SIZE(true), {0}};

const ks_op ks__op_average_pool = {
    .size = sizeof(ks_op),
    .name = "average_pool",
    .formula = "y[n, c, o] = the mean of x[n, c, o s + i d - p] over i in the window",
    .doc = "The mean of each window of x [N, C, spatial...], channel by channel. Windows begin strides apart; y has (size + pads - "
           "dilation (kernel - 1) - 1) / stride + 1 elements along an axis, rounded down, or up with ceil_mode, where a window must "
           "begin in x or in the padding before it. Padding is left out of the mean, or counts as zeros with count_include_pad.",
    .types = "T>T",
    .inputs = "x",
    .flags = KS_OP_LINEAR,
    .attrs = average_table,
    .attrs_size = sizeof(ks__window_attrs),
    .defaults = &ks__window_defaults,
    .infer = infer_pool,
    .kernel = average_kernel,
    .pullback = average_pullback,
    .derivative = "average_pool_grad(u, x)",
    .onnx = "AveragePool",
    .example = average_example,
};

const ks_op ks__op_average_pool_grad = {
    .size = sizeof(ks_op),
    .name = "average_pool_grad",
    .formula = "y[n, c, j] = the sum of u[n, c, o] / size of window o over the windows that see j",
    .doc = "The transpose of average_pool, and with output_size of adaptive_average_pool: each element of u is shared out among those "
           "that its window sees. Of like only the shape is taken.",
    .types = "TS>T",
    .inputs = "u like",
    .flags = KS_OP_LINEAR,
    .attrs = grad_table,
    .attrs_size = sizeof(ks__window_attrs),
    .defaults = &ks__window_defaults,
    .infer = ks__pool_infer_grad,
    .kernel = spread_kernel,
    .pullback = spread_pullback,
    .derivative = "average_pool(v), with v upstream",
    .example = spread_example,
};

const ks_op ks__op_adaptive_average_pool = {
    .size = sizeof(ks_op),
    .name = "adaptive_average_pool",
    .formula = "y[n, c, o] = the mean of x[n, c, floor(o in / out) .. ceil((o + 1) in / out) - 1]",
    .doc = "The mean over windows that are chosen so that the result has a given size, whatever the size of x [N, C, spatial...]: along "
           "an axis window o goes from floor(o in / out) up to ceil((o + 1) in / out), and neighbours may overlap by one. The rule is "
           "PyTorch's.",
    .types = "T>T",
    .inputs = "x",
    .flags = KS_OP_LINEAR,
    .attrs = adaptive_table,
    .attrs_size = sizeof(ks__window_attrs),
    .defaults = &ks__window_defaults,
    .infer = infer_pool,
    .kernel = average_kernel,
    .pullback = average_pullback,
    .derivative = "average_pool_grad(u, x)",
    .example = adaptive_example,
};

/* ---- builders ------------------------------------------------------------------------------------------ */

static ks__window_attrs pool_attrs(const ks_window_options *options, const ks_ints *kernel)
{
    ks__window_attrs attrs = ks__window_attrs_of(options, kernel);
    ks__set_ints(&attrs.output_padding, &KS_ABSENT);
    attrs.groups = 1;
    return attrs;
}

ks_node *ks_average_pool_at(ks_place at, ks_node *x, ks_ints kernel, const ks_window_options *options)
{
    ks__window_attrs attrs = pool_attrs(options, &kernel);
    return ks__apply1(at, &ks__op_average_pool, x, &attrs);
}

ks_node *ks_max_pool_at(ks_place at, ks_node *x, ks_ints kernel, const ks_window_options *options)
{
    ks__window_attrs attrs = pool_attrs(options, &kernel);
    attrs.count_include_pad = false;
    return ks__apply1(at, &ks__op_max_pool, x, &attrs);
}

static ks_node *adaptive(ks_place at, const ks_op *op, ks_node *x, const ks_ints *size)
{
    ks__window_attrs attrs = ks__window_defaults;
    ks__set_ints(&attrs.output_size, size->count > 0 ? size : &KS_INTS(1));
    return ks__apply1(at, op, x, &attrs);
}

ks_node *ks_adaptive_average_pool_at(ks_place at, ks_node *x, ks_ints output_size)
{
    return adaptive(at, &ks__op_adaptive_average_pool, x, &output_size);
}

ks_node *ks_adaptive_max_pool_at(ks_place at, ks_node *x, ks_ints output_size)
{
    return adaptive(at, &ks__op_adaptive_max_pool, x, &output_size);
}

/* The axes behind the first two. */
static ks_ints spatial(const ks_node *x)
{
    ks_ints axes = {.count = 0};
    for (int i = 2; x && i < ks__rank(x); i++)
        axes.at[axes.count++] = i;
    return axes;
}

ks_node *ks_global_average_pool_at(ks_place at, ks_node *x)
{
    return ks_mean_at(at, x, spatial(x), true);
}

ks_node *ks_global_max_pool_at(ks_place at, ks_node *x)
{
    return ks_max_at(at, x, spatial(x), true);
}
