/*
 * ops/loss/each.h - losses that compare two tensors of one shape element by element: what they share.
 *
 * Such a loss is a table of tiles, out[i] from y[i] and t[i]; `reduction` says what becomes of these values. The sums are of fixed
 * blocks, in double from block to block, so they have the same bits on any number of threads.
 */
#ifndef KS_OPS_LOSS_EACH_H
#define KS_OPS_LOSS_EACH_H

#include "ops/tiles.h"

/* `at`: where the loss bends or how far its margin reaches; 0 where it has no such number. */
typedef struct ks__loss_attrs {
    int64_t reduction; /* ks_reduction */
    double at;
} ks__loss_attrs;

#define KS__REDUCTION                                                                                                                      \
    {                                                                                                                                      \
        "reduction", KS_ATTR_INT, offsetof(ks__loss_attrs, reduction), false, false,                                                       \
            "0: the mean over all elements; 1: the sum; 2: none, a value an element; 3: the sum divided by the number of rows, which is "  \
            "the first dimension; default 0"                                                                                               \
    }

/* The attribute table of losses that have a reduction and nothing else. */
extern const ks_attr ks__reduction_table[];

/* The shape rule: equal shapes, and the result is a scalar or, without a reduction, of that shape. */
bool ks__loss_infer(ks_infer *infer);
/* The same for losses without attributes, which are scalars. */
bool ks__loss_infer_scalar(ks_infer *infer);

/* The kernel: factor times the reduced values of the tiles; and its workspace. */
bool ks__loss_run(const ks_call *call, const ks_tile *tiles, int64_t reduction, double factor);
size_t ks__loss_scratch(const ks_call *call);

/* The contribution of the upstream u through a loss whose values have this local partial, a node of the inputs' shape. */
ks_node *ks__loss_passes(ks_node *loss, ks_node *partial, ks_node *u);

/* Composes a loss with a reduction. */
ks_node *ks__loss_apply(ks_place at, const ks_op *op, ks_node *y, ks_node *t, double bend, ks_reduction reduction);

/* y - t (for input 0; t - y for input 1), a number beside the loss, and x held between -limit and limit. */
ks_node *ks__loss_difference(ks_node *loss, int i);
ks_node *ks__loss_number(const ks_node *loss, double value);
ks_node *ks__loss_held(ks_node *loss, ks_node *x, double limit);

/* What examples compare: y [2, 3] and t [2, 3] that are nowhere equal. */
ks_node *ks__loss_example(ks_graph *g, const ks_op *op, const ks__loss_attrs *attrs);

/* Says once to the host's log that this loss was meant for something else than what `y` is (ops/loss/fit.c); returns the loss. */
ks_node *ks__loss_fits(ks_node *loss, uint64_t composed_before);

#endif
