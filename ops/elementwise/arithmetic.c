/*
 * ops/elementwise/arithmetic.c - two operands, element by element: add, sub, mul, div, pow, maximum, minimum; the two products of the chain
 * rule; and add_n, in which paths of the chain rule meet.
 *
 * Beside each kernel stands its local partial derivative. Whole numbers wrap; x/0 is 0.
 */
#include "ops/elementwise/elementwise.h"

/* [2, 3] and [3], away from where they are equal, zero or negative */
static ks_node *pair(ks_graph *g, ks_node **b)
{
    *b = ks__given(g, "b", KS_SHAPE(3), KS__VALUES(0.75, 2.5, 1.25));
    return ks__given(g, "a", KS_SHAPE(2, 3), KS__VALUES(1.5, 0.5, 2, 3, 1.75, 0.25));
}

#define EXAMPLE(NAME)                                                                                                                      \
    static ks_node *NAME##_example(ks_graph *g)                                                                                            \
    {                                                                                                                                      \
        ks_node *b, *a = pair(g, &b);                                                                                                      \
        return ks__apply2(KS_HERE, &ks__op_##NAME, a, b, NULL);                                                                            \
    }

/* ---- add ----------------------------------------------------------------------------------------------- */

KS__NUMBERS2(add, a + b)
EXAMPLE(add)

static ks_node *add_partial(ks_node *y, int i)
{
    (void)i;
    return ks__unit(y, 1);
}

const ks_op ks__op_add = {
    .size = sizeof(ks_op),
    .name = "add",
    .formula = "y = a + b",
    .doc = "The sum, element by element; operands broadcast as NumPy's do.",
    .types = "TT>T",
    .inputs = "a b",
    .allowed = KS_NUMBERS,
    .infer = ks_infer_broadcast,
    .tiles = add_tiles,
    .partial = add_partial,
    .chain = KS_CHAIN_FINITE,
    .derivative = "u; u",
    .onnx = "Add",
    .example = add_example,
};
KS__BUILDER2(add)

/* ---- sub ----------------------------------------------------------------------------------------------- */

KS__NUMBERS2(sub, a - b)
EXAMPLE(sub)

static ks_node *sub_partial(ks_node *y, int i)
{
    return ks__unit(y, i == 0 ? 1 : -1);
}

const ks_op ks__op_sub = {
    .size = sizeof(ks_op),
    .name = "sub",
    .formula = "y = a - b",
    .doc = "The difference, element by element; operands broadcast as NumPy's do.",
    .types = "TT>T",
    .inputs = "a b",
    .allowed = KS_NUMBERS,
    .infer = ks_infer_broadcast,
    .tiles = sub_tiles,
    .partial = sub_partial,
    .chain = KS_CHAIN_FINITE,
    .derivative = "u; -u",
    .onnx = "Sub",
    .example = sub_example,
    .neutral = "- 0",
};
KS__BUILDER2(sub)

/* ---- mul ----------------------------------------------------------------------------------------------- */

KS__NUMBERS2(mul, a *b)
EXAMPLE(mul)

/* The other factor itself: the "flipped" inputs of the book. */
static ks_node *mul_partial(ks_node *y, int i)
{
    return ks__in(y, 1 - i);
}

const ks_op ks__op_mul = {
    .size = sizeof(ks_op),
    .name = "mul",
    .formula = "y = a b",
    .doc = "The product, element by element; operands broadcast as NumPy's do. For the product of matrices there is matmul.",
    .types = "TT>T",
    .inputs = "a b",
    .allowed = KS_NUMBERS,
    .infer = ks_infer_broadcast,
    .tiles = mul_tiles,
    .partial = mul_partial,
    .derivative = "u b; u a",
    .onnx = "Mul",
    .example = mul_example,
    .neutral = "1 1",
};
KS__BUILDER2(mul)

/* ---- div ----------------------------------------------------------------------------------------------- */

KS_TILE2(div_f32, float, float, float, a / b)
KS_TILE2(div_f64, double, double, double, a / b)
KS_TILE2(div_i32, int32_t, int32_t, int32_t, b == 0 ? 0 : (int64_t)a / b)
KS_TILE2(div_i64, int64_t, int64_t, int64_t, b == 0 ? 0 : b == -1 ? (int64_t)(0 - (uint64_t)a) : a / b)
KS_TILE2(div_u8, uint8_t, uint8_t, uint8_t, b == 0 ? 0 : a / b)
KS__NUMBER_TABLE(div)
EXAMPLE(div)

static ks_node *div_partial(ks_node *y, int i)
{
    ks_place at = ks_node_place(y);
    return i == 0 ? ks_div_at(at, ks__num(y, 1), ks__typed(y, 1)) : ks_neg_at(at, ks_div_at(at, y, ks__in(y, 1)));
}

const ks_op ks__op_div = {
    .size = sizeof(ks_op),
    .name = "div",
    .formula = "y = a / b",
    .doc = "The quotient, element by element; operands broadcast as NumPy's do. Whole numbers are divided towards zero, and x/0 is 0.",
    .types = "TT>T",
    .inputs = "a b",
    .allowed = KS_NUMBERS,
    .infer = ks_infer_broadcast,
    .tiles = div_tiles,
    .partial = div_partial,
    .derivative = "u / b; -u y / b",
    .onnx = "Div",
    .example = div_example,
    .neutral = "- 1",
};
KS__BUILDER2(div)

/* ---- pow ----------------------------------------------------------------------------------------------- */

KS__FLOATS2(pow, ks__pow_f(a, b), ks__pow_d(a, b))
EXAMPLE(pow)

/* chain_mul: x^0 is flat even at 0, where 0 * 0^-1 would be NaN; and so is 0^b, where 0 * log 0 would be. */
static ks_node *pow_partial(ks_node *y, int i)
{
    ks_place at = ks_node_place(y);
    ks_node *a = ks__in(y, 0), *b = ks__in(y, 1);
    if (i == 1)
        return ks_chain_mul_at(at, y, ks_log_at(at, ks__typed(y, 0)));
    return ks_chain_mul_at(at, b, ks_pow_at(at, a, ks_sub_at(at, ks__typed(y, 1), ks__num(y, 1))));
}

const ks_op ks__op_pow = {
    .size = sizeof(ks_op),
    .name = "pow",
    .formula = "y = a^b",
    .doc = "a to the power b, element by element, with the special cases of C's pow: x^0 is 1, and a negative base with a fraction is NaN. "
           "The "
           "derivative with respect to b needs a > 0 (at 0 it is 0).",
    .types = "TT>T",
    .inputs = "a b",
    .infer = ks_infer_broadcast,
    .tiles = pow_tiles,
    .partial = pow_partial,
    .derivative = "u b a^(b-1); u y log a",
    .onnx = "Pow",
    .example = pow_example,
};
KS__BUILDER2(pow)

/* ---- maximum, minimum ---------------------------------------------------------------------------------- */

KS__ORDERED2(maximum, ((b > a) | (b != b)) ? b : a)
KS__ORDERED2(minimum, ((b < a) | (b != b)) ? b : a)
EXAMPLE(maximum)
EXAMPLE(minimum)

/* 1 where `more` beats `less`, 1/2 where they are equal, else 0. */
static ks_node *share(ks_node *y, ks_node *more, ks_node *less)
{
    ks_place at = ks_node_place(y);
    ks_dtype dtype = ks_node_dtype(y);
    ks_node *beats = ks_cast_at(at, ks_greater_at(at, more, less), dtype),
            *holds = ks_cast_at(at, ks_greater_equal_at(at, more, less), dtype);
    return ks_mul_at(at, ks_add_at(at, beats, holds), ks__num(y, 0.5));
}

static ks_node *maximum_partial(ks_node *y, int i)
{
    return share(y, ks__in(y, i), ks__in(y, 1 - i));
}

static ks_node *minimum_partial(ks_node *y, int i)
{
    return share(y, ks__in(y, 1 - i), ks__in(y, i));
}

const ks_op ks__op_maximum = {
    .size = sizeof(ks_op),
    .name = "maximum",
    .formula = "y = a if a > b, else b",
    .doc = "The greater of two, element by element; a NaN on either side wins. Where they are equal each gets half of the derivative.",
    .types = "TT>T",
    .inputs = "a b",
    .allowed = KS_NUMBERS,
    .infer = ks_infer_broadcast,
    .tiles = maximum_tiles,
    .partial = maximum_partial,
    .chain = KS_CHAIN_SELECT,
    .derivative = "u where a > b, u/2 where equal; u where b > a, u/2 where equal",
    .onnx = "Max",
    .example = maximum_example,
};
KS__BUILDER2(maximum)

const ks_op ks__op_minimum = {
    .size = sizeof(ks_op),
    .name = "minimum",
    .formula = "y = a if a < b, else b",
    .doc = "The lesser of two, element by element; a NaN on either side wins. Where they are equal each gets half of the derivative.",
    .types = "TT>T",
    .inputs = "a b",
    .allowed = KS_NUMBERS,
    .infer = ks_infer_broadcast,
    .tiles = minimum_tiles,
    .partial = minimum_partial,
    .chain = KS_CHAIN_SELECT,
    .derivative = "u where a < b, u/2 where equal; u where b < a, u/2 where equal",
    .onnx = "Min",
    .example = minimum_example,
};
KS__BUILDER2(minimum)

/* ---- the products of the chain rule -------------------------------------------------------------------- */

/* The zero that wins keeps its sign, so that a product with 1 is the other factor to the bit. */
KS__FLOATS2(chain_mul, a == 0 ? a : a * b, a == 0 ? a : a * b)
KS__FLOATS2(select_mul, a == 0 ? a : b == 0 ? b : a * b, a == 0 ? a : b == 0 ? b : a * b)
EXAMPLE(chain_mul)
EXAMPLE(select_mul)

const ks_op ks__op_chain_mul = {
    .size = sizeof(ks_op),
    .name = "chain_mul",
    .formula = "y = u p, and 0 where u is 0",
    .doc = "Upstream derivative times local partial: what reverse differentiation multiplies with. Where u is zero the result is zero "
           "whatever p is, "
           "so that a branch that where did not take never turns a gradient into NaN.",
    .types = "TT>T",
    .inputs = "u p",
    .infer = ks_infer_broadcast,
    .tiles = chain_mul_tiles,
    .partial = mul_partial,
    .derivative = "u p; u u",
    .example = chain_mul_example,
    .neutral = "1 1",
};
KS__BUILDER2(chain_mul)

const ks_op ks__op_select_mul = {
    .size = sizeof(ks_op),
    .name = "select_mul",
    .formula = "y = u p, and 0 where u or p is 0",
    .doc = "The form of chain_mul for partials that select, such as relu's: zero wins on both sides, so that what was not selected is zero "
           "even when "
           "the upstream derivative is infinite or NaN.",
    .types = "TT>T",
    .inputs = "u p",
    .infer = ks_infer_broadcast,
    .tiles = select_mul_tiles,
    .partial = mul_partial,
    .chain = KS_CHAIN_SELECT,
    .derivative = "u p; u u",
    .example = select_mul_example,
    .neutral = "1 1",
};

/* ---- add_n --------------------------------------------------------------------------------------------- */

/* Pieces of this size stay in L1 while the inputs are added to them. */
#define PIECE 4096

#define DEFINE_INTO(NAME, TYPE)                                                                                                            \
    static KS_INLINE void NAME##_body(void *to, const void *x, int64_t n)                                                                  \
    {                                                                                                                                      \
        TYPE *out = to;                                                                                                                    \
        const TYPE *in = x;                                                                                                                \
        KS_LOOP                                                                                                                            \
        for (int64_t i = 0; i < n; i++)                                                                                                    \
            out[i] = (TYPE)(out[i] + in[i]);                                                                                               \
    }                                                                                                                                      \
    KS_TARGETS(void, NAME, (void *to, const void *x, int64_t n), (to, x, n))
DEFINE_INTO(into_f32, float)
DEFINE_INTO(into_f64, double)
DEFINE_INTO(into_i32, uint32_t)
DEFINE_INTO(into_i64, uint64_t)
DEFINE_INTO(into_u8, uint8_t)

static void add_n_task(void *payload, int64_t piece)
{
    static void (*const into[KS_DTYPES][KS_ISA_COUNT])(void *, const void *, int64_t) = {[KS_F32] = KS_PICK(into_f32),
                                                                                         [KS_F64] = KS_PICK(into_f64),
                                                                                         [KS_I32] = KS_PICK(into_i32),
                                                                                         [KS_I64] = KS_PICK(into_i64),
                                                                                         [KS_U8] = KS_PICK(into_u8)};
    const ks_call *call = payload;
    const ks_tensor *out = call->out;
    size_t size = ks_dtype_size(out->dtype), at = (size_t)(piece * PIECE) * size;
    int64_t n = out->count - piece * PIECE < PIECE ? out->count - piece * PIECE : PIECE;
    if (call->in[0].data != out->data)
        memcpy((char *)out->data + at, (const char *)call->in[0].data + at, (size_t)n * size);
    for (int k = 1; k < call->n; k++)
        into[out->dtype][call->isa]((char *)out->data + at, (const char *)call->in[k].data + at, n);
}

static bool add_n_kernel(const ks_call *call, ks_failure *failure)
{
    (void)failure;
    ks__each(call, call->out->count * call->n, ks__ceil_div(call->out->count, PIECE), add_n_task, (void *)(uintptr_t)call);
    return true;
}

static bool infer_add_n(ks_infer *infer)
{
    infer->out = *infer->shape[0];
    for (int k = 1; k < infer->n; k++) {
        bool fits = infer->shape[k]->rank == infer->out.rank;
        for (int i = 0; fits && i < infer->out.rank; i++)
            fits = ks__dim_same(infer->graph, infer->out.dim[i], infer->shape[k]->dim[i], &infer->out.dim[i]);
        if (!fits)
            return ks_infer_fail(infer, KS_BAD_SHAPE, "the shapes must be equal: {0}, {%d}", k < 10 ? k : 9);
    }
    return true;
}

static ks_node *add_n_pullback(ks_node *y, int i, ks_node *u)
{
    (void)y;
    (void)i;
    return u;
}

static ks_node *add_n_example(ks_graph *g)
{
    ks_node *a = ks__given(g, "a", KS_SHAPE(3), KS__VALUES(1, -2, 3)), *b = ks__given(g, "b", KS_SHAPE(3), KS__VALUES(0.5, 4, 0.25));
    return ks_add_n(((ks_node *[]){a, b, a}), 3);
}

const ks_op ks__op_add_n = {
    .size = sizeof(ks_op),
    .name = "add_n",
    .formula = "y = a + b + ...",
    .doc = "The sum of tensors of one shape, added in their order: where several paths of the chain rule meet.",
    .types = "T+>T",
    .inputs = "a",
    .allowed = KS_NUMBERS,
    .flags = KS_OP_LINEAR | KS_OP_JOINT,
    .infer = infer_add_n,
    .tiles = add_tiles, /* folded, two by two */
    .kernel = add_n_kernel,
    .pullback = add_n_pullback,
    .derivative = "u",
    .onnx = "Sum",
    .example = add_n_example,
};

ks_node *ks_add_n_at(ks_place at, ks_node *const *nodes, int count)
{
    for (int i = 0; i < count; i++) {
        if (!nodes[i])
            return NULL;
    }
    return count > 0 ? ks__compose(at, nodes[0]->graph, &ks__op_add_n, nodes, (uint32_t)count, NULL) : NULL;
}
