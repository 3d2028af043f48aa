/*
 * keisan/graph.h - graphs, nodes and their values.
 *
 * A graph owns everything that is made in it: nodes, names, buffers and the first failure. A node is one operation
 * applied to its inputs and stands for one tensor. Composing computes nothing: values are computed when they are
 * asked for (keisan/run.h). A graph belongs to one thread at a time; different graphs are independent.
 *
 * Failing calls return NULL (or false) and the graph keeps the first failure, see ks_error. NULL nodes pass through
 * every call quietly, so a long expression needs one check at its end.
 */
#ifndef KEISAN_GRAPH_H
#define KEISAN_GRAPH_H

#include <keisan/base.h>

KS_BEGIN

typedef struct ks_graph ks_graph;
typedef struct ks_node ks_node;
typedef struct ks_function ks_function; /* keisan/function.h */
struct ks_op;

/* "0.1.0". Static text. */
KS_API const char *ks_version(void);

/* ---- a graph ------------------------------------------------------------------------------------------- */

/* Fast paths that can be switched off, one bit each; without them the plain path runs, and results agree. */
typedef enum ks_fast_path {
    KS_FUSE = 1,       /* elementwise runs as one walk over tiles */
    KS_PLACE = 2,      /* buffers shared by values that do not live at the same time */
    KS_RECOGNISE = 4,  /* nodes composed anew are found in place */
    KS_SIMPLIFY = 8,   /* x * 1, x / 1, x - 0 */
    KS_SHARE = 16,     /* equal work computed once */
    KS_CACHE = 32,     /* plans found again */
    KS_BYTECODE = 64   /* runs of scalar operations as one small program */
} ks_fast_path;

/* How a graph meets its host. Zero fields mean the default. */
typedef struct ks_graph_options {
    size_t size;                /* sizeof(ks_graph_options) */
    ks_allocator allocator;     /* all memory of the graph; default the C library's */
    void (*on_error)(void *user, const ks_failure *failure); /* called at the point of failure */
    void *error_user;
    void (*on_log)(void *user, const char *message); /* warnings; default: dropped */
    void *log_user;
    bool (*cancel)(void *user); /* asked between the steps of a run: true stops it, nothing committed */
    void *cancel_user;
    int threads;                /* 0: one a core; 1: the calling thread only; n: the caller and n - 1 of ours */
    ks_parallel_for_fn parallel_for; /* the host's threads instead of ours */
    void *parallel_user;
    uint64_t seed;              /* of every random number in the graph */
    const char *isa;            /* "plain", "x86-64-v2", "x86-64-v3", "x86-64-v4"; NULL: the best there is */
    const char *products;       /* who multiplies matrices: NULL or "keisan": our kernels; "blas": the CBLAS */
    unsigned without;           /* ks_fast_path bits to switch off */
    bool keep_all;              /* every computed value stays until it is stale, as with ks_keep */
    bool check_finite;          /* a run that meets a NaN or an infinity fails and names the node */
    bool cast_feeds;            /* ks_feed and ks_set convert as ks_cast does, also where a value does not survive exactly */
} ks_graph_options;

/* In C, a start to write options on; in C++ set `size` by hand. */
#define KS_GRAPH_OPTIONS_DEFAULT {.size = sizeof(ks_graph_options)}

/* A new graph; the caller frees it with ks_graph_free. NULL options mean the defaults. NULL: no memory or bad options. */
KS_API ks_graph *ks_graph_new(const ks_graph_options *options);

/* Frees the graph and all it owns; NULL is fine. */
KS_API void ks_graph_free(ks_graph *graph);

/* The first failure since the graph was made or ks_error_clear, NULL if none. Valid until the next call on the graph. */
KS_API const ks_failure *ks_error(const ks_graph *graph);
KS_API void ks_error_clear(ks_graph *graph);

/* The instruction set in use ("x86-64-v4") and who multiplies matrices ("keisan", "blas"). Static text. */
KS_API const char *ks_graph_isa(const ks_graph *graph);
KS_API const char *ks_graph_products(const ks_graph *graph);

/* ---- leaves -------------------------------------------------------------------------------------------- */

/* How a variable's first value is made, see KS_HE and its like. */
typedef enum ks_init_kind { KS_INIT_NONE, KS_INIT_CONSTANT, KS_INIT_NORMAL, KS_INIT_UNIFORM, KS_INIT_XAVIER, KS_INIT_HE } ks_init_kind;
typedef struct ks_init {
    ks_init_kind kind;
    double a, b;    /* constant: a; normal: mean a, deviation b; uniform: from a to b */
    int64_t fan_in; /* xavier, he: nodes in the layer before; 0: from the shape (all dimensions but the last; the first when rank 1) */
} ks_init;

#define KS_INIT(...)       ((ks_init){__VA_ARGS__})
#define KS_ZEROS           KS_INIT(.kind = KS_INIT_CONSTANT)
#define KS_ONES            KS_INIT(.kind = KS_INIT_CONSTANT, .a = 1)
#define KS_FILL(value)     KS_INIT(.kind = KS_INIT_CONSTANT, .a = (value))
#define KS_NORMAL(std)     KS_INIT(.kind = KS_INIT_NORMAL, .b = (std))
#define KS_UNIFORM(lo, hi) KS_INIT(.kind = KS_INIT_UNIFORM, .a = (lo), .b = (hi))
#define KS_XAVIER          KS_INIT(.kind = KS_INIT_XAVIER) /* deviation sqrt(1/n), the book's form, for sigmoid and tanh */
#define KS_HE              KS_INIT(.kind = KS_INIT_HE)     /* deviation sqrt(2/n), for ReLU */
#define KS_UNSET           KS_INIT(.kind = KS_INIT_NONE)   /* no value until ks_set */

/* A value to be fed with ks_feed. Open dimensions are KS_ANY or ks_dim. `name` must be new. */
#define ks_input(graph, name, dtype, ...) ks_input_at(KS_HERE, graph, name, dtype, __VA_ARGS__)
KS_API ks_node *ks_input_at(ks_place at, ks_graph *graph, const char *name, ks_dtype dtype, ks_shape shape);

/* A fixed tensor; `data` [shape] row-major is copied. The shape has no open dimensions. */
#define ks_constant(graph, dtype, shape, ...) ks_constant_at(KS_HERE, graph, dtype, shape, __VA_ARGS__)
KS_API ks_node *ks_constant_at(ks_place at, ks_graph *graph, ks_dtype dtype, ks_shape shape, const void *data);

/* A bare number: a scalar that takes the dtype of the operand beside it (f32 beside other numbers). */
#define ks_number(graph, value) ks_number_at(KS_HERE, graph, value)
KS_API ks_node *ks_number_at(ks_place at, ks_graph *graph, double value);

/*
 * A value that stays: trainable weights (ks_variable) or state such as a running mean (ks_state). It outlives
 * ks_graph_release. A name that is known gives the variable of that name (dtype and shape must agree). The
 * initialiser is drawn at the first use, keyed by the graph's seed and the name.
 */
#define ks_variable(graph, name, dtype, shape, ...) ks_variable_at(KS_HERE, graph, name, dtype, shape, __VA_ARGS__)
#define ks_state(graph, name, dtype, shape, ...)    ks_state_at(KS_HERE, graph, name, dtype, shape, __VA_ARGS__)
KS_API ks_node *ks_variable_at(ks_place at, ks_graph *graph, const char *name, ks_dtype dtype, ks_shape shape, ks_init init);
KS_API ks_node *ks_state_at(ks_place at, ks_graph *graph, const char *name, ks_dtype dtype, ks_shape shape, ks_init init);

/* A variable of `graph` that reads the present value of `other`, a variable of another graph; no copy is made, and later
 * changes on either side are not seen on the other. */
KS_API ks_node *ks_share(ks_graph *graph, const ks_node *other);

/* The graph's open dimension called `name`; the same name gives the same handle. 0 on failure. */
KS_API int64_t ks_dim(ks_graph *graph, const char *name);

/*
 * Gives an input its data: `data` [shape] of `dtype` is copied, and converted when every value survives exactly (else
 * KS_BAD_DTYPE). What depends on it becomes stale.
 */
KS_API bool ks_feed(ks_node *input, ks_dtype dtype, ks_shape shape, const void *data);

/* The same without a copy: `data` has the input's dtype and must stay until it is fed anew or the graph is freed; then
 * release(user, data) is called when `release` is given. */
KS_API bool ks_feed_borrowed(ks_node *input, ks_shape shape, const void *data, void (*release)(void *user, const void *data), void *user);

/* Sets a variable's value; `data` as in ks_feed, the shape is the variable's. */
KS_API bool ks_set(ks_node *variable, ks_dtype dtype, const void *data);

/* Changes a number's value; what depends on it becomes stale. */
KS_API bool ks_set_number(ks_node *number, double value);

/* ---- names and outputs --------------------------------------------------------------------------------- */

/* Names a node: [A-Za-z0-9_.:/-]+, unique in the graph. Returns the node, NULL on failure. */
KS_API ks_node *ks_named(const char *name, ks_node *node);

/* The node's name; who was given none gets one such as "relu_1". Belongs to the graph. */
KS_API const char *ks_name(const ks_node *node);

/* The node of that name, NULL if there is none (no failure is recorded). */
KS_API ks_node *ks_find(ks_graph *graph, const char *name);

/* Declares the node as an output called `name` (an unnamed node takes the name too); returns the node. */
KS_API ks_node *ks_output(ks_graph *graph, const char *name, ks_node *node);
KS_API int ks_output_count(const ks_graph *graph);
KS_API const char *ks_output_name(const ks_graph *graph, int i);
KS_API ks_node *ks_output_node(const ks_graph *graph, int i);
/* The output called `name`, NULL if there is none. */
KS_API ks_node *ks_output_find(const ks_graph *graph, const char *name);

/* A line of documentation kept with the node and in its JSON. NULL removes it. */
KS_API bool ks_set_doc(ks_node *node, const char *doc);
KS_API const char *ks_doc(const ks_node *node);

/* ---- looking at nodes ---------------------------------------------------------------------------------- */

KS_API ks_graph *ks_node_graph(const ks_node *node);
KS_API const struct ks_op *ks_node_op(const ks_node *node);
KS_API const char *ks_node_op_name(const ks_node *node);
KS_API int ks_node_input_count(const ks_node *node);
KS_API ks_node *ks_node_input(const ks_node *node, int i);
KS_API ks_dtype ks_node_dtype(const ks_node *node);
/* The shape known while composing: open dimensions are negative handles. */
KS_API ks_shape ks_node_shape(const ks_node *node);
/* The symbol's name, "N"; "?" for KS_ANY and what is no symbol. */
KS_API const char *ks_dim_name(const ks_graph *graph, int64_t dim);
/* The operation's attributes, a struct that the operation defines; NULL if it has none. */
KS_API const void *ks_node_attrs(const ks_node *node);
/* Where it was made. */
KS_API ks_place ks_node_place(const ks_node *node);
KS_API bool ks_is_input(const ks_node *node);
KS_API bool ks_is_constant(const ks_node *node);
KS_API bool ks_is_number(const ks_node *node);
KS_API bool ks_is_variable(const ks_node *node);
KS_API bool ks_is_trainable(const ks_node *node);
KS_API bool ks_set_trainable(ks_node *variable, bool trainable);
KS_API double ks_number_value(const ks_node *number);
KS_API ks_init ks_variable_init(const ks_node *variable);
/* Whether the leaf has data now: an input was fed, a variable set, drawn or loaded. */
KS_API bool ks_has_value(const ks_node *leaf);

/* All nodes in an order in which inputs come first. */
KS_API int64_t ks_node_count(const ks_graph *graph);
KS_API ks_node *ks_node_at(const ks_graph *graph, int64_t i);
/* The variables in the order of their making. */
KS_API int64_t ks_variable_count(const ks_graph *graph);
KS_API ks_node *ks_variable_number(const ks_graph *graph, int64_t i);

/* ---- composing in a loop ------------------------------------------------------------------------------- */

/* A place in the graph's history. */
KS_API int64_t ks_graph_mark(const ks_graph *graph);

/*
 * Drops what was composed since `mark`; variables stay. Composing the same again finds the old nodes in place, with
 * their plans, partials and gradients; the first difference cuts the rest off. Handles that were cut off are refused
 * as "released".
 */
KS_API bool ks_graph_release(ks_graph *graph, int64_t mark);

KS_END

#endif
