/*
 * ops/random/choice.c - choices by chance: bernoulli, randint, permutation.
 */
#include "ops/random/draw.h"

static const char by_chance[] = "a choice by chance is a whole number: it jumps where a probability passes it";

/* ---- bernoulli ----------------------------------------------------------------------------------------- */

/* A word an element for f32, two for f64: u in [0, 1) is below p = 1 always and below p = 0 never. */
#define DEFINE_CHOICE(S, TYPE, PER, UNIFORM)                                                                                               \
    static KS_INLINE void bernoulli_##S##_body(const ks_call *call, int64_t first, int64_t last)                                           \
    {                                                                                                                                      \
        uint32_t words[4][KS__DRAWS];                                                                                                      \
        double u[PER * KS__DRAWS];                                                                                                         \
        const TYPE *p = call->in[0].data;                                                                                                  \
        TYPE *out = call->out->data;                                                                                                       \
        for (int64_t at = first; at < last; at += KS__DRAWS) {                                                                             \
            int64_t fours = last - at < KS__DRAWS ? last - at : KS__DRAWS, left = call->out->count - PER * at,                             \
                    n = left < PER * fours ? left : PER * fours;                                                                           \
            ks__draw(call, at, fours, words);                                                                                              \
            for (int k = 0; k < PER; k++) {                                                                                                \
                KS_LOOP                                                                                                                    \
                for (int64_t i = 0; i < fours; i++)                                                                                        \
                    u[PER * i + k] = UNIFORM;                                                                                              \
            }                                                                                                                              \
            KS_LOOP                                                                                                                        \
            for (int64_t i = 0; i < n; i++)                                                                                                \
                out[PER * at + i] = u[i] < (double)p[PER * at + i] ? 1 : 0;                                                                \
        }                                                                                                                                  \
    }                                                                                                                                      \
    KS_TARGETS(void, bernoulli_##S, (const ks_call *call, int64_t first, int64_t last), (call, first, last))

DEFINE_CHOICE(f32, float, 4, (double)words[k][i] * 0x1p-32)
DEFINE_CHOICE(f64, double, 2, ks__uniform_f64(words[2 * k][i], words[2 * k + 1][i]))

/* The first that is no probability; the count if all are. */
static int64_t first_outside(const ks_tensor *p)
{
    int64_t i = 0;
    if (p->dtype == KS_F32)
        while (i < p->count && ((const float *)p->data)[i] >= 0 && ((const float *)p->data)[i] <= 1)
            i++;
    else
        while (i < p->count && ((const double *)p->data)[i] >= 0 && ((const double *)p->data)[i] <= 1)
            i++;
    return i;
}

static bool bernoulli_kernel(const ks_call *call, ks_failure *failure)
{
    static const ks__part_fn f32[] = KS_PICK(bernoulli_f32), f64[] = KS_PICK(bernoulli_f64);
    const ks_tensor *p = &call->in[0];
    int64_t bad = first_outside(p);
    if (bad < p->count) {
        char text[KS__REAL_TEXT];
        double value = p->dtype == KS_F32 ? (double)((const float *)p->data)[bad] : ((const double *)p->data)[bad];
        return ks__kernel_fail(failure, KS_BAD_ARGUMENT,
                               "element %lld is %s: a probability lies in [0, 1]; ks_sigmoid makes one of a score", (long long)bad,
                               ks__real_text(value, text));
    }
    return p->dtype == KS_F32 ? ks__draw_all(call, f32[call->isa], 4) : ks__draw_all(call, f64[call->isa], 2);
}

static ks_node *bernoulli_example(ks_graph *g)
{
    return ks_bernoulli(ks__given(g, "p", KS_SHAPE(2, 3), KS__VALUES(0.1, 0.9, 0.5, 0.3, 0.7, 0.25)));
}

const ks_op ks__op_bernoulli = {
    .size = sizeof(ks_op),
    .name = "bernoulli",
    .formula = "y = 1 with probability p, else 0",
    .doc =
        "Tosses a coin for each element of a tensor of probabilities, as numbers of its dtype. A probability outside [0, 1] is an error. "
        "What is drawn depends on the seed, the node's stream, the step and the position, as random_uniform's numbers do. It has no "
        "derivative; where one is wanted, let the probability's pass: p + stop_gradient(bernoulli(p) - p).",
    .types = "T>T",
    .inputs = "p",
    .flags = KS_OP_RANDOM,
    .infer = ks_infer_same,
    .kernel = bernoulli_kernel,
    .no_derivative = by_chance,
    .onnx = "Bernoulli",
    .example = bernoulli_example,
};

ks_node *ks_bernoulli_at(ks_place at, ks_node *p)
{
    return ks__apply1(at, &ks__op_bernoulli, p, NULL);
}

/* ---- randint ------------------------------------------------------------------------------------------- */

typedef struct randint_attrs {
    int64_t dtype;
    ks_shape shape;
    int64_t lo, hi;
} randint_attrs;

static const ks_attr randint_table[] = {
    {"dtype", KS_ATTR_DTYPE, offsetof(randint_attrs, dtype), false, false, "i32, i64 or u8; default i64"},
    {"shape", KS_ATTR_SHAPE, offsetof(randint_attrs, shape), false, true, "of the result, in numbers"},
    {"lo", KS_ATTR_INT, offsetof(randint_attrs, lo), false, false, "the least; default 0"},
    {"hi", KS_ATTR_INT, offsetof(randint_attrs, hi), false, true, "where they end, itself not drawn"},
    {0},
};
static const randint_attrs randint_defaults = {.dtype = KS_I64};

/* The upper half of word times n: a number in [0, n), each as likely as the others but for n / 2^64. */
static KS_INLINE uint64_t below(uint64_t word, uint64_t n)
{
    return (uint64_t)((unsigned __int128)word * n >> 64);
}

static KS_INLINE uint64_t joined(uint32_t low, uint32_t high)
{
    return (uint64_t)high << 32 | low;
}

#define DEFINE_INTEGERS(S, TYPE)                                                                                                           \
    static KS_INLINE void integer_##S(const ks_call *call, TYPE *out, uint32_t words[4][KS__DRAWS], int64_t n)                             \
    {                                                                                                                                      \
        const randint_attrs *attrs = call->attrs;                                                                                          \
        const uint64_t lo = (uint64_t)attrs->lo, range = (uint64_t)attrs->hi - lo;                                                         \
        for (int64_t i = 0; i < n; i++) {                                                                                                  \
            out[2 * i] = (TYPE)(lo + below(joined(words[0][i], words[1][i]), range));                                                      \
            out[2 * i + 1] = (TYPE)(lo + below(joined(words[2][i], words[3][i]), range));                                                  \
        }                                                                                                                                  \
    }                                                                                                                                      \
    KS__DEFINE_PART(integers_##S, TYPE, 2, integer_##S)
DEFINE_INTEGERS(i32, int32_t)
DEFINE_INTEGERS(i64, int64_t)
DEFINE_INTEGERS(u8, uint8_t)

static bool randint_kernel(const ks_call *call, ks_failure *failure)
{
    static const ks__part_fn fns[KS_DTYPES][KS_ISA_COUNT] = {
        [KS_I32] = KS_PICK(integers_i32), [KS_I64] = KS_PICK(integers_i64), [KS_U8] = KS_PICK(integers_u8)};
    (void)failure;
    return ks__draw_all(call, fns[call->out->dtype][call->isa], 2);
}

static bool infer_randint(ks_infer *infer)
{
    const randint_attrs *attrs = infer->attrs;
    const int64_t lo = attrs->lo, hi = attrs->hi, dtype = attrs->dtype;
    if (dtype != KS_I32 && dtype != KS_I64 && dtype != KS_U8)
        return ks_infer_fail(infer, KS_BAD_DTYPE, "whole numbers are i32, i64 or u8: ks_cast them");
    if (lo >= hi)
        return ks_infer_fail(infer, KS_BAD_ARGUMENT, "from %lld to %lld there is no number: lo < hi", (long long)lo, (long long)hi);
    int64_t least = dtype == KS_U8 ? 0 : dtype == KS_I32 ? INT32_MIN : INT64_MIN;
    int64_t most = dtype == KS_U8 ? UINT8_MAX : dtype == KS_I32 ? INT32_MAX : INT64_MAX;
    if (lo < least || hi - 1 > most)
        return ks_infer_fail(infer, KS_BAD_ARGUMENT, "%s does not hold all from %lld to %lld: take i64", ks_dtype_name((ks_dtype)dtype),
                             (long long)lo, (long long)(hi - 1));
    infer->out_dtype = (ks_dtype)dtype;
    return ks__draw_shape(infer, &attrs->shape);
}

static ks_node *randint_example(ks_graph *g)
{
    return ks_randint(g, KS_I64, KS_SHAPE(2, 3), -2, 5);
}

const ks_op ks__op_randint = {
    .size = sizeof(ks_op),
    .name = "randint",
    .formula = "y ~ U{lo, ..., hi - 1}",
    .doc = "Whole numbers by chance, equally likely from lo up to hi, itself not drawn, as NumPy's integers. They depend on the seed, the "
           "node's stream, the step and the position, as random_uniform's numbers do; each takes 64 random bits, so that none is favoured.",
    .types = ">D",
    .inputs = "",
    .flags = KS_OP_RANDOM,
    .attrs = randint_table,
    .attrs_size = sizeof(randint_attrs),
    .defaults = &randint_defaults,
    .infer = infer_randint,
    .kernel = randint_kernel,
    .no_derivative = "it has no inputs",
    .example = randint_example,
};

ks_node *ks_randint_at(ks_place at, ks_graph *graph, ks_dtype dtype, ks_shape shape, int64_t lo, int64_t hi)
{
    randint_attrs attrs = {.dtype = (int64_t)dtype, .lo = lo, .hi = hi};
    if (!graph)
        return NULL;
    if (!ks__rank_fits(shape.rank))
        return ks__null(graph, KS_BAD_SHAPE, at, "randint: a shape has 0 to %d dimensions, this one %d", KS_MAX_RANK, shape.rank);
    ks__set_shape(&attrs.shape, &shape);
    return ks__compose(at, graph, &ks__op_randint, NULL, 0, &attrs);
}

/* ---- permutation --------------------------------------------------------------------------------------- */

typedef struct permutation_attrs {
    int64_t n;
} permutation_attrs;

static const ks_attr permutation_table[] = {
    {"n", KS_ATTR_INT, offsetof(permutation_attrs, n), false, true, "how many numbers"},
    {0},
};

/* Fisher and Yates, as Durstenfeld wrote it (CACM 7, 1964): each changes places with one of those not after it. */
static KS_INLINE void permute_body(const ks_call *call, int64_t *out, int64_t n)
{
    uint32_t words[4][KS__DRAWS];
    for (int64_t i = 0; i < n; i++)
        out[i] = i;
    for (int64_t k = 0; k < n - 1; k++) {
        int64_t four = k / 2 % KS__DRAWS, last = n - 1 - k;
        if (k % (2 * KS__DRAWS) == 0)
            ks__draw(call, k / 2, KS__DRAWS, words);
        int64_t j = (int64_t)below(joined(words[k % 2 * 2][four], words[k % 2 * 2 + 1][four]), (uint64_t)last + 1);
        int64_t moved = out[last];
        out[last] = out[j];
        out[j] = moved;
    }
}
KS_TARGETS(void, permute, (const ks_call *call, int64_t *out, int64_t n), (call, out, n))

static bool permutation_kernel(const ks_call *call, ks_failure *failure)
{
    static void (*const fns[KS_ISA_COUNT])(const ks_call *, int64_t *, int64_t) = KS_PICK(permute);
    (void)failure;
    fns[call->isa](call, call->out->data, call->out->count);
    return true;
}

static bool infer_permutation(ks_infer *infer)
{
    const permutation_attrs *attrs = infer->attrs;
    if (attrs->n < 0)
        return ks_infer_fail(infer, KS_BAD_ARGUMENT, "n is %lld: how many numbers is 0 or more", (long long)attrs->n);
    infer->out = KS_SHAPE(attrs->n);
    infer->out_dtype = KS_I64;
    return true;
}

static ks_node *permutation_example(ks_graph *g)
{
    return ks_permutation(g, 6);
}

const ks_op ks__op_permutation = {
    .size = sizeof(ks_op),
    .name = "permutation",
    .formula = "y = 0, ..., n - 1 in an order by chance",
    .doc = "The whole numbers below n, i64 [n], each order as likely as any other. gather(x, permutation(n), axis) shuffles. The order "
           "depends on the seed, the node's stream and the step. permutation_like counts n when it runs.",
    .types = ">D",
    .inputs = "",
    .flags = KS_OP_RANDOM,
    .attrs = permutation_table,
    .attrs_size = sizeof(permutation_attrs),
    .infer = infer_permutation,
    .kernel = permutation_kernel,
    .no_derivative = "it has no inputs",
    .example = permutation_example,
};

ks_node *ks_permutation_at(ks_place at, ks_graph *graph, int64_t n)
{
    return graph ? ks__compose(at, graph, &ks__op_permutation, NULL, 0, &(permutation_attrs){n}) : NULL;
}

typedef struct permutation_like_attrs {
    int64_t axis;
} permutation_like_attrs;

static const ks_attr permutation_like_table[] = {
    {"axis", KS_ATTR_INT, offsetof(permutation_like_attrs, axis), false, false,
     "whose extent is counted; negative counts from the end; default 0"},
    {0},
};

static bool infer_permutation_like(ks_infer *infer)
{
    const permutation_like_attrs *attrs = infer->attrs;
    int axis;
    if (!ks__axis(attrs->axis, infer->shape[0]->rank, &axis))
        return ks_infer_fail(infer, KS_BAD_SHAPE, "there is no axis %lld: {0}", (long long)attrs->axis);
    infer->out = KS_SHAPE(infer->shape[0]->dim[axis]);
    infer->out_dtype = KS_I64;
    return true;
}

static ks_node *permutation_like_example(ks_graph *g)
{
    return ks_permutation_like(ks__given(g, "x", KS_SHAPE(2, 3), KS__VALUES(1, 2, 3, 4, 5, 6)), 1);
}

const ks_op ks__op_permutation_like = {
    .size = sizeof(ks_op),
    .name = "permutation_like",
    .formula = "y = 0, ..., n - 1 in an order by chance, n the extent of x's axis",
    .doc = "As permutation, with n counted when it runs: gather(x, permutation_like(x, 0), 0) shuffles a batch of any size. Of x only the "
           "shape is taken.",
    .types = "S>D",
    .inputs = "x",
    .flags = KS_OP_RANDOM,
    .attrs = permutation_like_table,
    .attrs_size = sizeof(permutation_like_attrs),
    .infer = infer_permutation_like,
    .kernel = permutation_kernel,
    .no_derivative = "it depends on x's shape, not on its values",
    .example = permutation_like_example,
};

ks_node *ks_permutation_like_at(ks_place at, ks_node *x, int64_t axis)
{
    return ks__apply1(at, &ks__op_permutation_like, x, &(permutation_like_attrs){axis});
}
