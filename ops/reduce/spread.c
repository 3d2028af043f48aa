/*
 * ops/reduce/spread.c - how far elements lie from a centre, over axes: var, std, norm_l1, norm_l2, and logsumexp, which looks from the
 * greatest.
 *
 * Each is a sum of a function of x - centre (ops/reduce/about.c), where the centre is the mean, 0 or the greatest.
 */
#include "ops/reduce/reduce.h"

#include <math.h>

/* A kernel's loop over its result. `f` sees the element as v. */
#define EACH_RESULT(call, TYPE, f)                                                                                                         \
    do {                                                                                                                                   \
        TYPE *y = (call)->out->data;                                                                                                       \
        for (int64_t i = 0; i < (call)->out->count; i++) {                                                                                 \
            const double v = (double)y[i];                                                                                                 \
            y[i] = (TYPE)(f);                                                                                                              \
        }                                                                                                                                  \
    } while (0)

/* The workspace: centres of the result's shape, then that of the fold. */
static size_t centres_size(const ks_call *call)
{
    return ((size_t)call->out->count * ks_dtype_size(call->out->dtype) + 63) / 64 * 64;
}

static size_t centred_scratch(const ks_call *call)
{
    return centres_size(call) + ks__reduce_scratch(call);
}

/* u / y, and 0 where y is 0: there is a corner, in whose middle the derivative is taken. */
static ks_node *over_or_zero(ks_node *y, ks_node *u)
{
    ks_place at = ks_node_place(y);
    ks_node *zero = ks_number_at(at, y->graph, 0), *flat = ks_equal_at(at, y, zero);
    ks_node *safe = ks_where_at(at, flat, ks_number_at(at, y->graph, 1), y);
    return ks_where_at(at, flat, zero, ks_div_at(at, u, safe));
}

/* ---- var and std --------------------------------------------------------------------------------------- */

typedef struct var_attrs {
    ks_ints axes;
    int64_t keepdims, ddof;
} var_attrs;

static const ks_attr var_table[] = {
    {"axes", KS_ATTR_INTS, offsetof(var_attrs, axes), false, false, KS__AXES_DOC},
    {"keepdims", KS_ATTR_BOOL, offsetof(var_attrs, keepdims), false, false, KS__KEEPDIMS_DOC},
    {"ddof", KS_ATTR_INT, offsetof(var_attrs, ddof), false, false,
     "what is taken from the count that is divided by; default 0, as NumPy's, while PyTorch's correction is 1"},
    {0},
};
static const var_attrs var_defaults = {.axes = {.count = -1}};

static bool infer_var(ks_infer *infer)
{
    const var_attrs *attrs = infer->attrs;
    if (attrs->ddof < 0)
        return ks_infer_fail(infer, KS_BAD_ARGUMENT, "ddof is %lld: what is taken from the count is 0 or more", (long long)attrs->ddof);
    return ks__reduce_infer(infer);
}

/* out = sums of (x - mean)^2, and the number they are to be divided by. Two passes over x: the mean, then what lies about it. */
static double squares_about_mean(const ks_call *call)
{
    const var_attrs *attrs = call->attrs;
    unsigned mask = ks__reduce_mask(call);
    void *mean = call->scratch, *scratch = (char *)call->scratch + centres_size(call);
    double n = call->out->count ? (double)call->in[0].count / (double)call->out->count : 1; /* exact: they divide */
    ks__fold(call, KS__FOLD_SUM, &call->in[0], mask, mean, scratch);
    for (int64_t i = 0; i < call->out->count; i++) {
        if (call->out->dtype == KS_F32)
            ((float *)mean)[i] = (float)((double)((float *)mean)[i] / n);
        else
            ((double *)mean)[i] /= n;
    }
    ks__fold_about(call, KS__ABOUT_SQUARE, &call->in[0], mask, mean, call->out->data, scratch);
    return n > (double)attrs->ddof ? n - (double)attrs->ddof : 0;
}

static bool var_kernel(const ks_call *call, ks_failure *failure)
{
    (void)failure;
    const double n = squares_about_mean(call);
    if (call->out->dtype == KS_F32)
        EACH_RESULT(call, float, v / n);
    else
        EACH_RESULT(call, double, v / n);
    return true;
}

static bool std_kernel(const ks_call *call, ks_failure *failure)
{
    (void)failure;
    const double n = squares_about_mean(call);
    if (call->out->dtype == KS_F32)
        EACH_RESULT(call, float, sqrt(v / n));
    else
        EACH_RESULT(call, double, sqrt(v / n));
    return true;
}

/* (x - mean) v / (count - ddof), v of y's shape. The mean moves with x, but the sum of x - mean stays 0: that has no part. */
static ks_node *deviations(ks_node *y, ks_node *v)
{
    const var_attrs *attrs = ks__attrs(y);
    ks_place at = ks_node_place(y);
    ks_node *x = ks__in(y, 0), *zero = ks_number_at(at, y->graph, 0);
    ks_node *n = ks_sub_at(at, ks__count_of(at, x, attrs->axes, ks_node_dtype(y)), ks_number_at(at, y->graph, (double)attrs->ddof));
    ks_node *rate = ks_div_at(at, v, attrs->ddof ? ks_maximum_at(at, n, zero) : n);
    return ks_chain_mul_at(at, ks__spread_back(y, rate), ks_sub_at(at, x, ks_mean_at(at, x, attrs->axes, true)));
}

static ks_node *var_pullback(ks_node *y, int i, ks_node *u)
{
    (void)i;
    ks_place at = ks_node_place(y);
    return deviations(y, ks_mul_at(at, ks_number_at(at, y->graph, 2), u));
}

static ks_node *std_pullback(ks_node *y, int i, ks_node *u)
{
    (void)i;
    return deviations(y, over_or_zero(y, u));
}

static ks_node *var_at(ks_place at, const ks_op *op, ks_node *x, const ks_ints *axes, bool keepdims, int64_t ddof)
{
    var_attrs attrs = {.keepdims = keepdims, .ddof = ddof};
    ks__set_ints(&attrs.axes, axes);
    return ks__apply1(at, op, x, &attrs);
}

static ks_node *var_example(ks_graph *g)
{
    return ks_var(ks__reduce_some(g), KS_INTS(1), false, 1);
}

const ks_op ks__op_var = {
    .size = sizeof(ks_op),
    .name = "var",
    .formula = "y = sum of (x - mean x)^2 over the axes / (count - ddof)",
    .doc = "The variance over the axes: the mean squared distance from the mean, in two passes, so that a large mean costs no digits. With "
           "ddof 0, NumPy's default, it is that of the elements themselves; with ddof 1, PyTorch's default (there: correction), the "
           "unbiased estimate from a sample. Of nothing it is NaN, as where count - ddof is 0 and all are equal.",
    .types = "T>T",
    .flags = KS_OP_LINES,
    .inputs = "x",
    .attrs = var_table,
    .attrs_size = sizeof(var_attrs),
    .defaults = &var_defaults,
    .infer = infer_var,
    .kernel = var_kernel,
    .scratch = centred_scratch,
    .pullback = var_pullback,
    .derivative = "2 u (x - mean x) / (count - ddof)",
    .example = var_example,
};

ks_node *ks_var_at(ks_place at, ks_node *x, ks_ints axes, bool keepdims, int64_t ddof)
{
    return var_at(at, &ks__op_var, x, &axes, keepdims, ddof);
}

static ks_node *std_example(ks_graph *g)
{
    return ks_std(ks__reduce_some(g), KS_INTS(-1), true, 0);
}

const ks_op ks__op_std = {
    .size = sizeof(ks_op),
    .name = "std",
    .formula = "y = sqrt(sum of (x - mean x)^2 over the axes / (count - ddof))",
    .doc = "The standard deviation over the axes: the square root of var, whose ddof it takes: 0 by default, as in NumPy, while PyTorch's "
           "correction is 1. Where all elements are equal it is 0 and its derivative is taken as 0.",
    .types = "T>T",
    .flags = KS_OP_LINES,
    .inputs = "x",
    .attrs = var_table,
    .attrs_size = sizeof(var_attrs),
    .defaults = &var_defaults,
    .infer = infer_var,
    .kernel = std_kernel,
    .scratch = centred_scratch,
    .pullback = std_pullback,
    .derivative = "u (x - mean x) / ((count - ddof) y), 0 where y = 0",
    .example = std_example,
};

ks_node *ks_std_at(ks_place at, ks_node *x, ks_ints axes, bool keepdims, int64_t ddof)
{
    return var_at(at, &ks__op_std, x, &axes, keepdims, ddof);
}

/* ---- norm_l1 and norm_l2 ------------------------------------------------------------------------------- */

static bool norm_l1_kernel(const ks_call *call, ks_failure *failure)
{
    (void)failure;
    ks__fold_about(call, KS__ABOUT_ABS, &call->in[0], ks__reduce_mask(call), NULL, call->out->data, call->scratch);
    return true;
}

/* The sign of x, 0 at 0. */
static ks_node *norm_l1_pullback(ks_node *y, int i, ks_node *u)
{
    (void)i;
    ks_place at = ks_node_place(y);
    ks_node *x = ks__in(y, 0), *zero = ks_number_at(at, y->graph, 0);
    ks_node *above = ks_cast_at(at, ks_greater_at(at, x, zero), ks_node_dtype(y));
    ks_node *below = ks_cast_at(at, ks_less_at(at, x, zero), ks_node_dtype(y));
    return ks__apply2(at, &ks__op_select_mul, ks__spread_back(y, u), ks_sub_at(at, above, below), NULL);
}

static ks_node *norm_l1_example(ks_graph *g)
{
    return ks_norm_l1(ks__reduce_some(g), KS_INTS(0), false);
}

const ks_op ks__op_norm_l1 = {
    .size = sizeof(ks_op),
    .name = "norm_l1",
    .formula = "y = sum of |x| over the axes",
    .doc = "The l1 norm over the axes: the sum of absolute values, added pairwise. The derivative at 0 is 0. Of nothing it is 0.",
    .types = "T>T",
    .flags = KS_OP_LINES,
    .inputs = "x",
    .attrs = ks__reduce_table,
    .attrs_size = sizeof(ks__reduce_attrs),
    .defaults = &ks__reduce_defaults,
    .infer = ks__reduce_infer,
    .kernel = norm_l1_kernel,
    .scratch = ks__reduce_scratch,
    .pullback = norm_l1_pullback,
    .derivative = "u sign(x)",
    .onnx = "ReduceL1",
    .example = norm_l1_example,
};

ks_node *ks_norm_l1_at(ks_place at, ks_node *x, ks_ints axes, bool keepdims)
{
    return ks__reduce_at(at, &ks__op_norm_l1, x, &axes, keepdims);
}

static bool norm_l2_kernel(const ks_call *call, ks_failure *failure)
{
    (void)failure;
    ks__fold_about(call, KS__ABOUT_SQUARE, &call->in[0], ks__reduce_mask(call), NULL, call->out->data, call->scratch);
    if (call->out->dtype == KS_F32)
        EACH_RESULT(call, float, sqrt(v));
    else
        EACH_RESULT(call, double, sqrt(v));
    return true;
}

static ks_node *norm_l2_pullback(ks_node *y, int i, ks_node *u)
{
    (void)i;
    return ks_chain_mul_at(ks_node_place(y), ks__spread_back(y, over_or_zero(y, u)), ks__in(y, 0));
}

static ks_node *norm_l2_example(ks_graph *g)
{
    return ks_norm_l2(ks__reduce_some(g), KS_INTS(1), false);
}

const ks_op ks__op_norm_l2 = {
    .size = sizeof(ks_op),
    .name = "norm_l2",
    .formula = "y = sqrt(sum of x^2 over the axes)",
    .doc = "The l2 (Euclidean) norm over the axes: the root of the sum of squares, added pairwise. Where it is 0 its derivative is taken "
           "as 0, so that what is clipped or normalised by it starts at rest. The squares must be in the range of the dtype: f32 beyond "
           "1.8e19 gives inf. Of nothing it is 0.",
    .types = "T>T",
    .flags = KS_OP_LINES,
    .inputs = "x",
    .attrs = ks__reduce_table,
    .attrs_size = sizeof(ks__reduce_attrs),
    .defaults = &ks__reduce_defaults,
    .infer = ks__reduce_infer,
    .kernel = norm_l2_kernel,
    .scratch = ks__reduce_scratch,
    .pullback = norm_l2_pullback,
    .derivative = "u x / y, 0 where y = 0",
    .onnx = "ReduceL2",
    .example = norm_l2_example,
};

ks_node *ks_norm_l2_at(ks_place at, ks_node *x, ks_ints axes, bool keepdims)
{
    return ks__reduce_at(at, &ks__op_norm_l2, x, &axes, keepdims);
}

/* ---- logsumexp ----------------------------------------------------------------------------------------- */

/* Where the greatest is infinite or NaN the centre is 0: then e^x and its logarithm say what it was. */
#define LOGSUMEXP(TYPE)                                                                                                                    \
    do {                                                                                                                                   \
        TYPE *centre = call->scratch;                                                                                                      \
        for (int64_t i = 0; i < call->out->count; i++)                                                                                     \
            centre[i] = centre[i] - centre[i] == 0 ? centre[i] : 0;                                                                        \
        ks__fold_about(call, KS__ABOUT_EXP, &call->in[0], mask, centre, call->out->data, scratch);                                         \
        EACH_RESULT(call, TYPE, (double)centre[i] + log(v));                                                                               \
    } while (0)

static bool logsumexp_kernel(const ks_call *call, ks_failure *failure)
{
    (void)failure;
    unsigned mask = ks__reduce_mask(call);
    void *scratch = (char *)call->scratch + centres_size(call);
    ks__fold(call, KS__FOLD_MAX, &call->in[0], mask, call->scratch, scratch);
    if (call->out->dtype == KS_F32)
        LOGSUMEXP(float);
    else
        LOGSUMEXP(double);
    return true;
}

static ks_node *logsumexp_pullback(ks_node *y, int i, ks_node *u)
{
    (void)i;
    ks_place at = ks_node_place(y);
    ks_node *shares = ks_exp_at(at, ks_sub_at(at, ks__in(y, 0), ks__spread_back(y, y)));
    return ks_chain_mul_at(at, ks__spread_back(y, u), shares);
}

static ks_node *logsumexp_example(ks_graph *g)
{
    return ks_logsumexp(ks__reduce_some(g), KS_INTS(1), false);
}

const ks_op ks__op_logsumexp = {
    .size = sizeof(ks_op),
    .name = "logsumexp",
    .formula = "y = log(sum of e^x over the axes)",
    .doc = "The logarithm of the sum of exponentials over the axes, a smooth maximum. The greatest is subtracted first, so nothing "
           "overflows: it is at least max x and at most max x + log count. Its derivative is softmax. Of nothing, and of -inf alone, it is "
           "-inf (there, as in softmax, the shares of the derivative are NaN); +inf and NaN stay.",
    .types = "T>T",
    .flags = KS_OP_LINES,
    .inputs = "x",
    .attrs = ks__reduce_table,
    .attrs_size = sizeof(ks__reduce_attrs),
    .defaults = &ks__reduce_defaults,
    .infer = ks__reduce_infer,
    .kernel = logsumexp_kernel,
    .scratch = centred_scratch,
    .pullback = logsumexp_pullback,
    .derivative = "u e^(x - y)",
    .onnx = "ReduceLogSumExp",
    .example = logsumexp_example,
};

ks_node *ks_logsumexp_at(ks_place at, ks_node *x, ks_ints axes, bool keepdims)
{
    return ks__reduce_at(at, &ks__op_logsumexp, x, &axes, keepdims);
}
