/*
 * test_arithmetic.c - two operands: values, broadcasting on either side, dtypes, infinities and zeros, bare numbers, and how their
 * derivatives behave where they are no ordinary number.
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

TestSuite(arithmetic, .init = open, .fini = close);

/* ---- values -------------------------------------------------------------------------------------------- */

Test(arithmetic, apples_and_oranges_cost_715)
{
    ks_node *apples = ks_mul(VARIABLE(g, "apple", KS_F64, KS_SCALAR, 100), VARIABLE(g, "apples", KS_F64, KS_SCALAR, 2));
    ks_node *oranges = ks_mul(VARIABLE(g, "orange", KS_F64, KS_SCALAR, 150), VARIABLE(g, "oranges", KS_F64, KS_SCALAR, 3));
    ks_node *price = ks_mul(ks_add(apples, oranges), VARIABLE(g, "tax", KS_F64, KS_SCALAR, 1.1));
    IS_NEAR(1e-15, price, 715);
    IS_NEAR(1e-15, ks_gradient(price, ks_find(g, "apple")), 2.2);
    IS_NEAR(1e-15, ks_gradient(price, ks_find(g, "apples")), 110);
    IS_NEAR(1e-15, ks_gradient(price, ks_find(g, "orange")), 3.3);
    IS_NEAR(1e-15, ks_gradient(price, ks_find(g, "oranges")), 165);
    IS_NEAR(1e-15, ks_gradient(price, ks_find(g, "tax")), 650);
}

Test(arithmetic, values_in_both_floating_types)
{
    for (int dtype = KS_F32; dtype <= KS_F64; dtype++) {
        ks_node *a = VARIABLE(g, dtype ? "a64" : "a32", (ks_dtype)dtype, KS_SHAPE(4), 6, -2, 0.5, 3),
                *b = VARIABLE(g, dtype ? "b64" : "b32", (ks_dtype)dtype, KS_SHAPE(4), 2, 4, -0.25, 3);
        IS(ks_add(a, b), 8, 2, 0.25, 6);
        IS(ks_sub(a, b), 4, -6, 0.75, 0);
        IS(ks_mul(a, b), 12, -8, -0.125, 9);
        IS(ks_div(a, b), 3, -0.5, -2, 1);
        IS_NEAR(1e-6, ks_pow(a, b), 36, 16, pow(0.5, -0.25), 27);
        IS(ks_maximum(a, b), 6, 4, 0.5, 3);
        IS(ks_minimum(a, b), 2, -2, -0.25, 3);
        DTYPE_IS(ks_add(a, b), (ks_dtype)dtype);
    }
}

Test(arithmetic, operands_broadcast_on_either_side)
{
    ks_node *column = VARIABLE(g, "column", KS_F32, KS_SHAPE(2, 1), 10, 20), *row = VARIABLE(g, "row", KS_F32, KS_SHAPE(3), 1, 2, 3);
    IS(ks_add(column, row), 11, 12, 13, 21, 22, 23);
    IS(ks_sub(row, column), -9, -8, -7, -19, -18, -17);
    SHAPE_IS(ks_add(column, row), 2, 3);
    ks_node *deep = VARIABLE(g, "deep", KS_F32, KS_SHAPE(2, 1, 2), 1, 2, 3, 4);
    ks_node *y = ks_mul(deep, VARIABLE(g, "wide", KS_F32, KS_SHAPE(3, 1), 1, 10, 100));
    SHAPE_IS(y, 2, 3, 2);
    IS(y, 1, 2, 10, 20, 100, 200, 3, 4, 30, 40, 300, 400);
}

Test(arithmetic, a_derivative_is_summed_down_where_its_operand_was_spread)
{
    ks_node *column = VARIABLE(g, "column", KS_F64, KS_SHAPE(2, 1), 10, 20), *row = VARIABLE(g, "row", KS_F64, KS_SHAPE(3), 1, 2, 3);
    ks_node *y = ks_mul(column, row), *scalar = VARIABLE(g, "s", KS_F64, KS_SCALAR, 2);
    IS(ks_gradient(y, column), 6, 6);
    SHAPE_IS(ks_gradient(y, column), 2, 1);
    IS(ks_gradient(y, row), 30, 30, 30);
    IS(ks_gradient(ks_div(y, scalar), scalar), -45); /* -sum(y)/4 */
    SCALAR_IS(ks_gradient(ks_div(y, scalar), scalar));
}

Test(arithmetic, whole_numbers_wrap)
{
    ks_node *a = VARIABLE(g, "a", KS_I32, KS_SHAPE(3), 2147483647, -2147483648.0, 65536);
    IS(ks_add(a, ks_number(g, 1)), -2147483648.0, -2147483647, 65537);
    IS(ks_sub(a, ks_number(g, 1)), 2147483646, 2147483647, 65535);
    IS(ks_mul(a, a), 1, 0, 0);
    ks_node *u = VARIABLE(g, "u", KS_U8, KS_SHAPE(3), 255, 0, 16);
    IS(ks_add(u, ks_number(g, 1)), 0, 1, 17);
    IS(ks_sub(u, ks_number(g, 1)), 254, 255, 15);
    IS(ks_mul(u, u), 1, 0, 0);
    int64_t least = INT64_MIN, sum;
    ks_node *l = ks_constant(g, KS_I64, KS_SCALAR, &least);
    cr_assert(ks_read(ks_sub(l, ks_number(g, 1)), KS_I64, &sum, 1));
    cr_assert_eq(sum, INT64_MAX);
}

Test(arithmetic, whole_numbers_divide_towards_zero_and_by_zero_give_zero)
{
    ks_node *a = VARIABLE(g, "a", KS_I32, KS_SHAPE(5), 7, -7, 7, -2147483648.0, 5),
            *b = VARIABLE(g, "b", KS_I32, KS_SHAPE(5), 2, 2, -2, -1, 0);
    IS(ks_div(a, b), 3, -3, -3, -2147483648.0, 0);
    int64_t least[] = {INT64_MIN, 9, -9}, by[] = {-1, 0, 4}, out[3];
    ks_node *q = ks_div(ks_constant(g, KS_I64, KS_SHAPE(3), least), ks_constant(g, KS_I64, KS_SHAPE(3), by));
    cr_assert(ks_read(q, KS_I64, out, 3));
    cr_assert(out[0] == INT64_MIN && out[1] == 0 && out[2] == -2);
    IS(ks_div(VARIABLE(g, "c", KS_U8, KS_SHAPE(2), 200, 200), VARIABLE(g, "d", KS_U8, KS_SHAPE(2), 3, 0)), 66, 0);
}

Test(arithmetic, floating_numbers_divide_by_zero_as_ieee_says)
{
    ks_node *a = VARIABLE(g, "a", KS_F64, KS_SHAPE(3), 1, -1, 0);
    IS(ks_div(a, ks_number(g, 0)), INF_, -INF_, NAN_);
}

Test(arithmetic, nan_wins_in_maximum_and_minimum_on_either_side)
{
    ks_node *a = VARIABLE(g, "a", KS_F32, KS_SHAPE(3), NAN_, 1, 2), *b = VARIABLE(g, "b", KS_F32, KS_SHAPE(3), 1, NAN_, INF_);
    IS(ks_maximum(a, b), NAN_, NAN_, INF_);
    IS(ks_minimum(a, b), NAN_, NAN_, 2);
}

Test(arithmetic, pow_has_the_special_cases_of_c)
{
    ks_node *a = VARIABLE(g, "a", KS_F64, KS_SHAPE(7), 0, -2, -8, 0, NAN_, 2, -INF_);
    ks_node *b = VARIABLE(g, "b", KS_F64, KS_SHAPE(7), 0, 3, 1.0 / 3, -1, 0, -INF_, 3);
    IS(ks_pow(a, b), 1, -8, NAN_, INF_, 1, 0, -INF_);
}

Test(arithmetic, empty_tensors_stay_empty)
{
    ks_node *a = NOTHING(g, "a", KS_F32, KS_SHAPE(0, 3)), *b = VARIABLE(g, "b", KS_F32, KS_SHAPE(3), 1, 2, 3);
    SHAPE_IS(ks_mul(a, b), 0, 3);
    IS(ks_gradient(ks_mul(a, b), b), 0, 0, 0);
    SHAPE_IS(ks_gradient(ks_mul(a, b), a), 0, 3);
    SHAPE_IS(ks_add(NOTHING(g, "c", KS_F32, KS_SHAPE(0)), VARIABLE(g, "d", KS_F32, KS_SHAPE(1), 1)), 0);
}

/* ---- bare numbers -------------------------------------------------------------------------------------- */

Test(arithmetic, a_bare_number_takes_the_dtype_beside_it)
{
    DTYPE_IS(ks_mul(VARIABLE(g, "a", KS_F64, KS_SCALAR, 3), ks_number(g, 2)), KS_F64);
    DTYPE_IS(ks_mul(ks_number(g, 2), VARIABLE(g, "b", KS_U8, KS_SCALAR, 3)), KS_U8);
    DTYPE_IS(ks_mul(ks_number(g, 2), ks_number(g, 3)), KS_F32);
    IS(ks_mul(ks_number(g, 2), ks_number(g, 3)), 6);
    double tenth = ks_scalar(ks_mul(ks_find(g, "a"), ks_number(g, 0.1)));
    cr_assert_eq(tenth, 3 * 0.1); /* not by way of f32 */
}

Test(arithmetic, derivatives_beside_bare_numbers_keep_the_dtype)
{
    ks_node *x = VARIABLE(g, "x", KS_F64, KS_SHAPE(2), 2, -3);
    IS(ks_gradient(ks_add(x, ks_number(g, 5)), x), 1, 1);
    IS(ks_gradient(ks_sub(ks_number(g, 5), x), x), -1, -1);
    IS(ks_gradient(ks_mul(x, ks_number(g, 5)), x), 5, 5);
    IS(ks_gradient(ks_div(x, ks_number(g, 4)), x), 0.25, 0.25);
    IS_NEAR(1e-15, ks_gradient(ks_div(ks_number(g, 6), x), x), -1.5, -6.0 / 9);
    IS(ks_gradient(ks_pow(x, ks_number(g, 3)), x), 12, 27);
    IS_NEAR(1e-15, ks_gradient(ks_pow(ks_number(g, 2), x), x), 4 * log(2), 0.125 * log(2));
    IS(ks_gradient(ks_maximum(x, ks_number(g, 0)), x), 1, 0);
    IS(ks_gradient(ks_minimum(ks_number(g, 0), x), x), 0, 1);
    IS(ks_gradient(ks_gradient(ks_pow(x, ks_number(g, 3)), x), x), 12, -18);
    IS(ks_gradient(ks_gradient(ks_div(ks_pow(x, ks_number(g, 2)), ks_number(g, 2)), x), x), 1, 1);
    DTYPE_IS(ks_gradient(ks_div(x, ks_number(g, 4)), x), KS_F64);
}

Test(arithmetic, a_changed_number_changes_its_derivatives)
{
    ks_node *x = VARIABLE(g, "x", KS_F64, KS_SCALAR, 2), *n = ks_number(g, 3), *y = ks_pow(x, n), *dx = ks_gradient(y, x);
    IS(dx, 12);
    cr_assert(ks_set_number(n, 2));
    IS(y, 4);
    IS(dx, 4);
    ks_node *m = ks_number(g, 1), *z = ks_mul(x, m); /* may be simplified away, and must come back */
    IS(z, 2);
    cr_assert(ks_set_number(m, 5));
    IS(z, 10);
}

/* ---- derivatives where they are no ordinary number ------------------------------------------------------ */

Test(arithmetic, a_constant_power_of_zero_is_flat_where_it_should_be)
{
    ks_node *x = VARIABLE(g, "x", KS_F64, KS_SHAPE(2), 0, 2);
    IS(ks_gradient(ks_pow(x, ks_number(g, 0)), x), 0, 0);
    IS(ks_gradient(ks_pow(x, ks_number(g, 1)), x), 1, 1);
    IS(ks_gradient(ks_pow(x, ks_number(g, 2)), x), 0, 4);
    ks_node *b = VARIABLE(g, "b", KS_F64, KS_SCALAR, 2);
    IS_NEAR(1e-15, ks_gradient(ks_pow(x, b), b), 4 * log(2)); /* 0^b adds nothing */
}

Test(arithmetic, equal_ones_share_the_derivative)
{
    ks_node *a = VARIABLE(g, "a", KS_F64, KS_SHAPE(3), 1, 2, 3), *b = VARIABLE(g, "b", KS_F64, KS_SHAPE(3), 3, 2, 1);
    IS(ks_gradient(ks_maximum(a, b), a), 0, 0.5, 1);
    IS(ks_gradient(ks_maximum(a, b), b), 1, 0.5, 0);
    IS(ks_gradient(ks_minimum(a, b), a), 1, 0.5, 0);
    IS(ks_gradient(ks_minimum(a, b), b), 0, 0.5, 1);
    IS(ks_gradient(ks_maximum(a, a), a), 1, 1, 1);
}

Test(arithmetic, what_maximum_did_not_take_adds_nothing_be_it_nan_or_infinite)
{
    ks_node *x = VARIABLE(g, "x", KS_F64, KS_SHAPE(2), 0, 4); /* sqrt has an infinite derivative at 0 */
    IS(ks_gradient(ks_maximum(ks_sqrt(x), ks_number(g, 1)), x), 0, 0.25);
}

Test(arithmetic, zero_wins_in_chain_mul_and_keeps_its_sign)
{
    ks_node *u = VARIABLE(g, "u", KS_F64, KS_SHAPE(5), 0, -0.0, 1, 2, NAN_),
            *p = VARIABLE(g, "p", KS_F64, KS_SHAPE(5), NAN_, INF_, INF_, 3, 0);
    ks_node *y = ks_chain_mul(u, p);
    double values[5];
    IS(y, 0, 0, INF_, 6, NAN_);
    cr_assert(ks_read(y, KS_F64, values, 5));
    cr_assert(!signbit(values[0]) && signbit(values[1]));
}

Test(arithmetic, zero_wins_on_both_sides_where_a_partial_selects)
{
    ks_node *u = VARIABLE(g, "u", KS_F64, KS_SHAPE(4), 0, NAN_, INF_, 2), *p = VARIABLE(g, "p", KS_F64, KS_SHAPE(4), NAN_, 0, 0, 1);
    IS(ks__apply2(KS_HERE, &ks__op_select_mul, u, p, NULL), 0, 0, 0, 2);
}

/* y = 1/2 (sqrt(x) - 1)^2: dy/dx is 0 at 1, as a product of 0 and 1/2, and the second derivative is 1/4 all the same. */
Test(arithmetic, zero_wins_and_second_derivatives_stay_right)
{
    ks_node *x = VARIABLE(g, "x", KS_F64, KS_SCALAR, 1);
    ks_node *y = ks_mul(ks_number(g, 0.5), ks_square(ks_sub(ks_sqrt(x), ks_number(g, 1))));
    ks_node *first = ks_gradient(y, x);
    IS(first, 0);
    IS(ks_gradient(first, x), 0.25);
    double at = 2.25;
    cr_assert(ks_set(x, KS_F64, &at));
    IS_NEAR(1e-15, first, 0.5 / 3);
    IS_NEAR(1e-15, ks_gradient(first, x), 0.25 / (2.25 * 1.5)); /* 1/4 x^-3/2 */
}

/* ---- add_n --------------------------------------------------------------------------------------------- */

Test(arithmetic, add_n_adds_in_order_and_hands_the_derivative_to_each)
{
    ks_node *a = VARIABLE(g, "a", KS_F32, KS_SHAPE(3), 1, 2, 3), *b = VARIABLE(g, "b", KS_F32, KS_SHAPE(3), 10, 20, 30);
    ks_node *y = ks_add_n(((ks_node *[]){a, b, a, a}), 4);
    IS(y, 13, 26, 39);
    IS(ks_gradient(y, a), 3, 3, 3);
    IS(ks_gradient(y, b), 1, 1, 1);
    IS(ks_add_n(&b, 1), 10, 20, 30);
    IS(ks_add_n(((ks_node *[]){VARIABLE(g, "u", KS_U8, KS_SHAPE(2), 200, 1), ks_find(g, "u")}), 2), 144, 2);
}

Test(arithmetic, add_n_of_many_large_ones_has_the_same_bits_on_any_number_of_threads)
{
    enum { N = 100003, K = 7 };
    float *values = malloc(sizeof(float) * N), *one = malloc(sizeof(float) * N), *two = malloc(sizeof(float) * N);
    for (int threads = 1; threads <= 2; threads++) {
        ks_graph *h = ks_graph_new(&(ks_graph_options){.size = sizeof(ks_graph_options), .threads = threads});
        ks_node *terms[K];
        for (int k = 0; k < K; k++) {
            for (int i = 0; i < N; i++)
                values[i] = (float)sin(i * 0.37 + k);
            terms[k] = ks_constant(h, KS_F32, KS_SHAPE(N), values);
        }
        cr_assert(ks_read(ks_add_n(terms, K), KS_F32, threads == 1 ? one : two, N));
        ks_graph_free(h);
    }
    cr_assert_eq(memcmp(one, two, sizeof(float) * N), 0);
    float sum = (float)sin(5 * 0.37);
    for (int k = 1; k < K; k++)
        sum += (float)sin(5 * 0.37 + k);
    cr_assert_eq(one[5], sum);
    free(values), free(one), free(two);
}

/* ---- what is refused ----------------------------------------------------------------------------------- */

Test(arithmetic, dtypes_that_differ_are_refused_with_the_mend)
{
    ks_node *a = VARIABLE(g, "a", KS_F32, KS_SCALAR, 1), *b = VARIABLE(g, "b", KS_F64, KS_SCALAR, 1);
    REFUSED(g, ks_add(a, b), KS_BAD_DTYPE, "add: dtypes differ: 'a' is f32, 'b' is f64: ks_cast one of them");
}

Test(arithmetic, shapes_that_do_not_broadcast_are_refused_with_both)
{
    ks_node *a = VARIABLE(g, "a", KS_F32, KS_SHAPE(2, 3), 1, 2, 3, 4, 5, 6), *b = VARIABLE(g, "b", KS_F32, KS_SHAPE(2), 1, 2);
    REFUSED(g, ks_mul(a, b), KS_BAD_SHAPE, "mul: shapes do not broadcast: 'a' is [2, 3], 'b' is [2]");
    REFUSED(g, ks_add_n(((ks_node *[]){a, b}), 2), KS_BAD_SHAPE, "add_n: the shapes must be equal: 'a' is [2, 3], 'b' is [2]");
}

Test(arithmetic, dtypes_that_an_operation_does_not_take_are_refused)
{
    ks_node *a = VARIABLE(g, "a", KS_I32, KS_SCALAR, 1), *b = VARIABLE(g, "b", KS_BOOL, KS_SCALAR, 1);
    REFUSED(g, ks_pow(a, a), KS_BAD_DTYPE, "pow: takes f32, f64, but 'a' is i32: ks_cast it");
    REFUSED(g, ks_add(b, b), KS_BAD_DTYPE, "add: takes f32, f64, i32, i64, u8, but 'b' is bool: ks_cast it");
    REFUSED(g, ks_add(a, ks_number(g, 0.5)), KS_BAD_DTYPE, "add: the number 0.5 is no i32: ks_cast the other operand");
}

Test(arithmetic, nothing_passes_through_quietly)
{
    ks_node *a = VARIABLE(g, "a", KS_F32, KS_SCALAR, 1);
    cr_assert_null(ks_add(a, NULL));
    cr_assert_null(ks_div(NULL, a));
    cr_assert_null(ks_add_n(((ks_node *[]){a, NULL}), 2));
    cr_assert_null(ks_add_n(NULL, 0));
}
