/*
 * test_vmath_special.c - the vector functions where they have to be exact: at zeros of either sign, ones, infinities, NaN and denormals.
 */
#include "tests/engine/vmath.h"

#define INF ((double)INFINITY)
#define NOT ((double)NAN)

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

/* What each function is of x, or of x and y, to the bit. */
static const struct {
    int which;
    double x, y, want;
} special_cases[] = {
    {EXP, INF, 0, INF},
    {EXP, -INF, 0, 0},
    {EXP, 0, 0, 1},
    {EXP, -0.0, 0, 1},
    {LOG, 0, 0, -INF},
    {LOG, -0.0, 0, -INF},
    {LOG, -1, 0, NOT},
    {LOG, -INF, 0, NOT},
    {LOG, INF, 0, INF},
    {LOG, 1, 0, 0},
    {TANH, 0, 0, 0},
    {TANH, -0.0, 0, -0.0},
    {TANH, INF, 0, 1},
    {TANH, -INF, 0, -1},
    {TANH, 0x1p-140, 0, 0x1p-140},
    {TANH, -0x1p-149, 0, -0x1p-149},
    {SIGMOID, 0, 0, 0.5},
    {SIGMOID, -0.0, 0, 0.5},
    {SIGMOID, INF, 0, 1},
    {SIGMOID, -INF, 0, 0},
    {SIN, 0, 0, 0},
    {SIN, -0.0, 0, -0.0},
    {SIN, INF, 0, NOT},
    {SIN, -INF, 0, NOT},
    {SIN, 0x1p-140, 0, 0x1p-140},
    {COS, 0, 0, 1},
    {COS, -0.0, 0, 1},
    {COS, INF, 0, NOT},
    {COS, -INF, 0, NOT},
    {EXPM1, 0, 0, 0},
    {EXPM1, -0.0, 0, -0.0},
    {EXPM1, INF, 0, INF},
    {EXPM1, -INF, 0, -1},
    {EXPM1, 0x1p-149, 0, 0x1p-149},
    {LOG1P, -0.0, 0, -0.0},
    {LOG1P, -1, 0, -INF},
    {LOG1P, -2, 0, NOT},
    {LOG1P, INF, 0, INF},
    {LOG1P, -0x1p-149, 0, -0x1p-149},
    {SINH, -0.0, 0, -0.0},
    {SINH, -INF, 0, -INF},
    {SINH, 0x1p-149, 0, 0x1p-149},
    {COSH, -0.0, 0, 1},
    {COSH, -INF, 0, INF},
    {ASINH, -0.0, 0, -0.0},
    {ASINH, -INF, 0, -INF},
    {ASINH, -0x1p-149, 0, -0x1p-149},
    {ACOSH, 1, 0, 0},
    {ACOSH, 0.5, 0, NOT},
    {ACOSH, INF, 0, INF},
    {ACOSH, -INF, 0, NOT},
    {ATANH, -0.0, 0, -0.0},
    {ATANH, 1, 0, INF},
    {ATANH, -1, 0, -INF},
    {ATANH, 2, 0, NOT},
    {ATANH, 0x1p-149, 0, 0x1p-149},
    {TAN, -0.0, 0, -0.0},
    {TAN, INF, 0, NOT},
    {TAN, 0x1p-149, 0, 0x1p-149},
    {ASIN, -0.0, 0, -0.0},
    {ASIN, 1.5, 0, NOT},
    {ASIN, 0x1p-149, 0, 0x1p-149},
    {ACOS, 1, 0, 0},
    {ACOS, -INF, 0, NOT},
    {ATAN, -0.0, 0, -0.0},
    {ATAN, 0x1p-149, 0, 0x1p-149},
    {ERF, -0.0, 0, -0.0},
    {ERF, INF, 0, 1},
    {ERF, -INF, 0, -1},
    {ERFC, 0, 0, 1},
    {ERFC, INF, 0, 0},
    {ERFC, -INF, 0, 2},
    {NORMAL, -0.0, 0, 0.5},
    {NORMAL, INF, 0, 1},
    {NORMAL, -INF, 0, 0},
    /* The first input is y, the second x: C99, F.9.1.4. */
    {ATAN2, 0, 1, 0},
    {ATAN2, -0.0, 1, -0.0},
    {ATAN2, 0, 0, 0},
    {ATAN2, -0.0, 0, -0.0},
    {ATAN2, 1, INF, 0},
    {ATAN2, -1, INF, -0.0},
    {ATAN2, NOT, INF, NOT},
    {ATAN2, INF, NOT, NOT},
    {ATAN2, 0, NOT, NOT},
    /* C99, F.9.4.4 */
    {POW, 0, -3, INF},
    {POW, -0.0, -3, -INF},
    {POW, -0.0, -2, INF},
    {POW, -0.0, -2.5, INF},
    {POW, 0, -INF, INF},
    {POW, -0.0, -INF, INF},
    {POW, 0, 3, 0},
    {POW, -0.0, 3, -0.0},
    {POW, -0.0, 2, 0},
    {POW, -0.0, 2.5, 0},
    {POW, -1, INF, 1},
    {POW, -1, -INF, 1},
    {POW, 1, NOT, 1},
    {POW, 1, INF, 1},
    {POW, NOT, 0, 1},
    {POW, NOT, -0.0, 1},
    {POW, INF, 0, 1},
    {POW, 0, 0, 1},
    {POW, NOT, 1, NOT},
    {POW, 2, NOT, NOT},
    {POW, 0, NOT, NOT},
    {POW, INF, NOT, NOT},
    {POW, -2, 0.5, NOT},
    {POW, -2, 3, -8},
    {POW, -2, 2, 4},
    {POW, -2, 0x1p60, INF},
    {POW, 0.5, -INF, INF},
    {POW, -0.5, -INF, INF},
    {POW, 2, -INF, 0},
    {POW, -2, -INF, 0},
    {POW, 0.5, INF, 0},
    {POW, 2, INF, INF},
    {POW, -INF, -3, -0.0},
    {POW, -INF, -2, 0},
    {POW, -INF, -2.5, 0},
    {POW, -INF, 3, -INF},
    {POW, -INF, 2, INF},
    {POW, -INF, 2.5, INF},
    {POW, INF, -1, 0},
    {POW, INF, 1, INF},
    {POW, INF, INF, INF},
    {POW, INF, -INF, 0},
    {POW, -INF, INF, INF},
    {POW, -INF, -INF, 0},
    {POW, 3, 2, 9},
    {POW, -5, 3, -125},
    {POW, 1.5, 1, 1.5},
    {POW, 2, -126, 0x1p-126},
    {POW, 2, -149, 0x1p-149},
};

Test(vmath, special)
{
    for (int i = EXP; i < ATAN2; i++)
        exactly(i, (double)NAN, 0, (double)NAN);
    for (size_t i = 0; i < sizeof special_cases / sizeof special_cases[0]; i++)
        exactly(special_cases[i].which, special_cases[i].x, special_cases[i].y, special_cases[i].want);
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
