/*
 * engine/kernels/conv_kit.h - what a convolution is put together from, for one dtype and instruction set.
 *
 * conv_tile.h makes these loops, conv.c decides which run over what. Sizes and strides are in elements. An operand that slides is read
 * in place: `at` has, for each tap of the window, how far from the output's position its element lies.
 */
#ifndef KS_KERNELS_CONV_KIT_H
#define KS_KERNELS_CONV_KIT_H

#include "engine/kernels/conv.h"

#define KS__CONV_ROWS    9 /* of the largest tile, in any instruction set */
#define KS__CONV_VECTORS 3
#define KS__CONV_LANES   16 /* of f32 */
#define KS__DOT_ROWS     4
#define KS__DOT_COLUMNS  6

/* A run of outputs: where it begins among the virtual positions and in the result, and its length. */
typedef struct ks__run {
    int64_t from, to, count;
} ks__run;

/* c [rows, vectors of lanes], rows cs apart, = sum over taps t of a[t, i] in[at[t] + column]; a is packed [taps, rows]. */
typedef void (*ks__conv_tile_fn)(int64_t taps, const void *a, const int64_t *at, const void *in, void *c, int64_t cs);

/* c[i, j] += sum over p < n of a[i, p] b[at[j] + p]; n is a multiple of `wide`. */
typedef void (*ks__conv_dots_fn)(int64_t n, const void *a, int64_t as, const void *b, const int64_t *at, void *c, int64_t cs);

/* ---- vectors across channels (conv_across.c) ------------------------------------------------------------- */

/* A tap: where its element lies from an output's place, and which of the packed filters it meets. */
typedef struct ks__across_tap {
    int32_t at, w;
} ks__across_tap;

/* An output: where its window begins, and where its channels go. */
typedef struct ks__across_place {
    int64_t from, to;
} ks__across_place;

/* c [rows, vectors of lanes] = for each place the sum over taps of in[place.from + tap.at] w[tap.w, vectors of lanes], at c + place.to */
typedef void (*ks__across_fn)(int64_t taps, const ks__across_tap *tap, const void *w, const void *in, const ks__across_place *place,
                              void *c);

/* Positions: images by rows by columns, and the strides of x, of u (packed [image, row, column, vectors of lanes]), and of c. */
typedef struct ks__across_sum {
    int64_t images, rows, columns;
    int64_t x_image, x_row, x_step, x_channel;
    int64_t u_image, u_row;
    int64_t c_row;
} ks__across_sum;

/* c [rows: channels of x, vectors of lanes] += the sum over positions of x[channel] u[vectors of lanes] */
typedef void (*ks__across_sums_fn)(const ks__across_sum *s, const void *x, const void *u, void *c);

typedef struct ks__across_kit {
    int rows[KS__CONV_VECTORS];                          /* [vectors - 1]: the most that fit; 0: no such tile */
    ks__across_fn tile[KS__CONV_VECTORS][KS__CONV_ROWS]; /* [vectors - 1][rows - 1] */
    ks__across_sums_fn sums[KS__CONV_VECTORS][KS__CONV_ROWS];
    void (*turn)(int64_t n, int64_t width, const void *from, int64_t stride, void *to, int64_t to_stride); /* [width, n] to [n, width] */
    void (*add)(int64_t n, const void *from, void *to);                                                    /* to[i] += from[i] */
} ks__across_kit;

/* ---- the kit ------------------------------------------------------------------------------------------- */

typedef struct ks__conv_kit {
    int lanes, rows, vectors, wide, columns;
    ks__conv_tile_fn tile[KS__CONV_ROWS];                 /* [rows - 1] */
    ks__conv_dots_fn dots[KS__DOT_ROWS][KS__DOT_COLUMNS]; /* [rows - 1][columns - 1] */
    /* Copies rows of `width` elements. */
    void (*copy)(int64_t rows, int64_t width, const void *from, int64_t stride, void *to, int64_t to_stride);
    /* The runs of `rows` rows, fs and ts apart; in the result elements lie `jump` apart. */
    void (*put)(int64_t rows, const void *from, int64_t fs, const ks__run *run, int64_t runs, int64_t jump, void *to, int64_t ts);
    /* to[i] = from[i * step] */
    void (*pick)(int64_t n, const void *from, int64_t step, void *to);
    /* a [taps, rows] from w: element (t, i) is w[i * stride + from[t]] */
    void (*pack)(int64_t taps, int64_t rows, const void *w, int64_t stride, const int64_t *from, void *a);
    /* to[i] = the sum of parts[k, i], in their order */
    void (*total)(int64_t n, int64_t parts, const void *from, int64_t stride, void *to);
    const ks__across_kit *across;
} ks__conv_kit;

extern const ks__conv_kit *const ks__conv_kit_f32[KS_ISAS], *const ks__conv_kit_f64[KS_ISAS];

#endif
