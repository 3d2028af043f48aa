/*
 * digits.h - what the examples share that learn to read digits: the images as batches, and the loop over epochs.
 *
 * A folder holds MNIST's four files or any set of their form: data/digits, data/mnist, data/fashion-mnist.
 */
#ifndef EXAMPLES_DIGITS_H
#define EXAMPLES_DIGITS_H

#include "training.h"

enum { BATCH = 100 };

/* A net that sorts images. */
typedef struct classifier {
    ks_graph *g;
    ks_node *x, *t; /* fed: images [N, 28, 28], labels [N] */
    ks_node *score, *loss;
} classifier;

/* Rows of images from 0 to 1 with their labels; part: "train" or "t10k". */
static inline ks_data *open_digits(ks_graph *g, const char *folder, const char *part)
{
    char files[2048];
    snprintf(files, sizeof files, "x=%s/%s-images-idx3-ubyte.gz:scale=255,t=%s/%s-labels-idx1-ubyte.gz", folder, part, folder, part);
    return ks_data_open(g, files);
}

/* The losses of the first steps from PyTorch's weights, the rows in their own order. */
static inline void print_losses(const classifier *net, ks_optimizer *optimizer, ks_data *train, int count)
{
    set_references(net->g);
    ks_data_ordered(train);
    while (count-- > 0 && ks_data_next(train, BATCH) && ks_step(optimizer))
        printf("%.17g\n", ks_scalar(net->loss));
}

/* Epochs of shuffled mini-batches, and after each the mean of its losses and what the net has come to. */
static inline void learn(const classifier *net, ks_optimizer *optimizer, ks_data *train, ks_data *test, int epochs)
{
    double start = seconds();
    printf("%" PRId64 " parameters, %" PRId64 " images\n", parameter_count(net->g), ks_data_rows(train));
    for (int epoch = 1; epoch <= epochs && !ks_error(net->g); epoch++) {
        double sum = 0;
        int steps = 0;
        for (; ks_data_next(train, BATCH) && ks_step(optimizer); steps++)
            sum += ks_scalar(net->loss);
        printf("epoch %d/%d: loss %.4f, ", epoch, epochs, sum / steps);
        printf("test accuracy %.4f, %.1f s\n", ks_accuracy(net->score, net->t, test), seconds() - start);
        fflush(stdout);
    }
}

/* Trains a net by Adam as the command line asks; frees it. main's status. */
static inline int run_classifier(const classifier *net, const arguments *a)
{
    ks_data *train = open_digits(net->g, a->data, "train"), *test = open_digits(net->g, a->data, "t10k");
    ks_optimizer *adam = ks_adam(net->loss, NULL);
    if (a->losses)
        print_losses(net, adam, train, a->losses);
    else
        learn(net, adam, train, test, a->epochs);
    ks_data_free(train);
    ks_data_free(test);
    return end(net->g);
}

#endif
