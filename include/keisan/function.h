/*
 * keisan/function.h - functions, loops and maps: fragments of graph that are composed once and used many times.
 *
 * A function is a graph with parameters (its inputs, in the order of their making) and results (its declared outputs, in
 * their order). It is pure: no variables, no effects; what it needs is given to it. In another graph it is placed as one node
 * (ks_call), repeated over rows or steps (ks_scan, ks_while), or run for all rows (ks_map). Derivatives of every kind go
 * through them: the derivative of a function is a function too, made once and kept with it. Outside graphs it is run
 * directly on numbers (ks_program).
 */
#ifndef KEISAN_FUNCTION_H
#define KEISAN_FUNCTION_H

#include <keisan/op.h>

KS_BEGIN

/* ---- functions ----------------------------------------------------------------------------------------- */

/*
 * Closes `body` off as a function, which owns it from then on: add nothing to it any more. NULL on failure: the body stays the
 * caller's and records why. The caller drops the function with ks_function_free; graphs that use it keep it alive.
 */
KS_API ks_function *ks_function_new(const char *name, ks_graph *body);
KS_API ks_function *ks_function_retain(ks_function *function);
KS_API void ks_function_free(ks_function *function); /* NULL is fine */

KS_API const char *ks_function_name(const ks_function *function);
KS_API int ks_function_input_count(const ks_function *function);
KS_API int ks_function_output_count(const ks_function *function);
/* Its body, to look at. */
KS_API const ks_graph *ks_function_graph(const ks_function *function);

/*
 * The function that computes `outputs` from `inputs`, which are any nodes of one graph: a fragment of it, copied. What else the outputs need
 * (variables, other leaves and nodes that do not hang on `inputs`) become further parameters, after the others; captured gets them (at most
 * `capacity`), *captured_count says how many there are. NULL on failure, recorded in the graph.
 */
KS_API ks_function *ks_function_of(const char *name, ks_node *const *inputs, int input_count, ks_node *const *outputs, int output_count,
                                   ks_node **captured, int capacity, int *captured_count);

/* ---- calls --------------------------------------------------------------------------------------------- */

/*
 * Places the function in a graph as one node; arguments [its inputs] are nodes of the graph, out[its outputs] gets the results. Its
 * derivative reads what the call computed inside, where that costs more than to compute it again.
 */
#define ks_call_function(function, arguments, ...) ks_call_function_at(KS_HERE, function, arguments, __VA_ARGS__)
KS_API bool ks_call_function_at(ks_place at, ks_function *function, ks_node *const *arguments, ks_node **out);

/* The same in place: the body's nodes are composed in the graph, one by one. */
#define ks_inline_function(function, arguments, ...) ks_inline_function_at(KS_HERE, function, arguments, __VA_ARGS__)
KS_API bool ks_inline_function_at(ks_place at, ks_function *function, ks_node *const *arguments, ks_node **out);

/*
 * Memory against time: as ks_call_function, but nothing inside outlives the call, and the derivative computes it anew. Or for
 * nodes that are composed already: out[i] has the value and the derivatives of outputs[i], from `inputs` on.
 */
#define ks_checkpoint_function(function, arguments, ...) ks_checkpoint_function_at(KS_HERE, function, arguments, __VA_ARGS__)
#define ks_checkpoint(inputs, input_count, outputs, output_count, ...) ks_checkpoint_at(KS_HERE, inputs, input_count, outputs, output_count, __VA_ARGS__)
KS_API bool ks_checkpoint_function_at(ks_place at, ks_function *function, ks_node *const *arguments, ks_node **out);
KS_API bool ks_checkpoint_at(ks_place at, ks_node *const *inputs, int input_count, ks_node *const *outputs, int output_count, ks_node **out);

/* ---- loops --------------------------------------------------------------------------------------------- */

typedef struct ks_scan_options {
    size_t size;        /* sizeof(ks_scan_options) */
    int states;         /* the first parameters, and the first results: what one step hands to the next */
    int scanned;        /* the parameters after these: step t gets row t of the argument */
    int64_t length;     /* steps; 0: as many as the scanned arguments have rows */
    bool reverse;       /* from the last row to the first */
    ks_function *until; /* before each step, of states and constants: a bool scalar; the loop ends where it is false. NULL: never */
    bool recompute;     /* the derivative keeps the states only and computes all else anew */
    int64_t segment;    /* > 1: the derivative keeps every segment-th state only and computes the steps between anew; length must be known */
} ks_scan_options;
#define KS_SCAN_OPTIONS_DEFAULT {.size = sizeof(ks_scan_options)}

/*
 * A loop over steps. The body takes states, rows of the scanned arguments, and constants, in this order, and gives the next states and then
 * what is stacked. arguments [the body's inputs]: first states, whole tensors [T, ...] to be scanned, constants. out [the body's outputs]: the
 * last states, and [T, ...] of each stacked result; rows of steps that `until` left out are zero.
 */
#define ks_scan(body, arguments, options, ...) ks_scan_at(KS_HERE, body, arguments, options, __VA_ARGS__)
KS_API bool ks_scan_at(ks_place at, ks_function *body, ks_node *const *arguments, const ks_scan_options *options, ks_node **out);

/*
 * While `condition` (of states and constants: a bool scalar) holds, at most `most` times: states = body(states, constants). The first `states`
 * arguments are the first states, the rest constants; out[states] gets the last states, *count (NULL: not wanted) an i64 scalar, the steps
 * taken. A loop that needs more than `most` steps fails when it runs.
 */
#define ks_while(condition, body, arguments, states, most, out, ...) ks_while_at(KS_HERE, condition, body, arguments, states, most, out, __VA_ARGS__)
KS_API bool ks_while_at(ks_place at, ks_function *condition, ks_function *body, ks_node *const *arguments, int states, int64_t most,
                        ks_node **out, ks_node **count);

/* ---- maps ---------------------------------------------------------------------------------------------- */

/*
 * One row's function for all rows: arguments that are `mapped` have a leading dimension of rows more than the parameter, the others are the
 * same for all; every result has that leading dimension. Operations are run on all rows at once where they can be.
 */
#define ks_map(function, arguments, mapped, ...) ks_map_at(KS_HERE, function, arguments, mapped, __VA_ARGS__)
KS_API bool ks_map_at(ks_place at, ks_function *function, ks_node *const *arguments, const bool *mapped, ks_node **out);

/* ---- derivatives --------------------------------------------------------------------------------------- */

/*
 * The function's derivatives as functions, made once and kept (the caller gets a reference): `vjp` takes the parameters and an upstream for every
 * f32 or f64 result, and gives the derivative for every f32 or f64 parameter; `jvp` takes the parameters and a tangent for each of these, and gives
 * the tangents of these results. NULL on failure, recorded in `graph` (which may be NULL).
 */
KS_API ks_function *ks_function_vjp(ks_function *function, ks_graph *graph);
KS_API ks_function *ks_function_jvp(ks_function *function, ks_graph *graph);

/* ---- running on numbers -------------------------------------------------------------------------------- */

/*
 * A function made ready to run on one thread, with a workspace and a failure of its own; any number of programs of one function may run
 * at the same time. options (NULL: one thread, no host) are those of a graph. After the first run for some shapes a run allocates nothing.
 */
typedef struct ks_program ks_program;
KS_API ks_program *ks_program_new(ks_function *function, const struct ks_graph_options *options);
KS_API void ks_program_free(ks_program *program);
/*
 * inputs [function's inputs]: data of the parameter's dtype, read where it lies; outputs get `data`, which belongs to the program and holds until its
 * next run, shape, count and dtype. False: ks_program_error says why.
 */
KS_API bool ks_program_run(ks_program *program, const ks_tensor *inputs, ks_tensor *outputs);
KS_API const ks_failure *ks_program_error(const ks_program *program);

KS_END

#endif
