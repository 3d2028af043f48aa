/*
 * graph/hash.h - uthash, set up so that its memory comes from the graph's allocator and running out of it is an error
 * like any other. Functions that add to a table have the graph in scope as `g`.
 */
#ifndef KS_GRAPH_HASH_H
#define KS_GRAPH_HASH_H

#include <stdlib.h>
#define HASH_NONFATAL_OOM            1
#define uthash_malloc(bytes)         ks__get_quiet(g, bytes)
#define uthash_free(memory, bytes)   ks__put(g, memory, bytes)
#define uthash_nonfatal_oom(element) ((void)((element)->hh.tbl = NULL))

struct ks_graph;
void *ks__get_quiet(struct ks_graph *g, size_t bytes);
void ks__put(struct ks_graph *g, void *memory, size_t bytes);

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#include <uthash.h>
#pragma GCC diagnostic pop

#endif
