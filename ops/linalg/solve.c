/*
 * ops/linalg/solve.c - systems with any matrix, and the inverse: factors by elimination, then two triangular solutions.
 *
 * Each matrix of the batch is factored once, into the workspace, however many systems it broadcasts to.
 */
#include "ops/linalg/system.h"

typedef struct solve_attrs {
    int64_t trans;
} solve_attrs;

static const ks_attr solve_table[] = {
    {"trans", KS_ATTR_BOOL, offsetof(solve_attrs, trans), false, false, "whether aᵀ y = b is solved; default false"},
    {0},
};

/* ---- the work ------------------------------------------------------------------------------------------ */

/* The factors, the order into which rows went, and the two rounds of jobs. */
typedef struct work {
    ks__system s;
    bool trans;
    char *factors, *jobs;
    int64_t *order; /* [count_a][n]: row i of the factors is row order[i] of a; [count_a][n] more for the exchanges */
    ks__matrices factor, solve;
    size_t bytes;
} work;

static int64_t factor_one(const ks__matrices *m, ks__bench *bench, int64_t i, void *own)
{
    (void)own;
    const work *w = m->user;
    int64_t n = w->s.n;
    if (bench->dry)
        return ks__lu(bench, NULL, NULL, n);
    size_t bytes = (size_t)(n * n) * ks_dtype_size(bench->dtype);
    char *a = w->factors + (size_t)i * bytes;
    int64_t *order = w->order + i * n, *pivot = w->order + (w->s.count_a + i) * n;
    memcpy(a, (const char *)m->call->in[0].data + (size_t)i * bytes, bytes);
    int64_t zero = ks__lu(bench, a, pivot, n);
    for (int64_t k = 0; k < n; k++)
        order[k] = k;
    for (int64_t k = 0; k < n; k++) {
        int64_t held = order[k];
        order[k] = order[pivot[k]];
        order[pivot[k]] = held;
    }
    return zero;
}

/* The rows of x go where elimination took them from: the exchanges backwards. */
static void exchange_back(const ks__system *s, const ks__columns *c, ks_dtype dtype, char *x, const int64_t *pivot)
{
    size_t size = ks_dtype_size(dtype), bytes = (size_t)c->count * size, words = bytes / 4;
    for (int64_t i = s->n - 1; i >= 0; i--) {
        char *one = x + (size_t)(i * s->k) * size, *other = x + (size_t)(pivot[i] * s->k) * size;
        for (size_t k = 0; one != other && k < words; k++) {
            uint32_t held, moved;
            memcpy(&held, one + 4 * k, 4);
            memcpy(&moved, other + 4 * k, 4);
            memcpy(one + 4 * k, &moved, 4);
            memcpy(other + 4 * k, &held, 4);
        }
    }
}

static int64_t solve_columns(const ks__matrices *m, ks__bench *bench, int64_t job, void *own)
{
    (void)own;
    const work *w = m->user;
    const ks__system *s = &w->s;
    ks__triangle lower = {.n = s->n, .lower = true, .unit = true, .trans = w->trans}, upper = {.n = s->n, .trans = w->trans};
    int64_t columns[2] = {s->columns, s->k - (s->chunks - 1) * s->columns};
    for (int k = 0; bench->dry && k < 2; k++) {
        ks__triangular_solve(bench, &lower, NULL, s->k, columns[k]);
        ks__triangular_solve(bench, &upper, NULL, s->k, columns[k]);
    }
    if (bench->dry)
        return 0;
    ks__columns c = ks__columns_of(s, job);
    lower.a = upper.a = w->factors + (size_t)(c.a * s->n * s->n) * ks_dtype_size(bench->dtype);
    void *x = ks__start_columns(m->call, s, &c, w->trans ? NULL : w->order + c.a * s->n);
    ks__triangular_solve(bench, w->trans ? &upper : &lower, x, s->k, c.count);
    ks__triangular_solve(bench, w->trans ? &lower : &upper, x, s->k, c.count);
    if (w->trans)
        exchange_back(s, &c, bench->dtype, x, w->order + (s->count_a + c.a) * s->n);
    return 0;
}

static void plan_work(work *w, const ks_call *call)
{
    const solve_attrs *attrs = call->attrs;
    *w = (work){.s = ks__system_of(call), .trans = attrs && attrs->trans};
    double n = (double)w->s.n;
    w->factor = (ks__matrices){.call = call, .count = w->s.count_a, .work = n * n * n / 3 + n, .one = factor_one, .user = w};
    w->solve = (ks__matrices){.call = call, .count = w->s.count * w->s.chunks, .one = solve_columns, .user = w};
    w->solve.work = n * n * (double)w->s.columns;
    ks__matrices_plan(&w->factor);
    ks__matrices_plan(&w->solve);
    size_t factors = ks__aligned((size_t)(w->s.count_a * w->s.n * w->s.n) * ks_dtype_size(call->out->dtype));
    size_t orders = ks__aligned((size_t)(2 * w->s.count_a * w->s.n) * sizeof(int64_t));
    w->factors = call->scratch;
    w->order = (int64_t *)(void *)(w->factors + (call->scratch ? factors : 0));
    w->jobs = w->factors + (call->scratch ? factors + orders : 0);
    w->bytes = factors + orders + (w->factor.bytes > w->solve.bytes ? w->factor.bytes : w->solve.bytes);
}

static size_t solve_scratch(const ks_call *call)
{
    work w;
    plan_work(&w, call);
    return w.bytes;
}

static bool solve_kernel(const ks_call *call, ks_failure *failure)
{
    work w;
    char text[KS__WHICH_TEXT];
    if (!call->out->count)
        return true;
    plan_work(&w, call);
    int64_t pivot = 0, at = ks__matrices_run(&w.factor, w.jobs, &pivot);
    if (at >= 0)
        return ks__kernel_fail(failure, KS_BAD_ARGUMENT, "%s is singular: pivot %lld of its elimination is zero",
                               ks__which(w.s.count_a, at, text), (long long)pivot);
    ks__matrices_run(&w.solve, w.jobs, &pivot);
    return true;
}

/* ---- solve --------------------------------------------------------------------------------------------- */

static ks_node *solve_at(ks_place at, ks_node *a, ks_node *b, bool trans)
{
    return ks__apply2(at, &ks__op_solve, a, b, &(solve_attrs){trans});
}

static ks_node *solve_pullback(ks_node *x, int i, ks_node *u)
{
    const solve_attrs *attrs = ks__attrs(x);
    ks_place at = ks_node_place(x);
    ks_node *a = ks__in(x, 0), *g = solve_at(at, a, u, !attrs->trans);
    return i == 1 ? ks__sum_down(at, g, ks__in(x, 1)) : ks__system_pullback(at, x, g, a, attrs->trans);
}

static ks_node *solve_example(ks_graph *g)
{
    ks_node *a = ks__given(g, "a", KS_SHAPE(2, 2, 2), KS__VALUES(1, 2, -3, 0.5, 0.5, 1.5, -1, 3));
    return ks_solve(a, ks__given(g, "b", KS_SHAPE(2, 3), KS__VALUES(1, -2, 3, 0.5, 4, -1)));
}

const ks_op ks__op_solve = {
    .size = sizeof(ks_op),
    .name = "solve",
    .formula = "a y = b, or aᵀ y = b",
    .doc = "Solves a y = b for square a [..., n, n] and columns b [..., n, k], by elimination with the greatest pivot of each column. The "
           "dimensions before the last two broadcast. A singular matrix is an error that names the pivot that is zero; a matrix that is "
           "nearly singular gives a result that is as uncertain. It is quicker and more exact than a product with the inverse.",
    .types = "TT>T",
    .inputs = "a b",
    .attrs = solve_table,
    .attrs_size = sizeof(solve_attrs),
    .infer = ks__infer_system,
    .kernel = solve_kernel,
    .scratch = solve_scratch,
    .pullback = solve_pullback,
    .derivative = "-g yᵀ; g, where aᵀ g = u",
    .example = solve_example,
};

ks_node *ks_solve_at(ks_place at, ks_node *a, ks_node *b)
{
    if (ks__usable(b) && ks__rank(b) == 1)
        return ks__as_vector(at, solve_at(at, a, ks__as_column(at, b), false));
    return solve_at(at, a, b, false);
}

/* ---- inverse ------------------------------------------------------------------------------------------- */

static ks_node *inverse_pullback(ks_node *y, int i, ks_node *u)
{
    (void)i;
    ks_place at = ks_node_place(y);
    return ks_neg_at(at, ks__matmul(at, ks__matmul(at, y, u, true, false), y, false, true));
}

static ks_node *inverse_example(ks_graph *g)
{
    return ks_inverse(ks__given(g, "a", KS_SHAPE(2, 2, 2), KS__VALUES(1, 2, -3, 0.5, 0.5, 1.5, -1, 3)));
}

const ks_op ks__op_inverse = {
    .size = sizeof(ks_op),
    .name = "inverse",
    .formula = "y = a⁻¹",
    .doc = "The inverses of square matrices a [..., n, n], by elimination with the greatest pivot of each column. A singular matrix is an "
           "error that names the pivot that is zero. To solve equations use solve.",
    .types = "T>T",
    .inputs = "a",
    .infer = ks__infer_square_same,
    .kernel = solve_kernel,
    .scratch = solve_scratch,
    .pullback = inverse_pullback,
    .derivative = "-yᵀ u yᵀ",
    .example = inverse_example,
};

ks_node *ks_inverse_at(ks_place at, ks_node *a)
{
    return ks__apply1(at, &ks__op_inverse, a, NULL);
}
