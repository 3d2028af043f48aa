/*
 * engine/kernels/conv_tile.h - the loops of convolutions, for one dtype and one instruction set. Included once for each.
 *
 * Before: KS__T the element, KS__TARGET the attribute of the instruction set, KS__ID(x) the name x with a suffix of its own, KS__LANES
 * of a vector, KS__ROWS and KS__VECTORS of the largest tile.
 */
#include "engine/kernels/gemm_lanes.h"

/* ---- tiles: rows of filters by columns of outputs ------------------------------------------------------- */

KS__LOCAL void KS__ID(tile_body)(int rows, int64_t taps, const KS__T *a, const int64_t *at, const KS__T *in, KS__T *c, int64_t cs)
{
    KS__ID(full) sum[KS__CONV_ROWS][KS__CONV_VECTORS];
    KS__EACH (i, rows)
        KS__EACH (v, KS__VECTORS)
            sum[i][v] = (KS__ID(full)){0};
    for (int64_t t = 0; t < taps; t++) {
        const KS__T *b = in + at[t];
        KS__ID(full) right[KS__CONV_VECTORS];
        KS__EACH (v, KS__VECTORS)
            right[v] = KS__GET(KS__ID(full), b + v * KS__LANES);
        KS__EACH (i, rows)
            KS__EACH (v, KS__VECTORS)
                sum[i][v] += a[i] * right[v];
        a += rows;
    }
    KS__EACH (i, rows)
        KS__EACH (v, KS__VECTORS)
            KS__AT(KS__ID(full), c + i * cs + v * KS__LANES) = sum[i][v];
}

#define KS__DEFINE_TILE(R)                                                                                                                 \
    KS__TARGET static void KS__ID(tile_##R)(int64_t taps, const void *a, const int64_t *at, const void *in, void *c, int64_t cs)           \
    {                                                                                                                                      \
        KS__ID(tile_body)(R, taps, a, at, in, c, cs);                                                                                      \
    }
#define KS__NAME_TILE(R) KS__ID(tile_##R),
#define KS__SIX(DO)      DO(1) DO(2) DO(3) DO(4) DO(5) DO(6)
#if KS__ROWS == 9
#define KS__EACH_ROW(DO) KS__SIX(DO) DO(7) DO(8) DO(9)
#else
#define KS__EACH_ROW KS__SIX
#endif
KS__EACH_ROW(KS__DEFINE_TILE)

/* ---- sums along the outputs: rows of filters by taps ----------------------------------------------------- */

KS__LOCAL void KS__ID(dots_body)(int rows, int columns, int64_t n, const KS__T *a, int64_t as, const KS__T *b, const int64_t *at, KS__T *c,
                                 int64_t cs)
{
    KS__ID(wide) sum[KS__DOT_ROWS][KS__DOT_COLUMNS];
    const KS__T *right[KS__DOT_COLUMNS];
    KS__EACH (j, columns)
        right[j] = b + at[j];
    KS__EACH (i, KS__DOT_ROWS)
        KS__EACH (j, columns)
            sum[i][j] = (KS__ID(wide)){0};
    for (int64_t p = 0; p < n; p += KS__WIDE) {
        KS__ID(wide) left[KS__DOT_ROWS];
        KS__EACH (i, rows)
            left[i] = KS__GET(KS__ID(wide), a + i * as + p);
        KS__EACH (j, columns) {
            KS__ID(wide) x = KS__GET(KS__ID(wide), right[j] + p);
            KS__EACH (i, rows)
                sum[i][j] += left[i] * x;
        }
    }
    KS__EACH (j, columns) {
        KS__ID(four)
        all = KS__ID(four_sums)(KS__ID(to_four)(sum[0][j]), KS__ID(to_four)(sum[1][j]), KS__ID(to_four)(sum[2][j]),
                                KS__ID(to_four)(sum[3][j]));
        KS__EACH (i, rows)
            c[i * cs + j] += all[i];
    }
}

#define KS__DEFINE_DOTS(R, C)                                                                                                              \
    KS__TARGET static void KS__ID(dots_##R##_##C)(int64_t n, const void *a, int64_t as, const void *b, const int64_t *at, void *c,         \
                                                  int64_t cs)                                                                              \
    {                                                                                                                                      \
        KS__ID(dots_body)(R, C, n, a, as, b, at, c, cs);                                                                                   \
    }
#define KS__NAME_DOTS(R, C) KS__ID(dots_##R##_##C),
/* In few registers three columns are as many as fit. */
#if KS__ROWS == 9
#define KS__COLUMNS            6
#define KS__EACH_COLUMN(DO, R) DO(R, 1) DO(R, 2) DO(R, 3) DO(R, 4) DO(R, 5) DO(R, 6)
#else
#define KS__COLUMNS            3
#define KS__EACH_COLUMN(DO, R) DO(R, 1) DO(R, 2) DO(R, 3)
#endif
KS__EACH_COLUMN(KS__DEFINE_DOTS, 1)
KS__EACH_COLUMN(KS__DEFINE_DOTS, 2)
KS__EACH_COLUMN(KS__DEFINE_DOTS, 3)
KS__EACH_COLUMN(KS__DEFINE_DOTS, 4)

/* ---- moving -------------------------------------------------------------------------------------------- */

KS__TARGET static void KS__ID(move)(int64_t rows, int64_t width, const void *from, int64_t stride, void *to, int64_t to_stride)
{
    if (width > 0)
        KS__ID(copy)(rows, width, from, stride, to, to_stride);
}

KS__TARGET static void KS__ID(put)(int64_t rows, const void *from, int64_t fs, const ks__run *run, int64_t runs, int64_t jump, void *to,
                                   int64_t ts)
{
    for (int64_t i = 0; i < rows; i++) {
        const KS__T *row = (const KS__T *)from + i * fs;
        KS__T *out = (KS__T *)to + i * ts;
        if (jump == 1) {
            for (int64_t r = 0; r < runs; r++)
                KS__ID(copy)(1, run[r].count, row + run[r].from, 0, out + run[r].to, 0);
            continue;
        }
        for (int64_t r = 0; r < runs; r++)
            for (int64_t k = 0; k < run[r].count; k++)
                out[run[r].to + k * jump] = row[run[r].from + k];
    }
}

KS__TARGET static void KS__ID(pick)(int64_t n, const void *from, int64_t step, void *to)
{
    const KS__T *in = from;
    KS__T *out = to;
    for (int64_t i = 0; i < n; i++)
        out[i] = in[i * step];
}

KS__TARGET static void KS__ID(pack)(int64_t taps, int64_t rows, const void *w, int64_t stride, const int64_t *from, void *a)
{
    const KS__T *in = w;
    KS__T *out = a;
    for (int64_t t = 0; t < taps; t++)
        for (int64_t i = 0; i < rows; i++)
            *out++ = in[i * stride + from[t]];
}

KS__TARGET static void KS__ID(total)(int64_t n, int64_t parts, const void *from, int64_t stride, void *to)
{
    const KS__T *in = from;
    KS__T *restrict out = to;
    memcpy(out, in, (size_t)n * sizeof(KS__T));
    for (int64_t k = 1; k < parts; k++)
        for (int64_t i = 0; i < n; i++)
            out[i] += in[k * stride + i];
}

#include "engine/kernels/conv_across_tile.h"

/* ---- the kit ------------------------------------------------------------------------------------------- */

static const ks__conv_kit KS__ID(kit) = {
    .lanes = KS__LANES,
    .rows = KS__ROWS,
    .vectors = KS__VECTORS,
    .wide = KS__WIDE,
    .columns = KS__COLUMNS,
    .tile = {KS__EACH_ROW(KS__NAME_TILE)},
    .dots = {{KS__EACH_COLUMN(KS__NAME_DOTS, 1)},
             {KS__EACH_COLUMN(KS__NAME_DOTS, 2)},
             {KS__EACH_COLUMN(KS__NAME_DOTS, 3)},
             {KS__EACH_COLUMN(KS__NAME_DOTS, 4)}},
    .copy = KS__ID(move),
    .put = KS__ID(put),
    .pick = KS__ID(pick),
    .pack = KS__ID(pack),
    .total = KS__ID(total),
    .across = &KS__ID(across_kit),
};

#undef KS__LOCAL
#undef KS__VECTOR
#undef KS__AT
#undef KS__GET
#undef KS__WIDE
#undef KS__COPY
#undef KS__TURN
#undef KS__DEFINE_TILE
#undef KS__NAME_TILE
#undef KS__SIX
#undef KS__EACH_ROW
#undef KS__DEFINE_DOTS
#undef KS__NAME_DOTS
#undef KS__COLUMNS
#undef KS__EACH_COLUMN
#undef KS__ID
#undef KS__TARGET
#undef KS__LANES
#undef KS__ROWS
#undef KS__VECTORS
