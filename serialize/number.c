/*
 * serialize/number.c - numbers as text, the same in every locale and to the bit.
 *
 * All of it is exact arithmetic on whole numbers: no strtod, no printf, no rounding mode, no table of powers. Writing generates
 * digits until what is left is less than half the distance to the neighbours (Steele and White, "How to print floating-point numbers
 * accurately", 1990). Reading divides and looks at the remainder: in 128 bits where the decimal is short, in serialize/big.h where not.
 */
#include "serialize/number.h"
#include "serialize/big.h"

#include <string.h>

/* A binary format: bits of the significand, exponent of a denormal's last bit, the first exponent that is too large. */
typedef struct format {
    int bits, least, most;
} format;

static const format f32_format = {24, -149, 128}, f64_format = {53, -1074, 1024};

/* ---- writing ------------------------------------------------------------------------------------------- */

/* value = 0.d1d2...dn 10^point */
typedef struct decimal {
    int n, point;
    char digit[20];
} decimal;

/* About the power of ten of the first digit of f 2^e; at most one too small. */
static int power_of_ten(uint64_t f, int e)
{
    int high = e + 63 - __builtin_clzll(f);
    return (int)((high * 315652LL) >> 20); /* 315652 / 2^20 is a little less than log10(2) */
}

/* value = r/s 10^k. Half the distance to the next number is low/s 10^k below and high/s 10^k above. */
typedef struct fraction {
    ks__big r, s, low, high;
    int k;
} fraction;

static void make_fraction(fraction *q, uint64_t f, int e, const format *kind)
{
    bool uneven = f == 1ull << (kind->bits - 1) && e > kind->least; /* the numbers below stand twice as dense */
    int twos = (e < 0 ? -e : 0) + 1 + uneven, up = e > 0 ? e : 0;
    q->k = power_of_ten(f, e);
    ks__big_set(&q->r, f);
    ks__big_set(&q->s, 1);
    ks__big_set(&q->low, 1);
    ks__big_shift(&q->r, up + 1 + uneven);
    ks__big_shift(&q->s, twos);
    ks__big_shift(&q->low, up);
    if (q->k >= 0) {
        ks__big_scale10(&q->s, q->k);
    } else {
        ks__big_scale10(&q->r, -q->k);
        ks__big_scale10(&q->low, -q->k);
    }
    ks__big_copy(&q->high, &q->low);
    ks__big_shift(&q->high, uneven);
}

/* Brings the denominator's highest bit to the top of a limb, as ks__big_divide wants it. */
static void normalise(fraction *q)
{
    int free_bits = (32 - ks__big_bits(&q->s) % 32) % 32;
    ks__big_shift(&q->r, free_bits);
    ks__big_shift(&q->s, free_bits);
    ks__big_shift(&q->low, free_bits);
    ks__big_shift(&q->high, free_bits);
}

/* a + b against c: negative, 0, positive. */
static int compare_sum(const ks__big *a, const ks__big *b, const ks__big *c)
{
    ks__big sum;
    ks__big_copy(&sum, a);
    ks__big_add(&sum, b);
    return ks__big_compare(&sum, c);
}

/* The shortest decimal that lies nearer to f 2^e than to its neighbours, or as near when f is even: reading goes to the even one. */
static void shortest(uint64_t f, int e, const format *kind, decimal *out)
{
    fraction q;
    ks__big ten;
    int even = f % 2 == 0;
    make_fraction(&q, f, e, kind);
    ks__big_copy(&ten, &q.s);
    ks__big_scale(&ten, 10, 0);
    if (compare_sum(&q.r, &q.high, &ten) + even > 0) {
        ks__big_copy(&q.s, &ten);
        q.k++;
    }
    normalise(&q);
    out->n = 0;
    out->point = q.k + 1;
    for (;;) {
        uint32_t digit = ks__big_divide(&q.r, &q.s);
        bool low = ks__big_compare(&q.r, &q.low) - even<0, high = compare_sum(&q.r, &q.high, &q.s) + even> 0;
        int half = low && high ? compare_sum(&q.r, &q.r, &q.s) : high;
        if (low || high) {
            out->digit[out->n++] = (char)('0' + digit + (half > 0 || (half == 0 && high && digit % 2)));
            return;
        }
        out->digit[out->n++] = (char)('0' + digit);
        ks__big_scale(&q.r, 10, 0);
        ks__big_scale(&q.low, 10, 0);
        ks__big_scale(&q.high, 10, 0);
    }
}

static char *put(char *at, const char *from, int n)
{
    memcpy(at, from, (size_t)n);
    return at + n;
}

static char *put_zeros(char *at, int n)
{
    memset(at, '0', (size_t)n);
    return at + n;
}

static char *put_exponent(char *at, int exponent)
{
    char digits[4];
    int n = 0;
    *at++ = 'e';
    if (exponent < 0)
        *at++ = '-';
    for (int left = exponent < 0 ? -exponent : exponent; left || n == 0; left /= 10)
        digits[n++] = (char)('0' + left % 10);
    while (n > 0)
        *at++ = digits[--n];
    return at;
}

/* in_full: a whole number may stand without an exponent. */
static char *put_decimal(char *at, const decimal *d, bool in_full)
{
    if (d->n <= d->point && in_full)
        return put_zeros(put(at, d->digit, d->n), d->point - d->n);
    if (d->point > 0 && d->point < d->n) {
        at = put(at, d->digit, d->point);
        *at++ = '.';
        return put(at, d->digit + d->point, d->n - d->point);
    }
    if (d->point <= 0 && d->point > -4) {
        at = put_zeros(put(at, "0.", 2), -d->point);
        return put(at, d->digit, d->n);
    }
    *at++ = d->digit[0];
    if (d->n > 1) {
        *at++ = '.';
        at = put(at, d->digit + 1, d->n - 1);
    }
    return put_exponent(at, d->point - 1);
}

/* A number given as sign, significand and exponent of the last bit. */
static size_t number_text(bool negative, uint64_t f, int e, const format *kind, bool in_full, char text[KS__NUMBER_BYTES])
{
    char *at = text;
    decimal d;
    if (negative)
        *at++ = '-';
    if (f == 0) {
        at = negative ? put(at, "0.0", 3) : put(at, "0", 1);
    } else {
        shortest(f, e, kind, &d);
        at = put_decimal(at, &d, in_full);
    }
    *at = 0;
    return (size_t)(at - text);
}

static size_t odd_text(bool negative, bool nan, char text[KS__NUMBER_BYTES])
{
    const char *word = nan ? "NaN" : negative ? "-Infinity" : "Infinity";
    size_t length = strlen(word);
    memcpy(text, word, length + 1);
    return length;
}

size_t ks__f64_text(double value, char text[KS__NUMBER_BYTES])
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint64_t fraction_bits = bits & 0xfffffffffffffu;
    int exponent = (int)(bits >> 52 & 0x7ff);
    bool negative = bits >> 63;
    if (exponent == 0x7ff)
        return odd_text(negative, fraction_bits != 0, text);
    uint64_t f = exponent ? fraction_bits | 1ull << 52 : fraction_bits;
    return number_text(negative, f, (exponent ? exponent : 1) - 1075, &f64_format, value < 1e15 && value > -1e15, text);
}

size_t ks__f32_text(float value, char text[KS__NUMBER_BYTES])
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint32_t fraction_bits = bits & 0x7fffffu;
    int exponent = (int)(bits >> 23 & 0xff);
    bool negative = bits >> 31;
    if (exponent == 0xff)
        return odd_text(negative, fraction_bits != 0, text);
    uint64_t f = exponent ? fraction_bits | 1u << 23 : fraction_bits;
    return number_text(negative, f, (exponent ? exponent : 1) - 150, &f32_format, value <= 0x1p24f && value >= -0x1p24f, text);
}

size_t ks__i64_text(int64_t value, char text[KS__NUMBER_BYTES])
{
    char digits[20];
    int n = 0;
    size_t length = 0;
    uint64_t left = value < 0 ? -(uint64_t)value : (uint64_t)value;
    do {
        digits[n++] = (char)('0' + left % 10);
        left /= 10;
    } while (left);
    if (value < 0)
        text[length++] = '-';
    while (n > 0)
        text[length++] = digits[--n];
    text[length] = 0;
    return length;
}

/* ---- the grammar --------------------------------------------------------------------------------------- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static size_t skip_digits(const char *text, size_t size, size_t at)
{
    while (at < size && is_digit(text[at]))
        at++;
    return at;
}

/* What the parts of a number are; positions in its text. */
typedef struct parts {
    bool negative;
    size_t whole, whole_end;       /* digits before the point */
    size_t fraction, fraction_end; /* after it; equal when there are none */
    int64_t exponent;              /* of ten; huge ones are cut, there are never as many digits */
} parts;

static bool split_exponent(const char *text, size_t size, size_t at, int64_t *exponent)
{
    bool minus = at < size && text[at] == '-';
    if (at < size && (text[at] == '+' || text[at] == '-'))
        at++;
    if (at == size || skip_digits(text, size, at) != size)
        return false;
    for (*exponent = 0; at < size; at++) {
        if (*exponent < (int64_t)1 << 50)
            *exponent = *exponent * 10 + (text[at] - '0');
    }
    if (minus)
        *exponent = -*exponent;
    return true;
}

static bool split(const char *text, size_t size, parts *p)
{
    *p = (parts){.negative = size > 0 && text[0] == '-'};
    p->whole = p->negative;
    p->whole_end = skip_digits(text, size, p->whole);
    if (p->whole_end == p->whole || (text[p->whole] == '0' && p->whole_end > p->whole + 1))
        return false;
    size_t at = p->fraction = p->fraction_end = p->whole_end;
    if (at < size && text[at] == '.') {
        p->fraction = at + 1;
        at = p->fraction_end = skip_digits(text, size, p->fraction);
        if (p->fraction_end == p->fraction)
            return false;
    }
    if (at < size && (text[at] == 'e' || text[at] == 'E'))
        return split_exponent(text, size, at + 1, &p->exponent);
    return at == size;
}

bool ks__number_whole(const char *text, size_t size)
{
    parts p;
    return split(text, size, &p) && p.whole_end == size;
}

/* ---- reading ------------------------------------------------------------------------------------------- */

/* More digits than any number halfway between two others has (767): what comes after them only says that it lies above. */
#define MOST_DIGITS 800

/* The digits from the first that is not 0: value = digits 10^exponent. */
typedef struct digits {
    int n;
    int64_t exponent;
    char digit[MOST_DIGITS + 1];
} digits;

static void gather(const char *text, const parts *p, digits *d)
{
    bool more = false;
    d->n = 0;
    d->exponent = p->exponent;
    for (size_t at = p->whole; at < p->fraction_end; at++) {
        if (text[at] == '.')
            continue;
        bool after = at >= p->fraction;
        if (d->n == MOST_DIGITS) {
            more = more || text[at] != '0';
            d->exponent += !after;
            continue;
        }
        if (d->n > 0 || text[at] != '0')
            d->digit[d->n++] = text[at];
        d->exponent -= after;
    }
    while (!more && d->n > 0 && d->digit[d->n - 1] == '0') {
        d->n--;
        d->exponent++;
    }
    if (more) {
        d->digit[d->n++] = '1';
        d->exponent--;
    }
}

/* The number nearest to (q + a little if `more`) 2^e, as significand and exponent of its last bit; q has at least two bits more. */
static void round_to(uint64_t q, bool more, int e, const format *kind, uint64_t *f, int *exponent)
{
    int high = 64 - __builtin_clzll(q), drop = high - kind->bits;
    if (e + drop < kind->least)
        drop = kind->least - e;
    *exponent = e + drop;
    if (drop > 64) {
        *f = 0;
        return;
    }
    uint64_t half = 1ull << (drop - 1), rest = drop == 64 ? q : q & ((half << 1) - 1);
    *f = drop == 64 ? 0 : q >> drop;
    if (rest > half || (rest == half && (more || *f % 2)))
        ++*f;
    if (*f >> kind->bits) { /* rounding went up to the next power of two */
        *f >>= 1;
        ++*exponent;
    }
}

/* A 128-bit number as its highest 64 bits and whether there is more. */
static uint64_t highest(unsigned __int128 x, bool *more, int *e)
{
    uint64_t top = (uint64_t)(x >> 64);
    int shift = top ? 64 - __builtin_clzll(top) : 0;
    *more = *more || (shift && (x & (((unsigned __int128)1 << shift) - 1)));
    *e += shift;
    return (uint64_t)(x >> shift);
}

static uint64_t ten_to(int64_t n)
{
    uint64_t ten = 1;
    while (n-- > 0)
        ten *= 10;
    return ten;
}

/* Up to 19 digits and a power of ten within 19: exact in 128 bits. */
static void short_value(const digits *d, const format *kind, uint64_t *f, int *e)
{
    uint64_t value = 0;
    bool more = false;
    for (int i = 0; i < d->n; i++)
        value = value * 10 + (uint64_t)(d->digit[i] - '0');
    unsigned __int128 x = value;
    *e = 0;
    if (d->exponent >= 0) {
        x *= ten_to(d->exponent);
        int shift = x >> 64 ? 0 : __builtin_clzll((uint64_t)x); /* enough bits to drop some */
        x <<= shift;
        *e = -shift;
    } else {
        uint64_t ten = ten_to(-d->exponent);
        int shift = 64 + __builtin_clzll(value);
        x <<= shift;
        more = x % ten != 0;
        x /= ten;
        *e = -shift;
    }
    uint64_t q = highest(x, &more, e);
    round_to(q, more, *e, kind, f, e);
}

static void long_value(const digits *d, const format *kind, uint64_t *f, int *e)
{
    ks__big a, b, above;
    ks__big_set(&a, 0);
    ks__big_set(&b, 1);
    for (int i = 0; i < d->n; i++)
        ks__big_scale(&a, 10, (uint32_t)(d->digit[i] - '0'));
    if (d->exponent >= 0)
        ks__big_scale10(&a, (int)d->exponent);
    else
        ks__big_scale10(&b, (int)-d->exponent);
    int up = 63 - (ks__big_bits(&a) - ks__big_bits(&b)); /* then a/b is between 2^62 and 2^64 */
    ks__big_shift(&a, up > 0 ? up : 0);
    ks__big_shift(&b, up < 0 ? -up : 0);
    int free_bits = (32 - ks__big_bits(&b) % 32) % 32;
    ks__big_shift(&a, free_bits);
    ks__big_shift(&b, free_bits);
    ks__big_copy(&above, &b);
    ks__big_shift(&above, 32);
    uint64_t q = (uint64_t)ks__big_divide(&a, &above) << 32;
    q |= ks__big_divide(&a, &b);
    round_to(q, a.n > 0, -up, kind, f, e);
}

/* The significand (with its hidden bit) and the exponent of its last bit; false: too large. */
static bool nearest(const char *text, const parts *p, const format *kind, uint64_t *f, int *e)
{
    digits d;
    gather(text, p, &d);
    *f = 0;
    *e = kind->least;
    if (d.n == 0 || d.n + d.exponent < -400)
        return true;
    if (d.n + d.exponent > 400)
        return false;
    if (d.n <= 19 && d.exponent <= 19 && d.exponent >= -19)
        short_value(&d, kind, f, e);
    else
        long_value(&d, kind, f, e);
    return *e + kind->bits <= kind->most;
}

ks__number_status ks__f64_parse(const char *text, size_t size, double *value)
{
    parts p;
    uint64_t f;
    int e;
    if (!split(text, size, &p))
        return KS__NUMBER_BAD;
    bool fits = nearest(text, &p, &f64_format, &f, &e);
    uint64_t bits = !fits ? 0x7ffull << 52 : f >> 52 ? (uint64_t)(e + 1075) << 52 | (f & 0xfffffffffffffu) : f;
    bits |= (uint64_t)p.negative << 63;
    memcpy(value, &bits, sizeof bits);
    return fits ? KS__NUMBER_OK : KS__NUMBER_RANGE;
}

ks__number_status ks__f32_parse(const char *text, size_t size, float *value)
{
    parts p;
    uint64_t f;
    int e;
    if (!split(text, size, &p))
        return KS__NUMBER_BAD;
    bool fits = nearest(text, &p, &f32_format, &f, &e);
    uint32_t bits = !fits ? 0xffu << 23 : f >> 23 ? (uint32_t)(e + 150) << 23 | (uint32_t)(f & 0x7fffffu) : (uint32_t)f;
    bits |= (uint32_t)p.negative << 31;
    memcpy(value, &bits, sizeof bits);
    return fits ? KS__NUMBER_OK : KS__NUMBER_RANGE;
}

ks__number_status ks__i64_parse(const char *text, size_t size, int64_t *value)
{
    parts p;
    if (!split(text, size, &p) || p.whole_end != size)
        return KS__NUMBER_BAD;
    int64_t limit = p.negative ? INT64_MIN : INT64_MAX, sum = 0;
    for (size_t at = p.whole; at < size; at++) {
        int digit = text[at] - '0';
        if (__builtin_mul_overflow(sum, 10, &sum) || __builtin_add_overflow(sum, p.negative ? -digit : digit, &sum)) {
            *value = limit;
            return KS__NUMBER_RANGE;
        }
    }
    *value = sum;
    return KS__NUMBER_OK;
}
