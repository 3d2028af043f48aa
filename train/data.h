/*
 * train/data.h - what an open data set is inside.
 *
 * A column is a file's array for one input. Its elements have the input's dtype already, or are u8 that become f32 or f64 while a batch is
 * gathered: a set of images stays at a byte a pixel. Inputs are held by name, so that a graph may be composed anew meanwhile.
 */
#ifndef KS_TRAIN_DATA_H
#define KS_TRAIN_DATA_H

#include "graph/graph.h"
#include "serialize/array.h"
#include <keisan/train.h>

typedef struct ks__column {
    const char *input, *path; /* in the data's text */
    bool flatten, scaled;
    double scale;
    ks_dtype dtype;  /* of the input */
    ks__array array; /* [rows, ...] */
    bool spread;     /* u8 that becomes dtype when gathered */
    int64_t width;   /* elements of a row */
} ks__column;

struct ks_data {
    ks_graph *graph;
    ks_allocator allocator;
    char *text; /* the specification, cut into words */
    size_t text_bytes;
    ks__column *columns;
    int count;
    int64_t rows;
    uint64_t epoch;
    int64_t row;
    bool ordered;
    uint32_t *order; /* [rows] of the epoch and seed it was made for */
    uint64_t order_epoch, order_seed;
    bool order_made;
};

/* data_spec.c: cuts data->text into columns (words only). Records what is wrong. */
bool ks__data_spec(ks_data *data);

/* data_rows.c: writes `count` rows of the column, those numbered by `order`, or from `first` on when it is NULL. */
void ks__column_gather(const ks__column *column, int isa, const uint32_t *order, int64_t first, int64_t count, void *out);
/* A number below n at this position of a stream of random numbers; every number equally likely. */
uint64_t ks__random_below(uint64_t seed, uint64_t stream, uint64_t step, uint64_t position, uint64_t n);
/* A permutation of [0, n), keyed by seed and epoch. */
void ks__shuffle(uint32_t *order, int64_t n, uint64_t seed, uint64_t epoch);

#endif
