/*
 * Whole sequences through recurrent nets: the values and derivatives that PyTorch has (recurrent.py), those of their cells one after the
 * other, and what options do.
 */
#include "function/function.h"
#include "recurrent.h"

#include <keisan/sequence.h>
#include <stdio.h>
#include "graph/graph.h"
#include "support/allocator.h"

typedef bool (*net_fn)(ks_place at, ks_node *x, const ks_recurrent_weights *weights, const ks_recurrent_options *options,
                       ks_recurrent_results *out);

/* Element i of tensor p is sin(1 + 3 p + 1.7 i)/2, as in recurrent.py. */
static ks_node *drawn(ks_graph *g, int p, ks_dtype dtype, ks_shape shape)
{
    char name[16];
    int64_t n = ks_shape_count(shape);
    double *values = malloc(sizeof(double) * (size_t)(n + 1));
    float *narrow = malloc(sizeof(float) * (size_t)(n + 1));
    for (int64_t i = 0; i < n; i++)
        narrow[i] = (float)(values[i] = sin(1 + 3 * p + 1.7 * (double)i) / 2);
    snprintf(name, sizeof name, "t%d", p);
    ks_node *x = ks_variable(g, name, dtype, shape, KS_UNSET);
    cr_assert(x && ks_set(x, dtype, dtype == KS_F32 ? (void *)narrow : (void *)values), "%s", why(g));
    free(values);
    free(narrow);
    return x;
}

/* The sum of y cos(i). */
static ks_node *weighed(ks_node *y)
{
    ks_shape shape = ks_node_shape(y);
    int64_t n = ks_shape_count(shape);
    double *values = malloc(sizeof(double) * (size_t)(n + 1));
    for (int64_t i = 0; i < n; i++)
        values[i] = cos((double)i);
    ks_node *factor = ks_cast(ks_constant(ks_node_graph(y), KS_F64, shape, values), ks_node_dtype(y));
    free(values);
    return ks_sum_all(ks_mul(y, factor));
}

#define MOST_WEIGHTS 4

typedef struct setting {
    net_fn net;
    int gates, steps, layers, directions;
    ks_dtype dtype;
    ks_recurrent_options options;
    const int64_t *lengths;
} setting;

typedef struct made {
    ks_graph *g;
    ks_node *x, *h;
    ks_recurrent_weights weights[MOST_WEIGHTS];
    ks_recurrent_results out;
    ks_node *loss;
} made;

#define N  2
#define IN 3
#define H  2

static made make(setting s)
{
    made m = {.g = ks_graph_new(NULL)};
    int count = s.layers * s.directions, p = 3;
    int64_t gates = s.gates;
    s.options.size = sizeof s.options;
    s.options.layers = s.layers;
    if (s.directions == 2)
        s.options.reading = KS_READ_BOTH;
    m.x = drawn(m.g, 0, s.dtype, KS_SHAPE(s.steps, N, IN));
    m.h = s.options.h = drawn(m.g, 1, s.dtype, KS_SHAPE(count, N, H));
    if (s.net == ks_lstm_at)
        s.options.c = drawn(m.g, 2, s.dtype, KS_SHAPE(count, N, H));
    if (s.lengths)
        s.options.lengths = ks_constant(m.g, KS_I64, KS_SHAPE(N), s.lengths);
    for (int i = 0; i < count; i++, p += 4)
        m.weights[i] =
            (ks_recurrent_weights){drawn(m.g, p, s.dtype, KS_SHAPE(i < s.directions ? IN : s.directions * H, gates * H)),
                                   drawn(m.g, p + 1, s.dtype, KS_SHAPE(H, gates * H)), drawn(m.g, p + 2, s.dtype, KS_SHAPE(gates * H)),
                                   drawn(m.g, p + 3, s.dtype, KS_SHAPE(gates * H))};
    cr_assert(s.net(KS_HERE, m.x, m.weights, &s.options, &m.out), "%s", why(m.g));
    m.loss = ks_add(weighed(m.out.y), weighed(m.out.h));
    if (m.out.c)
        m.loss = ks_add(m.loss, weighed(m.out.c));
    cr_assert(m.loss, "%s", why(m.g));
    return m;
}

static void are(ks_node *node, const double *wanted, size_t bytes, double tolerance)
{
    int64_t n = (int64_t)(bytes / sizeof *wanted);
    cr_assert(node);
    cr_assert(ks_eval(node), "%s", why(ks_node_graph(node)));
    cr_assert_eq(ks_shape_count(ks_value_shape(node)), n);
    double *values = malloc(bytes);
    cr_assert(ks_read(node, KS_F64, values, n), "%s", why(ks_node_graph(node)));
    for (int64_t i = 0; i < n; i++)
        cr_assert(fabs(values[i] - wanted[i]) <= tolerance * fmax(1, fabs(wanted[i])), "element %lld of '%s' is %.17g, not %.17g",
                  (long long)i, ks_name(node), values[i], wanted[i]);
    free(values);
}

static void is_pytorch(setting s, const double *y, size_t y_bytes, const double *dx, size_t dx_bytes, const double *sums)
{
    for (s.dtype = KS_F32; s.dtype <= KS_F64; s.dtype++) {
        double tolerance = s.dtype == KS_F32 ? 2e-5 : 1e-13;
        made m = make(s);
        const ks_recurrent_weights *last = &m.weights[s.layers * s.directions - 1];
        ks_node *d[6], *of[] = {m.x, m.h, last->w, last->u, last->b, last->c};
        are(m.out.y, y, y_bytes, tolerance);
        cr_assert(ks_gradients(m.loss, of, 6, NULL, d), "%s", why(m.g));
        are(d[0], dx, dx_bytes, tolerance);
        for (int i = 0; i < 6; i++)
            are(weighed(d[i]), &sums[i], sizeof *sums, tolerance * 10);
        are(m.loss, &sums[6], sizeof *sums, tolerance * 10);
        ks_graph_free(m.g);
    }
}
#define IS_PYTORCH(name, ...) is_pytorch((setting){__VA_ARGS__}, name##_y, sizeof name##_y, name##_dx, sizeof name##_dx, name##_sums)

/* ---- values and derivatives ---------------------------------------------------------------------------- */

Test(recurrent, rnn_is_pytorchs)
{
    IS_PYTORCH(rnn, ks_rnn_at, 1, 4, 1, 1);
    IS_PYTORCH(rnn_relu, ks_rnn_at, 1, 4, 1, 1, .options = {.activation = KS_RNN_RELU});
    IS_PYTORCH(rnn_deep, ks_rnn_at, 1, 3, 2, 2);
}

Test(recurrent, lstm_is_pytorchs)
{
    IS_PYTORCH(lstm, ks_lstm_at, 4, 4, 1, 1);
    IS_PYTORCH(lstm_deep, ks_lstm_at, 4, 3, 2, 2);
}

Test(recurrent, gru_is_pytorchs)
{
    IS_PYTORCH(gru, ks_gru_at, 3, 4, 1, 1);
    IS_PYTORCH(gru_deep, ks_gru_at, 3, 3, 2, 2);
}

Test(recurrent, gru_may_reset_before_the_product)
{
    IS_PYTORCH(gru_before, ks_gru_at, 3, 4, 1, 1, .options = {.form = KS_RESET_BEFORE});
}

Test(recurrent, rows_of_other_lengths_stop_as_pytorchs_packed_ones_do)
{
    IS_PYTORCH(lstm_ragged, ks_lstm_at, 4, 4, 2, 2, .lengths = (const int64_t[]){2, 4});
    IS_PYTORCH(gru_ragged, ks_gru_at, 3, 4, 1, 2, .lengths = (const int64_t[]){4, 1});
}

static void check_gradient(ks_node *loss)
{
    ks_gradcheck_report report = {.passed = false};
    cr_assert(loss && ks_gradcheck(loss, NULL, 0, NULL, &report), "%s", why(ks_node_graph(loss)));
    for (int i = 0; i < report.count; i++)
        cr_assert(report.passed, "'%s': %g and %g", report.rows[i].name, report.rows[i].analytic, report.rows[i].numeric);
    ks_gradcheck_free(&report);
}

/* First and second derivatives for everything against differences. */
static void check_derivatives(setting s)
{
    s.dtype = KS_F64;
    made m = make(s);
    check_gradient(m.loss);
    check_gradient(ks_sum_all(ks_square(ks_gradient(m.loss, m.weights[0].u))));
    check_gradient(ks_sum_all(ks_square(ks_gradient(m.loss, m.x))));
    ks_graph_free(m.g);
}

Test(recurrent, derivatives_are_differences_and_so_are_second_ones)
{
    check_derivatives((setting){ks_rnn_at, 1, 3, 1, 2});
    check_derivatives((setting){ks_lstm_at, 4, 3, 1, 1});
    check_derivatives((setting){ks_lstm_at, 4, 2, 2, 2, .lengths = (const int64_t[]){1, 2}});
    check_derivatives((setting){ks_gru_at, 3, 3, 1, 2, .lengths = (const int64_t[]){3, 1}});
    check_derivatives((setting){ks_gru_at, 3, 3, 1, 1, .options = {.form = KS_RESET_BEFORE}});
    check_derivatives((setting){ks_lstm_at, 4, 3, 1, 1, .options = {.recompute = true}});
}

/* ---- cells one after the other ------------------------------------------------------------------------- */

static ks_node *row(ks_node *x, int t)
{
    return ks_squeeze(ks_slice(x, 0, t, t + 1), KS_INTS(0));
}

static ks_node *unrolled(const made *m, setting s)
{
    ks_node *rows[8], *h = row(m->h, 0), *c = s.net == ks_lstm_at ? row(ks_find(m->g, "t2"), 0) : NULL;
    for (int t = 0; t < s.steps; t++) {
        int at = s.options.reading == KS_READ_BACKWARD ? s.steps - 1 - t : t;
        ks_node *x = row(m->x, at);
        if (s.net == ks_lstm_at)
            cr_assert(ks_lstm_cell(x, h, c, m->weights, &h, &c), "%s", why(m->g));
        else if (s.net == ks_gru_at)
            h = ks_gru_cell(x, h, m->weights, s.options.form);
        else
            h = ks_rnn_cell(x, h, m->weights, s.options.activation);
        rows[at] = h;
    }
    ks_node *loss = ks_add(weighed(ks_stack(rows, s.steps, 0)), weighed(h));
    return c ? ks_add(loss, weighed(c)) : loss;
}

static void is_unrolled(setting s)
{
    s.steps = 4;
    s.layers = s.directions = 1;
    s.dtype = KS_F64;
    made m = make(s);
    ks_node *loss = unrolled(&m, s), *of[] = {m.x, m.h, m.weights->w, m.weights->u, m.weights->b, m.weights->c};
    same(m.loss, loss, 1e-14);
    ks_node *second = ks_sum_all(ks_square(ks_gradient(m.loss, m.weights->u))),
            *wanted = ks_sum_all(ks_square(ks_gradient(loss, m.weights->u)));
    for (int i = 0; i < 6; i++) {
        same(ks_gradient(m.loss, of[i]), ks_gradient(loss, of[i]), 1e-13);
        same(ks_gradient(second, of[i]), ks_gradient(wanted, of[i]), 1e-12);
        same(ks_jvp(m.loss, &of[i], &of[i], 1), ks_jvp(loss, &of[i], &of[i], 1), 1e-13);
    }
    ks_graph_free(m.g);
}

Test(recurrent, net_is_its_cells_one_after_the_other)
{
    is_unrolled((setting){ks_rnn_at, 1});
    is_unrolled((setting){ks_rnn_at, 1, .options = {.activation = KS_RNN_RELU}});
    is_unrolled((setting){ks_lstm_at, 4});
    is_unrolled((setting){ks_lstm_at, 4, .options = {.reading = KS_READ_BACKWARD}});
    is_unrolled((setting){ks_gru_at, 3});
    is_unrolled((setting){ks_gru_at, 3, .options = {.form = KS_RESET_BEFORE, .reading = KS_READ_BACKWARD}});
}

/* ---- options and sizes --------------------------------------------------------------------------------- */

static ks_recurrent_weights some_weights(ks_graph *g, int gates, bool biases)
{
    return (ks_recurrent_weights){some(g, "w", KS_SHAPE(IN, gates * H)), some(g, "u", KS_SHAPE(H, gates * H)),
                                  biases ? some(g, "b", KS_SHAPE(gates * H)) : NULL, biases ? some(g, "c", KS_SHAPE(gates * H)) : NULL};
}

Test(recurrent, batch_may_come_first)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *x = some(g, "x", KS_SHAPE(4, N, IN));
    ks_recurrent_weights weights = some_weights(g, 4, true);
    ks_recurrent_options options = {.size = sizeof options, .batch_first = true};
    ks_recurrent_results a, b;
    cr_assert(ks_lstm(x, &weights, NULL, &a) && ks_lstm(ks_swapaxes(x, 0, 1), &weights, &options, &b), "%s", why(g));
    same(ks_swapaxes(b.y, 0, 1), a.y, 0);
    same(b.h, a.h, 0);
    ks_graph_free(g);
}

Test(recurrent, first_states_and_biases_left_out_are_zeros)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *x = some(g, "x", KS_SHAPE(4, N, IN));
    ks_recurrent_weights bare = some_weights(g, 3, false), full = bare;
    full.b = full.c = ks_zeros(g, KS_F64, KS_SHAPE(3 * H));
    ks_recurrent_options options = {.size = sizeof options, .h = ks_zeros(g, KS_F64, KS_SHAPE(1, N, H))};
    ks_recurrent_results a, b;
    cr_assert(ks_gru(x, &bare, NULL, &a) && ks_gru(x, &full, &options, &b), "%s", why(g));
    same(a.y, b.y, 1e-15);
    same(a.h, b.h, 1e-15);
    cr_assert_null(a.c);
    ks_graph_free(g);
}

Test(recurrent, steps_and_rows_may_be_open)
{
    ks_graph *g = ks_graph_new(NULL), *f = ks_graph_new(NULL);
    ks_node *x = ks_input(g, "x", KS_F64, KS_SHAPE(ks_dim(g, "T"), ks_dim(g, "N"), IN));
    ks_node *lengths = ks_input(g, "lengths", KS_I64, KS_SHAPE(ks_dim(g, "N")));
    ks_recurrent_weights weights[] = {some_weights(g, 4, true), some_weights(g, 4, true)};
    ks_recurrent_options options = {.size = sizeof options, .reading = KS_READ_BOTH, .lengths = lengths};
    ks_recurrent_results open, fixed;
    cr_assert(ks_lstm(x, weights, &options, &open), "%s", why(g));
    ks_node *d = ks_gradient(ks_sum_all(ks_square(open.y)), weights[0].u);
    for (int64_t t = 0; t < 6; t += 2) {
        ks_recurrent_weights own[] = {some_weights(f, 4, true), some_weights(f, 4, true)};
        double values[90];
        for (int i = 0; i < 90; i++)
            values[i] = sin(i);
        int64_t rows = t + 1, ends[] = {t, 1, 0, 2, 3};
        for (int64_t n = 0; n < rows; n++)
            ends[n] = ends[n] < t ? ends[n] : t;
        ks_node *y = ks_constant(f, KS_F64, KS_SHAPE(t, rows, IN), values);
        options.lengths = ks_constant(f, KS_I64, KS_SHAPE(rows), ends);
        cr_assert(ks_lstm(y, own, &options, &fixed), "%s", why(f));
        cr_assert(ks_feed(x, KS_F64, KS_SHAPE(t, rows, IN), values) && ks_feed(lengths, KS_I64, KS_SHAPE(rows), ends), "%s", why(g));
        same(open.y, fixed.y, 1e-14);
        same(open.h, fixed.h, 1e-14);
        same(d, ks_gradient(ks_sum_all(ks_square(fixed.y)), own[0].u), 1e-13);
    }
    ks_graph_free(g);
    ks_graph_free(f);
}

Test(recurrent, dropout_stands_between_layers_in_training_only)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *x = some(g, "x", KS_SHAPE(4, N, IN));
    ks_recurrent_weights weights[] = {some_weights(g, 3, true), some_weights(g, 3, true)};
    weights[1].w = some(g, "w2", KS_SHAPE(H, 3 * H));
    ks_recurrent_options options = {.size = sizeof options, .layers = 2};
    ks_recurrent_results without, with, one;
    cr_assert(ks_gru(x, weights, &options, &without), "%s", why(g));
    options.dropout = 0.5;
    cr_assert(ks_gru(x, weights, &options, &with), "%s", why(g));
    options.layers = 1;
    cr_assert(ks_gru(x, weights, &options, &one), "%s", why(g));
    same(with.y, without.y, 0);
    ks_run_options train = {.size = sizeof train, .mode = KS_TRAIN};
    ks_node *difference = ks_max_all(ks_abs(ks_sub(with.y, without.y)));
    cr_assert(ks_run(g, &difference, 1, NULL, 0, &train), "%s", why(g));
    cr_assert(ks_scalar(difference) > 0);
    cr_assert_not(one.y->op->flags & KS_OP_MODE);
    ks_graph_free(g);
}

Test(recurrent, net_composed_anew_is_found_again)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *x = some(g, "x", KS_SHAPE(4, N, IN)), *before = NULL;
    ks_recurrent_weights weights = some_weights(g, 4, true);
    int64_t mark = ks_graph_mark(g);
    uint32_t functions = 0;
    for (int i = 0; i < 3; i++) {
        ks_recurrent_results out;
        cr_assert(ks_lstm(x, &weights, NULL, &out), "%s", why(g));
        ks_node *d = ks_gradient(ks_sum_all(out.y), weights.u);
        cr_assert(ks_eval(d), "%s", why(g));
        cr_assert(i == 0 || (d == before && g->function_count == functions));
        before = d;
        functions = g->function_count;
        ks_graph_release(g, mark);
    }
    ks_graph_free(g);
}

/* ---- failures ------------------------------------------------------------------------------------------ */

static void refused(ks_graph *g, bool good, const char *message)
{
    cr_assert_not(good);
    cr_assert_str_eq(why(g), message);
    ks_error_clear(g);
}

Test(recurrent, weights_of_other_shapes_are_refused)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *x = some(g, "x", KS_SHAPE(4, N, IN));
    ks_recurrent_weights good = some_weights(g, 4, true), bad = good;
    ks_recurrent_results out;
    refused(g, ks_gru(x, &good, NULL, &out), "gru: the weight 'u' is [2, 8]: give it as [H, 3 H], with H known");
    bad.w = good.u;
    refused(g, ks_lstm(x, &bad, NULL, &out), "lstm: the weight 'u' is [2, 8]: give it as [3, 8]");
    bad = good;
    bad.c = x;
    refused(g, ks_lstm(x, &bad, NULL, &out), "lstm: the weight 'x' is [4, 2, 3]: give it as [8]");
    refused(g, ks_rnn_cell(x, x, &good, KS_RNN_TANH), "rnn_cell: the weight 'u' is [2, 8]: give it as [H, H], with H known");
    ks_graph_free(g);
}

Test(recurrent, options_that_make_no_sense_are_refused)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *x = some(g, "x", KS_SHAPE(4, N, IN));
    ks_recurrent_weights weights = some_weights(g, 3, true);
    ks_recurrent_results out;
    ks_recurrent_options options = {.size = sizeof options, .layers = -1};
    refused(g, ks_gru(x, &weights, &options, &out), "gru: -1 layers: give 1 or more");
    options = (ks_recurrent_options){.size = sizeof options, .dropout = 1};
    refused(g, ks_gru(x, &weights, &options, &out), "gru: dropout is a share in [0, 1)");
    options = (ks_recurrent_options){.size = sizeof options, .c = x};
    refused(g, ks_gru(x, &weights, &options, &out), "gru: it has no state c: leave it NULL");
    options = (ks_recurrent_options){.size = sizeof options, .h = row(x, 0)};
    refused(g, ks_gru(x, &weights, &options, &out), "gru: first states are [layers directions, N, H]");
    options = (ks_recurrent_options){.size = sizeof options, .lengths = row(row(x, 0), 0)};
    refused(g, ks_gru(x, &weights, &options, &out), "gru: lengths are whole numbers [N], one for each row");
    options = (ks_recurrent_options){.size = sizeof options, .batch_first = true};
    refused(g, ks_gru(row(x, 0), &weights, &options, &out), "gru: x is 'squeeze_4' [2, 3]: give [N, T, in]");
    ks_graph_free(g);
}

/* ---- memory -------------------------------------------------------------------------------------------- */

/* Two directions over rows of other lengths; NAN if anything failed. */
static double ragged(ks_test_memory *memory)
{
    ks_graph_options options = {.size = sizeof options, .allocator = ks_test_allocator(memory), .threads = 1};
    ks_graph *g = ks_graph_new(&options);
    if (!g)
        return NAN;
    const double values[64] = {0.5, -0.25, 1, 0.75, -1, 0.125, 0.3, 0.9};
    const int64_t ends[N] = {1, 2};
    ks_recurrent_weights weights[2];
    for (int i = 0; i < 2; i++)
        weights[i] =
            (ks_recurrent_weights){ks_constant(g, KS_F64, KS_SHAPE(IN, 3 * H), values), ks_constant(g, KS_F64, KS_SHAPE(H, 3 * H), values),
                                   ks_constant(g, KS_F64, KS_SHAPE(3 * H), values), ks_constant(g, KS_F64, KS_SHAPE(3 * H), values)};
    ks_recurrent_options how = {.size = sizeof how, .reading = KS_READ_BOTH, .lengths = ks_constant(g, KS_I64, KS_SHAPE(N), ends)};
    ks_recurrent_results out;
    double value = NAN;
    bool whole = weights[1].c && weights[1].b && weights[1].u && weights[0].c && weights[0].b && how.lengths;
    if (whole && ks_gru(ks_constant(g, KS_F64, KS_SHAPE(2, N, IN), values), weights, &how, &out))
        value = ks_scalar(ks_sum_all(ks_gradient(ks_sum_all(ks_square(out.y)), weights[0].u)));
    cr_assert(!isnan(value) || ks_error(g), "request %lld was refused, and nobody says so", (long long)memory->refuse);
    ks_graph_free(g);
    return value;
}

Test(recurrent, says_so_wherever_memory_runs_out)
{
    ks_test_memory memory = {0};
    double wanted = ragged(&memory);
    int64_t requests = memory.requests;
    cr_assert(!isnan(wanted));
    for (int64_t i = 1; i <= requests; i++) {
        memory = (ks_test_memory){.refuse = i};
        double value = ragged(&memory);
        cr_assert(isnan(value) || value == wanted, "request %lld was refused, and the value is %g", (long long)i, value);
        cr_assert_eq(memory.live, 0, "request %lld was refused, and %lld bytes are lost", (long long)i, (long long)memory.live);
    }
}
