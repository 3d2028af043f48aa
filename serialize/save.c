/*
 * serialize/save.c - a graph as JSON, format "keisan.graph" version 1.
 *
 * A node at a time is built as a cJSON object and printed on a line of its own, so that a document takes no more memory than its largest
 * node. Numbers are raw text (serialize/number.h); their bits come back. What is written is what the outputs need.
 */
#include "serialize/save.h"
#include "serialize/file.h"
#include "serialize/io.h"
#include "serialize/number.h"
#include "serialize/training.h"
#include <keisan/run.h>
#include <keisan/serialize.h>

#include <stdio.h>
#include <string.h>

/* ---- writing ------------------------------------------------------------------------------------------- */

bool ks__save_text(ks__save *s, const char *text)
{
    if (!s->failed && !ks__write_text(s->writer, text))
        s->failed = true;
    return !s->failed;
}

/* The printed text with a space after each comma and colon outside of texts. */
static bool write_spaced(ks__save *s, const char *text)
{
    bool inside = false;
    const char *start = text, *at = text;
    for (; *at; at++) {
        if (*at == '\\' && inside)
            at++;
        else if (*at == '"')
            inside = !inside;
        else if ((*at == ',' || *at == ':') && !inside) {
            if (!ks__write(s->writer, start, (size_t)(at + 1 - start)) || !ks__write(s->writer, " ", 1))
                return false;
            start = at + 1;
        }
    }
    return ks__write(s->writer, start, (size_t)(at - start));
}

bool ks__save_no_memory(ks__save *s)
{
    return ks__fail(s->failure, KS_NO_MEMORY, "out of memory: no room for the JSON of a node");
}

static bool save_printed(ks__save *s, cJSON *item, bool bare)
{
    char *text = item ? cJSON_PrintUnformatted(item) : NULL;
    cJSON_Delete(item);
    if (!text)
        return ks__save_no_memory(s);
    if (bare)
        text[strlen(text) - 1] = 0;
    if (!s->failed && !write_spaced(s, text + bare))
        s->failed = true;
    cJSON_free(text);
    return !s->failed;
}

bool ks__save_item(ks__save *s, cJSON *item)
{
    return save_printed(s, item, false);
}

bool ks__save_members(ks__save *s, cJSON *object)
{
    return save_printed(s, object, true);
}

/* The graph has recorded the failure itself, or, where it was a table that had no room, has not. */
static bool already_said(ks__save *s, ks_code code, const char *otherwise)
{
    *s->said = s->g->failure.code && !s->failed_before;
    return *s->said ? false : ks__fail(s->failure, code, "%s", otherwise);
}

/* Adds `value`, which is taken over, to the object; NULL for either is no memory. */
bool ks__save_add(ks__save *s, cJSON *object, const char *key, cJSON *value)
{
    if (object && value && cJSON_AddItemToObject(object, key, value))
        return true;
    cJSON_Delete(value);
    return ks__save_no_memory(s);
}

/* ---- which nodes --------------------------------------------------------------------------------------- */

static ks_node *loss_of(ks__save *s)
{
    if (!s->training.loss)
        return NULL;
    ks_node *loss = ks_output_find(s->g, s->training.loss);
    return loss ? loss : ks_find(s->g, s->training.loss);
}

static bool check_outputs(ks__save *s, const ks_save_options *options)
{
    for (int i = 0; i < options->output_count; i++) {
        ks_node *node = options->outputs[i];
        if (!node)
            return ks__fail(s->failure, KS_BAD_ARGUMENT, "ks_save: output %d is NULL", i);
        if (!ks__alive(node) || node->graph != s->g)
            return ks__fail(s->failure, KS_BAD_ARGUMENT, "ks_save: output %d %s", i,
                            node->graph != s->g ? "belongs to another graph" : "was released");
    }
    return true;
}

static void need(ks__save *s, const ks_node *node)
{
    s->uses[ks__save_index(s, node)] |= KS__SAVE_NEEDED;
}

/* Notes what the document begins with: the outputs, or all that stood before the optimiser's own nodes. */
static void note_roots(ks__save *s, const ks_save_options *options, ks_node *loss)
{
    ks_graph *g = s->g;
    int count = ks_output_count(g);
    for (int i = 0; i < options->output_count; i++)
        need(s, options->outputs[i]);
    for (int i = 0; i < count && !options->outputs; i++)
        need(s, ks_output_node(g, i));
    if (loss)
        need(s, loss);
    if (options->outputs || count)
        return;
    uint32_t until = loss && !(loss->flags & KS__VARIABLE) ? loss->id + 1 : g->count;
    for (uint32_t i = 0; i < until; i++)
        need(s, ks__stack_at(&g->nodes, i));
    for (uint32_t i = 0; i < g->variables.extent && !loss; i++)
        need(s, ks__stack_at(&g->variables, i));
}

/* Inputs stand below what needs them: one pass down notes them all and counts who uses each. */
static void note_needed(ks__save *s)
{
    for (uint32_t i = s->g->count; i-- > 0;) {
        ks_node *node = ks__stack_at(&s->g->nodes, i);
        for (uint32_t k = 0; k < node->n && ks__save_needed(s, node); k++) {
            const ks_node *input = ks__inputs(node)[k];
            uint8_t *uses = &s->uses[ks__save_index(s, input)];
            if ((*uses & KS__SAVE_USES) < 2)
                ++*uses;
            need(s, input);
        }
    }
}

static bool is_root(const ks__save *s, const ks_save_options *options, const ks_node *node)
{
    for (int i = 0; i < options->output_count; i++) {
        if (options->outputs[i] == node)
            return true;
    }
    for (uint32_t i = 0; i < s->g->output_count && !options->outputs; i++) {
        if (s->g->outputs[i].node == node)
            return true;
    }
    return false;
}

bool ks__save_plain_number(const ks_node *node)
{
    bool spoken = node->aside && (node->aside->given || node->aside->doc);
    return ks_is_number(node) && !spoken && node->data.number - node->data.number == 0;
}

/* A number that one node uses stands among its inputs, unless it has something of its own to say. */
static void keep_numbers(ks__save *s, const ks_save_options *options)
{
    for (uint32_t i = 0; i < s->g->count; i++) {
        ks_node *node = ks__stack_at(&s->g->nodes, i);
        if (!ks__save_needed(s, node) || !ks_is_number(node))
            continue;
        if ((s->uses[i] & KS__SAVE_USES) != 1 || !ks__save_plain_number(node) || is_root(s, options, node))
            s->uses[i] |= KS__SAVE_NODE;
    }
}

/* ---- the document -------------------------------------------------------------------------------------- */

static bool save_head(ks__save *s)
{
    char text[96], number[KS__NUMBER_BYTES];
    ks_graph *g = s->g;
    ks__save_text(s, "{\"format\": \"keisan.graph\", \"version\": 1,\n");
    if (g->options.seed) {
        snprintf(text, sizeof text, " \"seed\": %llu,\n", (unsigned long long)g->options.seed);
        ks__save_text(s, text);
    }
    if (g->step && !s->training.kind) {
        ks__i64_text((int64_t)g->step, number);
        snprintf(text, sizeof text, " \"step\": %s,\n", number);
        ks__save_text(s, text);
    }
    if (g->metadata) {
        ks__save_text(s, " \"metadata\": ");
        ks__save_text(s, g->metadata);
        ks__save_text(s, ",\n");
    }
    return !s->failed;
}

static bool save_nodes(ks__save *s)
{
    const char *between = " \"nodes\": [\n  ";
    int64_t count = ks_node_count(s->g);
    bool any = false;
    for (int64_t i = 0; i < count; i++) {
        ks_node *node = ks_node_at(s->g, i);
        if (!node)
            return already_said(s, KS_NO_MEMORY, "out of memory: no room for the order of the nodes");
        if (!ks__save_needed(s, node) || ks__save_inline(s, node))
            continue;
        if (!ks__save_text(s, between) || !ks__save_node(s, node))
            return false;
        between = ",\n  ";
        any = true;
    }
    return ks__save_text(s, any ? "]" : " \"nodes\": []");
}

static bool save_outputs(ks__save *s, const ks_save_options *options)
{
    ks_graph *g = s->g;
    int count = options->outputs ? options->output_count : ks_output_count(g);
    cJSON *outputs = cJSON_CreateObject();
    bool good = outputs || ks__save_no_memory(s);
    for (int i = 0; good && i < count; i++) {
        ks_node *node = options->outputs ? options->outputs[i] : ks_output_node(g, i);
        const char *name = options->outputs ? ks_name(node) : ks_output_name(g, i);
        for (uint32_t k = 0; options->outputs && k < g->output_count; k++) {
            if (g->outputs[k].node == node)
                name = g->outputs[k].name;
        }
        if (!cJSON_GetObjectItemCaseSensitive(outputs, name))
            good = ks__save_add(s, outputs, name, cJSON_CreateString(ks_name(node)));
    }
    if (!good || count == 0) {
        cJSON_Delete(outputs);
        return good;
    }
    ks__save_text(s, ",\n \"outputs\": ");
    return ks__save_item(s, outputs);
}

static bool save_document(ks__save *s, const ks_save_options *options)
{
    return save_head(s) && ks__save_functions(s) && save_nodes(s) && save_outputs(s, options) &&
           ks__save_training(s, options->without_values) && ks__save_text(s, "}\n");
}

/* Every node that is written has its name now; making them up takes memory. */
static bool name_all(ks__save *s)
{
    ks_graph *g = s->g;
    for (uint32_t i = g->count; i-- > 0;) {
        ks_node *node = ks__stack_at(&g->nodes, i);
        if (!ks__save_needed(s, node) || ks__save_inline(s, node))
            continue;
        ks_name(node);
        if (!node->aside || !node->aside->name)
            return already_said(s, KS_NO_MEMORY, "out of memory: no room for the names of nodes");
    }
    return true;
}

static bool save_noted(ks__save *s, const ks_save_options *options)
{
    ks_graph *g = s->g;
    ks_node *loss = loss_of(s);
    size_t bytes = (size_t)g->count + g->variables.extent + 1;
    if (s->training.loss && !loss)
        return ks__fail(s->failure, KS_BAD_NAME, "ks_save: the optimiser's loss '%.100s' is no node of this graph", s->training.loss);
    s->uses = ks__get_quiet(g, bytes);
    if (!s->uses)
        return ks__fail_memory(s->failure, bytes);
    memset(s->uses, 0, bytes);
    note_roots(s, options, loss);
    note_needed(s);
    keep_numbers(s, options);
    bool good = name_all(s) && ks__save_find_functions(s) && save_document(s, options);
    ks_buffer_free(&s->functions);
    ks__put(g, s->uses, bytes);
    return good;
}

/* Writes the graph; false with the failure filled, or *said: the graph has it; or neither: the writer failed. */
static bool save(ks_graph *g, const ks_writer *writer, const ks_save_options *given, ks_failure *failure, bool *said)
{
    ks_save_options options = {.size = sizeof options};
    if (given)
        memcpy(&options, given, given->size < sizeof options ? given->size : sizeof options);
    if (!options.outputs || options.output_count < 0)
        options.output_count = 0;
    ks__save s = {.g = g,
                  .host = g,
                  .functions.allocator = g->options.allocator,
                  .writer = writer,
                  .failure = failure,
                  .without_values = options.without_values,
                  .said = said,
                  .failed_before = g->failure.code != KS_OK};
    if (!check_outputs(&s, &options))
        return false;
    if (options.optimizer && !g->describe_training)
        return ks__fail(failure, KS_BAD_ARGUMENT, "ks_save: the optimiser belongs to another graph");
    if (options.optimizer && !g->describe_training(options.optimizer, &s.training))
        return already_said(&s, KS_BAD_ARGUMENT, "ks_save: the optimiser can't be saved");
    bool own = !s.training.kind || s.training.graph == g;
    bool good = own ? save_noted(&s, &options) : ks__fail(failure, KS_BAD_ARGUMENT, "ks_save: the optimiser belongs to another graph");
    if (s.training.states)
        ks__put(g, s.training.states, (size_t)s.training.state_count * sizeof *s.training.states);
    return good;
}

bool ks_save_to(ks_graph *graph, ks_writer writer, const ks_save_options *options)
{
    ks_failure failure = {.code = KS_OK};
    bool said = false;
    if (!graph)
        return false;
    if (!writer.write)
        return ks__refuse(graph, KS_BAD_ARGUMENT, KS__NOWHERE, "ks_save_to: the writer has no function");
    if (save(graph, &writer, options, &failure, &said))
        return true;
    if (said)
        return false;
    return failure.code ? ks__refuse_with(graph, &failure) : ks__refuse(graph, KS_IO, KS__NOWHERE, "ks_save_to: the writer failed");
}

bool ks_save(ks_graph *graph, const char *path, const ks_save_options *options)
{
    ks_failure failure = {.code = KS_OK};
    ks__file file;
    bool said = false;
    if (!graph)
        return false;
    if (!ks__file_open(&file, path, &graph->options.allocator, &failure))
        return ks__refuse_with(graph, &failure);
    ks_writer writer = ks__file_writer(&file);
    bool good = save(graph, &writer, options, &failure, &said);
    good = ks__file_close(&file, good, &failure);
    return good || ks__refuse_with(graph, &failure);
}
