/*
 * function/extract.c - the fragment of a graph between some nodes and others, as a function.
 *
 * A walk from the outputs stops at the inputs. Constants and numbers come along; whatever else stands at an end (a variable, a fed input)
 * is captured: it becomes a further parameter.
 */
#include "function/function.h"

#include <stdio.h>

typedef struct extraction {
    ks_graph *from, *into;
    ks__list list;      /* what the outputs need, sorted; the inputs' own inputs are not in it unless something else needs them */
    ks__list *captured; /* NULL: nothing may be */
    ks_node **made;     /* [most ids + 1], by position; variables are never looked up there */
    ks_node **variables;
    int64_t *symbols;
    ks_node *const *inputs;
    uint32_t input_count;
} extraction;

static bool is_input(const extraction *x, const ks_node *node)
{
    for (uint32_t i = 0; i < x->input_count; i++) {
        if (x->inputs[i] == node)
            return true;
    }
    return false;
}

static bool reach(extraction *x, ks_node *const *outputs, uint32_t count)
{
    for (uint32_t i = 0; i < x->input_count; i++)
        x->inputs[i]->flags |= KS__NOTED;
    bool good = true;
    for (uint32_t i = 0; good && i < count; i++)
        good = ks__list_add(x->from, &x->list, outputs[i]);
    for (uint32_t i = 0; good && i < x->list.count; i++) {
        ks_node *node = x->list.nodes[i];
        for (uint32_t k = 0; good && !(node->flags & KS__NOTED) && k < node->n; k++)
            good = ks__list_add(x->from, &x->list, ks__inputs(node)[k]);
    }
    for (uint32_t i = 0; i < x->input_count; i++)
        x->inputs[i]->flags &= (uint8_t)~KS__NOTED;
    return good && ks__list_sort(x->from, &x->list);
}

static void set_made(extraction *x, const ks_node *node, ks_node *made)
{
    if (node->flags & KS__VARIABLE)
        x->variables[node->id] = made;
    else
        x->made[node->id] = made;
}

static ks_node *parameter(extraction *x, const ks_node *node)
{
    ks_shape shape = node->dims->shape;
    for (int d = 0; d < shape.rank; d++) {
        if (shape.dim[d] < 0)
            shape.dim[d] = x->symbols[-shape.dim[d] - 1];
    }
    ks_node *input = ks_input_at(ks_node_place(node), x->into, ks_name(node), (ks_dtype)node->dtype, shape);
    if (input)
        set_made(x, node, input);
    return input;
}

static bool capture(extraction *x, ks_node *node)
{
    if (!x->captured)
        return ks__refuse(x->from, KS_BAD_ARGUMENT, ks_node_place(node), "function: '%s' is needed, but is none of the inputs",
                          ks_name(node));
    if (!ks__grow(x->from, &x->captured->nodes, &x->captured->capacity, x->captured->count, sizeof(ks_node *)))
        return false;
    x->captured->nodes[x->captured->count++] = node;
    return parameter(x, node) != NULL;
}

static bool make_symbols(extraction *x)
{
    for (uint32_t i = 0; i < x->from->symbol_count; i++) {
        const char *name = x->from->symbols[i].name;
        x->symbols[i] = i == 0 ? KS_ANY : name ? ks_dim(x->into, name) : ks__dim_fresh(x->into);
        if (!x->symbols[i])
            return false;
    }
    return true;
}

static ks_node *clone_node(extraction *x, const ks_node *node)
{
    /* A variable has a position of its own count: where one is read, its parameter is put in the place of the look-up. */
    ks_node *few[16], **inputs = node->n > 16 ? ks__get(x->from, node->n * sizeof *inputs) : few;
    if (!inputs)
        return NULL;
    ks_node **own = (ks_node **)(uintptr_t)ks__inputs(node);
    for (uint32_t k = 0; k < node->n; k++)
        inputs[k] = own[k]->flags & KS__VARIABLE ? x->variables[own[k]->id] : x->made[own[k]->id];
    ks_node *clone = ks__clone_with(x->into, node, inputs, x->symbols, true);
    if (inputs != few)
        ks__put(x->from, inputs, node->n * sizeof *inputs);
    return clone;
}

static bool compose(extraction *x)
{
    for (uint32_t i = 0; i < x->input_count; i++) {
        bool twice = false;
        for (uint32_t k = 0; k < i; k++)
            twice = twice || x->inputs[k] == x->inputs[i];
        if (twice)
            return ks__refuse(x->from, KS_BAD_ARGUMENT, ks_node_place(x->inputs[i]), "function: '%s' is among the inputs twice",
                              ks_name(x->inputs[i]));
        if (!parameter(x, x->inputs[i]))
            return false;
    }
    for (uint32_t i = 0; i < x->list.count; i++) {
        ks_node *node = x->list.nodes[i];
        if ((node->op->flags & (KS_OP_FED | KS_OP_VARIABLE)) && !is_input(x, node) && !capture(x, node))
            return false;
    }
    for (uint32_t i = 0; i < x->list.count; i++) {
        const ks_node *node = x->list.nodes[i];
        if (node->flags & KS__VARIABLE || x->made[node->id])
            continue;
        if (node->op->flags & KS_OP_EFFECT)
            return ks__refuse(x->from, KS_BAD_ARGUMENT, ks_node_place(node), "function: '%s' is an effect", ks_name(node));
        if (!(x->made[node->id] = clone_node(x, node)))
            return false;
    }
    return true;
}

static bool declare(extraction *x, ks_node *const *outputs, uint32_t count)
{
    char name[32];
    for (uint32_t i = 0; i < count; i++) {
        snprintf(name, sizeof name, "result_%u", i);
        ks_node *made = outputs[i]->flags & KS__VARIABLE ? x->variables[outputs[i]->id] : x->made[outputs[i]->id];
        if (!ks_output(x->into, name, made))
            return false;
    }
    return true;
}

static void *zeroed(ks_graph *g, size_t bytes)
{
    void *memory = ks__get(g, bytes);
    return memory ? memset(memory, 0, bytes) : NULL;
}

ks_function *ks__extract(const char *name, ks_node *const *inputs, uint32_t input_count, ks_node *const *outputs, uint32_t output_count,
                         ks__list *captured)
{
    ks_graph *g = outputs[0]->graph;
    extraction x = {.from = g, .captured = captured, .inputs = inputs, .input_count = input_count};
    size_t nodes = (g->nodes.extent + 1) * sizeof *x.made, variables = (g->variables.extent + 1) * sizeof *x.variables;
    size_t symbols = (g->symbol_count + 1) * sizeof *x.symbols;
    x.made = zeroed(g, nodes);
    x.variables = zeroed(g, variables);
    x.symbols = zeroed(g, symbols);
    x.into = ks__graph_beside(g);
    bool good = x.made && x.variables && x.symbols && x.into && make_symbols(&x) && reach(&x, outputs, output_count) && compose(&x) &&
                declare(&x, outputs, output_count);
    ks_function *f = good ? ks_function_new(name, x.into) : NULL;
    if (!f) {
        if (x.into && x.into->failure.code)
            ks__refuse(g, x.into->failure.code, x.into->failure.place, "function '%s': %s", name, x.into->failure.message);
        else if (!g->failure.code)
            ks__refuse(g, KS_NO_MEMORY, KS__NOWHERE, "function '%s': no memory", name);
        ks_graph_free(x.into);
    }
    ks__list_free(g, &x.list);
    ks__put(g, x.made, x.made ? nodes : 0);
    ks__put(g, x.variables, x.variables ? variables : 0);
    ks__put(g, x.symbols, x.symbols ? symbols : 0);
    return f;
}

ks_graph *ks__fragment_graph(const char *name, ks_node *const *inputs, int input_count, ks_node *const *outputs, int output_count)
{
    if (!outputs || output_count < 1 || input_count < 0 || (input_count && !inputs) || !ks__usable(outputs[0]))
        return NULL;
    ks_graph *g = outputs[0]->graph;
    for (int i = 0; i < input_count + output_count; i++) {
        ks_node *node = i < input_count ? inputs[i] : outputs[i - input_count];
        if (!ks__usable(node))
            return NULL;
        if (node->graph != g)
            return ks__null(g, KS_BAD_ARGUMENT, KS__NOWHERE, "function '%s': '%s' belongs to another graph", name, ks_name(node));
    }
    return g;
}

ks_function *ks_function_of(const char *name, ks_node *const *inputs, int input_count, ks_node *const *outputs, int output_count,
                            ks_node **captured, int capacity, int *captured_count)
{
    ks_graph *g = ks__fragment_graph(name, inputs, input_count, outputs, output_count);
    if (!g)
        return NULL;
    ks__list list = {0};
    ks_function *f = ks__extract(name, inputs, (uint32_t)input_count, outputs, (uint32_t)output_count, &list);
    if (captured_count)
        *captured_count = (int)list.count;
    for (int i = 0; f && captured && i < capacity && i < (int)list.count; i++)
        captured[i] = list.nodes[i];
    ks__list_free(g, &list);
    return f;
}
