/*
 * test_table.c - every operation of the table, by its own example: what its definition must have, its first and second derivatives beside
 * central differences taken here, and the same bits with each fast path off and on any number of threads.
 */
#include "ops/ops.h"

#include "autodiff/rules.h"
#include "ops/table.h"

#define MOST_VARIABLES 4
#define MOST_ELEMENTS  64

/* ---- the definition ------------------------------------------------------------------------------------ */

/* What is no operation to be tried alone: a leaf, an effect, a further result of another's node. */
static bool is_leaf_or_effect(const ks_op *op)
{
    return op->flags & (KS_OP_LEAF | KS_OP_EFFECT | KS_OP_RESULT);
}

static bool has_derivative(const ks_op *op)
{
    return op->partial || op->pullback || op->pullbacks;
}

static bool said(const char *text)
{
    return text && *text;
}

static int words(const char *text)
{
    int n = 0;
    for (const char *c = text; *c; c++)
        n += *c != ' ' && (c == text || c[-1] == ' ');
    return n;
}

static int letters(const char *types)
{
    int n = 0;
    for (const char *c = types; *c && *c != '>'; c++)
        n += *c != '+';
    return n;
}

Test(table, every_definition_is_whole)
{
    for (int i = 0; i < ks_op_count(); i++) {
        const ks_op *op = ks_op_at(i);
        cr_assert_eq(op->size, sizeof *op);
        cr_assert(said(op->name) && said(op->formula) && said(op->doc), "'%s' lacks a name, a formula or a doc", op->name);
        cr_assert(op->types && strchr(op->types, '>') && strlen(strchr(op->types, '>')) == 2, "'%s' has types '%s'", op->name, op->types);
        cr_assert_not_null(op->infer, "'%s' has no shape rule", op->name);
        cr_assert_not_null(op->inputs, "'%s' does not name its inputs", op->name);
        cr_assert_eq(words(op->inputs), letters(op->types), "'%s' has types %s but inputs '%s'", op->name, op->types, op->inputs);
        cr_assert((op->flags & (KS_OP_LEAF | KS_OP_RESULT)) || op->tiles || op->kernel, "'%s' has neither tiles nor a kernel", op->name);
        cr_assert(has_derivative(op) || op->flags & KS_OP_RESULT || said(op->no_derivative), "'%s' has neither a derivative nor a reason",
                  op->name);
        cr_assert(!has_derivative(op) || said(op->derivative), "'%s' has a derivative without a formula", op->name);
        cr_assert(is_leaf_or_effect(op) || op->example, "'%s' has no example", op->name);
        cr_assert_eq(ks_op_find(NULL, op->name), op, "two operations are called '%s'", op->name);
    }
    cr_assert_null(ks_op_at(-1));
    cr_assert_null(ks_op_at(ks_op_count()));
    cr_assert_null(ks_op_find(NULL, "no_such_operation"));
}

static size_t attr_size(ks_attr_type type)
{
    return type == KS_ATTR_INTS ? sizeof(ks_ints) : type == KS_ATTR_SHAPE ? sizeof(ks_shape) : 8;
}

Test(table, every_attribute_is_described_and_lies_in_its_struct)
{
    for (int i = 0; i < ks_op_count(); i++) {
        const ks_op *op = ks_op_at(i);
        cr_assert_eq(op->attrs != NULL, op->attrs_size != 0, "'%s'", op->name);
        for (const ks_attr *attr = op->attrs; attr && attr->name; attr++) {
            cr_assert(said(attr->doc), "'%s' does not describe '%s'", op->name, attr->name);
            cr_assert_leq(attr->offset + attr_size(attr->type), op->attrs_size, "'%s': '%s' lies outside", op->name, attr->name);
        }
    }
}

Test(table, what_draws_again_takes_the_shape_of_what_drew_first)
{
    for (int i = 0; i < ks_op_count(); i++) {
        const ks_op *op = ks_op_at(i);
        if (op->flags & KS_OP_REDRAWS)
            cr_assert(op->flags & KS_OP_RANDOM && op->types[0] == 'S', "'%s' draws again what?", op->name);
    }
}

/* The lines of the table: all letters that stand for an allowed dtype have tiles. */
Test(table, elementwise_operations_have_tiles_for_all_that_they_allow)
{
    for (int i = 0; i < ks_op_count(); i++) {
        const ks_op *op = ks_op_at(i);
        unsigned allowed = op->allowed ? op->allowed : KS_FLOATS;
        for (int dtype = 0; op->tiles && dtype < KS_DTYPES; dtype++)
            cr_assert(!(allowed & 1u << dtype) || op->tiles[dtype].fn[0], "'%s' has no tile for %s", op->name,
                      ks_dtype_name((ks_dtype)dtype));
    }
}

/* ---- an example ---------------------------------------------------------------------------------------- */

/* loss = sum of w y; gradient of each x; and second = sum over x of v times its gradient, with the gradients of that. */
typedef struct example {
    ks_graph *g;
    ks_node *y, *loss, *second;
    int n;
    ks_node *x[MOST_VARIABLES], *first_of[MOST_VARIABLES], *second_of[MOST_VARIABLES];
} example;

/* Weights without a pattern that a derivative could share. */
static ks_node *weights(ks_graph *g, ks_node *like, int salt)
{
    double values[MOST_ELEMENTS];
    ks_shape shape = ks_node_shape(like);
    int64_t n = ks_shape_count(shape);
    cr_assert(n >= 0 && n <= MOST_ELEMENTS);
    for (int64_t i = 0; i < n; i++)
        values[i] = 0.5 + 0.37 * (double)((i * 7 + salt * 5) % 11) - 0.21 * (double)((i * i + salt) % 5);
    return ks_constant(g, KS_F64, shape, values);
}

static bool is_float(const ks_node *node)
{
    return ks_node_dtype(node) == KS_F32 || ks_node_dtype(node) == KS_F64;
}

static example open_example(const ks_op *op, const ks_graph_options *options)
{
    example e = {.g = ks_graph_new(options)};
    cr_assert_not_null(e.g);
    cr_assert_not_null(op->example, "'%s' has no example", op->name);
    e.y = op->example(e.g);
    cr_assert(e.y, "the example of '%s': %s", op->name, ks_error(e.g) ? ks_error(e.g)->message : "no node");
    cr_assert_eq(ks_node_op(e.y), op, "the example of '%s' ends in '%s'", op->name, ks_node_op_name(e.y));
    e.n = (int)ks_variable_count(e.g);
    cr_assert_leq(e.n, MOST_VARIABLES);
    for (int i = 0; i < e.n; i++)
        e.x[i] = ks_variable_number(e.g, i);
    return e;
}

static void differentiate(example *e)
{
    if (!is_float(e->y))
        return;
    ks_node *y = ks_node_dtype(e->y) == KS_F64 ? e->y : ks_cast(e->y, KS_F64);
    e->loss = ks_sum_all(ks_mul(weights(e->g, y, 1), y));
    e->second = ks_constant(e->g, KS_F64, KS_SCALAR, &(double){0});
    for (int i = 0; i < e->n; i++) {
        e->first_of[i] = ks_gradient(e->loss, e->x[i]);
        e->second = ks_add(e->second, ks_sum_all(ks_mul(weights(e->g, e->x[i], 2 + i), e->first_of[i])));
    }
    for (int i = 0; i < e->n; i++)
        e->second_of[i] = ks_gradient(e->second, e->x[i]);
    cr_assert_null(ks_error(e->g), "'%s': %s", ks_node_op_name(e->y), ks_error(e->g) ? ks_error(e->g)->message : "");
}

static double at_shifted(ks_node *f, ks_node *x, const double *values, int64_t n, int64_t k, double by)
{
    double moved[MOST_ELEMENTS];
    memcpy(moved, values, sizeof(double) * (size_t)n);
    moved[k] += by;
    cr_assert(ks_set(x, KS_F64, moved));
    double y = ks_scalar(f);
    cr_assert(ks_set(x, KS_F64, values));
    return y;
}

/* Central differences with h and h/2, from which Richardson's step takes the error of order h^2. */
static double numeric(ks_node *f, ks_node *x, const double *values, int64_t n, int64_t k)
{
    double h = 1e-3 * fmax(1, fabs(values[k]));
    double wide = (at_shifted(f, x, values, n, k, h) - at_shifted(f, x, values, n, k, -h)) / (2 * h);
    double narrow = (at_shifted(f, x, values, n, k, h / 2) - at_shifted(f, x, values, n, k, -h / 2)) / h;
    return (4 * narrow - wide) / 3;
}

/* Says what differs and goes on: one wrong operation does not hide the others. */
static void compare(const char *what, const ks_op *op, ks_node *f, ks_node *x, ks_node *derivative)
{
    double values[MOST_ELEMENTS], analytic[MOST_ELEMENTS];
    int64_t n = ks_shape_count(ks_node_shape(x));
    cr_assert(ks_read(x, KS_F64, values, n));
    bool there = ks_read(derivative, KS_F64, analytic, n);
    cr_expect(there, "%s of '%s' with respect to %s: %s", what, op->name, ks_name(x),
              ks_error(ks_node_graph(x)) ? ks_error(ks_node_graph(x))->message : "?");
    for (int64_t k = 0; there && k < n; k++) {
        double wanted = numeric(f, x, values, n, k);
        bool good = fabs(analytic[k] - wanted) <= 1e-6 * fmax(1, fabs(wanted));
        cr_expect(good, "%s of '%s' with respect to %s[%lld] is %.12g, numerically %.12g", what, op->name, ks_name(x), (long long)k,
                  analytic[k], wanted);
        if (!good)
            return;
    }
}

Test(table, first_derivatives_are_those_of_central_differences)
{
    for (int i = 0; i < ks_op_count(); i++) {
        const ks_op *op = ks_op_at(i);
        if (is_leaf_or_effect(op) || op->flags & KS_OP_STOP)
            continue;
        example e = open_example(op, NULL);
        differentiate(&e);
        for (int k = 0; e.loss && k < e.n; k++)
            compare("the derivative", op, e.loss, e.x[k], e.first_of[k]);
        ks_graph_free(e.g);
    }
}

Test(table, second_derivatives_are_those_of_central_differences)
{
    for (int i = 0; i < ks_op_count(); i++) {
        const ks_op *op = ks_op_at(i);
        if (is_leaf_or_effect(op) || op->flags & KS_OP_STOP)
            continue;
        example e = open_example(op, NULL);
        differentiate(&e);
        for (int k = 0; e.loss && k < e.n; k++)
            compare("the second derivative", op, e.second, e.x[k], e.second_of[k]);
        ks_graph_free(e.g);
    }
}

/* <u, J t> by a tangent and by a gradient, which are each other's transpose: equal to the last digits. */
Test(table, forward_mode_is_the_transpose_of_reverse_mode)
{
    for (int i = 0; i < ks_op_count(); i++) {
        const ks_op *op = ks_op_at(i);
        if (is_leaf_or_effect(op))
            continue;
        example e = open_example(op, NULL);
        differentiate(&e);
        for (int k = 0; e.loss && k < e.n; k++) {
            ks_node *t = weights(e.g, e.x[k], 3 + k), *pushed = ks_jvp(e.loss, &e.x[k], &t, 1);
            double forward = ks_scalar(pushed), reverse = ks_scalar(ks_sum_all(ks_mul(e.first_of[k], t)));
            cr_expect_null(ks_error(e.g), "'%s', forward: %s", op->name, ks_error(e.g) ? ks_error(e.g)->message : "");
            cr_expect(fabs(forward - reverse) <= 1e-10 * fmax(1, fabs(reverse)),
                      "the tangent of '%s' along %s is %.17g in forward mode and %.17g in reverse mode", op->name, ks_name(e.x[k]), forward,
                      reverse);
        }
        ks_graph_free(e.g);
    }
}

/* What claims a derivative has one in its example: otherwise the two tests above compare zero with zero. */
Test(table, what_has_a_derivative_shows_it_in_its_example)
{
    for (int i = 0; i < ks_op_count(); i++) {
        const ks_op *op = ks_op_at(i);
        if (is_leaf_or_effect(op) || !has_derivative(op) || !strcmp(op->name, "step"))
            continue;
        example e = open_example(op, NULL);
        differentiate(&e);
        double most = 0, values[MOST_ELEMENTS];
        for (int k = 0; k < e.n; k++) {
            int64_t n = ks_shape_count(ks_node_shape(e.x[k]));
            cr_assert(ks_read(e.first_of[k], KS_F64, values, n));
            for (int64_t j = 0; j < n; j++)
                most = fmax(most, fabs(values[j]));
        }
        cr_assert(most > 0, "'%s' has a derivative but its example shows none", op->name);
        ks_graph_free(e.g);
    }
}

Test(table, what_stops_derivatives_passes_none)
{
    for (int i = 0; i < ks_op_count(); i++) {
        const ks_op *op = ks_op_at(i);
        if (!(op->flags & KS_OP_STOP))
            continue;
        example e = open_example(op, NULL);
        differentiate(&e);
        for (int k = 0; k < e.n; k++) {
            double values[MOST_ELEMENTS];
            int64_t n = ks_shape_count(ks_node_shape(e.x[k]));
            cr_assert(ks_read(e.first_of[k], KS_F64, values, n));
            for (int64_t j = 0; j < n; j++)
                cr_assert_eq(values[j], 0);
        }
        ks_graph_free(e.g);
    }
}

/* ---- the same bits ------------------------------------------------------------------------------------- */

#define MOST_RESULTS (1 + 2 * MOST_VARIABLES)

typedef struct results {
    int n;
    int64_t count[MOST_RESULTS];
    double values[MOST_RESULTS][MOST_ELEMENTS];
} results;

static void take(results *r, ks_node *node)
{
    r->count[r->n] = ks_shape_count(ks_value_shape(node));
    cr_assert(r->count[r->n] <= MOST_ELEMENTS && ks_read(node, KS_F64, r->values[r->n], r->count[r->n]));
    r->n++;
}

/* Value, gradients and second gradients of the example, f32 and f64 alike, of one training run. */
static void run_example(const ks_op *op, const ks_graph_options *options, results *r)
{
    example e = open_example(op, options);
    differentiate(&e);
    ks_node *all[MOST_RESULTS];
    int n = 0;
    all[n++] = e.y;
    for (int k = 0; e.loss && k < e.n; k++) {
        all[n++] = e.first_of[k];
        all[n++] = e.second_of[k];
    }
    cr_assert(ks_run(e.g, all, n, NULL, 0, &(ks_run_options){.size = sizeof(ks_run_options), .mode = KS_TRAIN}), "'%s': %s", op->name,
              ks_error(e.g) ? ks_error(e.g)->message : "?");
    r->n = 0;
    for (int k = 0; k < n; k++)
        take(r, all[k]);
    ks_graph_free(e.g);
}

static void same_results(const ks_op *op, const char *how, const results *a, const results *b, double tolerance)
{
    cr_assert_eq(a->n, b->n);
    for (int i = 0; i < a->n; i++) {
        cr_assert_eq(a->count[i], b->count[i]);
        for (int64_t k = 0; k < a->count[i]; k++) {
            double x = a->values[i][k], y = b->values[i][k];
            bool same = tolerance > 0 ? agree(y, x, tolerance) : !memcmp(&x, &y, sizeof x);
            cr_assert(same, "'%s' %s: element %lld of result %d is %.17g, not %.17g", op->name, how, (long long)k, i, y, x);
        }
    }
}

static void all_the_same(const ks_graph_options *options, const char *how, double tolerance)
{
    for (int i = 0; i < ks_op_count(); i++) {
        const ks_op *op = ks_op_at(i);
        results plain, other;
        if (is_leaf_or_effect(op))
            continue;
        run_example(op, &(ks_graph_options){.size = sizeof(ks_graph_options)}, &plain);
        run_example(op, options, &other);
        same_results(op, how, &plain, &other, tolerance);
    }
}

Test(table, each_fast_path_off_gives_the_same_bits)
{
    static const struct {
        unsigned bits;
        const char *how;
    } paths[] = {{KS_FUSE, "without fusing"},           {KS_PLACE, "without sharing memory"},
                 {KS_RECOGNISE, "without recognising"}, {KS_SIMPLIFY, "without simplifying"},
                 {KS_SHARE, "without sharing work"},    {KS_CACHE, "without the plan cache"},
                 {KS_BYTECODE, "without bytecode"},     {127, "on the plain path"}};
    for (size_t k = 0; k < sizeof paths / sizeof paths[0]; k++)
        all_the_same(&(ks_graph_options){.size = sizeof(ks_graph_options), .without = paths[k].bits}, paths[k].how, 0);
}

Test(table, any_number_of_threads_gives_the_same_bits)
{
    for (int threads = 1; threads <= 3; threads++)
        all_the_same(&(ks_graph_options){.size = sizeof(ks_graph_options), .threads = threads}, "on other threads", 0);
}

Test(table, keeping_every_value_gives_the_same_bits)
{
    all_the_same(&(ks_graph_options){.size = sizeof(ks_graph_options), .keep_all = true}, "with all kept", 0);
}

Test(table, every_instruction_set_agrees)
{
    static const char *const sets[] = {"plain", "x86-64-v2", "x86-64-v3", "x86-64-v4"};
    for (size_t k = 0; k < sizeof sets / sizeof sets[0]; k++) {
        ks_graph_options options = {.size = sizeof options, .isa = sets[k]};
        ks_graph *g = ks_graph_new(&options);
        bool there = g != NULL;
        ks_graph_free(g);
        if (there)
            all_the_same(&options, sets[k], 1e-13);
    }
}

/* ---- the backward pass --------------------------------------------------------------------------------- */

Test(table, the_backward_pass_of_every_example_keeps_the_rules)
{
    int walked = 0;
    for (int i = 0; i < ks_op_count(); i++) {
        const ks_op *op = ks_op_at(i);
        ks_graph *g = ks_graph_new(NULL);
        ks_node *y = op->example ? op->example(g) : NULL;
        if (y && (ks_node_dtype(y) == KS_F32 || ks_node_dtype(y) == KS_F64)) {
            ks__backward b;
            cr_assert(ks__backward_walk(ks_sum_all(y), NULL, g, &b), "'%s': %s", op->name, ks_error(g) ? ks_error(g)->message : "?");
            cr_assert(ks__backward_holds(g, &b), "'%s': %s", op->name, ks_error(g) ? ks_error(g)->message : "?");
            walked += b.edge_count > 0;
            ks__backward_free(g, &b);
        }
        ks_graph_free(g);
    }
    cr_assert_gt(walked, 40);
}

Test(table, a_backward_pass_that_breaks_a_rule_is_found)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *x = ks_variable(g, "x", KS_F64, KS_SHAPE(3), KS_ONES), *y = ks_exp(x), *wrong = ks_sum_all(x);
    ks__backward b;
    cr_assert(ks__backward_walk(ks_sum_all(y), NULL, g, &b) && ks__backward_holds(g, &b));
    for (uint32_t e = 0; e < b.edge_count; e++) {
        ks_node *right = b.edges[e].contribution;
        b.edges[e].contribution = wrong;
        cr_expect_not(ks__backward_holds(g, &b));
        b.edges[e].contribution = right;
    }
    cr_expect_not_null(strstr(ks_error(g)->message, "broken rule of backward passes at "));
    ks__backward_free(g, &b);
    ks_graph_free(g);
}
