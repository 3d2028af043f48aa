/*
 * test_run.c - running and effects: reading changes nothing, a run is a transaction, fetched values are as of their run.
 */
#include <criterion/criterion.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <string.h>

#include "engine/rules.h"
#include "support/allocator.h"

static const char *message(const ks_graph *g)
{
    return ks_error(g) ? ks_error(g)->message : "no failure";
}

static ks_node *scalar(ks_graph *g, const char *name, double value)
{
    return ks_variable(g, name, KS_F64, KS_SCALAR, KS_FILL(value));
}

/* ---- reading ------------------------------------------------------------------------------------------- */

Test(run, reading_computes_what_is_missing_and_fires_no_assign)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *w = scalar(g, "w", 2), *a = ks_assign(w, ks_mul(w, ks_number(g, 10)));
    cr_assert_eq(ks_scalar(a), 20.0, "the assign's own value is the new value");
    cr_assert_eq(ks_scalar(w), 2.0);
    cr_assert_eq(ks_scalar(a), 20.0);
    ks_graph_free(g);
}

Test(run, what_is_known_is_not_computed_again_until_a_feed_changes)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *x = ks_input(g, "x", KS_F32, KS_SHAPE(2)), *y = ks_square(x), *z = ks_sin(y);
    const float one[] = {1, 2}, two[] = {3, 4};
    ks_feed(x, KS_F32, KS_SHAPE(2), one);
    ks_keep(y);
    cr_assert(ks_eval(z));
    uint64_t before = ks_graph_statistics(g).nodes_evaluated;
    cr_assert(ks_eval(z) && ks_eval(y) && ks_eval(z));
    cr_assert_eq(ks_graph_statistics(g).nodes_evaluated, before);
    ks_node *more = ks_add(y, ks_number(g, 1));
    cr_assert(ks_eval(more));
    cr_assert_eq(ks_graph_statistics(g).nodes_evaluated, before + 1, "only what is new");
    ks_feed(x, KS_F32, KS_SHAPE(2), two);
    cr_assert_eq(((const float *)ks_value(more))[0], 10.0f);
    ks_graph_free(g);
}

Test(run, an_input_without_data_is_named)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *y = ks_exp(ks_input(g, "pixels", KS_F32, KS_SHAPE(KS_ANY)));
    cr_assert_not(ks_eval(y));
    cr_assert_str_eq(message(g), "input 'pixels' has no data: ks_feed it before the run");
    cr_assert_eq(ks_error(g)->code, KS_NOT_FED);
    ks_graph_free(g);
}

Test(run, a_feed_is_converted_when_every_value_survives_exactly)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *t = ks_input(g, "t", KS_I64, KS_SHAPE(KS_ANY));
    const double labels[] = {3, 0, 9}, half[] = {3, 0.5, 9};
    cr_assert(ks_feed(t, KS_F64, KS_SHAPE(3), labels));
    cr_assert_eq(((const int64_t *)ks_value(t))[2], 9);
    cr_assert_not(ks_feed(t, KS_F64, KS_SHAPE(3), half));
    cr_assert_str_eq(message(g), "ks_feed: 't' is i64, and element 1 of the f64 data, 0.5, does not fit it exactly: cast it first");
    cr_assert_eq(((const int64_t *)ks_value(t))[1], 0, "the refused feed left the old data");
    ks_graph_free(g);
}

Test(run, a_refused_feed_of_bools_leaves_the_old_ones)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *b = ks_input(g, "b", KS_BOOL, KS_SHAPE(2));
    cr_assert(ks_feed(b, KS_BOOL, KS_SHAPE(2), ((const uint8_t[]){1, 0})));
    cr_assert_not(ks_feed(b, KS_BOOL, KS_SHAPE(2), ((const uint8_t[]){0, 2})));
    cr_assert_str_eq(message(g), "ks_feed: 'b' is bool, and element 1 of the bool data, 2, does not fit it exactly: cast it first");
    cr_assert_eq(((const uint8_t *)ks_value(b))[0], 1);
    ks_graph_free(g);
}

Test(run, messages_have_a_point_in_every_locale)
{
    char text[KS__REAL_TEXT];
    cr_assert_str_eq(ks__real_text(-2.5e-30, text), "-2.5e-30");
    cr_assert_str_eq(ks__real_text(715, text), "715");
    cr_assert_str_eq(ks__real_text((double)INFINITY, text), "inf");
    if (!setlocale(LC_NUMERIC, "de_DE.UTF-8"))
        return; /* where there is one with a comma */
    cr_assert_str_eq(ks__real_text(2.5, text), "2.5");
    setlocale(LC_NUMERIC, "C");
}

static void count_release(void *user, const void *data)
{
    (void)data;
    ++*(int *)user;
}

Test(run, borrowed_data_is_read_in_place_and_given_back)
{
    int released = 0;
    ks_graph *g = ks_graph_new(NULL);
    ks_node *x = ks_input(g, "x", KS_F32, KS_SHAPE(KS_ANY)), *y = ks_sum_all(x);
    float *data = malloc(5 * sizeof *data); /* not a vector more than is needed: a reader beyond its end is seen */
    for (int i = 0; i < 5; i++)
        data[i] = (float)i;
    cr_assert(ks_feed_borrowed(x, KS_SHAPE(5), data, count_release, &released));
    cr_assert_eq(ks_scalar(ks_add(y, ks_sum_all(ks_exp(ks_mul(x, ks_number(g, 0)))))), 15.0);
    cr_assert_eq(released, 0);
    ks_feed(x, KS_F32, KS_SHAPE(2), data);
    cr_assert_eq(released, 1);
    free(data);
    ks_graph_free(g);
}

Test(run, finished_parameters_are_shared_between_graphs_without_a_copy)
{
    ks_graph *g = ks_graph_new(NULL), *h = ks_graph_new(NULL);
    ks_node *w = ks_variable(g, "w", KS_F32, KS_SHAPE(1000), KS_NORMAL(1));
    const void *data = ks_value(w);
    ks_node *v = ks_share(h, w);
    cr_assert_eq(ks_value(v), data);
    ks_graph_free(g);
    cr_assert_eq(ks_value(v), data, "it outlives the graph it came from");
    ks_graph_free(h);
}

/* ---- transactions -------------------------------------------------------------------------------------- */

Test(run, every_read_sees_the_old_value_and_commits_come_together)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *a = scalar(g, "a", 1), *b = scalar(g, "b", 2);
    ks_node *effects[] = {ks_assign(a, b), ks_assign(b, a)}, *sum = ks_add(a, b);
    cr_assert(ks_run(g, &sum, 1, effects, 2, NULL));
    cr_assert_eq(ks_scalar(a), 2.0);
    cr_assert_eq(ks_scalar(b), 1.0);
    cr_assert(ks_run(g, &sum, 1, effects, 2, NULL));
    cr_assert_eq(ks_scalar(a), 1.0, "swapped back");
    ks_graph_free(g);
}

Test(run, fetched_values_are_as_of_that_run)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *w = scalar(g, "w", 3), *loss = ks_square(w), *down = ks_assign(w, ks_sub(w, ks_number(g, 1))), *same = ks_identity(w);
    ks_node *fetches[] = {loss, same};
    cr_assert(ks_run(g, fetches, 2, &down, 1, NULL));
    uint64_t before = ks_graph_statistics(g).nodes_evaluated;
    cr_assert_eq(ks_scalar(loss), 9.0);
    cr_assert_eq(ks_scalar(same), 3.0);
    cr_assert_eq(ks_graph_statistics(g).nodes_evaluated, before, "read, not computed again");
    cr_assert_eq(ks_scalar(w), 2.0);
    cr_assert_eq(ks_scalar(ks_mul(w, w)), 4.0, "what was not fetched is computed from what variables hold now");
    ks_graph_free(g);
}

Test(run, a_fetch_of_a_training_run_stays_when_something_else_is_read)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *x = ks_variable(g, "x", KS_F32, KS_SHAPE(1000), KS_ONES);
    ks_node *y = ks_sum_all(ks_dropout(x, 0.5, KS_DROPOUT_BOOK)), *z = ks_sum_all(ks_square(x));
    ks_run_options options = KS_RUN_OPTIONS_DEFAULT;
    options.mode = KS_TRAIN;
    cr_assert(ks_run(g, &y, 1, NULL, 0, &options));
    double kept = ks_scalar(y);
    cr_assert_gt(kept, 400);
    cr_assert_neq(kept, 500);
    cr_assert_eq(ks_scalar(z), 1000.0);
    cr_assert_eq(ks_scalar(y), kept);
    ks_set(x, KS_F32, ks_value(x));
    cr_assert_eq(ks_scalar(y), 500.0, "stale now: computed as inference does");
    ks_graph_free(g);
}

Test(run, two_assigns_to_one_variable_in_a_run_are_refused)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *w = scalar(g, "w", 1), *effects[] = {ks_assign(w, ks_number(g, 2)), ks_assign(w, ks_number(g, 3))};
    cr_assert_not(ks_run(g, NULL, 0, effects, 2, NULL));
    cr_assert_str_eq(message(g), "ks_run: variable 'w' is assigned twice in one run");
    cr_assert_eq(ks_scalar(w), 1.0);
    ks_graph_free(g);
}

Test(run, only_effects_are_effects)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *y = ks_named("y", ks_square(scalar(g, "w", 1)));
    cr_assert_not(ks_run(g, NULL, 0, &y, 1, NULL));
    cr_assert_str_eq(message(g), "ks_run: 'y' is a square, not an effect: use ks_assign");
    ks_graph_free(g);
}

typedef struct trained {
    ks_graph *g;
    ks_node *w, *v, *loss, *effects[2];
} trained;

static trained make(const ks_graph_options *options)
{
    trained t = {.g = ks_graph_new(options)};
    ks_node *x = ks_input(t.g, "x", KS_F32, KS_SHAPE(KS_ANY, 20));
    t.w = ks_variable(t.g, "w", KS_F32, KS_SHAPE(20, 30), KS_XAVIER);
    t.v = ks_variable(t.g, "v", KS_F32, KS_SHAPE(30), KS_ZEROS);
    t.loss = ks_mean_all(ks_square(ks_log(ks_add(ks_matmul(x, t.w), t.v))));
    float data[100];
    for (int i = 0; i < 100; i++)
        data[i] = (float)i / 10;
    ks_feed(x, KS_F32, KS_SHAPE(5, 20), data);
    ks_node *at[] = {t.w, t.v}, *d[2];
    ks_gradients(t.loss, at, 2, NULL, d);
    for (int i = 0; i < 2; i++)
        t.effects[i] = ks_assign(at[i], ks_sub(at[i], ks_mul(d[i], ks_number(t.g, 0.1))));
    return t;
}

static bool step(trained *t)
{
    ks_run_options options = KS_RUN_OPTIONS_DEFAULT;
    options.mode = KS_TRAIN;
    return ks_run(t->g, &t->loss, 1, t->effects, 2, &options);
}

static void remember(const trained *t, float memory[630])
{
    cr_assert(ks_read(t->w, KS_F32, memory, 600) && ks_read(t->v, KS_F32, memory + 600, 30));
}

typedef struct calls {
    int left;
} calls;

static bool stop(void *user)
{
    return ((calls *)user)->left-- == 0;
}

Test(run, cancelled_at_any_step_variables_are_as_before_to_the_bit)
{
    int stopped = 0;
    for (int at = 0;; at++) {
        calls c = {1000000};
        ks_graph_options options = KS_GRAPH_OPTIONS_DEFAULT;
        options.cancel = stop;
        options.cancel_user = &c;
        trained t = make(&options);
        float before[630], after[630];
        remember(&t, before);
        uint64_t random_step = ks_step_number(t.g);
        c.left = at;
        bool finished = step(&t);
        c.left = 1000000;
        remember(&t, after);
        if (!finished) {
            stopped++;
            cr_assert_eq(ks_error(t.g)->code, KS_CANCELLED);
            cr_assert_eq(memcmp(before, after, sizeof before), 0);
            cr_assert_eq(ks_step_number(t.g), random_step);
            ks_error_clear(t.g);
            cr_assert(step(&t), "and the graph goes on: %s", message(t.g));
        }
        ks_graph_free(t.g);
        if (finished)
            break;
    }
    cr_assert_gt(stopped, 4);
}

Test(run, a_nan_in_mid_step_names_its_node_and_changes_nothing)
{
    ks_graph_options options = KS_GRAPH_OPTIONS_DEFAULT;
    options.check_finite = true;
    trained t = make(&options);
    float before[630], after[630], bad[600];
    for (int i = 0; i < 600; i++)
        bad[i] = -1;
    ks_set(t.w, KS_F32, bad);
    remember(&t, before);
    cr_assert_not(step(&t));
    cr_assert_eq(ks_error(t.g)->code, KS_NOT_FINITE);
    cr_assert_not_null(strstr(message(t.g), "log"), "%s", message(t.g));
    remember(&t, after);
    cr_assert_eq(memcmp(before, after, sizeof before), 0);
    ks_graph_free(t.g);
}

Test(run, a_nan_names_what_it_was_made_of)
{
    static const double values[] = {1, 0, 4}, four = 4;
    ks_graph *g = ks_graph_new(&(ks_graph_options){.size = sizeof(ks_graph_options), .check_finite = true});
    ks_node *x = ks_input(g, "x", KS_F64, KS_SHAPE(3)), *a = ks_input(g, "a", KS_F64, KS_SCALAR);
    ks_node *y = ks_named("y", ks_add(ks_log(x), a)), *p = ks_named("p", ks_prod(x, KS_INTS(0), false));
    ks_feed(x, KS_F64, KS_SHAPE(3), values);
    ks_feed(a, KS_F64, KS_SCALAR, &four);
    cr_assert_not(ks_eval(y));
    cr_expect_str_eq(message(g), "log 'log_1' became -inf at element 1: 'x' [3] lies between 0 and 4");
    ks_error_clear(g);
    ks_feed(x, KS_F64, KS_SHAPE(3), ((double[]){1, NAN, 4}));
    cr_assert_not(ks_eval(p));
    cr_expect_str_eq(message(g), "prod 'p' became nan at element 0: 'x' [3] lies between 1 and 4, nan among it");
    ks_graph_free(g);
}

Test(run, every_allocation_refused_in_turn_is_one_failure_and_nothing_leaks)
{
    int failures = 0;
    for (int64_t refuse = 1;; refuse++) {
        ks_test_memory memory = {0};
        ks_graph_options options = KS_GRAPH_OPTIONS_DEFAULT;
        options.allocator = ks_test_allocator(&memory);
        options.threads = 1;
        trained t = make(&options);
        float before[630], after[630];
        remember(&t, before);
        memory.refuse = memory.requests + refuse;
        bool finished = step(&t);
        memory.refuse = 0;
        if (!finished) {
            failures++;
            cr_assert_eq(ks_error(t.g)->code, KS_NO_MEMORY, "request %d: %s", (int)refuse, message(t.g));
            ks_error_clear(t.g);
            remember(&t, after);
            cr_assert_eq(memcmp(before, after, sizeof before), 0);
            cr_assert(ks__graph_holds(t.g), "%s", message(t.g));
            cr_assert(step(&t), "still usable: %s", message(t.g));
        }
        ks_graph_free(t.g);
        cr_assert_eq(memory.live, 0, "request %d: %d bytes were lost", (int)refuse, (int)memory.live);
        if (finished && !memory.refused)
            break;
    }
    cr_assert_gt(failures, 10);
}

Test(run, a_step_that_reuses_its_plan_allocates_nothing)
{
    trained t = make(NULL);
    cr_assert(step(&t) && step(&t));
    ks_statistics before = ks_graph_statistics(t.g);
    for (int i = 0; i < 10; i++)
        cr_assert(step(&t));
    ks_statistics after = ks_graph_statistics(t.g);
    cr_assert_eq(after.allocations, before.allocations);
    cr_assert_eq(after.plans_compiled, before.plans_compiled);
    ks_graph_free(t.g);
}

/* ---- open dimensions ----------------------------------------------------------------------------------- */

static void fill(float *data, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        data[i] = (float)((i * 37) % 101) / 50 - 1;
}

static ks_node *batch_net(ks_graph *g, int64_t batch, ks_node **dw)
{
    ks_node *x = ks_input(g, "x", KS_F32, KS_SHAPE(batch, 6)), *w = ks_variable(g, "w", KS_F32, KS_SHAPE(6, 4), KS_XAVIER);
    ks_node *b = ks_variable(g, "b", KS_F32, KS_SHAPE(4), KS_FILL(0.1)), *y = ks_softmax(ks_add(ks_matmul(x, w), b), -1);
    ks_node *loss = ks_mean_all(ks_square(ks_sub(y, ks_mean(y, KS_INTS(0), true))));
    *dw = ks_gradient(loss, w);
    return loss;
}

Test(run, built_at_batch_1_and_fed_7_100_and_1_equals_graphs_built_at_these_sizes)
{
    ks_node *dw, *dv;
    ks_graph *g = ks_graph_new(NULL);
    ks_node *loss = batch_net(g, KS_ANY, &dw);
    float data[600];
    fill(data, 600);
    ks_feed(ks_find(g, "x"), KS_F32, KS_SHAPE(1, 6), data);
    cr_assert(ks_eval(dw));
    for (int i = 0; i < 3; i++) {
        int64_t n = (int64_t[]){7, 100, 1}[i];
        ks_feed(ks_find(g, "x"), KS_F32, KS_SHAPE(n, 6), data);
        ks_graph *h = ks_graph_new(NULL);
        ks_node *fixed = batch_net(h, n, &dv);
        ks_feed(ks_find(h, "x"), KS_F32, KS_SHAPE(n, 6), data);
        cr_assert_eq(ks_scalar(loss), ks_scalar(fixed));
        cr_assert_eq(memcmp(ks_value(dw), ks_value(dv), 24 * sizeof(float)), 0);
        ks_graph_free(h);
    }
    ks_graph_free(g);
}

Test(run, plan_bytes_tells_the_memory_of_a_run_before_it)
{
    ks_test_memory memory = {0};
    ks_graph_options options = KS_GRAPH_OPTIONS_DEFAULT;
    options.allocator = ks_test_allocator(&memory);
    ks_graph *g = ks_graph_new(&options);
    ks_node *x = ks_variable(g, "x", KS_F32, KS_SHAPE(300, 300), KS_ONES), *y = ks_sum_all(ks_matmul(ks_exp(x), ks_matmul(x, x)));
    cr_assert(ks_eval(x));
    int64_t bytes = ks_plan_bytes(g, &y, 1, NULL, 0), live = memory.live;
    cr_assert_gt(bytes, 3 * 300 * 300 * 4 - 1);
    cr_assert(ks_run(g, &y, 1, NULL, 0, NULL));
    cr_assert_leq(memory.live - live, bytes + 4096);
    ks_graph_free(g);
}

/* ---- inside another program ---------------------------------------------------------------------------- */

Test(run, an_older_shorter_options_struct_works)
{
    ks_graph_options options = KS_GRAPH_OPTIONS_DEFAULT;
    options.size = offsetof(ks_graph_options, isa);
    options.seed = 7;
    memset((char *)&options + options.size, 0xee, sizeof options - options.size); /* is not looked at */
    ks_graph *g = ks_graph_new(&options);
    cr_assert_not_null(g);
    cr_assert_eq(ks_seed(g), 7);
    cr_assert_eq(ks_scalar(ks_square(scalar(g, "x", 3))), 9.0);
    struct {
        ks_graph_options known;
        void *later[4];
    } newer = {.known = {.size = sizeof newer}};
    ks_graph *h = ks_graph_new(&newer.known);
    cr_assert_not_null(h, "a newer, longer one too");
    ks_graph_free(h);
    ks_graph_free(g);
}

static void *work_alone(void *result)
{
    trained t = make(NULL);
    for (int i = 0; i < 20; i++)
        cr_assert(step(&t));
    remember(&t, result);
    ks_graph_free(t.g);
    return NULL;
}

Test(run, two_threads_with_a_graph_each)
{
    static float a[630], b[630], c[630];
    pthread_t one, two;
    work_alone(c);
    pthread_create(&one, NULL, work_alone, a);
    pthread_create(&two, NULL, work_alone, b);
    pthread_join(one, NULL);
    pthread_join(two, NULL);
    cr_assert_eq(memcmp(a, b, sizeof a), 0);
    cr_assert_eq(memcmp(a, c, sizeof a), 0);
}

static void note(void *user, const char *message)
{
    strcpy(user, message);
}

Test(run, weights_that_nobody_trained_or_loaded_are_worth_a_word_to_the_hosts_log)
{
    char said[KS_MESSAGE_BYTES] = "";
    ks_graph_options options = KS_GRAPH_OPTIONS_DEFAULT;
    options.on_log = note;
    options.log_user = said;
    ks_graph *g = ks_graph_new(&options);
    ks_node *w = ks_variable(g, "w", KS_F32, KS_SHAPE(3), KS_HE), *v = ks_variable(g, "v", KS_F32, KS_SHAPE(3), KS_ZEROS);
    ks_node *y = ks_sum_all(ks_mul(w, v));
    cr_assert(ks_run(g, &y, 1, NULL, 0, NULL));
    cr_assert_str_eq(said, "'w' and 1 more were never trained or loaded: they are drawn by their initialisers");
    said[0] = 0;
    cr_assert(ks_run(g, &y, 1, NULL, 0, NULL));
    cr_assert_str_eq(said, "", "said once");
    ks_graph_free(g);
}

Test(run, bad_options_give_no_graph)
{
    ks_graph_options options = KS_GRAPH_OPTIONS_DEFAULT;
    options.isa = "x86-64-v9";
    cr_assert_null(ks_graph_new(&options));
    options = (ks_graph_options)KS_GRAPH_OPTIONS_DEFAULT;
    options.products = "abacus";
    cr_assert_null(ks_graph_new(&options));
    options = (ks_graph_options){.size = 1};
    cr_assert_null(ks_graph_new(&options));
}

/* ---- randomness ---------------------------------------------------------------------------------------- */

Test(run, only_a_run_with_effects_or_next_step_gives_new_random_numbers)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *r = ks_random_uniform(g, KS_F64, KS_SCALAR, 0, 1), *w = scalar(g, "w", 0), *a = ks_assign(w, r);
    double first = ks_scalar(r);
    cr_assert_eq(ks_scalar(r), first);
    cr_assert(ks_run(g, &r, 1, NULL, 0, NULL));
    cr_assert_eq(ks_scalar(r), first, "a run without effects draws the same");
    cr_assert(ks_run(g, NULL, 0, &a, 1, NULL));
    cr_assert_eq(ks_scalar(w), first);
    cr_assert_neq(ks_scalar(r), first, "the step has advanced");
    double second = ks_scalar(r);
    ks_next_step(g);
    cr_assert_neq(ks_scalar(r), second);
    ks_set_step_number(g, 0);
    cr_assert_eq(ks_scalar(r), first, "the same step, the same number");
    ks_graph_free(g);
}
