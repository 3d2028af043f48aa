/*
 * test_digits.c - the book's net, 784-50-10 with ReLU, on the embedded digits.
 */
#include "tests/train/train.h"

typedef struct classifier {
    ks_graph *graph;
    ks_node *t, *score, *loss;
} classifier;

static classifier make_classifier(const ks_graph_options *options)
{
    ks_graph *g = ks_graph_new(options);
    int64_t n = ks_dim(g, "N");
    ks_node *x = ks_input(g, "x", KS_F32, KS_SHAPE(n, 784)), *t = ks_input(g, "t", KS_I64, KS_SHAPE(n));
    ks_node *w1 = ks_variable(g, "fc1.weight", KS_F32, KS_SHAPE(784, 50), KS_HE),
            *b1 = ks_variable(g, "fc1.bias", KS_F32, KS_SHAPE(50), KS_ZEROS);
    ks_node *w2 = ks_variable(g, "fc2.weight", KS_F32, KS_SHAPE(50, 10), KS_HE),
            *b2 = ks_variable(g, "fc2.bias", KS_F32, KS_SHAPE(10), KS_ZEROS);
    ks_node *h = ks_relu(ks_add(ks_matmul(x, w1), b1));
    ks_node *score = ks_output(g, "score", ks_add(ks_matmul(h, w2), b2));
    return (classifier){g, t, score, ks_output(g, "loss", ks_softmax_cross_entropy(score, t))};
}

static ks_data *open_digits(ks_graph *g, const char *set)
{
    char text[2200];
    snprintf(text, sizeof text, "x=%s/%s-images-idx3-ubyte.gz:flatten:scale=255,t=%s/%s-labels-idx1-ubyte.gz", source("data/digits"), set,
             source("data/digits"), set);
    ks_data *data = ks_data_open(g, text);
    GOOD(data);
    return data;
}

static double train(classifier *c, const char *optimizer, int epochs)
{
    ks_graph *g = c->graph;
    ks_data *data = open_digits(g, "train"), *test = open_digits(g, "t10k");
    ks_optimizer *o = ks_optimizer_named(c->loss, optimizer);
    GOOD(o);
    for (int epoch = 0; epoch < epochs; epoch++) {
        while (ks_data_next(data, 100))
            GOOD(ks_step(o));
    }
    cr_assert_eq(ks_optimizer_steps(o), (uint64_t)epochs * 50);
    double accuracy = ks_accuracy(c->score, c->t, test);
    cr_assert_null(ks_error(g), "%s", ks_error(g)->message);
    ks_data_free(data);
    ks_data_free(test);
    return accuracy;
}

static void learns(const char *optimizer, double wanted)
{
    classifier c = make_classifier(NULL);
    double accuracy = train(&c, optimizer, 5);
    cr_assert_geq(accuracy, wanted, "%s: accuracy %g", optimizer, accuracy);
    ks_graph_free(c.graph);
}

Test(digits, sgd_learns_them)
{
    learns("sgd:rate=0.1", 0.88);
}

Test(digits, momentum_learns_them)
{
    learns("momentum:rate=0.05", 0.91);
}

Test(digits, adam_learns_them)
{
    learns("adam:rate=0.003", 0.91);
}

/* semantics.md: same seed, same bits, whatever the number of threads. */
Test(digits, threads_change_no_bit)
{
    static float weights[3][784 * 50];
    for (int i = 0; i < 3; i++) {
        classifier c = make_classifier(&(ks_graph_options){.size = sizeof(ks_graph_options), .threads = i + 1, .seed = 7});
        train(&c, "momentum:rate=0.05", 1);
        cr_assert(ks_read(ks_find(c.graph, "fc1.weight"), KS_F32, weights[i], 784 * 50));
        ks_graph_free(c.graph);
    }
    cr_assert_arr_eq(weights[0], weights[1], sizeof weights[0]);
    cr_assert_arr_eq(weights[0], weights[2], sizeof weights[0]);
}
