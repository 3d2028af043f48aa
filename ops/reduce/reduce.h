/*
 * ops/reduce/reduce.h - what reductions over axes share: attributes, shape rule, and the way back for their derivatives.
 */
#ifndef KS_OPS_REDUCE_H
#define KS_OPS_REDUCE_H

#include "ops/reduce/fold.h"

typedef struct ks__reduce_attrs {
    ks_ints axes;
    int64_t keepdims;
} ks__reduce_attrs;

#define KS__AXES_DOC     "over which axes; negative counts from the end, absent is all"
#define KS__KEEPDIMS_DOC "whether the reduced axes stay as dimensions of 1; default false"

extern const ks_attr ks__reduce_table[];
extern const ks__reduce_attrs ks__reduce_defaults;

/* The shape without the axes of the mask. */
void ks__without_axes(const ks_shape *x, unsigned mask, bool keepdims, ks_shape *out);
/* The mask of axes that infer has found right. */
unsigned ks__axes_found(const ks_ints *axes, int rank);
bool ks__reduce_infer(ks_infer *infer);

/* The workspace and the work of a kernel whose attributes begin with those above. */
size_t ks__reduce_scratch(const ks_call *call);
unsigned ks__reduce_mask(const ks_call *call);
void ks__reduce_with(const ks_call *call, ks__fold_kind kind);

/* v, of y's shape, spread over the axes that y = reduce(x) lost. */
ks_node *ks__spread_back(ks_node *y, ks_node *v);
ks_node *ks__reduce_at(ks_place at, const ks_op *op, ks_node *x, const ks_ints *axes, bool keepdims);
/* x [2, 3] with different values, for the examples */
ks_node *ks__reduce_some(ks_graph *g);

#endif
