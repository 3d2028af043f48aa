/*
 * serialize/base64.c - bytes as base64, and strictly back: no spaces, no missing padding, no bits left over.
 */
#include "serialize/base64.h"

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void ks__base64_write(char *text, const void *data, size_t bytes)
{
    const unsigned char *in = data;
    for (size_t i = 0; i < bytes; i += 3) {
        size_t left = bytes - i;
        uint32_t b = left > 1 ? in[i + 1] : 0, c = left > 2 ? in[i + 2] : 0, three = (uint32_t)in[i] << 16 | b << 8 | c;
        *text++ = letters[three >> 18];
        *text++ = letters[three >> 12 & 63];
        *text++ = left > 1 ? letters[three >> 6 & 63] : '=';
        *text++ = left > 2 ? letters[three & 63] : '=';
    }
}

static int value_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool ks__base64_bytes(const char *text, size_t length, size_t *bytes)
{
    if (length % 4 != 0)
        return false;
    *bytes = length / 4 * 3;
    if (length && text[length - 1] == '=')
        *bytes -= text[length - 2] == '=' ? 2 : 1;
    return true;
}

bool ks__base64_read(const char *text, size_t length, void *data, size_t *at)
{
    unsigned char *out = data;
    size_t bytes;
    if (!ks__base64_bytes(text, length, &bytes))
        return *at = length, false;
    for (size_t i = 0, done = 0; i < length; i += 4) {
        size_t left = bytes - done, count = left < 3 ? left + 1 : 4; /* characters that carry bits */
        uint32_t four = 0;
        for (size_t k = 0; k < 4; k++) {
            int value = k < count ? value_of(text[i + k]) : 0;
            if (value < 0)
                return *at = i + k, false;
            four = four << 6 | (uint32_t)value;
        }
        if ((left == 1 && (four & 0xFFFF)) || (left == 2 && (four & 0xFF)))
            return *at = i + count - 1, false;
        for (size_t k = 0; k < 3 && done < bytes; k++)
            out[done++] = (unsigned char)(four >> (16 - 8 * k));
    }
    return true;
}
