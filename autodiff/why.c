/*
 * autodiff/why.c - why a derivative is zero or missing: where the path from x to y ends.
 */
#include "autodiff/gradient.h"
#include "autodiff/private.h"
#include "graph/list.h"
#include "keisan/autodiff.h"

#include <stdio.h>
#include <string.h>

typedef struct path {
    ks__list list;
    bool silent;     /* the path ends where an operation answers nothing for that input */
    ks_graph *aside; /* where operations are asked for their derivatives */
    uint8_t *state;  /* 1: hangs on x at all, 2: by edges that a derivative passes */
} path;

/* ---- what an operation answers ------------------------------------------------------------------------- */

/* A stand-in for the input: its dtype and shape, open dimensions open; constants and numbers with their values. */
static ks_node *stand_in(ks_graph *g, const ks_node *input, uint32_t k)
{
    char name[32];
    ks_shape shape = input->dims->shape;
    if (input->op->flags & KS_OP_NUMBER)
        return ks_number(g, input->data.number);
    if (input->op->flags & KS_OP_CONSTANT)
        return ks_constant(g, (ks_dtype)input->dtype, input->value->dims->shape, input->value->block->data);
    for (int i = 0; i < shape.rank; i++)
        shape.dim[i] = shape.dim[i] < 0 ? KS_ANY : shape.dim[i];
    snprintf(name, sizeof name, "i%u_%u", g->count, k);
    return ks_input(g, name, (ks_dtype)input->dtype, shape);
}

/* Whether the operation says by an empty answer that it has no derivative with respect to input k. It is asked in the graph aside; what
 * can't be put there (open sizes among its attributes) is taken to have one. */
static bool answers_nothing(path *p, const ks_node *node, uint32_t k)
{
    ks_graph *g = p->aside;
    ks_node *few[8];
    if (!g || node->n > 8 || node->op->flags & KS_OP_RESULT || KS__HAS(node->op, pullbacks))
        return false;
    for (uint32_t i = 0; i < node->n; i++)
        few[i] = stand_in(g, ks__inputs(node)[i], i);
    ks_node *y = ks_apply(g, node->op, few, (int)node->n, ks__attrs(node)), *u = ks_identity(y), *out = NULL;
    if (u && node->op->partial)
        out = node->op->partial(y, (int)k);
    else if (u && node->op->pullback)
        out = node->op->pullback(y, (int)k, u);
    bool nothing = u && !out && !ks_error(g);
    ks_error_clear(g);
    ks_graph_release(g, 0);
    return nothing;
}

/* ---- the path ------------------------------------------------------------------------------------------ */

/* The first node at which a path that a derivative could follow so far goes on only by edges that none passes. */
static const ks_node *where_it_ends(path *p, const ks_node *x)
{
    const ks_node *end = NULL;
    for (uint32_t i = 0; i < p->list.count; i++) {
        const ks_node *node = p->list.nodes[i];
        if (node == x)
            p->state[i] = 3;
        for (uint32_t k = 0; k < node->n; k++) {
            uint8_t before = p->state[ks__inputs(node)[k]->local];
            p->state[i] |= before & 1;
            bool passes = before & 2 && ks__edge_passes(node, k) && !answers_nothing(p, node, k);
            if (passes) {
                p->state[i] |= 2;
            } else if (before & 2 && !end) {
                end = node;
                p->silent = ks__edge_passes(node, k);
            }
        }
    }
    return end;
}

static const char *reason(const ks_node *node, bool silent)
{
    if (node->op->flags & KS_OP_STOP)
        return "it stops derivatives";
    if (node->op->flags & KS_OP_EFFECT)
        return "an effect has no derivative";
    if (node->op->no_derivative)
        return node->op->no_derivative;
    if (!ks__is_float(node))
        return "its result is no f32 or f64";
    return silent ? "it has no derivative with respect to that input" : "only a shape or an index is taken from it there";
}

/* Fills in the sentence; leaves it empty where there is a path. */
static void say(path *p, const ks_node *y, const ks_node *x, char text[KS_MESSAGE_BYTES])
{
    const ks_node *end = where_it_ends(p, x);
    uint8_t state = p->state[y->local];
    if (!(state & 1))
        snprintf(text, KS_MESSAGE_BYTES, "'%.100s' does not depend on '%.100s'", ks_name(y), ks_name(x));
    else if (!ks__is_float(x))
        snprintf(text, KS_MESSAGE_BYTES, "'%.100s' is %s, and only f32 and f64 have derivatives", ks_name(x),
                 ks_dtype_name((ks_dtype)x->dtype));
    else if (!(state & 2) && end)
        snprintf(text, KS_MESSAGE_BYTES, "the path from '%.100s' to '%.100s' ends at '%.100s' (%s): %s", ks_name(x), ks_name(y),
                 ks_name(end), end->op->name, reason(end, p->silent));
}

const char *ks_why_no_gradient(ks_node *y, ks_node *x)
{
    if (!ks__usable(y) || !ks__usable(x) || y->graph != x->graph)
        return NULL;
    ks_graph *g = y->graph;
    path p = {.aside = ks__private_graph(g, false)};
    char text[KS_MESSAGE_BYTES] = "";
    uint32_t count = 0;
    if (ks__list_reach(g, &p.list, &y, 1)) {
        count = p.list.count;
        p.state = ks__get(g, count);
    }
    if (p.state) {
        memset(p.state, 0, count);
        say(&p, y, x, text);
    }
    ks__put(g, p.state, count);
    ks__list_free(g, &p.list);
    ks_graph_free(p.aside);
    ks__text_put(g, g->text);
    g->text = text[0] ? ks__text_copy(g, text) : NULL;
    return g->text;
}
