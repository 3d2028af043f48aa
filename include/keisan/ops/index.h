/*
 * keisan/ops/index.h - tensors that name positions in others.
 */
#ifndef KEISAN_OPS_INDEX_H
#define KEISAN_OPS_INDEX_H

#include <keisan/op.h>

KS_BEGIN

#define ks_gather(x, indices, ...) ks_gather_at(KS_HERE, x, indices, __VA_ARGS__)
#define ks_one_hot(indices, depth, ...) ks_one_hot_at(KS_HERE, indices, depth, __VA_ARGS__)
KS_API ks_node *ks_gather_at(ks_place at, ks_node *x, ks_node *indices, int64_t axis); /* rows of x along the axis; negative indices count from the end */
KS_API ks_node *ks_one_hot_at(ks_place at, ks_node *indices, int64_t depth, ks_dtype dtype); /* [...] -> [..., depth] */

KS_END

#endif
