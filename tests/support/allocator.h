/*
 * tests/support/allocator.h - an allocator that counts, and refuses the n-th request.
 */
#ifndef KS_TESTS_ALLOCATOR_H
#define KS_TESTS_ALLOCATOR_H

#include <keisan/keisan.h>
#include <stdlib.h>
#include <string.h>

typedef struct ks_test_memory {
    int64_t live;     /* bytes out */
    int64_t requests; /* for new memory so far */
    int64_t refuse;   /* the request that is refused, counted from 1; 0: none */
    bool forever;     /* and all that follow it */
    int64_t refused;  /* how often it happened */
} ks_test_memory;

static inline void *ks_test_alloc(void *user, void *old, size_t old_size, size_t new_size)
{
    ks_test_memory *memory = user;
    if (new_size == 0) {
        memory->live -= (int64_t)old_size;
        free(old);
        return NULL;
    }
    memory->requests++;
    if (memory->refuse && (memory->requests == memory->refuse || (memory->forever && memory->requests > memory->refuse))) {
        memory->refused++;
        return NULL;
    }
    void *fresh = aligned_alloc(64, (new_size + 63) & ~(size_t)63);
    if (!fresh)
        return NULL;
    memset(fresh, 0xff, new_size); /* NaN, for whoever reads what nobody wrote */
    if (old)
        memcpy(fresh, old, old_size < new_size ? old_size : new_size);
    memory->live += (int64_t)new_size - (int64_t)(old ? old_size : 0);
    free(old);
    return fresh;
}

static inline ks_allocator ks_test_allocator(ks_test_memory *memory)
{
    return (ks_allocator){ks_test_alloc, memory};
}

#endif
