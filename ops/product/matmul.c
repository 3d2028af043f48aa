/*
 * ops/product/matmul.c - matrix products with NumPy's meaning: the last two dimensions are matrices, those before them a batch that
 * broadcasts; an operand of one dimension is a row on the left, a column on the right.
 *
 * Either operand can be read transposed, which is how derivatives are written: no matrix is ever turned in memory for them.
 */
#include "ops/product/batch.h"
#include "ops/product/tensordot.h"

typedef struct matmul_attrs {
    int64_t trans_a, trans_b;
} matmul_attrs;

static const ks_attr matmul_table[] = {
    {"trans_a", KS_ATTR_BOOL, offsetof(matmul_attrs, trans_a), false, false,
     "whether a's last two axes are exchanged first; default false"},
    {"trans_b", KS_ATTR_BOOL, offsetof(matmul_attrs, trans_b), false, false,
     "whether b's last two axes are exchanged first; default false"},
    {0},
};

/* ---- sizes --------------------------------------------------------------------------------------------- */

/* The sizes of one operand as a matrix. */
typedef struct sides {
    int64_t rows, inner;
} sides;

/* a [..., rows, inner] or [inner]; of b the same with rows for its columns: `turned` is trans_a, or not trans_b. */
static sides sides_of(const ks_shape *x, bool turned)
{
    int r = x->rank;
    if (r == 1)
        return (sides){1, x->dim[0]};
    return turned ? (sides){x->dim[r - 1], x->dim[r - 2]} : (sides){x->dim[r - 2], x->dim[r - 1]};
}

/* The dimensions before the matrix. */
static ks_shape batch_of(const ks_shape *x)
{
    ks_shape batch = *x;
    batch.rank = x->rank > 2 ? x->rank - 2 : 0;
    return batch;
}

static bool infer_matmul(ks_infer *infer)
{
    const matmul_attrs *attrs = infer->attrs;
    const ks_shape *a = infer->shape[0], *b = infer->shape[1];
    if (a->rank == 0 || b->rank == 0)
        return ks_infer_fail(infer, KS_BAD_SHAPE, "a scalar is no matrix: {0}, {1}: use mul");
    sides left = sides_of(a, attrs->trans_a), right = sides_of(b, !attrs->trans_b);
    int64_t inner;
    if (!ks__dim_same(infer->graph, left.inner, right.inner, &inner))
        return ks_infer_fail(infer, KS_BAD_SHAPE, "inner sizes differ: {0}%s, {1}%s", attrs->trans_a ? " transposed" : "",
                             attrs->trans_b ? " transposed" : "");
    ks_shape batch_a = batch_of(a), batch_b = batch_of(b);
    if (!ks__broadcast_shapes(infer->graph, &batch_a, &batch_b, &infer->out))
        return ks_infer_fail(infer, KS_BAD_SHAPE, "the dimensions before the last two do not broadcast: {0}, {1}");
    if (a->rank > 1)
        infer->out.dim[infer->out.rank++] = left.rows;
    if (b->rank > 1)
        infer->out.dim[infer->out.rank++] = right.rows;
    return true;
}

/* ---- the work of one call ------------------------------------------------------------------------------ */

/* Elements from matrix to matrix along the batch's dimensions. */
static void batch_steps(const ks_shape *x, const ks__batch *p, int64_t size, int64_t *step)
{
    ks_shape own = batch_of(x);
    for (int i = p->rank - 1, k = own.rank - 1; i >= 0; i--, k--) {
        step[i] = k >= 0 && own.dim[k] > 1 ? size : 0;
        size *= k >= 0 ? own.dim[k] : 1;
    }
}

static ks__batch product_of(const ks_call *call)
{
    const matmul_attrs *attrs = call->attrs;
    const ks_shape *a = call->in[0].shape, *b = call->in[1].shape;
    sides left = sides_of(a, attrs->trans_a), right = sides_of(b, !attrs->trans_b);
    ks__batch p = {.one = {.m = left.rows, .n = right.rows, .k = left.inner}};
    p.one.trans_a = attrs->trans_a && a->rank > 1;
    p.one.trans_b = attrs->trans_b && b->rank > 1;
    ks_shape batch_a = batch_of(a), batch_b = batch_of(b);
    p.rank = batch_a.rank > batch_b.rank ? batch_a.rank : batch_b.rank;
    for (int i = 0; i < p.rank; i++)
        p.dim[i] = call->out->shape->dim[i];
    batch_steps(a, &p, p.one.m * p.one.k, p.step_a);
    batch_steps(b, &p, p.one.k * p.one.n, p.step_b);
    ks__batch_plan(&p, call);
    return p;
}

static size_t matmul_scratch(const ks_call *call)
{
    ks__batch p = product_of(call);
    return (size_t)p.tasks * p.scratch;
}

static bool matmul_kernel(const ks_call *call, ks_failure *failure)
{
    (void)failure;
    ks__batch p = product_of(call);
    ks__batch_run(&p, call);
    return true;
}

/* ---- derivatives --------------------------------------------------------------------------------------- */

/* One operand is a vector v, the other a matrix M with a batch: y = M v or y = v M. `inner` is M's axis that is summed over. */
static ks_node *vector_pullback(ks_node *y, int i, ks_node *u)
{
    const matmul_attrs *attrs = ks__attrs(y);
    ks_place at = ks_node_place(y);
    int side = ks__rank(ks__in(y, 0)) == 1 ? 0 : 1; /* v's */
    ks_node *v = ks__in(y, side), *matrix = ks__in(y, 1 - side);
    int rank = ks__rank(matrix);
    if (rank == 1) /* an inner product: both are vectors */
        return ks_mul_at(at, u, ks__in(y, 1 - i));
    if (i == side && rank == 2)
        return side == 0 ? ks__matmul(at, u, matrix, false, !attrs->trans_b) : ks__matmul(at, matrix, u, !attrs->trans_a, false);
    bool first = side == 0 ? !attrs->trans_b : attrs->trans_a;
    int inner = first ? rank - 2 : rank - 1;
    ks_ints others = {.count = 0};
    for (int axis = 0; axis < rank; axis++) {
        if (axis != inner)
            others.at[others.count++] = axis;
    }
    ks_node *spread = ks_expand_at(at, u, matrix, KS_INTS(inner));
    if (i == side)
        return ks_sum_at(at, ks_mul_at(at, spread, matrix), others, false);
    return ks_mul_at(at, spread, ks_expand_at(at, v, matrix, others));
}

/* One matrix met by a batch of rows: its derivative is one tall product over all rows, rather than one for each matrix and their sum. */
ks_node *ks__rows_product(ks_place at, ks_node *left, ks_node *right)
{
    return left && right ? ks__tensordot(at, left, right, (ks__tensordot_attrs){.inner = ks__rank(left) - 1, .trans_a = 1}) : NULL;
}

static ks_node *matmul_pullback(ks_node *y, int i, ks_node *u)
{
    const matmul_attrs *attrs = ks__attrs(y);
    ks_place at = ks_node_place(y);
    ks_node *a = ks__in(y, 0), *b = ks__in(y, 1), *d;
    bool ta = attrs->trans_a, tb = attrs->trans_b;
    if (ks__rank(a) == 1 || ks__rank(b) == 1)
        return vector_pullback(y, i, u);
    if (i == 1 && ks__rank(b) == 2 && ks__rank(a) > 2 && !ta)
        return ks__rows_product(at, tb ? u : a, tb ? a : u);
    if (i == 0)
        d = ta ? ks__matmul(at, b, u, tb, true) : ks__matmul(at, u, b, false, !tb);
    else
        d = tb ? ks__matmul(at, u, a, true, ta) : ks__matmul(at, a, u, !ta, false);
    bool batched = ks__rank(a) > 2 || ks__rank(b) > 2;
    return batched ? ks__sum_down(at, d, i ? b : a) : d;
}

static ks_node *matmul_example(ks_graph *g)
{
    ks_node *a = ks__given(g, "a", KS_SHAPE(2, 3), KS__VALUES(1, -2, 3, 0.5, 4, -1));
    ks_node *b = ks__given(g, "b", KS_SHAPE(3, 2), KS__VALUES(2, 1, -1, 0.5, 3, -2));
    return ks_matmul(a, b);
}

const ks_op ks__op_matmul = {
    .size = sizeof(ks_op),
    .name = "matmul",
    .formula = "y = a b",
    .doc = "Matrix product: a [..., m, k] times b [..., k, n] is y [..., m, n]. The dimensions before the last two are a batch and "
           "broadcast. An operand "
           "of one dimension is a row on the left and a column on the right, and that dimension is dropped from y. trans_a and trans_b "
           "read the "
           "last two axes of an operand exchanged.",
    .types = "TT>T",
    .inputs = "a b",
    .flags = KS_OP_LINEAR | KS_OP_PRODUCT,
    .attrs = matmul_table,
    .attrs_size = sizeof(matmul_attrs),
    .infer = infer_matmul,
    .kernel = matmul_kernel,
    .scratch = matmul_scratch,
    .pullback = matmul_pullback,
    .derivative = "u bᵀ; aᵀ u",
    .onnx = "MatMul",
    .example = matmul_example,
};

bool ks__is_rows_product(const ks_node *node)
{
    const matmul_attrs *attrs = ks__attrs(node);
    return node->op == &ks__op_matmul && attrs->trans_a && !attrs->trans_b && ks__rank(ks__in(node, 0)) == 2 &&
           ks__rank(ks__in(node, 1)) == 2;
}

ks_node *ks__matmul(ks_place at, ks_node *a, ks_node *b, bool ta, bool tb)
{
    return ks__apply2(at, &ks__op_matmul, a, b, &(matmul_attrs){.trans_a = ta, .trans_b = tb});
}

ks_node *ks_matmul_at(ks_place at, ks_node *a, ks_node *b)
{
    return ks__matmul(at, a, b, false, false);
}
