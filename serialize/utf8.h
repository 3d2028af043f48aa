/*
 * serialize/utf8.h - what is UTF-8: RFC 3629, no overlong forms, no surrogates, nothing above 10FFFF.
 */
#ifndef KS_SERIALIZE_UTF8_H
#define KS_SERIALIZE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of the character at text[at]; 0 if it is none. */
static inline size_t ks__utf8_length(const char *text, size_t size, size_t at)
{
    unsigned char a = (unsigned char)text[at], b = at + 1 < size ? (unsigned char)text[at + 1] : 0;
    size_t length = a < 0x80 ? 1 : a < 0xC2 ? 0 : a < 0xE0 ? 2 : a < 0xF0 ? 3 : a < 0xF5 ? 4 : 0;
    if (length > size - at)
        return 0;
    for (size_t i = 1; i < length; i++) {
        if (((unsigned char)text[at + i] & 0xC0) != 0x80)
            return 0;
    }
    bool odd = (a == 0xE0 && b < 0xA0) || (a == 0xED && b > 0x9F) || (a == 0xF0 && b < 0x90) || (a == 0xF4 && b > 0x8F);
    return odd ? 0 : length;
}

/* Whether all of it is UTF-8. */
static inline bool ks__utf8_valid(const char *text, size_t size)
{
    size_t length = 1;
    for (size_t at = 0; at < size && length; at += length)
        length = ks__utf8_length(text, size, at);
    return length != 0;
}

#endif
