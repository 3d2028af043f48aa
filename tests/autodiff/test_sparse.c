/*
 * test_sparse.c - sparse Jacobians: patterns by hand, passes by colour, and values beside the dense Jacobian's.
 */
#include "autodiff.h"

#include <stdlib.h>

/* The pattern is complete, the values are the dense Jacobian's, and where the pattern has nothing that one is zero. */
static void as_dense(ks_node *y, ks_node *x, int64_t entries, int64_t colours)
{
    ks_sparsity s;
    cr_assert(ks_jacobian_sparsity(y, x, &s), "%s", ks_error(ks_node_graph(y)) ? ks_error(ks_node_graph(y))->message : "?");
    cr_expect_eq(s.entries, entries, "%lld entries, not %lld", (long long)s.entries, (long long)entries);
    cr_expect_eq(s.colours, colours, "%lld colours, not %lld", (long long)s.colours, (long long)colours);
    ks_node *values = ks_sparse_jacobian(y, x, &s), *dense = ks_jacobian(y, x, NULL);
    cr_assert(values && dense, "%s", ks_error(ks_node_graph(y)) ? ks_error(ks_node_graph(y))->message : "?");
    double *got = calloc((size_t)(s.entries + 1), sizeof *got), *want = calloc((size_t)(s.rows * s.columns + 1), sizeof *want);
    cr_assert(ks_read(values, KS_F64, got, s.entries) && ks_read(dense, KS_F64, want, s.rows * s.columns));
    for (int64_t i = 0; i < s.rows; i++) {
        int64_t k = s.row_start[i];
        for (int64_t j = 0; j < s.columns; j++) {
            bool there = k < s.row_start[i + 1] && s.column[k] == j;
            double is = there ? got[k] : 0, wanted = want[i * s.columns + j];
            cr_expect(fabs(is - wanted) <= 1e-12, "[%lld][%lld] is %.17g, not %.17g", (long long)i, (long long)j, is, wanted);
            k += there;
        }
        cr_expect_eq(k, s.row_start[i + 1], "row %lld is not in order", (long long)i);
    }
    free(got);
    free(want);
    ks_sparsity_free(&s);
}

static ks_node *ramp(ks_graph *g, const char *name, ks_shape shape)
{
    double values[256];
    for (int i = 0; i < 256; i++)
        values[i] = 0.3 + 0.17 * ((i * 7) % 11) - 0.05 * i;
    return given(g, name, shape, values);
}

Test(sparse, elementwise_is_a_diagonal)
{
    ks_graph *g = graph();
    ks_node *x = ramp(g, "x", KS_SHAPE(5, 3));
    as_dense(ks_mul(ks_exp(x), ks_sin(x)), x, 15, 1);
    done(g);
}

/* r_i = x_{i-1} - 2 x_i + x_{i+1} + x_i^3, zero outside */
static ks_node *chain(ks_graph *g, ks_node *x, int64_t n)
{
    ks_node *zero = ks_constant(g, KS_F64, KS_SHAPE(1), &(double){0});
    ks_node *left = ks_concat(((ks_node *[]){zero, ks_slice(x, 0, 0, n - 1)}), 2, 0);
    ks_node *right = ks_concat(((ks_node *[]){ks_slice(x, 0, 1, n), zero}), 2, 0);
    return ks_add(ks_add(ks_sub(left, ks_mul(ks_number(g, 2), x)), right), ks_mul(ks_square(x), x));
}

Test(sparse, a_chain_is_tridiagonal_and_takes_three_passes)
{
    ks_graph *g = graph();
    ks_node *x = ramp(g, "x", KS_SHAPE(9));
    as_dense(chain(g, x, 9), x, 25, 3);
    done(g);
}

Test(sparse, a_large_chain_by_its_formula)
{
    enum { N = 5000 };
    ks_graph *g = graph();
    static double values[N], got[3 * N - 2];
    for (int i = 0; i < N; i++)
        values[i] = 0.001 * i - 1;
    ks_node *x = given(g, "x", KS_SHAPE(N), values), *r = chain(g, x, N);
    ks_sparsity s;
    cr_assert(ks_jacobian_sparsity(r, x, &s));
    cr_expect_eq(s.entries, 3 * N - 2);
    cr_expect_eq(s.colours, 3);
    ks_node *j = ks_sparse_jacobian(r, x, &s);
    for (int round = 0; round < 2; round++) {
        cr_assert(ks_read(j, KS_F64, got, 3 * N - 2));
        for (int64_t i = 0; i < N; i++) {
            for (int64_t k = s.row_start[i]; k < s.row_start[i + 1]; k++)
                expect_near(got[k], s.column[k] == i ? 3 * values[i] * values[i] - 2 : 1, 1e-12);
        }
        for (int i = 0; i < N; i++) /* values anew, with the same pattern */
            values[i] = -values[i] / 2;
        cr_assert(ks_set(x, KS_F64, values));
    }
    ks_sparsity_free(&s);
    done(g);
}

Test(sparse, rows_through_a_matrix_are_blocks)
{
    ks_graph *g = graph();
    ks_node *x = ramp(g, "x", KS_SHAPE(6, 3)), *w = ramp(g, "w", KS_SHAPE(3, 2));
    as_dense(ks_tanh(ks_matmul(x, w)), x, 6 * 2 * 3, 2); /* the two results of a row, backwards */
    as_dense(ks_tanh(ks_matmul(x, w)), w, 12 * 3, 3);
    as_dense(ks_softmax(x, -1), x, 6 * 9, 3);
    as_dense(ks_softmax(x, 0), x, 3 * 36, 6);
    as_dense(ks_softmax(ks_matmul(x, w), 1), x, 6 * 2 * 3, 2);
    done(g);
}

Test(sparse, batches_of_matrices)
{
    ks_graph *g = graph();
    ks_node *a = ramp(g, "a", KS_SHAPE(2, 2, 3)), *b = ramp(g, "b", KS_SHAPE(3, 2)), *v = ramp(g, "v", KS_SHAPE(3));
    as_dense(ks_matmul(a, b), a, 8 * 3, 2);
    as_dense(ks_matmul(a, b), b, 8 * 3, 3);
    as_dense(ks_matmul(a, v), a, 4 * 3, 1);
    as_dense(ks_matmul(a, v), v, 4 * 3, 3);
    as_dense(ks_matmul(a, ks_transpose(a, KS_INTS(0, 2, 1))), a, 2 * 4 * 6 - 2 * 2 * 3, 3);
    done(g);
}

Test(sparse, what_moves_elements_says_where_they_came_from)
{
    ks_graph *g = graph();
    ks_node *x = ramp(g, "x", KS_SHAPE(4, 3)), *row = ramp(g, "row", KS_SHAPE(3));
    as_dense(ks_transpose(x, KS_ABSENT), x, 12, 1);
    as_dense(ks_reshape(ks_square(x), KS_SHAPE(2, -1)), x, 12, 1);
    as_dense(ks_slice(x, 0, 1, 3), x, 6, 1);
    as_dense(ks_gather(x, ks_constant(g, KS_I64, KS_SHAPE(3), ((const int64_t[]){2, -1, 2})), 0), x, 9, 1);
    as_dense(ks_concat(((ks_node *[]){x, ks_square(x)}), 2, 1), x, 24, 1);
    as_dense(ks_add(x, row), row, 12, 1);
    as_dense(ks_expand(row, x, KS_ABSENT), row, 12, 1);
    as_dense(ks_gradient(ks_square(ks_slice(x, 1, 0, 2)), x), x, 8, 1);
    done(g);
}

/* A row that takes all columns needs a pass a column forwards, and one pass backwards. */
Test(sparse, reductions_unite_and_few_rows_go_backwards)
{
    ks_graph *g = graph();
    ks_node *x = ramp(g, "x", KS_SHAPE(4, 3));
    as_dense(ks_sum(ks_square(x), KS_INTS(0), false), x, 12, 1);
    as_dense(ks_mean(ks_square(x), KS_INTS(-1), true), x, 12, 1);
    as_dense(ks_max_all(x), x, 12, 1);
    as_dense(ks_sum_to(ks_exp(x), ramp(g, "row", KS_SHAPE(3))), x, 12, 1);
    ks_sparsity s;
    cr_assert(ks_jacobian_sparsity(ks_sum_all(ks_square(x)), x, &s));
    cr_expect_eq(s.direction, KS_REVERSE);
    ks_sparsity_free(&s);
    done(g);
}

Test(sparse, an_arrow_goes_through_its_mixed_part)
{
    ks_graph *g = graph();
    ks_node *x = ramp(g, "x", KS_SHAPE(6)), *first = ks_slice(x, 0, 0, 1);
    as_dense(ks_mul(x, first), x, 11, 2);
    as_dense(ks_add(x, ks_sum_all(ks_square(x))), x, 36, 6);
    done(g);
}

Test(sparse, nothing_and_no_dependence)
{
    ks_graph *g = graph();
    ks_node *x = ramp(g, "x", KS_SHAPE(4)), *other = ramp(g, "other", KS_SHAPE(3));
    as_dense(ks_exp(other), x, 0, 0);
    as_dense(ks_slice(x, 0, 2, 2), x, 0, 0);
    as_dense(x, x, 4, 1);
    done(g);
}

Test(sparse, says_what_does_not_fit)
{
    ks_graph *g = graph();
    ks_node *x = ramp(g, "x", KS_SHAPE(4)), *y = ks_named("y", ks_exp(x));
    ks_sparsity s;
    cr_assert(ks_jacobian_sparsity(y, x, &s));
    cr_expect_null(ks_sparse_jacobian(ks_named("half", ks_slice(y, 0, 0, 2)), x, &s));
    expect_failure(g, KS_BAD_SHAPE, "ks_sparse_jacobian: the pattern is 4 by 4, not that of 'half' by 'x': ks_jacobian_sparsity finds it");
    ks_sparsity_free(&s);
    ks_node *open = ks_input(g, "open", KS_F64, KS_SHAPE(ks_dim(g, "N")));
    cr_expect_not(ks_jacobian_sparsity(ks_sum_all(ks_exp(open)), open, &s));
    expect_failure(g, KS_BAD_SHAPE,
                   "ks_jacobian_sparsity: 'open' is [N], and all its sizes must be known: compose it with numbers in its shape");
    ks_sparsity_free(&s);
    ks_sparsity_free(NULL);
    done(g);
}

Test(sparse, more_that_moves_and_unites)
{
    ks_graph *g = graph();
    ks_node *x = ramp(g, "x", KS_SHAPE(4, 3));
    as_dense(ks_flip(x, KS_INTS(1)), x, 12, 1);
    as_dense(ks_pad(x, KS_INTS(1, 0), KS_INTS(0, 2), KS_PAD_CONSTANT, 5), x, 12, 1);
    as_dense(ks_pad(x, KS_INTS(1, 0), KS_INTS(0, 2), KS_PAD_REFLECT, 0), x, 25, 1);
    as_dense(ks_triu(x, 0), x, 6, 1);
    as_dense(ks_logsumexp(x, KS_INTS(1), false), x, 12, 1);
    as_dense(ks_cumsum(x, 0, false, false), x, 48, 4);
    as_dense(ks_exp(ks_dropout(x, 0.5, KS_DROPOUT_BOOK)), x, 12, 1);
    done(g);
}
