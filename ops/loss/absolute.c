/*
 * ops/loss/absolute.c - errors that grow no faster than the difference, so that an outlier weighs little: mean_absolute_error, huber,
 * smooth_l1.
 */
#include "ops/loss/each.h"

static bool infer_bend(ks_infer *infer, const char *name, const char *otherwise)
{
    const ks__loss_attrs *attrs = infer->attrs;
    char text[KS__REAL_TEXT];
    if (!(attrs->at > 0) || !(attrs->at < (double)INFINITY))
        return ks_infer_fail(infer, KS_BAD_ARGUMENT, "%s is %s: it is positive and finite; %s", name, ks__real_text(attrs->at, text),
                             otherwise);
    return ks__loss_infer(infer);
}

/* ---- mean_absolute_error ------------------------------------------------------------------------------- */

KS__FLOATS2(absolute, a - b < 0 ? b - a : a - b, a - b < 0 ? b - a : a - b)

static bool absolute_kernel(const ks_call *call, ks_failure *failure)
{
    const ks__loss_attrs *attrs = call->attrs;
    (void)failure;
    return ks__loss_run(call, absolute_tiles, attrs->reduction, 1);
}

/* The sign of y - t for input 0, of t - y for input 1; 0 where they are equal. */
static ks_node *absolute_pullback(ks_node *loss, int i, ks_node *u)
{
    ks_place at = ks_node_place(loss);
    ks_node *a = ks__in(loss, i), *b = ks__in(loss, 1 - i);
    ks_dtype dtype = ks_node_dtype(loss);
    ks_node *sign = ks_sub_at(at, ks_cast_at(at, ks_greater_at(at, a, b), dtype), ks_cast_at(at, ks_less_at(at, a, b), dtype));
    return ks__loss_passes(loss, sign, u);
}

static ks_node *absolute_example(ks_graph *g)
{
    return ks__loss_example(g, &ks__op_mean_absolute_error, NULL);
}

const ks_op ks__op_mean_absolute_error = {
    .size = sizeof(ks_op),
    .name = "mean_absolute_error",
    .formula = "loss = mean of |y - t|",
    .doc = "The mean over all elements of the absolute differences of two tensors of one shape, also called the L1 loss; `reduction` asks "
           "for their sum, the mean over rows, or the differences themselves. The derivative where y equals t is 0. The mean of nothing is "
           "NaN.",
    .types = "TT>T",
    .inputs = "y t",
    .attrs = ks__reduction_table,
    .attrs_size = sizeof(ks__loss_attrs),
    .infer = ks__loss_infer,
    .kernel = absolute_kernel,
    .scratch = ks__loss_scratch,
    .pullback = absolute_pullback,
    .derivative = "u sign(y - t)/count; u sign(t - y)/count",
    .example = absolute_example,
};

ks_node *ks_mean_absolute_error_at(ks_place at, ks_node *y, ks_node *t, ks_reduction reduction)
{
    return ks__loss_apply(at, &ks__op_mean_absolute_error, y, t, 0, reduction);
}

/* ---- huber --------------------------------------------------------------------------------------------- */

#define BEND(TYPE) (TYPE)(((const ks__loss_attrs *)attrs)->at)

static KS_INLINE float huber_f(float d, float delta)
{
    float far = d < 0 ? -d : d;
    return far > delta ? delta * (far - 0.5f * delta) : 0.5f * d * d;
}

static KS_INLINE double huber_d(double d, double delta)
{
    double far = d < 0 ? -d : d;
    return far > delta ? delta * (far - 0.5 * delta) : 0.5 * d * d;
}

KS__FLOATS2(huber, huber_f(a - b, BEND(float)), huber_d(a - b, BEND(double)))

static const ks_attr huber_table[] = {
    {"delta", KS_ATTR_FLOAT, offsetof(ks__loss_attrs, at), false, false, "the difference from which on the loss is linear; default 1"},
    KS__REDUCTION,
    {0},
};
static const ks__loss_attrs bend_defaults = {.at = 1};

static bool infer_huber(ks_infer *infer)
{
    return infer_bend(infer, "delta", "a large one gives half the squared error");
}

static bool huber_kernel(const ks_call *call, ks_failure *failure)
{
    const ks__loss_attrs *attrs = call->attrs;
    (void)failure;
    return ks__loss_run(call, huber_tiles, attrs->reduction, 1);
}

static ks_node *huber_pullback(ks_node *loss, int i, ks_node *u)
{
    const ks__loss_attrs *attrs = ks__attrs(loss);
    return ks__loss_passes(loss, ks__loss_held(loss, ks__loss_difference(loss, i), attrs->at), u);
}

static ks_node *huber_example(ks_graph *g)
{
    return ks__loss_example(g, &ks__op_huber, &(ks__loss_attrs){.at = 0.75});
}

const ks_op ks__op_huber = {
    .size = sizeof(ks_op),
    .name = "huber",
    .formula = "loss = mean of 1/2 d^2 where |d| <= delta, else delta (|d| - delta/2), with d = y - t",
    .doc = "Squared near the target and linear away from it, so that outliers pull with a bounded force (Huber 1964). The mean is over all "
           "elements; `reduction` asks for the sum, the mean over rows, or the values. The derivative is y - t held between -delta and "
           "delta.",
    .types = "TT>T",
    .inputs = "y t",
    .attrs = huber_table,
    .attrs_size = sizeof(ks__loss_attrs),
    .defaults = &bend_defaults,
    .infer = infer_huber,
    .kernel = huber_kernel,
    .scratch = ks__loss_scratch,
    .pullback = huber_pullback,
    .derivative = "u clip(y - t, -delta, delta)/count; u clip(t - y, -delta, delta)/count",
    .example = huber_example,
};

ks_node *ks_huber_at(ks_place at, ks_node *y, ks_node *t, double delta, ks_reduction reduction)
{
    return ks__loss_apply(at, &ks__op_huber, y, t, delta, reduction);
}

/* ---- smooth_l1 ----------------------------------------------------------------------------------------- */

KS__FLOATS2(smooth, huber_f(a - b, BEND(float)) / BEND(float), huber_d(a - b, BEND(double)) / BEND(double))

static const ks_attr smooth_table[] = {
    {"beta", KS_ATTR_FLOAT, offsetof(ks__loss_attrs, at), false, false, "the difference from which on the loss is linear; default 1"},
    KS__REDUCTION,
    {0},
};

static bool infer_smooth(ks_infer *infer)
{
    return infer_bend(infer, "beta", "for 0 use mean_absolute_error");
}

static bool smooth_kernel(const ks_call *call, ks_failure *failure)
{
    const ks__loss_attrs *attrs = call->attrs;
    (void)failure;
    return ks__loss_run(call, smooth_tiles, attrs->reduction, 1);
}

static ks_node *smooth_pullback(ks_node *loss, int i, ks_node *u)
{
    const ks__loss_attrs *attrs = ks__attrs(loss);
    ks_node *scaled = ks_div_at(ks_node_place(loss), ks__loss_difference(loss, i), ks__loss_number(loss, attrs->at));
    return ks__loss_passes(loss, ks__loss_held(loss, scaled, 1), u);
}

static ks_node *smooth_example(ks_graph *g)
{
    return ks__loss_example(g, &ks__op_smooth_l1, &(ks__loss_attrs){.at = 0.75});
}

const ks_op ks__op_smooth_l1 = {
    .size = sizeof(ks_op),
    .name = "smooth_l1",
    .formula = "loss = mean of 1/2 d^2/beta where |d| <= beta, else |d| - beta/2, with d = y - t",
    .doc = "The absolute error with its corner rounded off (Girshick 2015): huber divided by beta, so that its slope away from the target "
           "is 1 "
           "whatever beta is. The mean is over all elements; `reduction` asks for the sum, the mean over rows, or the values.",
    .types = "TT>T",
    .inputs = "y t",
    .attrs = smooth_table,
    .attrs_size = sizeof(ks__loss_attrs),
    .defaults = &bend_defaults,
    .infer = infer_smooth,
    .kernel = smooth_kernel,
    .scratch = ks__loss_scratch,
    .pullback = smooth_pullback,
    .derivative = "u clip((y - t)/beta, -1, 1)/count; u clip((t - y)/beta, -1, 1)/count",
    .example = smooth_example,
};

ks_node *ks_smooth_l1_at(ks_place at, ks_node *y, ks_node *t, double beta, ks_reduction reduction)
{
    return ks__loss_apply(at, &ks__op_smooth_l1, y, t, beta, reduction);
}
