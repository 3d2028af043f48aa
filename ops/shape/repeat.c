/*
 * ops/shape/repeat.c - the same elements several times: broadcast_to, tile, repeat, and the transposes that add them up.
 */
#include "ops/tiles.h"
#include "ops/shape/map.h"

static size_t copy_scratch(const ks_call *call)
{
    return ks__map_scratch(call->out->shape);
}

/* ---- broadcast_to -------------------------------------------------------------------------------------- */

typedef struct broadcast_to_attrs {
    ks_shape shape;
} broadcast_to_attrs;

static const ks_attr broadcast_to_table[] = {
    {"shape", KS_ATTR_SHAPE, offsetof(broadcast_to_attrs, shape), false, true,
     "the shape that it gets; -1 or an open dimension keeps what x has there"},
    {0},
};

KS__COPIES1(broadcast_to)

static bool infer_broadcast_to(ks_infer *infer)
{
    const broadcast_to_attrs *attrs = infer->attrs;
    const ks_shape *x = infer->shape[0];
    char text[KS__SHAPE_TEXT];
    infer->out = attrs->shape;
    int extra = infer->out.rank - x->rank;
    bool fits = extra >= 0;
    for (int i = 0; fits && i < infer->out.rank; i++) {
        int64_t *wanted = &infer->out.dim[i], has = i < extra ? 1 : x->dim[i - extra];
        if (*wanted < 0 && i < extra)
            return ks_infer_fail(infer, KS_BAD_SHAPE, "axis %d of %s is new, so there is no size to keep: give it as a number: {0}", i,
                                 ks__shape_text(infer->graph, &attrs->shape, text));
        if (*wanted < 0)
            *wanted = has;
        fits = *wanted == has || has == 1 || ks__dim_open(has);
    }
    return fits || ks_infer_fail(infer, KS_BAD_SHAPE, "only dimensions of one are repeated, so nothing gets the shape %s: {0}",
                                 ks__shape_text(infer->graph, &attrs->shape, text));
}

static ks_node *broadcast_to_pullback(ks_node *y, int i, ks_node *u)
{
    return ks__sum_down(ks_node_place(y), u, ks__in(y, i));
}

static ks_node *broadcast_to_example(ks_graph *g)
{
    return ks_broadcast_to(ks__given(g, "x", KS_SHAPE(2, 1), KS__VALUES(1.5, -2)), KS_SHAPE(2, -1, 3));
}

const ks_op ks__op_broadcast_to = {
    .size = sizeof(ks_op),
    .name = "broadcast_to",
    .formula = "y = x repeated to a shape",
    .doc =
        "Broadcasts x to a given shape as NumPy does: shapes are lined up at their ends, dimensions of one are repeated and new ones are "
        "put in front. -1 keeps the size that x has there, so a batch may stay open. expand takes the shape of another tensor instead.",
    .types = "T>T",
    .inputs = "x",
    .allowed = KS_ALL_TYPES,
    .flags = KS_OP_LINEAR | KS_OP_SAME | KS_OP_SPREAD,
    .attrs = broadcast_to_table,
    .attrs_size = sizeof(broadcast_to_attrs),
    .infer = infer_broadcast_to,
    .tiles = broadcast_to_tiles,
    .pullback = broadcast_to_pullback,
    .derivative = "sum_to(u, x)",
    .onnx = "Expand",
    .example = broadcast_to_example,
};

ks_node *ks_broadcast_to_at(ks_place at, ks_node *x, ks_shape shape)
{
    broadcast_to_attrs attrs;
    if (x && !ks__rank_fits(shape.rank))
        return ks__null(x->graph, KS_BAD_SHAPE, at, "broadcast_to: a shape has 0 to %d dimensions, this one %d", KS_MAX_RANK, shape.rank);
    ks__set_shape(&attrs.shape, &shape);
    return ks__apply1(at, &ks__op_broadcast_to, x, &attrs);
}

/* ---- tile ---------------------------------------------------------------------------------------------- */

typedef struct tile_attrs {
    ks_ints repeats;
} tile_attrs;

static const ks_attr tile_table[] = {
    {"repeats", KS_ATTR_INTS, offsetof(tile_attrs, repeats), false, true, "how often x stands along each axis"},
    {0},
};

/* n repeated; an open size that is repeated has no name. */
static bool repeated(ks_infer *infer, int axis, int64_t times, int64_t *dim)
{
    if (times < 0)
        return ks_infer_fail(infer, KS_BAD_ARGUMENT, "%lld repeats of axis %d: a number of repeats is not negative", (long long)times,
                             axis);
    if (ks__dim_open(*dim))
        *dim = times == 1 ? *dim : times ? KS_ANY : 0;
    else if (__builtin_mul_overflow(*dim, times, dim))
        return ks_infer_fail(infer, KS_BAD_SHAPE, "axis %d, repeated %lld times, is beyond what memory can hold: {0}", axis,
                             (long long)times);
    return true;
}

static bool infer_tile(ks_infer *infer)
{
    const tile_attrs *attrs = infer->attrs;
    infer->out = *infer->shape[0];
    if (attrs->repeats.count != infer->out.rank)
        return ks_infer_fail(infer, KS_BAD_SHAPE, "repeats has %d numbers, and there must be one for each axis: {0}", attrs->repeats.count);
    for (int i = 0; i < infer->out.rank; i++) {
        if (!repeated(infer, i, attrs->repeats.at[i], &infer->out.dim[i]))
            return false;
    }
    return true;
}

static void tile_positions(const void *attrs, int axis, int64_t in, int64_t out, int64_t *position)
{
    (void)attrs, (void)axis;
    for (int64_t i = 0, from = 0; i < out; i++) {
        position[i] = from;
        from = from + 1 == in ? 0 : from + 1;
    }
}

static bool tile_kernel(const ks_call *call, ks_failure *failure)
{
    (void)failure;
    ks__map_copy(call, tile_positions, NULL);
    return true;
}

static ks_node *tile_pullback(ks_node *y, int i, ks_node *u)
{
    return ks__apply2(ks_node_place(y), &ks__op_untile, u, ks__in(y, i), ks__attrs(y));
}

static ks_node *tile_example(ks_graph *g)
{
    return ks_tile(ks__given(g, "x", KS_SHAPE(2, 3), KS__VALUES(1, -2, 3, 4, 0.5, -6)), KS_INTS(2, 2));
}

const ks_op ks__op_tile = {
    .size = sizeof(ks_op),
    .name = "tile",
    .formula = "y[i, j, ...] = x[i mod m, j mod n, ...]",
    .doc =
        "x laid out beside itself as tiles are: repeats[k] times along axis k, so [2, 3] with repeats 2 and 4 becomes [4, 12]. One number "
        "is given for each axis. ks_tile also takes fewer, which are meant for the last axes, or more, and then x gets dimensions of one "
        "in "
        "front, as NumPy's tile does. Repeating 0 times gives an empty tensor. repeat repeats each element instead.",
    .types = "T>T",
    .inputs = "x",
    .allowed = KS_ALL_TYPES,
    .flags = KS_OP_LINEAR | KS_OP_MOVES,
    .attrs = tile_table,
    .attrs_size = sizeof(tile_attrs),
    .infer = infer_tile,
    .kernel = tile_kernel,
    .scratch = copy_scratch,
    .pullback = tile_pullback,
    .derivative = "untile(u, x)",
    .onnx = "Tile",
    .example = tile_example,
};

ks_node *ks_tile_at(ks_place at, ks_node *x, ks_ints repeats)
{
    tile_attrs attrs = {0};
    if (!x)
        return NULL;
    int count = repeats.count < 0 ? 0 : repeats.count > KS_MAX_RANK ? KS_MAX_RANK : repeats.count;
    ks_ints front = {0};
    for (; ks__rank(x) + front.count < count; front.count++)
        front.at[front.count] = front.count;
    if (front.count && !(x = ks_unsqueeze_at(at, x, front)))
        return NULL;
    attrs.repeats.count = ks__rank(x);
    for (int i = 0; i < attrs.repeats.count; i++) {
        int k = i - (attrs.repeats.count - count);
        attrs.repeats.at[i] = k < 0 ? 1 : repeats.at[k];
    }
    return ks__apply1(at, &ks__op_tile, x, &attrs);
}

/* ---- untile -------------------------------------------------------------------------------------------- */

static bool untile_kernel(const ks_call *call, ks_failure *failure)
{
    const tile_attrs *attrs = call->attrs;
    const ks_shape *u = call->in[0].shape, *like = call->out->shape;
    for (int i = 0; i < like->rank; i++) {
        if (attrs->repeats.count != like->rank || u->dim[i] != attrs->repeats.at[i] * like->dim[i])
            return ks__kernel_fail(failure, KS_BAD_SHAPE, "axis %d has %lld elements, which are not the repeats of %lld", i,
                                   (long long)u->dim[i], (long long)like->dim[i]);
    }
    ks__map_add(call, tile_positions);
    return true;
}

static ks_node *untile_pullback(ks_node *y, int i, ks_node *u)
{
    return i == 0 ? ks__apply1(ks_node_place(y), &ks__op_tile, u, ks__attrs(y)) : NULL;
}

static ks_node *untile_example(ks_graph *g)
{
    ks_node *u = ks__given(g, "u", KS_SHAPE(2, 4), KS__VALUES(1, -2, 3, 4, 0.5, -6, 7, 0.25));
    tile_attrs attrs = {.repeats = KS_INTS(2, 2)};
    return ks__apply2(KS_HERE, &ks__op_untile, u, ks_constant(g, KS_F64, KS_SHAPE(1, 2), KS__VALUES(0, 0)), &attrs);
}

const ks_op ks__op_untile = {
    .size = sizeof(ks_op),
    .name = "untile",
    .formula = "y = the tiles of u added up",
    .doc =
        "Adds up the tiles of u, which is shaped like the tile of `like`, in their order: the transpose of tile. Of like only the shape is "
        "taken. Whole numbers wrap.",
    .types = "TS>T",
    .inputs = "u like",
    .allowed = KS_NUMBERS,
    .flags = KS_OP_LINEAR,
    .attrs = tile_table,
    .attrs_size = sizeof(tile_attrs),
    .infer = ks__infer_like_second,
    .kernel = untile_kernel,
    .scratch = ks__map_add_scratch,
    .pullback = untile_pullback,
    .derivative = "tile(u)",
    .example = untile_example,
};

/* ---- repeat -------------------------------------------------------------------------------------------- */

typedef struct repeat_attrs {
    int64_t count, axis;
} repeat_attrs;

static const ks_attr repeat_table[] = {
    {"count", KS_ATTR_INT, offsetof(repeat_attrs, count), false, true, "how often each element stands"},
    {"axis", KS_ATTR_INT, offsetof(repeat_attrs, axis), false, false, "along which axis; default 0"},
    {0},
};

static bool infer_repeat(ks_infer *infer)
{
    const repeat_attrs *attrs = infer->attrs;
    int axis;
    infer->out = *infer->shape[0];
    if (!ks__axis(attrs->axis, infer->out.rank, &axis))
        return ks_infer_fail(infer, KS_BAD_SHAPE, "there is no axis %lld: {0}", (long long)attrs->axis);
    return repeated(infer, axis, attrs->count, &infer->out.dim[axis]);
}

/* An axis that is not repeated has as many places as positions. */
static void repeat_positions(const void *attributes, int axis, int64_t in, int64_t out, int64_t *position)
{
    const repeat_attrs *attrs = attributes;
    (void)axis;
    int64_t count = in == out ? 1 : attrs->count;
    for (int64_t i = 0, from = 0; i < out; from++) {
        for (int64_t k = 0; k < count; k++)
            position[i++] = from;
    }
}

static bool repeat_kernel(const ks_call *call, ks_failure *failure)
{
    (void)failure;
    ks__map_copy(call, repeat_positions, NULL);
    return true;
}

static ks_node *repeat_pullback(ks_node *y, int i, ks_node *u)
{
    return ks__apply2(ks_node_place(y), &ks__op_unrepeat, u, ks__in(y, i), ks__attrs(y));
}

static ks_node *repeat_example(ks_graph *g)
{
    return ks_repeat(ks__given(g, "x", KS_SHAPE(2, 3), KS__VALUES(1, -2, 3, 4, 0.5, -6)), 2, 1);
}

const ks_op ks__op_repeat = {
    .size = sizeof(ks_op),
    .name = "repeat",
    .formula = "y[..., i, ...] = x[..., floor(i / count), ...]",
    .doc =
        "Each element `count` times along an axis, one copy after the other, as NumPy's repeat: 1, 2 becomes 1, 1, 2, 2. tile repeats the "
        "whole instead. Repeating 0 times gives an empty tensor.",
    .types = "T>T",
    .inputs = "x",
    .allowed = KS_ALL_TYPES,
    .flags = KS_OP_LINEAR | KS_OP_MOVES,
    .attrs = repeat_table,
    .attrs_size = sizeof(repeat_attrs),
    .infer = infer_repeat,
    .kernel = repeat_kernel,
    .scratch = copy_scratch,
    .pullback = repeat_pullback,
    .derivative = "unrepeat(u, x)",
    .example = repeat_example,
};

ks_node *ks_repeat_at(ks_place at, ks_node *x, int64_t count, int64_t axis)
{
    return ks__apply1(at, &ks__op_repeat, x, &(repeat_attrs){count, axis});
}

/* ---- unrepeat ------------------------------------------------------------------------------------------ */

static bool unrepeat_kernel(const ks_call *call, ks_failure *failure)
{
    const repeat_attrs *attrs = call->attrs;
    const ks_shape *u = call->in[0].shape, *like = call->out->shape;
    for (int i = 0; i < like->rank; i++) {
        int64_t times = i == (attrs->axis < 0 ? attrs->axis + like->rank : attrs->axis) ? attrs->count : 1;
        if (u->dim[i] != times * like->dim[i])
            return ks__kernel_fail(failure, KS_BAD_SHAPE, "axis %d has %lld elements, which are not the repeats of %lld", i,
                                   (long long)u->dim[i], (long long)like->dim[i]);
    }
    ks__map_add(call, repeat_positions);
    return true;
}

static ks_node *unrepeat_pullback(ks_node *y, int i, ks_node *u)
{
    return i == 0 ? ks__apply1(ks_node_place(y), &ks__op_repeat, u, ks__attrs(y)) : NULL;
}

static ks_node *unrepeat_example(ks_graph *g)
{
    ks_node *u = ks__given(g, "u", KS_SHAPE(2, 4), KS__VALUES(1, -2, 3, 4, 0.5, -6, 7, 0.25));
    repeat_attrs attrs = {.count = 2, .axis = 1};
    return ks__apply2(KS_HERE, &ks__op_unrepeat, u, ks_constant(g, KS_F64, KS_SHAPE(2, 2), KS__VALUES(0, 0, 0, 0)), &attrs);
}

const ks_op ks__op_unrepeat = {
    .size = sizeof(ks_op),
    .name = "unrepeat",
    .formula = "y[..., j, ...] = sum of u[..., i, ...] over i with floor(i / count) = j",
    .doc = "Adds up what repeat had made of each element, in its order: the transpose of repeat. Of like only the shape is taken. Whole "
           "numbers wrap.",
    .types = "TS>T",
    .inputs = "u like",
    .allowed = KS_NUMBERS,
    .flags = KS_OP_LINEAR,
    .attrs = repeat_table,
    .attrs_size = sizeof(repeat_attrs),
    .infer = ks__infer_like_second,
    .kernel = unrepeat_kernel,
    .scratch = ks__map_add_scratch,
    .pullback = unrepeat_pullback,
    .derivative = "repeat(u)",
    .example = unrepeat_example,
};
