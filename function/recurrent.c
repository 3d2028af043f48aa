/*
 * function/recurrent.c - whole sequences through recurrent nets.
 *
 * What the input contributes to a gate is one tall product over all steps, made before the scan; in the scan only the state is multiplied.
 * Each gate has a product of its own, so that nothing is cut apart or put together again from step to step, neither forward nor back.
 */
#include "function/function.h"
#include "ops/sequence/cells.h"

#include <keisan/sequence.h>
#include <stdio.h>

/* One kind of net: what a step makes of its gates' parts. */
typedef struct net {
    const char *name;
    int gates, states;
    /* x[gates]: from the input; state[states]; u[gates]; c: the state's bias of the last gate, where it is apart. */
    bool (*step)(const ks_recurrent_options *o, ks_node *const *x, ks_node *const *state, ks_node *const *u, ks_node *c, ks_node **next);
} net;

#define MAX_STATES 2

/* ---- steps --------------------------------------------------------------------------------------------- */

static ks_node *gate(ks_node *x, ks_node *h, ks_node *u)
{
    return ks_add_at(KS__NOWHERE, x, ks_matmul_at(KS__NOWHERE, h, u));
}

static bool rnn_step(const ks_recurrent_options *o, ks_node *const *x, ks_node *const *state, ks_node *const *u, ks_node *c, ks_node **next)
{
    (void)c;
    next[0] = ks__rnn_next(KS__NOWHERE, gate(x[0], state[0], u[0]), o->activation);
    return next[0] != NULL;
}

static bool lstm_step(const ks_recurrent_options *o, ks_node *const *x, ks_node *const *state, ks_node *const *u, ks_node *c,
                      ks_node **next)
{
    (void)o, (void)c;
    ks_node *gates[4];
    for (int g = 0; g < 4; g++)
        gates[g] = gate(x[g], state[0], u[g]);
    return ks__lstm_next(KS__NOWHERE, gates, state[1], &next[0], &next[1]);
}

static bool gru_step(const ks_recurrent_options *o, ks_node *const *x, ks_node *const *state, ks_node *const *u, ks_node *c, ks_node **next)
{
    ks_place at = KS__NOWHERE;
    ks_node *h = state[0], *r = ks_sigmoid_at(at, gate(x[0], h, u[0])), *n;
    if (o->form == KS_RESET_BEFORE) {
        n = gate(x[2], ks_mul_at(at, r, h), u[2]);
    } else {
        ks_node *part = ks_matmul_at(at, h, u[2]);
        n = ks_add_at(at, x[2], ks_mul_at(at, r, part && c ? ks_add_at(at, part, c) : part));
    }
    next[0] = ks__gru_next(at, h, gate(x[1], h, u[1]), ks_tanh_at(at, n));
    return next[0] != NULL;
}

static const net rnn = {"rnn", 1, 1, rnn_step}, lstm = {"lstm", 4, 2, lstm_step}, gru = {"gru", 3, 1, gru_step};

/* ---- the body of the scan ------------------------------------------------------------------------------ */

static bool same_node(const ks_node *a, const ks_node *b)
{
    if (a->op != b->op || a->n != b->n || a->dtype != b->dtype || !ks__shape_equal(&a->dims->shape, &b->dims->shape) ||
        (ks_is_number(a) && ks_number_value(a) != ks_number_value(b)))
        return false;
    for (uint32_t i = 0; i < a->n; i++) {
        if (ks__inputs(a)[i]->id != ks__inputs(b)[i]->id)
            return false;
    }
    return (a->op->flags & KS_OP_LEAF) || !a->op->attrs_size || !memcmp(ks__attrs(a), ks__attrs(b), a->op->attrs_size);
}

static bool same_function(const ks_function *a, const ks_function *b)
{
    bool same = !strcmp(a->name, b->name) && a->graph->count == b->graph->count && ks__function_outputs(a) == ks__function_outputs(b);
    for (uint32_t i = 0; same && i < a->graph->count; i++)
        same = same_node(ks__stack_at(&a->graph->nodes, i), ks__stack_at(&b->graph->nodes, i));
    for (uint32_t i = 0; same && i < ks__function_outputs(a); i++)
        same = ks__function_output(a, i)->id == ks__function_output(b, i)->id;
    return same;
}

/* The function that the graph has already, if it is the same: composed anew, a net is then found again with its plans. Takes f over. */
static ks_function *known(ks_graph *g, ks_function *f)
{
    for (uint32_t i = 0; f && i < g->function_count; i++) {
        if (same_function(g->functions[i], f)) {
            ks_function_free(f);
            return ks_function_retain(g->functions[i]);
        }
    }
    return f;
}

/* One direction of one layer at work. */
typedef struct layer {
    ks_place at;
    ks_graph *g;
    const net *kind;
    const ks_recurrent_options *o;
    const ks_recurrent_weights *weights;
    int64_t hidden;
    bool reverse;
    ks_node *x, *alive;         /* [T, N, in]; [T, N, 1]: whether a row goes on, or NULL */
    ks_node *state[MAX_STATES]; /* first ones, [N, H] */
    bool bias;                  /* the last gate's bias beside the state's product is apart */
} layer;

typedef struct parts {
    ks_node *x[KS__MAX_GATES], *state[MAX_STATES], *u[KS__MAX_GATES], *alive, *c;
} parts;

static ks_node *parameter(ks_graph *g, const char *kind, int number, ks_dtype dtype, ks_shape shape)
{
    char name[32];
    snprintf(name, sizeof name, "%s_%d", kind, number);
    return ks_input_at(KS__NOWHERE, g, name, dtype, shape);
}

/* States, rows, constants. */
static void add_parameters(const layer *l, ks_graph *g, parts *p)
{
    ks_dtype dtype = ks_node_dtype(l->x);
    int64_t rows = ks_dim(g, "N"), hidden = l->hidden;
    for (int i = 0; i < l->kind->states; i++)
        p->state[i] = parameter(g, "state", i, dtype, KS_SHAPE(rows, hidden));
    for (int i = 0; i < l->kind->gates; i++)
        p->x[i] = parameter(g, "x", i, dtype, KS_SHAPE(rows, hidden));
    p->alive = l->alive ? parameter(g, "alive", 0, KS_BOOL, KS_SHAPE(rows, 1)) : NULL;
    for (int i = 0; i < l->kind->gates; i++)
        p->u[i] = parameter(g, "u", i, dtype, KS_SHAPE(hidden, hidden));
    p->c = l->bias ? parameter(g, "c", 0, dtype, KS_SHAPE(hidden)) : NULL;
}

/* A row that has ended keeps its states and gives zeros. */
static bool add_results(const layer *l, ks_graph *g, const parts *p, ks_node **next)
{
    ks_place at = KS__NOWHERE;
    ks_node *y = next[0];
    if (p->alive) {
        y = ks_where_at(at, p->alive, next[0], ks_number_at(at, g, 0));
        for (int i = 0; i < l->kind->states; i++)
            next[i] = ks_where_at(at, p->alive, next[i], p->state[i]);
    }
    bool good = true;
    for (int i = 0; good && i < l->kind->states; i++)
        good = ks_output(g, i ? "c" : "h", next[i]) != NULL;
    return good && ks_output(g, "y", y);
}

static ks_function *body_of(const layer *l)
{
    ks_graph *g = ks__graph_beside(l->g);
    if (!g)
        return ks__null(l->g, KS_NO_MEMORY, l->at, "%s: no memory for its step", l->kind->name);
    parts p;
    ks_node *next[MAX_STATES];
    add_parameters(l, g, &p);
    bool good = l->kind->step(l->o, p.x, p.state, p.u, p.c, next) && add_results(l, g, &p, next);
    ks_function *f = good ? ks_function_new(l->kind->name, g) : NULL;
    if (!f) {
        ks__refuse(l->g, g->failure.code ? g->failure.code : KS_NO_MEMORY, l->at, "%s: its step: %s", l->kind->name,
                   g->failure.code ? g->failure.message : "no memory");
        ks_graph_free(g);
    }
    return known(l->g, f);
}

/* ---- a layer ------------------------------------------------------------------------------------------- */

/* What of the biases is added to the input's product, for each gate; the state's, where that is not the same. */
static bool split_biases(const layer *l, ks_node **bias, ks_node **apart)
{
    ks_node *b[KS__MAX_GATES], *c[KS__MAX_GATES];
    int last = l->kind->gates - 1;
    if (!ks__split_gates(l->at, l->weights->b, l->kind->gates, l->hidden, b) ||
        !ks__split_gates(l->at, l->weights->c, l->kind->gates, l->hidden, c))
        return false;
    *apart = l->bias ? c[last] : NULL;
    for (int i = 0; i <= last; i++) {
        bias[i] = l->bias && i == last ? b[i] : ks__add_given(l->at, b[i], c[i]);
        if ((b[i] || c[i]) && !bias[i] && !(l->bias && i == last))
            return false;
    }
    return true;
}

/* The arguments of the scan, in the order of add_parameters; how many, or 0 on failure. */
static int fill_arguments(const layer *l, ks_node **arguments, int *scanned)
{
    ks_node *w[KS__MAX_GATES], *u[KS__MAX_GATES], *bias[KS__MAX_GATES], *apart;
    int n = 0, gates = l->kind->gates;
    if (!ks__split_gates(l->at, l->weights->w, gates, l->hidden, w) || !ks__split_gates(l->at, l->weights->u, gates, l->hidden, u) ||
        !split_biases(l, bias, &apart))
        return 0;
    for (int i = 0; i < l->kind->states; i++)
        arguments[n++] = l->state[i];
    for (int i = 0; i < gates; i++) {
        ks_node *x = ks_matmul_at(l->at, l->x, w[i]);
        arguments[n++] = x && bias[i] ? ks_add_at(l->at, x, bias[i]) : x;
    }
    if (l->alive)
        arguments[n++] = l->alive;
    *scanned = gates + (l->alive != NULL);
    /* Without states that were given there are zeros, of a shape that the rows tell. */
    for (int i = 0; i < l->kind->states; i++) {
        if (!arguments[i])
            arguments[i] = ks_full_like_at(l->at, ks_sum_at(l->at, arguments[l->kind->states], KS_INTS(0), false), 0);
    }
    for (int i = 0; i < gates; i++)
        arguments[n++] = u[i];
    if (l->bias)
        arguments[n++] = apart;
    return n;
}

/* out: last states, then [T, N, H] of all steps. */
static bool run_layer(layer *l, ks_node **out)
{
    ks_node *arguments[MAX_STATES + 2 * KS__MAX_GATES + 2];
    ks_scan_options options = {.size = sizeof options, .states = l->kind->states, .reverse = l->reverse, .recompute = l->o->recompute};
    if (!fill_arguments(l, arguments, &options.scanned))
        return false;
    ks_function *body = body_of(l);
    bool good = body && ks_scan_at(l->at, body, arguments, &options, out);
    ks_function_free(body);
    return good;
}

/* ---- all layers ---------------------------------------------------------------------------------------- */

static bool check(ks_place at, const net *kind, ks_node *x, const ks_recurrent_options *o)
{
    ks_graph *g = x->graph;
    char text[KS__SHAPE_TEXT];
    if (ks__rank(x) != 3)
        return ks__refuse(g, KS_BAD_SHAPE, at, "%s: x is '%.100s' %s: give %s", kind->name, ks_name(x),
                          ks__shape_text(g, &x->dims->shape, text), o->batch_first ? "[N, T, in]" : "[T, N, in]");
    if (o->layers < 0)
        return ks__refuse(g, KS_BAD_ARGUMENT, at, "%s: %d layers: give 1 or more", kind->name, o->layers);
    if (!(o->dropout >= 0 && o->dropout < 1))
        return ks__refuse(g, KS_BAD_ARGUMENT, at, "%s: dropout is a share in [0, 1)", kind->name);
    if (o->c && kind->states < 2)
        return ks__refuse(g, KS_BAD_ARGUMENT, at, "%s: it has no state c: leave it NULL", kind->name);
    if (o->lengths && (!ks__usable(o->lengths) || ks__rank(o->lengths) != 1 || !(KS_INTEGERS & 1u << o->lengths->dtype)))
        return ks__refuse(g, KS_BAD_SHAPE, at, "%s: lengths are whole numbers [N], one for each row", kind->name);
    for (int i = 0; i < 2; i++) {
        ks_node *state = i ? o->c : o->h;
        if (state && (!ks__usable(state) || ks__rank(state) != 3))
            return ks__refuse(g, KS_BAD_SHAPE, at, "%s: first states are [layers directions, N, H]", kind->name);
    }
    return true;
}

/* [T, N, 1]: step t is one of row n. */
static ks_node *alive_rows(ks_place at, ks_node *x, ks_node *lengths)
{
    ks_node *steps = ks_unsqueeze_at(at, ks_positions_at(at, x, 0), KS_INTS(1));
    return ks_unsqueeze_at(at, ks_less_at(at, steps, ks_cast_at(at, lengths, KS_I64)), KS_INTS(2));
}

typedef struct stack {
    layer layer;
    int directions, layers;
    ks_node **last[MAX_STATES]; /* [layers directions] */
} stack;

static ks_node *first_state(const stack *s, ks_node *given, int number)
{
    ks_place at = s->layer.at;
    return given ? ks_squeeze_at(at, ks_slice_at(at, given, 0, number, number + 1), KS_INTS(0)) : NULL;
}

static bool run_direction(stack *s, const ks_recurrent_weights *weights, int number, ks_node **y)
{
    layer *l = &s->layer;
    ks_node *out[MAX_STATES + 1], *given[] = {l->o->h, l->o->c};
    l->weights = &weights[number];
    l->reverse = l->o->reading == KS_READ_BACKWARD || number % s->directions == 1;
    l->bias = l->kind == &gru && l->o->form == KS_RESET_AFTER && weights[number].c;
    if (!ks__check_weights(l->at, l->kind->name, l->x, l->weights, l->kind->gates, &l->hidden))
        return false;
    for (int i = 0; i < l->kind->states; i++) {
        l->state[i] = first_state(s, given[i], number);
        if (given[i] && !l->state[i])
            return false;
    }
    if (!run_layer(l, out))
        return false;
    for (int i = 0; i < l->kind->states; i++)
        s->last[i][number] = out[i];
    *y = out[l->kind->states];
    return true;
}

static bool run_all(stack *s, const ks_recurrent_weights *weights, ks_recurrent_results *out)
{
    layer *l = &s->layer;
    for (int n = 0; n < s->layers; n++) {
        ks_node *y[2];
        for (int d = 0; d < s->directions; d++) {
            if (!run_direction(s, weights, n * s->directions + d, &y[d]))
                return false;
        }
        l->x = s->directions == 2 ? ks_concat_at(l->at, y, 2, 2) : y[0];
        if (l->o->dropout > 0 && n + 1 < s->layers)
            l->x = ks_dropout_at(l->at, l->x, l->o->dropout, KS_DROPOUT_INVERTED);
    }
    int count = s->layers * s->directions;
    out->y = l->o->batch_first ? ks_swapaxes_at(l->at, l->x, 0, 1) : l->x;
    out->h = ks_stack_at(l->at, s->last[0], count, 0);
    out->c = l->kind->states > 1 ? ks_stack_at(l->at, s->last[1], count, 0) : NULL;
    return out->y && out->h && (out->c || l->kind->states == 1);
}

static bool recurrent(ks_place at, const net *kind, ks_node *x, const ks_recurrent_weights *weights, const ks_recurrent_options *options,
                      ks_recurrent_results *out)
{
    ks_recurrent_options o = KS_RECURRENT_OPTIONS_DEFAULT;
    if (options)
        memcpy(&o, options, options->size < sizeof o ? options->size : sizeof o);
    if (!ks__usable(x) || !weights || !out || !check(at, kind, x, &o))
        return false;
    if (o.batch_first)
        x = ks_swapaxes_at(at, x, 0, 1);
    stack s = {.layer = {.at = at, .g = x->graph, .kind = kind, .o = &o, .x = x}, .layers = o.layers ? o.layers : 1};
    s.directions = o.reading == KS_READ_BOTH ? 2 : 1;
    size_t count = (size_t)s.layers * (size_t)s.directions, bytes = MAX_STATES * count * sizeof(ks_node *);
    ks_node **last = ks__get(x->graph, bytes);
    if (!last)
        return false;
    s.last[0] = last;
    s.last[1] = last + count;
    s.layer.alive = o.lengths ? alive_rows(at, x, o.lengths) : NULL;
    bool good = (!o.lengths || s.layer.alive) && run_all(&s, weights, out);
    ks__put(s.layer.g, last, bytes);
    return good;
}

bool ks_rnn_at(ks_place at, ks_node *x, const ks_recurrent_weights *weights, const ks_recurrent_options *options, ks_recurrent_results *out)
{
    return recurrent(at, &rnn, x, weights, options, out);
}

bool ks_lstm_at(ks_place at, ks_node *x, const ks_recurrent_weights *weights, const ks_recurrent_options *options,
                ks_recurrent_results *out)
{
    return recurrent(at, &lstm, x, weights, options, out);
}

bool ks_gru_at(ks_place at, ks_node *x, const ks_recurrent_weights *weights, const ks_recurrent_options *options, ks_recurrent_results *out)
{
    return recurrent(at, &gru, x, weights, options, out);
}
