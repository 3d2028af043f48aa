/*
 * keisan/ops/reduce.h - many values to one, along axes.
 */
#ifndef KEISAN_OPS_REDUCE_H
#define KEISAN_OPS_REDUCE_H

#include <keisan/op.h>

KS_BEGIN

#define ks_sum(x, axes, ...)  ks_sum_at(KS_HERE, x, axes, __VA_ARGS__)
#define ks_mean(x, axes, ...) ks_mean_at(KS_HERE, x, axes, __VA_ARGS__)
#define ks_max(x, axes, ...)  ks_max_at(KS_HERE, x, axes, __VA_ARGS__)
#define ks_argmax(x, axis, ...) ks_argmax_at(KS_HERE, x, axis, __VA_ARGS__)
#define ks_sum_all(x)  ks_sum(x, KS_ABSENT, false)
#define ks_mean_all(x) ks_mean(x, KS_ABSENT, false)
#define ks_max_all(x)  ks_max(x, KS_ABSENT, false)
KS_API ks_node *ks_sum_at(ks_place at, ks_node *x, ks_ints axes, bool keepdims);
KS_API ks_node *ks_mean_at(ks_place at, ks_node *x, ks_ints axes, bool keepdims);
KS_API ks_node *ks_max_at(ks_place at, ks_node *x, ks_ints axes, bool keepdims); /* equal ones share the derivative */
KS_API ks_node *ks_argmax_at(ks_place at, ks_node *x, int64_t axis, bool keepdims); /* i64; the first of equals */

KS_END

#endif
