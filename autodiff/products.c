/*
 * autodiff/products.c - products with second derivatives: a Hessian times a vector, without the Hessian.
 *
 * Forward over reverse: the tangent of the gradient. It is one sweep over the nodes of a backward pass, and shares that pass's local
 * partials; reverse over reverse would walk all of them back again.
 */
#include "autodiff/gradient.h"
#include "keisan/autodiff.h"

bool ks_hvp_at(ks_place at, ks_node *y, ks_node *const *x, ks_node *const *v, int count, ks_node **out)
{
    if (!y || !x || !v || count <= 0 || !out)
        return false;
    ks_graph *g = y->graph;
    size_t room = (size_t)count * sizeof(ks_node *);
    ks_node *few[16], **gradients = count > 16 ? ks__get(g, room) : few;
    if (!gradients)
        return false;
    bool good = ks_gradients_at(at, y, x, count, NULL, gradients) && ks_jvps_at(at, gradients, count, x, v, count, out);
    if (gradients != few)
        ks__put(g, gradients, room);
    return good;
}
