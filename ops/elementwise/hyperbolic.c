/*
 * ops/elementwise/hyperbolic.c - sinh, cosh, and back: asinh, acosh, atanh. (tanh is an activation: ops/elementwise/activation.c.)
 */
#include "ops/elementwise/elementwise.h"

/* ---- sinh ---------------------------------------------------------------------------------------------- */

KS__FLOATS1(sinh, ks__sinh_f(a), ks__sinh_d(a))
KS__EXAMPLE1(sinh, 1, -2, 0.5, 3)

static ks_node *sinh_partial(ks_node *y, int i)
{
    (void)i;
    ks_place at = ks_node_place(y);
    ks_node *x = ks__in(y, i);
    return ks_cosh_at(at, x);
}

const ks_op ks__op_sinh = {
    .size = sizeof(ks_op),
    .name = "sinh",
    .formula = "y = (e^x - e^-x) / 2",
    .doc = "The hyperbolic sine, element by element, to 2 units in the last place.",
    .types = "T>T",
    .inputs = "x",
    .infer = ks_infer_same,
    .tiles = sinh_tiles,
    .partial = sinh_partial,
    .derivative = "u cosh x",
    .onnx = "Sinh",
    .example = sinh_example,
};
KS__BUILDER1(sinh)

/* ---- cosh ---------------------------------------------------------------------------------------------- */

KS__FLOATS1(cosh, ks__cosh_f(a), ks__cosh_d(a))
KS__EXAMPLE1(cosh, 1, -2, 0.5, 3)

static ks_node *cosh_partial(ks_node *y, int i)
{
    (void)i;
    ks_place at = ks_node_place(y);
    ks_node *x = ks__in(y, i);
    return ks_sinh_at(at, x);
}

const ks_op ks__op_cosh = {
    .size = sizeof(ks_op),
    .name = "cosh",
    .formula = "y = (e^x + e^-x) / 2",
    .doc = "The hyperbolic cosine, element by element, to 2 units in the last place.",
    .types = "T>T",
    .inputs = "x",
    .infer = ks_infer_same,
    .tiles = cosh_tiles,
    .partial = cosh_partial,
    .derivative = "u sinh x",
    .onnx = "Cosh",
    .example = cosh_example,
};
KS__BUILDER1(cosh)

/* ---- asinh --------------------------------------------------------------------------------------------- */

KS__FLOATS1(asinh, ks__asinh_f(a), ks__asinh_d(a))
KS__EXAMPLE1(asinh, 1, -2, 0.5, 3)

static ks_node *asinh_partial(ks_node *y, int i)
{
    (void)i;
    ks_place at = ks_node_place(y);
    ks_node *x = ks__in(y, i);
    return ks_rsqrt_at(at, ks_add_at(at, ks_square_at(at, x), ks__num(y, 1)));
}

const ks_op ks__op_asinh = {
    .size = sizeof(ks_op),
    .name = "asinh",
    .formula = "y = log(x + sqrt(x^2 + 1))",
    .doc = "The inverse of the hyperbolic sine, element by element, to 2 units in the last place.",
    .types = "T>T",
    .inputs = "x",
    .infer = ks_infer_same,
    .tiles = asinh_tiles,
    .partial = asinh_partial,
    .chain = KS_CHAIN_FINITE,
    .derivative = "u / sqrt(x^2 + 1)",
    .onnx = "Asinh",
    .example = asinh_example,
};
KS__BUILDER1(asinh)

/* ---- acosh --------------------------------------------------------------------------------------------- */

KS__FLOATS1(acosh, ks__acosh_f(a), ks__acosh_d(a))
KS__EXAMPLE1(acosh, 1.5, 2, 1.25, 3)

static ks_node *acosh_partial(ks_node *y, int i)
{
    (void)i;
    ks_place at = ks_node_place(y);
    ks_node *x = ks__in(y, i);
    ks_node *one = ks__num(y, 1);
    return ks_rsqrt_at(at, ks_mul_at(at, ks_sub_at(at, x, one), ks_add_at(at, x, one)));
}

const ks_op ks__op_acosh = {
    .size = sizeof(ks_op),
    .name = "acosh",
    .formula = "y = log(x + sqrt(x^2 - 1))",
    .doc = "The inverse of the hyperbolic cosine from 1 up, element by element, to 2 units in the last place: NaN below 1. Its "
           "derivative is infinite at 1.",
    .types = "T>T",
    .inputs = "x",
    .infer = ks_infer_same,
    .tiles = acosh_tiles,
    .partial = acosh_partial,
    .derivative = "u / sqrt(x^2 - 1)",
    .onnx = "Acosh",
    .example = acosh_example,
};
KS__BUILDER1(acosh)

/* ---- atanh --------------------------------------------------------------------------------------------- */

KS__FLOATS1(atanh, ks__atanh_f(a), ks__atanh_d(a))
KS__EXAMPLE1(atanh, 0.5, -0.25, 0.75, -0.875)

static ks_node *atanh_partial(ks_node *y, int i)
{
    (void)i;
    ks_place at = ks_node_place(y);
    ks_node *x = ks__in(y, i);
    ks_node *one = ks__num(y, 1);
    return ks_reciprocal_at(at, ks_mul_at(at, ks_sub_at(at, one, x), ks_add_at(at, one, x)));
}

const ks_op ks__op_atanh = {
    .size = sizeof(ks_op),
    .name = "atanh",
    .formula = "y = log((1 + x) / (1 - x)) / 2",
    .doc = "The inverse of the hyperbolic tangent, element by element, to 2 units in the last place: infinite at -1 and 1, NaN "
           "beyond.",
    .types = "T>T",
    .inputs = "x",
    .infer = ks_infer_same,
    .tiles = atanh_tiles,
    .partial = atanh_partial,
    .derivative = "u / (1 - x^2)",
    .onnx = "Atanh",
    .example = atanh_example,
};
KS__BUILDER1(atanh)
