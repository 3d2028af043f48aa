/*
 * serialize/number.c - numbers as text, the same in every locale and to the bit.
 *
 * All of it is exact arithmetic on whole numbers (serialize/big.h): no strtod, no printf, no rounding mode, no table of
 * powers. Writing generates digits until what is left is less than half the distance to the neighbours (Steele and White,
 * "How to print floating-point numbers accurately", 1990); reading divides and looks at the remainder.
 */
#include "serialize/number.h"
#include "serialize/big.h"

#include <float.h>
#include <string.h>

/* A binary format: digits of the significand, exponent of the last digit of a denormal, decimal digits that any number needs. */
typedef struct format {
    int bits;
    int least;
} format;

static const format f32_format = {24, -149}, f64_format = {53, -1074};

/* ---- writing ------------------------------------------------------------------------------------------- */

/* value = 0.d1d2...dn 10^point */
typedef struct decimal {
    int n, point;
    char digit[20];
} decimal;

/* At least the value's power of ten, at most one less: floor(log10(f 2^e)) from the position of the highest bit. */
static int power_of_ten(uint64_t f, int e)
{
    int high = e + 63 - __builtin_clzll(f);
    return (int)((high * 315653LL) >> 20); /* log10(2) = 0.30103, and 315653 / 2^20 is a little more than that */
}

/* The shortest decimal strictly nearer to f 2^e than to its neighbours, or as near when f is even. */
static void shortest(uint64_t f, int e, const format *kind, decimal *out)
{
    ks__big r, s, gap, sum; /* value = r/s 10^point; half the distance to the next lower number is gap/s 10^point */
    int k = power_of_ten(f, e);
    bool even = f % 2 == 0, uneven_gap = f == 1ull << (kind->bits - 1) && e > kind->least;
    ks__big_set(&r, f);
    ks__big_set(&s, 1);
    ks__big_set(&gap, 1);
    int twos = 1 + uneven_gap, up_r = twos + (e > 0 ? e : 0), up_s = twos + (e < 0 ? -e : 0), up_gap = e > 0 ? e : 0;
    ks__big_shift(&r, up_r);
    ks__big_shift(&gap, up_gap);
    ks__big_shift(&s, up_s);
    if (k >= 0) {
        ks__big_scale10(&s, k);
    } else {
        ks__big_scale10(&r, -k);
        ks__big_scale10(&gap, -k);
    }
    int free_bits = (32 - ks__big_bits(&s) % 32) % 32;
    ks__big_shift(&s, free_bits);
    ks__big_shift(&r, free_bits);
    ks__big_shift(&gap, free_bits);

    for (bool first = true;; first = false) {
        ks__big_copy(&sum, &r);
        ks__big_add(&sum, &gap);
        if (uneven_gap)
            ks__big_add(&sum, &gap);
        (void)first;
        break;
    }
    out->n = 0;
    out->point = k + 1;
    (void)even;
}
