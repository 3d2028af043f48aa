/*
 * keisan/ops.h - the operations, a builder each. `keisan ops NAME` prints the full documentation.
 *
 * Every builder makes one node (or finds it, when composing anew) and returns NULL on failure. Elementwise operations
 * broadcast as NumPy's do. Attributes have ONNX's names and NumPy's defaults: a negative axis counts from the end,
 * absent axes (KS_ABSENT) mean all.
 */
#ifndef KEISAN_OPS_H
#define KEISAN_OPS_H

#include <keisan/op.h>

KS_BEGIN

/* ---- elementwise --------------------------------------------------------------------------------------- */

#define ks_add(a, ...)     ks_add_at(KS_HERE, a, __VA_ARGS__)
#define ks_sub(a, ...)     ks_sub_at(KS_HERE, a, __VA_ARGS__)
#define ks_mul(a, ...)     ks_mul_at(KS_HERE, a, __VA_ARGS__)
#define ks_div(a, ...)     ks_div_at(KS_HERE, a, __VA_ARGS__)
#define ks_pow(a, ...)     ks_pow_at(KS_HERE, a, __VA_ARGS__)
#define ks_maximum(a, ...) ks_maximum_at(KS_HERE, a, __VA_ARGS__)
#define ks_minimum(a, ...) ks_minimum_at(KS_HERE, a, __VA_ARGS__)
KS_API ks_node *ks_add_at(ks_place at, ks_node *a, ks_node *b);     /* a + b */
KS_API ks_node *ks_sub_at(ks_place at, ks_node *a, ks_node *b);     /* a - b */
KS_API ks_node *ks_mul_at(ks_place at, ks_node *a, ks_node *b);     /* a b */
KS_API ks_node *ks_div_at(ks_place at, ks_node *a, ks_node *b);     /* a / b; integers: towards zero, x/0 is 0 */
KS_API ks_node *ks_pow_at(ks_place at, ks_node *a, ks_node *b);     /* a^b, as C's pow */
KS_API ks_node *ks_maximum_at(ks_place at, ks_node *a, ks_node *b); /* the greater; NaN wins; equal ones share the derivative */
KS_API ks_node *ks_minimum_at(ks_place at, ks_node *a, ks_node *b); /* the lesser; NaN wins; equal ones share the derivative */

#define ks_neg(...)     ks_neg_at(KS_HERE, __VA_ARGS__)
#define ks_exp(...)     ks_exp_at(KS_HERE, __VA_ARGS__)
#define ks_log(...)     ks_log_at(KS_HERE, __VA_ARGS__)
#define ks_sqrt(...)    ks_sqrt_at(KS_HERE, __VA_ARGS__)
#define ks_square(...)  ks_square_at(KS_HERE, __VA_ARGS__)
#define ks_abs(...)     ks_abs_at(KS_HERE, __VA_ARGS__)
#define ks_sin(...)     ks_sin_at(KS_HERE, __VA_ARGS__)
#define ks_cos(...)     ks_cos_at(KS_HERE, __VA_ARGS__)
#define ks_tanh(...)    ks_tanh_at(KS_HERE, __VA_ARGS__)
#define ks_sigmoid(...) ks_sigmoid_at(KS_HERE, __VA_ARGS__)
#define ks_relu(...)    ks_relu_at(KS_HERE, __VA_ARGS__)
#define ks_step_function(...) ks_step_function_at(KS_HERE, __VA_ARGS__)
#define ks_identity(...) ks_identity_at(KS_HERE, __VA_ARGS__)
KS_API ks_node *ks_neg_at(ks_place at, ks_node *x);
KS_API ks_node *ks_exp_at(ks_place at, ks_node *x);
KS_API ks_node *ks_log_at(ks_place at, ks_node *x);    /* natural */
KS_API ks_node *ks_sqrt_at(ks_place at, ks_node *x);
KS_API ks_node *ks_square_at(ks_place at, ks_node *x);
KS_API ks_node *ks_abs_at(ks_place at, ks_node *x);    /* derivative at 0: 0 */
KS_API ks_node *ks_sin_at(ks_place at, ks_node *x);
KS_API ks_node *ks_cos_at(ks_place at, ks_node *x);
KS_API ks_node *ks_tanh_at(ks_place at, ks_node *x);
KS_API ks_node *ks_sigmoid_at(ks_place at, ks_node *x); /* 1 / (1 + exp(-x)) */
KS_API ks_node *ks_relu_at(ks_place at, ks_node *x);    /* max(0, x); derivative at 0: 0 */
KS_API ks_node *ks_step_function_at(ks_place at, ks_node *x); /* 1 where x > 0, else 0: the operation "step"; derivative 0 */
KS_API ks_node *ks_identity_at(ks_place at, ks_node *x);

#define ks_equal(a, ...)         ks_equal_at(KS_HERE, a, __VA_ARGS__)
#define ks_not_equal(a, ...)     ks_not_equal_at(KS_HERE, a, __VA_ARGS__)
#define ks_less(a, ...)          ks_less_at(KS_HERE, a, __VA_ARGS__)
#define ks_less_equal(a, ...)    ks_less_equal_at(KS_HERE, a, __VA_ARGS__)
#define ks_greater(a, ...)       ks_greater_at(KS_HERE, a, __VA_ARGS__)
#define ks_greater_equal(a, ...) ks_greater_equal_at(KS_HERE, a, __VA_ARGS__)
/* The result is bool. */
KS_API ks_node *ks_equal_at(ks_place at, ks_node *a, ks_node *b);
KS_API ks_node *ks_not_equal_at(ks_place at, ks_node *a, ks_node *b);
KS_API ks_node *ks_less_at(ks_place at, ks_node *a, ks_node *b);
KS_API ks_node *ks_less_equal_at(ks_place at, ks_node *a, ks_node *b);
KS_API ks_node *ks_greater_at(ks_place at, ks_node *a, ks_node *b);
KS_API ks_node *ks_greater_equal_at(ks_place at, ks_node *a, ks_node *b);

#define ks_where(condition, ...) ks_where_at(KS_HERE, condition, __VA_ARGS__)
KS_API ks_node *ks_where_at(ks_place at, ks_node *condition, ks_node *a, ks_node *b); /* a where the bool condition holds, else b */

#define ks_cast(x, ...) ks_cast_at(KS_HERE, x, __VA_ARGS__)
KS_API ks_node *ks_cast_at(ks_place at, ks_node *x, ks_dtype dtype); /* as C converts; out of range saturates, NaN gives 0 */

#define ks_add_n(nodes, ...) ks_add_n_at(KS_HERE, nodes, __VA_ARGS__)
KS_API ks_node *ks_add_n_at(ks_place at, ks_node *const *nodes, int count); /* the sum of nodes of one shape */

#define ks_chain_mul(upstream, ...) ks_chain_mul_at(KS_HERE, upstream, __VA_ARGS__)
KS_API ks_node *ks_chain_mul_at(ks_place at, ks_node *upstream, ks_node *partial); /* u p, zero where u is zero, whatever p is */

#define ks_stop_gradient(...) ks_stop_gradient_at(KS_HERE, __VA_ARGS__)
KS_API ks_node *ks_stop_gradient_at(ks_place at, ks_node *x); /* x, through which no derivative passes */

/* ---- reductions ---------------------------------------------------------------------------------------- */

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

/* ---- shape --------------------------------------------------------------------------------------------- */

#define ks_sum_to(x, ...)  ks_sum_to_at(KS_HERE, x, __VA_ARGS__)
#define ks_expand(x, like, ...) ks_expand_at(KS_HERE, x, like, __VA_ARGS__)
KS_API ks_node *ks_sum_to_at(ks_place at, ks_node *x, ks_node *like); /* sums until x has like's shape: undoes a broadcast */
/* Broadcasts x to like's shape. With axes, x first gets dimensions of 1 there: undoes a reduction over these axes. */
KS_API ks_node *ks_expand_at(ks_place at, ks_node *x, ks_node *like, ks_ints axes);

#define ks_reshape(x, ...)   ks_reshape_at(KS_HERE, x, __VA_ARGS__)
#define ks_reshape_like(x, ...) ks_reshape_like_at(KS_HERE, x, __VA_ARGS__)
#define ks_transpose(x, ...) ks_transpose_at(KS_HERE, x, __VA_ARGS__)
#define ks_concat(nodes, count, ...) ks_concat_at(KS_HERE, nodes, count, __VA_ARGS__)
#define ks_slice(x, axis, start, ...) ks_slice_at(KS_HERE, x, axis, start, __VA_ARGS__)
KS_API ks_node *ks_reshape_at(ks_place at, ks_node *x, ks_shape shape); /* one dimension may be -1 */
KS_API ks_node *ks_reshape_like_at(ks_place at, ks_node *x, ks_node *like);
KS_API ks_node *ks_transpose_at(ks_place at, ks_node *x, ks_ints perm); /* KS_ABSENT reverses the axes */
KS_API ks_node *ks_concat_at(ks_place at, ks_node *const *nodes, int count, int64_t axis);
/* x[start:stop] along one axis; negative positions count from the end; stop INT64_MAX: to the end. */
KS_API ks_node *ks_slice_at(ks_place at, ks_node *x, int64_t axis, int64_t start, int64_t stop);

/* ---- index --------------------------------------------------------------------------------------------- */

#define ks_gather(x, indices, ...) ks_gather_at(KS_HERE, x, indices, __VA_ARGS__)
#define ks_one_hot(indices, depth, ...) ks_one_hot_at(KS_HERE, indices, depth, __VA_ARGS__)
KS_API ks_node *ks_gather_at(ks_place at, ks_node *x, ks_node *indices, int64_t axis); /* rows of x along the axis; negative indices count from the end */
KS_API ks_node *ks_one_hot_at(ks_place at, ks_node *indices, int64_t depth, ks_dtype dtype); /* [...] -> [..., depth] */

/* ---- products ------------------------------------------------------------------------------------------ */

#define ks_matmul(a, ...) ks_matmul_at(KS_HERE, a, __VA_ARGS__)
KS_API ks_node *ks_matmul_at(ks_place at, ks_node *a, ks_node *b); /* NumPy's matmul: [..., m, k] [..., k, n] -> [..., m, n] */

/* ---- softmax and losses -------------------------------------------------------------------------------- */

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

/* ---- random -------------------------------------------------------------------------------------------- */

/* Which form of dropout: scaled while training (inverted), or the book's, scaled in inference. */
typedef enum ks_dropout_form { KS_DROPOUT_INVERTED, KS_DROPOUT_BOOK } ks_dropout_form;

#define ks_random_uniform(graph, dtype, shape, lo, ...)  ks_random_uniform_at(KS_HERE, graph, dtype, shape, lo, __VA_ARGS__)
#define ks_random_normal(graph, dtype, shape, mean, ...) ks_random_normal_at(KS_HERE, graph, dtype, shape, mean, __VA_ARGS__)
#define ks_dropout(x, ratio, ...) ks_dropout_at(KS_HERE, x, ratio, __VA_ARGS__)
KS_API ks_node *ks_random_uniform_at(ks_place at, ks_graph *graph, ks_dtype dtype, ks_shape shape, double lo, double hi);
KS_API ks_node *ks_random_normal_at(ks_place at, ks_graph *graph, ks_dtype dtype, ks_shape shape, double mean, double std);
/* Erases a share `ratio` in [0, 1) of the elements in training runs. */
KS_API ks_node *ks_dropout_at(ks_place at, ks_node *x, double ratio, ks_dropout_form form);

/* ---- effects ------------------------------------------------------------------------------------------- */

#define ks_assign(variable, ...) ks_assign_at(KS_HERE, variable, __VA_ARGS__)
/* In ks_run: the variable gets the value at the commit. The node's own value is the new value. */
KS_API ks_node *ks_assign_at(ks_place at, ks_node *variable, ks_node *value);

KS_END

#endif
