/*
 * ops/loss/each.c - the kernel, the shape rule and the derivative that element-by-element losses share.
 */
#include "ops/loss/each.h"

#define BLOCK 1024 /* elements whose values are looked at together */
#define PIECE 8192 /* elements of a task */

const ks_attr ks__reduction_table[] = {KS__REDUCTION, {0}};

/* ---- shapes -------------------------------------------------------------------------------------------- */

bool ks__loss_infer_scalar(ks_infer *infer)
{
    const ks_shape *y = infer->shape[0], *t = infer->shape[1];
    bool fits = y->rank == t->rank;
    for (int i = 0; fits && i < y->rank; i++) {
        int64_t same;
        fits = ks__dim_same(infer->graph, y->dim[i], t->dim[i], &same);
    }
    infer->out = KS_SCALAR;
    return fits || ks_infer_fail(infer, KS_BAD_SHAPE, "the shapes must be equal: {0}, {1}");
}

bool ks__loss_infer(ks_infer *infer)
{
    const ks__loss_attrs *attrs = infer->attrs;
    if (attrs->reduction < KS_REDUCE_MEAN || attrs->reduction > KS_REDUCE_ROWS)
        return ks_infer_fail(infer, KS_BAD_ARGUMENT, "reduction is %lld: 0 is the mean, 1 the sum, 2 none, 3 the mean over rows",
                             (long long)attrs->reduction);
    if (!ks__loss_infer_scalar(infer))
        return false;
    for (int i = 0; attrs->reduction == KS_REDUCE_NONE && i < infer->shape[0]->rank; i++) {
        infer->out.rank = infer->shape[0]->rank;
        ks__dim_same(infer->graph, infer->shape[0]->dim[i], infer->shape[1]->dim[i], &infer->out.dim[i]);
    }
    return true;
}

/* ---- the kernel ---------------------------------------------------------------------------------------- */

typedef struct job {
    const ks_call *call;
    ks_tile_fn tile;
    size_t size; /* of an element */
    bool each;   /* the values themselves are wanted */
} job;

static void values_task(void *payload, int64_t i)
{
    const job *j = payload;
    const ks_call *call = j->call;
    int64_t n = call->in[0].count - i * PIECE < PIECE ? call->in[0].count - i * PIECE : PIECE;
    size_t at = (size_t)(i * PIECE) * j->size;
    const char *y = (const char *)call->in[0].data + at, *t = (const char *)call->in[1].data + at;
    j->tile((char *)call->out->data + at, (const void *[]){y, t}, n, call->attrs);
}

static void sum_task(void *payload, int64_t i)
{
    const job *j = payload;
    const ks_call *call = j->call;
    const ks_tensor *y = &call->in[0], *t = &call->in[1];
    int64_t last = (i + 1) * PIECE < y->count ? (i + 1) * PIECE : y->count;
    double block[BLOCK], sum = 0;
    for (int64_t k = i * PIECE; k < last; k += BLOCK) {
        int64_t n = last - k < BLOCK ? last - k : BLOCK;
        size_t at = (size_t)k * j->size;
        j->tile(block, (const void *[]){(const char *)y->data + at, (const char *)t->data + at}, n, call->attrs);
        sum +=
            y->dtype == KS_F32 ? (double)ks__sum_f32(call->isa, (const float *)(const void *)block, n) : ks__sum_f64(call->isa, block, n);
    }
    ((double *)call->scratch)[i] = sum;
}

/* What the sum is divided by. */
static double divisor(const ks_tensor *y, int64_t reduction)
{
    if (reduction == KS_REDUCE_MEAN)
        return (double)y->count;
    return reduction == KS_REDUCE_ROWS && y->shape->rank ? (double)y->shape->dim[0] : 1;
}

bool ks__loss_run(const ks_call *call, const ks_tile *tiles, int64_t reduction, double factor)
{
    const ks_tensor *y = &call->in[0], *out = call->out;
    job j = {call, tiles[y->dtype].fn[call->isa], ks_dtype_size(y->dtype), reduction == KS_REDUCE_NONE};
    int64_t pieces = ks__ceil_div(y->count, PIECE);
    ks__each(call, y->count, pieces, j.each ? values_task : sum_task, &j);
    if (j.each)
        return true;
    double sum = pieces ? ks__sum_f64(call->isa, call->scratch, pieces) : 0, value = factor * sum / divisor(y, reduction);
    if (out->dtype == KS_F32)
        *(float *)out->data = (float)value;
    else
        *(double *)out->data = value;
    return true;
}

size_t ks__loss_scratch(const ks_call *call)
{
    return (size_t)ks__ceil_div(call->in[0].count, PIECE) * sizeof(double);
}

/* ---- composing ----------------------------------------------------------------------------------------- */

ks_node *ks__loss_number(const ks_node *loss, double value)
{
    return ks_number_at(ks_node_place(loss), loss->graph, value);
}

ks_node *ks__loss_difference(ks_node *loss, int i)
{
    return ks_sub_at(ks_node_place(loss), ks__in(loss, i), ks__in(loss, 1 - i));
}

ks_node *ks__loss_held(ks_node *loss, ks_node *x, double limit)
{
    ks_place at = ks_node_place(loss);
    return ks_maximum_at(at, ks_minimum_at(at, x, ks__loss_number(loss, limit)), ks__loss_number(loss, -limit));
}

ks_node *ks__loss_passes(ks_node *loss, ks_node *partial, ks_node *u)
{
    ks_place at = ks_node_place(loss);
    const ks__loss_attrs *attrs = ks__attrs(loss);
    ks_node *y = ks__in(loss, 0);
    ks_ints axes = attrs->reduction == KS_REDUCE_ROWS ? KS_INTS(0) : KS_ABSENT;
    bool shared = attrs->reduction == KS_REDUCE_MEAN || (attrs->reduction == KS_REDUCE_ROWS && ks__rank(y));
    if (shared)
        partial = ks_div_at(at, partial, ks__count_of(at, y, axes, ks_node_dtype(loss)));
    return ks_chain_mul_at(at, u, partial);
}

ks_node *ks__loss_apply(ks_place at, const ks_op *op, ks_node *y, ks_node *t, double bend, ks_reduction reduction)
{
    ks__loss_attrs attrs = {(int64_t)reduction, bend};
    uint64_t before = y ? y->graph->statistics.nodes_composed : 0;
    return ks__loss_fits(ks__apply2(at, op, y, t, &attrs), before);
}

ks_node *ks__loss_example(ks_graph *g, const ks_op *op, const ks__loss_attrs *attrs)
{
    ks_node *y = ks__given(g, "y", KS_SHAPE(2, 3), KS__VALUES(0.3, 2.9, -4, 0.125, 0.5, 1.25));
    return ks__apply2(KS_HERE, op, y, ks__given(g, "t", KS_SHAPE(2, 3), KS__VALUES(0.25, 0.125, 0.625, 1.5, -1, 0.75)), attrs);
}
