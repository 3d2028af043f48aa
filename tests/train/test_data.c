/*
 * test_data.c - data sets: rows in their order, shuffled or drawn; what is done to them; errors.
 */
#include "tests/support/allocator.h"
#include "tests/train/train.h"

#include <unistd.h>

#include "engine/kernels/philox.h"
#include "train/data.h"

/* ---- files for the tests ------------------------------------------------------------------------------- */

#define ROWS 10

static char folder[64];

static void put(const char *name, const void *data, size_t size)
{
    FILE *file = fopen(name, "wb");
    cr_assert(file && fwrite(data, 1, size, file) == size && fclose(file) == 0);
}

/* Ten images of 2 x 3 whose pixel k in row i is 20 i + k, their labels i % 4. */
static void make_files(void)
{
    unsigned char images[16 + ROWS * 6] = {0, 0, 8, 3, 0, 0, 0, ROWS, 0, 0, 0, 2, 0, 0, 0, 3},
                                     labels[8 + ROWS] = {0, 0, 8, 1, 0, 0, 0, ROWS};
    for (int i = 0; i < ROWS; i++) {
        for (int k = 0; k < 6; k++)
            images[16 + i * 6 + k] = (unsigned char)(20 * i + k);
        labels[8 + i] = (unsigned char)(i % 4);
    }
    strcpy(folder, "/tmp/keisan-data-XXXXXX");
    cr_assert(mkdtemp(folder) && chdir(folder) == 0);
    put("images", images, sizeof images);
    put("labels", labels, sizeof labels);
    labels[7] = ROWS - 1;
    put("fewer", labels, sizeof labels - 1);
    labels[7] = 0;
    put("none", labels, 8);
    put("single", (const unsigned char[]){0, 0, 8, 0, 7}, 5);
}

static void remove_files(void)
{
    static const char *const names[] = {"images", "labels", "fewer", "none", "single", "a,b:c", "x.npy"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        unlink(names[i]);
    if (chdir("/") == 0)
        rmdir(folder);
}

TestSuite(data, .init = make_files, .fini = remove_files);

typedef struct net {
    ks_graph *graph;
    ks_node *x, *t;
} net;

static net make_net(uint64_t seed)
{
    ks_graph *g = ks_graph_new(&(ks_graph_options){.size = sizeof(ks_graph_options), .seed = seed, .threads = 1});
    int64_t n = ks_dim(g, "N");
    return (net){g, ks_input(g, "x", KS_F32, KS_SHAPE(n, 6)), ks_input(g, "t", KS_I64, KS_SHAPE(n))};
}

#define BOTH "x=images:flatten:scale=255,t=labels"

/* The row of the file that stands at position i of the batch, told by its first pixel; the rest of it must fit. */
static int row_at(const net *n, int64_t i)
{
    const float *x = ks_value(n->x);
    const int64_t *t = ks_value(n->t);
    int row = (int)lrintf(x[i * 6] * 255 / 20);
    for (int k = 0; k < 6; k++)
        cr_assert_eq(x[i * 6 + k], (float)(20 * row + k) / 255.0f);
    cr_assert_eq(t[i], row % 4);
    return row;
}

static int64_t batch_size(const net *n)
{
    return ks_value_shape(n->t).dim[0];
}

/* ---- rows ---------------------------------------------------------------------------------------------- */

Test(data, feeds_in_order_with_the_rest_as_a_smaller_batch)
{
    net n = make_net(0);
    ks_graph *g = n.graph;
    ks_data *data = ks_data_open(g, BOTH);
    GOOD(data);
    cr_assert_eq(ks_data_rows(data), ROWS);
    ks_data_ordered(data);
    for (int epoch = 0; epoch < 3; epoch++) {
        int64_t at = 0;
        while (ks_data_next(data, 4)) {
            cr_assert_eq(batch_size(&n), at < 8 ? 4 : 2);
            for (int64_t i = 0; i < batch_size(&n); i++)
                cr_assert_eq(row_at(&n, i), at++);
        }
        cr_assert_eq(at, ROWS);
        cr_assert_null(ks_error(g));
    }
    ks_data_free(data);
    ks_graph_free(g);
}

static void order_of_epoch(net *n, ks_data *data, int64_t batch, int order[ROWS])
{
    int at = 0;
    while (ks_data_next(data, batch)) {
        for (int64_t i = 0; i < batch_size(n); i++)
            order[at++] = row_at(n, i);
    }
    cr_assert_eq(at, ROWS);
}

Test(data, an_epoch_gives_every_row_once_and_each_in_another_order)
{
    net n = make_net(3), m = make_net(3), other = make_net(4);
    ks_data *a = ks_data_open(n.graph, BOTH), *b = ks_data_open(m.graph, BOTH), *c = ks_data_open(other.graph, BOTH);
    int before[ROWS] = {0}, order[ROWS], again[ROWS], different = 0;
    for (int epoch = 0; epoch < 4; epoch++) {
        int seen[ROWS] = {0};
        order_of_epoch(&n, a, 3, order);
        for (int i = 0; i < ROWS; i++)
            seen[order[i]]++;
        for (int i = 0; i < ROWS; i++)
            cr_assert_eq(seen[i], 1);
        cr_assert(memcmp(order, before, sizeof order));
        memcpy(before, order, sizeof order);
        order_of_epoch(&m, b, 5, again);
        cr_assert_arr_eq(order, again, sizeof order, "the same seed, the same order, whatever the batch");
        order_of_epoch(&other, c, 3, again);
        different += memcmp(order, again, sizeof order) != 0;
    }
    cr_assert_eq(different, 4);
    ks_data_free(a), ks_data_free(b), ks_data_free(c);
    ks_graph_free(n.graph), ks_graph_free(m.graph), ks_graph_free(other.graph);
}

/* All 24 orders of 4 rows come equally often: chi-squared of 23 degrees of freedom is below 50 but once in a thousand. */
Test(data, the_shuffle_is_fair)
{
    int counts[256] = {0}, orders = 0;
    double chi = 0;
    const int rounds = 24000;
    for (int epoch = 0; epoch < rounds; epoch++) {
        uint32_t order[4];
        ks__shuffle(order, 4, 1, (uint64_t)epoch);
        counts[order[0] | order[1] << 2 | order[2] << 4 | order[3] << 6]++;
    }
    for (int i = 0; i < 256; i++) {
        orders += counts[i] > 0;
        chi += counts[i] ? (counts[i] - 1000.0) * (counts[i] - 1000.0) / 1000 : 0;
    }
    cr_assert_eq(orders, 24);
    cr_assert_lt(chi, 50);
    cr_assert_gt(chi, 5, "too even to be true: %g", chi);
}

/* A bound just above 2^63 would be unfair by half if the high word were taken as it comes. */
Test(data, a_number_below_a_bound_is_fair)
{
    const uint64_t n = (uint64_t)3 << 62;
    int low = 0;
    for (int i = 0; i < 30000; i++) {
        uint64_t x = ks__random_below(7, 1, 0, (uint64_t)i, n);
        cr_assert_lt(x, n);
        low += x < n / 3;
    }
    cr_assert(abs(low - 10000) < 400, "%d of 30000 in the lowest third", low);
}

Test(data, seeking_goes_on_where_it_stood)
{
    net n = make_net(9), m = make_net(9);
    ks_graph *g = n.graph;
    ks_data *a = ks_data_open(n.graph, BOTH), *b = ks_data_open(m.graph, BOTH);
    for (int i = 0; i < 6; i++) /* 4, 4, 2, the end, 4, 4 */
        ks_data_next(a, 4);
    uint64_t epoch;
    int64_t row;
    ks_data_position(a, &epoch, &row);
    cr_assert(epoch == 1 && row == 8);
    GOOD(ks_data_seek(b, epoch, row));
    for (int i = 0; i < 8; i++) {
        cr_assert_eq(ks_data_next(a, 4), ks_data_next(b, 4));
        cr_assert_eq(batch_size(&n), batch_size(&m));
        for (int64_t k = 0; k < batch_size(&n); k++)
            cr_assert_eq(row_at(&n, k), row_at(&m, k));
    }
    REFUSED(ks_data_seek(a, 0, 11), KS_BAD_ARGUMENT, "row 11 lies outside the 10 rows there are");
    ks_data_free(a), ks_data_free(b);
    ks_graph_free(n.graph), ks_graph_free(m.graph);
}

Test(data, drawing_repeats_rows_and_resumes)
{
    net n = make_net(5), m = make_net(5);
    ks_graph *g = n.graph;
    ks_data *a = ks_data_open(n.graph, BOTH), *b = ks_data_open(m.graph, BOTH);
    int counts[ROWS] = {0}, twice = 0;
    for (int i = 0; i < 1000; i++) {
        int here[ROWS] = {0};
        GOOD(ks_data_draw(a, 7));
        for (int64_t k = 0; k < 7; k++)
            twice += here[row_at(&n, k)]++ == 1, counts[row_at(&n, k)]++;
    }
    cr_assert_gt(twice, 500, "drawn with replacement");
    for (int i = 0; i < ROWS; i++)
        cr_assert(abs(counts[i] - 700) < 120, "row %d came %d times", i, counts[i]);
    uint64_t epoch;
    int64_t row;
    ks_data_position(a, &epoch, &row);
    cr_assert(epoch == 700 && row == 0);
    GOOD(ks_data_seek(b, epoch, row) && ks_data_draw(a, 7) && ks_data_draw(b, 7));
    for (int64_t k = 0; k < 7; k++)
        cr_assert_eq(row_at(&n, k), row_at(&m, k));
    GOOD(ks_data_draw(a, 300)); /* more than there are */
    cr_assert_eq(batch_size(&n), 300);
    ks_data_free(a), ks_data_free(b);
    ks_graph_free(n.graph), ks_graph_free(m.graph);
}

Test(data, chosen_rows_are_fed_in_their_order)
{
    net n = make_net(5);
    ks_graph *g = n.graph;
    ks_data *data = ks_data_open(g, BOTH);
    GOOD(ks_data_rows_feed(data, 7, 3));
    for (int i = 0; i < 3; i++)
        cr_assert_eq(row_at(&n, i), 7 + i);
    REFUSED(ks_data_rows_feed(data, 8, 3), KS_BAD_ARGUMENT, "there are 10 rows, not 3 from 8 on");
    REFUSED(ks_data_rows_feed(data, -1, 3), KS_BAD_ARGUMENT, "not 3 from -1 on");
    REFUSED(ks_data_rows_feed(data, INT64_MAX, 1), KS_BAD_ARGUMENT, "ks_data_rows_feed");
    REFUSED(ks_data_next(data, 0), KS_BAD_ARGUMENT, "a batch has at least one row, not 0");
    ks_data_free(data);
    ks_graph_free(g);
}

Test(data, feeding_allocates_nothing_once_it_runs)
{
    net n = make_net(5);
    ks_graph *g = n.graph;
    ks_data *data = ks_data_open(g, BOTH);
    GOOD(ks_data_next(data, 5));
    uint64_t allocations = ks_graph_statistics(g).allocations;
    for (int i = 0; i < 100; i++)
        ks_data_next(data, 5);
    cr_assert_eq(ks_graph_statistics(g).allocations, allocations);
    ks_data_free(data);
    ks_graph_free(g);
}

Test(data, inputs_composed_anew_are_fed)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *first = ks_input(g, "x", KS_F32, KS_SHAPE(KS_ANY, 6));
    ks_data *data = ks_data_open(g, "x=images:flatten");
    GOOD(first && data && ks_data_next(data, 2));
    GOOD(ks_graph_release(g, 0));
    ks_number(g, 1); /* another node takes its place */
    ks_node *x = ks_input(g, "x", KS_F32, KS_SHAPE(KS_ANY, 6));
    GOOD(x && ks_data_next(data, 2));
    cr_assert_eq(ks_value_shape(x).dim[0], 2);
    GOOD(ks_graph_release(g, 0));
    GOOD(ks_input(g, "x", KS_F64, KS_SHAPE(KS_ANY, 6)));
    REFUSED(ks_data_next(data, 2), KS_BAD_SHAPE, "data: 'x' is not what it was when the data was opened: open it anew");
    ks_data_free(data);
    ks_graph_free(g);
}

/* ---- what is done to files ----------------------------------------------------------------------------- */

/* Every byte, divided in the input's own precision: what a table or a reciprocal would get wrong. */
Test(data, scaling_divides_exactly)
{
    unsigned char bytes[8 + 256] = {0, 0, 8, 1, 0, 0, 1, 0};
    for (int i = 0; i < 256; i++)
        bytes[8 + i] = (unsigned char)i;
    put("images", bytes, sizeof bytes);
    ks_graph *g = ks_graph_new(NULL);
    ks_node *x = ks_input(g, "x", KS_F32, KS_SHAPE(256)), *y = ks_input(g, "y", KS_F64, KS_SHAPE(256));
    ks_data *data = ks_data_open(g, "x=images:scale=255,y=images:scale=0.7");
    GOOD(data && ks_data_rows_feed(data, 0, 256));
    for (int i = 0; i < 256; i++) {
        cr_assert_eq(((const float *)ks_value(x))[i], (float)i / 255.0f);
        cr_assert_eq(((const double *)ks_value(y))[i], (double)i / 0.7);
    }
    ks_data_free(data);
    ks_graph_free(g);
}

Test(data, npy_files_are_data_too)
{
    ks_graph *g = ks_graph_new(NULL);
    float values[6] = {1, 2, 3, 4, 5, 6};
    GOOD(ks_value_npy(ks_constant(g, KS_F32, KS_SHAPE(3, 2), values), "x.npy"));
    ks_node *x = ks_input(g, "x", KS_F64, KS_SHAPE(KS_ANY, 2));
    ks_data *data = ks_data_open(g, "x=x.npy:scale=4");
    GOOD(data);
    ks_data_ordered(data);
    GOOD(ks_data_next(data, 3));
    for (int i = 0; i < 6; i++)
        cr_assert_eq(((const double *)ks_value(x))[i], (i + 1) / 4.0);
    ks_data_free(data);
    ks_graph_free(g);
}

Test(data, a_name_may_hold_commas_and_colons)
{
    net n = make_net(0);
    ks_graph *g = n.graph;
    cr_assert_eq(rename("images", "a,b:c"), 0);
    ks_data *data = ks_data_open(g, "x=a\\,b\\:c:flatten,t=labels");
    GOOD(data);
    ks_data_free(data);
    ks_graph_free(g);
}

/* ---- accuracy ------------------------------------------------------------------------------------------ */

/* Scores are the pixels times a matrix that makes the first of equals, an even pixel, or nothing win. */
Test(data, accuracy_counts_rows_and_leaves_the_position)
{
    net n = make_net(0);
    ks_graph *g = n.graph;
    ks_data *data = ks_data_open(g, BOTH);
    GOOD(ks_data_next(data, 4));
    ks_node *one_hot = ks_one_hot(n.t, 4, KS_F32), *zero = ks_mul(one_hot, ks_number(g, 0));
    cr_assert_eq(ks_accuracy(one_hot, n.t, data), 1.0);
    cr_assert_eq(ks_accuracy(one_hot, one_hot, data), 1.0);
    NEAR(ks_accuracy(zero, n.t, data), 0.3, 1e-15); /* equals: the first, which is label 0 of three in ten */
    cr_assert_eq(ks_accuracy(ks_log(ks_neg(ks_add(one_hot, ks_number(g, 1)))), n.t, data), 0.0, "NaN is never right");
    uint64_t epoch;
    int64_t row;
    ks_data_position(data, &epoch, &row);
    cr_assert(epoch == 0 && row == 4);
    cr_assert(isnan(ks_accuracy(n.t, n.t, data)));
    FAILS(KS_BAD_SHAPE, "wanted are scores [N, C] and labels [N] or one-hot [N, C]");
    ks_data_free(data);
    ks_graph_free(g);
}

/* ---- errors -------------------------------------------------------------------------------------------- */

Test(data, what_does_not_fit_is_refused_with_the_mend)
{
    static const struct {
        const char *text;
        ks_code code;
        const char *says;
    } cases[] = {
        {"", KS_BAD_ARGUMENT, "data: nothing to open: write INPUT=FILE"},
        {"images", KS_BAD_ARGUMENT, "data: 'images' is no INPUT=FILE"},
        {"x=", KS_BAD_ARGUMENT, "data: 'x=' is no INPUT=FILE"},
        {"x=images:flatten,", KS_BAD_ARGUMENT, "data: '' is no INPUT=FILE"},
        {"xs=images:flatten", KS_BAD_NAME, "data: there is no input 'xs' (did you mean 'x'?)"},
        {"w=images", KS_BAD_ARGUMENT, "data: 'w' is a variable, not an input"},
        {"x=images", KS_BAD_SHAPE, "data: 'x' is [N, 6], images is [10, 2, 3]: put :flatten after it"},
        {"t=images:flatten", KS_BAD_SHAPE, "data: 't' is [N], images flattened is [10, 6]"},
        {"x=images:flattn", KS_BAD_ARGUMENT, "data for 'x': did you mean 'flatten'? There is no 'flattn'"},
        {"x=images:scal=2", KS_BAD_ARGUMENT, "data for 'x': did you mean 'scale=255'? There is no 'scal=2'"},
        {"x=images:whiten", KS_BAD_ARGUMENT, "after a file may stand :flatten and :scale=NUMBER"},
        {"x=images:scale=0", KS_BAD_ARGUMENT, "scale= takes a number to divide by, such as scale=255, not '0'"},
        {"x=images:scale=x", KS_BAD_ARGUMENT, "not 'x'"},
        {"x=images:flatten:scale=1e-60", KS_BAD_ARGUMENT, "its scale= is outside what f32 holds"},
        {"x=images:scale=1:scale=2", KS_BAD_ARGUMENT, "scale stands there twice"},
        {"t=labels:scale=2", KS_BAD_DTYPE, "data: 't' is i64, and scale= makes fractions"},
        {"x=images:flatten,x=images", KS_BAD_ARGUMENT, "it stands there twice"},
        {"x=images:flatten,t=fewer", KS_BAD_SHAPE, "data: images has 10 rows, fewer has 9: they must agree"},
        {"t=none", KS_BAD_SHAPE, "data: none has no rows"},
        {"t=single", KS_BAD_SHAPE, "data: single has no rows"},
        {"t=missing", KS_IO, "missing"},
    };
    net n = make_net(0);
    ks_graph *g = n.graph;
    ks_variable(g, "w", KS_F32, KS_SHAPE(2), KS_ZEROS);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        cr_assert_null(ks_data_open(g, cases[i].text), "%s", cases[i].text);
        FAILS(cases[i].code, cases[i].says);
    }
    cr_assert_null(ks_data_open(NULL, BOTH));
    cr_assert_null(ks_data_open(g, NULL));
    ks_data_free(NULL);
    ks_graph_free(g);
}

Test(data, values_that_do_not_survive_are_refused)
{
    ks_graph *g = ks_graph_new(NULL);
    double values[3] = {1, 2.5, 3};
    GOOD(ks_value_npy(ks_constant(g, KS_F64, KS_SHAPE(3), values), "x.npy"));
    ks_input(g, "t", KS_I64, KS_SHAPE(KS_ANY));
    REFUSED(ks_data_open(g, "t=x.npy"), KS_BAD_DTYPE,
            "data: 't' is i64, and element 1 of x.npy, 2.5, does not fit it exactly: save it as i64");
    ks_graph_free(g);
}

Test(data, a_fixed_batch_must_come_out_even)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *x = ks_input(g, "x", KS_F32, KS_SHAPE(4, 6));
    ks_data *data = ks_data_open(g, "x=images:flatten");
    GOOD(x && data && ks_data_next(data, 4) && ks_data_next(data, 4));
    REFUSED(ks_data_next(data, 4), KS_BAD_SHAPE,
            "data: 'x' takes 4 rows at a time, this batch has 2 (of 10 in all): leave its first dimension open");
    ks_data_free(data);
    ks_graph_free(g);
}

Test(data, running_out_of_memory_is_an_error_like_any_other)
{
    for (int64_t refuse = 1;; refuse++) {
        ks_test_memory memory = {.refuse = 0};
        ks_graph *g =
            ks_graph_new(&(ks_graph_options){.size = sizeof(ks_graph_options), .allocator = ks_test_allocator(&memory), .threads = 1});
        ks_input(g, "x", KS_F32, KS_SHAPE(KS_ANY, 6));
        ks_input(g, "t", KS_I64, KS_SHAPE(KS_ANY));
        memory.refuse = memory.requests + refuse;
        ks_data *data = ks_data_open(g, BOTH);
        bool good = data && ks_data_next(data, 4) && ks_data_draw(data, 300);
        if (!good) {
            cr_assert_eq(ks_error(g)->code, KS_NO_MEMORY, "%s", ks_error(g)->message);
            memory.refuse = 0;
            ks_error_clear(g);
            if (data)
                GOOD(ks_data_next(data, 4));
        }
        ks_data_free(data);
        ks_graph_free(g);
        cr_assert_eq(memory.live, 0);
        if (!memory.refused) {
            cr_assert_gt(refuse, 8, "that few allocations in all that?");
            break;
        }
    }
}
