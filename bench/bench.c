/*
 * bench/bench.c - Keisan's own side of the comparison with its peers.
 *
 * usage: keisan-bench [--threads N] [--seconds S] CASE...
 * One JSON object a case: median and least milliseconds of one step. The workloads are defined by bench/peers; derivatives.c has cases
 * without peers, where a step is compared with another of Keisan's own.
 */
#include "bench.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CHAIN 3334

static int threads = 1;
static double seconds = 1;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

enum { MOST = 200000 };

static double *new_times(void)
{
    double *times = malloc(MOST * sizeof *times);
    if (!times)
        exit(1);
    return times;
}

static void once(const char *name, bench_step step, void *payload, double *time)
{
    double start = now();
    if (!step(payload)) {
        fprintf(stderr, "keisan-bench: %s failed\n", name);
        exit(1);
    }
    *time = 1e3 * (now() - start);
}

void bench_report(const char *name, bench_step step, void *payload)
{
    double *times = new_times();
    int runs = 0;
    for (int i = 0; i < 3; i++)
        once(name, step, payload, times);
    for (double end = now() + seconds; (now() < end || runs < 5) && runs < MOST; runs++)
        once(name, step, payload, times + runs);
    qsort(times, (size_t)runs, sizeof *times, by_size);
    printf("{\"case\": \"%s\", \"peer\": \"keisan\", \"threads\": %d, \"ms\": %.6g, \"min_ms\": %.6g, \"runs\": %d}\n", name, threads,
           times[runs / 2], times[0], runs);
    fflush(stdout);
    free(times);
}

void bench_compare(const char *name, bench_step step, void *payload, const char *against, bench_step other, void *other_payload)
{
    double *times = new_times(), *others = new_times();
    int runs = 0;
    for (int i = 0; i < 3; i++) {
        once(name, step, payload, times);
        once(against, other, other_payload, others);
    }
    for (double end = now() + 2 * seconds; (now() < end || runs < 5) && runs < MOST; runs++) {
        once(name, step, payload, times + runs);
        once(against, other, other_payload, others + runs);
    }
    qsort(times, (size_t)runs, sizeof *times, by_size);
    qsort(others, (size_t)runs, sizeof *others, by_size);
    printf("{\"case\": \"%s\", \"peer\": \"keisan\", \"threads\": %d, \"ms\": %.6g, \"min_ms\": %.6g, \"runs\": %d, \"against\": \"%s\", "
           "\"against_ms\": %.6g, \"times\": %.3g, \"times_min\": %.3g}\n",
           name, threads, times[runs / 2], times[0], runs, against, others[runs / 2], times[runs / 2] / others[runs / 2],
           times[0] / others[0]);
    fflush(stdout);
    free(times);
    free(others);
}

ks_graph *bench_graph(void)
{
    ks_graph_options options = KS_GRAPH_OPTIONS_DEFAULT;
    options.threads = threads;
    ks_graph *g = ks_graph_new(&options);
    if (!g)
        exit(1);
    return g;
}

void bench_check(const ks_graph *g)
{
    if (ks_error(g)) {
        fprintf(stderr, "keisan-bench: %s\n", ks_error(g)->message);
        exit(1);
    }
}

float *bench_floats(size_t n)
{
    float *x = malloc(n * sizeof *x);
    uint32_t state = 1;
    if (!x)
        exit(1);
    for (size_t i = 0; i < n; i++) {
        state = state * 1664525u + 1013904223u;
        x[i] = (float)(state >> 8) / 16777216.0f;
    }
    return x;
}

static bool train(void *optimizer)
{
    return ks_step(optimizer);
}

/* 784-50-10 with sigmoid, batch 100, softmax and cross-entropy, SGD 0.1. */
static void mlp_book(void)
{
    ks_graph *g = bench_graph();
    ks_node *x = ks_input(g, "x", KS_F32, KS_SHAPE(100, 784)), *t = ks_input(g, "t", KS_I64, KS_SHAPE(100));
    ks_node *w1 = ks_variable(g, "w1", KS_F32, KS_SHAPE(784, 50), KS_XAVIER), *b1 = ks_variable(g, "b1", KS_F32, KS_SHAPE(50), KS_ZEROS);
    ks_node *w2 = ks_variable(g, "w2", KS_F32, KS_SHAPE(50, 10), KS_XAVIER), *b2 = ks_variable(g, "b2", KS_F32, KS_SHAPE(10), KS_ZEROS);
    ks_node *h = ks_sigmoid(ks_add(ks_matmul(x, w1), b1));
    ks_node *loss = ks_softmax_cross_entropy(ks_add(ks_matmul(h, w2), b2), t);
    float *data = bench_floats(100 * 784);
    int64_t labels[100];
    for (int i = 0; i < 100; i++)
        labels[i] = i * 7 % 10;
    ks_feed(x, KS_F32, KS_SHAPE(100, 784), data);
    ks_feed(t, KS_I64, KS_SHAPE(100), labels);
    ks_optimizer_options options = KS_OPTIMIZER_OPTIONS_DEFAULT;
    options.rate = 0.1;
    ks_optimizer *sgd = ks_sgd(loss, &options);
    bench_check(g);
    bench_report("mlp_book", train, sgd);
    free(data);
    ks_graph_free(g);
}

/* 2-8-1 with tanh, batch 4, mean squared error, SGD 0.1. */
static void mlp_xor(void)
{
    static const float inputs[] = {0, 0, 0, 1, 1, 0, 1, 1}, targets[] = {0, 1, 1, 0};
    ks_graph *g = bench_graph();
    ks_node *x = ks_input(g, "x", KS_F32, KS_SHAPE(4, 2)), *t = ks_input(g, "t", KS_F32, KS_SHAPE(4, 1));
    ks_node *w1 = ks_variable(g, "w1", KS_F32, KS_SHAPE(2, 8), KS_XAVIER), *b1 = ks_variable(g, "b1", KS_F32, KS_SHAPE(8), KS_ZEROS);
    ks_node *w2 = ks_variable(g, "w2", KS_F32, KS_SHAPE(8, 1), KS_XAVIER), *b2 = ks_variable(g, "b2", KS_F32, KS_SHAPE(1), KS_ZEROS);
    ks_node *h = ks_tanh(ks_add(ks_matmul(x, w1), b1));
    ks_node *loss = ks_mean_squared_error(ks_add(ks_matmul(h, w2), b2), t);
    ks_feed(x, KS_F32, KS_SHAPE(4, 2), inputs);
    ks_feed(t, KS_F32, KS_SHAPE(4, 1), targets);
    ks_optimizer_options options = KS_OPTIMIZER_OPTIONS_DEFAULT;
    options.rate = 0.1;
    ks_optimizer *sgd = ks_sgd(loss, &options);
    bench_check(g);
    bench_report("mlp_xor", train, sgd);
    ks_graph_free(g);
}

typedef struct pair {
    ks_node *x;
    ks_node *of[2];
    double value;
    const float *data;
    ks_graph *g;
    int64_t mark;
} pair;

static bool eval_fed(void *payload)
{
    pair *p = payload;
    ks_feed_borrowed(p->x, KS_SHAPE(10000000), p->data, NULL, NULL);
    return ks_eval_all(p->of, 2);
}

/* sum(tanh(2x + 1) sigmoid(x)) over 10 M floats, value and gradient. */
static void elementwise(void)
{
    ks_graph *g = bench_graph();
    ks_node *x = ks_input(g, "x", KS_F32, KS_SHAPE(10000000));
    ks_node *y = ks_sum_all(ks_mul(ks_tanh(ks_add(ks_mul(x, ks_number(g, 2)), ks_number(g, 1))), ks_sigmoid(x)));
    float *data = bench_floats(10000000);
    pair p = {.x = x, .of = {y, ks_gradient(y, x)}, .data = data};
    bench_check(g);
    bench_report("elementwise", eval_fed, &p);
    bench_check(g);
    free(data);
    ks_graph_free(g);
}

static ks_node *chain(ks_graph *g, ks_node *x, double factor)
{
    ks_node *a = ks_number(g, factor), *b = ks_number(g, 0.01), *y = x;
    for (int i = 0; i < CHAIN; i++)
        y = ks_tanh(ks_add(ks_mul(y, a), b));
    return y;
}

static bool eval_new_input(void *payload)
{
    pair *p = payload;
    p->value = p->value > 0.9 ? 0.5 : p->value + 1e-6;
    return ks_feed(p->x, KS_F64, KS_SCALAR, &p->value) && ks_eval_all(p->of, 2);
}

/* y = tanh(1.01 y + 0.01), 3,334 times in f64: value and gradient, a new input each time. */
static void scalar_chain(void)
{
    ks_graph *g = bench_graph();
    ks_node *x = ks_input(g, "x", KS_F64, KS_SCALAR), *y = chain(g, x, 1.01);
    pair p = {.x = x, .of = {y, ks_gradient(y, x)}, .value = 0.5};
    bench_check(g);
    bench_report("scalar_chain", eval_new_input, &p);
    bench_check(g);
    ks_graph_free(g);
}

static bool compose_and_eval(void *payload)
{
    pair *p = payload;
    p->value = p->value > 1.02 ? 1.01 : p->value + 1e-6;
    ks_graph_release(p->g, p->mark);
    ks_node *y = chain(p->g, p->x, p->value), *of[2] = {y, ks_gradient(y, p->x)};
    return ks_eval_all(of, 2);
}

/* The same, composed anew each time with one constant changed. */
static void scalar_chain_anew(void)
{
    double half = 0.5;
    ks_graph *g = bench_graph();
    pair p = {.g = g, .x = ks_input(g, "x", KS_F64, KS_SCALAR), .value = 1.01};
    ks_feed(p.x, KS_F64, KS_SCALAR, &half);
    p.mark = ks_graph_mark(g);
    bench_report("scalar_chain_anew", compose_and_eval, &p);
    bench_check(g);
    ks_graph_free(g);
}

static bool everything(void *payload)
{
    double half = 0.5;
    (void)payload;
    ks_graph *g = bench_graph();
    ks_node *x = ks_input(g, "x", KS_F64, KS_SCALAR);
    ks_feed(x, KS_F64, KS_SCALAR, &half);
    ks_node *y = chain(g, x, 1.01), *of[2] = {y, ks_gradient(y, x)};
    bool good = ks_eval_all(of, 2);
    ks_graph_free(g);
    return good;
}

/* The first time: a new graph, composed, differentiated, planned, run and freed. */
static void scalar_chain_first(void)
{
    bench_report("scalar_chain_first", everything, NULL);
}

static const struct {
    const char *name;
    void (*run)(void);
} cases[] = {{"mlp_book", mlp_book},
             {"mlp_xor", mlp_xor},
             {"elementwise", elementwise},
             {"scalar_chain", scalar_chain},
             {"scalar_chain_anew", scalar_chain_anew},
             {"scalar_chain_first", scalar_chain_first},
             {"hessian_vector", bench_hessian_vector},
             {"checkpoint", bench_checkpoint},
             {"sparse_jacobian", bench_sparse_jacobian},
             {"per_sample", bench_per_sample}};

/* Takes the options out of the list; the number of words that are left. */
static int take_options(int argc, char **argv)
{
    int kept = 0;
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--threads") && i + 1 < argc)
            threads = atoi(argv[++i]);
        else if (!strcmp(argv[i], "--seconds") && i + 1 < argc)
            seconds = atof(argv[++i]);
        else
            argv[kept++] = argv[i];
    }
    return kept;
}

int main(int argc, char **argv)
{
    int count = take_options(argc, argv);
    for (int i = 0; i < count; i++) {
        bool known = false;
        for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
            if (strcmp(argv[i], cases[k].name) != 0 && strcmp(argv[i], "all") != 0)
                continue;
            cases[k].run();
            known = true;
        }
        if (!known) {
            fprintf(stderr, "keisan-bench: no case '%s'\n", argv[i]);
            return 2;
        }
    }
    if (!count)
        fprintf(stderr, "usage: keisan-bench [--threads N] [--seconds S] CASE...\n");
    return count ? 0 : 2;
}
