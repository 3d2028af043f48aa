/*
 * test_pool.c - pooling: values and derivatives of another system, ties and NaN, derivatives of higher order, sizes that are open, and what
 * is refused.
 */
#include "ops/ops.h"

#include <keisan/ops/conv.h>
#include <math.h>

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

TestSuite(pool, .init = open, .fini = close);

/* x[i] = (37 i mod 23 - 11) / 4 + (i mod 3) / 8, with equal elements among them */
static ks_node *image(ks_dtype dtype, ks_shape shape)
{
    double values[512];
    for (int i = 0; i < 512; i++)
        values[i] = ((i * 37) % 23 - 11) / 4.0 + i % 3 * 0.125;
    return make_variable(g, dtype == KS_F32 ? "x32" : "x", dtype, shape, values, ks_shape_count(shape));
}

/* The gradient of sum of k y[k - 1], k from 1. */
static ks_node *gradient(ks_node *y, ks_node *x)
{
    static double weights[512];
    for (int i = 0; i < 512; i++)
        weights[i] = i + 1;
    ks_node *u = ks_constant(g, KS_F64, ks_node_shape(y), weights);
    return ks_gradient(ks_sum_all(ks_mul(y, ks_cast(u, ks_node_dtype(y)))), x);
}

static ks_node *in(ks_dtype dtype)
{
    return image(dtype, KS_SHAPE(2, 1, 5, 6));
}

/* ---- values of PyTorch 1.13: max_pool2d, avg_pool2d, adaptive_max_pool2d, adaptive_avg_pool2d --------------------- */

Test(pool, the_greatest_with_padding_and_its_derivative)
{
    for (ks_dtype t = KS_F32; t <= KS_F64; t++) {
        ks_node *x = in(t), *y = ks_max_pool(x, KS_INTS(3), &(ks_window_options){.strides = KS_INTS(2), .pads = KS_INTS(1)});
        SHAPE_IS(y, 2, 1, 3, 3);
        IS(y, 1, 2.5, 2, 2.75, 2.625, 1.75, 2.75, 2.25, 1.75, 2.5, 2.375, 3, 2.5, 2.125, 3, 2.25, 2.125, 2.75);
        IS(gradient(y, x), 0, 0, 0, 3, 0, 0, 1, 0, 2, 0, 0, 0, 0, 5, 0, 0, 0, 0, 11, 0, 0, 15, 0, 0, 0, 0, 8, 0, 0, 0, 0, 11, 0, 0, 0, 0,
           23, 0, 0, 0, 0, 27, 0, 0, 0, 0, 0, 0, 0, 31, 0, 0, 0, 0, 16, 0, 0, 0, 0, 18);
    }
}

Test(pool, windows_that_are_cut_off_count_in_ceil_mode)
{
    for (ks_dtype t = KS_F32; t <= KS_F64; t++) {
        ks_node *x = in(t), *y = ks_max_pool(x, KS_INTS(2), &(ks_window_options){.strides = KS_INTS(2), .ceil_mode = true});
        SHAPE_IS(y, 2, 1, 3, 3);
        IS(y, 1, 2.5, 1.5, 2.75, 1.75, 1.625, 0.75, 2.25, 1.25, 2.5, 1.5, 3, 2.125, 2, 1.125, 2.25, 1.25, 2.75);
        IS(gradient(y, x), 0, 0, 0, 0, 0, 0, 1, 0, 2, 0, 0, 3, 0, 0, 0, 0, 6, 0, 4, 0, 0, 5, 0, 0, 7, 0, 8, 0, 0, 9, 0, 0, 0, 0, 0, 0, 10,
           0, 0, 11, 0, 12, 0, 0, 14, 0, 0, 0, 0, 13, 0, 0, 15, 0, 16, 0, 0, 17, 0, 18);
    }
}

Test(pool, the_elements_of_a_window_may_lie_apart)
{
    ks_node *x = in(KS_F64), *y = ks_max_pool(x, KS_INTS(2), &(ks_window_options){.dilations = KS_INTS(2, 3)});
    SHAPE_IS(y, 2, 1, 3, 3);
    IS(y, 2, 2.625, 0.5, 2.75, 0.625, 2.5, 0.75, 2.625, 2.25, 0.5, 2.375, 2, 2.5, 2.125, 3, 2.25, 0.125, 2.75);
    IS(gradient(y, x), 0, 0, 0, 1, 0, 0, 0, 0, 6, 0, 0, 0, 0, 10, 3, 0, 0, 0, 4, 5, 0, 0, 0, 0, 7, 0, 9, 0, 0, 0, 0, 11, 0, 0, 0, 0, 13, 0,
       0, 0, 0, 15, 10, 0, 12, 0, 0, 0, 0, 14, 0, 0, 0, 0, 16, 17, 0, 0, 0, 18);
}

Test(pool, averages_leave_padding_out)
{
    for (ks_dtype t = KS_F32; t <= KS_F64; t++) {
        ks_node *x = in(t), *y = ks_average_pool(x, KS_INTS(3), &(ks_window_options){.strides = KS_INTS(2), .pads = KS_INTS(1)});
        double tolerance = t == KS_F32 ? 1e-6 : 1e-15;
        SHAPE_IS(y, 2, 1, 3, 3);
        IS_NEAR(tolerance, y, -0.5, 0.5, -0.16666666666666666, 0.8125, 0.375, -0.29166666666666669, 0.6875, 0.25, -0.41666666666666669, 1,
                0.083333333333333329, 0.375, 0.39583333333333331, -0.041666666666666664, -0.069444444444444448, 0.75, -0.16666666666666666,
                0.125);
        IS_NEAR(tolerance, gradient(y, x), 0.25, 0.58333333333333326, 0.33333333333333331, 0.83333333333333326, 0.5, 0.5,
                0.91666666666666663, 1.8055555555555556, 0.88888888888888884, 2.0555555555555554, 1.1666666666666665, 1.1666666666666665,
                0.66666666666666663, 1.2222222222222223, 0.55555555555555558, 1.2222222222222223, 0.66666666666666663, 0.66666666666666663,
                2.4166666666666665, 4.3055555555555554, 1.8888888888888888, 4.0555555555555554, 2.1666666666666665, 2.1666666666666665,
                1.75, 3.083333333333333, 1.3333333333333333, 2.833333333333333, 1.5, 1.5, 2.5, 4.333333333333333, 1.8333333333333333,
                3.833333333333333, 2, 2, 4.6666666666666661, 8.0555555555555554, 3.3888888888888888, 7.0555555555555554, 3.666666666666667,
                3.666666666666667, 2.1666666666666665, 3.7222222222222223, 1.5555555555555556, 3.2222222222222223, 1.6666666666666667,
                1.6666666666666667, 6.1666666666666661, 10.555555555555555, 4.3888888888888893, 9.0555555555555554, 4.666666666666667,
                4.666666666666667, 4, 6.8333333333333339, 2.8333333333333335, 5.8333333333333339, 3, 3);
    }
}

Test(pool, averages_count_padding_on_request)
{
    ks_node *x = in(KS_F64);
    ks_node *y = ks_average_pool(
        x, KS_INTS(3, 2), &(ks_window_options){.strides = KS_INTS(2), .pads = KS_INTS(1), .ceil_mode = true, .count_include_pad = true});
    SHAPE_IS(y, 2, 1, 3, 4);
    IS_NEAR(1e-15, y, -0.29166666666666669, 0.16666666666666666, -0.041666666666666664, -0.125, 0.45833333333333331, 0.60416666666666663,
            -0.1875, -0.25, 0.58333333333333337, 0, -0.20833333333333334, -0.20833333333333334, 0.20833333333333334, 0.20833333333333334, 0,
            0.375, 0.25, 0.1875, -0.60416666666666663, 0.5, 0.125, 0.041666666666666664, -0.16666666666666666, 0.29166666666666669);
    IS_NEAR(1e-14, gradient(y, x), 0.16666666666666666, 0.33333333333333331, 0.33333333333333331, 0.5, 0.5, 0.66666666666666663, 1,
            1.3333333333333333, 1.3333333333333333, 1.6666666666666667, 1.6666666666666667, 2, 0.83333333333333337, 1, 1,
            1.1666666666666667, 1.1666666666666667, 1.3333333333333333, 2.3333333333333335, 2.666666666666667, 2.666666666666667, 3, 3,
            3.333333333333333, 1.5, 1.6666666666666667, 1.6666666666666667, 1.8333333333333333, 1.8333333333333333, 2, 2.1666666666666665,
            2.3333333333333335, 2.3333333333333335, 2.5, 2.5, 2.6666666666666665, 5, 5.3333333333333339, 5.3333333333333339,
            5.6666666666666661, 5.6666666666666661, 6, 2.8333333333333335, 3, 3, 3.1666666666666665, 3.1666666666666665, 3.3333333333333335,
            6.3333333333333339, 6.6666666666666661, 6.6666666666666661, 7, 7, 7.3333333333333339, 3.5, 3.6666666666666665,
            3.6666666666666665, 3.8333333333333335, 3.8333333333333335, 4);
}

Test(pool, adaptive_windows_follow_pytorch)
{
    ks_node *x = in(KS_F64), *y = ks_adaptive_average_pool(x, KS_INTS(3, 4)), *m = ks_adaptive_max_pool(x, KS_INTS(2, 5));
    SHAPE_IS(y, 2, 1, 3, 4);
    IS_NEAR(1e-15, y, -0.5, 0.25, -0.0625, -0.75, 0.8125, 0.60416666666666663, -0.1875, -0.39583333333333331, 0.6875, 0, -0.3125, -1, 1,
            0.3125, 0, 0.75, 0.39583333333333331, 0.1875, -0.60416666666666663, 0.14583333333333334, 0.75, 0.0625, -0.25, 0.5);
    IS_NEAR(1e-14, gradient(y, x), 0.25, 0.75, 0.5, 0.75, 1.75, 1, 1.0833333333333335, 2.5833333333333335, 1.5, 1.9166666666666667, 4.25,
            2.333333333333333, 0.83333333333333337, 1.8333333333333335, 1, 1.1666666666666667, 2.5, 1.3333333333333333, 3.0833333333333335,
            6.5833333333333339, 3.5, 3.916666666666667, 8.25, 4.333333333333333, 2.25, 4.75, 2.5, 2.75, 5.75, 3, 3.25, 6.75, 3.5, 3.75,
            7.75, 4, 6.0833333333333339, 12.583333333333334, 6.5, 6.9166666666666661, 14.25, 7.3333333333333339, 2.8333333333333335,
            5.8333333333333339, 3, 3.1666666666666665, 6.5, 3.3333333333333335, 8.0833333333333339, 16.583333333333336, 8.5,
            8.9166666666666661, 18.25, 9.3333333333333339, 5.25, 10.75, 5.5, 5.75, 11.75, 6);
    SHAPE_IS(m, 2, 1, 2, 5);
    IS(m, 2.625, 2.625, 2.5, 2, 1.625, 2.75, 2.625, 2.25, 1.75, 1.625, 2.5, 2.375, 2, 1.5, 3, 2.25, 2.125, 2, 1.25, 2.75);
    IS(gradient(m, x), 0, 0, 0, 4, 0, 0, 0, 0, 3, 0, 0, 0, 0, 10, 0, 0, 15, 0, 6, 0, 0, 9, 0, 0, 0, 0, 8, 0, 0, 0, 0, 12, 0, 0, 0, 0, 11, 0,
       0, 14, 0, 15, 0, 0, 31, 0, 0, 0, 0, 17, 0, 0, 0, 0, 16, 0, 0, 19, 0, 20);
}

/* ---- by hand --------------------------------------------------------------------------------------------- */

Test(pool, windows_of_two_by_two_have_a_fast_path_that_agrees)
{
    ks_node *x = VARIABLE(g, "t", KS_F32, KS_SHAPE(1, 1, 3, 5), 1, 5, 2, 0, 9, 5, 3, 0, 2, 9, 9, 9, 9, 9, 9);
    ks_node *fast = ks_max_pool(x, KS_INTS(2), &(ks_window_options){.strides = KS_INTS(2)});
    IS(fast, 5, 2);
    IS(gradient(fast, x), 0, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
}

Test(pool, the_first_of_equals_is_chosen_and_a_nan_is_the_greatest)
{
    ks_node *x = VARIABLE(g, "t", KS_F64, KS_SHAPE(1, 1, 2, 6), 1, 1, NAN_, 7, -INF_, -INF_, 1, 1, NAN_, 8, -INF_, -INF_);
    for (int pad = 0; pad < 2; pad++) { /* with padding the plain loop runs */
        ks_node *y = ks_max_pool(x, KS_INTS(2), &(ks_window_options){.strides = KS_INTS(2), .pads = KS_INTS(0, 0, pad, pad)});
        IS(y, 1, NAN_, -INF_);
        IS(gradient(y, x), 1, 0, 2, 0, 3, 0, 0, 0, 0, 0, 0, 0);
    }
}

/* The place of the first of the greatest of the window of 2 by 2 at (r, o) in rows of `in`. */
static int chosen(const double *x, int in, int r, int o)
{
    int best = 2 * r * in + 2 * o;
    for (int k = 1; k < 4; k++) {
        int at = (2 * r + k / 2) * in + 2 * o + k % 2;
        if (x[at] > x[best] || (isnan(x[at]) && !isnan(x[best])))
            best = at;
    }
    return best;
}

static void reads(ks_node *node, const double *wanted, int count, int height, int width)
{
    double is[400];
    cr_assert(node && ks_read(node, KS_F64, is, count));
    for (int i = 0; i < count; i++)
        cr_assert(is[i] == wanted[i] || (isnan(is[i]) && isnan(wanted[i])), "%d x %d: [%d] is %g, not %g", height, width, i, is[i],
                  wanted[i]);
}

/* Two planes of rows and columns, some of which may be left over: the greatest, u at its place, and what stands at its place. */
static void compare_pairs(const char *isa, ks_dtype t, int height, int width)
{
    ks_graph *h = ks_graph_new(&(ks_graph_options){.size = sizeof(ks_graph_options), .isa = isa});
    if (!h)
        return; /* a processor without it */
    int rows = height / 2, n = width / 2, ins = height * width, outs = rows * n;
    double x[400], u[400], v[400], y[400] = {0}, dx[400] = {0}, taken[400] = {0};
    for (int i = 0; i < 2 * ins; i++) {
        x[i] = i % 29 == 7 ? NAN : i % 31 == 3 ? -INFINITY : (i * 37 % 11 - 5) / 4.0;
        v[i] = i + 1;
        u[i] = i * 0.5 - 7;
    }
    for (int k = 0; k < 2 * outs; k++) {
        int at = k / outs * ins + chosen(x + k / outs * ins, width, k % outs / n, k % n);
        y[k] = x[at];
        dx[at] = u[k];
        taken[k] = v[at];
    }
    ks_shape xs = KS_SHAPE(1, 2, height, width), ys = KS_SHAPE(1, 2, rows, n);
    ks_node *nx = ks_cast(ks_constant(h, KS_F64, xs, x), t), *nu = ks_cast(ks_constant(h, KS_F64, ys, u), t);
    ks_node *nv = ks_cast(ks_constant(h, KS_F64, xs, v), t);
    ks_node *ny = ks_max_pool(nx, KS_INTS(2), &(ks_window_options){.strides = KS_INTS(2)});
    reads(ny, y, 2 * outs, height, width);
    reads(ks_apply(h, &ks__op_max_pool_grad, ((ks_node *[]){nu, nx}), 2, ks_node_attrs(ny)), dx, 2 * ins, height, width);
    reads(ks_apply(h, &ks__op_max_pool_take, ((ks_node *[]){nv, nx}), 2, ks_node_attrs(ny)), taken, 2 * outs, height, width);
    QUIET(h);
    ks_graph_free(h);
}

Test(pool, windows_of_two_by_two_agree_with_loops_for_every_width_on_every_instruction_set)
{
    static const char *const sets[] = {"plain", "x86-64-v2", "x86-64-v3", "x86-64-v4"};
    for (int s = 0; s < 4; s++)
        for (int width = 2; width <= 39; width++)
            for (int height = 2; height < (width < 6 ? 10 : 4); height++)
                for (ks_dtype t = KS_F32; t <= KS_F64; t++)
                    compare_pairs(sets[s], t, height, width);
}

Test(pool, one_and_three_axes)
{
    ks_node *x = VARIABLE(g, "t", KS_F64, KS_SHAPE(1, 2, 4), 1, 3, 2, 5, 8, 6, 7, 4), *v = ks_reshape(x, KS_SHAPE(1, 1, 2, 2, 2));
    IS(ks_max_pool(x, KS_INTS(2), NULL), 3, 3, 5, 8, 7, 7);
    IS(ks_average_pool(x, KS_INTS(2), &(ks_window_options){.strides = KS_INTS(2)}), 2, 3.5, 7, 5.5);
    IS(ks_max_pool(v, KS_INTS(2), NULL), 8);
    IS(ks_max_pool(v, KS_INTS(2, 1, 1), NULL), 8, 6, 7, 5);
    IS(ks_global_average_pool(v), 4.5);
    SHAPE_IS(ks_global_average_pool(v), 1, 1, 1, 1, 1);
    IS(ks_global_max_pool(x), 5, 8);
    SHAPE_IS(ks_global_max_pool(x), 1, 2, 1);
}

static void check_gradients(ks_node *loss)
{
    ks_gradcheck_report report;
    cr_assert(ks_gradcheck(loss, NULL, 0, NULL, &report), "%s", ks_error(g) ? ks_error(g)->message : "?");
    for (int i = 0; i < report.count; i++)
        cr_assert_lt(report.rows[i].worst_relative, 1e-6, "'%s': %g", report.rows[i].name, report.rows[i].worst_relative);
    cr_assert(report.passed);
    ks_gradcheck_free(&report);
}

/* x without equal elements, so that there is a derivative */
Test(pool, derivatives_of_all_orders_agree_with_differences)
{
    double values[2 * 5 * 6];
    for (int i = 0; i < 60; i++)
        values[i] = ((i * 37) % 61 - 30) / 16.0;
    ks_node *x = make_variable(g, "d", KS_F64, KS_SHAPE(1, 2, 5, 6), values, 60);
    ks_window_options padded = {.strides = KS_INTS(1, 2), .pads = KS_INTS(1, 0, 0, 1), .ceil_mode = true},
                      apart = {.dilations = KS_INTS(2, 3)};
    ks_node *all[] = {ks_max_pool(x, KS_INTS(2), &padded),
                      ks_max_pool(x, KS_INTS(2), &apart),
                      ks_average_pool(x, KS_INTS(2), &padded),
                      ks_average_pool(x, KS_INTS(2), &apart),
                      ks_adaptive_max_pool(x, KS_INTS(2, 4)),
                      ks_adaptive_average_pool(x, KS_INTS(3)),
                      ks_global_average_pool(x),
                      ks_max_pool(x, KS_INTS(2), &(ks_window_options){.strides = KS_INTS(2)})};
    for (int i = 0; i < 8; i++) {
        ks_node *loss = ks_sum_all(ks_sin(all[i])), *dx = ks_gradient(loss, x);
        check_gradients(loss);
        check_gradients(ks_sum_all(ks_square(dx)));
        check_gradients(ks_sum_all(ks_square(ks_gradient(ks_sum_all(ks_square(dx)), x))));
    }
}

Test(pool, open_sizes_are_those_of_what_is_fed)
{
    ks_node *x = ks_input(g, "x", KS_F64, KS_SHAPE(ks_dim(g, "N"), 1, ks_dim(g, "H"), KS_ANY));
    ks_node *y = ks_max_pool(x, KS_INTS(1, 2), NULL), *a = ks_average_pool(x, KS_INTS(1, 2), NULL),
            *s = ks_adaptive_average_pool(x, KS_INTS(1));
    ks_node *dy = ks_gradient(ks_sum_all(y), x), *da = ks_gradient(ks_sum_all(a), x), *ds = ks_gradient(ks_sum_all(s), x);
    cr_assert(ks_feed(x, KS_F64, KS_SHAPE(1, 1, 1, 2), ((const double[]){1, 2})));
    IS(y, 2);
    IS(dy, 0, 1);
    IS(s, 1.5);
    cr_assert(ks_feed(x, KS_F64, KS_SHAPE(2, 1, 1, 3), ((const double[]){1, 5, 4, 3, 2, 1})));
    SHAPE_IS(y, 2, 1, 1, 2);
    IS(y, 5, 5, 3, 2);
    IS(dy, 0, 2, 0, 1, 1, 0);
    IS(da, 0.5, 1, 0.5, 0.5, 1, 0.5);
    IS_NEAR(1e-15, ds, 1 / 3.0, 1 / 3.0, 1 / 3.0, 1 / 3.0, 1 / 3.0, 1 / 3.0);
    cr_assert(ks_feed(x, KS_F64, KS_SHAPE(0, 1, 2, 3), ((const double[]){0})));
    SHAPE_IS(y, 0, 1, 2, 2);
    SHAPE_IS(dy, 0, 1, 2, 3);
}

Test(pool, many_planes_have_the_same_bits_on_any_number_of_threads)
{
    static float x[64 * 20 * 20], one[64 * 400], two[64 * 400];
    for (int i = 0; i < 64 * 400; i++)
        x[i] = (float)sin(i * 0.7);
    for (int threads = 1; threads <= 2; threads++) {
        ks_graph *h = ks_graph_new(&(ks_graph_options){.size = sizeof(ks_graph_options), .threads = threads});
        ks_node *v = ks_variable(h, "v", KS_F32, KS_SHAPE(8, 8, 20, 20), KS_UNSET);
        cr_assert(ks_set(v, KS_F32, x));
        ks_node *y = ks_max_pool(ks_average_pool(v, KS_INTS(3), NULL), KS_INTS(3), NULL);
        cr_assert(ks_read(ks_gradient(ks_sum_all(ks_square(y)), v), KS_F32, threads == 1 ? one : two, 64 * 400));
        ks_graph_free(h);
    }
    cr_assert(!memcmp(one, two, sizeof one));
}

#define OPTIONS(...) (&(ks_window_options){__VA_ARGS__})

Test(pool, what_does_not_fit_is_refused)
{
    ks_node *x = image(KS_F64, KS_SHAPE(1, 2, 3, 4)), *m = VARIABLE(g, "m", KS_F64, KS_SHAPE(2, 2), 1, 2, 3, 4);
    ks_node *none = NOTHING(g, "none", KS_F64, KS_SHAPE(1, 1, 0, 2));
    REFUSED(g, ks_max_pool(m, KS_INTS(1), NULL), KS_BAD_SHAPE, "max_pool: needs [N, C, ...] with one to three spatial axes: 'm' is [2, 2]");
    REFUSED(g, ks_average_pool(x, KS_ABSENT, NULL), KS_BAD_ARGUMENT,
            "average_pool: kernel_shape is missing: it says how large a window is");
    REFUSED(g, ks_max_pool(x, KS_INTS(1, 2, 3), NULL), KS_BAD_ARGUMENT,
            "max_pool: kernel_shape has 3 numbers, but there are 2 spatial axes: give 2, or one for all");
    REFUSED(
        g, ks_max_pool(x, KS_INTS(4), NULL), KS_BAD_SHAPE,
        "max_pool: a window of 4 elements, 1 apart, does not fit spatial axis 0, which has 3 and 0 + 0 of padding: 'x' is [1, 2, 3, 4]");
    REFUSED(g, ks_max_pool(x, KS_INTS(2), OPTIONS(.pads = KS_INTS(2))), KS_BAD_ARGUMENT,
            "max_pool: padding of 2 + 2 is not less than the window, which is 2 long: some would see nothing");
    REFUSED(g, ks_adaptive_max_pool(x, KS_INTS(1, 2, 3)), KS_BAD_ARGUMENT,
            "adaptive_max_pool: output_size has 3 numbers, but there are 2 spatial axes: give 2, or one for all");
    REFUSED(g, ks_adaptive_average_pool(x, KS_INTS(0)), KS_BAD_ARGUMENT,
            "adaptive_average_pool: output_size has a 0: its numbers are from 1 to 2^31 - 1");
    REFUSED(g, ks_adaptive_average_pool(none, KS_INTS(1)), KS_BAD_SHAPE,
            "adaptive_average_pool: spatial axis 0 is empty, so there is nothing to pool: 'none' is [1, 1, 0, 2]");
    ks_node *y = ks_max_pool(x, KS_INTS(2), NULL), *a = ks_average_pool(x, KS_INTS(2), NULL);
    REFUSED(g, ks_apply(g, &ks__op_max_pool_grad, ((ks_node *[]){x, x}), 2, ks_node_attrs(y)), KS_BAD_SHAPE,
            "max_pool_grad: the first is not what pooling makes of the second: 'x' is [1, 2, 3, 4], 'x' is [1, 2, 3, 4]");
    REFUSED(g, ks_apply(g, &ks__op_average_pool_grad, ((ks_node *[]){x, x}), 2, ks_node_attrs(a)), KS_BAD_SHAPE,
            "average_pool_grad: the first is not what pooling makes of the second: 'x' is [1, 2, 3, 4], 'x' is [1, 2, 3, 4]");
    REFUSED(g, ks_apply(g, &ks__op_max_pool_take, ((ks_node *[]){none, x}), 2, ks_node_attrs(y)), KS_BAD_SHAPE,
            "max_pool_take: both must have one shape: 'none' is [1, 1, 0, 2], 'x' is [1, 2, 3, 4]");
}
