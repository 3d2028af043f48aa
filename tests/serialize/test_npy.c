/*
 * test_npy.c - .npy files: those that NumPy wrote (tests/reference/npy.py), hostile ones, and our own read back.
 */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <keisan/keisan.h>
#include "serialize/npy.h"
#include "serialize/values.h"
#include "tests/support/allocator.h"

static const char *numpy(const char *name)
{
    static char path[1024];
    snprintf(path, sizeof path, "%s/tests/data/npy/%s.npy", getenv("KEISAN_SOURCE"), name);
    return path;
}

static ks__array load(const char *name)
{
    ks__array array;
    ks_failure failure = {.code = KS_OK};
    cr_assert(ks__array_load(&array, numpy(name), NULL, &failure), "%s", failure.message);
    return array;
}

static void is(const char *name, ks_dtype dtype, const void *wanted, int64_t count, const ks_shape *shape)
{
    ks__array array = load(name);
    ks_shape flat = KS_SHAPE(count);
    shape = shape ? shape : &flat;
    cr_assert_eq(array.dtype, dtype, "%s is %s", name, ks_dtype_name(array.dtype));
    cr_assert_eq(array.shape.rank, shape->rank, "%s", name);
    for (int i = 0; i < shape->rank; i++)
        cr_assert_eq(array.shape.dim[i], shape->dim[i], "%s", name);
    if (count)
        cr_assert_arr_eq(array.data, wanted, (size_t)count * ks_dtype_size(dtype), "%s", name);
    ks__array_free(&array);
}
#define IS(name, dtype, type, ...) is(name, dtype, (const type[]){__VA_ARGS__}, sizeof((const type[]){__VA_ARGS__}) / sizeof(type), NULL)
#define EITHER(name, dtype, type, ...)                                                                                                     \
    do {                                                                                                                                   \
        IS(name "_little", dtype, type, __VA_ARGS__);                                                                                      \
        IS(name "_big", dtype, type, __VA_ARGS__);                                                                                         \
    } while (0)

/* ---- NumPy's files ------------------------------------------------------------------------------------- */

Test(npy, floats_come_with_all_their_bits_in_either_order)
{
    EITHER("f4", KS_F32, float, 0.0f, -0.0f, 1.0f, -2.5f, 0.1f, INFINITY, -INFINITY, NAN, 1e-45f, 3.4028235e38f);
    EITHER("f8", KS_F64, double, 0.0, -0.0, 1.0, -2.5, 0.1, (double)INFINITY, -(double)INFINITY, (double)NAN, 5e-324,
           1.7976931348623157e308);
}

/* 0.1 is 0x2e66 = 0.0999755859375 as a half, 6e-8 its least, 2^-24. */
Test(npy, halves_become_f32_exactly)
{
    EITHER("f2", KS_F32, float, 0.0f, -0.0f, 1.0f, -2.5f, 0.0999755859375f, INFINITY, -INFINITY, NAN, 0x1p-24f, 65504.0f);
}

Test(npy, whole_numbers_come_exactly_in_either_order)
{
    EITHER("i2", KS_I32, int32_t, 0, 1, -1, -32768, 32767);
    EITHER("i4", KS_I32, int32_t, 0, 1, -1, INT32_MIN, INT32_MAX);
    EITHER("i8", KS_I64, int64_t, 0, 1, -1, INT64_MIN, INT64_MAX);
    EITHER("u2", KS_I32, int32_t, 0, 1, 65535);
    EITHER("u4", KS_I64, int64_t, 0, 1, 4294967295);
    IS("i1", KS_I32, int32_t, 0, 1, -1, -128, 127);
    IS("u1", KS_U8, uint8_t, 0, 1, 255);
    IS("b1", KS_BOOL, uint8_t, 1, 0, 1);
}

Test(npy, shapes_and_versions)
{
    const double number = 2.5, two[] = {1.5, 2.5};
    is("scalar", KS_F64, &number, 1, &KS_SCALAR);
    is("empty", KS_F32, NULL, 0, &KS_SHAPE(2, 0, 3));
    is("version2", KS_F64, two, 2, NULL);
    is("version3", KS_F64, two, 2, NULL);
}

Test(npy, fortran_order_is_turned_round)
{
    float cube[24];
    for (int i = 0; i < 24; i++)
        cube[i] = (float)i;
    is("cube_c", KS_F32, cube, 24, &KS_SHAPE(2, 3, 4));
    is("cube_fortran", KS_F32, cube, 24, &KS_SHAPE(2, 3, 4));
    is("matrix_fortran_big", KS_I64, (const int64_t[]){0, 1, 2, 3, 4, 5}, 6, &KS_SHAPE(2, 3));
}

static void refused(const char *name, const char *says)
{
    ks__array array;
    ks_failure failure = {.code = KS_OK};
    cr_assert_not(ks__array_load(&array, numpy(name), NULL, &failure));
    cr_assert_eq(failure.code, KS_UNSUPPORTED);
    cr_assert(strstr(failure.message, says), "%s", failure.message);
    cr_assert(strstr(failure.message, name), "the file is named: %s", failure.message);
}

Test(npy, what_no_tensor_holds_is_refused_with_the_mend)
{
    refused("u8", "dtype '<u8' is not read: save it with .astype('int64')");
    refused("complex", "dtype '<c16' is not read: save its .real and .imag apart");
    refused("text", "dtype '<U2' is not read: text is no number");
    refused("date", "dtype '<M8[D]' is not read: save it with .astype");
    refused("fields", "a structured dtype, which no tensor has: save one field of it");
    refused("nine", "more than 8 dimensions");
}

/* ---- hostile files ------------------------------------------------------------------------------------- */

#define PLAIN "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }\n"

/* A version 1.0 file of this header and so many bytes of elements. */
static size_t file_of(char *out, const char *header, size_t bytes)
{
    size_t length = strlen(header);
    memcpy(out, "\x93NUMPY\x01\x00", 8);
    out[8] = (char)(length & 255);
    out[9] = (char)(length >> 8);
    memcpy(out + 10, header, length);
    memset(out + 10 + length, 0, bytes);
    return 10 + length + bytes;
}

static void says(const char *header, size_t bytes, const char *message)
{
    char file[2048];
    ks__array array;
    ks_failure failure = {.code = KS_OK};
    size_t size = file_of(file, header, bytes);
    cr_assert_not(ks__npy_read(&array, file, size, NULL, &failure), "%s", header);
    cr_assert(strstr(failure.message, message), "%s: %s", header, failure.message);
}

Test(npy, a_header_is_read_strictly)
{
    ks__array array;
    char file[2048];
    cr_assert(ks__npy_read(&array, file, file_of(file, PLAIN, 8), NULL, NULL), "the one that all others vary");
    ks__array_free(&array);
    cr_assert(ks__npy_read(&array, file, file_of(file, "{\"shape\":(1,2L),\"fortran_order\":True,\"descr\":\"<f4\"}", 8), NULL, NULL));
    ks__array_free(&array);
    says("", 8, "character 1 of the .npy header: '{' expected");
    says("{'descr': '<f4'", 8, "',' or '}' expected");
    says("{'descr': '<f4', 'shape': (2,)}", 8, "lacks the key 'fortran_order'");
    says("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), 'more': 1}", 8, "has the unknown key 'more'");
    says("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", 8, "has the key 'descr' twice");
    says("{'descr': '<f4', 'fortran_order': 0, 'shape': (2,)}", 8, "True or False expected");
    says("{'descr': '<f4', 'fortran_order': False, 'shape': (2)}", 8, "a shape of one dimension is written (N,)");
    says("{'descr': '<f4', 'fortran_order': False, 'shape': [2]}", 8, "'(' expected");
    says("{'descr': '<f4', 'fortran_order': False, 'shape': (-2,)}", 8, "a size expected");
    says("{'descr': '<f4', 'fortran_order': False, 'shape': (2 3)}", 8, "',' or ')' expected");
    says("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}", 8, "a size that is too large");
    says("{'descr': '<f4', 'fortran_order': False, 'shape': (2,)} x", 8, "nothing but spaces may follow the dictionary");
    says("{'descr': '<f4\\n', 'fortran_order': False, 'shape': (2,)}", 8, "plain characters expected");
    says("{'descr': '<f4, 'fortran_order': False, 'shape': (2,)}", 8, "dtype '<f4, ' is none that NumPy writes");
    says("{descr: '<f4'}", 8, "a quoted text expected");
    says("{'descr': 'f4', 'fortran_order': False, 'shape': (2,)}", 8, "dtype 'f4' is none that NumPy writes");
    says("{'descr': '', 'fortran_order': False, 'shape': (2,)}", 8, "dtype '' is none that NumPy writes");
    says("{'descr': '<f4x', 'fortran_order': False, 'shape': (2,)}", 8, "dtype '<f4x' is none that NumPy writes");
    says("{'descr': '|f4', 'fortran_order': False, 'shape': (2,)}", 8, "does not say its order of bytes");
    says("{'descr': '<f16', 'fortran_order': False, 'shape': (2,)}", 8, "dtype '<f16' is not read");
}

Test(npy, sizes_must_agree_with_the_file)
{
    says(PLAIN, 7, "promises 8 bytes of elements, the file has 7: it is cut off");
    says(PLAIN, 9, "1 bytes follow the array");
    says("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296)}", 8, "multiply to more than memory can hold");
    says("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 4294967296, 4294967296)}", 0, "multiply to more than memory can hold");
    says("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,)}", 8, "it is cut off");
}

/* Every prefix of a good file is one clear error, and nothing is read past its end (each stands at the end of its own block). */
Test(npy, every_prefix_is_refused)
{
    char file[2048];
    size_t size = file_of(file, PLAIN, 8);
    for (size_t n = 0; n < size; n++) {
        ks__array array;
        ks_failure failure = {.code = KS_OK};
        char *alone = malloc(n ? n : 1);
        memcpy(alone, file, n);
        cr_assert_not(ks__array_read(&array, alone, n, NULL, &failure));
        cr_assert_eq(failure.code, KS_BAD_FILE, "%zu: %s", n, failure.message);
        cr_assert_null(array.data);
        free(alone);
    }
    file[6] = 4;
    ks__array array;
    ks_failure failure = {.code = KS_OK};
    cr_assert_not(ks__npy_read(&array, file, size, NULL, &failure));
    cr_assert_str_eq(failure.message, ".npy version 4.0 is newer than 3.0, the last one known here: save it with numpy.save");
}

Test(npy, no_byte_of_a_file_can_hurt)
{
    char file[2048];
    size_t size = file_of(file, PLAIN, 8);
    for (size_t at = 0; at < size; at++) {
        for (int value = 0; value < 256; value++) {
            ks__array array;
            char kept = file[at];
            file[at] = (char)value;
            if (ks__npy_read(&array, file, size, NULL, NULL))
                cr_assert_leq(array.bytes, 16); /* two u4 become two i64 */
            ks__array_free(&array);
            file[at] = kept;
        }
    }
}

Test(npy, running_out_of_memory_is_an_error_like_any_other)
{
    for (int64_t refuse = 1;; refuse++) {
        ks_test_memory memory = {.refuse = refuse};
        ks_allocator allocator = ks_test_allocator(&memory);
        ks__array array;
        ks_failure failure = {.code = KS_OK};
        bool good = ks__array_load(&array, numpy("cube_fortran"), &allocator, &failure);
        if (good)
            ks__array_free(&array);
        cr_assert_eq(memory.live, 0);
        if (!memory.refused)
            break;
        cr_assert_not(good);
        cr_assert_eq(failure.code, KS_NO_MEMORY);
    }
}

/* ---- writing ------------------------------------------------------------------------------------------- */

/* What NumPy itself writes for the same array, byte for byte. */
Test(npy, a_file_is_what_numpy_writes)
{
    static const char *const names[] = {"f4_little", "f8_little", "i4_little", "i8_little", "u1", "b1", "scalar", "empty", "cube_c"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        ks__array array = load(names[i]);
        ks_buffer buffer = {.data = NULL};
        ks_writer writer = ks_buffer_writer(&buffer);
        char wanted[1024];
        FILE *file = fopen(numpy(names[i]), "rb");
        size_t size = file ? fread(wanted, 1, sizeof wanted, file) : 0;
        cr_assert(file && fclose(file) == 0);
        cr_assert(ks__npy_write(&writer, array.dtype, &array.shape, array.data, NULL));
        cr_assert_eq(buffer.size, size, "%s", names[i]);
        cr_assert_arr_eq(buffer.data, wanted, size, "%s", names[i]);
        ks_buffer_free(&buffer);
        ks__array_free(&array);
    }
}

static bool write_nothing(void *user, const void *data, size_t size)
{
    (void)user, (void)data, (void)size;
    return false;
}

Test(npy, values_are_written_and_fed_by_the_public_calls)
{
    ks_graph *g = ks_graph_new(NULL);
    char path[] = "/tmp/keisan-npy-XXXXXX";
    int handle = mkstemp(path);
    cr_assert(handle >= 0 && close(handle) == 0);
    ks_node *x = ks_input(g, "x", KS_F32, KS_SHAPE(KS_ANY, 3, 4)), *y = ks_mul(x, ks_number(g, 2));
    cr_assert(ks_feed_npy(x, numpy("cube_fortran")), "%s", ks_error(g)->message);
    cr_assert(ks_value_npy(y, path));
    cr_assert(ks_feed_npy(x, path));
    for (int i = 0; i < 24; i++)
        cr_assert_eq(((const float *)ks_value(y))[i], (float)(4 * i));
    ks_node *w = ks_variable(g, "w", KS_F64, KS_SHAPE(2), KS_ZEROS);
    cr_assert(ks_feed_npy(w, numpy("version2")));
    cr_assert_eq(((const double *)ks_value(w))[1], 2.5);

    cr_assert_not(ks_feed_npy(w, numpy("u1")));
    cr_assert(strstr(ks_error(g)->message, "variable 'w' is [2], "), "%s", ks_error(g)->message);
    cr_assert(strstr(ks_error(g)->message, "u1.npy is [3]"), "%s", ks_error(g)->message);
    ks_error_clear(g);
    cr_assert_not(ks_feed_npy(y, path));
    cr_assert(strstr(ks_error(g)->message, "is a mul: only inputs and variables take data"), "%s", ks_error(g)->message);
    ks_error_clear(g);
    cr_assert_not(ks_feed_npy(x, "/nowhere/x.npy"));
    cr_assert_eq(ks_error(g)->code, KS_IO);
    ks_error_clear(g);
    cr_assert_not(ks_value_npy(y, "/nowhere/y.npy"));
    cr_assert_eq(ks_error(g)->code, KS_IO);
    ks_error_clear(g);
    cr_assert_not(ks_value_npy_to(y, (ks_writer){write_nothing, NULL}));
    cr_assert_eq(ks_error(g)->code, KS_IO);
    unlink(path);
    ks_graph_free(g);
}

/* semantics.md: a feed is converted when every value survives exactly, else it is refused. */
Test(npy, a_feed_is_converted_only_exactly)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *labels = ks_input(g, "t", KS_I64, KS_SHAPE(KS_ANY));
    cr_assert(ks_feed_npy(labels, numpy("u1")));
    cr_assert_eq(((const int64_t *)ks_value(labels))[2], 255);
    cr_assert_not(ks_feed_npy(labels, numpy("version2")));
    cr_assert_eq(ks_error(g)->code, KS_BAD_DTYPE);
    cr_assert(strstr(ks_error(g)->message, "cast"), "%s", ks_error(g)->message);
    ks_graph_free(g);
}
