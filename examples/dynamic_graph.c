/*
 * dynamic_graph.c - a graph that C's own `if` and `for` decide, made anew in every iteration.
 *
 * The logarithm of 2, the hard way: exp(x) is a series of as many terms as x needs, and Newton's step is halved where x is far
 * away. ks_graph_release drops what an iteration composed and keeps the variables; what is composed the same again is found in place.
 */
#include <keisan/keisan.h>
#include <math.h>
#include <stdio.h>

/* The series of exp(x), until a term no longer counts: how long it is depends on x. */
static ks_node *series(ks_graph *g, ks_node *x, int *terms)
{
    ks_node *term = ks_number(g, 1), *sum = term;
    for (*terms = 1; *terms == 1 || fabs(ks_scalar(term)) > 1e-9; ++*terms) {
        term = ks_div(ks_mul(term, x), ks_number(g, *terms));
        sum = ks_add(sum, term);
    }
    return sum;
}

int main(void)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *x = ks_variable(g, "x", KS_F64, KS_SCALAR, KS_FILL(3));
    int64_t mark = ks_graph_mark(g);

    for (int i = 0; i < 9 && !ks_error(g); i++) {
        int terms;
        ks_node *y = series(g, x, &terms);
        ks_node *slope = ks_gradient(y, x);
        double error = ks_scalar(y) - 2;
        ks_node *way = ks_div(ks_sub(y, ks_number(g, 2)), slope);
        if (error > 5)
            way = ks_mul(way, ks_number(g, 0.5));
        printf("x %.6f: %2d terms give exp(x) = %.6f, slope %.6f\n", ks_scalar(x), terms, ks_scalar(y), ks_scalar(slope));
        ks_node *step = ks_assign(x, ks_sub(x, way));
        ks_run(g, NULL, 0, &step, 1, NULL);
        ks_graph_release(g, mark);
    }

    if (ks_error(g))
        fprintf(stderr, "%s\n", ks_error(g)->message);
    int status = ks_error(g) != NULL;
    ks_graph_free(g);
    return status;
}

/*
 * x 3.000000: 22 terms give exp(x) = 20.085537, slope 20.085537
 * x 2.549787: 20 terms give exp(x) = 12.804377, slope 12.804377
 * x 2.127885: 19 terms give exp(x) = 8.397091, slope 8.397091
 * x 1.746974: 17 terms give exp(x) = 5.737217, slope 5.737217
 * x 1.095575: 14 terms give exp(x) = 2.990903, slope 2.990903
 * x 0.764270: 13 terms give exp(x) = 2.147426, slope 2.147426
 * x 0.695617: 12 terms give exp(x) = 2.004947, slope 2.004947
 * x 0.693150: 12 terms give exp(x) = 2.000006, slope 2.000006
 * x 0.693147: 12 terms give exp(x) = 2.000000, slope 2.000000
 */
