/*
 * ops/elementwise/rectifier.c - activations with a corner at 0: relu, step, leaky_relu, prelu, elu, selu, celu.
 *
 * Partials select: what they shut off adds nothing to a gradient, even where the other side is infinite or NaN.
 */
#include "ops/elementwise/elementwise.h"

/* ---- relu ---------------------------------------------------------------------------------------------- */

KS__FLOATS1(relu, a <= 0 ? 0 : a, a <= 0 ? 0 : a) /* a NaN passes */
KS__EXAMPLE1(relu, 1, -2, 0.5, -0.25)

static ks_node *relu_partial(ks_node *y, int i)
{
    return ks_step_function_at(ks_node_place(y), ks__in(y, i));
}

const ks_op ks__op_relu = {
    .size = sizeof(ks_op),
    .name = "relu",
    .formula = "y = max(0, x)",
    .doc = "The rectified linear unit, element by element: x where it is positive, else 0. The derivative at 0 is 0. A NaN stays one.",
    .types = "T>T",
    .inputs = "x",
    .infer = ks_infer_same,
    .tiles = relu_tiles,
    .partial = relu_partial,
    .chain = KS_CHAIN_SELECT,
    .derivative = "u where x > 0, else 0",
    .onnx = "Relu",
    .example = relu_example,
};
KS__BUILDER1(relu)

/* ---- step ---------------------------------------------------------------------------------------------- */

KS__FLOATS1(step, a > 0 ? 1 : 0, a > 0 ? 1 : 0)
KS__EXAMPLE1(step, 1, -2, 0.5, -0.25)

const ks_op ks__op_step = {
    .size = sizeof(ks_op),
    .name = "step",
    .formula = "y = 1 if x > 0, else 0",
    .doc = "The activation of the perceptron, element by element. Its derivative is 0 wherever there is one, so nothing can be learned "
           "through it: use "
           "sigmoid, which is a smooth step.",
    .types = "T>T",
    .inputs = "x",
    .infer = ks_infer_same,
    .tiles = step_tiles,
    .no_derivative = "it is flat: its derivative is 0 wherever there is one; sigmoid is a smooth step",
    .example = step_example,
};

ks_node *ks_step_function_at(ks_place at, ks_node *x)
{
    return ks__apply1(at, &ks__op_step, x, NULL);
}

/* ---- leaky_relu ---------------------------------------------------------------------------------------- */

/* x above 0, else `below`: computed on both sides, alpha read for every element, or the loop would stay scalar. */
static KS_INLINE float above_f(float x, float below)
{
    return x > 0 ? x : below;
}

static KS_INLINE double above_d(double x, double below)
{
    return x > 0 ? x : below;
}

KS__FLOATS1(leaky_relu, above_f(a, (float)KS__ALPHA(attrs) * a), above_d(a, KS__ALPHA(attrs) * a))
KS__EXAMPLE1(leaky_relu, 1, -2, 0.5, -0.25)

static const ks_attr leaky_relu_table[] = {
    {"alpha", KS_ATTR_FLOAT, offsetof(ks__alpha, alpha), false, false, "the slope below 0; default 0.01"},
    {0},
};
static const ks__alpha leaky_relu_defaults = {0.01};

/* above where x > 0, else below. */
static ks_node *by_side(ks_node *y, ks_node *above, ks_node *below)
{
    ks_place at = ks_node_place(y);
    return ks_where_at(at, ks_greater_at(at, ks__in(y, 0), ks__num(y, 0)), above, below);
}

static ks_node *leaky_relu_partial(ks_node *y, int i)
{
    (void)i;
    return by_side(y, ks__like(y, 1), ks__like(y, KS__ALPHA(ks__attrs(y))));
}

const ks_op ks__op_leaky_relu = {
    .size = sizeof(ks_op),
    .name = "leaky_relu",
    .formula = "y = x if x > 0, else alpha x",
    .doc = "A relu that lets a little through below 0, element by element. The derivative at 0 is alpha.",
    .types = "T>T",
    .inputs = "x",
    .attrs = leaky_relu_table,
    .attrs_size = sizeof(ks__alpha),
    .defaults = &leaky_relu_defaults,
    .infer = ks_infer_same,
    .tiles = leaky_relu_tiles,
    .partial = leaky_relu_partial,
    .chain = KS_CHAIN_SELECT,
    .derivative = "u where x > 0, else alpha u",
    .onnx = "LeakyRelu",
    .example = leaky_relu_example,
};

ks_node *ks_leaky_relu_at(ks_place at, ks_node *x, double alpha)
{
    return ks__apply1(at, &ks__op_leaky_relu, x, &(ks__alpha){alpha});
}

/* ---- prelu --------------------------------------------------------------------------------------------- */

KS__FLOATS2(prelu, a > 0 ? a : b * a, a > 0 ? a : b * a)

static ks_node *prelu_partial(ks_node *y, int i)
{
    return i == 0 ? by_side(y, ks__like(y, 1), ks__typed(y, 1)) : by_side(y, ks__like(y, 0), ks__typed(y, 0));
}

static ks_node *prelu_example(ks_graph *g)
{
    ks_node *slope = ks__given(g, "slope", KS_SHAPE(3), KS__VALUES(0.25, 0.1, -0.5));
    return ks_prelu(ks__given(g, "x", KS_SHAPE(2, 3), KS__VALUES(1.5, -0.5, 2, -3, 1.75, -0.25)), slope);
}

const ks_op ks__op_prelu = {
    .size = sizeof(ks_op),
    .name = "prelu",
    .formula = "y = x if x > 0, else slope x",
    .doc = "A leaky relu whose slope below 0 is learned, element by element (He et al. 2015); slope broadcasts with x, so give it "
           "[c, 1, 1] for a slope a channel. At 0 the derivative with respect to x is the slope, and the one with respect to the "
           "slope is 0.",
    .types = "TT>T",
    .inputs = "x slope",
    .infer = ks_infer_broadcast,
    .tiles = prelu_tiles,
    .partial = prelu_partial,
    .chain = KS_CHAIN_SELECT,
    .derivative = "u where x > 0, else u slope; 0 where x > 0, else u x",
    .onnx = "PRelu",
    .example = prelu_example,
};

ks_node *ks_prelu_at(ks_place at, ks_node *x, ks_node *slope)
{
    return ks__apply2(at, &ks__op_prelu, x, slope, NULL);
}

/* ---- elu, selu, celu ----------------------------------------------------------------------------------- */

KS__FLOATS1(elu, above_f(a, (float)KS__ALPHA(attrs) * ks__expm1_f(a)), above_d(a, KS__ALPHA(attrs) * ks__expm1_d(a)))
KS__EXAMPLE1(elu, 1, -2, 0.5, -0.25)
static const ks_attr elu_table[] = {
    {"alpha", KS_ATTR_FLOAT, offsetof(ks__alpha, alpha), false, false, "what it tends to below 0, without its sign; default 1"},
    {0},
};
static const ks__alpha elu_defaults = {1};

static ks_node *elu_partial(ks_node *y, int i)
{
    ks_place at = ks_node_place(y);
    ks_node *below = ks_mul_at(at, ks__num(y, KS__ALPHA(ks__attrs(y))), ks_exp_at(at, ks__in(y, i)));
    return by_side(y, ks__like(y, 1), below);
}

const ks_op ks__op_elu = {
    .size = sizeof(ks_op),
    .name = "elu",
    .formula = "y = x if x > 0, else alpha (e^x - 1)",
    .doc = "The exponential linear unit, element by element: x above 0, and a bend to -alpha below (Clevert et al. 2015). At 0 the "
           "derivative is alpha.",
    .types = "T>T",
    .inputs = "x",
    .attrs = elu_table,
    .attrs_size = sizeof(ks__alpha),
    .defaults = &elu_defaults,
    .infer = ks_infer_same,
    .tiles = elu_tiles,
    .partial = elu_partial,
    .chain = KS_CHAIN_SELECT,
    .derivative = "u where x > 0, else u alpha e^x",
    .onnx = "Elu",
    .example = elu_example,
};

ks_node *ks_elu_at(ks_place at, ks_node *x, double alpha)
{
    return ks__apply1(at, &ks__op_elu, x, &(ks__alpha){alpha});
}

/* So that means and variances tend to 0 and 1 from layer to layer (Klambauer et al. 2017). */
#define SELU_ALPHA 1.6732632423543772848
#define SELU_SCALE 1.0507009873554804934

KS__FLOATS1(selu, (float)SELU_SCALE *(a > 0 ? a : (float)SELU_ALPHA * ks__expm1_f(a)),
            SELU_SCALE *(a > 0 ? a : SELU_ALPHA * ks__expm1_d(a)))
KS__EXAMPLE1(selu, 1, -2, 0.5, -0.25)

static ks_node *selu_partial(ks_node *y, int i)
{
    ks_place at = ks_node_place(y);
    ks_node *below = ks_mul_at(at, ks__num(y, SELU_SCALE * SELU_ALPHA), ks_exp_at(at, ks__in(y, i)));
    return by_side(y, ks__like(y, SELU_SCALE), below);
}

const ks_op ks__op_selu = {
    .size = sizeof(ks_op),
    .name = "selu",
    .formula = "y = scale x if x > 0, else scale alpha (e^x - 1)",
    .doc = "The scaled exponential linear unit, element by element, alpha = 1.67326... and scale = 1.05070...: a deep network of "
           "these keeps means and variances near 0 and 1 by itself (Klambauer et al. 2017). At 0 the derivative is scale alpha.",
    .types = "T>T",
    .inputs = "x",
    .infer = ks_infer_same,
    .tiles = selu_tiles,
    .partial = selu_partial,
    .chain = KS_CHAIN_SELECT,
    .derivative = "u scale where x > 0, else u scale alpha e^x",
    .onnx = "Selu",
    .example = selu_example,
};
KS__BUILDER1(selu)

KS__FLOATS1(celu, above_f(a, (float)KS__ALPHA(attrs) * ks__expm1_f(a / (float)KS__ALPHA(attrs))),
            above_d(a, KS__ALPHA(attrs) * ks__expm1_d(a / KS__ALPHA(attrs))))
KS__EXAMPLE1(celu, 1, -2, 0.5, -0.25)
static const ks_attr celu_table[] = {
    {"alpha", KS_ATTR_FLOAT, offsetof(ks__alpha, alpha), false, false, "what it tends to below 0, without its sign; not 0; default 1"},
    {0},
};
static const ks__alpha celu_defaults = {1};

static bool infer_celu(ks_infer *infer)
{
    double alpha = KS__ALPHA(infer->attrs);
    if (!(ks__abs_d(alpha) > 0))
        return ks_infer_fail(infer, KS_BAD_ARGUMENT, "alpha is %g: it must differ from 0, for x is divided by it", alpha);
    return ks_infer_same(infer);
}

static ks_node *celu_partial(ks_node *y, int i)
{
    ks_place at = ks_node_place(y);
    ks_node *scaled = ks_div_at(at, ks__in(y, i), ks__num(y, KS__ALPHA(ks__attrs(y))));
    return by_side(y, ks__like(y, 1), ks_exp_at(at, scaled));
}

const ks_op ks__op_celu = {
    .size = sizeof(ks_op),
    .name = "celu",
    .formula = "y = x if x > 0, else alpha (e^(x / alpha) - 1)",
    .doc = "An elu whose derivative is continuous for every alpha, element by element (Barron 2017): 1 at 0.",
    .types = "T>T",
    .inputs = "x",
    .attrs = celu_table,
    .attrs_size = sizeof(ks__alpha),
    .defaults = &celu_defaults,
    .infer = infer_celu,
    .tiles = celu_tiles,
    .partial = celu_partial,
    .chain = KS_CHAIN_SELECT,
    .derivative = "u where x > 0, else u e^(x / alpha)",
    .onnx = "Celu",
    .example = celu_example,
};

ks_node *ks_celu_at(ks_place at, ks_node *x, double alpha)
{
    return ks__apply1(at, &ks__op_celu, x, &(ks__alpha){alpha});
}
