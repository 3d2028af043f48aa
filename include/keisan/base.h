/*
 * keisan/base.h - the words that every other header uses: data types, shapes, places in source code,
 * failures, allocators, readers and writers.
 *
 * An options struct begins with `size_t size`, the caller's sizeof. The library reads no more than that, a
 * zero field means the default, and new fields go to the end: a program compiled against an older, shorter
 * struct keeps working.
 */
#ifndef KEISAN_BASE_H
#define KEISAN_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define KS_BEGIN extern "C" {
#define KS_END   }
#else
#define KS_BEGIN
#define KS_END
#endif

/* What is marked so is exported; everything else in the library is hidden. */
#if defined(__GNUC__)
#define KS_API __attribute__((visibility("default")))
#else
#define KS_API
#endif

KS_BEGIN

/* ---- data types ---------------------------------------------------------------------------------------- */

/* The type of a tensor's elements. Types never mix silently: ks_cast converts. KS_BOOL is one byte, 0 or 1. */
typedef enum ks_dtype { KS_F32, KS_F64, KS_I32, KS_I64, KS_U8, KS_BOOL, KS_DTYPES } ks_dtype;

/* Bytes of one element; 0 for what is no dtype. */
KS_API size_t ks_dtype_size(ks_dtype dtype);

/* "f32", "f64", "i32", "i64", "u8", "bool"; "?" for what is no dtype. Static text. */
KS_API const char *ks_dtype_name(ks_dtype dtype);

/* The dtype of that name; KS_DTYPES when there is none. */
KS_API ks_dtype ks_dtype_named(const char *name);

/* ---- shapes -------------------------------------------------------------------------------------------- */

#define KS_MAX_RANK 8

/*
 * The extents of a row-major tensor, outermost first. A dimension is a number >= 0, a symbol made by ks_dim
 * (a negative handle), or KS_ANY: open, each one different from every other.
 */
typedef struct ks_shape {
    int rank;
    int64_t dim[KS_MAX_RANK];
} ks_shape;

#define KS_ANY INT64_MIN

/* KS_SHAPE(100, 784): a shape written in place (C99 compound literal; at most KS_MAX_RANK numbers). */
#define KS_SHAPE(...)                                                                                                                      \
    ((ks_shape){.rank = (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), .dim = {__VA_ARGS__}})

/* The shape of a scalar: rank 0. */
#define KS_SCALAR ((ks_shape){.rank = 0, .dim = {0}})

/* ---- where a call was written -------------------------------------------------------------------------- */

/* The line that made a node, kept for messages. `file` must outlive the graph (a string literal does). */
typedef struct ks_place {
    const char *file;
    int line;
} ks_place;

#ifdef __cplusplus
#define KS_HERE (ks_place{__FILE__, __LINE__})
#else
#define KS_HERE ((ks_place){__FILE__, __LINE__})
#endif

/* ---- failures ------------------------------------------------------------------------------------------ */

/* What kind of failure; the numbers are stable. */
typedef enum ks_code {
    KS_OK = 0,
    KS_BAD_ARGUMENT = 1,  /* a value outside what the function takes */
    KS_BAD_SHAPE = 2,     /* shapes that do not fit each other */
    KS_BAD_DTYPE = 3,     /* data types that do not fit */
    KS_BAD_NAME = 4,      /* unknown, doubled or malformed name */
    KS_RELEASED = 5,      /* a node that ks_graph_release cut off */
    KS_NOT_FED = 6,       /* an input without data */
    KS_NO_GRADIENT = 7,   /* no derivative where one is needed */
    KS_NOT_FINITE = 8,    /* a NaN or infinity where they were asked to be found */
    KS_BAD_FILE = 20,     /* content that does not parse or does not fit */
    KS_UNSUPPORTED = 21,  /* well formed, but newer or not compiled in */
    KS_NO_MEMORY = 40,    /* the allocator said no */
    KS_IO = 41,           /* the system failed to read or write */
    KS_CANCELLED = 60     /* the cancel callback asked to stop */
} ks_code;

#define KS_MESSAGE_BYTES 512

/* A failure: code and one sentence with names, shapes and the mend. `place.file` is NULL when unknown. */
typedef struct ks_failure {
    ks_code code;
    ks_place place;
    char message[KS_MESSAGE_BYTES];
} ks_failure;

/* The code's name, "bad shape" for KS_BAD_SHAPE. Static text. */
KS_API const char *ks_code_name(ks_code code);

/* ---- the host's services ------------------------------------------------------------------------------- */

/*
 * Allocate, grow, shrink or free: `old` NULL allocates, `new_size` 0 frees and returns NULL, else `old` of
 * `old_size` bytes becomes `new_size` bytes with its content kept. Aligned to 64 bytes. NULL: no memory, and `old` is as it was.
 */
typedef void *(*ks_alloc_fn)(void *user, void *old, size_t old_size, size_t new_size);

/* An allocator with its payload; alloc NULL means the C library's. */
typedef struct ks_allocator {
    ks_alloc_fn alloc;
    void *user;
} ks_allocator;

/* Calls task(payload, i) for every i in [0, n), in any order, on any threads, and returns when all are done. */
typedef void (*ks_task_fn)(void *payload, int64_t i);
typedef void (*ks_parallel_for_fn)(void *user, int64_t n, ks_task_fn task, void *payload);

/* ---- reading and writing ------------------------------------------------------------------------------- */

/* Reads up to `size` bytes into `data`; the count read, 0 at the end, -1 on failure. */
typedef struct ks_reader {
    int64_t (*read)(void *user, void *data, size_t size);
    void *user;
} ks_reader;

/* Writes all `size` bytes; false on failure. */
typedef struct ks_writer {
    bool (*write)(void *user, const void *data, size_t size);
    void *user;
} ks_writer;

/* A growing buffer in memory; free with ks_buffer_free. Zero-initialise, or set `allocator` first. */
typedef struct ks_buffer {
    char *data;
    size_t size;
    size_t capacity;
    ks_allocator allocator;
} ks_buffer;

/* A writer that appends to `buffer`. `buffer` outlives the writer. */
KS_API ks_writer ks_buffer_writer(ks_buffer *buffer);
KS_API void ks_buffer_free(ks_buffer *buffer);

/* Bytes in memory as a reader. The struct outlives the reader; the bytes are borrowed. */
typedef struct ks_bytes {
    const void *data;
    size_t size;
    size_t at;
} ks_bytes;
KS_API ks_reader ks_bytes_reader(ks_bytes *bytes);

KS_END

#endif
