/*
 * ops/shape/shape.c - other shapes for the same elements: sum_to, expand, reshape, reshape_like, transpose.
 *
 * All are linear and come in pairs, each the other's transpose. Sizes are taken from a second input that gives its shape
 * only ("like"), never from numbers known while composing, so a gradient made at N = 1 holds at N = 7.
 */
#include "ops/tiles.h"

/* ---- sum_to -------------------------------------------------------------------------------------------- */

/* y = x summed until it has like's shape */
static bool infer_sum_to(ks_infer *infer)
{
    const ks_shape *x = infer->shape[0], *like = infer->shape[1];
    int extra = x->rank - like->rank;
    bool fits = extra >= 0;
    for (int i = 0; fits && i < like->rank; i++) {
        int64_t dim;
        fits = ks__dim_broadcast(infer->graph, x->dim[i + extra], like->dim[i], &dim) && (x->dim[i + extra] != 1 || like->dim[i] <= 1);
    }
    infer->out = *like;
    return fits ||
           ks_infer_fail(infer, KS_BAD_SHAPE, "the second does not broadcast to the first, so there is nothing to sum over: {0}, {1}");
}

/* The axes of x over which sum_to sums. */
static unsigned sum_to_mask(const ks_shape *x, const ks_shape *like)
{
    int extra = x->rank - like->rank;
    unsigned mask = 0;
    for (int i = 0; i < x->rank; i++) {
        if (i < extra || (like->dim[i - extra] == 1 && x->dim[i] != 1))
            mask |= 1u << i;
    }
    return mask;
}

static size_t sum_to_scratch(const ks_call *call)
{
    return ks__sum_scratch(&call->in[0], sum_to_mask(call->in[0].shape, call->in[1].shape));
}

static bool sum_to_kernel(const ks_call *call, ks_failure *failure)
{
    (void)failure;
    return ks__sum_over(call, &call->in[0], sum_to_mask(call->in[0].shape, call->in[1].shape), call->out->data, call->scratch);
}

static ks_node *sum_to_pullback(ks_node *y, int i, ks_node *u)
{
    return i == 0 ? ks_expand_at(ks_node_place(y), u, ks__in(y, 0), KS_ABSENT) : NULL;
}

static ks_node *sum_to_example(ks_graph *g)
{
    ks_node *x = ks__given(g, "x", KS_SHAPE(2, 2, 3), KS__VALUES(1, -2, 3, 4, 5, -6, 0.5, 0.25, 2, -1, 1.5, 7));
    return ks_sum_to(x, ks_constant(g, KS_F64, KS_SHAPE(2, 1), KS__VALUES(0, 0)));
}

const ks_op ks__op_sum_to = {
    .size = sizeof(ks_op),
    .name = "sum_to",
    .formula = "y = x summed to the shape of like",
    .doc = "Sums x over the axes along which a tensor of like's shape would be repeated to get x's shape, so that the result has like's "
           "shape: "
           "the transpose of broadcasting. Of like only the shape is taken.",
    .types = "TS>T",
    .inputs = "x like",
    .allowed = KS_FLOATS | 1u << KS_I32 | 1u << KS_I64,
    .flags = KS_OP_LINEAR | KS_OP_SAME | KS_OP_LINES,
    .infer = infer_sum_to,
    .kernel = sum_to_kernel,
    .scratch = sum_to_scratch,
    .pullback = sum_to_pullback,
    .derivative = "expand(u, x)",
    .example = sum_to_example,
};

ks_node *ks_sum_to_at(ks_place at, ks_node *x, ks_node *like)
{
    return ks__apply2(at, &ks__op_sum_to, x, like, NULL);
}

/* ---- expand -------------------------------------------------------------------------------------------- */

typedef struct expand_attrs {
    ks_ints axes;
} expand_attrs;

static const ks_attr expand_table[] = {
    {"axes", KS_ATTR_INTS, offsetof(expand_attrs, axes), false, false,
     "where x gets dimensions of 1 first, as axes of the result; absent: nowhere, x broadcasts as it is"},
    {0},
};
static const expand_attrs expand_defaults = {.axes = {.count = -1}};

/* x's shape with the dimensions of one put in; false (and why) if it can't be. */
static bool insert_ones(ks_infer *infer, const ks_shape *x, const ks_shape *like, const ks_ints *axes, ks_shape *out)
{
    *out = *x;
    if (axes->count <= 0)
        return true;
    unsigned mask;
    if (x->rank + axes->count != like->rank)
        return ks_infer_fail(infer, KS_BAD_SHAPE, "%d axes are not what the ranks differ by: {0}, {1}", axes->count);
    if (!ks__axes_mask(infer, axes, like->rank, &mask))
        return false;
    out->rank = like->rank;
    for (int i = 0, k = 0; i < like->rank; i++)
        out->dim[i] = mask & 1u << i ? 1 : x->dim[k++];
    return true;
}

/* The engine broadcasts; what is left to do is to copy. */
KS__COPIES1(expand)

/* y[i] = x[i where x has that dimension] */
static bool infer_expand(ks_infer *infer)
{
    const expand_attrs *attrs = infer->attrs;
    const ks_shape *like = infer->shape[1];
    ks_shape x;
    if (!insert_ones(infer, infer->shape[0], like, &attrs->axes, &x))
        return false;
    int extra = like->rank - x.rank;
    bool fits = extra >= 0;
    for (int i = 0; fits && i < x.rank; i++) {
        int64_t dim;
        fits = ks__dim_broadcast(infer->graph, x.dim[i], like->dim[i + extra], &dim) && (like->dim[i + extra] != 1 || x.dim[i] <= 1);
    }
    infer->out = *like;
    return fits || ks_infer_fail(infer, KS_BAD_SHAPE, "the first does not broadcast to the shape of the second: {0}, {1}");
}

/* As infer has found right. */
static void expand_seen(const void *attributes, const ks_shape *in, const ks_shape *out, ks_shape *as)
{
    const expand_attrs *attrs = attributes;
    ks_failure failure = {.code = KS_OK};
    ks_infer quiet = {.failure = &failure};
    insert_ones(&quiet, in, out, &attrs->axes, as);
}

static ks_node *expand_pullback(ks_node *y, int i, ks_node *u)
{
    const expand_attrs *attrs = ks__attrs(y);
    if (i != 0)
        return NULL;
    ks_place at = ks_node_place(y);
    if (attrs->axes.count > 0)
        u = ks_sum_at(at, u, attrs->axes, false);
    return ks__sum_down(at, u, ks__in(y, 0));
}

static ks_node *expand_example(ks_graph *g)
{
    ks_node *x = ks__given(g, "x", KS_SHAPE(2, 1), KS__VALUES(1.5, -2));
    return ks_expand(x, ks_constant(g, KS_F64, KS_SHAPE(2, 2, 3), KS__VALUES(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)), KS_INTS(1));
}

const ks_op ks__op_expand = {
    .size = sizeof(ks_op),
    .name = "expand",
    .formula = "y = x repeated to the shape of like",
    .doc = "Broadcasts x to like's shape, of which only the shape is taken. With axes, x first gets dimensions of 1 there, counted in the "
           "result: "
           "expand(sum(x, axes), x, axes) has x's shape.",
    .types = "TS>T",
    .inputs = "x like",
    .allowed = KS_ALL_TYPES,
    .flags = KS_OP_LINEAR | KS_OP_SAME | KS_OP_SPREAD,
    .attrs = expand_table,
    .attrs_size = sizeof(expand_attrs),
    .defaults = &expand_defaults,
    .infer = infer_expand,
    .tiles = expand_tiles,
    .seen = expand_seen,
    .pullback = expand_pullback,
    .derivative = "sum_to(sum(u, axes), x)",
    .onnx = "Expand",
    .example = expand_example,
};

ks_node *ks_expand_at(ks_place at, ks_node *x, ks_node *like, ks_ints axes)
{
    expand_attrs attrs;
    ks__set_ints(&attrs.axes, &axes);
    return ks__apply2(at, &ks__op_expand, x, like, &attrs);
}

/* ---- reshape ------------------------------------------------------------------------------------------- */

typedef struct reshape_attrs {
    ks_shape shape;
} reshape_attrs;

static const ks_attr reshape_table[] = {
    {"shape", KS_ATTR_SHAPE, offsetof(reshape_attrs, shape), false, true,
     "the new shape; one dimension may be -1 or open: it takes what is left"},
    {0},
};

/* a b, or the greatest number where that is beyond it: sizes may be written that no tensor has. */
static int64_t times(int64_t a, int64_t b)
{
    int64_t product;
    return __builtin_mul_overflow(a, b, &product) ? INT64_MAX : product;
}

/* The dimension that takes what is left of x, `known` elements being spoken for; 0 if that can't be. */
static int64_t what_is_left(const ks_shape *x, int64_t known)
{
    int64_t fixed = 1, open = 0;
    int opens = 0;
    for (int i = 0; i < x->rank; i++) {
        if (ks__dim_open(x->dim[i])) {
            open = x->dim[i];
            opens++;
        } else {
            fixed = times(fixed, x->dim[i]);
        }
    }
    if (opens)
        return opens == 1 && fixed == known ? open : KS_ANY;
    return known && fixed % known == 0 ? fixed / known : -1;
}

static bool infer_reshape(ks_infer *infer)
{
    const reshape_attrs *attrs = infer->attrs;
    const ks_shape *x = infer->shape[0];
    char text[KS__SHAPE_TEXT];
    int left = -1;
    int64_t known = 1;
    infer->out = attrs->shape;
    for (int i = 0; i < infer->out.rank; i++) {
        if (infer->out.dim[i] >= 0)
            known = times(known, infer->out.dim[i]);
        else if (left >= 0)
            return ks_infer_fail(infer, KS_BAD_ARGUMENT,
                                 "only one dimension of the new shape may be left open: give the others as numbers");
        else
            left = i;
    }
    int64_t count = ks__count(x);
    if (left < 0 && (count < 0 || count == known))
        return true;
    if (left >= 0) {
        infer->out.dim[left] = what_is_left(x, known);
        if (count < 0 || infer->out.dim[left] >= 0)
            return true;
        infer->out.dim[left] = -1;
    }
    return ks_infer_fail(infer, KS_BAD_SHAPE, "the %lld elements do not fit %s: {0}%s", (long long)count,
                         ks__shape_text(infer->graph, &attrs->shape, text), left < 0 ? ": -1 leaves one dimension to be counted" : "");
}

static ks_node *like_pullback(ks_node *y, int i, ks_node *u)
{
    return i == 0 ? ks_reshape_like_at(ks_node_place(y), u, ks__in(y, 0)) : NULL;
}

static ks_node *reshape_example(ks_graph *g)
{
    return ks_reshape(ks__given(g, "x", KS_SHAPE(2, 3), KS__VALUES(1, -2, 3, 4, 0.5, -6)), KS_SHAPE(3, -1));
}

const ks_op ks__op_reshape = {
    .size = sizeof(ks_op),
    .name = "reshape",
    .formula = "y = x, of another shape",
    .doc = "The same elements in the same row-major order, with another shape. One dimension may be -1 (or open) and takes what is left.",
    .types = "T>T",
    .inputs = "x",
    .allowed = KS_ALL_TYPES,
    .flags = KS_OP_LINEAR | KS_OP_VIEW,
    .attrs = reshape_table,
    .attrs_size = sizeof(reshape_attrs),
    .infer = infer_reshape,
    .kernel = ks__copy_kernel,
    .pullback = like_pullback,
    .derivative = "reshape_like(u, x)",
    .onnx = "Reshape",
    .example = reshape_example,
};

ks_node *ks_reshape_at(ks_place at, ks_node *x, ks_shape shape)
{
    reshape_attrs attrs;
    if (x && !ks__rank_fits(shape.rank))
        return ks__null(x->graph, KS_BAD_SHAPE, at, "reshape: a shape has 0 to %d dimensions, this one %d", KS_MAX_RANK, shape.rank);
    ks__set_shape(&attrs.shape, &shape);
    return ks__apply1(at, &ks__op_reshape, x, &attrs);
}

static bool infer_reshape_like(ks_infer *infer)
{
    int64_t a = ks__count(infer->shape[0]), b = ks__count(infer->shape[1]);
    infer->out = *infer->shape[1];
    return a < 0 || b < 0 || a == b || ks_infer_fail(infer, KS_BAD_SHAPE, "the numbers of elements differ: {0}, {1}");
}

static ks_node *reshape_like_example(ks_graph *g)
{
    ks_node *x = ks__given(g, "x", KS_SHAPE(2, 3), KS__VALUES(1, -2, 3, 4, 0.5, -6));
    return ks_reshape_like(x, ks_constant(g, KS_F64, KS_SHAPE(6), KS__VALUES(0, 0, 0, 0, 0, 0)));
}

const ks_op ks__op_reshape_like = {
    .size = sizeof(ks_op),
    .name = "reshape_like",
    .formula = "y = x, of the shape of like",
    .doc = "The same elements in the same row-major order, with like's shape, of which only the shape is taken: undoes a reshape.",
    .types = "TS>T",
    .inputs = "x like",
    .allowed = KS_ALL_TYPES,
    .flags = KS_OP_LINEAR | KS_OP_VIEW,
    .infer = infer_reshape_like,
    .kernel = ks__copy_kernel,
    .pullback = like_pullback,
    .derivative = "reshape_like(u, x)",
    .example = reshape_like_example,
};

ks_node *ks_reshape_like_at(ks_place at, ks_node *x, ks_node *like)
{
    return ks__apply2(at, &ks__op_reshape_like, x, like, NULL);
}

/* ---- transpose ----------------------------------------------------------------------------------------- */

typedef struct transpose_attrs {
    ks_ints perm;
} transpose_attrs;

static const ks_attr transpose_table[] = {
    {"perm", KS_ATTR_INTS, offsetof(transpose_attrs, perm), false, false, "axis i of the result is axis perm[i] of x; absent: reversed"},
    {0},
};
static const transpose_attrs transpose_defaults = {.perm = {.count = -1}};

/* The axis of x that becomes axis i. */
static int source_axis(const ks_ints *perm, int rank, int i)
{
    if (perm->count < 0)
        return rank - 1 - i;
    return (int)(perm->at[i] < 0 ? perm->at[i] + rank : perm->at[i]);
}

static bool infer_transpose(ks_infer *infer)
{
    const transpose_attrs *attrs = infer->attrs;
    const ks_shape *x = infer->shape[0];
    unsigned mask;
    if (attrs->perm.count >= 0 && attrs->perm.count != x->rank)
        return ks_infer_fail(infer, KS_BAD_SHAPE, "perm has %d axes, not %d: {0}", attrs->perm.count, x->rank);
    if (!ks__axes_mask(infer, &attrs->perm, x->rank, &mask))
        return false;
    infer->out.rank = x->rank;
    for (int i = 0; i < x->rank; i++)
        infer->out.dim[i] = x->dim[source_axis(&attrs->perm, x->rank, i)];
    return true;
}

static bool transpose_kernel(const ks_call *call, ks_failure *failure)
{
    (void)failure;
    const transpose_attrs *attrs = call->attrs;
    const ks_shape *x = call->in[0].shape;
    int64_t own[KS_MAX_RANK], stride[KS_MAX_RANK], run = 1;
    for (int i = x->rank - 1; i >= 0; i--) {
        own[i] = run;
        run *= x->dim[i];
    }
    for (int i = 0; i < x->rank; i++)
        stride[i] = own[source_axis(&attrs->perm, x->rank, i)];
    ks__copy_strided(call, call->out->data, call->in[0].data, ks_dtype_size(call->out->dtype), x->rank, call->out->shape->dim, stride);
    return true;
}

static ks_node *transpose_pullback(ks_node *y, int i, ks_node *u)
{
    (void)i;
    const transpose_attrs *attrs = ks__attrs(y);
    ks_ints back = {.count = attrs->perm.count};
    for (int k = 0; k < back.count; k++)
        back.at[source_axis(&attrs->perm, back.count, k)] = k;
    return ks_transpose_at(ks_node_place(y), u, back);
}

static ks_node *transpose_example(ks_graph *g)
{
    return ks_transpose(ks__given(g, "x", KS_SHAPE(1, 2, 3), KS__VALUES(1, -2, 3, 4, 0.5, -6)), KS_INTS(2, 0, -2));
}

const ks_op ks__op_transpose = {
    .size = sizeof(ks_op),
    .name = "transpose",
    .formula = "y[i_perm(0), i_perm(1), ...] = x[i_0, i_1, ...]",
    .doc = "Exchanges axes: axis i of the result is axis perm[i] of x. Without perm the axes are reversed, which is the transpose of a "
           "matrix.",
    .types = "T>T",
    .inputs = "x",
    .allowed = KS_ALL_TYPES,
    .flags = KS_OP_LINEAR | KS_OP_MOVES,
    .attrs = transpose_table,
    .attrs_size = sizeof(transpose_attrs),
    .defaults = &transpose_defaults,
    .infer = infer_transpose,
    .kernel = transpose_kernel,
    .pullback = transpose_pullback,
    .derivative = "transpose(u, inverse of perm)",
    .onnx = "Transpose",
    .example = transpose_example,
};

ks_node *ks_transpose_at(ks_place at, ks_node *x, ks_ints perm)
{
    transpose_attrs attrs;
    ks__set_ints(&attrs.perm, &perm);
    return ks__apply1(at, &ks__op_transpose, x, &attrs);
}
