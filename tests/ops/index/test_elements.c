/*
 * test_elements.c - indices for each element and for places: gather_elements, gather_nd, and what adds where they point.
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

TestSuite(elements, .init = open, .fini = close);

static ks_node *matrix(void)
{
    return VARIABLE(g, "x", KS_F64, KS_SHAPE(2, 3), 1, 2, 3, 4, 5, 6);
}

static ks_node *indices(const char *name, ks_shape shape, const double *values)
{
    return make_variable(g, name, KS_I64, shape, values, ks_shape_count(shape));
}

/* ---- gather_elements: torch.gather --------------------------------------------------------------------- */

Test(elements, each_index_takes_an_element_of_its_own_lane)
{
    ks_node *x = matrix(), *i = indices("i", KS_SHAPE(2, 2), KS__VALUES(0, 2, -1, 0)),
            *j = indices("j", KS_SHAPE(1, 3), KS__VALUES(1, 0, -1));
    IS(ks_gather_elements(x, i, 1), 1, 3, 6, 4);
    IS(ks_gather_elements(x, i, -1), 1, 3, 6, 4);
    IS(ks_gather_elements(x, j, 0), 4, 2, 6);
    DIFFERENTIATES(ks_gather_elements(x, i, 1), x);
    DIFFERENTIATES(ks_gather_elements(x, j, 0), x);
    IS(ks_gradient(ks_gather_elements(x, indices("twice", KS_SHAPE(2, 2), KS__VALUES(1, 1, 0, 1)), 1), x), 0, 2, 0, 1, 1, 0);
    SHAPE_IS(ks_gather_elements(x, NOTHING(g, "none", KS_I64, KS_SHAPE(2, 0)), 1), 2, 0);
    EVERY_DTYPE(dtype) IS(ks_gather_elements(ks_cast(x, dtype), ks_zeros(g, KS_U8, KS_SHAPE(2, 1)), 1), 1, dtype == KS_BOOL ? 1 : 4);
}

Test(elements, along_any_axis_of_a_large_tensor)
{
    enum { A = 9, B = 70, C = 80, K = 50 };
    int32_t *at = malloc(sizeof(int32_t) * K * B * C);
    static const int64_t dims[3] = {A, B, C};
    ks_node *t = counted(g, "x", KS_SHAPE(A, B, C));
    for (int axis = 0; axis < 3; axis++) {
        ks_shape shape = KS_SHAPE(A, B, C);
        shape.dim[axis] = K;
        int64_t n = ks_shape_count(shape);
        for (int64_t i = 0; i < n; i++)
            at[i] = (int32_t)(i * 31 % (2 * dims[axis]) - dims[axis]);
        ks_node *y = ks_gather_elements(t, ks_constant(g, KS_I32, shape, at), axis);
        double *values = malloc(sizeof(double) * (size_t)n);
        cr_assert(ks_read(y, KS_F64, values, n));
        for (int64_t i = 0; i < n; i++) {
            int64_t p[3] = {i / shape.dim[2] / shape.dim[1], i / shape.dim[2] % shape.dim[1], i % shape.dim[2]};
            p[axis] = at[i] < 0 ? at[i] + dims[axis] : at[i];
            cr_assert_eq(values[i], (double)((p[0] * B + p[1]) * C + p[2]));
        }
        free(values);
        TRANSPOSES(y, t);
    }
    free(at);
}

Test(elements, an_open_batch_of_labels)
{
    ks_node *x = ks_input(g, "x", KS_F64, KS_SHAPE(ks_dim(g, "N"), 2)), *t = ks_input(g, "t", KS_I64, KS_SHAPE(ks_dim(g, "N"), 1));
    ks_node *y = ks_gather_elements(x, t, 1), *dx = ks_gradient(ks_square(y), x);
    for (int64_t n = 3; n >= 0; n--) {
        cr_assert(ks_feed(x, KS_F64, KS_SHAPE(n, 2), KS__VALUES(1, 2, 3, 4, 5, 6)));
        cr_assert(ks_feed(t, KS_I64, KS_SHAPE(n, 1), ((const int64_t[]){1, 0, 1})));
        SHAPE_IS(y, n, 1);
        SHAPE_IS(dx, n, 2);
        if (n == 3)
            IS(dx, 0, 4, 6, 0, 0, 12);
    }
}

Test(elements, what_does_not_fit_is_refused)
{
    ks_node *x = matrix(), *i = indices("i", KS_SHAPE(2, 2), KS__VALUES(0, 3, 0, 0)), *v = indices("v", KS_SHAPE(2), KS__VALUES(0, 0));
    REFUSED(g, ks_gather_elements(x, i, 2), KS_BAD_SHAPE, "gather_elements: there is no axis 2: 'x' is [2, 3]");
    REFUSED(g, ks_gather_elements(x, i, 0), KS_BAD_SHAPE,
            "gather_elements: beside axis 0 the sizes must be those of the indices: 'x' is [2, 3], 'i' is [2, 2]");
    REFUSED(g, ks_gather_elements(x, v, 0), KS_BAD_SHAPE,
            "gather_elements: beside axis 0 the sizes must be those of the indices: 'x' is [2, 3], 'v' is [2]");
    NO_VALUE(ks_named("y", ks_gather_elements(x, i, 1)), KS_BAD_ARGUMENT,
             "gather_elements 'y': index 3, at position 1, is outside the axis, which has 3 elements");
    REFUSED(
        g, ks_scatter_elements_add(x, i, x, 1), KS_BAD_SHAPE,
        "scatter_elements_add: each element needs an index of its own, but the shapes differ: 'x' is [2, 3], 'i' is [2, 2], 'x' is [2, 3]");
}

/* ---- gather_nd: the places are the last axis ----------------------------------------------------------- */

Test(elements, places_take_elements_rows_or_all)
{
    ks_node *x = matrix(), *cube = counted(g, "c", KS_SHAPE(2, 2, 2));
    IS(ks_gather_nd(x, indices("two", KS_SHAPE(3, 2), KS__VALUES(0, 0, 1, -1, -2, 1))), 1, 6, 2);
    IS(ks_gather_nd(x, indices("one", KS_SHAPE(2, 1), KS__VALUES(1, 1))), 4, 5, 6, 4, 5, 6);
    SHAPE_IS(ks_gather_nd(cube, ks_find(g, "two")), 3, 2);
    SHAPE_IS(ks_gather_nd(x, NOTHING(g, "all", KS_I64, KS_SHAPE(2, 0))), 2, 2, 3);
    IS(ks_gather_nd(cube, indices("place", KS_SHAPE(2), KS__VALUES(1, 0))), 4, 5);
    IS(ks_gather_nd(cube, indices("deep", KS_SHAPE(1, 2, 2), KS__VALUES(0, 1, 1, 1))), 2, 3, 6, 7);
    DIFFERENTIATES(ks_gather_nd(x, ks_find(g, "one")), x);
    DIFFERENTIATES(ks_gather_nd(x, ks_find(g, "two")), x);
    IS(ks_gradient(ks_gather_nd(x, ks_find(g, "one")), x), 0, 0, 0, 2, 2, 2);
    REFUSED(g, ks_gather_nd(x, indices("three", KS_SHAPE(1, 3), KS__VALUES(0, 0, 0))), KS_BAD_SHAPE,
            "gather_nd: the last axis of the indices is a place: it has a known size, at most the number of x's axes: 'x' is [2, 3], "
            "'three' is [1, 3]");
    NO_VALUE(ks_named("y", ks_gather_nd(x, indices("out", KS_SHAPE(2, 2), KS__VALUES(0, 0, 0, 3)))), KS_BAD_ARGUMENT,
             "gather_nd 'y': index 3, at place 1, is outside axis 1, which has 3 elements");
}

/* ---- adding -------------------------------------------------------------------------------------------- */

Test(elements, updates_are_added_where_indices_say)
{
    ks_node *x = matrix(), *u = VARIABLE(g, "u", KS_F64, KS_SHAPE(2, 2), 10, 20, 30, 40);
    ks_node *i = indices("i", KS_SHAPE(2, 2), KS__VALUES(0, 0, -1, 1)),
            *row = VARIABLE(g, "row", KS_F64, KS_SHAPE(2, 3), 1, 1, 1, 10, 10, 10);
    ks_node *same = indices("same", KS_SHAPE(2), KS__VALUES(1, 1)), *place = indices("p", KS_SHAPE(2, 2), KS__VALUES(0, 2, 0, 2));
    ks_node *two = VARIABLE(g, "two", KS_F64, KS_SHAPE(2), 100, 200);
    IS(ks_scatter_elements_add(x, i, u, 1), 31, 2, 3, 4, 45, 36);
    IS(ks_scatter_add(x, same, row, 0), 1, 2, 3, 15, 16, 17);
    IS(ks_scatter_nd_add(x, place, two), 1, 2, 303, 4, 5, 6);
    DIFFERENTIATES(ks_scatter_elements_add(x, i, u, 1), u);
    DIFFERENTIATES(ks_scatter_add(x, same, row, 0), row);
    DIFFERENTIATES(ks_scatter_nd_add(x, place, two), x);
    IS(ks_scatter_add(VARIABLE(g, "b", KS_U8, KS_SHAPE(1), 200), ks_zeros(g, KS_I32, KS_SHAPE(2)),
                      VARIABLE(g, "c", KS_U8, KS_SHAPE(2), 50, 10), 0),
       4);
    IS(ks_scatter_add(x, NOTHING(g, "n", KS_I64, KS_SHAPE(0)), NOTHING(g, "m", KS_F64, KS_SHAPE(0, 3)), 0), 1, 2, 3, 4, 5, 6);
    REFUSED(
        g, ks_scatter_add(x, same, two, 0), KS_BAD_SHAPE,
        "scatter_add: the third is not what positions like the second take out of the first: 'x' is [2, 3], 'same' is [2], 'two' is [2]");
    REFUSED(g, ks_scatter_nd_add(x, place, row), KS_BAD_SHAPE,
            "scatter_nd_add: what is added is not shaped like what the indices take: 'x' is [2, 3], 'p' is [2, 2], 'row' is [2, 3]");
}

/* The order of the additions is that of the indices: rounding shows it. */
Test(elements, additions_have_the_same_bits_on_any_number_of_threads)
{
    enum { N = 6, K = 400, D = 300 };
    static float u[K * D], first[3][N * D], other[N * D];
    static int32_t at[K * D];
    for (int i = 0; i < K * D; i++) {
        u[i] = (float)sin(i * 0.7);
        at[i] = (int32_t)((int64_t)i * i % N);
    }
    for (int threads = 1; threads <= 3; threads++) {
        ks_graph *h = ks_graph_new(&(ks_graph_options){.size = sizeof(ks_graph_options), .threads = threads});
        ks_node *x = ks_zeros(h, KS_F32, KS_SHAPE(N, D)), *v = ks_constant(h, KS_F32, KS_SHAPE(K, D), u);
        ks_node *wide = ks_constant(h, KS_I32, KS_SHAPE(K, D), at), *rows = ks_constant(h, KS_I32, KS_SHAPE(K), at);
        ks_node *all[3] = {ks_scatter_elements_add(x, wide, v, 0), ks_scatter_add(x, rows, v, 0),
                           ks_scatter_nd_add(x, ks_unsqueeze(rows, KS_INTS(1)), v)};
        for (int k = 0; k < 3; k++) {
            cr_assert(ks_read(all[k], KS_F32, threads == 1 ? first[k] : other, N * D));
            cr_assert(threads == 1 || !memcmp(first[k], other, sizeof other));
        }
        ks_graph_free(h);
    }
    cr_assert(!memcmp(first[1], first[2], sizeof first[1]));
}

/* ---- embedding and masks ------------------------------------------------------------------------------- */

Test(elements, embedding_looks_rows_up_and_learns_all_but_the_padding)
{
    ks_node *table = VARIABLE(g, "t", KS_F64, KS_SHAPE(3, 2), 1, 2, 3, 4, 5, 6),
            *ids = indices("ids", KS_SHAPE(2, 2), KS__VALUES(2, 0, 2, 1));
    IS(ks_embedding(table, ids, -1), 5, 6, 1, 2, 5, 6, 3, 4);
    SHAPE_IS(ks_embedding(table, ids, -1), 2, 2, 2);
    IS(ks_gradient(ks_embedding(table, ids, -1), table), 1, 1, 1, 1, 2, 2);
    IS(ks_embedding(table, ids, 2), 5, 6, 1, 2, 5, 6, 3, 4);
    IS(ks_gradient(ks_embedding(table, ids, 2), table), 1, 1, 1, 1, 0, 0);
    DIFFERENTIATES(ks_embedding(table, ids, -1), table);
    NO_VALUE(ks_named("e", ks_embedding(table, indices("over", KS_SHAPE(2), KS__VALUES(1, 3)), -1)), KS_BAD_ARGUMENT,
             "embedding 'e': id 3, at position 1, names no row of the table, which has 3");
    NO_VALUE(ks_named("f", ks_embedding(table, indices("under", KS_SHAPE(1), KS__VALUES(-1)), -1)), KS_BAD_ARGUMENT,
             "embedding 'f': id -1, at position 0, names no row of the table, which has 3");
    REFUSED(g, ks_embedding(ks_find(g, "over"), ids, -1), KS_BAD_SHAPE, "embedding: a table has rows and columns, [V, D]: 'over' is [2]");
}

Test(elements, masked_fill_takes_the_value_and_shields_what_it_hid)
{
    ks_node *x = VARIABLE(g, "x", KS_F64, KS_SHAPE(2, 2), 1, NAN, 3, 4), *m = VARIABLE(g, "m", KS_BOOL, KS_SHAPE(2), 0, 1);
    ks_node *y = ks_masked_fill(x, m, -INFINITY);
    IS(y, 1, -INF_, 3, -INF_);
    IS(ks_gradient(ks_masked_fill(x, m, 0), x), 1, 0, 1, 0);
}
