/*
 * ops/reduce/fold.c - sums and maxima over axes.
 *
 * The axes are gathered in runs of kept and reduced ones, and each reduced run is folded in passes [outer, r, inner] ->
 * [outer, blocks, inner] until one block is left: rows that lie together (inner 1) or rows beside each other (engine/kernels/fold.h).
 * The order of additions depends on the sizes only, not on the threads.
 */
#include "ops/reduce/fold.h"
#include "engine/kernels/fold.h"

#define COLUMNS   KS__FOLD_COLUMNS
#define ROWS      KS__FOLD_ROWS
#define MOST_ROWS KS__FOLD_MOST_ROWS

/* ---- a pass -------------------------------------------------------------------------------------------- */

/* [outer, r, inner] -> [outer, blocks, inner]; a unit is one block of rows by one range of columns. */
typedef struct pass {
    int64_t outer, r, inner;
    int64_t rows, blocks, ranges, group, units;
    const char *in;
    char *out;
    size_t size;
    ks__fold_row_fn row;
    ks__fold_rows_fn many;
} pass;

static pass pass_of(int64_t outer, int64_t r, int64_t inner)
{
    pass p = {.outer = outer, .r = r, .inner = inner};
    int64_t width = inner < COLUMNS ? inner : COLUMNS;
    if (inner == 1) {
        p.rows = KS__FOLD_UNIT;
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
            p.row = ks__fold_row(kind, x->dtype, call->isa);
            p.many = ks__fold_rows(kind, x->dtype, call->isa);
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
    ks__fold_row(KS__FOLD_SUM, KS_F32, isa)(&sum, x, n);
    return sum;
}

double ks__sum_f64(int isa, const double *x, int64_t n)
{
    double sum;
    ks__fold_row(KS__FOLD_SUM, KS_F64, isa)(&sum, x, n);
    return sum;
}
