/*
 * ops/sequence/fold.h - the last axes folded into others, whatever stands before them.
 */
#ifndef KS_OPS_SEQUENCE_FOLD_H
#define KS_OPS_SEQUENCE_FOLD_H

#include "ops/family.h"

/* x with its last `axes` axes folded into those of `tail`, which are known and have as many elements; any others may be open. */
ks_node *ks__fold_last(ks_place at, ks_node *x, int axes, ks_shape tail);

/* The extent of an axis that counts from the end; negative: open. */
static inline int64_t ks__extent(const ks_node *x, int from_end)
{
    return x->dims->shape.dim[ks__rank(x) - from_end];
}

#endif
