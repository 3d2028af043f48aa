/*
 * test_round_trip.c - printed is parsed: a graph that was saved and loaded is the same graph, to the bit.
 */
#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <keisan/keisan.h>
#include "graph/graph.h"
#include "ops/table.h"
#include "tests/support/same_graph.h"

static ks_graph *graph(void)
{
    ks_graph *g = ks_graph_new(NULL);
    cr_assert_not_null(g);
    return g;
}

static void done(ks_graph *g)
{
    cr_expect_null(ks_error(g), "%s", ks_error(g) ? ks_error(g)->message : "");
    ks_graph_free(g);
}

/* What is written, as a text; the caller frees it. */
static char *text_of(ks_graph *g, const ks_save_options *options)
{
    ks_buffer buffer = {.data = NULL};
    cr_assert(ks_save_to(g, ks_buffer_writer(&buffer), options), "%s", ks_error(g)->message);
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

static void has(ks_graph *g, const char *part)
{
    char *text = text_of(g, NULL);
    cr_assert(strstr(text, part), "'%s' is not in\n%s", part, text);
    free(text);
}

/* A value of both graphs' node of that name has the same bits. */
static void same_value(ks_graph *a, ks_graph *b, const char *name)
{
    ks_node *x = ks_find(a, name), *y = ks_find(b, name);
    const void *p = ks_value(x), *q = ks_value(y);
    cr_assert(p && q, "%s", ks_error(p ? b : a) ? ks_error(p ? b : a)->message : "");
    cr_assert_arr_eq(p, q, (size_t)ks_shape_count(ks_value_shape(x)) * ks_dtype_size(ks_node_dtype(x)), "'%s' differs", name);
}

/* ---- every operation ----------------------------------------------------------------------------------- */

Test(round_trip, every_operation_of_the_table)
{
    for (int i = 0; i < ks_op_count(); i++) {
        const ks_op *op = ks_op_at(i);
        if (!op->example)
            continue;
        ks_graph *g = graph();
        ks_node *y = op->example(g);
        cr_assert_not_null(y, "%s: %s", op->name, ks_error(g) ? ks_error(g)->message : "");
        ks_test_round_trip(g);
        cr_assert_not_null(ks_output(g, "y", y));
        ks_test_round_trip(g);
        ks_graph *h = ks_test_reread(g, NULL);
        ks_node *z = ks_output_node(h, 0);
        const void *p = ks_value(y), *q = ks_value(z);
        cr_assert(p && q, "%s", op->name);
        cr_assert_arr_eq(p, q, (size_t)ks_shape_count(ks_value_shape(y)) * ks_dtype_size(ks_node_dtype(y)), "%s", op->name);
        done(h);
        done(g);
    }
}

/* The first and second derivatives of every operation's example, as nodes of the graph. */
Test(round_trip, every_operation_with_its_gradients)
{
    for (int i = 0; i < ks_op_count(); i++) {
        const ks_op *op = ks_op_at(i);
        ks_graph *g = graph();
        ks_node *y = op->example ? op->example(g) : NULL;
        ks_node *x = ks_variable_number(g, 0);
        if (y && x && (ks_node_dtype(x) == KS_F64 || ks_node_dtype(x) == KS_F32) &&
            (ks_node_dtype(y) == KS_F64 || ks_node_dtype(y) == KS_F32)) {
            ks_node *dy = ks_gradient(y, x);
            ks_node *ddy = ks_gradient(dy, x);
            cr_assert_not_null(ddy, "%s: %s", op->name, ks_error(g) ? ks_error(g)->message : "");
            ks_output(g, "dy", dy);
            ks_output(g, "ddy", ddy);
            ks_test_round_trip(g);
        }
        done(g);
    }
}

Test(round_trip, effects_are_nodes_too)
{
    ks_graph *g = graph();
    ks_node *w = ks_variable(g, "w", KS_F32, KS_SHAPE(2), KS_ONES);
    ks_output(g, "update", ks_assign(w, ks_sub(w, ks_number(g, 0.5))));
    ks_test_round_trip(g);
    ks_graph *h = ks_test_reread(g, NULL);
    ks_node *update = ks_output_find(h, "update");
    cr_assert(ks_run(h, NULL, 0, &update, 1, NULL));
    cr_assert_eq(((const float *)ks_value(ks_find(h, "w")))[1], 0.5f);
    done(h);
    done(g);
}

/* ---- nets ---------------------------------------------------------------------------------------------- */

typedef struct net {
    ks_graph *g;
    ks_node *x, *t, *score, *loss;
} net;

static net make_net(ks_dtype dtype)
{
    net n = {.g = graph()};
    int64_t rows = ks_dim(n.g, "N");
    n.x = ks_input(n.g, "x", dtype, KS_SHAPE(rows, 20));
    n.t = ks_input(n.g, "t", KS_I64, KS_SHAPE(rows));
    ks_node *w1 = ks_variable(n.g, "fc1.weight", dtype, KS_SHAPE(20, 9), KS_HE),
            *b1 = ks_variable(n.g, "fc1.bias", dtype, KS_SHAPE(9), KS_ZEROS);
    ks_node *w2 = ks_variable(n.g, "fc2.weight", dtype, KS_SHAPE(9, 4), KS_XAVIER),
            *b2 = ks_variable(n.g, "fc2.bias", dtype, KS_SHAPE(4), KS_NORMAL(0.1));
    ks_node *h = ks_dropout(ks_relu(ks_add(ks_matmul(n.x, w1), b1)), 0.25, KS_DROPOUT_INVERTED);
    n.score = ks_output(n.g, "score", ks_add(ks_matmul(h, w2), b2));
    n.loss = ks_output(n.g, "loss", ks_softmax_cross_entropy(n.score, n.t));
    return n;
}

static void feed(ks_graph *g)
{
    float x[5 * 20];
    for (int i = 0; i < 100; i++)
        x[i] = (float)((i * 37) % 23) / 8 - 1;
    cr_assert(ks_feed(ks_find(g, "x"), KS_F32, KS_SHAPE(5, 20), x));
    cr_assert(ks_feed(ks_find(g, "t"), KS_I64, KS_SHAPE(5), (const int64_t[]){0, 3, 1, 2, 3}));
}

Test(round_trip, a_net_never_drawn_keeps_its_initialisers)
{
    net n = make_net(KS_F32);
    ks_test_round_trip(n.g);
    ks_graph *h = ks_test_reread(n.g, NULL);
    feed(n.g);
    feed(h);
    same_value(n.g, h, "loss"); /* drawn by seed and name */
    done(h);
    done(n.g);
}

Test(round_trip, values_and_gradients_have_the_same_bits)
{
    for (int wide = 0; wide < 2; wide++) {
        net n = make_net(wide ? KS_F64 : KS_F32);
        feed(n.g);
        cr_assert(ks_eval(n.loss));
        cr_assert(ks_backward(n.loss));
        ks_graph *h = ks_test_reread(n.g, NULL);
        feed(h);
        cr_assert(ks_backward(ks_output_find(h, "loss")));
        same_value(n.g, h, "loss");
        same_value(n.g, h, "score");
        for (int i = 0; i < 4; i++) {
            ks_node *a = ks_grad(ks_variable_number(n.g, i)), *b = ks_grad(ks_variable_number(h, i));
            cr_assert_arr_eq(ks_value(a), ks_value(b), (size_t)ks_shape_count(ks_node_shape(a)) * ks_dtype_size(ks_node_dtype(a)));
        }
        done(h);
        done(n.g);
    }
}

/* A run that is saved after k steps and goes on in another graph ends as one that was not interrupted, to the bit. */
static void resumes(const char *kind)
{
    net whole = make_net(KS_F32), part = make_net(KS_F32);
    feed(whole.g);
    feed(part.g);
    ks_optimizer *a = ks_optimizer_named(whole.loss, kind), *b = ks_optimizer_named(part.loss, kind);
    for (int i = 0; i < 7; i++)
        cr_assert(ks_step(a));
    for (int i = 0; i < 3; i++)
        cr_assert(ks_step(b));
    ks_save_options options = {.size = sizeof options, .optimizer = b};
    ks_graph *h = ks_test_reread(part.g, &options);
    feed(h);
    ks_optimizer *c = ks_graph_optimizer(h);
    cr_assert_not_null(c, "%s", ks_error(h) ? ks_error(h)->message : kind);
    cr_assert_eq(ks_optimizer_steps(c), 3);
    for (int i = 0; i < 4; i++)
        cr_assert(ks_step(c));
    for (int i = 0; i < 4; i++)
        same_value(whole.g, h, ks_name(ks_variable_number(whole.g, i)));
    cr_assert_eq(ks_scalar(whole.loss), ks_scalar(ks_optimizer_loss(c)));
    cr_assert_eq(ks_step_number(whole.g), ks_step_number(h));
    ks_save_options again = {.size = sizeof again, .optimizer = c}, first = {.size = sizeof first, .optimizer = a};
    char *p = text_of(whole.g, &first), *q = text_of(h, &again);
    cr_assert_str_eq(p, q);
    free(p);
    free(q);
    done(h);
    done(part.g);
    done(whole.g);
}

Test(round_trip, training_goes_on_as_if_never_interrupted)
{
    resumes("sgd:rate=0.1");
    resumes("momentum:rate=0.05,momentum=0.8");
    resumes("nesterov:rate=0.05");
    resumes("adagrad:weight_decay=0.01");
    resumes("rmsprop:rho=0.9");
    resumes("adadelta");
    resumes("adam:rate=0.01");
    resumes("adamw:weight_decay=0,clip_norm=1,clip_value=0.5");
}

Test(round_trip, an_optimiser_is_saved_beside_the_users_nodes_not_among_them)
{
    net n = make_net(KS_F32);
    feed(n.g);
    ks_optimizer *adam = ks_adam(n.loss, NULL);
    cr_assert(ks_step(adam));
    ks_save_options options = {.size = sizeof options, .optimizer = adam};
    char *text = text_of(n.g, &options);
    cr_assert_null(strstr(text, "assign"));
    cr_assert_null(strstr(text, "\"name\": \"fc1.weight/adam/m\""));
    cr_assert(strstr(text, "\"optimizer\": {\"kind\": \"adam\", \"rate\": 0.001,"), "%s", text);
    free(text);
    done(n.g);
}

Test(round_trip, the_place_in_the_random_numbers_is_saved_where_it_is_not_the_optimisers_step)
{
    net n = make_net(KS_F32);
    feed(n.g);
    ks_optimizer *sgd = ks_sgd(n.loss, NULL);
    cr_assert(ks_step(sgd));
    ks_next_step(n.g);
    ks_save_options options = {.size = sizeof options, .optimizer = sgd};
    ks_graph *h = ks_test_reread(n.g, &options);
    cr_assert_eq(ks_step_number(h), ks_step_number(n.g));
    cr_assert_eq(ks_optimizer_steps(ks_graph_optimizer(h)), 1);
    done(h);
    done(n.g);
}

/* ---- values -------------------------------------------------------------------------------------------- */

Test(round_trip, odd_floats_come_back)
{
    const double odd[] = {-0.0,    0.0, (double)NAN, (double)INFINITY, -(double)INFINITY, DBL_TRUE_MIN, -DBL_TRUE_MIN, DBL_MIN,
                          DBL_MAX, 0.1, 1e23,        1.0 / 3};
    float narrow[12];
    ks_graph *g = graph();
    for (int i = 0; i < 12; i++)
        narrow[i] = (float)odd[i];
    narrow[5] = FLT_TRUE_MIN;
    narrow[8] = FLT_MAX;
    ks_output(g, "wide", ks_constant(g, KS_F64, KS_SHAPE(3, 4), odd));
    ks_output(g, "narrow", ks_constant(g, KS_F32, KS_SHAPE(12), narrow));
    ks_test_round_trip(g);
    has(g, "[-0.0, 0, \"NaN\", \"Infinity\"]");
    done(g);
}

Test(round_trip, odd_floats_come_back_from_base64)
{
    double wide[100];
    ks_graph *g = graph();
    for (int i = 0; i < 100; i++)
        wide[i] = i % 5 == 0 ? -0.0 : i % 5 == 1 ? (double)NAN : i % 5 == 2 ? DBL_TRUE_MIN * i : pow(-1.7, i);
    ks_output(g, "wide", ks_constant(g, KS_F64, KS_SHAPE(100), wide));
    ks_test_round_trip(g);
    has(g, "\"base64\": \"AAAAAAAAAIA"); /* -0.0, lowest byte first */
    done(g);
}

Test(round_trip, whole_numbers_come_back_to_the_last)
{
    ks_graph *g = graph();
    ks_output(g, "a", ks_constant(g, KS_I64, KS_SHAPE(4), (const int64_t[]){INT64_MAX, INT64_MIN, 9007199254740993, -1}));
    ks_output(g, "b", ks_constant(g, KS_I32, KS_SHAPE(2), (const int32_t[]){INT32_MAX, INT32_MIN}));
    ks_output(g, "c", ks_constant(g, KS_U8, KS_SHAPE(2), (const uint8_t[]){0, 255}));
    ks_output(g, "d", ks_constant(g, KS_BOOL, KS_SHAPE(2), (const uint8_t[]){1, 0}));
    ks_test_round_trip(g);
    has(g, "[9223372036854775807, -9223372036854775808, 9007199254740993, -1]");
    has(g, "[true, false]");
    done(g);
}

Test(round_trip, every_dtype_comes_back_as_list_and_as_base64)
{
    static const int64_t sizes[] = {64, 65, 1000};
    unsigned char bytes[8000];
    for (int i = 0; i < 8000; i++)
        bytes[i] = (unsigned char)(i * 7);
    for (int d = 0; d < KS_DTYPES; d++) {
        for (int k = 0; k < 3; k++) {
            ks_graph *g = graph();
            ks_output(g, "c", ks_constant(g, (ks_dtype)d, KS_SHAPE(sizes[k]), bytes));
            ks_test_round_trip(g);
            done(g);
        }
    }
}

Test(round_trip, shapes_without_elements_come_back)
{
    static const ks_shape shapes[] = {
        {1, {0}}, {2, {2, 0}}, {2, {0, 3}}, {3, {1, 0, 5}}, {2, {100000, 0}}, {0, {0}}, {8, {1, 1, 1, 2, 1, 1, 1, 2}}};
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        ks_graph *g = graph();
        ks_output(g, "c", ks_constant(g, KS_F32, shapes[i], (const float[]){1, 2, 3, 4}));
        ks_test_round_trip(g);
        done(g);
    }
}

/* ---- numbers among the inputs -------------------------------------------------------------------------- */

Test(round_trip, a_number_used_once_stands_among_the_inputs)
{
    ks_graph *g = graph();
    ks_node *x = ks_input(g, "x", KS_F64, KS_SCALAR);
    ks_output(g, "y", ks_mul(x, ks_number(g, 2.5)));
    has(g, "\"inputs\": [\"x\", 2.5]");
    ks_test_round_trip(g);
    done(g);
}

Test(round_trip, a_number_that_is_shared_stays_shared)
{
    ks_graph *g = graph();
    ks_node *x = ks_input(g, "x", KS_F64, KS_SCALAR), *two = ks_number(g, 2);
    ks_output(g, "y", ks_add(ks_mul(x, two), two));
    ks_output(g, "z", ks_mul(ks_number(g, 3), x));
    has(g, "{\"name\": \"number_1\", \"op\": \"number\", \"value\": 2}");
    ks_test_round_trip(g);
    ks_graph *h = ks_test_reread(g, NULL);
    cr_assert(ks_set_number(ks_find(h, "number_1"), 10));
    cr_assert(ks_feed(ks_find(h, "x"), KS_F64, KS_SCALAR, &(double){1}));
    cr_assert_eq(ks_scalar(ks_output_find(h, "y")), 20);
    done(h);
    done(g);
}

Test(round_trip, numbers_with_a_name_a_doc_or_no_end_stand_as_nodes)
{
    ks_graph *g = graph();
    ks_node *x = ks_input(g, "x", KS_F32, KS_SCALAR), *twice = ks_number(g, 4);
    ks_node *rate = ks_named("rate", ks_number(g, 0.1)), *said = ks_number(g, 7);
    ks_set_doc(said, "lucky");
    ks_output(g, "a", ks_mul(x, rate));
    ks_output(g, "b", ks_mul(x, said));
    ks_output(g, "c", ks_minimum(x, ks_number(g, (double)INFINITY)));
    ks_output(g, "d", ks_mul(twice, twice));
    ks_output(g, "e", ks_number(g, 3));
    ks_test_round_trip(g);
    has(g, "{\"name\": \"rate\", \"op\": \"number\", \"value\": 0.1}");
    has(g, "\"value\": \"Infinity\"");
    done(g);
}

/* ---- names, dims, docs, seeds -------------------------------------------------------------------------- */

Test(round_trip, open_dimensions_keep_their_names)
{
    ks_graph *g = graph();
    ks_node *x = ks_input(g, "x", KS_F32, KS_SHAPE(ks_dim(g, "N"), KS_ANY, 3)),
            *y = ks_input(g, "y", KS_F32, KS_SHAPE(ks_dim(g, "rows"), 3));
    ks_output(g, "flat", ks_reshape(x, KS_SHAPE(ks_dim(g, "N"), 3)));
    ks_output(g, "turned", ks_transpose(y, KS_INTS(1, 0)));
    ks_output(g, "left", ks_reshape(y, KS_SHAPE(-1)));
    has(g, "\"shape\": [\"N\", null, 3]");
    ks_test_round_trip(g);
    done(g);
}

Test(round_trip, made_up_names_stay_made_up)
{
    ks_graph *g = graph();
    ks_node *x = ks_input(g, "x", KS_F32, KS_SCALAR), *y = ks_relu(x);
    ks_output(g, "z", ks_square(y));
    ks_graph *h = ks_test_reread(g, NULL);
    cr_assert_not_null(ks_named("relu_1", ks_relu(ks_find(h, "x"))), "a made-up name gives way");
    done(h);
    done(g);
}

Test(round_trip, an_output_may_have_another_name_than_its_node)
{
    ks_graph *g = graph();
    ks_node *x = ks_input(g, "x", KS_F32, KS_SCALAR), *y = ks_named("inner", ks_relu(x));
    ks_output(g, "first", y);
    ks_output(g, "second", y);
    ks_output(g, "third", x);
    ks_test_round_trip(g);
    done(g);
}

Test(round_trip, docs_keep_every_character)
{
    ks_graph *g = graph();
    ks_node *x = ks_input(g, "x", KS_F32, KS_SCALAR);
    cr_assert(ks_set_doc(x, "line one\nline \"two\" \\ \t \x01 \x7f 計算 \xf0\x9f\x8d\x8e a,b:c"));
    ks_output(g, "y", ks_relu(x));
    ks_test_round_trip(g);
    done(g);
}

Test(round_trip, a_doc_that_is_no_UTF8_is_refused_before_a_file_is_spoilt)
{
    ks_graph *g = graph();
    ks_buffer text = {.data = NULL};
    ks_node *x = ks_input(g, "x", KS_F32, KS_SCALAR);
    ks_set_doc(x, "\xff");
    cr_assert_not(ks_save_to(g, ks_buffer_writer(&text), NULL));
    cr_assert_str_eq(ks_error(g)->message, "ks_save: the documentation of 'x' is no valid UTF-8");
    ks_buffer_free(&text);
    ks_graph_free(g);
}

Test(round_trip, seeds_and_steps_are_exact)
{
    static const uint64_t seeds[] = {1, UINT64_MAX, (uint64_t)1 << 63, 9007199254740993u};
    for (int i = 0; i < 4; i++) {
        ks_graph *g = graph();
        ks_set_seed(g, seeds[i]);
        ks_set_step_number(g, 9007199254740993u);
        ks_output(g, "y", ks_random_normal(g, KS_F32, KS_SHAPE(3), 0, 1));
        ks_test_round_trip(g);
        done(g);
    }
}

Test(round_trip, random_numbers_come_back_as_they_were)
{
    ks_graph *g = graph();
    ks_node *first = ks_random_uniform(g, KS_F64, KS_SHAPE(4), 0, 1), *second = ks_random_normal(g, KS_F32, KS_SHAPE(2, 2), 1, 3);
    (void)first; /* it is not saved, and the second keeps its stream all the same */
    ks_node *third = ks_named("mine", ks_random_uniform(g, KS_F64, KS_SHAPE(4), 0, 1));
    ks_node *y = ks_output(g, "y", ks_square(second)), *z = ks_output(g, "z", ks_square(third));
    ks_next_step(g);
    ks_test_round_trip(g);
    has(g, "\"stream\": 2");
    ks_graph *h = ks_test_reread(g, NULL);
    same_value(g, h, ks_name(y));
    same_value(g, h, ks_name(z));
    ks_node *more = ks_random_uniform(h, KS_F64, KS_SHAPE(4), 0, 1);
    cr_assert_gt(more->aside->stream, 2, "a new stream is no old one");
    done(h);
    done(g);
}

Test(round_trip, variables_keep_kind_initialiser_and_training)
{
    ks_graph *g = graph();
    ks_variable(g, "a", KS_F32, KS_SHAPE(3, 2), KS_INIT(.kind = KS_INIT_HE, .fan_in = 7));
    ks_variable(g, "b", KS_F64, KS_SHAPE(3, 2), KS_INIT(.kind = KS_INIT_NORMAL, .a = 1, .b = 0.1));
    ks_variable(g, "c", KS_F32, KS_SHAPE(2), KS_UNIFORM(-0.5, 1e-9));
    ks_variable(g, "d", KS_F32, KS_SHAPE(2), KS_FILL(-0.0));
    ks_variable(g, "e", KS_F32, KS_SHAPE(2), KS_UNSET);
    ks_state(g, "f", KS_F32, KS_SHAPE(2), KS_ONES);
    ks_variable(g, "g", KS_I64, KS_SCALAR, KS_ZEROS);
    ks_set_trainable(ks_variable(g, "h", KS_I32, KS_SCALAR, KS_ZEROS), true);
    cr_assert(ks_set(ks_find(g, "c"), KS_F32, (const float[]){1, 2}));
    ks_test_round_trip(g);
    done(g);
}

Test(round_trip, metadata_stays)
{
    const char *text =
        "{\"format\": \"keisan.graph\", \"version\": 1, \"metadata\": {\"author\": \"Ada\", \"list\": [1.10, {\"x\": \"}\"}]},\n"
        " \"nodes\": [{\"name\": \"x\", \"op\": \"input\", \"shape\": []}]}";
    ks_graph *g = read_text(text);
    has(g, "\"metadata\": {\"author\": \"Ada\", \"list\": [1.10, {\"x\": \"}\"}]}");
    ks_test_round_trip(g);
    done(g);
}

/* ---- what is written ----------------------------------------------------------------------------------- */

Test(round_trip, written_is_what_the_outputs_need)
{
    ks_graph *g = graph();
    ks_node *x = ks_input(g, "x", KS_F32, KS_SCALAR), *y = ks_input(g, "y", KS_F32, KS_SCALAR);
    ks_node *p = ks_named("p", ks_relu(x)), *q = ks_named("q", ks_square(y));
    ks_output(g, "p", p);
    ks_save_options options = {.size = sizeof options, .outputs = (ks_node *[]){q}, .output_count = 1};
    char *usual = text_of(g, NULL), *asked = text_of(g, &options);
    cr_assert(strstr(usual, "\"outputs\": {\"p\": \"p\"}") && !strstr(usual, "\"y\""), "%s", usual);
    cr_assert(strstr(asked, "\"outputs\": {\"q\": \"q\"}") && !strstr(asked, "\"x\""), "%s", asked);
    free(usual);
    free(asked);
    done(g);
}

Test(round_trip, the_text_is_one_a_person_would_write)
{
    ks_graph *g = graph();
    ks_node *x = ks_input(g, "x", KS_F32, KS_SHAPE(ks_dim(g, "N"), 2)), *w = ks_variable(g, "w", KS_F32, KS_SHAPE(2), KS_ZEROS);
    ks_node *s = ks_named("s", ks_sum(ks_mul(x, w), KS_INTS(-1), true));
    ks_output(g, "score", s);
    char *text = text_of(g, NULL);
    cr_assert_str_eq(text,
                     "{\"format\": \"keisan.graph\", \"version\": 1,\n"
                     " \"nodes\": [\n"
                     "  {\"name\": \"x\", \"op\": \"input\", \"dtype\": \"f32\", \"shape\": [\"N\", 2]},\n"
                     "  {\"name\": \"w\", \"op\": \"variable\", \"dtype\": \"f32\", \"shape\": [2], \"init\": {\"kind\": \"zeros\"}},\n"
                     "  {\"name\": \"mul_1\", \"op\": \"mul\", \"inputs\": [\"x\", \"w\"]},\n"
                     "  {\"name\": \"s\", \"op\": \"sum\", \"inputs\": [\"mul_1\"], \"attrs\": {\"axes\": [-1], \"keepdims\": true}}],\n"
                     " \"outputs\": {\"score\": \"s\"}}\n");
    free(text);
    done(g);
}

Test(round_trip, without_values_structure_and_initialisers_remain)
{
    net n = make_net(KS_F32);
    feed(n.g);
    cr_assert(ks_eval(n.loss));
    ks_save_options options = {.size = sizeof options, .without_values = true};
    char *text = text_of(n.g, &options);
    cr_assert_null(strstr(text, "value"), "%s", text);
    cr_assert(strstr(text, "\"init\": {\"kind\": \"he\"}"));
    free(text);
    done(n.g);
}

Test(round_trip, an_older_shorter_options_struct_works)
{
    ks_graph *g = graph();
    ks_node *x = ks_input(g, "x", KS_F32, KS_SCALAR);
    ks_output(g, "y", ks_relu(x));
    struct {
        size_t size;
        ks_node *const *outputs;
        int output_count;
    } old = {.size = sizeof old, .outputs = &x, .output_count = 1};
    char *text = text_of(g, (const ks_save_options *)(const void *)&old);
    cr_assert(strstr(text, "\"outputs\": {\"x\": \"x\"}"), "%s", text);
    free(text);
    done(g);
}

Test(round_trip, an_empty_graph_is_a_graph)
{
    ks_graph *g = graph();
    ks_test_round_trip(g);
    done(g);
}

/* ---- what a person writes ------------------------------------------------------------------------------ */

Test(round_trip, nodes_are_read_in_any_order)
{
    ks_graph *g = read_text("{\"format\": \"keisan.graph\", \"version\": 1, \"nodes\": [\n"
                            "{\"op\": \"add\", \"name\": \"y\", \"inputs\": [\"b\", \"a\"]},\n"
                            "{\"name\": \"a\", \"op\": \"mul\", \"inputs\": [\"x\", 3]},\n"
                            "{\"inputs\": [\"a\"], \"name\": \"b\", \"op\": \"square\"},\n"
                            "{\"name\": \"x\", \"op\": \"variable\", \"dtype\": \"f64\", \"shape\": [], \"value\": 2}]}");
    cr_assert_eq(ks_scalar(ks_find(g, "y")), 42);
    ks_test_round_trip(g);
    done(g);
}

Test(round_trip, a_long_chain_written_backwards_needs_no_deep_stack)
{
    enum { LINKS = 20000 };
    char *text = malloc(LINKS * 64 + 256), *at = text;
    at += sprintf(at, "{\"format\":\"keisan.graph\",\"version\":1,\"nodes\":[");
    for (int i = LINKS; i > 0; i--)
        at += sprintf(at, "{\"name\":\"n%d\",\"op\":\"neg\",\"inputs\":[\"n%d\"]},", i, i - 1);
    sprintf(at, "{\"name\":\"n0\",\"op\":\"variable\",\"shape\":[],\"value\":1}]}");
    ks_graph *g = read_text(text);
    cr_assert_eq(ks_scalar(ks_find(g, "n20000")), 1);
    cr_assert_eq(ks_scalar(ks_find(g, "n19999")), -1);
    free(text);
    done(g);
}

Test(round_trip, each_node_remembers_its_line)
{
    ks_graph *g =
        read_text("{\"format\": \"keisan.graph\", \"version\": 1,\n \"nodes\": [\n  {\"name\": \"x\", \"op\": \"input\", \"shape\": []},\n"
                  "  {\"name\": \"y\",\n   \"op\": \"relu\", \"inputs\": [\"x\"]}]}");
    cr_assert_eq(ks_node_place(ks_find(g, "x")).line, 3);
    cr_assert_eq(ks_node_place(ks_find(g, "y")).line, 4);
    cr_assert_str_eq(ks_node_place(ks_find(g, "y")).file, "JSON");
    done(g);
}

Test(round_trip, values_of_scalars_and_numbers_keep_every_digit)
{
    ks_graph *g =
        read_text("{\"format\": \"keisan.graph\", \"version\": 1, \"nodes\": [\n"
                  "{\"name\": \"a\", \"op\": \"variable\", \"dtype\": \"i64\", \"shape\": [], \"value\": 9007199254740993},\n"
                  "{\"name\": \"b\", \"op\": \"constant\", \"shape\": [1], \"value\": [1.000000059604644775390625000000000000001]},\n"
                  "{\"name\": \"c\", \"op\": \"constant\", \"dtype\": \"f64\", \"shape\": [], "
                  "\"value\": 0.1000000000000000055511151231257827021181583404541015625000000000000000000000000000000000000000001}]}");
    cr_assert_eq(*(const int64_t *)ks_value(ks_find(g, "a")), 9007199254740993);
    cr_assert_eq(*(const float *)ks_value(ks_find(g, "b")), nextafterf(1, 2));
    cr_assert_eq(ks_scalar(ks_find(g, "c")), 0.1);
    done(g);
}

/* ---- a user's operation -------------------------------------------------------------------------------- */

typedef struct twice_attrs {
    double scale;
    ks_ints axes;
    int64_t flag, dtype, count;
    ks_shape shape;
} twice_attrs;

static const ks_attr twice_table[] = {
    {"scale", KS_ATTR_FLOAT, offsetof(twice_attrs, scale), true, false, "by what"},
    {"axes", KS_ATTR_INTS, offsetof(twice_attrs, axes), false, false, "some axes"},
    {"flag", KS_ATTR_BOOL, offsetof(twice_attrs, flag), false, false, "a flag"},
    {"dtype", KS_ATTR_DTYPE, offsetof(twice_attrs, dtype), false, false, "a dtype"},
    {"count", KS_ATTR_INT, offsetof(twice_attrs, count), false, true, "a count"},
    {"shape", KS_ATTR_SHAPE, offsetof(twice_attrs, shape), false, false, "a shape"},
    {0},
};

static bool twice_kernel(const ks_call *call, ks_failure *failure)
{
    (void)failure;
    const twice_attrs *attrs = call->attrs;
    for (int64_t i = 0; i < call->out->count; i++)
        ((float *)call->out->data)[i] = (float)attrs->scale * ((const float *)call->in[0].data)[i];
    return true;
}

static const twice_attrs twice_defaults = {.scale = 2, .axes = {.count = 2, .at = {0, 1}}, .flag = 1, .dtype = KS_I64};
static const ks_op twice = {.size = sizeof(ks_op),
                            .name = "user.twice",
                            .formula = "y = s x",
                            .doc = "Scales.",
                            .types = "T>T",
                            .inputs = "x",
                            .attrs = twice_table,
                            .attrs_size = sizeof(twice_attrs),
                            .defaults = &twice_defaults,
                            .infer = ks_infer_same,
                            .kernel = twice_kernel,
                            .no_derivative = "it is a test"};

Test(round_trip, attributes_of_every_type_come_back)
{
    ks_graph *g = graph();
    cr_assert(ks_register(g, &twice));
    ks_node *x = ks_variable(g, "x", KS_F32, KS_SHAPE(2), KS_ONES);
    twice_attrs attrs = twice_defaults;
    ks_output(g, "plain", ks_apply(g, &twice, &x, 1, &attrs));
    attrs = (twice_attrs){.scale = -(double)INFINITY, .axes = {.count = -1}, .flag = 0, .dtype = KS_BOOL, .count = INT64_MIN};
    ks_output(g, "odd", ks_apply(g, &twice, &x, 1, &attrs));
    attrs = (twice_attrs){.scale = 0.1, .axes = {.count = 0}, .shape = {.rank = 3, .dim = {5, -1, KS_ANY}}};
    ks_output(g, "other", ks_apply(g, &twice, &x, 1, &attrs));
    attrs.shape = (ks_shape){.rank = 2, .dim = {ks_dim(g, "A"), ks_dim(g, "B")}};
    attrs.axes = KS_INTS(-1, 3, 2);
    ks_output(g, "last", ks_apply(g, &twice, &x, 1, &attrs));
    ks_graph *h = ks_test_reread(g, NULL);
    char *p = text_of(g, NULL), *q = text_of(h, NULL);
    cr_assert_str_eq(p, q);
    cr_assert(strstr(p, "{\"name\": \"plain\", \"op\": \"user.twice\", \"inputs\": [\"x\"], \"attrs\": {\"count\": 0}}"), "%s", p);
    cr_assert(
        strstr(
            p,
            "\"attrs\": {\"scale\": \"-Infinity\", \"axes\": null, \"flag\": false, \"dtype\": \"bool\", \"count\": -9223372036854775808}"),
        "%s", p);
    same_value(g, h, "plain");
    free(p);
    free(q);
    done(h);
    done(g);
}

Test(round_trip, a_program_that_lacks_an_operation_says_so)
{
    ks_failure failure;
    const char *text = "{\"format\": \"keisan.graph\", \"version\": 1, \"nodes\": [{\"name\": \"x\", \"op\": \"user.twice\"}]}";
    ks_bytes bytes = {.data = text, .size = strlen(text)};
    cr_assert_null(ks_load_from(ks_bytes_reader(&bytes), NULL, &failure));
    cr_assert_eq(failure.code, KS_BAD_FILE);
    cr_assert_str_eq(failure.message,
                     "nodes[0].op: 'user.twice' is a user's operation, which this program lacks: ks_register it before loading");
}

Test(round_trip, only_an_empty_graph_is_loaded_into)
{
    ks_graph *g = graph();
    ks_bytes bytes = {.data = "{}", .size = 2};
    ks_input(g, "x", KS_F32, KS_SCALAR);
    cr_assert_not(ks_load_into_from(g, ks_bytes_reader(&bytes)));
    cr_assert_str_eq(ks_error(g)->message, "ks_load_into_from: the graph has 1 nodes already: read into a new one");
    ks_graph_free(g);
}
