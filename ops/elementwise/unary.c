/*
 * ops/elementwise/unary.c - one operand, element by element: neg, square, abs, exp, log, sqrt, sin, cos, identity, stop_gradient, cast.
 *
 * Beside each kernel stands its local partial derivative.
 */
#include "ops/tiles.h"

static ks_node *num(const ks_node *y, double value)
{
    return ks_number_at(ks_node_place(y), y->graph, value);
}

#define EXAMPLE(NAME, ...)                                                                                                                 \
    static ks_node *NAME##_example(ks_graph *g)                                                                                            \
    {                                                                                                                                      \
        return ks_##NAME(ks__given(g, "x", KS_SHAPE(2, 2), KS__VALUES(__VA_ARGS__)));                                                      \
    }

/* ---- neg ----------------------------------------------------------------------------------------------- */

KS__TILES1(neg, uint32_t, uint64_t, -a)
KS__NUMBER_TABLE(neg)
EXAMPLE(neg, 1, -2, 0.5, 3)

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
EXAMPLE(square, 1, -2, 0.5, 3)

static ks_node *square_partial(ks_node *y, int i)
{
    return ks_mul_at(ks_node_place(y), num(y, 2), ks__in(y, i));
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
EXAMPLE(abs, 1, -2, 0.5, -3)

/* The sign: 1, 0 or -1. */
static ks_node *abs_partial(ks_node *y, int i)
{
    ks_place at = ks_node_place(y);
    ks_dtype dtype = ks_node_dtype(y);
    ks_node *x = ks__in(y, i), *zero = num(y, 0);
    return ks_sub_at(at, ks_cast_at(at, ks_greater_at(at, x, zero), dtype), ks_cast_at(at, ks_less_at(at, x, zero), dtype));
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

/* ---- exp ----------------------------------------------------------------------------------------------- */

KS__FLOATS1(exp, ks__exp_f(a), ks__exp_d(a))
EXAMPLE(exp, 1, -2, 0.5, 0)

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

/* ---- log ----------------------------------------------------------------------------------------------- */

KS__FLOATS1(log, ks__log_f(a), ks__log_d(a))
EXAMPLE(log, 1, 2, 0.5, 3)

static ks_node *log_partial(ks_node *y, int i)
{
    return ks_div_at(ks_node_place(y), num(y, 1), ks__in(y, i));
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

/* ---- sqrt ---------------------------------------------------------------------------------------------- */

KS__FLOATS1(sqrt, sqrtf(a), sqrt(a))
EXAMPLE(sqrt, 1, 2, 0.5, 3)

static ks_node *sqrt_partial(ks_node *y, int i)
{
    (void)i;
    return ks_div_at(ks_node_place(y), num(y, 0.5), y);
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

/* ---- sin, cos ------------------------------------------------------------------------------------------ */

KS_TILE1_FIX(sin_f32, float, float, ks__sin_f(a), ks__sin_far_f(a), sinf(a))
KS_TILE1_FIX(sin_f64, double, double, ks__sin_d(a), ks__sin_far_d(a), sin(a))
KS__FLOAT_TABLE(sin)
KS_TILE1_FIX(cos_f32, float, float, ks__cos_f(a), ks__sin_far_f(a), cosf(a))
KS_TILE1_FIX(cos_f64, double, double, ks__cos_d(a), ks__sin_far_d(a), cos(a))
KS__FLOAT_TABLE(cos)
EXAMPLE(sin, 1, -2, 0.5, 3)
EXAMPLE(cos, 1, -2, 0.5, 3)

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

/* ---- identity, stop_gradient --------------------------------------------------------------------------- */

KS__COPIES1(copy)
EXAMPLE(identity, 1, -2, 0.5, 3)
EXAMPLE(stop_gradient, 1, -2, 0.5, 3)

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

/* ---- cast ---------------------------------------------------------------------------------------------- */

typedef struct cast_attrs {
    int64_t dtype;
} cast_attrs;

static const ks_attr cast_table[] = {
    {"dtype", KS_ATTR_DTYPE, offsetof(cast_attrs, dtype), false, true, "of the result"},
    {0},
};

/* From a floating-point number to a whole one in [LOW, HIGH]; the limits as numbers of the source, the upper one the first outside. */
#define SATURATE(TO, LOW, HIGH, LEAST, ABOVE) ((a) >= (ABOVE) ? (HIGH) : (a) <= (LEAST) ? (LOW) : (a) != (a) ? (TO)0 : (TO)(a))
#define TRUTH                                 ((a > 0) | (a < 0)) /* NaN gives 0 */
#define BYTE(a)                               ((a) < 0 ? 0 : (a) > 255 ? 255 : (a))
#define WORD(a)                               ((a) < INT32_MIN ? INT32_MIN : (a) > INT32_MAX ? INT32_MAX : (a))

KS_TILE1(f32_f32, float, float, a)
KS_TILE1(f32_f64, double, float, a)
KS_TILE1(f32_i32, int32_t, float, SATURATE(int32_t, INT32_MIN, INT32_MAX, -0x1p31f, 0x1p31f))
KS_TILE1(f32_i64, int64_t, float, SATURATE(int64_t, INT64_MIN, INT64_MAX, -0x1p63f, 0x1p63f))
KS_TILE1(f32_u8, uint8_t, float, SATURATE(uint8_t, 0, 255, 0.0f, 255.0f))
KS_TILE1(f32_bool, uint8_t, float, TRUTH)
KS_TILE1(f64_f32, float, double, a)
KS_TILE1(f64_f64, double, double, a)
KS_TILE1(f64_i32, int32_t, double, SATURATE(int32_t, INT32_MIN, INT32_MAX, -0x1p31, 0x1p31))
KS_TILE1(f64_i64, int64_t, double, SATURATE(int64_t, INT64_MIN, INT64_MAX, -0x1p63, 0x1p63))
KS_TILE1(f64_u8, uint8_t, double, SATURATE(uint8_t, 0, 255, 0.0, 255.0))
KS_TILE1(f64_bool, uint8_t, double, TRUTH)
KS_TILE1(i32_f32, float, int32_t, a)
KS_TILE1(i32_f64, double, int32_t, a)
KS_TILE1(i32_i32, int32_t, int32_t, a)
KS_TILE1(i32_i64, int64_t, int32_t, a)
KS_TILE1(i32_u8, uint8_t, int32_t, BYTE(a))
KS_TILE1(i32_bool, uint8_t, int32_t, a != 0)
KS_TILE1(i64_f32, float, int64_t, a)
KS_TILE1(i64_f64, double, int64_t, a)
KS_TILE1(i64_i32, int32_t, int64_t, WORD(a))
KS_TILE1(i64_i64, int64_t, int64_t, a)
KS_TILE1(i64_u8, uint8_t, int64_t, BYTE(a))
KS_TILE1(i64_bool, uint8_t, int64_t, a != 0)
KS_TILE1(u8_f32, float, uint8_t, a)
KS_TILE1(u8_f64, double, uint8_t, a)
KS_TILE1(u8_i32, int32_t, uint8_t, a)
KS_TILE1(u8_i64, int64_t, uint8_t, a)
KS_TILE1(u8_u8, uint8_t, uint8_t, a)
KS_TILE1(u8_bool, uint8_t, uint8_t, a != 0)

/* [from * KS_DTYPES + to]: a table of all pairs, since both dtypes are free. A bool is read as the byte it is. */
#define FROM(NAME, FROM_DTYPE, TO_BOOL)                                                                                                    \
    [(FROM_DTYPE)*KS_DTYPES + KS_F32] = KS__TILE(NAME##_f32), [(FROM_DTYPE)*KS_DTYPES + KS_F64] = KS__TILE(NAME##_f64),                    \
                              [(FROM_DTYPE)*KS_DTYPES + KS_I32] = KS__TILE(NAME##_i32),                                                    \
                              [(FROM_DTYPE)*KS_DTYPES + KS_I64] = KS__TILE(NAME##_i64),                                                    \
                              [(FROM_DTYPE)*KS_DTYPES + KS_U8] = KS__TILE(NAME##_u8),                                                      \
                              [(FROM_DTYPE)*KS_DTYPES + KS_BOOL] = KS__TILE(TO_BOOL)
static const ks_tile cast_tiles[KS_DTYPES * KS_DTYPES] = {
    FROM(f32, KS_F32, f32_bool), FROM(f64, KS_F64, f64_bool), FROM(i32, KS_I32, i32_bool),
    FROM(i64, KS_I64, i64_bool), FROM(u8, KS_U8, u8_bool),    FROM(u8, KS_BOOL, u8_u8),
};

static bool infer_cast(ks_infer *infer)
{
    const cast_attrs *attrs = infer->attrs;
    if (attrs->dtype < 0 || attrs->dtype >= KS_DTYPES)
        return ks_infer_fail(infer, KS_BAD_DTYPE, "%lld is no dtype", (long long)attrs->dtype);
    infer->out = *infer->shape[0];
    infer->out_dtype = (ks_dtype)attrs->dtype;
    return true;
}

static bool is_float(ks_dtype dtype)
{
    return 1u << dtype & KS_FLOATS;
}

static ks_node *cast_pullback(ks_node *y, int i, ks_node *u)
{
    ks_dtype from = ks_node_dtype(ks__in(y, i));
    return is_float(from) && is_float(ks_node_dtype(y)) ? ks_cast_at(ks_node_place(y), u, from) : NULL;
}

static ks_node *cast_example(ks_graph *g)
{
    return ks_cast(ks__given(g, "x", KS_SHAPE(2, 2), KS__VALUES(1, -2, 0.5, 3)), KS_F64);
}

const ks_op ks__op_cast = {
    .size = sizeof(ks_op),
    .name = "cast",
    .formula = "y = x as another dtype",
    .doc = "Converts as C does, towards zero; what is out of range becomes the nearest whole number there is, NaN becomes 0, and bool is "
           "whether it "
           "differs from 0. Derivatives pass between floating-point types only. (Its table of kernels has an entry for each pair of "
           "dtypes, at "
           "from * 6 + to.)",
    .types = "*>D",
    .inputs = "x",
    .allowed = KS_ALL_TYPES,
    .flags = KS_OP_LINEAR,
    .attrs = cast_table,
    .attrs_size = sizeof(cast_attrs),
    .infer = infer_cast,
    .tiles = cast_tiles,
    .pullback = cast_pullback,
    .derivative = "cast(u, dtype of x)",
    .onnx = "Cast",
    .example = cast_example,
};

ks_node *ks_cast_at(ks_place at, ks_node *x, ks_dtype dtype)
{
    return ks__apply1(at, &ks__op_cast, x, &(cast_attrs){.dtype = dtype});
}
