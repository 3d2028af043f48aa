/*
 * ops/loss/binary.c - losses of yes or no: binary_cross_entropy, binary_cross_entropy_with_logits, hinge.
 */
#include "ops/loss/each.h"

static ks_node *one_less(ks_node *loss, ks_node *x)
{
    return ks_sub_at(ks_node_place(loss), ks__loss_number(loss, 1), x);
}

/* ---- binary_cross_entropy ------------------------------------------------------------------------------ */

#define LEAST (-100) /* what the logarithm of 0 counts as */

static KS_INLINE float log_f(float x)
{
    float y = ks__log_f(x);
    return y < LEAST ? LEAST : y;
}

static KS_INLINE double log_d(double x)
{
    double y = ks__log_d(x);
    return y < LEAST ? LEAST : y;
}

KS__FLOATS2(binary, -(b *log_f(a) + (1 - b) * log_f(1 - a)), -(b *log_d(a) + (1 - b) * log_d(1 - a)))

static bool binary_kernel(const ks_call *call, ks_failure *failure)
{
    const ks__loss_attrs *attrs = call->attrs;
    (void)failure;
    return ks__loss_run(call, binary_tiles, attrs->reduction, 1);
}

static ks_node *held_log(ks_node *loss, ks_node *x)
{
    ks_place at = ks_node_place(loss);
    return ks_maximum_at(at, ks_log_at(at, x), ks__loss_number(loss, LEAST));
}

/* To y: (y - t) / (y (1 - y)), whose divisor is held above 1e-12: what is certain and wrong is pushed back. To t: log(1 - y) - log y. */
static ks_node *binary_pullback(ks_node *loss, int i, ks_node *u)
{
    ks_place at = ks_node_place(loss);
    ks_node *y = ks__in(loss, 0);
    if (i == 1)
        return ks__loss_passes(loss, ks_sub_at(at, held_log(loss, one_less(loss, y)), held_log(loss, y)), u);
    ks_node *spread = ks_maximum_at(at, ks_mul_at(at, y, one_less(loss, y)), ks__loss_number(loss, 1e-12));
    return ks__loss_passes(loss, ks_div_at(at, ks__loss_difference(loss, 0), spread), u);
}

static ks_node *shares(ks_graph *g)
{
    return ks__given(g, "t", KS_SHAPE(2, 3), KS__VALUES(0.25, 0.125, 0.625, 1, 0, 0.75));
}

static ks_node *binary_example(ks_graph *g)
{
    ks_node *y = ks__given(g, "y", KS_SHAPE(2, 3), KS__VALUES(0.3, 0.9, 0.4, 0.6, 0.5, 0.25));
    return ks__apply2(KS_HERE, &ks__op_binary_cross_entropy, y, shares(g), NULL);
}

const ks_op ks__op_binary_cross_entropy = {
    .size = sizeof(ks_op),
    .name = "binary_cross_entropy",
    .formula = "loss = mean of -(t log y + (1 - t) log(1 - y))",
    .doc = "How surprised by t, the share of yes, is one who gives yes the probability y: both of one shape, y in [0, 1]. A logarithm "
           "counts as no less than -100, so an answer that is certain and wrong costs 100 and its derivative divides by 1e-12, as in "
           "PyTorch; outside of [0, 1] the loss is NaN. The mean is over all elements; `reduction` asks for the sum, the mean over rows, "
           "or the values. Behind a sigmoid use binary_cross_entropy_with_logits on the scores: it is exact where this one must be held.",
    .types = "TT>T",
    .inputs = "y t",
    .attrs = ks__reduction_table,
    .attrs_size = sizeof(ks__loss_attrs),
    .infer = ks__loss_infer,
    .kernel = binary_kernel,
    .scratch = ks__loss_scratch,
    .pullback = binary_pullback,
    .derivative = "u (y - t)/(y (1 - y))/count; u (log(1 - y) - log y)/count",
    .example = binary_example,
};

ks_node *ks_binary_cross_entropy_at(ks_place at, ks_node *y, ks_node *t, ks_reduction reduction)
{
    return ks__loss_apply(at, &ks__op_binary_cross_entropy, y, t, 0, reduction);
}

/* ---- binary_cross_entropy_with_logits ------------------------------------------------------------------ */

/*
 * max(score, 0) - score t + log(1 + e^-|score|). What rounding took from 1 + e^-|score| is put back as a factor (Kahan), so that the
 * logarithm is exact where the exponential is small.
 */
static KS_INLINE float logits_f(float x, float t)
{
    const float e = ks__exp_f(x < 0 ? x : -x), w = 1 + e, log = ks__log_f(w);
    return ((x < 0 ? 0 : x) - x * t) + (w == 1 ? e : log * (e / (w - 1)));
}

static KS_INLINE double logits_d(double x, double t)
{
    const double e = ks__exp_d(x < 0 ? x : -x), w = 1 + e, log = ks__log_d(w);
    return ((x < 0 ? 0 : x) - x * t) + (w == 1 ? e : log * (e / (w - 1)));
}

KS__FLOATS2(logits, logits_f(a, b), logits_d(a, b))

static bool logits_kernel(const ks_call *call, ks_failure *failure)
{
    const ks__loss_attrs *attrs = call->attrs;
    (void)failure;
    return ks__loss_run(call, logits_tiles, attrs->reduction, 1);
}

static ks_node *logits_pullback(ks_node *loss, int i, ks_node *u)
{
    ks_place at = ks_node_place(loss);
    ks_node *score = ks__in(loss, 0);
    if (i == 1)
        return ks__loss_passes(loss, ks_neg_at(at, score), u);
    return ks__loss_passes(loss, ks_sub_at(at, ks_sigmoid_at(at, score), ks__in(loss, 1)), u);
}

static ks_node *logits_example(ks_graph *g)
{
    ks_node *score = ks__given(g, "score", KS_SHAPE(2, 3), KS__VALUES(0.3, 2.9, -4, -1, 0.5, 1.25));
    return ks__apply2(KS_HERE, &ks__op_binary_cross_entropy_with_logits, score, shares(g), NULL);
}

const ks_op ks__op_binary_cross_entropy_with_logits = {
    .size = sizeof(ks_op),
    .name = "binary_cross_entropy_with_logits",
    .formula = "loss = mean of max(score, 0) - score t + log(1 + e^-|score|)",
    .doc = "The binary cross-entropy of sigmoid(score) and t, from the scores themselves: it never overflows and loses nothing where the "
           "sigmoid is 0 or 1. Score and t have one shape. Its derivative with respect to the score is sigmoid(score) - t, divided by the "
           "number of elements for the mean; `reduction` asks for the sum, the mean over rows, or the values instead.",
    .types = "TT>T",
    .inputs = "score t",
    .attrs = ks__reduction_table,
    .attrs_size = sizeof(ks__loss_attrs),
    .infer = ks__loss_infer,
    .kernel = logits_kernel,
    .scratch = ks__loss_scratch,
    .pullback = logits_pullback,
    .derivative = "u (sigmoid(score) - t)/count; -u score/count",
    .example = logits_example,
};

ks_node *ks_binary_cross_entropy_with_logits_at(ks_place at, ks_node *score, ks_node *t, ks_reduction reduction)
{
    return ks__loss_apply(at, &ks__op_binary_cross_entropy_with_logits, score, t, 0, reduction);
}

/* ---- hinge --------------------------------------------------------------------------------------------- */

#define MARGIN(TYPE) (TYPE)(((const ks__loss_attrs *)attrs)->at)

/* A NaN passes. */
KS__FLOATS2(hinge, MARGIN(float) - a * b < 0 ? 0 : MARGIN(float) - a * b, MARGIN(double) - a * b < 0 ? 0 : MARGIN(double) - a * b)

static const ks_attr hinge_table[] = {
    {"margin", KS_ATTR_FLOAT, offsetof(ks__loss_attrs, at), false, false, "how far on the right side a score costs nothing; default 1"},
    KS__REDUCTION,
    {0},
};
static const ks__loss_attrs hinge_defaults = {.at = 1};

static bool hinge_kernel(const ks_call *call, ks_failure *failure)
{
    const ks__loss_attrs *attrs = call->attrs;
    (void)failure;
    return ks__loss_run(call, hinge_tiles, attrs->reduction, 1);
}

/* The other factor, negative, where the margin is not reached. */
static ks_node *hinge_pullback(ks_node *loss, int i, ks_node *u)
{
    const ks__loss_attrs *attrs = ks__attrs(loss);
    ks_place at = ks_node_place(loss);
    ks_node *reached = ks_mul_at(at, ks__in(loss, 0), ks__in(loss, 1));
    ks_node *short_of = ks_less_at(at, reached, ks__loss_number(loss, attrs->at));
    ks_node *partial = ks_where_at(at, short_of, ks_neg_at(at, ks__in(loss, 1 - i)), ks__loss_number(loss, 0));
    return ks__loss_passes(loss, partial, u);
}

static ks_node *hinge_example(ks_graph *g)
{
    return ks__loss_example(g, &ks__op_hinge, NULL);
}

const ks_op ks__op_hinge = {
    .size = sizeof(ks_op),
    .name = "hinge",
    .formula = "loss = mean of max(0, margin - t score)",
    .doc = "The loss of support vector machines: t is 1 or -1, of the score's shape, and a score on the right side of 0 by the margin or "
           "more "
           "costs nothing. The derivative where the margin is just reached is 0. The mean is over all elements; `reduction` asks for the "
           "sum, the mean over rows, or the values.",
    .types = "TT>T",
    .inputs = "score t",
    .attrs = hinge_table,
    .attrs_size = sizeof(ks__loss_attrs),
    .defaults = &hinge_defaults,
    .infer = ks__loss_infer,
    .kernel = hinge_kernel,
    .scratch = ks__loss_scratch,
    .pullback = hinge_pullback,
    .derivative = "-u t/count where t score < margin, else 0; -u score/count there",
    .example = hinge_example,
};

ks_node *ks_hinge_at(ks_place at, ks_node *score, ks_node *t, double margin, ks_reduction reduction)
{
    return ks__loss_apply(at, &ks__op_hinge, score, t, margin, reduction);
}
