/*
 * graph/small.c - the memory of a graph: all of it comes from the host's allocator and is counted.
 *
 * Small things (attributes, names, value headers) come from slabs with a list of free ones a size; they never move.
 * Freeing a graph frees the slabs whole.
 */
#include "graph/graph.h"

#include <string.h>

#define SLAB_BYTES     16384u
#define ALIGNED(bytes) (((bytes) + 15u) & ~(size_t)15u)

void *ks__get_quiet(ks_graph *g, size_t bytes)
{
    void *memory = ks__allocate(&g->options.allocator, NULL, 0, bytes);
    if (memory) {
        g->statistics.allocations++;
        g->statistics.bytes_live += bytes;
        if (g->statistics.bytes_live > g->statistics.bytes_peak)
            g->statistics.bytes_peak = g->statistics.bytes_live;
    }
    return memory;
}

void *ks__get(ks_graph *g, size_t bytes)
{
    void *memory = ks__get_quiet(g, bytes);
    if (!memory)
        ks__refuse(g, KS_NO_MEMORY, KS__NOWHERE, "out of memory: %zu bytes were refused", bytes);
    return memory;
}

void ks__put(ks_graph *g, void *memory, size_t bytes)
{
    if (!memory)
        return;
    ks__allocate(&g->options.allocator, memory, bytes, 0);
    g->statistics.bytes_live -= bytes;
}

static void *from_slab(ks_graph *g, size_t bytes)
{
#ifdef KS_TORTURE
    size_t room = ALIGNED(bytes); /* every small thing alone, so that a stray write is seen */
#else
    size_t room = SLAB_BYTES - ALIGNED(sizeof(ks__slab));
#endif
    if (!g->slabs || g->slab_used + bytes > g->slabs->bytes) {
        ks__slab *slab = ks__get(g, ALIGNED(sizeof(ks__slab)) + room);
        if (!slab)
            return NULL;
        slab->next = g->slabs;
        slab->bytes = ALIGNED(sizeof(ks__slab)) + room;
        g->slabs = slab;
        g->slab_used = ALIGNED(sizeof(ks__slab));
    }
    void *memory = (char *)g->slabs + g->slab_used;
    g->slab_used += bytes;
    return memory;
}

void *ks__small(ks_graph *g, size_t bytes)
{
    size_t size = ALIGNED(bytes ? bytes : 1), class = size / 16;
    void *memory;
    if (class > KS__SMALL_CLASSES) {
        memory = ks__get(g, size);
    } else if (g->small_free[class]) {
        memory = g->small_free[class];
        memcpy(&g->small_free[class], memory, sizeof(void *));
    } else {
        memory = from_slab(g, size);
    }
    if (memory)
        memset(memory, 0, size);
    return memory;
}

void ks__small_put(ks_graph *g, void *memory, size_t bytes)
{
    if (!memory)
        return;
    size_t size = ALIGNED(bytes ? bytes : 1), class = size / 16;
    if (class > KS__SMALL_CLASSES) {
        ks__put(g, memory, size);
        return;
    }
    memcpy(memory, &g->small_free[class], sizeof(void *));
    g->small_free[class] = memory;
}

char *ks__text_copy(ks_graph *g, const char *text)
{
    size_t bytes = strlen(text) + 1;
    char *copy = ks__small(g, bytes);
    if (copy)
        memcpy(copy, text, bytes);
    return copy;
}

void ks__text_put(ks_graph *g, char *text)
{
    if (text)
        ks__small_put(g, text, strlen(text) + 1);
}

bool ks__grow(ks_graph *g, void *array, uint32_t *capacity, uint32_t count, size_t element)
{
    if (count < *capacity)
        return true;
#ifdef KS_TORTURE
    uint32_t larger = count + 1;
#else
    uint32_t larger = *capacity ? *capacity * 2 : 8;
#endif
    void *old, *moved = ks__get(g, larger * element);
    if (!moved)
        return false;
    memcpy(&old, array, sizeof old);
    if (old) {
        memcpy(moved, old, count * element);
        ks__put(g, old, *capacity * element);
    }
    memcpy(array, &moved, sizeof moved);
    *capacity = larger;
    return true;
}
