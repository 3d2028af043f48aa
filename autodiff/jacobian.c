/*
 * autodiff/jacobian.c - whole Jacobians and Hessians.
 *
 * A Jacobian is put together of products with the unit vectors of its smaller side: rows by reverse mode, columns by forward mode. All
 * passes share the local partials, so what repeats is the products alone.
 */
#include "autodiff/gradient.h"
#include "keisan/autodiff.h"
#include "ops/family.h"

/* ---- sizes --------------------------------------------------------------------------------------------- */

bool ks__sized(ks_place at, const char *call, const ks_node *node)
{
    char text[KS__SHAPE_TEXT];
    return node->dims->count >= 0 || ks__refuse(node->graph, KS_BAD_SHAPE, at,
                                                "%s: '%s' is %s, and all its sizes must be known: compose it with numbers in its shape",
                                                call, ks_name(node), ks__shape_text(node->graph, &node->dims->shape, text));
}

/* y's dimensions, then x's. */
static bool joined_shape(ks_place at, const char *call, const ks_node *y, const ks_node *x, ks_shape *out)
{
    const ks_shape *a = &y->dims->shape, *b = &x->dims->shape;
    if (a->rank + b->rank > KS_MAX_RANK)
        return ks__refuse(y->graph, KS_BAD_SHAPE, at, "%s: %d and %d dimensions are more than the %d that a tensor has: reshape '%s'", call,
                          a->rank, b->rank, KS_MAX_RANK, ks_name(y));
    ks__set_shape(out, a);
    for (int i = 0; i < b->rank; i++)
        out->dim[out->rank++] = b->dim[i];
    return true;
}

/* ---- passes -------------------------------------------------------------------------------------------- */

/* The i-th unit vector of like's shape. */
static ks_node *unit_vector(ks_place at, ks_node *like, int64_t i)
{
    ks_node *where = ks_constant_at(at, like->graph, KS_I64, KS_SCALAR, &i);
    return ks_reshape_like_at(at, ks_one_hot_at(at, where, like->dims->count, (ks_dtype)like->dtype), like);
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

/* A pass for each unit vector, side by side: [y, x] as a matrix. */
static ks_node *by_unit_vectors(ks_place at, ks_node *y, ks_node *x, bool forward)
{
    ks_graph *g = y->graph;
    int64_t m = y->dims->count, n = x->dims->count, passes = forward ? n : m;
    size_t room = (size_t)passes * sizeof(ks_node *);
    ks_node **parts = ks__get(g, room);
    bool good = parts != NULL;
    for (int64_t i = 0; good && i < passes; i++) {
        ks_node *part = ks__pass(at, y, x, forward, unit_vector(at, forward ? x : y, i));
        parts[i] = ks_reshape_at(at, part, forward ? KS_SHAPE(m, 1) : KS_SHAPE(1, n));
        good = parts[i] != NULL;
    }
    ks_node *out = good ? ks_concat_at(at, parts, (int)passes, forward) : NULL;
    ks__put(g, parts, parts ? room : 0);
    return out;
}

static bool choose(ks_node *y, ks_node *x, ks_direction *direction)
{
    ks_direction wanted = direction ? *direction : KS_EITHER;
    int64_t m = y->dims->count, n = x->dims->count;
    bool forward = wanted == KS_FORWARD || (wanted == KS_EITHER && n < m);
    if (direction)
        *direction = forward ? KS_FORWARD : KS_REVERSE;
    ks__log(y->graph, "ks_jacobian: %lld by %lld in %s mode, %lld passes", (long long)m, (long long)n, forward ? "forward" : "reverse",
            (long long)(forward ? n : m));
    return forward;
}

/* ---- the calls ----------------------------------------------------------------------------------------- */

static ks_node *jacobian(ks_place at, const char *call, ks_node *y, ks_node *x, ks_direction *direction)
{
    ks_shape shape;
    if (!ks__derivable(at, y->graph, call, y) || !ks__derivable(at, y->graph, call, x) || !ks__sized(at, call, y) ||
        !ks__sized(at, call, x) || !joined_shape(at, call, y, x, &shape))
        return NULL;
    if (y->dims->count == 0 || x->dims->count == 0)
        return ks_constant_at(at, y->graph, (ks_dtype)y->dtype, shape, NULL);
    int64_t passes = y->dims->count < x->dims->count ? y->dims->count : x->dims->count;
    if (passes > INT32_MAX)
        return ks__null(y->graph, KS_BAD_SHAPE, at, "%s: %lld passes are too many: ks_jacobian_sparsity finds what is not zero", call,
                        (long long)passes);
    return ks_reshape_at(at, by_unit_vectors(at, y, x, choose(y, x, direction)), shape);
}

ks_node *ks_jacobian_at(ks_place at, ks_node *y, ks_node *x, ks_direction *direction)
{
    return y && x ? jacobian(at, "ks_jacobian", y, x, direction) : NULL;
}

ks_node *ks_hessian_at(ks_place at, ks_node *y, ks_node *x)
{
    ks_direction forward = KS_FORWARD; /* over the gradient's reverse */
    if (!y || !x || !ks__derivable(at, y->graph, "ks_hessian", y) || !ks__derivable(at, y->graph, "ks_hessian", x))
        return NULL;
    ks_node *gradient = ks_gradient_at(at, y, x);
    return gradient ? jacobian(at, "ks_hessian", gradient, x, &forward) : NULL;
}
