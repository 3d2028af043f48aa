/*
 * serialize/stored.h - elements as files store them: more types than tensors have, in either order of bytes.
 *
 * What no tensor holds is widened to the smallest dtype that holds every value exactly: i8, i16 and u16 become i32, u32
 * becomes i64, f16 becomes f32.
 */
#ifndef KS_SERIALIZE_STORED_H
#define KS_SERIALIZE_STORED_H

#include <keisan/base.h>

/* NumPy's letter ('f', 'i', 'u', 'b' for bool) and the bytes of an element. */
typedef struct ks__stored {
    char kind;
    size_t size;
    bool swapped; /* in the other order of bytes than this machine's */
} ks__stored;

/* The dtype such elements get; KS_DTYPES when there is none. */
ks_dtype ks__stored_dtype(ks__stored stored);

/* Whether elements of that dtype are stored as they are in memory, but for the order of bytes. */
bool ks__stored_plain(ks__stored stored);

/* Converts `count` elements. `out` may be `in` when they are stored plainly, and is disjoint from it otherwise. */
void ks__stored_take(ks__stored stored, void *out, const void *in, size_t count);

/* Whether this machine's order of bytes is the big-endian one. */
bool ks__big_endian(void);

#endif
