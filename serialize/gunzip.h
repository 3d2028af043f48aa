/*
 * serialize/gunzip.h - bytes in memory, gzipped or plain, taken a piece at a time.
 *
 * Whoever takes a piece says how many bytes it needs; fewer are a failure that says so. A build without zlib refuses what is
 * gzipped.
 */
#ifndef KS_SERIALIZE_GUNZIP_H
#define KS_SERIALIZE_GUNZIP_H

#include <keisan/base.h>

typedef struct ks__source {
    const unsigned char *at; /* what is left, as stored */
    size_t left;
    uint64_t given; /* bytes handed out so far, unpacked */
    const ks_allocator *allocator;
    struct ks__inflater *inflater; /* NULL: plain */
} ks__source;

/* Opens `data`, unpacking it if it begins as gzip does. The bytes are borrowed. On success ks__source_close must follow. */
bool ks__source_open(ks__source *source, const void *data, size_t size, const ks_allocator *allocator, ks_failure *failure);
void ks__source_close(ks__source *source);

/* The next `size` bytes; what is cut off or corrupted fails with KS_BAD_FILE. */
bool ks__source_take(ks__source *source, void *out, size_t size, ks_failure *failure);

/* Whether nothing follows, and what was unpacked has its checksum. */
bool ks__source_end(ks__source *source, ks_failure *failure);

/* No more bytes than these can be left: checked before memory is asked for what a header claims. */
uint64_t ks__source_most(const ks__source *source);

#endif
