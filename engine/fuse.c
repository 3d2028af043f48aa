/*
 * engine/fuse.c - from nodes to steps.
 *
 * Steps stand in the order in which they run. An elementwise node joins a step of its own iteration (the same dims) if
 * everything it reads is made in that step or before it; otherwise it opens a new one. Such a step walks tiles that stay in
 * L1, reads each input once and writes only what someone else needs. Steps over single elements become scalar programs.
 */
#include "engine/engine.h"
#include "engine/kernels/fold.h"

#include <string.h>

/* Members of a step that walks tiles: more would not stay in L1 together. */
#define MOST_MEMBERS 48u
#define MOST_FOLDED  8u /* inputs of one operation that folds */
#define TILE         KS__FOLD_BLOCK
/* Bytes of a task's scratch tiles: they share L1 (32 KiB at least) with what is read and written. */
#define MOST_SCRATCH 16384
#define LEAST_TILE   128
/* Results of so many bytes are in no cache any more when they are read again. */
#define STREAM_BYTES ((int64_t)16 << 20)

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
    uint32_t *member_of;    /* [plan->count] the following member of the same step, KS__NONE at the end */
    uint32_t *first, *last; /* [steps] */
    uint32_t step_room;
} fusing;

static bool is_copy(const ks__plan *plan, const ks__local *local)
{
    const ks_op *op = local->node->op;
    return (op->flags & KS_OP_VIEW) && local->n && plan->locals[local->inputs[0]].role != KS__ROLE_NUMBER &&
           plan->locals[local->inputs[0]].dtype == local->dtype;
}

/* How many kernels of a step the local takes. */
static uint32_t weight(const ks__local *local)
{
    return local->folds ? local->n - 1 : 1;
}

static const ks_tile *find_tile(const ks__local *local)
{
    const ks_op *op = local->node->op;
    uint32_t least = local->folds ? 2 : 1, most = local->folds ? MOST_FOLDED : 4;
    if (!op->tiles || local->n < least || local->n > most)
        return NULL;
    uint32_t last = local->n - 1;
    while (last && !ks__reads(local, last))
        last--;
    ks_dtype in = ks__input_dtype(local->node, last);
    const ks_tile *tile = local->typed ? &op->tiles[(int)in * KS_DTYPES + local->dtype] : &op->tiles[in];
    return tile->fn[0] ? tile : NULL;
}

static ks_tile_fn tile_fn(const ks_graph *g, const ks_tile *tile)
{
    for (int isa = g->isa; isa > 0; isa--) {
        if (tile->fn[isa])
            return tile->fn[isa];
    }
    return tile->fn[0];
}

static ks_scalar_fn scalar_fn(const ks_graph *g, const ks_tile *tile)
{
    for (int isa = g->isa; isa > 0; isa--) {
        if (tile->scalar[isa])
            return tile->scalar[isa];
    }
    return tile->scalar[0];
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
    return local->dims->count == 1 && !(g->options.without & KS_BYTECODE) && (local->n <= 3 || local->folds) && scalar_fn(g, local->tile);
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
        open->members += weight(local);
        f->member_of[f->last[open->step]] = i;
        f->last[open->step] = i;
        return true;
    }
    if (!ks__step_new(g, plan, KS__STEP_TILES, i))
        return false;
    local->step = plan->step_count - 1;
    plan->steps[local->step].u.tiles.total = KS__NONE;
    f->first[local->step] = f->last[local->step] = i;
    bool scalar = is_scalar(g, local);
    for (k = 0; k < f->count && (f->open[k].dims != local->dims || f->open[k].scalar != scalar); k++)
        continue;
    if (k == f->count)
        k = f->count < 16 ? f->count++ : f->next++ % 16;
    f->open[k] = (open_step){local->dims, local->step, weight(local), scalar};
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
            f->member_of[f->last[local->step]] = i;
            f->last[local->step] = i;
        } else if ((local->tile = find_tile(local)) != NULL) {
            if (!join(g, plan, f, i))
                return false;
        } else if (join_total(g, plan, i)) {
            continue;
        } else if (local->node->op->kernel) {
            if (!ks__step_new(g, plan, KS__STEP_KERNEL, i))
                return false;
            local->step = plan->step_count - 1;
            f->first[local->step] = f->last[local->step] = i;
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

/* ---- steps that walk tiles ----------------------------------------------------------------------------- */

static int64_t lcm(int64_t a, int64_t b)
{
    int64_t x = a, y = b;
    while (y) {
        int64_t t = x % y;
        x = y;
        y = t;
    }
    return a / x * b;
}

/* Collapses a broadcast of `from` over `to`: dims from the innermost, stride 0 where it repeats. */
static void collapse(const ks_shape *from, const ks_shape *to, ks__slot *slot)
{
    int64_t stride = 1;
    slot->rank = 0;
    for (int i = 1; i <= to->rank; i++) {
        int64_t dim = to->dim[to->rank - i], own = i <= from->rank ? from->dim[from->rank - i] : 1, step = own == 1 ? 0 : stride;
        stride *= own;
        if (dim == 1)
            continue;
        uint8_t r = slot->rank;
        bool joins =
            r && (step == 0 ? slot->stride[r - 1] == 0 : slot->stride[r - 1] != 0 && slot->stride[r - 1] * slot->dim[r - 1] == step);
        if (joins) {
            slot->dim[r - 1] *= dim;
        } else {
            slot->dim[r] = dim;
            slot->stride[r] = step;
            slot->rank++;
        }
    }
}

/* After how many elements the broadcast repeats: 1 for a scalar, the row's length for a row; 0 when it does not. */
static int64_t period(const ks__slot *slot)
{
    if (slot->rank == 0 || (slot->rank == 1 && slot->stride[0] == 0))
        return 1;
    return slot->rank == 2 && slot->stride[0] == 1 && slot->stride[1] == 0 ? slot->dim[0] : 0;
}

typedef struct tiling {
    ks__slot *slots;
    uint32_t slot_count;
    uint32_t free[64], free_count, scratch;
    uint32_t *slot_of, *last_use; /* [plan->count] scratch */
} tiling;

static bool has_seen(const ks_op *op)
{
    return op->size >= sizeof(ks_op) && op->seen;
}

static uint16_t input_slot(ks__plan *plan, const ks__step *step, tiling *t, const ks__local *local, uint32_t k)
{
    uint32_t i = local->inputs[k];
    const ks__local *input = &plan->locals[i];
    ks_dtype dtype = ks__input_dtype(local->node, k);
    bool seen = k == 0 && has_seen(local->node->op);
    const ks__local *root = &plan->locals[input->memory];
    if (root->role == KS__ROLE_MADE && root->step == local->step)
        return (uint16_t)t->slot_of[input->memory];
    for (uint32_t s = 0; s < t->slot_count; s++) {
        if (t->slots[s].local == i && t->slots[s].kind != KS__SLOT_TILE && t->slots[s].kind != KS__SLOT_STREAM &&
            t->slots[s].dtype == (uint8_t)dtype && !t->slots[s].seen && !seen)
            return (uint16_t)s;
    }
    ks__slot *slot = &t->slots[t->slot_count];
    *slot = (ks__slot){.kind = KS__SLOT_DIRECT, .size = (uint8_t)ks_dtype_size(dtype), .dtype = (uint8_t)dtype, .local = i, .seen = seen};
    if (input->dims != step->dims) {
        ks_shape as = input->dims->shape;
        if (seen)
            local->node->op->seen(ks__attrs(local->node), &input->dims->shape, &step->dims->shape, &as);
        collapse(&as, &step->dims->shape, slot);
        if (!(slot->rank == 1 && slot->stride[0] == 1)) {
            slot->kind = KS__SLOT_SPREAD;
            slot->scratch = t->scratch++; /* stays filled: never given to another */
        }
    } else if (input->role == KS__ROLE_NUMBER) {
        slot->kind = KS__SLOT_SPREAD;
        slot->scratch = t->scratch++;
    }
    return (uint16_t)t->slot_count++;
}

static uint16_t output_slot(ks__plan *plan, tiling *t, uint32_t i)
{
    ks__local *local = &plan->locals[i];
    ks__slot *slot = &t->slots[t->slot_count];
    *slot = (ks__slot){.kind = KS__SLOT_DIRECT, .size = (uint8_t)ks_dtype_size((ks_dtype)local->dtype), .dtype = local->dtype, .local = i};
    if (local->inside) {
        slot->kind = KS__SLOT_TILE;
        slot->scratch = t->free_count ? t->free[--t->free_count] : t->scratch++;
    } else if (local->dims->count * slot->size >= STREAM_BYTES) {
        slot->kind = KS__SLOT_STREAM;
        slot->scratch = t->scratch++;
    }
    t->slot_of[i] = t->slot_count;
    return (uint16_t)t->slot_count++;
}

/* Gives back the scratch of inputs that are read here for the last time: of elements of `size` bytes, or of all others. */
static void release_inputs(ks__plan *plan, tiling *t, const ks__local *local, uint32_t order, size_t size, bool others)
{
    for (uint32_t k = 0; k < local->n; k++) {
        uint32_t i = local->inputs[k];
        const ks__local *input = &plan->locals[i];
        bool mine = input->role == KS__ROLE_MADE && input->step == local->step && input->memory == i && input->inside;
        bool fits = (ks_dtype_size((ks_dtype)input->dtype) == size) != others;
        if (mine && fits && t->last_use[i] == order && t->free_count < 64) {
            t->free[t->free_count++] = t->slots[t->slot_of[i]].scratch;
            t->last_use[i] = KS__NONE; /* once */
        }
    }
}

/* How many elements fit a tile so that a task's scratch stays in L1. */
static int64_t fitting_tile(const tiling *t, int64_t size)
{
    int64_t tile = TILE;
    while (tile > LEAST_TILE && (int64_t)t->scratch * tile * size > MOST_SCRATCH)
        tile /= 2;
    return tile;
}

/* A tile's length: so that rows that are broadcast begin with a tile and are filled once, and whole vectors fit. With a sum it
 * divides the block in which sums are folded. */
static void choose_tile(ks__step *step, tiling *t)
{
    bool sums = step->u.tiles.total != KS__NONE;
    int64_t size = 1, whole = 1;
    for (uint32_t s = 0; s < t->slot_count; s++)
        size = t->slots[s].size > size ? t->slots[s].size : size;
    int64_t most = fitting_tile(t, size);
    for (uint32_t s = 0; s < t->slot_count && !sums; s++) {
        int64_t p = t->slots[s].kind == KS__SLOT_SPREAD ? period(&t->slots[s]) : 1;
        if (p > 1 && lcm(whole, p) <= most)
            whole = lcm(whole, p);
    }
    int64_t unit = lcm(whole, 16);
    if (unit > most)
        unit = 16;
    int64_t tile = most / unit * unit;
    for (uint32_t s = 0; s < t->slot_count; s++) {
        int64_t p = t->slots[s].kind == KS__SLOT_SPREAD ? period(&t->slots[s]) : 0;
        if (p > 0 && (tile % p == 0 || step->dims->count <= tile))
            t->slots[s].kind = KS__SLOT_FILLED;
    }
    int64_t tiles = (step->dims->count + tile - 1) / tile, together = sums ? KS__FOLD_UNIT / tile : 16 * TILE / tile;
    step->u.tiles.tile = tile;
    step->u.tiles.tile_bytes = (size_t)(tile * size) + 64; /* so that tiles do not meet in the same lines of L1 */
    step->u.tiles.per_task = sums ? together : tiles > together ? together : tiles > 0 ? tiles : 1;
    step->u.tiles.tasks = (tiles + step->u.tiles.per_task - 1) / step->u.tiles.per_task;
    step->scratch_bytes = sums ? (uint64_t)step->u.tiles.tasks * sizeof(double) : 0;
}

/* Appends what computes local i; the place for what follows. */
static ks__tile_op *code_tile(ks_graph *g, ks__plan *plan, const ks__step *step, tiling *t, uint32_t i, uint32_t order, ks__tile_op *op)
{
    const ks__local *local = &plan->locals[i];
    size_t size = ks_dtype_size((ks_dtype)local->dtype);
    uint16_t in[MOST_FOLDED], n = 0;
    for (uint32_t k = 0; k < local->n; k++) {
        if (ks__reads(local, k))
            in[n++] = input_slot(plan, step, t, local, k);
    }
    ks__tile_op first = {.fn = tile_fn(g, local->tile), .attrs = ks__attrs(local->node), .local = i};
    bool over = weight(local) == 1; /* the result may be written over an input of elements as large */
    if (over)
        release_inputs(plan, t, local, order, size, false);
    first.out = output_slot(plan, t, i);
    release_inputs(plan, t, local, order, size, true);
    if (!over)
        release_inputs(plan, t, local, order, size, false);
    if (!local->folds) {
        first.n = n;
        memcpy(first.in, in, n * sizeof *in);
        *op++ = first;
        return op;
    }
    for (uint16_t k = 1; k < n; k++) {
        *op = first;
        op->n = 2;
        op->in[0] = k == 1 ? in[0] : first.out;
        op->in[1] = in[k];
        op++;
    }
    return op;
}

static bool build_tiles(ks_graph *g, ks__plan *plan, fusing *f, uint32_t s, tiling *t)
{
    ks__step *step = &plan->steps[s];
    uint32_t members = 0, inputs = 0, kernels = 0;
    for (uint32_t i = f->first[s]; i != KS__NONE; i = f->member_of[i]) {
        const ks__local *local = &plan->locals[i];
        for (uint32_t k = 0; k < local->n; k++) /* what gives its shape only does no harm here */
            t->last_use[local->inputs[k]] = members;
        members++;
        kernels += weight(local);
        inputs += local->n;
    }
    uint32_t total = step->u.tiles.total;
    if (total != KS__NONE)
        t->last_use[plan->locals[total].inputs[0]] = KS__NONE; /* read at the end of each tile */
    ks__tile_op *ops = ks__plan_raw(g, plan, kernels * sizeof *ops);
    t->slots = ks__plan_raw(g, plan, (members + inputs) * sizeof *t->slots);
    t->slot_count = t->free_count = t->scratch = 0;
    if (!ops || !t->slots)
        return false;
    uint32_t order = 0;
    ks__tile_op *op = ops;
    for (uint32_t i = f->first[s]; i != KS__NONE; i = f->member_of[i], order++)
        op = code_tile(g, plan, step, t, i, order, op);
    step->count = kernels;
    step->u.tiles.ops = ops;
    step->u.tiles.slots = t->slots;
    step->u.tiles.slot_count = t->slot_count;
    step->u.tiles.scratch_tiles = t->scratch;
    for (uint32_t k = 0; k < t->slot_count; k++)
        step->u.tiles.streams = step->u.tiles.streams || t->slots[k].kind == KS__SLOT_STREAM;
    if (total != KS__NONE)
        step->u.tiles.total_slot = (uint16_t)t->slot_of[plan->locals[total].inputs[0]];
    choose_tile(step, t);
    step->threads = step->u.tiles.tasks > 1;
    return true;
}

/* ---- scalar programs ----------------------------------------------------------------------------------- */

static bool scalar_step(const ks_graph *g, const ks__plan *plan, const fusing *f, uint32_t s)
{
    return is_scalar(g, &plan->locals[f->first[s]]);
}

typedef struct coding {
    ks__step *step;
    uint32_t *place, *last_use; /* [plan->count] offset in the file, KS__NONE: none yet */
    uint32_t *free, free_count, slots;
    uint32_t *placed, placed_count; /* locals whose place is to be forgotten afterwards */
} coding;

static uint32_t new_slot(coding *c)
{
    return c->free_count ? c->free[--c->free_count] : c->slots++ * 8;
}

/* The local whose place input k is read from: through a view to what the same program made. */
static uint32_t read_from(const ks__plan *plan, const ks__local *local, uint32_t k)
{
    uint32_t i = local->inputs[k], root = plan->locals[i].memory;
    return plan->locals[root].role == KS__ROLE_MADE && plan->locals[root].step == local->step ? root : i;
}

/* The place of number i read as the dtype; KS__NONE if it has none yet. For numbers `place` is the latest of their copies: one that is
 * read as two dtypes has two. */
static uint32_t number_place(const coding *c, uint32_t i, ks_dtype dtype)
{
    const ks__scalar_copy *in = c->step->u.scalars.in;
    if (c->place[i] == KS__NONE)
        return KS__NONE;
    if (in[c->place[i]].dtype == (uint8_t)dtype)
        return in[c->place[i]].at;
    for (uint32_t n = 0; n < c->step->u.scalars.in_count; n++) {
        if (in[n].local == i && in[n].dtype == (uint8_t)dtype)
            return in[n].at;
    }
    return KS__NONE;
}

static uint32_t read_place(ks__plan *plan, coding *c, const ks__local *local, uint32_t k)
{
    uint32_t i = read_from(plan, local, k);
    bool number = plan->locals[i].role == KS__ROLE_NUMBER;
    ks_dtype dtype = ks__input_dtype(local->node, k);
    uint32_t known = number ? number_place(c, i, dtype) : c->place[i];
    if (known != KS__NONE)
        return known;
    uint32_t at = c->slots++ * 8; /* values from outside keep their place for the whole program */
    c->place[i] = number ? c->step->u.scalars.in_count : at;
    c->placed[c->placed_count++] = i;
    c->step->u.scalars.in[c->step->u.scalars.in_count++] =
        (ks__scalar_copy){.local = i, .at = at, .size = (uint8_t)ks_dtype_size(dtype), .dtype = (uint8_t)dtype};
    return at;
}

/* Gives back the places that are read here for the last time. */
static void free_places(ks__plan *plan, coding *c, const ks__local *local, uint32_t order)
{
    for (uint32_t k = 0; k < local->n; k++) {
        uint32_t j = read_from(plan, local, k);
        const ks__local *input = &plan->locals[j];
        if (input->role == KS__ROLE_MADE && input->step == local->step && input->inside && c->last_use[j] == order) {
            c->free[c->free_count++] = c->place[j];
            c->last_use[j] = KS__NONE;
        }
    }
}

static ks__scalar_op *code_scalar(ks_graph *g, ks__plan *plan, coding *c, uint32_t i, uint32_t order, ks__scalar_op *op)
{
    ks__local *local = &plan->locals[i];
    ks__step *step = c->step;
    uint32_t in[MOST_FOLDED] = {0}, n = 0;
    for (uint32_t k = 0; k < local->n; k++) {
        if (ks__reads(local, k))
            in[n++] = read_place(plan, c, local, k);
    }
    bool over = weight(local) == 1; /* the result may take the place of an input */
    if (over)
        free_places(plan, c, local, order);
    uint32_t out = new_slot(c);
    if (!over)
        free_places(plan, c, local, order);
    c->place[i] = out;
    c->placed[c->placed_count++] = i;
    *op = (ks__scalar_op){.fn = scalar_fn(g, local->tile), .out = out, .a = in[0], .b = in[1]};
    if (over && (n > 2 || local->node->op->attrs_size)) {
        step->u.scalars.rare[step->u.scalars.rare_count++] = (ks__scalar_rare){ks__attrs(local->node), i, in[2]};
        op->rare = step->u.scalars.rare_count;
    }
    for (uint32_t k = 2; !over && k < n; k++, op++)
        op[1] = (ks__scalar_op){.fn = op->fn, .out = out, .a = out, .b = in[k]};
    if (!local->inside)
        step->u.scalars.out[step->u.scalars.out_count++] =
            (ks__scalar_copy){.local = i, .at = out, .size = (uint8_t)ks_dtype_size((ks_dtype)local->dtype), .dtype = local->dtype};
    return op + 1;
}

static bool build_scalars(ks_graph *g, ks__plan *plan, fusing *f, uint32_t s, coding *c)
{
    ks__step *step = &plan->steps[s];
    uint32_t members = 0, kernels = 0, inputs = 0, rare = 0, out = 0;
    for (uint32_t i = f->first[s]; i != KS__NONE; i = f->member_of[i], members++) {
        const ks__local *local = &plan->locals[i];
        for (uint32_t k = 0; k < local->n; k++) {
            uint32_t from = read_from(plan, local, k);
            c->last_use[from] = members;
            inputs += plan->locals[from].step != s || plan->locals[from].role != KS__ROLE_MADE;
        }
        kernels += weight(local);
        rare += local->n > 2 || local->node->op->attrs_size;
        out += !local->inside;
    }
    step->kind = KS__STEP_SCALARS;
    step->count = kernels;
    step->u.scalars.ops = ks__plan_raw(g, plan, kernels * sizeof *step->u.scalars.ops);
    step->u.scalars.rare = ks__plan_raw(g, plan, (rare + 1) * sizeof *step->u.scalars.rare);
    step->u.scalars.in = ks__plan_raw(g, plan, (inputs + 1) * sizeof *step->u.scalars.in);
    step->u.scalars.out = ks__plan_raw(g, plan, (out + 1) * sizeof *step->u.scalars.out);
    step->u.scalars.in_count = step->u.scalars.out_count = step->u.scalars.rare_count = 0;
    size_t room = ((size_t)members + inputs + 1) * sizeof *c->free;
    c->free = ks__get(g, room);
    c->placed = ks__get(g, room);
    c->step = step;
    c->free_count = c->placed_count = c->slots = 0;
    bool good = step->u.scalars.ops && step->u.scalars.rare && step->u.scalars.in && step->u.scalars.out && c->free && c->placed;
    uint32_t order = 0;
    ks__scalar_op *op = step->u.scalars.ops;
    for (uint32_t i = f->first[s]; good && i != KS__NONE; i = f->member_of[i])
        op = code_scalar(g, plan, c, i, order++, op);
    for (uint32_t k = 0; k < c->placed_count; k++)
        c->place[c->placed[k]] = KS__NONE;
    ks__put(g, c->free, room);
    ks__put(g, c->placed, room);
    step->u.scalars.slots = c->slots;
    return good;
}

/* ---- kernels ------------------------------------------------------------------------------------------- */

/* The further results that are wanted: their locals, and their shapes among the tensors. */
static bool list_results(ks_graph *g, ks__plan *plan, const fusing *f, uint32_t s)
{
    ks__step *step = &plan->steps[s];
    ks_tensor *out = &step->u.kernel.tensors[step->count];
    uint32_t count = 0;
    for (uint32_t i = f->member_of[f->first[s]]; i != KS__NONE; i = f->member_of[i])
        count++;
    step->u.kernel.wanted_count = count;
    if (count && !(step->u.kernel.wanted = ks__plan_raw(g, plan, count * sizeof *step->u.kernel.wanted)))
        return false;
    count = 0;
    for (uint32_t i = f->member_of[f->first[s]]; i != KS__NONE; i = f->member_of[i]) {
        const ks__local *result = &plan->locals[i];
        step->u.kernel.wanted[count++] = i;
        out[ks__result_index(result->node)] =
            (ks_tensor){.shape = &result->dims->shape, .count = result->dims->count, .dtype = (ks_dtype)result->dtype};
    }
    return true;
}

/* What the kernel needs ready before it runs, and how much workspace it wants. */
static bool prepare(ks_graph *g, const ks__plan *plan, const ks__local *local, ks__step *step)
{
    const ks_op *op = local->node->op;
    ks_call call = {.in = step->u.kernel.tensors,
                    .n = (int)local->n,
                    .out = &step->u.kernel.tensors[local->n],
                    .attrs = ks__attrs(local->node),
                    .isa = g->isa,
                    .provider = g->provider,
                    .train = plan->mode == KS_TRAIN,
                    .graph = g};
    if (KS__HAS(op, prepare)) {
        ks_failure failure = {.code = KS_OK};
        call.prepared = step->u.kernel.prepared = op->prepare(&call, &failure);
        step->u.kernel.release = op->release;
        if (!call.prepared)
            return ks__refuse(g, failure.code ? failure.code : KS_NO_MEMORY, ks_node_place(local->node), "%s '%s': %s", op->name,
                              ks_name(local->node), failure.code ? failure.message : "no memory");
    }
    if (op->scratch)
        step->scratch_bytes = op->scratch(&call);
    return true;
}

static bool build_kernel(ks_graph *g, ks__plan *plan, const fusing *f, uint32_t s)
{
    ks__step *step = &plan->steps[s];
    ks__local *local = &plan->locals[step->local];
    const ks_op *op = local->node->op;
    size_t results = KS__HAS(op, results) ? (size_t)op->results(ks__attrs(local->node)) : 1;
    ks_tensor *tensors = ks__plan_get(g, plan, (local->n + results) * sizeof *tensors);
    if (!tensors)
        return false;
    for (uint32_t k = 0; k < local->n; k++) {
        const ks__local *input = &plan->locals[local->inputs[k]];
        tensors[k] = (ks_tensor){.shape = &input->dims->shape, .count = input->dims->count, .dtype = ks__input_dtype(local->node, k)};
    }
    tensors[local->n] = (ks_tensor){.shape = &local->dims->shape, .count = local->dims->count, .dtype = (ks_dtype)local->dtype};
    step->u.kernel.tensors = tensors;
    step->count = local->n;
    return list_results(g, plan, f, s) && prepare(g, plan, local, step);
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
    fusing f = {.member_of = part[0], .first = part[1], .last = part[2]};
    tiling t = {.slot_of = part[3], .last_use = part[4]};
    coding c = {.place = part[5], .last_use = part[4]};
    bool good = assign_steps(g, plan, &f) && ks__shuffle_steps(g, plan, f.first, f.last);
    if (good)
        find_reads(plan);
    for (uint32_t s = 0; good && s < plan->step_count; s++) {
        if (plan->steps[s].kind == KS__STEP_KERNEL)
            good = build_kernel(g, plan, &f, s);
        else if (scalar_step(g, plan, &f, s))
            good = build_scalars(g, plan, &f, s, &c);
        else
            good = build_tiles(g, plan, &f, s, &t);
    }
    ks__put(g, memory, 6 * room);
    return good;
}
