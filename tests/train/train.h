/*
 * train.h - what the tests of training share: a graph that ends well, and the word of a failure.
 */
#ifndef KS_TEST_TRAIN_H
#define KS_TEST_TRAIN_H

#include <criterion/criterion.h>
#include <keisan/keisan.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GOOD(call) cr_assert(call, "%s", ks_error(g) ? ks_error(g)->message : "no failure was recorded")

/* The graph's failure says this; it is forgotten. */
static inline void check_failure(const char *file, int line, ks_graph *g, ks_code code, const char *wanted)
{
    const ks_failure *failure = ks_error(g);
    cr_assert(failure, "%s:%d: no failure", file, line);
    cr_assert(strstr(failure->message, wanted), "%s:%d: it says: %s", file, line, failure->message);
    cr_assert_eq(failure->code, code, "%s:%d: its code is %s", file, line, ks_code_name(failure->code));
    ks_error_clear(g);
}
#define FAILS(code, message) check_failure(__FILE__, __LINE__, g, code, message)
#define REFUSED(call, code, message)                                                                                                       \
    do {                                                                                                                                   \
        cr_assert_not(call);                                                                                                               \
        FAILS(code, message);                                                                                                              \
    } while (0)

#define NEAR(is, wanted, tolerance)                                                                                                        \
    cr_assert(fabs((is) - (wanted)) <= (tolerance), "%s is %.17g, not %.17g", #is, (double)(is), (double)(wanted))

/* A path in the source tree; static text. */
static inline const char *source(const char *path)
{
    static char text[2][1024];
    static int turn;
    turn = !turn;
    snprintf(text[turn], sizeof text[turn], "%s/%s", getenv("KEISAN_SOURCE"), path);
    return text[turn];
}

#endif
