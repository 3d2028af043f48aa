/*
 * test_layer_norm.c - layer_norm, rms_norm, group_norm, instance_norm and local_response_norm.
 *
 * Values marked PyTorch are those of torch.nn.functional 1.13 in double precision.
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

/* Another graph instead of the one that was. */
static void fresh(void)
{
    close_graph();
    open_graph();
}

TestSuite(layer_norm, .init = open_graph, .fini = close_graph);

#define X 0.3, 2.9, -4, 0.125, 0.5, 1.25, -0.75, 2, 1, -1.5, 0.25, 3
#define W 1, -2, 3, 0.5, 0.25, -1, 2, 1, -0.5, 1.5, -3, 0.75

static ks_node *x_of(ks_shape shape)
{
    return make_variable(g, "x", KS_F64, shape, (const double[]){X}, 12);
}

/* The derivative of the sum of y W. */
static ks_node *slope(ks_node *y, ks_node *x)
{
    return ks_gradient(ks_sum_all(ks_mul(y, ks_constant(g, KS_F64, ks_node_shape(y), KS__VALUES(W)))), x);
}

/* First and second derivatives with respect to all variables, beside central differences. */
static void check_derivatives(ks_node *y)
{
    ks_gradcheck_report report = {.passed = false};
    ks_node *loss = ks_sum_all(ks_mul(ks_square(y), ks_add(y, ks_number(g, 0.5)))), *second = NULL;
    cr_assert(ks_gradcheck(loss, NULL, 0, NULL, &report) && report.passed, "%s", ks_error(g) ? ks_error(g)->message : "?");
    ks_gradcheck_free(&report);
    for (int64_t i = 0; i < ks_variable_count(g); i++) {
        ks_node *curved = ks_sum_all(ks_square(ks_gradient(loss, ks_variable_number(g, i))));
        second = second ? ks_add(second, curved) : curved;
    }
    report = (ks_gradcheck_report){.passed = false};
    cr_assert(ks_gradcheck(second, NULL, 0, NULL, &report) && report.passed, "%s", ks_error(g) ? ks_error(g)->message : "?");
    ks_gradcheck_free(&report);
}

/* ---- values -------------------------------------------------------------------------------------------- */

Test(layer_norm, of_rows_is_pytorch_s)
{
    ks_node *x = x_of(KS_SHAPE(2, 2, 3)), *scale = VARIABLE(g, "scale", KS_F64, KS_SHAPE(3), 0.5, -2, 1.5),
            *bias = VARIABLE(g, "bias", KS_F64, KS_SHAPE(3), 0.25, 1, -1);
    ks_node *y = ks_layer_norm(x, scale, bias, -1, 1e-5);
    IS_NEAR(1e-13, y, 0.349580447598932, -1.22591588750553, -2.96817825842594, -0.284510266586951, 1.53451026658695, 1.00441349970107,
            -0.40990946311279, -1.19969821037597, -0.670045268443605, -0.312400768639479, 1.35993649192927, 0.957154674865386);
    IS_NEAR(1e-12, slope(y, x), -0.847079425765082, 0.52788983468886, 0.319189591076222, 0.152791683445651, -0.229057212432063,
            0.0762655289864113, -0.0331026946043255, -0.0579582404554608, 0.0910609350597862, -1.10453662539286, 1.80742405169722,
            -0.702887426304361);
    IS_NEAR(1e-14, slope(y, bias), 5, -3.75, 2.25);
}

Test(layer_norm, of_several_dimensions_without_scale_and_bias_is_pytorch_s)
{
    ks_node *x = x_of(KS_SHAPE(2, 2, 3)), *y = ks_layer_norm(x, ks_number(g, 1), ks_number(g, 0), 1, 1e-5);
    IS_NEAR(1e-13, y, 0.0578956992046544, 1.30365143381515, -2.0023926311127, -0.0259532444710519, 0.153723063405462, 0.513075679158489,
            -0.920599670039493, 0.866446748272463, 0.216611687068116, -1.40797596594275, -0.270764608835145, 1.51628180947681);
    IS_NEAR(1e-12, slope(y, x), 0.381202904994114, -0.15647866724065, -0.148536618514191, 0.0810758191513128, 0.0910602039162669,
            -0.248323642306852, 0.985948954892536, 0.577180720978859, -0.485232535296997, 0.595285925938361, -2.17556568665987,
            0.502382620147107);
}

Test(layer_norm, rms_norm_has_no_mean)
{
    ks_node *x = x_of(KS_SHAPE(4, 3)), *scale = VARIABLE(g, "scale", KS_F64, KS_SHAPE(3), 0.5, -2, 1.5);
    ks_node *y = ks_rms_norm(x, scale, -1, 1e-5);
    /* x times torch.rsqrt of its mean square */
    IS_NEAR(1e-13, y, 0.0524890337806491, -2.02957597285176, -2.09956135122596, 0.0800634199746132, -1.28101471959381, 2.4019025992384,
            -0.275394784976326, -2.93754437308081, 1.1015791399053, -0.386226455757449, -0.2574843038383, 2.3173587345447);
    IS_NEAR(1e-12, slope(y, x), 0.201743532419396, 1.65858173682833, 1.21760319363416, 0.503643803352806, 0.0930531340205067,
            -0.087620844847186, 0.189788107328628, -0.0165108906962068, 0.175341077969447, 0.642287515324219, 3.04713480279847,
            0.0672175645026345);
}

Test(layer_norm, group_norm_is_pytorch_s)
{
    ks_node *x = x_of(KS_SHAPE(1, 4, 3)), *scale = VARIABLE(g, "scale", KS_F64, KS_SHAPE(4), 1, 2, -1, 0.5),
            *bias = VARIABLE(g, "bias", KS_F64, KS_SHAPE(4), 0, 1, 2, 3);
    ks_node *y = ks_group_norm(x, scale, bias, 2, 1e-5);
    IS_NEAR(1e-13, y, 0.0578956992046544, 1.30365143381515, -2.0023926311127, 0.948093511057896, 1.30744612681092, 2.02615135831698,
            2.92059967003949, 1.13355325172754, 1.78338831293188, 2.29601201702862, 2.86461769558243, 3.75814090473841);
    IS_NEAR(1e-12, slope(y, x), 0.403421372954077, -0.0857510040768088, -0.206544896468333, 0.339597655628418, 0.236794353681384,
            -0.687517481718738, -0.888402130307678, -0.432468647576261, 0.612793609129508, 0.951526536678714, -0.633994264604752,
            0.390544896680469);
    IS_NEAR(1e-14, slope(y, bias), 2, -0.25, 2.5, -0.75);
}

Test(layer_norm, instance_norm_is_pytorch_s)
{
    ks_node *x = x_of(KS_SHAPE(2, 2, 3)), *scale = VARIABLE(g, "scale", KS_F64, KS_SHAPE(2), 1.5, -0.5),
            *bias = VARIABLE(g, "bias", KS_F64, KS_SHAPE(2), 0.25, 1);
    ks_node *y = ks_instance_norm(x, scale, bias, 1e-5);
    IS_NEAR(1e-13, y, 0.548741342796795, 1.91943691562915, -1.71817825842594, 1.53451026658695, 1.13362756664674, 0.331862166766312,
            -1.72972838933837, 1.89977365778197, 0.579954731556395, 1.56240076863948, 1.08998412298232, 0.347615108378205);
    IS_NEAR(1e-12, slope(y, x), 0.384430662327515, -0.239574332877715, -0.1448563294498, 0.114504172577954, -0.171815306825618,
            0.0573111342476643, 0.581863071846613, 1.01824121721806, -1.60010428906468, -0.455339749019792, 0.745101318066091,
            -0.2897615690463);
}

Test(layer_norm, local_response_norm_is_pytorch_s)
{
    ks_node *x = x_of(KS_SHAPE(1, 4, 3)), *y = ks_local_response_norm(x, 3, 0.5, 0.75, 2);
    IS_NEAR(1e-13, y, 0.177212470524729, 1.14726487631746, -1.20953255084535, 0.0713656450807164, 0.173216252276559, 0.368664902002507,
            -0.380504697191895, 0.944611089847555, 0.358465539753028, -0.761611379426825, 0.119452045481689, 1.13218574337074);
    IS_NEAR(1e-12, slope(y, x), 0.582853217732695, -0.315738601970046, 0.0983139156101273, 0.291812536018929, 0.125156792256373,
            -0.0279082739937078, 0.873344894830377, 0.360246159974221, -0.207624605127392, 0.472605117620539, -1.4467734521248,
            0.143588981328946);
}

Test(layer_norm, a_window_of_an_even_size_reaches_further_up_as_onnx_s)
{
    ks_node *x = VARIABLE(g, "x", KS_F64, KS_SHAPE(1, 3), 1, 2, 4);
    IS(ks_local_response_norm(x, 2, 2, 1, 0), 1.0 / 5, 2.0 / 20, 4.0 / 16); /* 1 + 4, 4 + 16, 16 */
    IS(ks_local_response_norm(x, 9, 9, 1, 0), 1.0 / 21, 2.0 / 21, 4.0 / 21);
}

Test(layer_norm, a_constant_row_becomes_the_bias_and_passes_no_infinity_back)
{
    ks_node *x = VARIABLE(g, "x", KS_F64, KS_SHAPE(2, 3), 5, 5, 5, 1, 2, 3),
            *y = ks_layer_norm(x, ks_number(g, 2), ks_number(g, 0.25), -1, 1e-5);
    double values[6], slopes[6];
    cr_assert(ks_read(y, KS_F64, values, 6) && ks_read(ks_gradient(ks_sum_all(ks_square(y)), x), KS_F64, slopes, 6));
    for (int i = 0; i < 6; i++)
        cr_assert(isfinite(slopes[i]) && (i > 2 || values[i] == 0.25));
}

Test(layer_norm, a_large_mean_costs_no_digits_of_the_deviation)
{
    ks_node *x = VARIABLE(g, "x", KS_F32, KS_SHAPE(1, 4), 16777212, 16777214, 16777214, 16777216);
    IS_NEAR(1e-6, ks_layer_norm(x, ks_number(g, 1), ks_number(g, 0), -1, 0), -1.414213562373095, 0, 0, 1.414213562373095);
}

Test(layer_norm, a_nan_stays_in_its_row)
{
    ks_node *x = VARIABLE(g, "x", KS_F32, KS_SHAPE(2, 2), NAN_, 1, 1, 3);
    IS_NEAR(1e-6, ks_layer_norm(x, ks_number(g, 1), ks_number(g, 0), -1, 0), NAN_, NAN_, -1, 1);
}

Test(layer_norm, of_nothing_is_nothing)
{
    ks_node *none = NOTHING(g, "none", KS_F32, KS_SHAPE(0, 3)), *thin = NOTHING(g, "thin", KS_F32, KS_SHAPE(2, 0)), *one = ks_number(g, 1);
    SHAPE_IS(ks_layer_norm(none, one, one, -1, 1e-5), 0, 3);
    SHAPE_IS(ks_layer_norm(thin, one, one, -1, 1e-5), 2, 0);
    SHAPE_IS(ks_rms_norm(thin, one, -1, 1e-5), 2, 0);
    SHAPE_IS(ks_gradient(ks_sum_all(ks_rms_norm(none, one, -1, 1e-5)), none), 0, 3);
    ks_node *images = NOTHING(g, "images", KS_F32, KS_SHAPE(0, 4, 2));
    SHAPE_IS(ks_group_norm(images, one, one, 2, 1e-5), 0, 4, 2);
    SHAPE_IS(ks_instance_norm(images, one, one, 1e-5), 0, 4, 2);
    SHAPE_IS(ks_local_response_norm(images, 3, 1, 1, 1), 0, 4, 2);
}

/* ---- derivatives --------------------------------------------------------------------------------------- */

Test(layer_norm, derivatives_to_second_order_by_axis)
{
    for (int64_t axis = -1; axis >= -3; axis--) {
        fresh();
        ks_node *x = x_of(KS_SHAPE(2, 2, 3)), *y = NULL;
        ks_node *scale = axis == -1   ? VARIABLE(g, "s", KS_F64, KS_SHAPE(3), 1, 2, -1)
                         : axis == -2 ? VARIABLE(g, "s", KS_F64, KS_SHAPE(2, 3), 1, 2, -1, 0.5, 1.5, -2)
                                      : VARIABLE(g, "s", KS_F64, KS_SCALAR, 1.5);
        y = ks_layer_norm(x, scale, scale, axis, 0.1);
        check_derivatives(y);
    }
}

Test(layer_norm, derivatives_to_second_order_of_the_others)
{
    for (int k = 0; k < 5; k++) {
        fresh();
        ks_node *x = x_of(k == 3 ? KS_SHAPE(3, 4) : KS_SHAPE(1, 4, 3)), *s = VARIABLE(g, "s", KS_F64, KS_SHAPE(4), 1, 2, -1, 0.5);
        ks_node *y = k == 0   ? ks_group_norm(x, s, s, 2, 0.1)
                     : k == 1 ? ks_instance_norm(x, s, s, 0.1)
                     : k == 2 ? ks_group_norm(x, s, ks_number(g, 1), 1, 0.1)
                     : k == 3 ? ks_rms_norm(x, s, -1, 0.1)
                              : ks_mul(ks_local_response_norm(x, 2, 0.5, 0.75, 1), ks_sum_all(s));
        check_derivatives(y);
    }
}

Test(layer_norm, open_dimensions_take_the_sizes_of_the_feed)
{
    int64_t n = ks_dim(g, "N"), d = ks_dim(g, "D");
    ks_node *x = ks_input(g, "x", KS_F64, KS_SHAPE(n, 4, d)), *one = ks_variable(g, "one", KS_F64, KS_SHAPE(4, 1), KS_ONES);
    ks_node *scaled = ks_mul(x, one), *number = ks_number(g, 1);
    ks_node *all[] = {ks_layer_norm(scaled, number, number, 1, 0.1), ks_group_norm(scaled, number, number, 2, 0.1),
                      ks_instance_norm(scaled, number, number, 0.1), ks_rms_norm(scaled, number, -1, 0.1),
                      ks_local_response_norm(scaled, 3, 1, 0.5, 1)};
    ks_node *loss = ks_sum_all(ks_mul(ks_add_n(all, 5), ks_square(x)));
    double data[84];
    for (int i = 0; i < 84; i++)
        data[i] = 0.3 * (i % 5) - 0.2 * (i % 3) + 0.01 * i;
    ks_gradient(loss, one);
    for (int k = 0; k < 2; k++) {
        ks_gradcheck_report report = {.passed = false};
        cr_assert(ks_feed(x, KS_F64, k ? KS_SHAPE(1, 4, 2) : KS_SHAPE(7, 4, 3), data));
        cr_assert(ks_gradcheck(loss, NULL, 0, NULL, &report) && report.passed, "%s", ks_error(g) ? ks_error(g)->message : "?");
        ks_gradcheck_free(&report);
    }
}

Test(layer_norm, channels_that_turn_out_not_to_fall_into_groups_are_refused_when_fed)
{
    ks_node *x = ks_input(g, "x", KS_F32, KS_SHAPE(1, ks_dim(g, "C"), 2)), *one = ks_number(g, 1);
    cr_assert(ks_feed(x, KS_F32, KS_SHAPE(1, 3, 2), ((const float[]){1, 2, 3, 4, 5, 6})));
    ks_node *y = ks_named("y", ks_group_norm(x, one, one, 2, 1e-5));
    cr_assert_not(ks_eval(y));
    cr_assert(strstr(ks_error(g)->message, "3 channels do not fall into 2 equal groups"), "%s", ks_error(g)->message);
    ks_error_clear(g);
}

/* ---- sizes, threads, instruction sets ------------------------------------------------------------------ */

static void by_definition(const float *x, int64_t rows, int64_t n, double *y)
{
    for (int64_t r = 0; r < rows; r++) {
        double sum = 0, squares = 0;
        for (int64_t i = 0; i < n; i++)
            sum += (double)x[r * n + i];
        for (int64_t i = 0; i < n; i++)
            squares += pow((double)x[r * n + i] - sum / (double)n, 2);
        for (int64_t i = 0; i < n; i++)
            y[r * n + i] = ((double)x[r * n + i] - sum / (double)n) / sqrt(squares / (double)n + 1e-5);
    }
}

Test(layer_norm, sizes_around_blocks_agree_with_the_definition_on_threads_and_instruction_sets)
{
    static const int64_t sizes[][2] = {{2000, 5}, {3, 31}, {70, 1023}, {5, 1024}, {33, 1025}, {2, 20000}};
    static const char *const sets[] = {NULL, "plain", "x86-64-v2", "x86-64-v3", "x86-64-v4"};
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        int64_t rows = sizes[k][0], n = sizes[k][1], count = rows * n;
        float *x = malloc(sizeof(float) * (size_t)count), *y = malloc(sizeof(float) * (size_t)count),
              *one = malloc(sizeof(float) * (size_t)count);
        double *wanted = malloc(sizeof(double) * (size_t)count);
        for (int64_t i = 0; i < count; i++)
            x[i] = 10 + (float)((i * 7919) % 1009) / 100;
        by_definition(x, rows, n, wanted);
        for (int s = 0; s < 10; s++) {
            ks_graph_options options = {.size = sizeof options, .threads = 1 + s % 2, .isa = sets[s / 2]};
            ks_graph *h = ks_graph_new(&options);
            if (!h)
                continue; /* the processor lacks the set */
            ks_node *in = ks_constant(h, KS_F32, KS_SHAPE(rows, n), x);
            cr_assert(ks_read(ks_layer_norm(in, ks_number(h, 1), ks_number(h, 0), -1, 1e-5), KS_F32, y, count));
            for (int64_t i = 0; i < count; i++)
                cr_assert_float_eq((double)y[i], wanted[i], 1e-5);
            if (s % 2)
                cr_assert(!memcmp(y, one, sizeof(float) * (size_t)count));
            memcpy(one, y, sizeof(float) * (size_t)count);
            ks_graph_free(h);
        }
        free(x), free(y), free(one), free(wanted);
    }
}

/* ---- what is refused ----------------------------------------------------------------------------------- */

Test(layer_norm, what_does_not_fit_is_refused)
{
    ks_node *x = x_of(KS_SHAPE(2, 2, 3)), *two = VARIABLE(g, "two", KS_F64, KS_SHAPE(2), 1, 2), *one = ks_number(g, 1);
    REFUSED(g, ks_layer_norm(x, two, one, -1, 1e-5), KS_BAD_SHAPE,
            "layer_norm: the scale is a single number or as x from the axis on: 'x' is [2, 2, 3], 'two' is [2]");
    REFUSED(g, ks_layer_norm(x, one, two, -1, 1e-5), KS_BAD_SHAPE,
            "layer_norm: the bias is a single number or as x from the axis on: 'x' is [2, 2, 3], 'two' is [2]");
    REFUSED(g, ks_layer_norm(x, one, one, 3, 1e-5), KS_BAD_SHAPE, "layer_norm: there is no axis 3: 'x' is [2, 2, 3]");
    REFUSED(g, ks_rms_norm(x, one, 0, -1), KS_BAD_ARGUMENT, "rms_norm: epsilon is -1: it is finite and not negative");
    REFUSED(g, ks_group_norm(x, one, one, 3, 1e-5), KS_BAD_SHAPE,
            "group_norm: 2 channels do not fall into 3 equal groups: 'x' is [2, 2, 3]");
    REFUSED(g, ks_group_norm(x, one, one, 0, 1e-5), KS_BAD_ARGUMENT, "group_norm: num_groups is 0: there is at least one");
    REFUSED(g, ks_group_norm(two, one, one, 1, 1e-5), KS_BAD_SHAPE, "group_norm: takes [N, C, ...], but 'two' is [2]");
    REFUSED(g, ks_instance_norm(two, one, one, 1e-5), KS_BAD_SHAPE, "instance_norm: takes [N, C, D1, ...], but 'two' is [2]");
    REFUSED(g, ks_local_response_norm(x, 0, 1, 1, 1), KS_BAD_ARGUMENT, "local_response_norm: size is 0: a window has at least one channel");
    REFUSED(g, ks_local_response_norm(x, 3, INF_, 1, 1), KS_BAD_ARGUMENT, "local_response_norm: alpha, beta and bias are finite numbers");
    REFUSED(g, ks_local_response_norm(two, 3, 1, 1, 1), KS_BAD_SHAPE, "local_response_norm: takes [N, C, ...], but 'two' is [2]");
}
