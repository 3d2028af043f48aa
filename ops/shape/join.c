/*
 * ops/shape/join.c - parts of a tensor: concat, slice, and what their derivatives need.
 *
 * Each has a transpose here: concat's parts are taken out by unconcat, which place puts back among zeros; slice is put back
 * by unslice, and reslice takes what unslice put. Positions that depend on sizes are counted when they run.
 *
 * A slice's start is a value attribute: it may change without a new plan. unslice and reslice therefore name the slice as
 * their last input, by shape only: the engine gives them that node's attributes.
 */
#include "ops/family.h"

typedef struct axis_attrs {
    int64_t axis;
} axis_attrs;

static const ks_attr axis_table[] = {
    {"axis", KS_ATTR_INT, offsetof(axis_attrs, axis), false, false, "the axis along which the parts lie; default 0"},
    {0},
};

/* ---- blocks along an axis ------------------------------------------------------------------------------ */

/* Copies [before][extent * after] between two tensors that have different extents along the axis. */
static void copy_block(const ks_call *call, ks_tensor to, int64_t to_extent, int64_t to_at, const ks_tensor *from, int64_t from_extent,
                       int64_t from_at, ks__around part)
{
    size_t size = ks_dtype_size(to.dtype);
    int64_t run = part.extent * part.after;
    char *out = (char *)to.data + (size_t)(to_at * part.after) * size;
    const char *in = (const char *)from->data + (size_t)(from_at * part.after) * size;
    if (!run || !part.before)
        return;
    if (part.before == 1) {
        ks__copy_strided(call, out, in, size, 1, &run, (const int64_t[]){1});
        return;
    }
    for (int64_t i = 0; i < part.before; i++)
        memcpy(out + (size_t)(i * to_extent * part.after) * size, in + (size_t)(i * from_extent * part.after) * size, (size_t)run * size);
}

/* ---- concat -------------------------------------------------------------------------------------------- */

/* y = the inputs one after the other along the axis */
static bool infer_concat(ks_infer *infer)
{
    const axis_attrs *attrs = infer->attrs;
    int axis;
    infer->out = *infer->shape[0];
    if (!ks__axis(attrs->axis, infer->out.rank, &axis))
        return ks_infer_fail(infer, KS_BAD_SHAPE, "there is no axis %lld: {0}", (long long)attrs->axis);
    for (int k = 1; k < infer->n; k++) {
        const ks_shape *part = infer->shape[k];
        bool fits = part->rank == infer->out.rank;
        for (int i = 0; fits && i < part->rank; i++) {
            if (i != axis)
                fits = ks__dim_same(infer->graph, infer->out.dim[i], part->dim[i], &infer->out.dim[i]);
            else if (ks__dim_open(part->dim[i]) || ks__dim_open(infer->out.dim[i]))
                infer->out.dim[i] = KS_ANY; /* N + M has no name: it is seen at the feed */
            else if (__builtin_add_overflow(infer->out.dim[i], part->dim[i], &infer->out.dim[i]))
                return ks_infer_fail(infer, KS_BAD_SHAPE, "the sizes along axis %d add up to more than memory can hold", axis);
        }
        if (!fits)
            return ks_infer_fail(infer, KS_BAD_SHAPE, "beside axis %d the sizes must be equal: {0}, {%d}", axis, k < 10 ? k : 9);
    }
    return true;
}

static bool concat_kernel(const ks_call *call, ks_failure *failure)
{
    (void)failure;
    const axis_attrs *attrs = call->attrs;
    ks__around out = ks__split(call->out->shape, attrs->axis);
    int64_t at = 0;
    for (int k = 0; k < call->n; k++) {
        ks__around part = ks__split(call->in[k].shape, attrs->axis);
        copy_block(call, *call->out, out.extent, at, &call->in[k], part.extent, 0, part);
        at += part.extent;
    }
    return true;
}

#define FEW 16

/* Applies op to x and the first n inputs of y, then `last` if there is one. */
static ks_node *apply_parts(const ks_op *op, ks_node *y, ks_node *x, int from, int n, ks_node *last)
{
    ks_node *few[FEW], **inputs = few;
    uint32_t count = 0, room = (uint32_t)n + 2;
    if (!x)
        return NULL;
    if (room > FEW && !(inputs = ks__get(y->graph, room * sizeof *inputs)))
        return NULL;
    inputs[count++] = x;
    for (int i = 0; i < n; i++)
        inputs[count++] = ks__in(y, from + i);
    if (last)
        inputs[count++] = last;
    ks_node *result = ks__compose(ks_node_place(y), y->graph, op, inputs, count, ks__attrs(y));
    if (room > FEW)
        ks__put(y->graph, inputs, room * sizeof *inputs);
    return result;
}

static ks_node *concat_pullback(ks_node *y, int i, ks_node *u)
{
    return apply_parts(&ks__op_unconcat, y, u, 0, i + 1, NULL);
}

static ks_node *concat_example(ks_graph *g)
{
    ks_node *a = ks__given(g, "a", KS_SHAPE(2, 1), KS__VALUES(1, -2)), *b = ks__given(g, "b", KS_SHAPE(2, 2), KS__VALUES(3, 4, 5, -6));
    return ks_concat(((ks_node *[]){a, b}), 2, -1);
}

const ks_op ks__op_concat = {
    .size = sizeof(ks_op),
    .name = "concat",
    .formula = "y = a, b, ... one after the other along the axis",
    .doc = "Joins tensors along an axis; beside it their sizes must be equal. [2, 3] and [2, 4] along axis 1 give [2, 7].",
    .types = "T+>T",
    .inputs = "a",
    .allowed = KS_ALL_TYPES,
    .flags = KS_OP_LINEAR | KS_OP_JOINT | KS_OP_MOVES,
    .attrs = axis_table,
    .attrs_size = sizeof(axis_attrs),
    .infer = infer_concat,
    .kernel = concat_kernel,
    .pullback = concat_pullback,
    .derivative = "the part of u that lies where the input lay",
    .onnx = "Concat",
    .example = concat_example,
};

ks_node *ks_concat_at(ks_place at, ks_node *const *nodes, int count, int64_t axis)
{
    axis_attrs attrs = {.axis = axis};
    for (int i = 0; i < count; i++) {
        if (!nodes[i])
            return NULL;
    }
    return count > 0 ? ks__compose(at, nodes[0]->graph, &ks__op_concat, nodes, (uint32_t)count, &attrs) : NULL;
}

/* ---- unconcat and place: the transposes ---------------------------------------------------------------- */

/* Where the last of the shape inputs begins: after those before it. */
static int64_t begin_of(const ks_call *call, int n, int64_t axis)
{
    int64_t at = 0;
    for (int k = 1; k < n; k++)
        at += ks__split(call->in[k].shape, axis).extent;
    return at;
}

static bool infer_last(ks_infer *infer)
{
    const axis_attrs *attrs = infer->attrs;
    int axis;
    infer->out = *infer->shape[infer->n - 1];
    if (infer->out.rank != infer->shape[0]->rank || !ks__axis(attrs->axis, infer->out.rank, &axis))
        return ks_infer_fail(infer, KS_BAD_SHAPE, "the ranks differ, or there is no axis %lld: {0}, {1}", (long long)attrs->axis);
    return true;
}

static bool unconcat_kernel(const ks_call *call, ks_failure *failure)
{
    const axis_attrs *attrs = call->attrs;
    ks__around from = ks__split(call->in[0].shape, attrs->axis), part = ks__split(call->out->shape, attrs->axis);
    int64_t at = begin_of(call, call->n - 1, attrs->axis);
    if (at + part.extent > from.extent || from.before != part.before || from.after != part.after)
        return ks__kernel_fail(failure, KS_BAD_SHAPE, "the parts do not fit what they are taken from");
    copy_block(call, *call->out, part.extent, 0, &call->in[0], from.extent, at, part);
    return true;
}

static ks_node *unconcat_pullback(ks_node *y, int i, ks_node *u)
{
    return i == 0 ? apply_parts(&ks__op_place, y, u, 1, (int)y->n - 2, ks__in(y, 0)) : NULL;
}

static ks_node *unconcat_example(ks_graph *g)
{
    ks_node *u = ks__given(g, "u", KS_SHAPE(2, 3), KS__VALUES(1, -2, 3, 4, 0.5, -6));
    ks_node *a = ks_constant(g, KS_F64, KS_SHAPE(2, 1), KS__VALUES(0, 0)),
            *b = ks_constant(g, KS_F64, KS_SHAPE(2, 2), KS__VALUES(0, 0, 0, 0));
    return ks_apply(g, &ks__op_unconcat, ((ks_node *[]){u, a, b}), 3, &(axis_attrs){.axis = 1});
}

const ks_op ks__op_unconcat = {
    .size = sizeof(ks_op),
    .name = "unconcat",
    .formula = "y = the part of u that lies where the last part lay",
    .doc = "Takes out of u, shaped like a concat of the parts, the last of the given parts: the transpose of concat. Of the parts only the "
           "shapes "
           "are taken, so where it lies is counted when it runs.",
    .types = "TS+>T",
    .inputs = "u part",
    .allowed = KS_ALL_TYPES,
    .flags = KS_OP_LINEAR | KS_OP_MOVES,
    .attrs = axis_table,
    .attrs_size = sizeof(axis_attrs),
    .infer = infer_last,
    .kernel = unconcat_kernel,
    .pullback = unconcat_pullback,
    .derivative = "place(u, parts before, like)",
    .example = unconcat_example,
};

static bool place_kernel(const ks_call *call, ks_failure *failure)
{
    const axis_attrs *attrs = call->attrs;
    ks__around to = ks__split(call->out->shape, attrs->axis), part = ks__split(call->in[0].shape, attrs->axis);
    int64_t at = begin_of(call, call->n - 1, attrs->axis);
    if (at + part.extent > to.extent || to.before != part.before || to.after != part.after)
        return ks__kernel_fail(failure, KS_BAD_SHAPE, "the part does not fit where it is put");
    memset(call->out->data, 0, (size_t)call->out->count * ks_dtype_size(call->out->dtype));
    copy_block(call, *call->out, to.extent, at, &call->in[0], part.extent, 0, part);
    return true;
}

static ks_node *place_pullback(ks_node *y, int i, ks_node *u)
{
    return i == 0 ? apply_parts(&ks__op_unconcat, y, u, 1, (int)y->n - 2, ks__in(y, 0)) : NULL;
}

static ks_node *place_example(ks_graph *g)
{
    ks_node *x = ks__given(g, "x", KS_SHAPE(2, 2), KS__VALUES(1, -2, 3, 4));
    ks_node *a = ks_constant(g, KS_F64, KS_SHAPE(2, 1), KS__VALUES(0, 0)),
            *like = ks_constant(g, KS_F64, KS_SHAPE(2, 3), KS__VALUES(0, 0, 0, 0, 0, 0));
    return ks_apply(g, &ks__op_place, ((ks_node *[]){x, a, like}), 3, &(axis_attrs){.axis = 1});
}

const ks_op ks__op_place = {
    .size = sizeof(ks_op),
    .name = "place",
    .formula = "y = zeros shaped like the last input, with x where it begins after the parts before",
    .doc = "Puts x among zeros of the last input's shape, along the axis, after the parts that are given between them: the transpose of "
           "unconcat. "
           "Of all inputs but x only the shapes are taken.",
    .types = "TS+>T",
    .inputs = "x part",
    .allowed = KS_ALL_TYPES,
    .flags = KS_OP_LINEAR | KS_OP_MOVES,
    .attrs = axis_table,
    .attrs_size = sizeof(axis_attrs),
    .infer = infer_last,
    .kernel = place_kernel,
    .pullback = place_pullback,
    .derivative = "unconcat(u, parts before, x)",
    .example = place_example,
};

/* ---- slice --------------------------------------------------------------------------------------------- */

/*
 * The shape depends on structural attributes alone, so that start may change in place: either `size` elements from `start`,
 * or, with size -1, what is left without `skip` at the front and `drop` at the end.
 */
typedef struct slice_attrs {
    int64_t axis, start, size, skip, drop;
} slice_attrs;

static const ks_attr slice_table[] = {
    {"axis", KS_ATTR_INT, offsetof(slice_attrs, axis), false, false, "the axis along which it is cut; default 0"},
    {"start", KS_ATTR_INT, offsetof(slice_attrs, start), true, false, "where it begins; negative counts from the end"},
    {"size", KS_ATTR_INT, offsetof(slice_attrs, size), false, false, "how many elements it has; -1: all but skip and drop"},
    {"skip", KS_ATTR_INT, offsetof(slice_attrs, skip), false, false, "with size -1: elements left out at the front"},
    {"drop", KS_ATTR_INT, offsetof(slice_attrs, drop), false, false, "with size -1: elements left out at the end"},
    {0},
};
static const slice_attrs slice_defaults = {.size = -1};

/* Where the slice begins and how long it is in an axis of `extent`; false if it is outside. Attributes may be any numbers at all. */
static bool bounds(const slice_attrs *attrs, int64_t extent, int64_t *begin, int64_t *size)
{
    *begin = *size = 0;
    if (attrs->size < 0) {
        if (attrs->skip < 0 || attrs->drop < 0 || attrs->skip > extent || attrs->drop > extent - attrs->skip)
            return false;
        *begin = attrs->skip;
        *size = extent - attrs->skip - attrs->drop;
        return true;
    }
    if (attrs->start < -extent || attrs->start > extent || attrs->size > extent)
        return false;
    *begin = attrs->start < 0 ? attrs->start + extent : attrs->start;
    *size = attrs->size;
    return *size <= extent - *begin;
}

static bool slice_outside(ks_failure *failure, const slice_attrs *attrs, int64_t extent)
{
    if (attrs->size < 0)
        return ks__kernel_fail(failure, KS_BAD_SHAPE,
                               "axis %lld has %lld elements: not enough to leave out %lld at the front and %lld at the end",
                               (long long)attrs->axis, (long long)extent, (long long)attrs->skip, (long long)attrs->drop);
    return ks__kernel_fail(failure, KS_BAD_SHAPE, "%lld elements from %lld are outside axis %lld, which has %lld", (long long)attrs->size,
                           (long long)attrs->start, (long long)attrs->axis, (long long)extent);
}

/* y = x[start : start + size] along the axis */
static bool infer_slice(ks_infer *infer)
{
    const slice_attrs *attrs = infer->attrs;
    int axis;
    infer->out = *infer->shape[0];
    if (!ks__axis(attrs->axis, infer->out.rank, &axis))
        return ks_infer_fail(infer, KS_BAD_SHAPE, "there is no axis %lld: {0}", (long long)attrs->axis);
    int64_t *dim = &infer->out.dim[axis], begin, size;
    if (ks__dim_open(*dim)) {
        *dim = attrs->size >= 0 ? attrs->size : attrs->skip || attrs->drop ? KS_ANY : *dim;
        return true;
    }
    if (!bounds(attrs, *dim, &begin, &size))
        return infer->failure->code ? false : slice_outside(infer->failure, attrs, *dim);
    *dim = size;
    return true;
}

static bool slice_kernel(const ks_call *call, ks_failure *failure)
{
    const slice_attrs *attrs = call->attrs;
    ks__around from = ks__split(call->in[0].shape, attrs->axis), part = ks__split(call->out->shape, attrs->axis);
    int64_t begin, size;
    if (!bounds(attrs, from.extent, &begin, &size) || size != part.extent)
        return slice_outside(failure, attrs, from.extent);
    copy_block(call, *call->out, part.extent, 0, &call->in[0], from.extent, begin, part);
    return true;
}

static ks_node *slice_pullback(ks_node *y, int i, ks_node *u)
{
    (void)i;
    return ks__apply3(ks_node_place(y), &ks__op_unslice, u, ks__in(y, 0), y, ks__attrs(y));
}

static ks_node *slice_example(ks_graph *g)
{
    return ks_slice(ks__given(g, "x", KS_SHAPE(2, 3), KS__VALUES(1, -2, 3, 4, 0.5, -6)), 1, 1, INT64_MAX);
}

const ks_op ks__op_slice = {
    .size = sizeof(ks_op),
    .name = "slice",
    .formula = "y = x[start : stop] along the axis",
    .doc = "Part of a tensor along one axis: size elements from start, which may be negative and then counts from the end; or, with size "
           "-1, all but "
           "skip elements at the front and drop at the end. What lies outside the axis is an error. start may change without a new plan.",
    .types = "T>T",
    .inputs = "x",
    .allowed = KS_ALL_TYPES,
    .flags = KS_OP_LINEAR | KS_OP_MOVES,
    .attrs = slice_table,
    .attrs_size = sizeof(slice_attrs),
    .defaults = &slice_defaults,
    .infer = infer_slice,
    .kernel = slice_kernel,
    .pullback = slice_pullback,
    .derivative = "unslice(u, x)",
    .onnx = "Slice",
    .example = slice_example,
};

ks_node *ks_slice_at(ks_place at, ks_node *x, int64_t axis, int64_t start, int64_t stop)
{
    int where;
    if (!x)
        return NULL;
    slice_attrs attrs = {.axis = axis, .size = -1};
    int64_t extent = ks__axis(axis, ks__rank(x), &where) ? x->dims->shape.dim[where] : -1;
    if (extent >= 0) { /* known: whole positions */
        start += start < 0 ? extent : 0;
        stop = stop == INT64_MAX ? extent : stop < 0 ? stop + extent : stop;
        if (start < 0 || stop < start || stop > extent)
            return ks__null(x->graph, KS_BAD_SHAPE, at, "slice: %lld:%lld is outside axis %lld of '%s', which has %lld", (long long)start,
                            (long long)stop, (long long)axis, ks_name(x), (long long)extent);
    }
    bool from_front = start >= 0, to_end = stop == INT64_MAX || stop < 0;
    if (!from_front && !to_end)
        return ks__null(x->graph, KS_BAD_ARGUMENT, at,
                        "slice: %lld:%lld of an open axis begins counted from the end and ends counted from the front", (long long)start,
                        (long long)stop);
    if (from_front && to_end) {
        attrs.skip = start;
        attrs.drop = stop == INT64_MAX ? 0 : -stop;
    } else { /* both counted from the same side */
        attrs.start = start;
        attrs.size = stop == INT64_MAX ? -start : stop - start;
        if (attrs.size < 0)
            return ks__null(x->graph, KS_BAD_ARGUMENT, at, "slice: %lld:%lld ends before it begins", (long long)start, (long long)stop);
    }
    return ks__apply1(at, &ks__op_slice, x, &attrs);
}

/* ---- unslice and reslice: the transposes --------------------------------------------------------------- */

static bool infer_unslice(ks_infer *infer)
{
    infer->out = *infer->shape[1];
    return infer->shape[0]->rank == infer->out.rank || ks_infer_fail(infer, KS_BAD_SHAPE, "the ranks differ: {0}, {1}");
}

static bool unslice_kernel(const ks_call *call, ks_failure *failure)
{
    const slice_attrs *attrs = call->attrs;
    ks__around to = ks__split(call->out->shape, attrs->axis), part = ks__split(call->in[0].shape, attrs->axis);
    int64_t begin, size;
    if (!bounds(attrs, to.extent, &begin, &size) || size != part.extent)
        return slice_outside(failure, attrs, to.extent);
    memset(call->out->data, 0, (size_t)call->out->count * ks_dtype_size(call->out->dtype));
    copy_block(call, *call->out, to.extent, begin, &call->in[0], part.extent, 0, part);
    return true;
}

static ks_node *unslice_pullback(ks_node *y, int i, ks_node *u)
{
    return i == 0 ? ks__apply2(ks_node_place(y), &ks__op_reslice, u, ks__in(y, 2), ks__attrs(y)) : NULL;
}

static ks_node *unslice_example(ks_graph *g)
{
    ks_node *u = ks__given(g, "u", KS_SHAPE(2, 2), KS__VALUES(1, -2, 3, 4));
    ks_node *x = ks_constant(g, KS_F64, KS_SHAPE(2, 3), KS__VALUES(0, 0, 0, 0, 0, 0));
    return ks_apply(g, &ks__op_unslice, ((ks_node *[]){u, x, ks_slice(x, 1, 1, 3)}), 3, &(slice_attrs){.axis = 1, .start = 1, .size = 2});
}

const ks_op ks__op_unslice = {
    .size = sizeof(ks_op),
    .name = "unslice",
    .formula = "y = zeros shaped like x, with u where the slice lay",
    .doc = "Puts u among zeros of x's shape, where the slice y = slice(x) lay: the transpose of slice. Of x and y only the shapes are "
           "taken; where the "
           "slice begins is read from y.",
    .types = "TSS>T",
    .inputs = "u x y",
    .allowed = KS_ALL_TYPES,
    .flags = KS_OP_LINEAR | KS_OP_MOVES,
    .attrs = slice_table,
    .attrs_size = sizeof(slice_attrs),
    .defaults = &slice_defaults,
    .infer = infer_unslice,
    .kernel = unslice_kernel,
    .pullback = unslice_pullback,
    .derivative = "reslice(u, y)",
    .example = unslice_example,
};

static ks_node *reslice_pullback(ks_node *y, int i, ks_node *u)
{
    return i == 0 ? ks__apply3(ks_node_place(y), &ks__op_unslice, u, ks__in(y, 0), ks__in(y, 1), ks__attrs(y)) : NULL;
}

static ks_node *reslice_example(ks_graph *g)
{
    ks_node *x = ks__given(g, "x", KS_SHAPE(2, 3), KS__VALUES(1, -2, 3, 4, 0.5, -6));
    return ks_apply(g, &ks__op_reslice, ((ks_node *[]){x, ks_slice(x, 1, 1, 3)}), 2, &(slice_attrs){.axis = 1, .start = 1, .size = 2});
}

const ks_op ks__op_reslice = {
    .size = sizeof(ks_op),
    .name = "reslice",
    .formula = "y = x[start : stop], as another slice cuts",
    .doc = "Cuts x where the slice `like` cuts: the transpose of unslice. Of like only the shape and where it begins are taken.",
    .types = "TS>T",
    .inputs = "x like",
    .allowed = KS_ALL_TYPES,
    .flags = KS_OP_LINEAR | KS_OP_MOVES,
    .attrs = slice_table,
    .attrs_size = sizeof(slice_attrs),
    .defaults = &slice_defaults,
    .infer = infer_slice,
    .kernel = slice_kernel,
    .pullback = reslice_pullback,
    .derivative = "unslice(u, x, like)",
    .example = reslice_example,
};
