/*
 * test_shape.c - other shapes for the same elements, and parts of them: sum_to, expand, reshape, transpose, concat, slice, with what fits
 * and what does not, and open dimensions.
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

TestSuite(shape, .init = open, .fini = close);

static ks_node *matrix(void)
{
    return VARIABLE(g, "x", KS_F64, KS_SHAPE(2, 3), 1, 2, 3, 4, 5, 6);
}

/* ---- sum_to, expand ------------------------------------------------------------------------------------ */

Test(shape, expand_repeats_and_sum_to_undoes_it)
{
    ks_node *row = VARIABLE(g, "row", KS_F64, KS_SHAPE(3), 1, 2, 3), *column = VARIABLE(g, "column", KS_F64, KS_SHAPE(2, 1), 10, 20),
            *x = matrix();
    IS(ks_expand(row, x, KS_ABSENT), 1, 2, 3, 1, 2, 3);
    IS(ks_expand(column, x, KS_ABSENT), 10, 10, 10, 20, 20, 20);
    IS(ks_expand(VARIABLE(g, "s", KS_F64, KS_SCALAR, 7), x, KS_ABSENT), 7, 7, 7, 7, 7, 7);
    IS(ks_sum_to(x, row), 5, 7, 9);
    IS(ks_sum_to(x, column), 6, 15);
    SHAPE_IS(ks_sum_to(x, column), 2, 1);
    IS(ks_sum_to(x, ks_find(g, "s")), 21);
    IS(ks_sum_to(x, x), 1, 2, 3, 4, 5, 6);
    IS(ks_gradient(ks_mul(ks_expand(row, x, KS_ABSENT), x), row), 5, 7, 9);
    IS(ks_gradient(ks_mul(ks_sum_to(x, column), column), x), 10, 10, 10, 20, 20, 20);
}

Test(shape, expand_with_axes_undoes_a_reduction)
{
    ks_node *x = matrix(), *sums = ks_sum(x, KS_INTS(1), false);
    IS(ks_expand(sums, x, KS_INTS(1)), 6, 6, 6, 15, 15, 15);
    IS(ks_expand(sums, x, KS_INTS(-1)), 6, 6, 6, 15, 15, 15);
    REFUSED(g, ks_expand(sums, x, KS_ABSENT), KS_BAD_SHAPE,
            "expand: the first does not broadcast to the shape of the second: 'sum_1' is [2], 'x' is [2, 3]");
}

Test(shape, expand_and_sum_to_refuse_what_does_not_fit)
{
    ks_node *x = matrix(), *four = VARIABLE(g, "four", KS_F64, KS_SHAPE(4), 1, 2, 3, 4);
    REFUSED(g, ks_expand(four, x, KS_ABSENT), KS_BAD_SHAPE,
            "expand: the first does not broadcast to the shape of the second: 'four' is [4], 'x' is [2, 3]");
    REFUSED(g, ks_sum_to(x, four), KS_BAD_SHAPE,
            "sum_to: the second does not broadcast to the first, so there is nothing to sum over: 'x' is [2, 3], 'four' is [4]");
    REFUSED(g, ks_sum_to(four, x), KS_BAD_SHAPE,
            "sum_to: the second does not broadcast to the first, so there is nothing to sum over: 'four' is [4], 'x' is [2, 3]");
}

Test(shape, expand_to_nothing_and_from_it)
{
    ks_node *none = NOTHING(g, "none", KS_F64, KS_SHAPE(0, 3)), *row = VARIABLE(g, "row", KS_F64, KS_SHAPE(3), 1, 2, 3);
    SHAPE_IS(ks_expand(row, none, KS_ABSENT), 0, 3);
    IS(ks_sum_to(none, row), 0, 0, 0);
}

/* ---- reshape ------------------------------------------------------------------------------------------- */

Test(shape, reshape_keeps_the_order_and_counts_one_dimension)
{
    ks_node *x = matrix();
    SHAPE_IS(ks_reshape(x, KS_SHAPE(3, -1)), 3, 2);
    SHAPE_IS(ks_reshape(x, KS_SHAPE(-1)), 6);
    SHAPE_IS(ks_reshape(x, KS_SHAPE(1, 6, 1)), 1, 6, 1);
    IS(ks_reshape(x, KS_SHAPE(3, 2)), 1, 2, 3, 4, 5, 6);
    IS(ks_reshape(VARIABLE(g, "s", KS_F64, KS_SCALAR, 7), KS_SHAPE(1, 1)), 7);
    SCALAR_IS(ks_reshape(VARIABLE(g, "v", KS_F64, KS_SHAPE(1, 1), 7), KS_SCALAR));
    ks_node *w = VARIABLE(g, "w", KS_F64, KS_SHAPE(3, 2), 1, 2, 3, 4, 5, 6);
    IS(ks_gradient(ks_mul(ks_reshape(x, KS_SHAPE(3, 2)), w), x), 1, 2, 3, 4, 5, 6);
    SHAPE_IS(ks_gradient(ks_mul(ks_reshape(x, KS_SHAPE(3, 2)), w), x), 2, 3);
}

Test(shape, reshape_refuses_other_counts)
{
    ks_node *x = matrix();
    REFUSED(g, ks_reshape(x, KS_SHAPE(4, 2)), KS_BAD_SHAPE,
            "reshape: the 6 elements do not fit [4, 2]: 'x' is [2, 3]: -1 leaves one dimension to be counted");
    REFUSED(g, ks_reshape(x, KS_SHAPE(4, -1)), KS_BAD_SHAPE, "reshape: the 6 elements do not fit [4, ?]: 'x' is [2, 3]");
    REFUSED(g, ks_reshape(x, KS_SHAPE(-1, -1)), KS_BAD_ARGUMENT,
            "reshape: only one dimension of the new shape may be left open: give the others as numbers");
    REFUSED(g, ks_reshape_like(x, VARIABLE(g, "five", KS_F64, KS_SHAPE(5), 1, 2, 3, 4, 5)), KS_BAD_SHAPE,
            "reshape_like: the numbers of elements differ: 'x' is [2, 3], 'five' is [5]");
}

Test(shape, an_open_batch_is_reshaped_and_back)
{
    ks_node *x = ks_input(g, "x", KS_F32, KS_SHAPE(ks_dim(g, "N"), 2, 2)), *flat = ks_reshape(x, KS_SHAPE(-1, 4));
    cr_assert_eq(ks_node_shape(flat).dim[0], ks_dim(g, "N")); /* still the batch */
    ks_node *dx = ks_gradient(ks_square(flat), x);
    cr_assert(ks_feed(x, KS_F64, KS_SHAPE(2, 2, 2), KS__VALUES(1, 2, 3, 4, 5, 6, 7, 8)));
    SHAPE_IS(flat, 2, 4);
    IS(dx, 2, 4, 6, 8, 10, 12, 14, 16);
    SHAPE_IS(dx, 2, 2, 2);
    cr_assert(ks_feed(x, KS_F64, KS_SHAPE(1, 2, 2), KS__VALUES(1, 2, 3, 4)));
    SHAPE_IS(flat, 1, 4);
    ks_node *fixed = ks_reshape(x, KS_SHAPE(2, 4));
    NO_VALUE(fixed, KS_BAD_SHAPE,
             "reshape 'reshape_2': the 4 elements do not fit [2, 4]: 'x' is [1, 2, 2]: -1 leaves one dimension to be counted");
}

/* ---- transpose ----------------------------------------------------------------------------------------- */

Test(shape, transpose_reverses_or_goes_by_perm)
{
    ks_node *x = matrix();
    IS(ks_transpose(x, KS_ABSENT), 1, 4, 2, 5, 3, 6);
    SHAPE_IS(ks_transpose(x, KS_ABSENT), 3, 2);
    double values[24];
    for (int i = 0; i < 24; i++)
        values[i] = i;
    ks_node *t = ks_constant(g, KS_F64, KS_SHAPE(2, 3, 4), values), *y = ks_transpose(t, KS_INTS(2, 0, 1));
    SHAPE_IS(y, 4, 2, 3);
    double out[24];
    cr_assert(ks_read(y, KS_F64, out, 24));
    for (int a = 0; a < 4; a++)
        for (int b = 0; b < 2; b++)
            for (int c = 0; c < 3; c++)
                cr_assert_eq(out[(a * 2 + b) * 3 + c], values[(b * 3 + c) * 4 + a]);
    IS(ks_transpose(VARIABLE(g, "b", KS_BOOL, KS_SHAPE(2, 2), 1, 0, 0, 0), KS_ABSENT), 1, 0, 0, 0);
}

Test(shape, transposing_twice_gives_back_every_size)
{
    static const int64_t sizes[] = {1, 2, 15, 16, 17, 33, 257};
    float *values = malloc(sizeof(float) * 257 * 257), *out = malloc(sizeof(float) * 257 * 257);
    for (int i = 0; i < 257 * 257; i++)
        values[i] = (float)i;
    for (int a = 0; a < 7; a++)
        for (int b = 0; b < 7; b++) {
            int64_t m = sizes[a], n = sizes[b];
            ks_node *x = ks_constant(g, KS_F32, KS_SHAPE(m, n), values), *t = ks_transpose(x, KS_ABSENT);
            cr_assert(ks_read(t, KS_F32, out, m * n));
            for (int64_t i = 0; i < m; i++)
                for (int64_t j = 0; j < n; j++)
                    cr_assert_eq(out[j * m + i], values[i * n + j]);
        }
    free(values), free(out);
}

Test(shape, transpose_refuses_what_is_no_permutation)
{
    ks_node *x = matrix();
    REFUSED(g, ks_transpose(x, KS_INTS(0)), KS_BAD_SHAPE, "transpose: perm has 1 axes, not 2: 'x' is [2, 3]");
    REFUSED(g, ks_transpose(x, KS_INTS(0, 0)), KS_BAD_ARGUMENT, "transpose: axis 0 is named twice");
    REFUSED(g, ks_transpose(x, KS_INTS(0, 2)), KS_BAD_SHAPE, "transpose: there is no axis 2: 'x' is [2, 3]");
}

/* ---- concat -------------------------------------------------------------------------------------------- */

Test(shape, concat_joins_along_an_axis_and_hands_back_the_parts)
{
    ks_node *x = matrix(), *y = VARIABLE(g, "y", KS_F64, KS_SHAPE(2, 1), 7, 8);
    ks_node *joined = ks_concat(((ks_node *[]){x, y, x}), 3, 1);
    SHAPE_IS(joined, 2, 7);
    IS(joined, 1, 2, 3, 7, 1, 2, 3, 4, 5, 6, 8, 4, 5, 6);
    ks_node *w = ks_constant(g, KS_F64, KS_SHAPE(2, 7), KS__VALUES(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14)), *z = ks_mul(joined, w);
    IS(ks_gradient(z, x), 6, 8, 10, 20, 22, 24);
    IS(ks_gradient(z, y), 4, 11);
    IS(ks_concat(((ks_node *[]){x, x}), 2, 0), 1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6);
    IS(ks_concat(&x, 1, 0), 1, 2, 3, 4, 5, 6);
    IS(ks_concat(((ks_node *[]){NOTHING(g, "none", KS_F64, KS_SHAPE(0, 3)), x}), 2, 0), 1, 2, 3, 4, 5, 6);
    IS(ks_concat(((ks_node *[]){VARIABLE(g, "u", KS_U8, KS_SHAPE(1), 9), VARIABLE(g, "v", KS_U8, KS_SHAPE(2), 1, 2)}), 2, 0), 9, 1, 2);
}

Test(shape, concat_of_open_batches_is_sized_at_the_feed)
{
    ks_node *a = ks_input(g, "a", KS_F64, KS_SHAPE(ks_dim(g, "N"), 2)), *b = ks_input(g, "b", KS_F64, KS_SHAPE(ks_dim(g, "M"), 2));
    ks_node *y = ks_concat(((ks_node *[]){a, b}), 2, 0), *w = VARIABLE(g, "w", KS_F64, KS_SHAPE(2), 3, 4), *z = ks_mul(ks_square(y), w);
    ks_node *da = ks_gradient(z, a), *db = ks_gradient(z, b);
    cr_assert(ks_feed(a, KS_F64, KS_SHAPE(1, 2), KS__VALUES(1, 2)) && ks_feed(b, KS_F64, KS_SHAPE(2, 2), KS__VALUES(3, 4, 5, 6)));
    SHAPE_IS(y, 3, 2);
    IS(da, 6, 16);
    IS(db, 18, 32, 30, 48);
    cr_assert(ks_feed(a, KS_F64, KS_SHAPE(2, 2), KS__VALUES(1, 2, 0, 1)));
    IS(da, 6, 16, 0, 8);
    IS(db, 18, 32, 30, 48);
}

Test(shape, concat_refuses_sizes_that_differ_beside_the_axis)
{
    ks_node *x = matrix(), *y = VARIABLE(g, "y", KS_F64, KS_SHAPE(2, 1), 7, 8);
    REFUSED(g, ks_concat(((ks_node *[]){x, y}), 2, 0), KS_BAD_SHAPE,
            "concat: beside axis 0 the sizes must be equal: 'x' is [2, 3], 'y' is [2, 1]");
    REFUSED(g, ks_concat(((ks_node *[]){x, y}), 2, 2), KS_BAD_SHAPE, "concat: there is no axis 2: 'x' is [2, 3]");
    cr_assert_null(ks_concat(((ks_node *[]){x, NULL}), 2, 0));
}

/* ---- slice --------------------------------------------------------------------------------------------- */

Test(shape, slice_takes_a_part_and_its_derivative_puts_it_back)
{
    ks_node *x = matrix();
    IS(ks_slice(x, 0, 1, 2), 4, 5, 6);
    IS(ks_slice(x, 1, 0, 2), 1, 2, 4, 5);
    IS(ks_slice(x, -1, -1, INT64_MAX), 3, 6);
    IS(ks_slice(x, 1, 1, -1), 2, 5);
    IS(ks_slice(x, 1, -3, -1), 1, 2, 4, 5);
    SHAPE_IS(ks_slice(x, 1, 2, 2), 2, 0);
    IS(ks_gradient(ks_square(ks_slice(x, 1, 1, 3)), x), 0, 4, 6, 0, 10, 12);
    IS(ks_gradient(ks_gradient(ks_square(ks_slice(x, 1, 1, 3)), x), x), 0, 2, 2, 0, 2, 2);
    IS(ks_add(ks_slice(x, 0, 0, 1), ks_slice(x, 0, 1, 2)), 5, 7, 9);
}

Test(shape, slice_refuses_what_lies_outside)
{
    ks_node *x = matrix();
    REFUSED(g, ks_slice(x, 1, 0, 4), KS_BAD_SHAPE, "slice: 0:4 is outside axis 1 of 'x', which has 3");
    REFUSED(g, ks_slice(x, 1, -4, 3), KS_BAD_SHAPE, "slice: -1:3 is outside axis 1 of 'x', which has 3");
    REFUSED(g, ks_slice(x, 3, 0, 1), KS_BAD_SHAPE, "slice: there is no axis 3: 'x' is [2, 3]");
}

Test(shape, an_open_axis_is_sliced_from_either_end)
{
    ks_node *x = ks_input(g, "x", KS_F64, KS_SHAPE(ks_dim(g, "N"))), *head = ks_slice(x, 0, 0, 2), *tail = ks_slice(x, 0, -2, INT64_MAX),
            *inner = ks_slice(x, 0, 1, -1), *y = ks_sum_all(ks_square(inner)), *dx = ks_gradient(y, x);
    cr_assert(ks_feed(x, KS_F64, KS_SHAPE(4), KS__VALUES(1, 2, 3, 4)));
    IS(head, 1, 2);
    IS(tail, 3, 4);
    IS(inner, 2, 3);
    IS(dx, 0, 4, 6, 0);
    cr_assert(ks_feed(x, KS_F64, KS_SHAPE(3), KS__VALUES(1, 2, 3)));
    IS(head, 1, 2);
    IS(tail, 2, 3);
    IS(dx, 0, 4, 0);
    cr_assert(ks_feed(x, KS_F64, KS_SHAPE(1), KS__VALUES(1)));
    NO_VALUE(head, KS_BAD_SHAPE, "slice 'slice_1': 2 elements from 0 are outside axis 0, which has 1");
}

/* The start of a slice may change when it is composed anew, and its derivative goes along. */
Test(shape, a_slice_that_moves_takes_its_derivative_along)
{
    ks_node *x = VARIABLE(g, "x", KS_F64, KS_SHAPE(5), 1, 2, 3, 4, 5);
    int64_t mark = ks_graph_mark(g);
    for (int64_t start = 0; start < 4; start++) {
        cr_assert(ks_graph_release(g, mark));
        ks_node *y = ks_sum_all(ks_square(ks_slice(x, 0, start, start + 2))), *dx = ks_gradient(y, x);
        double wanted[5] = {0};
        wanted[start] = 2 * (double)(start + 1);
        wanted[start + 1] = 2 * (double)(start + 2);
        check_values(__FILE__, __LINE__, dx, 0, wanted, 5);
        ks_node *second = ks_gradient(dx, x);
        for (int64_t i = 0; i < 5; i++)
            wanted[i] = i == start || i == start + 1 ? 2 : 0;
        check_values(__FILE__, __LINE__, second, 0, wanted, 5);
    }
}
