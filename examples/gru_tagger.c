/*
 * gru_tagger.c - a GRU that reads in both directions says of each byte of a text where in its word it stands.
 *
 *   gru_tagger [FILE] [--steps N] [--losses N] [--f64]      FILE: default data/text/constitution.txt
 *
 * Whether a letter is a word's last one only the next byte tells, whether it is the first only the one before: a net that reads in one
 * direction could not know. Words are runs of letters; a tag is 0 outside, 1 first, 2 inside, 3 last, 4 a word of one letter.
 */
#include "text.h"

enum { WIDTH = 32, HIDDEN = 64, TAGS = 5, ROWS = 16, COLUMNS = 32 };

typedef struct model {
    ks_graph *g;
    ks_node *x, *t; /* fed: bytes and their tags [N, T] */
    ks_node *table, *out, *shift;
    ks_recurrent_weights gru[2]; /* forward, backward */
    ks_node *loss, *accuracy;
} model;

static model compose(ks_dtype dtype)
{
    ks_graph *g = ks_graph_new(NULL);
    int64_t N = ks_dim(g, "N"), T = ks_dim(g, "T");
    model m = {
        .g = g,
        .x = ks_input(g, "x", KS_I64, KS_SHAPE(N, T)),
        .t = ks_input(g, "t", KS_I64, KS_SHAPE(N, T)),
        .table = ks_variable(g, "table", dtype, KS_SHAPE(BYTES, WIDTH), KS_XAVIER),
        .out = ks_variable(g, "out", dtype, KS_SHAPE(2 * HIDDEN, TAGS), KS_XAVIER),
        .shift = ks_variable(g, "shift", dtype, KS_SHAPE(TAGS), KS_ZEROS),
    };
    m.gru[0].w = ks_variable(g, "forward.w", dtype, KS_SHAPE(WIDTH, 3 * HIDDEN), KS_XAVIER);
    m.gru[0].u = ks_variable(g, "forward.u", dtype, KS_SHAPE(HIDDEN, 3 * HIDDEN), KS_XAVIER);
    m.gru[0].b = ks_variable(g, "forward.b", dtype, KS_SHAPE(3 * HIDDEN), KS_ZEROS);
    m.gru[1].w = ks_variable(g, "backward.w", dtype, KS_SHAPE(WIDTH, 3 * HIDDEN), KS_XAVIER);
    m.gru[1].u = ks_variable(g, "backward.u", dtype, KS_SHAPE(HIDDEN, 3 * HIDDEN), KS_XAVIER);
    m.gru[1].b = ks_variable(g, "backward.b", dtype, KS_SHAPE(3 * HIDDEN), KS_ZEROS);

    ks_recurrent_results gru;
    ks_recurrent_options options = {.size = sizeof options, .batch_first = true, .reading = KS_READ_BOTH};
    ks_gru(ks_embedding(m.table, m.x, -1), m.gru, &options, &gru);
    ks_node *score = ks_dense(ks_reshape(gru.y, KS_SHAPE(-1, 2 * HIDDEN)), m.out, m.shift); /* [N T, TAGS] */
    ks_node *tags = ks_reshape(m.t, KS_SHAPE(-1));
    m.loss = ks_softmax_cross_entropy(score, tags);
    m.accuracy = ks_mean_all(ks_cast(ks_equal(ks_argmax(score, 1, false), tags), dtype));
    return m;
}

static bool letter(const corpus *text, int64_t at)
{
    return at >= 0 && at < text->count && ((text->bytes[at] | 32) >= 'a' && (text->bytes[at] | 32) <= 'z');
}

static int64_t tag(const corpus *text, int64_t at)
{
    bool before = letter(text, at - 1), behind = letter(text, at + 1);
    return !letter(text, at) ? 0 : before ? (behind ? 2 : 3) : behind ? 1 : 4;
}

static void feed(const model *m, const corpus *text, int step)
{
    int64_t x[ROWS][COLUMNS], t[ROWS][COLUMNS];
    for (int b = 0; b < ROWS; b++) {
        int64_t at = place_of(text, step, b, ROWS, COLUMNS);
        for (int i = 0; i < COLUMNS; i++) {
            x[b][i] = text->bytes[at + i] % BYTES;
            t[b][i] = tag(text, at + i);
        }
    }
    ks_feed(m->x, KS_I64, KS_SHAPE(ROWS, COLUMNS), x);
    ks_feed(m->t, KS_I64, KS_SHAPE(ROWS, COLUMNS), t);
}

static void start_from_reference(const model *m)
{
    set_reference(m->table, 0, WIDTH, NULL);
    for (int d = 0; d < 2; d++) {
        set_reference(m->gru[d].w, 1 + 2 * d, WIDTH, "102"); /* r z n, of z r n */
        set_reference(m->gru[d].u, 2 + 2 * d, HIDDEN, "102");
    }
    set_reference(m->out, 5, 2 * HIDDEN, NULL);
}

int main(int argc, char **argv)
{
    arguments a = read_arguments(argc, argv, (arguments){.data = TEXT, .steps = 176});
    corpus text = read_corpus(a.data, ROWS * COLUMNS + 1);
    model m = compose(a.dtype);
    ks_optimizer *momentum = ks_momentum(m.loss, &(ks_optimizer_options){.size = sizeof(ks_optimizer_options), .rate = 0.1});
    if (a.losses)
        start_from_reference(&m);
    for (int step = 0; text.bytes && step < a.steps && !ks_error(m.g); step++) {
        feed(&m, &text, step);
        ks_step_with(momentum, &m.accuracy, 1);
        if (a.losses)
            printf("%.17g\n", ks_scalar(m.loss));
        else if (step % 44 == 43)
            printf("after %d steps: loss %.4f, right %.4f\n", step + 1, ks_scalar(m.loss), ks_scalar(m.accuracy));
    }

    if (ks_error(m.g))
        fprintf(stderr, "%s\n", ks_error(m.g)->message);
    int status = ks_error(m.g) || !text.bytes;
    ks_graph_free(m.g);
    free(text.bytes);
    return status;
}

/*
 * after 44 steps: loss 0.2039, right 0.9414
 * after 88 steps: loss 0.0875, right 0.9785
 * after 132 steps: loss 0.0628, right 0.9805
 * after 176 steps: loss 0.0461, right 0.9844
 */
