/*
 * serialize/io.h - readers, writers and the growing buffer.
 *
 * Everything that is read or written passes through ks_reader and ks_writer; memory, files and the host's own streams are
 * the same to whoever uses them.
 */
#ifndef KS_SERIALIZE_IO_H
#define KS_SERIALIZE_IO_H

#include <keisan/base.h>

/* Makes room for `extra` more bytes at the end; false: no memory, and the buffer is as it was. */
bool ks__buffer_reserve(ks_buffer *buffer, size_t extra);

/* Appends; false: no memory, and the buffer is as it was. */
bool ks__buffer_append(ks_buffer *buffer, const void *data, size_t size);

/* Writes `size` bytes, or a text without its 0; false when the writer fails. Nothing to write always succeeds. */
bool ks__write(const ks_writer *writer, const void *data, size_t size);
bool ks__write_text(const ks_writer *writer, const char *text);

/*
 * Appends all that `reader` has to `buffer`, which the caller frees. Fails with KS_IO when the reader does, KS_BAD_FILE when
 * there are more than `limit` bytes, KS_NO_MEMORY; what was read until then stays in the buffer.
 */
bool ks__read_all(const ks_reader *reader, ks_buffer *buffer, size_t limit, ks_failure *failure);

#endif
