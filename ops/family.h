/*
 * ops/family.h - what the families of operations share: composing one node in a line, attributes without stray bytes,
 * blocks of work, and the small inputs of examples. Nothing here names an operation.
 */
#ifndef KS_OPS_FAMILY_H
#define KS_OPS_FAMILY_H

#include <keisan/autodiff.h>
#include <string.h>
#include "graph/graph.h"
#include "ops/table.h"

/* ---- composing ----------------------------------------------------------------------------------------- */

/* One node of one, two or three inputs; NULL inputs pass through. */
static inline ks_node *ks__apply1(ks_place at, const ks_op *op, ks_node *x, const void *attrs)
{
    return x ? ks__compose(at, x->graph, op, &x, 1, attrs) : NULL;
}

static inline ks_node *ks__apply2(ks_place at, const ks_op *op, ks_node *a, ks_node *b, const void *attrs)
{
    return a && b ? ks__compose(at, a->graph, op, (ks_node *[]){a, b}, 2, attrs) : NULL;
}

static inline ks_node *ks__apply3(ks_place at, const ks_op *op, ks_node *a, ks_node *b, ks_node *c, const void *attrs)
{
    return a && b && c ? ks__compose(at, a->graph, op, (ks_node *[]){a, b, c}, 3, attrs) : NULL;
}

/* The i-th input. */
static inline ks_node *ks__in(const ks_node *y, int i)
{
    return ks__inputs(y)[i];
}

/* A node's rank and whether two nodes have the same shape for sure. */
static inline int ks__rank(const ks_node *x)
{
    return x->dims->shape.rank;
}

static inline bool ks__same_dims(const ks_node *a, const ks_node *b)
{
    if (a->dims != b->dims)
        return false;
    for (int i = 0; i < ks__rank(a); i++) {
        if (a->dims->shape.dim[i] == KS_ANY)
            return false;
    }
    return true;
}

/* Sums x down to like's shape where broadcasting may have spread it; x itself if nothing did. */
static inline ks_node *ks__sum_down(ks_place at, ks_node *x, ks_node *like)
{
    return x && like && ks__same_dims(x, like) ? x : ks_sum_to_at(at, x, like);
}

/* ---- attributes: what lies beyond the count is zero, so that equal attributes are equal bytes ---------- */

static inline void ks__set_ints(ks_ints *to, const ks_ints *from)
{
    memset(to, 0, sizeof *to);
    to->count = from->count < 0 ? -1 : from->count > KS_MAX_RANK ? KS_MAX_RANK : from->count;
    for (int i = 0; i < to->count; i++)
        to->at[i] = from->at[i];
}

static inline void ks__set_shape(ks_shape *to, const ks_shape *from)
{
    memset(to, 0, sizeof *to);
    to->rank = from->rank < 0 ? 0 : from->rank > KS_MAX_RANK ? KS_MAX_RANK : from->rank;
    for (int i = 0; i < to->rank; i++)
        to->dim[i] = from->dim[i];
}

/* Whether a shape given by a caller has a rank that can be. */
static inline bool ks__rank_fits(int rank)
{
    return rank >= 0 && rank <= KS_MAX_RANK;
}

/* ---- work ---------------------------------------------------------------------------------------------- */

#define KS__SMALL_WORK 32768 /* elements below which waking threads costs more than it gives */

/* task(payload, i) for i in [0, n): on the threads if there is enough to do. The blocks are the caller's, so bits never
 * depend on the threads. */
static inline void ks__each(const ks_call *call, int64_t work, int64_t n, ks_task_fn task, void *payload)
{
    if (n > 1 && work >= KS__SMALL_WORK) {
        call->parallel_for(call->parallel_user, n, task, payload);
        return;
    }
    for (int64_t i = 0; i < n; i++)
        task(payload, i);
}

static inline int64_t ks__ceil_div(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

/* The axes of a shape around one of them: x[before][extent][after]. */
typedef struct ks__around {
    int64_t before, extent, after;
} ks__around;

static inline ks__around ks__split(const ks_shape *shape, int64_t axis)
{
    int at = (int)(axis < 0 ? axis + shape->rank : axis);
    ks__around r = {1, shape->rank ? shape->dim[at] : 1, 1};
    for (int i = 0; i < at; i++)
        r.before *= shape->dim[i];
    for (int i = at + 1; i < shape->rank; i++)
        r.after *= shape->dim[i];
    return r;
}

/* The i-th of a tensor of whole numbers. */
static inline int64_t ks__whole(const ks_tensor *t, int64_t i)
{
    switch (t->dtype) {
    case KS_I32:
        return ((const int32_t *)t->data)[i];
    case KS_I64:
        return ((const int64_t *)t->data)[i];
    default:
        return ((const uint8_t *)t->data)[i];
    }
}

/* Fills the failure of a kernel; false. */
bool ks__kernel_fail(ks_failure *failure, ks_code code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* ---- strided copies (ops/strided.c) -------------------------------------------------------------------- */

/* out, contiguous over `dim`, from in[sum of index * stride]; elements of `size` bytes (1, 4 or 8); strides in elements, 0
 * repeats. */
void ks__copy_strided(const ks_call *call, void *out, const void *in, size_t size, int rank, const int64_t *dim, const int64_t *stride);

/* A kernel for what has the elements of its first input in their order. */
bool ks__copy_kernel(const ks_call *call, ks_failure *failure);

/* ---- reductions that other families need (ops/reduce/reduce.c) ------------------------------------------------ */

/* Sums of x over the axes of the mask into out [the other axes], and the workspace it needs. */
bool ks__sum_over(const ks_call *call, const ks_tensor *x, unsigned mask, void *out, void *scratch);
size_t ks__sum_scratch(const ks_tensor *x, unsigned mask);
/* The sum of n contiguous elements, pairwise. */
float ks__sum_f32(int isa, const float *x, int64_t n);
double ks__sum_f64(int isa, const double *x, int64_t n);

/* The number of elements of x over the axes (absent: all), as a scalar of the dtype, counted when it runs. */
ks_node *ks__count_of(ks_place at, ks_node *x, ks_ints axes, ks_dtype dtype);

/* a [..., m] and b [..., n] to [m, n]: the sum over all rows of their outer products, as one tall product. */
ks_node *ks__rows_product(ks_place at, ks_node *a, ks_node *b);
/* Whether the node is that of two matrices. */
bool ks__is_rows_product(const ks_node *node);

/* op(a) op(b) with each operand's last two axes exchanged on request. */
ks_node *ks__matmul(ks_place at, ks_node *a, ks_node *b, bool ta, bool tb);

/* ---- examples ------------------------------------------------------------------------------------------ */

/* An f64 variable with these values. */
static inline ks_node *ks__given(ks_graph *g, const char *name, ks_shape shape, const double *values)
{
    ks_node *x = ks_variable(g, name, KS_F64, shape, KS_UNSET);
    return x && ks_set(x, KS_F64, values) ? x : NULL;
}

#define KS__VALUES(...) ((const double[]){__VA_ARGS__})

#endif
