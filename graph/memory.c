/*
 * graph/memory.c - every allocation of the library goes through here.
 *
 * The C library has no realloc that keeps an alignment of 64 bytes, so growing is a new block and a copy. In a torture build
 * fresh bytes are 0xFF, which is NaN as f32 and f64: whoever reads what nobody wrote is found out.
 */
#include "graph/memory.h"

#include <stdlib.h>
#include <string.h>
#if defined(__linux__)
#include <sys/mman.h>
#endif

#define ALIGNMENT ((size_t)64)
#define HUGE_PAGE ((size_t)2 << 20)

/* Large blocks lie on huge pages where the system has them: touching them first, and finding them later, costs far less. */
static void *fresh_block(size_t size)
{
#if defined(MADV_HUGEPAGE)
    if (size >= 2 * HUGE_PAGE && size <= PTRDIFF_MAX - HUGE_PAGE) {
        void *block = aligned_alloc(HUGE_PAGE, (size + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE);
        if (block)
            madvise(block, size, MADV_HUGEPAGE);
        return block;
    }
#endif
    return aligned_alloc(ALIGNMENT, (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
}

void *ks__allocator_default(void *user, void *old, size_t old_size, size_t new_size)
{
    (void)user;
    if (new_size == 0) {
        free(old);
        return NULL;
    }
    if (new_size > PTRDIFF_MAX - ALIGNMENT)
        return NULL;
    char *fresh = fresh_block(new_size);
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
