/*
 * cli/output.h - what the command prints: messages on stderr, results on stdout, values as text and as JSON.
 */
#ifndef KEISAN_CLI_OUTPUT_H
#define KEISAN_CLI_OUTPUT_H

#include "args.h"
#include "model.h"

/* ---- messages ------------------------------------------------------------------------------------------ */

/* "keisan: ..." on stderr, red on a terminal unless NO_COLOR is set. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same for what is no mistake. */
void remark(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Complains with a failure, naming the file it was met in (may be NULL); the exit status it means. */
int complain_failure(const char *file, const ks_failure *failure);
/* The exit status of a failure met in reading, where a file that can't be read is bad input. */
int status_of(ks_code code);

int complain_memory(void);

/* ---- results ------------------------------------------------------------------------------------------- */

/* Pushes out what was printed; `status`, or MACHINE_FAILED after complaining when it did not all arrive. */
int output_close(int status);

/* A writer on a stream of the C library. */
ks_writer output_writer(FILE *file);

/* A value of the graph with the name it was asked for by. */
typedef struct result {
    const char *name;
    ks_node *node;
} result;

/* Whether --out and --json fit each other and what can be written; DONE, or BAD_INPUT after complaining. */
int output_check(const args *a);
/* Writes the results to --out, or prints them; an exit status. */
int output_write(const model *m, const result *results, int count, const args *a);
/* Complains that writing `path` failed; the exit status, in which a system that can't write is the machine's failure. */
int output_failed(const model *m, const char *path);

/* "[N, 784]" of a shape whose open dimensions have names. */
#define SHAPE_TEXT 256
const char *shape_text(const ks_graph *graph, ks_shape shape, char text[SHAPE_TEXT]);

/* 39760 as "39,760". */
#define COUNT_TEXT 32
const char *count_text(int64_t count, char text[COUNT_TEXT]);
/* 1536 as "1.5 KiB". */
const char *bytes_text(int64_t bytes, char text[COUNT_TEXT]);

/* JSON pieces on stdout. What is not finite is a string, as in a model. */
void json_string(const char *text);
void json_real(double value);
void json_shape(const ks_graph *graph, ks_shape shape);

#endif
