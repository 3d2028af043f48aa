/*
 * ops/random/draw.h - how random operations fill their results: in tasks, from fours of words drawn together, in a loop that goes by
 * vectors. Which words an element is made of depends on its position alone.
 */
#ifndef KS_OPS_DRAW_H
#define KS_OPS_DRAW_H

#include "ops/family.h"
#include "engine/kernels/philox.h"
#include "engine/kernels/vmath.h"

#define KS__DRAWS     256              /* fours of words that are drawn together */
#define KS__DRAW_TASK (16 * KS__DRAWS) /* fours of a task */

/* words[k][i] of the fours from `first` on. */
static KS_INLINE void ks__draw(const ks_call *call, int64_t first, int64_t fours, uint32_t words[4][KS__DRAWS])
{
    const uint64_t seed = call->seed, stream = call->stream, step = call->step;
    KS_LOOP
    for (int64_t i = 0; i < fours; i++) {
        uint32_t four[4];
        ks__philox(seed, stream, step, (uint64_t)(first + i), four);
        words[0][i] = four[0];
        words[1][i] = four[1];
        words[2][i] = four[2];
        words[3][i] = four[3];
    }
}

/* How an operation makes the elements of one task, by instruction set: elements [4 first, ...) for f32, [2 first, ...) for f64. */
typedef void (*ks__part_fn)(const ks_call *call, int64_t first, int64_t last);

typedef struct ks__draw_job {
    const ks_call *call;
    ks__part_fn fn;
    int64_t fours;
} ks__draw_job;

static inline void ks__draw_task(void *payload, int64_t i)
{
    const ks__draw_job *j = payload;
    j->fn(j->call, i * KS__DRAW_TASK, (i + 1) * KS__DRAW_TASK < j->fours ? (i + 1) * KS__DRAW_TASK : j->fours);
}

/* per: elements made of four words. */
static inline bool ks__draw_all(const ks_call *call, ks__part_fn fn, int64_t per)
{
    ks__draw_job j = {call, fn, ks__ceil_div(call->out->count, per)};
    ks__each(call, 8 * call->out->count, ks__ceil_div(j.fours, KS__DRAW_TASK), ks__draw_task, &j);
    return true;
}

/* Defines NAME, which fills out from words with BODY(out, words, n): n fours make PER * n elements, and no more than there are. */
#define KS__DEFINE_PART(NAME, TYPE, PER, BODY)                                                                                             \
    static KS_INLINE void NAME##_body(const ks_call *call, int64_t first, int64_t last)                                                    \
    {                                                                                                                                      \
        uint32_t words[4][KS__DRAWS];                                                                                                      \
        TYPE some[PER * KS__DRAWS];                                                                                                        \
        for (int64_t at = first; at < last; at += KS__DRAWS) {                                                                             \
            int64_t fours = last - at < KS__DRAWS ? last - at : KS__DRAWS, left = call->out->count - PER * at;                             \
            ks__draw(call, at, fours, words);                                                                                              \
            BODY(call, some, words, fours);                                                                                                \
            memcpy((TYPE *)call->out->data + PER * at, some, (size_t)(left < PER * fours ? left : PER * fours) * sizeof(TYPE));            \
        }                                                                                                                                  \
    }                                                                                                                                      \
    KS_TARGETS(void, NAME, (const ks_call *call, int64_t first, int64_t last), (call, first, last))

/* The shape that the attributes give a result: its dimensions are numbers. */
static inline bool ks__draw_shape(ks_infer *infer, const ks_shape *shape)
{
    if (shape->rank < 0 || shape->rank > KS_MAX_RANK)
        return ks_infer_fail(infer, KS_BAD_SHAPE, "a shape has 0 to %d dimensions, this one %d", KS_MAX_RANK, shape->rank);
    infer->out = *shape;
    char text[KS__SHAPE_TEXT];
    return ks__count(shape) >= 0 ||
           ks_infer_fail(infer, KS_BAD_SHAPE, "the shape %s has no size of its own: give its dimensions as numbers",
                         ks__shape_text(infer->graph, shape, text));
}

#endif
