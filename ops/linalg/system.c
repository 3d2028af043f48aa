/*
 * ops/linalg/system.c - how systems of equations lie in a batch and are cut into jobs.
 */
#include "ops/linalg/system.h"

#define COLUMNS 128 /* of a job */

static ks_shape batch_of(const ks_shape *x)
{
    ks_shape batch = *x;
    batch.rank = x->rank - 2;
    return batch;
}

bool ks__infer_system(ks_infer *infer)
{
    const ks_shape *a = infer->shape[0], *b = infer->shape[1];
    int64_t n;
    if (!ks__infer_square(infer))
        return false;
    if (b->rank < 2)
        return ks_infer_fail(infer, KS_BAD_SHAPE, "takes columns, [..., n, k]: {1}: give a vector as [n, 1]");
    if (!ks__dim_same(infer->graph, ks__order(a), b->dim[b->rank - 2], &n))
        return ks_infer_fail(infer, KS_BAD_SHAPE, "there must be as many rows on both sides: {0}, {1}");
    ks_shape batch_a = batch_of(a), batch_b = batch_of(b);
    if (!ks__broadcast_shapes(infer->graph, &batch_a, &batch_b, &infer->out))
        return ks_infer_fail(infer, KS_BAD_SHAPE, "the dimensions before the last two do not broadcast: {0}, {1}");
    infer->out.dim[infer->out.rank++] = n;
    infer->out.dim[infer->out.rank++] = b->dim[b->rank - 1];
    return true;
}

static void batch_steps(const ks_shape *x, int rank, int64_t *step)
{
    int64_t size = 1;
    for (int i = rank - 1, k = x->rank - 3; i >= 0; i--, k--) {
        step[i] = k >= 0 && x->dim[k] > 1 ? size : 0;
        size *= k >= 0 ? x->dim[k] : 1;
    }
}

ks__system ks__system_of(const ks_call *call)
{
    const ks_shape *a = call->in[0].shape, *x = call->out->shape;
    ks__system s = {
        .n = ks__order(a), .k = ks__order(x), .count = ks__matrix_count(x), .count_a = ks__matrix_count(a), .rank = x->rank - 2};
    s.columns = s.k > COLUMNS ? COLUMNS : s.k;
    s.chunks = s.columns ? ks__ceil_div(s.k, s.columns) : 0;
    for (int i = 0; i < s.rank; i++)
        s.dim[i] = x->dim[i];
    batch_steps(a, s.rank, s.step_a);
    batch_steps(call->in[call->n - 1].shape, s.rank, s.step_b);
    return s;
}

static int64_t place_of(const ks__system *s, const int64_t *step, int64_t i)
{
    int64_t place = 0;
    for (int d = s->rank - 1; d >= 0; d--) {
        place += i % s->dim[d] * step[d];
        i /= s->dim[d];
    }
    return place;
}

ks__columns ks__columns_of(const ks__system *s, int64_t job)
{
    ks__columns c = {.system = job / s->chunks, .first = job % s->chunks * s->columns};
    c.count = s->k - c.first < s->columns ? s->k - c.first : s->columns;
    c.a = place_of(s, s->step_a, c.system);
    c.b = place_of(s, s->step_b, c.system);
    return c;
}

static void unit_row(const ks__columns *c, ks_dtype dtype, void *row, int64_t one)
{
    memset(row, 0, (size_t)c->count * ks_dtype_size(dtype));
    if (one < c->first || one >= c->first + c->count)
        return;
    if (dtype == KS_F32)
        ((float *)row)[one - c->first] = 1;
    else
        ((double *)row)[one - c->first] = 1;
}

void *ks__start_columns(const ks_call *call, const ks__system *s, const ks__columns *c, const int64_t *rows)
{
    size_t size = ks_dtype_size(call->out->dtype);
    char *x = (char *)call->out->data + (size_t)(c->system * s->n * s->k + c->first) * size;
    for (int64_t i = 0; i < s->n; i++) {
        int64_t from = rows ? rows[i] : i;
        char *row = x + (size_t)(i * s->k) * size;
        if (call->n == 1)
            unit_row(c, call->out->dtype, row, from);
        else
            memcpy(row, (const char *)call->in[1].data + (size_t)((c->b * s->n + from) * s->k + c->first) * size, (size_t)c->count * size);
    }
    return x;
}

/* ---- derivatives --------------------------------------------------------------------------------------- */

ks_node *ks__system_pullback(ks_place at, ks_node *x, ks_node *g, ks_node *a, bool trans)
{
    ks_node *product = trans ? ks__matmul(at, x, g, false, true) : ks__matmul(at, g, x, false, true);
    return ks__sum_down(at, ks_neg_at(at, product), a);
}

ks_node *ks__as_column(ks_place at, ks_node *b)
{
    return ks_reshape_at(at, b, KS_SHAPE(-1, 1));
}

/* The one column is summed over: that takes its axis away without a size. */
ks_node *ks__as_vector(ks_place at, ks_node *x)
{
    return ks_sum_at(at, x, KS_INTS(-1), false);
}
