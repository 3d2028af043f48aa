/*
 * test_solve.c - triangular_solve, solve and inverse: values beside PyTorch's, residuals at every size at which the work is cut another
 * way, batches, derivatives, and matrices that can't be solved with.
 *
 * PyTorch 1.13 gave the values, in f64: torch.linalg.solve, solve_triangular and inv, gradients of (x * W).sum() by autograd.
 */
#include "ops/linalg/matrices.h"
#include "ops/linalg/linalg.h"

#define M 1, 2, -1, -3, 0.5, 2, 0.5, 1.5, 1
#define T 2, 99, 99, 1, -1.5, 99, 0.5, 3, 0.7 /* its upper triangle must not be read */
#define B 1, -2, 3, 0.5, 4, -1
#define W 1, 2, -1, 0.5, 0.3, -0.7

/* ---- values -------------------------------------------------------------------------------------------- */

Test(solve, values_and_gradients_are_pytorchs)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *a = VARIABLE(g, "a", KS_F64, KS_SHAPE(3, 3), M), *b = VARIABLE(g, "b", KS_F64, KS_SHAPE(3, 2), B), *x = ks_solve(a, b);
    ks_node *loss = ks_sum_all(ks_mul(x, VARIABLE(g, "w", KS_F64, KS_SHAPE(3, 2), W)));
    IS_NEAR(1e-14, x, 0.48780487804878025, -0.12195121951219512, 1.2195121951219514, -0.80487804878048785, 1.9268292682926829,
            0.26829268292682928);
    IS_NEAR(1e-14, ks_gradient(loss, a), 0.38102320047590699, 0.96841165972635335, 1.4812611540749552, 0.1748958953004163,
            0.14943486020226068, 1.1225461035098157, -0.20047590719809619, -0.25972635336109456, -1.1540749553837);
    IS_NEAR(1e-14, ks_gradient(loss, b), -0.77317073170731698, 0.031707317073170732, -0.5024390243902439, -0.57560975609756093,
            0.53170731707317065, 0.48292682926829267);
    IS_NEAR(1e-14, ks_inverse(a), -0.24390243902439018, -0.34146341463414637, 0.43902439024390244, 0.3902439024390244, 0.14634146341463417,
            0.097560975609756101, -0.46341463414634143, -0.04878048780487805, 0.63414634146341464);
    ks_graph_free(g);
}

Test(triangular_solve, values_and_gradients_are_pytorchs)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *a = VARIABLE(g, "a", KS_F64, KS_SHAPE(3, 3), T), *b = VARIABLE(g, "b", KS_F64, KS_SHAPE(3, 2), B);
    ks_node *w = VARIABLE(g, "w", KS_F64, KS_SHAPE(3, 2), W), *x = ks_triangular_solve(a, b, true, false, false),
            *loss = ks_sum_all(ks_mul(x, w));
    IS_NEAR(1e-14, x, 0.5, -1, -1.6666666666666665, -1, 12.5, 3.5714285714285716);
    IS_NEAR(1e-14, ks_gradient(loss, a), 2.6011904761904758, 0, 0, -3.0952380952380949, 0.20634920634920606, 0, -1.2142857142857142,
            -0.28571428571428581, -1.7857142857142851);
    IS_NEAR(1e-14, ks_gradient(loss, b), -0.36904761904761901, 2.4166666666666665, 1.5238095238095237, -2.333333333333333,
            0.42857142857142855, -1);
    x = ks_triangular_solve(a, b, true, true, false);
    loss = ks_sum_all(ks_mul(x, w));
    IS_NEAR(1e-14, x, -5.6428571428571423, 0.95238095238095233, 9.428571428571427, -3.1904761904761902, 5.7142857142857144,
            -1.4285714285714286);
    IS_NEAR(1e-14, ks_gradient(loss, a), 1.8690476190476188, 0, 0, -1.5238095238095233, -8.3650793650793638, 0, -1.4285714285714286,
            -5.2380952380952381, 19.591836734693878);
    ks_graph_free(g);
}

/* Two lower triangles by hand: [2 .; 1 4] and, with ones on the diagonal, [1 .; 1 1]. */
Test(triangular_solve, a_diagonal_of_ones)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *a = VARIABLE(g, "a", KS_F32, KS_SHAPE(2, 2), 2, 8, 1, 4), *b = VARIABLE(g, "b", KS_F32, KS_SHAPE(2), 2, 9);
    ks_node *x = ks_triangular_solve(a, b, true, false, false);
    SHAPE_IS(x, 2);
    IS(x, 1, 2);
    IS(ks_triangular_solve(a, b, true, false, true), 2, 7);
    IS(ks_triangular_solve(a, b, false, false, true), -70, 9);
    IS(ks_triangular_solve(a, b, false, true, true), 2, -7);
    IS(ks_triangular_solve(a, b, true, true, true), -7, 9);
    ks_graph_free(g);
}

Test(triangular_solve, a_zero_on_the_diagonal_divides)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *a = VARIABLE(g, "a", KS_F64, KS_SHAPE(2, 2), 1, 0, 1, 0), *b = VARIABLE(g, "b", KS_F64, KS_SHAPE(2), 1, 3);
    IS(ks_triangular_solve(a, b, true, false, false), 1, INF_);
    ks_graph_free(g);
}

/* ---- every size ---------------------------------------------------------------------------------------- */

static ks_node *unit_matrix(ks_graph *g, ks_dtype dtype, int64_t n)
{
    double *values = calloc((size_t)(n * n), sizeof *values);
    for (int64_t i = 0; i < n; i++)
        values[i * (n + 1)] = 1;
    ks_node *x = make_variable(g, "unit", dtype, KS_SHAPE(n, n), values, n * n);
    free(values);
    return x;
}

/* The matrices are near the unit one, so that rounding does not grow with n. */
static void check_triangular(const ks_graph_options *options, ks_dtype dtype, int64_t n, int64_t k, int form)
{
    bool lower = form & 1, trans = form & 2, unit = form & 4;
    ks_graph *g = ks_graph_new(options);
    ks_node *a = numbers(g, "a", dtype, KS_SHAPE(n, n), 1, 0), *b = numbers(g, "b", dtype, KS_SHAPE(n, k), 2, 0);
    a = ks_add(ks_mul(a, ks_number(g, 1.0 / (double)n)), unit_matrix(g, dtype, n));
    double *va = read_all(a), *vb = read_all(b), *vx = read_all(ks_triangular_solve(a, b, lower, trans, unit));
    for (int64_t i = 0; i < n * n; i++) {
        bool inside = lower ? i % n <= i / n : i % n >= i / n;
        va[i] = i % n == i / n && unit ? 1 : inside ? va[i] : 0;
    }
    double off = residual(va, trans, vx, vb, n, k);
    cr_assert(off < (dtype == KS_F64 ? 1e-12 : 1e-4), "n %lld, k %lld, form %d: %g", (long long)n, (long long)k, form, off);
    free(va);
    free(vb);
    free(vx);
    ks_graph_free(g);
}

Test(triangular_solve, every_form_at_every_size)
{
    static const int64_t sizes[] = {1, 2, 5, 8, 17, 63, 64, 65, 130}, columns[] = {1, 2, 7, 64, 129, 257};
    for (int form = 0; form < 8; form++) {
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            for (size_t k = 0; k < sizeof columns / sizeof *columns; k++)
                check_triangular(NULL, form & 1 ? KS_F64 : KS_F32, sizes[i], columns[k], form);
        }
    }
}

static void check_solve(const ks_graph_options *options, ks_dtype dtype, int64_t n, int64_t k)
{
    ks_graph *g = ks_graph_new(options);
    ks_node *a = numbers(g, "a", dtype, KS_SHAPE(n, n), 3, 0), *b = numbers(g, "b", dtype, KS_SHAPE(n, k), 4, 0);
    ks_node *x = ks_solve(a, b), *xt = ks_gradient(ks_sum_all(ks_mul(x, b)), b);
    double *va = read_all(a), *vb = read_all(b), *vx = read_all(x), *vt = read_all(ks_sub(xt, x)), most = 1;
    for (int64_t i = 0; i < n * k; i++)
        most = fmax(most, fmax(fabs(vx[i]), fabs(vt[i])));
    double off = residual(va, false, vx, vb, n, k) / most, turned = residual(va, true, vt, vb, n, k) / most;
    double tolerance = dtype == KS_F64 ? 1e-12 : 1e-3;
    cr_assert(off < tolerance && turned < tolerance, "n %lld, k %lld: %g and %g", (long long)n, (long long)k, off, turned);
    free(va);
    free(vb);
    free(vx);
    free(vt);
    ks_graph_free(g);
}

Test(solve, every_size)
{
    static const int64_t sizes[] = {1, 2, 3, 9, 63, 64, 65, 128, 200}, columns[] = {1, 3, 129};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        for (size_t k = 0; k < sizeof columns / sizeof *columns; k++) {
            check_solve(NULL, KS_F64, sizes[i], columns[k]);
            check_solve(NULL, KS_F32, sizes[i], columns[k]);
        }
    }
}

Test(solve, every_instruction_set)
{
    for (int isa = 0; isa <= (int)ks__isa_best(); isa++) {
        ks_graph_options options = KS_GRAPH_OPTIONS_DEFAULT;
        options.isa = ks__isa_name((ks_isa)isa);
        for (int form = 0; form < 8; form++)
            check_triangular(&options, form & 2 ? KS_F64 : KS_F32, 100, 9, form);
        check_solve(&options, KS_F64, 100, 9);
        check_solve(&options, KS_F32, 100, 1);
    }
}

static ks_node *one_large(ks_graph *g)
{
    return ks_solve(numbers(g, "a", KS_F64, KS_SHAPE(300, 300), 1, 0), numbers(g, "b", KS_F64, KS_SHAPE(300, 300), 2, 0));
}

static ks_node *many_small(ks_graph *g)
{
    return ks_inverse(numbers(g, "a", KS_F32, KS_SHAPE(300, 12, 12), 1, 3));
}

Test(solve, the_same_bits_on_any_threads)
{
    same_on_any_threads(one_large, 300 * 300);
    same_on_any_threads(many_small, 300 * 12 * 12);
}

/* ---- batches ------------------------------------------------------------------------------------------- */

/* Beside the same system by itself. */
static void check_broadcast(ks_shape sa, ks_shape sb, int64_t systems, bool triangular)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *a = numbers(g, "a", KS_F64, sa, 1, 2), *b = numbers(g, "b", KS_F64, sb, 2, 0);
    ks_node *x = triangular ? ks_triangular_solve(a, b, false, false, false) : ks_solve(a, b);
    int64_t n = sa.dim[sa.rank - 1], k = sb.dim[sb.rank - 1];
    double *vx = read_all(x), *back = read_all(ks_sub(ks_matmul(triangular ? ks__triangle_of(KS_HERE, a, false, false) : a, x), b));
    cr_assert_eq(ks_shape_count(ks_value_shape(x)), systems * n * k);
    for (int64_t i = 0; i < systems * n * k; i++)
        cr_assert(fabs(back[i]) < 1e-13);
    free(vx);
    free(back);
    check_both_orders(x, a);
    ks_graph_free(g);
}

Test(solve, batches_broadcast)
{
    for (int triangular = 0; triangular < 2; triangular++) {
        check_broadcast(KS_SHAPE(3, 3), KS_SHAPE(3, 2), 1, triangular);
        check_broadcast(KS_SHAPE(2, 3, 3), KS_SHAPE(2, 3, 2), 2, triangular);
        check_broadcast(KS_SHAPE(2, 3, 3), KS_SHAPE(3, 1), 2, triangular);
        check_broadcast(KS_SHAPE(3, 3), KS_SHAPE(2, 3, 2), 2, triangular);
        check_broadcast(KS_SHAPE(2, 1, 2, 2), KS_SHAPE(3, 2, 1), 6, triangular);
    }
}

Test(solve, no_elements)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *a = NOTHING(g, "a", KS_F64, KS_SHAPE(0, 0)), *b = NOTHING(g, "b", KS_F64, KS_SHAPE(0, 2)),
            *c = NOTHING(g, "c", KS_F64, KS_SHAPE(2, 0)), *d = NOTHING(g, "d", KS_F64, KS_SHAPE(0, 2, 2));
    ks_node *one = VARIABLE(g, "one", KS_F64, KS_SHAPE(2, 2), 1, 0, 0, 1);
    ks_node *nodes[] = {ks_solve(a, b),
                        ks_solve(one, c),
                        ks_solve(d, one),
                        ks_inverse(a),
                        ks_triangular_solve(a, b, true, false, false),
                        ks_gradient(ks_sum_all(ks_solve(d, one)), one)};
    for (int i = 0; i < 6; i++)
        cr_assert(nodes[i] && ks_eval(nodes[i]), "%s", ks_error(g) ? ks_error(g)->message : "?");
    IS(nodes[5], 0, 0, 0, 0);
    ks_graph_free(g);
}

Test(solve, dimensions_may_be_open)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *a = ks_input(g, "a", KS_F64, KS_SHAPE(ks_dim(g, "N"), KS_ANY, KS_ANY)), *b = ks_input(g, "b", KS_F64, KS_SHAPE(KS_ANY, 1));
    ks_node *x = ks_solve(a, b), *d = ks_gradient(x, b);
    cr_assert(ks_feed(a, KS_F64, KS_SHAPE(1, 1, 1), ((double[]){4})) && ks_feed(b, KS_F64, KS_SHAPE(1, 1), ((double[]){8})));
    IS(x, 2);
    IS(d, 0.25);
    cr_assert(ks_feed(a, KS_F64, KS_SHAPE(2, 2, 2), ((double[]){0, 2, 4, 0, 1, 0, 0, 1})));
    cr_assert(ks_feed(b, KS_F64, KS_SHAPE(2, 1), ((double[]){8, 4})));
    IS(x, 1, 4, 8, 4);
    IS(d, 1.5, 1.25);
    ks_graph_free(g);
}

/* ---- derivatives --------------------------------------------------------------------------------------- */

Test(solve, derivatives_of_both_orders)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *a = numbers(g, "a", KS_F64, KS_SHAPE(2, 3, 3), 5, 2), *b = numbers(g, "b", KS_F64, KS_SHAPE(3), 6, 0);
    ks_node *one = numbers(g, "one", KS_F64, KS_SHAPE(3, 3), 5, 2);
    check_both_orders(ks_solve(a, b), b);
    check_both_orders(ks_solve(one, b), one);
    check_both_orders(ks_inverse(a), a);
    ks_graph_free(g);
}

Test(triangular_solve, derivatives_of_every_form)
{
    for (int form = 0; form < 8; form++) {
        ks_graph *g = ks_graph_new(NULL);
        ks_node *a = numbers(g, "a", KS_F64, KS_SHAPE(3, 3), 7, 2), *b = numbers(g, "b", KS_F64, KS_SHAPE(3, 2), 8, 0);
        ks_node *x = ks_triangular_solve(a, b, form & 1, form & 2, form & 4);
        check_both_orders(x, a);
        check_both_orders(x, b);
        ks_graph_free(g);
    }
}

/* ---- refusals ------------------------------------------------------------------------------------------ */

Test(solve, singular_matrices_are_named)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *one = VARIABLE(g, "one", KS_F64, KS_SHAPE(2, 2), 1, 2, 2, 4), *b = VARIABLE(g, "b", KS_F64, KS_SHAPE(2), 1, 2);
    ks_node *two = VARIABLE(g, "two", KS_F64, KS_SHAPE(2, 2, 2), 1, 0, 0, 1, 0, 0, 0, 1);
    NO_VALUE(ks_named("x", ks_solve(one, b)), KS_BAD_ARGUMENT,
             "solve 'solve_1': the matrix is singular: pivot 2 of its elimination is zero");
    NO_VALUE(ks_named("y", ks_inverse(two)), KS_BAD_ARGUMENT,
             "inverse 'y': matrix 1 of the batch is singular: pivot 1 of its elimination is zero");
    ks_graph_free(g);
}

Test(solve, shapes_that_are_no_system)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *m = VARIABLE(g, "m", KS_F64, KS_SHAPE(2, 3), 1, 2, 3, 4, 5, 6), *a = VARIABLE(g, "a", KS_F64, KS_SHAPE(2, 2), 1, 2, 3, 5),
            *v = VARIABLE(g, "v", KS_F64, KS_SHAPE(2), 1, 2), *s = VARIABLE(g, "s", KS_F64, KS_SCALAR, 1),
            *c = VARIABLE(g, "c", KS_F64, KS_SHAPE(3, 1), 1, 2, 3), *many = numbers(g, "many", KS_F64, KS_SHAPE(3, 2, 2), 1, 0),
            *two = numbers(g, "two", KS_F64, KS_SHAPE(2, 2, 1), 1, 0);
    REFUSED(g, ks_solve(m, c), KS_BAD_SHAPE, "solve: takes square matrices, [..., n, n]: 'm' is [2, 3]");
    REFUSED(g, ks_solve(a, c), KS_BAD_SHAPE, "solve: there must be as many rows on both sides: 'a' is [2, 2], 'c' is [3, 1]");
    REFUSED(g, ks_solve(a, s), KS_BAD_SHAPE, "solve: takes columns, [..., n, k]: 's' is []: give a vector as [n, 1]");
    REFUSED(g, ks_solve(many, two), KS_BAD_SHAPE,
            "solve: the dimensions before the last two do not broadcast: 'many' is [3, 2, 2], 'two' is [2, 2, 1]");
    REFUSED(g, ks_triangular_solve(v, c, true, false, false), KS_BAD_SHAPE,
            "triangular_solve: takes square matrices, [..., n, n]: 'v' is [2]");
    REFUSED(g, ks_inverse(m), KS_BAD_SHAPE, "inverse: takes square matrices, [..., n, n]: 'm' is [2, 3]");
    REFUSED(g, ks_inverse(VARIABLE(g, "i", KS_I32, KS_SHAPE(1, 1), 1)), KS_BAD_DTYPE,
            "inverse: takes f32, f64, but 'i' is i32: ks_cast it");
    cr_assert_null(ks_solve(NULL, v));
    cr_assert_null(ks_solve(a, NULL));
    ks_graph_free(g);
}
