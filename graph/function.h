/*
 * graph/function.h - a function as the graphs that call it see it: a graph of its own with parameters and results.
 *
 * Invariants: the body is pure (no variables, no effects) and no node is added to it once the function is made; inputs are its input
 * leaves in the order of their making, results its declared outputs in their order. What is derived from a function (its
 * derivative, its f64 form) is made once, under the lock, and lives as long as it does.
 */
#ifndef KS_GRAPH_FUNCTION_H
#define KS_GRAPH_FUNCTION_H

#include <stdatomic.h>
#include "graph/graph.h"

/* A function made from another one: what it is (words, compared whole) and what its making found out. */
typedef struct ks__derived {
    struct ks__derived *next;
    ks_function *function;
    uint64_t *key;
    uint32_t key_words;
    uint32_t *found; /* [found_count] */
    uint32_t found_count;
} ks__derived;

struct ks_function {
    unsigned flags; /* KS_OP_RANDOM, KS_OP_MODE: what runs in it; first, so that graph/graph.h can read it */
    atomic_int references;
    atomic_flag locked;
    ks_graph *graph;
    char *name;
    ks_node **inputs;
    uint32_t input_count;
    uint32_t depth;  /* 1 + that of the deepest function it calls */
    uint64_t weight; /* nodes that shape rules may have to look at: its own, and those of every call as often as it has results */
    ks__derived *derived;
};

/* The i-th result's node in the body. */
static inline ks_node *ks__function_output(const ks_function *f, uint32_t i)
{
    return f->graph->outputs[i].node;
}

static inline uint32_t ks__function_outputs(const ks_function *f)
{
    return f->graph->output_count;
}

/* One thread at a time looks at the body: walks over a graph leave marks in it. */
void ks__function_lock(const ks_function *f);
void ks__function_unlock(const ks_function *f);

/* The graph keeps the function as long as it lives: its nodes call it. */
bool ks__function_keep(ks_graph *g, ks_function *f);
/* A graph for what is derived from g, a function's body in the end: its allocator and seed. */
ks_graph *ks__graph_beside(const ks_graph *g);

/* All nodes of the body have names from here on. False: no memory, which is no failure of the body's. */
bool ks__function_name_all(const ks_function *f);

/* The k-th function that the node calls by its attributes; NULL: it calls no more. */
ks_function *ks__function_called(const ks_node *node, uint32_t k);

/* What was derived before under this key, whose first word says what it is (1 in reverse, 2 forward, 3 in f64); NULL: nothing. */
const ks__derived *ks__derived_find(ks_function *f, const uint64_t *key, uint32_t words);
/* Keeps what is new, whose reference is taken over. Of two that were made at once the first stays. NULL: no memory. */
const ks__derived *ks__derived_keep(ks_function *f, const uint64_t *key, uint32_t words, ks_function *made, const uint32_t *found,
                                    uint32_t count);

/*
 * The shapes of all nodes of the body for arguments of these shapes, whose open dimensions are g's: shapes[f->graph->count]. Sizes that the
 * body does not tell stay open (fresh dimensions of g). False, and a filled failure: the arguments do not fit.
 */
bool ks__function_shapes(ks_graph *g, const ks_function *f, const ks_shape *const *arguments, ks_shape *shapes, ks_failure *failure);

#endif
