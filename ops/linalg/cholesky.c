/*
 * ops/linalg/cholesky.c - the lower triangular square root of a positive definite matrix.
 */
#include "ops/linalg/linalg.h"

/* l = (a + aᵀ) / 2 on and below the diagonal. */
#define DEFINE_SYMMETRIC(S, TYPE)                                                                                                          \
    static void symmetric_##S(const TYPE *a, TYPE *l, int64_t n)                                                                           \
    {                                                                                                                                      \
        for (int64_t i = 0; i < n; i++) {                                                                                                  \
            for (int64_t j = 0; j <= i; j++)                                                                                               \
                l[i * n + j] = a[i * n + j] / 2 + a[j * n + i] / 2;                                                                        \
        }                                                                                                                                  \
    }
DEFINE_SYMMETRIC(f32, float)
DEFINE_SYMMETRIC(f64, double)

static int64_t cholesky_one(const ks__matrices *m, ks__bench *bench, int64_t i, void *own)
{
    (void)own;
    int64_t n = ks__order(m->call->out->shape);
    if (bench->dry)
        return ks__cholesky(bench, NULL, n);
    size_t size = ks_dtype_size(bench->dtype);
    const char *a = (const char *)m->call->in[0].data + (size_t)(i * n * n) * size;
    char *l = (char *)m->call->out->data + (size_t)(i * n * n) * size;
    if (bench->dtype == KS_F32)
        symmetric_f32((const float *)(const void *)a, (float *)(void *)l, n);
    else
        symmetric_f64((const double *)(const void *)a, (double *)(void *)l, n);
    int64_t order = ks__cholesky(bench, l, n);
    for (int64_t row = 0; row < n; row++)
        memset(l + (size_t)(row * n + row + 1) * size, 0, (size_t)(n - row - 1) * size);
    return order;
}

static ks__matrices job_of(const ks_call *call)
{
    double n = (double)ks__order(call->out->shape);
    ks__matrices m = {.call = call, .count = ks__matrix_count(call->out->shape), .work = n * n * n / 3 + n, .one = cholesky_one};
    ks__matrices_plan(&m);
    return m;
}

static size_t cholesky_scratch(const ks_call *call)
{
    return job_of(call).bytes;
}

static bool cholesky_kernel(const ks_call *call, ks_failure *failure)
{
    ks__matrices m = job_of(call);
    int64_t order = 0, at = call->out->count ? ks__matrices_run(&m, call->scratch, &order) : -1;
    char text[KS__WHICH_TEXT];
    return at < 0 || ks__kernel_fail(failure, KS_BAD_ARGUMENT,
                                     "%s is not positive definite: its leading minor of order %lld is not positive; add a small number "
                                     "to the diagonal where rounding is to blame",
                                     ks__which(m.count, at, text), (long long)order);
}

/* With P = the lower triangle of lᵀ u, its diagonal halved: l⁻ᵀ (P + Pᵀ) / 2 l⁻¹. */
static ks_node *cholesky_pullback(ks_node *l, int i, ks_node *u)
{
    (void)i;
    ks_place at = ks_node_place(l);
    ks_node *product = ks__matmul(at, l, u, true, false);
    ks_node *half = ks_add_at(at, ks__triangle_of(at, product, true, false), ks__triangle_of(at, product, true, true));
    ks_node *both = half ? ks_add_at(at, half, ks__turned(at, half)) : NULL;
    ks_node *left = both ? ks_triangular_solve_at(at, l, ks_mul_at(at, both, ks_number_at(at, l->graph, 0.25)), true, true, false) : NULL;
    return ks_triangular_solve_at(at, l, ks__turned(at, left), true, true, false);
}

static ks_node *cholesky_example(ks_graph *g)
{
    return ks_cholesky(ks__given(g, "a", KS_SHAPE(2, 2, 2), KS__VALUES(4, 1, 1, 3, 2, -0.5, -0.5, 1)));
}

const ks_op ks__op_cholesky = {
    .size = sizeof(ks_op),
    .name = "cholesky",
    .formula = "y yᵀ = a, y lower triangular",
    .doc =
        "The Cholesky factor of symmetric positive definite matrices a [..., n, n]: the lower triangular y with a positive diagonal and "
        "y yᵀ = a. Of a its symmetric part (a + aᵀ) / 2 is taken, so the derivative is symmetric. A matrix that is not positive definite "
        "is an error that names the order of its first leading minor that is not positive. The derivative is that of Murray, "
        "Differentiation of the Cholesky decomposition (2016), through triangular solutions.",
    .types = "T>T",
    .inputs = "a",
    .infer = ks__infer_square_same,
    .kernel = cholesky_kernel,
    .scratch = cholesky_scratch,
    .pullback = cholesky_pullback,
    .derivative = "y⁻ᵀ (P + Pᵀ) y⁻¹ / 2, P = the lower triangle of yᵀ u with its diagonal halved",
    .example = cholesky_example,
};

ks_node *ks_cholesky_at(ks_place at, ks_node *a)
{
    return ks__apply1(at, &ks__op_cholesky, a, NULL);
}
