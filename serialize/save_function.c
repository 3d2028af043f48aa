/*
 * serialize/save_function.c - the functions that are called, as JSON: each body as a graph is written.
 *
 * A call's further results name nodes of the body by their position. So all nodes of a body are written, in their order, and a number
 * stands among its user's inputs only where reading would make it at the same position again.
 */
#include "serialize/save.h"
#include "graph/function.h"
#include "serialize/io.h"

#include <stdio.h>
#include <string.h>

/* ---- which functions ----------------------------------------------------------------------------------- */

static ks__save_function *function_at(const ks__save *s, size_t i)
{
    return (ks__save_function *)(void *)s->functions.data + i;
}

static size_t function_count(const ks__save *s)
{
    return s->functions.size / sizeof(ks__save_function);
}

const char *ks__save_function_name(const ks__save *s, const ks_function *f)
{
    for (size_t i = 0; i < function_count(s); i++) {
        if (function_at(s, i)->function == f)
            return function_at(s, i)->name;
    }
    return NULL;
}

static bool is_taken(const ks__save *s, const char *name)
{
    for (size_t i = 0; i < function_count(s); i++) {
        if (!strcmp(function_at(s, i)->name, name))
            return true;
    }
    return false;
}

/* Its own name, or with a number behind it where another function has that. */
static bool finish(ks__save *s, const ks_function *f)
{
    ks__save_function done = {.function = f};
    unsigned number = 1;
    for (size_t i = 0; i < function_count(s); i++)
        number += !strcmp(function_at(s, i)->function->name, f->name);
    snprintf(done.name, sizeof done.name, "%.200s", f->name);
    for (number += number == 1; is_taken(s, done.name); number++)
        snprintf(done.name, sizeof done.name, "%.189s-%u", f->name, number);
    return ks__buffer_append(&s->functions, &done, sizeof done) || ks__save_no_memory(s);
}

/* A function whose nodes are being looked at, and the next of them. */
typedef struct visit {
    const ks_function *function;
    uint32_t node;
} visit;

/* A function that it calls and that is not in the list yet; NULL: there are no more. */
static const ks_function *next_called(const ks__save *s, visit *v)
{
    const ks_graph *body = v->function->graph;
    for (; v->node < body->count; v->node++) {
        const ks_function *called;
        for (uint32_t k = 0; (called = ks__function_called(ks__stack_at(&body->nodes, v->node), k)) != NULL; k++) {
            if (!ks__save_function_name(s, called))
                return called;
        }
    }
    return NULL;
}

/* Puts the function into the list, after those that it calls. */
static bool add_function(ks__save *s, const ks_function *root)
{
    ks_buffer stack = {.allocator = s->g->options.allocator};
    visit first = {.function = root};
    bool good = ks__save_function_name(s, root) || ks__buffer_append(&stack, &first, sizeof first) || ks__save_no_memory(s);
    while (good && stack.size) {
        visit *top = (visit *)(void *)(stack.data + stack.size) - 1, next = {.function = next_called(s, top)};
        if (next.function) {
            good = ks__buffer_append(&stack, &next, sizeof next) || ks__save_no_memory(s);
        } else {
            good = finish(s, top->function);
            stack.size -= sizeof *top;
        }
    }
    ks_buffer_free(&stack);
    return good;
}

bool ks__save_find_functions(ks__save *s)
{
    for (uint32_t i = 0; i < s->g->count; i++) {
        const ks_node *node = ks__stack_at(&s->g->nodes, i);
        const ks_function *called;
        for (uint32_t k = 0; ks__save_needed(s, node) && (called = ks__function_called(node, k)) != NULL; k++) {
            if (!add_function(s, called))
                return false;
        }
    }
    return true;
}

/* ---- a body -------------------------------------------------------------------------------------------- */

static void count_uses(ks__save *s)
{
    for (uint32_t i = 0; i < s->g->count; i++) {
        const ks_node *node = ks__stack_at(&s->g->nodes, i);
        s->uses[i] |= KS__SAVE_NEEDED | KS__SAVE_NODE;
        for (uint32_t k = 0; k < node->n; k++) {
            uint8_t *uses = &s->uses[ks__inputs(node)[k]->id];
            if ((*uses & KS__SAVE_USES) < 2)
                ++*uses;
        }
    }
    for (uint32_t k = 0; k < s->g->output_count; k++)
        s->uses[s->g->outputs[k].node->id] |= 2; /* a result has a name */
}

/* A reader makes a number among the inputs just before its user, the numbers in their order. */
static void place_numbers(ks__save *s)
{
    count_uses(s);
    for (uint32_t i = 0; i < s->g->count; i++) {
        const ks_node *node = ks__stack_at(&s->g->nodes, i);
        uint32_t before = i;
        for (uint32_t k = node->n; k-- > 0;) {
            const ks_node *input = ks__inputs(node)[k];
            if (input->id + 1 == before && (s->uses[input->id] & KS__SAVE_USES) == 1 && ks__save_plain_number(input))
                s->uses[--before] &= (uint8_t)~KS__SAVE_NODE;
        }
    }
}

static bool save_nodes(ks__save *s)
{
    const char *between = "{\"nodes\": [\n    ";
    for (uint32_t i = 0; i < s->g->count; i++) {
        ks_node *node = ks__stack_at(&s->g->nodes, i);
        if (ks__save_inline(s, node))
            continue;
        if (!ks__save_text(s, between) || !ks__save_node(s, node))
            return false;
        between = ",\n    ";
    }
    return ks__save_text(s, "],\n   \"outputs\": ");
}

static bool save_outputs(ks__save *s)
{
    cJSON *outputs = cJSON_CreateObject();
    for (uint32_t k = 0; k < s->g->output_count; k++) {
        if (!ks__save_add(s, outputs, s->g->outputs[k].name, cJSON_CreateString(ks_name(s->g->outputs[k].node)))) {
            cJSON_Delete(outputs);
            return false;
        }
    }
    return ks__save_item(s, outputs) && ks__save_text(s, "}");
}

static bool save_function(ks__save *s, const ks__save_function *f)
{
    ks__save own = *s;
    size_t bytes = (size_t)f->function->graph->count + 1;
    own.g = f->function->graph;
    own.uses = ks__get_quiet(s->host, bytes);
    if (!own.uses)
        return ks__save_no_memory(s);
    memset(own.uses, 0, bytes);
    place_numbers(&own);
    bool good = ks__function_name_all(f->function) || ks__save_no_memory(s);
    good = good && ks__save_item(&own, cJSON_CreateString(f->name)) && ks__save_text(&own, ": ") && save_nodes(&own) && save_outputs(&own);
    s->failed = own.failed;
    ks__put(s->host, own.uses, bytes);
    return good;
}

bool ks__save_functions(ks__save *s)
{
    for (size_t i = 0; i < function_count(s); i++) {
        if (!ks__save_text(s, i ? ",\n  " : " \"functions\": {\n  ") || !save_function(s, function_at(s, i)))
            return false;
    }
    return !function_count(s) || ks__save_text(s, "},\n");
}
