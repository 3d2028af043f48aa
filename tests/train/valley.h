/*
 * valley.h - x^2/20 + y^2 from (-7, 2), on which optimisers are told apart.
 */
#ifndef KS_TEST_VALLEY_H
#define KS_TEST_VALLEY_H

#include "tests/train/train.h"

typedef struct valley {
    ks_graph *graph;
    ks_node *x, *y, *loss;
} valley;

static inline ks_node *scalar(ks_graph *g, const char *name, double value)
{
    ks_node *node = ks_variable(g, name, KS_F64, KS_SCALAR, KS_UNSET);
    cr_assert(ks_set(node, KS_F64, &value));
    return node;
}

static inline valley valley_with(const ks_graph_options *options)
{
    valley v = {.graph = ks_graph_new(options)};
    v.x = scalar(v.graph, "x", -7);
    v.y = scalar(v.graph, "y", 2);
    v.loss = ks_add(ks_div(ks_square(v.x), ks_number(v.graph, 20)), ks_square(v.y));
    cr_assert(v.loss, "%s", ks_error(v.graph)->message);
    return v;
}

static inline valley make_valley(void)
{
    return valley_with(NULL);
}

#endif
