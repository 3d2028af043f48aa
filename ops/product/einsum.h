/*
 * ops/product/einsum.h - an equation of einsum, read and checked against its operands.
 */
#ifndef KS_OPS_PRODUCT_EINSUM_H
#define KS_OPS_PRODUCT_EINSUM_H

#include "ops/product/tensordot.h"

#define KS__EINSUM_MOST   32                              /* operands */
#define KS__EINSUM_DOTS   52                              /* the label of the last axis of "..."; that before it is the next */
#define KS__EINSUM_LABELS (KS__EINSUM_DOTS + KS_MAX_RANK) /* 26 capital letters, 26 small ones, the axes of "..." */

/* An operand, or the result (without a node): a label for each axis. */
typedef struct ks__einsum_term {
    ks_node *node;
    int rank;
    int label[KS_MAX_RANK];
} ks__einsum_term;

typedef struct ks__einsum {
    ks_place at;
    ks_graph *g;
    const char *equation;
    int n;
    ks__einsum_term term[KS__EINSUM_MOST], out;
    int64_t dim[KS__EINSUM_LABELS]; /* the size of each label; negative where it is open */
} ks__einsum;

/* Reads the equation; false, with the graph's failure, if it is wrong or does not fit the operands. */
bool ks__einsum_parse(ks__einsum *e, ks_place at, const char *equation, ks_node *const *nodes, int count);

#endif
