/*
 * engine/kernels/gemm_lanes.h - vectors for loops over products, for one dtype and one instruction set: their types, sums across their
 * lanes, copies of short rows, and turned blocks. Included once for each by what is included so itself (gemm_tile.h, conv_tile.h), which
 * defines KS__T, KS__TARGET, KS__ID and KS__LANES before and undefines what is defined here.
 *
 * Functions carry the target themselves: a vector type wider than the file's instruction set is taken apart where it does not.
 */

#define KS__LOCAL KS__TARGET static KS_INLINE

/* A vector of `lanes` elements, at any address. */
#define KS__VECTOR(NAME, LANES)                                                                                                            \
    typedef KS__T KS__ID(NAME) __attribute__((vector_size(LANES * sizeof(KS__T)), aligned(sizeof(KS__T)), may_alias));
KS__VECTOR(full, KS__LANES)
typedef KS__T KS__ID(one);
#if KS__LANES >= 16
KS__VECTOR(half, 8)
#endif
#if KS__LANES >= 8
KS__VECTOR(quarter, 4)
#endif

#define KS__AT(VEC, P)  (*(VEC *)(P))
#define KS__GET(VEC, P) (*(const VEC *)(P))

/* ---- sums across lanes --------------------------------------------------------------------------------- */

typedef KS__T KS__ID(four) __attribute__((vector_size(4 * sizeof(KS__T)), aligned(sizeof(KS__T)), may_alias));
#if KS__LANES >= 8
typedef KS__ID(full) KS__ID(wide);
#define KS__WIDE KS__LANES
#else
typedef KS__ID(four) KS__ID(wide);
#define KS__WIDE 4
#endif

/* A wide vector's lanes added up until four are left. */
KS__LOCAL KS__ID(four) KS__ID(to_four)(KS__ID(wide) x)
{
#if KS__LANES >= 16
    KS__ID(half) h = __builtin_shufflevector(x, x, 0, 1, 2, 3, 4, 5, 6, 7) + __builtin_shufflevector(x, x, 8, 9, 10, 11, 12, 13, 14, 15);
    return __builtin_shufflevector(h, h, 0, 1, 2, 3) + __builtin_shufflevector(h, h, 4, 5, 6, 7);
#elif KS__LANES >= 8
    return __builtin_shufflevector(x, x, 0, 1, 2, 3) + __builtin_shufflevector(x, x, 4, 5, 6, 7);
#else
    return x;
#endif
}

/* The sums of four vectors, each (x0 + x2) + (x1 + x3). */
KS__LOCAL KS__ID(four) KS__ID(four_sums)(KS__ID(four) a, KS__ID(four) b, KS__ID(four) c, KS__ID(four) d)
{
    KS__ID(four) x = __builtin_shufflevector(a, b, 0, 4, 1, 5) + __builtin_shufflevector(a, b, 2, 6, 3, 7);
    KS__ID(four) y = __builtin_shufflevector(c, d, 0, 4, 1, 5) + __builtin_shufflevector(c, d, 2, 6, 3, 7);
    return __builtin_shufflevector(x, y, 0, 1, 4, 5) + __builtin_shufflevector(x, y, 2, 3, 6, 7);
}

/* ---- copies -------------------------------------------------------------------------------------------- */

/* Copies rows of `width` elements by the widest vectors that fit, the last of which may overlap. */
#define KS__COPY(VEC, LANES)                                                                                                               \
    for (int64_t p = 0; p < k; p++) {                                                                                                      \
        const KS__T *in = from + p * stride;                                                                                               \
        KS__T *out = to + p * padded;                                                                                                      \
        for (int64_t j = 0; j < width - LANES; j += LANES)                                                                                 \
            KS__AT(VEC, out + j) = KS__GET(VEC, in + j);                                                                                   \
        KS__AT(VEC, out + width - LANES) = KS__GET(VEC, in + width - LANES);                                                               \
    }

KS__TARGET static void KS__ID(copy)(int64_t k, int64_t width, const KS__T *from, int64_t stride, KS__T *to, int64_t padded)
{
    if (width >= KS__LANES) {
        KS__COPY(KS__ID(full), KS__LANES)
#if KS__LANES >= 16
    } else if (width >= 8) {
        KS__COPY(KS__ID(half), 8)
#endif
#if KS__LANES >= 8
    } else if (width >= 4) {
        KS__COPY(KS__ID(quarter), 4)
#endif
    } else {
        KS__COPY(KS__ID(one), 1)
    }
}

/* ---- turning ------------------------------------------------------------------------------------------- */

/* to [4, 4] = from [4, 4] turned */
KS__LOCAL void KS__ID(turn_four)(const KS__T *from, int64_t stride, KS__T *to, int64_t padded)
{
    typedef KS__ID(four) four;
    four r0 = KS__GET(four, from), r1 = KS__GET(four, from + stride);
    four r2 = KS__GET(four, from + 2 * stride), r3 = KS__GET(four, from + 3 * stride);
    four x0 = __builtin_shufflevector(r0, r1, 0, 4, 1, 5), x1 = __builtin_shufflevector(r0, r1, 2, 6, 3, 7);
    four y0 = __builtin_shufflevector(r2, r3, 0, 4, 1, 5), y1 = __builtin_shufflevector(r2, r3, 2, 6, 3, 7);
    KS__AT(four, to) = __builtin_shufflevector(x0, y0, 0, 1, 4, 5);
    KS__AT(four, to + padded) = __builtin_shufflevector(x0, y0, 2, 3, 6, 7);
    KS__AT(four, to + 2 * padded) = __builtin_shufflevector(x1, y1, 0, 1, 4, 5);
    KS__AT(four, to + 3 * padded) = __builtin_shufflevector(x1, y1, 2, 3, 6, 7);
}

#if KS__LANES >= 8
KS__VECTOR(eight, 8)

/* Four columns and four others of to [8, 8], which come from rows of pairs: x and y of the upper four rows, z and w of the lower. */
KS__LOCAL void KS__ID(put_turned)(KS__ID(eight) x, KS__ID(eight) y, KS__ID(eight) z, KS__ID(eight) w, KS__T *to, int64_t padded)
{
    typedef KS__ID(eight) eight;
    eight a = __builtin_shufflevector(x, y, 0, 1, 8, 9, 4, 5, 12, 13), b = __builtin_shufflevector(x, y, 2, 3, 10, 11, 6, 7, 14, 15);
    eight c = __builtin_shufflevector(z, w, 0, 1, 8, 9, 4, 5, 12, 13), d = __builtin_shufflevector(z, w, 2, 3, 10, 11, 6, 7, 14, 15);
    KS__AT(eight, to) = __builtin_shufflevector(a, c, 0, 1, 2, 3, 8, 9, 10, 11);
    KS__AT(eight, to + padded) = __builtin_shufflevector(b, d, 0, 1, 2, 3, 8, 9, 10, 11);
    KS__AT(eight, to + 4 * padded) = __builtin_shufflevector(a, c, 4, 5, 6, 7, 12, 13, 14, 15);
    KS__AT(eight, to + 5 * padded) = __builtin_shufflevector(b, d, 4, 5, 6, 7, 12, 13, 14, 15);
}

/* to [8, 8] = from [8, 8] turned */
KS__LOCAL void KS__ID(turn_eight)(const KS__T *from, int64_t stride, KS__T *to, int64_t padded)
{
    KS__ID(eight) row[8], low[4], high[4];
    KS__EACH (i, 8)
        row[i] = KS__GET(KS__ID(eight), from + i * stride);
    KS__EACH (i, 4) {
        low[i] = __builtin_shufflevector(row[2 * i], row[2 * i + 1], 0, 8, 1, 9, 4, 12, 5, 13);
        high[i] = __builtin_shufflevector(row[2 * i], row[2 * i + 1], 2, 10, 3, 11, 6, 14, 7, 15);
    }
    KS__ID(put_turned)(low[0], low[1], low[2], low[3], to, padded);
    KS__ID(put_turned)(high[0], high[1], high[2], high[3], to + 2 * padded, padded);
}
#endif

/* Squares, the last of which overlap. */
#define KS__TURN(SQUARE, SIZE)                                                                                                             \
    for (int64_t j = 0; j < width; j += SIZE) {                                                                                            \
        int64_t column = j < width - SIZE ? j : width - SIZE;                                                                              \
        for (int64_t p = 0; p < k - SIZE; p += SIZE)                                                                                       \
            KS__ID(SQUARE)(from + column * stride + p, stride, to + p * padded + column, padded);                                          \
        KS__ID(SQUARE)(from + column * stride + k - SIZE, stride, to + (k - SIZE) * padded + column, padded);                              \
    }

/* to [k, width] = from [width, k] turned */
KS__TARGET static void KS__ID(turn)(int64_t k, int64_t width, const KS__T *from, int64_t stride, KS__T *to, int64_t padded)
{
    if (k < 4 || width < 4) {
        for (int64_t j = 0; j < width; j++) {
            for (int64_t p = 0; p < k; p++)
                to[p * padded + j] = from[j * stride + p];
        }
        return;
    }
#if KS__LANES >= 8
    if (k >= 8 && width >= 8) {
        KS__TURN(turn_eight, 8)
        return;
    }
#endif
    KS__TURN(turn_four, 4)
}
