/*
 * test_function.c - functions of one and two operands: values of both types, infinities and kinks, derivatives of both orders.
 *
 * Unless a line says otherwise, values are those of the C library in double.
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

TestSuite(function, .init = open, .fini = close);

/* The function's values in both types against a reference in double. */
static void both(ks_node *(*make)(ks_place, ks_node *), double (*wanted)(double), const double *x, int64_t n)
{
    double y[16];
    for (int64_t i = 0; i < n; i++)
        y[i] = wanted(x[i]);
    for (int dtype = KS_F32; dtype <= KS_F64; dtype++) {
        char name[24];
        snprintf(name, sizeof name, "x%lld", (long long)ks_node_count(g));
        ks_node *node = make(KS_HERE, make_variable(g, name, (ks_dtype)dtype, KS_SHAPE(n), x, n));
        DTYPE_IS(node, (ks_dtype)dtype);
        check_values(__FILE__, __LINE__, node, dtype == KS_F32 ? 3e-7 : 5e-16, y, n);
    }
}
#define BOTH(NAME, WANTED, ...) both(ks_##NAME##_at, WANTED, (const double[]){__VA_ARGS__}, COUNT(__VA_ARGS__))

static double reciprocal_of(double x)
{
    return 1 / x;
}

static double rsqrt_of(double x)
{
    return 1 / sqrt(x);
}

Test(function, values_in_both_floating_types)
{
    BOTH(reciprocal, reciprocal_of, 0.5, -2, 3, 0, -0.0);
    BOTH(rsqrt, rsqrt_of, 0.5, 2, 4, 0, -1);
    BOTH(expm1, expm1, 0.5, -2, 0, 3, 0x1p-20);
    BOTH(log1p, log1p, 0.5, -0.5, 0, 3, 0x1p-20);
    BOTH(tan, tan, 0.5, -2, 0, 3, 1.5);
    BOTH(asin, asin, 0.5, -0.25, 0, 1, -1, 1.5);
    BOTH(acos, acos, 0.5, -0.25, 0, 1, -1, -1.5);
    BOTH(atan, atan, 0.5, -2, 0, 3, 1e10);
    BOTH(sinh, sinh, 0.5, -2, 0, 3);
    BOTH(cosh, cosh, 0.5, -2, 0, 3);
    BOTH(asinh, asinh, 0.5, -2, 0, 3, 1e10);
    BOTH(acosh, acosh, 1.5, 2, 1, 3, 1e10, 0.5);
    BOTH(atanh, atanh, 0.5, -0.25, 0, 0.75, 1.5);
    BOTH(erf, erf, 0.5, -2, 0, 3);
    BOTH(erfc, erfc, 0.5, -2, 0, 3);
    BOTH(lgamma, lgamma, 0.5, -2.5, 4, 100, 0, -3);
}

Test(function, infinities_and_nan_go_where_they_should)
{
    double pi = 3.14159265358979323846;
    ks_node *x = VARIABLE(g, "x", KS_F64, KS_SHAPE(3), INF_, -INF_, NAN_);
    IS(ks_sign(x), 1, -1, NAN_);
    IS(ks_reciprocal(x), 0, 0, NAN_);
    IS(ks_rsqrt(x), 0, NAN_, NAN_);
    IS(ks_expm1(x), INF_, -1, NAN_);
    IS(ks_log1p(x), INF_, NAN_, NAN_);
    IS(ks_tan(x), NAN_, NAN_, NAN_);
    IS(ks_asin(x), NAN_, NAN_, NAN_);
    IS(ks_acos(x), NAN_, NAN_, NAN_);
    IS_NEAR(1e-16, ks_atan(x), pi / 2, -pi / 2, NAN_);
    IS(ks_sinh(x), INF_, -INF_, NAN_);
    IS(ks_cosh(x), INF_, INF_, NAN_);
    IS(ks_asinh(x), INF_, -INF_, NAN_);
    IS(ks_acosh(x), INF_, NAN_, NAN_);
    IS(ks_atanh(x), NAN_, NAN_, NAN_);
    IS(ks_erf(x), 1, -1, NAN_);
    IS(ks_erfc(x), 0, 2, NAN_);
    IS(ks_lgamma(x), INF_, INF_, NAN_);
    IS(ks_digamma(x), INF_, NAN_, NAN_);
    IS(ks_polygamma(x, 1), 0, NAN_, NAN_);
    IS(ks_polygamma(x, 2), 0, NAN_, NAN_);
}

/* 1 over a zero tells its sign. */
Test(function, the_sign_of_zero_is_kept)
{
    ks_node *x = VARIABLE(g, "x", KS_F64, KS_SCALAR, -0.0);
    ks_node *const odd[] = {ks_expm1(x), ks_log1p(x), ks_tan(x), ks_asin(x), ks_atan(x), ks_sinh(x), ks_asinh(x), ks_atanh(x), ks_erf(x)};
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
        IS(ks_reciprocal(odd[i]), -INF_);
    IS(ks_digamma(x), INF_);
    IS(ks_sign(x), 0);
}

Test(function, small_arguments_keep_their_digits)
{
    ks_node *x = VARIABLE(g, "x", KS_F32, KS_SHAPE(3), 1e-10, -1e-20, 1e-44);
    ks_node *const same[] = {ks_expm1(x), ks_log1p(x), ks_tan(x), ks_asin(x), ks_atan(x), ks_sinh(x), ks_asinh(x), ks_atanh(x)};
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        IS(ks_equal(same[i], x), 1, 1, 1);
}

/* ---- derivatives --------------------------------------------------------------------------------------- */

Test(function, derivatives_at_the_ends_are_infinite_and_zero_wins_over_them)
{
    ks_node *x = VARIABLE(g, "x", KS_F64, KS_SHAPE(2), 1, -1);
    IS(ks_gradient(ks_asin(x), x), INF_, INF_);
    IS(ks_gradient(ks_acos(x), x), -INF_, -INF_);
    IS(ks_gradient(ks_mul(ks_asin(x), ks_number(g, 0)), x), 0, 0);
    ks_node *one = VARIABLE(g, "one", KS_F64, KS_SCALAR, 1);
    IS(ks_gradient(ks_acosh(one), one), INF_);
    ks_node *zero = VARIABLE(g, "zero", KS_F64, KS_SCALAR, 0);
    IS(ks_gradient(ks_mul(ks_reciprocal(zero), ks_number(g, 0)), zero), 0);
}

/* By mpmath's psi with 40 digits. */
Test(function, polygamma_of_several_orders_on_both_sides_of_zero)
{
    ks_node *x = VARIABLE(g, "x", KS_F64, KS_SHAPE(4), 0.5, -2.5, 4, -50.25);
    IS_NEAR(1e-14, ks_digamma(x), -1.9635100260214235, 1.1031566406452432, 1.2561176684318003, 7.0685204481085107148);
    IS_NEAR(1e-14, ks_polygamma(x, 0), -1.9635100260214235, 1.1031566406452432, 1.2561176684318003, 7.0685204481085107148);
    IS_NEAR(2e-14, ks_polygamma(x, 1), 4.934802200544679, 9.5392466449891238, 0.28382295573711533, 19.719505006139231742);
    IS_NEAR(2e-14, ks_polygamma(x, 2), -16.8287966442343199956, -0.108204051641727403, -0.0800397322451145, 124.024718494178659);
    IS_NEAR(2e-14, ks_polygamma(VARIABLE(g, "a", KS_F64, KS_SCALAR, 0.5), 3), 97.409091034002437236);
    IS_NEAR(2e-14, ks_polygamma(VARIABLE(g, "b", KS_F64, KS_SCALAR, -30.75), 5), 492231.26710975159446);
    IS_NEAR(2e-14, ks_polygamma(VARIABLE(g, "c", KS_F64, KS_SCALAR, 2.5), 10), -156.22959659323299476);
    IS(ks_polygamma(VARIABLE(g, "poles", KS_F64, KS_SHAPE(2), 0, -3), 1), INF_, INF_);
    IS(ks_digamma(ks_find(g, "poles")), -INF_, NAN_);
    REFUSED(g, ks_polygamma(x, -1), KS_BAD_ARGUMENT, "polygamma: n is -1: the order must be from 0 to 150");
    REFUSED(g, ks_polygamma(x, 151), KS_BAD_ARGUMENT, "polygamma: n is 151: the order must be from 0 to 150");
}

Test(function, the_derivatives_of_lgamma_of_all_orders)
{
    ks_node *x = VARIABLE(g, "x", KS_F64, KS_SHAPE(2), 0.5, 4), *y = ks_lgamma(x);
    for (int order = 1; order <= 3; order++)
        y = ks_gradient(y, x);
    IS_NEAR(2e-14, y, -16.8287966442343199956, -0.0800397322451145);
}

/* d^2/dx^2 erf = -4 x e^(-x^2) / sqrt(pi) */
Test(function, the_second_derivative_of_erf)
{
    ks_node *x = VARIABLE(g, "x", KS_F64, KS_SHAPE(2), 0.5, -2);
    double c = -4 / sqrt(3.14159265358979323846);
    IS_NEAR(1e-15, ks_gradient(ks_gradient(ks_erf(x), x), x), c * 0.5 * exp(-0.25), c * -2 * exp(-4));
    IS_NEAR(1e-15, ks_gradient(ks_gradient(ks_erfc(x), x), x), -c * 0.5 * exp(-0.25), -c * -2 * exp(-4));
}

/* ---- atan2 --------------------------------------------------------------------------------------------- */

Test(function, atan2_broadcasts_and_knows_the_quadrant)
{
    ks_node *y = VARIABLE(g, "y", KS_F64, KS_SHAPE(2, 1), 1, -1), *x = VARIABLE(g, "x", KS_F64, KS_SHAPE(3), 1, -1, 0);
    IS_NEAR(3e-16, ks_atan2(y, x), atan2(1, 1), atan2(1, -1), atan2(1, 0), atan2(-1, 1), atan2(-1, -1), atan2(-1, 0));
    IS_NEAR(1e-15, ks_gradient(ks_atan2(y, x), y), 0.5 - 0.5, 0.5 - 0.5); /* x / (x^2 + y^2) */
    IS_NEAR(1e-15, ks_gradient(ks_atan2(y, x), x), 0, 0, 0);              /* -y / (x^2 + y^2), both signs of y */
    ks_node *two = ks_number(g, 2);
    IS_NEAR(1e-15, ks_gradient(ks_atan2(two, x), x), -0.4, -0.4, -0.5);
    IS_NEAR(1e-15, ks_gradient(ks_atan2(y, two), y), 0.4, 0.4);
}

/* ---- sign ---------------------------------------------------------------------------------------------- */

Test(function, sign_of_every_dtype)
{
    IS(ks_sign(VARIABLE(g, "f", KS_F32, KS_SHAPE(4), 2.5, -0.5, 0, NAN_)), 1, -1, 0, NAN_);
    IS(ks_sign(VARIABLE(g, "i", KS_I32, KS_SHAPE(3), 7, -7, 0)), 1, -1, 0);
    IS(ks_sign(VARIABLE(g, "l", KS_I64, KS_SHAPE(3), 7, -7, 0)), 1, -1, 0);
    IS(ks_sign(VARIABLE(g, "u", KS_U8, KS_SHAPE(2), 200, 0)), 1, 0);
    ks_node *x = VARIABLE(g, "x", KS_F64, KS_SHAPE(2), 3, -2);
    IS(ks_gradient(ks_mul(x, ks_sign(x)), x), 1, -1);
}

Test(function, empty_and_open_dimensions)
{
    IS(ks_erf(ks_log1p(NOTHING(g, "none", KS_F64, KS_SHAPE(0, 3)))));
    ks_node *x = ks_input(g, "x", KS_F64, KS_SHAPE(KS_ANY));
    ks_node *dx = ks_gradient(ks_sum_all(ks_atan(x)), x);
    cr_assert(ks_feed(x, KS_F64, KS_SHAPE(1), ((const double[]){2})));
    IS_NEAR(1e-15, dx, 0.2);
    cr_assert(ks_feed(x, KS_F64, KS_SHAPE(3), ((const double[]){0, 1, -3})));
    IS_NEAR(1e-15, dx, 1, 0.5, 0.1);
}
