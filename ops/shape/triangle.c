/*
 * ops/shape/triangle.c - parts of matrices in the last two axes: triu, tril, diagonal and what puts a diagonal back, and trace and eye,
 * which are made of them.
 *
 * Element (i, j) lies on diagonal j - i: 0 is the main one, positive ones lie above it.
 */
#include "ops/family.h"

typedef struct k_attrs {
    int64_t k;
} k_attrs;

static const ks_attr k_table[] = {
    {"k", KS_ATTR_INT, offsetof(k_attrs, k), false, false, "which diagonal: 0 is the main one, positive lies above; default 0"},
    {0},
};

/* Rows and columns of the last two axes, and how many matrices there are. */
typedef struct matrices {
    int64_t count, rows, columns;
} matrices;

static matrices matrices_of(const ks_shape *x)
{
    matrices m = {1, x->dim[x->rank - 2], x->dim[x->rank - 1]};
    for (int i = 0; i < x->rank - 2; i++)
        m.count *= x->dim[i];
    return m;
}

static bool is_matrix(ks_infer *infer, const ks_shape *x, int input)
{
    return x->rank >= 2 || ks_infer_fail(infer, KS_BAD_SHAPE, "takes matrices, which have two dimensions or more: {%d}", input);
}

static int64_t between(int64_t low, int64_t x, int64_t high)
{
    return x < low ? low : x > high ? high : x;
}

/* x [2, 3], for the examples */
static ks_node *some(ks_graph *g)
{
    return ks__given(g, "x", KS_SHAPE(2, 3), KS__VALUES(1, -2, 3, 4, 0.5, -6));
}

/* ---- triu and tril ------------------------------------------------------------------------------------- */

typedef struct cutting {
    const ks_call *call;
    matrices m;
    int64_t k, rows_of_task;
    bool upper;
} cutting;

static void cut_rows(void *payload, int64_t block)
{
    const cutting *c = payload;
    size_t size = ks_dtype_size(c->call->out->dtype);
    int64_t rows = c->m.count * c->m.rows, n = c->m.columns;
    int64_t last = (block + 1) * c->rows_of_task < rows ? (block + 1) * c->rows_of_task : rows;
    for (int64_t r = block * c->rows_of_task; r < last; r++) {
        const char *in = (const char *)c->call->in[0].data + (size_t)(r * n) * size;
        char *out = (char *)c->call->out->data + (size_t)(r * n) * size;
        /* the columns before it lie below the diagonal, those from it on lie on it or above */
        int64_t i = r % c->m.rows, above = between(0, i + c->k, n), below = between(0, i + c->k + 1, n);
        int64_t from = c->upper ? above : 0, to = c->upper ? n : below;
        memset(out, 0, (size_t)from * size);
        memcpy(out + (size_t)from * size, in + (size_t)from * size, (size_t)(to - from) * size);
        memset(out + (size_t)to * size, 0, (size_t)(n - to) * size);
    }
}

static bool cut(const ks_call *call, bool upper)
{
    const k_attrs *attrs = call->attrs;
    cutting c = {.call = call, .m = matrices_of(call->in[0].shape), .upper = upper};
    if (!call->out->count)
        return true;
    c.k = between(-c.m.rows - 1, attrs->k, c.m.columns + 1); /* beyond, nothing changes any more */
    c.rows_of_task = KS__SMALL_WORK / c.m.columns + 1;
    ks__each(call, call->out->count, ks__ceil_div(c.m.count * c.m.rows, c.rows_of_task), cut_rows, &c);
    return true;
}

static bool infer_cut(ks_infer *infer)
{
    infer->out = *infer->shape[0];
    return is_matrix(infer, infer->shape[0], 0);
}

/* Its own transpose: what was left out is left out. */
static ks_node *cut_pullback(ks_node *y, int i, ks_node *u)
{
    (void)i;
    return ks__apply1(ks_node_place(y), y->op, u, ks__attrs(y));
}

static bool triu_kernel(const ks_call *call, ks_failure *failure)
{
    (void)failure;
    return cut(call, true);
}

static bool tril_kernel(const ks_call *call, ks_failure *failure)
{
    (void)failure;
    return cut(call, false);
}

static ks_node *triu_example(ks_graph *g)
{
    return ks_triu(some(g), 1);
}

static ks_node *tril_example(ks_graph *g)
{
    return ks_tril(some(g), 0);
}

#define DEFINE_CUT(NAME, FORMULA, DOC)                                                                                                     \
    {                                                                                                                                      \
        .size = sizeof(ks_op), .name = #NAME, .formula = FORMULA, .doc = DOC, .types = "T>T", .inputs = "x", .allowed = KS_ALL_TYPES,      \
        .flags = KS_OP_LINEAR | KS_OP_MOVES, .attrs = k_table, .attrs_size = sizeof(k_attrs), .infer = infer_cut, .kernel = NAME##_kernel, \
        .pullback = cut_pullback, .derivative = #NAME "(u)", .onnx = "Trilu", .example = NAME##_example                                    \
    }

const ks_op ks__op_triu =
    DEFINE_CUT(triu, "y[i, j] = x[i, j] where j - i >= k, else 0",
               "The upper triangle of the matrices in the last two axes, from the k-th diagonal on: what lies below becomes 0, whatever it "
               "was. k = 0 begins at the main diagonal, k = 1 above it. tril(ones) is the mask with which attention looks back only.");
const ks_op ks__op_tril = DEFINE_CUT(
    tril, "y[i, j] = x[i, j] where j - i <= k, else 0",
    "The lower triangle of the matrices in the last two axes, up to the k-th diagonal: what lies above becomes 0, whatever it was. "
    "k = 0 ends at the main diagonal, k = -1 below it.");

ks_node *ks_triu_at(ks_place at, ks_node *x, int64_t k)
{
    return ks__apply1(at, &ks__op_triu, x, &(k_attrs){k});
}

ks_node *ks_tril_at(ks_place at, ks_node *x, int64_t k)
{
    return ks__apply1(at, &ks__op_tril, x, &(k_attrs){k});
}

/* ---- diagonal ------------------------------------------------------------------------------------------ */

/* Length of the k-th diagonal of an m x n matrix. */
static int64_t length_of(int64_t m, int64_t n, int64_t k)
{
    if (k >= n || k <= -m)
        return 0;
    int64_t rows = k < 0 ? m + k : m, columns = k > 0 ? n - k : n;
    return rows < columns ? rows : columns;
}

/* x's shape with the last two axes replaced by their diagonal. */
static void shape_of_diagonal(const ks_shape *x, int64_t k, ks_shape *out)
{
    int64_t m = x->dim[x->rank - 2], n = x->dim[x->rank - 1];
    *out = *x;
    out->rank = x->rank - 1;
    if (!ks__dim_open(m) && !ks__dim_open(n))
        out->dim[out->rank - 1] = length_of(m, n, k);
    else
        out->dim[out->rank - 1] = m == n && k == 0 ? m : KS_ANY;
}

static bool infer_diagonal(ks_infer *infer)
{
    const k_attrs *attrs = infer->attrs;
    if (!is_matrix(infer, infer->shape[0], 0))
        return false;
    shape_of_diagonal(infer->shape[0], attrs->k, &infer->out);
    return true;
}

/* Where the diagonal begins in a matrix of n columns. */
static int64_t first_of(int64_t n, int64_t k)
{
    return k < 0 ? -k * n : k;
}

static bool diagonal_kernel(const ks_call *call, ks_failure *failure)
{
    (void)failure;
    const k_attrs *attrs = call->attrs;
    matrices m = matrices_of(call->in[0].shape);
    int64_t length = call->out->shape->dim[call->out->shape->rank - 1];
    if (!call->out->count)
        return true;
    size_t size = ks_dtype_size(call->out->dtype);
    const char *first = (const char *)call->in[0].data + (size_t)first_of(m.columns, attrs->k) * size;
    ks__copy_strided(call, call->out->data, first, size, 2, (const int64_t[]){m.count, length},
                     (const int64_t[]){m.rows * m.columns, m.columns + 1});
    return true;
}

static ks_node *diagonal_pullback(ks_node *y, int i, ks_node *u)
{
    return ks__apply2(ks_node_place(y), &ks__op_undiagonal, u, ks__in(y, i), ks__attrs(y));
}

static ks_node *diagonal_example(ks_graph *g)
{
    return ks_diagonal(some(g), 1);
}

const ks_op ks__op_diagonal = {
    .size = sizeof(ks_op),
    .name = "diagonal",
    .formula = "y[..., i] = x[..., i, i + k]",
    .doc = "The k-th diagonal of the matrices in the last two axes, as a new last axis: [B, 3, 4] gives [B, 3], and with k = 3 [B, 1]. "
           "Positive "
           "k lies above the main diagonal, negative below; a diagonal outside the matrix is empty. ks_matrix_trace sums the main one.",
    .types = "T>T",
    .inputs = "x",
    .allowed = KS_ALL_TYPES,
    .flags = KS_OP_LINEAR | KS_OP_MOVES,
    .attrs = k_table,
    .attrs_size = sizeof(k_attrs),
    .infer = infer_diagonal,
    .kernel = diagonal_kernel,
    .pullback = diagonal_pullback,
    .derivative = "undiagonal(u, x)",
    .example = diagonal_example,
};

ks_node *ks_diagonal_at(ks_place at, ks_node *x, int64_t k)
{
    return ks__apply1(at, &ks__op_diagonal, x, &(k_attrs){k});
}

ks_node *ks_matrix_trace_at(ks_place at, ks_node *x)
{
    return ks_sum_at(at, ks_diagonal_at(at, x, 0), KS_INTS(-1), false);
}

/* ---- undiagonal and diagonal_embed --------------------------------------------------------------------- */

/* Zeros with in[0] on the k-th diagonal of each matrix. */
static bool put_diagonal(const ks_call *call, ks_failure *failure)
{
    (void)failure;
    const k_attrs *attrs = call->attrs;
    const ks_tensor *out = call->out;
    if (!out->count)
        return true;
    matrices m = matrices_of(out->shape);
    size_t size = ks_dtype_size(out->dtype), step = (size_t)(m.columns + 1) * size;
    int64_t length = length_of(m.rows, m.columns, attrs->k);
    const char *in = call->in[0].data;
    memset(out->data, 0, (size_t)out->count * size);
    for (int64_t b = 0; length && b < m.count; b++) {
        char *to = (char *)out->data + (size_t)(b * m.rows * m.columns + first_of(m.columns, attrs->k)) * size;
        for (int64_t i = 0; i < length; i++, to += step, in += size)
            memcpy(to, in, size);
    }
    return true;
}

/* The diagonal of what has it: the transpose of both. */
static ks_node *put_pullback(ks_node *y, int i, ks_node *u)
{
    return i == 0 ? ks__apply1(ks_node_place(y), &ks__op_diagonal, u, ks__attrs(y)) : NULL;
}

static bool infer_undiagonal(ks_infer *infer)
{
    const k_attrs *attrs = infer->attrs;
    const ks_shape *u = infer->shape[0], *like = infer->shape[1];
    ks_shape wanted;
    if (!is_matrix(infer, like, 1))
        return false;
    shape_of_diagonal(like, attrs->k, &wanted);
    bool fits = wanted.rank == u->rank;
    for (int i = 0; fits && i < u->rank; i++) {
        int64_t same;
        fits = ks__dim_same(infer->graph, wanted.dim[i], u->dim[i], &same);
    }
    infer->out = *like;
    return fits || ks_infer_fail(infer, KS_BAD_SHAPE, "the first is no diagonal of matrices like the second: {0}, {1}");
}

static ks_node *undiagonal_example(ks_graph *g)
{
    ks_node *u = ks__given(g, "u", KS_SHAPE(2), KS__VALUES(1, -2));
    return ks__apply2(KS_HERE, &ks__op_undiagonal, u, ks_constant(g, KS_F64, KS_SHAPE(2, 3), KS__VALUES(0, 0, 0, 0, 0, 0)), &(k_attrs){1});
}

const ks_op ks__op_undiagonal = {
    .size = sizeof(ks_op),
    .name = "undiagonal",
    .formula = "y = zeros shaped like x, with u on its k-th diagonal",
    .doc = "Puts u on the k-th diagonal of matrices of zeros that have like's shape, of which only the shape is taken: the transpose of "
           "diagonal. diagonal_embed makes square matrices that just hold it.",
    .types = "TS>T",
    .inputs = "u like",
    .allowed = KS_ALL_TYPES,
    .flags = KS_OP_LINEAR | KS_OP_MOVES,
    .attrs = k_table,
    .attrs_size = sizeof(k_attrs),
    .infer = infer_undiagonal,
    .kernel = put_diagonal,
    .pullback = put_pullback,
    .derivative = "diagonal(u)",
    .example = undiagonal_example,
};

static bool infer_diagonal_embed(ks_infer *infer)
{
    const k_attrs *attrs = infer->attrs;
    const ks_shape *v = infer->shape[0];
    if (v->rank < 1 || v->rank == KS_MAX_RANK)
        return ks_infer_fail(infer, KS_BAD_SHAPE, "takes 1 to %d dimensions, the last of which is the diagonal: {0}", KS_MAX_RANK - 1);
    infer->out = *v;
    int64_t n = v->dim[v->rank - 1], side = n, away = attrs->k;
    if (away < 0 && __builtin_sub_overflow(0, away, &away))
        away = INT64_MAX;
    if (away == INT64_MAX || (!ks__dim_open(n) && __builtin_add_overflow(n, away, &side)))
        return ks_infer_fail(infer, KS_BAD_ARGUMENT, "diagonal %lld is farther away than any matrix reaches", (long long)attrs->k);
    if (ks__dim_open(n) && away)
        side = KS_ANY;
    infer->out.rank = v->rank + 1;
    infer->out.dim[v->rank - 1] = infer->out.dim[v->rank] = side;
    return true;
}

static ks_node *diagonal_embed_example(ks_graph *g)
{
    return ks_diagonal_embed(ks__given(g, "v", KS_SHAPE(2, 2), KS__VALUES(1, -2, 3, 0.5)), -1);
}

const ks_op ks__op_diagonal_embed = {
    .size = sizeof(ks_op),
    .name = "diagonal_embed",
    .formula = "y[..., i, i + k] = v[..., i], 0 elsewhere",
    .doc = "Square matrices with the last axis of v on their k-th diagonal and zeros elsewhere: [B, 3] gives [B, 3, 3], and with k = 1 "
           "[B, 4, 4]. diagonal takes it out again.",
    .types = "T>T",
    .inputs = "v",
    .allowed = KS_ALL_TYPES,
    .flags = KS_OP_LINEAR | KS_OP_MOVES,
    .attrs = k_table,
    .attrs_size = sizeof(k_attrs),
    .infer = infer_diagonal_embed,
    .kernel = put_diagonal,
    .pullback = put_pullback,
    .derivative = "diagonal(u)",
    .example = diagonal_embed_example,
};

ks_node *ks_diagonal_embed_at(ks_place at, ks_node *v, int64_t k)
{
    return ks__apply1(at, &ks__op_diagonal_embed, v, &(k_attrs){k});
}

/* ---- eye ----------------------------------------------------------------------------------------------- */

ks_node *ks_eye_at(ks_place at, ks_graph *graph, ks_dtype dtype, int64_t n)
{
    return ks_diagonal_embed_at(at, ks_full_at(at, graph, dtype, KS_SHAPE(n), 1), 0);
}

ks_node *ks_eye_like_at(ks_place at, ks_node *x, int64_t k)
{
    ks_node *ones = ks_full_like_at(at, ks_diagonal_at(at, x, k), 1);
    return ks__apply2(at, &ks__op_undiagonal, ones, x, &(k_attrs){k});
}
