/*
 * fixed_point.c - a derivative through a loop that ends when it is good enough.
 *
 * x = (x + a / x) / 2, again and again, is the square root of a (Heron). The derivative goes back through as many steps as were taken: the
 * slope is 1 / (2 root), and the derivative of that -1 / (4 root^3).
 */
#include <keisan/keisan.h>
#include <stdio.h>

/* Whether x is not good enough yet. */
static ks_function *goes_on(void)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *x = ks_input(g, "x", KS_F64, KS_SCALAR), *a = ks_input(g, "a", KS_F64, KS_SCALAR);
    ks_output(g, "goes_on", ks_greater(ks_abs(ks_sub(ks_square(x), a)), ks_number(g, 1e-12)));
    return ks_function_new("goes_on", g);
}

static ks_function *better(void)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *x = ks_input(g, "x", KS_F64, KS_SCALAR), *a = ks_input(g, "a", KS_F64, KS_SCALAR);
    ks_output(g, "next", ks_mul(ks_number(g, 0.5), ks_add(x, ks_div(a, x))));
    return ks_function_new("better", g);
}

int main(void)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_function *condition = goes_on(), *body = better();
    ks_node *a = ks_input(g, "a", KS_F64, KS_SCALAR), *root = NULL, *steps = NULL;
    ks_while(condition, body, ((ks_node *[]){a, a}), 1, 50, &root, &steps); /* x begins as a; a is a constant of the loop */
    ks_node *slope = ks_gradient(root, a), *bend = ks_gradient(slope, a);

    static const double values[] = {2, 9, 100};
    for (int i = 0; i < 3 && ks_feed(a, KS_F64, KS_SCALAR, &values[i]); i++)
        printf("root of %g: %.10g after %g steps, slope %.10g, its slope %.10g\n", values[i], ks_scalar(root), ks_scalar(steps),
               ks_scalar(slope), ks_scalar(bend));

    if (ks_error(g))
        fprintf(stderr, "%s\n", ks_error(g)->message);
    int status = ks_error(g) != NULL;
    ks_graph_free(g);
    ks_function_free(condition);
    ks_function_free(body);
    return status;
}

/*
 * root of 2: 1.414213562 after 5 steps, slope 0.3535533906, its slope -0.08838834765
 * root of 9: 3 after 6 steps, slope 0.1666666667, its slope -0.009259259259
 * root of 100: 10 after 8 steps, slope 0.05, its slope -0.00025
 */
