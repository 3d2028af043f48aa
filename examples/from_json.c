/*
 * from_json.c - a model that was written by hand as JSON: loaded, trained on the digits, saved.
 *
 *   from_json [NET.json] [FOLDER] [TRAINED.json]   defaults examples/net.json, data/digits, trained.json
 */
#include <keisan/keisan.h>
#include <stdio.h>

static ks_data *digits(ks_graph *g, const char *folder, const char *part)
{
    char files[1024];
    snprintf(files, sizeof files, "x=%s/%s-images-idx3-ubyte.gz:flatten:scale=255,t=%s/%s-labels-idx1-ubyte.gz", folder, part, folder,
             part);
    return ks_data_open(g, files);
}

int main(int argc, char **argv)
{
    const char *net = argc > 1 ? argv[1] : "examples/net.json", *folder = argc > 2 ? argv[2] : "data/digits";
    const char *trained = argc > 3 ? argv[3] : "trained.json";

    ks_failure failure = {0};
    ks_graph *g = ks_load(net, NULL, &failure);
    if (!g) {
        fprintf(stderr, "%s: %s\n", net, failure.message);
        return 1;
    }
    ks_node *t = ks_find(g, "t"), *score = ks_output_find(g, "score"), *loss = ks_output_find(g, "loss");
    ks_data *train = digits(g, folder, "train"), *test = digits(g, folder, "t10k");
    ks_optimizer *adam = ks_adam(loss, NULL);

    for (int epoch = 1; epoch <= 3 && !ks_error(g); epoch++) {
        while (ks_data_next(train, 100))
            ks_step(adam);
        printf("epoch %d: test accuracy %.3f\n", epoch, ks_accuracy(score, t, test));
    }
    if (ks_save(g, trained, NULL))
        printf("saved %s\n", trained);

    if (ks_error(g))
        fprintf(stderr, "%s\n", ks_error(g)->message);
    int status = ks_error(g) != NULL;
    ks_data_free(train);
    ks_data_free(test);
    ks_graph_free(g);
    return status;
}

/*
 * epoch 1: test accuracy 0.840
 * epoch 2: test accuracy 0.909
 * epoch 3: test accuracy 0.920
 * saved trained.json
 */
