/*
 * test_compose.c - composing: one call makes one node, dtypes and shapes are checked at the line that is wrong, and the first
 * failure is kept with names, shapes and the mend.
 */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "engine/rules.h"
#include "support/allocator.h"

static const char *message(const ks_graph *g)
{
    return ks_error(g) ? ks_error(g)->message : "no failure";
}

/* ---- one call makes one node --------------------------------------------------------------------------- */

Test(compose, one_call_makes_one_node_and_computes_nothing)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *x = ks_variable(g, "x", KS_F32, KS_SCALAR, KS_FILL(3));
    ks_node *two = ks_number(g, 2), *a = ks_mul(two, x), *b = ks_mul(two, x);
    cr_assert_neq(a, b);
    cr_assert_eq(ks_node_count(g), 4);
    cr_assert_eq(ks_graph_statistics(g).nodes_evaluated, 0);
    ks_node *y = ks_add(a, b);
    cr_assert_eq(ks_scalar(ks_gradient(y, a)), 1.0, "equal work is computed once, but stays two nodes");
    ks_graph_free(g);
}

Test(compose, ids_are_a_topological_order)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *x = ks_variable(g, "x", KS_F32, KS_SHAPE(3), KS_ONES), *y = ks_exp(ks_sin(x));
    ks_gradient(ks_sum_all(y), x);
    for (int64_t i = 0; i < ks_node_count(g); i++) {
        ks_node *node = ks_node_at(g, i);
        for (int k = 0; k < ks_node_input_count(node); k++) {
            int64_t at = 0;
            while (ks_node_at(g, at) != ks_node_input(node, k))
                at++;
            cr_assert_lt(at, i);
        }
    }
    cr_assert(ks__graph_holds(g));
    ks_graph_free(g);
}

Test(compose, a_nodes_hot_record_is_at_most_96_bytes)
{
    cr_assert_leq(sizeof(struct ks_node), 96);
}

/* ---- NULL passes through, the first failure is kept ---------------------------------------------------- */

Test(compose, null_passes_through_every_call_quietly)
{
    ks_graph *g = ks_graph_new(NULL);
    cr_assert_null(ks_relu(ks_add(NULL, ks_number(g, 1))));
    cr_assert_null(ks_matmul(NULL, NULL));
    cr_assert_null(ks_named("x", NULL));
    cr_assert_not(ks_eval(NULL));
    cr_assert(isnan(ks_scalar(NULL)));
    cr_assert_null(ks_error(g), "NULL is not a failure of its own: %s", message(g));
    ks_graph_free(NULL);
    ks_graph_free(g);
}

Test(compose, the_first_failure_is_kept_and_the_graph_goes_on)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *a = ks_input(g, "a", KS_F32, KS_SHAPE(2, 3)), *b = ks_input(g, "b", KS_F32, KS_SHAPE(4));
    cr_assert_null(ks_add(a, b));
    int line = __LINE__ - 1;
    cr_assert_null(ks_add(a, ks_input(g, "c", KS_F64, KS_SCALAR)));
    cr_assert_str_eq(message(g), "add: shapes do not broadcast: 'a' is [2, 3], 'b' is [4]");
    cr_assert_eq(ks_error(g)->code, KS_BAD_SHAPE);
    cr_assert_eq(ks_error(g)->place.line, line, "the failure knows the line that is wrong");
    cr_assert_not_null(strstr(ks_error(g)->place.file, "test_compose.c"));
    cr_assert_not_null(ks_relu(a), "calls with good inputs go on");
    ks_error_clear(g);
    cr_assert_null(ks_error(g));
    ks_graph_free(g);
}

typedef struct heard {
    int count;
    ks_failure last;
} heard;

static void hear(void *user, const ks_failure *failure)
{
    heard *h = user;
    h->count++;
    h->last = *failure;
}

Test(compose, the_hosts_handler_is_called_at_each_failure)
{
    heard h = {0};
    ks_graph_options options = KS_GRAPH_OPTIONS_DEFAULT;
    options.on_error = hear;
    options.error_user = &h;
    ks_graph *g = ks_graph_new(&options);
    ks_input(g, "not a name", KS_F32, KS_SCALAR);
    cr_assert_eq(h.count, 1);
    cr_assert_str_eq(h.last.message, "input: 'not a name' is no name: use letters, digits and _.:/-");
    ks_constant(g, KS_F32, KS_SHAPE(2), NULL);
    cr_assert_eq(h.count, 2);
    cr_assert_eq(ks_error(g)->code, KS_BAD_NAME, "the graph keeps the first");
    ks_graph_free(g);
}

/* ---- dtypes -------------------------------------------------------------------------------------------- */

Test(compose, types_never_mix_silently)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *a = ks_input(g, "a", KS_F32, KS_SHAPE(2)), *b = ks_input(g, "b", KS_F64, KS_SHAPE(2));
    cr_assert_null(ks_mul(a, b));
    cr_assert_str_eq(message(g), "mul: dtypes differ: 'a' is f32, 'b' is f64: ks_cast one of them");
    cr_assert_not_null(ks_mul(ks_cast(a, KS_F64), b));
    ks_graph_free(g);
}

Test(compose, a_bare_number_takes_its_neighbours_dtype_and_two_of_them_are_f32)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *x = ks_input(g, "x", KS_F64, KS_SCALAR), *i = ks_input(g, "i", KS_I64, KS_SCALAR);
    cr_assert_eq(ks_node_dtype(ks_add(ks_number(g, 0.1), x)), KS_F64);
    cr_assert_eq(ks_node_dtype(ks_add(i, ks_number(g, 3))), KS_I64);
    cr_assert_eq(ks_node_dtype(ks_add(ks_number(g, 1), ks_number(g, 2))), KS_F32);
    double one = 1;
    ks_feed(x, KS_F64, KS_SCALAR, &one);
    cr_assert_eq(ks_scalar(ks_mul(x, ks_number(g, 0.1))), 0.1, "in the neighbour's precision, not in f32's");
    cr_assert_null(ks_add(i, ks_number(g, 2.5)));
    cr_assert_str_eq(message(g), "add: the number 2.5 is no i64: ks_cast the other operand");
    ks_graph_free(g);
}

Test(compose, an_operation_names_the_dtypes_it_takes)
{
    ks_graph *g = ks_graph_new(NULL);
    cr_assert_null(ks_tanh(ks_input(g, "n", KS_I32, KS_SHAPE(2))));
    cr_assert_str_eq(message(g), "tanh: takes f32, f64, but 'n' is i32: ks_cast it");
    ks_error_clear(g);
    cr_assert_null(ks_where(ks_find(g, "n"), ks_number(g, 1), ks_number(g, 2)));
    cr_assert_str_eq(message(g), "where: input 0 must be bool, but 'n' is i32: compare it, or ks_cast it to bool");
    ks_graph_free(g);
}

/* ---- dimensions ---------------------------------------------------------------------------------------- */

Test(compose, a_symbol_fits_itself_and_a_literal_one)
{
    ks_graph *g = ks_graph_new(NULL);
    int64_t N = ks_dim(g, "N"), M = ks_dim(g, "M");
    cr_assert_eq(ks_dim(g, "N"), N, "the same name is the same dimension");
    ks_node *x = ks_input(g, "x", KS_F32, KS_SHAPE(N, 3)), *row = ks_input(g, "row", KS_F32, KS_SHAPE(1, 3));
    ks_node *y = ks_input(g, "y", KS_F32, KS_SHAPE(M, 3));
    cr_assert_eq(ks_node_shape(ks_add(x, row)).dim[0], N);
    cr_assert_null(ks_add(x, y));
    cr_assert_str_eq(message(g), "add: shapes do not broadcast: 'x' is [N, 3], 'y' is [M, 3]");
    ks_graph_free(g);
}

Test(compose, what_cannot_be_decided_while_composing_is_checked_at_the_feed_with_the_origin)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *x = ks_input(g, "x", KS_F32, KS_SHAPE(KS_ANY)), *y = ks_input(g, "y", KS_F32, KS_SHAPE(KS_ANY));
    ks_node *z = ks_named("z", ks_add(x, y));
    int line = __LINE__ - 1;
    const float data[] = {1, 2, 3, 4};
    cr_assert_not_null(z, "two open dimensions may turn out equal");
    ks_feed(x, KS_F32, KS_SHAPE(4), data);
    ks_feed(y, KS_F32, KS_SHAPE(3), data);
    cr_assert_null(ks_value(z));
    cr_assert_str_eq(message(g), "add 'z': shapes do not broadcast: 'x' is [4], 'y' is [3]");
    cr_assert_eq(ks_error(g)->place.line, line);
    ks_error_clear(g);
    ks_feed(y, KS_F32, KS_SHAPE(4), data);
    cr_assert_eq(((const float *)ks_value(z))[3], 8.0f);
    ks_graph_free(g);
}

Test(compose, equal_symbols_must_be_fed_alike)
{
    ks_graph *g = ks_graph_new(NULL);
    int64_t N = ks_dim(g, "N");
    ks_node *x = ks_input(g, "x", KS_F32, KS_SHAPE(N)), *t = ks_input(g, "t", KS_F32, KS_SHAPE(N)), *z = ks_add(x, t);
    const float data[] = {1, 2, 3};
    ks_feed(x, KS_F32, KS_SHAPE(3), data);
    ks_feed(t, KS_F32, KS_SHAPE(2), data);
    cr_assert_not(ks_eval(z));
    cr_assert_str_eq(message(g), "'N' is 3 in 'x' but 2 in 't': feed them alike");
    ks_graph_free(g);
}

Test(compose, only_an_inputs_dimension_may_be_open)
{
    ks_graph *g = ks_graph_new(NULL);
    cr_assert_null(ks_variable(g, "w", KS_F32, KS_SHAPE(KS_ANY, 2), KS_ZEROS));
    cr_assert_str_eq(message(g), "variable 'w': dimension 0 is open, but only an input's may be");
    ks_graph_free(g);
}

Test(compose, sizes_that_overflow_are_refused)
{
    ks_graph *g = ks_graph_new(NULL);
    cr_assert_null(ks_variable(g, "w", KS_F32, KS_SHAPE(4294967296, 4294967296), KS_ZEROS));
    cr_assert_str_eq(message(g), "variable 'w': the sizes multiply to more than memory can hold");
    ks_graph_free(g);
}

/* ---- names --------------------------------------------------------------------------------------------- */

Test(compose, who_was_given_no_name_gets_one_of_its_operation)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *x = ks_input(g, "x", KS_F32, KS_SCALAR), *a = ks_relu(x), *b = ks_relu(a);
    cr_assert_str_eq(ks_name(a), "relu_1");
    cr_assert_str_eq(ks_name(b), "relu_2");
    cr_assert_eq(ks_find(g, "relu_2"), b);
    cr_assert_null(ks_find(g, "relu_3"));
    ks_graph_free(g);
}

Test(compose, a_given_name_is_taken_and_a_made_up_one_gives_way)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *x = ks_input(g, "x", KS_F32, KS_SCALAR), *a = ks_relu(x), *b = ks_relu(x);
    cr_assert_str_eq(ks_name(a), "relu_1");
    cr_assert_eq(ks_named("relu_1", b), b);
    cr_assert_str_eq(ks_name(b), "relu_1");
    cr_assert_str_neq(ks_name(a), "relu_1");
    cr_assert_null(ks_named("x", a));
    cr_assert_str_eq(message(g), "the name 'x' is taken by a input: names are unique in a graph");
    ks_graph_free(g);
}

Test(compose, a_variable_of_a_known_name_is_that_variable_and_must_agree)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *w = ks_variable(g, "w", KS_F32, KS_SHAPE(2), KS_ZEROS);
    cr_assert_eq(ks_variable(g, "w", KS_F32, KS_SHAPE(2), KS_ONES), w);
    cr_assert_null(ks_variable(g, "w", KS_F32, KS_SHAPE(3), KS_ZEROS));
    cr_assert_str_eq(message(g), "variable 'w' is f32 [2], asked for as f32 [3]: use another name");
    ks_graph_free(g);
}

/* ---- graphs do not mix --------------------------------------------------------------------------------- */

Test(compose, nodes_of_two_graphs_do_not_meet)
{
    ks_graph *g = ks_graph_new(NULL), *h = ks_graph_new(NULL);
    cr_assert_null(ks_add(ks_input(g, "x", KS_F32, KS_SCALAR), ks_input(h, "y", KS_F32, KS_SCALAR)));
    cr_assert_str_eq(message(g), "add: 'y' belongs to another graph");
    ks_graph_free(g);
    ks_graph_free(h);
}

Test(compose, the_number_of_inputs_is_checked)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *x = ks_input(g, "x", KS_F32, KS_SCALAR);
    cr_assert_null(ks_apply(g, ks_op_find(g, "mul"), &x, 1, NULL));
    cr_assert_str_eq(message(g), "mul: takes 2 inputs (a b), 1 given");
    ks_graph_free(g);
}
