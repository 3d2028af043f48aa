/*
 * ops/elementwise/rounding.c - whole numbers and what is left: floor, ceil, round, trunc, mod, fmod.
 */
#include "ops/elementwise/elementwise.h"

static const char why[] = "it is flat: it stays or jumps";

/* Whole numbers are rounded already. */
#define ROUNDS(NAME, IN_F32, IN_F64)                                                                                                       \
    KS_TILE1(NAME##_f32, float, float, IN_F32)                                                                                             \
    KS_TILE1(NAME##_f64, double, double, IN_F64)                                                                                           \
    KS_TILE1(NAME##_i32, int32_t, int32_t, a)                                                                                              \
    KS_TILE1(NAME##_i64, int64_t, int64_t, a)                                                                                              \
    KS_TILE1(NAME##_u8, uint8_t, uint8_t, a)                                                                                               \
    KS__NUMBER_TABLE(NAME)                                                                                                                 \
    KS__EXAMPLE1(NAME, 1.25, -2.75, 0.625, -0.25)                                                                                          \
    KS__BUILDER1(NAME)

/* ---- floor, ceil, round, trunc ------------------------------------------------------------------------- */

ROUNDS(floor, floorf(a), floor(a))
ROUNDS(ceil, ceilf(a), ceil(a))
ROUNDS(round, rintf(a), rint(a))
ROUNDS(trunc, truncf(a), trunc(a))

const ks_op ks__op_floor = {
    .size = sizeof(ks_op),
    .name = "floor",
    .formula = "y = the greatest whole number <= x",
    .doc = "The greatest whole number that is not above x, element by element. Whole numbers, infinities and NaN stay as they are. "
           "It keeps its dtype: ks_cast makes integers.",
    .types = "T>T",
    .inputs = "x",
    .allowed = KS_NUMBERS,
    .infer = ks_infer_same,
    .tiles = floor_tiles,
    .no_derivative = why,
    .onnx = "Floor",
    .example = floor_example,
};

const ks_op ks__op_ceil = {
    .size = sizeof(ks_op),
    .name = "ceil",
    .formula = "y = the least whole number >= x",
    .doc = "The least whole number that is not below x, element by element; from (-1, 0) it is -0. Whole numbers, infinities and "
           "NaN stay as they are. It keeps its dtype: ks_cast makes integers.",
    .types = "T>T",
    .inputs = "x",
    .allowed = KS_NUMBERS,
    .infer = ks_infer_same,
    .tiles = ceil_tiles,
    .no_derivative = why,
    .onnx = "Ceil",
    .example = ceil_example,
};

const ks_op ks__op_round = {
    .size = sizeof(ks_op),
    .name = "round",
    .formula = "y = the whole number nearest to x",
    .doc = "The nearest whole number, element by element; what lies half way goes to the even one, so that errors of many do not "
           "add up, as in NumPy and ONNX. Whole numbers, infinities and NaN stay as they are. It keeps its dtype: ks_cast makes "
           "integers.",
    .types = "T>T",
    .inputs = "x",
    .allowed = KS_NUMBERS,
    .infer = ks_infer_same,
    .tiles = round_tiles,
    .no_derivative = why,
    .onnx = "Round",
    .example = round_example,
};

const ks_op ks__op_trunc = {
    .size = sizeof(ks_op),
    .name = "trunc",
    .formula = "y = x without its fraction",
    .doc = "The whole number next to x on the side of zero, element by element. Whole numbers, infinities and NaN stay as they "
           "are. It keeps its dtype: ks_cast makes integers.",
    .types = "T>T",
    .inputs = "x",
    .allowed = KS_NUMBERS,
    .infer = ks_infer_same,
    .tiles = trunc_tiles,
    .no_derivative = why,
    .example = trunc_example,
};

/* ---- mod, fmod ----------------------------------------------------------------------------------------- */

/* C's remainder, brought to the side of the divisor: NumPy's rule, zeros included. */
static KS_INLINE double towards_divisor(double rest, double b)
{
    double moved = (rest < 0) != (b < 0) ? rest + b : rest;
    return rest == 0 ? copysign(0, b) : moved;
}

/* The remainder of whole numbers, 0 where b is 0; for b = -1 it is 0 too, which the least number could not be asked. */
#define REST(a, b)    ((b) == 0 || (b) + 1 == 0 ? 0 : (a) % (b))
#define FLOORED(R, b) ((R) != 0 && ((R) < 0) != ((b) < 0) ? (R) + (b) : (R))

KS_TILE2(mod_f32, float, float, float, towards_divisor((double)fmodf(a, b), (double)b))
KS_TILE2(mod_f64, double, double, double, towards_divisor(fmod(a, b), b))
KS_TILE2(mod_i32, int32_t, int32_t, int32_t, FLOORED(REST(a, b), b))
KS_TILE2(mod_i64, int64_t, int64_t, int64_t, FLOORED(REST(a, b), b))
KS_TILE2(mod_u8, uint8_t, uint8_t, uint8_t, b == 0 ? 0 : a % b)
KS__NUMBER_TABLE(mod)
KS_TILE2(fmod_f32, float, float, float, fmodf(a, b))
KS_TILE2(fmod_f64, double, double, double, fmod(a, b))
KS_TILE2(fmod_i32, int32_t, int32_t, int32_t, REST(a, b))
KS_TILE2(fmod_i64, int64_t, int64_t, int64_t, REST(a, b))
KS_TILE2(fmod_u8, uint8_t, uint8_t, uint8_t, b == 0 ? 0 : a % b)
KS__NUMBER_TABLE(fmod)

/* y = a - k b with a whole k: 1, and -k as what y and a say it was, for the quotient may have rounded up to the next. */
static ks_node *mod_partial(ks_node *y, int i)
{
    ks_place at = ks_node_place(y);
    if (i == 0)
        return ks__unit(y, 1);
    return ks_round_at(at, ks_div_at(at, ks_sub_at(at, y, ks__in(y, 0)), ks__in(y, 1)));
}

/* [2, 3] and [3], away from where a / b is whole */
static ks_node *pair(ks_graph *g, ks_node **b)
{
    *b = ks__given(g, "b", KS_SHAPE(3), KS__VALUES(0.75, -2.5, 1.25));
    return ks__given(g, "a", KS_SHAPE(2, 3), KS__VALUES(1.625, 0.5, -2, -3.25, 4.75, 0.25));
}

#define EXAMPLE2(NAME)                                                                                                                     \
    static ks_node *NAME##_example(ks_graph *g)                                                                                            \
    {                                                                                                                                      \
        ks_node *b, *a = pair(g, &b);                                                                                                      \
        return ks__apply2(KS_HERE, &ks__op_##NAME, a, b, NULL);                                                                            \
    }
EXAMPLE2(mod)
EXAMPLE2(fmod)

const ks_op ks__op_mod = {
    .size = sizeof(ks_op),
    .name = "mod",
    .formula = "y = a - b floor(a / b)",
    .doc = "The remainder with the sign of the divisor, element by element, exactly: NumPy's and Python's rule, in which -1 mod 3 "
           "is 2. Operands broadcast as NumPy's do. NaN where b is 0 or a is infinite; of whole numbers x mod 0 is 0. The C "
           "library's fmod computes it, an element at a time.",
    .types = "TT>T",
    .inputs = "a b",
    .allowed = KS_NUMBERS,
    .infer = ks_infer_broadcast,
    .tiles = mod_tiles,
    .partial = mod_partial,
    .derivative = "u; -u floor(a / b)",
    .onnx = "Mod",
    .example = mod_example,
};
KS__BUILDER2(mod)

const ks_op ks__op_fmod = {
    .size = sizeof(ks_op),
    .name = "fmod",
    .formula = "y = a - b trunc(a / b)",
    .doc = "The remainder with the sign of the dividend, element by element, exactly: C's rule, in which -1 mod 3 is -1. Operands "
           "broadcast as NumPy's do. NaN where b is 0 or a is infinite; of whole numbers x mod 0 is 0. The C library's fmod "
           "computes it, an element at a time.",
    .types = "TT>T",
    .inputs = "a b",
    .allowed = KS_NUMBERS,
    .infer = ks_infer_broadcast,
    .tiles = fmod_tiles,
    .partial = mod_partial,
    .derivative = "u; -u trunc(a / b)",
    .example = fmod_example,
};
KS__BUILDER2(fmod)
