/*
 * serialize/file.c - files: read whole, replaced whole. No other file of the library opens one.
 *
 * A replacement is written as ".NAME." and eight letters beside the file, brought to the disk, renamed, and then the folder is brought to
 * the disk as well, so that the new name survives a loss of power. A symbolic link is followed: what it points to is replaced, not the
 * link.
 */
#include "serialize/file.h"
#include "serialize/io.h"
#include "graph/failure.h"
#include "graph/memory.h"
#include "config.h"

#ifdef KS_HAVE_FILES

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define HELD_BYTES ((size_t)65536)

/* "cannot read 'x': No such file or directory"; strerror's text follows the host's language, its numbers follow nothing. */
static bool fail_errno(ks_failure *failure, const char *what, const char *path, int error)
{
    char text[128];
    return ks__fail(failure, error == ENOMEM ? KS_NO_MEMORY : KS_IO, "cannot %s '%s': %s", what, path,
                    strerror_r(error, text, sizeof text));
}

/* ---- reading ------------------------------------------------------------------------------------------- */

static int64_t handle_read(void *user, void *data, size_t size)
{
    int handle = *(const int *)user;
    size_t most = size > (size_t)1 << 30 ? (size_t)1 << 30 : size;
    ssize_t count;
    do {
        count = read(handle, data, most);
    } while (count < 0 && errno == EINTR);
    return count;
}

/* Memory for all of a plain file at once, and an early no to one that is too long. */
static bool make_room(int handle, const char *path, ks_buffer *buffer, size_t limit, ks_failure *failure)
{
    struct stat about;
    if (fstat(handle, &about) != 0)
        return fail_errno(failure, "read", path, errno);
    if (S_ISDIR(about.st_mode))
        return fail_errno(failure, "read", path, EISDIR);
    if (!S_ISREG(about.st_mode) || about.st_size <= 0)
        return true;
    if ((uint64_t)about.st_size > limit)
        return ks__fail(failure, KS_BAD_FILE, "'%s' has %lld bytes, more than the %zu that are read", path, (long long)about.st_size,
                        limit);
    return ks__buffer_reserve(buffer, (size_t)about.st_size + 65536) || ks__fail_memory(failure, (size_t)about.st_size);
}

bool ks__file_read(const char *path, ks_buffer *buffer, size_t limit, ks_failure *failure)
{
    if (!path || !*path)
        return ks__fail(failure, KS_BAD_ARGUMENT, "a file is to be read, but its path is %s", path ? "empty" : "NULL");
    int handle = open(path, O_RDONLY | O_CLOEXEC);
    if (handle < 0)
        return fail_errno(failure, "read", path, errno);
    ks_reader reader = {.read = handle_read, .user = &handle};
    ks_failure inner = {.code = KS_OK};
    bool good = make_room(handle, path, buffer, limit, failure);
    if (good && !ks__read_all(&reader, buffer, limit, &inner)) {
        good = inner.code == KS_IO ? fail_errno(failure, "read", path, errno) : ks__fail(failure, inner.code, "%s", inner.message);
    }
    close(handle);
    return good;
}

/* ---- replacing ----------------------------------------------------------------------------------------- */

static bool write_out(ks__file *file, const char *data, size_t size)
{
    while (size > 0 && !file->error) {
        ssize_t count = write(file->handle, data, size);
        if (count < 0 && errno != EINTR)
            file->error = errno;
        if (count > 0) {
            data += count;
            size -= (size_t)count;
        }
    }
    return !file->error;
}

static bool flush(ks__file *file)
{
    size_t size = file->held_bytes;
    file->held_bytes = 0;
    return write_out(file, file->held, size);
}

static bool file_write(void *user, const void *data, size_t size)
{
    ks__file *file = user;
    if (size > HELD_BYTES - file->held_bytes && !flush(file))
        return false;
    if (size >= HELD_BYTES)
        return write_out(file, data, size);
    memcpy(file->held + file->held_bytes, data, size);
    file->held_bytes += size;
    return true;
}

ks_writer ks__file_writer(ks__file *file)
{
    return (ks_writer){.write = file_write, .user = file};
}

static void let_go(ks__file *file)
{
    ks__allocate(&file->allocator, file->target, file->name_bytes, 0);
    ks__allocate(&file->allocator, file->held, HELD_BYTES, 0);
    file->target = file->temporary = file->held = NULL;
}

/* The length of the folder's part of a path, with its slash. */
static size_t folder_length(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? (size_t)(slash - path) + 1 : 0;
}

/* The target and, in the same folder, the temporary: ".NAME." and letters to be chosen. */
#define LETTERS 8
static bool name_both(ks__file *file, const char *target)
{
    size_t length = strlen(target), folder = folder_length(target);
    file->name_bytes = 2 * length + LETTERS + 4;
    file->target = ks__allocate(&file->allocator, NULL, 0, file->name_bytes);
    if (!file->target)
        return false;
    memcpy(file->target, target, length + 1);
    file->temporary = file->target + length + 1;
    memcpy(file->temporary, target, folder);
    file->temporary[folder] = '.';
    memcpy(file->temporary + folder + 1, target + folder, length - folder);
    file->temporary[length + 1] = '.';
    return true;
}

static bool create_temporary(ks__file *file)
{
    struct timespec now;
    char *letters = file->temporary + strlen(file->target) + 2;
    for (int attempt = 0; attempt < 100; attempt++) {
        clock_gettime(CLOCK_REALTIME, &now);
        uint64_t mix = ((uint64_t)now.tv_nsec + (uint64_t)attempt) * 0x9e3779b97f4a7c15u ^ (uint64_t)getpid() * 0xd1b54a32d192ed03u;
        for (int i = 0; i < LETTERS; i++, mix >>= 5)
            letters[i] = "abcdefghijklmnopqrstuvwxyz234567"[mix & 31];
        letters[LETTERS] = 0;
        file->handle = open(file->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (file->handle >= 0 || errno != EEXIST)
            break;
    }
    return file->handle >= 0;
}

static bool begin(ks__file *file, const char *path)
{
    char target[PATH_MAX];
    struct stat about;
    bool there = stat(path, &about) == 0;
    if (there && !S_ISREG(about.st_mode)) {
        file->handle = open(path, O_WRONLY | O_CLOEXEC);
        return file->handle >= 0;
    }
    if (!name_both(file, realpath(path, target) ? target : path)) {
        errno = ENOMEM;
        return false;
    }
    if (!create_temporary(file))
        return false;
    if (there && fchmod(file->handle, about.st_mode & 07777) != 0)
        file->error = errno;
    return true;
}

bool ks__file_open(ks__file *file, const char *path, const ks_allocator *allocator, ks_failure *failure)
{
    *file = (ks__file){.path = path, .handle = -1};
    if (allocator)
        file->allocator = *allocator;
    if (!path || !*path)
        return ks__fail(failure, KS_BAD_ARGUMENT, "a file is to be written, but its path is %s", path ? "empty" : "NULL");
    file->held = ks__allocate(&file->allocator, NULL, 0, HELD_BYTES);
    if (!file->held)
        return ks__fail_memory(failure, HELD_BYTES);
    if (!begin(file, path)) {
        fail_errno(failure, "write", path, errno);
        let_go(file);
        return false;
    }
    return true;
}

/* Some file systems have no fsync for folders; what can't be had is not asked for. */
static void settle_folder(const ks__file *file)
{
    char *folder = file->temporary; /* its name is not needed any more */
    size_t length = folder_length(folder);
    folder[length] = 0;
    int handle = open(length ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (handle < 0)
        return;
    fsync(handle);
    close(handle);
}

bool ks__file_close(ks__file *file, bool keep, ks_failure *failure)
{
    if (keep && flush(file) && file->target && fsync(file->handle) != 0)
        file->error = errno;
    if (close(file->handle) != 0 && !file->error)
        file->error = errno;
    if (keep && !file->error && file->target && rename(file->temporary, file->target) != 0)
        file->error = errno;
    bool good = keep && !file->error;
    if (file->target && good)
        settle_folder(file);
    else if (file->target)
        unlink(file->temporary);
    if (file->error)
        fail_errno(failure, "write", file->path, file->error);
    let_go(file);
    return good;
}

#else

static bool no_files(ks_failure *failure)
{
    return ks__fail(failure, KS_UNSUPPORTED, "this build has no files: use the form with a reader or writer");
}

bool ks__file_read(const char *path, ks_buffer *buffer, size_t limit, ks_failure *failure)
{
    return no_files(failure);
}

bool ks__file_open(ks__file *file, const char *path, const ks_allocator *allocator, ks_failure *failure)
{
    return no_files(failure);
}

static bool refuse_write(void *user, const void *data, size_t size)
{
    return false;
}

ks_writer ks__file_writer(ks__file *file)
{
    return (ks_writer){.write = refuse_write, .user = file};
}

bool ks__file_close(ks__file *file, bool keep, ks_failure *failure)
{
    return no_files(failure);
}

#endif
