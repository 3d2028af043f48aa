/*
 * graph/failure.c - how a failure is written down.
 *
 * Messages hold text and whole numbers only, so they are the same in every locale. What is too long is cut where a UTF-8
 * character ends.
 */
#include "graph/failure.h"

#include <stdio.h>
#include <string.h>

static const struct {
    ks_code code;
    const char *name;
} names[] = {
    {KS_OK, "ok"},
    {KS_BAD_ARGUMENT, "bad argument"},
    {KS_BAD_SHAPE, "bad shape"},
    {KS_BAD_DTYPE, "bad dtype"},
    {KS_BAD_NAME, "bad name"},
    {KS_RELEASED, "released"},
    {KS_NOT_FED, "not fed"},
    {KS_NO_GRADIENT, "no gradient"},
    {KS_NOT_FINITE, "not finite"},
    {KS_BAD_FILE, "bad file"},
    {KS_UNSUPPORTED, "unsupported"},
    {KS_NO_MEMORY, "no memory"},
    {KS_IO, "io"},
    {KS_CANCELLED, "cancelled"},
};

const char *ks_code_name(ks_code code)
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (names[i].code == code)
            return names[i].name;
    }
    return "unknown";
}

/* Ends `message`, which was cut at its last byte, before a character that is not whole. */
static void cut_at_character(char *message)
{
    size_t end = strlen(message), start = end;
    while (start > 0 && ((unsigned char)message[start - 1] & 0xC0) == 0x80)
        start--;
    if (start == 0)
        return;
    unsigned char first = (unsigned char)message[start - 1];
    size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC0 ? 2 : 1;
    if (length > 1 && end - (start - 1) < length)
        message[start - 1] = 0;
}

const char *ks__real_text(double value, char text[KS__REAL_TEXT])
{
    char local[KS__REAL_TEXT];
    size_t n = 0;
    snprintf(local, sizeof local, "%g", value);
    for (const char *c = local; *c; c++) {
        bool plain = (*c >= '0' && *c <= '9') || (*c >= 'a' && *c <= 'z') || *c == '-' || *c == '+';
        if (plain)
            text[n++] = *c;
        else if (n == 0 || text[n - 1] != '.') /* the separator may have several bytes */
            text[n++] = '.';
    }
    text[n] = 0;
    return text;
}

bool ks__fail_va(ks_failure *failure, ks_code code, const char *format, va_list arguments)
{
    if (!failure || failure->code != KS_OK)
        return false;
    failure->code = code;
    int length = vsnprintf(failure->message, sizeof failure->message, format, arguments);
    if (length < 0)
        failure->message[0] = 0;
    else if ((size_t)length >= sizeof failure->message)
        cut_at_character(failure->message);
    return false;
}

bool ks__fail(ks_failure *failure, ks_code code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    ks__fail_va(failure, code, format, arguments);
    va_end(arguments);
    return false;
}

bool ks__fail_memory(ks_failure *failure, size_t bytes)
{
    return ks__fail(failure, KS_NO_MEMORY, "out of memory: no room for %zu bytes", bytes);
}

bool ks__fail_in(ks_failure *failure, const char *place)
{
    if (!failure || failure->code == KS_OK)
        return false;
    char message[KS_MESSAGE_BYTES];
    memcpy(message, failure->message, sizeof message);
    int length = snprintf(failure->message, sizeof failure->message, "%s: %s", place, message);
    if (length < 0 || (size_t)length >= sizeof failure->message)
        cut_at_character(failure->message);
    return false;
}
