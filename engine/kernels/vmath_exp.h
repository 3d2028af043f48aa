/*
 * vmath_exp.h - exp, expm1, sigmoid, tanh, sinh and cosh: what comes from e^x. The rules are those of vmath.h.
 */
#ifndef KS_KERNELS_VMATH_EXP_H
#define KS_KERNELS_VMATH_EXP_H

#include "engine/kernels/vmath_bits.h"

/* ---- exp ----------------------------------------------------------------------------------------------- */

/*
 * exp(r) for |r| <= ln(2)/2: 1 + (r + r^2 Q(r)), in that order, so that only the last sum rounds by as much as half a
 * unit. Float 2^-28, double 2^-56. The part beyond 1 stands alone too, with what r lacks; a lack of -0 changes nothing, and
 * the compiler leaves it out.
 */
static KS_INLINE float ks__exp_rest_f(float r, float low)
{
    float p = 0x1.6a2400p-10f;
    p = p * r + 0x1.123a1ep-7f;
    p = p * r + 0x1.5558f2p-5f;
    p = p * r + 0x1.555492p-3f;
    p = p * r + 0x1.fffffcp-2f;
    return ((r * r) * p + low) + r;
}

static KS_INLINE float ks__exp_core_f(float r)
{
    return ks__exp_rest_f(r, -0.0f) + 1.0f;
}

static KS_INLINE double ks__exp_rest_d(double r, double low)
{
    double p = 0x1.af635f16ead2dp-26;
    p = p * r + 0x1.28b43b4f111dbp-22;
    p = p * r + 0x1.71ddf69834cdap-19;
    p = p * r + 0x1.a019938664e2bp-16;
    p = p * r + 0x1.a01a01b015fc1p-13;
    p = p * r + 0x1.6c16c18611db9p-10;
    p = p * r + 0x1.111111110f7efp-7;
    p = p * r + 0x1.55555555503a0p-5;
    p = p * r + 0x1.5555555555558p-3;
    p = p * r + 0x1.0000000000009p-1;
    return ((r * r) * p + low) + r;
}

static KS_INLINE double ks__exp_core_d(double r)
{
    return ks__exp_rest_d(r, -0.0) + 1.0;
}

/*
 * exp(x) = 2^n exp(x - n ln 2). 2^n is applied as 2^(n-k) 2^k, k = -64 below 0 and 64 above: both factors are normal
 * numbers for every n of the clamped range, the first product is exact, and the second rounds once, to a denormal or
 * infinity where that is the answer. 2^k is made from the sign bit with integers: a select on x < 0 after the clamp's
 * selects would make gcc split the cases and then compute them all.
 */
static KS_INLINE float ks__exp_f(float x)
{
    x = ks__clamp_f(x, -104.0f, 89.0f);
    float t = x * 0x1.715476p0f + (KS__ROUND_F + 254.0f);
    float n = t - (KS__ROUND_F + 254.0f);
    float r = x - n * 0x1.62e4p-1f;
    r = r - n * 0x1.7f7d1cp-20f;
    uint32_t last = (191u << 23) - (ks__sign_f(x) >> 1);
    uint32_t first = (ks__bits_f(t) << 23) - last;
    return ks__exp_core_f(r) * ks__from_bits_f(first) * ks__from_bits_f(last);
}

/* exp(x + low), low a small correction of x. */
static KS_INLINE double ks__exp_sum_d(double x, double low)
{
    double t = x * 0x1.71547652b82fep0 + (KS__ROUND_D + 2046.0);
    double n = t - (KS__ROUND_D + 2046.0);
    double r = x - n * 0x1.62e42feep-1;
    r = r - n * 0x1.a39ef35793c76p-33;
    r = r + low;
    uint64_t last = ((uint64_t)1087 << 52) - (ks__sign_d(x) >> 4);
    uint64_t first = (ks__bits_d(t) << 52) - last;
    return ks__exp_core_d(r) * ks__from_bits_d(first) * ks__from_bits_d(last);
}

static KS_INLINE double ks__exp_d(double x)
{
    return ks__exp_sum_d(ks__clamp_d(x, -746.0, 710.0), -0.0);
}

/*
 * g exp(x + low) (1 + tiny) for x <= 0 within exp's limits: g + g (exp(r) - 1) rounds once where a product of g and exp(r)
 * would round twice, and what r lost is kept.
 */
static KS_INLINE float ks__times_exp_f(float g, float x, float low, float tiny)
{
    float t = (x + low) * 0x1.715476p0f + (KS__ROUND_F + 191.0f);
    float n = t - (KS__ROUND_F + 191.0f);
    float top = x - n * 0x1.62e4p-1f;
    float near = top + low;
    float r = near - n * 0x1.7f7d1cp-20f;
    float lost = (low - (near - top)) + ((near - r) - n * 0x1.7f7d1cp-20f);
    float e = ks__exp_rest_f(r, -0.0f);
    e = e + (lost + tiny) * (1.0f + e);
    float y = g * e + g;
    return y * ks__from_bits_f(ks__bits_f(t) << 23) * 0x1p-64f;
}

static KS_INLINE double ks__times_exp_d(double g, double x, double low, double tiny)
{
    double t = (x + low) * 0x1.71547652b82fep0 + (KS__ROUND_D + 1087.0);
    double n = t - (KS__ROUND_D + 1087.0);
    double top = x - n * 0x1.62e42feep-1;
    double near = top + low;
    double r = near - n * 0x1.a39ef35793c76p-33;
    double lost = (low - (near - top)) + ((near - r) - n * 0x1.a39ef35793c76p-33);
    double e = ks__exp_rest_d(r, -0.0);
    e = e + (lost + tiny) * (1.0 + e);
    double y = g * e + g;
    return y * ks__from_bits_d(ks__bits_d(t) << 52) * 0x1p-64;
}

/* ---- sigmoid ------------------------------------------------------------------------------------------- */

/*
 * With e = exp(-|x|) <= 1, which never overflows: 1 / (1 + e) from 0 up, e / (1 + e) below. What the sum 1 + e loses
 * to rounding is brought back to first order: y / (1 + lost) is about y - y lost.
 */
static KS_INLINE float ks__sigmoid_f(float x)
{
    float a = -ks__abs_f(x);
    a = -104.0f > a ? -104.0f : a;
    float t = a * 0x1.715476p0f + (KS__ROUND_F + 191.0f);
    float n = t - (KS__ROUND_F + 191.0f);
    float r = a - n * 0x1.62e4p-1f;
    r = r - n * 0x1.7f7d1cp-20f;
    float e = ks__exp_core_f(r) * ks__from_bits_f(ks__bits_f(t) << 23) * 0x1p-64f;
    float sum = 1.0f + e;
    float lost = e - (sum - 1.0f);
    float y = (x < 0.0f ? e : 1.0f) / sum;
    return y - y * lost;
}

static KS_INLINE double ks__sigmoid_d(double x)
{
    double a = -ks__abs_d(x);
    a = -746.0 > a ? -746.0 : a;
    double t = a * 0x1.71547652b82fep0 + (KS__ROUND_D + 1087.0);
    double n = t - (KS__ROUND_D + 1087.0);
    double r = a - n * 0x1.62e42feep-1;
    r = r - n * 0x1.a39ef35793c76p-33;
    double e = ks__exp_core_d(r) * ks__from_bits_d(ks__bits_d(t) << 52) * 0x1p-64;
    double sum = 1.0 + e;
    double lost = e - (sum - 1.0);
    double y = (x < 0.0 ? e : 1.0) / sum;
    return y - y * lost;
}

/* ---- tanh ---------------------------------------------------------------------------------------------- */

/*
 * Both of two ways, for a = |x|: below 0.55, where 1 - ... would cancel, a + a^3 P(a^2), float 2^-29, double 2^-60;
 * above 1 - 2 / (exp(2a) + 1), where the quotient is under a half and its error counts as little. From the upper limit
 * on it is 1.
 */
static KS_INLINE float ks__tanh_f(float x)
{
    float a = ks__abs_f(x);
    float z = a * a;
    float p = -0x1.9af16ep-8f;
    p = p * z + 0x1.593296p-6f;
    p = p * z - 0x1.b9274cp-5f;
    p = p * z + 0x1.110d20p-3f;
    p = p * z - 0x1.55554ap-2f;
    float small = (p * z) * a + a;

    float b = 9.1f < a ? 9.1f : a;
    float t = b * 0x1.715476p1f + (KS__ROUND_F + 127.0f);
    float n = t - (KS__ROUND_F + 127.0f);
    float r = 2.0f * b - n * 0x1.62e4p-1f;
    r = r - n * 0x1.7f7d1cp-20f;
    float sum = ks__exp_core_f(r) * ks__from_bits_f(ks__bits_f(t) << 23) + 1.0f;
    float large = 1.0f - 2.0f / sum;
    return ks__from_bits_f(ks__bits_f(a < 0.55f ? small : large) | ks__sign_f(x));
}

/* The polynomials in pairs, not in one chain: a recurrent net waits for one tanh after the other. */
static KS_INLINE double ks__tanh_d(double x)
{
    double a = ks__abs_d(x);
    double z = a * a;
    double z2 = z * z;
    double z4 = z2 * z2;
    double p0 = 0x1.1111111110775p-3 * z - 0x1.555555555554fp-2;
    double p1 = 0x1.664f4858e3071p-6 * z - 0x1.ba1ba1b97b21ap-5;
    double p2 = 0x1.d6d298911a3f1p-9 * z - 0x1.226e2f01d7008p-7;
    double p3 = 0x1.34825d4614dcep-11 * z - 0x1.7d8fabb7a1735p-10;
    double p4 = 0x1.5d4bff76bf139p-14 * z - 0x1.e962074ba07a7p-13;
    p4 = -0x1.46ab0d208b7a8p-16 * z2 + p4;
    p0 = p1 * z2 + p0;
    p2 = p3 * z2 + p2;
    p2 = p4 * z4 + p2;
    p0 = p2 * z4 + p0;
    double small = (p0 * z) * a + a;

    double b = 19.1 < a ? 19.1 : a;
    double t = b * 0x1.71547652b82fep1 + (KS__ROUND_D + 1023.0);
    double n = t - (KS__ROUND_D + 1023.0);
    double r = 2.0 * b - n * 0x1.62e42feep-1;
    r = r - n * 0x1.a39ef35793c76p-33;
    double r2 = r * r;
    double r4 = r2 * r2;
    double q0 = 0x1.5555555555558p-3 * r + 0x1.0000000000009p-1;
    double q1 = 0x1.111111110f7efp-7 * r + 0x1.55555555503a0p-5;
    double q2 = 0x1.a01a01b015fc1p-13 * r + 0x1.6c16c18611db9p-10;
    double q3 = 0x1.71ddf69834cdap-19 * r + 0x1.a019938664e2bp-16;
    double q4 = 0x1.af635f16ead2dp-26 * r + 0x1.28b43b4f111dbp-22;
    q0 = q1 * r2 + q0;
    q2 = q3 * r2 + q2;
    q2 = q4 * r4 + q2;
    q0 = q2 * r4 + q0;
    double sum = (r2 * q0 + r + 1.0) * ks__from_bits_d(ks__bits_d(t) << 52) + 1.0;
    double large = 1.0 - 2.0 / sum;
    return ks__from_bits_d(ks__bits_d(a < 0.55 ? small : large) | ks__sign_d(x));
}

/* ---- expm1 --------------------------------------------------------------------------------------------- */

/*
 * exp(x) - 1 = 2 (2^(n-1) (exp(r) - 1) + (2^(n-1) - 1/2)), where n = 0 leaves exp(r) - 1 alone. What r lost to rounding is
 * kept: for n = 1 and r < 0 it would be doubled. Up to a 2^-30 (2^-60) the result is x.
 */
static KS_INLINE float ks__expm1_f(float x)
{
    float a = ks__clamp_f(x, -25.0f, 89.0f);
    float t = a * 0x1.715476p0f + (KS__ROUND_F + 126.0f);
    float n = t - (KS__ROUND_F + 126.0f);
    float top = a - n * 0x1.62e4p-1f;
    float r = top - n * 0x1.7f7d1cp-20f;
    float low = (top - r) - n * 0x1.7f7d1cp-20f;
    float p = ks__exp_rest_f(r, low);
    float scale = ks__from_bits_f(ks__bits_f(t) << 23);
    float y = (p * scale + (scale - 0.5f)) * 2.0f;
    return ks__abs_f(x) < 0x1p-30f ? x : y;
}

static KS_INLINE double ks__expm1_d(double x)
{
    double a = ks__clamp_d(x, -40.0, 710.0);
    double t = a * 0x1.71547652b82fep0 + (KS__ROUND_D + 1022.0);
    double n = t - (KS__ROUND_D + 1022.0);
    double top = a - n * 0x1.62e42feep-1;
    double r = top - n * 0x1.a39ef35793c76p-33;
    double low = (top - r) - n * 0x1.a39ef35793c76p-33;
    double p = ks__exp_rest_d(r, low);
    double scale = ks__from_bits_d(ks__bits_d(t) << 52);
    double y = (p * scale + (scale - 0.5)) * 2.0;
    return ks__abs_d(x) < 0x1p-60 ? x : y;
}

/* ---- sinh and cosh ------------------------------------------------------------------------------------- */

/* exp(a) / 2 for a >= 0, which is finite a little beyond where exp(a) is. */
static KS_INLINE float ks__half_exp_f(float a)
{
    float b = 90.0f < a ? 90.0f : a;
    float t = b * 0x1.715476p0f + (KS__ROUND_F + 63.0f);
    float n = t - (KS__ROUND_F + 63.0f);
    float r = b - n * 0x1.62e4p-1f;
    r = r - n * 0x1.7f7d1cp-20f;
    return ks__exp_core_f(r) * ks__from_bits_f(ks__bits_f(t) << 23) * 0x1p63f;
}

static KS_INLINE double ks__half_exp_d(double a)
{
    double b = 711.0 < a ? 711.0 : a;
    double t = b * 0x1.71547652b82fep0 + (KS__ROUND_D + 959.0);
    double n = t - (KS__ROUND_D + 959.0);
    double r = b - n * 0x1.62e42feep-1;
    r = r - n * 0x1.a39ef35793c76p-33;
    return ks__exp_core_d(r) * ks__from_bits_d(ks__bits_d(t) << 52) * 0x1p63;
}

/* Below 1 a + a^3 P(a^2), float 2^-34, double 2^-63; above h - 1 / (4h), h = exp(a) / 2. */
static KS_INLINE float ks__sinh_f(float x)
{
    float a = ks__abs_f(x);
    float z = a * a;
    float p = 0x1.7a15cap-19f;
    p = p * z + 0x1.9ffe92p-13f;
    p = p * z + 0x1.111134p-7f;
    p = p * z + 0x1.555556p-3f;
    float small = (p * z) * a + a;
    float half = ks__half_exp_f(a);
    return ks__signed_f(a < 1.0f ? small : half - 0.25f / half, x);
}

static KS_INLINE double ks__sinh_d(double x)
{
    double a = ks__abs_d(x);
    double z = a * a;
    double p = 0x1.b4c75ae0c9a64p-41;
    p = p * z + 0x1.611a561fadac6p-33;
    p = p * z + 0x1.ae64671b0b2d5p-26;
    p = p * z + 0x1.71de3a465b3bdp-19;
    p = p * z + 0x1.a01a01a028999p-13;
    p = p * z + 0x1.11111111110a6p-7;
    p = p * z + 0x1.5555555555556p-3;
    double small = (p * z) * a + a;
    double half = ks__half_exp_d(a);
    return ks__signed_d(a < 1.0 ? small : half - 0.25 / half, x);
}

static KS_INLINE float ks__cosh_f(float x)
{
    float half = ks__half_exp_f(ks__abs_f(x));
    return half + 0.25f / half;
}

static KS_INLINE double ks__cosh_d(double x)
{
    double half = ks__half_exp_d(ks__abs_d(x));
    return half + 0.25 / half;
}

#endif
