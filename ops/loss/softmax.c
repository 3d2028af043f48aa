/*
 * ops/loss/softmax.c - shares of a whole: softmax and log_softmax along one axis.
 *
 * Along the last axis a row lies together (ops/loss/rows.h). Along another one, many rows lie beside each other and each step of
 * the axis is a row of columns: the same three passes go column by column. Blocks depend on the sizes only.
 */
#include "ops/loss/rows.h"

typedef struct axis_attrs {
    int64_t axis;
} axis_attrs;

static const ks_attr axis_table[] = {
    {"axis", KS_ATTR_INT, offsetof(axis_attrs, axis), false, false,
     "the axis whose elements share the whole; negative counts from the end; default -1"},
    {0},
};
static const axis_attrs axis_defaults = {.axis = -1};

#define COLUMNS 256 /* columns of a unit */

/* ---- rows that lie together ---------------------------------------------------------------------------- */

/* out[rows][n] from in; `logs`: the logarithm. */
#define DEFINE_ROWS(S, TYPE, LOG)                                                                                                          \
    static KS_INLINE void rows_##S##_body(void *to, const void *from, int64_t rows, int64_t n, bool logs)                                  \
    {                                                                                                                                      \
        TYPE greatest[KS__ROWS_BLOCK], sum[KS__ROWS_BLOCK];                                                                                \
        int64_t together = ks__rows_together(n);                                                                                           \
        for (int64_t r = 0; r < rows; r += together) {                                                                                     \
            int64_t some = rows - r < together ? rows - r : together;                                                                      \
            const TYPE *x = (const TYPE *)from + r * n;                                                                                    \
            TYPE *y = (TYPE *)to + r * n;                                                                                                  \
            if (n < KS__ROWS_BLOCK)                                                                                                        \
                ks__rows_exp_##S(y, greatest, sum, x, some, n);                                                                            \
            else                                                                                                                           \
                sum[0] = ks__long_row_exp_##S(y, greatest, x, n);                                                                          \
            if (logs) {                                                                                                                    \
                KS_LOOP                                                                                                                    \
                for (int64_t k = 0; k < some; k++) {                                                                                       \
                    const TYPE s = sum[k];                                                                                                 \
                    sum[k] = LOG(s);                                                                                                       \
                }                                                                                                                          \
            }                                                                                                                              \
            for (int64_t k = 0; k < some; k++) {                                                                                           \
                const TYPE g = greatest[k], s = sum[k];                                                                                    \
                KS_LOOP                                                                                                                    \
                for (int64_t i = 0; i < n; i++)                                                                                            \
                    y[k * n + i] = logs ? (x[k * n + i] - g) - s : y[k * n + i] / s;                                                       \
            }                                                                                                                              \
        }                                                                                                                                  \
    }                                                                                                                                      \
    KS_TARGETS(void, rows_##S, (void *to, const void *from, int64_t rows, int64_t n, bool logs), (to, from, rows, n, logs))

DEFINE_ROWS(f32, float, ks__log_f)
DEFINE_ROWS(f64, double, ks__log_d)

/* ---- rows beside each other ---------------------------------------------------------------------------- */

/* out[n][w] from in: w columns, whose elements are `stride` apart. Sums in double: they go straight down. */
#define DEFINE_COLUMNS(S, TYPE, EXP, LOG)                                                                                                  \
    static KS_INLINE void columns_##S##_body(void *to, const void *from, int64_t n, int64_t w, int64_t stride, bool logs)                  \
    {                                                                                                                                      \
        TYPE greatest[COLUMNS], s[COLUMNS];                                                                                                \
        double sum[COLUMNS];                                                                                                               \
        const TYPE *x = from;                                                                                                              \
        TYPE *y = to;                                                                                                                      \
        for (int64_t c = 0; c < w; c++) {                                                                                                  \
            greatest[c] = x[c];                                                                                                            \
            sum[c] = 0;                                                                                                                    \
        }                                                                                                                                  \
        for (int64_t i = 1; i < n; i++) {                                                                                                  \
            KS_LOOP                                                                                                                        \
            for (int64_t c = 0; c < w; c++)                                                                                                \
                greatest[c] = x[i * stride + c] > greatest[c] ? x[i * stride + c] : greatest[c];                                           \
        }                                                                                                                                  \
        for (int64_t i = 0; i < n; i++) {                                                                                                  \
            KS_LOOP                                                                                                                        \
            for (int64_t c = 0; c < w; c++) {                                                                                              \
                const TYPE d = x[i * stride + c] - greatest[c];                                                                            \
                const TYPE e = EXP(d);                                                                                                     \
                y[i * stride + c] = logs ? d : e;                                                                                          \
                sum[c] += (double)e;                                                                                                       \
            }                                                                                                                              \
        }                                                                                                                                  \
        KS_LOOP                                                                                                                            \
        for (int64_t c = 0; c < w; c++) {                                                                                                  \
            const TYPE total = (TYPE)sum[c];                                                                                               \
            s[c] = logs ? LOG(total) : total;                                                                                              \
        }                                                                                                                                  \
        for (int64_t i = 0; i < n; i++) {                                                                                                  \
            KS_LOOP                                                                                                                        \
            for (int64_t c = 0; c < w; c++)                                                                                                \
                y[i * stride + c] = logs ? y[i * stride + c] - s[c] : y[i * stride + c] / s[c];                                            \
        }                                                                                                                                  \
    }                                                                                                                                      \
    KS_TARGETS(void, columns_##S, (void *to, const void *from, int64_t n, int64_t w, int64_t stride, bool logs),                           \
               (to, from, n, w, stride, logs))

DEFINE_COLUMNS(f32, float, ks__exp_f, ks__log_f)
DEFINE_COLUMNS(f64, double, ks__exp_d, ks__log_d)

/* ---- the kernel ---------------------------------------------------------------------------------------- */

typedef struct job {
    const ks_call *call;
    ks__around x;
    int64_t chunk, ranges; /* rows of a task; ranges of columns beside each other */
    bool logs;
} job;

static void rows_task(void *payload, int64_t i)
{
    static void (*const fn[2][KS_ISA_COUNT])(void *, const void *, int64_t, int64_t, bool) = {KS_PICK(rows_f32), KS_PICK(rows_f64)};
    const job *j = payload;
    const ks_tensor *out = j->call->out;
    int64_t rows = j->x.before - i * j->chunk < j->chunk ? j->x.before - i * j->chunk : j->chunk;
    size_t at = (size_t)(i * j->chunk * j->x.extent) * ks_dtype_size(out->dtype);
    fn[out->dtype == KS_F64][j->call->isa]((char *)out->data + at, (const char *)j->call->in[0].data + at, rows, j->x.extent, j->logs);
}

static void columns_task(void *payload, int64_t i)
{
    static void (*const fn[2][KS_ISA_COUNT])(void *, const void *, int64_t, int64_t, int64_t, bool) = {KS_PICK(columns_f32),
                                                                                                       KS_PICK(columns_f64)};
    const job *j = payload;
    const ks_tensor *out = j->call->out;
    int64_t column = i % j->ranges * COLUMNS, columns = j->x.after - column < COLUMNS ? j->x.after - column : COLUMNS;
    size_t at = (size_t)(i / j->ranges * j->x.extent * j->x.after + column) * ks_dtype_size(out->dtype);
    fn[out->dtype == KS_F64][j->call->isa]((char *)out->data + at, (const char *)j->call->in[0].data + at, j->x.extent, columns, j->x.after,
                                           j->logs);
}

static bool run(const ks_call *call, bool logs)
{
    const axis_attrs *attrs = call->attrs;
    job j = {.call = call, .x = ks__split(call->in[0].shape, attrs->axis), .logs = logs};
    int64_t count = call->out->count;
    if (!count)
        return true;
    if (j.x.after == 1) {
        j.chunk = ks__rows_of_task(j.x.extent);
        ks__each(call, count, ks__ceil_div(j.x.before, j.chunk), rows_task, &j);
    } else {
        j.ranges = ks__ceil_div(j.x.after, COLUMNS);
        ks__each(call, count, j.x.before * j.ranges, columns_task, &j);
    }
    return true;
}

static bool infer_axis(ks_infer *infer)
{
    const axis_attrs *attrs = infer->attrs;
    int axis;
    infer->out = *infer->shape[0];
    return ks__axis(attrs->axis, infer->out.rank, &axis) ||
           ks_infer_fail(infer, KS_BAD_SHAPE, "there is no axis %lld: {0}", (long long)attrs->axis);
}

static ks_ints axis_of(const ks_node *y)
{
    const axis_attrs *attrs = ks__attrs(y);
    return KS_INTS(attrs->axis);
}

/* x [2, 3] with different values, for the examples */
static ks_node *some(ks_graph *g)
{
    return ks__given(g, "x", KS_SHAPE(2, 3), KS__VALUES(0.3, 2.9, 4, -1, 0.5, 1.25));
}

/* ---- softmax ------------------------------------------------------------------------------------------- */

static bool softmax_kernel(const ks_call *call, ks_failure *failure)
{
    (void)failure;
    return run(call, false);
}

/* y (u - sum(u y)): the Jacobian diag(y) - y y' times u, without the Jacobian. Zero wins: a row that where did not take stays 0. */
static ks_node *softmax_pullback(ks_node *y, int i, ks_node *u)
{
    (void)i;
    ks_place at = ks_node_place(y);
    ks_node *shared = ks_sum_at(at, ks_chain_mul_at(at, u, y), axis_of(y), true);
    return ks_chain_mul_at(at, ks_sub_at(at, u, shared), y);
}

static ks_node *softmax_example(ks_graph *g)
{
    return ks_softmax(some(g), -1);
}

const ks_op ks__op_softmax = {
    .size = sizeof(ks_op),
    .name = "softmax",
    .formula = "y = exp(x - max x) / sum of exp(x - max x) along the axis",
    .doc = "Turns scores into shares: positive, and 1 in sum along the axis. The greatest is subtracted first, so nothing overflows; "
           "adding a number "
           "to all scores changes nothing. A row with a NaN, with +inf, or of -inf alone has no shares: all its elements are NaN, as in "
           "PyTorch.",
    .types = "T>T",
    .flags = KS_OP_LINES,
    .inputs = "x",
    .attrs = axis_table,
    .attrs_size = sizeof(axis_attrs),
    .defaults = &axis_defaults,
    .infer = infer_axis,
    .kernel = softmax_kernel,
    .pullback = softmax_pullback,
    .derivative = "y (u - sum(u y, axis))",
    .onnx = "Softmax",
    .example = softmax_example,
};

ks_node *ks_softmax_at(ks_place at, ks_node *x, int64_t axis)
{
    return ks__apply1(at, &ks__op_softmax, x, &(axis_attrs){axis});
}

/* ---- log_softmax --------------------------------------------------------------------------------------- */

static bool log_softmax_kernel(const ks_call *call, ks_failure *failure)
{
    (void)failure;
    return run(call, true);
}

static ks_node *log_softmax_pullback(ks_node *y, int i, ks_node *u)
{
    (void)i;
    const axis_attrs *attrs = ks__attrs(y);
    ks_place at = ks_node_place(y);
    ks_node *shares = ks_softmax_at(at, ks__in(y, 0), attrs->axis);
    return ks_sub_at(at, u, ks_chain_mul_at(at, ks_sum_at(at, u, axis_of(y), true), shares));
}

static ks_node *log_softmax_example(ks_graph *g)
{
    return ks_log_softmax(some(g), 0);
}

const ks_op ks__op_log_softmax = {
    .size = sizeof(ks_op),
    .name = "log_softmax",
    .formula = "y = x - max x - log(sum of exp(x - max x)) along the axis",
    .doc = "The logarithm of softmax, exact where softmax is too small to have one. A row with a NaN, with +inf, or of -inf alone is NaN, "
           "as in "
           "PyTorch.",
    .types = "T>T",
    .flags = KS_OP_LINES,
    .inputs = "x",
    .attrs = axis_table,
    .attrs_size = sizeof(axis_attrs),
    .defaults = &axis_defaults,
    .infer = infer_axis,
    .kernel = log_softmax_kernel,
    .pullback = log_softmax_pullback,
    .derivative = "u - softmax(x) sum(u, axis)",
    .onnx = "LogSoftmax",
    .example = log_softmax_example,
};

ks_node *ks_log_softmax_at(ks_place at, ks_node *x, int64_t axis)
{
    return ks__apply1(at, &ks__op_log_softmax, x, &(axis_attrs){axis});
}
