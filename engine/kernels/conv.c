/*
 * engine/kernels/conv.c - running the plan of a convolution (conv_plan.h): each block of the source is brought into its form, then tiles
 * of filters by positions run over it, or, for the derivative of w, sums along the positions. (conv_across.c has the other way.)
 */
#include "engine/kernels/conv_plan.h"

#include <string.h>

#define PANELS 4 /* of positions, computed before they are put in their places */
#define CHUNK  (PANELS * KS__CONV_VECTORS * KS__CONV_LANES)

typedef struct job {
    ks__conv_plan p;
    const char *source, *filters, *upstream; /* what is read: what slides; w; of kind W y's derivative */
    char *result;
    int64_t *at, *from; /* of each tap: in a block; in w */
    char *packed, *tasks;
} job;

/* Outputs [begin, end) along the cut axis of some images of a group. */
typedef struct block {
    int64_t group, image, images, count[3], begin;
} block;

static int64_t source_size(const ks__conv_plan *p)
{
    return p->axis[0].size * p->axis[1].size * p->axis[2].size;
}

static int64_t result_size(const ks__conv_plan *p)
{
    return p->axis[0].full * p->axis[1].full * p->axis[2].full;
}

static block block_at(const ks__conv_plan *p, int64_t group, int64_t i)
{
    block b = {.group = group, .image = i / p->extent_blocks * p->images, .begin = i % p->extent_blocks * p->extent};
    b.images = ks__conv_least(p->images, p->conv->images - b.image);
    for (int a = 0; a < 3; a++)
        b.count[a] = p->axis[a].count;
    b.count[p->cut] = ks__conv_most(0, ks__conv_least(p->extent, b.count[p->cut] - b.begin));
    return b;
}

/* ---- the source in its form ----------------------------------------------------------------------------- */

/* A row of the source, where it has a phase at each `step` elements, to the phases' rows. */
static void spread_row(const ks__conv_plan *p, const char *row, ks__conv_seen seen, char *to)
{
    int64_t step = p->axis[2].step;
    for (int64_t f = 0; f < step; f++) {
        int64_t first = seen.low + ((f - seen.zeros) % step + step) % step;
        if (first < seen.high)
            p->kit->pick(ks__conv_parts(seen.high - first, step), row + (size_t)first * p->size, step,
                         to + (size_t)(f * p->length + (first - seen.low + seen.zeros) / step) * p->size);
    }
}

/* A plane of one image and channel: rows [low, high) of axis 1. */
static void spread_plane(const ks__conv_plan *p, const char *in, const ks__conv_seen seen[3], char *to)
{
    int64_t step = p->axis[1].step, pitch = p->axis[2].pitch, width = p->axis[2].size;
    if (step == 1 && p->axis[2].step == 1) {
        p->kit->copy(seen[1].high - seen[1].low, seen[2].high - seen[2].low, in + (size_t)(seen[1].low * width + seen[2].low) * p->size,
                     width, to + (size_t)(seen[1].zeros * pitch + seen[2].zeros) * p->size, pitch);
        return;
    }
    for (int64_t x = seen[1].low; x < seen[1].high; x++) {
        int64_t t = x - seen[1].low + seen[1].zeros;
        spread_row(p, in + (size_t)(x * width) * p->size, seen[2],
                   to + (size_t)(t % step * p->axis[2].step * p->length + t / step * pitch) * p->size);
    }
}

/* What the block sees, of all channels, into `to`, whose other elements are zero. */
static void spread(const job *j, const block *b, char *to)
{
    const ks__conv_plan *p = &j->p;
    ks__conv_seen seen[3];
    for (int a = 0; a < 3; a++)
        seen[a] = ks__conv_sees(&p->axis[a], a == p->cut ? b->begin : 0, a == p->cut ? b->begin + b->count[a] : b->count[a]);
    int64_t step = p->axis[0].step, inner = p->axis[1].size * p->axis[2].size;
    for (int64_t c = 0; c < p->channels; c++) {
        for (int64_t i = 0; i < b->images; i++) {
            const char *in =
                j->source + (size_t)((((b->image + i) * p->conv->groups + b->group) * p->channels + c) * source_size(p)) * p->size;
            for (int64_t x = seen[0].low; x < seen[0].high; x++) {
                int64_t t = x - seen[0].low + seen[0].zeros;
                int64_t phase = (c * step + t % step) * p->axis[1].step * p->axis[2].step;
                int64_t at = phase * p->length + i * p->plane + t / step * p->axis[1].pitch * p->axis[2].pitch;
                spread_plane(p, in + (size_t)(x * inner) * p->size, seen, to + (size_t)at * p->size);
            }
        }
    }
}

/* Zeros where a block of another shape may have left something. */
static void clear(const job *j, bool first, char *to)
{
    const ks__conv_plan *p = &j->p;
    if (first || p->extent_blocks > 1)
        memset(to, 0, (size_t)(p->channels * p->phases * p->length) * p->size);
}

/* ---- tables -------------------------------------------------------------------------------------------- */

/* For each tap where it lies: in a block from the output's position, in w from the first of a row. */
static void fill_tables(job *j)
{
    const ks__conv_plan *p = &j->p;
    const ks__conv *c = p->conv;
    int64_t n = 0, t[3], window = c->kernel[0] * c->kernel[1] * c->kernel[2];
    int64_t channel = p->kind == KS__CONV_X ? c->channels * window : window; /* from channel to channel of the source, in w */
    for (int64_t k = 0; k < p->channels; k++) {
        for (int64_t i = 0; i < window; i++) {
            int64_t i2 = i % c->kernel[2], i1 = i / c->kernel[2] % c->kernel[1], i0 = i / c->kernel[2] / c->kernel[1];
            if (!ks__conv_tap(p, 0, i0, &t[0]) || !ks__conv_tap(p, 1, i1, &t[1]) || !ks__conv_tap(p, 2, i2, &t[2]))
                continue;
            int64_t phase = k, distance = 0;
            for (int a = 0; a < 3; a++) {
                phase = phase * p->axis[a].step + t[a] % p->axis[a].step;
                distance = distance * p->axis[a].pitch + t[a] / p->axis[a].step;
            }
            j->at[n] = phase * p->length + distance;
            j->from[n++] = k * channel + i;
        }
    }
}

/* Tile row `i` of all groups: its filters, tap by tap. */
static void pack_task(void *payload, int64_t i)
{
    const job *j = payload;
    const ks__conv_plan *p = &j->p;
    const ks__conv *c = p->conv;
    int64_t window = c->kernel[0] * c->kernel[1] * c->kernel[2], group = i / p->row_blocks;
    int64_t row = ks__conv_start(p->rows, p->row_blocks, i % p->row_blocks);
    int64_t end = ks__conv_start(p->rows, p->row_blocks, i % p->row_blocks + 1);
    int64_t stride = p->kind == KS__CONV_X ? window : c->channels * window;
    const char *w = j->filters + (size_t)(group * c->rows * c->channels * window + row * stride) * p->size;
    p->kit->pack(p->taps, end - row, w, stride, j->from, j->packed + (size_t)((group * p->rows + row) * p->taps) * p->size);
}

/* ---- y, and the derivative of x: tiles --------------------------------------------------------------------- */

/* The outputs among virtual positions [v0, v1) of a block, as runs. */
static int64_t runs_of(const ks__conv_plan *p, const block *b, int64_t v0, int64_t v1, ks__run *run)
{
    int64_t n = 0, p1 = p->axis[1].pitch, p2 = p->axis[2].pitch;
    int64_t image = b->images == 1 ? 0 : v0 / p->plane, left = v0 - image * p->plane;
    int64_t o0 = left / p2 / p1, o1 = left / p2 % p1, o2 = left % p2;
    int64_t row = p->rows * p->conv->groups * result_size(p), begin[3] = {0};
    begin[p->cut] = b->begin;
    /* With one image o0 may run on behind its pitch: nothing wraps. */
    for (int64_t v = v0; v < v1;) {
        int64_t end = ks__conv_least(b->count[2], o2 + v1 - v);
        if (o0 < b->count[0] && o1 < b->count[1] && o2 < end) {
            int64_t x0 = p->axis[0].first + (begin[0] + o0) * p->axis[0].jump, x1 = p->axis[1].first + (begin[1] + o1) * p->axis[1].jump;
            int64_t x2 = p->axis[2].first + (begin[2] + o2) * p->axis[2].jump;
            run[n++] = (ks__run){v - v0, image * row + (x0 * p->axis[1].full + x1) * p->axis[2].full + x2, end - o2};
        }
        v += p2 - o2;
        o2 = 0;
        if (++o1 == p1) {
            o1 = 0;
            if (++o0 == p->axis[0].pitch && b->images > 1) {
                o0 = 0;
                image++;
            }
        }
    }
    return n;
}

/* Positions [v0, v1), rows of tiles [r0, r1). */
static void compute_chunk(const job *j, const block *b, const char *from, int64_t v0, int64_t v1, int64_t r0, int64_t r1)
{
    const ks__conv_plan *p = &j->p;
    ks__run run[CHUNK];
    _Alignas(64) char room[KS__CONV_ROWS * CHUNK * sizeof(float)];
    int64_t panel = p->kit->lanes * p->kit->vectors, chunk = PANELS * panel, size = result_size(p);
    int64_t runs = runs_of(p, b, v0, v1, run);
    for (int64_t r = r0; r < r1; r++) {
        int64_t row = ks__conv_start(p->rows, p->row_blocks, r), rows = ks__conv_start(p->rows, p->row_blocks, r + 1) - row;
        const char *a = j->packed + (size_t)((b->group * p->rows + row) * p->taps) * p->size;
        for (int64_t v = v0; v < v1; v += panel)
            p->kit->tile[rows - 1](p->taps, a, j->at, from + (size_t)v * p->size, room + (size_t)(v - v0) * p->size, chunk);
        int64_t to = ((b->image * p->conv->groups + b->group) * p->rows + row) * size;
        p->kit->put(rows, room, chunk, run, runs, p->axis[2].jump, j->result + (size_t)to * p->size, size);
    }
}

static void tile_task(void *payload, int64_t i)
{
    const job *j = payload;
    const ks__conv_plan *p = &j->p;
    char *own = j->tasks + (size_t)i * p->task;
    int64_t part = i / p->row_parts, down = i % p->row_parts, blocks = p->image_blocks * p->extent_blocks;
    int64_t r0 = ks__conv_start(p->row_blocks, p->row_parts, down), r1 = ks__conv_start(p->row_blocks, p->row_parts, down + 1);
    int64_t first = ks__conv_start(p->conv->groups * blocks, p->parts, part),
            end = ks__conv_start(p->conv->groups * blocks, p->parts, part + 1);
    int64_t chunk = PANELS * p->kit->lanes * p->kit->vectors;
    for (int64_t u = first; u < end; u++) {
        block b = block_at(p, u / blocks, u % blocks);
        if (!b.count[p->cut])
            continue;
        clear(j, u == first, own);
        spread(j, &b, own);
        int64_t span = ks__conv_span(p, b.images, b.count);
        for (int64_t v = 0; v < span; v += chunk)
            compute_chunk(j, &b, own, v, ks__conv_least(span, v + chunk), r0, r1);
    }
}

/* ---- the derivative of w: sums along the positions --------------------------------------------------------- */

/* Rows [r0, r1) of y's derivative at the block's virtual positions; the other positions are zero. */
static void spread_upstream(const job *j, const block *b, int64_t r0, int64_t r1, char *to)
{
    const ks__conv_plan *p = &j->p;
    int64_t size = result_size(p), begin[3] = {0}, n1 = b->count[1], n2 = b->count[2];
    begin[p->cut] = b->begin;
    for (int64_t r = r0; r < r1; r++) {
        for (int64_t i = 0; i < b->images; i++) {
            int64_t from = (((b->image + i) * p->conv->groups + b->group) * p->rows + r) * size;
            for (int64_t o = 0; o < b->count[0]; o++) {
                int64_t in = from + ((begin[0] + o) * p->axis[1].full + begin[1]) * p->axis[2].full + begin[2];
                int64_t out = r * p->upstream + i * p->plane + o * p->axis[1].pitch * p->axis[2].pitch;
                p->kit->copy(n1, n2, j->upstream + (size_t)in * p->size, p->axis[2].full, to + (size_t)out * p->size, p->axis[2].pitch);
            }
        }
    }
}

/* w's part [rows, taps] += the block's. Positions go in pieces, so that what is read again is still near. */
static void add_block(const job *j, const char *source, const char *upstream, int64_t span, int64_t r0, int64_t r1, char *sums)
{
    const ks__conv_plan *p = &j->p;
    int64_t columns = ks__conv_parts(p->taps, p->kit->columns), wide = p->kit->wide, piece = 1024;
    for (int64_t v = 0; v < span; v += piece) {
        int64_t n = ks__conv_parts(ks__conv_least(span - v, piece), wide) * wide;
        for (int64_t row = r0; row < r1;) {
            int64_t rows = ks__conv_least(KS__DOT_ROWS, r1 - row);
            for (int64_t k = 0; k < columns; k++) {
                int64_t t = ks__conv_start(p->taps, columns, k), count = ks__conv_start(p->taps, columns, k + 1) - t;
                p->kit->dots[rows - 1][count - 1](n, upstream + (size_t)(row * p->upstream + v) * p->size, p->upstream,
                                                  source + (size_t)v * p->size, j->at + t, sums + (size_t)(row * p->taps + t) * p->size,
                                                  p->taps);
            }
            row += rows;
        }
    }
}

static void sum_task(void *payload, int64_t i)
{
    const job *j = payload;
    const ks__conv_plan *p = &j->p;
    int64_t groups = p->conv->groups, blocks = p->image_blocks * p->extent_blocks, filters = groups * p->rows * p->taps;
    int64_t down = i % p->row_parts, group = i / p->row_parts % groups, part = i / p->row_parts / groups;
    int64_t r0 = ks__conv_start(p->row_blocks, p->row_parts, down) * KS__DOT_ROWS;
    int64_t r1 = ks__conv_least(p->rows, ks__conv_start(p->row_blocks, p->row_parts, down + 1) * KS__DOT_ROWS);
    char *source = j->tasks + (size_t)i * p->task,
         *upstream = source + p->task - (((size_t)(p->rows * p->upstream) * p->size + 63) & ~(size_t)63);
    char *sums = p->parts > 1 ? j->packed + (size_t)part * (((size_t)filters * p->size + 63) & ~(size_t)63) : j->result;
    sums += (size_t)(group * p->rows * p->taps) * p->size;
    memset(sums + (size_t)(r0 * p->taps) * p->size, 0, (size_t)((r1 - r0) * p->taps) * p->size);
    int64_t first = ks__conv_start(blocks, p->parts, part), end = ks__conv_start(blocks, p->parts, part + 1);
    for (int64_t u = first; u < end; u++) {
        block b = block_at(p, group, u);
        if (!b.count[p->cut])
            continue;
        int64_t span = ks__conv_span(p, b.images, b.count);
        clear(j, u == first, source);
        if (u == first || p->extent_blocks > 1)
            memset(upstream, 0, (size_t)(p->rows * p->upstream) * p->size);
        spread(j, &b, source);
        spread_upstream(j, &b, r0, r1, upstream);
        if (b.images < p->images) /* what another block left behind the last image */
            for (int64_t r = r0; r < r1; r++)
                memset(upstream + (size_t)(r * p->upstream + span) * p->size, 0, (size_t)(p->upstream - span) * p->size);
        add_block(j, source, upstream, span, r0, r1, sums);
    }
}

#define TOTAL 4096 /* elements of a task that adds up parts */

static void total_task(void *payload, int64_t i)
{
    const job *j = payload;
    const ks__conv_plan *p = &j->p;
    int64_t filters = p->conv->groups * p->rows * p->taps, stride = (int64_t)((((size_t)filters * p->size + 63) & ~(size_t)63) / p->size);
    p->kit->total(ks__conv_least(TOTAL, filters - i * TOTAL), p->parts, j->packed + (size_t)(i * TOTAL) * p->size, stride,
                  j->result + (size_t)(i * TOTAL) * p->size);
}

/* ---- the door ------------------------------------------------------------------------------------------ */

static bool is_empty(const ks__conv_plan *p)
{
    return !p->conv->images || !p->conv->groups || !p->rows || !p->axis[0].count || !p->axis[1].count || !p->axis[2].count;
}

/* Calls back for each phase of the result. */
static int64_t phase_count(const ks__conv *c, ks__conv_kind kind)
{
    return ks__conv_phases(c, kind, 0) * ks__conv_phases(c, kind, 1) * ks__conv_phases(c, kind, 2);
}

/* The plan of phase i; false if there is nothing to do. */
static bool phase_plan(const ks__conv *c, ks__conv_kind kind, int64_t i, ks__conv_plan *p)
{
    int64_t n1 = ks__conv_phases(c, kind, 1), n2 = ks__conv_phases(c, kind, 2);
    ks__conv_plan_of(p, c, kind, (const int64_t[]){i / n2 / n1, i / n2 % n1, i % n2});
    return !is_empty(p);
}

/* w has no elements, or none that anything adds to. */
static bool no_sums(const ks__conv *c, ks__conv_kind kind)
{
    return kind == KS__CONV_W && (!c->channels || !c->rows || !c->images || !c->out[0] || !c->out[1] || !c->out[2]);
}

size_t ks__conv_scratch(const ks__conv *c, ks__conv_kind kind)
{
    size_t most = 0;
    ks__conv_plan p;
    if (no_sums(c, kind) || !c->images || !c->groups || !c->rows || !c->channels)
        return 0;
    for (int64_t i = 0; i < phase_count(c, kind); i++) {
        if (phase_plan(c, kind, i, &p) && p.bytes > most)
            most = p.bytes;
    }
    return most;
}

static void each(const job *j, int64_t n, ks_task_fn task, ks_parallel_for_fn parallel_for, void *user)
{
    if (parallel_for && n > 1 && j->p.parts * j->p.row_parts > 1) {
        parallel_for(user, n, task, (void *)(uintptr_t)j);
        return;
    }
    for (int64_t i = 0; i < n; i++)
        task((void *)(uintptr_t)j, i);
}

static void run_phase(job *j, char *scratch, ks_parallel_for_fn parallel_for, void *user)
{
    const ks__conv_plan *p = &j->p;
    int64_t groups = p->conv->groups;
    if (p->across) {
        ks__conv_across_run(p, j->source, j->filters, j->upstream, j->result, scratch, parallel_for, user);
        return;
    }
    j->at = (int64_t *)(void *)scratch;
    j->from = j->at + p->taps;
    j->packed = scratch + p->tables;
    j->tasks = j->packed + p->packed;
    fill_tables(j);
    if (p->kind == KS__CONV_W) {
        each(j, groups * p->parts * p->row_parts, sum_task, parallel_for, user);
        if (p->parts > 1)
            each(j, ks__conv_parts(groups * p->rows * p->taps, TOTAL), total_task, parallel_for, user);
        return;
    }
    each(j, groups * p->row_blocks, pack_task, parallel_for, user);
    each(j, p->parts * p->row_parts, tile_task, parallel_for, user);
}

/* Where nothing is added up the result is zero. */
static bool zeros(const ks__conv *c, ks__conv_kind kind, void *result)
{
    int64_t windows = c->kernel[0] * c->kernel[1] * c->kernel[2], in = c->in[0] * c->in[1] * c->in[2],
            out = c->out[0] * c->out[1] * c->out[2];
    int64_t count = kind == KS__CONV_W   ? c->groups * c->rows * c->channels * windows
                    : kind == KS__CONV_X ? c->images * c->groups * c->channels * in
                                         : c->images * c->groups * c->rows * out;
    bool none = no_sums(c, kind) || !c->channels || !c->rows || !c->images;
    if (none && count)
        memset(result, 0, (size_t)count * ks_dtype_size(c->dtype));
    return none;
}

void ks__conv_run(const ks__conv *c, ks__conv_kind kind, void *x, void *w, void *y, void *scratch, ks_parallel_for_fn parallel_for,
                  void *user)
{
    void *result = kind == KS__CONV_Y ? y : kind == KS__CONV_X ? x : w;
    if (zeros(c, kind, result))
        return;
    for (int64_t i = 0; i < phase_count(c, kind); i++) {
        job j = {.source = kind == KS__CONV_X ? y : x, .filters = w, .upstream = y, .result = result};
        if (phase_plan(c, kind, i, &j.p))
            run_phase(&j, scratch, parallel_for, user);
    }
}
