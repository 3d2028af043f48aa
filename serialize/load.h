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
    ks__json doc;
    ks_graph *g;
    ks__load_entry *entries;
    uint32_t count;
    uint32_t *table; /* slots, a power of two: entry by name, UINT32_MAX where free */
    uint32_t slots;
} ks__load;

/* The slot of a name: the entry that has it, or the free one where it belongs. */
uint32_t *ks__load_slot(const ks__load *l, const char *name);

/* Composes the i-th node, whose inputs are made. */
bool ks__load_make(ks__load *l, uint32_t i);

#endif
