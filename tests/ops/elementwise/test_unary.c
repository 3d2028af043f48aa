/*
 * test_elementwise.c - one operand: values, dtypes, kinks, infinities and NaN; the activations; cast.
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

TestSuite(elementwise, .init = open, .fini = close);

Test(elementwise, values_in_both_floating_types)
{
    for (int dtype = KS_F32; dtype <= KS_F64; dtype++) {
        double near = dtype == KS_F32 ? 2e-7 : 4e-16;
        ks_node *x = VARIABLE(g, dtype ? "x64" : "x32", (ks_dtype)dtype, KS_SHAPE(4), 0.5, -2, 0, 3);
        IS(ks_neg(x), -0.5, 2, 0, -3);
        IS(ks_square(x), 0.25, 4, 0, 9);
        IS(ks_abs(x), 0.5, 2, 0, 3);
        IS_NEAR(near, ks_exp(x), exp(0.5), exp(-2), 1, exp(3));
        IS_NEAR(near, ks_log(x), log(0.5), NAN_, -INF_, log(3));
        IS_NEAR(near, ks_sqrt(x), sqrt(0.5), NAN_, 0, sqrt(3));
        IS_NEAR(near, ks_sin(x), sin(0.5), sin(-2), 0, sin(3));
        IS_NEAR(near, ks_cos(x), cos(0.5), cos(-2), 1, cos(3));
        IS_NEAR(near, ks_tanh(x), tanh(0.5), tanh(-2), 0, tanh(3));
        IS_NEAR(near, ks_sigmoid(x), 1 / (1 + exp(-0.5)), 1 / (1 + exp(2)), 0.5, 1 / (1 + exp(-3)));
        IS(ks_relu(x), 0.5, 0, 0, 3);
        IS(ks_step_function(x), 1, 0, 0, 1);
        IS(ks_identity(x), 0.5, -2, 0, 3);
        IS(ks_stop_gradient(x), 0.5, -2, 0, 3);
    }
}

Test(elementwise, infinities_and_nan_go_where_they_should)
{
    ks_node *x = VARIABLE(g, "x", KS_F64, KS_SHAPE(3), INF_, -INF_, NAN_);
    IS(ks_exp(x), INF_, 0, NAN_);
    IS(ks_log(x), INF_, NAN_, NAN_);
    IS(ks_sqrt(x), INF_, NAN_, NAN_);
    IS(ks_tanh(x), 1, -1, NAN_);
    IS(ks_sigmoid(x), 1, 0, NAN_);
    IS(ks_relu(x), INF_, 0, NAN_);
    IS(ks_step_function(x), 1, 0, 0);
    IS(ks_sin(x), NAN_, NAN_, NAN_);
    IS(ks_cos(x), NAN_, NAN_, NAN_);
    IS(ks_abs(x), INF_, INF_, NAN_);
    IS(ks_neg(x), -INF_, INF_, NAN_);
}

Test(elementwise, sigmoid_and_its_derivative_never_overflow)
{
    ks_node *x = VARIABLE(g, "x", KS_F32, KS_SHAPE(4), 1000, -1000, 88, -88);
    IS_NEAR(1e-30, ks_sigmoid(x), 1, 0, 1, (double)6.0546e-39f);
    IS_NEAR(1e-30, ks_gradient(ks_sigmoid(x), x), 0, 0, 0, 0);
}

Test(elementwise, far_angles_are_reduced_rightly)
{
    ks_node *x = VARIABLE(g, "x", KS_F64, KS_SHAPE(3), 1e22, -3e9, 1048577.5);
    IS_NEAR(2e-16, ks_sin(x), sin(1e22), sin(-3e9), sin(1048577.5));
    IS_NEAR(2e-16, ks_cos(x), cos(1e22), cos(-3e9), cos(1048577.5));
}

Test(elementwise, whole_numbers_are_taken_where_they_make_sense)
{
    ks_node *x = VARIABLE(g, "x", KS_I32, KS_SHAPE(3), 3, -4, -2147483648.0);
    IS(ks_neg(x), -3, 4, -2147483648.0);
    IS(ks_abs(x), 3, 4, -2147483648.0); /* the least has no absolute value */
    IS(ks_square(x), 9, 16, 0);
    IS(ks_abs(VARIABLE(g, "u", KS_U8, KS_SHAPE(2), 200, 3)), 200, 3);
    IS(ks_neg(ks_find(g, "u")), 56, 253);
    REFUSED(g, ks_exp(x), KS_BAD_DTYPE, "exp: takes f32, f64, but 'x' is i32: ks_cast it");
    REFUSED(g, ks_relu(x), KS_BAD_DTYPE, "relu: takes f32, f64, but 'x' is i32: ks_cast it");
}

Test(elementwise, a_bare_number_may_stand_wherever_a_scalar_does)
{
    ks_node *two = ks_number(g, 2), *x = VARIABLE(g, "x", KS_F32, KS_SHAPE(2), 3, 4);
    IS(ks_identity(two), 2);
    IS(ks_exp(ks_number(g, 0)), 1);
    IS(ks_mul(ks_identity(two), x), 6, 8);
    IS(ks_sum_all(ks_identity(two)), 2);
    IS(ks_sum_all(two), 2);
    IS(ks_max(ks_stop_gradient(two), KS_ABSENT, false), 2);
    IS(ks_reshape(two, KS_SHAPE(1, 1)), 2);
    IS(ks_add(ks_reshape(two, KS_SHAPE(1)), x), 5, 6);
    IS(ks_expand(two, x, KS_ABSENT), 2, 2);
    IS(ks_cast(two, KS_I64), 2);
    IS(ks_concat(((ks_node *[]){ks_reshape(two, KS_SHAPE(1)), x}), 2, 0), 2, 3, 4);
    IS(ks_transpose(two, KS_ABSENT), 2);
    cr_assert(ks_set_number(two, 5));
    IS(ks_find(g, "identity_1"), 5);
    IS(ks_sum_all(ks_identity(two)), 5);
}

/* ---- kinks --------------------------------------------------------------------------------------------- */

Test(elementwise, relu_is_flat_at_zero)
{
    ks_node *x = VARIABLE(g, "x", KS_F64, KS_SHAPE(4), -1, 0, -0.0, 1);
    IS(ks_gradient(ks_relu(x), x), 0, 0, 0, 1);
}

Test(elementwise, abs_is_flat_at_zero)
{
    ks_node *x = VARIABLE(g, "x", KS_F64, KS_SHAPE(4), -1, 0, -0.0, 1);
    IS(ks_gradient(ks_abs(x), x), -1, 0, 0, 1);
}

Test(elementwise, relu_selects_so_that_what_it_shut_off_adds_nothing)
{
    ks_node *x = VARIABLE(g, "x", KS_F64, KS_SHAPE(2), -1, 4);
    IS(ks_gradient(ks_sqrt(ks_relu(x)), x), 0, 0.25); /* 1/(2 sqrt 0) is infinite */
    IS(ks_gradient(ks_gradient(ks_sqrt(ks_relu(x)), x), x), 0, -1.0 / 32);
}

Test(elementwise, step_passes_no_derivative_and_says_why)
{
    ks_node *x = VARIABLE(g, "x", KS_F64, KS_SHAPE(2), -1, 2), *y = ks_step_function(x);
    IS(ks_gradient(y, x), 0, 0);
    cr_assert_not_null(ks_why_no_gradient(y, x));
    cr_assert_not_null(strstr(ks_why_no_gradient(y, x), "sigmoid is a smooth step"));
}

Test(elementwise, stop_gradient_passes_the_value_and_no_derivative)
{
    ks_node *x = VARIABLE(g, "x", KS_F64, KS_SHAPE(2), 3, -2);
    ks_node *y = ks_mul(x, ks_stop_gradient(x));
    IS(y, 9, 4);
    IS(ks_gradient(y, x), 3, -2);
}

Test(elementwise, sqrt_at_zero_has_an_infinite_derivative_and_zero_wins_over_it)
{
    ks_node *x = VARIABLE(g, "x", KS_F64, KS_SCALAR, 0);
    IS(ks_gradient(ks_sqrt(x), x), INF_);
    IS(ks_gradient(ks_mul(ks_sqrt(x), ks_number(g, 0)), x), 0);
}

/* ---- higher order -------------------------------------------------------------------------------------- */

/* DeZero, step 33: y = x^4 - 2x^2 at 2 has y' = 24 and y'' = 44. */
Test(elementwise, second_derivatives_of_a_polynomial)
{
    ks_node *x = VARIABLE(g, "x", KS_F64, KS_SCALAR, 2);
    ks_node *y = ks_sub(ks_pow(x, ks_number(g, 4)), ks_mul(ks_number(g, 2), ks_square(x)));
    ks_node *first = ks_gradient(y, x);
    IS_NEAR(1e-14, first, 24);
    IS_NEAR(1e-14, ks_gradient(first, x), 44);
}

/* DeZero, step 34: sin, cos, -sin, -cos and sin again. */
Test(elementwise, the_derivatives_of_sin_come_around)
{
    ks_node *x = VARIABLE(g, "x", KS_F64, KS_SHAPE(3), 0.5, -1, 2), *y = ks_sin(x);
    for (int order = 1; order <= 4; order++)
        y = ks_gradient(y, x);
    IS_NEAR(1e-15, y, sin(0.5), sin(-1), sin(2));
}

Test(elementwise, the_third_derivative_of_tanh)
{
    ks_node *x = VARIABLE(g, "x", KS_F64, KS_SCALAR, 0.5), *y = ks_tanh(x);
    for (int order = 1; order <= 3; order++)
        y = ks_gradient(y, x);
    double t = tanh(0.5), s = 1 - t * t;
    IS_NEAR(1e-14, y, s * (6 * t * t - 2));
}

/* ---- cast ---------------------------------------------------------------------------------------------- */

Test(elementwise, cast_goes_towards_zero_saturates_and_makes_nan_zero)
{
    ks_node *x = VARIABLE(g, "x", KS_F64, KS_SHAPE(8), 2.9, -2.9, 1e30, -1e30, NAN_, INF_, 300, -1);
    IS(ks_cast(x, KS_I32), 2, -2, 2147483647, -2147483648.0, 0, 2147483647, 300, -1);
    IS(ks_cast(x, KS_U8), 2, 0, 255, 0, 0, 255, 255, 0);
    IS(ks_cast(x, KS_BOOL), 1, 1, 1, 1, 0, 1, 1, 1);
    int64_t whole[8];
    cr_assert(ks_read(ks_cast(x, KS_I64), KS_I64, whole, 8));
    cr_assert(whole[2] == INT64_MAX && whole[3] == INT64_MIN && whole[4] == 0 && whole[5] == INT64_MAX);
    IS(ks_cast(VARIABLE(g, "f", KS_F32, KS_SHAPE(4), 2147483648.0, -2147483648.0, 255.5, -0.5), KS_I32), 2147483647, -2147483648.0, 255, 0);
}

Test(elementwise, cast_between_all_pairs_of_dtypes)
{
    for (int from = 0; from < KS_DTYPES; from++) {
        char name[16];
        snprintf(name, sizeof name, "from%d", from);
        ks_node *x = VARIABLE(g, name, (ks_dtype)from, KS_SHAPE(3), 0, 1, 1);
        for (int to = 0; to < KS_DTYPES; to++) {
            IS(ks_cast(x, (ks_dtype)to), 0, 1, 1);
            DTYPE_IS(ks_cast(x, (ks_dtype)to), (ks_dtype)to);
        }
    }
    IS(ks_cast(VARIABLE(g, "wide", KS_I64, KS_SHAPE(3), 4294967297.0, -1, 7), KS_I32), 2147483647, -1, 7);
    IS(ks_cast(ks_find(g, "wide"), KS_U8), 255, 0, 7);
}

Test(elementwise, cast_passes_derivatives_between_floating_types_only)
{
    ks_node *x = VARIABLE(g, "x", KS_F32, KS_SHAPE(2), 1.5, -2);
    ks_node *dx = ks_gradient(ks_square(ks_cast(x, KS_F64)), x);
    DTYPE_IS(dx, KS_F32);
    IS(dx, 3, -4);
    ks_node *through = ks_gradient(ks_cast(ks_cast(x, KS_I32), KS_F32), x);
    IS(through, 0, 0);
    REFUSED(g, ks_cast(x, (ks_dtype)17), KS_BAD_DTYPE, "cast: 17 is no dtype");
}

/* ---- the sizes of tiles and vectors -------------------------------------------------------------------- */

/* Lengths around the width of a vector and of a tile: the last elements go through the same code. */
Test(elementwise, the_last_elements_get_the_same_bits_as_the_others)
{
    static const int64_t sizes[] = {1, 2, 3, 7, 8, 15, 16, 17, 31, 33, 63, 65, 255, 257, 1023, 1024, 1025, 4097};
    float *values = malloc(sizeof(float) * 5000), *out = malloc(sizeof(float) * 5000), *all = malloc(sizeof(float) * 5000);
    for (int i = 0; i < 5000; i++)
        values[i] = (float)(0.001 * (i + 1));
    ks_node *big = ks_sigmoid(ks_sin(ks_exp(ks_constant(g, KS_F32, KS_SHAPE(5000), values))));
    cr_assert(ks_read(big, KS_F32, all, 5000));
    for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
        ks_node *small = ks_sigmoid(ks_sin(ks_exp(ks_constant(g, KS_F32, KS_SHAPE(sizes[k]), values))));
        cr_assert(ks_read(small, KS_F32, out, sizes[k]));
        cr_assert_eq(memcmp(out, all, sizeof(float) * (size_t)sizes[k]), 0, "%lld elements", (long long)sizes[k]);
    }
    free(values), free(out), free(all);
}
