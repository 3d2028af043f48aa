/*
 * test_effect.c - assign: what is refused where it is composed, and that a value changes only in a run that asks for it.
 */
#include "ops/ops.h"

static ks_graph *g;

static void open(void)
{
    g = ks_graph_new(NULL);
}

static void close(void)
{
    QUIET(g);
    ks_graph_free(g);
}

TestSuite(effect, .init = open, .fini = close);

Test(effect, reading_an_assign_gives_the_value_and_changes_nothing)
{
    ks_node *v = VARIABLE(g, "v", KS_F64, KS_SHAPE(2), 1, 2), *set = ks_assign(v, ks_mul(v, ks_number(g, 10)));
    IS(set, 10, 20);
    IS(v, 1, 2);
    cr_assert(ks_run(g, NULL, 0, &set, 1, NULL));
    IS(v, 10, 20);
    cr_assert(ks_run(g, NULL, 0, &set, 1, NULL));
    IS(v, 100, 200);
}

Test(effect, every_read_in_a_run_sees_the_old_values)
{
    ks_node *a = VARIABLE(g, "a", KS_F64, KS_SCALAR, 1), *b = VARIABLE(g, "b", KS_F64, KS_SCALAR, 2), *sum = ks_add(a, b);
    ks_node *swap[2] = {ks_assign(a, b), ks_assign(b, a)};
    cr_assert(ks_run(g, &sum, 1, swap, 2, NULL));
    IS(a, 2);
    IS(b, 1);
}

Test(effect, every_dtype_is_assigned)
{
    for (int dtype = 0; dtype < KS_DTYPES; dtype++) {
        char to[8], from[8];
        snprintf(to, sizeof to, "to%d", dtype);
        snprintf(from, sizeof from, "from%d", dtype);
        ks_node *v = VARIABLE(g, to, (ks_dtype)dtype, KS_SHAPE(3), 0, 0, 1),
                *set = ks_assign(v, VARIABLE(g, from, (ks_dtype)dtype, KS_SHAPE(3), 1, 0, 1));
        cr_assert(ks_run(g, NULL, 0, &set, 1, NULL));
        IS(v, 1, 0, 1);
    }
}

Test(effect, a_number_is_assigned_in_the_variable_s_dtype)
{
    ks_node *v = VARIABLE(g, "v", KS_I64, KS_SCALAR, 1), *set = ks_assign(v, ks_number(g, 7));
    cr_assert(ks_run(g, NULL, 0, &set, 1, NULL));
    IS(v, 7);
}

Test(effect, what_fails_leaves_the_variable_as_it_was)
{
    ks_node *v = VARIABLE(g, "v", KS_F64, KS_SHAPE(2), 1, 2), *set = ks_assign(v, ks_neg(v));
    ks_node *t = VARIABLE(g, "t", KS_I64, KS_SHAPE(1), 9), *bad = ks_gather(v, t, 0);
    cr_assert_not(ks_run(g, &bad, 1, &set, 1, NULL));
    FAILS(g, KS_BAD_ARGUMENT, "gather 'gather_1': index 9, at position 0, is outside the axis, which has 2 elements");
    IS(v, 1, 2);
    cr_assert_eq(ks_step_number(g), 0);
}

Test(effect, only_variables_are_assigned)
{
    ks_node *x = ks_input(g, "x", KS_F32, KS_SHAPE(2)), *v = VARIABLE(g, "v", KS_F32, KS_SHAPE(2), 1, 2);
    REFUSED(g, ks_assign(x, v), KS_BAD_ARGUMENT, "assign: 'x' is no variable but input: only variables are assigned");
    REFUSED(g, ks_assign(ks_named("y", ks_neg(v)), v), KS_BAD_ARGUMENT, "assign: 'y' is no variable but neg: only variables are assigned");
    REFUSED(g, ks_apply(g, &ks__op_assign, ((ks_node *[]){x, v}), 2, NULL), KS_BAD_ARGUMENT,
            "assign: 'x' is no variable but input: only variables are assigned");
    cr_assert_null(ks_assign(NULL, v));
    cr_assert_null(ks_assign(v, NULL));
}

Test(effect, a_variable_keeps_its_shape_and_dtype)
{
    ks_node *v = VARIABLE(g, "v", KS_F32, KS_SHAPE(2), 1, 2), *w = VARIABLE(g, "w", KS_F32, KS_SHAPE(3), 1, 2, 3),
            *d = VARIABLE(g, "d", KS_F64, KS_SHAPE(2), 1, 2);
    REFUSED(g, ks_assign(v, w), KS_BAD_SHAPE, "assign: a variable keeps its shape: 'v' is [2], the value 'w' is [3]");
    REFUSED(g, ks_assign(v, d), KS_BAD_DTYPE, "assign: dtypes differ: 'v' is f32, 'd' is f64: ks_cast one of them");
    REFUSED(g, ks_assign(v, ks_number(g, 1)), KS_BAD_SHAPE, "assign: a variable keeps its shape: 'v' is [2], the value the number 1");
}

Test(effect, an_open_shape_is_decided_at_the_run)
{
    ks_node *v = VARIABLE(g, "v", KS_F64, KS_SHAPE(2), 1, 2), *x = ks_input(g, "x", KS_F64, KS_SHAPE(KS_ANY)), *set = ks_assign(v, x);
    cr_assert(ks_feed(x, KS_F64, KS_SHAPE(2), KS__VALUES(5, 6)));
    cr_assert(ks_run(g, NULL, 0, &set, 1, NULL));
    IS(v, 5, 6);
    cr_assert(ks_feed(x, KS_F64, KS_SHAPE(3), KS__VALUES(7, 8, 9)));
    cr_assert_not(ks_run(g, NULL, 0, &set, 1, NULL));
    FAILS(g, KS_BAD_SHAPE, "assign 'assign_1': a variable keeps its shape: 'v' is [2], the value 'x' is [3]");
    IS(v, 5, 6);
}

Test(effect, an_assign_passes_no_derivative)
{
    ks_node *v = VARIABLE(g, "v", KS_F64, KS_SCALAR, 1), *x = VARIABLE(g, "x", KS_F64, KS_SCALAR, 3), *set = ks_assign(v, ks_square(x));
    IS(ks_gradient(set, x), 0);
}
