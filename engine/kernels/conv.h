/*
 * engine/kernels/conv.h - convolutions in f32 and f64: y = w * x over windows, and its two transposes.
 *
 * There are three spatial axes; one that a tensor does not have is of size 1. Layouts are row-major: x [images, groups * channels, in],
 * w [groups * rows, channels, kernel], y [images, groups * rows, out]. Work is cut by sizes only, so the bits are the same
 * whatever the threads. Nothing is allocated: the caller brings the workspace.
 */
#ifndef KS_KERNELS_CONV_H
#define KS_KERNELS_CONV_H

#include <keisan/base.h>
#include "engine/kernels/isa.h"

/* y[n, m, o] = sum over c, i of w[m, c, i] x[n, c, o * stride + i * dilation - before], where x is 0 outside. */
typedef struct ks__conv {
    ks_dtype dtype; /* KS_F32 or KS_F64 */
    int isa;        /* of ks_isa */
    int64_t images, groups;
    int64_t rows, channels; /* of a group: of y, of x */
    int64_t in[3], out[3], kernel[3], stride[3], before[3], dilation[3];
} ks__conv;

/* What is computed from the other two of x, w and y. */
typedef enum ks__conv_kind { KS__CONV_Y, KS__CONV_X, KS__CONV_W } ks__conv_kind;

/* Bytes of workspace that ks__conv_run wants. */
size_t ks__conv_scratch(const ks__conv *conv, ks__conv_kind kind);

/*
 * Y: result = y from x and w. X: result = x's part of a derivative from y's and w. W: result = w's part from y's and x.
 * x, w, y: the one that is the result is written, the others are read. `scratch` is aligned to 64.
 */
void ks__conv_run(const ks__conv *conv, ks__conv_kind kind, void *x, void *w, void *y, void *scratch, ks_parallel_for_fn parallel_for,
                  void *user);

#endif
