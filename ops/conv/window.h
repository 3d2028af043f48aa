/*
 * ops/conv/window.h - windows that slide over the spatial axes of [N, C, spatial...]: their attributes, checked, and their geometry.
 *
 * Every operation of the family has the same attribute struct and lists of it what it takes. The geometry has three axes; those a tensor
 * does not have come first and are of size 1.
 */
#ifndef KS_OPS_CONV_WINDOW_H
#define KS_OPS_CONV_WINDOW_H

#include "ops/family.h"

typedef struct ks__window_attrs {
    ks_ints kernel_shape, strides, pads, dilations, output_padding, output_size;
    int64_t auto_pad, groups, ceil_mode, count_include_pad;
} ks__window_attrs;

#define KS__WINDOW_FIELD(NAME, TYPE, REQUIRED, DOC)                                                                                        \
    {                                                                                                                                      \
#NAME, TYPE, offsetof(ks__window_attrs, NAME), false, REQUIRED, DOC                                                                \
    }
#define KS__WINDOW_KERNEL                                                                                                                  \
    KS__WINDOW_FIELD(kernel_shape, KS_ATTR_INTS, true, "the window's size, a number for each spatial axis, or one for all")
#define KS__WINDOW_STRIDES                                                                                                                 \
    KS__WINDOW_FIELD(strides, KS_ATTR_INTS, false, "from window to window, a number for each spatial axis, or one for all; default 1")
#define KS__WINDOW_PADS                                                                                                                    \
    KS__WINDOW_FIELD(pads, KS_ATTR_INTS, false,                                                                                            \
                     "padding: before each spatial axis, then behind each; half as many: the same on both sides; one: "                    \
                     "everywhere; default 0")
#define KS__WINDOW_DILATIONS                                                                                                               \
    KS__WINDOW_FIELD(dilations, KS_ATTR_INTS, false,                                                                                       \
                     "from element to element of a window, a number for each spatial axis, or one for all; default 1")
#define KS__WINDOW_AUTO_PAD                                                                                                                \
    KS__WINDOW_FIELD(auto_pad, KS_ATTR_INT, false,                                                                                         \
                     "0: pads hold; 1 or 2: padding that makes ceil(size / stride) windows, an odd rest behind (1) or before (2)")
#define KS__WINDOW_GROUPS KS__WINDOW_FIELD(groups, KS_ATTR_INT, false, "parts of the channels that are convolved each by itself; default 1")
#define KS__WINDOW_CEIL_MODE                                                                                                               \
    KS__WINDOW_FIELD(ceil_mode, KS_ATTR_BOOL, false, "whether a last window that is cut off counts too; default false")

extern const ks__window_attrs ks__window_defaults;

/* The attributes that these options are; kernel NULL: none. */
ks__window_attrs ks__window_attrs_of(const ks_window_options *options, const ks_ints *kernel);

typedef struct ks__window {
    int axes;
    int64_t in[3], out[3], kernel[3], stride[3], before[3], after[3], dilation[3];
} ks__window;

/*
 * The windows over x of this kernel (a number for each spatial axis, from the attributes where it is NULL), where infer may be NULL if they
 * were found right before. Sizes that are open are negative, in `out` too. False: infer says why; it calls x its input `which`.
 */
bool ks__window_of(ks_infer *infer, int which, const ks_shape *x, const int64_t *kernel, const ks__window_attrs *attrs, ks__window *window);

/* Whether the ranks fit: one to three spatial axes. */
bool ks__window_rank(ks_infer *infer, int which);

/* Sets the spatial dimensions of a shape from `out`. */
void ks__window_shape(const ks__window *window, ks_shape *shape);

/* Whether dimension by dimension shapes can be equal. */
bool ks__same_shapes(ks_graph *graph, const ks_shape *a, const ks_shape *b);

/* A number for spatial axis i of `axes` from a list; `otherwise` where it is absent. */
int64_t ks__window_pick(const ks_ints *list, int axes, int i, int64_t otherwise);

#endif
