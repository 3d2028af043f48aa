/*
 * ops/conv/window.c - the geometry of windows from attributes and shapes, and what can be wrong with them.
 */
#include "ops/conv/window.h"

#include <keisan/ops/conv.h>

#define MOST ((int64_t)1 << 30) /* of a number among the attributes: sums and products of them do not overflow */

const ks__window_attrs ks__window_defaults = {
    .kernel_shape = {.count = -1},
    .strides = {.count = -1},
    .pads = {.count = -1},
    .dilations = {.count = -1},
    .output_padding = {.count = -1},
    .output_size = {.count = -1},
    .groups = 1,
};

static void take(ks_ints *to, const ks_ints *from)
{
    ks__set_ints(to, from->count ? from : &KS_ABSENT);
}

ks__window_attrs ks__window_attrs_of(const ks_window_options *options, const ks_ints *kernel)
{
    ks_window_options own = {0};
    ks__window_attrs attrs = ks__window_defaults;
    if (options)
        memcpy(&own, options, options->size && options->size < sizeof own ? options->size : sizeof own);
    if (kernel)
        take(&attrs.kernel_shape, kernel);
    take(&attrs.strides, &own.strides);
    take(&attrs.pads, &own.pads);
    take(&attrs.dilations, &own.dilations);
    take(&attrs.output_padding, &own.output_padding);
    attrs.auto_pad = own.auto_pad;
    attrs.groups = own.groups ? own.groups : 1;
    attrs.ceil_mode = own.ceil_mode;
    attrs.count_include_pad = own.count_include_pad;
    return attrs;
}

/* ---- reading lists ------------------------------------------------------------------------------------- */

int64_t ks__window_pick(const ks_ints *list, int axes, int i, int64_t otherwise)
{
    (void)axes;
    return list->count <= 0 ? otherwise : list->count == 1 ? list->at[0] : list->at[i];
}

/* A list has a number for each axis (twice as many for pads), or one for all, none below `least`. */
static bool check_list(ks_infer *infer, const char *name, const ks_ints *list, int axes, int64_t least, bool both)
{
    if (list->count > 1 && list->count != axes && !(both && list->count == 2 * axes))
        return ks_infer_fail(infer, KS_BAD_ARGUMENT, "%s has %d numbers, but there are %d spatial axes: give %d%s, or one for all", name,
                             list->count, axes, both ? 2 * axes : axes, both ? " (before each, then behind each)" : "");
    for (int i = 0; i < list->count; i++) {
        if (list->at[i] < least || list->at[i] > MOST)
            return ks_infer_fail(infer, KS_BAD_ARGUMENT, "%s has a %lld: its numbers are from %lld to 2^30", name, (long long)list->at[i],
                                 (long long)least);
    }
    return true;
}

static bool check_attrs(ks_infer *infer, const ks__window_attrs *attrs, int axes, bool own_kernel)
{
    if (own_kernel && attrs->kernel_shape.count <= 0)
        return ks_infer_fail(infer, KS_BAD_ARGUMENT, "kernel_shape is missing: it says how large a window is");
    if (attrs->auto_pad < 0 || attrs->auto_pad > 2)
        return ks_infer_fail(infer, KS_BAD_ARGUMENT, "auto_pad is %lld: it is 0 (pads hold), 1 or 2", (long long)attrs->auto_pad);
    return check_list(infer, "kernel_shape", &attrs->kernel_shape, axes, 1, false) &&
           check_list(infer, "strides", &attrs->strides, axes, 1, false) && check_list(infer, "pads", &attrs->pads, axes, 0, true) &&
           check_list(infer, "dilations", &attrs->dilations, axes, 1, false) &&
           check_list(infer, "output_padding", &attrs->output_padding, axes, 0, false);
}

bool ks__window_rank(ks_infer *infer, int which)
{
    int rank = infer->shape[which]->rank;
    return (rank >= 3 && rank <= 5) || ks_infer_fail(infer, KS_BAD_SHAPE, "needs [N, C, ...] with one to three spatial axes: {%d}", which);
}

/* ---- geometry ------------------------------------------------------------------------------------------ */

static void read_axis(const ks__window_attrs *attrs, const int64_t *kernel, int axes, int i, ks__window *w)
{
    int a = 3 - axes + i;
    bool both = attrs->pads.count == 2 * axes;
    w->kernel[a] = kernel ? kernel[i] : ks__window_pick(&attrs->kernel_shape, axes, i, 1);
    w->stride[a] = ks__window_pick(&attrs->strides, axes, i, 1);
    w->dilation[a] = ks__window_pick(&attrs->dilations, axes, i, 1);
    w->before[a] = ks__window_pick(&attrs->pads, axes, i, 0);
    w->after[a] = both ? attrs->pads.at[axes + i] : w->before[a];
}

/* The number of windows along an axis of known size; negative if not even one fits. */
static int64_t windows(const ks__window_attrs *attrs, ks__window *w, int a)
{
    int64_t reach = (w->kernel[a] - 1) * w->dilation[a] + 1, in = w->in[a], s = w->stride[a];
    if (attrs->auto_pad) {
        int64_t out = ks__ceil_div(in, s), pad = (out - 1) * s + reach - in;
        pad = pad < 0 ? 0 : pad;
        w->before[a] = attrs->auto_pad == KS_SAME_UPPER ? pad / 2 : pad - pad / 2;
        w->after[a] = pad - w->before[a];
        return out;
    }
    int64_t room = in + w->before[a] + w->after[a] - reach;
    if (room < 0)
        return -1;
    int64_t out = (attrs->ceil_mode ? ks__ceil_div(room, s) : room / s) + 1;
    /* A window that begins in the padding behind sees nothing. */
    return attrs->ceil_mode && out > 1 && (out - 1) * s >= in + w->before[a] ? out - 1 : out;
}

/* An axis whose size or kernel is open: as many windows as elements, or unknown. */
static int64_t open_windows(const ks__window_attrs *attrs, const ks__window *w, int a)
{
    if (w->stride[a] == 1 && attrs->auto_pad)
        return w->in[a];
    bool known = !ks__dim_open(w->kernel[a]) && w->stride[a] == 1 && !attrs->auto_pad;
    return known && w->before[a] + w->after[a] == (w->kernel[a] - 1) * w->dilation[a] ? w->in[a] : KS_ANY;
}

bool ks__window_of(ks_infer *infer, int which, const ks_shape *x, const int64_t *kernel, const ks__window_attrs *attrs, ks__window *w)
{
    int axes = x->rank - 2;
    if (infer && !check_attrs(infer, attrs, axes, !kernel))
        return false;
    *w = (ks__window){.axes = axes, .in = {1, 1, 1}, .out = {1, 1, 1}, .kernel = {1, 1, 1}, .stride = {1, 1, 1}, .dilation = {1, 1, 1}};
    for (int i = 0; i < axes; i++) {
        int a = 3 - axes + i;
        read_axis(attrs, kernel, axes, i, w);
        w->in[a] = x->dim[2 + i];
        if (ks__dim_open(w->in[a]) || ks__dim_open(w->kernel[a])) {
            w->out[a] = open_windows(attrs, w, a);
            continue;
        }
        if (infer && (w->kernel[a] < 1 || w->kernel[a] > MOST))
            return ks_infer_fail(infer, KS_BAD_SHAPE, "a window has at least one element along each axis, not %lld",
                                 (long long)w->kernel[a]);
        w->out[a] = windows(attrs, w, a);
        if (infer && w->out[a] < 0)
            return ks_infer_fail(infer, KS_BAD_SHAPE,
                                 "a window of %lld elements, %lld apart, does not fit spatial axis %d, which has %lld and %lld + %lld of "
                                 "padding: {%d}",
                                 (long long)w->kernel[a], (long long)w->dilation[a], i, (long long)w->in[a], (long long)w->before[a],
                                 (long long)w->after[a], which);
    }
    return true;
}

void ks__window_shape(const ks__window *w, ks_shape *shape)
{
    for (int i = 0; i < w->axes; i++)
        shape->dim[2 + i] = w->out[3 - w->axes + i];
}

bool ks__same_shapes(ks_graph *g, const ks_shape *a, const ks_shape *b)
{
    bool same = a->rank == b->rank;
    for (int i = 0; same && i < a->rank; i++) {
        int64_t dim;
        same = ks__dim_same(g, a->dim[i], b->dim[i], &dim);
    }
    return same;
}
