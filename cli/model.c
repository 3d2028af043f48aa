/*
 * cli/model.c - reads a model and finds its nodes; who is not found is met by name, with the nearest one.
 */
#include "model.h"
#include "output.h"

#include <stdlib.h>
#include <string.h>

static void on_log(void *user, const char *message)
{
    remark("%s: %s", (const char *)user, message);
}

int model_open(model *m, const char *path, const args *a, const ks_graph_options *given)
{
    ks_graph_options options = KS_GRAPH_OPTIONS_DEFAULT;
    ks_failure failure = {.code = KS_OK};
    if (given)
        options = *given;
    options.threads = (int)a->threads;
    options.cast_feeds = a->cast;
    options.on_log = on_log;
    options.log_user = (void *)(uintptr_t)path;
    m->path = path;
    m->graph = ks_load(path, &options, &failure);
    if (!m->graph)
        return complain_failure(path, &failure);
    if (a->has_seed)
        ks_set_seed(m->graph, (uint64_t)a->seed);
    return DONE;
}

void model_close(model *m)
{
    ks_graph_free(m->graph);
    m->graph = NULL;
}

int model_failed(const model *m)
{
    return complain_failure(m->path, ks_error(m->graph));
}

/* ---- nodes by name ------------------------------------------------------------------------------------- */

static void nearer(const char *name, const char *candidate, const char **best, int *least)
{
    int distance = word_distance(name, candidate);
    if (distance < *least) {
        *least = distance;
        *best = candidate;
    }
}

ks_node *model_node(const model *m, const char *name)
{
    ks_node *node = ks_output_find(m->graph, name);
    if (!node)
        node = ks_find(m->graph, name);
    if (node)
        return node;
    const char *best = NULL;
    int least = word_reach(name) + 1;
    for (int i = 0; i < ks_output_count(m->graph); i++)
        nearer(name, ks_output_name(m->graph, i), &best, &least);
    for (int64_t i = 0; i < ks_node_count(m->graph); i++)
        nearer(name, ks_name(ks_node_at(m->graph, i)), &best, &least);
    if (best)
        complain("%s: no node named '%s' (did you mean '%s'?)", m->path, name, best);
    else
        complain("%s: no node named '%s': 'keisan info %s' lists them", m->path, name, m->path);
    return NULL;
}

ks_node *model_node_or(const model *m, const char *name, const char *usual, const char *what)
{
    if (name)
        return model_node(m, name);
    ks_node *node = ks_output_find(m->graph, usual);
    if (!node)
        complain("%s: it has no output '%s': name a node with --%s", m->path, usual, what);
    return node;
}

/* ---- what nodes need ----------------------------------------------------------------------------------- */

/* A node and its position, sorted by address to find the position again. */
typedef struct place {
    const ks_node *node;
    int64_t at;
} place;

static int by_address(const void *a, const void *b)
{
    uintptr_t x = (uintptr_t)((const place *)a)->node, y = (uintptr_t)((const place *)b)->node;
    return x < y ? -1 : x > y;
}

static int64_t position(const place *places, int64_t count, const ks_node *node)
{
    place key = {node, 0};
    const place *found = bsearch(&key, places, (size_t)count, sizeof *places, by_address);
    return found ? found->at : -1;
}

bool *model_needs(const model *m, ks_node *const *nodes, int count)
{
    int64_t n = ks_node_count(m->graph);
    place *places = calloc((size_t)n + 1, sizeof *places);
    bool *needed = calloc((size_t)n + 1, sizeof *needed);
    if (!places || !needed) {
        free(places);
        free(needed);
        return NULL;
    }
    for (int64_t i = 0; i < n; i++)
        places[i] = (place){ks_node_at(m->graph, i), i};
    qsort(places, (size_t)n, sizeof *places, by_address);
    for (int i = 0; i < count; i++) {
        int64_t at = position(places, n, nodes[i]);
        if (at >= 0)
            needed[at] = true;
    }
    /* Inputs come first in the order, so one walk back reaches all. */
    for (int64_t i = n - 1; i >= 0; i--) {
        const ks_node *node = ks_node_at(m->graph, i);
        for (int k = 0; needed[i] && k < ks_node_input_count(node); k++) {
            int64_t at = position(places, n, ks_node_input(node, k));
            if (at >= 0)
                needed[at] = true;
        }
    }
    free(places);
    return needed;
}

static bool lacks(const ks_node *node)
{
    return ks_is_input(node) && !ks_has_value(node);
}

bool model_fed(const model *m, ks_node *node)
{
    bool *needed = model_needs(m, &node, 1);
    bool fed = needed != NULL;
    for (int64_t i = 0; fed && i < ks_node_count(m->graph); i++)
        fed = !needed[i] || !lacks(ks_node_at(m->graph, i));
    free(needed);
    return fed;
}

int model_check_fed(const model *m, ks_node *const *nodes, int count, const char *flag)
{
    bool *needed = model_needs(m, nodes, count);
    char text[SHAPE_TEXT];
    int status = DONE;
    if (!needed)
        return complain_memory();
    for (int64_t i = 0; i < ks_node_count(m->graph); i++) {
        ks_node *node = ks_node_at(m->graph, i);
        if (!needed[i] || !lacks(node))
            continue;
        complain("%s: input '%s' has no value: give --%s %s=..., %s %s", m->path, ks_name(node), flag, ks_name(node),
                 ks_dtype_name(ks_node_dtype(node)), shape_text(m->graph, ks_node_shape(node), text));
        status = BAD_INPUT;
    }
    free(needed);
    return status;
}
