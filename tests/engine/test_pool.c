/*
 * test_pool.c - threads that share out a loop: every i once, from any number of threads, loops after loops, and loops inside loops.
 */
#include <criterion/criterion.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "engine/kernels/pool.h"
#include "support/allocator.h"

typedef struct job {
    ks__pool *pool;
    atomic_int *seen;
} job;

static void mark(void *payload, int64_t i)
{
    atomic_fetch_add(&((job *)payload)->seen[i], 1);
}

Test(pool, every_i_is_done_once_in_loops_of_any_length)
{
    for (int threads = 2; threads <= 9; threads++) {
        ks__pool *pool = ks__pool_new(threads, (ks_allocator){NULL, NULL});
        cr_assert_not_null(pool);
        for (int64_t n = 0; n < 300; n = n * 2 + 1) {
            for (int repeat = 0; repeat < 200; repeat++) {
                atomic_int *seen = calloc((size_t)n + 1, sizeof *seen);
                job j = {pool, seen};
                ks__pool_run(pool, n, mark, &j);
                for (int64_t i = 0; i < n; i++)
                    cr_assert_eq(atomic_load(&seen[i]), 1);
                free(seen);
            }
        }
        ks__pool_free(pool);
    }
}

Test(pool, threads_that_sleep_are_woken)
{
    ks__pool *pool = ks__pool_new(3, (ks_allocator){NULL, NULL});
    for (int repeat = 0; repeat < 20; repeat++) {
        struct timespec nap = {0, 2000000};
        nanosleep(&nap, NULL);
        atomic_int seen[64] = {0};
        job j = {pool, seen};
        ks__pool_run(pool, 64, mark, &j);
        for (int i = 0; i < 64; i++)
            cr_assert_eq(atomic_load(&seen[i]), 1);
    }
    ks__pool_free(pool);
}

static void inner_loop(void *payload, int64_t i)
{
    (void)i;
    job *j = payload;
    ks__pool_run(j->pool, 10, mark, j);
}

Test(pool, a_loop_inside_a_task_runs_on_its_thread)
{
    ks__pool *pool = ks__pool_new(4, (ks_allocator){NULL, NULL});
    atomic_int seen[10] = {0};
    job j = {pool, seen};
    ks__pool_run(pool, 25, inner_loop, &j);
    for (int i = 0; i < 10; i++)
        cr_assert_eq(atomic_load(&seen[i]), 25);
    ks__pool_free(pool);
}

Test(pool, its_memory_is_the_hosts_and_a_refusal_is_no_pool)
{
    ks_test_memory memory = {.refuse = 1};
    cr_assert_null(ks__pool_new(4, ks_test_allocator(&memory)));
    ks__pool *pool = ks__pool_new(4, ks_test_allocator(&memory));
    cr_assert_gt(memory.live, 0);
    ks__pool_free(pool);
    cr_assert_eq(memory.live, 0);
}
