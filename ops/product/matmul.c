/*
 * ops/product/matmul.c - matrix products with NumPy's meaning: the last two dimensions are matrices, those before them a batch that
 * broadcasts; an operand of one dimension is a row on the left, a column on the right.
 *
 * Either operand can be read transposed, which is how derivatives are written: no matrix is ever turned in memory for them.
 */
#include "ops/family.h"
#include "engine/kernels/gemm.h"
#include "config.h"

#ifdef KS_HAVE_CBLAS
#include <cblas.h>
#endif

typedef struct matmul_attrs {
    int64_t trans_a, trans_b;
} matmul_attrs;

static const ks_attr matmul_table[] = {
    {"trans_a", KS_ATTR_BOOL, offsetof(matmul_attrs, trans_a), false, false,
     "whether a's last two axes are exchanged first; default false"},
    {"trans_b", KS_ATTR_BOOL, offsetof(matmul_attrs, trans_b), false, false,
     "whether b's last two axes are exchanged first; default false"},
    {0},
};

/* ---- sizes --------------------------------------------------------------------------------------------- */

/* The sizes of one operand as a matrix. */
typedef struct sides {
    int64_t rows, inner;
} sides;

/* a [..., rows, inner] or [inner]; of b the same with rows for its columns: `turned` is trans_a, or not trans_b. */
static sides sides_of(const ks_shape *x, bool turned)
{
    int r = x->rank;
    if (r == 1)
        return (sides){1, x->dim[0]};
    return turned ? (sides){x->dim[r - 1], x->dim[r - 2]} : (sides){x->dim[r - 2], x->dim[r - 1]};
}

/* The dimensions before the matrix. */
static ks_shape batch_of(const ks_shape *x)
{
    ks_shape batch = *x;
    batch.rank = x->rank > 2 ? x->rank - 2 : 0;
    return batch;
}

static bool infer_matmul(ks_infer *infer)
{
    const matmul_attrs *attrs = infer->attrs;
    const ks_shape *a = infer->shape[0], *b = infer->shape[1];
    if (a->rank == 0 || b->rank == 0)
        return ks_infer_fail(infer, KS_BAD_SHAPE, "a scalar is no matrix: {0}, {1}: use mul");
    sides left = sides_of(a, attrs->trans_a), right = sides_of(b, !attrs->trans_b);
    int64_t inner;
    if (!ks__dim_same(infer->graph, left.inner, right.inner, &inner))
        return ks_infer_fail(infer, KS_BAD_SHAPE, "inner sizes differ: {0}%s, {1}%s", attrs->trans_a ? " transposed" : "",
                             attrs->trans_b ? " transposed" : "");
    ks_shape batch_a = batch_of(a), batch_b = batch_of(b);
    if (!ks__broadcast_shapes(infer->graph, &batch_a, &batch_b, &infer->out))
        return ks_infer_fail(infer, KS_BAD_SHAPE, "the dimensions before the last two do not broadcast: {0}, {1}");
    if (a->rank > 1)
        infer->out.dim[infer->out.rank++] = left.rows;
    if (b->rank > 1)
        infer->out.dim[infer->out.rank++] = right.rows;
    return true;
}

/* ---- the work of one call ------------------------------------------------------------------------------ */

#define MOST_TASKS 64 /* of a batch: each has its own workspace */

typedef struct product {
    ks__gemm one;                                                       /* a matrix of the batch */
    int64_t count;                                                      /* matrices */
    int rank;                                                           /* of the batch */
    int64_t dim[KS_MAX_RANK], step_a[KS_MAX_RANK], step_b[KS_MAX_RANK]; /* elements; 0 repeats */
    int64_t tasks;                                                      /* 1: each product has all threads in its turn */
    size_t scratch;                                                     /* of one task */
    const char *a, *b;
    char *c, *workspace;
    bool blas;
} product;

/* Elements from matrix to matrix along the batch's dimensions. */
static void batch_steps(const ks_shape *x, const product *p, int64_t size, int64_t *step)
{
    ks_shape own = batch_of(x);
    for (int i = p->rank - 1, k = own.rank - 1; i >= 0; i--, k--) {
        step[i] = k >= 0 && own.dim[k] > 1 ? size : 0;
        size *= k >= 0 ? own.dim[k] : 1;
    }
}

/* A batch of matrices with one and the same b is one tall matrix. */
static void make_tall(product *p, const ks_shape *b)
{
    if (p->one.trans_a || batch_of(b).rank)
        return;
    for (int i = 0; i < p->rank; i++) {
        if (!p->step_a[i] && p->dim[i] > 1)
            return;
    }
    p->one.m *= p->count;
    p->rank = 0;
    p->count = 1;
}

static void cut_in_tasks(product *p)
{
    p->tasks = 1;
    p->scratch = p->blas ? 0 : ks__gemm_scratch(&p->one);
    if (p->blas || p->count < 2 || p->one.m * p->one.n * p->one.k > 1 << 20)
        return;
    double work = (double)p->one.m * (double)p->one.n * (double)(p->one.k + 1) * (double)p->count;
    p->tasks = work / KS__SMALL_WORK < MOST_TASKS ? (int64_t)(work / KS__SMALL_WORK) : MOST_TASKS;
    if (p->tasks > p->count)
        p->tasks = p->count;
    if (p->tasks < 1)
        p->tasks = 1;
}

static product product_of(const ks_call *call)
{
    const matmul_attrs *attrs = call->attrs;
    const ks_shape *a = call->in[0].shape, *b = call->in[1].shape;
    sides left = sides_of(a, attrs->trans_a), right = sides_of(b, !attrs->trans_b);
    product p = {.count = 1, .a = call->in[0].data, .b = call->in[1].data, .c = call->out->data, .workspace = call->scratch};
    p.one = (ks__gemm){.dtype = call->out->dtype, .isa = call->isa, .m = left.rows, .n = right.rows, .k = left.inner};
    p.one.trans_a = attrs->trans_a && a->rank > 1;
    p.one.trans_b = attrs->trans_b && b->rank > 1;
    p.one.lda = p.one.trans_a ? p.one.m : p.one.k;
    p.one.ldb = p.one.trans_b ? p.one.k : p.one.n;
    p.one.ldc = p.one.n;
    ks_shape batch_a = batch_of(a), batch_b = batch_of(b);
    p.rank = batch_a.rank > batch_b.rank ? batch_a.rank : batch_b.rank;
    for (int i = 0; i < p.rank; i++)
        p.count *= p.dim[i] = call->out->shape->dim[i];
    if (p.rank) {
        batch_steps(a, &p, p.one.m * p.one.k, p.step_a);
        batch_steps(b, &p, p.one.k * p.one.n, p.step_b);
        make_tall(&p, b);
    }
#ifdef KS_HAVE_CBLAS
    p.blas = call->provider == 1;
#endif
    cut_in_tasks(&p);
    return p;
}

static size_t matmul_scratch(const ks_call *call)
{
    product p = product_of(call);
    return (size_t)p.tasks * p.scratch;
}

/* Where matrix i of a batch lies in an operand, in elements. */
static int64_t offset_of(const product *p, const int64_t *step, int64_t i)
{
    int64_t offset = 0;
    for (int d = p->rank - 1; d >= 0; d--) {
        offset += i % p->dim[d] * step[d];
        i /= p->dim[d];
    }
    return offset;
}

/* ---- providers ----------------------------------------------------------------------------------------- */

#ifdef KS_HAVE_CBLAS

/* These exist where the CBLAS is OpenBLAS, whose number of threads belongs to the process: it is put back after each call. */
int openblas_get_num_threads(void) __attribute__((weak));
void openblas_set_num_threads(int) __attribute__((weak));

static int one_thread(void)
{
    int before = openblas_get_num_threads && openblas_set_num_threads ? openblas_get_num_threads() : 1;
    if (before != 1)
        openblas_set_num_threads(1);
    return before;
}

static void threads_again(int before)
{
    if (before != 1)
        openblas_set_num_threads(before);
}

static void by_cblas(const ks__gemm *g, const void *a, const void *b, void *c)
{
    enum CBLAS_TRANSPOSE ta = g->trans_a ? CblasTrans : CblasNoTrans, tb = g->trans_b ? CblasTrans : CblasNoTrans;
    int m = (int)g->m, n = (int)g->n, k = (int)g->k, lda = (int)g->lda, ldb = (int)g->ldb, ldc = (int)g->ldc;
    if (g->dtype == KS_F32)
        cblas_sgemm(CblasRowMajor, ta, tb, m, n, k, 1, a, lda, b, ldb, 0, c, ldc);
    else
        cblas_dgemm(CblasRowMajor, ta, tb, m, n, k, 1, a, lda, b, ldb, 0, c, ldc);
}

/* A CBLAS counts in int and takes no matrix without elements. */
static bool cblas_takes(const ks__gemm *g)
{
    return g->m > 0 && g->n > 0 && g->k > 0 && g->m <= INT32_MAX && g->n <= INT32_MAX && g->k <= INT32_MAX;
}

#endif

static void multiply(const product *p, int64_t i, char *scratch, ks_parallel_for_fn parallel_for, void *user)
{
    size_t size = ks_dtype_size(p->one.dtype);
    const char *a = p->a + (size_t)offset_of(p, p->step_a, i) * size, *b = p->b + (size_t)offset_of(p, p->step_b, i) * size;
    char *c = p->c + (size_t)(i * p->one.m * p->one.n) * size;
#ifdef KS_HAVE_CBLAS
    if (p->blas && cblas_takes(&p->one)) {
        by_cblas(&p->one, a, b, c);
        return;
    }
#endif
    ks__gemm_run(&p->one, a, b, c, scratch, parallel_for, user);
}

static void some_matrices(void *payload, int64_t task)
{
    const product *p = payload;
    for (int64_t i = task * p->count / p->tasks; i < (task + 1) * p->count / p->tasks; i++)
        multiply(p, i, p->workspace + (size_t)task * p->scratch, NULL, NULL);
}

static bool matmul_kernel(const ks_call *call, ks_failure *failure)
{
    (void)failure;
    product p = product_of(call);
#ifdef KS_HAVE_CBLAS
    int before = p.blas ? one_thread() : 1;
#endif
    if (p.tasks > 1) {
        call->parallel_for(call->parallel_user, p.tasks, some_matrices, &p);
    } else {
        for (int64_t i = 0; i < p.count; i++)
            multiply(&p, i, p.workspace, call->parallel_for, call->parallel_user);
    }
#ifdef KS_HAVE_CBLAS
    threads_again(before);
#endif
    return true;
}

/* ---- derivatives --------------------------------------------------------------------------------------- */

/* One operand is a vector v, the other a matrix M with a batch: y = M v or y = v M. `inner` is M's axis that is summed over. */
static ks_node *vector_pullback(ks_node *y, int i, ks_node *u)
{
    const matmul_attrs *attrs = ks__attrs(y);
    ks_place at = ks_node_place(y);
    int side = ks__rank(ks__in(y, 0)) == 1 ? 0 : 1; /* v's */
    ks_node *v = ks__in(y, side), *matrix = ks__in(y, 1 - side);
    int rank = ks__rank(matrix);
    if (rank == 1) /* an inner product: both are vectors */
        return ks_mul_at(at, u, ks__in(y, 1 - i));
    bool first = side == 0 ? !attrs->trans_b : attrs->trans_a;
    int inner = first ? rank - 2 : rank - 1;
    ks_ints others = {.count = 0};
    for (int axis = 0; axis < rank; axis++) {
        if (axis != inner)
            others.at[others.count++] = axis;
    }
    ks_node *spread = ks_expand_at(at, u, matrix, KS_INTS(inner));
    if (i == side)
        return ks_sum_at(at, ks_mul_at(at, spread, matrix), others, false);
    return ks_mul_at(at, spread, ks_expand_at(at, v, matrix, others));
}

static ks_node *matmul_pullback(ks_node *y, int i, ks_node *u)
{
    const matmul_attrs *attrs = ks__attrs(y);
    ks_place at = ks_node_place(y);
    ks_node *a = ks__in(y, 0), *b = ks__in(y, 1), *d;
    bool ta = attrs->trans_a, tb = attrs->trans_b;
    if (ks__rank(a) == 1 || ks__rank(b) == 1)
        return vector_pullback(y, i, u);
    if (i == 0)
        d = ta ? ks__matmul(at, b, u, tb, true) : ks__matmul(at, u, b, false, !tb);
    else
        d = tb ? ks__matmul(at, u, a, true, ta) : ks__matmul(at, a, u, !ta, false);
    bool batched = ks__rank(a) > 2 || ks__rank(b) > 2;
    return batched ? ks__sum_down(at, d, i ? b : a) : d;
}

static ks_node *matmul_example(ks_graph *g)
{
    ks_node *a = ks__given(g, "a", KS_SHAPE(2, 3), KS__VALUES(1, -2, 3, 0.5, 4, -1));
    ks_node *b = ks__given(g, "b", KS_SHAPE(3, 2), KS__VALUES(2, 1, -1, 0.5, 3, -2));
    return ks_matmul(a, b);
}

const ks_op ks__op_matmul = {
    .size = sizeof(ks_op),
    .name = "matmul",
    .formula = "y = a b",
    .doc = "Matrix product: a [..., m, k] times b [..., k, n] is y [..., m, n]. The dimensions before the last two are a batch and "
           "broadcast. An operand "
           "of one dimension is a row on the left and a column on the right, and that dimension is dropped from y. trans_a and trans_b "
           "read the "
           "last two axes of an operand exchanged.",
    .types = "TT>T",
    .inputs = "a b",
    .flags = KS_OP_LINEAR,
    .attrs = matmul_table,
    .attrs_size = sizeof(matmul_attrs),
    .infer = infer_matmul,
    .kernel = matmul_kernel,
    .scratch = matmul_scratch,
    .pullback = matmul_pullback,
    .derivative = "u bᵀ; aᵀ u",
    .onnx = "MatMul",
    .example = matmul_example,
};

ks_node *ks__matmul(ks_place at, ks_node *a, ks_node *b, bool ta, bool tb)
{
    return ks__apply2(at, &ks__op_matmul, a, b, &(matmul_attrs){.trans_a = ta, .trans_b = tb});
}

ks_node *ks_matmul_at(ks_place at, ks_node *a, ks_node *b)
{
    return ks__matmul(at, a, b, false, false);
}
