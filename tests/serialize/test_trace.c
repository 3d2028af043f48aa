/*
 * tests/serialize/test_trace.c - what a trace says: the book's figures, sums where paths meet, summaries, exact numbers.
 */
#include "tests/serialize/trace.h"
#include "tests/support/comma.h"

#include <math.h>

/* ---- the book's purchase ------------------------------------------------------------------------------- */

static void rewrite(const char *path, const char *text)
{
    FILE *file = fopen(path, "wb");
    cr_assert(file && fputs(text, file) >= 0, "cannot write '%s'", path);
    fclose(file);
}

/* The trace is what stands in tests/data/trace; KEISAN_REWRITE=1 writes it there. */
static void check_golden(ks_trace_form form, const char *name)
{
    char path[1024];
    const char *source = getenv("KEISAN_SOURCE");
    snprintf(path, sizeof path, "%s/tests/data/trace/%s", source ? source : ".", name);
    ks_graph *g = ks_graph_new(NULL);
    ks_node *price = apple_orange(g);
    char *text = trace(price, form);
    if (getenv("KEISAN_REWRITE"))
        rewrite(path, text);
    FILE *file = fopen(path, "rb");
    cr_assert(file, "no file '%s': KEISAN_REWRITE=1 writes it", path);
    char expected[16384];
    size_t size = fread(expected, 1, sizeof expected - 1, file);
    expected[size] = 0;
    fclose(file);
    cr_assert_str_eq(text, expected, "the trace differs from '%s': look at it, and rewrite it with KEISAN_REWRITE=1", path);
    free(text);
    ks_graph_free(g);
}

Test(trace, apple_and_orange_as_text)
{
    check_golden(KS_TRACE_TEXT, "apple_orange.txt");
}

Test(trace, apple_and_orange_as_json)
{
    check_golden(KS_TRACE_JSON, "apple_orange.json");
}

Test(trace, apple_and_orange_as_dot)
{
    check_golden(KS_TRACE_DOT, "apple_orange.dot");
}

Test(trace, prints_the_books_figures_as_the_book_does)
{
    static const char *const lines[] = {
        "\n  price        = mul(all_price, tax)              y = a b     715\n",
        "\n  price → all_price           1 × 1.1 = 1.1     u b\n",
        "\n  price → tax                 1 × 650 = 650     u a\n",
        "\n  all_price → apple_price     1.1 × 1 = 1.1     u\n",
        "\n  all_price → orange_price    1.1 × 1 = 1.1     u\n",
        "\n  orange_price → orange       1.1 × 3 = 3.3     u b\n",
        "\n  orange_price → orange_num   1.1 × 150 = 165   u a\n",
        "\n  apple_price → apple         1.1 × 2 = 2.2     u b\n",
        "\n  apple_price → apple_num     1.1 × 100 = 110   u a\n",
        "\n  apple          2.2\n",
        "\n  apple_num      110\n",
        "\n  orange         3.3\n",
        "\n  orange_num     165\n",
        "\n  tax            650\n",
    };
    ks_graph *g = ks_graph_new(NULL);
    char *text = trace(apple_orange(g), KS_TRACE_TEXT);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        cr_expect(strstr(text, lines[i]), "no line %s in\n%s", lines[i], text);
    free(text);
    ks_graph_free(g);
}

Test(trace, is_the_same_where_the_point_is_a_comma)
{
    if (!ks_test_comma())
        cr_skip("no such locale here");
    check_golden(KS_TRACE_TEXT, "apple_orange.txt");
    check_golden(KS_TRACE_JSON, "apple_orange.json");
    check_golden(KS_TRACE_DOT, "apple_orange.dot");
}

Test(trace, json_has_the_local_partial_of_every_edge)
{
    static const struct {
        const char *node, *input;
        double partial;
    } edges[] = {
        {"price", "all_price", 1.1},     {"price", "tax", 650},
        {"all_price", "apple_price", 1}, {"all_price", "orange_price", 1},
        {"apple_price", "apple", 2},     {"apple_price", "apple_num", 100},
        {"orange_price", "orange", 3},   {"orange_price", "orange_num", 150},
    };
    ks_graph *g = ks_graph_new(NULL);
    cJSON *json = trace_json(apple_orange(g));
    int count = 0;
    const cJSON *turn;
    cJSON_ArrayForEach (turn, get(json, "backward"))
        count += cJSON_GetArraySize(get(turn, "edges"));
    cr_expect_eq(count, 8);
    for (size_t i = 0; i < sizeof edges / sizeof edges[0]; i++) {
        const cJSON *edge = edge_between(json, edges[i].node, edges[i].input);
        cr_assert(edge, "no edge from %s to %s", edges[i].node, edges[i].input);
        cr_expect_eq(get(edge, "local_partial")->valuedouble, edges[i].partial);
    }
    cJSON_Delete(json);
    ks_graph_free(g);
}

Test(trace, json_has_the_gradients_to_the_bit)
{
    static const struct {
        const char *name;
        double book;
    } leaves[] = {{"apple", 2.2}, {"apple_num", 110}, {"orange", 3.3}, {"orange_num", 165}, {"tax", 650}};
    ks_graph *g = ks_graph_new(NULL);
    ks_node *price = apple_orange(g);
    cJSON *json = trace_json(price);
    for (size_t i = 0; i < sizeof leaves / sizeof leaves[0]; i++) {
        double traced = get(node_named(json, leaves[i].name), "gradient")->valuedouble;
        cr_expect_eq(traced, ks_scalar(ks_gradient(price, ks_find(g, leaves[i].name))), "%s", leaves[i].name);
        cr_expect_float_eq(traced, leaves[i].book, 1e-12);
    }
    cJSON_Delete(json);
    ks_graph_free(g);
}

Test(trace, nodes_stand_in_forward_order_and_turns_in_the_order_of_the_backward_pass)
{
    static const char *const forward[] = {"apple",       "apple_num",    "orange",    "orange_num", "tax",
                                          "apple_price", "orange_price", "all_price", "price"};
    ks_graph *g = ks_graph_new(NULL);
    cJSON *json = trace_json(apple_orange(g)), *nodes = get(json, "nodes"), *backward = get(json, "backward");
    cr_assert_eq(cJSON_GetArraySize(nodes), 9);
    cr_assert_eq(cJSON_GetArraySize(backward), 9);
    for (int i = 0; i < 9; i++)
        cr_expect_str_eq(get(cJSON_GetArrayItem(nodes, i), "name")->valuestring, forward[i]);
    for (int i = 0; i < 4; i++)
        cr_expect_str_eq(get(cJSON_GetArrayItem(backward, i), "node")->valuestring, forward[8 - i]);
    cJSON_Delete(json);
    ks_graph_free(g);
}

/* ---- paths that meet ----------------------------------------------------------------------------------- */

Test(trace, sums_what_arrives_at_a_node_that_is_used_twice)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *a = scalar(g, "a", 1), *b = ks_named("b", ks_add(a, a)), *c = ks_named("c", ks_add(b, b));
    cJSON *json = trace_json(c), *turn = turn_of(json, "b"), *sum = get(turn, "sum");
    double terms[2];
    cr_assert(sum);
    cr_expect_eq(numbers_of(get(sum, "terms"), terms, 2), 2);
    cr_expect(terms[0] == 1 && terms[1] == 1);
    cr_expect_eq(get(sum, "value")->valuedouble, 2);
    cr_expect_eq(get(turn, "upstream")->valuedouble, 2);
    cr_expect_eq(cJSON_GetArraySize(get(turn, "edges")), 2);
    cr_expect_eq(get(get(turn_of(json, "a"), "sum"), "value")->valuedouble, 4);
    cr_expect_null(get(turn_of(json, "c"), "sum"));
    char *text = trace(c, KS_TRACE_TEXT);
    cr_expect(strstr(text, "  b       1 + 1 = 2   sum where paths meet\n"), "%s", text);
    cr_expect(strstr(text, "  a       2 + 2 = 4   sum where paths meet\n"), "%s", text);
    char *dot = trace(c, KS_TRACE_DOT);
    cr_expect(strstr(dot, "1 + 1 = 2") && strstr(dot, "2 + 2 = 4"), "%s", dot);
    free(dot);
    free(text);
    cJSON_Delete(json);
    ks_graph_free(g);
}

/* ---- a network ----------------------------------------------------------------------------------------- */

Test(trace, softmax_with_cross_entropy_shows_y_minus_t)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *loss = two_layers(g), *score = ks_find(g, "score");
    cJSON *json = trace_json(loss), *edge = edge_between(json, "loss", "score");
    cr_assert(edge);
    cr_expect(cJSON_IsNull(get(edge, "local_partial")));
    cr_expect_str_eq(get(edge, "formula")->valuestring, "u (softmax(score) - t)/N");
    double got[6], s[6];
    static const int label[3] = {1, 0, 1};
    cr_assert_eq(numbers_of(get(edge, "contribution"), got, 6), 6);
    cr_assert(ks_read(score, KS_F64, s, 6));
    for (int row = 0; row < 3; row++) {
        double whole = exp(s[2 * row]) + exp(s[2 * row + 1]);
        for (int k = 0; k < 2; k++)
            cr_expect_float_eq(got[2 * row + k], (exp(s[2 * row + k]) / whole - (label[row] == k)) / 3, 1e-15);
    }
    cJSON_Delete(json);
    ks_graph_free(g);
}

Test(trace, a_networks_gradients_are_those_of_ks_gradient_to_the_bit)
{
    static const char *const names[] = {"w1", "b1", "w2", "b2", "x", "h", "score"};
    ks_graph *g = ks_graph_new(NULL);
    ks_node *loss = two_layers(g);
    cJSON *json = trace_json_with(loss, &(ks_trace_options){.size = sizeof(ks_trace_options), .most = 100});
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        ks_node *gradient = ks_gradient(loss, ks_find(g, names[i]));
        double traced[64], expected[64];
        int count = numbers_of(get(node_named(json, names[i]), "gradient"), traced, 64);
        cr_assert(ks_read(gradient, KS_F64, expected, count), "%s", names[i]);
        cr_expect_arr_eq(traced, expected, (size_t)count * sizeof *traced, "%s", names[i]);
    }
    cJSON_Delete(json);
    ks_graph_free(g);
}

Test(trace, linear_edges_have_a_formula_and_no_local_partial)
{
    ks_graph *g = ks_graph_new(NULL);
    cJSON *json = trace_json(two_layers(g)), *edge = edge_between(json, "matmul_2", "w2");
    cr_assert(edge);
    cr_expect(cJSON_IsNull(get(edge, "local_partial")));
    cr_expect_str_eq(get(edge, "formula")->valuestring, "aᵀ u");
    cJSON_Delete(json);
    ks_graph_free(g);
}

Test(trace, says_where_a_broadcast_was_summed_down)
{
    ks_graph *g = ks_graph_new(NULL);
    cJSON *json = trace_json(two_layers(g)), *edge = edge_between(json, "score", "b2");
    cr_assert(edge);
    cr_expect_str_eq(get(edge, "formula")->valuestring, "u, summed to the shape of b");
    cJSON_Delete(json);
    ks_graph_free(g);
}

Test(trace, labels_have_no_gradient)
{
    ks_graph *g = ks_graph_new(NULL);
    cJSON *json = trace_json(two_layers(g));
    cr_expect(cJSON_IsNull(get(node_named(json, "t"), "gradient")));
    cr_expect_null(turn_of(json, "t"));
    cJSON_Delete(json);
    ks_graph_free(g);
}

/* ---- values -------------------------------------------------------------------------------------------- */

Test(trace, summarises_what_is_big)
{
    double values[10];
    for (int i = 0; i < 10; i++)
        values[i] = i == 7 ? -4 : i + 0.5;
    ks_graph *g = ks_graph_new(NULL);
    ks_node *x = ks_variable(g, "x", KS_F64, KS_SHAPE(2, 5), KS_UNSET), *y = ks_named("y", ks_sum_all(x));
    cr_assert(ks_set(x, KS_F64, values));
    cJSON *json = trace_json_with(y, &(ks_trace_options){.size = sizeof(ks_trace_options), .most = 4});
    cJSON *summary = get(get(node_named(json, "x"), "value"), "summary");
    double shape[2], first[4];
    cr_assert(summary);
    cr_expect_eq(numbers_of(get(summary, "shape"), shape, 2), 2);
    cr_expect(shape[0] == 2 && shape[1] == 5);
    cr_expect_eq(get(summary, "min")->valuedouble, -4);
    cr_expect_eq(get(summary, "max")->valuedouble, 9.5);
    cr_expect_float_eq(get(summary, "mean")->valuedouble, 3.85, 1e-15);
    cr_expect_eq(numbers_of(get(summary, "first"), first, 4), 4);
    cr_expect_arr_eq(first, values, sizeof first);
    char *text = trace(y, KS_TRACE_TEXT);
    cr_expect(strstr(text, "[2, 5] min -4, mean 3.85, max 9.5, first 0.5, 1.5, 2.5, ..."), "%s", text);
    free(text);
    cJSON_Delete(json);
    ks_graph_free(g);
}

Test(trace, writes_small_tensors_as_lists)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *x = ks_constant(g, KS_F32, KS_SHAPE(2, 2), ((const float[]){1, 2.5f, 0.1f, -3})),
            *y = ks_named("y", ks_sum_all(ks_named("x", x)));
    char *text = trace(y, KS_TRACE_TEXT), *json = trace(y, KS_TRACE_JSON);
    cr_expect(strstr(text, "[[1, 2.5], [0.1, -3]]\n"), "%s", text);
    cr_expect(strstr(json, "\"value\": [[1, 2.5], [0.1, -3]]"), "%s", json);
    free(json);
    free(text);
    ks_graph_free(g);
}

Test(trace, rounds_to_the_digits_asked_for_in_text_and_never_in_json)
{
    static const struct {
        double value;
        int digits;
        const char *text;
    } cases[] = {
        {2.0 / 3, 3, "0.667"},
        {0.125, 2, "0.13"},
        {9.9996, 4, "10"},
        {1234567.5, 6, "1.23457e6"},
        {1e7, 6, "10000000"},
        {0.000012344, 4, "1.234e-5"},
        {0.00098765, 3, "0.000988"},
        {-2.5e-300, 6, "-2.5e-300"},
        {-0.0, 6, "0"},
        {99999.95, 6, "100000"},
        {3.3000000000000003, 17, "3.3000000000000003"},
        {1e300, 6, "1e300"},
        {INFINITY, 6, "Infinity"},
        {-INFINITY, 6, "-Infinity"},
        {NAN, 6, "NaN"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char line[64];
        ks_graph *g = ks_graph_new(NULL);
        ks_node *x = scalar(g, "x", cases[i].value);
        char *text = trace_with(x, KS_TRACE_TEXT, &(ks_trace_options){.size = sizeof(ks_trace_options), .digits = cases[i].digits});
        snprintf(line, sizeof line, "\n  x = variable   %s\n", cases[i].text);
        cr_expect(strstr(text, line), "no %s in\n%s", line, text);
        cJSON *json = trace_json_with(x, &(ks_trace_options){.size = sizeof(ks_trace_options), .digits = 1});
        if (isfinite(cases[i].value))
            cr_expect_eq(get(node_named(json, "x"), "value")->valuedouble, cases[i].value);
        else
            cr_expect_str_eq(get(node_named(json, "x"), "value")->valuestring, cases[i].text);
        cJSON_Delete(json);
        free(text);
        ks_graph_free(g);
    }
}

Test(trace, shows_a_nan_where_it_comes_from)
{
    ks_graph *g = ks_graph_new(&(ks_graph_options){.size = sizeof(ks_graph_options), .check_finite = true});
    ks_node *x = scalar(g, "x", -1), *y = ks_named("y", ks_log(x));
    cJSON *json = trace_json(y);
    cr_expect_str_eq(get(node_named(json, "y"), "value")->valuestring, "NaN");
    cr_expect_eq(get(node_named(json, "x"), "gradient")->valuedouble, -1);
    cJSON_Delete(json);
    ks_graph_free(g);
}

Test(trace, numbers_stand_in_the_list_of_inputs)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *x = scalar(g, "x", 3), *y = ks_named("y", ks_mul(ks_pow(x, ks_number(g, 2)), ks_number(g, 0.1)));
    cJSON *json = trace_json(y), *inputs = get(node_named(json, "y"), "inputs");
    cr_expect_str_eq(cJSON_GetArrayItem(inputs, 0)->valuestring, "pow_1");
    cr_expect_eq(cJSON_GetArrayItem(inputs, 1)->valuedouble, 0.1);
    cr_expect_eq(cJSON_GetArraySize(get(json, "nodes")), 3);
    cr_expect_eq(cJSON_GetArraySize(get(turn_of(json, "y"), "edges")), 1);
    cr_expect_eq(cJSON_GetArraySize(get(json, "backward")), 3);
    char *text = trace(y, KS_TRACE_TEXT);
    cr_expect(strstr(text, "= mul(pow_1, 0.1)"), "%s", text);
    free(text);
    cJSON_Delete(json);
    ks_graph_free(g);
}

/* ---- what is traced ------------------------------------------------------------------------------------ */

Test(trace, what_is_no_scalar_needs_an_upstream)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *x = ks_variable(g, "x", KS_F64, KS_SHAPE(3), KS_ONES), *y = ks_named("y", ks_square(x));
    ks_buffer buffer = {.data = NULL};
    cr_expect_not(ks_trace_to(y, KS_TRACE_TEXT, ks_buffer_writer(&buffer), NULL));
    cr_expect_eq(ks_error(g)->code, KS_BAD_SHAPE);
    cr_expect_str_eq(ks_error(g)->message,
                     "trace: 'y' is [3], no scalar: give an upstream, a node of its shape that says how much each element counts");
    cr_expect_eq(buffer.size, 0);
    ks_error_clear(g);
    ks_node *u = ks_constant(g, KS_F64, KS_SHAPE(3), ((const double[]){1, 0, -2}));
    cJSON *json = trace_json_with(y, &(ks_trace_options){.size = sizeof(ks_trace_options), .upstream = u});
    double got[3];
    cr_expect_eq(numbers_of(get(node_named(json, "x"), "gradient"), got, 3), 3);
    cr_expect(got[0] == 2 && got[1] == 0 && got[2] == -4);
    cr_expect_eq(cJSON_GetArraySize(get(json, "nodes")), 2, "the upstream is no step of the trace");
    cJSON_Delete(json);
    ks_graph_free(g);
}

Test(trace, upstream_must_be_like_the_node)
{
    ks_graph *g = ks_graph_new(NULL), *other = ks_graph_new(NULL);
    ks_node *x = ks_variable(g, "x", KS_F64, KS_SHAPE(3), KS_ONES), *y = ks_named("y", ks_square(x));
    ks_node *wrong[3] = {ks_named("u", ks_constant(g, KS_F64, KS_SHAPE(2), ((const double[]){1, 2}))),
                         ks_named("v", ks_constant(g, KS_F32, KS_SHAPE(3), ((const float[]){1, 2, 3}))),
                         ks_named("w", ks_constant(other, KS_F64, KS_SHAPE(3), ((const double[]){1, 2, 3})))};
    static const char *const messages[3] = {"trace: 'y' is f64 [3], but the upstream 'u' is f64 [2]: they must be alike",
                                            "trace: 'y' is f64 [3], but the upstream 'v' is f32 [3]: they must be alike",
                                            "trace: upstream 'w' belongs to another graph"};
    for (int i = 0; i < 3; i++) {
        ks_buffer buffer = {.data = NULL};
        cr_expect_not(ks_trace_to(y, KS_TRACE_JSON, ks_buffer_writer(&buffer),
                                  &(ks_trace_options){.size = sizeof(ks_trace_options), .upstream = wrong[i]}));
        cr_expect_str_eq(ks_error(g)->message, messages[i]);
        ks_error_clear(g);
    }
    ks_graph_free(other);
    ks_graph_free(g);
}

Test(trace, a_bare_number_as_upstream_takes_the_nodes_dtype)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *x = scalar(g, "x", 3), *y = ks_named("y", ks_square(ks_add(x, x)));
    cJSON *json = trace_json_with(y, &(ks_trace_options){.size = sizeof(ks_trace_options), .upstream = ks_number(g, 0.5)});
    cr_expect_eq(get(node_named(json, "x"), "gradient")->valuedouble, 12);
    cJSON_Delete(json);
    ks_graph_free(g);
}

Test(trace, one_element_is_a_scalar)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *x = ks_variable(g, "x", KS_F64, KS_SHAPE(1, 1), KS_FILL(3));
    cJSON *json = trace_json(ks_square(x));
    double got;
    cr_expect_eq(numbers_of(get(node_named(json, "x"), "gradient"), &got, 1), 1);
    cr_expect_eq(got, 6);
    cJSON_Delete(json);
    ks_graph_free(g);
}

Test(trace, whole_numbers_have_a_forward_pass_only)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *x = ks_variable(g, "x", KS_F64, KS_SHAPE(3), KS_ONES), *y = ks_named("y", ks_argmax(x, 0, false));
    cJSON *json = trace_json(y);
    cr_expect_eq(cJSON_GetArraySize(get(json, "nodes")), 2);
    cr_expect_eq(cJSON_GetArraySize(get(json, "backward")), 0);
    cr_expect(cJSON_IsNull(get(node_named(json, "x"), "gradient")));
    char *text = trace(y, KS_TRACE_TEXT), *dot = trace(y, KS_TRACE_DOT);
    cr_expect(strstr(text, "Backward: nothing, for y is i64 and only f32 and f64 have derivatives\n"), "%s", text);
    cr_expect_not(strstr(dot, "dir=back"));
    free(dot);
    free(text);
    cJSON_Delete(json);
    ks_graph_free(g);
}

Test(trace, nothing_flows_back_through_a_stop)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *x = scalar(g, "x", 3), *y = ks_named("y", ks_mul(ks_stop_gradient(ks_square(x)), x));
    cJSON *json = trace_json(y);
    cr_expect_eq(get(node_named(json, "x"), "gradient")->valuedouble, 9);
    cr_expect(cJSON_IsNull(get(node_named(json, "square_1"), "gradient")));
    cJSON_Delete(json);
    ks_graph_free(g);
}

Test(trace, a_leaf_is_traced_too)
{
    ks_graph *g = ks_graph_new(NULL);
    cJSON *json = trace_json(scalar(g, "x", 3));
    cr_expect_eq(get(node_named(json, "x"), "gradient")->valuedouble, 1);
    cJSON_Delete(json);
    json = trace_json(ks_number(g, 4));
    cr_expect_eq(cJSON_GetArraySize(get(json, "nodes")), 1);
    cr_expect_eq(get(cJSON_GetArrayItem(get(json, "nodes"), 0), "value")->valuedouble, 4);
    cJSON_Delete(json);
    ks_graph_free(g);
}

Test(trace, a_gradient_is_traced_as_any_node)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *x = scalar(g, "x", 3), *y = ks_mul(ks_square(x), x), *slope = ks_named("slope", ks_identity(ks_gradient(y, x)));
    cJSON *json = trace_json(slope);
    cr_expect_eq(get(node_named(json, "slope"), "value")->valuedouble, 27);
    cr_expect_eq(get(node_named(json, "x"), "gradient")->valuedouble, 18);
    cJSON_Delete(json);
    ks_graph_free(g);
}

#ifdef KS_TORTURE
#define LONG 500
#else
#define LONG 20000
#endif

Test(trace, a_long_chain_is_traced_without_recursion)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *x = scalar(g, "x", 1), *y = x;
    for (int i = 0; i < LONG; i++)
        y = ks_add(y, x);
    cJSON *json = trace_json(y);
    cr_expect_eq(get(node_named(json, "x"), "gradient")->valuedouble, LONG + 1);
    cr_expect_eq(cJSON_GetArraySize(get(json, "nodes")), LONG + 1);
    cJSON_Delete(json);
    ks_graph_free(g);
}
