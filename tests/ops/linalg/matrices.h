/*
 * matrices.h - what the tests of linear algebra share: matrices without a pattern, products by plain loops, derivatives of both orders.
 */
#ifndef KS_TEST_MATRICES_H
#define KS_TEST_MATRICES_H

#include "ops/ops.h"

#include "engine/kernels/isa.h"

/* The i-th of numbers between -1 and 1 without a pattern. */
static inline double number(int64_t i, int salt)
{
    uint64_t x = ((uint64_t)i + 1) * UINT64_C(0x9e3779b97f4a7c15) + (uint64_t)salt * UINT64_C(0xd1b54a32d192ed03);
    x = (x ^ x >> 31) * UINT64_C(0xbf58476d1ce4e5b9);
    return (double)(x >> 12 & 0xfffff) / 524288 - 1;
}

/* A variable of such numbers; `diagonal` is added to the diagonals of its last two axes. */
static inline ks_node *numbers(ks_graph *g, const char *name, ks_dtype dtype, ks_shape shape, int salt, double diagonal)
{
    int64_t count = ks_shape_count(shape), n = shape.dim[shape.rank - 1];
    double *values = malloc(sizeof *values * (size_t)(count + 1));
    for (int64_t i = 0; i < count; i++)
        values[i] = number(i, salt) + (i / n % n == i % n ? diagonal : 0);
    ks_node *x = make_variable(g, name, dtype, shape, values, count);
    free(values);
    return x;
}

static inline double *read_all(ks_node *x)
{
    int64_t count = ks_shape_count(ks_value_shape(x));
    ks_graph *g = ks_node_graph(x);
    cr_assert(count >= 0, "%s", ks_error(g) ? ks_error(g)->message : "?");
    double *values = malloc(sizeof *values * (size_t)(count + 1));
    cr_assert(ks_read(x, KS_F64, values, count), "%s", ks_error(g) ? ks_error(g)->message : "?");
    return values;
}

/* The largest |a x - b| of one system, a read turned on request. */
static inline double residual(const double *a, bool trans, const double *x, const double *b, int64_t n, int64_t k)
{
    double worst = 0;
    for (int64_t i = 0; i < n; i++) {
        for (int64_t j = 0; j < k; j++) {
            double sum = -b[i * k + j];
            for (int64_t l = 0; l < n; l++)
                sum += (trans ? a[l * n + i] : a[i * n + l]) * x[l * k + j];
            worst = fmax(worst, fabs(sum));
        }
    }
    return worst;
}

static inline void check_order(ks_node *loss, const char *what)
{
    ks_graph *g = ks_node_graph(loss);
    ks_gradcheck_report report;
    cr_assert(ks_gradcheck(loss, NULL, 0, NULL, &report), "%s: %s", what, ks_error(g) ? ks_error(g)->message : "?");
    for (int i = 0; i < report.count; i++)
        cr_assert(report.rows[i].worst_relative < 1e-6, "%s: d/d%s[%lld] is %.12g, numerically %.12g", what, report.rows[i].name,
                  (long long)report.rows[i].worst_index, report.rows[i].analytic, report.rows[i].numeric);
    ks_gradcheck_free(&report);
}

/* First and second derivatives of y with respect to all variables, beside central differences. */
static inline void check_both_orders(ks_node *y, ks_node *x)
{
    cr_assert(y);
    ks_node *loss = ks_sum_all(ks_sin(y));
    check_order(loss, "first order");
    check_order(ks_sum_all(ks_square(ks_gradient(loss, x))), "second order");
}

/* y's elements as one graph computes them with these options, from a call that composes it. */
static inline double *computed(const ks_graph_options *options, ks_node *(*compose)(ks_graph *g))
{
    ks_graph *g = ks_graph_new(options);
    cr_assert_not_null(g);
    double *values = read_all(compose(g));
    ks_graph_free(g);
    return values;
}

static void linalg_backwards(void *user, int64_t n, ks_task_fn task, void *payload)
{
    (void)user;
    for (int64_t i = n; i-- > 0;)
        task(payload, i);
}

/* One thread, several, and tasks from the last to the first give the same bits. */
static inline void same_on_any_threads(ks_node *(*compose)(ks_graph *g), int64_t count)
{
    ks_graph_options options = KS_GRAPH_OPTIONS_DEFAULT;
    options.threads = 1;
    double *one = computed(&options, compose);
    options.threads = 3;
    double *several = computed(&options, compose);
    options.parallel_for = linalg_backwards;
    double *turned = computed(&options, compose);
    cr_assert_eq(memcmp(one, several, sizeof *one * (size_t)count), 0);
    cr_assert_eq(memcmp(one, turned, sizeof *one * (size_t)count), 0);
    free(one);
    free(several);
    free(turned);
}

#endif
