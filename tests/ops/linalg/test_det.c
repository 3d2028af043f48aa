/*
 * test_det.c - cholesky, det, logabsdet, det_sign and cofactor: values beside PyTorch's and by hand, every size, derivatives, singular
 * matrices, and what has no root.
 */
#include "ops/linalg/matrices.h"

#define A 4, 1, -0.5, 1, 3, 0.7, -0.5, 0.7, 2
#define M 1, 2, -1, -3, 0.5, 2, 0.5, 1.5, 1

/* ---- cholesky ------------------------------------------------------------------------------------------ */

/* torch.linalg.cholesky in f64, and the gradient of (L * U).sum(). */
Test(cholesky, value_and_gradient_are_pytorchs)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *a = VARIABLE(g, "a", KS_F64, KS_SHAPE(3, 3), A), *u = VARIABLE(g, "u", KS_F64, KS_SHAPE(3, 3), 1, 0, 0, -2, 0.5, 0, 3, -1, 2);
    ks_node *l = ks_cholesky(a);
    IS_NEAR(1e-15, l, 2, 0, 0, 0.5, 1.6583123951776999, 0, -0.25, 0.49749371855330998, 1.3);
    IS_NEAR(1e-14, ks_gradient(ks_sum_all(ks_mul(l, u)), a), 0.53343925703422912, -0.64414503314161919, 0.97922398999059468,
            -0.64414503314161931, 0.3104398448929801, -0.53228057534699436, 0.97922398999059479, -0.53228057534699436, 0.76923076923076916);
    ks_graph_free(g);
}

Test(cholesky, takes_the_symmetric_part)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *a = VARIABLE(g, "a", KS_F32, KS_SHAPE(2, 2), 4, 0, 4, 5);
    IS(ks_cholesky(a), 2, 0, 1, 2);
    ks_graph_free(g);
}

/* l lᵀ is a again. */
static void check_root(const ks_graph_options *options, ks_dtype dtype, int64_t n)
{
    ks_graph *g = ks_graph_new(options);
    ks_node *r = numbers(g, "r", dtype, KS_SHAPE(n, n), 1, 0), *some = numbers(g, "some", dtype, KS_SHAPE(n, n), 2, (double)n);
    ks_node *a = ks_add(ks__matmul(KS_HERE, r, r, false, true), ks_add(some, ks_transpose(some, KS_ABSENT))), *l = ks_cholesky(a);
    double *off = read_all(ks_sub(ks__matmul(KS_HERE, l, l, false, true), a)), *lower = read_all(l);
    for (int64_t i = 0; i < n * n; i++) {
        cr_assert(fabs(off[i]) < (dtype == KS_F64 ? 1e-14 : 1e-5) * (double)(4 * n), "n %lld: %g", (long long)n, off[i]);
        cr_assert(i % n <= i / n || lower[i] == 0);
    }
    free(off);
    free(lower);
    ks_graph_free(g);
}

Test(cholesky, every_size_and_instruction_set)
{
    static const int64_t sizes[] = {1, 2, 7, 33, 64, 65, 128, 200, 400};
    for (int isa = 0; isa <= (int)ks__isa_best(); isa++) {
        ks_graph_options options = KS_GRAPH_OPTIONS_DEFAULT;
        options.isa = ks__isa_name((ks_isa)isa);
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            check_root(&options, KS_F32, sizes[i]);
            check_root(&options, KS_F64, sizes[i]);
        }
    }
}

static ks_node *large_root(ks_graph *g)
{
    return ks_cholesky(numbers(g, "a", KS_F32, KS_SHAPE(2, 400, 400), 1, 400));
}

static ks_node *small_roots(ks_graph *g)
{
    return ks_cholesky(numbers(g, "a", KS_F64, KS_SHAPE(500, 10, 10), 1, 20));
}

Test(cholesky, the_same_bits_on_any_threads)
{
    same_on_any_threads(large_root, 2 * 400 * 400);
    same_on_any_threads(small_roots, 500 * 10 * 10);
}

Test(cholesky, derivatives_of_both_orders)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *a = numbers(g, "a", KS_F64, KS_SHAPE(2, 3, 3), 1, 4);
    check_both_orders(ks_cholesky(a), a);
    ks_graph_free(g);
}

Test(cholesky, what_has_no_root_is_named)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *one = VARIABLE(g, "one", KS_F64, KS_SHAPE(2, 2), 1, 2, 2, 1), *nan = VARIABLE(g, "nan", KS_F64, KS_SHAPE(1, 1), NAN_);
    ks_node *two = VARIABLE(g, "two", KS_F64, KS_SHAPE(2, 1, 1), 1, 0), *m = VARIABLE(g, "m", KS_F64, KS_SHAPE(1, 2), 1, 2);
    NO_VALUE(ks_named("l", ks_cholesky(one)), KS_BAD_ARGUMENT,
             "cholesky 'l': the matrix is not positive definite: its leading minor of order 2 is not positive; add a small number to the "
             "diagonal where rounding is to blame");
    NO_VALUE(ks_named("k", ks_cholesky(two)), KS_BAD_ARGUMENT,
             "cholesky 'k': matrix 1 of the batch is not positive definite: its leading minor of order 1 is not positive; add a small "
             "number to the diagonal where rounding is to blame");
    cr_assert_not(ks_eval(ks_cholesky(nan)));
    ks_error_clear(g);
    REFUSED(g, ks_cholesky(m), KS_BAD_SHAPE, "cholesky: takes square matrices, [..., n, n]: 'm' is [1, 2]");
    ks_graph_free(g);
}

/* The order is counted in the whole matrix, not in its block. */
Test(cholesky, the_order_of_a_large_matrix)
{
    ks_graph *g = ks_graph_new(NULL);
    double *values = calloc(100 * 100, sizeof *values);
    for (int i = 0; i < 100; i++)
        values[i * 101] = i == 79 ? -1 : 1;
    ks_node *l = ks_cholesky(make_variable(g, "a", KS_F64, KS_SHAPE(100, 100), values, 100 * 100));
    cr_assert_not(ks_eval(l));
    cr_assert(strstr(ks_error(g)->message, "order 80"), "%s", ks_error(g)->message);
    free(values);
    ks_graph_free(g);
}

/* ---- determinants -------------------------------------------------------------------------------------- */

/* torch.linalg.det, slogdet and its gradient. */
Test(det, values_are_pytorchs)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *a = VARIABLE(g, "a", KS_F64, KS_SHAPE(3, 3), M), *log = ks_logabsdet(a);
    SCALAR_IS(log);
    IS_NEAR(1e-15, ks_det(a), 10.25);
    IS_NEAR(1e-15, log, 2.3272777055844172);
    IS(ks_det_sign(a), 1);
    IS_NEAR(1e-14, ks_gradient(log, a), -0.24390243902439024, 0.3902439024390244, -0.46341463414634143, -0.34146341463414637,
            0.14634146341463414, -0.04878048780487805, 0.43902439024390244, 0.097560975609756101, 0.63414634146341464);
    ks_graph_free(g);
}

Test(det, by_hand)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *a = VARIABLE(g, "a", KS_F32, KS_SHAPE(3, 2, 2), 0, 1, 1, 0, 2, 0, 0, -3, 1, 2, 2, 4);
    ks_node *none = NOTHING(g, "none", KS_F32, KS_SHAPE(2, 0, 0)), *nan = VARIABLE(g, "nan", KS_F32, KS_SHAPE(1, 1), NAN_);
    IS(ks_det(a), -1, -6, 0);
    IS(ks_det_sign(a), -1, -1, 0);
    IS_NEAR(1e-7, ks_logabsdet(a), 0, log(6), -INF_);
    IS(ks_det(none), 1, 1);
    IS(ks_logabsdet(none), 0, 0);
    IS(ks_det_sign(none), 1, 1);
    IS(ks_det(nan), NAN_);
    IS(ks_det_sign(nan), NAN_);
    ks_graph_free(g);
}

/* The determinant of n times the unit matrix is n^n, beyond all numbers for 300. */
Test(det, of_large_matrices)
{
    ks_graph *g = ks_graph_new(NULL);
    double *values = calloc(300 * 300, sizeof *values);
    for (int i = 0; i < 300; i++)
        values[i * 300 + (i + 1) % 300] = 300; /* the rows in a cycle of 300: an odd permutation */
    ks_node *a = make_variable(g, "a", KS_F64, KS_SHAPE(300, 300), values, 300 * 300);
    IS(ks_det(a), -INF_);
    IS(ks_det_sign(a), -1);
    IS_NEAR(1e-14, ks_logabsdet(a), 300 * log(300));
    free(values);
    ks_graph_free(g);
}

/* det(a b) is det(a) det(b), at sizes on both sides of a block. */
Test(det, of_a_product)
{
    for (int64_t n = 62; n <= 130; n += 17) {
        ks_graph *g = ks_graph_new(NULL);
        ks_node *a = numbers(g, "a", KS_F64, KS_SHAPE(n, n), 1, 0), *b = numbers(g, "b", KS_F64, KS_SHAPE(n, n), 2, 0);
        double both = ks_scalar(ks_logabsdet(ks_matmul(a, b))), sum = ks_scalar(ks_add(ks_logabsdet(a), ks_logabsdet(b)));
        cr_assert(agree(both, sum, 1e-12), "%lld: %g and %g", (long long)n, both, sum);
        cr_assert_eq(ks_scalar(ks_det_sign(ks_matmul(a, b))), ks_scalar(ks_mul(ks_det_sign(a), ks_det_sign(b))));
        ks_graph_free(g);
    }
}

/* By hand: of rank 1 in two dimensions [4 -3; -2 1.5]; of rank 2 in three; of rank 1 in three none at all. */
Test(cofactor, singular_matrices)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *two = VARIABLE(g, "two", KS_F64, KS_SHAPE(2, 2), 1.5, 2, 3, 4),
            *three = VARIABLE(g, "three", KS_F64, KS_SHAPE(2, 3, 3), 1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3, 2, 4, 6, 3, 6, 9);
    ks_node *one = VARIABLE(g, "one", KS_F32, KS_SHAPE(1, 1), 7), *none = NOTHING(g, "none", KS_F32, KS_SHAPE(0, 0));
    IS_NEAR(1e-15, ks_cofactor(two), 4, -3, -2, 1.5);
    IS_NEAR(1e-14, ks_gradient(ks_det(three), three), -3, 6, -3, 6, -12, 6, -3, 6, -3, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    IS(ks_cofactor(one), 1);
    IS(ks_gradient(ks_det(one), one), 1);
    cr_assert(ks_eval(ks_cofactor(none)));
    ks_graph_free(g);
}

/* a cofactor(a)ᵀ is det(a) times the unit matrix. */
Test(cofactor, times_the_matrix_is_the_determinant)
{
    for (int64_t n = 1; n <= 9; n++) {
        ks_graph *g = ks_graph_new(NULL);
        ks_node *a = numbers(g, "a", KS_F64, KS_SHAPE(n, n), (int)n, 0);
        double *unit = read_all(ks_sub(ks__matmul(KS_HERE, a, ks_cofactor(a), false, true), ks_det(a))), det = ks_scalar(ks_det(a));
        for (int64_t i = 0; i < n * n; i++)
            cr_assert(fabs(unit[i] + (i % n == i / n ? 0 : det)) < 1e-13);
        free(unit);
        ks_graph_free(g);
    }
}

Test(det, derivatives_of_both_orders)
{
    for (int64_t n = 1; n <= 4; n++) {
        ks_graph *g = ks_graph_new(NULL);
        ks_node *a = numbers(g, "a", KS_F64, KS_SHAPE(2, n, n), 3, 1);
        check_both_orders(ks_det(a), a);
        check_both_orders(ks_logabsdet(a), a);
        ks_graph_free(g);
    }
}

Test(det, the_batch_may_be_open)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *a = ks_input(g, "a", KS_F64, KS_SHAPE(ks_dim(g, "N"), KS_ANY, KS_ANY)), *d = ks_gradient(ks_det(a), a);
    cr_assert(ks_feed(a, KS_F64, KS_SHAPE(1, 2, 2), ((double[]){1, 2, 3, 4})));
    IS_NEAR(1e-15, d, 4, -3, -2, 1);
    cr_assert(ks_feed(a, KS_F64, KS_SHAPE(2, 1, 1), ((double[]){5, 6})));
    IS(d, 1, 1);
    IS(ks_det(a), 5, 6);
    ks_graph_free(g);
}

Test(det, refusals)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *m = VARIABLE(g, "m", KS_F64, KS_SHAPE(1, 2), 1, 2), *a = VARIABLE(g, "a", KS_F64, KS_SHAPE(2, 2), 1, 2, 2, 4);
    REFUSED(g, ks_det(m), KS_BAD_SHAPE, "det: takes square matrices, [..., n, n]: 'm' is [1, 2]");
    REFUSED(g, ks_logabsdet(m), KS_BAD_SHAPE, "logabsdet: takes square matrices, [..., n, n]: 'm' is [1, 2]");
    REFUSED(g, ks_cofactor(m), KS_BAD_SHAPE, "cofactor: takes square matrices, [..., n, n]: 'm' is [1, 2]");
    cr_assert_not(ks_eval(ks_gradient(ks_logabsdet(a), a)));
    cr_assert(strstr(ks_error(g)->message, "the matrix is singular"), "%s", ks_error(g)->message);
    ks_graph_free(g);
}
