/*
 * Attention: PyTorch's values and derivatives (attention.py), who is seen and who not, heads.
 */
#include "sequence.h"
#include "attention.h"

typedef struct qkv {
    ks_graph *g;
    ks_node *x[3];
} qkv;

static qkv make(ks_dtype dtype)
{
    qkv m = {.g = ks_graph_new(NULL)};
    m.x[0] = drawn(m.g, 0, dtype, KS_SHAPE(2, 3, 4));
    m.x[1] = drawn(m.g, 1, dtype, KS_SHAPE(2, 5, 4));
    m.x[2] = drawn(m.g, 2, dtype, KS_SHAPE(2, 5, 3));
    return m;
}

static ks_node *attend(const qkv *m, const ks_attention_options *options)
{
    return ks_attention(m->x[0], m->x[1], m->x[2], options);
}

#define NEVER (-INFINITY)
static const uint8_t seen_mask[] = {1, 0, 1, 1, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1};
static const double added_mask[] = {0.5, NEVER, 0, -2, 1};

/* ---- values -------------------------------------------------------------------------------------------- */

Test(attention, is_softmax_of_products_times_v)
{
    for (ks_dtype dtype = KS_F32; dtype <= KS_F64; dtype++) {
        qkv m = make(dtype);
        derives(attend(&m, NULL), m.x, 3, plain_values, sizeof plain_values);
        ks_attention_options options = {.size = sizeof options, .scale = 0.3};
        derives(attend(&m, &options), m.x, 3, scaled_values, sizeof scaled_values);
        QUIET(m.g);
        ks_graph_free(m.g);
    }
}

Test(attention, sees_what_the_mask_lets_it)
{
    for (ks_dtype dtype = KS_F32; dtype <= KS_F64; dtype++) {
        qkv m = make(dtype);
        ks_attention_options options = {.size = sizeof options, .causal = true};
        derives(attend(&m, &options), m.x, 3, causal_values, sizeof causal_values);
        options = (ks_attention_options){.size = sizeof options, .mask = ks_constant(m.g, KS_BOOL, KS_SHAPE(3, 5), seen_mask)};
        derives(attend(&m, &options), m.x, 3, seen_values, sizeof seen_values);
        options.mask = ks_cast(ks_constant(m.g, KS_F64, KS_SHAPE(5), added_mask), dtype);
        derives(attend(&m, &options), m.x, 3, added_values, sizeof added_values);
        QUIET(m.g);
        ks_graph_free(m.g);
    }
}

Test(attention, several_heads_are_pytorchs)
{
    for (ks_dtype dtype = KS_F32; dtype <= KS_F64; dtype++) {
        ks_graph *g = ks_graph_new(NULL);
        ks_node *x = drawn(g, 0, dtype, KS_SHAPE(2, 4, 6)), *memory = drawn(g, 1, dtype, KS_SHAPE(2, 5, 6));
        ks_node *w = drawn(g, 2, dtype, KS_SHAPE(6, 18)), *b = drawn(g, 3, dtype, KS_SHAPE(18)), *part[3], *shift[3];
        ks_attention_weights weights = {
            .q = w, .q_bias = b, .out = drawn(g, 4, dtype, KS_SHAPE(6, 6)), .out_bias = drawn(g, 5, dtype, KS_SHAPE(6))};
        ks_node *of[] = {x, w, b, weights.out, weights.out_bias, memory};
        ks_attention_options options = {.size = sizeof options, .causal = true};
        derives(ks_multi_head_attention(x, NULL, &weights, 3, &options), of, 5, self_values, sizeof self_values);
        cr_assert(ks_split(w, 1, 3, part) && ks_split(b, 0, 3, shift));
        weights = (ks_attention_weights){part[0], part[1], part[2], shift[0], shift[1], shift[2], weights.out, weights.out_bias};
        derives(ks_multi_head_attention(x, memory, &weights, 3, NULL), of, 6, cross_values, sizeof cross_values);
        QUIET(g);
        ks_graph_free(g);
    }
}

Test(attention, derivatives_are_differences_and_so_are_second_ones)
{
    qkv m = make(KS_F64);
    ks_attention_options options = {.size = sizeof options, .mask = ks_constant(m.g, KS_BOOL, KS_SHAPE(3, 5), seen_mask)};
    ks_node *loss = weighed(attend(&m, &options));
    differences_agree(loss);
    differences_agree(ks_sum_all(ks_square(ks_gradient(loss, m.x[0]))));
    options.mask = VARIABLE(m.g, "bias", KS_F64, KS_SHAPE(5), 0.5, -1, 0.25, -2, 1);
    options.causal = true;
    loss = weighed(attend(&m, &options));
    differences_agree(loss);
    differences_agree(ks_sum_all(ks_square(ks_gradient(loss, options.mask))));
    QUIET(m.g);
    ks_graph_free(m.g);
}

/* ---- nothing to see ------------------------------------------------------------------------------------ */

Test(attention, row_that_sees_nothing_is_zero_and_so_are_its_derivatives)
{
    for (ks_dtype dtype = KS_F32; dtype <= KS_F64; dtype++) {
        ks_graph *g = ks_graph_new(NULL);
        ks_node *q = VARIABLE(g, "q", dtype, KS_SHAPE(2, 1), 1, 2), *k = VARIABLE(g, "k", dtype, KS_SHAPE(2, 1), 3, -1);
        ks_node *v = VARIABLE(g, "v", dtype, KS_SHAPE(2, 1), 5, 7);
        const uint8_t none[] = {0, 0, 0, 1};
        const double never[] = {NEVER, NEVER, NEVER, 0};
        ks_node *masks[] = {ks_constant(g, KS_BOOL, KS_SHAPE(2, 2), none), ks_cast(ks_constant(g, KS_F64, KS_SHAPE(2, 2), never), dtype)};
        for (int i = 0; i < 2; i++) {
            ks_attention_options options = {.size = sizeof options, .mask = masks[i]};
            ks_node *y = ks_attention(q, k, v, &options);
            IS(y, 0, 7);
            IS(ks_gradient(y, v), 0, 1);
            IS(ks_gradient(y, q), 0, 0);
            IS(ks_gradient(y, k), 0, 0);
            options.causal = true;
            IS(ks_attention(q, k, v, &options), 0, 7);
        }
        QUIET(g);
        ks_graph_free(g);
    }
}

Test(attention, over_no_keys_at_all_is_zero)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *q = VARIABLE(g, "q", KS_F64, KS_SHAPE(2, 1), 1, 2), *k = NOTHING(g, "k", KS_F64, KS_SHAPE(0, 1));
    ks_attention_options options = {.size = sizeof options, .causal = true};
    IS(ks_attention(q, k, k, NULL), 0, 0);
    IS(ks_attention(q, k, k, &options), 0, 0);
    IS(ks_gradient(ks_attention(q, k, k, &options), q), 0, 0);
    QUIET(g);
    ks_graph_free(g);
}

/* ---- sizes and options --------------------------------------------------------------------------------- */

Test(attention, steps_and_rows_may_be_open)
{
    ks_graph *g = ks_graph_new(NULL);
    int64_t rows = ks_dim(g, "N"), steps = ks_dim(g, "T");
    ks_node *x = ks_input(g, "x", KS_F64, KS_SHAPE(rows, steps, 6)), *d;
    ks_attention_weights weights = {.q = drawn(g, 2, KS_F64, KS_SHAPE(6, 18)), .out = drawn(g, 4, KS_F64, KS_SHAPE(6, 6))};
    ks_attention_options options = {.size = sizeof options, .causal = true};
    ks_node *y = ks_multi_head_attention(x, NULL, &weights, 2, &options);
    cr_assert(y && ks_gradients(ks_sum_all(ks_square(y)), &weights.q, 1, NULL, &d), "%s", ks_error(g) ? ks_error(g)->message : "?");
    double values[72];
    for (int i = 0; i < 72; i++)
        values[i] = sin(i);
    for (int64_t n = 1; n <= 3; n++) {
        int64_t t = 5 - n;
        ks_node *fixed = ks_constant(g, KS_F64, KS_SHAPE(n, t, 6), values);
        ks_node *wanted = ks_multi_head_attention(fixed, NULL, &weights, 2, &options);
        ks_node *slope = ks_gradient(ks_sum_all(ks_square(wanted)), weights.q);
        cr_assert(ks_feed(x, KS_F64, KS_SHAPE(n, t, 6), values));
        same(y, wanted, 1e-13);
        same(d, slope, 1e-13);
    }
    QUIET(g);
    ks_graph_free(g);
}

Test(attention, width_may_be_open)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *x = ks_input(g, "x", KS_F64, KS_SHAPE(2, ks_dim(g, "D")));
    ks_node *y = ks_attention(x, x, x, NULL);
    double values[] = {1, 2, 3, 4, 5, 6, 7, 8};
    cr_assert(ks_feed(x, KS_F64, KS_SHAPE(2, 4), values));
    ks_node *wanted = ks_constant(g, KS_F64, KS_SHAPE(2, 4), values);
    same(y, ks_attention(wanted, wanted, wanted, NULL), 1e-14);
    QUIET(g);
    ks_graph_free(g);
}

Test(attention, heads_split_and_join)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *x = VARIABLE(g, "x", KS_F64, KS_SHAPE(1, 2, 4), 0, 1, 2, 3, 4, 5, 6, 7);
    ks_node *split = ks_split_heads(x, 2);
    SHAPE_IS(split, 1, 2, 2, 2);
    IS(split, 0, 1, 4, 5, 2, 3, 6, 7);
    IS(ks_join_heads(split), 0, 1, 2, 3, 4, 5, 6, 7);
    ks_graph_free(g);
}

Test(attention, dropout_erases_weights_in_training_only)
{
    qkv m = make(KS_F64);
    ks_attention_options options = {.size = sizeof options, .dropout = 0.5};
    ks_node *off = ks_max_all(ks_abs(ks_sub(attend(&m, &options), attend(&m, NULL))));
    IS(off, 0);
    ks_run_options train = {.size = sizeof train, .mode = KS_TRAIN};
    cr_assert(ks_run(m.g, &off, 1, NULL, 0, &train));
    cr_assert(ks_scalar(off) > 0);
    ks_graph_free(m.g);
}

/* ---- failures ------------------------------------------------------------------------------------------ */

Test(attention, what_does_not_fit_is_refused)
{
    qkv m = make(KS_F64);
    ks_node *row = VARIABLE(m.g, "row", KS_F64, KS_SHAPE(4), 1, 2, 3, 4);
    REFUSED(m.g, ks_attention(row, m.x[1], m.x[2], NULL), KS_BAD_SHAPE, "attention: 'row' has rank 1: give q, k and v as [..., T, d]");
    ks_attention_options options = {.size = sizeof options, .mask = VARIABLE(m.g, "mask", KS_I64, KS_SHAPE(5), 1, 1, 1, 1, 0)};
    REFUSED(m.g, attend(&m, &options), KS_BAD_DTYPE, "attention: the mask 'mask' must be bool, or f64, and have the axis of the keys");
    options = (ks_attention_options){.size = sizeof options, .dropout = 1};
    REFUSED(m.g, attend(&m, &options), KS_BAD_ARGUMENT, "attention: dropout is a share in [0, 1)");
    REFUSED(m.g, ks_split_heads(m.x[0], 3), KS_BAD_SHAPE,
            "split_heads: 't0' must be [..., T, E] with E known and divisible by the 3 heads");
    REFUSED(m.g, ks_join_heads(row), KS_BAD_SHAPE, "join_heads: 'row' must be [..., heads, T, d] with heads and d known");
    ks_attention_weights weights = {.q = m.x[0]};
    REFUSED(m.g, ks_multi_head_attention(m.x[0], m.x[1], &weights, 2, NULL), KS_BAD_ARGUMENT,
            "multi_head_attention: a memory needs weights of its own for k and v");
    ks_graph_free(m.g);
}
