/*
 * test_batch_norm.c - batch_norm in both modes, its running statistics over several steps, and its derivatives through the batch.
 *
 * Values marked PyTorch are those of torch.nn.functional.batch_norm 1.13 in double precision.
 */
#include "ops/ops.h"

static ks_graph *g;

static void open_graph(void)
{
    g = ks_graph_new(NULL);
}

static void close_graph(void)
{
    ks_graph_free(g);
}

TestSuite(batch_norm, .init = open_graph, .fini = close_graph);

#define X 0.3, 2.9, -4, 0.125, 0.5, 1.25, -0.75, 2, 1, -1.5, 0.25, 3
#define W 1, -2, 3, 0.5, 0.25, -1, 2, 1, -0.5, 1.5, -3, 0.75

typedef struct layer {
    ks_node *x, *scale, *bias, *mean, *variance, *y, *loss;
} layer;

/* A layer over x [2, 2, 3] and a weighted sum of what it gives. */
static layer layer_of(const ks_batch_norm_options *options)
{
    layer l = {.x = VARIABLE(g, "x", KS_F64, KS_SHAPE(2, 2, 3), X)};
    l.scale = VARIABLE(g, "scale", KS_F64, KS_SHAPE(2), 1.5, -0.5), l.bias = VARIABLE(g, "bias", KS_F64, KS_SHAPE(2), 0.25, 1);
    l.mean = ks_state(g, "mean", KS_F64, KS_SHAPE(2), KS_ZEROS), l.variance = ks_state(g, "variance", KS_F64, KS_SHAPE(2), KS_ONES);
    l.y = ks_batch_norm(l.x, l.scale, l.bias, l.mean, l.variance, options);
    l.loss = ks_sum_all(ks_mul(l.y, ks_constant(g, KS_F64, KS_SHAPE(2, 2, 3), KS__VALUES(W))));
    return l;
}

static const ks_run_options training = {.size = sizeof training, .mode = KS_TRAIN};

/* A training run that fetches a node, and fires an effect of its own besides. */
static void train(ks_node *node)
{
    ks_node *count = ks_state(g, "count", KS_F64, KS_SCALAR, KS_ZEROS), *effect = ks_assign(count, ks_add(count, ks_number(g, 1)));
    cr_assert(ks_run(g, &node, 1, &effect, 1, &training), "%s", ks_error(g) ? ks_error(g)->message : "?");
}

/* ---- values -------------------------------------------------------------------------------------------- */

Test(batch_norm, training_goes_by_the_batch)
{
    layer l = layer_of(NULL);
    ks_node *all[] = {l.y, ks_gradient(l.loss, l.x), ks_gradient(l.loss, l.scale), ks_gradient(l.loss, l.bias)};
    cr_assert(ks_run(g, all, 4, NULL, 0, &training));
    /* PyTorch */
    IS_NEAR(1e-13, l.y, 0.289320287758762, 2.04188168500644, -2.60914663845855, 1.17734283650642, 1.03855279054487, 0.76097269862178,
            -0.418444891898954, 1.4352258167284, 0.761163740863906, 1.77876636900646, 1.13107948785257, 0.113285817467893);
    IS_NEAR(1e-12, all[1], 0.19311373931383, -0.732694667067558, -0.272002351731022, -0.227169101990214, -0.149957084462762,
            0.282047042515236, 0.424407848919594, 0.909976160875579, -0.522800730310423, -0.530912278839939, 1.06309976705748,
            -0.4371083442798);
    IS_NEAR(1e-13, all[2], -8.35275255675416, -0.894424740641082);
    IS_NEAR(1e-13, all[3], 4.5, -1);
}

/* Three steps with x, 2 x, 3 x; then inference. */
static void three_steps(const layer *l)
{
    double values[] = {X}, scaled[12];
    for (int step = 1; step <= 3; step++) {
        for (int i = 0; i < 12; i++)
            scaled[i] = step * values[i];
        cr_assert(ks_set(l->x, KS_F64, scaled));
        train(l->loss);
    }
    cr_assert(ks_set(l->x, KS_F64, values));
}

Test(batch_norm, running_statistics_move_in_training_and_inference_goes_by_them)
{
    ks_batch_norm_options options = KS_BATCH_NORM_OPTIONS_DEFAULT;
    options.unbiased = true;
    layer l = layer_of(&options);
    three_steps(&l);
    /* PyTorch */
    IS_NEAR(1e-14, l.mean, 0.135575, 0.3389375);
    IS_NEAR(1e-14, l.variance, 8.69778075, 3.6659296875);
    IS_NEAR(1e-13, l.y, 0.333628562545323, 1.65602030721821, -1.85340393825984, 1.05586814646225, 0.957939756519657, 0.762082976634475,
            -0.200414257418728, 1.1982693186776, 0.689657109188024, 1.48022450288014, 1.02322534981472, 0.305083823569049);
}

Test(batch_norm, the_running_variance_is_divided_by_n_unless_asked_otherwise)
{
    layer l = layer_of(NULL);
    three_steps(&l);
    IS_NEAR(1e-14, l.mean, 0.135575, 0.3389375);
    IS_NEAR(1e-14, l.variance, 7.369650625, 3.17644140625); /* NumPy's var, mixed 9 to 1 by hand */
}

Test(batch_norm, in_inference_no_example_depends_on_another)
{
    layer l = layer_of(NULL);
    three_steps(&l);
    double both[12], one[6], first[] = {0.3, 2.9, -4, 0.125, 0.5, 1.25};
    cr_assert(ks_read(l.y, KS_F64, both, 12));
    ks_node *alone = ks_constant(g, KS_F64, KS_SHAPE(1, 2, 3), first);
    cr_assert(ks_read(ks_batch_norm(alone, l.scale, l.bias, l.mean, l.variance, NULL), KS_F64, one, 6));
    for (int i = 0; i < 6; i++)
        cr_assert_eq(one[i], both[i]);
    IS_NEAR(1e-14, ks_gradient(l.loss, l.bias), 4.5, -1);
}

Test(batch_norm, each_place_of_an_example_has_statistics_of_its_own)
{
    ks_batch_norm_options options = KS_BATCH_NORM_OPTIONS_DEFAULT;
    options.per_element = true, options.epsilon = 1e-6;
    ks_node *x = VARIABLE(g, "x", KS_F64, KS_SHAPE(3, 2, 2), X);
    ks_node *mean = ks_state(g, "mean", KS_F64, KS_SHAPE(2, 2), KS_ZEROS),
            *variance = ks_state(g, "variance", KS_F64, KS_SHAPE(2, 2), KS_ONES);
    ks_node *y = ks_batch_norm(x, ks_number(g, 1), ks_number(g, 0), mean, variance, &options);
    train(y);
    /* PyTorch, of x reshaped to [3, 4] */
    IS_NEAR(1e-13, y, -1.01904345165026, 1.11116763033636, -1.37794542721573, -1.32863837463805, -0.339681150550086, 0.202030478242974,
            0.413383628164718, 0.24474917427543, 1.35872460220034, -1.31319810857933, 0.964561799051008, 1.08388920036262);
    IS_NEAR(1e-14, mean, 0.06, 0.08833333333333333, -0.15, 0.17083333333333334);
    SHAPE_IS(mean, 2, 2);
}

Test(batch_norm, a_batch_of_one_example_becomes_the_bias)
{
    ks_node *x = VARIABLE(g, "x", KS_F64, KS_SHAPE(1, 2), 7, -3), *bias = VARIABLE(g, "bias", KS_F64, KS_SHAPE(2), 0.25, 1);
    ks_node *mean = ks_state(g, "mean", KS_F64, KS_SHAPE(2), KS_ZEROS), *variance = ks_state(g, "variance", KS_F64, KS_SHAPE(2), KS_ONES);
    ks_node *y = ks_batch_norm(x, ks_number(g, 2), bias, mean, variance, NULL);
    train(y);
    IS(y, 0.25, 1);
    IS_NEAR(1e-15, mean, 0.7, -0.3);
    IS_NEAR(1e-15, variance, 0.9, 0.9);
}

Test(batch_norm, a_batch_of_none_leaves_the_running_statistics_as_they_were)
{
    int64_t n = ks_dim(g, "N");
    ks_node *x = ks_input(g, "x", KS_F32, KS_SHAPE(n, 2)), *mean = ks_state(g, "mean", KS_F32, KS_SHAPE(2), KS_FILL(3)),
            *variance = ks_state(g, "variance", KS_F32, KS_SHAPE(2), KS_FILL(4));
    ks_node *y = ks_batch_norm(x, ks_number(g, 1), ks_number(g, 0), mean, variance, NULL);
    cr_assert(ks_feed(x, KS_F32, KS_SHAPE(0, 2), KS__VALUES(0)));
    train(y);
    SHAPE_IS(y, 0, 2);
    IS(mean, 3, 3);
    IS(variance, 4, 4);
}

/* ---- effects that belong to the node ------------------------------------------------------------------- */

Test(batch_norm, statistics_stay_where_a_run_does_not_train_or_fires_nothing_or_does_not_compute_the_node)
{
    layer l = layer_of(NULL);
    ks_node *other = ks_square(l.x), *count = ks_state(g, "n", KS_F64, KS_SCALAR, KS_ZEROS),
            *effect = ks_assign(count, ks_add(count, ks_number(g, 1)));
    cr_assert(ks_eval(l.loss));
    cr_assert(ks_run(g, &l.loss, 1, NULL, 0, &training));
    cr_assert(ks_run(g, &l.loss, 1, &effect, 1, NULL));
    cr_assert(ks_run(g, &other, 1, &effect, 1, &training));
    IS(l.mean, 0, 0);
    IS(l.variance, 1, 1);
    cr_assert(ks_run(g, &l.loss, 1, &effect, 1, &training));
    IS_NEAR(1e-15, l.mean, 0.02416666666666667, 0.06041666666666667); /* a tenth of 0.241667 and 0.604167 */
    IS(count, 3);
}

Test(batch_norm, an_optimiser_s_step_moves_them_and_its_plan_is_found_again)
{
    layer l = layer_of(NULL);
    ks_optimizer *o = ks_sgd(l.loss, NULL);
    cr_assert(ks_step(o) && ks_step(o));
    uint64_t plans = ks_graph_statistics(g).plans_compiled, allocations = ks_graph_statistics(g).allocations;
    cr_assert(ks_step(o));
    cr_assert_eq(ks_graph_statistics(g).plans_compiled, plans);
    cr_assert_eq(ks_graph_statistics(g).allocations, allocations);
    double mean[2];
    cr_assert(ks_read(l.mean, KS_F64, mean, 2));
    cr_assert(mean[0] != 0 && mean[1] != 0);
}

Test(batch_norm, two_layers_have_their_own_and_one_layer_used_twice_moves_once)
{
    layer l = layer_of(NULL);
    ks_node *mean = ks_state(g, "mean2", KS_F64, KS_SHAPE(2), KS_ZEROS), *variance = ks_state(g, "variance2", KS_F64, KS_SHAPE(2), KS_ONES);
    ks_node *second = ks_batch_norm(l.y, l.scale, l.bias, mean, variance, NULL);
    train(ks_add(ks_sum_all(second), ks_add(l.loss, ks_sum_all(l.y))));
    IS_NEAR(1e-15, l.mean, 0.02416666666666667, 0.06041666666666667);
    IS_NEAR(1e-14, mean, 0.025, 0.1); /* the bias of the first */
}

Test(batch_norm, statistics_that_are_kept_are_asked_for_by_a_momentum_of_one)
{
    ks_batch_norm_options options = KS_BATCH_NORM_OPTIONS_DEFAULT;
    options.momentum = 1;
    layer l = layer_of(&options);
    train(l.loss);
    IS(l.mean, 0, 0);
    IS(l.variance, 1, 1);
}

Test(batch_norm, a_statistic_that_someone_else_assigns_too_is_refused)
{
    layer l = layer_of(NULL);
    ks_node *effect = ks_assign(l.mean, ks_constant(g, KS_F64, KS_SHAPE(2), KS__VALUES(1, 2)));
    cr_assert_not(ks_run(g, &l.loss, 1, &effect, 1, &training));
    FAILS(g, KS_BAD_ARGUMENT, "ks_run: variable 'mean' is assigned twice in one run");
}

Test(batch_norm, a_layer_that_was_saved_and_read_moves_its_statistics_on)
{
    layer l = layer_of(NULL);
    ks_buffer buffer = {.data = NULL};
    train(l.loss);
    ks_output(g, "loss", l.loss);
    cr_assert(ks_save_to(g, ks_buffer_writer(&buffer), NULL));
    ks_bytes bytes = {.data = buffer.data, .size = buffer.size};
    ks_graph *read = ks_load_from(ks_bytes_reader(&bytes), NULL, NULL);
    cr_assert(read);
    ks_node *loss = ks_output_find(read, "loss"), *count = ks_state(read, "c", KS_F64, KS_SCALAR, KS_ZEROS),
            *effect = ks_assign(count, ks_add(count, ks_number(read, 1)));
    cr_assert(ks_run(read, &loss, 1, &effect, 1, &training));
    train(l.loss);
    double here[2], there[2];
    cr_assert(ks_read(l.mean, KS_F64, here, 2) && ks_read(ks_find(read, "mean"), KS_F64, there, 2));
    cr_assert(here[0] == there[0] && here[1] == there[1]);
    IS_NEAR(1e-15, l.mean, 0.04591666666666667, 0.11479166666666667); /* 0.19 of 0.241667 and 0.604167 */
    ks_graph_free(read);
    ks_buffer_free(&buffer);
}

Test(batch_norm, training_that_was_saved_and_read_goes_on_to_the_bit)
{
    layer l = layer_of(NULL);
    ks_optimizer *o = ks_adam(ks_output(g, "loss", l.loss), NULL);
    ks_save_options options = {.size = sizeof options, .optimizer = o};
    ks_buffer buffer = {.data = NULL};
    cr_assert(ks_step(o) && ks_save_to(g, ks_buffer_writer(&buffer), &options) && ks_step(o) && ks_step(o));
    ks_bytes bytes = {.data = buffer.data, .size = buffer.size};
    ks_graph *read = ks_load_from(ks_bytes_reader(&bytes), NULL, NULL);
    ks_optimizer *again = ks_graph_optimizer(read);
    cr_assert(ks_step(again) && ks_step(again));
    static const char *const names[] = {"mean", "variance", "scale", "bias"};
    for (int i = 0; i < 4; i++) {
        double here[2], there[2];
        cr_assert(ks_read(ks_find(g, names[i]), KS_F64, here, 2) && ks_read(ks_find(read, names[i]), KS_F64, there, 2));
        cr_assert(!memcmp(here, there, sizeof here), "%s", names[i]);
    }
    ks_graph_free(read);
    ks_buffer_free(&buffer);
}

Test(batch_norm, is_recognised_whole)
{
    ks_node *x = VARIABLE(g, "x", KS_F64, KS_SHAPE(2, 2), 1, 2, 3, 5), *mean = ks_state(g, "mean", KS_F64, KS_SHAPE(2), KS_ZEROS),
            *variance = ks_state(g, "variance", KS_F64, KS_SHAPE(2), KS_ONES);
    int64_t mark = ks_graph_mark(g);
    ks_node *first = ks_batch_norm(x, ks_number(g, 1), ks_number(g, 0), mean, variance, NULL);
    uint64_t composed = ks_graph_statistics(g).nodes_composed;
    cr_assert(ks_graph_release(g, mark));
    cr_assert_eq(ks_batch_norm(x, ks_number(g, 1), ks_number(g, 0), mean, variance, NULL), first);
    cr_assert_eq(ks_graph_statistics(g).nodes_composed, composed);
}

/* ---- derivatives --------------------------------------------------------------------------------------- */

static double trained(ks_node *loss)
{
    cr_assert(ks_run(g, &loss, 1, NULL, 0, &training));
    double value;
    cr_assert(ks_read(loss, KS_F64, &value, 1));
    return value;
}

/* Central differences of a training run, with Richardson's step. */
static void check_trained(ks_node *f, ks_node *x, ks_node *derivative)
{
    double values[16], wanted[16], is[16], h = 1e-3;
    int64_t n = ks_shape_count(ks_node_shape(x));
    cr_assert(ks_read(x, KS_F64, values, n));
    for (int64_t i = 0; i < n; i++) {
        double at = values[i], difference[2];
        for (int k = 0; k < 2; k++) {
            double by = k ? h / 2 : h, up, down;
            values[i] = at + by;
            cr_assert(ks_set(x, KS_F64, values));
            up = trained(f);
            values[i] = at - by;
            cr_assert(ks_set(x, KS_F64, values));
            down = trained(f);
            difference[k] = (up - down) / (2 * by);
        }
        values[i] = at;
        wanted[i] = (4 * difference[1] - difference[0]) / 3;
    }
    cr_assert(ks_set(x, KS_F64, values));
    cr_assert(ks_run(g, &derivative, 1, NULL, 0, &training) && ks_read(derivative, KS_F64, is, n), "%s",
              ks_error(g) ? ks_error(g)->message : "?");
    for (int64_t i = 0; i < n; i++)
        cr_assert(agree(is[i], wanted[i], 1e-7), "element %lld by '%s' is %.12g, numerically %.12g", (long long)i, ks_name(x), is[i],
                  wanted[i]);
}

static void check_both_orders(layer l)
{
    ks_node *x[] = {l.x, l.scale, l.bias}, *second = NULL;
    for (int i = 0; i < 3; i++) {
        ks_node *first = ks_gradient(l.loss, x[i]);
        check_trained(l.loss, x[i], first);
        ks_node *curved = ks_sum_all(ks_square(first));
        second = second ? ks_add(second, curved) : curved;
    }
    for (int i = 0; i < 3; i++)
        check_trained(second, x[i], ks_gradient(second, x[i]));
    QUIET(g);
}

Test(batch_norm, derivatives_go_through_the_batch_to_second_order)
{
    ks_batch_norm_options options = KS_BATCH_NORM_OPTIONS_DEFAULT;
    options.epsilon = 0.1;
    check_both_orders(layer_of(&options));
}

Test(batch_norm, derivatives_of_statistics_by_place_go_through_the_batch_to_second_order)
{
    ks_batch_norm_options options = KS_BATCH_NORM_OPTIONS_DEFAULT;
    options.epsilon = 0.1, options.per_element = true;
    layer l = {.x = VARIABLE(g, "x", KS_F64, KS_SHAPE(3, 2, 2), X)};
    l.scale = VARIABLE(g, "scale", KS_F64, KS_SHAPE(2, 2), 1.5, -0.5, 1, 2),
    l.bias = VARIABLE(g, "bias", KS_F64, KS_SHAPE(2, 2), 0.25, 1, 0, -1);
    l.mean = ks_state(g, "mean", KS_F64, KS_SHAPE(2, 2), KS_ZEROS), l.variance = ks_state(g, "variance", KS_F64, KS_SHAPE(2, 2), KS_ONES);
    l.y = ks_batch_norm(l.x, l.scale, l.bias, l.mean, l.variance, &options);
    l.loss = ks_sum_all(ks_mul(l.y, ks_constant(g, KS_F64, KS_SHAPE(3, 2, 2), KS__VALUES(W))));
    check_both_orders(l);
}

Test(batch_norm, an_open_batch_takes_its_own_sizes)
{
    int64_t n = ks_dim(g, "N");
    ks_node *in = ks_input(g, "in", KS_F64, KS_SHAPE(n, 2, 3)), *one = ks_variable(g, "one", KS_F64, KS_SHAPE(3), KS_ONES);
    ks_node *mean = ks_state(g, "mean", KS_F64, KS_SHAPE(2), KS_ZEROS), *variance = ks_state(g, "variance", KS_F64, KS_SHAPE(2), KS_ONES);
    ks_node *y = ks_batch_norm(ks_mul(in, one), ks_number(g, 1), ks_number(g, 0), mean, variance, NULL),
            *loss = ks_sum_all(ks_square(ks_mul(y, in)));
    ks_node *grad = ks_gradient(loss, one);
    for (int64_t rows = 7; rows; rows -= 6) {
        double data[42];
        for (int i = 0; i < 42; i++)
            data[i] = 0.3 * (i % 5) - 0.2 * (i % 3) + 0.01 * i;
        cr_assert(ks_feed(in, KS_F64, KS_SHAPE(rows, 2, 3), data));
        check_trained(loss, one, grad);
        if (rows == 1)
            break;
    }
}

/* ---- sizes, threads, instruction sets ------------------------------------------------------------------ */

/* y, dx and the running variance of a batch, by one graph. */
static void run_batch(const ks_graph_options *options, ks_shape shape, const float *data, float *y, float *dx, float *variance)
{
    ks_graph *h = ks_graph_new(options);
    int64_t count = ks_shape_count(shape), channels = shape.dim[1];
    ks_node *x = ks_variable(h, "x", KS_F32, shape, KS_UNSET), *scale = ks_variable(h, "s", KS_F32, KS_SHAPE(channels), KS_FILL(1.5));
    cr_assert(ks_set(x, KS_F32, data));
    ks_node *m = ks_state(h, "m", KS_F32, KS_SHAPE(channels), KS_ZEROS), *v = ks_state(h, "v", KS_F32, KS_SHAPE(channels), KS_ONES);
    ks_node *out = ks_batch_norm(x, scale, ks_number(h, 0.5), m, v, NULL), *loss = ks_sum_all(ks_mul(ks_square(out), out));
    ks_node *c = ks_state(h, "c", KS_F32, KS_SCALAR, KS_ZEROS), *effect = ks_assign(c, c), *all[] = {out, ks_gradient(loss, x)};
    cr_assert(ks_run(h, all, 2, &effect, 1, &training));
    cr_assert(ks_read(out, KS_F32, y, count) && ks_read(all[1], KS_F32, dx, count) && ks_read(v, KS_F32, variance, channels));
    ks_graph_free(h);
}

/* The same from the definition, in double. */
static void check_batch(ks_shape shape, const float *data, const float *y, const float *variance)
{
    int64_t inner = shape.rank > 2 ? shape.dim[2] : 1, channels = shape.dim[1], n = shape.dim[0] * inner;
    for (int64_t c = 0; c < channels; c++) {
        double sum = 0, squares = 0;
        for (int64_t i = 0; i < n; i++)
            sum += (double)data[(i / inner * channels + c) * inner + i % inner];
        for (int64_t i = 0; i < n; i++)
            squares += pow((double)data[(i / inner * channels + c) * inner + i % inner] - sum / (double)n, 2);
        double v = squares / (double)n;
        cr_assert_float_eq((double)variance[c], 0.9 + 0.1 * v, 1e-5 * (1 + v));
        for (int64_t i = 0; i < n; i++) {
            int64_t at = (i / inner * channels + c) * inner + i % inner;
            cr_assert_float_eq((double)y[at], 0.5 + 1.5 * ((double)data[at] - sum / (double)n) / sqrt(v + 1e-5), 2e-5);
        }
    }
}

Test(batch_norm, sizes_around_blocks_agree_with_the_definition_on_threads_and_instruction_sets)
{
    static const char *const sets[] = {"plain", "x86-64-v2", "x86-64-v3", "x86-64-v4"};
    ks_shape shapes[] = {KS_SHAPE(300, 7),     KS_SHAPE(129, 300),   KS_SHAPE(5, 3, 15),
                         KS_SHAPE(300, 3, 16), KS_SHAPE(2, 3, 5000), KS_SHAPE(40, 300, 4)};
    for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) {
        int64_t count = ks_shape_count(shapes[k]);
        size_t bytes = sizeof(float) * (size_t)count;
        float *data = malloc(bytes), *y = malloc(bytes), *dx = malloc(bytes), *y2 = malloc(bytes), *dx2 = malloc(bytes), v[300], v2[300];
        for (int64_t i = 0; i < count; i++)
            data[i] = 100 + (float)((i * 7919) % 1009) / 100;
        ks_graph_options options = {.size = sizeof options, .threads = 1};
        run_batch(&options, shapes[k], data, y, dx, v);
        check_batch(shapes[k], data, y, v);
        options.threads = 3;
        run_batch(&options, shapes[k], data, y2, dx2, v2);
        cr_assert(!memcmp(y, y2, bytes) && !memcmp(dx, dx2, bytes) && !memcmp(v, v2, sizeof(float) * (size_t)shapes[k].dim[1]));
        for (int s = 0; s < 4; s++) {
            options.isa = sets[s];
            ks_graph *there = ks_graph_new(&options);
            if (!there)
                continue;
            ks_graph_free(there);
            run_batch(&options, shapes[k], data, y2, dx2, v2);
            check_batch(shapes[k], data, y2, v2);
        }
        free(data), free(y), free(dx), free(y2), free(dx2);
    }
}

/* ---- what is refused ----------------------------------------------------------------------------------- */

Test(batch_norm, what_does_not_fit_is_refused)
{
    ks_node *x = VARIABLE(g, "x", KS_F64, KS_SHAPE(2, 2, 3), X), *two = VARIABLE(g, "two", KS_F64, KS_SHAPE(2), 1, 2),
            *three = VARIABLE(g, "three", KS_F64, KS_SHAPE(3), 1, 2, 3), *one = ks_number(g, 1);
    ks_batch_norm_options options = KS_BATCH_NORM_OPTIONS_DEFAULT;
    REFUSED(g, ks_batch_norm(x, one, one, three, two, NULL), KS_BAD_SHAPE,
            "batch_moments: the mean is one number a channel: 'x' is [2, 2, 3], 'three' is [3]");
    REFUSED(g, ks_batch_norm(x, three, one, two, two, NULL), KS_BAD_SHAPE,
            "batch_norm: the scale is one number a channel: 'x' is [2, 2, 3], 'three' is [3]");
    REFUSED(g, ks_batch_norm(two, one, one, two, two, NULL), KS_BAD_SHAPE, "batch_moments: takes [N, C, ...], but 'two' is [2]");
    options.momentum = 2;
    REFUSED(g, ks_batch_norm(x, one, one, two, two, &options), KS_BAD_ARGUMENT,
            "batch_norm: momentum is 2: it is the share that the running statistics keep, from 0 to 1");
    options.momentum = 0.9, options.epsilon = -1;
    REFUSED(g, ks_batch_norm(x, one, one, two, two, &options), KS_BAD_ARGUMENT, "batch_norm: epsilon is -1: it is finite and not negative");
    options.epsilon = 1e-5, options.per_element = true;
    REFUSED(g, ks_batch_norm(x, one, one, two, two, &options), KS_BAD_SHAPE,
            "batch_moments: the mean is one number a place of an example: 'x' is [2, 2, 3], 'two' is [2]");
    cr_assert_null(ks_batch_norm(x, NULL, one, two, two, NULL));
    QUIET(g);
}
