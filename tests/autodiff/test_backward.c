/*
 * test_backward.c - ks_backward and ks_grad: set and not added, several losses, frozen variables, composing anew, and what the
 * output layers of the book hand back.
 */
#include "autodiff.h"

Test(backward, gives_each_variable_its_gradient)
{
    ks_graph *g = graph();
    ks_node *w = scalar(g, "w", 3), *b = scalar(g, "b", 1), *x = fed(g, "x", 2);
    cr_expect_null(ks_grad(w));
    cr_assert(ks_backward(ks_square(ks_add(ks_mul(w, x), b))));
    expect_exactly(ks_scalar(ks_grad(w)), 2 * 7 * 2);
    expect_exactly(ks_scalar(ks_grad(b)), 2 * 7);
    cr_expect_null(ks_grad(x), "inputs are not trained");
    done(g);
}

Test(backward, sets_and_does_not_add)
{
    ks_graph *g = graph();
    ks_node *w = scalar(g, "w", 3), *loss = ks_square(w);
    for (int i = 0; i < 3; i++) {
        cr_assert(ks_backward(loss));
        expect_exactly(ks_scalar(ks_grad(w)), 6);
    }
    done(g);
}

Test(backward, of_another_loss_replaces_what_it_reaches)
{
    ks_graph *g = graph();
    ks_node *w = scalar(g, "w", 3), *v = scalar(g, "v", 5);
    cr_assert(ks_backward(ks_mul(w, v)));
    ks_node *first = ks_grad(v);
    cr_assert(ks_backward(ks_square(w)));
    expect_exactly(ks_scalar(ks_grad(w)), 6);
    cr_expect_eq(ks_grad(v), first, "what it does not reach keeps its last");
    done(g);
}

Test(backward, of_a_sum_of_losses_is_the_sum)
{
    ks_graph *g = graph();
    ks_node *w = scalar(g, "w", 3), *a = ks_square(w), *b = ks_exp(w);
    cr_assert(ks_backward(ks_add(a, b)));
    expect_near(ks_scalar(ks_grad(w)), 6 + exp(3), 1e-14);
    done(g);
}

Test(backward, leaves_frozen_variables_alone)
{
    ks_graph *g = graph();
    ks_node *w = scalar(g, "w", 3), *v = scalar(g, "v", 5), *s = ks_state(g, "s", KS_F64, KS_SCALAR, KS_ONES),
            *loss = ks_mul(ks_mul(w, v), s);
    ks_set_trainable(v, false);
    cr_assert(ks_backward(loss));
    expect_exactly(ks_scalar(ks_grad(w)), 5);
    cr_expect_null(ks_grad(v));
    cr_expect_null(ks_grad(s));
    expect_exactly(slope(loss, v), 3);
    done(g);
}

Test(backward, notices_who_was_frozen_since)
{
    ks_graph *g = graph();
    ks_node *w = scalar(g, "w", 3), *v = scalar(g, "v", 5);
    int64_t mark = ks_graph_mark(g);
    cr_assert(ks_backward(ks_mul(w, v)));
    ks_graph_release(g, mark);
    ks_set_trainable(v, false);
    ks_node *loss = ks_mul(w, v);
    cr_expect_null(ks_grad(v));
    cr_assert(ks_backward(loss));
    expect_exactly(ks_scalar(ks_grad(w)), 5);
    cr_expect_null(ks_grad(v));
    done(g);
}

Test(backward, needs_a_variable)
{
    ks_graph *g = graph();
    ks_node *y = ks_named("y", ks_square(fed(g, "x", 2)));
    cr_expect_not(ks_backward(y));
    expect_failure(g, KS_NO_GRADIENT, "ks_backward: 'y' depends on no trainable variable");
    done(g);
}

/* ---- composing anew ------------------------------------------------------------------------------------ */

Test(backward, is_recognised_with_the_same_handles)
{
    ks_graph *g = graph();
    ks_node *w = scalar(g, "w", 3), *b = scalar(g, "b", 1), *first[2] = {0};
    int64_t mark = ks_graph_mark(g);
    for (int i = 0; i < 4; i++) {
        ks_graph_release(g, mark);
        cr_expect_null(ks_grad(w), "released with the rest");
        ks_node *loss = ks_square(ks_add(ks_mul(w, ks_number(g, i)), b));
        cr_assert(ks_backward(loss));
        expect_exactly(ks_scalar(ks_grad(w)), 2.0 * (3 * i + 1) * i);
        if (i) {
            cr_expect_eq(ks_grad(w), first[0]);
            cr_expect_eq(ks_grad(b), first[1]);
        }
        first[0] = ks_grad(w);
        first[1] = ks_grad(b);
    }
    done(g);
}

Test(backward, is_the_same_recognised_or_not)
{
    double got[2][6];
    for (int off = 0; off < 2; off++) {
        ks_graph_options options = {.size = sizeof options, .without = off ? KS_RECOGNISE : 0};
        ks_graph *g = ks_graph_new(&options);
        ks_node *w = scalar(g, "w", 0.3), *v = scalar(g, "v", -0.7);
        int64_t mark = ks_graph_mark(g);
        for (int i = 0; i < 6; i++) {
            ks_graph_release(g, mark);
            ks_node *h = ks_tanh(ks_mul(w, ks_number(g, i % 3)));
            if (i % 2) /* C's own if */
                h = ks_mul(h, v);
            cr_assert(ks_backward(ks_square(ks_sub(h, ks_number(g, 0.5)))));
            got[off][i] = ks_scalar(ks_grad(w)) + (i % 2 ? ks_scalar(ks_grad(v)) : 0);
        }
        done(g);
    }
    cr_expect_arr_eq(got[0], got[1], sizeof got[0]);
}

Test(backward, a_hundred_thousand_times_anew_holds_memory_flat)
{
    ks_graph *g = graph();
    ks_node *w = scalar(g, "w", 0.3);
    int64_t mark = ks_graph_mark(g);
    uint64_t after_100 = 0;
    for (int i = 0; i < 100000; i++) {
        ks_graph_release(g, mark);
        ks_node *loss = ks_square(ks_sub(ks_mul(w, ks_number(g, i % 7)), ks_number(g, 1)));
        cr_assert(ks_backward(loss));
        if (i % 1000 < 2)
            expect_near(ks_scalar(ks_grad(w)), 2 * (0.3 * (i % 7) - 1) * (i % 7), 1e-14);
        if (i == 100)
            after_100 = ks_graph_statistics(g).bytes_live;
    }
    cr_expect_eq(ks_graph_statistics(g).bytes_live, after_100);
    done(g);
}

/* ---- output layer and loss ----------------------------------------------------------------------------- */

static const double scores[] = {0.3, 2.9, 4.0, 1010 - 1000, -5, 0.25};
static const double one_hot[] = {0, 0, 1, 1, 0, 0};

Test(backward, softmax_with_cross_entropy_hands_back_y_minus_t)
{
    ks_graph *g = graph();
    ks_node *score = given(g, "score", KS_SHAPE(2, 3), scores), *hot = ks_constant(g, KS_F64, KS_SHAPE(2, 3), one_hot);
    ks_node *index = ks_constant(g, KS_I64, KS_SHAPE(2), ((int64_t[]){2, 0})), *y = ks_softmax(score, 1);
    ks_node *composed = ks_neg(ks_div(ks_sum_all(ks_mul(hot, ks_log(y))), ks_number(g, 2)));
    double closed[6], d[3][6];
    cr_assert(ks_read(y, KS_F64, closed, 6));
    for (int i = 0; i < 6; i++)
        closed[i] = (closed[i] - one_hot[i]) / 2;
    cr_assert(ks_read(ks_gradient(ks_softmax_cross_entropy(score, index), score), KS_F64, d[0], 6));
    cr_assert(ks_read(ks_gradient(ks_softmax_cross_entropy(score, hot), score), KS_F64, d[1], 6));
    cr_assert(ks_read(ks_gradient(composed, score), KS_F64, d[2], 6));
    for (int k = 0; k < 3; k++) {
        for (int i = 0; i < 6; i++)
            expect_near(d[k][i], closed[i], 1e-12);
    }
    done(g);
}

Test(backward, the_books_simple_net)
{
    /* chapter 4: x (0.6, 0.9), label 2; loss 0.9280685 without the 1e-7 in its logarithm */
    ks_graph *g = graph();
    ks_node *w = given(g, "w", KS_SHAPE(2, 3), VALUES(.47355232, .9977393, .84668094, .85557411, .03563661, .69422093));
    ks_node *x = ks_constant(g, KS_F64, KS_SHAPE(1, 2), VALUES(0.6, 0.9)), *t = ks_constant(g, KS_I64, KS_SHAPE(1), ((int64_t[]){2}));
    ks_node *loss = ks_softmax_cross_entropy(ks_matmul(x, w), t);
    cr_assert(ks_backward(loss));
    expect_near(ks_scalar(loss), 0.9280685387482351, 1e-14);
    expect_elements(ks_grad(w), 5e-11, .2192476267, .1435624661, -.3628100928, .3288714400, .2153436992, -.5442151392);
    done(g);
}

Test(backward, identity_with_half_the_squares_hands_back_y_minus_t)
{
    ks_graph *g = graph();
    ks_node *y = given(g, "y", KS_SHAPE(10), VALUES(.1, .05, .6, 0, .05, .1, 0, .1, 0, 0));
    ks_node *t = ks_constant(g, KS_F64, KS_SHAPE(10), VALUES(0, 0, 1, 0, 0, 0, 0, 0, 0, 0)),
            *loss = ks_sum_squared_error(ks_identity(y), t);
    expect_near(ks_scalar(loss), 0.0975, 1e-16);
    expect_elements(ks_gradient(loss, y), 0, .1, .05, .6 - 1, 0, .05, .1, 0, .1, 0, 0);
    done(g);
}

Test(backward, the_mean_of_squares_hands_back_twice_that_over_the_count)
{
    ks_graph *g = graph();
    ks_node *y = given(g, "y", KS_SHAPE(4), VALUES(1, 2, 3, 4)), *t = ks_constant(g, KS_F64, KS_SHAPE(4), VALUES(0, 2, 5, 3));
    expect_elements(ks_gradient(ks_mean_squared_error(y, t), y), 0, 0.5, 0, -1, 0.5);
    done(g);
}

Test(backward, a_wrong_pair_does_not_hand_back_y_minus_t)
{
    /* sigmoid with half the squares: (y - t) y (1 - y) */
    ks_graph *g = graph();
    ks_node *a = scalar(g, "a", 0.7), *y = ks_sigmoid(a), *t = fed(g, "t", 1);
    double s = 1 / (1 + exp(-0.7));
    expect_near(slope(ks_sum_squared_error(y, t), a), (s - 1) * s * (1 - s), 1e-15);
    done(g);
}

Test(backward, a_scaled_loss_scales_its_gradients)
{
    ks_graph *g = graph();
    ks_node *score = given(g, "score", KS_SHAPE(2, 3), scores), *t = ks_constant(g, KS_I64, KS_SHAPE(2), ((int64_t[]){2, 0}));
    ks_node *loss = ks_softmax_cross_entropy(score, t), *three = ks_mul(loss, ks_number(g, 3));
    double once[6], thrice[6];
    cr_assert(ks_read(ks_gradient(loss, score), KS_F64, once, 6) && ks_read(ks_gradient(three, score), KS_F64, thrice, 6));
    for (int i = 0; i < 6; i++)
        expect_near(thrice[i], 3 * once[i], 1e-15);
    done(g);
}
