/*
 * sequence.h - what these tests share: tensors made by the formula of attention.py, and values followed by derivatives.
 */
#ifndef KS_TEST_SEQUENCE_H
#define KS_TEST_SEQUENCE_H

#include "ops/ops.h"

/* Element i of tensor p is sin(1 + 3 p + 1.7 i). */
static inline ks_node *drawn(ks_graph *g, int p, ks_dtype dtype, ks_shape shape)
{
    char name[16];
    int64_t n = ks_shape_count(shape);
    double *values = malloc(sizeof(double) * (size_t)(n + 1));
    for (int64_t i = 0; i < n; i++)
        values[i] = sin(1 + 3 * p + 1.7 * (double)i);
    snprintf(name, sizeof name, "t%d", p);
    ks_node *x = make_variable(g, name, dtype, shape, values, n);
    free(values);
    return x;
}

/* The sum of y cos(i). */
static inline ks_node *weighed(ks_node *y)
{
    cr_assert(y);
    ks_shape shape = ks_node_shape(y);
    int64_t n = ks_shape_count(shape);
    double *values = malloc(sizeof(double) * (size_t)(n + 1));
    for (int64_t i = 0; i < n; i++)
        values[i] = cos((double)i);
    ks_node *factor = ks_cast(ks_constant(ks_node_graph(y), KS_F64, shape, values), ks_node_dtype(y));
    free(values);
    return ks_sum_all(ks_mul(y, factor));
}

/* y, then the derivatives of its weighed sum for each of x, are these. */
static inline void derives(ks_node *y, ks_node *const *x, int count, const double *wanted, size_t bytes)
{
    double tolerance = ks_node_dtype(y) == KS_F32 ? 1e-5 : 1e-13;
    ks_node *d[8];
    ks_graph *g = ks_node_graph(y);
    cr_assert(ks_gradients(weighed(y), x, count, NULL, d), "%s", ks_error(g) ? ks_error(g)->message : "?");
    const double *at = wanted;
    for (int i = -1; i < count; i++) {
        ks_node *node = i < 0 ? y : d[i];
        int64_t n = ks_shape_count(ks_value_shape(node));
        check_values(__FILE__, __LINE__, node, tolerance, at, n);
        at += n;
    }
    cr_assert_eq((size_t)(at - wanted) * sizeof *wanted, bytes);
}

/* Both have the same values now. */
static inline void same(ks_node *a, ks_node *b, double tolerance)
{
    int64_t n = ks_shape_count(ks_value_shape(b));
    double *values = malloc(sizeof(double) * (size_t)(n + 1));
    cr_assert(ks_read(b, KS_F64, values, n), "%s", ks_error(ks_node_graph(b)) ? ks_error(ks_node_graph(b))->message : "?");
    check_values(__FILE__, __LINE__, a, tolerance, values, n);
    free(values);
}

static inline void differences_agree(ks_node *loss)
{
    ks_gradcheck_report report = {.passed = false};
    cr_assert(loss && ks_gradcheck(loss, NULL, 0, NULL, &report), "%s", ks_error(ks_node_graph(loss))->message);
    for (int i = 0; i < report.count; i++)
        cr_assert(report.passed, "'%s': %g and %g", report.rows[i].name, report.rows[i].analytic, report.rows[i].numeric);
    ks_gradcheck_free(&report);
}

#endif
