/*
 * keisan/ops/random.h - numbers and choices by chance, and dropout.
 */
#ifndef KEISAN_OPS_RANDOM_H
#define KEISAN_OPS_RANDOM_H

#include <keisan/op.h>

KS_BEGIN

/* Which form of dropout: scaled while training (inverted), or the book's, scaled in inference. */
typedef enum ks_dropout_form { KS_DROPOUT_INVERTED, KS_DROPOUT_BOOK } ks_dropout_form;

#define ks_random_uniform(graph, dtype, shape, lo, ...)  ks_random_uniform_at(KS_HERE, graph, dtype, shape, lo, __VA_ARGS__)
#define ks_random_normal(graph, dtype, shape, mean, ...) ks_random_normal_at(KS_HERE, graph, dtype, shape, mean, __VA_ARGS__)
/* The same in x's shape, of which nothing else is taken: it may be open. */
#define ks_random_uniform_like(x, dtype, lo, ...)  ks_random_uniform_like_at(KS_HERE, x, dtype, lo, __VA_ARGS__)
#define ks_random_normal_like(x, dtype, mean, ...) ks_random_normal_like_at(KS_HERE, x, dtype, mean, __VA_ARGS__)
#define ks_bernoulli(...) ks_bernoulli_at(KS_HERE, __VA_ARGS__)
#define ks_randint(graph, dtype, shape, lo, ...) ks_randint_at(KS_HERE, graph, dtype, shape, lo, __VA_ARGS__)
#define ks_permutation(graph, ...)  ks_permutation_at(KS_HERE, graph, __VA_ARGS__)
#define ks_permutation_like(x, ...) ks_permutation_like_at(KS_HERE, x, __VA_ARGS__)
#define ks_dropout(x, ratio, ...) ks_dropout_at(KS_HERE, x, ratio, __VA_ARGS__)
KS_API ks_node *ks_random_uniform_at(ks_place at, ks_graph *graph, ks_dtype dtype, ks_shape shape, double lo, double hi);
KS_API ks_node *ks_random_normal_at(ks_place at, ks_graph *graph, ks_dtype dtype, ks_shape shape, double mean, double std);
KS_API ks_node *ks_random_uniform_like_at(ks_place at, ks_node *x, ks_dtype dtype, double lo, double hi);
KS_API ks_node *ks_random_normal_like_at(ks_place at, ks_node *x, ks_dtype dtype, double mean, double std);
KS_API ks_node *ks_bernoulli_at(ks_place at, ks_node *p); /* 1 with probability p, else 0, of p's dtype */
KS_API ks_node *ks_randint_at(ks_place at, ks_graph *graph, ks_dtype dtype, ks_shape shape, int64_t lo, int64_t hi); /* lo ... hi - 1 */
KS_API ks_node *ks_permutation_at(ks_place at, ks_graph *graph, int64_t n);       /* i64 [n]: 0 ... n - 1 in some order */
KS_API ks_node *ks_permutation_like_at(ks_place at, ks_node *x, int64_t axis);    /* the same, n the extent of x's axis */
/* Erases a share `ratio` in [0, 1) of the elements in training runs. */
KS_API ks_node *ks_dropout_at(ks_place at, ks_node *x, double ratio, ks_dropout_form form);

KS_END

#endif
