/*
 * autodiff/rules.c - what a backward pass must look like, as a table of rules.
 *
 * A rule looks at one edge that was walked, and says whether it is as it must be. The words of a rule are its message.
 */
#include "autodiff/rules.h"

typedef struct rule {
    const char *says;
    bool (*holds)(ks_graph *g, const ks__edge *edge, const ks_node *upstream);
} rule;

/* Whether the dimensions may be the same: those that are open are seen at the feed. */
static bool fits(ks_graph *g, const ks_node *a, const ks_node *b)
{
    const ks_shape *x = &a->dims->shape, *y = &b->dims->shape;
    int64_t same;
    bool good = x->rank == y->rank;
    for (int i = 0; good && i < x->rank; i++)
        good = ks__dim_same(g, x->dim[i], y->dim[i], &same) || ks__dim_broadcast(g, x->dim[i], y->dim[i], &same);
    return good;
}

static bool is_number(const ks_node *node)
{
    return node->op->flags & KS_OP_NUMBER;
}

static bool passes(ks_graph *g, const ks__edge *edge, const ks_node *upstream)
{
    (void)g;
    (void)upstream;
    return edge->input < edge->node->n && ks__edge_passes(edge->node, edge->input);
}

static bool upstream_is_like_its_node(ks_graph *g, const ks__edge *edge, const ks_node *upstream)
{
    return is_number(upstream) || (upstream->dtype == edge->node->dtype && fits(g, upstream, edge->node));
}

static bool contribution_is_like_its_input(ks_graph *g, const ks__edge *edge, const ks_node *upstream)
{
    (void)upstream;
    const ks_node *input = ks__inputs(edge->node)[edge->input];
    return is_number(edge->contribution) || is_number(input) ||
           (edge->contribution->dtype == input->dtype && fits(g, edge->contribution, input));
}

static bool partial_is_of_its_node(ks_graph *g, const ks__edge *edge, const ks_node *upstream)
{
    (void)upstream;
    ks_shape out;
    const ks_node *partial = edge->partial;
    return !partial || is_number(partial) ||
           (partial->dtype == edge->node->dtype && ks__broadcast_shapes(g, &partial->dims->shape, &edge->node->dims->shape, &out));
}

static bool linear_has_no_partial(ks_graph *g, const ks__edge *edge, const ks_node *upstream)
{
    (void)g;
    (void)upstream;
    return !edge->partial || edge->node->op->partial;
}

static bool derivatives_come_after(ks_graph *g, const ks__edge *edge, const ks_node *upstream)
{
    (void)g;
    (void)upstream;
    return edge->contribution == upstream || (edge->contribution->flags & KS__VARIABLE) || edge->contribution->id > edge->node->id ||
           is_number(edge->contribution);
}

static const rule rules[] = {
    {"a derivative passes the edge", passes},
    {"its upstream has its shape and dtype", upstream_is_like_its_node},
    {"what it gives to an input has that input's shape and dtype", contribution_is_like_its_input},
    {"its local partial has its dtype and broadcasts to its shape", partial_is_of_its_node},
    {"an edge that is linear or special has no local partial", linear_has_no_partial},
    {"what is derived comes after what it is derived from", derivatives_come_after},
};

bool ks__backward_holds(ks_graph *g, const ks__backward *b)
{
    for (uint32_t i = 0, e = 0; i < b->count; i++) {
        if (i && !(b->nodes[i]->flags & KS__VARIABLE) && b->nodes[i]->id >= b->nodes[i - 1]->id)
            return ks__refuse(g, KS_BAD_ARGUMENT, KS__NOWHERE, "broken rule of backward passes at %s %u: users come before what they use",
                              b->nodes[i]->op->name, b->nodes[i]->id);
        for (; e < b->edge_count && b->edges[e].node == b->nodes[i]; e++) {
            for (size_t r = 0; r < sizeof rules / sizeof *rules; r++) {
                if (!rules[r].holds(g, &b->edges[e], b->upstream[i]))
                    return ks__refuse(g, KS_BAD_ARGUMENT, KS__NOWHERE, "broken rule of backward passes at %s %u, input %u: %s",
                                      b->nodes[i]->op->name, b->nodes[i]->id, b->edges[e].input, rules[r].says);
            }
        }
    }
    return true;
}
