/*
 * text.h - what the examples share that learn from a text: its bytes as batches.
 */
#ifndef EXAMPLES_TEXT_H
#define EXAMPLES_TEXT_H

#include "training.h"

#define TEXT "data/text/constitution.txt"
enum { BYTES = 128 }; /* those of ASCII; others are read as one of them */

typedef struct corpus {
    unsigned char *bytes;
    int64_t count;
} corpus;

/* All bytes of a file, or none and the reason said; a text has `least` bytes or more. The caller frees them. */
static inline corpus read_corpus(const char *name, int64_t least)
{
    corpus t = {0};
    FILE *file = fopen(name, "rb");
    if (file && !fseek(file, 0, SEEK_END) && (t.count = ftell(file)) >= least && (t.bytes = malloc((size_t)t.count))) {
        rewind(file);
        t.count = (int64_t)fread(t.bytes, 1, (size_t)t.count, file);
    }
    if (!t.bytes && file && t.count < least)
        fprintf(stderr, "'%s' is too short to learn from: it has less than %" PRId64 " bytes\n", name, least);
    else if (!t.bytes)
        fprintf(stderr, "'%s' can't be read\n", name);
    if (file)
        fclose(file);
    return t;
}

/* Where row b of a step begins: the rows share the text out, each goes on where it was, and begins again at its share's end. */
static inline int64_t place_of(const corpus *t, int step, int b, int rows, int columns)
{
    int64_t share = (t->count - 1) / rows;
    return b * share + step % (share / columns) * columns;
}

/* Feeds a step's rows [rows, columns], and with each byte the one that follows. */
static inline void feed_text(ks_node *x, ks_node *t, const corpus *text, int step, int rows, int columns)
{
    int64_t bytes[rows][columns], next[rows][columns];
    for (int b = 0; b < rows; b++) {
        const unsigned char *at = text->bytes + place_of(text, step, b, rows, columns);
        for (int i = 0; i < columns; i++) {
            bytes[b][i] = at[i] % BYTES;
            next[b][i] = at[i + 1] % BYTES;
        }
    }
    ks_feed(x, KS_I64, KS_SHAPE(rows, columns), bytes);
    ks_feed(t, KS_I64, KS_SHAPE(rows, columns), next);
}

/* The i-th byte of a text that is being written, drawn by its probability; another seed writes another text. */
static inline int64_t draw_byte(const double probability[BYTES], int seed, int i)
{
    double u = uniform(seed, (uint64_t)i);
    int64_t byte = 0;
    while (byte < BYTES - 1 && (u -= probability[byte]) > 0)
        byte++;
    return byte;
}

#endif
