/*
 * ops/loss/divergence.c - how far a distribution lies from another: kl_divergence.
 */
#include "ops/loss/each.h"

/* A share of zero costs nothing; a NaN passes. */
KS__FLOATS2(divergence, b == 0 ? 0 : b * (ks__log_f(b) - a), b == 0 ? 0 : b * (ks__log_d(b) - a))

static bool divergence_kernel(const ks_call *call, ks_failure *failure)
{
    const ks__loss_attrs *attrs = call->attrs;
    (void)failure;
    return ks__loss_run(call, divergence_tiles, attrs->reduction, 1);
}

static ks_node *divergence_pullback(ks_node *loss, int i, ks_node *u)
{
    ks_place at = ks_node_place(loss);
    ks_node *y = ks__in(loss, 0), *t = ks__in(loss, 1);
    if (i == 0)
        return ks__loss_passes(loss, ks_neg_at(at, t), u);
    return ks__loss_passes(loss, ks_add_at(at, ks_sub_at(at, ks_log_at(at, t), y), ks__loss_number(loss, 1)), u);
}

static ks_node *divergence_example(ks_graph *g)
{
    ks_node *y = ks__given(g, "logp", KS_SHAPE(2, 3), KS__VALUES(-0.5, -2.9, -1, -1, -0.75, -1.25));
    ks_node *t = ks__given(g, "t", KS_SHAPE(2, 3), KS__VALUES(0.25, 0.125, 0.625, 0.5, 0.375, 0.125));
    return ks__apply2(KS_HERE, &ks__op_kl_divergence, y, t, NULL);
}

static const ks_attr divergence_table[] = {
    {"reduction", KS_ATTR_INT, offsetof(ks__loss_attrs, reduction), false, false,
     "0: the mean over all elements; 1: the sum; 2: none, a value an element; 3: the sum divided by the number of rows, which is the first "
     "dimension; default 3"},
    {0},
};
static const ks__loss_attrs divergence_defaults = {.reduction = KS_REDUCE_ROWS};

const ks_op ks__op_kl_divergence = {
    .size = sizeof(ks_op),
    .name = "kl_divergence",
    .formula = "loss = sum of t (log t - logp), divided by the number of rows",
    .doc = "The divergence of Kullback and Leibler (1951), KL(t | p): what it costs to expect p where t is the case. The arguments are in "
           "PyTorch's order and of one shape: first the logarithms of p, log_softmax of scores say, then the shares t themselves. A share "
           "of zero costs nothing. Each row of the first dimension is one distribution, and the mean is over the rows; `reduction` asks "
           "for the sum, the values, or PyTorch's mean over all elements, which is no divergence.",
    .types = "TT>T",
    .inputs = "logp t",
    .attrs = divergence_table,
    .attrs_size = sizeof(ks__loss_attrs),
    .defaults = &divergence_defaults,
    .infer = ks__loss_infer,
    .kernel = divergence_kernel,
    .scratch = ks__loss_scratch,
    .pullback = divergence_pullback,
    .derivative = "-u t/rows; u (log t - logp + 1)/rows",
    .example = divergence_example,
};

ks_node *ks_kl_divergence_at(ks_place at, ks_node *logp, ks_node *t, ks_reduction reduction)
{
    return ks__loss_apply(at, &ks__op_kl_divergence, logp, t, 0, reduction);
}
