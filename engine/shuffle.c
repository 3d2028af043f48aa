/*
 * engine/shuffle.c - for the hostile build: puts the steps of a plan in another order that is right too.
 *
 * Of the steps whose inputs are made, chance picks the next. A step that relied on standing behind another, without reading from it,
 * is found out by wrong values.
 */
#include "engine/engine.h"

#ifdef KS_TORTURE

#include <string.h>

#define MOST_STEPS 512u /* the pick looks at all steps each time */

typedef struct shuffle {
    ks__plan *plan;
    uint32_t count;
    uint32_t *after; /* [count] new position of each old step, KS__NONE: not placed yet */
    ks__step *steps; /* [count] in the new order */
    uint32_t *first, *last;
} shuffle;

/* Whether all that the members of the step read is made by steps that have been placed. */
static bool is_ready(const shuffle *s, uint32_t step)
{
    for (uint32_t i = 0; i < s->plan->count; i++) {
        const ks__local *local = &s->plan->locals[i];
        for (uint32_t k = 0; local->step == step && local->memory == i && k < local->n; k++) {
            const ks__local *root = &s->plan->locals[s->plan->locals[local->inputs[k]].memory];
            if (ks__reads(local, k) && root->step != KS__NONE && root->step != step && s->after[root->step] == KS__NONE)
                return false;
        }
    }
    return true;
}

static uint32_t pick(const shuffle *s, uint64_t *state)
{
    uint32_t found = KS__NONE, ready = 0;
    for (uint32_t step = 0; step < s->count; step++) {
        if (s->after[step] != KS__NONE || !is_ready(s, step))
            continue;
        *state = *state * 6364136223846793005u + 1442695040888963407u;
        if ((*state >> 33) % ++ready == 0)
            found = step;
    }
    return found;
}

static void reorder(shuffle *s, uint32_t *first, uint32_t *last)
{
    uint64_t state = (uint64_t)s->plan->count << 32 | s->count; /* the same in every run of a test */
    memset(s->after, 0xff, s->count * sizeof *s->after);
    for (uint32_t at = 0; at < s->count; at++) {
        uint32_t step = pick(s, &state);
        s->after[step] = at;
        s->steps[at] = s->plan->steps[step];
        s->first[at] = first[step];
        s->last[at] = last[step];
    }
    memcpy(s->plan->steps, s->steps, s->count * sizeof *s->steps);
    memcpy(first, s->first, s->count * sizeof *first);
    memcpy(last, s->last, s->count * sizeof *last);
    for (uint32_t i = 0; i < s->plan->count; i++) {
        if (s->plan->locals[i].step != KS__NONE)
            s->plan->locals[i].step = s->after[s->plan->locals[i].step];
    }
}

bool ks__shuffle_steps(ks_graph *g, ks__plan *plan, uint32_t *first, uint32_t *last)
{
    size_t n = plan->step_count, bytes = n * (sizeof(ks__step) + 3 * sizeof(uint32_t));
    if (n < 2 || n > MOST_STEPS || plan->count > 4 * MOST_STEPS)
        return true;
    char *memory = ks__get(g, bytes);
    if (!memory)
        return false;
    uint32_t *words = (uint32_t *)(void *)(memory + n * sizeof(ks__step));
    shuffle s = {
        .plan = plan, .count = (uint32_t)n, .steps = (ks__step *)(void *)memory, .after = words, .first = words + n, .last = words + 2 * n};
    reorder(&s, first, last);
    ks__put(g, memory, bytes);
    return true;
}

#else

bool ks__shuffle_steps(ks_graph *g, ks__plan *plan, uint32_t *first, uint32_t *last)
{
    (void)g;
    (void)plan;
    (void)first;
    (void)last;
    return true;
}

#endif
