/*
 * ops/product/batch.h - products of many matrices: how a batch lies in memory, how it is cut into tasks, and who multiplies.
 *
 * The caller fills in what one product is and how far it is from matrix to matrix; ks__batch_plan decides the rest by the sizes alone, so
 * the bits are the same whatever the threads. The matrices of the result lie one after the other.
 */
#ifndef KS_OPS_PRODUCT_BATCH_H
#define KS_OPS_PRODUCT_BATCH_H

#include "ops/family.h"
#include "engine/kernels/gemm.h"

typedef struct ks__batch {
    ks__gemm one; /* the sizes m, n, k and how a and b are stored; ks__batch_plan sets the rest */
    int rank;     /* of the batch */
    int64_t dim[KS_MAX_RANK], step_a[KS_MAX_RANK], step_b[KS_MAX_RANK]; /* elements; 0 repeats */
    /* set by ks__batch_plan */
    int64_t count;  /* matrices */
    int64_t tasks;  /* 1: each product has all threads in its turn */
    size_t scratch; /* of one task */
    const char *a, *b;
    char *c, *workspace;
    bool blas;
} ks__batch;

/* Completes the batch for the call; its workspace is tasks * scratch bytes. */
void ks__batch_plan(ks__batch *p, const ks_call *call);
void ks__batch_run(ks__batch *p, const ks_call *call);

#endif
