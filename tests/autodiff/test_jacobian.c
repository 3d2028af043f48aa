/*
 * test_jacobian.c - whole Jacobians and Hessians, products with them, and gradients kept small, against values by hand.
 */
#include "autodiff.h"

static const char *logged;
static char last_log[256];

static void note_log(void *user, const char *message)
{
    (void)user;
    snprintf(last_log, sizeof last_log, "%s", message);
    logged = last_log;
}

/* y = (x0 x1, sin x0, x1^2): J = [x1 x0; cos x0 0; 0 2 x1] */
static ks_node *curve(ks_graph *g, ks_node *x)
{
    ks_node *x0 = ks_slice(x, 0, 0, 1), *x1 = ks_slice(x, 0, 1, 2);
    (void)g;
    return ks_concat(((ks_node *[]){ks_mul(x0, x1), ks_sin(x0), ks_square(x1)}), 3, 0);
}

Test(jacobian, both_modes_give_the_matrix_by_hand)
{
    ks_graph *g = graph();
    ks_node *x = given(g, "x", KS_SHAPE(2), VALUES(0.5, 3)), *y = curve(g, x);
    for (int mode = KS_FORWARD; mode <= KS_REVERSE; mode++) {
        ks_direction direction = (ks_direction)mode;
        ks_node *j = ks_jacobian(y, x, &direction);
        cr_expect_eq(direction, (ks_direction)mode);
        cr_assert_eq(ks_node_shape(j).rank, 2);
        expect_elements(j, 1e-15, 3, 0.5, cos(0.5), 0, 0, 6);
    }
    done(g);
}

Test(jacobian, the_mode_of_fewer_passes_is_chosen_and_said)
{
    ks_graph *g = ks_graph_new(&(ks_graph_options){.size = sizeof(ks_graph_options), .on_log = note_log});
    ks_node *x = given(g, "x", KS_SHAPE(2), VALUES(0.5, 3));
    ks_direction direction = KS_EITHER;
    cr_assert(ks_jacobian(curve(g, x), x, &direction));
    cr_expect_eq(direction, KS_FORWARD);
    cr_expect_str_eq(last_log, "ks_jacobian: 3 by 2 in forward mode, 2 passes");
    direction = KS_EITHER;
    cr_assert(ks_jacobian(ks_sum_all(curve(g, x)), x, &direction));
    cr_expect_eq(direction, KS_REVERSE);
    cr_expect_str_eq(last_log, "ks_jacobian: 1 by 2 in reverse mode, 1 passes");
    cr_assert(ks_jacobian(curve(g, x), x, NULL));
    done(g);
}

/* d(A B)_ij / dA_kl = delta_ik B_lj */
Test(jacobian, its_shape_is_that_of_y_and_then_that_of_x)
{
    ks_graph *g = graph();
    ks_node *a = given(g, "a", KS_SHAPE(2, 3), VALUES(1, 2, 3, 4, 5, 6)), *b = given(g, "b", KS_SHAPE(3, 1), VALUES(7, 8, 9));
    ks_node *j = ks_jacobian(ks_matmul(a, b), a, NULL);
    ks_shape shape = ks_node_shape(j);
    cr_assert(shape.rank == 4 && shape.dim[0] == 2 && shape.dim[1] == 1 && shape.dim[2] == 2 && shape.dim[3] == 3);
    expect_elements(j, 0, 7, 8, 9, 0, 0, 0, 0, 0, 0, 7, 8, 9);
    done(g);
}

Test(jacobian, of_a_scalar_is_the_gradient_and_of_nothing_is_empty)
{
    ks_graph *g = graph();
    ks_node *x = given(g, "x", KS_SHAPE(2), VALUES(3, 4)), *none = ks_slice(x, 0, 1, 1), *s = scalar(g, "s", 2);
    expect_elements(ks_jacobian(ks_sum_all(ks_square(x)), x, NULL), 0, 6, 8);
    expect_elements(ks_jacobian(ks_square(s), s, NULL), 0, 4);
    ks_shape shape = ks_value_shape(ks_jacobian(none, x, NULL));
    cr_expect(shape.rank == 2 && shape.dim[0] == 0 && shape.dim[1] == 2);
    done(g);
}

Test(jacobian, says_what_it_needs)
{
    ks_graph *g = graph();
    ks_node *open = ks_input(g, "open", KS_F64, KS_SHAPE(ks_dim(g, "N"), 3)), *y = ks_named("y", ks_exp(open));
    cr_expect_null(ks_jacobian(y, open, NULL));
    expect_failure(g, KS_BAD_SHAPE, "ks_jacobian: 'y' is [N, 3], and all its sizes must be known: compose it with numbers in its shape");
    ks_node *deep = ks_variable(g, "deep", KS_F64, KS_SHAPE(1, 1, 1, 1, 2), KS_ONES);
    cr_expect_null(ks_jacobian(ks_named("z", ks_exp(deep)), deep, NULL));
    expect_failure(g, KS_BAD_SHAPE, "ks_jacobian: 5 and 5 dimensions are more than the 8 that a tensor has: reshape 'z'");
    cr_expect_null(ks_jacobian(NULL, deep, NULL));
    cr_expect_null(ks_hessian(NULL, deep));
    done(g);
}

Test(jacobian, composing_anew_finds_it)
{
    ks_graph *g = graph();
    ks_node *x = given(g, "x", KS_SHAPE(2), VALUES(0.5, 3)), *first = NULL;
    int64_t mark = ks_graph_mark(g);
    for (int i = 0; i < 3; i++) {
        ks_node *j = ks_jacobian(curve(g, x), x, NULL);
        first = first ? first : j;
        cr_expect_eq(j, first);
        expect_elements(j, 1e-15, 3, 0.5, cos(0.5), 0, 0, 6);
        cr_assert(ks_graph_release(g, mark));
    }
    done(g);
}

/* ---- second derivatives -------------------------------------------------------------------------------- */

/* Rosenbrock's 100 (x1 - x0^2)^2 + (1 - x0)^2: H = [1200 x0^2 - 400 x1 + 2, -400 x0; -400 x0, 200] */
static ks_node *rosenbrock(ks_graph *g, ks_node *x)
{
    ks_node *x0 = ks_slice(x, 0, 0, 1), *x1 = ks_slice(x, 0, 1, 2), *valley = ks_square(ks_sub(x1, ks_square(x0)));
    return ks_sum_all(ks_add(ks_mul(ks_number(g, 100), valley), ks_square(ks_sub(ks_number(g, 1), x0))));
}

Test(hessian, of_rosenbrock)
{
    ks_graph *g = graph();
    ks_node *x = given(g, "x", KS_SHAPE(2), VALUES(-1.5, 2)), *y = rosenbrock(g, x);
    expect_elements(ks_hessian(y, x), 1e-10, 1902, 600, 600, 200);
    expect_elements(ks_hessian_diagonal(y, x), 1e-10, 1902, 200);
    done(g);
}

Test(hessian, times_a_vector)
{
    ks_graph *g = graph();
    ks_node *x = given(g, "x", KS_SHAPE(2), VALUES(-1.5, 2)), *v = given(g, "v", KS_SHAPE(2), VALUES(1, -2)), *out;
    cr_assert(ks_hvp(rosenbrock(g, x), &x, &v, 1, &out));
    expect_elements(out, 1e-10, 1902 - 1200, 600 - 400);
    done(g);
}

/* f = sum (a b)^2 over two x: H (va, vb) = (2 b^2 va + 4 a b vb, 4 a b va + 2 a^2 vb) */
Test(hessian, times_a_vector_over_several_x)
{
    ks_graph *g = graph();
    ks_node *in[] = {scalar(g, "a", 3), scalar(g, "b", 5)}, *v[] = {ks_number(g, 1), ks_number(g, 10)}, *out[2];
    cr_assert(ks_hvp(ks_square(ks_mul(in[0], in[1])), in, v, 2, out));
    expect_exactly(ks_scalar(out[0]), 2 * 25 + 4 * 15 * 10);
    expect_exactly(ks_scalar(out[1]), 4 * 15 + 2 * 9 * 10);
    done(g);
}

/* H of sum log sum exp is diag(s) - s s', s the softmax: as dense as can be. */
Test(hessian, of_what_mixes_all)
{
    ks_graph *g = graph();
    ks_node *x = given(g, "x", KS_SHAPE(3), VALUES(0, log(2), log(5))), *y = ks_log(ks_sum_all(ks_exp(x)));
    const double s[] = {0.125, 0.25, 0.625};
    expect_elements(ks_hessian(y, x), 1e-15, s[0] - s[0] * s[0], -s[0] * s[1], -s[0] * s[2], -s[1] * s[0], s[1] - s[1] * s[1], -s[1] * s[2],
                    -s[2] * s[0], -s[2] * s[1], s[2] - s[2] * s[2]);
    expect_elements(ks_hessian_diagonal(y, x), 1e-15, s[0] - s[0] * s[0], s[1] - s[1] * s[1], s[2] - s[2] * s[2]);
    done(g);
}

/* Elementwise, one pass finds the whole diagonal: few nodes, however many elements. */
Test(hessian, a_separable_diagonal_takes_one_pass)
{
    ks_graph *g = graph();
    double values[1000];
    for (int i = 0; i < 1000; i++)
        values[i] = 0.01 * i;
    ks_node *x = given(g, "x", KS_SHAPE(1000), values), *y = ks_sum_all(ks_exp(x));
    int64_t before = ks_node_count(g);
    ks_node *d = ks_hessian_diagonal(y, x);
    cr_expect_lt(ks_node_count(g) - before, 40);
    double got[1000];
    cr_assert(ks_read(d, KS_F64, got, 1000));
    for (int i = 0; i < 1000; i++)
        expect_near(got[i], exp(values[i]), 1e-11);
    done(g);
}

/* ---- gradients of gradients of gradients --------------------------------------------------------------- */

/* f = exp(a b): d3 f / da da db = (2 b + a b^2) exp(a b), d4 f / da da db db = (2 + 4 a b + a^2 b^2) exp(a b) */
Test(hessian, third_and_fourth_derivatives_of_a_composite)
{
    ks_graph *g = graph();
    double a = 0.5, b = 0.75, e = exp(a * b);
    ks_node *x = fed(g, "a", a), *y = fed(g, "b", b), *f = ks_exp(ks_mul(x, y));
    ks_node *third = ks_gradient(ks_gradient(ks_gradient(f, x), x), y);
    expect_near(ks_scalar(third), (2 * b + a * b * b) * e, 1e-14);
    expect_near(slope(third, y), (2 + 4 * a * b + a * a * b * b) * e, 1e-13);
    done(g);
}

/* f = sum softmax(W x)_0 log: third derivatives in reverse, forward and mixed order are one number. */
Test(hessian, third_derivatives_agree_in_every_order_of_modes)
{
    ks_graph *g = graph();
    ks_node *w = given(g, "w", KS_SHAPE(2, 3), VALUES(0.2, -0.4, 0.1, 0.7, 0.3, -0.6));
    ks_node *x = given(g, "x", KS_SHAPE(1, 2), VALUES(0.5, -1)), *v = given(g, "v", KS_SHAPE(1, 2), VALUES(0.3, 0.9));
    ks_node *f = ks_sum_all(ks_square(ks_tanh(ks_softmax(ks_matmul(x, w), -1))));
    double values[8];
    for (int order = 0; order < 8; order++) {
        ks_node *y = f;
        for (int k = 0; k < 3; k++)
            y = order >> k & 1 ? ks_jvp(y, &x, &v, 1) : ks_sum_all(ks_mul(ks_gradient(y, x), v));
        values[order] = ks_scalar(y);
        expect_near(values[order], values[0], 1e-14);
    }
    cr_expect(fabs(values[0]) > 1e-4);
    done(g);
}

/* ---- clipping ------------------------------------------------------------------------------------------ */

Test(clip, by_value)
{
    ks_graph *g = graph();
    ks_node *x = given(g, "x", KS_SHAPE(4), VALUES(-5, -1, 0.5, 3)), *out;
    cr_assert(ks_clip_by_value(&x, 1, -1, 2, &out));
    expect_elements(out, 0, -1, -1, 0.5, 2);
    cr_expect_not(ks_clip_by_value(&x, 1, 2, -1, &out));
    expect_failure(g, KS_BAD_ARGUMENT, "ks_clip_by_value: the lower bound must not be above the upper one");
    done(g);
}

/* The norm of (3, 4) and (12) is 13; torch.nn.utils.clip_grad_norm_([3, 4], [12], 6.5) gives (1.4999998846, ...). */
Test(clip, by_the_norm_of_all)
{
    ks_graph *g = graph();
    ks_node *in[] = {given(g, "a", KS_SHAPE(2), VALUES(3, 4)), scalar(g, "b", 12)}, *out[2], *norm;
    cr_assert(ks_clip_by_norm(in, 2, 6.5, out, &norm));
    expect_near(ks_scalar(norm), 13, 1e-15);
    expect_elements(out[0], 1e-12, 3 * 6.5 / (13 + 1e-6), 4 * 6.5 / (13 + 1e-6));
    expect_elements(out[1], 1e-12, 12 * 6.5 / (13 + 1e-6));
    cr_assert(ks_clip_by_norm(in, 2, 100, out, NULL));
    expect_elements(out[0], 0, 3, 4);
    cr_expect_not(ks_clip_by_norm(in, 2, 0, out, NULL));
    expect_failure(g, KS_BAD_ARGUMENT, "ks_clip_by_norm: the greatest norm must be above 0");
    done(g);
}

Test(clip, the_norm_of_different_dtypes)
{
    ks_graph *g = graph();
    ks_node *a = scalar(g, "a", 3), *in[] = {a, ks_cast(scalar(g, "b", 4), KS_F32)}, *out[2], *norm;
    cr_assert(ks_clip_by_norm(in, 2, 2.5, out, &norm));
    cr_expect_eq(ks_node_dtype(out[0]), KS_F64);
    cr_expect_eq(ks_node_dtype(out[1]), KS_F32);
    expect_near(ks_scalar(norm), 5, 1e-15);
    expect_near(ks_scalar(out[1]), 2, 1e-6);
    done(g);
}
