/*
 * test_logic.c - rounding, remainders, and true or false: every dtype, signs, halves, infinities and NaN.
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

TestSuite(logic, .init = open, .fini = close);

Test(logic, rounding_in_every_direction)
{
    for (int dtype = KS_F32; dtype <= KS_F64; dtype++) {
        ks_node *x =
            VARIABLE(g, dtype == KS_F32 ? "x32" : "x64", (ks_dtype)dtype, KS_SHAPE(8), 2.5, -2.5, 3.5, -0.25, 1e20, INF_, -INF_, NAN_);
        double big = dtype == KS_F32 ? (double)1e20f : 1e20;
        IS(ks_floor(x), 2, -3, 3, -1, big, INF_, -INF_, NAN_);
        IS(ks_ceil(x), 3, -2, 4, 0, big, INF_, -INF_, NAN_);
        IS(ks_round(x), 2, -2, 4, 0, big, INF_, -INF_, NAN_);
        IS(ks_trunc(x), 2, -2, 3, 0, big, INF_, -INF_, NAN_);
    }
    ks_node *small = VARIABLE(g, "small", KS_F64, KS_SCALAR, -0.25);
    IS(ks_reciprocal(ks_ceil(small)), -INF_);
    IS(ks_reciprocal(ks_round(small)), -INF_);
    IS(ks_reciprocal(ks_trunc(small)), -INF_);
    IS(ks_floor(VARIABLE(g, "i", KS_I32, KS_SHAPE(2), 7, -7)), 7, -7);
}

Test(logic, rounding_passes_no_derivative)
{
    ks_node *x = VARIABLE(g, "x", KS_F64, KS_SHAPE(2), 1.25, -2.75);
    IS(ks_gradient(ks_floor(x), x), 0, 0);
    cr_assert_not_null(ks_why_no_gradient(ks_floor(x), x));
    IS(ks_gradient(ks_sub(x, ks_floor(x)), x), 1, 1);
}

/* By numpy.mod and numpy.fmod. */
Test(logic, remainders_take_the_sign_of_the_divisor_or_of_the_dividend)
{
    for (int dtype = KS_F32; dtype <= KS_I64; dtype++) {
        char name[2][8];
        snprintf(name[0], 8, "a%d", dtype), snprintf(name[1], 8, "b%d", dtype);
        ks_node *a = VARIABLE(g, name[0], (ks_dtype)dtype, KS_SHAPE(2, 1), 7, -7),
                *b = VARIABLE(g, name[1], (ks_dtype)dtype, KS_SHAPE(3), 3, -3, 7);
        IS(ks_mod(a, b), 1, -2, 0, 2, -1, 0);
        IS(ks_fmod(a, b), 1, 1, 0, -1, -1, 0);
    }
    ks_node *u = VARIABLE(g, "u", KS_U8, KS_SHAPE(2), 250, 9), *v = VARIABLE(g, "v", KS_U8, KS_SHAPE(2), 7, 0);
    IS(ks_mod(u, v), 5, 0);
    IS(ks_fmod(u, v), 5, 0);
    ks_node *least = VARIABLE(g, "least", KS_I32, KS_SHAPE(2), -2147483648.0, 5), *by = VARIABLE(g, "by", KS_I32, KS_SHAPE(2), -1, 0);
    IS(ks_mod(least, by), 0, 0);
    IS(ks_fmod(least, by), 0, 0);
    ks_node *x = VARIABLE(g, "x", KS_F64, KS_SHAPE(5), 5, 5, 5, INF_, NAN_),
            *y = VARIABLE(g, "y", KS_F64, KS_SHAPE(5), INF_, -INF_, 0, 2, 2);
    IS(ks_mod(x, y), 5, -INF_, NAN_, NAN_, NAN_);
    IS(ks_fmod(x, y), 5, 5, NAN_, NAN_, NAN_);
}

Test(logic, the_derivatives_of_remainders_are_how_often_the_divisor_went_in)
{
    ks_node *a = VARIABLE(g, "a", KS_F64, KS_SHAPE(2), 7.5, -7.5), *b = VARIABLE(g, "b", KS_F64, KS_SHAPE(2), 2, 2);
    IS(ks_gradient(ks_mod(a, b), a), 1, 1);
    IS(ks_gradient(ks_mod(a, b), b), -3, 4);
    IS(ks_gradient(ks_fmod(a, b), b), -3, 3);
    IS(ks_gradient(ks_mod(a, ks_number(g, 2)), a), 1, 1);
    IS(ks_gradient(ks_mod(ks_number(g, 7.5), b), b), -3, -3);
}

Test(logic, kinds_of_numbers)
{
    for (int dtype = KS_F32; dtype <= KS_F64; dtype++) {
        ks_node *x = VARIABLE(g, dtype == KS_F32 ? "x32" : "x64", (ks_dtype)dtype, KS_SHAPE(6), 1, -0.0, INF_, -INF_, NAN_, 1e-44);
        IS(ks_is_nan(x), 0, 0, 0, 0, 1, 0);
        IS(ks_is_inf(x), 0, 0, 1, 1, 0, 0);
        IS(ks_is_finite(x), 1, 1, 0, 0, 0, 1);
        DTYPE_IS(ks_is_nan(x), KS_BOOL);
    }
    REFUSED(g, ks_is_nan(VARIABLE(g, "i", KS_I32, KS_SHAPE(1), 1)), KS_BAD_DTYPE, "is_nan: takes f32, f64, but 'i' is i32: ks_cast it");
}

Test(logic, bools_are_joined_and_broadcast)
{
    ks_node *a = VARIABLE(g, "a", KS_BOOL, KS_SHAPE(2, 1), 0, 1), *b = VARIABLE(g, "b", KS_BOOL, KS_SHAPE(2), 0, 1);
    IS(ks_logical_and(a, b), 0, 0, 0, 1);
    IS(ks_logical_or(a, b), 0, 1, 1, 1);
    IS(ks_logical_xor(a, b), 0, 1, 1, 0);
    IS(ks_logical_not(b), 1, 0);
    DTYPE_IS(ks_logical_not(b), KS_BOOL);
    IS(ks_logical_and(NOTHING(g, "none", KS_BOOL, KS_SHAPE(0, 2)), b));
}
