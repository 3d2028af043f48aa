/*
 * cli/ops.h - what keisan ops says of an operation, as text and as JSON.
 */
#ifndef KEISAN_CLI_OPS_H
#define KEISAN_CLI_OPS_H

#include <keisan/keisan.h>

/* What the headers say of an operation, taken from them when the command is built (builders.awk). */
typedef struct entry {
    const char *name;
    const char *family;
    const char *builder; /* "ks_node *ks_add(ks_node *a, ks_node *b);"; "": it has none */
} entry;

const entry *ops_entry(const char *name);

/* One input of an operation, from its `types` and `inputs`. */
typedef struct input {
    const char *name;
    int length;  /* of the name */
    char letter; /* of its dtype, see ks_op */
    bool more;   /* may be repeated */
} input;

/* The i-th input; false where there are no more. */
bool ops_input(const ks_op *op, int i, input *in);
/* The letter of the result, 0 where there is none. */
char ops_result(const ks_op *op);

/* The operation's example. */
typedef struct example {
    ks_graph *graph;
    ks_node *node;    /* NULL: there is none */
    ks_buffer buffer; /* the graph as JSON */
    const char *json; /* in it the node's own object */
    int length;
} example;

example ops_example(const ks_op *op);
void ops_example_free(example *e);

void ops_put_text(const ks_op *op);
void ops_put_json(const ks_op *op);

#endif
