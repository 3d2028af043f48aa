/*
 * ops/index/elements.c - an index for each element: gather_elements, its transpose ungather_elements, and scatter_elements_add.
 *
 * Lines of x along the axis that have the same place beside it are lanes; each index moves along its own lane. Where the axis is
 * the last one, a row of indices belongs to one lane, otherwise each index of a row to another. Additions come in the order of
 * the indices, whatever the threads: these share lanes, never one.
 */
#include "ops/index/position.h"

typedef struct axis_attrs {
    int64_t axis;
} axis_attrs;

static const ks_attr axis_table[] = {
    {"axis", KS_ATTR_INT, offsetof(axis_attrs, axis), false, false, "the axis along which positions are meant; default 0"},
    {0},
};

/* Whether `indices` has x's sizes beside the axis. */
static bool lanes_fit(ks_infer *infer, const ks_shape *x, const ks_shape *indices)
{
    const axis_attrs *attrs = infer->attrs;
    int axis;
    if (!ks__axis(attrs->axis, x->rank, &axis))
        return ks_infer_fail(infer, KS_BAD_SHAPE, "there is no axis %lld: {0}", (long long)attrs->axis);
    bool fits = x->rank == indices->rank;
    for (int i = 0; fits && i < x->rank; i++) {
        int64_t same;
        fits = i == axis || ks__dim_same(infer->graph, x->dim[i], indices->dim[i], &same);
    }
    return fits || ks_infer_fail(infer, KS_BAD_SHAPE, "beside axis %d the sizes must be those of the indices: {0}, {1}", axis);
}

/* Whether the updates are shaped like the indices. */
static bool updates_fit(ks_infer *infer, const ks_shape *updates, const ks_shape *indices)
{
    bool fits = updates->rank == indices->rank;
    for (int i = 0; fits && i < indices->rank; i++) {
        int64_t same;
        fits = ks__dim_same(infer->graph, updates->dim[i], indices->dim[i], &same);
    }
    return fits || ks_infer_fail(infer, KS_BAD_SHAPE, "each element needs an index of its own, but the shapes differ: {0}, {1}, {2}");
}

/* The work: rows of `width` indices. Index j of a row belongs to lane `base + j step` of x, where positions are `after` apart. */
typedef struct job {
    const ks_tensor *indices;
    const void *from; /* x, or the updates */
    void *to;         /* the result */
    ks_dtype dtype;
    int64_t extent, after, step;
    int64_t rows_before, rows, width; /* rows_before of one x[extent][after] */
    int64_t chunk, ranges;            /* fetching: rows of a task; adding: columns of a task, tasks for one x[extent][after] */
} job;

static job job_of(const ks_call *call, const ks_tensor *indices, const ks_shape *x, int64_t axis)
{
    ks__around around = ks__split(x, axis), named = ks__split(indices->shape, axis);
    job j = {.indices = indices, .to = call->out->data, .dtype = call->out->dtype, .extent = around.extent, .after = around.after};
    j.step = j.after > 1;
    j.width = j.step ? j.after : named.extent;
    j.rows_before = j.step ? named.extent : 1;
    j.rows = around.before * j.rows_before;
    return j;
}

/* ---- gather_elements ----------------------------------------------------------------------------------- */

static bool infer_gather_elements(ks_infer *infer)
{
    infer->out = *infer->shape[1];
    return lanes_fit(infer, infer->shape[0], infer->shape[1]);
}

/* Elements are moved as unsigned words of their size, whatever they mean. */
typedef uint8_t __attribute__((may_alias)) word1;
typedef uint32_t __attribute__((may_alias)) word4;
typedef uint64_t __attribute__((may_alias)) word8;

/* out[k] = x[position[k]], each beside its own lane if step is 1 */
#define DEFINE_FETCH(W)                                                                                                                    \
    static void fetch_##W(W *restrict out, const W *restrict x, const int64_t *restrict at, int64_t n, int64_t after, int64_t step)        \
    {                                                                                                                                      \
        for (int64_t k = 0; k < n; k++)                                                                                                    \
            out[k] = x[at[k] * after + k * step];                                                                                          \
    }
DEFINE_FETCH(word1)
DEFINE_FETCH(word4)
DEFINE_FETCH(word8)

static void fetch_task(void *payload, int64_t block)
{
    const job *j = payload;
    size_t size = ks_dtype_size(j->dtype);
    int64_t at[KS__POSITIONS], last = (block + 1) * j->chunk < j->rows ? (block + 1) * j->chunk : j->rows;
    for (int64_t r = block * j->chunk; r < last; r++) {
        for (int64_t c = 0; c < j->width; c += KS__POSITIONS) {
            int64_t n = j->width - c < KS__POSITIONS ? j->width - c : KS__POSITIONS, first = r * j->width + c;
            int64_t lane = r / j->rows_before * j->extent * j->after + c * j->step;
            ks__positions_of(j->indices, first, n, j->extent, at);
            const char *x = (const char *)j->from + (size_t)lane * size;
            char *out = (char *)j->to + (size_t)first * size;
            if (size == 1)
                fetch_word1((word1 *)out, (const word1 *)x, at, n, j->after, j->step);
            else if (size == 4)
                fetch_word4((word4 *)(void *)out, (const word4 *)(const void *)x, at, n, j->after, j->step);
            else
                fetch_word8((word8 *)(void *)out, (const word8 *)(const void *)x, at, n, j->after, j->step);
        }
    }
}

static bool gather_elements_kernel(const ks_call *call, ks_failure *failure)
{
    const axis_attrs *attrs = call->attrs;
    job j = job_of(call, &call->in[1], call->in[0].shape, attrs->axis);
    if (!ks__positions_fit(j.indices, j.extent, failure))
        return false;
    if (!call->out->count)
        return true;
    j.from = call->in[0].data;
    j.chunk = KS__SMALL_WORK / j.width + 1;
    ks__each(call, call->out->count, ks__ceil_div(j.rows, j.chunk), fetch_task, &j);
    return true;
}

static ks_node *gather_elements_pullback(ks_node *y, int i, ks_node *u)
{
    return i == 0 ? ks__apply3(ks_node_place(y), &ks__op_ungather_elements, u, ks__in(y, 1), ks__in(y, 0), ks__attrs(y)) : NULL;
}

static ks_node *some_indices(ks_graph *g)
{
    return ks_constant(g, KS_I64, KS_SHAPE(2, 3), ((const int64_t[]){1, 0, -1, 0, 0, 1}));
}

static ks_node *gather_elements_example(ks_graph *g)
{
    return ks_gather_elements(ks__given(g, "x", KS_SHAPE(2, 3), KS__VALUES(1, -2, 3, 4, 0.5, -6)), some_indices(g), 0);
}

const ks_op ks__op_gather_elements = {
    .size = sizeof(ks_op),
    .name = "gather_elements",
    .formula = "y[i, j, ...] = x[indices[i, j, ...], j, ...] along the axis",
    .doc =
        "Takes one element for each index: the index is the position along the axis, all other positions are the index's own. indices has "
        "x's rank, and x's sizes beside the axis; the result has its shape. So the scores of the right classes are taken from rows, or "
        "values in the order that argsort found. Negative positions count from the end; what is outside is an error. In the derivative "
        "what is taken again adds up.",
    .types = "TI>T",
    .inputs = "x indices",
    .allowed = KS_ALL_TYPES,
    .flags = KS_OP_LINEAR | KS_OP_MOVES,
    .attrs = axis_table,
    .attrs_size = sizeof(axis_attrs),
    .infer = infer_gather_elements,
    .kernel = gather_elements_kernel,
    .pullback = gather_elements_pullback,
    .derivative = "ungather_elements(u, indices, x)",
    .onnx = "GatherElements",
    .example = gather_elements_example,
};

ks_node *ks_gather_elements_at(ks_place at, ks_node *x, ks_node *indices, int64_t axis)
{
    return ks__apply2(at, &ks__op_gather_elements, x, indices, &(axis_attrs){axis});
}

/* ---- adding -------------------------------------------------------------------------------------------- */

/* Columns [column, column + columns) of the rows that belong to one x[extent][after]. */
#define DEFINE_ADD(S, TYPE)                                                                                                                \
    static void add_##S(const job *j, int64_t before, int64_t column, int64_t columns)                                                     \
    {                                                                                                                                      \
        int64_t at[KS__POSITIONS];                                                                                                         \
        TYPE *sum = (TYPE *)j->to + before * j->extent * j->after;                                                                         \
        for (int64_t r = before * j->rows_before; r < (before + 1) * j->rows_before; r++) {                                                \
            for (int64_t c = column; c < column + columns; c += KS__POSITIONS) {                                                           \
                int64_t n = column + columns - c < KS__POSITIONS ? column + columns - c : KS__POSITIONS;                                   \
                const TYPE *from = (const TYPE *)j->from + r * j->width + c;                                                               \
                TYPE *lane = sum + c * j->step;                                                                                            \
                ks__positions_of(j->indices, r * j->width + c, n, j->extent, at);                                                          \
                for (int64_t k = 0; k < n; k++) {                                                                                          \
                    TYPE *to = lane + at[k] * j->after + k * j->step;                                                                      \
                    *to = (TYPE)(*to + from[k]);                                                                                           \
                }                                                                                                                          \
            }                                                                                                                              \
        }                                                                                                                                  \
    }
/* Whole numbers wrap, which only unsigned ones may. */
DEFINE_ADD(f32, float)
DEFINE_ADD(f64, double)
DEFINE_ADD(i32, uint32_t)
DEFINE_ADD(i64, uint64_t)
DEFINE_ADD(u8, uint8_t)

static void add_task(void *payload, int64_t unit)
{
    static void (*const add[KS_DTYPES])(const job *, int64_t, int64_t, int64_t) = {
        [KS_F32] = add_f32, [KS_F64] = add_f64, [KS_I32] = add_i32, [KS_I64] = add_i64, [KS_U8] = add_u8};
    const job *j = payload;
    int64_t column = unit % j->ranges * j->chunk;
    add[j->dtype](j, unit / j->ranges, column, j->width - column < j->chunk ? j->width - column : j->chunk);
}

/* out = start (or zeros) with the updates added where the indices say. */
static bool add_updates(const ks_call *call, const ks_tensor *start, const ks_tensor *updates, ks_failure *failure)
{
    const axis_attrs *attrs = call->attrs;
    job j = job_of(call, &call->in[1], call->out->shape, attrs->axis);
    if (!ks__positions_fit(j.indices, j.extent, failure))
        return false;
    ks__start_from(call, start);
    if (!updates->count)
        return true;
    j.from = updates->data;
    j.chunk = j.step ? KS__POSITIONS : j.width; /* a lane is one task's */
    j.ranges = ks__ceil_div(j.width, j.chunk);
    ks__each(call, updates->count, j.rows / j.rows_before * j.ranges, add_task, &j);
    return true;
}

/* ---- ungather_elements --------------------------------------------------------------------------------- */

static bool infer_ungather_elements(ks_infer *infer)
{
    infer->out = *infer->shape[2];
    return lanes_fit(infer, infer->shape[2], infer->shape[1]) && updates_fit(infer, infer->shape[0], infer->shape[1]);
}

static bool ungather_elements_kernel(const ks_call *call, ks_failure *failure)
{
    return add_updates(call, NULL, &call->in[0], failure);
}

static ks_node *ungather_elements_pullback(ks_node *y, int i, ks_node *u)
{
    return i == 0 ? ks__apply2(ks_node_place(y), &ks__op_gather_elements, u, ks__in(y, 1), ks__attrs(y)) : NULL;
}

static ks_node *ungather_elements_example(ks_graph *g)
{
    ks_node *u = ks__given(g, "u", KS_SHAPE(2, 3), KS__VALUES(1, -2, 3, 4, 0.5, -6));
    return ks__apply3(KS_HERE, &ks__op_ungather_elements, u, some_indices(g),
                      ks_constant(g, KS_F64, KS_SHAPE(2, 3), KS__VALUES(0, 0, 0, 0, 0, 0)), NULL);
}

const ks_op ks__op_ungather_elements = {
    .size = sizeof(ks_op),
    .name = "ungather_elements",
    .formula = "y = zeros shaped like x, with each u added at its index along the axis",
    .doc = "Adds each element of u to zeros of like's shape, at the position along the axis that its index names: the transpose of "
           "gather_elements. Positions that are named again are added again, in their order. Of like only the shape is taken.",
    .types = "TIS>T",
    .inputs = "u indices like",
    .allowed = KS_NUMBERS,
    .flags = KS_OP_LINEAR,
    .attrs = axis_table,
    .attrs_size = sizeof(axis_attrs),
    .infer = infer_ungather_elements,
    .kernel = ungather_elements_kernel,
    .pullback = ungather_elements_pullback,
    .derivative = "gather_elements(u, indices)",
    .example = ungather_elements_example,
};

/* ---- scatter_elements_add ------------------------------------------------------------------------------ */

static bool infer_scatter_elements_add(ks_infer *infer)
{
    infer->out = *infer->shape[0];
    return lanes_fit(infer, infer->shape[0], infer->shape[1]) && updates_fit(infer, infer->shape[2], infer->shape[1]);
}

static bool scatter_elements_add_kernel(const ks_call *call, ks_failure *failure)
{
    return add_updates(call, &call->in[0], &call->in[2], failure);
}

static ks_node *scatter_elements_add_pullback(ks_node *y, int i, ks_node *u)
{
    return i == 0 ? u : i == 2 ? ks_gather_elements_at(ks_node_place(y), u, ks__in(y, 1), ((const axis_attrs *)ks__attrs(y))->axis) : NULL;
}

static ks_node *scatter_elements_add_example(ks_graph *g)
{
    ks_node *x = ks__given(g, "x", KS_SHAPE(2, 3), KS__VALUES(1, -2, 3, 4, 0.5, -6));
    ks_node *updates = ks__given(g, "updates", KS_SHAPE(2, 3), KS__VALUES(0.25, 2, -1, 1.5, 3, 7));
    return ks_scatter_elements_add(x, some_indices(g), updates, 0);
}

const ks_op ks__op_scatter_elements_add = {
    .size = sizeof(ks_op),
    .name = "scatter_elements_add",
    .formula = "y = x, with each update added at its index along the axis",
    .doc = "x with updates added: each at the position along the axis that its index names, beside it at its own. indices and updates have "
           "one "
           "shape, which is x's beside the axis. What is named again is added again, in the order of the indices on any number of threads. "
           "It is ONNX's ScatterElements with the reduction add.",
    .types = "TIT>T",
    .inputs = "x indices updates",
    .allowed = KS_NUMBERS,
    .flags = KS_OP_LINEAR | KS_OP_JOINT,
    .attrs = axis_table,
    .attrs_size = sizeof(axis_attrs),
    .infer = infer_scatter_elements_add,
    .kernel = scatter_elements_add_kernel,
    .pullback = scatter_elements_add_pullback,
    .derivative = "u; -; gather_elements(u, indices)",
    .onnx = "ScatterElements",
    .example = scatter_elements_add_example,
};

ks_node *ks_scatter_elements_add_at(ks_place at, ks_node *x, ks_node *indices, ks_node *updates, int64_t axis)
{
    return ks__apply3(at, &ks__op_scatter_elements_add, x, indices, updates, &(axis_attrs){axis});
}
