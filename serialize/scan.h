/*
 * serialize/scan.h - the strict look at a JSON text before cJSON sees it.
 *
 * cJSON takes more than JSON: doubled keys, trailing text, 01, 1e999, half surrogates, and \u0000, where it cuts. The scanner takes
 * RFC 8259 alone, in valid UTF-8, at most KS__SCAN_DEPTH deep, with no key twice in an object, no \u0000 and no number beyond f64.
 */
#ifndef KS_SERIALIZE_SCAN_H
#define KS_SERIALIZE_SCAN_H

#include <keisan/base.h>

#define KS__SCAN_DEPTH 64

/* Counted from 1; columns in characters. */
typedef struct ks__position {
    int64_t line, column;
} ks__position;

/* Where text[at] stands. */
ks__position ks__position_of(const char *text, size_t at);

/*
 * Whether text[0, size) is one JSON value and nothing more. False: `failure` says what is wrong (KS_BAD_FILE, KS_NO_MEMORY) and *at where.
 * `allocator` gives room for the keys of objects that are open; NULL: the C library's.
 */
bool ks__scan(const char *text, size_t size, const ks_allocator *allocator, size_t *at, ks_failure *failure);

/* One past the last byte of the number that begins at text[at], in a text that was scanned. */
size_t ks__scan_number_end(const char *text, size_t size, size_t at);

#endif
