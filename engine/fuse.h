/*
 * engine/fuse.h - what the files that make steps share.
 *
 * fuse.c says which node belongs to which step; then each step is coded, from its members in their order, by the file of its kind.
 */
#ifndef KS_ENGINE_FUSE_H
#define KS_ENGINE_FUSE_H

#include "engine/engine.h"

#define KS__MOST_FOLDED 8u /* inputs of one operation that folds */

/* The members of each step, and workspace for coding one step after the other. */
typedef struct ks__members {
    uint32_t *next;         /* [plan->count] the following member of the same step, KS__NONE at the end */
    uint32_t *first, *last; /* [steps] */
    uint32_t *slot_of;      /* [plan->count] of a step that walks tiles */
    uint32_t *place;        /* [plan->count] of a scalar program; KS__NONE between steps */
    uint32_t *last_use;     /* [plan->count] */
} ks__members;

/* How many kernels of a step the local takes. */
static inline uint32_t ks__weight(const ks__local *local)
{
    return local->folds ? local->n - 1 : 1;
}

static inline ks_scalar_fn ks__scalar_fn_of(const ks_graph *g, const ks_tile *tile)
{
    for (int isa = g->isa; isa > 0; isa--) {
        if (tile->scalar[isa])
            return tile->scalar[isa];
    }
    return tile->scalar[0];
}

/* Each codes step s. */
bool ks__fuse_tiles(ks_graph *g, ks__plan *plan, const ks__members *m, uint32_t s);
bool ks__fuse_scalars(ks_graph *g, ks__plan *plan, const ks__members *m, uint32_t s);
bool ks__fuse_kernel(ks_graph *g, ks__plan *plan, const ks__members *m, uint32_t s);

#endif
