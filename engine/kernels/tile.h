/*
 * tile.h - elementwise kernels from one expression.
 *
 * KS_TILE1(tile_exp_f32, float, float, ks__exp_f(a)) defines `static const ks_tile tile_exp_f32`: for each
 * instruction set one loop over a tile of contiguous elements and the same expression on one element. Loop, tail
 * and single element give the same bits for the same element.
 *
 * The expression sees its inputs as a, b, c, and the kernel's `attrs`. It is a last, variadic argument, so it may
 * contain commas. Have it branch-free, or the loop stays scalar.
 */
#ifndef KS_KERNELS_TILE_H
#define KS_KERNELS_TILE_H

#include <stdint.h>
#include <string.h>

#include "engine/kernels/isa.h"

#ifndef KEISAN_OP_H

/* n contiguous elements. `out` is disjoint from each in[k], or exactly the same array. */
typedef void (*ks_tile_fn)(void *out, const void *const *in, int64_t n, const void *attrs);

/* One element: `out` and each in[k] point to it. */
typedef void (*ks_tile_scalar_fn)(void *out, const void *const *in, const void *attrs);

/* An elementwise kernel, indexed by ks_isa. */
typedef struct ks_tile {
    void (*fn[4])(void *out, const void *const *in, int64_t n, const void *attrs);
    void (*scalar[4])(void *out, const void *const *in, const void *attrs);
} ks_tile;

#endif

#define KS__TILE_END(NAME)                                                                                                                 \
    KS_TARGETS(void, NAME##_loop, (void *out, const void *const *in, int64_t n, const void *attrs), (out, in, n, attrs))                   \
    KS_TARGETS(void, NAME##_one, (void *out, const void *const *in, const void *attrs), (out, in, attrs))                                  \
    static const ks_tile NAME = {KS_PICK(NAME##_loop), KS_PICK(NAME##_one)};

/* out[i] = EXPR, of TO, from `a`, of TA. */
#define KS_TILE1(NAME, TO, TA, ...)                                                                                                        \
    static KS_INLINE void NAME##_loop_body(void *out, const void *const *in, int64_t n, const void *attrs)                                 \
    {                                                                                                                                      \
        TO *to = (TO *)out;                                                                                                                \
        const TA *in0 = (const TA *)in[0];                                                                                                 \
        (void)attrs;                                                                                                                       \
        KS_LOOP                                                                                                                            \
        for (int64_t i = 0; i < n; i++) {                                                                                                  \
            const TA a = in0[i];                                                                                                           \
            to[i] = (TO)(__VA_ARGS__);                                                                                                     \
        }                                                                                                                                  \
    }                                                                                                                                      \
    static KS_INLINE void NAME##_one_body(void *out, const void *const *in, const void *attrs)                                             \
    {                                                                                                                                      \
        const TA a = *(const TA *)in[0];                                                                                                   \
        (void)attrs;                                                                                                                       \
        *(TO *)out = (TO)(__VA_ARGS__);                                                                                                    \
    }                                                                                                                                      \
    KS__TILE_END(NAME)

/* out[i] = EXPR from `a`, of TA, and `b`, of TB. */
#define KS_TILE2(NAME, TO, TA, TB, ...)                                                                                                    \
    static KS_INLINE void NAME##_loop_body(void *out, const void *const *in, int64_t n, const void *attrs)                                 \
    {                                                                                                                                      \
        TO *to = (TO *)out;                                                                                                                \
        const TA *in0 = (const TA *)in[0];                                                                                                 \
        const TB *in1 = (const TB *)in[1];                                                                                                 \
        (void)attrs;                                                                                                                       \
        KS_LOOP                                                                                                                            \
        for (int64_t i = 0; i < n; i++) {                                                                                                  \
            const TA a = in0[i];                                                                                                           \
            const TB b = in1[i];                                                                                                           \
            to[i] = (TO)(__VA_ARGS__);                                                                                                     \
        }                                                                                                                                  \
    }                                                                                                                                      \
    static KS_INLINE void NAME##_one_body(void *out, const void *const *in, const void *attrs)                                             \
    {                                                                                                                                      \
        const TA a = *(const TA *)in[0];                                                                                                   \
        const TB b = *(const TB *)in[1];                                                                                                   \
        (void)attrs;                                                                                                                       \
        *(TO *)out = (TO)(__VA_ARGS__);                                                                                                    \
    }                                                                                                                                      \
    KS__TILE_END(NAME)

/* out[i] = EXPR from `a`, `b` and `c`. */
#define KS_TILE3(NAME, TO, TA, TB, TC, ...)                                                                                                \
    static KS_INLINE void NAME##_loop_body(void *out, const void *const *in, int64_t n, const void *attrs)                                 \
    {                                                                                                                                      \
        TO *to = (TO *)out;                                                                                                                \
        const TA *in0 = (const TA *)in[0];                                                                                                 \
        const TB *in1 = (const TB *)in[1];                                                                                                 \
        const TC *in2 = (const TC *)in[2];                                                                                                 \
        (void)attrs;                                                                                                                       \
        KS_LOOP                                                                                                                            \
        for (int64_t i = 0; i < n; i++) {                                                                                                  \
            const TA a = in0[i];                                                                                                           \
            const TB b = in1[i];                                                                                                           \
            const TC c = in2[i];                                                                                                           \
            to[i] = (TO)(__VA_ARGS__);                                                                                                     \
        }                                                                                                                                  \
    }                                                                                                                                      \
    static KS_INLINE void NAME##_one_body(void *out, const void *const *in, const void *attrs)                                             \
    {                                                                                                                                      \
        const TA a = *(const TA *)in[0];                                                                                                   \
        const TB b = *(const TB *)in[1];                                                                                                   \
        const TC c = *(const TC *)in[2];                                                                                                   \
        (void)attrs;                                                                                                                       \
        *(TO *)out = (TO)(__VA_ARGS__);                                                                                                    \
    }                                                                                                                                      \
    KS__TILE_END(NAME)

/* Elements after which KS_TILE1_FIX looks whether any of them needs SLOW. */
#define KS__FIX_BLOCK 256

/*
 * As KS_TILE1, but where PREDICATE(a) holds the result is SLOW, which may call a function. Each block is computed
 * with EXPR first; only if the predicate held anywhere in it a scalar loop mends those elements. The inputs of a
 * block are copied when the loop would overwrite them.
 */
#define KS_TILE1_FIX(NAME, TO, TA, EXPR, PREDICATE, SLOW)                                                                                  \
    static KS_INLINE void NAME##_loop_body(void *out, const void *const *in, int64_t n, const void *attrs)                                 \
    {                                                                                                                                      \
        TO *to = (TO *)out;                                                                                                                \
        const TA *in0 = (const TA *)in[0];                                                                                                 \
        TA copy[KS__FIX_BLOCK];                                                                                                            \
        (void)attrs;                                                                                                                       \
        for (int64_t at = 0; at < n; at += KS__FIX_BLOCK) {                                                                                \
            int64_t count = n - at < KS__FIX_BLOCK ? n - at : KS__FIX_BLOCK;                                                               \
            const TA *from = in0 + at;                                                                                                     \
            if (out == in[0]) {                                                                                                            \
                memcpy(copy, from, (size_t)count * sizeof(TA));                                                                            \
                from = copy;                                                                                                               \
            }                                                                                                                              \
            unsigned any = 0;                                                                                                              \
            KS_LOOP                                                                                                                        \
            for (int64_t i = 0; i < count; i++) {                                                                                          \
                const TA a = from[i];                                                                                                      \
                any |= (PREDICATE) ? 1u : 0u;                                                                                              \
                to[at + i] = (TO)(EXPR);                                                                                                   \
            }                                                                                                                              \
            for (int64_t i = 0; any && i < count; i++) {                                                                                   \
                const TA a = from[i];                                                                                                      \
                if (PREDICATE)                                                                                                             \
                    to[at + i] = (TO)(SLOW);                                                                                               \
            }                                                                                                                              \
        }                                                                                                                                  \
    }                                                                                                                                      \
    static KS_INLINE void NAME##_one_body(void *out, const void *const *in, const void *attrs)                                             \
    {                                                                                                                                      \
        const TA a = *(const TA *)in[0];                                                                                                   \
        (void)attrs;                                                                                                                       \
        *(TO *)out = (PREDICATE) ? (TO)(SLOW) : (TO)(EXPR);                                                                                \
    }                                                                                                                                      \
    KS__TILE_END(NAME)

#endif
