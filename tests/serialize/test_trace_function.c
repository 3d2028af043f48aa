/*
 * tests/serialize/test_trace_function.c - traces through calls and scans, folded and unfolded.
 */
#include "tests/serialize/trace.h"
#include "autodiff/rules.h"
#include "tests/support/allocator.h"

/* (x [], w []) -> w x + 0.5, the square of that. */
static ks_function *line(void)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *x = ks_input(g, "x", KS_F64, KS_SCALAR), *w = ks_input(g, "w", KS_F64, KS_SCALAR);
    ks_node *wx = ks_named("wx", ks_mul(w, x)), *y = ks_output(g, "y", ks_add(wx, ks_number(g, 0.5)));
    ks_output(g, "square", ks_square(y));
    ks_function *f = ks_function_new("line", g);
    cr_assert(f);
    return f;
}

/* loss = y + 3 square of a call at x = 2, w = 4: y = 8.5, square = 72.25. */
static ks_node *called(ks_graph *g, ks_function *f)
{
    ks_node *out[2], *arguments[] = {scalar(g, "a", 2), scalar(g, "b", 4)};
    cr_assert(ks_call_function(f, arguments, out));
    return ks_named("loss", ks_add(ks_named("y", out[0]), ks_mul(ks_number(g, 3), ks_named("square", out[1]))));
}

/* States s from 1, rows 1, 2, 3: s = 4 s + row + 0.5 - the body's w is the state. */
static ks_node *scanned(ks_graph *g, ks_function *f)
{
    double rows[] = {1, 2, 3};
    ks_node *x = ks_variable(g, "rows", KS_F64, KS_SHAPE(3), KS_UNSET), *out[2];
    cr_assert(ks_set(x, KS_F64, rows));
    ks_scan_options options = {.size = sizeof options, .states = 1, .scanned = 1};
    cr_assert(ks_scan(f, (ks_node *[]){scalar(g, "start", 1), x}, &options, out));
    return ks_named("loss", ks_add(ks_named("last", out[0]), ks_sum_all(ks_named("squares", out[1]))));
}

static const ks_trace_options unfolded = {.size = sizeof unfolded, .unfold = true};

/* A value is these numbers. */
static void is(const cJSON *value, int count, const double *wanted)
{
    double got[16];
    cr_assert_eq(numbers_of(value, got, 16), count);
    for (int i = 0; i < count; i++)
        cr_expect_float_eq(got[i], wanted[i], 1e-12, "%d: %.17g is not %.17g", i, got[i], wanted[i]);
}
#define IS(value, ...) is(value, (int)(sizeof((double[]){__VA_ARGS__}) / sizeof(double)), (double[]){__VA_ARGS__})

Test(trace_function, a_call_is_one_step_with_an_edge_for_each_argument)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_function *f = line();
    cJSON *json = trace_json(called(g, f));
    const cJSON *y = node_named(json, "y");
    cr_assert_str_eq(get(y, "function")->valuestring, "line");
    cr_expect_null(get(y, "inside"));
    IS(get(y, "value"), 8.5);
    IS(get(node_named(json, "square"), "value"), 72.25);
    IS(get(node_named(json, "square"), "index"), 1);
    /* dy + 3 d(y^2) = (1 + 6 y) dy = 52 dy */
    const cJSON *a = edge_between(json, "y", "a"), *b = edge_between(json, "y", "b");
    IS(get(a, "contribution"), 52 * 4);
    IS(get(b, "contribution"), 52 * 2);
    cr_expect(cJSON_IsNull(get(a, "local_partial")));
    cr_expect_str_eq(get(a, "formula")->valuestring, "the vjp of f");
    cr_expect_str_eq(get(edge_between(json, "square", "y"), "formula")->valuestring, "u arrives at result 1");
    cr_expect_null(get(turn_of(json, "y"), "sum"), "what arrives at different results does not meet");
    cJSON_Delete(json);
    ks_function_free(f);
    ks_graph_free(g);
}

Test(trace_function, an_unfolded_call_shows_the_values_inside)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_function *f = line();
    cJSON *json = trace_json_with(called(g, f), &unfolded);
    const cJSON *inside = get(node_named(json, "y"), "inside");
    cr_assert_eq(cJSON_GetArraySize(inside), 5, "the number stands among the inputs");
    IS(get(with_name(inside, "name", "x"), "value"), 2);
    cr_expect_str_eq(get(with_name(inside, "name", "x"), "from")->valuestring, "a");
    IS(get(with_name(inside, "name", "wx"), "value"), 8);
    IS(get(with_name(inside, "name", "y"), "value"), 8.5);
    IS(get(with_name(inside, "name", "square"), "value"), 72.25);
    cr_expect_null(get(node_named(json, "square"), "inside"), "a further result has no inside of its own");
    cJSON_Delete(json);
    ks_function_free(f);
    ks_graph_free(g);
}

Test(trace_function, an_unfolded_scan_shows_them_for_each_step)
{
    ks_graph *g = ks_graph_new(NULL), *body = ks_graph_new(NULL);
    ks_node *s = ks_input(body, "s", KS_F64, KS_SCALAR), *row = ks_input(body, "row", KS_F64, KS_SCALAR);
    ks_node *twice = ks_named("twice", ks_mul(s, ks_number(body, 2))), *next = ks_output(body, "next", ks_add(twice, row));
    ks_output(body, "y", ks_square(next));
    ks_function *f = ks_function_new("step", body);
    cJSON *json = trace_json_with(scanned(g, f), &unfolded);
    const cJSON *inside = get(node_named(json, "last"), "inside");
    IS(get(with_name(inside, "name", "s"), "value"), 1, 3, 8);
    IS(get(with_name(inside, "name", "row"), "value"), 1, 2, 3);
    IS(get(with_name(inside, "name", "twice"), "value"), 2, 6, 16);
    IS(get(with_name(inside, "name", "next"), "value"), 3, 8, 19);
    IS(get(node_named(json, "last"), "value"), 19);
    IS(get(node_named(json, "squares"), "value"), 9, 64, 361);
    /* steps 3, 8, 19: d loss / d row t by hand, from the last one back */
    IS(get(edge_between(json, "last", "rows"), "contribution"), 6 + 2 * (16 + 2 * 39), 16 + 2 * 39, 39);
    IS(get(edge_between(json, "last", "start"), "contribution"), 2 * (6 + 2 * (16 + 2 * 39)));
    cJSON_Delete(json);
    ks_function_free(f);
    ks_graph_free(g);
}

Test(trace_function, text_shows_what_arrives_at_each_result)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_function *f = line();
    char *text = trace_with(called(g, f), KS_TRACE_TEXT, &unfolded);
    cr_expect(strstr(text, "= call line(a, b)"), "%s", text);
    cr_expect(strstr(text, "\n    wx "), "%s", text);
    cr_expect(strstr(text, "= result 1 of y"), "%s", text);
    cr_expect(strstr(text, "square → y       u = 3 "), "%s", text);
    cr_expect(strstr(text, "u = 1, u1 = 3 gives 208 "), "%s", text);
    free(text);
    ks_function_free(f);
    ks_graph_free(g);
}

Test(trace_function, a_picture_frames_what_is_inside)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_function *f = line();
    ks_node *loss = called(g, f);
    char *folded = trace(loss, KS_TRACE_DOT), *text = trace_with(loss, KS_TRACE_DOT, &unfolded);
    cr_expect(strstr(folded, ">call line<") && !strstr(folded, "subgraph"), "%s", folded);
    cr_expect(strstr(text, "subgraph \"cluster_y\" {"), "%s", text);
    cr_expect(strstr(text, "\"@y/0\" -> \"@y/2\""), "%s", text);
    free(folded);
    free(text);
    ks_function_free(f);
    ks_graph_free(g);
}

Test(trace_function, leaves_the_graph_as_it_was)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_function *f = line();
    ks_node *loss = called(g, f);
    int64_t nodes = ks_node_count(g);
    free(trace_with(loss, KS_TRACE_TEXT, &unfolded));
    cr_expect_eq(ks_node_count(g), nodes);
    cr_expect_null(ks_error(g));
    ks_graph_free(g);
    ks_function_free(f);
}

Test(trace_function, its_backward_pass_keeps_the_rules)
{
    for (int i = 0; i < 2; i++) {
        ks_graph *g = ks_graph_new(NULL);
        ks_function *f = line();
        ks__backward b;
        ks_node *loss = i ? scanned(g, f) : called(g, f);
        cr_assert(ks__backward_walk(loss, NULL, g, &b) && ks__backward_holds(g, &b), "%s", ks_error(g) ? ks_error(g)->message : "");
        cr_expect_gt(b.edge_count, 3);
        ks__backward_free(g, &b);
        ks_graph_free(g);
        ks_function_free(f);
    }
}

static bool refuse_nth(ks_function *f, ks_trace_form form, int64_t n)
{
    ks_test_memory memory = {0};
    ks_graph_options options = {.size = sizeof options, .allocator = ks_test_allocator(&memory), .threads = 1};
    ks_graph *g = ks_graph_new(&options);
    ks_node *loss = called(g, f);
    ks_buffer buffer = {.allocator = options.allocator};
    memory.refuse = memory.requests + n;
    bool good = ks_trace_to(loss, form, ks_buffer_writer(&buffer), &unfolded);
    bool met = memory.refused > 0;
    memory.refuse = 0;
    cr_expect(good || met, "request %d: failed without a cause", (int)n);
    cr_expect(good || ks_error(g), "request %d: no failure is recorded", (int)n);
    ks_error_clear(g);
    ks_buffer_free(&buffer);
    cr_expect(ks_trace_to(loss, form, ks_buffer_writer(&buffer), &unfolded), "request %d: not usable any more", (int)n);
    ks_buffer_free(&buffer);
    ks_graph_free(g);
    cr_expect_eq(memory.live, 0, "request %d: %d bytes kept", (int)n, (int)memory.live);
    return met;
}

Test(trace_function, every_allocation_may_fail)
{
    ks_function *f = line();
    for (int form = KS_TRACE_TEXT; form <= KS_TRACE_DOT; form++) {
        int64_t n = 1;
        while (refuse_nth(f, (ks_trace_form)form, n))
            n++;
        cr_expect_gt(n, 40);
    }
    ks_function_free(f);
}
