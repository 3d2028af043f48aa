/*
 * newton.c - the minimum of y = x^4 - 2x^2 by Newton's method: x <- x - y'/y''.
 *
 * A derivative is a node like any other, so the second derivative is the derivative of the first (DeZero, steps 29 and 33).
 */
#include <keisan/keisan.h>
#include <stdio.h>

int main(void)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *x = ks_variable(g, "x", KS_F64, KS_SCALAR, KS_FILL(2));
    ks_node *y = ks_sub(ks_pow(x, ks_number(g, 4)), ks_mul(ks_number(g, 2), ks_pow(x, ks_number(g, 2))));

    ks_node *dy = ks_gradient(y, x);
    ks_node *ddy = ks_gradient(dy, x);
    ks_node *step = ks_assign(x, ks_sub(x, ks_div(dy, ddy)));

    for (int i = 0; i < 10; i++) {
        printf("%d %.12g\n", i, ks_scalar(x));
        if (!ks_run(g, NULL, 0, &step, 1, NULL))
            break;
    }

    if (ks_error(g))
        fprintf(stderr, "%s\n", ks_error(g)->message);
    int status = ks_error(g) != NULL;
    ks_graph_free(g);
    return status;
}

/*
 * 0 2
 * 1 1.45454545455
 * 2 1.15104678938
 * 3 1.02532592898
 * 4 1.00090845194
 * 5 1.00000123531
 * 6 1
 * 7 1
 * 8 1
 * 9 1
 */
