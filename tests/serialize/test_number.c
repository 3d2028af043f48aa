/*
 * test_number.c - numbers as text and back, held against the C library's strtod, strtof and snprintf.
 */
#include <criterion/criterion.h>
#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "serialize/number.h"
#include "tests/support/comma.h"

static uint64_t next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static double f64_of(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static float f32_of(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* The digits of a text without leading and trailing zeros and exponent. */
static int digits_of(const char *text, char digits[64])
{
    int n = 0;
    for (; *text && *text != 'e'; text++) {
        if (*text >= '0' && *text <= '9' && (n || *text != '0'))
            digits[n++] = *text;
    }
    while (n > 1 && digits[n - 1] == '0')
        n--;
    digits[n] = 0;
    return n;
}

static void writes(double value, const char *wanted)
{
    char text[KS__NUMBER_BYTES];
    cr_assert_eq(ks__f64_text(value, text), strlen(wanted));
    cr_assert_str_eq(text, wanted);
}

static void writes_f32(float value, const char *wanted)
{
    char text[KS__NUMBER_BYTES];
    cr_assert_eq(ks__f32_text(value, text), strlen(wanted));
    cr_assert_str_eq(text, wanted);
}

static void reads(const char *text, double wanted)
{
    double value = 42;
    cr_assert_eq(ks__f64_parse(text, strlen(text), &value), KS__NUMBER_OK, "%s", text);
    cr_assert_eq(memcmp(&value, &wanted, sizeof value), 0, "%s read as %a, not %a", text, value, wanted);
}

/* ---- a million bit patterns ---------------------------------------------------------------------------- */

Test(number, a_million_f64_read_back_to_the_bit)
{
    uint64_t state = 88172645463325252u;
    char text[KS__NUMBER_BYTES];
    for (int i = 0; i < 1000000; i++) {
        double value = f64_of(next(&state)), back;
        if (!isfinite(value))
            continue;
        size_t length = ks__f64_text(value, text);
        cr_assert_eq(ks__f64_parse(text, length, &back), KS__NUMBER_OK);
        cr_assert_eq(memcmp(&value, &back, sizeof value), 0, "%a was written as %s", value, text);
        cr_assert_eq(strtod(text, NULL), value, "strtod reads %s otherwise", text);
    }
}

Test(number, a_million_f32_read_back_to_the_bit)
{
    uint64_t state = 88172645463325252u;
    char text[KS__NUMBER_BYTES];
    for (int i = 0; i < 1000000; i++) {
        float value = f32_of((uint32_t)next(&state)), back;
        if (!isfinite(value))
            continue;
        size_t length = ks__f32_text(value, text);
        cr_assert_eq(ks__f32_parse(text, length, &back), KS__NUMBER_OK);
        cr_assert_eq(memcmp(&value, &back, sizeof value), 0, "%a was written as %s", (double)value, text);
        cr_assert_eq(strtof(text, NULL), value, "strtof reads %s otherwise", text);
    }
}

Test(number, f64_is_written_with_the_fewest_digits_that_read_back)
{
    uint64_t state = 5;
    char text[KS__NUMBER_BYTES], wanted[64], digits[64], wanted_digits[64];
    for (int i = 0; i < 50000; i++) {
        double value = f64_of(next(&state));
        if (!isfinite(value))
            continue;
        int n = 1;
        do {
            snprintf(wanted, sizeof wanted, "%.*e", n - 1, value); /* correctly rounded, so the nearest of its length */
        } while (strtod(wanted, NULL) != value && n++ < 17);
        ks__f64_text(value, text);
        digits_of(text, digits);
        digits_of(wanted, wanted_digits);
        cr_assert_str_eq(digits, wanted_digits, "%a", value);
    }
}

Test(number, decimals_of_any_length_are_read_to_the_nearest)
{
    uint64_t state = 7;
    char text[900];
    for (int i = 0; i < 100000; i++) {
        double value = f64_of(next(&state)), back;
        float back32;
        if (!isfinite(value))
            continue;
        snprintf(text, sizeof text, "%.*e", (int)(next(&state) % 30), value);
        ks__f64_parse(text, strlen(text), &back);
        cr_assert_eq(strtod(text, NULL), back, "%s", text);
        ks__f32_parse(text, strlen(text), &back32);
        cr_assert_eq(strtof(text, NULL), back32, "%s", text);
    }
}

Test(number, the_middle_between_two_numbers_goes_to_the_even_one)
{
    uint64_t state = 11;
    char text[1200], above[1200];
    for (int i = 0; i < 2000; i++) {
        uint64_t bits = next(&state) & 0x7fffffffffffffffu;
        double low = f64_of(bits), high = f64_of(bits + 1), back;
        if (!isfinite(high))
            continue;
        /* All digits of the middle, exactly: long double has room for one more bit. */
        snprintf(text, sizeof text, "%.800Le", ((long double)low + (long double)high) / 2);
        cr_assert_eq(ks__f64_parse(text, strlen(text), &back), KS__NUMBER_OK);
        cr_assert_eq(back, bits & 1 ? high : low, "%a", low);
        char *exponent = strchr(text, 'e');
        snprintf(above, sizeof above, "%.*s1%s", (int)(exponent - text), text, exponent); /* a digit more: above the middle */
        ks__f64_parse(above, strlen(above), &back);
        cr_assert_eq(back, high, "%a", low);
    }
}

/* ---- cases with a history ------------------------------------------------------------------------------ */

Test(number, forms_are_those_a_person_would_write)
{
    writes(715, "715");
    writes(0.1, "0.1");
    writes(-2.5, "-2.5");
    writes(1e-7, "1e-7");
    writes(1.5e300, "1.5e300");
    writes(0, "0");
    writes(-0.0, "-0.0");
    writes(0.0001, "0.0001");
    writes(0.00001, "1e-5");
    writes(100000000000000, "100000000000000");
    writes(1e15, "1e15");
    writes(1234.5, "1234.5");
    writes((double)NAN, "NaN");
    writes((double)INFINITY, "Infinity");
    writes(-(double)INFINITY, "-Infinity");
    writes_f32(0.1f, "0.1");
    writes_f32(16777216, "16777216");
    writes_f32(33554432, "3.3554432e7");
    writes_f32(FLT_MAX, "3.4028235e38");
    writes_f32(FLT_TRUE_MIN, "1e-45");
    writes_f32((float)NAN, "NaN");
}

Test(number, edges_are_written_shortest)
{
    writes(5e-324, "5e-324");
    writes(DBL_MIN, "2.2250738585072014e-308");
    writes(DBL_MAX, "1.7976931348623157e308");
    writes(1e23, "1e23");
    writes(9007199254740992, "9.007199254740992e15");
    writes(0.3, "0.3");
    writes(0.1 + 0.2, "0.30000000000000004");
    writes(2e-44, "2e-44");
    writes(4.35, "4.35");
    writes(9.5367431640625e-7, "9.5367431640625e-7"); /* 2^-20: the gap below is half the gap above */
}

Test(number, edges_are_read_to_the_nearest)
{
    reads("9007199254740993", 9007199254740992); /* 2^53 + 1 lies in the middle */
    reads("9007199254740993.0000000000000000001", 9007199254740994);
    reads("1e23", 1e23);
    reads("5e-324", 5e-324);
    reads("2.4703282292062327e-324", 0);
    reads("2.4703282292062328e-324", 5e-324);
    reads("2.2250738585072011e-308", 2.2250738585072011e-308); /* once an endless loop elsewhere */
    reads("1.7976931348623158e308", DBL_MAX);
    reads("1e-400", 0);
    reads("-1e-400", -0.0);
    reads("1e-99999999999999999999999", 0);
    reads("0e99999999999999999999999", 0);
    reads("-0", -0.0);
    reads("0.000", 0);
    reads("123456789012345678901234567890", 1.2345678901234568e29);
}

Test(number, zeros_before_and_after_change_nothing)
{
    char text[5000];
    memset(text, '0', sizeof text);
    memcpy(text, "0.", 2);
    memcpy(text + 4000, "15e4000", 8);
    double value;
    cr_assert_eq(ks__f64_parse(text, strlen(text), &value), KS__NUMBER_OK);
    cr_assert_eq(value, 15);
    memset(text, '0', sizeof text);
    text[0] = '1';
    memcpy(text + 4001, "e-4000", 7);
    cr_assert_eq(ks__f64_parse(text, strlen(text), &value), KS__NUMBER_OK);
    cr_assert_eq(value, 1);
}

Test(number, f32_comes_straight_from_its_digits)
{
    /* By way of f64 this would be rounded twice: the middle between two f32 and a little more. */
    const char *text = "1.000000059604644775390625000000000000001";
    float value;
    cr_assert_eq(ks__f32_parse(text, strlen(text), &value), KS__NUMBER_OK);
    cr_assert_eq(value, nextafterf(1, 2));
    cr_assert_eq((float)strtod(text, NULL), 1.0f);
}

Test(number, what_is_too_large_is_said_to_be)
{
    double value;
    float value32;
    cr_assert_eq(ks__f64_parse("1e309", 5, &value), KS__NUMBER_RANGE);
    cr_assert_eq(value, (double)INFINITY);
    cr_assert_eq(ks__f64_parse("-1.7976931348623159e308", 23, &value), KS__NUMBER_RANGE);
    cr_assert_eq(value, -(double)INFINITY);
    cr_assert_eq(ks__f64_parse("1e999999999999999999999", 23, &value), KS__NUMBER_RANGE);
    cr_assert_eq(ks__f32_parse("3.5e38", 6, &value32), KS__NUMBER_RANGE);
    cr_assert_eq(value32, (float)INFINITY);
}

/* ---- whole numbers, the grammar, the locale ------------------------------------------------------------ */

Test(number, whole_numbers_are_exact_to_the_last)
{
    static const int64_t values[] = {0, 1, -1, 9007199254740993, -9007199254740993, INT64_MAX, INT64_MIN, 1000000};
    char text[KS__NUMBER_BYTES], wanted[64];
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        int64_t back;
        size_t length = ks__i64_text(values[i], text);
        snprintf(wanted, sizeof wanted, "%lld", (long long)values[i]);
        cr_assert_str_eq(text, wanted);
        cr_assert_eq(ks__i64_parse(text, length, &back), KS__NUMBER_OK);
        cr_assert_eq(back, values[i]);
    }
    int64_t value;
    cr_assert_eq(ks__i64_parse("9223372036854775808", 19, &value), KS__NUMBER_RANGE);
    cr_assert_eq(value, INT64_MAX);
    cr_assert_eq(ks__i64_parse("-9223372036854775809", 20, &value), KS__NUMBER_RANGE);
    cr_assert_eq(value, INT64_MIN);
    cr_assert_eq(ks__i64_parse("1.0", 3, &value), KS__NUMBER_BAD);
    cr_assert_eq(ks__i64_parse("1e3", 3, &value), KS__NUMBER_BAD);
}

Test(number, only_the_grammar_of_JSON_is_taken)
{
    static const char *const bad[] = {"",     "-",   "+1", "01", "-01", "1.",       ".5",   "1e",  "1e+",
                                      "0x10", "1,5", " 1", "1 ", "NaN", "Infinity", "1.e5", "--1", "1e5.0"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        double value = 42;
        cr_assert_eq(ks__f64_parse(bad[i], strlen(bad[i]), &value), KS__NUMBER_BAD, "'%s'", bad[i]);
        cr_assert_eq(value, 42);
    }
    cr_assert(ks__number_whole("-12", 3));
    cr_assert_not(ks__number_whole("1e2", 3));
}

Test(number, a_decimal_comma_changes_nothing)
{
    if (!ks_test_comma())
        cr_skip_test("no locale with a decimal comma here, and localedef makes none");
    char text[64];
    snprintf(text, sizeof text, "%.1f", 0.5);
    cr_assert_str_eq(text, "0,5", "the locale is not in force");
    writes(0.1, "0.1");
    reads("0.1", 0.1);
    reads("123.456e5", 12345600);
}
