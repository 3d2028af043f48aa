/*
 * engine/kernels/gemm.h - matrix products C [m, n] = op(A) [m, k] op(B) [k, n], row-major, in f32 and f64.
 *
 * The additions for an element of C go along k in an order that is fixed by the sizes and the instruction set; work is cut into blocks of
 * C by size only. So the bits are the same whatever the threads. Nothing is allocated: the caller brings the workspace.
 */
#ifndef KS_KERNELS_GEMM_H
#define KS_KERNELS_GEMM_H

#include <keisan/base.h>
#include "engine/kernels/isa.h"

/* A product. A is stored [m, k], or [k, m] when trans_a; B [k, n], or [n, k] when trans_b; ld*: elements from row to row as stored. */
typedef struct ks__gemm {
    ks_dtype dtype; /* KS_F32 or KS_F64 */
    int isa;        /* of ks_isa */
    bool trans_a, trans_b;
    int64_t m, n, k;
    int64_t lda, ldb, ldc;
} ks__gemm;

/* Bytes of workspace that ks__gemm_run wants for these sizes; 0 for what needs none. */
size_t ks__gemm_scratch(const ks__gemm *gemm);

/*
 * C = op(A) op(B); with k 0, zeros. C overlaps neither A nor B. `scratch` is aligned to 64 and as large as ks__gemm_scratch says.
 * parallel_for NULL: all on the calling thread.
 */
void ks__gemm_run(const ks__gemm *gemm, const void *a, const void *b, void *c, void *scratch, ks_parallel_for_fn parallel_for, void *user);

#endif
