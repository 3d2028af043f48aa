/*
 * engine/fuse_tiles.c - codes a step that walks tiles.
 *
 * A slot is where a kernel finds a tile: in memory that holds the whole value, or in the task's scratch, which stays in L1 and is given
 * on as soon as its last reader has it. How long a tile is follows from how many there are.
 */
#include "engine/fuse.h"
#include "engine/kernels/fold.h"

#include <string.h>

#define TILE KS__FOLD_BLOCK
/* Bytes of a task's scratch tiles: they share L1 (32 KiB at least) with what is read and written. */
#define MOST_SCRATCH 16384
#define LEAST_TILE   128
/* Results of so many bytes are in no cache any more when they are read again. */
#define STREAM_BYTES ((int64_t)16 << 20)

/* ---- broadcasts ---------------------------------------------------------------------------------------- */

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

/* ---- slots --------------------------------------------------------------------------------------------- */

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

/* ---- the length of a tile ------------------------------------------------------------------------------ */

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

/* ---- the step ------------------------------------------------------------------------------------------ */

static ks_tile_fn tile_fn(const ks_graph *g, const ks_tile *tile)
{
    for (int isa = g->isa; isa > 0; isa--) {
        if (tile->fn[isa])
            return tile->fn[isa];
    }
    return tile->fn[0];
}

/* Appends what computes local i; the place for what follows. */
static ks__tile_op *code_tile(ks_graph *g, ks__plan *plan, const ks__step *step, tiling *t, uint32_t i, uint32_t order, ks__tile_op *op)
{
    const ks__local *local = &plan->locals[i];
    size_t size = ks_dtype_size((ks_dtype)local->dtype);
    uint16_t in[KS__MOST_FOLDED], n = 0;
    for (uint32_t k = 0; k < local->n; k++) {
        if (ks__reads(local, k))
            in[n++] = input_slot(plan, step, t, local, k);
    }
    ks__tile_op first = {.fn = tile_fn(g, local->tile), .attrs = ks__attrs(local->node), .local = i};
    bool over = ks__weight(local) == 1; /* the result may be written over an input of elements as large */
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

bool ks__fuse_tiles(ks_graph *g, ks__plan *plan, const ks__members *m, uint32_t s)
{
    tiling state = {.slot_of = m->slot_of, .last_use = m->last_use}, *t = &state;
    ks__step *step = &plan->steps[s];
    uint32_t members = 0, inputs = 0, kernels = 0;
    for (uint32_t i = m->first[s]; i != KS__NONE; i = m->next[i]) {
        const ks__local *local = &plan->locals[i];
        for (uint32_t k = 0; k < local->n; k++) /* what gives its shape only does no harm here */
            t->last_use[local->inputs[k]] = members;
        members++;
        kernels += ks__weight(local);
        inputs += local->n;
    }
    uint32_t total = step->u.tiles.total;
    if (total != KS__NONE)
        t->last_use[plan->locals[total].inputs[0]] = KS__NONE; /* read at the end of each tile */
    ks__tile_op *ops = ks__plan_raw(g, plan, kernels * sizeof *ops);
    t->slots = ks__plan_raw(g, plan, (members + inputs) * sizeof *t->slots);
    if (!ops || !t->slots)
        return false;
    uint32_t order = 0;
    ks__tile_op *op = ops;
    for (uint32_t i = m->first[s]; i != KS__NONE; i = m->next[i], order++)
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
