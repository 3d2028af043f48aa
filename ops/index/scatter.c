/*
 * ops/index/scatter.c - changing x at some places: scatter_add, and masked_fill, which is where.
 */
#include "ops/index/position.h"

typedef struct axis_attrs {
    int64_t axis;
} axis_attrs;

static const ks_attr axis_table[] = {
    {"axis", KS_ATTR_INT, offsetof(axis_attrs, axis), false, false, "the axis along which positions are meant; default 0"},
    {0},
};

static bool infer_scatter_add(ks_infer *infer)
{
    const axis_attrs *attrs = infer->attrs;
    return ks__infer_rows(infer, infer->shape[0], infer->shape[2], attrs->axis);
}

static bool scatter_add_kernel(const ks_call *call, ks_failure *failure)
{
    const axis_attrs *attrs = call->attrs;
    return ks__add_rows(call, &call->in[0], &call->in[2], attrs->axis, failure);
}

static ks_node *scatter_add_pullback(ks_node *y, int i, ks_node *u)
{
    return i == 0 ? u : i == 2 ? ks_gather_at(ks_node_place(y), u, ks__in(y, 1), ((const axis_attrs *)ks__attrs(y))->axis) : NULL;
}

static ks_node *scatter_add_example(ks_graph *g)
{
    ks_node *x = ks__given(g, "x", KS_SHAPE(2, 2), KS__VALUES(1, -2, 3, 4));
    ks_node *updates = ks__given(g, "updates", KS_SHAPE(3, 2), KS__VALUES(0.25, 2, -1, 1.5, 3, 7));
    return ks_scatter_add(x, ks_constant(g, KS_I64, KS_SHAPE(3), ((const int64_t[]){1, 0, -1})), updates, 0);
}

const ks_op ks__op_scatter_add = {
    .size = sizeof(ks_op),
    .name = "scatter_add",
    .formula = "y = x, with the rows of the updates added at the indices along the axis",
    .doc =
        "x with parts added along an axis, each at the position that its index names: rows to the rows of a table, say. updates is shaped "
        "like gather(x, indices). Positions that are named again are added again, in the order of the indices on any number of threads. "
        "Negative positions count from the end; what is outside is an error.",
    .types = "TIT>T",
    .inputs = "x indices updates",
    .allowed = KS_NUMBERS,
    .flags = KS_OP_LINEAR | KS_OP_JOINT,
    .attrs = axis_table,
    .attrs_size = sizeof(axis_attrs),
    .infer = infer_scatter_add,
    .kernel = scatter_add_kernel,
    .pullback = scatter_add_pullback,
    .derivative = "u; -; gather(u, indices)",
    .example = scatter_add_example,
};

ks_node *ks_scatter_add_at(ks_place at, ks_node *x, ks_node *indices, ks_node *updates, int64_t axis)
{
    return ks__apply3(at, &ks__op_scatter_add, x, indices, updates, &(axis_attrs){axis});
}

ks_node *ks_masked_fill_at(ks_place at, ks_node *x, ks_node *mask, double value)
{
    return x ? ks_where_at(at, mask, ks_number_at(at, x->graph, value), x) : NULL;
}
