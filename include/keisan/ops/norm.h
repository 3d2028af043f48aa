/*
 * keisan/ops/norm.h - values brought to a common scale: batch, layer, group, instance, rms, local response.
 *
 * Where scale or bias is to be left out, ks_number(graph, 1) or ks_number(graph, 0) stands for it.
 */
#ifndef KEISAN_OPS_NORM_H
#define KEISAN_OPS_NORM_H

#include <keisan/op.h>

KS_BEGIN

/* ---- by example ---------------------------------------------------------------------------------------- */

#define ks_layer_norm(x, scale, bias, axis, ...)    ks_layer_norm_at(KS_HERE, x, scale, bias, axis, __VA_ARGS__)
#define ks_rms_norm(x, scale, axis, ...)            ks_rms_norm_at(KS_HERE, x, scale, axis, __VA_ARGS__)
#define ks_group_norm(x, scale, bias, groups, ...)  ks_group_norm_at(KS_HERE, x, scale, bias, groups, __VA_ARGS__)
#define ks_instance_norm(x, scale, bias, ...)       ks_instance_norm_at(KS_HERE, x, scale, bias, __VA_ARGS__)
#define ks_local_response_norm(x, size, alpha, beta, ...) ks_local_response_norm_at(KS_HERE, x, size, alpha, beta, __VA_ARGS__)
/* Over all dimensions from `axis` on; scale and bias have x's shape from there. epsilon is usually 1e-5. */
KS_API ks_node *ks_layer_norm_at(ks_place at, ks_node *x, ks_node *scale, ks_node *bias, int64_t axis, double epsilon);
KS_API ks_node *ks_rms_norm_at(ks_place at, ks_node *x, ks_node *scale, int64_t axis, double epsilon); /* x over its root mean square */
/* x [N, C, ...]: over an example's group of channels, over one of its channels; scale and bias [C]. */
KS_API ks_node *ks_group_norm_at(ks_place at, ks_node *x, ks_node *scale, ks_node *bias, int64_t groups, double epsilon);
KS_API ks_node *ks_instance_norm_at(ks_place at, ks_node *x, ks_node *scale, ks_node *bias, double epsilon);
/* x / (bias + alpha/size sum of x^2)^beta, the sum over `size` neighbouring channels; usually alpha 1e-4, beta 0.75, bias 1. */
KS_API ks_node *ks_local_response_norm_at(ks_place at, ks_node *x, int64_t size, double alpha, double beta, double bias);

/* ---- by batch ------------------------------------------------------------------------------------------ */

typedef struct ks_batch_norm_options {
    size_t size;      /* sizeof(ks_batch_norm_options) */
    double epsilon;   /* added to the variance; default 1e-5 */
    double momentum;  /* the share that the running statistics keep in a step; default 0.9; 1: they stay */
    bool per_element; /* statistics for each place of an example, [C, ...], instead of each channel, [C] */
    bool unbiased;    /* the running variance is divided by n - 1, as PyTorch's, instead of n */
} ks_batch_norm_options;
#define KS_BATCH_NORM_OPTIONS_DEFAULT {.size = sizeof(ks_batch_norm_options), .epsilon = 1e-5, .momentum = 0.9}

/*
 * x [N, C, ...] by the mean and variance of the batch in training runs, by the running `mean` and `variance` in inference, where no example
 * depends on another. These are variables that are not trained: ks_state(graph, name, dtype, KS_SHAPE(C), KS_ZEROS) and KS_ONES.
 * A training run with effects (ks_step, say) that computes the node moves them. Options NULL: the defaults.
 */
#define ks_batch_norm(x, scale, bias, mean, variance, ...) ks_batch_norm_at(KS_HERE, x, scale, bias, mean, variance, __VA_ARGS__)
KS_API ks_node *ks_batch_norm_at(ks_place at, ks_node *x, ks_node *scale, ks_node *bias, ks_node *mean, ks_node *variance,
                                 const ks_batch_norm_options *options);

KS_END

#endif
