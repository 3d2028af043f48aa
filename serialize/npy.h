/*
 * serialize/npy.h - NumPy's .npy files.
 *
 * Source of the format: NumPy Enhancement Proposal 1, and numpy.lib.format for versions 2.0 and 3.0. Read are 1.0 to 3.0 in
 * either order of bytes, C or Fortran order; written is 1.0, little-endian, C order.
 */
#ifndef KS_SERIALIZE_NPY_H
#define KS_SERIALIZE_NPY_H

#include "serialize/array.h"

/* Whether these bytes begin as a .npy file does. */
bool ks__npy_begins(const void *data, size_t size);

/* Reads the file that is all of `data`. The array is freed with ks__array_free. */
bool ks__npy_read(ks__array *array, const void *data, size_t size, const ks_allocator *allocator, ks_failure *failure);

/* Writes `data` of this dtype and shape. */
bool ks__npy_write(const ks_writer *writer, ks_dtype dtype, const ks_shape *shape, const void *data, ks_failure *failure);

#endif
