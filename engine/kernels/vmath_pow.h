/*
 * vmath_pow.h - pow, with the cases of C99. The rules are those of vmath.h.
 */
#ifndef KS_KERNELS_VMATH_POW_H
#define KS_KERNELS_VMATH_POW_H

#include "engine/kernels/vmath_exp.h"

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
