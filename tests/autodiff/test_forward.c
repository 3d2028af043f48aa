/*
 * test_forward.c - forward mode: tangents against hand values, and against reverse mode by <u, J t> = <J' u, t>.
 */
#include "autodiff.h"

static ks_node *pushed(ks_node *y, ks_node *x, ks_node *tangent)
{
    return ks_jvp(y, &x, &tangent, 1);
}

Test(forward, a_product_by_hand)
{
    ks_graph *g = graph();
    ks_node *x = fed(g, "x", 3), *y = fed(g, "y", 4), *in[] = {x, y};
    ks_node *tangents[] = {ks_number(g, 1), ks_number(g, 10)};
    ks_node *t = ks_jvp(ks_mul(ks_square(x), y), in, tangents, 2); /* 2 x y + 10 x^2 */
    expect_exactly(ks_scalar(t), 24 + 90);
    feed(x, 2);
    expect_exactly(ks_scalar(t), 16 + 40);
    done(g);
}

Test(forward, a_tangent_is_spread_where_its_node_was)
{
    ks_graph *g = graph();
    ks_node *a = given(g, "a", KS_SHAPE(2, 3), VALUES(1, 2, 3, 4, 5, 6)), *b = given(g, "b", KS_SHAPE(3), VALUES(1, 1, 2));
    ks_node *tangent = given(g, "t", KS_SHAPE(3), VALUES(1, 10, 100));
    expect_elements(pushed(ks_add(a, b), b, tangent), 0, 1, 10, 100, 1, 10, 100);
    expect_elements(pushed(ks_mul(a, b), b, tangent), 0, 1, 20, 300, 4, 50, 600);
    expect_elements(pushed(ks_sub(a, b), b, tangent), 0, -1, -10, -100, -1, -10, -100);
    done(g);
}

Test(forward, what_is_linear_is_applied_to_the_tangent)
{
    ks_graph *g = graph();
    ks_node *x = given(g, "x", KS_SHAPE(2, 2), VALUES(1, 2, 3, 4)), *t = given(g, "t", KS_SHAPE(2, 2), VALUES(1, 0, 0, 5));
    ks_node *sum = pushed(ks_sum(x, KS_INTS(0), false), x, t);
    cr_expect_str_eq(ks_node_op_name(sum), "sum");
    expect_elements(sum, 0, 1, 5);
    expect_elements(pushed(ks_transpose(x, KS_ABSENT), x, t), 0, 1, 0, 0, 5);
    expect_elements(pushed(ks_slice(x, 0, 1, 2), x, t), 0, 0, 5);
    done(g);
}

Test(forward, a_matrix_product_sums_over_both_operands)
{
    ks_graph *g = graph();
    ks_node *a = given(g, "a", KS_SHAPE(2, 2), VALUES(1, 2, 3, 4)), *b = given(g, "b", KS_SHAPE(2, 2), VALUES(5, 6, 7, 8));
    ks_node *in[] = {a, b};
    ks_node *t[] = {given(g, "ta", KS_SHAPE(2, 2), VALUES(1, 0, 0, 0)), given(g, "tb", KS_SHAPE(2, 2), VALUES(0, 1, 0, 0))};
    expect_elements(ks_jvp(ks_matmul(a, b), in, t, 2), 0, 5, 6 + 1, 0, 3); /* ta b = [5 6; 0 0], a tb = [0 1; 0 3] */
    expect_elements(pushed(ks_matmul(a, a), a, t[0]), 0, 1 + 1, 2, 3, 0);
    done(g);
}

Test(forward, what_is_joint_takes_all_tangents_at_once)
{
    ks_graph *g = graph();
    ks_node *a = given(g, "a", KS_SHAPE(2), VALUES(1, 2)), *b = given(g, "b", KS_SHAPE(2), VALUES(3, 1));
    ks_node *ta = given(g, "ta", KS_SHAPE(2), VALUES(10, 20)), *tb = given(g, "tb", KS_SHAPE(2), VALUES(300, 400));
    ks_node *in[] = {a, b}, *t[] = {ta, tb}, *joined = ks_concat(in, 2, 0), *chosen = ks_where(ks_less(a, b), a, b);
    expect_elements(ks_jvp(joined, in, t, 2), 0, 10, 20, 300, 400);
    expect_elements(pushed(joined, b, tb), 0, 0, 0, 300, 400);
    expect_elements(ks_jvp(chosen, in, t, 2), 0, 10, 400);
    expect_elements(pushed(chosen, a, ta), 0, 10, 0);
    expect_elements(pushed(ks_where(ks_less(a, b), a, ks_number(g, 7)), a, ta), 0, 10, 0);
    done(g);
}

/* softmax by its Jacobian diag(y) - y y': with y = (1/2, 1/2) and t = (1, 0) that is (1/4, -1/4) */
Test(forward, what_is_special_is_its_pullback_transposed)
{
    ks_graph *g = graph();
    ks_node *x = given(g, "x", KS_SHAPE(1, 2), VALUES(3, 3)), *t = given(g, "t", KS_SHAPE(1, 2), VALUES(1, 0));
    expect_elements(pushed(ks_softmax(x, -1), x, t), 1e-15, 0.25, -0.25);
    ks_node *m = given(g, "m", KS_SHAPE(3), VALUES(1, 5, 2)), *tm = given(g, "tm", KS_SHAPE(3), VALUES(7, 8, 9));
    expect_elements(pushed(ks_max_all(m), m, tm), 0, 8);
    done(g);
}

Test(forward, zero_wins_on_the_side_of_the_tangent)
{
    ks_graph *g = graph();
    ks_node *x = given(g, "x", KS_SHAPE(2), VALUES(0, 4)), *t = given(g, "t", KS_SHAPE(2), VALUES(0, 1));
    expect_elements(pushed(ks_sqrt(x), x, t), 0, 0, 0.25);
    expect_elements(pushed(ks_log(x), x, t), 0, 0, 0.25);
    done(g);
}

Test(forward, what_does_not_depend_has_the_tangent_zero)
{
    ks_graph *g = graph();
    ks_node *x = fed(g, "x", 1), *other = given(g, "other", KS_SHAPE(2), VALUES(1, 2)), *t = ks_number(g, 5);
    expect_elements(pushed(ks_exp(other), x, t), 0, 0, 0);
    expect_elements(pushed(ks_stop_gradient(x), x, t), 0, 0);
    expect_elements(pushed(x, x, t), 0, 5);
    done(g);
}

/* With z = x^2 an x too, its own tangent comes beside what x brings it: dz = 2 x dx + 1, dy = 3 dz */
Test(forward, an_x_inside_adds_its_own_tangent)
{
    ks_graph *g = graph();
    ks_node *x = fed(g, "x", 5), *z = ks_square(x), *y = ks_mul(ks_number(g, 3), z), *in[] = {x, z},
            *t[] = {ks_number(g, 1), ks_number(g, 1)};
    expect_exactly(ks_scalar(ks_jvp(y, in, t, 2)), 33);
    done(g);
}

Test(forward, several_y_share_one_pass)
{
    ks_graph *g = graph();
    ks_node *x = fed(g, "x", 2), *t = ks_number(g, 1), *y = ks_exp(x), *in[] = {ks_square(y), ks_sin(x), fed(g, "z", 0)}, *out[3];
    cr_assert(ks_jvps(in, 3, &x, &t, 1, out));
    expect_near(ks_scalar(out[0]), 2 * exp(4), 1e-12);
    expect_near(ks_scalar(out[1]), cos(2), 1e-15);
    expect_exactly(ks_scalar(out[2]), 0);
    done(g);
}

Test(forward, open_dimensions_take_any_size)
{
    ks_graph *g = graph();
    int64_t n = ks_dim(g, "N");
    ks_node *x = ks_input(g, "x", KS_F64, KS_SHAPE(n, 2)), *t = ks_input(g, "t", KS_F64, KS_SHAPE(n, 2));
    ks_node *w = given(g, "w", KS_SHAPE(2, 2), VALUES(1, 2, 3, 4)), *y = ks_softmax(ks_matmul(ks_square(x), w), -1);
    ks_node *u = ks_input(g, "u", KS_F64, KS_SHAPE(n, 2)), *forward = ks_sum_all(ks_mul(u, pushed(y, x, t))), *reverse;
    cr_assert(ks_vjp(y, &x, 1, u, &reverse));
    reverse = ks_sum_all(ks_mul(reverse, t));
    for (int64_t rows = 0; rows <= 7; rows += 7) {
        double a[14], b[14], c[14];
        for (int i = 0; i < 14; i++)
            a[i] = 0.1 * i - 0.5, b[i] = 1 - 0.3 * i, c[i] = i % 3 - 0.7;
        cr_assert(ks_feed(x, KS_F64, KS_SHAPE(rows, 2), a) && ks_feed(t, KS_F64, KS_SHAPE(rows, 2), b) &&
                  ks_feed(u, KS_F64, KS_SHAPE(rows, 2), c));
        expect_near(ks_scalar(forward), ks_scalar(reverse), 1e-13);
    }
    done(g);
}

/* d^3/dx^3 of x^5 at 2 by three tangents: 60 x^2 */
Test(forward, tangents_of_tangents)
{
    ks_graph *g = graph();
    ks_node *x = fed(g, "x", 2), *y = ks_pow(x, ks_number(g, 5)), *one = ks_number(g, 1);
    for (int i = 0; i < 3; i++)
        y = pushed(y, x, one);
    expect_near(ks_scalar(y), 240, 1e-12);
    done(g);
}

Test(forward, composing_anew_finds_it)
{
    ks_graph *g = graph();
    ks_node *x = given(g, "x", KS_SHAPE(1, 2), VALUES(3, 3)), *t = given(g, "t", KS_SHAPE(1, 2), VALUES(1, 0)), *first = NULL;
    int64_t mark = ks_graph_mark(g);
    for (int i = 0; i < 3; i++) {
        ks_node *tangent = pushed(ks_square(ks_softmax(x, -1)), x, t), *after = ks_exp(tangent);
        first = first ? first : after;
        cr_expect_eq(after, first);
        expect_elements(tangent, 1e-15, 0.25, -0.25);
        cr_assert(ks_graph_release(g, mark));
    }
    done(g);
}

Test(forward, dropout_keeps_the_numbers_of_its_run)
{
    ks_graph *g = graph();
    ks_node *x = given(g, "x", KS_SHAPE(8), VALUES(1, 1, 1, 1, 1, 1, 1, 1)), *y = ks_dropout(x, 0.5, KS_DROPOUT_INVERTED);
    ks_node *both[] = {y, pushed(y, x, x)};
    cr_assert(ks_run(g, both, 2, NULL, 0, &(ks_run_options){.size = sizeof(ks_run_options), .mode = KS_TRAIN}));
    double a[8], b[8];
    cr_assert(ks_read(both[0], KS_F64, a, 8) && ks_read(both[1], KS_F64, b, 8));
    for (int i = 0; i < 8; i++)
        cr_expect_eq(a[i], b[i]);
    done(g);
}

Test(forward, says_what_does_not_fit)
{
    ks_graph *g = graph();
    ks_node *x = given(g, "x", KS_SHAPE(2), VALUES(1, 2)), *y = ks_square(x);
    ks_node *n = ks_named("n", ks_cast(x, KS_I64)), *narrow = ks_named("narrow", ks_cast(x, KS_F32));
    cr_expect_null(pushed(y, n, n));
    expect_failure(g, KS_NO_GRADIENT, "ks_jvp: 'n' is i64, and only f32 and f64 have derivatives: ks_cast it first");
    cr_expect_null(pushed(y, x, narrow));
    expect_failure(g, KS_BAD_DTYPE, "ks_jvp: the tangent 'narrow' is f32, but 'x' is f64: ks_cast it");
    cr_expect_null(pushed(y, x, ks_named("total", ks_sum_all(x))));
    expect_failure(g, KS_BAD_SHAPE, "ks_jvp: the tangent 'total' is [], but 'x' is [2]: they must have one shape");
    cr_expect_null(pushed(NULL, x, x));
    cr_expect_null(pushed(y, NULL, x));
    cr_expect_null(pushed(y, x, NULL));
    done(g);
}

/* The number's dtype and shape are y's. */
Test(forward, a_bare_number_starts_the_reverse_chain_too)
{
    ks_graph *g = graph();
    ks_node *x = given(g, "x", KS_SHAPE(2), VALUES(1, 2)), *out, *three = ks_number(g, 3);
    cr_assert(ks_gradients(ks_square(x), &x, 1, three, &out));
    expect_elements(out, 0, 6, 12);
    cr_assert(ks_set_number(three, 0.5));
    expect_elements(out, 0, 1, 2);
    done(g);
}
