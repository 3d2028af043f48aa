/*
 * ops/elementwise/logic.c - true or false: is_nan, is_inf, is_finite, and bools joined: logical_and, logical_or, logical_xor, logical_not.
 */
#include "ops/elementwise/elementwise.h"

static const char why[] = "it is true or false: it stays or jumps";

/* ---- is_nan, is_inf, is_finite ------------------------------------------------------------------------- */

#define ASKS(NAME, IN_F32, IN_F64)                                                                                                         \
    KS_TILE1(NAME##_f32, uint8_t, float, IN_F32)                                                                                           \
    KS_TILE1(NAME##_f64, uint8_t, double, IN_F64)                                                                                          \
    KS__FLOAT_TABLE(NAME)                                                                                                                  \
    KS__EXAMPLE1(NAME, 1, -2, INFINITY, NAN)                                                                                               \
    KS__BUILDER1(NAME)
ASKS(is_nan, a != a, a != a)
ASKS(is_inf, ks__abs_f(a) == INFINITY, ks__abs_d(a) == (double)INFINITY)
ASKS(is_finite, ks__abs_f(a) < INFINITY, ks__abs_d(a) < (double)INFINITY)

const ks_op ks__op_is_nan = {
    .size = sizeof(ks_op),
    .name = "is_nan",
    .formula = "y = x is NaN",
    .doc = "Whether x is not a number, element by element. The result is bool.",
    .types = "T>B",
    .inputs = "x",
    .infer = ks_infer_same,
    .tiles = is_nan_tiles,
    .no_derivative = why,
    .onnx = "IsNaN",
    .example = is_nan_example,
};

const ks_op ks__op_is_inf = {
    .size = sizeof(ks_op),
    .name = "is_inf",
    .formula = "y = x is infinite",
    .doc = "Whether x is infinity or -infinity, element by element. The result is bool.",
    .types = "T>B",
    .inputs = "x",
    .infer = ks_infer_same,
    .tiles = is_inf_tiles,
    .no_derivative = why,
    .onnx = "IsInf",
    .example = is_inf_example,
};

const ks_op ks__op_is_finite = {
    .size = sizeof(ks_op),
    .name = "is_finite",
    .formula = "y = x is neither infinite nor NaN",
    .doc = "Whether x is a finite number, element by element: neither infinite nor NaN. The result is bool.",
    .types = "T>B",
    .inputs = "x",
    .infer = ks_infer_same,
    .tiles = is_finite_tiles,
    .no_derivative = why,
    .example = is_finite_example,
};

/* ---- logical_and, logical_or, logical_xor, logical_not ------------------------------------------------- */

/* A bool is a byte that is 0 or 1. */
#define BOOLS(NAME) static const ks_tile NAME##_tiles[KS_DTYPES] = {[KS_BOOL] = KS__TILE(NAME##_bool)};

#define JOINS(NAME, SIGN)                                                                                                                  \
    KS_TILE2(NAME##_bool, uint8_t, uint8_t, uint8_t, a SIGN b)                                                                             \
    BOOLS(NAME)                                                                                                                            \
    KS__BUILDER2(NAME)                                                                                                                     \
    static ks_node *NAME##_example(ks_graph *g)                                                                                            \
    {                                                                                                                                      \
        ks_node *a = ks_constant(g, KS_BOOL, KS_SHAPE(2, 2), ((const uint8_t[]){0, 0, 1, 1}));                                             \
        return ks_##NAME(a, ks_constant(g, KS_BOOL, KS_SHAPE(2), ((const uint8_t[]){0, 1})));                                              \
    }
JOINS(logical_and, &)
JOINS(logical_or, |)
JOINS(logical_xor, ^)
KS_TILE1(logical_not_bool, uint8_t, uint8_t, a ^ 1)
BOOLS(logical_not)
KS__BUILDER1(logical_not)

static ks_node *logical_not_example(ks_graph *g)
{
    return ks_logical_not(ks_constant(g, KS_BOOL, KS_SHAPE(2, 2), ((const uint8_t[]){0, 0, 1, 1})));
}

const ks_op ks__op_logical_and = {
    .size = sizeof(ks_op),
    .name = "logical_and",
    .formula = "y = a and b",
    .doc = "Whether both hold, element by element; operands are bool and broadcast as NumPy's do.",
    .types = "BB>B",
    .inputs = "a b",
    .allowed = 1u << KS_BOOL,
    .infer = ks_infer_broadcast,
    .tiles = logical_and_tiles,
    .no_derivative = why,
    .onnx = "And",
    .example = logical_and_example,
};

const ks_op ks__op_logical_or = {
    .size = sizeof(ks_op),
    .name = "logical_or",
    .formula = "y = a or b",
    .doc = "Whether at least one holds, element by element; operands are bool and broadcast as NumPy's do.",
    .types = "BB>B",
    .inputs = "a b",
    .allowed = 1u << KS_BOOL,
    .infer = ks_infer_broadcast,
    .tiles = logical_or_tiles,
    .no_derivative = why,
    .onnx = "Or",
    .example = logical_or_example,
};

const ks_op ks__op_logical_xor = {
    .size = sizeof(ks_op),
    .name = "logical_xor",
    .formula = "y = a or b, not both",
    .doc = "Whether exactly one holds, element by element; operands are bool and broadcast as NumPy's do.",
    .types = "BB>B",
    .inputs = "a b",
    .allowed = 1u << KS_BOOL,
    .infer = ks_infer_broadcast,
    .tiles = logical_xor_tiles,
    .no_derivative = why,
    .onnx = "Xor",
    .example = logical_xor_example,
};

const ks_op ks__op_logical_not = {
    .size = sizeof(ks_op),
    .name = "logical_not",
    .formula = "y = not x",
    .doc = "The opposite, element by element, of a bool.",
    .types = "B>B",
    .inputs = "x",
    .allowed = 1u << KS_BOOL,
    .infer = ks_infer_same,
    .tiles = logical_not_tiles,
    .no_derivative = why,
    .onnx = "Not",
    .example = logical_not_example,
};
