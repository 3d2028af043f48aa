/*
 * train/optimizer.h - what an optimiser is inside.
 *
 * An optimiser is ordinary nodes: gradients of its loss, updates, assigns; it remembers which of them a step runs. Invariants:
 *  - All its nodes lie in [start, highest] of the graph's stack or are variables. `cut` says that some were destroyed; the record
 *    stays for its handle's sake and is taken by the next optimiser that is made.
 *  - Its states are variables called VARIABLE/LABEL/SLOT and LABEL/t; the label is its kind, with a number while another one of
 *    that kind is in use. Whoever makes an optimiser of that label finds them again.
 */
#ifndef KS_TRAIN_OPTIMIZER_H
#define KS_TRAIN_OPTIMIZER_H

#include "graph/graph.h"
#include <keisan/train.h>

#define KS__OPTIMIZER_KINDS  (KS_ADAMW + 1)
#define KS__OPTIMIZER_FIELDS 8
#define KS__OPTIMIZER_SLOTS  2

/* What a kind is told and keeps. */
typedef struct ks__optimizer_field {
    const char *name; /* "rate" */
    double usual;     /* the default */
    double most;
    size_t option; /* offset in ks_optimizer_options */
} ks__optimizer_field;

typedef struct ks__optimizer_kind {
    const char *name;
    ks__optimizer_field fields[KS__OPTIMIZER_FIELDS];
    int own_count, field_count;             /* own fields stand before those that all kinds share */
    const char *slots[KS__OPTIMIZER_SLOTS]; /* a state a variable each */
    int slot_count;
    bool counts; /* keeps the number of steps in the state "t" */
} ks__optimizer_kind;

/* By ks_optimizer_kind. */
extern const ks__optimizer_kind ks__optimizer_kinds[KS__OPTIMIZER_KINDS];

struct ks_optimizer {
    ks_optimizer *next;
    ks_graph *graph;
    ks_optimizer_kind kind;
    int label; /* 1: the kind's name; 2: "adam.2" */
    bool cut;
    uint32_t start, highest;
    ks_node *loss;
    double fields[KS__OPTIMIZER_FIELDS];
    ks_node *rate;       /* a number */
    ks_node *t;          /* state, where the kind counts */
    ks_node **variables; /* [count] */
    ks_node **gradients; /* [count] */
    ks_node **states;    /* [count * slot_count] */
    ks_node **effects;   /* [effect_count] */
    ks_node **fetches;   /* room for ks_step_with */
    uint32_t count, effect_count;
    uint32_t capacity, fetch_capacity; /* of variables; of fetches */
    uint64_t steps;
};

/* Makes the optimiser with these fields: the calls of the header end here. */
ks_optimizer *ks__optimizer_make(ks_node *loss, ks_optimizer_kind kind, const double fields[KS__OPTIMIZER_FIELDS]);

/* The value of the field of that name; 0 where the kind has none. */
double ks__optimizer_field_of(const ks_optimizer *o, const char *name);

/* gradients.c: clips the gradients and adds the weight decay that they are told. */
bool ks__optimizer_gradients(ks_optimizer *o);
/* Whether weight decay is for it: for weights, of rank 2 and more, not for biases and scales. */
bool ks__optimizer_decays(const ks_node *variable);

/* update.c: composes the updates of `o`, whose gradients are there, and lists its effects. */
bool ks__optimizer_updates(ks_optimizer *o);

#endif
