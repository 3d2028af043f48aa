/*
 * bench/products.c - how fast matrix products are: GFLOP/s for each instruction set, with one thread and with two, beside the CBLAS.
 *
 * usage: keisan-bench-products [--seconds S] [--least] [--f64] [NAME...]
 * A line a product: m x k x n and which operands are transposed; medians, or with --least the fastest. NAME: only lines that contain it.
 * The CBLAS runs on one thread; for OpenBLAS set OPENBLAS_NUM_THREADS=1, and OPENBLAS_CORETYPE where it does not know the processor.
 */
#include "engine/kernels/gemm.h"
#include "engine/kernels/pool.h"
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#ifdef KS_HAVE_CBLAS
#include <cblas.h>
#endif

typedef struct shape {
    int m, k, n;
    const char *turned; /* of A and B: N as stored, T transposed */
} shape;

static const shape shapes[] = {
    {100, 784, 50, "NN"},  {784, 100, 50, "TN"},     {100, 50, 10, "NN"},      {50, 100, 10, "TN"},      {100, 10, 50, "NT"},
    {100, 50, 784, "NT"},  {4, 2, 8, "NN"},          {4, 8, 1, "NN"},          {2, 4, 8, "TN"},          {8, 4, 1, "TN"},
    {4, 1, 8, "NT"},       {1, 784, 50, "NN"},       {1, 50, 10, "NN"},        {1, 4320, 100, "NN"},     {1, 100, 4320, "NT"},
    {16, 16, 16, "NN"},    {32, 32, 32, "NT"},       {64, 64, 64, "NN"},       {64, 64, 64, "TT"},       {128, 128, 128, "NN"},
    {256, 256, 256, "NN"}, {1024, 1024, 1024, "NN"}, {1024, 1024, 1024, "TN"}, {1000, 1000, 1000, "NT"},
};

typedef struct work {
    ks__gemm gemm;
    void *a, *b, *c, *scratch;
    ks__pool *pool; /* NULL: one thread */
} work;

static double seconds = 0.05;
static bool least;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void with_pool(void *user, int64_t n, ks_task_fn task, void *payload)
{
    ks__pool_run(user, n, task, payload);
}

static void ours(const work *w)
{
    ks__gemm_run(&w->gemm, w->a, w->b, w->c, w->scratch, w->pool ? with_pool : NULL, w->pool);
}

#ifdef KS_HAVE_CBLAS
static void by_cblas(const work *w)
{
    const ks__gemm *g = &w->gemm;
    enum CBLAS_TRANSPOSE ta = g->trans_a ? CblasTrans : CblasNoTrans, tb = g->trans_b ? CblasTrans : CblasNoTrans;
    int m = (int)g->m, n = (int)g->n, k = (int)g->k, lda = (int)g->lda, ldb = (int)g->ldb, ldc = (int)g->ldc;
    if (g->dtype == KS_F32)
        cblas_sgemm(CblasRowMajor, ta, tb, m, n, k, 1, w->a, lda, w->b, ldb, 0, w->c, ldc);
    else
        cblas_dgemm(CblasRowMajor, ta, tb, m, n, k, 1, w->a, lda, w->b, ldb, 0, w->c, ldc);
}
#endif

/* GFLOP/s: the product is repeated to last some microseconds, and that again until the time is over. */
static double measure(const work *w, void (*run)(const work *))
{
    enum { MOST = 20000 };
    static double times[MOST];
    double flops = 2.0 * (double)w->gemm.m * (double)w->gemm.n * (double)w->gemm.k;
    int repeats = flops < 2e6 ? (int)(2e6 / flops) + 1 : 1, n = 0;
    run(w);
    for (double end = now() + seconds; (now() < end || n < 5) && n < MOST; n++) {
        double start = now();
        for (int i = 0; i < repeats; i++)
            run(w);
        times[n] = now() - start;
    }
    qsort(times, (size_t)n, sizeof *times, by_size);
    return 1e-9 * flops * repeats / times[least ? 0 : n / 2];
}

static void *filled(size_t count, ks_dtype dtype)
{
    size_t bytes = (count * ks_dtype_size(dtype) + 127) & ~(size_t)63;
    char *data = aligned_alloc(64, bytes);
    if (!data) {
        fprintf(stderr, "keisan-bench-products: out of memory\n");
        exit(3);
    }
    memset(data, 0, bytes);
    for (size_t i = 0; i < count; i++) {
        double value = (double)(i * 2654435761u % 1000) / 1000 - 0.5;
        if (dtype == KS_F32)
            ((float *)data)[i] = (float)value;
        else
            ((double *)data)[i] = value;
    }
    return data;
}

static void report(const shape *s, const char *name, ks_dtype dtype, ks__pool *pool)
{
    bool ta = s->turned[0] == 'T', tb = s->turned[1] == 'T';
    work w = {.gemm = {.dtype = dtype,
                       .trans_a = ta,
                       .trans_b = tb,
                       .m = s->m,
                       .n = s->n,
                       .k = s->k,
                       .lda = ta ? s->m : s->k,
                       .ldb = tb ? s->k : s->n,
                       .ldc = s->n}};
    w.a = filled((size_t)s->m * (size_t)s->k, dtype);
    w.b = filled((size_t)s->k * (size_t)s->n, dtype);
    w.c = filled((size_t)s->m * (size_t)s->n, dtype);
    printf("%-18s", name);
    for (int isa = 0; isa <= (int)ks__isa_best(); isa++) {
        w.gemm.isa = isa;
        w.scratch = filled(ks__gemm_scratch(&w.gemm), KS_F32);
        for (int threads = 1; threads <= 2; threads++) {
            w.pool = threads == 2 ? pool : NULL;
            printf("%9.1f", measure(&w, ours));
        }
        free(w.scratch);
    }
#ifdef KS_HAVE_CBLAS
    printf("%9.1f", measure(&w, by_cblas));
#endif
    printf("\n");
    fflush(stdout);
    free(w.a);
    free(w.b);
    free(w.c);
}

static bool wanted(const char *name, char **names, int count)
{
    for (int i = 0; i < count; i++) {
        if (strstr(name, names[i]))
            return true;
    }
    return count == 0;
}

int main(int argc, char **argv)
{
    ks_dtype dtype = KS_F32;
    int i = 1;
    for (; i < argc && !strncmp(argv[i], "--", 2); i++) {
        if (!strcmp(argv[i], "--seconds") && i + 1 < argc)
            seconds = strtod(argv[++i], NULL);
        else if (!strcmp(argv[i], "--least"))
            least = true;
        else if (!strcmp(argv[i], "--f64"))
            dtype = KS_F64;
        else
            return fprintf(stderr, "usage: keisan-bench-products [--seconds S] [--least] [--f64] [NAME...]\n"), 2;
    }
    ks__pool *pool = ks__pool_new(2, (ks_allocator){NULL, NULL});
    printf("%-18s", "GFLOP/s");
    for (int isa = 0; isa <= (int)ks__isa_best(); isa++)
        printf("%9s%9s", ks__isa_name((ks_isa)isa), "two");
#ifdef KS_HAVE_CBLAS
    printf("%9s", "CBLAS");
#endif
    printf("\n");
    for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; s++) {
        char name[32];
        snprintf(name, sizeof name, "%dx%dx%d %s", shapes[s].m, shapes[s].k, shapes[s].n, shapes[s].turned);
        if (wanted(name, argv + i, argc - i))
            report(&shapes[s], name, dtype, pool);
    }
    ks__pool_free(pool);
    return 0;
}
