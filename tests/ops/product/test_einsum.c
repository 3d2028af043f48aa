/*
 * test_einsum.c - einsum: what each equation means beside NumPy's numbers, what it is composed of, open dimensions, derivatives, and every
 * slip in an equation by its message; tensordot, dot, outer and dense beside it.
 *
 * Expected values are NumPy 1.24's (np.einsum and np.tensordot) for operands with element i = (i * 7 % 11) - 4 (a), (i * 5 % 7) - 2 (b) and
 * (i * 3 % 5) - 1 (c).
 */
#include "ops/ops.h"

static ks_node *patterned(ks_graph *g, const char *name, ks_dtype dtype, ks_shape shape)
{
    static const int step[] = {7, 5, 3}, modulus[] = {11, 7, 5}, offset[] = {4, 2, 1};
    double values[256];
    int64_t count = ks_shape_count(shape);
    int k = name[0] - 'a';
    cr_assert(count <= 256 && k >= 0 && k < 3);
    for (int64_t i = 0; i < count; i++)
        values[i] = (double)(i * step[k] % modulus[k]) - offset[k];
    return make_variable(g, name, dtype, shape, values, count);
}

static const char *op_of(const ks_node *node)
{
    return ks_node_op(node)->name;
}

typedef struct one_case {
    const char *equation;
    int n, rank;
    ks_shape shape[3];
    int64_t dim[4];
    int count;
    double wanted[40];
} one_case;

/* Printed by np.einsum; see the head of this file. */
static const one_case cases[] = {
    {"ij,jk->ik", 2, 2, {{2, {2, 3}}, {2, {3, 4}}}, {2, 4}, 8, {17, -7, -3, -6, -10, 20, 8, -18}},
    {"ij,jk", 2, 2, {{2, {2, 3}}, {2, {3, 2}}}, {2, 2}, 4, {7, -17, -18, 12}},
    {"ij->ji", 1, 2, {{2, {2, 3}}}, {3, 2}, 6, {-4, 6, 3, 2, -1, -2}},
    {"ba", 1, 2, {{2, {2, 3}}}, {3, 2}, 6, {-4, 6, 3, 2, -1, -2}},
    {"ij->", 1, 0, {{2, {2, 3}}}, {0}, 1, {4}},
    {"ij->j", 1, 1, {{2, {2, 3}}}, {3}, 3, {2, 5, -3}},
    {"i,i->", 2, 0, {{1, {4}}, {1, {4}}}, {0}, 1, {10}},
    {"i,j->ij", 2, 2, {{1, {2}}, {1, {3}}}, {2, 3}, 6, {8, -12, -4, -6, 9, 3}},
    {"i,j->ji", 2, 2, {{1, {2}}, {1, {3}}}, {3, 2}, 6, {8, -6, -12, 9, -4, 3}},
    {"ii->", 1, 0, {{2, {3, 3}}}, {0}, 1, {-5}},
    {"ii->i", 1, 1, {{2, {3, 3}}}, {3}, 3, {-4, 2, -3}},
    {"iij->ij", 1, 2, {{3, {2, 2, 3}}}, {2, 3}, 6, {-4, 3, -1, 4, 0, -4}},
    {"iji->j", 1, 1, {{3, {2, 3, 2}}}, {3}, 3, {-3, 3, -2}},
    {"iii->i", 1, 1, {{3, {2, 2, 2}}}, {2}, 2, {-4, 1}},
    {"bij,bjk->bik", 2, 3, {{3, {2, 2, 3}}, {3, {2, 3, 2}}}, {2, 2, 2}, 8, {7, -17, -18, 12, 6, -21, 4, -24}},
    {"bij,bkj->bik", 2, 3, {{3, {2, 2, 3}}, {3, {2, 2, 3}}}, {2, 2, 2}, 8, {16, 14, -8, -2, -11, -8, -12, -12}},
    {"bi,bi->b", 2, 1, {{2, {2, 3}}, {2, {2, 3}}}, {2}, 2, {16, -2}},
    {"bi,bi->bi", 2, 2, {{2, {2, 3}}, {2, {2, 3}}}, {2, 3}, 6, {8, 9, -1, -6, 8, -4}},
    {"ij,i->ij", 2, 2, {{2, {2, 3}}, {1, {2}}}, {2, 3}, 6, {8, -6, 2, 18, 6, -6}},
    {"ij,j->ij", 2, 2, {{2, {2, 3}}, {1, {3}}}, {2, 3}, 6, {8, 9, -1, -12, 6, -2}},
    {"j,ij->ij", 2, 2, {{1, {3}}, {2, {2, 3}}}, {2, 3}, 6, {8, 9, -1, 4, 12, -2}},
    {"bij,b->bij", 2, 3, {{3, {2, 2, 2}}, {1, {2}}}, {2, 2, 2}, 8, {8, -6, 2, -12, 6, -6, 15, 3}},
    {"ijk,jil->kl", 2, 2, {{3, {2, 3, 2}}, {3, {3, 2, 2}}}, {2, 2}, 4, {15, -11, 17, -6}},
    {"ijk,kjl->il", 2, 2, {{3, {2, 3, 2}}, {3, {2, 3, 2}}}, {2, 2}, 4, {35, -15, 3, 4}},
    {"bqhd,bkhd->bhqk", 2, 4, {{4, {1, 2, 2, 3}}, {4, {1, 2, 2, 3}}}, {1, 2, 2, 2}, 8, {16, -9, -10, -11, -2, -4, -12, -12}},
    {"...ij,...jk->...ik", 2, 3, {{3, {2, 2, 3}}, {2, {3, 2}}}, {2, 2, 2}, 8, {7, -17, -18, 12, -21, 8, -24, 4}},
    {"...ij,...jk->...ik", 2, 4, {{4, {2, 1, 2, 2}}, {3, {3, 2, 2}}}, {2, 3, 2, 2}, 24, {11,  -15, 8,  -9, -16, -14, -4, -14,
                                                                                         -15, 8,   -9, 23, -6,  8,   -9, 14,
                                                                                         8,   8,   20, 8,  8,   -6,  14, 9}},
    {"...i,...i->...", 2, 1, {{2, {2, 3}}, {2, {2, 3}}}, {2}, 2, {16, -2}},
    {"i...->...i", 1, 3, {{3, {2, 1, 3}}}, {1, 3, 2}, 6, {-4, 6, 3, 2, -1, -2}},
    {"...,...", 2, 2, {{2, {2, 3}}, {1, {3}}}, {2, 3}, 6, {8, 9, -1, -12, 6, -2}},
    {"...i,ij->...j", 2, 3, {{3, {2, 1, 3}}, {2, {3, 2}}}, {2, 1, 2}, 4, {7, -17, -18, 12}},
    {"i,ij,j->", 3, 0, {{1, {2}}, {2, {2, 3}}, {1, {3}}}, {0}, 1, {-5}},
    {"ij,jk,kl->il", 3, 2, {{2, {2, 3}}, {2, {3, 2}}, {2, {2, 2}}}, {2, 2}, 4, {-7, -37, 18, 0}},
    {"bi,ijk,bk->bj", 3, 2, {{2, {2, 2}}, {3, {2, 3, 2}}, {2, {2, 2}}}, {2, 3}, 6, {-44, 9, 27, -45, 21, 66}},
    {"ij,kl->", 2, 0, {{2, {2, 2}}, {2, {2, 2}}}, {0}, 1, {4}},
    {"ij,kl->ikjl", 2, 4, {{2, {2, 2}}, {2, {2, 2}}}, {2, 2, 2, 2}, 16, {8, -12, -6, 9, -4, 4, 3, -3, 2, -3, -12, 18, -1, 1, 6, -6}},
    {"bi,bj->bij", 2, 3, {{2, {2, 2}}, {2, {2, 3}}}, {2, 2, 3}, 12, {8, -12, -4, -6, 9, 3, 1, -4, -2, -6, 24, 12}},
    {"ab,b,c->ac", 3, 2, {{2, {2, 3}}, {1, {3}}, {1, {2}}}, {2, 2}, 4, {-16, 32, 8, -16}},
    {"ij , jk -> ki", 2, 2, {{2, {2, 3}}, {2, {3, 2}}}, {2, 2}, 4, {7, -18, -17, 12}},
    {"Ba,aB", 2, 0, {{2, {2, 3}}, {2, {3, 2}}}, {0}, 1, {19}},
    {"ij,jk->ik", 2, 2, {{2, {2, 0}}, {2, {0, 3}}}, {2, 3}, 6, {0, 0, 0, 0, 0, 0}},
    {",ij->ij", 2, 2, {{0, {0}}, {2, {2, 2}}}, {2, 2}, 4, {8, -12, -4, 4}},
    {"ijk->kj", 1, 2, {{3, {2, 2, 3}}}, {3, 2}, 6, {1, 10, 4, 2, -4, -6}},
};

Test(einsum, equations_mean_what_numpy_means)
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const one_case *c = &cases[i];
        for (int dtype = KS_F32; dtype <= KS_F64; dtype++) {
            ks_graph *g = ks_graph_new(NULL);
            ks_node *nodes[3];
            for (int k = 0; k < c->n; k++)
                nodes[k] = patterned(g, (const char *[]){"a", "b", "c"}[k], (ks_dtype)dtype, c->shape[k]);
            ks_node *y = ks_einsum(c->equation, nodes, c->n);
            cr_assert(y, "%s: %s", c->equation, ks_error(g) ? ks_error(g)->message : "?");
            ks_shape wanted = {.rank = c->rank};
            memcpy(wanted.dim, c->dim, sizeof c->dim);
            cr_assert(shape_is(y, wanted), "%s has another shape", c->equation);
            check_values(__FILE__, __LINE__, y, 0, c->wanted, c->count);
            ks_graph_free(g);
        }
    }
}

Test(einsum, derivatives_of_every_equation)
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const one_case *c = &cases[i];
        ks_graph *g = ks_graph_new(NULL);
        ks_node *nodes[3];
        for (int k = 0; k < c->n; k++)
            nodes[k] = patterned(g, (const char *[]){"a", "b", "c"}[k], KS_F64, c->shape[k]);
        ks_node *y = ks_mean_all(ks_sin(ks_mul(ks_einsum(c->equation, nodes, c->n), ks_number(g, 0.03))));
        ks_node *second = ks_sum_all(ks_square(ks_gradient(y, nodes[0])));
        ks_gradcheck_report report;
        cr_assert(ks_gradcheck(y, NULL, 0, NULL, &report), "%s: %s", c->equation, ks_error(g) ? ks_error(g)->message : "?");
        cr_assert(report.passed, "%s", c->equation);
        ks_gradcheck_free(&report);
        cr_assert(ks_gradcheck(second, NULL, 0, NULL, &report), "%s: %s", c->equation, ks_error(g) ? ks_error(g)->message : "?");
        cr_assert(report.passed, "%s, second order", c->equation);
        ks_gradcheck_free(&report);
        ks_graph_free(g);
    }
}

Test(einsum, plain_products_are_one_matmul)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *a = patterned(g, "a", KS_F32, KS_SHAPE(2, 3, 3)), *b = patterned(g, "b", KS_F32, KS_SHAPE(2, 3, 3));
    static const char *const equations[] = {"bij,bjk->bik", "bji,bjk->bik", "bij,bkj->bik", "bij,bjk->bki"};
    for (int i = 0; i < 4; i++) {
        int64_t before = ks_node_count(g);
        cr_assert_str_eq(op_of(ks_einsum(equations[i], ((ks_node *[]){a, b}), 2)), "matmul");
        cr_assert_eq(ks_node_count(g), before + 1, "%s", equations[i]);
    }
    ks_graph_free(g);
}

Test(einsum, attention_scores_need_no_transpose)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *q = patterned(g, "a", KS_F32, KS_SHAPE(2, 2, 3, 4)), *k = patterned(g, "b", KS_F32, KS_SHAPE(2, 2, 5, 4));
    ks_node *y = ks_einsum("bhqd,bhkd->bhqk", ((ks_node *[]){q, k}), 2);
    cr_assert_str_eq(op_of(y), "matmul");
    SHAPE_IS(y, 2, 2, 3, 5);
    cr_assert_eq(ks_node_input(y, 0), q);
    cr_assert_eq(ks_node_input(y, 1), k);
    ks_graph_free(g);
}

Test(einsum, the_smallest_product_comes_first)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *a = patterned(g, "a", KS_F64, KS_SHAPE(8, 2)), *b = patterned(g, "b", KS_F64, KS_SHAPE(2, 16)),
            *c = patterned(g, "c", KS_F64, KS_SHAPE(16));
    ks_node *y = ks_einsum("ij,jk,k->i", ((ks_node *[]){a, b, c}), 3);
    cr_assert_str_eq(op_of(y), "matmul");
    SHAPE_IS(ks_node_input(y, 0), 8, 2);
    SHAPE_IS(ks_node_input(y, 1), 2); /* b c, not a b */
    ks_graph_free(g);
}

Test(einsum, dimensions_may_be_open)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *x = ks_input(g, "x", KS_F64, KS_SHAPE(ks_dim(g, "N"), ks_dim(g, "T"), 2));
    ks_node *w = VARIABLE(g, "w", KS_F64, KS_SHAPE(2, 2), 1, 2, 3, 4);
    ks_node *y = ks_einsum("...i,ij->...j", ((ks_node *[]){x, w}), 2);
    cr_assert(y && ks_node_shape(y).dim[0] == ks_dim(g, "N") && ks_node_shape(y).dim[1] == ks_dim(g, "T"));
    ks_node *d = ks_gradient(y, w);
    cr_assert(ks_feed(x, KS_F64, KS_SHAPE(1, 1, 2), ((double[]){1, 10})));
    IS(y, 31, 42);
    IS(d, 1, 1, 10, 10);
    cr_assert(ks_feed(x, KS_F64, KS_SHAPE(2, 1, 2), ((double[]){1, 10, 2, 20})));
    IS(y, 31, 42, 62, 84);
    IS(d, 3, 3, 30, 30);
    cr_assert(ks_feed(x, KS_F64, KS_SHAPE(0, 3, 2), NULL));
    IS(d, 0, 0, 0, 0);
    SHAPE_IS(y, 0, 3, 2);
    ks_graph_free(g);
}

/* ---- refusals ------------------------------------------------------------------------------------------ */

static void slip(const char *equation, ks_code code, const char *message)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *nodes[] = {patterned(g, "a", KS_F64, KS_SHAPE(2, 3)), patterned(g, "b", KS_F64, KS_SHAPE(4, 2))};
    REFUSED(g, ks_einsum(equation, nodes, 2), code, message);
    ks_graph_free(g);
}

Test(einsum, slips_in_an_equation_are_named)
{
    slip("ij,jk->ik", KS_BAD_SHAPE, "einsum 'ij,jk->ik': 'j' has another size before than in operand 1, 'b', which is [4, 2]");
    slip("ij", KS_BAD_ARGUMENT, "einsum 'ij': it has 1 operands, but 2 are given");
    slip("ij,ki,l->l", KS_BAD_ARGUMENT, "einsum 'ij,ki,l->l': it has 3 operands, but 2 are given");
    slip("ijk,ki", KS_BAD_SHAPE, "einsum 'ijk,ki': operand 0, 'a', has 2 dimensions, but its term names 3");
    slip("...ijk,ki", KS_BAD_SHAPE, "einsum '...ijk,ki': operand 0, 'a', has 2 dimensions, but its term names at least 3");
    slip("i1,ki", KS_BAD_ARGUMENT, "einsum 'i1,ki': '1' at position 1: an equation is made of letters, ',', '...' and '->'");
    slip("i..j,ki", KS_BAD_ARGUMENT, "einsum 'i..j,ki': at position 1: dots come as '...', once in a term");
    slip("...i...,ki", KS_BAD_ARGUMENT, "einsum '...i...,ki': at position 4: dots come as '...', once in a term");
    slip("ij,ki->kz", KS_BAD_ARGUMENT, "einsum 'ij,ki->kz': the result names 'z', which no operand has");
    slip("ij,ki->kk", KS_BAD_ARGUMENT, "einsum 'ij,ki->kk': the result names 'k' twice");
    slip("ij,ki->j,k", KS_BAD_ARGUMENT, "einsum 'ij,ki->j,k': ',' at position 8: the result is one term");
    slip("...j,ki->kj", KS_BAD_ARGUMENT,
         "einsum '...j,ki->kj': the result leaves out '...', which stands for 1 axes: write it, or letters to sum over");
    slip("...j,...k", KS_BAD_SHAPE, "einsum '...j,...k': the axes of '...' do not broadcast: operand 1, 'b', is [4, 2]");
    slip("abcdefghi,ki", KS_BAD_ARGUMENT, "einsum 'abcdefghi,ki': a term has more than 8 letters, the most dimensions of a tensor");
    slip(NULL, KS_BAD_ARGUMENT, "einsum 'NULL': needs an equation, and takes up to 32 operands");
}

Test(einsum, no_operands_no_node)
{
    cr_assert_null(ks_einsum("i", ((ks_node *[]){NULL}), 1));
    cr_assert_null(ks_einsum("i", NULL, 0));
}

/* ---- tensordot ----------------------------------------------------------------------------------------- */

Test(tensordot, sums_over_the_last_axes_of_one_and_the_first_of_the_other)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *a = patterned(g, "a", KS_F32, KS_SHAPE(2, 2, 3)), *b = patterned(g, "b", KS_F32, KS_SHAPE(2, 3, 2));
    IS(ks_tensordot(a, b, 2), 15, -35, -17, -16);
    ks_node *outer = ks_tensordot(a, b, 0);
    SHAPE_IS(outer, 2, 2, 3, 2, 3, 2);
    REFUSED(
        g, ks_tensordot(a, b, 3), KS_BAD_SHAPE,
        "tensordot: the 3 inner sizes, at the end of the first and the front of the second, differ: 'a' is [2, 2, 3], 'b' is [2, 3, 2]");
    REFUSED(g, ks_tensordot(a, b, 4), KS_BAD_SHAPE,
            "tensordot: 0 batch and 4 inner axes are more than there are: 'a' is [2, 2, 3], 'b' is [2, 3, 2]");
    REFUSED(g, ks_tensordot(a, b, -1), KS_BAD_ARGUMENT, "tensordot: 0 batch and -1 inner axes: numbers of axes are 0 or more");
    ks_graph_free(g);
}

/* Each form through a square, so that every derivative hangs on the values; all sizes differ. */
Test(tensordot, derivatives_of_every_form)
{
    for (int form = 0; form < 16; form++) {
        bool ta = form & 1, tb = form & 2, batch = form & 4, many = form & 8;
        ks_graph *g = ks_graph_new(NULL);
        ks_shape sa = {.rank = 0}, sb = {.rank = 0};
        if (batch)
            sa.dim[sa.rank++] = sb.dim[sb.rank++] = 2;
        for (int part = 0; part < 2; part++) {
            if ((part == 0) == ta) {
                sa.dim[sa.rank++] = 3;
                if (many)
                    sa.dim[sa.rank++] = 2;
            } else {
                sa.dim[sa.rank++] = 4;
            }
            if ((part == 1) == tb) {
                sb.dim[sb.rank++] = 3;
                if (many)
                    sb.dim[sb.rank++] = 2;
            } else {
                sb.dim[sb.rank++] = 1;
                sb.dim[sb.rank++] = 2;
            }
        }
        ks_node *a = patterned(g, "a", KS_F64, sa), *b = patterned(g, "b", KS_F64, sb);
        ks_node *y = ks_apply(g, ks_op_find(NULL, "tensordot"), ((ks_node *[]){a, b}), 2, &((int64_t[]){batch, many ? 2 : 1, ta, tb}));
        cr_assert(y, "%s", ks_error(g) ? ks_error(g)->message : "?");
        ks_node *loss = ks_mean_all(ks_square(y)), *second = ks_mean_all(ks_square(ks_gradient(loss, b)));
        ks_gradcheck_report report;
        cr_assert(ks_gradcheck(loss, NULL, 0, NULL, &report) && report.passed, "form %d", form);
        ks_gradcheck_free(&report);
        cr_assert(ks_gradcheck(second, NULL, 0, NULL, &report) && report.passed, "form %d, second order", form);
        ks_gradcheck_free(&report);
        ks_graph_free(g);
    }
}

/* ---- dense, dot, outer --------------------------------------------------------------------------------- */

Test(dense, rows_of_any_batch_times_weights_and_a_bias)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *x = VARIABLE(g, "x", KS_F32, KS_SHAPE(2, 1, 2), 1, 2, 3, 4), *w = VARIABLE(g, "w", KS_F32, KS_SHAPE(2, 3), 1, 2, 3, 4, 5, 6);
    ks_node *b = VARIABLE(g, "b", KS_F32, KS_SHAPE(3), 10, 20, 30), *y = ks_dense(x, w, b);
    SHAPE_IS(y, 2, 1, 3);
    IS(y, 19, 32, 45, 29, 46, 63);
    IS(ks_gradient(y, w), 4, 4, 4, 6, 6, 6);
    IS(ks_gradient(y, b), 2, 2, 2);
    IS(ks_gradient(y, x), 6, 15, 6, 15);
    cr_assert_null(ks_dense(x, w, NULL));
    ks_graph_free(g);
}

/* The derivative of weights that a batch met is one product over all its rows. */
Test(dense, the_derivative_of_the_weights_is_one_product)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *x = ks_input(g, "x", KS_F32, KS_SHAPE(KS_ANY, ks_dim(g, "T"), 2)), *w = VARIABLE(g, "w", KS_F32, KS_SHAPE(2, 1), 1, 2);
    ks_node *d = ks_gradient(ks_sum_all(ks_square(ks_matmul(x, w))), w);
    cr_assert_str_eq(op_of(d), "tensordot");
    cr_assert(ks_feed(x, KS_F32, KS_SHAPE(2, 1, 2), ((float[]){1, 2, 3, 4})));
    IS(d, 2 * (5 * 1 + 11 * 3), 2 * (5 * 2 + 11 * 4));
    ks_graph_free(g);
}

Test(dot, of_two_vectors)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *a = VARIABLE(g, "a", KS_F64, KS_SHAPE(3), 1, 2, 3), *b = VARIABLE(g, "b", KS_F64, KS_SHAPE(3), 4, 5, 6);
    ks_node *m = VARIABLE(g, "m", KS_F64, KS_SHAPE(1, 3), 1, 1, 1), *y = ks_dot(a, b);
    SCALAR_IS(y);
    IS(y, 32);
    IS(ks_gradient(y, a), 4, 5, 6);
    REFUSED(g, ks_dot(m, a), KS_BAD_SHAPE, "dot: takes two vectors, but 'm' has 2 dimensions and 'a' 1: use matmul, tensordot or einsum");
    REFUSED(g, ks_dot(a, ks_number(g, 2)), KS_BAD_SHAPE, "dot: takes two vectors, but 'a' has 1 dimensions and 'number_1' 0: use mul");
    cr_assert_null(ks_dot(a, NULL));
    ks_graph_free(g);
}

Test(outer, all_products_of_the_elements)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *a = VARIABLE(g, "a", KS_I32, KS_SHAPE(2), 2, 3), *b = VARIABLE(g, "b", KS_I32, KS_SHAPE(3, 1), 4, 5, 6), *y = ks_outer(a, b);
    SHAPE_IS(y, 2, 3);
    IS(y, 8, 10, 12, 12, 15, 18);
    ks_graph_free(g);
}
