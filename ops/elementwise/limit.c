/*
 * ops/elementwise/limit.c - what is kept between limits: clip, and the activations made with it, hard_sigmoid and hard_swish.
 *
 * Partials select: what they shut off adds nothing to a gradient.
 */
#include "ops/elementwise/elementwise.h"

/* ---- clip ---------------------------------------------------------------------------------------------- */

typedef struct clip_attrs {
    double min, max;
} clip_attrs;

static const ks_attr clip_table[] = {
    {"min", KS_ATTR_FLOAT, offsetof(clip_attrs, min), false, false, "the least value; default -infinity"},
    {"max", KS_ATTR_FLOAT, offsetof(clip_attrs, max), false, false, "the greatest value, which wins over min; default infinity"},
    {0},
};
static const clip_attrs clip_defaults = {-(double)INFINITY, (double)INFINITY};

#define MIN (((const clip_attrs *)attrs)->min)
#define MAX (((const clip_attrs *)attrs)->max)

/* A NaN passes, since it compares false. */
#define BETWEEN(x, LOW, HIGH) ((x) < (LOW) ? ((HIGH) < (LOW) ? (HIGH) : (LOW)) : (x) > (HIGH) ? (HIGH) : (x))

/* The whole number that stands for a limit among those from least to most. */
static KS_INLINE int64_t whole_limit(double limit, int64_t least, int64_t most)
{
    if (limit <= (double)least)
        return least;
    return limit >= (double)most ? most : (int64_t)limit;
}
#define WHOLE_BETWEEN(x, LEAST, MOST) BETWEEN((int64_t)(x), whole_limit(ceil(MIN), LEAST, MOST), whole_limit(floor(MAX), LEAST, MOST))

KS_TILE1(clip_f32, float, float, BETWEEN(a, (float)MIN, (float)MAX))
KS_TILE1(clip_f64, double, double, BETWEEN(a, MIN, MAX))
KS_TILE1(clip_i32, int32_t, int32_t, WHOLE_BETWEEN(a, INT32_MIN, INT32_MAX))
KS_TILE1(clip_i64, int64_t, int64_t, WHOLE_BETWEEN(a, INT64_MIN, INT64_MAX))
KS_TILE1(clip_u8, uint8_t, uint8_t, WHOLE_BETWEEN(a, 0, 255))
KS__NUMBER_TABLE(clip)

static bool infer_clip(ks_infer *infer)
{
    const clip_attrs *attrs = infer->attrs;
    if (attrs->min != attrs->min || attrs->max != attrs->max)
        return ks_infer_fail(infer, KS_BAD_ARGUMENT, "a limit is NaN: give numbers, -infinity and infinity for no limit");
    return ks_infer_same(infer);
}

/* 1 from min to max, both included, as the value of a bool. */
static ks_node *clip_partial(ks_node *y, int i)
{
    ks_place at = ks_node_place(y);
    const clip_attrs *attrs = ks__attrs(y);
    ks_node *x = ks__in(y, i);
    ks_node *above = ks_greater_equal_at(at, x, ks__num(y, attrs->min)), *below = ks_less_equal_at(at, x, ks__num(y, attrs->max));
    return ks_cast_at(at, ks_logical_and_at(at, above, below), ks_node_dtype(y));
}

static ks_node *clip_example(ks_graph *g)
{
    return ks_clip(ks__given(g, "x", KS_SHAPE(2, 2), KS__VALUES(1.5, -2, 0.5, -0.25)), -1, 1);
}

const ks_op ks__op_clip = {
    .size = sizeof(ks_op),
    .name = "clip",
    .formula = "y = min if x < min, max if x > max, else x",
    .doc = "Keeps x between min and max, element by element. The derivative is 1 between them and at both, else 0. A NaN stays "
           "one. If min is above max the result is max, as in NumPy. Of whole numbers the limits are those whole numbers that lie "
           "within them.",
    .types = "T>T",
    .inputs = "x",
    .allowed = KS_NUMBERS,
    .attrs = clip_table,
    .attrs_size = sizeof(clip_attrs),
    .defaults = &clip_defaults,
    .infer = infer_clip,
    .tiles = clip_tiles,
    .partial = clip_partial,
    .chain = KS_CHAIN_SELECT,
    .derivative = "u where min <= x <= max, else 0",
    .onnx = "Clip",
    .example = clip_example,
};

ks_node *ks_clip_at(ks_place at, ks_node *x, double min, double max)
{
    return ks__apply1(at, &ks__op_clip, x, &(clip_attrs){min, max});
}

/* ---- hard_sigmoid -------------------------------------------------------------------------------------- */

typedef struct line_attrs {
    double alpha, beta;
} line_attrs;

static const ks_attr hard_sigmoid_table[] = {
    {"alpha", KS_ATTR_FLOAT, offsetof(line_attrs, alpha), false, false, "the slope; default 0.2"},
    {"beta", KS_ATTR_FLOAT, offsetof(line_attrs, beta), false, false, "the value at 0; default 0.5"},
    {0},
};
static const line_attrs hard_sigmoid_defaults = {0.2, 0.5};

#define ALPHA (((const line_attrs *)attrs)->alpha)
#define BETA  (((const line_attrs *)attrs)->beta)
KS__FLOATS1(hard_sigmoid, ks__clamp_f(a *(float)ALPHA + (float)BETA, 0, 1), ks__clamp_d(a *ALPHA + BETA, 0, 1))
KS__EXAMPLE1(hard_sigmoid, 1, -3, 0.5, -0.25)

static ks_node *hard_sigmoid_partial(ks_node *y, int i)
{
    (void)i;
    ks_place at = ks_node_place(y);
    const line_attrs *attrs = ks__attrs(y);
    ks_node *within = ks_logical_and_at(at, ks_greater_at(at, y, ks__num(y, 0)), ks_less_at(at, y, ks__num(y, 1)));
    return ks_where_at(at, within, ks__like(y, attrs->alpha), ks__like(y, 0));
}

const ks_op ks__op_hard_sigmoid = {
    .size = sizeof(ks_op),
    .name = "hard_sigmoid",
    .formula = "y = alpha x + beta, kept between 0 and 1",
    .doc = "A sigmoid of three straight lines, element by element. ONNX's slope is 0.2, PyTorch's 1/6. The derivative is alpha "
           "strictly between the corners, else 0.",
    .types = "T>T",
    .inputs = "x",
    .attrs = hard_sigmoid_table,
    .attrs_size = sizeof(line_attrs),
    .defaults = &hard_sigmoid_defaults,
    .infer = ks_infer_same,
    .tiles = hard_sigmoid_tiles,
    .partial = hard_sigmoid_partial,
    .chain = KS_CHAIN_SELECT,
    .derivative = "u alpha where 0 < y < 1, else 0",
    .onnx = "HardSigmoid",
    .example = hard_sigmoid_example,
};

ks_node *ks_hard_sigmoid_at(ks_place at, ks_node *x, double alpha, double beta)
{
    return ks__apply1(at, &ks__op_hard_sigmoid, x, &(line_attrs){alpha, beta});
}

/* ---- hard_swish ---------------------------------------------------------------------------------------- */

/* 0 is taken below -3, where the product with the clamp's 0 would be NaN for -infinity. */
KS__FLOATS1(hard_swish, a < -3 ? 0 : a * ks__clamp_f(a * (1.0f / 6) + 0.5f, 0, 1), a < -3 ? 0 : a * ks__clamp_d(a * (1.0 / 6) + 0.5, 0, 1))
KS__EXAMPLE1(hard_swish, 1, -2, 4, -3.5)

static ks_node *hard_swish_partial(ks_node *y, int i)
{
    ks_place at = ks_node_place(y);
    ks_node *x = ks__in(y, i);
    ks_node *curve = ks_add_at(at, ks_mul_at(at, x, ks__num(y, 1.0 / 3)), ks__num(y, 0.5));
    ks_node *up = ks_where_at(at, ks_greater_at(at, x, ks__num(y, 3)), ks__num(y, 1), curve);
    return ks_where_at(at, ks_less_at(at, x, ks__num(y, -3)), ks__num(y, 0), up);
}

const ks_op ks__op_hard_swish = {
    .size = sizeof(ks_op),
    .name = "hard_swish",
    .formula = "y = x (x / 6 + 1/2, kept between 0 and 1)",
    .doc = "A silu without an exponential, element by element: 0 below -3, x above 3, and a parabola between (Howard et al. 2019). "
           "At the corners the derivative is the parabola's: -1/2 at -3 and 3/2 at 3, as in PyTorch.",
    .types = "T>T",
    .inputs = "x",
    .infer = ks_infer_same,
    .tiles = hard_swish_tiles,
    .partial = hard_swish_partial,
    .chain = KS_CHAIN_SELECT,
    .derivative = "u (x / 3 + 1/2) where -3 <= x <= 3, u above, 0 below",
    .onnx = "HardSwish",
    .example = hard_swish_example,
};
KS__BUILDER1(hard_swish)
