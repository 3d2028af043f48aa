/*
 * gpt.c - a small GPT learns to write: from all bytes so far it foretells the next.
 *
 *   gpt [FILE] [--steps N] [--write N] [--temperature T] [--seed N] [--losses N] [--f64]      FILE: default data/text/constitution.txt
 *
 * A byte becomes a vector, and so does its place; four blocks add to it what attention finds in the bytes before (never behind), and what
 * two dense layers make of that. Each looks at a normed copy, so that the sum itself flows through unhindered (Radford et al., 2019).
 * `--write N` lets it go on with N bytes of its own: the lower the temperature, the surer its choice.
 */
#include "text.h"

enum { WIDTH = 128, PLACES = 64, BLOCKS = 4, HEADS = 4, ROWS = 8 };

typedef struct model {
    ks_graph *g;
    ks_node *x, *t; /* fed: bytes and those that follow [N, T] */
    ks_node *score, *loss;
} model;

static ks_node *parameter(const ks_node *x, const char *name, int block, ks_shape shape, ks_init init)
{
    char text[32];
    snprintf(text, sizeof text, "%d.%s", block, name);
    return ks_variable(ks_node_graph(x), text, ks_node_dtype(x), shape, init);
}

static ks_node *norm(ks_node *x, const char *gain, const char *offset, int block)
{
    ks_node *scale = parameter(x, gain, block, KS_SHAPE(WIDTH), KS_ONES);
    return ks_layer_norm(x, scale, parameter(x, offset, block, KS_SHAPE(WIDTH), KS_ZEROS), -1, 1e-5);
}

/* softmax(q kT / sqrt(32)) v in four heads; q, k and v come of one product. */
static ks_node *attention(ks_node *x, int block)
{
    ks_attention_weights w = {
        .q = parameter(x, "qkv", block, KS_SHAPE(WIDTH, 3 * WIDTH), KS_XAVIER),
        .q_bias = parameter(x, "qkv.bias", block, KS_SHAPE(3 * WIDTH), KS_ZEROS),
        .out = parameter(x, "out", block, KS_SHAPE(WIDTH, WIDTH), KS_XAVIER),
        .out_bias = parameter(x, "out.bias", block, KS_SHAPE(WIDTH), KS_ZEROS),
    };
    return ks_multi_head_attention(x, NULL, &w, HEADS, &(ks_attention_options){.size = sizeof(ks_attention_options), .causal = true});
}

static ks_node *mlp(ks_node *x, int block)
{
    ks_node *w1 = parameter(x, "w1", block, KS_SHAPE(WIDTH, 4 * WIDTH), KS_XAVIER);
    ks_node *b1 = parameter(x, "b1", block, KS_SHAPE(4 * WIDTH), KS_ZEROS);
    ks_node *w2 = parameter(x, "w2", block, KS_SHAPE(4 * WIDTH, WIDTH), KS_XAVIER);
    ks_node *b2 = parameter(x, "b2", block, KS_SHAPE(WIDTH), KS_ZEROS);
    return ks_dense(ks_gelu(ks_dense(x, w1, b1)), w2, b2);
}

static model compose(ks_dtype dtype)
{
    ks_graph *g = ks_graph_new(NULL);
    int64_t N = ks_dim(g, "N"), T = ks_dim(g, "T");
    model m = {.g = g, .x = ks_input(g, "x", KS_I64, KS_SHAPE(N, T)), .t = ks_input(g, "t", KS_I64, KS_SHAPE(N, T))};
    ks_init init = KS_INIT(.kind = KS_INIT_XAVIER, .fan_in = WIDTH);
    ks_node *bytes = ks_variable(g, "bytes", dtype, KS_SHAPE(BYTES, WIDTH), init);
    ks_node *places = ks_variable(g, "places", dtype, KS_SHAPE(PLACES, WIDTH), init);

    ks_node *y = ks_add(ks_embedding(bytes, m.x, -1), ks_embedding(places, ks_positions(m.x, 1), -1)); /* [N, T, WIDTH] */
    for (int block = 1; block <= BLOCKS; block++) {
        y = ks_add(y, attention(norm(y, "gain1", "offset1", block), block));
        y = ks_add(y, mlp(norm(y, "gain2", "offset2", block), block));
    }
    y = norm(y, "gain", "offset", BLOCKS + 1);
    m.score = ks_matmul(y, ks_variable(g, "score", dtype, KS_SHAPE(WIDTH, BYTES), KS_XAVIER)); /* [N, T, BYTES] */
    m.loss = ks_softmax_cross_entropy(ks_reshape(m.score, KS_SHAPE(-1, BYTES)), ks_reshape(m.t, KS_SHAPE(-1)));
    return m;
}

/* Each byte is drawn and read next; no more are remembered than there are places. */
static void write_text(const model *m, const arguments *a)
{
    ks_node *last = ks_div(ks_slice(m->score, 1, -1, INT64_MAX), ks_number(m->g, fmax(a->temperature, 1e-6))), *p = ks_softmax(last, -1);
    int64_t read[PLACES + 1] = {'\n'}, count = 1;
    double probability[BYTES];
    for (int i = 0; i < a->write; i++) {
        if (!ks_feed(m->x, KS_I64, KS_SHAPE(1, count), read) || !ks_read(p, KS_F64, probability, BYTES))
            return;
        read[count] = draw_byte(probability, a->seed, i);
        putchar((int)read[count]);
        if (count < PLACES)
            count++;
        else
            memmove(read, read + 1, sizeof read - sizeof *read);
    }
    putchar('\n');
}

int main(int argc, char **argv)
{
    arguments a = read_arguments(argc, argv, (arguments){.data = TEXT, .steps = 88, .seed = 1, .temperature = 1});
    corpus text = read_corpus(a.data, ROWS * PLACES + 1);
    model m = compose(a.dtype);
    ks_optimizer *adam = ks_adam(m.loss, NULL);
    if (a.losses)
        set_references(m.g);
    else
        printf("%" PRId64 " parameters, %" PRId64 " bytes\n", parameter_count(m.g), text.count);
    double start = seconds();
    for (int step = 0; text.bytes && step < a.steps && !ks_error(m.g); step++) {
        feed_text(m.x, m.t, &text, step, ROWS, PLACES);
        ks_step(adam);
        if (a.losses)
            printf("%.17g\n", ks_scalar(m.loss));
        else if (step % 22 == 21)
            printf("after %d steps: loss %.4f, %.1f s\n", step + 1, ks_scalar(m.loss), seconds() - start);
    }
    if (a.write)
        write_text(&m, &a);
    int status = end(m.g) || !text.bytes;
    free(text.bytes);
    return status;
}

/*
 * 834304 parameters, 45345 bytes
 * after 22 steps: loss 2.9522, 3.9 s
 * after 44 steps: loss 2.6547, 7.5 s
 * after 66 steps: loss 2.6330, 12.0 s
 * after 88 steps: loss 2.4977, 17.2 s
 */
