/*
 * ops/reduce/reduce.c - fewer dimensions: sum, mean, max, argmax, and count, which tells how many elements the others met.
 *
 * The numeric loops are in ops/reduce/fold.c. A derivative spreads what arrives back over the axes that were reduced, by expand,
 * and takes its sizes from x when it runs.
 */
#include "ops/reduce/fold.h"

typedef struct reduce_attrs {
    ks_ints axes;
    int64_t keepdims;
} reduce_attrs;

static const ks_attr reduce_table[] = {
    {"axes", KS_ATTR_INTS, offsetof(reduce_attrs, axes), false, false, "over which axes; negative counts from the end, absent is all"},
    {"keepdims", KS_ATTR_BOOL, offsetof(reduce_attrs, keepdims), false, false,
     "whether the reduced axes stay as dimensions of 1; default false"},
    {0},
};
static const reduce_attrs reduce_defaults = {.axes = {.count = -1}};

/* The shape without the axes of the mask. */
static void without(const ks_shape *x, unsigned mask, bool keepdims, ks_shape *out)
{
    out->rank = 0;
    for (int i = 0; i < x->rank; i++) {
        if (!(mask >> i & 1))
            out->dim[out->rank++] = x->dim[i];
        else if (keepdims)
            out->dim[out->rank++] = 1;
    }
}

static bool infer_reduce(ks_infer *infer)
{
    const reduce_attrs *attrs = infer->attrs;
    unsigned mask;
    if (!ks__axes_mask(infer, &attrs->axes, infer->shape[0]->rank, &mask))
        return false;
    without(infer->shape[0], mask, attrs->keepdims, &infer->out);
    return true;
}

/* The mask of axes that infer has found right. */
static unsigned mask_of(const ks_ints *axes, int rank)
{
    unsigned mask = 0;
    if (axes->count < 0)
        return (1u << rank) - 1;
    for (int i = 0; i < axes->count; i++)
        mask |= 1u << (axes->at[i] < 0 ? axes->at[i] + rank : axes->at[i]);
    return mask;
}

static size_t reduce_scratch(const ks_call *call)
{
    const reduce_attrs *attrs = call->attrs;
    return ks__fold(NULL, KS__FOLD_SUM, &call->in[0], mask_of(&attrs->axes, call->in[0].shape->rank), NULL, NULL);
}

static void reduce_with(const ks_call *call, ks__fold_kind kind)
{
    const reduce_attrs *attrs = call->attrs;
    ks__fold(call, kind, &call->in[0], mask_of(&attrs->axes, call->in[0].shape->rank), call->out->data, call->scratch);
}

/* v, of y's shape, spread over the axes that y = reduce(x) lost. */
static ks_node *spread(ks_node *y, ks_node *v)
{
    const reduce_attrs *attrs = ks__attrs(y);
    return ks_expand_at(ks_node_place(y), v, ks__in(y, 0), attrs->keepdims ? KS_ABSENT : attrs->axes);
}

static ks_node *reduce_at(ks_place at, const ks_op *op, ks_node *x, const ks_ints *axes, bool keepdims)
{
    reduce_attrs attrs = {.keepdims = keepdims};
    ks__set_ints(&attrs.axes, axes);
    return ks__apply1(at, op, x, &attrs);
}

/* x [2, 3] with different values, for the examples */
static ks_node *some(ks_graph *g)
{
    return ks__given(g, "x", KS_SHAPE(2, 3), KS__VALUES(1, -2, 3, 4, 0.5, -6));
}

/* ---- sum ----------------------------------------------------------------------------------------------- */

static bool sum_kernel(const ks_call *call, ks_failure *failure)
{
    (void)failure;
    reduce_with(call, KS__FOLD_SUM);
    return true;
}

static ks_node *sum_pullback(ks_node *y, int i, ks_node *u)
{
    (void)i;
    return spread(y, u);
}

static ks_node *sum_example(ks_graph *g)
{
    return ks_sum(some(g), KS_INTS(0), false);
}

const ks_op ks__op_sum = {
    .size = sizeof(ks_op),
    .name = "sum",
    .formula = "y = sum of x over the axes",
    .doc = "Adds up x over the axes, pairwise, in an order that depends on the shape only. Whole numbers wrap. The sum of nothing is 0.",
    .types = "T>T",
    .inputs = "x",
    .allowed = KS_FLOATS | 1u << KS_I32 | 1u << KS_I64,
    .flags = KS_OP_LINEAR | KS_OP_TOTAL,
    .attrs = reduce_table,
    .attrs_size = sizeof(reduce_attrs),
    .defaults = &reduce_defaults,
    .infer = infer_reduce,
    .kernel = sum_kernel,
    .scratch = reduce_scratch,
    .pullback = sum_pullback,
    .derivative = "expand(u, x)",
    .onnx = "ReduceSum",
    .example = sum_example,
};

ks_node *ks_sum_at(ks_place at, ks_node *x, ks_ints axes, bool keepdims)
{
    return reduce_at(at, &ks__op_sum, x, &axes, keepdims);
}

/* ---- mean ---------------------------------------------------------------------------------------------- */

static bool mean_kernel(const ks_call *call, ks_failure *failure)
{
    (void)failure;
    reduce_with(call, KS__FOLD_SUM);
    const ks_tensor *out = call->out;
    double n = out->count ? (double)call->in[0].count / (double)out->count : 1; /* exact: they divide */
    if (out->dtype == KS_F32) {
        for (int64_t i = 0; i < out->count; i++)
            ((float *)out->data)[i] = (float)(((float *)out->data)[i] / n);
    } else {
        for (int64_t i = 0; i < out->count; i++)
            ((double *)out->data)[i] /= n;
    }
    return true;
}

static ks_node *mean_pullback(ks_node *y, int i, ks_node *u)
{
    (void)i;
    const reduce_attrs *attrs = ks__attrs(y);
    ks_place at = ks_node_place(y);
    return spread(y, ks_div_at(at, u, ks__count_of(at, ks__in(y, 0), attrs->axes, ks_node_dtype(y))));
}

static ks_node *mean_example(ks_graph *g)
{
    return ks_mean(some(g), KS_INTS(-1), true);
}

const ks_op ks__op_mean = {
    .size = sizeof(ks_op),
    .name = "mean",
    .formula = "y = sum of x over the axes / count",
    .doc = "The mean of x over the axes: their sum divided by the number of elements. The mean of nothing is NaN.",
    .types = "T>T",
    .inputs = "x",
    .flags = KS_OP_LINEAR,
    .attrs = reduce_table,
    .attrs_size = sizeof(reduce_attrs),
    .defaults = &reduce_defaults,
    .infer = infer_reduce,
    .kernel = mean_kernel,
    .scratch = reduce_scratch,
    .pullback = mean_pullback,
    .derivative = "expand(u / count(x), x)",
    .onnx = "ReduceMean",
    .example = mean_example,
};

ks_node *ks_mean_at(ks_place at, ks_node *x, ks_ints axes, bool keepdims)
{
    return reduce_at(at, &ks__op_mean, x, &axes, keepdims);
}

/* ---- max ----------------------------------------------------------------------------------------------- */

static bool infer_max(ks_infer *infer)
{
    const reduce_attrs *attrs = infer->attrs;
    const ks_shape *x = infer->shape[0];
    unsigned mask;
    if (!ks__axes_mask(infer, &attrs->axes, x->rank, &mask))
        return false;
    without(x, mask, attrs->keepdims, &infer->out);
    for (int i = 0; i < x->rank; i++) {
        if ((mask >> i & 1) && x->dim[i] == 0)
            return ks_infer_fail(infer, KS_BAD_SHAPE, "there is no greatest of no elements: {0}");
    }
    return true;
}

static bool max_kernel(const ks_call *call, ks_failure *failure)
{
    (void)failure;
    if (call->out->count)
        reduce_with(call, KS__FOLD_MAX);
    return true;
}

/* The greatest gets the upstream derivative; if there are several, each gets its share. */
static ks_node *max_pullback(ks_node *y, int i, ks_node *u)
{
    (void)i;
    const reduce_attrs *attrs = ks__attrs(y);
    ks_place at = ks_node_place(y);
    ks_node *x = ks__in(y, 0), *greatest = ks_equal_at(at, x, spread(y, y));
    ks_node *shares = ks_sum_at(at, ks_cast_at(at, greatest, ks_node_dtype(y)), attrs->axes, attrs->keepdims);
    return ks_where_at(at, greatest, spread(y, ks_div_at(at, u, shares)), ks_number_at(at, y->graph, 0));
}

static ks_node *max_example(ks_graph *g)
{
    return ks_max(some(g), KS_INTS(1), false);
}

const ks_op ks__op_max = {
    .size = sizeof(ks_op),
    .name = "max",
    .formula = "y = greatest of x over the axes",
    .doc = "The greatest element over the axes; a NaN among them wins. Equal ones share the derivative, so that it is the same whichever "
           "order they "
           "stand in.",
    .types = "T>T",
    .inputs = "x",
    .allowed = KS_NUMBERS,
    .attrs = reduce_table,
    .attrs_size = sizeof(reduce_attrs),
    .defaults = &reduce_defaults,
    .infer = infer_max,
    .kernel = max_kernel,
    .scratch = reduce_scratch,
    .pullback = max_pullback,
    .derivative = "u / (number of the greatest) where x = y, else 0",
    .onnx = "ReduceMax",
    .example = max_example,
};

ks_node *ks_max_at(ks_place at, ks_node *x, ks_ints axes, bool keepdims)
{
    return reduce_at(at, &ks__op_max, x, &axes, keepdims);
}

/* ---- argmax -------------------------------------------------------------------------------------------- */

typedef struct argmax_attrs {
    int64_t axis, keepdims;
} argmax_attrs;

static const ks_attr argmax_table[] = {
    {"axis", KS_ATTR_INT, offsetof(argmax_attrs, axis), false, false, "along which axis; negative counts from the end; default 0"},
    {"keepdims", KS_ATTR_BOOL, offsetof(argmax_attrs, keepdims), false, false, "whether the axis stays as a dimension of 1; default false"},
    {0},
};

static bool infer_argmax(ks_infer *infer)
{
    const argmax_attrs *attrs = infer->attrs;
    int axis;
    if (!ks__axis(attrs->axis, infer->shape[0]->rank, &axis))
        return ks_infer_fail(infer, KS_BAD_SHAPE, "there is no axis %lld: {0}", (long long)attrs->axis);
    if (infer->shape[0]->dim[axis] == 0)
        return ks_infer_fail(infer, KS_BAD_SHAPE, "there is no greatest of no elements: {0}");
    without(infer->shape[0], 1u << axis, attrs->keepdims, &infer->out);
    return true;
}

/* Where the first of the greatest of n elements stands, `step` apart. A NaN is greater than any number. */
#define DEFINE_ARGMAX(NAME, TYPE)                                                                                                          \
    static int64_t NAME(const void *in, int64_t n, int64_t step)                                                                           \
    {                                                                                                                                      \
        const TYPE *x = in;                                                                                                                \
        TYPE best = x[0];                                                                                                                  \
        int64_t at = 0;                                                                                                                    \
        for (int64_t i = 1; i < n && best == best; i++) {                                                                                  \
            TYPE value = x[i * step];                                                                                                      \
            if (value > best || value != value) {                                                                                          \
                best = value;                                                                                                              \
                at = i;                                                                                                                    \
            }                                                                                                                              \
        }                                                                                                                                  \
        return at;                                                                                                                         \
    }
DEFINE_ARGMAX(argmax_f32, float)
DEFINE_ARGMAX(argmax_f64, double)
DEFINE_ARGMAX(argmax_i32, int32_t)
DEFINE_ARGMAX(argmax_i64, int64_t)
DEFINE_ARGMAX(argmax_u8, uint8_t)

typedef struct argmax_job {
    const ks_call *call;
    ks__around x;
    int64_t chunk;
} argmax_job;

static void argmax_task(void *payload, int64_t block)
{
    static int64_t (*const find[KS_DTYPES])(const void *, int64_t, int64_t) = {
        [KS_F32] = argmax_f32, [KS_F64] = argmax_f64, [KS_I32] = argmax_i32, [KS_I64] = argmax_i64, [KS_U8] = argmax_u8};
    const argmax_job *job = payload;
    const ks_tensor *x = &job->call->in[0];
    size_t size = ks_dtype_size(x->dtype);
    int64_t *out = job->call->out->data, count = job->call->out->count;
    int64_t last = (block + 1) * job->chunk < count ? (block + 1) * job->chunk : count;
    for (int64_t i = block * job->chunk; i < last; i++) {
        int64_t start = i / job->x.after * job->x.extent * job->x.after + i % job->x.after;
        out[i] = find[x->dtype]((const char *)x->data + (size_t)start * size, job->x.extent, job->x.after);
    }
}

static bool argmax_kernel(const ks_call *call, ks_failure *failure)
{
    (void)failure;
    const argmax_attrs *attrs = call->attrs;
    argmax_job job = {call, ks__split(call->in[0].shape, attrs->axis), 1};
    if (job.x.extent < KS__SMALL_WORK)
        job.chunk = ks__ceil_div(KS__SMALL_WORK, job.x.extent ? job.x.extent : 1);
    ks__each(call, call->in[0].count, ks__ceil_div(call->out->count, job.chunk), argmax_task, &job);
    return true;
}

static ks_node *argmax_example(ks_graph *g)
{
    return ks_argmax(some(g), 1, false);
}

const ks_op ks__op_argmax = {
    .size = sizeof(ks_op),
    .name = "argmax",
    .formula = "y = position of the greatest of x along the axis",
    .doc = "Where the greatest element stands along an axis, as i64; the first of equal ones, and a NaN before any number. The class that "
           "a network "
           "answers is the argmax of its scores: softmax would not change it.",
    .types = "T>I",
    .inputs = "x",
    .allowed = KS_NUMBERS,
    .attrs = argmax_table,
    .attrs_size = sizeof(argmax_attrs),
    .infer = infer_argmax,
    .kernel = argmax_kernel,
    .no_derivative = "a position is a whole number: it stays or jumps",
    .onnx = "ArgMax",
    .example = argmax_example,
};

ks_node *ks_argmax_at(ks_place at, ks_node *x, int64_t axis, bool keepdims)
{
    return ks__apply1(at, &ks__op_argmax, x, &(argmax_attrs){.axis = axis, .keepdims = keepdims});
}

/* ---- count --------------------------------------------------------------------------------------------- */

typedef struct count_attrs {
    ks_ints axes;
    int64_t dtype;
} count_attrs;

static const ks_attr count_table[] = {
    {"axes", KS_ATTR_INTS, offsetof(count_attrs, axes), false, false, "over which axes; negative counts from the end, absent is all"},
    {"dtype", KS_ATTR_DTYPE, offsetof(count_attrs, dtype), false, false, "of the result; default f32"},
    {0},
};
static const count_attrs count_defaults = {.axes = {.count = -1}};

static bool infer_count(ks_infer *infer)
{
    const count_attrs *attrs = infer->attrs;
    unsigned mask;
    if (attrs->dtype < 0 || attrs->dtype >= KS_BOOL)
        return ks_infer_fail(infer, KS_BAD_DTYPE, "%lld is no dtype to count in: use f32, f64, i32, i64 or u8", (long long)attrs->dtype);
    infer->out = KS_SCALAR;
    infer->out_dtype = (ks_dtype)attrs->dtype;
    return ks__axes_mask(infer, &attrs->axes, infer->shape[0]->rank, &mask);
}

static bool count_kernel(const ks_call *call, ks_failure *failure)
{
    (void)failure;
    const count_attrs *attrs = call->attrs;
    const ks_shape *x = call->in[0].shape;
    unsigned mask = mask_of(&attrs->axes, x->rank);
    int64_t n = 1;
    void *out = call->out->data;
    for (int i = 0; i < x->rank; i++)
        n *= mask >> i & 1 ? x->dim[i] : 1;
    switch (call->out->dtype) {
    case KS_F32:
        *(float *)out = (float)n;
        break;
    case KS_F64:
        *(double *)out = (double)n;
        break;
    case KS_I32:
        *(int32_t *)out = (int32_t)n;
        break;
    case KS_I64:
        *(int64_t *)out = n;
        break;
    default:
        *(uint8_t *)out = (uint8_t)n;
    }
    return true;
}

static ks_node *count_example(ks_graph *g)
{
    return ks__count_of(KS_HERE, some(g), KS_INTS(0), KS_F64);
}

const ks_op ks__op_count = {
    .size = sizeof(ks_op),
    .name = "count",
    .formula = "y = number of elements of x over the axes",
    .doc = "How many elements of x a reduction over the axes meets, as a scalar, counted when it runs: no size is fixed while composing. "
           "Of x only the "
           "shape is taken.",
    .types = "S>D",
    .inputs = "x",
    .attrs = count_table,
    .attrs_size = sizeof(count_attrs),
    .defaults = &count_defaults,
    .infer = infer_count,
    .kernel = count_kernel,
    .no_derivative = "it depends on x's shape, not on its values",
    .example = count_example,
};

ks_node *ks__count_of(ks_place at, ks_node *x, ks_ints axes, ks_dtype dtype)
{
    count_attrs attrs = {.dtype = dtype};
    ks__set_ints(&attrs.axes, &axes);
    return ks__apply1(at, &ks__op_count, x, &attrs);
}
