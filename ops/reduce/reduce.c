/*
 * ops/reduce/reduce.c - fewer dimensions: what reductions share, sum, mean, and count, which tells how many elements the others met.
 *
 * The numeric loops are in ops/reduce/fold.c. A derivative spreads what arrives back over the axes that were reduced, by expand,
 * and takes its sizes from x when it runs.
 */
#include "ops/reduce/reduce.h"

const ks_attr ks__reduce_table[] = {
    {"axes", KS_ATTR_INTS, offsetof(ks__reduce_attrs, axes), false, false, KS__AXES_DOC},
    {"keepdims", KS_ATTR_BOOL, offsetof(ks__reduce_attrs, keepdims), false, false, KS__KEEPDIMS_DOC},
    {0},
};
const ks__reduce_attrs ks__reduce_defaults = {.axes = {.count = -1}};

void ks__without_axes(const ks_shape *x, unsigned mask, bool keepdims, ks_shape *out)
{
    out->rank = 0;
    for (int i = 0; i < x->rank; i++) {
        if (!(mask >> i & 1))
            out->dim[out->rank++] = x->dim[i];
        else if (keepdims)
            out->dim[out->rank++] = 1;
    }
}

bool ks__reduce_infer(ks_infer *infer)
{
    const ks__reduce_attrs *attrs = infer->attrs;
    unsigned mask;
    if (!ks__axes_mask(infer, &attrs->axes, infer->shape[0]->rank, &mask))
        return false;
    ks__without_axes(infer->shape[0], mask, attrs->keepdims, &infer->out);
    return true;
}

unsigned ks__axes_found(const ks_ints *axes, int rank)
{
    unsigned mask = 0;
    if (axes->count < 0)
        return (1u << rank) - 1;
    for (int i = 0; i < axes->count; i++)
        mask |= 1u << (axes->at[i] < 0 ? axes->at[i] + rank : axes->at[i]);
    return mask;
}

size_t ks__reduce_scratch(const ks_call *call)
{
    return ks__fold(NULL, KS__FOLD_SUM, &call->in[0], ks__reduce_mask(call), NULL, NULL);
}

unsigned ks__reduce_mask(const ks_call *call)
{
    const ks__reduce_attrs *attrs = call->attrs;
    return ks__axes_found(&attrs->axes, call->in[0].shape->rank);
}

void ks__reduce_with(const ks_call *call, ks__fold_kind kind)
{
    ks__fold(call, kind, &call->in[0], ks__reduce_mask(call), call->out->data, call->scratch);
}

ks_node *ks__spread_back(ks_node *y, ks_node *v)
{
    const ks__reduce_attrs *attrs = ks__attrs(y);
    return ks_expand_at(ks_node_place(y), v, ks__in(y, 0), attrs->keepdims ? KS_ABSENT : attrs->axes);
}

ks_node *ks__reduce_at(ks_place at, const ks_op *op, ks_node *x, const ks_ints *axes, bool keepdims)
{
    ks__reduce_attrs attrs = {.keepdims = keepdims};
    ks__set_ints(&attrs.axes, axes);
    return ks__apply1(at, op, x, &attrs);
}

ks_node *ks__reduce_some(ks_graph *g)
{
    return ks__given(g, "x", KS_SHAPE(2, 3), KS__VALUES(1, -2, 3, 4, 0.5, -6));
}

/* ---- sum ----------------------------------------------------------------------------------------------- */

static bool sum_kernel(const ks_call *call, ks_failure *failure)
{
    (void)failure;
    ks__reduce_with(call, KS__FOLD_SUM);
    return true;
}

static ks_node *sum_pullback(ks_node *y, int i, ks_node *u)
{
    (void)i;
    return ks__spread_back(y, u);
}

static ks_node *sum_example(ks_graph *g)
{
    return ks_sum(ks__reduce_some(g), KS_INTS(0), false);
}

const ks_op ks__op_sum = {
    .size = sizeof(ks_op),
    .name = "sum",
    .formula = "y = sum of x over the axes",
    .doc = "Adds up x over the axes, pairwise, in an order that depends on the shape only. Whole numbers wrap. The sum of nothing is 0.",
    .types = "T>T",
    .inputs = "x",
    .allowed = KS_FLOATS | 1u << KS_I32 | 1u << KS_I64,
    .flags = KS_OP_LINEAR | KS_OP_TOTAL | KS_OP_LINES,
    .attrs = ks__reduce_table,
    .attrs_size = sizeof(ks__reduce_attrs),
    .defaults = &ks__reduce_defaults,
    .infer = ks__reduce_infer,
    .kernel = sum_kernel,
    .scratch = ks__reduce_scratch,
    .pullback = sum_pullback,
    .derivative = "expand(u, x)",
    .onnx = "ReduceSum",
    .example = sum_example,
};

ks_node *ks_sum_at(ks_place at, ks_node *x, ks_ints axes, bool keepdims)
{
    return ks__reduce_at(at, &ks__op_sum, x, &axes, keepdims);
}

/* ---- mean ---------------------------------------------------------------------------------------------- */

static bool mean_kernel(const ks_call *call, ks_failure *failure)
{
    (void)failure;
    ks__reduce_with(call, KS__FOLD_SUM);
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
    const ks__reduce_attrs *attrs = ks__attrs(y);
    ks_place at = ks_node_place(y);
    return ks__spread_back(y, ks_div_at(at, u, ks__count_of(at, ks__in(y, 0), attrs->axes, ks_node_dtype(y))));
}

static ks_node *mean_example(ks_graph *g)
{
    return ks_mean(ks__reduce_some(g), KS_INTS(-1), true);
}

const ks_op ks__op_mean = {
    .size = sizeof(ks_op),
    .name = "mean",
    .formula = "y = sum of x over the axes / count",
    .doc = "The mean of x over the axes: their sum divided by the number of elements. The mean of nothing is NaN.",
    .types = "T>T",
    .inputs = "x",
    .flags = KS_OP_LINEAR | KS_OP_LINES,
    .attrs = ks__reduce_table,
    .attrs_size = sizeof(ks__reduce_attrs),
    .defaults = &ks__reduce_defaults,
    .infer = ks__reduce_infer,
    .kernel = mean_kernel,
    .scratch = ks__reduce_scratch,
    .pullback = mean_pullback,
    .derivative = "expand(u / count(x), x)",
    .onnx = "ReduceMean",
    .example = mean_example,
};

ks_node *ks_mean_at(ks_place at, ks_node *x, ks_ints axes, bool keepdims)
{
    return ks__reduce_at(at, &ks__op_mean, x, &axes, keepdims);
}

/* ---- count --------------------------------------------------------------------------------------------- */

typedef struct count_attrs {
    ks_ints axes;
    int64_t dtype;
} count_attrs;

static const ks_attr count_table[] = {
    {"axes", KS_ATTR_INTS, offsetof(count_attrs, axes), false, false, KS__AXES_DOC},
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
    unsigned mask = ks__axes_found(&attrs->axes, x->rank);
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
    return ks__count_of(KS_HERE, ks__reduce_some(g), KS_INTS(0), KS_F64);
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
