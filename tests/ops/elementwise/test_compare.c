/*
 * test_compare.c - comparisons, and where: it selects, so that what it did not take never reaches a gradient.
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

TestSuite(compare, .init = open, .fini = close);

Test(compare, of_every_dtype)
{
    for (int dtype = 0; dtype < KS_DTYPES; dtype++) {
        char a_name[8], b_name[8];
        snprintf(a_name, sizeof a_name, "a%d", dtype);
        snprintf(b_name, sizeof b_name, "b%d", dtype);
        ks_node *a = VARIABLE(g, a_name, (ks_dtype)dtype, KS_SHAPE(3), 0, 1, 1),
                *b = VARIABLE(g, b_name, (ks_dtype)dtype, KS_SHAPE(3), 1, 1, 0);
        IS(ks_equal(a, b), 0, 1, 0);
        IS(ks_not_equal(a, b), 1, 0, 1);
        IS(ks_less(a, b), 1, 0, 0);
        IS(ks_less_equal(a, b), 1, 1, 0);
        IS(ks_greater(a, b), 0, 0, 1);
        IS(ks_greater_equal(a, b), 0, 1, 1);
        DTYPE_IS(ks_less(a, b), KS_BOOL);
    }
}

Test(compare, negative_whole_numbers_are_less)
{
    ks_node *a = VARIABLE(g, "a", KS_I32, KS_SHAPE(2), -1, 5);
    IS(ks_less(a, ks_number(g, 0)), 1, 0);
    IS(ks_greater(VARIABLE(g, "u", KS_U8, KS_SHAPE(2), 255, 5), ks_number(g, 127)), 1, 0);
}

Test(compare, nan_equals_nothing_and_is_neither_less_nor_greater)
{
    ks_node *a = VARIABLE(g, "a", KS_F32, KS_SHAPE(2), NAN_, 0), *b = VARIABLE(g, "b", KS_F32, KS_SHAPE(2), NAN_, -0.0);
    IS(ks_equal(a, b), 0, 1);
    IS(ks_not_equal(a, b), 1, 0);
    IS(ks_less(a, b), 0, 0);
    IS(ks_less_equal(a, b), 0, 1);
    IS(ks_greater(a, b), 0, 0);
    IS(ks_greater_equal(a, b), 0, 1);
}

Test(compare, comparisons_broadcast)
{
    ks_node *column = VARIABLE(g, "column", KS_F32, KS_SHAPE(2, 1), 1, 3), *row = VARIABLE(g, "row", KS_F32, KS_SHAPE(3), 1, 2, 3);
    IS(ks_less(column, row), 0, 1, 1, 0, 0, 0);
    SHAPE_IS(ks_less(column, row), 2, 3);
}

Test(compare, comparisons_pass_no_derivative_and_say_why)
{
    ks_node *x = VARIABLE(g, "x", KS_F64, KS_SHAPE(2), 1, -1), *y = ks_cast(ks_greater(x, ks_number(g, 0)), KS_F64);
    IS(ks_gradient(y, x), 0, 0);
    cr_assert_not_null(ks_why_no_gradient(y, x));
}

/* ---- where --------------------------------------------------------------------------------------------- */

Test(compare, where_selects_and_broadcasts_all_three)
{
    ks_node *c = VARIABLE(g, "c", KS_BOOL, KS_SHAPE(2, 1), 1, 0), *a = VARIABLE(g, "a", KS_F64, KS_SHAPE(3), 1, 2, 3),
            *b = VARIABLE(g, "b", KS_F64, KS_SCALAR, 9);
    ks_node *y = ks_where(c, a, b);
    IS(y, 1, 2, 3, 9, 9, 9);
    IS(ks_gradient(y, a), 1, 1, 1);
    IS(ks_gradient(y, b), 3);
    SCALAR_IS(ks_gradient(y, b));
    IS(ks_where(c, ks_number(g, 1), a), 1, 1, 1, 1, 2, 3);
}

Test(compare, where_takes_every_dtype)
{
    ks_node *c = VARIABLE(g, "c", KS_BOOL, KS_SHAPE(2), 1, 0);
    for (int dtype = 0; dtype < KS_DTYPES; dtype++) {
        char one[8], none[8];
        snprintf(one, sizeof one, "one%d", dtype);
        snprintf(none, sizeof none, "none%d", dtype);
        ks_node *a = VARIABLE(g, one, (ks_dtype)dtype, KS_SHAPE(2), 1, 1), *b = VARIABLE(g, none, (ks_dtype)dtype, KS_SHAPE(2), 0, 0);
        IS(ks_where(c, a, b), 1, 0);
        DTYPE_IS(ks_where(c, a, b), (ks_dtype)dtype);
    }
}

Test(compare, where_shields_from_what_it_did_not_take_at_zero_and_below)
{
    ks_node *x = VARIABLE(g, "x", KS_F64, KS_SHAPE(3), 4, 0, -1), *zero = ks_number(g, 0);
    ks_node *taken = ks_greater(x, zero);
    ks_node *root = ks_where(taken, ks_sqrt(x), zero), *first = ks_gradient(root, x);
    IS(root, 2, 0, 0);
    IS(first, 0.25, 0, 0);
    IS(ks_gradient(first, x), -1.0 / 32, 0, 0);
    ks_node *logarithm = ks_where(taken, ks_log(x), zero);
    IS(ks_gradient(logarithm, x), 0.25, 0, 0);
    IS(ks_gradient(ks_gradient(logarithm, x), x), -1.0 / 16, 0, 0);
    ks_node *inverse = ks_where(taken, ks_div(ks_number(g, 1), x), zero);
    IS(ks_gradient(inverse, x), -1.0 / 16, 0, 0);
    IS(ks_gradient(ks_gradient(inverse, x), x), 1.0 / 32, 0, 0);
    ks_node *power = ks_where(taken, ks_pow(x, ks_number(g, 0.5)), zero);
    IS_NEAR(1e-15, ks_gradient(power, x), 0.25, 0, 0);
    IS_NEAR(1e-15, ks_gradient(ks_gradient(power, x), x), -1.0 / 32, 0, 0);
    ks_node *both = ks_where(taken, ks_mul(ks_sqrt(x), ks_log(x)), ks_exp(x));
    IS_NEAR(1e-15, ks_gradient(both, x), 0.25 * log(4) + 0.5, 1, exp(-1));
}

Test(compare, an_infinite_upstream_of_what_was_not_taken_adds_nothing)
{
    ks_node *x = VARIABLE(g, "x", KS_F64, KS_SHAPE(2), 4, -1), *zero = ks_number(g, 0);
    ks_node *y = ks_sqrt(ks_where(ks_greater(x, zero), x, zero)); /* its derivative at 0 is infinite */
    IS(ks_gradient(y, x), 0.25, 0);
    IS(ks_gradient(ks_gradient(y, x), x), -1.0 / 32, 0);
    ks_node *b = VARIABLE(g, "b", KS_F64, KS_SHAPE(2), 7, 0);
    IS(ks_gradient(ks_sqrt(ks_where(ks_greater(x, zero), x, b)), b), 0, INF_);
}

Test(compare, where_shields_a_whole_row_of_softmax)
{
    ks_node *x = VARIABLE(g, "x", KS_F64, KS_SHAPE(2, 2), 1, 2, -INF_, -INF_), *rows = VARIABLE(g, "rows", KS_BOOL, KS_SHAPE(2, 1), 1, 0);
    ks_node *w = VARIABLE(g, "w", KS_F64, KS_SHAPE(2), 1, 2), *p = ks_softmax(x, 1);
    ks_node *y = ks_where(rows, ks_mul(p, w), ks_number(g, 0)), *dx = ks_gradient(y, x);
    double a = 1 / (1 + exp(1)), b = 1 - a;
    IS_NEAR(1e-15, dx, -a * b, a * b, 0, 0);
    IS_NEAR(1e-15, ks_gradient(ks_where(rows, ks_log_softmax(x, 1), ks_number(g, 0)), x), 1 - 2 * a, 1 - 2 * b, 0, 0);
}

Test(compare, where_needs_a_bool)
{
    ks_node *c = VARIABLE(g, "c", KS_F32, KS_SHAPE(2), 1, 0);
    REFUSED(g, ks_where(c, c, c), KS_BAD_DTYPE, "where: input 0 must be bool, but 'c' is f32: compare it, or ks_cast it to bool");
    ks_node *b = VARIABLE(g, "b", KS_BOOL, KS_SHAPE(3), 1, 0, 1);
    REFUSED(g, ks_where(b, c, ks_number(g, 0)), KS_BAD_SHAPE, "where: shapes do not broadcast: 'b' is [3], 'c' is [2], the number 0");
}
