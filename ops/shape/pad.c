/*
 * ops/shape/pad.c - elements before and after each axis: pad, and unpad, which adds up where they came from.
 */
#include "ops/shape/map.h"

typedef struct pad_attrs {
    ks_ints begin, end;
    int64_t mode;
    double value;
} pad_attrs;

/* The same without the value, which no derivative knows. */
typedef struct unpad_attrs {
    ks_ints begin, end;
    int64_t mode;
} unpad_attrs;

#define BEGIN_DOC "how many elements are put in front, a number for each axis"
#define END_DOC   "how many elements are put behind, a number for each axis"
#define MODE_DOC  "0: a constant; 1: reflected at the outermost element, which is not repeated; 2: the outermost element; default 0"

static const ks_attr pad_table[] = {
    {"begin", KS_ATTR_INTS, offsetof(pad_attrs, begin), false, true, BEGIN_DOC},
    {"end", KS_ATTR_INTS, offsetof(pad_attrs, end), false, true, END_DOC},
    {"mode", KS_ATTR_INT, offsetof(pad_attrs, mode), false, false, MODE_DOC},
    {"value", KS_ATTR_FLOAT, offsetof(pad_attrs, value), true, false, "the constant of mode 0; default 0"},
    {0},
};
static const ks_attr unpad_table[] = {
    {"begin", KS_ATTR_INTS, offsetof(unpad_attrs, begin), false, true, BEGIN_DOC},
    {"end", KS_ATTR_INTS, offsetof(unpad_attrs, end), false, true, END_DOC},
    {"mode", KS_ATTR_INT, offsetof(unpad_attrs, mode), false, false, MODE_DOC},
    {0},
};

static unpad_attrs without_value(const pad_attrs *attrs)
{
    return (unpad_attrs){attrs->begin, attrs->end, attrs->mode};
}

/* ---- pad ----------------------------------------------------------------------------------------------- */

/* Whether an axis of n elements, if it is known, has what the mode takes. */
static bool enough(ks_infer *infer, const unpad_attrs *attrs, int axis, int64_t n)
{
    int64_t begin = attrs->begin.at[axis], end = attrs->end.at[axis], most = begin > end ? begin : end;
    if (ks__dim_open(n) || !most || attrs->mode == KS_PAD_CONSTANT)
        return true;
    if (attrs->mode == KS_PAD_REFLECT && most >= n)
        return ks_infer_fail(infer, KS_BAD_SHAPE, "axis %d has %lld elements, and fewer than that can be reflected, not %lld: {0}", axis,
                             (long long)n, (long long)most);
    return n > 0 || ks_infer_fail(infer, KS_BAD_SHAPE, "axis %d is empty, so it has no outermost element to repeat: {0}", axis);
}

static bool padded(ks_infer *infer, const unpad_attrs *attrs, const ks_shape *x, ks_shape *out)
{
    *out = *x;
    if (attrs->begin.count != x->rank || attrs->end.count != x->rank)
        return ks_infer_fail(infer, KS_BAD_SHAPE, "begin has %d numbers and end %d: give one for each axis: {0}", attrs->begin.count,
                             attrs->end.count);
    if (attrs->mode < KS_PAD_CONSTANT || attrs->mode > KS_PAD_EDGE)
        return ks_infer_fail(infer, KS_BAD_ARGUMENT, "mode %lld is none of 0 (constant), 1 (reflect) and 2 (edge)", (long long)attrs->mode);
    for (int i = 0; i < x->rank; i++) {
        int64_t begin = attrs->begin.at[i], end = attrs->end.at[i], *dim = &out->dim[i];
        if (begin < 0 || end < 0)
            return ks_infer_fail(infer, KS_BAD_ARGUMENT, "axis %d is padded by %lld and %lld: ks_slice takes elements away", i,
                                 (long long)begin, (long long)end);
        if (!enough(infer, attrs, i, *dim))
            return false;
        if (ks__dim_open(*dim))
            *dim = begin || end ? KS_ANY : *dim;
        else if (__builtin_add_overflow(*dim, begin, dim) || __builtin_add_overflow(*dim, end, dim))
            return ks_infer_fail(infer, KS_BAD_SHAPE, "axis %d, padded, is beyond what memory can hold: {0}", i);
    }
    return true;
}

static bool infer_pad(ks_infer *infer)
{
    unpad_attrs attrs = without_value(infer->attrs);
    return padded(infer, &attrs, infer->shape[0], &infer->out);
}

static void pad_positions(const void *attributes, int axis, int64_t in, int64_t out, int64_t *position)
{
    const unpad_attrs *attrs = attributes;
    int64_t begin = attrs->begin.at[axis];
    for (int64_t i = 0; i < out; i++) {
        int64_t at = i - begin;
        if (at >= 0 && at < in)
            position[i] = at;
        else if (attrs->mode == KS_PAD_CONSTANT)
            position[i] = -1;
        else if (attrs->mode == KS_PAD_EDGE)
            position[i] = at < 0 ? 0 : in - 1;
        else
            position[i] = at < 0 ? -at : 2 * (in - 1) - at;
    }
}

static bool pad_kernel(const ks_call *call, ks_failure *failure)
{
    const pad_attrs *attrs = call->attrs;
    unpad_attrs where = without_value(attrs);
    ks_call with = *call;
    uint64_t fill = 0;
    int64_t bad;
    if (!ks__convert(&fill, call->out->dtype, &attrs->value, KS_F64, 1, !(1u << call->out->dtype & KS_FLOATS), &bad))
        return ks__kernel_fail(failure, KS_BAD_DTYPE, "the value %g is no %s: pad with one that is", attrs->value,
                               ks_dtype_name(call->out->dtype));
    with.attrs = &where;
    ks__map_copy(&with, pad_positions, &fill);
    return true;
}

static size_t pad_scratch(const ks_call *call)
{
    return ks__map_scratch(call->out->shape);
}

static ks_node *pad_pullback(ks_node *y, int i, ks_node *u)
{
    unpad_attrs attrs = without_value(ks__attrs(y));
    return ks__apply2(ks_node_place(y), &ks__op_unpad, u, ks__in(y, i), &attrs);
}

static ks_node *pad_example(ks_graph *g)
{
    return ks_pad(ks__given(g, "x", KS_SHAPE(2, 3), KS__VALUES(1, -2, 3, 4, 0.5, -6)), KS_INTS(1, 2), KS_INTS(0, 1), KS_PAD_REFLECT, 0);
}

/* A constant beside 0 makes it affine, so it is not said to be linear. */
const ks_op ks__op_pad = {
    .size = sizeof(ks_op),
    .name = "pad",
    .formula = "y = x with elements put before and after each axis",
    .doc =
        "Puts begin[k] elements before and end[k] behind axis k. In mode 0, constant, they are the value (0 unless given); in mode 1, "
        "reflect, 1, 2, 3 goes on as 2, 1 and an axis must be longer than what is put beside it; in mode 2, edge, it goes on as 3, 3. The "
        "modes are those of ONNX's Pad and NumPy's pad. In the derivative what was reflected or repeated adds up at the element that it "
        "came from. The value may change without a new plan.",
    .types = "T>T",
    .flags = KS_OP_MOVES,
    .inputs = "x",
    .allowed = KS_ALL_TYPES,
    .attrs = pad_table,
    .attrs_size = sizeof(pad_attrs),
    .infer = infer_pad,
    .kernel = pad_kernel,
    .scratch = pad_scratch,
    .pullback = pad_pullback,
    .derivative = "unpad(u, x)",
    .onnx = "Pad",
    .example = pad_example,
};

ks_node *ks_pad_at(ks_place at, ks_node *x, ks_ints begin, ks_ints end, ks_pad_mode mode, double value)
{
    pad_attrs attrs = {.mode = (int64_t)mode, .value = value};
    ks__set_ints(&attrs.begin, &begin);
    ks__set_ints(&attrs.end, &end);
    return ks__apply1(at, &ks__op_pad, x, &attrs);
}

/* ---- unpad --------------------------------------------------------------------------------------------- */

static bool infer_unpad(ks_infer *infer)
{
    ks_shape wanted;
    if (!ks__infer_like_second(infer) || !padded(infer, infer->attrs, infer->shape[1], &wanted))
        return false;
    for (int i = 0; i < wanted.rank; i++) {
        int64_t same;
        if (!ks__dim_same(infer->graph, wanted.dim[i], infer->shape[0]->dim[i], &same))
            return ks_infer_fail(infer, KS_BAD_SHAPE, "the first is not what padding makes of the second: {0}, {1}");
    }
    return true;
}

static bool unpad_kernel(const ks_call *call, ks_failure *failure)
{
    (void)failure;
    ks__map_add(call, pad_positions);
    return true;
}

static ks_node *unpad_pullback(ks_node *y, int i, ks_node *u)
{
    const unpad_attrs *attrs = ks__attrs(y);
    return i == 0 ? ks_pad_at(ks_node_place(y), u, attrs->begin, attrs->end, (ks_pad_mode)attrs->mode, 0) : NULL;
}

static ks_node *unpad_example(ks_graph *g)
{
    ks_node *u = ks__given(g, "u", KS_SHAPE(2, 4), KS__VALUES(1, -2, 3, 4, 0.5, -6, 7, 0.25));
    unpad_attrs attrs = {.begin = KS_INTS(0, 1), .end = KS_INTS(0, 1), .mode = KS_PAD_EDGE};
    return ks__apply2(KS_HERE, &ks__op_unpad, u, ks_constant(g, KS_F64, KS_SHAPE(2, 2), KS__VALUES(0, 0, 0, 0)), &attrs);
}

const ks_op ks__op_unpad = {
    .size = sizeof(ks_op),
    .name = "unpad",
    .formula = "y = u added up where pad had taken its elements from",
    .doc =
        "Takes u, which is shaped like a padded `like`, back to like's shape: each element is added where pad takes it from, and what pad "
        "fills with a constant is left out. The transpose of pad with the value 0. Of like only the shape is taken.",
    .types = "TS>T",
    .inputs = "u like",
    .allowed = KS_NUMBERS,
    .flags = KS_OP_LINEAR,
    .attrs = unpad_table,
    .attrs_size = sizeof(unpad_attrs),
    .infer = infer_unpad,
    .kernel = unpad_kernel,
    .scratch = ks__map_add_scratch,
    .pullback = unpad_pullback,
    .derivative = "pad(u)",
    .example = unpad_example,
};
