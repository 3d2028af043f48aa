/*
 * serialize/literal.h - arrays written as text: "2.5", "[[1, 2], [3, 4]]", "true", "NaN".
 *
 * The grammar is JSON's for lists, numbers and truth values; NaN, Infinity and -Infinity stand with or without quotes. Numbers are read
 * straight into the wanted dtype, so that 0.1 is the nearest f32 of an f32 array.
 */
#ifndef KS_SERIALIZE_LITERAL_H
#define KS_SERIALIZE_LITERAL_H

#include "serialize/array.h"

/* Reads all of text[0, size) as an array of `dtype`. The array is freed with ks__array_free. */
bool ks__literal_read(ks__array *array, const char *text, size_t size, ks_dtype dtype, const ks_allocator *allocator, ks_failure *failure);

/* Writes the value as nested lists in JSON, with digits enough to read back the same bits. False: the writer failed. */
bool ks__literal_write(const ks_writer *writer, ks_dtype dtype, const ks_shape *shape, const void *data);

#endif
