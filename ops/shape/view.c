/*
 * ops/shape/view.c - dimensions that come and go while the elements stay where they are: flatten, squeeze, unsqueeze.
 *
 * All are views: no element moves. What undoes them is reshape_like, which takes its sizes from x when it runs.
 */
#include "ops/family.h"

typedef struct axes_attrs {
    ks_ints axes;
} axes_attrs;

static ks_node *like_pullback(ks_node *y, int i, ks_node *u)
{
    return ks_reshape_like_at(ks_node_place(y), u, ks__in(y, i));
}

/* ---- flatten ------------------------------------------------------------------------------------------- */

typedef struct flatten_attrs {
    int64_t axis;
} flatten_attrs;

static const ks_attr flatten_table[] = {
    {"axis", KS_ATTR_INT, offsetof(flatten_attrs, axis), false, false,
     "the axes before it become the rows, it and those after it the columns; default 1"},
    {0},
};
static const flatten_attrs flatten_defaults = {.axis = 1};

/* The product of dimensions [from, to): an open one stays itself where the others are ones. */
static bool product_of(const ks_shape *x, int from, int to, int64_t *out)
{
    int64_t known = 1, open = 0;
    int opens = 0;
    for (int i = from; i < to; i++) {
        if (!ks__dim_open(x->dim[i])) {
            if (__builtin_mul_overflow(known, x->dim[i], &known))
                return false;
        } else {
            open = x->dim[i];
            opens++;
        }
    }
    *out = !opens || !known ? known : opens == 1 && known == 1 ? open : KS_ANY;
    return true;
}

static bool infer_flatten(ks_infer *infer)
{
    const flatten_attrs *attrs = infer->attrs;
    const ks_shape *x = infer->shape[0];
    int64_t axis = attrs->axis < 0 ? attrs->axis + x->rank : attrs->axis;
    if (axis < 0 || axis > x->rank)
        return ks_infer_fail(infer, KS_BAD_SHAPE, "axis %lld is none of 0 to %d: {0}", (long long)attrs->axis, x->rank);
    infer->out.rank = 2;
    return (product_of(x, 0, (int)axis, &infer->out.dim[0]) && product_of(x, (int)axis, x->rank, &infer->out.dim[1])) ||
           ks_infer_fail(infer, KS_BAD_SHAPE, "the sizes multiplied are beyond what memory can hold: {0}");
}

static ks_node *flatten_example(ks_graph *g)
{
    return ks_flatten(ks__given(g, "x", KS_SHAPE(2, 1, 3), KS__VALUES(1, -2, 3, 4, 0.5, -6)), 1);
}

const ks_op ks__op_flatten = {
    .size = sizeof(ks_op),
    .name = "flatten",
    .formula = "y = x, as a matrix",
    .doc = "The same elements as a matrix: the axes before `axis` become its rows, that axis and those after it its columns. With the "
           "default 1, a batch [N, C, H, W] becomes [N, C H W], the form that a dense layer takes. axis 0 gives one row, axis = rank one "
           "column; a scalar becomes [1, 1] with axis 0.",
    .types = "T>T",
    .inputs = "x",
    .allowed = KS_ALL_TYPES,
    .flags = KS_OP_LINEAR | KS_OP_VIEW,
    .attrs = flatten_table,
    .attrs_size = sizeof(flatten_attrs),
    .defaults = &flatten_defaults,
    .infer = infer_flatten,
    .kernel = ks__copy_kernel,
    .pullback = like_pullback,
    .derivative = "reshape_like(u, x)",
    .onnx = "Flatten",
    .example = flatten_example,
};

ks_node *ks_flatten_at(ks_place at, ks_node *x, int64_t axis)
{
    return ks__apply1(at, &ks__op_flatten, x, &(flatten_attrs){axis});
}

/* ---- squeeze ------------------------------------------------------------------------------------------- */

static const ks_attr squeeze_table[] = {
    {"axes", KS_ATTR_INTS, offsetof(axes_attrs, axes), false, false,
     "the dimensions of one that go; negative counts from the end, absent: all that are one"},
    {0},
};
static const axes_attrs squeeze_defaults = {.axes = {.count = -1}};

static bool infer_squeeze(ks_infer *infer)
{
    const axes_attrs *attrs = infer->attrs;
    const ks_shape *x = infer->shape[0];
    bool all = attrs->axes.count < 0;
    unsigned mask;
    if (!ks__axes_mask(infer, &attrs->axes, x->rank, &mask))
        return false;
    infer->out.rank = 0;
    for (int i = 0; i < x->rank; i++) {
        bool named = mask >> i & 1;
        if (all && ks__dim_open(x->dim[i]))
            return ks_infer_fail(infer, KS_BAD_SHAPE, "axis %d is open, so it may be one or not: name the axes to squeeze: {0}", i);
        if (!all && named && x->dim[i] != 1 && !ks__dim_open(x->dim[i]))
            return ks_infer_fail(infer, KS_BAD_SHAPE, "axis %d has %lld elements, and only a dimension of one can go: {0}", i,
                                 (long long)x->dim[i]);
        if (!named || (all && x->dim[i] != 1))
            infer->out.dim[infer->out.rank++] = x->dim[i];
    }
    return true;
}

static ks_node *squeeze_example(ks_graph *g)
{
    return ks_squeeze(ks__given(g, "x", KS_SHAPE(2, 1, 3), KS__VALUES(1, -2, 3, 4, 0.5, -6)), KS_INTS(1));
}

const ks_op ks__op_squeeze = {
    .size = sizeof(ks_op),
    .name = "squeeze",
    .formula = "y = x without dimensions of one",
    .doc = "Leaves out dimensions of one: those at the axes, or all of them when no axes are given. An axis that is named must have one "
           "element; one that is open is looked at when it is fed. Without axes no dimension may be open, for whether it goes would depend "
           "on the data.",
    .types = "T>T",
    .inputs = "x",
    .allowed = KS_ALL_TYPES,
    .flags = KS_OP_LINEAR | KS_OP_VIEW,
    .attrs = squeeze_table,
    .attrs_size = sizeof(axes_attrs),
    .defaults = &squeeze_defaults,
    .infer = infer_squeeze,
    .kernel = ks__copy_kernel,
    .pullback = like_pullback,
    .derivative = "reshape_like(u, x)",
    .onnx = "Squeeze",
    .example = squeeze_example,
};

ks_node *ks_squeeze_at(ks_place at, ks_node *x, ks_ints axes)
{
    axes_attrs attrs;
    ks__set_ints(&attrs.axes, &axes);
    return ks__apply1(at, &ks__op_squeeze, x, &attrs);
}

/* ---- unsqueeze ----------------------------------------------------------------------------------------- */

static const ks_attr unsqueeze_table[] = {
    {"axes", KS_ATTR_INTS, offsetof(axes_attrs, axes), false, true,
     "where dimensions of one are put, as axes of the result; negative counts from its end"},
    {0},
};

static bool infer_unsqueeze(ks_infer *infer)
{
    const axes_attrs *attrs = infer->attrs;
    const ks_shape *x = infer->shape[0];
    int added = attrs->axes.count < 0 ? 0 : attrs->axes.count;
    unsigned mask = 0;
    if (x->rank + added > KS_MAX_RANK)
        return ks_infer_fail(infer, KS_BAD_SHAPE, "%d dimensions more are beyond the %d that there may be: {0}", added, KS_MAX_RANK);
    infer->out.rank = x->rank + added;
    for (int i = 0; i < added; i++) {
        int axis;
        if (!ks__axis(attrs->axes.at[i], infer->out.rank, &axis))
            return ks_infer_fail(infer, KS_BAD_SHAPE, "the result, of %d dimensions, has no axis %lld: {0}", infer->out.rank,
                                 (long long)attrs->axes.at[i]);
        if (mask >> axis & 1)
            return ks_infer_fail(infer, KS_BAD_ARGUMENT, "axis %lld is named twice", (long long)attrs->axes.at[i]);
        mask |= 1u << axis;
    }
    for (int i = 0, k = 0; i < infer->out.rank; i++)
        infer->out.dim[i] = mask >> i & 1 ? 1 : x->dim[k++];
    return true;
}

static ks_node *unsqueeze_example(ks_graph *g)
{
    return ks_unsqueeze(ks__given(g, "x", KS_SHAPE(2, 3), KS__VALUES(1, -2, 3, 4, 0.5, -6)), KS_INTS(0, -1));
}

const ks_op ks__op_unsqueeze = {
    .size = sizeof(ks_op),
    .name = "unsqueeze",
    .formula = "y = x with dimensions of one put in",
    .doc = "Puts dimensions of one in, at the given axes of the result: [2, 3] with axes 0 and -1 becomes [1, 2, 3, 1]. What broadcasting "
           "cannot line up by itself is lined up so.",
    .types = "T>T",
    .inputs = "x",
    .allowed = KS_ALL_TYPES,
    .flags = KS_OP_LINEAR | KS_OP_VIEW,
    .attrs = unsqueeze_table,
    .attrs_size = sizeof(axes_attrs),
    .infer = infer_unsqueeze,
    .kernel = ks__copy_kernel,
    .pullback = like_pullback,
    .derivative = "reshape_like(u, x)",
    .onnx = "Unsqueeze",
    .example = unsqueeze_example,
};

ks_node *ks_unsqueeze_at(ks_place at, ks_node *x, ks_ints axes)
{
    axes_attrs attrs;
    ks__set_ints(&attrs.axes, &axes);
    return ks__apply1(at, &ks__op_unsqueeze, x, &attrs);
}
