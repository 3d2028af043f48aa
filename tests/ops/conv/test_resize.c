/*
 * test_resize.c - resize: values and derivatives of another system in all modes, open and empty sizes, and what is refused.
 */
#include "ops/ops.h"

#include <keisan/ops/conv.h>

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

TestSuite(resize, .init = open, .fini = close);

/* x[i] = (37 i mod 23 - 11) / 4 */
static ks_node *image(const char *name, ks_dtype dtype, ks_shape shape)
{
    double values[64];
    for (int i = 0; i < 64; i++)
        values[i] = ((i * 37) % 23 - 11) / 4.0;
    return make_variable(g, name, dtype, shape, values, ks_shape_count(shape));
}

/* The gradient of sum of k y[k - 1], k from 1. */
static ks_node *gradient(ks_node *y, ks_node *x)
{
    double weights[256];
    for (int i = 0; i < 256; i++)
        weights[i] = i + 1;
    ks_node *u = ks_constant(g, KS_F64, ks_node_shape(y), weights);
    return ks_gradient(ks_sum_all(ks_mul(y, ks_cast(u, ks_node_dtype(y)))), x);
}

static void check_gradients(ks_node *loss)
{
    ks_gradcheck_report report;
    cr_assert(ks_gradcheck(loss, NULL, 0, NULL, &report), "%s", ks_error(g) ? ks_error(g)->message : "?");
    for (int i = 0; i < report.count; i++)
        cr_assert_lt(report.rows[i].worst_relative, 1e-6, "%s: %g", report.rows[i].name, report.rows[i].worst_relative);
    cr_assert(report.passed);
    ks_gradcheck_free(&report);
}

/* ---- torch.nn.functional.interpolate of PyTorch 1.13 -------------------------------------------------------- */

static void is(ks_node *y, ks_node *x, const double *values, int64_t n, const double *derivative, int64_t m)
{
    double tolerance = ks_node_dtype(x) == KS_F32 ? 1e-5 : 1e-13;
    check_values(__FILE__, __LINE__, y, tolerance, values, n);
    check_values(__FILE__, __LINE__, gradient(y, x), tolerance, derivative, m);
}
#define VALUES(...) (const double[]){__VA_ARGS__}, COUNT(__VA_ARGS__)

Test(resize, bilinear_to_a_size)
{
    for (ks_dtype t = KS_F32; t <= KS_F64; t++) {
        ks_node *x = image(ks_dtype_name(t), t, KS_SHAPE(2, 1, 3, 4));
        is(ks_resize(x, KS_INTS(5, 6), KS_LINEAR, KS_HALF_PIXEL), x,
           VALUES(-2.75, -1, 0.37500000000000033, -1.125, 0.25, 2, -1.7500000000000004, -1.1499999999999999, -0.54166666666666652,
                  -0.50833333333333341, 0.10000000000000001, 0.70000000000000018, -0.25, -1.3749999999999998, -1.9166666666666672,
                  0.41666666666666641, -0.125, -1.25, 1.2499999999999996, 0.12499999999999969, -0.99166666666666681, -0.95833333333333304,
                  -0.34999999999999998, 0.24999999999999975, 2.25, 1.125, -0.37499999999999967, -1.875, -0.49999999999999994,
                  1.2499999999999998, -1, 0.74999999999999978, 2.1250000000000004, 0.62500000000000022, -0.875, -2, -1.3877787807814457e-16,
                  0.59999999999999987, 1.2083333333333335, 1.2416666666666667, 0.12499999999999981, -1.0000000000000002, 1.5,
                  0.37500000000000006, -0.16666666666666718, 2.1666666666666665, 1.625, 0.5, -0.44999999999999957, 0.15000000000000002,
                  0.75833333333333319, 0.79166666666666707, -0.32499999999999962, -1.4499999999999995, -1.75, -7.9797279894933126e-17,
                  1.3750000000000002, -0.12499999999999983, -1.6249999999999998, -2.7499999999999996),
           VALUES(8.6000000000000014, 12.06666666666667, 15.533333333333331, 19, 36, 39.900000000000006, 43.799999999999997,
                  47.70000000000001, 55.399999999999991, 58.86666666666666, 62.333333333333321, 65.799999999999997, 80.600000000000009,
                  84.066666666666677, 87.533333333333317, 91, 117.00000000000001, 120.90000000000002, 124.8, 128.70000000000002,
                  127.39999999999999, 130.86666666666667, 134.33333333333331, 137.79999999999998));
        is(ks_resize(x, KS_INTS(2, 3), KS_LINEAR, KS_HALF_PIXEL), x,
           VALUES(-1.78125, -0.46875, 0.84374999999999933, 1.25, -1.03125, 0.28124999999999939, -0.031250000000000035, 1.28125,
                  -0.99999999999999944, -0.59375, 0.71875, -1.5624999999999993),
           VALUES(0.625, 0.875, 1.1250000000000007, 1.8749999999999993, 1.0416666666666667, 1.0833333333333333, 1.2500000000000007,
                  1.8749999999999993, 2.5, 2.375, 2.6250000000000013, 3.7499999999999987, 4.375, 3.875, 4.1250000000000018,
                  5.6249999999999982, 3.541666666666667, 3.083333333333333, 3.2500000000000018, 4.3749999999999982, 6.25, 5.375,
                  5.6250000000000027, 7.4999999999999973));
    }
}

Test(resize, bilinear_with_aligned_corners)
{
    for (ks_dtype t = KS_F32; t <= KS_F64; t++) {
        ks_node *x = image(ks_dtype_name(t), t, KS_SHAPE(2, 1, 3, 4));
        is(ks_resize(x, KS_INTS(4, 7), KS_LINEAR, KS_ALIGN_CORNERS), x,
           VALUES(-2.75, -1, 0.75, -0.375, -1.5, 0.25, 2, -1.0833333333333335, -1.25, -1.4166666666666665, -0.625, 0.16666666666666663,
                  -1.3877787807814457e-17, -0.16666666666666655, 0.58333333333333315, -0.54166666666666696, -1.666666666666667,
                  -0.87499999999999989, -0.083333333333333093, -0.24999999999999997, -0.41666666666666691, 2.25, 1.125, 0, -1.125, -2.25,
                  -0.5, 1.25, -1, 0.75, 2.5, 1.375, 0.25, -0.875, -2, 0.66666666666666652, 0.5, 0.33333333333333348, 1.125,
                  1.9166666666666665, 0.79166666666666652, -0.33333333333333343, 0.4166666666666668, 0.25000000000000006,
                  0.083333333333333204, 0.875, 1.666666666666667, 0.54166666666666696, -0.58333333333333304, -1.75, 0, 1.75, 0.625, -0.5,
                  -1.625, -2.75),
           VALUES(6.166666666666667, 12.666666666666668, 18, 16.833333333333332, 23.666666666666664, 36, 41.333333333333336,
                  34.333333333333336, 41.166666666666664, 59.333333333333329, 64.666666666666657, 51.833333333333329, 62.166666666666664,
                  87.333333333333343, 92.666666666666657, 72.833333333333343, 79.666666666666671, 110.66666666666666, 116,
                  90.333333333333329, 97.166666666666657, 134, 139.33333333333331, 107.83333333333333));
    }
}

Test(resize, the_nearest_element)
{
    for (ks_dtype t = KS_F32; t <= KS_F64; t++) {
        ks_node *x = image(ks_dtype_name(t), t, KS_SHAPE(2, 1, 3, 4));
        is(ks_upsample(x, KS_INTS(2), KS_NEAREST), x,
           VALUES(-2.75, -2.75, 0.75, 0.75, -1.5, -1.5, 2, 2, -2.75, -2.75, 0.75, 0.75, -1.5, -1.5, 2, 2, -0.25, -0.25, -2.5, -2.5, 1, 1,
                  -1.25, -1.25, -0.25, -0.25, -2.5, -2.5, 1, 1, -1.25, -1.25, 2.25, 2.25, 0, 0, -2.25, -2.25, 1.25, 1.25, 2.25, 2.25, 0, 0,
                  -2.25, -2.25, 1.25, 1.25, -1, -1, 2.5, 2.5, 0.25, 0.25, -2, -2, -1, -1, 2.5, 2.5, 0.25, 0.25, -2, -2, 1.5, 1.5, -0.75,
                  -0.75, 2.75, 2.75, 0.5, 0.5, 1.5, 1.5, -0.75, -0.75, 2.75, 2.75, 0.5, 0.5, -1.75, -1.75, 1.75, 1.75, -0.5, -0.5, -2.75,
                  -2.75, -1.75, -1.75, 1.75, 1.75, -0.5, -0.5, -2.75, -2.75),
           VALUES(22, 30, 38, 46, 86, 94, 102, 110, 150, 158, 166, 174, 214, 222, 230, 238, 278, 286, 294, 302, 342, 350, 358, 366));
        is(ks_resize(x, KS_INTS(5, 12), KS_NEAREST, KS_HALF_PIXEL), x,
           VALUES(-2.75, -2.75, -2.75, 0.75, 0.75, 0.75, -1.5, -1.5, -1.5, 2, 2, 2, -2.75, -2.75, -2.75, 0.75, 0.75, 0.75, -1.5, -1.5, -1.5,
                  2, 2, 2, -0.25, -0.25, -0.25, -2.5, -2.5, -2.5, 1, 1, 1, -1.25, -1.25, -1.25, 2.25, 2.25, 2.25, 0, 0, 0, -2.25, -2.25,
                  -2.25, 1.25, 1.25, 1.25, 2.25, 2.25, 2.25, 0, 0, 0, -2.25, -2.25, -2.25, 1.25, 1.25, 1.25, -1, -1, -1, 2.5, 2.5, 2.5,
                  0.25, 0.25, 0.25, -2, -2, -2, -1, -1, -1, 2.5, 2.5, 2.5, 0.25, 0.25, 0.25, -2, -2, -2, 1.5, 1.5, 1.5, -0.75, -0.75, -0.75,
                  2.75, 2.75, 2.75, 0.5, 0.5, 0.5, -1.75, -1.75, -1.75, 1.75, 1.75, 1.75, -0.5, -0.5, -0.5, -2.75, -2.75, -2.75, -1.75,
                  -1.75, -1.75, 1.75, 1.75, 1.75, -0.5, -0.5, -0.5, -2.75, -2.75, -2.75),
           VALUES(48, 66, 84, 102, 78, 87, 96, 105, 264, 282, 300, 318, 408, 426, 444, 462, 258, 267, 276, 285, 624, 642, 660, 678));
    }
}

Test(resize, one_and_three_axes)
{
    ks_node *x = image("x", KS_F64, KS_SHAPE(1, 1, 2, 2, 3)), *v = image("v", KS_F64, KS_SHAPE(1, 2, 3));
    is(ks_resize(x, KS_INTS(3, 3, 4), KS_LINEAR, KS_HALF_PIXEL), x,
       VALUES(-2.75, -0.5625, -0.09375, -1.5, -0.37500000000000011, 0.015624999999999958, -0.59374999999999989, -1.9999999999999998, 2,
              0.59375, -1.09375, -2.5, -0.875, -0.48437499999999994, -0.015625000000000007, 0.37499999999999989, 0.062499999999999917,
              -0.44531249999999994, -0.51562499999999989, -0.12500000000000006, 1, -0.40624999999999994, -1.0156249999999998, -0.625, 1,
              -0.40625000000000006, 0.062499999999999917, 2.25, 0.5, -0.90625, -0.4375, 1.7499999999999998, 0, -1.4062499999999998, -0.9375,
              1.2499999999999998),
       VALUES(20.4375, 22.03125, 28.03125, 36.937499999999993, 37.03125, 44.53125, 69.9375, 67.03125, 77.531249999999986, 86.4375,
              82.031249999999986, 94.03125));
    is(ks_resize(v, KS_INTS(5), KS_LINEAR, KS_ALIGN_CORNERS), v, VALUES(-2.75, -1, 0.75, -0.375, -1.5, 2, 0.875, -0.25, -1.375, -2.5),
       VALUES(2, 6, 7, 9.5, 16, 14.5));
}

/* ---- by hand --------------------------------------------------------------------------------------------- */

Test(resize, asymmetric_positions_and_halves)
{
    ks_node *x = VARIABLE(g, "x", KS_F64, KS_SHAPE(1, 1, 2), 1, 3);
    IS(ks_resize(x, KS_INTS(4), KS_LINEAR, KS_ASYMMETRIC), 1, 2, 3, 3);
    IS(ks_resize(x, KS_INTS(4), KS_NEAREST, KS_ASYMMETRIC), 1, 1, 3, 3); /* 0, 0.5, 1, 1.5: a half goes down */
    IS(ks_resize(x, KS_INTS(1), KS_LINEAR, KS_ALIGN_CORNERS), 1);
    IS(ks_resize(x, KS_INTS(1), KS_LINEAR, KS_HALF_PIXEL), 2);
}

Test(resize, what_is_infinite_stays_where_it_is)
{
    ks_node *x = VARIABLE(g, "x", KS_F64, KS_SHAPE(1, 1, 3, 2), 1, 1, 1, 1, INF_, NAN_);
    IS(ks_resize(x, KS_INTS(3, 2), KS_LINEAR, KS_HALF_PIXEL), 1, 1, 1, 1, INF_, NAN_);
}

Test(resize, derivatives_of_all_orders_agree_with_differences)
{
    ks_node *x = image("x", KS_F64, KS_SHAPE(1, 2, 3, 4));
    for (ks_coordinates c = KS_HALF_PIXEL; c <= KS_ASYMMETRIC; c++) {
        for (ks_resize_mode mode = KS_NEAREST; mode <= KS_LINEAR; mode++) {
            ks_node *loss = ks_sum_all(ks_sin(ks_resize(x, KS_INTS(4, 3), mode, c))), *dx = ks_gradient(loss, x);
            check_gradients(loss);
            check_gradients(ks_sum_all(ks_square(dx)));
        }
    }
}

Test(resize, open_and_empty_sizes)
{
    ks_node *x = ks_input(g, "x", KS_F64, KS_SHAPE(ks_dim(g, "N"), 1, KS_ANY)), *y = ks_upsample(x, KS_INTS(2), KS_NEAREST);
    ks_node *dx = ks_gradient(ks_sum_all(y), x), *two = ks_resize(x, KS_INTS(2), KS_LINEAR, KS_HALF_PIXEL);
    cr_assert(ks_feed(x, KS_F64, KS_SHAPE(1, 1, 1), ((const double[]){3})));
    IS(y, 3, 3);
    IS(two, 3, 3);
    cr_assert(ks_feed(x, KS_F64, KS_SHAPE(2, 1, 2), ((const double[]){1, 2, 3, 4})));
    IS(y, 1, 1, 2, 2, 3, 3, 4, 4);
    IS(dx, 2, 2, 2, 2);
    cr_assert(ks_feed(x, KS_F64, KS_SHAPE(0, 1, 2), ((const double[]){0})));
    SHAPE_IS(y, 0, 1, 4);
    SHAPE_IS(dx, 0, 1, 2);
}

Test(resize, what_does_not_fit_is_refused)
{
    ks_node *x = image("x", KS_F64, KS_SHAPE(1, 1, 3, 4)), *m = VARIABLE(g, "m", KS_F64, KS_SHAPE(2, 2), 1, 2, 3, 4);
    ks_node *none = NOTHING(g, "none", KS_F64, KS_SHAPE(1, 1, 0));
    REFUSED(g, ks_upsample(m, KS_INTS(2), KS_NEAREST), KS_BAD_SHAPE,
            "resize: needs [N, C, ...] with one to three spatial axes: 'm' is [2, 2]");
    REFUSED(g, ks_upsample(x, KS_ABSENT, KS_NEAREST), KS_BAD_ARGUMENT, "resize: needs either sizes or factors");
    REFUSED(g, ks_upsample(x, KS_INTS(2, 2, 2), KS_NEAREST), KS_BAD_ARGUMENT,
            "resize: factors has 3 numbers, but there are 2 spatial axes: give 2, or one for all");
    REFUSED(g, ks_resize(x, KS_INTS(0), KS_NEAREST, KS_HALF_PIXEL), KS_BAD_ARGUMENT,
            "resize: sizes has a 0: its numbers are from 1 to 2^31 - 1");
    REFUSED(g, ks_resize(x, KS_INTS(2), (ks_resize_mode)2, KS_HALF_PIXEL), KS_BAD_ARGUMENT,
            "resize: mode is 2: it is 0 (nearest) or 1 (linear)");
    REFUSED(g, ks_resize(x, KS_INTS(2), KS_NEAREST, (ks_coordinates)3), KS_BAD_ARGUMENT,
            "resize: coordinates is 3: it is 0 (half_pixel), 1 (align_corners) or 2 (asymmetric)");
    REFUSED(g, ks_upsample(none, KS_INTS(2), KS_NEAREST), KS_BAD_SHAPE,
            "resize: spatial axis 0 is empty, so there is nothing to resize: 'none' is [1, 1, 0]");
    ks_node *y = ks_upsample(x, KS_INTS(2), KS_NEAREST);
    REFUSED(g, ks_apply(g, &ks__op_resize_grad, ((ks_node *[]){x, x}), 2, ks_node_attrs(y)), KS_BAD_SHAPE,
            "resize_grad: the first is not what resizing makes of the second: 'x' is [1, 1, 3, 4], 'x' is [1, 1, 3, 4]");
}
