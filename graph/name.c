/*
 * graph/name.c - names of nodes, outputs, and looking at nodes.
 *
 * Who was given no name gets one of its operation and a count, "relu_1", the first time someone asks. The table of names
 * holds released nodes too; they give way to whoever asks for their name.
 */
#include "graph/graph.h"

#include <stdio.h>
#include <string.h>

bool ks__name_valid(const char *name)
{
    if (!name || !*name || strlen(name) > 200)
        return false;
    return name[strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.:/-")] == 0;
}

void ks__name_drop(ks_node *node)
{
    ks_graph *g = node->graph;
    ks__aside *aside = node->aside;
    if (!aside || !aside->name)
        return;
    HASH_DEL(g->names, aside);
    ks__text_put(g, aside->name);
    aside->name = NULL;
    aside->given = false;
}

void ks__names_free(ks_graph *g)
{
    ks__aside *aside, *next;
    HASH_ITER (hh, g->names, aside, next) {
        ks__name_drop(aside->node);
    }
}

/* The holder of the name, if it is alive; one that waits after a release loses the name. */
static ks_node *holder(ks_graph *g, const char *name)
{
    ks__aside *aside;
    HASH_FIND_STR(g->names, name, aside);
    if (!aside)
        return NULL;
    if (!ks__alive(aside->node)) {
        ks__name_drop(aside->node);
        return NULL;
    }
    return aside->node;
}

static bool put_name(ks_node *node, const char *name, bool given)
{
    ks_graph *g = node->graph;
    ks__aside *aside = ks__aside_of(node);
    if (!aside)
        return false;
    char *copy = ks__text_copy(g, name);
    if (!copy)
        return false;
    ks__name_drop(node);
    aside->name = copy;
    aside->given = given;
    HASH_ADD_KEYPTR(hh, g->names, aside->name, strlen(aside->name), aside);
    if (!aside->hh.tbl) {
        aside->name = NULL;
        ks__text_put(g, copy);
        return ks__refuse(g, KS_NO_MEMORY, KS__NOWHERE, "out of memory: no room for the name '%s'", name);
    }
    return true;
}

ks_node *ks_named(const char *name, ks_node *node)
{
    if (!ks__usable(node))
        return NULL;
    ks_graph *g = node->graph;
    if (node->aside && node->aside->name && node->aside->given && name && !strcmp(node->aside->name, name))
        return node;
    if (!ks__name_valid(name))
        return ks__null(g, KS_BAD_NAME, ks_node_place(node), "'%s' is no name for a %s: use letters, digits and _.:/-",
                        name ? name : "NULL", node->op->name);
    ks_node *other = holder(g, name);
    if (other && other != node) {
        if (other->aside->given)
            return ks__null(g, KS_BAD_NAME, ks_node_place(node), "the name '%s' is taken by a %s: names are unique in a graph", name,
                            other->op->name);
        ks__name_drop(other); /* a made-up name gives way */
        if (other->id < g->named)
            g->named = other->id;
    }
    if ((node->flags & KS__VARIABLE) && node->aside && node->aside->given)
        return ks__null(g, KS_BAD_NAME, ks_node_place(node), "variable '%s' keeps its name: it is not '%s'", node->aside->name, name);
    return put_name(node, name, true) ? node : NULL;
}

/* Names every nameless node below `until`: one pass, a count an operation. Quadratic only in the number of operations. */
typedef struct op_count {
    const ks_op *op;
    uint32_t count;
    UT_hash_handle hh;
} op_count;

static op_count *count_of(ks_graph *g, op_count **counts, const ks_op *op)
{
    op_count *entry;
    HASH_FIND_PTR(*counts, &op, entry);
    if (entry)
        return entry;
    entry = ks__small(g, sizeof *entry);
    if (!entry)
        return NULL;
    entry->op = op;
    HASH_ADD_PTR(*counts, op, entry);
    if (!entry->hh.tbl) {
        ks__small_put(g, entry, sizeof *entry);
        return ks__null(g, KS_NO_MEMORY, KS__NOWHERE, "out of memory: no room to count names");
    }
    return entry;
}

static bool name_one(ks_graph *g, op_count **counts, ks_node *node, bool count_only)
{
    char name[96];
    op_count *entry = count_of(g, counts, node->op);
    if (!entry)
        return false;
    bool mine = node->aside && node->aside->name;
    if (mine && node->aside->given)
        return true;
    entry->count++;
    if (mine || count_only)
        return true;
    snprintf(name, sizeof name, "%.60s_%u", node->op->name, entry->count);
    while (holder(g, name))
        snprintf(name, sizeof name, "%.60s_%u", node->op->name, ++entry->count);
    return put_name(node, name, false);
}

static bool name_until(ks_graph *g, uint32_t until)
{
    op_count *counts = NULL, *entry, *next;
    bool good = true;
    for (uint32_t i = 0; good && i < until; i++)
        good = name_one(g, &counts, ks__stack_at(&g->nodes, i), i < g->named);
    if (good)
        g->named = until;
    HASH_ITER (hh, counts, entry, next) {
        HASH_DEL(counts, entry);
        ks__small_put(g, entry, sizeof *entry);
    }
    return good;
}

const char *ks_name(const ks_node *node)
{
    if (!node)
        return "NULL";
    if (node->aside && node->aside->name)
        return node->aside->name;
    if (!ks__alive(node))
        return "released";
    ks_graph *g = node->graph;
    if (!name_until(g, g->count))
        return node->op->name;
    return node->aside && node->aside->name ? node->aside->name : node->op->name;
}

/* Whether it ends as "relu_1" does: other names need no look at the nameless nodes. */
static bool could_be_made_up(const char *name)
{
    const char *line = strrchr(name, '_');
    return line && line[1] && line[1 + strspn(line + 1, "0123456789")] == 0;
}

ks_node *ks_find(ks_graph *graph, const char *name)
{
    if (!graph || !name)
        return NULL;
    ks_node *node = holder(graph, name);
    if (!node && graph->named < graph->count && could_be_made_up(name) && name_until(graph, graph->count))
        node = holder(graph, name);
    return node;
}

/* ---- near misses --------------------------------------------------------------------------------------- */

int ks__word_distance(const char *a, const char *b)
{
    int row[64];
    int n = (int)strnlen(b, 60);
    for (int j = 0; j <= n; j++)
        row[j] = j;
    for (int i = 1; a[i - 1] && i < 60; i++) {
        int diagonal = row[0];
        row[0] = i;
        for (int j = 1; j <= n; j++) {
            int change = diagonal + (a[i - 1] != b[j - 1]), least = row[j] + 1 < row[j - 1] + 1 ? row[j] + 1 : row[j - 1] + 1;
            diagonal = row[j];
            row[j] = change < least ? change : least;
        }
    }
    return row[n];
}

const char *ks__name_near(ks_graph *g, const char *name)
{
    const char *best = NULL;
    int least = (int)(strlen(name) / 3) + 1;
    ks__aside *aside, *next;
    name_until(g, g->count);
    HASH_ITER (hh, g->names, aside, next) {
        int distance = ks__alive(aside->node) ? ks__word_distance(name, aside->name) : 1000;
        if (distance <= least) {
            least = distance - 1;
            best = aside->name;
        }
    }
    return best;
}

/* ---- outputs, documentation ---------------------------------------------------------------------------- */

ks_node *ks_output(ks_graph *graph, const char *name, ks_node *node)
{
    if (!graph || !ks__usable(node))
        return NULL;
    if (node->graph != graph)
        return ks__null(graph, KS_BAD_ARGUMENT, ks_node_place(node), "output '%s': the node belongs to another graph",
                        name ? name : "NULL");
    if (!ks__name_valid(name))
        return ks__null(graph, KS_BAD_NAME, ks_node_place(node), "'%s' is no name for an output: use letters, digits and _.:/-",
                        name ? name : "NULL");
    bool nameless = !node->aside || !node->aside->given;
    ks_node *taken = holder(graph, name);
    if (nameless && (!taken || taken == node || !taken->aside->given) && !ks_named(name, node))
        return NULL;
    for (uint32_t i = 0; i < graph->output_count; i++) {
        if (!strcmp(graph->outputs[i].name, name)) {
            graph->outputs[i].node = node;
            return node;
        }
    }
    if (!ks__grow(graph, &graph->outputs, &graph->output_capacity, graph->output_count, sizeof *graph->outputs))
        return NULL;
    char *copy = ks__text_copy(graph, name);
    if (!copy)
        return NULL;
    graph->outputs[graph->output_count++] = (ks__output){copy, node};
    return node;
}

/* The i-th output that is alive: those that were released wait to be recognised too. */
static const ks__output *output_at(const ks_graph *g, int i)
{
    for (uint32_t k = 0; g && k < g->output_count; k++) {
        if (ks__alive(g->outputs[k].node) && i-- == 0)
            return &g->outputs[k];
    }
    return NULL;
}

int ks_output_count(const ks_graph *graph)
{
    int count = 0;
    for (uint32_t i = 0; graph && i < graph->output_count; i++)
        count += ks__alive(graph->outputs[i].node);
    return count;
}

const char *ks_output_name(const ks_graph *graph, int i)
{
    const ks__output *output = output_at(graph, i);
    return output ? output->name : NULL;
}

ks_node *ks_output_node(const ks_graph *graph, int i)
{
    const ks__output *output = output_at(graph, i);
    return output ? output->node : NULL;
}

ks_node *ks_output_find(const ks_graph *graph, const char *name)
{
    for (uint32_t i = 0; graph && name && i < graph->output_count; i++) {
        if (ks__alive(graph->outputs[i].node) && !strcmp(graph->outputs[i].name, name))
            return graph->outputs[i].node;
    }
    return NULL;
}

bool ks_set_doc(ks_node *node, const char *doc)
{
    if (!ks__usable(node) || !ks__aside_of(node))
        return false;
    char *copy = doc ? ks__text_copy(node->graph, doc) : NULL;
    if (doc && !copy)
        return false;
    ks__text_put(node->graph, node->aside->doc);
    node->aside->doc = copy;
    return true;
}

const char *ks_doc(const ks_node *node)
{
    return node && node->aside ? node->aside->doc : NULL;
}

/* ---- looking at nodes ---------------------------------------------------------------------------------- */

ks_graph *ks_node_graph(const ks_node *node)
{
    return node ? node->graph : NULL;
}

const struct ks_op *ks_node_op(const ks_node *node)
{
    return node ? node->op : NULL;
}

const char *ks_node_op_name(const ks_node *node)
{
    return node ? node->op->name : "NULL";
}

int ks_node_input_count(const ks_node *node)
{
    return node ? (int)node->n : 0;
}

ks_node *ks_node_input(const ks_node *node, int i)
{
    return node && i >= 0 && (uint32_t)i < node->n ? ks__inputs(node)[i] : NULL;
}

ks_dtype ks_node_dtype(const ks_node *node)
{
    return node ? (ks_dtype)node->dtype : KS_DTYPES;
}

ks_shape ks_node_shape(const ks_node *node)
{
    return node && ks__alive(node) ? node->dims->shape : (ks_shape){.rank = -1};
}

const void *ks_node_attrs(const ks_node *node)
{
    return node ? ks__attrs(node) : NULL;
}

static bool is(const ks_node *node, unsigned flag)
{
    return node && (node->op->flags & flag);
}

bool ks_is_input(const ks_node *node)
{
    return is(node, KS_OP_FED);
}

bool ks_is_constant(const ks_node *node)
{
    return is(node, KS_OP_CONSTANT);
}

bool ks_is_number(const ks_node *node)
{
    return is(node, KS_OP_NUMBER);
}

bool ks_is_variable(const ks_node *node)
{
    return is(node, KS_OP_VARIABLE);
}

bool ks_is_trainable(const ks_node *node)
{
    return is(node, KS_OP_VARIABLE) && (node->flags & KS__TRAINABLE);
}

bool ks_set_trainable(ks_node *variable, bool trainable)
{
    if (!ks__usable(variable) || !ks_is_variable(variable))
        return false;
    variable->flags = (uint8_t)(trainable ? variable->flags | KS__TRAINABLE : variable->flags & ~KS__TRAINABLE);
    return true;
}

double ks_number_value(const ks_node *number)
{
    return ks_is_number(number) ? number->data.number : 0;
}

ks_init ks_variable_init(const ks_node *variable)
{
    return ks_is_variable(variable) && variable->aside ? variable->aside->init : KS_UNSET;
}

bool ks_has_value(const ks_node *leaf)
{
    return leaf && ((leaf->op->flags & KS_OP_NUMBER) || leaf->value);
}

static void put_in_order(ks_graph *g, ks_node *node)
{
    if ((node->flags & KS__VARIABLE) && (node->flags & KS__NOTED))
        return;
    if (node->flags & KS__VARIABLE)
        node->flags |= KS__NOTED;
    g->order[g->order_filled++] = node;
}

/* Variables come before the node that was made after them, and before their first user: they may outlive what stood there. */
static bool order(ks_graph *g)
{
    if (g->order && g->order_nodes == g->count && g->order_composed == g->statistics.nodes_composed)
        return true;
    ks__put(g, g->order, (size_t)g->order_count * sizeof *g->order);
    g->order_count = (int64_t)g->count + g->variables.extent;
    g->order_filled = 0;
    g->order = ks__get(g, (size_t)g->order_count * sizeof *g->order);
    if (!g->order) {
        g->order_count = 0;
        return false;
    }
    for (uint32_t i = 0, v = 0; i <= g->count; i++) {
        ks_node *node = i < g->count ? ks__stack_at(&g->nodes, i) : NULL;
        for (; v < g->variables.extent; v++) {
            ks_node *variable = ks__stack_at(&g->variables, v);
            if (node && variable->aside && variable->aside->at > i)
                break;
            put_in_order(g, variable);
        }
        for (uint32_t k = 0; node && k < node->n; k++) {
            if (ks__inputs(node)[k]->flags & KS__VARIABLE)
                put_in_order(g, ks__inputs(node)[k]);
        }
        if (node)
            put_in_order(g, node);
    }
    for (uint32_t v = 0; v < g->variables.extent; v++)
        ks__stack_at(&g->variables, v)->flags &= (uint8_t)~KS__NOTED;
    g->order_nodes = g->count;
    g->order_composed = g->statistics.nodes_composed;
    return true;
}

int64_t ks_node_count(const ks_graph *graph)
{
    return graph ? (int64_t)graph->count + graph->variables.extent : 0;
}

ks_node *ks_node_at(const ks_graph *graph, int64_t i)
{
    ks_graph *g = (ks_graph *)(uintptr_t)graph; /* the order is a cache */
    if (!g || i < 0 || i >= ks_node_count(g) || !order(g))
        return NULL;
    return g->order[i];
}

int64_t ks_variable_count(const ks_graph *graph)
{
    return graph ? graph->variables.extent : 0;
}

ks_node *ks_variable_number(const ks_graph *graph, int64_t i)
{
    return graph && i >= 0 && i < graph->variables.extent ? ks__stack_at(&graph->variables, (uint32_t)i) : NULL;
}
