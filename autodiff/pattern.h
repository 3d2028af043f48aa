/*
 * autodiff/pattern.h - which elements of x each element of y can hang on.
 */
#ifndef KS_AUTODIFF_PATTERN_H
#define KS_AUTODIFF_PATTERN_H

#include "autodiff/gradient.h"

/* The columns of one row: a stretch of the pool, ascending. Rows may share a stretch. */
typedef struct ks__stretch {
    uint32_t start, count;
} ks__stretch;

/* Rules: stretches are ascending and without repeats; what is in the pool never changes, so that copying a row is copying its ends. */
typedef struct ks__pattern {
    ks_graph *g;
    ks__list list;
    ks__stretch **rows; /* [list.count][elements]; NULL: hangs on no x */
    uint32_t *pool;
    uint32_t pool_count, pool_capacity;
    uint32_t *mark; /* [columns] the number of the union that took the column last */
    uint32_t unions, columns;
    ks_graph *aside; /* where what moves elements is applied to their numbers */
} ks__pattern;

/* Follows x's elements to y. Freed by ks__pattern_free, on failure too. */
bool ks__pattern_find(ks__pattern *p, ks_place at, const char *call, ks_node *y, ks_node *x);
/* y's rows; NULL if y does not hang on x. */
const ks__stretch *ks__pattern_rows(const ks__pattern *p, const ks_node *y);
void ks__pattern_free(ks__pattern *p);

/* Begins a union; adds a row to it; ends it: the union's stretch. */
uint32_t ks__union_begin(ks__pattern *p);
bool ks__union_add(ks__pattern *p, ks__stretch row);
ks__stretch ks__union_end(ks__pattern *p, uint32_t start);

/* Where the elements of a tensor that is broadcast to `out` stand: one step for each axis of out, 0 where it repeats. */
void ks__broadcast_steps(const ks_shape *in, const ks_shape *out, int64_t step[KS_MAX_RANK]);
/* The place of element e of `shape` under these steps. */
int64_t ks__stepped(const ks_shape *shape, const int64_t step[KS_MAX_RANK], int64_t e);

#endif
