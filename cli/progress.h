/*
 * cli/progress.h - a bar on stderr that says how far training is, where stderr is a terminal.
 */
#ifndef KEISAN_CLI_PROGRESS_H
#define KEISAN_CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct progress {
    bool on, drawn;
    int64_t total, done;   /* steps of this run */
    double started, shown; /* seconds */
} progress;

void progress_start(progress *bar, int64_t total);
/* One more step is done; drawn at most ten times a second. */
void progress_show(progress *bar, int64_t epoch, int64_t epochs, int64_t step, int64_t steps);
/* Wipes the bar, so that a line can be printed. */
void progress_clear(progress *bar);

#endif
