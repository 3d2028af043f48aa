/*
 * tests/support/comma.h - a locale with a decimal comma, made on the spot where the system has none.
 */
#ifndef KS_TESTS_COMMA_H
#define KS_TESTS_COMMA_H

#include <locale.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

/* Puts it in force; false: it can't be had here. */
static inline bool ks_test_comma(void)
{
    static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "keisan-comma"};
    char text[16];
    for (int made = 0; made < 2; made++) {
        for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
            if (!setlocale(LC_ALL, names[i]))
                continue;
            snprintf(text, sizeof text, "%.1f", 0.5);
            if (text[1] == ',')
                return true;
        }
        if (system("localedef -i de_DE -f UTF-8 /tmp/keisan-comma >/dev/null 2>&1") < 0)
            return false;
        setenv("LOCPATH", "/tmp", 1);
    }
    return false;
}

#endif
