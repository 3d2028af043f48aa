/*
 * vmath_trig.h - sin, cos, tan, asin, acos, atan and atan2. The rules are those of vmath.h.
 */
#ifndef KS_KERNELS_VMATH_TRIG_H
#define KS_KERNELS_VMATH_TRIG_H

#include "engine/kernels/vmath_bits.h"

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
 * cos(r) = 1 - r^2/2 + r^4 C(r^2), 2^-33.
 */
static KS_INLINE void ks__sin_cos_f(float r, float *sine, float *cosine)
{
    float z = r * r;
    float s = 0x1.6cd734p-19f;
    s = s * z - 0x1.a00f98p-13f;
    s = s * z + 0x1.111108p-7f;
    s = s * z - 0x1.555556p-3f;
    *sine = (s * z) * r + r;
    float c = 0x1.99ea00p-16f;
    c = c * z - 0x1.6c0c2ep-10f;
    c = c * z + 0x1.55554ap-5f;
    c = c * z - 0.5f;
    *cosine = c * z + 1.0f;
}

/* The sine of n pi/2 + r, where sine and cosine are those of r. */
static KS_INLINE float ks__quadrant_f(uint32_t n, float sine, float cosine)
{
    float y = (n & 1u) ? cosine : sine;
    return ks__from_bits_f(ks__bits_f(y) ^ ((n & 2u) << 30));
}

/* `turn` is added to n: 1 makes a cosine of the sine. */
static KS_INLINE float ks__sin_turned_f(float x, uint32_t turn)
{
    double wide = (double)x;
    double t = wide * 0x1.45f306dc9c883p-1 + KS__ROUND_D;
    double n = t - KS__ROUND_D;
    double rest = wide - n * 0x1.921fb544p0;
    float r = (float)(rest - n * 0x1.0b4611a62633p-34), s, c;
    ks__sin_cos_f(r, &s, &c);
    return ks__quadrant_f((uint32_t)ks__bits_d(t) + turn, s, c);
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
 * the two middle differences are kept and added last. sin 2^-58, cos 2^-64. What s and c have lost to rounding is for tan.
 */
typedef struct ks__turn {
    double s, c, s_lost, c_lost;
    uint64_t n;
} ks__turn;

static KS_INLINE ks__turn ks__sin_cos_d(double x)
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
    lost = lost - n * 0x1.b839a252049c1p-104;
    double r = c + lost;
    lost = (c - r) + lost;
    double z = r * r;
    double s = 0x1.5d9247a3f8509p-33;
    s = s * z - 0x1.ae5e63d0ce91ep-26;
    s = s * z + 0x1.71de3574bf2bcp-19;
    s = s * z - 0x1.a01a019c0e52ap-13;
    s = s * z + 0x1.111111110f861p-7;
    s = s * z - 0x1.5555555555549p-3;
    s = (s * z) * r;
    double e = -0x1.8fa394b49a179p-37;
    e = e * z + 0x1.1ee9d5c7f6048p-29;
    e = e * z - 0x1.27e4f7e801ba2p-22;
    e = e * z + 0x1.a01a019c80975p-16;
    e = e * z - 0x1.6c16c16c14f6cp-10;
    e = e * z + 0x1.555555555554bp-5;
    /* 1 - z/2 rounds; what it loses comes back with the rest. */
    double half = 0.5 * z;
    double top = 1.0 - half;
    e = ((1.0 - top) - half) + (z * z) * e;
    ks__turn turn = {.s = s + r, .c = top + e, .n = ks__bits_d(t)};
    turn.s_lost = ((r - turn.s) + s) + lost * turn.c;
    turn.c_lost = ((top - turn.c) + e) - lost * turn.s;
    return turn;
}

static KS_INLINE double ks__sin_turned_d(double x, uint64_t turn)
{
    ks__turn at = ks__sin_cos_d(x);
    uint64_t quadrant = at.n + turn;
    double y = (quadrant & 1u) ? at.c : at.s;
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

/* ---- tan ----------------------------------------------------------------------------------------------- */

/* r + r^3 P(r^2), 2^-29, and -1 over it in every other quadrant, in double as the reduction is. */
static KS_INLINE float ks__tan_f(float x)
{
    double wide = (double)ks__abs_f(x);
    double t = wide * 0x1.45f306dc9c883p-1 + KS__ROUND_D;
    double n = t - KS__ROUND_D;
    double r = (wide - n * 0x1.921fb544p0) - n * 0x1.0b4611a62633p-34;
    double z = r * r;
    double p = 0x1.1ecc5aec14bd5p-8;
    p = p * z + 0x1.7826dc262a2f5p-14;
    p = p * z + 0x1.631096b20d07dp-7;
    p = p * z + 0x1.5cb0130cdf10ep-6;
    p = p * z + 0x1.badbdb74ce991p-5;
    p = p * z + 0x1.110d8dc9bdfaap-3;
    p = p * z + 0x1.5555605b02302p-2;
    p = (p * z) * r + r;
    int odd = (ks__bits_d(t) & 1u) != 0;
    float y = (float)((odd ? -1.0 : p) / (odd ? p : 1.0));
    return ks__from_bits_f(ks__bits_f(y) ^ ks__sign_f(x));
}

/* s / c, and -c / s in every other quadrant; what both have lost comes back to first order. */
static KS_INLINE double ks__tan_d(double x)
{
    ks__turn at = ks__sin_cos_d(ks__abs_d(x));
    int odd = (at.n & 1u) != 0;
    double over = odd ? at.s : at.c;
    double y = (odd ? -at.c : at.s) / over;
    y = y + ((odd ? -at.c_lost : at.s_lost) - y * (odd ? at.s_lost : at.c_lost)) / over;
    return ks__from_bits_d(ks__bits_d(y) ^ ks__sign_d(x));
}

/* ---- atan and atan2 ------------------------------------------------------------------------------------ */

/* atan(t) for 0 <= t <= 1: t + t^3 P(t^2). Float 2^-28, double 2^-60. */
static KS_INLINE float ks__atan_core_f(float t)
{
    float z = t * t;
    float p = -0x1.d63334p-10f;
    p = p * z + 0x1.65a894p-7f;
    p = p * z - 0x1.fed3dcp-6f;
    p = p * z + 0x1.dacb5ep-5f;
    p = p * z - 0x1.583512p-4f;
    p = p * z + 0x1.c09a32p-4f;
    p = p * z - 0x1.2421bap-3f;
    p = p * z + 0x1.9991fep-3f;
    p = p * z - 0x1.55553ep-2f;
    return (p * z) * t + t;
}

static KS_INLINE double ks__atan_core_d(double t)
{
    double z = t * t;
    double p = -0x1.2260e46ad8561p-17;
    p = p * z + 0x1.b3a8f9cda3bf7p-14;
    p = p * z - 0x1.36d755f63d403p-11;
    p = p * z + 0x1.1a0258e50ea22p-9;
    p = p * z - 0x1.6fcf5e88d0f37p-8;
    p = p * z + 0x1.72dacacf0be29p-7;
    p = p * z - 0x1.30f95f6d4599fp-6;
    p = p * z + 0x1.ac77e847e94cep-6;
    p = p * z - 0x1.0c940325fc4dbp-5;
    p = p * z + 0x1.390452b2171cfp-5;
    p = p * z - 0x1.5f24258cb94dbp-5;
    p = p * z + 0x1.84b4522882baap-5;
    p = p * z - 0x1.aeda52ecaa85fp-5;
    p = p * z + 0x1.e1d4875dc999fp-5;
    p = p * z - 0x1.1110326f9bce0p-4;
    p = p * z + 0x1.3b139bcf971bap-4;
    p = p * z - 0x1.745d15d049216p-4;
    p = p * z + 0x1.c71c71b62a834p-4;
    p = p * z - 0x1.2492492456b20p-3;
    p = p * z + 0x1.9999999998c29p-3;
    p = p * z - 0x1.555555555554dp-2;
    return (p * z) * t + t;
}

/* Above 1 pi/2 - atan(1/a), pi/2 in two parts. */
static KS_INLINE float ks__atan_f(float x)
{
    float a = ks__abs_f(x);
    int far = a > 1.0f;
    float r = ks__atan_core_f((far ? 1.0f : a) / (far ? a : 1.0f));
    return ks__signed_f(far ? 0x1.921fb6p0f - (r - -0x1.777a5cp-25f) : r, x);
}

static KS_INLINE double ks__atan_d(double x)
{
    double a = ks__abs_d(x);
    int far = a > 1.0;
    double r = ks__atan_core_d((far ? 1.0 : a) / (far ? a : 1.0));
    return ks__signed_d(far ? 0x1.921fb54442d18p0 - (r - 0x1.1a62633145c07p-54) : r, x);
}

/* The angle of the point (x, y): the lesser over the greater makes at most 1, two reflections the rest. */
static KS_INLINE float ks__atan2_f(float y, float x)
{
    float ax = ks__abs_f(x), ay = ks__abs_f(y);
    int steep = ay > ax;
    float less = steep ? ax : ay, more = steep ? ay : ax;
    float q = less / more;
    q = more == 0.0f ? 0.0f : q;
    q = less == INFINITY ? 1.0f : q;
    float r = ks__atan_core_f(q);
    r = steep ? 0x1.921fb6p0f - (r - -0x1.777a5cp-25f) : r;
    r = ks__sign_f(x) ? 0x1.921fb6p1f - (r - -0x1.777a5cp-24f) : r;
    r = ks__signed_f(r, y);
    return ((x != x) | (y != y)) ? NAN : r;
}

static KS_INLINE double ks__atan2_d(double y, double x)
{
    double ax = ks__abs_d(x), ay = ks__abs_d(y);
    int steep = ay > ax;
    double less = steep ? ax : ay, more = steep ? ay : ax;
    double q = less / more;
    q = more == 0.0 ? 0.0 : q;
    q = less == (double)INFINITY ? 1.0 : q;
    double r = ks__atan_core_d(q);
    r = steep ? 0x1.921fb54442d18p0 - (r - 0x1.1a62633145c07p-54) : r;
    r = ks__sign_d(x) ? 0x1.921fb54442d18p1 - (r - 0x1.1a62633145c07p-53) : r;
    r = ks__signed_d(r, y);
    return ((x != x) | (y != y)) ? (double)NAN : r;
}

/* ---- asin and acos ------------------------------------------------------------------------------------- */

/*
 * asin(s) = s + s^3 P(s^2) for s <= 1/2, float 2^-31, double 2^-59. Above asin(a) = pi/2 - 2 asin(sqrt((1 - a) / 2)), and
 * acos(a) is that without pi/2. The difference pi/2 - 2s is exact, so s and the rest come apart.
 */
static KS_INLINE float ks__asin_core_f(float a, float *more)
{
    int far = a > 0.5f;
    float z = far ? 0.5f - 0.5f * a : a * a;
    float s = far ? sqrtf(z) : a;
    float p = 0x1.335312p-5f;
    p = p * z + 0x1.d928f6p-7f;
    p = p * z + 0x1.0490e6p-5f;
    p = p * z + 0x1.6caeecp-5f;
    p = p * z + 0x1.33387cp-4f;
    p = p * z + 0x1.55554cp-3f;
    *more = (p * z) * s;
    return s;
}

static KS_INLINE double ks__asin_core_d(double a, double *more)
{
    int far = a > 0.5;
    double z = far ? 0.5 - 0.5 * a : a * a;
    double s = far ? sqrt(z) : a;
    double p = 0x1.0b4caf7237e2dp-5;
    p = p * z - 0x1.581186d04813bp-6;
    p = p * z + 0x1.63ab6d038cef4p-6;
    p = p * z + 0x1.e5c13940b1662p-9;
    p = p * z + 0x1.61403e5955b7ep-7;
    p = p * z + 0x1.7584d46e3b325p-7;
    p = p * z + 0x1.ca1fa569eb2acp-7;
    p = p * z + 0x1.1c49ef44c83d5p-6;
    p = p * z + 0x1.6e8bdef1903bbp-6;
    p = p * z + 0x1.f1c71a94406e3p-6;
    p = p * z + 0x1.6db6db7214969p-5;
    p = p * z + 0x1.333333332e0f7p-4;
    p = p * z + 0x1.5555555555577p-3;
    *more = (p * z) * s;
    return s;
}

static KS_INLINE float ks__asin_f(float x)
{
    float a = ks__abs_f(x);
    float more, s = ks__asin_core_f(a, &more);
    float r = a > 0.5f ? (0x1.921fb6p0f - 2.0f * s) - (2.0f * more - -0x1.777a5cp-25f) : s + more;
    return a <= 1.0f ? ks__signed_f(r, x) : NAN;
}

static KS_INLINE double ks__asin_d(double x)
{
    double a = ks__abs_d(x);
    double more, s = ks__asin_core_d(a, &more);
    double r = a > 0.5 ? (0x1.921fb54442d18p0 - 2.0 * s) - (2.0 * more - 0x1.1a62633145c07p-54) : s + more;
    return a <= 1.0 ? ks__signed_d(r, x) : (double)NAN;
}

static KS_INLINE float ks__acos_f(float x)
{
    float a = ks__abs_f(x);
    float more, s = ks__asin_core_f(a, &more);
    float r = s + more;
    float near = 0x1.921fb6p0f - ((x < 0.0f ? -r : r) - -0x1.777a5cp-25f);
    float far = x < 0.0f ? 0x1.921fb6p1f - (2.0f * r - -0x1.777a5cp-24f) : 2.0f * r;
    float y = a > 0.5f ? far : near;
    return a <= 1.0f ? y : NAN;
}

static KS_INLINE double ks__acos_d(double x)
{
    double a = ks__abs_d(x);
    double more, s = ks__asin_core_d(a, &more);
    double r = s + more;
    double near = 0x1.921fb54442d18p0 - ((x < 0.0 ? -r : r) - 0x1.1a62633145c07p-54);
    double far = x < 0.0 ? 0x1.921fb54442d18p1 - (2.0 * r - 0x1.1a62633145c07p-53) : 2.0 * r;
    double y = a > 0.5 ? far : near;
    return a <= 1.0 ? y : (double)NAN;
}

#endif
