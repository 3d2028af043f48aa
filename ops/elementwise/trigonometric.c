/*
 * ops/elementwise/trigonometric.c - angles in radians: sin, cos, tan, and back: asin, acos, atan, atan2.
 */
#include "ops/elementwise/elementwise.h"

/* ---- sin, cos ------------------------------------------------------------------------------------------ */

KS_TILE1_FIX(sin_f32, float, float, ks__sin_f(a), ks__sin_far_f(a), sinf(a))
KS_TILE1_FIX(sin_f64, double, double, ks__sin_d(a), ks__sin_far_d(a), sin(a))
KS__FLOAT_TABLE(sin)
KS_TILE1_FIX(cos_f32, float, float, ks__cos_f(a), ks__sin_far_f(a), cosf(a))
KS_TILE1_FIX(cos_f64, double, double, ks__cos_d(a), ks__sin_far_d(a), cos(a))
KS__FLOAT_TABLE(cos)
KS__EXAMPLE1(sin, 1, -2, 0.5, 3)
KS__EXAMPLE1(cos, 1, -2, 0.5, 3)

static ks_node *sin_partial(ks_node *y, int i)
{
    return ks_cos_at(ks_node_place(y), ks__in(y, i));
}

static ks_node *cos_partial(ks_node *y, int i)
{
    ks_place at = ks_node_place(y);
    return ks_neg_at(at, ks_sin_at(at, ks__in(y, i)));
}

const ks_op ks__op_sin = {
    .size = sizeof(ks_op),
    .name = "sin",
    .formula = "y = sin x",
    .doc = "The sine of an angle in radians, element by element.",
    .types = "T>T",
    .inputs = "x",
    .infer = ks_infer_same,
    .tiles = sin_tiles,
    .partial = sin_partial,
    .chain = KS_CHAIN_FINITE,
    .derivative = "u cos x",
    .onnx = "Sin",
    .example = sin_example,
};
KS__BUILDER1(sin)

const ks_op ks__op_cos = {
    .size = sizeof(ks_op),
    .name = "cos",
    .formula = "y = cos x",
    .doc = "The cosine of an angle in radians, element by element.",
    .types = "T>T",
    .inputs = "x",
    .infer = ks_infer_same,
    .tiles = cos_tiles,
    .partial = cos_partial,
    .chain = KS_CHAIN_FINITE,
    .derivative = "-u sin x",
    .onnx = "Cos",
    .example = cos_example,
};
KS__BUILDER1(cos)

/* ---- tan ----------------------------------------------------------------------------------------------- */

KS_TILE1_FIX(tan_f32, float, float, ks__tan_f(a), ks__sin_far_f(a), tanf(a))
KS_TILE1_FIX(tan_f64, double, double, ks__tan_d(a), ks__sin_far_d(a), tan(a))
KS__FLOAT_TABLE(tan)
KS__EXAMPLE1(tan, 1, -2, 0.5, 3)

static ks_node *tan_partial(ks_node *y, int i)
{
    (void)i;
    ks_place at = ks_node_place(y);
    return ks_add_at(at, ks__num(y, 1), ks_square_at(at, y));
}

const ks_op ks__op_tan = {
    .size = sizeof(ks_op),
    .name = "tan",
    .formula = "y = tan x",
    .doc = "The tangent of an angle in radians, element by element, to 2 units in the last place.",
    .types = "T>T",
    .inputs = "x",
    .infer = ks_infer_same,
    .tiles = tan_tiles,
    .partial = tan_partial,
    .chain = KS_CHAIN_FINITE,
    .derivative = "u (1 + y^2)",
    .onnx = "Tan",
    .example = tan_example,
};
KS__BUILDER1(tan)

/* ---- asin ---------------------------------------------------------------------------------------------- */

KS__FLOATS1(asin, ks__asin_f(a), ks__asin_d(a))
KS__EXAMPLE1(asin, 0.5, -0.25, 0.75, -0.875)

/* 1 / sqrt(1 - x^2), by factors, since the difference would lose what is near 1. */
static ks_node *root_partial(ks_node *y, ks_node *x)
{
    ks_place at = ks_node_place(y);
    ks_node *one = ks__num(y, 1);
    return ks_rsqrt_at(at, ks_mul_at(at, ks_sub_at(at, one, x), ks_add_at(at, one, x)));
}

static ks_node *asin_partial(ks_node *y, int i)
{
    return root_partial(y, ks__in(y, i));
}

const ks_op ks__op_asin = {
    .size = sizeof(ks_op),
    .name = "asin",
    .formula = "y = arcsin x",
    .doc = "The angle in [-pi/2, pi/2] whose sine is x, element by element, to 2 units in the last place: NaN outside [-1, 1]. Its "
           "derivative is infinite at both ends.",
    .types = "T>T",
    .inputs = "x",
    .infer = ks_infer_same,
    .tiles = asin_tiles,
    .partial = asin_partial,
    .derivative = "u / sqrt(1 - x^2)",
    .onnx = "Asin",
    .example = asin_example,
};
KS__BUILDER1(asin)

/* ---- acos ---------------------------------------------------------------------------------------------- */

KS__FLOATS1(acos, ks__acos_f(a), ks__acos_d(a))
KS__EXAMPLE1(acos, 0.5, -0.25, 0.75, -0.875)

static ks_node *acos_partial(ks_node *y, int i)
{
    return ks_neg_at(ks_node_place(y), root_partial(y, ks__in(y, i)));
}

const ks_op ks__op_acos = {
    .size = sizeof(ks_op),
    .name = "acos",
    .formula = "y = arccos x",
    .doc = "The angle in [0, pi] whose cosine is x, element by element, to 2 units in the last place: NaN outside [-1, 1]. Its "
           "derivative is infinite at both ends.",
    .types = "T>T",
    .inputs = "x",
    .infer = ks_infer_same,
    .tiles = acos_tiles,
    .partial = acos_partial,
    .derivative = "-u / sqrt(1 - x^2)",
    .onnx = "Acos",
    .example = acos_example,
};
KS__BUILDER1(acos)

/* ---- atan ---------------------------------------------------------------------------------------------- */

KS__FLOATS1(atan, ks__atan_f(a), ks__atan_d(a))
KS__EXAMPLE1(atan, 1, -2, 0.5, 3)

static ks_node *atan_partial(ks_node *y, int i)
{
    (void)i;
    ks_place at = ks_node_place(y);
    ks_node *x = ks__in(y, i);
    return ks_reciprocal_at(at, ks_add_at(at, ks__num(y, 1), ks_square_at(at, x)));
}

const ks_op ks__op_atan = {
    .size = sizeof(ks_op),
    .name = "atan",
    .formula = "y = arctan x",
    .doc = "The angle in (-pi/2, pi/2) whose tangent is x, element by element, to 2 units in the last place.",
    .types = "T>T",
    .inputs = "x",
    .infer = ks_infer_same,
    .tiles = atan_tiles,
    .partial = atan_partial,
    .chain = KS_CHAIN_FINITE,
    .derivative = "u / (1 + x^2)",
    .onnx = "Atan",
    .example = atan_example,
};
KS__BUILDER1(atan)

/* ---- atan2 --------------------------------------------------------------------------------------------- */

KS__FLOATS2(atan2, ks__atan2_f(a, b), ks__atan2_d(a, b))

static ks_node *atan2_partial(ks_node *y, int i)
{
    ks_place at = ks_node_place(y);
    ks_node *up = ks__typed(y, 0), *right = ks__typed(y, 1);
    ks_node *square = ks_add_at(at, ks_square_at(at, up), ks_square_at(at, right));
    return i == 0 ? ks_div_at(at, right, square) : ks_neg_at(at, ks_div_at(at, up, square));
}

static ks_node *atan2_example(ks_graph *g)
{
    ks_node *x = ks__given(g, "x", KS_SHAPE(3), KS__VALUES(0.75, -2.5, 1.25));
    return ks_atan2(ks__given(g, "y", KS_SHAPE(2, 3), KS__VALUES(1.5, 0.5, 2, -3, -1.75, 0.25)), x);
}

const ks_op ks__op_atan2 = {
    .size = sizeof(ks_op),
    .name = "atan2",
    .formula = "z = the angle of the point (x, y)",
    .doc = "The angle in [-pi, pi] of the point (x, y) from the positive x axis, element by element; operands broadcast as NumPy's "
           "do. It is arctan(y / x) to the right of the y axis, to 2 units in the last place, and has C's special cases: signed "
           "zeros tell the sides of the cut, infinities point along an axis or a diagonal. At the origin it has no derivative "
           "(NaN).",
    .types = "TT>T",
    .inputs = "y x",
    .infer = ks_infer_broadcast,
    .tiles = atan2_tiles,
    .partial = atan2_partial,
    .derivative = "u x / (x^2 + y^2); -u y / (x^2 + y^2)",
    .example = atan2_example,
};
KS__BUILDER2(atan2)
