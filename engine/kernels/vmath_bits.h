/*
 * vmath_bits.h - a floating-point number as its bits: signs, limits, rounding by adding.
 */
#ifndef KS_KERNELS_VMATH_BITS_H
#define KS_KERNELS_VMATH_BITS_H

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "engine/kernels/isa.h"

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

/* x with the sign of y, for an x >= 0. */
static KS_INLINE float ks__signed_f(float x, float y)
{
    return ks__from_bits_f(ks__bits_f(x) | ks__sign_f(y));
}

static KS_INLINE double ks__signed_d(double x, double y)
{
    return ks__from_bits_d(ks__bits_d(x) | ks__sign_d(y));
}

/* The upper 12 (26) bits of the significand: products of two such numbers are exact. */
static KS_INLINE float ks__head_f(float x)
{
    return ks__from_bits_f(ks__bits_f(x) & 0xfffff000u);
}

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

#endif
