/*
 * ops/elementwise/compare.c - deciding by values: equal, not_equal, less, less_equal, greater, greater_equal, and where.
 *
 * A NaN is equal to nothing and neither less nor greater. where selects, it does not multiply: what it did not take adds
 * nothing to a gradient, whatever it was.
 */
#include "ops/tiles.h"

static const char why[] = "it is true or false: it stays or jumps";

static ks_node *pair(ks_graph *g, ks_node **b)
{
    *b = ks__given(g, "b", KS_SHAPE(3), KS__VALUES(0.75, 2.5, 2));
    return ks__given(g, "a", KS_SHAPE(2, 3), KS__VALUES(1.5, 0.5, 2, 3, 1.75, 0.25));
}

/* a comparison of every dtype, as bytes */
#define COMPARE(NAME, SIGN)                                                                                                                \
    KS_TILE2(NAME##_f32, uint8_t, float, float, a SIGN b)                                                                                  \
    KS_TILE2(NAME##_f64, uint8_t, double, double, a SIGN b)                                                                                \
    KS_TILE2(NAME##_i32, uint8_t, int32_t, int32_t, a SIGN b)                                                                              \
    KS_TILE2(NAME##_i64, uint8_t, int64_t, int64_t, a SIGN b)                                                                              \
    KS_TILE2(NAME##_u8, uint8_t, uint8_t, uint8_t, a SIGN b)                                                                               \
    KS__FULL_TABLE(NAME)                                                                                                                   \
    static ks_node *NAME##_example(ks_graph *g)                                                                                            \
    {                                                                                                                                      \
        ks_node *b, *a = pair(g, &b);                                                                                                      \
        return ks_##NAME(a, b);                                                                                                            \
    }                                                                                                                                      \
    KS__BUILDER2(NAME)

#define DEFINE(NAME, FORMULA, DOC, ONNX)                                                                                                   \
    {                                                                                                                                      \
        .size = sizeof(ks_op), .name = #NAME, .formula = FORMULA, .doc = DOC, .types = "TT>B", .inputs = "a b", .allowed = KS_ALL_TYPES,   \
        .infer = ks_infer_broadcast, .tiles = NAME##_tiles, .no_derivative = why, .onnx = ONNX, .example = NAME##_example                  \
    }

COMPARE(equal, ==)
COMPARE(not_equal, !=)
COMPARE(less, <)
COMPARE(less_equal, <=)
COMPARE(greater, >)
COMPARE(greater_equal, >=)

const ks_op ks__op_equal =
    DEFINE(equal, "y = a == b", "Whether two are equal, element by element; a NaN equals nothing. The result is bool.", "Equal");
const ks_op ks__op_not_equal =
    DEFINE(not_equal, "y = a != b", "Whether two differ, element by element; a NaN differs from everything. The result is bool.", NULL);
const ks_op ks__op_less = DEFINE(less, "y = a < b", "Whether a is less than b, element by element. The result is bool.", "Less");
const ks_op ks__op_less_equal =
    DEFINE(less_equal, "y = a <= b", "Whether a is at most b, element by element. The result is bool.", "LessOrEqual");
const ks_op ks__op_greater =
    DEFINE(greater, "y = a > b", "Whether a is greater than b, element by element. The result is bool.", "Greater");
const ks_op ks__op_greater_equal =
    DEFINE(greater_equal, "y = a >= b", "Whether a is at least b, element by element. The result is bool.", "GreaterOrEqual");

/* ---- where --------------------------------------------------------------------------------------------- */

KS_TILE3(where_f32, float, uint8_t, float, float, a ? b : c)
KS_TILE3(where_f64, double, uint8_t, double, double, a ? b : c)
KS_TILE3(where_i32, int32_t, uint8_t, int32_t, int32_t, a ? b : c)
KS_TILE3(where_i64, int64_t, uint8_t, int64_t, int64_t, a ? b : c)
KS_TILE3(where_u8, uint8_t, uint8_t, uint8_t, uint8_t, a ? b : c)
KS__FULL_TABLE(where)

static ks_node *where_pullback(ks_node *y, int i, ks_node *u)
{
    ks_place at = ks_node_place(y);
    ks_node *condition = ks__in(y, 0), *zero = i ? ks_number_at(at, y->graph, 0) : NULL;
    if (i == 0)
        return NULL;
    ks_node *taken = i == 1 ? ks_where_at(at, condition, u, zero) : ks_where_at(at, condition, zero, u);
    return ks__sum_down(at, taken, ks__in(y, i));
}

static ks_node *where_example(ks_graph *g)
{
    ks_node *b, *a = pair(g, &b);
    return ks_where(ks_constant(g, KS_BOOL, KS_SHAPE(2, 3), ((const uint8_t[]){1, 0, 1, 0, 0, 1})), a, b);
}

const ks_op ks__op_where = {
    .size = sizeof(ks_op),
    .name = "where",
    .formula = "y = a if condition, else b",
    .doc = "Selects, element by element: a where the bool condition holds, else b; all three broadcast. The side that was not taken adds "
           "nothing to a "
           "gradient, even if it is NaN or its derivative infinite.",
    .types = "BTT>T",
    .inputs = "condition a b",
    .allowed = KS_ALL_TYPES,
    .flags = KS_OP_LINEAR | KS_OP_JOINT,
    .infer = ks_infer_broadcast,
    .tiles = where_tiles,
    .pullback = where_pullback,
    .derivative = "none; where(condition, u, 0); where(condition, 0, u)",
    .onnx = "Where",
    .example = where_example,
};

ks_node *ks_where_at(ks_place at, ks_node *condition, ks_node *a, ks_node *b)
{
    return ks__apply3(at, &ks__op_where, condition, a, b, NULL);
}
