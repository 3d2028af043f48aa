/*
 * engine/kernels/fold.h - rows folded into one value each: sums, products and extremes. Pure loops, compiled for each instruction set.
 */
#ifndef KS_KERNELS_FOLD_H
#define KS_KERNELS_FOLD_H

#include <keisan/op.h>

#include "engine/kernels/isa.h"

typedef enum ks__fold_kind { KS__FOLD_SUM, KS__FOLD_PROD, KS__FOLD_MAX, KS__FOLD_MIN, KS__FOLDS } ks__fold_kind;

#define KS__FOLD_BLOCK     1024  /* elements of a row folded in lanes before blocks are combined pairwise */
#define KS__FOLD_UNIT      32768 /* elements of a row that one task folds; what longer rows leave is folded again */
#define KS__FOLD_ROWS      64    /* rows folded one into the other before these are combined pairwise */
#define KS__FOLD_COLUMNS   256   /* at most so many columns at once */
#define KS__FOLD_MOST_ROWS 4096

/* out[0] = fold of x[n]. A row of at most KS__FOLD_BLOCK is one block; longer ones combine their blocks as a binary counter carries. */
typedef void (*ks__fold_row_fn)(void *out, const void *x, int64_t n);
/* out[w] = fold of r rows of x [r, w] that begin `stride` elements apart. */
typedef void (*ks__fold_rows_fn)(void *out, const void *x, int64_t r, int64_t w, int64_t stride);

/* The loops for a dtype; NULL where there is none: sums and products of f32, f64, i32, i64; extremes of all. */
ks__fold_row_fn ks__fold_row(ks__fold_kind kind, ks_dtype dtype, int isa);
ks__fold_rows_fn ks__fold_rows(ks__fold_kind kind, ks_dtype dtype, int isa);

#define KS__FOLD_LANES 32

/* The same in parts: lanes[KS__FOLD_LANES], zero before a block, take in x[n], where n is a multiple of KS__FOLD_LANES in all parts of a
 * block but its last; and out[0] = the sum of lanes. Parts give the bits of the whole. f32 and f64. */
typedef void (*ks__fold_part_fn)(void *lanes, const void *x, int64_t n);
ks__fold_part_fn ks__fold_part(ks_dtype dtype, int isa);
void ks__fold_end(ks_dtype dtype, void *out, void *lanes);

/* out[0] = the sum of the blocks' sums [n], f32 or f64, combined as a row combines its blocks. The sums are used up. */
void ks__fold_blocks(ks_dtype dtype, void *out, void *sums, int64_t n);

#endif
