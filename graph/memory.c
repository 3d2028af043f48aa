/*
 * graph/memory.c - every allocation of the library goes through here.
 *
 * The C library has no realloc that keeps an alignment of 64 bytes, so growing is a new block and a copy. In a torture build
 * fresh bytes are 0xFF, which is NaN as f32 and f64: whoever reads what nobody wrote is found out.
 */
#include "graph/memory.h"

#include <stdlib.h>
#include <string.h>

#define ALIGNMENT ((size_t)64)

void *ks__allocator_default(void *user, void *old, size_t old_size, size_t new_size)
{
    (void)user;
    if (new_size == 0) {
        free(old);
        return NULL;
    }
    if (new_size > PTRDIFF_MAX - ALIGNMENT)
        return NULL;
    char *fresh = aligned_alloc(ALIGNMENT, (new_size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
    if (!fresh)
        return NULL;
    size_t kept = !old ? 0 : old_size < new_size ? old_size : new_size;
    if (kept)
        memcpy(fresh, old, kept);
#ifdef KS_TORTURE
    memset(fresh + kept, 0xFF, new_size - kept);
#endif
    free(old);
    return fresh;
}

void *ks__allocate(const ks_allocator *allocator, void *old, size_t old_size, size_t new_size)
{
    if (!old && new_size == 0)
        return NULL;
    if (allocator && allocator->alloc)
        return allocator->alloc(allocator->user, old, old_size, new_size);
    return ks__allocator_default(NULL, old, old_size, new_size);
}
