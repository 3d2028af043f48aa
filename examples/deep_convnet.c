/*
 * deep_convnet.c - chapter 8: six small convolutions on each other read digits better than one large one.
 *
 *   deep_convnet [FOLDER] [--epochs N] [--losses N] [--f64]      FOLDER: default data/digits; data/mnist has all ("./dev data mnist")
 *
 * Two filters of 3x3 in a row see 5x5 with fewer weights and bend twice. Behind each pair pooling halves the image while the channels
 * double. Dropout, on the hidden units and as in the book on the scores too, keeps it from learning the images by heart; it is left out
 * beside PyTorch (--losses), which draws other numbers.
 */
#include "digits.h"

enum { HIDDEN = 50, CLASSES = 10 };

static ks_node *parameter(const ks_node *x, const char *name, int layer, ks_shape shape, ks_init init)
{
    char text[16];
    snprintf(text, sizeof text, "%s%d", name, layer);
    return ks_variable(ks_node_graph(x), text, ks_node_dtype(x), shape, init);
}

/* relu(W * x + b): filters of 3x3 from x's channels to so many. */
static ks_node *conv_layer(ks_node *x, int layer, int64_t channels, int64_t pad)
{
    int64_t in = ks_node_shape(x).dim[1];
    ks_node *w = parameter(x, "W", layer, KS_SHAPE(channels, in, 3, 3), KS_INIT(.kind = KS_INIT_HE, .fan_in = in * 3 * 3));
    ks_node *b = parameter(x, "b", layer, KS_SHAPE(channels), KS_ZEROS);
    return ks_relu(ks_conv(x, w, b, &(ks_window_options){.pads = KS_INTS(pad)}));
}

static ks_node *pool(ks_node *x)
{
    return ks_max_pool(x, KS_INTS(2, 2), &(ks_window_options){.strides = KS_INTS(2)});
}

static ks_node *dense_layer(ks_node *x, int layer, int64_t units, ks_init init)
{
    ks_node *w = parameter(x, "W", layer, KS_SHAPE(ks_node_shape(x).dim[1], units), init);
    return ks_dense(x, w, parameter(x, "b", layer, KS_SHAPE(units), KS_ZEROS));
}

static classifier compose(ks_dtype dtype, double dropout)
{
    ks_graph *g = ks_graph_new(NULL);
    int64_t N = ks_dim(g, "N");
    ks_node *x = ks_input(g, "x", dtype, KS_SHAPE(N, 28, 28));
    ks_node *t = ks_input(g, "t", KS_I64, KS_SHAPE(N));
    ks_node *y = ks_unsqueeze(x, KS_INTS(1));                /* [N, 1, 28, 28] */
    y = pool(conv_layer(conv_layer(y, 1, 16, 1), 2, 16, 1)); /* [N, 16, 14, 14] */
    y = pool(conv_layer(conv_layer(y, 3, 32, 1), 4, 32, 2)); /* [N, 32, 8, 8]; the wider padding makes 16 of 14 */
    y = pool(conv_layer(conv_layer(y, 5, 64, 1), 6, 64, 1)); /* [N, 64, 4, 4] */
    y = ks_relu(dense_layer(ks_flatten(y, 1), 7, HIDDEN, KS_HE));
    y = ks_dropout(y, dropout, KS_DROPOUT_BOOK);
    ks_node *score = ks_dropout(dense_layer(y, 8, CLASSES, KS_XAVIER), dropout, KS_DROPOUT_BOOK);
    return (classifier){g, x, t, score, ks_softmax_cross_entropy(score, t)};
}

int main(int argc, char **argv)
{
    arguments a = read_arguments(argc, argv, (arguments){.data = "data/digits", .epochs = 2});
    classifier net = compose(a.dtype, a.losses ? 0 : 0.5);
    return run_classifier(&net, &a);
}

/*
 * 123552 parameters, 5000 images
 * epoch 1/2: loss 2.0144, test accuracy 0.7650, 8.1 s
 * epoch 2/2: loss 1.6455, test accuracy 0.9090, 13.3 s
 */
