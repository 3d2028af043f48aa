/*
 * test_reduce.c - sum, mean, max, argmax and count over any axes: values beside a plain loop, the derivatives, ties, NaN, nothing at all,
 * and the same bits on any number of threads.
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

TestSuite(reduce, .init = open, .fini = close);

static ks_node *matrix(void)
{
    return VARIABLE(g, "x", KS_F64, KS_SHAPE(2, 3), 1, -2, 3, 4, 0.5, -6);
}

Test(reduce, over_all_over_rows_over_columns)
{
    ks_node *x = matrix();
    IS(ks_sum_all(x), 0.5);
    SCALAR_IS(ks_sum_all(x));
    IS(ks_sum(x, KS_INTS(0), false), 5, -1.5, -3);
    IS(ks_sum(x, KS_INTS(-1), true), 2, -1.5);
    SHAPE_IS(ks_sum(x, KS_INTS(-1), true), 2, 1);
    SHAPE_IS(ks_sum(x, KS_INTS(0, 1), true), 1, 1);
    IS(ks_mean_all(x), 0.5 / 6);
    IS(ks_mean(x, KS_INTS(1), false), 2.0 / 3, -0.5);
    IS(ks_max_all(x), 4);
    IS(ks_max(x, KS_INTS(0), false), 4, 0.5, 3);
    IS(ks_max(x, KS_INTS(1), false), 3, 4);
    IS(ks_argmax(x, 0, false), 1, 1, 0);
    IS(ks_argmax(x, -1, true), 2, 0);
    SHAPE_IS(ks_argmax(x, -1, true), 2, 1);
    DTYPE_IS(ks_argmax(x, 0, false), KS_I64);
}

Test(reduce, no_axes_at_all_change_nothing)
{
    ks_node *x = matrix();
    IS(ks_sum(x, ((ks_ints){.count = 0}), false), 1, -2, 3, 4, 0.5, -6);
    IS(ks_sum_all(VARIABLE(g, "s", KS_F64, KS_SCALAR, 7)), 7);
}

/* All patterns of axes of a tensor of rank 4, beside a loop over its elements. */
Test(reduce, every_pattern_of_axes_agrees_with_a_plain_loop)
{
    enum { RANK = 4 };
    static const int64_t dim[RANK] = {3, 5, 2, 7};
    double values[210], sums[210], most[210];
    for (int i = 0; i < 210; i++)
        values[i] = (double)((i * 37) % 101) - 50; /* whole, so that sums are exact in any order */
    ks_node *x = ks_constant(g, KS_F64, KS_SHAPE(3, 5, 2, 7), values);
    for (unsigned mask = 0; mask < 1u << RANK; mask++) {
        ks_ints axes = {.count = 0};
        int64_t kept = 1;
        for (int i = 0; i < RANK; i++) {
            if (mask & 1u << i)
                axes.at[axes.count++] = i;
            else
                kept *= dim[i];
        }
        for (int64_t i = 0; i < kept; i++) {
            sums[i] = 0;
            most[i] = -1e9;
        }
        for (int64_t i = 0; i < 210; i++) {
            int64_t at[RANK], rest = i, to = 0;
            for (int k = RANK - 1; k >= 0; k--) {
                at[k] = rest % dim[k];
                rest /= dim[k];
            }
            for (int k = 0; k < RANK; k++)
                to = mask & 1u << k ? to : to * dim[k] + at[k];
            sums[to] += values[i];
            most[to] = fmax(most[to], values[i]);
        }
        check_values(__FILE__, __LINE__, ks_sum(x, axes, false), 0, sums, kept);
        check_values(__FILE__, __LINE__, ks_sum(ks_cast(x, KS_F32), axes, true), 0, sums, kept);
        check_values(__FILE__, __LINE__, ks_sum(ks_cast(x, KS_I64), axes, true), 0, sums, kept);
        check_values(__FILE__, __LINE__, ks_max(x, axes, true), 0, most, kept);
        check_values(__FILE__, __LINE__, ks_max(ks_cast(x, KS_I32), axes, false), 0, most, kept);
    }
}

Test(reduce, a_long_sum_is_accurate)
{
    int64_t n = 10000000;
    float *values = malloc(sizeof(float) * (size_t)n);
    for (int64_t i = 0; i < n; i++)
        values[i] = 0.1f;
    ks_node *x = ks_constant(g, KS_F32, KS_SHAPE(n), values);
    cr_assert_float_eq(ks_scalar(ks_sum_all(x)), (double)n * (double)0.1f, 1); /* added one by one it is off by 87938 */
    ks_node *tall = ks_constant(g, KS_F32, KS_SHAPE(n / 2, 2), values);
    IS_NEAR(1e-6, ks_sum(tall, KS_INTS(0), false), (double)n / 2 * (double)0.1f, (double)n / 2 * (double)0.1f);
    IS_NEAR(1e-7, ks_mean_all(x), (double)0.1f);
    free(values);
}

Test(reduce, the_same_bits_on_any_number_of_threads)
{
    int64_t n = 300 * 701;
    float *values = malloc(sizeof(float) * (size_t)n), rows[2][300], columns[2][701], all[2];
    for (int64_t i = 0; i < n; i++)
        values[i] = (float)sin((double)i * 0.731);
    for (int threads = 1; threads <= 2; threads++) {
        ks_graph *h = ks_graph_new(&(ks_graph_options){.size = sizeof(ks_graph_options), .threads = threads});
        ks_node *x = ks_constant(h, KS_F32, KS_SHAPE(300, 701), values);
        cr_assert(ks_read(ks_sum(x, KS_INTS(1), false), KS_F32, rows[threads - 1], 300));
        cr_assert(ks_read(ks_sum(x, KS_INTS(0), false), KS_F32, columns[threads - 1], 701));
        cr_assert(ks_read(ks_sum_all(x), KS_F32, &all[threads - 1], 1));
        ks_graph_free(h);
    }
    cr_assert(!memcmp(rows[0], rows[1], sizeof rows[0]) && !memcmp(columns[0], columns[1], sizeof columns[0]) && all[0] == all[1]);
    free(values);
}

Test(reduce, whole_numbers_wrap_and_small_ones_are_refused)
{
    IS(ks_sum_all(VARIABLE(g, "i", KS_I32, KS_SHAPE(2), 2147483647, 1)), -2147483648.0);
    ks_node *u = VARIABLE(g, "u", KS_U8, KS_SHAPE(3), 255, 255, 3);
    REFUSED(g, ks_sum_all(u), KS_BAD_DTYPE, "sum: takes f32, f64, i32, i64, but 'u' is u8: ks_cast it");
    REFUSED(g, ks_mean_all(u), KS_BAD_DTYPE, "mean: takes f32, f64, but 'u' is u8: ks_cast it");
    IS(ks_max_all(u), 255);
    IS(ks_argmax(u, 0, false), 0);
}

/* ---- derivatives --------------------------------------------------------------------------------------- */

Test(reduce, sum_and_mean_spread_what_arrives)
{
    ks_node *x = matrix();
    IS(ks_gradient(ks_sum_all(x), x), 1, 1, 1, 1, 1, 1);
    IS(ks_gradient(ks_mean_all(x), x), 1.0 / 6, 1.0 / 6, 1.0 / 6, 1.0 / 6, 1.0 / 6, 1.0 / 6);
    ks_node *w = VARIABLE(g, "w", KS_F64, KS_SHAPE(3), 1, 10, 100);
    IS(ks_gradient(ks_mul(ks_sum(x, KS_INTS(0), false), w), x), 1, 10, 100, 1, 10, 100);
    ks_node *v = VARIABLE(g, "v", KS_F64, KS_SHAPE(2), 3, 6);
    IS(ks_gradient(ks_mul(ks_mean(x, KS_INTS(1), false), v), x), 1, 1, 1, 2, 2, 2);
    IS(ks_gradient(ks_square(ks_sum(x, KS_INTS(1), true)), x), 4, 4, 4, -3, -3, -3);
}

Test(reduce, the_greatest_share_the_derivative)
{
    ks_node *x = VARIABLE(g, "x", KS_F64, KS_SHAPE(2, 4), 1, 3, 3, 0, 5, 5, 5, 5);
    IS(ks_gradient(ks_max(x, KS_INTS(1), false), x), 0, 0.5, 0.5, 0, 0.25, 0.25, 0.25, 0.25);
    IS(ks_gradient(ks_max_all(x), x), 0, 0, 0, 0, 0.25, 0.25, 0.25, 0.25);
    IS(ks_gradient(ks_max(x, KS_INTS(0), true), x), 0, 0, 0, 0, 1, 1, 1, 1);
}

Test(reduce, the_first_of_equals_is_their_argmax)
{
    IS(ks_argmax(VARIABLE(g, "x", KS_F32, KS_SHAPE(2, 3), 2, 7, 7, 1, 1, 1), 1, false), 1, 0);
    IS(ks_argmax(VARIABLE(g, "y", KS_F32, KS_SHAPE(3), -INF_, -INF_, -INF_), 0, false), 0);
}

Test(reduce, a_nan_wins_in_max_and_argmax)
{
    ks_node *x = VARIABLE(g, "x", KS_F32, KS_SHAPE(2, 3), 1, NAN_, 3, 4, 5, 6);
    IS(ks_max(x, KS_INTS(1), false), NAN_, 6);
    IS(ks_argmax(x, 1, false), 1, 2);
    IS(ks_max(x, KS_INTS(0), false), 4, NAN_, 6);
    IS(ks_sum_all(x), NAN_);
}

/* ---- nothing, and open dimensions ---------------------------------------------------------------------- */

Test(reduce, of_nothing_the_sum_is_zero_the_mean_nan_and_there_is_no_greatest)
{
    ks_node *x = NOTHING(g, "x", KS_F64, KS_SHAPE(0, 3));
    IS(ks_sum_all(x), 0);
    IS(ks_sum(x, KS_INTS(0), false), 0, 0, 0);
    IS(ks_mean(x, KS_INTS(0), false), NAN_, NAN_, NAN_);
    SHAPE_IS(ks_sum(x, KS_INTS(1), false), 0);
    SHAPE_IS(ks_max(x, KS_INTS(1), false), 0);
    SHAPE_IS(ks_gradient(ks_sum_all(x), x), 0, 3);
    REFUSED(g, ks_max(x, KS_INTS(0), false), KS_BAD_SHAPE, "max: there is no greatest of no elements: 'x' is [0, 3]");
    REFUSED(g, ks_argmax(x, 0, false), KS_BAD_SHAPE, "argmax: there is no greatest of no elements: 'x' is [0, 3]");
}

Test(reduce, a_mean_counts_the_rows_that_were_fed)
{
    ks_node *x = ks_input(g, "x", KS_F64, KS_SHAPE(ks_dim(g, "N"), 2)), *w = VARIABLE(g, "w", KS_F64, KS_SCALAR, 3);
    ks_node *y = ks_mean(ks_mul(x, w), KS_INTS(0), false), *dw = ks_gradient(y, w);
    cr_assert(ks_feed(x, KS_F64, KS_SHAPE(1, 2), KS__VALUES(5, 7)));
    IS(y, 15, 21);
    IS(dw, 12);
    cr_assert(ks_feed(x, KS_F64, KS_SHAPE(4, 2), KS__VALUES(1, 2, 3, 4, 5, 6, 7, 8)));
    IS(y, 12, 15);
    IS(dw, 9);
    cr_assert(ks_feed(x, KS_F64, KS_SHAPE(0, 2), KS__VALUES(0)));
    IS(y, NAN_, NAN_);
    cr_assert(ks_feed(x, KS_F64, KS_SHAPE(2, 2), KS__VALUES(1, 2, 3, 4)));
    IS(y, 6, 9);
}

Test(reduce, count_tells_how_many_met)
{
    ks_node *x = matrix();
    IS(ks__count_of(KS_HERE, x, KS_ABSENT, KS_F32), 6);
    IS(ks__count_of(KS_HERE, x, KS_INTS(-1), KS_I64), 3);
    IS(ks__count_of(KS_HERE, x, KS_INTS(0), KS_F64), 2);
}

/* ---- what is refused ----------------------------------------------------------------------------------- */

Test(reduce, axes_outside_or_named_twice_are_refused)
{
    ks_node *x = matrix();
    REFUSED(g, ks_sum(x, KS_INTS(2), false), KS_BAD_SHAPE, "sum: there is no axis 2: 'x' is [2, 3]");
    REFUSED(g, ks_mean(x, KS_INTS(-3), false), KS_BAD_SHAPE, "mean: there is no axis -3: 'x' is [2, 3]");
    REFUSED(g, ks_max(x, KS_INTS(0, -2), false), KS_BAD_ARGUMENT, "max: axis -2 is named twice");
    REFUSED(g, ks_argmax(x, 5, false), KS_BAD_SHAPE, "argmax: there is no axis 5: 'x' is [2, 3]");
}
