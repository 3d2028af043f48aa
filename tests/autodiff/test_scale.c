/*
 * test_scale.c - long chains and wide fans: no recursion, and work that grows with the nodes, by counting it.
 */
#include "autodiff.h"

#ifdef KS_TORTURE /* there arrays grow by one */
#define MILLION 3000
#else
#define MILLION 1000000
#endif

/* y = x, then in turn sin, times c, plus x: slopes are counted along. */
static ks_node *chain(ks_node *x, ks_node *c, int length)
{
    ks_node *y = x;
    for (int i = 0; i < length; i++)
        y = i % 3 == 0 ? ks_sin(y) : i % 3 == 1 ? ks_mul(y, c) : ks_add(y, x);
    return y;
}

Test(scale, a_million_chained_operations)
{
    ks_graph *g = graph();
    ks_node *x = fed(g, "x", 0.25), *c = fed(g, "c", 0.5), *y = chain(x, c, MILLION);
    /* the same by hand, with its derivative */
    double value = 0.25, d = 1;
    for (int i = 0; i < MILLION; i++) {
        d = i % 3 == 0 ? d * cos(value) : i % 3 == 1 ? d * 0.5 : d + 1;
        value = i % 3 == 0 ? sin(value) : i % 3 == 1 ? value * 0.5 : value + 0.25;
    }
    expect_near(ks_scalar(y), value, 1e-12);
    expect_near(slope(y, x), d, 1e-10);
    done(g);
}

Test(scale, a_long_chain_of_one_kind)
{
    /* each kind has a partial of its own: a new node, the node itself, an earlier node, a number */
    for (int kind = 0; kind < 4; kind++) {
        ks_graph *g = graph();
        ks_node *x = fed(g, "x", 1e-3), *c = fed(g, "c", 1), *y = x;
        for (int i = 0; i < MILLION / 10; i++)
            y = kind == 0 ? ks_tanh(y) : kind == 1 ? ks_exp(ks_neg(y)) : kind == 2 ? ks_mul(y, c) : ks_add(y, c);
        cr_expect(isfinite(slope(y, x)));
        cr_expect_null(ks_error(g));
        done(g);
    }
}

/* Nodes composed, steps and bytes for a chain of this length. */
typedef struct costs {
    uint64_t composed, evaluated, allocations, bytes;
} costs;

static costs cost_of(int length)
{
    ks_graph *g = graph();
    ks_node *x = fed(g, "x", 0.25), *c = fed(g, "c", 0.5), *y = chain(x, c, length);
    cr_expect(isfinite(slope(y, x)));
    ks_statistics s = ks_graph_statistics(g);
    done(g);
    return (costs){s.nodes_composed, s.nodes_evaluated, s.allocations, s.bytes_peak};
}

Test(scale, work_grows_with_the_length)
{
    costs one = cost_of(MILLION / 100), ten = cost_of(MILLION / 10);
    cr_expect_leq(ten.composed, 10 * one.composed + 10);
    cr_expect_leq(ten.evaluated, 10 * one.evaluated + 100);
#ifndef KS_TORTURE
    cr_expect_leq(ten.allocations, 12 * one.allocations);
#endif
    cr_expect_leq(ten.bytes, 16 * one.bytes);         /* arrays double */
    cr_expect_leq(one.composed, 6 * (MILLION / 100)); /* a few nodes an operation */
}

/* x0; x_{i+1} = x_i + x_i: 2^60 paths. */
Test(scale, a_ladder_of_2_to_the_60_paths)
{
    ks_graph *g = graph();
    ks_node *x = fed(g, "x", 1), *y = x;
    for (int i = 0; i < 60; i++)
        y = ks_add(y, y);
    uint64_t before = ks_graph_statistics(g).nodes_composed;
    expect_exactly(slope(y, x), 0x1p60);
    expect_exactly(ks_scalar(y), 0x1p60);
    cr_expect_leq(ks_graph_statistics(g).nodes_composed - before, 4 * 60 + 4);
    done(g);
}

Test(scale, a_ladder_of_products)
{
    /* x_{i+1} = x_i x_i from 1 + e: y = x^(2^20), y' = 2^20 x^(2^20 - 1) */
    ks_graph *g = graph();
    ks_node *x = fed(g, "x", 1), *y = x;
    for (int i = 0; i < 20; i++)
        y = ks_mul(y, y);
    expect_exactly(slope(y, x), 0x1p20);
    done(g);
}

Test(scale, many_derivatives_of_a_long_chain_share_their_partials)
{
    ks_graph *g = graph();
    ks_node *x = fed(g, "x", 0.5), *middle[10], *y = x;
    for (int i = 0; i < 10; i++) {
        for (int k = 0; k < MILLION / 1000; k++)
            y = ks_sin(y);
        middle[i] = y;
    }
    ks_node *first = ks_gradient(y, middle[8]), *second;
    uint64_t before = ks_graph_statistics(g).nodes_composed;
    second = ks_gradient(y, middle[8]);
    uint64_t again = ks_graph_statistics(g).nodes_composed - before;
    cr_expect_leq(again, MILLION / 1000 + 2, "products only: the cosines are there");
    expect_exactly(ks_scalar(first), ks_scalar(second));
    done(g);
}

/* A derivative by what is near costs what lies between. */
Test(scale, a_derivative_by_a_near_node_is_near)
{
    ks_graph *g = graph();
    ks_node *x = fed(g, "x", 0.5), *y = x;
    for (int i = 0; i < MILLION / 10; i++)
        y = ks_sin(y);
    ks_node *z = ks_square(y);
    uint64_t before = ks_graph_statistics(g).nodes_composed;
    cr_assert_not_null(ks_gradient(z, y));
    cr_expect_leq(ks_graph_statistics(g).nodes_composed - before, 8);
    done(g);
}

Test(scale, a_wide_graph)
{
    /* many variables meet in one loss */
    ks_graph *g = graph();
    static ks_node *terms[MILLION / 100];
    char name[16];
    for (int i = 0; i < MILLION / 100; i++) {
        snprintf(name, sizeof name, "w%d", i);
        terms[i] = ks_square(scalar(g, name, i));
    }
    cr_assert(ks_backward(ks_add_n(terms, MILLION / 100)));
    for (int i = 0; i < MILLION / 100; i += 7) {
        snprintf(name, sizeof name, "w%d", i);
        expect_exactly(ks_scalar(ks_grad(ks_find(g, name))), 2 * i);
    }
    done(g);
}
