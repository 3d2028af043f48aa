/*
 * ops/index/position.h - what operations share whose indices name positions in another tensor.
 *
 * All positions are looked at before anything is written, so that one which is outside is an error and nothing else. Then
 * kernels fetch them a block at a time, as i64 and counted from the front.
 */
#ifndef KS_OPS_INDEX_POSITION_H
#define KS_OPS_INDEX_POSITION_H

#include "ops/family.h"

/* Whether all indices lie in an axis of `extent`; from the end they may be counted too. */
bool ks__positions_fit(const ks_tensor *indices, int64_t extent, ks_failure *failure);

#define KS__POSITIONS 256 /* of a block */

/* Positions [first, first + n) of the indices, in [0, extent). They fit. */
void ks__positions_of(const ks_tensor *indices, int64_t first, int64_t n, int64_t extent, int64_t *out);

static inline int64_t ks__position(const ks_tensor *indices, int64_t i, int64_t extent)
{
    int64_t at = ks__whole(indices, i);
    return at < 0 ? at + extent : at;
}

/* out = zeros, or a copy of `start` if there is one: what updates are added to. */
void ks__start_from(const ks_call *call, const ks_tensor *start);

/* ---- rows along an axis (ops/index/gather.c) ----------------------------------------------------------- */

/* The shape rule of adding: the updates are what in[1] takes out of x along the axis; the result is shaped like x. */
bool ks__infer_rows(ks_infer *infer, const ks_shape *x, const ks_shape *updates, int64_t axis);
/* out = start (or zeros) with the updates added at the positions in[1] of the axis, in their order. */
bool ks__add_rows(const ks_call *call, const ks_tensor *start, const ks_tensor *updates, int64_t axis, ks_failure *failure);

#endif
