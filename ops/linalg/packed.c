/*
 * ops/linalg/packed.c - triangular matrices and the vectors that hold their elements row by row: tril_from_vector and its transpose,
 * tril_to_vector.
 */
#include "ops/linalg/linalg.h"

#include <math.h>

typedef struct tril_attrs {
    int64_t strict;
} tril_attrs;

static const ks_attr tril_table[] = {
    {"strict", KS_ATTR_BOOL, offsetof(tril_attrs, strict), false, false,
     "whether the diagonal is left out: it is zero in the matrix and not in the vector; default false"},
    {0},
};

/* Elements in the first `rows` rows of a triangle. */
static int64_t packed(int64_t rows, bool strict)
{
    return strict ? rows * (rows - 1) / 2 : rows * (rows + 1) / 2;
}

/* The n whose triangle has so many elements, -1 if there is none. */
static int64_t order_of(int64_t count, bool strict)
{
    int64_t n = (int64_t)sqrt(2.0 * (double)count);
    for (n = n > 1 ? n - 1 : 0; packed(n, strict) < count || (strict && n == 0); n++)
        ;
    return packed(n, strict) == count ? n : -1;
}

/* ---- tril_from_vector ---------------------------------------------------------------------------------- */

static bool infer_from_vector(ks_infer *infer)
{
    const tril_attrs *attrs = infer->attrs;
    const ks_shape *x = infer->shape[0];
    if (x->rank < 1 || x->rank == KS_MAX_RANK)
        return ks_infer_fail(infer, KS_BAD_SHAPE, "takes [..., elements], of 1 to %d dimensions: {0}", KS_MAX_RANK - 1);
    int64_t count = x->dim[x->rank - 1], n = KS_ANY;
    if (!ks__dim_open(count)) {
        if (count > (int64_t)1 << 52 || (n = order_of(count, attrs->strict)) < 0)
            return ks_infer_fail(infer, KS_BAD_SHAPE, "%lld elements make no triangle: n (n %c 1) / 2 do for a matrix of n rows: {0}",
                                 (long long)count, attrs->strict ? '-' : '+');
    }
    infer->out = *x;
    infer->out.dim[x->rank - 1] = n;
    infer->out.dim[infer->out.rank++] = n;
    return true;
}

typedef struct rows {
    const ks_call *call;
    int64_t n, chunk, count; /* rows of a task, of all matrices */
    bool strict;
} rows;

static rows rows_of(const ks_call *call, const ks_tensor *matrices)
{
    const tril_attrs *attrs = call->attrs;
    rows r = {.call = call, .n = ks__order(matrices->shape), .strict = attrs->strict};
    r.count = ks__matrix_count(matrices->shape) * r.n;
    r.chunk = r.n ? ks__ceil_div(KS__SMALL_WORK, r.n) : 1;
    return r;
}

static void spread_rows(void *payload, int64_t task)
{
    const rows *r = payload;
    size_t size = ks_dtype_size(r->call->out->dtype);
    for (int64_t i = task * r->chunk; i < (task + 1) * r->chunk && i < r->count; i++) {
        int64_t row = i % r->n, from = i / r->n * packed(r->n, r->strict) + packed(row, r->strict), taken = row + !r->strict;
        char *to = (char *)r->call->out->data + (size_t)(i * r->n) * size;
        memcpy(to, (const char *)r->call->in[0].data + (size_t)from * size, (size_t)taken * size);
        memset(to + (size_t)taken * size, 0, (size_t)(r->n - taken) * size);
    }
}

static bool from_vector_kernel(const ks_call *call, ks_failure *failure)
{
    (void)failure;
    rows r = rows_of(call, call->out);
    if (call->out->count && call->in[0].count)
        ks__each(call, call->out->count, ks__ceil_div(r.count, r.chunk), spread_rows, &r);
    else if (call->out->count) /* the strict triangle of [1, 1] has no elements */
        memset(call->out->data, 0, (size_t)call->out->count * ks_dtype_size(call->out->dtype));
    return true;
}

static ks_node *from_vector_pullback(ks_node *y, int i, ks_node *u)
{
    (void)i;
    const tril_attrs *attrs = ks__attrs(y);
    return ks_tril_to_vector_at(ks_node_place(y), u, attrs->strict);
}

static ks_node *from_vector_example(ks_graph *g)
{
    return ks_tril_from_vector(ks__given(g, "x", KS_SHAPE(2, 3), KS__VALUES(1, -2, 3, 4, 0.5, -6)), false);
}

const ks_op ks__op_tril_from_vector = {
    .size = sizeof(ks_op),
    .name = "tril_from_vector",
    .formula = "y[..., i, j] = x[..., i (i + 1) / 2 + j] where j <= i, else 0",
    .doc = "Lower triangular matrices from their elements, row by row: [..., n (n + 1) / 2] becomes [..., n, n], with zeros above the "
           "diagonal. With strict the diagonal is zero too and x has n (n - 1) / 2 elements a matrix (none: a matrix of one row): so the "
           "triangle of a Cholesky factor comes from one vector and its positive diagonal from another.",
    .types = "T>T",
    .inputs = "x",
    .allowed = KS_ALL_TYPES,
    .flags = KS_OP_LINEAR | KS_OP_MOVES,
    .attrs = tril_table,
    .attrs_size = sizeof(tril_attrs),
    .infer = infer_from_vector,
    .kernel = from_vector_kernel,
    .pullback = from_vector_pullback,
    .derivative = "tril_to_vector(u)",
    .example = from_vector_example,
};

ks_node *ks_tril_from_vector_at(ks_place at, ks_node *x, bool strict)
{
    return ks__apply1(at, &ks__op_tril_from_vector, x, &(tril_attrs){strict});
}

/* ---- tril_to_vector ------------------------------------------------------------------------------------ */

static bool infer_to_vector(ks_infer *infer)
{
    const tril_attrs *attrs = infer->attrs;
    const ks_shape *x = infer->shape[0];
    if (!ks__infer_square(infer))
        return false;
    int64_t n = ks__dim_open(ks__order(x)) ? x->dim[x->rank - 2] : ks__order(x);
    if (n == 0 && attrs->strict)
        return ks_infer_fail(infer, KS_BAD_SHAPE, "a matrix without rows has no diagonal to leave out: {0}");
    if (n > (int64_t)1 << 26)
        return ks_infer_fail(infer, KS_BAD_SHAPE, "the triangle has more elements than memory can hold: {0}");
    infer->out = *x;
    infer->out.rank = x->rank - 1;
    infer->out.dim[x->rank - 2] = ks__dim_open(n) ? KS_ANY : packed(n, attrs->strict);
    return true;
}

static void gather_rows(void *payload, int64_t task)
{
    const rows *r = payload;
    size_t size = ks_dtype_size(r->call->out->dtype);
    for (int64_t i = task * r->chunk; i < (task + 1) * r->chunk && i < r->count; i++) {
        int64_t row = i % r->n, to = i / r->n * packed(r->n, r->strict) + packed(row, r->strict);
        memcpy((char *)r->call->out->data + (size_t)to * size, (const char *)r->call->in[0].data + (size_t)(i * r->n) * size,
               (size_t)(row + !r->strict) * size);
    }
}

static bool to_vector_kernel(const ks_call *call, ks_failure *failure)
{
    (void)failure;
    rows r = rows_of(call, &call->in[0]);
    if (call->out->count)
        ks__each(call, call->in[0].count, ks__ceil_div(r.count, r.chunk), gather_rows, &r);
    return true;
}

static ks_node *to_vector_pullback(ks_node *y, int i, ks_node *u)
{
    (void)i;
    const tril_attrs *attrs = ks__attrs(y);
    return ks_tril_from_vector_at(ks_node_place(y), u, attrs->strict);
}

static ks_node *to_vector_example(ks_graph *g)
{
    return ks_tril_to_vector(ks__given(g, "x", KS_SHAPE(2, 2, 2), KS__VALUES(1, -2, 3, 4, 0.5, -6, 2, -1)), false);
}

const ks_op ks__op_tril_to_vector = {
    .size = sizeof(ks_op),
    .name = "tril_to_vector",
    .formula = "y[..., i (i + 1) / 2 + j] = x[..., i, j] for j <= i",
    .doc = "The elements of lower triangles, row by row: [..., n, n] becomes [..., n (n + 1) / 2]. What stands above the diagonal is left "
           "out, with strict the diagonal too: [..., n (n - 1) / 2]. Undoes tril_from_vector and is its transpose.",
    .types = "T>T",
    .inputs = "x",
    .allowed = KS_ALL_TYPES,
    .flags = KS_OP_LINEAR | KS_OP_MOVES,
    .attrs = tril_table,
    .attrs_size = sizeof(tril_attrs),
    .infer = infer_to_vector,
    .kernel = to_vector_kernel,
    .pullback = to_vector_pullback,
    .derivative = "tril_from_vector(u)",
    .example = to_vector_example,
};

ks_node *ks_tril_to_vector_at(ks_place at, ks_node *x, bool strict)
{
    return ks__apply1(at, &ks__op_tril_to_vector, x, &(tril_attrs){strict});
}
