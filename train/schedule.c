/*
 * train/schedule.c - learning rates over the steps of a run, and losses that no longer fall.
 *
 * A schedule is a plain value: the rate of a step follows from the step's number alone, so a run that is resumed goes on with the rates
 * it would have had. The forms are PyTorch's StepLR, ExponentialLR, CosineAnnealingLR, LinearLR, OneCycleLR and ReduceLROnPlateau.
 */
#include "train/optimizer.h"

#include <math.h>

#define PI 3.14159265358979323846

/* From `from` at share 0 to `to` at share 1, along half a cosine. */
static double along_cosine(double from, double to, double share)
{
    return to + (from - to) * (1 + cos(PI * share)) / 2;
}

/* ---- one cycle ----------------------------------------------------------------------------------------- */

#define RISE       0.3 /* the share of the steps that it rises */
#define FIRST_PART 25  /* it begins at this part of the highest rate, */
#define LAST_PART  1e4 /* and ends at this part of the first */

static double one_cycle(const ks_schedule *s, double step)
{
    double last = (double)s->steps - 1, top = RISE * (double)s->steps - 1, first = s->rate / FIRST_PART;
    if (step >= last)
        return first / LAST_PART;
    if (step <= top)
        return along_cosine(first, s->rate, step / top);
    return along_cosine(s->rate, first / LAST_PART, (step - top) / (last - top));
}

/* ---- all of them --------------------------------------------------------------------------------------- */

static double cosine(const ks_schedule *s, double step)
{
    double steps = (double)(s->steps - s->warmup);
    return step < steps ? along_cosine(s->rate, s->least, step / steps) : s->least;
}

double ks_schedule_rate(const ks_schedule *schedule, uint64_t step)
{
    const ks_schedule *s = schedule;
    if (!s)
        return NAN;
    if (s->warmup > 0 && step < (uint64_t)s->warmup)
        return s->rate * ((double)step + 1) / ((double)s->warmup + 1);
    double at = (double)(step - (uint64_t)(s->warmup > 0 ? s->warmup : 0));
    switch (s->kind) {
    case KS_SCHEDULE_CONSTANT:
        return s->rate;
    case KS_SCHEDULE_STEP:
        return s->steps > 0 ? s->rate * pow(s->factor, floor(at / (double)s->steps)) : NAN;
    case KS_SCHEDULE_EXPONENTIAL:
        return s->rate * pow(s->factor, at);
    case KS_SCHEDULE_COSINE:
        return cosine(s, at);
    case KS_SCHEDULE_ONE_CYCLE:
        return one_cycle(s, at);
    }
    return NAN;
}

bool ks_schedule_apply(const ks_schedule *schedule, ks_optimizer *optimizer)
{
    return schedule && optimizer && ks_optimizer_set_rate(optimizer, ks_schedule_rate(schedule, ks_optimizer_steps(optimizer)));
}

/* ---- losses that no longer fall ------------------------------------------------------------------------ */

bool ks_patience_ends(ks_patience *patience, double loss)
{
    ks_patience *p = patience;
    if (!p)
        return false;
    if (p->seen ? loss < p->best - p->threshold * fabs(p->best) : !isnan(loss)) {
        p->best = loss;
        p->seen = true;
        p->waited = 0;
        return false;
    }
    if (++p->waited <= p->looks)
        return false;
    p->waited = 0;
    return true;
}
