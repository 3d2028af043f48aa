/*
 * tests/support/same_graph.h - whether a graph that was read is the one that was written.
 *
 * Compared are the nodes that the outputs need, in their order: operation, name and who gave it, dtype, shape, attributes, inputs,
 * documentation, initialiser, trainable or not, stream, and values to the bit (any NaN is NaN); then outputs and seed. Numbers have no
 * place of their own among the nodes, but one that is shared must be shared in both.
 */
#ifndef KS_TESTS_SAME_GRAPH_H
#define KS_TESTS_SAME_GRAPH_H

#include <keisan/keisan.h>

/* NULL if they are the same; else what differs, in static text. */
const char *ks_test_difference(ks_graph *a, ks_graph *b);

/* Writes the graph into memory and reads it: the new graph, or a failed assertion of the test. */
ks_graph *ks_test_reread(ks_graph *graph, const ks_save_options *options);

/* Asserts that writing and reading gives the same graph, and that writing that gives the same text. */
void ks_test_round_trip(ks_graph *graph);

#endif
