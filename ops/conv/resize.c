/*
 * ops/conv/resize.c - images made larger or smaller: the nearest element, or linear interpolation, and the transpose of both.
 *
 * Along each axis an output lies between two elements, with a weight: a table that both directions read. Nearest has weights of 0 and 1.
 * The result is interpolated along one axis after the other, inside a plane.
 */
#include "ops/conv/window.h"

#include <keisan/ops/conv.h>
#include <keisan/ops/elementwise.h>
#include <math.h>

typedef struct resize_attrs {
    ks_ints sizes, factors;
    int64_t mode, coordinates;
} resize_attrs;

static const ks_attr resize_table[] = {
    {"sizes", KS_ATTR_INTS, offsetof(resize_attrs, sizes), false, false,
     "of the spatial axes of the result, a number for each, or one for all"},
    {"factors", KS_ATTR_INTS, offsetof(resize_attrs, factors), false, false, "instead of sizes: how many times as long each axis becomes"},
    {"mode", KS_ATTR_INT, offsetof(resize_attrs, mode), false, false, "0: the nearest element; 1: linear interpolation; default 0"},
    {"coordinates", KS_ATTR_INT, offsetof(resize_attrs, coordinates), false, false,
     "0: half_pixel; 1: align_corners; 2: asymmetric; default 0"},
    {0},
};
static const resize_attrs resize_defaults = {.sizes = {.count = -1}, .factors = {.count = -1}};

/* ---- shapes -------------------------------------------------------------------------------------------- */

static bool check_attrs(ks_infer *infer, const resize_attrs *attrs, int axes)
{
    const ks_ints *list = attrs->sizes.count > 0 ? &attrs->sizes : &attrs->factors;
    const char *name = attrs->sizes.count > 0 ? "sizes" : "factors";
    if ((attrs->sizes.count > 0) == (attrs->factors.count > 0))
        return ks_infer_fail(infer, KS_BAD_ARGUMENT, "needs either sizes or factors");
    if (list->count > 1 && list->count != axes)
        return ks_infer_fail(infer, KS_BAD_ARGUMENT, "%s has %d numbers, but there are %d spatial axes: give %d, or one for all", name,
                             list->count, axes, axes);
    for (int i = 0; i < list->count; i++) {
        if (list->at[i] < 1 || list->at[i] > INT32_MAX)
            return ks_infer_fail(infer, KS_BAD_ARGUMENT, "%s has a %lld: its numbers are from 1 to 2^31 - 1", name, (long long)list->at[i]);
    }
    if (attrs->mode < KS_NEAREST || attrs->mode > KS_LINEAR)
        return ks_infer_fail(infer, KS_BAD_ARGUMENT, "mode is %lld: it is 0 (nearest) or 1 (linear)", (long long)attrs->mode);
    return (attrs->coordinates >= KS_HALF_PIXEL && attrs->coordinates <= KS_ASYMMETRIC) ||
           ks_infer_fail(infer, KS_BAD_ARGUMENT, "coordinates is %lld: it is 0 (half_pixel), 1 (align_corners) or 2 (asymmetric)",
                         (long long)attrs->coordinates);
}

static bool resized(ks_infer *infer, int which, ks_shape *y)
{
    const resize_attrs *attrs = infer->attrs;
    const ks_shape *x = infer->shape[which];
    int axes = x->rank - 2;
    if (!ks__window_rank(infer, which) || !check_attrs(infer, attrs, axes))
        return false;
    *y = *x;
    for (int i = 0; i < axes; i++) {
        int64_t in = x->dim[2 + i], factor = ks__window_pick(&attrs->factors, axes, i, 1);
        if (in == 0)
            return ks_infer_fail(infer, KS_BAD_SHAPE, "spatial axis %d is empty, so there is nothing to resize: {%d}", i, which);
        if (attrs->sizes.count > 0)
            y->dim[2 + i] = ks__window_pick(&attrs->sizes, axes, i, 1);
        else if (ks__dim_open(in))
            y->dim[2 + i] = factor == 1 ? in : KS_ANY;
        else if (__builtin_mul_overflow(in, factor, &y->dim[2 + i]))
            return ks_infer_fail(infer, KS_BAD_SHAPE, "the result is larger than memory can hold: {%d}", which);
    }
    return true;
}

static bool infer_resize(ks_infer *infer)
{
    return resized(infer, 0, &infer->out);
}

static bool infer_grad(ks_infer *infer)
{
    ks_shape y = KS_SCALAR;
    if (!resized(infer, 1, &y))
        return false;
    infer->out = *infer->shape[1];
    return ks__same_shapes(infer->graph, &y, infer->shape[0]) ||
           ks_infer_fail(infer, KS_BAD_SHAPE, "the first is not what resizing makes of the second: {0}, {1}");
}

/* ---- tables -------------------------------------------------------------------------------------------- */

/* Output o lies between elements low and high, `part` of the way. */
typedef struct between {
    int64_t low, high;
    double part;
} between;

typedef struct job {
    int64_t in[3], out[3];
    const between *at[3]; /* [out] */
    const void *from;
    void *to;
} job;

static double coordinate(const resize_attrs *attrs, int64_t o, int64_t in, int64_t out)
{
    switch (attrs->coordinates) {
    case KS_ALIGN_CORNERS:
        return out > 1 ? (double)o * (double)(in - 1) / (double)(out - 1) : 0;
    case KS_ASYMMETRIC:
        return (double)o * (double)in / (double)out;
    default:
        return ((double)o + 0.5) * (double)in / (double)out - 0.5;
    }
}

static between place(const resize_attrs *attrs, int64_t o, int64_t in, int64_t out)
{
    double x = coordinate(attrs, o, in, out);
    if (attrs->mode == KS_NEAREST) /* a half goes down */
        x = ceil(x - 0.5);
    x = x < 0 ? 0 : x > (double)(in - 1) ? (double)(in - 1) : x;
    int64_t low = (int64_t)x;
    return (between){low, low + 1 < in ? low + 1 : low, x - (double)low};
}

static job job_of(const ks_call *call, const ks_shape *x, const ks_shape *y, const void *from)
{
    job j = {.in = {1, 1, 1}, .out = {1, 1, 1}, .from = from, .to = call->out->data};
    between *next = call->scratch;
    for (int a = 5 - x->rank, i = 2; i < x->rank; a++, i++) {
        j.in[a] = x->dim[i];
        j.out[a] = y->dim[i];
    }
    for (int a = 0; a < 3; a++) {
        j.at[a] = next;
        for (int64_t o = 0; o < j.out[a]; o++)
            *next++ = place(call->attrs, o, j.in[a], j.out[a]);
    }
    return j;
}

static size_t table_bytes(const ks_shape *y)
{
    size_t count = 3; /* axes that are not there have one entry */
    for (int i = 2; i < y->rank; i++)
        count += (size_t)y->dim[i];
    return count * sizeof(between);
}

static size_t resize_scratch(const ks_call *call)
{
    return table_bytes(call->out->shape);
}

static size_t grad_scratch(const ks_call *call)
{
    return table_bytes(call->in[0].shape);
}

/* ---- planes -------------------------------------------------------------------------------------------- */

/*
 * Visits the outputs of a plane, row by row: four rows of the image meet in one of the result, with weights f[0..3]. Rows of weight 0
 * are left out, so that what is infinite there stays there.
 */
#define DEFINE_PLANES(S, T)                                                                                                                \
    static void weigh_##S(const job *j, int64_t o0, int64_t o1, int64_t row[4], T f[4])                                                    \
    {                                                                                                                                      \
        between a = j->at[0][o0], b = j->at[1][o1];                                                                                        \
        for (int k = 0; k < 4; k++) {                                                                                                      \
            row[k] = ((k & 2 ? a.high : a.low) * j->in[1] + (k & 1 ? b.high : b.low)) * j->in[2];                                          \
            f[k] = (T)((k & 2 ? a.part : 1 - a.part) * (k & 1 ? b.part : 1 - b.part));                                                     \
        }                                                                                                                                  \
    }                                                                                                                                      \
    static void resize_##S(void *payload, int64_t plane)                                                                                   \
    {                                                                                                                                      \
        const job *j = payload;                                                                                                            \
        const T *x = (const T *)j->from + plane * j->in[0] * j->in[1] * j->in[2];                                                          \
        T *y = (T *)j->to + plane * j->out[0] * j->out[1] * j->out[2];                                                                     \
        for (int64_t r = 0; r < j->out[0] * j->out[1]; r++, y += j->out[2]) {                                                              \
            int64_t row[4];                                                                                                                \
            T f[4];                                                                                                                        \
            weigh_##S(j, r / j->out[1], r % j->out[1], row, f);                                                                            \
            for (int64_t o = 0; o < j->out[2]; o++)                                                                                        \
                y[o] = 0;                                                                                                                  \
            for (int k = 0; k < 4; k++) {                                                                                                  \
                const T *in = x + row[k];                                                                                                  \
                for (int64_t o = 0; f[k] != 0 && o < j->out[2]; o++) {                                                                     \
                    between b = j->at[2][o];                                                                                               \
                    T v = b.part != 0 ? (T)(1 - b.part) * in[b.low] + (T)b.part * in[b.high] : in[b.low];                                  \
                    y[o] += f[k] * v;                                                                                                      \
                }                                                                                                                          \
            }                                                                                                                              \
        }                                                                                                                                  \
    }                                                                                                                                      \
    static void spread_##S(void *payload, int64_t plane)                                                                                   \
    {                                                                                                                                      \
        const job *j = payload;                                                                                                            \
        int64_t ins = j->in[0] * j->in[1] * j->in[2];                                                                                      \
        const T *u = (const T *)j->from + plane * j->out[0] * j->out[1] * j->out[2];                                                       \
        T *x = (T *)j->to + plane * ins;                                                                                                   \
        memset(x, 0, (size_t)ins * sizeof *x);                                                                                             \
        for (int64_t r = 0; r < j->out[0] * j->out[1]; r++, u += j->out[2]) {                                                              \
            int64_t row[4];                                                                                                                \
            T f[4];                                                                                                                        \
            weigh_##S(j, r / j->out[1], r % j->out[1], row, f);                                                                            \
            for (int k = 0; k < 4; k++) {                                                                                                  \
                T *to = x + row[k];                                                                                                        \
                for (int64_t o = 0; f[k] != 0 && o < j->out[2]; o++) {                                                                     \
                    between b = j->at[2][o];                                                                                               \
                    to[b.low] += f[k] * (T)(1 - b.part) * u[o];                                                                            \
                    if (b.part != 0)                                                                                                       \
                        to[b.high] += f[k] * (T)b.part * u[o];                                                                             \
                }                                                                                                                          \
            }                                                                                                                              \
        }                                                                                                                                  \
    }
DEFINE_PLANES(f32, float)
DEFINE_PLANES(f64, double)

static bool resize_kernel(const ks_call *call, ks_failure *failure)
{
    (void)failure;
    const ks_shape *x = call->in[0].shape;
    job j = job_of(call, x, call->out->shape, call->in[0].data);
    ks__each(call, call->out->count, x->dim[0] * x->dim[1], call->out->dtype == KS_F32 ? resize_f32 : resize_f64, &j);
    return true;
}

static bool grad_kernel(const ks_call *call, ks_failure *failure)
{
    (void)failure;
    const ks_shape *x = call->out->shape;
    job j = job_of(call, x, call->in[0].shape, call->in[0].data);
    ks__each(call, call->in[0].count, x->dim[0] * x->dim[1], call->out->dtype == KS_F32 ? spread_f32 : spread_f64, &j);
    return true;
}

/* ---- the operations ------------------------------------------------------------------------------------ */

static ks_node *resize_pullback(ks_node *y, int i, ks_node *u)
{
    (void)i;
    return ks__apply2(ks_node_place(y), &ks__op_resize_grad, u, ks__in(y, 0), ks__attrs(y));
}

static ks_node *grad_pullback(ks_node *y, int i, ks_node *v)
{
    return i == 0 ? ks__apply1(ks_node_place(y), &ks__op_resize, v, ks__attrs(y)) : NULL;
}

static ks_node *resize_example(ks_graph *g)
{
    ks_node *x = ks__given(g, "x", KS_SHAPE(1, 2, 2, 3), KS__VALUES(1, -2, 3, 0.5, 4, -1, 2, 0.25, -3, 1.5, 2, -0.5));
    return ks_resize(x, KS_INTS(3, 4), KS_LINEAR, KS_HALF_PIXEL);
}

static ks_node *grad_example(ks_graph *g)
{
    ks_node *u = ks__given(g, "u", KS_SHAPE(1, 1, 3, 4), KS__VALUES(1, 2, -3, 4, 0.5, 1, -1, 2, 3, -4, 5, 0.25));
    ks_node *like = ks_constant(g, KS_F64, KS_SHAPE(1, 1, 2, 3), KS__VALUES(0, 0, 0, 0, 0, 0));
    ks_node *y = ks_resize(like, KS_INTS(3, 4), KS_LINEAR, KS_ALIGN_CORNERS);
    return y ? ks__apply2(KS_HERE, &ks__op_resize_grad, u, like, ks__attrs(y)) : NULL;
}

const ks_op ks__op_resize = {
    .size = sizeof(ks_op),
    .name = "resize",
    .formula = "y[n, c, o] = x[n, c, .] at where o lies among x's elements",
    .doc =
        "Makes the spatial axes of x [N, C, spatial...] longer or shorter: to sizes, or by whole factors. Output o of `out` lies at "
        "(o + 0.5) in / out - 0.5 among x's `in` elements (half_pixel, as ONNX has it), at o (in - 1) / (out - 1) (align_corners, as "
        "in PyTorch), or at o in / out (asymmetric); positions outside are moved to the edge. With mode 0 y is the nearest element, of two "
        "the one before; with mode 1 it is interpolated linearly between its neighbours along each axis (bilinear with two axes).",
    .types = "T>T",
    .inputs = "x",
    .flags = KS_OP_LINEAR,
    .attrs = resize_table,
    .attrs_size = sizeof(resize_attrs),
    .defaults = &resize_defaults,
    .infer = infer_resize,
    .kernel = resize_kernel,
    .scratch = resize_scratch,
    .pullback = resize_pullback,
    .derivative = "resize_grad(u, x)",
    .onnx = "Resize",
    .example = resize_example,
};

const ks_op ks__op_resize_grad = {
    .size = sizeof(ks_op),
    .name = "resize_grad",
    .formula = "y[n, c, j] = the sum of u[n, c, o] times the weight that x[j] has in resize's y[o]",
    .doc = "The transpose of resize with the same attributes: each element of u is shared out among those from which resize made its y. Of "
           "like only the shape is taken, which is that of x.",
    .types = "TS>T",
    .inputs = "u like",
    .flags = KS_OP_LINEAR,
    .attrs = resize_table,
    .attrs_size = sizeof(resize_attrs),
    .defaults = &resize_defaults,
    .infer = infer_grad,
    .kernel = grad_kernel,
    .scratch = grad_scratch,
    .pullback = grad_pullback,
    .derivative = "resize(v), with v upstream",
    .example = grad_example,
};

static ks_node *resize(ks_place at, ks_node *x, const ks_ints *sizes, const ks_ints *factors, ks_resize_mode mode,
                       ks_coordinates coordinates)
{
    resize_attrs attrs;
    memset(&attrs, 0, sizeof attrs);
    ks__set_ints(&attrs.sizes, sizes);
    ks__set_ints(&attrs.factors, factors);
    attrs.mode = (int64_t)mode;
    attrs.coordinates = (int64_t)coordinates;
    return ks__apply1(at, &ks__op_resize, x, &attrs);
}

ks_node *ks_resize_at(ks_place at, ks_node *x, ks_ints sizes, ks_resize_mode mode, ks_coordinates coordinates)
{
    return resize(at, x, &sizes, &KS_ABSENT, mode, coordinates);
}

ks_node *ks_upsample_at(ks_place at, ks_node *x, ks_ints factors, ks_resize_mode mode)
{
    return resize(at, x, &KS_ABSENT, &factors, mode, KS_HALF_PIXEL);
}
