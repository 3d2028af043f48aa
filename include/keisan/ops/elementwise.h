/*
 * keisan/ops/elementwise.h - one value from the values at the same place: arithmetic, functions, activations, comparisons.
 */
#ifndef KEISAN_OPS_ELEMENTWISE_H
#define KEISAN_OPS_ELEMENTWISE_H

#include <keisan/op.h>

KS_BEGIN

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

KS_END

#endif
