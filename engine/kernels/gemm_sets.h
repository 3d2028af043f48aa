/*
 * engine/kernels/gemm_sets.h - includes the header KS__LOOPS once for each instruction set. KS__T and KS__BYTES, its size, are set before.
 *
 * Tiles fill the registers: 16 vectors of 16 bytes at first and of 32 for v3, 32 vectors of 64 bytes for v4.
 */
#if defined(__clang__)
#define KS_UNROLL _Pragma("clang loop unroll(full)")
#else
#define KS_UNROLL _Pragma("GCC unroll 16")
#endif
/* A loop over a few known numbers, which is to vanish. */
#define KS__EACH(I, N) KS_UNROLL for (int I = 0; I < N; I++)

#define KS__ID(NAME) NAME##_plain
#define KS__TARGET
#define KS__LANES   (16 / KS__BYTES)
#define KS__ROWS    6
#define KS__VECTORS 2
#include KS__LOOPS

#if defined(__x86_64__) && defined(__GNUC__)

#define KS__ID(NAME) NAME##_v2
#define KS__TARGET   KS_TARGET_V2
#define KS__LANES    (16 / KS__BYTES)
#define KS__ROWS     6
#define KS__VECTORS  2
#include KS__LOOPS

#define KS__ID(NAME) NAME##_v3
#define KS__TARGET   KS_TARGET_V3
#define KS__LANES    (32 / KS__BYTES)
#define KS__ROWS     6
#define KS__VECTORS  2
#include KS__LOOPS

#define KS__ID(NAME) NAME##_v4
#if defined(__clang__) /* else it takes vectors of 512 bits apart */
#define KS__TARGET KS_TARGET_V4 __attribute__((min_vector_width(512)))
#else
#define KS__TARGET KS_TARGET_V4
#endif
#define KS__LANES   (64 / KS__BYTES)
#define KS__ROWS    9
#define KS__VECTORS 3
#include KS__LOOPS

#define KS__KITS                                                                                                                           \
    {                                                                                                                                      \
        &kit_plain, &kit_v2, &kit_v3, &kit_v4                                                                                              \
    }

#else

#define KS__KITS                                                                                                                           \
    {                                                                                                                                      \
        &kit_plain, &kit_plain, &kit_plain, &kit_plain                                                                                     \
    }

#endif
