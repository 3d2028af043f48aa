/*
 * graph/node.c - the graph itself: making and freeing it, its nodes in their stacks, marks and releases, failures.
 */
#include "graph/graph.h"
#include "engine/kernels/isa.h"
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *ks_version(void)
{
    return KS_VERSION;
}

/* ---- failures ------------------------------------------------------------------------------------------ */

static void record(ks_graph *g, ks_code code, ks_place at, const char *format, va_list list)
{
    ks_failure failure = {.code = code, .place = at.file ? at : g->composing_at};
    vsnprintf(failure.message, sizeof failure.message, format, list);
    if (g->failing_in)
        ks__fail_in(&failure, g->failing_in);
    if (!g->failure.code)
        g->failure = failure;
    if (g->options.on_error)
        g->options.on_error(g->options.error_user, &failure);
}

void *ks__null(ks_graph *g, ks_code code, ks_place at, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    record(g, code, at, format, list);
    va_end(list);
    return NULL;
}

bool ks__refuse(ks_graph *g, ks_code code, ks_place at, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    record(g, code, at, format, list);
    va_end(list);
    return false;
}

bool ks__refuse_with(ks_graph *g, const ks_failure *failure)
{
    return failure->code ? ks__refuse(g, failure->code, failure->place, "%s", failure->message) : false;
}

void ks__log(ks_graph *g, const char *format, ...)
{
    if (!g->options.on_log)
        return;
    char message[KS_MESSAGE_BYTES];
    va_list list;
    va_start(list, format);
    vsnprintf(message, sizeof message, format, list);
    va_end(list);
    g->options.on_log(g->options.log_user, message);
}

const ks_failure *ks_error(const ks_graph *graph)
{
    return graph && graph->failure.code ? &graph->failure : NULL;
}

void ks_error_clear(ks_graph *graph)
{
    if (graph)
        graph->failure = (ks_failure){.code = KS_OK};
}

/* ---- making and freeing -------------------------------------------------------------------------------- */

ks_graph *ks_graph_new(const ks_graph_options *options)
{
    ks_graph_options own = {.size = sizeof own};
    if (options) {
        if (options->size < sizeof(size_t) || options->size > 65536)
            return NULL;
        memcpy(&own, options, options->size < sizeof own ? options->size : sizeof own);
    }
    int isa = (int)ks__isa_best();
    if (own.isa) {
        int asked = (int)ks__isa_named(own.isa);
        if (asked >= (int)KS_ISAS || asked > isa)
            return NULL;
        isa = asked;
    }
    ks_graph *g = ks__allocate(&own.allocator, NULL, 0, sizeof *g);
    if (!g)
        return NULL;
    memset(g, 0, sizeof *g);
    g->options = own;
    g->isa = isa;
    g->statistics.bytes_live = sizeof *g;
    g->statistics.allocations = 1;
    g->epoch = 1;
#ifdef KS_HAVE_CBLAS
    bool blas = own.products && !strcmp(own.products, "blas");
#else
    bool blas = false;
#endif
    if (blas) {
        g->provider = 1;
    } else if (own.products && strcmp(own.products, "keisan") != 0) {
        ks_graph_free(g);
        return NULL;
    }
    ks_shape scalar = KS_SCALAR;
    if (!ks__dims_of(g, &scalar)) {
        ks_graph_free(g);
        return NULL;
    }
    return g;
}

static void destroy(ks_node *node)
{
    ks_graph *g = node->graph;
    if (node->aside) {
        if (node->aside->stream && node->aside->stream <= g->random_nodes)
            g->random_nodes = (uint32_t)node->aside->stream - 1; /* nodes die from the last on: composed anew they get the same streams */
        ks__name_drop(node);
        ks__text_put(g, node->aside->doc);
        if (node->aside->partials)
            ks__small_put(g, node->aside->partials, node->n * sizeof(ks_node *));
        ks__small_put(g, node->aside, sizeof *node->aside);
        node->aside = NULL;
    }
    ks__value_drop(node);
    if (!(node->op->flags & KS_OP_NUMBER) && node->data.attrs)
        ks__small_put(g, node->data.attrs, node->op->attrs_size);
    if (node->n > 2)
        ks__small_put(g, node->in.many, node->n * sizeof(ks_node *));
    node->data.attrs = NULL;
    node->n = 0;
}

static void free_stack(ks_graph *g, ks__stack *stack)
{
    for (uint32_t i = 0; i < stack->chunk_count; i++)
        ks__put(g, stack->chunks[i], KS__CHUNK * sizeof(ks_node));
    ks__put(g, stack->chunks, stack->chunk_capacity * sizeof *stack->chunks);
}

void ks_graph_free(ks_graph *graph)
{
    if (!graph)
        return;
    ks_graph *g = graph;
    if (g->optimizers_free)
        g->optimizers_free(g);
    if (g->training_free)
        g->training_free(g);
    ks__text_put(g, g->metadata);
    ks__text_put(g, g->source);
    g->count = 0;
    ks__cut(g, 0);
    if (g->engine_free)
        g->engine_free(g);
    for (uint32_t i = 0; i < g->variables.extent; i++)
        destroy(ks__stack_at(&g->variables, i));
    ks__names_free(g);
    for (uint32_t i = 0; i < g->output_count; i++)
        ks__text_put(g, g->outputs[i].name);
    ks__user_op *user, *next;
    HASH_ITER (hh, g->user_ops, user, next) {
        HASH_DEL(g->user_ops, user);
    }
    ks__dims_free(g);
    free_stack(g, &g->nodes);
    free_stack(g, &g->variables);
    ks__put(g, g->outputs, g->output_capacity * sizeof *g->outputs);
    ks__put(g, g->symbols, g->symbol_capacity * sizeof *g->symbols);
    ks__put(g, g->events, g->event_capacity * sizeof *g->events);
    ks__put(g, g->partials, g->partial_capacity * sizeof *g->partials);
    ks__put(g, g->files, g->file_capacity * sizeof *g->files);
    ks__put(g, g->order, (size_t)g->order_count * sizeof *g->order);
    for (ks__slab *slab = g->slabs, *after; slab; slab = after) {
        after = slab->next;
        ks__put(g, slab, slab->bytes);
    }
    for (uint32_t i = 0; i < g->function_count; i++)
        g->function_free(g->functions[i]);
    ks__put(g, g->functions, g->function_capacity * sizeof *g->functions);
    ks_allocator allocator = g->options.allocator;
    ks__allocate(&allocator, g, sizeof *g, 0);
}

const char *ks_graph_isa(const ks_graph *graph)
{
    return graph ? ks__isa_name((ks_isa)graph->isa) : "?";
}

const char *ks_graph_products(const ks_graph *graph)
{
    return graph && graph->provider ? "blas" : "keisan";
}

ks_statistics ks_graph_statistics(const ks_graph *graph)
{
    return graph ? graph->statistics : (ks_statistics){0};
}

/* ---- nodes --------------------------------------------------------------------------------------------- */

bool ks__refuse_released(const ks_node *node)
{
    return ks__refuse(node->graph, KS_RELEASED, KS__NOWHERE, "this node was released: ks_graph_release cut it off; compose it again");
}

uint32_t ks__origin_of(ks_graph *g, ks_place at)
{
    if (!at.file)
        return 0;
    uint32_t file = 0;
    while (file < g->file_count && g->files[file] != at.file && strcmp(g->files[file], at.file) != 0)
        file++;
    if (file == g->file_count) {
        if (file >= 4094 || !ks__grow(g, &g->files, &g->file_capacity, file, sizeof *g->files))
            return 0;
        g->files[g->file_count++] = at.file;
    }
    g->file_latest = at.file;
    g->file_bits = (file + 1) << 20;
    return g->file_bits | (at.line < 0 ? 0 : at.line > 0xfffff ? 0xfffff : (uint32_t)at.line);
}

ks_place ks_node_place(const ks_node *node)
{
    if (!node || !(node->origin >> 20))
        return KS__NOWHERE;
    return (ks_place){node->graph->files[(node->origin >> 20) - 1], (int)(node->origin & 0xfffff)};
}

static ks_node *push(ks_graph *g, ks__stack *stack)
{
    if (stack->extent == stack->chunk_count * KS__CHUNK) {
        if (stack->extent >= UINT32_MAX - KS__CHUNK)
            return ks__null(g, KS_NO_MEMORY, KS__NOWHERE, "a graph holds at most 2^32 nodes");
        if (!ks__grow(g, &stack->chunks, &stack->chunk_capacity, stack->chunk_count, sizeof *stack->chunks))
            return NULL;
        ks_node *chunk = ks__get(g, KS__CHUNK * sizeof(ks_node));
        if (!chunk)
            return NULL;
        stack->chunks[stack->chunk_count++] = chunk;
    }
    ks_node *node = ks__stack_at(stack, stack->extent);
    memset(node, 0, sizeof *node);
    node->graph = g;
    node->id = stack->extent++;
    return node;
}

ks_node *ks__node_new(ks_graph *g, const ks_op *op, ks_node *const *inputs, uint32_t n, ks_dtype dtype, const ks__dims *dims,
                      uint32_t origin, bool variable)
{
    if (!variable && g->nodes.extent > g->count)
        ks__cut(g, g->count);
    ks_node **many = NULL;
    if (n > 2) {
        if (n >= 1u << 24)
            return ks__null(g, KS_BAD_ARGUMENT, KS__NOWHERE, "%s: at most 2^24 inputs", op->name);
        many = ks__small(g, n * sizeof *many);
        if (!many)
            return NULL;
        memcpy(many, inputs, n * sizeof *many);
    }
    ks_node *node = push(g, variable ? &g->variables : &g->nodes);
    if (!node) {
        ks__small_put(g, many, n * sizeof *many);
        return NULL;
    }
    node->op = op;
    node->n = n & 0xffffffu;
    node->dtype = (uint8_t)dtype;
    node->dims = dims;
    node->origin = origin;
    if (many)
        node->in.many = many;
    else
        for (uint32_t i = 0; i < n; i++)
            node->in.few[i] = inputs[i];
    if (variable)
        node->flags = KS__VARIABLE;
    else
        g->count++;
    g->statistics.nodes_composed++;
    return node;
}

ks__aside *ks__aside_of(ks_node *node)
{
    if (!node->aside) {
        node->aside = ks__small(node->graph, sizeof *node->aside);
        if (node->aside)
            node->aside->node = node;
    }
    return node->aside;
}

/* ---- marks, releases, cuts ----------------------------------------------------------------------------- */

int64_t ks_graph_mark(const ks_graph *graph)
{
    return graph ? graph->count : 0;
}

bool ks_graph_release(ks_graph *graph, int64_t mark)
{
    if (!graph)
        return false;
    if (mark < 0 || mark > graph->count)
        return ks__refuse(graph, KS_BAD_ARGUMENT, KS__NOWHERE, "ks_graph_release: %lld is no mark of this graph, which has %u nodes",
                          (long long)mark, graph->count);
    graph->count = (uint32_t)mark;
    if (graph->options.without & KS_RECOGNISE)
        ks__cut(graph, graph->count);
    return true;
}

static void forget_partials(ks_graph *g, uint32_t from)
{
    while (g->partial_count && g->partials[g->partial_count - 1].id >= from) {
        ks__partial_log *log = &g->partials[--g->partial_count];
        bool there = (log->owner->flags & KS__VARIABLE) || log->owner->id < g->nodes.extent;
        if (there && log->owner->aside && log->owner->aside->partials && log->edge < log->owner->n)
            log->owner->aside->partials[log->edge] = NULL;
    }
}

void ks__forget_events(ks_graph *g, uint32_t from)
{
    while (g->event_count && g->events[g->event_count - 1].end > from) {
        ks__event *event = &g->events[--g->event_count];
        ks__small_put(g, event->data, event->bytes);
    }
}

static void forget_outputs(ks_graph *g, uint32_t from)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < g->output_count; i++) {
        ks_node *node = g->outputs[i].node;
        if (!(node->flags & KS__VARIABLE) && node->id >= from)
            ks__text_put(g, g->outputs[i].name);
        else
            g->outputs[kept++] = g->outputs[i];
    }
    g->output_count = kept;
}

void ks__cut(ks_graph *g, uint32_t from)
{
    if (from >= g->nodes.extent)
        return;
    if (g->engine_cut)
        g->engine_cut(g, from);
    if (g->optimizers_cut)
        g->optimizers_cut(g, from);
    forget_partials(g, from);
    ks__forget_events(g, from);
    forget_outputs(g, from);
    for (int k = 0; k < 2; k++) {
        if (g->units[k] && g->units[k]->id >= from)
            g->units[k] = NULL;
    }
    for (uint32_t i = 0; i < g->variables.extent; i++) {
        ks__aside *aside = ks__stack_at(&g->variables, i)->aside;
        if (aside && aside->gradient && !(aside->gradient->flags & KS__VARIABLE) && aside->gradient->id >= from)
            aside->gradient = NULL;
    }
    while (g->nodes.extent > from)
        destroy(ks__stack_at(&g->nodes, --g->nodes.extent));
    /* The chunks stay, so that a handle to what is gone is still answered with "released". */
    if (g->named > from)
        g->named = from;
}
