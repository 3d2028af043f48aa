/*
 * test_random.c - random numbers: the generator's known answers, distributions, what a number depends on (seed, stream, step, position) and
 * what not (threads, neighbours, gradients), and both forms of dropout.
 */
#include "ops/ops.h"

#include "engine/engine.h"
#include "engine/kernels/philox.h"

static ks_graph *open_graph(uint64_t seed, int threads)
{
    ks_graph *g = ks_graph_new(&(ks_graph_options){.size = sizeof(ks_graph_options), .seed = seed, .threads = threads});
    cr_assert_not_null(g);
    return g;
}

static double *values_of(ks_node *node, int64_t n)
{
    double *values = malloc(sizeof(double) * (size_t)n);
    cr_assert(ks_read(node, KS_F64, values, n), "%s", ks_error(ks_node_graph(node)) ? ks_error(ks_node_graph(node))->message : "?");
    return values;
}

static bool equal(const double *a, const double *b, int64_t n)
{
    return !memcmp(a, b, sizeof(double) * (size_t)n);
}

/* ---- the generator ------------------------------------------------------------------------------------- */

/* Known answers of philox4x32-10: Salmon and others, Random123, kat_vectors. */
Test(random, the_generator_gives_the_known_answers)
{
    static const struct {
        uint32_t counter[4], key[2], answer[4];
    } known[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}, {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}, {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t k = 0; k < 3; k++) {
        uint32_t words[4];
        memcpy(words, known[k].counter, sizeof words);
        ks__philox_rounds(words, known[k].key[0], known[k].key[1]);
        cr_assert_eq(memcmp(words, known[k].answer, sizeof words), 0);
    }
}

/* ---- distributions ------------------------------------------------------------------------------------- */

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double uniform_share(double x)
{
    return x;
}

static double normal_share(double x)
{
    return 0.5 * erfc(-x / sqrt(2));
}

/* The greatest distance between the shares below x that are and that should be, times sqrt n (Kolmogorov and Smirnov): above 1.95 once in a
 * thousand. */
static double distance(double *x, int64_t n, double (*share)(double))
{
    double most = 0;
    qsort(x, (size_t)n, sizeof *x, ascending);
    for (int64_t i = 0; i < n; i++)
        most = fmax(most, fmax(fabs(share(x[i]) - (double)i / (double)n), fabs(share(x[i]) - (double)(i + 1) / (double)n)));
    return most * sqrt((double)n);
}

static void moments(const double *x, int64_t n, double *mean, double *deviation)
{
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < n; i++)
        sum += x[i];
    *mean = sum / (double)n;
    for (int64_t i = 0; i < n; i++)
        squares += (x[i] - *mean) * (x[i] - *mean);
    *deviation = sqrt(squares / (double)n);
}

enum { MANY = 200001 };

Test(random, uniform_numbers_are_uniform)
{
    for (int dtype = KS_F32; dtype <= KS_F64; dtype++) {
        ks_graph *g = open_graph(7, 0);
        double mean, deviation, *x = values_of(ks_random_uniform(g, (ks_dtype)dtype, KS_SHAPE(MANY), 0, 1), MANY);
        moments(x, MANY, &mean, &deviation);
        cr_assert_float_eq(mean, 0.5, 4 * sqrt(1.0 / 12 / MANY));
        cr_assert_float_eq(deviation, sqrt(1.0 / 12), 0.002);
        double lag = 0; /* neighbours know nothing of each other */
        for (int i = 1; i < MANY; i++)
            lag += (x[i] - mean) * (x[i - 1] - mean);
        cr_assert(fabs(lag / MANY * 12) < 4 / sqrt(MANY));
        cr_assert_lt(distance(x, MANY, uniform_share), 1.95);
        cr_assert(x[0] >= 0 && x[MANY - 1] < 1);
        free(x);
        ks_graph_free(g);
    }
}

Test(random, normal_numbers_are_normal)
{
    for (int dtype = KS_F32; dtype <= KS_F64; dtype++) {
        ks_graph *g = open_graph(8, 0);
        double mean, deviation, *x = values_of(ks_random_normal(g, (ks_dtype)dtype, KS_SHAPE(MANY), 0, 1), MANY);
        moments(x, MANY, &mean, &deviation);
        cr_assert_float_eq(mean, 0, 4 / sqrt(MANY));
        cr_assert_float_eq(deviation, 1, 4 / sqrt(2.0 * MANY));
        double lag = 0;
        for (int i = 1; i < MANY; i++)
            lag += (x[i] - mean) * (x[i - 1] - mean);
        cr_assert(fabs(lag / MANY) < 4 / sqrt(MANY));
        cr_assert_lt(distance(x, MANY, normal_share), 1.95);
        cr_assert(x[0] < -3.9 && x[MANY - 1] > 3.9); /* there are tails */
        free(x);
        ks_graph_free(g);
    }
}

/* Beside the method in double with the C library's functions, for every instruction set: the words are those of the node's stream. */
Test(random, normal_numbers_are_those_of_box_and_muller)
{
    static const char *const sets[] = {"plain", "x86-64-v2", "x86-64-v3", "x86-64-v4"};
    for (size_t k = 0; k < sizeof sets / sizeof sets[0]; k++) {
        ks_graph *g = ks_graph_new(&(ks_graph_options){.size = sizeof(ks_graph_options), .seed = 21, .isa = sets[k]});
        if (!g)
            continue; /* another machine's */
        ks_node *node = ks_random_normal(g, KS_F32, KS_SHAPE(MANY), 0, 1);
        double *x = values_of(node, MANY);
        for (int i = 0; i + 1 < MANY; i += 2) {
            uint32_t words[4];
            ks__philox(21, ks__stream_of(node), 0, (uint64_t)(i / 4), words);
            double r = sqrt(-2 * log(((double)words[i % 4] + 1) * 0x1p-32)),
                   angle = 6.283185307179586 * ((double)words[i % 4 + 1] * 0x1p-32);
            cr_assert(fabs(x[i] - r * cos(angle)) <= 1e-6 && fabs(x[i + 1] - r * sin(angle)) <= 1e-6, "%s: %g and %g at %d, not %g and %g",
                      sets[k], x[i], x[i + 1], i, r * cos(angle), r * sin(angle));
        }
        free(x);
        ks_graph_free(g);
    }
}

/* Chi squared over 64 cells, of words and of pairs of neighbours. 63 degrees: above 103.4 once in a thousand. */
Test(random, cells_are_filled_alike)
{
    ks_graph *g = open_graph(9, 0);
    double *x = values_of(ks_random_uniform(g, KS_F32, KS_SHAPE(MANY), 0, 1), MANY), one = 0, two = 0;
    int cells[64] = {0}, pairs[64] = {0};
    for (int i = 0; i < MANY; i++)
        cells[(int)(x[i] * 64)]++;
    for (int i = 0; i + 1 < MANY; i += 2)
        pairs[(int)(x[i] * 8) * 8 + (int)(x[i + 1] * 8)]++;
    for (int k = 0; k < 64; k++) {
        one += (cells[k] - MANY / 64.0) * (cells[k] - MANY / 64.0) / (MANY / 64.0);
        two += (pairs[k] - (MANY / 2) / 64.0) * (pairs[k] - (MANY / 2) / 64.0) / ((MANY / 2) / 64.0);
    }
    cr_assert(one < 103.4 && two < 103.4, "%g, %g", one, two);
    free(x);
    ks_graph_free(g);
}

Test(random, limits_mean_and_deviation_are_respected)
{
    ks_graph *g = open_graph(10, 0);
    double mean, deviation, *u = values_of(ks_random_uniform(g, KS_F32, KS_SHAPE(10000), -3, 5), 10000),
                            *n = values_of(ks_random_normal(g, KS_F64, KS_SHAPE(10000), 10, 0.5), 10000);
    for (int i = 0; i < 10000; i++)
        cr_assert(u[i] >= -3 && u[i] < 5);
    moments(u, 10000, &mean, &deviation);
    cr_assert_float_eq(mean, 1, 0.1);
    moments(n, 10000, &mean, &deviation);
    cr_assert_float_eq(mean, 10, 0.02);
    cr_assert_float_eq(deviation, 0.5, 0.02);
    float next = nextafterf(1, 2);
    double *narrow = values_of(ks_random_uniform(g, KS_F32, KS_SHAPE(1000), 1, (double)next), 1000);
    for (int i = 0; i < 1000; i++)
        cr_assert_eq(narrow[i], 1); /* hi itself is never drawn */
    IS(ks_random_uniform(g, KS_F64, KS_SHAPE(2), 4, 4), 4, 4);
    IS(ks_random_normal(g, KS_F32, KS_SHAPE(2), 4, 0), 4, 4);
    free(u), free(n), free(narrow);
    ks_graph_free(g);
}

/* ---- what a number depends on --------------------------------------------------------------------------- */

Test(random, the_same_seed_gives_the_same_numbers_and_another_seed_others)
{
    double *x[3];
    for (int k = 0; k < 3; k++) {
        ks_graph *g = open_graph(k < 2 ? 5 : 6, 0);
        x[k] = values_of(ks_random_normal(g, KS_F32, KS_SHAPE(100), 0, 1), 100);
        ks_graph_free(g);
    }
    cr_assert(equal(x[0], x[1], 100) && !equal(x[0], x[2], 100));
    free(x[0]), free(x[1]), free(x[2]);
}

Test(random, reading_changes_nothing_and_the_next_step_gives_new_numbers)
{
    ks_graph *g = open_graph(5, 0);
    ks_node *x = ks_random_uniform(g, KS_F32, KS_SHAPE(50), 0, 1);
    double *one = values_of(x, 50), *again = values_of(x, 50);
    ks_next_step(g);
    double *two = values_of(x, 50);
    cr_assert(equal(one, again, 50) && !equal(one, two, 50));
    ks_set_step_number(g, 0);
    double *back = values_of(x, 50);
    cr_assert(equal(one, back, 50)); /* resumed */
    free(one), free(again), free(two), free(back);
    ks_graph_free(g);
}

Test(random, a_run_with_effects_goes_to_the_next_step_and_one_without_does_not)
{
    ks_graph *g = open_graph(5, 0);
    ks_node *x = ks_random_uniform(g, KS_F64, KS_SCALAR, 0, 1), *v = ks_variable(g, "v", KS_F64, KS_SCALAR, KS_ZEROS),
            *set = ks_assign(v, x);
    double first = ks_scalar(x);
    cr_assert(ks_run(g, &x, 1, NULL, 0, NULL));
    cr_assert_eq(ks_scalar(x), first);
    cr_assert(ks_run(g, &x, 1, &set, 1, NULL));
    cr_assert_eq(ks_scalar(v), first); /* the numbers of the step that ran */
    cr_assert_eq(ks_step_number(g), 1);
    cr_assert_neq(ks_scalar(ks_random_uniform(g, KS_F64, KS_SCALAR, 0, 1)), first);
    ks_graph_free(g);
}

Test(random, two_nodes_draw_different_numbers)
{
    ks_graph *g = open_graph(5, 0);
    double *a = values_of(ks_random_uniform(g, KS_F32, KS_SHAPE(100), 0, 1), 100),
           *b = values_of(ks_random_uniform(g, KS_F32, KS_SHAPE(100), 0, 1), 100);
    int same = 0;
    for (int i = 0; i < 100; i++)
        same += a[i] == b[i];
    cr_assert_eq(same, 0); /* not even shifted together into one plan */
    free(a), free(b);
    ks_graph_free(g);
}

Test(random, a_name_is_a_stream_of_its_own_wherever_it_stands)
{
    ks_graph *g = open_graph(5, 0), *h = open_graph(5, 0);
    double *a = values_of(ks_named("noise", ks_random_uniform(g, KS_F32, KS_SHAPE(30), 0, 1)), 30);
    ks_random_normal(h, KS_F32, KS_SHAPE(3), 0, 1);
    double *b = values_of(ks_named("noise", ks_random_uniform(h, KS_F32, KS_SHAPE(30), 0, 1)), 30);
    cr_assert(equal(a, b, 30));
    free(a), free(b);
    ks_graph_free(g);
    ks_graph_free(h);
}

Test(random, a_number_depends_on_its_position_and_not_on_the_size)
{
    static const int64_t sizes[] = {1, 2, 3, 5, 1000, 1023, 1025, 5001, 40000};
    for (int dtype = KS_F32; dtype <= KS_F64; dtype++) {
        ks_graph *g = open_graph(5, 0);
        double *all = values_of(ks_named("n", ks_random_normal(g, (ks_dtype)dtype, KS_SHAPE(40000), 0, 1)), 40000);
        ks_graph_free(g);
        for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
            ks_graph *h = open_graph(5, 0);
            double *some = values_of(ks_named("n", ks_random_normal(h, (ks_dtype)dtype, KS_SHAPE(sizes[k]), 0, 1)), sizes[k]);
            cr_assert(equal(some, all, sizes[k]), "%lld", (long long)sizes[k]);
            free(some);
            ks_graph_free(h);
        }
        free(all);
    }
}

Test(random, the_same_numbers_on_any_number_of_threads)
{
    double *x[3][3];
    for (int threads = 1; threads <= 3; threads++) {
        ks_graph *g = open_graph(11, threads);
        ks_node *ones = ks_cast(ks_constant(g, KS_BOOL, KS_SHAPE(1), ((const uint8_t[]){1})), KS_F32);
        ks_node *drop =
            ks_dropout(ks_expand(ones, ks_random_uniform(g, KS_F32, KS_SHAPE(MANY), 0, 1), KS_ABSENT), 0.3, KS_DROPOUT_INVERTED);
        x[threads - 1][0] = values_of(ks_random_uniform(g, KS_F64, KS_SHAPE(MANY), 0, 1), MANY);
        x[threads - 1][1] = values_of(ks_random_normal(g, KS_F32, KS_SHAPE(MANY), 0, 1), MANY);
        cr_assert(ks_run(g, &drop, 1, NULL, 0, &(ks_run_options){.size = sizeof(ks_run_options), .mode = KS_TRAIN}));
        x[threads - 1][2] = values_of(drop, MANY);
        ks_graph_free(g);
    }
    for (int k = 0; k < 3; k++)
        cr_assert(equal(x[0][k], x[1][k], MANY) && equal(x[0][k], x[2][k], MANY));
    for (int t = 0; t < 3; t++)
        for (int k = 0; k < 3; k++)
            free(x[t][k]);
}

/* Composed anew, recognised or not, random nodes keep their streams. */
Test(random, a_graph_composed_anew_draws_the_same_numbers_recognised_or_not)
{
    double x[2][5];
    for (int off = 0; off < 2; off++) {
        ks_graph *g = ks_graph_new(&(ks_graph_options){.size = sizeof(ks_graph_options), .without = off ? KS_RECOGNISE : 0});
        int64_t mark = ks_graph_mark(g);
        for (int i = 0; i < 5; i++) {
            cr_assert(ks_graph_release(g, mark));
            x[off][i] = ks_scalar(ks_random_uniform(g, KS_F64, KS_SCALAR, 0, 1));
            ks_next_step(g);
        }
        ks_graph_free(g);
    }
    cr_assert_eq(memcmp(x[0], x[1], sizeof x[0]), 0);
    cr_assert_neq(x[0][0], x[0][1]);
}

Test(random, what_is_no_distribution_is_refused)
{
    ks_graph *g = open_graph(5, 0);
    REFUSED(g, ks_random_uniform(g, KS_F32, KS_SHAPE(2), 1, 0), KS_BAD_ARGUMENT,
            "random_uniform: from 1 to 0 is no interval: lo <= hi, both finite");
    REFUSED(g, ks_random_uniform(g, KS_F32, KS_SHAPE(2), 0, INF_), KS_BAD_ARGUMENT,
            "random_uniform: from 0 to inf is no interval: lo <= hi, both finite");
    REFUSED(g, ks_random_normal(g, KS_F32, KS_SHAPE(2), 0, -1), KS_BAD_ARGUMENT,
            "random_normal: mean 0 and std -1: both finite, and std not negative");
    REFUSED(g, ks_random_normal(g, KS_I32, KS_SHAPE(2), 0, 1), KS_BAD_DTYPE, "random_normal: random numbers are f32 or f64: ks_cast them");
    REFUSED(g, ks_random_normal(g, KS_F32, KS_SHAPE(ks_dim(g, "N"), 2), 0, 1), KS_BAD_SHAPE,
            "random_normal: the shape [N, 2] has no size of its own: give its dimensions as numbers");
    cr_assert_null(ks_random_uniform(NULL, KS_F32, KS_SHAPE(2), 0, 1));
    SHAPE_IS(ks_random_uniform(g, KS_F32, KS_SHAPE(0, 3), 0, 1), 0, 3);
    ks_graph_free(g);
}

/* ---- dropout ------------------------------------------------------------------------------------------- */

static const ks_run_options training = {.size = sizeof(ks_run_options), .mode = KS_TRAIN};

enum { LARGE = 40000 };

static ks_node *ones(ks_graph *g, ks_dtype dtype)
{
    double *values = malloc(sizeof(double) * LARGE);
    for (int i = 0; i < LARGE; i++)
        values[i] = 1;
    ks_node *x = make_variable(g, "x", dtype, KS_SHAPE(LARGE), values, LARGE);
    free(values);
    return x;
}

Test(random, inverted_dropout_scales_while_training_and_passes_in_inference)
{
    ks_graph *g = open_graph(5, 0);
    ks_node *y = ks_dropout(ones(g, KS_F32), 0.2, KS_DROPOUT_INVERTED);
    cr_assert(ks_run(g, &y, 1, NULL, 0, &training));
    double *trained = values_of(y, LARGE), sum = 0;
    int erased = 0;
    for (int i = 0; i < LARGE; i++) {
        cr_assert(trained[i] == 0 || trained[i] == (double)(float)1.25);
        erased += trained[i] == 0;
        sum += trained[i];
    }
    cr_assert_float_eq((double)erased / LARGE, 0.2, 4 * sqrt(0.2 * 0.8 / LARGE));
    cr_assert_float_eq(sum / LARGE, 1, 0.01);
    cr_assert(ks_run(g, &y, 1, NULL, 0, NULL));
    double *inferred = values_of(y, LARGE);
    for (int i = 0; i < LARGE; i++)
        cr_assert_eq(inferred[i], 1);
    free(trained), free(inferred);
    ks_graph_free(g);
}

Test(random, the_book_s_dropout_scales_in_inference)
{
    ks_graph *g = open_graph(5, 0);
    ks_node *y = ks_dropout(ones(g, KS_F64), 0.2, KS_DROPOUT_BOOK);
    cr_assert(ks_run(g, &y, 1, NULL, 0, &training));
    double *trained = values_of(y, LARGE), sum = 0;
    for (int i = 0; i < LARGE; i++) {
        cr_assert(trained[i] == 0 || trained[i] == 1);
        sum += trained[i];
    }
    cr_assert_float_eq(sum / LARGE, 0.8, 0.01); /* the mean of training is what inference gives */
    cr_assert(ks_run(g, &y, 1, NULL, 0, NULL));
    double *inferred = values_of(y, LARGE);
    for (int i = 0; i < LARGE; i++)
        cr_assert_eq(inferred[i], 0.8);
    free(trained), free(inferred);
    ks_graph_free(g);
}

Test(random, the_derivative_is_masked_as_the_value_was)
{
    for (int form = KS_DROPOUT_INVERTED; form <= KS_DROPOUT_BOOK; form++) {
        ks_graph *g = open_graph(5, 0);
        ks_node *x = ones(g, KS_F32), *y = ks_dropout(x, 0.5, (ks_dropout_form)form),
                *both[2] = {y, ks_gradient(ks_mul(y, ks_number(g, 3)), x)};
        for (int step = 0; step < 3; step++) {
            cr_assert(ks_run(g, both, 2, NULL, 0, &training));
            double *value = values_of(both[0], LARGE), *derivative = values_of(both[1], LARGE);
            for (int i = 0; i < LARGE; i++)
                cr_assert_eq(derivative[i], 3 * value[i]);
            free(value), free(derivative);
            ks_next_step(g);
        }
        ks_graph_free(g);
    }
}

Test(random, each_step_erases_others_and_both_floating_types_the_same)
{
    double *x[3];
    for (int k = 0; k < 3; k++) {
        ks_graph *g = open_graph(5, 0);
        ks_node *y = ks_dropout(ones(g, k == 1 ? KS_F64 : KS_F32), 0.5, KS_DROPOUT_INVERTED);
        if (k == 2)
            ks_next_step(g);
        cr_assert(ks_run(g, &y, 1, NULL, 0, &training));
        x[k] = values_of(y, LARGE);
        ks_graph_free(g);
    }
    cr_assert(equal(x[0], x[1], LARGE) && !equal(x[0], x[2], LARGE));
    free(x[0]), free(x[1]), free(x[2]);
}

Test(random, a_gradient_does_not_move_the_streams_of_what_follows)
{
    double next[2];
    for (int k = 0; k < 2; k++) {
        ks_graph *g = open_graph(5, 0);
        ks_node *x = ones(g, KS_F32), *y = ks_dropout(x, 0.5, KS_DROPOUT_INVERTED);
        if (k)
            ks_gradient(y, x);
        next[k] = ks_scalar(ks_random_uniform(g, KS_F64, KS_SCALAR, 0, 1));
        ks_graph_free(g);
    }
    cr_assert_eq(next[0], next[1]);
}

Test(random, what_dropout_erased_is_zero_even_if_infinite_or_nan)
{
    ks_graph *g = open_graph(5, 0);
    double values[100];
    for (int i = 0; i < 100; i++)
        values[i] = i % 2 ? NAN_ : INF_;
    ks_node *x = make_variable(g, "x", KS_F64, KS_SHAPE(100), values, 100), *y = ks_dropout(x, 0.5, KS_DROPOUT_INVERTED),
            *dx = ks_gradient(ks_square(y), x);
    ks_node *both[2] = {y, dx};
    cr_assert(ks_run(g, both, 2, NULL, 0, &training));
    double *value = values_of(y, 100), *derivative = values_of(dx, 100);
    int zeros = 0;
    for (int i = 0; i < 100; i++) {
        cr_assert(value[i] == 0 || !isfinite(value[i]));
        cr_assert_eq(value[i] == 0, derivative[i] == 0);
        zeros += value[i] == 0;
    }
    cr_assert(zeros > 20 && zeros < 80);
    free(value), free(derivative);
    ks_graph_free(g);
}

Test(random, a_ratio_of_nothing_changes_nothing_and_others_are_checked)
{
    ks_graph *g = open_graph(5, 0);
    ks_node *x = VARIABLE(g, "x", KS_F64, KS_SHAPE(3), 1, -2, 3), *y = ks_dropout(x, 0, KS_DROPOUT_INVERTED),
            *z = ks_dropout(x, 0, KS_DROPOUT_BOOK);
    IS(z, 1, -2, 3);
    cr_assert(ks_run(g, &y, 1, NULL, 0, &training));
    IS(y, 1, -2, 3);
    REFUSED(g, ks_dropout(x, 1, KS_DROPOUT_BOOK), KS_BAD_ARGUMENT,
            "dropout: ratio is 1: the share that is erased is at least 0 and less than 1");
    REFUSED(g, ks_dropout(x, -0.1, KS_DROPOUT_BOOK), KS_BAD_ARGUMENT,
            "dropout: ratio is -0.1: the share that is erased is at least 0 and less than 1");
    REFUSED(g, ks_dropout(x, NAN_, KS_DROPOUT_BOOK), KS_BAD_ARGUMENT,
            "dropout: ratio is nan: the share that is erased is at least 0 and less than 1");
    REFUSED(g, ks_dropout(x, 0.5, (ks_dropout_form)2), KS_BAD_ARGUMENT, "dropout: form is 2: 0 is inverted, 1 the book's");
    ks_node *i = VARIABLE(g, "i", KS_I32, KS_SHAPE(1), 1);
    REFUSED(g, ks_dropout(i, 0.5, KS_DROPOUT_BOOK), KS_BAD_DTYPE, "dropout: takes f32, f64, but 'i' is i32: ks_cast it");
    ks_graph_free(g);
}
