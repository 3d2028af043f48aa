/*
 * engine/kernels/conv_plan.c - the layout of a convolution's source, and how the work is cut: by sizes alone.
 */
#include "engine/kernels/conv_plan.h"

#define TASK       (1 << 20)    /* multiply-adds that a task has at least */
#define NEAR_BYTES (256 * 1024) /* of a block of the source: half of an L2 or less */
#define RUN        1024         /* positions of a block, where images are small */

/* ---- axes ---------------------------------------------------------------------------------------------- */

int64_t ks__conv_phases(const ks__conv *conv, ks__conv_kind kind, int axis)
{
    return kind == KS__CONV_X ? conv->stride[axis] : 1;
}

bool ks__conv_tap(const ks__conv_plan *p, int axis, int64_t i, int64_t *distance)
{
    const ks__conv *c = p->conv;
    *distance = i * c->dilation[axis];
    if (p->kind != KS__CONV_X)
        return true;
    int64_t from = p->phase[axis] + c->before[axis] - i * c->dilation[axis];
    *distance = from / c->stride[axis] + p->axis[axis].before;
    return from % c->stride[axis] == 0;
}

/* y or w: windows over x */
static void forward_axis(ks__conv_plan *p, int a)
{
    const ks__conv *c = p->conv;
    p->axis[a] = (ks__conv_axis){.size = c->in[a],
                                 .count = c->out[a],
                                 .step = c->stride[a],
                                 .before = c->before[a],
                                 .reach = (c->kernel[a] - 1) * c->dilation[a],
                                 .jump = 1,
                                 .full = c->out[a]};
}

/* x: windows over y, of the taps that meet the phase */
static void backward_axis(ks__conv_plan *p, int a)
{
    const ks__conv *c = p->conv;
    int64_t s = c->stride[a], f = p->phase[a], low = 0, high = 0;
    bool any = false;
    p->axis[a] = (ks__conv_axis){.size = c->out[a], .step = 1, .first = f, .jump = s, .full = c->in[a]};
    p->axis[a].count = f < c->in[a] ? ks__conv_parts(c->in[a] - f, s) : 0;
    for (int64_t i = 0; i < c->kernel[a]; i++) {
        int64_t at;
        if (!ks__conv_tap(p, a, i, &at))
            continue;
        low = any ? ks__conv_least(low, at) : at;
        high = any ? ks__conv_most(high, at) : at;
        any = true;
    }
    p->axis[a].before = -low;
    p->axis[a].reach = high - low;
}

bool ks__conv_meets(const ks__conv_plan *p, int a, int64_t o, int64_t i, int64_t *distance)
{
    if (!ks__conv_tap(p, a, i, distance))
        return false;
    *distance -= p->axis[a].before;
    int64_t at = o * p->axis[a].step + *distance;
    return at >= 0 && at < p->axis[a].size;
}

bool ks__conv_alike(const ks__conv_plan *p, int a, int64_t o, int64_t other)
{
    int64_t at;
    for (int64_t i = 0; i < p->conv->kernel[a]; i++) {
        if (ks__conv_meets(p, a, o, i, &at) != ks__conv_meets(p, a, other, i, &at))
            return false;
    }
    return true;
}

int64_t ks__conv_runs(const ks__conv_plan *p, int64_t *start)
{
    int64_t runs = 0;
    for (int64_t o = 0; o < p->axis[2].count; o++) {
        if (o && ks__conv_alike(p, 2, o, o - 1))
            continue;
        if (start)
            start[runs] = o;
        runs++;
    }
    if (start)
        start[runs] = p->axis[2].count;
    return runs;
}

/* ---- the layout ---------------------------------------------------------------------------------------- */

/* The pitch of an axis that is whole: its own zeros on one side serve the other side too. Each output has a position. */
static int64_t whole_pitch(const ks__conv_axis *axis)
{
    ks__conv_seen s = ks__conv_sees(axis, 0, axis->count);
    int64_t stop = (axis->count - 1) * axis->step + axis->reach + 1 - axis->before;
    int64_t behind = ks__conv_most(0, stop - s.high);
    return ks__conv_most(axis->count, ks__conv_parts(s.high - s.low + ks__conv_most(s.zeros, behind), axis->step));
}

static void lay_out(ks__conv_plan *p)
{
    int64_t count[3], far = 0;
    p->plane = p->phases = 1;
    for (int a = 0; a < 3; a++) {
        ks__conv_axis *axis = &p->axis[a];
        bool part = a == p->cut && p->extent < axis->count;
        count[a] = part ? p->extent : axis->count;
        axis->pitch = part ? ks__conv_parts((p->extent - 1) * axis->step + axis->reach + 1, axis->step) : whole_pitch(axis);
        p->plane *= axis->pitch;
        p->phases *= axis->step;
        far = far * axis->pitch + axis->reach / axis->step;
    }
    int64_t panel = p->kit->lanes * p->kit->vectors;
    p->positions = ks__conv_span(p, p->images, count);
    p->length = ks__conv_most(p->images * p->plane, ks__conv_parts(p->positions, panel) * panel + far);
    /* An odd number of lines: rows of powers of two would fall into the same places of the cache. */
    p->length = (ks__conv_parts(p->length, p->kit->lanes) | 1) * p->kit->lanes;
    p->upstream = (ks__conv_parts(p->positions, p->kit->lanes) | 1) * ks__conv_most(p->kit->lanes, p->kit->wide);
}

/* ---- cutting ------------------------------------------------------------------------------------------- */

static int64_t tasks_for(const ks__conv_plan *p)
{
    const ks__conv *c = p->conv;
    double work = (double)c->images * (double)c->groups * (double)p->rows * (double)(p->taps + 1);
    for (int a = 0; a < 3; a++)
        work *= (double)p->axis[a].count;
    return work / TASK >= KS__CONV_TASKS ? KS__CONV_TASKS : (int64_t)(work / TASK) + 1;
}

/* Few outputs of a large image, or several small images: what fits near, and makes tasks enough. */
static void choose_blocks(ks__conv_plan *p, int64_t tasks)
{
    const ks__conv *c = p->conv;
    int64_t count = p->axis[p->cut].count, inner = 1;
    double bytes = (double)(p->channels * p->phases) * (double)p->plane * (double)p->size;
    for (int a = p->cut + 1; a < 3; a++)
        inner *= p->axis[a].pitch;
    if (bytes > NEAR_BYTES)
        p->extent = ks__conv_most(1, (int64_t)((double)count * NEAR_BYTES / bytes));
    int64_t shares = ks__conv_parts(tasks, c->groups * c->images);
    p->extent = ks__conv_least(p->extent, ks__conv_parts(count, shares));
    p->extent = ks__conv_most(p->extent, ks__conv_least(count, ks__conv_parts(4 * p->kit->lanes * p->kit->vectors, inner)));
    p->extent_blocks = ks__conv_parts(count, p->extent);
    p->extent = ks__conv_parts(count, p->extent_blocks);
    if (p->extent == count) {
        int64_t most = ks__conv_most(1, (int64_t)(NEAR_BYTES / bytes)), fair = ks__conv_most(1, c->images * c->groups / tasks);
        p->images = ks__conv_most(1, RUN / p->plane);
        p->images = ks__conv_least(ks__conv_least(p->images, c->images), ks__conv_least(most, fair));
    }
    p->image_blocks = ks__conv_parts(c->images, p->images);
}

static void choose_parts(ks__conv_plan *p, int64_t tasks)
{
    int64_t groups = p->conv->groups, blocks = p->image_blocks * p->extent_blocks;
    p->row_blocks = ks__conv_parts(p->rows, p->kind == KS__CONV_W ? KS__DOT_ROWS : p->kit->rows);
    if (p->kind == KS__CONV_W) {
        int64_t most = ks__conv_most(1, KS__CONV_PARTIALS / (groups * p->rows * p->taps));
        p->parts = ks__conv_least(ks__conv_least(blocks, ks__conv_parts(tasks, groups)), most);
        p->row_parts = ks__conv_parts(tasks, groups * p->parts);
    } else {
        p->parts = ks__conv_least(groups * blocks, tasks);
        p->row_parts = ks__conv_parts(tasks, p->parts);
    }
    p->row_parts = ks__conv_most(1, ks__conv_least(p->row_parts, p->row_blocks));
}

static void count_bytes(ks__conv_plan *p)
{
    int64_t size = (int64_t)p->size, groups = p->conv->groups, filters = groups * p->rows * p->taps;
    bool w = p->kind == KS__CONV_W;
    p->tables = ks__conv_rounded(2 * p->taps * (int64_t)sizeof(int64_t));
    p->packed = w ? (p->parts > 1 ? (size_t)p->parts * ks__conv_rounded(filters * size) : 0) : ks__conv_rounded(filters * size);
    p->task = ks__conv_rounded(p->channels * p->phases * p->length * size) + (w ? ks__conv_rounded(p->rows * p->upstream * size) : 0);
    p->bytes = p->tables + p->packed + p->task * (size_t)(p->parts * p->row_parts * (w ? groups : 1));
}

void ks__conv_plan_of(ks__conv_plan *p, const ks__conv *c, ks__conv_kind kind, const int64_t phase[3])
{
    *p = (ks__conv_plan){.conv = c, .kind = kind, .size = ks_dtype_size(c->dtype), .cut = -1, .images = 1, .extent_blocks = 1};
    p->kit = (c->dtype == KS_F32 ? ks__conv_kit_f32 : ks__conv_kit_f64)[c->isa];
    p->channels = p->taps = kind == KS__CONV_X ? c->rows : c->channels;
    p->rows = kind == KS__CONV_X ? c->channels : c->rows;
    for (int a = 0; a < 3; a++) {
        int64_t taps = 0, at;
        p->phase[a] = phase[a];
        if (kind == KS__CONV_X)
            backward_axis(p, a);
        else
            forward_axis(p, a);
        for (int64_t i = 0; i < c->kernel[a]; i++)
            taps += ks__conv_tap(p, a, i, &at);
        p->taps *= taps;
        if (!p->axis[a].count)
            return; /* nothing to compute */
        if (p->cut < 0 && (p->axis[a].count > 1 || a == 2))
            p->cut = a;
    }
    p->extent = p->axis[p->cut].count;
    lay_out(p);
    int64_t tasks = tasks_for(p);
    choose_blocks(p, tasks);
    lay_out(p);
    if (ks__conv_plan_across(p, tasks))
        return;
    choose_parts(p, tasks);
    count_bytes(p);
}
