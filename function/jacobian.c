/*
 * function/jacobian.c - whole Jacobians and Hessians.
 *
 * A Jacobian is put together of products with the unit vectors of its smaller side: rows by reverse mode, columns by forward mode. The
 * derivative of the fragment from x to y is mapped over all unit vectors, so that it is one pass on matrices instead of many on vectors.
 * What draws random numbers must draw the very numbers that y drew: there each pass goes by itself.
 */
#include "function/function.h"
#include "keisan/autodiff.h"

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

/* A pass for each unit vector by itself, side by side: [y, x] as a matrix. */
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

/* All unit vectors of like's shape: [count, ...]. */
static ks_node *unit_vectors(ks_place at, ks_node *like)
{
    ks_shape shape = {.rank = ks__rank(like) + 1, .dim = {like->dims->count}};
    for (int d = 0; d < ks__rank(like); d++)
        shape.dim[d + 1] = like->dims->shape.dim[d];
    return ks_reshape_at(at, ks_eye_at(at, like->graph, (ks_dtype)like->dtype, like->dims->count), shape);
}

/* The derivative of f with respect to its first parameter; its last parameter takes the unit vectors. */
static const ks__derived *derivative(ks_graph *g, ks_function *f, bool forward)
{
    uint32_t of = ks__function_output(f, 0)->id;
    bool *first = ks__get(g, f->input_count);
    if (!first)
        return NULL;
    memset(first, 0, f->input_count);
    first[0] = true;
    const ks__derived *d = forward
                               ? ks__function_jvp(g, f, first, &of, 1)
                               : ks__function_vjp(g, f, &(ks__vjp_spec){.from = &of, .from_count = 1, .wanted = first, .recompute = true});
    ks__put(g, first, f->input_count);
    return d;
}

/* One pass for all unit vectors: [y, x] as a matrix. */
static ks_node *at_once(ks_place at, ks_node *y, ks_node *x, bool forward, ks_function *f, const ks__list *captured)
{
    ks_graph *g = y->graph;
    int64_t m = y->dims->count, n = x->dims->count;
    uint32_t count = captured->count + 2;
    size_t room = count * (sizeof(ks_node *) + sizeof(bool));
    const ks__derived *d = derivative(g, f, forward);
    ks_node **arguments = d ? ks__get(g, room) : NULL, *out = NULL;
    if (!arguments)
        return NULL;
    memset(arguments, 0, room);
    bool *mapped = (bool *)(void *)(arguments + count);
    arguments[0] = x;
    if (captured->count)
        memcpy(arguments + 1, captured->nodes, captured->count * sizeof *arguments);
    arguments[count - 1] = unit_vectors(at, forward ? x : y);
    mapped[count - 1] = true;
    bool good = arguments[count - 1] && ks_map_at(at, d->function, arguments, mapped, &out);
    ks__put(g, arguments, room);
    if (!good)
        return NULL;
    out = ks_reshape_at(at, out, forward ? KS_SHAPE(n, m) : KS_SHAPE(m, n));
    return forward ? ks_transpose_at(at, out, KS_INTS(1, 0)) : out;
}

static ks_node *matrix(ks_place at, ks_node *y, ks_node *x, bool forward)
{
    int64_t passes = forward ? x->dims->count : y->dims->count;
    bool fits = ks__rank(y) < KS_MAX_RANK && ks__rank(x) < KS_MAX_RANK;
    if (passes < 3 || !fits || y == x)
        return by_unit_vectors(at, y, x, forward);
    ks__list captured = {0};
    ks_function *f = ks__extract("jacobian", &x, 1, &y, 1, &captured);
    ks_node *out = NULL;
    if (f && !(f->flags & KS_OP_RANDOM))
        out = at_once(at, y, x, forward, f, &captured);
    else if (f)
        out = by_unit_vectors(at, y, x, forward);
    ks_function_free(f);
    ks__list_free(y->graph, &captured);
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

static const char jacobian_event;

/* Composed anew it is found whole. */
static ks_node *composed(ks_place at, ks_node *y, ks_node *x, bool forward, ks_shape shape)
{
    ks_graph *g = y->graph;
    uint64_t key[] = {(uint64_t)(uintptr_t)y, (uint64_t)(uintptr_t)x, forward};
    ks_node *out, *const *given = ks__event_recognise(g, &jacobian_event, key, sizeof key);
    if (given)
        return *given;
    ks__cut(g, g->count);
    uint32_t start = g->count;
    out = ks_reshape_at(at, matrix(at, y, x, forward), shape);
    ks__mark_derived(g, start);
    return out && ks__event_note(g, &jacobian_event, start, key, sizeof key, &out, sizeof out) ? out : NULL;
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
    return composed(at, y, x, choose(y, x, direction), shape);
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
