/*
 * ops/elementwise/cast.c - from one dtype to another: a kernel for each pair.
 */
#include "ops/elementwise/elementwise.h"

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
