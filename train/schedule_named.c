/*
 * train/schedule_named.c - schedules from text: "cosine", "step:steps=1000,factor=0.1".
 */
#include "train/optimizer.h"
#include "serialize/number.h"

#include <math.h>
#include <string.h>

enum { RATE = 1, FACTOR = 2, LEAST = 4, STEPS = 8, WARMUP = 16 };

static const struct {
    const char *name, *says;
    unsigned fields;
    double factor;
} kinds[] = {
    [KS_SCHEDULE_CONSTANT] = {"constant", "rate, warmup", RATE | WARMUP, 1},
    [KS_SCHEDULE_STEP] = {"step", "rate, factor, steps, warmup", RATE | FACTOR | STEPS | WARMUP, 0.1},
    [KS_SCHEDULE_EXPONENTIAL] = {"exponential", "rate, factor, warmup", RATE | FACTOR | WARMUP, 0.999},
    [KS_SCHEDULE_COSINE] = {"cosine", "rate, least, steps, warmup", RATE | LEAST | STEPS | WARMUP, 1},
    [KS_SCHEDULE_ONE_CYCLE] = {"one_cycle", "rate, steps", RATE | STEPS, 1},
};
#define KINDS (int)(sizeof kinds / sizeof kinds[0])

static const struct {
    const char *name;
    unsigned field;
    bool whole;
} fields[] = {{"rate", RATE, false}, {"factor", FACTOR, false}, {"least", LEAST, false}, {"steps", STEPS, true}, {"warmup", WARMUP, true}};
#define FIELDS (int)(sizeof fields / sizeof fields[0])

#define MOST_STEPS 9e15 /* whole numbers up to here are exact */

static bool fail(const ks_optimizer *o, ks_code code, const char *kind, const char *what)
{
    return ks__refuse(o->graph, code, KS__NOWHERE, "schedule '%s': %s", kind, what);
}

static bool is_word(const char *word, const char *text, size_t size)
{
    return strlen(word) == size && !memcmp(word, text, size);
}

/* One "steps=1000" of `size` bytes, into values by field. */
static bool read_field(const ks_optimizer *o, int kind, const char *text, size_t size, double *values, unsigned *seen)
{
    const char *equals = memchr(text, '=', size), *name = kinds[kind].name;
    size_t word = equals ? (size_t)(equals - text) : size;
    int field = 0;
    while (field < FIELDS && (!is_word(fields[field].name, text, word) || !(kinds[kind].fields & fields[field].field)))
        field++;
    if (field == FIELDS)
        return ks__refuse(o->graph, KS_BAD_NAME, KS__NOWHERE, "schedule '%s': there is no '%.*s'; there are %s", name,
                          (int)(word < 32 ? word : 32), text, kinds[kind].says);
    if (*seen & fields[field].field)
        return ks__refuse(o->graph, KS_BAD_ARGUMENT, KS__NOWHERE, "schedule '%s': '%s' stands there twice", name, fields[field].name);
    *seen |= fields[field].field;
    double value;
    if (!equals || ks__f64_parse(equals + 1, size - word - 1, &value) != KS__NUMBER_OK || !(value >= 0 && isfinite(value)) ||
        (fields[field].whole && (value != floor(value) || value > MOST_STEPS)))
        return ks__refuse(o->graph, KS_BAD_ARGUMENT, KS__NOWHERE, "schedule '%s': %s is a %snumber from 0 on, as in %s=%s", name,
                          fields[field].name, fields[field].whole ? "whole " : "", fields[field].name,
                          fields[field].whole ? "1000" : "0.1");
    values[field] = value;
    return true;
}

/* What can't be a run. */
static bool check(const ks_optimizer *o, const ks_schedule *s)
{
    const char *name = kinds[s->kind].name;
    if ((kinds[s->kind].fields & STEPS) && s->steps <= 0)
        return fail(o, KS_BAD_ARGUMENT, name, "steps is missing: say how many, as in steps=1000");
    if (s->kind == KS_SCHEDULE_COSINE && s->warmup >= s->steps)
        return fail(o, KS_BAD_ARGUMENT, name, "the warm-up leaves no steps: warmup must be less than steps");
    return s->kind != KS_SCHEDULE_ONE_CYCLE || s->steps >= 4 ||
           fail(o, KS_BAD_ARGUMENT, name, "it rises and falls in at least 4 steps: give more, as in steps=1000");
}

bool ks_schedule_named(ks_schedule *schedule, ks_optimizer *optimizer, int64_t steps, const char *text)
{
    const ks_optimizer *o = optimizer;
    if (!schedule || !o)
        return false;
    size_t size = text ? strcspn(text, ":") : 0;
    int kind = 0;
    while (kind < KINDS && !(text && is_word(kinds[kind].name, text, size)))
        kind++;
    if (kind == KINDS)
        return ks__refuse(o->graph, KS_BAD_NAME, KS__NOWHERE,
                          "schedule: there is no '%.*s'; there are constant, step, exponential, cosine, one_cycle",
                          (int)(size < 32 ? size : 32), text ? text : "");
    bool length = kind == KS_SCHEDULE_COSINE || kind == KS_SCHEDULE_ONE_CYCLE;
    double values[FIELDS] = {ks_optimizer_rate(o), kinds[kind].factor, 0, length ? (double)steps : 0, 0};
    unsigned seen = 0;
    for (const char *at = text + size; *at; at += size) {
        size = strcspn(++at, ",");
        if (!read_field(o, kind, at, size, values, &seen))
            return false;
    }
    ks_schedule made = {.kind = (ks_schedule_kind)kind,
                        .rate = values[0],
                        .factor = values[1],
                        .least = values[2],
                        .steps = (int64_t)values[3],
                        .warmup = (int64_t)values[4]};
    if (!check(o, &made))
        return false;
    *schedule = made;
    return true;
}
