/*
 * serialize/array.h - what a reader of arrays gives: a dtype, a shape, the elements.
 *
 * It is no tensor of a graph: it owns plain memory, and whoever read it converts or feeds it and frees it.
 */
#ifndef KS_SERIALIZE_ARRAY_H
#define KS_SERIALIZE_ARRAY_H

#include <keisan/base.h>

/* Row-major elements in the host's byte order. `data` is NULL when there are none, and after ks__array_free. */
typedef struct ks__array {
    ks_dtype dtype;
    ks_shape shape;
    void *data;
    size_t bytes;
    ks_allocator allocator;
} ks__array;

/*
 * Elements of `shape` (all dimensions >= 0) and bytes of them as `dtype`; false when either does not fit. An array without
 * elements must fit as well when its zeros count as ones: its other sizes are not nonsense.
 */
bool ks__array_measure(ks_dtype dtype, const ks_shape *shape, size_t *count, size_t *bytes);

/*
 * Makes `array` with uninitialised elements; `allocator` NULL is the C library's. Freed with ks__array_free. Fails with
 * KS_BAD_FILE when the sizes overflow, KS_NO_MEMORY; `array` is then empty.
 */
bool ks__array_new(ks__array *array, ks_dtype dtype, const ks_shape *shape, const ks_allocator *allocator, ks_failure *failure);
void ks__array_free(ks__array *array);

/* Reverses the bytes of `count` elements of `size` bytes in place. */
void ks__swap_bytes(void *data, size_t count, size_t size);

#endif
