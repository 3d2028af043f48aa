/*
 * serialize/io.c - readers, writers and the growing buffer.
 *
 * A buffer doubles, so appending costs the same whatever its size. In a torture build it holds no byte more than asked and
 * moves at every growth.
 */
#include "serialize/io.h"
#include "graph/failure.h"
#include "graph/memory.h"

#include <string.h>

#define READ_STEP ((size_t)65536)

bool ks__buffer_reserve(ks_buffer *buffer, size_t extra)
{
    if (extra <= buffer->capacity - buffer->size)
        return true;
    size_t needed;
    if (__builtin_add_overflow(buffer->size, extra, &needed))
        return false;
    size_t capacity = needed;
#ifdef KS_TORTURE
    bool grows = needed > 65536; /* small ones move at each growth, large ones would take minutes */
#else
    bool grows = true;
#endif
    size_t doubled = buffer->capacity < 256 ? 256 : buffer->capacity <= SIZE_MAX / 2 ? buffer->capacity * 2 : needed;
    if (grows && needed < doubled)
        capacity = doubled;
    char *data = ks__allocate(&buffer->allocator, buffer->data, buffer->capacity, capacity);
    if (!data)
        return false;
    buffer->data = data;
    buffer->capacity = capacity;
    return true;
}

bool ks__buffer_append(ks_buffer *buffer, const void *data, size_t size)
{
    if (size == 0)
        return true;
    if (!ks__buffer_reserve(buffer, size))
        return false;
    memcpy(buffer->data + buffer->size, data, size);
    buffer->size += size;
    return true;
}

static bool buffer_write(void *user, const void *data, size_t size)
{
    return ks__buffer_append(user, data, size);
}

ks_writer ks_buffer_writer(ks_buffer *buffer)
{
    return (ks_writer){.write = buffer_write, .user = buffer};
}

void ks_buffer_free(ks_buffer *buffer)
{
    if (!buffer)
        return;
    ks__allocate(&buffer->allocator, buffer->data, buffer->capacity, 0);
    buffer->data = NULL;
    buffer->size = buffer->capacity = 0;
}

static int64_t bytes_read(void *user, void *data, size_t size)
{
    ks_bytes *bytes = user;
    size_t left = bytes->at < bytes->size ? bytes->size - bytes->at : 0;
    size_t count = size < left ? size : left;
    if (count)
        memcpy(data, (const char *)bytes->data + bytes->at, count);
    bytes->at += count;
    return (int64_t)count;
}

ks_reader ks_bytes_reader(ks_bytes *bytes)
{
    return (ks_reader){.read = bytes_read, .user = bytes};
}

bool ks__write(const ks_writer *writer, const void *data, size_t size)
{
    return size == 0 || writer->write(writer->user, data, size);
}

bool ks__write_text(const ks_writer *writer, const char *text)
{
    return ks__write(writer, text, strlen(text));
}

bool ks__read_all(const ks_reader *reader, ks_buffer *buffer, size_t limit, ks_failure *failure)
{
    size_t total = 0;
    for (;;) {
        if (!ks__buffer_reserve(buffer, READ_STEP))
            return ks__fail_memory(failure, READ_STEP);
        size_t room = buffer->capacity - buffer->size;
        int64_t count = reader->read(reader->user, buffer->data + buffer->size, room);
        if (count == 0)
            return true;
        if (count < 0 || (uint64_t)count > room)
            return ks__fail(failure, KS_IO, "the reader failed after %zu bytes", total);
        if ((size_t)count > limit - total)
            return ks__fail(failure, KS_BAD_FILE, "more than %zu bytes, which is the limit here", limit);
        buffer->size += (size_t)count;
        total += (size_t)count;
    }
}
