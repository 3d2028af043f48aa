/*
 * train/data_rows.c - rows in their order, and rows put together.
 *
 * What is drawn depends on seed, epoch and position alone, so a run that is resumed sees the rows it would have seen.
 */
#include "train/data.h"
#include "engine/kernels/isa.h"
#include "engine/kernels/philox.h"

#include <string.h>

/* ---- order --------------------------------------------------------------------------------------------- */

#define SHUFFLE_STREAM UINT64_C(0x73687566666c6521)

/* Lemire's method: the high word of x n is a number below n; an x among the few that make it unfair is drawn again. */
uint64_t ks__random_below(uint64_t seed, uint64_t stream, uint64_t step, uint64_t position, uint64_t n)
{
    uint64_t unfair = -n % n;
    for (uint64_t attempt = 0;; attempt++) {
        uint32_t words[4];
        ks__philox(seed, stream + attempt, step, position, words);
        for (int i = 0; i < 4; i += 2) {
            unsigned __int128 product = (unsigned __int128)((uint64_t)words[i + 1] << 32 | words[i]) * n;
            if ((uint64_t)product >= unfair)
                return (uint64_t)(product >> 64);
        }
    }
}

/* Fisher and Yates: each element changes places with one that is not settled yet. */
void ks__shuffle(uint32_t *order, int64_t n, uint64_t seed, uint64_t epoch)
{
    for (int64_t i = 0; i < n; i++)
        order[i] = (uint32_t)i;
    for (int64_t i = n - 1; i > 0; i--) {
        uint64_t j = ks__random_below(seed, SHUFFLE_STREAM, epoch, (uint64_t)i, (uint64_t)i + 1);
        uint32_t kept = order[i];
        order[i] = order[j];
        order[j] = kept;
    }
}

/* ---- gathering ----------------------------------------------------------------------------------------- */

static KS_INLINE void spread_f32_body(float *out, const uint8_t *in, int64_t n, float scale)
{
    KS_LOOP
    for (int64_t i = 0; i < n; i++)
        out[i] = (float)in[i] / scale;
}
KS_TARGETS(void, spread_f32, (float *out, const uint8_t *in, int64_t n, float scale), (out, in, n, scale))

static KS_INLINE void spread_f64_body(double *out, const uint8_t *in, int64_t n, double scale)
{
    KS_LOOP
    for (int64_t i = 0; i < n; i++)
        out[i] = (double)in[i] / scale;
}
KS_TARGETS(void, spread_f64, (double *out, const uint8_t *in, int64_t n, double scale), (out, in, n, scale))

void ks__column_gather(const ks__column *column, int isa, const uint32_t *order, int64_t first, int64_t count, void *out)
{
    static void (*const f32[])(float *, const uint8_t *, int64_t, float) = KS_PICK(spread_f32);
    static void (*const f64[])(double *, const uint8_t *, int64_t, double) = KS_PICK(spread_f64);
    int64_t width = column->width;
    size_t bytes = (size_t)width * ks_dtype_size(column->array.dtype);
    if (!bytes)
        return;
    for (int64_t i = 0; i < count; i++) {
        const char *row = (const char *)column->array.data + (size_t)(order ? order[i] : first + i) * bytes;
        if (!column->spread)
            memcpy((char *)out + (size_t)i * bytes, row, bytes);
        else if (column->dtype == KS_F32)
            f32[isa]((float *)out + i * width, (const uint8_t *)row, width, (float)column->scale);
        else
            f64[isa]((double *)out + i * width, (const uint8_t *)row, width, column->scale);
    }
}
