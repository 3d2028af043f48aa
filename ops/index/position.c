/*
 * ops/index/position.c - looking at indices (ops/index/position.h).
 */
#include "ops/index/position.h"

/* The extremes of many indices, in a loop without branches, and a block of them as positions. */
#define DEFINE_INDEX(S, TYPE)                                                                                                              \
    static bool fit_##S(const TYPE *index, int64_t n, int64_t extent)                                                                      \
    {                                                                                                                                      \
        TYPE least = 0, most = 0;                                                                                                          \
        for (int64_t i = 0; i < n; i++) {                                                                                                  \
            least = index[i] < least ? index[i] : least;                                                                                   \
            most = index[i] > most ? index[i] : most;                                                                                      \
        }                                                                                                                                  \
        return !n || ((int64_t)least >= -extent && (int64_t)most < extent);                                                                \
    }                                                                                                                                      \
    static void positions_##S(const TYPE *index, int64_t n, int64_t extent, int64_t *out)                                                  \
    {                                                                                                                                      \
        for (int64_t i = 0; i < n; i++) {                                                                                                  \
            int64_t at = index[i];                                                                                                         \
            out[i] = at + (at < 0 ? extent : 0);                                                                                           \
        }                                                                                                                                  \
    }
DEFINE_INDEX(i32, int32_t)
DEFINE_INDEX(i64, int64_t)
DEFINE_INDEX(u8, uint8_t)

bool ks__positions_fit(const ks_tensor *indices, int64_t extent, ks_failure *failure)
{
    int64_t n = indices->count;
    if (indices->dtype == KS_I32   ? fit_i32(indices->data, n, extent)
        : indices->dtype == KS_I64 ? fit_i64(indices->data, n, extent)
                                   : fit_u8(indices->data, n, extent))
        return true;
    for (int64_t i = 0; i < n; i++) {
        int64_t at = ks__whole(indices, i);
        if (at < -extent || at >= extent)
            return ks__kernel_fail(failure, KS_BAD_ARGUMENT, "index %lld, at position %lld, is outside the axis, which has %lld elements",
                                   (long long)at, (long long)i, (long long)extent);
    }
    return true;
}

void ks__positions_of(const ks_tensor *indices, int64_t first, int64_t n, int64_t extent, int64_t *out)
{
    if (indices->dtype == KS_I32)
        positions_i32((const int32_t *)indices->data + first, n, extent, out);
    else if (indices->dtype == KS_I64)
        positions_i64((const int64_t *)indices->data + first, n, extent, out);
    else
        positions_u8((const uint8_t *)indices->data + first, n, extent, out);
}

void ks__start_from(const ks_call *call, const ks_tensor *start)
{
    const ks_tensor *out = call->out;
    size_t size = ks_dtype_size(out->dtype);
    if (start && out->count)
        ks__copy_strided(call, out->data, start->data, size, 1, &out->count, (const int64_t[]){1});
    else if (out->count)
        memset(out->data, 0, (size_t)out->count * size);
}
