/*
 * engine/kernels/conv_across_plan.c - when a convolution's vectors lie across channels, and how it is cut then: by sizes alone.
 */
#include "engine/kernels/conv_plan.h"

#define ROOM_BYTES     (48 * 1024)  /* of results before they are put in place */
#define UPSTREAM_BYTES (128 * 1024) /* of y's derivative in vectors */
#define LINE_BYTES     (128 * 1024) /* of a row of outputs, which is not cut */
#define TABLE_BYTES    (1 << 20)    /* of the taps of a line's runs */
#define MOST_SUMS      8            /* parts of the sums for w */
#define BLOCKS         16           /* tasks, where that many are worth it */

static int64_t window_of(const ks__conv *c)
{
    return c->kernel[0] * c->kernel[1] * c->kernel[2];
}

/* ---- cutting ------------------------------------------------------------------------------------------- */

/* Blocks of so many lines at most, as even as can be. */
static void cut_lines(ks__conv_plan *p, int64_t lines, int64_t most)
{
    p->lines = ks__conv_parts(lines, ks__conv_parts(lines, ks__conv_most(1, most)));
    p->line_blocks = ks__conv_parts(lines, p->lines);
}

/* Sums for w, of whole lines of images: cut by images, then by x's channels, then by lines, which alone costs time. */
static void plan_across_sums(ks__conv_plan *p, int64_t tasks)
{
    int64_t groups = p->conv->groups, width = p->vectors * p->kit->lanes, size = (int64_t)p->size, images = p->conv->images;
    int64_t sums = groups * p->channels * window_of(p->conv) * width, line = p->axis[2].count * width * size, lines = p->axis[1].count;
    int64_t most = ks__conv_most(1, ks__conv_least(MOST_SUMS, KS__CONV_PARTIALS / sums));
    tasks = ks__conv_parts(ks__conv_least(tasks, BLOCKS), groups);
    int64_t shares = ks__conv_least(ks__conv_least(images, tasks), most);
    p->row_parts = ks__conv_least(ks__conv_parts(tasks, shares), ks__conv_parts(p->channels, p->kit->across->rows[0]));
    int64_t line_parts = ks__conv_least(ks__conv_parts(tasks, shares * p->row_parts), most / shares);
    cut_lines(p, lines, ks__conv_least(ks__conv_parts(lines, line_parts), UPSTREAM_BYTES / line));
    int64_t fit = ks__conv_most(1, UPSTREAM_BYTES / (line * p->lines));
    p->image_blocks = ks__conv_least(images, shares * ks__conv_parts(ks__conv_parts(images, shares), fit));
    p->images = ks__conv_parts(images, p->image_blocks);
    p->parts = ks__conv_least(shares * line_parts, p->image_blocks * p->axis[0].count * p->line_blocks);
    p->packed = ks__conv_rounded(p->parts * sums * size);
    p->task = ks__conv_rounded(p->images * p->lines * line);
    p->bytes = p->packed + p->task * (size_t)(groups * p->parts * p->row_parts);
}

/* Tiles of so many images as fill them even along an edge; a block is whole lines of these. */
static void plan_across_tiles(ks__conv_plan *p, int64_t tasks)
{
    const ks__conv *c = p->conv;
    int64_t lanes = p->kit->lanes, taps = p->channels * window_of(c), size = (int64_t)p->size, tile = p->kit->across->rows[0];
    int64_t lines = p->axis[0].count * p->axis[1].count;
    tasks = ks__conv_least(tasks, BLOCKS);
    p->image_blocks = ks__conv_most(ks__conv_parts(c->images, 2 * tile), ks__conv_least(ks__conv_parts(c->images, tile), BLOCKS));
    p->images = ks__conv_parts(c->images, p->image_blocks);
    /* Many images share filters between lines; of few, edges are short: filters are cut first. */
    int64_t blocks = c->groups * p->image_blocks, share = ks__conv_parts(tasks, blocks), line_parts = 1;
    if (c->images >= tile)
        line_parts = ks__conv_least(lines, share);
    p->row_parts = ks__conv_least(p->slices, ks__conv_parts(share, line_parts));
    line_parts = ks__conv_least(lines, ks__conv_parts(share, p->row_parts));
    int64_t line = p->axis[2].count * ks__conv_parts(p->slices, p->row_parts) * p->kit->vectors * lanes * size;
    cut_lines(p, lines, ks__conv_least(ks__conv_parts(lines, line_parts), ROOM_BYTES / (line * p->images)));
    p->parts = ks__conv_least(blocks * ks__conv_least(line_parts, p->line_blocks), KS__CONV_TASKS);
    p->packed = ks__conv_rounded(c->groups * taps * p->vectors * lanes * size);
    p->room = ks__conv_rounded(p->images * p->lines * line);
    p->turned = ks__conv_rounded(p->lines * line);
    p->task = p->room + p->turned + ks__conv_rounded(p->runs * taps * (int64_t)sizeof(ks__across_tap)) +
              ks__conv_rounded(p->images * p->lines * p->axis[2].count * (int64_t)sizeof(ks__across_place)) +
              ks__conv_rounded((2 * p->runs + 1) * (int64_t)sizeof(int64_t));
    p->bytes = p->packed + p->task * (size_t)(p->parts * p->row_parts);
}

/* ---- the choice ---------------------------------------------------------------------------------------- */

/* The share of an axis' taps, over all outputs, that see something. */
static double met(const ks__conv_plan *p, int a)
{
    int64_t n = 0, all = 0, at;
    for (int64_t i = 0; i < p->conv->kernel[a]; i++) {
        if (!ks__conv_tap(p, a, i, &at))
            continue;
        int64_t low = 0, high = p->axis[a].count, step = p->axis[a].step, from = at - p->axis[a].before;
        low = from < 0 ? ks__conv_parts(-from, step) : 0;
        high = p->axis[a].size <= from ? 0 : ks__conv_least(high, ks__conv_parts(p->axis[a].size - from, step));
        n += high > low ? high - low : 0;
        all += p->axis[a].count;
    }
    return all ? (double)n / (double)all : 1;
}

/* How many rows a tile must have for the filters to come as fast as they are multiplied: from a near cache, from beyond. */
#define NEAR_ROWS  2.0
#define FAR_ROWS   6.0
#define NEAR_BYTES (512 * 1024) /* of a slice's filters */

/* By how much short tiles slow down: those of the outputs along the edges of lines, where images and lines are few. */
static double short_tiles(const ks__conv_plan *p)
{
    double edge = (double)(p->runs - 1) / (double)p->axis[2].count, rows = (double)(p->images * p->lines);
    int64_t vectors = ks__conv_parts(p->vectors, p->slices);
    int64_t slice = p->channels * window_of(p->conv) * vectors * p->kit->lanes * (int64_t)p->size;
    double wanted = slice > NEAR_BYTES ? FAR_ROWS : NEAR_ROWS;
    return rows < wanted ? 1 + edge * (wanted / rows - 1) : 1;
}

/* What vectors across positions compute for each output, as the plan has them. */
static double along(const ks__conv_plan *p)
{
    int64_t panel = p->kind == KS__CONV_W ? p->kit->wide : p->kit->lanes * p->kit->vectors, outs = p->images * p->extent;
    for (int a = 0; a < 3; a++)
        outs *= a == p->cut ? 1 : p->axis[a].count;
    return (double)(ks__conv_parts(p->positions, panel) * panel) / (double)outs;
}

/* What vectors across channels do. Tiles of few sums wait for themselves. */
static double across(const ks__conv_plan *p)
{
    double cost = met(p, 0) * met(p, 1) * met(p, 2) * (double)(p->vectors * p->kit->lanes) / (double)p->rows;
    int64_t sums = p->channels * ks__conv_least(p->vectors, p->kit->vectors);
    if (p->kind != KS__CONV_W)
        return cost * short_tiles(p);
    return sums < 4 ? cost * 4 / (double)sums : cost;
}

/* Whether a line's results and the taps' tables keep within bounds. */
static bool fits(ks__conv_plan *p)
{
    int64_t window = window_of(p->conv), limit = INT32_MAX / p->channels;
    if (p->axis[2].count > LINE_BYTES / (p->vectors * p->kit->lanes * (int64_t)p->size))
        return false;
    if (p->axis[0].size * p->axis[1].size * p->axis[2].size > limit || window > limit)
        return false;
    p->runs = p->kind == KS__CONV_W ? 0 : ks__conv_runs(p, NULL);
    return p->runs <= TABLE_BYTES / ((int64_t)sizeof(ks__across_tap) * p->channels * window);
}

bool ks__conv_plan_across(ks__conv_plan *p, int64_t tasks)
{
    ks__conv_plan other = *p;
    other.across = true;
    other.vectors = ks__conv_parts(p->rows, p->kit->lanes);
    other.slices = ks__conv_parts(other.vectors, p->kit->vectors);
    if (!fits(&other))
        return false;
    if (p->kind == KS__CONV_W)
        plan_across_sums(&other, tasks);
    else
        plan_across_tiles(&other, tasks);
    if (across(&other) > along(p))
        return false;
    *p = other;
    return true;
}
