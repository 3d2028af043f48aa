/*
 * test_gradcheck.c - chained against numeric derivatives: the book's network, numeric derivatives against closed forms, planted
 * mistakes that must be found, and corners that must be told and not fail.
 */
#include "net.h"

/* All elements are checked where that takes seconds, and some where it takes minutes. */
#ifdef __OPTIMIZE__
#define ALL 0, 39760
#else
#define ALL 1000, 1560
#endif

/* ---- the book's network -------------------------------------------------------------------------------- */

static void expect_close(ks_node *loss, int64_t most, int64_t elements, double mean)
{
    ks_gradcheck_options options = {.size = sizeof options, .most = most};
    ks_gradcheck_report report;
    cr_assert(ks_gradcheck(loss, NULL, 0, &options, &report), "%s",
              ks_error(ks_node_graph(loss)) ? ks_error(ks_node_graph(loss))->message : "");
    cr_expect(report.passed);
    cr_expect_eq(report.count, 4);
    for (int i = 0; i < report.count; i++) {
        const ks_gradcheck_row *row = &report.rows[i];
        cr_log_info("%s: %lld elements, mean %.3g, worst %.3g, kinks %lld\n", row->name, (long long)row->elements, row->mean_difference,
                    row->worst_relative, (long long)row->kinks);
        cr_expect_leq(row->mean_difference, mean, "%s: %g", row->name, row->mean_difference);
        cr_expect_lt(row->kinks, row->elements / 10 + 1);
        elements -= row->elements;
    }
    cr_expect_eq(elements, 0);
    ks_gradcheck_free(&report);
    cr_expect_null(report.rows);
}

Test(gradcheck, the_books_network_in_f64)
{
    book_net n = make_net(graph(), KS_F64, true, KS_NORMAL(0.01));
    expect_close(n.loss, ALL, 1e-9);
    done(n.g);
}

Test(gradcheck, the_books_network_with_he)
{
    book_net n = make_net(graph(), KS_F64, true, KS_HE);
    expect_close(n.loss, 1000, 1560, 1e-9);
    done(n.g);
}

Test(gradcheck, the_books_network_with_sigmoid)
{
    book_net n = make_net(graph(), KS_F64, false, KS_XAVIER);
    expect_close(n.loss, 1000, 1560, 1e-9);
    done(n.g);
}

Test(gradcheck, a_network_in_f32_is_checked_in_f64)
{
    book_net n = make_net(graph(), KS_F32, true, KS_HE);
    ks_scalar(n.loss); /* draws the weights */
    expect_close(n.loss, 1000, 1560, 1e-9);
    done(n.g);
}

Test(gradcheck, changes_nothing)
{
    ks_graph *g = graph();
    book_net n = make_net(g, KS_F32, true, KS_HE);
    double loss = ks_scalar(n.loss);
    static float before[500], after[500];
    cr_assert(ks_read(n.w2, KS_F32, before, 500));
    int64_t nodes = ks_node_count(g);
    uint64_t step = ks_step_number(g);
    ks_gradcheck_report report;
    cr_assert(ks_gradcheck(n.loss, &n.w2, 1, &(ks_gradcheck_options){.size = sizeof(ks_gradcheck_options), .most = 20}, &report));
    cr_expect_eq(ks_node_count(g), nodes);
    cr_expect_eq(ks_step_number(g), step);
    cr_assert(ks_read(n.w2, KS_F32, after, 500));
    cr_expect_arr_eq(before, after, sizeof before);
    expect_exactly(ks_scalar(n.loss), loss);
    ks_gradcheck_free(&report);
    done(g);
}

Test(gradcheck, of_some_elements_spread_evenly)
{
    ks_graph *g = graph();
    book_net n = make_net(g, KS_F64, true, KS_HE);
    ks_gradcheck_options options = {.size = sizeof options, .most = 7};
    ks_gradcheck_report report;
    cr_assert(ks_gradcheck(n.loss, NULL, 0, &options, &report));
    for (int i = 0; i < report.count; i++)
        cr_expect_eq(report.rows[i].elements, 7);
    cr_expect(report.passed);
    ks_gradcheck_free(&report);
    done(g);
}

Test(gradcheck, of_inputs_and_frozen_variables_that_are_named)
{
    ks_graph *g = graph();
    book_net n = make_net(g, KS_F64, true, KS_HE);
    ks_set_trainable(n.b2, false);
    ks_gradcheck_options options = {.size = sizeof options, .most = 50};
    ks_gradcheck_report report;
    cr_assert(ks_gradcheck(n.loss, ((ks_node *[]){n.x, n.b2}), 2, &options, &report));
    cr_expect_eq(report.count, 2);
    cr_expect_str_eq(report.rows[0].name, "x");
    cr_expect_str_eq(report.rows[1].name, "fc2.bias");
    cr_expect(report.passed);
    ks_gradcheck_free(&report);
    cr_assert(ks_gradcheck(n.loss, NULL, 0, &options, &report));
    cr_expect_eq(report.count, 3);
    ks_gradcheck_free(&report);
    done(g);
}

Test(gradcheck, in_training_holds_the_masks_still)
{
    ks_graph *g = graph();
    book_net n = make_net(g, KS_F64, false, KS_XAVIER);
    ks_node *loss = ks_softmax_cross_entropy(ks_dropout(n.score, 0.4, KS_DROPOUT_INVERTED), n.t);
    ks_gradcheck_options options = {.size = sizeof options, .mode = KS_TRAIN};
    ks_gradcheck_report report;
    cr_assert(ks_gradcheck(loss, &n.b2, 1, &options, &report));
    cr_expect(report.passed);
    cr_expect_leq(report.rows[0].mean_difference, 1e-9);
    ks_gradcheck_free(&report);
    done(g);
}

/* The masks are those of a training run in this step: the derivative of an erased score is 0, by both ways. */
Test(gradcheck, in_training_is_of_the_masked_function)
{
    ks_graph *g = graph();
    double ones[64];
    for (int i = 0; i < 64; i++)
        ones[i] = 1;
    ks_node *w = given(g, "w", KS_SHAPE(64), ones), *loss = ks_sum_all(ks_dropout(w, 0.5, KS_DROPOUT_BOOK));
    ks_gradcheck_report report;
    ks_gradcheck_options options = {.size = sizeof options, .mode = KS_TRAIN};
    cr_assert(ks_gradcheck(loss, NULL, 0, &options, &report));
    cr_expect(report.passed);
    cr_expect(report.rows[0].analytic == 0 || report.rows[0].analytic == 1); /* not 1/2, as in inference */
    ks_gradcheck_free(&report);
    cr_assert(ks_gradcheck(loss, NULL, 0, NULL, &report));
    expect_exactly(report.rows[0].analytic, 0.5);
    ks_gradcheck_free(&report);
    done(g);
}

/* ---- the numeric derivative itself --------------------------------------------------------------------- */

/* The numeric derivative of f at x; its analytic one is made wrong on purpose so that the worst element is shown. */
static ks_gradcheck_row numeric_of(ks_node *(*f)(ks_node *x), double at)
{
    ks_graph *g = graph();
    ks_node *x = scalar(g, "x", at), *y = f(x);
    ks_gradcheck_report report;
    cr_assert(ks_gradcheck(y, NULL, 0, NULL, &report));
    ks_gradcheck_row row = report.rows[0];
    ks_gradcheck_free(&report);
    done(g);
    return row;
}

static ks_node *function_1(ks_node *x) /* the book's: 0.01 x^2 + 0.1 x */
{
    ks_graph *g = ks_node_graph(x);
    return ks_add(ks_mul(ks_number(g, 0.01), ks_square(x)), ks_mul(ks_number(g, 0.1), x));
}

static ks_node *sine(ks_node *x)
{
    return ks_sin(x);
}

static ks_node *exponential(ks_node *x)
{
    return ks_exp(x);
}

static ks_node *logarithm(ks_node *x)
{
    return ks_log(x);
}

static ks_node *composed(ks_node *x)
{
    return ks_square(ks_exp(ks_square(x)));
}

static ks_node *frozen_sine(ks_node *x) /* sin x + cos x, of which the second is hidden from the chain */
{
    return ks_add(ks_sin(x), ks_stop_gradient(ks_cos(x)));
}

Test(gradcheck, numeric_derivatives_are_those_of_calculus)
{
    expect_near(numeric_of(function_1, 5).numeric, 0.2, 1e-11);
    expect_near(numeric_of(function_1, 10).numeric, 0.3, 1e-11);
    expect_near(numeric_of(sine, 1).numeric, cos(1), 1e-11);
    expect_near(numeric_of(exponential, -2).numeric, exp(-2), 1e-11);
    expect_near(numeric_of(logarithm, 0.5).numeric, 2, 1e-11);
    expect_near(numeric_of(logarithm, 1000).numeric, 0.001, 1e-11);
    expect_near(numeric_of(composed, 0.5).numeric, 3.297442541400256, 1e-10);
}

Test(gradcheck, numeric_derivatives_do_not_look_at_the_chain)
{
    ks_gradcheck_row row = numeric_of(frozen_sine, 1);
    expect_near(row.analytic, cos(1), 1e-15);
    expect_near(row.numeric, cos(1) - sin(1), 1e-11);
    expect_near(row.worst_relative, sin(1), 1e-10);
}

Test(gradcheck, values_below_the_step_of_large_parameters)
{
    /* the step is relative, 1 here: too wide for a sine, and made finer */
    ks_gradcheck_row row = numeric_of(sine, 1e4);
    expect_near(row.numeric, cos(1e4), 1e-6);
    cr_expect_leq(row.worst_relative, 1e-6);
}

/* ---- corners ------------------------------------------------------------------------------------------- */

static ks_gradcheck_row check_at(ks_node *(*f)(ks_node *x), double at, bool *passed)
{
    ks_graph *g = graph();
    ks_node *y = f(scalar(g, "x", at));
    ks_gradcheck_report report;
    cr_assert(ks_gradcheck(y, NULL, 0, NULL, &report));
    ks_gradcheck_row row = report.rows[0];
    *passed = report.passed;
    ks_gradcheck_free(&report);
    done(g);
    return row;
}

static ks_node *rectified(ks_node *x)
{
    return ks_relu(x);
}

static ks_node *absolute(ks_node *x)
{
    return ks_abs(x);
}

static ks_node *bent(ks_node *x) /* a corner at 1 on a curve */
{
    ks_graph *g = ks_node_graph(x);
    return ks_add(ks_exp(x), ks_maximum(ks_square(x), ks_number(g, 1)));
}

Test(gradcheck, a_corner_is_told_and_does_not_fail)
{
    bool passed;
    ks_gradcheck_row row = check_at(rectified, 0, &passed);
    cr_expect(passed);
    cr_expect_eq(row.kinks, 1);
    cr_expect_eq(row.worst_index, -1, "nothing could be compared");
    row = check_at(absolute, 0, &passed);
    cr_expect(passed && row.kinks == 1);
    row = check_at(bent, 1, &passed);
    cr_expect(passed && row.kinks == 1);
}

Test(gradcheck, a_corner_anywhere_within_the_step_is_told)
{
    /* from one side to the other of the step of 1e-4 */
    for (int k = -95; k <= 95; k++) {
        bool passed;
        ks_gradcheck_row row = check_at(rectified, 1e-6 * k, &passed);
        cr_expect(passed, "%d", k);
        cr_expect_eq(row.kinks, 1, "%d: %lld", k, (long long)row.kinks);
        row = check_at(bent, 1 + 1e-6 * k, &passed);
        cr_expect(passed, "bent %d: %g against %g", k, row.analytic, row.numeric);
        cr_expect_eq(row.kinks, 1, "bent %d", k);
    }
}

Test(gradcheck, a_corner_outside_the_step_is_none)
{
    for (int k = 11; k < 40; k++) {
        bool passed;
        ks_gradcheck_row row = check_at(rectified, 1e-5 * k, &passed);
        cr_expect(passed && row.kinks == 0 && row.numeric > 0.999, "%d", k);
        row = check_at(rectified, -1e-5 * k, &passed);
        cr_expect(passed && row.kinks == 0 && row.numeric == 0, "%d", k);
    }
}

Test(gradcheck, a_strong_bend_is_no_corner)
{
    static const double at[] = {0.5, 0.05, 0.01, 0.003};
    for (int k = 0; k < 4; k++) {
        bool passed;
        ks_gradcheck_row row = check_at(logarithm, at[k], &passed);
        cr_expect(passed && row.kinks == 0, "%g: %g against %g", at[k], row.analytic, row.numeric);
        cr_expect_eq(row.worst_index, 0);
    }
}

Test(gradcheck, of_a_wrong_derivative_near_a_corner_is_found_by_a_smaller_step)
{
    /* relu(x) + hidden x: wrong by 1 at 0.00005, where the step meets relu's corner */
    ks_graph *g = graph();
    ks_node *x = scalar(g, "x", 5e-5), *y = ks_add(ks_relu(x), ks_stop_gradient(x));
    ks_gradcheck_report report;
    cr_assert(ks_gradcheck(y, NULL, 0, NULL, &report));
    cr_expect_not(report.passed);
    cr_expect_eq(report.rows[0].kinks, 1);
    expect_near(report.rows[0].numeric, 2, 1e-9);
    ks_gradcheck_free(&report);
    done(g);
}

Test(gradcheck, what_is_no_number_fails)
{
    bool passed;
    ks_gradcheck_row row = check_at(logarithm, -1, &passed);
    cr_expect_not(passed);
    cr_expect(isinf(row.worst_relative));
}

/* ---- planted mistakes ---------------------------------------------------------------------------------- */

/* An affine layer y = x w + b of one's own, with a mistake in its derivative. x [N, K], w [K, M], b [M]. */
enum { NO_MISTAKE, SIGN, TRANSPOSE, BATCH, FACTOR, INDEX, SWAPPED };
static int mistake;

static bool infer_affine(ks_infer *infer)
{
    const ks_shape *x = infer->shape[0], *w = infer->shape[1];
    if (x->rank != 2 || w->rank != 2 || x->dim[1] != w->dim[0])
        return ks_infer_fail(infer, KS_BAD_SHAPE, "inner sizes differ: {0}, {1}");
    infer->out = KS_SHAPE(x->dim[0], w->dim[1]);
    return true;
}

static bool affine_kernel(const ks_call *call, ks_failure *failure)
{
    (void)failure;
    const double *x = call->in[0].data, *w = call->in[1].data, *b = call->in[2].data;
    int64_t n = call->in[0].shape->dim[0], k = call->in[0].shape->dim[1], m = call->out->shape->dim[1];
    for (int64_t i = 0; i < n; i++) {
        for (int64_t j = 0; j < m; j++) {
            double sum = b[j];
            for (int64_t l = 0; l < k; l++)
                sum += x[i * k + l] * w[l * m + j];
            ((double *)call->out->data)[i * m + j] = sum;
        }
    }
    return true;
}

static ks_node *affine_pullback(ks_node *y, int i, ks_node *u)
{
    ks_graph *g = ks_node_graph(y);
    ks_node *x = ks_node_input(y, 0), *w = ks_node_input(y, 1);
    if (i == 0) {
        ks_node *d = ks_matmul(u, mistake == TRANSPOSE ? w : ks_transpose(w, KS_ABSENT));
        return mistake == SIGN ? ks_neg(d) : d;
    }
    if (i == 1) {
        ks_node *d = ks_matmul(ks_transpose(x, KS_ABSENT), u);
        if (mistake == FACTOR)
            d = ks_mul(d, ks_number(g, 0.5));
        if (mistake == SWAPPED)
            d = ks_reshape(ks_transpose(d, KS_ABSENT), ks_node_shape(w));
        return d;
    }
    if (mistake == BATCH)
        return ks_reshape(ks_slice(u, 0, 0, 1), ks_node_shape(ks_node_input(y, 2)));
    if (mistake == INDEX) /* the last row for the first */
        return ks_sum(ks_concat(((ks_node *[]){ks_slice(u, 0, 0, 1), ks_slice(u, 0, 0, 1), ks_slice(u, 0, 2, 3)}), 3, 0), KS_INTS(0),
                      false);
    return ks_sum(u, KS_INTS(0), false);
}

static const ks_op affine = {
    .size = sizeof(ks_op),
    .name = "user.affine",
    .formula = "y = x w + b",
    .doc = "An affine layer.",
    .types = "TTT>T",
    .inputs = "x w b",
    .allowed = 1u << KS_F64,
    .infer = infer_affine,
    .kernel = affine_kernel,
    .pullback = affine_pullback,
    .derivative = "u wT; xT u; the sum of u over the batch",
};

/* Two such layers, square so that a missing transpose has the right shape; what the check says. */
static bool check_affine(ks_gradcheck_report *report)
{
    ks_graph *g = graph();
    cr_assert(ks_register(g, &affine));
    double x[9], w[9];
    for (int i = 0; i < 9; i++) {
        x[i] = sin(i + 0.5);
        w[i] = cos(1.3 * i);
    }
    ks_node *in = given(g, "x", KS_SHAPE(3, 3), x), *b = given(g, "b", KS_SHAPE(3), VALUES(0.1, -0.2, 0.3));
    ks_node *w1 = given(g, "w1", KS_SHAPE(3, 3), w), *w2 = given(g, "w2", KS_SHAPE(3, 3), x);
    ks_node *h = ks_tanh(ks_apply(g, &affine, ((ks_node *[]){in, w1, b}), 3, NULL));
    ks_node *y = ks_apply(g, &affine, ((ks_node *[]){h, w2, b}), 3, NULL);
    cr_assert(ks_gradcheck(ks_mean_all(ks_square(y)), NULL, 0, NULL, report));
    done(g);
    return report->passed;
}

Test(gradcheck, a_right_operation_passes)
{
    ks_gradcheck_report report;
    mistake = NO_MISTAKE;
    cr_expect(check_affine(&report));
    cr_expect_eq(report.count, 4);
    for (int i = 0; i < report.count; i++)
        cr_expect_leq(report.rows[i].mean_difference, 1e-10);
    ks_gradcheck_free(&report);
}

#define PLANTED(NAME, MISTAKE, WHERE)                                                                                                      \
    Test(gradcheck, finds_##NAME)                                                                                                          \
    {                                                                                                                                      \
        ks_gradcheck_report report;                                                                                                        \
        mistake = MISTAKE;                                                                                                                 \
        cr_expect_not(check_affine(&report));                                                                                              \
        bool named = false;                                                                                                                \
        for (int i = 0; i < report.count; i++)                                                                                             \
            named = named || (!strcmp(report.rows[i].name, WHERE) && report.rows[i].worst_relative > 1e-3 && !report.rows[i].kinks);       \
        cr_expect(named);                                                                                                                  \
        ks_gradcheck_free(&report);                                                                                                        \
    }

PLANTED(a_flipped_sign, SIGN, "w1") /* at x two signs meet */
PLANTED(a_missing_transpose, TRANSPOSE, "x")
PLANTED(a_missing_sum_over_the_batch, BATCH, "b")
PLANTED(a_forgotten_factor, FACTOR, "w1")
PLANTED(a_wrong_index, INDEX, "b")
PLANTED(swapped_axes, SWAPPED, "w2")

/* ---- what cannot be checked ---------------------------------------------------------------------------- */

Test(gradcheck, needs_a_scalar)
{
    ks_graph *g = graph();
    ks_node *y = ks_named("y", ks_square(given(g, "x", KS_SHAPE(3), VALUES(1, 2, 3))));
    ks_gradcheck_report report;
    cr_expect_not(ks_gradcheck(y, NULL, 0, NULL, &report));
    expect_failure(g, KS_BAD_SHAPE, "ks_gradcheck: 'y' is [3], and a scalar is needed: sum it");
    done(g);
}

Test(gradcheck, needs_something_to_check)
{
    ks_graph *g = graph();
    ks_gradcheck_report report;
    cr_expect_not(ks_gradcheck(ks_named("y", ks_square(fed(g, "x", 1))), NULL, 0, NULL, &report));
    expect_failure(g, KS_NO_GRADIENT, "ks_gradcheck: 'y' depends on no trainable variable: name what to check");
    done(g);
}

Test(gradcheck, needs_what_is_fed)
{
    ks_graph *g = graph();
    ks_node *y = ks_mul(ks_input(g, "x", KS_F32, KS_SCALAR), scalar(g, "w", 1));
    cr_expect_null(y); /* f32 with f64 */
    ks_error_clear(g);
    y = ks_mul(ks_input(g, "z", KS_F64, KS_SCALAR), ks_find(g, "w"));
    ks_gradcheck_report report;
    cr_expect_not(ks_gradcheck(y, NULL, 0, NULL, &report));
    expect_failure(g, KS_NOT_FED, "input 'z' has no data: ks_feed it before the run");
    done(g);
}

Test(gradcheck, refuses_what_is_computed)
{
    ks_graph *g = graph();
    ks_node *x = scalar(g, "x", 1), *a = ks_named("a", ks_square(x));
    ks_gradcheck_report report;
    cr_expect_not(ks_gradcheck(ks_square(a), &a, 1, NULL, &report));
    expect_failure(g, KS_BAD_ARGUMENT, "ks_gradcheck: 'a' is a square of f64: variables and inputs of f32 and f64 can be checked");
    done(g);
}

static void count_failure(void *user, const ks_failure *failure)
{
    (void)failure;
    ++*(int *)user;
}

Test(gradcheck, says_a_failure_once)
{
    int said = 0;
    ks_graph_options options = {.size = sizeof options, .on_error = count_failure, .error_user = &said};
    ks_graph *g = ks_graph_new(&options);
    ks_gradcheck_report report;
    cr_expect_not(ks_gradcheck(ks_square(given(g, "x", KS_SHAPE(2), VALUES(1, 2))), NULL, 0, NULL, &report));
    cr_expect_eq(said, 1);
    ks_graph_free(g);
}

/* ---- the loss as a function of its weights, and descent ------------------------------------------------ */

/* f(w): the loss of the flat weights, by writing them into the variables. */
typedef struct flat {
    ks_node *loss, *parts[4];
    int64_t sizes[4];
} flat;

static double f_of(const flat *f, const double *w)
{
    for (int i = 0; i < 4; i++) {
        cr_assert(ks_set(f->parts[i], KS_F64, w));
        w += f->sizes[i];
    }
    return ks_scalar(f->loss);
}

Test(gradcheck, the_loss_is_a_function_of_flat_weights)
{
    ks_graph *g = graph();
    ks_node *x = ks_constant(g, KS_F64, KS_SHAPE(2, 2), VALUES(0.6, 0.9, -0.3, 0.2));
    ks_node *t = ks_constant(g, KS_I64, KS_SHAPE(2), ((int64_t[]){2, 0}));
    flat f = {.sizes = {6, 3, 9, 3}};
    f.parts[0] = ks_variable(g, "w1", KS_F64, KS_SHAPE(2, 3), KS_UNSET);
    f.parts[1] = ks_variable(g, "b1", KS_F64, KS_SHAPE(3), KS_UNSET);
    f.parts[2] = ks_variable(g, "w2", KS_F64, KS_SHAPE(3, 3), KS_UNSET);
    f.parts[3] = ks_variable(g, "b2", KS_F64, KS_SHAPE(3), KS_UNSET);
    ks_node *h = ks_sigmoid(ks_add(ks_matmul(x, f.parts[0]), f.parts[1]));
    f.loss = ks_softmax_cross_entropy(ks_add(ks_matmul(h, f.parts[2]), f.parts[3]), t);
    double w[21], chained[21], *into = chained;
    for (int i = 0; i < 21; i++)
        w[i] = 0.8 * sin(2.3 * i + 1);
    cr_assert(isfinite(f_of(&f, w)));
    cr_assert(ks_backward(f.loss));
    for (int i = 0; i < 4; i++) {
        cr_assert(ks_read(ks_grad(f.parts[i]), KS_F64, into, f.sizes[i]));
        into += f.sizes[i];
    }
    for (int i = 0; i < 21; i++) {
        double before = w[i], h4 = 1e-4;
        w[i] = before + h4;
        double up = f_of(&f, w);
        w[i] = before - h4;
        double down = f_of(&f, w);
        w[i] = before;
        expect_near((up - down) / (2 * h4), chained[i], 1e-9);
    }
    done(g);
}

/* The book's gradient_descent on x0^2 + x1^2 from (-3, 4). */
static void descend(double rate, int steps, double out[2])
{
    ks_graph *g = graph();
    double x[2] = {-3, 4}, d[2];
    ks_node *in = ks_input(g, "x", KS_F64, KS_SHAPE(2)), *gradient = ks_gradient(ks_sum_all(ks_square(in)), in);
    for (int i = 0; i < steps; i++) {
        cr_assert(ks_feed(in, KS_F64, KS_SHAPE(2), x) && ks_read(gradient, KS_F64, d, 2));
        x[0] -= rate * d[0];
        x[1] -= rate * d[1];
    }
    memcpy(out, x, sizeof x);
    done(g);
}

Test(gradcheck, descent_with_a_good_rate)
{
    double x[2];
    descend(0.1, 100, x);
    expect_near(x[0], -6.111107928998789e-10, 1e-14);
    expect_near(x[1], 8.148143905314271e-10, 1e-14);
}

Test(gradcheck, descent_with_too_large_a_rate_diverges)
{
    double x[2];
    descend(10, 100, x);
    cr_expect(fabs(x[0]) > 1e12 && fabs(x[1]) > 1e12);
}

Test(gradcheck, descent_with_too_small_a_rate_stays)
{
    double x[2];
    descend(1e-10, 100, x);
    expect_near(x[0], -2.99999994, 1e-8);
    expect_near(x[1], 3.99999992, 1e-8);
}
