/*
 * test_optimizer.c - optimisers: making them, stepping, finding them again, what they refuse.
 */
#include "tests/support/allocator.h"
#include "tests/train/valley.h"

/* The same formulas in plain C, to the precision of double. */
Test(optimizer, adam_agrees_with_its_formula_at_every_step)
{
    valley v = make_valley();
    ks_graph *g = v.graph;
    ks_optimizer *o = ks_adam(v.loss, &(ks_optimizer_options){.size = sizeof(ks_optimizer_options), .rate = 0.3});
    double p[2] = {-7, 2}, m[2] = {0}, s[2] = {0};
    for (int t = 1; t <= 200; t++) {
        double slope[2] = {p[0] / 10, 2 * p[1]}, rate = 0.3 * sqrt(1 - pow(0.999, t)) / (1 - pow(0.9, t));
        for (int i = 0; i < 2; i++) {
            m[i] += 0.1 * (slope[i] - m[i]);
            s[i] += 0.001 * (slope[i] * slope[i] - s[i]);
            p[i] -= rate * m[i] / (sqrt(s[i]) + 1e-7);
        }
        GOOD(ks_step(o));
        NEAR(ks_scalar(v.x), p[0], 1e-9);
        NEAR(ks_scalar(v.y), p[1], 1e-9);
    }
    ks_graph_free(g);
}

/* Along the steep side SGD overshoots every time. */
Test(optimizer, sgd_zigzags_across_the_valley)
{
    valley v = make_valley();
    ks_optimizer *o = ks_optimizer_named(v.loss, "sgd:rate=0.95");
    int flips = 0;
    for (int step = 0; step < 30; step++) {
        double before = ks_scalar(v.y);
        cr_assert(ks_step(o));
        flips += before * ks_scalar(v.y) < 0;
    }
    cr_assert_eq(flips, 30);
    ks_graph_free(v.graph);
}

/* A constant slope is a velocity to SGD, an acceleration to Momentum: terminal velocity -rate g / (1 - alpha). */
Test(optimizer, momentum_takes_the_slope_for_an_acceleration)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *p = scalar(g, "p", 0), *slope = ks_input(g, "slope", KS_F64, KS_SCALAR);
    double one = 1, none = 0;
    ks_feed(slope, KS_F64, KS_SCALAR, &one);
    ks_optimizer *o = ks_optimizer_named(ks_mul(p, slope), "momentum:rate=0.1");
    double velocity = 0;
    for (int n = 1; n <= 300; n++) {
        double before = ks_scalar(p);
        GOOD(ks_step(o));
        velocity = ks_scalar(p) - before;
        NEAR(velocity, -0.1 * (1 - pow(0.9, n)) / 0.1, 1e-12);
    }
    NEAR(velocity, -1, 1e-10);
    ks_feed(slope, KS_F64, KS_SCALAR, &none);
    for (int n = 0; n < 20; n++) {
        double before = ks_scalar(p);
        GOOD(ks_step(o));
        NEAR(ks_scalar(p) - before, velocity * 0.9, 1e-12);
        velocity *= 0.9;
    }
    ks_graph_free(g);
}

/* To the bit. */
Test(optimizer, momentum_without_inertia_is_sgd)
{
    valley a = make_valley(), b = make_valley();
    ks_optimizer *sgd = ks_optimizer_named(a.loss, "sgd:rate=0.3"), *momentum = ks_optimizer_named(b.loss, "momentum:rate=0.3,momentum=0");
    for (int step = 0; step < 50; step++) {
        cr_assert(ks_step(sgd) && ks_step(momentum));
        cr_assert_eq(ks_scalar(a.x), ks_scalar(b.x));
        cr_assert_eq(ks_scalar(a.y), ks_scalar(b.y));
    }
    ks_graph_free(a.graph);
    ks_graph_free(b.graph);
}

/* Either variable's update reads the other as it was: loss = x y gives x - r y and y - r x of the old values. */
Test(optimizer, every_read_of_a_step_sees_the_old_values)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *x = scalar(g, "x", 3), *y = scalar(g, "y", 5);
    ks_node *loss = ks_mul(x, y);
    ks_optimizer *o = ks_optimizer_named(loss, "sgd:rate=0.5");
    GOOD(ks_step(o));
    cr_assert_eq(ks_scalar(loss), 15, "the loss is as of the step");
    cr_assert_eq(ks_scalar(x), 0.5);
    cr_assert_eq(ks_scalar(y), 3.5);
    ks_graph_free(g);
}

Test(optimizer, the_defaults_are_the_books)
{
    valley v = make_valley();
    ks_graph *g = v.graph;
    ks_optimizer *o = ks_sgd(v.loss, NULL);
    GOOD(ks_step(o));
    NEAR(ks_scalar(v.x), -7 + 0.01 * 0.7, 1e-15);
    cr_assert_eq(ks_optimizer_kind_of(o), KS_SGD);
    cr_assert_str_eq(ks_optimizer_name(o), "sgd");
    cr_assert_eq(ks_optimizer_loss(o), v.loss);
    ks_graph_free(g);
    v = make_valley();
    g = v.graph;
    GOOD(ks_step(ks_adam(v.loss, NULL)));
    NEAR(ks_scalar(v.x), -7 + 0.001, 1e-8);
    ks_graph_free(g);
}

/* A caller compiled against a struct that ended after `rate`. */
Test(optimizer, a_shorter_options_struct_works)
{
    struct {
        size_t size;
        double rate;
    } old = {sizeof old, 0.5};
    valley v = make_valley();
    ks_graph *g = v.graph;
    ks_optimizer *o = ks_momentum(v.loss, (const ks_optimizer_options *)(const void *)&old);
    GOOD(ks_step(o));
    GOOD(ks_step(o));
    NEAR(ks_scalar(v.y), 0 - 0.9 * 2, 1e-15); /* y = 2 - 0.5 * 4 = 0, then the default's inertia */
    ks_graph_free(g);
}

Test(optimizer, the_rate_changes_without_a_new_plan)
{
    valley v = make_valley();
    ks_graph *g = v.graph;
    ks_optimizer *o = ks_optimizer_named(v.loss, "sgd:rate=0.25");
    GOOD(ks_step(o));
    uint64_t plans = ks_graph_statistics(g).plans_compiled;
    cr_assert_eq(ks_scalar(v.y), 1);
    GOOD(ks_optimizer_set_rate(o, 0.125));
    GOOD(ks_step(o));
    cr_assert_eq(ks_scalar(v.y), 0.75);
    cr_assert_eq(ks_graph_statistics(g).plans_compiled, plans);
    REFUSED(ks_optimizer_set_rate(o, -1), KS_BAD_ARGUMENT, "sgd: rate must be a number from 0 on");
    REFUSED(ks_optimizer_set_rate(o, (double)NAN), KS_BAD_ARGUMENT, "sgd: rate must be a number from 0 on");
    ks_graph_free(g);
}

static ks_node *small_net(ks_graph *g, ks_node **x, ks_node **t)
{
    *x = ks_input(g, "x", KS_F32, KS_SHAPE(4, 2));
    *t = ks_input(g, "t", KS_F32, KS_SHAPE(4, 1));
    ks_node *w1 = ks_variable(g, "w1", KS_F32, KS_SHAPE(2, 8), KS_XAVIER), *b1 = ks_variable(g, "b1", KS_F32, KS_SHAPE(8), KS_ZEROS);
    ks_node *w2 = ks_variable(g, "w2", KS_F32, KS_SHAPE(8, 1), KS_XAVIER), *b2 = ks_variable(g, "b2", KS_F32, KS_SHAPE(1), KS_ZEROS);
    ks_node *h = ks_tanh(ks_add(ks_matmul(*x, w1), b1));
    return ks_mean_squared_error(ks_sigmoid(ks_add(ks_matmul(h, w2), b2)), *t);
}

static void learns_xor_without_allocating(const char *named, double limit)
{
    static const float corners[] = {0, 0, 0, 1, 1, 0, 1, 1}, answers[] = {0, 1, 1, 0};
    ks_graph *g = ks_graph_new(&(ks_graph_options){.size = sizeof(ks_graph_options), .threads = 1});
    ks_node *x, *t, *loss = small_net(g, &x, &t);
    ks_optimizer *o = ks_optimizer_named(loss, named);
    GOOD(o);
    GOOD(ks_feed(x, KS_F32, KS_SHAPE(4, 2), corners) && ks_feed(t, KS_F32, KS_SHAPE(4, 1), answers));
    for (int step = 0; step < 3; step++)
        GOOD(ks_step(o));
    ks_statistics before = ks_graph_statistics(g);
    for (int step = 0; step < 3000; step++)
        GOOD(ks_feed(x, KS_F32, KS_SHAPE(4, 2), corners) && ks_step(o));
    ks_statistics after = ks_graph_statistics(g);
    cr_assert_eq(after.allocations, before.allocations, "%d allocations in 3000 steps", (int)(after.allocations - before.allocations));
    cr_assert_eq(after.plans_compiled, before.plans_compiled);
    cr_assert_eq(after.nodes_composed, before.nodes_composed);
    cr_assert_lt(ks_scalar(loss), limit);
    ks_graph_free(g);
}

Test(optimizer, a_step_of_sgd_allocates_nothing)
{
    learns_xor_without_allocating("sgd:rate=2", 0.05);
}

Test(optimizer, a_step_of_momentum_allocates_nothing)
{
    learns_xor_without_allocating("momentum:rate=0.5", 0.05);
}

Test(optimizer, a_step_of_adamw_with_clipping_allocates_nothing)
{
    learns_xor_without_allocating("adamw:rate=0.01,clip_norm=1,clip_value=1,weight_decay=0.001", 0.05);
}

Test(optimizer, a_step_of_adam_allocates_nothing)
{
    learns_xor_without_allocating("adam:rate=0.01", 0.05);
}

Test(optimizer, a_step_can_fetch_more_than_its_loss)
{
    valley v = make_valley();
    ks_graph *g = v.graph;
    ks_node *twice = ks_mul(v.loss, ks_number(g, 2));
    ks_optimizer *o = ks_optimizer_named(v.loss, "sgd:rate=0.25");
    GOOD(ks_step_with(o, (ks_node *[]){twice, v.loss}, 2));
    NEAR(ks_scalar(twice), 2 * (49.0 / 20 + 4), 1e-14);
    NEAR(ks_scalar(v.loss), 49.0 / 20 + 4, 1e-14);
    for (int step = 0; step < 3; step++)
        GOOD(ks_step_with(o, (ks_node *[]){twice, v.loss}, 2));
    uint64_t allocations = ks_graph_statistics(g).allocations;
    for (int step = 0; step < 10; step++)
        GOOD(ks_step_with(o, (ks_node *[]){twice, v.loss}, 2));
    cr_assert_eq(ks_graph_statistics(g).allocations, allocations);
    ks_graph_free(g);
}

Test(optimizer, what_is_not_trainable_stays)
{
    valley v = make_valley();
    ks_graph *g = v.graph;
    ks_set_trainable(v.x, false);
    GOOD(ks_step(ks_optimizer_named(v.loss, "sgd:rate=0.25")));
    cr_assert_eq(ks_scalar(v.x), -7);
    cr_assert_eq(ks_scalar(v.y), 1);
    ks_graph_free(g);
}

Test(optimizer, states_are_found_again_by_name)
{
    valley v = make_valley();
    ks_graph *g = v.graph;
    GOOD(ks_adam(v.loss, NULL));
    cr_assert(ks_find(g, "x/adam/m") && ks_find(g, "x/adam/v") && ks_find(g, "y/adam/m") && ks_find(g, "adam/t"));
    cr_assert_not(ks_is_trainable(ks_find(g, "x/adam/m")));
    GOOD(ks_momentum(v.loss, NULL));
    cr_assert(ks_find(g, "x/momentum/v"));
    int64_t variables = ks_variable_count(g);
    GOOD(ks_adam(ks_mul(v.loss, ks_number(g, 2)), NULL));
    cr_assert(ks_find(g, "x/adam.2/m") && ks_find(g, "adam.2/t"), "a second Adam has states of its own");
    cr_assert_eq(ks_variable_count(g), variables + 5);
    ks_graph_free(g);
}

/* The promise of the engine: bits do not depend on fast paths or threads. */
Test(optimizer, the_plain_path_gives_the_same_bits)
{
    static const char *const kinds[] = {"sgd:rate=0.9", "momentum",      "nesterov", "adagrad",         "rmsprop",
                                        "adadelta",     "adam:rate=0.3", "adamw",    "adam:clip_norm=1"};
    for (int kind = 0; kind < 9; kind++) {
        valley a = make_valley(), b = valley_with(&(ks_graph_options){.size = sizeof(ks_graph_options), .without = ~0u, .threads = 1});
        ks_optimizer *fast = ks_optimizer_named(a.loss, kinds[kind]), *plain = ks_optimizer_named(b.loss, kinds[kind]);
        for (int step = 0; step < 30; step++)
            cr_assert(ks_step(fast) && ks_step(plain));
        cr_assert_eq(ks_scalar(a.x), ks_scalar(b.x), "%s", kinds[kind]);
        cr_assert_eq(ks_scalar(a.y), ks_scalar(b.y), "%s", kinds[kind]);
        ks_graph_free(a.graph);
        ks_graph_free(b.graph);
    }
}

/* ---- composing anew ------------------------------------------------------------------------------------ */

Test(optimizer, made_anew_over_the_same_nodes_it_is_the_same)
{
    static const char *const kinds[] = {"sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adadelta", "adam", "adamw:clip_norm=1"};
    for (int kind = 0; kind < 8; kind++) {
        ks_graph *g = ks_graph_new(NULL);
        ks_node *p = scalar(g, "p", 1);
        ks_optimizer *first = NULL;
        ks_statistics settled = {0};
        int64_t mark = ks_graph_mark(g);
        for (int i = 0; i < 100; i++) {
            GOOD(ks_graph_release(g, mark));
            ks_optimizer *o = ks_optimizer_named(ks_square(ks_sub(p, ks_number(g, 3))), kinds[kind]);
            GOOD(o && ks_step(o));
            if (i == 0)
                first = o;
            cr_assert_eq(o, first);
            cr_assert_eq(ks_optimizer_steps(o), (uint64_t)i + 1);
            if (i == 3)
                settled = ks_graph_statistics(g);
        }
        cr_assert_eq(ks_graph_statistics(g).nodes_composed, settled.nodes_composed, "%s", kinds[kind]);
        cr_assert_eq(ks_graph_statistics(g).plans_compiled, settled.plans_compiled);
        cr_assert_eq(ks_graph_statistics(g).bytes_live, settled.bytes_live);
        ks_graph_free(g);
    }
}

Test(optimizer, a_loop_that_makes_another_each_time_stays_small)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *p = scalar(g, "p", 1);
    int64_t mark = ks_graph_mark(g);
    uint64_t settled = 0;
    for (int i = 0; i < 2000; i++) {
        GOOD(ks_graph_release(g, mark));
        ks_node *far = ks_sub(p, ks_number(g, 3));
        ks_node *loss = i % 2 ? ks_square(far) : ks_mul(ks_abs(far), ks_abs(far));
        ks_optimizer *o = ks_optimizer_named(loss, i % 3 ? "adam" : "momentum");
        GOOD(o && ks_step(o));
        if (i == 200)
            settled = ks_graph_statistics(g).bytes_live;
    }
    cr_assert_leq(ks_graph_statistics(g).bytes_live, settled + 4096);
    ks_graph_free(g);
}

Test(optimizer, cut_off_it_refuses_to_step)
{
    valley v = make_valley();
    ks_graph *g = v.graph;
    int64_t mark = ks_graph_mark(g);
    ks_optimizer *o = ks_sgd(v.loss, NULL);
    GOOD(ks_step(o));
    GOOD(ks_graph_release(g, mark));
    REFUSED(ks_step(o), KS_RELEASED, "ks_step: ks_graph_release cut off nodes of this sgd optimiser");
    for (int i = 0; i < 40; i++) /* others take their places */
        GOOD(ks_neg(v.loss));
    double x = ks_scalar(v.x);
    REFUSED(ks_step(o), KS_RELEASED, "cut off nodes of this sgd optimiser");
    REFUSED(ks_optimizer_set_rate(o, 1), KS_RELEASED, "ks_optimizer_set_rate");
    cr_assert_null(ks_optimizer_loss(o));
    cr_assert_eq(ks_scalar(v.x), x);
    ks_optimizer *anew = ks_sgd(v.loss, NULL);
    GOOD(anew && ks_step(anew));
    ks_graph_free(g);
}

/* ---- errors -------------------------------------------------------------------------------------------- */

Test(optimizer, a_loss_must_be_a_scalar)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *w = ks_variable(g, "w", KS_F32, KS_SHAPE(3), KS_ONES), *y = ks_named("y", ks_square(w));
    REFUSED(ks_sgd(y, NULL), KS_BAD_SHAPE, "sgd: 'y' is [3], and a loss is a single number: take ks_mean_all or ks_sum_all of it");
    ks_node *n = ks_named("n", ks_argmax(w, 0, false));
    REFUSED(ks_adam(n, NULL), KS_NO_GRADIENT, "adam: 'n' is neither f32 nor f64");
    cr_assert_null(ks_sgd(NULL, NULL));
    cr_assert_null(ks_optimizer_named(NULL, "sgd"));
    cr_assert_not(ks_step(NULL));
    ks_graph_free(g);
}

Test(optimizer, there_must_be_something_to_train)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *x = ks_input(g, "x", KS_F32, KS_SCALAR), *loss = ks_named("loss", ks_square(x));
    REFUSED(ks_momentum(loss, NULL), KS_NO_GRADIENT, "momentum: 'loss' depends on no trainable variable");
    ks_graph_free(g);
}

Test(optimizer, bad_text_is_refused_with_the_nearest_word)
{
    valley v = make_valley();
    ks_graph *g = v.graph;
    REFUSED(
        ks_optimizer_named(v.loss, "adm"), KS_BAD_NAME,
        "optimiser: there is no 'adm' (did you mean 'adam'?); there are sgd, momentum, nesterov, adagrad, rmsprop, adadelta, adam, adamw");
    REFUSED(ks_optimizer_named(v.loss, "levenberg"), KS_BAD_NAME, "there is no 'levenberg'; there are");
    REFUSED(ks_optimizer_named(v.loss, "adam:rat=1"), KS_BAD_NAME, "optimiser 'adam': there is no 'rat' (did you mean 'rate'?)");
    REFUSED(ks_optimizer_named(v.loss, "sgd:momentum=1"), KS_BAD_NAME,
            "optimiser 'sgd': there is no 'momentum'; there are rate, weight_decay");
    REFUSED(ks_optimizer_named(v.loss, "sgd:rate=fast"), KS_BAD_ARGUMENT, "optimiser 'sgd': rate is no number: 'fast'");
    REFUSED(ks_optimizer_named(v.loss, "sgd:rate=1,rate=2"), KS_BAD_ARGUMENT, "'rate' stands there twice");
    REFUSED(ks_optimizer_named(v.loss, "sgd:rate"), KS_BAD_ARGUMENT, "'rate' is no FIELD=NUMBER");
    REFUSED(ks_optimizer_named(v.loss, "sgd:"), KS_BAD_ARGUMENT, "'' is no FIELD=NUMBER");
    REFUSED(ks_optimizer_named(v.loss, "momentum:momentum=2"), KS_BAD_ARGUMENT, "momentum: momentum must be a number from 0 to 1");
    REFUSED(ks_optimizer_named(v.loss, NULL), KS_BAD_ARGUMENT, "optimiser: no text");
    REFUSED(ks_sgd(v.loss, &(ks_optimizer_options){.size = sizeof(ks_optimizer_options), .rate = (double)INFINITY}), KS_BAD_ARGUMENT,
            "sgd: rate must be");
    ks_graph_free(g);
}

/* A step that meets a NaN where none may be leaves the variables and the states as they were, to the bit. */
Test(optimizer, a_failed_step_changes_nothing)
{
    ks_graph *g = ks_graph_new(&(ks_graph_options){.size = sizeof(ks_graph_options), .check_finite = true});
    ks_node *p = scalar(g, "p", 3), *x = ks_input(g, "x", KS_F64, KS_SCALAR);
    ks_optimizer *o = ks_adam(ks_square(ks_mul(p, x)), NULL);
    double one = 1, nan = (double)NAN;
    ks_feed(x, KS_F64, KS_SCALAR, &one);
    GOOD(ks_step(o));
    double was = ks_scalar(p), m = ks_scalar(ks_find(g, "p/adam/m"));
    ks_feed(x, KS_F64, KS_SCALAR, &nan);
    REFUSED(ks_step(o), KS_NOT_FINITE, "became");
    cr_assert_eq(ks_scalar(p), was);
    cr_assert_eq(ks_scalar(ks_find(g, "p/adam/m")), m);
    cr_assert_eq(ks_scalar(ks_find(g, "adam/t")), 1);
    cr_assert_eq(ks_optimizer_steps(o), 1);
    ks_graph_free(g);
}

/* Every allocation refused in turn: one error, nothing leaked, and the variables are those of before or after a whole step. */
static void survives_refusals(const char *named)
{
    for (int64_t refuse = 1;; refuse++) {
        ks_test_memory memory = {.refuse = 0};
        ks_graph *g =
            ks_graph_new(&(ks_graph_options){.size = sizeof(ks_graph_options), .allocator = ks_test_allocator(&memory), .threads = 1});
        ks_node *p = scalar(g, "p", 8), *q = scalar(g, "q", 4), *loss = ks_add(ks_square(p), ks_mul(p, q));
        GOOD(loss);
        memory.refuse = memory.requests + refuse;
        ks_optimizer *o = ks_optimizer_named(loss, named);
        bool good = o && ks_step(o);
        memory.refuse = 0;
        double now = ks_scalar(p);
        cr_assert(good ? now < 8 : now == 8, "p is %g", now);
        if (!good) {
            cr_assert_eq(ks_error(g)->code, KS_NO_MEMORY, "%s", ks_error(g)->message);
            ks_error_clear(g);
            o = ks_optimizer_named(loss, named); /* the graph is as usable as before */
            GOOD(o && ks_step(o));
            cr_assert_lt(ks_scalar(p), 8);
        }
        ks_graph_free(g);
        cr_assert_eq(memory.live, 0);
        if (good && !memory.refused) {
            cr_assert_gt(refuse, 20, "that few allocations in all that?");
            break;
        }
    }
}

Test(optimizer, running_out_of_memory_is_an_error_like_any_other)
{
    survives_refusals("sgd");
    survives_refusals("momentum");
    survives_refusals("nesterov");
    survives_refusals("rmsprop");
    survives_refusals("adadelta");
    survives_refusals("adam");
    survives_refusals("adamw:clip_norm=100,clip_value=50");
}
