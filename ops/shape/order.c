/*
 * ops/shape/order.c - the same elements in another order: flip and roll, and transpose by the names of axes.
 */
#include "ops/shape/map.h"

/* ---- flip ---------------------------------------------------------------------------------------------- */

typedef struct flip_attrs {
    ks_ints axes;
} flip_attrs;

static const ks_attr flip_table[] = {
    {"axes", KS_ATTR_INTS, offsetof(flip_attrs, axes), false, false, "which axes run backwards; absent: all"},
    {0},
};
static const flip_attrs flip_defaults = {.axes = {.count = -1}};

static bool infer_flip(ks_infer *infer)
{
    const flip_attrs *attrs = infer->attrs;
    unsigned mask;
    infer->out = *infer->shape[0];
    return ks__axes_mask(infer, &attrs->axes, infer->out.rank, &mask);
}

/* Whether the axis is one of those that infer has found right. */
static bool named(const ks_ints *axes, int rank, int axis)
{
    for (int i = 0; i < axes->count; i++) {
        if ((axes->at[i] < 0 ? axes->at[i] + rank : axes->at[i]) == axis)
            return true;
    }
    return axes->count < 0;
}

static bool flip_kernel(const ks_call *call, ks_failure *failure)
{
    (void)failure;
    const flip_attrs *attrs = call->attrs;
    const ks_shape *x = call->in[0].shape;
    int64_t stride[KS_MAX_RANK], run = 1, first = 0;
    if (!call->out->count)
        return true;
    for (int i = x->rank - 1; i >= 0; i--) {
        bool back = named(&attrs->axes, x->rank, i);
        stride[i] = back ? -run : run;
        first += back ? run * (x->dim[i] - 1) : 0;
        run *= x->dim[i];
    }
    size_t size = ks_dtype_size(call->out->dtype);
    ks__copy_strided(call, call->out->data, (const char *)call->in[0].data + (size_t)first * size, size, x->rank, x->dim, stride);
    return true;
}

static ks_node *flip_pullback(ks_node *y, int i, ks_node *u)
{
    (void)i;
    return ks__apply1(ks_node_place(y), &ks__op_flip, u, ks__attrs(y));
}

static ks_node *flip_example(ks_graph *g)
{
    return ks_flip(ks__given(g, "x", KS_SHAPE(2, 3), KS__VALUES(1, -2, 3, 4, 0.5, -6)), KS_INTS(1));
}

const ks_op ks__op_flip = {
    .size = sizeof(ks_op),
    .name = "flip",
    .formula = "y[..., i, ...] = x[..., n - 1 - i, ...]",
    .doc =
        "Turns the order of the elements round along the axes, all of them when none are given: 1, 2, 3 becomes 3, 2, 1. It undoes itself, "
        "and is its own transpose.",
    .types = "T>T",
    .inputs = "x",
    .allowed = KS_ALL_TYPES,
    .flags = KS_OP_LINEAR | KS_OP_MOVES,
    .attrs = flip_table,
    .attrs_size = sizeof(flip_attrs),
    .defaults = &flip_defaults,
    .infer = infer_flip,
    .kernel = flip_kernel,
    .pullback = flip_pullback,
    .derivative = "flip(u)",
    .example = flip_example,
};

ks_node *ks_flip_at(ks_place at, ks_node *x, ks_ints axes)
{
    flip_attrs attrs;
    ks__set_ints(&attrs.axes, &axes);
    return ks__apply1(at, &ks__op_flip, x, &attrs);
}

/* ---- roll ---------------------------------------------------------------------------------------------- */

typedef struct roll_attrs {
    ks_ints shifts, axes;
} roll_attrs;

static const ks_attr roll_table[] = {
    {"shifts", KS_ATTR_INTS, offsetof(roll_attrs, shifts), false, true, "by how many places elements move on; negative: back"},
    {"axes", KS_ATTR_INTS, offsetof(roll_attrs, axes), false, true, "along which axes, one for each shift"},
    {0},
};

static bool infer_roll(ks_infer *infer)
{
    const roll_attrs *attrs = infer->attrs;
    unsigned mask;
    infer->out = *infer->shape[0];
    if (attrs->axes.count < 0 || attrs->shifts.count != attrs->axes.count)
        return ks_infer_fail(infer, KS_BAD_ARGUMENT, "%d shifts and %d axes: give an axis for each shift", attrs->shifts.count,
                             attrs->axes.count);
    for (int i = 0; i < attrs->shifts.count; i++) {
        if (attrs->shifts.at[i] == INT64_MIN)
            return ks_infer_fail(infer, KS_BAD_ARGUMENT, "shift %d has no opposite: give one that is nearer to 0", i);
    }
    return ks__axes_mask(infer, &attrs->axes, infer->out.rank, &mask);
}

/* The shift of an axis, 0 where none is given. */
static int64_t shift_of(const roll_attrs *attrs, int rank, int axis)
{
    for (int i = 0; i < attrs->axes.count; i++) {
        if ((attrs->axes.at[i] < 0 ? attrs->axes.at[i] + rank : attrs->axes.at[i]) == axis)
            return attrs->shifts.at[i];
    }
    return 0;
}

/* What the positions of an axis are made from. */
typedef struct rolled {
    int64_t shift[KS_MAX_RANK];
} rolled;

static void roll_positions(const void *attrs, int axis, int64_t in, int64_t out, int64_t *position)
{
    const rolled *by = attrs;
    int64_t from = in ? -by->shift[axis] % in : 0;
    from += from < 0 ? in : 0;
    for (int64_t i = 0; i < out; i++) {
        position[i] = from;
        from = from + 1 == in ? 0 : from + 1;
    }
}

static bool roll_kernel(const ks_call *call, ks_failure *failure)
{
    (void)failure;
    rolled by;
    for (int i = 0; i < call->out->shape->rank; i++)
        by.shift[i] = shift_of(call->attrs, call->out->shape->rank, i);
    ks_call with = *call;
    with.attrs = &by;
    ks__map_copy(&with, roll_positions, NULL);
    return true;
}

static size_t roll_scratch(const ks_call *call)
{
    return ks__map_scratch(call->out->shape);
}

static ks_node *roll_pullback(ks_node *y, int i, ks_node *u)
{
    (void)i;
    roll_attrs back = *(const roll_attrs *)ks__attrs(y);
    for (int k = 0; k < back.shifts.count; k++)
        back.shifts.at[k] = -back.shifts.at[k];
    return ks__apply1(ks_node_place(y), &ks__op_roll, u, &back);
}

static ks_node *roll_example(ks_graph *g)
{
    return ks_roll(ks__given(g, "x", KS_SHAPE(2, 3), KS__VALUES(1, -2, 3, 4, 0.5, -6)), KS_INTS(1, -1), KS_INTS(0, 1));
}

const ks_op ks__op_roll = {
    .size = sizeof(ks_op),
    .name = "roll",
    .formula = "y[..., i, ...] = x[..., (i - shift) mod n, ...]",
    .doc =
        "Moves elements on by shift places along each of the axes; what leaves at the end comes in again at the front, as in NumPy's roll: "
        "1, 2, 3 rolled by 1 is 3, 1, 2. ks_roll without axes rolls the elements in their row-major order by one shift.",
    .types = "T>T",
    .inputs = "x",
    .allowed = KS_ALL_TYPES,
    .flags = KS_OP_LINEAR | KS_OP_MOVES,
    .attrs = roll_table,
    .attrs_size = sizeof(roll_attrs),
    .infer = infer_roll,
    .kernel = roll_kernel,
    .scratch = roll_scratch,
    .pullback = roll_pullback,
    .derivative = "roll(u, -shifts)",
    .example = roll_example,
};

ks_node *ks_roll_at(ks_place at, ks_node *x, ks_ints shifts, ks_ints axes)
{
    roll_attrs attrs;
    ks__set_ints(&attrs.shifts, &shifts);
    ks__set_ints(&attrs.axes, &axes);
    if (axes.count >= 0)
        return ks__apply1(at, &ks__op_roll, x, &attrs);
    attrs.axes = KS_INTS(0);
    ks_node *flat = ks_reshape_at(at, x, KS_SHAPE(-1));
    return ks_reshape_like_at(at, ks__apply1(at, &ks__op_roll, flat, &attrs), x);
}

/* ---- transpose by axes --------------------------------------------------------------------------------- */

ks_node *ks_swapaxes_at(ks_place at, ks_node *x, int64_t a, int64_t b)
{
    int first, second;
    if (!x)
        return NULL;
    int rank = ks__rank(x);
    ks_ints perm = {.count = rank};
    if (!ks__axis(a, rank, &first) || !ks__axis(b, rank, &second))
        return ks__null(x->graph, KS_BAD_SHAPE, at, "swapaxes: '%s' has %d dimensions, not axes %lld and %lld", ks_name(x), rank,
                        (long long)a, (long long)b);
    for (int i = 0; i < rank; i++)
        perm.at[i] = i == first ? second : i == second ? first : i;
    return ks_transpose_at(at, x, perm);
}

ks_node *ks_moveaxis_at(ks_place at, ks_node *x, int64_t from, int64_t to)
{
    int source, target;
    if (!x)
        return NULL;
    int rank = ks__rank(x);
    ks_ints perm = {.count = rank};
    if (!ks__axis(from, rank, &source) || !ks__axis(to, rank, &target))
        return ks__null(x->graph, KS_BAD_SHAPE, at, "moveaxis: '%s' has %d dimensions, not axes %lld and %lld", ks_name(x), rank,
                        (long long)from, (long long)to);
    for (int i = 0, k = 0; i < rank; i++) {
        k += k == source;
        perm.at[i] = i == target ? source : k++;
    }
    return ks_transpose_at(at, x, perm);
}
