/*
 * test_kinds.c - every kind of optimiser along its path through the valley, and what is done to gradients before.
 *
 * The golden paths are the formulas in double precision, 30 updates: the book's, and those of PyTorch 1.13's Adadelta, Adam and AdamW.
 */
#include "tests/train/valley.h"

static void walk(const char *named, const double golden[3][2], double f)
{
    static const int at[] = {1, 2, 30};
    valley v = make_valley();
    ks_graph *g = v.graph;
    ks_optimizer *o = ks_optimizer_named(v.loss, named);
    GOOD(o);
    for (int step = 1, k = 0; step <= 30; step++) {
        GOOD(ks_step(o));
        if (step != at[k])
            continue;
        /* Of the first steps the tables have nine digits or more. */
        NEAR(ks_scalar(v.x), golden[k][0], 1e-9 + 5e-9 * fabs(golden[k][0]) * (k < 2));
        NEAR(ks_scalar(v.y), golden[k][1], 1e-9 + 5e-9 * fabs(golden[k][1]) * (k < 2));
        k++;
    }
    ks_next_step(g);
    double x = ks_scalar(v.x), y = ks_scalar(v.y);
    NEAR(x * x / 20 + y * y, f, 1e-6);
    cr_assert_eq(ks_optimizer_steps(o), 30);
    ks_graph_free(g);
}

Test(kinds, sgd_walks_the_books_path)
{
    walk("sgd:rate=0.95", (const double[3][2]){{-6.335, -1.8}, {-5.733175, 1.62}, {-.350392995752, .0847823165504}}, .0133268);
}

Test(kinds, momentum_walks_the_books_path)
{
    walk("momentum:rate=0.1", (const double[3][2]){{-6.93, 1.6}, {-6.7977, .92}, {.896413858494, .0880856017151}}, .0479370);
}

Test(kinds, adam_walks_the_books_path)
{
    walk("adam:rate=0.3", (const double[3][2]){{-6.70000136, 1.70000024}, {-6.40041662, 1.40224574}, {.136006852395, .318245375537}},
         .102205);
}

Test(kinds, nesterov_walks_the_books_path)
{
    walk("nesterov:rate=0.1", (const double[3][2]){{-6.867, 1.24}, {-6.679827, .4448}, {.68961490169662, -.000679905836117}}, .0237789);
}

Test(kinds, adagrad_walks_the_books_path)
{
    walk("adagrad:rate=1.5",
         (const double[3][2]){
             {-5.50000021428568, .500000037499999}, {-4.57326796816427, .136196583088788}, {-.12016232231416, 2.48638989e-17}},
         .000721949);
}

Test(kinds, rmsprop_walks_the_books_path)
{
    walk("rmsprop:rate=0.1",
         (const double[3][2]){
             {-6.00000142856939, 1.00000024999994}, {-5.34732671617782, .550987006117876}, {-.69742030968079, 1.48346215e-8}},
         .0243198);
}

Test(kinds, adadelta_walks_pytorchs_path)
{
    walk("adadelta",
         (const double[3][2]){
             {-6.996837754607477, 1.996837723328043}, {-6.993594054674631, 1.993595728929903}, {-6.893068507498756, 1.8945884327809053}},
         5.9651847);
}

Test(kinds, adamw_without_decay_walks_the_path_of_pytorchs_adam)
{
    walk("adamw:rate=0.3,weight_decay=0",
         (const double[3][2]){
             {-6.700000004285714, 1.70000000075}, {-6.400414301717179, 1.4022453286049847}, {.1360146173262328, .3182453888963096}},
         .10220512);
}

/* Weights have two dimensions at least, here of size 1. */
Test(kinds, adamw_walks_pytorchs_path)
{
    ks_graph *g = ks_graph_new(NULL);
    double start[] = {-7, 2}, wanted[] = {.26319581537192077, .3053221889344971};
    ks_node *p[2];
    for (int i = 0; i < 2; i++) {
        p[i] = ks_variable(g, i ? "y" : "x", KS_F64, KS_SHAPE(1, 1), KS_UNSET);
        GOOD(ks_set(p[i], KS_F64, &start[i]));
    }
    ks_node *loss = ks_sum_all(ks_add(ks_div(ks_square(p[0]), ks_number(g, 20)), ks_square(p[1])));
    ks_optimizer *o = ks_adamw(loss, &(ks_optimizer_options){.size = sizeof(ks_optimizer_options), .rate = 0.3});
    for (int step = 0; step < 30; step++)
        GOOD(o && ks_step(o));
    ks_next_step(g);
    NEAR(ks_scalar(ks_sum_all(p[0])), wanted[0], 1e-12);
    NEAR(ks_scalar(ks_sum_all(p[1])), wanted[1], 1e-12);
    ks_graph_free(g);
}

Test(kinds, where_the_slope_falls_off_adagrad_and_rmsprop_do_not_zigzag)
{
    static const char *const calm[] = {"adagrad:rate=1.5", "rmsprop:rate=0.1"};
    for (int kind = 0; kind < 2; kind++) {
        valley v = make_valley();
        ks_optimizer *o = ks_optimizer_named(v.loss, calm[kind]);
        for (int step = 0; step < 30; step++) {
            cr_assert(ks_step(o));
            cr_assert_gt(ks_scalar(v.y), 0, "%s", calm[kind]);
        }
        ks_graph_free(v.graph);
    }
}

/* ---- weight decay and clipping ------------------------------------------------------------------------- */

typedef struct slope {
    ks_graph *graph;
    ks_node *w, *b, *loss;
} slope;

/* loss = sum(w * (3, 0) + b * 4): the gradient of w [1, 2] is (3, 0), that of b [1] is 4, their norm together is 5. */
static slope constant_slope(ks_dtype dtype)
{
    slope s = {.graph = ks_graph_new(NULL)};
    float w[] = {2, 10}, c[] = {3, 0}, b = 1;
    double wd[] = {2, 10}, cd[] = {3, 0}, bd = 1;
    bool wide = dtype == KS_F64;
    s.w = ks_variable(s.graph, "w", dtype, KS_SHAPE(1, 2), KS_UNSET);
    s.b = ks_variable(s.graph, "b", dtype, KS_SHAPE(1), KS_UNSET);
    cr_assert(ks_set(s.w, dtype, wide ? (void *)wd : (void *)w) && ks_set(s.b, dtype, wide ? (void *)&bd : (void *)&b));
    ks_node *factor = ks_constant(s.graph, dtype, KS_SHAPE(1, 2), wide ? (void *)cd : (void *)c);
    s.loss = ks_add(ks_sum_all(ks_mul(s.w, factor)), ks_mul(ks_sum_all(s.b), ks_number(s.graph, 4)));
    return s;
}

static void steps_to(ks_dtype dtype, const char *named, double w0, double w1, double b)
{
    slope s = constant_slope(dtype);
    ks_graph *g = s.graph;
    double is[3], tolerance = dtype == KS_F64 ? 1e-14 : 1e-6;
    ks_optimizer *o = ks_optimizer_named(s.loss, named);
    GOOD(o && ks_step(o));
    ks_next_step(g);
    ks_node *all = ks_cast(s.w, KS_F64), *bias = ks_cast(s.b, KS_F64);
    GOOD(ks_read(all, KS_F64, is, 2) && ks_read(bias, KS_F64, is + 2, 1));
    NEAR(is[0], w0, tolerance);
    NEAR(is[1], w1, tolerance);
    NEAR(is[2], b, tolerance);
    ks_graph_free(g);
}

Test(kinds, weight_decay_is_for_weights_and_not_for_biases)
{
    steps_to(KS_F64, "sgd:rate=1", -1, 10, -3);
    steps_to(KS_F64, "sgd:rate=1,weight_decay=0.1", 2 - 3 - .2, 10 - 1, -3);
    steps_to(KS_F32, "sgd:rate=1,weight_decay=0.1", 2 - 3 - .2, 10 - 1, -3);
}

/* The norm of (3, 0, 4) is 5; PyTorch's clip_grad_norm_ divides by a millionth more. */
Test(kinds, gradients_beyond_a_norm_are_scaled_all_alike)
{
    steps_to(KS_F64, "sgd:rate=1,clip_norm=1", 2 - 3 / 5.000001, 10, 1 - 4 / 5.000001);
    steps_to(KS_F32, "sgd:rate=1,clip_norm=1", 2 - .6, 10, 1 - .8);
    steps_to(KS_F64, "sgd:rate=1,clip_norm=100", -1, 10, -3);
}

Test(kinds, gradients_are_clipped_to_a_value_element_by_element)
{
    steps_to(KS_F64, "sgd:rate=1,clip_value=3.5", -1, 10, 1 - 3.5);
    steps_to(KS_F32, "sgd:rate=1,clip_value=0.5", 1.5, 10, .5);
}

/* (3, 0, 4) to at most 3, (3, 0, 3); to a norm of sqrt(2): (1, 0, 1), but for a millionth; then 0.1 (2, 10) more on the weights. */
Test(kinds, values_are_clipped_before_the_norm_and_decay_comes_last)
{
    double one = 3 * sqrt(2) / (3 * sqrt(2) + 1e-6);
    steps_to(KS_F64, "sgd:rate=1,clip_value=3,clip_norm=1.4142135623730951,weight_decay=0.1", 2 - one - .2, 10 - 1, 1 - one);
}

/* AdamW's decay is no part of the gradient: where there is no slope a weight shrinks by rate * decay of itself. */
Test(kinds, adamw_decays_apart_from_the_gradient)
{
    steps_to(KS_F64, "adamw:rate=0.5,weight_decay=0.1,epsilon=1e-300", 2 - .1 - .5, 10 - .5, 1 - .5);
}
