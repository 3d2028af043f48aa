/*
 * ops/norm/batch.h - normalisation over a batch: how x [N, C, ...] falls into groups, and the passes over it.
 *
 * A group is a channel, or with `per_element` one place of an example; its elements are x[a][g][b] for all a and b. Where b is long,
 * elements that lie together are taken together; else the columns g, b are, side by side. Work is cut into pieces of rows a, whose
 * results are joined in their order.
 */
#ifndef KS_OPS_NORM_BATCH_H
#define KS_OPS_NORM_BATCH_H

#include "ops/family.h"

typedef struct ks__batch_attrs {
    int64_t per_element; /* bool */
    double epsilon;
} ks__batch_attrs;

#define KS__BATCH_PER_ELEMENT                                                                                                              \
    {                                                                                                                                      \
        "per_element", KS_ATTR_BOOL, offsetof(ks__batch_attrs, per_element), false, false,                                                 \
            "whether each place of an example has statistics of its own, instead of each channel; default false"                           \
    }

typedef struct ks__batch {
    const ks_call *call;
    const ks_tensor *x;
    int64_t a, g, b;
    bool rows;     /* b is long: a unit is one group; else a range of columns */
    int64_t width; /* results of a piece: groups, or columns */
    int64_t piece, pieces, ranges;
    void *own; /* what the pass needs besides */
} ks__batch;

#define KS__BATCH_COLUMNS 256 /* of a range */
#define KS__BATCH_ROWS    128 /* a piece has no more, where columns are summed straight down */

ks__batch ks__batch_of(const ks_call *call, const ks_tensor *x, int64_t per_element, void *own);
/* fn for each unit: rows [first, last) of the range. */
typedef void (*ks__batch_fn)(const ks__batch *b, int64_t piece, int64_t range);
void ks__batch_each(ks__batch *b, ks__batch_fn fn);

/* The shape rule of statistics: x [N, C, ...], and input k one number a group. */
bool ks__batch_fits(ks_infer *infer, int64_t per_element, int k, const char *what);
/* [2, groups...] */
ks_shape ks__batch_pair(const ks_shape *x, int64_t per_element);

/* Composing: one number a group as it meets x; one half of a pair, as it meets x, or in the shape of `like`; the axes of a group. */
ks_node *ks__batch_wide(ks_place at, ks_node *x, ks_node *s, int64_t per_element);
ks_node *ks__batch_half(ks_place at, ks_node *x, ks_node *pair, int which, int64_t per_element);
ks_node *ks__batch_half_like(ks_place at, ks_node *pair, int which, ks_node *like);
ks_ints ks__batch_axes(ks_node *x, int64_t per_element);

#endif
