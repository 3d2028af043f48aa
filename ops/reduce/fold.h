/*
 * ops/reduce/fold.h - sums and maxima over axes, for any pattern of axes: the numeric part of ops/reduce/reduce.c.
 */
#ifndef KS_OPS_FOLD_H
#define KS_OPS_FOLD_H

#include "ops/family.h"
#include "engine/kernels/fold.h"

/* Folds x over the axes of the mask into out [the other axes]. With call NULL nothing is computed. The bytes of workspace that
 * it needs. The order of the additions is given by x's shape alone. */
size_t ks__fold(const ks_call *call, ks__fold_kind kind, const ks_tensor *x, unsigned mask, void *out, void *scratch);

#endif
