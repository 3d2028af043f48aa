/*
 * engine/fuse.c - from nodes to steps.
 *
 * Steps stand in the order in which they run. An elementwise node joins a step of its own iteration (the same dims) if
 * everything it reads is made in that step or before it; otherwise it opens a new one. Such a step walks tiles that stay in
 * L1, reads each input once and writes only what someone else needs. Steps over single elements become scalar programs.
 */
#include "engine/fuse.h"

#include <string.h>

/* Members of a step that walks tiles: more would not stay in L1 together. */
#define MOST_MEMBERS 48u

ks__step *ks__step_new(ks_graph *g, ks__plan *plan, ks__step_kind kind, uint32_t local)
{
    if (!ks__grow(g, &plan->steps, &plan->step_capacity, plan->step_count, sizeof *plan->steps))
        return NULL;
    ks__step *step = &plan->steps[plan->step_count++];
    memset(step, 0, sizeof *step);
    step->kind = (uint8_t)kind;
    step->local = local;
    step->dims = plan->locals[local].dims;
    return step;
}

/* ---- which step ---------------------------------------------------------------------------------------- */

typedef struct open_step {
    const ks__dims *dims;
    uint32_t step, members;
    bool scalar; /* of a scalar program: any number of members */
} open_step;

/* The latest open step of each iteration, a few of them. */
typedef struct fusing {
    open_step open[16];
    uint32_t count, next;
    ks__members members;
} fusing;

static bool is_copy(const ks__plan *plan, const ks__local *local)
{
    const ks_op *op = local->node->op;
    return (op->flags & KS_OP_VIEW) && local->n && plan->locals[local->inputs[0]].role != KS__ROLE_NUMBER &&
           plan->locals[local->inputs[0]].dtype == local->dtype;
}

static const ks_tile *find_tile(const ks__local *local)
{
    const ks_op *op = local->node->op;
    uint32_t least = local->folds ? 2 : 1, most = local->folds ? KS__MOST_FOLDED : 4;
    if (!op->tiles || local->n < least || local->n > most)
        return NULL;
    uint32_t last = local->n - 1;
    while (last && !ks__reads(local, last))
        last--;
    ks_dtype in = ks__input_dtype(local->node, last);
    const ks_tile *tile = local->typed ? &op->tiles[(int)in * KS_DTYPES + local->dtype] : &op->tiles[in];
    return tile->fn[0] ? tile : NULL;
}

/* The first step that may read what this local reads: its inputs' own, but a fused sum is there only when its step is over. */
static uint32_t earliest_step(const ks__plan *plan, const ks__local *local)
{
    uint32_t earliest = 0;
    for (uint32_t k = 0; k < local->n; k++) {
        const ks__local *root = &plan->locals[plan->locals[local->inputs[k]].memory];
        if (!ks__reads(local, k) || root->step == KS__NONE)
            continue;
        bool whole = root->total ||
                     (plan->locals[local->inputs[k]].memory != local->inputs[k] && plan->locals[local->inputs[k]].dims != local->dims);
        uint32_t step = root->step + (whole ? 1 : 0); /* what is read at other places than the step has come to must be there whole */
        earliest = step > earliest ? step : earliest;
    }
    return earliest;
}

static bool may_fuse(const ks_graph *g)
{
    return !(g->options.without & KS_FUSE) && !g->options.check_finite;
}

/* Whether the local can be part of a scalar program. */
static bool is_scalar(const ks_graph *g, const ks__local *local)
{
    return local->dims->count == 1 && !(g->options.without & KS_BYTECODE) && (local->n <= 3 || local->folds) &&
           ks__scalar_fn_of(g, local->tile);
}

static uint32_t find_open(const ks_graph *g, const ks__plan *plan, const fusing *f, const ks__local *local)
{
    if (!may_fuse(g))
        return KS__NONE;
    uint32_t earliest = earliest_step(plan, local);
    bool scalar = is_scalar(g, local);
    for (uint32_t k = 0; k < f->count; k++) {
        const open_step *open = &f->open[k];
        bool room = open->scalar ? scalar : open->members < MOST_MEMBERS && !scalar;
        if (open->dims == local->dims && room && open->step >= earliest)
            return k;
    }
    return KS__NONE;
}

static bool join(ks_graph *g, ks__plan *plan, fusing *f, uint32_t i)
{
    ks__local *local = &plan->locals[i];
    uint32_t k = find_open(g, plan, f, local);
    if (k != KS__NONE) {
        open_step *open = &f->open[k];
        local->step = open->step;
        open->members += ks__weight(local);
        f->members.next[f->members.last[open->step]] = i;
        f->members.last[open->step] = i;
        return true;
    }
    if (!ks__step_new(g, plan, KS__STEP_TILES, i))
        return false;
    local->step = plan->step_count - 1;
    plan->steps[local->step].u.tiles.total = KS__NONE;
    f->members.first[local->step] = f->members.last[local->step] = i;
    bool scalar = is_scalar(g, local);
    for (k = 0; k < f->count && (f->open[k].dims != local->dims || f->open[k].scalar != scalar); k++)
        continue;
    if (k == f->count)
        k = f->count < 16 ? f->count++ : f->next++ % 16;
    f->open[k] = (open_step){local->dims, local->step, ks__weight(local), scalar};
    return true;
}

/* A sum of all elements that a step of tiles makes: the step adds them up as it goes, in the order in which the sum would. */
static bool join_total(const ks_graph *g, ks__plan *plan, uint32_t i)
{
    ks__local *local = &plan->locals[i];
    if (!(local->node->op->flags & KS_OP_TOTAL) || local->dims->count != 1 || !may_fuse(g))
        return false;
    const ks__local *input = &plan->locals[local->inputs[0]];
    bool made = input->role == KS__ROLE_MADE && input->memory == local->inputs[0] && input->step != KS__NONE && !input->total;
    if (!made || input->dims->count < 2 || (input->dtype != KS_F32 && input->dtype != KS_F64))
        return false;
    ks__step *step = &plan->steps[input->step];
    if (step->kind != KS__STEP_TILES || step->u.tiles.total != KS__NONE)
        return false;
    step->u.tiles.total = i;
    local->step = input->step;
    local->total = true;
    return true;
}

static bool assign_steps(ks_graph *g, ks__plan *plan, fusing *f)
{
    for (uint32_t i = 0; i < plan->count; i++) {
        ks__local *local = &plan->locals[i];
        if (!local->needed || local->same != i || local->role != KS__ROLE_MADE)
            continue;
        if (local->node->op->flags & KS_OP_EFFECT) {
            local->memory = plan->locals[local->inputs[1]].memory; /* what is assigned: committed after the last step */
            local->step = plan->locals[local->inputs[1]].step;
        } else if (is_copy(plan, local)) {
            local->memory = plan->locals[local->inputs[0]].memory;
            local->step = plan->locals[local->inputs[0]].step;
        } else if (local->node->op->flags & KS_OP_RESULT) { /* its head's kernel makes it too */
            local->step = plan->locals[local->inputs[0]].step;
            f->members.next[f->members.last[local->step]] = i;
            f->members.last[local->step] = i;
        } else if ((local->tile = find_tile(local)) != NULL) {
            if (!join(g, plan, f, i))
                return false;
        } else if (join_total(g, plan, i)) {
            continue;
        } else if (local->node->op->kernel) {
            if (!ks__step_new(g, plan, KS__STEP_KERNEL, i))
                return false;
            local->step = plan->step_count - 1;
            f->members.first[local->step] = f->members.last[local->step] = i;
        } else {
            return ks__refuse(g, KS_BAD_DTYPE, ks_node_place(local->node), "%s '%s' has no kernel for %s", local->node->op->name,
                              ks_name(local->node), ks_dtype_name((ks_dtype)local->dtype));
        }
    }
    return true;
}

/* ---- who reads what, and until when -------------------------------------------------------------------- */

static void note_read(ks__plan *plan, uint32_t local, uint32_t step)
{
    ks__local *root = &plan->locals[plan->locals[local].memory];
    if (root->role != KS__ROLE_MADE)
        return;
    if (plan->locals[local].memory != local || step != root->step)
        root->inside = false;
    if (step > root->last)
        root->last = step;
}

static void find_reads(ks__plan *plan)
{
    for (uint32_t i = 0; i < plan->count; i++) {
        ks__local *local = &plan->locals[i];
        bool view = local->memory != i;
        for (uint32_t k = 0; local->needed && local->same == i && local->role == KS__ROLE_MADE && k < local->n; k++) {
            if (!ks__reads(local, k))
                continue;
            if (view)
                plan->locals[local->memory].inside = plan->locals[local->memory].role != KS__ROLE_MADE;
            else
                note_read(plan, local->inputs[k], local->step);
        }
        if ((local->target || local->effect) && plan->locals[plan->locals[local->same].memory].role == KS__ROLE_MADE) {
            plan->locals[plan->locals[local->same].memory].inside = false;
            plan->locals[plan->locals[local->same].memory].last = KS__NONE; /* until the end */
        }
    }
    for (uint32_t i = 0; i < plan->count; i++) {
        ks__local *local = &plan->locals[i];
        bool made = local->needed && local->same == i && local->role == KS__ROLE_MADE && local->step != KS__NONE;
        if (!made)
            continue;
        if (local->total || plan->steps[local->step].kind != KS__STEP_TILES)
            local->inside = false;
        if (local->last < local->step) /* read by nobody */
            local->last = local->step;
    }
}

/* ---- all steps ----------------------------------------------------------------------------------------- */

static bool scalar_step(const ks_graph *g, const ks__plan *plan, const ks__members *m, uint32_t s)
{
    return is_scalar(g, &plan->locals[m->first[s]]);
}

bool ks__fuse(ks_graph *g, ks__plan *plan)
{
    size_t room = (plan->count + 1) * sizeof(uint32_t);
    uint32_t *memory = ks__get(g, 6 * room);
    if (!memory)
        return false;
    memset(memory, 0xff, 6 * room);
    uint32_t *part[6];
    for (int k = 0; k < 6; k++)
        part[k] = memory + (size_t)k * (plan->count + 1);
    fusing f = {.members = {part[0], part[1], part[2], part[3], part[4], part[5]}};
    const ks__members *m = &f.members;
    bool good = assign_steps(g, plan, &f) && ks__shuffle_steps(g, plan, m->first, m->last);
    if (good)
        find_reads(plan);
    for (uint32_t s = 0; good && s < plan->step_count; s++) {
        if (plan->steps[s].kind == KS__STEP_KERNEL)
            good = ks__fuse_kernel(g, plan, m, s);
        else if (scalar_step(g, plan, m, s))
            good = ks__fuse_scalars(g, plan, m, s);
        else
            good = ks__fuse_tiles(g, plan, m, s);
    }
    ks__put(g, memory, 6 * room);
    return good;
}
