/*
 * test_im2col.c - im2col and col2im: values and derivatives of another system, the product that is a convolution, open and empty sizes, and
 * what is refused.
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

TestSuite(im2col, .init = open, .fini = close);

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

/* torch.nn.functional.unfold of PyTorch 1.13, its columns as rows */
Test(im2col, windows_become_rows)
{
    ks_node *x = image("x", KS_F64, KS_SHAPE(2, 2, 3, 3));
    ks_node *y = ks_im2col(x, KS_INTS(2), &(ks_window_options){.strides = KS_INTS(1, 2), .pads = KS_INTS(0, 1)});
    SHAPE_IS(y, 8, 8);
    IS(y, 0, -2.75, 0, 2, 0, 0, 0, -1, 0.75, -1.5, -0.25, -2.5, -2.25, 1.25, 2.5, 0.25, 0, 2, 0, 1, 0, -1, 0, -2, -0.25, -2.5, -1.25, 2.25,
       2.5, 0.25, 1.5, -0.75, 0, 2.75, 0, 1.75, 0, -0.25, 0, -1.25, 0.5, -1.75, -0.5, -2.75, -2.5, 1, 2.25, 0, 0, 1.75, 0, 0.75, 0, -1.25,
       0, -2.25, -0.5, -2.75, -1.5, 2, 2.25, 0, 1.25, -1);
    IS(gradient(y, x), 2, 9, 10, 22, 36, 38, 20, 27, 28, 6, 13, 14, 30, 44, 46, 24, 31, 32, 34, 41, 42, 86, 100, 102, 52, 59, 60, 38, 45,
       46, 94, 108, 110, 56, 63, 64);
}

Test(im2col, windows_may_have_holes_and_any_shape)
{
    for (ks_dtype t = KS_F32; t <= KS_F64; t++) {
        ks_node *x = image(ks_dtype_name(t), t, KS_SHAPE(2, 1, 3, 4));
        ks_node *y =
            ks_im2col(x, KS_INTS(2, 3), &(ks_window_options){.strides = KS_INTS(2), .pads = KS_INTS(1), .dilations = KS_INTS(2, 1)});
        SHAPE_IS(y, 8, 6);
        IS(y, 0, 0, 0, 0, -0.25, -2.5, 0, 0, 0, -2.5, 1, -1.25, 0, -0.25, -2.5, 0, 0, 0, -2.5, 1, -1.25, 0, 0, 0, 0, 0, 0, 0, 1.5, -0.75, 0,
           0, 0, -0.75, 2.75, 0.5, 0, 1.5, -0.75, 0, 0, 0, -0.75, 2.75, 0.5, 0, 0, 0);
        IS(gradient(y, x), 0, 0, 0, 0, 19, 50, 31, 33, 0, 0, 0, 0, 0, 0, 0, 0, 67, 146, 79, 81, 0, 0, 0, 0);
    }
}

Test(im2col, a_product_with_filters_is_a_convolution)
{
    ks_node *x = image("x", KS_F64, KS_SHAPE(1, 2, 4, 4)), *w = image("w", KS_F64, KS_SHAPE(3, 2, 2, 2));
    ks_node *y = ks_conv(x, w, NULL, NULL), *rows = ks_im2col(x, KS_INTS(2), NULL);
    ks_node *product = ks_matmul(rows, ks_transpose(ks_reshape(w, KS_SHAPE(3, 8)), KS_INTS(1, 0)));
    ks_node *difference = ks_sub(product, ks_reshape(ks_transpose(y, KS_INTS(0, 2, 3, 1)), KS_SHAPE(9, 3)));
    cr_assert_lt(ks_scalar(ks_max_all(ks_abs(difference))), 1e-12);
}

Test(im2col, col2im_adds_what_overlaps)
{
    ks_node *u = VARIABLE(g, "u", KS_F64, KS_SHAPE(2, 2), 1, 2, 3, 4), *like = VARIABLE(g, "like", KS_F64, KS_SHAPE(1, 1, 3), 0, 0, 0);
    IS(ks_col2im(u, like, KS_INTS(2), NULL), 1, 5, 4);
    IS(gradient(ks_col2im(u, like, KS_INTS(2), NULL), u), 1, 2, 2, 3);
}

Test(im2col, derivatives_of_all_orders_agree_with_differences)
{
    ks_node *x = image("x", KS_F64, KS_SHAPE(1, 2, 3, 4));
    ks_node *y = ks_im2col(x, KS_INTS(2), &(ks_window_options){.strides = KS_INTS(2), .pads = KS_INTS(1), .dilations = KS_INTS(1, 2)});
    ks_node *loss = ks_sum_all(ks_sin(y)), *dx = ks_gradient(loss, x);
    check_gradients(loss);
    check_gradients(ks_sum_all(ks_square(dx)));
}

Test(im2col, open_and_empty_sizes)
{
    ks_node *x = ks_input(g, "x", KS_F64, KS_SHAPE(ks_dim(g, "N"), 1, KS_ANY)), *y = ks_im2col(x, KS_INTS(2), NULL);
    ks_node *dx = ks_gradient(ks_sum_all(y), x);
    cr_assert(ks_feed(x, KS_F64, KS_SHAPE(1, 1, 2), ((const double[]){1, 2})));
    IS(y, 1, 2);
    cr_assert(ks_feed(x, KS_F64, KS_SHAPE(2, 1, 3), ((const double[]){1, 2, 3, 4, 5, 6})));
    IS(y, 1, 2, 2, 3, 4, 5, 5, 6);
    IS(dx, 1, 2, 1, 1, 2, 1);
    cr_assert(ks_feed(x, KS_F64, KS_SHAPE(0, 1, 3), ((const double[]){0})));
    SHAPE_IS(y, 0, 2);
    SHAPE_IS(dx, 0, 1, 3);
}

Test(im2col, what_does_not_fit_is_refused)
{
    ks_node *x = image("x", KS_F64, KS_SHAPE(1, 1, 3, 4)), *m = VARIABLE(g, "m", KS_F64, KS_SHAPE(2, 2), 1, 2, 3, 4);
    REFUSED(g, ks_im2col(m, KS_INTS(1), NULL), KS_BAD_SHAPE, "im2col: needs [N, C, ...] with one to three spatial axes: 'm' is [2, 2]");
    REFUSED(g, ks_im2col(x, KS_INTS(4), NULL), KS_BAD_SHAPE,
            "im2col: a window of 4 elements, 1 apart, does not fit spatial axis 0, which has 3 and 0 + 0 of padding: 'x' is [1, 1, 3, 4]");
    REFUSED(g, ks_col2im(m, x, KS_INTS(2), NULL), KS_BAD_SHAPE,
            "col2im: the first is not what im2col makes of the second: 'm' is [2, 2], 'x' is [1, 1, 3, 4]");
}
