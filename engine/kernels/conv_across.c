/*
 * engine/kernels/conv_across.c - running a convolution whose vectors lie across channels: of the result, or, for the derivative of w, of y.
 *
 * What slides is read where it lies, one element at a time. Outputs that meet the same taps are a class: inside, along each edge, in each
 * corner. Tiles take outputs of one class, of all images of a block, and leave out the taps that see nothing: where images are small
 * that is a third of the work. No output is computed in vain, however short the rows are.
 */
#include "engine/kernels/conv_plan.h"

#include <string.h>

typedef struct job {
    const ks__conv_plan *p;
    const char *source, *filters, *upstream; /* what is read: what slides; w; of kind W y's derivative */
    char *result, *packed, *tasks;
} job;

static int64_t volume(const int64_t v[3])
{
    return v[0] * v[1] * v[2];
}

static int64_t source_size(const ks__conv_plan *p)
{
    return p->axis[0].size * p->axis[1].size * p->axis[2].size;
}

static int64_t count_of(const ks__conv_plan *p)
{
    return p->axis[0].count * p->axis[1].count * p->axis[2].count;
}

/* First vector of slice s. */
static int64_t slice_start(const ks__conv_plan *p, int64_t s)
{
    return ks__conv_start(p->vectors, p->slices, s);
}

/* ---- filters ------------------------------------------------------------------------------------------- */

/* The filters of a slice of a group as [taps of the source, lanes], zeros beyond the last channel. */
static void pack_task(void *payload, int64_t i)
{
    const job *j = payload;
    const ks__conv_plan *p = j->p;
    const ks__conv *c = p->conv;
    int64_t lanes = p->kit->lanes, window = volume(c->kernel), taps = p->channels * window, group = i / p->slices;
    int64_t v0 = slice_start(p, i % p->slices), width = (slice_start(p, i % p->slices + 1) - v0) * lanes;
    int64_t first = v0 * lanes, rows = ks__conv_least(p->rows - first, width);
    char *to = j->packed + (size_t)((group * p->vectors + v0) * lanes * taps) * p->size;
    const char *w = j->filters + (size_t)(group * c->rows * c->channels * window) * p->size;
    if (rows < width)
        memset(to, 0, (size_t)(taps * width) * p->size);
    if (p->kind == KS__CONV_Y) {
        p->kit->across->turn(taps, rows, w + (size_t)(first * taps) * p->size, taps, to, width);
        return;
    }
    for (int64_t m = 0; m < c->rows; m++)
        p->kit->across->turn(window, rows, w + (size_t)((m * c->channels + first) * window) * p->size, window,
                             to + (size_t)(m * window * width) * p->size, width);
}

/* ---- classes ------------------------------------------------------------------------------------------- */

/* The taps of a class of outputs, from where the window of output 0 would begin were there no padding. */
static int64_t fill_table(const ks__conv_plan *p, const int64_t o[3], ks__across_tap *table)
{
    const ks__conv *c = p->conv;
    int64_t n = 0, at[3], window = volume(c->kernel), plane = source_size(p);
    for (int64_t i0 = 0; i0 < c->kernel[0]; i0++) {
        for (int64_t i1 = 0; i1 < c->kernel[1]; i1++) {
            for (int64_t i2 = 0; i2 < c->kernel[2]; i2++) {
                if (ks__conv_meets(p, 0, o[0], i0, &at[0]) && ks__conv_meets(p, 1, o[1], i1, &at[1]) &&
                    ks__conv_meets(p, 2, o[2], i2, &at[2]))
                    table[n++] = (ks__across_tap){(int32_t)((at[0] * p->axis[1].size + at[1]) * p->axis[2].size + at[2]),
                                                  (int32_t)((i0 * c->kernel[1] + i1) * c->kernel[2] + i2)};
            }
        }
    }
    ks__across_tap *to = table + n;
    for (int64_t k = 1; k < p->channels; k++)
        for (int64_t i = 0; i < n; i++)
            *to++ = (ks__across_tap){(int32_t)(table[i].at + k * plane), (int32_t)(table[i].w + k * window)};
    return n * p->channels;
}

/* ---- y, and the derivative of x ---------------------------------------------------------------------------- */

/* What a task works with. */
typedef struct room {
    char *sums, *turned;     /* [image, line, output, channel]; [channel, line, output] */
    ks__across_tap *tables;  /* of each run of a line */
    int64_t *start, *taps;   /* of each run */
    ks__across_place *place; /* of the outputs of a run */
    int64_t group, image, images, v0, v1, s0, s1;
} room;

static room room_at(const ks__conv_plan *p, char *own)
{
    room r = {.sums = own};
    r.turned = r.sums + p->room;
    r.tables = (ks__across_tap *)(void *)(r.turned + p->turned);
    r.place = (ks__across_place *)(void *)(r.tables + p->runs * p->channels * volume(p->conv->kernel));
    r.start = (int64_t *)(void *)(r.place + p->images * p->lines * p->axis[2].count);
    r.taps = r.start + p->runs + 1;
    return r;
}

/* The outputs of run k of lines [l, end), the first of those at work being l0. */
static int64_t fill_places(const ks__conv_plan *p, const room *r, int64_t l0, int64_t l, int64_t end, int64_t k)
{
    int64_t n = 0, channels = (r->v1 - r->v0) * p->kit->lanes, image = p->channels * p->conv->groups * source_size(p);
    const ks__conv_axis *axis = p->axis;
    for (int64_t i = 0; i < r->images; i++) {
        for (int64_t line = l; line < end; line++) {
            int64_t from = line / axis[1].count * axis[0].step * axis[1].size + line % axis[1].count * axis[1].step;
            from = i * image + from * axis[2].size;
            int64_t to = (i * p->lines + line - l0) * axis[2].count;
            for (int64_t o2 = r->start[k]; o2 < r->start[k + 1]; o2++)
                r->place[n++] = (ks__across_place){from + o2 * axis[2].step, (to + o2) * channels};
        }
    }
    return n;
}

/* Outputs of run k, the slices of the task. */
static void compute_run(const job *j, const room *r, const char *from, int64_t count, int64_t k)
{
    const ks__conv_plan *p = j->p;
    int64_t lanes = p->kit->lanes, taps = p->channels * volume(p->conv->kernel);
    const ks__across_tap *table = r->tables + k * taps;
    for (int64_t s = r->s0; s < r->s1; s++) {
        int64_t v = slice_start(p, s), vectors = slice_start(p, s + 1) - v;
        const char *w = j->packed + (size_t)((r->group * p->vectors + v) * lanes * taps) * p->size;
        char *c = r->sums + (size_t)((v - r->v0) * lanes) * p->size;
        int64_t tiles = ks__conv_parts(count, p->kit->across->rows[vectors - 1]);
        for (int64_t t = 0; t < tiles; t++) {
            int64_t first = ks__conv_start(count, tiles, t), rows = ks__conv_start(count, tiles, t + 1) - first;
            p->kit->across->tile[vectors - 1][rows - 1](r->taps[k], table, w, from, r->place + first, c);
        }
    }
}

/* Lines [l0, l1) to where they belong. */
static void put_lines(const job *j, const room *r, int64_t l0, int64_t l1)
{
    const ks__conv_plan *p = j->p;
    const ks__conv_axis *axis = p->axis;
    int64_t lanes = p->kit->lanes, width = axis[2].count, n = (l1 - l0) * width, channels = (r->v1 - r->v0) * lanes;
    int64_t full = axis[0].full * axis[1].full * axis[2].full, rows = ks__conv_least(channels, p->rows - r->v0 * lanes);
    bool whole = full == count_of(p);
    for (int64_t i = 0; i < r->images; i++) {
        const char *from = r->sums + (size_t)(i * p->lines * width * channels) * p->size;
        char *to = j->result + (size_t)((((r->image + i) * p->conv->groups + r->group) * p->rows + r->v0 * lanes) * full) * p->size;
        if (whole) {
            p->kit->across->turn(rows, n, from, channels, to + (size_t)(l0 * width) * p->size, full);
            continue;
        }
        p->kit->across->turn(rows, n, from, channels, r->turned, n);
        for (int64_t l = l0; l < l1; l++) {
            int64_t x0 = axis[0].first + l / axis[1].count * axis[0].jump, x1 = axis[1].first + l % axis[1].count * axis[1].jump;
            ks__run run = {(l - l0) * width, (x0 * axis[1].full + x1) * axis[2].full + axis[2].first, width};
            p->kit->put(rows, r->turned, n, &run, 1, axis[2].jump, to, full);
        }
    }
}

static bool alike(const ks__conv_plan *p, int64_t line, int64_t other)
{
    int64_t n = p->axis[1].count;
    return ks__conv_alike(p, 0, line / n, other / n) && ks__conv_alike(p, 1, line % n, other % n);
}

/* Lines [l0, l1) of the block's images, those that are alike at once. `last` is a line whose classes the tables have. */
static void compute_lines(const job *j, const room *r, int64_t l0, int64_t l1, int64_t *last)
{
    const ks__conv_plan *p = j->p;
    int64_t n1 = p->axis[1].count, taps = p->channels * volume(p->conv->kernel);
    const char *from = j->source + (size_t)((r->image * p->conv->groups + r->group) * p->channels * source_size(p)) * p->size;
    for (int64_t l = l0, end; l < l1; l = end) {
        bool same = *last >= 0 && alike(p, l, *last);
        for (end = l + 1; end < l1 && alike(p, l, end);)
            end++;
        for (int64_t k = 0; k < p->runs; k++) {
            if (!same)
                r->taps[k] = fill_table(p, (int64_t[]){l / n1, l % n1, r->start[k]}, r->tables + k * taps);
            compute_run(j, r, from, fill_places(p, r, l0, l, end, k), k);
        }
        *last = l;
    }
    put_lines(j, r, l0, l1);
}

static void tile_task(void *payload, int64_t i)
{
    const job *j = payload;
    const ks__conv_plan *p = j->p;
    room r = room_at(p, j->tasks + (size_t)i * p->task);
    int64_t part = i / p->row_parts, down = i % p->row_parts, units = p->conv->groups * p->image_blocks * p->line_blocks, last = -1;
    int64_t end = ks__conv_start(units, p->parts, part + 1);
    r.s0 = ks__conv_start(p->slices, p->row_parts, down);
    r.s1 = ks__conv_start(p->slices, p->row_parts, down + 1);
    r.v0 = slice_start(p, r.s0);
    r.v1 = slice_start(p, r.s1);
    ks__conv_runs(p, r.start);
    for (int64_t u = ks__conv_start(units, p->parts, part); u < end; u++) {
        int64_t block = u / p->line_blocks % p->image_blocks, lines = p->axis[0].count * p->axis[1].count;
        int64_t l0 = u % p->line_blocks * p->lines, l1 = ks__conv_least(lines, l0 + p->lines);
        r.group = u / p->line_blocks / p->image_blocks;
        r.image = ks__conv_start(p->conv->images, p->image_blocks, block);
        r.images = ks__conv_start(p->conv->images, p->image_blocks, block + 1) - r.image;
        compute_lines(j, &r, l0, l1, &last);
    }
}

/* ---- the derivative of w ----------------------------------------------------------------------------------- */

/* Lines of y's derivative of some images: `line` of l0, of index o0 along axis 0. */
typedef struct piece {
    int64_t group, image, images, o0, line, lines;
    int64_t c0, c1; /* channels of x */
    char *upstream; /* [slice][image, line, output, lanes] */
    char *sums;     /* [channel, window, lanes] */
} piece;

/* Elements of the packed derivative before slice s. */
static int64_t upstream_start(const ks__conv_plan *p, int64_t s)
{
    return slice_start(p, s) * p->kit->lanes * p->images * p->lines * p->axis[2].count;
}

static void pack_upstream(const job *j, const piece *b)
{
    const ks__conv_plan *p = j->p;
    int64_t lanes = p->kit->lanes, width = p->axis[2].count, n = b->lines * width, plane = count_of(p);
    for (int64_t s = 0; s < p->slices; s++) {
        int64_t v = slice_start(p, s), channels = (slice_start(p, s + 1) - v) * lanes;
        int64_t rows = ks__conv_least(channels, p->rows - v * lanes);
        char *to = b->upstream + (size_t)upstream_start(p, s) * p->size;
        for (int64_t i = 0; i < b->images; i++) {
            int64_t from = (((b->image + i) * p->conv->groups + b->group) * p->rows + v * lanes) * plane;
            from += (b->o0 * p->axis[1].count + b->line) * width;
            p->kit->across->turn(n, rows, j->upstream + (size_t)from * p->size, plane, to + (size_t)(i * n * channels) * p->size, channels);
        }
    }
}

/* The outputs [low, high) of [begin, end) whose tap i sees something along an axis; and what the first of them sees. */
static int64_t seeing(const ks__conv_plan *p, int a, int64_t i, int64_t *begin, int64_t *end)
{
    int64_t at;
    while (*begin < *end && !ks__conv_meets(p, a, *begin, i, &at))
        ++*begin;
    while (*begin < *end && !ks__conv_meets(p, a, *end - 1, i, &at))
        --*end;
    return *begin < *end ? *begin * p->axis[a].step + at : -1;
}

/* One tap of the window, all channels, slice s. */
static void add_tap(const job *j, const piece *b, const int64_t tap[3], int64_t s)
{
    const ks__conv_plan *p = j->p;
    const ks__conv *c = p->conv;
    int64_t lanes = p->kit->lanes, window = volume(c->kernel), plane = source_size(p), width = p->axis[2].count, at0;
    int64_t l0 = b->line, l1 = b->line + b->lines, k0 = 0, k1 = width;
    if (!ks__conv_meets(p, 0, b->o0, tap[0], &at0))
        return;
    int64_t x1 = seeing(p, 1, tap[1], &l0, &l1), x2 = seeing(p, 2, tap[2], &k0, &k1);
    if (x1 < 0 || x2 < 0)
        return;
    int64_t v = slice_start(p, s), vectors = slice_start(p, s + 1) - v, channels = vectors * lanes;
    ks__across_sum sum = {.images = b->images, .rows = l1 - l0, .columns = k1 - k0};
    sum.x_channel = plane;
    sum.x_image = c->groups * p->channels * plane;
    sum.x_row = p->axis[1].step * p->axis[2].size;
    sum.x_step = p->axis[2].step;
    sum.u_row = width * channels;
    sum.u_image = b->lines * sum.u_row;
    sum.c_row = window * p->vectors * lanes;
    int64_t x = (b->image * c->groups + b->group) * p->channels * plane;
    x += ((b->o0 * p->axis[0].step + at0) * p->axis[1].size + x1) * p->axis[2].size + x2;
    int64_t u = upstream_start(p, s) + ((l0 - b->line) * width + k0) * channels;
    int64_t out = ((tap[0] * c->kernel[1] + tap[1]) * c->kernel[2] + tap[2]) * p->vectors * lanes + v * lanes;
    int64_t tiles = ks__conv_parts(b->c1 - b->c0, p->kit->across->rows[vectors - 1]);
    for (int64_t t = 0; t < tiles; t++) {
        int64_t first = b->c0 + ks__conv_start(b->c1 - b->c0, tiles, t), end = b->c0 + ks__conv_start(b->c1 - b->c0, tiles, t + 1);
        p->kit->across->sums[vectors - 1][end - first - 1](&sum, j->source + (size_t)(x + first * plane) * p->size,
                                                           b->upstream + (size_t)u * p->size,
                                                           b->sums + (size_t)(first * sum.c_row + out) * p->size);
    }
}

static void add_piece(const job *j, const piece *b)
{
    const int64_t *kernel = j->p->conv->kernel;
    int64_t tap[3];
    pack_upstream(j, b);
    for (int64_t s = 0; s < j->p->slices; s++)
        for (tap[0] = 0; tap[0] < kernel[0]; tap[0]++)
            for (tap[1] = 0; tap[1] < kernel[1]; tap[1]++)
                for (tap[2] = 0; tap[2] < kernel[2]; tap[2]++)
                    add_tap(j, b, tap, s);
}

/* Elements of the partial sums of a channel of x. */
static int64_t channel_sums(const ks__conv_plan *p)
{
    return volume(p->conv->kernel) * p->vectors * p->kit->lanes;
}

/* Part of the images, part of x's channels. */
static void sum_task(void *payload, int64_t i)
{
    const job *j = payload;
    const ks__conv_plan *p = j->p;
    int64_t groups = p->conv->groups, of_channel = channel_sums(p);
    int64_t share = i % p->row_parts, part = i / p->row_parts / groups;
    piece b = {.group = i / p->row_parts % groups, .upstream = j->tasks + (size_t)i * p->task};
    b.c0 = ks__conv_start(p->channels, p->row_parts, share);
    b.c1 = ks__conv_start(p->channels, p->row_parts, share + 1);
    b.sums = j->packed + (size_t)((part * groups + b.group) * p->channels * of_channel) * p->size;
    memset(b.sums + (size_t)(b.c0 * of_channel) * p->size, 0, (size_t)((b.c1 - b.c0) * of_channel) * p->size);
    if (p->rows % p->kit->lanes)
        memset(b.upstream, 0, p->task); /* lanes beyond the last channel */
    int64_t units = p->image_blocks * p->axis[0].count * p->line_blocks, end = ks__conv_start(units, p->parts, part + 1);
    for (int64_t u = ks__conv_start(units, p->parts, part); u < end; u++) {
        int64_t block = u / p->line_blocks / p->axis[0].count;
        b.image = ks__conv_start(p->conv->images, p->image_blocks, block);
        b.images = ks__conv_start(p->conv->images, p->image_blocks, block + 1) - b.image;
        b.o0 = u / p->line_blocks % p->axis[0].count;
        b.line = u % p->line_blocks * p->lines;
        b.lines = ks__conv_least(p->lines, p->axis[1].count - b.line);
        add_piece(j, &b);
    }
}

/* w's part for a channel of x: the parts added up in their order, and turned into their places. */
static void total_task(void *payload, int64_t i)
{
    const job *j = payload;
    const ks__conv_plan *p = j->p;
    int64_t window = volume(p->conv->kernel), lanes = p->kit->lanes, n = channel_sums(p), all = p->conv->groups * p->channels * n;
    int64_t group = i / p->channels, channel = i % p->channels;
    char *sums = j->packed + (size_t)(i * n) * p->size;
    for (int64_t k = 1; k < p->parts; k++)
        p->kit->across->add(n, sums + (size_t)(k * all) * p->size, sums);
    char *to = j->result + (size_t)((group * p->rows * p->channels + channel) * window) * p->size;
    p->kit->across->turn(p->rows, window, sums, p->vectors * lanes, to, p->channels * window);
}

/* ---- the door ------------------------------------------------------------------------------------------ */

static void each(const job *j, int64_t n, ks_task_fn task, ks_parallel_for_fn parallel_for, void *user)
{
    if (parallel_for && n > 1 && j->p->parts * j->p->row_parts * j->p->conv->groups > 1) {
        parallel_for(user, n, task, (void *)(uintptr_t)j);
        return;
    }
    for (int64_t i = 0; i < n; i++)
        task((void *)(uintptr_t)j, i);
}

void ks__conv_across_run(const ks__conv_plan *p, const void *source, const void *filters, const void *upstream, void *result, void *scratch,
                         ks_parallel_for_fn parallel_for, void *user)
{
    job j = {.p = p, .source = source, .filters = filters, .upstream = upstream, .result = result, .packed = scratch};
    int64_t groups = p->conv->groups;
    j.tasks = j.packed + p->packed;
    if (p->kind == KS__CONV_W) {
        each(&j, groups * p->parts * p->row_parts, sum_task, parallel_for, user);
        each(&j, groups * p->channels, total_task, parallel_for, user);
        return;
    }
    each(&j, groups * p->slices, pack_task, parallel_for, user);
    each(&j, p->parts * p->row_parts, tile_task, parallel_for, user);
}
