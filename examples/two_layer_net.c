/*
 * two_layer_net.c - chapter 5: 784-50-10 with ReLU learns to read digits by SGD.
 *
 *   two_layer_net [FOLDER] [--iterations N]   FOLDER has the digits as IDX files; default data/mnist ("./dev data mnist")
 */
#include <keisan/keisan.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static ks_data *digits(ks_graph *g, const char *folder, const char *part)
{
    char files[1024];
    snprintf(files, sizeof files, "x=%s/%s-images-idx3-ubyte.gz:flatten:scale=255,t=%s/%s-labels-idx1-ubyte.gz", folder, part, folder,
             part);
    return ks_data_open(g, files);
}

int main(int argc, char **argv)
{
    const char *folder = "data/mnist";
    int iterations = 10000, batch = 100;
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--iterations") && i + 1 < argc)
            iterations = atoi(argv[++i]);
        else
            folder = argv[i];
    }

    ks_graph *g = ks_graph_new(NULL);
    int64_t N = ks_dim(g, "N");
    ks_node *x = ks_input(g, "x", KS_F32, KS_SHAPE(N, 784));
    ks_node *t = ks_input(g, "t", KS_I64, KS_SHAPE(N));
    ks_node *w1 = ks_variable(g, "W1", KS_F32, KS_SHAPE(784, 50), KS_NORMAL(0.01));
    ks_node *b1 = ks_variable(g, "b1", KS_F32, KS_SHAPE(50), KS_ZEROS);
    ks_node *w2 = ks_variable(g, "W2", KS_F32, KS_SHAPE(50, 10), KS_NORMAL(0.01));
    ks_node *b2 = ks_variable(g, "b2", KS_F32, KS_SHAPE(10), KS_ZEROS);
    ks_node *h = ks_relu(ks_add(ks_matmul(x, w1), b1));
    ks_node *score = ks_add(ks_matmul(h, w2), b2);
    ks_node *loss = ks_softmax_cross_entropy(score, t);

    ks_data *train = digits(g, folder, "train"), *test = digits(g, folder, "t10k");
    ks_optimizer_options options = {.size = sizeof options, .rate = 0.1};
    ks_optimizer *sgd = ks_sgd(loss, &options);
    int epoch = train ? (int)(ks_data_rows(train) / batch) : 1; /* iterations an epoch */

    for (int i = 0; i < iterations && !ks_error(g); i++) {
        if (!ks_data_draw(train, batch) || !ks_step(sgd))
            break;
        if (i % epoch == 0)
            printf("train acc, test acc | %.4f, %.4f\n", ks_accuracy(score, t, train), ks_accuracy(score, t, test));
    }
    printf("after %d iterations: test accuracy %.4f\n", iterations, ks_accuracy(score, t, test));

    if (ks_error(g))
        fprintf(stderr, "%s\n", ks_error(g)->message);
    int status = ks_error(g) != NULL;
    ks_data_free(train);
    ks_data_free(test);
    ks_graph_free(g);
    return status;
}

/*
 * train acc, test acc | 0.1299, 0.1275
 * train acc, test acc | 0.9032, 0.9059
 * train acc, test acc | 0.9236, 0.9267
 * train acc, test acc | 0.9362, 0.9350
 * train acc, test acc | 0.9449, 0.9432
 * train acc, test acc | 0.9490, 0.9476
 * train acc, test acc | 0.9526, 0.9504
 * train acc, test acc | 0.9591, 0.9548
 * train acc, test acc | 0.9624, 0.9595
 * train acc, test acc | 0.9649, 0.9607
 * train acc, test acc | 0.9675, 0.9636
 * train acc, test acc | 0.9705, 0.9664
 * train acc, test acc | 0.9726, 0.9672
 * train acc, test acc | 0.9744, 0.9683
 * train acc, test acc | 0.9747, 0.9680
 * train acc, test acc | 0.9761, 0.9695
 * train acc, test acc | 0.9780, 0.9696
 * after 10000 iterations: test accuracy 0.9707
 */
