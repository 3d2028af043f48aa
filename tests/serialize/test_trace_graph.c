/*
 * tests/serialize/test_trace_graph.c - a trace leaves its graph as it was; what it does when something is missing or fails.
 */
#include "tests/serialize/trace.h"

/* ---- the graph stays as it was ------------------------------------------------------------------------- */

Test(trace_graph, no_statistic_but_the_memorys_highest_changes)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *loss = two_layers(g);
    cr_assert(ks_eval(loss) && ks_name(loss));
    ks_name(ks_find(g, "matmul_1")); /* names are made up once, by whoever asks first */
    ks_statistics before = ks_graph_statistics(g);
    int64_t nodes = ks_node_count(g), mark = ks_graph_mark(g);
    for (int form = KS_TRACE_TEXT; form <= KS_TRACE_DOT; form++)
        free(trace(loss, (ks_trace_form)form));
    ks_statistics after = ks_graph_statistics(g);
    cr_expect_eq(after.nodes_composed, before.nodes_composed);
    cr_expect_eq(after.nodes_recognised, before.nodes_recognised);
    cr_expect_eq(after.nodes_evaluated, before.nodes_evaluated);
    cr_expect_eq(after.partials_evaluated, before.partials_evaluated);
    cr_expect_eq(after.plans_compiled, before.plans_compiled);
    cr_expect_eq(after.plans_reused, before.plans_reused);
    cr_expect_eq(after.runs, before.runs);
    cr_expect_eq(after.bytes_live, before.bytes_live);
    cr_expect_eq(ks_node_count(g), nodes);
    cr_expect_eq(ks_graph_mark(g), mark);
    ks_graph_free(g);
}

Test(trace_graph, makes_up_no_other_names_than_without_it)
{
    ks_graph *g[2];
    const char *names[2][3];
    for (int i = 0; i < 2; i++) {
        g[i] = ks_graph_new(NULL);
        ks_node *x = scalar(g[i], "x", 2), *y = ks_mul(ks_square(x), x);
        if (i == 1)
            free(trace(y, KS_TRACE_TEXT));
        names[i][0] = ks_name(ks_mul(y, y));
        names[i][1] = ks_name(ks_add(y, x));
        names[i][2] = ks_name(ks_gradient(y, x));
    }
    for (int k = 0; k < 3; k++)
        cr_expect_str_eq(names[0][k], names[1][k]);
    ks_graph_free(g[0]);
    ks_graph_free(g[1]);
}

Test(trace_graph, what_was_released_is_still_recognised)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *x = scalar(g, "x", 2), *y = ks_square(x);
    int64_t mark = ks_graph_mark(g);
    ks_node *z = ks_mul(ks_tanh(y), x), *slope = ks_gradient(z, x);
    cr_assert(ks_graph_release(g, mark));
    free(trace(y, KS_TRACE_JSON));
    uint64_t composed = ks_graph_statistics(g).nodes_composed;
    ks_node *again = ks_mul(ks_tanh(y), x);
    cr_expect_eq(again, z);
    cr_expect_eq(ks_gradient(again, x), slope);
    cr_expect_eq(ks_graph_statistics(g).nodes_composed, composed);
    ks_graph_free(g);
}

Test(trace_graph, cached_partials_stay)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *x = scalar(g, "x", 2), *y = ks_tanh(x), *partial = ks_local_partial(y, 0);
    free(trace(y, KS_TRACE_JSON));
    cr_expect_eq(ks_local_partial(y, 0), partial);
    ks_node *later = ks_sigmoid(y); /* and one that the trace met first is made as ever */
    free(trace(later, KS_TRACE_JSON));
    cr_expect_float_eq(ks_scalar(ks_local_partial(later, 0)), ks_scalar(later) * (1 - ks_scalar(later)), 1e-16);
    ks_graph_free(g);
}

Test(trace_graph, a_variable_is_drawn_for_the_trace_and_not_for_the_graph)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *w = ks_variable(g, "w", KS_F64, KS_SHAPE(3), KS_NORMAL(1));
    double traced[3], drawn[3];
    cJSON *json = trace_json(ks_sum_all(w));
    cr_expect_eq(numbers_of(get(node_named(json, "w"), "value"), traced, 3), 3);
    cr_expect_not(ks_has_value(w));
    cr_assert(ks_read(w, KS_F64, drawn, 3));
    cr_expect_arr_eq(traced, drawn, sizeof drawn);
    cJSON_Delete(json);
    ks_graph_free(g);
}

Test(trace_graph, random_numbers_are_those_of_the_graph)
{
    ks_graph *g = ks_graph_new(&(ks_graph_options){.size = sizeof(ks_graph_options), .seed = 7});
    ks_node *first = ks_random_normal(g, KS_F64, KS_SHAPE(3), 0, 1),
            *named = ks_named("noise", ks_random_uniform(g, KS_F64, KS_SHAPE(3), 0, 1));
    ks_node *y = ks_sum_all(ks_mul(ks_named("first", ks_identity(first)), named));
    ks_set_step_number(g, 5);
    cJSON *json = trace_json(y);
    double traced[3], own[3];
    cr_expect_eq(numbers_of(get(node_named(json, "first"), "value"), traced, 3), 3);
    cr_assert(ks_read(first, KS_F64, own, 3));
    cr_expect_arr_eq(traced, own, sizeof own);
    cr_expect_eq(numbers_of(get(node_named(json, "noise"), "value"), traced, 3), 3);
    cr_assert(ks_read(named, KS_F64, own, 3));
    cr_expect_arr_eq(traced, own, sizeof own);
    cJSON_Delete(json);
    ks_graph_free(g);
}

Test(trace_graph, what_a_step_fetched_stays_while_the_trace_shows_what_is_now)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *w = scalar(g, "w", 3), *loss = ks_named("loss", ks_square(w));
    ks_node *update = ks_assign(w, ks_sub(w, ks_number(g, 1)));
    cr_assert(ks_run(g, &loss, 1, &update, 1, NULL));
    cJSON *json = trace_json(loss);
    cr_expect_eq(get(node_named(json, "w"), "value")->valuedouble, 2);
    cr_expect_eq(get(node_named(json, "loss"), "value")->valuedouble, 4, "one moment: the loss of the weights that are shown");
    cr_expect_eq(ks_scalar(loss), 9, "as of the step");
    cJSON_Delete(json);
    ks_graph_free(g);
}

Test(trace_graph, feeding_anew_changes_the_next_trace)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *x = ks_input(g, "x", KS_F64, KS_SHAPE(ks_dim(g, "N"))), *y = ks_sum_all(ks_square(x));
    for (int n = 1; n <= 4; n++) {
        double values[4] = {1, 2, 3, 4}, got[4];
        cr_assert(ks_feed(x, KS_F64, KS_SHAPE(n), values));
        cJSON *json = trace_json(y);
        cr_expect_eq(numbers_of(get(node_named(json, "x"), "gradient"), got, 4), n);
        cr_expect_eq(got[n - 1], 2 * n);
        cJSON_Delete(json);
    }
    ks_graph_free(g);
}

Test(trace_graph, a_variable_stands_before_its_users_wherever_it_was_made)
{
    ks_graph *g = ks_graph_new(NULL);
    int64_t mark = ks_graph_mark(g);
    for (int i = 0; i < 5; i++)
        ks_number(g, i);
    ks_node *w = scalar(g, "w", 3);
    cr_assert(ks_graph_release(g, mark));
    cJSON *json = trace_json(ks_named("y", ks_square(w))), *nodes = get(json, "nodes");
    cr_expect_str_eq(get(cJSON_GetArrayItem(nodes, 0), "name")->valuestring, "w");
    cr_expect_str_eq(get(cJSON_GetArrayItem(nodes, 1), "name")->valuestring, "y");
    cJSON_Delete(json);
    ks_graph_free(g);
}

/* ---- what is refused ----------------------------------------------------------------------------------- */

Test(trace_graph, an_input_without_data_is_named)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *x = ks_input(g, "x", KS_F64, KS_SHAPE(3)), *w = ks_variable(g, "w", KS_F64, KS_SHAPE(3), KS_UNSET);
    fails(ks_sum_all(x), KS_TRACE_TEXT, NULL, KS_NOT_FED, "input 'x' has no data: ks_feed it before reading it");
    fails(ks_sum_all(w), KS_TRACE_TEXT, NULL, KS_NOT_FED, "variable 'w' has no value: ks_set it, load it, or give it an initialiser");
    ks_graph_free(g);
}

Test(trace_graph, a_kernels_failure_names_the_users_node)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *x = ks_variable(g, "x", KS_F64, KS_SHAPE(3), KS_ONES), *at = ks_constant(g, KS_I64, KS_SHAPE(1), ((const int64_t[]){5}));
    ks_node *y = ks_sum_all(ks_named("picked", ks_gather(x, at, 0)));
    ks_buffer buffer = {.data = NULL};
    cr_expect_not(ks_trace_to(y, KS_TRACE_JSON, ks_buffer_writer(&buffer), NULL));
#ifdef KS_TORTURE /* there the derivative's kernel may be the first to run */
    cr_expect(strstr(ks_error(g)->message, "gather"), "%s", ks_error(g)->message);
#else
    cr_expect(strstr(ks_error(g)->message, "gather 'picked'"), "%s", ks_error(g)->message);
#endif
    ks_graph_free(g);
}

Test(trace_graph, bad_options_are_refused)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *x = scalar(g, "x", 1);
    fails(x, KS_TRACE_TEXT, &(ks_trace_options){.size = 3}, KS_BAD_ARGUMENT,
          "trace: the options' size is 3: begin with KS_TRACE_OPTIONS_DEFAULT");
    fails(x, KS_TRACE_TEXT, &(ks_trace_options){.size = sizeof(ks_trace_options), .digits = 18}, KS_BAD_ARGUMENT,
          "trace: 18 significant digits: use 1 to 17");
    fails(x, KS_TRACE_TEXT, &(ks_trace_options){.size = sizeof(ks_trace_options), .most = -1}, KS_BAD_ARGUMENT,
          "trace: most is -1 elements: use 1 or more");
    fails(x, (ks_trace_form)7, NULL, KS_BAD_ARGUMENT, "trace: 7 is no form of a trace");
    ks_graph_free(g);
}

Test(trace_graph, shorter_options_of_an_older_program_are_read)
{
    struct {
        size_t size;
        ks_node *upstream;
    } old = {.size = sizeof old};
    ks_graph *g = ks_graph_new(NULL);
    ks_node *x = scalar(g, "x", 3), *y = ks_named("y", ks_square(x));
    old.upstream = ks_number(g, 2);
    cJSON *json = trace_json_with(y, (const ks_trace_options *)(const void *)&old);
    cr_expect_eq(get(node_named(json, "x"), "gradient")->valuedouble, 12);
    cJSON_Delete(json);
    ks_graph_free(g);
}

Test(trace_graph, null_and_released_nodes_pass)
{
    ks_buffer buffer = {.data = NULL};
    cr_expect_not(ks_trace_to(NULL, KS_TRACE_TEXT, ks_buffer_writer(&buffer), NULL));
    cr_expect_not(ks_trace(NULL, KS_TRACE_TEXT, "/nowhere", NULL));
    ks_graph *g = ks_graph_new(NULL);
    ks_node *x = scalar(g, "x", 1);
    int64_t mark = ks_graph_mark(g);
    ks_node *y = ks_square(x);
    ks_graph_release(g, mark);
    cr_expect_not(ks_trace_to(y, KS_TRACE_TEXT, ks_buffer_writer(&buffer), NULL));
    cr_expect_eq(ks_error(g)->code, KS_RELEASED);
    ks_graph_free(g);
}

/* ---- writers --------------------------------------------------------------------------------- */

static bool refuse(void *user, const void *data, size_t size)
{
    ++*(int *)user;
    return false;
}

Test(trace_graph, a_writer_that_fails_is_reported)
{
    int calls = 0;
    ks_graph *g = ks_graph_new(NULL);
    cr_expect_not(ks_trace_to(scalar(g, "x", 1), KS_TRACE_TEXT, (ks_writer){refuse, &calls}, NULL));
    cr_expect_eq(ks_error(g)->code, KS_IO);
    cr_expect_str_eq(ks_error(g)->message, "trace: the writer failed");
    cr_expect_eq(calls, 1);
    ks_graph_free(g);
}
