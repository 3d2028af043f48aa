/*
 * serialize/values.h - arrays from files, by what is in them.
 */
#ifndef KS_SERIALIZE_VALUES_H
#define KS_SERIALIZE_VALUES_H

#include "serialize/array.h"

/* Reads all of `data` as .npy or IDX, gzipped or not. The array is freed with ks__array_free. */
bool ks__array_read(ks__array *array, const void *data, size_t size, const ks_allocator *allocator, ks_failure *failure);

/* The same from a file; failures name it. */
bool ks__array_load(ks__array *array, const char *path, const ks_allocator *allocator, ks_failure *failure);

#endif
