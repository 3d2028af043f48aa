/*
 * keisan/ops/reduce.h - many values to one, along axes, and running results along one.
 */
#ifndef KEISAN_OPS_REDUCE_H
#define KEISAN_OPS_REDUCE_H

#include <keisan/op.h>

KS_BEGIN

/* Over the axes, KS_ABSENT for all. */
#define ks_sum(x, axes, ...)     ks_sum_at(KS_HERE, x, axes, __VA_ARGS__)
#define ks_mean(x, axes, ...)    ks_mean_at(KS_HERE, x, axes, __VA_ARGS__)
#define ks_prod(x, axes, ...)    ks_prod_at(KS_HERE, x, axes, __VA_ARGS__)
#define ks_max(x, axes, ...)     ks_max_at(KS_HERE, x, axes, __VA_ARGS__)
#define ks_min(x, axes, ...)     ks_min_at(KS_HERE, x, axes, __VA_ARGS__)
#define ks_any(x, axes, ...)     ks_any_at(KS_HERE, x, axes, __VA_ARGS__)
#define ks_all(x, axes, ...)     ks_all_at(KS_HERE, x, axes, __VA_ARGS__)
#define ks_norm_l1(x, axes, ...) ks_norm_l1_at(KS_HERE, x, axes, __VA_ARGS__)
#define ks_norm_l2(x, axes, ...) ks_norm_l2_at(KS_HERE, x, axes, __VA_ARGS__)
#define ks_logsumexp(x, axes, ...) ks_logsumexp_at(KS_HERE, x, axes, __VA_ARGS__)
#define ks_var(x, axes, keepdims, ...) ks_var_at(KS_HERE, x, axes, keepdims, __VA_ARGS__)
#define ks_std(x, axes, keepdims, ...) ks_std_at(KS_HERE, x, axes, keepdims, __VA_ARGS__)
#define ks_sum_all(x)  ks_sum(x, KS_ABSENT, false)
#define ks_mean_all(x) ks_mean(x, KS_ABSENT, false)
#define ks_max_all(x)  ks_max(x, KS_ABSENT, false)
KS_API ks_node *ks_sum_at(ks_place at, ks_node *x, ks_ints axes, bool keepdims);
KS_API ks_node *ks_mean_at(ks_place at, ks_node *x, ks_ints axes, bool keepdims);
KS_API ks_node *ks_prod_at(ks_place at, ks_node *x, ks_ints axes, bool keepdims); /* its derivative is right beside zeros */
KS_API ks_node *ks_max_at(ks_place at, ks_node *x, ks_ints axes, bool keepdims); /* equal ones share the derivative */
KS_API ks_node *ks_min_at(ks_place at, ks_node *x, ks_ints axes, bool keepdims); /* likewise */
KS_API ks_node *ks_any_at(ks_place at, ks_node *x, ks_ints axes, bool keepdims); /* of bool */
KS_API ks_node *ks_all_at(ks_place at, ks_node *x, ks_ints axes, bool keepdims); /* of bool */
KS_API ks_node *ks_norm_l1_at(ks_place at, ks_node *x, ks_ints axes, bool keepdims); /* derivative at 0: 0 */
KS_API ks_node *ks_norm_l2_at(ks_place at, ks_node *x, ks_ints axes, bool keepdims); /* derivative at 0: 0 */
KS_API ks_node *ks_logsumexp_at(ks_place at, ks_node *x, ks_ints axes, bool keepdims);
/* Divided by the count less ddof: 0 is NumPy's default, 1 PyTorch's. */
KS_API ks_node *ks_var_at(ks_place at, ks_node *x, ks_ints axes, bool keepdims, int64_t ddof);
KS_API ks_node *ks_std_at(ks_place at, ks_node *x, ks_ints axes, bool keepdims, int64_t ddof); /* derivative at 0: 0 */

/* Positions along one axis, i64; the first of equals. */
#define ks_argmax(x, axis, ...) ks_argmax_at(KS_HERE, x, axis, __VA_ARGS__)
#define ks_argmin(x, axis, ...) ks_argmin_at(KS_HERE, x, axis, __VA_ARGS__)
KS_API ks_node *ks_argmax_at(ks_place at, ks_node *x, int64_t axis, bool keepdims);
KS_API ks_node *ks_argmin_at(ks_place at, ks_node *x, int64_t axis, bool keepdims);

/* Running results along one axis, of x's shape. Exclusive: before the element itself; reverse: from the end. */
#define ks_cumsum(x, axis, exclusive, ...)  ks_cumsum_at(KS_HERE, x, axis, exclusive, __VA_ARGS__)
#define ks_cumprod(x, axis, exclusive, ...) ks_cumprod_at(KS_HERE, x, axis, exclusive, __VA_ARGS__)
#define ks_linear_recurrence(a, b, axis, exclusive, ...) ks_linear_recurrence_at(KS_HERE, a, b, axis, exclusive, __VA_ARGS__)
KS_API ks_node *ks_cumsum_at(ks_place at, ks_node *x, int64_t axis, bool exclusive, bool reverse);
KS_API ks_node *ks_cumprod_at(ks_place at, ks_node *x, int64_t axis, bool exclusive, bool reverse);
/* y[k] = a[k] y[k-1] + b[k], from y[-1] = 0. */
KS_API ks_node *ks_linear_recurrence_at(ks_place at, ks_node *a, ks_node *b, int64_t axis, bool exclusive, bool reverse);

KS_END

#endif
