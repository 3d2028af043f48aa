/*
 * keisan/ops/shape.h - the same elements in another shape or order, joined or cut.
 */
#ifndef KEISAN_OPS_SHAPE_H
#define KEISAN_OPS_SHAPE_H

#include <keisan/op.h>

KS_BEGIN

#define ks_sum_to(x, ...)  ks_sum_to_at(KS_HERE, x, __VA_ARGS__)
#define ks_expand(x, like, ...) ks_expand_at(KS_HERE, x, like, __VA_ARGS__)
KS_API ks_node *ks_sum_to_at(ks_place at, ks_node *x, ks_node *like); /* sums until x has like's shape: undoes a broadcast */
/* Broadcasts x to like's shape. With axes, x first gets dimensions of 1 there: undoes a reduction over these axes. */
KS_API ks_node *ks_expand_at(ks_place at, ks_node *x, ks_node *like, ks_ints axes);

#define ks_reshape(x, ...)   ks_reshape_at(KS_HERE, x, __VA_ARGS__)
#define ks_reshape_like(x, ...) ks_reshape_like_at(KS_HERE, x, __VA_ARGS__)
#define ks_transpose(x, ...) ks_transpose_at(KS_HERE, x, __VA_ARGS__)
#define ks_concat(nodes, count, ...) ks_concat_at(KS_HERE, nodes, count, __VA_ARGS__)
#define ks_slice(x, axis, start, ...) ks_slice_at(KS_HERE, x, axis, start, __VA_ARGS__)
KS_API ks_node *ks_reshape_at(ks_place at, ks_node *x, ks_shape shape); /* one dimension may be -1 */
KS_API ks_node *ks_reshape_like_at(ks_place at, ks_node *x, ks_node *like);
KS_API ks_node *ks_transpose_at(ks_place at, ks_node *x, ks_ints perm); /* KS_ABSENT reverses the axes */
KS_API ks_node *ks_concat_at(ks_place at, ks_node *const *nodes, int count, int64_t axis);
/* x[start:stop] along one axis; negative positions count from the end; stop INT64_MAX: to the end. */
KS_API ks_node *ks_slice_at(ks_place at, ks_node *x, int64_t axis, int64_t start, int64_t stop);

/* ---- dimensions of one, and other sizes ---------------------------------------------------------------- */

#define ks_flatten(x, ...)      ks_flatten_at(KS_HERE, x, __VA_ARGS__)
#define ks_squeeze(x, ...)      ks_squeeze_at(KS_HERE, x, __VA_ARGS__)
#define ks_unsqueeze(x, ...)    ks_unsqueeze_at(KS_HERE, x, __VA_ARGS__)
#define ks_broadcast_to(x, ...) ks_broadcast_to_at(KS_HERE, x, __VA_ARGS__)
#define ks_tile(x, ...)         ks_tile_at(KS_HERE, x, __VA_ARGS__)
#define ks_repeat(x, count, ...) ks_repeat_at(KS_HERE, x, count, __VA_ARGS__)
KS_API ks_node *ks_flatten_at(ks_place at, ks_node *x, int64_t axis);     /* a matrix: the axes before `axis` are its rows */
KS_API ks_node *ks_squeeze_at(ks_place at, ks_node *x, ks_ints axes);     /* without these dimensions of one; KS_ABSENT: all of them */
KS_API ks_node *ks_unsqueeze_at(ks_place at, ks_node *x, ks_ints axes);   /* with dimensions of one, at these axes of the result */
KS_API ks_node *ks_broadcast_to_at(ks_place at, ks_node *x, ks_shape shape); /* -1 keeps the size that x has */
KS_API ks_node *ks_tile_at(ks_place at, ks_node *x, ks_ints repeats);     /* the whole, laid out repeats[k] times along axis k */
KS_API ks_node *ks_repeat_at(ks_place at, ks_node *x, int64_t count, int64_t axis); /* each element `count` times */

/* ---- order --------------------------------------------------------------------------------------------- */

#define ks_flip(x, ...)         ks_flip_at(KS_HERE, x, __VA_ARGS__)
#define ks_roll(x, shifts, ...) ks_roll_at(KS_HERE, x, shifts, __VA_ARGS__)
#define ks_swapaxes(x, a, ...)  ks_swapaxes_at(KS_HERE, x, a, __VA_ARGS__)
#define ks_moveaxis(x, from, ...) ks_moveaxis_at(KS_HERE, x, from, __VA_ARGS__)
KS_API ks_node *ks_flip_at(ks_place at, ks_node *x, ks_ints axes); /* backwards along the axes; KS_ABSENT: all */
/* Moved on by shifts[k] along axes[k]; what leaves at the end comes in at the front. KS_ABSENT: one shift in row-major order. */
KS_API ks_node *ks_roll_at(ks_place at, ks_node *x, ks_ints shifts, ks_ints axes);
KS_API ks_node *ks_swapaxes_at(ks_place at, ks_node *x, int64_t a, int64_t b);
KS_API ks_node *ks_moveaxis_at(ks_place at, ks_node *x, int64_t from, int64_t to); /* the others keep their order */

/* ---- padding ------------------------------------------------------------------------------------------- */

typedef enum ks_pad_mode { KS_PAD_CONSTANT, KS_PAD_REFLECT, KS_PAD_EDGE } ks_pad_mode;

#define ks_pad(x, begin, end, mode, ...) ks_pad_at(KS_HERE, x, begin, end, mode, __VA_ARGS__)
/* begin[k] elements before and end[k] behind axis k; `value` is what KS_PAD_CONSTANT puts there. */
KS_API ks_node *ks_pad_at(ks_place at, ks_node *x, ks_ints begin, ks_ints end, ks_pad_mode mode, double value);

/* ---- parts --------------------------------------------------------------------------------------------- */

#define ks_split(x, axis, sections, ...) ks_split_at(KS_HERE, x, axis, sections, __VA_ARGS__)
#define ks_split_sizes(x, axis, sizes, count, ...) ks_split_sizes_at(KS_HERE, x, axis, sizes, count, __VA_ARGS__)
#define ks_stack(nodes, count, ...) ks_stack_at(KS_HERE, nodes, count, __VA_ARGS__)
KS_API bool ks_split_at(ks_place at, ks_node *x, int64_t axis, int sections, ks_node **out); /* out[sections]: equal slices */
KS_API bool ks_split_sizes_at(ks_place at, ks_node *x, int64_t axis, const int64_t *sizes, int count, ks_node **out); /* out[count] */
KS_API ks_node *ks_stack_at(ks_place at, ks_node *const *nodes, int count, int64_t axis); /* joined along a new axis of the result */

/* ---- triangles and diagonals of the last two axes: (i, j) lies on diagonal k = j - i ------------------- */

#define ks_triu(x, ...)     ks_triu_at(KS_HERE, x, __VA_ARGS__)
#define ks_tril(x, ...)     ks_tril_at(KS_HERE, x, __VA_ARGS__)
#define ks_diagonal(x, ...) ks_diagonal_at(KS_HERE, x, __VA_ARGS__)
#define ks_diagonal_embed(v, ...) ks_diagonal_embed_at(KS_HERE, v, __VA_ARGS__)
#define ks_matrix_trace(...) ks_matrix_trace_at(KS_HERE, __VA_ARGS__)
#define ks_eye(graph, dtype, ...) ks_eye_at(KS_HERE, graph, dtype, __VA_ARGS__)
#define ks_eye_like(x, ...) ks_eye_like_at(KS_HERE, x, __VA_ARGS__)
KS_API ks_node *ks_triu_at(ks_place at, ks_node *x, int64_t k);     /* diagonal k and what lies above, else 0 */
KS_API ks_node *ks_tril_at(ks_place at, ks_node *x, int64_t k);     /* diagonal k and what lies below, else 0 */
KS_API ks_node *ks_diagonal_at(ks_place at, ks_node *x, int64_t k); /* [..., m, n] -> [..., length] */
KS_API ks_node *ks_diagonal_embed_at(ks_place at, ks_node *v, int64_t k); /* [..., n] -> square matrices with v on diagonal k */
KS_API ks_node *ks_matrix_trace_at(ks_place at, ks_node *x);               /* the sum of the main diagonal */
KS_API ks_node *ks_eye_at(ks_place at, ks_graph *graph, ks_dtype dtype, int64_t n); /* [n, n]: 1 on the main diagonal, else 0 */
KS_API ks_node *ks_eye_like_at(ks_place at, ks_node *x, int64_t k); /* x's shape and dtype: 1 on diagonal k, else 0 */

/* ---- out of nothing ------------------------------------------------------------------------------------ */

#define ks_full(graph, dtype, shape, ...) ks_full_at(KS_HERE, graph, dtype, shape, __VA_ARGS__)
#define ks_zeros(graph, dtype, ...)       ks_full_at(KS_HERE, graph, dtype, __VA_ARGS__, 0)
#define ks_ones(graph, dtype, ...)        ks_full_at(KS_HERE, graph, dtype, __VA_ARGS__, 1)
#define ks_full_like(x, ...)              ks_full_like_at(KS_HERE, x, __VA_ARGS__)
#define ks_zeros_like(...)                ks_full_like_at(KS_HERE, __VA_ARGS__, 0)
#define ks_ones_like(...)                 ks_full_like_at(KS_HERE, __VA_ARGS__, 1)
#define ks_arange(graph, dtype, start, stop, ...)   ks_arange_at(KS_HERE, graph, dtype, start, stop, __VA_ARGS__)
#define ks_linspace(graph, dtype, start, stop, ...) ks_linspace_at(KS_HERE, graph, dtype, start, stop, __VA_ARGS__)
#define ks_positions(x, ...) ks_positions_at(KS_HERE, x, __VA_ARGS__)
KS_API ks_node *ks_full_at(ks_place at, ks_graph *graph, ks_dtype dtype, ks_shape shape, double value);
KS_API ks_node *ks_full_like_at(ks_place at, ks_node *x, double value); /* x's shape, open or not, and its dtype */
KS_API ks_node *ks_arange_at(ks_place at, ks_graph *graph, ks_dtype dtype, double start, double stop, double step); /* without stop */
KS_API ks_node *ks_linspace_at(ks_place at, ks_graph *graph, ks_dtype dtype, double start, double stop, int64_t count); /* with stop */
KS_API ks_node *ks_positions_at(ks_place at, ks_node *x, int64_t axis); /* 0, 1, ... along an axis of x, as i64 */

KS_END

#endif
