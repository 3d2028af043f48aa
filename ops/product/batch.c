/*
 * ops/product/batch.c - the work of a batch of matrix products, and its providers: the kernels of the engine, or a CBLAS.
 */
#include "ops/product/batch.h"
#include "config.h"

#ifdef KS_HAVE_CBLAS
#include <cblas.h>
#endif

#define MOST_TASKS 64 /* of a batch: each has its own workspace */

/* ---- planning ------------------------------------------------------------------------------------------ */

/* Along the batch's last dimensions, matrices of a that meet one and the same b are one tall matrix. */
static void make_tall(ks__batch *p)
{
    while (!p->one.trans_a && p->rank) {
        int last = p->rank - 1;
        if (p->dim[last] != 1 && (p->step_b[last] || !p->step_a[last]))
            return;
        p->one.m *= p->dim[last];
        p->rank--;
    }
}

static void cut_in_tasks(ks__batch *p)
{
    p->tasks = 1;
    p->scratch = p->blas ? 0 : ks__gemm_scratch(&p->one);
    if (p->blas || p->count < 2 || p->one.m * p->one.n * p->one.k > 1 << 20)
        return;
    double work = (double)p->one.m * (double)p->one.n * (double)(p->one.k + 1) * (double)p->count;
    p->tasks = work / KS__SMALL_WORK < MOST_TASKS ? (int64_t)(work / KS__SMALL_WORK) : MOST_TASKS;
    if (p->tasks > p->count)
        p->tasks = p->count;
    if (p->tasks < 1)
        p->tasks = 1;
}

void ks__batch_plan(ks__batch *p, const ks_call *call)
{
    p->a = call->in[0].data;
    p->b = call->in[1].data;
    p->c = call->out->data;
    p->workspace = call->scratch;
    p->one.dtype = call->out->dtype;
    p->one.isa = call->isa;
    make_tall(p);
    p->one.lda = p->one.trans_a ? p->one.m : p->one.k;
    p->one.ldb = p->one.trans_b ? p->one.k : p->one.n;
    p->one.ldc = p->one.n;
    p->count = 1;
    for (int i = 0; i < p->rank; i++)
        p->count *= p->dim[i];
#ifdef KS_HAVE_CBLAS
    p->blas = call->provider == 1;
#endif
    cut_in_tasks(p);
}

/* ---- providers ----------------------------------------------------------------------------------------- */

#ifdef KS_HAVE_CBLAS

/* These exist where the CBLAS is OpenBLAS, whose number of threads belongs to the process: it is put back after each call. */
int openblas_get_num_threads(void) __attribute__((weak));
void openblas_set_num_threads(int) __attribute__((weak));

static int one_thread(void)
{
    int before = openblas_get_num_threads && openblas_set_num_threads ? openblas_get_num_threads() : 1;
    if (before != 1)
        openblas_set_num_threads(1);
    return before;
}

static void threads_again(int before)
{
    if (before != 1)
        openblas_set_num_threads(before);
}

static void by_cblas(const ks__gemm *g, const void *a, const void *b, void *c)
{
    enum CBLAS_TRANSPOSE ta = g->trans_a ? CblasTrans : CblasNoTrans, tb = g->trans_b ? CblasTrans : CblasNoTrans;
    int m = (int)g->m, n = (int)g->n, k = (int)g->k, lda = (int)g->lda, ldb = (int)g->ldb, ldc = (int)g->ldc;
    if (g->dtype == KS_F32)
        cblas_sgemm(CblasRowMajor, ta, tb, m, n, k, 1, a, lda, b, ldb, 0, c, ldc);
    else
        cblas_dgemm(CblasRowMajor, ta, tb, m, n, k, 1, a, lda, b, ldb, 0, c, ldc);
}

/* A CBLAS counts in int and takes no matrix without elements. */
static bool cblas_takes(const ks__gemm *g)
{
    return g->m > 0 && g->n > 0 && g->k > 0 && g->m <= INT32_MAX && g->n <= INT32_MAX && g->k <= INT32_MAX;
}

#endif

/* ---- running -------------------------------------------------------------------------------------------- */

/* Where matrix i of a batch lies in an operand, in elements. */
static int64_t offset_of(const ks__batch *p, const int64_t *step, int64_t i)
{
    int64_t offset = 0;
    for (int d = p->rank - 1; d >= 0; d--) {
        offset += i % p->dim[d] * step[d];
        i /= p->dim[d];
    }
    return offset;
}

static void multiply(const ks__batch *p, int64_t i, char *scratch, ks_parallel_for_fn parallel_for, void *user)
{
    size_t size = ks_dtype_size(p->one.dtype);
    const char *a = p->a + (size_t)offset_of(p, p->step_a, i) * size, *b = p->b + (size_t)offset_of(p, p->step_b, i) * size;
    char *c = p->c + (size_t)(i * p->one.m * p->one.n) * size;
#ifdef KS_HAVE_CBLAS
    if (p->blas && cblas_takes(&p->one)) {
        by_cblas(&p->one, a, b, c);
        return;
    }
#endif
    ks__gemm_run(&p->one, a, b, c, scratch, parallel_for, user);
}

static void some_matrices(void *payload, int64_t task)
{
    const ks__batch *p = payload;
    for (int64_t i = task * p->count / p->tasks; i < (task + 1) * p->count / p->tasks; i++)
        multiply(p, i, p->workspace + (size_t)task * p->scratch, NULL, NULL);
}

void ks__batch_run(ks__batch *p, const ks_call *call)
{
#ifdef KS_HAVE_CBLAS
    int before = p->blas ? one_thread() : 1;
#endif
    if (p->tasks > 1) {
        call->parallel_for(call->parallel_user, p->tasks, some_matrices, p);
    } else {
        for (int64_t i = 0; i < p->count; i++)
            multiply(p, i, p->workspace, call->parallel_for, call->parallel_user);
    }
#ifdef KS_HAVE_CBLAS
    threads_again(before);
#endif
}
