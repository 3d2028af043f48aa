/*
 * serialize/number.h - numbers as text, the same in every locale and to the bit.
 *
 * Written is the shortest decimal that reads back the same, nearest to the value among those; read is the representable
 * number nearest to the decimal, ties to even, an f32 straight from its digits. The grammar is JSON's.
 */
#ifndef KS_SERIALIZE_NUMBER_H
#define KS_SERIALIZE_NUMBER_H

#include <keisan/base.h>

/* Room for any number's text and its 0. */
#define KS__NUMBER_BYTES 32

/*
 * Write the number and a 0 into `text`; the length without the 0. 715, 0.1, -2.5, 1e-7, 1.5e300, -0.0. Whole numbers stand
 * in full below 1e15 (f64) and up to 2^24 (f32). What is not finite is NaN, Infinity, -Infinity: quotes are the caller's.
 */
size_t ks__f64_text(double value, char text[KS__NUMBER_BYTES]);
size_t ks__f32_text(float value, char text[KS__NUMBER_BYTES]);
size_t ks__i64_text(int64_t value, char text[KS__NUMBER_BYTES]);

/* KS__NUMBER_BAD: not a number in JSON's grammar (for i64: not a whole number without point and exponent), value untouched. */
typedef enum ks__number_status { KS__NUMBER_OK, KS__NUMBER_BAD, KS__NUMBER_RANGE } ks__number_status;

/*
 * Read the number that is all of text[0, size). KS__NUMBER_RANGE: too large for the type; the value is then the infinity, or
 * INT64_MIN or INT64_MAX, of its sign. What is too small becomes a denormal or zero and is KS__NUMBER_OK.
 */
ks__number_status ks__f64_parse(const char *text, size_t size, double *value);
ks__number_status ks__f32_parse(const char *text, size_t size, float *value);
ks__number_status ks__i64_parse(const char *text, size_t size, int64_t *value);

/* Whether the number has neither point nor exponent. */
bool ks__number_whole(const char *text, size_t size);

#endif
