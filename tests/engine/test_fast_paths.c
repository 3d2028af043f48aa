/*
 * test_fast_paths.c - each fast path switched off, any number of threads, the host's own loop: the same bits.
 *
 * Random graphs of elementwise operations, broadcasts, sums, views and products are run on the plain path, which is the oracle,
 * and on every other. Their gradients run along, so that plans with many targets and shared partials are met.
 */
#include <criterion/criterion.h>
#include <keisan/keisan.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/rules.h"

#define ALL  (KS_FUSE | KS_PLACE | KS_RECOGNISE | KS_SIMPLIFY | KS_SHARE | KS_CACHE | KS_BYTECODE)
#define MOST 64

static uint32_t state;

static uint32_t chance(uint32_t n)
{
    state = state * 1664525u + 1013904223u;
    return (state >> 8) % n;
}

static const ks_shape shapes[] = {
    {.rank = 0},
    {.rank = 1, .dim = {1}},
    {.rank = 1, .dim = {7}},
    {.rank = 2, .dim = {5, 1}},
    {.rank = 2, .dim = {5, 7}},
    {.rank = 3, .dim = {3, 5, 7}},
    {.rank = 3, .dim = {3, 1, 7}},
    {.rank = 2, .dim = {300, 129}},
    {.rank = 1, .dim = {129}},
    {.rank = 1, .dim = {70001}},
};

static ks_node *leaf(ks_graph *g, ks_dtype dtype, int which)
{
    char name[16];
    const ks_shape *shape = &shapes[which];
    int64_t count = ks_shape_count(*shape);
    double *values = malloc(sizeof(double) * (size_t)(count + 1));
    for (int64_t i = 0; i < count; i++)
        values[i] = (double)(float)(0.25 + (double)chance(1000) / 400);
    snprintf(name, sizeof name, "leaf%d", which);
    ks_node *x = ks_variable(g, name, dtype, *shape, KS_UNSET);
    cr_assert(ks_set(x, KS_F64, values));
    free(values);
    return x;
}

static ks_node *one_of(ks_node **nodes, int n)
{
    return nodes[chance(3) ? chance((uint32_t)n) : (uint32_t)n - 1 - chance(n < 4 ? (uint32_t)n : 4)];
}

static ks_node *some_op(ks_graph *g, ks_node *a, ks_node *b)
{
    switch (chance(20)) {
    case 0:
        return ks_add(a, b);
    case 1:
        return ks_sub(a, b);
    case 2:
        return ks_mul(a, b);
    case 3:
        return ks_div(a, ks_add(ks_square(b), ks_number(g, 1)));
    case 4:
        return ks_maximum(a, b);
    case 5:
        return ks_where(ks_less(a, b), a, b);
    case 6:
        return ks_tanh(a);
    case 7:
        return ks_sigmoid(a);
    case 8:
        return ks_mul(a, ks_number(g, chance(2) ? 1 : 0.5));
    case 9:
        return ks_add(a, ks_number(g, chance(2) ? 0 : 2));
    case 10:
        return ks_sum_all(a);
    case 11:
        return ks_sum(a, KS_ABSENT, true);
    case 12:
        return ks_identity(a);
    case 13:
        return ks_neg(a);
    case 14:
        return ks_relu(ks_sub(a, ks_number(g, 1)));
    case 15:
        return ks_sin(a);
    case 16:
        return ks_node_shape(a).rank ? ks_reshape(a, (ks_shape){.rank = 1, .dim = {-1}}) : ks_exp(ks_tanh(a));
    case 17:
        return ks_node_shape(a).rank ? ks_mean(a, KS_INTS(-1), false) : ks_sqrt(ks_square(a));
    case 18:
        return ks_stop_gradient(a);
    default:
        return ks_node_shape(a).rank ? ks_max(a, KS_INTS(0), true) : ks_cos(a);
    }
}

typedef struct built {
    ks_graph *g;
    ks_node *targets[MOST];
    int count;
} built;

/* The same seed gives the same graph, whatever the options. */
static built build(uint32_t seed, ks_dtype dtype, const ks_graph_options *options)
{
    built b = {.g = ks_graph_new(options)};
    ks_node *nodes[MOST];
    int n = 0, leaves = (int)(sizeof shapes / sizeof *shapes);
    state = seed;
    for (int i = 0; i < leaves; i++)
        nodes[n++] = leaf(b.g, dtype, i);
    int wanted = n + 8 + (int)chance(30);
    while (n < wanted && n < MOST) {
        ks_node *node = some_op(b.g, one_of(nodes, n), one_of(nodes, n));
        if (node)
            nodes[n++] = node;
        else
            ks_error_clear(b.g); /* shapes that do not fit */
    }
    ks_node *loss = ks_sum_all(nodes[n - 1]);
    for (int i = 0; i < leaves; i++)
        b.targets[b.count++] = ks_gradient(loss, nodes[i]);
    for (int i = leaves; i < n && b.count < MOST - 1; i += 1 + (int)chance(3))
        b.targets[b.count++] = nodes[i];
    b.targets[b.count++] = loss;
    cr_assert_null(ks_error(b.g), "seed %u: %s", seed, ks_error(b.g) ? ks_error(b.g)->message : "");
    return b;
}

static void backwards(void *user, int64_t n, ks_task_fn task, void *payload)
{
    (void)user;
    for (int64_t i = n; i-- > 0;)
        task(payload, i);
}

static void compare(const built *plain, const built *fast, uint32_t seed, const char *what)
{
    cr_assert_eq(plain->count, fast->count);
    cr_assert(ks_eval_all(fast->targets, fast->count), "seed %u, %s: %s", seed, what, ks_error(fast->g) ? ks_error(fast->g)->message : "?");
    cr_assert(ks__graph_holds(fast->g), "seed %u, %s: %s", seed, what, ks_error(fast->g) ? ks_error(fast->g)->message : "?");
    for (int i = 0; i < plain->count; i++) {
        ks_shape shape = ks_value_shape(plain->targets[i]);
        size_t bytes = (size_t)ks_shape_count(shape) * ks_dtype_size(ks_node_dtype(plain->targets[i]));
        const void *a = ks_value(plain->targets[i]), *b = ks_value(fast->targets[i]);
        cr_assert(a && b);
        size_t at = 0, size = ks_dtype_size(ks_node_dtype(plain->targets[i]));
        while (at < bytes && !memcmp((const char *)a + at, (const char *)b + at, size))
            at += size;
        cr_assert(at >= bytes, "seed %u, %s: target %d, a %s, differs at %zu: %.9g, not %.9g", seed, what, i,
                  ks_node_op_name(plain->targets[i]), at / size, ks__element(b, ks_node_dtype(plain->targets[i]), (int64_t)(at / size)),
                  ks__element(a, ks_node_dtype(plain->targets[i]), (int64_t)(at / size)));
    }
}

static void try_all(uint32_t seed, ks_dtype dtype)
{
    ks_graph_options options = KS_GRAPH_OPTIONS_DEFAULT;
    options.without = ALL;
    options.threads = 1;
    built plain = build(seed, dtype, &options);
    cr_assert(ks_eval_all(plain.targets, plain.count), "seed %u: %s", seed, ks_error(plain.g) ? ks_error(plain.g)->message : "?");
    for (int path = -4; path < 7; path++) {
        char what[64];
        options = (ks_graph_options)KS_GRAPH_OPTIONS_DEFAULT;
        options.threads = path == -4 ? 1 : path == -3 ? 2 : 3;
        options.parallel_for = path == -2 ? backwards : NULL;
        options.keep_all = path == -1;
        options.without = path < 0 ? 0 : 1u << path;
        snprintf(what, sizeof what, "variant %d (without %u)", path, options.without);
        built fast = build(seed, dtype, &options);
        compare(&plain, &fast, seed, what);
        ks_graph_free(fast.g);
    }
    ks_graph_free(plain.g);
}

Test(fast_paths, random_graphs_in_f32_have_the_same_bits_on_every_path)
{
    for (uint32_t seed = 1; seed <= 60; seed++)
        try_all(seed, KS_F32);
}

Test(fast_paths, random_graphs_in_f64_have_the_same_bits_on_every_path)
{
    for (uint32_t seed = 1001; seed <= 1040; seed++)
        try_all(seed, KS_F64);
}

/* ---- what fusing must not get wrong -------------------------------------------------------------------- */

static ks_node *ramp(ks_graph *g, const char *name, int64_t n)
{
    float *values = malloc(sizeof(float) * (size_t)n);
    for (int64_t i = 0; i < n; i++)
        values[i] = (float)(i % 997) / 997;
    ks_node *x = ks_variable(g, name, KS_F32, KS_SHAPE(n), KS_UNSET);
    cr_assert(ks_set(x, KS_F32, values));
    free(values);
    return x;
}

Test(fast_paths, a_sum_that_is_broadcast_back_is_whole_before_it_is_read)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *e = ks_exp(ramp(g, "x", 200000)), *p = ks_div(e, ks_sum_all(e)), *one = ks_sum_all(p);
    cr_assert_float_eq(ks_scalar(one), 1, 1e-5);
    ks_graph_free(g);
}

Test(fast_paths, an_elementwise_chain_and_its_sum_are_one_step)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *x = ramp(g, "x", 100000), *y = ks_sum_all(ks_mul(ks_tanh(ks_add(ks_mul(x, ks_number(g, 2)), ks_number(g, 1))), ks_sigmoid(x)));
    ks_node *both[] = {y, ks_gradient(y, x)};
    cr_assert(ks_eval_all(both, 2));
    cr_assert_eq(ks_graph_statistics(g).steps_last, 1, "%llu steps", (unsigned long long)ks_graph_statistics(g).steps_last);
    ks_graph_free(g);
}

/* An operation of a user that has no kernel for single elements can't be part of a scalar program of any length. */
static void twice_loop(void *out, const void *const *in, int64_t n, const void *attrs)
{
    (void)attrs;
    for (int64_t i = 0; i < n; i++)
        ((float *)out)[i] = 2 * ((const float *)in[0])[i];
}

Test(fast_paths, a_long_scalar_chain_with_an_operation_that_has_tiles_only)
{
    static const ks_tile tiles[KS_DTYPES] = {[KS_F32] = {.fn = {twice_loop}}};
    static const ks_op twice = {.size = sizeof(ks_op),
                                .name = "user.twice",
                                .formula = "y = 2 x",
                                .doc = "Twice.",
                                .types = "T>T",
                                .inputs = "x",
                                .infer = ks_infer_same,
                                .tiles = tiles,
                                .no_derivative = "not asked for"};
    ks_graph *g = ks_graph_new(NULL);
    cr_assert(ks_register(g, &twice));
    ks_node *y = ks_variable(g, "x", KS_F32, KS_SCALAR, KS_ONES);
    for (int i = 0; i < 1000; i++) {
        y = ks_mul(y, ks_number(g, 0.5));
        y = ks_apply(g, &twice, &y, 1, NULL);
    }
    cr_assert_eq(ks_scalar(y), 1.0);
    ks_graph_free(g);
}

Test(fast_paths, views_inside_a_scalar_program_read_what_it_made)
{
    for (unsigned without = 0; without < 128; without += 8) {
        ks_graph_options options = KS_GRAPH_OPTIONS_DEFAULT;
        options.without = without;
        ks_graph *g = ks_graph_new(&options);
        ks_node *x = ks_variable(g, "x", KS_F64, KS_SCALAR, KS_FILL(3)), *a = ks_square(x), *b = ks_identity(a), *c = ks_add(b, x);
        ks_node *d = ks_mul(ks_stop_gradient(c), ks_identity(ks_identity(c)));
        cr_assert_eq(ks_scalar(d), 144.0);
        ks_graph_free(g);
    }
}

/* Large enough to be written past the caches, with a view and a sum of it in the same step. */
Test(fast_paths, results_too_large_for_any_cache_have_the_same_bits)
{
    float *kept[2] = {NULL, NULL};
    double sums[2];
    const int64_t n = ((int64_t)4 << 20) + 1000 + 7;
    for (int plain = 0; plain < 2; plain++) {
        ks_graph_options options = KS_GRAPH_OPTIONS_DEFAULT;
        options.without = plain ? ALL : 0;
        ks_graph *g = ks_graph_new(&options);
        ks_node *y = ks_tanh(ramp(g, "x", n)), *z = ks_add(ks_identity(y), ks_square(y)), *sum = ks_sum_all(z), *all[] = {y, z, sum};
        cr_assert(ks_eval_all(all, 3));
        kept[plain] = malloc((size_t)(2 * n) * sizeof(float));
        cr_assert(ks_read(y, KS_F32, kept[plain], n) && ks_read(z, KS_F32, kept[plain] + n, n));
        sums[plain] = ks_scalar(sum);
        ks_graph_free(g);
    }
    cr_assert_eq(memcmp(kept[0], kept[1], (size_t)(2 * n) * sizeof(float)), 0);
    cr_assert_eq(sums[0], sums[1]);
    free(kept[0]);
    free(kept[1]);
}
