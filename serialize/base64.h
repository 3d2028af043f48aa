/*
 * serialize/base64.h - bytes as base64 (RFC 4648, the alphabet with + and /, padded), and strictly back.
 */
#ifndef KS_SERIALIZE_BASE64_H
#define KS_SERIALIZE_BASE64_H

#include <keisan/base.h>

/* Characters that `bytes` bytes take. */
static inline size_t ks__base64_length(size_t bytes)
{
    return (bytes + 2) / 3 * 4;
}

/* Writes ks__base64_length(bytes) characters; no 0 behind them. */
void ks__base64_write(char *text, const void *data, size_t bytes);

/* Bytes that text[0, length) stands for, by its length and padding alone; false if no text of that length is base64. */
bool ks__base64_bytes(const char *text, size_t length, size_t *bytes);

/* Reads them into `data`. False: *at is the first character that can't be there. */
bool ks__base64_read(const char *text, size_t length, void *data, size_t *at);

#endif
