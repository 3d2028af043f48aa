/*
 * vmath.h - what the tests of the vector functions share: their tiles for every instruction set, the same functions of libm in a wider
 * type, and the distance in units in the last place.
 */
#ifndef KS_TEST_VMATH_H
#define KS_TEST_VMATH_H

#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "engine/kernels/tile.h"
#include "engine/kernels/vmath.h"

#define LIMIT        2.0
#define NORMAL_LIMIT 3.0 /* its argument over sqrt 2 rounds */

#define BOTH1(NAME)                                                                                                                        \
    KS_TILE1(NAME##_f, float, float, ks__##NAME##_f(a))                                                                                    \
    KS_TILE1(NAME##_d, double, double, ks__##NAME##_d(a))
#define BOTH1_FIX(NAME)                                                                                                                    \
    KS_TILE1_FIX(NAME##_f, float, float, ks__##NAME##_f(a), ks__sin_far_f(a), NAME##f(a))                                                  \
    KS_TILE1_FIX(NAME##_d, double, double, ks__##NAME##_d(a), ks__sin_far_d(a), NAME(a))
#define BOTH2(NAME)                                                                                                                        \
    KS_TILE2(NAME##_f, float, float, float, ks__##NAME##_f(a, b))                                                                          \
    KS_TILE2(NAME##_d, double, double, double, ks__##NAME##_d(a, b))

BOTH1(exp)
BOTH1(expm1)
BOTH1(log)
BOTH1(log1p)
BOTH1(tanh)
BOTH1(sinh)
BOTH1(cosh)
BOTH1(asinh)
BOTH1(acosh)
BOTH1(atanh)
BOTH1(sigmoid)
BOTH1_FIX(sin)
BOTH1_FIX(cos)
BOTH1_FIX(tan)
BOTH1(asin)
BOTH1(acos)
BOTH1(atan)
BOTH2(atan2)
BOTH2(pow)
BOTH1(erf)
BOTH1(erfc)
BOTH1(normal)

/* ---- references ---------------------------------------------------------------------------------------- */

typedef struct function {
    const char *name;
    const ks_tile *f, *d;
    double (*wide_f)(double x, double y);
    long double (*wide_d)(long double x, long double y);
    int arity;
    double low, high; /* where the function does something */
    double limit;     /* ulp */
} function;

/* Its values in a wider type: IN_D in double for float, IN_L in long double for double. */
#define WIDE(NAME, IN_D, IN_L)                                                                                                             \
    static double NAME##_wide_f(double x, double y)                                                                                        \
    {                                                                                                                                      \
        return IN_D;                                                                                                                       \
    }                                                                                                                                      \
    static long double NAME##_wide_d(long double x, long double y)                                                                         \
    {                                                                                                                                      \
        return IN_L;                                                                                                                       \
    }
#define WIDE1(NAME) WIDE(NAME, NAME(x), NAME##l(x))
#define WIDE2(NAME) WIDE(NAME, NAME(x, y), NAME##l(x, y))

WIDE1(exp)
WIDE1(expm1)
WIDE1(log)
WIDE1(log1p)
WIDE1(tanh)
WIDE1(sinh)
WIDE1(cosh)
WIDE1(asinh)
WIDE1(acosh)
WIDE1(atanh)
WIDE(sigmoid, x < 0 ? exp(x) / (1 + exp(x)) : 1 / (1 + exp(-x)), x < 0 ? expl(x) / (1 + expl(x)) : 1 / (1 + expl(-x)))
WIDE1(sin)
WIDE1(cos)
WIDE1(tan)
WIDE1(asin)
WIDE1(acos)
WIDE1(atan)
WIDE2(atan2)
WIDE2(pow)
WIDE1(erf)
WIDE1(erfc)
WIDE(normal, 0.5 * erfc(-x / sqrt(2)), 0.5L * erfcl(-x / sqrtl(2)))

enum {
    EXP,
    EXPM1,
    LOG,
    LOG1P,
    TANH,
    SINH,
    COSH,
    ASINH,
    ACOSH,
    ATANH,
    SIGMOID,
    SIN,
    COS,
    TAN,
    ASIN,
    ACOS,
    ATAN,
    ERF,
    ERFC,
    NORMAL,
    ATAN2,
    POW
};

#define FUNCTION(NAME, ARITY, LOW, HIGH)                                                                                                   \
    {                                                                                                                                      \
#NAME, &NAME##_f, &NAME##_d, NAME##_wide_f, NAME##_wide_d, ARITY, LOW, HIGH, LIMIT                                                 \
    }

static const function functions[] = {
    [EXP] = FUNCTION(exp, 1, -110, 90),
    [EXPM1] = FUNCTION(expm1, 1, -5, 5),
    [LOG] = FUNCTION(log, 1, 0, 4),
    [LOG1P] = FUNCTION(log1p, 1, -1, 4),
    [TANH] = FUNCTION(tanh, 1, -10, 10),
    [SINH] = FUNCTION(sinh, 1, -95, 95),
    [COSH] = FUNCTION(cosh, 1, -95, 95),
    [ASINH] = FUNCTION(asinh, 1, -4, 4),
    [ACOSH] = FUNCTION(acosh, 1, 1, 4),
    [ATANH] = FUNCTION(atanh, 1, -1, 1),
    [SIGMOID] = FUNCTION(sigmoid, 1, -40, 40),
    [SIN] = FUNCTION(sin, 1, -40, 40),
    [COS] = FUNCTION(cos, 1, -40, 40),
    [TAN] = FUNCTION(tan, 1, -40, 40),
    [ASIN] = FUNCTION(asin, 1, -1, 1),
    [ACOS] = FUNCTION(acos, 1, -1, 1),
    [ATAN] = FUNCTION(atan, 1, -4, 4),
    [ERF] = FUNCTION(erf, 1, -4, 4),
    [ERFC] = FUNCTION(erfc, 1, -6, 11),
    [NORMAL] = {"normal", &normal_f, &normal_d, normal_wide_f, normal_wide_d, 1, -15, 6, NORMAL_LIMIT},
    [ATAN2] = FUNCTION(atan2, 2, -4, 4),
    [POW] = FUNCTION(pow, 2, 0, 10),
};

/* |got - want| in units of the last place of a type with `digits` bits and smallest normal exponent `least`. */
static inline double ulps(long double got, long double want, int digits, int least)
{
    if (isnan(got) || isnan(want))
        return isnan(got) && isnan(want) ? 0 : (double)INFINITY;
    if (signbit(got) != signbit(want))
        return (double)INFINITY;
    if (got == want)
        return 0;
    if (isinf(want))
        return (double)INFINITY;
    if (isinf(got)) {
        got = scalbnl(want < 0 ? -1 : 1, digits == FLT_MANT_DIG ? FLT_MAX_EXP : DBL_MAX_EXP);
        if (fabsl(want) >= fabsl(got))
            return 0;
    }
    int exponent = want == 0 ? least : ilogbl(want);
    return (double)scalbnl(fabsl(got - want), digits - 1 - (exponent < least ? least : exponent));
}

#endif
