/*
 * ops/norm/batch.c - the statistics of a batch: batch_moments, batch_sums, and in_mode, which lets pass in one mode only.
 */
#include "ops/norm/batch.h"
#include "ops/norm/rows.h"

#include <math.h>
#include <stdio.h>

/* ---- how a batch falls into groups --------------------------------------------------------------------- */

#define LONG_ROW 16 /* elements that lie together from which on they are taken together */

ks__batch ks__batch_of(const ks_call *call, const ks_tensor *x, int64_t per_element, void *own)
{
    ks__batch b = {.call = call, .x = x, .a = x->shape->dim[0], .g = x->shape->dim[1], .b = 1, .own = own};
    for (int i = 2; i < x->shape->rank; i++)
        *(per_element ? &b.g : &b.b) *= x->shape->dim[i];
    b.rows = b.b >= LONG_ROW;
    b.width = b.rows ? b.g : b.g * b.b;
    b.piece = b.rows ? (16384 / b.b > 1 ? 16384 / b.b : 1) : KS__BATCH_ROWS;
    b.pieces = ks__ceil_div(b.a, b.piece);
    b.ranges = b.rows ? b.g : ks__ceil_div(b.width, KS__BATCH_COLUMNS);
    return b;
}

typedef struct units {
    ks__batch *batch;
    ks__batch_fn fn;
} units;

static void unit_task(void *payload, int64_t i)
{
    const units *u = payload;
    u->fn(u->batch, i / u->batch->ranges, i % u->batch->ranges);
}

void ks__batch_each(ks__batch *b, ks__batch_fn fn)
{
    ks__each(b->call, b->x->count, b->x->count ? b->pieces * b->ranges : 0, unit_task, &(units){b, fn});
}

static int64_t rows_end(const ks__batch *b, int64_t piece)
{
    return (piece + 1) * b->piece < b->a ? (piece + 1) * b->piece : b->a;
}

bool ks__batch_fits(ks_infer *infer, int64_t per_element, int k, const char *what)
{
    const ks_shape *x = infer->shape[0], *s = infer->shape[k];
    int last = per_element ? x->rank : 2;
    if (x->rank < 2)
        return ks_infer_fail(infer, KS_BAD_SHAPE, "takes [N, C, ...], but {0}");
    bool fits = s->rank == last - 1;
    for (int i = 1; fits && i < last; i++) {
        int64_t same;
        fits = ks__dim_same(infer->graph, x->dim[i], s->dim[i - 1], &same);
    }
    char text[80];
    snprintf(text, sizeof text, "the %s is one number %s: {0}, {%d}", what, per_element ? "a place of an example" : "a channel", k);
    return fits || ks_infer_fail(infer, KS_BAD_SHAPE, "%s", text);
}

ks_shape ks__batch_pair(const ks_shape *x, int64_t per_element)
{
    ks_shape pair = *x;
    pair.dim[0] = 2;
    for (int i = 2; !per_element && i < KS_MAX_RANK; i++)
        pair.dim[i] = 0;
    pair.rank = per_element ? x->rank : 2;
    return pair;
}

/* ---- composing ----------------------------------------------------------------------------------------- */

ks_node *ks__batch_wide(ks_place at, ks_node *x, ks_node *s, int64_t per_element)
{
    ks_shape shape = {.rank = ks__rank(x) - 1, .dim = {-1}};
    for (int i = 1; i < shape.rank; i++)
        shape.dim[i] = 1;
    return per_element || shape.rank < 2 || !s || !ks__rank(s) ? s : ks_reshape_at(at, s, shape);
}

ks_node *ks__batch_half(ks_place at, ks_node *x, ks_node *pair, int which, int64_t per_element)
{
    return ks__batch_wide(at, x, ks_slice_at(at, pair, 0, which, which + 1), per_element);
}

ks_node *ks__batch_half_like(ks_place at, ks_node *pair, int which, ks_node *like)
{
    return ks_reshape_like_at(at, ks_slice_at(at, pair, 0, which, which + 1), like);
}

ks_ints ks__batch_axes(ks_node *x, int64_t per_element)
{
    ks_ints axes = {.count = per_element ? 1 : ks__rank(x) - 1};
    for (int i = 1; i < axes.count; i++)
        axes.at[i] = i + 1;
    return axes;
}

/* ---- examples ------------------------------------------------------------------------------------------ */

static ks_node *some(ks_graph *g, const char *name, double by)
{
    double values[] = {0.3, 2.9, -4, 0.125, 0.5, 1.25, -0.75, 2, 1, -1.5, 0.25, 3};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        values[i] = by * values[i] + (by - 1) * (double)(i % 3);
    return ks__given(g, name, KS_SHAPE(2, 2, 3), values);
}

static ks_node *stat(ks_graph *g, const char *name, double first, double second)
{
    return ks__given(g, name, KS_SHAPE(2), KS__VALUES(first, second));
}

static const ks_attr place_table[] = {KS__BATCH_PER_ELEMENT, {0}};
static const ks__batch_attrs place_defaults = {.epsilon = 1e-5};

/* ---- in_mode ------------------------------------------------------------------------------------------- */

typedef struct mode_attrs {
    int64_t train; /* bool */
} mode_attrs;

static const ks_attr mode_table[] = {
    {"train", KS_ATTR_BOOL, offsetof(mode_attrs, train), false, false, "whether x passes in training, or in inference; default false"},
    {0},
};

static bool mode_kernel(const ks_call *call, ks_failure *failure)
{
    const mode_attrs *attrs = call->attrs;
    if (call->train == (attrs->train != 0))
        return ks__copy_kernel(call, failure);
    if (call->out->count)
        memset(call->out->data, 0, (size_t)call->out->count * ks_dtype_size(call->out->dtype));
    return true;
}

static ks_node *in_mode(ks_place at, ks_node *x, bool train)
{
    return ks__apply1(at, &ks__op_in_mode, x, &(mode_attrs){train});
}

static ks_node *mode_pullback(ks_node *y, int i, ks_node *u)
{
    const mode_attrs *attrs = ks__attrs(y);
    (void)i;
    return in_mode(ks_node_place(y), u, attrs->train != 0);
}

static ks_node *mode_example(ks_graph *g)
{
    return in_mode(KS_HERE, some(g, "x", 1), false);
}

const ks_op ks__op_in_mode = {
    .size = sizeof(ks_op),
    .name = "in_mode",
    .formula = "y = x in runs of that mode, else 0",
    .doc = "Lets x pass in training runs, or in inference, and gives zeros otherwise. The derivative of what uses the statistics of its "
           "batch only while training is made of it.",
    .types = "T>T",
    .inputs = "x",
    .flags = KS_OP_LINEAR | KS_OP_LINES | KS_OP_MODE,
    .attrs = mode_table,
    .attrs_size = sizeof(mode_attrs),
    .infer = ks_infer_same,
    .kernel = mode_kernel,
    .pullback = mode_pullback,
    .derivative = "u in runs of that mode, else 0",
    .example = mode_example,
};

/* ---- batch_moments ------------------------------------------------------------------------------------- */

/* What a piece found, in own[piece][width][2]: means and squares around them. What rounding left of a mean of columns is put right by the
 * second pass, which sums what is apart from it. */
#define DEFINE_MOMENTS(S, TYPE)                                                                                                            \
    static KS_INLINE void moments_##S##_body(const ks__batch *b, int64_t piece, int64_t range)                                             \
    {                                                                                                                                      \
        const TYPE *x = b->x->data;                                                                                                        \
        double *own = (double *)b->own + piece * b->width * 2;                                                                             \
        int64_t first = piece * b->piece, last = rows_end(b, piece), line = b->g * b->b;                                                   \
        if (b->rows) {                                                                                                                     \
            ks__moments m = {0, 0, 0};                                                                                                     \
            for (int64_t a = first; a < last; a++)                                                                                         \
                ks__norm_moments_##S(&m, x + a * line + range * b->b, b->b);                                                               \
            own[range * 2] = m.mean, own[range * 2 + 1] = m.squares;                                                                       \
            return;                                                                                                                        \
        }                                                                                                                                  \
        TYPE mean[KS__BATCH_COLUMNS] = {0}, rest[KS__BATCH_COLUMNS] = {0}, squares[KS__BATCH_COLUMNS] = {0};                               \
        const int64_t from = range * KS__BATCH_COLUMNS, n = b->width - from < KS__BATCH_COLUMNS ? b->width - from : KS__BATCH_COLUMNS;     \
        const TYPE count = (TYPE)(last - first);                                                                                           \
        for (int64_t a = first; a < last; a++) {                                                                                           \
            for (int64_t c = 0; c < n; c++)                                                                                                \
                mean[c] += x[a * line + from + c];                                                                                         \
        }                                                                                                                                  \
        for (int64_t c = 0; c < n; c++)                                                                                                    \
            mean[c] /= count;                                                                                                              \
        for (int64_t a = first; a < last; a++) {                                                                                           \
            for (int64_t c = 0; c < n; c++) {                                                                                              \
                const TYPE apart = x[a * line + from + c] - mean[c];                                                                       \
                rest[c] += apart;                                                                                                          \
                squares[c] += apart * apart;                                                                                               \
            }                                                                                                                              \
        }                                                                                                                                  \
        for (int64_t c = 0; c < n; c++) {                                                                                                  \
            own[(from + c) * 2] = (double)mean[c] + (double)(rest[c] / count);                                                             \
            own[(from + c) * 2 + 1] = (double)(squares[c] - rest[c] * rest[c] / count);                                                    \
        }                                                                                                                                  \
    }                                                                                                                                      \
    KS_TARGETS(void, moments_##S, (const ks__batch *b, int64_t piece, int64_t range), (b, piece, range))

DEFINE_MOMENTS(f32, float)
DEFINE_MOMENTS(f64, double)

static void put(const ks_tensor *out, int64_t i, double value)
{
    if (out->dtype == KS_F32)
        ((float *)out->data)[i] = (float)value;
    else
        ((double *)out->data)[i] = value;
}

/* The moments of group g from those of its pieces. */
static ks__moments joined(const ks__batch *b, int64_t g)
{
    ks__moments m = {0, 0, 0};
    int64_t columns = b->rows ? 1 : b->b;
    for (int64_t piece = 0; piece < b->pieces; piece++) {
        double count = (double)((rows_end(b, piece) - piece * b->piece) * (b->rows ? b->b : 1));
        for (int64_t k = 0; k < columns; k++) {
            const double *own = (const double *)b->own + (piece * b->width + g * columns + k) * 2;
            ks__join_moments(&m, count, own[0], own[1]);
        }
    }
    return m;
}

static bool moments_kernel(const ks_call *call, ks_failure *failure)
{
    static const ks__batch_fn f32[] = KS_PICK(moments_f32), f64[] = KS_PICK(moments_f64);
    const ks__batch_attrs *attrs = call->attrs;
    ks__batch b = ks__batch_of(call, &call->in[0], attrs->per_element, call->scratch);
    size_t bytes = (size_t)b.g * ks_dtype_size(call->out->dtype);
    (void)failure;
    if (!call->train || !call->in[0].count) {
        memcpy(call->out->data, call->in[1].data, bytes);
        memcpy((char *)call->out->data + bytes, call->in[2].data, bytes);
        return true;
    }
    ks__batch_each(&b, (call->out->dtype == KS_F32 ? f32 : f64)[call->isa]);
    for (int64_t g = 0; g < b.g; g++) {
        ks__moments m = joined(&b, g);
        put(call->out, g, m.mean);
        put(call->out, b.g + g, m.squares / m.count);
    }
    return true;
}

static size_t pair_scratch(const ks_call *call)
{
    const ks__batch_attrs *attrs = call->attrs;
    ks__batch b = ks__batch_of(call, &call->in[0], attrs->per_element, NULL);
    return (size_t)(b.pieces * b.width) * 2 * sizeof(double);
}

static bool infer_moments(ks_infer *infer)
{
    const ks__batch_attrs *attrs = infer->attrs;
    if (!ks__batch_fits(infer, attrs->per_element, 1, "mean") || !ks__batch_fits(infer, attrs->per_element, 2, "variance"))
        return false;
    infer->out = ks__batch_pair(infer->shape[0], attrs->per_element);
    return true;
}

/* To x, in training: (u_mean + 2 u_variance (x - mean))/n. To the statistics that were given: u in inference. */
static ks_node *moments_pullback(ks_node *y, int i, ks_node *u)
{
    const ks__batch_attrs *attrs = ks__attrs(y);
    ks_place at = ks_node_place(y);
    ks_node *x = ks__in(y, 0);
    int64_t per = attrs->per_element;
    if (i > 0)
        return ks__batch_half_like(at, in_mode(at, u, false), i - 1, ks__in(y, i));
    ks_node *passes = in_mode(at, u, true), *around = ks_sub_at(at, x, ks__batch_half(at, x, y, 0, per));
    ks_node *twice = ks_mul_at(at, ks__batch_half(at, x, passes, 1, per), ks_number_at(at, y->graph, 2));
    ks_node *sum = ks_add_at(at, ks__batch_half(at, x, passes, 0, per), ks_mul_at(at, twice, around));
    return ks_div_at(at, sum, ks__count_of(at, x, ks__batch_axes(x, per), ks_node_dtype(x)));
}

static ks_node *moments_example(ks_graph *g)
{
    return ks__apply3(KS_HERE, &ks__op_batch_moments, some(g, "x", 1), stat(g, "mean", 0.5, -1), stat(g, "variance", 2, 0.75), NULL);
}

const ks_op ks__op_batch_moments = {
    .size = sizeof(ks_op),
    .name = "batch_moments",
    .formula = "y[0] = mean, y[1] = variance: of x over the batch in training, those given in inference",
    .doc = "The statistics that batch_norm goes by, one above the other: [2, C] for x [N, C, ...], over all examples and positions of a "
           "channel, or with per_element [2, C, ...], over the examples. Training runs take them from x, the variance divided by the "
           "number of elements; inference, and a batch of no examples, passes on the mean and variance given, which are running ones.",
    .types = "TTT>T",
    .inputs = "x mean variance",
    .flags = KS_OP_MODE,
    .attrs = place_table,
    .attrs_size = sizeof(ks__batch_attrs),
    .defaults = &place_defaults,
    .infer = infer_moments,
    .kernel = moments_kernel,
    .scratch = pair_scratch,
    .pullback = moments_pullback,
    .derivative = "(u[0] + 2 u[1] (x - mean))/n in training, else 0; u[0] in inference; u[1] in inference",
    .example = moments_example,
};

/* ---- batch_sums ---------------------------------------------------------------------------------------- */

/* What a piece found, in own[piece][width][2]: the sums of u and of u (x - mean). */
#define DEFINE_SUMS(S, TYPE)                                                                                                               \
    static KS_INLINE void sums_##S##_body(const ks__batch *b, int64_t piece, int64_t range)                                                \
    {                                                                                                                                      \
        const TYPE *x = b->x->data, *u = b->call->in[1].data, *mean = b->call->in[2].data;                                                 \
        double *own = (double *)b->own + piece * b->width * 2;                                                                             \
        int64_t first = piece * b->piece, last = rows_end(b, piece), line = b->g * b->b;                                                   \
        if (b->rows) {                                                                                                                     \
            double both[2] = {0, 0};                                                                                                       \
            for (int64_t a = first; a < last; a++)                                                                                         \
                ks__norm_sums_##S(both, u + a * line + range * b->b, x + a * line + range * b->b, mean[range], b->b);                      \
            own[range * 2] = both[0], own[range * 2 + 1] = both[1];                                                                        \
            return;                                                                                                                        \
        }                                                                                                                                  \
        TYPE sum[KS__BATCH_COLUMNS] = {0}, product[KS__BATCH_COLUMNS] = {0}, centre[KS__BATCH_COLUMNS];                                    \
        int64_t from = range * KS__BATCH_COLUMNS, n = b->width - from < KS__BATCH_COLUMNS ? b->width - from : KS__BATCH_COLUMNS;           \
        for (int64_t c = 0; c < n; c++)                                                                                                    \
            centre[c] = mean[(from + c) / b->b];                                                                                           \
        for (int64_t a = first; a < last; a++) {                                                                                           \
            for (int64_t c = 0; c < n; c++) {                                                                                              \
                sum[c] += u[a * line + from + c];                                                                                          \
                product[c] += u[a * line + from + c] * (x[a * line + from + c] - centre[c]);                                               \
            }                                                                                                                              \
        }                                                                                                                                  \
        for (int64_t c = 0; c < n; c++)                                                                                                    \
            own[(from + c) * 2] = (double)sum[c], own[(from + c) * 2 + 1] = (double)product[c];                                            \
    }                                                                                                                                      \
    KS_TARGETS(void, sums_##S, (const ks__batch *b, int64_t piece, int64_t range), (b, piece, range))

DEFINE_SUMS(f32, float)
DEFINE_SUMS(f64, double)

static bool sums_kernel(const ks_call *call, ks_failure *failure)
{
    static const ks__batch_fn f32[] = KS_PICK(sums_f32), f64[] = KS_PICK(sums_f64);
    const ks__batch_attrs *attrs = call->attrs;
    ks__batch b = ks__batch_of(call, &call->in[0], attrs->per_element, call->scratch);
    int64_t columns = b.rows ? 1 : b.b;
    (void)failure;
    ks__batch_each(&b, (call->out->dtype == KS_F32 ? f32 : f64)[call->isa]);
    for (int64_t g = 0; g < b.g; g++) {
        double both[2] = {0, 0};
        for (int64_t piece = 0; piece < b.pieces; piece++) {
            for (int64_t k = 0; k < columns; k++) {
                const double *own = (const double *)b.own + (piece * b.width + g * columns + k) * 2;
                both[0] += own[0], both[1] += own[1];
            }
        }
        put(call->out, g, both[0]);
        put(call->out, b.g + g, both[1]);
    }
    return true;
}

static bool infer_sums(ks_infer *infer)
{
    const ks__batch_attrs *attrs = infer->attrs;
    const ks_shape *x = infer->shape[0], *u = infer->shape[1];
    bool fits = x->rank == u->rank;
    for (int i = 0; fits && i < x->rank; i++) {
        int64_t same;
        fits = ks__dim_same(infer->graph, x->dim[i], u->dim[i], &same);
    }
    if (!fits)
        return ks_infer_fail(infer, KS_BAD_SHAPE, "the shapes must be equal: {0}, {1}");
    if (!ks__batch_fits(infer, attrs->per_element, 2, "mean"))
        return false;
    infer->out = ks__batch_pair(x, attrs->per_element);
    return true;
}

static ks_node *sums_pullback(ks_node *y, int i, ks_node *u)
{
    const ks__batch_attrs *attrs = ks__attrs(y);
    ks_place at = ks_node_place(y);
    ks_node *x = ks__in(y, 0), *v = ks__in(y, 1), *mean = ks__in(y, 2);
    int64_t per = attrs->per_element;
    if (i == 2)
        return ks_neg_at(at, ks_mul_at(at, ks__batch_half_like(at, u, 1, mean), ks__batch_half_like(at, y, 0, mean)));
    ks_node *second = ks__batch_half(at, x, u, 1, per);
    if (i == 0)
        return ks_mul_at(at, v, second);
    ks_node *around = ks_sub_at(at, x, ks__batch_wide(at, x, mean, per));
    return ks_add_at(at, ks_mul_at(at, around, second), ks__batch_half(at, x, u, 0, per));
}

static ks_node *sums_example(ks_graph *g)
{
    return ks__apply3(KS_HERE, &ks__op_batch_sums, some(g, "x", 1), some(g, "v", 0.5), stat(g, "mean", 0.5, -1), NULL);
}

const ks_op ks__op_batch_sums = {
    .size = sizeof(ks_op),
    .name = "batch_sums",
    .formula = "y[0] = sum of v, y[1] = sum of v (x - mean), over the batch",
    .doc = "The two sums over a batch, for each channel of x [N, C, ...] or with per_element for each place of an example, of which the "
           "derivatives of batch_norm are made, in one pass: [2, C] or [2, C, ...].",
    .types = "TTT>T",
    .inputs = "x v mean",
    .attrs = place_table,
    .attrs_size = sizeof(ks__batch_attrs),
    .defaults = &place_defaults,
    .infer = infer_sums,
    .kernel = sums_kernel,
    .scratch = pair_scratch,
    .pullback = sums_pullback,
    .derivative = "v u[1]; u[0] + u[1] (x - mean); -u[1] sum(v)",
    .example = sums_example,
};
