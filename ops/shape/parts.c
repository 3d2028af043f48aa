/*
 * ops/shape/parts.c - many from one and one from many, made of slice, unsqueeze and concat: split and stack.
 */
#include "ops/family.h"

/* ---- split --------------------------------------------------------------------------------------------- */

bool ks_split_sizes_at(ks_place at, ks_node *x, int64_t axis, const int64_t *sizes, int count, ks_node **out)
{
    int64_t begin = 0;
    int where;
    for (int i = 0; i < count; i++)
        out[i] = NULL;
    if (!x)
        return false;
    if (!ks__axis(axis, ks__rank(x), &where))
        return ks__refuse(x->graph, KS_BAD_SHAPE, at, "split: '%s' has %d dimensions, so there is no axis %lld", ks_name(x), ks__rank(x),
                          (long long)axis);
    int64_t extent = x->dims->shape.dim[where];
    for (int i = 0; i < count; i++) {
        if (sizes[i] < 0 || __builtin_add_overflow(begin, sizes[i], &begin))
            return ks__refuse(x->graph, KS_BAD_ARGUMENT, at, "split: part %d has size %lld", i, (long long)sizes[i]);
    }
    if (!ks__dim_open(extent) && begin != extent)
        return ks__refuse(x->graph, KS_BAD_SHAPE, at, "split: the sizes add up to %lld, but axis %d of '%s' has %lld elements",
                          (long long)begin, where, ks_name(x), (long long)extent);
    begin = 0;
    for (int i = 0; i < count; i++) {
        out[i] = ks_slice_at(at, x, axis, begin, begin + sizes[i]);
        begin += sizes[i];
        if (!out[i])
            return false;
    }
    return true;
}

bool ks_split_at(ks_place at, ks_node *x, int64_t axis, int sections, ks_node **out)
{
    int where;
    for (int i = 0; i < sections; i++)
        out[i] = NULL;
    if (!x)
        return false;
    if (sections < 1)
        return ks__refuse(x->graph, KS_BAD_ARGUMENT, at, "split: %d sections: there is one at least", sections);
    if (!ks__axis(axis, ks__rank(x), &where))
        return ks__refuse(x->graph, KS_BAD_SHAPE, at, "split: '%s' has %d dimensions, so there is no axis %lld", ks_name(x), ks__rank(x),
                          (long long)axis);
    int64_t extent = x->dims->shape.dim[where], size = extent / sections;
    if (ks__dim_open(extent))
        return ks__refuse(x->graph, KS_BAD_SHAPE, at,
                          "split: axis %d of '%s' is open, so how long a section is is not known: give it a size, or use ks_split_sizes",
                          where, ks_name(x));
    if (extent % sections)
        return ks__refuse(x->graph, KS_BAD_SHAPE, at,
                          "split: the %lld elements of axis %d of '%s' are no %d equal sections: ks_split_sizes takes other sizes",
                          (long long)extent, where, ks_name(x), sections);
    for (int i = 0; i < sections; i++) {
        out[i] = ks_slice_at(at, x, axis, i * size, (i + 1) * size);
        if (!out[i])
            return false;
    }
    return true;
}

/* ---- stack --------------------------------------------------------------------------------------------- */

ks_node *ks_stack_at(ks_place at, ks_node *const *nodes, int count, int64_t axis)
{
    for (int i = 0; i < count; i++) {
        if (!nodes[i])
            return NULL;
    }
    if (count < 1)
        return NULL;
    ks_graph *g = nodes[0]->graph;
    size_t bytes = (size_t)count * sizeof(ks_node *);
    ks_node **parts = ks__get(g, bytes), *joined = NULL;
    bool good = parts != NULL;
    for (int i = 0; good && i < count; i++)
        good = (parts[i] = ks_unsqueeze_at(at, nodes[i], KS_INTS(axis))) != NULL;
    if (good)
        joined = ks_concat_at(at, parts, count, axis);
    if (parts)
        ks__put(g, parts, bytes);
    return joined;
}
