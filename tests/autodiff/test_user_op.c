/*
 * test_user_op.c - operations defined outside the library with the same ks_op: an elementwise one with a partial, and one
 * with a kernel and a pullback; with second derivatives, in copies, and beside the library's own.
 */
#include "autodiff.h"

/* ---- elementwise: swish, y = x sigmoid(x) -------------------------------------------------------------- */

static void swish_f32(void *out, const void *const *in, int64_t n, const void *attrs)
{
    (void)attrs;
    const float *x = in[0];
    for (int64_t i = 0; i < n; i++)
        ((float *)out)[i] = x[i] / (1 + expf(-x[i]));
}

static void swish_f64(void *out, const void *const *in, int64_t n, const void *attrs)
{
    (void)attrs;
    const double *x = in[0];
    for (int64_t i = 0; i < n; i++)
        ((double *)out)[i] = x[i] / (1 + exp(-x[i]));
}

static const ks_tile swish_tiles[KS_DTYPES] = {[KS_F32] = {.fn = {swish_f32}}, [KS_F64] = {.fn = {swish_f64}}};

/* y' = s + y (1 - s), s = sigmoid(x) */
static ks_node *swish_partial(ks_node *y, int i)
{
    ks_node *s = ks_sigmoid(ks_node_input(y, i));
    return ks_add(s, ks_mul(y, ks_sub(ks_number(ks_node_graph(y), 1), s)));
}

static const ks_op swish = {
    .size = sizeof(ks_op),
    .name = "user.swish",
    .formula = "y = x / (1 + e^-x)",
    .doc = "Swish.",
    .types = "T>T",
    .inputs = "x",
    .infer = ks_infer_same,
    .tiles = swish_tiles,
    .partial = swish_partial,
    .chain = KS_CHAIN_FINITE,
    .derivative = "u (s + y (1 - s))",
};

static ks_node *apply_swish(ks_node *x)
{
    return ks_apply(ks_node_graph(x), &swish, &x, 1, NULL);
}

static double s_of(double x)
{
    return 1 / (1 + exp(-x));
}

static double swish1(double x)
{
    return s_of(x) + x * s_of(x) * (1 - s_of(x));
}

static double swish2(double x)
{
    double s = s_of(x);
    return s * (1 - s) * (2 + x * (1 - 2 * s));
}

Test(user_op, elementwise_with_two_derivatives)
{
    ks_graph *g = graph();
    double at[101], value[101], first[101], second[101];
    for (int i = 0; i < 101; i++)
        at[i] = 0.1 * i - 5;
    cr_assert(ks_register(g, &swish));
    ks_node *x = given(g, "x", KS_SHAPE(101), at), *y = apply_swish(x), *d = ks_gradient(y, x), *dd = ks_gradient(d, x);
    cr_assert(ks_read(y, KS_F64, value, 101) && ks_read(d, KS_F64, first, 101) && ks_read(dd, KS_F64, second, 101));
    for (int i = 0; i < 101; i++) {
        expect_near(value[i], at[i] * s_of(at[i]), 1e-15);
        expect_near(first[i], swish1(at[i]), 1e-14);
        expect_near(second[i], swish2(at[i]), 1e-14);
    }
    done(g);
}

Test(user_op, fuses_with_what_stands_around_it)
{
    for (int off = 0; off < 2; off++) {
        ks_graph_options options = {.size = sizeof options, .without = off ? ~0u : 0};
        ks_graph *g = ks_graph_new(&options);
        ks_node *x = given(g, "x", KS_SHAPE(2, 3), VALUES(1, -2, 0.5, 0, 3, -1)), *b = given(g, "b", KS_SHAPE(3), VALUES(0.5, 0, -0.5));
        ks_node *y = ks_exp(ks_mul(apply_swish(ks_add(x, b)), ks_number(g, 0.5)));
        expect_elements(ks_gradient(y, b), 1e-13,
                        0.5 * (exp(0.5 * 1.5 * s_of(1.5)) * swish1(1.5) + exp(0.5 * 0.5 * s_of(0.5)) * swish1(0.5)),
                        0.5 * (exp(-s_of(-2)) * swish1(-2) + exp(1.5 * s_of(3)) * swish1(3)),
                        0.5 * (1 * swish1(0) + exp(-0.75 * s_of(-1.5)) * swish1(-1.5)));
        done(g);
    }
}

Test(user_op, in_f32)
{
    ks_graph *g = graph();
    ks_node *x = ks_variable(g, "x", KS_F32, KS_SHAPE(3), KS_UNSET);
    cr_assert(ks_set(x, KS_F32, ((float[]){-1, 0, 2})));
    expect_elements(ks_gradient(apply_swish(x), x), 1e-6, swish1(-1), 0.5, swish1(2));
    done(g);
}

Test(user_op, passes_the_gradient_check)
{
    ks_graph *g = graph();
    ks_node *x = ks_variable(g, "x", KS_F32, KS_SHAPE(20), KS_NORMAL(2));
    ks_gradcheck_report report;
    cr_assert(ks_register(g, &swish));
    cr_assert(ks_gradcheck(ks_mean_all(ks_square(apply_swish(x))), NULL, 0, NULL, &report));
    cr_expect(report.passed);
    cr_expect_leq(report.rows[0].mean_difference, 1e-10);
    ks_gradcheck_free(&report);
    done(g);
}

Test(user_op, is_known_by_name_where_it_was_registered_and_in_copies)
{
    ks_graph *g = graph(), *into = graph(), *other = graph();
    cr_assert(ks_register(g, &swish));
    ks_node *y = apply_swish(scalar(g, "x", 1.5)), *copy;
    cr_assert(ks_copy(into, &y, 1, false, &copy));
    cr_expect_eq(ks_op_find(into, "user.swish"), &swish);
    cr_expect_eq(ks_op_find(g, "user.swish"), &swish);
    cr_expect_null(ks_op_find(other, "user.swish"));
    expect_near(slope(copy, ks_find(into, "x")), swish1(1.5), 1e-15);
    done(g);
    done(into);
    done(other);
}

/* ---- a kernel of a whole tensor: cumulative sums along the last axis ----------------------------------- */

typedef struct cumsum_attrs {
    int64_t reverse;
} cumsum_attrs;

static const ks_attr cumsum_table[] = {
    {"reverse", KS_ATTR_BOOL, offsetof(cumsum_attrs, reverse), false, false, "from the end"},
    {0},
};

static bool cumsum_kernel(const ks_call *call, ks_failure *failure)
{
    (void)failure;
    const cumsum_attrs *attrs = call->attrs;
    const ks_shape *shape = call->out->shape;
    int64_t n = shape->rank ? shape->dim[shape->rank - 1] : 1, rows = n ? call->out->count / n : 0;
    for (int64_t r = 0; r < rows; r++) {
        const double *x = (const double *)call->in[0].data + r * n;
        double *y = (double *)call->out->data + r * n, sum = 0;
        for (int64_t i = 0; i < n; i++) {
            int64_t at = attrs->reverse ? n - 1 - i : i;
            y[at] = sum += x[at];
        }
    }
    return true;
}

static ks_node *cumsum_pullback(ks_node *y, int i, ks_node *u)
{
    (void)i;
    const cumsum_attrs *attrs = ks_node_attrs(y);
    return ks_apply(ks_node_graph(y), ks_node_op(y), &u, 1, &(cumsum_attrs){.reverse = !attrs->reverse});
}

static const ks_op cumsum = {
    .size = sizeof(ks_op),
    .name = "user.cumsum",
    .formula = "y_i = x_0 + ... + x_i",
    .doc = "Cumulative sums along the last axis.",
    .types = "T>T",
    .inputs = "x",
    .allowed = 1u << KS_F64,
    .flags = KS_OP_LINEAR,
    .attrs = cumsum_table,
    .attrs_size = sizeof(cumsum_attrs),
    .infer = ks_infer_same,
    .kernel = cumsum_kernel,
    .pullback = cumsum_pullback,
    .derivative = "the sums of u from the other end",
};

Test(user_op, with_a_kernel_and_a_pullback)
{
    ks_graph *g = graph();
    ks_node *x = given(g, "x", KS_SHAPE(2, 3), VALUES(1, 2, 3, 4, 5, 6)), *y = ks_apply(g, &cumsum, &x, 1, NULL);
    expect_elements(y, 0, 1, 3, 6, 4, 9, 15);
    expect_elements(ks_gradient(y, x), 0, 3, 2, 1, 3, 2, 1);
    ks_node *first = ks_gradient(ks_square(y), x);
    expect_elements(first, 0, 20, 18, 12, 56, 48, 30);
    expect_elements(ks_gradient(first, x), 0, 12, 10, 6, 12, 10, 6); /* 2 CT C 1, C the lower triangle of ones */
    done(g);
}

Test(user_op, is_planned_for_open_dimensions)
{
    ks_graph *g = graph();
    ks_node *x = ks_input(g, "x", KS_F64, KS_SHAPE(ks_dim(g, "N"), 2)), *d = ks_gradient(ks_apply(g, &cumsum, &x, 1, NULL), x);
    cr_assert(ks_feed(x, KS_F64, KS_SHAPE(1, 2), VALUES(1, 2)));
    expect_elements(d, 0, 2, 1);
    cr_assert(ks_feed(x, KS_F64, KS_SHAPE(3, 2), VALUES(1, 2, 3, 4, 5, 6)));
    expect_elements(d, 0, 2, 1, 2, 1, 2, 1);
    done(g);
}

Test(user_op, attributes_are_structure_unless_said_to_be_values)
{
    ks_graph *g = graph();
    ks_node *x = given(g, "x", KS_SHAPE(3), VALUES(1, 2, 3));
    int64_t mark = ks_graph_mark(g);
    for (int reverse = 0; reverse < 2; reverse++) {
        ks_graph_release(g, mark);
        ks_node *y = ks_apply(g, &cumsum, &x, 1, &(cumsum_attrs){.reverse = reverse});
        expect_elements(y, 0, reverse ? 6 : 1, reverse ? 5 : 3, reverse ? 3 : 6);
        expect_elements(ks_gradient(y, x), 0, reverse ? 1 : 3, 2, reverse ? 3 : 1);
    }
    done(g);
}

/* ---- what goes wrong ----------------------------------------------------------------------------------- */

static bool failing_kernel(const ks_call *call, ks_failure *failure)
{
    (void)call;
    failure->code = KS_BAD_ARGUMENT;
    snprintf(failure->message, sizeof failure->message, "it rains");
    return false;
}

static const ks_op failing = {
    .size = sizeof(ks_op),
    .name = "user.failing",
    .types = "T>T",
    .inputs = "x",
    .infer = ks_infer_same,
    .kernel = failing_kernel,
    .no_derivative = "it never gives a value",
};

Test(user_op, a_kernel_that_fails_is_named)
{
    ks_graph *g = graph();
    ks_node *x = scalar(g, "x", 1), *y = ks_named("y", ks_apply(g, &failing, &x, 1, NULL));
    cr_expect(isnan(ks_scalar(y)));
    expect_failure(g, KS_BAD_ARGUMENT, "user.failing 'y': it rains");
    const char *why = ks_why_no_gradient(y, x);
    cr_assert_not_null(why);
    cr_expect_str_eq(why, "the path from 'x' to 'y' ends at 'y' (user.failing): it never gives a value");
    expect_exactly(slope(y, x), 0);
    done(g);
}

/* A partial that fails: one failure, no gradient, and the graph goes on. */
static ks_node *bad_partial(ks_node *y, int i)
{
    return ks_matmul(y, ks_node_input(y, i));
}

static const ks_op broken = {
    .size = sizeof(ks_op),
    .name = "user.broken",
    .types = "T>T",
    .inputs = "x",
    .infer = ks_infer_same,
    .tiles = swish_tiles,
    .partial = bad_partial,
};

Test(user_op, a_derivative_that_fails_is_an_error)
{
    ks_graph *g = graph();
    ks_node *x = scalar(g, "x", 1), *y = ks_apply(g, &broken, &x, 1, NULL);
    cr_expect_null(ks_gradient(ks_square(y), x));
    cr_assert_not_null(ks_error(g));
    cr_expect_eq(ks_error(g)->code, KS_BAD_SHAPE);
    ks_error_clear(g);
    expect_exactly(slope(ks_square(x), x), 2);
    done(g);
}

Test(user_op, without_a_derivative_or_a_reason_is_refused)
{
    ks_graph *g = graph();
    ks_op half = swish;
    half.partial = NULL;
    cr_expect_not(ks_register(g, &half));
    expect_failure(g, KS_NO_GRADIENT, "ks_register: 'user.swish' has neither a derivative nor a reason why there is none");
    half = swish;
    half.name = "swish";
    cr_expect_not(ks_register(g, &half));
    expect_failure(g, KS_BAD_ARGUMENT,
                   "ks_register: an operation needs size, a name with a dot (user.swish), types, infer, and tiles or a kernel");
    done(g);
}
