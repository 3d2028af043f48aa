/*
 * serialize/gunzip.c - bytes in memory, gzipped or plain, taken a piece at a time.
 *
 * Several gzip members in a row are one stream, as gzip says. zlib's memory comes from the caller's allocator; a piece remembers its size
 * in front.
 */
#include "serialize/gunzip.h"
#include "graph/failure.h"
#include "graph/memory.h"
#include "config.h"

#include <limits.h>
#include <string.h>

#define MOST_RATIO 1032u /* deflate never packs better than this */

#ifdef KS_HAVE_ZLIB
#include <zlib.h>

struct ks__inflater {
    z_stream stream;
    ks_allocator allocator;
    bool ended; /* the end of a member was met */
};

#define FRONT ((size_t)64) /* in front of a piece: its size, and the alignment stays */

static void *z_get(void *user, unsigned n, unsigned size)
{
    size_t bytes = (size_t)n * size + FRONT;
    char *memory = ks__allocate(&((struct ks__inflater *)user)->allocator, NULL, 0, bytes);
    if (!memory)
        return NULL;
    memcpy(memory, &bytes, sizeof bytes);
    return memory + FRONT;
}

static void z_put(void *user, void *memory)
{
    size_t bytes;
    if (!memory)
        return;
    memcpy(&bytes, (char *)memory - FRONT, sizeof bytes);
    ks__allocate(&((struct ks__inflater *)user)->allocator, (char *)memory - FRONT, bytes, 0);
}

static bool open_inflater(ks__source *source, ks_failure *failure)
{
    struct ks__inflater *inflater = ks__allocate(source->allocator, NULL, 0, sizeof *inflater);
    if (!inflater)
        return ks__fail_memory(failure, sizeof *inflater);
    memset(inflater, 0, sizeof *inflater);
    if (source->allocator)
        inflater->allocator = *source->allocator;
    inflater->stream.zalloc = z_get;
    inflater->stream.zfree = z_put;
    inflater->stream.opaque = inflater;
    if (inflateInit2(&inflater->stream, 15 + 16) != Z_OK) { /* the largest window; gzip's frame */
        ks__allocate(source->allocator, inflater, sizeof *inflater, 0);
        return ks__fail_memory(failure, (size_t)1 << 15);
    }
    source->inflater = inflater;
    return true;
}

static void close_inflater(ks__source *source)
{
    inflateEnd(&source->inflater->stream);
    ks__allocate(source->allocator, source->inflater, sizeof *source->inflater, 0);
    source->inflater = NULL;
}

static bool corrupted(const ks__source *source, const char *why, ks_failure *failure)
{
    return ks__fail(failure, KS_BAD_FILE, "the gzip data is corrupted after %llu unpacked bytes (%s): fetch it again",
                    (unsigned long long)source->given, why ? why : "no more is known");
}

/* Unpacks at most `room` bytes; *got 0: the end. */
static bool inflate_some(ks__source *source, unsigned char *out, size_t room, size_t *got, ks_failure *failure)
{
    struct ks__inflater *inflater = source->inflater;
    z_stream *z = &inflater->stream;
    unsigned most = room < UINT_MAX ? (unsigned)room : UINT_MAX;
    z->next_out = out;
    z->avail_out = most;
    while (z->avail_out == most) {
        if (inflater->ended) {
            if (!source->left)
                break;
            if (source->left < 2 || source->at[0] != 0x1f || source->at[1] != 0x8b)
                return ks__fail(failure, KS_BAD_FILE, "%zu bytes follow the end of the gzip data", source->left);
            inflater->ended = false;
            inflateReset(z);
        }
        if (!source->left)
            return ks__fail(failure, KS_BAD_FILE, "the gzip data is cut off after %llu unpacked bytes: fetch it again",
                            (unsigned long long)source->given);
        z->next_in = (unsigned char *)(uintptr_t)source->at;
        z->avail_in = source->left < UINT_MAX ? (unsigned)source->left : UINT_MAX;
        size_t before = z->avail_in;
        int status = inflate(z, Z_NO_FLUSH);
        source->at += before - z->avail_in;
        source->left -= before - z->avail_in;
        if (status == Z_MEM_ERROR)
            return ks__fail_memory(failure, (size_t)1 << 15);
        if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR) {
            source->given += most - z->avail_out;
            return corrupted(source, z->msg, failure);
        }
        inflater->ended = status == Z_STREAM_END;
    }
    *got = most - z->avail_out;
    return true;
}

#else

static bool open_inflater(ks__source *source, ks_failure *failure)
{
    (void)source;
    return ks__fail(failure, KS_UNSUPPORTED, "it is gzipped and this build has no zlib: unpack it with gunzip first");
}

static void close_inflater(ks__source *source)
{
    (void)source;
}

static bool inflate_some(ks__source *source, unsigned char *out, size_t room, size_t *got, ks_failure *failure)
{
    (void)source, (void)out, (void)room, (void)failure;
    *got = 0;
    return true;
}

#endif

bool ks__source_open(ks__source *source, const void *data, size_t size, const ks_allocator *allocator, ks_failure *failure)
{
    const unsigned char *bytes = data;
    *source = (ks__source){.at = bytes, .left = size, .allocator = allocator};
    return size < 2 || bytes[0] != 0x1f || bytes[1] != 0x8b || open_inflater(source, failure);
}

void ks__source_close(ks__source *source)
{
    if (source->inflater)
        close_inflater(source);
}

static bool take_some(ks__source *source, unsigned char *out, size_t room, size_t *got, ks_failure *failure)
{
    if (source->inflater)
        return inflate_some(source, out, room, got, failure);
    *got = room < source->left ? room : source->left;
    if (*got)
        memcpy(out, source->at, *got);
    source->at += *got;
    source->left -= *got;
    return true;
}

bool ks__source_take(ks__source *source, void *out, size_t size, ks_failure *failure)
{
    for (size_t done = 0, got; done < size; done += got, source->given += got) {
        if (!take_some(source, (unsigned char *)out + done, size - done, &got, failure))
            return false;
        if (!got)
            return ks__fail(failure, KS_BAD_FILE, "it is cut off after %llu bytes, %zu more were expected: fetch it again",
                            (unsigned long long)source->given, size - done);
    }
    return true;
}

bool ks__source_end(ks__source *source, ks_failure *failure)
{
    unsigned char more;
    size_t got;
    if (!take_some(source, &more, 1, &got, failure))
        return false;
    return !got || ks__fail(failure, KS_BAD_FILE, "more bytes follow after %llu, where it should end", (unsigned long long)source->given);
}

uint64_t ks__source_most(const ks__source *source)
{
    uint64_t left = source->left;
    if (source->inflater && (__builtin_mul_overflow(left, MOST_RATIO, &left) || __builtin_add_overflow(left, (uint64_t)1 << 20, &left)))
        return UINT64_MAX;
    return left;
}
