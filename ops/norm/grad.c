/*
 * ops/norm/grad.c - the derivative of a normalisation by rows, and the mean of a row, of which its own derivative is made.
 *
 * With r = 1/sqrt(variance + epsilon), z = r (x - mean) and M the mean of a row, the Jacobian of z is r (1 - 1/n - z z'/n): symmetric, so
 * normalize_grad(x, g) = r (g - M(g) - z M(g z)) is linear and its own transpose in g. Without a mean, M(g) is left out.
 */
#include "ops/norm/layer.h"
#include "ops/norm/rows.h"

#include <math.h>

static const ks_attr form_table[] = {
    {"form", KS_ATTR_INT, offsetof(ks__norm_attrs, form), false, false,
     "whose rows: 0 layer_norm's, 1 rms_norm's, 2 group_norm's, 3 instance_norm's; default 0"},
    KS__NORM_AXIS,
    {"num_groups", KS_ATTR_INT, offsetof(ks__norm_attrs, groups), false, false, "how many groups the channels fall into, for form 2"},
    KS__NORM_EPSILON,
    {0},
};
static const ks__norm_attrs form_defaults = {.axis = -1, .epsilon = 1e-5};

typedef struct job {
    const ks_call *call;
    ks__norm_rows at;
    double epsilon;
    bool centred;
    int64_t chunk; /* rows of a task */
    void (*rows)(const struct job *, int64_t first, int64_t last);
} job;

static void task(void *payload, int64_t i)
{
    const job *j = payload;
    j->rows(j, i * j->chunk, (i + 1) * j->chunk < j->at.rows ? (i + 1) * j->chunk : j->at.rows);
}

static bool run(const ks_call *call, void (*rows)(const job *, int64_t, int64_t), ks_failure *failure)
{
    const ks__norm_attrs *attrs = call->attrs;
    job j = {.call = call, .epsilon = attrs->epsilon, .centred = attrs->form != KS__NORM_RMS, .rows = rows};
    if (!ks__norm_rows_of(call->in[0].shape, attrs, &j.at))
        return ks__kernel_fail(failure, KS_BAD_SHAPE, "%lld channels do not fall into %lld equal groups",
                               (long long)call->in[0].shape->dim[1], (long long)attrs->groups);
    if (!call->out->count)
        return true;
    j.chunk = j.at.n < 8192 ? 8192 / j.at.n : 1;
    ks__each(call, call->out->count, ks__ceil_div(j.at.rows, j.chunk), task, &j);
    return true;
}

/* x around its values for the examples */
static ks_node *some(ks_graph *g, const char *name, double by)
{
    double values[] = {0.3, 2.9, -4, 0.125, 0.5, 1.25, -0.75, 2, 1, -1.5, 0.25, 3};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        values[i] = by * values[i] + (by - 1) * (double)(i % 3);
    return ks__given(g, name, KS_SHAPE(2, 6), values);
}

/* ---- group_mean ---------------------------------------------------------------------------------------- */

#define DEFINE_MEAN(S, TYPE)                                                                                                               \
    static KS_INLINE void mean_##S##_body(const job *j, int64_t first, int64_t last)                                                       \
    {                                                                                                                                      \
        for (int64_t r = first; r < last; r++) {                                                                                           \
            const TYPE *x = (const TYPE *)j->call->in[0].data + r * j->at.n;                                                               \
            TYPE *y = (TYPE *)j->call->out->data + r * j->at.n;                                                                            \
            double both[2] = {0, 0};                                                                                                       \
            ks__norm_sums_##S(both, x, x, 0, j->at.n);                                                                                     \
            const TYPE mean = (TYPE)(both[0] / (double)j->at.n);                                                                           \
            KS_LOOP                                                                                                                        \
            for (int64_t i = 0; i < j->at.n; i++)                                                                                          \
                y[i] = mean;                                                                                                               \
        }                                                                                                                                  \
    }                                                                                                                                      \
    KS_TARGETS(void, mean_##S, (const job *j, int64_t first, int64_t last), (j, first, last))

DEFINE_MEAN(f32, float)
DEFINE_MEAN(f64, double)

static bool mean_kernel(const ks_call *call, ks_failure *failure)
{
    static void (*const fn[2][KS_ISA_COUNT])(const job *, int64_t, int64_t) = {KS_PICK(mean_f32), KS_PICK(mean_f64)};
    return run(call, fn[call->out->dtype == KS_F64][call->isa], failure);
}

static ks_node *mean_pullback(ks_node *y, int i, ks_node *u)
{
    (void)i;
    return ks__apply1(ks_node_place(y), &ks__op_group_mean, u, ks__attrs(y));
}

static ks_node *mean_example(ks_graph *g)
{
    return ks__apply1(KS_HERE, &ks__op_group_mean, some(g, "x", 1), &(ks__norm_attrs){KS__NORM_GROUP, 0, 2, 1e-2});
}

const ks_op ks__op_group_mean = {
    .size = sizeof(ks_op),
    .name = "group_mean",
    .formula = "y = the mean of the row in which x stands",
    .doc = "Each element becomes the mean of those that a normalisation takes together with it: a row of layer_norm and rms_norm, a group "
           "of group_norm, a channel of instance_norm. Derivatives of normalisations are made of it; epsilon plays no part.",
    .types = "T>T",
    .inputs = "x",
    .flags = KS_OP_LINEAR,
    .attrs = form_table,
    .attrs_size = sizeof(ks__norm_attrs),
    .defaults = &form_defaults,
    .infer = ks__norm_fits,
    .kernel = mean_kernel,
    .pullback = mean_pullback,
    .derivative = "group_mean(u)",
    .example = mean_example,
};

/* ---- normalize_grad ------------------------------------------------------------------------------------ */

#define DEFINE_GRAD(S, TYPE)                                                                                                               \
    static KS_INLINE void grad_##S##_body(const job *j, int64_t first, int64_t last)                                                       \
    {                                                                                                                                      \
        const int64_t n = j->at.n;                                                                                                         \
        for (int64_t r = first; r < last; r++) {                                                                                           \
            const TYPE *x = (const TYPE *)j->call->in[0].data + r * n, *g = (const TYPE *)j->call->in[1].data + r * n;                     \
            TYPE *y = (TYPE *)j->call->out->data + r * n;                                                                                  \
            ks__moments m = {(double)n, 0, 0};                                                                                             \
            double both[2] = {0, 0};                                                                                                       \
            if (j->centred)                                                                                                                \
                m.count = 0, ks__norm_moments_##S(&m, x, n);                                                                               \
            else                                                                                                                           \
                m.squares = ks__norm_squares_##S(x, n);                                                                                    \
            const TYPE mean = (TYPE)m.mean;                                                                                                \
            ks__norm_sums_##S(both, g, x, mean, n);                                                                                        \
            const double power = 1 / (m.squares / (double)n + j->epsilon);                                                                 \
            const TYPE factor = (TYPE)sqrt(power), level = j->centred ? (TYPE)(both[0] / (double)n) : 0,                                   \
                       slope = (TYPE)(power * both[1] / (double)n);                                                                        \
            KS_LOOP                                                                                                                        \
            for (int64_t i = 0; i < n; i++)                                                                                                \
                y[i] = factor * (g[i] - level - (x[i] - mean) * slope);                                                                    \
        }                                                                                                                                  \
    }                                                                                                                                      \
    KS_TARGETS(void, grad_##S, (const job *j, int64_t first, int64_t last), (j, first, last))

DEFINE_GRAD(f32, float)
DEFINE_GRAD(f64, double)

static bool grad_kernel(const ks_call *call, ks_failure *failure)
{
    static void (*const fn[2][KS_ISA_COUNT])(const job *, int64_t, int64_t) = {KS_PICK(grad_f32), KS_PICK(grad_f64)};
    return run(call, fn[call->out->dtype == KS_F64][call->isa], failure);
}

static bool infer_grad(ks_infer *infer)
{
    const ks_shape *x = infer->shape[0], *g = infer->shape[1];
    bool fits = x->rank == g->rank;
    for (int i = 0; fits && i < x->rank; i++) {
        int64_t same;
        fits = ks__dim_same(infer->graph, x->dim[i], g->dim[i], &same);
    }
    if (!fits)
        return ks_infer_fail(infer, KS_BAD_SHAPE, "the shapes must be equal: {0}, {1}");
    return ks__norm_fits(infer);
}

static ks_node *row_mean(ks_node *y, ks_node *x)
{
    return ks__apply1(ks_node_place(y), &ks__op_group_mean, x, ks__attrs(y));
}

/* *r = 1/sqrt(variance + epsilon), of x's shape; returns r (x - mean). */
static ks_node *normalised(ks_node *y, ks_node **r)
{
    const ks__norm_attrs *attrs = ks__attrs(y);
    ks_place at = ks_node_place(y);
    ks_node *x = ks__in(y, 0), *around = attrs->form == KS__NORM_RMS ? x : ks_sub_at(at, x, row_mean(y, x));
    ks_node *variance = ks_add_at(at, row_mean(y, ks_square_at(at, around)), ks_number_at(at, y->graph, attrs->epsilon));
    *r = ks_div_at(at, ks_number_at(at, y->graph, 1), ks_sqrt_at(at, variance));
    return ks_mul_at(at, around, *r);
}

/*
 * To g: the same of u. To x, with z, r and M as above and h = normalize_grad(x, u): -r (M(u y) z + M(u z) y + M(g z) h), from
 * dr/dx = -r^2 z/n and the symmetric Jacobian of z.
 */
static ks_node *grad_pullback(ks_node *y, int i, ks_node *u)
{
    ks_place at = ks_node_place(y);
    ks_node *x = ks__in(y, 0), *g = ks__in(y, 1), *h = ks__apply2(at, &ks__op_normalize_grad, x, u, ks__attrs(y)), *r;
    if (i == 1)
        return h;
    ks_node *z = normalised(y, &r);
    ks_node *by_r = ks_mul_at(at, row_mean(y, ks_mul_at(at, u, y)), z);
    ks_node *by_u = ks_mul_at(at, row_mean(y, ks_mul_at(at, u, z)), y);
    ks_node *by_g = ks_mul_at(at, row_mean(y, ks_mul_at(at, g, z)), h);
    return ks_neg_at(at, ks_mul_at(at, r, ks_add_at(at, by_r, ks_add_at(at, by_u, by_g))));
}

static ks_node *grad_example(ks_graph *g)
{
    return ks__apply2(KS_HERE, &ks__op_normalize_grad, some(g, "x", 1), some(g, "g", 0.5), &(ks__norm_attrs){.axis = -1, .epsilon = 1e-2});
}

const ks_op ks__op_normalize_grad = {
    .size = sizeof(ks_op),
    .name = "normalize_grad",
    .formula = "y = r (g - mean(g) - z mean(g z)), with z = r (x - mean(x)) and r = 1/sqrt(variance(x) + epsilon), row by row",
    .doc = "The derivative of a normalisation by rows with respect to x, where g arrives at what was normalised. A row is what layer_norm, "
           "rms_norm, group_norm or instance_norm take together; rms_norm's has no mean.",
    .types = "TT>T",
    .inputs = "x g",
    .attrs = form_table,
    .attrs_size = sizeof(ks__norm_attrs),
    .defaults = &form_defaults,
    .infer = infer_grad,
    .kernel = grad_kernel,
    .pullback = grad_pullback,
    .derivative = "-r (mean(u y) z + mean(u z) y + mean(g z) normalize_grad(x, u)); normalize_grad(x, u)",
    .example = grad_example,
};
