/*
 * keisan/ops/random.h - numbers by chance, and dropout.
 */
#ifndef KEISAN_OPS_RANDOM_H
#define KEISAN_OPS_RANDOM_H

#include <keisan/op.h>

KS_BEGIN

/* Which form of dropout: scaled while training (inverted), or the book's, scaled in inference. */
typedef enum ks_dropout_form { KS_DROPOUT_INVERTED, KS_DROPOUT_BOOK } ks_dropout_form;

#define ks_random_uniform(graph, dtype, shape, lo, ...)  ks_random_uniform_at(KS_HERE, graph, dtype, shape, lo, __VA_ARGS__)
#define ks_random_normal(graph, dtype, shape, mean, ...) ks_random_normal_at(KS_HERE, graph, dtype, shape, mean, __VA_ARGS__)
#define ks_dropout(x, ratio, ...) ks_dropout_at(KS_HERE, x, ratio, __VA_ARGS__)
KS_API ks_node *ks_random_uniform_at(ks_place at, ks_graph *graph, ks_dtype dtype, ks_shape shape, double lo, double hi);
KS_API ks_node *ks_random_normal_at(ks_place at, ks_graph *graph, ks_dtype dtype, ks_shape shape, double mean, double std);
/* Erases a share `ratio` in [0, 1) of the elements in training runs. */
KS_API ks_node *ks_dropout_at(ks_place at, ks_node *x, double ratio, ks_dropout_form form);

KS_END

#endif
