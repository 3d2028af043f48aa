/*
 * keisan/ops/conv.h - windows that slide: convolution, pooling, up-sampling.
 *
 * Tensors are [N, C, spatial...] with one to three spatial axes; N and the spatial sizes may be open. Options are lists with a number for each
 * spatial axis; a single number holds for all of them. pads has ONNX's order: what is put before each axis, then what is put behind each; a
 * list that is half as long holds for both sides.
 */
#ifndef KEISAN_OPS_CONV_H
#define KEISAN_OPS_CONV_H

#include <keisan/op.h>

KS_BEGIN

/* Padding that makes the result ceil(size / stride) long; with an odd rest one more goes behind (UPPER) or before (LOWER). */
typedef enum ks_auto_pad { KS_PAD_GIVEN, KS_SAME_UPPER, KS_SAME_LOWER } ks_auto_pad;

/* How windows slide. Zero fields mean the default; NULL stands for all defaults. */
typedef struct ks_window_options {
    size_t size;            /* sizeof(ks_window_options); 0 is taken as that */
    ks_ints strides;        /* default 1 */
    ks_ints pads;           /* default 0 */
    ks_ints dilations;      /* default 1: elements of the window side by side */
    ks_auto_pad auto_pad;   /* instead of pads */
    int64_t groups;         /* convolutions: default 1 */
    ks_ints output_padding; /* ks_conv_transpose: default 0 */
    bool ceil_mode;         /* pooling: a last window that is cut off counts */
    bool count_include_pad; /* ks_average_pool: padding counts as elements */
} ks_window_options;

#define ks_conv(x, w, b, ...)           ks_conv_at(KS_HERE, x, w, b, __VA_ARGS__)
#define ks_conv_transpose(x, w, b, ...) ks_conv_transpose_at(KS_HERE, x, w, b, __VA_ARGS__)
/* y = w * x + b: x [N, C, ...], w [M, C / groups, ...], b [M] or NULL: none. */
KS_API ks_node *ks_conv_at(ks_place at, ks_node *x, ks_node *w, ks_node *b, const ks_window_options *options);
/* The transpose: x [N, M, ...], w [M, C / groups, ...], b [C] or NULL; y [N, C, ...] is what ks_conv would take to x. */
KS_API ks_node *ks_conv_transpose_at(ks_place at, ks_node *x, ks_node *w, ks_node *b, const ks_window_options *options);

#define ks_im2col(x, kernel, ...)       ks_im2col_at(KS_HERE, x, kernel, __VA_ARGS__)
#define ks_col2im(u, like, kernel, ...) ks_col2im_at(KS_HERE, u, like, kernel, __VA_ARGS__)
/* Windows as rows: [N, C, H, W] to [N OH OW, C FH FW]. */
KS_API ks_node *ks_im2col_at(ks_place at, ks_node *x, ks_ints kernel, const ks_window_options *options);
/* The transpose: rows added back at their places, in like's shape. */
KS_API ks_node *ks_col2im_at(ks_place at, ks_node *u, ks_node *like, ks_ints kernel, const ks_window_options *options);

#define ks_max_pool(x, kernel, ...)     ks_max_pool_at(KS_HERE, x, kernel, __VA_ARGS__)
#define ks_average_pool(x, kernel, ...) ks_average_pool_at(KS_HERE, x, kernel, __VA_ARGS__)
/* Strides are 1 unless given, as in ONNX. */
KS_API ks_node *ks_max_pool_at(ks_place at, ks_node *x, ks_ints kernel, const ks_window_options *options); /* the first of equals */
KS_API ks_node *ks_average_pool_at(ks_place at, ks_node *x, ks_ints kernel, const ks_window_options *options);

#define ks_adaptive_max_pool(x, ...)     ks_adaptive_max_pool_at(KS_HERE, x, __VA_ARGS__)
#define ks_adaptive_average_pool(x, ...) ks_adaptive_average_pool_at(KS_HERE, x, __VA_ARGS__)
#define ks_global_max_pool(...)          ks_global_max_pool_at(KS_HERE, __VA_ARGS__)
#define ks_global_average_pool(...)      ks_global_average_pool_at(KS_HERE, __VA_ARGS__)
/* To a size that is given: window o of an axis goes from floor(o in / out) to ceil((o + 1) in / out), as in PyTorch. */
KS_API ks_node *ks_adaptive_max_pool_at(ks_place at, ks_node *x, ks_ints output_size);
KS_API ks_node *ks_adaptive_average_pool_at(ks_place at, ks_node *x, ks_ints output_size);
/* Over all spatial axes, which stay as dimensions of 1. Equal maxima share the derivative, as in ks_max. */
KS_API ks_node *ks_global_max_pool_at(ks_place at, ks_node *x);
KS_API ks_node *ks_global_average_pool_at(ks_place at, ks_node *x);

typedef enum ks_resize_mode { KS_NEAREST, KS_LINEAR } ks_resize_mode;
/* Where output o of `out` lies among `in`, with s = out / in: (o + 0.5) / s - 0.5; or o (in - 1) / (out - 1); or o / s. */
typedef enum ks_coordinates { KS_HALF_PIXEL, KS_ALIGN_CORNERS, KS_ASYMMETRIC } ks_coordinates;

#define ks_resize(x, sizes, mode, ...)    ks_resize_at(KS_HERE, x, sizes, mode, __VA_ARGS__)
#define ks_upsample(x, factors, ...) ks_upsample_at(KS_HERE, x, factors, __VA_ARGS__)
/* Spatial axes of these sizes; linear is bilinear with two of them. */
KS_API ks_node *ks_resize_at(ks_place at, ks_node *x, ks_ints sizes, ks_resize_mode mode, ks_coordinates coordinates);
/* Spatial axes made longer by whole factors, half_pixel. */
KS_API ks_node *ks_upsample_at(ks_place at, ks_node *x, ks_ints factors, ks_resize_mode mode);

KS_END

#endif
