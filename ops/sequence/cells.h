/*
 * ops/sequence/cells.h - what happens in a cell once its products are there: shared by the cells and by whole sequences, which make
 * the products with the inputs of all steps at once.
 */
#ifndef KS_OPS_SEQUENCE_CELLS_H
#define KS_OPS_SEQUENCE_CELLS_H

#include "ops/family.h"

#define KS__MAX_GATES 4

/* Columns [g H, (g + 1) H) of the last axis, for each of the gates; false on failure. NULL gives NULLs. */
bool ks__split_gates(ks_place at, ks_node *x, int gates, int64_t hidden, ks_node **out);
/* a + b, either of which may be NULL. */
ks_node *ks__add_given(ks_place at, ks_node *a, ks_node *b);

/* The next states from what each gate gets; NULL inputs pass through. */
ks_node *ks__rnn_next(ks_place at, ks_node *gate, ks_rnn_activation activation);
bool ks__lstm_next(ks_place at, ks_node *const *gate, ks_node *c, ks_node **h_next, ks_node **c_next);
/* z as it goes into its sigmoid, n as it comes out of its tanh. */
ks_node *ks__gru_next(ks_place at, ks_node *h, ks_node *z, ks_node *n);

/* Whether these weights belong to a cell of so many gates over x [..., in]: its word in messages is `name`. *hidden: H. */
bool ks__check_weights(ks_place at, const char *name, ks_node *x, const ks_recurrent_weights *weights, int gates, int64_t *hidden);

#endif
