/*
 * keisan/ops/linalg.h - small linear algebra: triangular matrices, solves, Cholesky, determinant, inverse.
 */
#ifndef KEISAN_OPS_LINALG_H
#define KEISAN_OPS_LINALG_H

#include <keisan/op.h>

KS_BEGIN

KS_END

#endif
