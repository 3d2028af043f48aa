/*
 * serialize/idx.c - IDX files, in which MNIST and its like come, gzipped or not.
 *
 * Sizes are believed only as far as the bytes that are there can bear them out: a header of a few bytes gets no terabyte.
 */
#include "serialize/idx.h"
#include "serialize/gunzip.h"
#include "serialize/stored.h"
#include "graph/failure.h"

#include <string.h>

bool ks__idx_begins(const void *data, size_t size)
{
    const unsigned char *bytes = data;
    return size >= 2 && ((bytes[0] == 0 && bytes[1] == 0) || (bytes[0] == 0x1f && bytes[1] == 0x8b));
}

/* The types by their codes. */
static const struct {
    unsigned char code;
    ks__stored stored;
} codes[] = {
    {0x08, {.kind = 'u', .size = 1}}, {0x09, {.kind = 'i', .size = 1}}, {0x0B, {.kind = 'i', .size = 2}},
    {0x0C, {.kind = 'i', .size = 4}}, {0x0D, {.kind = 'f', .size = 4}}, {0x0E, {.kind = 'f', .size = 8}},
};

static bool check_magic(const unsigned char magic[4], ks__stored *stored, ks_failure *failure)
{
    if (!memcmp(magic, "\x93NUM", 4))
        return ks__fail(failure, KS_UNSUPPORTED, "it is a gzipped .npy file: unpack it with gunzip first");
    if (magic[0] || magic[1])
        return ks__fail(failure, KS_BAD_FILE, "this is no IDX file: it begins with %02x %02x, not with 00 00", magic[0], magic[1]);
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        if (codes[i].code == magic[2]) {
            *stored = codes[i].stored;
            stored->swapped = stored->size > 1 && !ks__big_endian();
            return magic[3] <= KS_MAX_RANK ||
                   ks__fail(failure, KS_UNSUPPORTED, "it has %d dimensions, at most %d are read", magic[3], KS_MAX_RANK);
        }
    }
    return ks__fail(failure, KS_BAD_FILE, "byte 3 is %02x, which is no type of an IDX file: 08 u8, 09 i8, 0b i16, 0c i32, 0d f32, 0e f64",
                    magic[2]);
}

static bool read_header(ks__source *source, ks__stored *stored, ks_shape *shape, ks_failure *failure)
{
    unsigned char magic[4], dim[4];
    if (!ks__source_take(source, magic, sizeof magic, failure) || !check_magic(magic, stored, failure))
        return false;
    shape->rank = magic[3];
    for (int i = 0; i < shape->rank; i++) {
        if (!ks__source_take(source, dim, sizeof dim, failure))
            return false;
        shape->dim[i] = (int64_t)dim[0] << 24 | dim[1] << 16 | dim[2] << 8 | dim[3];
    }
    return true;
}

/* Elements that are stored otherwise than a tensor holds them pass through a piece of memory. */
static bool take_widened(ks__source *source, ks__array *array, ks__stored stored, size_t count, ks_failure *failure)
{
    char piece[4096];
    size_t span = ks_dtype_size(array->dtype);
    for (size_t done = 0, n; done < count; done += n) {
        n = count - done < sizeof piece / stored.size ? count - done : sizeof piece / stored.size;
        if (!ks__source_take(source, piece, n * stored.size, failure))
            return false;
        ks__stored_take(stored, (char *)array->data + done * span, piece, n);
    }
    return true;
}

static bool take_elements(ks__source *source, ks__array *array, ks__stored stored, size_t count, ks_failure *failure)
{
    if (!ks__stored_plain(stored))
        return take_widened(source, array, stored, count, failure);
    if (!ks__source_take(source, array->data, count * stored.size, failure))
        return false;
    ks__stored_take(stored, array->data, array->data, count);
    return true;
}

static bool read_source(ks__source *source, ks__array *array, const ks_allocator *allocator, ks_failure *failure)
{
    ks__stored stored;
    ks_shape shape = {0};
    size_t count, bytes;
    if (!read_header(source, &stored, &shape, failure))
        return false;
    if (!ks__array_measure(ks__stored_dtype(stored), &shape, &count, &bytes))
        return ks__fail(failure, KS_BAD_FILE, "the IDX header's sizes multiply to more than memory can hold");
    if (count > ks__source_most(source) / stored.size)
        return ks__fail(failure, KS_BAD_FILE,
                        "the IDX header promises %zu elements, more than the file can hold: it is cut off, or no IDX file", count);
    if (!ks__array_new(array, ks__stored_dtype(stored), &shape, allocator, failure))
        return false;
    if (take_elements(source, array, stored, count, failure) && ks__source_end(source, failure))
        return true;
    ks__array_free(array);
    return false;
}

bool ks__idx_read(ks__array *array, const void *data, size_t size, const ks_allocator *allocator, ks_failure *failure)
{
    ks__source source;
    *array = (ks__array){.dtype = KS_U8};
    if (!ks__source_open(&source, data, size, allocator, failure))
        return false;
    bool good = read_source(&source, array, allocator, failure);
    ks__source_close(&source);
    return good;
}
