/*
 * ops/index/embedding.c - rows of a table by their numbers: embedding.
 */
#include "ops/index/position.h"

static bool infer_embedding(ks_infer *infer)
{
    const ks_shape *table = infer->shape[0], *ids = infer->shape[1];
    if (table->rank != 2)
        return ks_infer_fail(infer, KS_BAD_SHAPE, "a table has rows and columns, [V, D]: {0}");
    if (ids->rank == KS_MAX_RANK)
        return ks_infer_fail(infer, KS_BAD_SHAPE, "there are %d dimensions already: {1}", KS_MAX_RANK);
    infer->out = *ids;
    infer->out.dim[infer->out.rank++] = table->dim[1];
    return true;
}

typedef struct job {
    const ks_call *call;
    int64_t chunk; /* rows of a task */
    size_t row;    /* bytes */
} job;

static void copy_rows(void *payload, int64_t block)
{
    const job *j = payload;
    const ks_tensor *ids = &j->call->in[1];
    int64_t last = (block + 1) * j->chunk < ids->count ? (block + 1) * j->chunk : ids->count;
    for (int64_t i = block * j->chunk; i < last; i++)
        memcpy((char *)j->call->out->data + (size_t)i * j->row, (const char *)j->call->in[0].data + (size_t)ks__whole(ids, i) * j->row,
               j->row);
}

static bool embedding_kernel(const ks_call *call, ks_failure *failure)
{
    const ks_tensor *ids = &call->in[1];
    int64_t rows = call->in[0].shape->dim[0], columns = call->in[0].shape->dim[1];
    for (int64_t i = 0; i < ids->count; i++) {
        int64_t id = ks__whole(ids, i);
        if (id < 0 || id >= rows)
            return ks__kernel_fail(failure, KS_BAD_ARGUMENT, "id %lld, at position %lld, names no row of the table, which has %lld",
                                   (long long)id, (long long)i, (long long)rows);
    }
    if (!call->out->count)
        return true;
    job j = {call, KS__SMALL_WORK / columns + 1, (size_t)columns * ks_dtype_size(call->out->dtype)};
    ks__each(call, call->out->count, ks__ceil_div(ids->count, j.chunk), copy_rows, &j);
    return true;
}

static ks_node *embedding_pullback(ks_node *y, int i, ks_node *u)
{
    return i == 0 ? ks__apply3(ks_node_place(y), &ks__op_ungather, u, ks__in(y, 1), ks__in(y, 0), NULL) : NULL;
}

static ks_node *embedding_example(ks_graph *g)
{
    ks_node *ids = ks_constant(g, KS_I64, KS_SHAPE(2, 2), ((const int64_t[]){2, 0, 2, 1}));
    return ks_embedding(ks__given(g, "table", KS_SHAPE(3, 2), KS__VALUES(1, -2, 3, 4, 0.5, -6)), ids, -1);
}

const ks_op ks__op_embedding = {
    .size = sizeof(ks_op),
    .name = "embedding",
    .formula = "y[...] = table[ids[...]]",
    .doc = "Looks rows up in a table [V, D] by their numbers: ids [...] give [..., D], as words are given their vectors. An id below 0 or "
           "from V "
           "on is an error that names it, for here nothing counts from the end. In the derivative rows that were looked up again add up. "
           "ks_embedding takes the id of a padding too, whose row then is read but not learned.",
    .types = "TI>T",
    .inputs = "table ids",
    .allowed = KS_ALL_TYPES,
    .flags = KS_OP_LINEAR | KS_OP_MOVES,
    .infer = infer_embedding,
    .kernel = embedding_kernel,
    .pullback = embedding_pullback,
    .derivative = "ungather(u, ids, table)",
    .onnx = "Gather",
    .example = embedding_example,
};

ks_node *ks_embedding_at(ks_place at, ks_node *table, ks_node *ids, int64_t padding)
{
    ks_node *rows = ks__apply2(at, &ks__op_embedding, table, ids, NULL);
    if (padding < 0 || !rows)
        return rows;
    ks_node *is_padding = ks_equal_at(at, ids, ks_number_at(at, ids->graph, (double)padding));
    return ks_where_at(at, ks_unsqueeze_at(at, is_padding, KS_INTS(-1)), ks_stop_gradient_at(at, rows), rows);
}
