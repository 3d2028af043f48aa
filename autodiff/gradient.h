/*
 * autodiff/gradient.h - the backward walk, for those who want to see its every edge (traces).
 */
#ifndef KS_AUTODIFF_GRADIENT_H
#define KS_AUTODIFF_GRADIENT_H

#include "graph/list.h"

/* One arrow walked backwards: the contribution of `node`'s upstream to its input. */
typedef struct ks__edge {
    ks_node *node;
    uint32_t input;
    ks_node *partial; /* NULL for linear and special edges */
    ks_node *contribution;
} ks__edge;

/* A whole backward pass: nodes in its order with their upstream, edges grouped by node in the same order. */
typedef struct ks__backward {
    ks_node **nodes;
    ks_node **upstream;
    uint32_t count, node_capacity, upstream_capacity;
    ks__edge *edges;
    uint32_t edge_count, edge_capacity;
} ks__backward;

/* Walks back from y to all its f32 and f64 leaves. upstream: NULL for ones. The lists are freed by ks__backward_free. */
bool ks__backward_walk(ks_node *y, ks_node *upstream, ks_graph *g, ks__backward *out);
void ks__backward_free(ks_graph *g, ks__backward *b);

/* Appends the trainable variables that y hangs on, in the order of their making. Freed by ks__list_free, on failure too. */
bool ks__trainable_under(ks_node *y, ks__list *out);

/* ---- edges (autodiff/partial.c) ------------------------------------------------------------------------- */

static inline bool ks__is_float(const ks_node *node)
{
    return node->dtype == KS_F32 || node->dtype == KS_F64;
}

/* Whether a derivative can pass the edge into node from input i. */
bool ks__edge_passes(const ks_node *node, uint32_t i);
/* What y's upstream gives to its i-th input; NULL without a failure: nothing. *partial: NULL for linear and special edges. */
ks_node *ks__contribution(ks_node *y, uint32_t i, ks_node *upstream, ks_node **partial);
/* What differentiation made since `start` is its own: composing anew finds it with its whole event or not at all. */
void ks__mark_derived(ks_graph *g, uint32_t start);

#endif
