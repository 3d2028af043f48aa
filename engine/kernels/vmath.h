/*
 * vmath.h - exp, log, tanh, sigmoid, sin, cos and pow for float (_f) and double (_d).
 *
 * Straight-line scalar code, inlined into loops that the compiler vectorises: bit patterns are integers, choices
 * are selects, there are no tables and no calls. At most 2 ulp with and without fused multiply-add, and right for
 * NaN, infinities, denormal arguments and results, and signed zeros, when rounding is to nearest. Compile with
 * -fno-math-errno -fno-trapping-math -ffp-contract=fast, never with -ffast-math.
 *
 * All polynomials are minimax in the relative error of the final result. The coefficients come from the Remez
 * exchange algorithm on the interval given beside each, run with 200 bits and rounded to nearest; "2^-59" beside
 * one is its largest relative error before that rounding. Constants split in parts (ln 2, pi/2) have so many
 * trailing zero bits that the products with the reduction's whole number are exact.
 */
#ifndef KS_KERNELS_VMATH_H
#define KS_KERNELS_VMATH_H

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "engine/kernels/isa.h"

/* ---- bits ---------------------------------------------------------------------------------------------- */

static KS_INLINE uint32_t ks__bits_f(float x)
{
    uint32_t u;
    memcpy(&u, &x, sizeof(u));
    return u;
}

static KS_INLINE float ks__from_bits_f(uint32_t u)
{
    float x;
    memcpy(&x, &u, sizeof(x));
    return x;
}

static KS_INLINE uint64_t ks__bits_d(double x)
{
    uint64_t u;
    memcpy(&u, &x, sizeof(u));
    return u;
}

static KS_INLINE double ks__from_bits_d(uint64_t u)
{
    double x;
    memcpy(&x, &u, sizeof(x));
    return x;
}

static KS_INLINE float ks__abs_f(float x)
{
    return ks__from_bits_f(ks__bits_f(x) & 0x7fffffffu);
}

static KS_INLINE double ks__abs_d(double x)
{
    return ks__from_bits_d(ks__bits_d(x) & 0x7fffffffffffffffu);
}

/* The sign bit of x alone. */
static KS_INLINE uint32_t ks__sign_f(float x)
{
    return ks__bits_f(x) & 0x80000000u;
}

static KS_INLINE uint64_t ks__sign_d(double x)
{
    return ks__bits_d(x) & 0x8000000000000000u;
}

/* x limited to [low, high]; a NaN passes, since it compares false. */
static KS_INLINE float ks__clamp_f(float x, float low, float high)
{
    x = high < x ? high : x;
    return low > x ? low : x;
}

static KS_INLINE double ks__clamp_d(double x, double low, double high)
{
    x = high < x ? high : x;
    return low > x ? low : x;
}

/* The upper 26 bits of the significand: products of two such numbers are exact. */
static KS_INLINE double ks__head_d(double x)
{
    return ks__from_bits_d(ks__bits_d(x) & 0xfffffffff8000000u);
}

/*
 * Adding 1.5 * 2^23 (2^52) rounds a small number to a whole one, which then stands in the lowest bits of the sum;
 * with the exponent's bias added, a shift makes the power of two. No conversion that could overflow.
 */
#define KS__ROUND_F 0x1.8p23f
#define KS__ROUND_D 0x1.8p52

/* ---- exp ----------------------------------------------------------------------------------------------- */

/*
 * exp(r) for |r| <= ln(2)/2: 1 + (r + r^2 Q(r)), in that order, so that only the last sum rounds by as much as half a
 * unit. Float 2^-28, double 2^-56.
 */
static KS_INLINE float ks__exp_core_f(float r)
{
    float p = 0x1.6a2400p-10f;
    p = p * r + 0x1.123a1ep-7f;
    p = p * r + 0x1.5558f2p-5f;
    p = p * r + 0x1.555492p-3f;
    p = p * r + 0x1.fffffcp-2f;
    return (r * r) * p + r + 1.0f;
}

static KS_INLINE double ks__exp_core_d(double r)
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
    return (r * r) * p + r + 1.0;
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
    return ks__exp_sum_d(ks__clamp_d(x, -746.0, 710.0), 0.0);
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

/* ---- log ----------------------------------------------------------------------------------------------- */

/*
 * x = 2^k (1 + f) with 1 + f in [sqrt(1/2), sqrt(2)): subtracting the bits of sqrt(1/2) before the exponent is read
 * makes the cut there. log(1 + f) = f - f^2/2 + f^3 P(f), 2^-27. Denormals are scaled up first.
 */
static KS_INLINE float ks__log_f(float x)
{
    float scaled = x < FLT_MIN ? x * 0x1p25f : x;
    float bias = x < FLT_MIN ? 152.0f : 127.0f;
    uint32_t u = ks__bits_f(scaled) + (0x3f800000u - 0x3f3504f3u);
    float k = (float)(int32_t)((u >> 23) & 0x1ffu) - bias;
    float f = ks__from_bits_f((u & 0x007fffffu) + 0x3f3504f3u) - 1.0f;
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
    float y = k * 0x1.62e4p-1f + (f + low);
    y = x == INFINITY ? INFINITY : y;
    float outside = x == 0.0f ? -INFINITY : NAN;
    return x > 0.0f ? y : outside;
}

/*
 * The same split. log(1 + f) with s = f / (2 + f) is log((1 + s) / (1 - s)) = 2s + s R(s^2), R(z) = z (2/3 + 2/5 z + ...),
 * 2^-59; and since 2s = f - s f exactly, and f s = f^2/2 - s f^2/2, it is f - (f^2/2 - s (f^2/2 + R)), where only
 * small terms are rounded.
 */
static KS_INLINE double ks__log_d(double x)
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
    double y = k * 0x1.62e42feep-1 + (f - (half - low));
    y = x == (double)INFINITY ? (double)INFINITY : y;
    double outside = x == 0.0 ? -(double)INFINITY : (double)NAN;
    return x > 0.0 ? y : outside;
}

/* ---- sin and cos --------------------------------------------------------------------------------------- */

/*
 * x = n pi/2 + r, |r| <= pi/4, and n mod 4 picks sin or cos of r and the sign. pi/2 is split into parts of 33 bits, so
 * that n times a part is exact up to the limits below; beyond them the results mean nothing and the C library's
 * function has to be called (KS_TILE1_FIX in tile.h does). NaN and infinity count as beyond.
 */
#define KS__SIN_LIMIT_F 0x1p18f
#define KS__SIN_LIMIT_D 0x1p20

static KS_INLINE int ks__sin_far_f(float x)
{
    return !(ks__abs_f(x) <= KS__SIN_LIMIT_F);
}

static KS_INLINE int ks__sin_far_d(double x)
{
    return !(ks__abs_d(x) <= KS__SIN_LIMIT_D);
}

/*
 * For float the reduction is done in double, the polynomials in float: sin(r) = r + r^3 S(r^2), 2^-37, and
 * cos(r) = 1 - r^2/2 + r^4 C(r^2), 2^-33. `turn` is added to n: 1 makes a cosine of the sine.
 */
static KS_INLINE float ks__sin_turned_f(float x, uint32_t turn)
{
    double wide = (double)x;
    double t = wide * 0x1.45f306dc9c883p-1 + KS__ROUND_D;
    double n = t - KS__ROUND_D;
    double rest = wide - n * 0x1.921fb544p0;
    float r = (float)(rest - n * 0x1.0b4611a62633p-34);
    uint32_t quadrant = (uint32_t)ks__bits_d(t) + turn;
    float z = r * r;
    float s = 0x1.6cd734p-19f;
    s = s * z - 0x1.a00f98p-13f;
    s = s * z + 0x1.111108p-7f;
    s = s * z - 0x1.555556p-3f;
    s = (s * z) * r + r;
    float c = 0x1.99ea00p-16f;
    c = c * z - 0x1.6c0c2ep-10f;
    c = c * z + 0x1.55554ap-5f;
    c = c * z - 0.5f;
    c = c * z + 1.0f;
    float y = (quadrant & 1u) ? c : s;
    return ks__from_bits_f(ks__bits_f(y) ^ ((quadrant & 2u) << 30));
}

static KS_INLINE float ks__sin_f(float x)
{
    /* Of |x|, so that r = -0 does not come up, which the polynomial would turn into +0. */
    return ks__from_bits_f(ks__bits_f(ks__sin_turned_f(ks__abs_f(x), 0)) ^ ks__sign_f(x));
}

static KS_INLINE float ks__cos_f(float x)
{
    return ks__sin_turned_f(x, 1);
}

/*
 * For double three parts of 33 bits and a fourth: next to a multiple of pi/2 up to 62 bits cancel. The roundings of
 * the two middle differences are kept and added last. sin 2^-58, cos 2^-64.
 */
static KS_INLINE double ks__sin_turned_d(double x, uint64_t turn)
{
    double t = x * 0x1.45f306dc9c883p-1 + KS__ROUND_D;
    double n = t - KS__ROUND_D;
    double a = x - n * 0x1.921fb544p0;
    double second = n * 0x1.0b4611a6p-34;
    double b = a - second;
    double taken = b - a;
    double lost = (a - (b - taken)) - (second + taken);
    double third = n * 0x1.3198a2ep-69;
    double c = b - third;
    lost = lost + ((b - c) - third);
    double r = c + (lost - n * 0x1.b839a252049c1p-104);
    uint64_t quadrant = ks__bits_d(t) + turn;
    double z = r * r;
    double s = 0x1.5d9247a3f8509p-33;
    s = s * z - 0x1.ae5e63d0ce91ep-26;
    s = s * z + 0x1.71de3574bf2bcp-19;
    s = s * z - 0x1.a01a019c0e52ap-13;
    s = s * z + 0x1.111111110f861p-7;
    s = s * z - 0x1.5555555555549p-3;
    s = (s * z) * r + r;
    double e = -0x1.8fa394b49a179p-37;
    e = e * z + 0x1.1ee9d5c7f6048p-29;
    e = e * z - 0x1.27e4f7e801ba2p-22;
    e = e * z + 0x1.a01a019c80975p-16;
    e = e * z - 0x1.6c16c16c14f6cp-10;
    e = e * z + 0x1.555555555554bp-5;
    /* 1 - z/2 rounds; what it loses comes back with the rest. */
    double half = 0.5 * z;
    double top = 1.0 - half;
    e = top + (((1.0 - top) - half) + (z * z) * e);
    double y = (quadrant & 1u) ? e : s;
    return ks__from_bits_d(ks__bits_d(y) ^ ((quadrant & 2u) << 62));
}

static KS_INLINE double ks__sin_d(double x)
{
    return ks__from_bits_d(ks__bits_d(ks__sin_turned_d(ks__abs_d(x), 0)) ^ ks__sign_d(x));
}

static KS_INLINE double ks__cos_d(double x)
{
    return ks__sin_turned_d(x, 1);
}

/* ---- pow ----------------------------------------------------------------------------------------------- */

/* Whether x is a whole number (an infinity is one): adding 2^52 rounds away any fraction. False for NaN. */
static KS_INLINE int ks__whole_d(double x)
{
    double a = ks__abs_d(x);
    double rounded = a < 0x1p52 ? (a + 0x1p52) - 0x1p52 : a;
    return rounded == a;
}

/*
 * What C99 Annex F wants, given `y0` = exp(y log |x|), right for finite x other than 0 and |y| up to 2^70, which
 * stands for infinity as well: at that size the result is 0, 1 or infinity all the same.
 */
static KS_INLINE double ks__pow_cases_d(double x, double y, double y0)
{
    double a = ks__abs_d(x);
    int whole = ks__whole_d(y);
    int odd = whole & !ks__whole_d(0.5 * y);
    double edge = (x == 0.0) == (y < 0.0) ? (double)INFINITY : 0.0;
    double r = ((a == 0.0) | (a == (double)INFINITY)) ? edge : y0;
    uint64_t sign = odd ? ks__sign_d(x) : 0;
    r = ks__from_bits_d(ks__bits_d(r) ^ sign);
    r = ((x < 0.0) & (a != (double)INFINITY) & !whole) ? (double)NAN : r;
    r = ((x != x) | (y != y)) ? (double)NAN : r;
    return ((x == 1.0) | (y == 0.0)) ? 1.0 : r;
}

/*
 * float: y log|x| in double. log|x| as in ks__log_d, 2^-45; exp 2^-34. Every float is a normal double, so denormals
 * need nothing, and the conversion at the end rounds to denormals and infinity.
 */
static KS_INLINE float ks__pow_f(float base, float exponent)
{
    double x = (double)base;
    double y = ks__clamp_d((double)exponent, -0x1p70, 0x1p70);
    uint64_t u = ks__bits_d(ks__abs_d(x)) + (0x3ff0000000000000u - 0x3fe6a09e667f3bcdu);
    double k = ks__from_bits_d((u >> 52) | 0x4330000000000000u) - (0x1p52 + 1023.0);
    double f = ks__from_bits_d((u & 0x000fffffffffffffu) + 0x3fe6a09e667f3bcdu) - 1.0;
    double s = f / (2.0 + f);
    double z = s * s;
    double p = 0x1.9118a9164d767p-3;
    p = p * z + 0x1.c62ae158180b1p-3;
    p = p * z + 0x1.2494127eace4cp-2;
    p = p * z + 0x1.999996a80e2ffp-2;
    p = p * z + 0x1.555555561eacbp-1;
    p = p * z + 2.0;
    double v = y * (k * 0x1.62e42fefa39efp-1 + s * p);
    v = ks__clamp_d(v, -110.0, 90.0);
    double t = v * 0x1.71547652b82fep0 + (KS__ROUND_D + 1023.0);
    double n = t - (KS__ROUND_D + 1023.0);
    double r = v - n * 0x1.62e42fefa39efp-1;
    double e = 0x1.9f08368106bd9p-13;
    e = e * r + 0x1.6d8d51df897bbp-10;
    e = e * r + 0x1.1112716a5cadfp-7;
    e = e * r + 0x1.55548d75c9817p-5;
    e = e * r + 0x1.555554426d19cp-3;
    e = e * r + 0x1.0000003a44a67p-1;
    e = e * r + 1.0;
    e = e * r + 1.0;
    return (float)ks__pow_cases_d(x, y, e * ks__from_bits_d(ks__bits_d(t) << 52));
}

/*
 * double: y log|x| reaches 745, so the logarithm is needed to some 65 bits and is kept in two doubles. As above
 * log(1 + f) = 2s + s z (2/3 + z R(z)), z = s^2, 2^-66; sums and products of the leading terms are exact because
 * one part of each factor has only 26 bits.
 */
static KS_INLINE double ks__pow_d(double x, double exponent)
{
    double y = ks__clamp_d(exponent, -0x1p70, 0x1p70);
    double a = ks__abs_d(x);
    double scaled = a < DBL_MIN ? a * 0x1p54 : a;
    double bias = a < DBL_MIN ? 0x1p52 + 1077.0 : 0x1p52 + 1023.0;
    uint64_t u = ks__bits_d(scaled) + (0x3ff0000000000000u - 0x3fe6a09e667f3bcdu);
    double k = ks__from_bits_d((u >> 52) | 0x4330000000000000u) - bias;
    double m = ks__from_bits_d((u & 0x000fffffffffffffu) + 0x3fe6a09e667f3bcdu);

    /* s1 + s2 = (m - 1) / (m + 1) */
    double f = m - 1.0;
    double over = 1.0 / (m + 1.0);
    double s1 = ks__head_d(f * over);
    double d1 = ks__head_d(m + 1.0);
    double d2 = m - (d1 - 1.0);
    double s2 = ((f - s1 * d1) - s1 * d2) * over;

    /* z1 + z2 = z, z1 of 26 bits */
    double square = s1 * s1;
    double z1 = ks__head_d(square);
    double z2 = (square - z1) + s2 * (s1 + s1 + s2);
    double z = z1 + z2;

    /* w1 + w2 = 2/3 + z R(z) */
    double p = 0x1.0e462c7ade517p-3;
    p = p * z + 0x1.0f7f8c1125129p-3;
    p = p * z + 0x1.3b1eefec4d609p-3;
    p = p * z + 0x1.745ce9ce98308p-3;
    p = p * z + 0x1.c71c722da0adep-3;
    p = p * z + 0x1.2492492457adcp-2;
    p = p * z + 0x1.9999999999b31p-2;
    double tail = z * p + 0x1.5555555555555p-55;
    double w1 = ks__head_d(0x1.5555555555555p-1 + tail);
    double w2 = (0x1.5555555555555p-1 - w1) + tail;

    /* g1 + g2 = 2 + z (w1 + w2) */
    double v1 = z1 * w1;
    double v2 = z1 * w2 + z2 * (w1 + w2);
    double g1 = ks__head_d(2.0 + v1);
    double g2 = ((2.0 - g1) + v1) + v2;

    /* l1 + l2 = log|x| = k ln 2 + (s1 + s2) (g1 + g2), l1 of 26 bits */
    double h = s1 * g1;
    double low = s1 * g2 + s2 * (g1 + g2);
    double big = k * 0x1.62e42feep-1;
    double sum = big + h;
    low = ((big - sum) + h) + (low + k * 0x1.a39ef35793c76p-33);
    double l1 = ks__head_d(sum + low);
    double l2 = (sum - l1) + low;

    double y1 = ks__head_d(y);
    double e1 = y1 * l1;
    double e2 = y1 * l2 + (y - y1) * (l1 + l2);
    int outside = !(ks__abs_d(e1) < 800.0);
    double clamped = e1 < 0.0 ? -800.0 : 800.0;
    double e = outside ? clamped : e1;
    e2 = outside ? 0.0 : e2;
    return ks__pow_cases_d(x, exponent, ks__exp_sum_d(ks__clamp_d(e, -746.0, 710.0), e2));
}

#endif
