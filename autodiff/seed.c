/*
 * autodiff/seed.c - where derivatives start: the part of the graph between y and x, what a walk may be given, and ones and zeros.
 */
#include "autodiff/gradient.h"
#include "keisan/autodiff.h"
#include "ops/family.h"

/* ---- the cone ------------------------------------------------------------------------------------------ */

bool ks__cone(ks_graph *g, ks__list *list, ks_node *const *y, uint32_t n, uint32_t floor)
{
    for (uint32_t i = 0; i < n; i++) {
        if (!ks__list_add(g, list, y[i]))
            return false;
    }
    for (uint32_t i = 0; i < list->count; i++) {
        ks_node *node = list->nodes[i];
        for (uint32_t k = 0; k < node->n; k++) {
            ks_node *input = ks__inputs(node)[k];
            bool below = !(input->flags & KS__VARIABLE) && input->id < floor;
            if (!below && ks__edge_passes(node, k) && !ks__list_add(g, list, input))
                return false;
        }
    }
    return ks__list_sort(g, list);
}

uint32_t ks__lowest_id(ks_node *const *x, uint32_t n)
{
    uint32_t lowest = UINT32_MAX;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t id = x[i]->flags & KS__VARIABLE ? 0 : x[i]->id;
        lowest = id < lowest ? id : lowest;
    }
    return lowest;
}

/* ---- seeds --------------------------------------------------------------------------------------------- */

ks_node *ks__filled_like(ks_place at, ks_node *x, double value)
{
    float single = (float)value;
    ks_node *seed = ks_constant_at(at, x->graph, (ks_dtype)x->dtype, KS_SCALAR, x->dtype == KS_F64 ? (const void *)&value : &single);
    if (!seed)
        return NULL;
    seed->flags |= KS__SEED;
    if (x->dims->shape.rank == 0)
        return seed;
    ks_node *spread = ks_expand_at(at, seed, x, KS_ABSENT);
    if (spread)
        spread->flags |= KS__SEED;
    return spread;
}

ks_node *ks__as_like(ks_place at, ks_node *given, ks_node *x)
{
    bool number = given->op->flags & KS_OP_NUMBER;
    return number && !(x->op->flags & KS_OP_NUMBER) ? ks_mul_at(at, ks__filled_like(at, x, 1), given) : given;
}

/* ---- checks -------------------------------------------------------------------------------------------- */

bool ks__derivable(ks_place at, ks_graph *g, const char *call, const ks_node *node)
{
    if (!ks__usable(node))
        return false;
    if (node->graph != g)
        return ks__refuse(g, KS_BAD_ARGUMENT, at, "%s: '%s' belongs to another graph", call, ks_name(node));
    return ks__is_float(node) ||
           ks__refuse(g, KS_NO_GRADIENT, at, "%s: '%s' is %s, and only f32 and f64 have derivatives: ks_cast it first", call, ks_name(node),
                      ks_dtype_name((ks_dtype)node->dtype));
}

bool ks__check_like(ks_place at, const char *call, const char *what, const ks_node *given, const ks_node *x)
{
    ks_graph *g = x->graph;
    if (!ks__derivable(at, g, call, given))
        return false;
    if (given->op->flags & KS_OP_NUMBER)
        return true;
    if (given->dtype != x->dtype)
        return ks__refuse(g, KS_BAD_DTYPE, at, "%s: the %s '%s' is %s, but '%s' is %s: ks_cast it", call, what, ks_name(given),
                          ks_dtype_name((ks_dtype)given->dtype), ks_name(x), ks_dtype_name((ks_dtype)x->dtype));
    const ks_shape *a = &given->dims->shape, *b = &x->dims->shape;
    bool fits = a->rank == b->rank;
    int64_t dim;
    for (int i = 0; fits && i < a->rank; i++)
        fits = ks__dim_same(g, a->dim[i], b->dim[i], &dim);
    char is[KS__SHAPE_TEXT], wanted[KS__SHAPE_TEXT];
    return fits || ks__refuse(g, KS_BAD_SHAPE, at, "%s: the %s '%s' is %s, but '%s' is %s: they must have one shape", call, what,
                              ks_name(given), ks__shape_text(g, a, is), ks_name(x), ks__shape_text(g, b, wanted));
}

/* ---- one pass of several ------------------------------------------------------------------------------- */

bool ks__sized(ks_place at, const char *call, const ks_node *node)
{
    char text[KS__SHAPE_TEXT];
    return node->dims->count >= 0 || ks__refuse(node->graph, KS_BAD_SHAPE, at,
                                                "%s: '%s' is %s, and all its sizes must be known: compose it with numbers in its shape",
                                                call, ks_name(node), ks__shape_text(node->graph, &node->dims->shape, text));
}

ks_node *ks__pass(ks_place at, ks_node *y, ks_node *x, bool forward, ks_node *seed)
{
    ks_node *out = NULL;
    if (!seed)
        return NULL;
    if (forward)
        return ks_jvp_at(at, y, &x, &seed, 1);
    return ks_gradients_at(at, y, &x, 1, seed, &out) ? out : NULL;
}
