/*
 * serialize/trace.c - collecting a trace, and the two calls.
 *
 * The cone of the traced node is copied into a graph of the trace's own: leaves share their values, inputs with open dimensions get
 * those that were fed. There the backward walk composes what it needs, one run computes all of it, and the walk's nodes and edges
 * are put in terms of positions in the forward order.
 */
#include "serialize/trace.h"
#include "serialize/file.h"
#include "serialize/io.h"
#include "autodiff/gradient.h"
#include "engine/engine.h"
#include "graph/function.h"
#include "graph/list.h"
#include "ops/table.h"

#include <string.h>

/* ---- what the node depends on -------------------------------------------------------------------------- */

/* All that `of` depends on, and it, in forward order: a variable stands where it was made, but before its first user. */
static bool find_cone(ks_graph *g, ks_node *of, ks__list *cone)
{
    ks__list all = {0}; /* variables first */
    uint32_t v = 0;
    bool good = ks__list_reach(g, &all, &of, 1);
    for (uint32_t i = 0; good && i < all.count; i++) {
        ks_node *node = all.nodes[i];
        if (node->flags & KS__VARIABLE)
            continue;
        for (; good && all.nodes[v]->flags & KS__VARIABLE && all.nodes[v]->aside->at <= node->id; v++)
            good = ks__list_add(g, cone, all.nodes[v]);
        for (uint32_t k = 0; good && k < node->n; k++) {
            if (ks__inputs(node)[k]->flags & KS__VARIABLE)
                good = ks__list_add(g, cone, ks__inputs(node)[k]);
        }
        good = good && ks__list_add(g, cone, node);
    }
    good = good && ks__list_add(g, cone, of); /* a variable, if it is not there yet */
    ks__list_free(g, &all);
    return good;
}

/* ---- the trace's own graph ----------------------------------------------------------------------------- */

static void through(void *user, int64_t n, ks_task_fn task, void *payload)
{
    ks__parallel_for(user, n, task, payload);
}

/* As the user's, but silent (the user's graph reports what fails here) and without threads of its own. */
static ks_graph *graph_like(ks_graph *g)
{
    ks_graph_options options = g->options;
    options.on_error = NULL;
    options.on_log = NULL;
    options.isa = ks_graph_isa(g);
    options.products = ks_graph_products(g);
    options.keep_all = options.check_finite = false; /* a NaN is what a reader of the trace looks for */
    options.threads = 1;
    options.parallel_for = g->engine ? through : NULL;
    options.parallel_user = g;
    ks_graph *own = ks_graph_new(&options);
    if (!own)
        return ks__null(g, KS_NO_MEMORY, KS__NOWHERE, "trace: out of memory");
    own->step = g->step;
    return own;
}

/* The copy gets the original's value, by reference. */
static bool share(ks_node *copy, const ks_node *original)
{
    const ks__dims *dims = ks__dims_of(copy->graph, &original->value->dims->shape);
    if (!dims)
        return false;
    atomic_fetch_add(&original->value->block->references, 1);
    if (!ks__value_set(copy, original->value->block, dims))
        return false;
    ks__touch(copy);
    return true;
}

static bool has_first_value(const ks_node *node)
{
    return node->value || ((node->flags & KS__VARIABLE) && node->aside && node->aside->init.kind != KS_INIT_NONE);
}

/* A variable that was never drawn is drawn in the copy: seed and name are the same, and so are the numbers. */
static ks_node *copy_variable(ks_graph *own, ks_node *node)
{
    ks_node *copy = ks_variable_at(ks_node_place(node), own, ks_name(node), (ks_dtype)node->dtype, node->dims->shape, node->aside->init);
    return copy && (!node->value || share(copy, node)) ? copy : NULL;
}

static ks_node *copy_leaf(ks_graph *own, ks_node *node)
{
    ks_place at = ks_node_place(node);
    if (node->op->flags & KS_OP_NUMBER)
        return ks_number_at(at, own, node->data.number);
    const ks__dims *dims = ks__dims_of(own, &node->value->dims->shape);
    ks_node *copy = dims ? ks__node_new(own, node->op, NULL, 0, (ks_dtype)node->dtype, dims, ks__origin(own, at), false) : NULL;
    return copy && share(copy, node) ? copy : NULL;
}

/* The name that the user's graph has or makes up; NULL: no memory for it. */
static const char *name_of(const ks_node *node)
{
    const char *name = ks_name(node);
    return node->aside && name == node->aside->name ? name : NULL;
}

/* A name that was made up stays so in the copy: random streams go by given names. */
static bool copy_name(ks_node *copy, const ks_node *node, const char *name)
{
    if (!ks_named(name, copy))
        return false;
    copy->aside->given = node->aside->given;
    copy->aside->stream = node->aside->stream;
    return true;
}

static ks_node *copy_operation(ks_graph *own, const ks_node *node, const char *name, const ks__trace_node *nodes)
{
    ks_node *few[16], **inputs = node->n > 16 ? ks__get(own, node->n * sizeof *inputs) : few;
    if (!inputs)
        return NULL;
    for (uint32_t k = 0; k < node->n; k++)
        inputs[k] = nodes[ks__inputs(node)[k]->local].node;
    bool kept = true;
    for (uint32_t k = 0; kept && ks__function_called(node, k); k++)
        kept = ks__function_keep(own, ks__function_called(node, k));
    own->composing = name;
    ks_node *copy = kept ? ks__compose(ks_node_place(node), own, node->op, inputs, node->n, ks__attrs(node)) : NULL;
    own->composing = NULL;
    if (inputs != few)
        ks__put(own, inputs, node->n * sizeof *inputs);
    return copy;
}

static bool copy_node(ks__trace *t, const ks__list *cone, uint32_t i)
{
    ks_node *node = cone->nodes[i];
    ks__trace_node *out = &t->nodes[i];
    out->entry = UINT32_MAX;
    out->shown = !(node->op->flags & KS_OP_NUMBER) || i == t->of;
    const char *name = out->shown ? name_of(node) : NULL;
    if (out->shown && !name)
        return false;
    if (!(node->flags & KS__VARIABLE)) {
        out->node = node->op->flags & KS_OP_LEAF ? copy_leaf(t->own, node) : copy_operation(t->own, node, name, t->nodes);
        if (!out->node || (out->shown && !copy_name(out->node, node, name)))
            return false;
    }
    out->name = out->shown ? out->node->aside->name : NULL;
    return true;
}

static bool copy_cone(ks__trace *t, const ks__list *cone)
{
    t->nodes = ks__get(t->g, cone->count * sizeof *t->nodes);
    if (!t->nodes)
        return false;
    memset(t->nodes, 0, cone->count * sizeof *t->nodes);
    t->count = t->capacity = cone->count;
    t->of = cone->count - 1;
    for (uint32_t i = 0; i < cone->count; i++) {
        ks_node *node = cone->nodes[i];
        bool leaf = (node->op->flags & KS_OP_LEAF) && !(node->op->flags & KS_OP_NUMBER);
        if (leaf && !has_first_value(node))
            return ks_eval(node); /* says what is missing */
        if ((node->flags & KS__VARIABLE) && !(t->nodes[i].node = copy_variable(t->own, node)))
            return false;
    }
    for (uint32_t i = 0; i < cone->count; i++) {
        if (!copy_node(t, cone, i))
            return false;
    }
    return true;
}

/* ---- inside calls and scans ---------------------------------------------------------------------------- */

/* The body's nodes are the last results of what runs it; of a scan they are stacked. */
static bool unfold(ks__trace *t, ks__trace_node *step)
{
    ks_node *node = step->node;
    const ks_function *body = ks__trace_body(node);
    if (!body)
        return true;
    int64_t first = node->op->results(ks__attrs(node)) - body->graph->count;
    bool stacks = first > (int64_t)ks__function_outputs(body);
    if (!ks__function_name_all(body))
        return ks__refuse(t->g, KS_NO_MEMORY, KS__NOWHERE, "trace: out of memory");
    step->inside = t->inside_count;
    for (uint32_t i = 0; i < body->graph->count; i++) {
        const ks_node *inside = ks__stack_at(&body->graph->nodes, i);
        if (inside->op->flags & KS_OP_NUMBER)
            continue;
        if (!ks__grow(t->g, &t->insides, &t->inside_capacity, t->inside_count, sizeof *t->insides))
            return false;
        ks__trace_inside *to = &t->insides[t->inside_count++];
        *to = (ks__trace_inside){.node = inside};
        bool fits = !stacks || inside->dims->shape.rank < KS_MAX_RANK;
        if (fits && !(to->value = ks_result_at(ks_node_place(node), node, first + i)))
            return false;
    }
    step->inside_count = t->inside_count - step->inside;
    return true;
}

static bool unfold_all(ks__trace *t)
{
    for (uint32_t i = 0; i < t->count; i++) {
        if (!unfold(t, &t->nodes[i]))
            return false;
    }
    return true;
}

/* ---- forward and backward ------------------------------------------------------------------------------ */

static bool is_float(const ks_node *node)
{
    return node->dtype == KS_F32 || node->dtype == KS_F64;
}

/* Adds what has to be computed, once each. */
static void want(ks_node **targets, uint32_t *count, ks_node *node)
{
    if (!node || node->flags & KS__NOTED || node->op->flags & KS_OP_NUMBER)
        return;
    node->flags |= KS__NOTED;
    targets[(*count)++] = node;
}

static bool compute(ks__trace *t, const ks__backward *b)
{
    size_t most = (size_t)t->count + t->inside_count + b->count + 2 * (size_t)b->edge_count;
    ks_node **targets = ks__get(t->g, most * sizeof *targets);
    if (!targets)
        return false;
    uint32_t count = 0;
    for (uint32_t i = 0; i < t->count; i++)
        want(targets, &count, t->nodes[i].node);
    for (uint32_t i = 0; i < t->inside_count; i++)
        want(targets, &count, t->insides[i].value);
    for (uint32_t i = 0; i < b->count; i++)
        want(targets, &count, b->nodes[i]->op->flags & KS_OP_NUMBER ? NULL : b->upstream[i]);
    for (uint32_t i = 0; i < b->edge_count; i++) {
        const ks__edge *edge = &b->edges[i];
        if (ks__inputs(edge->node)[edge->input]->op->flags & KS_OP_NUMBER)
            continue;
        want(targets, &count, edge->partial);
        want(targets, &count, edge->contribution);
    }
    for (uint32_t i = 0; i < count; i++)
        targets[i]->flags &= (uint8_t)~KS__NOTED;
    bool good = count == 0 || ks_eval_all(targets, (int)count);
    ks__put(t->g, targets, most * sizeof *targets);
    return good;
}

/* The position of a node of the trace's graph; the run before used `local` for itself. */
static void number_nodes(ks__trace *t)
{
    for (uint32_t i = 0; i < t->count; i++)
        t->nodes[i].node->local = i;
}

static void take_edges(ks__trace *t, const ks__backward *b, uint32_t *next)
{
    const ks_node *node = b->nodes[t->entry_count];
    ks__trace_entry *entry = &t->entries[t->entry_count];
    *entry = (ks__trace_entry){.node = node->local, .upstream = b->upstream[t->entry_count++], .edge = t->edge_count};
    for (; *next < b->edge_count && b->edges[*next].node == node; ++*next) {
        const ks__edge *edge = &b->edges[*next];
        uint32_t input = ks__inputs(node)[edge->input]->local;
        if (t->nodes[input].shown)
            t->edges[t->edge_count++] = (ks__trace_edge){entry->node, input, edge->input, edge->partial, edge->contribution, 0};
    }
    if (node->op->flags & KS_OP_RESULT) {
        uint32_t head = ks__inputs(node)[0]->local;
        t->edges[t->edge_count++] = (ks__trace_edge){entry->node, head, 0, NULL, entry->upstream, ks__result_index(node)};
    }
    entry->edge_count = t->edge_count - entry->edge;
    t->nodes[entry->node].gradient = entry->upstream;
}

/* Of each node the edges that arrive at it, in their order; more than one meet in a sum. */
static bool find_terms(ks__trace *t)
{
    t->term_room = t->edge_count + 1;
    t->terms = ks__get(t->g, t->term_room * sizeof *t->terms);
    uint32_t *first = t->terms ? ks__get(t->g, (t->count + 1) * sizeof *first) : NULL;
    if (!first)
        return false;
    memset(first, 0, (t->count + 1) * sizeof *first);
    for (uint32_t i = 0; i < t->edge_count; i++)
        first[t->edges[i].input + 1] += t->edges[i].result == 0;
    for (uint32_t i = 0; i < t->count; i++)
        first[i + 1] += first[i];
    for (uint32_t i = 0; i < t->entry_count; i++) {
        ks__trace_entry *entry = &t->entries[i];
        uint32_t n = first[entry->node + 1] - first[entry->node];
        entry->term = first[entry->node];
        entry->term_count = n > 1 ? n : 0;
    }
    for (uint32_t i = 0; i < t->edge_count; i++) {
        if (t->edges[i].result == 0)
            t->terms[first[t->edges[i].input]++] = i;
    }
    ks__put(t->g, first, (t->count + 1) * sizeof *first);
    return true;
}

static bool take_walk(ks__trace *t, const ks__backward *b)
{
    t->entry_capacity = b->count + 1;
    t->edge_capacity = b->edge_count + b->count + 1;
    if (!(t->entries = ks__get(t->g, t->entry_capacity * sizeof *t->entries)) ||
        !(t->edges = ks__get(t->g, t->edge_capacity * sizeof *t->edges)))
        return false;
    number_nodes(t);
    uint32_t next = 0;
    while (t->entry_count < b->count)
        take_edges(t, b, &next);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < t->entry_count; i++) {
        if (!t->nodes[t->entries[i].node].shown)
            continue;
        t->nodes[t->entries[i].node].entry = kept;
        t->entries[kept++] = t->entries[i];
    }
    t->entry_count = kept;
    return find_terms(t);
}

/* ---- options ------------------------------------------------------------------------------------------- */

static bool take_options(ks_graph *g, const ks_trace_options *options, ks_trace_options *own)
{
    *own = (ks_trace_options){.size = sizeof *own};
    if (options && (options->size < sizeof options->size || options->size > 65536))
        return ks__refuse(g, KS_BAD_ARGUMENT, KS__NOWHERE, "trace: the options' size is %zu: begin with KS_TRACE_OPTIONS_DEFAULT",
                          options->size);
    if (options)
        memcpy(own, options, options->size < sizeof *own ? options->size : sizeof *own);
    if (own->digits < 0 || own->digits > 17)
        return ks__refuse(g, KS_BAD_ARGUMENT, KS__NOWHERE, "trace: %d significant digits: use 1 to 17", own->digits);
    if (own->most < 0)
        return ks__refuse(g, KS_BAD_ARGUMENT, KS__NOWHERE, "trace: most is %lld elements: use 1 or more", (long long)own->most);
    own->digits = own->digits ? own->digits : 6;
    own->most = own->most ? own->most : 8;
    return true;
}

/* A constant of the trace's graph with the value of the user's node; a bare number takes `dtype`. */
static ks_node *copy_value(ks_graph *own, ks_node *node, ks_dtype dtype)
{
    ks_place at = ks_node_place(node);
    if (node->op->flags & KS_OP_NUMBER) {
        float single = (float)node->data.number;
        return ks_constant_at(at, own, dtype, KS_SCALAR, dtype == KS_F32 ? (const void *)&single : &node->data.number);
    }
    if (!ks_eval(node))
        return NULL;
    const ks__dims *dims = ks__dims_of(own, &node->value->dims->shape);
    ks_node *copy = dims ? ks__node_new(own, &ks__op_constant, NULL, 0, (ks_dtype)node->dtype, dims, ks__origin(own, at), false) : NULL;
    return copy && share(copy, node) ? copy : NULL;
}

/* What starts the backward pass; *seed NULL stands for 1. */
static bool take_upstream(ks__trace *t, const ks_node *of, ks_node *upstream, ks_node **seed)
{
    char is[KS__SHAPE_TEXT], given[KS__SHAPE_TEXT];
    const ks_node *copy = t->nodes[t->of].node;
    *seed = NULL;
    if (!upstream)
        return copy->dims->count == 1 ||
               ks__refuse(t->g, KS_BAD_SHAPE, ks_node_place(of),
                          "trace: '%s' is %s, no scalar: give an upstream, a node of its shape that says how much "
                          "each element counts",
                          ks_name(of), ks__shape_text(t->own, &copy->dims->shape, is));
    if (!ks__usable(upstream))
        return false;
    if (upstream->graph != t->g)
        return ks__refuse(t->g, KS_BAD_ARGUMENT, KS__NOWHERE, "trace: upstream '%s' belongs to another graph", ks_name(upstream));
    *seed = copy_value(t->own, upstream, (ks_dtype)copy->dtype);
    if (!*seed || ((*seed)->dtype == copy->dtype && (*seed)->dims == copy->dims))
        return *seed != NULL;
    return ks__refuse(t->g, (*seed)->dtype != copy->dtype ? KS_BAD_DTYPE : KS_BAD_SHAPE, ks_node_place(upstream),
                      "trace: '%s' is %s %s, but the upstream '%s' is %s %s: they must be alike", ks_name(of),
                      ks_dtype_name((ks_dtype)copy->dtype), ks__shape_text(t->own, &copy->dims->shape, is), ks_name(upstream),
                      ks_dtype_name((ks_dtype)(*seed)->dtype), ks__shape_text(t->own, &(*seed)->dims->shape, given));
}

/* ---- a trace ------------------------------------------------------------------------------------------- */

static bool collect(ks__trace *t, ks_node *of, const ks_trace_options *options)
{
    ks__list cone = {0};
    bool good = find_cone(t->g, of, &cone) && (t->own = graph_like(t->g)) && copy_cone(t, &cone) && (!options->unfold || unfold_all(t));
    ks__list_free(t->g, &cone);
    if (!good)
        return false;
    ks__backward b = {0};
    if (is_float(of)) {
        ks_node *seed;
        good = take_upstream(t, of, options->upstream, &seed) && ks__backward_walk(t->nodes[t->of].node, seed, t->own, &b);
    }
    good = good && compute(t, &b) && take_walk(t, &b);
    ks__backward_free(t->own, &b);
    return good;
}

bool ks__trace_collect(ks_node *of, const ks_trace_options *options, ks__trace *trace)
{
    ks_trace_options own;
    *trace = (ks__trace){0};
    if (!ks__usable(of) || !take_options(of->graph, options, &own))
        return false;
    trace->g = of->graph;
    trace->digits = own.digits;
    trace->most = own.most;
    if (collect(trace, of, &own))
        return true;
    if (trace->own)
        ks__refuse_with(trace->g, &trace->own->failure);
    return false;
}

void ks__trace_free(ks__trace *t)
{
    ks_graph *g = t->g;
    if (!g)
        return;
    ks__put(g, t->nodes, t->capacity * sizeof *t->nodes);
    ks__put(g, t->insides, t->inside_capacity * sizeof *t->insides);
    ks__put(g, t->entries, t->entry_capacity * sizeof *t->entries);
    ks__put(g, t->edges, t->edge_capacity * sizeof *t->edges);
    ks__put(g, t->terms, t->term_room * sizeof *t->terms);
    ks_graph_free(t->own);
    *t = (ks__trace){0};
}

/* ---- the calls ----------------------------------------------------------------------------------------- */

static bool put_together(const ks__trace *t, ks_trace_form form, ks__page *page)
{
    switch (form) {
    case KS_TRACE_TEXT:
        return ks__trace_text(t, page);
    case KS_TRACE_JSON:
        return ks__trace_json(t, page);
    default:
        return ks__trace_dot(t, page);
    }
}

/* The whole trace in `out`. */
static bool make(ks_node *of, ks_trace_form form, const ks_trace_options *options, ks_buffer *out)
{
    ks__trace t;
    ks__page page = {.buffer.allocator = out->allocator};
    ks_failure failure = {.code = KS_OK};
    bool good = ks__trace_collect(of, options, &t);
    if (good && !put_together(&t, form, &page))
        good = ks__refuse(of->graph, KS_NO_MEMORY, KS__NOWHERE, "trace: out of memory");
    ks__trace_free(&t);
    if (good && form == KS_TRACE_SVG) {
        good = ks__trace_svg(&page, out, &failure) || ks__refuse_with(of->graph, &failure);
        ks_buffer_free(&page.buffer);
        return good;
    }
    *out = page.buffer;
    return good;
}

static bool known_form(ks_node *of, ks_trace_form form)
{
    return (unsigned)form <= KS_TRACE_SVG ||
           ks__refuse(of->graph, KS_BAD_ARGUMENT, KS__NOWHERE, "trace: %d is no form of a trace", (int)form);
}

bool ks_trace_to(ks_node *of, ks_trace_form form, ks_writer writer, const ks_trace_options *options)
{
    if (!ks__usable(of) || !known_form(of, form))
        return false;
    ks_buffer out = {.allocator = of->graph->options.allocator};
    bool good = make(of, form, options, &out);
    if (good && !ks__write(&writer, out.data, out.size))
        good = ks__refuse(of->graph, KS_IO, KS__NOWHERE, "trace: the writer failed");
    ks_buffer_free(&out);
    return good;
}

bool ks_trace(ks_node *of, ks_trace_form form, const char *path, const ks_trace_options *options)
{
    if (!ks__usable(of) || !known_form(of, form))
        return false;
    ks_buffer out = {.allocator = of->graph->options.allocator};
    ks_failure failure = {.code = KS_OK};
    ks__file file;
    bool good = make(of, form, options, &out);
    if (good && ks__file_open(&file, path, &of->graph->options.allocator, &failure)) {
        ks_writer writer = ks__file_writer(&file);
        ks__file_close(&file, ks__write(&writer, out.data, out.size), &failure);
    }
    ks_buffer_free(&out);
    return good && (failure.code == KS_OK || ks__refuse_with(of->graph, &failure));
}
