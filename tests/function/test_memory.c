/*
 * Functions when memory runs out, when they are many, and when several threads use one.
 */
#include "function/function.h"
#include "support/allocator.h"

#include <pthread.h>

static ks_graph *graph_in(ks_test_memory *memory)
{
    ks_graph_options options = KS_GRAPH_OPTIONS_DEFAULT;
    if (memory)
        options.allocator = ks_test_allocator(memory);
    options.threads = 1;
    return ks_graph_new(&options);
}

static ks_node *in(ks_graph *g, const char *name, ks_shape shape)
{
    return g ? ks_input(g, name, KS_F64, shape) : NULL;
}

static ks_node *constant(ks_graph *g, ks_shape shape)
{
    static const double values[16] = {0.5, -0.25, 1, 0.75, -1, 0.125, 0.3, 0.9};
    return g ? ks_constant(g, KS_F64, shape, values) : NULL;
}

static ks_function *step_in(ks_test_memory *memory)
{
    ks_graph *body = graph_in(memory);
    ks_node *h = in(body, "h", KS_SHAPE(2)), *x = in(body, "x", KS_SHAPE(2)), *w = in(body, "w", KS_SHAPE(2, 2));
    ks_node *next = ks_tanh(ks_add(ks_matmul(h, w), x));
    ks_function *f = NULL;
    if (next && ks_output(body, "next", next) && ks_output(body, "y", ks_square(next)))
        f = ks_function_new("step", body);
    if (!f)
        ks_graph_free(body);
    return f;
}

/* A scan, its gradient, the gradient of that, a map and a checkpoint; NAN if anything failed. */
static double everything(ks_test_memory *memory)
{
    double value = NAN;
    ks_function *f = step_in(memory);
    ks_graph *g = f ? graph_in(memory) : NULL;
    ks_node *arguments[] = {constant(g, KS_SHAPE(2)), constant(g, KS_SHAPE(3, 2)), constant(g, KS_SHAPE(2, 2))}, *out[2], *mapped[2], *kept;
    ks_scan_options options = {.size = sizeof options, .states = 1, .scanned = 1};
    if (g && ks_scan(f, arguments, &options, out)) {
        ks_node *rows[] = {constant(g, KS_SHAPE(3, 2)), arguments[1], arguments[2]};
        ks_node *gradient = ks_gradient(ks_sum_all(out[1]), arguments[2]),
                *second = ks_gradient(ks_sum_all(ks_square(gradient)), arguments[1]);
        ks_node *forward = ks_jvp(out[0], &arguments[0], (ks_node *[]){constant(g, KS_SHAPE(2))}, 1);
        bool good = ks_map(f, rows, (bool[]){true, true, false}, mapped) && ks_checkpoint(&arguments[2], 1, &second, 1, &kept);
        ks_node *total = good ? ks_add(ks_add(ks_sum_all(kept), ks_sum_all(mapped[1])), ks_sum_all(forward)) : NULL;
        value = total && ks_eval(total) ? ks_scalar(total) : NAN;
    }
    if (g)
        cr_assert(!isnan(value) || ks_error(g) || ks_error(ks_function_graph(f)), "request %lld was refused, and nobody says so",
                  (long long)memory->refuse);
    ks_graph_free(g);
    ks_function_free(f);
    return value;
}

Test(function_memory, every_allocation_refused_in_turn_is_one_failure_and_nothing_leaks)
{
    ks_test_memory calm = {0};
    double wanted = everything(&calm);
    cr_assert(!isnan(wanted));
    cr_assert_eq(calm.live, 0);
    for (int64_t n = 1; n <= calm.requests; n += n < 400 ? 1 : 7) {
        ks_test_memory memory = {.refuse = n};
        double value = everything(&memory);
        cr_assert_eq(memory.live, 0, "request %lld refused: %lld bytes leaked", (long long)n, (long long)memory.live);
        cr_assert(memory.refused == 0 || isnan(value) || value == wanted, "request %lld refused: %g, not %g", (long long)n, value, wanted);
    }
}

Test(function_memory, a_run_that_goes_on_allocates_nothing)
{
    ks_test_memory memory = {0};
    ks_function *f = step_in(&memory);
    ks_graph *g = graph_in(&memory);
    ks_node *h = ks_input(g, "h", KS_F64, KS_SHAPE(2)), *out[2];
    ks_node *arguments[] = {h, constant(g, KS_SHAPE(3, 2)), constant(g, KS_SHAPE(2, 2))};
    ks_scan_options options = {.size = sizeof options, .states = 1, .scanned = 1};
    cr_assert(ks_scan(f, arguments, &options, out));
    ks_node *gradient = ks_gradient(ks_sum_all(out[1]), arguments[2]);
    int64_t before = 0;
    for (int i = 0; i < 20; i++) {
        double value[2] = {i, 1};
        cr_assert(ks_feed(h, KS_F64, KS_SHAPE(2), value) && ks_eval(gradient), "%s", why(g));
        if (i == 2)
            before = memory.requests;
    }
    cr_assert_eq(memory.requests, before);
    ks_graph_free(g);
    ks_function_free(f);
    cr_assert_eq(memory.live, 0);
}

typedef struct worker {
    ks_function *f;
    double x, result;
    bool good;
} worker;

static void *run(void *payload)
{
    worker *w = payload;
    double h[2] = {w->x, 0}, x[2] = {0.5, 0.25}, m[4] = {0.3, 0.1, -0.2, 0.4};
    ks_shape vector = KS_SHAPE(2), matrix = KS_SHAPE(2, 2);
    ks_function *back = ks_function_vjp(w->f, NULL);
    ks_program *p = ks_program_new(back, NULL);
    double ones[2] = {1, 1};
    ks_tensor in[] = {{h, &vector, 2, KS_F64},
                      {x, &vector, 2, KS_F64},
                      {m, &matrix, 4, KS_F64},
                      {ones, &vector, 2, KS_F64},
                      {ones, &vector, 2, KS_F64}},
              out[3];
    w->good = p != NULL;
    for (int i = 0; w->good && i < 500; i++) {
        h[0] = w->x + 0.001 * i;
        w->good = ks_program_run(p, in, out);
        w->result += w->good ? ((double *)out[2].data)[0] : 0;
    }
    ks_program_free(p);
    ks_function_free(back);
    return NULL;
}

Test(function_memory, several_threads_run_one_function)
{
    ks_function *f = step_in(NULL);
    worker workers[4] = {{f, 0.1, 0, false}, {f, 0.1, 0, false}, {f, 0.7, 0, false}, {f, 0.7, 0, false}};
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, run, &workers[i]), 0);
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        cr_assert(workers[i].good);
    }
    cr_assert_eq(workers[0].result, workers[1].result);
    cr_assert_eq(workers[2].result, workers[3].result);
    cr_assert_neq(workers[0].result, workers[2].result);
    ks_function_free(f);
}
