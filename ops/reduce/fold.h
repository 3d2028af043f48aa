/*
 * ops/reduce/fold.h - many values to one over any pattern of axes: the numeric part of ops/reduce.
 */
#ifndef KS_OPS_FOLD_H
#define KS_OPS_FOLD_H

#include "ops/family.h"
#include "engine/kernels/fold.h"

/* Folds x over the axes of the mask into out [the other axes]. With call NULL nothing is computed. The bytes of workspace that
 * it needs. The order of the operations is given by x's shape alone. */
size_t ks__fold(const ks_call *call, ks__fold_kind kind, const ks_tensor *x, unsigned mask, void *out, void *scratch);

/* What is summed of each d = x - centre. f32 and f64. */
typedef enum ks__about_kind { KS__ABOUT_ABS, KS__ABOUT_SQUARE, KS__ABOUT_EXP, KS__ABOUTS } ks__about_kind;

/* As ks__fold, the sums of |d|, d^2 or e^d; centre [the other axes], NULL: 0. x is read once and nothing of its size is written. */
size_t ks__fold_about(const ks_call *call, ks__about_kind kind, const ks_tensor *x, unsigned mask, const void *centre, void *out,
                      void *scratch);

/* out[0] = the sum over x[n], n at most KS__FOLD_UNIT, about centre[0]. */
typedef void (*ks__about_row_fn)(void *out, const void *x, const void *centre, int64_t n);
/* out[w] = the sums over r rows of x [r, w] that begin `stride` elements apart, about centre[w]; w at most KS__FOLD_COLUMNS. */
typedef void (*ks__about_rows_fn)(void *out, const void *x, const void *centre, int64_t r, int64_t w, int64_t stride);
ks__about_row_fn ks__about_row(ks__about_kind kind, ks_dtype dtype, int isa);
ks__about_rows_fn ks__about_rows(ks__about_kind kind, ks_dtype dtype, int isa);

#endif
