/*
 * cli/progress.c - the bar: "epoch 3/10 [=====>    ] 312/600  1,234 steps/s, 12 s left".
 */
#include "progress.h"
#include "output.h"

#include <time.h>
#include <unistd.h>

#define WIDTH 24

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void progress_start(progress *bar, int64_t total)
{
    *bar = (progress){.on = isatty(STDERR_FILENO), .total = total, .started = now()};
}

void progress_show(progress *bar, int64_t epoch, int64_t epochs, int64_t step, int64_t steps)
{
    char line[WIDTH + 1], rate[COUNT_TEXT];
    bar->done++;
    double time = bar->on ? now() : 0;
    if (!bar->on || time - bar->shown < 0.1)
        return;
    bar->shown = time;
    bar->drawn = true;
    int full = (int)(step * WIDTH / steps);
    for (int i = 0; i < WIDTH; i++)
        line[i] = i < full ? '=' : i == full ? '>' : ' ';
    line[WIDTH] = 0;
    double speed = (double)bar->done / (time - bar->started + 1e-9);
    fprintf(stderr, "\repoch %lld/%lld [%s] %lld/%lld  %s steps/s, %.0f s left\033[K", (long long)epoch, (long long)epochs, line,
            (long long)step, (long long)steps, count_text((int64_t)speed, rate), (double)(bar->total - bar->done) / speed);
    fflush(stderr);
}

void progress_clear(progress *bar)
{
    if (!bar->drawn)
        return;
    fprintf(stderr, "\r\033[K");
    fflush(stderr);
    bar->drawn = false;
}
