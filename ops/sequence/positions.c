/*
 * ops/sequence/positions.c - what tells a net where in a sequence something stands: sinusoids and rotations.
 *
 * Angles are computed in f64, whatever the dtype of what they are for: far places times a frequency would lose their last digits in f32.
 */
#include "ops/sequence/fold.h"

#include <math.h>

/* base^(-2 i/width) for i = 0, 1, ... below half of the width, rounded up. */
static ks_node *frequencies(ks_place at, ks_graph *g, int64_t width, double base)
{
    ks_node *twice = ks_arange_at(at, g, KS_F64, 0, (double)width, 2);
    return ks_exp_at(at, ks_mul_at(at, twice, ks_number_at(at, g, -log(base) / (double)width)));
}

/* places [..., T] -> angles [..., T, half of the width]. */
static ks_node *angles(ks_place at, ks_node *places, int64_t width, double base)
{
    ks_node *column = ks_unsqueeze_at(at, ks_cast_at(at, places, KS_F64), KS_INTS(-1));
    return column ? ks_mul_at(at, column, frequencies(at, column->graph, width, base)) : NULL;
}

static bool check(ks_place at, const char *name, ks_node *x, double base)
{
    if (!ks__usable(x))
        return false;
    if (ks__rank(x) < 2 || ks__extent(x, 1) <= 0)
        return ks__refuse(x->graph, KS_BAD_SHAPE, at, "%s: '%.100s' must be [..., T, d] with d known", name, ks_name(x));
    return base > 0 || ks__refuse(x->graph, KS_BAD_ARGUMENT, at, "%s: base must be positive: 10000 is usual", name);
}

/* a and b in turn along the last axis: [..., n] twice -> [..., 2 n]. */
static ks_node *in_turn(ks_place at, ks_node *a, ks_node *b)
{
    ks_node *both = ks_stack_at(at, (ks_node *[]){a, b}, 2, -1);
    return both ? ks__fold_last(at, both, 2, KS_SHAPE(2 * ks__extent(both, 2))) : NULL;
}

/* ---- sinusoids ----------------------------------------------------------------------------------------- */

ks_node *ks_sinusoidal_positions_at(ks_place at, ks_node *x, double base)
{
    if (!check(at, "sinusoidal_positions", x, base))
        return NULL;
    int64_t width = ks__extent(x, 1);
    ks_node *angle = angles(at, ks_positions_at(at, x, -2), width, base);
    ks_node *y = in_turn(at, ks_sin_at(at, angle), ks_cos_at(at, angle));
    return ks_cast_at(at, width % 2 ? ks_slice_at(at, y, -1, 0, width) : y, ks_node_dtype(x));
}

/* ---- rotations ----------------------------------------------------------------------------------------- */

/* The first and second elements of all pairs, [..., T, d/2] each. */
static bool take_pairs(ks_place at, ks_node *x, ks_rotary_form form, ks_node **first, ks_node **second)
{
    int64_t half = ks__extent(x, 1) / 2;
    if (form == KS_ROTARY_HALVES) {
        *first = ks_slice_at(at, x, -1, 0, half);
        *second = ks_slice_at(at, x, -1, half, 2 * half);
        return *second != NULL;
    }
    ks_node *pairs = ks__fold_last(at, x, 1, KS_SHAPE(half, 2));
    *first = ks_squeeze_at(at, ks_slice_at(at, pairs, -1, 0, 1), KS_INTS(-1));
    *second = ks_squeeze_at(at, ks_slice_at(at, pairs, -1, 1, 2), KS_INTS(-1));
    return *second != NULL;
}

ks_node *ks_rotary_at(ks_place at, ks_node *x, ks_node *places, double base, ks_rotary_form form)
{
    if (!check(at, "rotary", x, base))
        return NULL;
    int64_t width = ks__extent(x, 1);
    if (width % 2)
        return ks__null(x->graph, KS_BAD_SHAPE, at,
                        "rotary: '%.100s' has %lld elements a place: they are turned by twos, give an even number", ks_name(x),
                        (long long)width);
    ks_node *angle = angles(at, places ? places : ks_positions_at(at, x, -2), width, base), *a, *b;
    if (!angle || !take_pairs(at, x, form, &a, &b))
        return NULL;
    ks_node *cosine = ks_cast_at(at, ks_cos_at(at, angle), ks_node_dtype(x)),
            *sine = ks_cast_at(at, ks_sin_at(at, angle), ks_node_dtype(x));
    ks_node *first = ks_sub_at(at, ks_mul_at(at, a, cosine), ks_mul_at(at, b, sine));
    ks_node *second = ks_add_at(at, ks_mul_at(at, b, cosine), ks_mul_at(at, a, sine));
    return form == KS_ROTARY_HALVES ? ks_concat_at(at, (ks_node *[]){first, second}, 2, -1) : in_turn(at, first, second);
}
