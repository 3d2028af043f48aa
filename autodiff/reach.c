/*
 * autodiff/reach.c - lists of nodes in the order in which inputs come first.
 *
 * A list is its own queue of what is still to be looked at, so nothing recurses. Sorting is in place and allocates nothing.
 */
#include "autodiff/reach.h"

bool ks__list_add(ks_graph *g, ks__list *list, ks_node *node)
{
    if (ks__listed(list, node))
        return true;
    if (!ks__grow(g, &list->nodes, &list->capacity, list->count, sizeof *list->nodes))
        return false;
    node->local = list->count;
    list->nodes[list->count++] = node;
    return true;
}

static uint64_t rank_of(const ks_node *node)
{
    return node->flags & KS__VARIABLE ? node->id : (uint64_t)1 << 32 | node->id;
}

static void sift(ks_node **nodes, uint32_t at, uint32_t count)
{
    ks_node *node = nodes[at];
    for (uint32_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && rank_of(nodes[child]) < rank_of(nodes[child + 1]))
            child++;
        if (rank_of(nodes[child]) <= rank_of(node))
            break;
        nodes[at] = nodes[child];
    }
    nodes[at] = node;
}

static void heap_sort(ks_node **nodes, uint32_t count)
{
    for (uint32_t i = count / 2; i-- > 0;)
        sift(nodes, i, count);
    for (uint32_t last = count; last-- > 1;) {
        ks_node *largest = nodes[0];
        nodes[0] = nodes[last];
        nodes[last] = largest;
        sift(nodes, 0, last);
    }
}

/* A chain arrives backwards, so the usual case is one turn. */
void ks__list_sort(ks__list *list)
{
    bool down = true;
    for (uint32_t i = 1; down && i < list->count; i++)
        down = rank_of(list->nodes[i - 1]) > rank_of(list->nodes[i]);
    for (uint32_t i = 0, j = list->count; down && i + 1 < j; i++) {
        ks_node *node = list->nodes[i];
        list->nodes[i] = list->nodes[--j];
        list->nodes[j] = node;
    }
    if (!down)
        heap_sort(list->nodes, list->count);
    for (uint32_t i = 0; i < list->count; i++)
        list->nodes[i]->local = i;
}

bool ks__list_reach(ks_graph *g, ks__list *list, ks_node *const *targets, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (!ks__list_add(g, list, targets[i]))
            return false;
    }
    for (uint32_t i = 0; i < list->count; i++) {
        for (uint32_t k = 0; k < list->nodes[i]->n; k++) {
            if (!ks__list_add(g, list, ks__inputs(list->nodes[i])[k]))
                return false;
        }
    }
    ks__list_sort(list);
    return true;
}

void ks__list_free(ks_graph *g, ks__list *list)
{
    ks__put(g, list->nodes, list->capacity * sizeof *list->nodes);
    *list = (ks__list){0};
}
