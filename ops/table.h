/*
 * ops/table.h - the library's operations, a line each. From these lines come the declarations, ks_op_at and the look-up by
 * name: a new operation is its definition and one line here.
 */
#ifndef KS_OPS_TABLE_H
#define KS_OPS_TABLE_H

#include <keisan/op.h>

#define KS__OPS(OP)                                                                                                                        \
    /* leaves */                                                                                                                           \
    OP(input)                                                                                                                              \
    OP(constant)                                                                                                                           \
    OP(number)                                                                                                                             \
    OP(variable)                                                                                                                           \
    /* arithmetic */                                                                                                                       \
    OP(add)                                                                                                                                \
    OP(sub)                                                                                                                                \
    OP(mul)                                                                                                                                \
    OP(div)                                                                                                                                \
    OP(pow)                                                                                                                                \
    OP(maximum)                                                                                                                            \
    OP(minimum)                                                                                                                            \
    OP(mod)                                                                                                                                \
    OP(fmod)                                                                                                                               \
    OP(chain_mul)                                                                                                                          \
    OP(select_mul)                                                                                                                         \
    OP(add_n)                                                                                                                              \
    /* elementwise */                                                                                                                      \
    OP(neg)                                                                                                                                \
    OP(square)                                                                                                                             \
    OP(abs)                                                                                                                                \
    OP(sign)                                                                                                                               \
    OP(exp)                                                                                                                                \
    OP(expm1)                                                                                                                              \
    OP(log)                                                                                                                                \
    OP(log1p)                                                                                                                              \
    OP(sqrt)                                                                                                                               \
    OP(reciprocal)                                                                                                                         \
    OP(rsqrt)                                                                                                                              \
    OP(sin)                                                                                                                                \
    OP(cos)                                                                                                                                \
    OP(tan)                                                                                                                                \
    OP(asin)                                                                                                                               \
    OP(acos)                                                                                                                               \
    OP(atan)                                                                                                                               \
    OP(atan2)                                                                                                                              \
    OP(sinh)                                                                                                                               \
    OP(cosh)                                                                                                                               \
    OP(asinh)                                                                                                                              \
    OP(acosh)                                                                                                                              \
    OP(atanh)                                                                                                                              \
    OP(erf)                                                                                                                                \
    OP(erfc)                                                                                                                               \
    OP(lgamma)                                                                                                                             \
    OP(digamma)                                                                                                                            \
    OP(polygamma)                                                                                                                          \
    OP(floor)                                                                                                                              \
    OP(ceil)                                                                                                                               \
    OP(round)                                                                                                                              \
    OP(trunc)                                                                                                                              \
    OP(identity)                                                                                                                           \
    OP(stop_gradient)                                                                                                                      \
    OP(cast)                                                                                                                               \
    /* activation */                                                                                                                       \
    OP(sigmoid)                                                                                                                            \
    OP(log_sigmoid)                                                                                                                        \
    OP(tanh)                                                                                                                               \
    OP(softplus)                                                                                                                           \
    OP(softsign)                                                                                                                           \
    OP(silu)                                                                                                                               \
    OP(mish)                                                                                                                               \
    OP(gelu)                                                                                                                               \
    OP(gelu_tanh)                                                                                                                          \
    OP(relu)                                                                                                                               \
    OP(step)                                                                                                                               \
    OP(leaky_relu)                                                                                                                         \
    OP(prelu)                                                                                                                              \
    OP(elu)                                                                                                                                \
    OP(selu)                                                                                                                               \
    OP(celu)                                                                                                                               \
    OP(clip)                                                                                                                               \
    OP(hard_sigmoid)                                                                                                                       \
    OP(hard_swish)                                                                                                                         \
    /* compare */                                                                                                                          \
    OP(equal)                                                                                                                              \
    OP(not_equal)                                                                                                                          \
    OP(less)                                                                                                                               \
    OP(less_equal)                                                                                                                         \
    OP(greater)                                                                                                                            \
    OP(greater_equal)                                                                                                                      \
    OP(where)                                                                                                                              \
    OP(is_nan)                                                                                                                             \
    OP(is_inf)                                                                                                                             \
    OP(is_finite)                                                                                                                          \
    OP(logical_and)                                                                                                                        \
    OP(logical_or)                                                                                                                         \
    OP(logical_xor)                                                                                                                        \
    OP(logical_not)                                                                                                                        \
    /* reduce */                                                                                                                           \
    OP(sum)                                                                                                                                \
    OP(mean)                                                                                                                               \
    OP(prod)                                                                                                                               \
    OP(max)                                                                                                                                \
    OP(min)                                                                                                                                \
    OP(any)                                                                                                                                \
    OP(all)                                                                                                                                \
    OP(norm_l1)                                                                                                                            \
    OP(norm_l2)                                                                                                                            \
    OP(logsumexp)                                                                                                                          \
    OP(var)                                                                                                                                \
    OP(std)                                                                                                                                \
    OP(argmax)                                                                                                                             \
    OP(argmin)                                                                                                                             \
    OP(cumsum)                                                                                                                             \
    OP(cumprod)                                                                                                                            \
    OP(linear_recurrence)                                                                                                                  \
    OP(count)                                                                                                                              \
    /* shape */                                                                                                                            \
    OP(sum_to)                                                                                                                             \
    OP(expand)                                                                                                                             \
    OP(reshape)                                                                                                                            \
    OP(reshape_like)                                                                                                                       \
    OP(transpose)                                                                                                                          \
    OP(flatten)                                                                                                                            \
    OP(squeeze)                                                                                                                            \
    OP(unsqueeze)                                                                                                                          \
    OP(broadcast_to)                                                                                                                       \
    OP(tile)                                                                                                                               \
    OP(untile)                                                                                                                             \
    OP(repeat)                                                                                                                             \
    OP(unrepeat)                                                                                                                           \
    OP(flip)                                                                                                                               \
    OP(roll)                                                                                                                               \
    OP(pad)                                                                                                                                \
    OP(unpad)                                                                                                                              \
    OP(triu)                                                                                                                               \
    OP(tril)                                                                                                                               \
    OP(diagonal)                                                                                                                           \
    OP(undiagonal)                                                                                                                         \
    OP(diagonal_embed)                                                                                                                     \
    OP(full)                                                                                                                               \
    OP(arange)                                                                                                                             \
    OP(linspace)                                                                                                                           \
    OP(positions)                                                                                                                          \
    /* join */                                                                                                                             \
    OP(concat)                                                                                                                             \
    OP(unconcat)                                                                                                                           \
    OP(place)                                                                                                                              \
    OP(slice)                                                                                                                              \
    OP(unslice)                                                                                                                            \
    OP(reslice)                                                                                                                            \
    /* index */                                                                                                                            \
    OP(gather)                                                                                                                             \
    OP(ungather)                                                                                                                           \
    OP(one_hot)                                                                                                                            \
    OP(gather_elements)                                                                                                                    \
    OP(ungather_elements)                                                                                                                  \
    OP(gather_nd)                                                                                                                          \
    OP(ungather_nd)                                                                                                                        \
    OP(scatter_add)                                                                                                                        \
    OP(scatter_elements_add)                                                                                                               \
    OP(scatter_nd_add)                                                                                                                     \
    OP(embedding)                                                                                                                          \
    OP(argsort)                                                                                                                            \
    OP(top_k_indices)                                                                                                                      \
    /* products */                                                                                                                         \
    OP(matmul)                                                                                                                             \
    OP(tensordot)                                                                                                                          \
    /* linear algebra */                                                                                                                   \
    OP(tril_from_vector)                                                                                                                   \
    OP(tril_to_vector)                                                                                                                     \
    OP(triangular_solve)                                                                                                                   \
    OP(cholesky)                                                                                                                           \
    OP(solve)                                                                                                                              \
    OP(inverse)                                                                                                                            \
    OP(det)                                                                                                                                \
    OP(logabsdet)                                                                                                                          \
    OP(det_sign)                                                                                                                           \
    OP(cofactor)                                                                                                                           \
    /* conv */                                                                                                                             \
    OP(conv)                                                                                                                               \
    OP(conv_input_grad)                                                                                                                    \
    OP(conv_weight_grad)                                                                                                                   \
    OP(conv_transpose)                                                                                                                     \
    OP(im2col)                                                                                                                             \
    OP(col2im)                                                                                                                             \
    OP(max_pool)                                                                                                                           \
    OP(max_pool_grad)                                                                                                                      \
    OP(max_pool_take)                                                                                                                      \
    OP(adaptive_max_pool)                                                                                                                  \
    OP(average_pool)                                                                                                                       \
    OP(average_pool_grad)                                                                                                                  \
    OP(adaptive_average_pool)                                                                                                              \
    OP(resize)                                                                                                                             \
    OP(resize_grad)                                                                                                                        \
    /* norm */                                                                                                                             \
    OP(layer_norm)                                                                                                                         \
    OP(rms_norm)                                                                                                                           \
    OP(group_norm)                                                                                                                         \
    OP(instance_norm)                                                                                                                      \
    OP(normalize_grad)                                                                                                                     \
    OP(group_mean)                                                                                                                         \
    OP(batch_norm)                                                                                                                         \
    OP(batch_moments)                                                                                                                      \
    OP(batch_sums)                                                                                                                         \
    OP(in_mode)                                                                                                                            \
    OP(local_response_norm)                                                                                                                \
    OP(channel_window)                                                                                                                     \
    /* softmax and losses */                                                                                                               \
    OP(softmax)                                                                                                                            \
    OP(log_softmax)                                                                                                                        \
    OP(softmax_cross_entropy)                                                                                                              \
    OP(softmax_cross_entropy_grad)                                                                                                         \
    OP(sum_squared_error)                                                                                                                  \
    OP(mean_squared_error)                                                                                                                 \
    OP(mean_absolute_error)                                                                                                                \
    OP(huber)                                                                                                                              \
    OP(smooth_l1)                                                                                                                          \
    OP(binary_cross_entropy)                                                                                                               \
    OP(binary_cross_entropy_with_logits)                                                                                                   \
    OP(hinge)                                                                                                                              \
    OP(kl_divergence)                                                                                                                      \
    OP(label_weights)                                                                                                                      \
    OP(class_targets)                                                                                                                      \
    OP(negative_log_likelihood)                                                                                                            \
    /* random */                                                                                                                           \
    OP(random_uniform)                                                                                                                     \
    OP(random_normal)                                                                                                                      \
    OP(random_uniform_like)                                                                                                                \
    OP(random_normal_like)                                                                                                                 \
    OP(bernoulli)                                                                                                                          \
    OP(randint)                                                                                                                            \
    OP(permutation)                                                                                                                        \
    OP(permutation_like)                                                                                                                   \
    OP(dropout)                                                                                                                            \
    OP(dropout_mask)                                                                                                                       \
    /* functions */                                                                                                                        \
    OP(result)                                                                                                                             \
    OP(call)                                                                                                                               \
    OP(scan)                                                                                                                               \
    /* sequence */                                                                                                                         \
    /* effects */                                                                                                                          \
    OP(assign)

#define KS__DECLARE_OP(NAME) extern const ks_op ks__op_##NAME;
KS__OPS(KS__DECLARE_OP)
#undef KS__DECLARE_OP

/* The library's operation of that name, NULL if there is none. */
const ks_op *ks__op_named(const char *name);

#endif
