/*
 * test_scan.c - prod, cumsum, cumprod and linear_recurrence: values, zeros in derivatives of both orders beside PyTorch's, all directions
 * along all axes beside a plain loop, and sizes that are only known when they are fed.
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

TestSuite(scan, .init = open, .fini = close);

/* ---- prod ---------------------------------------------------------------------------------------------- */

Test(scan, prod_multiplies_over_any_axes)
{
    ks_node *x = VARIABLE(g, "x", KS_F64, KS_SHAPE(2, 3), 1, -2, 3, 4, 0.5, -6);
    IS(ks_prod(x, KS_INTS(1), false), -6, -12);
    IS(ks_prod(x, KS_INTS(0), true), 4, -1, -18);
    IS(ks_prod(x, KS_ABSENT, false), 72);
    IS(ks_prod(NOTHING(g, "none", KS_F32, KS_SHAPE(0, 2)), KS_INTS(0), false), 1, 1);
    IS(ks_prod(VARIABLE(g, "i", KS_I32, KS_SHAPE(3), 65536, 32768, 3), KS_ABSENT, false), -2147483648.0);
    IS(ks_prod(VARIABLE(g, "n", KS_F32, KS_SHAPE(3), 0, NAN_, 2), KS_ABSENT, false), NAN_);
    REFUSED(g, ks_prod(VARIABLE(g, "u", KS_U8, KS_SHAPE(1), 1), KS_ABSENT, false), KS_BAD_DTYPE,
            "prod: takes f32, f64, i32, i64, but 'u' is u8: ks_cast it");
}

/* No zero, one, two in a row. torch 1.13: x.prod(1), autograd of the sum, and autograd of that weighed by 1 ... 12. */
Test(scan, prod_has_the_right_derivatives_beside_zeros)
{
    ks_node *x = VARIABLE(g, "x", KS_F64, KS_SHAPE(3, 4), 1, 2, 3, 4, 0, 2, 3, 4, 0, 2, 0, 4);
    ks_node *dx = ks_gradient(ks_sum_all(ks_prod(x, KS_INTS(1), false)), x);
    IS(dx, 24, 12, 8, 6, 24, 0, 0, 0, 0, 0, 0, 0);
    ks_node *v = ks_constant(g, KS_F64, KS_SHAPE(3, 4), KS__VALUES(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12));
    IS(ks_gradient(ks_sum_all(ks_mul(dx, v)), x), 72, 36, 24, 18, 176, 60, 40, 30, 88, 0, 72, 0);
}

/* torch 1.13: x.prod(2).prod(1) and autograd of its sum weighed by 1, 10, 100. */
Test(scan, prod_over_several_axes_has_them_too)
{
    for (int keep = 0; keep < 2; keep++) {
        ks_node *x = VARIABLE(g, "x", KS_F64, KS_SHAPE(3, 2, 2), 1, 2, 3, 0.5, 0, 2, -1, 4, 0, 2, 0, 3);
        ks_node *w = ks_constant(g, KS_F64, keep ? KS_SHAPE(3, 1, 1) : KS_SHAPE(3), KS__VALUES(1, 10, 100));
        ks_node *y = ks_prod(x, KS_INTS(1, -1), keep);
        IS(y, 3, 0, 0);
        IS(ks_gradient(ks_sum_all(ks_mul(y, w)), x), 3, 1.5, 1, 6, -80, 0, 0, 0, 0, 0, 0, 0);
    }
    ks_node *s = VARIABLE(g, "s", KS_F64, KS_SCALAR, 3);
    IS(ks_gradient(ks_prod(s, KS_ABSENT, false), s), 1);
}

Test(scan, prod_multiplies_the_rows_that_were_fed)
{
    ks_node *x = ks_input(g, "x", KS_F64, KS_SHAPE(ks_dim(g, "N"), 2));
    ks_node *y = ks_prod(x, KS_INTS(0), false), *dx = ks_gradient(ks_sum_all(y), x);
    cr_assert(ks_feed(x, KS_F64, KS_SHAPE(1, 2), KS__VALUES(5, 7)));
    IS(y, 5, 7);
    IS(dx, 1, 1);
    cr_assert(ks_feed(x, KS_F64, KS_SHAPE(3, 2), KS__VALUES(1, 2, 3, 4, 5, 0)));
    IS(y, 15, 0);
    IS(dx, 15, 0, 5, 0, 3, 8);
}

/* ---- running results ----------------------------------------------------------------------------------- */

Test(scan, sums_and_products_run_both_ways_with_and_without_themselves)
{
    ks_node *x = VARIABLE(g, "x", KS_F64, KS_SHAPE(4), 1, 2, 3, 4);
    IS(ks_cumsum(x, 0, false, false), 1, 3, 6, 10);
    IS(ks_cumsum(x, 0, true, false), 0, 1, 3, 6);
    IS(ks_cumsum(x, 0, false, true), 10, 9, 7, 4);
    IS(ks_cumsum(x, 0, true, true), 9, 7, 4, 0);
    IS(ks_cumprod(x, 0, false, false), 1, 2, 6, 24);
    IS(ks_cumprod(x, 0, true, false), 1, 1, 2, 6);
    IS(ks_cumprod(x, -1, false, true), 24, 24, 12, 4);
    IS(ks_cumprod(x, -1, true, true), 24, 12, 4, 1);
    ks_node *half = VARIABLE(g, "a", KS_F64, KS_SHAPE(4), 0.5, 0.5, 0.5, 0.5);
    IS(ks_linear_recurrence(half, x, 0, false, false), 1, 2.5, 4.25, 6.125);
    IS(ks_linear_recurrence(half, x, 0, true, false), 0, 1, 2.5, 4.25);
    IS(ks_linear_recurrence(half, x, 0, false, true), 3.25, 4.5, 5, 4);
    IS(ks_linear_recurrence(half, x, 0, true, true), 4.5, 5, 4, 0);
}

Test(scan, whole_numbers_wrap)
{
    IS(ks_cumsum(VARIABLE(g, "i", KS_I32, KS_SHAPE(3), 2147483647, 1, 1), 0, false, false), 2147483647, -2147483648.0, -2147483647.0);
    IS(ks_cumprod(VARIABLE(g, "j", KS_I64, KS_SHAPE(3), 3, -5, 7), 0, false, false), 3, -15, -105);
}

/* Every direction along every axis, in sizes with rows left over after eights and columns after ranges. */
Test(scan, every_axis_and_direction_agrees_with_a_plain_loop)
{
    enum { N = 11 * 9 * 300 };
    static const int64_t dim[3] = {11, 9, 300};
    double *x = malloc(sizeof(double) * N), *a = malloc(sizeof(double) * N), *wanted = malloc(sizeof(double) * N);
    for (int i = 0; i < N; i++) {
        x[i] = (i * 37) % 101 - 50; /* whole, and a a power of two: exact in f32 too */
        a[i] = i % 3 ? 0.5 : -1;
    }
    ks_node *nx = ks_constant(g, KS_F64, KS_SHAPE(11, 9, 300), x), *na = ks_constant(g, KS_F64, KS_SHAPE(11, 9, 300), a);
    for (int way = 0; way < 12; way++) {
        int axis = way / 4;
        bool exclusive = way & 1, reverse = way & 2;
        int64_t step = axis == 2 ? 1 : axis == 1 ? 300 : 2700;
        for (int pass = 0; pass < 2; pass++) {
            for (int64_t i = 0; i < N; i++) {
                if (i / step % dim[axis])
                    continue;
                double state = 0;
                for (int64_t k = 0; k < dim[axis]; k++) {
                    int64_t at = i + (reverse ? dim[axis] - 1 - k : k) * step;
                    double next = (pass ? a[at] : 1) * state + x[at];
                    wanted[at] = exclusive ? state : next;
                    state = next;
                }
            }
            ks_node *y = pass ? ks_linear_recurrence(na, nx, axis, exclusive, reverse) : ks_cumsum(nx, axis, exclusive, reverse);
            check_values(__FILE__, __LINE__, y, 1e-13, wanted, N);
            if (!pass)
                check_values(__FILE__, __LINE__, ks_cumsum(ks_cast(nx, KS_F32), axis, exclusive, reverse), 0, wanted, N);
        }
    }
    free(x), free(a), free(wanted);
}

/* torch 1.13: x.cumprod(1) and autograd of the sum weighed by 1 ... 12. */
Test(scan, cumprod_has_the_right_derivative_beside_zeros)
{
    ks_node *x = VARIABLE(g, "x", KS_F64, KS_SHAPE(3, 4), 1, 2, 3, 4, 0, 2, 3, 4, 0, 2, 0, 4);
    ks_node *v = ks_constant(g, KS_F64, KS_SHAPE(3, 4), KS__VALUES(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12));
    IS(ks_gradient(ks_sum_all(ks_mul(v, ks_cumprod(x, 1, false, false))), x), 119, 59, 38, 24, 251, 0, 0, 0, 29, 0, 0, 0);
}

static void check_gradient(ks_node *y)
{
    ks_gradcheck_report report;
    cr_assert(ks_gradcheck(y, NULL, 0, NULL, &report), "%s", ks_error(g) ? ks_error(g)->message : "?");
    cr_assert(report.passed, "%g", report.rows[0].worst_relative);
    ks_gradcheck_free(&report);
}

Test(scan, derivatives_of_both_orders_are_those_of_differences_in_every_direction)
{
    ks_node *x = VARIABLE(g, "x", KS_F64, KS_SHAPE(2, 3, 2), 1, -0.5, 0, 2, 0.3, -1.2, 0.8, 0, 0, 1.5, -0.7, 0.4);
    ks_node *a = VARIABLE(g, "a", KS_F64, KS_SHAPE(2, 3, 2), 0.9, 0, 0.5, -1.5, 0.2, 1.1, -0.3, 0.6, 0.7, 0, 1.2, -0.8);
    for (int way = 0; way < 12; way++) {
        int axis = way / 4 - 1;
        bool exclusive = way & 1, reverse = way & 2;
        ks_node *y[] = {ks_cumsum(x, axis, exclusive, reverse), ks_cumprod(x, axis, exclusive, reverse),
                        ks_linear_recurrence(a, x, axis, exclusive, reverse)};
        for (int k = 0; k < 3; k++) {
            ks_node *loss = ks_sum_all(ks_mul(ks_square(y[k]), a));
            check_gradient(loss);
            check_gradient(ks_add(ks_sum_all(ks_square(ks_gradient(loss, x))), ks_sum_all(ks_square(ks_gradient(loss, a)))));
        }
    }
}

Test(scan, runs_along_what_was_fed)
{
    ks_node *x = ks_input(g, "x", KS_F64, KS_SHAPE(ks_dim(g, "N"))), *y = ks_cumprod(x, 0, false, false),
            *dx = ks_gradient(ks_sum_all(y), x);
    cr_assert(ks_feed(x, KS_F64, KS_SHAPE(1), KS__VALUES(5)));
    IS(y, 5);
    IS(dx, 1);
    cr_assert(ks_feed(x, KS_F64, KS_SHAPE(3), KS__VALUES(2, 0, 3)));
    IS(y, 2, 0, 0);
    IS(dx, 1, 8, 0);
    cr_assert(ks_feed(x, KS_F64, KS_SHAPE(0), KS__VALUES(0)));
    SHAPE_IS(ks_cumsum(x, 0, true, true), 0);
}

Test(scan, what_does_not_fit_is_refused)
{
    ks_node *x = VARIABLE(g, "x", KS_F64, KS_SHAPE(2, 3), 1, 2, 3, 4, 5, 6), *s = VARIABLE(g, "s", KS_F64, KS_SCALAR, 1);
    REFUSED(g, ks_cumsum(x, 2, false, false), KS_BAD_SHAPE, "cumsum: there is no axis 2: 'x' is [2, 3]");
    REFUSED(g, ks_cumprod(s, 0, false, false), KS_BAD_SHAPE, "cumprod: there is no axis 0: 's' is []");
    REFUSED(g, ks_linear_recurrence(s, x, 1, false, false), KS_BAD_SHAPE, "linear_recurrence: there is no axis 1: 's' is []");
    ks_node *row = VARIABLE(g, "row", KS_F64, KS_SHAPE(1, 3), 1, 2, 3);
    REFUSED(g, ks_linear_recurrence(row, x, 1, false, false), KS_BAD_SHAPE,
            "linear_recurrence: both have one shape: 'row' is [1, 3], 'x' is [2, 3]; ks_expand repeats what is smaller");
}
