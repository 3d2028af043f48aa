/*
 * ops/linalg/linalg.c - the work of a batch of matrices, and the shape rules and derivatives that its operations share.
 */
#include "ops/linalg/linalg.h"

#include <stdio.h>

#define MOST_TASKS 64
#define ALONE      (128.0 * 1024 * 1024) /* multiply-adds of one matrix from which all threads work at it together */

/* ---- a batch of matrices ------------------------------------------------------------------------------- */

void ks__matrices_plan(ks__matrices *m)
{
    ks__bench dry = {.dtype = m->call->out->dtype, .isa = m->call->isa, .dry = true};
    m->one(m, &dry, 0, NULL);
    double share = m->work * (double)m->count / KS__SMALL_WORK;
    m->tasks = share < 1 || m->work > ALONE ? 1 : share < MOST_TASKS ? (int64_t)share : MOST_TASKS;
    m->tasks = m->tasks > m->count ? m->count : m->tasks;
    m->own = ks__aligned(m->own);
    m->bench = ks__aligned(dry.need);
    m->bytes = (size_t)m->tasks * (m->own + m->bench) + ks__aligned((size_t)m->count * sizeof(int64_t));
}

static int64_t *states(const ks__matrices *m)
{
    return (int64_t *)(void *)(m->workspace + (size_t)m->tasks * (m->own + m->bench));
}

static void some_matrices(void *payload, int64_t task)
{
    const ks__matrices *m = payload;
    char *own = m->workspace + (size_t)task * (m->own + m->bench);
    ks__bench bench = {.dtype = m->call->out->dtype, .isa = m->call->isa, .scratch = own + m->own};
    if (m->tasks == 1) {
        bench.parallel_for = m->call->parallel_for;
        bench.user = m->call->parallel_user;
    }
    for (int64_t i = task * m->count / m->tasks; i < (task + 1) * m->count / m->tasks; i++)
        states(m)[i] = m->one(m, &bench, i, own);
}

int64_t ks__matrices_run(ks__matrices *m, char *workspace, int64_t *what)
{
    m->workspace = workspace;
    if (m->tasks == 1)
        some_matrices(m, 0);
    else if (m->tasks > 1)
        m->call->parallel_for(m->call->parallel_user, m->tasks, some_matrices, m);
    for (int64_t i = 0; i < m->count; i++) {
        *what = states(m)[i];
        if (*what)
            return i;
    }
    return -1;
}

const char *ks__which(int64_t count, int64_t i, char text[KS__WHICH_TEXT])
{
    if (count == 1)
        return "the matrix";
    snprintf(text, KS__WHICH_TEXT, "matrix %lld of the batch", (long long)i);
    return text;
}

/* ---- shape rules --------------------------------------------------------------------------------------- */

bool ks__infer_square(ks_infer *infer)
{
    const ks_shape *x = infer->shape[0];
    int64_t n;
    return (x->rank >= 2 && ks__dim_same(infer->graph, x->dim[x->rank - 2], x->dim[x->rank - 1], &n)) ||
           ks_infer_fail(infer, KS_BAD_SHAPE, "takes square matrices, [..., n, n]: {0}");
}

bool ks__infer_square_same(ks_infer *infer)
{
    if (!ks__infer_square(infer))
        return false;
    infer->out = *infer->shape[0];
    return true;
}

/* ---- derivatives --------------------------------------------------------------------------------------- */

ks_node *ks__turned(ks_place at, ks_node *x)
{
    if (!x)
        return NULL;
    ks_ints perm = {.count = ks__rank(x)};
    for (int i = 0; i < perm.count; i++)
        perm.at[i] = i < perm.count - 2 ? i : 2 * perm.count - 3 - i;
    return ks_transpose_at(at, x, perm);
}

ks_node *ks__triangle_of(ks_place at, ks_node *x, bool lower, bool strict)
{
    return lower ? ks_tril_at(at, x, strict ? -1 : 0) : ks_triu_at(at, x, strict ? 1 : 0);
}
