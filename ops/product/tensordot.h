/*
 * ops/product/tensordot.h - tensordot with all its attributes, as derivatives and einsum compose it.
 */
#ifndef KS_OPS_PRODUCT_TENSORDOT_H
#define KS_OPS_PRODUCT_TENSORDOT_H

#include "ops/family.h"

typedef struct ks__tensordot_attrs {
    int64_t batch, inner, trans_a, trans_b;
} ks__tensordot_attrs;

ks_node *ks__tensordot(ks_place at, ks_node *a, ks_node *b, ks__tensordot_attrs attrs);

#endif
