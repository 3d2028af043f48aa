/*
 * serialize/file.h - files: read whole, replaced whole.
 *
 * The one place that knows files; everything else speaks to readers and writers. A file is written under another name in the same
 * folder and renamed when all of it has reached the disk: whoever is killed meanwhile leaves the old file or the new one. In a
 * build without files these calls fail with KS_UNSUPPORTED. Failures name the path and what the system said.
 */
#ifndef KS_SERIALIZE_FILE_H
#define KS_SERIALIZE_FILE_H

#include <keisan/base.h>

/* Appends all of the file to `buffer`, which the caller frees; more than `limit` bytes are refused. */
bool ks__file_read(const char *path, ks_buffer *buffer, size_t limit, ks_failure *failure);

/* A file being replaced. */
typedef struct ks__file {
    const char *path; /* the caller's, until ks__file_close */
    char *target;     /* what the path leads to; NULL when nothing can be renamed to it (a device, a pipe): written as it is */
    char *temporary;  /* in the block of target */
    size_t name_bytes;
    char *held; /* bytes on their way */
    size_t held_bytes;
    ks_allocator allocator;
    int handle;
    int error; /* errno of the first write that failed */
} ks__file;

/* Begins to replace `path`; NULL allocator: the C library's. On success ks__file_close must follow. */
bool ks__file_open(ks__file *file, const char *path, const ks_allocator *allocator, ks_failure *failure);

/* Writes into it; `file` stays where it is meanwhile. */
ks_writer ks__file_writer(ks__file *file);

/*
 * Ends it. keep: what was written takes the path's place; false if it could not, and the old file stands. Not keep: nothing happened,
 * and false. A write that failed is reported here unless `failure` already says why.
 */
bool ks__file_close(ks__file *file, bool keep, ks_failure *failure);

#endif
