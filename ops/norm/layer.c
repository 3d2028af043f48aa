/*
 * ops/norm/layer.c - layer_norm, rms_norm, group_norm, instance_norm: each example brought to a common scale by itself.
 *
 * All four are one kernel over rows: the moments of a row, then its elements around the mean, divided by the deviation, times scale plus
 * bias. What differs is what a row is, and whether scale and bias are one an element or one a channel.
 */
#include "ops/norm/layer.h"
#include "ops/norm/rows.h"

#include <math.h>

/* ---- rows ---------------------------------------------------------------------------------------------- */

static int64_t count_from(const ks_shape *shape, int from)
{
    int64_t n = 1;
    for (int i = from; i < shape->rank; i++)
        n *= shape->dim[i];
    return n;
}

bool ks__norm_rows_of(const ks_shape *x, const ks__norm_attrs *attrs, ks__norm_rows *out)
{
    int axis = 1;
    if (attrs->form == KS__NORM_LAYER || attrs->form == KS__NORM_RMS) {
        ks__axis(attrs->axis, x->rank, &axis);
        *out = (ks__norm_rows){1, count_from(x, axis), 1, 0, 1};
        for (int i = 0; i < axis; i++)
            out->rows *= x->dim[i];
        return true;
    }
    int64_t groups = attrs->form == KS__NORM_GROUP ? attrs->groups : x->dim[1];
    int64_t channels = groups ? x->dim[1] / groups : 0, chunk = count_from(x, 2);
    *out = (ks__norm_rows){x->dim[0] * groups, channels * chunk, channels, chunk, groups};
    return !groups || x->dim[1] % groups == 0;
}

static bool fits_channels(ks_infer *infer)
{
    const ks_shape *x = infer->shape[0];
    const ks__norm_attrs *attrs = infer->attrs;
    bool group = attrs->form == KS__NORM_GROUP;
    if (x->rank < (group ? 2 : 3))
        return ks_infer_fail(infer, KS_BAD_SHAPE, group ? "takes [N, C, ...], but {0}" : "takes [N, C, D1, ...], but {0}");
    if (group && attrs->groups < 1)
        return ks_infer_fail(infer, KS_BAD_ARGUMENT, "num_groups is %lld: there is at least one", (long long)attrs->groups);
    if (group && !ks__dim_open(x->dim[1]) && x->dim[1] % attrs->groups)
        return ks_infer_fail(infer, KS_BAD_SHAPE, "%lld channels do not fall into %lld equal groups: {0}", (long long)x->dim[1],
                             (long long)attrs->groups);
    return true;
}

bool ks__norm_fits(ks_infer *infer)
{
    const ks__norm_attrs *attrs = infer->attrs;
    char text[KS__REAL_TEXT];
    int axis;
    if (attrs->form < 0 || attrs->form >= KS__NORM_FORMS)
        return ks_infer_fail(infer, KS_BAD_ARGUMENT, "form is %lld: 0 is layer_norm's, 1 rms_norm's, 2 group_norm's, 3 instance_norm's",
                             (long long)attrs->form);
    if (!(attrs->epsilon >= 0) || !(attrs->epsilon < (double)INFINITY))
        return ks_infer_fail(infer, KS_BAD_ARGUMENT, "epsilon is %s: it is finite and not negative", ks__real_text(attrs->epsilon, text));
    infer->out = *infer->shape[0];
    if (attrs->form == KS__NORM_GROUP || attrs->form == KS__NORM_INSTANCE)
        return fits_channels(infer);
    return ks__axis(attrs->axis, infer->shape[0]->rank, &axis) ||
           ks_infer_fail(infer, KS_BAD_SHAPE, "there is no axis %lld: {0}", (long long)attrs->axis);
}

/* Input k, scale or bias, is one number, or has the shape of the dimensions from `first` up to `last` of x. */
static bool fits_beside(ks_infer *infer, int k, const char *what, int first, int last)
{
    const ks_shape *x = infer->shape[0], *s = infer->shape[k];
    bool fits = s->rank == last - first;
    for (int i = first; fits && i < last; i++) {
        int64_t same;
        fits = ks__dim_same(infer->graph, x->dim[i], s->dim[i - first], &same);
    }
    if (fits || s->rank == 0)
        return true;
    return ks_infer_fail(infer, KS_BAD_SHAPE,
                         k == 1 ? "the scale is a single number or %s: {0}, {1}" : "the bias is a single number or %s: {0}, {2}", what);
}

static bool infer_norm(ks_infer *infer)
{
    const ks__norm_attrs *attrs = infer->attrs;
    int first = 1, last = 2;
    if (!ks__norm_fits(infer))
        return false;
    bool channels = attrs->form == KS__NORM_GROUP || attrs->form == KS__NORM_INSTANCE;
    if (!channels) {
        ks__axis(attrs->axis, infer->shape[0]->rank, &first);
        last = infer->shape[0]->rank;
    }
    const char *what = channels ? "one number a channel" : "as x from the axis on";
    for (int k = 1; k < infer->n; k++) {
        if (!fits_beside(infer, k, what, first, last))
            return false;
    }
    return true;
}

/* ---- the kernel ---------------------------------------------------------------------------------------- */

typedef struct job {
    const ks_call *call;
    ks__norm_rows at;
    double epsilon;
    bool centred;
    int64_t chunk; /* rows of a task */
} job;

/* y = (x - mean) factor s + t for one row. A scale or bias of one number is read once; `s`, `t` point to the row's first. */
#define DEFINE_ROW(S, TYPE)                                                                                                                \
    static KS_INLINE void put_##S(TYPE *y, const TYPE *x, int64_t n, TYPE mean, TYPE factor, TYPE bias)                                    \
    {                                                                                                                                      \
        KS_LOOP                                                                                                                            \
        for (int64_t i = 0; i < n; i++)                                                                                                    \
            y[i] = (x[i] - mean) * factor + bias;                                                                                          \
    }                                                                                                                                      \
    static KS_INLINE void put_each_##S(TYPE *y, const TYPE *x, int64_t n, TYPE mean, TYPE factor, const ks_tensor *s, const ks_tensor *t)  \
    {                                                                                                                                      \
        const TYPE *scale = s->data, *bias = t ? t->data : NULL;                                                                           \
        const TYPE one = bias ? bias[0] : 0;                                                                                               \
        if (!t || t->shape->rank == 0) {                                                                                                   \
            KS_LOOP                                                                                                                        \
            for (int64_t i = 0; i < n; i++)                                                                                                \
                y[i] = (x[i] - mean) * factor * scale[i] + one;                                                                            \
        } else if (s->shape->rank == 0) {                                                                                                  \
            const TYPE f = factor * scale[0];                                                                                              \
            KS_LOOP                                                                                                                        \
            for (int64_t i = 0; i < n; i++)                                                                                                \
                y[i] = (x[i] - mean) * f + bias[i];                                                                                        \
        } else {                                                                                                                           \
            KS_LOOP                                                                                                                        \
            for (int64_t i = 0; i < n; i++)                                                                                                \
                y[i] = (x[i] - mean) * factor * scale[i] + bias[i];                                                                        \
        }                                                                                                                                  \
    }                                                                                                                                      \
    static KS_INLINE void rows_##S##_body(const job *j, int64_t first, int64_t last)                                                       \
    {                                                                                                                                      \
        const ks_tensor *s = &j->call->in[1], *t = j->call->n > 2 ? &j->call->in[2] : NULL;                                                \
        const TYPE *scale = s->data, *bias = t ? t->data : NULL;                                                                           \
        bool plain = s->shape->rank == 0 && (!t || t->shape->rank == 0);                                                                   \
        int64_t n = j->at.n;                                                                                                               \
        for (int64_t r = first; r < last; r++) {                                                                                           \
            const TYPE *x = (const TYPE *)j->call->in[0].data + r * n;                                                                     \
            TYPE *y = (TYPE *)j->call->out->data + r * n;                                                                                  \
            ks__moments m = {(double)n, 0, 0};                                                                                             \
            if (j->centred)                                                                                                                \
                m.count = 0, ks__norm_moments_##S(&m, x, n);                                                                               \
            else                                                                                                                           \
                m.squares = ks__norm_squares_##S(x, n);                                                                                    \
            const TYPE mean = (TYPE)m.mean, factor = (TYPE)(1 / sqrt(m.squares / (double)n + j->epsilon));                                 \
            if (plain) {                                                                                                                   \
                put_##S(y, x, n, mean, factor *scale[0], bias ? bias[0] : 0);                                                              \
            } else if (!j->at.chunk) {                                                                                                     \
                put_each_##S(y, x, n, mean, factor, s, t);                                                                                 \
            } else {                                                                                                                       \
                for (int64_t k = 0; k < j->at.channels; k++) {                                                                             \
                    int64_t c = r % j->at.turns * j->at.channels + k, from = k * j->at.chunk;                                              \
                    put_##S(y + from, x + from, j->at.chunk, mean, factor * scale[s->shape->rank ? c : 0], bias[t->shape->rank ? c : 0]);  \
                }                                                                                                                          \
            }                                                                                                                              \
        }                                                                                                                                  \
    }                                                                                                                                      \
    KS_TARGETS(void, rows_##S, (const job *j, int64_t first, int64_t last), (j, first, last))

DEFINE_ROW(f32, float)
DEFINE_ROW(f64, double)

static void rows_task(void *payload, int64_t i)
{
    static void (*const fn[2][KS_ISA_COUNT])(const job *, int64_t, int64_t) = {KS_PICK(rows_f32), KS_PICK(rows_f64)};
    const job *j = payload;
    int64_t last = (i + 1) * j->chunk < j->at.rows ? (i + 1) * j->chunk : j->at.rows;
    fn[j->call->out->dtype == KS_F64][j->call->isa](j, i * j->chunk, last);
}

static bool norm_kernel(const ks_call *call, ks_failure *failure)
{
    const ks__norm_attrs *attrs = call->attrs;
    job j = {.call = call, .epsilon = attrs->epsilon, .centred = attrs->form != KS__NORM_RMS};
    if (!ks__norm_rows_of(call->in[0].shape, attrs, &j.at))
        return ks__kernel_fail(failure, KS_BAD_SHAPE, "%lld channels do not fall into %lld equal groups",
                               (long long)call->in[0].shape->dim[1], (long long)attrs->groups);
    if (!call->out->count)
        return true;
    j.chunk = j.at.n < 8192 ? 8192 / j.at.n : 1;
    ks__each(call, call->out->count, ks__ceil_div(j.at.rows, j.chunk), rows_task, &j);
    return true;
}

/* ---- the derivative ------------------------------------------------------------------------------------ */

static bool a_number(const ks_node *x)
{
    return ks__rank(x) == 0;
}

static bool of_channels(const ks_node *y)
{
    const ks__norm_attrs *attrs = ks__attrs(y);
    return attrs->form == KS__NORM_GROUP || attrs->form == KS__NORM_INSTANCE;
}

/* One number a channel, in the shape in which it meets x [N, C, ...]. */
static ks_node *over_channels(ks_node *y, ks_node *s)
{
    ks_shape shape = {.rank = ks__rank(y) - 1, .dim = {-1}};
    for (int i = 1; i < shape.rank; i++)
        shape.dim[i] = 1;
    return shape.rank < 2 ? s : ks_reshape_at(ks_node_place(y), s, shape);
}

/* The sum of g, of y's shape, as a derivative of scale or bias. */
static ks_node *summed(ks_node *y, ks_node *g, ks_node *s)
{
    ks_place at = ks_node_place(y);
    if (a_number(s) || !of_channels(y))
        return ks__sum_down(at, g, s);
    ks_ints axes = {.count = ks__rank(y) - 1};
    for (int i = 1; i < axes.count; i++)
        axes.at[i] = i + 1;
    return ks_sum_at(at, g, axes, false);
}

/* The same normalisation with a scale of 1 and no bias. */
static ks_node *bare(ks_node *y)
{
    ks_place at = ks_node_place(y);
    ks_node *x = ks__in(y, 0), *one = ks_number_at(at, y->graph, 1);
    if (y->n == 2)
        return ks__apply2(at, y->op, x, one, ks__attrs(y));
    return ks__apply3(at, y->op, x, one, ks_number_at(at, y->graph, 0), ks__attrs(y));
}

static ks_node *norm_pullback(ks_node *y, int i, ks_node *u)
{
    ks_place at = ks_node_place(y);
    ks_node *scale = ks__in(y, 1);
    if (i == 2)
        return summed(y, u, ks__in(y, 2));
    if (i == 1)
        return summed(y, ks_mul_at(at, u, bare(y)), scale);
    ks_node *wide = of_channels(y) && !a_number(scale) ? over_channels(y, scale) : scale;
    return ks__apply2(at, &ks__op_normalize_grad, ks__in(y, 0), ks_mul_at(at, u, wide), ks__attrs(y));
}

#define DERIVATIVE "normalize_grad(x, u scale); sum(u normalised x)"

/* ---- examples ------------------------------------------------------------------------------------------ */

static ks_node *example(ks_graph *g, const ks_op *op, ks_shape shape, ks_shape small, const ks__norm_attrs *attrs)
{
    ks_node *x = ks__given(g, "x", shape, KS__VALUES(0.3, 2.9, -4, 0.125, 0.5, 1.25, -0.75, 2, 1, -1.5, 0.25, 3, -2, 0.625, 1.75, -0.5));
    ks_node *scale = ks__given(g, "scale", small, KS__VALUES(0.5, -2, 1.5, 0.75));
    if (!strcmp(op->inputs, "x scale"))
        return ks__apply2(KS_HERE, op, x, scale, attrs);
    return ks__apply3(KS_HERE, op, x, scale, ks__given(g, "bias", small, KS__VALUES(0.25, 1, -1, 2)), attrs);
}

static ks_node *layer_example(ks_graph *g)
{
    return example(g, &ks__op_layer_norm, KS_SHAPE(2, 4), KS_SHAPE(4), &(ks__norm_attrs){.axis = -1, .epsilon = 1e-2});
}

static ks_node *rms_example(ks_graph *g)
{
    return example(g, &ks__op_rms_norm, KS_SHAPE(2, 4), KS_SHAPE(4), &(ks__norm_attrs){KS__NORM_RMS, -1, 0, 1e-2});
}

static ks_node *group_example(ks_graph *g)
{
    return example(g, &ks__op_group_norm, KS_SHAPE(2, 4, 2), KS_SHAPE(4), &(ks__norm_attrs){KS__NORM_GROUP, 0, 2, 1e-2});
}

static ks_node *instance_example(ks_graph *g)
{
    return example(g, &ks__op_instance_norm, KS_SHAPE(2, 2, 4), KS_SHAPE(2), &(ks__norm_attrs){KS__NORM_INSTANCE, 0, 0, 1e-2});
}

/* ---- the operations ------------------------------------------------------------------------------------ */

#define USUAL 1e-5

static const ks_attr layer_table[] = {KS__NORM_AXIS, KS__NORM_EPSILON, {0}};
static const ks_attr group_table[] = {KS__NORM_GROUPS, KS__NORM_EPSILON, {0}};
static const ks_attr instance_table[] = {KS__NORM_EPSILON, {0}};
static const ks__norm_attrs layer_defaults = {.form = KS__NORM_LAYER, .axis = -1, .epsilon = USUAL};
static const ks__norm_attrs rms_defaults = {.form = KS__NORM_RMS, .axis = -1, .epsilon = USUAL};
static const ks__norm_attrs group_defaults = {.form = KS__NORM_GROUP, .groups = 1, .epsilon = USUAL};
static const ks__norm_attrs instance_defaults = {.form = KS__NORM_INSTANCE, .epsilon = USUAL};

const ks_op ks__op_layer_norm = {
    .size = sizeof(ks_op),
    .name = "layer_norm",
    .formula = "y = scale (x - mean) / sqrt(variance + epsilon) + bias, mean and variance of the dimensions from axis on",
    .doc =
        "Brings what stands from the axis on to mean 0 and deviation 1, each such row by itself (Ba, Kiros, Hinton 2016), then scales "
        "and "
        "shifts it element by element. Scale and bias have x's shape from the axis on, or are single numbers: 1 and 0 leave them out. "
        "The "
        "variance is divided by the number of elements and taken around the mean in two passes. A constant row becomes the bias. Training "
        "and inference are the same.",
    .types = "TTT>T",
    .inputs = "x scale bias",
    .attrs = layer_table,
    .attrs_size = sizeof(ks__norm_attrs),
    .defaults = &layer_defaults,
    .infer = infer_norm,
    .kernel = norm_kernel,
    .pullback = norm_pullback,
    .derivative = DERIVATIVE "; sum(u)",
    .onnx = "LayerNormalization",
    .example = layer_example,
};

const ks_op ks__op_rms_norm = {
    .size = sizeof(ks_op),
    .name = "rms_norm",
    .formula = "y = scale x / sqrt(mean of x^2 + epsilon), the mean of the dimensions from axis on",
    .doc =
        "layer_norm without its mean and bias (Zhang and Sennrich 2019): what stands from the axis on is divided by the root of its mean "
        "square, row by row, and scaled element by element. The scale has x's shape from the axis on, or is a single number.",
    .types = "TT>T",
    .inputs = "x scale",
    .attrs = layer_table,
    .attrs_size = sizeof(ks__norm_attrs),
    .defaults = &rms_defaults,
    .infer = infer_norm,
    .kernel = norm_kernel,
    .pullback = norm_pullback,
    .derivative = DERIVATIVE,
    .onnx = "RMSNormalization",
    .example = rms_example,
};

const ks_op ks__op_group_norm = {
    .size = sizeof(ks_op),
    .name = "group_norm",
    .formula = "y = scale (x - mean) / sqrt(variance + epsilon) + bias, mean and variance of an example's group of channels",
    .doc = "For x [N, C, ...]: the channels of each example fall into num_groups groups of neighbours, and each group is brought to mean 0 "
           "and deviation 1 over its channels and positions (Wu and He 2018); then each channel has its scale and bias, [C] or a single "
           "number. One group is a layer_norm of the whole example, C groups are instance_norm.",
    .types = "TTT>T",
    .inputs = "x scale bias",
    .attrs = group_table,
    .attrs_size = sizeof(ks__norm_attrs),
    .defaults = &group_defaults,
    .infer = infer_norm,
    .kernel = norm_kernel,
    .pullback = norm_pullback,
    .derivative = DERIVATIVE "; sum(u)",
    .onnx = "GroupNormalization",
    .example = group_example,
};

const ks_op ks__op_instance_norm = {
    .size = sizeof(ks_op),
    .name = "instance_norm",
    .formula = "y = scale (x - mean) / sqrt(variance + epsilon) + bias, mean and variance of an example's channel",
    .doc = "For x [N, C, D1, ...]: each channel of each example is brought to mean 0 and deviation 1 over its positions (Ulyanov et al. "
           "2016), then scaled and shifted: scale and bias are [C], or single numbers.",
    .types = "TTT>T",
    .inputs = "x scale bias",
    .attrs = instance_table,
    .attrs_size = sizeof(ks__norm_attrs),
    .defaults = &instance_defaults,
    .infer = infer_norm,
    .kernel = norm_kernel,
    .pullback = norm_pullback,
    .derivative = DERIVATIVE "; sum(u)",
    .onnx = "InstanceNormalization",
    .example = instance_example,
};

/* ---- the builders -------------------------------------------------------------------------------------- */

ks_node *ks_layer_norm_at(ks_place at, ks_node *x, ks_node *scale, ks_node *bias, int64_t axis, double epsilon)
{
    return ks__apply3(at, &ks__op_layer_norm, x, scale, bias, &(ks__norm_attrs){KS__NORM_LAYER, axis, 0, epsilon});
}

ks_node *ks_rms_norm_at(ks_place at, ks_node *x, ks_node *scale, int64_t axis, double epsilon)
{
    return ks__apply2(at, &ks__op_rms_norm, x, scale, &(ks__norm_attrs){KS__NORM_RMS, axis, 0, epsilon});
}

ks_node *ks_group_norm_at(ks_place at, ks_node *x, ks_node *scale, ks_node *bias, int64_t num_groups, double epsilon)
{
    return ks__apply3(at, &ks__op_group_norm, x, scale, bias, &(ks__norm_attrs){KS__NORM_GROUP, 0, num_groups, epsilon});
}

ks_node *ks_instance_norm_at(ks_place at, ks_node *x, ks_node *scale, ks_node *bias, double epsilon)
{
    return ks__apply3(at, &ks__op_instance_norm, x, scale, bias, &(ks__norm_attrs){KS__NORM_INSTANCE, 0, 0, epsilon});
}
