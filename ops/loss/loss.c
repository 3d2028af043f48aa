/*
 * ops/loss/loss.c - how surprised a classifier is: softmax_cross_entropy and its derivative.
 *
 * The derivative of softmax with cross entropy is (y - t)/N, computed from the scores in one go by an operation of its own, so that it
 * stands in a trace as the book has it and softmax's Jacobian is never formed. The value is log-sum-exp, without an epsilon.
 */
#include "ops/loss/each.h"
#include "ops/loss/rows.h"

/* ---- scores and their labels --------------------------------------------------------------------------- */

/* score [N, C] (or [C]) beside t: whole numbers [N] (or []), or shares of score's shape and dtype. */
static bool check_labels(ks_infer *infer, ks_dtype t)
{
    const ks_shape *score = infer->shape[0], *label = infer->shape[1];
    bool shares = infer->dtype[1] == t;
    if (score->rank != 1 && score->rank != 2)
        return ks_infer_fail(infer, KS_BAD_SHAPE, "scores are [N, C] or [C], but {0}: ks_reshape it");
    if (!shares && !(1u << infer->dtype[1] & KS_INTEGERS))
        return ks_infer_fail(infer, KS_BAD_DTYPE,
                             "labels are whole numbers (i32, i64, u8) or shares of the score's dtype %s, but {1} of %s: ks_cast it",
                             ks_dtype_name(t), ks_dtype_name(infer->dtype[1]));
    int rank = shares ? score->rank : score->rank - 1;
    bool fits = label->rank == rank;
    for (int i = 0; fits && i < rank; i++) {
        int64_t same;
        fits = ks__dim_same(infer->graph, score->dim[i], label->dim[i], &same);
    }
    if (fits)
        return score->dim[score->rank - 1] != 0 || ks_infer_fail(infer, KS_BAD_SHAPE, "there are no classes: {0}");
    if (!shares && label->rank == score->rank)
        return ks_infer_fail(infer, KS_BAD_SHAPE, "whole numbers are one label a row: {0}, {1}: ks_cast one-hot rows to %s",
                             ks_dtype_name(t));
    return ks_infer_fail(infer, KS_BAD_SHAPE, "labels are one whole number a row, or a row of shares as long as the score's: {0}, {1}");
}

typedef struct job {
    const ks_call *call;
    int64_t rows, n, chunk;
    void *losses; /* [rows] */
} job;

static job job_of(const ks_call *call)
{
    const ks_shape *score = call->in[0].shape;
    int64_t n = score->dim[score->rank - 1];
    return (job){call, score->rank == 2 ? score->dim[0] : 1, n, ks__rows_of_task(n), call->scratch};
}

static bool labels_fit(const job *j, ks_failure *failure)
{
    const ks_tensor *t = &j->call->in[1];
    if (t->dtype == j->call->in[0].dtype)
        return true;
    for (int64_t r = 0; r < j->rows; r++) {
        int64_t label = ks__whole(t, r);
        if (label < 0 || label >= j->n)
            return ks__kernel_fail(failure, KS_BAD_ARGUMENT, "row %lld has label %lld, but there are %lld classes: labels are 0 to %lld",
                                   (long long)r, (long long)label, (long long)j->n, (long long)(j->n - 1));
    }
    return true;
}

/* A row's loss: log(sum) sum(t) - sum of t (x - greatest). A share of zero counts nothing, even of a score of -inf. The two sums are in
 * lanes, so that they go by vectors. */
#define LANES 8
#define DEFINE_SHARES(S, TYPE)                                                                                                             \
    static KS_INLINE void shares_##S(const TYPE *x, const TYPE *t, int64_t n, TYPE greatest, TYPE *whole, TYPE *taken)                     \
    {                                                                                                                                      \
        TYPE ones[LANES] = {0}, parts[LANES] = {0};                                                                                        \
        int64_t i = 0;                                                                                                                     \
        for (; i + LANES <= n; i += LANES)                                                                                                 \
            for (int l = 0; l < LANES; l++) {                                                                                              \
                ones[l] += t[i + l];                                                                                                       \
                parts[l] += t[i + l] == 0 ? 0 : t[i + l] * (x[i + l] - greatest);                                                          \
            }                                                                                                                              \
        for (int l = 0; i < n; i++, l++) {                                                                                                 \
            ones[l] += t[i];                                                                                                               \
            parts[l] += t[i] == 0 ? 0 : t[i] * (x[i] - greatest);                                                                          \
        }                                                                                                                                  \
        for (int w = LANES / 2; w; w /= 2)                                                                                                 \
            for (int l = 0; l < w; l++) {                                                                                                  \
                ones[l] += ones[l + w];                                                                                                    \
                parts[l] += parts[l + w];                                                                                                  \
            }                                                                                                                              \
        *whole = ones[0];                                                                                                                  \
        *taken = parts[0];                                                                                                                 \
    }
DEFINE_SHARES(f32, float)
DEFINE_SHARES(f64, double)

/* ---- softmax_cross_entropy ----------------------------------------------------------------------------- */

/* losses[first, last) of the rows of x. */
#define DEFINE_LOSS(S, TYPE, LOG)                                                                                                          \
    static KS_INLINE void loss_##S##_body(const job *j, int64_t first, int64_t last)                                                       \
    {                                                                                                                                      \
        TYPE e[KS__ROWS_BLOCK], greatest[KS__ROWS_BLOCK], sum[KS__ROWS_BLOCK], *out = j->losses;                                           \
        const ks_tensor *t = &j->call->in[1];                                                                                              \
        int64_t n = j->n, together = ks__rows_together(n);                                                                                 \
        for (int64_t r = first; r < last; r += together) {                                                                                 \
            int64_t some = last - r < together ? last - r : together;                                                                      \
            const TYPE *x = (const TYPE *)j->call->in[0].data + r * n;                                                                     \
            if (n < KS__ROWS_BLOCK)                                                                                                        \
                ks__rows_exp_##S(e, greatest, sum, x, some, n);                                                                            \
            else                                                                                                                           \
                sum[0] = ks__long_row_exp_##S(NULL, greatest, x, n);                                                                       \
            KS_LOOP                                                                                                                        \
            for (int64_t k = 0; k < some; k++) {                                                                                           \
                const TYPE s = sum[k];                                                                                                     \
                sum[k] = LOG(s);                                                                                                           \
            }                                                                                                                              \
            for (int64_t k = 0; k < some; k++) {                                                                                           \
                TYPE whole = 1, taken;                                                                                                     \
                if (t->dtype == j->call->in[0].dtype)                                                                                      \
                    shares_##S(x + k * n, (const TYPE *)t->data + (r + k) * n, n, greatest[k], &whole, &taken);                            \
                else                                                                                                                       \
                    taken = x[k * n + ks__whole(t, r + k)] - greatest[k];                                                                  \
                out[r + k] = sum[k] * whole - taken;                                                                                       \
            }                                                                                                                              \
        }                                                                                                                                  \
    }                                                                                                                                      \
    KS_TARGETS(void, loss_##S, (const job *j, int64_t first, int64_t last), (j, first, last))

DEFINE_LOSS(f32, float, ks__log_f)
DEFINE_LOSS(f64, double, ks__log_d)

static void loss_task(void *payload, int64_t i)
{
    static void (*const fn[2][KS_ISA_COUNT])(const job *, int64_t, int64_t) = {KS_PICK(loss_f32), KS_PICK(loss_f64)};
    const job *j = payload;
    int64_t last = (i + 1) * j->chunk < j->rows ? (i + 1) * j->chunk : j->rows;
    fn[j->call->out->dtype == KS_F64][j->call->isa](j, i * j->chunk, last);
}

static bool loss_kernel(const ks_call *call, ks_failure *failure)
{
    job j = job_of(call);
    if (!labels_fit(&j, failure))
        return false;
    ks__each(call, call->in[0].count, ks__ceil_div(j.rows, j.chunk), loss_task, &j);
    if (call->out->dtype == KS_F32)
        *(float *)call->out->data = (float)((double)ks__sum_f32(call->isa, j.losses, j.rows) / (double)j.rows);
    else
        *(double *)call->out->data = ks__sum_f64(call->isa, j.losses, j.rows) / (double)j.rows;
    return true;
}

static size_t loss_scratch(const ks_call *call)
{
    return (size_t)job_of(call).rows * ks_dtype_size(call->in[0].dtype);
}

static bool infer_loss(ks_infer *infer)
{
    infer->out = KS_SCALAR;
    return check_labels(infer, infer->dtype[0]);
}

/* How many rows a score has, as a number of its dtype; 1 for [C]. */
static ks_node *rows_of(ks_place at, ks_node *score)
{
    return ks__rank(score) == 2 ? ks__count_of(at, score, KS_INTS(0), ks_node_dtype(score)) : ks_number_at(at, score->graph, 1);
}

static ks_node *loss_pullback(ks_node *y, int i, ks_node *u)
{
    ks_place at = ks_node_place(y);
    ks_node *score = ks__in(y, 0), *t = ks__in(y, 1);
    if (i == 0)
        return ks_chain_mul_at(at, u, ks__apply2(at, &ks__op_softmax_cross_entropy_grad, score, t, NULL));
    return ks_chain_mul_at(at, u, ks_neg_at(at, ks_div_at(at, ks_log_softmax_at(at, score, -1), rows_of(at, score))));
}

static ks_node *some_scores(ks_graph *g)
{
    return ks__given(g, "score", KS_SHAPE(2, 3), KS__VALUES(0.3, 2.9, 4, -1, 0.5, 1.25));
}

/* Two rows of shares, each 1 in sum. */
static ks_node *some_shares(ks_graph *g)
{
    return ks__given(g, "t", KS_SHAPE(2, 3), KS__VALUES(0.25, 0.125, 0.625, 0.5, 0.375, 0.125));
}

static ks_node *loss_example(ks_graph *g)
{
    return ks_softmax_cross_entropy(some_scores(g), some_shares(g));
}

const ks_op ks__op_softmax_cross_entropy = {
    .size = sizeof(ks_op),
    .name = "softmax_cross_entropy",
    .formula = "y = mean over rows of -sum(t log softmax(score))",
    .doc = "How surprised a classifier is by the labels: score [N, C] (or [C]), t [N] whole numbers, or t [N, C] shares of score's dtype, "
           "such as "
           "one-hot rows. Softmax and logarithm are one: log(sum of exp) needs no epsilon. The mean over no rows is NaN. A label outside 0 "
           "to C - 1 is "
           "an error.",
    .types = "T*>T",
    .inputs = "score t",
    .infer = infer_loss,
    .kernel = loss_kernel,
    .scratch = loss_scratch,
    .pullback = loss_pullback,
    .derivative = "u (softmax(score) - t)/N; -u log_softmax(score)/N",
    .onnx = "SoftmaxCrossEntropyLoss",
    .example = loss_example,
};

ks_node *ks_softmax_cross_entropy_at(ks_place at, ks_node *score, ks_node *t)
{
    uint64_t before = score ? score->graph->statistics.nodes_composed : 0;
    return ks__loss_fits(ks__apply2(at, &ks__op_softmax_cross_entropy, score, t, NULL), before);
}

/* ---- its derivative ------------------------------------------------------------------------------------ */

/* out = (y whole - t)/N, where whole, the sum of a row's t, is 1 for labels. */
#define DEFINE_GRAD(S, TYPE)                                                                                                               \
    static KS_INLINE void grad_##S##_body(const job *j, int64_t first, int64_t last)                                                       \
    {                                                                                                                                      \
        TYPE greatest[KS__ROWS_BLOCK], sum[KS__ROWS_BLOCK], count = (TYPE)j->rows;                                                         \
        const ks_tensor *t = &j->call->in[1];                                                                                              \
        int64_t n = j->n, together = ks__rows_together(n);                                                                                 \
        bool shares = t->dtype == j->call->in[0].dtype;                                                                                    \
        for (int64_t r = first; r < last; r += together) {                                                                                 \
            int64_t some = last - r < together ? last - r : together;                                                                      \
            const TYPE *x = (const TYPE *)j->call->in[0].data + r * n;                                                                     \
            TYPE *out = (TYPE *)j->call->out->data + r * n;                                                                                \
            if (n < KS__ROWS_BLOCK)                                                                                                        \
                ks__rows_exp_##S(out, greatest, sum, x, some, n);                                                                          \
            else                                                                                                                           \
                sum[0] = ks__long_row_exp_##S(out, greatest, x, n);                                                                        \
            for (int64_t k = 0; k < some; k++) {                                                                                           \
                const TYPE s = sum[k];                                                                                                     \
                TYPE *y = out + k * n;                                                                                                     \
                if (shares) {                                                                                                              \
                    const TYPE *p = (const TYPE *)t->data + (r + k) * n;                                                                   \
                    TYPE whole, taken;                                                                                                     \
                    shares_##S(p, p, n, 0, &whole, &taken);                                                                                \
                    KS_LOOP                                                                                                                \
                    for (int64_t i = 0; i < n; i++)                                                                                        \
                        y[i] = (y[i] / s * whole - p[i]) / count;                                                                          \
                } else {                                                                                                                   \
                    int64_t label = ks__whole(t, r + k);                                                                                   \
                    TYPE there = (y[label] / s - 1) / count;                                                                               \
                    KS_LOOP                                                                                                                \
                    for (int64_t i = 0; i < n; i++)                                                                                        \
                        y[i] = y[i] / s / count;                                                                                           \
                    y[label] = there;                                                                                                      \
                }                                                                                                                          \
            }                                                                                                                              \
        }                                                                                                                                  \
    }                                                                                                                                      \
    KS_TARGETS(void, grad_##S, (const job *j, int64_t first, int64_t last), (j, first, last))

DEFINE_GRAD(f32, float)
DEFINE_GRAD(f64, double)

static void grad_task(void *payload, int64_t i)
{
    static void (*const fn[2][KS_ISA_COUNT])(const job *, int64_t, int64_t) = {KS_PICK(grad_f32), KS_PICK(grad_f64)};
    const job *j = payload;
    int64_t last = (i + 1) * j->chunk < j->rows ? (i + 1) * j->chunk : j->rows;
    fn[j->call->out->dtype == KS_F64][j->call->isa](j, i * j->chunk, last);
}

static bool grad_kernel(const ks_call *call, ks_failure *failure)
{
    job j = job_of(call);
    if (!labels_fit(&j, failure))
        return false;
    ks__each(call, call->in[0].count, ks__ceil_div(j.rows, j.chunk), grad_task, &j);
    return true;
}

static bool infer_grad(ks_infer *infer)
{
    infer->out = *infer->shape[0];
    return check_labels(infer, infer->dtype[0]);
}

/*
 * g = (y s - t)/N, s the sum of a row's t (1 for labels). To the score: s y (u - sum(u y))/N. To t: (sum(u y) - u)/N.
 */
static ks_node *grad_pullback(ks_node *g, int i, ks_node *u)
{
    ks_place at = ks_node_place(g);
    ks_node *score = ks__in(g, 0), *t = ks__in(g, 1), *rows = rows_of(at, score), *y = ks_softmax_at(at, score, -1);
    ks_node *shared = ks_sum_at(at, ks_chain_mul_at(at, u, y), KS_INTS(-1), true);
    if (i == 1)
        return ks_div_at(at, ks_sub_at(at, shared, u), rows);
    ks_node *part = ks_div_at(at, ks_chain_mul_at(at, ks_sub_at(at, u, shared), y), rows);
    return t && ks_node_dtype(t) == ks_node_dtype(score) ? ks_mul_at(at, part, ks_sum_at(at, t, KS_INTS(-1), true)) : part;
}

static ks_node *grad_example(ks_graph *g)
{
    return ks__apply2(KS_HERE, &ks__op_softmax_cross_entropy_grad, some_scores(g), some_shares(g), NULL);
}

const ks_op ks__op_softmax_cross_entropy_grad = {
    .size = sizeof(ks_op),
    .name = "softmax_cross_entropy_grad",
    .formula = "y = (softmax(score) - t)/N",
    .doc = "The derivative of softmax_cross_entropy with respect to the score: what the answer is too much, shared among the N rows. Where "
           "a row of t "
           "is not 1 in sum, softmax(score) counts as often as its sum says.",
    .types = "T*>T",
    .inputs = "score t",
    .infer = infer_grad,
    .kernel = grad_kernel,
    .pullback = grad_pullback,
    .derivative = "sum(t) y (u - sum(u y))/N with y = softmax(score); (sum(u y) - u)/N",
    .example = grad_example,
};
