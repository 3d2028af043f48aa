/*
 * ops/fold.c - sums and maxima over axes.
 *
 * The axes are gathered in runs of kept and reduced ones, and each reduced run is folded in passes [outer, r, inner] ->
 * [outer, blocks, inner] until one block is left. A pass has two forms: rows that lie together (inner 1) are folded in lanes, and
 * rows beside each other (inner > 1) are folded column by column. Both combine pairwise, so the error of a sum grows with the
 * logarithm of its length, and both do so in an order that depends on the sizes only, not on the threads.
 */
#include "ops/fold.h"
#include "engine/kernels/isa.h"

#define LANES  32
#define BLOCK  1024 /* elements folded in lanes before blocks are combined pairwise */
#define ROWS   64   /* rows folded one into the other before these are combined pairwise */
#define COLUMNS 256 /* columns of a task */
#define MOST_ROWS 4096
#define DEPTH  8    /* 1 + log2(MOST_ROWS / ROWS), and one to spare */

/* out[0] = fold of x[n]; out[w] = fold of r rows of x that begin `stride` apart. */
typedef void (*row_fn)(void *out, const void *x, int64_t n);
typedef void (*rows_fn)(void *out, const void *x, int64_t r, int64_t w, int64_t stride);

#define ADD(a, b)   ((a) + (b))
#define ZERO(x, n)  0
#define MOST(a, b)  (((b) > (a)) | ((b) != (b)) ? (b) : (a)) /* a NaN wins on either side */
#define FIRST(x, n) ((n) ? *(x) : 0)

/* The two forms for one type. Partial results wait on a stack and are combined as a binary counter carries, which is a
 * pairwise tree without recursion. */
#define DEFINE_FOLD(NAME, TYPE, COMBINE, START)                                                                                            \
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
        for (; i + 4 <= r; i += 4, x += 4 * stride)                                                                                        \
            for (int64_t c = 0; c < w; c++) {                                                                                              \
                TYPE p = COMBINE(x[c], x[c + stride]), q = COMBINE(x[c + 2 * stride], x[c + 3 * stride]), pq = COMBINE(p, q);              \
                acc[c] = COMBINE(acc[c], pq);                                                                                              \
            }                                                                                                                              \
        for (; i < r; i++, x += stride)                                                                                                    \
            for (int64_t c = 0; c < w; c++)                                                                                                \
                acc[c] = COMBINE(acc[c], x[c]);                                                                                            \
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
DEFINE_FOLD(sum_f32, float, ADD, ZERO)
DEFINE_FOLD(sum_f64, double, ADD, ZERO)
DEFINE_FOLD(sum_i32, uint32_t, ADD, ZERO)
DEFINE_FOLD(sum_i64, uint64_t, ADD, ZERO)
DEFINE_FOLD(max_f32, float, MOST, FIRST)
DEFINE_FOLD(max_f64, double, MOST, FIRST)
DEFINE_FOLD(max_i32, int32_t, MOST, FIRST)
DEFINE_FOLD(max_i64, int64_t, MOST, FIRST)
DEFINE_FOLD(max_u8, uint8_t, MOST, FIRST)

typedef struct forms {
    row_fn row[KS_ISA_COUNT];
    rows_fn rows[KS_ISA_COUNT];
} forms;

#define FORMS(NAME) {KS_PICK(NAME##_row), KS_PICK(NAME##_rows)}
static const forms all_forms[KS__FOLDS][KS_DTYPES] = {
    [KS__FOLD_SUM] = {[KS_F32] = FORMS(sum_f32), [KS_F64] = FORMS(sum_f64), [KS_I32] = FORMS(sum_i32), [KS_I64] = FORMS(sum_i64)},
    [KS__FOLD_MAX] = {[KS_F32] = FORMS(max_f32), [KS_F64] = FORMS(max_f64), [KS_I32] = FORMS(max_i32), [KS_I64] = FORMS(max_i64),
                      [KS_U8] = FORMS(max_u8)},
};

/* ---- a pass -------------------------------------------------------------------------------------------- */

/* [outer, r, inner] -> [outer, blocks, inner]; a unit is one block of rows by one range of columns. */
typedef struct pass {
    int64_t outer, r, inner;
    int64_t rows, blocks, ranges, group, units;
    const char *in;
    char *out;
    size_t size;
    row_fn row;
    rows_fn many;
} pass;

static pass pass_of(int64_t outer, int64_t r, int64_t inner)
{
    pass p = {.outer = outer, .r = r, .inner = inner};
    int64_t width = inner < COLUMNS ? inner : COLUMNS;
    if (inner == 1) {
        p.rows = KS__SMALL_WORK;
    } else {
        for (p.rows = ROWS; p.rows < MOST_ROWS && p.rows * (width ? width : 1) < KS__SMALL_WORK;)
            p.rows *= 2;
    }
    p.blocks = r > p.rows ? ks__ceil_div(r, p.rows) : 1;
    p.ranges = inner == 1 ? 1 : ks__ceil_div(inner, COLUMNS);
    p.units = outer * p.blocks * p.ranges;
    int64_t work = (r < p.rows ? r : p.rows) * width;
    p.group = work >= KS__SMALL_WORK ? 1 : KS__SMALL_WORK / (work ? work : 1);
    return p;
}

static void fold_unit(const pass *p, int64_t unit)
{
    int64_t range = unit % p->ranges, block = unit / p->ranges % p->blocks, o = unit / p->ranges / p->blocks;
    int64_t row = block * p->rows, rows = p->r - row < p->rows ? p->r - row : p->rows;
    int64_t column = range * COLUMNS, columns = p->inner - column < COLUMNS ? p->inner - column : COLUMNS;
    const char *in = p->in + (size_t)((o * p->r + row) * p->inner + column) * p->size;
    char *out = p->out + (size_t)((o * p->blocks + block) * p->inner + column) * p->size;
    if (p->inner == 1)
        p->row(out, in, rows);
    else
        p->many(out, in, rows, columns, p->inner);
}

static void fold_task(void *payload, int64_t i)
{
    const pass *p = payload;
    int64_t last = (i + 1) * p->group < p->units ? (i + 1) * p->group : p->units;
    for (int64_t unit = i * p->group; unit < last; unit++)
        fold_unit(p, unit);
}

/* ---- all passes ---------------------------------------------------------------------------------------- */

/* Runs of kept and reduced axes, dimensions of one left out. */
typedef struct runs {
    int n;
    int64_t size[KS_MAX_RANK];
    bool reduced[KS_MAX_RANK];
} runs;

static runs runs_of(const ks_shape *x, unsigned mask)
{
    runs g = {0};
    for (int i = 0; i < x->rank; i++) {
        bool reduced = mask >> i & 1;
        if (x->dim[i] == 1)
            continue;
        if (g.n && g.reduced[g.n - 1] == reduced) {
            g.size[g.n - 1] *= x->dim[i];
        } else {
            g.size[g.n] = x->dim[i];
            g.reduced[g.n++] = reduced;
        }
    }
    return g;
}

/* The last reduced run; -1 if none is left. */
static int last_reduced(const runs *g)
{
    int at = g->n - 1;
    while (at >= 0 && !g->reduced[at])
        at--;
    return at;
}

static int64_t product(const int64_t *size, int n)
{
    int64_t p = 1;
    for (int i = 0; i < n; i++)
        p *= size[i];
    return p;
}

size_t ks__fold(const ks_call *call, ks__fold_kind kind, const ks_tensor *x, unsigned mask, void *out, void *scratch)
{
    runs g = runs_of(x->shape, mask);
    size_t size = ks_dtype_size(x->dtype), half = 0; /* each pass makes less than the one before: two halves are enough */
    const char *in = x->data;
    bool second = false;
    int at = last_reduced(&g);
    if (at < 0 && call && x->count)
        memcpy(out, in, (size_t)x->count * size);
    while (at >= 0) {
        pass p = pass_of(product(g.size, at), g.size[at], product(g.size + at + 1, g.n - at - 1));
        g.size[at] = p.blocks;
        g.reduced[at] = p.blocks > 1;
        at = last_reduced(&g);
        if (at >= 0 && !half)
            half = ((size_t)(p.outer * p.blocks * p.inner) * size + 63) / 64 * 64;
        if (call) {
            p.in = in;
            p.out = at < 0 ? out : (char *)scratch + (second ? half : 0);
            p.size = size;
            p.row = all_forms[kind][x->dtype].row[call->isa];
            p.many = all_forms[kind][x->dtype].rows[call->isa];
            ks__each(call, p.outer * p.r * p.inner, ks__ceil_div(p.units, p.group), fold_task, &p);
            in = p.out;
        }
        second = !second;
    }
    return 2 * half;
}

bool ks__sum_over(const ks_call *call, const ks_tensor *x, unsigned mask, void *out, void *scratch)
{
    ks__fold(call, KS__FOLD_SUM, x, mask, out, scratch);
    return true;
}

size_t ks__sum_scratch(const ks_tensor *x, unsigned mask)
{
    return ks__fold(NULL, KS__FOLD_SUM, x, mask, NULL, NULL);
}

float ks__sum_f32(int isa, const float *x, int64_t n)
{
    float sum;
    all_forms[KS__FOLD_SUM][KS_F32].row[isa](&sum, x, n);
    return sum;
}

double ks__sum_f64(int isa, const double *x, int64_t n)
{
    double sum;
    all_forms[KS__FOLD_SUM][KS_F64].row[isa](&sum, x, n);
    return sum;
}
