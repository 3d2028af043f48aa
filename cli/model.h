/*
 * cli/model.h - a model read from its file, its nodes by name, and what they need.
 */
#ifndef KEISAN_CLI_MODEL_H
#define KEISAN_CLI_MODEL_H

#include "args.h"
#include <keisan/keisan.h>

typedef struct model {
    const char *path;
    ks_graph *graph;
} model;

/* Reads the model; `options` NULL: the defaults. The options of `a` (threads, seed) apply. DONE, or an exit status after complaining. */
int model_open(model *m, const char *path, const args *a, const ks_graph_options *options);
void model_close(model *m);

/* Complains with what the graph keeps; the exit status. */
int model_failed(const model *m);

/* The output or node of that name; NULL after complaining, with the nearest name. */
ks_node *model_node(const model *m, const char *name);
/* The same for --of and its like: `name` NULL means the output `usual`. `what` names the option. */
ks_node *model_node_or(const model *m, const char *name, const char *usual, const char *what);

/* needed[i]: whether one of `nodes` depends on node i of the graph. Freed with free; NULL: no memory. */
bool *model_needs(const model *m, ks_node *const *nodes, int count);

/* Every input that `nodes` need has data; else complains about all that have none. `flag` names the option that gives it. */
int model_check_fed(const model *m, ks_node *const *nodes, int count, const char *flag);

/* Whether `node` can be computed from what was fed. */
bool model_fed(const model *m, ks_node *node);

#endif
