/*
 * keisan/ops/product.h - sums of products: matrices and their like.
 */
#ifndef KEISAN_OPS_PRODUCT_H
#define KEISAN_OPS_PRODUCT_H

#include <keisan/op.h>

KS_BEGIN

#define ks_matmul(a, ...) ks_matmul_at(KS_HERE, a, __VA_ARGS__)
KS_API ks_node *ks_matmul_at(ks_place at, ks_node *a, ks_node *b); /* NumPy's matmul: [..., m, k] [..., k, n] -> [..., m, n] */

KS_END

#endif
