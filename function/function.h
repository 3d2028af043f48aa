/*
 * function/function.h - what the files of this folder share.
 *
 * A function is used in four ways, each with a file: its nodes are composed again elsewhere (clone.c), it runs on numbers (program.c), it
 * is differentiated (derive.c), and it is the body of an operation (call.c, scan.c) whose builders are in loop.c and map.c.
 *
 * An operation that runs a body has the body's outputs as its results, and after these every node of the body, by its position: what a
 * derivative wants to read of the inside is simply another result, which costs nothing unless someone reads it.
 */
#ifndef KS_FUNCTION_FUNCTION_H
#define KS_FUNCTION_FUNCTION_H

#include "engine/inner.h"
#include "graph/function.h"
#include "graph/list.h"
#include "autodiff/gradient.h"
#include <keisan/function.h>
#include "ops/family.h"

/* ---- composing again (clone.c) ------------------------------------------------------------------------- */

/*
 * Composes the body's nodes in another graph: made[body's count] has the nodes that stand for the inputs, and for what else is not to be
 * composed; the others are filled in. exact: names and random streams come along, as in a copy that runs by itself.
 */
bool ks__clone(ks_graph *into, const ks_function *f, ks_node **made, bool exact);
/* One node of any graph on other inputs. */
ks_node *ks__clone_with(ks_graph *into, const ks_node *node, ks_node *const *inputs, const int64_t *symbols, bool exact);
/* The same for one node of any graph, whose inputs are made (by position); symbols: what its graph's open dimensions are in the other one.
 */
ks_node *ks__clone_node(ks_graph *into, const ks_node *node, ks_node *const *made, const int64_t *symbols, bool exact);
/* What the body's open dimensions are in the other graph, as the nodes made for its inputs say; [symbol_count + 1], freed by ks__put. */
int64_t *ks__clone_symbols(ks_graph *into, const ks_function *f, ks_node *const *made);
/*
 * The function between some nodes of a graph and others: see ks_function_of, with the captured in an array that the caller frees (ks__put,
 * capacity). captured NULL: nothing may be captured. A failure is recorded in the nodes' graph.
 */
ks_function *ks__extract(const char *name, ks_node *const *inputs, uint32_t input_count, ks_node *const *outputs, uint32_t output_count,
                         ks__list *captured);
/* The graph of all these nodes; NULL, and a failure is recorded unless one was NULL. */
ks_graph *ks__fragment_graph(const char *name, ks_node *const *inputs, int input_count, ks_node *const *outputs, int output_count);
/* A shape of one graph's in another; symbols [from->symbol_count]: what each open dimension is there, 0 until it is met. */
ks_shape ks__shape_in(ks_graph *into, const ks_graph *from, ks_shape shape, int64_t *symbols);
bool ks__shape_equal(const ks_shape *a, const ks_shape *b);
/* A zeroed array of as many nodes as the body has; freed by ks__nodes_put. */
ks_node **ks__nodes_get(ks_graph *g, const ks_function *f);
void ks__nodes_put(ks_graph *g, const ks_function *f, ks_node **nodes);

/* ---- running (program.c) ------------------------------------------------------------------------------- */

typedef struct ks__inner ks__inner;

/*
 * A private copy of the function for arguments of fixed shapes, which computes the nodes of the body that `wanted` names. host: whose
 * allocator, instruction set and way of running it takes. NULL, and a filled failure.
 */
ks__inner *ks__inner_new(ks_graph *host, const ks_function *f, const ks_tensor *arguments, const uint32_t *wanted, uint32_t count,
                         bool train, ks_failure *failure);
void ks__inner_free(ks__inner *inner);
/* Bytes of workspace that it needs, aligned to 64. */
size_t ks__inner_bytes(const ks__inner *inner);
/* Uses the workspace, and the caller's threads unless it is to work alone, from here on. stream: what random numbers hang on beside the
 * step. */
void ks__inner_open(ks__inner *inner, const ks_call *call, uint64_t stream, char *workspace, bool alone);
/* For each step: where argument i lies (it may be copied), and where result k is wanted (it may be made there). */
void ks__inner_give(ks__inner *inner, uint32_t i, const void *data);
void ks__inner_aim(ks__inner *inner, uint32_t k, void *data);
/* A step; the index, of a loop's step or a map's row, keys random numbers. */
bool ks__inner_step(ks__inner *inner, uint64_t index, ks_failure *failure);
/* Result k of the last step: brought to `data`, or where it lies. */
void ks__inner_take(const ks__inner *inner, uint32_t k, void *data);
const void *ks__inner_result(const ks__inner *inner, uint32_t k);
const ks__dims *ks__inner_dims(const ks__inner *inner, uint32_t k);
size_t ks__inner_result_bytes(const ks__inner *inner, uint32_t k);

/* ---- deriving (derive.c) ------------------------------------------------------------------------------- */

/* What a derivative in reverse is asked for. */
typedef struct ks__vjp_spec {
    const uint32_t *from; /* [from_count] nodes of the body at which an upstream arrives */
    uint32_t from_count;
    const bool *wanted; /* [inputs] whose derivative is wanted */
    bool recompute;     /* keep nothing: compute from the inputs alone */
} ks__vjp_spec;

/*
 * The function that takes [kept nodes of the body, in `found`], the inputs, and an upstream for each `from`, and gives the derivative of
 * each wanted input. Belongs to f. NULL: a failure is recorded in g.
 */
const ks__derived *ks__function_vjp(ks_graph *g, ks_function *f, const ks__vjp_spec *spec);
/* Takes the inputs, and a tangent for each input of the mask `given`; gives the tangents of the nodes `of`. */
const ks__derived *ks__function_jvp(ks_graph *g, ks_function *f, const bool *given, const uint32_t *of, uint32_t count);

/* ---- attributes of what runs a body -------------------------------------------------------------------- */

typedef struct ks__call_attrs {
    ks_function *function;
    int64_t recompute;
    int64_t stream; /* 0: its own; else another's, whose random numbers it draws again */
} ks__call_attrs;

/* Whether the arguments from `first` on are as many as f takes, and of their dtypes. */
bool ks__check_arguments(ks_infer *infer, const ks_function *f, uint32_t first);
/* The graph that all arguments are nodes of; NULL, and a failure is recorded unless an argument was NULL. */
ks_graph *ks__arguments_graph(ks_place at, const ks_function *f, ks_node *const *arguments);
/* The stream that a node's copies in derivatives draw from; `given` if it draws another's itself. */
int64_t ks__body_stream(const ks_node *y, int64_t given);

#endif
