/*
 * test_stop.c - where derivatives end: ks_stop_gradient, what has none, and the sentences of ks_why_no_gradient.
 */
#include "autodiff.h"

Test(stop, passes_the_value_and_no_derivative)
{
    ks_graph *g = graph();
    ks_node *x = fed(g, "x", 3), *y = ks_mul(x, ks_stop_gradient(x));
    expect_exactly(ks_scalar(y), 9);
    expect_exactly(slope(y, x), 3);
    done(g);
}

Test(stop, holds_a_part_fixed_at_every_order)
{
    /* x (x held): first 3, second 0 */
    ks_graph *g = graph();
    ks_node *x = fed(g, "x", 3), *first = ks_gradient(ks_mul(x, ks_stop_gradient(x)), x);
    expect_exactly(slope(first, x), 0);
    done(g);
}

Test(stop, behind_it_the_value_still_changes)
{
    ks_graph *g = graph();
    ks_node *x = fed(g, "x", 3), *y = ks_stop_gradient(ks_square(x));
    expect_exactly(ks_scalar(y), 9);
    feed(x, 4);
    expect_exactly(ks_scalar(y), 16);
    expect_exactly(slope(y, x), 0);
    done(g);
}

Test(stop, a_gradient_may_be_held_too)
{
    /* x - 0.1 dy/dx with the gradient held: derivative 1 */
    ks_graph *g = graph();
    ks_node *x = fed(g, "x", 3), *d = ks_gradient(ks_square(x), x);
    ks_node *held = ks_sub(x, ks_mul(ks_number(g, 0.1), ks_stop_gradient(d))), *open = ks_sub(x, ks_mul(ks_number(g, 0.1), d));
    expect_exactly(slope(held, x), 1);
    expect_near(slope(open, x), 0.8, 1e-15);
    done(g);
}

/* ---- in a sentence ------------------------------------------------------------------------------------- */

#define expect_why(y, x, text)                                                                                                             \
    do {                                                                                                                                   \
        const char *why_ = ks_why_no_gradient(y, x);                                                                                       \
        cr_assert_not_null(why_);                                                                                                          \
        cr_expect_str_eq(why_, text);                                                                                                      \
    } while (0)

Test(stop, nothing_to_say_where_there_is_a_path)
{
    ks_graph *g = graph();
    ks_node *x = fed(g, "x", 3), *y = ks_square(x);
    cr_expect_null(ks_why_no_gradient(y, x));
    cr_expect_null(ks_why_no_gradient(x, x));
    cr_expect_null(ks_why_no_gradient(ks_add(y, ks_stop_gradient(y)), x), "one path is enough");
    done(g);
}

Test(stop, says_that_there_is_no_path_at_all)
{
    ks_graph *g = graph();
    ks_node *x = fed(g, "x", 3), *w = fed(g, "w", 1), *y = ks_named("y", ks_square(x));
    expect_why(y, w, "'y' does not depend on 'w'");
    expect_why(x, y, "'x' does not depend on 'y'");
    done(g);
}

Test(stop, says_where_it_was_stopped)
{
    ks_graph *g = graph();
    ks_node *x = fed(g, "x", 3), *y = ks_named("y", ks_square(ks_named("held", ks_stop_gradient(ks_exp(x)))));
    expect_why(y, x, "the path from 'x' to 'y' ends at 'held' (stop_gradient): it stops derivatives");
    done(g);
}

Test(stop, says_what_is_flat)
{
    ks_graph *g = graph();
    ks_node *x = fed(g, "x", 3), *y = ks_named("y", ks_mul(ks_named("fires", ks_step_function(x)), ks_number(g, 2)));
    expect_why(
        y, x,
        "the path from 'x' to 'y' ends at 'fires' (step): it is flat: its derivative is 0 wherever there is one; sigmoid is a smooth "
        "step");
    done(g);
}

Test(stop, says_what_gives_no_numbers_with_a_derivative)
{
    ks_graph *g = graph();
    ks_node *x = given(g, "x", KS_SHAPE(3), VALUES(1, 3, 2)), *best = ks_named("best", ks_argmax(x, 0, false));
    ks_node *y = ks_named("y", ks_cast(best, KS_F64));
    const char *why = ks_why_no_gradient(y, x);
    cr_assert_not_null(why);
    cr_expect_eq(strncmp(why, "the path from 'x' to 'y' ends at 'best' (argmax): ", 50), 0, "%s", why);
    done(g);
}

Test(stop, says_that_only_a_shape_is_taken)
{
    ks_graph *g = graph();
    ks_node *x = given(g, "x", KS_SHAPE(3), VALUES(1, 3, 2)), *s = fed(g, "s", 2), *y = ks_named("y", ks_expand(s, x, KS_ABSENT));
    expect_why(y, x, "the path from 'x' to 'y' ends at 'y' (expand): only a shape or an index is taken from it there");
    cr_expect_null(ks_why_no_gradient(y, s));
    done(g);
}

Test(stop, says_that_a_comparison_ends_it)
{
    ks_graph *g = graph();
    ks_node *x = fed(g, "x", 3),
            *y = ks_named("y", ks_where(ks_named("large", ks_greater(x, ks_number(g, 1))), fed(g, "a", 1), fed(g, "b", 2)));
    const char *why = ks_why_no_gradient(y, x);
    cr_assert_not_null(why);
    cr_expect_eq(strncmp(why, "the path from 'x' to 'y' ends at 'large' (greater): ", 52), 0, "%s", why);
    done(g);
}

Test(stop, says_that_whole_numbers_have_none)
{
    ks_graph *g = graph();
    ks_node *t = ks_input(g, "t", KS_I64, KS_SHAPE(3)), *y = ks_named("y", ks_cast(t, KS_F64));
    expect_why(y, t, "'t' is i64, and only f32 and f64 have derivatives");
    done(g);
}

Test(stop, the_sentence_is_the_graphs_and_the_next_replaces_it)
{
    ks_graph *g = graph();
    ks_node *x = fed(g, "x", 3), *w = fed(g, "w", 1);
    expect_why(x, w, "'x' does not depend on 'w'");
    expect_why(w, x, "'w' does not depend on 'x'");
    cr_expect_null(ks_why_no_gradient(x, x));
    cr_expect_null(ks_why_no_gradient(NULL, x));
    done(g);
}

static bool copy_kernel(const ks_call *call, ks_failure *failure)
{
    (void)failure;
    memcpy(call->out->data, call->in[0].data, (size_t)call->out->count * ks_dtype_size(call->out->dtype));
    return true;
}

static ks_node *first_pullback(ks_node *y, int i, ks_node *u)
{
    (void)y;
    return i == 0 ? u : NULL;
}

static const ks_op first = {.size = sizeof(ks_op),
                            .name = "user.first",
                            .types = "TT>T",
                            .inputs = "a b",
                            .infer = ks_infer_same,
                            .kernel = copy_kernel,
                            .pullback = first_pullback};

Test(stop, says_which_input_has_no_derivative)
{
    ks_graph *g = graph();
    ks_node *in[] = {fed(g, "a", 1), fed(g, "b", 2)}, *y = ks_named("y", ks_apply(g, &first, in, 2, NULL));
    expect_why(ks_exp(y), in[1], "the path from 'b' to 'exp_1' ends at 'y' (user.first): it has no derivative with respect to that input");
    cr_expect_null(ks_why_no_gradient(ks_exp(y), in[0]));
    done(g);
}
