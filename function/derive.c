/*
 * function/derive.c - the derivatives of a function as functions, made once and kept with it.
 *
 * The body is composed again in a scratch graph, its gradients beside it, by the same backward walk as everywhere; then the gradients'
 * fragment is extracted. Where the fragment begins decides between memory and time: at nodes whose values are kept from the forward pass
 * (all but the elementwise ones, which are as quick to compute as to read), or at the parameters alone.
 */
#include "function/function.h"

#include <stdio.h>

/* ---- the scratch graph --------------------------------------------------------------------------------- */

typedef struct scratch {
    ks_function *f;
    ks_graph *g;
    ks_node **made;      /* the body's nodes, composed again */
    ks_node **arguments; /* [arguments] parameters of what is derived, in their order */
    uint32_t argument_count, room;
    ks_node **results;
    uint32_t result_count;
    uint32_t body; /* nodes of the scratch graph that belong to the composed body */
} scratch;

static void close_scratch(scratch *s)
{
    if (!s->g)
        return;
    if (s->made)
        ks__nodes_put(s->g, s->f, s->made);
    ks__put(s->g, s->arguments, s->room * sizeof *s->arguments);
    ks__put(s->g, s->results, s->room * sizeof *s->results);
    ks_graph_free(s->g);
}

/* The body's nodes in a graph of their own, on parameters of the same names. room: arguments and results there may be. */
static bool open_scratch(scratch *s, ks_function *f, uint32_t room)
{
    *s = (scratch){.f = f, .g = ks__graph_beside(f->graph), .room = room};
    if (!s->g)
        return false;
    s->made = ks__nodes_get(s->g, f);
    s->arguments = ks__get(s->g, room * sizeof *s->arguments);
    s->results = ks__get(s->g, room * sizeof *s->results);
    size_t symbols_bytes = (f->graph->symbol_count + 1) * sizeof(int64_t);
    int64_t *symbols = ks__get(s->g, symbols_bytes);
    bool good = s->made && s->arguments && s->results && symbols;
    if (good)
        memset(symbols, 0, symbols_bytes);
    for (uint32_t i = 0; good && i < f->input_count; i++) {
        const ks_node *input = f->inputs[i];
        ks_shape shape = ks__shape_in(s->g, f->graph, input->dims->shape, symbols);
        ks_node *made = ks_input_at(ks_node_place(input), s->g, ks_name(input), (ks_dtype)input->dtype, shape);
        good = made != NULL;
        s->made[input->id] = made;
    }
    ks__put(s->g, symbols, symbols ? symbols_bytes : 0);
    good = good && ks__clone(s->g, f, s->made, true);
    s->body = s->g->count;
    return good;
}

/* A parameter beside the body's, of a node's dtype and shape. */
static ks_node *beside(scratch *s, const char *kind, uint32_t number, const ks_node *like)
{
    char name[48];
    do
        snprintf(name, sizeof name, "%s_%u", kind, number++);
    while (ks_find(s->g, name)); /* of a derivative's derivative the lower numbers are taken */
    return ks_input(s->g, name, (ks_dtype)like->dtype, like->dims->shape);
}

/* Loops and calls are computed again: what their derivatives read is their inside, which the body around them does not name. */
static bool is_costly(const ks_node *node)
{
    const ks_op *op = node->op;
    return !(op->flags & (KS_OP_LEAF | KS_OP_VIEW | KS_OP_RANDOM | KS_OP_RESULT)) && !op->tiles && !KS__HAS(op, results);
}

/* What of the body the results read, seen from behind: costly nodes are kept and not looked behind. made_by: the body's node of each. */
static bool find_kept(scratch *s, bool recompute, ks__list *kept)
{
    ks__list list = {0};
    bool good = true;
    for (uint32_t i = 0; good && i < s->result_count; i++)
        good = ks__list_add(s->g, &list, s->results[i]);
    for (uint32_t i = 0; good && i < list.count; i++) {
        ks_node *node = list.nodes[i];
        if (!recompute && node->id < s->body && is_costly(node)) {
            good = ks__grow(s->g, &kept->nodes, &kept->capacity, kept->count, sizeof *kept->nodes);
            if (good)
                kept->nodes[kept->count++] = node;
            continue;
        }
        for (uint32_t k = 0; good && k < node->n; k++)
            good = ks__input_letter(node->op, k) == 'S' || ks__list_add(s->g, &list, ks__inputs(node)[k]);
    }
    ks__list_free(s->g, &list);
    return good;
}

/* The body's position of a node that was composed again. */
static uint32_t origin(const scratch *s, const ks_node *node)
{
    uint32_t i = 0;
    while (s->made[i] != node)
        i++;
    return i;
}

static const ks__derived *finish(ks_graph *g, scratch *s, const char *kind, bool recompute, const uint64_t *key, uint32_t words)
{
    ks__list kept = {0};
    char name[128];
    snprintf(name, sizeof name, "%.100s.%s", s->f->name, kind);
    const ks__derived *d = NULL;
    if (find_kept(s, recompute, &kept)) {
        uint32_t count = kept.count + s->argument_count;
        ks_node **inputs = ks__get(s->g, (count + 1) * sizeof *inputs);
        uint32_t *found = ks__get(s->g, (kept.count + 1) * sizeof *found);
        for (uint32_t i = 0; inputs && found && i < kept.count; i++) {
            inputs[i] = kept.nodes[i];
            found[i] = origin(s, kept.nodes[i]);
        }
        if (inputs && found) {
            memcpy(inputs + kept.count, s->arguments, s->argument_count * sizeof *inputs);
            ks_function *made = ks__extract(name, inputs, count, s->results, s->result_count, NULL);
            d = made ? ks__derived_keep(s->f, key, words, made, found, kept.count) : NULL;
        }
        ks__put(s->g, inputs, (count + 1) * sizeof *inputs);
        ks__put(s->g, found, (kept.count + 1) * sizeof *found);
    }
    ks__list_free(s->g, &kept);
    if (!d)
        ks__refuse(g, s->g->failure.code ? s->g->failure.code : KS_NO_MEMORY, s->g->failure.place, "the derivative of '%s': %s", s->f->name,
                   s->g->failure.code ? s->g->failure.message : "no memory");
    return d;
}

/* ---- in reverse ---------------------------------------------------------------------------------------- */

/* The sum of <upstream, value> over all where one arrives: its gradient chains them all in one walk. */
static ks_node *weigh(scratch *s, const uint32_t *from, uint32_t count)
{
    ks_node *total = NULL;
    for (uint32_t i = 0; i < count; i++) {
        ks_node *value = s->made[from[i]];
        ks_node *upstream = beside(s, "upstream", i, value);
        if (!upstream)
            return NULL;
        s->arguments[s->argument_count++] = upstream;
        ks_node *part = ks_sum_all(ks_mul(value, upstream));
        if (part && total && part->dtype != total->dtype)
            part = ks_cast(part, (ks_dtype)total->dtype);
        total = total ? ks_add(total, part) : part;
        if (!total)
            return NULL;
    }
    return total;
}

static bool reverse(scratch *s, const ks__vjp_spec *spec)
{
    ks_function *f = s->f;
    for (uint32_t i = 0; i < f->input_count; i++)
        s->arguments[s->argument_count++] = s->made[f->inputs[i]->id];
    ks_node *total = weigh(s, spec->from, spec->from_count);
    if (!total)
        return false;
    uint32_t n = 0;
    ks_node **x = ks__get(s->g, (f->input_count + 1) * sizeof *x);
    for (uint32_t i = 0; x && i < f->input_count; i++) {
        if (spec->wanted[i])
            x[n++] = s->made[f->inputs[i]->id];
    }
    bool good = x && ks_gradients(total, x, (int)n, NULL, s->results);
    s->result_count = n;
    ks__put(s->g, x, x ? (f->input_count + 1) * sizeof *x : 0);
    return good;
}

static uint32_t spec_key(const ks_function *f, const ks__vjp_spec *spec, uint64_t *key)
{
    uint32_t n = 0;
    key[n++] = 1 | (uint64_t)spec->recompute << 8 | (uint64_t)spec->from_count << 16;
    for (uint32_t i = 0; i < spec->from_count; i++)
        key[n++] = spec->from[i];
    for (uint32_t i = 0; i < f->input_count; i++)
        key[n++] = spec->wanted[i];
    return n;
}

const ks__derived *ks__function_vjp(ks_graph *g, ks_function *f, const ks__vjp_spec *spec)
{
    size_t room = (1 + spec->from_count + f->input_count) * sizeof(uint64_t);
    uint64_t *key = ks__get(g, room);
    if (!key)
        return NULL;
    uint32_t words = spec_key(f, spec, key);
    const ks__derived *d = ks__derived_find(f, key, words);
    if (!d) {
        scratch s;
        bool good = open_scratch(&s, f, 2 * f->input_count + spec->from_count + 1) && reverse(&s, spec);
        if (good)
            d = finish(g, &s, "vjp", spec->recompute, key, words);
        else
            ks__refuse(g, s.g && s.g->failure.code ? s.g->failure.code : KS_NO_MEMORY, KS__NOWHERE, "the derivative of '%s': %s", f->name,
                       s.g && s.g->failure.code ? s.g->failure.message : "no memory");
        close_scratch(&s);
    }
    ks__put(g, key, room);
    return d;
}

/* ---- forward ------------------------------------------------------------------------------------------- */

static bool forward(scratch *s, const bool *given, const uint32_t *of, uint32_t count)
{
    ks_function *f = s->f;
    uint32_t n = 0;
    for (uint32_t i = 0; i < f->input_count; i++)
        s->arguments[s->argument_count++] = s->made[f->inputs[i]->id];
    size_t room = (f->input_count + 1) * sizeof(ks_node *);
    ks_node **x = ks__get(s->g, room), **tangents = ks__get(s->g, room), **y = ks__get(s->g, (count + 1) * sizeof *y);
    bool good = x && tangents && y;
    for (uint32_t i = 0; good && i < f->input_count; i++) {
        if (!given[i])
            continue;
        x[n] = s->made[f->inputs[i]->id];
        tangents[n] = beside(s, "tangent", i, x[n]);
        good = tangents[n] != NULL;
        s->arguments[s->argument_count++] = tangents[n++];
    }
    for (uint32_t k = 0; good && k < count; k++)
        y[k] = s->made[of[k]];
    good = good && ks_jvps(y, (int)count, x, tangents, (int)n, s->results);
    s->result_count = count;
    ks__put(s->g, x, x ? room : 0);
    ks__put(s->g, tangents, tangents ? room : 0);
    ks__put(s->g, y, y ? (count + 1) * sizeof *y : 0);
    return good;
}

const ks__derived *ks__function_jvp(ks_graph *g, ks_function *f, const bool *given, const uint32_t *of, uint32_t count)
{
    size_t room = (1 + count + f->input_count) * sizeof(uint64_t);
    uint64_t *key = ks__get(g, room);
    if (!key)
        return NULL;
    uint32_t words = 0;
    key[words++] = 2 | (uint64_t)count << 16;
    for (uint32_t k = 0; k < count; k++)
        key[words++] = of[k];
    for (uint32_t i = 0; i < f->input_count; i++)
        key[words++] = given[i];
    const ks__derived *d = ks__derived_find(f, key, words);
    if (!d) {
        scratch s;
        bool good = open_scratch(&s, f, 2 * f->input_count + count + 1) && forward(&s, given, of, count);
        if (good)
            d = finish(g, &s, "jvp", true, key, words);
        else
            ks__refuse(g, s.g && s.g->failure.code ? s.g->failure.code : KS_NO_MEMORY, KS__NOWHERE, "the forward derivative of '%s': %s",
                       f->name, s.g && s.g->failure.code ? s.g->failure.message : "no memory");
        close_scratch(&s);
    }
    ks__put(g, key, room);
    return d;
}

/* ---- for callers --------------------------------------------------------------------------------------- */

static const ks__derived *derivative(ks_graph *g, ks_function *f, bool backwards)
{
    size_t masks = f->input_count + 1, ids = (ks__function_outputs(f) + 1) * sizeof(uint32_t);
    bool *floats = ks__get(g, masks);
    uint32_t *of = ks__get(g, ids), count = 0;
    for (uint32_t i = 0; floats && i < f->input_count; i++)
        floats[i] = ks__is_float(f->inputs[i]);
    for (uint32_t k = 0; of && k < ks__function_outputs(f); k++) {
        if (ks__is_float(ks__function_output(f, k)))
            of[count++] = ks__function_output(f, k)->id;
    }
    const ks__derived *d = NULL;
    if (floats && of && backwards)
        d = ks__function_vjp(g, f, &(ks__vjp_spec){.from = of, .from_count = count, .wanted = floats, .recompute = true});
    else if (floats && of)
        d = ks__function_jvp(g, f, floats, of, count);
    ks__put(g, floats, floats ? masks : 0);
    ks__put(g, of, of ? ids : 0);
    return d;
}

/* Several threads may ask at once, so what is only needed meanwhile lies in the caller's graph or in one of its own. */
static ks_function *public_derivative(ks_function *f, ks_graph *graph, bool backwards)
{
    ks_graph *g = graph || !f ? graph : ks__graph_beside(f->graph);
    const ks__derived *d = f && g ? derivative(g, f, backwards) : NULL;
    if (g != graph)
        ks_graph_free(g);
    return d ? ks_function_retain(d->function) : NULL;
}

ks_function *ks_function_vjp(ks_function *function, ks_graph *graph)
{
    return public_derivative(function, graph, true);
}

ks_function *ks_function_jvp(ks_function *function, ks_graph *graph)
{
    return public_derivative(function, graph, false);
}
