/*
 * dat.h - one of NIST's certified regression problems, as its .dat file states it.
 */
#ifndef DAT_H
#define DAT_H

#include <stdbool.h>
#include <stddef.h>

enum { DAT_PARAMETERS = 9, DAT_COLUMNS = 3 };

typedef struct dat {
    char name[32], difficulty[16];
    int parameters, columns, observations;
    double start[2][DAT_PARAMETERS];
    double certified[DAT_PARAMETERS];
    double squares;              /* the certified sum of the residuals' squares */
    char column[DAT_COLUMNS][8]; /* what each column of data is called: y, x; or y, x1, x2 */
    double *data[DAT_COLUMNS];   /* [observations] each */
} dat;

/* Reads a file. False: `error` has one sentence that says what is wrong and in which line. Freed by dat_free either way. */
bool dat_read(const char *path, dat *out, char *error, size_t room);
void dat_free(dat *problem);

#endif
