/*
 * graph/list.h - lists of nodes in the order in which inputs come first.
 *
 * node->local serves as a sparse set: a node is in the list if list->nodes[node->local] is the node.
 */
#ifndef KS_GRAPH_LIST_H
#define KS_GRAPH_LIST_H

#include "graph/graph.h"

typedef struct ks__list {
    ks_node **nodes;
    uint32_t count, capacity;
} ks__list;

static inline bool ks__listed(const ks__list *list, const ks_node *node)
{
    return node->local < list->count && list->nodes[node->local] == node;
}

/* Adds the node unless it is there. Memory is g's, which need not be the node's graph. */
bool ks__list_add(ks_graph *g, ks__list *list, ks_node *node);
/* Puts variables first, then nodes by id, and numbers them anew. False: no memory, and the list is as it was. */
bool ks__list_sort(ks_graph *g, ks__list *list);
/* All that the targets are computed from, and they, sorted. */
bool ks__list_reach(ks_graph *g, ks__list *list, ks_node *const *targets, uint32_t count);
void ks__list_free(ks_graph *g, ks__list *list);

#endif
