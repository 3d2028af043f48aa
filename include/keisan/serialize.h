/*
 * keisan/serialize.h - graphs as JSON, arrays as files, traces.
 *
 * Every function comes in two forms: with a path, and with a reader or writer (files are absent from a build without them;
 * those calls then fail with KS_UNSUPPORTED). Files are replaced atomically: whoever is killed while saving leaves the old file or the new one.
 */
#ifndef KEISAN_SERIALIZE_H
#define KEISAN_SERIALIZE_H

#include <keisan/autodiff.h>

KS_BEGIN

/* ---- the graph as JSON --------------------------------------------------------------------------------- */

struct ks_optimizer;

typedef struct ks_save_options {
    size_t size;
    ks_node *const *outputs; /* what is saved is what these need; NULL: the graph's outputs, or all nodes when there are none */
    int output_count;
    const struct ks_optimizer *optimizer; /* saved as "training": state and step; NULL: none */
    bool without_values; /* structure and initialisers only */
} ks_save_options;
#define KS_SAVE_OPTIONS_DEFAULT {.size = sizeof(ks_save_options)}

/* Writes the graph as JSON, format "keisan.graph" version 1. Values come back to the bit. */
KS_API bool ks_save(ks_graph *graph, const char *path, const ks_save_options *options);
KS_API bool ks_save_to(ks_graph *graph, ks_writer writer, const ks_save_options *options);

/* Reads a graph; the caller frees it. On failure NULL, and `failure` (may be NULL) says where and why. */
KS_API ks_graph *ks_load(const char *path, const ks_graph_options *options, ks_failure *failure);
KS_API ks_graph *ks_load_from(ks_reader reader, const ks_graph_options *options, ks_failure *failure);

/* Reads a graph into one that is empty but for registered operations. The graph keeps the failure; it stays usable or freeable. */
KS_API bool ks_load_into(ks_graph *graph, const char *path);
KS_API bool ks_load_into_from(ks_graph *graph, ks_reader reader);

/* ---- arrays -------------------------------------------------------------------------------------------- */

/* Feeds an input, or sets a variable, from a NumPy .npy file, from IDX (gzipped or not), or from a literal such as "[[1,2],[3,4]]". */
KS_API bool ks_feed_npy(ks_node *node, const char *path);
KS_API bool ks_feed_literal(ks_node *node, const char *text);
/* Writes the node's value as .npy, or as nested JSON lists with digits enough to read back the same bits. */
KS_API bool ks_value_npy(ks_node *node, const char *path);
KS_API bool ks_value_npy_to(ks_node *node, ks_writer writer);
KS_API bool ks_value_json_to(ks_node *node, ks_writer writer);

/* ---- traces -------------------------------------------------------------------------------------------- */

typedef enum ks_trace_form { KS_TRACE_TEXT, KS_TRACE_JSON, KS_TRACE_DOT, KS_TRACE_SVG } ks_trace_form;

typedef struct ks_trace_options {
    size_t size;
    ks_node *upstream; /* what starts the backward pass when the node is no scalar; NULL: 1 */
    int digits;        /* significant digits in text, DOT and SVG; default 6 */
    int64_t most;      /* tensors of more elements are summarised; default 8 */
    bool unfold;       /* show what is inside calls and scans */
} ks_trace_options;
#define KS_TRACE_OPTIONS_DEFAULT {.size = sizeof(ks_trace_options)}

/*
 * Every step of forward and backward from `of`: values, local partials, contributions, sums where paths meet. All numbers are
 * of one moment, what the leaves hold now, in inference; the graph stays as it was. SVG needs Graphviz's `dot` and files.
 */
KS_API bool ks_trace(ks_node *of, ks_trace_form form, const char *path, const ks_trace_options *options);
KS_API bool ks_trace_to(ks_node *of, ks_trace_form form, ks_writer writer, const ks_trace_options *options);

KS_END

#endif
