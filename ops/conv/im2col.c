/*
 * ops/conv/im2col.c - windows written out as rows of a matrix, and added back: im2col and col2im, each the other's transpose.
 *
 * A convolution is then a product of matrices, as textbooks write it; conv computes the same without the matrix.
 */
#include "ops/conv/window.h"

#include <keisan/ops/conv.h>
#include <keisan/ops/elementwise.h>

/* ---- shapes -------------------------------------------------------------------------------------------- */

/* a b, open where one is. */
static int64_t times(int64_t a, int64_t b)
{
    int64_t product;
    if (ks__dim_open(a) || ks__dim_open(b))
        return a == 1 ? b : b == 1 ? a : KS_ANY;
    return __builtin_mul_overflow(a, b, &product) ? INT64_MAX : product;
}

/* [N o..., C k...] from windows over input `which`. */
static bool rows_shape(ks_infer *infer, int which, ks_shape *rows)
{
    const ks_shape *x = infer->shape[which];
    ks__window w;
    if (!ks__window_rank(infer, which) || !ks__window_of(infer, which, x, NULL, infer->attrs, &w))
        return false;
    *rows = (ks_shape){.rank = 2, .dim = {x->dim[0], x->dim[1]}};
    for (int a = 0; a < 3; a++) {
        rows->dim[0] = times(rows->dim[0], w.out[a]);
        rows->dim[1] = times(rows->dim[1], w.kernel[a]);
    }
    return true;
}

static bool infer_im2col(ks_infer *infer)
{
    return rows_shape(infer, 0, &infer->out);
}

static bool infer_col2im(ks_infer *infer)
{
    ks_shape rows = KS_SCALAR;
    if (!rows_shape(infer, 1, &rows))
        return false;
    infer->out = *infer->shape[1];
    return ks__same_shapes(infer->graph, &rows, infer->shape[0]) ||
           ks_infer_fail(infer, KS_BAD_SHAPE, "the first is not what im2col makes of the second: {0}, {1}");
}

/* ---- kernels ------------------------------------------------------------------------------------------- */

typedef struct job {
    ks__window w;
    const void *from;
    void *to;
    int64_t channels, ins, outs, taps;
} job;

/*
 * Outputs [low, high) along axis 2 that see the image through one tap. Of the first of them `row` is the element of the matrix, `at` that
 * of the image.
 */
typedef struct strip {
    int64_t low, high, row, at;
} strip;

/* The outputs that see x along axis a through tap i: those o in [low, high) with 0 <= o s + i d - p < in. */
static void seen(const ks__window *w, int a, int64_t i, int64_t *low, int64_t *high)
{
    int64_t first = w->before[a] - i * w->dilation[a], s = w->stride[a], room = w->in[a] + first;
    *low = first > 0 ? ks__ceil_div(first, s) : 0;
    *high = room > 0 ? ks__ceil_div(room, s) : 0;
    *high = *high < w->out[a] ? *high : w->out[a];
}

/* The strip of channel c, tap i, outputs (o0, o1); an empty one if they see only padding. */
static strip strip_of(const job *j, int64_t n, int64_t c, int64_t i, int64_t o0, int64_t o1)
{
    const ks__window *w = &j->w;
    int64_t i2 = i % w->kernel[2], i1 = i / w->kernel[2] % w->kernel[1], i0 = i / w->kernel[2] / w->kernel[1];
    int64_t x0 = o0 * w->stride[0] + i0 * w->dilation[0] - w->before[0], x1 = o1 * w->stride[1] + i1 * w->dilation[1] - w->before[1];
    strip s = {0};
    if (x0 < 0 || x0 >= w->in[0] || x1 < 0 || x1 >= w->in[1])
        return s;
    seen(w, 2, i2, &s.low, &s.high);
    int64_t x2 = s.low * w->stride[2] + i2 * w->dilation[2] - w->before[2];
    s.at = ((n * j->channels + c) * w->in[0] + x0) * w->in[1] * w->in[2] + x1 * w->in[2] + x2;
    s.row = ((n * j->outs + (o0 * w->out[1] + o1) * w->out[2] + s.low) * j->channels + c) * j->taps + i;
    return s;
}

#define EACH_STRIP(J, N, S, ...)                                                                                                           \
    for (int64_t o0 = 0; o0 < (J)->w.out[0]; o0++)                                                                                         \
        for (int64_t o1 = 0; o1 < (J)->w.out[1]; o1++)                                                                                     \
            for (int64_t c = 0; c < (J)->channels; c++)                                                                                    \
                for (int64_t i = 0; i < (J)->taps; i++) {                                                                                  \
                    strip S = strip_of(J, N, c, i, o0, o1);                                                                                \
                    int64_t row = (J)->channels * (J)->taps, step = (J)->w.stride[2];                                                      \
                    for (int64_t k = 0; k < S.high - S.low; k++)                                                                           \
                        __VA_ARGS__;                                                                                                       \
                }

#define DEFINE_TASKS(S, T)                                                                                                                 \
    static void write_##S(void *payload, int64_t n)                                                                                        \
    {                                                                                                                                      \
        const job *j = payload;                                                                                                            \
        const T *from = j->from;                                                                                                           \
        T *to = j->to;                                                                                                                     \
        int64_t image = j->outs * j->channels * j->taps;                                                                                   \
        memset(to + n * image, 0, (size_t)image * sizeof *to);                                                                             \
        EACH_STRIP(j, n, s, to[s.row + k * row] = from[s.at + k * step])                                                                   \
    }                                                                                                                                      \
    static void add_##S(void *payload, int64_t n)                                                                                          \
    {                                                                                                                                      \
        const job *j = payload;                                                                                                            \
        const T *from = j->from;                                                                                                           \
        T *to = j->to;                                                                                                                     \
        int64_t image = j->channels * j->ins;                                                                                              \
        memset(to + n * image, 0, (size_t)image * sizeof *to);                                                                             \
        EACH_STRIP(j, n, s, to[s.at + k * step] += from[s.row + k * row])                                                                  \
    }
DEFINE_TASKS(f32, float)
DEFINE_TASKS(f64, double)

static void run(const ks_call *call, const ks_tensor *x, const void *from, void *to, ks_task_fn task)
{
    job j = {.from = from, .to = to, .channels = x->shape->dim[1]};
    ks__window_of(NULL, 0, x->shape, NULL, call->attrs, &j.w);
    j.ins = j.w.in[0] * j.w.in[1] * j.w.in[2];
    j.outs = j.w.out[0] * j.w.out[1] * j.w.out[2];
    j.taps = j.w.kernel[0] * j.w.kernel[1] * j.w.kernel[2];
    if (call->out->count)
        ks__each(call, x->shape->dim[0] * j.outs * j.channels * j.taps, x->shape->dim[0], task, &j);
}

static bool im2col_kernel(const ks_call *call, ks_failure *failure)
{
    (void)failure;
    run(call, &call->in[0], call->in[0].data, call->out->data, call->out->dtype == KS_F32 ? write_f32 : write_f64);
    return true;
}

static bool col2im_kernel(const ks_call *call, ks_failure *failure)
{
    (void)failure;
    run(call, call->out, call->in[0].data, call->out->data, call->out->dtype == KS_F32 ? add_f32 : add_f64);
    return true;
}

/* ---- the operations ------------------------------------------------------------------------------------ */

static ks_node *im2col_pullback(ks_node *y, int i, ks_node *u)
{
    (void)i;
    return ks__apply2(ks_node_place(y), &ks__op_col2im, u, ks__in(y, 0), ks__attrs(y));
}

static ks_node *col2im_pullback(ks_node *y, int i, ks_node *v)
{
    return i == 0 ? ks__apply1(ks_node_place(y), &ks__op_im2col, v, ks__attrs(y)) : NULL;
}

static ks_node *im2col_example(ks_graph *g)
{
    ks_node *x = ks__given(g, "x", KS_SHAPE(1, 2, 2, 3), KS__VALUES(1, -2, 3, 0.5, 4, -1, 2, 0.25, -3, 1.5, 2, -0.5));
    return ks_im2col(x, KS_INTS(2), &(ks_window_options){.strides = KS_INTS(1, 2), .pads = KS_INTS(0, 1)});
}

static ks_node *col2im_example(ks_graph *g)
{
    ks_node *u = ks__given(g, "u", KS_SHAPE(2, 4), KS__VALUES(1, 2, -3, 4, 0.5, 1, -1, 2));
    return ks_col2im(u, ks_constant(g, KS_F64, KS_SHAPE(1, 1, 2, 3), KS__VALUES(0, 0, 0, 0, 0, 0)), KS_INTS(2), NULL);
}

static const ks_attr table[] = {
    KS__WINDOW_KERNEL, KS__WINDOW_STRIDES, KS__WINDOW_PADS, KS__WINDOW_DILATIONS, KS__WINDOW_AUTO_PAD, {0},
};

const ks_op ks__op_im2col = {
    .size = sizeof(ks_op),
    .name = "im2col",
    .formula = "y[(n, oh, ow), (c, fh, fw)] = x[n, c, oh s + fh d - p, ow s + fw d - p]",
    .doc = "Writes each window of x [N, C, H, W] as a row: y is [N OH OW, C FH FW], its rows ordered by image, then down, then across, "
           "its columns by channel, then down the window, then across; padding is 0. The product of y and filters [C FH FW, M] is a "
           "convolution. With one or three spatial axes the rows and columns have as many parts. Elements are written as often as "
           "windows see them: conv needs less memory and time.",
    .types = "T>T",
    .inputs = "x",
    .flags = KS_OP_LINEAR,
    .attrs = table,
    .attrs_size = sizeof(ks__window_attrs),
    .defaults = &ks__window_defaults,
    .infer = infer_im2col,
    .kernel = im2col_kernel,
    .pullback = im2col_pullback,
    .derivative = "col2im(u, x)",
    .example = im2col_example,
};

const ks_op ks__op_col2im = {
    .size = sizeof(ks_op),
    .name = "col2im",
    .formula = "y[n, c, h, w] = the sum of u[(n, oh, ow), (c, fh, fw)] over what im2col wrote from there",
    .doc = "Adds rows [N OH OW, C FH FW] back to where im2col took them from: its transpose, not its inverse, for an element that several "
           "windows see is the sum of what they bring. Of like only the shape is taken: [N, C, H, W].",
    .types = "TS>T",
    .inputs = "u like",
    .flags = KS_OP_LINEAR,
    .attrs = table,
    .attrs_size = sizeof(ks__window_attrs),
    .defaults = &ks__window_defaults,
    .infer = infer_col2im,
    .kernel = col2im_kernel,
    .pullback = col2im_pullback,
    .derivative = "im2col(v), with v upstream",
    .example = col2im_example,
};

static ks__window_attrs attrs_of(const ks_window_options *options, const ks_ints *kernel)
{
    ks__window_attrs attrs = ks__window_attrs_of(options, kernel);
    ks__set_ints(&attrs.output_padding, &KS_ABSENT);
    attrs.groups = 1;
    attrs.ceil_mode = attrs.count_include_pad = false;
    return attrs;
}

ks_node *ks_im2col_at(ks_place at, ks_node *x, ks_ints kernel, const ks_window_options *options)
{
    ks__window_attrs attrs = attrs_of(options, &kernel);
    return ks__apply1(at, &ks__op_im2col, x, &attrs);
}

ks_node *ks_col2im_at(ks_place at, ks_node *u, ks_node *like, ks_ints kernel, const ks_window_options *options)
{
    ks__window_attrs attrs = attrs_of(options, &kernel);
    return ks__apply2(at, &ks__op_col2im, u, like, &attrs);
}
