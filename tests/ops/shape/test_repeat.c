/*
 * test_repeat.c - tile, repeat, flip, roll, and axes exchanged: values as NumPy's, transposes, open and empty axes, what is refused.
 */
#include "ops/shape/moves.h"

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

TestSuite(repeat, .init = open, .fini = close);

static ks_node *matrix(void)
{
    return VARIABLE(g, "x", KS_F64, KS_SHAPE(2, 3), 1, 2, 3, 4, 5, 6);
}

/* ---- tile ---------------------------------------------------------------------------------------------- */

Test(repeat, tile_lays_the_whole_out)
{
    ks_node *x = matrix(), *v = VARIABLE(g, "v", KS_F64, KS_SHAPE(2), 7, 8);
    IS(ks_tile(x, KS_INTS(1, 2)), 1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6);
    IS(ks_tile(x, KS_INTS(2, 1)), 1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6);
    IS(ks_tile(x, KS_INTS(2)), 1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6); /* meant for the last axis */
    IS(ks_tile(v, KS_INTS(2, 2)), 7, 8, 7, 8, 7, 8, 7, 8);
    SHAPE_IS(ks_tile(v, KS_INTS(2, 3, 2)), 2, 3, 4);
    SHAPE_IS(ks_tile(x, KS_INTS(0, 2)), 0, 6);
    SHAPE_IS(ks_tile(NOTHING(g, "none", KS_F64, KS_SHAPE(0, 2)), KS_INTS(3, 2)), 0, 4);
    IS(ks_tile(VARIABLE(g, "s", KS_F32, KS_SCALAR, 3), KS_INTS(2)), 3, 3);
    EVERY_DTYPE(dtype) IS(ks_tile(ks_ones(g, dtype, KS_SHAPE(1)), KS_INTS(3)), 1, 1, 1);
    DIFFERENTIATES(ks_tile(x, KS_INTS(2, 3)), x);
    DIFFERENTIATES(ks_tile(x, KS_INTS(1, 1)), x);
    IS(ks_gradient(ks_tile(x, KS_INTS(0, 1)), x), 0, 0, 0, 0, 0, 0);
    REFUSED(g, ks_tile(x, KS_INTS(1, -1)), KS_BAD_ARGUMENT, "tile: -1 repeats of axis 1: a number of repeats is not negative");
    REFUSED(g, ks_tile(x, KS_INTS(INT64_MAX, 1)), KS_BAD_SHAPE,
            "tile: axis 0, repeated 9223372036854775807 times, is beyond what memory can hold: 'x' is [2, 3]");
}

Test(repeat, large_tiles_and_their_transposes_agree_with_loops)
{
    static const int64_t repeats[][3] = {{3, 1, 1}, {1, 4, 1}, {1, 1, 5}, {2, 3, 2}};
    ks_node *x = counted(g, "x", KS_SHAPE(7, 30, 110));
    for (int k = 0; k < 4; k++) {
        int64_t a = repeats[k][0], b = repeats[k][1], c = repeats[k][2], n = 7 * a * 30 * b * 110 * c;
        ks_node *y = ks_tile(x, KS_INTS(a, b, c));
        double *out = malloc(sizeof(double) * (size_t)n);
        cr_assert(ks_read(y, KS_F64, out, n));
        for (int64_t i = 0; i < n; i++) {
            int64_t z = i % (110 * c) % 110, v = i / (110 * c) % (30 * b) % 30, u = i / (110 * c) / (30 * b) % 7;
            cr_assert_eq(out[i], (double)((u * 30 + v) * 110 + z));
        }
        free(out);
        TRANSPOSES(y, x);
    }
}

Test(repeat, an_open_axis_is_tiled_and_repeated)
{
    ks_node *x = ks_input(g, "x", KS_F64, KS_SHAPE(ks_dim(g, "N"), 2));
    ks_node *y = ks_tile(x, KS_INTS(2, 1)), *z = ks_repeat(x, 2, 0), *same = ks_tile(x, KS_INTS(1, 2));
    ks_node *dy = ks_gradient(ks_square(y), x), *dz = ks_gradient(ks_square(z), x);
    cr_assert_eq(ks_node_shape(same).dim[0], ks_dim(g, "N"));
    for (int64_t n = 3; n >= 0; n--) {
        cr_assert(ks_feed(x, KS_F64, KS_SHAPE(n, 2), KS__VALUES(1, 2, 3, 4, 5, 6)));
        SHAPE_IS(y, 2 * n, 2);
        SHAPE_IS(z, 2 * n, 2);
        SHAPE_IS(dy, n, 2);
        SHAPE_IS(dz, n, 2);
    }
    cr_assert(ks_feed(x, KS_F64, KS_SHAPE(2, 2), KS__VALUES(1, 2, 3, 4)));
    IS(y, 1, 2, 3, 4, 1, 2, 3, 4);
    IS(z, 1, 2, 1, 2, 3, 4, 3, 4);
    IS(dy, 4, 8, 12, 16);
    IS(dz, 4, 8, 12, 16);
}

/* ---- repeat -------------------------------------------------------------------------------------------- */

Test(repeat, repeat_repeats_each)
{
    ks_node *x = matrix();
    IS(ks_repeat(x, 2, 1), 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6);
    IS(ks_repeat(x, 2, 0), 1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6);
    IS(ks_repeat(x, 1, -1), 1, 2, 3, 4, 5, 6);
    SHAPE_IS(ks_repeat(x, 0, 0), 0, 3);
    EVERY_DTYPE(dtype) IS(ks_repeat(ks_ones(g, dtype, KS_SHAPE(1)), 3, 0), 1, 1, 1);
    DIFFERENTIATES(ks_repeat(x, 3, -1), x);
    DIFFERENTIATES(ks_repeat(x, 2, 0), x);
    REFUSED(g, ks_repeat(x, 2, 2), KS_BAD_SHAPE, "repeat: there is no axis 2: 'x' is [2, 3]");
    REFUSED(g, ks_repeat(x, -2, 0), KS_BAD_ARGUMENT, "repeat: -2 repeats of axis 0: a number of repeats is not negative");
    ks_node *large = counted(g, "large", KS_SHAPE(300, 40, 3));
    for (int axis = 0; axis < 3; axis++)
        TRANSPOSES(ks_repeat(large, 4, axis), large);
}

/* ---- flip ---------------------------------------------------------------------------------------------- */

Test(repeat, flip_turns_axes_round)
{
    ks_node *x = matrix();
    IS(ks_flip(x, KS_INTS(0)), 4, 5, 6, 1, 2, 3);
    IS(ks_flip(x, KS_INTS(-1)), 3, 2, 1, 6, 5, 4);
    IS(ks_flip(x, KS_ABSENT), 6, 5, 4, 3, 2, 1);
    IS(ks_flip(x, ((ks_ints){0})), 1, 2, 3, 4, 5, 6);
    SHAPE_IS(ks_flip(NOTHING(g, "none", KS_F64, KS_SHAPE(2, 0)), KS_ABSENT), 2, 0);
    IS(ks_flip(VARIABLE(g, "s", KS_F64, KS_SCALAR, 3), KS_ABSENT), 3);
    IS(ks_flip(VARIABLE(g, "b", KS_BOOL, KS_SHAPE(3), 1, 0, 0), KS_ABSENT), 0, 0, 1);
    DIFFERENTIATES(ks_flip(x, KS_INTS(1)), x);
    REFUSED(g, ks_flip(x, KS_INTS(2)), KS_BAD_SHAPE, "flip: there is no axis 2: 'x' is [2, 3]");
    REFUSED(g, ks_flip(x, KS_INTS(1, 1)), KS_BAD_ARGUMENT, "flip: axis 1 is named twice");
    ks_node *large = counted(g, "large", KS_SHAPE(50, 2000)), *y = ks_flip(large, KS_ABSENT);
    double *out = malloc(sizeof(double) * 100000);
    cr_assert(ks_read(y, KS_F64, out, 100000));
    for (int i = 0; i < 100000; i++)
        cr_assert_eq(out[i], 99999 - i);
    free(out);
}

/* ---- roll ---------------------------------------------------------------------------------------------- */

Test(repeat, roll_goes_round)
{
    ks_node *x = matrix();
    IS(ks_roll(x, KS_INTS(1), KS_INTS(1)), 3, 1, 2, 6, 4, 5);
    IS(ks_roll(x, KS_INTS(-1), KS_INTS(-1)), 2, 3, 1, 5, 6, 4);
    IS(ks_roll(x, KS_INTS(7, 1), KS_INTS(0, 1)), 6, 4, 5, 3, 1, 2);
    IS(ks_roll(x, KS_INTS(2), KS_ABSENT), 5, 6, 1, 2, 3, 4);
    SHAPE_IS(ks_roll(NOTHING(g, "none", KS_F64, KS_SHAPE(2, 0)), KS_INTS(1), KS_INTS(1)), 2, 0);
    DIFFERENTIATES(ks_roll(x, KS_INTS(1, 2), KS_INTS(0, 1)), x);
    DIFFERENTIATES(ks_roll(x, KS_INTS(2), KS_ABSENT), x);
    REFUSED(g, ks_roll(x, KS_INTS(1, 2), KS_INTS(0)), KS_BAD_ARGUMENT, "roll: 2 shifts and 1 axes: give an axis for each shift");
    REFUSED(g, ks_roll(x, KS_INTS(1), KS_INTS(2)), KS_BAD_SHAPE, "roll: there is no axis 2: 'x' is [2, 3]");
    REFUSED(g, ks_roll(x, KS_INTS(INT64_MIN), KS_INTS(0)), KS_BAD_ARGUMENT, "roll: shift 0 has no opposite: give one that is nearer to 0");
    ks_node *large = counted(g, "large", KS_SHAPE(100000)), *y = ks_roll(large, KS_INTS(12345), KS_INTS(0));
    double *out = malloc(sizeof(double) * 100000);
    cr_assert(ks_read(y, KS_F64, out, 100000));
    for (int i = 0; i < 100000; i++)
        cr_assert_eq(out[i], (i - 12345 + 100000) % 100000);
    free(out);
    TRANSPOSES(y, large);
}

/* ---- axes ---------------------------------------------------------------------------------------------- */

Test(repeat, axes_are_exchanged_and_moved)
{
    ks_node *x = counted(g, "x", KS_SHAPE(2, 3, 4));
    SHAPE_IS(ks_swapaxes(x, 0, -1), 4, 3, 2);
    SHAPE_IS(ks_moveaxis(x, 0, -1), 3, 4, 2);
    SHAPE_IS(ks_moveaxis(x, -1, 0), 4, 2, 3);
    SHAPE_IS(ks_moveaxis(x, 1, 1), 2, 3, 4);
    DIFFERENTIATES(ks_moveaxis(x, 2, 1), x);
    REFUSED(g, ks_swapaxes(x, 0, 3), KS_BAD_SHAPE, "swapaxes: 'x' has 3 dimensions, not axes 0 and 3");
    REFUSED(g, ks_moveaxis(x, -4, 0), KS_BAD_SHAPE, "moveaxis: 'x' has 3 dimensions, not axes -4 and 0");
}
