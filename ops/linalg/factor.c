/*
 * ops/linalg/factor.c - factors and triangular solutions by blocks: a block of KS__BLOCK rows is worked at by loops, the rest gets
 * its share as a matrix product, STRIP rows at a time.
 */
#include "ops/linalg/factor.h"
#include "engine/kernels/gemm.h"

#define STRIP 256

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Element [i, j] of a matrix whose rows are ld apart. */
static char *element(const ks__bench *bench, const void *a, int64_t ld, int64_t i, int64_t j)
{
    return bench->dry ? NULL : (char *)a + (size_t)(i * ld + j) * ks_dtype_size(bench->dtype);
}

static const ks__loops *loops_of(const ks__bench *bench)
{
    return ks__loops_of(bench->dtype, bench->isa);
}

/* ---- c -= a b ------------------------------------------------------------------------------------------ */

/* A product to be taken off c: one strip of rows. */
static void strip_off(ks__bench *bench, ks__gemm g, const void *a, const void *b, void *c, int64_t ldc)
{
    size_t product = (size_t)(g.m * g.n) * ks_dtype_size(bench->dtype);
    product = (product + 63) & ~(size_t)63;
    g.dtype = bench->dtype;
    g.isa = bench->isa;
    g.ldc = g.n;
    if (bench->dry) {
        size_t need = product + ks__gemm_scratch(&g);
        bench->need = need > bench->need ? need : bench->need;
        return;
    }
    ks__gemm_run(&g, a, b, bench->scratch, bench->scratch + product, bench->parallel_for, bench->user);
    loops_of(bench)->subtract(c, ldc, bench->scratch, g.m, g.n);
}

/* c [m, n] -= op(a) [m, k] op(b) [k, n]; `staircase`: of a square c only what is not above the diagonal's strip. */
static void take_off(ks__bench *bench, ks__gemm g, const void *a, const void *b, void *c, int64_t ldc, bool staircase)
{
    int64_t m = g.m, n = g.n;
    if (m <= 0 || n <= 0 || g.k <= 0)
        return;
    for (int64_t row = 0; row < m; row += STRIP) {
        g.m = least(STRIP, m - row);
        g.n = staircase ? row + g.m : n;
        const char *from = g.trans_a ? element(bench, a, g.lda, 0, row) : element(bench, a, g.lda, row, 0);
        strip_off(bench, g, from, b, element(bench, c, ldc, row, 0), ldc);
    }
}

/* ---- cholesky ------------------------------------------------------------------------------------------ */

int64_t ks__cholesky(ks__bench *bench, void *a, int64_t n)
{
    for (int64_t at = 0; at < n; at += KS__BLOCK) {
        int64_t size = least(KS__BLOCK, n - at), below = n - at - size;
        void *corner = element(bench, a, n, at, at), *under = element(bench, a, n, at + size, at);
        if (!bench->dry) {
            int64_t order = loops_of(bench)->cholesky(corner, n, size);
            if (order)
                return at + order;
            loops_of(bench)->right(under, n, below, corner, n, size);
        }
        ks__gemm g = {.m = below, .n = below, .k = size, .lda = n, .ldb = n, .trans_b = true};
        take_off(bench, g, under, under, element(bench, a, n, at + size, at + size), n, true);
    }
    return 0;
}

/* ---- lu ------------------------------------------------------------------------------------------------ */

/* Exchanges the rows beside a block as the block's were, in columns [first, last). */
static void exchange(const ks__bench *bench, void *a, int64_t n, int64_t at, int64_t size, const int64_t *pivot, int64_t first,
                     int64_t last)
{
    size_t bytes = (size_t)(last - first) * ks_dtype_size(bench->dtype);
    for (int64_t i = at; i < at + size && bytes; i++) {
        char *one = element(bench, a, n, i, first), *other = element(bench, a, n, pivot[i], first);
        for (size_t k = 0; one != other && k < bytes; k += 4) { /* an element is one or two words */
            uint32_t x, y;
            memcpy(&x, one + k, 4);
            memcpy(&y, other + k, 4);
            memcpy(one + k, &y, 4);
            memcpy(other + k, &x, 4);
        }
    }
}

static int64_t lu_block(const ks__bench *bench, void *a, int64_t *pivot, int64_t n, int64_t at, int64_t size)
{
    const ks__loops *loops = loops_of(bench);
    void *corner = element(bench, a, n, at, at);
    int64_t zero = loops->lu(corner, n, n - at, size, pivot + at);
    for (int64_t i = at; i < at + size; i++)
        pivot[i] += at;
    exchange(bench, a, n, at, size, pivot, 0, at);
    exchange(bench, a, n, at, size, pivot, at + size, n);
    loops->left(corner, n, 1, true, true, size, element(bench, a, n, at, at + size), n, n - at - size);
    return zero ? at + zero : 0;
}

int64_t ks__lu(ks__bench *bench, void *a, int64_t *pivot, int64_t n)
{
    int64_t first = 0;
    for (int64_t at = 0; at < n; at += KS__BLOCK) {
        int64_t size = least(KS__BLOCK, n - at), rest = n - at - size;
        int64_t zero = bench->dry ? 0 : lu_block(bench, a, pivot, n, at, size);
        first = first ? first : zero;
        ks__gemm g = {.m = rest, .n = rest, .k = size, .lda = n, .ldb = n};
        take_off(bench, g, element(bench, a, n, at + size, at), element(bench, a, n, at, at + size),
                 element(bench, a, n, at + size, at + size), n, false);
    }
    return first;
}

/* ---- triangular solutions ------------------------------------------------------------------------------ */

/* The rows [to, to + rows) of b lose what the solved rows [at, at + size) give them. */
static void pass_on(ks__bench *bench, const ks__triangle *t, void *b, int64_t ld, int64_t columns, int64_t at, int64_t size, int64_t to,
                    int64_t rows)
{
    ks__gemm g = {.m = rows, .n = columns, .k = size, .lda = t->n, .ldb = ld, .trans_a = t->trans};
    const void *part = t->trans ? element(bench, t->a, t->n, at, to) : element(bench, t->a, t->n, to, at);
    take_off(bench, g, part, element(bench, b, ld, at, 0), element(bench, b, ld, to, 0), ld, false);
}

void ks__triangular_solve(ks__bench *bench, const ks__triangle *t, void *b, int64_t ld, int64_t columns)
{
    bool forward = t->lower != t->trans;
    int64_t blocks = ks__ceil_div(t->n, KS__BLOCK), step_row = t->trans ? 1 : t->n, step_column = t->trans ? t->n : 1;
    for (int64_t k = 0; k < blocks; k++) {
        int64_t at = (forward ? k : blocks - 1 - k) * KS__BLOCK, size = least(KS__BLOCK, t->n - at);
        if (!bench->dry)
            loops_of(bench)->left(element(bench, t->a, t->n, at, at), step_row, step_column, forward, t->unit, size,
                                  element(bench, b, ld, at, 0), ld, columns);
        if (forward)
            pass_on(bench, t, b, ld, columns, at, size, at + size, t->n - at - size);
        else
            pass_on(bench, t, b, ld, columns, at, size, 0, at);
    }
}
