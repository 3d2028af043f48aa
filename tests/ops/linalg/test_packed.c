/*
 * test_packed.c - tril_from_vector and tril_to_vector: their order, with and without the diagonal, what no triangle has, open dimensions.
 */
#include "ops/linalg/matrices.h"

Test(packed, elements_stand_row_by_row)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *x = VARIABLE(g, "x", KS_F32, KS_SHAPE(6), 1, 2, 3, 4, 5, 6), *y = ks_tril_from_vector(x, false);
    SHAPE_IS(y, 3, 3);
    IS(y, 1, 0, 0, 2, 3, 0, 4, 5, 6);
    IS(ks_tril_to_vector(y, false), 1, 2, 3, 4, 5, 6);
    ks_node *strict = ks_tril_from_vector(x, true);
    SHAPE_IS(strict, 4, 4);
    IS(strict, 0, 0, 0, 0, 1, 0, 0, 0, 2, 3, 0, 0, 4, 5, 6, 0);
    IS(ks_tril_to_vector(strict, true), 1, 2, 3, 4, 5, 6);
    IS(ks_tril_to_vector(y, true), 2, 4, 5);
    ks_graph_free(g);
}

Test(packed, batches_and_every_dtype)
{
    for (int dtype = 0; dtype < KS_DTYPES; dtype++) {
        ks_graph *g = ks_graph_new(NULL);
        ks_node *x = VARIABLE(g, "x", (ks_dtype)dtype, KS_SHAPE(2, 1, 3), 1, 0, 1, 0, 1, 1), *y = ks_tril_from_vector(x, false);
        SHAPE_IS(y, 2, 1, 2, 2);
        IS(y, 1, 0, 0, 1, 0, 0, 1, 1);
        IS(ks_tril_to_vector(y, false), 1, 0, 1, 0, 1, 1);
        ks_graph_free(g);
    }
}

/* Large enough for several tasks. */
Test(packed, many_rows_come_back)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *x = numbers(g, "x", KS_F64, KS_SHAPE(40, 45 * 46 / 2), 1, 0), *back = ks_tril_to_vector(ks_tril_from_vector(x, false), false);
    double *was = read_all(x), *is = read_all(back);
    cr_assert_eq(memcmp(was, is, sizeof *was * 40 * 45 * 46 / 2), 0);
    free(was);
    free(is);
    ks_graph_free(g);
}

Test(packed, the_smallest)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *none = NOTHING(g, "none", KS_F32, KS_SHAPE(2, 0)), *one = VARIABLE(g, "one", KS_F32, KS_SHAPE(1), 7);
    IS(ks_tril_from_vector(none, true), 0, 0); /* [2, 1, 1] */
    ks_node *nothing = ks_tril_from_vector(none, false);
    cr_assert(ks_eval(nothing));
    SHAPE_IS(nothing, 2, 0, 0);
    ks_node *back = ks_tril_to_vector(nothing, false);
    cr_assert(ks_eval(back));
    SHAPE_IS(back, 2, 0);
    IS(ks_tril_from_vector(one, false), 7);
    IS(ks_tril_from_vector(one, true), 0, 0, 7, 0);
    QUIET(g);
    ks_graph_free(g);
}

Test(packed, dimensions_may_be_open)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *x = ks_input(g, "x", KS_F64, KS_SHAPE(ks_dim(g, "N"), KS_ANY)), *y = ks_tril_from_vector(x, false);
    ks_node *d = ks_gradient(ks_sum_all(ks_square(y)), x);
    cr_assert(ks_feed(x, KS_F64, KS_SHAPE(1, 1), ((double[]){3})));
    IS(y, 3);
    cr_assert(ks_feed(x, KS_F64, KS_SHAPE(2, 3), ((double[]){1, 2, 3, 4, 5, 6})));
    IS(y, 1, 0, 2, 3, 4, 0, 5, 6);
    IS(d, 2, 4, 6, 8, 10, 12);
    cr_assert(ks_feed(x, KS_F64, KS_SHAPE(1, 2), ((double[]){1, 2})));
    cr_assert_not(ks_eval(y));
    cr_assert(ks_error(g) && strstr(ks_error(g)->message, "2 elements make no triangle"));
    ks_graph_free(g);
}

Test(packed, what_makes_no_triangle)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *x = VARIABLE(g, "x", KS_F32, KS_SHAPE(4), 1, 2, 3, 4), *m = VARIABLE(g, "m", KS_F32, KS_SHAPE(1, 2), 1, 2),
            *s = VARIABLE(g, "s", KS_F32, KS_SCALAR, 1), *none = NOTHING(g, "none", KS_F32, KS_SHAPE(0, 0));
    REFUSED(g, ks_tril_from_vector(x, false), KS_BAD_SHAPE,
            "tril_from_vector: 4 elements make no triangle: n (n + 1) / 2 do for a matrix of n rows: 'x' is [4]");
    REFUSED(g, ks_tril_from_vector(x, true), KS_BAD_SHAPE,
            "tril_from_vector: 4 elements make no triangle: n (n - 1) / 2 do for a matrix of n rows: 'x' is [4]");
    REFUSED(g, ks_tril_from_vector(s, false), KS_BAD_SHAPE, "tril_from_vector: takes [..., elements], of 1 to 7 dimensions: 's' is []");
    REFUSED(g, ks_tril_to_vector(m, false), KS_BAD_SHAPE, "tril_to_vector: takes square matrices, [..., n, n]: 'm' is [1, 2]");
    REFUSED(g, ks_tril_to_vector(s, false), KS_BAD_SHAPE, "tril_to_vector: takes square matrices, [..., n, n]: 's' is []");
    REFUSED(g, ks_tril_to_vector(none, true), KS_BAD_SHAPE,
            "tril_to_vector: a matrix without rows has no diagonal to leave out: 'none' is [0, 0]");
    cr_assert_null(ks_tril_from_vector(NULL, false));
    ks_graph_free(g);
}

Test(packed, derivatives_of_both_orders)
{
    for (int strict = 0; strict < 2; strict++) {
        ks_graph *g = ks_graph_new(NULL);
        ks_node *x = numbers(g, "x", KS_F64, KS_SHAPE(2, 6), 1, 0), *m = numbers(g, "m", KS_F64, KS_SHAPE(2, 3, 3), 2, 0);
        check_both_orders(ks_tril_from_vector(x, strict), x);
        check_both_orders(ks_tril_to_vector(m, strict), m);
        ks_graph_free(g);
    }
}
