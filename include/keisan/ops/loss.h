/*
 * keisan/ops/loss.h - softmax, and what a network is trained to make small.
 */
#ifndef KEISAN_OPS_LOSS_H
#define KEISAN_OPS_LOSS_H

#include <keisan/op.h>

KS_BEGIN

#define ks_softmax(x, ...)     ks_softmax_at(KS_HERE, x, __VA_ARGS__)
#define ks_log_softmax(x, ...) ks_log_softmax_at(KS_HERE, x, __VA_ARGS__)
KS_API ks_node *ks_softmax_at(ks_place at, ks_node *x, int64_t axis);
KS_API ks_node *ks_log_softmax_at(ks_place at, ks_node *x, int64_t axis);

/* What becomes of the values that a loss has for each element or row. */
typedef enum ks_reduction {
    KS_REDUCE_MEAN, /* the mean over all of them */
    KS_REDUCE_SUM,  /* their sum */
    KS_REDUCE_NONE, /* they themselves */
    KS_REDUCE_ROWS  /* their sum divided by the first dimension */
} ks_reduction;

/* ---- numbers beside numbers, of one shape -------------------------------------------------------------- */

#define ks_sum_squared_error(y, ...)   ks_sum_squared_error_at(KS_HERE, y, __VA_ARGS__)
#define ks_mean_squared_error(y, ...)  ks_mean_squared_error_at(KS_HERE, y, __VA_ARGS__)
#define ks_mean_absolute_error(y, ...) ks_mean_absolute_error_at(KS_HERE, y, __VA_ARGS__)
#define ks_huber(y, t, delta, ...)     ks_huber_at(KS_HERE, y, t, delta, __VA_ARGS__)
#define ks_smooth_l1(y, t, beta, ...)  ks_smooth_l1_at(KS_HERE, y, t, beta, __VA_ARGS__)
KS_API ks_node *ks_sum_squared_error_at(ks_place at, ks_node *y, ks_node *t);  /* half the sum of (y - t)^2; d/dy is y - t */
KS_API ks_node *ks_mean_squared_error_at(ks_place at, ks_node *y, ks_node *t); /* the mean of (y - t)^2; d/dy is 2 (y - t)/count */
KS_API ks_node *ks_mean_absolute_error_at(ks_place at, ks_node *y, ks_node *t, ks_reduction reduction); /* of |y - t| */
/* (y - t)^2/2 up to |y - t| = delta, and linear from there; smooth_l1: the same divided by beta. */
KS_API ks_node *ks_huber_at(ks_place at, ks_node *y, ks_node *t, double delta, ks_reduction reduction);
KS_API ks_node *ks_smooth_l1_at(ks_place at, ks_node *y, ks_node *t, double beta, ks_reduction reduction);

/* ---- yes or no, of one shape --------------------------------------------------------------------------- */

#define ks_binary_cross_entropy(y, ...) ks_binary_cross_entropy_at(KS_HERE, y, __VA_ARGS__)
#define ks_binary_cross_entropy_with_logits(score, ...) ks_binary_cross_entropy_with_logits_at(KS_HERE, score, __VA_ARGS__)
#define ks_hinge(score, t, margin, ...) ks_hinge_at(KS_HERE, score, t, margin, __VA_ARGS__)
KS_API ks_node *ks_binary_cross_entropy_at(ks_place at, ks_node *y, ks_node *t, ks_reduction reduction); /* y a probability, t a share */
/* The same of sigmoid(score), without a sigmoid before it. d/dscore is (sigmoid(score) - t)/count. */
KS_API ks_node *ks_binary_cross_entropy_with_logits_at(ks_place at, ks_node *score, ks_node *t, ks_reduction reduction);
KS_API ks_node *ks_hinge_at(ks_place at, ks_node *score, ks_node *t, double margin, ks_reduction reduction); /* t is 1 or -1 */

/* ---- one of several classes ---------------------------------------------------------------------------- */

#define ks_softmax_cross_entropy(score, ...) ks_softmax_cross_entropy_at(KS_HERE, score, __VA_ARGS__)
#define ks_softmax_cross_entropy_with(score, labels, ...) ks_softmax_cross_entropy_with_at(KS_HERE, score, labels, __VA_ARGS__)
#define ks_negative_log_likelihood(logp, labels, ...) ks_negative_log_likelihood_at(KS_HERE, logp, labels, __VA_ARGS__)
#define ks_kl_divergence(logp, ...) ks_kl_divergence_at(KS_HERE, logp, __VA_ARGS__)
/* Mean over the rows of -log softmax(score)[t]: score [N, C] (or [C]); t [N] whole numbers or one-hot [N, C]. d/dscore is (y - t)/N. */
KS_API ks_node *ks_softmax_cross_entropy_at(ks_place at, ks_node *score, ks_node *t);

#define KS_IGNORE_LABEL (-100)
typedef struct ks_cross_entropy_options {
    size_t size;            /* sizeof(ks_cross_entropy_options) */
    ks_node *weight;        /* [C], of the classes; NULL: all weigh 1 */
    double label_smoothing; /* the part of a row's weight that all classes share, from 0 to 1; default 0 */
    int64_t ignore_index;   /* the label of rows that do not count; default KS_IGNORE_LABEL */
    ks_reduction reduction; /* the mean is divided by the weights of the rows that count; 0 if none does */
} ks_cross_entropy_options;
#define KS_CROSS_ENTROPY_OPTIONS_DEFAULT {.size = sizeof(ks_cross_entropy_options), .ignore_index = KS_IGNORE_LABEL}

/* The same with options (NULL: the defaults): score [N, C], [N, C, ...] or [C]; labels [N], [N, ...] or [], whole numbers. */
KS_API ks_node *ks_softmax_cross_entropy_with_at(ks_place at, ks_node *score, ks_node *labels, const ks_cross_entropy_options *options);
/* The same of log-probabilities, log_softmax of scores say. */
KS_API ks_node *ks_negative_log_likelihood_at(ks_place at, ks_node *logp, ks_node *labels, const ks_cross_entropy_options *options);
/* KL(t | p) from log p and t, of one shape, a distribution a row of the first dimension: KS_REDUCE_ROWS is the mean over these. */
KS_API ks_node *ks_kl_divergence_at(ks_place at, ks_node *logp, ks_node *t, ks_reduction reduction);

KS_END

#endif
