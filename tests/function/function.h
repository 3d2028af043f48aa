/*
 * function.h - what the tests of functions share: graphs in a line, values read as doubles.
 */
#ifndef KS_TEST_FUNCTION_H
#define KS_TEST_FUNCTION_H

#include <criterion/criterion.h>
#include <keisan/keisan.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static inline const char *why(const ks_graph *g)
{
    return ks_error(g) ? ks_error(g)->message : "no failure";
}

/* A variable of small numbers that differ, drawn from its name. */
static inline ks_node *some(ks_graph *g, const char *name, ks_shape shape)
{
    int64_t n = ks_shape_count(shape);
    double *values = malloc(sizeof(double) * (size_t)(n + 1));
    unsigned state = 7;
    for (const char *c = name; *c; c++)
        state = state * 31 + (unsigned char)*c;
    for (int64_t i = 0; i < n; i++) {
        state = state * 1664525u + 1013904223u;
        values[i] = (double)(state >> 8) / (double)(1 << 24) - 0.5;
    }
    ks_node *x = ks_variable(g, name, KS_F64, shape, KS_UNSET);
    cr_assert(x && ks_set(x, KS_F64, values), "%s", why(g));
    free(values);
    return x;
}

/* Two nodes have the same shape and the same values, within a tolerance relative to max(1, |value|). */
static inline void same(ks_node *a, ks_node *b, double tolerance)
{
    cr_assert(a && b);
    ks_graph *g = ks_node_graph(a);
    ks_shape sa = ks_value_shape(a), sb = ks_value_shape(b);
    cr_assert(sa.rank >= 0 && sb.rank >= 0, "%s; %s", why(g), why(ks_node_graph(b)));
    cr_assert_eq(sa.rank, sb.rank, "ranks %d and %d", sa.rank, sb.rank);
    for (int d = 0; d < sa.rank; d++)
        cr_assert_eq(sa.dim[d], sb.dim[d], "dimension %d: %lld and %lld", d, (long long)sa.dim[d], (long long)sb.dim[d]);
    int64_t n = ks_shape_count(sa);
    double *x = malloc(sizeof(double) * (size_t)(n + 1)), *y = malloc(sizeof(double) * (size_t)(n + 1));
    cr_assert(ks_read(a, KS_F64, x, n) && ks_read(b, KS_F64, y, n), "%s", why(g));
    for (int64_t i = 0; i < n; i++)
        cr_assert(fabs(x[i] - y[i]) <= tolerance * fmax(1, fabs(y[i])), "element %lld: %.17g and %.17g", (long long)i, x[i], y[i]);
    free(x);
    free(y);
}

static inline ks_function *closed(const char *name, ks_graph *body)
{
    ks_function *f = ks_function_new(name, body);
    cr_assert(f, "%s", why(body));
    return f;
}

#endif
