/*
 * autodiff/partial.c - what one edge passes on: upstream times local partial, or a pullback.
 *
 * A local partial is made once for its edge and cached there. One that took no node to make (mul's is the other factor, exp's the
 * node itself, add's a number that all share) is asked for anew.
 */
#include "autodiff/gradient.h"
#include "keisan/autodiff.h"
#include "ops/family.h"

#include <string.h>

/* ---- edges --------------------------------------------------------------------------------------------- */

bool ks__edge_passes(const ks_node *node, uint32_t i)
{
    const ks_op *op = node->op;
    if (op->flags & KS_OP_RESULT) /* to its head, whatever that one's own value is */
        return ks__is_float(node);
    if (KS__HAS(op, pullbacks))
        return ks__is_float(ks__inputs(node)[i]) && ks__input_letter(op, i) != 'S';
    if (op->flags & (KS_OP_STOP | KS_OP_EFFECT) || (!op->partial && !op->pullback))
        return false;
    return ks__is_float(node) && ks__is_float(ks__inputs(node)[i]) && ks__input_letter(op, i) != 'S';
}

void ks__mark_derived(ks_graph *g, uint32_t start)
{
    for (uint32_t i = start; i < g->count; i++)
        ks__stack_at(&g->nodes, i)->flags |= KS__DERIVED;
}

/* ---- local partials ------------------------------------------------------------------------------------ */

/* Remembers a partial that may be cut off while y stays; one that stands before y goes with y. */
static bool note_partial(ks_node *y, uint32_t i, ks_node *partial)
{
    ks_graph *g = y->graph;
    if (partial->flags & KS__VARIABLE || partial->id <= y->id)
        return true;
    if (!ks__grow(g, &g->partials, &g->partial_capacity, g->partial_count, sizeof *g->partials))
        return false;
    uint32_t at = g->partial_count++;
    for (; at && g->partials[at - 1].id > partial->id; at--) /* kept in the order of ids: cuts pop from the end */
        g->partials[at] = g->partials[at - 1];
    g->partials[at] = (ks__partial_log){y, i, partial->id};
    return true;
}

/* Makes the partial of an edge that has none yet, and caches it if that took nodes. */
static ks_node *make_partial(ks_node *y, uint32_t i)
{
    ks_graph *g = y->graph;
    ks__cut(g, g->count); /* what waits is another's, or this very partial, released */
    uint32_t start = g->count;
    ks_node *partial = y->op->partial(y, (int)i);
    if (g->count == start)
        return partial;
    ks__mark_derived(g, start);
    if (!partial || !ks__aside_of(y))
        return NULL;
    if (!y->aside->partials && !(y->aside->partials = ks__small(g, y->n * sizeof(ks_node *))))
        return NULL;
    if (!(partial->flags & KS__VARIABLE) && partial->id >= start && !(partial->op->flags & KS_OP_LEAF))
        partial->flags |= KS__PARTIAL;
    if (!note_partial(y, i, partial))
        return NULL;
    y->aside->partials[i] = partial;
    return partial;
}

ks_node *ks_local_partial(ks_node *y, int i)
{
    if (!ks__usable(y) || i < 0 || (uint32_t)i >= y->n || !y->op->partial || !ks__edge_passes(y, (uint32_t)i))
        return NULL;
    ks_node *known = y->aside && y->aside->partials ? y->aside->partials[i] : NULL;
    return known && ks__alive(known) ? known : make_partial(y, (uint32_t)i);
}

/* ---- contributions -------------------------------------------------------------------------------------- */

/* Whether a node made for y's shape surely has x's: open dimensions without a name may differ. */
static bool surely_same(const ks_node *a, const ks_node *x)
{
    if (a->dims != x->dims)
        return false;
    for (int i = 0; i < a->dims->shape.rank; i++) {
        if (a->dims->shape.dim[i] == KS_ANY)
            return false;
    }
    return true;
}

/* chain_mul(u, p) is 0 for any p where u is 0, so its derivative by p is too, whatever arrives. */
static bool selects(const ks_node *y, uint32_t i)
{
    return y->op->chain == KS_CHAIN_SELECT || (y->op == &ks__op_chain_mul && i == 1);
}

ks_node *ks__chained(ks_node *y, uint32_t i, ks_node *upstream, ks_node *partial)
{
    ks_place at = ks_node_place(y);
    /* A number that is not our own is the user's, who may change it. */
    if (partial->op->flags & KS_OP_NUMBER && partial->flags & KS__DERIVED) {
        if (partial->data.number == 1)
            return upstream;
        return partial->data.number == -1 ? ks_neg_at(at, upstream) : ks_mul_at(at, upstream, partial);
    }
    if (y->op->chain == KS_CHAIN_FINITE)
        return ks_mul_at(at, upstream, partial);
    return selects(y, i) ? ks__apply2(at, &ks__op_select_mul, upstream, partial, NULL) : ks_chain_mul_at(at, upstream, partial);
}

ks_node *ks__contribution(ks_node *y, uint32_t i, ks_node *upstream, ks_node **partial)
{
    *partial = NULL;
    if (!y->op->partial)
        return y->op->pullback(y, (int)i, upstream);
    *partial = ks_local_partial(y, (int)i);
    ks_node *part = *partial ? ks__chained(y, i, upstream, *partial) : NULL, *x = ks__inputs(y)[i];
    return !part || surely_same(part, x) ? part : ks_sum_to_at(ks_node_place(y), part, x);
}
