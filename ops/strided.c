/*
 * ops/strided.c - one copy for whatever only moves elements: expand, transpose, slice.
 *
 * The result is contiguous; the source is read with a stride a dimension (0 repeats). Dimensions that lie together are
 * merged first, so that the inner loop is as long as it can be: a block copy, a fill, or a gather. A transpose goes by small
 * squares, so that every cache line is used whole.
 */
#include "ops/family.h"

#include <stdarg.h>
#include <stdio.h>

bool ks__kernel_fail(ks_failure *failure, ks_code code, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    failure->code = code;
    vsnprintf(failure->message, sizeof failure->message, format, list);
    va_end(list);
    return false;
}

/* Elements are moved as unsigned words of their size, whatever they mean. */
typedef uint8_t __attribute__((may_alias)) word1;
typedef uint32_t __attribute__((may_alias)) word4;
typedef uint64_t __attribute__((may_alias)) word8;

typedef struct strided {
    char *out;
    const char *in;
    size_t size;
    int rank;
    int64_t dim[KS_MAX_RANK], stride[KS_MAX_RANK];
    int64_t outer; /* rows (rank 1 inside), or strips of planes (rank 2 inside) when `square` */
    int64_t chunk; /* of these a task */
    bool square;
    int64_t strips, strip; /* of a plane, and their height: one large matrix is shared too */
} strided;

#define SQUARE 16

#define DEFINE_WORD(W)                                                                                                                     \
    static void row_##W(W *restrict out, const W *restrict in, int64_t n, int64_t stride)                                                  \
    {                                                                                                                                      \
        if (stride == 0) {                                                                                                                 \
            W value = in[0];                                                                                                               \
            for (int64_t i = 0; i < n; i++)                                                                                                \
                out[i] = value;                                                                                                            \
        } else if (stride == -1) {                                                                                                         \
            for (int64_t i = 0; i < n; i++)                                                                                                \
                out[i] = in[-i];                                                                                                           \
        } else {                                                                                                                           \
            for (int64_t i = 0; i < n; i++)                                                                                                \
                out[i] = in[i * stride];                                                                                                   \
        }                                                                                                                                  \
    }                                                                                                                                      \
    /* out [m, n] from in with strides (1, stride) */                                                                                      \
    static void plane_##W(W *restrict out, const W *restrict in, int64_t m, int64_t n, int64_t stride)                                     \
    {                                                                                                                                      \
        for (int64_t j0 = 0; j0 < n; j0 += SQUARE) {                                                                                       \
            int64_t j1 = j0 + SQUARE < n ? j0 + SQUARE : n;                                                                                \
            for (int64_t i0 = 0; i0 < m; i0 += SQUARE) {                                                                                   \
                int64_t i1 = i0 + SQUARE < m ? i0 + SQUARE : m;                                                                            \
                for (int64_t i = i0; i < i1; i++)                                                                                          \
                    for (int64_t j = j0; j < j1; j++)                                                                                      \
                        out[i * n + j] = in[i + j * stride];                                                                               \
            }                                                                                                                              \
        }                                                                                                                                  \
    }
DEFINE_WORD(word1)
DEFINE_WORD(word4)
DEFINE_WORD(word8)

/* Where row or plane number `index` starts in the source. */
static int64_t offset_of(const strided *s, int dims, int64_t index)
{
    int64_t offset = 0;
    for (int d = dims - 1; d >= 0; d--) {
        offset += index % s->dim[d] * s->stride[d];
        index /= s->dim[d];
    }
    return offset;
}

static void copy_one(const strided *s, int64_t index)
{
    int inner = s->square ? 2 : 1, dims = s->rank - inner;
    int64_t n = s->dim[s->rank - 1], stride = s->stride[s->rank - 1], plane = index / s->strips, first = index % s->strips * s->strip;
    int64_t height = s->square ? s->dim[dims] : 1, m = height - first < s->strip ? height - first : s->strip;
    const char *in = s->in + (offset_of(s, dims, plane) + first) * (int64_t)s->size;
    char *out = s->out + (plane * height + first) * n * (int64_t)s->size;
    if (!s->square && stride == 1)
        memcpy(out, in, (size_t)n * s->size);
    else if (s->size == 1)
        s->square ? plane_word1((word1 *)out, (const word1 *)in, m, n, stride) : row_word1((word1 *)out, (const word1 *)in, n, stride);
    else if (s->size == 4)
        s->square ? plane_word4((word4 *)out, (const word4 *)in, m, n, stride) : row_word4((word4 *)out, (const word4 *)in, n, stride);
    else
        s->square ? plane_word8((word8 *)out, (const word8 *)in, m, n, stride) : row_word8((word8 *)out, (const word8 *)in, n, stride);
}

static void copy_task(void *payload, int64_t block)
{
    const strided *s = payload;
    int64_t last = (block + 1) * s->chunk < s->outer ? (block + 1) * s->chunk : s->outer;
    for (int64_t i = block * s->chunk; i < last; i++)
        copy_one(s, i);
}

/* Leaves out dimensions of one and merges neighbours that are one run in the source. */
static void merge(strided *s, int rank, const int64_t *dim, const int64_t *stride)
{
    s->rank = 0;
    for (int i = 0; i < rank; i++) {
        int last = s->rank - 1;
        if (dim[i] == 1)
            continue;
        if (last >= 0 && s->stride[last] == stride[i] * dim[i]) {
            s->dim[last] *= dim[i];
            s->stride[last] = stride[i];
        } else {
            s->dim[s->rank] = dim[i];
            s->stride[s->rank++] = stride[i];
        }
    }
    if (s->rank == 0) {
        s->dim[0] = s->stride[0] = 1;
        s->rank = 1;
    }
}

void ks__copy_strided(const ks_call *call, void *out, const void *in, size_t size, int rank, const int64_t *dim, const int64_t *stride)
{
    strided s = {.out = out, .in = in, .size = size, .strips = 1, .strip = 1};
    int64_t count = 1;
    for (int i = 0; i < rank; i++)
        count *= dim[i];
    if (!count)
        return;
    merge(&s, rank, dim, stride);
    s.square = s.rank >= 2 && s.stride[s.rank - 1] > 1 && s.stride[s.rank - 2] == 1;
    if (s.rank == 1 && s.stride[0] != 0 && count > KS__SMALL_WORK) { /* one long run: cut it, so that threads share it */
        int64_t piece = KS__SMALL_WORK, whole = count / piece * piece;
        strided tail = s;
        tail.dim[0] = count - whole;
        tail.in += whole * s.stride[0] * (int64_t)size;
        tail.out += whole * (int64_t)size;
        if (tail.dim[0])
            copy_one(&tail, 0);
        s.rank = 2;
        s.dim[0] = count / piece, s.dim[1] = piece;
        s.stride[1] = s.stride[0], s.stride[0] *= piece;
    }
    if (s.square) {
        s.strip = (KS__SMALL_WORK / s.dim[s.rank - 1] / SQUARE + 1) * SQUARE;
        s.strips = ks__ceil_div(s.dim[s.rank - 2], s.strip);
    }
    s.outer = s.strips;
    for (int i = 0; i < s.rank - (s.square ? 2 : 1); i++)
        s.outer *= s.dim[i];
    int64_t inside = count / s.outer;
    s.chunk = inside >= KS__SMALL_WORK ? 1 : KS__SMALL_WORK / (inside ? inside : 1);
    ks__each(call, count, ks__ceil_div(s.outer, s.chunk), copy_task, &s);
}

bool ks__copy_kernel(const ks_call *call, ks_failure *failure)
{
    (void)failure;
    const ks_tensor *x = &call->in[0];
    if (x->data != call->out->data && x->count)
        ks__copy_strided(call, call->out->data, x->data, ks_dtype_size(x->dtype), 1, &x->count, (const int64_t[]){1});
    return true;
}
