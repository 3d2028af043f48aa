/*
 * ops/random/random.c - numbers by chance: random_uniform, random_normal, dropout and its mask.
 *
 * A number is a function of the graph's seed, the node's stream, the step and its position (engine/kernels/philox.h), so any thread
 * may draw any part. Four random words are drawn together, in a loop that goes by vectors, and each makes one f32, each two an f64.
 */
#include "ops/family.h"
#include "engine/kernels/philox.h"
#include "engine/kernels/vmath.h"

#define DRAWS 256          /* fours of words that are drawn together */
#define TASK  (16 * DRAWS) /* fours of a task */

/* words[k][i] of the fours from `first` on. */
static KS_INLINE void draw(const ks_call *call, int64_t first, int64_t fours, uint32_t words[4][DRAWS])
{
    const uint64_t seed = call->seed, stream = call->stream, step = call->step;
    KS_LOOP
    for (int64_t i = 0; i < fours; i++) {
        uint32_t four[4];
        ks__philox(seed, stream, step, (uint64_t)(first + i), four);
        words[0][i] = four[0];
        words[1][i] = four[1];
        words[2][i] = four[2];
        words[3][i] = four[3];
    }
}

/* How an operation makes the elements of one task, by instruction set: elements [4 first, ...) for f32, [2 first, ...) for f64. */
typedef void (*part_fn)(const ks_call *call, int64_t first, int64_t last);

typedef struct job {
    const ks_call *call;
    part_fn fn;
    int64_t fours;
} job;

static void task(void *payload, int64_t i)
{
    const job *j = payload;
    j->fn(j->call, i * TASK, (i + 1) * TASK < j->fours ? (i + 1) * TASK : j->fours);
}

/* per: elements made of four words. */
static bool run(const ks_call *call, part_fn fn, int64_t per)
{
    job j = {call, fn, ks__ceil_div(call->out->count, per)};
    ks__each(call, 8 * call->out->count, ks__ceil_div(j.fours, TASK), task, &j);
    return true;
}

/* Defines NAME, which fills out from words with BODY(out, words, n): n fours make PER * n elements, and no more than there are. */
#define DEFINE_PART(NAME, TYPE, PER, BODY)                                                                                                 \
    static KS_INLINE void NAME##_body(const ks_call *call, int64_t first, int64_t last)                                                    \
    {                                                                                                                                      \
        uint32_t words[4][DRAWS];                                                                                                          \
        TYPE some[PER * DRAWS];                                                                                                            \
        for (int64_t at = first; at < last; at += DRAWS) {                                                                                 \
            int64_t fours = last - at < DRAWS ? last - at : DRAWS, left = call->out->count - PER * at;                                     \
            draw(call, at, fours, words);                                                                                                  \
            BODY(call, some, words, fours);                                                                                                \
            memcpy((TYPE *)call->out->data + PER * at, some, (size_t)(left < PER * fours ? left : PER * fours) * sizeof(TYPE));            \
        }                                                                                                                                  \
    }                                                                                                                                      \
    KS_TARGETS(void, NAME, (const ks_call *call, int64_t first, int64_t last), (call, first, last))

/* ---- attributes ---------------------------------------------------------------------------------------- */

/* a, b: lo and hi, or mean and std */
typedef struct random_attrs {
    int64_t dtype;
    ks_shape shape;
    double a, b;
} random_attrs;

static bool infer_random(ks_infer *infer)
{
    const random_attrs *attrs = infer->attrs;
    if (attrs->dtype != KS_F32 && attrs->dtype != KS_F64)
        return ks_infer_fail(infer, KS_BAD_DTYPE, "random numbers are f32 or f64: ks_cast them");
    if (attrs->shape.rank < 0 || attrs->shape.rank > KS_MAX_RANK)
        return ks_infer_fail(infer, KS_BAD_SHAPE, "a shape has 0 to %d dimensions, this one %d", KS_MAX_RANK, attrs->shape.rank);
    infer->out = attrs->shape;
    infer->out_dtype = (ks_dtype)attrs->dtype;
    char text[KS__SHAPE_TEXT];
    if (ks__count(&infer->out) < 0)
        return ks_infer_fail(infer, KS_BAD_SHAPE, "the shape %s has no size of its own: give its dimensions as numbers",
                             ks__shape_text(infer->graph, &infer->out, text));
    return true;
}

static ks_node *random_at(ks_place at, ks_graph *g, const ks_op *op, ks_dtype dtype, const ks_shape *shape, double a, double b)
{
    random_attrs attrs = {.dtype = (int64_t)dtype, .a = a, .b = b};
    if (!g)
        return NULL;
    if (!ks__rank_fits(shape->rank))
        return ks__null(g, KS_BAD_SHAPE, at, "%s: a shape has 0 to %d dimensions, this one %d", op->name, KS_MAX_RANK, shape->rank);
    ks__set_shape(&attrs.shape, shape);
    return ks__compose(at, g, op, NULL, 0, &attrs);
}

static const char no_input[] = "it has no inputs";

/* ---- random_uniform ------------------------------------------------------------------------------------ */

/* Rounding may reach hi, which does not belong to them: there the number before it is taken. */
static KS_INLINE void uniform_f32(const ks_call *call, float *out, uint32_t words[4][DRAWS], int64_t n)
{
    const random_attrs *attrs = call->attrs;
    const double lo = attrs->a, width = attrs->b - attrs->a;
    const float last = nextafterf((float)attrs->b, (float)attrs->a);
    KS_LOOP
    for (int64_t i = 0; i < n; i++) {
        const float x0 = (float)(lo + width * (double)ks__uniform_f32(words[0][i]));
        const float x1 = (float)(lo + width * (double)ks__uniform_f32(words[1][i]));
        const float x2 = (float)(lo + width * (double)ks__uniform_f32(words[2][i]));
        const float x3 = (float)(lo + width * (double)ks__uniform_f32(words[3][i]));
        out[4 * i] = x0 > last ? last : x0;
        out[4 * i + 1] = x1 > last ? last : x1;
        out[4 * i + 2] = x2 > last ? last : x2;
        out[4 * i + 3] = x3 > last ? last : x3;
    }
}

static KS_INLINE void uniform_f64(const ks_call *call, double *out, uint32_t words[4][DRAWS], int64_t n)
{
    const random_attrs *attrs = call->attrs;
    const double lo = attrs->a, width = attrs->b - attrs->a, last = nextafter(attrs->b, attrs->a);
    KS_LOOP
    for (int64_t i = 0; i < n; i++) {
        const double x0 = lo + width * ks__uniform_f64(words[0][i], words[1][i]);
        const double x1 = lo + width * ks__uniform_f64(words[2][i], words[3][i]);
        out[2 * i] = x0 > last ? last : x0;
        out[2 * i + 1] = x1 > last ? last : x1;
    }
}
DEFINE_PART(uniforms_f32, float, 4, uniform_f32)
DEFINE_PART(uniforms_f64, double, 2, uniform_f64)

static bool uniform_kernel(const ks_call *call, ks_failure *failure)
{
    static const part_fn f32[] = KS_PICK(uniforms_f32), f64[] = KS_PICK(uniforms_f64);
    (void)failure;
    return call->out->dtype == KS_F32 ? run(call, f32[call->isa], 4) : run(call, f64[call->isa], 2);
}

static bool infer_uniform(ks_infer *infer)
{
    const random_attrs *attrs = infer->attrs;
    char a[KS__REAL_TEXT], b[KS__REAL_TEXT];
    if (!(attrs->a <= attrs->b) || !(attrs->b - attrs->a < (double)INFINITY))
        return ks_infer_fail(infer, KS_BAD_ARGUMENT, "from %s to %s is no interval: lo <= hi, both finite", ks__real_text(attrs->a, a),
                             ks__real_text(attrs->b, b));
    return infer_random(infer);
}

static const ks_attr uniform_table[] = {
    {"dtype", KS_ATTR_DTYPE, offsetof(random_attrs, dtype), false, false, "f32 or f64; default f32"},
    {"shape", KS_ATTR_SHAPE, offsetof(random_attrs, shape), false, true, "of the result, in numbers"},
    {"lo", KS_ATTR_FLOAT, offsetof(random_attrs, a), false, false, "where the interval begins; default 0"},
    {"hi", KS_ATTR_FLOAT, offsetof(random_attrs, b), false, false, "where it ends, itself not drawn; default 1"},
    {0},
};
static const random_attrs random_defaults = {.b = 1};

static ks_node *uniform_example(ks_graph *g)
{
    return ks_random_uniform(g, KS_F64, KS_SHAPE(2, 3), -1, 2);
}

const ks_op ks__op_random_uniform = {
    .size = sizeof(ks_op),
    .name = "random_uniform",
    .formula = "y ~ U[lo, hi)",
    .doc = "Random numbers, equally likely from lo up to hi. They are a function of the graph's seed, the node's stream (its name, else "
           "its number among the "
           "random nodes), the step and the position: runs with effects and ks_next_step go to the next step, reading does not.",
    .types = ">D",
    .inputs = "",
    .flags = KS_OP_RANDOM,
    .attrs = uniform_table,
    .attrs_size = sizeof(random_attrs),
    .defaults = &random_defaults,
    .infer = infer_uniform,
    .kernel = uniform_kernel,
    .no_derivative = no_input,
    .onnx = "RandomUniform",
    .example = uniform_example,
};

ks_node *ks_random_uniform_at(ks_place at, ks_graph *graph, ks_dtype dtype, ks_shape shape, double lo, double hi)
{
    return random_at(at, graph, &ks__op_random_uniform, dtype, &shape, lo, hi);
}

/* ---- random_normal ------------------------------------------------------------------------------------- */

/* Box and Muller 1958: two uniforms u in (0, 1] and v make r cos and r sin, r = sqrt(-2 log u). */
static KS_INLINE void normal_pair(double u, double v, double *x, double *y)
{
    const double r = sqrt(-2.0 * ks__log_d(u)), angle = 6.283185307179586476925 * v;
    *x = r * ks__cos_d(angle);
    *y = r * ks__sin_d(angle);
}

static KS_INLINE void normal_f32(const ks_call *call, float *out, uint32_t words[4][DRAWS], int64_t n)
{
    const random_attrs *attrs = call->attrs;
    const double mean = attrs->a, deviation = attrs->b;
    for (int k = 0; k < 2; k++) {
        KS_LOOP
        for (int64_t i = 0; i < n; i++) {
            double x, y;
            normal_pair(((double)words[2 * k][i] + 1.0) * 0x1p-32, (double)words[2 * k + 1][i] * 0x1p-32, &x, &y);
            out[4 * i + 2 * k] = (float)(mean + deviation * x);
            out[4 * i + 2 * k + 1] = (float)(mean + deviation * y);
        }
    }
}

static KS_INLINE void normal_f64(const ks_call *call, double *out, uint32_t words[4][DRAWS], int64_t n)
{
    const random_attrs *attrs = call->attrs;
    const double mean = attrs->a, deviation = attrs->b;
    KS_LOOP
    for (int64_t i = 0; i < n; i++) {
        double x, y;
        normal_pair(1.0 - ks__uniform_f64(words[0][i], words[1][i]), ks__uniform_f64(words[2][i], words[3][i]), &x, &y);
        out[2 * i] = mean + deviation * x;
        out[2 * i + 1] = mean + deviation * y;
    }
}
DEFINE_PART(normals_f32, float, 4, normal_f32)
DEFINE_PART(normals_f64, double, 2, normal_f64)

static bool normal_kernel(const ks_call *call, ks_failure *failure)
{
    static const part_fn f32[] = KS_PICK(normals_f32), f64[] = KS_PICK(normals_f64);
    (void)failure;
    return call->out->dtype == KS_F32 ? run(call, f32[call->isa], 4) : run(call, f64[call->isa], 2);
}

static bool infer_normal(ks_infer *infer)
{
    const random_attrs *attrs = infer->attrs;
    char a[KS__REAL_TEXT], b[KS__REAL_TEXT];
    if (!(attrs->b >= 0) || !(attrs->b < (double)INFINITY) || attrs->a - attrs->a != 0)
        return ks_infer_fail(infer, KS_BAD_ARGUMENT, "mean %s and std %s: both finite, and std not negative", ks__real_text(attrs->a, a),
                             ks__real_text(attrs->b, b));
    return infer_random(infer);
}

static const ks_attr normal_table[] = {
    {"dtype", KS_ATTR_DTYPE, offsetof(random_attrs, dtype), false, false, "f32 or f64; default f32"},
    {"shape", KS_ATTR_SHAPE, offsetof(random_attrs, shape), false, true, "of the result, in numbers"},
    {"mean", KS_ATTR_FLOAT, offsetof(random_attrs, a), false, false, "around which they lie; default 0"},
    {"std", KS_ATTR_FLOAT, offsetof(random_attrs, b), false, false, "their standard deviation; default 1"},
    {0},
};

static ks_node *normal_example(ks_graph *g)
{
    return ks_random_normal(g, KS_F64, KS_SHAPE(2, 3), 1, 0.5);
}

const ks_op ks__op_random_normal = {
    .size = sizeof(ks_op),
    .name = "random_normal",
    .formula = "y ~ N(mean, std^2)",
    .doc = "Random numbers of the normal distribution, by the method of Box and Muller (1958). They are a function of the graph's seed, "
           "the node's stream "
           "(its name, else its number among the random nodes), the step and the position, as random_uniform's are.",
    .types = ">D",
    .inputs = "",
    .flags = KS_OP_RANDOM,
    .attrs = normal_table,
    .attrs_size = sizeof(random_attrs),
    .defaults = &random_defaults,
    .infer = infer_normal,
    .kernel = normal_kernel,
    .no_derivative = no_input,
    .onnx = "RandomNormal",
    .example = normal_example,
};

ks_node *ks_random_normal_at(ks_place at, ks_graph *graph, ks_dtype dtype, ks_shape shape, double mean, double std)
{
    return random_at(at, graph, &ks__op_random_normal, dtype, &shape, mean, std);
}

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
        uint32_t words[4][DRAWS];                                                                                                          \
        TYPE factor[4 * DRAWS];                                                                                                            \
        const TYPE *x = call->in[0].data;                                                                                                  \
        TYPE *out = call->out->data;                                                                                                       \
        const TYPE scale = (TYPE)kept(call);                                                                                               \
        const uint64_t below = erased(call);                                                                                               \
        for (int64_t at = first; at < last; at += DRAWS) {                                                                                 \
            int64_t fours = last - at < DRAWS ? last - at : DRAWS, left = call->out->count - 4 * at,                                       \
                    n = left < 4 * fours ? left : 4 * fours;                                                                               \
            draw(call, at, fours, words);                                                                                                  \
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
    static const part_fn f32[] = KS_PICK(drop_f32), f64[] = KS_PICK(drop_f64);
    (void)failure;
    return run(call, call->out->dtype == KS_F32 ? f32[call->isa] : f64[call->isa], 4);
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
    .flags = KS_OP_LINEAR | KS_OP_RANDOM | KS_OP_MODE,
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
    .flags = KS_OP_RANDOM | KS_OP_MODE,
    .attrs = dropout_table,
    .attrs_size = sizeof(dropout_attrs),
    .defaults = &dropout_defaults,
    .infer = infer_dropout,
    .kernel = dropout_kernel,
    .no_derivative = "it depends on chance, not on values",
    .example = dropout_mask_example,
};
