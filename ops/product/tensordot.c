/*
 * ops/product/tensordot.c - a matrix product whose row, column and inner index are each a group of axes.
 *
 * a is [batch, left, inner] and b [batch, inner, right], each word any number of neighbouring axes; y is [batch, left, right]. A group of
 * neighbouring axes lies in memory as one axis does, so the work is that of a batch of plain matrix products, and no size is needed while
 * composing. Either operand may have its last two groups exchanged, which is how derivatives are written.
 */
#include "ops/product/tensordot.h"
#include "ops/product/batch.h"

static const ks_attr tensordot_table[] = {
    {"batch", KS_ATTR_INT, offsetof(ks__tensordot_attrs, batch), false, false,
     "how many first axes both have in common and y keeps; default 0"},
    {"inner", KS_ATTR_INT, offsetof(ks__tensordot_attrs, inner), false, false, "over how many axes the products are summed; default 1"},
    {"trans_a", KS_ATTR_BOOL, offsetof(ks__tensordot_attrs, trans_a), false, false,
     "whether a has the inner axes before its own, right after the batch; default false: at the end"},
    {"trans_b", KS_ATTR_BOOL, offsetof(ks__tensordot_attrs, trans_b), false, false,
     "whether b has the inner axes after its own, at the end; default false: right after the batch"},
    {0},
};
static const ks__tensordot_attrs tensordot_defaults = {.inner = 1};

/* ---- sizes --------------------------------------------------------------------------------------------- */

/* Where an operand's inner and own axes begin, and how many are its own. */
typedef struct layout {
    int inner, own, count;
} layout;

/* `inner_last`: not trans_a, or trans_b. */
static layout layout_of(const ks_shape *x, const ks__tensordot_attrs *attrs, bool inner_last)
{
    int batch = (int)attrs->batch, inner = (int)attrs->inner, count = x->rank - batch - inner;
    return inner_last ? (layout){batch + count, batch, count} : (layout){batch, batch + inner, count};
}

/* Whether `count` axes of both, from these places on, have the same sizes; they become those of `out` where it is given. */
static bool same_sizes(ks_infer *infer, int from_a, int from_b, int count, ks_shape *out)
{
    for (int i = 0; i < count; i++) {
        int64_t dim;
        if (!ks__dim_same(infer->graph, infer->shape[0]->dim[from_a + i], infer->shape[1]->dim[from_b + i], &dim))
            return false;
        if (out)
            out->dim[out->rank++] = dim;
    }
    return true;
}

static bool infer_tensordot(ks_infer *infer)
{
    const ks__tensordot_attrs *attrs = infer->attrs;
    const ks_shape *a = infer->shape[0], *b = infer->shape[1];
    if (attrs->batch < 0 || attrs->inner < 0)
        return ks_infer_fail(infer, KS_BAD_ARGUMENT, "%lld batch and %lld inner axes: numbers of axes are 0 or more",
                             (long long)attrs->batch, (long long)attrs->inner);
    int least = a->rank < b->rank ? a->rank : b->rank;
    if (attrs->batch > least || attrs->inner > least - attrs->batch)
        return ks_infer_fail(infer, KS_BAD_SHAPE, "%lld batch and %lld inner axes are more than there are: {0}, {1}",
                             (long long)attrs->batch, (long long)attrs->inner);
    layout left = layout_of(a, attrs, !attrs->trans_a), right = layout_of(b, attrs, attrs->trans_b);
    if (attrs->batch + left.count + right.count > KS_MAX_RANK)
        return ks_infer_fail(infer, KS_BAD_SHAPE, "the result would have more than %d dimensions: {0}, {1}", KS_MAX_RANK);
    infer->out.rank = 0;
    if (!same_sizes(infer, 0, 0, (int)attrs->batch, &infer->out))
        return ks_infer_fail(infer, KS_BAD_SHAPE, "the first %lld sizes, the batch, differ: {0}, {1}", (long long)attrs->batch);
    if (!same_sizes(infer, left.inner, right.inner, (int)attrs->inner, NULL))
        return ks_infer_fail(infer, KS_BAD_SHAPE, "the %lld inner sizes, at the %s of the first and the %s of the second, differ: {0}, {1}",
                             (long long)attrs->inner, attrs->trans_a ? "front" : "end", attrs->trans_b ? "end" : "front");
    for (int i = 0; i < left.count; i++)
        infer->out.dim[infer->out.rank++] = a->dim[left.own + i];
    for (int i = 0; i < right.count; i++)
        infer->out.dim[infer->out.rank++] = b->dim[right.own + i];
    return true;
}

/* ---- values -------------------------------------------------------------------------------------------- */

static int64_t extent(const ks_shape *x, int from, int count)
{
    int64_t product = 1;
    for (int i = 0; i < count; i++)
        product *= x->dim[from + i];
    return product;
}

static ks__batch product_of(const ks_call *call)
{
    const ks__tensordot_attrs *attrs = call->attrs;
    const ks_shape *a = call->in[0].shape, *b = call->in[1].shape;
    layout left = layout_of(a, attrs, !attrs->trans_a), right = layout_of(b, attrs, attrs->trans_b);
    ks__batch p = {.rank = attrs->batch > 0};
    p.one.m = extent(a, left.own, left.count);
    p.one.n = extent(b, right.own, right.count);
    p.one.k = extent(a, left.inner, (int)attrs->inner);
    p.one.trans_a = attrs->trans_a;
    p.one.trans_b = attrs->trans_b;
    p.dim[0] = extent(a, 0, (int)attrs->batch);
    p.step_a[0] = p.one.m * p.one.k;
    p.step_b[0] = p.one.k * p.one.n;
    ks__batch_plan(&p, call);
    return p;
}

static size_t tensordot_scratch(const ks_call *call)
{
    ks__batch p = product_of(call);
    return (size_t)p.tasks * p.scratch;
}

static bool tensordot_kernel(const ks_call *call, ks_failure *failure)
{
    (void)failure;
    ks__batch p = product_of(call);
    ks__batch_run(&p, call);
    return true;
}

/* ---- derivatives --------------------------------------------------------------------------------------- */

/* As of a matrix product: each derivative is a product with the groups in other places. */
static ks_node *tensordot_pullback(ks_node *y, int i, ks_node *u)
{
    const ks__tensordot_attrs *attrs = ks__attrs(y);
    ks_place at = ks_node_place(y);
    ks_node *a = ks__in(y, 0), *b = ks__in(y, 1);
    bool ta = attrs->trans_a, tb = attrs->trans_b;
    int64_t others = attrs->batch + attrs->inner, left = ks__rank(a) - others, right = ks__rank(b) - others;
    ks__tensordot_attrs own = {.batch = attrs->batch, .inner = i == 0 ? right : left};
    if (i == 0) {
        own.trans_a = ta ? tb : 0;
        own.trans_b = ta ? 1 : !tb;
        return ta ? ks__tensordot(at, b, u, own) : ks__tensordot(at, u, b, own);
    }
    own.trans_a = tb ? 1 : !ta;
    own.trans_b = tb ? ta : 0;
    return tb ? ks__tensordot(at, u, a, own) : ks__tensordot(at, a, u, own);
}

static ks_node *tensordot_example(ks_graph *g)
{
    ks_node *a = ks__given(g, "a", KS_SHAPE(2, 3, 2), KS__VALUES(1, -2, 3, 0.5, 4, -1, 2, 0.25, -3, 1.5, 0.75, -0.5));
    ks_node *b = ks__given(g, "b", KS_SHAPE(3, 2, 2), KS__VALUES(2, 1, -1, 0.5, 3, -2, 0.3, -0.7, 1.1, 0.9, -1.3, 2.2));
    return ks_tensordot(a, b, 2);
}

const ks_op ks__op_tensordot = {
    .size = sizeof(ks_op),
    .name = "tensordot",
    .formula = "y[s, i, j] = sum over k of a[s, i, k] b[s, k, j], each letter a group of axes",
    .doc =
        "The matrix product of groups of axes, NumPy's tensordot with a number of axes, with a batch beside. a is [batch, left, inner] and "
        "b [batch, inner, right], where each word is any number of neighbouring axes: y is [batch, left, right], summed over all inner "
        "axes. The batch's and the inner sizes must be equal; nothing broadcasts. inner 0 gives all products, an outer product. trans_a "
        "says that a is [batch, inner, left], trans_b that b is [batch, right, inner]. The derivative of a weight that a batch of rows "
        "met is one such product, and einsum is made of them. A sum over nothing is 0.",
    .types = "TT>T",
    .inputs = "a b",
    .flags = KS_OP_LINEAR | KS_OP_PRODUCT,
    .attrs = tensordot_table,
    .attrs_size = sizeof(ks__tensordot_attrs),
    .defaults = &tensordot_defaults,
    .infer = infer_tensordot,
    .kernel = tensordot_kernel,
    .scratch = tensordot_scratch,
    .pullback = tensordot_pullback,
    .derivative = "u b, summed over b's own axes; a u, summed over a's own axes",
    .example = tensordot_example,
};

ks_node *ks__tensordot(ks_place at, ks_node *a, ks_node *b, ks__tensordot_attrs attrs)
{
    return ks__apply2(at, &ks__op_tensordot, a, b, &attrs);
}

ks_node *ks_tensordot_at(ks_place at, ks_node *a, ks_node *b, int axes)
{
    return ks__tensordot(at, a, b, (ks__tensordot_attrs){.inner = axes});
}
