/*
 * ops/product/dense.c - products under the names that people look for: dense, dot, outer. They are composed of other operations,
 * which the trace shows and the engine fuses.
 */
#include "ops/family.h"

ks_node *ks_dense_at(ks_place at, ks_node *x, ks_node *w, ks_node *b)
{
    return ks_add_at(at, ks_matmul_at(at, x, w), b);
}

ks_node *ks_dot_at(ks_place at, ks_node *a, ks_node *b)
{
    if (!a || !b)
        return NULL;
    if (ks__usable(a) && ks__usable(b) && (ks__rank(a) != 1 || ks__rank(b) != 1))
        return ks__null(a->graph, KS_BAD_SHAPE, at, "dot: takes two vectors, but '%.100s' has %d dimensions and '%.100s' %d: use %s",
                        ks_name(a), ks__rank(a), ks_name(b), ks__rank(b),
                        ks__rank(a) && ks__rank(b) ? "matmul, tensordot or einsum" : "mul");
    return ks_matmul_at(at, a, b);
}

ks_node *ks_outer_at(ks_place at, ks_node *a, ks_node *b)
{
    ks_node *column = ks_reshape_at(at, a, KS_SHAPE(-1, 1)), *row = ks_reshape_at(at, b, KS_SHAPE(1, -1));
    return ks_mul_at(at, column, row);
}
