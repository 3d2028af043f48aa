/*
 * autodiff/forward.c - forward chaining: tangents along the graph.
 *
 * From the x upwards in the order of ascending ids, a node's tangent is the sum of what its inputs' tangents give it: tangent times
 * local partial, what is linear applied to the tangent itself, or the transpose of the pullback. Zero tangents are not made:
 * where none arrives, there is none. All of these are ordinary nodes.
 */
#include "autodiff/gradient.h"
#include "graph/list.h"
#include "keisan/autodiff.h"
#include "ops/family.h"

#include <string.h>

#define NOT_THERE UINT32_MAX

/* The nodes between the x and the y, in the order of ids, and the tangent of each. Walks within this one number nodes anew, so
 * where inputs stand is written down. */
typedef struct forward {
    ks_graph *g;
    ks__list list;
    uint32_t *first;   /* [count + 1] where the inputs of each node begin in `from` */
    uint32_t *from;    /* the position of each input; NOT_THERE where no derivative passes */
    ks_node **tangent; /* [count]; NULL: zero */
    uint32_t edges;
} forward;

static void finish(forward *f)
{
    size_t n = f->list.count;
    ks__put(f->g, f->first, f->first ? (n + 1) * sizeof *f->first : 0);
    ks__put(f->g, f->from, f->from ? (f->edges + 1) * sizeof *f->from : 0);
    ks__put(f->g, f->tangent, f->tangent ? n * sizeof *f->tangent : 0);
    ks__list_free(f->g, &f->list);
}

/* Notes where every node's inputs stand. */
static bool prepare(forward *f)
{
    uint32_t n = f->list.count, edges = 0;
    for (uint32_t i = 0; i < n; i++)
        edges += f->list.nodes[i]->n;
    f->edges = edges;
    f->first = ks__get(f->g, (n + 1) * sizeof *f->first);
    f->from = ks__get(f->g, (edges + 1) * sizeof *f->from);
    f->tangent = ks__get(f->g, n * sizeof *f->tangent);
    if (!f->first || !f->from || !f->tangent)
        return false;
    memset(f->tangent, 0, n * sizeof *f->tangent);
    uint32_t e = 0;
    for (uint32_t i = 0; i < n; i++) {
        const ks_node *node = f->list.nodes[i];
        f->first[i] = e;
        for (uint32_t k = 0; k < node->n; k++, e++) {
            const ks_node *input = ks__inputs(node)[k];
            bool there = ks__listed(&f->list, input) && ks__edge_passes(node, k);
            f->from[e] = there ? input->local : NOT_THERE;
        }
    }
    f->first[n] = e;
    return true;
}

/* ---- what one edge gives ------------------------------------------------------------------------------- */

/* The part of y's tangent as y is: broadcasting may have spread y's input. */
static ks_node *spread(ks_node *y, ks_node *part)
{
    ks_place at = ks_node_place(y);
    if (!part || part->op->flags & KS_OP_NUMBER)
        return part ? ks__as_like(at, part, y) : NULL;
    return ks__same_dims(part, y) ? part : ks_expand_at(at, part, y, KS_ABSENT);
}

/*
 * The pullback takes an upstream w to x_i linearly; its transpose takes x_i's tangent to y's. So the tangent is the gradient of
 * pullback(y, i, w) with respect to w, with x_i's tangent arriving. w is not evaluated, but has y's shape and dtype.
 */
static ks_node *transposed(ks_node *y, uint32_t i, ks_node *tangent)
{
    ks_place at = ks_node_place(y);
    ks_node *w = ks_identity_at(at, y), *back = w ? y->op->pullback(y, (int)i, w) : NULL, *out;
    return back && ks__chain_to(at, back, &w, 1, ks__as_like(at, tangent, back), &out) ? out : NULL;
}

/* y's operation on other inputs. */
static ks_node *applied(ks_node *y, ks_node *const *inputs)
{
    return ks__compose(ks_node_place(y), y->graph, y->op, inputs, y->n, ks__attrs(y));
}

/* The operation with the tangent in place of input i. */
static ks_node *applied_to(ks_node *y, uint32_t i, ks_node *tangent)
{
    ks_node *few[8], **inputs = y->n > 8 ? ks__get(y->graph, y->n * sizeof *inputs) : few;
    if (!inputs)
        return NULL;
    memcpy(inputs, ks__inputs(y), y->n * sizeof *inputs);
    inputs[i] = tangent;
    ks_node *out = applied(y, inputs);
    if (inputs != few)
        ks__put(y->graph, inputs, y->n * sizeof *inputs);
    return out;
}

static ks_node *contribution(ks_node *y, uint32_t i, ks_node *tangent)
{
    if (y->op->partial) {
        ks_node *partial = ks_local_partial(y, (int)i);
        return partial ? spread(y, ks__chained(y, i, tangent, partial)) : NULL;
    }
    uint32_t passing = 0;
    for (uint32_t k = 0; k < y->n; k++)
        passing += ks__edge_passes(y, k);
    if (!y->op->pullback)
        return ks__null(y->graph, KS_NO_GRADIENT, ks_node_place(y),
                        "ks_jvp: %s '%s' has pullbacks and no pushforwards: give its operation both", ks__head(y)->op->name, ks_name(y));
    bool itself = (y->op->flags & KS_OP_LINEAR) && !(y->op->flags & KS_OP_RANDOM); /* who draws again draws other numbers */
    return itself && (passing == 1 || y->op->flags & KS_OP_PRODUCT) ? applied_to(y, i, tangent) : transposed(y, i, tangent);
}

/* ---- what is linear in all inputs together ------------------------------------------------------------- */

static ks_node *zero_like(ks_place at, ks_node *x)
{
    return x->op->flags & KS_OP_NUMBER ? ks_number_at(at, x->graph, 0) : ks__filled_like(at, x, 0);
}

/* The operation itself on all tangents at once, zero where none arrived. */
static ks_node *applied_to_all(const forward *f, uint32_t i)
{
    ks_node *y = f->list.nodes[i], *few[8], **inputs = y->n > 8 ? ks__get(f->g, y->n * sizeof *inputs) : few;
    if (!inputs)
        return NULL;
    bool good = true;
    for (uint32_t k = 0; good && k < y->n; k++) {
        uint32_t from = f->from[f->first[i] + k];
        inputs[k] = ks__inputs(y)[k];
        if (from != NOT_THERE && f->tangent[from])
            inputs[k] = f->tangent[from];
        else if (ks__edge_passes(y, k))
            inputs[k] = zero_like(ks_node_place(y), inputs[k]);
        good = inputs[k] != NULL;
    }
    ks_node *out = good ? applied(y, inputs) : NULL;
    if (inputs != few)
        ks__put(f->g, inputs, y->n * sizeof *inputs);
    return out;
}

/* ---- what has several results -------------------------------------------------------------------------- */

/* Where the node stands that makes node i's value: itself, or its head. */
static uint32_t head_of(const forward *f, uint32_t i)
{
    return f->list.nodes[i]->op->flags & KS_OP_RESULT ? f->from[f->first[i]] : i;
}

static ks_node *pushed(forward *f, uint32_t i)
{
    uint32_t h = head_of(f, i);
    ks_node *head = f->list.nodes[h], **tangents = ks__get(f->g, (head->n + 1) * sizeof *tangents);
    if (!tangents)
        return NULL;
    for (uint32_t k = 0; k < head->n; k++) {
        uint32_t from = f->from[f->first[h] + k];
        tangents[k] =
            from == NOT_THERE || !f->tangent[from] ? NULL : ks__as_like(ks_node_place(head), f->tangent[from], ks__inputs(head)[k]);
    }
    ks_node *out = head->op->pushforwards(head, tangents, ks__result_index(f->list.nodes[i]));
    ks__put(f->g, tangents, (head->n + 1) * sizeof *tangents);
    return out;
}

/* ---- the walk ------------------------------------------------------------------------------------------ */

static bool any_arrives(const forward *f, uint32_t i)
{
    i = head_of(f, i);
    if (i == NOT_THERE)
        return false;
    for (uint32_t e = f->first[i]; e < f->first[i + 1]; e++) {
        if (f->from[e] != NOT_THERE && f->tangent[f->from[e]])
            return true;
    }
    return false;
}

/* The sum of what the inputs' tangents give, and of what was given for the node itself if it is an x. */
static bool meet(forward *f, uint32_t i)
{
    ks_node *y = f->list.nodes[i];
    size_t room = (y->n + 1) * sizeof(ks_node *);
    ks_node *few[9], **terms = y->n > 8 ? ks__get(f->g, room) : few;
    if (!terms)
        return false;
    uint32_t n = 0;
    if (f->tangent[i])
        terms[n++] = f->tangent[i];
    bool several = KS__HAS(ks__head(y)->op, pushforwards);
    bool good = true, joint = several || (y->op->flags & KS_OP_JOINT && !y->op->partial);
    if (several && ks__is_float(y))
        good = (terms[n++] = pushed(f, i)) != NULL;
    else if (joint && !several)
        good = (terms[n++] = applied_to_all(f, i)) != NULL;
    for (uint32_t k = 0; good && !joint && k < y->n; k++) {
        uint32_t from = f->from[f->first[i] + k];
        if (from == NOT_THERE || !f->tangent[from])
            continue;
        terms[n] = contribution(y, k, f->tangent[from]);
        good = terms[n] || !f->g->failure.code;
        n += terms[n] != NULL;
    }
    if (good && n)
        good = (f->tangent[i] = n == 1 ? terms[0] : ks_add_n_at(ks_node_place(y), terms, (int)n)) != NULL;
    if (terms != few)
        ks__put(f->g, terms, room);
    return good;
}

/* A failure from before is put aside, so that one during the walk is seen. */
static bool walk(forward *f, ks_place at, ks_node *const *x, ks_node *const *tangents, uint32_t n)
{
    ks_graph *g = f->g;
    ks_failure earlier = g->failure;
    bool good = true;
    g->failure.code = KS_OK;
    for (uint32_t i = 0; good && i < n; i++) {
        if (!ks__listed(&f->list, x[i]))
            continue;
        ks_node *given = ks__as_like(at, tangents[i], x[i]), **place = &f->tangent[x[i]->local];
        good = given && (*place = *place ? ks_add_at(at, *place, given) : given);
    }
    for (uint32_t i = 0; good && i < f->list.count; i++)
        good = !any_arrives(f, i) || meet(f, i);
    if (earlier.code)
        g->failure = earlier;
    return good;
}

static bool push(ks_place at, ks_node *const *y, uint32_t m, ks_node *const *x, ks_node *const *tangents, uint32_t n, ks_node **out)
{
    ks_graph *g = y[0]->graph;
    forward f = {.g = g};
    uint32_t start = g->count;
    bool good = ks__cone(g, &f.list, y, m, ks__lowest_id(x, n)) && prepare(&f);
    size_t room = m * sizeof(uint32_t);
    uint32_t *where = good ? ks__get(g, room) : NULL; /* walks within number the nodes anew */
    for (uint32_t i = 0; where && i < m; i++)
        where[i] = y[i]->local;
    good = where && walk(&f, at, x, tangents, n);
    for (uint32_t i = 0; good && i < m; i++) {
        out[i] = f.tangent[where[i]] ? f.tangent[where[i]] : ks__filled_like(at, y[i], 0);
        good = out[i] != NULL;
    }
    ks__put(g, where, where ? room : 0);
    ks__mark_derived(g, start);
    finish(&f);
    return good;
}

/* ---- the calls ----------------------------------------------------------------------------------------- */

static bool check(ks_place at, ks_node *const *y, int m, ks_node *const *x, ks_node *const *tangents, int n)
{
    for (int i = 0; i < m; i++) {
        if (!y[i] || !ks__derivable(at, y[0]->graph, "ks_jvp", y[i]))
            return false;
    }
    for (int i = 0; i < n; i++) {
        if (!ks__derivable(at, y[0]->graph, "ks_jvp", x[i]) || !tangents[i] || !ks__check_like(at, "ks_jvp", "tangent", tangents[i], x[i]))
            return false;
    }
    return true;
}

static const char jvps_event;

bool ks_jvps_at(ks_place at, ks_node *const *y, int m, ks_node *const *x, ks_node *const *tangents, int n, ks_node **out)
{
    if (!y || m <= 0 || !x || !tangents || n <= 0 || !out || !check(at, y, m, x, tangents, n))
        return false;
    ks_graph *g = y[0]->graph;
    size_t words = 1 + (size_t)m + 2 * (size_t)n;
    ks_node *few[18], **key = words > 18 ? ks__get(g, words * sizeof *key) : few;
    if (!key)
        return false;
    key[0] = (ks_node *)(uintptr_t)m; /* where the y end and the x begin */
    memcpy(key + 1, y, (size_t)m * sizeof *key);
    memcpy(key + 1 + m, x, (size_t)n * sizeof *key);
    memcpy(key + 1 + m + n, tangents, (size_t)n * sizeof *key);
    const void *given = ks__event_recognise(g, &jvps_event, key, words * sizeof *key);
    bool good = true;
    if (given) {
        memcpy(out, given, (size_t)m * sizeof *out);
    } else {
        ks__cut(g, g->count); /* what waits is not this event */
        uint32_t start = g->count;
        good = push(at, y, (uint32_t)m, x, tangents, (uint32_t)n, out) &&
               ks__event_note(g, &jvps_event, start, key, words * sizeof *key, out, (size_t)m * sizeof *out);
    }
    if (key != few)
        ks__put(g, key, words * sizeof *key);
    return good;
}

ks_node *ks_jvp_at(ks_place at, ks_node *y, ks_node *const *x, ks_node *const *tangents, int count)
{
    ks_node *out;
    return y && ks_jvps_at(at, &y, 1, x, tangents, count, &out) ? out : NULL;
}
