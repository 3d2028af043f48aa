/*
 * test_fill.c - tensors out of nothing, positions along open axes, and tensors split and stacked.
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

TestSuite(fill, .init = open, .fini = close);

Test(fill, full_is_one_value_of_any_dtype)
{
    EVERY_DTYPE(dtype)
    {
        IS(ks_full(g, dtype, KS_SHAPE(2, 2), 1), 1, 1, 1, 1);
        DTYPE_IS(ks_full(g, dtype, KS_SHAPE(2, 2), 1), dtype);
    }
    IS(ks_zeros(g, KS_F32, KS_SHAPE(3)), 0, 0, 0);
    IS(ks_ones(g, KS_F64, KS_SCALAR), 1);
    IS(ks_full(g, KS_F32, KS_SHAPE(2), -INFINITY), -INF_, -INF_);
    SHAPE_IS(ks_zeros(g, KS_F32, KS_SHAPE(3, 0)), 3, 0);
    REFUSED(g, ks_full(g, KS_U8, KS_SHAPE(2), 0.5), KS_BAD_ARGUMENT, "full: the value 0.5 is no u8");
    REFUSED(g, ks_zeros(g, KS_F32, KS_SHAPE(ks_dim(g, "N"))), KS_BAD_SHAPE,
            "full: the shape [N] is open: ks_full_like takes one that is known when it runs");
    REFUSED(g, ks_zeros(g, (ks_dtype)9, KS_SHAPE(1)), KS_BAD_DTYPE, "full: 9 is no dtype: use f32, f64, i32, i64, u8 or bool");
}

Test(fill, like_another_whose_size_is_open)
{
    ks_node *x = ks_input(g, "x", KS_I32, KS_SHAPE(ks_dim(g, "N"), 2)), *y = ks_full_like(x, 7), *z = ks_zeros_like(x);
    DTYPE_IS(y, KS_I32);
    cr_assert(ks_feed(x, KS_I32, KS_SHAPE(2, 2), ((const int32_t[]){1, 2, 3, 4})));
    IS(y, 7, 7, 7, 7);
    IS(z, 0, 0, 0, 0);
    cr_assert(ks_feed(x, KS_I32, KS_SHAPE(1, 2), ((const int32_t[]){1, 2})));
    IS(ks_ones_like(x), 1, 1);
}

/* numpy.arange */
Test(fill, arange_goes_by_steps_and_leaves_the_end_out)
{
    IS(ks_arange(g, KS_I64, 0, 4, 1), 0, 1, 2, 3);
    IS(ks_arange(g, KS_F32, 1, 2, 0.25), 1, 1.25, 1.5, 1.75);
    IS(ks_arange(g, KS_I32, 5, -2, -3), 5, 2, -1);
    IS(ks_arange(g, KS_U8, 250, 256, 2), 250, 252, 254);
    SHAPE_IS(ks_arange(g, KS_F64, 3, 3, 1), 0);
    SHAPE_IS(ks_arange(g, KS_F64, 3, 1, 1), 0);
    REFUSED(g, ks_arange(g, KS_F64, 0, 1, 0), KS_BAD_ARGUMENT, "arange: from 0 to 1 by steps of 0 no end is reached");
    REFUSED(g, ks_arange(g, KS_F64, 0, INFINITY, 1), KS_BAD_ARGUMENT, "arange: from 0 to inf by steps of 1 no end is reached");
    REFUSED(g, ks_arange(g, KS_I32, 0, 2, 0.5), KS_BAD_ARGUMENT, "arange: the step 0.5 is no whole number: use f32 or f64");
    REFUSED(g, ks_arange(g, KS_U8, 0, 300, 1), KS_BAD_ARGUMENT, "arange: the last element 299 is no u8");
    REFUSED(g, ks_arange(g, KS_BOOL, 0, 2, 1), KS_BAD_DTYPE, "arange: bool does not count: use f32, f64, i32, i64 or u8");
}

Test(fill, linspace_ends_at_its_end)
{
    IS(ks_linspace(g, KS_F64, -1, 1, 5), -1, -0.5, 0, 0.5, 1);
    IS(ks_linspace(g, KS_F32, 0, 0.1f, 2), 0, (double)0.1f);
    IS(ks_linspace(g, KS_F64, 3, 4, 1), 3);
    SHAPE_IS(ks_linspace(g, KS_F64, 3, 4, 0), 0);
    double out[50];
    cr_assert(ks_read(ks_linspace(g, KS_F64, 0, 0.7, 50), KS_F64, out, 50));
    cr_assert_eq(out[49], 0.7);
    REFUSED(g, ks_linspace(g, KS_I32, 0, 1, 2), KS_BAD_DTYPE, "linspace: what lies between is no whole number: use f32 or f64");
    REFUSED(g, ks_linspace(g, KS_F32, 0, 1, -1), KS_BAD_ARGUMENT, "linspace: count is -1: it is how many numbers there are");
}

Test(fill, positions_count_along_an_open_axis)
{
    ks_node *x = ks_input(g, "x", KS_F32, KS_SHAPE(2, ks_dim(g, "T"))), *p = ks_positions(x, -1);
    /* a place looks back only */
    ks_node *mask = ks_less_equal(ks_unsqueeze(p, KS_INTS(0)), ks_unsqueeze(p, KS_INTS(1)));
    DTYPE_IS(p, KS_I64);
    cr_assert(ks_feed(x, KS_F64, KS_SHAPE(2, 3), KS__VALUES(1, 2, 3, 4, 5, 6)));
    IS(p, 0, 1, 2);
    IS(mask, 1, 0, 0, 1, 1, 0, 1, 1, 1);
    cr_assert(ks_feed(x, KS_F64, KS_SHAPE(2, 1), KS__VALUES(1, 2)));
    IS(p, 0);
    IS(ks_positions(x, 0), 0, 1);
    REFUSED(g, ks_positions(x, 2), KS_BAD_SHAPE, "positions: there is no axis 2: 'x' is [2, T]");
}

/* ---- split and stack ----------------------------------------------------------------------------------- */

Test(fill, split_makes_equal_parts_or_given_ones)
{
    ks_node *x = VARIABLE(g, "x", KS_F64, KS_SHAPE(2, 4), 1, 2, 3, 4, 5, 6, 7, 8), *part[3];
    cr_assert(ks_split(x, 1, 2, part));
    IS(part[0], 1, 2, 5, 6);
    IS(part[1], 3, 4, 7, 8);
    IS(ks_gradient(ks_mul(part[0], part[1]), x), 3, 4, 1, 2, 7, 8, 5, 6);
    cr_assert(ks_split_sizes(x, -1, ((const int64_t[]){1, 0, 3}), 3, part));
    IS(part[0], 1, 5);
    SHAPE_IS(part[1], 2, 0);
    IS(part[2], 2, 3, 4, 6, 7, 8);
    cr_assert_not(ks_split(x, 1, 3, part));
    FAILS(g, KS_BAD_SHAPE, "split: the 4 elements of axis 1 of 'x' are no 3 equal sections: ks_split_sizes takes other sizes");
    cr_assert_null(part[0]);
    cr_assert_not(ks_split(x, 2, 2, part));
    FAILS(g, KS_BAD_SHAPE, "split: 'x' has 2 dimensions, so there is no axis 2");
    cr_assert_not(ks_split(x, 0, 0, part));
    FAILS(g, KS_BAD_ARGUMENT, "split: 0 sections: there is one at least");
    cr_assert_not(ks_split_sizes(x, 1, ((const int64_t[]){1, 2}), 2, part));
    FAILS(g, KS_BAD_SHAPE, "split: the sizes add up to 3, but axis 1 of 'x' has 4 elements");
    cr_assert_not(ks_split_sizes(x, 1, ((const int64_t[]){5, -1}), 2, part));
    FAILS(g, KS_BAD_ARGUMENT, "split: part 1 has size -1");
    ks_node *open_one = ks_input(g, "o", KS_F64, KS_SHAPE(ks_dim(g, "N")));
    cr_assert_not(ks_split(open_one, 0, 2, part));
    FAILS(g, KS_BAD_SHAPE, "split: axis 0 of 'o' is open, so how long a section is is not known: give it a size, or use ks_split_sizes");
    cr_assert_not(ks_split(NULL, 0, 2, part));
}

Test(fill, stack_joins_along_a_new_axis)
{
    ks_node *a = VARIABLE(g, "a", KS_F64, KS_SHAPE(2), 1, 2), *b = VARIABLE(g, "b", KS_F64, KS_SHAPE(2), 3, 4);
    ks_node *both[] = {a, b};
    IS(ks_stack(both, 2, 0), 1, 2, 3, 4);
    IS(ks_stack(both, 2, -1), 1, 3, 2, 4);
    SHAPE_IS(ks_stack(both, 1, 0), 1, 2);
    DIFFERENTIATES(ks_stack(both, 2, 1), a);
    cr_assert_null(ks_stack(((ks_node *[]){a, NULL}), 2, 0));
    cr_assert_null(ks_stack(both, 2, 3));
    FAILS(g, KS_BAD_SHAPE, "unsqueeze: the result, of 2 dimensions, has no axis 3: 'a' is [2]");
}
