/*
 * serialize/stored.c - elements as files store them, converted to the dtypes of tensors.
 */
#include "serialize/stored.h"
#include "serialize/array.h"

#include <string.h>

/* What each stored type becomes. */
static const struct {
    char kind;
    uint8_t size;
    ks_dtype dtype;
} types[] = {
    {'f', 4, KS_F32}, {'f', 8, KS_F64}, {'i', 4, KS_I32}, {'i', 8, KS_I64}, {'u', 1, KS_U8},  {'b', 1, KS_BOOL},
    {'i', 1, KS_I32}, {'i', 2, KS_I32}, {'u', 2, KS_I32}, {'u', 4, KS_I64}, {'f', 2, KS_F32},
};

ks_dtype ks__stored_dtype(ks__stored stored)
{
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (types[i].kind == stored.kind && types[i].size == stored.size)
            return types[i].dtype;
    }
    return KS_DTYPES;
}

bool ks__stored_plain(ks__stored stored)
{
    return ks_dtype_size(ks__stored_dtype(stored)) == stored.size;
}

bool ks__big_endian(void)
{
    const uint16_t one = 1;
    unsigned char first;
    memcpy(&first, &one, 1);
    return first == 0;
}

/* IEEE 754's half: a sign, 5 bits of exponent, 10 of fraction. */
static float half(uint16_t bits)
{
    int exponent = bits >> 10 & 31, fraction = bits & 1023;
    uint32_t sign = (uint32_t)(bits & 0x8000) << 16, word;
    if (exponent == 31) {
        word = 0x7f800000u | (uint32_t)fraction << 13;
    } else if (exponent) {
        word = (uint32_t)(exponent + 112) << 23 | (uint32_t)fraction << 13;
    } else {
        float small = (float)fraction * 0x1p-24f;
        memcpy(&word, &small, sizeof word);
    }
    word |= sign;
    float value;
    memcpy(&value, &word, sizeof value);
    return value;
}

static uint32_t word_of(ks__stored stored, const unsigned char *at)
{
    bool big = stored.swapped != ks__big_endian();
    uint32_t word = 0;
    for (size_t i = 0; i < stored.size; i++)
        word = word << 8 | at[big ? i : stored.size - 1 - i];
    return word;
}

static void widen(ks__stored stored, void *out, const unsigned char *in, size_t count)
{
    for (size_t i = 0; i < count; i++, in += stored.size) {
        uint32_t word = word_of(stored, in);
        if (stored.kind == 'f')
            ((float *)out)[i] = half((uint16_t)word);
        else if (stored.size == 4)
            ((int64_t *)out)[i] = word;
        else if (stored.kind == 'u')
            ((int32_t *)out)[i] = (int32_t)word;
        else
            ((int32_t *)out)[i] = stored.size == 1 ? (int8_t)word : (int16_t)word;
    }
}

void ks__stored_take(ks__stored stored, void *out, const void *in, size_t count)
{
    if (!count)
        return;
    if (!ks__stored_plain(stored)) {
        widen(stored, out, in, count);
        return;
    }
    if (out != in)
        memcpy(out, in, count * stored.size);
    if (stored.swapped)
        ks__swap_bytes(out, count, stored.size);
    for (size_t i = 0; stored.kind == 'b' && i < count; i++)
        ((uint8_t *)out)[i] = ((uint8_t *)out)[i] != 0;
}
