/*
 * keisan/ops/shape.h - the same elements in another shape or order, joined or cut.
 */
#ifndef KEISAN_OPS_SHAPE_H
#define KEISAN_OPS_SHAPE_H

#include <keisan/op.h>

KS_BEGIN

#define ks_sum_to(x, ...)  ks_sum_to_at(KS_HERE, x, __VA_ARGS__)
#define ks_expand(x, like, ...) ks_expand_at(KS_HERE, x, like, __VA_ARGS__)
KS_API ks_node *ks_sum_to_at(ks_place at, ks_node *x, ks_node *like); /* sums until x has like's shape: undoes a broadcast */
/* Broadcasts x to like's shape. With axes, x first gets dimensions of 1 there: undoes a reduction over these axes. */
KS_API ks_node *ks_expand_at(ks_place at, ks_node *x, ks_node *like, ks_ints axes);

#define ks_reshape(x, ...)   ks_reshape_at(KS_HERE, x, __VA_ARGS__)
#define ks_reshape_like(x, ...) ks_reshape_like_at(KS_HERE, x, __VA_ARGS__)
#define ks_transpose(x, ...) ks_transpose_at(KS_HERE, x, __VA_ARGS__)
#define ks_concat(nodes, count, ...) ks_concat_at(KS_HERE, nodes, count, __VA_ARGS__)
#define ks_slice(x, axis, start, ...) ks_slice_at(KS_HERE, x, axis, start, __VA_ARGS__)
KS_API ks_node *ks_reshape_at(ks_place at, ks_node *x, ks_shape shape); /* one dimension may be -1 */
KS_API ks_node *ks_reshape_like_at(ks_place at, ks_node *x, ks_node *like);
KS_API ks_node *ks_transpose_at(ks_place at, ks_node *x, ks_ints perm); /* KS_ABSENT reverses the axes */
KS_API ks_node *ks_concat_at(ks_place at, ks_node *const *nodes, int count, int64_t axis);
/* x[start:stop] along one axis; negative positions count from the end; stop INT64_MAX: to the end. */
KS_API ks_node *ks_slice_at(ks_place at, ks_node *x, int64_t axis, int64_t start, int64_t stop);

KS_END

#endif
