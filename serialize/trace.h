/*
 * serialize/trace.h - what a trace is: every step of forward and backward, collected before a word of it is written.
 *
 * A trace works in a graph of its own. What the traced node depends on is copied there, values shared; the backward pass is composed,
 * everything is computed in one run, and the graph is freed with the trace. So the user's graph keeps its nodes, values, plans and
 * whatever waits to be recognised, and all numbers of a trace are of one moment: what the leaves hold now, in inference.
 */
#ifndef KS_SERIALIZE_TRACE_H
#define KS_SERIALIZE_TRACE_H

#include <keisan/serialize.h>
#include "graph/graph.h"

/* A step forward. */
typedef struct ks__trace_node {
    ks_node *node;                 /* in the trace's graph */
    const char *name;              /* as in the user's graph; NULL for a bare number */
    ks_node *gradient;             /* of the traced node with respect to this one; NULL: none */
    uint32_t entry;                /* its turn in the backward pass; UINT32_MAX: none */
    bool shown;                    /* a bare number stands in the lists of its users, not for itself */
    uint32_t inside, inside_count; /* of what runs a body, where it is unfolded: a range of the insides */
} ks__trace_node;

/* A node of the body that a call or a scan runs. */
typedef struct ks__trace_inside {
    const ks_node *node;
    ks_node *value; /* in the trace's graph, of a scan stacked over its steps; NULL: too high to be stacked */
} ks__trace_inside;

/* An arrow, walked backwards from `node` to its input. */
typedef struct ks__trace_edge {
    uint32_t node, input; /* positions among the nodes */
    uint32_t slot;        /* which of node's inputs */
    ks_node *partial;     /* NULL where the edge is linear or special: it has its formula */
    ks_node *contribution;
    int64_t result; /* > 0: no contribution, but what arrived at that further result of `input` and is handed to it */
} ks__trace_edge;

/* A node's turn in the backward pass. */
typedef struct ks__trace_entry {
    uint32_t node;
    ks_node *upstream;
    uint32_t edge, edge_count; /* a range of the edges */
    uint32_t term, term_count; /* where paths meet, a range of terms: the edges whose contributions make upstream; else 0 */
} ks__trace_entry;

typedef struct ks__trace {
    ks_graph *g, *own; /* the user's, the trace's */
    int digits;
    int64_t most;
    uint32_t of;           /* position of the traced node: the last */
    ks__trace_node *nodes; /* in forward order */
    uint32_t count, capacity;
    ks__trace_inside *insides; /* by the node they are in, in forward order; without bare numbers */
    uint32_t inside_count, inside_capacity;
    ks__trace_entry *entries; /* in the order of the backward pass */
    uint32_t entry_count, entry_capacity;
    ks__trace_edge *edges;
    uint32_t edge_count, edge_capacity;
    uint32_t *terms; /* [edge_count] positions of edges, by the node they arrive at, in the order of arrival */
    uint32_t term_room;
} ks__trace;

/* Collects the trace; the graph keeps the failure. ks__trace_free in either case. */
bool ks__trace_collect(ks_node *of, const ks_trace_options *options, ks__trace *trace);
void ks__trace_free(ks__trace *trace);

/* Text being written: it grows, and remembers that it could not. */
typedef struct ks__page {
    ks_buffer buffer;
    bool failed;
} ks__page;

void ks__page_put(ks__page *page, const char *text, size_t size);
void ks__page_text(ks__page *page, const char *text);
void ks__page_spaces(ks__page *page, size_t count);
/* Columns that UTF-8 takes when it is printed: its characters. */
size_t ks__page_width(const char *text, size_t size);

/* A value as the writers see it; a bare number is an f64 scalar. */
typedef struct ks__trace_value {
    ks_dtype dtype;
    const ks_shape *shape;
    const void *data;
    int64_t count;
} ks__trace_value;

ks__trace_value ks__trace_value_of(const ks_node *node);
/* The elements that are least and greatest, a NaN before all others, and the mean. There is at least one element. */
void ks__trace_extremes(const ks__trace_value *value, int64_t *least, int64_t *greatest, double *mean);

/* A number rounded to so many significant digits: 715, 3.3, 0.00012, 1.5e-7. `value` is of f64 or narrower. */
void ks__trace_number(ks__page *page, double value, int digits);
/* Element i rounded; whole numbers stand in full. */
void ks__trace_element(ks__page *page, const ks__trace_value *value, int64_t i, int digits);
/* A scalar as such, a small tensor as nested lists, a big one in a few words. */
void ks__trace_value_text(ks__page *page, const ks_node *node, const ks__trace *trace);
/* "[100, 784]" */
void ks__trace_shape(ks__page *page, const ks_shape *shape);
/* Whether the product was summed down to the input's shape, which broadcasting had spread. */
bool ks__trace_summed(const ks__trace *trace, const ks__trace_edge *edge);
/* "call cell", "result 1 of", or the operation's name. */
void ks__trace_op(ks__page *page, const ks_node *node);
/* The body that the node runs; NULL: none. */
const ks_function *ks__trace_body(const ks_node *node);
/* The argument that is given to a parameter of the body that the node runs; NULL: `inside` is no parameter. */
const ks_node *ks__trace_argument(const ks_node *node, const ks_node *inside);
/* "u b", and what it takes to undo a broadcast. */
void ks__trace_formula(ks__page *page, const ks__trace *trace, const ks__trace_edge *edge);
/* An input as it stands in a list: its name, or a bare number. */
void ks__trace_input(ks__page *page, const ks__trace *trace, const ks_node *input);

/* Write the whole trace. False: no memory, page->failed. */
bool ks__trace_text(const ks__trace *trace, ks__page *page);
bool ks__trace_json(const ks__trace *trace, ks__page *page);
bool ks__trace_dot(const ks__trace *trace, ks__page *page);

/* What Graphviz's dot makes of `page`, appended to svg. The failure says why not. */
bool ks__trace_svg(const ks__page *page, ks_buffer *svg, ks_failure *failure);

#endif
