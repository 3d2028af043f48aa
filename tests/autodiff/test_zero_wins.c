/*
 * test_zero_wins.c - an upstream derivative of exactly zero gives zero, whatever the partial: branches that were not taken,
 * square roots at 0, logarithms at and below 0, and corners; first and second order.
 */
#include "autodiff.h"

static ks_node *num(ks_graph *g, double value)
{
    return ks_number(g, value);
}

static ks_node *positive(ks_node *x)
{
    return ks_greater(x, num(ks_node_graph(x), 0));
}

/* where(x > 0, f(x), 0) at 0 and below: derivative 0, of every order. */
#define BRANCH(NAME, F)                                                                                                                    \
    Test(zero_wins, where_not_taken_##NAME)                                                                                                \
    {                                                                                                                                      \
        static const double at[] = {0, -0.0, -1, -1e300, -INFINITY};                                                                       \
        for (size_t i = 0; i < sizeof at / sizeof *at; i++) {                                                                              \
            ks_graph *g = graph();                                                                                                         \
            ks_node *x = fed(g, "x", at[i]), *y = ks_where(positive(x), F, num(g, 0)), *first = ks_gradient(y, x);                         \
            expect_exactly(ks_scalar(y), 0);                                                                                               \
            expect_exactly(ks_scalar(first), 0);                                                                                           \
            expect_exactly(slope(first, x), 0);                                                                                            \
            done(g);                                                                                                                       \
        }                                                                                                                                  \
    }

BRANCH(sqrt, ks_sqrt(x))
BRANCH(log, ks_log(x))
BRANCH(reciprocal, ks_div(num(g, 1), x))
BRANCH(power, ks_pow(x, num(g, 0.5)))
BRANCH(negative_power, ks_pow(x, num(g, -2)))
BRANCH(sqrt_of_sqrt, ks_sqrt(ks_sqrt(x)))
BRANCH(log_of_sqrt, ks_log(ks_sqrt(x)))
BRANCH(x_log_x, ks_mul(x, ks_log(x)))
BRANCH(sqrt_over_x, ks_div(ks_sqrt(x), x))
BRANCH(exp_of_minus_log, ks_exp(ks_neg(ks_log(x))))

Test(zero_wins, where_taken_is_as_without_where)
{
    ks_graph *g = graph();
    ks_node *x = given(g, "x", KS_SHAPE(4), VALUES(4, 0, -1, 0.25)), *y = ks_where(positive(x), ks_sqrt(x), num(g, 0));
    ks_node *first = ks_gradient(y, x);
    expect_elements(first, 1e-15, 0.25, 0, 0, 1);
    expect_elements(ks_gradient(first, x), 1e-15, -0.25 / 8, 0, 0, -2);
    done(g);
}

Test(zero_wins, second_derivative_where_the_upstream_is_zero_but_changes)
{
    /* y = (sqrt(x) - 1)^2 / 2 at 1: y' = 0, y'' = 1/4 */
    ks_graph *g = graph();
    ks_node *x = fed(g, "x", 1), *y = ks_mul(num(g, 0.5), ks_square(ks_sub(ks_sqrt(x), num(g, 1)))), *first = ks_gradient(y, x);
    expect_exactly(ks_scalar(first), 0);
    expect_exactly(slope(first, x), 0.25);
    done(g);
}

Test(zero_wins, chain_mul_itself)
{
    ks_graph *g = graph();
    ks_node *u = given(g, "u", KS_SHAPE(5), VALUES(0, 0, -0.0, 2, 0)),
            *p = given(g, "p", KS_SHAPE(5), VALUES(INFINITY, NAN, -INFINITY, 3, 5));
    ks_node *y = ks_chain_mul(u, p), *du = ks_gradient(y, u), *dp = ks_gradient(y, p);
    expect_elements(y, 0, 0, 0, 0, 6, 0);
    expect_elements(dp, 0, 0, 0, 0, 2, 0);
    double got[5];
    cr_assert(ks_read(du, KS_F64, got, 5));
    cr_expect(isinf(got[0]) && isnan(got[1]) && got[3] == 3 && got[4] == 5); /* d/du is p, where u moves away from 0 */
    done(g);
}

Test(zero_wins, a_nan_that_was_taken_stays)
{
    ks_graph *g = graph();
    ks_node *x = fed(g, "x", -1), *y = ks_where(ks_less(x, num(g, 0)), ks_log(x), x);
    cr_expect(isnan(ks_scalar(y)));
    expect_exactly(slope(y, x), -1); /* the derivative of log is 1/x there too */
    done(g);
}

Test(zero_wins, sqrt_at_zero_alone_is_infinite)
{
    ks_graph *g = graph();
    ks_node *x = fed(g, "x", 0);
    cr_expect(isinf(slope(ks_sqrt(x), x)));
    done(g);
}

/* ---- corners ------------------------------------------------------------------------------------------- */

Test(zero_wins, relu_at_zero_is_flat)
{
    ks_graph *g = graph();
    ks_node *x = given(g, "x", KS_SHAPE(4), VALUES(-1, 0, -0.0, 2)), *first = ks_gradient(ks_relu(x), x);
    expect_elements(first, 0, 0, 0, 0, 1);
    expect_elements(ks_gradient(first, x), 0, 0, 0, 0, 0);
    done(g);
}

Test(zero_wins, relu_keeps_what_it_shut_out_even_from_an_infinite_upstream)
{
    /* sqrt(relu(x)) at 0: upstream infinite, partial 0 */
    ks_graph *g = graph();
    ks_node *x = given(g, "x", KS_SHAPE(3), VALUES(0, -2, 4)), *first = ks_gradient(ks_sqrt(ks_relu(x)), x);
    expect_elements(first, 1e-16, 0, 0, 0.25);
    expect_elements(ks_gradient(first, x), 1e-16, 0, 0, -0.03125);
    done(g);
}

Test(zero_wins, abs_at_zero_is_flat)
{
    ks_graph *g = graph();
    ks_node *x = given(g, "x", KS_SHAPE(3), VALUES(-3, 0, 2)), *first = ks_gradient(ks_abs(x), x);
    expect_elements(first, 0, -1, 0, 1);
    expect_elements(ks_gradient(first, x), 0, 0, 0, 0);
    expect_elements(ks_gradient(ks_sqrt(ks_abs(x)), x), 1e-15, -0.5 / sqrt(3), 0, 0.5 / sqrt(2));
    done(g);
}

Test(zero_wins, maximum_shares_where_equal)
{
    ks_graph *g = graph();
    ks_node *a = given(g, "a", KS_SHAPE(3), VALUES(1, 2, 3)), *b = given(g, "b", KS_SHAPE(3), VALUES(3, 2, 1));
    expect_elements(ks_gradient(ks_maximum(a, b), a), 0, 0, 0.5, 1);
    expect_elements(ks_gradient(ks_maximum(a, b), b), 0, 1, 0.5, 0);
    expect_elements(ks_gradient(ks_minimum(a, b), a), 0, 1, 0.5, 0);
    expect_elements(ks_gradient(ks_gradient(ks_maximum(a, b), a), a), 0, 0, 0, 0);
    done(g);
}

Test(zero_wins, maximum_as_a_guard_under_a_root)
{
    /* sqrt(max(x, 0)) below 0: what was not selected gets nothing from the infinite derivative at 0 */
    ks_graph *g = graph();
    ks_node *x = given(g, "x", KS_SHAPE(2), VALUES(-1, 4)), *first = ks_gradient(ks_sqrt(ks_maximum(x, num(g, 0))), x);
    expect_elements(first, 0, 0, 0.25);
    expect_elements(ks_gradient(first, x), 1e-16, 0, -0.03125);
    done(g);
}

Test(zero_wins, clipped_to_an_interval)
{
    ks_graph *g = graph();
    ks_node *x = given(g, "x", KS_SHAPE(4), VALUES(-1, 0.25, 1, 7)), *clipped = ks_minimum(ks_maximum(x, num(g, 0)), num(g, 1));
    expect_elements(ks_gradient(ks_sqrt(clipped), x), 0, 0, 1, 0.25, 0);
    done(g);
}

Test(zero_wins, step_is_flat)
{
    ks_graph *g = graph();
    ks_node *x = given(g, "x", KS_SHAPE(3), VALUES(-1, 0, 1));
    expect_elements(ks_gradient(ks_mul(ks_step_function(x), num(g, 3)), x), 0, 0, 0, 0);
    done(g);
}

Test(zero_wins, a_power_of_zero_is_flat_at_zero)
{
    ks_graph *g = graph();
    ks_node *x = fed(g, "x", 0), *first = ks_gradient(ks_pow(x, num(g, 0)), x), *square = ks_gradient(ks_pow(x, num(g, 2)), x);
    expect_exactly(ks_scalar(first), 0);
    expect_exactly(ks_scalar(square), 0);
    expect_exactly(slope(square, x), 2);
    done(g);
}

Test(zero_wins, masked_rows_of_a_loss_add_nothing)
{
    /* The sum over valid rows of log x: the other rows are NaN or infinite. */
    ks_graph *g = graph();
    ks_node *x = given(g, "x", KS_SHAPE(2, 2), VALUES(2, 4, -1, 0)), *w = scalar(g, "w", 1);
    ks_node *valid = ks_constant(g, KS_BOOL, KS_SHAPE(2, 1), ((uint8_t[]){1, 0}));
    ks_node *loss = ks_sum_all(ks_where(valid, ks_log(ks_mul(x, w)), num(g, 0)));
    expect_elements(ks_gradient(loss, x), 1e-16, 0.5, 0.25, 0, 0);
    expect_near(slope(loss, w), 2, 1e-15);
    done(g);
}

Test(zero_wins, in_f32_too)
{
    ks_graph *g = graph();
    ks_node *x = ks_variable(g, "x", KS_F32, KS_SHAPE(3), KS_UNSET);
    cr_assert(ks_set(x, KS_F32, ((float[]){-1, 0, 4})));
    ks_node *first = ks_gradient(ks_where(positive(x), ks_sqrt(x), num(g, 0)), x);
    expect_elements(first, 0, 0, 0, 0.25);
    expect_elements(ks_gradient(first, x), 0, 0, 0, -0.03125);
    done(g);
}

/* The plain path and every instruction set agree. */
Test(zero_wins, whatever_the_instruction_set)
{
    static const char *const names[] = {"plain", "x86-64-v2", "x86-64-v3", "x86-64-v4"};
    for (int k = 0; k < 4; k++) {
        ks_graph_options options = {.size = sizeof options, .isa = names[k], .without = ~0u};
        ks_graph *g = ks_graph_new(&options);
        if (!g)
            continue; /* this machine has not got it */
        double values[37], got[37];
        for (int i = 0; i < 37; i++)
            values[i] = i % 3 - 1;
        ks_node *x = given(g, "x", KS_SHAPE(37), values), *d = ks_gradient(ks_where(positive(x), ks_sqrt(x), num(g, 0)), x);
        cr_assert(ks_read(d, KS_F64, got, 37));
        for (int i = 0; i < 37; i++)
            expect_exactly(got[i], values[i] > 0 ? 0.5 : 0);
        done(g);
    }
}
