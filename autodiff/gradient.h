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

/* The gradients of y for n x, without an event of their own: for walks inside walks. */
bool ks__chain_to(ks_place at, ks_node *y, ks_node *const *x, uint32_t n, ks_node *upstream, ks_node **out);

/* ---- where walks start (autodiff/seed.c) ---------------------------------------------------------------- */

/* All that the n y hang on by edges that a derivative can pass, sorted. Below `floor` nothing can hang on an x. */
bool ks__cone(ks_graph *g, ks__list *list, ks_node *const *y, uint32_t n, uint32_t floor);
/* The floor that these x make. */
uint32_t ks__lowest_id(ks_node *const *x, uint32_t n);
/* A constant of x's dtype and shape, filled with 0 or 1, that the planner may simplify away. */
ks_node *ks__filled_like(ks_place at, ks_node *x, double value);
/* What was given for x: a bare number becomes of x's shape and dtype. */
ks_node *ks__as_like(ks_place at, ks_node *given, ks_node *x);
/* Whether the node is one of this graph that can have a derivative; else the failure says why. */
bool ks__derivable(ks_place at, ks_graph *g, const char *call, const ks_node *node);
/* Whether what was given as `what` ("upstream") can stand for a derivative of x: its dtype and shape, or a bare number. */
bool ks__check_like(ks_place at, const char *call, const char *what, const ks_node *given, const ks_node *x);

/* ---- one pass of several (autodiff/seed.c) -------------------------------------------------------------- */

/* Whether the node has no open dimensions; else the failure says that sizes must be known. */
bool ks__sized(ks_place at, const char *call, const ks_node *node);
/* y's tangent for this tangent of x (forward), or x's gradient for this upstream of y; NULL for a NULL seed. */
ks_node *ks__pass(ks_place at, ks_node *y, ks_node *x, bool forward, ks_node *seed);

/* ---- edges (autodiff/partial.c) ------------------------------------------------------------------------- */

static inline bool ks__is_float(const ks_node *node)
{
    return node->dtype == KS_F32 || node->dtype == KS_F64;
}

/* Whether a derivative can pass the edge into node from input i. */
bool ks__edge_passes(const ks_node *node, uint32_t i);
/* What y's upstream gives to its i-th input; NULL without a failure: nothing. *partial: NULL for linear and special edges. */
ks_node *ks__contribution(ks_node *y, uint32_t i, ks_node *upstream, ks_node **partial);
/* An arriving derivative times the local partial of y's i-th input, as y's chain says. */
ks_node *ks__chained(ks_node *y, uint32_t i, ks_node *arriving, ks_node *partial);
/* What differentiation made since `start` is its own: composing anew finds it with its whole event or not at all. */
void ks__mark_derived(ks_graph *g, uint32_t start);

#endif
