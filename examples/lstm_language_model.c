/*
 * lstm_language_model.c - an LSTM learns to write: from each byte of a text it foretells the next.
 *
 *   lstm_language_model [FILE] [--steps N] [--write N] [--losses N] [--f64]      FILE: default data/text/constitution.txt
 *
 * A byte becomes a vector (embedding), the LSTM remembers what it has read, and a dense layer gives a score to each byte that may follow.
 * `--write N` lets it go on with N bytes of its own.
 */
#include "text.h"

enum { WIDTH = 64, HIDDEN = 128, ROWS = 16, COLUMNS = 32 };

typedef struct model {
    ks_graph *g;
    ks_node *x, *t, *h, *c; /* fed: bytes and those that follow [N, T], first states [1, N, HIDDEN] */
    ks_node *table, *w, *u, *b, *out, *shift;
    ks_recurrent_results lstm;
    ks_node *score, *loss;
} model;

static model compose(ks_dtype dtype)
{
    ks_graph *g = ks_graph_new(NULL);
    int64_t N = ks_dim(g, "N"), T = ks_dim(g, "T");
    model m = {
        .g = g,
        .x = ks_input(g, "x", KS_I64, KS_SHAPE(N, T)),
        .t = ks_input(g, "t", KS_I64, KS_SHAPE(N, T)),
        .h = ks_input(g, "h", dtype, KS_SHAPE(1, N, HIDDEN)),
        .c = ks_input(g, "c", dtype, KS_SHAPE(1, N, HIDDEN)),
        .table = ks_variable(g, "table", dtype, KS_SHAPE(BYTES, WIDTH), KS_XAVIER),
        .w = ks_variable(g, "w", dtype, KS_SHAPE(WIDTH, 4 * HIDDEN), KS_XAVIER),
        .u = ks_variable(g, "u", dtype, KS_SHAPE(HIDDEN, 4 * HIDDEN), KS_XAVIER),
        .b = ks_variable(g, "b", dtype, KS_SHAPE(4 * HIDDEN), KS_ZEROS),
        .out = ks_variable(g, "out", dtype, KS_SHAPE(HIDDEN, BYTES), KS_XAVIER),
        .shift = ks_variable(g, "shift", dtype, KS_SHAPE(BYTES), KS_ZEROS),
    };
    ks_recurrent_weights weights = {.w = m.w, .u = m.u, .b = m.b};
    ks_recurrent_options options = {.size = sizeof options, .batch_first = true, .h = m.h, .c = m.c};
    ks_lstm(ks_embedding(m.table, m.x, -1), &weights, &options, &m.lstm);
    m.score = ks_dense(ks_reshape(m.lstm.y, KS_SHAPE(-1, HIDDEN)), m.out, m.shift); /* [N T, BYTES] */
    m.loss = ks_softmax_cross_entropy(m.score, ks_reshape(m.t, KS_SHAPE(-1)));
    return m;
}

/* The states before the next step: those given, or zeros. */
static void feed_states(const model *m, int64_t rows, const double *h, const double *c)
{
    const double zeros[ROWS * HIDDEN] = {0};
    ks_feed(m->h, KS_F64, KS_SHAPE(1, rows, HIDDEN), h ? h : zeros);
    ks_feed(m->c, KS_F64, KS_SHAPE(1, rows, HIDDEN), c ? c : zeros);
}

/* Each byte is drawn by its probability and read next; the states go along. */
static void write_text(const model *m, int count)
{
    ks_node *p = ks_softmax(m->score, -1), *wanted[] = {p, m->lstm.h, m->lstm.c};
    int64_t byte = '\n';
    double h[HIDDEN] = {0}, c[HIDDEN] = {0}, probability[BYTES];
    while (count-- > 0) {
        feed_states(m, 1, h, c);
        if (!ks_feed(m->x, KS_I64, KS_SHAPE(1, 1), &byte) || !ks_run(m->g, wanted, 3, NULL, 0, NULL))
            break;
        ks_read(p, KS_F64, probability, BYTES);
        ks_read(m->lstm.h, KS_F64, h, HIDDEN);
        ks_read(m->lstm.c, KS_F64, c, HIDDEN);
        byte = draw_byte(probability, 1, count);
        putchar((int)byte);
    }
    putchar('\n');
}

static void start_from_reference(const model *m)
{
    set_reference(m->table, 0, WIDTH, NULL);
    set_reference(m->w, 1, WIDTH, "0231"); /* i f g o, of i o f g */
    set_reference(m->u, 2, HIDDEN, "0231");
    set_reference(m->out, 3, HIDDEN, NULL);
}

int main(int argc, char **argv)
{
    arguments a = read_arguments(argc, argv, (arguments){.data = TEXT, .steps = 440});
    corpus text = read_corpus(a.data, ROWS * COLUMNS + 1);
    model m = compose(a.dtype);
    ks_optimizer *sgd = ks_sgd(m.loss, &(ks_optimizer_options){.size = sizeof(ks_optimizer_options), .rate = 0.5});
    if (a.losses)
        start_from_reference(&m);
    feed_states(&m, ROWS, NULL, NULL);
    for (int step = 0; text.bytes && step < a.steps && !ks_error(m.g); step++) {
        feed_text(m.x, m.t, &text, step, ROWS, COLUMNS);
        ks_step(sgd);
        if (a.losses)
            printf("%.17g\n", ks_scalar(m.loss));
        else if (step % 88 == 87)
            printf("after %d steps: loss %.4f\n", step + 1, ks_scalar(m.loss));
    }
    if (a.write)
        write_text(&m, a.write);

    if (ks_error(m.g))
        fprintf(stderr, "%s\n", ks_error(m.g)->message);
    int status = ks_error(m.g) || !text.bytes;
    ks_graph_free(m.g);
    free(text.bytes);
    return status;
}

/*
 * after 88 steps: loss 3.1612
 * after 176 steps: loss 3.0409
 * after 264 steps: loss 2.6763
 * after 352 steps: loss 2.4769
 * after 440 steps: loss 2.3380
 */
