/*
 * serialize/save.h - a graph being written: what is written, and how its pieces become JSON.
 */
#ifndef KS_SERIALIZE_SAVE_H
#define KS_SERIALIZE_SAVE_H

#include <cjson/cJSON.h>
#include "graph/graph.h"
#include "serialize/training.h"

/* What is known of a node: how often one that is written uses it (0, 1, 2 for more), whether it is written, and of a number that it stands
 * as a node and not among inputs. */
#define KS__SAVE_USES   3
#define KS__SAVE_NEEDED 4
#define KS__SAVE_NODE   8

/* A function that is written, under a name that no other has. */
typedef struct ks__save_function {
    const ks_function *function;
    char name[208];
} ks__save_function;

typedef struct ks__save {
    ks_graph *g;         /* whose nodes are written: the graph's, or a function's body's */
    ks_graph *host;      /* the graph that is saved: what is needed for a while is its memory */
    ks_buffer functions; /* of ks__save_function: each after those that it calls */
    const ks_writer *writer;
    ks_failure *failure;
    uint8_t *uses; /* [nodes + variables] */
    ks__training training;
    bool without_values;
    bool failed;        /* the writer */
    bool *said;         /* the graph has recorded the failure */
    bool failed_before; /* it had recorded another one already */
} ks__save;

/* Text as it is; an item, which is freed, on one line. False: the writer failed or the failure is filled. */
bool ks__save_text(ks__save *s, const char *text);
bool ks__save_item(ks__save *s, cJSON *item);
/* An object, which is freed, without its braces. */
bool ks__save_members(ks__save *s, cJSON *object);
/* Adds `value`, which is taken over, to the object; NULL for either means no memory. */
bool ks__save_add(ks__save *s, cJSON *object, const char *key, cJSON *value);
/* Fills the failure; false. */
bool ks__save_no_memory(ks__save *s);

static inline size_t ks__save_index(const ks__save *s, const ks_node *node)
{
    return node->flags & KS__VARIABLE ? (size_t)s->g->count + node->id : node->id;
}

static inline bool ks__save_needed(const ks__save *s, const ks_node *node)
{
    return s->uses[ks__save_index(s, node)] & KS__SAVE_NEEDED;
}

/* Whether the node is a number that stands among its user's inputs. */
static inline bool ks__save_inline(const ks__save *s, const ks_node *node)
{
    return (node->op->flags & KS_OP_NUMBER) && !(s->uses[node->id] & KS__SAVE_NODE);
}

/* Whether the number has nothing of its own to say: no name, no documentation, and JSON can write it. */
bool ks__save_plain_number(const ks_node *node);

/* ---- functions (serialize/save_function.c) ------------------------------------------------------------- */

/* Lists the functions that the needed nodes call, and those that these call. */
bool ks__save_find_functions(ks__save *s);
/* The name under which the function is written; NULL: it is not in the list. */
const char *ks__save_function_name(const ks__save *s, const ks_function *f);
/* The "functions" section with the comma behind it; nothing without functions. */
bool ks__save_functions(ks__save *s);

/* ---- pieces (serialize/save_node.c) -------------------------------------------------------------------- */

bool ks__save_node(ks__save *s, ks_node *node);
/* The value of a leaf as a list, a number, or base64; NULL: no memory. */
cJSON *ks__save_value(ks__save *s, const ks_node *node);
cJSON *ks__save_f64(double value);
/* The "training" section with the comma before it; nothing without an optimiser. */
bool ks__save_training(ks__save *s, bool without_states);

#endif
