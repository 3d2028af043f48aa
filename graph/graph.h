/*
 * graph/graph.h - what the library knows of graphs and nodes, and no host does.
 *
 * Invariants (tests/support/check.c walks them):
 *  - Nodes stand in one stack. A node's id is its position, its inputs have smaller ids or are variables, so ids are a
 *    topological order. Variables stand in a second list that nothing cuts; they have no inputs.
 *  - `count` nodes are alive. Those from `count` to `extent` were released and wait to be recognised: composing compares each
 *    call with the node at `count`; the first difference destroys all that wait.
 *  - A value is valid if its `checked` epoch is the graph's, or if all inputs are valid and none changed after it did.
 *    Feeding or committing raises the graph's epoch.
 *  - A partial, a gradient, an output or an event that refers to a destroyed node is forgotten with it.
 */
#ifndef KS_GRAPH_GRAPH_H
#define KS_GRAPH_GRAPH_H

#include <stdatomic.h>
#include <keisan/op.h>
#include <keisan/run.h>
#include "graph/memory.h"
#include "graph/failure.h"
#include "graph/hash.h"

/* A shape that was met, kept once: equal shapes are the same pointer. */
typedef struct ks__dims {
    ks_shape shape;
    int64_t count; /* elements; -1 with open dimensions */
    UT_hash_handle hh;
} ks__dims;

/* Bytes that values refer to; counted, so that graphs can share parameters. */
typedef struct ks__block {
    atomic_int references;
    size_t bytes;
    void *data;
    ks_allocator allocator;
    void (*release)(void *user, const void *data); /* of borrowed data */
    void *release_user;
    bool borrowed;
    bool roomy; /* borrowed, and whole vectors may be written at its end */
} ks__block;

/* A node's value. */
typedef struct ks__value {
    ks__block *block;
    const ks__dims *dims; /* concrete */
} ks__value;

/* What few nodes have. */
typedef struct ks__aside {
    char *name;
    char *doc;
    ks_node **partials; /* [n], made on demand */
    ks_node *gradient;  /* of the last ks_backward, for variables */
    ks_init init;       /* of a variable */
    uint64_t stream;    /* of a random node */
    uint32_t at;        /* variables: the number of nodes in the stack when it was made */
    bool given;         /* the user gave the name */
    ks_node *node;
    UT_hash_handle hh; /* by name */
} ks__aside;

typedef enum ks__node_flag {
    KS__VARIABLE = 1, /* stands in the list of variables */
    KS__TRAINABLE = 2,
    KS__KEEP = 4,
    KS__PARTIAL = 8,  /* made as a local partial derivative */
    KS__SEED = 16,    /* a one or zero made by differentiation: may be simplified away */
    KS__NOTED = 32,   /* scratch of walks */
    KS__FETCHED = 64, /* the value is as of a transaction */
    KS__DERIVED = 128 /* made by differentiation */
} ks__node_flag;

/* The hot record: at most 96 bytes. */
struct ks_node {
    const ks_op *op;
    ks_graph *graph;
    union {
        ks_node *few[2];
        ks_node **many; /* when n > 2 */
    } in;
    const ks__dims *dims;
    union {
        void *attrs;
        double number;
    } data;
    ks__value *value;
    ks__aside *aside;
    uint64_t changed;
    uint64_t checked : 56, flags : 8;
    uint32_t id;
    uint32_t origin; /* file index << 20 | line */
    uint32_t local;  /* scratch: position in the list at work */
    uint32_t n : 24, dtype : 8;
};

#define KS__EPOCHS (((uint64_t)1 << 56) - 1) /* what fits `checked` */

static inline ks_node *const *ks__inputs(const ks_node *node)
{
    return node->n > 2 ? (ks_node *const *)node->in.many : node->in.few;
}

#define KS__CHUNK 256u

/* Nodes at fixed addresses, by position. */
typedef struct ks__stack {
    ks_node **chunks;
    uint32_t chunk_count, chunk_capacity;
    uint32_t extent; /* nodes that exist */
} ks__stack;

static inline ks_node *ks__stack_at(const ks__stack *stack, uint32_t i)
{
    return &stack->chunks[i / KS__CHUNK][i % KS__CHUNK];
}

typedef struct ks__output {
    char *name;
    ks_node *node;
} ks__output;

/* A call that made several nodes at once and is recognised as one. */
typedef struct ks__event {
    uint32_t start, end; /* the nodes it made */
    const void *kind;    /* whose event it is */
    size_t bytes;        /* of data: what must be equal, then what it gave */
    size_t key_bytes;
    char *data;
} ks__event;

/* A partial that was made: whose edge it belongs to, so that it is forgotten when cut off. */
typedef struct ks__partial_log {
    ks_node *owner;
    uint32_t edge;
    uint32_t id;
} ks__partial_log;

typedef struct ks__symbol {
    char *name; /* NULL: anonymous */
} ks__symbol;

typedef struct ks__user_op {
    const ks_op *op;
    UT_hash_handle hh;
} ks__user_op;

/* Sizes of small things, rounded to 16 bytes, in lists of free ones. */
#define KS__SMALL_CLASSES 32
typedef struct ks__slab {
    struct ks__slab *next;
    size_t bytes;
} ks__slab;

struct ks__training;

struct ks_graph {
    ks_graph_options options;
    ks_failure failure;
    ks_statistics statistics;

    ks__stack nodes;
    uint32_t count;
    ks__stack variables;
    uint64_t epoch;
    uint64_t random_epoch, mode_epoch, attribute_epoch; /* when these last changed */
    ks_mode mode;                                       /* of the values that are there */
    uint64_t step;
    uint32_t random_nodes;

    ks__dims *shapes;
    const ks__dims *scalar;
    ks__aside *names;
    uint32_t named; /* nodes below this have names */
    ks__output *outputs;
    uint32_t output_count, output_capacity;
    ks__symbol *symbols;
    uint32_t symbol_count, symbol_capacity;
    ks__event *events;
    uint32_t event_count, event_capacity;
    ks__partial_log *partials;
    uint32_t partial_count, partial_capacity;
    ks_node *units[2]; /* 1 and -1 as local partials, one node for all edges; NULL until wanted */
    ks__user_op *user_ops;
    const char **files;
    uint32_t file_count, file_capacity;
    const char *file_latest; /* that made a node, and its number as origins keep it */
    uint32_t file_bits;
    const char *composing; /* the name of the node being read, for messages */
    ks_place composing_at;
    const char *failing_in; /* stands before every message while a file is read: "net.json:7: nodes[3]" */
    char *text;             /* what ks_why_no_gradient and its like last said */
    ks_node **order;        /* for ks_node_at */
    int64_t order_count, order_filled;
    uint32_t order_nodes;
    uint64_t order_composed; /* nodes composed until then */

    void *small_free[KS__SMALL_CLASSES + 1];
    ks__slab *slabs;
    size_t slab_used;

    /* Upper floors hang their state here. */
    struct ks__engine *engine;
    void (*engine_cut)(ks_graph *graph, uint32_t from);
    void (*engine_free)(ks_graph *graph);
    struct ks_optimizer *optimizers;
    void (*optimizers_free)(ks_graph *graph);
    void (*optimizers_cut)(ks_graph *graph, uint32_t from);
    bool (*describe_training)(const struct ks_optimizer *optimizer, struct ks__training *out); /* states: by ks__get, the caller frees */
    struct ks__training *training; /* what was read about training, see serialize/training.h */
    void (*training_free)(ks_graph *graph);
    char *metadata; /* the JSON text under "metadata", kept as it was read */
    char *source;   /* the path it was read from, which the places of its nodes name */
    struct ks_optimizer *loaded_optimizer;
    uint64_t data_epoch; /* where the training data stands */
    int64_t data_row;
    int isa;
    int provider;
    ks_function **functions; /* that its nodes call */
    uint32_t function_count, function_capacity;
    void (*function_free)(ks_function *function);
};

/* ---- failures (graph/node.c) --------------------------------------------------------------------------- */

/* Records the graph's first failure, calls its handler, returns NULL or false. */
void *ks__null(ks_graph *g, ks_code code, ks_place at, const char *format, ...) __attribute__((format(printf, 4, 5)));
bool ks__refuse(ks_graph *g, ks_code code, ks_place at, const char *format, ...) __attribute__((format(printf, 4, 5)));
/* The same for a failure filled by a lower floor; quiet when failure->code is KS_OK. */
bool ks__refuse_with(ks_graph *g, const ks_failure *failure);
void ks__log(ks_graph *g, const char *format, ...) __attribute__((format(printf, 2, 3)));
#define KS__NOWHERE ((ks_place){NULL, 0})

/* ---- memory of a graph (graph/small.c) ----------------------------------------------------------------- */

/* Any size; NULL records KS_NO_MEMORY. Freed with its size. */
void *ks__get(ks_graph *g, size_t bytes);
void ks__put(ks_graph *g, void *memory, size_t bytes);
/* Small, zeroed, never moved. */
void *ks__small(ks_graph *g, size_t bytes);
void ks__small_put(ks_graph *g, void *memory, size_t bytes);
char *ks__text_copy(ks_graph *g, const char *text);
void ks__text_put(ks_graph *g, char *text);
/* Makes room for one more in an array: capacity doubles (grows by one in a torture build). */
bool ks__grow(ks_graph *g, void *array, uint32_t *capacity, uint32_t count, size_t element);

/* ---- values (graph/value.c) ---------------------------------------------------------------------------- */

/* A block of `bytes`, aligned to 64 and padded to whole vectors. References 1. */
ks__block *ks__block_new(ks_graph *g, size_t bytes);
void ks__block_put(ks__block *block);
/* The node's value gets this block (taking over the reference) and these dims. */
bool ks__value_set(ks_node *node, ks__block *block, const ks__dims *dims);
void ks__value_drop(ks_node *node);
/* Converts n elements; false and *bad the first that does not survive exactly (when exact). */
bool ks__convert(void *out, ks_dtype to, const void *in, ks_dtype from, int64_t n, bool exact, int64_t *bad);
double ks__element(const void *data, ks_dtype dtype, int64_t i);
/* Feeds an input with what the caller writes, at once and whole, to where this points: elements of the input's dtype. NULL on failure. */
void *ks__feed_buffer(ks_node *input, const char *call, const ks_shape *shape);

/* ---- shapes (graph/shape.c) ---------------------------------------------------------------------------- */

const ks__dims *ks__dims_of(ks_graph *g, const ks_shape *shape);
void ks__dims_free(ks_graph *g);
#define KS__SHAPE_TEXT 160
/* "[N, 784]" in `text`; returns text. */
const char *ks__shape_text(const ks_graph *g, const ks_shape *shape, char text[KS__SHAPE_TEXT]);
/* A fresh open dimension. */
int64_t ks__dim_fresh(ks_graph *g);
/* Whether a concrete dim fits an open or fixed one. */
static inline bool ks__dim_open(int64_t dim)
{
    return dim < 0;
}
/* Dimension of a broadcast; false if they can't fit. */
bool ks__dim_broadcast(ks_graph *g, int64_t a, int64_t b, int64_t *out);
/* Dimensions that must be equal: the one that is known. */
bool ks__dim_same(ks_graph *g, int64_t a, int64_t b, int64_t *out);
bool ks__broadcast_shapes(ks_graph *g, const ks_shape *a, const ks_shape *b, ks_shape *out);
/* Product of dims; -1 when open. */
int64_t ks__count(const ks_shape *shape);
/* Brings an axis into [0, rank); false if it is outside. */
bool ks__axis(int64_t axis, int rank, int *out);
/* The axes as a bit mask; absent: all. Records in infer what is wrong. */
bool ks__axes_mask(ks_infer *infer, const ks_ints *axes, int rank, unsigned *mask);

/* ---- nodes (graph/node.c) ------------------------------------------------------------------------------ */

static inline bool ks__alive(const ks_node *node)
{
    return (node->flags & KS__VARIABLE) || node->id < node->graph->count;
}
bool ks__refuse_released(const ks_node *node);
/* Whether the handle stands for a node that is there; else records why (quiet for NULL). */
static inline bool ks__usable(const ks_node *node)
{
    return node && (ks__alive(node) || ks__refuse_released(node));
}
/* The place as a node keeps it: number of the file and line; 0 if unknown. */
uint32_t ks__origin_of(ks_graph *g, ks_place at);
static inline uint32_t ks__origin(ks_graph *g, ks_place at)
{
    bool latest = at.file && at.file == g->file_latest && (uint32_t)at.line <= 0xfffff;
    return latest ? g->file_bits | (uint32_t)at.line : ks__origin_of(g, at);
}
/* A new node at the end of the stack (after cutting what waits) or of the variables; inputs are copied. */
ks_node *ks__node_new(ks_graph *g, const ks_op *op, ks_node *const *inputs, uint32_t n, ks_dtype dtype, const ks__dims *dims,
                      uint32_t origin, bool variable);
ks__aside *ks__aside_of(ks_node *node);
/* The number 1 or -1 that local partials share (graph/leaf.c). */
ks_node *ks__unit(const ks_node *y, int sign);
/* The waiting node at the place of the next call, NULL if none. What differentiation made is no user's: its numbers must keep their values.
 */
static inline ks_node *ks__waiting(ks_graph *g)
{
    ks_node *node = g->count < g->nodes.extent ? ks__stack_at(&g->nodes, g->count) : NULL;
    return node && node->flags & KS__DERIVED ? NULL : node;
}
/* Takes the waiting node back in. */
static inline ks_node *ks__recognise(ks_node *node, uint32_t origin)
{
    node->origin = origin;
    node->graph->count++;
    node->graph->statistics.nodes_recognised++;
    return node;
}
/* Destroys the nodes from `from` on. */
void ks__cut(ks_graph *g, uint32_t from);
/* Attributes of a node before `from` changed: what was derived from there on is not found again. */
void ks__forget_events(ks_graph *g, uint32_t from);
/* The value changed just now: what depends on it is stale. */
static inline void ks__touch(ks_node *node)
{
    node->changed = ++node->graph->epoch;
    node->checked = node->changed & KS__EPOCHS;
}

/* ---- composing (graph/compose.c) ----------------------------------------------------------------------- */

ks_node *ks__compose(ks_place at, ks_graph *g, const ks_op *op, ks_node *const *inputs, uint32_t n, const void *attrs);
/* The letter of input i in op->types; 0 if it takes no such input. A '+' repeats the letter before it. */
static inline char ks__input_letter(const ks_op *op, uint32_t i)
{
    char last = '*';
    for (const char *c = op->types; *c && *c != '>' && *c != '+'; c++) {
        last = *c;
        if (i-- == 0)
            return last;
        if (c[1] == '+')
            return last;
    }
    return 0;
}
/* The letter of the result. */
static inline char ks__result_letter(const ks_op *op)
{
    const char *c = op->types;
    while (*c && *c != '>')
        c++;
    return *c ? c[1] : 'T';
}
/* The dtype in which a bare number is read as input i of the node. */
ks_dtype ks__number_dtype(const ks_node *node, uint32_t i);
/* The dtype in which input i of the node is read (a bare number takes the node's). */
static inline ks_dtype ks__input_dtype(const ks_node *node, uint32_t i)
{
    const ks_node *input = ks__inputs(node)[i];
    return input->op->flags & KS_OP_NUMBER ? ks__number_dtype(node, i) : (ks_dtype)input->dtype;
}
/* Whether the operation's struct is new enough to have the field, and has it. */
#define KS__HAS(op, field) ((op)->size >= offsetof(ks_op, field) + sizeof((op)->field) && (op)->field)

/* Runs the shape rule for these input shapes, for one of the results. `out` and `dtype` are set; on false the failure is filled. */
bool ks__infer(ks_graph *g, const ks_op *op, const ks_shape *const *shapes, const ks_dtype *dtypes, uint32_t n, const void *attrs,
               ks_dtype t, int64_t result, ks_shape *out, ks_dtype *dtype, ks_failure *failure);
/* The node whose operation, inputs and attributes say what this one is: itself, or the node of which it is a further result. */
static inline const ks_node *ks__head(const ks_node *node)
{
    return node->op->flags & KS_OP_RESULT ? ks__inputs(node)[0] : node;
}
/* Which result of its head the node is. */
static inline int64_t ks__result_index(const ks_node *node)
{
    return node->op->flags & KS_OP_RESULT ? *(const int64_t *)node->data.attrs : 0;
}
/* What the operation's flags say, and those of what it calls: KS_OP_RANDOM, KS_OP_MODE. */
static inline unsigned ks__flags(const ks_node *node)
{
    unsigned flags = node->op->flags;
    return flags & KS_OP_CALLS ? flags | **(const unsigned *const *)node->data.attrs : flags;
}
/* Whether it draws the numbers of its first input again, and so goes by that one's stream. */
static inline bool ks__redraws(const ks_node *node)
{
    return (node->op->flags & KS_OP_REDRAWS) && (ks__flags(ks__inputs(node)[0]) & KS_OP_RANDOM);
}
/* T of an applied operation. */
ks_dtype ks__dtype_t(const ks_node *node);
/* The node's attributes; of a number its value. */
static inline const void *ks__attrs(const ks_node *node)
{
    return node->op->flags & KS_OP_NUMBER ? (const void *)&node->data.number : node->data.attrs;
}

/* An event that stands at the next place and has this key: its nodes are taken back in and what it gave is returned. */
const void *ks__event_recognise(ks_graph *g, const void *kind, const void *key, size_t key_bytes);
/* Notes that the nodes from `start` to now were made by one call. data: key, then what it gave. */
bool ks__event_note(ks_graph *g, const void *kind, uint32_t start, const void *key, size_t key_bytes, const void *given,
                    size_t given_bytes);

/* ---- names (graph/name.c) ------------------------------------------------------------------------------ */

bool ks__name_valid(const char *name);
void ks__name_drop(ks_node *node);
void ks__names_free(ks_graph *g);
/* The live names nearest to `name` for a "did you mean"; NULL if none is near. */
const char *ks__name_near(ks_graph *g, const char *name);
/* Small distance between words (0 equal). */
int ks__word_distance(const char *a, const char *b);

#endif
