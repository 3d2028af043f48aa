/*
 * test_function.c - functions in JSON: a graph whose nodes call some is read as it was written, and its derivatives are the same bits.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <keisan/keisan.h>
#include "graph/function.h"
#include "tests/function/function.h"
#include "tests/support/allocator.h"
#include "tests/support/same_graph.h"

static char *text_of(ks_graph *g)
{
    ks_buffer buffer = {.data = NULL};
    cr_assert(ks_save_to(g, ks_buffer_writer(&buffer), NULL), "%s", why(g));
    char *text = calloc(1, buffer.size + 1);
    memcpy(text, buffer.data, buffer.size);
    ks_buffer_free(&buffer);
    return text;
}

static ks_graph *read_text(const char *text)
{
    ks_failure failure;
    ks_bytes bytes = {.data = text, .size = strlen(text)};
    ks_graph *g = ks_load_from(ks_bytes_reader(&bytes), NULL, &failure);
    cr_assert_not_null(g, "%s\n%s", failure.message, text);
    return g;
}

/* Outputs have the same bits in both, in inference and in training. */
static void same_outputs(ks_graph *g, ks_graph *h)
{
    for (int mode = KS_INFER; mode <= KS_TRAIN; mode++) {
        for (int i = 0; i < ks_output_count(g); i++) {
            ks_node *a = ks_output_node(g, i), *b = ks_output_node(h, i);
            ks_run_options options = {.size = sizeof options, .mode = (ks_mode)mode};
            cr_assert(ks_run(g, &a, 1, NULL, 0, &options), "%s", why(g));
            cr_assert(ks_run(h, &b, 1, NULL, 0, &options), "%s", why(h));
            const void *p = ks_value(a), *q = ks_value(b);
            cr_assert(p && q, "%s; %s", why(g), why(h));
            cr_assert_arr_eq(p, q, (size_t)ks_shape_count(ks_value_shape(a)) * ks_dtype_size(ks_node_dtype(a)), "'%s' differs",
                             ks_output_name(g, i));
        }
    }
}

/* Output "loss" and its derivatives with respect to x, first and second. */
static void derive(ks_graph *g, ks_node *loss, ks_node *x)
{
    ks_node *first = ks_gradient(loss, x), *second = ks_gradient(ks_sum_all(ks_square(first)), x);
    cr_assert(ks_output(g, "first", first) && ks_output(g, "second", second), "%s", why(g));
}

/* The graph comes back, its derivatives as well, and those that are composed after reading. */
static void check(ks_graph *g, ks_node *loss, ks_node *x)
{
    cr_assert(ks_output(g, "loss", loss), "%s", why(g));
    ks_test_round_trip(g);
    ks_graph *later = ks_test_reread(g, NULL);
    derive(later, ks_output_find(later, "loss"), ks_find(later, ks_name(x)));
    derive(g, loss, x);
    ks_test_round_trip(g);
    ks_graph *h = ks_test_reread(g, NULL);
    same_outputs(g, h);
    same_outputs(g, later);
    cr_assert_null(ks_error(g), "%s", why(g));
    ks_graph_free(later);
    ks_graph_free(h);
}

/* (x [N, 3], w [3, 2]) -> tanh(x w), the sum of its squares. */
static ks_function *layer(const char *name)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *x = ks_input(g, "x", KS_F64, KS_SHAPE(ks_dim(g, "N"), 3)), *w = ks_input(g, "w", KS_F64, KS_SHAPE(3, 2));
    ks_node *y = ks_output(g, "y", ks_tanh(ks_matmul(x, w)));
    ks_output(g, "norm", ks_sum_all(ks_square(y)));
    return closed(name, g);
}

/* (h [2], x [2], w [2, 2]) -> tanh(h w + 0.5 x), its square. */
static ks_function *cell(void)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *h = ks_input(g, "h", KS_F64, KS_SHAPE(2)), *x = ks_input(g, "x", KS_F64, KS_SHAPE(2)),
            *w = ks_input(g, "w", KS_F64, KS_SHAPE(2, 2));
    ks_node *next = ks_output(g, "next", ks_tanh(ks_add(ks_matmul(h, w), ks_mul(ks_number(g, 0.5), x))));
    ks_output(g, "y", ks_square(next));
    return closed("cell", g);
}

static ks_node *call_layer(ks_graph *g, ks_function *f, ks_node *x, ks_node *w)
{
    ks_node *out[2], *arguments[] = {x, w};
    cr_assert(ks_call_function(f, arguments, out), "%s", why(g));
    return ks_add(ks_sum_all(ks_exp(out[0])), out[1]);
}

/* ---- what is written ----------------------------------------------------------------------------------- */

Test(json_function, a_body_is_written_as_a_graph_is)
{
    ks_graph *g = ks_graph_new(NULL), *body = ks_graph_new(NULL);
    ks_node *a = ks_input(body, "a", KS_F32, KS_SHAPE(ks_dim(body, "N"), 2));
    ks_output(body, "twice", ks_mul(a, ks_number(body, 2)));
    ks_function *f = closed("double", body);
    ks_node *x = ks_input(g, "x", KS_F32, KS_SHAPE(ks_dim(g, "rows"), 2)), *y;
    cr_assert(ks_call_function(f, &x, &y));
    ks_output(g, "y", y);
    char *text = text_of(g);
    cr_assert_str_eq(text, "{\"format\": \"keisan.graph\", \"version\": 1,\n"
                           " \"functions\": {\n"
                           "  \"double\": {\"nodes\": [\n"
                           "    {\"name\": \"a\", \"op\": \"input\", \"dtype\": \"f32\", \"shape\": [\"N\", 2]},\n"
                           "    {\"name\": \"twice\", \"op\": \"mul\", \"inputs\": [\"a\", 2]}],\n"
                           "   \"outputs\": {\"twice\": \"twice\"}}},\n"
                           " \"nodes\": [\n"
                           "  {\"name\": \"x\", \"op\": \"input\", \"dtype\": \"f32\", \"shape\": [\"rows\", 2]},\n"
                           "  {\"name\": \"y\", \"op\": \"call\", \"inputs\": [\"x\"], \"attrs\": {\"function\": \"double\"}}],\n"
                           " \"outputs\": {\"y\": \"y\"}}\n");
    free(text);
    ks_function_free(f);
    ks_graph_free(g);
}

Test(json_function, those_that_are_called_come_first_and_no_two_have_one_name)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_function *inner[] = {layer("f"), layer("f"), layer("f-2")};
    ks_node *x = some(g, "x", KS_SHAPE(4, 3)), *w = some(g, "w", KS_SHAPE(3, 2)), *sum = ks_number(g, 0);
    for (int i = 0; i < 3; i++)
        sum = ks_add(sum, call_layer(g, inner[i], x, w));
    ks_node *captured[4], *out, *from[] = {x, w};
    int count;
    ks_function *outer = ks_function_of("outer", from, 2, &sum, 1, captured, 4, &count);
    cr_assert(outer, "%s", why(g));
    cr_assert(ks_call_function(outer, from, &out), "%s", why(g));
    ks_output(g, "y", out);
    char *text = text_of(g);
    const char *names[] = {"\n  \"f\": {", ",\n  \"f-2\": {", ",\n  \"f-2-2\": {", ",\n  \"outer\": {"}, *at = text;
    for (int i = 0; i < 4; i++) {
        at = strstr(at, names[i]);
        cr_assert(at, "%s\n%s", names[i], text);
    }
    ks_graph *h = read_text(text);
    char *again = text_of(h);
    cr_assert_str_eq(again, text);
    same(ks_output_node(h, 0), out, 0);
    free(text);
    free(again);
    for (int i = 0; i < 3; i++)
        ks_function_free(inner[i]);
    ks_function_free(outer);
    ks_graph_free(g);
    ks_graph_free(h);
}

Test(json_function, only_what_the_outputs_need_is_written)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_function *f = layer("used"), *other = layer("other");
    ks_node *x = some(g, "x", KS_SHAPE(4, 3)), *w = some(g, "w", KS_SHAPE(3, 2));
    ks_output(g, "y", call_layer(g, f, x, w));
    call_layer(g, other, x, w);
    char *text = text_of(g);
    cr_assert(strstr(text, "\"used\": {") && !strstr(text, "other"), "%s", text);
    free(text);
    ks_function_free(f);
    ks_function_free(other);
    ks_graph_free(g);
}

/* ---- what comes back ----------------------------------------------------------------------------------- */

Test(json_function, a_call_comes_back_with_its_derivatives)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_function *f = layer("layer");
    ks_node *x = some(g, "x", KS_SHAPE(4, 3)), *w = some(g, "w", KS_SHAPE(3, 2));
    check(g, call_layer(g, f, x, w), w);
    ks_function_free(f);
    ks_graph_free(g);
}

Test(json_function, a_checkpoint_comes_back_with_its_derivatives)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *x = some(g, "x", KS_SHAPE(4, 3)), *w = some(g, "w", KS_SHAPE(3, 2)), *y = ks_tanh(ks_matmul(ks_square(x), w)), *out;
    cr_assert(ks_checkpoint(&x, 1, &y, 1, &out), "%s", why(g));
    check(g, ks_sum_all(ks_exp(out)), w);
    ks_graph_free(g);
}

static void check_scan(ks_scan_options options)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_function *f = cell();
    ks_node *out[2], *arguments[] = {some(g, "h", KS_SHAPE(2)), some(g, "x", KS_SHAPE(5, 2)), some(g, "w", KS_SHAPE(2, 2))};
    options.size = sizeof options;
    options.states = options.scanned = 1;
    cr_assert(ks_scan(f, arguments, &options, out), "%s", why(g));
    check(g, ks_add(ks_sum_all(ks_exp(out[0])), ks_sum_all(ks_sin(out[1]))), arguments[2]);
    ks_function_free(f);
    ks_graph_free(g);
}

Test(json_function, a_scan_comes_back_with_its_derivatives)
{
    check_scan((ks_scan_options){0});
    check_scan((ks_scan_options){.reverse = true});
    check_scan((ks_scan_options){.recompute = true});
    check_scan((ks_scan_options){.segment = 2});
}

Test(json_function, a_loop_comes_back_with_its_derivatives)
{
    ks_graph *g = ks_graph_new(NULL), *body = ks_graph_new(NULL), *until = ks_graph_new(NULL);
    ks_node *x = ks_input(body, "x", KS_F64, KS_SCALAR), *a = ks_input(body, "a", KS_F64, KS_SCALAR);
    ks_output(body, "next", ks_mul(ks_number(body, 0.5), ks_add(x, ks_div(a, x))));
    x = ks_input(until, "x", KS_F64, KS_SCALAR);
    a = ks_input(until, "a", KS_F64, KS_SCALAR);
    ks_output(until, "far", ks_greater(ks_abs(ks_sub(ks_square(x), a)), ks_number(until, 1e-13)));
    ks_function *step = closed("newton", body), *far = closed("far", until);
    ks_node *start = some(g, "start", KS_SCALAR), *root,
            *arguments[] = {ks_add(ks_square(start), ks_number(g, 1)), some(g, "b", KS_SCALAR)};
    arguments[1] = ks_add(ks_square(arguments[1]), ks_number(g, 2));
    cr_assert(ks_while(far, step, arguments, 1, 100, &root, NULL), "%s", why(g));
    check(g, ks_square(root), ks_find(g, "b"));
    ks_function_free(step);
    ks_function_free(far);
    ks_graph_free(g);
}

Test(json_function, the_same_function_is_one_function_after_reading)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_function *f = layer("layer");
    ks_node *x = some(g, "x", KS_SHAPE(4, 3)), *w = some(g, "w", KS_SHAPE(3, 2));
    ks_output(g, "y", ks_add(call_layer(g, f, x, w), call_layer(g, f, ks_square(x), w)));
    ks_graph *h = ks_test_reread(g, NULL);
    cr_assert_eq(h->function_count, 1);
    ks_function_free(f);
    ks_graph_free(g);
    ks_graph_free(h);
}

/* Numbers that several nodes use, that stand elsewhere than before their user, or that are results; nodes that no result needs. */
Test(json_function, every_node_of_a_body_keeps_its_position)
{
    ks_graph *g = ks_graph_new(NULL), *body = ks_graph_new(NULL);
    ks_node *two = ks_number(body, 2), *early = ks_number(body, 3), *x = ks_input(body, "x", KS_F64, KS_SHAPE(2));
    ks_node *lonely = ks_number(body, 7), *minus = ks_number(body, -0.0), *first = ks_mul(x, minus);
    (void)lonely;
    ks_node *a = ks_add(first, two), *b = ks_mul(a, two), *unused = ks_exp(b);
    (void)unused;
    ks_node *left = ks_number(body, 0.25), *right = ks_number(body, 4), *both = ks_add(ks_mul(b, right), ks_mul(left, ks_mul(x, early)));
    ks_node *named = ks_named("half", ks_number(body, 0.5));
    ks_output(body, "y", ks_mul(both, named));
    ks_output(body, "n", ks_number(body, 9));
    ks_function *f = closed("odd", body);
    ks_node *out[2], *arguments[] = {some(g, "x", KS_SHAPE(2))};
    cr_assert(ks_call_function(f, arguments, out), "%s", why(g));
    for (int i = 0; i < (int)body->count && i < 100; i++) { /* each inside node is a result, by its position */
        char name[32];
        snprintf(name, sizeof name, "inside_%d", i);
        ks_node *inside = ks_result(out[0], 2 + i);
        cr_assert(ks_output(g, name, inside), "%s", why(g));
    }
    check(g, ks_sum_all(ks_square(out[0])), arguments[0]);
    ks_function_free(f);
    ks_graph_free(g);
}

Test(json_function, a_body_that_draws_random_numbers_draws_the_same)
{
    ks_graph *g = ks_graph_new(NULL), *body = ks_graph_new(NULL);
    ks_node *x = ks_input(body, "x", KS_F64, KS_SHAPE(4, 3));
    ks_output(body, "y", ks_mul(ks_dropout(x, 0.5, KS_DROPOUT_INVERTED), ks_add(x, ks_random_normal(body, KS_F64, KS_SHAPE(4, 3), 0, 1))));
    ks_function *f = closed("noisy", body);
    ks_node *a, *b, *w = some(g, "w", KS_SHAPE(4, 3)), *before = ks_dropout(w, 0.25, KS_DROPOUT_INVERTED);
    cr_assert(ks_call_function(f, &before, &a) && ks_call_function(f, &w, &b), "%s", why(g));
    ks_set_seed(g, 41);
    check(g, ks_sum_all(ks_mul(a, ks_named("second", b))), w);
    char *text = text_of(g);
    cr_assert(strstr(text, "\"stream\": 2"), "%s", text);
    free(text);
    ks_function_free(f);
    ks_graph_free(g);
}

Test(json_function, large_constants_and_shapes_of_attributes_come_back)
{
    ks_graph *g = ks_graph_new(NULL), *body = ks_graph_new(NULL);
    double data[70] = {1.5, -2, 0.1};
    int64_t N = ks_dim(body, "N");
    ks_node *x = ks_input(body, "x", KS_F64, KS_SHAPE(N, 70));
    ks_node *y = ks_add(x, ks_constant(body, KS_F64, KS_SHAPE(70), data));
    ks_output(body, "y", ks_reshape(y, KS_SHAPE(N, 7, 10)));
    ks_output(body, "z", ks_reshape(y, KS_SHAPE(-1, 10)));
    ks_function *f = closed("f", body);
    ks_node *out[2], *arguments[] = {some(g, "x", KS_SHAPE(2, 70))};
    cr_assert(ks_call_function(f, arguments, out), "%s", why(g));
    check(g, ks_add(ks_sum_all(ks_square(out[0])), ks_sum_all(ks_exp(out[1]))), arguments[0]);
    ks_function_free(f);
    ks_graph_free(g);
}

Test(json_function, open_dimensions_take_any_size_after_reading)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_function *f = layer("layer");
    ks_node *x = ks_input(g, "x", KS_F64, KS_SHAPE(ks_dim(g, "rows"), 3)), *w = some(g, "w", KS_SHAPE(3, 2));
    ks_output(g, "loss", call_layer(g, f, x, w));
    derive(g, ks_output_find(g, "loss"), w);
    ks_test_round_trip(g);
    ks_graph *h = ks_test_reread(g, NULL);
    double data[21] = {0.1, -0.2, 0.3, 0.7, 0.5, -0.9, 0.4};
    for (int64_t n = 1; n <= 7; n += 3) {
        cr_assert(ks_feed(x, KS_F64, KS_SHAPE(n, 3), data) && ks_feed(ks_find(h, "x"), KS_F64, KS_SHAPE(n, 3), data));
        same_outputs(g, h);
    }
    ks_function_free(f);
    ks_graph_free(g);
    ks_graph_free(h);
}

/* ---- what a person may write --------------------------------------------------------------------------- */

#define HEAD "{\"format\": \"keisan.graph\", \"version\": 1,\n"
#define SQUARE                                                                                                                             \
    "\"square\": {\"nodes\": [{\"name\": \"a\", \"op\": \"input\", \"dtype\": \"f64\", \"shape\": []},\n"                                  \
    "{\"name\": \"b\", \"op\": \"square\", \"inputs\": [\"a\"]}], \"outputs\": {\"b\": \"b\"}}"
#define FOURTH                                                                                                                             \
    "\"fourth\": {\"nodes\": [{\"name\": \"c\", \"op\": \"call\", \"inputs\": [\"b\"], \"attrs\": {\"function\": \"square\"}},\n"          \
    "{\"name\": \"b\", \"op\": \"call\", \"inputs\": [\"a\"], \"attrs\": {\"function\": \"square\"}},\n"                                   \
    "{\"name\": \"a\", \"op\": \"input\", \"dtype\": \"f64\", \"shape\": []}], \"outputs\": {\"c\": \"c\"}}"
#define NODES                                                                                                                              \
    "\"nodes\": [{\"name\": \"x\", \"op\": \"variable\", \"dtype\": \"f64\", \"shape\": [], \"value\": 3},\n"                              \
    "{\"name\": \"y\", \"op\": \"call\", \"inputs\": [\"x\"], \"attrs\": {\"function\": \"fourth\"}}], \"outputs\": {\"y\": \"y\"}}\n"

Test(json_function, functions_and_their_nodes_may_stand_in_any_order)
{
    ks_graph *g = read_text(HEAD "\"functions\": {" FOURTH ",\n" SQUARE "},\n" NODES);
    cr_assert_eq(ks_scalar(ks_find(g, "y")), 81, "%s", why(g));
    cr_assert_eq(ks_scalar(ks_gradient(ks_find(g, "y"), ks_find(g, "x"))), 108);
    ks_graph *h = ks_test_reread(g, NULL);
    char *a = text_of(g), *b = text_of(h);
    cr_assert_str_eq(a, b);
    free(a);
    free(b);
    ks_graph_free(g);
    ks_graph_free(h);
}

Test(json_function, nodes_of_a_body_know_their_lines)
{
    ks_graph *g = read_text(HEAD "\"functions\": {" SQUARE ",\n" FOURTH "},\n" NODES);
    const ks_function *f = ks__function_called(ks_find(g, "y"), 0);
    cr_assert_eq(ks_node_place(f->graph->outputs[0].node).line, 4);
    cr_assert_str_eq(ks_node_place(f->graph->outputs[0].node).file, "JSON");
    ks_graph_free(g);
}

Test(json_function, functions_that_no_node_calls_are_read_and_forgotten)
{
    ks_graph *g = read_text(HEAD "\"functions\": {" SQUARE "},\n\"nodes\": []}");
    cr_assert_eq(g->function_count, 0);
    ks_graph_free(g);
    g = read_text(HEAD "\"functions\": {}, \"nodes\": []}");
    ks_graph_free(g);
}

/* Each calls the one before twice: a short file of many nodes. */
Test(json_function, what_calls_come_to_has_a_bound)
{
    static char text[16384];
    ks_failure failure;
    size_t at = (size_t)snprintf(text, sizeof text,
                                 HEAD "\"functions\": {" SQUARE ",\n\"f0\": {\"nodes\": [{\"name\": \"a\", \"op\": "
                                      "\"input\", \"dtype\": \"f64\", \"shape\": []}], \"outputs\": {\"a\": \"a\"}}");
    for (int i = 1; i < 40; i++)
        at += (size_t)snprintf(text + at, sizeof text - at,
                               ",\n\"f%d\": {\"nodes\": [{\"name\": \"a\", \"op\": \"input\", \"dtype\": \"f64\", \"shape\": []},"
                               "{\"name\": \"b\", \"op\": \"call\", \"inputs\": [\"a\"], \"attrs\": {\"function\": \"f%d\"}},"
                               "{\"name\": \"c\", \"op\": \"call\", \"inputs\": [\"b\"], \"attrs\": {\"function\": \"f%d\"}}], "
                               "\"outputs\": {\"c\": \"c\"}}",
                               i, i - 1, i - 1);
    snprintf(text + at, sizeof text - at, "}, \"nodes\": []}");
    ks_bytes bytes = {.data = text, .size = strlen(text)};
    cr_assert_null(ks_load_from(ks_bytes_reader(&bytes), NULL, &failure));
    cr_assert_eq(failure.code, KS_UNSUPPORTED);
    cr_assert(strstr(failure.message, "' has more than 4194304 nodes with all that it calls"), "%s", failure.message);
}

/* ---- memory -------------------------------------------------------------------------------------------- */

static ks_graph *with_functions(void)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_function *f = cell();
    ks_node *out[2], *arguments[] = {some(g, "h", KS_SHAPE(2)), some(g, "x", KS_SHAPE(5, 2)), some(g, "w", KS_SHAPE(2, 2))};
    ks_scan_options options = {.size = sizeof options, .states = 1, .scanned = 1};
    cr_assert(ks_scan(f, arguments, &options, out), "%s", why(g));
    ks_output(g, "loss", ks_sum_all(out[1]));
    derive(g, ks_output_find(g, "loss"), arguments[2]);
    ks_function_free(f);
    return g;
}

Test(json_function, reading_without_memory_fails_and_leaves_nothing)
{
    ks_graph *g = with_functions();
    char *text = text_of(g);
    bool good = false;
    for (int64_t n = 0; !good; n++) {
        ks_test_memory memory = {.refuse = n + 1};
        ks_graph_options options = {.size = sizeof options, .allocator = ks_test_allocator(&memory), .threads = 1};
        ks_failure failure;
        ks_bytes bytes = {.data = text, .size = strlen(text)};
        ks_graph *h = ks_load_from(ks_bytes_reader(&bytes), &options, &failure);
        cr_assert(h || failure.code == KS_NO_MEMORY, "allocation %lld: %s", (long long)n, failure.message);
        good = h != NULL;
        ks_graph_free(h);
        cr_assert_eq(memory.live, 0, "allocation %lld leaves %lld bytes", (long long)n, (long long)memory.live);
    }
    free(text);
    ks_graph_free(g);
}

Test(json_function, writing_without_memory_fails_and_can_be_tried_again)
{
    ks_graph *made = with_functions();
    char *text = text_of(made);
    ks_graph_free(made);
    bool good = false;
    for (int64_t n = 0; !good; n++) {
        ks_test_memory memory = {0};
        ks_graph_options options = {.size = sizeof options, .allocator = ks_test_allocator(&memory), .threads = 1};
        ks_bytes bytes = {.data = text, .size = strlen(text)};
        ks_graph *g = ks_load_from(ks_bytes_reader(&bytes), &options, NULL);
        ks_buffer buffer = {.data = NULL};
        memory.refuse = memory.requests + n + 1;
        good = ks_save_to(g, ks_buffer_writer(&buffer), NULL);
        cr_assert(good || ks_error(g)->code == KS_NO_MEMORY, "allocation %lld: %s", (long long)n, why(g));
        memory.refuse = 0;
        ks_error_clear(g);
        char *again = text_of(g);
        cr_assert_str_eq(again, text);
        free(again);
        ks_buffer_free(&buffer);
        ks_graph_free(g);
        cr_assert_eq(memory.live, 0);
    }
    free(text);
}
