/*
 * autodiff/private.h - graphs beside a user's, in which his nodes are looked at without changing anything (autodiff/check.c).
 */
#ifndef KS_AUTODIFF_PRIVATE_H
#define KS_AUTODIFF_PRIVATE_H

#include "graph/graph.h"

/* A quiet graph with g's options and step; plain: without fast paths, so that every node has its own value. NULL: no memory. */
ks_graph *ks__private_graph(const ks_graph *g, bool plain);
/* The private graph's failure becomes g's; its place names a file by g's own words. Always false. */
bool ks__hand_over(ks_graph *g, const ks_failure *failure);

#endif
