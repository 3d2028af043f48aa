/*
 * ops/loss/softmax.c - shares of a whole: softmax and log_softmax along one axis.
 *
 * Along the last axis a row lies together (ops/loss/rows.h). Along another one, each step of the axis is a row of columns
 * (ops/loss/columns.h). Blocks depend on the sizes only.
 */
#include "ops/loss/columns.h"
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

#define IN_L2         262144 /* bytes of x beside which y has room in L2 */
#define LEAST_COLUMNS 64     /* narrower stretches of rows are read slowly */
#define MOST_WHOLE    256    /* columns done whole together: what they gather stays in L1 */
#define PART          65536  /* elements of a part of tall columns */
#define LEAST_TASK    8192   /* elements that are worth waking a thread */

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

#define DEFINE_COLUMNS(S)                                                                                                                  \
    static KS_INLINE void all_##S##_body(void *y, const void *x, const ks__columns *a, bool logs)                                          \
    {                                                                                                                                      \
        if (logs)                                                                                                                          \
            ks__columns_all_##S(y, x, a, true);                                                                                            \
        else                                                                                                                               \
            ks__columns_all_##S(y, x, a, false);                                                                                           \
    }                                                                                                                                      \
    static KS_INLINE void fold_##S##_body(void *g, double *sum, const void *x, const ks__columns *a)                                       \
    {                                                                                                                                      \
        ks__columns_fold_##S(g, sum, x, a);                                                                                                \
    }                                                                                                                                      \
    static KS_INLINE void join_##S##_body(void *g, double *sum, int64_t parts, int64_t w, int64_t stride)                                  \
    {                                                                                                                                      \
        ks__columns_join_##S(g, sum, parts, w, stride);                                                                                    \
    }                                                                                                                                      \
    static KS_INLINE void share_##S##_body(void *y, const void *x, const void *g, const double *sum, const ks__columns *a, bool logs)      \
    {                                                                                                                                      \
        if (logs)                                                                                                                          \
            ks__columns_share_##S(y, x, g, sum, a, true);                                                                                  \
        else                                                                                                                               \
            ks__columns_share_##S(y, x, g, sum, a, false);                                                                                 \
    }                                                                                                                                      \
    KS_TARGETS(void, all_##S, (void *y, const void *x, const ks__columns *a, bool logs), (y, x, a, logs))                                  \
    KS_TARGETS(void, fold_##S, (void *g, double *sum, const void *x, const ks__columns *a), (g, sum, x, a))                                \
    KS_TARGETS(void, join_##S, (void *g, double *sum, int64_t parts, int64_t w, int64_t stride), (g, sum, parts, w, stride))               \
    KS_TARGETS(void, share_##S, (void *y, const void *x, const void *g, const double *sum, const ks__columns *a, bool logs),               \
               (y, x, g, sum, a, logs))

DEFINE_COLUMNS(f32)
DEFINE_COLUMNS(f64)

/* ---- the kernel ---------------------------------------------------------------------------------------- */

typedef struct job {
    const ks_call *call;
    ks__around x;
    size_t size;           /* of an element */
    int64_t chunk;         /* rows, or ranges of whole columns, of a task */
    int64_t width, ranges; /* columns of a task, and how many such ranges */
    int64_t height, parts; /* of a column: the elements of a part, and how many parts */
    double *sum;           /* [before][parts][after] */
    char *greatest;        /* [before][parts][after] */
    bool logs;
} job;

static void rows_task(void *payload, int64_t i)
{
    static void (*const fn[2][KS_ISA_COUNT])(void *, const void *, int64_t, int64_t, bool) = {KS_PICK(rows_f32), KS_PICK(rows_f64)};
    const job *j = payload;
    const ks_tensor *out = j->call->out;
    int64_t rows = j->x.before - i * j->chunk < j->chunk ? j->x.before - i * j->chunk : j->chunk;
    size_t at = (size_t)(i * j->chunk * j->x.extent) * j->size;
    fn[out->dtype == KS_F64][j->call->isa]((char *)out->data + at, (const char *)j->call->in[0].data + at, rows, j->x.extent, j->logs);
}

/* Some columns of a part: x and y of their first elements, their own results and those of their column. */
typedef struct part {
    const char *x;
    char *y, *greatest, *column_greatest;
    double *sum, *column_sum;
    ks__columns columns;
} part;

static part part_of(const job *j, int64_t i)
{
    int64_t column = i % j->ranges * j->width, p = i / j->ranges % j->parts, before = i / j->ranges / j->parts;
    size_t at = (size_t)((before * j->x.extent + p * j->height) * j->x.after + column) * j->size;
    int64_t whole = before * j->parts * j->x.after + column, own = whole + p * j->x.after;
    part r = {.x = (const char *)j->call->in[0].data + at, .y = (char *)j->call->out->data + at};
    int64_t rows = j->x.extent - p * j->height < j->height ? j->x.extent - p * j->height : j->height;
    r.columns = ks__columns_of(rows, j->x.after - column < j->width ? j->x.after - column : j->width, j->x.after);
    if (j->parts == 1)
        return r;
    r.greatest = j->greatest + (size_t)own * j->size;
    r.column_greatest = j->greatest + (size_t)whole * j->size;
    r.sum = j->sum + own;
    r.column_sum = j->sum + whole;
    return r;
}

static void all_task(void *payload, int64_t i)
{
    static void (*const fn[2][KS_ISA_COUNT])(void *, const void *, const ks__columns *, bool) = {KS_PICK(all_f32), KS_PICK(all_f64)};
    const job *j = payload;
    for (int64_t k = i * j->chunk; k < (i + 1) * j->chunk && k < j->x.before * j->ranges; k++) {
        part p = part_of(j, k);
        fn[j->size == 8][j->call->isa](p.y, p.x, &p.columns, j->logs);
    }
}

static void fold_task(void *payload, int64_t i)
{
    static void (*const fn[2][KS_ISA_COUNT])(void *, double *, const void *, const ks__columns *) = {KS_PICK(fold_f32), KS_PICK(fold_f64)};
    const job *j = payload;
    part p = part_of(j, i);
    fn[j->size == 8][j->call->isa](p.greatest, p.sum, p.x, &p.columns);
}

static void join_task(void *payload, int64_t i)
{
    static void (*const fn[2][KS_ISA_COUNT])(void *, double *, int64_t, int64_t, int64_t) = {KS_PICK(join_f32), KS_PICK(join_f64)};
    const job *j = payload;
    part p = part_of(j, i / j->ranges * j->parts * j->ranges + i % j->ranges);
    fn[j->size == 8][j->call->isa](p.column_greatest, p.column_sum, j->parts, p.columns.w / p.columns.fold, j->x.after);
}

static void share_task(void *payload, int64_t i)
{
    static void (*const fn[2][KS_ISA_COUNT])(void *, const void *, const void *, const double *, const ks__columns *,
                                             bool) = {KS_PICK(share_f32), KS_PICK(share_f64)};
    const job *j = payload;
    part p = part_of(j, i);
    fn[j->size == 8][j->call->isa](p.y, p.x, p.column_greatest, p.column_sum, &p.columns, j->logs);
}

/* How the work is cut. Columns are whole where some of them, or all that there are, stay in L2 together. */
static job job_of(const ks_call *call, bool logs)
{
    const axis_attrs *attrs = call->attrs;
    job j = {.call = call, .x = ks__split(call->in[0].shape, attrs->axis), .size = ks_dtype_size(call->out->dtype), .logs = logs};
    int64_t n = j.x.extent > 0 ? j.x.extent : 1, after = j.x.after > 0 ? j.x.after : 1;
    int64_t fitting = IN_L2 / (int64_t)j.size / n, least = after < LEAST_COLUMNS ? after : LEAST_COLUMNS;
    bool whole = fitting >= least;
    fitting -= fitting >= LEAST_COLUMNS ? fitting % LEAST_COLUMNS : 0; /* whole vectors */
    j.width = !whole ? KS__COLUMNS : fitting < MOST_WHOLE ? fitting : MOST_WHOLE;
    j.height = whole ? n : PART / (after < KS__COLUMNS ? after : KS__COLUMNS);
    j.parts = ks__ceil_div(n, j.height);
    j.ranges = ks__ceil_div(after, j.width);
    j.chunk = after == 1 ? ks__rows_of_task(n) : ks__ceil_div(LEAST_TASK, n * (after < j.width ? after : j.width));
    return j;
}

/* The sums of all parts, then their greatest. */
static size_t scratch(const ks_call *call)
{
    job j = job_of(call, false);
    bool cut = j.x.after != 1 && j.parts > 1;
    return cut ? (size_t)(j.x.before * j.parts * j.x.after) * (sizeof(double) + j.size) : 0;
}

static bool run(const ks_call *call, bool logs)
{
    job j = job_of(call, logs);
    int64_t count = call->out->count, tasks = j.x.before * j.parts * j.ranges;
    if (!count)
        return true;
    if (j.x.after == 1) {
        ks__each(call, count, ks__ceil_div(j.x.before, j.chunk), rows_task, &j);
    } else if (j.parts == 1) {
        ks__each(call, count, ks__ceil_div(tasks, j.chunk), all_task, &j);
    } else {
        j.sum = call->scratch;
        j.greatest = (char *)(j.sum + j.x.before * j.parts * j.x.after);
        ks__each(call, count, tasks, fold_task, &j);
        ks__each(call, count / j.height, j.x.before * j.ranges, join_task, &j);
        ks__each(call, count, tasks, share_task, &j);
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
    .scratch = scratch,
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
    .scratch = scratch,
    .pullback = log_softmax_pullback,
    .derivative = "u - softmax(x) sum(u, axis)",
    .onnx = "LogSoftmax",
    .example = log_softmax_example,
};

ks_node *ks_log_softmax_at(ks_place at, ks_node *x, int64_t axis)
{
    return ks__apply1(at, &ks__op_log_softmax, x, &(axis_attrs){axis});
}
