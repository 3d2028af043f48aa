/*
 * keisan/ops/linalg.h - small linear algebra: triangular matrices, solves, Cholesky, determinant, inverse.
 *
 * Matrices are the last two dimensions; those before are a batch, worked at matrix by matrix.
 */
#ifndef KEISAN_OPS_LINALG_H
#define KEISAN_OPS_LINALG_H

#include <keisan/op.h>

KS_BEGIN

/* Lower triangles row by row: [..., n (n + 1) / 2] to [..., n, n] and back. strict: without the diagonal, [..., n (n - 1) / 2]. */
#define ks_tril_from_vector(x, ...) ks_tril_from_vector_at(KS_HERE, x, __VA_ARGS__)
#define ks_tril_to_vector(x, ...)   ks_tril_to_vector_at(KS_HERE, x, __VA_ARGS__)
KS_API ks_node *ks_tril_from_vector_at(ks_place at, ks_node *x, bool strict);
KS_API ks_node *ks_tril_to_vector_at(ks_place at, ks_node *x, bool strict);

/* x of a x = b: a [..., n, n], b [..., n, k] or a vector [n]. The triangular one reads one triangle of a; trans: aᵀ x = b. */
#define ks_triangular_solve(a, b, lower, trans, ...) ks_triangular_solve_at(KS_HERE, a, b, lower, trans, __VA_ARGS__)
#define ks_solve(a, ...) ks_solve_at(KS_HERE, a, __VA_ARGS__)
KS_API ks_node *ks_triangular_solve_at(ks_place at, ks_node *a, ks_node *b, bool lower, bool trans, bool unit_diagonal);
KS_API ks_node *ks_solve_at(ks_place at, ks_node *a, ks_node *b);

#define ks_cholesky(...)  ks_cholesky_at(KS_HERE, __VA_ARGS__)
#define ks_inverse(...)   ks_inverse_at(KS_HERE, __VA_ARGS__)
#define ks_det(...)       ks_det_at(KS_HERE, __VA_ARGS__)
#define ks_logabsdet(...) ks_logabsdet_at(KS_HERE, __VA_ARGS__)
#define ks_det_sign(...)  ks_det_sign_at(KS_HERE, __VA_ARGS__)
#define ks_cofactor(...)  ks_cofactor_at(KS_HERE, __VA_ARGS__)
KS_API ks_node *ks_cholesky_at(ks_place at, ks_node *a);  /* lower triangular, y yᵀ = a; not positive definite: an error */
KS_API ks_node *ks_inverse_at(ks_place at, ks_node *a);   /* singular: an error */
KS_API ks_node *ks_det_at(ks_place at, ks_node *a);       /* [..., n, n] -> [...] */
KS_API ks_node *ks_logabsdet_at(ks_place at, ks_node *a); /* log |det(a)|, NumPy's slogdet with det_sign */
KS_API ks_node *ks_det_sign_at(ks_place at, ks_node *a);
KS_API ks_node *ks_cofactor_at(ks_place at, ks_node *a);  /* the derivative of det: a⁻ᵀ det(a), for singular matrices too */

KS_END

#endif
