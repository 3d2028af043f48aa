/*
 * test_vmath.c - the vector functions against libm in a wider type, for every instruction set of this machine.
 *
 * Each function is swept over all exponents and over the range where it does something, the error is measured in
 * units in the last place, special cases have to be exact, and an element has the same bits in a long tile, in a
 * tail, in place and alone.
 */
#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
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
KS_TILE3(select_f, float, float, float, float, a > 0.0f ? b : c)

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

static uint64_t random_state = 1;

/* xorshift64*: the sweep is the same every time. */
static uint64_t random_bits(void)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return random_state * 0x2545f4914f6cdd1du;
}

static double uniform(double low, double high)
{
    return low + (high - low) * (double)(random_bits() >> 11) * 0x1p-53;
}

/* |got - want| in units of the last place of a type with `digits` bits and smallest normal exponent `least`. */
static double ulps(long double got, long double want, int digits, int least)
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

/* ---- sweeps -------------------------------------------------------------------------------------------- */

static const double specials[] = {0.0,      -0.0,   1.0,      -1.0,    0.5,     -0.5,   2.0,    -2.0,       3.0,
                                  -3.0,     4.5,    88.72283, 88.7229, -87.336, -103.9, -104.0, -103.97208, 709.78,
                                  709.7828, -745.1, -745.2,   -708.4,  1e-40,   -1e-40, 1e-45,  -1e-45,     5e-324,
                                  -5e-324,  3.4e38, 1e300,    -1e300,  1e-300,  262144, 262145, 1048576,    1048577};

static void fill_f(const function *fn, float *x, float *y, int n)
{
    const int count = (int)(sizeof(specials) / sizeof(*specials));
    for (int i = 0; i < n; i++) {
        y[i] = 0;
        if (i < n / 2)
            x[i] = ks__from_bits_f((uint32_t)((uint64_t)i * 0x100000000u / (uint64_t)(n / 2)) + (uint32_t)(random_bits() & 1023));
        else
            x[i] = (float)uniform(fn->low, fn->high);
        if (fn->arity == 2) {
            double size = log(fabs((double)x[i]));
            y[i] = i % 3 == 0   ? (float)(uniform(-105, 90) / size)
                   : i % 3 == 1 ? ks__from_bits_f((uint32_t)random_bits())
                                : (float)uniform(-10, 10);
            if (i % 5 == 0)
                y[i] = rintf(y[i]);
        }
    }
    for (int i = 0; i < count * count && i < n; i++) {
        float special = (float)specials[i % count];
        x[i] = special;
        if (fn->arity == 2)
            y[i] = (float)specials[i / count];
    }
    x[n - 1] = INFINITY;
    x[n - 2] = -INFINITY;
    x[n - 3] = NAN;
}

static void fill_d(const function *fn, double *x, double *y, int n)
{
    const int count = (int)(sizeof(specials) / sizeof(*specials));
    for (int i = 0; i < n; i++) {
        y[i] = 0;
        if (i < n / 3)
            x[i] = ks__from_bits_d(random_bits());
        else if (i < n / 3 * 2)
            x[i] = uniform(fn->low, fn->high);
        else
            x[i] = uniform(fn->low, fn->high) * (i % 2 ? 8 : 1e-3);
        if (fn->arity == 2) {
            double size = log(fabs(x[i]));
            y[i] = i % 3 == 0 ? uniform(-750, 711) / size : i % 3 == 1 ? ks__from_bits_d(random_bits()) : uniform(-10, 10);
            if (i % 5 == 0)
                y[i] = rint(y[i]);
        }
    }
    for (int i = 0; i < count * count && i < n; i++) {
        x[i] = specials[i % count];
        if (fn->arity == 2)
            y[i] = specials[i / count];
    }
    x[n - 1] = (double)INFINITY;
    x[n - 2] = -(double)INFINITY;
    x[n - 3] = (double)NAN;
}

/* The bits of element k in a tile of n, in every tail, in place and alone. */
static void same_bits(const function *fn, const ks_tile *tile, const char *x, const char *y, const char *out, int n, size_t size, int isa)
{
    char buffer[700 * sizeof(double)];
    for (int i = 0; i < n; i += n / 5000 + 1) {
        const void *in[2] = {x + (size_t)i * size, y + (size_t)i * size};
        double one = 0;
        tile->fn[isa](&one, in, 1, NULL);
        cr_assert(memcmp(&one, out + (size_t)i * size, size) == 0, "%s %s: element %d alone differs", fn->name, ks__isa_name((ks_isa)isa),
                  i);
        tile->scalar[isa](&one, in, NULL);
        cr_assert(memcmp(&one, out + (size_t)i * size, size) == 0, "%s %s: element %d as a scalar differs", fn->name,
                  ks__isa_name((ks_isa)isa), i);
    }
    for (int count = 0; count <= 700; count += count < 70 ? 1 : 105) {
        int at = (int)(random_bits() % (uint64_t)(n - count));
        const void *in[2] = {buffer, y + (size_t)at * size};
        memcpy(buffer, x + (size_t)at * size, (size_t)count * size);
        tile->fn[isa](buffer, in, count, NULL);
        cr_assert(memcmp(buffer, out + (size_t)at * size, (size_t)count * size) == 0, "%s %s: a tile of %d in place differs", fn->name,
                  ks__isa_name((ks_isa)isa), count);
    }
}

static void sweep(const function *fn)
{
    enum { N = 1000003, M = 200003 };
    float *x = malloc(N * sizeof(*x)), *y = malloc(N * sizeof(*y)), *out = malloc(N * sizeof(*out));
    double *want = malloc(N * sizeof(*want));
    cr_assert(x && y && out && want);
    fill_f(fn, x, y, N);
    for (int i = 0; i < N; i++)
        want[i] = fn->wide_f((double)x[i], (double)y[i]);
    for (int isa = 0; isa <= (int)ks__isa_best(); isa++) {
        const void *in[2] = {x, y};
        fn->f->fn[isa](out, in, N, NULL);
        double worst = 0;
        int where = 0;
        for (int i = 0; i < N; i++) {
            double error = ulps((long double)out[i], (long double)want[i], FLT_MANT_DIG, FLT_MIN_EXP - 1);
            if (error > worst) {
                worst = error;
                where = i;
            }
        }
        cr_log_info("%s f32 %s: %.3f ulp", fn->name, ks__isa_name((ks_isa)isa), worst);
        cr_expect(worst <= fn->limit, "%s f32 %s: %.3f ulp at %a, %a: %a, not %a", fn->name, ks__isa_name((ks_isa)isa), worst,
                  (double)x[where], (double)y[where], (double)out[where], want[where]);
        same_bits(fn, fn->f, (char *)x, (char *)y, (char *)out, N, sizeof(float), isa);
    }
    free(x), free(y), free(out), free(want);

    double *xd = malloc(M * sizeof(*xd)), *yd = malloc(M * sizeof(*yd)), *outd = malloc(M * sizeof(*outd));
    long double *wantd = malloc(M * sizeof(*wantd));
    cr_assert(xd && yd && outd && wantd);
    fill_d(fn, xd, yd, M);
    for (int i = 0; i < M; i++)
        wantd[i] = fn->wide_d((long double)xd[i], (long double)yd[i]);
    for (int isa = 0; isa <= (int)ks__isa_best(); isa++) {
        const void *in[2] = {xd, yd};
        fn->d->fn[isa](outd, in, M, NULL);
        double worst = 0;
        int where = 0;
        for (int i = 0; i < M; i++) {
            double error = ulps((long double)outd[i], wantd[i], DBL_MANT_DIG, DBL_MIN_EXP - 1);
            if (error > worst) {
                worst = error;
                where = i;
            }
        }
        cr_log_info("%s f64 %s: %.3f ulp", fn->name, ks__isa_name((ks_isa)isa), worst);
        cr_expect(worst <= fn->limit, "%s f64 %s: %.3f ulp at %a, %a: %a, not %La", fn->name, ks__isa_name((ks_isa)isa), worst, xd[where],
                  yd[where], outd[where], wantd[where]);
        same_bits(fn, fn->d, (char *)xd, (char *)yd, (char *)outd, M, sizeof(double), isa);
    }
    free(xd), free(yd), free(outd), free(wantd);
}

Test(vmath, exp)
{
    sweep(&functions[EXP]);
}

Test(vmath, expm1)
{
    sweep(&functions[EXPM1]);
}

Test(vmath, log)
{
    sweep(&functions[LOG]);
}

Test(vmath, log1p)
{
    sweep(&functions[LOG1P]);
}

Test(vmath, tanh)
{
    sweep(&functions[TANH]);
}

Test(vmath, sinh)
{
    sweep(&functions[SINH]);
}

Test(vmath, cosh)
{
    sweep(&functions[COSH]);
}

Test(vmath, asinh)
{
    sweep(&functions[ASINH]);
}

Test(vmath, acosh)
{
    sweep(&functions[ACOSH]);
}

Test(vmath, atanh)
{
    sweep(&functions[ATANH]);
}

Test(vmath, sigmoid)
{
    sweep(&functions[SIGMOID]);
}

Test(vmath, sin)
{
    sweep(&functions[SIN]);
}

Test(vmath, cos)
{
    sweep(&functions[COS]);
}

Test(vmath, tan)
{
    sweep(&functions[TAN]);
}

Test(vmath, asin)
{
    sweep(&functions[ASIN]);
}

Test(vmath, acos)
{
    sweep(&functions[ACOS]);
}

Test(vmath, atan)
{
    sweep(&functions[ATAN]);
}

Test(vmath, atan2)
{
    sweep(&functions[ATAN2]);
}

Test(vmath, pow)
{
    sweep(&functions[POW]);
}

Test(vmath, erf)
{
    sweep(&functions[ERF]);
}

Test(vmath, erfc)
{
    sweep(&functions[ERFC]);
}

Test(vmath, normal)
{
    sweep(&functions[NORMAL]);
}

/* ---- special cases ------------------------------------------------------------------------------------- */

/* Equal, with the sign of zero; NaN equals NaN. */
static bool same(double got, double want)
{
    return isnan(want) ? isnan(got) : got == want && !signbit(got) == !signbit(want);
}

static void exactly(int which, double x, double y, double want)
{
    const function *fn = &functions[which];
    for (int isa = 0; isa <= (int)ks__isa_best(); isa++) {
        float xf = (float)x, yf = (float)y, f = 0;
        double d = 0;
        fn->f->scalar[isa](&f, (const void *[]){&xf, &yf}, NULL);
        fn->d->scalar[isa](&d, (const void *[]){&x, &y}, NULL);
        cr_expect(same((double)f, want), "%s f32 of %a, %a is %a, not %a", fn->name, x, y, (double)f, want);
        cr_expect(same(d, want), "%s f64 of %a, %a is %a, not %a", fn->name, x, y, d, want);
    }
}

Test(vmath, special)
{
    const double inf = (double)INFINITY, nan = (double)NAN;
    for (int i = EXP; i < ATAN2; i++)
        exactly(i, nan, 0, nan);
    exactly(EXP, inf, 0, inf);
    exactly(EXP, -inf, 0, 0);
    exactly(EXP, 0, 0, 1);
    exactly(EXP, -0.0, 0, 1);
    exactly(LOG, 0, 0, -inf);
    exactly(LOG, -0.0, 0, -inf);
    exactly(LOG, -1, 0, nan);
    exactly(LOG, -inf, 0, nan);
    exactly(LOG, inf, 0, inf);
    exactly(LOG, 1, 0, 0);
    exactly(TANH, 0, 0, 0);
    exactly(TANH, -0.0, 0, -0.0);
    exactly(TANH, inf, 0, 1);
    exactly(TANH, -inf, 0, -1);
    exactly(TANH, 0x1p-140, 0, 0x1p-140);
    exactly(TANH, -0x1p-149, 0, -0x1p-149);
    exactly(SIGMOID, 0, 0, 0.5);
    exactly(SIGMOID, -0.0, 0, 0.5);
    exactly(SIGMOID, inf, 0, 1);
    exactly(SIGMOID, -inf, 0, 0);
    exactly(SIN, 0, 0, 0);
    exactly(SIN, -0.0, 0, -0.0);
    exactly(SIN, inf, 0, nan);
    exactly(SIN, -inf, 0, nan);
    exactly(SIN, 0x1p-140, 0, 0x1p-140);
    exactly(COS, 0, 0, 1);
    exactly(COS, -0.0, 0, 1);
    exactly(COS, inf, 0, nan);
    exactly(COS, -inf, 0, nan);

    exactly(EXPM1, 0, 0, 0);
    exactly(EXPM1, -0.0, 0, -0.0);
    exactly(EXPM1, inf, 0, inf);
    exactly(EXPM1, -inf, 0, -1);
    exactly(EXPM1, 0x1p-149, 0, 0x1p-149);
    exactly(LOG1P, -0.0, 0, -0.0);
    exactly(LOG1P, -1, 0, -inf);
    exactly(LOG1P, -2, 0, nan);
    exactly(LOG1P, inf, 0, inf);
    exactly(LOG1P, -0x1p-149, 0, -0x1p-149);
    exactly(SINH, -0.0, 0, -0.0);
    exactly(SINH, -inf, 0, -inf);
    exactly(SINH, 0x1p-149, 0, 0x1p-149);
    exactly(COSH, -0.0, 0, 1);
    exactly(COSH, -inf, 0, inf);
    exactly(ASINH, -0.0, 0, -0.0);
    exactly(ASINH, -inf, 0, -inf);
    exactly(ASINH, -0x1p-149, 0, -0x1p-149);
    exactly(ACOSH, 1, 0, 0);
    exactly(ACOSH, 0.5, 0, nan);
    exactly(ACOSH, inf, 0, inf);
    exactly(ACOSH, -inf, 0, nan);
    exactly(ATANH, -0.0, 0, -0.0);
    exactly(ATANH, 1, 0, inf);
    exactly(ATANH, -1, 0, -inf);
    exactly(ATANH, 2, 0, nan);
    exactly(ATANH, 0x1p-149, 0, 0x1p-149);
    exactly(TAN, -0.0, 0, -0.0);
    exactly(TAN, inf, 0, nan);
    exactly(TAN, 0x1p-149, 0, 0x1p-149);
    exactly(ASIN, -0.0, 0, -0.0);
    exactly(ASIN, 1.5, 0, nan);
    exactly(ASIN, 0x1p-149, 0, 0x1p-149);
    exactly(ACOS, 1, 0, 0);
    exactly(ACOS, -inf, 0, nan);
    exactly(ATAN, -0.0, 0, -0.0);
    exactly(ATAN, 0x1p-149, 0, 0x1p-149);
    exactly(ERF, -0.0, 0, -0.0);
    exactly(ERF, inf, 0, 1);
    exactly(ERF, -inf, 0, -1);
    exactly(ERFC, 0, 0, 1);
    exactly(ERFC, inf, 0, 0);
    exactly(ERFC, -inf, 0, 2);
    exactly(NORMAL, -0.0, 0, 0.5);
    exactly(NORMAL, inf, 0, 1);
    exactly(NORMAL, -inf, 0, 0);

    /* The first input is y, the second x: C99, F.9.1.4. */
    exactly(ATAN2, 0, 1, 0);
    exactly(ATAN2, -0.0, 1, -0.0);
    exactly(ATAN2, 0, 0, 0);
    exactly(ATAN2, -0.0, 0, -0.0);
    exactly(ATAN2, 1, inf, 0);
    exactly(ATAN2, -1, inf, -0.0);
    exactly(ATAN2, nan, inf, nan);
    exactly(ATAN2, inf, nan, nan);
    exactly(ATAN2, 0, nan, nan);

    /* C99, F.9.4.4 */
    exactly(POW, 0, -3, inf);
    exactly(POW, -0.0, -3, -inf);
    exactly(POW, -0.0, -2, inf);
    exactly(POW, -0.0, -2.5, inf);
    exactly(POW, 0, -inf, inf);
    exactly(POW, -0.0, -inf, inf);
    exactly(POW, 0, 3, 0);
    exactly(POW, -0.0, 3, -0.0);
    exactly(POW, -0.0, 2, 0);
    exactly(POW, -0.0, 2.5, 0);
    exactly(POW, -1, inf, 1);
    exactly(POW, -1, -inf, 1);
    exactly(POW, 1, nan, 1);
    exactly(POW, 1, inf, 1);
    exactly(POW, nan, 0, 1);
    exactly(POW, nan, -0.0, 1);
    exactly(POW, inf, 0, 1);
    exactly(POW, 0, 0, 1);
    exactly(POW, nan, 1, nan);
    exactly(POW, 2, nan, nan);
    exactly(POW, 0, nan, nan);
    exactly(POW, inf, nan, nan);
    exactly(POW, -2, 0.5, nan);
    exactly(POW, -2, 3, -8);
    exactly(POW, -2, 2, 4);
    exactly(POW, -2, 0x1p60, inf);
    exactly(POW, 0.5, -inf, inf);
    exactly(POW, -0.5, -inf, inf);
    exactly(POW, 2, -inf, 0);
    exactly(POW, -2, -inf, 0);
    exactly(POW, 0.5, inf, 0);
    exactly(POW, 2, inf, inf);
    exactly(POW, -inf, -3, -0.0);
    exactly(POW, -inf, -2, 0);
    exactly(POW, -inf, -2.5, 0);
    exactly(POW, -inf, 3, -inf);
    exactly(POW, -inf, 2, inf);
    exactly(POW, -inf, 2.5, inf);
    exactly(POW, inf, -1, 0);
    exactly(POW, inf, 1, inf);
    exactly(POW, inf, inf, inf);
    exactly(POW, inf, -inf, 0);
    exactly(POW, -inf, inf, inf);
    exactly(POW, -inf, -inf, 0);
    exactly(POW, 3, 2, 9);
    exactly(POW, -5, 3, -125);
    exactly(POW, 1.5, 1, 1.5);
    exactly(POW, 2, -126, 0x1p-126);
    exactly(POW, 2, -149, 0x1p-149);
}

/* An angle that is a fraction of pi, to 1 ulp of the type. */
static void angle(double y, double x, double want)
{
    for (int isa = 0; isa <= (int)ks__isa_best(); isa++) {
        float yf = (float)y, xf = (float)x, f = 0;
        double d = 0;
        atan2_f.scalar[isa](&f, (const void *[]){&yf, &xf}, NULL);
        atan2_d.scalar[isa](&d, (const void *[]){&y, &x}, NULL);
        cr_expect(fabs((double)f - want) <= 0x1p-22 && fabs(d - want) <= 0x1p-51, "atan2(%g, %g) is %a and %a", y, x, (double)f, d);
        cr_expect(!signbit(f) == !signbit(want) && !signbit(d) == !signbit(want));
    }
}

Test(vmath, angles_of_axes_and_infinities)
{
    const double inf = (double)INFINITY, pi = 3.14159265358979323846;
    angle(0, -0.0, pi);
    angle(-0.0, -0.0, -pi);
    angle(0, -1, pi);
    angle(-0.0, -1, -pi);
    angle(1, 0, pi / 2);
    angle(-1, -0.0, -pi / 2);
    angle(inf, inf, pi / 4);
    angle(inf, -inf, 3 * pi / 4);
    angle(-inf, inf, -pi / 4);
    angle(-inf, -inf, -3 * pi / 4);
    angle(inf, 1, pi / 2);
    angle(1, -inf, pi);
}

/* Close to a multiple of pi/2 nearly everything cancels; these are among the worst arguments. */
Test(vmath, near_multiples_of_pi)
{
    for (int k = 1; k < 600000; k += 1 + k / 64) {
        double near = (double)(1.57079632679489661923132169164L * k);
        for (int step = -1; step <= 1; step++) {
            double x = step < 0 ? nextafter(near, 0) : step > 0 ? nextafter(near, 1e9) : near;
            float xf = (float)x;
            for (int isa = 0; isa <= (int)ks__isa_best(); isa++) {
                double s = 0, c = 0;
                float sf = 0, cf = 0;
                sin_d.scalar[isa](&s, (const void *[]){&x}, NULL);
                cos_d.scalar[isa](&c, (const void *[]){&x}, NULL);
                sin_f.scalar[isa](&sf, (const void *[]){&xf}, NULL);
                cos_f.scalar[isa](&cf, (const void *[]){&xf}, NULL);
                double worst = ulps((long double)s, sinl((long double)x), DBL_MANT_DIG, DBL_MIN_EXP - 1);
                worst = fmax(worst, ulps((long double)c, cosl((long double)x), DBL_MANT_DIG, DBL_MIN_EXP - 1));
                worst = fmax(worst, ulps((long double)sf, sinl((long double)xf), FLT_MANT_DIG, FLT_MIN_EXP - 1));
                worst = fmax(worst, ulps((long double)cf, cosl((long double)xf), FLT_MANT_DIG, FLT_MIN_EXP - 1));
                cr_assert(worst <= LIMIT, "%.3f ulp at %a (%s)", worst, x, ks__isa_name((ks_isa)isa));
            }
        }
    }
}

Test(vmath, three_inputs)
{
    float a[37], b[37], c[37];
    for (int isa = 0; isa <= (int)ks__isa_best(); isa++) {
        for (int i = 0; i < 37; i++) {
            a[i] = (float)(i % 3 - 1);
            b[i] = (float)i;
            c[i] = (float)-i;
        }
        select_f.fn[isa](b, (const void *[]){a, b, c}, 37, NULL);
        for (int i = 0; i < 37; i++)
            cr_assert(b[i] == (i % 3 == 2 ? (float)i : (float)-i));
    }
}

Test(isa, names)
{
    for (int isa = 0; isa < KS_ISAS; isa++)
        cr_assert(ks__isa_named(ks__isa_name((ks_isa)isa)) == (ks_isa)isa);
    cr_assert(ks__isa_named("x86-64-v9") == KS_ISAS);
    cr_assert(ks__isa_named(NULL) == KS_ISAS);
    cr_assert(ks__isa_best() < KS_ISAS);
}
