/*
 * ops/linalg/factor.h - factors of one matrix and solutions with triangular ones, in place, for f32 and f64.
 *
 * Matrices are row-major. Small ones are plain loops, compiled for every instruction set. Large ones are cut into blocks of KS__BLOCK rows,
 * so that nearly all work is matrix products of the engine's kernels. Which it is depends on the sizes alone, and with it the bits.
 */
#ifndef KS_OPS_LINALG_FACTOR_H
#define KS_OPS_LINALG_FACTOR_H

#include "ops/family.h"

#define KS__BLOCK 64

/*
 * With what a matrix is worked at. A dry pass touches no data and finds in `need` how many bytes of `scratch` the same calls will want.
 */
typedef struct ks__bench {
    ks_dtype dtype;
    int isa;
    bool dry;
    size_t need;
    char *scratch;                   /* aligned to 64 */
    ks_parallel_for_fn parallel_for; /* of the products; NULL: all on this thread */
    void *user;
} ks__bench;

/* a = l lᵀ: the lower triangle of a [n, n] becomes l's. 0, or the order of the first leading minor that is not positive. */
int64_t ks__cholesky(ks__bench *bench, void *a, int64_t n);

/*
 * Rows exchanged, a = l u: a [n, n] becomes u above and l, whose diagonal of ones is not kept, below. pivot[i] is the row with which row
 * i was exchanged at its turn. 0, or the number of the first pivot that is zero (from 1).
 */
int64_t ks__lu(ks__bench *bench, void *a, int64_t *pivot, int64_t n);

/* A triangular matrix: which half of `a` it is, read turned or not, and whether ones stand for its diagonal. */
typedef struct ks__triangle {
    const void *a;
    int64_t n;
    bool lower, trans, unit; /* lower: as stored */
} ks__triangle;

/* op(a) x = b for b [n, columns], rows `ld` elements apart: x takes b's place. */
void ks__triangular_solve(ks__bench *bench, const ks__triangle *t, void *b, int64_t ld, int64_t columns);

/* ---- loops (ops/linalg/loops.c) ------------------------------------------------------------------------ */

/* What a block is made of, by dtype and instruction set. ld*: elements from row to row. */
typedef struct ks__loops {
    int64_t (*cholesky)(void *a, int64_t ld, int64_t n);
    /* x lᵀ = b, row by row, for the lower l [n, n] */
    void (*right)(void *b, int64_t ldb, int64_t rows, const void *l, int64_t ldl, int64_t n);
    int64_t (*lu)(void *a, int64_t ld, int64_t rows, int64_t columns, int64_t *pivot);
    /* op(a) x = b for a block of n rows; `forward`: from the first row to the last */
    void (*left)(const void *a, int64_t step_row, int64_t step_column, bool forward, bool unit, int64_t n, void *b, int64_t ldb,
                 int64_t columns);
    void (*subtract)(void *c, int64_t ldc, const void *x, int64_t rows, int64_t columns);
} ks__loops;

const ks__loops *ks__loops_of(ks_dtype dtype, int isa);

#endif
