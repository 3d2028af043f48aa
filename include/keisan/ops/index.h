/*
 * keisan/ops/index.h - tensors that name positions in others.
 */
#ifndef KEISAN_OPS_INDEX_H
#define KEISAN_OPS_INDEX_H

#include <keisan/op.h>

KS_BEGIN

#define ks_gather(x, indices, ...) ks_gather_at(KS_HERE, x, indices, __VA_ARGS__)
#define ks_one_hot(indices, depth, ...) ks_one_hot_at(KS_HERE, indices, depth, __VA_ARGS__)
KS_API ks_node *ks_gather_at(ks_place at, ks_node *x, ks_node *indices, int64_t axis); /* rows of x along the axis; negative indices count from the end */
KS_API ks_node *ks_one_hot_at(ks_place at, ks_node *indices, int64_t depth, ks_dtype dtype); /* [...] -> [..., depth] */

#define ks_gather_elements(x, indices, ...) ks_gather_elements_at(KS_HERE, x, indices, __VA_ARGS__)
#define ks_gather_nd(x, ...)                ks_gather_nd_at(KS_HERE, x, __VA_ARGS__)
#define ks_embedding(table, ids, ...)       ks_embedding_at(KS_HERE, table, ids, __VA_ARGS__)
KS_API ks_node *ks_gather_elements_at(ks_place at, ks_node *x, ks_node *indices, int64_t axis); /* an index for each element of the result */
KS_API ks_node *ks_gather_nd_at(ks_place at, ks_node *x, ks_node *indices); /* indices [..., q]: places in x's first q axes */
/* Rows of table [V, D] by ids [...]: [..., D]. `padding`: an id whose row is not learned, -1 for none. */
KS_API ks_node *ks_embedding_at(ks_place at, ks_node *table, ks_node *ids, int64_t padding);

#define ks_scatter_add(x, indices, updates, ...)          ks_scatter_add_at(KS_HERE, x, indices, updates, __VA_ARGS__)
#define ks_scatter_elements_add(x, indices, updates, ...) ks_scatter_elements_add_at(KS_HERE, x, indices, updates, __VA_ARGS__)
#define ks_scatter_nd_add(x, indices, ...)                ks_scatter_nd_add_at(KS_HERE, x, indices, __VA_ARGS__)
#define ks_masked_fill(x, mask, ...)                      ks_masked_fill_at(KS_HERE, x, mask, __VA_ARGS__)
/* x with updates added where gather, gather_elements and gather_nd would take them; what is named again is added again, in order. */
KS_API ks_node *ks_scatter_add_at(ks_place at, ks_node *x, ks_node *indices, ks_node *updates, int64_t axis);
KS_API ks_node *ks_scatter_elements_add_at(ks_place at, ks_node *x, ks_node *indices, ks_node *updates, int64_t axis);
KS_API ks_node *ks_scatter_nd_add_at(ks_place at, ks_node *x, ks_node *indices, ks_node *updates);
KS_API ks_node *ks_masked_fill_at(ks_place at, ks_node *x, ks_node *mask, double value); /* value where the bool mask holds, else x */

#define ks_sort(x, axis, ...)       ks_sort_at(KS_HERE, x, axis, __VA_ARGS__)
#define ks_argsort(x, axis, ...)    ks_argsort_at(KS_HERE, x, axis, __VA_ARGS__)
#define ks_top_k(x, k, axis, ...)   ks_top_k_at(KS_HERE, x, k, axis, __VA_ARGS__)
#define ks_top_k_indices(x, k, axis, ...) ks_top_k_indices_at(KS_HERE, x, k, axis, __VA_ARGS__)
/* Equal ones stay in the order of their positions; NaNs come last. Positions are i64. */
KS_API ks_node *ks_sort_at(ks_place at, ks_node *x, int64_t axis, bool descending);
KS_API ks_node *ks_argsort_at(ks_place at, ks_node *x, int64_t axis, bool descending);
KS_API ks_node *ks_top_k_at(ks_place at, ks_node *x, int64_t k, int64_t axis, bool largest); /* the k greatest or smallest, in order */
KS_API ks_node *ks_top_k_indices_at(ks_place at, ks_node *x, int64_t k, int64_t axis, bool largest);

KS_END

#endif
