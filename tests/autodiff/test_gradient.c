/*
 * test_gradient.c - dy/dx for any two nodes: the book's shopping (chapter 5), paths that meet, upstream, partials made once,
 * open dimensions, and composing anew.
 */
#include "autodiff.h"

#include <stdlib.h>

/* ---- apple and orange ---------------------------------------------------------------------------------- */

typedef struct shop {
    ks_graph *g;
    ks_node *apple, *apples, *orange, *oranges, *tax, *apple_price, *orange_price, *sum, *price;
} shop;

static shop buy(void)
{
    ks_graph *g = graph();
    shop s = {.g = g,
              .apple = fed(g, "apple", 100),
              .apples = fed(g, "apples", 2),
              .orange = fed(g, "orange", 150),
              .oranges = fed(g, "oranges", 3),
              .tax = fed(g, "tax", 1.1)};
    s.apple_price = ks_mul(s.apple, s.apples);
    s.orange_price = ks_mul(s.orange, s.oranges);
    s.sum = ks_add(s.apple_price, s.orange_price);
    s.price = ks_mul(s.sum, s.tax);
    return s;
}

/* As Python prints a float: the fewest digits that read back the same. */
static const char *printed(double value)
{
    static char text[40];
    for (int digits = 3; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    return text;
}

Test(gradient, apple_and_orange_cost_715)
{
    shop s = buy();
    cr_expect_str_eq(printed(ks_scalar(s.price)), "715.0000000000001"); /* 650 * 1.1; the book prints int(price) */
    cr_expect_eq((int)ks_scalar(s.price), 715);
    done(s.g);
}

Test(gradient, apple_and_orange_as_the_book_prints)
{
    shop s = buy();
    cr_expect_str_eq(printed(slope(s.price, s.apple)), "2.2");
    cr_expect_str_eq(printed(slope(s.price, s.apples)), "110.00000000000001"); /* int(): 110 */
    cr_expect_str_eq(printed(slope(s.price, s.orange)), "3.3000000000000003");
    cr_expect_str_eq(printed(slope(s.price, s.oranges)), "165");
    cr_expect_str_eq(printed(slope(s.price, s.tax)), "650");
    cr_expect_eq((int)slope(s.price, s.apples), 110);
    done(s.g);
}

Test(gradient, one_apple_trade_as_the_book_prints)
{
    ks_graph *g = graph();
    ks_node *apple = fed(g, "apple", 100), *apples = fed(g, "apples", 2), *tax = fed(g, "tax", 1.1);
    ks_node *price = ks_mul(ks_mul(apple, apples), tax);
    cr_expect_eq((int)ks_scalar(price), 220);
    cr_expect_str_eq(printed(slope(price, apple)), "2.2");
    cr_expect_eq((int)slope(price, apples), 110);
    cr_expect_str_eq(printed(slope(price, tax)), "200");
    done(g);
}

Test(gradient, all_five_in_one_pass_equal_one_by_one)
{
    shop s = buy();
    ks_node *x[] = {s.apple, s.apples, s.orange, s.oranges, s.tax}, *d[5];
    cr_assert(ks_gradients(s.price, x, 5, NULL, d));
    for (int i = 0; i < 5; i++)
        expect_exactly(ks_scalar(d[i]), slope(s.price, x[i]));
    done(s.g);
}

/* ---- any pair ------------------------------------------------------------------------------------------ */

Test(gradient, of_an_intermediate_value_by_another)
{
    shop s = buy();
    expect_exactly(slope(s.sum, s.apple_price), 1);
    expect_exactly(slope(s.price, s.sum), 1.1);
    expect_exactly(slope(s.price, s.orange_price), 1.1);
    expect_exactly(slope(s.orange_price, s.orange), 3);
    expect_exactly(slope(s.sum, s.oranges), 150);
    done(s.g);
}

Test(gradient, of_unrelated_values_is_zero)
{
    shop s = buy();
    expect_exactly(slope(s.apple_price, s.orange), 0);
    expect_exactly(slope(s.apple_price, s.orange_price), 0);
    expect_exactly(slope(s.orange, s.apple), 0);
    done(s.g);
}

Test(gradient, of_a_value_by_itself_is_one)
{
    shop s = buy();
    expect_exactly(slope(s.sum, s.sum), 1);
    expect_exactly(slope(s.apple, s.apple), 1);
    done(s.g);
}

Test(gradient, against_the_arrows_is_zero)
{
    shop s = buy();
    expect_exactly(slope(s.apple, s.price), 0);
    expect_exactly(slope(s.apple_price, s.sum), 0);
    done(s.g);
}

Test(gradient, along_one_path_is_the_product_of_its_partials)
{
    shop s = buy();
    double product =
        ks_scalar(ks_local_partial(s.price, 0)) * ks_scalar(ks_local_partial(s.sum, 1)) * ks_scalar(ks_local_partial(s.orange_price, 0));
    expect_exactly(slope(s.price, s.orange), product);
    done(s.g);
}

Test(gradient, zero_and_one_have_the_shape_of_x)
{
    ks_graph *g = graph();
    ks_node *x = given(g, "x", KS_SHAPE(2, 3), VALUES(1, 2, 3, 4, 5, 6)), *y = given(g, "y", KS_SHAPE(2), VALUES(1, 2));
    expect_elements(ks_gradient(y, x), 0, 0, 0, 0, 0, 0, 0);
    expect_elements(ks_gradient(x, x), 0, 1, 1, 1, 1, 1, 1);
    done(g);
}

/* ---- paths that meet ----------------------------------------------------------------------------------- */

Test(gradient, x_plus_x_plus_x_is_three)
{
    ks_graph *g = graph();
    ks_node *x = fed(g, "x", 3);
    expect_exactly(slope(ks_add(x, x), x), 2);
    expect_exactly(slope(ks_add(ks_add(x, x), x), x), 3);
    done(g);
}

Test(gradient, two_x_to_the_fourth_at_2_is_64)
{
    ks_graph *g = graph();
    ks_node *x = fed(g, "x", 2), *a = ks_square(x), *y = ks_add(ks_square(a), ks_square(a));
    expect_exactly(ks_scalar(y), 32);
    expect_exactly(slope(y, x), 64);
    done(g);
}

Test(gradient, learners_lesson_b_is_a_plus_a_c_is_b_plus_b)
{
    ks_graph *g = graph();
    ks_node *a = fed(g, "a", 5), *b = ks_add(a, a), *c = ks_add(b, b);
    expect_exactly(slope(c, a), 4);
    expect_exactly(slope(c, b), 2);
    done(g);
}

Test(gradient, x_times_x_is_2x)
{
    ks_graph *g = graph();
    ks_node *x = fed(g, "x", 3);
    expect_exactly(slope(ks_mul(x, x), x), 6);
    done(g);
}

Test(gradient, of_a_diamond_within_a_diamond)
{
    /* a = x^2, b = 3x, c = a b = 3x^3, y = c a + c = 3x^5 + 3x^3: 15x^4 + 9x^2 */
    ks_graph *g = graph();
    ks_node *x = fed(g, "x", 2), *a = ks_square(x), *b = ks_mul(ks_number(g, 3), x), *c = ks_mul(a, b), *y = ks_add(ks_mul(c, a), c);
    expect_exactly(slope(y, x), 15 * 16 + 9 * 4);
    done(g);
}

Test(gradient, equal_nodes_made_twice_stay_apart)
{
    ks_graph *g = graph();
    ks_node *x = fed(g, "x", 3), *two = ks_number(g, 2), *a = ks_mul(two, x), *b = ks_mul(two, x), *y = ks_add(a, b);
    expect_exactly(slope(y, a), 1);
    expect_exactly(slope(y, x), 4);
    done(g);
}

Test(gradient, where_paths_meet_one_add_n_stands)
{
    ks_graph *g = graph();
    ks_node *x = fed(g, "x", 3), *d = ks_gradient(ks_add(ks_add(ks_exp(x), ks_sin(x)), ks_square(x)), x);
    cr_expect_str_eq(ks_node_op_name(d), "add_n");
    cr_expect_eq(ks_node_input_count(d), 3);
    expect_near(ks_scalar(d), exp(3) + cos(3) + 6, 1e-14);
    done(g);
}

Test(gradient, of_what_many_share)
{
    ks_graph *g = graph();
    ks_node *x = fed(g, "x", 0.5), *terms[40];
    double want = 0;
    for (int i = 0; i < 40; i++) {
        terms[i] = ks_mul(x, ks_number(g, i));
        want += i;
    }
    expect_exactly(slope(ks_add_n(terms, 40), x), want);
    done(g);
}

/* ---- tensors ------------------------------------------------------------------------------------------- */

Test(gradient, of_a_tensor_is_of_the_sum_of_its_elements)
{
    ks_graph *g = graph();
    ks_node *x = given(g, "x", KS_SHAPE(3), VALUES(1, 2, 3));
    expect_elements(ks_gradient(ks_square(x), x), 0, 2, 4, 6);
    done(g);
}

Test(gradient, is_summed_down_where_broadcasting_spread)
{
    ks_graph *g = graph();
    ks_node *a = given(g, "a", KS_SHAPE(2, 3), VALUES(1, 2, 3, 4, 5, 6)), *row = given(g, "row", KS_SHAPE(3), VALUES(1, 10, 100));
    ks_node *column = given(g, "column", KS_SHAPE(2, 1), VALUES(7, 8)), *s = scalar(g, "s", 2);
    ks_node *y = ks_mul(ks_add(ks_mul(a, row), column), s);
    expect_elements(ks_gradient(y, row), 0, 10, 14, 18);
    expect_elements(ks_gradient(y, column), 0, 6, 6);
    expect_elements(ks_gradient(y, s), 0, 1 + 20 + 300 + 4 + 50 + 600 + 3 * 15);
    cr_expect_eq(ks_node_shape(ks_gradient(y, column)).rank, 2);
    done(g);
}

Test(gradient, of_an_affine_layer)
{
    /* dx = u wT, dw = xT u, db = the sum of u over the batch */
    ks_graph *g = graph();
    ks_node *x = given(g, "x", KS_SHAPE(2, 3), VALUES(1, 2, 3, 4, 5, 6)), *w = given(g, "w", KS_SHAPE(3, 2), VALUES(1, -1, 2, -2, 3, -3));
    ks_node *b = given(g, "b", KS_SHAPE(2), VALUES(0.5, 0.25)), *y = ks_add(ks_matmul(x, w), b), *d[3];
    ks_node *u = ks_constant(g, KS_F64, KS_SHAPE(2, 2), VALUES(1, 2, 3, 4));
    cr_assert(ks_gradients(y, ((ks_node *[]){x, w, b}), 3, u, d));
    expect_elements(d[0], 0, -1, -2, -3, -1, -2, -3);
    expect_elements(d[1], 0, 13, 18, 17, 24, 21, 30);
    expect_elements(d[2], 0, 4, 6);
    done(g);
}

/* ---- upstream ------------------------------------------------------------------------------------------ */

Test(gradient, is_scaled_by_the_upstream)
{
    ks_graph *g = graph();
    ks_node *x = given(g, "x", KS_SHAPE(3), VALUES(1, 2, 3)), *u = ks_constant(g, KS_F64, KS_SHAPE(3), VALUES(1, 0, -1)), *d;
    cr_assert(ks_gradients(ks_square(x), &x, 1, u, &d));
    expect_elements(d, 0, 2, 0, -6);
    done(g);
}

Test(gradient, refuses_an_upstream_of_another_shape)
{
    ks_graph *g = graph();
    ks_node *x = ks_named("x", given(g, "x", KS_SHAPE(3), VALUES(1, 2, 3))), *y = ks_named("y", ks_square(x)), *d;
    cr_expect_not(ks_gradients(y, &x, 1, ks_named("u", ks_constant(g, KS_F64, KS_SHAPE(2), VALUES(1, 0))), &d));
    expect_failure(g, KS_BAD_SHAPE, "ks_gradients: the upstream 'u' is [2], but 'y' is [3]: they must have one shape");
    done(g);
}

Test(gradient, refuses_an_upstream_of_another_dtype)
{
    ks_graph *g = graph();
    ks_node *x = given(g, "x", KS_SHAPE(1), VALUES(1)), *y = ks_named("y", ks_square(x)), *d;
    cr_expect_not(ks_gradients(y, &x, 1, ks_named("u", ks_constant(g, KS_F32, KS_SHAPE(1), ((float[]){1}))), &d));
    expect_failure(g, KS_BAD_DTYPE, "ks_gradients: the upstream 'u' is f32, but 'y' is f64: ks_cast it");
    done(g);
}

Test(gradient, refuses_whole_numbers)
{
    ks_graph *g = graph();
    ks_node *t = ks_input(g, "t", KS_I64, KS_SHAPE(3)), *x = fed(g, "x", 1);
    cr_expect_null(ks_gradient(x, t));
    expect_failure(g, KS_NO_GRADIENT, "ks_gradients: 't' is i64, and only f32 and f64 have derivatives: ks_cast it first");
    done(g);
}

Test(gradient, refuses_nodes_of_another_graph)
{
    ks_graph *g = graph(), *other = graph();
    ks_node *x = fed(g, "x", 1), *y = fed(other, "y", 1);
    cr_expect_null(ks_gradient(x, y));
    expect_failure(g, KS_BAD_ARGUMENT, "ks_gradients: 'y' belongs to another graph");
    done(g);
    done(other);
}

Test(gradient, of_nothing_is_nothing_quietly)
{
    ks_graph *g = graph();
    cr_expect_null(ks_gradient(NULL, fed(g, "x", 1)));
    cr_expect_null(ks_gradient(ks_find(g, "x"), NULL));
    done(g);
}

Test(gradient, goes_on_after_an_earlier_failure)
{
    ks_graph *g = graph();
    ks_node *x = fed(g, "x", 2), *condition = ks_greater(x, ks_number(g, 0)), *y = ks_where(condition, ks_square(x), x);
    cr_expect_null(ks_named("no name", x));
    expect_exactly(slope(y, x), 4);
    cr_assert_not_null(ks_error(g));
    cr_expect_eq(ks_error(g)->code, KS_BAD_NAME); /* the first failure is kept */
    ks_error_clear(g);
    done(g);
}

/* ---- partials made once -------------------------------------------------------------------------------- */

/* A small graph with fan-out and 12 edges of which 9 have partials that are computed. */
static ks_node *tangle(ks_graph *g, ks_node *x, ks_node *w, ks_node **middle)
{
    ks_node *a = ks_sin(x), *b = ks_exp(w), *c = ks_mul(a, b), *d = ks_tanh(c), *e = ks_div(d, b), *f = ks_sigmoid(e);
    *middle = c;
    (void)g;
    return ks_log(ks_add(ks_square(f), ks_square(a)));
}

#define EDGES 12

Test(gradient, partials_are_evaluated_once_however_many_derivatives_are_asked)
{
    ks_graph_options options = {.size = sizeof options, .keep_all = true};
    ks_graph *g = ks_graph_new(&options);
    ks_node *x = fed(g, "x", 0.7), *w = fed(g, "w", -0.3), *middle, *y = tangle(g, x, w, &middle);
    ks_scalar(y);
    cr_expect_eq(ks_graph_statistics(g).partials_evaluated, 0);
    uint64_t after[8];
    ks_node *pairs[][2] = {{y, x}, {y, w}, {middle, x}, {middle, w}, {y, middle}, {y, x}, {y, w}, {middle, x}};
    for (int k = 0; k < 8; k++) {
        slope(pairs[k][0], pairs[k][1]);
        after[k] = ks_graph_statistics(g).partials_evaluated;
        cr_expect_leq(after[k], EDGES);
    }
    cr_expect_gt(after[0], 0);
    cr_expect_eq(after[7], after[4], "what was crossed before is not evaluated again");
    done(g);
}

Test(gradient, partials_are_evaluated_again_when_a_feed_changes)
{
    ks_graph_options options = {.size = sizeof options, .keep_all = true};
    ks_graph *g = ks_graph_new(&options);
    ks_node *x = fed(g, "x", 0.7), *w = fed(g, "w", -0.3), *middle, *y = tangle(g, x, w, &middle), *d = ks_gradient(y, x);
    double first = ks_scalar(d);
    uint64_t once = ks_graph_statistics(g).partials_evaluated;
    feed(x, 0.9);
    double second = ks_scalar(d);
    uint64_t twice = ks_graph_statistics(g).partials_evaluated;
    cr_expect_neq(first, second);
    cr_expect_gt(twice, once);
    cr_expect_leq(twice - once, once);
    feed(x, 0.7);
    expect_exactly(ks_scalar(d), first);
    done(g);
}

Test(gradient, is_the_same_with_every_fast_path_off)
{
    double values[2][4];
    for (int plain = 0; plain < 2; plain++) {
        ks_graph_options options = {.size = sizeof options, .without = plain ? ~0u : 0};
        ks_graph *g = ks_graph_new(&options);
        ks_node *x = fed(g, "x", 0.7), *w = fed(g, "w", -0.3), *middle, *y = tangle(g, x, w, &middle);
        ks_node *pairs[][2] = {{y, x}, {y, w}, {middle, w}, {y, middle}};
        for (int k = 0; k < 4; k++)
            values[plain][k] = slope(pairs[k][0], pairs[k][1]);
        done(g);
    }
    cr_expect_arr_eq(values[0], values[1], sizeof values[0]);
}

Test(gradient, a_partial_is_one_node_for_all_passes)
{
    ks_graph *g = graph();
    ks_node *x = fed(g, "x", 0.7), *y = ks_sin(x), *z = ks_square(y);
    ks_node *partial = ks_local_partial(y, 0);
    cr_expect_eq(ks_local_partial(y, 0), partial);
    int64_t before = ks_node_count(g);
    slope(z, x);
    int64_t between = ks_node_count(g);
    slope(z, x);
    cr_expect_lt(ks_node_count(g) - between, between - before);
    cr_expect_eq(ks_local_partial(y, 0), partial);
    expect_near(ks_scalar(partial), cos(0.7), 1e-16);
    done(g);
}

Test(gradient, linear_edges_have_no_partial)
{
    ks_graph *g = graph();
    ks_node *x = given(g, "x", KS_SHAPE(3), VALUES(1, 2, 3));
    cr_expect_null(ks_local_partial(ks_sum_all(x), 0));
    cr_expect_null(ks_local_partial(x, 0));
    cr_expect_null(ks_local_partial(ks_square(x), 1));
    done(g);
}

/* ---- open dimensions ----------------------------------------------------------------------------------- */

typedef struct net {
    ks_graph *g;
    ks_node *x, *loss, *d[4];
} net;

static const double weights[] = {0.5, -0.25, 0.125, 1, -0.75, 0.375, 0.0625, -1.5, 0.875, -0.5, 0.3, 0.7};

static net build_net(int64_t rows)
{
    net n = {.g = graph()};
    ks_node *w = given(n.g, "w", KS_SHAPE(3, 4), weights), *b = given(n.g, "b", KS_SHAPE(4), VALUES(0.1, -0.2, 0.3, -0.4));
    ks_node *k = given(n.g, "k", KS_SHAPE(1), VALUES(1.5));
    int64_t dim = rows > 0 ? rows : rows == 0 ? ks_dim(n.g, "N") : KS_ANY;
    n.x = ks_input(n.g, "x", KS_F64, KS_SHAPE(dim, 3));
    ks_node *h = ks_tanh(ks_add(ks_matmul(n.x, w), b)), *centred = ks_sub(h, ks_mean(h, KS_INTS(0), true));
    ks_node *score = ks_mul(ks_reshape(centred, KS_SHAPE(-1, 4)), k);
    n.loss = ks_mean_all(ks_square(ks_log_softmax(score, 1)));
    cr_assert(ks_gradients(n.loss, ((ks_node *[]){w, b, k, n.x}), 4, NULL, n.d));
    return n;
}

static void feed_rows(net *n, int64_t rows)
{
    double *data = malloc(sizeof(double) * (size_t)rows * 3);
    for (int64_t i = 0; i < rows * 3; i++)
        data[i] = sin(1.7 * (double)i + 0.3);
    cr_assert(ks_feed(n->x, KS_F64, KS_SHAPE(rows, 3), data));
    free(data);
}

static void expect_same_bits(ks_node *a, ks_node *b)
{
    int64_t count = ks_shape_count(ks_value_shape(a));
    cr_assert_geq(count, 0);
    cr_assert_eq(count, ks_shape_count(ks_value_shape(b)));
    cr_expect_arr_eq(ks_value(a), ks_value(b), (size_t)count * sizeof(double));
}

static void expect_open_equals_closed(int64_t open)
{
    static const int64_t sizes[] = {7, 100, 1};
    net n = build_net(open);
    for (int i = 0; i < 3; i++) {
        net closed = build_net(sizes[i]);
        feed_rows(&n, sizes[i]);
        feed_rows(&closed, sizes[i]);
        expect_same_bits(n.loss, closed.loss);
        for (int k = 0; k < 4; k++)
            expect_same_bits(n.d[k], closed.d[k]);
        done(closed.g);
    }
    done(n.g);
}

Test(gradient, of_a_batch_left_open_by_name_fits_every_size)
{
    expect_open_equals_closed(0);
}

Test(gradient, of_a_batch_left_open_without_a_name_fits_every_size)
{
    expect_open_equals_closed(-1);
}

Test(gradient, made_after_a_feed_of_one_row_fits_seven)
{
    net n = build_net(0), closed = build_net(7);
    feed_rows(&n, 1);
    ks_scalar(n.loss);
    ks_node *w = ks_find(n.g, "w"), *d = ks_gradient(n.loss, w); /* composed while N is 1 */
    ks_scalar(ks_sum_all(d));
    feed_rows(&n, 7);
    feed_rows(&closed, 7);
    expect_same_bits(d, closed.d[0]);
    done(n.g);
    done(closed.g);
}

/* ---- composing anew ------------------------------------------------------------------------------------ */

Test(gradient, composed_anew_is_found_in_place)
{
    ks_graph *g = graph();
    ks_node *x = fed(g, "x", 0.5), *first = NULL;
    int64_t mark = ks_graph_mark(g);
    for (int i = 0; i < 3; i++) {
        ks_graph_release(g, mark);
        ks_node *d = ks_gradient(ks_sin(ks_exp(x)), x);
        cr_expect(!first || d == first);
        first = d;
        feed(x, 0.5 + i);
        expect_near(ks_scalar(d), exp(0.5 + i) * cos(exp(0.5 + i)), 1e-12);
    }
    cr_expect_eq(ks_graph_statistics(g).plans_compiled, 1);
    done(g);
}

Test(gradient, follows_a_number_that_was_one)
{
    /* A factor of one must not be taken for granted: composing anew changes it in place. */
    ks_graph *g = graph();
    ks_node *x = fed(g, "x", 3);
    int64_t mark = ks_graph_mark(g);
    for (int i = 1; i < 4; i++) {
        ks_graph_release(g, mark);
        ks_node *y = ks_mul(x, ks_number(g, i));
        expect_exactly(slope(y, x), i);
    }
    ks_graph_release(g, mark);
    ks_node *one = ks_number(g, 1), *d = ks_gradient(ks_mul(x, one), x);
    expect_exactly(ks_scalar(d), 1);
    ks_set_number(one, 5);
    expect_exactly(ks_scalar(d), 5);
    done(g);
}

Test(gradient, keeps_its_numbers_from_whoever_composes_next)
{
    /* A user's number composed where a partial's number stood must not become that partial. */
    ks_graph *g = graph();
    ks_node *x = fed(g, "x", 3), *u = fed(g, "u", 1), *d;
    int64_t mark = ks_graph_mark(g);
    cr_assert(ks_gradients(ks_square(x), &x, 1, u, &d));
    expect_exactly(ks_scalar(d), 6);
    ks_graph_release(g, mark);
    ks_node *y = ks_square(x), *mine = ks_mul(ks_number(g, 7), x);
    expect_exactly(ks_scalar(mine), 21);
    cr_assert(ks_gradients(y, &x, 1, u, &d));
    expect_exactly(ks_scalar(d), 6);
    done(g);
}

Test(gradient, keeps_its_ones_from_whoever_composes_next)
{
    ks_graph *g = graph();
    ks_node *x = fed(g, "x", 3), *w = fed(g, "w", 4);
    int64_t mark = ks_graph_mark(g);
    expect_exactly(slope(ks_square(x), x), 6);
    for (int i = 1; i < 4; i++) {
        ks_graph_release(g, mark);
        ks_node *y = ks_square(x), *mine = ks_mul(ks_constant(g, KS_F64, KS_SCALAR, VALUES(i)), w);
        expect_exactly(ks_scalar(mine), 4 * i);
        expect_exactly(slope(y, x), 6);
    }
    done(g);
}

Test(gradient, of_zero_and_of_one_are_planned_apart)
{
    ks_graph *g = graph();
    ks_node *x = fed(g, "x", 3), *other = fed(g, "other", 3), *w = fed(g, "w", 4);
    ks_node *one = ks_mul(ks_gradient(x, x), w), *none = ks_mul(ks_gradient(x, other), w);
    expect_exactly(ks_scalar(one), 4);
    expect_exactly(ks_scalar(none), 0);
    done(g);
}

Test(gradient, follows_a_slice_that_moves)
{
    ks_graph *g = graph();
    ks_node *x = given(g, "x", KS_SHAPE(5), VALUES(1, 2, 3, 4, 5)), *first = NULL;
    int64_t mark = ks_graph_mark(g);
    uint64_t compiled = 0;
    for (int start = 0; start < 4; start++) {
        ks_graph_release(g, mark);
        ks_node *y = ks_slice(x, 0, start, start + 2), *d = ks_gradient(ks_square(y), x);
        cr_expect(!first || y == first, "the slice is recognised");
        first = y;
        double got[5];
        cr_assert(ks_read(d, KS_F64, got, 5));
        for (int i = 0; i < 5; i++)
            expect_exactly(got[i], i >= start && i < start + 2 ? 2 * (i + 1) : 0);
        uint64_t now = ks_graph_statistics(g).plans_compiled;
        cr_expect(start == 0 || now == compiled, "the plan stays");
        compiled = now;
    }
    done(g);
}

Test(gradient, of_what_was_released_is_refused)
{
    ks_graph *g = graph();
    ks_node *x = fed(g, "x", 3);
    int64_t mark = ks_graph_mark(g);
    ks_node *y = ks_square(x);
    ks_graph_release(g, mark);
    cr_expect_null(ks_gradient(y, x));
    expect_failure(g, KS_RELEASED, "this node was released: ks_graph_release cut it off; compose it again");
    done(g);
}

Test(gradient, asked_differently_after_a_release_is_right)
{
    ks_graph *g = graph();
    ks_node *x = fed(g, "x", 0.5), *w = fed(g, "w", 2);
    int64_t mark = ks_graph_mark(g);
    for (int i = 0; i < 6; i++) {
        ks_graph_release(g, mark);
        ks_node *a = ks_mul(x, w), *y = ks_sin(a);
        if (i % 3 == 0)
            expect_near(slope(y, x), 2 * cos(1), 1e-15);
        if (i % 3 != 2)
            expect_near(slope(y, w), 0.5 * cos(1), 1e-15);
        expect_near(slope(y, a), cos(1), 1e-15);
        expect_near(ks_scalar(ks_local_partial(y, 0)), cos(1), 1e-15);
    }
    done(g);
}
