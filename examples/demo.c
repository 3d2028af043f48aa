/*
 * demo.c - what Keisan does, in a few seconds: trains a net to read digits, saves it as JSON and loads it back, checks its
 * gradients, and shows every step of a small backward pass.
 *
 *   demo [OUTPUT [FOLDER]]   writes into OUTPUT, default demo-output; FOLDER has the digits, default data/digits
 */
#include <keisan/keisan.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char *folder = "data/digits", *output = "demo-output";

static const char *path(const char *name)
{
    static char text[2][1024];
    static int turn;
    turn = !turn;
    snprintf(text[turn], sizeof text[turn], "%s/%s", output, name);
    return text[turn];
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* The first failure of a graph, said; whether there was one. */
static bool failed(const ks_graph *g)
{
    const ks_failure *failure = g ? ks_error(g) : NULL;
    if (failure)
        fprintf(stderr, "demo: %s\n", failure->message);
    return failure || !g;
}

static ks_data *digits(ks_graph *g, const char *part)
{
    char files[2048];
    snprintf(files, sizeof files, "x=%s/%s-images-idx3-ubyte.gz:flatten:scale=255,t=%s/%s-labels-idx1-ubyte.gz", folder, part, folder,
             part);
    return ks_data_open(g, files);
}

/* 784-50-10 with ReLU; outputs "score" and "loss". */
static ks_node *compose(ks_graph *g)
{
    int64_t N = ks_dim(g, "N");
    ks_node *x = ks_input(g, "x", KS_F32, KS_SHAPE(N, 784));
    ks_node *t = ks_input(g, "t", KS_I64, KS_SHAPE(N));
    ks_node *w1 = ks_variable(g, "fc1.weight", KS_F32, KS_SHAPE(784, 50), KS_HE);
    ks_node *b1 = ks_variable(g, "fc1.bias", KS_F32, KS_SHAPE(50), KS_ZEROS);
    ks_node *w2 = ks_variable(g, "fc2.weight", KS_F32, KS_SHAPE(50, 10), KS_HE);
    ks_node *b2 = ks_variable(g, "fc2.bias", KS_F32, KS_SHAPE(10), KS_ZEROS);
    ks_node *h = ks_relu(ks_add(ks_matmul(x, w1), b1));
    ks_node *score = ks_output(g, "score", ks_add(ks_matmul(h, w2), b2));
    return ks_output(g, "loss", ks_softmax_cross_entropy(score, t));
}

static void bar(int epoch, int epochs, int64_t done, int64_t rows)
{
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\repoch %d/%d [%-20.*s]%s", epoch, epochs, (int)(20 * done / rows),
                "====================", done < rows ? "" : "\r\033[K");
}

static bool train(ks_graph *g, ks_node *loss, const char *saved)
{
    enum { EPOCHS = 20, BATCH = 100 };
    ks_node *score = ks_output_find(g, "score"), *t = ks_find(g, "t");
    ks_data *data = digits(g, "train"), *test = digits(g, "t10k");
    ks_optimizer *adam = ks_adam(loss, NULL);
    int64_t rows = data ? ks_data_rows(data) : 0;
    double started = seconds();
    printf("1. Training 784-50-10 (ReLU, Adam, batch %d) on %lld digits from %s\n", BATCH, (long long)rows, folder);
    double right = 0;
    for (int epoch = 1; epoch <= EPOCHS && adam && test; epoch++) {
        double sum = 0;
        int64_t steps = 0;
        for (; ks_data_next(data, BATCH) && ks_step(adam); steps++) {
            sum += ks_scalar(loss);
            bar(epoch, EPOCHS, steps * BATCH, rows);
        }
        if (ks_error(g))
            break;
        right = ks_accuracy(score, t, test);
        bar(epoch, EPOCHS, rows, rows);
        printf("   epoch %2d/%d: loss %.4f, test accuracy %.4f\n", epoch, EPOCHS, sum / (double)steps, right);
    }
    ks_save_options options = {.size = sizeof options, .optimizer = adam};
    bool good = !ks_error(g) && ks_save(g, saved, &options);
    if (good)
        printf("   it reads %.1f %% of %lld test images rightly, after %.1f s; saved as %s\n\n", 100 * right, (long long)ks_data_rows(test),
               seconds() - started, saved);
    ks_data_free(data);
    ks_data_free(test);
    return good;
}

/* The scores of all test images, before and after: count of those whose bits differ. */
static bool compare(ks_graph *before, const char *saved)
{
    enum { ROWS = 1000 };
    static float a[ROWS * 10], b[ROWS * 10];
    ks_failure failure = {0};
    ks_graph *after = ks_load(saved, NULL, &failure);
    if (!after)
        fprintf(stderr, "demo: %s: %s\n", saved, failure.message);
    ks_data *one = digits(before, "t10k"), *two = after ? digits(after, "t10k") : NULL;
    bool good = one && two && ks_data_rows_feed(one, 0, ROWS) && ks_data_rows_feed(two, 0, ROWS) &&
                ks_read(ks_output_find(before, "score"), KS_F32, a, ROWS * 10) &&
                ks_read(ks_output_find(after, "score"), KS_F32, b, ROWS * 10);
    int differ = 0;
    for (int i = 0; good && i < ROWS * 10; i++)
        differ += memcmp(&a[i], &b[i], sizeof a[i]) != 0;
    if (good)
        printf("2. Loaded it back: %d of the %d scores of %d images differ in any bit\n\n", differ, ROWS * 10, ROWS);
    else if (after)
        failed(after);
    ks_data_free(one);
    ks_data_free(two);
    ks_graph_free(after);
    return good && !differ;
}

static bool check(ks_graph *g, ks_node *loss)
{
    ks_gradcheck_options options = {.size = sizeof options, .most = 200};
    ks_gradcheck_report report = {0};
    ks_data *data = digits(g, "train");
    bool good = data && ks_data_rows_feed(data, 0, 3) && ks_gradcheck(loss, NULL, 0, &options, &report);
    if (good)
        printf("3. Gradients of the trained net against central differences, on 3 digits: %s\n",
               report.passed ? "they agree" : "THEY DIFFER");
    for (int i = 0; i < report.count; i++) {
        const ks_gradcheck_row *row = &report.rows[i];
        printf("   %-10s  %3lld elements, mean difference %.1e, worst relative %.1e\n", row->name, (long long)row->elements,
               row->mean_difference, row->worst_relative);
    }
    printf("\n");
    good = good && report.passed;
    ks_gradcheck_free(&report);
    ks_data_free(data);
    return good;
}

static bool put(void *user, const void *data, size_t size)
{
    return fwrite(data, 1, size, user) == size;
}

/* Two apples and three oranges with tax: the book's example, in f64. */
static bool shop(ks_graph *g)
{
    static const struct {
        const char *name;
        double value;
    } given[] = {{"apple", 100}, {"apple_num", 2}, {"orange", 150}, {"orange_num", 3}, {"tax", 1.1}};
    ks_node *in[5];
    for (int i = 0; i < 5; i++)
        in[i] = ks_variable(g, given[i].name, KS_F64, KS_SCALAR, KS_FILL(given[i].value));
    ks_node *apples = ks_named("apple_price", ks_mul(in[0], in[1])), *oranges = ks_named("orange_price", ks_mul(in[2], in[3]));
    ks_node *price = ks_output(g, "price", ks_mul(ks_named("all_price", ks_add(apples, oranges)), in[4]));

    printf("4. Every step of forward and backward of 2 apples, 3 oranges and tax\n\n");
    fflush(stdout);
    bool good = ks_trace_to(price, KS_TRACE_TEXT, (ks_writer){put, stdout}, NULL) && ks_save(g, path("apple-orange.json"), NULL) &&
                ks_trace(price, KS_TRACE_JSON, path("apple-orange.trace.json"), NULL) &&
                ks_trace(price, KS_TRACE_DOT, path("apple-orange.dot"), NULL);
    if (!good)
        return false;
    printf("\n   the same as %s and %s", path("apple-orange.trace.json"), path("apple-orange.dot"));
    if (ks_trace(price, KS_TRACE_SVG, path("apple-orange.svg"), NULL)) {
        printf(", as a picture %s\n", path("apple-orange.svg"));
    } else {
        printf("\n   no picture: %s\n", ks_error(g)->message);
        ks_error_clear(g);
    }
    return true;
}

int main(int argc, char **argv)
{
    output = argc > 1 ? argv[1] : output;
    folder = argc > 2 ? argv[2] : folder;
    if (mkdir(output, 0777) != 0 && errno != EEXIST) {
        fprintf(stderr, "demo: %s: %s\n", output, strerror(errno));
        return 3;
    }
    char saved[1024];
    snprintf(saved, sizeof saved, "%s", path("digits.json"));
    ks_graph *g = ks_graph_new(NULL), *fruit = ks_graph_new(NULL);
    ks_node *loss = g ? compose(g) : NULL;
    bool good = loss && train(g, loss, saved) && compare(g, saved) && check(g, loss) && fruit && shop(fruit);
    if (good)
        printf("\nAll of it is in %s/. Try:  build/cli/keisan info %s\n", output, saved);
    bool bad = failed(g);
    bad = failed(fruit) || bad || !good;
    ks_graph_free(g);
    ks_graph_free(fruit);
    return bad;
}
