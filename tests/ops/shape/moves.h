/*
 * moves.h - what tests of operations that move elements share: derivatives beside differences, and adjoints of large ones.
 */
#ifndef KS_TEST_MOVES_H
#define KS_TEST_MOVES_H

#include "ops/ops.h"

static inline void agrees_with_differences(const char *file, int line, ks_node *loss)
{
    ks_graph *g = ks_node_graph(loss);
    ks_gradcheck_report report;
    cr_assert(ks_gradcheck(loss, NULL, 0, NULL, &report), "%s:%d: %s", file, line, ks_error(g) ? ks_error(g)->message : "?");
    for (int i = 0; i < report.count; i++)
        cr_assert(report.passed, "%s:%d: the derivative for '%s' is off by %g", file, line, report.rows[i].name,
                  report.rows[i].worst_relative);
    ks_gradcheck_free(&report);
}

/* The first and second derivatives of y with respect to x: of sum of y^2, and of the sum of its gradient's squares. */
static inline void check_derivatives(const char *file, int line, ks_node *y, ks_node *x)
{
    cr_assert(y && x, "%s:%d: no node", file, line);
    ks_node *loss = ks_sum_all(ks_square(y));
    agrees_with_differences(file, line, loss);
    agrees_with_differences(file, line, ks_sum_all(ks_square(ks_gradient(loss, x))));
}
#define DIFFERENTIATES(y, x) check_derivatives(__FILE__, __LINE__, y, x)

/* sum(w y) = sum(x gradient) for what is linear, with whole numbers, so that nothing rounds: the derivative is the transpose. */
static inline void check_adjoint(const char *file, int line, ks_node *y, ks_node *x)
{
    ks_graph *g = ks_node_graph(x);
    int64_t n = ks_shape_count(ks_node_shape(y));
    double *values = malloc(sizeof(double) * (size_t)(n + 1));
    for (int64_t i = 0; i < n; i++)
        values[i] = (double)(i * 7 % 23 - 11);
    ks_node *w = ks_constant(g, KS_F64, ks_node_shape(y), values), *loss = ks_sum_all(ks_mul(w, y));
    ks_node *back = ks_sum_all(ks_mul(x, ks_gradient(loss, x)));
    cr_assert_eq(ks_scalar(loss), ks_scalar(back), "%s:%d: %.17g is not %.17g", file, line, ks_scalar(back), ks_scalar(loss));
    free(values);
}
#define TRANSPOSES(y, x) check_adjoint(__FILE__, __LINE__, y, x)

/* 0, 1, 2, ... of a shape */
static inline ks_node *counted(ks_graph *g, const char *name, ks_shape shape)
{
    int64_t n = ks_shape_count(shape);
    double *values = malloc(sizeof(double) * (size_t)(n + 1));
    for (int64_t i = 0; i < n; i++)
        values[i] = (double)i;
    ks_node *x = make_variable(g, name, KS_F64, shape, values, n);
    free(values);
    return x;
}

#define EVERY_DTYPE(dtype) for (ks_dtype dtype = 0; dtype < KS_DTYPES; dtype++)

#endif
