/*
 * ops/leaf.c - where values come from: what is fed, what is fixed, bare numbers, and variables, which stay.
 *
 * Leaves have no kernel and no derivative of their own; their builders are in graph/leaf.c.
 */
#include "ops/family.h"

/* A leaf's shape is set by its builder. */
static bool infer_leaf(ks_infer *infer)
{
    infer->out = KS_SCALAR;
    return true;
}

static const char why[] = "it is a leaf: derivatives end here";

const ks_op ks__op_input = {
    .size = sizeof(ks_op),
    .name = "input",
    .formula = "y is fed",
    .doc = "A value given from outside with ks_feed before a run. Its dimensions may be open: each run may feed other sizes, and equal "
           "symbols "
           "must agree.",
    .types = ">T",
    .inputs = "",
    .allowed = KS_ALL_TYPES,
    .flags = KS_OP_FED,
    .infer = infer_leaf,
    .no_derivative = why,
};

const ks_op ks__op_constant = {
    .size = sizeof(ks_op),
    .name = "constant",
    .formula = "y is fixed",
    .doc = "A fixed tensor. It has no open dimensions and never changes in a run.",
    .types = ">T",
    .inputs = "",
    .allowed = KS_ALL_TYPES,
    .flags = KS_OP_CONSTANT,
    .infer = infer_leaf,
    .no_derivative = why,
    .onnx = "Constant",
};

const ks_op ks__op_number = {
    .size = sizeof(ks_op),
    .name = "number",
    .formula = "y is a number",
    .doc =
        "A bare number: a scalar that takes the dtype of the operand beside it, and f32 beside other numbers. In JSON it stands among the "
        "inputs: [\"x\", 2].",
    .types = ">T",
    .inputs = "",
    .allowed = KS_ALL_TYPES,
    .flags = KS_OP_NUMBER,
    .infer = infer_leaf,
    .no_derivative = why,
};

const ks_op ks__op_variable = {
    .size = sizeof(ks_op),
    .name = "variable",
    .formula = "y stays",
    .doc =
        "A value that stays from run to run: a trainable weight, or state such as a running mean. assign changes it at the end of a run, "
        "ks_set at once. Without a value it draws its initialiser at the first use.",
    .types = ">T",
    .inputs = "",
    .allowed = KS_ALL_TYPES,
    .flags = KS_OP_VARIABLE,
    .infer = infer_leaf,
    .no_derivative = why,
};
