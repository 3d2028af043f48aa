/*
 * ops/linalg/det.c - determinants by elimination: det, and for what would overflow its logarithm and its sign apart.
 */
#include "ops/linalg/linalg.h"

#include <math.h>

/* ---- the work: factors of a copy, from which one number is taken --------------------------------------- */

typedef struct diagonal {
    double sign, log, product;
} diagonal;

/* The pivots' sign, logarithm and product; each exchange of two rows turns the sign. */
static diagonal along(const void *lu, ks_dtype dtype, const int64_t *pivot, int64_t n)
{
    diagonal d = {.sign = 1, .log = 0, .product = 1};
    for (int64_t i = 0; i < n; i++) {
        double own = ks__element(lu, dtype, i * (n + 1));
        double sign = (own > 0) - (own < 0);
        sign = isnan(own) ? own : sign;
        d.sign *= pivot[i] == i ? sign : -sign;
        d.log += log(fabs(own));
        d.product *= pivot[i] == i ? own : -own;
    }
    return d;
}

static void put(const ks_call *call, int64_t i, double value)
{
    if (call->out->dtype == KS_F32)
        ((float *)call->out->data)[i] = (float)value;
    else
        ((double *)call->out->data)[i] = value;
}

typedef double (*taken)(const diagonal *d);

static int64_t det_one(const ks__matrices *m, ks__bench *bench, int64_t i, void *own)
{
    int64_t n = ks__order(m->call->in[0].shape);
    if (bench->dry)
        return ks__lu(bench, NULL, NULL, n);
    size_t bytes = (size_t)(n * n) * ks_dtype_size(bench->dtype);
    int64_t *pivot = (int64_t *)(void *)((char *)own + ks__aligned(bytes));
    memcpy(own, (const char *)m->call->in[0].data + (size_t)i * bytes, bytes);
    ks__lu(bench, own, pivot, n);
    diagonal d = along(own, bench->dtype, pivot, n);
    put(m->call, i, (*(const taken *)m->user)(&d));
    return 0;
}

static ks__matrices job_of(const ks_call *call, const taken *take)
{
    int64_t n = ks__order(call->in[0].shape);
    ks__matrices m = {.call = call, .count = call->out->count, .one = det_one, .user = take};
    m.work = (double)n * (double)n * (double)n / 3 + 1;
    m.own = ks__aligned((size_t)(n * n) * ks_dtype_size(call->out->dtype)) + (size_t)n * sizeof(int64_t);
    ks__matrices_plan(&m);
    return m;
}

static size_t det_scratch(const ks_call *call)
{
    return job_of(call, NULL).bytes;
}

static bool run(const ks_call *call, taken take)
{
    ks__matrices m = job_of(call, &take);
    int64_t nothing;
    ks__matrices_run(&m, call->scratch, &nothing);
    return true;
}

static bool infer_det(ks_infer *infer)
{
    if (!ks__infer_square(infer))
        return false;
    infer->out = *infer->shape[0];
    infer->out.rank -= 2;
    return true;
}

/* u, one number a matrix, spread over the matrices of `like`. */
static ks_node *over_matrices(ks_place at, ks_node *u, ks_node *like)
{
    return ks_expand_at(at, u, like, KS_INTS(-2, -1));
}

static ks_node *some(ks_graph *g)
{
    return ks__given(g, "a", KS_SHAPE(2, 3, 3), KS__VALUES(1, 2, -1, -3, 0.5, 2, 0.5, 1.5, 1, -1, 3, 0.7, 1.2, -0.4, 2, 0.3, 0.9, -1.6));
}

/* ---- det ----------------------------------------------------------------------------------------------- */

static double take_product(const diagonal *d)
{
    return d->product;
}

static bool det_kernel(const ks_call *call, ks_failure *failure)
{
    (void)failure;
    return run(call, take_product);
}

static ks_node *det_pullback(ks_node *y, int i, ks_node *u)
{
    (void)i;
    ks_place at = ks_node_place(y);
    ks_node *a = ks__in(y, 0);
    return ks_mul_at(at, over_matrices(at, u, a), ks_cofactor_at(at, a));
}

static ks_node *det_example(ks_graph *g)
{
    return ks_det(some(g));
}

const ks_op ks__op_det = {
    .size = sizeof(ks_op),
    .name = "det",
    .formula = "y = det(a)",
    .doc = "Determinants of square matrices: a [..., n, n] becomes [...]. A singular matrix has 0, one without rows 1. The derivative is "
           "the matrix of cofactors, which is right for singular matrices too; the second derivative needs the inverse and refuses them. "
           "Of large matrices the determinant may leave the range of numbers: use logabsdet and det_sign.",
    .types = "T>T",
    .inputs = "a",
    .infer = infer_det,
    .kernel = det_kernel,
    .scratch = det_scratch,
    .pullback = det_pullback,
    .derivative = "u cofactor(a)",
    .onnx = "Det",
    .example = det_example,
};

ks_node *ks_det_at(ks_place at, ks_node *a)
{
    return ks__apply1(at, &ks__op_det, a, NULL);
}

/* ---- logabsdet ----------------------------------------------------------------------------------------- */

static double take_log(const diagonal *d)
{
    return d->log;
}

static bool logabsdet_kernel(const ks_call *call, ks_failure *failure)
{
    (void)failure;
    return run(call, take_log);
}

static ks_node *logabsdet_pullback(ks_node *y, int i, ks_node *u)
{
    (void)i;
    ks_place at = ks_node_place(y);
    ks_node *a = ks__in(y, 0);
    return ks_mul_at(at, over_matrices(at, u, a), ks__turned(at, ks_inverse_at(at, a)));
}

static ks_node *logabsdet_example(ks_graph *g)
{
    return ks_logabsdet(some(g));
}

const ks_op ks__op_logabsdet = {
    .size = sizeof(ks_op),
    .name = "logabsdet",
    .formula = "y = log |det(a)|",
    .doc =
        "The logarithm of the determinant's absolute value, a [..., n, n] to [...], where the determinant itself might overflow: the "
        "second half of NumPy's slogdet, whose first is det_sign. A singular matrix has -infinity and no derivative: asking for it is an "
        "error. Of a positive definite matrix it is also twice the sum of the logarithms of the diagonal of cholesky(a).",
    .types = "T>T",
    .inputs = "a",
    .infer = infer_det,
    .kernel = logabsdet_kernel,
    .scratch = det_scratch,
    .pullback = logabsdet_pullback,
    .derivative = "u a⁻ᵀ",
    .example = logabsdet_example,
};

ks_node *ks_logabsdet_at(ks_place at, ks_node *a)
{
    return ks__apply1(at, &ks__op_logabsdet, a, NULL);
}

/* ---- det_sign ------------------------------------------------------------------------------------------ */

static double take_sign(const diagonal *d)
{
    return d->sign;
}

static bool det_sign_kernel(const ks_call *call, ks_failure *failure)
{
    (void)failure;
    return run(call, take_sign);
}

static ks_node *det_sign_example(ks_graph *g)
{
    return ks_det_sign(some(g));
}

const ks_op ks__op_det_sign = {
    .size = sizeof(ks_op),
    .name = "det_sign",
    .formula = "y = the sign of det(a)",
    .doc = "1, -1 or 0 as the determinant is positive, negative or zero: a [..., n, n] becomes [...]. det(a) is det_sign(a) "
           "exp(logabsdet(a)).",
    .types = "T>T",
    .inputs = "a",
    .infer = infer_det,
    .kernel = det_sign_kernel,
    .scratch = det_scratch,
    .no_derivative = "the sign stays or jumps",
    .example = det_sign_example,
};

ks_node *ks_det_sign_at(ks_place at, ks_node *a)
{
    return ks__apply1(at, &ks__op_det_sign, a, NULL);
}
