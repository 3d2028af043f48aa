/*
 * bench/derivatives.c - what derivatives of each kind cost beside the value or the gradient.
 */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>

enum { MOST_LAYERS = 28 };

typedef struct many {
    ks_node *x; /* fed anew for each step, so that everything is computed anew */
    ks_shape shape;
    const float *data;
    ks_node *of[2 * MOST_LAYERS];
    int count;
} many;

static bool eval_many(void *payload)
{
    many *m = payload;
    return ks_feed_borrowed(m->x, m->shape, m->data, NULL, NULL) && ks_eval_all(m->of, m->count);
}

static ks_node *f32(ks_graph *g, const char *prefix, int i, ks_shape shape, ks_init init)
{
    char name[32];
    snprintf(name, sizeof name, "%s%d", prefix, i);
    return ks_variable(g, name, KS_F32, shape, init);
}

/* ---- a Hessian times a vector -------------------------------------------------------------------------- */

/* 256-256-128-10 with tanh, batch 128: 99,978 parameters. The product beside the gradient. */
void bench_hessian_vector(void)
{
    enum { LAYERS = 3, PARAMETERS = 2 * LAYERS, BATCH = 128 };
    static const int64_t widths[] = {256, 256, 128, 10};
    ks_graph *g = bench_graph();
    ks_node *x = ks_input(g, "x", KS_F32, KS_SHAPE(BATCH, 256)), *t = ks_input(g, "t", KS_I64, KS_SHAPE(BATCH)), *h = x;
    ks_node *p[PARAMETERS], *v[PARAMETERS];
    for (int i = 0; i < LAYERS; i++) {
        p[2 * i] = f32(g, "w", i, KS_SHAPE(widths[i], widths[i + 1]), KS_XAVIER);
        p[2 * i + 1] = f32(g, "b", i, KS_SHAPE(widths[i + 1]), KS_ZEROS);
        v[2 * i] = f32(g, "vw", i, KS_SHAPE(widths[i], widths[i + 1]), KS_XAVIER);
        v[2 * i + 1] = f32(g, "vb", i, KS_SHAPE(widths[i + 1]), KS_FILL(0.1));
        h = ks_add(ks_matmul(h, p[2 * i]), p[2 * i + 1]);
        h = i + 1 < LAYERS ? ks_tanh(h) : h;
    }
    ks_node *loss = ks_softmax_cross_entropy(h, t);
    float *data = bench_floats(BATCH * 256);
    int64_t labels[BATCH];
    for (int i = 0; i < BATCH; i++)
        labels[i] = i * 7 % 10;
    ks_feed(t, KS_I64, KS_SHAPE(BATCH), labels);
    many gradient = {.x = x, .shape = KS_SHAPE(BATCH, 256), .data = data, .count = PARAMETERS}, product = gradient;
    ks_gradients(loss, p, PARAMETERS, NULL, gradient.of);
    ks_hvp(loss, p, v, PARAMETERS, product.of);
    bench_check(g);
    bench_compare("hessian_vector", eval_many, &product, "gradient", eval_many, &gradient);
    bench_check(g);
    free(data);
    ks_graph_free(g);
}

/* ---- checkpoints --------------------------------------------------------------------------------------- */

enum { WIDE = 512, ROWS = 256 };

/* `depth` layers of 512 with tanh, batch 256, checkpointed in groups of `group`; 0: not at all. */
static ks_graph *deep(int depth, int group, many *out, const float *data)
{
    ks_graph *g = bench_graph();
    ks_node *x = ks_input(g, "x", KS_F32, KS_SHAPE(ROWS, WIDE)), *h = x, *p[2 * MOST_LAYERS];
    for (int i = 0; i < depth; i++) {
        p[2 * i] = f32(g, "w", i, KS_SHAPE(WIDE, WIDE), KS_XAVIER);
        p[2 * i + 1] = f32(g, "b", i, KS_SHAPE(WIDE), KS_ZEROS);
    }
    for (int first = 0, end; first < depth; first = end) {
        end = group && first + group < depth ? first + group : depth;
        ks_node *from = h;
        for (int i = first; i < end; i++)
            h = ks_tanh(ks_add(ks_matmul(h, p[2 * i]), p[2 * i + 1]));
        if (group)
            ks_checkpoint(&from, 1, (ks_node *[]){h}, 1, &h);
    }
    *out = (many){.x = x, .shape = KS_SHAPE(ROWS, WIDE), .data = data, .count = 2 * depth};
    ks_gradients(ks_mean_all(ks_square(h)), p, 2 * depth, NULL, out->of);
    bench_check(g);
    return g;
}

/* Megabytes that the step needs beside its results, the gradients. */
static double between(ks_graph *g, many *m)
{
    int64_t results = m->count / 2 * (WIDE * WIDE + WIDE) * (int64_t)sizeof(float);
    ks_feed_borrowed(m->x, m->shape, m->data, NULL, NULL);
    return (double)(ks_plan_bytes(g, m->of, m->count, NULL, 0) - results) / 1e6;
}

/* Gradients of 7 and of 28 layers: time and memory with checkpoints around groups of layers, beside none. */
void bench_checkpoint(void)
{
    static const int cases[][2] = {{7, 2}, {7, 3}, {28, 5}};
    float *data = bench_floats((size_t)ROWS * WIDE);
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        many plain, kept;
        ks_graph *g = deep(cases[k][0], 0, &plain, data), *c = deep(cases[k][0], cases[k][1], &kept, data);
        char name[64];
        snprintf(name, sizeof name, "checkpoint_%d_by_%d", cases[k][0], cases[k][1]);
        bench_compare(name, eval_many, &kept, "no checkpoint", eval_many, &plain);
        double few = between(c, &kept), all = between(g, &plain);
        printf("{\"case\": \"%s\", \"mb\": %.3f, \"against_mb\": %.3f, \"share\": %.2f, \"peak_mb\": %.3f, \"peak_against_mb\": %.3f}\n",
               name, few, all, few / all, (double)ks_graph_statistics(c).bytes_peak / 1e6, (double)ks_graph_statistics(g).bytes_peak / 1e6);
        bench_check(g);
        bench_check(c);
        ks_graph_free(g);
        ks_graph_free(c);
    }
    free(data);
}

/* ---- sparse Jacobians ---------------------------------------------------------------------------------- */

static void sparse(const char *name, ks_graph *g, ks_node *y, ks_node *x)
{
    ks_sparsity s = {0};
    ks_shape shape = ks_node_shape(x);
    float *data = bench_floats((size_t)ks_shape_count(shape));
    if (ks_jacobian_sparsity(y, x, &s)) {
        many value = {.x = x, .shape = shape, .data = data, .of = {y}, .count = 1}, jacobian = value;
        jacobian.of[0] = ks_sparse_jacobian(y, x, &s);
        bench_check(g);
        bench_compare(name, eval_many, &jacobian, "value", eval_many, &value);
        printf("{\"case\": \"%s\", \"rows\": %lld, \"entries\": %lld, \"passes\": %lld}\n", name, (long long)s.rows, (long long)s.entries,
               (long long)s.colours);
        ks_sparsity_free(&s);
    }
    bench_check(g);
    free(data);
    ks_graph_free(g);
}

/* Ten thousand rows: in blocks of four, each tanh of a product; and three diagonals. */
void bench_sparse_jacobian(void)
{
    enum { N = 10000, BLOCK = 4 };
    ks_graph *g = bench_graph();
    ks_node *x = ks_input(g, "x", KS_F32, KS_SHAPE(N / BLOCK, BLOCK)), *w = f32(g, "w", 0, KS_SHAPE(BLOCK, BLOCK), KS_XAVIER);
    sparse("sparse_blocks", g, ks_tanh(ks_matmul(x, w)), x);

    g = bench_graph();
    x = ks_input(g, "x", KS_F32, KS_SHAPE(N));
    ks_node *zero = ks_constant(g, KS_F32, KS_SHAPE(1), &(float){0});
    ks_node *left = ks_concat(((ks_node *[]){zero, ks_slice(x, 0, 0, N - 1)}), 2, 0);
    ks_node *right = ks_concat(((ks_node *[]){ks_slice(x, 0, 1, N), zero}), 2, 0);
    ks_node *second = ks_add(ks_sub(left, ks_mul(ks_number(g, 2), x)), right);
    sparse("sparse_bands", g, ks_add(second, ks_exp(ks_neg(ks_square(x)))), x);
}

/* ---- a gradient for each sample ------------------------------------------------------------------------ */

enum { SAMPLES = 256, IN = 32, HIDDEN = 64, OUT = 10, ARGUMENTS = 7 };

static ks_function *sample_gradient(void)
{
    ks_graph *g = bench_graph();
    ks_node *x = ks_input(g, "x", KS_F32, KS_SHAPE(IN)), *t = ks_input(g, "t", KS_I64, KS_SCALAR);
    ks_node *w1 = ks_input(g, "w1", KS_F32, KS_SHAPE(IN, HIDDEN)), *b1 = ks_input(g, "b1", KS_F32, KS_SHAPE(HIDDEN));
    ks_node *w2 = ks_input(g, "w2", KS_F32, KS_SHAPE(HIDDEN, OUT)), *b2 = ks_input(g, "b2", KS_F32, KS_SHAPE(OUT));
    ks_node *h = ks_tanh(ks_add(ks_matmul(x, w1), b1));
    ks_output(g, "loss", ks_softmax_cross_entropy(ks_add(ks_matmul(h, w2), b2), t));
    bench_check(g);
    ks_function *loss = ks_function_new("loss", g), *gradient = ks_function_vjp(loss, NULL);
    ks_function_free(loss);
    return gradient;
}

typedef struct loop {
    ks_program *program;
    ks_shape shapes[ARGUMENTS];
    ks_tensor in[ARGUMENTS], out[ARGUMENTS];
} loop;

static bool sample_by_sample(void *payload)
{
    loop *l = payload;
    float *x = l->in[0].data;
    int64_t *t = l->in[1].data;
    bool good = true;
    for (int i = 0; good && i < SAMPLES; i++) {
        good = ks_program_run(l->program, l->in, l->out);
        l->in[0].data = (float *)l->in[0].data + IN;
        l->in[1].data = (int64_t *)l->in[1].data + 1;
    }
    l->in[0].data = x;
    l->in[1].data = t;
    return good;
}

/* The gradients of 32-64-10 for 256 samples: the derivative mapped over the samples, beside a loop that runs it for one after the other. */
void bench_per_sample(void)
{
    static int64_t labels[SAMPLES];
    for (int i = 0; i < SAMPLES; i++)
        labels[i] = i * 7 % OUT;
    loop l = {.shapes = {KS_SHAPE(IN), KS_SCALAR, KS_SHAPE(IN, HIDDEN), KS_SHAPE(HIDDEN), KS_SHAPE(HIDDEN, OUT), KS_SHAPE(OUT), KS_SCALAR}};
    float *numbers = bench_floats(SAMPLES * IN), one = 1;
    void *data[] = {numbers, labels, numbers, numbers, numbers, numbers, &one};
    bool mapped[ARGUMENTS] = {true, true};
    ks_graph *g = bench_graph();
    ks_node *arguments[ARGUMENTS];
    for (int i = 0; i < ARGUMENTS; i++) {
        ks_dtype dtype = i == 1 ? KS_I64 : KS_F32;
        l.in[i] = (ks_tensor){data[i], &l.shapes[i], ks_shape_count(l.shapes[i]), dtype};
        ks_shape shape = i == 0 ? KS_SHAPE(SAMPLES, IN) : i == 1 ? KS_SHAPE(SAMPLES) : l.shapes[i];
        arguments[i] = ks_input(g, (const char *[]){"x", "t", "w1", "b1", "w2", "b2", "one"}[i], dtype, shape);
        ks_feed(arguments[i], dtype, shape, data[i]);
    }
    ks_function *gradient = sample_gradient();
    many m = {.x = arguments[0], .shape = KS_SHAPE(SAMPLES, IN), .data = numbers};
    ks_map(gradient, arguments, mapped, m.of);
    m.count = ks_function_output_count(gradient);
    bench_check(g);
    l.program = ks_program_new(gradient, NULL);
    bench_compare("per_sample", eval_many, &m, "loop", sample_by_sample, &l);
    bench_check(g);
    ks_program_free(l.program);
    ks_function_free(gradient);
    ks_graph_free(g);
    free(numbers);
}
