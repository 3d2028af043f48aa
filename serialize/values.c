/*
 * serialize/values.c - values of nodes from files and texts, and to them.
 *
 * The kind of a file is told by its content, never by its name. What is read is fed as ks_feed does it: every value survives
 * exactly, or the feed is refused.
 */
#include "serialize/values.h"
#include "serialize/file.h"
#include "serialize/idx.h"
#include "serialize/literal.h"
#include "serialize/npy.h"
#include "graph/graph.h"
#include <keisan/serialize.h>

#include <stdio.h>
#include <string.h>

/* ---- reading ------------------------------------------------------------------------------------------- */

bool ks__array_read(ks__array *array, const void *data, size_t size, const ks_allocator *allocator, ks_failure *failure)
{
    *array = (ks__array){.dtype = KS_F32};
    if (ks__npy_begins(data, size))
        return ks__npy_read(array, data, size, allocator, failure);
    if (ks__idx_begins(data, size))
        return ks__idx_read(array, data, size, allocator, failure);
    return ks__fail(failure, KS_BAD_FILE, size ? "this is neither a .npy file nor IDX, gzipped or not" : "the file is empty");
}

bool ks__array_load(ks__array *array, const char *path, const ks_allocator *allocator, ks_failure *failure)
{
    ks_buffer buffer = {.data = NULL};
    if (allocator)
        buffer.allocator = *allocator;
    *array = (ks__array){.dtype = KS_F32};
    bool good = ks__file_read(path, &buffer, PTRDIFF_MAX, failure);
    if (good && !ks__array_read(array, buffer.data, buffer.size, allocator, failure))
        good = ks__fail_in(failure, path);
    ks_buffer_free(&buffer);
    return good;
}

/* Feeds an input or sets a variable, whichever it is. `from` says where the array came from. */
static bool give(ks_node *node, const ks__array *array, const char *from)
{
    char is[KS__SHAPE_TEXT], given[KS__SHAPE_TEXT];
    ks_graph *g = node->graph;
    if (!ks_is_variable(node))
        return ks_feed(node, array->dtype, array->shape, array->data);
    const ks_shape *shape = &node->dims->shape;
    bool same = shape->rank == array->shape.rank;
    for (int i = 0; same && i < shape->rank; i++)
        same = shape->dim[i] == array->shape.dim[i];
    if (!same)
        return ks__refuse(g, KS_BAD_SHAPE, ks_node_place(node), "variable '%s' is %s, %s is %s", ks_name(node),
                          ks__shape_text(g, shape, is), from, ks__shape_text(g, &array->shape, given));
    return ks_set(node, array->dtype, array->data);
}

static bool takes_data(ks_node *node, const char *call)
{
    if (!ks__usable(node))
        return false;
    return ks_is_input(node) || ks_is_variable(node) ||
           ks__refuse(node->graph, KS_BAD_ARGUMENT, ks_node_place(node), "%s: '%s' is a %s: only inputs and variables take data", call,
                      ks_name(node), node->op->name);
}

bool ks_feed_npy(ks_node *node, const char *path)
{
    ks__array array;
    ks_failure failure = {.code = KS_OK};
    if (!takes_data(node, "ks_feed_npy"))
        return false;
    if (!path)
        return ks__refuse(node->graph, KS_BAD_ARGUMENT, KS__NOWHERE, "ks_feed_npy: no path for '%s'", ks_name(node));
    if (!ks__array_load(&array, path, &node->graph->options.allocator, &failure))
        return ks__refuse_with(node->graph, &failure);
    bool good = give(node, &array, path);
    ks__array_free(&array);
    return good;
}

bool ks_feed_literal(ks_node *node, const char *text)
{
    ks__array array;
    ks_failure failure = {.code = KS_OK};
    if (!takes_data(node, "ks_feed_literal"))
        return false;
    ks_graph *g = node->graph;
    if (!text)
        return ks__refuse(g, KS_BAD_ARGUMENT, KS__NOWHERE, "ks_feed_literal: no text for '%s'", ks_name(node));
    bool good = ks__literal_read(&array, text, strlen(text), (ks_dtype)node->dtype, &g->options.allocator, &failure);
    if (failure.code == KS_BAD_DTYPE && g->options.cast_feeds) {
        failure.code = KS_OK;
        good = ks__literal_read(&array, text, strlen(text), KS_F64, &g->options.allocator, &failure);
    }
    if (!good)
        return ks__refuse(g, failure.code, KS__NOWHERE, "the literal for '%s': %s", ks_name(node), failure.message);
    good = give(node, &array, "the literal");
    ks__array_free(&array);
    return good;
}

/* ---- writing ------------------------------------------------------------------------------------------- */

/* The node's value is a tensor of this dtype: a bare number read by itself is f32. */
static bool value_of(ks_node *node, ks__array *view)
{
    if (!node || !ks_eval(node))
        return false;
    ks_dtype dtype = ks_is_number(node) ? KS_F32 : (ks_dtype)node->dtype;
    *view = (ks__array){.dtype = dtype, .shape = node->value->dims->shape, .data = node->value->block->data};
    return true;
}

bool ks_value_npy_to(ks_node *node, ks_writer writer)
{
    ks__array view;
    ks_failure failure = {.code = KS_OK};
    if (!value_of(node, &view))
        return false;
    if (ks__npy_write(&writer, view.dtype, &view.shape, view.data, &failure))
        return true;
    return ks__refuse(node->graph, failure.code, KS__NOWHERE, "ks_value_npy_to: '%s': %s", ks_name(node), failure.message);
}

bool ks_value_npy(ks_node *node, const char *path)
{
    ks__array view;
    ks__file file;
    ks_failure failure = {.code = KS_OK};
    if (!value_of(node, &view))
        return false;
    if (!path)
        return ks__refuse(node->graph, KS_BAD_ARGUMENT, KS__NOWHERE, "ks_value_npy: no path for '%s'", ks_name(node));
    bool good = ks__file_open(&file, path, &node->graph->options.allocator, &failure);
    if (good) {
        ks_writer writer = ks__file_writer(&file);
        ks_failure ignored = {.code = KS_OK}; /* the file knows better why it could not be written */
        good = ks__npy_write(&writer, view.dtype, &view.shape, view.data, &ignored);
        good = ks__file_close(&file, good, &failure) && good;
    }
    return good || ks__refuse_with(node->graph, &failure);
}

bool ks_value_json_to(ks_node *node, ks_writer writer)
{
    ks__array view;
    if (!value_of(node, &view))
        return false;
    if (ks__literal_write(&writer, view.dtype, &view.shape, view.data))
        return true;
    return ks__refuse(node->graph, KS_IO, KS__NOWHERE, "ks_value_json_to: '%s': the writer failed", ks_name(node));
}
