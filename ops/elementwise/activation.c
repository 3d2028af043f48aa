/*
 * ops/elementwise/activation.c - smooth activations: sigmoid, log_sigmoid, tanh, softplus, softsign, silu, mish, gelu, gelu_tanh.
 * (Those with corners are in rectifier.c. softmax looks at a whole row: ops/loss/softmax.c.)
 */
#include "ops/elementwise/elementwise.h"

/* ---- sigmoid ------------------------------------------------------------------------------------------- */

KS__FLOATS1(sigmoid, ks__sigmoid_f(a), ks__sigmoid_d(a))
KS__EXAMPLE1(sigmoid, 1, -2, 0.5, -0.25)

static ks_node *sigmoid_partial(ks_node *y, int i)
{
    (void)i;
    ks_place at = ks_node_place(y);
    return ks_mul_at(at, y, ks_sub_at(at, ks__num(y, 1), y));
}

const ks_op ks__op_sigmoid = {
    .size = sizeof(ks_op),
    .name = "sigmoid",
    .formula = "y = 1 / (1 + e^-x)",
    .doc = "The logistic function, element by element: a smooth step from 0 to 1, and the output activation of two classes. It never "
           "overflows.",
    .types = "T>T",
    .inputs = "x",
    .infer = ks_infer_same,
    .tiles = sigmoid_tiles,
    .partial = sigmoid_partial,
    .chain = KS_CHAIN_FINITE,
    .derivative = "u y (1 - y)",
    .onnx = "Sigmoid",
    .example = sigmoid_example,
};
KS__BUILDER1(sigmoid)

/* ---- log_sigmoid --------------------------------------------------------------------------------------- */

/* max(0, x) + log(1 + exp(-|x|)): no exponential overflows. */
static KS_INLINE float softplus_f(float x)
{
    return (x < 0.0f ? 0.0f : x) + ks__log1p_f(ks__exp_f(-ks__abs_f(x)));
}

static KS_INLINE double softplus_d(double x)
{
    return (x < 0.0 ? 0.0 : x) + ks__log1p_d(ks__exp_d(-ks__abs_d(x)));
}

KS__FLOATS1(log_sigmoid, -softplus_f(-a), -softplus_d(-a))
KS__EXAMPLE1(log_sigmoid, 1, -2, 0.5, -0.25)

static ks_node *log_sigmoid_partial(ks_node *y, int i)
{
    (void)i;
    ks_place at = ks_node_place(y);
    ks_node *x = ks__in(y, i);
    return ks_sigmoid_at(at, ks_neg_at(at, x));
}

const ks_op ks__op_log_sigmoid = {
    .size = sizeof(ks_op),
    .name = "log_sigmoid",
    .formula = "y = log(1 / (1 + e^-x))",
    .doc = "The logarithm of the logistic function, element by element: -log(1 + e^-x), which is x itself far below 0 and never "
           "overflows. The log likelihood of a yes, given its score.",
    .types = "T>T",
    .inputs = "x",
    .infer = ks_infer_same,
    .tiles = log_sigmoid_tiles,
    .partial = log_sigmoid_partial,
    .chain = KS_CHAIN_FINITE,
    .derivative = "u / (1 + e^x)",
    .example = log_sigmoid_example,
};
KS__BUILDER1(log_sigmoid)

/* ---- tanh ---------------------------------------------------------------------------------------------- */

KS__FLOATS1(tanh, ks__tanh_f(a), ks__tanh_d(a))
KS__EXAMPLE1(tanh, 1, -2, 0.5, -0.25)

static ks_node *tanh_partial(ks_node *y, int i)
{
    (void)i;
    ks_place at = ks_node_place(y);
    return ks_sub_at(at, ks__num(y, 1), ks_square_at(at, y));
}

const ks_op ks__op_tanh = {
    .size = sizeof(ks_op),
    .name = "tanh",
    .formula = "y = tanh x",
    .doc = "The hyperbolic tangent, element by element: a smooth step from -1 to 1.",
    .types = "T>T",
    .inputs = "x",
    .infer = ks_infer_same,
    .tiles = tanh_tiles,
    .partial = tanh_partial,
    .chain = KS_CHAIN_FINITE,
    .derivative = "u (1 - y^2)",
    .onnx = "Tanh",
    .example = tanh_example,
};
KS__BUILDER1(tanh)

/* ---- softplus ------------------------------------------------------------------------------------------ */

KS__FLOATS1(softplus, softplus_f(a), softplus_d(a))
KS__EXAMPLE1(softplus, 1, -2, 0.5, -0.25)

static ks_node *softplus_partial(ks_node *y, int i)
{
    (void)i;
    ks_place at = ks_node_place(y);
    ks_node *x = ks__in(y, i);
    return ks_sigmoid_at(at, x);
}

const ks_op ks__op_softplus = {
    .size = sizeof(ks_op),
    .name = "softplus",
    .formula = "y = log(1 + e^x)",
    .doc = "A smooth relu, element by element: close to 0 far below 0 and to x far above; it never overflows. It makes any number "
           "positive, a variance for one.",
    .types = "T>T",
    .inputs = "x",
    .infer = ks_infer_same,
    .tiles = softplus_tiles,
    .partial = softplus_partial,
    .chain = KS_CHAIN_FINITE,
    .derivative = "u / (1 + e^-x)",
    .onnx = "Softplus",
    .example = softplus_example,
};
KS__BUILDER1(softplus)

/* ---- softsign ------------------------------------------------------------------------------------------ */

static KS_INLINE float softsign_f(float x)
{
    float size = ks__abs_f(x);
    return size == INFINITY ? ks__signed_f(1.0f, x) : x / (1.0f + size);
}

static KS_INLINE double softsign_d(double x)
{
    double size = ks__abs_d(x);
    return size == (double)INFINITY ? ks__signed_d(1.0, x) : x / (1.0 + size);
}

KS__FLOATS1(softsign, softsign_f(a), softsign_d(a))
KS__EXAMPLE1(softsign, 1, -2, 0.5, -0.25)

static ks_node *softsign_partial(ks_node *y, int i)
{
    (void)i;
    ks_place at = ks_node_place(y);
    ks_node *x = ks__in(y, i);
    return ks_square_at(at, ks_reciprocal_at(at, ks_add_at(at, ks__num(y, 1), ks_abs_at(at, x))));
}

const ks_op ks__op_softsign = {
    .size = sizeof(ks_op),
    .name = "softsign",
    .formula = "y = x / (1 + |x|)",
    .doc = "A step from -1 to 1 with slow tails, element by element; -1 and 1 at the infinities.",
    .types = "T>T",
    .inputs = "x",
    .infer = ks_infer_same,
    .tiles = softsign_tiles,
    .partial = softsign_partial,
    .chain = KS_CHAIN_FINITE,
    .derivative = "u / (1 + |x|)^2",
    .onnx = "Softsign",
    .example = softsign_example,
};
KS__BUILDER1(softsign)

/* ---- silu ---------------------------------------------------------------------------------------------- */

/* Below the limit the sigmoid is 0, and so is the product; at -infinity it would be NaN. */
static KS_INLINE float silu_f(float x)
{
    return (-110.0f > x ? -110.0f : x) * ks__sigmoid_f(x);
}

static KS_INLINE double silu_d(double x)
{
    return (-750.0 > x ? -750.0 : x) * ks__sigmoid_d(x);
}

KS__FLOATS1(silu, silu_f(a), silu_d(a))
KS__EXAMPLE1(silu, 1, -2, 0.5, -0.25)

static ks_node *silu_partial(ks_node *y, int i)
{
    (void)i;
    ks_place at = ks_node_place(y);
    ks_node *x = ks__in(y, i);
    ks_node *s = ks_sigmoid_at(at, x);
    return ks_add_at(at, s, ks_mul_at(at, y, ks_sub_at(at, ks__num(y, 1), s)));
}

const ks_op ks__op_silu = {
    .size = sizeof(ks_op),
    .name = "silu",
    .formula = "y = x / (1 + e^-x)",
    .doc = "x sigmoid(x), element by element, also called swish: a relu that bends smoothly and dips below 0 (Elfwing, Uchibe and "
           "Doya 2017). 0 at -infinity.",
    .types = "T>T",
    .inputs = "x",
    .infer = ks_infer_same,
    .tiles = silu_tiles,
    .partial = silu_partial,
    .chain = KS_CHAIN_FINITE,
    .derivative = "u (s + y (1 - s)), s = 1 / (1 + e^-x)",
    .example = silu_example,
};
KS__BUILDER1(silu)

/* ---- mish ---------------------------------------------------------------------------------------------- */

/* tanh(log(1 + e)) is n / (n + 2) with n = e (e + 2), and 1 from the upper limit on. */
static KS_INLINE float mish_f(float x)
{
    float e = ks__exp_f(20.0f < x ? 20.0f : x);
    float n = e * (e + 2.0f);
    return (-110.0f > x ? -110.0f : x) * (n / (n + 2.0f));
}

static KS_INLINE double mish_d(double x)
{
    double e = ks__exp_d(40.0 < x ? 40.0 : x);
    double n = e * (e + 2.0);
    return (-750.0 > x ? -750.0 : x) * (n / (n + 2.0));
}

KS__FLOATS1(mish, mish_f(a), mish_d(a))
KS__EXAMPLE1(mish, 1, -2, 0.5, -0.25)

static ks_node *mish_partial(ks_node *y, int i)
{
    (void)i;
    ks_place at = ks_node_place(y);
    ks_node *x = ks__in(y, i);
    ks_node *t = ks_tanh_at(at, ks_softplus_at(at, x));
    ks_node *slope = ks_mul_at(at, ks_sub_at(at, ks__num(y, 1), ks_square_at(at, t)), ks_sigmoid_at(at, x));
    return ks_add_at(at, t, ks_mul_at(at, x, slope));
}

const ks_op ks__op_mish = {
    .size = sizeof(ks_op),
    .name = "mish",
    .formula = "y = x tanh(log(1 + e^x))",
    .doc = "x tanh(softplus(x)), element by element: a smooth relu that dips below 0 (Misra 2019). 0 at -infinity.",
    .types = "T>T",
    .inputs = "x",
    .infer = ks_infer_same,
    .tiles = mish_tiles,
    .partial = mish_partial,
    .chain = KS_CHAIN_FINITE,
    .derivative = "u (t + x (1 - t^2) / (1 + e^-x)), t = tanh(log(1 + e^x))",
    .onnx = "Mish",
    .example = mish_example,
};
KS__BUILDER1(mish)

/* ---- gelu ---------------------------------------------------------------------------------------------- */

#define ROOT_HALF 0.70710678118654752440 /* 1 / sqrt 2 */
#define DENSITY   0.39894228040143267794 /* 1 / sqrt(2 pi) */

/* Below the limit the probability is 0. */
KS__FLOATS1(gelu, (-15.0f > a ? -15.0f : a) * ks__normal_f(a), (-40.0 > a ? -40.0 : a) * ks__normal_d(a))
KS__EXAMPLE1(gelu, 1, -2, 0.5, -0.25)

static ks_node *gelu_partial(ks_node *y, int i)
{
    (void)i;
    ks_place at = ks_node_place(y);
    ks_node *x = ks__in(y, i);
    ks_node *below = ks_mul_at(at, ks__num(y, 0.5), ks_erfc_at(at, ks_mul_at(at, ks__num(y, -ROOT_HALF), x)));
    ks_node *density = ks_exp_at(at, ks_mul_at(at, ks__num(y, -0.5), ks_square_at(at, x)));
    return ks_add_at(at, below, ks_mul_at(at, ks_mul_at(at, ks__num(y, DENSITY), x), density));
}

const ks_op ks__op_gelu = {
    .size = sizeof(ks_op),
    .name = "gelu",
    .formula = "y = x P(X <= x), X standard normal",
    .doc = "x times the probability that a standard normal number is less than x, element by element: x (1 + erf(x / sqrt 2)) / 2, "
           "the activation of transformers (Hendrycks and Gimpel 2016). Far below 0 it keeps its digits, which 1 + erf would lose; "
           "0 at -infinity. gelu_tanh is the approximation that some models were trained with.",
    .types = "T>T",
    .inputs = "x",
    .infer = ks_infer_same,
    .tiles = gelu_tiles,
    .partial = gelu_partial,
    .chain = KS_CHAIN_FINITE,
    .derivative = "u (erfc(-x / sqrt 2) / 2 + x e^(-x^2 / 2) / sqrt(2 pi))",
    .onnx = "Gelu",
    .example = gelu_example,
};
KS__BUILDER1(gelu)

/* ---- gelu_tanh ----------------------------------------------------------------------------------------- */

#define GELU_C 1.5957691216057307117 /* 2 sqrt(2 / pi): (1 + tanh v) / 2 is sigmoid(2v) */
#define GELU_D (0.044715 * GELU_C)

static KS_INLINE float gelu_tanh_f(float x)
{
    float v = x * ((float)GELU_C + (float)GELU_D * (x * x));
    return (-15.0f > x ? -15.0f : x) * ks__sigmoid_f(v);
}

static KS_INLINE double gelu_tanh_d(double x)
{
    double v = x * (GELU_C + GELU_D * (x * x));
    return (-30.0 > x ? -30.0 : x) * ks__sigmoid_d(v);
}

KS__FLOATS1(gelu_tanh, gelu_tanh_f(a), gelu_tanh_d(a))
KS__EXAMPLE1(gelu_tanh, 1, -2, 0.5, -0.25)

/* Where x^2 is infinite the bend is 0, and wins. */
static ks_node *gelu_tanh_partial(ks_node *y, int i)
{
    (void)i;
    ks_place at = ks_node_place(y);
    ks_node *x = ks__in(y, i);
    ks_node *square = ks_square_at(at, x), *one = ks__num(y, 1);
    ks_node *inner = ks_add_at(at, ks__num(y, GELU_C), ks_mul_at(at, ks__num(y, GELU_D), square));
    ks_node *slope = ks_add_at(at, ks__num(y, GELU_C), ks_mul_at(at, ks__num(y, 3 * GELU_D), square));
    ks_node *s = ks_sigmoid_at(at, ks_mul_at(at, x, inner));
    ks_node *bend = ks_mul_at(at, y, ks_sub_at(at, one, s));
    return ks_add_at(at, s, ks_chain_mul_at(at, bend, slope));
}

const ks_op ks__op_gelu_tanh = {
    .size = sizeof(ks_op),
    .name = "gelu_tanh",
    .formula = "y = x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2",
    .doc = "The approximation of gelu by tanh, element by element, that GPT-2 and its like were trained with: within 0.0005 of "
           "gelu. It is ONNX's Gelu with approximate = \"tanh\". 0 at -infinity.",
    .types = "T>T",
    .inputs = "x",
    .infer = ks_infer_same,
    .tiles = gelu_tanh_tiles,
    .partial = gelu_tanh_partial,
    .chain = KS_CHAIN_FINITE,
    .derivative = "u (s + y (1 - s) (c + 3 d x^2)), s = (1 + tanh(...)) / 2",
    .example = gelu_tanh_example,
};
KS__BUILDER1(gelu_tanh)
