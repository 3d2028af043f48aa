/*
 * serialize/trace_json.c - a trace as JSON, format "keisan.trace" version 1: for programs, exact to the bit.
 *
 * A node or a turn of the backward pass at a time is built with cJSON and printed on a line of its own, so that a long trace can be read
 * and takes no more memory than its text. Values go into it as raw text, since cJSON's own numbers lose bits.
 */
#include "serialize/trace.h"
#include "graph/function.h"
#include "serialize/io.h"
#include "serialize/literal.h"
#include "serialize/number.h"

#include <cjson/cJSON.h>

/* The object being built. What could not be made leaves it failed, and every call after that does nothing. */
typedef struct tree {
    const ks__trace *trace;
    ks__page *page;
    ks__page text; /* of the value at work */
    bool failed;
} tree;

/* ---- building ------------------------------------------------------------------------------------------ */

/* The item, added to an object under the key, or to the end of an array (key NULL). */
static cJSON *add(tree *t, cJSON *to, const char *key, cJSON *item)
{
    if (item && to && (key ? cJSON_AddItemToObject(to, key, item) : cJSON_AddItemToArray(to, item)))
        return item;
    cJSON_Delete(item);
    t->failed = true;
    return NULL;
}

static void add_string(tree *t, cJSON *to, const char *key, const char *text)
{
    add(t, to, key, cJSON_CreateString(text));
}

/* The page's text as it is; the page is empty then. */
static void add_page(tree *t, cJSON *to, const char *key, bool string)
{
    ks__page_put(&t->text, "", 1);
    bool good = !t->text.failed;
    add(t, to, key, !good ? NULL : string ? cJSON_CreateString(t->text.buffer.data) : cJSON_CreateRaw(t->text.buffer.data));
    t->text.buffer.size = 0;
}

static void add_elements(tree *t, cJSON *to, const char *key, ks_dtype dtype, const ks_shape *shape, const void *data)
{
    ks_writer writer = ks_buffer_writer(&t->text.buffer);
    if (!ks__literal_write(&writer, dtype, shape, data))
        t->text.failed = true;
    add_page(t, to, key, false);
}

static void add_shape(tree *t, cJSON *to, const ks_shape *shape)
{
    ks__trace_shape(&t->text, shape);
    add_page(t, to, "shape", false);
}

static void add_summary(tree *t, cJSON *to, const ks__trace_value *value)
{
    int64_t least, greatest;
    double mean;
    size_t size = ks_dtype_size(value->dtype);
    const char *data = value->data;
    cJSON *summary = add(t, to, "summary", cJSON_CreateObject());
    ks__trace_extremes(value, &least, &greatest, &mean);
    add_shape(t, summary, value->shape);
    add_elements(t, summary, "min", value->dtype, &KS_SCALAR, data + (size_t)least * size);
    add_elements(t, summary, "mean", KS_F64, &KS_SCALAR, &mean);
    add_elements(t, summary, "max", value->dtype, &KS_SCALAR, data + (size_t)greatest * size);
    add_elements(t, summary, "first", value->dtype, &KS_SHAPE(t->trace->most), data);
}

/* A list (a bare number for a scalar), a summary, or null. */
static void add_value(tree *t, cJSON *to, const char *key, const ks_node *node)
{
    if (!node) {
        add(t, to, key, cJSON_CreateNull());
        return;
    }
    ks__trace_value value = ks__trace_value_of(node);
    if (value.count <= t->trace->most)
        add_elements(t, to, key, value.dtype, value.shape, value.data);
    else
        add_summary(t, add(t, to, key, cJSON_CreateObject()), &value);
}

/* ---- nodes and entries --------------------------------------------------------------------------------- */

/* The operation, and what it calls, or which result it is. */
static void add_call(tree *t, cJSON *to, const ks_node *node)
{
    char text[KS__NUMBER_BYTES];
    const ks_function *called = ks__function_called(node, 0);
    add_string(t, to, "op", node->op->name);
    if (called)
        add_string(t, to, "function", called->name);
    if (node->op->flags & KS_OP_RESULT) {
        ks__page_put(&t->text, text, ks__i64_text(ks__result_index(node), text));
        add_page(t, to, "index", false);
    }
}

static void add_inputs(tree *t, cJSON *to, const ks_node *node, bool inside)
{
    cJSON *inputs = add(t, to, "inputs", cJSON_CreateArray());
    for (uint32_t k = 0; k < node->n; k++) {
        const ks_node *input = ks__inputs(node)[k];
        if (input->op->flags & KS_OP_NUMBER)
            add_elements(t, inputs, NULL, KS_F64, &KS_SCALAR, &input->data.number);
        else
            add_string(t, inputs, NULL, inside ? ks_name(input) : t->trace->nodes[input->local].name);
    }
}

/* What stands inside a call or a scan, as the nodes outside do. */
static void add_inside(tree *t, cJSON *to, const ks__trace_node *step)
{
    cJSON *list = add(t, to, "inside", cJSON_CreateArray());
    for (uint32_t i = 0; i < step->inside_count; i++) {
        const ks__trace_inside *inside = &t->trace->insides[step->inside + i];
        const ks_node *node = inside->node, *argument = ks__trace_argument(step->node, node);
        cJSON *object = add(t, list, NULL, cJSON_CreateObject());
        add_string(t, object, "name", ks_name(node));
        add_call(t, object, node);
        if (argument && argument->op->flags & KS_OP_NUMBER)
            add_elements(t, object, "from", KS_F64, &KS_SCALAR, &argument->data.number);
        else if (argument)
            add_string(t, object, "from", t->trace->nodes[argument->local].name);
        add_inputs(t, object, node, true);
        add_string(t, object, "dtype", ks_dtype_name((ks_dtype)node->dtype));
        if (inside->value)
            add_shape(t, object, ks__trace_value_of(inside->value).shape);
        add_value(t, object, "value", inside->value);
    }
}

static cJSON *node_object(tree *t, const ks__trace_node *step)
{
    const ks_node *node = step->node;
    ks__trace_value value = ks__trace_value_of(node);
    cJSON *object = cJSON_CreateObject();
    add_string(t, object, "name", step->name);
    add_call(t, object, node);
    add_inputs(t, object, node, false);
    add_string(t, object, "dtype", ks_dtype_name((ks_dtype)node->dtype));
    add_shape(t, object, value.shape);
    add_value(t, object, "value", node);
    add_value(t, object, "gradient", step->gradient);
    if (step->inside_count)
        add_inside(t, object, step);
    return object;
}

static void add_edge(tree *t, cJSON *to, const ks__trace_edge *edge)
{
    cJSON *object = add(t, to, NULL, cJSON_CreateObject());
    add_string(t, object, "input", t->trace->nodes[edge->input].name);
    add_value(t, object, "local_partial", edge->partial);
    add_value(t, object, "contribution", edge->contribution);
    ks__trace_formula(&t->text, t->trace, edge);
    add_page(t, object, "formula", true);
}

static void add_sum(tree *t, cJSON *to, const ks__trace_entry *entry)
{
    cJSON *sum = add(t, to, "sum", cJSON_CreateObject()), *terms = add(t, sum, "terms", cJSON_CreateArray());
    for (uint32_t i = 0; i < entry->term_count; i++)
        add_value(t, terms, NULL, t->trace->edges[t->trace->terms[entry->term + i]].contribution);
    add_value(t, sum, "value", entry->upstream);
}

static cJSON *entry_object(tree *t, const ks__trace_entry *entry)
{
    cJSON *object = cJSON_CreateObject();
    add_string(t, object, "node", t->trace->nodes[entry->node].name);
    add_value(t, object, "upstream", entry->upstream);
    if (entry->term_count)
        add_sum(t, object, entry);
    cJSON *edges = add(t, object, "edges", cJSON_CreateArray());
    for (uint32_t i = 0; i < entry->edge_count; i++)
        add_edge(t, edges, &t->trace->edges[entry->edge + i]);
    return object;
}

/* ---- the document -------------------------------------------------------------------------------------- */

/* JSON with one space after each comma and colon that is in no string. */
static void put_spaced(ks__page *page, const char *text)
{
    bool inside = false;
    const char *begin = text;
    for (; *text; text++) {
        if (*text == '\\' && inside) {
            text++;
        } else if (*text == '"') {
            inside = !inside;
        } else if (!inside && (*text == ',' || *text == ':') && text[1] != ' ') {
            ks__page_put(page, begin, (size_t)(text + 1 - begin));
            ks__page_put(page, " ", 1);
            begin = text + 1;
        }
    }
    ks__page_put(page, begin, (size_t)(text - begin));
}

/* The object on a line of its own; it is freed. */
static void put_line(tree *t, cJSON *object, bool first)
{
    char *text = object && !t->failed ? cJSON_PrintUnformatted(object) : NULL;
    cJSON_Delete(object);
    if (!text) {
        t->failed = true;
        return;
    }
    ks__page_text(t->page, first ? "\n  " : ",\n  ");
    put_spaced(t->page, text);
    cJSON_free(text);
}

bool ks__trace_json(const ks__trace *trace, ks__page *page)
{
    tree t = {.trace = trace, .page = page, .text.buffer.allocator = page->buffer.allocator};
    bool first = true;
    ks__page_text(page, "{\"format\": \"keisan.trace\", \"version\": 1, \"of\": \"");
    ks__page_text(page, trace->nodes[trace->of].name); /* no name has anything to be escaped */
    ks__page_text(page, "\",\n \"nodes\": [");
    for (uint32_t i = 0; i < trace->count && !t.failed; i++) {
        if (trace->nodes[i].shown) {
            put_line(&t, node_object(&t, &trace->nodes[i]), first);
            first = false;
        }
    }
    ks__page_text(page, "],\n \"backward\": [");
    for (uint32_t i = 0; i < trace->entry_count && !t.failed; i++)
        put_line(&t, entry_object(&t, &trace->entries[i]), i == 0);
    ks__page_text(page, "]}\n");
    ks_buffer_free(&t.text.buffer);
    return !t.failed && !page->failed;
}
