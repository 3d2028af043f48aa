/*
 * ops/linalg/triangular.c - systems with a triangular matrix.
 */
#include "ops/linalg/system.h"

typedef struct triangular_attrs {
    int64_t lower, trans, unit_diagonal;
} triangular_attrs;

static const ks_attr triangular_table[] = {
    {"lower", KS_ATTR_BOOL, offsetof(triangular_attrs, lower), false, false,
     "whether the triangle is the lower one, as a is given; default true"},
    {"trans", KS_ATTR_BOOL, offsetof(triangular_attrs, trans), false, false, "whether aᵀ x = b is solved; default false"},
    {"unit_diagonal", KS_ATTR_BOOL, offsetof(triangular_attrs, unit_diagonal), false, false,
     "whether ones stand for the diagonal, whatever a has there; default false"},
    {0},
};
static const triangular_attrs triangular_defaults = {.lower = 1};

static int64_t solve_columns(const ks__matrices *m, ks__bench *bench, int64_t job, void *own)
{
    (void)own;
    const triangular_attrs *attrs = m->call->attrs;
    const ks__system *s = m->user;
    ks__triangle t = {.n = s->n, .lower = attrs->lower, .trans = attrs->trans, .unit = attrs->unit_diagonal};
    if (bench->dry) {
        ks__triangular_solve(bench, &t, NULL, s->k, s->columns);
        if (s->k > s->columns)
            ks__triangular_solve(bench, &t, NULL, s->k, s->k - (s->chunks - 1) * s->columns);
        return 0;
    }
    ks__columns c = ks__columns_of(s, job);
    t.a = (const char *)m->call->in[0].data + (size_t)(c.a * s->n * s->n) * ks_dtype_size(bench->dtype);
    ks__triangular_solve(bench, &t, ks__start_columns(m->call, s, &c, NULL), s->k, c.count);
    return 0;
}

static ks__matrices job_of(const ks_call *call, const ks__system *s)
{
    ks__matrices m = {.call = call, .count = s->count * s->chunks, .one = solve_columns, .user = s};
    m.work = (double)s->n * (double)s->n / 2 * (double)s->columns;
    ks__matrices_plan(&m);
    return m;
}

static size_t triangular_scratch(const ks_call *call)
{
    ks__system s = ks__system_of(call);
    return job_of(call, &s).bytes;
}

static bool triangular_kernel(const ks_call *call, ks_failure *failure)
{
    (void)failure;
    ks__system s = ks__system_of(call);
    ks__matrices m = job_of(call, &s);
    int64_t nothing;
    if (call->out->count)
        ks__matrices_run(&m, call->scratch, &nothing);
    return true;
}

static ks_node *triangular_pullback(ks_node *x, int i, ks_node *u)
{
    const triangular_attrs *attrs = ks__attrs(x);
    ks_place at = ks_node_place(x);
    ks_node *a = ks__in(x, 0), *b = ks__in(x, 1);
    ks_node *g = ks_triangular_solve_at(at, a, u, attrs->lower, !attrs->trans, attrs->unit_diagonal);
    if (i == 1)
        return ks__sum_down(at, g, b);
    return ks__triangle_of(at, ks__system_pullback(at, x, g, a, attrs->trans), attrs->lower, attrs->unit_diagonal);
}

static ks_node *triangular_example(ks_graph *g)
{
    ks_node *a = ks__given(g, "a", KS_SHAPE(2, 2, 2), KS__VALUES(2, 9, 1, -1.5, 0.5, 9, -1, 3));
    ks_node *b = ks__given(g, "b", KS_SHAPE(2, 3), KS__VALUES(1, -2, 3, 0.5, 4, -1));
    return ks_triangular_solve(a, b, true, false, false);
}

const ks_op ks__op_triangular_solve = {
    .size = sizeof(ks_op),
    .name = "triangular_solve",
    .formula = "a y = b, or aᵀ y = b",
    .doc = "Solves a y = b for triangular a [..., n, n] and columns b [..., n, k]; the dimensions before the last two broadcast. Only the "
           "triangle that `lower` names is read, below the diagonal too with unit_diagonal, and it alone has a derivative. A zero on the "
           "diagonal divides: the result has infinities or NaN.",
    .types = "TT>T",
    .inputs = "a b",
    .attrs = triangular_table,
    .attrs_size = sizeof(triangular_attrs),
    .defaults = &triangular_defaults,
    .infer = ks__infer_system,
    .kernel = triangular_kernel,
    .scratch = triangular_scratch,
    .pullback = triangular_pullback,
    .derivative = "the triangle of -g yᵀ; g, where aᵀ g = u",
    .example = triangular_example,
};

ks_node *ks_triangular_solve_at(ks_place at, ks_node *a, ks_node *b, bool lower, bool trans, bool unit_diagonal)
{
    triangular_attrs attrs = {.lower = lower, .trans = trans, .unit_diagonal = unit_diagonal};
    if (ks__usable(b) && ks__rank(b) == 1)
        return ks__as_vector(at, ks_triangular_solve_at(at, a, ks__as_column(at, b), lower, trans, unit_diagonal));
    return ks__apply2(at, &ks__op_triangular_solve, a, b, &attrs);
}
