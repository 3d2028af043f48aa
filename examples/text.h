/*
 * text.h - what the examples share that learn from a text: its bytes as batches, and weights that PyTorch was given too.
 *
 * tests/reference/training.py trains the same nets with PyTorch; `--losses N` starts an example from the weights that are described
 * there, and prints its losses to all their digits.
 */
#ifndef EXAMPLES_TEXT_H
#define EXAMPLES_TEXT_H

#include <keisan/keisan.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the command line ---------------------------------------------------------------------------------- */

typedef struct arguments {
    const char *file;
    int steps, losses, write;
    ks_dtype dtype;
} arguments;

/* [FILE] [--steps N] [--write N] [--losses N] [--f64]; `steps` is the default. */
static inline arguments read_arguments(int argc, char **argv, int steps)
{
    arguments a = {.file = "data/text/constitution.txt", .steps = steps, .dtype = KS_F32};
    for (int i = 1; i < argc; i++) {
        int *number = !strcmp(argv[i], "--steps") ? &a.steps : !strcmp(argv[i], "--write") ? &a.write : NULL;
        number = !strcmp(argv[i], "--losses") ? &a.losses : number;
        if (number && i + 1 < argc)
            *number = atoi(argv[++i]);
        else if (!strcmp(argv[i], "--f64"))
            a.dtype = KS_F64;
        else
            a.file = argv[i];
    }
    a.steps = a.losses ? a.losses : a.steps;
    return a;
}

/* ---- the text ------------------------------------------------------------------------------------------ */

typedef struct corpus {
    unsigned char *bytes;
    int64_t count;
} corpus;

/* All bytes of a file, none if it can't be read. The caller frees them. */
static inline corpus read_corpus(const char *name)
{
    corpus t = {0};
    FILE *file = fopen(name, "rb");
    if (file && !fseek(file, 0, SEEK_END) && (t.count = ftell(file)) > 0 && (t.bytes = malloc((size_t)t.count))) {
        rewind(file);
        t.count = (int64_t)fread(t.bytes, 1, (size_t)t.count, file);
    }
    if (file)
        fclose(file);
    if (!t.bytes)
        fprintf(stderr, "'%s' can't be read\n", name);
    return t;
}

/* Where row b of a step begins: the rows share the text out, each goes on where it was, and begins again at its share's end. */
static inline int64_t place_of(const corpus *t, int step, int b, int rows, int columns)
{
    int64_t share = (t->count - 1) / rows, windows = share / columns;
    return b * share + (windows ? step % windows : 0) * columns;
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

/*
 * Weight p of a net there. Of a recurrent one ([G H, in] there, [in, G H] here) gates[g] says where our gate g is there; NULL: it is no
 * such weight.
 */
static inline bool set_reference(ks_node *w, int p, int fan_in, const char *gates)
{
    ks_shape shape = ks_node_shape(w);
    int64_t rows = shape.dim[0], columns = shape.dim[1], hidden = gates ? columns / (int64_t)strlen(gates) : 0;
    double bound = sqrt(3.0 / fan_in), *values = malloc(sizeof(double) * (size_t)(rows * columns));
    for (int64_t i = 0; values && i < rows * columns; i++) {
        int64_t row = i / columns, column = i % columns, there = i;
        if (gates)
            there = ((gates[column / hidden] - '0') * hidden + column % hidden) * rows + row;
        double u = (double)(splitmix64(((uint64_t)p << 32) + (uint64_t)there) >> 11) * 0x1p-53;
        values[i] = bound * (2 * u - 1);
        if (ks_node_dtype(w) == KS_F32)
            values[i] = (float)values[i];
    }
    bool good = values && ks_set(w, KS_F64, values);
    free(values);
    return good;
}

#endif
