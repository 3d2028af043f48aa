/*
 * ops/index/gather.c - tensors that name positions in others: gather, its transpose ungather, and one_hot.
 *
 * ungather adds in the order of the positions, whatever the threads, which share the columns among them.
 */
#include "ops/index/position.h"

typedef struct axis_attrs {
    int64_t axis;
} axis_attrs;

static const ks_attr axis_table[] = {
    {"axis", KS_ATTR_INT, offsetof(axis_attrs, axis), false, false, "the axis along which positions are meant; default 0"},
    {0},
};

/* ---- gather -------------------------------------------------------------------------------------------- */

/* The shape of x with the axis replaced by the shape of the indices. */
static bool gathered(ks_infer *infer, const ks_shape *x, const ks_shape *indices, int64_t where, ks_shape *out)
{
    int axis;
    if (!ks__axis(where, x->rank, &axis))
        return ks_infer_fail(infer, KS_BAD_SHAPE, "there is no axis %lld: {0}", (long long)where);
    if (x->rank - 1 + indices->rank > KS_MAX_RANK)
        return ks_infer_fail(infer, KS_BAD_SHAPE, "more than %d dimensions together: {0}, {1}", KS_MAX_RANK);
    out->rank = 0;
    for (int i = 0; i < axis; i++)
        out->dim[out->rank++] = x->dim[i];
    for (int i = 0; i < indices->rank; i++)
        out->dim[out->rank++] = indices->dim[i];
    for (int i = axis + 1; i < x->rank; i++)
        out->dim[out->rank++] = x->dim[i];
    return true;
}

static bool infer_gather(ks_infer *infer)
{
    const axis_attrs *attrs = infer->attrs;
    return gathered(infer, infer->shape[0], infer->shape[1], attrs->axis, &infer->out);
}

typedef struct job {
    const ks_call *call;
    const void *updates; /* what is added */
    ks__around x;        /* of what has the axis */
    int64_t positions;
    int64_t chunk; /* gather: rows of a task; ungather: columns of a task */
    int64_t ranges;
} job;

/* Single elements, which a copy of each by itself would be slow for: `count` of them for the positions from k on. */
#define DEFINE_TAKE(S, TYPE)                                                                                                               \
    static void take_##S(const job *j, int64_t begin, int64_t k, int64_t count, void *out)                                                 \
    {                                                                                                                                      \
        const TYPE *from = (const TYPE *)j->call->in[0].data + begin;                                                                      \
        TYPE *to = out;                                                                                                                    \
        for (int64_t i = 0; i < count; i++)                                                                                                \
            to[i] = from[ks__position(&j->call->in[1], k + i, j->x.extent)];                                                               \
    }
DEFINE_TAKE(1, uint8_t)
DEFINE_TAKE(4, uint32_t)
DEFINE_TAKE(8, uint64_t)

static void take_rows(const job *j, int64_t begin, int64_t k, int64_t count, void *out)
{
    size_t run = (size_t)j->x.after * ks_dtype_size(j->call->out->dtype);
    for (int64_t i = 0; i < count; i++) {
        int64_t from = begin + ks__position(&j->call->in[1], k + i, j->x.extent);
        memcpy((char *)out + (size_t)i * run, (const char *)j->call->in[0].data + (size_t)from * run, run);
    }
}

/* The task's rows, as far as the positions go at a time. */
static void gather_task(void *payload, int64_t block)
{
    static void (*const take[9])(const job *, int64_t, int64_t, int64_t, void *) = {[1] = take_1, [4] = take_4, [8] = take_8};
    const job *j = payload;
    size_t run = (size_t)j->x.after * ks_dtype_size(j->call->out->dtype);
    int64_t rows = j->x.before * j->positions, last = (block + 1) * j->chunk < rows ? (block + 1) * j->chunk : rows;
    for (int64_t r = block * j->chunk, next; r < last; r = next) {
        int64_t before = r / j->positions, end = (before + 1) * j->positions;
        next = end < last ? end : last;
        (j->x.after == 1 ? take[run] : take_rows)(j, before * j->x.extent, r % j->positions, next - r,
                                                  (char *)j->call->out->data + (size_t)r * run);
    }
}

static bool gather_kernel(const ks_call *call, ks_failure *failure)
{
    const axis_attrs *attrs = call->attrs;
    job j = {.call = call, .x = ks__split(call->in[0].shape, attrs->axis), .positions = call->in[1].count};
    if (!ks__positions_fit(&call->in[1], j.x.extent, failure))
        return false;
    if (!call->out->count)
        return true;
    j.chunk = ks__ceil_div(KS__SMALL_WORK, j.x.after);
    ks__each(call, call->out->count, ks__ceil_div(j.x.before * j.positions, j.chunk), gather_task, &j);
    return true;
}

static ks_node *gather_pullback(ks_node *y, int i, ks_node *u)
{
    return i == 0 ? ks__apply3(ks_node_place(y), &ks__op_ungather, u, ks__in(y, 1), ks__in(y, 0), ks__attrs(y)) : NULL;
}

static ks_node *some_indices(ks_graph *g)
{
    return ks_constant(g, KS_I64, KS_SHAPE(4), ((const int64_t[]){2, 0, -1, 2}));
}

static ks_node *gather_example(ks_graph *g)
{
    return ks_gather(ks__given(g, "x", KS_SHAPE(2, 3), KS__VALUES(1, -2, 3, 4, 0.5, -6)), some_indices(g), 1);
}

const ks_op ks__op_gather = {
    .size = sizeof(ks_op),
    .name = "gather",
    .formula = "y = x[indices] along the axis",
    .doc = "Takes what stands at the given positions of an axis, in their order and as often as they are named: the rows of a table, say. "
           "In the result's "
           "shape the axis is replaced by the shape of the indices. Negative positions count from the end; what is outside is an error.",
    .types = "TI>T",
    .inputs = "x indices",
    .allowed = KS_ALL_TYPES,
    .flags = KS_OP_LINEAR | KS_OP_MOVES,
    .attrs = axis_table,
    .attrs_size = sizeof(axis_attrs),
    .infer = infer_gather,
    .kernel = gather_kernel,
    .pullback = gather_pullback,
    .derivative = "ungather(u, indices, x)",
    .onnx = "Gather",
    .example = gather_example,
};

ks_node *ks_gather_at(ks_place at, ks_node *x, ks_node *indices, int64_t axis)
{
    return ks__apply2(at, &ks__op_gather, x, indices, &(axis_attrs){axis});
}

/* ---- ungather ------------------------------------------------------------------------------------------ */

bool ks__infer_rows(ks_infer *infer, const ks_shape *x, const ks_shape *updates, int64_t axis)
{
    ks_shape wanted = KS_SCALAR;
    if (!gathered(infer, x, infer->shape[1], axis, &wanted))
        return false;
    bool fits = wanted.rank == updates->rank;
    for (int i = 0; fits && i < wanted.rank; i++) {
        int64_t same;
        fits = ks__dim_same(infer->graph, wanted.dim[i], updates->dim[i], &same);
    }
    infer->out = *x;
    return fits ||
           ks_infer_fail(infer, KS_BAD_SHAPE,
                         x == infer->shape[0] ? "the third is not what positions like the second take out of the first: {0}, {1}, {2}"
                                              : "the first is not what positions like the second take out of the third: {0}, {1}, {2}");
}

static bool infer_ungather(ks_infer *infer)
{
    const axis_attrs *attrs = infer->attrs;
    const ks_shape *like = infer->shape[2];
    int axis;
    if (!ks__axis(attrs->axis, like->rank, &axis))
        return ks_infer_fail(infer, KS_BAD_SHAPE, "there is no axis %lld: {2}", (long long)attrs->axis);
    return ks__infer_rows(infer, like, infer->shape[0], attrs->axis);
}

#define DEFINE_ADD_ROWS(S, TYPE)                                                                                                           \
    static void add_rows_##S(const job *j, int64_t before, int64_t column, int64_t columns)                                                \
    {                                                                                                                                      \
        const ks_tensor *indices = &j->call->in[1];                                                                                        \
        const TYPE *from = (const TYPE *)j->updates + before * j->positions * j->x.after + column;                                         \
        TYPE *to = (TYPE *)j->call->out->data + before * j->x.extent * j->x.after + column;                                                \
        for (int64_t k = 0; k < j->positions; k++) {                                                                                       \
            const TYPE *row = from + k * j->x.after;                                                                                       \
            TYPE *sum = to + ks__position(indices, k, j->x.extent) * j->x.after;                                                           \
            for (int64_t c = 0; c < columns; c++)                                                                                          \
                sum[c] = (TYPE)(sum[c] + row[c]);                                                                                          \
        }                                                                                                                                  \
    }
/* Whole numbers wrap, which only unsigned ones may. */
DEFINE_ADD_ROWS(f32, float)
DEFINE_ADD_ROWS(f64, double)
DEFINE_ADD_ROWS(i32, uint32_t)
DEFINE_ADD_ROWS(i64, uint64_t)
DEFINE_ADD_ROWS(u8, uint8_t)

static void ungather_task(void *payload, int64_t unit)
{
    static void (*const add[KS_DTYPES])(const job *, int64_t, int64_t, int64_t) = {
        [KS_F32] = add_rows_f32, [KS_F64] = add_rows_f64, [KS_I32] = add_rows_i32, [KS_I64] = add_rows_i64, [KS_U8] = add_rows_u8};
    const job *j = payload;
    int64_t column = unit % j->ranges * j->chunk;
    add[j->call->out->dtype](j, unit / j->ranges, column, j->x.after - column < j->chunk ? j->x.after - column : j->chunk);
}

#define COLUMNS 64 /* columns of a unit */

bool ks__add_rows(const ks_call *call, const ks_tensor *start, const ks_tensor *updates, int64_t axis, ks_failure *failure)
{
    job j = {.call = call, .x = ks__split(call->out->shape, axis), .positions = call->in[1].count, .chunk = COLUMNS};
    if (!ks__positions_fit(&call->in[1], j.x.extent, failure))
        return false;
    ks__start_from(call, start);
    if (!updates->count)
        return true;
    j.updates = updates->data;
    j.ranges = ks__ceil_div(j.x.after, COLUMNS);
    ks__each(call, updates->count, j.x.before * j.ranges, ungather_task, &j);
    return true;
}

static bool ungather_kernel(const ks_call *call, ks_failure *failure)
{
    const axis_attrs *attrs = call->attrs;
    return ks__add_rows(call, NULL, &call->in[0], attrs->axis, failure);
}

static ks_node *ungather_pullback(ks_node *y, int i, ks_node *u)
{
    return i == 0 ? ks__apply2(ks_node_place(y), &ks__op_gather, u, ks__in(y, 1), ks__attrs(y)) : NULL;
}

static ks_node *ungather_example(ks_graph *g)
{
    ks_node *u = ks__given(g, "u", KS_SHAPE(4, 2), KS__VALUES(1, -2, 3, 4, 0.5, -6, 7, 0.25));
    return ks__apply3(KS_HERE, &ks__op_ungather, u, some_indices(g), ks_constant(g, KS_F64, KS_SHAPE(3, 2), KS__VALUES(0, 0, 0, 0, 0, 0)),
                      NULL);
}

const ks_op ks__op_ungather = {
    .size = sizeof(ks_op),
    .name = "ungather",
    .formula = "y = zeros shaped like x, with the rows of u added at the indices",
    .doc = "Adds each part of u to zeros of like's shape, at the position that its index names: the transpose of gather. Positions that "
           "are named again "
           "are added again, in their order. Of like only the shape is taken.",
    .types = "TIS>T",
    .inputs = "u indices like",
    .allowed = KS_NUMBERS,
    .flags = KS_OP_LINEAR,
    .attrs = axis_table,
    .attrs_size = sizeof(axis_attrs),
    .infer = infer_ungather,
    .kernel = ungather_kernel,
    .pullback = ungather_pullback,
    .derivative = "gather(u, indices)",
    .example = ungather_example,
};

/* ---- one_hot ------------------------------------------------------------------------------------------- */

typedef struct one_hot_attrs {
    int64_t depth, dtype;
} one_hot_attrs;

static const ks_attr one_hot_table[] = {
    {"depth", KS_ATTR_INT, offsetof(one_hot_attrs, depth), false, true, "how many classes there are"},
    {"dtype", KS_ATTR_DTYPE, offsetof(one_hot_attrs, dtype), false, false, "of the result; default f32"},
    {0},
};

static bool infer_one_hot(ks_infer *infer)
{
    const one_hot_attrs *attrs = infer->attrs;
    infer->out = *infer->shape[0];
    if (attrs->depth < 0)
        return ks_infer_fail(infer, KS_BAD_ARGUMENT, "depth is %lld: it counts the classes", (long long)attrs->depth);
    if (attrs->dtype < 0 || attrs->dtype >= KS_DTYPES)
        return ks_infer_fail(infer, KS_BAD_DTYPE, "%lld is no dtype: use f32, f64, i32, i64, u8 or bool", (long long)attrs->dtype);
    if (infer->out.rank == KS_MAX_RANK)
        return ks_infer_fail(infer, KS_BAD_SHAPE, "there are %d dimensions already: {0}", KS_MAX_RANK);
    infer->out.dim[infer->out.rank++] = attrs->depth;
    infer->out_dtype = (ks_dtype)attrs->dtype;
    return true;
}

static bool one_hot_kernel(const ks_call *call, ks_failure *failure)
{
    const one_hot_attrs *attrs = call->attrs;
    const ks_tensor *indices = &call->in[0], *out = call->out;
    if (!ks__positions_fit(indices, attrs->depth, failure))
        return false;
    if (!out->count)
        return true;
    memset(out->data, 0, (size_t)out->count * ks_dtype_size(out->dtype));
    for (int64_t i = 0; i < indices->count; i++) {
        int64_t at = i * attrs->depth + ks__position(indices, i, attrs->depth);
        switch (out->dtype) {
        case KS_F32:
            ((float *)out->data)[at] = 1;
            break;
        case KS_F64:
            ((double *)out->data)[at] = 1;
            break;
        case KS_I32:
            ((int32_t *)out->data)[at] = 1;
            break;
        case KS_I64:
            ((int64_t *)out->data)[at] = 1;
            break;
        default:
            ((uint8_t *)out->data)[at] = 1;
        }
    }
    return true;
}

static ks_node *one_hot_example(ks_graph *g)
{
    return ks_one_hot(some_indices(g), 3, KS_F64);
}

const ks_op ks__op_one_hot = {
    .size = sizeof(ks_op),
    .name = "one_hot",
    .formula = "y = 1 at the index, 0 elsewhere, along a new last axis",
    .doc = "Labels as rows: an index i becomes a row of depth elements with a 1 at i. [N] becomes [N, depth]. Negative indices count from "
           "the end; what "
           "is outside is an error.",
    .types = "I>D",
    .inputs = "indices",
    .attrs = one_hot_table,
    .attrs_size = sizeof(one_hot_attrs),
    .infer = infer_one_hot,
    .kernel = one_hot_kernel,
    .no_derivative = "indices are whole numbers: they stay or jump",
    .onnx = "OneHot",
    .example = one_hot_example,
};

ks_node *ks_one_hot_at(ks_place at, ks_node *indices, int64_t depth, ks_dtype dtype)
{
    return ks__apply1(at, &ks__op_one_hot, indices, &(one_hot_attrs){depth, (int64_t)dtype});
}
