/*
 * bench/bench.h - what Keisan's cases share: graphs, numbers, and times of steps.
 */
#ifndef KS_BENCH_H
#define KS_BENCH_H

#include <keisan/keisan.h>

typedef bool (*bench_step)(void *payload);

ks_graph *bench_graph(void);
/* Ends the program with what went wrong, if anything did. */
void bench_check(const ks_graph *graph);
float *bench_floats(size_t count); /* from 0 to 1; freed by free */

/* Runs the step until the time is over; prints the case. */
void bench_report(const char *name, bench_step step, void *payload);
/* The same for a step beside another that it is compared with; the two take turns. */
void bench_compare(const char *name, bench_step step, void *payload, const char *against, bench_step other, void *other_payload);

/* The cases of derivatives.c. */
void bench_hessian_vector(void);
void bench_checkpoint(void);
void bench_sparse_jacobian(void);
void bench_per_sample(void);

#endif
