/*
 * serialize/npy.c - NumPy's .npy files.
 *
 * A file is the magic, two bytes of version, the header's length, the header and the elements. The header is a Python dictionary with
 * exactly the keys descr, fortran_order and shape; it is read strictly, whatever a Python would let pass.
 */
#include "serialize/npy.h"
#include "serialize/io.h"
#include "serialize/stored.h"
#include "graph/failure.h"
#include "graph/memory.h"

#include <stdio.h>
#include <string.h>

static const char magic[6] = {'\x93', 'N', 'U', 'M', 'P', 'Y'};

bool ks__npy_begins(const void *data, size_t size)
{
    return size >= sizeof magic && !memcmp(data, magic, sizeof magic);
}

/* ---- the header's grammar ------------------------------------------------------------------------------ */

typedef struct header {
    const char *begin, *at, *end;
    ks__stored stored;
    ks_dtype dtype;
    bool fortran;
    ks_shape shape;
    ks_failure *failure;
} header;

static bool bad(header *h, const char *what)
{
    return ks__fail(h->failure, KS_BAD_FILE, "character %zu of the .npy header: %s", (size_t)(h->at - h->begin) + 1, what);
}

static void skip(header *h)
{
    while (h->at < h->end && (*h->at == ' ' || *h->at == '\t'))
        h->at++;
}

static bool taken(header *h, char c)
{
    skip(h);
    if (h->at == h->end || *h->at != c)
        return false;
    h->at++;
    return true;
}

static bool expect(header *h, char c)
{
    char what[] = "'?' expected";
    what[1] = c;
    return taken(h, c) || bad(h, what);
}

static bool word(header *h, const char *text)
{
    size_t size = strlen(text);
    skip(h);
    if ((size_t)(h->end - h->at) < size || memcmp(h->at, text, size) != 0)
        return false;
    h->at += size;
    return true;
}

/* A quoted text without escapes, of at most `room - 1` bytes. */
static bool quoted(header *h, char *text, size_t room)
{
    skip(h);
    if (h->at == h->end || (*h->at != '\'' && *h->at != '"'))
        return bad(h, "a quoted text expected");
    char quote = *h->at++;
    size_t size = 0;
    for (; h->at < h->end && *h->at != quote; h->at++) {
        if (*h->at == '\\' || (unsigned char)*h->at < 32 || (unsigned char)*h->at > 126 || size + 1 >= room)
            return bad(h, "a short text of plain characters expected");
        text[size++] = *h->at;
    }
    text[size] = 0;
    return expect(h, quote);
}

/* ---- descr --------------------------------------------------------------------------------------------- */

/* What NumPy calls it, for the mend: only the common ones. */
static const char *mend_of(char kind)
{
    switch (kind) {
    case 'c':
        return "save its .real and .imag apart";
    case 'O':
        return "Python objects are no numbers: save an array of numbers";
    case 'U':
    case 'S':
        return "text is no number: save an array of numbers";
    case 'u':
        return "save it with .astype('int64')";
    default:
        return "save it with .astype('float64') or .astype('int64')";
    }
}

static bool read_descr(header *h)
{
    char text[32];
    skip(h);
    if (h->at < h->end && *h->at == '[')
        return ks__fail(h->failure, KS_UNSUPPORTED, "a structured dtype, which no tensor has: save one field of it, a['field']");
    if (!quoted(h, text, sizeof text))
        return false;
    char order = text[0], kind = order ? text[1] : 0;
    size_t size = 0, i = kind ? 2 : 1;
    for (; kind && text[i] >= '0' && text[i] <= '9' && size < 100000; i++)
        size = size * 10 + (size_t)(text[i] - '0');
    if (!strchr("<>|=", order) || !kind || (text[i] && kind != 'M' && kind != 'm'))
        return ks__fail(h->failure, KS_BAD_FILE, "the .npy header's dtype '%s' is none that NumPy writes", text);
    h->stored = (ks__stored){kind, size, order == '>' ? !ks__big_endian() : order == '<' && ks__big_endian()};
    h->dtype = ks__stored_dtype(h->stored);
    if (h->dtype == KS_DTYPES)
        return ks__fail(h->failure, KS_UNSUPPORTED, "dtype '%s' is not read: %s", text, mend_of(kind));
    if (order == '|' && size > 1)
        return ks__fail(h->failure, KS_BAD_FILE, "the .npy header's dtype '%s' does not say its order of bytes", text);
    return true;
}

/* ---- shape and order ----------------------------------------------------------------------------------- */

static bool read_dim(header *h, int64_t *dim)
{
    const char *first = h->at;
    *dim = 0;
    for (; h->at < h->end && *h->at >= '0' && *h->at <= '9'; h->at++) {
        if (__builtin_mul_overflow(*dim, 10, dim) || __builtin_add_overflow(*dim, *h->at - '0', dim))
            return bad(h, "a size that is too large");
    }
    if (h->at == first)
        return bad(h, "a size expected");
    if (h->at < h->end && *h->at == 'L') /* Python 2 wrote its long integers so */
        h->at++;
    return true;
}

static bool read_shape(header *h)
{
    bool comma = true;
    if (!expect(h, '('))
        return false;
    while (!taken(h, ')')) {
        if (!comma)
            return bad(h, "',' or ')' expected");
        if (h->shape.rank == KS_MAX_RANK)
            return ks__fail(h->failure, KS_UNSUPPORTED, "more than %d dimensions: reshape it before saving", KS_MAX_RANK);
        if (!read_dim(h, &h->shape.dim[h->shape.rank++]))
            return false;
        comma = taken(h, ',');
    }
    return (h->shape.rank != 1 || comma) || bad(h, "a shape of one dimension is written (N,)");
}

static bool read_order(header *h)
{
    h->fortran = word(h, "True");
    return h->fortran || word(h, "False") || bad(h, "True or False expected");
}

static bool read_header(header *h)
{
    static const struct {
        const char *key;
        bool (*read)(header *h);
    } entries[] = {{"descr", read_descr}, {"fortran_order", read_order}, {"shape", read_shape}};
    unsigned seen = 0;
    if (!expect(h, '{'))
        return false;
    for (bool comma = true; !taken(h, '}'); comma = taken(h, ',')) {
        char key[32];
        unsigned i = 0;
        if (!comma)
            return bad(h, "',' or '}' expected");
        if (!quoted(h, key, sizeof key))
            return false;
        while (i < 3 && strcmp(key, entries[i].key) != 0)
            i++;
        if (i == 3)
            return ks__fail(h->failure, KS_BAD_FILE, "the .npy header has the unknown key '%s'", key);
        if (seen >> i & 1)
            return ks__fail(h->failure, KS_BAD_FILE, "the .npy header has the key '%s' twice", key);
        seen |= 1u << i;
        if (!expect(h, ':') || !entries[i].read(h))
            return false;
    }
    for (unsigned i = 0; i < 3; i++) {
        if (!(seen >> i & 1))
            return ks__fail(h->failure, KS_BAD_FILE, "the .npy header lacks the key '%s'", entries[i].key);
    }
    while (h->at < h->end && strchr(" \n\r\t", *h->at) && *h->at)
        h->at++;
    return h->at == h->end || bad(h, "nothing but spaces may follow the dictionary");
}

/* ---- reading ------------------------------------------------------------------------------------------- */

/* Elements in Fortran order (the first index runs fastest) are put in C's. */
static void to_row_major(char *out, const char *in, const ks_shape *shape, size_t count, size_t size)
{
    int64_t index[KS_MAX_RANK] = {0};
    size_t stride[KS_MAX_RANK + 1] = {size}, from = 0;
    for (int d = 0; d < shape->rank; d++)
        stride[d + 1] = stride[d] * (size_t)shape->dim[d];
    for (size_t i = 0; i < count; i++, out += size) {
        memcpy(out, in + from, size);
        for (int d = shape->rank - 1; d >= 0; d--) {
            from += stride[d];
            if (++index[d] < shape->dim[d])
                break;
            from -= stride[d + 1];
            index[d] = 0;
        }
    }
}

static bool reorder(ks__array *array, size_t count, ks_failure *failure)
{
    ks__array other;
    if (!ks__array_new(&other, array->dtype, &array->shape, &array->allocator, failure))
        return false;
    to_row_major(other.data, array->data, &array->shape, count, ks_dtype_size(array->dtype));
    ks__array_free(array);
    *array = other;
    return true;
}

static bool take_elements(ks__array *array, const header *h, const char *data, size_t size, const ks_allocator *allocator)
{
    size_t count, bytes, stored;
    if (!ks__array_measure(h->dtype, &h->shape, &count, &bytes))
        return ks__fail(h->failure, KS_BAD_FILE, "the .npy header's sizes multiply to more than memory can hold");
    stored = count * h->stored.size;
    if (stored > size)
        return ks__fail(h->failure, KS_BAD_FILE,
                        "the .npy header promises %zu bytes of elements, the file has %zu: it is cut off, save it again", stored, size);
    if (stored < size)
        return ks__fail(h->failure, KS_BAD_FILE, "%zu bytes follow the array: a .npy file holds one array and nothing else", size - stored);
    if (!ks__array_new(array, h->dtype, &h->shape, allocator, h->failure))
        return false;
    ks__stored_take(h->stored, array->data, data, count);
    if (h->fortran && h->shape.rank > 1 && count && !reorder(array, count, h->failure)) {
        ks__array_free(array);
        return false;
    }
    return true;
}

bool ks__npy_read(ks__array *array, const void *data, size_t size, const ks_allocator *allocator, ks_failure *failure)
{
    const unsigned char *bytes = data;
    *array = (ks__array){.dtype = KS_F32};
    if (!ks__npy_begins(data, size))
        return ks__fail(failure, KS_BAD_FILE, "this is no .npy file: it does not begin with \\x93NUMPY");
    if (size < 10)
        return ks__fail(failure, KS_BAD_FILE, "the .npy header is cut off after %zu bytes", size);
    if (bytes[6] < 1 || bytes[6] > 3 || bytes[7] != 0)
        return ks__fail(failure, KS_UNSUPPORTED, ".npy version %d.%d is newer than 3.0, the last one known here: save it with numpy.save",
                        bytes[6], bytes[7]);
    size_t start = bytes[6] == 1 ? 10 : 12, length = bytes[8] | (size_t)bytes[9] << 8;
    if (bytes[6] > 1 && size >= 12)
        length |= (size_t)bytes[10] << 16 | (size_t)bytes[11] << 24;
    if (size < start || length > size - start)
        return ks__fail(failure, KS_BAD_FILE, "the .npy header should end at byte %zu, the file at %zu: it is cut off", start + length,
                        size);
    const char *text = (const char *)data + start;
    header h = {.begin = text, .at = text, .end = text + length, .failure = failure};
    return read_header(&h) && take_elements(array, &h, text + length, size - start - length, allocator);
}

/* ---- writing ------------------------------------------------------------------------------------------- */

/* Elements in little-endian order, a piece at a time on a big-endian machine. */
static bool write_elements(const ks_writer *writer, const void *data, size_t count, size_t size)
{
    if (!ks__big_endian() || size == 1)
        return ks__write(writer, data, count * size);
    char piece[1024];
    for (size_t done = 0, n; done < count; done += n) {
        n = count - done < sizeof piece / size ? count - done : sizeof piece / size;
        memcpy(piece, (const char *)data + done * size, n * size);
        ks__swap_bytes(piece, n, size);
        if (!ks__write(writer, piece, n * size))
            return false;
    }
    return true;
}

bool ks__npy_write(const ks_writer *writer, ks_dtype dtype, const ks_shape *shape, const void *data, ks_failure *failure)
{
    static const char *const names[KS_DTYPES] = {"<f4", "<f8", "<i4", "<i8", "|u1", "|b1"};
    char text[384] = {0}, *dictionary = text + 10;
    size_t count, bytes;
    if (!ks__array_measure(dtype, shape, &count, &bytes))
        return ks__fail(failure, KS_BAD_ARGUMENT, "the sizes multiply to more than memory can hold");
    int at = snprintf(dictionary, 300, "{'descr': '%s', 'fortran_order': False, 'shape': (", names[dtype]);
    for (int i = 0; i < shape->rank; i++)
        at += snprintf(dictionary + at, 300 - (size_t)at, i ? ", %lld" : "%lld", (long long)shape->dim[i]);
    at += snprintf(dictionary + at, 300 - (size_t)at, "%s), }", shape->rank == 1 ? "," : "");
    /* Spaces and a newline bring the elements to a multiple of 64 bytes. */
    size_t whole = ((size_t)at + 10 + 1 + 63) / 64 * 64;
    memset(dictionary + at, ' ', whole - 10 - (size_t)at);
    text[whole - 1] = '\n';
    memcpy(text, magic, sizeof magic);
    text[6] = 1;
    text[8] = (char)((whole - 10) & 255);
    text[9] = (char)((whole - 10) >> 8);
    if (!ks__write(writer, text, whole) || !write_elements(writer, data, count, ks_dtype_size(dtype)))
        return ks__fail(failure, KS_IO, "the writer failed");
    return true;
}
