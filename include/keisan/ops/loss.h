/*
 * keisan/ops/loss.h - softmax, and what a network is trained to make small.
 */
#ifndef KEISAN_OPS_LOSS_H
#define KEISAN_OPS_LOSS_H

#include <keisan/op.h>

KS_BEGIN

#define ks_softmax(x, ...)     ks_softmax_at(KS_HERE, x, __VA_ARGS__)
#define ks_log_softmax(x, ...) ks_log_softmax_at(KS_HERE, x, __VA_ARGS__)
#define ks_softmax_cross_entropy(score, ...) ks_softmax_cross_entropy_at(KS_HERE, score, __VA_ARGS__)
#define ks_sum_squared_error(y, ...)  ks_sum_squared_error_at(KS_HERE, y, __VA_ARGS__)
#define ks_mean_squared_error(y, ...) ks_mean_squared_error_at(KS_HERE, y, __VA_ARGS__)
KS_API ks_node *ks_softmax_at(ks_place at, ks_node *x, int64_t axis);
KS_API ks_node *ks_log_softmax_at(ks_place at, ks_node *x, int64_t axis);
/* Mean over the rows of -log softmax(score)[t]: score [N, C] (or [C]); t [N] whole numbers or one-hot [N, C]. d/dscore is (y - t)/N. */
KS_API ks_node *ks_softmax_cross_entropy_at(ks_place at, ks_node *score, ks_node *t);
KS_API ks_node *ks_sum_squared_error_at(ks_place at, ks_node *y, ks_node *t);  /* half the sum of (y - t)^2; d/dy is y - t */
KS_API ks_node *ks_mean_squared_error_at(ks_place at, ks_node *y, ks_node *t); /* the mean of (y - t)^2; d/dy is 2 (y - t)/count */

KS_END

#endif
