/*
 * serialize/training.h - how far a training run has come, as its file says it.
 *
 * Optimisers live upstairs, in train/; a graph's JSON keeps what they need to go on. This record is what both floors agree on:
 * train/ fills it when a graph is saved (ks_graph.describe_training) and rebuilds the optimiser from it after one was read
 * (ks_graph.training). A state is a variable that is not trainable, of its variable's dtype and shape: slot "m" of "fc1.weight" under
 * adam is "fc1.weight/adam/m". What belongs to the optimiser as a whole is a scalar: its variable is NULL, its name "adam/t".
 */
#ifndef KS_SERIALIZE_TRAINING_H
#define KS_SERIALIZE_TRAINING_H

#include "graph/graph.h"

#define KS__TRAINING_FIELDS 12

typedef struct ks__training_field {
    const char *name; /* "rate" */
    double value;
} ks__training_field;

typedef struct ks__training_state {
    ks_node *variable; /* NULL: of the optimiser itself */
    const char *slot;  /* "m" */
    ks_node *state;
} ks__training_state;

typedef struct ks__training {
    const ks_graph *graph; /* whose optimiser it is */
    const char *loss;      /* the name of the output or node that is made smaller */
    uint64_t step;         /* steps the optimiser has taken */
    uint64_t random_step;  /* the graph's own step number; saving takes it from the graph */
    uint64_t epoch;        /* where the data stands */
    int64_t row;
    const char *kind; /* "sgd" */
    ks__training_field fields[KS__TRAINING_FIELDS];
    int field_count;
    ks__training_state *states;
    int state_count;
} ks__training;

/* Whether that is an optimiser's kind, and a field of it. A list of the words there are, separated by ", ", for messages. */
bool ks__training_kind(const char *kind);
bool ks__training_field_of(const char *kind, const char *field);
extern const char *const ks__training_words[]; /* the kinds, then NULL */
const char *ks__training_kinds(void);
const char *ks__training_fields(const char *kind);

/* The name of a state's variable, in `name`; false if it is too long for a name. */
#define KS__STATE_NAME 256
bool ks__training_state_name(const char *variable, const char *kind, const char *slot, char name[KS__STATE_NAME]);

/* Frees the record that was read with the graph: its texts and lists are the graph's, the nodes stay. */
void ks__training_free(ks_graph *g);

#endif
