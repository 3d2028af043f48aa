/*
 * training.h - what the examples share that train a net: the command line, the clock, and weights that PyTorch was given too.
 *
 * tests/reference/training.py trains the same nets with PyTorch; `--losses N` starts an example from the weights that are described
 * there, and prints its losses to all their digits.
 */
#ifndef EXAMPLES_TRAINING_H
#define EXAMPLES_TRAINING_H

#include <keisan/keisan.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- the command line ---------------------------------------------------------------------------------- */

typedef struct arguments {
    const char *data;          /* a file or a folder */
    int epochs, steps, losses; /* how long to train; losses: print so many and train no further */
    int write, seed;           /* bytes of text to write, and by which chance */
    double temperature;        /* how daring the text is */
    ks_dtype dtype;
} arguments;

/* [DATA] [--epochs N] [--steps N] [--losses N] [--write N] [--seed N] [--temperature T] [--f64]; what is not given is as in `a`. */
static inline arguments read_arguments(int argc, char **argv, arguments a)
{
    const struct {
        const char *name;
        int *number;
    } options[] = {{"--epochs", &a.epochs}, {"--steps", &a.steps}, {"--losses", &a.losses}, {"--write", &a.write}, {"--seed", &a.seed}};
    a.dtype = KS_F32;
    for (int i = 1; i < argc; i++) {
        int *number = NULL;
        for (size_t k = 0; k < sizeof options / sizeof *options; k++)
            number = !strcmp(argv[i], options[k].name) ? options[k].number : number;
        if (number && i + 1 < argc)
            *number = atoi(argv[++i]);
        else if (!strcmp(argv[i], "--temperature") && i + 1 < argc)
            a.temperature = atof(argv[++i]);
        else if (!strcmp(argv[i], "--f64"))
            a.dtype = KS_F64;
        else
            a.data = argv[i];
    }
    a.steps = a.losses ? a.losses : a.steps;
    return a;
}

/* ---- the run ------------------------------------------------------------------------------------------- */

static inline double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* How many numbers a net learns. */
static inline int64_t parameter_count(const ks_graph *g)
{
    int64_t count = 0;
    for (int64_t i = 0; i < ks_variable_count(g); i++)
        if (ks_is_trainable(ks_variable_number(g, i)))
            count += ks_shape_count(ks_node_shape(ks_variable_number(g, i)));
    return count;
}

/* Says what failed, if anything did; main returns it. */
static inline int end(ks_graph *g)
{
    int status = ks_error(g) != NULL;
    if (status)
        fprintf(stderr, "%s\n", ks_error(g)->message);
    ks_graph_free(g);
    return status;
}

/* ---- weights as PyTorch was given them ----------------------------------------------------------------- */

/* Steele, Lea, Flood: Fast splittable pseudorandom number generators (2014). */
static inline uint64_t splitmix64(uint64_t x)
{
    x += 0x9e3779b97f4a7c15;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
    x = (x ^ x >> 27) * 0x94d049bb133111eb;
    return x ^ x >> 31;
}

/* Element i of the series p, between 0 and 1. */
static inline double uniform(int p, uint64_t i)
{
    return (double)(splitmix64(((uint64_t)p << 32) + i) >> 11) * 0x1p-53;
}

/*
 * Weight p of a net there, as wide on average as He's rule or Xavier's has it. Of a recurrent one ([G H, in] there, [in, G H] here)
 * gates[g] says where our gate g is there; NULL: it is no such weight.
 */
static inline bool set_reference(ks_node *w, int p, int64_t fan_in, const char *gates)
{
    int64_t count = ks_shape_count(ks_node_shape(w)), rows = ks_node_shape(w).dim[0], columns = count / rows;
    int64_t hidden = gates ? columns / (int64_t)strlen(gates) : 0;
    double bound = sqrt((ks_variable_init(w).kind == KS_INIT_HE ? 6.0 : 3.0) / (double)fan_in);
    double *values = malloc(sizeof(double) * (size_t)count);
    for (int64_t i = 0; values && i < count; i++) {
        int64_t row = i / columns, column = i % columns, there = i;
        if (gates)
            there = ((gates[column / hidden] - '0') * hidden + column % hidden) * rows + row;
        values[i] = bound * (2 * uniform(p, (uint64_t)there) - 1);
        if (ks_node_dtype(w) == KS_F32)
            values[i] = (float)values[i];
    }
    bool good = values && ks_set(w, KS_F64, values);
    free(values);
    return good;
}

/* All weights of a net that isn't recurrent, in the order in which they were made; biases and gains keep their constants. */
static inline void set_references(ks_graph *g)
{
    for (int64_t i = 0, p = 0; i < ks_variable_count(g); i++) {
        ks_node *w = ks_variable_number(g, i);
        ks_init init = ks_variable_init(w);
        if (ks_is_trainable(w) && init.kind != KS_INIT_CONSTANT)
            set_reference(w, (int)p++, init.fan_in ? init.fan_in : ks_node_shape(w).dim[0], NULL);
    }
}

#endif
