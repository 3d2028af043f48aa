/*
 * test_sort.c - argsort, sort and the top k: order, ties, NaNs, every dtype, any axis and size, derivatives.
 */
#include "ops/shape/moves.h"

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

TestSuite(sort, .init = open, .fini = close);

Test(sort, values_rise_or_fall_and_equals_keep_their_order)
{
    ks_node *x = VARIABLE(g, "x", KS_F64, KS_SHAPE(6), 3, 1, 2, 1, 3, -5);
    IS(ks_argsort(x, 0, false), 5, 1, 3, 2, 0, 4);
    IS(ks_argsort(x, 0, true), 0, 4, 2, 1, 3, 5);
    IS(ks_sort(x, 0, false), -5, 1, 1, 2, 3, 3);
    IS(ks_sort(x, -1, true), 3, 3, 2, 1, 1, -5);
    DTYPE_IS(ks_argsort(x, 0, false), KS_I64);
    REFUSED(g, ks_argsort(x, 1, false), KS_BAD_SHAPE, "argsort: there is no axis 1: 'x' is [6]");
}

Test(sort, nans_come_last_and_zeros_are_equal)
{
    ks_node *x = VARIABLE(g, "x", KS_F32, KS_SHAPE(6), NAN, 0, -0.0, INFINITY, -INFINITY, NAN);
    IS(ks_argsort(x, 0, false), 4, 1, 2, 3, 0, 5);
    IS(ks_argsort(x, 0, true), 3, 1, 2, 4, 0, 5);
    IS(ks_top_k_indices(x, 2, 0, true), 3, 1);
    IS(ks_top_k_indices(x, 5, 0, false), 4, 1, 2, 3, 0);
}

Test(sort, along_any_axis_and_of_every_dtype)
{
    ks_node *x = VARIABLE(g, "x", KS_F64, KS_SHAPE(2, 3), 3, 1, 2, 1, 2, 0);
    IS(ks_sort(x, 0, false), 1, 1, 0, 3, 2, 2);
    IS(ks_sort(x, 1, false), 1, 2, 3, 0, 1, 2);
    for (ks_dtype dtype = 0; dtype < KS_BOOL; dtype++)
        IS(ks_sort(ks_cast(x, dtype), 1, true), 3, 2, 1, 2, 1, 0);
    IS(ks_argsort(VARIABLE(g, "b", KS_BOOL, KS_SHAPE(3), 1, 0, 1), 0, false), 1, 0, 2);
    IS(ks_sort(VARIABLE(g, "i", KS_I64, KS_SHAPE(3), 1, -3, 2), 0, false), -3, 1, 2);
    IS(ks_sort(VARIABLE(g, "n", KS_F64, KS_SHAPE(4), -1, -2, 0.5, -1e300), 0, false), -1e300, -2, -1, 0.5);
    SHAPE_IS(ks_sort(NOTHING(g, "none", KS_F64, KS_SHAPE(2, 0)), 1, false), 2, 0);
    SHAPE_IS(ks_sort(NOTHING(g, "empty", KS_F64, KS_SHAPE(0, 2)), 1, false), 0, 2);
}

/* A large one, with ties, against the order's definition; long lines go by digits, short ones by insertion. */
Test(sort, large_lines_are_sorted_stably)
{
    static const int64_t lengths[] = {1, 2, 48, 49, 1000, 70000};
    float *x = malloc(sizeof(float) * 140000);
    int64_t *at = malloc(sizeof(int64_t) * 140000), *top = malloc(sizeof(int64_t) * 140000);
    for (int k = 0; k < 6; k++) {
        int64_t n = lengths[k], few = n / 10 + 1;
        for (int64_t i = 0; i < 2 * n; i++)
            x[i] = (float)((i * 7919 % 1009) - 500) * (i % 3 ? 0.25f : 1e10f);
        ks_node *t = ks_constant(g, KS_F32, KS_SHAPE(2, n), x);
        for (int down = 0; down < 2; down++) {
            cr_assert(ks_read(ks_argsort(t, 1, down), KS_I64, at, 2 * n));
            cr_assert(ks_read(ks_top_k_indices(t, few, 1, down), KS_I64, top, 2 * few));
            for (int64_t i = 0; i < 2 * n; i++) {
                const float *row = x + i / n * n;
                float a = i % n ? row[at[i - 1]] : 0, b = row[at[i]];
                cr_assert(!(i % n) || (down ? a > b : a < b) || (a == b && at[i - 1] < at[i]));
            }
            for (int64_t i = 0; i < 2 * few; i++)
                cr_assert_eq(top[i], at[i / few * n + i % few], "%lld of %lld", (long long)i, (long long)n);
        }
    }
    free(x), free(at), free(top);
}

Test(sort, derivatives_follow_the_values)
{
    ks_node *x = VARIABLE(g, "x", KS_F64, KS_SHAPE(2, 3), 3, 1, 2, 6, 4, 5), *w = VARIABLE(g, "w", KS_F64, KS_SHAPE(3), 1, 10, 100);
    IS(ks_gradient(ks_mul(ks_sort(x, 1, false), w), x), 100, 1, 10, 100, 1, 10);
    DIFFERENTIATES(ks_sort(x, 0, true), x);
    DIFFERENTIATES(ks_top_k(x, 2, 1, true), x);
}

/* ---- top k --------------------------------------------------------------------------------------------- */

Test(sort, the_greatest_or_smallest_come_in_order)
{
    ks_node *x = VARIABLE(g, "x", KS_F64, KS_SHAPE(2, 4), 1, 4, 4, 2, 0, -1, 5, -1);
    IS(ks_top_k(x, 2, 1, true), 4, 4, 5, 0);
    IS(ks_top_k_indices(x, 2, 1, true), 1, 2, 2, 0);
    IS(ks_top_k_indices(x, 2, -1, false), 0, 3, 1, 3);
    IS(ks_top_k(x, 1, 0, true), 1, 4, 5, 2);
    SHAPE_IS(ks_top_k(x, 0, 1, true), 2, 0);
    IS(ks_top_k(x, 4, 1, false), 1, 2, 4, 4, -1, -1, 0, 5);
    REFUSED(g, ks_top_k_indices(x, 5, 1, true), KS_BAD_ARGUMENT,
            "top_k_indices: k is 5: it is at most the number of elements along axis 1: 'x' is [2, 4]");
    REFUSED(g, ks_top_k_indices(x, -1, 1, true), KS_BAD_ARGUMENT,
            "top_k_indices: k is -1: it is at most the number of elements along axis 1: 'x' is [2, 4]");
    REFUSED(g, ks_top_k(x, 1, 2, true), KS_BAD_SHAPE, "top_k_indices: there is no axis 2: 'x' is [2, 4]");
}

Test(sort, an_open_axis_is_sorted)
{
    ks_node *x = ks_input(g, "x", KS_F64, KS_SHAPE(ks_dim(g, "N"))), *y = ks_sort(x, 0, false),
            *t = ks_named("t", ks_top_k_indices(x, 2, 0, true));
    ks_node *dx = ks_gradient(ks_square(y), x);
    cr_assert(ks_feed(x, KS_F64, KS_SHAPE(3), KS__VALUES(3, 1, 2)));
    IS(y, 1, 2, 3);
    IS(t, 0, 2);
    IS(dx, 6, 2, 4);
    cr_assert(ks_feed(x, KS_F64, KS_SHAPE(1), KS__VALUES(7)));
    IS(y, 7);
    IS(dx, 14);
    NO_VALUE(t, KS_BAD_ARGUMENT, "top_k_indices 't': k is 2: it is at most the number of elements along axis 0: 'x' is [1]");
}
