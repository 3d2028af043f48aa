/*
 * test_higher.c - the steps of DeZero (the book's sequel) that these operations allow: first and higher derivatives. Values from
 * its chapters, and of tanh's derivatives from their closed forms.
 */
#include "autodiff.h"

/* ---- steps 1 to 8, 15, 16 ------------------------------------------------------------------------------ */

Test(higher, steps_1_to_8_composition)
{
    ks_graph *g = graph();
    ks_node *x = fed(g, "x", 0.5), *y = ks_square(ks_exp(ks_square(x)));
    expect_near(ks_scalar(y), 1.648721270700128, 1e-15);
    expect_near(slope(y, x), 3.297442541400256, 1e-15);
    done(g);
}

Test(higher, steps_11_to_13_two_inputs)
{
    ks_graph *g = graph();
    ks_node *x = fed(g, "x", 2), *y = fed(g, "y", 3), *z = ks_add(ks_square(x), ks_square(y));
    expect_exactly(ks_scalar(z), 13);
    expect_exactly(slope(z, x), 4);
    expect_exactly(slope(z, y), 6);
    done(g);
}

Test(higher, steps_15_and_16_an_order_by_generation)
{
    ks_graph *g = graph();
    ks_node *x = fed(g, "x", 2), *a = ks_square(x), *y = ks_add(ks_square(a), ks_square(a));
    expect_exactly(ks_scalar(y), 32);
    expect_exactly(slope(y, x), 64);
    done(g);
}

Test(higher, steps_20_to_22_operators_and_numbers)
{
    ks_graph *g = graph();
    ks_node *a = fed(g, "a", 3), *b = fed(g, "b", 2), *c = fed(g, "c", 1), *y = ks_add(ks_mul(a, b), c);
    expect_exactly(ks_scalar(y), 7);
    expect_exactly(slope(y, a), 2);
    expect_exactly(slope(y, b), 3);
    done(g);
}

Test(higher, step_23_a_sum_to_a_power)
{
    ks_graph *g = graph();
    ks_node *x = fed(g, "x", 1), *y = ks_pow(ks_add(x, ks_number(g, 3)), ks_number(g, 2));
    expect_exactly(ks_scalar(y), 16);
    expect_exactly(slope(y, x), 8);
    done(g);
}

/* ---- step 24: functions of two variables --------------------------------------------------------------- */

Test(higher, step_24_sphere)
{
    ks_graph *g = graph();
    ks_node *x = fed(g, "x", 1), *y = fed(g, "y", 1), *z = ks_add(ks_square(x), ks_square(y));
    expect_exactly(slope(z, x), 2);
    expect_exactly(slope(z, y), 2);
    done(g);
}

Test(higher, step_24_matyas)
{
    ks_graph *g = graph();
    ks_node *x = fed(g, "x", 1), *y = fed(g, "y", 1);
    ks_node *z = ks_sub(ks_mul(ks_number(g, 0.26), ks_add(ks_square(x), ks_square(y))), ks_mul(ks_mul(ks_number(g, 0.48), x), y));
    expect_near(ks_scalar(z), 0.04, 1e-15);
    expect_near(slope(z, x), 0.04, 1e-15);
    expect_near(slope(z, y), 0.04, 1e-15);
    done(g);
}

static ks_node *num(ks_graph *g, double value)
{
    return ks_number(g, value);
}

/* a0 + a1 x + a2 y + a3 x^2 + a4 x y + a5 y^2 */
static ks_node *quadric(ks_graph *g, ks_node *x, ks_node *y, const double *a)
{
    ks_node *terms[] = {ks_mul(num(g, a[1]), x), ks_mul(num(g, a[2]), y), ks_mul(num(g, a[3]), ks_square(x)),
                        ks_mul(ks_mul(num(g, a[4]), x), y), ks_mul(num(g, a[5]), ks_square(y))};
    ks_node *sum = num(g, a[0]);
    for (int i = 0; i < 5; i++)
        sum = ks_add(sum, terms[i]);
    return sum;
}

Test(higher, step_24_goldstein_price)
{
    ks_graph *g = graph();
    ks_node *x = fed(g, "x", 1), *y = fed(g, "y", 1);
    ks_node *p = ks_square(ks_add(ks_add(x, y), num(g, 1))), *q = ks_square(ks_sub(ks_mul(num(g, 2), x), ks_mul(num(g, 3), y)));
    ks_node *a = ks_add(ks_mul(p, quadric(g, x, y, VALUES(19, -14, -14, 3, 6, 3))), num(g, 1));
    ks_node *b = ks_add(ks_mul(q, quadric(g, x, y, VALUES(18, -32, 48, 12, -36, 27))), num(g, 30));
    ks_node *z = ks_mul(a, b);
    expect_exactly(ks_scalar(z), 1876);
    expect_exactly(slope(z, x), -5376);
    expect_exactly(slope(z, y), 8064);
    done(g);
}

/* ---- steps 27 to 29 ------------------------------------------------------------------------------------ */

Test(higher, step_27_sine_by_its_taylor_series)
{
    ks_graph *g = graph();
    ks_node *x = fed(g, "x", M_PI / 4), *y = ks_mul(num(g, 0), x);
    double factor = 1;
    int terms = 0;
    for (int i = 0; i < 100000; i++) {
        if (i)
            factor *= -1.0 / (2 * i) / (2 * i + 1);
        ks_node *t = ks_mul(num(g, factor), ks_pow(x, num(g, 2 * i + 1)));
        y = ks_add(y, t);
        terms++;
        if (fabs(ks_scalar(t)) < 1e-4) /* C's own if looks at a value while the graph grows */
            break;
    }
    cr_expect_eq(terms, 4);
    expect_near(ks_scalar(y), 0.7071064695751781, 1e-15);
    expect_near(slope(y, x), 0.7071032148228457, 1e-15);
    done(g);
}

static ks_node *rosenbrock(ks_node *x0, ks_node *x1)
{
    ks_graph *g = ks_node_graph(x0);
    return ks_add(ks_mul(num(g, 100), ks_square(ks_sub(x1, ks_square(x0)))), ks_square(ks_sub(x0, num(g, 1))));
}

Test(higher, step_28_first_gradient_of_rosenbrock)
{
    ks_graph *g = graph();
    ks_node *x0 = fed(g, "x0", 0), *x1 = fed(g, "x1", 2), *y = rosenbrock(x0, x1);
    expect_exactly(slope(y, x0), -2);
    expect_exactly(slope(y, x1), 400);
    done(g);
}

Test(higher, step_28_descent_on_rosenbrock)
{
    ks_graph *g = graph();
    double x[2] = {0, 2};
    ks_node *x0 = fed(g, "x0", 0), *x1 = fed(g, "x1", 2), *d[2];
    cr_assert(ks_gradients(rosenbrock(x0, x1), ((ks_node *[]){x0, x1}), 2, NULL, d));
    for (int i = 1; i <= 10000; i++) {
        feed(x0, x[0]);
        feed(x1, x[1]);
        cr_assert(ks_eval_all(d, 2));
        x[0] -= 0.001 * ks_scalar(d[0]);
        x[1] -= 0.001 * ks_scalar(d[1]);
        if (i == 1000) {
            expect_near(x[0], 0.68371, 5e-6);
            expect_near(x[1], 0.46595, 5e-6);
        }
    }
    expect_near(x[0], 0.99450, 5e-6);
    expect_near(x[1], 0.98901, 6e-6);
    cr_expect_eq(ks_graph_statistics(g).plans_compiled, 1);
    done(g);
}

/* y = x^4 - 2 x^2 by Newton's method from 2, with y'' by differentiating y' */
Test(higher, steps_29_and_33_newton)
{
    static const double path[] = {
        2, 1.4545454545454546, 1.1510467893775467, 1.0253259289766978, 1.0009084519430513, 1.0000012353089454, 1.000000000002289, 1};
    ks_graph *g = graph();
    double at = 2;
    ks_node *x = fed(g, "x", 2), *y = ks_sub(ks_pow(x, num(g, 4)), ks_mul(num(g, 2), ks_pow(x, num(g, 2))));
    ks_node *first = ks_gradient(y, x), *second = ks_gradient(first, x);
    for (int i = 0; i < 8; i++) {
        expect_near(at, path[i], 1e-14);
        feed(x, at);
        at -= ks_scalar(first) / ks_scalar(second);
    }
    done(g);
}

/* ---- steps 34 to 36 ------------------------------------------------------------------------------------ */

Test(higher, step_34_derivatives_of_sine)
{
    for (double at = -3; at < 3; at += 0.37) {
        ks_graph *g = graph();
        ks_node *x = fed(g, "x", at), *y = ks_sin(x);
        const double want[] = {sin(at), cos(at), -sin(at), -cos(at), sin(at)};
        for (int order = 0; order < 5; order++) {
            expect_near(ks_scalar(y), want[order], 1e-15);
            y = ks_gradient(y, x);
        }
        done(g);
    }
}

Test(higher, step_35_derivatives_of_tanh)
{
    static const double want[] = {0.41997434, -0.63970001, 0.62162668, 0.66509104, -5.5568936};
    ks_graph *g = graph();
    ks_node *x = fed(g, "x", 1), *y = ks_tanh(x);
    for (int order = 0; order < 5; order++) {
        y = ks_gradient(y, x);
        expect_near(ks_scalar(y), want[order], 5e-8);
    }
    done(g);
}

Test(higher, step_36_through_a_gradient)
{
    ks_graph *g = graph();
    ks_node *x = fed(g, "x", 2), *y = ks_square(x), *gx = ks_gradient(y, x);
    ks_node *z = ks_add(ks_pow(gx, num(g, 3)), y); /* (2x)^3 + x^2: 24 x^2 + 2x */
    expect_exactly(ks_scalar(z), 68);
    expect_exactly(slope(z, x), 100);
    done(g);
}

/* ---- closed forms -------------------------------------------------------------------------------------- */

Test(higher, exp_is_its_own_derivative_at_every_order)
{
    ks_graph *g = graph();
    ks_node *x = fed(g, "x", 1.25), *y = ks_exp(x);
    for (int order = 0; order < 8; order++) {
        expect_near(ks_scalar(y), exp(1.25), 1e-15);
        y = ks_gradient(y, x);
    }
    done(g);
}

Test(higher, a_power_runs_out)
{
    /* x^5: 5x^4, 20x^3, 60x^2, 120x, 120, 0 */
    static const double want[] = {80, 160, 240, 240, 120, 0, 0};
    ks_graph *g = graph();
    ks_node *x = fed(g, "x", 2), *y = ks_pow(x, num(g, 5));
    for (int order = 0; order < 7; order++) {
        y = ks_gradient(y, x);
        expect_near(ks_scalar(y), want[order], 1e-12);
    }
    done(g);
}

Test(higher, quotient_and_logarithm)
{
    /* log(x)/x: (1 - log x)/x^2, (2 log x - 3)/x^3 */
    ks_graph *g = graph();
    ks_node *x = fed(g, "x", 1.7), *y = ks_div(ks_log(x), x), *first = ks_gradient(y, x), *second = ks_gradient(first, x);
    expect_near(ks_scalar(first), (1 - log(1.7)) / (1.7 * 1.7), 1e-15);
    expect_near(ks_scalar(second), (2 * log(1.7) - 3) / (1.7 * 1.7 * 1.7), 1e-15);
    done(g);
}

Test(higher, mixed_partials_are_equal)
{
    ks_graph *g = graph();
    ks_node *x = fed(g, "x", 0.7), *y = fed(g, "y", -0.4), *z = ks_mul(ks_sin(ks_mul(x, y)), ks_exp(ks_sub(x, y)));
    double xy = slope(ks_gradient(z, x), y), yx = slope(ks_gradient(z, y), x);
    expect_near(xy, yx, 1e-15);
    done(g);
}

/* The Hessian of a quadratic form x^T a x is a + a^T, a row by a row. */
Test(higher, hessian_of_a_quadratic_form)
{
    ks_graph *g = graph();
    ks_node *x = given(g, "x", KS_SHAPE(3, 1), VALUES(0.3, -1, 2));
    ks_node *a = ks_constant(g, KS_F64, KS_SHAPE(3, 3), VALUES(1, 2, 3, 4, 5, 6, 7, 8, 10));
    ks_node *y = ks_sum_all(ks_matmul(ks_transpose(x, KS_ABSENT), ks_matmul(a, x))), *d = ks_gradient(y, x);
    static const double want[3][3] = {{2, 6, 10}, {6, 10, 14}, {10, 14, 20}};
    for (int i = 0; i < 3; i++) {
        ks_node *row = ks_gradient(ks_slice(d, 0, i, i + 1), x);
        expect_elements(row, 1e-14, want[i][0], want[i][1], want[i][2]);
    }
    done(g);
}

Test(higher, gradient_penalty_reaches_the_weights)
{
    /* p = |d/dx sigmoid(w x)|^2 = (w s(1-s))^2; dp/dw by hand: 2 w s'(s' + w x s''), s' = s(1-s), s'' = s'(1-2s) */
    ks_graph *g = graph();
    ks_node *x = fed(g, "x", 0.8), *w = scalar(g, "w", 1.3), *y = ks_sigmoid(ks_mul(w, x)), *p = ks_square(ks_gradient(y, x));
    double s = 1 / (1 + exp(-1.3 * 0.8)), s1 = s * (1 - s), s2 = s1 * (1 - 2 * s);
    expect_near(ks_scalar(p), 1.69 * s1 * s1, 1e-15);
    expect_near(slope(p, w), 2 * 1.3 * s1 * (s1 + 1.3 * 0.8 * s2), 1e-15);
    done(g);
}
