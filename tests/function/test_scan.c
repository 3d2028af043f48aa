/*
 * A scan is its unrolled loop: values, derivatives in both modes, second derivatives; and what a loop decides by values.
 */
#include "function/function.h"

/* (h [2], x [2], w [2, 2], b [2]) -> tanh(h w + x b), its square. */
static ks_function *cell(void)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *h = ks_input(g, "h", KS_F64, KS_SHAPE(2)), *x = ks_input(g, "x", KS_F64, KS_SHAPE(2)),
            *w = ks_input(g, "w", KS_F64, KS_SHAPE(2, 2)), *b = ks_input(g, "b", KS_F64, KS_SHAPE(2));
    ks_node *next = ks_output(g, "next", ks_tanh(ks_add(ks_matmul(h, w), ks_mul(x, b))));
    ks_output(g, "y", ks_square(next));
    return closed("cell", g);
}

#define STEPS 5

typedef struct both {
    ks_graph *g;
    ks_function *f;
    ks_node *x[4], *scanned[2], *unrolled[2];
} both;

static void unroll(both *t, bool reverse)
{
    ks_node *h = t->x[0], *rows[STEPS];
    for (int n = 0; n < STEPS; n++) {
        int64_t step = reverse ? STEPS - 1 - n : n;
        ks_node *row = ks_reshape(ks_slice(t->x[1], 0, step, step + 1), KS_SHAPE(2)), *out[2];
        ks_node *arguments[] = {h, row, t->x[2], t->x[3]};
        cr_assert(ks_inline_function(t->f, arguments, out), "%s", why(t->g));
        h = out[0];
        rows[step] = ks_reshape(out[1], KS_SHAPE(1, 2));
    }
    t->unrolled[0] = h;
    t->unrolled[1] = ks_concat(rows, STEPS, 0);
}

static both make(ks_scan_options options)
{
    both t = {.g = ks_graph_new(NULL), .f = cell()};
    t.x[0] = some(t.g, "h", KS_SHAPE(2));
    t.x[1] = some(t.g, "x", KS_SHAPE(STEPS, 2));
    t.x[2] = some(t.g, "w", KS_SHAPE(2, 2));
    t.x[3] = some(t.g, "b", KS_SHAPE(2));
    options.size = sizeof options;
    options.states = 1;
    options.scanned = 1;
    cr_assert(ks_scan(t.f, t.x, &options, t.scanned), "%s", why(t.g));
    unroll(&t, options.reverse);
    return t;
}

static void drop(both *t)
{
    ks_graph_free(t->g);
    ks_function_free(t->f);
}

static ks_node *loss(ks_node *const *out)
{
    return ks_add(ks_sum_all(ks_exp(out[0])), ks_sum_all(ks_mul(out[1], ks_sin(out[1]))));
}

static void check_all(ks_scan_options options)
{
    both t = make(options);
    same(t.scanned[0], t.unrolled[0], 1e-15);
    same(t.scanned[1], t.unrolled[1], 1e-15);
    ks_node *a = loss(t.scanned), *b = loss(t.unrolled);
    ks_node *v[4] = {some(t.g, "vh", KS_SHAPE(2)), some(t.g, "vx", KS_SHAPE(STEPS, 2)), some(t.g, "vw", KS_SHAPE(2, 2)),
                     some(t.g, "vb", KS_SHAPE(2))};
    for (int i = 0; i < 4; i++)
        same(ks_gradient(a, t.x[i]), ks_gradient(b, t.x[i]), 1e-13);
    same(ks_jvp(a, t.x, v, 4), ks_jvp(b, t.x, v, 4), 1e-13);
    same(ks_jvp(t.scanned[1], &t.x[3], &v[3], 1), ks_jvp(t.unrolled[1], &t.x[3], &v[3], 1), 1e-13);
    ks_node *c = ks_sum_all(ks_square(ks_gradient(a, t.x[2]))), *d = ks_sum_all(ks_square(ks_gradient(b, t.x[2])));
    for (int i = 0; i < 4; i++)
        same(ks_gradient(c, t.x[i]), ks_gradient(d, t.x[i]), 1e-12);
    cr_assert_null(ks_error(t.g), "%s", why(t.g));
    drop(&t);
}

Test(scan, is_its_unrolled_loop)
{
    check_all((ks_scan_options){0});
}

Test(scan, runs_from_the_last_row_to_the_first)
{
    check_all((ks_scan_options){.reverse = true});
}

Test(scan, computes_its_steps_again_for_the_derivative)
{
    check_all((ks_scan_options){.recompute = true});
}

Test(scan, keeps_every_second_state_only)
{
    check_all((ks_scan_options){.segment = 2});
    check_all((ks_scan_options){.segment = 2, .reverse = true});
}

/* Rows of a batch: the weights' derivatives are products of matrices, which are taken after the loop. */
Test(scan, of_matrices_is_its_unrolled_loop)
{
    ks_graph *g = ks_graph_new(NULL), *body = ks_graph_new(NULL);
    ks_node *h = ks_input(body, "h", KS_F64, KS_SHAPE(3, 2)), *x = ks_input(body, "x", KS_F64, KS_SHAPE(3, 4)),
            *u = ks_input(body, "u", KS_F64, KS_SHAPE(2, 2)), *w = ks_input(body, "w", KS_F64, KS_SHAPE(4, 2)),
            *b = ks_input(body, "b", KS_F64, KS_SHAPE(2));
    ks_node *next = ks_output(body, "next", ks_tanh(ks_add(ks_add(ks_matmul(h, u), ks_matmul(x, w)), b)));
    ks_output(body, "y", ks_matmul(next, u)); /* u is read twice: its derivatives are added up in each step */
    ks_function *f = closed("cell", body);
    ks_node *in[] = {some(g, "h", KS_SHAPE(3, 2)), some(g, "x", KS_SHAPE(STEPS, 3, 4)), some(g, "u", KS_SHAPE(2, 2)),
                     some(g, "w", KS_SHAPE(4, 2)), some(g, "b", KS_SHAPE(2))};
    ks_node *out[2], *rows[STEPS], *state = in[0];
    ks_scan_options options = {.size = sizeof options, .states = 1, .scanned = 1};
    cr_assert(ks_scan(f, in, &options, out), "%s", why(g));
    for (int64_t t = 0; t < STEPS; t++) {
        ks_node *step[2], *arguments[] = {state, ks_reshape(ks_slice(in[1], 0, t, t + 1), KS_SHAPE(3, 4)), in[2], in[3], in[4]};
        cr_assert(ks_inline_function(f, arguments, step), "%s", why(g));
        state = step[0];
        rows[t] = step[1];
    }
    ks_node *unrolled[] = {state, ks_stack(rows, STEPS, 0)}, *a = loss(out), *c = loss(unrolled);
    for (int i = 0; i < 5; i++)
        same(ks_gradient(a, in[i]), ks_gradient(c, in[i]), 1e-13);
    ks_node *second = ks_sum_all(ks_square(ks_gradient(a, in[3]))), *wanted = ks_sum_all(ks_square(ks_gradient(c, in[3])));
    for (int i = 0; i < 5; i++)
        same(ks_gradient(second, in[i]), ks_gradient(wanted, in[i]), 1e-12);
    ks_graph_free(g);
    ks_function_free(f);
}

Test(scan, without_states_runs_its_rows_side_by_side)
{
    ks_graph *g = ks_graph_new(NULL), *body = ks_graph_new(NULL);
    ks_node *x = ks_input(body, "x", KS_F64, KS_SHAPE(3)), *w = ks_input(body, "w", KS_F64, KS_SHAPE(3));
    ks_output(body, "y", ks_sum_all(ks_mul(ks_exp(x), w)));
    ks_function *f = closed("row", body);
    ks_node *arguments[] = {some(g, "x", KS_SHAPE(100, 3)), some(g, "w", KS_SHAPE(3))}, *out;
    ks_scan_options options = {.size = sizeof options, .scanned = 1};
    cr_assert(ks_scan(f, arguments, &options, &out), "%s", why(g));
    ks_node *wanted = ks_sum(ks_mul(ks_exp(arguments[0]), arguments[1]), KS_INTS(1), false);
    same(out, wanted, 1e-15);
    same(out, wanted, 1e-15);
    ks_node *a = ks_sum_all(ks_square(out)), *b = ks_sum_all(ks_square(wanted));
    same(ks_gradient(a, arguments[0]), ks_gradient(b, arguments[0]), 1e-13);
    same(ks_gradient(a, arguments[1]), ks_gradient(b, arguments[1]), 1e-13);
    ks_graph_free(g);
    ks_function_free(f);
}

Test(scan, takes_any_number_of_rows)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_function *f = cell();
    ks_node *x = ks_input(g, "x", KS_F64, KS_SHAPE(ks_dim(g, "T"), 2)), *out[2];
    ks_node *arguments[] = {some(g, "h", KS_SHAPE(2)), x, some(g, "w", KS_SHAPE(2, 2)), some(g, "b", KS_SHAPE(2))};
    ks_scan_options options = {.size = sizeof options, .states = 1, .scanned = 1};
    cr_assert(ks_scan(f, arguments, &options, out), "%s", why(g));
    ks_node *gradient = ks_gradient(loss(out), arguments[2]);
    double data[40] = {0.25, 0.5, -0.5, 1};
    for (int64_t n = 0; n < 20; n += 7) {
        cr_assert(ks_feed(x, KS_F64, KS_SHAPE(n, 2), data), "%s", why(g));
        cr_assert(ks_eval(gradient), "%s", why(g));
        cr_assert_eq(ks_value_shape(out[1]).dim[0], n);
        if (n == 0)
            same(out[0], arguments[0], 0);
    }
    ks_graph_free(g);
    ks_function_free(f);
}

/* Newton's iteration for the square root of a: x <- (x + a / x) / 2 until x^2 is near a. */
static void newton(ks_function **condition, ks_function **body)
{
    ks_graph *g = ks_graph_new(NULL), *c = ks_graph_new(NULL);
    ks_node *x = ks_input(g, "x", KS_F64, KS_SCALAR), *a = ks_input(g, "a", KS_F64, KS_SCALAR);
    ks_output(g, "next", ks_mul(ks_number(g, 0.5), ks_add(x, ks_div(a, x))));
    *body = closed("newton", g);
    x = ks_input(c, "x", KS_F64, KS_SCALAR);
    a = ks_input(c, "a", KS_F64, KS_SCALAR);
    ks_output(c, "far", ks_greater(ks_abs(ks_sub(ks_square(x), a)), ks_number(c, 1e-13)));
    *condition = closed("far", c);
}

Test(loop, ends_when_its_condition_fails)
{
    ks_function *condition, *body;
    newton(&condition, &body);
    ks_graph *g = ks_graph_new(NULL);
    ks_node *a = ks_input(g, "a", KS_F64, KS_SCALAR);
    ks_node *arguments[] = {ks_add(ks_mul(a, ks_number(g, 0)), ks_number(g, 1)), a}, *root, *count;
    cr_assert(ks_while(condition, body, arguments, 1, 100, &root, &count), "%s", why(g));
    ks_node *slope = ks_gradient(root, a), *bend = ks_gradient(slope, a), *one = ks_constant(g, KS_F64, KS_SCALAR, &(double){1}),
            *forward = ks_jvp(root, &a, &one, 1);
    for (double value = 0.5; value < 40; value *= 3) {
        cr_assert(ks_feed(a, KS_F64, KS_SCALAR, &value));
        cr_assert_float_eq(ks_scalar(root), sqrt(value), 1e-12, "%s", why(g));
        cr_assert_float_eq(ks_scalar(slope), 0.5 / sqrt(value), 1e-9, "%s", why(g));
        cr_assert_float_eq(ks_scalar(forward), 0.5 / sqrt(value), 1e-9, "%s", why(g));
        cr_assert_float_eq(ks_scalar(bend), -0.25 / (value * sqrt(value)), 1e-6, "%s", why(g));
        cr_assert(ks_scalar(count) > 2 && ks_scalar(count) < 12);
    }
    ks_graph_free(g);
    ks_function_free(condition);
    ks_function_free(body);
}

Test(loop, that_does_not_end_is_a_failure)
{
    ks_function *condition, *body;
    newton(&condition, &body);
    ks_graph *g = ks_graph_new(NULL);
    double two = 2;
    ks_node *a = ks_constant(g, KS_F64, KS_SCALAR, &two), *arguments[] = {a, a}, *root;
    cr_assert(ks_while(condition, body, arguments, 1, 2, &root, NULL), "%s", why(g));
    cr_assert_not(ks_eval(root));
    cr_assert_not_null(strstr(why(g), "the loop did not end within 2 steps: raise `most`, or look why 'far' stays true"), "%s", why(g));
    ks_graph_free(g);
    ks_function_free(condition);
    ks_function_free(body);
}

Test(scan, names_the_state_that_changes_its_shape)
{
    ks_graph *g = ks_graph_new(NULL), *body = ks_graph_new(NULL);
    ks_node *h = ks_input(body, "h", KS_F64, KS_SHAPE(2));
    ks_output(body, "next", ks_sum_all(h));
    ks_function *f = closed("step", body);
    ks_node *x = some(g, "x", KS_SHAPE(2)), *out;
    ks_scan_options options = {.size = sizeof options, .states = 1, .length = 3};
    cr_assert_not(ks_scan(f, &x, &options, &out));
    cr_assert_str_eq(why(g), "scan: state 'h' is f64 [2] before a step and f64 [] after it");
    ks_graph_free(g);
    ks_function_free(f);
}

Test(scan, draws_other_numbers_in_every_step_and_the_same_in_its_derivative)
{
    ks_graph *g = ks_graph_new(NULL), *body = ks_graph_new(NULL);
    ks_node *s = ks_input(body, "s", KS_F64, KS_SCALAR), *x = ks_input(body, "x", KS_F64, KS_SHAPE(8));
    ks_node *dropped = ks_output(body, "sum", ks_add(s, ks_sum_all(ks_dropout(x, 0.5, KS_DROPOUT_INVERTED))));
    cr_assert_not_null(dropped);
    ks_function *f = closed("noisy", body);
    ks_node *arguments[] = {ks_constant(g, KS_F64, KS_SCALAR, &(double){0}), some(g, "x", KS_SHAPE(16, 8))}, *out;
    ks_scan_options options = {.size = sizeof options, .states = 1, .scanned = 1};
    cr_assert(ks_scan(f, arguments, &options, &out), "%s", why(g));
    ks_node *gradient = ks_gradient(out, arguments[1]), *check = ks_sum_all(ks_mul(gradient, arguments[1]));
    ks_node *fetches[] = {out, check, gradient};
    ks_run_options run = {.size = sizeof run, .mode = KS_TRAIN};
    cr_assert(ks_run(g, fetches, 3, NULL, 0, &run), "%s", why(g));
    double total, dot, rows[16][8];
    int differing = 0;
    cr_assert(ks_read(out, KS_F64, &total, 1) && ks_read(check, KS_F64, &dot, 1) && ks_read(gradient, KS_F64, rows, 128));
    cr_assert_float_eq(total, dot, 1e-12); /* linear in what is kept: so the masks are the same */
    for (int i = 1; i < 16; i++)
        differing += memcmp(rows[0], rows[i], sizeof rows[0]) != 0;
    cr_assert_gt(differing, 12);
    ks_graph_free(g);
    ks_function_free(f);
}
