/*
 * test_scan.c - what the strict scanner takes, what it refuses and where; and base64, by the vectors of RFC 4648.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "serialize/base64.h"
#include "serialize/scan.h"
#include "tests/support/allocator.h"

static void takes(const char *text)
{
    size_t at;
    ks_failure failure = {.code = KS_OK};
    cr_assert(ks__scan(text, strlen(text), NULL, &at, &failure), "%.60s: %s", text, failure.message);
}

static void refuses(const char *text, int64_t line, int64_t column, const char *message)
{
    size_t at;
    ks_failure failure = {.code = KS_OK};
    cr_assert_not(ks__scan(text, strlen(text), NULL, &at, &failure), "%s", text);
    ks__position p = ks__position_of(text, at);
    cr_assert_eq(failure.code, KS_BAD_FILE);
    cr_assert_str_eq(failure.message, message);
    cr_assert(p.line == line && p.column == column, "%s: %lld:%lld", text, (long long)p.line, (long long)p.column);
}

Test(scan, all_of_the_grammar_is_taken)
{
    takes("{}");
    takes("[]");
    takes(" \t\r\n[ ] \n");
    takes("0");
    takes("-0");
    takes("\"\"");
    takes("[1, -2.5, 3e5, 4E+6, 5.25e-7, 0.1, 1e308, 123456789012345678901234567890]");
    takes("[true,false,null,{\"a\":{\"b\":[[],{}]}}]");
    takes("\"\\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u00e9 \\uD83C\\uDF4E\"");
    takes("\"\xc3\xa9 \xe8\xa8\x88 \xf0\x9f\x8d\x8e \x7f\"");
    takes("{\"a\": {\"a\": 1}, \"b\": {\"a\": 2}, \"A\": 3, \"\": 4}");
    takes("1e-999");
}

Test(scan, places_are_counted_in_lines_and_characters)
{
    refuses("{\n \"\xe8\xa8\x88\xe7\xae\x97\": 1,\n \"\xf0\x9f\x8d\x8e\" 2}", 3, 6,
            "':' after the key was expected, not '2': the decimal point is '.'");
    refuses("[1, 2\n 3]", 2, 2, "',' or ']' was expected, not '3': the decimal point is '.'");
}

Test(scan, a_key_stands_twice_whatever_its_spelling)
{
    refuses("{\"a\xc3\xa9\": 1, \"\\u0061\\u00E9\": 2}", 1, 11,
            "the key \"\\u0061\\u00E9\" stands twice in this object: it is on line 1 already");
    refuses("{\"\\ud83c\\udf4e\": 1,\n\"\xf0\x9f\x8d\x8e\": 2}", 2, 1,
            "the key \"\xf0\x9f\x8d\x8e\" stands twice in this object: it is on line 1 already");
    refuses("{\"\\n\": 1, \"\\u000a\": 2}", 1, 11, "the key \"\\u000a\" stands twice in this object: it is on line 1 already");
    refuses("{\"a\": {\"b\": [{\"c\": 1}], \"d\": 2}, \"a\": 3}", 1, 34,
            "the key \"a\" stands twice in this object: it is on line 1 already");
}

Test(scan, sixty_four_brackets_may_be_open_and_no_more)
{
    char text[2 * KS__SCAN_DEPTH + 8];
    memset(text, '[', KS__SCAN_DEPTH);
    memset(text + KS__SCAN_DEPTH, ']', KS__SCAN_DEPTH);
    text[2 * KS__SCAN_DEPTH] = 0;
    takes(text);
    memset(text, '[', KS__SCAN_DEPTH + 1);
    refuses(text, 1, KS__SCAN_DEPTH + 1, "more than 64 brackets are open: that is deeper than any graph");
}

Test(scan, an_object_of_many_keys_with_objects_in_it_takes_no_time)
{
    enum { KEYS = 100000 };
    char *text = malloc(KEYS * 40 + 16), *at = text;
    *at++ = '{';
    for (int i = 0; i < KEYS; i++)
        at += sprintf(at, "%s\"key%d\": {\"key1\": {\"key2\": 0}}", i ? "," : "", i);
    strcpy(at, "}");
    takes(text);
    sprintf(at, ", \"key77\": 1}");
    size_t where;
    ks_failure failure = {.code = KS_OK};
    cr_assert_not(ks__scan(text, strlen(text), NULL, &where, &failure));
    cr_assert_str_eq(failure.message, "the key \"key77\" stands twice in this object: it is on line 1 already");
    free(text);
}

Test(scan, every_refused_request_is_no_memory_and_nothing_stays)
{
    const char *text =
        "{\"a\": {\"b\": 1, \"c\": 2}, \"d1\": 0, \"d2\": 0, \"d3\": 0, \"d4\": 0, \"d5\": 0, \"d6\": 0, \"d7\": 0, \"d8\": {\"e\": 1}}";
    for (int64_t n = 1, refused = 1; refused; n++) {
        ks_test_memory memory = {.refuse = n};
        ks_allocator allocator = ks_test_allocator(&memory);
        ks_failure failure = {.code = KS_OK};
        size_t at;
        bool good = ks__scan(text, strlen(text), &allocator, &at, &failure);
        refused = memory.refused;
        cr_assert_eq(good, !refused);
        cr_assert_eq(failure.code, refused ? KS_NO_MEMORY : KS_OK);
        cr_assert_eq(memory.live, 0);
    }
}

/* ---- base64 -------------------------------------------------------------------------------------------- */

Test(base64, the_vectors_of_its_RFC)
{
    static const char *const vectors[][2] = {
        {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}};
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        const char *plain = vectors[i][0], *coded = vectors[i][1];
        char text[16] = "", back[16] = "";
        size_t bytes, at;
        ks__base64_write(text, plain, strlen(plain));
        cr_assert_str_eq(text, coded);
        cr_assert_eq(ks__base64_length(strlen(plain)), strlen(coded));
        cr_assert(ks__base64_bytes(coded, strlen(coded), &bytes));
        cr_assert_eq(bytes, strlen(plain));
        cr_assert(ks__base64_read(coded, strlen(coded), back, &at));
        cr_assert_str_eq(back, plain);
    }
}

Test(base64, every_byte_comes_back)
{
    unsigned char plain[256], back[256];
    char text[512];
    size_t at;
    for (int i = 0; i < 256; i++)
        plain[i] = (unsigned char)(i * 31);
    for (size_t n = 0; n <= 256; n++) {
        ks__base64_write(text, plain, n);
        cr_assert(ks__base64_read(text, ks__base64_length(n), back, &at));
        cr_assert_arr_eq(back, plain, n);
    }
}

Test(base64, what_is_not_its_own_spelling_is_refused)
{
    static const char *const bad[] = {"Zg=", "Zg", "Zh==", "Zm9=", "Z===", "====", "Zg==Zg==", "Zm 9", "Zm9-", "=Zm9", "Zm=9"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char back[16];
        size_t at;
        cr_assert_not(ks__base64_read(bad[i], strlen(bad[i]), back, &at), "%s", bad[i]);
    }
}
