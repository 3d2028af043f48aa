/*
 * test_softmax_loss.c - softmax, log_softmax and the losses: golden values, rows that overflow elsewhere, any axis and any size,
 * derivatives of first and second order, and labels that do not fit. The golden values are those of NumPy in f64 for the worked examples of
 * "Deep Learning from Scratch" (ch. 3 and 4).
 */
#include "ops/ops.h"

static ks_graph *g;

static void open(void)
{
    g = ks_graph_new(NULL);
}

static void close(void)
{
    QUIET(g);
    ks_graph_free(g);
}

TestSuite(softmax_loss, .init = open, .fini = close);

/* A random number in [-range, range], the same in every run. */
static uint64_t state = 1;
static double chance(double range)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return ((double)(state >> 11) * 0x1p-53 * 2 - 1) * range;
}

/* ---- softmax ------------------------------------------------------------------------------------------- */

Test(softmax_loss, softmax_of_the_book)
{
    IS_NEAR(1e-15, ks_softmax(VARIABLE(g, "a", KS_F64, KS_SHAPE(3), 0.3, 2.9, 4.0), -1), .01821127329554753, .24519181293507392,
            .7365969137693786);
    IS_NEAR(1e-15, ks_softmax(VARIABLE(g, "b", KS_F64, KS_SHAPE(3), 1010, 1000, 990), -1), .999954600070331, 4.539786860886666e-05,
            2.061060046209062e-09);
    IS_NEAR(1e-7, ks_softmax(VARIABLE(g, "c", KS_F32, KS_SHAPE(3), 0.3, 2.9, 4.0), -1), .01821127329554753, .24519181293507392,
            .7365969137693786);
}

Test(softmax_loss, softmax_of_extreme_scores_is_finite)
{
    IS(ks_softmax(VARIABLE(g, "a", KS_F64, KS_SHAPE(2), 1e308, -1e308), -1), 1, 0);
    IS(ks_softmax(VARIABLE(g, "b", KS_F64, KS_SHAPE(4), -1000, -1000, -1000, -1000), -1), 0.25, 0.25, 0.25, 0.25);
    IS(ks_softmax(VARIABLE(g, "c", KS_F64, KS_SHAPE(2), 1e4, -1e4), -1), 1, 0);
    IS(ks_softmax(VARIABLE(g, "d", KS_F32, KS_SHAPE(3), -INF_, 0, -INF_), -1), 0, 1, 0);
    IS(ks_log_softmax(VARIABLE(g, "e", KS_F64, KS_SHAPE(2), 1e4, -1e4), -1), 0, -2e4);
}

Test(softmax_loss, a_number_added_to_all_scores_changes_nothing)
{
    ks_node *a = VARIABLE(g, "a", KS_F64, KS_SHAPE(3), 0.5, -1.25, 3), *b = VARIABLE(g, "b", KS_F64, KS_SHAPE(3), 1024.5, 1022.75, 1027);
    double one[3], two[3];
    cr_assert(ks_read(ks_softmax(a, 0), KS_F64, one, 3) && ks_read(ks_softmax(b, 0), KS_F64, two, 3));
    cr_assert_eq(memcmp(one, two, sizeof one), 0);
}

/* A row without shares, as in PyTorch. */
Test(softmax_loss, a_row_of_minus_infinity_of_infinity_or_with_a_nan_is_nan)
{
    ks_node *x = VARIABLE(g, "x", KS_F32, KS_SHAPE(4, 2), -INF_, -INF_, INF_, 1, NAN_, 1, 0, 0);
    IS(ks_softmax(x, 1), NAN_, NAN_, NAN_, NAN_, NAN_, NAN_, 0.5, 0.5);
    IS_NEAR(1e-7, ks_log_softmax(x, 1), NAN_, NAN_, NAN_, NAN_, NAN_, NAN_, -log(2), -log(2));
    ks_node *t = ks_transpose(x, KS_ABSENT);
    IS(ks_softmax(t, 0), NAN_, NAN_, NAN_, 0.5, NAN_, NAN_, NAN_, 0.5);
}

/* Rows and columns of sizes around those of vectors and blocks, beside the C library's exp and log in long double. */
Test(softmax_loss, any_axis_of_any_size_agrees_with_the_definition)
{
    static const int64_t shapes[][3] = {{1, 1, 1},   {3, 10, 1},    {100, 10, 1},  {7, 63, 1},      {5, 64, 1},
                                        {3, 65, 1},  {2, 1023, 1},  {2, 1024, 1},  {2, 1025, 1},    {1, 5000, 1},
                                        {2, 3, 5},   {3, 10, 257},  {1, 2000, 3},  {4, 1, 300},     {5000, 3, 1},
                                        {70, 10, 4}, {2, 1100, 70}, {1, 30000, 3}, {1, 1030, 1030}, {3, 10, 1030}};
    for (size_t k = 0; k < sizeof shapes / sizeof shapes[0]; k++) {
        int64_t before = shapes[k][0], n = shapes[k][1], after = shapes[k][2], count = before * n * after;
        double *x = malloc(sizeof(double) * (size_t)count), *y = malloc(sizeof(double) * (size_t)count),
               *l = malloc(sizeof(double) * (size_t)count);
        for (int64_t i = 0; i < count; i++)
            x[i] = (double)(float)chance(30);
        for (int dtype = KS_F32; dtype <= KS_F64; dtype++) {
            ks_node *c = ks_cast(ks_constant(g, KS_F64, KS_SHAPE(before, n, after), x), (ks_dtype)dtype);
            double near = dtype == KS_F32 ? 4e-7 : 1e-15;
            cr_assert(ks_read(ks_softmax(c, 1), KS_F64, y, count) && ks_read(ks_log_softmax(c, 1), KS_F64, l, count));
            for (int64_t b = 0; b < before; b++)
                for (int64_t a = 0; a < after; a++) {
                    long double sum = 0;
                    for (int64_t i = 0; i < n; i++)
                        sum += expl((long double)x[(b * n + i) * after + a]);
                    for (int64_t i = 0; i < n; i++) {
                        int64_t at = (b * n + i) * after + a;
                        long double share = expl((long double)x[at]) / sum;
                        cr_assert(fabs(y[at] - (double)share) <= (dtype == KS_F32 ? 3e-6 : 1e-14) * (double)share + 1e-40,
                                  "[%lld, %lld, %lld] at %lld: %g not %g", (long long)before, (long long)n, (long long)after, (long long)at,
                                  y[at], (double)share);
                        cr_assert(agree(l[at], (double)logl(share), near), "log: %.17g not %.17g", l[at], (double)logl(share));
                    }
                }
        }
        free(x), free(y), free(l);
    }
}

/* A column so tall that it is cut into parts. */
Test(softmax_loss, a_part_of_a_column_of_minus_infinity_alone_counts_nothing)
{
    enum { N = 40000, AFTER = 2 };
    static double x[N][AFTER], y[N][AFTER];
    for (int i = 0; i < N; i++) {
        x[i][0] = i < N - 2 ? -INF_ : 1;
        x[i][1] = i == N - 1 ? NAN_ : 0;
    }
    cr_assert(ks_read(ks_softmax(ks_constant(g, KS_F64, KS_SHAPE(N, AFTER), x), 0), KS_F64, y, N * AFTER));
    for (int i = 0; i < N; i++)
        cr_assert(y[i][0] == (i < N - 2 ? 0 : 0.5) && isnan(y[i][1]), "row %d is %g, %g", i, y[i][0], y[i][1]);
}

Test(softmax_loss, softmax_is_a_distribution)
{
    enum { ROWS = 200, N = 17 };
    static double x[ROWS * N], y[ROWS * N];
    for (int i = 0; i < ROWS * N; i++)
        x[i] = chance(50);
    cr_assert(ks_read(ks_softmax(ks_constant(g, KS_F64, KS_SHAPE(ROWS, N), x), -1), KS_F64, y, ROWS * N));
    for (int r = 0; r < ROWS; r++) {
        double sum = 0;
        for (int i = 0; i < N; i++) {
            cr_assert(y[r * N + i] >= 0 && y[r * N + i] <= 1);
            sum += y[r * N + i];
        }
        cr_assert(fabs(sum - 1) < 1e-12);
    }
}

/* So inference can do without: the greatest score is the greatest share, and of equal ones the first. */
Test(softmax_loss, softmax_never_changes_the_class)
{
    enum { ROWS = 20000, N = 5 };
    static float x[ROWS * N];
    static int64_t one[ROWS], two[ROWS];
    for (int i = 0; i < ROWS * N; i++)
        x[i] = i % 7 ? (float)chance(5) : (float)(int)chance(3);
    for (int r = 0; r < ROWS; r += 4)
        x[r * N + 3] = x[r * N + 1]; /* ties */
    ks_node *scores = ks_constant(g, KS_F32, KS_SHAPE(ROWS, N), x);
    cr_assert(ks_read(ks_argmax(scores, 1, false), KS_I64, one, ROWS));
    cr_assert(ks_read(ks_argmax(ks_softmax(scores, 1), 1, false), KS_I64, two, ROWS));
    for (int r = 0; r < ROWS; r++) {
        /* Scores one unit apart may round to one share: then the first of them is taken. */
        cr_assert(one[r] == two[r] || (two[r] < one[r] && x[r * N + one[r]] - x[r * N + two[r]] < 1e-6f));
    }
}

/* The loss brings its softmax along; the scores, and the class that is the greatest, are computed without one. */
Test(softmax_loss, inference_runs_no_softmax)
{
    ks_node *x = VARIABLE(g, "x", KS_F64, KS_SHAPE(2, 3), 1, 2, 3, 6, 5, 4),
            *w = VARIABLE(g, "w", KS_F64, KS_SHAPE(3, 3), 1, 0, 0, 0, 1, 0, 0, 0, 1);
    ks_node *score = ks_matmul(x, w), *share = ks_softmax(score, 1);
    ks_softmax_cross_entropy(score, VARIABLE(g, "t", KS_I64, KS_SHAPE(2), 2, 0));
    uint64_t before = ks_graph_statistics(g).nodes_evaluated;
    IS(ks_argmax(score, 1, false), 2, 0);
    cr_assert_eq(ks_graph_statistics(g).nodes_evaluated - before, 2); /* matmul, argmax */
    IS(ks_argmax(share, 1, false), 2, 0);
    cr_assert_gt(ks_graph_statistics(g).nodes_evaluated - before, 3);
}

Test(softmax_loss, the_sign_of_a_score_is_the_class_of_a_sigmoid)
{
    double x[2001], y[2001];
    for (int i = 0; i <= 2000; i++)
        x[i] = (i - 1000) * 0.01;
    cr_assert(ks_read(ks_sigmoid(ks_constant(g, KS_F64, KS_SHAPE(2001), x)), KS_F64, y, 2001));
    for (int i = 0; i <= 2000; i++)
        cr_assert_eq(x[i] > 0, y[i] > 0.5);
}

Test(softmax_loss, softmax_has_the_same_bits_on_any_number_of_threads)
{
    enum { ROWS = 3000, N = 33 };
    static float x[ROWS * N], one[ROWS * N], two[ROWS * N];
    for (int i = 0; i < ROWS * N; i++)
        x[i] = (float)chance(10);
    for (int64_t axis = 0; axis < 2; axis++) {
        for (int threads = 1; threads <= 2; threads++) {
            ks_graph *h = ks_graph_new(&(ks_graph_options){.size = sizeof(ks_graph_options), .threads = threads});
            cr_assert(ks_read(ks_softmax(ks_constant(h, KS_F32, KS_SHAPE(ROWS, N), x), axis), KS_F32, threads == 1 ? one : two, ROWS * N));
            ks_graph_free(h);
        }
        cr_assert_eq(memcmp(one, two, sizeof one), 0);
    }
}

Test(softmax_loss, softmax_of_nothing_is_nothing)
{
    SHAPE_IS(ks_softmax(NOTHING(g, "x", KS_F32, KS_SHAPE(0, 3)), 1), 0, 3);
    SHAPE_IS(ks_log_softmax(NOTHING(g, "y", KS_F32, KS_SHAPE(3, 0)), 1), 3, 0);
}

Test(softmax_loss, softmax_needs_an_axis_that_is_there)
{
    REFUSED(g, ks_softmax(VARIABLE(g, "x", KS_F32, KS_SHAPE(3), 1, 2, 3), 1), KS_BAD_SHAPE, "softmax: there is no axis 1: 'x' is [3]");
    REFUSED(g, ks_log_softmax(VARIABLE(g, "s", KS_F32, KS_SCALAR, 1), -1), KS_BAD_SHAPE, "log_softmax: there is no axis -1: 's' is []");
}

/* ---- nets of the book ---------------------------------------------------------------------------------- */

Test(softmax_loss, the_three_layer_net_of_the_book)
{
    ks_node *x = VARIABLE(g, "x", KS_F64, KS_SHAPE(1, 2), 1, .5);
    ks_node *w1 = VARIABLE(g, "w1", KS_F64, KS_SHAPE(2, 3), .1, .3, .5, .2, .4, .6),
            *b1 = VARIABLE(g, "b1", KS_F64, KS_SHAPE(3), .1, .2, .3);
    ks_node *w2 = VARIABLE(g, "w2", KS_F64, KS_SHAPE(3, 2), .1, .4, .2, .5, .3, .6), *b2 = VARIABLE(g, "b2", KS_F64, KS_SHAPE(2), .1, .2);
    ks_node *w3 = VARIABLE(g, "w3", KS_F64, KS_SHAPE(2, 2), .1, .3, .2, .4), *b3 = VARIABLE(g, "b3", KS_F64, KS_SHAPE(2), .1, .2);
    ks_node *a1 = ks_add(ks_matmul(x, w1), b1), *z1 = ks_sigmoid(a1), *a2 = ks_add(ks_matmul(z1, w2), b2), *z2 = ks_sigmoid(a2);
    IS_NEAR(1e-15, a1, .3, .7, 1.1);
    IS_NEAR(1e-8, z1, .57444252, .66818777, .75026011);
    IS_NEAR(1e-8, a2, .51615984, 1.21402696);
    IS_NEAR(1e-8, z2, .62624937, .77101070);
    IS_NEAR(1e-15, ks_identity(ks_add(ks_matmul(z2, w3), b3)), .3168270764110298, .6962790898619668);
}

Test(softmax_loss, the_simple_net_of_the_book)
{
    ks_node *w = VARIABLE(g, "w", KS_F64, KS_SHAPE(2, 3), .47355232, .9977393, .84668094, .85557411, .03563661, .69422093);
    ks_node *x = VARIABLE(g, "x", KS_F64, KS_SHAPE(1, 2), .6, .9), *t = VARIABLE(g, "t", KS_I64, KS_SHAPE(1), 2);
    ks_node *score = ks_matmul(x, w), *loss = ks_softmax_cross_entropy(score, t);
    IS_NEAR(1e-9, score, 1.054148091, .630716529, 1.132807401);
    IS_NEAR(1e-14, loss, .9280685387482351);
    IS_NEAR(1e-9, ks_gradient(loss, w), .2192476267, .1435624661, -.3628100928, .3288714400, .2153436992, -.5442151392);
}

/* ---- softmax_cross_entropy ----------------------------------------------------------------------------- */

static ks_node *scores(void)
{
    return VARIABLE(g, "score", KS_F64, KS_SHAPE(3, 4), 0.3, 2.9, 4, -1, 0.5, 1.25, -2, 0, 10, 11, 9, 10.5);
}

Test(softmax_loss, labels_of_every_dtype_and_one_hot_rows_agree)
{
    ks_node *score = scores();
    ks_node *hot = VARIABLE(g, "hot", KS_F64, KS_SHAPE(3, 4), 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 1);
    ks_node *loss = ks_softmax_cross_entropy(score, hot),
            *composed = ks_neg(ks_mean_all(ks_sum(ks_mul(hot, ks_log_softmax(score, 1)), KS_INTS(1), false)));
    double wanted = ks_scalar(composed), grad[12];
    IS_NEAR(1e-15, loss, wanted);
    cr_assert(ks_read(ks_gradient(composed, score), KS_F64, grad, 12));
    check_values(__FILE__, __LINE__, ks_gradient(loss, score), 1e-15, grad, 12);
    for (int dtype = KS_I32; dtype <= KS_U8; dtype++) {
        char name[8];
        snprintf(name, sizeof name, "t%d", dtype);
        ks_node *t = VARIABLE(g, name, (ks_dtype)dtype, KS_SHAPE(3), 2, 0, 3), *of_labels = ks_softmax_cross_entropy(score, t);
        IS_NEAR(1e-15, of_labels, wanted);
        check_values(__FILE__, __LINE__, ks_gradient(of_labels, score), 1e-15, grad, 12);
    }
    IS_NEAR(1e-15, ks_mul(ks_sub(ks_softmax(score, 1), hot), ks_number(g, 1.0 / 3)), grad[0], grad[1], grad[2], grad[3], grad[4], grad[5],
            grad[6], grad[7], grad[8], grad[9], grad[10], grad[11]);
}

Test(softmax_loss, the_derivative_is_one_node_that_shows_in_the_graph)
{
    ks_node *score = scores(), *t = VARIABLE(g, "t", KS_I64, KS_SHAPE(3), 2, 0, 3), *loss = ks_softmax_cross_entropy(score, t);
    int64_t before = ks_node_count(g);
    ks_gradient(loss, score);
    bool found = false;
    for (int64_t i = before; i < ks_node_count(g); i++) {
        const char *op = ks_node_op_name(ks_node_at(g, i));
        found = found || !strcmp(op, "softmax_cross_entropy_grad");
        cr_assert_str_neq(op, "softmax"); /* nor its Jacobian */
    }
    cr_assert(found);
}

Test(softmax_loss, the_upstream_derivative_is_respected)
{
    ks_node *score = scores(), *t = VARIABLE(g, "t", KS_I64, KS_SHAPE(3), 2, 0, 3), *loss = ks_softmax_cross_entropy(score, t);
    double one[12], three[12], squared[12], value = ks_scalar(loss);
    cr_assert(ks_read(ks_gradient(loss, score), KS_F64, one, 12));
    cr_assert(ks_read(ks_gradient(ks_mul(loss, ks_number(g, 3)), score), KS_F64, three, 12));
    cr_assert(ks_read(ks_gradient(ks_square(loss), score), KS_F64, squared, 12));
    for (int i = 0; i < 12; i++) {
        cr_assert_eq(three[i], 3 * one[i]);
        cr_assert_float_eq(squared[i], 2 * value * one[i], 1e-15);
    }
}

Test(softmax_loss, one_row_alone_has_one_label)
{
    ks_node *score = VARIABLE(g, "score", KS_F64, KS_SHAPE(3), 0.3, 2.9, 4.0), *t = VARIABLE(g, "t", KS_I32, KS_SCALAR, 2);
    ks_node *loss = ks_softmax_cross_entropy(score, t);
    IS_NEAR(1e-15, loss, -log(.7365969137693786));
    IS_NEAR(1e-15, ks_gradient(loss, score), .01821127329554753, .24519181293507392, .7365969137693786 - 1);
    ks_node *hot = VARIABLE(g, "hot", KS_F64, KS_SHAPE(3), 0, 0, 1);
    IS_NEAR(1e-15, ks_softmax_cross_entropy(score, hot), -log(.7365969137693786));
}

Test(softmax_loss, second_derivatives_with_labels)
{
    ks_node *score = VARIABLE(g, "score", KS_F64, KS_SHAPE(2, 2), 1, 2, -1, 0.5), *t = VARIABLE(g, "t", KS_U8, KS_SHAPE(2), 0, 1);
    ks_node *first = ks_gradient(ks_softmax_cross_entropy(score, t), score), *w = VARIABLE(g, "w", KS_F64, KS_SHAPE(2, 2), 1, 3, -2, 0.5);
    ks_node *second = ks_gradient(ks_mul(first, w), score);
    double p = 1 / (1 + exp(1)), q = 1 / (1 + exp(1.5)); /* the shares of class 0 */
    double a = p * (1 - p) * (1 - 3) / 2, b = q * (1 - q) * (-2 - 0.5) / 2;
    IS_NEAR(1e-15, second, a, -a, b, -b);
}

Test(softmax_loss, no_epsilon_and_no_overflow)
{
    ks_node *score = VARIABLE(g, "score", KS_F64, KS_SHAPE(2, 2), 1000, -1000, 1000, -1000),
            *t = VARIABLE(g, "t", KS_I64, KS_SHAPE(2), 0, 1);
    ks_node *loss = ks_softmax_cross_entropy(score, t);
    IS(loss, 1000); /* (0 + 2000)/2 */
    IS(ks_gradient(loss, score), 0, 0, 0.5, -0.5);
    ks_node *sure = VARIABLE(g, "sure", KS_F64, KS_SHAPE(1, 2), 0, -INF_), *hot = VARIABLE(g, "hot", KS_F64, KS_SHAPE(1, 2), 1, 0);
    IS(ks_softmax_cross_entropy(sure, hot), 0); /* a share of nothing of -inf is nothing */
}

/* Shares that are not 1 in sum: the derivative is the loss's own, checked by central differences. */
Test(softmax_loss, shares_of_any_sum_have_the_derivative_of_the_value)
{
    double s[4] = {0.2, -1, 0.7, 2}, h = 1e-5;
    ks_node *score = VARIABLE(g, "score", KS_F64, KS_SHAPE(2, 2), 0.2, -1, 0.7, 2),
            *t = VARIABLE(g, "t", KS_F64, KS_SHAPE(2, 2), 2, 1, 0.25, 0.5);
    ks_node *loss = ks_softmax_cross_entropy(score, t);
    double grad[4];
    cr_assert(ks_read(ks_gradient(loss, score), KS_F64, grad, 4));
    for (int i = 0; i < 4; i++) {
        double up, down, at = s[i];
        s[i] = at + h;
        cr_assert(ks_set(score, KS_F64, s));
        up = ks_scalar(loss);
        s[i] = at - h;
        cr_assert(ks_set(score, KS_F64, s));
        down = ks_scalar(loss);
        s[i] = at;
        cr_assert_float_eq(grad[i], (up - down) / (2 * h), 1e-9);
    }
}

Test(softmax_loss, an_open_batch_counts_its_own_rows)
{
    int64_t n = ks_dim(g, "N");
    ks_node *x = ks_input(g, "x", KS_F64, KS_SHAPE(n, 2)), *t = ks_input(g, "t", KS_I64, KS_SHAPE(n)),
            *w = VARIABLE(g, "w", KS_F64, KS_SHAPE(2), 1, 1);
    ks_node *loss = ks_softmax_cross_entropy(ks_mul(x, w), t), *dw = ks_gradient(loss, w);
    double p = 1 / (1 + exp(-1));
    cr_assert(ks_feed(x, KS_F64, KS_SHAPE(1, 2), KS__VALUES(2, 1)) && ks_feed(t, KS_I64, KS_SHAPE(1), ((const int64_t[]){0})));
    IS_NEAR(1e-15, loss, -log(p));
    IS_NEAR(1e-15, dw, 2 * (p - 1), 1 - p);
    cr_assert(ks_feed(x, KS_F64, KS_SHAPE(3, 2), KS__VALUES(2, 1, 2, 1, 2, 1)) &&
              ks_feed(t, KS_I64, KS_SHAPE(3), ((const int64_t[]){0, 0, 0})));
    IS_NEAR(1e-15, loss, -log(p));
    IS_NEAR(1e-15, dw, 2 * (p - 1), 1 - p);
    cr_assert(ks_feed(x, KS_F64, KS_SHAPE(0, 2), KS__VALUES(0)) && ks_feed(t, KS_I64, KS_SHAPE(0), ((const int64_t[]){0})));
    IS(loss, NAN_); /* the mean of nothing */
    IS(dw, 0, 0);
}

Test(softmax_loss, sizes_around_blocks_agree_with_the_definition_on_any_number_of_threads)
{
    static const int64_t shapes[][2] = {{100, 10}, {1, 1}, {2000, 10}, {3, 1023}, {3, 1024}, {3, 1500}, {1100, 33}};
    for (size_t k = 0; k < sizeof shapes / sizeof shapes[0]; k++) {
        int64_t rows = shapes[k][0], n = shapes[k][1];
        float *x = malloc(sizeof(float) * (size_t)(rows * n)),
              *dx[2] = {malloc(sizeof(float) * (size_t)(rows * n)), malloc(sizeof(float) * (size_t)(rows * n))}, loss[2];
        int64_t *t = malloc(sizeof(int64_t) * (size_t)rows);
        long double sum = 0;
        for (int64_t i = 0; i < rows * n; i++)
            x[i] = (float)chance(8);
        for (int64_t r = 0; r < rows; r++) {
            long double whole = 0;
            t[r] = (r * 7) % n;
            for (int64_t i = 0; i < n; i++)
                whole += expl((long double)x[r * n + i]);
            sum += logl(whole) - (long double)x[r * n + t[r]];
        }
        for (int threads = 1; threads <= 2; threads++) {
            ks_graph *h = ks_graph_new(&(ks_graph_options){.size = sizeof(ks_graph_options), .threads = threads});
            ks_node *score = ks_constant(h, KS_F32, KS_SHAPE(rows, n), x),
                    *l = ks_softmax_cross_entropy(score, ks_constant(h, KS_I64, KS_SHAPE(rows), t));
            cr_assert(ks_read(l, KS_F32, &loss[threads - 1], 1) && ks_read(ks_gradient(l, score), KS_F32, dx[threads - 1], rows * n));
            ks_graph_free(h);
        }
        cr_assert_float_eq((double)loss[0], (double)(sum / rows), 2e-6 * (1 + (double)(sum / rows)));
        cr_assert(loss[0] == loss[1] && !memcmp(dx[0], dx[1], sizeof(float) * (size_t)(rows * n)));
        free(x), free(dx[0]), free(dx[1]), free(t);
    }
}

Test(softmax_loss, labels_that_do_not_fit_are_refused)
{
    ks_node *score = scores();
    REFUSED(g, ks_softmax_cross_entropy(score, VARIABLE(g, "t2", KS_I64, KS_SHAPE(2), 0, 1)), KS_BAD_SHAPE,
            "softmax_cross_entropy: labels are one whole number a row, or a row of shares as long as the score's: 'score' is [3, 4], 't2' "
            "is [2]");
    REFUSED(g, ks_softmax_cross_entropy(score, VARIABLE(g, "f", KS_F32, KS_SHAPE(3), 0, 1, 2)), KS_BAD_DTYPE,
            "softmax_cross_entropy: labels are whole numbers (i32, i64, u8) or shares of the score's dtype f64, but 'f' is [3] of f32: "
            "ks_cast it");
    REFUSED(g, ks_softmax_cross_entropy(score, VARIABLE(g, "h", KS_U8, KS_SHAPE(3, 4), 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 1)), KS_BAD_SHAPE,
            "softmax_cross_entropy: whole numbers are one label a row: 'score' is [3, 4], 'h' is [3, 4]: ks_cast one-hot rows to f64");
    REFUSED(g, ks_softmax_cross_entropy(VARIABLE(g, "deep", KS_F64, KS_SHAPE(1, 1, 2), 1, 2), VARIABLE(g, "d", KS_I64, KS_SHAPE(1, 1), 0)),
            KS_BAD_SHAPE, "softmax_cross_entropy: scores are [N, C] or [C], but 'deep' is [1, 1, 2]: ks_reshape it");
}

Test(softmax_loss, a_label_outside_the_classes_is_named_with_its_row)
{
    ks_node *score = scores(), *t = VARIABLE(g, "t", KS_I64, KS_SHAPE(3), 2, 4, 0);
    ks_node *loss = ks_named("loss", ks_softmax_cross_entropy(score, t)), *grad = ks_gradient(loss, score);
    NO_VALUE(loss, KS_BAD_ARGUMENT, "softmax_cross_entropy 'loss': row 1 has label 4, but there are 4 classes: labels are 0 to 3");
    cr_assert_not(ks_eval(grad));
    ks_error_clear(g);
    cr_assert(ks_set(t, KS_I64, ((const int64_t[]){2, 3, -1})));
    NO_VALUE(loss, KS_BAD_ARGUMENT, "softmax_cross_entropy 'loss': row 2 has label -1, but there are 4 classes: labels are 0 to 3");
    cr_assert(ks_set(t, KS_I64, ((const int64_t[]){2, 3, 0})));
    cr_assert(ks_eval(loss) && ks_eval(grad));
}

/* ---- squared errors ------------------------------------------------------------------------------------ */

Test(softmax_loss, sum_squared_error_of_the_book)
{
    ks_node *t = VARIABLE(g, "t", KS_F64, KS_SHAPE(10), 0, 0, 1, 0, 0, 0, 0, 0, 0, 0);
    ks_node *right = VARIABLE(g, "right", KS_F64, KS_SHAPE(10), .1, .05, .6, 0, .05, .1, 0, .1, 0, 0);
    ks_node *wrong = VARIABLE(g, "wrong", KS_F64, KS_SHAPE(10), .1, .05, .1, 0, .05, .1, 0, .6, 0, 0);
    IS_NEAR(1e-15, ks_sum_squared_error(right, t), .0975);
    IS_NEAR(1e-15, ks_sum_squared_error(wrong, t), .5975);
    IS_NEAR(1e-9, ks_neg(ks_log(ks_add(ks_slice(right, 0, 2, 3), ks_number(g, 1e-7)))), .510825457099338);
    IS_NEAR(1e-9, ks_neg(ks_log(ks_add(ks_slice(wrong, 0, 2, 3), ks_number(g, 1e-7)))), 2.302584092994546);
}

Test(softmax_loss, the_derivative_of_the_half_sum_of_squares_is_the_difference)
{
    ks_node *y = VARIABLE(g, "y", KS_F64, KS_SHAPE(2, 2), 1, 2, 3, 4), *t = VARIABLE(g, "t", KS_F64, KS_SHAPE(2, 2), 0, 4, 3, 5);
    ks_node *loss = ks_sum_squared_error(ks_identity(y), t), *dy = ks_gradient(loss, y);
    IS(loss, 3);
    IS(dy, 1, -2, 0, -1);
    IS(ks_gradient(loss, t), -1, 2, 0, 1);
    IS(ks_gradient(dy, y), 1, 1, 1, 1);
    IS(ks_gradient(ks_mul(loss, ks_number(g, 3)), y), 3, -6, 0, -3);
}

Test(softmax_loss, the_derivative_of_the_mean_of_squares_is_twice_the_difference_shared)
{
    ks_node *y = VARIABLE(g, "y", KS_F64, KS_SHAPE(4), 1, 2, 3, 4), *t = VARIABLE(g, "t", KS_F64, KS_SHAPE(4), 0, 4, 3, 5);
    ks_node *loss = ks_mean_squared_error(y, t);
    IS(loss, 1.5);
    IS(ks_gradient(loss, y), 0.5, -1, 0, -0.5);
    IS(ks_gradient(loss, t), -0.5, 1, 0, 0.5);
    IS(ks_mean_squared_error(NOTHING(g, "a", KS_F32, KS_SHAPE(0)), NOTHING(g, "b", KS_F32, KS_SHAPE(0))), NAN_);
    IS(ks_sum_squared_error(ks_find(g, "a"), ks_find(g, "b")), 0);
}

Test(softmax_loss, large_squared_errors_agree_on_any_number_of_threads)
{
    enum { N = 100001 };
    static float x[N], y[N];
    float losses[2];
    long double sum = 0;
    for (int i = 0; i < N; i++) {
        x[i] = (float)chance(3);
        y[i] = (float)chance(3);
        sum += ((long double)x[i] - (long double)y[i]) * ((long double)x[i] - (long double)y[i]);
    }
    for (int threads = 1; threads <= 2; threads++) {
        ks_graph *h = ks_graph_new(&(ks_graph_options){.size = sizeof(ks_graph_options), .threads = threads});
        cr_assert(ks_read(ks_mean_squared_error(ks_constant(h, KS_F32, KS_SHAPE(N), x), ks_constant(h, KS_F32, KS_SHAPE(N), y)), KS_F32,
                          &losses[threads - 1], 1));
        ks_graph_free(h);
    }
    cr_assert_eq(losses[0], losses[1]);
    cr_assert_float_eq((double)losses[0], (double)(sum / N), 1e-6 * (double)(sum / N));
}

Test(softmax_loss, squared_errors_need_equal_shapes)
{
    ks_node *y = VARIABLE(g, "y", KS_F64, KS_SHAPE(2, 1), 1, 2), *t = VARIABLE(g, "t", KS_F64, KS_SHAPE(2), 0, 4);
    REFUSED(g, ks_sum_squared_error(y, t), KS_BAD_SHAPE, "sum_squared_error: the shapes must be equal: 'y' is [2, 1], 't' is [2]");
    REFUSED(g, ks_mean_squared_error(y, t), KS_BAD_SHAPE, "mean_squared_error: the shapes must be equal: 'y' is [2, 1], 't' is [2]");
}
