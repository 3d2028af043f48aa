/*
 * ops/loss/squared.c - squared errors: sum_squared_error, mean_squared_error.
 */
#include "ops/loss/each.h"

KS__FLOATS2(squares, (a - b) * (a - b), (a - b) * (a - b))

static ks_node *compose(ks_place at, const ks_op *op, ks_node *y, ks_node *t)
{
    uint64_t before = y ? y->graph->statistics.nodes_composed : 0;
    return ks__loss_fits(ks__apply2(at, op, y, t, NULL), before);
}

/* ---- sum_squared_error --------------------------------------------------------------------------------- */

static bool sum_kernel(const ks_call *call, ks_failure *failure)
{
    (void)failure;
    return ks__loss_run(call, squares_tiles, KS_REDUCE_SUM, 0.5);
}

static ks_node *sum_pullback(ks_node *y, int i, ks_node *u)
{
    return ks_chain_mul_at(ks_node_place(y), u, ks__loss_difference(y, i));
}

static ks_node *sum_example(ks_graph *g)
{
    return ks__loss_example(g, &ks__op_sum_squared_error, NULL);
}

const ks_op ks__op_sum_squared_error = {
    .size = sizeof(ks_op),
    .name = "sum_squared_error",
    .formula = "y = 1/2 sum of (a - t)^2",
    .doc = "Half the sum of the squared differences of two tensors of one shape: the half makes the derivative a - t. It is not divided by "
           "the number of rows.",
    .types = "TT>T",
    .inputs = "a t",
    .infer = ks__loss_infer_scalar,
    .kernel = sum_kernel,
    .scratch = ks__loss_scratch,
    .pullback = sum_pullback,
    .derivative = "u (a - t); u (t - a)",
    .example = sum_example,
};

ks_node *ks_sum_squared_error_at(ks_place at, ks_node *y, ks_node *t)
{
    return compose(at, &ks__op_sum_squared_error, y, t);
}

/* ---- mean_squared_error -------------------------------------------------------------------------------- */

static bool mean_kernel(const ks_call *call, ks_failure *failure)
{
    (void)failure;
    return ks__loss_run(call, squares_tiles, KS_REDUCE_MEAN, 1);
}

static ks_node *mean_pullback(ks_node *y, int i, ks_node *u)
{
    ks_place at = ks_node_place(y);
    ks_node *twice = ks_mul_at(at, ks__loss_difference(y, i), ks__loss_number(y, 2));
    return ks_chain_mul_at(at, u, ks_div_at(at, twice, ks__count_of(at, ks__in(y, 0), KS_ABSENT, ks_node_dtype(y))));
}

static ks_node *mean_example(ks_graph *g)
{
    return ks__loss_example(g, &ks__op_mean_squared_error, NULL);
}

const ks_op ks__op_mean_squared_error = {
    .size = sizeof(ks_op),
    .name = "mean_squared_error",
    .formula = "y = mean of (a - t)^2",
    .doc = "The mean over all elements of the squared differences of two tensors of one shape. The mean of nothing is NaN.",
    .types = "TT>T",
    .inputs = "a t",
    .infer = ks__loss_infer_scalar,
    .kernel = mean_kernel,
    .scratch = ks__loss_scratch,
    .pullback = mean_pullback,
    .derivative = "2 u (a - t)/count; 2 u (t - a)/count",
    .example = mean_example,
};

ks_node *ks_mean_squared_error_at(ks_place at, ks_node *y, ks_node *t)
{
    return compose(at, &ks__op_mean_squared_error, y, t);
}
