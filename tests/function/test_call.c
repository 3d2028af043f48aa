/*
 * A function placed as one node is what its body is when composed in place: values and derivatives of every kind.
 */
#include "function/function.h"
#include "support/allocator.h"

/* (x [N, 3], w [3, 2], b [2]) -> tanh(x w + b), the sum of its squares. */
static ks_function *layer(void)
{
    ks_graph *g = ks_graph_new(NULL);
    int64_t N = ks_dim(g, "N");
    ks_node *x = ks_input(g, "x", KS_F64, KS_SHAPE(N, 3)), *w = ks_input(g, "w", KS_F64, KS_SHAPE(3, 2)),
            *b = ks_input(g, "b", KS_F64, KS_SHAPE(2));
    ks_node *y = ks_output(g, "y", ks_tanh(ks_add(ks_matmul(x, w), b)));
    ks_output(g, "norm", ks_sum_all(ks_square(y)));
    return closed("layer", g);
}

typedef struct both {
    ks_graph *g;
    ks_function *f;
    ks_node *x[3], *called[2], *composed[2];
} both;

static both make(void)
{
    both t = {.g = ks_graph_new(NULL), .f = layer()};
    t.x[0] = some(t.g, "x", KS_SHAPE(4, 3));
    t.x[1] = some(t.g, "w", KS_SHAPE(3, 2));
    t.x[2] = some(t.g, "b", KS_SHAPE(2));
    cr_assert(ks_call_function(t.f, t.x, t.called), "%s", why(t.g));
    cr_assert(ks_inline_function(t.f, t.x, t.composed), "%s", why(t.g));
    return t;
}

static void drop(both *t)
{
    ks_graph_free(t->g);
    ks_function_free(t->f);
}

/* Something that hangs on both results. */
static ks_node *loss(ks_node *const *out)
{
    return ks_add(ks_sum_all(ks_mul(out[0], ks_exp(out[0]))), ks_mul(out[1], out[1]));
}

Test(call, gives_what_its_body_gives)
{
    both t = make();
    same(t.called[0], t.composed[0], 0);
    same(t.called[1], t.composed[1], 1e-15);
    drop(&t);
}

Test(call, passes_derivatives_from_all_its_results)
{
    both t = make();
    ks_node *a = loss(t.called), *b = loss(t.composed);
    for (int i = 0; i < 3; i++)
        same(ks_gradient(a, t.x[i]), ks_gradient(b, t.x[i]), 1e-13);
    drop(&t);
}

Test(call, passes_derivatives_from_a_further_result_alone)
{
    both t = make();
    same(ks_gradient(t.called[1], t.x[1]), ks_gradient(t.composed[1], t.x[1]), 1e-13);
    drop(&t);
}

Test(call, can_be_differentiated_twice)
{
    both t = make();
    ks_node *a = ks_sum_all(ks_square(ks_gradient(loss(t.called), t.x[1]))),
            *b = ks_sum_all(ks_square(ks_gradient(loss(t.composed), t.x[1])));
    for (int i = 0; i < 3; i++)
        same(ks_gradient(a, t.x[i]), ks_gradient(b, t.x[i]), 1e-12);
    drop(&t);
}

Test(call, can_be_differentiated_forwards)
{
    both t = make();
    ks_node *v[3] = {some(t.g, "vx", KS_SHAPE(4, 3)), some(t.g, "vw", KS_SHAPE(3, 2)), some(t.g, "vb", KS_SHAPE(2))};
    for (int k = 0; k < 2; k++)
        same(ks_jvp(t.called[k], t.x, v, 3), ks_jvp(t.composed[k], t.x, v, 3), 1e-13);
    same(ks_jvp(loss(t.called), &t.x[1], &v[1], 1), ks_jvp(loss(t.composed), &t.x[1], &v[1], 1), 1e-12);
    drop(&t);
}

Test(call, takes_open_dimensions)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_function *f = layer();
    ks_node *x = ks_input(g, "x", KS_F64, KS_SHAPE(ks_dim(g, "rows"), 3)), *out[2], *in[2];
    ks_node *arguments[] = {x, some(g, "w", KS_SHAPE(3, 2)), some(g, "b", KS_SHAPE(2))};
    cr_assert(ks_call_function(f, arguments, out) && ks_inline_function(f, arguments, in), "%s", why(g));
    cr_assert_str_eq(ks_dim_name(g, ks_node_shape(out[0]).dim[0]), "rows");
    ks_node *a = ks_gradient(loss(out), arguments[1]), *b = ks_gradient(loss(in), arguments[1]);
    double data[21] = {0.1, -0.2, 0.3, 0.7, 0.5, -0.9, 0.4};
    for (int64_t n = 1; n <= 7; n += 3) {
        cr_assert(ks_feed(x, KS_F64, KS_SHAPE(n, 3), data));
        same(a, b, 1e-13);
        same(out[0], in[0], 0);
    }
    ks_graph_free(g);
    ks_function_free(f);
}

Test(call, checks_its_arguments)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_function *f = layer();
    ks_node *out[2], *arguments[] = {some(g, "x", KS_SHAPE(4, 3)), some(g, "w", KS_SHAPE(5, 2)), some(g, "b", KS_SHAPE(2))};
    cr_assert_not(ks_call_function(f, arguments, out));
    cr_assert_str_eq(why(g), "call: function 'layer': dimension 0 of 'w' is 3, 5 was given");
    ks_error_clear(g);
    arguments[1] = ks_cast(some(g, "v", KS_SHAPE(3, 2)), KS_F32);
    cr_assert_not(ks_call_function(f, arguments, out));
    cr_assert_str_eq(why(g), "call: 'layer' takes 'w' as f64, but argument 1 is f32: ks_cast it");
    ks_graph_free(g);
    ks_function_free(f);
}

Test(call, is_recognised_when_composed_anew)
{
    both t = make();
    int64_t mark = ks_graph_mark(t.g);
    ks_node *first = NULL;
    for (int i = 0; i < 3; i++) {
        ks_graph_release(t.g, mark);
        ks_node *out[2];
        cr_assert(ks_call_function(t.f, t.x, out));
        ks_node *gradient = ks_gradient(loss(out), t.x[0]);
        cr_assert(ks_eval(gradient), "%s", why(t.g));
        cr_assert(!first || first == gradient);
        first = gradient;
    }
    drop(&t);
}

Test(function, must_be_pure)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_output(g, "y", ks_square(some(g, "w", KS_SHAPE(2))));
    cr_assert_null(ks_function_new("f", g));
    cr_assert_str_eq(why(g), "function 'f': its body has the variable 'w': make it an input, and give the variable where it is called");
    ks_graph_free(g);
}

Test(function, of_a_fragment_captures_what_else_it_needs)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *x = some(g, "x", KS_SHAPE(4, 3)), *w = some(g, "w", KS_SHAPE(3, 2)), *h = ks_square(x), *y = ks_sigmoid(ks_matmul(h, w));
    ks_node *captured[4], *out;
    int count = 0;
    ks_function *f = ks_function_of("piece", &h, 1, &y, 1, captured, 4, &count);
    cr_assert(f, "%s", why(g));
    cr_assert_eq(count, 1);
    cr_assert_eq(captured[0], w);
    ks_node *arguments[] = {h, w};
    cr_assert(ks_call_function(f, arguments, &out), "%s", why(g));
    same(out, y, 0);
    ks_graph_free(g);
    ks_function_free(f);
}

Test(function, has_derivatives_that_are_functions)
{
    ks_function *f = layer(), *back = ks_function_vjp(f, NULL), *forth = ks_function_jvp(f, NULL);
    cr_assert(back && forth);
    cr_assert_eq(ks_function_input_count(back), 5);
    cr_assert_eq(ks_function_output_count(back), 3);
    cr_assert_eq(ks_function_input_count(forth), 6);
    cr_assert_eq(ks_function_output_count(forth), 2);
    ks_function *again = ks_function_vjp(f, NULL);
    cr_assert_eq(again, back); /* made once */
    ks_function_free(again);
    ks_function_free(back);
    ks_function_free(forth);
    ks_function_free(f);
}

Test(checkpoint, gives_the_same_values_and_derivatives)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *x = some(g, "x", KS_SHAPE(4, 3)), *w1 = some(g, "w1", KS_SHAPE(3, 5)), *w2 = some(g, "w2", KS_SHAPE(5, 2));
    ks_node *h = ks_tanh(ks_matmul(x, w1)), *y = ks_tanh(ks_matmul(h, w2)), *out;
    cr_assert(ks_checkpoint(&x, 1, &y, 1, &out), "%s", why(g));
    same(out, y, 0);
    ks_node *a = ks_sum_all(ks_square(out)), *b = ks_sum_all(ks_square(y)), *x3[] = {x, w1, w2};
    for (int i = 0; i < 3; i++)
        same(ks_gradient(a, x3[i]), ks_gradient(b, x3[i]), 1e-14);
    ks_graph_free(g);
}

Test(checkpoint, lets_null_pass_and_refuses_another_graphs_nodes)
{
    ks_graph *g = ks_graph_new(NULL), *other = ks_graph_new(NULL);
    ks_node *x = some(g, "x", KS_SHAPE(2)), *y = ks_square(x), *none = NULL, *foreign = some(other, "z", KS_SHAPE(2)), *out;
    cr_assert_not(ks_checkpoint(&none, 1, &y, 1, &out));
    cr_assert_null(ks_error(g));
    cr_assert_not(ks_checkpoint(&foreign, 1, &y, 1, &out));
    cr_assert_str_eq(why(g), "function 'checkpoint': 'z' belongs to another graph");
    ks_graph_free(g);
    ks_graph_free(other);
}

Test(program, runs_on_numbers)
{
    ks_function *f = layer();
    ks_program *p = ks_program_new(f, NULL);
    double x[6] = {1, 2, 3, -1, 0, 0.5}, w[6] = {0.1, 0.2, 0.3, -0.1, 0.5, 0.25}, b[2] = {0.5, -0.5};
    ks_shape shapes[] = {KS_SHAPE(2, 3), KS_SHAPE(3, 2), KS_SHAPE(2)};
    ks_tensor in[] = {{x, &shapes[0], 6, KS_F64}, {w, &shapes[1], 6, KS_F64}, {b, &shapes[2], 2, KS_F64}}, out[2];
    for (int turn = 0; turn < 3; turn++) {
        cr_assert(ks_program_run(p, in, out), "%s", ks_program_error(p)->message);
        cr_assert_eq(out[0].count, 4);
        cr_assert_float_eq(((double *)out[0].data)[0], tanh(1 * 0.1 + 2 * 0.3 + 3 * 0.5 + 0.5), 1e-15);
        shapes[0].dim[0] = 2;
    }
    shapes[1].dim[0] = 4;
    cr_assert_not(ks_program_run(p, in, out));
    cr_assert_not_null(ks_program_error(p));
    ks_program_free(p);
    ks_function_free(f);
}
