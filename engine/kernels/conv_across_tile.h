/*
 * engine/kernels/conv_across_tile.h - the loops of convolutions whose vectors lie across channels, for one dtype and one instruction set.
 * Included by conv_tile.h, which says what is defined before.
 *
 * A tile is a few places by a few vectors of channels. What slides is read one element at a time, wherever it lies, and meets a vector of
 * the other operand: nothing need lie side by side but channels.
 */

/* ---- tiles: positions by channels ------------------------------------------------------------------------ */

KS__LOCAL void KS__ID(across_body)(int rows, int vectors, int64_t taps, const ks__across_tap *tap, const KS__T *w, const KS__T *in,
                                   const ks__across_place *place, KS__T *c)
{
    KS__ID(full) sum[KS__CONV_ROWS][KS__CONV_VECTORS];
    const KS__T *x[KS__CONV_ROWS];
    KS__EACH (i, rows) {
        x[i] = in + place[i].from;
        KS__EACH (v, vectors)
            sum[i][v] = (KS__ID(full)){0};
    }
    for (int64_t t = 0; t < taps; t++) {
        const KS__T *b = w + (int64_t)tap[t].w * (vectors * KS__LANES);
        int64_t at = tap[t].at;
        KS__ID(full) right[KS__CONV_VECTORS];
        KS__EACH (v, vectors)
            right[v] = KS__GET(KS__ID(full), b + v * KS__LANES);
        KS__EACH (i, rows)
            KS__EACH (v, vectors)
                sum[i][v] += x[i][at] * right[v];
    }
    KS__EACH (i, rows)
        KS__EACH (v, vectors)
            KS__AT(KS__ID(full), c + place[i].to + v * KS__LANES) = sum[i][v];
}

#define KS__DEFINE_ACROSS(V, R)                                                                                                            \
    KS__TARGET static void KS__ID(across_##V##_##R)(int64_t taps, const ks__across_tap *tap, const void *w, const void *in,                \
                                                    const ks__across_place *place, void *c)                                                \
    {                                                                                                                                      \
        KS__ID(across_body)(R, V, taps, tap, w, in, place, c);                                                                             \
    }
#define KS__NAME_ACROSS(V, R) KS__ID(across_##V##_##R),

/* ---- sums along the positions: channels of what slides by channels of y ------------------------------------ */

KS__LOCAL void KS__ID(sums_body)(int rows, int vectors, const ks__across_sum *s, const KS__T *x, const KS__T *u, KS__T *c)
{
    KS__ID(full) sum[KS__CONV_ROWS][KS__CONV_VECTORS];
    KS__EACH (i, rows)
        KS__EACH (v, vectors)
            sum[i][v] = KS__GET(KS__ID(full), c + i * s->c_row + v * KS__LANES);
    for (int64_t n = 0; n < s->images; n++) {
        for (int64_t r = 0; r < s->rows; r++) {
            const KS__T *in[KS__CONV_ROWS], *b = u + n * s->u_image + r * s->u_row;
            KS__EACH (i, rows)
                in[i] = x + n * s->x_image + r * s->x_row + i * s->x_channel;
            for (int64_t k = 0, at = 0; k < s->columns; k++, at += s->x_step, b += vectors * KS__LANES) {
                KS__ID(full) right[KS__CONV_VECTORS];
                KS__EACH (v, vectors)
                    right[v] = KS__GET(KS__ID(full), b + v * KS__LANES);
                KS__EACH (i, rows)
                    KS__EACH (v, vectors)
                        sum[i][v] += in[i][at] * right[v];
            }
        }
    }
    KS__EACH (i, rows)
        KS__EACH (v, vectors)
            KS__AT(KS__ID(full), c + i * s->c_row + v * KS__LANES) = sum[i][v];
}

#define KS__DEFINE_SUMS(V, R)                                                                                                              \
    KS__TARGET static void KS__ID(sums_##V##_##R)(const ks__across_sum *s, const void *x, const void *u, void *c)                          \
    {                                                                                                                                      \
        KS__ID(sums_body)(R, V, s, x, u, c);                                                                                               \
    }
#define KS__NAME_SUMS(V, R) KS__ID(sums_##V##_##R),

/* For all numbers of rows: up to nine of one vector, up to KS__ROWS of several. */
#define KS__UP_TO_SIX(DO, V)  DO(V, 1) DO(V, 2) DO(V, 3) DO(V, 4) DO(V, 5) DO(V, 6)
#define KS__UP_TO_NINE(DO, V) KS__UP_TO_SIX(DO, V) DO(V, 7) DO(V, 8) DO(V, 9)
#if KS__ROWS == 9
#define KS__UP_TO_ROWS KS__UP_TO_NINE
#else
#define KS__UP_TO_ROWS KS__UP_TO_SIX
#endif
KS__UP_TO_NINE(KS__DEFINE_ACROSS, 1)
KS__UP_TO_NINE(KS__DEFINE_SUMS, 1)
KS__UP_TO_ROWS(KS__DEFINE_ACROSS, 2)
KS__UP_TO_ROWS(KS__DEFINE_SUMS, 2)
#if KS__VECTORS >= 3
KS__UP_TO_ROWS(KS__DEFINE_ACROSS, 3)
KS__UP_TO_ROWS(KS__DEFINE_SUMS, 3)
#endif

/* ---- moving -------------------------------------------------------------------------------------------- */

/* to [n, width] = from [width, n] turned */
KS__TARGET static void KS__ID(turned)(int64_t n, int64_t width, const void *from, int64_t stride, void *to, int64_t to_stride)
{
    KS__ID(turn)(n, width, from, stride, to, to_stride);
}

/* to[i] += from[i] */
KS__TARGET static void KS__ID(add)(int64_t n, const void *from, void *to)
{
    const KS__T *in = from;
    KS__T *restrict out = to;
    for (int64_t i = 0; i < n; i++)
        out[i] += in[i];
}

static const ks__across_kit KS__ID(across_kit) = {
    .rows = {9, KS__ROWS, KS__VECTORS >= 3 ? KS__ROWS : 0},
    .tile =
        {
            {KS__UP_TO_NINE(KS__NAME_ACROSS, 1)},
            {KS__UP_TO_ROWS(KS__NAME_ACROSS, 2)},
#if KS__VECTORS >= 3
            {KS__UP_TO_ROWS(KS__NAME_ACROSS, 3)},
#endif
        },
    .sums =
        {
            {KS__UP_TO_NINE(KS__NAME_SUMS, 1)},
            {KS__UP_TO_ROWS(KS__NAME_SUMS, 2)},
#if KS__VECTORS >= 3
            {KS__UP_TO_ROWS(KS__NAME_SUMS, 3)},
#endif
        },
    .turn = KS__ID(turned),
    .add = KS__ID(add),
};

#undef KS__DEFINE_ACROSS
#undef KS__NAME_ACROSS
#undef KS__DEFINE_SUMS
#undef KS__NAME_SUMS
#undef KS__UP_TO_SIX
#undef KS__UP_TO_NINE
#undef KS__UP_TO_ROWS
