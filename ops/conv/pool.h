/*
 * ops/conv/pool.h - what the poolings share: windows that slide, or that are adapted to a size; what a window sees; planes as tasks.
 */
#ifndef KS_OPS_CONV_POOL_H
#define KS_OPS_CONV_POOL_H

#include "ops/conv/window.h"

#define KS__POOL_ATTRS                                                                                                                     \
    KS__WINDOW_FIELD(kernel_shape, KS_ATTR_INTS, false, "the window's size, a number for each spatial axis, or one for all"),              \
        KS__WINDOW_STRIDES, KS__WINDOW_PADS, KS__WINDOW_DILATIONS, KS__WINDOW_AUTO_PAD, KS__WINDOW_CEIL_MODE
#define KS__POOL_OUTPUT_SIZE(REQUIRED)                                                                                                     \
    KS__WINDOW_FIELD(output_size, KS_ATTR_INTS, REQUIRED,                                                                                  \
                     "instead of sliding: windows that make a result of this size, a number for each spatial axis, or one for all")

/* The windows of a pooling over input `which`, and the shape of its result. infer may be NULL if all was found right before. */
bool ks__pool_window(ks_infer *infer, int which, const ks_shape *x, const ks__window_attrs *attrs, ks__window *window, ks_shape *y);

/* The rule of what takes u, of the pooled shape, and x, whose shape it gives. */
bool ks__pool_infer_grad(ks_infer *infer);

/* The x of the examples. */
ks_node *ks__pool_image(ks_graph *graph);

/* What a window sees of an axis: `count` elements from `first`, `step` apart; `padded`: with the padding that it covers. */
typedef struct ks__pool_span {
    int64_t first, count, step, padded;
} ks__pool_span;

/* Of output o along axis a. */
static inline ks__pool_span ks__pool_sees(const ks__window *w, bool adaptive, int a, int64_t o)
{
    if (adaptive) {
        int64_t first = o * w->in[a] / w->out[a], end = ks__ceil_div((o + 1) * w->in[a], w->out[a]);
        return (ks__pool_span){first, end - first, 1, end - first};
    }
    int64_t d = w->dilation[a], start = o * w->stride[a] - w->before[a], room = w->in[a] - start;
    int64_t low = start < 0 ? ks__ceil_div(-start, d) : 0;
    int64_t high = room <= 0 ? 0 : ks__ceil_div(room, d), all = ks__ceil_div(room + w->after[a], d);
    high = high < w->kernel[a] ? high : w->kernel[a];
    return (ks__pool_span){start + low * d, high > low ? high - low : 0, d, all < w->kernel[a] ? all : w->kernel[a]};
}

typedef struct ks__pooling {
    const ks_call *call;
    ks__window window;
    bool adaptive, count_pad;
    int64_t ins, outs; /* elements of a plane */
    const void *u, *x; /* what is spread or taken, what is looked at */
} ks__pooling;

/* What happens to each window: its greatest is the result, or u is added at the greatest's place, or u is taken from there. */
typedef enum ks__pool_act { KS__POOL_VALUE, KS__POOL_ADD, KS__POOL_TAKE } ks__pool_act;

/* Whether windows are 2 by 2 and lie side by side; and a plane of these (pairs.c). */
bool ks__pool_are_pairs(const ks__pooling *j);
void ks__pool_pairs(const ks__pooling *j, ks__pool_act what, int64_t plane);

/* task(job, plane) for each plane of each image. */
bool ks__pool_planes(const ks_call *call, const ks_tensor *x, const void *u, ks_task_fn task);

#endif
