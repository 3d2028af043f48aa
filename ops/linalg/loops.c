/*
 * ops/linalg/loops.c - what blocks of factors are made of: plain loops along rows, for every dtype and instruction set.
 */
#include "ops/linalg/factor.h"
#include "engine/kernels/isa.h"

#include <math.h>

#define LANES 8 /* of a sum of products: it goes by vectors, in an order of its own */

#define DEFINE_DOT(S, TYPE)                                                                                                                \
    static KS_INLINE TYPE dot_##S(const TYPE *a, const TYPE *b, int64_t n)                                                                 \
    {                                                                                                                                      \
        TYPE lane[LANES] = {0}, rest = 0;                                                                                                  \
        int64_t i = 0;                                                                                                                     \
        for (; i + LANES <= n; i += LANES) {                                                                                               \
            for (int k = 0; k < LANES; k++)                                                                                                \
                lane[k] += a[i + k] * b[i + k];                                                                                            \
        }                                                                                                                                  \
        for (; i < n; i++)                                                                                                                 \
            rest += a[i] * b[i];                                                                                                           \
        return ((lane[0] + lane[4]) + (lane[1] + lane[5])) + ((lane[2] + lane[6]) + (lane[3] + lane[7])) + rest;                           \
    }

/* Column by column: what a column gives the rows below it is taken off at once, from a copy whose elements lie side by side. */
#define DEFINE_CHOLESKY(S, TYPE, SQRT)                                                                                                     \
    static KS_INLINE int64_t cholesky_##S##_body(void *data, int64_t ld, int64_t n)                                                        \
    {                                                                                                                                      \
        TYPE column[KS__BLOCK];                                                                                                            \
        for (int64_t k = 0; k < n; k++) {                                                                                                  \
            TYPE *own = (TYPE *)data + k * ld + k;                                                                                         \
            if (!(*own > 0))                                                                                                               \
                return k + 1;                                                                                                              \
            *own = SQRT(*own);                                                                                                             \
            for (int64_t i = k + 1; i < n; i++)                                                                                            \
                column[i] = own[(i - k) * ld] /= *own;                                                                                     \
            for (int64_t i = k + 1; i < n; i++) {                                                                                          \
                TYPE *row = (TYPE *)data + i * ld, factor = column[i];                                                                     \
                KS_LOOP for (int64_t j = k + 1; j <= i; j++) row[j] -= factor * column[j];                                                 \
            }                                                                                                                              \
        }                                                                                                                                  \
        return 0;                                                                                                                          \
    }                                                                                                                                      \
    KS_TARGETS_RETURN(int64_t, cholesky_##S, (void *data, int64_t ld, int64_t n), (data, ld, n))                                           \
    static KS_INLINE void right_##S##_body(void *b, int64_t ldb, int64_t rows, const void *l, int64_t ldl, int64_t n)                      \
    {                                                                                                                                      \
        for (int64_t i = 0; i < rows; i++) {                                                                                               \
            TYPE *row = (TYPE *)b + i * ldb;                                                                                               \
            for (int64_t j = 0; j < n; j++) {                                                                                              \
                const TYPE *other = (const TYPE *)l + j * ldl;                                                                             \
                row[j] = (row[j] - dot_##S(row, other, j)) / other[j];                                                                     \
            }                                                                                                                              \
        }                                                                                                                                  \
    }                                                                                                                                      \
    KS_TARGETS(void, right_##S, (void *b, int64_t ldb, int64_t rows, const void *l, int64_t ldl, int64_t n), (b, ldb, rows, l, ldl, n))

/* The greatest of a column leads; a column of zeros stays. */
#define DEFINE_LU(S, TYPE, FABS)                                                                                                           \
    static KS_INLINE int64_t leader_##S(const TYPE *a, int64_t ld, int64_t rows, int64_t c)                                                \
    {                                                                                                                                      \
        int64_t best = c;                                                                                                                  \
        for (int64_t i = c + 1; i < rows; i++)                                                                                             \
            best = FABS(a[i * ld + c]) > FABS(a[best * ld + c]) ? i : best;                                                                \
        return best;                                                                                                                       \
    }                                                                                                                                      \
    static KS_INLINE int64_t lu_##S##_body(void *data, int64_t ld, int64_t rows, int64_t columns, int64_t *pivot)                          \
    {                                                                                                                                      \
        TYPE *a = data;                                                                                                                    \
        int64_t zero = 0;                                                                                                                  \
        for (int64_t c = 0; c < columns; c++) {                                                                                            \
            TYPE *top = a + c * ld, *lead = a + (pivot[c] = leader_##S(a, ld, rows, c)) * ld;                                              \
            for (int64_t k = 0; lead != top && k < columns; k++) {                                                                         \
                TYPE held = top[k];                                                                                                        \
                top[k] = lead[k];                                                                                                          \
                lead[k] = held;                                                                                                            \
            }                                                                                                                              \
            if (top[c] == 0) {                                                                                                             \
                zero = zero ? zero : c + 1;                                                                                                \
                continue;                                                                                                                  \
            }                                                                                                                              \
            for (int64_t i = c + 1; i < rows; i++) {                                                                                       \
                TYPE *row = a + i * ld, factor = row[c] /= top[c];                                                                         \
                KS_LOOP for (int64_t k = c + 1; k < columns; k++) row[k] -= factor * top[k];                                               \
            }                                                                                                                              \
        }                                                                                                                                  \
        return zero;                                                                                                                       \
    }                                                                                                                                      \
    KS_TARGETS_RETURN(int64_t, lu_##S, (void *data, int64_t ld, int64_t rows, int64_t columns, int64_t *pivot),                            \
                      (data, ld, rows, columns, pivot))

/* Many columns: whole rows are taken off. One column: sums of products, where the matrix's rows lie side by side. */
#define DEFINE_LEFT(S, TYPE)                                                                                                               \
    static KS_INLINE void left_##S##_body(const void *data, int64_t step_row, int64_t step_column, bool forward, bool unit, int64_t n,     \
                                          void *b, int64_t ldb, int64_t columns)                                                           \
    {                                                                                                                                      \
        const TYPE *a = data;                                                                                                              \
        for (int64_t s = 0; s < n; s++) {                                                                                                  \
            int64_t i = forward ? s : n - 1 - s, first = forward ? 0 : i + 1, last = forward ? i : n;                                      \
            TYPE *row = (TYPE *)b + i * ldb;                                                                                               \
            if (columns == 1 && ldb == 1 && step_column == 1) {                                                                            \
                row[0] -= dot_##S(a + i * step_row + first, (const TYPE *)b + first, last - first);                                        \
            } else {                                                                                                                       \
                for (int64_t j = first; j < last; j++) {                                                                                   \
                    const TYPE *other = (const TYPE *)b + j * ldb, factor = a[i * step_row + j * step_column];                             \
                    KS_LOOP for (int64_t k = 0; k < columns; k++) row[k] -= factor * other[k];                                             \
                }                                                                                                                          \
            }                                                                                                                              \
            TYPE own = a[i * (step_row + step_column)];                                                                                    \
            for (int64_t k = 0; !unit && k < columns; k++)                                                                                 \
                row[k] /= own;                                                                                                             \
        }                                                                                                                                  \
    }                                                                                                                                      \
    KS_TARGETS(void, left_##S,                                                                                                             \
               (const void *data, int64_t step_row, int64_t step_column, bool forward, bool unit, int64_t n, void *b, int64_t ldb,         \
                int64_t columns),                                                                                                          \
               (data, step_row, step_column, forward, unit, n, b, ldb, columns))                                                           \
    static KS_INLINE void subtract_##S##_body(void *c, int64_t ldc, const void *x, int64_t rows, int64_t columns)                          \
    {                                                                                                                                      \
        for (int64_t i = 0; i < rows; i++) {                                                                                               \
            TYPE *to = (TYPE *)c + i * ldc;                                                                                                \
            const TYPE *off = (const TYPE *)x + i * columns;                                                                               \
            KS_LOOP for (int64_t k = 0; k < columns; k++) to[k] -= off[k];                                                                 \
        }                                                                                                                                  \
    }                                                                                                                                      \
    KS_TARGETS(void, subtract_##S, (void *c, int64_t ldc, const void *x, int64_t rows, int64_t columns), (c, ldc, x, rows, columns))

#define DEFINE_ALL(S, TYPE, SQRT, FABS)                                                                                                    \
    DEFINE_DOT(S, TYPE)                                                                                                                    \
    DEFINE_CHOLESKY(S, TYPE, SQRT)                                                                                                         \
    DEFINE_LU(S, TYPE, FABS)                                                                                                               \
    DEFINE_LEFT(S, TYPE)

DEFINE_ALL(f32, float, sqrtf, fabsf)
DEFINE_ALL(f64, double, sqrt, fabs)

#ifdef __x86_64__
#define ROW(S, ISA)                                                                                                                        \
    {                                                                                                                                      \
        cholesky_##S##_##ISA, right_##S##_##ISA, lu_##S##_##ISA, left_##S##_##ISA, subtract_##S##_##ISA                                    \
    }
#define ROWS(S)                                                                                                                            \
    {                                                                                                                                      \
        ROW(S, plain), ROW(S, v2), ROW(S, v3), ROW(S, v4)                                                                                  \
    }
#else
#define ROW(S)                                                                                                                             \
    {                                                                                                                                      \
        cholesky_##S##_plain, right_##S##_plain, lu_##S##_plain, left_##S##_plain, subtract_##S##_plain                                    \
    }
#define ROWS(S)                                                                                                                            \
    {                                                                                                                                      \
        ROW(S), ROW(S), ROW(S), ROW(S)                                                                                                     \
    }
#endif

const ks__loops *ks__loops_of(ks_dtype dtype, int isa)
{
    static const ks__loops f32[KS_ISAS] = ROWS(f32), f64[KS_ISAS] = ROWS(f64);
    return dtype == KS_F32 ? &f32[isa] : &f64[isa];
}
