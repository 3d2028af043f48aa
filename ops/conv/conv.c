/*
 * ops/conv/conv.c - convolution and its transposes: conv, conv_input_grad, conv_weight_grad, conv_transpose.
 *
 * A convolution is linear in x and in w, so three operations are closed under differentiation: y from x and w, x's part from y's and w, w's
 * part from y's and x. conv_transpose is the second one with a size of its own. The loops are in engine/kernels/conv.c.
 */
#include "ops/conv/window.h"
#include "engine/kernels/conv.h"

#include <keisan/ops/conv.h>
#include <keisan/ops/elementwise.h>
#include <keisan/ops/shape.h>

static const ks_attr conv_table[] = {
    KS__WINDOW_STRIDES, KS__WINDOW_PADS, KS__WINDOW_DILATIONS, KS__WINDOW_AUTO_PAD, KS__WINDOW_GROUPS, {0},
};

static const ks_attr transpose_table[] = {
    KS__WINDOW_STRIDES,
    KS__WINDOW_PADS,
    KS__WINDOW_DILATIONS,
    KS__WINDOW_GROUPS,
    KS__WINDOW_FIELD(output_padding, KS_ATTR_INTS, false, "how much longer the result is, less than the stride; default 0"),
    {0},
};

/* ---- shapes -------------------------------------------------------------------------------------------- */

/* Whether filters w fit `groups` and, where given, `channels` on the side of x. */
static bool check_filters(ks_infer *infer, const ks__window_attrs *attrs, int xi, int wi)
{
    const ks_shape *x = infer->shape[xi], *w = infer->shape[wi];
    if (!ks__window_rank(infer, xi))
        return false;
    if (w->rank != x->rank)
        return ks_infer_fail(infer, KS_BAD_SHAPE, "filters have as many dimensions as what they slide over: {%d}, {%d}", xi, wi);
    if (attrs->groups < 1)
        return ks_infer_fail(infer, KS_BAD_ARGUMENT, "groups is %lld: there is at least one", (long long)attrs->groups);
    if (!ks__dim_open(w->dim[0]) && w->dim[0] % attrs->groups)
        return ks_infer_fail(infer, KS_BAD_SHAPE, "the %lld filters do not divide into %lld groups: {%d}", (long long)w->dim[0],
                             (long long)attrs->groups, wi);
    return true;
}

/* The shape of y from x and w. */
static bool conv_shape(ks_infer *infer, int xi, int wi, ks_shape *y)
{
    const ks__window_attrs *attrs = infer->attrs;
    const ks_shape *x = infer->shape[xi], *w = infer->shape[wi];
    ks__window window;
    if (!check_filters(infer, attrs, xi, wi))
        return false;
    int64_t channels = x->dim[1], of_group = w->dim[1];
    if (!ks__dim_open(channels) && channels % attrs->groups)
        return ks_infer_fail(infer, KS_BAD_SHAPE, "the %lld channels do not divide into %lld groups: {%d}", (long long)channels,
                             (long long)attrs->groups, xi);
    if (!ks__dim_open(channels) && !ks__dim_open(of_group) && channels / attrs->groups != of_group)
        return ks_infer_fail(infer, KS_BAD_SHAPE, "filters for %lld channels meet %lld channels in %lld group%s: {%d}, {%d}",
                             (long long)of_group, (long long)channels, (long long)attrs->groups, attrs->groups == 1 ? "" : "s", xi, wi);
    if (!ks__window_of(infer, xi, x, w->dim + 2, attrs, &window))
        return false;
    *y = *x;
    y->dim[1] = w->dim[0];
    ks__window_shape(&window, y);
    return true;
}

static bool infer_conv(ks_infer *infer)
{
    return conv_shape(infer, 0, 1, &infer->out);
}

static bool infer_input_grad(ks_infer *infer)
{
    ks_shape y = KS_SCALAR;
    if (!conv_shape(infer, 2, 1, &y))
        return false;
    infer->out = *infer->shape[2];
    return ks__same_shapes(infer->graph, &y, infer->shape[0]) ||
           ks_infer_fail(infer, KS_BAD_SHAPE, "the first is not what the second makes of the third: {0}, {1}, {2}");
}

static bool infer_weight_grad(ks_infer *infer)
{
    ks_shape y = KS_SCALAR;
    if (!conv_shape(infer, 1, 2, &y))
        return false;
    infer->out = *infer->shape[2];
    return ks__same_shapes(infer->graph, &y, infer->shape[0]) ||
           ks_infer_fail(infer, KS_BAD_SHAPE, "the first is not what the third makes of the second: {0}, {1}, {2}");
}

/* A spatial size of the transpose; negative if nothing is left. */
static int64_t transposed(const ks__window *w, int a, int64_t more)
{
    return (w->in[a] - 1) * w->stride[a] - w->before[a] - w->after[a] + (w->kernel[a] - 1) * w->dilation[a] + 1 + more;
}

static bool infer_transpose(ks_infer *infer)
{
    const ks__window_attrs *attrs = infer->attrs;
    const ks_shape *x = infer->shape[0], *w = infer->shape[1];
    ks__window window;
    ks__window_attrs loose = *attrs; /* the windows slide over the result: here only the numbers are read */
    loose.auto_pad = KS_SAME_UPPER;
    if (!check_filters(infer, attrs, 0, 1))
        return false;
    if (attrs->auto_pad)
        return ks_infer_fail(infer, KS_BAD_ARGUMENT, "auto_pad is for convolutions that go forward: give pads and output_padding");
    int64_t same;
    if (!ks__dim_same(infer->graph, x->dim[1], w->dim[0], &same))
        return ks_infer_fail(infer, KS_BAD_SHAPE, "there must be a filter for each channel: {0}, {1}");
    if (!ks__window_of(infer, 0, x, w->dim + 2, &loose, &window) || !ks__window_of(NULL, 0, x, w->dim + 2, attrs, &window))
        return false;
    infer->out = *x;
    infer->out.dim[1] = ks__dim_open(w->dim[1]) ? KS_ANY : w->dim[1] * attrs->groups;
    for (int i = 0; i < window.axes; i++) {
        int a = 3 - window.axes + i;
        int64_t more = ks__window_pick(&attrs->output_padding, window.axes, i, 0), *out = &infer->out.dim[2 + i];
        if (more >= window.stride[a])
            return ks_infer_fail(infer, KS_BAD_ARGUMENT, "output_padding %lld is not less than the stride %lld of spatial axis %d",
                                 (long long)more, (long long)window.stride[a], i);
        *out = ks__dim_open(window.in[a]) || ks__dim_open(window.kernel[a]) ? KS_ANY : transposed(&window, a, more);
        if (*out < 0 && *out != KS_ANY)
            return ks_infer_fail(infer, KS_BAD_SHAPE, "pads %lld + %lld take more than there is along spatial axis %d: {0}, {1}",
                                 (long long)window.before[a], (long long)window.after[a], i);
    }
    return true;
}

/* ---- kernels ------------------------------------------------------------------------------------------- */

/* The problem over x, w and y. A transpose's windows lie over its result, whose size need not be read off the pads. */
static ks__conv problem(const ks_call *call, const ks_tensor *x, const ks_tensor *w, const ks_tensor *y)
{
    const ks__window_attrs *attrs = call->attrs;
    ks__window window;
    ks__conv c = {.dtype = call->out->dtype, .isa = call->isa, .images = x->shape->dim[0], .groups = attrs->groups};
    ks__window_of(NULL, 0, x->shape, w->shape->dim + 2, attrs, &window);
    c.rows = w->shape->dim[0] / attrs->groups;
    c.channels = w->shape->dim[1];
    for (int a = 0; a < 3; a++) {
        int i = a - (3 - window.axes);
        c.in[a] = window.in[a];
        c.out[a] = i < 0 ? 1 : y->shape->dim[2 + i];
        c.kernel[a] = window.kernel[a];
        c.stride[a] = window.stride[a];
        c.before[a] = window.before[a];
        c.dilation[a] = window.dilation[a];
    }
    return c;
}

static void run(const ks_call *call, const ks__conv *c, ks__conv_kind kind, const ks_tensor *x, const ks_tensor *w, const ks_tensor *y)
{
    ks__conv_run(c, kind, x->data, w->data, y->data, call->scratch, call->parallel_for, call->parallel_user);
}

#define KERNEL(NAME, KIND, X, W, Y)                                                                                                        \
    static size_t NAME##_scratch(const ks_call *call)                                                                                      \
    {                                                                                                                                      \
        ks__conv c = problem(call, X, W, Y);                                                                                               \
        return ks__conv_scratch(&c, KIND);                                                                                                 \
    }                                                                                                                                      \
    static bool NAME##_kernel(const ks_call *call, ks_failure *failure)                                                                    \
    {                                                                                                                                      \
        ks__conv c = problem(call, X, W, Y);                                                                                               \
        (void)failure;                                                                                                                     \
        run(call, &c, KIND, X, W, Y);                                                                                                      \
        return true;                                                                                                                       \
    }

KERNEL(conv, KS__CONV_Y, &call->in[0], &call->in[1], call->out)
KERNEL(input_grad, KS__CONV_X, call->out, &call->in[1], &call->in[0])
KERNEL(weight_grad, KS__CONV_W, &call->in[1], call->out, &call->in[0])

/* ---- derivatives --------------------------------------------------------------------------------------- */

static ks_node *conv(ks_node *at, ks_node *x, ks_node *w, const void *attrs)
{
    return ks__apply2(ks_node_place(at), &ks__op_conv, x, w, attrs);
}

static ks_node *input_grad(ks_node *at, ks_node *u, ks_node *w, ks_node *x, const void *attrs)
{
    return ks__apply3(ks_node_place(at), &ks__op_conv_input_grad, u, w, x, attrs);
}

static ks_node *weight_grad(ks_node *at, ks_node *u, ks_node *x, ks_node *w, const void *attrs)
{
    return ks__apply3(ks_node_place(at), &ks__op_conv_weight_grad, u, x, w, attrs);
}

static ks_node *conv_pullback(ks_node *y, int i, ks_node *u)
{
    ks_node *x = ks__in(y, 0), *w = ks__in(y, 1);
    return i == 0 ? input_grad(y, u, w, x, ks__attrs(y)) : weight_grad(y, u, x, w, ks__attrs(y));
}

/* y is [u, w, like x] -> x */
static ks_node *input_grad_pullback(ks_node *y, int i, ks_node *v)
{
    ks_node *u = ks__in(y, 0), *w = ks__in(y, 1);
    return i == 0 ? conv(y, v, w, ks__attrs(y)) : i == 1 ? weight_grad(y, u, v, w, ks__attrs(y)) : NULL;
}

/* y is [u, x, like w] -> w */
static ks_node *weight_grad_pullback(ks_node *y, int i, ks_node *v)
{
    ks_node *u = ks__in(y, 0), *x = ks__in(y, 1);
    return i == 0 ? conv(y, x, v, ks__attrs(y)) : i == 1 ? input_grad(y, u, v, x, ks__attrs(y)) : NULL;
}

static ks_node *transpose_pullback(ks_node *y, int i, ks_node *u)
{
    ks__window_attrs attrs = *(const ks__window_attrs *)ks__attrs(y);
    ks__set_ints(&attrs.output_padding, &KS_ABSENT);
    ks_node *x = ks__in(y, 0), *w = ks__in(y, 1);
    return i == 0 ? conv(y, u, w, &attrs) : weight_grad(y, x, u, w, &attrs);
}

/* ---- the operations ------------------------------------------------------------------------------------ */

static ks_node *some_x(ks_graph *g)
{
    return ks__given(g, "x", KS_SHAPE(1, 2, 3, 3), KS__VALUES(1, -2, 3, 0.5, 4, -1, 2, 0.25, -3, 1.5, 2, -0.5, 3, 1, -2, 0.75, -1, 2.5));
}

static ks_node *some_w(ks_graph *g)
{
    return ks__given(g, "w", KS_SHAPE(2, 2, 2, 2), KS__VALUES(1, 0.5, -1, 2, 0.25, -2, 3, 1, -0.5, 1.5, 2, -1, 1, 0.75, -3, 0.5));
}

static ks_node *some_u(ks_graph *g)
{
    return ks__given(g, "u", KS_SHAPE(1, 2, 2, 2), KS__VALUES(2, -1, 0.5, 3, 1, 4, -2, 0.25));
}

/* Windows of 2 x 2 at a stride of 2 over 3 x 3 and one more before */
static ks__window_attrs some_attrs(void)
{
    return ks__window_attrs_of(&(ks_window_options){.strides = KS_INTS(2, 2), .pads = KS_INTS(1, 1, 0, 0)}, NULL);
}

static ks_node *conv_example(ks_graph *g)
{
    ks__window_attrs attrs = some_attrs();
    return ks__apply2(KS_HERE, &ks__op_conv, some_x(g), some_w(g), &attrs);
}

static ks_node *input_grad_example(ks_graph *g)
{
    ks__window_attrs attrs = some_attrs();
    return ks__apply3(KS_HERE, &ks__op_conv_input_grad, some_u(g), some_w(g), ks_stop_gradient(some_x(g)), &attrs);
}

static ks_node *weight_grad_example(ks_graph *g)
{
    ks__window_attrs attrs = some_attrs();
    return ks__apply3(KS_HERE, &ks__op_conv_weight_grad, some_u(g), some_x(g), ks_stop_gradient(some_w(g)), &attrs);
}

static ks_node *transpose_example(ks_graph *g)
{
    return ks_conv_transpose(some_u(g), some_w(g), NULL,
                             &(ks_window_options){.strides = KS_INTS(2), .pads = KS_INTS(1), .output_padding = KS_INTS(1, 0)});
}

const ks_op ks__op_conv = {
    .size = sizeof(ks_op),
    .name = "conv",
    .formula = "y[n, m, o] = sum over c, i of w[m, c, i] x[n, c, o s + i d - p]",
    .doc = "Convolution (without turning the filters round, as is usual in networks) over one, two or three spatial axes: x [N, C, "
           "spatial...] and filters w [M, C / groups, kernel...] give y [N, M, ...]. Windows begin strides s apart, their elements lie "
           "dilations d apart, and x is taken to be 0 beyond its edges, where pads p are put: y has (size + pads - d (kernel - 1) - 1) / "
           "s + 1 elements along an axis, rounded down. With groups the channels and the filters are cut into as many parts, and each "
           "part of the filters sees its part of the channels: as many groups as channels is a depthwise convolution. N and the spatial "
           "sizes may be open. ks_conv adds a bias, as an addition that joins what follows it. Whether an infinity or NaN among the "
           "filters counts where its element of a window lies over padding is not said: the padding may be left out or be zeros.",
    .types = "TT>T",
    .inputs = "x w",
    .flags = KS_OP_LINEAR | KS_OP_PRODUCT,
    .attrs = conv_table,
    .attrs_size = sizeof(ks__window_attrs),
    .defaults = &ks__window_defaults,
    .infer = infer_conv,
    .kernel = conv_kernel,
    .scratch = conv_scratch,
    .pullback = conv_pullback,
    .derivative = "conv_input_grad(u, w, x); conv_weight_grad(u, x, w)",
    .onnx = "Conv",
    .example = conv_example,
};

const ks_op ks__op_conv_input_grad = {
    .size = sizeof(ks_op),
    .name = "conv_input_grad",
    .formula = "y[n, c, j] = sum over m, i, o with o s + i d - p = j of w[m, c, i] u[n, m, o]",
    .doc = "The transpose of conv as a function of its input: what reaches x of a conv with these filters and attributes from u, the "
           "derivative of its result. Of like only the shape is taken, which is that of x.",
    .types = "TTS>T",
    .inputs = "u w like",
    .flags = KS_OP_LINEAR | KS_OP_PRODUCT,
    .attrs = conv_table,
    .attrs_size = sizeof(ks__window_attrs),
    .defaults = &ks__window_defaults,
    .infer = infer_input_grad,
    .kernel = input_grad_kernel,
    .scratch = input_grad_scratch,
    .pullback = input_grad_pullback,
    .derivative = "conv(v, w); conv_weight_grad(u, v, w), with v upstream",
    .example = input_grad_example,
};

const ks_op ks__op_conv_weight_grad = {
    .size = sizeof(ks_op),
    .name = "conv_weight_grad",
    .formula = "y[m, c, i] = sum over n, o of u[n, m, o] x[n, c, o s + i d - p]",
    .doc = "The transpose of conv as a function of its filters: what reaches w of a conv over x with these attributes from u, the "
           "derivative of its result. Of like only the shape is taken, which is that of w. Partial sums are cut by sizes only, so the "
           "bits do not depend on the threads. An infinity or NaN in x may spread to elements of the result that do not meet it: where "
           "rows of x lie end to end in a sum, what is between the outputs of two rows is weighted with zero, and 0 times it is NaN.",
    .types = "TTS>T",
    .inputs = "u x like",
    .flags = KS_OP_LINEAR | KS_OP_PRODUCT,
    .attrs = conv_table,
    .attrs_size = sizeof(ks__window_attrs),
    .defaults = &ks__window_defaults,
    .infer = infer_weight_grad,
    .kernel = weight_grad_kernel,
    .scratch = weight_grad_scratch,
    .pullback = weight_grad_pullback,
    .derivative = "conv(x, v); conv_input_grad(u, v, x), with v upstream",
    .example = weight_grad_example,
};

const ks_op ks__op_conv_transpose = {
    .size = sizeof(ks_op),
    .name = "conv_transpose",
    .formula = "y[n, c, j] = sum over m, i, o with o s + i d - p = j of w[m, c, i] x[n, m, o]",
    .doc = "Transposed convolution: what conv_input_grad is, with a size of its own, for networks that make images larger. x [N, M, "
           "spatial...] and filters w [M, C / groups, kernel...] give y [N, C, ...] with (size - 1) s - pads + d (kernel - 1) + 1 + "
           "output_padding elements along an axis. A conv of y by the same filters and attributes has x's shape.",
    .types = "TT>T",
    .inputs = "x w",
    .flags = KS_OP_LINEAR | KS_OP_PRODUCT,
    .attrs = transpose_table,
    .attrs_size = sizeof(ks__window_attrs),
    .defaults = &ks__window_defaults,
    .infer = infer_transpose,
    .kernel = input_grad_kernel,
    .scratch = input_grad_scratch,
    .pullback = transpose_pullback,
    .derivative = "conv(u, w); conv_weight_grad(x, u, w)",
    .onnx = "ConvTranspose",
    .example = transpose_example,
};

/* ---- builders ------------------------------------------------------------------------------------------ */

/* y + b, with b [channels] along axis 1. */
static ks_node *with_bias(ks_place at, ks_node *y, ks_node *b)
{
    if (!y || !b)
        return y;
    ks_shape shape = {.rank = ks__rank(y) - 1, .dim = {-1, 1, 1, 1}};
    return ks_add_at(at, y, ks_reshape_at(at, b, shape));
}

ks_node *ks_conv_at(ks_place at, ks_node *x, ks_node *w, ks_node *b, const ks_window_options *options)
{
    ks__window_attrs attrs = ks__window_attrs_of(options, NULL);
    ks__set_ints(&attrs.output_padding, &KS_ABSENT);
    return with_bias(at, ks__apply2(at, &ks__op_conv, x, w, &attrs), b);
}

ks_node *ks_conv_transpose_at(ks_place at, ks_node *x, ks_node *w, ks_node *b, const ks_window_options *options)
{
    ks__window_attrs attrs = ks__window_attrs_of(options, NULL);
    return with_bias(at, ks__apply2(at, &ks__op_conv_transpose, x, w, &attrs), b);
}
