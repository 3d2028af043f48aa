/*
 * test_anomaly.c - the first node that became NaN or infinite, and what is said of it.
 */
#include "autodiff.h"

static ks_anomaly found(ks_node *target)
{
    ks_anomaly a;
    cr_assert(ks_find_anomaly(&target, 1, KS_INFER, &a), "%s",
              ks_error(ks_node_graph(target)) ? ks_error(ks_node_graph(target))->message : "");
    return a;
}

Test(anomaly, names_the_first_and_its_inputs)
{
    ks_graph *g = graph();
    ks_node *x = given(g, "x", KS_SHAPE(3), VALUES(4, 0, 1)), *l = ks_named("l", ks_log(x));
    ks_anomaly a = found(ks_sum_all(ks_mul(ks_exp(ks_neg(l)), ks_number(g, 2))));
    cr_assert(a.found);
    cr_expect_eq(a.node, l);
    cr_expect_null(a.of);
    cr_expect_eq(a.element, 1);
    cr_expect(a.value == -INFINITY);
    cr_expect_str_eq(a.message, "log 'l' became -inf at element 1: 'x' [3] lies between 0 and 4 and is 0 there");
    done(g);
}

Test(anomaly, says_in_whose_derivative_it_stands)
{
    ks_graph *g = graph();
    ks_node *x = given(g, "x", KS_SHAPE(2), VALUES(1, 0));
    ks_node *r = ks_named("r", ks_sqrt(x));
    ks_anomaly a = found(ks_gradient(ks_sum_all(r), x));
    cr_assert(a.found);
    cr_expect_eq(a.of, r);
    cr_expect_eq(a.element, 1);
    cr_expect_eq(a.place.line, ks_node_place(r).line);
    cr_expect_not_null(strstr(a.message, " in the derivative of sqrt 'r' became inf at element 1: "), "%s", a.message);
    done(g);
}

Test(anomaly, what_is_finite_has_none_and_what_is_shut_out_is_none)
{
    ks_graph *g = graph();
    ks_node *x = given(g, "x", KS_SHAPE(2), VALUES(1, 0)), *zero = ks_number(g, 0);
    cr_expect_not(found(ks_exp(x)).found);
    cr_expect_not(found(ks_where(ks_greater(x, zero), ks_log(x), zero)).found);
    done(g);
}

Test(anomaly, a_mask_of_infinities_is_not_what_did_it)
{
    ks_graph *g = graph();
    ks_node *mask = ks_constant(g, KS_F64, KS_SHAPE(2, 2), VALUES(0, -INFINITY, -INFINITY, -INFINITY));
    ks_node *x = given(g, "x", KS_SHAPE(2, 2), VALUES(1, 2, 3, 4)), *s = ks_named("s", ks_softmax(ks_add(x, mask), -1));
    ks_anomaly a = found(s);
    cr_assert(a.found);
    cr_expect_eq(a.node, s);
    cr_expect_eq(a.element, 2);
    cr_expect_eq(found(ks_add(x, mask)).node, mask);
    done(g);
}

Test(anomaly, a_new_one_beside_an_old_one)
{
    ks_graph *g = graph();
    ks_node *mask = ks_constant(g, KS_F64, KS_SHAPE(2), VALUES(-INFINITY, 0)), *x = given(g, "x", KS_SHAPE(2), VALUES(1, 1000));
    ks_node *e = ks_named("e", ks_exp(ks_sub(x, mask)));
    ks_anomaly a = found(ks_sum_all(e));
    cr_expect_eq(a.node, e);
    cr_expect_eq(a.element, 1);
    done(g);
}

Test(anomaly, a_nan_that_was_fed)
{
    ks_graph *g = graph();
    ks_node *x = fed(g, "x", NAN);
    ks_anomaly a = found(ks_exp(ks_square(x)));
    cr_expect_eq(a.node, x);
    cr_expect_str_eq(a.message, "input 'x' was given nan at element 0");
    done(g);
}

Test(anomaly, says_what_it_lacks)
{
    ks_graph *g = graph();
    ks_node *y = ks_exp(ks_input(g, "x", KS_F64, KS_SCALAR));
    ks_anomaly a;
    cr_expect_not(ks_find_anomaly(&y, 1, KS_INFER, &a));
    cr_assert_not_null(ks_error(g));
    cr_expect_eq(ks_error(g)->code, KS_NOT_FED);
    ks_error_clear(g);
    cr_expect_not(ks_find_anomaly(NULL, 1, KS_INFER, &a));
    done(g);
}
