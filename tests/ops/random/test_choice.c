/*
 * test_choice.c - bernoulli, randint, permutation, and numbers in another tensor's shape: what they are drawn from, shares, streams of
 * their own, open sizes, the same on any number of threads and instruction set, and what is refused.
 */
#include "ops/ops.h"

static ks_graph *open_graph(int threads, const char *isa)
{
    ks_graph *g = ks_graph_new(&(ks_graph_options){.size = sizeof(ks_graph_options), .seed = 5, .threads = threads, .isa = isa});
    return g;
}

static double *values_of(ks_node *node, int64_t n)
{
    double *values = malloc(sizeof(double) * (size_t)n);
    cr_assert(node && ks_read(node, KS_F64, values, n), "%s", ks_error(ks_node_graph(node)) ? ks_error(ks_node_graph(node))->message : "?");
    return values;
}

enum { MANY = 100003 };

Test(choice, bernoulli_gives_ones_in_the_share_asked_for)
{
    static const double p[] = {0, 0.25, 0.9, 1};
    for (int dtype = KS_F32; dtype <= KS_F64; dtype++) {
        ks_graph *g = open_graph(0, NULL);
        ks_node *row = ks_cast(ks_constant(g, KS_F64, KS_SHAPE(4), p), (ks_dtype)dtype);
        ks_node *y = ks_bernoulli(ks_expand(row, ks_random_uniform(g, KS_F32, KS_SHAPE(MANY, 4), 0, 1), KS_ABSENT));
        DTYPE_IS(y, (ks_dtype)dtype);
        double share[4], *all = values_of(y, 4 * MANY);
        for (int64_t i = 0; i < 4 * MANY; i++)
            cr_assert(all[i] == 0 || all[i] == 1);
        cr_assert(ks_read(ks_mean(y, KS_INTS(0), false), KS_F64, share, 4));
        cr_assert(share[0] == 0 && share[3] == 1);
        cr_assert_float_eq(share[1], 0.25, 4 * sqrt(0.25 * 0.75 / MANY));
        cr_assert_float_eq(share[2], 0.9, 4 * sqrt(0.9 * 0.1 / MANY));
        free(all);
        ks_graph_free(g);
    }
}

Test(choice, what_is_no_probability_is_refused)
{
    ks_graph *g = open_graph(0, NULL);
    NO_VALUE(ks_named("y", ks_bernoulli(VARIABLE(g, "p", KS_F64, KS_SHAPE(3), 0.5, 1, 1.5))), KS_BAD_ARGUMENT,
             "bernoulli 'y': element 2 is 1.5: a probability lies in [0, 1]; ks_sigmoid makes one of a score");
    NO_VALUE(ks_named("z", ks_bernoulli(VARIABLE(g, "q", KS_F32, KS_SHAPE(1), NAN_))), KS_BAD_ARGUMENT,
             "bernoulli 'z': element 0 is nan: a probability lies in [0, 1]; ks_sigmoid makes one of a score");
    SHAPE_IS(ks_bernoulli(NOTHING(g, "none", KS_F64, KS_SHAPE(0, 3))), 0, 3);
    ks_graph_free(g);
}

Test(choice, whole_numbers_are_alike_and_reach_both_ends)
{
    static const ks_dtype dtypes[] = {KS_I32, KS_I64, KS_U8};
    for (size_t d = 0; d < 3; d++) {
        ks_graph *g = open_graph(0, NULL);
        int cells[7] = {0};
        double *x = values_of(ks_randint(g, dtypes[d], KS_SHAPE(MANY), 3, 10), MANY), chi = 0;
        for (int i = 0; i < MANY; i++) {
            cr_assert(x[i] >= 3 && x[i] < 10);
            cells[(int)x[i] - 3]++;
        }
        for (int k = 0; k < 7; k++)
            chi += (cells[k] - MANY / 7.0) * (cells[k] - MANY / 7.0) / (MANY / 7.0);
        cr_assert_lt(chi, 22.5); /* 6 degrees: above once in a thousand */
        free(x);
        ks_graph_free(g);
    }
}

Test(choice, whole_numbers_may_fill_their_type)
{
    ks_graph *g = open_graph(0, NULL);
    int64_t x[1000];
    int negative = 0;
    cr_assert(ks_read(ks_randint(g, KS_I64, KS_SHAPE(1000), INT64_MIN, INT64_MAX), KS_I64, x, 1000));
    for (int i = 0; i < 1000; i++)
        negative += x[i] < 0;
    cr_assert(negative > 430 && negative < 570);
    IS(ks_randint(g, KS_U8, KS_SHAPE(2), 255, 256), 255, 255);
    REFUSED(g, ks_randint(g, KS_I32, KS_SHAPE(2), 4, 4), KS_BAD_ARGUMENT, "randint: from 4 to 4 there is no number: lo < hi");
    REFUSED(g, ks_randint(g, KS_U8, KS_SHAPE(2), -1, 4), KS_BAD_ARGUMENT, "randint: u8 does not hold all from -1 to 3: take i64");
    REFUSED(g, ks_randint(g, KS_F32, KS_SHAPE(2), 0, 4), KS_BAD_DTYPE, "randint: whole numbers are i32, i64 or u8: ks_cast them");
    ks_graph_free(g);
}

Test(choice, a_permutation_has_each_number_once)
{
    ks_graph *g = open_graph(0, NULL);
    char *seen = calloc(MANY, 1);
    ks_node *y = ks_permutation(g, MANY);
    double *x = values_of(y, MANY);
    int fixed = 0;
    for (int i = 0; i < MANY; i++) {
        cr_assert_not(seen[(int)x[i]]);
        seen[(int)x[i]] = 1;
        fixed += x[i] == i;
    }
    cr_assert_lt(fixed, 8); /* one on average */
    DTYPE_IS(y, KS_I64);
    IS(ks_permutation(g, 1), 0);
    SHAPE_IS(ks_permutation(g, 0), 0);
    REFUSED(g, ks_permutation(g, -1), KS_BAD_ARGUMENT, "permutation: n is -1: how many numbers is 0 or more");
    free(x), free(seen);
    ks_graph_free(g);
}

/* 6000 steps of the six orders of three. 5 degrees of freedom: above 20.5 once in a thousand. */
Test(choice, every_order_is_as_likely)
{
    ks_graph *g = open_graph(0, NULL);
    ks_node *y = ks_permutation(g, 3);
    int orders[27] = {0};
    double chi = 0;
    for (int step = 0; step < 6000; step++) {
        int64_t x[3];
        cr_assert(ks_read(y, KS_I64, x, 3));
        orders[9 * x[0] + 3 * x[1] + x[2]]++;
        ks_next_step(g);
    }
    for (int k = 0; k < 27; k++)
        chi += orders[k] ? (orders[k] - 1000.0) * (orders[k] - 1000.0) / 1000 : 0;
    cr_assert_lt(chi, 20.5);
    ks_graph_free(g);
}

Test(choice, numbers_come_for_as_many_rows_as_were_fed)
{
    ks_graph *g = open_graph(0, NULL);
    ks_node *x = ks_input(g, "x", KS_F32, KS_SHAPE(ks_dim(g, "N"), 2));
    ks_node *u = ks_random_uniform_like(x, KS_F64, 2, 3), *n = ks_random_normal_like(x, KS_F32, 0, 0), *p = ks_permutation_like(x, 0);
    for (int64_t rows = 1; rows < 8; rows += 3) {
        cr_assert(ks_feed(x, KS_F64, KS_SHAPE(rows, 2), KS__VALUES(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)));
        double *values = values_of(u, 2 * rows), sum = 0, *order = values_of(p, rows);
        SHAPE_IS(u, rows, 2);
        SHAPE_IS(n, rows, 2);
        for (int64_t i = 0; i < rows; i++) {
            cr_assert(values[2 * i] >= 2 && values[2 * i] < 3);
            sum += order[i];
        }
        cr_assert_eq(sum, (double)(rows * (rows - 1) / 2));
        free(values), free(order);
    }
    REFUSED(g, ks_random_normal_like(x, KS_I32, 0, 1), KS_BAD_DTYPE, "random_normal_like: random numbers are f32 or f64: ks_cast them");
    REFUSED(g, ks_random_uniform_like(x, KS_F32, 1, 0), KS_BAD_ARGUMENT,
            "random_uniform_like: from 1 to 0 is no interval: lo <= hi, both finite");
    REFUSED(g, ks_permutation_like(x, 2), KS_BAD_SHAPE, "permutation_like: there is no axis 2: 'x' is [N, 2]");
    ks_graph_free(g);
}

Test(choice, noise_in_the_shape_of_noise_is_noise_of_its_own)
{
    ks_graph *g = open_graph(0, NULL);
    ks_node *a = ks_random_uniform(g, KS_F64, KS_SHAPE(50), 0, 1), *b = ks_random_uniform_like(a, KS_F64, 0, 1);
    double *x = values_of(a, 50), *y = values_of(b, 50);
    cr_assert_eq(ks_node_input(b, 0), a);
    for (int i = 0; i < 50; i++)
        cr_assert_neq(x[i], y[i]);
    free(x), free(y);
    ks_graph_free(g);
}

Test(choice, the_same_choices_on_any_threads_and_instruction_set)
{
    static const char *const sets[] = {"plain", "x86-64-v2", "x86-64-v3", "x86-64-v4"};
    double *first = NULL;
    for (int run = 0; run < 6; run++) {
        ks_graph *g = open_graph(run < 2 ? run + 1 : 1, run < 2 ? NULL : sets[run - 2]);
        if (!g)
            continue;
        ks_node *p = ks_random_uniform(g, KS_F32, KS_SHAPE(MANY), 0, 1);
        ks_node *all[] = {ks_cast(ks_bernoulli(p), KS_I64), ks_randint(g, KS_I64, KS_SHAPE(MANY), -5, 1000), ks_permutation(g, MANY)};
        double *x = values_of(ks_concat(all, 3, 0), 3 * MANY);
        if (first)
            cr_assert(!memcmp(first, x, sizeof(double) * 3 * MANY), "run %d", run);
        else
            first = x;
        if (first != x)
            free(x);
        ks_graph_free(g);
    }
    free(first);
}
