/*
 * ops/norm/rows.h - sums and moments of elements that lie together: the numeric part that all normalisations share.
 *
 * Elements are looked at in blocks that stay in L1. A block's moments take two passes, the mean and then the squares around it, so
 * nothing cancels; blocks are joined in double by the formula of Chan, Golub and LeVeque (1979). So a row is read once from memory, and
 * its bits depend on its length only. Include it where KS_TARGETS compiles what calls it.
 */
#ifndef KS_OPS_NORM_ROWS_H
#define KS_OPS_NORM_ROWS_H

#include "ops/family.h"
#include "engine/kernels/isa.h"

#define KS__NORM_BLOCK 1024 /* elements of a block */
#define KS__NORM_LANES 32

/* Of so many elements: their mean, and the sum of the squares around it. */
typedef struct ks__moments {
    double count, mean, squares;
} ks__moments;

static KS_INLINE void ks__join_moments(ks__moments *a, double count, double mean, double squares)
{
    double all = a->count + count, apart = mean - a->mean;
    if (all == 0)
        return;
    a->squares += squares + apart * apart * (a->count * count / all);
    a->mean += apart * (count / all);
    a->count = all;
}

/* sum = the sum of E for i in [0, n), E an expression in i. */
#define KS__NORM_SUM(TYPE, sum, n, E)                                                                                                      \
    do {                                                                                                                                   \
        TYPE lane[KS__NORM_LANES] = {0};                                                                                                   \
        int64_t at = 0;                                                                                                                    \
        for (; at + KS__NORM_LANES <= (n); at += KS__NORM_LANES)                                                                           \
            for (int l = 0; l < KS__NORM_LANES; l++) {                                                                                     \
                const int64_t i = at + l;                                                                                                  \
                lane[l] += (E);                                                                                                            \
            }                                                                                                                              \
        for (int w = KS__NORM_LANES / 2; w; w /= 2)                                                                                        \
            for (int l = 0; l < w; l++)                                                                                                    \
                lane[l] += lane[l + w];                                                                                                    \
        (sum) = lane[0];                                                                                                                   \
        for (int64_t i = at; i < (n); i++)                                                                                                 \
            (sum) += (E);                                                                                                                  \
    } while (0)

#define KS__DEFINE_NORM(S, TYPE)                                                                                                           \
    /* Joins the moments of n elements to m. */                                                                                            \
    static KS_INLINE void ks__norm_moments_##S(ks__moments *m, const TYPE *x, int64_t n)                                                   \
    {                                                                                                                                      \
        for (int64_t first = 0; first < n; first += KS__NORM_BLOCK) {                                                                      \
            const int64_t some = n - first < KS__NORM_BLOCK ? n - first : KS__NORM_BLOCK;                                                  \
            const TYPE *b = x + first;                                                                                                     \
            TYPE sum, squares;                                                                                                             \
            KS__NORM_SUM(TYPE, sum, some, b[i]);                                                                                           \
            const TYPE mean = sum / (TYPE)some;                                                                                            \
            KS__NORM_SUM(TYPE, squares, some, (b[i] - mean) * (b[i] - mean));                                                              \
            ks__join_moments(m, (double)some, (double)mean, (double)squares);                                                              \
        }                                                                                                                                  \
    }                                                                                                                                      \
    /* The sum of the squares of n elements. */                                                                                            \
    static KS_INLINE double ks__norm_squares_##S(const TYPE *x, int64_t n)                                                                 \
    {                                                                                                                                      \
        double all = 0;                                                                                                                    \
        for (int64_t first = 0; first < n; first += KS__NORM_BLOCK) {                                                                      \
            const int64_t some = n - first < KS__NORM_BLOCK ? n - first : KS__NORM_BLOCK;                                                  \
            const TYPE *b = x + first;                                                                                                     \
            TYPE squares;                                                                                                                  \
            KS__NORM_SUM(TYPE, squares, some, b[i] * b[i]);                                                                                \
            all += (double)squares;                                                                                                        \
        }                                                                                                                                  \
        return all;                                                                                                                        \
    }                                                                                                                                      \
    /* Adds the sums of u and of u (x - mean), for n elements, to both[0] and both[1]. */                                                  \
    static KS_INLINE void ks__norm_sums_##S(double both[2], const TYPE *u, const TYPE *x, TYPE mean, int64_t n)                            \
    {                                                                                                                                      \
        for (int64_t first = 0; first < n; first += KS__NORM_BLOCK) {                                                                      \
            const int64_t some = n - first < KS__NORM_BLOCK ? n - first : KS__NORM_BLOCK;                                                  \
            const TYPE *b = x + first, *v = u + first;                                                                                     \
            TYPE sum, product;                                                                                                             \
            KS__NORM_SUM(TYPE, sum, some, v[i]);                                                                                           \
            KS__NORM_SUM(TYPE, product, some, v[i] * (b[i] - mean));                                                                       \
            both[0] += (double)sum;                                                                                                        \
            both[1] += (double)product;                                                                                                    \
        }                                                                                                                                  \
    }

KS__DEFINE_NORM(f32, float)
KS__DEFINE_NORM(f64, double)

#endif
