/*
 * serialize/load.h - a graph being read: its document and the nodes of the file, made or not yet.
 */
#ifndef KS_SERIALIZE_LOAD_H
#define KS_SERIALIZE_LOAD_H

#include "serialize/json.h"

/* A node of the file. */
typedef struct ks__load_entry {
    const cJSON *item;
    const char *name;
    const ks_op *op;
    ks_node *node;     /* when it is made */
    const cJSON *next; /* while it is open: the input to look at next */
    int64_t next_index;
    uint32_t waiting; /* the entry that needs it */
    bool open;
} ks__load_entry;

typedef struct ks__load {
    ks__json *doc;
    ks_graph *g;        /* whose nodes are read: the graph, or a function's body */
    ks_graph *host;     /* the graph that is read into in the end: it knows the user's operations */
    const ks__spot *at; /* the function; NULL: the document */
    ks__load_entry *entries;
    uint32_t count;
    uint32_t *table; /* slots, a power of two: entry by name, UINT32_MAX where free */
    uint32_t slots;
} ks__load;

/* The slot of a name: the entry that has it, or the free one where it belongs. */
uint32_t *ks__load_slot(const ks__load *l, const char *name);

/* Composes the i-th node, whose inputs are made. */
bool ks__load_make(ks__load *l, uint32_t i);

/* Reads the "nodes" of the document or function; then its outputs. The tables are freed by ks__load_free. */
bool ks__load_nodes(ks__load *l, const cJSON *object);
bool ks__load_outputs(ks__load *l, const cJSON *outputs);
void ks__load_free(ks__load *l);

/* ---- functions (serialize/load_function.c) ------------------------------------------------------------- */

/* A function of the file. */
typedef struct ks__load_function {
    const cJSON *item;
    ks_function *function; /* when it is made */
    const cJSON *next;     /* while it is open: the node to look at next */
    int64_t next_index;
    struct ks__load_function *waiting; /* the one that calls it */
    bool open;
} ks__load_function;

typedef struct ks__load_functions {
    ks__load_function *all, **by_name;
    uint32_t count;
} ks__load_functions;

/* Makes all functions of the document, for its attributes to find. ks__load_functions_free in any case. */
bool ks__load_functions_of(ks__load *l, ks__load_functions *functions, const cJSON *item);
void ks__load_functions_free(ks__load *l, ks__load_functions *functions);

#endif
