/*
 * ops/loss/likelihood.c - losses of log-probabilities: negative_log_likelihood, and what labels weigh.
 *
 * A label is one class a row; classes lie along axis 1 (along the only axis of a vector). Its loss is linear in the log-probabilities,
 * with the shares that class_targets writes out as the factors; they are the loss's derivative, and targets for softmax_cross_entropy.
 */
#include "ops/loss/each.h"

typedef struct label_attrs {
    ks__loss_attrs loss;
    int64_t ignore;   /* the label of rows that do not count */
    double smoothing; /* the part of a row's weight that all classes share */
} label_attrs;

/* ---- labels beside classes ----------------------------------------------------------------------------- */

static const ks_attr label_table[] = {
    {"ignore_index", KS_ATTR_INT, offsetof(label_attrs, ignore), false, false, "the label of rows that do not count; default -100"},
    {"label_smoothing", KS_ATTR_FLOAT, offsetof(label_attrs, smoothing), false, false,
     "the part of each row's weight that is shared among all classes, from 0 to 1; default 0"},
    KS__REDUCTION,
    {0},
};
static const label_attrs label_defaults = {.ignore = KS_IGNORE_LABEL};

/* score [N, C, ...] (or [C]) beside labels [N, ...] and the classes' weights [C] (or one number). */
static bool check_labels(ks_infer *infer)
{
    const ks_shape *score = infer->shape[0], *label = infer->shape[1], *weight = infer->shape[2];
    const label_attrs *attrs = infer->attrs;
    int axis = score->rank > 1, rank = score->rank - 1;
    int64_t same;
    char text[KS__REAL_TEXT];
    if (score->rank < 1)
        return ks_infer_fail(infer, KS_BAD_SHAPE, "scores are [N, C], [N, C, ...] or [C], but {0}");
    bool fits = label->rank == rank;
    for (int i = 0; fits && i < rank; i++)
        fits = ks__dim_same(infer->graph, score->dim[i < axis ? i : i + 1], label->dim[i], &same);
    if (!fits)
        return ks_infer_fail(infer, KS_BAD_SHAPE, "labels are one whole number where the scores have a row of classes: {0}, {1}");
    if (weight->rank > 1 || (weight->rank && !ks__dim_same(infer->graph, score->dim[axis], weight->dim[0], &same)))
        return ks_infer_fail(infer, KS_BAD_SHAPE, "weights are one a class, [C], or a single number: {0}, {2}");
    if (!(attrs->smoothing >= 0 && attrs->smoothing <= 1))
        return ks_infer_fail(infer, KS_BAD_ARGUMENT, "label_smoothing is %s: it is a part, from 0 to 1",
                             ks__real_text(attrs->smoothing, text));
    if (attrs->loss.reduction < KS_REDUCE_MEAN || attrs->loss.reduction > KS_REDUCE_ROWS)
        return ks_infer_fail(infer, KS_BAD_ARGUMENT, "reduction is %lld: 0 is the mean, 1 the sum, 2 none, 3 the mean over rows",
                             (long long)attrs->loss.reduction);
    return true;
}

typedef struct job {
    const ks_call *call;
    ks__around at; /* rows before and after the classes */
    int64_t ignore;
    double smoothing;
} job;

static job job_of(const ks_call *call)
{
    const label_attrs *attrs = call->attrs;
    return (job){call, ks__split(call->in[0].shape, call->in[0].shape->rank > 1), attrs->ignore, attrs->smoothing};
}

static double weight_of(const job *j, int64_t class)
{
    const ks_tensor *w = &j->call->in[2];
    return ks__element(w->data, w->dtype, w->count == 1 ? 0 : class);
}

static bool labels_fit(const job *j, ks_failure *failure)
{
    const ks_tensor *t = &j->call->in[1];
    for (int64_t r = 0; r < t->count; r++) {
        int64_t label = ks__whole(t, r);
        if (label != j->ignore && (label < 0 || label >= j->at.extent))
            return ks__kernel_fail(failure, KS_BAD_ARGUMENT,
                                   "row %lld has label %lld, but there are %lld classes: labels are 0 to %lld, or %lld where a row does "
                                   "not count",
                                   (long long)r, (long long)label, (long long)j->at.extent, (long long)(j->at.extent - 1),
                                   (long long)j->ignore);
    }
    return true;
}

static void put(const ks_tensor *out, int64_t i, double value)
{
    if (out->dtype == KS_F32)
        ((float *)out->data)[i] = (float)value;
    else
        ((double *)out->data)[i] = value;
}

/* ---- label_weights ------------------------------------------------------------------------------------- */

static bool infer_label_weights(ks_infer *infer)
{
    infer->out = *infer->shape[1];
    infer->out_dtype = infer->dtype[0];
    return check_labels(infer);
}

static bool label_weights_kernel(const ks_call *call, ks_failure *failure)
{
    job j = job_of(call);
    if (!labels_fit(&j, failure))
        return false;
    for (int64_t r = 0; r < call->out->count; r++) {
        int64_t label = ks__whole(&call->in[1], r);
        put(call->out, r, label == j.ignore ? 0 : weight_of(&j, label));
    }
    return true;
}

/* Some log-probabilities or scores, labels of which one does not count, and weights. */
static void some(ks_graph *g, ks_node *in[3])
{
    in[0] = ks__given(g, "score", KS_SHAPE(3, 3), KS__VALUES(-0.5, -2.9, -1, -1, -0.75, -1.25, -3, -0.25, -2));
    in[1] = ks_constant(g, KS_I64, KS_SHAPE(3), ((const int64_t[]){2, KS_IGNORE_LABEL, 0}));
    in[2] = ks_constant(g, KS_F64, KS_SHAPE(3), KS__VALUES(0.5, 1, 2));
}

static ks_node *example(ks_graph *g, const ks_op *op)
{
    ks_node *in[3];
    some(g, in);
    label_attrs attrs = {{0, 0}, KS_IGNORE_LABEL, 0.25};
    return ks__apply3(KS_HERE, op, in[0], in[1], in[2], &attrs);
}

static ks_node *label_weights_example(ks_graph *g)
{
    return example(g, &ks__op_label_weights);
}

#define DATA "labels and weights are data: what learns is the score"

const ks_op ks__op_label_weights = {
    .size = sizeof(ks_op),
    .name = "label_weights",
    .formula = "y = weight[labels], 0 where a row does not count",
    .doc = "What each row of labels weighs in a weighted mean: the weight of its class, or 0 for the label that is ignored. Of the score "
           "[N, C, ...] only the shape is taken.",
    .types = "SIT>T",
    .inputs = "score labels weight",
    .attrs = label_table,
    .attrs_size = sizeof(label_attrs),
    .defaults = &label_defaults,
    .infer = infer_label_weights,
    .kernel = label_weights_kernel,
    .no_derivative = DATA,
    .example = label_weights_example,
};

/* ---- class_targets ------------------------------------------------------------------------------------- */

static bool infer_class_targets(ks_infer *infer)
{
    infer->out = *infer->shape[0];
    infer->out_dtype = infer->dtype[0];
    return check_labels(infer);
}

/* The rows of the labels t[at], t[at + 1], ... lie beside each other, `after` of them. */
static void targets_task(void *payload, int64_t before)
{
    const job *j = payload;
    const ks_tensor *t = &j->call->in[1], *out = j->call->out;
    int64_t first = before * j->at.after;
    for (int64_t s = 0; s < j->at.after; s++) {
        int64_t label = ks__whole(t, first + s), row = before * j->at.extent * j->at.after + s;
        if (label == j->ignore)
            continue;
        for (int64_t c = 0; j->smoothing > 0 && c < j->at.extent; c++)
            put(out, row + c * j->at.after, j->smoothing / (double)j->at.extent * weight_of(j, c));
        double own = j->smoothing > 0 ? ks__element(out->data, out->dtype, row + label * j->at.after) : 0;
        put(out, row + label * j->at.after, own + (1 - j->smoothing) * weight_of(j, label));
    }
}

static bool class_targets_kernel(const ks_call *call, ks_failure *failure)
{
    job j = job_of(call);
    if (!labels_fit(&j, failure))
        return false;
    if (call->out->count)
        memset(call->out->data, 0, (size_t)call->out->count * ks_dtype_size(call->out->dtype));
    ks__each(call, call->out->count, j.at.before, targets_task, &j);
    return true;
}

static ks_node *class_targets_example(ks_graph *g)
{
    return example(g, &ks__op_class_targets);
}

const ks_op ks__op_class_targets = {
    .size = sizeof(ks_op),
    .name = "class_targets",
    .formula = "y = weight (1 - s) at the row's label, plus weight s/C everywhere; 0 in rows that do not count",
    .doc = "Labels written out as the shares that a classifier should give, in the shape of the score [N, C, ...], of which only the shape "
           "is taken: weighted by class, smoothed by s = label_smoothing (Szegedy et al. 2016), and 0 in rows whose label is ignored.",
    .types = "SIT>T",
    .inputs = "score labels weight",
    .attrs = label_table,
    .attrs_size = sizeof(label_attrs),
    .defaults = &label_defaults,
    .infer = infer_class_targets,
    .kernel = class_targets_kernel,
    .no_derivative = DATA,
    .example = class_targets_example,
};

/* ---- negative_log_likelihood --------------------------------------------------------------------------- */

/* The same attributes, whatever the reduction, where it does not matter. */
static ks_node *beside(ks_node *loss, const ks_op *op)
{
    label_attrs attrs = *(const label_attrs *)ks__attrs(loss);
    attrs.loss.reduction = KS_REDUCE_MEAN;
    return ks__apply3(ks_node_place(loss), op, ks__in(loss, 0), ks__in(loss, 1), ks__in(loss, 2), &attrs);
}

/* What the rows weigh together; 1 where none does. */
static ks_node *all_weights(ks_place at, ks_node *weights)
{
    ks_node *all = ks_sum_at(at, weights, KS_ABSENT, false);
    if (!all)
        return NULL;
    return ks_where_at(at, ks_equal_at(at, all, ks_number_at(at, all->graph, 0)), ks_number_at(at, all->graph, 1), all);
}

static bool infer_likelihood(ks_infer *infer)
{
    const label_attrs *attrs = infer->attrs;
    infer->out = attrs->loss.reduction == KS_REDUCE_NONE ? *infer->shape[1] : KS_SCALAR;
    return check_labels(infer);
}

/* The loss of row s behind `before`. */
static double row_loss(const job *j, int64_t before, int64_t s)
{
    const ks_tensor *x = &j->call->in[0];
    int64_t label = ks__whole(&j->call->in[1], before * j->at.after + s), row = before * j->at.extent * j->at.after + s;
    double spread = 0;
    if (label == j->ignore)
        return 0;
    for (int64_t c = 0; j->smoothing > 0 && c < j->at.extent; c++)
        spread += weight_of(j, c) * ks__element(x->data, x->dtype, row + c * j->at.after);
    double own = weight_of(j, label) * ks__element(x->data, x->dtype, row + label * j->at.after);
    return -((1 - j->smoothing) * own + (j->smoothing > 0 ? j->smoothing / (double)j->at.extent * spread : 0));
}

static void likelihood_task(void *payload, int64_t before)
{
    const job *j = payload;
    const label_attrs *attrs = j->call->attrs;
    for (int64_t s = 0; s < j->at.after; s++) {
        int64_t r = before * j->at.after + s;
        if (attrs->loss.reduction == KS_REDUCE_NONE)
            put(j->call->out, r, row_loss(j, before, s));
        else
            ((double *)j->call->scratch)[r] = row_loss(j, before, s);
    }
}

/* What the sum of all rows is divided by: where no row counts there is nothing to divide. */
static double divisor(const job *j, int64_t reduction)
{
    double all = 0;
    if (reduction == KS_REDUCE_SUM)
        return 1;
    if (reduction == KS_REDUCE_ROWS)
        return j->call->in[0].shape->rank > 1 ? (double)j->call->in[0].shape->dim[0] : 1;
    for (int64_t r = 0; r < j->call->in[1].count; r++) {
        int64_t label = ks__whole(&j->call->in[1], r);
        all += label == j->ignore ? 0 : weight_of(j, label);
    }
    return all == 0 ? 1 : all;
}

static bool likelihood_kernel(const ks_call *call, ks_failure *failure)
{
    const label_attrs *attrs = call->attrs;
    job j = job_of(call);
    int64_t rows = call->in[1].count;
    if (!labels_fit(&j, failure))
        return false;
    ks__each(call, j.smoothing > 0 ? call->in[0].count : rows, j.at.before, likelihood_task, &j);
    if (attrs->loss.reduction != KS_REDUCE_NONE)
        put(call->out, 0, (rows ? ks__sum_f64(call->isa, call->scratch, rows) : 0) / divisor(&j, attrs->loss.reduction));
    return true;
}

static size_t likelihood_scratch(const ks_call *call)
{
    return (size_t)call->in[1].count * sizeof(double);
}

/* Minus the targets, shared as the reduction says; a value a row passes its own upstream to all of its classes. */
static ks_node *likelihood_pullback(ks_node *loss, int i, ks_node *u)
{
    const label_attrs *attrs = ks__attrs(loss);
    ks_place at = ks_node_place(loss);
    ks_node *score = ks__in(loss, 0);
    int axis = ks__rank(score) > 1;
    if (i != 0)
        return NULL;
    ks_node *factor = ks_neg_at(at, beside(loss, &ks__op_class_targets));
    if (attrs->loss.reduction == KS_REDUCE_MEAN)
        factor = ks_div_at(at, factor, all_weights(at, beside(loss, &ks__op_label_weights)));
    if (attrs->loss.reduction == KS_REDUCE_ROWS && axis)
        factor = ks_div_at(at, factor, ks__count_of(at, score, KS_INTS(0), ks_node_dtype(loss)));
    if (attrs->loss.reduction == KS_REDUCE_NONE)
        u = ks_expand_at(at, u, score, KS_INTS(axis));
    return ks_chain_mul_at(at, u, factor);
}

static ks_node *likelihood_example(ks_graph *g)
{
    return example(g, &ks__op_negative_log_likelihood);
}

const ks_op ks__op_negative_log_likelihood = {
    .size = sizeof(ks_op),
    .name = "negative_log_likelihood",
    .formula = "loss = sum over rows of -weight[t] logp[t], divided by the sum of these weights",
    .doc = "How surprised by the labels is one who holds these log-probabilities, log_softmax of scores say: logp [N, C, ...] with the "
           "classes along axis 1 (or [C]), labels [N, ...] whole numbers, weights [C] of the classes or one number for all. Rows of label "
           "ignore_index do not count. The mean is weighted: it is divided by the weights of the rows that count; where none does it is 0, "
           "and so is its derivative (PyTorch's value is NaN there). "
           "`reduction` asks for the sum, the loss of each row, or the sum divided by N. With label_smoothing a part of each row's weight "
           "is shared among all classes (Szegedy et al. 2016). It has a derivative with respect to logp only.",
    .types = "TIT>T",
    .inputs = "logp labels weight",
    .attrs = label_table,
    .attrs_size = sizeof(label_attrs),
    .defaults = &label_defaults,
    .infer = infer_likelihood,
    .kernel = likelihood_kernel,
    .scratch = likelihood_scratch,
    .pullback = likelihood_pullback,
    .derivative = "-u class_targets/sum(label_weights); none; none",
    .onnx = "NegativeLogLikelihoodLoss",
    .example = likelihood_example,
};

/* ---- the builders -------------------------------------------------------------------------------------- */

static ks_cross_entropy_options read_options(const ks_cross_entropy_options *options)
{
    ks_cross_entropy_options own = KS_CROSS_ENTROPY_OPTIONS_DEFAULT;
    if (options)
        memcpy(&own, options, options->size < sizeof own ? options->size : sizeof own);
    return own;
}

ks_node *ks_negative_log_likelihood_at(ks_place at, ks_node *logp, ks_node *labels, const ks_cross_entropy_options *options)
{
    ks_cross_entropy_options own = read_options(options);
    if (!logp || !labels)
        return NULL;
    label_attrs attrs = {{(int64_t)own.reduction, 0}, own.ignore_index, own.label_smoothing};
    ks_node *weight = own.weight ? own.weight : ks_number_at(at, logp->graph, 1);
    uint64_t before = logp->graph->statistics.nodes_composed;
    return ks__loss_fits(ks__apply3(at, &ks__op_negative_log_likelihood, logp, labels, weight, &attrs), before);
}

/* Of rows [N, C] the mean and the sum go through softmax_cross_entropy, whose derivative is made in one go. */
static ks_node *by_targets(ks_place at, ks_node *score, ks_node *labels, ks_node *weight, const label_attrs *attrs)
{
    ks_node *targets = ks__apply3(at, &ks__op_class_targets, score, labels, weight, attrs);
    ks_node *loss = ks_softmax_cross_entropy_at(at, score, targets);
    if (ks__rank(score) == 2)
        loss = ks_mul_at(at, loss, ks__count_of(at, score, KS_INTS(0), ks_node_dtype(score)));
    if (attrs->loss.reduction == KS_REDUCE_SUM)
        return loss;
    return ks_div_at(at, loss, all_weights(at, ks__apply3(at, &ks__op_label_weights, score, labels, weight, attrs)));
}

ks_node *ks_softmax_cross_entropy_with_at(ks_place at, ks_node *score, ks_node *labels, const ks_cross_entropy_options *options)
{
    ks_cross_entropy_options own = read_options(options);
    if (!score || !labels)
        return NULL;
    bool whole = ks__rank(score) <= 2 && (own.reduction == KS_REDUCE_MEAN || own.reduction == KS_REDUCE_SUM);
    if (!whole)
        return ks_negative_log_likelihood_at(at, ks_log_softmax_at(at, score, ks__rank(score) > 1), labels, &own);
    label_attrs attrs = {{(int64_t)own.reduction, 0}, own.ignore_index, own.label_smoothing};
    ks_node *weight = own.weight ? own.weight : ks_number_at(at, score->graph, 1);
    return by_targets(at, score, labels, weight, &attrs);
}
