/*
 * ops/shape/fill.c - tensors out of nothing but a rule: full, arange, linspace, and positions, which takes its size from another tensor
 * when it runs.
 */
#include "ops/family.h"

#include <math.h>

static const char no_input[] = "it has no inputs";
static const char shape_only[] = "only the shape of its input is taken";

static bool known_dtype(ks_infer *infer, int64_t dtype)
{
    if (dtype < 0 || dtype >= KS_DTYPES)
        return ks_infer_fail(infer, KS_BAD_DTYPE, "%lld is no dtype: use f32, f64, i32, i64, u8 or bool", (long long)dtype);
    infer->out_dtype = (ks_dtype)dtype;
    return true;
}

/* Whether the number is one of the dtype's: whole numbers and bool take no others. */
static bool holds(ks_infer *infer, const char *what, double number)
{
    char room[8];
    int64_t bad;
    bool exact = !(1u << infer->out_dtype & KS_FLOATS);
    return ks__convert(room, infer->out_dtype, &number, KS_F64, 1, exact, &bad) ||
           ks_infer_fail(infer, KS_BAD_ARGUMENT, "%s %.17g is no %s", what, number, ks_dtype_name(infer->out_dtype));
}

/* ---- full ---------------------------------------------------------------------------------------------- */

typedef struct full_attrs {
    ks_shape shape;
    int64_t dtype;
    double value;
} full_attrs;

static const ks_attr full_table[] = {
    {"shape", KS_ATTR_SHAPE, offsetof(full_attrs, shape), false, true, "its shape, all of whose sizes are numbers"},
    {"dtype", KS_ATTR_DTYPE, offsetof(full_attrs, dtype), false, false, "its dtype; default f32"},
    {"value", KS_ATTR_FLOAT, offsetof(full_attrs, value), true, false, "what every element is; default 0"},
    {0},
};

static bool infer_full(ks_infer *infer)
{
    const full_attrs *attrs = infer->attrs;
    char text[KS__SHAPE_TEXT];
    infer->out = attrs->shape;
    for (int i = 0; i < infer->out.rank; i++) {
        if (infer->out.dim[i] < 0)
            return ks_infer_fail(infer, KS_BAD_SHAPE, "the shape %s is open: ks_full_like takes one that is known when it runs",
                                 ks__shape_text(infer->graph, &infer->out, text));
    }
    return known_dtype(infer, attrs->dtype) && holds(infer, "the value", attrs->value);
}

static bool full_kernel(const ks_call *call, ks_failure *failure)
{
    (void)failure;
    const full_attrs *attrs = call->attrs;
    uint64_t element = 0;
    int64_t bad;
    ks__convert(&element, call->out->dtype, &attrs->value, KS_F64, 1, false, &bad);
    ks__copy_strided(call, call->out->data, &element, ks_dtype_size(call->out->dtype), 1, &call->out->count, (const int64_t[]){0});
    return true;
}

static ks_node *full_example(ks_graph *g)
{
    return ks_full(g, KS_F64, KS_SHAPE(2, 3), 1.5);
}

const ks_op ks__op_full = {
    .size = sizeof(ks_op),
    .name = "full",
    .formula = "y = value everywhere",
    .doc =
        "A tensor of a given shape and dtype all of whose elements are one value; it takes no memory in the graph and one number in JSON. "
        "ks_zeros and ks_ones are full; ks_full_like takes the shape of another tensor, which may be open. The value may change without a "
        "new plan.",
    .types = ">D",
    .inputs = "",
    .attrs = full_table,
    .attrs_size = sizeof(full_attrs),
    .infer = infer_full,
    .kernel = full_kernel,
    .no_derivative = no_input,
    .onnx = "ConstantOfShape",
    .example = full_example,
};

ks_node *ks_full_at(ks_place at, ks_graph *graph, ks_dtype dtype, ks_shape shape, double value)
{
    full_attrs attrs = {.dtype = (int64_t)dtype, .value = value};
    if (!graph)
        return NULL;
    if (!ks__rank_fits(shape.rank))
        return ks__null(graph, KS_BAD_SHAPE, at, "full: a shape has 0 to %d dimensions, this one %d", KS_MAX_RANK, shape.rank);
    ks__set_shape(&attrs.shape, &shape);
    return ks__compose(at, graph, &ks__op_full, NULL, 0, &attrs);
}

ks_node *ks_full_like_at(ks_place at, ks_node *x, double value)
{
    return x ? ks_expand_at(at, ks_full_at(at, x->graph, ks_node_dtype(x), KS_SCALAR, value), x, KS_ABSENT) : NULL;
}

/* ---- arange and linspace ------------------------------------------------------------------------------- */

typedef struct arange_attrs {
    double start, stop, step;
    int64_t dtype;
} arange_attrs;

static const ks_attr arange_table[] = {
    {"start", KS_ATTR_FLOAT, offsetof(arange_attrs, start), false, false, "the first element; default 0"},
    {"stop", KS_ATTR_FLOAT, offsetof(arange_attrs, stop), false, true, "where it ends; it does not belong to them"},
    {"step", KS_ATTR_FLOAT, offsetof(arange_attrs, step), false, false, "from one to the next, not 0; default 1"},
    {"dtype", KS_ATTR_DTYPE, offsetof(arange_attrs, dtype), false, false, "its dtype; default f32"},
    {0},
};
static const arange_attrs arange_defaults = {.step = 1};

#define MOST_IN_RANGE 9007199254740992.0 /* 2^53: beyond, numbers can't be told apart */

static bool is_number_dtype(ks_infer *infer, int64_t dtype)
{
    return known_dtype(infer, dtype) &&
           (dtype != KS_BOOL || ks_infer_fail(infer, KS_BAD_DTYPE, "bool does not count: use f32, f64, i32, i64 or u8"));
}

/* Whether all elements are whole numbers that the dtype has. */
static bool whole_steps(ks_infer *infer, const arange_attrs *attrs, int64_t count)
{
    if (count > 1 && attrs->step != floor(attrs->step))
        return ks_infer_fail(infer, KS_BAD_ARGUMENT, "the step %g is no whole number: use f32 or f64", attrs->step);
    return !count ||
           (holds(infer, "the start", attrs->start) && holds(infer, "the last element", attrs->start + (double)(count - 1) * attrs->step));
}

static bool infer_arange(ks_infer *infer)
{
    const arange_attrs *attrs = infer->attrs;
    double count = ceil((attrs->stop - attrs->start) / attrs->step);
    if (!is_number_dtype(infer, attrs->dtype))
        return false;
    if (!(fabs(count) <= MOST_IN_RANGE)) /* not finite, or a step of 0 */
        return ks_infer_fail(infer, KS_BAD_ARGUMENT, "from %g to %g by steps of %g no end is reached", attrs->start, attrs->stop,
                             attrs->step);
    infer->out.rank = 1;
    infer->out.dim[0] = count > 0 ? (int64_t)count : 0;
    return (1u << attrs->dtype & KS_FLOATS) || whole_steps(infer, attrs, infer->out.dim[0]);
}

/* out[i] = start + i step, each rounded once; whole numbers below 2^53 are exact. */
static void count_up(const ks_tensor *out, double start, double step)
{
    for (int64_t i = 0; i < out->count; i++) {
        double value = start + (double)i * step;
        switch (out->dtype) {
        case KS_F32:
            ((float *)out->data)[i] = (float)value;
            break;
        case KS_F64:
            ((double *)out->data)[i] = value;
            break;
        case KS_I32:
            ((int32_t *)out->data)[i] = (int32_t)value;
            break;
        case KS_I64:
            ((int64_t *)out->data)[i] = (int64_t)value;
            break;
        default:
            ((uint8_t *)out->data)[i] = (uint8_t)value;
        }
    }
}

static bool arange_kernel(const ks_call *call, ks_failure *failure)
{
    (void)failure;
    const arange_attrs *attrs = call->attrs;
    count_up(call->out, attrs->start, attrs->step);
    return true;
}

static ks_node *arange_example(ks_graph *g)
{
    return ks_arange(g, KS_F64, 1, 2, 0.25);
}

const ks_op ks__op_arange = {
    .size = sizeof(ks_op),
    .name = "arange",
    .formula = "y[i] = start + i step",
    .doc =
        "Numbers from start by equal steps up to stop, which does not belong to them, as NumPy's arange: ceil((stop - start) / step) of "
        "them, none if stop lies the other way. Each is computed from the start, so errors do not add up. positions counts along an axis "
        "whose size is known only when it runs.",
    .types = ">D",
    .inputs = "",
    .attrs = arange_table,
    .attrs_size = sizeof(arange_attrs),
    .defaults = &arange_defaults,
    .infer = infer_arange,
    .kernel = arange_kernel,
    .no_derivative = no_input,
    .onnx = "Range",
    .example = arange_example,
};

ks_node *ks_arange_at(ks_place at, ks_graph *graph, ks_dtype dtype, double start, double stop, double step)
{
    arange_attrs attrs = {start, stop, step, (int64_t)dtype};
    return graph ? ks__compose(at, graph, &ks__op_arange, NULL, 0, &attrs) : NULL;
}

typedef struct linspace_attrs {
    double start, stop;
    int64_t count, dtype;
} linspace_attrs;

static const ks_attr linspace_table[] = {
    {"start", KS_ATTR_FLOAT, offsetof(linspace_attrs, start), false, false, "the first element; default 0"},
    {"stop", KS_ATTR_FLOAT, offsetof(linspace_attrs, stop), false, true, "the last element"},
    {"count", KS_ATTR_INT, offsetof(linspace_attrs, count), false, true, "how many there are"},
    {"dtype", KS_ATTR_DTYPE, offsetof(linspace_attrs, dtype), false, false, "f32 or f64; default f32"},
    {0},
};

static bool infer_linspace(ks_infer *infer)
{
    const linspace_attrs *attrs = infer->attrs;
    if (!known_dtype(infer, attrs->dtype))
        return false;
    if (!(1u << attrs->dtype & KS_FLOATS))
        return ks_infer_fail(infer, KS_BAD_DTYPE, "what lies between is no whole number: use f32 or f64");
    if (attrs->count < 0)
        return ks_infer_fail(infer, KS_BAD_ARGUMENT, "count is %lld: it is how many numbers there are", (long long)attrs->count);
    infer->out.rank = 1;
    infer->out.dim[0] = attrs->count;
    return true;
}

static bool linspace_kernel(const ks_call *call, ks_failure *failure)
{
    (void)failure;
    const linspace_attrs *attrs = call->attrs;
    int64_t last = call->out->count - 1;
    count_up(call->out, attrs->start, last > 0 ? (attrs->stop - attrs->start) / (double)last : 0);
    if (last > 0 && call->out->dtype == KS_F32)
        ((float *)call->out->data)[last] = (float)attrs->stop;
    else if (last > 0)
        ((double *)call->out->data)[last] = attrs->stop;
    return true;
}

static ks_node *linspace_example(ks_graph *g)
{
    return ks_linspace(g, KS_F64, -1, 1, 5);
}

const ks_op ks__op_linspace = {
    .size = sizeof(ks_op),
    .name = "linspace",
    .formula = "y[i] = start + i (stop - start) / (count - 1)",
    .doc = "count numbers at equal distances from start to stop, both of which belong to them, as NumPy's linspace. One number alone is "
           "start.",
    .types = ">D",
    .inputs = "",
    .attrs = linspace_table,
    .attrs_size = sizeof(linspace_attrs),
    .infer = infer_linspace,
    .kernel = linspace_kernel,
    .no_derivative = no_input,
    .example = linspace_example,
};

ks_node *ks_linspace_at(ks_place at, ks_graph *graph, ks_dtype dtype, double start, double stop, int64_t count)
{
    linspace_attrs attrs = {start, stop, count, (int64_t)dtype};
    return graph ? ks__compose(at, graph, &ks__op_linspace, NULL, 0, &attrs) : NULL;
}

/* ---- positions ----------------------------------------------------------------------------------------- */

typedef struct positions_attrs {
    int64_t axis;
} positions_attrs;

static const ks_attr positions_table[] = {
    {"axis", KS_ATTR_INT, offsetof(positions_attrs, axis), false, false, "along which axis of x; default 0"},
    {0},
};

static bool infer_positions(ks_infer *infer)
{
    const positions_attrs *attrs = infer->attrs;
    int axis;
    if (!ks__axis(attrs->axis, infer->shape[0]->rank, &axis))
        return ks_infer_fail(infer, KS_BAD_SHAPE, "there is no axis %lld: {0}", (long long)attrs->axis);
    infer->out.rank = 1;
    infer->out.dim[0] = infer->shape[0]->dim[axis];
    infer->out_dtype = KS_I64;
    return true;
}

static bool positions_kernel(const ks_call *call, ks_failure *failure)
{
    (void)failure;
    for (int64_t i = 0; i < call->out->count; i++)
        ((int64_t *)call->out->data)[i] = i;
    return true;
}

static ks_node *positions_example(ks_graph *g)
{
    return ks_positions(ks__given(g, "x", KS_SHAPE(2, 3), KS__VALUES(1, -2, 3, 4, 0.5, -6)), 1);
}

const ks_op ks__op_positions = {
    .size = sizeof(ks_op),
    .name = "positions",
    .formula = "y[i] = i, along an axis of x",
    .doc = "The positions 0, 1, ... of an axis of x, as i64: what arange is for an axis whose size is known only when it runs. Positional "
           "encodings and the masks of attention are made from it: less_equal of positions as a row and as a column lets each place look "
           "back. Of x only the shape is taken.",
    .types = "S>I",
    .inputs = "x",
    .attrs = positions_table,
    .attrs_size = sizeof(positions_attrs),
    .infer = infer_positions,
    .kernel = positions_kernel,
    .no_derivative = shape_only,
    .example = positions_example,
};

ks_node *ks_positions_at(ks_place at, ks_node *x, int64_t axis)
{
    return ks__apply1(at, &ks__op_positions, x, &(positions_attrs){axis});
}
