/*
 * serialize/load.c - a graph from its JSON.
 *
 * First every node's name and operation are looked at, then the nodes are composed, each after its inputs, in the order of the file where
 * that is possible: the ids come out as they were. The walk over what a node needs has its stack in the entries themselves.
 */
#include "serialize/load.h"
#include "serialize/file.h"
#include "serialize/io.h"
#include "serialize/training.h"
#include "ops/table.h"
#include <keisan/serialize.h>

#include <stdio.h>
#include <string.h>

#define NONE UINT32_MAX

typedef ks__load loader;
typedef ks__load_entry entry;

static const cJSON *member(const cJSON *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

/* ---- names --------------------------------------------------------------------------------------------- */

uint32_t *ks__load_slot(const loader *l, const char *name)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (const char *c = name; *c; c++)
        hash = (hash ^ (unsigned char)*c) * 0x100000001b3u;
    uint32_t i = (uint32_t)(hash ^ hash >> 31) & (l->slots - 1);
    while (l->table[i] != NONE && strcmp(l->entries[l->table[i]].name, name) != 0)
        i = (i + 1) & (l->slots - 1);
    return &l->table[i];
}

/* " (did you mean 'x'?)" for the nearest name of a node of the file. */
static const char *near_name(const loader *l, const char *name, char guess[KS__GUESS_BYTES])
{
    const char *best[2] = {NULL, NULL};
    int least = 1000;
    for (uint32_t i = 0; i < l->count; i++) {
        const entry *e = &l->entries[i];
        int distance = ks__word_distance(name, e->name);
        if (distance < least) {
            least = distance;
            best[0] = e->name;
        }
    }
    return ks__json_guess(name, best, guess);
}

/* ---- looking at the nodes ------------------------------------------------------------------------------ */

static const ks_op *find_op(loader *l, const ks__spot *spot, const cJSON *node)
{
    const char *words[128] = {NULL};
    char shown[KS__SHOWN_BYTES], guess[KS__GUESS_BYTES];
    const cJSON *item = member(node, "op");
    ks__spot at = {spot, "op", 0};
    if (!item) {
        ks__json_fail(l->doc, spot, node, KS_BAD_FILE, "'op' is missing: every node names its operation");
        return NULL;
    }
    const char *name = ks__json_text(l->doc, &at, item);
    const ks_op *op = name ? ks_op_find(l->host, name) : NULL;
    if (op || !name)
        return op;
    if (strchr(name, '.')) {
        ks__json_fail(l->doc, &at, item, KS_BAD_FILE, "'%s' is a user's operation, which this program lacks: ks_register it before loading",
                      ks__json_shown(name, shown));
        return NULL;
    }
    for (int i = 0; i < ks_op_count() && i < 127; i++)
        words[i] = ks_op_at(i)->name;
    ks__json_fail(l->doc, &at, item, KS_BAD_FILE, "no operation is called '%s'%s", ks__json_shown(name, shown),
                  ks__json_guess(name, words, guess));
    return NULL;
}

#define DRAWS (KS_OP_RANDOM | KS_OP_CALLS) /* what may have random numbers of its own */

/* The keys that a node of this operation may have. */
static bool check_keys(loader *l, const ks__spot *spot, const cJSON *node, const ks_op *op)
{
    static const char *const input[] = {"name", "op", "dtype", "shape", "doc", NULL};
    static const char *const constant[] = {"name", "op", "dtype", "shape", "value", "doc", NULL};
    static const char *const number[] = {"name", "op", "value", "doc", NULL};
    static const char *const variable[] = {"name", "op", "dtype", "shape", "value", "init", "trainable", "doc", NULL};
    static const char *const random[] = {"name", "op", "inputs", "attrs", "stream", "doc", NULL};
    static const char *const other[] = {"name", "op", "inputs", "attrs", "doc", NULL};
    const char *const *keys = op->flags & KS_OP_FED        ? input
                              : op->flags & KS_OP_CONSTANT ? constant
                              : op->flags & KS_OP_NUMBER   ? number
                              : op->flags & KS_OP_VARIABLE ? variable
                              : op->flags & DRAWS          ? random
                                                           : other;
    return ks__json_keys(l->doc, spot, node, keys, op->name);
}

static bool look_at(loader *l, uint32_t i, const ks__spot *spot, const cJSON *node)
{
    char shown[KS__SHOWN_BYTES + 16];
    ks__spot at_name = {spot, "name", 0}, at_inputs = {spot, "inputs", 0};
    entry *e = &l->entries[i];
    if (!cJSON_IsObject(node))
        return ks__json_fail(l->doc, spot, node, KS_BAD_FILE,
                             "a node is an object such as {\"name\": \"y\", \"op\": \"relu\", \"inputs\": [\"x\"]}, not %s",
                             ks__json_what(l->doc, node, shown));
    const cJSON *name = member(node, "name"), *inputs = member(node, "inputs");
    if (!name)
        return ks__json_fail(l->doc, spot, node, KS_BAD_FILE, "'name' is missing: every node has one, by which others refer to it");
    *e = (entry){.item = node, .waiting = NONE, .name = ks__json_name(l->doc, &at_name, name)};
    if (!e->name || !(e->op = find_op(l, spot, node)) || !check_keys(l, spot, node, e->op))
        return false;
    if (inputs && !cJSON_IsArray(inputs))
        return ks__json_fail(l->doc, &at_inputs, inputs, KS_BAD_FILE, "inputs are a list of names and numbers such as [\"x\", 2], not %s",
                             ks__json_what(l->doc, inputs, shown));
    e->next = inputs ? inputs->child : NULL;
    if (l->at && e->op->flags & (KS_OP_VARIABLE | KS_OP_EFFECT))
        return ks__json_fail(l->doc, spot, node, KS_BAD_FILE, "%s",
                             e->op->flags & KS_OP_VARIABLE
                                 ? "a function has no variables: make it an input, and give the variable where the function is called"
                                 : "a function has no effects: give the value as a result, and assign it where the function is called");
    uint32_t *slot = ks__load_slot(l, e->name);
    if (*slot != NONE)
        return ks__json_fail(l->doc, &at_name, name, KS_BAD_FILE, "the name '%s' is taken by nodes[%u]: names are unique", e->name, *slot);
    *slot = i;
    return true;
}

static bool look_at_all(loader *l, const ks__spot *spot, const cJSON *nodes)
{
    uint32_t i = 0;
    for (const cJSON *node = nodes->child; node; node = node->next) {
        ks__spot at = {spot, NULL, i};
        if (!look_at(l, i++, &at, node))
            return false;
    }
    return true;
}

/* ---- in which order ------------------------------------------------------------------------------------ */

#define MOST_SHOWN 5

/* `top` needs `again`, which waits for it. */
static bool fail_cycle(loader *l, const ks__spot *spot, const cJSON *item, uint32_t top, uint32_t again)
{
    char text[MOST_SHOWN * 100 + 64];
    size_t at = 0;
    uint32_t ring[MOST_SHOWN], n = 0, first;
    if (top == again)
        return ks__json_fail(l->doc, spot, item, KS_BAD_FILE, "'%.60s' needs itself: a graph has no cycles", l->entries[top].name);
    for (uint32_t i = top; i != again; i = l->entries[i].waiting)
        n++; /* how many steps from `again` to `top` */
    uint32_t steps = n + 1, shown = n < MOST_SHOWN ? n : MOST_SHOWN;
    for (uint32_t i = top; i != again; i = l->entries[i].waiting) {
        n--;
        if (n < shown)
            ring[n] = i;
    }
    first = again;
    for (uint32_t k = 0; k < shown; k++) {
        at += (size_t)snprintf(text + at, sizeof text - at, "'%.30s' needs '%.30s', ", l->entries[first].name, l->entries[ring[k]].name);
        first = ring[k];
    }
    if (steps > shown + 1)
        snprintf(text + at, sizeof text - at, "and so on through %u nodes back to '%.30s'", steps, l->entries[again].name);
    else
        snprintf(text + at, sizeof text - at, "'%.30s' needs '%.30s'", l->entries[first].name, l->entries[again].name);
    return ks__json_fail(l->doc, spot, item, KS_BAD_FILE, "%s: a graph has no cycles", text);
}

/* The entry that an input names; NONE after a failure. */
static uint32_t find_input(loader *l, const ks__spot *spot, const cJSON *item)
{
    char shown[KS__SHOWN_BYTES + 16], guess[KS__GUESS_BYTES];
    if (!cJSON_IsString(item)) {
        ks__json_fail(l->doc, spot, item, KS_BAD_FILE, "an input is a node's name or a number, not %s", ks__json_what(l->doc, item, shown));
        return NONE;
    }
    uint32_t found = *ks__load_slot(l, item->valuestring);
    if (found == NONE)
        ks__json_fail(l->doc, spot, item, KS_BAD_FILE, "no node named '%s'%s", ks__json_shown(item->valuestring, shown),
                      near_name(l, item->valuestring, guess));
    return found;
}

/* Makes the entry after all that it needs. */
static bool make_in_order(loader *l, uint32_t root)
{
    ks__spot nodes = {l->at, "nodes", 0};
    uint32_t top = root;
    l->entries[root].open = true;
    while (top != NONE) {
        entry *e = &l->entries[top];
        const cJSON *item = e->next;
        if (!item) {
            if (!ks__load_make(l, top))
                return false;
            e->open = false;
            top = e->waiting;
            continue;
        }
        ks__spot node = {&nodes, NULL, top}, inputs = {&node, "inputs", 0}, spot = {&inputs, NULL, e->next_index++};
        e->next = item->next;
        if (cJSON_IsNumber(item))
            continue;
        uint32_t i = find_input(l, &spot, item);
        if (i == NONE)
            return false;
        if (l->entries[i].open)
            return fail_cycle(l, &spot, item, top, i);
        if (!l->entries[i].node) {
            l->entries[i].waiting = top;
            l->entries[i].open = true;
            top = i;
        }
    }
    return true;
}

bool ks__load_nodes(loader *l, const cJSON *object)
{
    ks_graph *g = l->g;
    const cJSON *nodes = member(object, "nodes");
    ks__spot spot = {l->at, "nodes", 0};
    char shown[KS__SHOWN_BYTES + 16];
    if (!nodes)
        return ks__json_fail(l->doc, l->at, object, KS_BAD_FILE, "'nodes' is missing: it is the list of the graph's nodes");
    if (!cJSON_IsArray(nodes))
        return ks__json_fail(l->doc, &spot, nodes, KS_BAD_FILE, "nodes are a list of objects, not %s", ks__json_what(l->doc, nodes, shown));
    l->count = (uint32_t)cJSON_GetArraySize(nodes);
    for (l->slots = 16; l->slots < 2 * (uint64_t)l->count; l->slots *= 2)
        ;
    l->entries = ks__get(g, (l->count + 1) * sizeof *l->entries);
    l->table = l->entries ? ks__get(g, l->slots * sizeof *l->table) : NULL;
    if (!l->table)
        return false;
    memset(l->entries, 0, l->count * sizeof *l->entries);
    memset(l->table, 0xff, l->slots * sizeof *l->table);
    bool good = look_at_all(l, &spot, nodes);
    for (uint32_t i = 0; good && i < l->count; i++)
        good = l->entries[i].node || make_in_order(l, i);
    return good;
}

void ks__load_free(loader *l)
{
    ks__put(l->g, l->table, l->slots * sizeof *l->table);
    ks__put(l->g, l->entries, (l->count + 1) * sizeof *l->entries);
}

/* ---- the document -------------------------------------------------------------------------------------- */

bool ks__load_outputs(loader *l, const cJSON *outputs)
{
    ks__spot spot = {l->at, "outputs", 0};
    char shown[KS__SHOWN_BYTES + 16], guess[KS__GUESS_BYTES];
    if (!cJSON_IsObject(outputs))
        return ks__json_fail(l->doc, &spot, outputs, KS_BAD_FILE, "outputs are an object such as {\"score\": \"s\"}, not %s",
                             ks__json_what(l->doc, outputs, shown));
    for (const cJSON *item = outputs->child; item; item = item->next) {
        ks__spot at = {&spot, item->string, 0};
        if (!ks__name_valid(item->string))
            return ks__json_fail(l->doc, &spot, item, KS_BAD_FILE, "'%s' is no name: a name has 1 to 200 letters, digits and _.:/-",
                                 ks__json_shown(item->string, shown));
        const char *name = ks__json_text(l->doc, &at, item);
        if (!name)
            return false;
        uint32_t found = *ks__load_slot(l, name);
        if (found == NONE)
            return ks__json_fail(l->doc, &at, item, KS_BAD_FILE, "no node named '%s'%s", ks__json_shown(name, shown),
                                 near_name(l, name, guess));
        ks_node *node = l->entries[found].node;
        bool given = node->aside->given;
        node->aside->given = true; /* an output's name is not to become the node's */
        ks__json_begin(l->doc, &at, item, NULL);
        bool good = ks_output(l->g, item->string, node) != NULL;
        ks__json_end(l->doc);
        node->aside->given = given;
        if (!good)
            return false;
    }
    return true;
}

/* What must be right before anything else is looked at: a document of this kind and of a version that is known. */
static bool check_format(loader *l)
{
    const cJSON *root = l->doc->root, *format = member(root, "format"), *version = member(root, "version");
    ks__spot at_format = {NULL, "format", 0}, at_version = {NULL, "version", 0};
    char shown[KS__SHOWN_BYTES + 16];
    int64_t number;
    if (!cJSON_IsObject(root))
        return ks__json_fail(l->doc, NULL, root, KS_BAD_FILE,
                             "a graph is an object that begins {\"format\": \"keisan.graph\", \"version\": 1, not %s",
                             ks__json_what(l->doc, root, shown));
    if (!format)
        return ks__json_fail(l->doc, NULL, root, KS_BAD_FILE,
                             "'format' is missing: a graph begins {\"format\": \"keisan.graph\", \"version\": 1");
    if (!cJSON_IsString(format) || strcmp(format->valuestring, "keisan.graph") != 0)
        return ks__json_fail(l->doc, &at_format, format, KS_BAD_FILE, "this is no graph: \"keisan.graph\" was expected, not %s",
                             ks__json_what(l->doc, format, shown));
    if (!version)
        return ks__json_fail(l->doc, NULL, root, KS_BAD_FILE, "'version' is missing: it is 1");
    if (!ks__json_i64(l->doc, &at_version, version, 1, INT64_MAX, &number))
        return false;
    return number == 1 || ks__json_fail(l->doc, &at_version, version, KS_UNSUPPORTED,
                                        "version %lld is newer than this library, which reads version 1", (long long)number);
}

static bool load_metadata(loader *l, const cJSON *metadata)
{
    ks__spot spot = {NULL, "metadata", 0};
    char shown[KS__SHOWN_BYTES + 16];
    size_t size;
    if (!cJSON_IsObject(metadata))
        return ks__json_fail(l->doc, &spot, metadata, KS_BAD_FILE, "metadata is an object, not %s", ks__json_what(l->doc, metadata, shown));
    const char *raw = ks__json_raw(l->doc, metadata, &size);
    l->g->metadata = ks__small(l->g, size + 1);
    if (l->g->metadata)
        memcpy(l->g->metadata, raw, size);
    return l->g->metadata != NULL;
}

static bool load_document(loader *l, ks__load_functions *functions)
{
    static const char *const keys[] = {"format", "version", "seed", "step", "metadata", "functions", "nodes", "outputs", "training", NULL};
    ks__spot at_seed = {NULL, "seed", 0}, at_step = {NULL, "step", 0}, at_training = {NULL, "training", 0};
    if (!check_format(l) || !ks__json_keys(l->doc, NULL, l->doc->root, keys, "a graph"))
        return false;
    const cJSON *root = l->doc->root, *seed = member(root, "seed"), *step = member(root, "step"), *metadata = member(root, "metadata"),
                *called = member(root, "functions"), *outputs = member(root, "outputs"), *training = member(root, "training");
    uint64_t number;
    if (seed) {
        if (!ks__json_u64(l->doc, &at_seed, seed, &number))
            return false;
        ks_set_seed(l->g, number);
    }
    if (step) {
        if (!ks__json_u64(l->doc, &at_step, step, &number))
            return false;
        ks_set_step_number(l->g, number);
    }
    return (!metadata || load_metadata(l, metadata)) && (!called || ks__load_functions_of(l, functions, called)) &&
           ks__load_nodes(l, root) && (!outputs || ks__load_outputs(l, outputs)) &&
           (!training || ks__load_training(l->doc, &at_training, training));
}

/* Reads what stands in doc->text, which is freed. */
static bool load_text(ks__json *doc)
{
    loader l = {.doc = doc, .g = doc->g, .host = doc->g};
    ks__load_functions functions = {0};
    bool good = ks__json_parse(doc) && load_document(&l, &functions);
    if (!good)
        ks__training_free(l.g);
    ks__load_free(&l);
    ks__load_functions_free(&l, &functions);
    ks__json_free(doc);
    return good;
}

static bool check_empty(ks_graph *g, const char *call)
{
    if (g->count || g->variables.extent || g->output_count)
        return ks__refuse(g, KS_BAD_ARGUMENT, KS__NOWHERE, "%s: the graph has %lld nodes already: read into a new one", call,
                          (long long)ks_node_count(g));
    ks__cut(g, 0);
    return true;
}

bool ks_load_into(ks_graph *graph, const char *path)
{
    ks_failure failure = {.code = KS_OK};
    if (!graph || !check_empty(graph, "ks_load_into"))
        return false;
    ks__json doc = {.g = graph, .file = path, .text = {.allocator = graph->options.allocator}};
    bool good = ks__file_read(path, &doc.text, PTRDIFF_MAX, &failure) || ks__refuse_with(graph, &failure);
    if (good && !graph->source)
        good = (graph->source = ks__text_copy(graph, path)) != NULL;
    if (!good) {
        ks_buffer_free(&doc.text);
        return false;
    }
    return load_text(&doc);
}

bool ks_load_into_from(ks_graph *graph, ks_reader reader)
{
    ks_failure failure = {.code = KS_OK};
    if (!graph || !check_empty(graph, "ks_load_into_from"))
        return false;
    if (!reader.read)
        return ks__refuse(graph, KS_BAD_ARGUMENT, KS__NOWHERE, "ks_load_into_from: the reader has no function");
    ks__json doc = {.g = graph, .text = {.allocator = graph->options.allocator}};
    if (ks__read_all(&reader, &doc.text, PTRDIFF_MAX, &failure))
        return load_text(&doc);
    ks_buffer_free(&doc.text);
    return ks__refuse_with(graph, &failure);
}

/* A new graph; NULL with the failure filled. */
static ks_graph *new_graph(const ks_graph_options *options, ks_failure *failure)
{
    if (failure)
        *failure = (ks_failure){.code = KS_OK};
    ks_graph *g = ks_graph_new(options);
    if (!g)
        ks__fail(failure, KS_NO_MEMORY, "no graph could be made: out of memory, or bad options");
    return g;
}

/* The graph if it was read; else NULL, and the failure without the texts that go with the graph. */
static ks_graph *hand_over(ks_graph *g, bool good, ks_failure *failure)
{
    if (good)
        return g;
    if (failure) {
        *failure = g->failure;
        failure->place.file = NULL;
    }
    ks_graph_free(g);
    return NULL;
}

ks_graph *ks_load(const char *path, const ks_graph_options *options, ks_failure *failure)
{
    ks_graph *g = new_graph(options, failure);
    return g ? hand_over(g, ks_load_into(g, path), failure) : NULL;
}

ks_graph *ks_load_from(ks_reader reader, const ks_graph_options *options, ks_failure *failure)
{
    ks_graph *g = new_graph(options, failure);
    return g ? hand_over(g, ks_load_into_from(g, reader), failure) : NULL;
}
