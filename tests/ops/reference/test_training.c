/*
 * test_training.c - whole networks trained beside PyTorch: the losses of the first steps, which tests/reference/training.py wrote down.
 *
 * Weights, batches and updates are those that the script describes, so every loss is the same number but for rounding. What rounding does
 * grows from step to step: the f64 losses are held to 1e-9, the f32 ones to 1e-3, relative to max(1, |wanted|).
 */
#include "ops/ops.h"

#include "config.h"

#if defined KS_HAVE_ZLIB && defined KS_HAVE_FILES
#define IMAGES true
#else
#define IMAGES false /* they are gzipped files */
#endif

#define MOST_STEPS 50

typedef struct net {
    const char *name;
    int steps, rows, columns; /* of tokens in a batch */
    ks_node *(*compose)(struct net *n);
    ks_optimizer *(*optimizer)(ks_node *loss, const ks_optimizer_options *options);
    double rate;
    bool images; /* [rows, 28, 28] for tokens, digits for labels */
    bool tags;   /* labels are places in words, not the next bytes */
    ks_graph *g;
    ks_dtype dtype;
    int drawn, made; /* weights, variables */
    ks_node *tokens, *labels;
    ks_data *data; /* of images */
} net;

/* ---- weights ------------------------------------------------------------------------------------------- */

/* Steele, Lea, Flood: Fast splittable pseudorandom number generators (2014). */
static uint64_t splitmix64(uint64_t x)
{
    x += 0x9e3779b97f4a7c15;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
    x = (x ^ x >> 27) * 0x94d049bb133111eb;
    return x ^ x >> 31;
}

static ks_node *variable(net *n, ks_shape shape, ks_init init)
{
    char name[16];
    snprintf(name, sizeof name, "p%d", n->made++);
    return ks_variable(n->g, name, n->dtype, shape, init);
}

/* The next weight, with values up to the bound. */
static ks_node *bounded(net *n, ks_shape shape, double bound)
{
    int64_t count = ks_shape_count(shape);
    double *values = malloc(sizeof(double) * (size_t)count);
    float *narrow = malloc(sizeof(float) * (size_t)count);
    uint64_t p = (uint64_t)n->drawn++ << 32;
    for (int64_t i = 0; i < count; i++) {
        double u = (double)(splitmix64(p + (uint64_t)i) >> 11) * 0x1p-53;
        values[i] = bound * (2 * u - 1);
        narrow[i] = (float)values[i];
    }
    ks_node *w = variable(n, shape, KS_UNSET);
    cr_assert(ks_set(w, n->dtype, n->dtype == KS_F32 ? (const void *)narrow : values));
    free(values);
    free(narrow);
    return w;
}

static ks_node *weight(net *n, ks_shape shape, int64_t fan_in)
{
    return bounded(n, shape, sqrt(3.0 / (double)fan_in));
}

/* Before a ReLU. */
static ks_node *he_weight(net *n, ks_shape shape, int64_t fan_in)
{
    return bounded(n, shape, sqrt(6.0 / (double)fan_in));
}

static ks_node *zeros(net *n, int64_t size)
{
    return variable(n, KS_SHAPE(size), KS_ZEROS);
}

static ks_node *ones(net *n, int64_t size)
{
    return variable(n, KS_SHAPE(size), KS_ONES);
}

/* ---- layers -------------------------------------------------------------------------------------------- */

static ks_node *dense(ks_node *x, ks_node *w, ks_node *b)
{
    return ks_add(ks_matmul(x, w), b);
}

/* x wᵀ */
static ks_node *times_transposed(ks_node *x, ks_node *w)
{
    return ks__matmul(KS_HERE, x, w, false, true);
}

/* Columns [at size, (at + 1) size) of the last of two axes. */
static ks_node *part(ks_node *x, int at, int64_t size)
{
    return ks_slice(x, 1, at * size, (at + 1) * size);
}

/* The looked-up rows [rows columns, width]. */
static ks_node *look_up(net *n, ks_node *table, int64_t width)
{
    return ks_reshape(ks_embedding(table, n->tokens, -1), KS_SHAPE(n->rows * n->columns, width));
}

/* Step t of x [rows columns, width]. */
static ks_node *at_step(const net *n, ks_node *x, int t, int64_t width)
{
    ks_node *cube = ks_reshape(x, KS_SHAPE(n->rows, n->columns, width));
    return ks_reshape(ks_slice(cube, 1, t, t + 1), KS_SHAPE(n->rows, width));
}

/* States of all steps as [rows columns, width]. */
static ks_node *stacked(const net *n, ks_node **states, int64_t width)
{
    ks_node *cubes[64];
    for (int t = 0; t < n->columns; t++)
        cubes[t] = ks_reshape(states[t], KS_SHAPE(n->rows, 1, width));
    return ks_reshape(ks_concat(cubes, n->columns, 1), KS_SHAPE(n->rows * n->columns, width));
}

static ks_node *nothing(net *n, int64_t width)
{
    return ks_full(n->g, n->dtype, KS_SHAPE(n->rows, width), 0);
}

/* ---- networks for images ------------------------------------------------------------------------------- */

static ks_node *convolved(net *n, ks_node *x, int64_t channels, int64_t filters, int64_t size, int64_t padding)
{
    ks_node *w = he_weight(n, KS_SHAPE(filters, channels, size, size), channels * size * size);
    ks_window_options options = {.size = sizeof options, .pads = KS_INTS(padding)};
    return ks_relu(ks_conv(x, w, zeros(n, filters), &options));
}

static ks_node *pooled(ks_node *x)
{
    ks_window_options options = {.size = sizeof options, .strides = KS_INTS(2)};
    return ks_max_pool(x, KS_INTS(2), &options);
}

/* Two dense layers behind the images, and the loss. */
static ks_node *classified(net *n, ks_node *x, int64_t inner, int64_t hidden)
{
    ks_node *w1 = he_weight(n, KS_SHAPE(inner, hidden), inner), *y = ks_relu(dense(ks_flatten(x, 1), w1, zeros(n, hidden)));
    ks_node *w2 = weight(n, KS_SHAPE(hidden, 10), hidden);
    return ks_softmax_cross_entropy(dense(y, w2, zeros(n, 10)), n->labels);
}

static ks_node *simple_conv_net(net *n)
{
    ks_node *x = ks_reshape(n->tokens, KS_SHAPE(n->rows, 1, 28, 28));
    return classified(n, pooled(convolved(n, x, 1, 30, 5, 0)), 4320, 100);
}

static ks_node *deep_conv_net(net *n)
{
    static const int64_t channels[] = {1, 16, 16, 32, 32, 64, 64};
    ks_node *x = ks_reshape(n->tokens, KS_SHAPE(n->rows, 1, 28, 28));
    for (int i = 0; i < 6; i++) {
        x = convolved(n, x, channels[i], channels[i + 1], 3, i == 3 ? 2 : 1);
        x = i % 2 ? pooled(x) : x;
    }
    return classified(n, x, 1024, 50);
}

/* ---- networks for texts ----------------------------------------------------------------------------------------- */

static ks_node *lstm_language_model(net *n)
{
    enum { HIDDEN = 128 };
    ks_node *table = weight(n, KS_SHAPE(128, 64), 64), *w = weight(n, KS_SHAPE(4 * HIDDEN, 64), 64);
    ks_node *r = weight(n, KS_SHAPE(4 * HIDDEN, HIDDEN), HIDDEN), *b = zeros(n, 4 * HIDDEN);
    ks_node *out = weight(n, KS_SHAPE(HIDDEN, 128), HIDDEN), *shift = zeros(n, 128);
    ks_node *x = ks_add(times_transposed(look_up(n, table, 64), w), b), *h = nothing(n, HIDDEN), *c = h, *states[64];
    for (int t = 0; t < n->columns; t++) {
        ks_node *gates = ks_add(at_step(n, x, t, 4 * HIDDEN), times_transposed(h, r));
        ks_node *i = ks_sigmoid(part(gates, 0, HIDDEN)), *o = ks_sigmoid(part(gates, 1, HIDDEN));
        ks_node *f = ks_sigmoid(part(gates, 2, HIDDEN)), *fresh = ks_tanh(part(gates, 3, HIDDEN));
        c = ks_add(ks_mul(f, c), ks_mul(i, fresh));
        states[t] = h = ks_mul(o, ks_tanh(c));
    }
    return ks_softmax_cross_entropy(dense(stacked(n, states, HIDDEN), out, shift), n->labels);
}

/* A GRU over the steps in one direction: [rows columns, 64]. */
static ks_node *gru(net *n, ks_node *x, ks_node *w, ks_node *r, ks_node *b, bool backwards)
{
    enum { HIDDEN = 64 };
    ks_node *all = ks_add(times_transposed(x, w), b), *h = nothing(n, HIDDEN), *states[64];
    for (int k = 0; k < n->columns; k++) {
        int t = backwards ? n->columns - 1 - k : k;
        ks_node *in = at_step(n, all, t, 3 * HIDDEN), *back = times_transposed(h, r);
        ks_node *z = ks_sigmoid(ks_add(part(in, 0, HIDDEN), part(back, 0, HIDDEN)));
        ks_node *reset = ks_sigmoid(ks_add(part(in, 1, HIDDEN), part(back, 1, HIDDEN)));
        ks_node *fresh = ks_tanh(ks_add(part(in, 2, HIDDEN), ks_mul(reset, part(back, 2, HIDDEN))));
        states[t] = h = ks_add(ks_mul(ks_sub(ks_number(n->g, 1), z), fresh), ks_mul(z, h));
    }
    return stacked(n, states, HIDDEN);
}

static ks_node *gru_tagger(net *n)
{
    ks_node *table = weight(n, KS_SHAPE(128, 32), 32), *x = look_up(n, table, 32), *directions[2];
    for (int i = 0; i < 2; i++) {
        ks_node *w = weight(n, KS_SHAPE(192, 32), 32), *r = weight(n, KS_SHAPE(192, 64), 64), *b = zeros(n, 192);
        directions[i] = gru(n, x, w, r, b, i == 1);
    }
    ks_node *out = weight(n, KS_SHAPE(128, 5), 128), *shift = zeros(n, 5);
    return ks_softmax_cross_entropy(dense(ks_concat(directions, 2, 1), out, shift), n->labels);
}

/* x [rows columns, 128] through causal attention of 4 heads. */
static ks_node *attention(net *n, ks_node *x, ks_node *mask)
{
    ks_node *qkv = weight(n, KS_SHAPE(128, 384), 128), *all = dense(x, qkv, zeros(n, 384)), *heads[3];
    for (int i = 0; i < 3; i++)
        heads[i] = ks_transpose(ks_reshape(part(all, i, 128), KS_SHAPE(n->rows, n->columns, 4, 32)), KS_INTS(0, 2, 1, 3));
    ks_node *scores = ks_div(times_transposed(heads[0], heads[1]), ks_number(n->g, sqrt(32)));
    ks_node *y = ks_matmul(ks_softmax(ks_add(scores, mask), -1), heads[2]);
    y = ks_reshape(ks_transpose(y, KS_INTS(0, 2, 1, 3)), KS_SHAPE(n->rows * n->columns, 128));
    ks_node *out = weight(n, KS_SHAPE(128, 128), 128);
    return dense(y, out, zeros(n, 128));
}

static ks_node *norm(net *n, ks_node *x)
{
    ks_node *gain = ones(n, 128), *offset = zeros(n, 128);
    return ks_layer_norm(x, gain, offset, -1, 1e-5);
}

static ks_node *mlp(net *n, ks_node *x)
{
    ks_node *w1 = weight(n, KS_SHAPE(128, 512), 128), *inner = ks_gelu(dense(x, w1, zeros(n, 512)));
    ks_node *w2 = weight(n, KS_SHAPE(512, 128), 512);
    return dense(inner, w2, zeros(n, 128));
}

static ks_node *gpt(net *n)
{
    ks_node *table = weight(n, KS_SHAPE(128, 128), 128), *places = weight(n, KS_SHAPE(64, 128), 128);
    ks_node *past = ks_tril(ks_ones(n->g, n->dtype, KS_SHAPE(n->columns, n->columns)), 0);
    ks_node *mask = ks_log(past); /* 0 where it may look, -infinity elsewhere */
    ks_node *x = ks_add(ks_reshape(look_up(n, table, 128), KS_SHAPE(n->rows, n->columns, 128)), places);
    x = ks_reshape(x, KS_SHAPE(n->rows * n->columns, 128));
    for (int i = 0; i < 4; i++) {
        x = ks_add(x, attention(n, norm(n, x), mask));
        x = ks_add(x, mlp(n, norm(n, x)));
    }
    ks_node *last = norm(n, x);
    return ks_softmax_cross_entropy(ks_matmul(last, weight(n, KS_SHAPE(128, 128), 128)), n->labels);
}

/* ---- data ---------------------------------------------------------------------------------------------- */

static unsigned char text[65536];
static int64_t bytes;

static FILE *open_file(const char *name)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", getenv("KEISAN_SOURCE"), name);
    FILE *file = fopen(path, "rb");
    cr_assert(file, "%s can't be read", path);
    return file;
}

static bool letter(int64_t at)
{
    return at >= 0 && at < bytes && ((text[at] | 32) >= 'a' && (text[at] | 32) <= 'z');
}

/* The place of a byte in its word: 0 outside, 1 first, 2 inside, 3 last, 4 alone. */
static int64_t tag(int64_t at)
{
    if (!letter(at))
        return 0;
    return letter(at - 1) ? (letter(at + 1) ? 2 : 3) : letter(at + 1) ? 1 : 4;
}

static void feed(const net *n, int step)
{
    if (n->images) {
        cr_assert(ks_data_rows_feed(n->data, (int64_t)step * n->rows, n->rows));
        return;
    }
    int64_t tokens[1024], labels[1024], stride = (bytes - 1) / n->rows, i = 0;
    for (int row = 0; row < n->rows; row++) {
        for (int column = 0; column < n->columns; column++, i++) {
            int64_t at = row * stride + (int64_t)step * n->columns + column;
            tokens[i] = text[at];
            labels[i] = n->tags ? tag(at) : text[at + 1];
        }
    }
    cr_assert(ks_feed(n->tokens, KS_I64, KS_SHAPE(n->rows, n->columns), tokens));
    cr_assert(ks_feed(n->labels, KS_I64, KS_SHAPE(i), labels));
}

/* The losses that PyTorch had in f32 (column 1) or f64 (column 2). */
static void wanted(const net *n, double *losses)
{
    char name[128], line[256];
    snprintf(name, sizeof name, "tests/reference/training/%s.txt", n->name);
    FILE *file = open_file(name);
    cr_assert(fgets(line, sizeof line, file));
    for (int step = 0; step < n->steps; step++) {
        double f32, f64;
        cr_assert_eq(fscanf(file, "%*d %lf %lf", &f32, &f64), 2);
        losses[step] = n->dtype == KS_F32 ? f32 : f64;
    }
    fclose(file);
}

/* ---- the tests ----------------------------------------------------------------------------------------- */

static void leaves(net *n)
{
    char files[2200];
    const char *folder = getenv("KEISAN_SOURCE");
    n->tokens =
        n->images ? ks_input(n->g, "x", n->dtype, KS_SHAPE(n->rows, 28, 28)) : ks_input(n->g, "x", KS_I64, KS_SHAPE(n->rows, n->columns));
    n->labels = ks_input(n->g, "t", KS_I64, KS_SHAPE(n->images ? n->rows : n->rows * n->columns));
    if (!n->images)
        return;
    snprintf(files, sizeof files, "x=%s/data/digits/train-images-idx3-ubyte.gz:scale=255,t=%s/data/digits/train-labels-idx1-ubyte.gz",
             folder, folder);
    n->data = ks_data_open(n->g, files);
    cr_assert(n->data, "%s", ks_error(n->g)->message);
}

static void train_as(net n, ks_dtype dtype, double tolerance)
{
    double losses[MOST_STEPS];
    n.dtype = dtype;
    wanted(&n, losses);
    n.g = ks_graph_new(NULL);
    leaves(&n);
    ks_node *loss = n.compose(&n);
    ks_optimizer *optimizer = n.optimizer(loss, &(ks_optimizer_options){.size = sizeof(ks_optimizer_options), .rate = n.rate});
    QUIET(n.g);
    for (int step = 0; step < n.steps; step++) {
        feed(&n, step);
        cr_assert(ks_step(optimizer), "%s: %s", n.name, ks_error(n.g) ? ks_error(n.g)->message : "?");
        double is = ks_scalar(loss);
        cr_assert(agree(is, losses[step], tolerance), "the loss of %s in %s at step %d is %.17g, PyTorch has %.17g", n.name,
                  ks_dtype_name(dtype), step, is, losses[step]);
    }
    ks_data_free(n.data);
    ks_graph_free(n.g);
}

static void train(net n)
{
    if (n.images && !IMAGES)
        cr_skip_test("the images are gzipped files");
    FILE *file = open_file("data/text/constitution.txt");
    bytes = (int64_t)fread(text, 1, sizeof text, file);
    fclose(file);
    train_as(n, KS_F64, 1e-9);
    train_as(n, KS_F32, 1e-3);
}

Test(training, an_lstm_language_model_has_pytorchs_losses)
{
    train((net){.name = "lstm_language_model",
                .steps = 50,
                .rows = 16,
                .columns = 32,
                .compose = lstm_language_model,
                .optimizer = ks_sgd,
                .rate = 0.5});
}

Test(training, a_gru_tagger_in_both_directions_has_pytorchs_losses)
{
    train((net){.name = "gru_tagger",
                .steps = 50,
                .rows = 16,
                .columns = 32,
                .compose = gru_tagger,
                .optimizer = ks_momentum,
                .rate = 0.1,
                .tags = true});
}

/* Of the large ones the first steps only: a step is some two thousand million multiplications. */
Test(training, a_small_gpt_has_pytorchs_losses)
{
    train((net){.name = "gpt", .steps = 12, .rows = 8, .columns = 64, .compose = gpt, .optimizer = ks_adam, .rate = 0.001});
}

Test(training, the_simple_convolutional_net_has_pytorchs_losses)
{
    train((net){.name = "simple_conv_net",
                .steps = 12,
                .rows = 100,
                .images = true,
                .compose = simple_conv_net,
                .optimizer = ks_adam,
                .rate = 0.001});
}

Test(training, the_deep_convolutional_net_has_pytorchs_losses)
{
    train((net){
        .name = "deep_conv_net", .steps = 6, .rows = 100, .images = true, .compose = deep_conv_net, .optimizer = ks_adam, .rate = 0.001});
}
