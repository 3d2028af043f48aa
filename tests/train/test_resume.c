/*
 * test_resume.c - a run that is saved, read and gone on with equals one that was never interrupted, to the bit.
 *
 * The net has dropout, so the random numbers have to go on as well; the data is shuffled, so its position has to.
 */
#include "tests/train/train.h"

#include <unistd.h>

#define STEPS 37 /* the break comes in the middle of an epoch */

static void compose(ks_graph *g)
{
    int64_t n = ks_dim(g, "N");
    ks_node *x = ks_input(g, "x", KS_F32, KS_SHAPE(n, 784)), *t = ks_input(g, "t", KS_I64, KS_SHAPE(n));
    ks_node *w1 = ks_variable(g, "fc1.weight", KS_F32, KS_SHAPE(784, 20), KS_HE),
            *b1 = ks_variable(g, "fc1.bias", KS_F32, KS_SHAPE(20), KS_ZEROS);
    ks_node *w2 = ks_variable(g, "fc2.weight", KS_F32, KS_SHAPE(20, 10), KS_HE),
            *b2 = ks_variable(g, "fc2.bias", KS_F32, KS_SHAPE(10), KS_ZEROS);
    ks_node *h = ks_dropout(ks_relu(ks_add(ks_matmul(x, w1), b1)), 0.3, KS_DROPOUT_INVERTED);
    ks_node *score = ks_output(g, "score", ks_add(ks_matmul(h, w2), b2));
    GOOD(ks_output(g, "loss", ks_softmax_cross_entropy(score, t)));
}

static ks_data *open_digits(ks_graph *g)
{
    char text[2200];
    snprintf(text, sizeof text, "x=%s:flatten:scale=255,t=%s", source("data/digits/t10k-images-idx3-ubyte.gz"),
             source("data/digits/t10k-labels-idx1-ubyte.gz"));
    ks_data *data = ks_data_open(g, text);
    GOOD(data);
    return data;
}

/* 1000 rows in batches of 90: eleven whole ones and a rest an epoch. */
static double run(ks_graph *g, ks_optimizer *o, ks_data *data, int steps)
{
    for (int i = 0; i < steps; i++) {
        if (!ks_data_next(data, 90))
            GOOD(ks_data_next(data, 90));
        GOOD(ks_step(o));
    }
    return ks_scalar(ks_optimizer_loss(o));
}

static void same_variables(ks_graph *a, ks_graph *b)
{
    cr_assert_eq(ks_variable_count(a), ks_variable_count(b));
    for (int64_t i = 0; i < ks_variable_count(a); i++) {
        ks_node *of_a = ks_variable_number(a, i), *of_b = ks_find(b, ks_name(of_a));
        cr_assert(of_b, "'%s' is missing", ks_name(of_a));
        size_t bytes = (size_t)ks_shape_count(ks_value_shape(of_a)) * ks_dtype_size(ks_node_dtype(of_a));
        cr_assert_eq(ks_node_dtype(of_a), ks_node_dtype(of_b));
        cr_assert_arr_eq(ks_value(of_a), ks_value(of_b), bytes, "'%s' differs", ks_name(of_a));
    }
}

static void resumes(const char *kind)
{
    ks_graph *g = ks_graph_new(&(ks_graph_options){.size = sizeof(ks_graph_options), .seed = 11});
    compose(g);
    ks_data *data = open_digits(g);
    ks_optimizer *o = ks_optimizer_named(ks_output_find(g, "loss"), kind);
    GOOD(o);
    run(g, o, data, STEPS);
    ks_buffer buffer = {.data = NULL};
    GOOD(ks_save_to(g, ks_buffer_writer(&buffer), &(ks_save_options){.size = sizeof(ks_save_options), .optimizer = o}));

    ks_failure failure = {.code = KS_OK};
    ks_bytes bytes = {.data = buffer.data, .size = buffer.size};
    ks_graph *read = ks_load_from(ks_bytes_reader(&bytes), NULL, &failure);
    cr_assert(read, "%s", failure.message);
    ks_data *read_data = open_digits(read);
    ks_optimizer *again = ks_graph_optimizer(read);
    cr_assert(again, "%s", ks_error(read) ? ks_error(read)->message : "no optimiser");
    cr_assert_eq(ks_graph_optimizer(read), again);
    cr_assert_eq(ks_optimizer_kind_of(again), ks_optimizer_kind_of(o));
    cr_assert_eq(ks_optimizer_steps(again), STEPS);
    cr_assert_eq(ks_step_number(read), ks_step_number(g));
    cr_assert_eq(ks_seed(read), 11);
    same_variables(g, read);

    uint64_t epoch, at_epoch;
    int64_t row, at_row;
    cr_assert(ks_data_resume(read_data), "%s", ks_error(read) ? ks_error(read)->message : "?");
    ks_data_position(data, &epoch, &row);
    ks_data_position(read_data, &at_epoch, &at_row);
    cr_assert(epoch == at_epoch && row == at_row && epoch == 3 && row == 90);
    double loss = run(g, o, data, STEPS);
    cr_assert_eq(run(read, again, read_data, STEPS), loss);
    cr_assert_eq(ks_optimizer_steps(again), 2 * STEPS);
    same_variables(g, read);

    ks_buffer_free(&buffer);
    ks_data_free(data);
    ks_data_free(read_data);
    ks_graph_free(g);
    ks_graph_free(read);
}

Test(resume, sgd_goes_on_as_if_nothing_had_been)
{
    resumes("sgd:rate=0.05");
}

Test(resume, momentum_goes_on_as_if_nothing_had_been)
{
    resumes("momentum:rate=0.02,momentum=0.8");
}

Test(resume, adam_goes_on_as_if_nothing_had_been)
{
    resumes("adam:rate=0.002,beta1=0.8,beta2=0.99,epsilon=1e-6");
}

/* What the optimiser was told is in the file, zero and a changed rate too. */
Test(resume, an_optimizer_keeps_its_fields)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *p = ks_variable(g, "p", KS_F64, KS_SCALAR, KS_ONES);
    ks_optimizer *o = ks_optimizer_named(ks_output(g, "loss", ks_square(p)), "momentum:rate=0.5,momentum=0");
    GOOD(o && ks_step(o) && ks_optimizer_set_rate(o, 0.125));
    ks_buffer buffer = {.data = NULL};
    GOOD(ks_save_to(g, ks_buffer_writer(&buffer), &(ks_save_options){.size = sizeof(ks_save_options), .optimizer = o}));
    cr_assert(buffer.size && !memchr(buffer.data, 0, buffer.size));
    ks_bytes bytes = {.data = buffer.data, .size = buffer.size};
    ks_graph *read = ks_load_from(ks_bytes_reader(&bytes), NULL, NULL);
    ks_optimizer *again = ks_graph_optimizer(read);
    cr_assert(again);
    GOOD(ks_set(p, KS_F64, &(double){4}));
    cr_assert(ks_set(ks_find(read, "p"), KS_F64, &(double){4}));
    GOOD(ks_step(o));
    cr_assert(ks_step(again));
    cr_assert_eq(ks_scalar(p), 3);
    cr_assert_eq(ks_scalar(ks_find(read, "p")), 3);
    ks_buffer_free(&buffer);
    ks_graph_free(g);
    ks_graph_free(read);
}

Test(resume, a_graph_without_training_has_no_optimizer)
{
    ks_graph *g = ks_graph_new(NULL);
    cr_assert_null(ks_graph_optimizer(g));
    cr_assert_null(ks_graph_optimizer(NULL));
    cr_assert_null(ks_error(g));
    ks_graph_free(g);
}
