/*
 * engine/kernels/stream.h - writing what no cache will hold.
 *
 * An ordinary store first reads the line it writes to. A streaming store does not, and leaves the caches to what is read again.
 */
#ifndef KS_KERNELS_STREAM_H
#define KS_KERNELS_STREAM_H

#include <stdint.h>
#include <string.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

/* Copies `bytes` from `in` to `out`, both aligned to 16. The writes are in order before what others read only after ks__stream_end. */
static inline void ks__stream(void *out, const void *in, int64_t bytes)
{
    int64_t i = 0;
#if defined(__SSE2__)
    for (; i + 16 <= bytes; i += 16)
        _mm_stream_si128((__m128i *)(void *)((char *)out + i), _mm_load_si128((const __m128i *)(const void *)((const char *)in + i)));
#endif
    memcpy((char *)out + i, (const char *)in + i, (size_t)(bytes - i));
}

static inline void ks__stream_end(void)
{
#if defined(__SSE2__)
    _mm_sfence();
#endif
}

#endif
