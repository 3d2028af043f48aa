/*
 * test_activation.c - activations: values and derivatives by PyTorch in double, corners, infinities, and their attributes.
 */
#include "ops/ops.h"

static ks_graph *g;

static void open(void)
{
    g = ks_graph_new(NULL);
}

static void close(void)
{
    QUIET(g);
    ks_graph_free(g);
}

TestSuite(activation, .init = open, .fini = close);

/* y and dy/dx at 0.5, -2, 0 and 3, by torch.nn.functional in float64. */
#define AT(CALL, Y, DY)                                                                                                                    \
    do {                                                                                                                                   \
        for (int dtype = KS_F32; dtype <= KS_F64; dtype++) {                                                                               \
            char name[24];                                                                                                                 \
            snprintf(name, sizeof name, "x%lld", (long long)ks_node_count(g));                                                             \
            ks_node *x = VARIABLE(g, name, (ks_dtype)dtype, KS_SHAPE(4), 0.5, -2, 0, 3);                                                   \
            double near = dtype == KS_F32 ? 5e-7 : 2e-15;                                                                                  \
            ks_node *y = CALL;                                                                                                             \
            DTYPE_IS(y, (ks_dtype)dtype);                                                                                                  \
            IS_NEAR(near, y, Y);                                                                                                           \
            IS_NEAR(near, ks_gradient(y, x), DY);                                                                                          \
        }                                                                                                                                  \
    } while (0)
#define FOUR(A, B, C, D) A, B, C, D

Test(activation, smooth_ones_are_pytorchs)
{
    AT(ks_log_sigmoid(x), FOUR(-0.4740769841801067, -2.1269280110429727, -0.6931471805599453, -0.04858735157374206),
       FOUR(0.37754066879814546, 0.8807970779778824, 0.5, 0.04742587317756679));
    AT(ks_softplus(x), FOUR(0.9740769841801067, 0.1269280110429725, 0.6931471805599453, 3.048587351573742),
       FOUR(0.6224593312018546, 0.11920292202211755, 0.5, 0.9525741268224333));
    AT(ks_softsign(x), FOUR(0.3333333333333333, -0.6666666666666666, 0, 0.75), FOUR(0.4444444444444444, 0.1111111111111111, 1, 0.0625));
    AT(ks_silu(x), FOUR(0.3112296656009273, -0.2384058440442351, 0, 2.8577223804672998),
       FOUR(0.7399611873026519, -0.09078424878489547, 0.5, 1.0881041060151693));
    AT(ks_mish(x), FOUR(0.3752452113048951, -0.2525014826957089, 0, 2.9865350049679575),
       FOUR(0.8864243753577272, -0.1083550924203939, 0.6, 1.0211069109294435));
    AT(ks_gelu(x), FOUR(0.34573123063700656, -0.04550026389635842, 0, 2.99595030590511),
       FOUR(0.8674951246561629, -0.08523180107819692, 0.5, 1.011945647204184));
    AT(ks_gelu_tanh(x), FOUR(0.34571400982514394, -0.04540230591222494, 0, 2.996362607918227),
       FOUR(0.8673699035346424, -0.0860992566236183, 0.5, 1.0115841666309695));
}

Test(activation, those_with_corners_are_pytorchs)
{
    AT(ks_leaky_relu(x, 0.1), FOUR(0.5, -0.2, 0, 3), FOUR(1, 0.1, 0.1, 1));
    AT(ks_elu(x, 1.5), FOUR(0.5, -1.296997075145081, 0, 3), FOUR(1, 0.20300292485491905, 1.5, 1));
    AT(ks_selu(x), FOUR(0.5253504936777402, -1.5201664685956948, 0, 3.1521029620664414),
       FOUR(1.0507009873554805, 0.2379328722516818, 1.7580993408473766, 1.0507009873554805));
    AT(ks_celu(x, 2), FOUR(0.5, -1.2642411176571153, 0, 3), FOUR(1, 0.36787944117144233, 1, 1));
    AT(ks_hard_swish(x), FOUR(0.2916666666666667, -0.3333333333333333, 0, 3), FOUR(0.6666666666666666, -0.16666666666666663, 0.5, 1.5));
    AT(ks_hard_sigmoid(x, 1.0 / 6, 0.5), FOUR(0.5833333333333334, 0.16666666666666666, 0.5, 1), FOUR(1.0 / 6, 1.0 / 6, 1.0 / 6, 0));
}

Test(activation, infinities_and_nan_go_where_they_should)
{
    for (int dtype = KS_F32; dtype <= KS_F64; dtype++) {
        ks_node *x = VARIABLE(g, dtype == KS_F32 ? "x32" : "x64", (ks_dtype)dtype, KS_SHAPE(3), INF_, -INF_, NAN_);
        double tiny = dtype == KS_F32 ? 3e-7 : 1e-15;
        IS(ks_log_sigmoid(x), 0, -INF_, NAN_);
        IS(ks_softplus(x), INF_, 0, NAN_);
        IS(ks_softsign(x), 1, -1, NAN_);
        IS(ks_silu(x), INF_, 0, NAN_);
        IS(ks_mish(x), INF_, 0, NAN_);
        IS(ks_gelu(x), INF_, 0, NAN_);
        IS(ks_gelu_tanh(x), INF_, 0, NAN_);
        IS(ks_leaky_relu(x, 0.5), INF_, -INF_, NAN_);
        IS(ks_elu(x, 2), INF_, -2, NAN_);
        IS_NEAR(tiny, ks_selu(x), INF_, -1.7580993408473766, NAN_);
        IS(ks_celu(x, 2), INF_, -2, NAN_);
        IS(ks_hard_sigmoid(x, 0.2, 0.5), 1, 0, NAN_);
        IS(ks_hard_swish(x), INF_, 0, NAN_);
    }
}

Test(activation, derivatives_of_huge_arguments_are_finite)
{
    ks_node *x = VARIABLE(g, "x", KS_F32, KS_SHAPE(2), 1e30, -1e30);
    IS(ks_gradient(ks_softplus(x), x), 1, 0);
    IS(ks_gradient(ks_silu(x), x), 1, 0);
    IS(ks_gradient(ks_mish(x), x), 1, 0);
    IS(ks_gradient(ks_gelu(x), x), 1, 0);
    IS(ks_gradient(ks_gelu_tanh(x), x), 1, 0);
    IS(ks_gradient(ks_elu(x, 1), x), 1, 0);
    IS(ks_gradient(ks_selu(x), x), 1.05070102214813232, 0);
    IS(ks_gradient(ks_softsign(x), x), 0, 0);
}

Test(activation, gelu_keeps_its_digits_far_below_zero)
{
    ks_node *x = VARIABLE(g, "x", KS_F64, KS_SHAPE(2), -10, -30);
    double want = -10 * 0.5 * erfc(10 / sqrt(2));
    cr_assert(ks_eval(ks_gelu(x)));
    double y[2];
    cr_assert(ks_read(ks_gelu(x), KS_F64, y, 2));
    cr_expect(fabs(y[0] / want - 1) < 1e-13, "%.17g, not %.17g", y[0], want);
    cr_expect(y[1] < 0);
}

Test(activation, second_derivatives)
{
    ks_node *x = VARIABLE(g, "x", KS_F64, KS_SCALAR, 0.5);
    double s = 1 / (1 + exp(-0.5)), density = exp(-0.125) / sqrt(2 * 3.14159265358979323846);
    IS_NEAR(1e-15, ks_gradient(ks_gradient(ks_softplus(x), x), x), s * (1 - s));
    IS_NEAR(1e-15, ks_gradient(ks_gradient(ks_silu(x), x), x), s * (1 - s) * (2 + 0.5 * (1 - 2 * s)));
    IS_NEAR(1e-15, ks_gradient(ks_gradient(ks_gelu(x), x), x), density * (2 - 0.25));
    IS(ks_gradient(ks_gradient(ks_leaky_relu(x, 0.1), x), x), 0);
}

/* ---- corners ------------------------------------------------------------------------------------------- */

Test(activation, what_a_corner_shuts_off_adds_nothing)
{
    ks_node *x = VARIABLE(g, "x", KS_F64, KS_SHAPE(2), -1, 4);
    IS(ks_gradient(ks_sqrt(ks_leaky_relu(x, 0)), x), 0, 0.25); /* 1/(2 sqrt 0) is infinite */
    IS(ks_gradient(ks_sqrt(ks_clip(x, 0, 9)), x), 0, 0.25);
    ks_node *far = VARIABLE(g, "far", KS_F64, KS_SCALAR, 1000); /* e^1000 is infinite on the side that is not taken */
    IS(ks_gradient(ks_elu(far, 1), far), 1);
    IS(ks_gradient(ks_gradient(ks_elu(far, 1), far), far), 0);
}

Test(activation, prelu_learns_a_slope_a_channel)
{
    ks_node *x = VARIABLE(g, "x", KS_F64, KS_SHAPE(2, 3), 1, -2, 0, -4, 5, -6),
            *slope = VARIABLE(g, "slope", KS_F64, KS_SHAPE(3), 0.5, 0.25, 2);
    ks_node *y = ks_prelu(x, slope);
    IS(y, 1, -0.5, 0, -2, 5, -12);
    IS(ks_gradient(y, x), 1, 0.25, 2, 0.5, 1, 2);
    IS(ks_gradient(y, slope), -4, -2, -6);
    IS(ks_prelu(x, ks_number(g, 2)), 1, -4, 0, -8, 5, -12);
    IS(ks_gradient(ks_prelu(ks_number(g, -3), slope), slope), -3, -3, -3);
}

Test(activation, clip_keeps_between_and_passes_at_both_bounds)
{
    ks_node *x = VARIABLE(g, "x", KS_F64, KS_SHAPE(6), -2, -1, 0.5, 1, 2, NAN_);
    IS(ks_clip(x, -1, 1), -1, -1, 0.5, 1, 1, NAN_);
    IS(ks_gradient(ks_clip(x, -1, 1), x), 0, 1, 1, 1, 0, 0);
    IS(ks_clip(x, -INF_, 0.5), -2, -1, 0.5, 0.5, 0.5, NAN_);
    IS(ks_clip(x, 3, 1), 1, 1, 1, 1, 1, NAN_); /* max wins */
    IS(ks_clip(VARIABLE(g, "i", KS_I32, KS_SHAPE(4), -7, -1, 3, 9), -1.5, 3.5), -1, -1, 3, 3);
    IS(ks_clip(VARIABLE(g, "l", KS_I64, KS_SHAPE(2), -7, 1e15), -INF_, INF_), -7, 1e15);
    IS(ks_clip(VARIABLE(g, "u", KS_U8, KS_SHAPE(3), 0, 100, 255), 5, 300), 5, 100, 255);
    REFUSED(g, ks_clip(x, NAN_, 1), KS_BAD_ARGUMENT, "clip: a limit is NaN: give numbers, -infinity and infinity for no limit");
}

Test(activation, hard_ones_at_their_corners)
{
    ks_node *x = VARIABLE(g, "x", KS_F64, KS_SHAPE(4), -3, 3, -3.5, 3.5);
    IS(ks_gradient(ks_hard_swish(x), x), -0.5, 1.5, 0, 1);
    IS(ks_gradient(ks_hard_sigmoid(x, 0.25, 0.75), x), 0, 0, 0, 0); /* the corners are at -3 and 1 */
    IS(ks_hard_sigmoid(x, 0.25, 0.75), 0, 1, 0, 1);
}

Test(activation, celu_refuses_an_alpha_of_zero)
{
    ks_node *x = VARIABLE(g, "x", KS_F64, KS_SHAPE(1), 1);
    REFUSED(g, ks_celu(x, 0), KS_BAD_ARGUMENT, "celu: alpha is 0: it must differ from 0, for x is divided by it");
    IS_NEAR(1e-15, ks_celu(VARIABLE(g, "neg", KS_F64, KS_SHAPE(1), -1), -2), -2 * expm1(0.5));
}
