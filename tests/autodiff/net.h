/*
 * tests/autodiff/net.h - the book's network, 784-50-10, on three made-up samples.
 */
#ifndef KS_TESTS_NET_H
#define KS_TESTS_NET_H

#include "autodiff.h"

#include <stdlib.h>

typedef struct book_net {
    ks_graph *g;
    ks_node *x, *t, *w1, *b1, *w2, *b2, *score, *loss;
} book_net;

/* Strokes and ground, as of digits: most pixels are 0. */
static inline void make_samples(float *x, int64_t *t)
{
    uint32_t state = 7;
    for (int i = 0; i < 3 * 784; i++) {
        state = state * 1664525u + 1013904223u;
        x[i] = state >> 24 < 200 ? 0 : (float)(state >> 16 & 255) / 255;
    }
    t[0] = 5;
    t[1] = 0;
    t[2] = 4;
}

static inline book_net make_net(ks_graph *g, ks_dtype dtype, bool relu, ks_init init)
{
    book_net n = {.g = g};
    static float samples[3 * 784];
    int64_t labels[3];
    make_samples(samples, labels);
    n.x = ks_input(g, "x", dtype, KS_SHAPE(ks_dim(g, "N"), 784));
    n.t = ks_input(g, "t", KS_I64, KS_SHAPE(ks_dim(g, "N")));
    n.w1 = ks_variable(g, "fc1.weight", dtype, KS_SHAPE(784, 50), init);
    n.b1 = ks_variable(g, "fc1.bias", dtype, KS_SHAPE(50), KS_FILL(0.01));
    n.w2 = ks_variable(g, "fc2.weight", dtype, KS_SHAPE(50, 10), init);
    n.b2 = ks_variable(g, "fc2.bias", dtype, KS_SHAPE(10), KS_ZEROS);
    ks_node *z = ks_add(ks_matmul(n.x, n.w1), n.b1);
    n.score = ks_add(ks_matmul(relu ? ks_relu(z) : ks_sigmoid(z), n.w2), n.b2);
    n.loss = ks_named("loss", ks_softmax_cross_entropy(n.score, n.t));
    cr_assert(ks_feed(n.x, KS_F32, KS_SHAPE(3, 784), samples) && ks_feed(n.t, KS_I64, KS_SHAPE(3), labels));
    return n;
}

#endif
