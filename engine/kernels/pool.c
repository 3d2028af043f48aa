/*
 * engine/kernels/pool.c - threads that share out a loop.
 *
 * One word, `state`, holds the loop's number and the next i. A thread takes an i by exchanging the word for one with i + 1; the
 * exchange fails if the loop has ended meanwhile, because the caller closes the word before it touches anything else. So a thread
 * that holds an i holds the loop open, and all others may come and go unseen.
 */
#include "engine/kernels/pool.h"
#include "config.h"

#ifdef KS_HAVE_THREADS

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include "graph/memory.h"

#define INDEX_BITS 40
#define INDEX_MASK (((uint64_t)1 << INDEX_BITS) - 1)
#define CLOSED     INDEX_MASK /* no loop is as long */
#define LOOKS      4000       /* at `state` before a thread sleeps: some tens of microseconds */

struct ks__pool {
    ks_allocator allocator;
    size_t bytes;
    pthread_mutex_t lock;
    pthread_cond_t wake, finished;
    bool closing; /* under lock */
    int workers;
    _Alignas(64) _Atomic uint64_t state; /* number of the loop << INDEX_BITS | next i */
    _Atomic int64_t n;
    ks_task_fn task;
    void *payload;
    atomic_bool busy;
    atomic_int sleepers;
    _Alignas(64) _Atomic int64_t done;
    atomic_bool waiting; /* the caller sleeps until the loop is done */
    pthread_t threads[];
};

static inline void pause_a_little(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
}

/* Takes the next i of the loop at hand; false if there is none. */
static bool take(ks__pool *pool, int64_t *i)
{
    uint64_t state = atomic_load(&pool->state);
    for (;;) {
        *i = (int64_t)(state & INDEX_MASK);
        if (*i >= atomic_load(&pool->n) || (uint64_t)*i == CLOSED)
            return false;
        if (atomic_compare_exchange_weak(&pool->state, &state, state + 1))
            return true;
    }
}

static void work(ks__pool *pool)
{
    int64_t i;
    while (take(pool, &i)) {
        int64_t n = atomic_load(&pool->n);
        pool->task(pool->payload, i);
        if (atomic_fetch_add(&pool->done, 1) + 1 == n && atomic_load(&pool->waiting)) {
            pthread_mutex_lock(&pool->lock);
            pthread_cond_signal(&pool->finished);
            pthread_mutex_unlock(&pool->lock);
        }
    }
}

/* Waits until there is a loop other than number `seen`; its number. */
static uint64_t await(ks__pool *pool, uint64_t seen, bool *closing)
{
    uint64_t number = seen;
    for (int look = 0; look < LOOKS && (number = atomic_load(&pool->state) >> INDEX_BITS) == seen; look++)
        pause_a_little();
    if (number != seen)
        return number;
    pthread_mutex_lock(&pool->lock);
    atomic_fetch_add(&pool->sleepers, 1);
    while (!pool->closing && (number = atomic_load(&pool->state) >> INDEX_BITS) == seen)
        pthread_cond_wait(&pool->wake, &pool->lock);
    atomic_fetch_sub(&pool->sleepers, 1);
    *closing = pool->closing;
    pthread_mutex_unlock(&pool->lock);
    return number;
}

static void *worker(void *payload)
{
    ks__pool *pool = payload;
    bool closing = false;
    for (uint64_t seen = 0; !closing;) {
        seen = await(pool, seen, &closing);
        if (!closing)
            work(pool);
    }
    return NULL;
}

/* Signals are the host's: none is delivered to these threads. */
static void start_workers(ks__pool *pool, int count)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (pool->workers < count && pthread_create(&pool->threads[pool->workers], NULL, worker, pool) == 0)
        pool->workers++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

ks__pool *ks__pool_new(int threads, ks_allocator allocator)
{
    if (threads < 2)
        return NULL;
    size_t bytes = sizeof(ks__pool) + (size_t)(threads - 1) * sizeof(pthread_t);
    ks__pool *pool = ks__allocate(&allocator, NULL, 0, bytes);
    if (!pool)
        return NULL;
    memset(pool, 0, bytes);
    pool->allocator = allocator;
    pool->bytes = bytes;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->wake, NULL);
    pthread_cond_init(&pool->finished, NULL);
    start_workers(pool, threads - 1);
    if (pool->workers == 0) {
        ks__pool_free(pool);
        return NULL;
    }
    return pool;
}

void ks__pool_free(ks__pool *pool)
{
    if (!pool)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->closing = true;
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->lock);
    for (int i = 0; i < pool->workers; i++)
        pthread_join(pool->threads[i], NULL);
    pthread_cond_destroy(&pool->finished);
    pthread_cond_destroy(&pool->wake);
    pthread_mutex_destroy(&pool->lock);
    ks_allocator allocator = pool->allocator;
    ks__allocate(&allocator, pool, pool->bytes, 0);
}

static void await_done(ks__pool *pool, int64_t n)
{
    for (int look = 0; look < LOOKS; look++) {
        if (atomic_load(&pool->done) == n)
            return;
        pause_a_little();
    }
    pthread_mutex_lock(&pool->lock);
    atomic_store(&pool->waiting, true);
    while (atomic_load(&pool->done) != n)
        pthread_cond_wait(&pool->finished, &pool->lock);
    atomic_store(&pool->waiting, false);
    pthread_mutex_unlock(&pool->lock);
}

void ks__pool_run(ks__pool *pool, int64_t n, ks_task_fn task, void *payload)
{
    if (n <= 1 || !pool || atomic_exchange(&pool->busy, true)) {
        for (int64_t i = 0; i < n; i++)
            task(payload, i);
        return;
    }
    uint64_t number = (atomic_load(&pool->state) >> INDEX_BITS) + 1;
    pool->task = task;
    pool->payload = payload;
    atomic_store(&pool->done, 0);
    atomic_store(&pool->n, n);
    atomic_store(&pool->state, number << INDEX_BITS);
    if (atomic_load(&pool->sleepers)) {
        pthread_mutex_lock(&pool->lock);
        pthread_cond_broadcast(&pool->wake);
        pthread_mutex_unlock(&pool->lock);
    }
    work(pool);
    await_done(pool, n);
    atomic_store(&pool->state, number << INDEX_BITS | CLOSED);
    atomic_store(&pool->busy, false);
}

#else

ks__pool *ks__pool_new(int threads, ks_allocator allocator)
{
    (void)threads;
    (void)allocator;
    return NULL;
}

void ks__pool_free(ks__pool *pool)
{
    (void)pool;
}

void ks__pool_run(ks__pool *pool, int64_t n, ks_task_fn task, void *payload)
{
    (void)pool;
    for (int64_t i = 0; i < n; i++)
        task(payload, i);
}

#endif
