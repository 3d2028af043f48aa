/*
 * test_losses.c - the losses beside softmax_cross_entropy and squared errors: values, reductions, derivatives, and words of warning.
 *
 * Values marked PyTorch are those of torch.nn.functional 1.13 in double precision.
 */
#include "ops/ops.h"

static ks_graph *g;

static void open_graph(void)
{
    g = ks_graph_new(NULL);
}

static void close_graph(void)
{
    ks_graph_free(g);
}

/* Another graph instead of the one that was. */
static void fresh(void)
{
    close_graph();
    open_graph();
}

TestSuite(losses, .init = open_graph, .fini = close_graph);

static ks_node *y_of(ks_dtype dtype)
{
    return VARIABLE(g, "y", dtype, KS_SHAPE(2, 3), 0.3, 2.9, -4, 0.125, 0.5, 1.25);
}

static ks_node *t_of(ks_dtype dtype)
{
    return VARIABLE(g, "t", dtype, KS_SHAPE(2, 3), 0.25, 0.125, 0.625, 1.5, -1, 0.75);
}

static void check_derivatives(ks_node *loss)
{
    ks_gradcheck_report report = {.passed = false};
    cr_assert(loss && ks_gradcheck(ks_sum_all(ks_square(loss)), NULL, 0, NULL, &report) && report.passed, "'%s': %s",
              loss ? ks_node_op_name(loss) : "?", ks_error(g) ? ks_error(g)->message : "?");
    ks_gradcheck_free(&report);
}

/* ---- numbers beside numbers ---------------------------------------------------------------------------- */

/* The four reductions of values whose sum is known. */
#define REDUCES(tolerance, sum, LOSS)                                                                                                      \
    do {                                                                                                                                   \
        IS_NEAR(tolerance, LOSS(KS_REDUCE_MEAN), (sum) / 6);                                                                               \
        IS_NEAR(tolerance, LOSS(KS_REDUCE_SUM), sum);                                                                                      \
        IS_NEAR(tolerance, LOSS(KS_REDUCE_ROWS), (sum) / 2);                                                                               \
        SCALAR_IS(LOSS(KS_REDUCE_MEAN));                                                                                                   \
        SHAPE_IS(LOSS(KS_REDUCE_NONE), 2, 3);                                                                                              \
    } while (0)

Test(losses, absolute_errors_are_pytorch_s)
{
    for (int dtype = KS_F32; dtype <= KS_F64; dtype++) {
        double near = dtype == KS_F32 ? 1e-6 : 1e-14;
        fresh();
        ks_node *y = y_of((ks_dtype)dtype), *t = t_of((ks_dtype)dtype);
#define ABSOLUTE(reduction) ks_mean_absolute_error(y, t, reduction)
#define HUBER(reduction)    ks_huber(y, t, 0.75, reduction)
#define SMOOTH(reduction)   ks_smooth_l1(y, t, 0.75, reduction)
        REDUCES(near, 10.825, ABSOLUTE);
        REDUCES(near, 6.7075, HUBER);
        REDUCES(near, 8.94333333333333, SMOOTH);
        IS_NEAR(near, ABSOLUTE(KS_REDUCE_NONE), 0.05, 2.775, 4.625, 1.375, 1.5, 0.5);
        IS_NEAR(near, HUBER(KS_REDUCE_NONE), 0.00125, 1.8, 3.1875, 0.75, 0.84375, 0.125);
        IS_NEAR(near, SMOOTH(KS_REDUCE_NONE), 0.00166666666666667, 2.4, 4.25, 1, 1.125, 0.166666666666667);
    }
}

Test(losses, the_derivative_of_an_absolute_error_is_a_sign_and_none_where_equal)
{
    ks_node *y = VARIABLE(g, "y", KS_F64, KS_SHAPE(4), 1, 2, 3, 4), *t = VARIABLE(g, "t", KS_F64, KS_SHAPE(4), 0, 4, 3, 5);
    ks_node *loss = ks_mean_absolute_error(y, t, KS_REDUCE_MEAN);
    IS(ks_gradient(loss, y), 0.25, -0.25, 0, -0.25);
    IS(ks_gradient(loss, t), -0.25, 0.25, 0, 0.25);
    IS(ks_gradient(ks_huber(y, t, 1.5, KS_REDUCE_SUM), y), 1, -1.5, 0, -1);
    IS(ks_gradient(ks_smooth_l1(y, t, 2, KS_REDUCE_SUM), y), 0.5, -1, 0, -0.5);
}

Test(losses, derivatives_agree_with_central_differences_for_every_reduction)
{
    for (int r = KS_REDUCE_MEAN; r <= KS_REDUCE_ROWS; r++) {
        ks_reduction reduction = (ks_reduction)r;
        fresh();
        ks_node *y = y_of(KS_F64), *t = t_of(KS_F64), *share = ks_sigmoid(y), *other = ks_sigmoid(t);
        check_derivatives(ks_mean_absolute_error(y, t, reduction));
        check_derivatives(ks_huber(y, t, 1, reduction));
        check_derivatives(ks_smooth_l1(y, t, 0.8, reduction));
        check_derivatives(ks_binary_cross_entropy(share, other, reduction));
        check_derivatives(ks_binary_cross_entropy_with_logits(y, other, reduction));
        check_derivatives(ks_hinge(y, t, 1, reduction));
        check_derivatives(ks_kl_divergence(ks_log_softmax(y, -1), ks_softmax(t, -1), reduction));
    }
}

Test(losses, the_mean_of_nothing_is_nan_and_the_sum_is_zero)
{
    ks_node *a = NOTHING(g, "a", KS_F32, KS_SHAPE(0, 3)), *b = NOTHING(g, "b", KS_F32, KS_SHAPE(0, 3));
    IS(ks_mean_absolute_error(a, b, KS_REDUCE_MEAN), NAN_);
    IS(ks_huber(a, b, 1, KS_REDUCE_ROWS), NAN_);
    IS(ks_binary_cross_entropy_with_logits(a, b, KS_REDUCE_SUM), 0);
    SHAPE_IS(ks_hinge(a, b, 1, KS_REDUCE_NONE), 0, 3);
    SHAPE_IS(ks_gradient(ks_mean_absolute_error(a, b, KS_REDUCE_MEAN), a), 0, 3);
}

Test(losses, scalars_are_rows_of_their_own)
{
    ks_node *y = VARIABLE(g, "y", KS_F64, KS_SCALAR, 3), *t = VARIABLE(g, "t", KS_F64, KS_SCALAR, 1);
    IS(ks_mean_absolute_error(y, t, KS_REDUCE_ROWS), 2);
    IS(ks_gradient(ks_mean_absolute_error(y, t, KS_REDUCE_ROWS), y), 1);
    IS(ks_mean_absolute_error(y, t, KS_REDUCE_NONE), 2);
}

Test(losses, an_open_batch_counts_its_own_elements)
{
    int64_t n = ks_dim(g, "N");
    ks_node *x = ks_input(g, "x", KS_F64, KS_SHAPE(n, 2)), *t = ks_input(g, "t", KS_F64, KS_SHAPE(n, 2)),
            *w = VARIABLE(g, "w", KS_F64, KS_SHAPE(2), 1, 1);
    ks_node *mean = ks_gradient(ks_mean_absolute_error(ks_mul(x, w), t, KS_REDUCE_MEAN), w),
            *rows = ks_gradient(ks_huber(ks_mul(x, w), t, 10, KS_REDUCE_ROWS), w);
    for (int64_t count = 1; count <= 7; count += 6) {
        double one[14], zero[14] = {0};
        for (int i = 0; i < 14; i++)
            one[i] = 1;
        cr_assert(ks_feed(x, KS_F64, KS_SHAPE(count, 2), one) && ks_feed(t, KS_F64, KS_SHAPE(count, 2), zero));
        IS_NEAR(1e-15, mean, 0.5, 0.5);
        IS_NEAR(1e-15, rows, 1, 1);
    }
}

Test(losses, large_ones_have_the_same_bits_on_threads_and_agree_between_instruction_sets)
{
    static const char *const sets[] = {NULL, "plain", "x86-64-v2", "x86-64-v3", "x86-64-v4"};
    enum { N = 100001 };
    static float y[N], t[N];
    float last = 0, best = 0;
    for (int i = 0; i < N; i++) {
        y[i] = (float)((i * 7919) % 2003) / 100 - 10;
        t[i] = (float)((i * 31) % 11) / 10;
    }
    for (int s = 0; s < 10; s++) {
        ks_graph_options options = {.size = sizeof options, .threads = 1 + s % 2, .isa = sets[s / 2]};
        ks_graph *h = ks_graph_new(&options);
        if (!h)
            continue; /* the processor lacks the set */
        float is;
        ks_node *loss = ks_binary_cross_entropy_with_logits(ks_constant(h, KS_F32, KS_SHAPE(N), y), ks_constant(h, KS_F32, KS_SHAPE(N), t),
                                                            KS_REDUCE_MEAN);
        cr_assert(ks_read(loss, KS_F32, &is, 1));
        best = s ? best : is;
        cr_assert(s % 2 == 0 || is == last);
        cr_assert_float_eq((double)is, (double)best, 1e-5);
        last = is;
        ks_graph_free(h);
    }
}

/* ---- yes or no ----------------------------------------------------------------------------------------- */

Test(losses, binary_cross_entropy_is_pytorch_s_at_certainty_too)
{
    ks_node *y = VARIABLE(g, "y", KS_F64, KS_SHAPE(6), .3, .9, .4, 0, 1, 1),
            *t = VARIABLE(g, "t", KS_F64, KS_SHAPE(6), .25, .125, 1, 1, 1, 0);
    ks_node *loss = ks_binary_cross_entropy(y, t, KS_REDUCE_NONE);
    IS_NEAR(1e-14, loss, 0.568499409035533, 2.02793202082702, 0.916290731874155, 100, 0, 100);
    double slope[6];
    cr_assert(ks_read(ks_gradient(ks_sum_all(loss), y), KS_F64, slope, 6));
    cr_assert(agree(slope[0], 0.238095238095238, 1e-14) && agree(slope[1], 8.61111111111111, 1e-14) && agree(slope[2], -2.5, 1e-14));
    cr_assert(agree(slope[3], -1e12, 1e-8) && slope[4] == 0 && agree(slope[5], 1e12, 1e-8));
    IS(ks_binary_cross_entropy(VARIABLE(g, "out", KS_F32, KS_SHAPE(2), -0.5, NAN_), VARIABLE(g, "any", KS_F32, KS_SHAPE(2), 1, 1),
                               KS_REDUCE_NONE),
       NAN_, NAN_);
}

Test(losses, binary_cross_entropy_with_logits_is_pytorch_s_and_never_overflows)
{
    ks_node *score = VARIABLE(g, "score", KS_F64, KS_SHAPE(6), 0.3, 2.9, -4, 30, -800, 800),
            *t = VARIABLE(g, "t", KS_F64, KS_SHAPE(6), .25, .125, .625, 1, 1, 0);
    IS_NEAR(1e-14, ks_binary_cross_entropy_with_logits(score, t, KS_REDUCE_NONE), 0.779355244468527, 2.59106277621796, 2.51814992791781,
            9.34807786734338e-14, 800, 800);
    double tiny;
    ks_node *sure = VARIABLE(g, "sure", KS_F64, KS_SHAPE(1), 40), *yes = VARIABLE(g, "yes", KS_F64, KS_SHAPE(1), 1);
    cr_assert(ks_read(ks_binary_cross_entropy_with_logits(sure, yes, KS_REDUCE_NONE), KS_F64, &tiny, 1));
    cr_assert_float_eq(tiny / exp(-40), 1, 1e-14);
}

Test(losses, the_derivative_of_logits_is_the_difference_shared)
{
    ks_node *score = VARIABLE(g, "score", KS_F64, KS_SHAPE(2, 2), 0, 1, -1, 2), *t = VARIABLE(g, "t", KS_F64, KS_SHAPE(2, 2), 0, 1, 0.5, 1);
    double p = 1 / (1 + exp(-1)), q = 1 / (1 + exp(-2));
    IS_NEAR(1e-15, ks_gradient(ks_binary_cross_entropy_with_logits(score, t, KS_REDUCE_MEAN), score), 0.125, (p - 1) / 4, (0.5 - p) / 4,
            (q - 1) / 4);
}

Test(losses, hinge_costs_nothing_from_the_margin_on)
{
    ks_node *score = VARIABLE(g, "score", KS_F64, KS_SHAPE(4), 2, 0.5, -1, 1), *t = VARIABLE(g, "t", KS_F64, KS_SHAPE(4), 1, 1, 1, 1);
    ks_node *loss = ks_hinge(score, t, 1, KS_REDUCE_NONE);
    IS(loss, 0, 0.5, 2, 0);
    IS(ks_gradient(ks_sum_all(loss), score), 0, -1, -1, 0);
    IS(ks_hinge(ks_neg(score), ks_neg(t), 1, KS_REDUCE_SUM), 2.5);
}

/* ---- one of several classes ---------------------------------------------------------------------------- */

static ks_node *scores(void)
{
    return VARIABLE(g, "score", KS_F64, KS_SHAPE(3, 4), 0.3, 2.9, 4, -1, 0.5, 1.25, -2, 0, 10, 11, 9, 10.5);
}

static ks_cross_entropy_options weighted(double smoothing, ks_reduction reduction)
{
    ks_cross_entropy_options options = KS_CROSS_ENTROPY_OPTIONS_DEFAULT;
    options.weight = ks_constant(g, KS_F64, KS_SHAPE(4), KS__VALUES(.5, 1, 2, .25));
    options.label_smoothing = smoothing;
    options.reduction = reduction;
    return options;
}

Test(losses, weights_smoothing_and_ignored_rows_are_pytorch_s)
{
    ks_node *score = scores(), *t = VARIABLE(g, "t", KS_I64, KS_SHAPE(3), 2, KS_IGNORE_LABEL, 3);
    ks_cross_entropy_options options = weighted(0, KS_REDUCE_MEAN);
    ks_node *loss = ks_softmax_cross_entropy_with(score, t, &options);
    IS_NEAR(1e-13, loss, 0.41465444319219);
    IS_NEAR(1e-13, ks_gradient(loss, score), 0.016107852779868, 0.216871910134517, -0.23736966491441, 0.00438990200002533, 0, 0, 0, 0,
            0.0193746097378144, 0.0526656495837864, 0.00712752060326193, -0.0791677799248627);
    options = weighted(0.1, KS_REDUCE_MEAN);
    loss = ks_softmax_cross_entropy_with(score, t, &options);
    IS_NEAR(1e-13, loss, 0.515295913141788);
    IS_NEAR(1e-13, ks_gradient(loss, score), 0.00969656754538196, 0.194239478797509, -0.205314957021387, 0.00137891067849621, 0, 0, 0, 0,
            0.0191470718601578, 0.0560375921082166, -0.0131346334530633, -0.0620500305153111);
    options = weighted(0.1, KS_REDUCE_SUM);
    IS_NEAR(1e-13, ks_softmax_cross_entropy_with(score, t, &options), 1.15941580456902);
    options = weighted(0.1, KS_REDUCE_NONE);
    IS_NEAR(1e-13, ks_softmax_cross_entropy_with(score, t, &options), 0.693322487519877, 0, 0.466093317049146);
}

Test(losses, without_options_it_is_the_plain_cross_entropy)
{
    ks_node *score = scores(), *t = VARIABLE(g, "t", KS_U8, KS_SHAPE(3), 2, 0, 3);
    IS_NEAR(1e-15, ks_softmax_cross_entropy_with(score, t, NULL), ks_scalar(ks_softmax_cross_entropy(score, t)));
    IS_NEAR(1e-15, ks_negative_log_likelihood(ks_log_softmax(score, 1), t, NULL), ks_scalar(ks_softmax_cross_entropy(score, t)));
    ks_node *one = VARIABLE(g, "one", KS_F32, KS_SHAPE(3), 0.3, 2.9, 4), *label = VARIABLE(g, "label", KS_I32, KS_SCALAR, 2);
    IS_NEAR(1e-6, ks_softmax_cross_entropy_with(one, label, NULL), -log(.7365969137693786));
}

Test(losses, classes_lie_along_axis_1)
{
    ks_node *score = VARIABLE(g, "score", KS_F64, KS_SHAPE(2, 3, 2), 0.3, 2.9, 4, -1, 0.5, 1.25, -2, 0, 10, 11, 9, 10.5);
    ks_node *t = VARIABLE(g, "t", KS_I64, KS_SHAPE(2, 2), 0, 2, KS_IGNORE_LABEL, 1);
    ks_cross_entropy_options options = KS_CROSS_ENTROPY_OPTIONS_DEFAULT;
    options.weight = ks_constant(g, KS_F64, KS_SHAPE(3), KS__VALUES(.5, 1, 2));
    options.label_smoothing = 0.1;
    ks_node *loss = ks_softmax_cross_entropy_with(score, t, &options);
    /* PyTorch */
    IS_NEAR(1e-13, loss, 1.79083866783022);
    IS_NEAR(1e-13, ks_gradient(loss, score), -0.129538871939034, 0.446960228931105, 0.143951925373924, -0.000380090095485813,
            -0.0144130534348901, -0.446580138835619, 0, -0.00475888496520499, 0, -0.0858589311134288, 0, 0.0906178160786337);
}

Test(losses, where_no_row_counts_the_loss_is_zero_and_teaches_nothing)
{
    ks_node *score = scores(), *t = VARIABLE(g, "t", KS_I64, KS_SHAPE(3), KS_IGNORE_LABEL, KS_IGNORE_LABEL, KS_IGNORE_LABEL);
    ks_node *loss = ks_softmax_cross_entropy_with(score, t, NULL), *other = ks_negative_log_likelihood(ks_log_softmax(score, 1), t, NULL);
    IS(loss, 0);
    IS(other, 0);
    IS(ks_gradient(loss, score), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    IS(ks_gradient(other, score), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
}

Test(losses, derivatives_of_labels_agree_with_central_differences_for_every_reduction)
{
    for (int r = KS_REDUCE_MEAN; r <= KS_REDUCE_ROWS; r++) {
        fresh();
        ks_node *score = scores(), *t = ks_constant(g, KS_I64, KS_SHAPE(3), ((const int64_t[]){2, KS_IGNORE_LABEL, 3}));
        ks_cross_entropy_options options = weighted(0.2, (ks_reduction)r);
        check_derivatives(ks_softmax_cross_entropy_with(score, t, &options));
        check_derivatives(ks_negative_log_likelihood(ks_log_softmax(score, 1), t, &options));
    }
}

Test(losses, an_open_batch_of_labels_counts_its_own_rows)
{
    int64_t n = ks_dim(g, "N");
    ks_node *x = ks_input(g, "x", KS_F64, KS_SHAPE(n, 2)), *t = ks_input(g, "t", KS_I64, KS_SHAPE(n)),
            *w = VARIABLE(g, "w", KS_F64, KS_SHAPE(2), 1, 1);
    ks_node *loss = ks_softmax_cross_entropy_with(ks_mul(x, w), t, NULL), *dw = ks_gradient(loss, w);
    double p = 1 / (1 + exp(-1));
    cr_assert(ks_feed(x, KS_F64, KS_SHAPE(1, 2), KS__VALUES(2, 1)) && ks_feed(t, KS_I64, KS_SHAPE(1), ((const int64_t[]){0})));
    IS_NEAR(1e-15, loss, -log(p));
    cr_assert(ks_feed(x, KS_F64, KS_SHAPE(3, 2), KS__VALUES(2, 1, 7, 7, 2, 1)) &&
              ks_feed(t, KS_I64, KS_SHAPE(3), ((const int64_t[]){0, KS_IGNORE_LABEL, 0})));
    IS_NEAR(1e-15, loss, -log(p));
    IS_NEAR(1e-15, dw, 2 * (p - 1), 1 - p);
}

Test(losses, kl_divergence_is_pytorch_s)
{
    ks_node *logp = ks_log_softmax(y_of(KS_F64), 1), *t = VARIABLE(g, "t", KS_F64, KS_SHAPE(2, 3), .25, .125, .625, .5, 0, .5);
    IS_NEAR(1e-13, ks_kl_divergence(logp, t, KS_REDUCE_ROWS), 2.29515416061725);
    IS_NEAR(1e-13, ks_kl_divergence(logp, t, KS_REDUCE_MEAN), 0.765051386872418);
    IS_NEAR(1e-13, ks_kl_divergence(logp, t, KS_REDUCE_SUM), 4.59030832123451);
    IS_NEAR(1e-13, ks_kl_divergence(logp, t, KS_REDUCE_NONE), 0.321571999958804, -0.250857397590591, 4.06411170731836, 0.508991005773968, 0,
            -0.053508994226032);
    IS_NEAR(1e-15, ks_kl_divergence(ks_log_softmax(t_of(KS_F64), 1), ks_softmax(ks_find(g, "t"), 1), KS_REDUCE_ROWS), 0);
}

/* ---- what is refused ----------------------------------------------------------------------------------- */

Test(losses, what_does_not_fit_is_refused)
{
    ks_node *y = VARIABLE(g, "y", KS_F64, KS_SHAPE(2, 1), 1, 2), *t = VARIABLE(g, "t", KS_F64, KS_SHAPE(2), 0, 4);
    REFUSED(g, ks_huber(y, t, 1, KS_REDUCE_MEAN), KS_BAD_SHAPE, "huber: the shapes must be equal: 'y' is [2, 1], 't' is [2]");
    REFUSED(g, ks_huber(t, t, 0, KS_REDUCE_MEAN), KS_BAD_ARGUMENT,
            "huber: delta is 0: it is positive and finite; a large one gives half the squared error");
    REFUSED(g, ks_smooth_l1(t, t, 0, KS_REDUCE_MEAN), KS_BAD_ARGUMENT,
            "smooth_l1: beta is 0: it is positive and finite; for 0 use mean_absolute_error");
    REFUSED(g, ks_mean_absolute_error(t, t, (ks_reduction)7), KS_BAD_ARGUMENT,
            "mean_absolute_error: reduction is 7: 0 is the mean, 1 the sum, 2 none, 3 the mean over rows");
    cr_assert_null(ks_hinge(NULL, t, 1, KS_REDUCE_MEAN));
    QUIET(g);
}

Test(losses, labels_that_do_not_fit_are_refused)
{
    ks_node *score = scores(), *t = VARIABLE(g, "t", KS_I64, KS_SHAPE(3), 2, 4, 0);
    ks_cross_entropy_options options = KS_CROSS_ENTROPY_OPTIONS_DEFAULT;
    REFUSED(g, ks_negative_log_likelihood(score, VARIABLE(g, "t2", KS_I64, KS_SHAPE(2), 0, 1), NULL), KS_BAD_SHAPE,
            "negative_log_likelihood: labels are one whole number where the scores have a row of classes: 'score' is [3, 4], 't2' is [2]");
    options.label_smoothing = 1.5;
    REFUSED(g, ks_negative_log_likelihood(score, t, &options), KS_BAD_ARGUMENT,
            "negative_log_likelihood: label_smoothing is 1.5: it is a part, from 0 to 1");
    options.label_smoothing = 0;
    options.weight = VARIABLE(g, "w", KS_F64, KS_SHAPE(3), 1, 2, 3);
    REFUSED(g, ks_negative_log_likelihood(score, t, &options), KS_BAD_SHAPE,
            "negative_log_likelihood: weights are one a class, [C], or a single number: 'score' is [3, 4], 'w' is [3]");
    ks_node *loss = ks_named("loss", ks_negative_log_likelihood(score, t, NULL));
    NO_VALUE(loss, KS_BAD_ARGUMENT,
             "negative_log_likelihood 'loss': row 1 has label 4, but there are 4 classes: labels are 0 to 3, or -100 where a row does not "
             "count");
}

/* ---- words of warning ---------------------------------------------------------------------------------- */

static int said;
static char last[400];

static void hear(void *user, const char *message)
{
    (void)user;
    said++;
    snprintf(last, sizeof last, "%s", message);
}

Test(losses, a_loss_on_an_output_of_another_kind_is_worth_a_word_once)
{
    ks_graph *h = ks_graph_new(&(ks_graph_options){.size = sizeof(ks_graph_options), .on_log = hear});
    ks_node *score = ks_variable(h, "score", KS_F32, KS_SHAPE(2, 2), KS_ONES), *t = ks_variable(h, "t", KS_F32, KS_SHAPE(2, 2), KS_ONES);
    ks_node *yes = ks_named("yes", ks_sigmoid(score)), *shares = ks_named("shares", ks_softmax(score, 1));
    int64_t mark = ks_graph_mark(h);
    said = 0;
    ks_mean_squared_error(yes, t);
    cr_assert_str_eq(last,
                     "mean_squared_error on 'yes', a sigmoid: binary_cross_entropy_with_logits on the scores before the sigmoid has the "
                     "derivative y - t");
    cr_assert(ks_graph_release(h, mark));
    ks_mean_squared_error(yes, t);
    cr_assert_eq(said, 1);
    ks_binary_cross_entropy_with_logits(yes, t, KS_REDUCE_MEAN);
    cr_assert_str_eq(last,
                     "binary_cross_entropy_with_logits on 'yes', a sigmoid: it applies the sigmoid itself: give it the scores before the "
                     "sigmoid");
    ks_softmax_cross_entropy(shares, t);
    cr_assert_str_eq(last,
                     "softmax_cross_entropy on 'shares', a softmax: it applies the softmax itself: give it the scores before the softmax");
    cr_assert_eq(said, 3);
    ks_softmax_cross_entropy(score, t);
    ks_binary_cross_entropy_with_logits(score, t, KS_REDUCE_MEAN);
    ks_mean_squared_error(score, t);
    cr_assert_eq(said, 3);
    cr_assert_null(ks_error(h));
    ks_graph_free(h);
}
