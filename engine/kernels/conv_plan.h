/*
 * engine/kernels/conv_plan.h - how a convolution is laid out and cut; conv_plan.c makes the plan, conv.c runs it.
 *
 * A block of the source is copied once into a form in which every window lies alike: with zeros around it, and with a stride each of its
 * phases apart. Then the element under a tap of the window lies at the output's position plus a distance that belongs to the tap, and
 * outputs side by side read elements side by side: nothing is ever gathered. Positions are virtual: between the outputs of one row and
 * those of the next lie some that are computed and dropped, or weighted with zero. The zeros right of a row are those left of the next
 * one, so there are as few of these as can be.
 *
 * The derivative for x is the same with the roles exchanged: y's derivative is the source, and each phase of x has taps of its own.
 */
#ifndef KS_KERNELS_CONV_PLAN_H
#define KS_KERNELS_CONV_PLAN_H

#include "engine/kernels/conv_kit.h"

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
    int64_t row_blocks;                 /* tiles down */
    int64_t parts;                      /* tasks that share the blocks; of kind W: of each group, with sums of their own */
    int64_t row_parts;                  /* tasks that share the rows */
    int64_t positions;                  /* virtual ones of a block, most */
    int64_t upstream;                   /* kind W: length of a row of y's derivative in the form of a block */
    size_t tables, packed, task, bytes; /* bytes: of the taps' tables, of packed filters or partial sums, of one task, of all */
} ks__conv_plan;

/* Phases of the result along an axis: of kind X as many as the stride, otherwise 1. */
int64_t ks__conv_phases(const ks__conv *conv, ks__conv_kind kind, int axis);

/* The plan for one phase of the result. */
void ks__conv_plan_of(ks__conv_plan *plan, const ks__conv *conv, ks__conv_kind kind, const int64_t phase[3]);

/* Whether tap i of the window counts in this phase, and where: its distance from where the window begins. */
bool ks__conv_tap(const ks__conv_plan *plan, int axis, int64_t i, int64_t *distance);

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
