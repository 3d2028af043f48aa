/*
 * engine/tiles.c - runs the steps that fuse.c made: walks over tiles, and scalar programs.
 *
 * The work is split into tasks of a fixed number of tiles, which depends on the size of the problem only: the same bits
 * come out whatever the number of threads.
 */
#include "engine/engine.h"
#include "engine/kernels/fold.h"
#include "engine/kernels/stream.h"

#include <string.h>

/* ---- broadcasts ---------------------------------------------------------------------------------------- */

static void copy_run(char *out, const char *in, int64_t stride, int64_t n, int size)
{
    if (stride == 1) {
        memcpy(out, in, (size_t)(n * size));
        return;
    }
    switch (size) {
    case 4: {
        uint32_t value, *o = (uint32_t *)(void *)out;
        memcpy(&value, in, 4);
        for (int64_t i = 0; i < n; i++)
            o[i] = value;
        return;
    }
    case 8: {
        uint64_t value, *o = (uint64_t *)(void *)out;
        memcpy(&value, in, 8);
        for (int64_t i = 0; i < n; i++)
            o[i] = value;
        return;
    }
    default:
        memset(out, *(const unsigned char *)in, (size_t)n);
    }
}

/* Fills n elements of a tile that starts at element `start` of the iteration. */
static void spread(const ks__slot *slot, const char *from, char *out, int64_t start, int64_t n)
{
    int64_t index[KS_MAX_RANK], rest = start, offset = 0;
    for (int r = 0; r < slot->rank; r++) {
        index[r] = rest % slot->dim[r];
        rest /= slot->dim[r];
        offset += index[r] * slot->stride[r];
    }
    if (slot->rank == 0) {
        copy_run(out, from, 0, n, slot->size);
        return;
    }
    while (n > 0) {
        int64_t run = slot->dim[0] - index[0];
        if (run > n)
            run = n;
        if (slot->stride[0] <= 1) {
            copy_run(out, from + offset * slot->size, slot->stride[0], run, slot->size);
        } else {
            for (int64_t i = 0; i < run; i++)
                memcpy(out + i * slot->size, from + (offset + i * slot->stride[0]) * slot->size, slot->size);
        }
        out += run * slot->size;
        n -= run;
        offset -= index[0] * slot->stride[0];
        index[0] = 0;
        for (int r = 1; r < slot->rank; r++) {
            offset += slot->stride[r];
            if (++index[r] < slot->dim[r])
                break;
            offset -= slot->dim[r] * slot->stride[r];
            index[r] = 0;
        }
    }
}

/* ---- tiles --------------------------------------------------------------------------------------------- */

typedef struct walk {
    ks_graph *g;
    ks__plan *plan;
    ks__step *step;
    bool padded; /* every direct slot may be run over by a whole vector at its end */
    size_t tile_bytes;
    ks__fold_part_fn fold; /* of the step's sum; NULL: none */
    char *sums;            /* [tasks] of the sum's dtype */
} walk;

#define MOST_SLOTS 256

static const char *source(const ks__plan *plan, const ks__slot *slot)
{
    const ks__local *local = &plan->locals[slot->local];
    if (local->role == KS__ROLE_NUMBER)
        return (const char *)&plan->cells[local->own * KS_DTYPES + slot->dtype];
    return plan->at[slot->local];
}

/* Where each slot's tile is in this task; what is the same for all tiles is filled. */
static void open_slots(const walk *w, char *base, char **at)
{
    const ks__slot *slots = w->step->u.tiles.slots;
    int64_t tile = w->step->u.tiles.tile, count = w->step->dims->count;
    for (uint32_t s = 0; s < w->step->u.tiles.slot_count; s++) {
        at[s] = slots[s].kind == KS__SLOT_DIRECT ? (char *)(uintptr_t)source(w->plan, &slots[s]) : base + slots[s].scratch * w->tile_bytes;
        if (slots[s].kind == KS__SLOT_FILLED)
            spread(&slots[s], source(w->plan, &slots[s]), at[s], 0, tile < count ? tile : (count + 15) & ~(int64_t)15);
    }
}

static void run_tile(const walk *w, char *const *at, int64_t start, int64_t n)
{
    const ks__step *step = w->step;
    const ks__slot *slots = step->u.tiles.slots;
    int64_t vectors = w->padded ? (n + 15) & ~(int64_t)15 : n;
    for (uint32_t s = 0; s < step->u.tiles.slot_count; s++) {
        if (slots[s].kind == KS__SLOT_SPREAD)
            spread(&slots[s], source(w->plan, &slots[s]), at[s], start, n);
    }
    for (uint32_t k = 0; k < step->count; k++) {
        const ks__tile_op *op = &step->u.tiles.ops[k];
        const void *in[4];
        for (uint32_t i = 0; i < op->n; i++) {
            const ks__slot *slot = &slots[op->in[i]];
            in[i] = slot->kind == KS__SLOT_DIRECT ? at[op->in[i]] + start * slot->size : at[op->in[i]];
        }
        const ks__slot *out = &slots[op->out];
        op->fn(out->kind == KS__SLOT_DIRECT ? at[op->out] + start * out->size : at[op->out], in, vectors, op->attrs);
    }
}

/* The sum of a task, block after block; a block is folded in as many parts as it has tiles. */
typedef struct adding {
    double lanes[KS__FOLD_LANES], sums[KS__FOLD_UNIT / KS__FOLD_BLOCK];
    int64_t blocks;
} adding;

static void add_tile(const walk *w, adding *a, const char *tile, int64_t start, int64_t n, bool last)
{
    const ks__slot *total = &w->step->u.tiles.slots[w->step->u.tiles.total_slot];
    if (start % KS__FOLD_BLOCK == 0)
        memset(a->lanes, 0, sizeof a->lanes);
    w->fold(a->lanes, tile, n);
    if (last || (start + n) % KS__FOLD_BLOCK == 0)
        ks__fold_end((ks_dtype)total->dtype, (char *)a->sums + a->blocks++ * total->size, a->lanes);
}

static void write_streams(const walk *w, char *const *at, int64_t start, int64_t n)
{
    const ks__slot *slots = w->step->u.tiles.slots;
    for (uint32_t s = 0; s < w->step->u.tiles.slot_count; s++) {
        if (slots[s].kind == KS__SLOT_STREAM)
            ks__stream((char *)(uintptr_t)source(w->plan, &slots[s]) + start * slots[s].size, at[s], n * slots[s].size);
    }
}

static void run_task(void *payload, int64_t task)
{
    walk *w = payload;
    const ks__step *step = w->step;
    int64_t tile = step->u.tiles.tile, per_task = step->u.tiles.per_task, count = step->dims->count;
    char *at[MOST_SLOTS];
    adding a;
    _Alignas(64) char scratch[step->u.tiles.scratch_tiles * w->tile_bytes + 64];
    open_slots(w, (char *)(((uintptr_t)scratch + 63) & ~(uintptr_t)63), at);
    a.blocks = 0;
    int64_t first = task * per_task * tile, end = first + per_task * tile < count ? first + per_task * tile : count;
    const ks__slot *total = &step->u.tiles.slots[step->u.tiles.total_slot];
    for (int64_t start = first; start < end; start += tile) {
        int64_t n = end - start < tile ? end - start : tile;
        run_tile(w, at, start, n);
        if (w->fold)
            add_tile(w, &a, at[step->u.tiles.total_slot] + (total->kind == KS__SLOT_DIRECT ? start * total->size : 0), start, n,
                     start + n == end);
        if (step->u.tiles.streams)
            write_streams(w, at, start, n);
    }
    if (step->u.tiles.streams)
        ks__stream_end();
    if (w->fold)
        ks__fold_blocks((ks_dtype)total->dtype, w->sums + task * total->size, a.sums, a.blocks);
}

/* Borrowed data has no room behind its end, unless its owner says so. */
static bool all_padded(const ks__plan *plan, const ks__step *step)
{
    for (uint32_t s = 0; s < step->u.tiles.slot_count; s++) {
        const ks__local *local = &plan->locals[plan->locals[step->u.tiles.slots[s].local].memory];
        const ks__block *block = local->home == KS__HOME_GIVEN ? local->node->value->block
                                 : local->home == KS__HOME_OWN ? plan->owns[local->own].block
                                                               : NULL;
        if (step->u.tiles.slots[s].kind == KS__SLOT_DIRECT && block && block->borrowed && !block->roomy)
            return false;
    }
    return true;
}

/* Sums of tasks, folded as the sum operation folds what its first pass leaves. */
static void fold_total(const walk *w, void *out)
{
    ks_dtype dtype = (ks_dtype)w->plan->locals[w->step->u.tiles.total].dtype;
    ks__fold_row_fn row = ks__fold_row(KS__FOLD_SUM, dtype, w->g->isa);
    size_t size = ks_dtype_size(dtype);
    int64_t left = w->step->u.tiles.tasks;
    while (left > 1) {
        int64_t units = (left + KS__FOLD_UNIT - 1) / KS__FOLD_UNIT;
        for (int64_t i = 0; i < units; i++)
            row(w->sums + (size_t)i * size, w->sums + (size_t)(i * KS__FOLD_UNIT) * size,
                i + 1 < units ? KS__FOLD_UNIT : left - i * KS__FOLD_UNIT);
        left = units;
    }
    memcpy(out, w->sums, size);
}

bool ks__tiles_run(ks_graph *g, ks__plan *plan, ks__step *step)
{
    walk w = {.g = g, .plan = plan, .step = step, .padded = all_padded(plan, step), .tile_bytes = step->u.tiles.tile_bytes};
    if (step->u.tiles.total != KS__NONE) {
        w.fold = ks__fold_part((ks_dtype)plan->locals[step->u.tiles.total].dtype, g->isa);
        w.sums = g->engine->arena + step->scratch;
    }
    if (step->dims->count == 0)
        return true;
    if (step->threads) {
        ks__parallel_for(g, step->u.tiles.tasks, run_task, &w);
    } else {
        for (int64_t i = 0; i < step->u.tiles.tasks; i++)
            run_task(&w, i);
    }
    if (w.fold)
        fold_total(&w, plan->at[step->u.tiles.total]);
    return true;
}

/* ---- scalar programs ----------------------------------------------------------------------------------- */

void ks__scalars_run(ks_graph *g, ks__plan *plan, ks__step *step)
{
    char *file = g->engine->arena + step->u.scalars.file;
    for (uint32_t i = 0; i < step->u.scalars.in_count; i++) {
        const ks__scalar_copy *copy = &step->u.scalars.in[i];
        const ks__local *local = &plan->locals[copy->local];
        const void *from =
            local->role == KS__ROLE_NUMBER ? (const void *)&plan->cells[local->own * KS_DTYPES + copy->dtype] : plan->at[copy->local];
        memcpy(file + copy->at, from, copy->size);
    }
    const ks__scalar_op *op = step->u.scalars.ops, *end = op + step->count;
    for (; op < end; op++) {
        const void *in[3] = {file + op->a, file + op->b, file};
        const void *attrs = NULL;
        if (__builtin_expect(op->rare != 0, 0)) {
            const ks__scalar_rare *rare = &step->u.scalars.rare[op->rare - 1];
            in[2] = file + rare->c;
            attrs = rare->attrs;
        }
        op->fn(file + op->out, in, attrs);
    }
    for (uint32_t i = 0; i < step->u.scalars.out_count; i++) {
        const ks__scalar_copy *copy = &step->u.scalars.out[i];
        memcpy(plan->at[copy->local], file + copy->at, copy->size);
    }
}
