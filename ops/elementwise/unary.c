/*
 * ops/elementwise/unary.c - one operand, element by element, by arithmetic alone: neg, square, abs, sign, sqrt, reciprocal, rsqrt,
 * identity, stop_gradient.
 *
 * Beside each kernel stands its local partial derivative.
 */
#include "ops/elementwise/elementwise.h"

/* ---- neg ----------------------------------------------------------------------------------------------- */

KS__TILES1(neg, uint32_t, uint64_t, -a)
KS__NUMBER_TABLE(neg)
KS__EXAMPLE1(neg, 1, -2, 0.5, 3)

static ks_node *neg_partial(ks_node *y, int i)
{
    (void)i;
    return ks__unit(y, -1);
}

const ks_op ks__op_neg = {
    .size = sizeof(ks_op),
    .name = "neg",
    .formula = "y = -x",
    .doc = "The negative, element by element.",
    .types = "T>T",
    .inputs = "x",
    .allowed = KS_NUMBERS,
    .infer = ks_infer_same,
    .tiles = neg_tiles,
    .partial = neg_partial,
    .chain = KS_CHAIN_FINITE,
    .derivative = "-u",
    .onnx = "Neg",
    .example = neg_example,
};
KS__BUILDER1(neg)

/* ---- square -------------------------------------------------------------------------------------------- */

KS__NUMBERS1(square, a *a)
KS__EXAMPLE1(square, 1, -2, 0.5, 3)

static ks_node *square_partial(ks_node *y, int i)
{
    return ks_mul_at(ks_node_place(y), ks__num(y, 2), ks__in(y, i));
}

const ks_op ks__op_square = {
    .size = sizeof(ks_op),
    .name = "square",
    .formula = "y = x^2",
    .doc = "The square, element by element.",
    .types = "T>T",
    .inputs = "x",
    .allowed = KS_NUMBERS,
    .infer = ks_infer_same,
    .tiles = square_tiles,
    .partial = square_partial,
    .derivative = "u 2x",
    .example = square_example,
};
KS__BUILDER1(square)

/* ---- abs ----------------------------------------------------------------------------------------------- */

KS_TILE1(abs_f32, float, float, ks__abs_f(a))
KS_TILE1(abs_f64, double, double, ks__abs_d(a))
KS_TILE1(abs_i32, uint32_t, uint32_t, a >> 31 ? 0 - a : a)
KS_TILE1(abs_i64, uint64_t, uint64_t, a >> 63 ? 0 - a : a)
KS_TILE1(abs_u8, uint8_t, uint8_t, a)
KS__NUMBER_TABLE(abs)
KS__EXAMPLE1(abs, 1, -2, 0.5, -3)

static ks_node *abs_partial(ks_node *y, int i)
{
    return ks_sign_at(ks_node_place(y), ks__in(y, i));
}

const ks_op ks__op_abs = {
    .size = sizeof(ks_op),
    .name = "abs",
    .formula = "y = |x|",
    .doc = "The absolute value, element by element; the derivative at 0 is 0. The least whole number has none and stays as it is.",
    .types = "T>T",
    .inputs = "x",
    .allowed = KS_NUMBERS,
    .infer = ks_infer_same,
    .tiles = abs_tiles,
    .partial = abs_partial,
    .chain = KS_CHAIN_SELECT,
    .derivative = "u sign(x)",
    .onnx = "Abs",
    .example = abs_example,
};
KS__BUILDER1(abs)

/* ---- sign ---------------------------------------------------------------------------------------------- */

KS_TILE1(sign_f32, float, float, a > 0 ? 1 : a < 0 ? -1 : a == 0 ? 0 : a)
KS_TILE1(sign_f64, double, double, a > 0 ? 1 : a < 0 ? -1 : a == 0 ? 0 : a)
KS_TILE1(sign_i32, int32_t, int32_t, (a > 0) - (a < 0))
KS_TILE1(sign_i64, int64_t, int64_t, (a > 0) - (a < 0))
KS_TILE1(sign_u8, uint8_t, uint8_t, a > 0)
KS__NUMBER_TABLE(sign)
KS__EXAMPLE1(sign, 1, -2, 0.5, -0.25)

const ks_op ks__op_sign = {
    .size = sizeof(ks_op),
    .name = "sign",
    .formula = "y = 1 if x > 0, -1 if x < 0, 0 if x = 0",
    .doc = "The sign, element by element: 1, 0 or -1, as NumPy has it; of both zeros it is 0, of NaN it is NaN.",
    .types = "T>T",
    .inputs = "x",
    .allowed = KS_NUMBERS,
    .infer = ks_infer_same,
    .tiles = sign_tiles,
    .no_derivative = "it is flat: its derivative is 0 wherever there is one",
    .onnx = "Sign",
    .example = sign_example,
};
KS__BUILDER1(sign)

/* ---- sqrt ---------------------------------------------------------------------------------------------- */

KS__FLOATS1(sqrt, sqrtf(a), sqrt(a))
KS__EXAMPLE1(sqrt, 1, 2, 0.5, 3)

static ks_node *sqrt_partial(ks_node *y, int i)
{
    (void)i;
    return ks_div_at(ks_node_place(y), ks__num(y, 0.5), y);
}

const ks_op ks__op_sqrt = {
    .size = sizeof(ks_op),
    .name = "sqrt",
    .formula = "y = sqrt x",
    .doc = "The square root, element by element: NaN below 0. Its derivative is infinite at 0.",
    .types = "T>T",
    .inputs = "x",
    .infer = ks_infer_same,
    .tiles = sqrt_tiles,
    .partial = sqrt_partial,
    .derivative = "u / (2y)",
    .onnx = "Sqrt",
    .example = sqrt_example,
};
KS__BUILDER1(sqrt)

/* ---- reciprocal ---------------------------------------------------------------------------------------- */

KS__FLOATS1(reciprocal, 1 / a, 1 / a)
KS__EXAMPLE1(reciprocal, 1, -2, 0.5, 3)

static ks_node *reciprocal_partial(ks_node *y, int i)
{
    (void)i;
    ks_place at = ks_node_place(y);
    return ks_neg_at(at, ks_square_at(at, y));
}

const ks_op ks__op_reciprocal = {
    .size = sizeof(ks_op),
    .name = "reciprocal",
    .formula = "y = 1 / x",
    .doc = "One divided by x, element by element: infinite at 0, with the sign of the zero.",
    .types = "T>T",
    .inputs = "x",
    .infer = ks_infer_same,
    .tiles = reciprocal_tiles,
    .partial = reciprocal_partial,
    .derivative = "-u y^2",
    .onnx = "Reciprocal",
    .example = reciprocal_example,
};
KS__BUILDER1(reciprocal)

/* ---- rsqrt --------------------------------------------------------------------------------------------- */

KS__FLOATS1(rsqrt, 1 / sqrtf(a), 1 / sqrt(a))
KS__EXAMPLE1(rsqrt, 1, 2, 0.5, 3)

static ks_node *rsqrt_partial(ks_node *y, int i)
{
    (void)i;
    ks_place at = ks_node_place(y);
    ks_node *x = ks__in(y, i);
    return ks_mul_at(at, ks__num(y, -0.5), ks_div_at(at, y, x));
}

const ks_op ks__op_rsqrt = {
    .size = sizeof(ks_op),
    .name = "rsqrt",
    .formula = "y = 1 / sqrt x",
    .doc = "One divided by the square root, element by element: infinite at 0, NaN below. Normalising layers scale with it.",
    .types = "T>T",
    .inputs = "x",
    .infer = ks_infer_same,
    .tiles = rsqrt_tiles,
    .partial = rsqrt_partial,
    .derivative = "-u y / (2x)",
    .example = rsqrt_example,
};
KS__BUILDER1(rsqrt)

/* ---- identity, stop_gradient --------------------------------------------------------------------------- */

KS__COPIES1(copy)
KS__EXAMPLE1(identity, 1, -2, 0.5, 3)
KS__EXAMPLE1(stop_gradient, 1, -2, 0.5, 3)

static ks_node *identity_partial(ks_node *y, int i)
{
    (void)i;
    return ks__unit(y, 1);
}

const ks_op ks__op_identity = {
    .size = sizeof(ks_op),
    .name = "identity",
    .formula = "y = x",
    .doc = "x itself, bit for bit: the output activation of regression.",
    .types = "T>T",
    .inputs = "x",
    .allowed = KS_ALL_TYPES,
    .flags = KS_OP_VIEW,
    .infer = ks_infer_same,
    .tiles = copy_tiles,
    .partial = identity_partial,
    .chain = KS_CHAIN_FINITE,
    .derivative = "u",
    .onnx = "Identity",
    .example = identity_example,
};
KS__BUILDER1(identity)

const ks_op ks__op_stop_gradient = {
    .size = sizeof(ks_op),
    .name = "stop_gradient",
    .formula = "y = x, seen as a constant",
    .doc = "x itself, through which no derivative passes: to truncate backpropagation through time, or to hold a part fixed.",
    .types = "T>T",
    .inputs = "x",
    .allowed = KS_ALL_TYPES,
    .flags = KS_OP_STOP | KS_OP_VIEW,
    .infer = ks_infer_same,
    .tiles = copy_tiles,
    .no_derivative = "it is there to stop derivatives",
    .example = stop_gradient_example,
};
KS__BUILDER1(stop_gradient)
