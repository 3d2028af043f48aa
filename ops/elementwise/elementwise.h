/*
 * ops/elementwise/elementwise.h - what the files of this family share: numbers beside a node, and examples of one operand.
 */
#ifndef KS_OPS_ELEMENTWISE_H
#define KS_OPS_ELEMENTWISE_H

#include "ops/tiles.h"

/* A bare number for a partial of y: it takes the dtype of its neighbour. */
static inline ks_node *ks__num(const ks_node *y, double value)
{
    return ks_number_at(ks_node_place(y), y->graph, value);
}

/* A number that has y's dtype by itself, for where all neighbours are numbers: those alone make f32. */
static inline ks_node *ks__like(const ks_node *y, double value)
{
    ks_place at = ks_node_place(y);
    return ks_node_dtype(y) == KS_F32 ? ks__num(y, value) : ks_constant_at(at, y->graph, ks_node_dtype(y), KS_SCALAR, &value);
}

/* Operand i in the dtype of y. */
static inline ks_node *ks__typed(ks_node *y, int i)
{
    ks_node *x = ks__in(y, i);
    if (!ks_is_number(x) || ks_node_dtype(y) == KS_F32)
        return x;
    return ks_mul_at(ks_node_place(y), x, ks__like(y, 1));
}

/* One number as an attribute: a slope, a scale. */
typedef struct ks__alpha {
    double alpha;
} ks__alpha;
#define KS__ALPHA(ATTRS) (((const ks__alpha *)(ATTRS))->alpha)

/* [2, 2] */
#define KS__EXAMPLE1(NAME, ...)                                                                                                            \
    static ks_node *NAME##_example(ks_graph *g)                                                                                            \
    {                                                                                                                                      \
        return ks__apply1(KS_HERE, &ks__op_##NAME, ks__given(g, "x", KS_SHAPE(2, 2), KS__VALUES(__VA_ARGS__)), NULL);                      \
    }

#endif
