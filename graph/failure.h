/*
 * graph/failure.h - how a failure is written down.
 *
 * The first failure is kept: what follows from it is of no use to a reader. A NULL failure is allowed everywhere and
 * means that nobody asks why.
 */
#ifndef KS_GRAPH_FAILURE_H
#define KS_GRAPH_FAILURE_H

#include <keisan/base.h>
#include <stdarg.h>

/* Nothing failed yet. The message is not cleared: that would cost more than composing a node. */
static inline void ks__fail_nothing(ks_failure *failure)
{
    failure->code = KS_OK;
    failure->place = (ks_place){NULL, 0};
    failure->message[0] = 0;
}

#define KS__REAL_TEXT 32

/* The number as messages show it: six digits at most, and a point in every locale. Returns text. */
const char *ks__real_text(double value, char text[KS__REAL_TEXT]);

/* Records the failure unless there is one already; a longer message is cut at a character. Always false. */
bool ks__fail(ks_failure *failure, ks_code code, const char *format, ...) __attribute__((format(printf, 3, 4)));
bool ks__fail_va(ks_failure *failure, ks_code code, const char *format, va_list arguments) __attribute__((format(printf, 3, 0)));

/* Records that `bytes` bytes could not be had. Always false. */
bool ks__fail_memory(ks_failure *failure, size_t bytes);

/* Puts "place: " before the message that is there, as in "w.npy: ..."; nothing when there is no failure. Always false. */
bool ks__fail_in(ks_failure *failure, const char *place);

#endif
