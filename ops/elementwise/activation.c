/*
 * ops/elementwise/activation.c - what neurons answer with: sigmoid, tanh, relu, step. (softmax looks at a whole row: ops/loss/softmax.c.)
 */
#include "ops/tiles.h"

static ks_node *num(const ks_node *y, double value)
{
    return ks_number_at(ks_node_place(y), y->graph, value);
}

#define EXAMPLE(NAME)                                                                                                                      \
    static ks_node *NAME##_example(ks_graph *g)                                                                                            \
    {                                                                                                                                      \
        return ks__apply1(KS_HERE, &ks__op_##NAME, ks__given(g, "x", KS_SHAPE(2, 2), KS__VALUES(1, -2, 0.5, -0.25)), NULL);                \
    }

/* ---- sigmoid ------------------------------------------------------------------------------------------- */

KS__FLOATS1(sigmoid, ks__sigmoid_f(a), ks__sigmoid_d(a))
EXAMPLE(sigmoid)

static ks_node *sigmoid_partial(ks_node *y, int i)
{
    (void)i;
    ks_place at = ks_node_place(y);
    return ks_mul_at(at, y, ks_sub_at(at, num(y, 1), y));
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

/* ---- tanh ---------------------------------------------------------------------------------------------- */

KS__FLOATS1(tanh, ks__tanh_f(a), ks__tanh_d(a))
EXAMPLE(tanh)

static ks_node *tanh_partial(ks_node *y, int i)
{
    (void)i;
    ks_place at = ks_node_place(y);
    return ks_sub_at(at, num(y, 1), ks_square_at(at, y));
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

/* ---- relu ---------------------------------------------------------------------------------------------- */

KS__FLOATS1(relu, a <= 0 ? 0 : a, a <= 0 ? 0 : a) /* a NaN passes */
EXAMPLE(relu)

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
EXAMPLE(step)

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
