/*
 * engine/inner.c - a graph that runs inside another's kernel: its workspace is given, and its results are written where the caller says.
 */
#include "engine/inner.h"

#include <string.h>

ks__plan *ks__inner_plan(ks_graph *g, ks_node *const *targets, uint32_t count, ks_mode mode)
{
    ks__walk walk = {0};
    ks__request request = {.targets = targets, .target_count = count, .mode = mode, .fresh = true};
    g->mode = mode;
    ks__plan *plan = ks__engine_of(g) && ks__collect(g, &request, &walk) ? ks__plan_make(g, &request, &walk) : NULL;
    ks__walk_free(g, &walk);
    if (plan) {
        plan->next = g->engine->plans;
        g->engine->plans = plan;
        g->engine->plan_count++;
    }
    return plan;
}

uint64_t ks__inner_workspace(const ks__plan *plan)
{
    return plan->arena_bytes;
}

bool ks__inner_owns(const ks__plan *plan, const ks_node *target, uint32_t *own)
{
    for (*own = 0; *own < plan->own_count; ++*own) {
        if (plan->owns[*own].fetch != KS__NONE && plan->locals[plan->owns[*own].fetch].node == target)
            return true;
    }
    return false;
}

bool ks__inner_run(ks_graph *g, ks__plan *plan, char *arena, ks__block *const *blocks)
{
    struct ks__engine *e = g->engine;
    e->arena = arena;
    e->arena_bytes = plan->arena_bytes;
    for (uint32_t i = 0; i < plan->own_count; i++) {
        atomic_fetch_add(&blocks[i]->references, 1);
        plan->owns[i].block = blocks[i];
    }
    bool good = ks__plan_run(g, plan);
    for (uint32_t i = 0; !good && i < plan->own_count; i++) {
        ks__block_put(plan->owns[i].block);
        plan->owns[i].block = NULL;
    }
    e->arena = NULL;
    e->arena_bytes = 0;
    return good;
}
