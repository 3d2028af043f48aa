/*
 * ops/linalg/linalg.h - what the operations on square matrices share: a task for each matrix of a batch, shape rules, triangles.
 */
#ifndef KS_OPS_LINALG_LINALG_H
#define KS_OPS_LINALG_LINALG_H

#include "ops/linalg/factor.h"

/* ---- a batch of matrices ------------------------------------------------------------------------------- */

/*
 * One job a matrix. `one` works at matrix i with `own` bytes of its task's workspace and returns 0 or what is wrong with the matrix; in a
 * dry pass (bench->dry) it touches no data. Either the matrices are shared out, or each has all threads in its turn.
 */
typedef struct ks__matrices {
    const ks_call *call;
    int64_t count; /* jobs */
    double work;   /* of one, in multiply-adds */
    int64_t (*one)(const struct ks__matrices *m, ks__bench *bench, int64_t i, void *own);
    size_t own;
    const void *user;
    /* set by ks__matrices_plan */
    int64_t tasks;
    size_t bench; /* bytes of a task's scratch, beside its own */
    size_t bytes; /* of the whole workspace */
    char *workspace;
} ks__matrices;

void ks__matrices_plan(ks__matrices *m);
/* Runs all jobs in the workspace. -1, or the first matrix with which something is wrong, and what. */
int64_t ks__matrices_run(ks__matrices *m, char *workspace, int64_t *what);

static inline size_t ks__aligned(size_t bytes)
{
    return (bytes + 63) & ~(size_t)63;
}

/* "the matrix", or "matrix 3 of the batch" */
#define KS__WHICH_TEXT 48
const char *ks__which(int64_t count, int64_t i, char text[KS__WHICH_TEXT]);

/* Matrices in a tensor, and elements in each: [..., n, n] */
static inline int64_t ks__matrix_count(const ks_shape *x)
{
    int64_t count = 1;
    for (int i = 0; i < x->rank - 2; i++)
        count *= x->dim[i];
    return count;
}

static inline int64_t ks__order(const ks_shape *x)
{
    return x->dim[x->rank - 1];
}

/* Whether input 0 is [..., n, n]; else why not. */
bool ks__infer_square(ks_infer *infer);
/* The rule of what keeps the shape of square matrices. */
bool ks__infer_square_same(ks_infer *infer);

/* ---- derivatives --------------------------------------------------------------------------------------- */

/* x with its last two axes exchanged. */
ks_node *ks__turned(ks_place at, ks_node *x);
/* x with zeros beside the triangle, `strict`: and on the diagonal. */
ks_node *ks__triangle_of(ks_place at, ks_node *x, bool lower, bool strict);

#endif
