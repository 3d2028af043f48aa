/*
 * ops/norm/local.c - local_response_norm: a channel is held down by its neighbours; and channel_window, the sum over neighbours.
 */
#include "ops/family.h"
#include "engine/kernels/vmath.h"

#include <math.h>

typedef struct window_attrs {
    int64_t size, mirrored; /* mirrored: bool */
    double alpha, beta, bias;
} window_attrs;

#define COLUMNS 512 /* positions of a task */

static bool infer_window(ks_infer *infer)
{
    const window_attrs *attrs = infer->attrs;
    infer->out = *infer->shape[0];
    if (attrs->size < 1)
        return ks_infer_fail(infer, KS_BAD_ARGUMENT, "size is %lld: a window has at least one channel", (long long)attrs->size);
    return infer->out.rank >= 2 || ks_infer_fail(infer, KS_BAD_SHAPE, "takes [N, C, ...], but {0}");
}

/* ---- the sum over neighbouring channels ---------------------------------------------------------------- */

typedef struct job {
    const ks_call *call;
    ks__around at;
    int64_t ranges, below, above; /* ranges of positions; neighbours on each side */
} job;

/* The window of channel c is [c - below, c + above]: of an even size the further half lies above, as in ONNX. */
static job job_of(const ks_call *call)
{
    const window_attrs *attrs = call->attrs;
    job j = {call, ks__split(call->in[0].shape, 1), 0, (attrs->size - 1) / 2, attrs->size / 2};
    if (attrs->mirrored)
        j.below = attrs->size / 2, j.above = (attrs->size - 1) / 2;
    j.ranges = ks__ceil_div(j.at.after, COLUMNS);
    return j;
}

/* sum[w] = the sum over the window of channel c of x, or of its squares. */
#define DEFINE_WINDOW(S, TYPE, POW)                                                                                                        \
    static KS_INLINE void window_##S(const job *j, TYPE *sum, const TYPE *x, int64_t c, int64_t w, bool squared)                           \
    {                                                                                                                                      \
        int64_t first = c > j->below ? c - j->below : 0, last = j->at.extent - 1 - c < j->above ? j->at.extent - 1 : c + j->above;         \
        for (int64_t i = 0; i < w; i++)                                                                                                    \
            sum[i] = 0;                                                                                                                    \
        for (int64_t k = first; k <= last; k++) {                                                                                          \
            const TYPE *row = x + k * j->at.after;                                                                                         \
            for (int64_t i = 0; i < w; i++)                                                                                                \
                sum[i] += squared ? row[i] * row[i] : row[i];                                                                              \
        }                                                                                                                                  \
    }                                                                                                                                      \
    static KS_INLINE void sums_##S##_body(const job *j, int64_t at, int64_t w)                                                             \
    {                                                                                                                                      \
        for (int64_t c = 0; c < j->at.extent; c++)                                                                                         \
            window_##S(j, (TYPE *)j->call->out->data + at + c * j->at.after, (const TYPE *)j->call->in[0].data + at, c, w, false);         \
    }                                                                                                                                      \
    static KS_INLINE void local_##S##_body(const job *j, int64_t at, int64_t w)                                                            \
    {                                                                                                                                      \
        const window_attrs *attrs = j->call->attrs;                                                                                        \
        const TYPE share = (TYPE)(attrs->alpha / (double)attrs->size), bias = (TYPE)attrs->bias, power = (TYPE)-attrs->beta;               \
        TYPE sum[COLUMNS];                                                                                                                 \
        for (int64_t c = 0; c < j->at.extent; c++) {                                                                                       \
            const TYPE *x = (const TYPE *)j->call->in[0].data + at;                                                                        \
            TYPE *y = (TYPE *)j->call->out->data + at + c * j->at.after;                                                                   \
            window_##S(j, sum, x, c, w, true);                                                                                             \
            x += c * j->at.after;                                                                                                          \
            KS_LOOP                                                                                                                        \
            for (int64_t i = 0; i < w; i++)                                                                                                \
                y[i] = x[i] * POW(bias + share * sum[i], power);                                                                           \
        }                                                                                                                                  \
    }                                                                                                                                      \
    KS_TARGETS(void, sums_##S, (const job *j, int64_t at, int64_t w), (j, at, w))                                                          \
    KS_TARGETS(void, local_##S, (const job *j, int64_t at, int64_t w), (j, at, w))

DEFINE_WINDOW(f32, float, ks__pow_f)
DEFINE_WINDOW(f64, double, ks__pow_d)

typedef void (*part_fn)(const job *j, int64_t at, int64_t w);

typedef struct parts {
    const job *job;
    part_fn fn;
} parts;

static void part_task(void *payload, int64_t i)
{
    const parts *p = payload;
    const job *j = p->job;
    int64_t from = i % j->ranges * COLUMNS, w = j->at.after - from < COLUMNS ? j->at.after - from : COLUMNS;
    p->fn(j, i / j->ranges * j->at.extent * j->at.after + from, w);
}

static bool run(const ks_call *call, part_fn fn)
{
    job j = job_of(call);
    if (call->out->count)
        ks__each(call, call->out->count * (j.below + j.above + 1), j.at.before * j.ranges, part_task, &(parts){&j, fn});
    return true;
}

/* ---- channel_window ------------------------------------------------------------------------------------ */

static bool window_kernel(const ks_call *call, ks_failure *failure)
{
    static const part_fn f32[] = KS_PICK(sums_f32), f64[] = KS_PICK(sums_f64);
    (void)failure;
    return run(call, (call->out->dtype == KS_F32 ? f32 : f64)[call->isa]);
}

static ks_node *window_sum(ks_place at, ks_node *x, int64_t size, bool mirrored)
{
    return ks__apply1(at, &ks__op_channel_window, x, &(window_attrs){.size = size, .mirrored = mirrored});
}

/* A channel lies in the windows of the channels on its other side. */
static ks_node *window_pullback(ks_node *y, int i, ks_node *u)
{
    const window_attrs *attrs = ks__attrs(y);
    (void)i;
    return window_sum(ks_node_place(y), u, attrs->size, !attrs->mirrored);
}

static ks_node *some(ks_graph *g)
{
    return ks__given(g, "x", KS_SHAPE(2, 4, 2),
                     KS__VALUES(0.3, 2.9, -4, 0.125, 0.5, 1.25, -0.75, 2, 1, -1.5, 0.25, 3, -2, 0.625, 1.75, -0.5));
}

static ks_node *window_example(ks_graph *g)
{
    return window_sum(KS_HERE, some(g), 2, false);
}

#define SIZE                                                                                                                               \
    {                                                                                                                                      \
        "size", KS_ATTR_INT, offsetof(window_attrs, size), false, true, "how many neighbouring channels, itself among them"                \
    }

static const ks_attr window_table[] = {
    SIZE,
    {"mirrored", KS_ATTR_BOOL, offsetof(window_attrs, mirrored), false, false,
     "whether the further half of an even size lies below the channel instead of above; default false"},
    {0},
};

const ks_op ks__op_channel_window = {
    .size = sizeof(ks_op),
    .name = "channel_window",
    .formula = "y[c] = sum of x[c - (size - 1)/2] to x[c + size/2]",
    .doc = "The sum over neighbouring channels, axis 1 of x [N, C, ...], as far as there are any; halves are rounded down. The derivative "
           "of local_response_norm is made of it.",
    .types = "T>T",
    .inputs = "x",
    .flags = KS_OP_LINEAR,
    .attrs = window_table,
    .attrs_size = sizeof(window_attrs),
    .infer = infer_window,
    .kernel = window_kernel,
    .pullback = window_pullback,
    .derivative = "channel_window(u), mirrored",
    .example = window_example,
};

/* ---- local_response_norm ------------------------------------------------------------------------------- */

static bool local_kernel(const ks_call *call, ks_failure *failure)
{
    static const part_fn f32[] = KS_PICK(local_f32), f64[] = KS_PICK(local_f64);
    (void)failure;
    return run(call, (call->out->dtype == KS_F32 ? f32 : f64)[call->isa]);
}

/* With d = bias + alpha/size W(x^2): u d^-beta - 2 alpha beta/size x W'(u x d^(-beta - 1)), W' the mirrored window. */
static ks_node *local_pullback(ks_node *y, int i, ks_node *u)
{
    const window_attrs *attrs = ks__attrs(y);
    ks_place at = ks_node_place(y);
    ks_graph *g = y->graph;
    ks_node *x = ks__in(y, i);
    double share = attrs->alpha / (double)attrs->size;
    ks_node *squares = window_sum(at, ks_square_at(at, x), attrs->size, false);
    ks_node *d = ks_add_at(at, ks_mul_at(at, squares, ks_number_at(at, g, share)), ks_number_at(at, g, attrs->bias));
    ks_node *held = ks_mul_at(at, u, ks_pow_at(at, d, ks_number_at(at, g, -attrs->beta)));
    ks_node *arrives = window_sum(at, ks_div_at(at, ks_mul_at(at, held, x), d), attrs->size, true);
    ks_node *others = ks_mul_at(at, x, ks_mul_at(at, arrives, ks_number_at(at, g, 2 * share * attrs->beta)));
    return ks_sub_at(at, held, others);
}

static ks_node *local_example(ks_graph *g)
{
    return ks_local_response_norm(some(g), 3, 0.5, 0.75, 1);
}

static bool infer_local(ks_infer *infer)
{
    const window_attrs *attrs = infer->attrs;
    if (attrs->alpha - attrs->alpha != 0 || attrs->beta - attrs->beta != 0 || attrs->bias - attrs->bias != 0)
        return ks_infer_fail(infer, KS_BAD_ARGUMENT, "alpha, beta and bias are finite numbers");
    return infer_window(infer);
}

static const ks_attr local_table[] = {
    SIZE,
    {"alpha", KS_ATTR_FLOAT, offsetof(window_attrs, alpha), false, false, "how strongly the mean of the squares counts; default 1e-4"},
    {"beta", KS_ATTR_FLOAT, offsetof(window_attrs, beta), false, false, "the exponent; default 0.75"},
    {"bias", KS_ATTR_FLOAT, offsetof(window_attrs, bias), false, false, "what is added to it; default 1"},
    {0},
};
static const window_attrs local_defaults = {.alpha = 1e-4, .beta = 0.75, .bias = 1};

const ks_op ks__op_local_response_norm = {
    .size = sizeof(ks_op),
    .name = "local_response_norm",
    .formula = "y = x / (bias + alpha/size sum of x^2)^beta, the sum over size neighbouring channels",
    .doc = "A channel of x [N, C, ...] is held down by its neighbours (Krizhevsky et al. 2012), as ONNX's LRN and PyTorch's, which divide "
           "alpha by size. The window reaches (size - 1)/2 channels down and size/2 up, rounded down; channels that are not there count "
           "as 0. PyTorch has the further half of an even size below.",
    .types = "T>T",
    .inputs = "x",
    .attrs = local_table,
    .attrs_size = sizeof(window_attrs),
    .defaults = &local_defaults,
    .infer = infer_local,
    .kernel = local_kernel,
    .pullback = local_pullback,
    .derivative = "u d^-beta - 2 alpha beta/size x sum(u x d^(-beta - 1)), with d what x is divided by before the exponent",
    .onnx = "LRN",
    .example = local_example,
};

ks_node *ks_local_response_norm_at(ks_place at, ks_node *x, int64_t size, double alpha, double beta, double bias)
{
    return ks__apply1(at, &ks__op_local_response_norm, x, &(window_attrs){.size = size, .alpha = alpha, .beta = beta, .bias = bias});
}
