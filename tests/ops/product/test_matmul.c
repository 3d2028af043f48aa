/*
 * test_matmul.c - the operation matmul: NumPy's meaning of its shapes, transposes, derivatives to second order, open dimensions, what it
 * says when shapes do not fit, and its providers.
 */
#include "ops/ops.h"

#include "config.h"

/* A variable with `count` different values between -1 and 1. */
static ks_node *some(ks_graph *g, const char *name, ks_dtype dtype, ks_shape shape)
{
    double values[4096];
    int64_t count = ks_shape_count(shape);
    cr_assert_leq(count, 4096);
    for (int64_t i = 0; i < count; i++)
        values[i] = (double)((i * 37 + (int64_t)name[0] * 11) % 101) / 50 - 1;
    return make_variable(g, name, dtype, shape, values, count);
}

/* ---- values -------------------------------------------------------------------------------------------- */

Test(matmul, rows_times_columns)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *a = VARIABLE(g, "a", KS_F32, KS_SHAPE(2, 3), 1, 2, 3, 4, 5, 6);
    ks_node *b = VARIABLE(g, "b", KS_F32, KS_SHAPE(3, 2), 7, 8, 9, 10, 11, 12);
    ks_node *y = ks_matmul(a, b);
    IS(y, 58, 64, 139, 154);
    SHAPE_IS(y, 2, 2);
    DTYPE_IS(y, KS_F32);
    ks_graph_free(g);
}

Test(matmul, transposes_are_read_in_place)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *a = VARIABLE(g, "a", KS_F64, KS_SHAPE(2, 3), 1, 2, 3, 4, 5, 6);
    ks_node *at = VARIABLE(g, "at", KS_F64, KS_SHAPE(3, 2), 1, 4, 2, 5, 3, 6);
    ks_node *b = VARIABLE(g, "b", KS_F64, KS_SHAPE(3, 2), 7, 8, 9, 10, 11, 12);
    ks_node *bt = VARIABLE(g, "bt", KS_F64, KS_SHAPE(2, 3), 7, 9, 11, 8, 10, 12);
    IS(ks__matmul(KS_HERE, at, b, true, false), 58, 64, 139, 154);
    IS(ks__matmul(KS_HERE, a, bt, false, true), 58, 64, 139, 154);
    IS(ks__matmul(KS_HERE, at, bt, true, true), 58, 64, 139, 154);
    ks_graph_free(g);
}

/* Vectors: NumPy's numbers for np.matmul([1, 2, 3], ...) and so on. */
Test(matmul, a_vector_is_a_row_on_the_left_and_a_column_on_the_right)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *v = VARIABLE(g, "v", KS_F32, KS_SHAPE(3), 1, 2, 3);
    ks_node *b = VARIABLE(g, "b", KS_F32, KS_SHAPE(3, 2), 7, 8, 9, 10, 11, 12);
    ks_node *a = VARIABLE(g, "a", KS_F32, KS_SHAPE(2, 3), 1, 2, 3, 4, 5, 6);
    ks_node *vb = ks_matmul(v, b), *av = ks_matmul(a, v), *vv = ks_matmul(v, v);
    IS(vb, 58, 64);
    SHAPE_IS(vb, 2);
    IS(av, 14, 32);
    SHAPE_IS(av, 2);
    IS(vv, 14);
    SCALAR_IS(vv);
    ks_graph_free(g);
}

/* y[i] = op(a[i]) op(b[i]) by plain loops; a and b repeat along the batch's two dimensions where theirs is 1 or missing. */
static void by_loops(const double *a, ks_shape sa, bool ta, const double *b, ks_shape sb, bool tb, int64_t batch0, int64_t batch1,
                     int64_t m, int64_t k, int64_t n, double *y)
{
    int64_t a0 = sa.rank > 3 && sa.dim[0] > 1, a1 = sa.rank > 2 && sa.dim[sa.rank - 3] > 1, b0 = sb.rank > 3 && sb.dim[0] > 1,
            b1 = sb.rank > 2 && sb.dim[sb.rank - 3] > 1;
    for (int64_t i = 0; i < batch0 * batch1 * m * n; i++) {
        int64_t column = i % n, row = i / n % m, x1 = i / n / m % batch1, x0 = i / n / m / batch1;
        const double *left = a + (x0 * a0 * (a1 ? batch1 : 1) + x1 * a1) * m * k,
                     *right = b + (x0 * b0 * (b1 ? batch1 : 1) + x1 * b1) * k * n;
        y[i] = 0;
        for (int64_t q = 0; q < k; q++)
            y[i] += (ta ? left[q * m + row] : left[row * k + q]) * (tb ? right[column * k + q] : right[q * n + column]);
    }
}

/* a's and b's shapes end in a matrix of m x k and k x n, exchanged where it says so. */
static void check_batch(ks_shape sa, bool ta, ks_shape sb, bool tb, int64_t batch0, int64_t batch1)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *a = some(g, "a", KS_F64, sa), *b = some(g, "b", KS_F64, sb);
    int64_t m = sa.dim[sa.rank - (ta ? 1 : 2)], k = sa.dim[sa.rank - (ta ? 2 : 1)], n = sb.dim[sb.rank - (tb ? 2 : 1)];
    double va[4096], vb[4096], *wanted = malloc((size_t)(batch0 * batch1 * m * n) * sizeof *wanted);
    cr_assert(ks_read(a, KS_F64, va, ks_shape_count(sa)) && ks_read(b, KS_F64, vb, ks_shape_count(sb)));
    by_loops(va, sa, ta, vb, sb, tb, batch0, batch1, m, k, n, wanted);
    ks_node *y = ks__matmul(KS_HERE, a, b, ta, tb);
    check_values(__FILE__, __LINE__, y, 1e-13, wanted, batch0 * batch1 * m * n);
    free(wanted);
    ks_graph_free(g);
}

Test(matmul, batches_broadcast)
{
    for (int form = 0; form < 4; form++) {
        bool ta = form & 1, tb = form & 2;
        int64_t m = 5, k = 4, n = 3, ra = ta ? k : m, ca = ta ? m : k, rb = tb ? n : k, cb = tb ? k : n;
        check_batch(KS_SHAPE(7, ra, ca), ta, KS_SHAPE(7, rb, cb), tb, 1, 7);
        check_batch(KS_SHAPE(7, ra, ca), ta, KS_SHAPE(rb, cb), tb, 1, 7);
        check_batch(KS_SHAPE(ra, ca), ta, KS_SHAPE(7, rb, cb), tb, 1, 7);
        check_batch(KS_SHAPE(1, ra, ca), ta, KS_SHAPE(7, rb, cb), tb, 1, 7);
        check_batch(KS_SHAPE(2, 1, ra, ca), ta, KS_SHAPE(7, rb, cb), tb, 2, 7);
        check_batch(KS_SHAPE(2, 7, ra, ca), ta, KS_SHAPE(7, rb, cb), tb, 2, 7);
        check_batch(KS_SHAPE(2, 1, ra, ca), ta, KS_SHAPE(1, 7, rb, cb), tb, 2, 7);
        check_batch(KS_SHAPE(2, 7, ra, ca), ta, KS_SHAPE(2, 7, rb, cb), tb, 2, 7);
        check_batch(KS_SHAPE(2, 7, ra, ca), ta, KS_SHAPE(1, 1, rb, cb), tb, 2, 7);
        check_batch(KS_SHAPE(2, 7, ra, ca), ta, KS_SHAPE(2, 1, rb, cb), tb, 2, 7);
        check_batch(KS_SHAPE(1, 7, ra, ca), ta, KS_SHAPE(2, 1, rb, cb), tb, 2, 7);
    }
}

Test(matmul, many_small_matrices_are_shared_out)
{
    check_batch(KS_SHAPE(60, 8, 8), false, KS_SHAPE(60, 8, 8), false, 1, 60);
    check_batch(KS_SHAPE(9, 20, 20), false, KS_SHAPE(9, 20, 20), true, 1, 9);
}

Test(matmul, no_elements)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *tall = NOTHING(g, "tall", KS_F32, KS_SHAPE(3, 0)), *wide = NOTHING(g, "wide", KS_F32, KS_SHAPE(0, 2));
    ks_node *b = VARIABLE(g, "b", KS_F32, KS_SHAPE(2, 2), 1, 2, 3, 4);
    IS(ks_matmul(tall, wide), 0, 0, 0, 0, 0, 0);
    ks_node *none = ks_matmul(wide, b);
    cr_assert(ks_eval(none));
    SHAPE_IS(none, 0, 2);
    QUIET(g);
    ks_graph_free(g);
}

Test(matmul, the_batch_dimension_may_be_open)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *x = ks_input(g, "x", KS_F32, KS_SHAPE(ks_dim(g, "N"), 2));
    ks_node *w = VARIABLE(g, "w", KS_F32, KS_SHAPE(2, 3), 1, 2, 3, 4, 5, 6);
    ks_node *y = ks_matmul(x, w);
    cr_assert(y && ks_node_shape(y).dim[0] == ks_dim(g, "N") && ks_node_shape(y).dim[1] == 3);
    cr_assert(ks_feed(x, KS_F32, KS_SHAPE(1, 2), (float[]){1, 1}));
    IS(y, 5, 7, 9);
    cr_assert(ks_feed(x, KS_F32, KS_SHAPE(2, 2), (float[]){1, 0, 0, 1}));
    IS(y, 1, 2, 3, 4, 5, 6);
    ks_graph_free(g);
}

/* ---- refusals ------------------------------------------------------------------------------------------ */

Test(matmul, inner_sizes_must_agree)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *h = some(g, "h", KS_F32, KS_SHAPE(100, 10)), *w = some(g, "fc2.weight", KS_F32, KS_SHAPE(60, 10));
    REFUSED(g, ks_matmul(h, w), KS_BAD_SHAPE, "matmul: inner sizes differ: 'h' is [100, 10], 'fc2.weight' is [60, 10]");
    REFUSED(g, ks__matmul(KS_HERE, h, w, true, false), KS_BAD_SHAPE,
            "matmul: inner sizes differ: 'h' is [100, 10] transposed, 'fc2.weight' is [60, 10]");
    cr_assert_not_null(ks__matmul(KS_HERE, h, w, false, true));
    ks_graph_free(g);
}

Test(matmul, inner_sizes_are_checked_at_the_feed_where_they_are_open)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *x = ks_input(g, "x", KS_F32, KS_SHAPE(2, KS_ANY)), *w = some(g, "w", KS_F32, KS_SHAPE(3, 2));
    ks_node *y = ks_matmul(x, w);
    cr_assert(ks_feed(x, KS_F32, KS_SHAPE(2, 4), (float[8]){0}));
    cr_assert_not(ks_eval(y));
    cr_assert(ks_error(g) && strstr(ks_error(g)->message, "inner sizes differ"), "%s", ks_error(g) ? ks_error(g)->message : "no failure");
    ks_graph_free(g);
}

Test(matmul, scalars_are_no_matrices)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *s = VARIABLE(g, "s", KS_F32, KS_SCALAR, 2), *w = some(g, "w", KS_F32, KS_SHAPE(3, 2));
    REFUSED(g, ks_matmul(s, w), KS_BAD_SHAPE, "matmul: a scalar is no matrix: 's' is [], 'w' is [3, 2]: use mul");
    ks_graph_free(g);
}

Test(matmul, batches_that_do_not_broadcast)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *a = some(g, "a", KS_F32, KS_SHAPE(2, 3, 4)), *b = some(g, "b", KS_F32, KS_SHAPE(3, 4, 5));
    REFUSED(g, ks_matmul(a, b), KS_BAD_SHAPE,
            "matmul: the dimensions before the last two do not broadcast: 'a' is [2, 3, 4], 'b' is [3, 4, 5]");
    ks_graph_free(g);
}

Test(matmul, floats_only_and_of_one_kind)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *a = some(g, "a", KS_F32, KS_SHAPE(2, 2)), *b = some(g, "b", KS_F64, KS_SHAPE(2, 2)), *c = some(g, "c", KS_I32, KS_SHAPE(2, 2));
    cr_assert_null(ks_matmul(a, b));
    cr_assert_eq(ks_error(g)->code, KS_BAD_DTYPE);
    ks_error_clear(g);
    REFUSED(g, ks_matmul(c, c), KS_BAD_DTYPE, "matmul: takes f32, f64, but 'c' is i32: ks_cast it");
    ks_graph_free(g);
}

/* ---- derivatives --------------------------------------------------------------------------------------- */

#define MOST 128

/* The scalar's value with element i of x moved by step. */
static double moved(ks_node *y, ks_node *x, int64_t i, double step)
{
    double values[MOST], result;
    int64_t count = ks_shape_count(ks_node_shape(x));
    cr_assert(ks_read(x, KS_F64, values, count));
    double before = values[i];
    values[i] += step;
    cr_assert(ks_set(x, KS_F64, values));
    cr_assert(ks_read(y, KS_F64, &result, 1));
    values[i] = before;
    cr_assert(ks_set(x, KS_F64, values));
    return result;
}

/* dy/dx beside central differences. */
static void check_gradient(ks_node *y, ks_node *x)
{
    ks_graph *g = ks_node_graph(y);
    ks_node *d = ks_gradient(y, x);
    cr_assert(d, "%s", ks_error(g) ? ks_error(g)->message : "no gradient");
    double values[MOST];
    int64_t count = ks_shape_count(ks_node_shape(x));
    cr_assert_leq(count, MOST);
    cr_assert(ks_read(d, KS_F64, values, count), "%s", ks_error(g) ? ks_error(g)->message : "?");
    for (int64_t i = 0; i < count; i++) {
        double wanted = (moved(y, x, i, 1e-5) - moved(y, x, i, -1e-5)) / 2e-5;
        cr_assert(agree(values[i], wanted, 1e-8), "element %lld of d/d'%s' is %.12g, by differences %.12g", (long long)i, ks_name(x),
                  values[i], wanted);
    }
}

/* First and second order, through a square, so that every derivative hangs on the values. */
static void check_derivatives(ks_shape sa, bool ta, ks_shape sb, bool tb)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *a = some(g, "a", KS_F64, sa), *b = some(g, "b", KS_F64, sb);
    ks_node *y = ks_sum(ks_square(ks__matmul(KS_HERE, a, b, ta, tb)), KS_ABSENT, false);
    check_gradient(y, a);
    check_gradient(y, b);
    ks_node *da = ks_sum(ks_square(ks_gradient(y, a)), KS_ABSENT, false), *db = ks_sum(ks_square(ks_gradient(y, b)), KS_ABSENT, false);
    cr_assert(da && db);
    check_gradient(da, a);
    check_gradient(da, b);
    check_gradient(db, a);
    check_gradient(db, b);
    ks_graph_free(g);
}

Test(matmul, derivatives_of_every_form)
{
    check_derivatives(KS_SHAPE(2, 3), false, KS_SHAPE(3, 4), false);
    check_derivatives(KS_SHAPE(3, 2), true, KS_SHAPE(3, 4), false);
    check_derivatives(KS_SHAPE(2, 3), false, KS_SHAPE(4, 3), true);
    check_derivatives(KS_SHAPE(3, 2), true, KS_SHAPE(4, 3), true);
}

Test(matmul, derivatives_of_batches)
{
    check_derivatives(KS_SHAPE(2, 2, 3), false, KS_SHAPE(2, 3, 2), false);
    check_derivatives(KS_SHAPE(2, 2, 3), false, KS_SHAPE(3, 2), false);
    check_derivatives(KS_SHAPE(3, 2), true, KS_SHAPE(2, 1, 2, 3), true);
    check_derivatives(KS_SHAPE(2, 1, 2, 3), false, KS_SHAPE(2, 3, 2), false);
}

Test(matmul, derivatives_of_vectors)
{
    check_derivatives(KS_SHAPE(3), false, KS_SHAPE(3), false);
    check_derivatives(KS_SHAPE(3), false, KS_SHAPE(3, 2), false);
    check_derivatives(KS_SHAPE(3), false, KS_SHAPE(2, 3), true);
    check_derivatives(KS_SHAPE(2, 3), false, KS_SHAPE(3), false);
    check_derivatives(KS_SHAPE(3, 2), true, KS_SHAPE(3), false);
    check_derivatives(KS_SHAPE(3), false, KS_SHAPE(2, 3, 2), false);
    check_derivatives(KS_SHAPE(2, 2, 3), false, KS_SHAPE(3), false);
}

/* y = sum(a b): dy/da is the row sums of b in each row, dy/db the column sums of a in each column. */
Test(matmul, derivative_by_hand)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *a = VARIABLE(g, "a", KS_F64, KS_SHAPE(2, 2), 1, 2, 3, 4), *b = VARIABLE(g, "b", KS_F64, KS_SHAPE(2, 2), 5, 6, 7, 8);
    ks_node *y = ks_sum(ks_matmul(a, b), KS_ABSENT, false);
    IS(ks_gradient(y, a), 11, 15, 11, 15);
    IS(ks_gradient(y, b), 4, 4, 6, 6);
    ks_graph_free(g);
}

Test(matmul, derivatives_turn_no_matrix_in_memory)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *a = some(g, "a", KS_F64, KS_SHAPE(2, 3)), *b = some(g, "b", KS_F64, KS_SHAPE(3, 4));
    ks_node *y = ks_sum(ks_matmul(a, b), KS_ABSENT, false);
    cr_assert(ks_gradient(y, a) && ks_gradient(y, b));
    for (uint32_t i = 0; i < g->count; i++)
        cr_assert_str_neq(ks__stack_at(&g->nodes, i)->op->name, "transpose");
    ks_graph_free(g);
}

/* ---- the same bits, and providers ---------------------------------------------------------------------- */

static void backwards(void *user, int64_t n, ks_task_fn task, void *payload)
{
    (void)user;
    for (int64_t i = n; i-- > 0;)
        task(payload, i);
}

/* Sums of the product of two large batches, as the options have it. */
static void compute(const ks_graph_options *options, ks_shape sa, ks_shape sb, float *y, int64_t count)
{
    ks_graph *g = ks_graph_new(options);
    cr_assert_not_null(g);
    int64_t na = ks_shape_count(sa), nb = ks_shape_count(sb);
    float *va = malloc((size_t)na * sizeof *va), *vb = malloc((size_t)nb * sizeof *vb);
    for (int64_t i = 0; i < na; i++)
        va[i] = (float)(i * 37 % 101) / 50 - 1;
    for (int64_t i = 0; i < nb; i++)
        vb[i] = (float)(i * 53 % 97) / 48 - 1;
    ks_node *a = ks_variable(g, "a", KS_F32, sa, KS_UNSET), *b = ks_variable(g, "b", KS_F32, sb, KS_UNSET);
    cr_assert(ks_set(a, KS_F32, va) && ks_set(b, KS_F32, vb));
    cr_assert(ks_read(ks_matmul(a, b), KS_F32, y, count), "%s", ks_error(g) ? ks_error(g)->message : "?");
    free(va);
    free(vb);
    ks_graph_free(g);
}

Test(matmul, the_same_bits_on_any_threads)
{
    static const ks_shape sa[] = {{2, {150, 300}}, {3, {100, 20, 30}}, {3, {3, 130, 140}}};
    static const ks_shape sb[] = {{2, {300, 70}}, {3, {100, 30, 20}}, {3, {1, 140, 130}}};
    static const int64_t counts[] = {150 * 70, 100 * 20 * 20, 3 * 130 * 130};
    for (int i = 0; i < 3; i++) {
        size_t bytes = (size_t)counts[i] * sizeof(float);
        float *one = malloc(bytes), *other = malloc(bytes);
        ks_graph_options options = KS_GRAPH_OPTIONS_DEFAULT;
        options.threads = 1;
        compute(&options, sa[i], sb[i], one, counts[i]);
        options.threads = 2;
        compute(&options, sa[i], sb[i], other, counts[i]);
        cr_assert_eq(memcmp(one, other, bytes), 0);
        options.parallel_for = backwards;
        compute(&options, sa[i], sb[i], other, counts[i]);
        cr_assert_eq(memcmp(one, other, bytes), 0);
        free(one);
        free(other);
    }
}

Test(matmul, the_cblas_agrees)
{
    ks_graph_options options = KS_GRAPH_OPTIONS_DEFAULT;
    options.products = "blas";
    ks_graph *g = ks_graph_new(&options);
#ifdef KS_HAVE_CBLAS
    cr_assert_str_eq(ks_graph_products(g), "blas");
    static const ks_shape sa[] = {{2, {150, 300}}, {3, {10, 20, 30}}, {2, {2, 0}}};
    static const ks_shape sb[] = {{2, {300, 70}}, {3, {10, 30, 20}}, {2, {0, 2}}};
    static const int64_t counts[] = {150 * 70, 10 * 20 * 20, 4};
    for (int i = 0; i < 3; i++) {
        float *own = malloc((size_t)counts[i] * sizeof(float)), *other = malloc((size_t)counts[i] * sizeof(float));
        compute(NULL, sa[i], sb[i], own, counts[i]);
        compute(&options, sa[i], sb[i], other, counts[i]);
        for (int64_t k = 0; k < counts[i]; k++)
            cr_assert(agree(own[k], other[k], 1e-4), "element %lld: %g and %g", (long long)k, (double)own[k], (double)other[k]);
        free(own);
        free(other);
    }
#else
    cr_assert_null(g, "a build without a CBLAS has no 'blas'");
#endif
    ks_graph_free(g);
}
