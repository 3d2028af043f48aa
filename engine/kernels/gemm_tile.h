/*
 * engine/kernels/gemm_tile.h - the loops of matrix products, for one dtype and one instruction set. Included once for each.
 *
 * Before: KS__T the element, KS__TARGET the attribute of the instruction set, KS__ID(x) the name x with a suffix of its own, KS__LANES
 * of a vector (16, 8, 4 or 2), KS__ROWS and KS__VECTORS of the largest tile.
 */

#include "engine/kernels/gemm_lanes.h"

/* ---- tiles --------------------------------------------------------------------------------------------- */

/* The tile of VEC, with all counts known: everything is in registers. */
#define KS__TILE_BODY(NAME, VEC, LANES)                                                                                                    \
    KS__LOCAL void KS__ID(NAME)(int rows, int vectors, bool along, int64_t k, const KS__T *a, int64_t as, const KS__T *b, int64_t bs,      \
                                int64_t last, KS__T *c, int64_t cs, bool add)                                                              \
    {                                                                                                                                      \
        VEC sum[KS__MOST_ROWS][KS__MOST_VECTORS];                                                                                          \
        KS__EACH (i, rows)                                                                                                                 \
            KS__EACH (v, vectors)                                                                                                          \
                sum[i][v] = (VEC){0};                                                                                                      \
        for (int64_t p = 0; p < k; p++) {                                                                                                  \
            VEC right[KS__MOST_VECTORS];                                                                                                   \
            KS__EACH (v, vectors)                                                                                                          \
                right[v] = KS__GET(VEC, b + (v && v == vectors - 1 ? last : (int64_t)v * LANES));                                          \
            KS__EACH (i, rows) {                                                                                                           \
                KS__T left = along ? a[i] : a[i * as];                                                                                     \
                KS__EACH (v, vectors)                                                                                                      \
                    sum[i][v] += left * right[v];                                                                                          \
            }                                                                                                                              \
            a += along ? as : 1;                                                                                                           \
            b += bs;                                                                                                                       \
        }                                                                                                                                  \
        KS__EACH (i, rows) {                                                                                                               \
            KS__T *row = c + i * cs;                                                                                                       \
            if (add) {                                                                                                                     \
                KS__EACH (v, vectors)                                                                                                      \
                    sum[i][v] += KS__GET(VEC, row + (v && v == vectors - 1 ? last : (int64_t)v * LANES));                                  \
            }                                                                                                                              \
            KS__EACH (v, vectors)                                                                                                          \
                KS__AT(VEC, row + (v && v == vectors - 1 ? last : (int64_t)v * LANES)) = sum[i][v];                                        \
        }                                                                                                                                  \
    }

KS__TILE_BODY(full_tile, KS__ID(full), KS__LANES)

#define KS__DEFINE_TILE(ALONG, V, R)                                                                                                       \
    KS__TARGET static void KS__ID(tile_##ALONG##_##V##_##R)(int64_t k, const void *a, int64_t as, const void *b, int64_t bs, int64_t last, \
                                                            void *c, int64_t cs, bool add)                                                 \
    {                                                                                                                                      \
        KS__ID(full_tile)(R, V, ALONG, k, a, as, b, bs, last, c, cs, add);                                                                 \
    }
#define KS__NAME_TILE(ALONG, V, R) KS__ID(tile_##ALONG##_##V##_##R),

/* For all numbers of rows: up to nine of one vector, up to KS__ROWS of several. */
#define KS__SIX(DO, ALONG, V)  DO(ALONG, V, 1) DO(ALONG, V, 2) DO(ALONG, V, 3) DO(ALONG, V, 4) DO(ALONG, V, 5) DO(ALONG, V, 6)
#define KS__NINE(DO, ALONG, V) KS__SIX(DO, ALONG, V) DO(ALONG, V, 7) DO(ALONG, V, 8) DO(ALONG, V, 9)
#if KS__ROWS == 9
#define KS__EACH_ROW KS__NINE
#else
#define KS__EACH_ROW KS__SIX
#endif
KS__NINE(KS__DEFINE_TILE, 0, 1)
KS__NINE(KS__DEFINE_TILE, 1, 1)
KS__EACH_ROW(KS__DEFINE_TILE, 0, 2)
KS__EACH_ROW(KS__DEFINE_TILE, 1, 2)
#if KS__VECTORS >= 3
KS__EACH_ROW(KS__DEFINE_TILE, 0, 3)
KS__EACH_ROW(KS__DEFINE_TILE, 1, 3)
#endif

/* ---- strips of few columns ------------------------------------------------------------------------------------- */

KS__TILE_BODY(one_tile, KS__ID(one), 1)
#if KS__LANES >= 16
KS__TILE_BODY(half_tile, KS__ID(half), 8)
#endif
#if KS__LANES >= 8
KS__TILE_BODY(quarter_tile, KS__ID(quarter), 4)
#endif

/* All rows over one or two vectors of columns. */
#define KS__STRIP(NAME, TILE)                                                                                                              \
    KS__TARGET static void KS__ID(NAME)(const ks__gemm *g, int vectors, const KS__T *a, const KS__T *b, int64_t last, KS__T *c)            \
    {                                                                                                                                      \
        int64_t i = 0;                                                                                                                     \
        for (; i + 4 <= g->m; i += 4) {                                                                                                    \
            KS__T *row = c + i * g->ldc;                                                                                                   \
            if (vectors == 1 && !g->trans_a)                                                                                               \
                KS__ID(TILE)(4, 1, false, g->k, a + i * g->lda, g->lda, b, g->ldb, 0, row, g->ldc, false);                                 \
            else if (vectors == 1)                                                                                                         \
                KS__ID(TILE)(4, 1, true, g->k, a + i, g->lda, b, g->ldb, 0, row, g->ldc, false);                                           \
            else if (!g->trans_a)                                                                                                          \
                KS__ID(TILE)(4, 2, false, g->k, a + i * g->lda, g->lda, b, g->ldb, last, row, g->ldc, false);                              \
            else                                                                                                                           \
                KS__ID(TILE)(4, 2, true, g->k, a + i, g->lda, b, g->ldb, last, row, g->ldc, false);                                        \
        }                                                                                                                                  \
        for (; i < g->m; i++) {                                                                                                            \
            const KS__T *left = g->trans_a ? a + i : a + i * g->lda;                                                                       \
            int64_t step = g->trans_a ? g->lda : 1; /* of one row, as if along */                                                          \
            KS__T *row = c + i * g->ldc;                                                                                                   \
            if (vectors == 1)                                                                                                              \
                KS__ID(TILE)(1, 1, true, g->k, left, step, b, g->ldb, 0, row, g->ldc, false);                                              \
            else                                                                                                                           \
                KS__ID(TILE)(1, 2, true, g->k, left, step, b, g->ldb, last, row, g->ldc, false);                                           \
        }                                                                                                                                  \
    }

KS__STRIP(full_strip, full_tile)
KS__STRIP(one_strip, one_tile)
#if KS__LANES >= 16
KS__STRIP(half_strip, half_tile)
#endif
#if KS__LANES >= 8
KS__STRIP(quarter_strip, quarter_tile)
#endif

/* ---- one row ------------------------------------------------------------------------------------------- */

/* Columns [from, to) of a row, at least a vector: four vectors at a time, and four sums for each, so that none waits for another. */
#define KS__ROW(NAME, VEC, LANES)                                                                                                          \
    KS__LOCAL void KS__ID(NAME##_part)(int vectors, int64_t k, const KS__T *a, const KS__T *b, int64_t bs, int64_t last, KS__T *c)         \
    {                                                                                                                                      \
        VEC sum[4][4];                                                                                                                     \
        int64_t p = 0;                                                                                                                     \
        KS__EACH (q, 4)                                                                                                                    \
            KS__EACH (v, vectors)                                                                                                          \
                sum[q][v] = (VEC){0};                                                                                                      \
        for (; p + 4 <= k; p += 4) {                                                                                                       \
            KS__EACH (q, 4)                                                                                                                \
                KS__EACH (v, vectors)                                                                                                      \
                    sum[q][v] += a[p + q] * KS__GET(VEC, b + (p + q) * bs + (v == vectors - 1 ? last : (int64_t)v * LANES));               \
        }                                                                                                                                  \
        for (; p < k; p++) {                                                                                                               \
            KS__EACH (v, vectors)                                                                                                          \
                sum[0][v] += a[p] * KS__GET(VEC, b + p * bs + (v == vectors - 1 ? last : (int64_t)v * LANES));                             \
        }                                                                                                                                  \
        KS__EACH (v, vectors)                                                                                                              \
            KS__AT(VEC, c + (v == vectors - 1 ? last : (int64_t)v * LANES)) = (sum[0][v] + sum[1][v]) + (sum[2][v] + sum[3][v]);           \
    }                                                                                                                                      \
    KS__TARGET static void KS__ID(NAME)(const ks__gemm *g, const KS__T *a, const KS__T *b, KS__T *c, int64_t from, int64_t to)             \
    {                                                                                                                                      \
        int64_t j = from;                                                                                                                  \
        for (; to - j >= 4 * LANES; j += 4 * LANES)                                                                                        \
            KS__ID(NAME##_part)(4, g->k, a, b + j, g->ldb, 3 * LANES, c + j);                                                              \
        int64_t left = to - j;                                                                                                             \
        if (left > 3 * LANES)                                                                                                              \
            KS__ID(NAME##_part)(4, g->k, a, b + j, g->ldb, left - LANES, c + j);                                                           \
        else if (left > 2 * LANES)                                                                                                         \
            KS__ID(NAME##_part)(3, g->k, a, b + j, g->ldb, left - LANES, c + j);                                                           \
        else if (left > LANES)                                                                                                             \
            KS__ID(NAME##_part)(2, g->k, a, b + j, g->ldb, left - LANES, c + j);                                                           \
        else if (left > 0)                                                                                                                 \
            KS__ID(NAME##_part)(1, g->k, a, b + to - LANES, g->ldb, 0, c + to - LANES);                                                    \
    }

KS__ROW(full_row, KS__ID(full), KS__LANES)
#if KS__LANES >= 16
KS__ROW(half_row, KS__ID(half), 8)
#endif
#if KS__LANES >= 8
KS__ROW(quarter_row, KS__ID(quarter), 4)
#endif

KS__TARGET static void KS__ID(row)(const ks__gemm *g, const void *a, const void *b, void *c, int64_t from, int64_t to)
{
    if (to - from >= KS__LANES)
        KS__ID(full_row)(g, a, b, c, from, to);
#if KS__LANES >= 16
    else if (to - from >= 8)
        KS__ID(half_row)(g, a, b, c, from, to);
#endif
#if KS__LANES >= 8
    else
        KS__ID(quarter_row)(g, a, b, c, from, to);
#endif
}

/* ---- sums along both operands -------------------------------------------------------------------------- */

/* The sums of a block of rows by columns, both known: wide vectors along k, then fours, then the last few. */
KS__LOCAL void KS__ID(dots_part)(int rows, int columns, int64_t k, const KS__T *a, int64_t as, const KS__T *b, int64_t bs, KS__T *c,
                                 int64_t cs, bool add)
{
    KS__ID(wide) sum[4][2];
    KS__ID(four) four[4][2];
    KS__T rest[4][2];
    int64_t p = 0;
    KS__EACH (i, 4)
        KS__EACH (j, columns)
            sum[i][j] = (KS__ID(wide)){0};
    for (; p + KS__WIDE <= k; p += KS__WIDE) {
        KS__EACH (i, rows)
            KS__EACH (j, columns)
                sum[i][j] += KS__GET(KS__ID(wide), a + i * as + p) * KS__GET(KS__ID(wide), b + j * bs + p);
    }
    KS__EACH (i, 4)
        KS__EACH (j, columns)
            four[i][j] = KS__ID(to_four)(sum[i][j]);
    for (; KS__WIDE > 4 && p + 4 <= k; p += 4) {
        KS__EACH (i, rows)
            KS__EACH (j, columns)
                four[i][j] += KS__GET(KS__ID(four), a + i * as + p) * KS__GET(KS__ID(four), b + j * bs + p);
    }
    KS__EACH (j, columns) {
        KS__ID(four) all = KS__ID(four_sums)(four[0][j], four[1][j], four[2][j], four[3][j]);
        KS__EACH (i, rows)
            rest[i][j] = all[i];
    }
    for (; p < k; p++) {
        KS__EACH (i, rows)
            KS__EACH (j, columns)
                rest[i][j] += a[i * as + p] * b[j * bs + p];
    }
    KS__EACH (i, rows)
        KS__EACH (j, columns)
            c[i * cs + j] = add ? c[i * cs + j] + rest[i][j] : rest[i][j];
}

/* All rows over some columns. */
#define KS__DOTS(COLUMNS)                                                                                                                  \
    KS__TARGET static void KS__ID(dots_##COLUMNS)(int64_t m, int64_t k, const KS__T *a, int64_t as, const KS__T *b, int64_t bs, KS__T *c,  \
                                                  int64_t cs, bool add)                                                                    \
    {                                                                                                                                      \
        int64_t i = 0;                                                                                                                     \
        for (; i + 4 <= m; i += 4)                                                                                                         \
            KS__ID(dots_part)(4, COLUMNS, k, a + i * as, as, b, bs, c + i * cs, cs, add);                                                  \
        for (; i < m; i++)                                                                                                                 \
            KS__ID(dots_part)(1, COLUMNS, k, a + i * as, as, b, bs, c + i * cs, cs, add);                                                  \
    }
KS__DOTS(1)
KS__DOTS(2)

KS__TARGET static void KS__ID(dots)(int64_t m, int64_t n, int64_t k, const void *a, int64_t as, const void *b, int64_t bs, void *c,
                                    int64_t cs, bool add)
{
    int64_t j = 0;
    for (; j + 2 <= n; j += 2)
        KS__ID(dots_2)(m, k, a, as, (const KS__T *)b + j * bs, bs, (KS__T *)c + j, cs, add);
    if (j < n)
        KS__ID(dots_1)(m, k, a, as, (const KS__T *)b + j * bs, bs, (KS__T *)c + j, cs, add);
}

/* ---- tiny products, all in all ------------------------------------------------------------------------- */

/* The columns in strips of the widest vectors that fit; the last may overlap. */
KS__TARGET static void KS__ID(tiny)(const ks__gemm *g, const void *va, const void *vb, void *vc)
{
    const KS__T *a = va, *b = vb;
    KS__T *c = vc;
    int64_t n = g->n;
    if (g->m == 1 && g->k >= 8 && !g->trans_a && n >= (KS__LANES < 4 ? KS__LANES : 4)) {
        KS__ID(row)(g, a, b, c, 0, n);
        return;
    }
    if (n >= KS__LANES) {
        int64_t j = 0;
        for (; n - j > 2 * KS__LANES; j += KS__LANES)
            KS__ID(full_strip)(g, 1, a, b + j, 0, c + j);
        KS__ID(full_strip)(g, n - j > KS__LANES ? 2 : 1, a, b + j, n - j - KS__LANES, c + j);
        return;
    }
#if KS__LANES >= 16
    if (n >= 8) {
        KS__ID(half_strip)(g, n > 8 ? 2 : 1, a, b, n - 8, c);
        return;
    }
#endif
#if KS__LANES >= 8
    if (n >= 4) {
        KS__ID(quarter_strip)(g, n > 4 ? 2 : 1, a, b, n - 4, c);
        return;
    }
#endif
    if (n == 1 && !g->trans_a && g->ldb == 1) {
        KS__ID(dots_1)(g->m, g->k, a, g->lda, b, 0, c, g->ldc, false);
        return;
    }
    for (int64_t j = 0; j < n; j += 2)
        KS__ID(one_strip)(g, n - j > 1 ? 2 : 1, a, b + j, 1, c + j);
}

/* ---- packing ------------------------------------------------------------------------------------------- */

KS__TARGET static void KS__ID(pack)(int64_t k, int64_t width, int64_t padded, const void *in, int64_t stride, bool across, void *out)
{
    KS__T *to = out;
    for (int64_t p = 0; p < k && width < padded; p++) /* whole vectors */
        KS__AT(KS__ID(full), to + (p + 1) * padded - KS__LANES) = (KS__ID(full)){0};
    if (across)
        KS__ID(turn)(k, width, in, stride, to, padded);
    else
        KS__ID(copy)(k, width, in, stride, to, padded);
}

KS__TARGET static void KS__ID(put)(int64_t m, int64_t n, const void *from, int64_t fs, bool across, void *c, int64_t cs, bool add)
{
    const KS__T *in = from;
    KS__T *out = c;
    int64_t down = across ? 1 : fs, right = across ? fs : 1;
    if (!across && !add) {
        KS__ID(copy)(m, n, in, fs, out, cs);
        return;
    }
    for (int64_t i = 0; i < m; i++) {
        for (int64_t j = 0; j < n; j++) {
            KS__T value = in[i * down + j * right];
            out[i * cs + j] = add ? out[i * cs + j] + value : value;
        }
    }
}

/* ---- the kit ------------------------------------------------------------------------------------------- */

static const ks__kit KS__ID(kit) = {
    .lanes = KS__LANES,
    .rows = KS__ROWS,
    .vectors = KS__VECTORS,
    .tile = {{{KS__NINE(KS__NAME_TILE, 0, 1)},
              {KS__EACH_ROW(KS__NAME_TILE, 0, 2)},
#if KS__VECTORS >= 3
              {KS__EACH_ROW(KS__NAME_TILE, 0, 3)}
#endif
             },
             {{KS__NINE(KS__NAME_TILE, 1, 1)},
              {KS__EACH_ROW(KS__NAME_TILE, 1, 2)},
#if KS__VECTORS >= 3
              {KS__EACH_ROW(KS__NAME_TILE, 1, 3)}
#endif
             }},
    .tiny = KS__ID(tiny),
    .row = KS__ID(row),
    .dots = KS__ID(dots),
    .pack = KS__ID(pack),
    .put = KS__ID(put),
};

#undef KS__LOCAL
#undef KS__VECTOR
#undef KS__AT
#undef KS__GET
#undef KS__TILE_BODY
#undef KS__DEFINE_TILE
#undef KS__NAME_TILE
#undef KS__SIX
#undef KS__NINE
#undef KS__EACH_ROW
#undef KS__STRIP
#undef KS__DOTS
#undef KS__ROW
#undef KS__WIDE
#undef KS__COPY
#undef KS__TURN
#undef KS__ID
#undef KS__TARGET
#undef KS__LANES
#undef KS__ROWS
#undef KS__VECTORS
