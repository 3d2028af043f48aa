/*
 * graph/memory.h - every allocation of the library goes through here.
 *
 * A host's allocator may refuse at any call; the caller then reports KS_NO_MEMORY and leaves everything as it was.
 */
#ifndef KS_GRAPH_MEMORY_H
#define KS_GRAPH_MEMORY_H

#include <keisan/base.h>

/*
 * Allocates, grows, shrinks or frees as ks_alloc_fn does, through `allocator`; NULL, or one without a function, is the C library's.
 * The caller owns the result and gives its size back when it frees. NULL: no memory, and `old` is as it was.
 */
void *ks__allocate(const ks_allocator *allocator, void *old, size_t old_size, size_t new_size);

/* The C library's as a ks_alloc_fn: aligned to 64 bytes, `user` unused. */
void *ks__allocator_default(void *user, void *old, size_t old_size, size_t new_size);

#endif
