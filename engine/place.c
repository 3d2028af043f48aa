/*
 * engine/place.c - where values lie in memory.
 *
 * What is fetched or assigned gets a block of its own, which a run writes and hands over at its end. Everything else
 * lives in the graph's arena, where values that do not live at the same time share bytes: offsets are given out first fit
 * over the list of steps, and taken back after the last step that reads them.
 */
#include "engine/engine.h"

#include <string.h>

#define ROUND(bytes) (((uint64_t)(bytes) + 127u) & ~(uint64_t)63u)

typedef struct range {
    uint64_t from, to;
} range;

typedef struct arena {
    range *free;
    uint32_t count, capacity;
    uint64_t end;
    bool share;
} arena;

static bool take(ks_graph *g, arena *a, uint64_t bytes, uint64_t *offset)
{
    (void)g;
    for (uint32_t i = 0; a->share && i < a->count; i++) {
        if (a->free[i].to - a->free[i].from < bytes)
            continue;
        *offset = a->free[i].from;
        a->free[i].from += bytes;
        if (a->free[i].from == a->free[i].to)
            memmove(&a->free[i], &a->free[i + 1], (--a->count - i) * sizeof *a->free);
        return true;
    }
    if (a->share && a->count && a->free[a->count - 1].to == a->end) { /* grow the last free range */
        *offset = a->free[--a->count].from;
        a->end = *offset + bytes;
        return true;
    }
    *offset = a->end;
    a->end += bytes;
    return true;
}

static bool give(ks_graph *g, arena *a, uint64_t offset, uint64_t bytes)
{
    if (!a->share)
        return true;
    uint32_t i = 0;
    while (i < a->count && a->free[i].from < offset)
        i++;
    bool before = i && a->free[i - 1].to == offset, after = i < a->count && a->free[i].from == offset + bytes;
    if (before && after) {
        a->free[i - 1].to = a->free[i].to;
        memmove(&a->free[i], &a->free[i + 1], (--a->count - i) * sizeof *a->free);
    } else if (before) {
        a->free[i - 1].to += bytes;
    } else if (after) {
        a->free[i].from = offset;
    } else {
        if (!ks__grow(g, &a->free, &a->capacity, a->count, sizeof *a->free))
            return false;
        memmove(&a->free[i + 1], &a->free[i], (a->count++ - i) * sizeof *a->free);
        a->free[i] = (range){offset, offset + bytes};
    }
    return true;
}

/* ---- blocks of their own ------------------------------------------------------------------------------- */

static uint64_t bytes_of(const ks__local *local)
{
    return (uint64_t)local->dims->count * ks_dtype_size((ks_dtype)local->dtype);
}

/* The block for what local i asks for: the bytes themselves when nobody has them yet, else a copy at the end. */
static bool own(ks_graph *g, ks__plan *plan, uint32_t i, bool fetch)
{
    uint32_t root = plan->locals[plan->locals[i].same].memory, from = plan->locals[i].same;
    ks__own *own = &plan->owns[plan->own_count];
    bool mine = plan->locals[root].role == KS__ROLE_MADE && plan->locals[root].own == KS__NONE && plan->locals[root].needed;
    if (!mine) {
        if (!ks__step_new(g, plan, KS__STEP_COPY, i))
            return false;
        plan->steps[plan->step_count - 1].u.copy.from = from;
        plan->steps[plan->step_count - 1].local = plan->own_count; /* a copy goes to an own block */
        root = KS__NONE;
    } else {
        plan->locals[root].own = plan->own_count;
        plan->locals[root].home = KS__HOME_OWN;
    }
    *own = (ks__own){
        .local = root, .fetch = fetch ? i : KS__NONE, .assign = fetch ? KS__NONE : i, .bytes = (size_t)bytes_of(&plan->locals[i])};
    plan->own_count++;
    return true;
}

static bool give_own(ks_graph *g, ks__plan *plan)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < plan->count; i++)
        count += plan->locals[i].target + plan->locals[i].effect;
    plan->owns = ks__plan_get(g, plan, (count + 1) * sizeof *plan->owns);
    if (!plan->owns)
        return false;
    for (uint32_t i = 0; i < plan->count; i++) {
        if (plan->locals[i].effect && !own(g, plan, i, false))
            return false;
    }
    for (uint32_t i = 0; i < plan->count; i++) {
        if (plan->locals[i].target && plan->locals[i].role != KS__ROLE_GIVEN && !own(g, plan, i, true))
            return false;
    }
    return true;
}

/* ---- the arena ----------------------------------------------------------------------------------------- */

static bool lies_in_arena(const ks__plan *plan, uint32_t i)
{
    const ks__local *local = &plan->locals[i];
    return local->role == KS__ROLE_MADE && local->needed && local->same == i && local->memory == i && local->own == KS__NONE &&
           !local->inside;
}

static bool place_step(ks_graph *g, arena *a, ks__step *step, bool end)
{
    uint64_t bytes = step->kind == KS__STEP_SCALARS ? ROUND((uint64_t)step->u.scalars.slots * 8) : ROUND(step->scratch_bytes);
    uint64_t *offset = step->kind == KS__STEP_SCALARS ? &step->u.scalars.file : &step->scratch;
    if (step->kind != KS__STEP_SCALARS && !step->scratch_bytes)
        return true;
    return end ? give(g, a, *offset, bytes) : take(g, a, bytes, offset);
}

static bool place_arena(ks_graph *g, ks__plan *plan)
{
    size_t steps = plan->step_count + 1, room = (2 * steps + 2 * ((size_t)plan->count + 1)) * sizeof(uint32_t);
    uint32_t *memory = ks__get(g, room);
    if (!memory)
        return false;
    memset(memory, 0xff, room);
    uint32_t *starts = memory, *ends = starts + steps, *next_start = ends + steps, *next_end = next_start + plan->count + 1;
    for (uint32_t i = 0; i < plan->count; i++) {
        if (!lies_in_arena(plan, i))
            continue;
        ks__local *local = &plan->locals[i];
        local->home = KS__HOME_ARENA;
        next_start[i] = starts[local->step];
        starts[local->step] = i;
        if (local->last != KS__NONE) {
            next_end[i] = ends[local->last];
            ends[local->last] = i;
        }
    }
    arena a = {.share = !(g->options.without & KS_PLACE)};
    bool good = true;
    for (uint32_t s = 0; good && s < plan->step_count; s++) {
        for (uint32_t i = starts[s]; good && i != KS__NONE; i = next_start[i])
            good = take(g, &a, ROUND(bytes_of(&plan->locals[i])), &plan->locals[i].offset);
        good = good && place_step(g, &a, &plan->steps[s], false) && place_step(g, &a, &plan->steps[s], true);
        for (uint32_t i = ends[s]; good && i != KS__NONE; i = next_end[i])
            good = give(g, &a, plan->locals[i].offset, ROUND(bytes_of(&plan->locals[i])));
    }
    plan->arena_bytes = a.end + 128;
    ks__put(g, a.free, a.capacity * sizeof *a.free);
    ks__put(g, memory, room);
    return good;
}

static bool list_moving(ks_graph *g, ks__plan *plan)
{
    uint32_t count = 0;
    plan->moving = ks__plan_raw(g, plan, (plan->count + 1) * sizeof *plan->moving);
    if (!plan->moving)
        return false;
    for (uint32_t i = 0; i < plan->count; i++) {
        const ks__local *root = &plan->locals[plan->locals[i].memory];
        if (root->home == KS__HOME_GIVEN || root->home == KS__HOME_OWN)
            plan->moving[count++] = i;
    }
    plan->moving_count = count;
    return true;
}

bool ks__place(ks_graph *g, ks__plan *plan)
{
    return give_own(g, plan) && place_arena(g, plan) && list_moving(g, plan);
}
