/*
 * test_pad.c - pad in each mode: values as NumPy's pad, derivatives that add up, open and empty axes, what is refused.
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

TestSuite(pad, .init = open, .fini = close);

static ks_node *matrix(void)
{
    return VARIABLE(g, "x", KS_F64, KS_SHAPE(2, 3), 1, 2, 3, 4, 5, 6);
}

#define NONE KS_INTS(0, 0)

Test(pad, a_constant_is_put_around)
{
    ks_node *x = matrix();
    IS(ks_pad(x, KS_INTS(1, 0), KS_INTS(0, 2), KS_PAD_CONSTANT, 9), 9, 9, 9, 9, 9, 1, 2, 3, 9, 9, 4, 5, 6, 9, 9);
    IS(ks_pad(x, NONE, NONE, KS_PAD_CONSTANT, 9), 1, 2, 3, 4, 5, 6);
    IS(ks_pad(x, KS_INTS(0, 1), NONE, KS_PAD_CONSTANT, -INFINITY), -INF_, 1, 2, 3, -INF_, 4, 5, 6);
    IS(ks_pad(VARIABLE(g, "s", KS_F32, KS_SCALAR, 3), ((ks_ints){0}), ((ks_ints){0}), KS_PAD_CONSTANT, 0), 3);
    IS(ks_pad(NOTHING(g, "none", KS_F64, KS_SHAPE(0)), KS_INTS(1), KS_INTS(2), KS_PAD_CONSTANT, 5), 5, 5, 5);
    EVERY_DTYPE(dtype) IS(ks_pad(ks_ones(g, dtype, KS_SHAPE(1)), KS_INTS(1), KS_INTS(1), KS_PAD_CONSTANT, 1), 1, 1, 1);
    IS(ks_gradient(ks_square(ks_pad(x, KS_INTS(1, 1), KS_INTS(1, 1), KS_PAD_CONSTANT, 7)), x), 2, 4, 6, 8, 10, 12);
    DIFFERENTIATES(ks_pad(x, KS_INTS(1, 2), KS_INTS(3, 0), KS_PAD_CONSTANT, 0.5), x);
}

/* numpy.pad([[1, 2, 3], [4, 5, 6]], ((1, 0), (2, 1)), mode='reflect') */
Test(pad, reflected_at_the_outermost_element)
{
    ks_node *x = matrix();
    IS(ks_pad(x, KS_INTS(1, 2), KS_INTS(0, 1), KS_PAD_REFLECT, 0), 6, 5, 4, 5, 6, 5, 3, 2, 1, 2, 3, 2, 6, 5, 4, 5, 6, 5);
    DIFFERENTIATES(ks_pad(x, KS_INTS(1, 2), KS_INTS(1, 2), KS_PAD_REFLECT, 0), x);
    IS(ks_gradient(ks_sum_all(ks_pad(x, KS_INTS(0, 2), KS_INTS(0, 1), KS_PAD_REFLECT, 0)), x), 1, 3, 2, 1, 3, 2);
}

/* numpy.pad(..., mode='edge') */
Test(pad, the_outermost_element_goes_on)
{
    ks_node *x = matrix();
    IS(ks_pad(x, KS_INTS(0, 2), KS_INTS(1, 1), KS_PAD_EDGE, 0), 1, 1, 1, 2, 3, 3, 4, 4, 4, 5, 6, 6, 4, 4, 4, 5, 6, 6);
    DIFFERENTIATES(ks_pad(x, KS_INTS(3, 2), KS_INTS(1, 4), KS_PAD_EDGE, 0), x);
    IS(ks_gradient(ks_sum_all(ks_pad(x, KS_INTS(0, 2), KS_INTS(1, 1), KS_PAD_EDGE, 0)), x), 3, 1, 2, 6, 2, 4);
}

Test(pad, large_ones_are_transposed_in_each_mode)
{
    ks_node *x = counted(g, "x", KS_SHAPE(20, 60, 70));
    for (int mode = KS_PAD_CONSTANT; mode <= KS_PAD_EDGE; mode++) {
        TRANSPOSES(ks_pad(x, KS_INTS(2, 3, 4), KS_INTS(5, 0, 1), (ks_pad_mode)mode, 0), x);
        TRANSPOSES(ks_pad(x, KS_INTS(0, 3, 0), KS_INTS(0, 2, 0), (ks_pad_mode)mode, 0), x);
    }
}

Test(pad, an_open_axis_is_padded)
{
    ks_node *x = ks_input(g, "x", KS_F64, KS_SHAPE(ks_dim(g, "N")));
    ks_node *y = ks_named("y", ks_pad(x, KS_INTS(1), KS_INTS(2), KS_PAD_REFLECT, 0)), *dx = ks_gradient(ks_square(y), x);
    cr_assert(ks_feed(x, KS_F64, KS_SHAPE(3), KS__VALUES(1, 2, 3)));
    IS(y, 2, 1, 2, 3, 2, 1);
    IS(dx, 4, 12, 6);
    cr_assert(ks_feed(x, KS_F64, KS_SHAPE(4), KS__VALUES(1, 2, 3, 4)));
    IS(y, 2, 1, 2, 3, 4, 3, 2);
    IS(dx, 2, 12, 12, 8);
    cr_assert(ks_feed(x, KS_F64, KS_SHAPE(2), KS__VALUES(1, 2)));
    NO_VALUE(y, KS_BAD_SHAPE, "pad 'y': axis 0 has 2 elements, and fewer than that can be reflected, not 2: 'x' is [2]");
}

Test(pad, the_value_may_change_without_a_new_plan)
{
    ks_node *x = VARIABLE(g, "x", KS_F64, KS_SHAPE(2), 1, 2);
    int64_t mark = ks_graph_mark(g);
    for (int value = 0; value < 3; value++) {
        cr_assert(ks_graph_release(g, mark));
        IS(ks_pad(x, KS_INTS(1), KS_INTS(0), KS_PAD_CONSTANT, value), value, 1, 2);
    }
}

Test(pad, what_can_not_be_padded_is_refused)
{
    ks_node *x = matrix(), *none = NOTHING(g, "none", KS_F64, KS_SHAPE(0));
    REFUSED(g, ks_pad(x, KS_INTS(1), KS_INTS(1, 1), KS_PAD_EDGE, 0), KS_BAD_SHAPE,
            "pad: begin has 1 numbers and end 2: give one for each axis: 'x' is [2, 3]");
    REFUSED(g, ks_pad(x, KS_INTS(0, -1), NONE, KS_PAD_EDGE, 0), KS_BAD_ARGUMENT,
            "pad: axis 1 is padded by -1 and 0: ks_slice takes elements away");
    REFUSED(g, ks_pad(x, NONE, NONE, (ks_pad_mode)3, 0), KS_BAD_ARGUMENT, "pad: mode 3 is none of 0 (constant), 1 (reflect) and 2 (edge)");
    REFUSED(g, ks_pad(x, NONE, KS_INTS(2, 0), KS_PAD_REFLECT, 0), KS_BAD_SHAPE,
            "pad: axis 0 has 2 elements, and fewer than that can be reflected, not 2: 'x' is [2, 3]");
    REFUSED(g, ks_pad(none, KS_INTS(1), KS_INTS(0), KS_PAD_EDGE, 0), KS_BAD_SHAPE,
            "pad: axis 0 is empty, so it has no outermost element to repeat: 'none' is [0]");
    REFUSED(g, ks_pad(x, KS_INTS(INT64_MAX, 0), NONE, KS_PAD_CONSTANT, 0), KS_BAD_SHAPE,
            "pad: axis 0, padded, is beyond what memory can hold: 'x' is [2, 3]");
    NO_VALUE(ks_named("p", ks_pad(VARIABLE(g, "u", KS_U8, KS_SHAPE(1), 1), KS_INTS(1), KS_INTS(0), KS_PAD_CONSTANT, 0.5)), KS_BAD_DTYPE,
             "pad 'p': the value 0.5 is no u8: pad with one that is");
}
