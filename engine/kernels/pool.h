/*
 * engine/kernels/pool.h - threads that share out a loop.
 *
 * The caller of ks__pool_run works along with the pool's own threads. These look for new work for some microseconds after
 * a loop and then sleep; a loop that starts while they sleep wakes them and does not wait for them: whoever comes late finds less to
 * do. Which thread does which i is chance, so a task must write only what belongs to its i.
 */
#ifndef KS_KERNELS_POOL_H
#define KS_KERNELS_POOL_H

#include <keisan/base.h>

typedef struct ks__pool ks__pool;

/* A pool for `threads` threads in all, the caller's among them; fewer if the system gives fewer. NULL: none could be had (or the
 * build has no threads), and the caller works alone. The allocator gives the pool's own memory. */
ks__pool *ks__pool_new(int threads, ks_allocator allocator);

/* Ends the threads and frees the pool; NULL is fine. No loop may be running. */
void ks__pool_free(ks__pool *pool);

/* task(payload, i) for all i in [0, n); returns when all are done. Called from inside a task, or with n 1, the loop runs on this thread. */
void ks__pool_run(ks__pool *pool, int64_t n, ks_task_fn task, void *payload);

#endif
