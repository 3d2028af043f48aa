/*
 * test_view.c - flatten, squeeze, unsqueeze and broadcast_to: shapes, sizes that are known at the feed, and what is refused.
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

TestSuite(view, .init = open, .fini = close);

static ks_node *block(void)
{
    return VARIABLE(g, "x", KS_F64, KS_SHAPE(2, 1, 3), 1, 2, 3, 4, 5, 6);
}

/* ---- flatten ------------------------------------------------------------------------------------------- */

Test(view, flatten_makes_a_matrix)
{
    ks_node *x = block();
    SHAPE_IS(ks_flatten(x, 1), 2, 3);
    SHAPE_IS(ks_flatten(x, 0), 1, 6);
    SHAPE_IS(ks_flatten(x, 3), 6, 1);
    SHAPE_IS(ks_flatten(x, -1), 2, 3);
    IS(ks_flatten(x, 1), 1, 2, 3, 4, 5, 6);
    SHAPE_IS(ks_flatten(VARIABLE(g, "s", KS_F32, KS_SCALAR, 7), 0), 1, 1);
    SHAPE_IS(ks_flatten(NOTHING(g, "none", KS_F32, KS_SHAPE(0, 2, 3)), 1), 0, 6);
    DIFFERENTIATES(ks_flatten(x, 2), x);
    REFUSED(g, ks_flatten(x, 4), KS_BAD_SHAPE, "flatten: axis 4 is none of 0 to 3: 'x' is [2, 1, 3]");
    REFUSED(g, ks_flatten(x, -4), KS_BAD_SHAPE, "flatten: axis -4 is none of 0 to 3: 'x' is [2, 1, 3]");
}

Test(view, an_open_batch_is_flattened_and_its_gradient_goes_back)
{
    ks_node *x = ks_input(g, "x", KS_F64, KS_SHAPE(ks_dim(g, "N"), 2, 2)), *y = ks_flatten(x, 1), *dx = ks_gradient(ks_square(y), x);
    cr_assert_eq(ks_node_shape(y).dim[0], ks_dim(g, "N"));
    cr_assert_eq(ks_node_shape(y).dim[1], 4);
    cr_assert_eq(ks_node_shape(ks_flatten(x, 0)).dim[1], KS_ANY);
    for (int64_t n = 0; n < 4; n++) {
        cr_assert(ks_feed(x, KS_F64, KS_SHAPE(n, 2, 2), KS__VALUES(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)));
        SHAPE_IS(y, n, 4);
        SHAPE_IS(dx, n, 2, 2);
    }
    cr_assert(ks_feed(x, KS_F64, KS_SHAPE(1, 2, 2), KS__VALUES(1, 2, 3, 4)));
    IS(dx, 2, 4, 6, 8);
}

/* ---- squeeze and unsqueeze ----------------------------------------------------------------------------- */

Test(view, squeeze_leaves_ones_out)
{
    ks_node *x = block(), *one = VARIABLE(g, "one", KS_F64, KS_SHAPE(1, 1), 7);
    SHAPE_IS(ks_squeeze(x, KS_INTS(1)), 2, 3);
    SHAPE_IS(ks_squeeze(x, KS_INTS(-2)), 2, 3);
    SHAPE_IS(ks_squeeze(x, KS_ABSENT), 2, 3);
    SCALAR_IS(ks_squeeze(one, KS_ABSENT));
    SHAPE_IS(ks_squeeze(one, KS_INTS(0)), 1);
    SHAPE_IS(ks_squeeze(NOTHING(g, "none", KS_U8, KS_SHAPE(1, 0)), KS_ABSENT), 0);
    IS(ks_squeeze(x, KS_ABSENT), 1, 2, 3, 4, 5, 6);
    DIFFERENTIATES(ks_squeeze(x, KS_ABSENT), x);
    REFUSED(g, ks_squeeze(x, KS_INTS(0)), KS_BAD_SHAPE,
            "squeeze: axis 0 has 2 elements, and only a dimension of one can go: 'x' is [2, 1, 3]");
    REFUSED(g, ks_squeeze(x, KS_INTS(3)), KS_BAD_SHAPE, "squeeze: there is no axis 3: 'x' is [2, 1, 3]");
    REFUSED(g, ks_squeeze(x, KS_INTS(1, -2)), KS_BAD_ARGUMENT, "squeeze: axis -2 is named twice");
}

Test(view, an_open_axis_is_squeezed_only_by_name)
{
    ks_node *x = ks_input(g, "x", KS_F64, KS_SHAPE(ks_dim(g, "N"), 1));
    REFUSED(g, ks_squeeze(x, KS_ABSENT), KS_BAD_SHAPE,
            "squeeze: axis 0 is open, so it may be one or not: name the axes to squeeze: 'x' is [N, 1]");
    cr_assert_eq(ks_node_shape(ks_squeeze(x, KS_INTS(1))).dim[0], ks_dim(g, "N"));
    ks_node *row = ks_named("row", ks_squeeze(x, KS_INTS(0)));
    cr_assert(ks_feed(x, KS_F64, KS_SHAPE(1, 1), KS__VALUES(5)));
    IS(row, 5);
    cr_assert(ks_feed(x, KS_F64, KS_SHAPE(2, 1), KS__VALUES(5, 6)));
    NO_VALUE(row, KS_BAD_SHAPE, "squeeze 'row': axis 0 has 2 elements, and only a dimension of one can go: 'x' is [2, 1]");
}

Test(view, unsqueeze_puts_ones_in)
{
    ks_node *x = block();
    SHAPE_IS(ks_unsqueeze(x, KS_INTS(0)), 1, 2, 1, 3);
    SHAPE_IS(ks_unsqueeze(x, KS_INTS(-1, 1)), 2, 1, 1, 3, 1);
    SHAPE_IS(ks_unsqueeze(VARIABLE(g, "s", KS_BOOL, KS_SCALAR, 1), KS_INTS(0)), 1);
    IS(ks_unsqueeze(x, KS_INTS(2)), 1, 2, 3, 4, 5, 6);
    DIFFERENTIATES(ks_unsqueeze(x, KS_INTS(0, -1)), x);
    REFUSED(g, ks_unsqueeze(x, KS_INTS(4)), KS_BAD_SHAPE, "unsqueeze: the result, of 4 dimensions, has no axis 4: 'x' is [2, 1, 3]");
    REFUSED(g, ks_unsqueeze(x, KS_INTS(0, -5)), KS_BAD_ARGUMENT, "unsqueeze: axis -5 is named twice");
    REFUSED(g, ks_unsqueeze(x, KS_INTS(0, 1, 2, 3, 4, 5)), KS_BAD_SHAPE,
            "unsqueeze: 6 dimensions more are beyond the 8 that there may be: 'x' is [2, 1, 3]");
}

/* ---- broadcast_to -------------------------------------------------------------------------------------- */

Test(view, broadcast_to_repeats_ones_and_keeps_the_rest)
{
    ks_node *x = VARIABLE(g, "x", KS_F64, KS_SHAPE(2, 1), 1, 2);
    IS(ks_broadcast_to(x, KS_SHAPE(2, 3)), 1, 1, 1, 2, 2, 2);
    IS(ks_broadcast_to(x, KS_SHAPE(2, -1, 2)), 1, 1, 2, 2, 1, 1, 2, 2);
    SHAPE_IS(ks_broadcast_to(x, KS_SHAPE(2, 0)), 2, 0);
    IS(ks_broadcast_to(VARIABLE(g, "s", KS_I32, KS_SCALAR, 7), KS_SHAPE(3)), 7, 7, 7);
    EVERY_DTYPE(dtype) DTYPE_IS(ks_broadcast_to(ks_zeros(g, dtype, KS_SHAPE(1)), KS_SHAPE(4)), dtype);
    DIFFERENTIATES(ks_broadcast_to(x, KS_SHAPE(2, 2, 3)), x);
    REFUSED(g, ks_broadcast_to(x, KS_SHAPE(3, 3)), KS_BAD_SHAPE,
            "broadcast_to: only dimensions of one are repeated, so nothing gets the shape [3, 3]: 'x' is [2, 1]");
    REFUSED(g, ks_broadcast_to(x, KS_SHAPE(2)), KS_BAD_SHAPE,
            "broadcast_to: only dimensions of one are repeated, so nothing gets the shape [2]: 'x' is [2, 1]");
    REFUSED(g, ks_broadcast_to(x, KS_SHAPE(KS_ANY, 2, 1)), KS_BAD_SHAPE,
            "broadcast_to: axis 0 of [?, 2, 1] is new, so there is no size to keep: give it as a number: 'x' is [2, 1]");
    REFUSED(g, ks_broadcast_to(x, ((ks_shape){.rank = 9})), KS_BAD_SHAPE, "broadcast_to: a shape has 0 to 8 dimensions, this one 9");
}

Test(view, an_open_batch_stays_open_when_broadcast)
{
    ks_node *x = ks_input(g, "x", KS_F64, KS_SHAPE(ks_dim(g, "N"), 1)), *y = ks_broadcast_to(x, KS_SHAPE(-1, 2)),
            *dx = ks_gradient(ks_square(y), x);
    cr_assert_eq(ks_node_shape(y).dim[0], ks_dim(g, "N"));
    cr_assert(ks_feed(x, KS_F64, KS_SHAPE(1, 1), KS__VALUES(3)));
    IS(y, 3, 3);
    IS(dx, 12);
    cr_assert(ks_feed(x, KS_F64, KS_SHAPE(3, 1), KS__VALUES(1, 2, 3)));
    IS(y, 1, 1, 2, 2, 3, 3);
    IS(dx, 4, 8, 12);
}
