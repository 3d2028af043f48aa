/*
 * test_vmath.c - the vector functions against libm in a wider type, for every instruction set of this machine.
 *
 * Each function is swept over all exponents and over the range where it does something, the error is measured in
 * units in the last place, and an element has the same bits in a long tile, in a tail, in place and alone. Special
 * cases are in test_vmath_special.c.
 */
#include "tests/engine/vmath.h"

KS_TILE3(select_f, float, float, float, float, a > 0.0f ? b : c)

/* ---- sweeps -------------------------------------------------------------------------------------------- */

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
