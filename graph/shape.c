/*
 * graph/shape.c - dtypes, shapes and how dimensions fit each other.
 *
 * A dimension is a number, a symbol (a negative handle) or unknown (KS_ANY). A symbol fits itself and a literal 1. What
 * can't be decided while composing is left unknown here and checked at the feed, where every dimension is a number.
 */
#include "graph/graph.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    size_t size;
} dtypes[KS_DTYPES] = {
    [KS_F32] = {"f32", 4}, [KS_F64] = {"f64", 8}, [KS_I32] = {"i32", 4},
    [KS_I64] = {"i64", 8}, [KS_U8] = {"u8", 1},   [KS_BOOL] = {"bool", 1},
};

size_t ks_dtype_size(ks_dtype dtype)
{
    return (unsigned)dtype < KS_DTYPES ? dtypes[dtype].size : 0;
}

const char *ks_dtype_name(ks_dtype dtype)
{
    return (unsigned)dtype < KS_DTYPES ? dtypes[dtype].name : "?";
}

ks_dtype ks_dtype_named(const char *name)
{
    for (int i = 0; name && i < KS_DTYPES; i++) {
        if (!strcmp(dtypes[i].name, name))
            return (ks_dtype)i;
    }
    return KS_DTYPES;
}

/* ---- shapes kept once ---------------------------------------------------------------------------------- */

int64_t ks__count(const ks_shape *shape)
{
    int64_t count = 1;
    for (int i = 0; i < shape->rank; i++) {
        if (ks__dim_open(shape->dim[i]))
            return -1;
        if (__builtin_mul_overflow(count, shape->dim[i], &count))
            return -1;
    }
    return count;
}

int64_t ks_shape_count(ks_shape shape)
{
    return shape.rank < 0 || shape.rank > KS_MAX_RANK ? -1 : ks__count(&shape);
}

const ks__dims *ks__dims_of(ks_graph *g, const ks_shape *shape)
{
    if (shape->rank == 0 && g->scalar)
        return g->scalar;
    ks_shape key = {.rank = shape->rank}; /* what lies beyond the rank is zero, so that equal shapes are equal bytes */
    memcpy(key.dim, shape->dim, (size_t)shape->rank * sizeof key.dim[0]);
    ks__dims *dims;
    HASH_FIND(hh, g->shapes, &key, sizeof key, dims);
    if (dims)
        return dims;
    dims = ks__small(g, sizeof *dims);
    if (!dims)
        return NULL;
    dims->shape = key;
    dims->count = ks__count(&key);
    HASH_ADD(hh, g->shapes, shape, sizeof dims->shape, dims);
    if (!dims->hh.tbl) {
        ks__small_put(g, dims, sizeof *dims);
        return ks__null(g, KS_NO_MEMORY, KS__NOWHERE, "out of memory: no room for a shape");
    }
    if (key.rank == 0)
        g->scalar = dims;
    return dims;
}

void ks__dims_free(ks_graph *g)
{
    HASH_CLEAR(hh, g->shapes); /* the entries go with their slabs */
}

/* ---- symbols ------------------------------------------------------------------------------------------- */

/* The first handle is never given out: -1 in a shape means what is left, see reshape. */
static bool reserve_first(ks_graph *g)
{
    if (g->symbol_count)
        return true;
    if (!ks__grow(g, &g->symbols, &g->symbol_capacity, 0, sizeof *g->symbols))
        return false;
    g->symbols[g->symbol_count++].name = NULL;
    return true;
}

static int64_t add_symbol(ks_graph *g, const char *name)
{
    char *copy = NULL;
    if (!reserve_first(g) || !ks__grow(g, &g->symbols, &g->symbol_capacity, g->symbol_count, sizeof *g->symbols) ||
        (name && !(copy = ks__text_copy(g, name))))
        return 0;
    g->symbols[g->symbol_count].name = copy;
    return -(int64_t)++g->symbol_count;
}

int64_t ks_dim(ks_graph *graph, const char *name)
{
    if (!graph)
        return 0;
    if (!name || !ks__name_valid(name))
        return ks__refuse(graph, KS_BAD_NAME, KS__NOWHERE, "ks_dim: '%s' is no name: use letters, digits and _.:/-", name ? name : "NULL");
    for (uint32_t i = 0; i < graph->symbol_count; i++) {
        if (graph->symbols[i].name && !strcmp(graph->symbols[i].name, name))
            return -(int64_t)(i + 1);
    }
    return add_symbol(graph, name);
}

int64_t ks__dim_fresh(ks_graph *g)
{
    return add_symbol(g, NULL);
}

const char *ks_dim_name(const ks_graph *graph, int64_t dim)
{
    if (!graph || dim >= 0 || dim < -(int64_t)graph->symbol_count || !graph->symbols[-dim - 1].name)
        return "?";
    return graph->symbols[-dim - 1].name;
}

const char *ks__shape_text(const ks_graph *g, const ks_shape *shape, char text[KS__SHAPE_TEXT])
{
    size_t at = 0;
    text[at++] = '[';
    for (int i = 0; i < shape->rank && at < KS__SHAPE_TEXT - 24; i++) {
        if (i)
            at += (size_t)snprintf(text + at, KS__SHAPE_TEXT - at, ", ");
        if (ks__dim_open(shape->dim[i]))
            at += (size_t)snprintf(text + at, KS__SHAPE_TEXT - at, "%.12s", ks_dim_name(g, shape->dim[i]));
        else
            at += (size_t)snprintf(text + at, KS__SHAPE_TEXT - at, "%lld", (long long)shape->dim[i]);
    }
    text[at++] = ']';
    text[at] = 0;
    return text;
}

/* ---- dimensions that meet ------------------------------------------------------------------------------ */

/* Unknown, or a symbol without a name: each is different, and which number it stands for is seen at the feed. */
static bool undecided(const ks_graph *g, int64_t dim)
{
    return dim == KS_ANY || (dim < 0 && dim >= -(int64_t)g->symbol_count && !g->symbols[-dim - 1].name);
}

bool ks__dim_broadcast(ks_graph *g, int64_t a, int64_t b, int64_t *out)
{
    if (a == b || b == 1)
        return *out = a, true;
    if (a == 1)
        return *out = b, true;
    if (undecided(g, a) || undecided(g, b)) {
        *out = undecided(g, a) ? b : a;
        if (ks__dim_open(*out))
            *out = KS_ANY;
        return true;
    }
    return false;
}

bool ks__dim_same(ks_graph *g, int64_t a, int64_t b, int64_t *out)
{
    if (a == b)
        return *out = a, true;
    if (undecided(g, a))
        return *out = b, true;
    if (undecided(g, b))
        return *out = a, true;
    return false;
}

bool ks__broadcast_shapes(ks_graph *g, const ks_shape *a, const ks_shape *b, ks_shape *out)
{
    ks_shape result = {.rank = a->rank > b->rank ? a->rank : b->rank};
    for (int i = 1; i <= result.rank; i++) {
        int64_t da = i <= a->rank ? a->dim[a->rank - i] : 1, db = i <= b->rank ? b->dim[b->rank - i] : 1;
        if (!ks__dim_broadcast(g, da, db, &result.dim[result.rank - i]))
            return false;
    }
    *out = result;
    return true;
}

bool ks__axis(int64_t axis, int rank, int *out)
{
    if (axis < -rank || axis >= rank)
        return false;
    *out = (int)(axis < 0 ? axis + rank : axis);
    return true;
}

bool ks__axes_mask(ks_infer *infer, const ks_ints *axes, int rank, unsigned *mask)
{
    *mask = 0;
    if (axes->count < 0) {
        *mask = (1u << rank) - 1;
        return true;
    }
    for (int i = 0; i < axes->count; i++) {
        int axis;
        if (!ks__axis(axes->at[i], rank, &axis))
            return ks_infer_fail(infer, KS_BAD_SHAPE, "there is no axis %lld: {0}", (long long)axes->at[i]);
        if (*mask & 1u << axis)
            return ks_infer_fail(infer, KS_BAD_ARGUMENT, "axis %lld is named twice", (long long)axes->at[i]);
        *mask |= 1u << axis;
    }
    return true;
}

/* ---- rules that many operations share ------------------------------------------------------------------ */

bool ks_infer_broadcast(ks_infer *infer)
{
    infer->out = *infer->shape[0];
    for (int i = 1; i < infer->n; i++) {
        if (!ks__broadcast_shapes(infer->graph, &infer->out, infer->shape[i], &infer->out))
            return infer->n == 2 ? ks_infer_fail(infer, KS_BAD_SHAPE, "shapes do not broadcast: {0}, {1}")
                                 : ks_infer_fail(infer, KS_BAD_SHAPE, "shapes do not broadcast: {0}, {1}, {2}");
    }
    return true;
}

bool ks_infer_same(ks_infer *infer)
{
    infer->out = *infer->shape[0];
    return true;
}

bool ks_infer_fail(ks_infer *infer, ks_code code, const char *format, ...)
{
    if (infer->failure->code)
        return false;
    infer->failure->code = code;
    va_list list;
    va_start(list, format);
    vsnprintf(infer->failure->message, sizeof infer->failure->message, format, list);
    va_end(list);
    return false;
}
