/*
 * vmath_log.h - log, log1p, asinh, acosh and atanh: what comes from the logarithm. The rules are those of vmath.h.
 */
#ifndef KS_KERNELS_VMATH_LOG_H
#define KS_KERNELS_VMATH_LOG_H

#include "engine/kernels/vmath_bits.h"

/* ---- log ----------------------------------------------------------------------------------------------- */

/*
 * x = 2^k (1 + f) with 1 + f in [sqrt(1/2), sqrt(2)): subtracting the bits of sqrt(1/2) before the exponent is read
 * makes the cut there. log(1 + f) = f - f^2/2 + f^3 P(f), 2^-27. Denormals are scaled up first.
 */
static KS_INLINE float ks__log_parts_f(float k, float f, float more) /* log(2^k (1 + f)) + more, which is small */
{
    float p = -0x1.41ee90p-4f;
    p = p * f + 0x1.07d10cp-3f;
    p = p * f - 0x1.0ce066p-3f;
    p = p * f + 0x1.226e44p-3f;
    p = p * f - 0x1.54788ep-3f;
    p = p * f + 0x1.99a596p-3f;
    p = p * f - 0x1.000222p-2f;
    p = p * f + 0x1.55554ap-2f;
    p = p * f - 0.5f;
    float low = (f * f) * p + k * 0x1.7f7d1cp-20f;
    low = low + more;
    return k * 0x1.62e4p-1f + (f + low);
}

static KS_INLINE float ks__log_sum_f(float x, float more) /* log(x) + more */
{
    float scaled = x < FLT_MIN ? x * 0x1p25f : x;
    float bias = x < FLT_MIN ? 152.0f : 127.0f;
    uint32_t u = ks__bits_f(scaled) + (0x3f800000u - 0x3f3504f3u);
    float k = (float)(int32_t)((u >> 23) & 0x1ffu) - bias;
    float f = ks__from_bits_f((u & 0x007fffffu) + 0x3f3504f3u) - 1.0f;
    float y = ks__log_parts_f(k, f, more);
    y = x == INFINITY ? INFINITY : y;
    float outside = x == 0.0f ? -INFINITY : NAN;
    return x > 0.0f ? y : outside;
}

/* Adding -0 changes no number, and the compiler leaves it out. */
static KS_INLINE float ks__log_f(float x)
{
    return ks__log_sum_f(x, -0.0f);
}

/*
 * The same split. log(1 + f) with s = f / (2 + f) is log((1 + s) / (1 - s)) = 2s + s R(s^2), R(z) = z (2/3 + 2/5 z + ...),
 * 2^-59; and since 2s = f - s f exactly, and f s = f^2/2 - s f^2/2, it is f - (f^2/2 - s (f^2/2 + R)), where only
 * small terms are rounded.
 */
static KS_INLINE double ks__log_sum_d(double x, double more)
{
    double scaled = x < DBL_MIN ? x * 0x1p54 : x;
    double bias = x < DBL_MIN ? 0x1p52 + 1077.0 : 0x1p52 + 1023.0;
    uint64_t u = ks__bits_d(scaled) + (0x3ff0000000000000u - 0x3fe6a09e667f3bcdu);
    double k = ks__from_bits_d((u >> 52) | 0x4330000000000000u) - bias;
    double f = ks__from_bits_d((u & 0x000fffffffffffffu) + 0x3fe6a09e667f3bcdu) - 1.0;
    double s = f / (2.0 + f);
    double z = s * s;
    double p = 0x1.2f09799ee5c8bp-3;
    p = p * z + 0x1.39a157fc83e10p-3;
    p = p * z + 0x1.7466428759e2fp-3;
    p = p * z + 0x1.c71c51f8c37fap-3;
    p = p * z + 0x1.2492494204368p-2;
    p = p * z + 0x1.999999997fc79p-2;
    p = p * z + 0x1.5555555555593p-1;
    double half = 0.5 * f * f;
    double low = s * (z * p + half) + k * 0x1.a39ef35793c76p-33;
    low = low + more;
    double y = k * 0x1.62e42feep-1 + (f - (half - low));
    y = x == (double)INFINITY ? (double)INFINITY : y;
    double outside = x == 0.0 ? -(double)INFINITY : (double)NAN;
    return x > 0.0 ? y : outside;
}

static KS_INLINE double ks__log_d(double x)
{
    return ks__log_sum_d(x, -0.0);
}

/* ---- log1p --------------------------------------------------------------------------------------------- */

/* log(u) + lost / u, u = 1 + x rounded and `lost` what it lost. That is x itself where u is 1. */
static KS_INLINE float ks__log1p_f(float x)
{
    float u = 1.0f + x;
    float lost = x > 1.0f ? 1.0f - (u - x) : x - (u - 1.0f);
    float y = ks__log_sum_f(u, lost / u);
    y = x == INFINITY ? INFINITY : y;
    return x == 0.0f ? x : y;
}

static KS_INLINE double ks__log1p_d(double x)
{
    double u = 1.0 + x;
    double lost = x > 1.0 ? 1.0 - (u - x) : x - (u - 1.0);
    double y = ks__log_sum_d(u, lost / u);
    y = x == (double)INFINITY ? (double)INFINITY : y;
    return x == 0.0 ? x : y;
}

/* ---- asinh, acosh, atanh ------------------------------------------------------------------------------- */

/* What sqrt(high + low) has beyond s, the root of high as it was rounded: heads of s make s^2 exact. */
static KS_INLINE double ks__root_rest_d(double high, double low, double s)
{
    double head = ks__head_d(s);
    double rest = s - head;
    double over = s + s;
    double miss = ((high - head * head) - 2.0 * head * rest) - rest * rest;
    return over > 0.0 ? (miss + low) / over : 0.0;
}

/* The rounded square of a and, in *low, what it lost. */
static KS_INLINE double ks__square_d(double a, double *low)
{
    double head = ks__head_d(a);
    double rest = a - head;
    double exact = head * head;
    double high = exact + (a + head) * rest;
    *low = (exact - high) + (a + head) * rest;
    return high;
}

/*
 * asinh |x| = log(a + sqrt(a^2 + 1)) and acosh x = log(x + sqrt(x^2 - 1)), with root and sum in two parts, since near 1 the
 * logarithm has only what lies beyond 1. From 2^60 on it is log(2a). Float is computed so too: there is no shorter way.
 */
static KS_INLINE double ks__asinh_d(double x)
{
    double a = ks__abs_d(x);
    int large = a > 0x1p60;
    double b = large ? 1.0 : a;
    double lost, square = ks__square_d(b, &lost);
    double w = square + 1.0;
    double low = (b < 1.0 ? square - (w - 1.0) : 1.0 - (w - square)) + lost;
    double s = sqrt(w);
    double v = s + b;
    low = (b - (v - s)) + ks__root_rest_d(w, low, s);
    double y = ks__log_sum_d(large ? a : v, large ? 0x1.62e42fefa39efp-1 : low / v);
    return ks__signed_d(a < 0x1p-500 ? a : y, x);
}

static KS_INLINE double ks__acosh_d(double x)
{
    int large = x > 0x1p60;
    double b = large ? 2.0 : x;
    double lost, square = ks__square_d(b, &lost);
    double w = square - 1.0;
    double low = ((square - w) - 1.0) + lost;
    double s = sqrt(w);
    double v = b + s;
    low = (s - (v - b)) + ks__root_rest_d(w, low, s);
    double y = ks__log_sum_d(large ? x : v, large ? 0x1.62e42fefa39efp-1 : low / v);
    return x >= 1.0 ? y : (double)NAN;
}

/* (log(1 + a) - log(1 - a)) / 2: both terms have one sign, so nothing cancels. */
static KS_INLINE double ks__atanh_d(double x)
{
    double a = ks__abs_d(x);
    double y = 0.5 * ks__log1p_d(a) - 0.5 * ks__log1p_d(-a);
    return ks__signed_d(a < 0x1p-30 ? a : y, x);
}

static KS_INLINE float ks__asinh_f(float x)
{
    double a = (double)ks__abs_f(x);
    double y = ks__log1p_d(a + a * a / (1.0 + sqrt(a * a + 1.0)));
    return ks__signed_f(((x == INFINITY) | (x == -INFINITY)) ? INFINITY : (float)y, x);
}

static KS_INLINE float ks__acosh_f(float x)
{
    double t = (double)x - 1.0;
    float y = (float)ks__log1p_d(t + sqrt(t * (t + 2.0)));
    return x >= 1.0f ? y : NAN;
}

static KS_INLINE float ks__atanh_f(float x)
{
    double a = (double)ks__abs_f(x);
    return ks__signed_f((float)(0.5 * ks__log1p_d((a + a) / (1.0 - a))), x);
}

#endif
