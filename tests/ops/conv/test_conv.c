/*
 * test_conv.c - conv, its two transposes and conv_transpose: against nested loops over many settings, sizes and instruction sets, values of
 * another system, derivatives, open and empty dimensions, and what is refused.
 */
#include "ops/ops.h"

#include <keisan/ops/conv.h>
#include "engine/kernels/conv_plan.h"

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

TestSuite(conv, .init = open, .fini = close);

/* ---- the reference: nested loops -------------------------------------------------------------------------- */

/* A problem with three spatial axes, of which the last `axes` are the tensor's. */
typedef struct problem {
    int axes;
    int64_t n, groups, m, c; /* m, c: of a group */
    int64_t in[3], kernel[3], stride[3], before[3], after[3], dilation[3];
    int64_t out[3];
} problem;

static int64_t volume(const int64_t v[3])
{
    return v[0] * v[1] * v[2];
}

static void finish(problem *p)
{
    for (int a = 0; a < 3; a++)
        p->out[a] = (p->in[a] + p->before[a] + p->after[a] - (p->kernel[a] - 1) * p->dilation[a] - 1) / p->stride[a] + 1;
}

/* Calls f for all elements that meet: their positions in y, w and x. */
static void meet(const problem *p, const double *x, const double *w, const double *y, double *dx, double *dw, double *dy)
{
    int64_t taps = volume(p->kernel), outs = volume(p->out), ins = volume(p->in);
    for (int64_t n = 0; n < p->n; n++)
        for (int64_t gm = 0; gm < p->groups * p->m; gm++)
            for (int64_t c = 0; c < p->c; c++)
                for (int64_t o = 0; o < outs; o++)
                    for (int64_t i = 0; i < taps; i++) {
                        int64_t at[3], os[3] = {o / p->out[2] / p->out[1], o / p->out[2] % p->out[1], o % p->out[2]};
                        int64_t is[3] = {i / p->kernel[2] / p->kernel[1], i / p->kernel[2] % p->kernel[1], i % p->kernel[2]};
                        bool inside = true;
                        for (int a = 0; a < 3; a++) {
                            at[a] = os[a] * p->stride[a] + is[a] * p->dilation[a] - p->before[a];
                            inside = inside && at[a] >= 0 && at[a] < p->in[a];
                        }
                        if (!inside)
                            continue;
                        int64_t xi = ((n * p->groups + gm / p->m) * p->c + c) * ins + (at[0] * p->in[1] + at[1]) * p->in[2] + at[2];
                        int64_t wi = (gm * p->c + c) * taps + i, yi = (n * p->groups * p->m + gm) * outs + o;
                        if (dy)
                            dy[yi] += w[wi] * x[xi];
                        if (dx)
                            dx[xi] += w[wi] * y[yi];
                        if (dw)
                            dw[wi] += y[yi] * x[xi];
                    }
}

static ks_shape shape_of(const problem *p, int64_t first, int64_t second, const int64_t spatial[3])
{
    ks_shape shape = {.rank = 2 + p->axes, .dim = {first, second}};
    for (int i = 0; i < p->axes; i++)
        shape.dim[2 + i] = spatial[3 - p->axes + i];
    return shape;
}

static ks_window_options options_of(const problem *p)
{
    ks_window_options o = {.size = sizeof o, .groups = p->groups};
    o.strides.count = o.dilations.count = p->axes;
    o.pads.count = 2 * p->axes;
    for (int i = 0; i < p->axes; i++) {
        int a = 3 - p->axes + i;
        o.strides.at[i] = p->stride[a];
        o.dilations.at[i] = p->dilation[a];
        o.pads.at[i] = p->before[a];
        o.pads.at[p->axes + i] = p->after[a];
    }
    return o;
}

/* Values without a pattern that windows could share, that f32 holds. */
static double *some(int64_t count, unsigned salt)
{
    double *v = malloc(sizeof(double) * (size_t)(count + 1));
    unsigned state = salt * 2654435761u + 12345;
    for (int64_t i = 0; i < count; i++) {
        state = state * 1664525u + 1013904223u;
        v[i] = (double)(state >> 20) / 1024.0 - 2;
    }
    return v;
}

static ks_node *leaf(ks_graph *h, const char *name, ks_dtype dtype, ks_shape shape, const double *values)
{
    ks_node *x = ks_variable(h, name, KS_F64, shape, KS_UNSET);
    cr_assert(x && ks_set(x, KS_F64, values));
    return dtype == KS_F64 ? x : ks_cast(x, dtype);
}

static void near(const problem *p, const char *what, ks_node *node, const double *wanted, int64_t count, double tolerance)
{
    double *is = malloc(sizeof(double) * (size_t)(count + 1));
    cr_assert(node && ks_read(node, KS_F64, is, count), "%s: %s", what, ks_error(ks_node_graph(node))->message);
    for (int64_t i = 0; i < count; i++)
        cr_assert(agree(is[i], wanted[i], tolerance), "%s[%lld] is %.9g, not %.9g: n %lld, groups %lld, %lld x %lld, in %lld %lld %lld",
                  what, (long long)i, is[i], wanted[i], (long long)p->n, (long long)p->groups, (long long)p->m, (long long)p->c,
                  (long long)p->in[0], (long long)p->in[1], (long long)p->in[2]);
    free(is);
}

/* y, and the derivatives of sum(u y). */
static void compare(problem p, const char *isa, ks_dtype dtype, int threads)
{
    ks_graph *h = ks_graph_new(&(ks_graph_options){.size = sizeof(ks_graph_options), .isa = isa, .threads = threads});
    if (!h)
        return; /* a processor without it */
    finish(&p);
    int64_t xs = p.n * p.groups * p.c * volume(p.in), ws = p.groups * p.m * p.c * volume(p.kernel),
            ys = p.n * p.groups * p.m * volume(p.out);
    double *x = some(xs, 1), *w = some(ws, 2), *u = some(ys, 3), tolerance = dtype == KS_F32 ? 2e-4 : 1e-12;
    double *dx = calloc((size_t)xs + 1, sizeof *dx), *dw = calloc((size_t)ws + 1, sizeof *dw), *y = calloc((size_t)ys + 1, sizeof *y);
    ks_node *nx = leaf(h, "x", dtype, shape_of(&p, p.n, p.groups * p.c, p.in), x);
    ks_node *nw = leaf(h, "w", dtype, shape_of(&p, p.groups * p.m, p.c, p.kernel), w);
    ks_window_options options = options_of(&p);
    ks_node *ny = ks_conv(nx, nw, NULL, &options);
    cr_assert(ny, "%s", ks_error(h) ? ks_error(h)->message : "?");
    ks_node *nu = leaf(h, "u", dtype, shape_of(&p, p.n, p.groups * p.m, p.out), u);
    ks_node *loss = ks_sum_all(ks_mul(ny, nu));
    meet(&p, x, w, u, dx, dw, NULL);
    meet(&p, x, w, NULL, NULL, NULL, y);
    near(&p, "y", ny, y, ys, tolerance);
    near(&p, "dx", ks_gradient(loss, nx), dx, xs, tolerance);
    near(&p, "dw", ks_gradient(loss, nw), dw, ws, tolerance * (1 + (double)(p.n * volume(p.out)) / 100));
    QUIET(h);
    ks_graph_free(h);
    double *all[] = {x, w, u, dx, dw, y};
    for (int i = 0; i < 6; i++)
        free(all[i]);
}

static const problem settings[] = {
    {2, 2, 1, 3, 2, {1, 5, 6}, {1, 3, 3}, {1, 1, 1}, {0, 0, 0}, {0, 0, 0}, {1, 1, 1}, {0}},
    {2, 3, 1, 5, 2, {1, 8, 8}, {1, 3, 3}, {1, 1, 1}, {0, 1, 1}, {0, 1, 1}, {1, 1, 1}, {0}},
    {2, 2, 1, 4, 3, {1, 7, 9}, {1, 3, 2}, {1, 2, 3}, {0, 2, 1}, {0, 1, 0}, {1, 1, 1}, {0}},
    {2, 2, 2, 3, 2, {1, 9, 7}, {1, 2, 3}, {1, 1, 2}, {0, 0, 3}, {0, 2, 0}, {1, 2, 2}, {0}},
    {2, 1, 5, 1, 1, {1, 11, 13}, {1, 3, 3}, {1, 2, 2}, {0, 1, 1}, {0, 1, 1}, {1, 1, 1}, {0}},
    {2, 3, 1, 11, 4, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {0, 0, 0}, {0, 0, 0}, {1, 1, 1}, {0}},
    {2, 2, 1, 2, 1, {1, 4, 5}, {1, 1, 2}, {1, 3, 4}, {0, 0, 0}, {0, 0, 0}, {1, 1, 1}, {0}}, /* strides beyond the window */
    {2, 2, 1, 2, 1, {1, 1, 2}, {1, 3, 3}, {1, 1, 1}, {0, 5, 6}, {0, 5, 4}, {1, 1, 1}, {0}}, /* windows in the padding */
    {2, 2, 1, 2, 2, {1, 6, 6}, {1, 3, 3}, {1, 1, 1}, {0, 4, 0}, {0, 0, 4}, {1, 2, 2}, {0}},
    {1, 3, 1, 4, 2, {1, 1, 40}, {1, 1, 5}, {1, 1, 2}, {1 - 1, 0, 3}, {0, 0, 1}, {1, 1, 3}, {0}},
    {1, 2, 1, 3, 1, {1, 1, 1}, {1, 1, 3}, {1, 1, 1}, {0, 0, 5}, {0, 0, 5}, {1, 1, 1}, {0}},
    {3, 2, 1, 3, 2, {4, 5, 6}, {2, 3, 3}, {1, 1, 1}, {1, 1, 1}, {0, 1, 1}, {1, 1, 1}, {0}},
    {3, 1, 2, 2, 1, {5, 4, 7}, {3, 2, 2}, {2, 3, 2}, {1, 0, 2}, {1, 1, 0}, {1, 1, 2}, {0}},
    {2, 9, 1, 6, 5, {1, 4, 4}, {1, 3, 3}, {1, 1, 1}, {0, 1, 1}, {0, 1, 1}, {1, 1, 1}, {0}}, /* several images in a block */
    {2, 70, 1, 3, 1, {1, 3, 2}, {1, 2, 2}, {1, 1, 1}, {0, 1, 0}, {0, 0, 1}, {1, 1, 1}, {0}},
    {2, 0, 1, 3, 2, {1, 5, 5}, {1, 3, 3}, {1, 1, 1}, {0, 0, 0}, {0, 0, 0}, {1, 1, 1}, {0}},
    {2, 2, 1, 3, 0, {1, 5, 5}, {1, 3, 3}, {1, 1, 1}, {0, 0, 0}, {0, 0, 0}, {1, 1, 1}, {0}},
    {2, 2, 1, 0, 2, {1, 5, 5}, {1, 3, 3}, {1, 1, 1}, {0, 0, 0}, {0, 0, 0}, {1, 1, 1}, {0}},
    {2, 2, 1, 3, 2, {1, 0, 4}, {1, 1, 3}, {1, 1, 1}, {0, 1, 0}, {0, 1, 0}, {1, 1, 1}, {0}},
};
#define SETTINGS ((int)(sizeof settings / sizeof settings[0]))

static const char *const sets[] = {"plain", "x86-64-v2", "x86-64-v3", "x86-64-v4"};

Test(conv, every_setting_agrees_with_nested_loops_in_f64_on_every_instruction_set)
{
    for (int k = 0; k < SETTINGS; k++)
        for (int s = 0; s < 4; s++)
            compare(settings[k], sets[s], KS_F64, 1);
}

Test(conv, every_setting_agrees_with_nested_loops_in_f32_on_every_instruction_set)
{
    for (int k = 0; k < SETTINGS; k++)
        for (int s = 0; s < 4; s++)
            compare(settings[k], sets[s], KS_F32, 1);
}

/* Channels that fill vectors, of every instruction set or of some, over small images. */
static const problem small[] = {
    {2, 11, 1, 16, 3, {1, 4, 4}, {1, 3, 3}, {1, 1, 1}, {0, 1, 1}, {0, 1, 1}, {1, 1, 1}, {0}},  /* corners of two tiles */
    {2, 20, 1, 48, 16, {1, 2, 2}, {1, 3, 3}, {1, 1, 1}, {0, 1, 1}, {0, 1, 1}, {1, 1, 1}, {0}}, /* all is edge */
    {2, 3, 1, 80, 32, {1, 5, 3}, {1, 3, 3}, {1, 1, 1}, {0, 1, 1}, {0, 1, 1}, {1, 1, 1}, {0}},  /* slices of 3 and 2 vectors */
    {2, 37, 1, 32, 16, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {0, 0, 0}, {0, 0, 0}, {1, 1, 1}, {0}},
    {2, 2, 1, 30, 15, {1, 7, 6}, {1, 3, 2}, {1, 2, 3}, {0, 2, 1}, {0, 1, 0}, {1, 1, 1}, {0}}, /* strides, a vector not full */
    {2, 3, 2, 16, 16, {1, 6, 9}, {1, 3, 3}, {1, 1, 2}, {0, 2, 0}, {0, 1, 3}, {1, 2, 2}, {0}}, /* groups, dilations */
    {2, 2, 1, 16, 16, {1, 3, 3}, {1, 2, 2}, {1, 3, 3}, {0, 0, 0}, {0, 0, 0}, {1, 1, 1}, {0}}, /* strides beyond the window */
    {2, 2, 1, 16, 16, {1, 1, 2}, {1, 3, 3}, {1, 1, 1}, {0, 5, 6}, {0, 5, 4}, {1, 1, 1}, {0}}, /* windows in the padding */
    {2, 1, 1, 32, 32, {1, 6, 7}, {1, 5, 5}, {1, 1, 1}, {0, 2, 2}, {0, 2, 2}, {1, 1, 1}, {0}}, /* more classes than lines inside */
    {1, 5, 1, 16, 8, {1, 1, 21}, {1, 1, 5}, {1, 1, 2}, {0, 0, 3}, {0, 0, 1}, {1, 1, 3}, {0}},
    {3, 2, 1, 16, 8, {3, 4, 3}, {3, 3, 3}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {0}},
    {3, 1, 1, 16, 16, {4, 3, 5}, {2, 2, 3}, {2, 1, 2}, {1, 0, 2}, {0, 1, 1}, {1, 2, 1}, {0}},
};

Test(conv, small_images_of_many_channels_agree_with_nested_loops_on_every_instruction_set)
{
    for (size_t k = 0; k < sizeof small / sizeof small[0]; k++) {
        for (int s = 0; s < 4; s++) {
            compare(small[k], sets[s], KS_F32, 1);
            compare(small[k], sets[s], KS_F64, 2);
        }
    }
}

static bool goes_across(int64_t images, int64_t rows, int64_t channels, int64_t size, ks__conv_kind kind)
{
    ks__conv_plan plan;
    ks__conv c = {.dtype = KS_F32, .isa = KS_ISA_V3, .images = images, .groups = 1, .rows = rows, .channels = channels};
    for (int a = 0; a < 3; a++) {
        c.in[a] = c.out[a] = a ? size : 1;
        c.kernel[a] = a ? 3 : 1;
        c.before[a] = a ? 1 : 0;
        c.stride[a] = c.dilation[a] = 1;
    }
    ks__conv_plan_of(&plan, &c, kind, (const int64_t[]){0, 0, 0});
    return plan.across;
}

/* Of eight lanes. */
Test(conv, vectors_lie_across_channels_where_these_fill_them_and_images_are_small)
{
    for (ks__conv_kind kind = KS__CONV_Y; kind <= KS__CONV_W; kind++) {
        cr_assert(goes_across(100, 64, 64, 4, kind));
        cr_assert(goes_across(1, 32, 16, 14, kind));
        cr_assert(!goes_across(100, 9, 9, 28, kind)); /* two vectors for nine channels */
    }
    cr_assert(!goes_across(100, 64, 1, 28, KS__CONV_X));
    cr_assert(!goes_across(1, 64, 64, 100000, KS__CONV_Y)); /* a row of outputs does not fit */
}

/* Large enough that images are cut, tasks are many and row blocks several. */
Test(conv, large_ones_agree_with_nested_loops)
{
    static const problem large[] = {
        {2, 1, 1, 20, 16, {1, 90, 70}, {1, 3, 3}, {1, 1, 1}, {0, 1, 1}, {0, 1, 1}, {1, 1, 1}, {0}},
        {2, 2, 1, 12, 20, {1, 61, 67}, {1, 3, 3}, {1, 2, 2}, {0, 1, 0}, {0, 0, 1}, {1, 1, 1}, {0}},
        {2, 30, 1, 30, 1, {1, 28, 28}, {1, 5, 5}, {1, 1, 1}, {0, 0, 0}, {0, 0, 0}, {1, 1, 1}, {0}},
        {2, 1, 1, 200, 150, {1, 5, 5}, {1, 3, 3}, {1, 1, 1}, {0, 1, 1}, {0, 1, 1}, {1, 1, 1}, {0}},
        {1, 2, 1, 8, 4, {1, 1, 9000}, {1, 1, 9}, {1, 1, 1}, {0, 0, 4}, {0, 0, 4}, {1, 1, 1}, {0}},
        {3, 1, 1, 6, 8, {20, 22, 24}, {3, 3, 3}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {0}},
        {2, 40, 1, 64, 32, {1, 8, 8}, {1, 3, 3}, {1, 1, 1}, {0, 1, 1}, {0, 1, 1}, {1, 1, 1}, {0}},
        {2, 1, 1, 64, 48, {1, 30, 29}, {1, 3, 3}, {1, 1, 1}, {0, 1, 1}, {0, 1, 1}, {1, 1, 1}, {0}},
        {2, 5, 2, 32, 16, {1, 21, 20}, {1, 5, 5}, {1, 2, 2}, {0, 2, 2}, {0, 2, 2}, {1, 1, 1}, {0}},
        {3, 1, 1, 32, 16, {9, 10, 11}, {3, 3, 3}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {0}},
    };
    for (size_t k = 0; k < sizeof large / sizeof large[0]; k++) {
        compare(large[k], NULL, KS_F64, 2);
        compare(large[k], NULL, KS_F32, 2);
        compare(large[k], "x86-64-v3", KS_F32, 1);
    }
}

/* ---- values of another system ---------------------------------------------------------------------------- */

static ks_node *image(void)
{
    return VARIABLE(g, "x", KS_F64, KS_SHAPE(1, 2, 3, 4), 1, -2, 3, 0.5, 4, -1, 2, 0.25, -3, 1.5, 2, -0.5, 3, 1, -2, 0.75, -1, 2.5, 0, 1, 2,
                    -4, 1, 3);
}

static ks_node *filters(void)
{
    return VARIABLE(g, "w", KS_F64, KS_SHAPE(2, 1, 2, 2), 1, 0.5, -1, 2, 0.25, -2, 3, 1);
}

/* torch.nn.functional.conv2d(x, w, b, stride=(1, 2), padding=(1, 0), dilation=(2, 1), groups=2) in PyTorch 1.13 */
Test(conv, values_are_those_of_pytorch)
{
    ks_node *b = VARIABLE(g, "b", KS_F64, KS_SHAPE(2), 0.5, -1);
    ks_node *y = ks_conv(image(), filters(), b,
                         &(ks_window_options){.strides = KS_INTS(1, 2), .pads = KS_INTS(1, 0), .dilations = KS_INTS(2, 1), .groups = 2});
    SHAPE_IS(y, 1, 2, 3, 2);
    IS(y, -5.5, -1, 6.5, 0.75, 4, 2.625, -1.5, 0, -0.25, 3, -6.25, -3);
}

/* torch.nn.functional.conv_transpose2d(u, w, stride=2, padding=1, output_padding=1, dilation=(1, 2), groups=2) */
Test(conv, values_of_the_transpose_are_those_of_pytorch)
{
    ks_node *u = VARIABLE(g, "u", KS_F64, KS_SHAPE(1, 2, 2, 2), 2, -1, 0.5, 3, 1, 4, -2, 0.25);
    ks_node *y = ks_conv_transpose(
        u, filters(), NULL,
        &(ks_window_options){
            .strides = KS_INTS(2), .pads = KS_INTS(1), .output_padding = KS_INTS(1), .dilations = KS_INTS(1, 2), .groups = 2});
    SHAPE_IS(y, 1, 2, 3, 4);
    IS(y, 0, 5, 0, -2, 0, 3.25, 0, 1.5, 0, -2, 0, 6, 0, 13, 0, 4, 0, 4.0625, 0, -0.5, 0, -1.25, 0, 0.25);
}

Test(conv, same_padding_gives_as_many_windows_as_strides)
{
    ks_node *x = VARIABLE(g, "x", KS_F64, KS_SHAPE(1, 1, 1, 5), 1, 2, 3, 4, 5), *w = VARIABLE(g, "w", KS_F64, KS_SHAPE(1, 1, 1, 2), 10, 1);
    ks_node *upper = ks_conv(x, w, NULL, &(ks_window_options){.auto_pad = KS_SAME_UPPER});
    IS(upper, 12, 23, 34, 45, 50);
    IS(ks_conv(x, w, NULL, &(ks_window_options){.auto_pad = KS_SAME_LOWER}), 1, 12, 23, 34, 45);
    IS(ks_conv(x, w, NULL, &(ks_window_options){.auto_pad = KS_SAME_UPPER, .strides = KS_INTS(2)}), 12, 34, 50);
    IS(ks_gradient(ks_sum_all(upper), w), 15, 14);
}

/* ---- derivatives --------------------------------------------------------------------------------------- */

static void check_gradients(ks_node *loss)
{
    ks_gradcheck_report report;
    cr_assert(ks_gradcheck(loss, NULL, 0, NULL, &report), "%s", ks_error(g) ? ks_error(g)->message : "?");
    for (int i = 0; i < report.count; i++)
        cr_assert_lt(report.rows[i].worst_relative, 1e-6, "'%s': %g", report.rows[i].name, report.rows[i].worst_relative);
    cr_assert(report.passed);
    ks_gradcheck_free(&report);
}

Test(conv, derivatives_of_all_orders_agree_with_differences)
{
    ks_window_options options[] = {
        {.pads = KS_INTS(1), .strides = KS_INTS(2)}, {.groups = 2, .dilations = KS_INTS(1, 2)}, {.groups = 2, .auto_pad = KS_SAME_UPPER}};
    ks_node *x = image(),
            *w = VARIABLE(g, "v", KS_F64, KS_SHAPE(2, 2, 2, 2), 1, 0.5, -1, 2, 0.25, -2, 3, 1, -0.5, 1.5, 2, -1, 1, 0.75, -3, 0.5);
    ks_node *of_groups = filters(), *b = VARIABLE(g, "b", KS_F64, KS_SHAPE(2), 0.5, -1);
    for (int i = 0; i < 3; i++) {
        ks_node *k = options[i].groups == 2 ? of_groups : w;
        ks_node *loss = ks_sum_all(ks_tanh(ks_mul(ks_conv(x, k, b, &options[i]), ks_number(g, 0.1))));
        check_gradients(loss);
        check_gradients(ks_sum_all(ks_square(ks_gradient(loss, x))));
        check_gradients(ks_sum_all(ks_square(ks_gradient(loss, k))));
        ks_node *turned =
            ks_conv_transpose(ks_conv(x, k, NULL, &options[i == 2 ? 1 : i]), k, NULL,
                              &(ks_window_options){.groups = options[i].groups, .strides = KS_INTS(2), .output_padding = KS_INTS(1, 0)});
        loss = ks_sum_all(ks_tanh(ks_mul(turned, ks_number(g, 0.02))));
        check_gradients(loss);
        check_gradients(ks_sum_all(ks_square(ks_gradient(loss, k))));
    }
}

/* ---- sizes --------------------------------------------------------------------------------------------- */

Test(conv, open_sizes_are_those_of_what_is_fed)
{
    ks_node *x = ks_input(g, "x", KS_F64, KS_SHAPE(ks_dim(g, "N"), 1, ks_dim(g, "H"), KS_ANY)), *w = filters();
    ks_node *y = ks_conv(x, w, NULL, &(ks_window_options){.pads = KS_INTS(0, 0, 1, 1)}), *loss = ks_sum_all(y);
    ks_node *dw = ks_gradient(loss, w), *dx = ks_gradient(loss, x);
    cr_assert_eq(ks_node_shape(y).dim[2], ks_dim(g, "H"));
    cr_assert(ks_feed(x, KS_F64, KS_SHAPE(1, 1, 1, 2), ((const double[]){1, 2})));
    SHAPE_IS(y, 1, 2, 1, 2);
    IS(y, 2, 2, -3.75, 0.5);
    IS(dw, 3, 2, 0, 0, 3, 2, 0, 0);
    IS(dx, 1.25, -0.25);
    cr_assert(ks_feed(x, KS_F64, KS_SHAPE(2, 1, 2, 1), ((const double[]){1, 2, 3, 4})));
    SHAPE_IS(y, 2, 2, 2, 1);
    IS(y, -1, 2, 6.25, 0.5, -1, 4, 12.75, 1);
    IS(dw, 10, 0, 6, 0, 10, 0, 6, 0);
    IS(dx, 1.25, 3.25, 1.25, 3.25);
    cr_assert(ks_feed(x, KS_F64, KS_SHAPE(0, 1, 3, 3), ((const double[]){0})));
    SHAPE_IS(y, 0, 2, 3, 3);
    IS(dw, 0, 0, 0, 0, 0, 0, 0, 0);
}

/* y and both derivatives on a number of threads; `first` has those of one thread. */
static void compare_threads(int threads, ks_shape xs, ks_shape ws, const ks_window_options *options, float *first[3])
{
    ks_graph *h = ks_graph_new(&(ks_graph_options){.size = sizeof(ks_graph_options), .threads = threads});
    double *x = some(ks_shape_count(xs), 7), *w = some(ks_shape_count(ws), 8);
    ks_node *nx = leaf(h, "x", KS_F32, xs, x), *nw = leaf(h, "w", KS_F32, ws, w);
    ks_node *y = ks_conv(nx, nw, NULL, options), *loss = ks_sum_all(ks_square(y));
    ks_node *all[] = {y, ks_gradient(loss, nw), ks_gradient(loss, nx)};
    for (int i = 0; i < 3; i++) {
        int64_t count = ks_shape_count(ks_value_shape(all[i]));
        float *values = malloc(sizeof(float) * (size_t)count);
        cr_assert(ks_read(all[i], KS_F32, values, count));
        if (threads == 1) {
            first[i] = values;
            continue;
        }
        cr_assert(!memcmp(first[i], values, sizeof(float) * (size_t)count));
        free(values);
    }
    ks_graph_free(h);
    free(x);
    free(w);
}

static void any_threads(ks_shape x, ks_shape w, const ks_window_options *options)
{
    float *first[3];
    for (int threads = 1; threads <= 3; threads++)
        compare_threads(threads, x, w, options, first);
    for (int i = 0; i < 3; i++)
        free(first[i]);
}

/* Blocks of images, or of lines of one image, add up in a fixed order. */
Test(conv, any_number_of_threads_gives_the_same_bits)
{
    any_threads(KS_SHAPE(60, 4, 28, 28), KS_SHAPE(30, 4, 5, 5), NULL);
    any_threads(KS_SHAPE(50, 32, 7, 7), KS_SHAPE(64, 32, 3, 3), &(ks_window_options){.pads = KS_INTS(1)});
    any_threads(KS_SHAPE(1, 32, 40, 30), KS_SHAPE(48, 32, 3, 3), &(ks_window_options){.pads = KS_INTS(1)});
}

/* ---- what is refused ------------------------------------------------------------------------------------- */

#define OPTIONS(...) (&(ks_window_options){__VA_ARGS__})

Test(conv, what_does_not_fit_is_refused)
{
    ks_node *x = image(), *w = filters(), *v = VARIABLE(g, "v", KS_F64, KS_SHAPE(3, 2, 1, 1), 1, 2, 3, 4, 5, 6);
    ks_node *m = VARIABLE(g, "m", KS_F64, KS_SHAPE(2, 2), 1, 2, 3, 4), *i = VARIABLE(g, "i", KS_I32, KS_SHAPE(1, 1, 1), 1);
    REFUSED(g, ks_conv(m, w, NULL, NULL), KS_BAD_SHAPE, "conv: needs [N, C, ...] with one to three spatial axes: 'm' is [2, 2]");
    REFUSED(g, ks_conv(x, m, NULL, NULL), KS_BAD_SHAPE,
            "conv: filters have as many dimensions as what they slide over: 'x' is [1, 2, 3, 4], 'm' is [2, 2]");
    REFUSED(g, ks_conv(i, i, NULL, NULL), KS_BAD_DTYPE, "conv: takes f32, f64, but 'i' is i32: ks_cast it");
    REFUSED(g, ks_conv(x, w, NULL, NULL), KS_BAD_SHAPE,
            "conv: filters for 1 channels meet 2 channels in 1 group: 'x' is [1, 2, 3, 4], 'w' is [2, 1, 2, 2]");
    REFUSED(g, ks_conv(x, v, NULL, OPTIONS(.groups = 2)), KS_BAD_SHAPE,
            "conv: the 3 filters do not divide into 2 groups: 'v' is [3, 2, 1, 1]");
    REFUSED(g, ks_conv(x, v, NULL, OPTIONS(.groups = 3)), KS_BAD_SHAPE,
            "conv: the 2 channels do not divide into 3 groups: 'x' is [1, 2, 3, 4]");
    REFUSED(g, ks_conv(x, v, NULL, OPTIONS(.groups = -1)), KS_BAD_ARGUMENT, "conv: groups is -1: there is at least one");
    REFUSED(g, ks_conv(x, w, NULL, OPTIONS(.groups = 2, .dilations = KS_INTS(3))), KS_BAD_SHAPE,
            "conv: a window of 2 elements, 3 apart, does not fit spatial axis 0, which has 3 and 0 + 0 of padding: 'x' is [1, 2, 3, 4]");
    REFUSED(g, ks_conv(x, w, NULL, OPTIONS(.groups = 2, .strides = KS_INTS(0))), KS_BAD_ARGUMENT,
            "conv: strides has a 0: its numbers are from 1 to 2^30");
    REFUSED(g, ks_conv(x, w, NULL, OPTIONS(.groups = 2, .strides = KS_INTS(1, 2, 3))), KS_BAD_ARGUMENT,
            "conv: strides has 3 numbers, but there are 2 spatial axes: give 2, or one for all");
    REFUSED(g, ks_conv(x, w, NULL, OPTIONS(.groups = 2, .pads = KS_INTS(1, 2, 3))), KS_BAD_ARGUMENT,
            "conv: pads has 3 numbers, but there are 2 spatial axes: give 4 (before each, then behind each), or one for all");
    REFUSED(g, ks_conv(x, w, NULL, OPTIONS(.groups = 2, .auto_pad = (ks_auto_pad)7)), KS_BAD_ARGUMENT,
            "conv: auto_pad is 7: it is 0 (pads hold), 1 or 2");
    REFUSED(g, ks_conv_transpose(x, v, NULL, NULL), KS_BAD_SHAPE,
            "conv_transpose: there must be a filter for each channel: 'x' is [1, 2, 3, 4], 'v' is [3, 2, 1, 1]");
    REFUSED(g, ks_conv_transpose(x, w, NULL, OPTIONS(.output_padding = KS_INTS(1))), KS_BAD_ARGUMENT,
            "conv_transpose: output_padding 1 is not less than the stride 1 of spatial axis 0");
    REFUSED(g, ks_conv_transpose(x, w, NULL, OPTIONS(.pads = KS_INTS(3))), KS_BAD_SHAPE,
            "conv_transpose: pads 3 + 3 take more than there is along spatial axis 0: 'x' is [1, 2, 3, 4], 'w' is [2, 1, 2, 2]");
    REFUSED(g, ks_conv_transpose(x, w, NULL, OPTIONS(.auto_pad = KS_SAME_UPPER)), KS_BAD_ARGUMENT,
            "conv_transpose: auto_pad is for convolutions that go forward: give pads and output_padding");
}

Test(conv, transposes_refuse_what_no_convolution_made)
{
    ks_node *x = image(), *w = filters(), *u = VARIABLE(g, "u", KS_F64, KS_SHAPE(1, 2, 1, 1), 1, 2);
    ks_window_options two = {.groups = 2};
    ks_node *y = ks_conv(x, w, NULL, &two);
    cr_assert(y);
    const void *attrs = ks_node_attrs(y);
    REFUSED(g, ks_apply(g, &ks__op_conv_input_grad, ((ks_node *[]){u, w, x}), 3, attrs), KS_BAD_SHAPE,
            "conv_input_grad: the first is not what the second makes of the third: 'u' is [1, 2, 1, 1], 'w' is [2, 1, 2, 2], 'x' is [1, 2, "
            "3, 4]");
    REFUSED(g, ks_apply(g, &ks__op_conv_weight_grad, ((ks_node *[]){u, x, w}), 3, attrs), KS_BAD_SHAPE,
            "conv_weight_grad: the first is not what the third makes of the second: 'u' is [1, 2, 1, 1], 'x' is [1, 2, 3, 4], 'w' is [2, "
            "1, 2, 2]");
}
