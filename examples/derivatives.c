/*
 * derivatives.c - derivatives of every kind, on functions small enough to check by hand.
 */
#include <keisan/keisan.h>
#include <stdio.h>

static ks_node *variable(ks_graph *g, const char *name, const double *values, int64_t n)
{
    ks_node *x = ks_variable(g, name, KS_F64, KS_SHAPE(n), KS_UNSET);
    ks_set(x, KS_F64, values);
    return x;
}

static void print(const char *what, ks_node *node)
{
    const double *v = ks_value(node);
    int64_t count = v ? ks_shape_count(ks_value_shape(node)) : 0;
    printf("%s", what);
    for (int64_t i = 0; i < count; i++)
        printf(" %.6g", v[i]);
    printf("\n");
}

/* y = [x0^2 x1, sin x2]: forward mode asks where one input leads, reverse mode where one output comes from. */
static void both_modes(ks_graph *g)
{
    ks_node *x = variable(g, "x", (double[]){3, 2, 0}, 3);
    ks_node *x0 = ks_slice(x, 0, 0, 1), *x1 = ks_slice(x, 0, 1, 2), *x2 = ks_slice(x, 0, 2, 3);
    ks_node *y = ks_concat(((ks_node *[]){ks_mul(ks_square(x0), x1), ks_sin(x2)}), 2, 0);
    ks_node *tangent = ks_constant(g, KS_F64, KS_SHAPE(3), ((double[]){1, 0, 0}));
    print("forward, x0 moves alone:", ks_jvp(y, &x, &tangent, 1));
    print("reverse, of y0 alone:", ks_gradient(ks_slice(y, 0, 0, 1), x));
    print("Jacobian, row by row:", ks_jacobian(y, x, NULL));
}

/* Differences of neighbours: element i hangs on x[i] and x[i + 1] only, so two passes give the whole Jacobian. */
static void sparse(ks_graph *g)
{
    ks_node *x = variable(g, "s", (double[]){1, 2, 3, 4, 5}, 5);
    ks_node *y = ks_square(ks_sub(ks_slice(x, 0, 1, 5), ks_slice(x, 0, 0, 4)));
    ks_sparsity s;
    if (!ks_jacobian_sparsity(y, x, &s))
        return;
    for (int64_t i = 0; i < s.rows; i++) {
        char line[] = ". . . . .";
        for (int64_t k = s.row_start[i]; k < s.row_start[i + 1]; k++)
            line[2 * s.column[k]] = 'x';
        printf("  %s\n", line);
    }
    printf("%lld entries in %lld passes:", (long long)s.entries, (long long)s.colours);
    print("", ks_sparse_jacobian(y, x, &s));
    ks_sparsity_free(&s);
}

/* Rosenbrock's valley: (1 - a)^2 + 100 (b - a^2)^2, least at (1, 1). Newton's step solves H s = gradient. */
static void newton(ks_graph *g)
{
    ks_node *p = variable(g, "p", (double[]){-1.2, 1}, 2), *a = ks_slice(p, 0, 0, 1), *b = ks_slice(p, 0, 1, 2);
    ks_node *f = ks_sum_all(ks_add(ks_square(ks_sub(ks_number(g, 1), a)), ks_mul(ks_number(g, 100), ks_square(ks_sub(b, ks_square(a))))));
    ks_node *gradient = ks_gradient(f, p), *hessian = ks_hessian(f, p);
    ks_node *v = ks_constant(g, KS_F64, KS_SHAPE(2), ((double[]){1, 1})), *product;
    ks_hvp(f, &p, &v, 1, &product);
    print("Hessian:", hessian);
    print("Hessian times (1, 1), without the Hessian:", product);
    ks_node *step = ks_assign(p, ks_sub(p, ks_solve(hessian, gradient)));
    for (int i = 0; i < 6 && ks_run(g, NULL, 0, &step, 1, NULL); i++)
        print("  Newton:", p);
}

int main(void)
{
    ks_graph *g = ks_graph_new(NULL);
    both_modes(g);
    sparse(g);
    newton(g);
    if (ks_error(g))
        fprintf(stderr, "%s\n", ks_error(g)->message);
    int status = ks_error(g) != NULL;
    ks_graph_free(g);
    return status;
}

/*
 * forward, x0 moves alone: 12 0
 * reverse, of y0 alone: 12 9 0
 * Jacobian, row by row: 12 9 0 0 0 1
 *   x x . . .
 *   . x x . .
 *   . . x x .
 *   . . . x x
 * 8 entries in 2 passes: -2 2 -2 2 -2 2 -2 2
 * Hessian: 1330 480 480 200
 * Hessian times (1, 1), without the Hessian: 1810 680
 *   Newton: -1.17528 1.38067
 *   Newton: 0.763115 -3.17503
 *   Newton: 0.76343 0.582825
 *   Newton: 0.999995 0.944027
 *   Newton: 0.999996 0.999991
 *   Newton: 1 1
 */
