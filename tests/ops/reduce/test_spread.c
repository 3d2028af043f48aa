/*
 * test_spread.c - var, std, norm_l1, norm_l2 and logsumexp: values and derivatives beside PyTorch's, any axes beside a plain loop, corners,
 * what is infinite, and nothing at all.
 */
#include "ops/ops.h"

static ks_graph *g;

static void open(void)
{
    g = ks_graph_new(NULL);
}

static void close(void)
{
    QUIET(g);
    ks_graph_free(g);
}

TestSuite(spread, .init = open, .fini = close);

static ks_node *matrix(void)
{
    return VARIABLE(g, "x", KS_F64, KS_SHAPE(2, 3), 1, -2, 3, 4, 0.5, -6);
}

/* The derivative of y weighed by 1, 10, 100. */
static ks_node *slope(ks_node *y, ks_node *x)
{
    int64_t n = ks_shape_count(ks_node_shape(y));
    return ks_gradient(ks_sum_all(ks_mul(y, ks_constant(g, KS_F64, KS_SHAPE(n), KS__VALUES(1, 10, 100)))), x);
}

/* torch 1.13: x.var(1, unbiased=...), x.std(...), and autograd of the sum weighed as above. */
Test(spread, variances_are_pytorch_s_at_either_ddof)
{
    ks_node *x = matrix();
    IS_NEAR(1e-14, ks_var(x, KS_INTS(1), false, 0), 4.222222222222222, 17.166666666666668);
    IS_NEAR(1e-14, ks_var(x, KS_INTS(1), false, 1), 6.333333333333333, 25.75);
    IS_NEAR(1e-14, ks_var(x, KS_ABSENT, true, 0), 11.034722222222221);
    IS_NEAR(1e-14, ks_std(x, KS_INTS(-1), false, 0), 2.0548046676563256, 4.143267631552018);
    IS_NEAR(1e-14, ks_std(x, KS_INTS(0), false, 1), 2.1213203435596424, 1.7677669529663689, 6.363961030678928);
    IS_NEAR(1e-13, slope(ks_var(x, KS_INTS(1), false, 1), x), 0.33333333333333337, -2.6666666666666665, 2.3333333333333335, 45, 10, -55);
    IS_NEAR(1e-13, slope(ks_std(x, KS_INTS(1), false, 0), x), 0.05407380704358751, -0.4325904563487, 0.3785166493051126, 3.6203309401910833,
            0.8045179867091297, -4.424848926900213);
    SHAPE_IS(ks_var(x, KS_INTS(1), true, 0), 2, 1);
}

Test(spread, a_large_mean_costs_a_variance_no_digits)
{
    IS_NEAR(1e-9, ks_var(VARIABLE(g, "x", KS_F64, KS_SHAPE(4), 1e9 + 4, 1e9 + 7, 1e9 + 13, 1e9 + 16), KS_ABSENT, false, 1), 30);
    IS_NEAR(1e-6, ks_var(VARIABLE(g, "y", KS_F32, KS_SHAPE(4), 1e6 + 4, 1e6 + 7, 1e6 + 13, 1e6 + 16), KS_ABSENT, false, 1), 30);
}

Test(spread, of_too_few_elements_there_is_no_variance)
{
    ks_node *one = VARIABLE(g, "one", KS_F64, KS_SHAPE(1), 3), *two = VARIABLE(g, "two", KS_F64, KS_SHAPE(2), 3, 5);
    IS(ks_var(one, KS_ABSENT, false, 0), 0);
    IS(ks_var(one, KS_ABSENT, false, 1), NAN_);
    IS(ks_var(two, KS_ABSENT, false, 5), INF_); /* as NumPy: 2 / 0 */
    IS(ks_var(NOTHING(g, "none", KS_F64, KS_SHAPE(0, 2)), KS_INTS(0), false, 0), NAN_, NAN_);
    SHAPE_IS(ks_std(NOTHING(g, "none", KS_F64, KS_SHAPE(0, 2)), KS_INTS(1), false, 0), 0);
    REFUSED(g, ks_var(two, KS_ABSENT, false, -1), KS_BAD_ARGUMENT, "var: ddof is -1: what is taken from the count is 0 or more");
}

Test(spread, where_all_are_equal_std_and_norm_have_the_derivative_zero)
{
    ks_node *x = VARIABLE(g, "x", KS_F64, KS_SHAPE(2, 2), 3, 3, 0, 4), *z = VARIABLE(g, "z", KS_F64, KS_SHAPE(2, 2), 0, 0, 3, 4);
    IS(ks_gradient(ks_std(x, KS_INTS(1), false, 0), x), 0, 0, -0.5, 0.5);
    IS_NEAR(1e-15, ks_gradient(ks_norm_l2(z, KS_INTS(1), false), z), 0, 0, 0.6, 0.8);
    IS(ks_gradient(ks_norm_l1(z, KS_INTS(1), false), z), 0, 0, 1, 1);
    ks_node *again = ks_gradient(ks_sum_all(ks_square(ks_gradient(ks_norm_l2(z, KS_INTS(1), false), z))), z);
    IS_NEAR(1e-15, again, 0, 0, 0, 0); /* the gradient has length 1 or 0 */
}

/* torch 1.13: x.norm(1, axis), x.norm(2, axis), and autograd. */
Test(spread, norms_are_pytorch_s)
{
    ks_node *x = matrix();
    IS(ks_norm_l1(x, KS_INTS(1), false), 6, 10.5);
    IS(slope(ks_norm_l1(x, KS_INTS(1), false), x), 1, -1, 1, 10, 10, -10);
    IS_NEAR(1e-15, ks_norm_l2(x, KS_INTS(1), false), 3.7416573867739413, 7.22841614740048);
    IS_NEAR(1e-14, slope(ks_norm_l2(x, KS_INTS(0), false), x), 0.24253562503633297, -9.70142500145332, 44.721359549995796,
            0.9701425001453319, 2.42535625036333, -89.44271909999159);
    IS(ks_norm_l2(NOTHING(g, "none", KS_F32, KS_SHAPE(2, 0)), KS_INTS(1), false), 0, 0);
    IS(ks_norm_l2(VARIABLE(g, "y", KS_F32, KS_SHAPE(3), 1, INF_, NAN_), KS_ABSENT, false), NAN_);
}

/* torch 1.13: x.logsumexp(axis), and autograd. */
Test(spread, logsumexp_is_pytorch_s_and_its_derivative_softmax)
{
    ks_node *x = matrix();
    IS_NEAR(1e-15, ks_logsumexp(x, KS_INTS(1), false), 3.1328452337275756, 4.029794486458149);
    IS_NEAR(1e-15, ks_logsumexp(x, KS_INTS(0), true), 4.048587351573742, 0.5788897342925495, 3.000123402189723);
    IS_NEAR(1e-15, ks_logsumexp(x, KS_ABSENT, false), 4.371831137917677);
    IS_NEAR(1e-14, slope(ks_logsumexp(x, KS_INTS(1), false), x), 0.11849965453500957, 0.00589975040190278, 0.8756005950630876,
            9.706449937424646, 0.2931093904299514, 0.00044067214540215437);
}

Test(spread, logsumexp_overflows_nowhere_and_keeps_what_is_infinite)
{
    ks_node *x = VARIABLE(g, "x", KS_F32, KS_SHAPE(4, 2), 1000, 1000, -1000, -1000, -INF_, -INF_, -INF_, 3);
    IS_NEAR(1e-6, ks_logsumexp(x, KS_INTS(1), false), 1000 + log(2), -1000 + log(2), -INF_, 3);
    ks_node *y = VARIABLE(g, "y", KS_F64, KS_SHAPE(3, 2), INF_, 1, NAN_, INF_, INF_, -INF_);
    IS(ks_logsumexp(y, KS_INTS(1), false), INF_, NAN_, INF_);
    IS(ks_logsumexp(NOTHING(g, "none", KS_F64, KS_SHAPE(0, 2)), KS_INTS(0), false), -INF_, -INF_);
}

/* All patterns of axes, in sizes that need several blocks and passes. */
Test(spread, every_pattern_of_axes_agrees_with_a_plain_loop)
{
    enum { RANK = 4, N = 3 * 70 * 5 * 40 };
    static const int64_t dim[RANK] = {3, 70, 5, 40};
    double *x = malloc(sizeof(double) * N), *sum = malloc(sizeof(double) * N), *most = malloc(sizeof(double) * N),
           *wanted = malloc(sizeof(double) * 4 * N);
    int *to = malloc(sizeof(int) * N);
    for (int i = 0; i < N; i++)
        x[i] = sin(i * 0.731) + 0.25 * (i % 7);
    ks_node *node = ks_constant(g, KS_F64, KS_SHAPE(3, 70, 5, 40), x);
    for (unsigned mask = 0; mask < 1u << RANK; mask++) {
        ks_ints axes = {.count = 0};
        int64_t kept = 1;
        for (int k = 0; k < RANK; k++) {
            if (mask & 1u << k)
                axes.at[axes.count++] = k;
            else
                kept *= dim[k];
        }
        for (int64_t i = 0; i < kept; i++)
            sum[i] = wanted[i] = wanted[N + i] = wanted[2 * N + i] = wanted[3 * N + i] = 0, most[i] = -9;
        for (int i = 0; i < N; i++) {
            int64_t at[RANK], rest = i;
            for (int k = RANK - 1; k >= 0; k--, to[i] = 0)
                at[k] = rest % dim[k], rest /= dim[k];
            for (int k = 0; k < RANK; k++)
                to[i] = mask & 1u << k ? to[i] : (int)(to[i] * dim[k] + at[k]);
            sum[to[i]] += x[i];
            most[to[i]] = fmax(most[to[i]], x[i]);
        }
        double n = (double)N / (double)kept;
        for (int i = 0; i < N; i++) {
            wanted[to[i]] += pow(x[i] - sum[to[i]] / n, 2) / n;
            wanted[N + to[i]] += fabs(x[i]);
            wanted[2 * N + to[i]] += x[i] * x[i];
            wanted[3 * N + to[i]] += exp(x[i] - most[to[i]]);
        }
        for (int64_t i = 0; i < kept; i++) {
            wanted[2 * N + i] = sqrt(wanted[2 * N + i]);
            wanted[3 * N + i] = most[i] + log(wanted[3 * N + i]);
        }
        check_values(__FILE__, __LINE__, ks_var(node, axes, false, 0), 1e-12, wanted, kept);
        check_values(__FILE__, __LINE__, ks_norm_l1(node, axes, true), 1e-12, wanted + N, kept);
        check_values(__FILE__, __LINE__, ks_norm_l2(node, axes, false), 1e-12, wanted + 2 * N, kept);
        check_values(__FILE__, __LINE__, ks_logsumexp(node, axes, true), 1e-12, wanted + 3 * N, kept);
        check_values(__FILE__, __LINE__, ks_logsumexp(ks_cast(node, KS_F32), axes, true), 1e-5, wanted + 3 * N, kept);
        check_values(__FILE__, __LINE__, ks_var(ks_cast(node, KS_F32), axes, true, 0), 1e-5, wanted, kept);
    }
    free(x), free(sum), free(most), free(wanted), free(to);
}

Test(spread, the_same_bits_on_any_number_of_threads)
{
    int64_t n = 300 * 701;
    float *values = malloc(sizeof(float) * (size_t)n), results[2][4];
    for (int64_t i = 0; i < n; i++)
        values[i] = (float)sin((double)i * 0.731);
    for (int threads = 1; threads <= 2; threads++) {
        ks_graph *h = ks_graph_new(&(ks_graph_options){.size = sizeof(ks_graph_options), .threads = threads});
        ks_node *x = ks_constant(h, KS_F32, KS_SHAPE(300, 701), values);
        ks_node *all[] = {ks_var(x, KS_ABSENT, false, 1), ks_logsumexp(x, KS_ABSENT, false), ks_norm_l1(x, KS_ABSENT, false),
                          ks_sum_all(ks_std(x, KS_INTS(0), false, 0))};
        for (int k = 0; k < 4; k++)
            cr_assert(ks_read(all[k], KS_F32, &results[threads - 1][k], 1));
        ks_graph_free(h);
    }
    cr_assert(!memcmp(results[0], results[1], sizeof results[0]));
    free(values);
}

Test(spread, a_variance_counts_the_rows_that_were_fed)
{
    ks_node *x = ks_input(g, "x", KS_F64, KS_SHAPE(ks_dim(g, "N"), 2)), *w = VARIABLE(g, "w", KS_F64, KS_SCALAR, 2);
    ks_node *y = ks_var(ks_mul(x, w), KS_INTS(0), false, 1), *dw = ks_gradient(ks_sum_all(y), w);
    cr_assert(ks_feed(x, KS_F64, KS_SHAPE(2, 2), KS__VALUES(1, 2, 3, 6)));
    IS(y, 8, 32); /* w^2 times 2 and 8 */
    IS(dw, 40);   /* 2 w (2 + 8) */
    cr_assert(ks_feed(x, KS_F64, KS_SHAPE(4, 2), KS__VALUES(1, 0, 2, 0, 3, 0, 4, 0)));
    IS_NEAR(1e-14, y, 4 * 5.0 / 3, 0);
    IS_NEAR(1e-14, dw, 4 * 5.0 / 3);
}

static void check_gradient(ks_node *y)
{
    ks_graph *of = ks_node_graph(y);
    ks_gradcheck_report report;
    cr_assert(ks_gradcheck(ks_sum_all(ks_square(y)), NULL, 0, NULL, &report), "%s", ks_error(of) ? ks_error(of)->message : "?");
    cr_assert(report.passed, "'%s': %g", ks_node_op_name(y), report.rows[0].worst_relative);
    ks_gradcheck_free(&report);
}

Test(spread, derivatives_over_any_axes_are_those_of_differences)
{
    static const ks_ints axes[] = {
        {.count = -1}, {.count = 0}, {.count = 1, .at = {1}}, {.count = 2, .at = {0, 2}}, {.count = 1, .at = {-1}}};
    double values[24];
    for (int i = 0; i < 24; i++)
        values[i] = 2 * sin(i * 1.7 + 1);
    ks_node *x = make_variable(g, "x", KS_F32, KS_SHAPE(2, 3, 4), values, 24);
    for (size_t k = 0; k < sizeof axes / sizeof axes[0]; k++) {
        bool keep = k % 2;
        if (axes[k].count) {
            check_gradient(ks_var(x, axes[k], keep, 1));
            check_gradient(ks_std(x, axes[k], keep, 0));
        }
        check_gradient(ks_norm_l1(x, axes[k], keep));
        check_gradient(ks_norm_l2(x, axes[k], keep));
        check_gradient(ks_logsumexp(x, axes[k], keep));
    }
}

Test(spread, whole_numbers_are_refused)
{
    ks_node *i = VARIABLE(g, "i", KS_I32, KS_SHAPE(2), 1, 2);
    REFUSED(g, ks_var(i, KS_ABSENT, false, 0), KS_BAD_DTYPE, "var: takes f32, f64, but 'i' is i32: ks_cast it");
    REFUSED(g, ks_logsumexp(i, KS_INTS(3), false), KS_BAD_DTYPE, "logsumexp: takes f32, f64, but 'i' is i32: ks_cast it");
    REFUSED(g, ks_norm_l2(ks_cast(i, KS_F32), KS_INTS(3), false), KS_BAD_SHAPE, "norm_l2: there is no axis 3: 'cast_1' is [2]");
}
