/*
 * ops/random/dropout.c - dropout and its mask: a share of the elements erased by chance while training.
 */
#include "ops/random/draw.h"

/* ---- dropout ------------------------------------------------------------------------------------------- */

typedef struct dropout_attrs {
    double ratio;
    int64_t form;
} dropout_attrs;

static const ks_attr dropout_table[] = {
    {"ratio", KS_ATTR_FLOAT, offsetof(dropout_attrs, ratio), false, false,
     "the share of elements that training runs erase, in [0, 1); default 0.5"},
    {"form", KS_ATTR_INT, offsetof(dropout_attrs, form), false, false,
     "0: inverted, what is kept is divided by 1 - ratio while training; 1: the book's, everything times 1 - ratio in inference; default 0"},
    {0},
};
static const dropout_attrs dropout_defaults = {.ratio = 0.5};

/* What an element that is kept is multiplied by in this run. */
static double kept(const ks_call *call)
{
    const dropout_attrs *attrs = call->attrs;
    if (call->train)
        return attrs->form == KS_DROPOUT_INVERTED ? 1 / (1 - attrs->ratio) : 1;
    return attrs->form == KS_DROPOUT_INVERTED ? 1 : 1 - attrs->ratio;
}

/* Words below this are erased: a share `ratio` of all words in training, none otherwise. */
static uint64_t erased(const ks_call *call)
{
    const dropout_attrs *attrs = call->attrs;
    return call->train ? (uint64_t)(attrs->ratio * 0x1p32) : 0;
}

/* out = kept times x (1 for the mask) where it is kept, else 0. The same for f32 and f64: a word an element. */
#define DEFINE_DROP(S, TYPE)                                                                                                               \
    static KS_INLINE void drop_##S##_body(const ks_call *call, int64_t first, int64_t last)                                                \
    {                                                                                                                                      \
        uint32_t words[4][KS__DRAWS];                                                                                                      \
        TYPE factor[4 * KS__DRAWS];                                                                                                        \
        const TYPE *x = call->in[0].data;                                                                                                  \
        TYPE *out = call->out->data;                                                                                                       \
        const TYPE scale = (TYPE)kept(call);                                                                                               \
        const uint64_t below = erased(call);                                                                                               \
        for (int64_t at = first; at < last; at += KS__DRAWS) {                                                                             \
            int64_t fours = last - at < KS__DRAWS ? last - at : KS__DRAWS, left = call->out->count - 4 * at,                               \
                    n = left < 4 * fours ? left : 4 * fours;                                                                               \
            ks__draw(call, at, fours, words);                                                                                              \
            for (int k = 0; k < 4; k++) {                                                                                                  \
                KS_LOOP                                                                                                                    \
                for (int64_t i = 0; i < fours; i++)                                                                                        \
                    factor[4 * i + k] = words[k][i] < below ? 0 : scale;                                                                   \
            }                                                                                                                              \
            if (!x)                                                                                                                        \
                memcpy(out + 4 * at, factor, (size_t)n * sizeof(TYPE));                                                                    \
            KS_LOOP                                                                                                                        \
            for (int64_t i = 0; x && i < n; i++)                                                                                           \
                out[4 * at + i] = factor[i] == 0 ? 0 : x[4 * at + i] * factor[i];                                                          \
        }                                                                                                                                  \
    }                                                                                                                                      \
    KS_TARGETS(void, drop_##S, (const ks_call *call, int64_t first, int64_t last), (call, first, last))
DEFINE_DROP(f32, float)
DEFINE_DROP(f64, double)

static bool dropout_kernel(const ks_call *call, ks_failure *failure)
{
    static const ks__part_fn f32[] = KS_PICK(drop_f32), f64[] = KS_PICK(drop_f64);
    (void)failure;
    return ks__draw_all(call, call->out->dtype == KS_F32 ? f32[call->isa] : f64[call->isa], 4);
}

static bool infer_dropout(ks_infer *infer)
{
    const dropout_attrs *attrs = infer->attrs;
    char ratio[KS__REAL_TEXT];
    if (!(attrs->ratio >= 0 && attrs->ratio < 1))
        return ks_infer_fail(infer, KS_BAD_ARGUMENT, "ratio is %s: the share that is erased is at least 0 and less than 1",
                             ks__real_text(attrs->ratio, ratio));
    if (attrs->form != KS_DROPOUT_INVERTED && attrs->form != KS_DROPOUT_BOOK)
        return ks_infer_fail(infer, KS_BAD_ARGUMENT, "form is %lld: 0 is inverted, 1 the book's", (long long)attrs->form);
    if (infer->dtype[0] != KS_F32 && infer->dtype[0] != KS_F64)
        return ks_infer_fail(infer, KS_BAD_DTYPE, "takes f32, f64, but {0} of %s", ks_dtype_name(infer->dtype[0]));
    infer->out = *infer->shape[0];
    infer->out_dtype = infer->dtype[0]; /* of the mask: its first input is taken by shape only */
    return true;
}

/* What was erased passes nothing, be u infinite or NaN. */
static ks_node *dropout_pullback(ks_node *y, int i, ks_node *u)
{
    (void)i;
    ks_place at = ks_node_place(y);
    return ks__apply2(at, &ks__op_select_mul, u, ks__apply1(at, &ks__op_dropout_mask, y, ks__attrs(y)), NULL);
}

static ks_node *some(ks_graph *g)
{
    return ks__given(g, "x", KS_SHAPE(2, 3), KS__VALUES(1, -2, 3, 4, 0.5, -6));
}

static ks_node *dropout_example(ks_graph *g)
{
    return ks_dropout(some(g), 0.25, KS_DROPOUT_BOOK);
}

const ks_op ks__op_dropout = {
    .size = sizeof(ks_op),
    .name = "dropout",
    .formula = "y = x mask",
    .doc = "Erases a share of the elements in training runs, others in each step (Srivastava et al. 2014). Inverted (form 0): what is kept "
           "is divided by "
           "1 - ratio while training, and inference passes x. The book's (form 1): training passes what is kept, and inference multiplies "
           "by 1 - ratio. "
           "Which are erased depends on the seed, the node's stream (its name, else its number among the random nodes), the step and the "
           "position.",
    .types = "T>T",
    .inputs = "x",
    .flags = KS_OP_LINEAR | KS_OP_LINES | KS_OP_RANDOM | KS_OP_MODE,
    .attrs = dropout_table,
    .attrs_size = sizeof(dropout_attrs),
    .defaults = &dropout_defaults,
    .infer = infer_dropout,
    .kernel = dropout_kernel,
    .pullback = dropout_pullback,
    .derivative = "u mask",
    .onnx = "Dropout",
    .example = dropout_example,
};

ks_node *ks_dropout_at(ks_place at, ks_node *x, double ratio, ks_dropout_form form)
{
    return ks__apply1(at, &ks__op_dropout, x, &(dropout_attrs){ratio, (int64_t)form});
}

/* ---- dropout_mask -------------------------------------------------------------------------------------- */

static ks_node *dropout_mask_example(ks_graph *g)
{
    ks_node *y = ks_dropout(some(g), 0.25, KS_DROPOUT_BOOK);
    return y ? ks__apply1(KS_HERE, &ks__op_dropout_mask, y, ks__attrs(y)) : NULL;
}

const ks_op ks__op_dropout_mask = {
    .size = sizeof(ks_op),
    .name = "dropout_mask",
    .formula = "y = what dropout multiplies x by",
    .doc = "The factors of a dropout in the same step, computed anew from its stream: 0 where it erases. Of the dropout only the shape is "
           "taken.",
    .types = "S>D",
    .inputs = "dropout",
    .flags = KS_OP_RANDOM | KS_OP_MODE | KS_OP_REDRAWS,
    .attrs = dropout_table,
    .attrs_size = sizeof(dropout_attrs),
    .defaults = &dropout_defaults,
    .infer = infer_dropout,
    .kernel = dropout_kernel,
    .no_derivative = "it depends on chance, not on values",
    .example = dropout_mask_example,
};
