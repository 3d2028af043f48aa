/*
 * ops/reduce/about.c - sums of a function of d = x - centre: |d|, d^2, e^d. What norms, variances and logsumexp are made of.
 *
 * A block is mapped where the first level of the cache holds it and summed there, in lanes; blocks are combined pairwise.
 */
#include "ops/reduce/fold.h"
#include "engine/kernels/vmath.h"

#define LANES   KS__FOLD_LANES
#define BLOCK   KS__FOLD_BLOCK
#define ROWS    KS__FOLD_ROWS
#define COLUMNS KS__FOLD_COLUMNS

#define SQUARE(d) ((d) * (d))

/* Whole blocks are summed in lanes; of a row that is shorter than they are, straight. */
#define DEFINE_ABOUT(NAME, TYPE, MAP)                                                                                                      \
    static KS_INLINE TYPE NAME##_block(const TYPE *x, TYPE centre, int64_t n)                                                              \
    {                                                                                                                                      \
        TYPE f[BLOCK], lane[LANES] = {0};                                                                                                  \
        int64_t i = 0;                                                                                                                     \
        KS_LOOP                                                                                                                            \
        for (int64_t k = 0; k < n; k++) {                                                                                                  \
            const TYPE d = x[k] - centre;                                                                                                  \
            f[k] = MAP(d);                                                                                                                 \
        }                                                                                                                                  \
        for (; i + LANES <= n; i += LANES)                                                                                                 \
            for (int l = 0; l < LANES; l++)                                                                                                \
                lane[l] += f[i + l];                                                                                                       \
        for (int w = LANES / 2; i && w; w /= 2)                                                                                            \
            for (int l = 0; l < w; l++)                                                                                                    \
                lane[l] += lane[l + w];                                                                                                    \
        for (; i < n; i++)                                                                                                                 \
            lane[0] += f[i];                                                                                                               \
        return lane[0];                                                                                                                    \
    }                                                                                                                                      \
    static KS_INLINE void NAME##_row_body(void *out, const void *in, const void *about, int64_t n)                                         \
    {                                                                                                                                      \
        const TYPE *x = in, centre = about ? *(const TYPE *)about : 0;                                                                     \
        TYPE sums[KS__FOLD_UNIT / BLOCK];                                                                                                  \
        int64_t blocks = 0;                                                                                                                \
        for (int64_t i = 0; i < n; i += BLOCK)                                                                                             \
            sums[blocks++] = NAME##_block(x + i, centre, n - i < BLOCK ? n - i : BLOCK);                                                   \
        for (; blocks > 1; blocks = (blocks + 1) / 2) {                                                                                    \
            for (int64_t k = 0; k < blocks / 2; k++)                                                                                       \
                sums[k] = sums[2 * k] + sums[2 * k + 1];                                                                                   \
            if (blocks & 1)                                                                                                                \
                sums[blocks / 2] = sums[blocks - 1];                                                                                       \
        }                                                                                                                                  \
        *(TYPE *)out = blocks ? sums[0] : 0;                                                                                               \
    }                                                                                                                                      \
    static KS_INLINE void NAME##_rows_body(void *out, const void *in, const void *about, int64_t r, int64_t w, int64_t stride)             \
    {                                                                                                                                      \
        const TYPE *x = in;                                                                                                                \
        TYPE *total = out, centre[COLUMNS], sum[COLUMNS];                                                                                  \
        for (int64_t c = 0; c < w; c++) {                                                                                                  \
            centre[c] = about ? ((const TYPE *)about)[c] : 0;                                                                              \
            total[c] = 0;                                                                                                                  \
        }                                                                                                                                  \
        for (int64_t first = 0; first < r; first += ROWS) {                                                                                \
            int64_t last = first + ROWS < r ? first + ROWS : r;                                                                            \
            for (int64_t c = 0; c < w; c++)                                                                                                \
                sum[c] = 0;                                                                                                                \
            for (int64_t i = first; i < last; i++) {                                                                                       \
                KS_LOOP                                                                                                                    \
                for (int64_t c = 0; c < w; c++) {                                                                                          \
                    const TYPE d = x[i * stride + c] - centre[c];                                                                          \
                    sum[c] += MAP(d);                                                                                                      \
                }                                                                                                                          \
            }                                                                                                                              \
            for (int64_t c = 0; c < w; c++)                                                                                                \
                total[c] += sum[c];                                                                                                        \
        }                                                                                                                                  \
    }                                                                                                                                      \
    KS_TARGETS(void, NAME##_row, (void *out, const void *x, const void *centre, int64_t n), (out, x, centre, n))                           \
    KS_TARGETS(void, NAME##_rows, (void *out, const void *x, const void *centre, int64_t r, int64_t w, int64_t stride),                    \
               (out, x, centre, r, w, stride))

DEFINE_ABOUT(abs_f32, float, ks__abs_f)
DEFINE_ABOUT(abs_f64, double, ks__abs_d)
DEFINE_ABOUT(square_f32, float, SQUARE)
DEFINE_ABOUT(square_f64, double, SQUARE)
DEFINE_ABOUT(exp_f32, float, ks__exp_f)
DEFINE_ABOUT(exp_f64, double, ks__exp_d)

typedef struct forms {
    ks__about_row_fn row[KS_ISA_COUNT];
    ks__about_rows_fn rows[KS_ISA_COUNT];
} forms;

#define FORMS(NAME)                                                                                                                        \
    {                                                                                                                                      \
        KS_PICK(NAME##_row), KS_PICK(NAME##_rows)                                                                                          \
    }
static const forms all_forms[KS__ABOUTS][2] = {
    [KS__ABOUT_ABS] = {FORMS(abs_f32), FORMS(abs_f64)},
    [KS__ABOUT_SQUARE] = {FORMS(square_f32), FORMS(square_f64)},
    [KS__ABOUT_EXP] = {FORMS(exp_f32), FORMS(exp_f64)},
};

ks__about_row_fn ks__about_row(ks__about_kind kind, ks_dtype dtype, int isa)
{
    return all_forms[kind][dtype == KS_F64].row[isa];
}

ks__about_rows_fn ks__about_rows(ks__about_kind kind, ks_dtype dtype, int isa)
{
    return all_forms[kind][dtype == KS_F64].rows[isa];
}
