/*
 * test_recognise.c - composing anew after ks_graph_release: the same calls find the same nodes, the first difference cuts the rest off,
 * and on or off nothing observable changes but time.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "engine/rules.h"
#include "support/allocator.h"

typedef struct net {
    ks_node *h, *y, *loss, *dw;
} net;

static net compose(ks_graph *g, double factor, const float *data)
{
    net n;
    ks_node *w = ks_variable(g, "w", KS_F32, KS_SHAPE(3), KS_FILL(0.5));
    n.h = ks_named("h", ks_tanh(ks_mul(w, ks_number(g, factor))));
    n.y = ks_mul(n.h, ks_constant(g, KS_F32, KS_SHAPE(3), data));
    n.loss = ks_output(g, "loss", ks_sum_all(ks_square(n.y)));
    n.dw = ks_gradient(n.loss, w);
    return n;
}

static const float ones[] = {1, 1, 1}, others[] = {1, 2, 3};

Test(recognise, the_same_calls_find_the_same_nodes_and_plan_nothing)
{
    ks_graph *g = ks_graph_new(NULL);
    int64_t mark = ks_graph_mark(g);
    net a = compose(g, 2, ones);
    ks_node *both[] = {a.loss, a.dw};
    cr_assert(ks_eval_all(both, 2));
    ks_statistics before = ks_graph_statistics(g);
    for (int i = 0; i < 5; i++) {
        cr_assert(ks_graph_release(g, mark));
        net b = compose(g, 2 + i, others);
        cr_assert_eq(memcmp(&a, &b, sizeof a), 0, "the old handles come back");
        cr_assert(ks_eval_all((ks_node *[]){b.loss, b.dw}, 2));
    }
    ks_statistics after = ks_graph_statistics(g);
    cr_assert_eq(after.nodes_composed, before.nodes_composed);
    cr_assert_eq(after.plans_compiled, before.plans_compiled);
    cr_assert(ks__graph_holds(g));
    ks_graph_free(g);
}

Test(recognise, values_that_differ_are_refreshed)
{
    for (unsigned without = 0; without <= KS_RECOGNISE; without += KS_RECOGNISE) {
        ks_graph_options options = KS_GRAPH_OPTIONS_DEFAULT;
        options.without = without;
        ks_graph *g = ks_graph_new(&options);
        int64_t mark = ks_graph_mark(g);
        for (int i = 0; i < 4; i++) {
            ks_graph_release(g, mark);
            net n = compose(g, 1 + i, i % 2 ? ones : others);
            ks_graph *fresh = ks_graph_new(NULL);
            net m = compose(fresh, 1 + i, i % 2 ? ones : others);
            cr_assert_eq(ks_scalar(n.loss), ks_scalar(m.loss));
            cr_assert_eq(memcmp(ks_value(n.dw), ks_value(m.dw), 3 * sizeof(float)), 0);
            ks_graph_free(fresh);
        }
        ks_graph_free(g);
    }
}

Test(recognise, the_first_difference_cuts_the_rest_off)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *x = ks_variable(g, "x", KS_F32, KS_SCALAR, KS_FILL(2));
    int64_t mark = ks_graph_mark(g);
    ks_node *a = ks_square(x), *b = ks_exp(a);
    cr_assert(ks_eval(b));
    ks_graph_release(g, mark);
    ks_node *c = ks_square(x), *d = ks_sin(c);
    cr_assert_eq(a, c);
    cr_assert_float_eq(ks_scalar(d), -0.7568025, 1e-6);
    cr_assert(ks__graph_holds(g));
    ks_graph_free(g);
}

Test(recognise, a_handle_that_was_cut_off_is_refused_as_released)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *x = ks_variable(g, "x", KS_F32, KS_SCALAR, KS_FILL(2));
    int64_t mark = ks_graph_mark(g);
    ks_node *a = ks_square(x);
    ks_graph_release(g, mark);
    cr_assert_null(ks_exp(a));
    cr_assert_eq(ks_error(g)->code, KS_RELEASED);
    cr_assert_str_eq(ks_error(g)->message, "this node was released: ks_graph_release cut it off; compose it again");
    ks_error_clear(g);
    cr_assert_not(ks_eval(a));
    cr_assert_eq(ks_error(g)->code, KS_RELEASED);
    ks_graph_free(g);
}

Test(recognise, variables_stand_outside_what_is_released)
{
    ks_graph *g = ks_graph_new(NULL);
    int64_t mark = ks_graph_mark(g);
    ks_node *w = ks_variable(g, "w", KS_F32, KS_SHAPE(2), KS_ZEROS);
    const float values[] = {4, 5};
    ks_set(w, KS_F32, values);
    ks_graph_release(g, mark);
    cr_assert_eq(ks_variable(g, "w", KS_F32, KS_SHAPE(2), KS_ZEROS), w);
    cr_assert_eq(((const float *)ks_value(w))[1], 5.0f);
    ks_graph_free(g);
}

Test(recognise, a_variable_that_outlived_what_stood_before_it_still_comes_before_its_users)
{
    ks_graph *g = ks_graph_new(NULL);
    int64_t mark = ks_graph_mark(g);
    ks_node *x = ks_number(g, 1);
    for (int i = 0; i < 5; i++)
        x = ks_exp(x);
    ks_node *w = ks_variable(g, "w", KS_F32, KS_SCALAR, KS_ONES);
    ks_graph_release(g, mark);
    ks_node *y = ks_square(w);
    cr_assert_eq(ks_node_count(g), 2);
    cr_assert_eq(ks_node_at(g, 0), w);
    cr_assert_eq(ks_node_at(g, 1), y);
    ks_graph_free(g);
}

Test(recognise, a_mark_that_is_none_is_refused)
{
    ks_graph *g = ks_graph_new(NULL);
    cr_assert_not(ks_graph_release(g, 7));
    cr_assert_str_eq(ks_error(g)->message, "ks_graph_release: 7 is no mark of this graph, which has 0 nodes");
    ks_graph_free(g);
}

/* The design's promise: a graph composed anew costs no memory, however often. */
Test(recognise, a_hundred_thousand_iterations_that_rebuild_a_graph_need_flat_memory)
{
    ks_test_memory memory = {0};
    ks_graph_options options = KS_GRAPH_OPTIONS_DEFAULT;
    options.allocator = ks_test_allocator(&memory);
    options.threads = 1;
    ks_graph *g = ks_graph_new(&options);
    ks_node *x = ks_input(g, "x", KS_F32, KS_SCALAR);
    int64_t mark = ks_graph_mark(g), live = 0;
    for (int i = 0; i < 100000; i++) {
        float value = (float)(i % 17);
        ks_feed(x, KS_F32, KS_SCALAR, &value);
        ks_graph_release(g, mark);
        ks_node *y = x;
        for (int k = 0; k < i % 3 + 1; k++) /* another structure each time, three in all */
            y = ks_mul(ks_sin(y), ks_number(g, 1 + k));
        ks_node *d = ks_gradient(y, x);
        cr_assert(ks_eval_all((ks_node *[]){y, d}, 2));
        if (i == 1000)
            live = memory.live;
    }
    cr_assert_leq(memory.live, live);
    cr_assert_eq(ks_graph_statistics(g).plans_compiled, 3);
    ks_graph_free(g);
    cr_assert_eq(memory.live, 0);
}

Test(recognise, numbers_that_differentiation_made_are_not_given_away)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *x = ks_variable(g, "x", KS_F64, KS_SCALAR, KS_FILL(3));
    int64_t mark = ks_graph_mark(g);
    ks_node *y = ks_tanh(x), *d = ks_gradient(y, x);
    double first = ks_scalar(d);
    ks_graph_release(g, mark);
    y = ks_tanh(x);
    ks_node *seven = ks_number(g, 7);
    d = ks_gradient(y, x);
    cr_assert_eq(ks_scalar(d), first);
    cr_assert_eq(ks_scalar(seven), 7.0);
    ks_graph_free(g);
}
