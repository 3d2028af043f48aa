/*
 * engine/inner.h - what functions need of the engine: a plan for fixed shapes, run again and again in memory that is given.
 */
#ifndef KS_ENGINE_INNER_H
#define KS_ENGINE_INNER_H

#include "engine/engine.h"

/* The plan that computes the targets anew in every run. All inputs have been fed, so shapes are known. It is freed with the graph. */
ks__plan *ks__inner_plan(ks_graph *g, ks_node *const *targets, uint32_t count, ks_mode mode);
/* Bytes of workspace that a run needs, aligned to 64. */
uint64_t ks__inner_workspace(const ks__plan *plan);
/* Which of the plan's own blocks the target's value is; false for a leaf, whose value is what was fed. */
bool ks__inner_owns(const ks__plan *plan, const ks_node *target, uint32_t *own);
/* Runs it; own block i is written to blocks[i], whose memory the caller keeps. */
bool ks__inner_run(ks_graph *g, ks__plan *plan, char *arena, ks__block *const *blocks);

#endif
