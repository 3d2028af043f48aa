/*
 * ops/shape/map.h - a result whose axes each name positions of x: y[i, j, ...] = x[p(i), q(j), ...].
 *
 * tile, repeat, roll and pad differ only in their positions, which an operation writes for one axis at a time. Copying
 * by them is the operation; adding by them is its transpose. A position of -1 stands for nothing: what fills is put there, and
 * adding leaves it out.
 */
#ifndef KS_OPS_SHAPE_MAP_H
#define KS_OPS_SHAPE_MAP_H

#include "ops/family.h"

/* Writes position[i] in [0, in), or -1, for each i in [0, out) of an axis that has `in` elements in x and `out` in y. */
typedef void (*ks__positions_fn)(const void *attrs, int axis, int64_t in, int64_t out, int64_t *position);

/* Workspace of copying, where `y` is the result's shape, and of adding. */
size_t ks__map_scratch(const ks_shape *y);
size_t ks__map_add_scratch(const ks_call *call);
/* out = in[0] by positions; fill: the element where there is none, NULL for zero. Both have one rank. */
void ks__map_copy(const ks_call *call, ks__positions_fn positions, const void *fill);
/* out = zeros, with in[0] added at positions, in their order. */
void ks__map_add(const ks_call *call, ks__positions_fn positions);

/* The shape rule of a transpose: in[0] is added to zeros of the shape of in[1]. */
bool ks__infer_like_second(ks_infer *infer);

#endif
