/*
 * engine/kernels/fold.c - rows folded into one value each: sums, products and extremes.
 *
 * Two forms: a row that lies together is folded in lanes, and rows beside each other column by column. Both combine pairwise, so
 * the error of a sum grows with the logarithm of its length.
 */
#include "engine/kernels/fold.h"

#define LANES   KS__FOLD_LANES
#define BLOCK   KS__FOLD_BLOCK
#define ROWS    KS__FOLD_ROWS
#define COLUMNS KS__FOLD_COLUMNS
#define DEPTH   8 /* 1 + log2(KS__FOLD_MOST_ROWS / ROWS), and one to spare */

#define ADD(a, b)   ((a) + (b))
#define ZERO(x, n)  0
#define MOST(a, b)  ((((b) > (a)) | ((b) != (b))) ? (b) : (a)) /* a NaN wins on either side */
#define LEAST(a, b) ((((b) < (a)) | ((b) != (b))) ? (b) : (a))
#define FIRST(x, n) ((n) ? *(x) : 0)
#define TIMES(a, b) ((a) * (b))
#define ONE(x, n)   1

/* The two forms for one type. Partial results wait on a stack and are combined as a binary counter carries, which is a
 * pairwise tree without recursion. FOUR: rows are taken four at a time; a choice among so many would be made by branches. */
#define DEFINE_FOLD(NAME, TYPE, COMBINE, START, FOUR)                                                                                      \
    static KS_INLINE TYPE NAME##_block(const TYPE *x, int64_t n)                                                                           \
    {                                                                                                                                      \
        TYPE lane[LANES];                                                                                                                  \
        int64_t i = 0;                                                                                                                     \
        for (int l = 0; l < LANES; l++)                                                                                                    \
            lane[l] = START(x, n);                                                                                                         \
        for (; i + LANES <= n; i += LANES)                                                                                                 \
            for (int l = 0; l < LANES; l++)                                                                                                \
                lane[l] = COMBINE(lane[l], x[i + l]);                                                                                      \
        for (int l = 0; i < n; i++, l++)                                                                                                   \
            lane[l] = COMBINE(lane[l], x[i]);                                                                                              \
        for (int w = LANES / 2; w; w /= 2)                                                                                                 \
            for (int l = 0; l < w; l++)                                                                                                    \
                lane[l] = COMBINE(lane[l], lane[l + w]);                                                                                   \
        return lane[0];                                                                                                                    \
    }                                                                                                                                      \
    static KS_INLINE void NAME##_row_body(void *out, const void *in, int64_t n)                                                            \
    {                                                                                                                                      \
        const TYPE *x = in;                                                                                                                \
        TYPE stack[64];                                                                                                                    \
        int depth = 0;                                                                                                                     \
        if (n <= BLOCK) {                                                                                                                  \
            *(TYPE *)out = NAME##_block(x, n);                                                                                             \
            return;                                                                                                                        \
        }                                                                                                                                  \
        for (int64_t i = 0, carry = 1; i < n; i += BLOCK, carry++) {                                                                       \
            TYPE s = NAME##_block(x + i, n - i < BLOCK ? n - i : BLOCK);                                                                   \
            for (int64_t k = carry; !(k & 1); k >>= 1) {                                                                                   \
                depth--;                                                                                                                   \
                s = COMBINE(stack[depth], s);                                                                                              \
            }                                                                                                                              \
            stack[depth++] = s;                                                                                                            \
        }                                                                                                                                  \
        for (; depth > 1; depth--)                                                                                                         \
            stack[depth - 2] = COMBINE(stack[depth - 2], stack[depth - 1]);                                                                \
        *(TYPE *)out = stack[0];                                                                                                           \
    }                                                                                                                                      \
    static KS_INLINE void NAME##_chunk(TYPE *restrict acc, const TYPE *restrict x, int64_t r, int64_t w, int64_t stride)                   \
    {                                                                                                                                      \
        int64_t i = 0;                                                                                                                     \
        for (int64_t c = 0; c < w; c++)                                                                                                    \
            acc[c] = START(x + c, r);                                                                                                      \
        for (; FOUR && i + 4 <= r; i += 4, x += 4 * stride)                                                                                \
            for (int64_t c = 0; c < w; c++) {                                                                                              \
                const TYPE x0 = x[c], x1 = x[c + stride], x2 = x[c + 2 * stride], x3 = x[c + 3 * stride], so_far = acc[c];                 \
                const TYPE p = COMBINE(x0, x1), q = COMBINE(x2, x3), pq = COMBINE(p, q);                                                   \
                acc[c] = COMBINE(so_far, pq);                                                                                              \
            }                                                                                                                              \
        for (; i < r; i++, x += stride)                                                                                                    \
            for (int64_t c = 0; c < w; c++) {                                                                                              \
                const TYPE x0 = x[c], so_far = acc[c];                                                                                     \
                acc[c] = COMBINE(so_far, x0);                                                                                              \
            }                                                                                                                              \
    }                                                                                                                                      \
    static KS_INLINE void NAME##_rows_body(void *out, const void *in, int64_t r, int64_t w, int64_t stride)                                \
    {                                                                                                                                      \
        const TYPE *x = in;                                                                                                                \
        TYPE stack[DEPTH][COLUMNS], *to = out;                                                                                             \
        int depth = 0;                                                                                                                     \
        if (r <= ROWS) {                                                                                                                   \
            NAME##_chunk(to, x, r, w, stride);                                                                                             \
            return;                                                                                                                        \
        }                                                                                                                                  \
        for (int64_t i = 0, carry = 1; i < r; i += ROWS, carry++) {                                                                        \
            NAME##_chunk(stack[depth], x + i * stride, r - i < ROWS ? r - i : ROWS, w, stride);                                            \
            for (int64_t k = carry; !(k & 1); k >>= 1, depth--)                                                                            \
                for (int64_t c = 0; c < w; c++)                                                                                            \
                    stack[depth - 1][c] = COMBINE(stack[depth - 1][c], stack[depth][c]);                                                   \
            depth++;                                                                                                                       \
        }                                                                                                                                  \
        for (; depth > 1; depth--)                                                                                                         \
            for (int64_t c = 0; c < w; c++)                                                                                                \
                stack[depth - 2][c] = COMBINE(stack[depth - 2][c], stack[depth - 1][c]);                                                   \
        for (int64_t c = 0; c < w; c++)                                                                                                    \
            to[c] = stack[0][c];                                                                                                           \
    }                                                                                                                                      \
    KS_TARGETS(void, NAME##_row, (void *out, const void *x, int64_t n), (out, x, n))                                                       \
    KS_TARGETS(void, NAME##_rows, (void *out, const void *x, int64_t r, int64_t w, int64_t stride), (out, x, r, w, stride))

/* Whole numbers wrap, which only unsigned ones may. */
DEFINE_FOLD(sum_f32, float, ADD, ZERO, true)
DEFINE_FOLD(sum_f64, double, ADD, ZERO, true)
DEFINE_FOLD(sum_i32, uint32_t, ADD, ZERO, true)
DEFINE_FOLD(sum_i64, uint64_t, ADD, ZERO, true)
DEFINE_FOLD(max_f32, float, MOST, FIRST, false)
DEFINE_FOLD(max_f64, double, MOST, FIRST, false)
DEFINE_FOLD(max_i32, int32_t, MOST, FIRST, false)
DEFINE_FOLD(max_i64, int64_t, MOST, FIRST, false)
DEFINE_FOLD(max_u8, uint8_t, MOST, FIRST, false)
DEFINE_FOLD(min_f32, float, LEAST, FIRST, false)
DEFINE_FOLD(min_f64, double, LEAST, FIRST, false)
DEFINE_FOLD(min_i32, int32_t, LEAST, FIRST, false)
DEFINE_FOLD(min_i64, int64_t, LEAST, FIRST, false)
DEFINE_FOLD(min_u8, uint8_t, LEAST, FIRST, false)
DEFINE_FOLD(prod_f32, float, TIMES, ONE, true)
DEFINE_FOLD(prod_f64, double, TIMES, ONE, true)
DEFINE_FOLD(prod_i32, uint32_t, TIMES, ONE, true)
DEFINE_FOLD(prod_i64, uint64_t, TIMES, ONE, true)

typedef struct forms {
    ks__fold_row_fn row[KS_ISA_COUNT];
    ks__fold_rows_fn rows[KS_ISA_COUNT];
} forms;

#define FORMS(NAME)                                                                                                                        \
    {                                                                                                                                      \
        KS_PICK(NAME##_row), KS_PICK(NAME##_rows)                                                                                          \
    }
static const forms all_forms[KS__FOLDS][KS_DTYPES] = {
    [KS__FOLD_SUM] = {[KS_F32] = FORMS(sum_f32), [KS_F64] = FORMS(sum_f64), [KS_I32] = FORMS(sum_i32), [KS_I64] = FORMS(sum_i64)},
    [KS__FOLD_PROD] = {[KS_F32] = FORMS(prod_f32), [KS_F64] = FORMS(prod_f64), [KS_I32] = FORMS(prod_i32), [KS_I64] = FORMS(prod_i64)},
    [KS__FOLD_MAX] = {[KS_F32] = FORMS(max_f32),
                      [KS_F64] = FORMS(max_f64),
                      [KS_I32] = FORMS(max_i32),
                      [KS_I64] = FORMS(max_i64),
                      [KS_U8] = FORMS(max_u8),
                      [KS_BOOL] = FORMS(max_u8)},
    [KS__FOLD_MIN] = {[KS_F32] = FORMS(min_f32),
                      [KS_F64] = FORMS(min_f64),
                      [KS_I32] = FORMS(min_i32),
                      [KS_I64] = FORMS(min_i64),
                      [KS_U8] = FORMS(min_u8),
                      [KS_BOOL] = FORMS(min_u8)},
};

ks__fold_row_fn ks__fold_row(ks__fold_kind kind, ks_dtype dtype, int isa)
{
    return all_forms[kind][dtype].row[isa];
}

ks__fold_rows_fn ks__fold_rows(ks__fold_kind kind, ks_dtype dtype, int isa)
{
    return all_forms[kind][dtype].rows[isa];
}

/* As the rows above: a binary counter of what waits to be combined, here in the array itself. */
#define DEFINE_BLOCKS(NAME, TYPE)                                                                                                          \
    static void NAME(TYPE *out, TYPE *sums, int64_t n)                                                                                     \
    {                                                                                                                                      \
        int64_t depth = 0;                                                                                                                 \
        for (int64_t i = 0; i < n; i++) {                                                                                                  \
            TYPE s = sums[i];                                                                                                              \
            for (int64_t k = i + 1; !(k & 1); k >>= 1)                                                                                     \
                s = sums[--depth] + s;                                                                                                     \
            sums[depth++] = s;                                                                                                             \
        }                                                                                                                                  \
        for (; depth > 1; depth--)                                                                                                         \
            sums[depth - 2] = sums[depth - 2] + sums[depth - 1];                                                                           \
        *out = n ? sums[0] : 0;                                                                                                            \
    }
DEFINE_BLOCKS(blocks_f32, float)
DEFINE_BLOCKS(blocks_f64, double)

void ks__fold_blocks(ks_dtype dtype, void *out, void *sums, int64_t n)
{
    if (dtype == KS_F32)
        blocks_f32(out, sums, n);
    else
        blocks_f64(out, sums, n);
}

#define DEFINE_PART(NAME, TYPE)                                                                                                            \
    static KS_INLINE void NAME##_body(void *to, const void *in, int64_t n)                                                                 \
    {                                                                                                                                      \
        TYPE lane[LANES], *lanes = to;                                                                                                     \
        const TYPE *x = in;                                                                                                                \
        int64_t i = 0;                                                                                                                     \
        for (int l = 0; l < LANES; l++)                                                                                                    \
            lane[l] = lanes[l];                                                                                                            \
        for (; i + LANES <= n; i += LANES)                                                                                                 \
            for (int l = 0; l < LANES; l++)                                                                                                \
                lane[l] = lane[l] + x[i + l];                                                                                              \
        for (int l = 0; i < n; i++, l++)                                                                                                   \
            lane[l] = lane[l] + x[i];                                                                                                      \
        for (int l = 0; l < LANES; l++)                                                                                                    \
            lanes[l] = lane[l];                                                                                                            \
    }                                                                                                                                      \
    KS_TARGETS(void, NAME, (void *to, const void *in, int64_t n), (to, in, n))                                                             \
    static void NAME##_end(void *out, TYPE *lane)                                                                                          \
    {                                                                                                                                      \
        for (int w = LANES / 2; w; w /= 2)                                                                                                 \
            for (int l = 0; l < w; l++)                                                                                                    \
                lane[l] = lane[l] + lane[l + w];                                                                                           \
        *(TYPE *)out = lane[0];                                                                                                            \
    }
DEFINE_PART(part_f32, float)
DEFINE_PART(part_f64, double)

ks__fold_part_fn ks__fold_part(ks_dtype dtype, int isa)
{
    static const ks__fold_part_fn parts[2][KS_ISA_COUNT] = {KS_PICK(part_f32), KS_PICK(part_f64)};
    return parts[dtype == KS_F64][isa];
}

void ks__fold_end(ks_dtype dtype, void *out, void *lanes)
{
    if (dtype == KS_F64)
        part_f64_end(out, lanes);
    else
        part_f32_end(out, lanes);
}
