/*
 * ops/elementwise/exponential.c - exp, log, and both beside 1: expm1, log1p.
 */
#include "ops/elementwise/elementwise.h"

/* ---- exp ----------------------------------------------------------------------------------------------- */

KS__FLOATS1(exp, ks__exp_f(a), ks__exp_d(a))
KS__EXAMPLE1(exp, 1, -2, 0.5, 0)

static ks_node *exp_partial(ks_node *y, int i)
{
    (void)i;
    return y;
}

const ks_op ks__op_exp = {
    .size = sizeof(ks_op),
    .name = "exp",
    .formula = "y = e^x",
    .doc = "The exponential function, element by element, to 2 units in the last place.",
    .types = "T>T",
    .inputs = "x",
    .infer = ks_infer_same,
    .tiles = exp_tiles,
    .partial = exp_partial,
    .derivative = "u y",
    .onnx = "Exp",
    .example = exp_example,
};
KS__BUILDER1(exp)

/* ---- expm1 --------------------------------------------------------------------------------------------- */

KS__FLOATS1(expm1, ks__expm1_f(a), ks__expm1_d(a))
KS__EXAMPLE1(expm1, 1, -2, 0.5, 0.001)

static ks_node *expm1_partial(ks_node *y, int i)
{
    (void)i;
    ks_place at = ks_node_place(y);
    return ks_add_at(at, y, ks__num(y, 1));
}

const ks_op ks__op_expm1 = {
    .size = sizeof(ks_op),
    .name = "expm1",
    .formula = "y = e^x - 1",
    .doc = "The exponential function less 1, element by element, to 2 units in the last place: near 0, where exp(x) - 1 would "
           "cancel, it has all its digits.",
    .types = "T>T",
    .inputs = "x",
    .infer = ks_infer_same,
    .tiles = expm1_tiles,
    .partial = expm1_partial,
    .derivative = "u (y + 1)",
    .example = expm1_example,
};
KS__BUILDER1(expm1)

/* ---- log ----------------------------------------------------------------------------------------------- */

KS__FLOATS1(log, ks__log_f(a), ks__log_d(a))
KS__EXAMPLE1(log, 1, 2, 0.5, 3)

static ks_node *log_partial(ks_node *y, int i)
{
    return ks_div_at(ks_node_place(y), ks__num(y, 1), ks__in(y, i));
}

const ks_op ks__op_log = {
    .size = sizeof(ks_op),
    .name = "log",
    .formula = "y = log x",
    .doc = "The natural logarithm, element by element: -infinity at 0, NaN below.",
    .types = "T>T",
    .inputs = "x",
    .infer = ks_infer_same,
    .tiles = log_tiles,
    .partial = log_partial,
    .derivative = "u / x",
    .onnx = "Log",
    .example = log_example,
};
KS__BUILDER1(log)

/* ---- log1p --------------------------------------------------------------------------------------------- */

KS__FLOATS1(log1p, ks__log1p_f(a), ks__log1p_d(a))
KS__EXAMPLE1(log1p, 1, -0.5, 0.5, 3)

static ks_node *log1p_partial(ks_node *y, int i)
{
    (void)i;
    ks_place at = ks_node_place(y);
    ks_node *x = ks__in(y, i);
    return ks_reciprocal_at(at, ks_add_at(at, ks__num(y, 1), x));
}

const ks_op ks__op_log1p = {
    .size = sizeof(ks_op),
    .name = "log1p",
    .formula = "y = log(1 + x)",
    .doc = "The natural logarithm of 1 + x, element by element, to 2 units in the last place: near 0, where 1 + x would round, it "
           "has all its digits. -infinity at -1, NaN below.",
    .types = "T>T",
    .inputs = "x",
    .infer = ks_infer_same,
    .tiles = log1p_tiles,
    .partial = log1p_partial,
    .derivative = "u / (1 + x)",
    .example = log1p_example,
};
KS__BUILDER1(log1p)
