/*
 * test_extreme.c - min and argmin beside max and argmax, in every dtype, along every axis, for sizes that need lanes, pieces and ranges;
 * NaN and ties; and any and all.
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

TestSuite(extreme, .init = open, .fini = close);

Test(extreme, the_least_over_all_over_rows_over_columns)
{
    ks_node *x = VARIABLE(g, "x", KS_F64, KS_SHAPE(2, 3), 1, -2, 3, 4, 0.5, -6);
    IS(ks_min(x, KS_ABSENT, false), -6);
    IS(ks_min(x, KS_INTS(0), true), 1, -2, -6);
    IS(ks_min(x, KS_INTS(1), false), -2, -6);
    IS(ks_argmin(x, 0, false), 0, 0, 1);
    IS(ks_argmin(x, -1, true), 1, 2);
    DTYPE_IS(ks_argmin(x, 0, false), KS_I64);
}

Test(extreme, the_least_share_the_derivative)
{
    ks_node *x = VARIABLE(g, "x", KS_F64, KS_SHAPE(2, 4), 1, 3, 1, 0, 5, 5, 5, 5);
    IS(ks_gradient(ks_min(x, KS_INTS(1), false), x), 0, 0, 0, 1, 0.25, 0.25, 0.25, 0.25);
    IS(ks_gradient(ks_min(x, KS_INTS(0), true), x), 1, 1, 1, 1, 0, 0, 0, 0);
}

Test(extreme, a_nan_is_the_least_and_the_greatest_wherever_it_stands)
{
    enum { N = 100 };
    double values[N];
    for (int dtype = KS_F32; dtype <= KS_F64; dtype++) {
        for (int where = 0; where < N; where += 9) {
            for (int i = 0; i < N; i++)
                values[i] = i == where || i == N - 1 ? NAN_ : i == 50 ? -INF_ : i == 51 ? INF_ : i;
            ks_node *x = ks_cast(ks_constant(g, KS_F64, KS_SHAPE(N), values), (ks_dtype)dtype), *column = ks_reshape(x, KS_SHAPE(N, 1));
            ks_node *beside = ks_concat((ks_node *[]){column, column, column}, 3, 1);
            IS(ks_min(x, KS_ABSENT, false), NAN_);
            IS(ks_argmin(x, 0, false), where);
            IS(ks_argmax(x, 0, false), where);
            IS(ks_argmin(beside, 0, false), where, where, where);
            IS(ks_argmax(beside, 0, false), where, where, where);
        }
    }
}

/* The first of equals, beside a plain loop: rows longer than a piece, columns more than a range, steps more than a block of them. */
Test(extreme, positions_agree_with_a_plain_loop_in_every_dtype_along_every_axis)
{
    static const int64_t shapes[][3] = {{3, 7, 5}, {2, 5000, 1}, {1, 2100, 3}, {4, 33, 70}, {1, 3, 600}, {9, 1, 2}};
    static const ks_dtype dtypes[] = {KS_F32, KS_F64, KS_I32, KS_I64, KS_U8};
    for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; s++) {
        const int64_t *dim = shapes[s], n = dim[0] * dim[1] * dim[2], kept = dim[0] * dim[2];
        double *x = malloc(sizeof(double) * (size_t)n), *most = malloc(sizeof(double) * (size_t)kept),
               *least = malloc(sizeof(double) * (size_t)kept);
        for (int64_t i = 0; i < n; i++)
            x[i] = (double)((i * 2654435761u >> 7) % 101 + (i == n - 1 ? 101 : 0)); /* many ties */
        for (int64_t k = 0; k < kept; k++) {
            const double *from = x + k / dim[2] * dim[1] * dim[2] + k % dim[2];
            int64_t top = 0, low = 0;
            for (int64_t i = 1; i < dim[1]; i++) {
                top = from[i * dim[2]] > from[top * dim[2]] ? i : top;
                low = from[i * dim[2]] < from[low * dim[2]] ? i : low;
            }
            most[k] = (double)top;
            least[k] = (double)low;
        }
        ks_node *all = ks_constant(g, KS_F64, KS_SHAPE(dim[0], dim[1], dim[2]), x);
        for (size_t d = 0; d < sizeof dtypes / sizeof dtypes[0]; d++) {
            check_values(__FILE__, __LINE__, ks_argmax(ks_cast(all, dtypes[d]), 1, false), 0, most, kept);
            check_values(__FILE__, __LINE__, ks_argmin(ks_cast(all, dtypes[d]), 1, true), 0, least, kept);
        }
        free(x), free(most), free(least);
    }
}

Test(extreme, of_nothing_there_is_no_least)
{
    ks_node *x = NOTHING(g, "x", KS_F64, KS_SHAPE(0, 3));
    SHAPE_IS(ks_min(x, KS_INTS(1), false), 0);
    SHAPE_IS(ks_argmin(x, 1, false), 0);
    REFUSED(g, ks_min(x, KS_INTS(0), false), KS_BAD_SHAPE, "min: there is no least of no elements: 'x' is [0, 3]");
    REFUSED(g, ks_argmin(x, 0, false), KS_BAD_SHAPE, "argmin: there is no least of no elements: 'x' is [0, 3]");
    IS(ks_min(VARIABLE(g, "u", KS_U8, KS_SHAPE(3), 255, 2, 3), KS_ABSENT, false), 2);
}

Test(extreme, the_least_of_what_was_fed)
{
    ks_node *x = ks_input(g, "x", KS_F64, KS_SHAPE(ks_dim(g, "N"), 2)), *y = ks_min(x, KS_INTS(0), false), *at = ks_argmin(x, 0, false),
            *dx = ks_gradient(ks_sum_all(y), x);
    cr_assert(ks_feed(x, KS_F64, KS_SHAPE(1, 2), KS__VALUES(5, 7)));
    IS(y, 5, 7);
    IS(dx, 1, 1);
    cr_assert(ks_feed(x, KS_F64, KS_SHAPE(3, 2), KS__VALUES(5, 7, 4, 8, 6, 1)));
    IS(y, 4, 1);
    IS(at, 1, 2);
    IS(dx, 0, 0, 1, 0, 0, 1);
}

/* ---- any and all --------------------------------------------------------------------------------------- */

Test(extreme, any_and_all_over_any_axes)
{
    ks_node *x = VARIABLE(g, "x", KS_BOOL, KS_SHAPE(2, 3), 1, 0, 0, 1, 1, 0);
    IS(ks_any(x, KS_INTS(0), false), 1, 1, 0);
    IS(ks_all(x, KS_INTS(0), true), 1, 0, 0);
    IS(ks_any(x, KS_INTS(1), false), 1, 1);
    IS(ks_all(x, KS_ABSENT, false), 0);
    DTYPE_IS(ks_any(x, KS_ABSENT, false), KS_BOOL);
    SHAPE_IS(ks_all(x, KS_INTS(0), true), 1, 3);
}

Test(extreme, of_nothing_all_are_true_and_none_is)
{
    ks_node *x = NOTHING(g, "x", KS_BOOL, KS_SHAPE(0, 2));
    IS(ks_any(x, KS_INTS(0), false), 0, 0);
    IS(ks_all(x, KS_INTS(0), false), 1, 1);
    SHAPE_IS(ks_all(x, KS_INTS(1), false), 0);
}

Test(extreme, whether_a_number_is_true_is_for_the_caller_to_say)
{
    ks_node *x = VARIABLE(g, "x", KS_F32, KS_SHAPE(2), 0, 0.5);
    REFUSED(g, ks_any(x, KS_ABSENT, false), KS_BAD_DTYPE,
            "any: takes bool, but 'x' is [2] of f32: ks_not_equal(x, 0) is true where x is not zero");
    IS(ks_any(ks_not_equal(x, ks_number(g, 0)), KS_ABSENT, false), 1);
    IS(ks_all(ks_not_equal(x, ks_number(g, 0)), KS_ABSENT, false), 0);
}
