/*
 * graph/list.c - lists of nodes in the order in which inputs come first.
 *
 * A list is its own queue of what is still to be looked at, so nothing recurses. Sorting takes linear time: the usual
 * list is a chain that arrived backwards, and any other is ticked off on a map of the ids that it spans.
 */
#include "graph/list.h"

#include <string.h>

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

/* All of one stack. Ids that lie close together are ticked off on a map of bits and read back in their order. */
static bool sort_stack(ks_graph *g, const ks__stack *stack, ks_node **nodes, uint32_t count)
{
    uint32_t low = UINT32_MAX, high = 0;
    for (uint32_t i = 0; i < count; i++) {
        low = nodes[i]->id < low ? nodes[i]->id : low;
        high = nodes[i]->id > high ? nodes[i]->id : high;
    }
    if (count < 16 || (high - low) / 64 > count) {
        heap_sort(nodes, count);
        return true;
    }
    size_t words = (high - low) / 64 + 1;
    uint64_t *map = ks__get(g, words * sizeof *map);
    if (!map)
        return false;
    memset(map, 0, words * sizeof *map);
    for (uint32_t i = 0; i < count; i++)
        map[(nodes[i]->id - low) / 64] |= (uint64_t)1 << (nodes[i]->id - low) % 64;
    for (size_t w = 0, k = 0; w < words; w++) {
        for (uint64_t bits = map[w]; bits; bits &= bits - 1)
            nodes[k++] = ks__stack_at(stack, low + (uint32_t)(w * 64) + (uint32_t)__builtin_ctzll(bits));
    }
    ks__put(g, map, words * sizeof *map);
    return true;
}

/* Variables to the front, in any order; how many there are. */
static uint32_t part(ks_node **nodes, uint32_t count)
{
    uint32_t variables = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (nodes[i]->flags & KS__VARIABLE) {
            ks_node *node = nodes[variables];
            nodes[variables++] = nodes[i];
            nodes[i] = node;
        }
    }
    return variables;
}

static void turn(ks_node **nodes, uint32_t count)
{
    for (uint32_t i = 0, j = count; i + 1 < j; i++) {
        ks_node *node = nodes[i];
        nodes[i] = nodes[--j];
        nodes[j] = node;
    }
}

bool ks__list_sort(ks_graph *g, ks__list *list)
{
    bool up = true, down = true;
    for (uint32_t i = 1; (up || down) && i < list->count; i++) {
        bool less = rank_of(list->nodes[i - 1]) < rank_of(list->nodes[i]);
        up = up && less;
        down = down && !less;
    }
    if (!up && down) {
        turn(list->nodes, list->count);
    } else if (!up) {
        const ks_graph *of = list->nodes[0]->graph;
        uint32_t variables = part(list->nodes, list->count);
        bool good = sort_stack(g, &of->variables, list->nodes, variables) &&
                    sort_stack(g, &of->nodes, list->nodes + variables, list->count - variables);
        if (!good)
            return false;
    }
    for (uint32_t i = 0; i < list->count; i++)
        list->nodes[i]->local = i;
    return true;
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
    return ks__list_sort(g, list);
}

void ks__list_free(ks_graph *g, ks__list *list)
{
    ks__put(g, list->nodes, list->capacity * sizeof *list->nodes);
    *list = (ks__list){0};
}
