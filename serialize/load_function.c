/*
 * serialize/load_function.c - the functions of a file, each made after those that it calls.
 *
 * A body is read as a graph is, into a graph of its own. Whatever fails there becomes the failure of the graph that is read, at its place
 * in the document. The walk over what calls what has its stack in the functions themselves.
 */
#include "serialize/load.h"
#include "graph/function.h"
#include <keisan/function.h>

#include <stdlib.h>
#include <string.h>

typedef ks__load_function entry;

static const cJSON *member(const cJSON *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

/* ---- by name ------------------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
    return strcmp((*(entry *const *)a)->item->string, (*(entry *const *)b)->item->string);
}

static int compare(const void *name, const void *function)
{
    return strcmp(name, (*(entry *const *)function)->item->string);
}

static entry *find(const ks__load_functions *functions, const char *name)
{
    entry *const *found =
        functions && functions->count ? bsearch(name, functions->by_name, functions->count, sizeof *functions->by_name, compare) : NULL;
    return found ? *found : NULL;
}

/* " (did you mean 'x'?)" for the nearest name of a function of the file. */
static const char *near_name(const ks__load_functions *functions, const char *name, char guess[KS__GUESS_BYTES])
{
    const char *best[2] = {NULL, NULL};
    int least = 1000;
    for (uint32_t i = 0; functions && i < functions->count; i++) {
        int distance = ks__word_distance(name, functions->all[i].item->string);
        if (distance < least) {
            least = distance;
            best[0] = functions->all[i].item->string;
        }
    }
    return ks__json_guess(name, best, guess);
}

ks_function *ks__load_function_named(ks__json *doc, const ks__spot *spot, const cJSON *item)
{
    char shown[KS__SHOWN_BYTES], guess[KS__GUESS_BYTES];
    const char *name = ks__json_text(doc, spot, item);
    entry *e = name ? find(doc->functions, name) : NULL;
    if (!name)
        return NULL;
    if (!e || !e->function) {
        ks__json_fail(doc, spot, item, KS_BAD_FILE, "no function is called '%s'%s", ks__json_shown(name, shown),
                      near_name(doc->functions, name, guess));
        return NULL;
    }
    return ks__function_keep(doc->g, e->function) ? e->function : NULL;
}

/* ---- which first --------------------------------------------------------------------------------------- */

/* The first function that a node calls and that is not made yet, and the attribute; what is wrong with the node is seen later. */
static entry *called_by(const ks__load *l, const ks__load_functions *functions, const cJSON *node, const cJSON **attribute)
{
    const cJSON *op = member(node, "op"), *attrs = member(node, "attrs");
    const ks_op *is = cJSON_IsString(op) && cJSON_IsObject(attrs) ? ks_op_find(l->host, op->valuestring) : NULL;
    for (const ks_attr *attr = is ? is->attrs : NULL; attr && attr->name; attr++) {
        *attribute = attr->type == KS_ATTR_FUNCTION ? member(attrs, attr->name) : NULL;
        entry *called = cJSON_IsString(*attribute) ? find(functions, (*attribute)->valuestring) : NULL;
        if (called && !called->function)
            return called;
    }
    return NULL;
}

static bool fail_recursion(ks__load *l, const entry *top, const entry *again, const cJSON *attribute)
{
    ks__spot functions = {NULL, "functions", 0}, function = {&functions, top->item->string, 0}, nodes = {&function, "nodes", 0},
             node = {&nodes, NULL, top->next_index}, attrs = {&node, "attrs", 0}, spot = {&attrs, attribute->string, 0};
    if (top == again)
        return ks__json_fail(l->doc, &spot, attribute, KS_BAD_FILE, "'%.60s' calls itself: there is no recursion, use a scan for a loop",
                             top->item->string);
    return ks__json_fail(l->doc, &spot, attribute, KS_BAD_FILE,
                         "'%.60s' calls '%.60s', which comes to call '%.60s' again: there is no recursion, use a scan for a loop",
                         top->item->string, again->item->string, top->item->string);
}

/* ---- a body -------------------------------------------------------------------------------------------- */

static bool load_body(ks__load *l, const cJSON *item)
{
    static const char *const keys[] = {"nodes", "outputs", NULL};
    char shown[KS__SHOWN_BYTES + 16];
    const cJSON *outputs = member(item, "outputs");
    if (!cJSON_IsObject(item))
        return ks__json_fail(l->doc, l->at, item, KS_BAD_FILE,
                             "a function is an object such as {\"nodes\": [...], \"outputs\": {...}}, not %s",
                             ks__json_what(l->doc, item, shown));
    if (!ks__json_keys(l->doc, l->at, item, keys, "a function") || !ks__load_nodes(l, item))
        return false;
    if (!outputs || (cJSON_IsObject(outputs) && !outputs->child))
        return ks__json_fail(l->doc, l->at, item, KS_BAD_FILE, "'outputs' is missing: a function gives one result at least");
    return ks__load_outputs(l, outputs);
}

/* What failed in the body is the graph's failure, at the place in the file. */
static bool hand_over(ks_graph *g, const ks_graph *body)
{
    ks_failure failure = body->failure;
    if (!failure.code)
        return ks__refuse(g, KS_NO_MEMORY, KS__NOWHERE, "out of memory: no room for a function");
    if (failure.place.file)
        failure.place.file = g->source ? g->source : "JSON";
    return ks__refuse_with(g, &failure);
}

static bool make(ks__load *l, entry *e)
{
    ks__spot functions = {NULL, "functions", 0}, at = {&functions, e->item->string, 0};
    ks_graph *g = l->g, *body = ks__graph_beside(g);
    if (!body)
        return ks__refuse(g, KS_NO_MEMORY, KS__NOWHERE, "out of memory: no room for a function");
    ks__load own = {.doc = l->doc, .g = body, .host = l->host, .at = &at};
    l->doc->g = body;
    bool good = !g->source || (body->source = ks__text_copy(body, g->source));
    good = good && load_body(&own, e->item);
    ks__load_free(&own);
    if (good) {
        ks__json_begin(l->doc, &at, e->item, NULL);
        e->function = ks_function_new(e->item->string, body);
        ks__json_end(l->doc);
    }
    l->doc->g = g;
    if (e->function)
        return true;
    hand_over(g, body);
    ks_graph_free(body);
    return false;
}

/* Makes the function after all that it calls. */
static bool make_in_order(ks__load *l, const ks__load_functions *functions, entry *root)
{
    entry *top = root;
    root->open = true;
    while (top) {
        const cJSON *attribute;
        entry *called = top->next ? called_by(l, functions, top->next, &attribute) : NULL;
        if (called && called->open)
            return fail_recursion(l, top, called, attribute);
        if (called) {
            called->waiting = top;
            called->open = true;
            top = called;
        } else if (top->next) {
            top->next = top->next->next;
            top->next_index++;
        } else {
            if (!make(l, top))
                return false;
            top->open = false;
            top = top->waiting;
        }
    }
    return true;
}

/* ---- all of them --------------------------------------------------------------------------------------- */

static bool list_functions(ks__load *l, ks__load_functions *functions, const cJSON *object)
{
    ks__spot spot = {NULL, "functions", 0};
    char shown[KS__SHOWN_BYTES];
    size_t count = (size_t)cJSON_GetArraySize(object);
    functions->all = ks__get(l->g, (count + 1) * sizeof *functions->all);
    functions->count = (uint32_t)count;
    if (!functions->all)
        return false;
    memset(functions->all, 0, (count + 1) * sizeof *functions->all);
    functions->by_name = ks__get(l->g, (count + 1) * sizeof *functions->by_name);
    if (!functions->by_name)
        return false;
    uint32_t i = 0;
    for (const cJSON *item = object->child; item; item = item->next, i++) {
        if (!ks__name_valid(item->string))
            return ks__json_fail(l->doc, &spot, item, KS_BAD_FILE, "'%s' is no name: a name has 1 to 200 letters, digits and _.:/-",
                                 ks__json_shown(item->string, shown));
        const cJSON *nodes = member(item, "nodes");
        functions->all[i] = (entry){.item = item, .next = cJSON_IsArray(nodes) ? nodes->child : NULL};
        functions->by_name[i] = &functions->all[i];
    }
    qsort(functions->by_name, count, sizeof *functions->by_name, by_name);
    return true;
}

bool ks__load_functions_of(ks__load *l, ks__load_functions *functions, const cJSON *item)
{
    ks__spot spot = {NULL, "functions", 0};
    char shown[KS__SHOWN_BYTES + 16];
    if (!cJSON_IsObject(item))
        return ks__json_fail(l->doc, &spot, item, KS_BAD_FILE, "functions are an object, a function under its name, not %s",
                             ks__json_what(l->doc, item, shown));
    if (!list_functions(l, functions, item))
        return false;
    l->doc->functions = functions;
    for (uint32_t i = 0; i < functions->count; i++) {
        if (!functions->all[i].function && !make_in_order(l, functions, &functions->all[i]))
            return false;
    }
    return true;
}

void ks__load_functions_free(ks__load *l, ks__load_functions *functions)
{
    size_t count = (size_t)functions->count + 1;
    for (uint32_t i = 0; functions->all && i < functions->count; i++)
        ks_function_free(functions->all[i].function);
    ks__put(l->g, functions->by_name, functions->by_name ? count * sizeof *functions->by_name : 0);
    ks__put(l->g, functions->all, functions->all ? count * sizeof *functions->all : 0);
}
