/*
 * autodiff/why.c - why a derivative is zero or missing: where the path from x to y ends.
 */
#include "autodiff/gradient.h"
#include "keisan/autodiff.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct path {
    ks_graph *g;
    ks_node **nodes;
    uint32_t count, capacity;
    uint8_t *state; /* 1: hangs on x at all, 2: by edges that a derivative passes */
} path;

static bool listed(const path *p, const ks_node *node)
{
    return node->local < p->count && p->nodes[node->local] == node;
}

static bool list_node(path *p, ks_node *node)
{
    if (listed(p, node))
        return true;
    if (!ks__grow(p->g, &p->nodes, &p->capacity, p->count, sizeof *p->nodes))
        return false;
    node->local = p->count;
    p->nodes[p->count++] = node;
    return true;
}

static int by_id(const void *a, const void *b)
{
    const ks_node *x = *(ks_node *const *)a, *y = *(ks_node *const *)b;
    uint64_t i = (uint64_t)!(x->flags & KS__VARIABLE) << 32 | x->id, j = (uint64_t)!(y->flags & KS__VARIABLE) << 32 | y->id;
    return i < j ? -1 : i > j;
}

static bool collect(path *p, ks_node *y)
{
    if (!list_node(p, y))
        return false;
    for (uint32_t i = 0; i < p->count; i++) {
        for (uint32_t k = 0; k < p->nodes[i]->n; k++) {
            if (!list_node(p, ks__inputs(p->nodes[i])[k]))
                return false;
        }
    }
    qsort(p->nodes, p->count, sizeof *p->nodes, by_id);
    for (uint32_t i = 0; i < p->count; i++)
        p->nodes[i]->local = i;
    p->state = ks__get(p->g, p->count);
    if (p->state)
        memset(p->state, 0, p->count);
    return p->state != NULL;
}

/* The first node at which a path that a derivative could follow so far goes on only by edges that none passes. */
static const ks_node *where_it_ends(path *p, const ks_node *x)
{
    const ks_node *end = NULL;
    for (uint32_t i = 0; i < p->count; i++) {
        const ks_node *node = p->nodes[i];
        if (node == x)
            p->state[i] = 3;
        for (uint32_t k = 0; k < node->n; k++) {
            uint8_t before = p->state[ks__inputs(node)[k]->local];
            p->state[i] |= before & 1;
            if (before & 2 && ks__edge_passes(node, k))
                p->state[i] |= 2;
            else if (before & 2 && !end)
                end = node;
        }
    }
    return end;
}

static const char *reason(const ks_node *node)
{
    if (node->op->flags & KS_OP_STOP)
        return "it stops derivatives";
    if (node->op->flags & KS_OP_EFFECT)
        return "an effect has no derivative";
    if (node->op->no_derivative)
        return node->op->no_derivative;
    return node->dtype == KS_F32 || node->dtype == KS_F64 ? "only a shape or an index is taken from it there" : "its result is no f32 or f64";
}

const char *ks_why_no_gradient(ks_node *y, ks_node *x)
{
    if (!ks__usable(y) || !ks__usable(x) || y->graph != x->graph)
        return NULL;
    path p = {.g = y->graph};
    char text[KS_MESSAGE_BYTES];
    text[0] = 0;
    if (collect(&p, y)) {
        const ks_node *end = where_it_ends(&p, x);
        uint8_t state = p.state[y->local];
        if (!(state & 1))
            snprintf(text, sizeof text, "'%.100s' does not depend on '%.100s'", ks_name(y), ks_name(x));
        else if (!(state & 2))
            snprintf(text, sizeof text, "the path from '%.100s' to '%.100s' ends at '%.100s' (%s): %s", ks_name(x), ks_name(y),
                     end ? ks_name(end) : ks_name(y), end ? end->op->name : y->op->name, end ? reason(end) : "no derivative passes");
    }
    ks__put(p.g, p.state, p.state ? p.count : 0);
    ks__put(p.g, p.nodes, p.capacity * sizeof *p.nodes);
    ks__text_put(p.g, p.g->text);
    p.g->text = text[0] ? ks__text_copy(p.g, text) : NULL;
    return p.g->text;
}
