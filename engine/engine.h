/*
 * engine/engine.h - from "these nodes are wanted" to values: what the files of this folder share.
 *
 * A request names targets and effects. collect.c walks to what is missing; plan.c gives every node concrete dims, computes
 * equal work once and drops what changes nothing; fuse.c makes steps; place.c gives values memory; run.c runs the steps and
 * commits. A plan speaks of positions in its own list of nodes ("locals") only, and is bound to nodes by a table, so
 * that a graph of a structure met before finds its plan again.
 *
 * Invariants of a plan (tests/support/check.c): an input's position is smaller than its user's; a value is read only by steps
 * after the one that writes it; two values that live at the same time do not share bytes.
 */
#ifndef KS_ENGINE_ENGINE_H
#define KS_ENGINE_ENGINE_H

#include "graph/graph.h"
#include "graph/list.h"
#include "engine/kernels/pool.h"

/* How a local comes by its value. */
typedef enum ks__role {
    KS__ROLE_GIVEN,  /* has a value before the run: a leaf, or known already */
    KS__ROLE_NUMBER, /* a bare number */
    KS__ROLE_MADE,   /* computed by the plan */
    KS__ROLE_SHAPE   /* only its shape is wanted */
} ks__role;

/* Where a local's bytes are in a run. */
typedef enum ks__home {
    KS__HOME_NONE,  /* nowhere: tile only, or not needed */
    KS__HOME_GIVEN, /* the node's own block */
    KS__HOME_ARENA, /* the graph's arena, at `offset` */
    KS__HOME_OWN    /* a block that outlives the run: fetched or assigned */
} ks__home;

typedef struct ks__local {
    ks_node *node;          /* bound */
    const ks__dims *dims;   /* concrete */
    const uint32_t *inputs; /* [n] locals after sharing */
    const ks_tile *tile;    /* the elementwise kernel, NULL: none */
    uint64_t offset;
    uint32_t n;
    uint32_t reads;  /* a bit an input: its value is read, not only its shape; the last bit stands for all that follow */
    uint32_t same;   /* the local that stands for this one (itself, if none) */
    uint32_t memory; /* the local whose bytes these are (itself, if none) */
    uint32_t step;   /* that makes it */
    uint32_t last;   /* the last step that reads it */
    uint32_t own;    /* index of its own block */
    uint8_t role, home;
    uint8_t dtype;
    bool target, effect, needed;
    bool inside;     /* read in its own step only */
    bool total;      /* the sum that a step of tiles adds up */
    bool folds;      /* its inputs are folded, one after the other, with a kernel of two */
    bool typed;      /* its shape rule sets the dtype of the result */
    uint8_t read_as; /* of a number: bits of the dtypes in which it is read */
} ks__local;

typedef enum ks__step_kind { KS__STEP_KERNEL, KS__STEP_TILES, KS__STEP_SCALARS, KS__STEP_COPY } ks__step_kind;

/* What a slot of a fused step is in a tile. */
typedef enum ks__slot_kind {
    KS__SLOT_TILE,   /* scratch of the tile */
    KS__SLOT_DIRECT, /* memory of the whole iteration, at the tile's place */
    KS__SLOT_STREAM, /* a result too large for any cache: made in scratch, then written past the caches */
    KS__SLOT_FILLED, /* broadcast, the same for every tile: filled once a task */
    KS__SLOT_SPREAD  /* broadcast, filled anew for each tile */
} ks__slot_kind;

typedef struct ks__slot {
    uint8_t kind;
    uint8_t size; /* bytes of an element */
    uint8_t dtype;
    uint8_t rank; /* of the spread */
    bool seen;    /* as its reader sees it: no other reader shares it */
    uint32_t local;
    uint32_t scratch;                              /* index of the scratch tile */
    int64_t dim[KS_MAX_RANK], stride[KS_MAX_RANK]; /* of the spread, collapsed */
} ks__slot;

typedef struct ks__tile_op {
    ks_tile_fn fn;
    const void *attrs; /* bound */
    uint32_t local;
    uint16_t out, n;
    uint16_t in[4];
} ks__tile_op;

/* One instruction of a scalar program: places are offsets in its file. */
typedef struct ks__scalar_op {
    ks_scalar_fn fn;
    uint32_t out, a, b;
    uint32_t rare; /* index + 1 of a ks__scalar_rare, 0: none */
} ks__scalar_op;

typedef struct ks__scalar_rare {
    const void *attrs; /* bound */
    uint32_t local;
    uint32_t c; /* third input */
} ks__scalar_rare;

/* A value copied between memory and a scalar program's file. */
typedef struct ks__scalar_copy {
    uint32_t local, at;
    uint8_t size, dtype;
} ks__scalar_copy;

typedef struct ks__step {
    uint8_t kind;
    bool threads;
    uint32_t local; /* kernel, copy: what it makes; else the first member */
    uint32_t count; /* tile or scalar ops */
    uint64_t scratch, scratch_bytes;
    const ks__dims *dims;
    union {
        struct {
            ks_tensor *tensors; /* [n + results]: inputs, then the results */
            uint32_t *wanted;   /* [wanted_count] locals of the further results that are wanted */
            uint32_t wanted_count;
            void *prepared; /* the operation's own, freed with the plan */
            void (*release)(void *prepared);
        } kernel;
        struct {
            ks__tile_op *ops;
            ks__slot *slots;
            uint32_t slot_count, scratch_tiles;
            int64_t tile, tasks, per_task; /* elements of a tile; tiles of a task */
            size_t tile_bytes;
            bool streams;   /* some results are written past the caches */
            uint32_t total; /* local that gets the sum, UINT32_MAX: none */
            uint16_t total_slot;
        } tiles;
        struct {
            ks__scalar_op *ops;
            ks__scalar_rare *rare;
            ks__scalar_copy *in, *out;
            uint32_t in_count, out_count, rare_count, slots;
            uint64_t file; /* its place in the arena */
        } scalars;
        struct {
            uint32_t from;
        } copy;
    } u;
} ks__step;

/* A block that a run writes and hands over when all has gone well. */
typedef struct ks__own {
    uint32_t local;  /* whose bytes are written */
    uint32_t fetch;  /* local of the node that is fetched, UINT32_MAX: none */
    uint32_t assign; /* local of the assign node, UINT32_MAX: none */
    size_t bytes;
    ks__block *block;
} ks__own;

typedef struct ks__plan {
    struct ks__plan *next;
    ks__slab *memory; /* all of the plan's arrays, freed together */
    uint64_t hash;
    uint64_t *signature;
    uint32_t signature_words;
    bool bound;
    uint32_t highest; /* stack id above which a cut unbinds */
    ks_mode mode;
    bool fresh; /* of a transaction */
    ks_node **targets, **effects;
    uint32_t target_count, effect_count;
    uint32_t asked; /* effects that the request named; those that follow belong to nodes */
    ks__local *locals;
    uint32_t count;
    ks__step *steps;
    uint32_t step_count, step_capacity;
    ks__own *owns;
    uint32_t own_count;
    uint32_t *leaves; /* given locals */
    uint64_t *reach;  /* [leaf_count] bits of the targets each leaf reaches */
    uint32_t leaf_count;
    bool true_leaves; /* all given locals are leaves */
    uint32_t *numbers;
    uint64_t *cells;     /* [number_count * KS_DTYPES]: each number in the dtypes in which it is read */
    uint8_t *cell_types; /* [number_count] bits of these */
    uint32_t number_count;
    uint64_t *number_reach;
    struct {
        uint32_t local;
        double value;
    } * guards; /* numbers whose value was taken for granted */
    uint32_t guard_count;
    uint64_t arena_bytes;
    uint32_t made, partials;           /* nodes computed in a run */
    uint64_t random_reach, mode_reach; /* targets that hang on randomness, on the mode */
    void **at;                         /* [count] where each local's bytes are in this run */
    uint32_t *moving;                  /* locals whose place changes from run to run: leaves, own blocks, views of these */
    uint32_t moving_count;
    const char *arena; /* for which `at` was filled */
    uint64_t used;
    uint64_t epoch; /* of the graph after its last run */
} ks__plan;

struct ks__engine {
    ks__pool *pool;
    bool pool_tried;
    ks__plan *plans; /* the latest first */
    uint32_t plan_count;
    char *arena;
    uint64_t arena_bytes;
    uint64_t clock;
};

#define KS__NONE       UINT32_MAX
#define KS__MOST_PLANS 32
/* At most so many targets are told apart when a plan runs again. */
#define KS__REACH_BITS 64

/* What is asked for. */
typedef struct ks__request {
    ks_node *const *targets;
    uint32_t target_count;
    ks_node *const *effects;
    uint32_t effect_count;
    ks_mode mode;
    bool fresh;  /* a transaction: known values that are not leaves are computed anew */
    size_t room; /* bytes of the effects, where they were listed anew */
} ks__request;

/* A walk's result: the nodes of a plan in their order, and what each is. */
typedef struct ks__walk {
    ks__list list;
    uint8_t *roles; /* [list.capacity] */
} ks__walk;

/* Whether input k's value is read, not only its shape. */
static inline bool ks__reads(const ks__local *local, uint32_t k)
{
    return local->reads >> (k < 31 ? k : 31) & 1;
}

struct ks__engine *ks__engine_of(ks_graph *g);
/* Memory that lives as long as the plan: zeroed, and as it comes, for what is filled at once. */
void *ks__plan_get(ks_graph *g, ks__plan *plan, size_t bytes);
void *ks__plan_raw(ks_graph *g, ks__plan *plan, size_t bytes);
void ks__plan_free(ks_graph *g, ks__plan *plan);

/* belong.c: the request with the effects that belong to the nodes of a training run, freed by the second. */
bool ks__with_own_effects(ks_graph *g, const ks__request *request, ks__request *whole);
void ks__own_effects_free(ks_graph *g, ks__request *whole);
/* collect.c */
bool ks__collect(ks_graph *g, const ks__request *request, ks__walk *walk);
void ks__walk_free(ks_graph *g, ks__walk *walk);
/* plan.c: the plan for a request whose nodes were collected; from the cache when its structure was met before. */
ks__plan *ks__plan_make(ks_graph *g, const ks__request *request, const ks__walk *walk);
void ks__plan_bind(ks__plan *plan, const ks__request *request, const ks__walk *walk);
/* sign.c: fills the plan's signature and hash. share.c: finds what stands for what, and what is needed. */
bool ks__sign(ks_graph *g, ks__plan *plan);
bool ks__share(ks_graph *g, ks__plan *plan);
/* fuse.c, place.c: the later passes. */
bool ks__fuse(ks_graph *g, ks__plan *plan);
bool ks__place(ks_graph *g, ks__plan *plan);
/* shuffle.c: in a hostile build, another order of the steps; first and last [steps] are each step's members. */
bool ks__shuffle_steps(ks_graph *g, ks__plan *plan, uint32_t *first, uint32_t *last);
ks__step *ks__step_new(ks_graph *g, ks__plan *plan, ks__step_kind kind, uint32_t local);
/* tiles.c */
bool ks__tiles_run(ks_graph *g, ks__plan *plan, ks__step *step);
void ks__scalars_run(ks_graph *g, ks__plan *plan, ks__step *step);
/* run.c */
bool ks__plan_run(ks_graph *g, ks__plan *plan);
/* The stream that keys a random node's numbers. */
uint64_t ks__stream_of(const ks_node *node);
/* Who shares out this graph's loops. */
ks_parallel_for_fn ks__parallel_of(ks_graph *g, void **user);
/* A parallel_for that works alone. */
void ks__serially(void *user, int64_t n, ks_task_fn task, void *payload);
void ks__parallel_for(ks_graph *g, int64_t n, ks_task_fn task, void *payload);
/* initial.c: gives a variable its first value. */
bool ks__draw(ks_node *variable);

#endif
