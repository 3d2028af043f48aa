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

#define ks_neg(...) ks_neg_at(KS_HERE, __VA_ARGS__)
#define ks_square(...) ks_square_at(KS_HERE, __VA_ARGS__)
#define ks_abs(...) ks_abs_at(KS_HERE, __VA_ARGS__)
#define ks_sign(...) ks_sign_at(KS_HERE, __VA_ARGS__)
#define ks_sqrt(...) ks_sqrt_at(KS_HERE, __VA_ARGS__)
#define ks_reciprocal(...) ks_reciprocal_at(KS_HERE, __VA_ARGS__)
#define ks_rsqrt(...) ks_rsqrt_at(KS_HERE, __VA_ARGS__)
KS_API ks_node *ks_neg_at(ks_place at, ks_node *x);
KS_API ks_node *ks_square_at(ks_place at, ks_node *x);
KS_API ks_node *ks_abs_at(ks_place at, ks_node *x); /* derivative at 0: 0 */
KS_API ks_node *ks_sign_at(ks_place at, ks_node *x); /* 1, 0 or -1 */
KS_API ks_node *ks_sqrt_at(ks_place at, ks_node *x);
KS_API ks_node *ks_reciprocal_at(ks_place at, ks_node *x); /* 1 / x */
KS_API ks_node *ks_rsqrt_at(ks_place at, ks_node *x); /* 1 / sqrt x */

#define ks_exp(...) ks_exp_at(KS_HERE, __VA_ARGS__)
#define ks_expm1(...) ks_expm1_at(KS_HERE, __VA_ARGS__)
#define ks_log(...) ks_log_at(KS_HERE, __VA_ARGS__)
#define ks_log1p(...) ks_log1p_at(KS_HERE, __VA_ARGS__)
KS_API ks_node *ks_exp_at(ks_place at, ks_node *x);
KS_API ks_node *ks_expm1_at(ks_place at, ks_node *x); /* e^x - 1 */
KS_API ks_node *ks_log_at(ks_place at, ks_node *x); /* natural */
KS_API ks_node *ks_log1p_at(ks_place at, ks_node *x); /* log(1 + x) */

#define ks_sin(...) ks_sin_at(KS_HERE, __VA_ARGS__)
#define ks_cos(...) ks_cos_at(KS_HERE, __VA_ARGS__)
#define ks_tan(...) ks_tan_at(KS_HERE, __VA_ARGS__)
#define ks_asin(...) ks_asin_at(KS_HERE, __VA_ARGS__)
#define ks_acos(...) ks_acos_at(KS_HERE, __VA_ARGS__)
#define ks_atan(...) ks_atan_at(KS_HERE, __VA_ARGS__)
KS_API ks_node *ks_sin_at(ks_place at, ks_node *x);
KS_API ks_node *ks_cos_at(ks_place at, ks_node *x);
KS_API ks_node *ks_tan_at(ks_place at, ks_node *x);
KS_API ks_node *ks_asin_at(ks_place at, ks_node *x);
KS_API ks_node *ks_acos_at(ks_place at, ks_node *x);
KS_API ks_node *ks_atan_at(ks_place at, ks_node *x);

#define ks_sinh(...) ks_sinh_at(KS_HERE, __VA_ARGS__)
#define ks_cosh(...) ks_cosh_at(KS_HERE, __VA_ARGS__)
#define ks_tanh(...) ks_tanh_at(KS_HERE, __VA_ARGS__)
#define ks_asinh(...) ks_asinh_at(KS_HERE, __VA_ARGS__)
#define ks_acosh(...) ks_acosh_at(KS_HERE, __VA_ARGS__)
#define ks_atanh(...) ks_atanh_at(KS_HERE, __VA_ARGS__)
KS_API ks_node *ks_sinh_at(ks_place at, ks_node *x);
KS_API ks_node *ks_cosh_at(ks_place at, ks_node *x);
KS_API ks_node *ks_tanh_at(ks_place at, ks_node *x);
KS_API ks_node *ks_asinh_at(ks_place at, ks_node *x);
KS_API ks_node *ks_acosh_at(ks_place at, ks_node *x);
KS_API ks_node *ks_atanh_at(ks_place at, ks_node *x);

#define ks_erf(...) ks_erf_at(KS_HERE, __VA_ARGS__)
#define ks_erfc(...) ks_erfc_at(KS_HERE, __VA_ARGS__)
#define ks_lgamma(...) ks_lgamma_at(KS_HERE, __VA_ARGS__)
#define ks_digamma(...) ks_digamma_at(KS_HERE, __VA_ARGS__)
KS_API ks_node *ks_erf_at(ks_place at, ks_node *x);
KS_API ks_node *ks_erfc_at(ks_place at, ks_node *x); /* 1 - erf x */
KS_API ks_node *ks_lgamma_at(ks_place at, ks_node *x); /* log |Gamma(x)| */
KS_API ks_node *ks_digamma_at(ks_place at, ks_node *x); /* derivative of lgamma */

#define ks_floor(...) ks_floor_at(KS_HERE, __VA_ARGS__)
#define ks_ceil(...) ks_ceil_at(KS_HERE, __VA_ARGS__)
#define ks_round(...) ks_round_at(KS_HERE, __VA_ARGS__)
#define ks_trunc(...) ks_trunc_at(KS_HERE, __VA_ARGS__)
KS_API ks_node *ks_floor_at(ks_place at, ks_node *x);
KS_API ks_node *ks_ceil_at(ks_place at, ks_node *x);
KS_API ks_node *ks_round_at(ks_place at, ks_node *x); /* half to even */
KS_API ks_node *ks_trunc_at(ks_place at, ks_node *x); /* towards zero */

#define ks_sigmoid(...) ks_sigmoid_at(KS_HERE, __VA_ARGS__)
#define ks_log_sigmoid(...) ks_log_sigmoid_at(KS_HERE, __VA_ARGS__)
#define ks_softplus(...) ks_softplus_at(KS_HERE, __VA_ARGS__)
#define ks_softsign(...) ks_softsign_at(KS_HERE, __VA_ARGS__)
#define ks_silu(...) ks_silu_at(KS_HERE, __VA_ARGS__)
#define ks_mish(...) ks_mish_at(KS_HERE, __VA_ARGS__)
#define ks_gelu(...) ks_gelu_at(KS_HERE, __VA_ARGS__)
#define ks_gelu_tanh(...) ks_gelu_tanh_at(KS_HERE, __VA_ARGS__)
#define ks_relu(...) ks_relu_at(KS_HERE, __VA_ARGS__)
#define ks_selu(...) ks_selu_at(KS_HERE, __VA_ARGS__)
#define ks_hard_swish(...) ks_hard_swish_at(KS_HERE, __VA_ARGS__)
#define ks_step_function(...) ks_step_function_at(KS_HERE, __VA_ARGS__)
KS_API ks_node *ks_sigmoid_at(ks_place at, ks_node *x); /* 1 / (1 + exp(-x)) */
KS_API ks_node *ks_log_sigmoid_at(ks_place at, ks_node *x); /* log sigmoid(x) */
KS_API ks_node *ks_softplus_at(ks_place at, ks_node *x); /* log(1 + e^x) */
KS_API ks_node *ks_softsign_at(ks_place at, ks_node *x); /* x / (1 + |x|) */
KS_API ks_node *ks_silu_at(ks_place at, ks_node *x); /* x sigmoid(x), or swish */
KS_API ks_node *ks_mish_at(ks_place at, ks_node *x); /* x tanh(softplus(x)) */
KS_API ks_node *ks_gelu_at(ks_place at, ks_node *x); /* x times P(standard normal < x) */
KS_API ks_node *ks_gelu_tanh_at(ks_place at, ks_node *x); /* gelu as tanh approximates it */
KS_API ks_node *ks_relu_at(ks_place at, ks_node *x); /* max(0, x); derivative at 0: 0 */
KS_API ks_node *ks_selu_at(ks_place at, ks_node *x); /* scaled exponential linear unit */
KS_API ks_node *ks_hard_swish_at(ks_place at, ks_node *x); /* x (x / 6 + 1/2 kept in [0, 1]) */
KS_API ks_node *ks_step_function_at(ks_place at, ks_node *x); /* 1 where x > 0, else 0: the operation "step"; derivative 0 */

#define ks_identity(...) ks_identity_at(KS_HERE, __VA_ARGS__)
KS_API ks_node *ks_identity_at(ks_place at, ks_node *x);

#define ks_polygamma(x, ...)    ks_polygamma_at(KS_HERE, x, __VA_ARGS__)
#define ks_leaky_relu(x, ...)   ks_leaky_relu_at(KS_HERE, x, __VA_ARGS__)
#define ks_prelu(x, ...)        ks_prelu_at(KS_HERE, x, __VA_ARGS__)
#define ks_elu(x, ...)          ks_elu_at(KS_HERE, x, __VA_ARGS__)
#define ks_celu(x, ...)         ks_celu_at(KS_HERE, x, __VA_ARGS__)
#define ks_hard_sigmoid(x, ...) ks_hard_sigmoid_at(KS_HERE, x, __VA_ARGS__)
#define ks_clip(x, ...)         ks_clip_at(KS_HERE, x, __VA_ARGS__)
KS_API ks_node *ks_polygamma_at(ks_place at, ks_node *x, int64_t n);                        /* n-th derivative of digamma */
KS_API ks_node *ks_leaky_relu_at(ks_place at, ks_node *x, double alpha);                    /* x if x > 0, else alpha x */
KS_API ks_node *ks_prelu_at(ks_place at, ks_node *x, ks_node *slope);                       /* x if x > 0, else slope x */
KS_API ks_node *ks_elu_at(ks_place at, ks_node *x, double alpha);                           /* x if x > 0, else alpha (e^x - 1) */
KS_API ks_node *ks_celu_at(ks_place at, ks_node *x, double alpha);                          /* x if x > 0, else alpha (e^(x/alpha) - 1) */
KS_API ks_node *ks_hard_sigmoid_at(ks_place at, ks_node *x, double alpha, double beta);     /* alpha x + beta, kept in [0, 1] */
KS_API ks_node *ks_clip_at(ks_place at, ks_node *x, double min, double max);                /* x, kept in [min, max]; NaN stays */

#define ks_atan2(y, ...) ks_atan2_at(KS_HERE, y, __VA_ARGS__)
#define ks_mod(a, ...)   ks_mod_at(KS_HERE, a, __VA_ARGS__)
#define ks_fmod(a, ...)  ks_fmod_at(KS_HERE, a, __VA_ARGS__)
KS_API ks_node *ks_atan2_at(ks_place at, ks_node *y, ks_node *x); /* the angle of the point (x, y), in [-pi, pi] */
KS_API ks_node *ks_mod_at(ks_place at, ks_node *a, ks_node *b);   /* a - b floor(a / b), as NumPy; integers: x mod 0 is 0 */
KS_API ks_node *ks_fmod_at(ks_place at, ks_node *a, ks_node *b);  /* a - b trunc(a / b), as C's fmod */

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

#define ks_is_nan(...)        ks_is_nan_at(KS_HERE, __VA_ARGS__)
#define ks_is_inf(...)        ks_is_inf_at(KS_HERE, __VA_ARGS__)
#define ks_is_finite(...)     ks_is_finite_at(KS_HERE, __VA_ARGS__)
#define ks_logical_and(a, ...) ks_logical_and_at(KS_HERE, a, __VA_ARGS__)
#define ks_logical_or(a, ...)  ks_logical_or_at(KS_HERE, a, __VA_ARGS__)
#define ks_logical_xor(a, ...) ks_logical_xor_at(KS_HERE, a, __VA_ARGS__)
#define ks_logical_not(...)    ks_logical_not_at(KS_HERE, __VA_ARGS__)
/* Of floating-point numbers; the result is bool. */
KS_API ks_node *ks_is_nan_at(ks_place at, ks_node *x);
KS_API ks_node *ks_is_inf_at(ks_place at, ks_node *x);
KS_API ks_node *ks_is_finite_at(ks_place at, ks_node *x);
/* Of bools. */
KS_API ks_node *ks_logical_and_at(ks_place at, ks_node *a, ks_node *b);
KS_API ks_node *ks_logical_or_at(ks_place at, ks_node *a, ks_node *b);
KS_API ks_node *ks_logical_xor_at(ks_place at, ks_node *a, ks_node *b);
KS_API ks_node *ks_logical_not_at(ks_place at, ks_node *a);

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
