/*
 * Sinusoids and rotations: values of their formulas (attention.py), and what they are good for.
 */
#include "sequence.h"
#include "attention.h"

Test(positions, sinusoids_are_sines_and_cosines_in_turn)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *even = ks_sinusoidal_positions(drawn(g, 0, KS_F64, KS_SHAPE(2, 4, 6)), 10000);
    check_values(__FILE__, __LINE__, even, 1e-14, sinusoids_values, 24);
    SHAPE_IS(even, 4, 6);
    ks_node *odd = ks_sinusoidal_positions(drawn(g, 1, KS_F32, KS_SHAPE(3, 5)), 10000);
    check_values(__FILE__, __LINE__, odd, 1e-7, odd_values, 15);
    DTYPE_IS(odd, KS_F32);
    ks_graph_free(g);
}

Test(positions, rotary_turns_pairs)
{
    for (ks_dtype dtype = KS_F32; dtype <= KS_F64; dtype++) {
        ks_graph *g = ks_graph_new(NULL);
        ks_node *x = drawn(g, 0, dtype, KS_SHAPE(2, 3, 4));
        derives(ks_rotary(x, NULL, 100, KS_ROTARY_HALVES), &x, 1, halves_values, sizeof halves_values);
        derives(ks_rotary(x, NULL, 100, KS_ROTARY_PAIRS), &x, 1, pairs_values, sizeof pairs_values);
        QUIET(g);
        ks_graph_free(g);
    }
}

Test(positions, rotary_derivatives_are_differences)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *x = drawn(g, 0, KS_F64, KS_SHAPE(2, 3, 4));
    for (ks_rotary_form form = KS_ROTARY_HALVES; form <= KS_ROTARY_PAIRS; form++) {
        ks_node *loss = weighed(ks_exp(ks_rotary(x, NULL, 100, form)));
        differences_agree(loss);
        differences_agree(ks_sum_all(ks_square(ks_gradient(loss, x))));
    }
    ks_graph_free(g);
}

/* What attention sees of two turned vectors hangs on how far apart they are, not on where. */
Test(positions, rotary_products_hang_on_distances)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *q = drawn(g, 0, KS_F64, KS_SHAPE(1, 4)), *k = drawn(g, 1, KS_F64, KS_SHAPE(1, 4));
    ks_node *two = VARIABLE(g, "two", KS_I64, KS_SHAPE(1), 2), *five = VARIABLE(g, "five", KS_I64, KS_SHAPE(1), 5);
    ks_node *far = ks_add(two, ks_full(g, KS_I64, KS_SHAPE(1), 1000)), *farther = ks_add(five, ks_full(g, KS_I64, KS_SHAPE(1), 1000));
    for (ks_rotary_form form = KS_ROTARY_HALVES; form <= KS_ROTARY_PAIRS; form++) {
        ks_node *near = ks_sum_all(ks_mul(ks_rotary(q, two, 10000, form), ks_rotary(k, five, 10000, form)));
        ks_node *there = ks_sum_all(ks_mul(ks_rotary(q, far, 10000, form), ks_rotary(k, farther, 10000, form)));
        cr_assert(fabs(ks_scalar(near) - ks_scalar(there)) < 1e-12);
    }
    QUIET(g);
    ks_graph_free(g);
}

Test(positions, places_may_be_given)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *x = drawn(g, 0, KS_F64, KS_SHAPE(2, 3, 4)), *places = VARIABLE(g, "places", KS_I64, KS_SHAPE(2, 2), 1, 2, 1, 2);
    ks_node *last = ks_slice(ks_rotary(x, NULL, 10000, KS_ROTARY_PAIRS), 1, 1, 3);
    ks_node *same = ks_rotary(ks_slice(x, 1, 1, 3), places, 10000, KS_ROTARY_PAIRS);
    IS(ks_max_all(ks_abs(ks_sub(last, same))), 0);
    ks_graph_free(g);
}

Test(positions, far_places_keep_their_digits)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *x = VARIABLE(g, "x", KS_F32, KS_SHAPE(1, 2), 1, 0), *place = VARIABLE(g, "place", KS_I64, KS_SHAPE(1), 16777217);
    IS_NEAR(1e-7, ks_rotary(x, place, 10000, KS_ROTARY_PAIRS), cos(16777217), sin(16777217));
    ks_graph_free(g);
}

Test(positions, steps_and_rows_may_be_open)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *x = ks_input(g, "x", KS_F64, KS_SHAPE(KS_ANY, KS_ANY, 4)), *at = ks_sinusoidal_positions(x, 10000);
    double values[48];
    for (int i = 0; i < 48; i++)
        values[i] = sin(i);
    for (ks_rotary_form form = KS_ROTARY_HALVES; form <= KS_ROTARY_PAIRS; form++) {
        ks_node *y = ks_rotary(x, NULL, 10000, form), *d = ks_gradient(ks_sum_all(ks_exp(y)), x);
        for (int64_t n = 1; n <= 3; n++) {
            ks_node *fixed = ks_constant(g, KS_F64, KS_SHAPE(n, 4, 4), values), *wanted = ks_rotary(fixed, NULL, 10000, form);
            cr_assert(ks_feed(x, KS_F64, KS_SHAPE(n, 4, 4), values));
            IS(ks_max_all(ks_abs(ks_sub(y, wanted))), 0);
            IS(ks_max_all(ks_abs(ks_sub(d, ks_gradient(ks_sum_all(ks_exp(wanted)), fixed)))), 0);
            SHAPE_IS(at, 4, 4);
        }
    }
    QUIET(g);
    ks_graph_free(g);
}

Test(positions, what_does_not_fit_is_refused)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *row = VARIABLE(g, "row", KS_F64, KS_SHAPE(2), 1, 2), *odd = VARIABLE(g, "odd", KS_F64, KS_SHAPE(1, 3), 1, 2, 3);
    REFUSED(g, ks_sinusoidal_positions(row, 10000), KS_BAD_SHAPE, "sinusoidal_positions: 'row' must be [..., T, d] with d known");
    REFUSED(g, ks_sinusoidal_positions(odd, 0), KS_BAD_ARGUMENT, "sinusoidal_positions: base must be positive: 10000 is usual");
    REFUSED(g, ks_rotary(odd, NULL, 10000, KS_ROTARY_PAIRS), KS_BAD_SHAPE,
            "rotary: 'odd' has 3 elements a place: they are turned by twos, give an even number");
    ks_graph_free(g);
}
