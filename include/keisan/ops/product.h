/*
 * keisan/ops/product.h - sums of products: matrices and their like.
 */
#ifndef KEISAN_OPS_PRODUCT_H
#define KEISAN_OPS_PRODUCT_H

#include <keisan/op.h>

KS_BEGIN

#define ks_matmul(a, ...) ks_matmul_at(KS_HERE, a, __VA_ARGS__)
KS_API ks_node *ks_matmul_at(ks_place at, ks_node *a, ks_node *b); /* NumPy's matmul: [..., m, k] [..., k, n] -> [..., m, n] */

/* x w + b, an affine layer: x [..., in], w [in, out], b [out] or what else broadcasts. Two nodes, matmul and add; without b it is ks_matmul. */
#define ks_dense(x, w, ...) ks_dense_at(KS_HERE, x, w, __VA_ARGS__)
KS_API ks_node *ks_dense_at(ks_place at, ks_node *x, ks_node *w, ks_node *b);

#define ks_dot(a, ...)   ks_dot_at(KS_HERE, a, __VA_ARGS__)
#define ks_outer(a, ...) ks_outer_at(KS_HERE, a, __VA_ARGS__)
KS_API ks_node *ks_dot_at(ks_place at, ks_node *a, ks_node *b);   /* of two vectors: the sum of a b, a scalar */
KS_API ks_node *ks_outer_at(ks_place at, ks_node *a, ks_node *b); /* all products: [count of a, count of b] */

/* The products summed over the last `axes` axes of a and the first of b, as NumPy's tensordot. */
#define ks_tensordot(a, b, ...) ks_tensordot_at(KS_HERE, a, b, __VA_ARGS__)
KS_API ks_node *ks_tensordot_at(ks_place at, ks_node *a, ks_node *b, int axes);

/*
 * Sums of products as NumPy's einsum writes them: "ij,jk->ik". A letter names an axis of each operand that has it; what the result does not
 * name is summed over. Without "->" the result has the letters that stand once, in alphabetical order. A letter twice in one operand takes
 * its diagonal. "..." stands for the axes without a letter, which broadcast. Several operands are multiplied by twos, the pair first whose
 * product is the smallest beside them. The result is composed of transpose, sum, mul, matmul and tensordot.
 */
#define ks_einsum(equation, nodes, ...) ks_einsum_at(KS_HERE, equation, nodes, __VA_ARGS__)
KS_API ks_node *ks_einsum_at(ks_place at, const char *equation, ks_node *const *nodes, int count);

KS_END

#endif
