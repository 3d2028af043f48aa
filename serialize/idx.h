/*
 * serialize/idx.h - IDX files, in which MNIST and its like come, gzipped or not.
 *
 * Source of the format: the page of the MNIST database. Two zero bytes, a code of the element's type, the number of dimensions, each
 * dimension in four bytes, the elements; all of it big-endian.
 */
#ifndef KS_SERIALIZE_IDX_H
#define KS_SERIALIZE_IDX_H

#include "serialize/array.h"

/* Whether these bytes begin as IDX does, or as gzip does. */
bool ks__idx_begins(const void *data, size_t size);

/* Reads the file that is all of `data`. The array is freed with ks__array_free. */
bool ks__idx_read(ks__array *array, const void *data, size_t size, const ks_allocator *allocator, ks_failure *failure);

#endif
