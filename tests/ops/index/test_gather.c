/*
 * test_index.c - gather, ungather and one_hot: values along any axis, repeated and negative positions, derivatives, and positions that are
 * not there.
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

TestSuite(index, .init = open, .fini = close);

static ks_node *table(void)
{
    return VARIABLE(g, "x", KS_F64, KS_SHAPE(3, 2), 1, 2, 3, 4, 5, 6);
}

static ks_node *ungather(ks_node *u, ks_node *indices, ks_node *like, int64_t axis)
{
    return ks_apply(ks_node_graph(u), &ks__op_ungather, ((ks_node *[]){u, indices, like}), 3, &axis);
}

Test(index, gather_takes_rows_in_any_order_and_as_often_as_named)
{
    ks_node *x = table(), *i = VARIABLE(g, "i", KS_I64, KS_SHAPE(4), 2, 0, 0, -2);
    IS(ks_gather(x, i, 0), 5, 6, 1, 2, 1, 2, 3, 4);
    SHAPE_IS(ks_gather(x, i, 0), 4, 2);
    IS(ks_gather(x, VARIABLE(g, "j", KS_U8, KS_SHAPE(3), 1, 1, 0), 1), 2, 2, 1, 4, 4, 3, 6, 6, 5);
    IS(ks_gather(x, VARIABLE(g, "k", KS_I32, KS_SCALAR, -1), 0), 5, 6);
    SHAPE_IS(ks_gather(x, ks_find(g, "k"), 0), 2);
    ks_node *many = ks_gather(x, VARIABLE(g, "m", KS_I32, KS_SHAPE(2, 2), 0, 1, 2, 0), 0);
    SHAPE_IS(many, 2, 2, 2);
    IS(many, 1, 2, 3, 4, 5, 6, 1, 2);
    IS(ks_gather(VARIABLE(g, "b", KS_BOOL, KS_SHAPE(2), 1, 0), VARIABLE(g, "n", KS_I32, KS_SHAPE(3), 1, 0, 0), 0), 0, 1, 1);
}

Test(index, repeated_positions_add_their_derivatives)
{
    ks_node *x = table(), *i = VARIABLE(g, "i", KS_I64, KS_SHAPE(4), 2, 0, 0, -2),
            *w = VARIABLE(g, "w", KS_F64, KS_SHAPE(4, 1), 1, 10, 100, 1000);
    ks_node *y = ks_mul(ks_gather(x, i, 0), w);
    IS(ks_gradient(y, x), 110, 110, 1000, 1000, 1, 1);
    IS(ks_gradient(ks_square(ks_gather(x, i, 0)), x), 4, 8, 6, 8, 10, 12);
    IS(ks_gradient(ks_gradient(ks_square(ks_gather(x, i, 0)), x), x), 4, 4, 2, 2, 2, 2);
}

Test(index, the_label_s_score_is_gathered_from_a_flat_table)
{
    ks_node *x = table(), *at = VARIABLE(g, "at", KS_I32, KS_SHAPE(3), 1, 2, 5);
    ks_node *y = ks_gather(ks_reshape(x, KS_SHAPE(-1)), at, 0);
    IS(y, 2, 3, 6);
    IS(ks_gradient(y, x), 0, 1, 1, 0, 0, 1);
}

Test(index, ungather_adds_in_order_and_its_derivative_gathers)
{
    ks_node *x = table(), *u = VARIABLE(g, "u", KS_F64, KS_SHAPE(2, 3), 1, 2, 3, 4, 5, 6),
            *i = VARIABLE(g, "i", KS_I64, KS_SHAPE(3), 1, 1, -2);
    ks_node *y = ungather(u, i, x, 1); /* [3, 2] has no [2, ...] */
    FAILS(g, KS_BAD_SHAPE,
          "ungather: the first is not what positions like the second take out of the third: 'u' is [2, 3], 'i' is [3], 'x' is [3, 2]");
    ks_node *like = VARIABLE(g, "like", KS_F64, KS_SHAPE(2, 2), 0, 0, 0, 0);
    y = ungather(u, i, like, 1);
    IS(y, 3, 3, 6, 9);
    ks_node *w = VARIABLE(g, "w", KS_F64, KS_SHAPE(2, 2), 1, 10, 100, 1000);
    IS(ks_gradient(ks_mul(y, w), u), 10, 10, 1, 1000, 1000, 100);
    IS(ungather(VARIABLE(g, "v", KS_U8, KS_SHAPE(2), 200, 100), VARIABLE(g, "z", KS_I32, KS_SHAPE(2), 0, 0),
                VARIABLE(g, "s", KS_U8, KS_SHAPE(2), 9, 9), 0),
       44, 0);
}

/* The order of the additions is that of the positions: rounding shows it. */
Test(index, additions_have_the_same_bits_on_any_number_of_threads)
{
    enum { ROWS = 5000, V = 7, D = 150 };
    static float x[ROWS * D], one[V * D], two[V * D], plain[V * D];
    static int64_t at[ROWS];
    for (int i = 0; i < ROWS * D; i++)
        x[i] = (float)sin(i * 0.7);
    for (int r = 0; r < ROWS; r++) {
        at[r] = (r * r) % V;
        for (int c = 0; c < D; c++)
            plain[at[r] * D + c] += x[r * D + c];
    }
    for (int threads = 1; threads <= 2; threads++) {
        ks_graph *h = ks_graph_new(&(ks_graph_options){.size = sizeof(ks_graph_options), .threads = threads});
        ks_node *u = ks_constant(h, KS_F32, KS_SHAPE(ROWS, D), x), *i = ks_constant(h, KS_I64, KS_SHAPE(ROWS), at);
        cr_assert(ks_read(ungather(u, i, ks_constant(h, KS_F32, KS_SHAPE(V, D), x), 0), KS_F32, threads == 1 ? one : two, V * D));
        ks_graph_free(h);
    }
    cr_assert(!memcmp(one, two, sizeof one) && !memcmp(one, plain, sizeof one));
}

Test(index, a_large_gather_agrees_with_a_plain_loop)
{
    enum { BEFORE = 3, N = 50, AFTER = 40, K = 900 };
    static float x[BEFORE * N * AFTER], y[BEFORE * K * AFTER];
    static int32_t at[K];
    for (int i = 0; i < BEFORE * N * AFTER; i++)
        x[i] = (float)i;
    for (int k = 0; k < K; k++)
        at[k] = (k * 31) % (2 * N) - N;
    ks_node *out = ks_gather(ks_constant(g, KS_F32, KS_SHAPE(BEFORE, N, AFTER), x), ks_constant(g, KS_I32, KS_SHAPE(K), at), 1);
    cr_assert(ks_read(out, KS_F32, y, BEFORE * K * AFTER));
    for (int b = 0; b < BEFORE; b++)
        for (int k = 0; k < K; k++)
            for (int a = 0; a < AFTER; a++)
                cr_assert_eq(y[(b * K + k) * AFTER + a], x[(b * N + (at[k] + N) % N) * AFTER + a]);
}

Test(index, an_open_number_of_positions)
{
    ks_node *x = table(), *i = ks_input(g, "i", KS_I64, KS_SHAPE(ks_dim(g, "N"))), *y = ks_gather(x, i, 0), *dx = ks_gradient(y, x);
    cr_assert(ks_feed(i, KS_I64, KS_SHAPE(1), ((const int64_t[]){1})));
    IS(y, 3, 4);
    IS(dx, 0, 0, 1, 1, 0, 0);
    cr_assert(ks_feed(i, KS_I64, KS_SHAPE(3), ((const int64_t[]){1, 2, 1})));
    SHAPE_IS(y, 3, 2);
    IS(dx, 0, 0, 2, 2, 1, 1);
    cr_assert(ks_feed(i, KS_I64, KS_SHAPE(0), ((const int64_t[]){0})));
    SHAPE_IS(y, 0, 2);
    IS(dx, 0, 0, 0, 0, 0, 0);
}

Test(index, one_hot_makes_rows_of_any_dtype)
{
    ks_node *t = VARIABLE(g, "t", KS_U8, KS_SHAPE(3), 2, 0, 1);
    for (int dtype = 0; dtype < KS_DTYPES; dtype++) {
        IS(ks_one_hot(t, 3, (ks_dtype)dtype), 0, 0, 1, 1, 0, 0, 0, 1, 0);
        DTYPE_IS(ks_one_hot(t, 3, (ks_dtype)dtype), (ks_dtype)dtype);
    }
    SHAPE_IS(ks_one_hot(t, 3, KS_F32), 3, 3);
    IS(ks_one_hot(VARIABLE(g, "s", KS_I64, KS_SCALAR, -1), 4, KS_F32), 0, 0, 0, 1);
    SHAPE_IS(ks_one_hot(NOTHING(g, "none", KS_I64, KS_SHAPE(0)), 4, KS_F32), 0, 4);
}

Test(index, positions_outside_are_named)
{
    ks_node *x = table(), *i = VARIABLE(g, "i", KS_I64, KS_SHAPE(3), 0, 3, 0);
    NO_VALUE(ks_named("rows", ks_gather(x, i, 0)), KS_BAD_ARGUMENT,
             "gather 'rows': index 3, at position 1, is outside the axis, which has 3 elements");
    cr_assert(ks_set(i, KS_I64, ((const int64_t[]){0, 1, -4})));
    NO_VALUE(ks_find(g, "rows"), KS_BAD_ARGUMENT, "gather 'rows': index -4, at position 2, is outside the axis, which has 3 elements");
    NO_VALUE(ks_one_hot(VARIABLE(g, "t", KS_I32, KS_SHAPE(1), 10), 10, KS_F32), KS_BAD_ARGUMENT,
             "one_hot 'one_hot_1': index 10, at position 0, is outside the axis, which has 10 elements");
    NO_VALUE(ungather(x, i, VARIABLE(g, "like", KS_F64, KS_SHAPE(1, 2), 0, 0), 0), KS_BAD_ARGUMENT,
             "ungather 'ungather_1': index 1, at position 1, is outside the axis, which has 1 elements");
}

Test(index, what_does_not_fit_is_refused)
{
    ks_node *x = table(), *f = VARIABLE(g, "f", KS_F32, KS_SHAPE(1), 0), *i = VARIABLE(g, "i", KS_I32, KS_SHAPE(1), 0);
    REFUSED(g, ks_gather(x, f, 0), KS_BAD_DTYPE, "gather: input 1 must be i32, i64 or u8, but 'f' is f32: ks_cast it");
    REFUSED(g, ks_gather(x, i, 2), KS_BAD_SHAPE, "gather: there is no axis 2: 'x' is [3, 2]");
    REFUSED(g, ks_one_hot(f, 3, KS_F32), KS_BAD_DTYPE, "one_hot: input 0 must be i32, i64 or u8, but 'f' is f32: ks_cast it");
    REFUSED(g, ks_one_hot(i, -1, KS_F32), KS_BAD_ARGUMENT, "one_hot: depth is -1: it counts the classes");
    REFUSED(g, ks_one_hot(i, 3, (ks_dtype)9), KS_BAD_DTYPE, "one_hot: 9 is no dtype: use f32, f64, i32, i64, u8 or bool");
}
