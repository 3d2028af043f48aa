/*
 * keisan/run.h - computing values.
 *
 * Reading computes what is missing and changes nothing else. Effects (assign) happen only in ks_run, which is one
 * transaction: every read sees the old values, and nothing is committed if anything fails.
 */
#ifndef KEISAN_RUN_H
#define KEISAN_RUN_H

#include <keisan/graph.h>

KS_BEGIN

/* Computes what is missing of the node's value (of all the nodes' values, in one plan). */
KS_API bool ks_eval(ks_node *node);
KS_API bool ks_eval_all(ks_node *const *nodes, int count);

/* The node's value, row-major, of its dtype: computed if missing. Belongs to the graph; valid until what it depends on
 * changes, or the node is released. NULL on failure. */
KS_API const void *ks_value(ks_node *node);

/* The shape of the node's value, computed if missing: no open dimensions. Rank -1 on failure. */
KS_API ks_shape ks_value_shape(ks_node *node);

/* Number of elements of a shape without open dimensions, -1 when there are any. */
KS_API int64_t ks_shape_count(ks_shape shape);

/* The only element of the node's value as a double; NaN on failure. */
KS_API double ks_scalar(ks_node *node);

/* Copies `count` elements (all there are) of the node's value, converted to `dtype`, into `out`. */
KS_API bool ks_read(ks_node *node, ks_dtype dtype, void *out, int64_t count);

/* Keeps the node's value from the moment it is computed until it is stale, even where nobody fetched it. */
KS_API ks_node *ks_keep(ks_node *node);

/* How operations such as dropout behave in a run. */
typedef enum ks_mode { KS_INFER, KS_TRAIN } ks_mode;

typedef struct ks_run_options {
    size_t size;  /* sizeof(ks_run_options) */
    ks_mode mode; /* default KS_INFER */
} ks_run_options;
#define KS_RUN_OPTIONS_DEFAULT {.size = sizeof(ks_run_options)}

/*
 * Computes the fetches and fires the effects (assign nodes) as one transaction: all reads see the values from before,
 * commits come together at the end, each effect once. Fetched values are as of this run and stay readable after the
 * commit. On failure variables are as they were, to the bit. The step of the random numbers advances if there are effects.
 */
KS_API bool ks_run(ks_graph *graph, ks_node *const *fetches, int fetch_count, ks_node *const *effects, int effect_count,
                   const ks_run_options *options);

/* New random numbers from here on, without a run with effects. */
KS_API void ks_next_step(ks_graph *graph);
/* The step that keys the random numbers, for saving and resuming. */
KS_API uint64_t ks_step_number(const ks_graph *graph);
KS_API void ks_set_step_number(ks_graph *graph, uint64_t step);
KS_API uint64_t ks_seed(const ks_graph *graph);
KS_API void ks_set_seed(ks_graph *graph, uint64_t seed);

/* Bytes that a run of these would allocate beside the leaves' own: intermediate values, results, workspace. Inputs with
 * open dimensions must have been fed. -1 on failure. */
KS_API int64_t ks_plan_bytes(ks_graph *graph, ks_node *const *fetches, int fetch_count, ks_node *const *effects, int effect_count);

/* What the graph has done so far. */
typedef struct ks_statistics {
    uint64_t nodes_composed;      /* builder calls that made a node */
    uint64_t nodes_recognised;    /* builder calls that found it in place */
    uint64_t nodes_evaluated;     /* values computed */
    uint64_t partials_evaluated;  /* of these, local partial derivatives */
    uint64_t plans_compiled;
    uint64_t plans_reused;
    uint64_t runs;
    uint64_t allocations;         /* calls of the allocator */
    uint64_t bytes_live;          /* bytes held now */
    uint64_t bytes_peak;
    uint64_t steps_last;          /* steps of the last plan that ran */
} ks_statistics;
KS_API ks_statistics ks_graph_statistics(const ks_graph *graph);

KS_END

#endif
