/*
 * test_literal.c - arrays written as text, and values written as such.
 */
#include <criterion/criterion.h>
#include <locale.h>
#include <math.h>
#include <string.h>

#include <keisan/keisan.h>
#include "serialize/literal.h"
#include "tests/support/allocator.h"

static ks__array read(const char *text, ks_dtype dtype)
{
    ks__array array;
    ks_failure failure = {.code = KS_OK};
    cr_assert(ks__literal_read(&array, text, strlen(text), dtype, NULL, &failure), "%s: %s", text, failure.message);
    return array;
}

static void is(const char *text, ks_dtype dtype, ks_shape shape, const void *wanted)
{
    ks__array array = read(text, dtype);
    cr_assert_eq(array.shape.rank, shape.rank, "%s has rank %d", text, array.shape.rank);
    for (int i = 0; i < shape.rank; i++)
        cr_assert_eq(array.shape.dim[i], shape.dim[i], "%s", text);
    if (array.bytes && wanted)
        cr_assert_arr_eq(array.data, wanted, array.bytes, "%s", text);
    ks__array_free(&array);
}
#define ARE(type, ...) ((const type[]){__VA_ARGS__})

static void says(const char *text, ks_dtype dtype, ks_code code, const char *message)
{
    ks__array array;
    ks_failure failure = {.code = KS_OK};
    cr_assert_not(ks__literal_read(&array, text, strlen(text), dtype, NULL, &failure), "%s", text);
    cr_assert_str_eq(failure.message, message, "%s", failure.message);
    cr_assert_eq(failure.code, code, "%s: %s", text, ks_code_name(failure.code));
}

Test(literal, scalars)
{
    is("2.5", KS_F64, KS_SCALAR, ARE(double, 2.5));
    is(" -1e-3 ", KS_F32, KS_SCALAR, ARE(float, -1e-3f));
    is("true", KS_BOOL, KS_SCALAR, ARE(uint8_t, 1));
    is("true", KS_F32, KS_SCALAR, ARE(float, 1));
    is("0", KS_BOOL, KS_SCALAR, ARE(uint8_t, 0));
    is("NaN", KS_F64, KS_SCALAR, ARE(double, (double)NAN));
    is("\"-Infinity\"", KS_F32, KS_SCALAR, ARE(float, -INFINITY));
    is("9007199254740993", KS_I64, KS_SCALAR, ARE(int64_t, 9007199254740993));
    is("-9223372036854775808", KS_I64, KS_SCALAR, ARE(int64_t, INT64_MIN));
    is("2.0", KS_I32, KS_SCALAR, ARE(int32_t, 2));
    is("1e2", KS_U8, KS_SCALAR, ARE(uint8_t, 100));
}

/* Straight to f32: by way of f64 this one would be rounded twice, and up. */
Test(literal, an_f32_is_the_nearest)
{
    is("1.00000005960464488", KS_F32, KS_SCALAR, ARE(float, 0x1.000002p0f));
    is("1.00000005960464477539062500000001", KS_F32, KS_SCALAR, ARE(float, 0x1.000002p0f));
    is("1.000000059604644775390625", KS_F32, KS_SCALAR, ARE(float, 1.0f));
    is("0.1", KS_F32, KS_SCALAR, ARE(float, 0.1f));
}

Test(literal, nested_lists)
{
    is("[[1,2],[3,4]]", KS_F32, KS_SHAPE(2, 2), ARE(float, 1, 2, 3, 4));
    is(" [ 1 , 2\n,\t3 ] ", KS_I64, KS_SHAPE(3), ARE(int64_t, 1, 2, 3));
    is("[[[1,2,3]],[[4,5,6]]]", KS_U8, KS_SHAPE(2, 1, 3), ARE(uint8_t, 1, 2, 3, 4, 5, 6));
    is("[[[[[[[[7]]]]]]]]", KS_F64, KS_SHAPE(1, 1, 1, 1, 1, 1, 1, 1), ARE(double, 7));
    is("[NaN, \"Infinity\", true]", KS_F32, KS_SHAPE(3), ARE(float, NAN, INFINITY, 1));
    is("[]", KS_F32, KS_SHAPE(0), NULL);
    is("[[],[]]", KS_F32, KS_SHAPE(2, 0), NULL);
}

Test(literal, ragged_lists_are_refused_with_the_place)
{
    says("[[1,2],[3]]", KS_F32, KS_BAD_SHAPE,
         "character 10, at [1]: a list of 1 where its neighbours have 2: all lists of a level are equally long");
    says("[[[1],[2]],[[3],[4,5]]]", KS_F32, KS_BAD_SHAPE,
         "character 21, at [1][1]: a list of 2 where its neighbours have 1: all lists of a level are equally long");
    says("[[],[1]]", KS_F32, KS_BAD_SHAPE,
         "character 7, at [1]: a list of 1 where its neighbours have 0: all lists of a level are equally long");
    says("[1,[2]]", KS_F32, KS_BAD_FILE, "character 4, at [1]: a number is expected here, as at its neighbours");
    says("[[1],2]", KS_F32, KS_BAD_FILE, "character 6, at [1]: a list is expected here, as at its neighbours");
    says("[[],[[]]]", KS_F32, KS_BAD_FILE, "character 6, at [1][0]: a number is expected here, as at its neighbours");
}

Test(literal, what_is_no_value_is_refused_with_the_place)
{
    says("", KS_F32, KS_BAD_FILE, "character 1: a number or a list expected");
    says("[", KS_F32, KS_BAD_FILE, "character 2, at [0]: the text ends within a list: ']' expected");
    says("[1", KS_F32, KS_BAD_FILE, "character 3, at [1]: the text ends within a list: ']' expected");
    says("[1,]", KS_F32, KS_BAD_FILE, "character 4, at [1]: a number or a list expected");
    says("[,1]", KS_F32, KS_BAD_FILE, "character 2, at [0]: a number or a list expected");
    says("[1 2]", KS_F32, KS_BAD_FILE, "character 4, at [1]: ',' or ']' expected");
    says("1 2", KS_F32, KS_BAD_FILE, "character 3: nothing may follow the value");
    says("[1]]", KS_F32, KS_BAD_FILE, "character 4: nothing may follow the value");
    says("]", KS_F32, KS_BAD_FILE, "character 1: a number or a list expected");
    says("[[[[[[[[[1]]]]]]]]]", KS_F32, KS_BAD_FILE, "character 9, at [0][0][0][0][0][0][0][0]: lists within lists, more than 8 deep");
    says("[1,x]", KS_F32, KS_BAD_FILE, "character 4, at [1]: 'x' is no number");
    says("01", KS_F32, KS_BAD_FILE, "character 1: '01' is no number");
    says("1,5", KS_F32, KS_BAD_FILE, "character 2: nothing may follow the value");
    says("\"true\"", KS_F32, KS_BAD_FILE, "character 1: '\"true\"' is no number");
    says("nan", KS_F32, KS_BAD_FILE, "character 1: 'nan' is no number");
}

Test(literal, values_must_fit_the_dtype)
{
    says("2.5", KS_I64, KS_BAD_DTYPE, "character 1: 2.5 does not fit i64");
    says("256", KS_U8, KS_BAD_DTYPE, "character 1: 256 does not fit u8");
    says("-1", KS_U8, KS_BAD_DTYPE, "character 1: -1 does not fit u8");
    says("[1,2]", KS_BOOL, KS_BAD_DTYPE, "character 4, at [1]: 2 does not fit bool");
    says("9223372036854775808", KS_I64, KS_BAD_DTYPE, "character 1: 9223372036854775808 does not fit i64");
    says("2147483648", KS_I32, KS_BAD_DTYPE, "character 1: 2147483648 does not fit i32");
    says("NaN", KS_I32, KS_BAD_DTYPE, "character 1: NaN does not fit i32");
    says("1e39", KS_F32, KS_BAD_DTYPE, "character 1: 1e39 does not fit f32");
}

Test(literal, running_out_of_memory_is_an_error_like_any_other)
{
    const char *text = "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20]";
    for (int64_t refuse = 1;; refuse++) {
        ks_test_memory memory = {.refuse = refuse};
        ks_allocator allocator = ks_test_allocator(&memory);
        ks__array array;
        ks_failure failure = {.code = KS_OK};
        bool good = ks__literal_read(&array, text, strlen(text), KS_F64, &allocator, &failure);
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

static void writes(const char *text, ks_dtype dtype, const char *wanted)
{
    ks__array array = read(text, dtype);
    ks_buffer buffer = {.data = NULL};
    ks_writer writer = ks_buffer_writer(&buffer);
    cr_assert(ks__literal_write(&writer, dtype, &array.shape, array.data));
    cr_assert(buffer.size == strlen(wanted) && !memcmp(buffer.data, wanted, buffer.size), "%.*s", (int)buffer.size, buffer.data);
    ks_buffer_free(&buffer);
    ks__array_free(&array);
}

Test(literal, values_are_written_as_nested_lists)
{
    writes("2.5", KS_F64, "2.5");
    writes("[[1,2],[3,4]]", KS_F32, "[[1, 2], [3, 4]]");
    writes("[[[1],[2]],[[3],[4]]]", KS_I64, "[[[1], [2]], [[3], [4]]]");
    writes("[0.1, NaN, -Infinity, -0.0, 1e-45]", KS_F32, "[0.1, \"NaN\", \"-Infinity\", -0.0, 1e-45]");
    writes("[true,false]", KS_BOOL, "[true, false]");
    writes("[]", KS_F32, "[]");
    writes("[[],[]]", KS_F32, "[[], []]");
    writes("9007199254740993", KS_I64, "9007199254740993");
}

/* A shape such as [2, 0, 3] has no lists of its own below the empty one. */
Test(literal, nothing_is_seen_below_an_empty_dimension)
{
    ks_buffer buffer = {.data = NULL};
    ks_writer writer = ks_buffer_writer(&buffer);
    cr_assert(ks__literal_write(&writer, KS_F32, &KS_SHAPE(2, 0, 3), NULL));
    cr_assert(buffer.size == 8 && !memcmp(buffer.data, "[[], []]", 8));
    ks_buffer_free(&buffer);
}

Test(literal, the_decimal_comma_changes_nothing)
{
    static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8"};
    bool found = false;
    for (size_t i = 0; i < 3 && !found; i++)
        found = setlocale(LC_ALL, names[i]) != NULL;
    writes("[0.5, 1e300]", KS_F64, "[0.5, 1e300]");
    is("0.5", KS_F32, KS_SCALAR, ARE(float, 0.5f));
    setlocale(LC_ALL, "C");
    if (!found)
        cr_skip_test("no locale with a decimal comma is installed");
}

static bool write_nothing(void *user, const void *data, size_t size)
{
    (void)user, (void)data, (void)size;
    return false;
}

Test(literal, the_public_calls)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *x = ks_input(g, "x", KS_F32, KS_SHAPE(KS_ANY, 2)), *y = ks_mul(x, ks_number(g, 2));
    ks_buffer buffer = {.data = NULL};
    cr_assert(ks_feed_literal(x, "[[1,2],[3,4.5]]"));
    cr_assert(ks_value_json_to(y, ks_buffer_writer(&buffer)));
    cr_assert(buffer.size == 16 && !memcmp(buffer.data, "[[2, 4], [6, 9]]", 16), "%.*s", (int)buffer.size, buffer.data);
    ks_buffer_free(&buffer);
    cr_assert_not(ks_feed_literal(x, "[[1,2],[3]]"));
    cr_assert(strstr(ks_error(g)->message, "the literal for 'x': character 10, at [1]"), "%s", ks_error(g)->message);
    ks_error_clear(g);
    cr_assert_not(ks_feed_literal(x, "[1,2]"));
    cr_assert_eq(ks_error(g)->code, KS_BAD_SHAPE);
    ks_error_clear(g);
    ks_node *w = ks_variable(g, "w", KS_I32, KS_SHAPE(2), KS_ZEROS);
    cr_assert(ks_feed_literal(w, "[5, 6]"));
    cr_assert_eq(((const int32_t *)ks_value(w))[1], 6);
    cr_assert_not(ks_feed_literal(w, "[5, 6.5]"));
    cr_assert_eq(ks_error(g)->code, KS_BAD_DTYPE);
    ks_error_clear(g);
    cr_assert_not(ks_feed_literal(w, NULL));
    ks_error_clear(g);
    cr_assert_not(ks_value_json_to(y, (ks_writer){write_nothing, NULL}));
    cr_assert_eq(ks_error(g)->code, KS_IO);
    ks_graph_free(g);
}

Test(literal, feeds_are_cast_on_request)
{
    ks_graph *g = ks_graph_new(&(ks_graph_options){.size = sizeof(ks_graph_options), .cast_feeds = true});
    ks_node *t = ks_input(g, "t", KS_I64, KS_SHAPE(2));
    cr_assert(ks_feed_literal(t, "[1.75, 9007199254740992]"), "%s", ks_error(g) ? ks_error(g)->message : "");
    cr_assert_eq(((const int64_t *)ks_value(t))[0], 1);
    ks_graph_free(g);
}
