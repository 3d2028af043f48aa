/*
 * ops/linalg/cofactor.c - the matrix of cofactors, the derivative of the determinant, without dividing by it.
 *
 * Elimination with the greatest pivot of all that is left gives a = Pᵀ L U Qᵀ, where only the last element of U may be zero if there
 * is any cofactor that is not. With U = [V c; 0 d] the adjugate of U is [d det(V) V⁻¹, -det(V) V⁻¹ c; 0, det(V)]: no division by d. That
 * of L is its inverse, those of P and Q are they themselves with their signs.
 */
#include "ops/linalg/linalg.h"

#include <math.h>

/* What elimination leaves: l and u in one, and into which order rows and columns went. */
typedef struct factors {
    int64_t n;
    double *a, *adjugate; /* [n, n] */
    int64_t *rows, *columns;
    double sign;
} factors;

static void swap_rows(factors *f, int64_t i, int64_t k)
{
    for (int64_t j = 0; i != k && j < f->n; j++) {
        double held = f->a[i * f->n + j];
        f->a[i * f->n + j] = f->a[k * f->n + j];
        f->a[k * f->n + j] = held;
    }
    int64_t held = f->rows[i];
    f->rows[i] = f->rows[k];
    f->rows[k] = held;
    f->sign = i == k ? f->sign : -f->sign;
}

static void swap_columns(factors *f, int64_t i, int64_t k)
{
    for (int64_t j = 0; i != k && j < f->n; j++) {
        double held = f->a[j * f->n + i];
        f->a[j * f->n + i] = f->a[j * f->n + k];
        f->a[j * f->n + k] = held;
    }
    int64_t held = f->columns[i];
    f->columns[i] = f->columns[k];
    f->columns[k] = held;
    f->sign = i == k ? f->sign : -f->sign;
}

static void lead(factors *f, int64_t c)
{
    int64_t row = c, column = c;
    for (int64_t i = c; i < f->n; i++) {
        for (int64_t j = c; j < f->n; j++) {
            if (fabs(f->a[i * f->n + j]) > fabs(f->a[row * f->n + column])) {
                row = i;
                column = j;
            }
        }
    }
    swap_rows(f, c, row);
    swap_columns(f, c, column);
}

/* False where the rank is n - 2 or less: all cofactors are zero. */
static bool eliminate(factors *f)
{
    int64_t n = f->n;
    f->sign = 1;
    for (int64_t i = 0; i < n; i++)
        f->rows[i] = f->columns[i] = i;
    for (int64_t c = 0; c + 1 < n; c++) {
        lead(f, c);
        const double *top = f->a + c * n;
        if (top[c] == 0)
            return false;
        for (int64_t i = c + 1; i < n; i++) {
            double *row = f->a + i * n, factor = row[c] /= top[c];
            for (int64_t j = c + 1; j < n; j++)
                row[j] -= factor * top[j];
        }
    }
    return true;
}

/* The adjugate of u, into f->adjugate: columns of V⁻¹ by substitution from below, scaled. */
static void adjugate_of_u(factors *f)
{
    int64_t n = f->n, v = n - 1;
    double det = 1, last = f->a[n * n - 1];
    for (int64_t i = 0; i < v; i++)
        det *= f->a[i * (n + 1)];
    memset(f->adjugate, 0, (size_t)(n * n) * sizeof *f->adjugate);
    f->adjugate[n * n - 1] = det;
    for (int64_t i = 0; i < v; i++) {
        f->adjugate[i * n + i] = det * last;
        f->adjugate[i * n + v] = -det * f->a[i * n + v];
    }
    for (int64_t i = v - 1; i >= 0; i--) {
        double *row = f->adjugate + i * n;
        for (int64_t k = i + 1; k < v; k++) {
            const double *below = f->adjugate + k * n;
            for (int64_t j = k; j < n; j++)
                row[j] -= f->a[i * n + k] * below[j];
        }
        for (int64_t j = i; j < n; j++)
            row[j] /= f->a[i * (n + 1)];
    }
}

/* adjugate = adjugate(u) l⁻¹: each row solves x l = row, from the last column on. */
static void times_inverse_of_l(factors *f)
{
    for (int64_t i = 0; i < f->n; i++) {
        double *row = f->adjugate + i * f->n;
        for (int64_t k = f->n - 1; k >= 0; k--) {
            for (int64_t j = 0; j < k; j++)
                row[j] -= row[k] * f->a[k * f->n + j];
        }
    }
}

/* ---- the operation ------------------------------------------------------------------------------------- */

static factors factors_in(void *own, int64_t n)
{
    factors f = {.n = n, .a = own};
    f.adjugate = f.a + n * n;
    f.rows = (int64_t *)(void *)(f.adjugate + n * n);
    f.columns = f.rows + n;
    return f;
}

/* The cofactors are the adjugate turned, with rows and columns where they came from. */
static int64_t cofactor_one(const ks__matrices *m, ks__bench *bench, int64_t i, void *own)
{
    if (bench->dry)
        return 0;
    const ks_call *call = m->call;
    int64_t n = ks__order(call->out->shape);
    factors f = factors_in(own, n);
    for (int64_t k = 0; k < n * n; k++)
        f.a[k] = ks__element(call->in[0].data, bench->dtype, i * n * n + k);
    bool any = eliminate(&f);
    if (any) {
        adjugate_of_u(&f);
        times_inverse_of_l(&f);
    }
    for (int64_t k = 0; k < n * n; k++) {
        int64_t at = i * n * n + f.rows[k % n] * n + f.columns[k / n];
        double value = any ? f.sign * f.adjugate[k] : 0;
        if (bench->dtype == KS_F32)
            ((float *)call->out->data)[at] = (float)value;
        else
            ((double *)call->out->data)[at] = value;
    }
    return 0;
}

static ks__matrices job_of(const ks_call *call)
{
    int64_t n = ks__order(call->out->shape);
    ks__matrices m = {.call = call, .count = ks__matrix_count(call->out->shape), .one = cofactor_one};
    m.work = (double)n * (double)n * (double)n;
    m.own = (size_t)(2 * n * n) * sizeof(double) + (size_t)(2 * n) * sizeof(int64_t);
    ks__matrices_plan(&m);
    return m;
}

static size_t cofactor_scratch(const ks_call *call)
{
    return job_of(call).bytes;
}

static bool cofactor_kernel(const ks_call *call, ks_failure *failure)
{
    (void)failure;
    ks__matrices m = job_of(call);
    int64_t nothing;
    if (call->out->count)
        ks__matrices_run(&m, call->scratch, &nothing);
    return true;
}

/* With y = det(a) a⁻ᵀ: the sum of u y times a⁻ᵀ, less a⁻ᵀ uᵀ y. */
static ks_node *cofactor_pullback(ks_node *y, int i, ks_node *u)
{
    (void)i;
    ks_place at = ks_node_place(y);
    ks_node *inverse = ks__turned(at, ks_inverse_at(at, ks__in(y, 0)));
    ks_node *all = ks_sum_at(at, ks_mul_at(at, u, y), KS_INTS(-2, -1), true);
    return ks_sub_at(at, ks_mul_at(at, all, inverse), ks__matmul(at, ks__matmul(at, inverse, u, false, true), y, false, false));
}

static ks_node *cofactor_example(ks_graph *g)
{
    return ks_cofactor(ks__given(g, "a", KS_SHAPE(3, 3), KS__VALUES(1, 2, -1, -3, 0.5, 2, 0.5, 1.5, 1)));
}

const ks_op ks__op_cofactor = {
    .size = sizeof(ks_op),
    .name = "cofactor",
    .formula = "y[i, j] = (-1)^(i + j) det(a without row i and column j)",
    .doc =
        "The matrices of cofactors of square matrices a [..., n, n], which is the derivative of det: a⁻ᵀ det(a), computed by elimination "
        "with the greatest pivot of all elements and without dividing by the determinant, in f64 throughout. So it is right for singular "
        "matrices too: zero where the rank is n - 2 or less. Its own derivative needs the inverse, which a singular matrix has not.",
    .types = "T>T",
    .inputs = "a",
    .infer = ks__infer_square_same,
    .kernel = cofactor_kernel,
    .scratch = cofactor_scratch,
    .pullback = cofactor_pullback,
    .derivative = "sum(u y) a⁻ᵀ - a⁻ᵀ uᵀ y",
    .example = cofactor_example,
};

ks_node *ks_cofactor_at(ks_place at, ks_node *a)
{
    return ks__apply1(at, &ks__op_cofactor, a, NULL);
}
