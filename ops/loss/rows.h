/*
 * ops/loss/rows.h - exp(x - greatest) row by row: the numeric part that softmax and its losses share.
 *
 * The greatest is that of the data itself, so nothing overflows and the greatest element always counts. A NaN in a row makes its
 * sum NaN, and so does a row whose greatest is infinite: -inf - -inf is NaN. Rows of few elements are taken together, so that exp
 * walks one long stretch. Include it where KS_TARGETS compiles what calls it.
 */
#ifndef KS_OPS_ROWS_H
#define KS_OPS_ROWS_H

#include "engine/kernels/vmath.h"
#include "ops/family.h"

#define KS__ROWS_BLOCK 1024 /* elements that are looked at together */
#define KS__ROWS_LANES 32

/* How many rows of n are taken together; 1 when a row is a block or more. */
static inline int64_t ks__rows_together(int64_t n)
{
    return n < KS__ROWS_BLOCK ? KS__ROWS_BLOCK / (n > 0 ? n : 1) : 1;
}

/* As ks__rows_together, but so many that a task is worth its waking. */
static inline int64_t ks__rows_of_task(int64_t n)
{
    int64_t together = ks__rows_together(n), blocks = 8 * KS__ROWS_BLOCK / (together * (n > 0 ? n : 1));
    return together * (blocks > 0 ? blocks : 1);
}

#define KS__DEFINE_ROWS(S, TYPE, EXP)                                                                                                      \
    static KS_INLINE TYPE ks__row_greatest_##S(const TYPE *x, int64_t n)                                                                   \
    {                                                                                                                                      \
        TYPE lane[KS__ROWS_LANES], most = x[0];                                                                                            \
        int64_t i = 0;                                                                                                                     \
        if (n >= 2 * KS__ROWS_LANES) {                                                                                                     \
            for (int l = 0; l < KS__ROWS_LANES; l++)                                                                                       \
                lane[l] = x[l];                                                                                                            \
            for (i = KS__ROWS_LANES; i + KS__ROWS_LANES <= n; i += KS__ROWS_LANES)                                                         \
                for (int l = 0; l < KS__ROWS_LANES; l++)                                                                                   \
                    lane[l] = x[i + l] > lane[l] ? x[i + l] : lane[l];                                                                     \
            for (int l = 0; l < KS__ROWS_LANES; l++)                                                                                       \
                most = lane[l] > most ? lane[l] : most;                                                                                    \
        }                                                                                                                                  \
        for (; i < n; i++)                                                                                                                 \
            most = x[i] > most ? x[i] : most;                                                                                              \
        return most;                                                                                                                       \
    }                                                                                                                                      \
    /* The sum of n elements, at most a block. */                                                                                          \
    static KS_INLINE TYPE ks__row_sum_##S(const TYPE *x, int64_t n)                                                                        \
    {                                                                                                                                      \
        TYPE lane[KS__ROWS_LANES] = {0}, sum = 0;                                                                                          \
        int64_t i = 0;                                                                                                                     \
        if (n >= 2 * KS__ROWS_LANES) {                                                                                                     \
            for (; i + KS__ROWS_LANES <= n; i += KS__ROWS_LANES)                                                                           \
                for (int l = 0; l < KS__ROWS_LANES; l++)                                                                                   \
                    lane[l] += x[i + l];                                                                                                   \
            for (int w = KS__ROWS_LANES / 2; w; w /= 2)                                                                                    \
                for (int l = 0; l < w; l++)                                                                                                \
                    lane[l] += lane[l + w];                                                                                                \
            sum = lane[0];                                                                                                                 \
        }                                                                                                                                  \
        for (; i < n; i++)                                                                                                                 \
            sum += x[i];                                                                                                                   \
        return sum;                                                                                                                        \
    }                                                                                                                                      \
    /* e[n] = exp(x[n] - most) for at most a block; their sum. */                                                                          \
    static KS_INLINE TYPE ks__row_exp_##S(TYPE *e, const TYPE *x, int64_t n, TYPE most)                                                    \
    {                                                                                                                                      \
        KS_LOOP                                                                                                                            \
        for (int64_t i = 0; i < n; i++) {                                                                                                  \
            const TYPE d = x[i] - most;                                                                                                    \
            e[i] = EXP(d);                                                                                                                 \
        }                                                                                                                                  \
        return ks__row_sum_##S(e, n);                                                                                                      \
    }                                                                                                                                      \
    /* e = exp(x - greatest of its row), greatest[rows] and sum[rows], for rows of n that fit in a block together. */                      \
    static KS_INLINE void ks__rows_exp_##S(TYPE *e, TYPE *greatest, TYPE *sum, const TYPE *x, int64_t rows, int64_t n)                     \
    {                                                                                                                                      \
        for (int64_t r = 0; r < rows; r++) {                                                                                               \
            greatest[r] = ks__row_greatest_##S(x + r * n, n);                                                                              \
            KS_LOOP                                                                                                                        \
            for (int64_t i = 0; i < n; i++)                                                                                                \
                e[r * n + i] = x[r * n + i] - greatest[r];                                                                                 \
        }                                                                                                                                  \
        KS_LOOP                                                                                                                            \
        for (int64_t i = 0; i < rows * n; i++) {                                                                                           \
            const TYPE d = e[i];                                                                                                           \
            e[i] = EXP(d);                                                                                                                 \
        }                                                                                                                                  \
        for (int64_t r = 0; r < rows; r++)                                                                                                 \
            sum[r] = ks__row_sum_##S(e + r * n, n);                                                                                        \
    }                                                                                                                                      \
    /* One row of any length: e[n] (NULL: not wanted), its greatest; the sum, of blocks in double. */                                      \
    static KS_INLINE TYPE ks__long_row_exp_##S(TYPE *e, TYPE *greatest, const TYPE *x, int64_t n)                                          \
    {                                                                                                                                      \
        TYPE block[KS__ROWS_BLOCK];                                                                                                        \
        double sum = 0;                                                                                                                    \
        *greatest = ks__row_greatest_##S(x, n);                                                                                            \
        for (int64_t i = 0; i < n; i += KS__ROWS_BLOCK)                                                                                    \
            sum += (double)ks__row_exp_##S(e ? e + i : block, x + i, n - i < KS__ROWS_BLOCK ? n - i : KS__ROWS_BLOCK, *greatest);          \
        return (TYPE)sum;                                                                                                                  \
    }

KS__DEFINE_ROWS(f32, float, ks__exp_f)
KS__DEFINE_ROWS(f64, double, ks__exp_d)

#endif
