/*
 * test_triangle.c - triu, tril, diagonals, traces and identities, of any diagonal, size and number of matrices.
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

TestSuite(triangle, .init = open, .fini = close);

static ks_node *matrix(void)
{
    return VARIABLE(g, "x", KS_F64, KS_SHAPE(2, 3), 1, 2, 3, 4, 5, 6);
}

Test(triangle, what_lies_beyond_a_diagonal_becomes_zero)
{
    ks_node *x = matrix();
    IS(ks_triu(x, 0), 1, 2, 3, 0, 5, 6);
    IS(ks_triu(x, 1), 0, 2, 3, 0, 0, 6);
    IS(ks_triu(x, -1), 1, 2, 3, 4, 5, 6);
    IS(ks_triu(x, INT64_MAX), 0, 0, 0, 0, 0, 0);
    IS(ks_triu(x, INT64_MIN), 1, 2, 3, 4, 5, 6);
    IS(ks_tril(x, 0), 1, 0, 0, 4, 5, 0);
    IS(ks_tril(x, -1), 0, 0, 0, 4, 0, 0);
    IS(ks_tril(x, INT64_MAX), 1, 2, 3, 4, 5, 6);
    IS(ks_tril(x, INT64_MIN), 0, 0, 0, 0, 0, 0);
    IS(ks_triu(VARIABLE(g, "nan", KS_F32, KS_SHAPE(2, 2), 1, 2, NAN, 3), 0), 1, 2, 0, 3);
    EVERY_DTYPE(dtype) IS(ks_tril(ks_ones(g, dtype, KS_SHAPE(2, 2)), 0), 1, 0, 1, 1);
    SHAPE_IS(ks_tril(NOTHING(g, "none", KS_F64, KS_SHAPE(3, 0)), 0), 3, 0);
    DIFFERENTIATES(ks_triu(x, 1), x);
    DIFFERENTIATES(ks_tril(x, -1), x);
    REFUSED(g, ks_triu(VARIABLE(g, "v", KS_F64, KS_SHAPE(2), 1, 2), 0), KS_BAD_SHAPE,
            "triu: takes matrices, which have two dimensions or more: 'v' is [2]");
}

Test(triangle, every_matrix_of_a_large_batch_is_cut)
{
    ks_node *x = counted(g, "x", KS_SHAPE(5, 90, 110)), *y = ks_triu(x, 3), *z = ks_tril(x, 2);
    double *upper = malloc(sizeof(double) * 49500), *lower = malloc(sizeof(double) * 49500);
    cr_assert(ks_read(y, KS_F64, upper, 49500) && ks_read(z, KS_F64, lower, 49500));
    for (int i = 0; i < 49500; i++) {
        bool above = i % 110 - i / 110 % 90 >= 3;
        cr_assert(upper[i] == (above ? i : 0) && lower[i] == (above ? 0 : i));
    }
    free(upper), free(lower);
}

Test(triangle, diagonals_are_taken_and_put_back)
{
    ks_node *x = matrix(), *b = counted(g, "b", KS_SHAPE(2, 3, 3));
    IS(ks_diagonal(x, 0), 1, 5);
    IS(ks_diagonal(x, 1), 2, 6);
    IS(ks_diagonal(x, 2), 3);
    IS(ks_diagonal(x, -1), 4);
    SHAPE_IS(ks_diagonal(x, 3), 0);
    SHAPE_IS(ks_diagonal(x, INT64_MIN), 0);
    IS(ks_diagonal(b, -1), 3, 7, 12, 16);
    IS(ks_matrix_trace(b), 0 + 4 + 8, 9 + 13 + 17);
    IS(ks_gradient(ks_matrix_trace(x), x), 1, 0, 0, 0, 1, 0);
    IS(ks_gradient(ks_diagonal(x, INT64_MAX), x), 0, 0, 0, 0, 0, 0);
    EVERY_DTYPE(dtype) IS(ks_diagonal(ks_ones(g, dtype, KS_SHAPE(2, 2)), 0), 1, 1);
    for (int64_t k = -2; k <= 3; k++)
        DIFFERENTIATES(ks_diagonal(x, k), x);
    REFUSED(g, ks_diagonal(ks_named("d", ks_diagonal(x, 0)), 0), KS_BAD_SHAPE,
            "diagonal: takes matrices, which have two dimensions or more: 'd' is [2]");
}

Test(triangle, diagonal_embed_makes_square_matrices)
{
    ks_node *v = VARIABLE(g, "v", KS_F64, KS_SHAPE(2), 7, 8), *m = matrix();
    IS(ks_diagonal_embed(v, 0), 7, 0, 0, 8);
    IS(ks_diagonal_embed(v, 1), 0, 7, 0, 0, 0, 8, 0, 0, 0);
    IS(ks_diagonal_embed(v, -1), 0, 0, 0, 7, 0, 0, 0, 8, 0);
    SHAPE_IS(ks_diagonal_embed(m, 0), 2, 3, 3);
    IS(ks_diagonal(ks_diagonal_embed(m, -2), -2), 1, 2, 3, 4, 5, 6);
    SHAPE_IS(ks_diagonal_embed(NOTHING(g, "none", KS_F64, KS_SHAPE(0)), 1), 1, 1);
    for (int64_t k = -1; k <= 1; k++)
        DIFFERENTIATES(ks_diagonal_embed(m, k), m);
    REFUSED(g, ks_diagonal_embed(VARIABLE(g, "s", KS_F64, KS_SCALAR, 1), 0), KS_BAD_SHAPE,
            "diagonal_embed: takes 1 to 7 dimensions, the last of which is the diagonal: 's' is []");
    REFUSED(g, ks_diagonal_embed(v, INT64_MIN), KS_BAD_ARGUMENT,
            "diagonal_embed: diagonal -9223372036854775808 is farther away than any matrix reaches");
}

Test(triangle, open_matrices)
{
    int64_t n = ks_dim(g, "N");
    ks_node *x = ks_input(g, "x", KS_F64, KS_SHAPE(n, n)), *d = ks_diagonal(x, 0), *dx = ks_gradient(ks_square(ks_diagonal(x, 1)), x);
    ks_node *eye = ks_eye_like(x, 0);
    cr_assert_eq(ks_node_shape(d).dim[0], n);
    cr_assert(ks_feed(x, KS_F64, KS_SHAPE(2, 2), KS__VALUES(1, 2, 3, 4)));
    IS(d, 1, 4);
    IS(dx, 0, 4, 0, 0);
    IS(eye, 1, 0, 0, 1);
    cr_assert(ks_feed(x, KS_F64, KS_SHAPE(3, 3), KS__VALUES(1, 2, 3, 4, 5, 6, 7, 8, 9)));
    IS(d, 1, 5, 9);
    IS(dx, 0, 4, 0, 0, 0, 12, 0, 0, 0);
    IS(eye, 1, 0, 0, 0, 1, 0, 0, 0, 1);
}

Test(triangle, identities_of_every_dtype)
{
    EVERY_DTYPE(dtype)
    {
        IS(ks_eye(g, dtype, 2), 1, 0, 0, 1);
        DTYPE_IS(ks_eye(g, dtype, 2), dtype);
    }
    IS(ks_eye_like(matrix(), 1), 0, 1, 0, 0, 0, 1);
    SHAPE_IS(ks_eye(g, KS_F32, 0), 0, 0);
}
