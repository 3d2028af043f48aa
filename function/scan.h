/*
 * function/scan.h - the operation `scan` among its files: scan.c says what it is, scan_run.c runs it, scan_back.c and scan_forth.c
 * differentiate it.
 *
 * The arguments are, in this order: the number of steps (if counted), states, what is scanned by rows, constants. The results are the last
 * states, the stacked outputs of the body, the number of steps taken, and the stacked values of every node of the body.
 */
#ifndef KS_FUNCTION_SCAN_H
#define KS_FUNCTION_SCAN_H

#include "function/function.h"

typedef struct ks__scan_attrs {
    ks_function *body;
    ks_function *until; /* may be NULL */
    int64_t states, scanned;
    int64_t length; /* 0: the rows of the scanned arguments */
    int64_t reverse;
    int64_t counted; /* the first argument, an i64 scalar, says how many steps of them are done */
    int64_t strict;  /* to come to the end without `until` having said stop is a failure */
    int64_t recompute;
    int64_t stream;
} ks__scan_attrs;

/* The nodes of the body whose stacked values a derivative reads are results from this number on. */
static inline int64_t ks__scan_inside(const ks__scan_attrs *a)
{
    return (int64_t)ks__function_outputs(a->body) + 1; /* before it: the steps taken */
}

/* How many arguments stand before those of the body. */
static inline uint32_t ks__scan_first(const ks__scan_attrs *a)
{
    return a->counted ? 1 : 0;
}

/* What parameter i of the body is; a constant if neither. */
static inline bool ks__scan_is_state(const ks__scan_attrs *a, uint32_t i)
{
    return i < a->states;
}

static inline bool ks__scan_is_row(const ks__scan_attrs *a, uint32_t i)
{
    return i >= a->states && i < a->states + a->scanned;
}

/* The body's node that result r is about; NULL: the number of steps. */
static inline ks_node *ks__scan_node(const ks__scan_attrs *a, int64_t r)
{
    int64_t outputs = ks__function_outputs(a->body);
    if (r < outputs)
        return ks__function_output(a->body, (uint32_t)r);
    return r == outputs ? NULL : ks__stack_at(&a->body->graph->nodes, (uint32_t)(r - ks__scan_inside(a)));
}

/* A row of a tensor's shape. */
static inline ks_shape ks__row_of(const ks_shape *shape)
{
    ks_shape row = {.rank = shape->rank - 1};
    for (int d = 1; d < shape->rank; d++)
        row.dim[d - 1] = shape->dim[d];
    return row;
}

/* scan.c */
int64_t ks__scan_results(const void *attrs);
/* scan_run.c */
void *ks__scan_prepare(const ks_call *call, ks_failure *failure);
void ks__scan_release(void *prepared);
size_t ks__scan_scratch(const ks_call *call);
bool ks__scan_kernel(const ks_call *call, ks_failure *failure);
/* scan_back.c, scan_forth.c */
bool ks__scan_pullbacks(ks_node *y, const ks_arrival *arrivals, int count, const bool *wanted, ks_node **out);
ks_node *ks__scan_pushforwards(ks_node *y, ks_node *const *tangents, int64_t result);

/* ---- composing a body from others (scan_body.c) -------------------------------------------------------- */

/* A body in the making, for a scan that derives from one of f. */
typedef struct ks__building {
    ks_function *f;
    ks_graph *g;
    int64_t *symbols;
    uint32_t inputs, results;
} ks__building;

/* shapes: the function whose open dimensions those of the parameters are. */
bool ks__body_open(ks__building *b, ks_function *f, const ks_function *shapes);
/* A parameter like one of another function's. */
ks_node *ks__body_parameter(ks__building *b, const ks_function *shapes, const ks_node *like);
bool ks__body_result(ks__building *b, ks_node *node);
/* The finished function, or NULL and a failure recorded in g. */
ks_function *ks__body_close(ks_graph *g, ks__building *b, const ks_function *shapes, const char *kind, bool good);

#endif
