/*
 * test_idx.c - IDX files, gzipped or not: the embedded digits, every type, hostile ones.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <keisan/keisan.h>
#include "config.h"
#include "serialize/idx.h"
#include "serialize/values.h"
#include "tests/support/allocator.h"

#ifdef KS_HAVE_ZLIB
#include <zlib.h>
#endif

typedef struct bytes {
    unsigned char data[8192];
    size_t size;
} bytes;

#define BYTES(...) ((bytes){.data = {__VA_ARGS__}, .size = sizeof((const unsigned char[]){__VA_ARGS__})})

static const bytes labels = {.data = {0, 0, 8, 1, 0, 0, 0, 3, 7, 2, 1}, .size = 11};

static void says(const bytes *file, ks_code code, const char *message)
{
    ks__array array;
    ks_failure failure = {.code = KS_OK};
    cr_assert_not(ks__idx_read(&array, file->data, file->size, NULL, &failure), "'%s' was expected", message);
    cr_assert(strstr(failure.message, message), "%s", failure.message);
    cr_assert_eq(failure.code, code, "%s", ks_code_name(failure.code));
    cr_assert_null(array.data);
}

static void is(const bytes *file, ks_dtype dtype, const void *wanted, size_t size)
{
    ks__array array;
    ks_failure failure = {.code = KS_OK};
    cr_assert(ks__array_read(&array, file->data, file->size, NULL, &failure), "%s", failure.message);
    cr_assert_eq(array.dtype, dtype);
    cr_assert_eq(array.bytes, size);
    if (size)
        cr_assert_arr_eq(array.data, wanted, size);
    ks__array_free(&array);
}

/* ---- plain --------------------------------------------------------------------------------------------- */

Test(idx, every_type_is_read)
{
    is(&labels, KS_U8, (const uint8_t[]){7, 2, 1}, 3);
    is(&BYTES(0, 0, 9, 1, 0, 0, 0, 2, 0xff, 0x7f), KS_I32, (const int32_t[]){-1, 127}, 8);
    is(&BYTES(0, 0, 0x0b, 1, 0, 0, 0, 2, 0xff, 0xfe, 0x01, 0x00), KS_I32, (const int32_t[]){-2, 256}, 8);
    is(&BYTES(0, 0, 0x0c, 1, 0, 0, 0, 1, 0x80, 0, 0, 1), KS_I32, (const int32_t[]){INT32_MIN + 1}, 4);
    is(&BYTES(0, 0, 0x0d, 1, 0, 0, 0, 1, 0xbf, 0xc0, 0, 0), KS_F32, (const float[]){-1.5f}, 4);
    is(&BYTES(0, 0, 0x0e, 1, 0, 0, 0, 1, 0x40, 0x04, 0, 0, 0, 0, 0, 0), KS_F64, (const double[]){2.5}, 8);
    is(&BYTES(0, 0, 8, 0, 42), KS_U8, (const uint8_t[]){42}, 1);
    is(&BYTES(0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 0), KS_U8, NULL, 0);
}

Test(idx, shapes_are_big_endian)
{
    ks__array array;
    bytes file = BYTES(0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 1, 1, 0, 0, 0, 2);
    file.size = 16 + 257 * 2;
    cr_assert(ks__idx_read(&array, file.data, file.size, NULL, NULL));
    cr_assert(array.shape.rank == 3 && array.shape.dim[0] == 1 && array.shape.dim[1] == 257 && array.shape.dim[2] == 2);
    ks__array_free(&array);
}

Test(idx, a_bad_header_is_told)
{
    says(&BYTES(0, 1, 8, 1, 0, 0, 0, 1, 5), KS_BAD_FILE, "this is no IDX file: it begins with 00 01, not with 00 00");
    says(&BYTES(0, 0, 10, 1, 0, 0, 0, 1, 5), KS_BAD_FILE, "byte 3 is 0a, which is no type of an IDX file: 08 u8");
    says(&BYTES(0, 0, 8, 9, 0, 0, 0, 1, 5), KS_UNSUPPORTED, "it has 9 dimensions, at most 8 are read");
    says(&BYTES(0, 0, 8, 2, 0, 0, 0, 1, 0, 0), KS_BAD_FILE, "it is cut off after 10 bytes, 2 more were expected");
}

Test(idx, sizes_must_agree_with_the_file)
{
    bytes file = labels;
    file.size--;
    says(&file, KS_BAD_FILE, "promises 3 elements, more than the file can hold: it is cut off");
    file.size += 2;
    says(&file, KS_BAD_FILE, "more bytes follow after 11, where it should end");
    bytes vast = BYTES(0, 0, 8, 8, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
                       255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255);
    says(&vast, KS_BAD_FILE, "the IDX header's sizes multiply to more than memory can hold");
    says(&BYTES(0, 0, 8, 2, 255, 255, 255, 255, 0, 0, 0, 255, 1, 2), KS_BAD_FILE, "more than the file can hold");
}

Test(idx, every_prefix_is_refused)
{
    for (size_t n = 0; n < labels.size; n++) {
        ks__array array;
        ks_failure failure = {.code = KS_OK};
        char *alone = malloc(n ? n : 1);
        memcpy(alone, labels.data, n);
        cr_assert_not(ks__array_read(&array, alone, n, NULL, &failure));
        cr_assert_eq(failure.code, KS_BAD_FILE, "%zu: %s", n, failure.message);
        free(alone);
    }
}

Test(idx, what_is_neither_is_told)
{
    ks__array array;
    ks_failure failure = {.code = KS_OK};
    cr_assert_not(ks__array_read(&array, "hello", 5, NULL, &failure));
    cr_assert_str_eq(failure.message, "this is neither a .npy file nor IDX, gzipped or not");
    failure.code = KS_OK;
    cr_assert_not(ks__array_read(&array, NULL, 0, NULL, &failure));
    cr_assert_str_eq(failure.message, "the file is empty");
}

/* ---- gzipped ------------------------------------------------------------------------------------------- */

#ifdef KS_HAVE_ZLIB

static bytes gzip(const void *data, size_t size)
{
    bytes out = {.size = 0};
    z_stream z = {
        .next_in = (unsigned char *)(uintptr_t)data, .avail_in = (unsigned)size, .next_out = out.data, .avail_out = sizeof out.data};
    cr_assert_eq(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY), Z_OK);
    cr_assert_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
    out.size = z.total_out;
    deflateEnd(&z);
    return out;
}

Test(idx, gzipped_files_are_the_same)
{
    bytes file = gzip(labels.data, labels.size);
    is(&file, KS_U8, (const uint8_t[]){7, 2, 1}, 3);
    bytes wide = BYTES(0, 0, 0x0b, 1, 0, 0, 0, 2, 0xff, 0xfe, 0x01, 0x00);
    file = gzip(wide.data, wide.size);
    is(&file, KS_I32, (const int32_t[]){-2, 256}, 8);
}

/* gzip says that members in a row are one file. */
Test(idx, members_in_a_row_are_one)
{
    bytes first = gzip(labels.data, 9), second = gzip(labels.data + 9, labels.size - 9);
    memcpy(first.data + first.size, second.data, second.size);
    first.size += second.size;
    is(&first, KS_U8, (const uint8_t[]){7, 2, 1}, 3);
}

Test(idx, broken_gzip_is_told)
{
    bytes good = gzip(labels.data, labels.size), file = good;
    for (size_t n = 2; n < good.size; n++) {
        file.size = n;
        says(&file, KS_BAD_FILE, "the gzip data is cut off after");
    }
    file = good;
    file.data[good.size - 8] ^= 1; /* the checksum */
    says(&file, KS_BAD_FILE, "the gzip data is corrupted after 11 unpacked bytes (incorrect data check): fetch it again");
    file = good;
    file.data[10] = 0xff; /* a block of no known type */
    says(&file, KS_BAD_FILE, "the gzip data is corrupted after 0 unpacked bytes (invalid block type)");
    file = good;
    file.data[file.size++] = 'x';
    says(&file, KS_BAD_FILE, "1 bytes follow the end of the gzip data");
}

Test(idx, what_is_inside_is_checked_too)
{
    bytes longer = labels;
    longer.size++;
    bytes file = gzip(longer.data, longer.size);
    says(&file, KS_BAD_FILE, "more bytes follow after 11, where it should end");
    file = gzip(labels.data, labels.size - 1);
    says(&file, KS_BAD_FILE, "it is cut off after 10 bytes, 1 more were expected");
    file = gzip("\x93NUMPY\x01", 8);
    says(&file, KS_UNSUPPORTED, "it is a gzipped .npy file: unpack it with gunzip first");
    file = gzip("hello", 5);
    says(&file, KS_BAD_FILE, "this is no IDX file: it begins with 68 65, not with 00 00");
    bytes vast = BYTES(0, 0, 8, 2, 0xff, 0xff, 0xff, 0xff, 0, 0, 0xff, 0xff);
    file = gzip(vast.data, vast.size);
    says(&file, KS_BAD_FILE, "more than the file can hold"); /* and no 281 terabytes were asked for */
}

Test(idx, no_byte_of_a_gzipped_file_can_hurt)
{
    bytes good = gzip(labels.data, labels.size);
    for (size_t at = 0; at < good.size; at++) {
        for (int value = 0; value < 256; value++) {
            ks__array array;
            bytes file = good;
            file.data[at] = (unsigned char)value;
            if (ks__idx_read(&array, file.data, file.size, NULL, NULL))
                cr_assert_eq(array.bytes, 3);
            ks__array_free(&array);
        }
    }
}

static ks__array digits(const char *name)
{
    char path[1024];
    ks__array array;
    ks_failure failure = {.code = KS_OK};
    snprintf(path, sizeof path, "%s/data/digits/%s", getenv("KEISAN_SOURCE"), name);
    cr_assert(ks__array_load(&array, path, NULL, &failure), "%s", failure.message);
    return array;
}

Test(idx, the_embedded_digits_are_balanced)
{
    static const struct {
        const char *images, *labels;
        int64_t rows;
    } sets[] = {{"train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz", 5000},
                {"t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz", 1000}};
    for (int i = 0; i < 2; i++) {
        ks__array images = digits(sets[i].images), numbers = digits(sets[i].labels);
        int64_t counts[10] = {0};
        cr_assert(images.shape.rank == 3 && images.shape.dim[0] == sets[i].rows && images.shape.dim[1] == 28 && images.shape.dim[2] == 28);
        cr_assert(numbers.shape.rank == 1 && numbers.shape.dim[0] == sets[i].rows);
        for (int64_t k = 0; k < sets[i].rows; k++) {
            cr_assert_lt(((const uint8_t *)numbers.data)[k], 10);
            counts[((const uint8_t *)numbers.data)[k]]++;
        }
        for (int digit = 0; digit < 10; digit++)
            cr_assert_eq(counts[digit], sets[i].rows / 10, "digit %d", digit);
        ks__array_free(&images);
        ks__array_free(&numbers);
    }
}

Test(idx, running_out_of_memory_is_an_error_like_any_other)
{
    bytes file = gzip(labels.data, labels.size);
    for (int64_t refuse = 1;; refuse++) {
        ks_test_memory memory = {.refuse = refuse};
        ks_allocator allocator = ks_test_allocator(&memory);
        ks__array array;
        ks_failure failure = {.code = KS_OK};
        bool good = ks__idx_read(&array, file.data, file.size, &allocator, &failure);
        if (good)
            ks__array_free(&array);
        cr_assert_eq(memory.live, 0);
        if (!memory.refused)
            break;
        cr_assert_not(good);
        cr_assert_eq(failure.code, KS_NO_MEMORY);
    }
}

#else

Test(idx, without_zlib_gzip_is_refused)
{
    says(&BYTES(0x1f, 0x8b, 8, 0), KS_UNSUPPORTED, "it is gzipped and this build has no zlib: unpack it with gunzip first");
}

#endif
