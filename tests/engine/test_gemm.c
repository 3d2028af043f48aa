/*
 * test_gemm.c - matrix products of all forms and many sizes, beside sums in long double; and that neither the threads nor the order in
 * which a host runs the tasks changes a bit.
 */
#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/kernels/gemm.h"
#include "engine/kernels/pool.h"

/* A product with its operands in blocks of their exact sizes, so that the address sanitizer sees a step outside. */
typedef struct product {
    ks__gemm g;
    void *a, *b, *c, *scratch;
    size_t a_count, b_count, c_count, scratch_bytes;
} product;

static uint64_t state = 1;

static uint64_t any(uint64_t below)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (state >> 33) % below;
}

static double element(const void *data, ks_dtype dtype, int64_t i)
{
    return dtype == KS_F32 ? (double)((const float *)data)[i] : ((const double *)data)[i];
}

/* Elements of a stored matrix whose rows are `ld` apart: nothing lies after the last row. */
static size_t stored(int64_t rows, int64_t columns, int64_t ld)
{
    return rows && columns ? (size_t)((rows - 1) * ld + columns) : 0;
}

static void *filled(size_t count, ks_dtype dtype)
{
    void *data = malloc(count * ks_dtype_size(dtype));
    for (size_t i = 0; i < count; i++) {
        double value = (double)any(2001) / 1000 - 1;
        if (dtype == KS_F32)
            ((float *)data)[i] = (float)value;
        else
            ((double *)data)[i] = value;
    }
    return data;
}

/* `beyond`: how much longer the rows are than they need to be. */
static product make(ks_dtype dtype, int isa, bool ta, bool tb, int64_t m, int64_t k, int64_t n, int64_t beyond)
{
    product p = {.g = {.dtype = dtype, .isa = isa, .trans_a = ta, .trans_b = tb, .m = m, .n = n, .k = k}};
    p.g.lda = (ta ? m : k) + beyond;
    p.g.ldb = (tb ? k : n) + beyond;
    p.g.ldc = n + beyond;
    p.a_count = ta ? stored(k, m, p.g.lda) : stored(m, k, p.g.lda);
    p.b_count = tb ? stored(n, k, p.g.ldb) : stored(k, n, p.g.ldb);
    p.c_count = stored(m, n, p.g.ldc);
    p.a = filled(p.a_count, dtype);
    p.b = filled(p.b_count, dtype);
    p.c = malloc(p.c_count * ks_dtype_size(dtype));
    p.scratch_bytes = ks__gemm_scratch(&p.g);
    p.scratch = aligned_alloc(64, (p.scratch_bytes + 63) & ~(size_t)63);
    return p;
}

static void drop(product *p)
{
    free(p->a);
    free(p->b);
    free(p->c);
    free(p->scratch);
}

/* Runs it over stale bytes: NaNs everywhere. */
static void run(product *p, ks_parallel_for_fn parallel_for, void *user)
{
    memset(p->scratch, 0xff, p->scratch_bytes);
    memset(p->c, 0xff, p->c_count * ks_dtype_size(p->g.dtype));
    ks__gemm_run(&p->g, p->a, p->b, p->c, p->scratch, parallel_for, user);
}

static void say(const product *p, const char *what)
{
    cr_assert_fail("%s: %s %s %lld x %lld x %lld, %s%s, rows %lld %lld %lld apart", what, p->g.dtype == KS_F32 ? "f32" : "f64",
                   ks__isa_name((ks_isa)p->g.isa), (long long)p->g.m, (long long)p->g.k, (long long)p->g.n, p->g.trans_a ? "T" : "N",
                   p->g.trans_b ? "T" : "N", (long long)p->g.lda, (long long)p->g.ldb, (long long)p->g.ldc);
}

/* The element is the sum, but for k roundings. */
static void check_element(const product *p, int64_t i, int64_t j)
{
    const ks__gemm *g = &p->g;
    long double eps = g->dtype == KS_F32 ? FLT_EPSILON : DBL_EPSILON, sum = 0, size = 0;
    for (int64_t q = 0; q < g->k; q++) {
        long double x = element(p->a, g->dtype, g->trans_a ? q * g->lda + i : i * g->lda + q);
        long double y = element(p->b, g->dtype, g->trans_b ? j * g->ldb + q : q * g->ldb + j);
        sum += x * y;
        size += fabsl(x * y);
    }
    if (!(fabsl((long double)element(p->c, g->dtype, i * g->ldc + j) - sum) <= (long double)g->k * eps / 2 * size))
        say(p, "wrong");
}

/* All of a small C, the edges and some of the rest of a large one; what lies between its rows is untouched. */
static void check(const product *p)
{
    const ks__gemm *g = &p->g;
    for (int64_t i = 0; i < g->m; i++) {
        bool edge = i == 0 || i == g->m - 1;
        for (int64_t j = 0; j < g->n; j++) {
            if (g->m * g->n * g->k < 2000 || (edge && j >= g->n - 4) || any((uint64_t)(g->m * g->n)) < 60)
                check_element(p, i, j);
            else if (isnan(element(p->c, g->dtype, i * g->ldc + j)))
                say(p, "left out");
        }
        for (int64_t j = g->n; j < g->ldc && i + 1 < g->m; j++) {
            if (!isnan(element(p->c, g->dtype, i * g->ldc + j)))
                say(p, "wrote between the rows");
        }
    }
}

static void check_sizes(int64_t m, int64_t k, int64_t n, int64_t beyond)
{
    for (int form = 0; form < 8; form++) {
        for (int isa = 0; isa <= (int)ks__isa_best(); isa++) {
            product p = make(form & 4 ? KS_F64 : KS_F32, isa, form & 1, form & 2, m, k, n, beyond);
            run(&p, NULL, NULL);
            check(&p);
            drop(&p);
        }
    }
}

/* ---- values -------------------------------------------------------------------------------------------- */

Test(gemm, a_product_by_hand)
{
    const float a[] = {1, 2, 3, 4, 5, 6}, b[] = {7, 8, 9, 10, 11, 12};
    for (int isa = 0; isa <= (int)ks__isa_best(); isa++) {
        float c[4];
        ks__gemm g = {.dtype = KS_F32, .isa = isa, .m = 2, .n = 2, .k = 3, .lda = 3, .ldb = 2, .ldc = 2};
        ks__gemm_run(&g, a, b, c, NULL, NULL, NULL);
        cr_assert(c[0] == 58 && c[1] == 64 && c[2] == 139 && c[3] == 154);
    }
}

Test(gemm, small_sizes_in_every_form)
{
    for (int64_t m = 1; m <= 9; m++) {
        for (int64_t n = 1; n <= 35; n += n < 9 ? 1 : 5) {
            for (int64_t k = 1; k <= 9; k += 4)
                check_sizes(m, k, n, 0);
        }
    }
}

Test(gemm, odd_sizes_in_every_form)
{
    for (int i = 0; i < 80; i++)
        check_sizes(1 + (int64_t)any(70), 1 + (int64_t)any(70), 1 + (int64_t)any(70), (int64_t)any(3));
}

Test(gemm, sizes_around_whole_vectors_and_tiles)
{
    static const int64_t sizes[] = {47, 48, 49, 50, 51, 63, 64, 65, 96, 97, 113};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        check_sizes(100, 70, sizes[i], 0);
        check_sizes(sizes[i], 50, 10, 0);
        check_sizes(sizes[i], 33, 2, 0);
    }
}

Test(gemm, rows_and_columns)
{
    for (int i = 0; i < 40; i++) {
        check_sizes(1, 1 + (int64_t)any(900), 1 + (int64_t)any(200), (int64_t)any(2));
        check_sizes(1 + (int64_t)any(200), 1 + (int64_t)any(900), 1, (int64_t)any(2));
    }
}

Test(gemm, the_products_of_the_books_network)
{
    check_sizes(100, 784, 50, 0);
    check_sizes(784, 100, 50, 0);
    check_sizes(100, 50, 784, 0);
}

Test(gemm, deep_products_are_cut_along_k)
{
    check_sizes(20, 1025, 34, 0);
    check_sizes(7, 2600, 9, 1);
    check_sizes(70, 1600, 35, 0);
}

Test(gemm, wide_products_pack_both_operands)
{
    check_sizes(130, 70, 500, 0);
    check_sizes(150, 600, 260, 3);
}

Test(gemm, a_sum_of_nothing_is_zero)
{
    for (int form = 0; form < 8; form++) {
        product p = make(form & 4 ? KS_F64 : KS_F32, 0, form & 1, form & 2, 5, 0, 7, 2);
        run(&p, NULL, NULL);
        for (int64_t i = 0; i < 5; i++) {
            for (int64_t j = 0; j < 7; j++)
                cr_assert_eq(element(p.c, p.g.dtype, i * 9 + j), 0);
        }
        drop(&p);
    }
}

Test(gemm, nothing_times_something_is_nothing)
{
    for (int form = 0; form < 8; form++) {
        product rows = make(form & 4 ? KS_F64 : KS_F32, 0, form & 1, form & 2, 0, 5, 7, 0);
        product columns = make(form & 4 ? KS_F64 : KS_F32, 0, form & 1, form & 2, 7, 5, 0, 0);
        cr_assert_eq(rows.scratch_bytes + columns.scratch_bytes, 0);
        run(&rows, NULL, NULL);
        run(&columns, NULL, NULL);
        drop(&rows);
        drop(&columns);
    }
}

Test(gemm, infinity_and_nan_arrive)
{
    for (int isa = 0; isa <= (int)ks__isa_best(); isa++) {
        product p = make(KS_F32, isa, false, false, 20, 50, 50, 0);
        ((float *)p.a)[3 * 50 + 7] = INFINITY;
        ((float *)p.b)[9 * 50 + 49] = NAN;
        for (int q = 0; q < 50; q++)
            ((float *)p.b)[7 * 50 + q] = 1;
        run(&p, NULL, NULL);
        const float *c = p.c;
        for (int i = 0; i < 20; i++) {
            for (int j = 0; j < 50; j++)
                cr_assert(j == 49 ? isnan(c[i * 50 + j]) : i == 3 ? isinf(c[i * 50 + j]) : isfinite(c[i * 50 + j]));
        }
        drop(&p);
    }
}

/* ---- the same bits ------------------------------------------------------------------------------------- */

static void backwards(void *user, int64_t n, ks_task_fn task, void *payload)
{
    *(int64_t *)user += n;
    for (int64_t i = n; i-- > 0;)
        task(payload, i);
}

static void with_pool(void *user, int64_t n, ks_task_fn task, void *payload)
{
    ks__pool_run(user, n, task, payload);
}

static void same_bits(int64_t m, int64_t k, int64_t n, ks__pool *pool, bool shared_out)
{
    for (int form = 0; form < 8; form++) {
        for (int isa = 0; isa <= (int)ks__isa_best(); isa++) {
            product p = make(form & 4 ? KS_F64 : KS_F32, isa, form & 1, form & 2, m, k, n, 0);
            size_t bytes = p.c_count * ks_dtype_size(p.g.dtype);
            void *alone = malloc(bytes);
            int64_t tasks = 0;
            run(&p, NULL, NULL);
            memcpy(alone, p.c, bytes);
            run(&p, backwards, &tasks);
            if (memcmp(alone, p.c, bytes))
                say(&p, "other bits backwards");
            if (shared_out != (tasks > 0))
                say(&p, shared_out ? "not shared out" : "shared out");
            run(&p, with_pool, pool);
            if (memcmp(alone, p.c, bytes))
                say(&p, "other bits with threads");
            free(alone);
            drop(&p);
        }
    }
}

Test(gemm, the_same_bits_on_any_threads)
{
    ks__pool *pool = ks__pool_new(3, (ks_allocator){NULL, NULL});
    same_bits(100, 150, 50, pool, true);
    same_bits(150, 100, 50, pool, true);
    same_bits(60, 30, 300, pool, true);
    same_bits(34, 1100, 35, pool, true);
    same_bits(1, 500, 531, pool, true);
    ks__pool_free(pool);
}

Test(gemm, small_products_wake_nobody)
{
    same_bits(4, 8, 4, NULL, false);
    same_bits(20, 30, 20, NULL, false);
    same_bits(100, 50, 10, NULL, false);
}
