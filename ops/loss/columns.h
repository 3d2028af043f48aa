/*
 * ops/loss/columns.h - exp(x - greatest) column by column: what rows.h is for rows that lie together, for rows beside each other.
 *
 * The step from one element of a column to the next is a whole row, so loops go along the rows. Columns that fit L2 are done whole, in
 * three passes with one exp. Tall ones are cut into parts, so that threads share them and each part is read from memory once: a part is
 * folded to its greatest and its sum, these are put together, and then each element takes its share. Sums go straight down and are in
 * double. A NaN, +inf, or -inf alone, makes a column's sum NaN, as it does a row's.
 */
#ifndef KS_OPS_COLUMNS_H
#define KS_OPS_COLUMNS_H

#include "engine/kernels/vmath.h"
#include "ops/family.h"

#define KS__COLUMNS 1024 /* the most that are walked together */
#define KS__NARROW  32   /* rows of fewer columns are walked several at a time */

/*
 * The columns at hand: n rows of w, `stride` apart. Rows too narrow for vectors lie together, so `fold` of them are taken as one, and
 * `rest` elements follow the last: each column then stands `fold` times, w / fold apart.
 */
typedef struct ks__columns {
    int64_t n, w, stride, fold, rest;
} ks__columns;

static inline ks__columns ks__columns_of(int64_t n, int64_t w, int64_t stride)
{
    if (w >= KS__NARROW || w < stride)
        return (ks__columns){n, w, stride, 1, 0};
    int64_t fold = 2 * KS__NARROW / w < n ? 2 * KS__NARROW / w : n;
    return (ks__columns){n / fold, fold * w, fold * w, fold, n % fold * w};
}

#define KS__DEFINE_COLUMNS(S, TYPE, EXP, LOG)                                                                                              \
    /* g = the greatest of g and of n rows of x. */                                                                                        \
    static KS_INLINE void ks__columns_most_##S(TYPE *g, const TYPE *x, int64_t n, int64_t w, int64_t stride)                               \
    {                                                                                                                                      \
        for (int64_t i = 0; i < n; i++) {                                                                                                  \
            KS_LOOP                                                                                                                        \
            for (int64_t c = 0; c < w; c++)                                                                                                \
                g[c] = x[i * stride + c] > g[c] ? x[i * stride + c] : g[c];                                                                \
        }                                                                                                                                  \
    }                                                                                                                                      \
    /* sum += exp(x - g), which y gets too if it is kept, or x - g for the logarithm. Both flags are constants: a branch in the loop would \
       keep it from going by vectors. */                                                                                                   \
    static KS_INLINE void ks__columns_exp_##S(TYPE *y, double *sum, const TYPE *x, const TYPE *g, int64_t n, int64_t w, int64_t stride,    \
                                              const bool keep, const bool logs)                                                            \
    {                                                                                                                                      \
        for (int64_t i = 0; i < n; i++) {                                                                                                  \
            KS_LOOP                                                                                                                        \
            for (int64_t c = 0; c < w; c++) {                                                                                              \
                const TYPE d = x[i * stride + c] - g[c];                                                                                   \
                const TYPE e = EXP(d);                                                                                                     \
                if (keep)                                                                                                                  \
                    y[i * stride + c] = logs ? d : e;                                                                                      \
                sum[c] += (double)e;                                                                                                       \
            }                                                                                                                              \
        }                                                                                                                                  \
    }                                                                                                                                      \
    /* y = exp(x - g) / s, or x - g - s; if kept, from what ks__columns_exp left in y. */                                                  \
    static KS_INLINE void ks__columns_part_##S(TYPE *y, const TYPE *x, const TYPE *g, const TYPE *s, int64_t n, int64_t w, int64_t stride, \
                                               const bool keep, const bool logs)                                                           \
    {                                                                                                                                      \
        for (int64_t i = 0; i < n; i++) {                                                                                                  \
            KS_LOOP                                                                                                                        \
            for (int64_t c = 0; c < w; c++) {                                                                                              \
                const TYPE d = keep ? y[i * stride + c] : x[i * stride + c] - g[c];                                                        \
                y[i * stride + c] = logs ? d - s[c] : (keep ? d : EXP(d)) / s[c];                                                          \
            }                                                                                                                              \
        }                                                                                                                                  \
    }                                                                                                                                      \
    /* The greatest of each column, wherever it stands. */                                                                                 \
    static KS_INLINE void ks__columns_greatest_##S(TYPE *g, const TYPE *x, const ks__columns *a)                                           \
    {                                                                                                                                      \
        memcpy(g, x, (size_t)a->w * sizeof *g);                                                                                            \
        ks__columns_most_##S(g, x + a->stride, a->n - 1, a->w, a->stride);                                                                 \
        if (a->fold == 1)                                                                                                                  \
            return;                                                                                                                        \
        const int64_t own = a->w / a->fold;                                                                                                \
        ks__columns_most_##S(g, x + a->n * a->w, 1, a->rest, a->w);                                                                        \
        for (int64_t k = own; k < a->w; k += own)                                                                                          \
            ks__columns_most_##S(g, g + k, 1, own, own);                                                                                   \
        for (int64_t c = own; c < a->w; c++)                                                                                               \
            g[c] = g[c - own];                                                                                                             \
    }                                                                                                                                      \
    /* The sum of each column, wherever it stands. */                                                                                      \
    static KS_INLINE void ks__columns_sum_##S(TYPE *y, double *sum, const TYPE *x, const TYPE *g, const ks__columns *a, const bool keep,   \
                                              const bool logs)                                                                             \
    {                                                                                                                                      \
        memset(sum, 0, (size_t)a->w * sizeof *sum);                                                                                        \
        ks__columns_exp_##S(y, sum, x, g, a->n, a->w, a->stride, keep, logs);                                                              \
        if (a->fold == 1)                                                                                                                  \
            return;                                                                                                                        \
        const int64_t own = a->w / a->fold, done = a->n * a->w;                                                                            \
        ks__columns_exp_##S(keep ? y + done : y, sum, x + done, g, 1, a->rest, a->w, keep, logs);                                          \
        for (int64_t k = own; k < a->w; k += own) {                                                                                        \
            for (int64_t c = 0; c < own; c++)                                                                                              \
                sum[c] += sum[k + c];                                                                                                      \
        }                                                                                                                                  \
        for (int64_t c = own; c < a->w; c++)                                                                                               \
            sum[c] = sum[c - own];                                                                                                         \
    }                                                                                                                                      \
    /* y from g and the sums: the columns' shares. */                                                                                      \
    static KS_INLINE void ks__columns_parts_##S(TYPE *y, const TYPE *x, const TYPE *g, const double *sum, const ks__columns *a,            \
                                                const bool keep, const bool logs)                                                          \
    {                                                                                                                                      \
        TYPE s[KS__COLUMNS];                                                                                                               \
        KS_LOOP                                                                                                                            \
        for (int64_t c = 0; c < a->w; c++) {                                                                                               \
            const TYPE total = (TYPE)sum[c];                                                                                               \
            s[c] = logs ? LOG(total) : total;                                                                                              \
        }                                                                                                                                  \
        const int64_t done = a->n * a->w;                                                                                                  \
        ks__columns_part_##S(y, x, g, s, a->n, a->w, a->stride, keep, logs);                                                               \
        if (a->fold > 1)                                                                                                                   \
            ks__columns_part_##S(y + done, keep ? x : x + done, g, s, 1, a->rest, a->w, keep, logs);                                       \
    }                                                                                                                                      \
    /* y from x, columns done whole. */                                                                                                    \
    static KS_INLINE void ks__columns_all_##S(TYPE *y, const TYPE *x, const ks__columns *a, const bool logs)                               \
    {                                                                                                                                      \
        TYPE g[KS__COLUMNS];                                                                                                               \
        double sum[KS__COLUMNS];                                                                                                           \
        ks__columns_greatest_##S(g, x, a);                                                                                                 \
        ks__columns_sum_##S(y, sum, x, g, a, true, logs);                                                                                  \
        ks__columns_parts_##S(y, x, g, sum, a, true, logs);                                                                                \
    }                                                                                                                                      \
    /* A part's greatest and sum. -inf as greatest counts as 0: a part of -inf alone has the sum 0 and spoils no other. */                 \
    static KS_INLINE void ks__columns_fold_##S(TYPE *greatest, double *sums, const TYPE *x, const ks__columns *a)                          \
    {                                                                                                                                      \
        TYPE g[KS__COLUMNS];                                                                                                               \
        double sum[KS__COLUMNS];                                                                                                           \
        const size_t own = (size_t)(a->w / a->fold);                                                                                       \
        ks__columns_greatest_##S(g, x, a);                                                                                                 \
        memcpy(greatest, g, own * sizeof *g);                                                                                              \
        for (int64_t c = 0; c < a->w; c++)                                                                                                 \
            g[c] = g[c] == -(TYPE)INFINITY ? 0 : g[c];                                                                                     \
        ks__columns_sum_##S(NULL, sum, x, g, a, false, false);                                                                             \
        memcpy(sums, sum, own * sizeof *sum);                                                                                              \
    }                                                                                                                                      \
    /* The first of the parts, whose results are `stride` apart, becomes all of them together. */                                          \
    static KS_INLINE void ks__columns_join_##S(TYPE *g, double *sum, int64_t parts, int64_t w, int64_t stride)                             \
    {                                                                                                                                      \
        TYPE most[KS__COLUMNS];                                                                                                            \
        double total[KS__COLUMNS];                                                                                                         \
        memcpy(most, g, (size_t)w * sizeof *g);                                                                                            \
        ks__columns_most_##S(most, g + stride, parts - 1, w, stride);                                                                      \
        memset(total, 0, (size_t)w * sizeof *total);                                                                                       \
        for (int64_t p = 0; p < parts; p++) {                                                                                              \
            KS_LOOP                                                                                                                        \
            for (int64_t c = 0; c < w; c++) {                                                                                              \
                const TYPE d = g[p * stride + c] - most[c];                                                                                \
                total[c] += sum[p * stride + c] * (double)EXP(d);                                                                          \
            }                                                                                                                              \
        }                                                                                                                                  \
        memcpy(g, most, (size_t)w * sizeof *g);                                                                                            \
        memcpy(sum, total, (size_t)w * sizeof *sum);                                                                                       \
    }                                                                                                                                      \
    /* A part's y from its columns' greatest and sum. */                                                                                   \
    static KS_INLINE void ks__columns_share_##S(TYPE *y, const TYPE *x, const TYPE *greatest, const double *sums, const ks__columns *a,    \
                                                const bool logs)                                                                           \
    {                                                                                                                                      \
        TYPE g[KS__COLUMNS];                                                                                                               \
        double sum[KS__COLUMNS];                                                                                                           \
        for (int64_t k = 0, own = a->w / a->fold; k < a->w; k += own) {                                                                    \
            memcpy(g + k, greatest, (size_t)own * sizeof *g);                                                                              \
            memcpy(sum + k, sums, (size_t)own * sizeof *sum);                                                                              \
        }                                                                                                                                  \
        ks__columns_parts_##S(y, x, g, sum, a, false, logs);                                                                               \
    }

KS__DEFINE_COLUMNS(f32, float, ks__exp_f, ks__log_f)
KS__DEFINE_COLUMNS(f64, double, ks__exp_d, ks__log_d)

#endif
