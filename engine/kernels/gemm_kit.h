/*
 * engine/kernels/gemm_kit.h - what a matrix product is put together from, for one dtype and instruction set.
 *
 * gemm_tile.h makes these loops, gemm.c decides which run over what. Sizes and strides are in elements. A *tile* is a block of C that is
 * held in registers while k runs: `rows` by `vectors` vectors of `lanes` columns. Its last vector may overlap the one before, so that no
 * width needs a mask: what both compute is the same.
 */
#ifndef KS_KERNELS_GEMM_KIT_H
#define KS_KERNELS_GEMM_KIT_H

#include "engine/kernels/gemm.h"

#define KS__MOST_ROWS    9
#define KS__MOST_VECTORS 3
#define KS__MOST_LANES   16

/*
 * c [rows, width] = a b, or += when `add`. Where the elements of A lie: with `along` 0 at a[row * as + p], with 1 at a[row + p * as].
 * b [k, width] has rows bs apart; the last vector starts at column `last`.
 */
typedef void (*ks__tile_fn)(int64_t k, const void *a, int64_t as, const void *b, int64_t bs, int64_t last, void *c, int64_t cs, bool add);

typedef struct ks__kit {
    int lanes, rows, vectors;
    ks__tile_fn tile[2][KS__MOST_VECTORS][KS__MOST_ROWS]; /* [along][vectors - 1][rows - 1] */
    /* c [m, n] for anything small, not transposed B; needs no workspace. */
    void (*tiny)(const ks__gemm *g, const void *a, const void *b, void *c);
    /* c [1, n] = a [k] b [k, n], columns [from, to): at least four, or a vector */
    void (*row)(const ks__gemm *g, const void *a, const void *b, void *c, int64_t from, int64_t to);
    /* c[i, j] (+)= sum of a[i, p] b[j, p], i < m, j < n: both run along p */
    void (*dots)(int64_t m, int64_t n, int64_t k, const void *a, int64_t as, const void *b, int64_t bs, void *c, int64_t cs, bool add);
    /* out [k, padded] from in: rows of `width` elements, zeros beyond; `across`: in [width, k] is turned */
    void (*pack)(int64_t k, int64_t width, int64_t padded, const void *in, int64_t stride, bool across, void *out);
    /* c [m, n] (+)= from [m, fs]; `across`: from [n, fs] is turned */
    void (*put)(int64_t m, int64_t n, const void *from, int64_t fs, bool across, void *c, int64_t cs, bool add);
} ks__kit;

extern const ks__kit *const ks__kit_f32[KS_ISAS], *const ks__kit_f64[KS_ISAS];

#endif
