/*
 * ops/linalg/system.h - systems of equations a x = b: a [..., n, n], b [..., n, k], whose batches broadcast.
 */
#ifndef KS_OPS_LINALG_SYSTEM_H
#define KS_OPS_LINALG_SYSTEM_H

#include "ops/linalg/linalg.h"

/* The systems of a call, cut into columns: a job solves some columns of one system. */
typedef struct ks__system {
    int64_t n, k;                                                       /* unknowns, columns */
    int64_t count, count_a;                                             /* systems, matrices a */
    int64_t columns, chunks;                                            /* of a job; jobs a system */
    int rank;                                                           /* of the batch */
    int64_t dim[KS_MAX_RANK], step_a[KS_MAX_RANK], step_b[KS_MAX_RANK]; /* matrices; 0 repeats */
} ks__system;

/* x's shape, from those of a and b. */
bool ks__infer_system(ks_infer *infer);
ks__system ks__system_of(const ks_call *call);

/* A job: which of the matrices a and b, and where its columns lie in x. */
typedef struct ks__columns {
    int64_t a, b, system, first, count;
} ks__columns;
ks__columns ks__columns_of(const ks__system *s, int64_t job);
/* The job's columns of x become those of b, rows in the order of `rows` (NULL: as they are); where the call has no b, of the identity. */
void *ks__start_columns(const ks_call *call, const ks__system *s, const ks__columns *c, const int64_t *rows);

/* The contribution to a: -g xᵀ where g went to b, or its transpose where a was read so; summed down to a's batch. */
ks_node *ks__system_pullback(ks_place at, ks_node *x, ks_node *g, ks_node *a, bool trans);
/* A vector b as one column, and its solution as a vector again. */
ks_node *ks__as_column(ks_place at, ks_node *b);
ks_node *ks__as_vector(ks_place at, ks_node *x);

#endif
