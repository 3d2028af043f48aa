/*
 * ops/reduce/fold.c - many values to one over axes.
 *
 * The axes are gathered in runs of kept and reduced ones, and each reduced run is folded in passes [outer, r, inner] ->
 * [outer, blocks, inner] until one block is left: rows that lie together (inner 1) or rows beside each other (engine/kernels/fold.h).
 * The order of additions depends on the sizes only, not on the threads. Sums about a centre are such in their first pass, and plain
 * sums of what it left from then on.
 */
#include "ops/reduce/fold.h"

#define COLUMNS   KS__FOLD_COLUMNS
#define ROWS      KS__FOLD_ROWS
#define MOST_ROWS KS__FOLD_MOST_ROWS

/* ---- runs of axes --------------------------------------------------------------------------------------- */

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
    /* Of a first pass about a centre: */
    ks__about_row_fn about_row;
    ks__about_rows_fn about_many;
    const char *centre; /* [kept axes of outer, inner]; NULL: 0 */
    const struct runs *runs;
    int before; /* runs that make up outer */
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

/* Where the centre of outer index o lies: its kept axes only. */
static const void *centre_of(const pass *p, int64_t o, int64_t column)
{
    int64_t kept = 0, step = 1;
    if (!p->centre)
        return NULL;
    for (int i = p->before - 1; i >= 0; i--) {
        if (!p->runs->reduced[i]) {
            kept += o % p->runs->size[i] * step;
            step *= p->runs->size[i];
        }
        o /= p->runs->size[i];
    }
    return p->centre + (size_t)(kept * p->inner + column) * p->size;
}

static void fold_unit(const pass *p, int64_t unit)
{
    int64_t range = unit % p->ranges, block = unit / p->ranges % p->blocks, o = unit / p->ranges / p->blocks;
    int64_t row = block * p->rows, rows = p->r - row < p->rows ? p->r - row : p->rows;
    int64_t column = range * COLUMNS, columns = p->inner - column < COLUMNS ? p->inner - column : COLUMNS;
    const char *in = p->in + (size_t)((o * p->r + row) * p->inner + column) * p->size;
    char *out = p->out + (size_t)((o * p->blocks + block) * p->inner + column) * p->size;
    if (p->about_row && p->inner == 1)
        p->about_row(out, in, centre_of(p, o, column), rows);
    else if (p->about_row)
        p->about_many(out, in, centre_of(p, o, column), rows, columns, p->inner);
    else if (p->inner == 1)
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

/* What a fold does in its first pass. */
typedef struct first {
    bool about;
    ks__about_kind kind;
    const void *centre;
} first;

static void run_pass(const ks_call *call, ks__fold_kind kind, pass *p, const first *about, ks_dtype dtype)
{
    p->size = ks_dtype_size(dtype);
    if (about->about) {
        p->about_row = ks__about_row(about->kind, dtype, call->isa);
        p->about_many = ks__about_rows(about->kind, dtype, call->isa);
        p->centre = about->centre;
    } else {
        p->row = ks__fold_row(kind, dtype, call->isa);
        p->many = ks__fold_rows(kind, dtype, call->isa);
    }
    ks__each(call, p->outer * p->r * p->inner, ks__ceil_div(p->units, p->group), fold_task, p);
}

/* Of x whose axes of the mask are all 1: a copy, or the function of each element. */
static void fold_nothing(const ks_call *call, ks__fold_kind kind, const ks_tensor *x, const first *about, void *out)
{
    pass p = pass_of(1, 1, x->count);
    p.in = x->data;
    p.out = out;
    if (about->about)
        run_pass(call, kind, &p, about, x->dtype);
    else if (x->count)
        memcpy(out, x->data, (size_t)x->count * ks_dtype_size(x->dtype));
}

static size_t fold(const ks_call *call, ks__fold_kind kind, first about, const ks_tensor *x, unsigned mask, void *out, void *scratch)
{
    runs g = runs_of(x->shape, mask);
    size_t size = ks_dtype_size(x->dtype), half = 0; /* each pass makes less than the one before: two halves are enough */
    const char *in = x->data;
    bool second = false;
    int at = last_reduced(&g);
    if (at < 0 && call)
        fold_nothing(call, kind, x, &about, out);
    while (at >= 0) {
        pass p = pass_of(product(g.size, at), g.size[at], product(g.size + at + 1, g.n - at - 1));
        p.runs = &g;
        p.before = at;
        g.size[at] = p.blocks;
        g.reduced[at] = p.blocks > 1;
        at = last_reduced(&g);
        if (at >= 0 && !half)
            half = ((size_t)(p.outer * p.blocks * p.inner) * size + 63) / 64 * 64;
        if (call) {
            p.in = in;
            p.out = at < 0 ? out : (char *)scratch + (second ? half : 0);
            run_pass(call, kind, &p, &about, x->dtype);
            in = p.out;
        }
        about.about = false;
        second = !second;
    }
    return 2 * half;
}

size_t ks__fold(const ks_call *call, ks__fold_kind kind, const ks_tensor *x, unsigned mask, void *out, void *scratch)
{
    return fold(call, kind, (first){0}, x, mask, out, scratch);
}

size_t ks__fold_about(const ks_call *call, ks__about_kind kind, const ks_tensor *x, unsigned mask, const void *centre, void *out,
                      void *scratch)
{
    return fold(call, KS__FOLD_SUM, (first){true, kind, centre}, x, mask, out, scratch);
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
