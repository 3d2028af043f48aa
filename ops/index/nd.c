/*
 * ops/index/nd.c - indices of several axes at once: gather_nd, its transpose ungather_nd, and scatter_nd_add.
 *
 * The last axis of the indices holds one place: its positions in the first axes of x. What is taken there is all that lies in
 * the other axes, a slab. Additions come in the order of the places, whatever the threads, which share columns of slabs.
 */
#include "ops/index/position.h"

static bool same_dims(ks_infer *infer, const ks_shape *a, const ks_shape *b)
{
    bool fits = a->rank == b->rank;
    for (int i = 0; fits && i < a->rank; i++) {
        int64_t same;
        fits = ks__dim_same(infer->graph, a->dim[i], b->dim[i], &same);
    }
    return fits;
}

/* The shape of what the indices take out of x. */
static bool taken(ks_infer *infer, const ks_shape *x, const ks_shape *indices, ks_shape *out)
{
    int64_t depth = indices->rank ? indices->dim[indices->rank - 1] : 0;
    if (!indices->rank || ks__dim_open(depth) || depth > x->rank)
        return ks_infer_fail(infer, KS_BAD_SHAPE,
                             "the last axis of the indices is a place: it has a known size, at most the number of x's axes: {0}, {1}");
    if (indices->rank - 1 + x->rank - depth > KS_MAX_RANK)
        return ks_infer_fail(infer, KS_BAD_SHAPE, "more than %d dimensions together: {0}, {1}", KS_MAX_RANK);
    out->rank = 0;
    for (int i = 0; i < indices->rank - 1; i++)
        out->dim[out->rank++] = indices->dim[i];
    for (int i = (int)depth; i < x->rank; i++)
        out->dim[out->rank++] = x->dim[i];
    return true;
}

/* The work: `places` slabs of `run` elements. */
typedef struct job {
    const ks_call *call;
    const ks_tensor *indices;
    const char *from;
    int64_t depth, places, run;
    int64_t extent[KS_MAX_RANK];
    int64_t chunk; /* gathering: places of a task; adding: columns of a task */
} job;

static job job_of(const ks_call *call, const ks_tensor *indices, const ks_shape *x)
{
    job j = {.call = call, .indices = indices, .depth = indices->shape->dim[indices->shape->rank - 1], .places = 1, .run = 1};
    for (int i = 0; i < indices->shape->rank - 1; i++)
        j.places *= indices->shape->dim[i];
    for (int i = 0; i < x->rank; i++) {
        if (i < j.depth)
            j.extent[i] = x->dim[i];
        else
            j.run *= x->dim[i];
    }
    return j;
}

static bool places_fit(const job *j, ks_failure *failure)
{
    for (int64_t i = 0; i < j->places; i++) {
        for (int64_t d = 0; d < j->depth; d++) {
            int64_t at = ks__whole(j->indices, i * j->depth + d);
            if (at < -j->extent[d] || at >= j->extent[d])
                return ks__kernel_fail(failure, KS_BAD_ARGUMENT, "index %lld, at place %lld, is outside axis %lld, which has %lld elements",
                                       (long long)at, (long long)i, (long long)d, (long long)j->extent[d]);
        }
    }
    return true;
}

/* Which slab of x the place is. */
static int64_t slab_of(const job *j, int64_t place)
{
    int64_t slab = 0;
    for (int64_t d = 0; d < j->depth; d++)
        slab = slab * j->extent[d] + ks__position(j->indices, place * j->depth + d, j->extent[d]);
    return slab;
}

/* ---- gather_nd ----------------------------------------------------------------------------------------- */

static bool infer_gather_nd(ks_infer *infer)
{
    return taken(infer, infer->shape[0], infer->shape[1], &infer->out);
}

static void gather_task(void *payload, int64_t block)
{
    const job *j = payload;
    size_t run = (size_t)j->run * ks_dtype_size(j->call->out->dtype);
    int64_t last = (block + 1) * j->chunk < j->places ? (block + 1) * j->chunk : j->places;
    for (int64_t i = block * j->chunk; i < last; i++)
        memcpy((char *)j->call->out->data + (size_t)i * run, j->from + (size_t)slab_of(j, i) * run, run);
}

static bool gather_nd_kernel(const ks_call *call, ks_failure *failure)
{
    job j = job_of(call, &call->in[1], call->in[0].shape);
    if (!places_fit(&j, failure))
        return false;
    if (!call->out->count)
        return true;
    j.from = call->in[0].data;
    j.chunk = KS__SMALL_WORK / j.run + 1;
    ks__each(call, call->out->count, ks__ceil_div(j.places, j.chunk), gather_task, &j);
    return true;
}

static ks_node *gather_nd_pullback(ks_node *y, int i, ks_node *u)
{
    return i == 0 ? ks__apply3(ks_node_place(y), &ks__op_ungather_nd, u, ks__in(y, 1), ks__in(y, 0), NULL) : NULL;
}

static ks_node *some_places(ks_graph *g)
{
    return ks_constant(g, KS_I64, KS_SHAPE(3, 2), ((const int64_t[]){1, 0, 0, -1, 1, 0}));
}

static ks_node *gather_nd_example(ks_graph *g)
{
    return ks_gather_nd(ks__given(g, "x", KS_SHAPE(2, 2, 2), KS__VALUES(1, -2, 3, 4, 0.5, -6, 7, 0.25)), some_places(g));
}

const ks_op ks__op_gather_nd = {
    .size = sizeof(ks_op),
    .name = "gather_nd",
    .formula = "y[i, ...] = x[indices[i, 0], indices[i, 1], ..., ...]",
    .doc =
        "Takes what stands at places of x. The last axis of indices is a place: its positions in as many of x's first axes; all that lies "
        "in x's other axes is taken. indices [..., q] and x of rank r give the shape [...] followed by x's last r - q sizes: with q = r "
        "single "
        "elements, with q = 1 rows. Negative positions count from the end; what is outside is an error. It is ONNX's GatherND without "
        "batch dimensions.",
    .types = "TI>T",
    .inputs = "x indices",
    .allowed = KS_ALL_TYPES,
    .flags = KS_OP_LINEAR | KS_OP_MOVES,
    .infer = infer_gather_nd,
    .kernel = gather_nd_kernel,
    .pullback = gather_nd_pullback,
    .derivative = "ungather_nd(u, indices, x)",
    .onnx = "GatherND",
    .example = gather_nd_example,
};

ks_node *ks_gather_nd_at(ks_place at, ks_node *x, ks_node *indices)
{
    return ks__apply2(at, &ks__op_gather_nd, x, indices, NULL);
}

/* ---- adding -------------------------------------------------------------------------------------------- */

#define DEFINE_ADD(S, TYPE)                                                                                                                \
    static void add_##S(const job *j, int64_t column, int64_t columns)                                                                     \
    {                                                                                                                                      \
        const TYPE *from = (const TYPE *)(const void *)j->from + column;                                                                   \
        TYPE *to = (TYPE *)j->call->out->data + column;                                                                                    \
        for (int64_t i = 0; i < j->places; i++) {                                                                                          \
            const TYPE *row = from + i * j->run;                                                                                           \
            TYPE *sum = to + slab_of(j, i) * j->run;                                                                                       \
            for (int64_t c = 0; c < columns; c++)                                                                                          \
                sum[c] = (TYPE)(sum[c] + row[c]);                                                                                          \
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
    static void (*const add[KS_DTYPES])(const job *, int64_t, int64_t) = {
        [KS_F32] = add_f32, [KS_F64] = add_f64, [KS_I32] = add_i32, [KS_I64] = add_i64, [KS_U8] = add_u8};
    const job *j = payload;
    int64_t column = unit * j->chunk;
    add[j->call->out->dtype](j, column, j->run - column < j->chunk ? j->run - column : j->chunk);
}

#define COLUMNS 256 /* columns of a task */

/* out = start (or zeros) with the updates added at their places. */
static bool add_updates(const ks_call *call, const ks_tensor *start, const ks_tensor *updates, ks_failure *failure)
{
    job j = job_of(call, &call->in[1], call->out->shape);
    if (!places_fit(&j, failure))
        return false;
    ks__start_from(call, start);
    if (!updates->count)
        return true;
    j.from = updates->data;
    j.chunk = COLUMNS;
    ks__each(call, updates->count, ks__ceil_div(j.run, COLUMNS), add_task, &j);
    return true;
}

static bool infer_added(ks_infer *infer, const ks_shape *x, const ks_shape *updates)
{
    ks_shape wanted = KS_SCALAR;
    infer->out = *x;
    if (!taken(infer, x, infer->shape[1], &wanted))
        return false;
    return same_dims(infer, &wanted, updates) ||
           ks_infer_fail(infer, KS_BAD_SHAPE, "what is added is not shaped like what the indices take: {0}, {1}, {2}");
}

/* ---- ungather_nd --------------------------------------------------------------------------------------- */

static bool infer_ungather_nd(ks_infer *infer)
{
    return infer_added(infer, infer->shape[2], infer->shape[0]);
}

static bool ungather_nd_kernel(const ks_call *call, ks_failure *failure)
{
    return add_updates(call, NULL, &call->in[0], failure);
}

static ks_node *ungather_nd_pullback(ks_node *y, int i, ks_node *u)
{
    return i == 0 ? ks_gather_nd_at(ks_node_place(y), u, ks__in(y, 1)) : NULL;
}

static ks_node *ungather_nd_example(ks_graph *g)
{
    ks_node *u = ks__given(g, "u", KS_SHAPE(3), KS__VALUES(1, -2, 3));
    return ks__apply3(KS_HERE, &ks__op_ungather_nd, u, some_places(g), ks_constant(g, KS_F64, KS_SHAPE(2, 2), KS__VALUES(0, 0, 0, 0)),
                      NULL);
}

const ks_op ks__op_ungather_nd = {
    .size = sizeof(ks_op),
    .name = "ungather_nd",
    .formula = "y = zeros shaped like x, with each u added at its place",
    .doc = "Adds each part of u to zeros of like's shape, at the place that the last axis of indices names: the transpose of gather_nd. "
           "Places "
           "that are named again are added again, in their order. Of like only the shape is taken.",
    .types = "TIS>T",
    .inputs = "u indices like",
    .allowed = KS_NUMBERS,
    .flags = KS_OP_LINEAR,
    .infer = infer_ungather_nd,
    .kernel = ungather_nd_kernel,
    .pullback = ungather_nd_pullback,
    .derivative = "gather_nd(u, indices)",
    .example = ungather_nd_example,
};

/* ---- scatter_nd_add ------------------------------------------------------------------------------------ */

static bool infer_scatter_nd_add(ks_infer *infer)
{
    return infer_added(infer, infer->shape[0], infer->shape[2]);
}

static bool scatter_nd_add_kernel(const ks_call *call, ks_failure *failure)
{
    return add_updates(call, &call->in[0], &call->in[2], failure);
}

static ks_node *scatter_nd_add_pullback(ks_node *y, int i, ks_node *u)
{
    return i == 0 ? u : i == 2 ? ks_gather_nd_at(ks_node_place(y), u, ks__in(y, 1)) : NULL;
}

static ks_node *scatter_nd_add_example(ks_graph *g)
{
    ks_node *x = ks__given(g, "x", KS_SHAPE(2, 2), KS__VALUES(1, -2, 3, 4));
    return ks_scatter_nd_add(x, some_places(g), ks__given(g, "updates", KS_SHAPE(3), KS__VALUES(0.25, 2, -1)));
}

const ks_op ks__op_scatter_nd_add = {
    .size = sizeof(ks_op),
    .name = "scatter_nd_add",
    .formula = "y = x, with each update added at its place",
    .doc = "x with updates added, each at the place that the last axis of indices names, as gather_nd takes it: updates is shaped like "
           "gather_nd(x, indices). What is named again is added again, in the order of the places on any number of threads. It is ONNX's "
           "ScatterND with the reduction add.",
    .types = "TIT>T",
    .inputs = "x indices updates",
    .allowed = KS_NUMBERS,
    .flags = KS_OP_LINEAR | KS_OP_JOINT,
    .infer = infer_scatter_nd_add,
    .kernel = scatter_nd_add_kernel,
    .pullback = scatter_nd_add_pullback,
    .derivative = "u; -; gather_nd(u, indices)",
    .onnx = "ScatterND",
    .example = scatter_nd_add_example,
};

ks_node *ks_scatter_nd_add_at(ks_place at, ks_node *x, ks_node *indices, ks_node *updates)
{
    return ks__apply3(at, &ks__op_scatter_nd_add, x, indices, updates, NULL);
}
