/*
 * serialize/big.h - whole numbers of some four thousand bits, for number.c only.
 *
 * Reading and writing decimals exactly needs numbers as long as 10^1130. They live on the stack and are never longer:
 * number.c cuts digits and exponents before they get here. `n` counts the limbs, lowest first, the highest is not 0.
 */
#ifndef KS_SERIALIZE_BIG_H
#define KS_SERIALIZE_BIG_H

#include <stdint.h>
#include <string.h>

#define KS__BIG_LIMBS 136

typedef struct ks__big {
    int n;
    uint32_t limb[KS__BIG_LIMBS];
} ks__big;

static inline void ks__big_set(ks__big *a, uint64_t value)
{
    a->limb[0] = (uint32_t)value;
    a->limb[1] = (uint32_t)(value >> 32);
    a->n = a->limb[1] ? 2 : a->limb[0] ? 1 : 0;
}

static inline void ks__big_copy(ks__big *a, const ks__big *b)
{
    a->n = b->n;
    memcpy(a->limb, b->limb, (size_t)b->n * sizeof b->limb[0]);
}

static inline void ks__big_trim(ks__big *a)
{
    while (a->n > 0 && a->limb[a->n - 1] == 0)
        a->n--;
}

static inline int ks__big_bits(const ks__big *a)
{
    return a->n ? a->n * 32 - __builtin_clz(a->limb[a->n - 1]) : 0;
}

/* a = a m + add */
static inline void ks__big_scale(ks__big *a, uint32_t m, uint32_t add)
{
    uint64_t carry = add;
    for (int i = 0; i < a->n; i++) {
        carry += (uint64_t)a->limb[i] * m;
        a->limb[i] = (uint32_t)carry;
        carry >>= 32;
    }
    if (carry)
        a->limb[a->n++] = (uint32_t)carry;
}

/* a = a 2^bits */
static inline void ks__big_shift(ks__big *a, int bits)
{
    int limbs = bits / 32, rest = bits % 32;
    if (a->n == 0 || bits == 0)
        return;
    a->limb[a->n] = 0;
    for (int i = a->n; i >= 0; i--) {
        uint32_t low = i > 0 && rest ? a->limb[i - 1] >> (32 - rest) : 0;
        a->limb[i + limbs] = a->limb[i] << rest | low;
    }
    memset(a->limb, 0, (size_t)limbs * sizeof a->limb[0]);
    a->n += limbs + 1;
    ks__big_trim(a);
}

/* a = a 10^e: fives by multiplying, twos by shifting */
static inline void ks__big_scale10(ks__big *a, int e)
{
    static const uint32_t five[] = {1, 5, 25, 125, 625, 3125, 15625, 78125, 390625, 1953125, 9765625, 48828125, 244140625, 1220703125};
    int left = e;
    for (; left >= 13; left -= 13)
        ks__big_scale(a, five[13], 0);
    ks__big_scale(a, five[left], 0);
    ks__big_shift(a, e);
}

static inline int ks__big_compare(const ks__big *a, const ks__big *b)
{
    if (a->n != b->n)
        return a->n < b->n ? -1 : 1;
    for (int i = a->n - 1; i >= 0; i--) {
        if (a->limb[i] != b->limb[i])
            return a->limb[i] < b->limb[i] ? -1 : 1;
    }
    return 0;
}

/* a = a + b */
static inline void ks__big_add(ks__big *a, const ks__big *b)
{
    uint64_t carry = 0;
    int n = a->n > b->n ? a->n : b->n;
    for (int i = 0; i < n; i++) {
        carry += (uint64_t)(i < a->n ? a->limb[i] : 0) + (i < b->n ? b->limb[i] : 0);
        a->limb[i] = (uint32_t)carry;
        carry >>= 32;
    }
    a->n = n;
    if (carry)
        a->limb[a->n++] = (uint32_t)carry;
}

/*
 * The quotient a / b, and a becomes the remainder. Wants a < 2^32 b and the highest bit of b's highest limb set: then the
 * quotient of the leading limbs is right or at most 2 too large (Knuth, volume 2, 4.3.1, theorem B).
 */
static inline uint32_t ks__big_divide(ks__big *a, const ks__big *b)
{
    int n = b->n;
    if (a->n < n)
        return 0;
    uint64_t top = (a->n > n ? (uint64_t)a->limb[n] << 32 : 0) | a->limb[n - 1];
    uint64_t q = top / b->limb[n - 1];
    if (q > UINT32_MAX)
        q = UINT32_MAX;
    if (q == 0)
        return 0;
    uint64_t carry = 0;
    int64_t borrow = 0;
    for (int i = 0; i < n; i++) {
        carry += q * b->limb[i];
        borrow += (int64_t)a->limb[i] - (int64_t)(uint32_t)carry;
        a->limb[i] = (uint32_t)borrow;
        borrow >>= 32;
        carry >>= 32;
    }
    borrow += (int64_t)(a->n > n ? a->limb[n] : 0) - (int64_t)carry;
    while (borrow < 0) { /* one b too many was taken away */
        q--;
        carry = 0;
        for (int i = 0; i < n; i++) {
            carry += (uint64_t)a->limb[i] + b->limb[i];
            a->limb[i] = (uint32_t)carry;
            carry >>= 32;
        }
        borrow += (int64_t)carry;
    }
    a->n = n;
    ks__big_trim(a);
    return (uint32_t)q;
}

#endif
