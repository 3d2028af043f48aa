/*
 * custom_op.c - an operation of one's own: swish, y = x / (1 + exp(-x)).
 *
 * It says what it computes, once, as one loop, and what its derivative is, in terms of other operations. Then it is as good as
 * any other: it broadcasts, is fused, differentiated, checked and saved.
 */
#include <keisan/keisan.h>
#include <math.h>
#include <stdio.h>

static void swish_f32(void *out, const void *const *in, int64_t n, const void *attrs)
{
    const float *x = in[0];
    float *y = out;
    for (int64_t i = 0; i < n; i++)
        y[i] = x[i] / (1 + expf(-x[i]));
}

static void swish_f64(void *out, const void *const *in, int64_t n, const void *attrs)
{
    const double *x = in[0];
    double *y = out;
    for (int64_t i = 0; i < n; i++)
        y[i] = x[i] / (1 + exp(-x[i]));
}

/* y' = s + y (1 - s), where s = sigmoid(x). */
static ks_node *swish_partial(ks_node *y, int i)
{
    ks_node *s = ks_sigmoid(ks_node_input(y, i));
    return ks_add(s, ks_mul(y, ks_sub(ks_number(ks_node_graph(y), 1), s)));
}

static const ks_tile swish_tiles[KS_DTYPES] = {[KS_F32] = {.fn = {swish_f32}}, [KS_F64] = {.fn = {swish_f64}}};

static const ks_op swish = {
    .size = sizeof(ks_op),
    .name = "user.swish",
    .formula = "y = x / (1 + exp(-x))",
    .doc = "A smooth relative of relu.",
    .types = "T>T",
    .inputs = "x",
    .infer = ks_infer_broadcast,
    .tiles = swish_tiles,
    .partial = swish_partial,
    .chain = KS_CHAIN_FINITE,
    .derivative = "u (s + y (1 - s)), s = sigmoid(x)",
};

int main(void)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_register(g, &swish);
    ks_node *x = ks_variable(g, "x", KS_F32, KS_SHAPE(5), KS_UNSET);
    ks_set(x, KS_F32, (float[]){-2, -1, 0, 1, 2});
    ks_node *y = ks_apply(g, &swish, &x, 1, NULL);
    ks_node *loss = ks_sum_all(ks_square(y));

    float value[5], slope[5];
    ks_read(y, KS_F32, value, 5);
    ks_read(ks_gradient(y, x), KS_F32, slope, 5);
    for (int i = 0; i < 5; i++)
        printf("swish(%2d) = %8.5f, slope %8.5f\n", i - 2, value[i], slope[i]);

    ks_gradcheck_report report = {0};
    if (ks_gradcheck(loss, NULL, 0, NULL, &report))
        printf("gradient check %s\n", report.passed ? "passed" : "failed");
    int status = ks_error(g) != NULL || !report.passed;
    if (ks_error(g))
        fprintf(stderr, "%s\n", ks_error(g)->message);
    ks_gradcheck_free(&report);
    ks_graph_free(g);
    return status;
}

/*
 * swish(-2) = -0.23841, slope -0.09078
 * swish(-1) = -0.26894, slope  0.07233
 * swish( 0) =  0.00000, slope  0.50000
 * swish( 1) =  0.73106, slope  0.92767
 * swish( 2) =  1.76159, slope  1.09078
 * gradient check passed
 */
