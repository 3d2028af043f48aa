/*
 * autodiff/gradient.c - reverse chaining.
 *
 * From y backwards in the order of descending ids, every node hands each input its contribution: upstream times local
 * partial, or the pullback of what is linear or special (autodiff/partial.c). Contributions that meet are summed in one
 * visible add_n. All of these are ordinary nodes.
 */
#include "autodiff/gradient.h"
#include "autodiff/rules.h"
#include "graph/list.h"
#include "keisan/autodiff.h"
#include "ops/family.h"

#include <string.h>

/* ---- the walk ------------------------------------------------------------------------------------------ */

typedef struct term {
    ks_node *node;
    uint32_t next;
    int64_t result; /* of the node at which it arrives */
} term;

/* The nodes between the targets x and y, in the order of ids, and the terms that arrive at each. */
typedef struct chain {
    ks_graph *g;
    ks__list list;
    bool *depends;   /* on one of the x */
    uint32_t *terms; /* the first of each node's list, in the order of arrival reversed */
    ks_node **upstream;
    term *pool;
    uint32_t pool_count, pool_capacity;
    ks__backward *record;
} chain;

static bool find_cone(chain *c, ks_node *y, uint32_t floor)
{
    return ks__cone(c->g, &c->list, &y, 1, floor);
}

static bool prepare(chain *c)
{
    size_t n = c->list.count;
    c->depends = ks__get(c->g, n * sizeof *c->depends);
    c->terms = ks__get(c->g, n * sizeof *c->terms);
    c->upstream = ks__get(c->g, n * sizeof *c->upstream);
    if (!c->depends || !c->terms || !c->upstream)
        return false;
    memset(c->depends, 0, n * sizeof *c->depends);
    memset(c->terms, 0xff, n * sizeof *c->terms);
    memset(c->upstream, 0, n * sizeof *c->upstream);
    return true;
}

static void finish(chain *c)
{
    size_t n = c->list.count;
    ks__put(c->g, c->depends, c->depends ? n * sizeof *c->depends : 0);
    ks__put(c->g, c->terms, c->terms ? n * sizeof *c->terms : 0);
    ks__put(c->g, c->upstream, c->upstream ? n * sizeof *c->upstream : 0);
    ks__put(c->g, c->pool, c->pool_capacity * sizeof *c->pool);
    ks__list_free(c->g, &c->list);
}

static void find_depends(chain *c)
{
    for (uint32_t i = 0; i < c->list.count; i++) {
        ks_node *node = c->list.nodes[i];
        for (uint32_t k = 0; k < node->n && !c->depends[i]; k++) {
            const ks_node *input = ks__inputs(node)[k];
            c->depends[i] = ks__listed(&c->list, input) && input->local < i && ks__edge_passes(node, k) && c->depends[input->local];
        }
    }
}

static bool arrive(chain *c, const ks_node *at, int64_t result, ks_node *part)
{
    if (!ks__grow(c->g, &c->pool, &c->pool_capacity, c->pool_count, sizeof *c->pool))
        return false;
    c->pool[c->pool_count] = (term){part, c->terms[at->local], result};
    c->terms[at->local] = c->pool_count++;
    return true;
}

/* The sum of what arrived at the node's own value, not at its further results; NULL without a failure: nothing did. */
static ks_node *meet(chain *c, uint32_t i)
{
    uint32_t n = 0;
    ks_node *only = NULL;
    for (uint32_t t = c->terms[i]; t != UINT32_MAX; t = c->pool[t].next) {
        if (c->pool[t].result)
            continue;
        only = c->pool[t].node;
        n++;
    }
    if (n <= 1)
        return only;
    ks_node *few[16], **terms = n > 16 ? ks__get(c->g, n * sizeof *terms) : few;
    if (!terms)
        return NULL;
    uint32_t k = n;
    for (uint32_t t = c->terms[i]; t != UINT32_MAX; t = c->pool[t].next)
        if (!c->pool[t].result)
            terms[--k] = c->pool[t].node;
    ks_node *sum = ks_add_n_at(ks_node_place(c->list.nodes[i]), terms, (int)n);
    if (terms != few)
        ks__put(c->g, terms, n * sizeof *terms);
    return sum;
}

static bool record_node(chain *c, ks_node *node, ks_node *upstream)
{
    ks__backward *b = c->record;
    if (!b)
        return true;
    if (!ks__grow(c->g, &b->nodes, &b->node_capacity, b->count, sizeof *b->nodes) ||
        !ks__grow(c->g, &b->upstream, &b->upstream_capacity, b->count, sizeof *b->upstream))
        return false;
    b->nodes[b->count] = node;
    b->upstream[b->count++] = upstream;
    return true;
}

static bool record_edge(chain *c, ks__edge edge)
{
    ks__backward *b = c->record;
    if (!b)
        return true;
    if (!ks__grow(c->g, &b->edges, &b->edge_capacity, b->edge_count, sizeof *b->edges))
        return false;
    b->edges[b->edge_count++] = edge;
    return true;
}

/* All that arrived at the results of a node that has several. */
static int list_arrivals(const chain *c, uint32_t i, ks_arrival *arrivals)
{
    int n = 0;
    if (c->upstream[i])
        arrivals[n++] = (ks_arrival){0, c->upstream[i]};
    for (uint32_t t = c->terms[i]; t != UINT32_MAX; t = c->pool[t].next) {
        if (c->pool[t].result)
            arrivals[n++] = (ks_arrival){c->pool[t].result, c->pool[t].node};
    }
    for (int k = 1; k < n; k++) { /* in the order of results, whatever the order of arrival */
        for (int j = k; j > 0 && arrivals[j - 1].result > arrivals[j].result; j--) {
            ks_arrival swap = arrivals[j];
            arrivals[j] = arrivals[j - 1];
            arrivals[j - 1] = swap;
        }
    }
    return n;
}

/* The node answers for all its results and all its inputs at once. */
static bool pull_back(chain *c, uint32_t i)
{
    ks_node *node = c->list.nodes[i];
    uint32_t count = 1;
    for (uint32_t t = c->terms[i]; t != UINT32_MAX; t = c->pool[t].next)
        count++;
    size_t room = count * sizeof(ks_arrival) + node->n * (sizeof(ks_node *) + sizeof(bool));
    ks_arrival *arrivals = ks__get(c->g, room);
    if (!arrivals)
        return false;
    memset(arrivals, 0, room);
    ks_node **out = (ks_node **)(void *)(arrivals + count);
    bool *wanted = (bool *)(void *)(out + node->n);
    for (uint32_t k = 0; k < node->n; k++) {
        const ks_node *input = ks__inputs(node)[k];
        wanted[k] = ks__listed(&c->list, input) && c->depends[input->local] && ks__edge_passes(node, k);
    }
    bool good = node->op->pullbacks(node, arrivals, list_arrivals(c, i, arrivals), wanted, out);
    for (uint32_t k = 0; good && k < node->n; k++) {
        if (wanted[k] && out[k])
            good = arrive(c, ks__inputs(node)[k], 0, out[k]) && record_edge(c, (ks__edge){node, k, NULL, out[k]});
    }
    ks__put(c->g, arrivals, room);
    return good;
}

static bool pass_on(chain *c, uint32_t i)
{
    ks_node *node = c->list.nodes[i];
    if (node->op->flags & KS_OP_RESULT)
        return arrive(c, ks__inputs(node)[0], ks__result_index(node), c->upstream[i]);
    if (KS__HAS(node->op, pullbacks))
        return pull_back(c, i);
    for (uint32_t k = 0; k < node->n; k++) {
        ks_node *input = ks__inputs(node)[k], *partial;
        if (!ks__listed(&c->list, input) || !c->depends[input->local] || !ks__edge_passes(node, k))
            continue;
        ks_node *part = ks__contribution(node, k, c->upstream[i], &partial);
        if (!part && c->g->failure.code)
            return false;
        if (part && (!arrive(c, input, 0, part) || !record_edge(c, (ks__edge){node, k, partial, part})))
            return false;
    }
    return true;
}

static bool walk_back(chain *c, const ks_node *y, ks_node *seed)
{
    if (c->depends[y->local] && !arrive(c, y, 0, seed))
        return false;
    for (uint32_t i = c->list.count; i-- > 0;) {
        if (!c->depends[i] || c->terms[i] == UINT32_MAX)
            continue;
        c->upstream[i] = meet(c, i);
        if (!c->upstream[i] && c->g->failure.code)
            return false;
        ks_node *shown = c->upstream[i];
        if (c->record && !shown) /* only further results of it are used */
            shown = ks__filled_like(ks_node_place(c->list.nodes[i]), c->list.nodes[i], 0);
        if (!record_node(c, c->list.nodes[i], shown) || !pass_on(c, i))
            return false;
    }
    return true;
}

/* ---- gradients ----------------------------------------------------------------------------------------- */

/*
 * Walks back from y to what was marked in c->depends. A failure from before is put aside, so that one during the walk is
 * seen: an operation's NULL without one means that there is no derivative.
 */
static bool walk(chain *c, ks_place at, ks_node *y, ks_node *upstream)
{
    ks_graph *g = c->g;
    ks_failure earlier = g->failure;
    g->failure.code = KS_OK;
    ks__cut(g, g->count); /* what waits is not this event */
    uint32_t start = g->count;
    find_depends(c);
    ks_node *seed = upstream ? ks__as_like(at, upstream, y) : ks__filled_like(at, y, 1);
    bool good = seed && walk_back(c, y, seed);
    ks__mark_derived(g, start);
    if (earlier.code)
        g->failure = earlier;
    return good;
}

bool ks__chain_to(ks_place at, ks_node *y, ks_node *const *x, uint32_t n, ks_node *upstream, ks_node **out)
{
    chain c = {.g = y->graph};
    bool good = find_cone(&c, y, ks__lowest_id(x, n)) && prepare(&c);
    for (uint32_t i = 0; good && i < n; i++) {
        if (ks__listed(&c.list, x[i]))
            c.depends[x[i]->local] = true;
    }
    good = good && walk(&c, at, y, upstream);
    uint32_t start = y->graph->count;
    for (uint32_t i = 0; good && i < n; i++) {
        out[i] = ks__listed(&c.list, x[i]) ? c.upstream[x[i]->local] : NULL;
        if (!out[i])
            out[i] = ks__filled_like(at, x[i], 0);
        good = out[i] != NULL;
    }
    ks__mark_derived(y->graph, start);
    finish(&c);
    return good;
}

static const char gradients_event, backward_event;

bool ks_gradients_at(ks_place at, ks_node *y, ks_node *const *x, int count, ks_node *upstream, ks_node **out)
{
    if (!y || count <= 0 || !x || !out)
        return false;
    ks_graph *g = y->graph;
    if (!ks__derivable(at, g, "ks_gradients", y) || (upstream && !ks__check_like(at, "ks_gradients", "upstream", upstream, y)))
        return false;
    for (int i = 0; i < count; i++) {
        if (!ks__derivable(at, g, "ks_gradients", x[i]))
            return false;
    }
    size_t words = (size_t)count + 2;
    ks_node *few[18], **key = words > 18 ? ks__get(g, words * sizeof *key) : few;
    if (!key)
        return false;
    key[0] = y;
    key[1] = upstream;
    memcpy(key + 2, x, (size_t)count * sizeof *key);
    const void *given = ks__event_recognise(g, &gradients_event, key, words * sizeof *key);
    bool good = true;
    if (given) {
        memcpy(out, given, (size_t)count * sizeof *out);
    } else {
        uint32_t start = g->count;
        good = ks__chain_to(at, y, x, (uint32_t)count, upstream, out) &&
               ks__event_note(g, &gradients_event, start, key, words * sizeof *key, out, (size_t)count * sizeof *out);
    }
    if (key != few)
        ks__put(g, key, words * sizeof *key);
    return good;
}

ks_node *ks_gradient_at(ks_place at, ks_node *y, ks_node *x)
{
    ks_node *out;
    return y && x && ks_gradients_at(at, y, &x, 1, NULL, &out) ? out : NULL;
}

/* ---- backward ------------------------------------------------------------------------------------------ */

/* The trainable variables that y hangs on, in the order of their making. */
bool ks__trainable_under(ks_node *y, ks__list *out)
{
    chain c = {.g = y->graph};
    bool good = find_cone(&c, y, 0);
    for (uint32_t i = 0; good && i < c.list.count; i++) {
        ks_node *node = c.list.nodes[i];
        if (!ks_is_trainable(node))
            continue;
        good = ks__grow(c.g, &out->nodes, &out->capacity, out->count, sizeof *out->nodes);
        if (good)
            out->nodes[out->count++] = node;
    }
    finish(&c);
    return good;
}

static void set_gradients(ks_node *const *pairs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        pairs[2 * i]->aside->gradient = pairs[2 * i + 1]; /* a variable has its aside from the beginning */
}

/* What makes one ks_backward another: the loss, and which variables may be trained, a bit each. */
static size_t key_words(const ks_graph *g)
{
    return 2 + (g->variables.extent + 63) / 64;
}

static void fill_key(uint64_t *key, const ks_node *loss)
{
    const ks__stack *variables = &loss->graph->variables;
    memset(key, 0, key_words(loss->graph) * sizeof *key);
    key[0] = (uint64_t)(uintptr_t)loss;
    key[1] = variables->extent;
    for (uint32_t i = 0; i < variables->extent; i++) {
        if (ks_is_trainable(ks__stack_at(variables, i)))
            key[2 + i / 64] |= (uint64_t)1 << (i % 64);
    }
}

static bool make_gradients(ks_place at, ks_node *loss, const uint64_t *key, const ks__list *variables)
{
    ks_graph *g = loss->graph;
    size_t n = variables->count, room = (1 + 2 * n) * sizeof(uint64_t);
    uint32_t start = g->count;
    uint64_t *given = ks__get(g, room);
    ks_node **out = ks__get(g, n * sizeof *out);
    bool good = given && out && ks__chain_to(at, loss, variables->nodes, (uint32_t)n, NULL, out);
    if (good) {
        ks_node **pairs = (ks_node **)(void *)(given + 1);
        given[0] = n;
        for (size_t i = 0; i < n; i++) {
            pairs[2 * i] = variables->nodes[i];
            pairs[2 * i + 1] = out[i];
        }
        good = ks__event_note(g, &backward_event, start, key, key_words(g) * sizeof *key, given, room);
        if (good)
            set_gradients(pairs, n);
    }
    ks__put(g, given, room);
    ks__put(g, out, n * sizeof *out);
    return good;
}

static bool backward(ks_place at, ks_node *loss, const uint64_t *key)
{
    ks_graph *g = loss->graph;
    const uint64_t *given = ks__event_recognise(g, &backward_event, key, key_words(g) * sizeof *key);
    if (given) {
        set_gradients((ks_node *const *)(const void *)(given + 1), given[0]);
        return true;
    }
    ks__list variables = {0};
    bool good = ks__trainable_under(loss, &variables);
    if (good && !variables.count)
        good = ks__refuse(g, KS_NO_GRADIENT, at, "ks_backward: '%s' depends on no trainable variable", ks_name(loss));
    else if (good)
        good = make_gradients(at, loss, key, &variables);
    ks__list_free(g, &variables);
    return good;
}

bool ks_backward_at(ks_place at, ks_node *loss)
{
    if (!loss || !ks__derivable(at, loss->graph, "ks_backward", loss))
        return false;
    uint64_t few[16];
    size_t words = key_words(loss->graph);
    uint64_t *key = words > 16 ? ks__get(loss->graph, words * sizeof *key) : few;
    if (!key)
        return false;
    fill_key(key, loss);
    bool good = backward(at, loss, key);
    if (key != few)
        ks__put(loss->graph, key, words * sizeof *key);
    return good;
}

ks_node *ks_grad(const ks_node *variable)
{
    ks_node *gradient = variable && variable->aside ? variable->aside->gradient : NULL;
    return gradient && ks__alive(gradient) ? gradient : NULL;
}

/* ---- for traces ---------------------------------------------------------------------------------------- */

bool ks__backward_walk(ks_node *y, ks_node *upstream, ks_graph *g, ks__backward *out)
{
    *out = (ks__backward){0};
    if (!ks__derivable(KS__NOWHERE, g, "trace", y) || (upstream && !ks__check_like(KS__NOWHERE, "trace", "upstream", upstream, y)))
        return false;
    chain c = {.g = g, .record = out};
    bool good = find_cone(&c, y, 0) && prepare(&c);
    for (uint32_t i = 0; good && i < c.list.count; i++)
        c.depends[i] = (c.list.nodes[i]->op->flags & KS_OP_LEAF) != 0 || c.list.nodes[i] == y;
    good = good && walk(&c, ks_node_place(y), y, upstream);
    finish(&c);
#ifdef KS_TORTURE
    good = good && ks__backward_holds(g, out);
#endif
    return good;
}

void ks__backward_free(ks_graph *g, ks__backward *b)
{
    ks__put(g, b->nodes, b->node_capacity * sizeof *b->nodes);
    ks__put(g, b->upstream, b->upstream_capacity * sizeof *b->upstream);
    ks__put(g, b->edges, b->edge_capacity * sizeof *b->edges);
    *b = (ks__backward){0};
}
