/*
 * serialize/json.h - a JSON document being read strictly into a graph: its tree, where each value stands, and its failures.
 *
 * The scanner has gone over the text, cJSON has built the tree from a copy in which every number is 0: numbers are read from the text
 * itself, to the bit and in every locale. Each item's valuedouble is where it begins in the text. A failure names the file, the line and
 * the spot: "net.json:7: nodes[3].inputs[1]: ...".
 */
#ifndef KS_SERIALIZE_JSON_H
#define KS_SERIALIZE_JSON_H

#include <cjson/cJSON.h>
#include "graph/graph.h"

#define KS__PLACE_BYTES 400

typedef struct ks__json {
    ks_graph *g;
    const char *file; /* NULL: it came from a reader */
    ks_buffer text;
    cJSON *root;
    size_t line_at; /* counted so far */
    int line;
    char place[KS__PLACE_BYTES];
    const struct ks__load_functions *functions; /* that were read; NULL: none */
} ks__json;

/* A way to a value: `in`, then a key or, where that is NULL, an index. The document itself is NULL. */
typedef struct ks__spot {
    const struct ks__spot *in;
    const char *key;
    int64_t index;
} ks__spot;

/* Takes the bytes in doc->text in: scans, parses, locates. doc is zeroed but for g, file and text; ks__json_free in any case. */
bool ks__json_parse(ks__json *doc);
void ks__json_free(ks__json *doc);

/* The line on which an item begins. */
int ks__json_line(ks__json *doc, const cJSON *item);
/* An item's text up to where it ends. */
const char *ks__json_raw(const ks__json *doc, const cJSON *item, size_t *size);

/* ---- failing ------------------------------------------------------------------------------------------- */

/* Records the failure with file, line and spot before it. Always false. */
bool ks__json_fail(ks__json *doc, const ks__spot *spot, const cJSON *item, ks_code code, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* From here to the end, every failure of the graph names this spot; `name` is the node being made, or NULL. */
void ks__json_begin(ks__json *doc, const ks__spot *spot, const cJSON *item, const char *name);
void ks__json_end(ks__json *doc);

/* A text from the document, fit for a message: one line, cut when it is long. */
#define KS__SHOWN_BYTES 72
const char *ks__json_shown(const char *text, char shown[KS__SHOWN_BYTES]);

/* " (did you mean 'x'?)" for the nearest of the words, or "". words: NULL-terminated. */
#define KS__GUESS_BYTES 128
const char *ks__json_guess(const char *word, const char *const *words, char guess[KS__GUESS_BYTES]);

/* ---- reading ------------------------------------------------------------------------------------------- */

/* What stands there, for messages: "a list", "the text 'abc'", "nothing". */
const char *ks__json_what(const ks__json *doc, const cJSON *item, char shown[KS__SHOWN_BYTES + 16]);

/* Whether the object has no keys but these (NULL-terminated). `whose` is "a relu", "the document". */
bool ks__json_keys(ks__json *doc, const ks__spot *spot, const cJSON *object, const char *const *known, const char *whose);

/* The text, a name's text, a bool, a whole number in [low, high], a number; each false after a failure. */
const char *ks__json_text(ks__json *doc, const ks__spot *spot, const cJSON *item);
const char *ks__json_name(ks__json *doc, const ks__spot *spot, const cJSON *item);
bool ks__json_bool(ks__json *doc, const ks__spot *spot, const cJSON *item, bool *value);
bool ks__json_i64(ks__json *doc, const ks__spot *spot, const cJSON *item, int64_t low, int64_t high, int64_t *value);
bool ks__json_u64(ks__json *doc, const ks__spot *spot, const cJSON *item, uint64_t *value);
bool ks__json_f64(ks__json *doc, const ks__spot *spot, const cJSON *item, double *value);

/* ---- what a graph's values are made of (serialize/load_value.c) ----------------------------------------- */

/* A dtype's name; absent (NULL): `usual`. */
bool ks__load_dtype(ks__json *doc, const ks__spot *spot, const cJSON *item, ks_dtype usual, ks_dtype *dtype);
/* A shape: numbers, and where open dimensions may be, symbols and null; with `attribute` also -1. */
bool ks__load_shape(ks__json *doc, const ks__spot *spot, const cJSON *item, bool open, bool attribute, ks_shape *shape);
/* The elements of a value, dtype and shape being known. By ks__get, *bytes long; the caller gives them back. NULL after a failure. */
void *ks__load_value(ks__json *doc, const ks__spot *spot, const cJSON *item, ks_dtype dtype, const ks_shape *shape, size_t *bytes);
bool ks__load_init(ks__json *doc, const ks__spot *spot, const cJSON *item, ks_init *init);
/* The "attrs" of a node into `attrs`, op->attrs_size bytes, which hold the defaults. */
bool ks__load_attrs(ks__json *doc, const ks__spot *spot, const cJSON *node, const ks_op *op, void *attrs);

/* The function of that name, kept by the graph. NULL after a failure (serialize/load_function.c). */
ks_function *ks__load_function_named(ks__json *doc, const ks__spot *spot, const cJSON *item);

/* The "training" section (serialize/load_training.c). */
bool ks__load_training(ks__json *doc, const ks__spot *spot, const cJSON *item);

#endif
