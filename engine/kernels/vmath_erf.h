/*
 * vmath_erf.h - erf, erfc and the distribution function of the normal distribution. The rules are those of vmath.h.
 *
 * Two ways serve all three: a power series in small arguments, and exp(-a^2) times a smooth function elsewhere, where
 * nothing cancels. Each function takes from the one or the other what is accurate there. A NaN is handed back as it is: the
 * sums would make its sign depend on the order in which the compiler has them.
 */
#ifndef KS_KERNELS_VMATH_ERF_H
#define KS_KERNELS_VMATH_ERF_H

#include "engine/kernels/vmath_exp.h"

/* erf(a) = a + a P(a^2) for 0 <= a <= 1, float 2^-29, double 2^-62. */
static KS_INLINE float ks__erf_small_f(float a)
{
    float z = a * a;
    float p = 0x1.496a12p-14f;
    p = p * z - 0x1.a3f71ep-11f;
    p = p * z + 0x1.5405bep-8f;
    p = p * z - 0x1.b7f91p-6f;
    p = p * z + 0x1.ce2cf8p-4f;
    p = p * z - 0x1.81273ep-2f;
    p = p * z + 0x1.06eba8p-3f;
    return p * a + a;
}

static KS_INLINE double ks__erf_small_d(double a)
{
    double z = a * a;
    double p = 0x1.0579a08899382p-34;
    p = p * z - 0x1.386acc14bb46ap-30;
    p = p * z + 0x1.f7a41b6768ef6p-27;
    p = p * z - 0x1.5f1d38354a7c8p-23;
    p = p * z + 0x1.b9def1de3f8ebp-20;
    p = p * z - 0x1.f4d1df40274b3p-17;
    p = p * z + 0x1.f9a321a195b9dp-14;
    p = p * z - 0x1.c02db3d8f264ep-11;
    p = p * z + 0x1.565bcd0db0530p-8;
    p = p * z - 0x1.b82ce312849afp-6;
    p = p * z + 0x1.ce2f21a042b21p-4;
    p = p * z - 0x1.812746b0379e6p-2;
    p = p * z + 0x1.06eba8214db69p-3;
    return p * a + a;
}

/*
 * erfc(a) = exp(-a^2) (1 + P(z)) / (1 + 2a), z = (a - k) / (a + k), for a from 0.47 until it is 0: float k = 2.5 and 2^-29,
 * double k = 4 and 2^-60. What 1 + P, 1 + 2a and the quotient lose to rounding
 * goes along with the exponent (0.9 stands for 1 / (1 + P)). a^2 comes as square + rest, `square` of so
 * few bits that it is exact.
 */
static KS_INLINE float ks__erfc_tail_f(float a, float square, float rest)
{
    float z = (a - 2.5f) / (a + 2.5f);
    float p = 0x1.18841cp-11f;
    p = p * z + 0x1.af0d92p-12f;
    p = p * z - 0x1.1d02c4p-8f;
    p = p * z + 0x1.f6a0dep-11f;
    p = p * z + 0x1.0c5594p-5f;
    p = p * z - 0x1.a5c4ap-4f;
    p = p * z + 0x1.42d3aap-3f;
    p = p * z - 0x1.959a92p-4f;
    p = p * z - 0x1.f52c6p-4f;
    p = p * z + 0x1.0f31bep-2f;
    float one = 1.0f + p;
    float d = 1.0f + 2.0f * a;
    float g = one / d;
    float more = p - (one - 1.0f);
    float less = a < 0.5f ? 2.0f * a - (d - 1.0f) : 1.0f - (d - 2.0f * a);
    float high = ks__head_f(g), top = ks__head_f(d);
    float miss = ((one - high * top) - high * (d - top)) - (g - high) * d;
    return ks__times_exp_f(g, -square, -rest, 0.9f * ((miss + more) - less * g));
}

static KS_INLINE double ks__erfc_tail_d(double a, double square, double rest)
{
    double z = (a - 4.0) / (a + 4.0);
    double p = 0x1.b9d65120f0fb9p-30;
    p = p * z - 0x1.4f0a403f9f7bcp-27;
    p = p * z - 0x1.2905a3bb40c1fp-26;
    p = p * z + 0x1.bca85c0fb6355p-24;
    p = p * z + 0x1.3d8079587dcf0p-24;
    p = p * z - 0x1.b824ba7e2d530p-21;
    p = p * z + 0x1.3bf0066d8b99dp-22;
    p = p * z + 0x1.7ef879ad4bd09p-18;
    p = p * z - 0x1.788dd28d2f48dp-17;
    p = p * z - 0x1.9955391f0faf9p-16;
    p = p * z + 0x1.3be06a18a9668p-13;
    p = p * z - 0x1.a1df41e1ddadbp-13;
    p = p * z - 0x1.8d4a9c157638ep-11;
    p = p * z + 0x1.49c672a65cc42p-8;
    p = p * z - 0x1.09623882fae54p-6;
    p = p * z + 0x1.3079edf6296c5p-5;
    p = p * z - 0x1.0fb06dfe52904p-4;
    p = p * z + 0x1.7fee004e147c4p-4;
    p = p * z - 0x1.9ddb23c3e8b98p-4;
    p = p * z + 0x1.16ecefcfa52d0p-4;
    p = p * z + 0x1.f7f5df66fd729p-7;
    p = p * z - 0x1.1df1ad154a28ep-3;
    p = p * z + 0x1.dd2c8b74febf6p-3;
    double one = 1.0 + p;
    double d = 1.0 + 2.0 * a;
    double g = one / d;
    double more = p - (one - 1.0);
    double less = a < 0.5 ? 2.0 * a - (d - 1.0) : 1.0 - (d - 2.0 * a);
    double high = ks__head_d(g), top = ks__head_d(d);
    double miss = ((one - high * top) - high * (d - top)) - (g - high) * d;
    return ks__times_exp_d(g, -square, -rest, 0.9 * ((miss + more) - less * g));
}

/* The same where a^2 is not known better than by a; 0 from the limits on. All products are exact, fused or not. */
static KS_INLINE float ks__erfc_far_f(float x)
{
    float a = 10.2f < x ? 10.2f : x;
    float head = ks__head_f(a), rest = a - head;
    return ks__erfc_tail_f(a, head * head, 2.0f * head * rest + rest * rest);
}

static KS_INLINE double ks__erfc_far_d(double x)
{
    double a = 27.3 < x ? 27.3 : x;
    double head = ks__head_d(a), rest = a - head;
    return ks__erfc_tail_d(a, head * head, 2.0 * head * rest + rest * rest);
}

static KS_INLINE float ks__erf_f(float x)
{
    float a = ks__abs_f(x);
    float small = ks__erf_small_f(a);
    float large = 1.0f - ks__erfc_far_f(a);
    return x != x ? x : ks__signed_f(a < 1.0f ? small : large, x);
}

static KS_INLINE double ks__erf_d(double x)
{
    double a = ks__abs_d(x);
    double small = ks__erf_small_d(a);
    double large = 1.0 - ks__erfc_far_d(a);
    return x != x ? x : ks__signed_d(a < 1.0 ? small : large, x);
}

static KS_INLINE float ks__erfc_f(float x)
{
    float a = ks__abs_f(x);
    float small = ks__erf_small_f(a);
    float tail = ks__erfc_far_f(a);
    float near = 1.0f - (x < 0.0f ? -small : small);
    float far = x < 0.0f ? 2.0f - tail : tail;
    far = a < 0.47f ? near : far;
    return x != x ? x : far;
}

static KS_INLINE double ks__erfc_d(double x)
{
    double a = ks__abs_d(x);
    double small = ks__erf_small_d(a);
    double tail = ks__erfc_far_d(a);
    double near = 1.0 - (x < 0.0 ? -small : small);
    double far = x < 0.0 ? 2.0 - tail : tail;
    far = a < 0.47 ? near : far;
    return x != x ? x : far;
}

/*
 * The probability that a standard normal number is at most x, erfc(-x / sqrt 2) / 2, to 3 ulp. x^2 / 2 is taken from x and not from the
 * rounded x / sqrt 2, whose error the exponential would multiply.
 */
static KS_INLINE float ks__normal_f(float x)
{
    float b = ks__abs_f(x);
    b = 14.4f < b ? 14.4f : b;
    float a = 0x1.6a09e6p-1f * b;
    float head = ks__head_f(b), rest = b - head;
    float tail = 0.5f * ks__erfc_tail_f(a, 0.5f * head * head, head * rest + 0.5f * rest * rest);
    float half = 0.5f * ks__erf_small_f(a);
    float near = 0.5f + (x < 0.0f ? -half : half);
    float far = x < 0.0f ? tail : 1.0f - tail;
    far = a < 0.47f ? near : far;
    return x != x ? x : far;
}

static KS_INLINE double ks__normal_d(double x)
{
    double b = ks__abs_d(x);
    b = 38.6 < b ? 38.6 : b;
    double a = 0x1.6a09e667f3bcdp-1 * b;
    double head = ks__head_d(b), rest = b - head;
    double tail = 0.5 * ks__erfc_tail_d(a, 0.5 * head * head, head * rest + 0.5 * rest * rest);
    double half = 0.5 * ks__erf_small_d(a);
    double near = 0.5 + (x < 0.0 ? -half : half);
    double far = x < 0.0 ? tail : 1.0 - tail;
    far = a < 0.47 ? near : far;
    return x != x ? x : far;
}

#endif
