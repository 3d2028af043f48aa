/*
 * ops.h - what the tests of operations share: leaves in a line, values beside what they should be, and the word of a failure.
 */
#ifndef KS_TEST_OPS_H
#define KS_TEST_OPS_H

#include <criterion/criterion.h>
#include <float.h>
#include <keisan/keisan.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph/graph.h"
#include "ops/family.h"

#define COUNT(...) ((int64_t)(sizeof((const double[]){__VA_ARGS__}) / sizeof(double)))

/* A variable of any dtype from doubles. */
static inline ks_node *make_variable(ks_graph *g, const char *name, ks_dtype dtype, ks_shape shape, const double *values, int64_t count)
{
    int64_t bad;
    void *data = malloc((size_t)(count + 1) * 8);
    ks_node *x = ks_variable(g, name, dtype, shape, KS_UNSET);
    cr_assert(x, "%s", ks_error(g) ? ks_error(g)->message : "?");
    cr_assert_eq(ks_shape_count(shape), count, "'%s' needs %lld values", name, (long long)ks_shape_count(shape));
    ks__convert(data, dtype, values, KS_F64, count, false, &bad);
    cr_assert(ks_set(x, dtype, data));
    free(data);
    return x;
}
#define VARIABLE(g, name, dtype, shape, ...) make_variable(g, name, dtype, shape, (const double[]){__VA_ARGS__}, COUNT(__VA_ARGS__))
#define NOTHING(g, name, dtype, shape)       make_variable(g, name, dtype, shape, NULL, 0)

static inline bool agree(double is, double wanted, double tolerance)
{
    if (isnan(wanted) || isnan(is))
        return isnan(wanted) && isnan(is);
    if (is == wanted)
        return true;
    return fabs(is - wanted) <= tolerance * fmax(1, fabs(wanted));
}

static inline void check_values(const char *file, int line, ks_node *node, double tolerance, const double *wanted, int64_t count)
{
    cr_assert(node, "%s:%d: no node", file, line);
    ks_graph *g = ks_node_graph(node);
    int64_t n = ks_shape_count(ks_value_shape(node));
    cr_assert_eq(n, count, "%s:%d: '%s' has %lld elements, not %lld (%s)", file, line, ks_name(node), (long long)n, (long long)count,
                 ks_error(g) ? ks_error(g)->message : "no failure");
    double *values = malloc(sizeof(double) * (size_t)(count + 1));
    cr_assert(ks_read(node, KS_F64, values, count), "%s:%d: %s", file, line, ks_error(g) ? ks_error(g)->message : "?");
    for (int64_t i = 0; i < count; i++)
        cr_assert(agree(values[i], wanted[i], tolerance), "%s:%d: element %lld of '%s' is %.17g, not %.17g", file, line, (long long)i,
                  ks_name(node), values[i], wanted[i]);
    free(values);
}
/* The node's elements are these, to the last bit (a NaN is a NaN, and -0 is 0), or within a tolerance relative to max(1, |wanted|). */
#define IS(node, ...)                 check_values(__FILE__, __LINE__, node, 0, (const double[]){__VA_ARGS__}, COUNT(__VA_ARGS__))
#define IS_NEAR(tolerance, node, ...) check_values(__FILE__, __LINE__, node, tolerance, (const double[]){__VA_ARGS__}, COUNT(__VA_ARGS__))

static inline bool shape_is(ks_node *node, ks_shape wanted)
{
    ks_shape shape = ks_value_shape(node);
    return shape.rank == wanted.rank && !memcmp(shape.dim, wanted.dim, sizeof(int64_t) * (size_t)wanted.rank);
}
#define SHAPE_IS(node, ...)  cr_assert(shape_is(node, KS_SHAPE(__VA_ARGS__)), "'%s' has another shape", ks_name(node))
#define SCALAR_IS(node)      cr_assert_eq(ks_value_shape(node).rank, 0)
#define DTYPE_IS(node, type) cr_assert_eq(ks_node_dtype(node), type)

/* The graph's failure says this; it is forgotten. */
static inline void check_failure(const char *file, int line, ks_graph *g, ks_code code, const char *wanted)
{
    const ks_failure *failure = ks_error(g);
    cr_assert(failure, "%s:%d: no failure", file, line);
    cr_assert_str_eq(failure->message, wanted, "%s:%d: it says: %s", file, line, failure->message);
    cr_assert_eq(failure->code, code, "%s:%d: its code is %s", file, line, ks_code_name(failure->code));
    ks_error_clear(g);
}
#define FAILS(g, code, message) check_failure(__FILE__, __LINE__, g, code, message)

/* A call that must be refused, and what the graph says. */
#define REFUSED(g, call, code, message)                                                                                                    \
    do {                                                                                                                                   \
        cr_assert_null(call);                                                                                                              \
        FAILS(g, code, message);                                                                                                           \
    } while (0)

/* A value that can't be computed. */
#define NO_VALUE(node, code, message)                                                                                                      \
    do {                                                                                                                                   \
        ks_node *without = node;                                                                                                           \
        cr_assert(without);                                                                                                                \
        cr_assert_not(ks_eval(without));                                                                                                   \
        FAILS(ks_node_graph(without), code, message);                                                                                      \
    } while (0)

/* No failure was recorded. */
#define QUIET(g) cr_assert_null(ks_error(g), "%s", ks_error(g)->message)

#define NAN_ ((double)NAN)
#define INF_ ((double)INFINITY)

#endif
