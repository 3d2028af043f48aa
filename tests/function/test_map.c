/*
 * A function mapped over rows gives what it gives for each row: whether its operations run on all rows at once or row by row.
 */
#include "function/function.h"
#include "ops/family.h"

#define ROWS 5

/* Row r of x, or x itself where it is not mapped. */
static ks_node *row(ks_node *x, bool mapped, int64_t r)
{
    if (!mapped)
        return x;
    ks_shape shape = ks_node_shape(x);
    for (int d = 1; d < shape.rank; d++)
        shape.dim[d - 1] = shape.dim[d];
    shape.rank--;
    return ks_reshape(ks_slice(x, 0, r, r + 1), shape);
}

/* Every result of the map is the stack of the results of calls, and so are derivatives. */
static void check(ks_graph *body, ks_graph *g, ks_node *const *arguments, const bool *mapped)
{
    ks_function *f = closed("body", body);
    ks_node *out[4], *rows[4][ROWS], *total = NULL, *wanted_total = NULL;
    int results = ks_function_output_count(f), inputs = ks_function_input_count(f);
    cr_assert(ks_map(f, arguments, mapped, out), "%s", why(g));
    for (int64_t r = 0; r < ROWS; r++) {
        ks_node *own[4], *result[4];
        for (int i = 0; i < inputs; i++)
            own[i] = row(arguments[i], mapped[i], r);
        cr_assert(ks_inline_function(f, own, result), "%s", why(g));
        for (int k = 0; k < results; k++)
            rows[k][r] = result[k];
    }
    for (int k = 0; k < results; k++) {
        ks_node *wanted = ks_stack(rows[k], ROWS, 0);
        cr_assert_null(ks_error(g), "%s", why(g));
        same(out[k], wanted, 1e-13);
        ks_node *a = ks_sum_all(ks_mul(out[k], ks_sin(out[k]))), *b = ks_sum_all(ks_mul(wanted, ks_sin(wanted)));
        total = total ? ks_add(total, a) : a;
        wanted_total = wanted_total ? ks_add(wanted_total, b) : b;
    }
    for (int i = 0; i < inputs; i++) {
        ks_node *is = ks_gradient(total, arguments[i]), *wanted = ks_gradient(wanted_total, arguments[i]);
        cr_assert_null(ks_error(g), "%s", why(g));
        same(is, wanted, 1e-12);
    }
    cr_assert_null(ks_error(g), "%s", why(g));
    ks_graph_free(g);
    ks_function_free(f);
}

static ks_node *input(ks_graph *g, const char *name, ks_shape shape)
{
    return ks_input(g, name, KS_F64, shape);
}

Test(map, runs_elementwise_operations_and_products_at_once)
{
    ks_graph *body = ks_graph_new(NULL), *g = ks_graph_new(NULL);
    ks_node *x = input(body, "x", KS_SHAPE(3)), *w = input(body, "w", KS_SHAPE(3, 2)), *b = input(body, "b", KS_SHAPE(2));
    ks_node *y = ks_output(body, "y", ks_tanh(ks_add(ks_matmul(x, w), b)));
    ks_output(body, "norm", ks_sum_all(ks_square(y)));
    check(body, g, (ks_node *[]){some(g, "x", KS_SHAPE(ROWS, 3)), some(g, "w", KS_SHAPE(3, 2)), some(g, "b", KS_SHAPE(2))},
          (bool[]){true, false, false});
}

Test(map, maps_any_of_the_arguments)
{
    for (int mask = 1; mask < 8; mask++) {
        ks_graph *body = ks_graph_new(NULL), *g = ks_graph_new(NULL);
        ks_node *x = input(body, "x", KS_SHAPE(4, 3)), *w = input(body, "w", KS_SHAPE(3, 2)), *b = input(body, "b", KS_SHAPE(2));
        ks_output(body, "y", ks_exp(ks_add(ks_matmul(x, w), b)));
        bool mapped[] = {mask & 1, mask & 2, mask & 4};
        ks_node *arguments[] = {some(g, "x", mapped[0] ? KS_SHAPE(ROWS, 4, 3) : KS_SHAPE(4, 3)),
                                some(g, "w", mapped[1] ? KS_SHAPE(ROWS, 3, 2) : KS_SHAPE(3, 2)),
                                some(g, "b", mapped[2] ? KS_SHAPE(ROWS, 2) : KS_SHAPE(2))};
        check(body, g, arguments, mapped);
    }
}

Test(map, multiplies_vectors_and_matrices)
{
    static const struct {
        ks_shape a, b;
    } forms[] = {{{1, {3}}, {1, {3}}},
                 {{2, {2, 3}}, {1, {3}}},
                 {{1, {3}}, {2, {3, 2}}},
                 {{3, {2, 2, 3}}, {2, {3, 2}}},
                 {{2, {2, 3}}, {3, {4, 3, 2}}}};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        for (int mask = 1; mask < 4; mask++) {
            ks_graph *body = ks_graph_new(NULL), *g = ks_graph_new(NULL);
            ks_node *a = input(body, "a", forms[i].a), *b = input(body, "b", forms[i].b);
            ks_output(body, "y", ks_matmul(a, b));
            bool mapped[] = {mask & 1, mask & 2};
            ks_shape shapes[] = {forms[i].a, forms[i].b};
            for (int k = 0; k < 2; k++) {
                for (int d = shapes[k].rank; mapped[k] && d > 0; d--)
                    shapes[k].dim[d] = shapes[k].dim[d - 1];
                shapes[k].rank += mapped[k];
                if (mapped[k])
                    shapes[k].dim[0] = ROWS;
            }
            check(body, g, (ks_node *[]){some(g, "a", shapes[0]), some(g, "b", shapes[1])}, mapped);
        }
    }
}

Test(map, moves_axes_one_further_back)
{
    ks_graph *body = ks_graph_new(NULL), *g = ks_graph_new(NULL);
    ks_node *x = input(body, "x", KS_SHAPE(2, 3, 4));
    ks_output(body, "sums", ks_sum(ks_softmax(x, 1), KS_INTS(0, -1), false));
    ks_output(body, "turned", ks_reshape(ks_transpose(x, KS_INTS(2, 0, 1)), KS_SHAPE(8, 3)));
    ks_output(body, "greatest", ks_max(ks_cumsum(x, 2, false, false), KS_ABSENT, false));
    check(body, g, (ks_node *[]){some(g, "x", KS_SHAPE(ROWS, 2, 3, 4))}, (bool[]){true});
}

Test(map, finds_and_orders_along_axes)
{
    ks_graph *body = ks_graph_new(NULL), *g = ks_graph_new(NULL);
    ks_node *x = input(body, "x", KS_SHAPE(3, 4));
    ks_output(body, "any", ks_cast(ks_any(ks_greater(x, ks_number(body, 1)), KS_INTS(0), false), KS_F64));
    ks_output(body, "all", ks_cast(ks_all(ks_greater(x, ks_number(body, 1)), KS_ABSENT, false), KS_F64));
    ks_output(body, "where", ks_cast(ks_argmax(x, 0, false), KS_F64));
    ks_output(body, "order", ks_cast(ks_argsort(x, 1, false), KS_F64));
    check(body, g, (ks_node *[]){some(g, "x", KS_SHAPE(ROWS, 3, 4))}, (bool[]){true});
}

Test(map, runs_what_has_no_rule_row_by_row)
{
    ks_graph *body = ks_graph_new(NULL), *g = ks_graph_new(NULL);
    ks_node *x = input(body, "x", KS_SHAPE(3, 3)), *b = input(body, "b", KS_SHAPE(3, 2));
    ks_node *a =
        ks_add(ks_matmul(x, ks_transpose(x, KS_ABSENT)), ks_constant(body, KS_F64, KS_SHAPE(3, 3), (double[]){2, 0, 0, 0, 2, 0, 0, 0, 2}));
    ks_output(body, "flat", ks_flatten(ks_flip(a, KS_INTS(1)), 1));
    ks_output(body, "joined", ks_concat((ks_node *[]){a, b}, 2, 1));
    check(body, g, (ks_node *[]){some(g, "x", KS_SHAPE(ROWS, 3, 3)), some(g, "b", KS_SHAPE(3, 2))}, (bool[]){true, false});
}

Test(map, maps_loops)
{
    ks_graph *step = ks_graph_new(NULL), *body = ks_graph_new(NULL), *g = ks_graph_new(NULL);
    ks_node *h = input(step, "h", KS_SCALAR), *x = input(step, "x", KS_SCALAR);
    ks_output(step, "next", ks_sin(ks_add(h, x)));
    ks_output(step, "y", ks_square(h));
    ks_function *f = closed("step", step);
    ks_node *out[2], *arguments[] = {input(body, "h", KS_SCALAR), input(body, "x", KS_SHAPE(4))};
    ks_scan_options options = {.size = sizeof options, .states = 1, .scanned = 1};
    cr_assert(ks_scan(f, arguments, &options, out), "%s", why(body));
    ks_output(body, "last", out[0]);
    ks_output(body, "all", out[1]);
    ks_function_free(f);
    check(body, g, (ks_node *[]){some(g, "h", KS_SHAPE(ROWS)), some(g, "x", KS_SHAPE(ROWS, 4))}, (bool[]){true, true});
}

/* A vector has no transpose, whatever the attribute says; the matrix has one. */
Test(map, takes_vectors_times_one_matrix_as_one_product)
{
    for (int turned = 0; turned < 4; turned++) {
        ks_graph *body = ks_graph_new(NULL), *g = ks_graph_new(NULL);
        ks_node *x = input(body, "x", KS_SHAPE(ROWS)), *w = input(body, "w", KS_SHAPE(ROWS, ROWS));
        ks_output(body, "y", ks__matmul(KS_HERE, x, w, turned & 1, turned & 2));
        ks_function *f = closed("product", body);
        ks_node *arguments[] = {some(g, "x", KS_SHAPE(ROWS, ROWS)), some(g, "w", KS_SHAPE(ROWS, ROWS))}, *y;
        cr_assert(ks_map(f, arguments, (bool[]){true, false}, &y), "%s", why(g));
        same(y, ks__matmul(KS_HERE, arguments[0], arguments[1], false, turned & 2), 0);
        for (int64_t i = 0; i < ks_node_count(g); i++)
            cr_expect(strcmp(ks_node_op(ks_node_at(g, i))->name, "scan") != 0, "row by row, turned %d", turned);
        ks_graph_free(g);
        ks_function_free(f);
    }
}

Test(map, of_a_derivative_gives_a_gradient_for_each_sample)
{
    ks_graph *body = ks_graph_new(NULL), *g = ks_graph_new(NULL);
    ks_node *x = input(body, "x", KS_SHAPE(3)), *t = ks_input(body, "t", KS_I64, KS_SCALAR), *w = input(body, "w", KS_SHAPE(3, 4)),
            *b = input(body, "b", KS_SHAPE(4));
    ks_output(body, "loss", ks_softmax_cross_entropy(ks_add(ks_matmul(x, w), b), t));
    ks_function *f = closed("loss", body), *gradient = ks_function_vjp(f, NULL);
    int64_t labels[ROWS] = {0, 3, 1, 1, 2};
    double one = 1;
    ks_node *X = some(g, "x", KS_SHAPE(ROWS, 3)), *T = ks_constant(g, KS_I64, KS_SHAPE(ROWS), labels), *W = some(g, "w", KS_SHAPE(3, 4)),
            *B = some(g, "b", KS_SHAPE(4)), *out[3];
    ks_node *arguments[] = {X, T, W, B, ks_constant(g, KS_F64, KS_SCALAR, &one)};
    cr_assert(gradient && ks_map(gradient, arguments, (bool[]){true, true, false, false, false}, out), "%s", why(g));
    cr_assert_eq(ks_node_shape(out[1]).rank, 3);
    ks_node *loss = ks_softmax_cross_entropy(ks_add(ks_matmul(X, W), B), T); /* their mean */
    same(ks_mean(out[1], KS_INTS(0), false), ks_gradient(loss, W), 1e-13);
    same(ks_mean(out[2], KS_INTS(0), false), ks_gradient(loss, B), 1e-13);
    ks_graph_free(g);
    ks_function_free(gradient);
    ks_function_free(f);
}

Test(map, takes_any_number_of_rows)
{
    ks_graph *body = ks_graph_new(NULL), *g = ks_graph_new(NULL);
    ks_node *x = input(body, "x", KS_SHAPE(2)), *out;
    ks_output(body, "y", ks_sum_all(ks_mul(x, ks_number(body, 2))));
    ks_function *f = closed("twice", body);
    ks_node *rows = ks_input(g, "rows", KS_F64, KS_SHAPE(ks_dim(g, "N"), 2));
    cr_assert(ks_map(f, &rows, (bool[]){true}, &out), "%s", why(g));
    double data[8] = {1, 2, 3, 4, 5, 6, 7, 8}, read[4];
    for (int64_t n = 0; n <= 4; n += 2) {
        cr_assert(ks_feed(rows, KS_F64, KS_SHAPE(n, 2), data) && ks_read(out, KS_F64, read, n), "%s", why(g));
        for (int64_t i = 0; i < n; i++)
            cr_assert_eq(read[i], 2 * (data[2 * i] + data[2 * i + 1]));
    }
    ks_graph_free(g);
    ks_function_free(f);
}

Test(map, says_what_does_not_fit)
{
    ks_graph *body = ks_graph_new(NULL), *g = ks_graph_new(NULL);
    ks_output(body, "y", ks_exp(input(body, "x", KS_SHAPE(2))));
    ks_function *f = closed("row", body);
    ks_node *x = some(g, "x", KS_SHAPE(2)), *out;
    cr_assert_not(ks_map(f, &x, (bool[]){true}, &out));
    cr_assert_str_eq(why(g), "map: 'x' is f64 [2] in 'row' and mapped, so it takes a dimension of rows more, but 'x' is f64 [2]");
    ks_error_clear(g);
    cr_assert_not(ks_map(f, &x, (bool[]){false}, &out));
    cr_assert_str_eq(why(g), "map: no argument of 'row' is mapped: call it instead");
    ks_graph_free(g);
    ks_function_free(f);
}
