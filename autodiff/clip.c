/*
 * autodiff/clip.c - gradients kept from growing too large, as nodes.
 */
#include "autodiff/gradient.h"
#include "keisan/autodiff.h"
#include "ops/family.h"

static bool check(ks_place at, const char *call, ks_node *const *gradients, int count, ks_node **out)
{
    if (!gradients || count <= 0 || !out)
        return false;
    for (int i = 0; i < count; i++) {
        if (!gradients[i] || !ks__derivable(at, gradients[0]->graph, call, gradients[i]))
            return false;
    }
    return true;
}

bool ks_clip_by_value_at(ks_place at, ks_node *const *gradients, int count, double low, double high, ks_node **out)
{
    if (!check(at, "ks_clip_by_value", gradients, count, out))
        return false;
    ks_graph *g = gradients[0]->graph;
    if (!(low <= high))
        return ks__refuse(g, KS_BAD_ARGUMENT, at, "ks_clip_by_value: the lower bound must not be above the upper one");
    for (int i = 0; i < count; i++) {
        out[i] = ks_minimum_at(at, ks_maximum_at(at, gradients[i], ks_number_at(at, g, low)), ks_number_at(at, g, high));
        if (!out[i])
            return false;
    }
    return true;
}

/* The dtype that all of them have, else f64. */
static ks_dtype common_dtype(ks_node *const *nodes, int count)
{
    for (int i = 1; i < count; i++) {
        if (nodes[i]->dtype != nodes[0]->dtype)
            return KS_F64;
    }
    return (ks_dtype)nodes[0]->dtype;
}

static ks_node *as(ks_place at, ks_node *x, ks_dtype dtype)
{
    return x && x->dtype == dtype ? x : ks_cast_at(at, x, dtype);
}

/* sqrt of the sum of squares of all elements. */
static ks_node *norm_of(ks_place at, ks_node *const *nodes, int count, ks_dtype dtype)
{
    ks_graph *g = nodes[0]->graph;
    size_t room = (size_t)count * sizeof(ks_node *);
    ks_node *few[16], **squares = count > 16 ? ks__get(g, room) : few;
    if (!squares)
        return NULL;
    bool good = true;
    for (int i = 0; good && i < count; i++) {
        squares[i] = ks_sum_at(at, ks_square_at(at, as(at, nodes[i], dtype)), KS_ABSENT, false);
        good = squares[i] != NULL;
    }
    ks_node *norm = good ? ks_sqrt_at(at, ks_add_n_at(at, squares, count)) : NULL;
    if (squares != few)
        ks__put(g, squares, room);
    return norm;
}

#define BESIDE_ZERO 1e-6 /* PyTorch's: no division by a norm of zero */

bool ks_clip_by_norm_at(ks_place at, ks_node *const *gradients, int count, double most, ks_node **out, ks_node **norm)
{
    if (!check(at, "ks_clip_by_norm", gradients, count, out))
        return false;
    ks_graph *g = gradients[0]->graph;
    if (!(most > 0))
        return ks__refuse(g, KS_BAD_ARGUMENT, at, "ks_clip_by_norm: the greatest norm must be above 0");
    ks_dtype dtype = common_dtype(gradients, count);
    ks_node *total = norm_of(at, gradients, count, dtype), *one = ks_number_at(at, g, 1);
    ks_node *ratio = ks_div_at(at, ks_number_at(at, g, most), ks_add_at(at, total, ks_number_at(at, g, BESIDE_ZERO)));
    ks_node *scale = ks_minimum_at(at, ratio, one);
    for (int i = 0; i < count; i++) {
        out[i] = scale ? ks_mul_at(at, gradients[i], as(at, scale, (ks_dtype)gradients[i]->dtype)) : NULL;
        if (!out[i])
            return false;
    }
    if (norm)
        *norm = total;
    return true;
}
