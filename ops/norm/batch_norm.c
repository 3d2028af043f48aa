/*
 * ops/norm/batch_norm.c - batch_norm: each channel of a batch brought to a common scale.
 *
 * The operation itself goes by the mean and variance that it is given. The builder gives it those of batch_moments, the batch's in
 * training and the running ones in inference, and hands it the assigns that move the running ones: they are inputs of which only the
 * shape is taken, so they belong to the node, go where it goes, and fire in training runs that compute it.
 */
#include "ops/norm/batch.h"
#include "engine/kernels/isa.h"

#include <math.h>

/* ---- the kernel ---------------------------------------------------------------------------------------- */

/* own: mean, factor and bias of each result of a piece, an array after the other, in x's dtype. */
#define DEFINE_APPLY(S, TYPE)                                                                                                              \
    static KS_INLINE void apply_##S##_body(const ks__batch *b, int64_t piece, int64_t range)                                               \
    {                                                                                                                                      \
        const TYPE *mean = b->own, *factor = mean + b->width, *bias = factor + b->width;                                                   \
        int64_t line = b->g * b->b, last = (piece + 1) * b->piece < b->a ? (piece + 1) * b->piece : b->a;                                  \
        int64_t from = b->rows ? range * b->b : range * KS__BATCH_COLUMNS;                                                                 \
        int64_t n = b->rows ? b->b : line - from < KS__BATCH_COLUMNS ? line - from : KS__BATCH_COLUMNS;                                    \
        for (int64_t a = piece * b->piece; a < last; a++) {                                                                                \
            const TYPE *x = (const TYPE *)b->x->data + a * line + from;                                                                    \
            TYPE *y = (TYPE *)b->call->out->data + a * line + from;                                                                        \
            if (b->rows) {                                                                                                                 \
                const TYPE m = mean[range], f = factor[range], t = bias[range];                                                            \
                KS_LOOP                                                                                                                    \
                for (int64_t i = 0; i < n; i++)                                                                                            \
                    y[i] = (x[i] - m) * f + t;                                                                                             \
            } else {                                                                                                                       \
                KS_LOOP                                                                                                                    \
                for (int64_t i = 0; i < n; i++)                                                                                            \
                    y[i] = (x[i] - mean[from + i]) * factor[from + i] + bias[from + i];                                                    \
            }                                                                                                                              \
        }                                                                                                                                  \
    }                                                                                                                                      \
    KS_TARGETS(void, apply_##S, (const ks__batch *b, int64_t piece, int64_t range), (b, piece, range))                                     \
    static void prepare_##S(const ks__batch *b, double epsilon)                                                                            \
    {                                                                                                                                      \
        const ks_tensor *in = b->call->in;                                                                                                 \
        const TYPE *scale = in[1].data, *bias = in[2].data, *mean = in[3].data, *variance = in[4].data;                                    \
        TYPE *own = b->own;                                                                                                                \
        int64_t columns = b->rows ? 1 : b->b, w = b->width;                                                                                \
        for (int64_t g = 0; g < b->g; g++) {                                                                                               \
            const TYPE s = scale[in[1].shape->rank ? g : 0], t = bias[in[2].shape->rank ? g : 0];                                          \
            const TYPE f = (TYPE)((double)s / sqrt((double)variance[g] + epsilon));                                                        \
            for (int64_t k = g * columns; k < (g + 1) * columns; k++)                                                                      \
                own[k] = mean[g], own[w + k] = f, own[2 * w + k] = t;                                                                      \
        }                                                                                                                                  \
    }

DEFINE_APPLY(f32, float)
DEFINE_APPLY(f64, double)

static bool norm_kernel(const ks_call *call, ks_failure *failure)
{
    static const ks__batch_fn f32[] = KS_PICK(apply_f32), f64[] = KS_PICK(apply_f64);
    const ks__batch_attrs *attrs = call->attrs;
    ks__batch b = ks__batch_of(call, &call->in[0], attrs->per_element, call->scratch);
    (void)failure;
    if (call->out->dtype == KS_F32)
        prepare_f32(&b, attrs->epsilon);
    else
        prepare_f64(&b, attrs->epsilon);
    ks__batch_each(&b, (call->out->dtype == KS_F32 ? f32 : f64)[call->isa]);
    return true;
}

static size_t norm_scratch(const ks_call *call)
{
    const ks__batch_attrs *attrs = call->attrs;
    ks__batch b = ks__batch_of(call, &call->in[0], attrs->per_element, NULL);
    return 3 * (size_t)b.width * ks_dtype_size(call->in[0].dtype);
}

static bool infer_norm(ks_infer *infer)
{
    static const char *const what[] = {NULL, "scale", "bias", "mean", "variance"};
    const ks__batch_attrs *attrs = infer->attrs;
    char text[KS__REAL_TEXT];
    if (!(attrs->epsilon >= 0) || !(attrs->epsilon < (double)INFINITY))
        return ks_infer_fail(infer, KS_BAD_ARGUMENT, "epsilon is %s: it is finite and not negative", ks__real_text(attrs->epsilon, text));
    for (int k = 1; k < 5; k++) {
        bool number = k < 3 && infer->shape[k]->rank == 0 && infer->shape[0]->rank > 1;
        if (!number && !ks__batch_fits(infer, attrs->per_element, k, what[k]))
            return false;
    }
    infer->out = *infer->shape[0];
    return true;
}

/* ---- the derivative ------------------------------------------------------------------------------------ */

/* 1/sqrt(variance + epsilon), a number a group. */
static ks_node *root(ks_node *y)
{
    const ks__batch_attrs *attrs = ks__attrs(y);
    ks_place at = ks_node_place(y);
    ks_node *variance = ks_add_at(at, ks__in(y, 4), ks_number_at(at, y->graph, attrs->epsilon));
    return ks_div_at(at, ks_number_at(at, y->graph, 1), ks_sqrt_at(at, variance));
}

/* With r = 1/sqrt(variance + epsilon): x u scale r; scale sum(u (x - mean)) r; bias sum(u); mean -sum(u) scale r; variance
 * -1/2 sum(u (x - mean)) scale r^3. */
static ks_node *norm_pullback(ks_node *y, int i, ks_node *u)
{
    const ks__batch_attrs *attrs = ks__attrs(y), sums_attrs = {attrs->per_element, 0};
    ks_place at = ks_node_place(y);
    ks_node *x = ks__in(y, 0), *scale = ks__in(y, 1), *bias = ks__in(y, 2), *mean = ks__in(y, 3);
    if (i == 0)
        return ks_mul_at(at, u, ks__batch_wide(at, x, ks_mul_at(at, scale, root(y)), attrs->per_element));
    ks_node *sums = ks__apply3(at, &ks__op_batch_sums, x, u, mean, &sums_attrs);
    ks_node *first = ks__batch_half_like(at, sums, 0, mean), *second = ks__batch_half_like(at, sums, 1, mean);
    if (i == 2)
        return ks__sum_down(at, first, bias);
    if (i == 1)
        return ks__sum_down(at, ks_mul_at(at, second, root(y)), scale);
    if (i == 3)
        return ks_neg_at(at, ks_mul_at(at, first, ks_mul_at(at, scale, root(y))));
    ks_node *r = root(y), *cube = ks_mul_at(at, r, ks_square_at(at, r));
    return ks_mul_at(at, ks_mul_at(at, second, ks_mul_at(at, scale, cube)), ks_number_at(at, y->graph, -0.5));
}

static ks_node *norm_example(ks_graph *g)
{
    ks_node *x = ks__given(g, "x", KS_SHAPE(2, 2, 3), KS__VALUES(0.3, 2.9, -4, 0.125, 0.5, 1.25, -0.75, 2, 1, -1.5, 0.25, 3));
    ks_node *scale = ks__given(g, "scale", KS_SHAPE(2), KS__VALUES(1.5, -0.5)),
            *bias = ks_constant(g, KS_F64, KS_SHAPE(2), KS__VALUES(1, 2));
    ks_node *mean = ks__given(g, "mean", KS_SHAPE(2), KS__VALUES(0.5, -1)), *var = ks__given(g, "var", KS_SHAPE(2), KS__VALUES(2, 0.75));
    return x ? ks__compose(KS_HERE, g, &ks__op_batch_norm, (ks_node *[]){x, scale, bias, mean, var, var}, 6, NULL) : NULL;
}

static const ks_attr norm_table[] = {
    {"epsilon", KS_ATTR_FLOAT, offsetof(ks__batch_attrs, epsilon), false, false, "added to the variance under the root; default 1e-5"},
    KS__BATCH_PER_ELEMENT,
    {0},
};
static const ks__batch_attrs norm_defaults = {.epsilon = 1e-5};

const ks_op ks__op_batch_norm = {
    .size = sizeof(ks_op),
    .name = "batch_norm",
    .formula = "y = scale (x - mean) / sqrt(variance + epsilon) + bias, channel by channel",
    .doc =
        "Brings each channel of x [N, C, ...] to a common scale by the mean and variance given, [C], then scales and shifts it: scale and "
        "bias are [C] or single numbers, 1 and 0 leave them out (Ioffe and Szegedy 2015). With per_element these are one number a place "
        "of an example, [C, ...]. ks_batch_norm makes the whole layer: mean and variance come from batch_moments, which takes them from "
        "the batch in training and from running ones in inference, where an example never depends on the others; and the running ones "
        "become momentum times themselves plus the rest of the batch's. The assigns that do so are the inputs `update`, of which only "
        "the shape is taken: they belong to this node and fire in training runs with effects that compute it.",
    .types = "TTTTTS+>T",
    .inputs = "x scale bias mean variance update",
    .attrs = norm_table,
    .attrs_size = sizeof(ks__batch_attrs),
    .defaults = &norm_defaults,
    .infer = infer_norm,
    .kernel = norm_kernel,
    .scratch = norm_scratch,
    .pullback = norm_pullback,
    .derivative = "u scale r; sum(u (x - mean)) r; sum(u); -sum(u) scale r; -1/2 sum(u (x - mean)) scale r^3, with r = 1/sqrt(variance + "
                  "epsilon)",
    .onnx = "BatchNormalization",
    .example = norm_example,
};

/* ---- the layer ----------------------------------------------------------------------------------------- */

/* The assign that moves a running statistic towards the batch's; the statistic itself where it is to stay. */
static ks_node *update(ks_place at, ks_node *running, ks_node *batch, double momentum)
{
    if (momentum == 1 || !running || !ks_is_variable(running))
        return running;
    ks_node *apart = ks_sub_at(at, batch, running), *part = ks_number_at(at, running->graph, 1 - momentum);
    return ks_assign_at(at, running, ks_add_at(at, running, ks_mul_at(at, apart, part)));
}

/* The variance divided by n - 1 instead of n; of a single element it stays 0. */
static ks_node *unbiased(ks_place at, ks_node *x, ks_node *variance, int64_t per_element)
{
    ks_node *one = ks_number_at(at, x->graph, 1), *n = ks__count_of(at, x, ks__batch_axes(x, per_element), ks_node_dtype(x));
    return ks_mul_at(at, variance, ks_div_at(at, n, ks_maximum_at(at, ks_sub_at(at, n, one), one)));
}

ks_node *ks_batch_norm_at(ks_place at, ks_node *x, ks_node *scale, ks_node *bias, ks_node *mean, ks_node *variance,
                          const ks_batch_norm_options *options)
{
    ks_batch_norm_options own = KS_BATCH_NORM_OPTIONS_DEFAULT;
    char text[KS__REAL_TEXT];
    if (options)
        memcpy(&own, options, options->size < sizeof own ? options->size : sizeof own);
    if (!x || !scale || !bias || !mean || !variance)
        return NULL;
    if (!(own.momentum >= 0 && own.momentum <= 1))
        return ks__null(x->graph, KS_BAD_ARGUMENT, at,
                        "batch_norm: momentum is %s: it is the share that the running statistics keep, from 0 "
                        "to 1",
                        ks__real_text(own.momentum, text));
    ks__batch_attrs place = {own.per_element, 1e-5}, attrs = {own.per_element, own.epsilon};
    ks_node *moments = ks__apply3(at, &ks__op_batch_moments, x, mean, variance, &place);
    ks_node *m = ks__batch_half_like(at, moments, 0, mean), *v = ks__batch_half_like(at, moments, 1, variance);
    ks_node *mean_to = update(at, mean, m, own.momentum);
    ks_node *variance_to = update(at, variance, own.unbiased && moments ? unbiased(at, x, v, own.per_element) : v, own.momentum);
    if (!m || !v || !mean_to || !variance_to)
        return NULL;
    return ks__compose(at, x->graph, &ks__op_batch_norm, (ks_node *[]){x, scale, bias, m, v, mean_to, variance_to}, 7, &attrs);
}
