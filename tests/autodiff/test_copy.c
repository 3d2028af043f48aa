/*
 * test_copy.c - ks_copy: what outputs need, in another graph, in the same types or with f32 made f64.
 */
#include "net.h"
#include "graph/graph.h"

static bool same_value(ks_node *a, ks_node *b)
{
    ks_shape s = ks_value_shape(a);
    int64_t count = ks_shape_count(s);
    return ks_node_dtype(a) == ks_node_dtype(b) && count == ks_shape_count(ks_value_shape(b)) &&
           !memcmp(ks_value(a), ks_value(b), (size_t)count * ks_dtype_size(ks_node_dtype(a)));
}

Test(copy, computes_the_same_bits)
{
    book_net n = make_net(graph(), KS_F32, true, KS_HE);
    ks_scalar(n.loss);
    ks_graph *into = graph();
    ks_node *outputs[] = {n.loss, n.score}, *copies[2], *gradient;
    cr_assert(ks_copy(into, outputs, 2, false, copies));
    cr_expect_eq(ks_node_graph(copies[0]), into);
    cr_expect(same_value(copies[0], n.loss) && same_value(copies[1], n.score));
    cr_assert_not_null(gradient = ks_gradient(copies[0], ks_find(into, "fc1.weight")));
    cr_expect(same_value(gradient, ks_gradient(n.loss, n.w1)));
    done(n.g);
    cr_expect_eq(ks_node_dtype(ks_find(into, "fc1.weight")), KS_F32);
    cr_expect(isfinite(ks_scalar(copies[0])), "the copy stands alone");
    done(into);
}

Test(copy, in_f64_is_near_and_of_f64)
{
    book_net n = make_net(graph(), KS_F32, true, KS_HE);
    double loss = ks_scalar(n.loss);
    ks_graph *into = graph();
    ks_node *copy;
    cr_assert(ks_copy(into, &n.loss, 1, true, &copy));
    cr_expect_eq(ks_node_dtype(copy), KS_F64);
    expect_near(ks_scalar(copy), loss, 1e-5 * loss);
    cr_expect_eq(ks_node_dtype(ks_find(into, "x")), KS_F64);
    cr_expect_eq(ks_node_dtype(ks_find(into, "t")), KS_I64);
    static double w[39200];
    static float v[39200];
    cr_assert(ks_read(ks_find(into, "fc1.weight"), KS_F64, w, 39200) && ks_read(n.w1, KS_F32, v, 39200));
    for (int i = 0; i < 39200; i++)
        cr_assert(w[i] == v[i]);
    done(n.g);
    done(into);
}

Test(copy, turns_every_attribute_that_names_f32)
{
    ks_graph *g = graph(), *into = graph();
    ks_node *t = ks_input(g, "t", KS_I64, KS_SHAPE(3)), *x = ks_variable(g, "x", KS_F32, KS_SHAPE(3, 4), KS_NORMAL(1));
    ks_node *hot = ks_one_hot(t, 4, KS_F32), *noise = ks_random_normal(g, KS_F32, KS_SHAPE(3, 4), 0, 1), *cast = ks_cast(hot, KS_F32);
    ks_node *y = ks_mean_all(ks_mul(ks_add(x, noise), ks_add(cast, ks_cast(ks_cast(x, KS_F64), KS_F32)))), *copy;
    cr_assert(ks_feed(t, KS_I64, KS_SHAPE(3), ((int64_t[]){0, 2, 3})));
    ks_node *back = ks_gradient(y, x), *outputs[] = {y, back}, *copies[2];
    cr_assert(ks_copy(into, outputs, 2, true, copies));
    copy = copies[0];
    cr_expect_eq(ks_node_dtype(copy), KS_F64);
    cr_expect(isfinite(ks_scalar(copy)));
    cr_expect(isfinite(ks_scalar(ks_sum_all(copies[1]))), "gradients can be copied too");
    for (int64_t i = 0; i < ks_node_count(into); i++) {
        ks_node *node = ks_node_at(into, i);
        cr_expect(ks_is_number(node) || ks_node_dtype(node) != KS_F32, "%s is f32 still", ks_name(node));
    }
    done(g);
    done(into);
}

Test(copy, brings_names_docs_initialisers_and_flags)
{
    ks_graph *g = graph(), *into = graph();
    ks_node *x = ks_input(g, "x", KS_F32, KS_SHAPE(ks_dim(g, "N"), KS_ANY, ks_dim(g, "N")));
    ks_node *w = ks_variable(g, "w", KS_F32, KS_SCALAR, KS_NORMAL(0.5)), *s = ks_state(g, "s", KS_F32, KS_SCALAR, KS_FILL(3));
    ks_set_trainable(w, false);
    ks_set_doc(x, "what comes in");
    ks_node *y = ks_named("y", ks_mul(x, ks_add(w, s))), *copy;
    ks_set_doc(y, "what goes out");
    cr_assert(ks_copy(into, &y, 1, false, &copy));
    cr_expect_str_eq(ks_name(copy), "y");
    cr_expect_str_eq(ks_doc(copy), "what goes out");
    cr_expect_str_eq(ks_doc(ks_find(into, "x")), "what comes in");
    ks_shape shape = ks_node_shape(ks_find(into, "x"));
    cr_expect_str_eq(ks_dim_name(into, shape.dim[0]), "N");
    cr_expect_str_eq(ks_dim_name(into, shape.dim[1]), "?");
    cr_expect_eq(shape.dim[0], shape.dim[2]);
    cr_expect_eq(shape.dim[0], ks_dim(into, "N"));
    ks_node *copied = ks_find(into, "w");
    cr_expect_eq(ks_variable_init(copied).kind, KS_INIT_NORMAL);
    expect_exactly(ks_variable_init(copied).b, 0.5);
    cr_expect_not(ks_is_trainable(copied));
    cr_expect_not(ks_has_value(copied), "what was not drawn is not drawn");
    cr_expect_not(ks_is_trainable(ks_find(into, "s")));
    ks_place at = ks_node_place(copy), from = ks_node_place(y);
    cr_expect_str_eq(at.file, from.file);
    cr_expect_eq(at.line, from.line);
    done(g);
    done(into);
}

Test(copy, keeps_the_order_of_variables_among_nodes)
{
    ks_graph *g = graph(), *into = graph();
    ks_node *x = fed(g, "x", 1), *a = ks_mul(x, scalar(g, "a", 2)), *b = ks_mul(a, scalar(g, "b", 3)), *copy;
    fed(g, "unused", 5);
    cr_assert(ks_copy(into, &b, 1, false, &copy));
    static const char *const want[] = {"x", "a", "mul_1", "b", "mul_2"};
    cr_assert_eq(ks_node_count(into), 5);
    for (int i = 0; i < 5; i++)
        cr_expect_str_eq(ks_name(ks_node_at(into, i)), want[i]);
    done(g);
    done(into);
}

Test(copy, draws_the_same_random_numbers)
{
    ks_graph_options options = {.size = sizeof options, .seed = 42};
    ks_graph *g = ks_graph_new(&options), *into = ks_graph_new(&options);
    ks_random_uniform(g, KS_F64, KS_SHAPE(5), 0, 1); /* takes the first stream and is not copied */
    ks_node *second = ks_random_uniform(g, KS_F64, KS_SHAPE(5), 0, 1);
    ks_node *named = ks_named("noise", ks_random_normal(g, KS_F64, KS_SHAPE(5), 0, 1));
    ks_node *outputs[] = {second, named}, *copies[2];
    cr_assert(ks_copy(into, outputs, 2, false, copies));
    cr_expect(same_value(second, copies[0]) && same_value(named, copies[1]));
    ks_node *later = ks_random_uniform(into, KS_F64, KS_SHAPE(5), 0, 1);
    cr_expect_not(same_value(later, copies[0]), "a new random node has a stream of its own");
    done(g);
    done(into);
}

Test(copy, in_a_graph_with_its_own_variables_shares_them)
{
    ks_graph *g = graph(), *into = graph();
    ks_node *w = scalar(g, "w", 2), *y = ks_square(w), *copy, *own = scalar(into, "w", 5);
    cr_assert(ks_copy(into, &y, 1, false, &copy));
    cr_expect_eq(ks_node_input(copy, 0), own);
    expect_exactly(ks_scalar(copy), 4);
    done(g);
    done(into);
}

Test(copy, twice_into_one_graph_is_refused_where_names_meet)
{
    ks_graph *g = graph(), *into = graph();
    ks_node *x = fed(g, "x", 2), *y = ks_square(x), *copy;
    cr_assert(ks_copy(into, &y, 1, false, &copy));
    int64_t nodes = ks_node_count(into);
    cr_expect_not(ks_copy(into, &y, 1, false, &copy));
    expect_failure(into, KS_BAD_NAME, "input 'x': the name is taken by a input: names are unique in a graph");
    cr_expect_eq(ks_node_count(into), nodes, "nothing half copied stays");
    done(g);
    done(into);
}

Test(copy, refuses_what_cannot_be)
{
    ks_graph *g = graph(), *other = graph(), *into = graph();
    ks_node *x = fed(g, "x", 2), *z = fed(other, "z", 1), *out[2];
    cr_expect_not(ks_copy(into, ((ks_node *[]){x, z}), 2, false, out));
    expect_failure(into, KS_BAD_ARGUMENT, "ks_copy: 'x' and 'z' belong to different graphs");
    cr_expect_not(ks_copy(g, &x, 1, false, out));
    expect_failure(g, KS_BAD_ARGUMENT, "ks_copy: 'x' is in the target already");
    int64_t mark = ks_graph_mark(g);
    ks_node *y = ks_square(x);
    ks_graph_release(g, mark);
    cr_expect_not(ks_copy(into, &y, 1, false, out));
    expect_failure(into, KS_RELEASED, "ks_copy: output 0 was released: compose it again");
    done(g);
    done(other);
    done(into);
}

Test(copy, of_a_reshape_keeps_the_dimension_that_is_left)
{
    ks_graph *g = graph(), *into = graph();
    ks_node *x = ks_input(g, "x", KS_F64, KS_SHAPE(ks_dim(g, "N"), 6)), *y = ks_reshape(x, KS_SHAPE(-1, 3)), *copy;
    ks_dim(into, "other"); /* so that handles differ */
    cr_assert(ks_copy(into, &y, 1, false, &copy));
    cr_assert(ks_feed(ks_find(into, "x"), KS_F64, KS_SHAPE(2, 6), VALUES(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)));
    ks_shape shape = ks_value_shape(copy);
    cr_expect(shape.rank == 2 && shape.dim[0] == 4 && shape.dim[1] == 3);
    done(g);
    done(into);
}

Test(copy, of_a_long_chain_does_not_recurse)
{
    ks_graph *g = graph(), *into = graph();
    ks_node *x = fed(g, "x", 0), *y = x, *copy;
#ifdef KS_TORTURE /* there arrays grow by one */
    enum { LENGTH = 2000 };
#else
    enum { LENGTH = 200000 };
#endif
    for (int i = 0; i < LENGTH; i++)
        y = ks_add(y, ks_number(g, 1));
    cr_assert(ks_copy(into, &y, 1, false, &copy));
    expect_exactly(ks_scalar(copy), LENGTH);
    cr_expect_eq(ks_node_count(into), ks_node_count(g));
    done(g);
    done(into);
}

/* ---- functions ----------------------------------------------------------------------------------------- */

static ks_function *closed(const char *name, ks_graph *body)
{
    ks_function *f = ks_function_new(name, body);
    cr_assert_not_null(f, "%s", ks_error(body) ? ks_error(body)->message : "");
    return f;
}

/* (h [2], x [2], w [2, 2]) -> tanh(h w + x c), the sum of its squares; inside it calls another function. c is a constant. */
static ks_function *cell(void)
{
    ks_graph *inner = graph(), *g = graph();
    ks_output(inner, "y", ks_tanh(ks_input(inner, "x", KS_F32, KS_SHAPE(2))));
    ks_function *tanh = closed("bend", inner);
    ks_node *h = ks_input(g, "h", KS_F32, KS_SHAPE(2)), *x = ks_input(g, "x", KS_F32, KS_SHAPE(2)),
            *w = ks_input(g, "w", KS_F32, KS_SHAPE(2, 2)), *bent;
    ks_node *c = ks_constant(g, KS_F32, KS_SHAPE(2), (const float[]){0.5f, 0.25f});
    ks_node *sum = ks_add(ks_matmul(h, w), ks_cast(ks_mul(x, c), KS_F32));
    cr_assert(ks_call_function(tanh, &sum, &bent));
    ks_output(g, "next", bent);
    ks_output(g, "y", ks_sum_all(ks_square(bent)));
    ks_function_free(tanh);
    return closed("cell", g);
}

/* A scan of the cell and a call of it, in f32, of variables with these names. */
static ks_node *recurrent(ks_graph *g)
{
    ks_function *f = cell();
    ks_node *h = ks_variable(g, "h", KS_F32, KS_SHAPE(2), KS_NORMAL(1)), *x = ks_variable(g, "x", KS_F32, KS_SHAPE(3, 2), KS_NORMAL(1)),
            *w = ks_variable(g, "w", KS_F32, KS_SHAPE(2, 2), KS_NORMAL(1)), *out[2], *more[2];
    ks_scan_options options = {.size = sizeof options, .states = 1, .scanned = 1};
    cr_assert(ks_scan(f, (ks_node *[]){h, x, w}, &options, out));
    cr_assert(ks_call_function(f, (ks_node *[]){out[0], h, w}, more));
    ks_function_free(f);
    return ks_add(ks_sum_all(ks_mul(out[1], out[1])), ks_add(more[1], ks_sum_all(more[0])));
}

Test(copy, shares_functions_where_types_stay)
{
    ks_graph *g = graph(), *into = graph();
    ks_node *y = recurrent(g), *outputs[] = {y, ks_gradient(y, ks_find(g, "w"))}, *copies[2];
    cr_assert(ks_copy(into, outputs, 2, false, copies));
    cr_expect(same_value(copies[0], outputs[0]) && same_value(copies[1], outputs[1]));
    cr_expect(same_value(ks_gradient(copies[0], ks_find(into, "w")), outputs[1]));
    cr_expect_eq(into->function_count, g->function_count);
    for (uint32_t i = 0; i < into->function_count; i++) {
        bool shared = false;
        for (uint32_t k = 0; k < g->function_count; k++)
            shared = shared || g->functions[k] == into->functions[i];
        cr_expect(shared);
    }
    done(g); /* the copy keeps them alive */
    cr_expect(isfinite(ks_scalar(copies[0])));
    done(into);
}

Test(copy, makes_a_function_in_f64_once)
{
    ks_graph *g = graph(), *into = graph(), *again = graph();
    ks_node *y = recurrent(g), *outputs[] = {y, ks_gradient(y, ks_find(g, "w"))}, *copies[2], *others[2];
    cr_assert(ks_copy(into, outputs, 2, true, copies));
    cr_assert(ks_copy(again, outputs, 2, true, others));
    cr_expect_eq(ks_node_dtype(copies[0]), KS_F64);
    expect_near(ks_scalar(copies[0]), ks_scalar(y), 1e-5);
    double a[4], b[4];
    cr_assert(ks_read(copies[1], KS_F64, a, 4) && ks_read(outputs[1], KS_F64, b, 4));
    for (int i = 0; i < 4; i++)
        expect_near(a[i], b[i], 1e-5);
    /* the derivative that was copied reads the insides of the copied call by position */
    cr_assert(ks_read(ks_gradient(copies[0], ks_find(into, "w")), KS_F64, b, 4));
    for (int i = 0; i < 4; i++)
        expect_near(a[i], b[i], 1e-14);
    cr_assert_geq(into->function_count, again->function_count);
    for (uint32_t i = 0; i < again->function_count; i++)
        cr_expect_eq(into->functions[i], again->functions[i], "one f64 form");
    done(g);
    done(into);
    done(again);
}

Test(copy, of_functions_lets_gradients_be_checked)
{
    ks_graph *g = graph();
    ks_node *y = recurrent(g);
    ks_node *x[] = {ks_find(g, "h"), ks_find(g, "x"), ks_find(g, "w")};
    ks_gradcheck_report report;
    cr_expect(ks_gradcheck(y, x, 3, NULL, &report), "%s", ks_error(g) ? ks_error(g)->message : "");
    cr_expect(report.passed && report.count == 3);
    ks_gradcheck_free(&report);
    done(g);
}

Test(copy, in_f64_gives_functions_their_numbers)
{
    ks_graph *g = graph(), *into = graph(), *body = graph();
    ks_node *in = ks_input(body, "x", KS_F32, KS_SHAPE(2));
    ks_output(body, "y", ks_mul(in, ks_input(body, "s", KS_F32, KS_SCALAR)));
    ks_function *f = closed("scaled", body);
    ks_node *x = ks_variable(g, "x", KS_F32, KS_SHAPE(2), KS_ONES), *s = ks_number(g, 3), *y, *copy;
    cr_assert(ks_call_function(f, ((ks_node *[]){x, s}), &y), "%s", ks_error(g) ? ks_error(g)->message : "");
    y = ks_add(y, s);
    cr_assert(ks_copy(into, &y, 1, true, &copy), "%s", ks_error(into) ? ks_error(into)->message : "");
    expect_elements(copy, 0, 6, 6);
    cr_expect_eq(ks_node_dtype(copy), KS_F64);
    ks_function_free(f);
    done(g);
    done(into);
}

Test(copy, into_a_graph_with_random_nodes_draws_a_derivative_of_what_is_drawn)
{
    ks_graph *g = graph(), *into = graph(), *body = graph();
    ks_node *x = ks_input(body, "x", KS_F64, KS_SHAPE(8));
    ks_output(body, "y", ks_mul(x, ks_random_uniform(body, KS_F64, KS_SHAPE(8), 0, 1)));
    ks_function *f = closed("noisy", body);
    ks_node *w = ks_variable(g, "w", KS_F64, KS_SHAPE(8), KS_ONES), *y;
    cr_assert(ks_call_function(f, &w, &y));
    ks_node *outputs[] = {y, ks_gradient(ks_sum_all(y), w)}, *copies[2];
    ks_random_uniform(into, KS_F64, KS_SHAPE(8), 0, 1);
    cr_assert(ks_copy(into, outputs, 2, false, copies));
    cr_assert(ks_eval_all(copies, 2));
    cr_expect(same_value(copies[0], copies[1]), "y / w is dy / dw");
    ks_function_free(f);
    done(g);
    done(into);
}
