/*
 * engine/kernels/conv_plan.h - how a convolution is laid out and cut; conv_plan.c makes the plan, conv.c runs it.
 *
 * A block of the source is copied once into a form in which every window lies alike: with zeros around it, and with a stride each of its
 * phases apart. Then the element under a tap of the window lies at the output's position plus a distance that belongs to the tap, and
 * outputs side by side read elements side by side: nothing is ever gathered. Positions are virtual: between the outputs of one row and
 * those of the next lie some that are computed and dropped, or weighted with zero. The zeros right of a row are those left of the next
 * one, so there are as few of these as can be.
 *
 * That is when vectors lie across positions. Where channels fill vectors and images are small, vectors lie across channels instead, and
 * nothing is copied or computed in vain: see conv_across.c.
 *
 * The derivative for x is the same with the roles exchanged: y's derivative is the source, and each phase of x has taps of its own.
 */
#ifndef KS_KERNELS_CONV_PLAN_H
#define KS_KERNELS_CONV_PLAN_H

#include "engine/kernels/conv_kit.h"

#define KS__CONV_TASKS    32        /* at most: each has a workspace */
#define KS__CONV_PARTIALS (1 << 22) /* elements of partial sums, at most */

/* An axis of a pass. Output o stands in the result at first + o * jump. Its window begins in the source at o * step - before (which
 * may be negative) and its last tap lies `reach` further. `pitch`: elements from one index to the next of a phase, this axis inside. */
typedef struct ks__conv_axis {
    int64_t size, count, step, before, reach, first, jump, full, pitch;
} ks__conv_axis;

/* Blocks of `images` images and `extent` outputs along the axis `cut`. */
typedef struct ks__conv_plan {
    const ks__conv *conv;
    const ks__conv_kit *kit;
    ks__conv_kind kind;
    size_t size; /* of an element */
    int64_t phase[3];
    ks__conv_axis axis[3];
    int64_t channels, rows, taps;  /* of the source; of the result; all of a row's taps */
    int64_t phases, plane, length; /* of the source; of an image's phase; of a channel's phase with what is read behind it */
    int cut;
    int64_t images, extent, image_blocks, extent_blocks;
    int64_t row_blocks; /* tiles down */
    int64_t parts;      /* tasks that share the blocks; of kind W: of each group, with sums of their own */
    int64_t row_parts;  /* tasks that share the rows */
    int64_t positions;  /* virtual ones of a block, most */
    int64_t upstream;   /* kind W: length of a row of y's derivative in the form of a block */
    /* Vectors across channels: of the result's channels (kind W: y's) so many vectors in so many slices, a slice being the width of a
     * tile; blocks of `lines` rows of outputs; `runs` of a row's outputs meet the same taps. */
    bool across;
    int64_t vectors, slices, lines, line_blocks, runs;
    size_t room, turned;                /* bytes of a block's results: as computed, and turned */
    size_t tables, packed, task, bytes; /* bytes: of the taps' tables, of packed filters or partial sums, of one task, of all */
} ks__conv_plan;

/* Phases of the result along an axis: of kind X as many as the stride, otherwise 1. */
int64_t ks__conv_phases(const ks__conv *conv, ks__conv_kind kind, int axis);

/* The plan for one phase of the result. */
void ks__conv_plan_of(ks__conv_plan *plan, const ks__conv *conv, ks__conv_kind kind, const int64_t phase[3]);

/* Whether tap i of the window counts in this phase, and where: its distance from where the window begins. */
bool ks__conv_tap(const ks__conv_plan *plan, int axis, int64_t i, int64_t *distance);

/* Completes a plan with vectors across channels if these compute less in vain than vectors across positions, as the plan has them. */
bool ks__conv_plan_across(ks__conv_plan *plan, int64_t tasks);

/* Whether tap i of output o sees an element of the source, and which: its distance from o * step. */
bool ks__conv_meets(const ks__conv_plan *plan, int axis, int64_t o, int64_t i, int64_t *distance);

/* Whether the same taps of two outputs see something. */
bool ks__conv_alike(const ks__conv_plan *plan, int axis, int64_t o, int64_t other);

/* The runs of outputs of a row that are alike: how many, and where they start (and the last one ends) unless NULL. */
int64_t ks__conv_runs(const ks__conv_plan *plan, int64_t *start);

/* Runs a plan that is `across`: result from source and filters, or of kind W from source and upstream (conv_across.c). */
void ks__conv_across_run(const ks__conv_plan *plan, const void *source, const void *filters, const void *upstream, void *result,
                         void *scratch, ks_parallel_for_fn parallel_for, void *user);

static inline int64_t ks__conv_least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static inline int64_t ks__conv_most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static inline int64_t ks__conv_parts(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

static inline size_t ks__conv_rounded(int64_t bytes)
{
    return ((size_t)bytes + 63) & ~(size_t)63;
}

/* Where part i of `parts` starts among n things: parts differ by one at most. */
static inline int64_t ks__conv_start(int64_t n, int64_t parts, int64_t i)
{
    return i * (n / parts) + ks__conv_least(i, n % parts);
}

/* The part of an axis of the source that outputs [begin, end) see: [low, high), behind `zeros` zeros. */
typedef struct ks__conv_seen {
    int64_t low, high, zeros;
} ks__conv_seen;

static inline ks__conv_seen ks__conv_sees(const ks__conv_axis *axis, int64_t begin, int64_t end)
{
    int64_t start = begin * axis->step - axis->before, stop = (end - 1) * axis->step + axis->reach + 1 - axis->before;
    ks__conv_seen s;
    s.low = ks__conv_least(ks__conv_most(start, 0), axis->size);
    s.high = ks__conv_most(s.low, ks__conv_least(stop, axis->size));
    s.zeros = ks__conv_most(0, s.low - start);
    return s;
}

/* Virtual positions that a block of so many images and outputs takes. */
static inline int64_t ks__conv_span(const ks__conv_plan *p, int64_t images, const int64_t count[3])
{
    return (images - 1) * p->plane + ((count[0] - 1) * p->axis[1].pitch + count[1] - 1) * p->axis[2].pitch + count[2];
}

#endif
