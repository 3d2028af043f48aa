/*
 * serialize/array.c - what a reader of arrays gives: a dtype, a shape, the elements.
 *
 * Sizes come out of files that anybody may have written, so every product is checked.
 */
#include "serialize/array.h"
#include "graph/failure.h"
#include "graph/memory.h"

#include <string.h>

bool ks__array_measure(ks_dtype dtype, const ks_shape *shape, size_t *count, size_t *bytes)
{
    int64_t elements = 1, span = (int64_t)ks_dtype_size(dtype);
    if (shape->rank < 0 || shape->rank > KS_MAX_RANK || span == 0)
        return false;
    for (int i = 0; i < shape->rank; i++) {
        int64_t dim = shape->dim[i];
        if (dim < 0 || __builtin_mul_overflow(span, dim ? dim : 1, &span))
            return false;
        elements *= dim;
    }
    if ((uint64_t)span > PTRDIFF_MAX)
        return false;
    *count = (size_t)elements;
    *bytes = (size_t)elements * ks_dtype_size(dtype);
    return true;
}

bool ks__array_new(ks__array *array, ks_dtype dtype, const ks_shape *shape, const ks_allocator *allocator, ks_failure *failure)
{
    size_t count, bytes;
    *array = (ks__array){.dtype = dtype, .shape = *shape};
    if (allocator)
        array->allocator = *allocator;
    if (!ks__array_measure(dtype, shape, &count, &bytes))
        return ks__fail(failure, KS_BAD_FILE, "the sizes multiply to more than memory can hold");
    if (bytes) {
        array->data = ks__allocate(allocator, NULL, 0, bytes);
        if (!array->data)
            return ks__fail_memory(failure, bytes);
    }
    array->bytes = bytes;
    return true;
}

void ks__array_free(ks__array *array)
{
    if (!array)
        return;
    ks__allocate(&array->allocator, array->data, array->bytes, 0);
    array->data = NULL;
    array->bytes = 0;
}

void ks__swap_bytes(void *data, size_t count, size_t size)
{
    char *at = data;
    if (size == 4) {
        for (size_t i = 0; i < count; i++, at += 4) {
            uint32_t v;
            memcpy(&v, at, 4);
            v = __builtin_bswap32(v);
            memcpy(at, &v, 4);
        }
    } else if (size == 8) {
        for (size_t i = 0; i < count; i++, at += 8) {
            uint64_t v;
            memcpy(&v, at, 8);
            v = __builtin_bswap64(v);
            memcpy(at, &v, 8);
        }
    } else if (size == 2) {
        for (size_t i = 0; i < count; i++, at += 2) {
            uint16_t v;
            memcpy(&v, at, 2);
            v = __builtin_bswap16(v);
            memcpy(at, &v, 2);
        }
    }
}
