/*
 * tests/autodiff/autodiff.h - what the tests of derivatives share: graphs, scalars in f64, and comparing.
 */
#ifndef KS_TESTS_AUTODIFF_H
#define KS_TESTS_AUTODIFF_H

#include <criterion/criterion.h>
#include <keisan/keisan.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static inline ks_graph *graph(void)
{
    ks_graph *g = ks_graph_new(NULL);
    cr_assert_not_null(g);
    return g;
}

/* A graph without failures is freed. */
static inline void done(ks_graph *g)
{
    cr_expect_null(ks_error(g), "%s", ks_error(g) ? ks_error(g)->message : "");
    ks_graph_free(g);
}

/* An f64 scalar that is fed. */
static inline ks_node *fed(ks_graph *g, const char *name, double value)
{
    ks_node *x = ks_input(g, name, KS_F64, KS_SCALAR);
    cr_assert(ks_feed(x, KS_F64, KS_SCALAR, &value));
    return x;
}

static inline void feed(ks_node *x, double value)
{
    cr_assert(ks_feed(x, KS_F64, KS_SCALAR, &value));
}

/* An f64 variable with these values. */
static inline ks_node *given(ks_graph *g, const char *name, ks_shape shape, const double *values)
{
    ks_node *x = ks_variable(g, name, KS_F64, shape, KS_UNSET);
    cr_assert(ks_set(x, KS_F64, values));
    return x;
}

static inline ks_node *scalar(ks_graph *g, const char *name, double value)
{
    return given(g, name, KS_SCALAR, &value);
}

#define VALUES(...) ((const double[]){__VA_ARGS__})

/* d y / d x as a number. */
static inline double slope(ks_node *y, ks_node *x)
{
    return ks_scalar(ks_gradient(y, x));
}

#define expect_near(got, want, within)                                                                                                     \
    do {                                                                                                                                   \
        double got_ = (got), want_ = (want);                                                                                               \
        cr_expect(fabs(got_ - want_) <= (within), "%s is %.17g, not %.17g", #got, got_, want_);                                            \
    } while (0)

#define expect_exactly(got, want)                                                                                                          \
    do {                                                                                                                                   \
        double got_ = (got), want_ = (want);                                                                                               \
        cr_expect(got_ == want_, "%s is %.17g, not %.17g", #got, got_, want_);                                                             \
    } while (0)

/* The elements of a node are these. */
#define expect_elements(node, within, ...)                                                                                                 \
    do {                                                                                                                                   \
        const double want_[] = {__VA_ARGS__};                                                                                              \
        double got_[sizeof want_ / sizeof *want_];                                                                                         \
        cr_assert(ks_read(node, KS_F64, got_, sizeof want_ / sizeof *want_));                                                              \
        for (size_t i_ = 0; i_ < sizeof want_ / sizeof *want_; i_++)                                                                       \
            cr_expect(fabs(got_[i_] - want_[i_]) <= (within), "%s[%zu] is %.17g, not %.17g", #node, i_, got_[i_], want_[i_]);              \
    } while (0)

#define expect_failure(g, expected_code, text)                                                                                             \
    do {                                                                                                                                   \
        cr_assert_not_null(ks_error(g));                                                                                                   \
        cr_expect_eq(ks_error(g)->code, (expected_code));                                                                                  \
        cr_expect_str_eq(ks_error(g)->message, (text));                                                                                    \
        ks_error_clear(g);                                                                                                                 \
    } while (0)

#endif
