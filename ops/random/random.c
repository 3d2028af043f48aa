/*
 * ops/random/random.c - numbers by chance: random_uniform, random_normal, and both of the shape of another tensor.
 *
 * A number is a function of the graph's seed, the node's stream, the step and its position (engine/kernels/philox.h), so any thread
 * may draw any part. A four of words makes four f32 or two f64.
 */
#include "ops/random/draw.h"

/* ---- attributes ---------------------------------------------------------------------------------------- */

/* a, b: lo and hi, or mean and std */
typedef struct random_attrs {
    int64_t dtype;
    ks_shape shape;
    double a, b;
} random_attrs;

static bool infer_dtype(ks_infer *infer)
{
    const random_attrs *attrs = infer->attrs;
    infer->out_dtype = (ks_dtype)attrs->dtype;
    return attrs->dtype == KS_F32 || attrs->dtype == KS_F64 ||
           ks_infer_fail(infer, KS_BAD_DTYPE, "random numbers are f32 or f64: ks_cast them");
}

/* Of the attributes' shape, or of the first input's. */
static bool infer_random(ks_infer *infer)
{
    const random_attrs *attrs = infer->attrs;
    if (!infer_dtype(infer))
        return false;
    if (!infer->n)
        return ks__draw_shape(infer, &attrs->shape);
    infer->out = *infer->shape[0];
    return true;
}

static ks_node *like_at(ks_place at, const ks_op *op, ks_node *like, ks_dtype dtype, double a, double b)
{
    return ks__apply1(at, op, like, &(random_attrs){.dtype = (int64_t)dtype, .a = a, .b = b});
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
static const char shape_only[] = "it depends on x's shape, not on its values";

/* ---- random_uniform ------------------------------------------------------------------------------------ */

/* Rounding may reach hi, which does not belong to them: there the number before it is taken. */
static KS_INLINE void uniform_f32(const ks_call *call, float *out, uint32_t words[4][KS__DRAWS], int64_t n)
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

static KS_INLINE void uniform_f64(const ks_call *call, double *out, uint32_t words[4][KS__DRAWS], int64_t n)
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
KS__DEFINE_PART(uniforms_f32, float, 4, uniform_f32)
KS__DEFINE_PART(uniforms_f64, double, 2, uniform_f64)

static bool uniform_kernel(const ks_call *call, ks_failure *failure)
{
    static const ks__part_fn f32[] = KS_PICK(uniforms_f32), f64[] = KS_PICK(uniforms_f64);
    (void)failure;
    return call->out->dtype == KS_F32 ? ks__draw_all(call, f32[call->isa], 4) : ks__draw_all(call, f64[call->isa], 2);
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

static const ks_attr uniform_like_table[] = {
    {"dtype", KS_ATTR_DTYPE, offsetof(random_attrs, dtype), false, false, "f32 or f64; default f32"},
    {"lo", KS_ATTR_FLOAT, offsetof(random_attrs, a), false, false, "where the interval begins; default 0"},
    {"hi", KS_ATTR_FLOAT, offsetof(random_attrs, b), false, false, "where it ends, itself not drawn; default 1"},
    {0},
};

static ks_node *uniform_like_example(ks_graph *g)
{
    ks_node *x = ks__given(g, "x", KS_SHAPE(2, 3), KS__VALUES(1, 2, 3, 4, 5, 6));
    return ks_random_uniform_like(x, KS_F64, -1, 2);
}

const ks_op ks__op_random_uniform_like = {
    .size = sizeof(ks_op),
    .name = "random_uniform_like",
    .formula = "y ~ U[lo, hi), of x's shape",
    .doc = "As random_uniform, for as many numbers as x has elements when it runs: batches of any size get their own. Of x only the shape "
           "is taken.",
    .types = "S>D",
    .inputs = "x",
    .flags = KS_OP_RANDOM,
    .attrs = uniform_like_table,
    .attrs_size = sizeof(random_attrs),
    .defaults = &random_defaults,
    .infer = infer_uniform,
    .kernel = uniform_kernel,
    .no_derivative = shape_only,
    .onnx = "RandomUniformLike",
    .example = uniform_like_example,
};

ks_node *ks_random_uniform_like_at(ks_place at, ks_node *x, ks_dtype dtype, double lo, double hi)
{
    return like_at(at, &ks__op_random_uniform_like, x, dtype, lo, hi);
}

/* ---- random_normal ------------------------------------------------------------------------------------- */

/*
 * Box and Muller 1958: two uniforms u in (0, 1] and v make r cos and r sin of v whole turns, r = sqrt(-2 log u). In f32 u and v are of 32
 * bits, more than a float holds: near 1, where the logarithm hangs on how far u is from it, that distance is taken, and quarters of a
 * turn come off v as a whole number.
 */
static KS_INLINE void normal_pair_f32(uint32_t u, uint32_t v, float *x, float *y)
{
    const float wide = (float)u + 1.0f, missing = (float)~u * 0x1p-32f; /* 2^32 times u, and 1 - u */
    const uint32_t bits = ks__bits_f(wide) + (0x3f800000u - 0x3f3504f3u);
    const float k = missing < 0.25f ? 0.0f : (float)(int32_t)(bits >> 23) - (127.0f + 32.0f);
    const float f = missing < 0.25f ? -missing : ks__from_bits_f((bits & 0x007fffffu) + 0x3f3504f3u) - 1.0f;
    const float r = sqrtf(-2.0f * ks__log_parts_f(k, f, -0.0f));
    const uint32_t quarters = (v + 0x20000000u) >> 30;
    const float angle = (float)(int32_t)(v - (quarters << 30)) * 0x1.921fb6p-30f; /* 2 pi 2^-32 */
    float sine, cosine;
    ks__sin_cos_f(angle, &sine, &cosine);
    *x = r * ks__quadrant_f(quarters + 1, sine, cosine);
    *y = r * ks__quadrant_f(quarters, sine, cosine);
}

static KS_INLINE void normal_pair_f64(double u, double v, double *x, double *y)
{
    const double r = sqrt(-2.0 * ks__log_d(u)), angle = 6.283185307179586476925 * v;
    *x = r * ks__cos_d(angle);
    *y = r * ks__sin_d(angle);
}

static KS_INLINE void normal_f32(const ks_call *call, float *out, uint32_t words[4][KS__DRAWS], int64_t n)
{
    const random_attrs *attrs = call->attrs;
    const double mean = attrs->a, deviation = attrs->b;
    KS_LOOP
    for (int64_t i = 0; i < n; i++) {
        float x[4];
        normal_pair_f32(words[0][i], words[1][i], &x[0], &x[1]);
        normal_pair_f32(words[2][i], words[3][i], &x[2], &x[3]);
        out[4 * i] = (float)(mean + deviation * (double)x[0]);
        out[4 * i + 1] = (float)(mean + deviation * (double)x[1]);
        out[4 * i + 2] = (float)(mean + deviation * (double)x[2]);
        out[4 * i + 3] = (float)(mean + deviation * (double)x[3]);
    }
}

static KS_INLINE void normal_f64(const ks_call *call, double *out, uint32_t words[4][KS__DRAWS], int64_t n)
{
    const random_attrs *attrs = call->attrs;
    const double mean = attrs->a, deviation = attrs->b;
    KS_LOOP
    for (int64_t i = 0; i < n; i++) {
        double x, y;
        normal_pair_f64(1.0 - ks__uniform_f64(words[0][i], words[1][i]), ks__uniform_f64(words[2][i], words[3][i]), &x, &y);
        out[2 * i] = mean + deviation * x;
        out[2 * i + 1] = mean + deviation * y;
    }
}
KS__DEFINE_PART(normals_f32, float, 4, normal_f32)
KS__DEFINE_PART(normals_f64, double, 2, normal_f64)

static bool normal_kernel(const ks_call *call, ks_failure *failure)
{
    static const ks__part_fn f32[] = KS_PICK(normals_f32), f64[] = KS_PICK(normals_f64);
    (void)failure;
    return call->out->dtype == KS_F32 ? ks__draw_all(call, f32[call->isa], 4) : ks__draw_all(call, f64[call->isa], 2);
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

static const ks_attr normal_like_table[] = {
    {"dtype", KS_ATTR_DTYPE, offsetof(random_attrs, dtype), false, false, "f32 or f64; default f32"},
    {"mean", KS_ATTR_FLOAT, offsetof(random_attrs, a), false, false, "around which they lie; default 0"},
    {"std", KS_ATTR_FLOAT, offsetof(random_attrs, b), false, false, "their standard deviation; default 1"},
    {0},
};

static ks_node *normal_like_example(ks_graph *g)
{
    ks_node *x = ks__given(g, "x", KS_SHAPE(2, 3), KS__VALUES(1, 2, 3, 4, 5, 6));
    return ks_random_normal_like(x, KS_F64, 1, 0.5);
}

const ks_op ks__op_random_normal_like = {
    .size = sizeof(ks_op),
    .name = "random_normal_like",
    .formula = "y ~ N(mean, std^2), of x's shape",
    .doc = "As random_normal, for as many numbers as x has elements when it runs: batches of any size get their own. Of x only the shape "
           "is taken.",
    .types = "S>D",
    .inputs = "x",
    .flags = KS_OP_RANDOM,
    .attrs = normal_like_table,
    .attrs_size = sizeof(random_attrs),
    .defaults = &random_defaults,
    .infer = infer_normal,
    .kernel = normal_kernel,
    .no_derivative = shape_only,
    .onnx = "RandomNormalLike",
    .example = normal_like_example,
};

ks_node *ks_random_normal_like_at(ks_place at, ks_node *x, ks_dtype dtype, double mean, double std)
{
    return like_at(at, &ks__op_random_normal_like, x, dtype, mean, std);
}
