/*
 * serialize/scan.c - the strict look at a JSON text before cJSON sees it.
 *
 * One pass with a stack of its own. The keys of the objects that are open stand in one array of slots, a hash table for each object;
 * only the innermost grows, and it lies on top.
 */
#include "serialize/scan.h"
#include "serialize/number.h"
#include "serialize/utf8.h"
#include "graph/failure.h"
#include "graph/memory.h"

#include <string.h>

/* An object or array that is open. */
typedef struct open {
    bool object;
    size_t at;                /* its bracket */
    size_t base, slots, keys; /* its table: slots[base, base + slots), a power of two */
} open;

typedef struct scanner {
    const char *text;
    size_t size, at;
    const ks_allocator *allocator;
    ks_failure *failure;
    int depth;
    open stack[KS__SCAN_DEPTH];
    size_t *slots; /* 1 + position of a key's quote; 0: free */
    size_t slot_count, slot_capacity;
} scanner;

ks__position ks__position_of(const char *text, size_t at)
{
    ks__position p = {1, 1};
    for (size_t i = 0; i < at; i++) {
        if (text[i] == '\n')
            p = (ks__position){p.line + 1, 1};
        else if (((unsigned char)text[i] & 0xC0) != 0x80)
            p.column++;
    }
    return p;
}

/* ---- failing ------------------------------------------------------------------------------------------- */

static bool fail_at(scanner *s, size_t at, const char *format, ...) __attribute__((format(printf, 3, 4)));
static bool fail_at(scanner *s, size_t at, const char *format, ...)
{
    va_list arguments;
    s->at = at;
    va_start(arguments, format);
    ks__fail_va(s->failure, KS_BAD_FILE, format, arguments);
    va_end(arguments);
    return false;
}

/* "'x'" or "the byte 0x80", in `text`. */
static const char *shown(unsigned char c, char text[16])
{
    static const char hex[] = "0123456789ABCDEF";
    if (c == '\'')
        return "a single quote";
    if (c > 0x20 && c < 0x7F) {
        memcpy(text, (char[]){'\'', (char)c, '\'', 0}, 4);
        return text;
    }
    memcpy(text, "the byte 0x", 11);
    text[11] = hex[c >> 4];
    text[12] = hex[c & 15];
    text[13] = 0;
    return text;
}

/* Something else stands where `wanted` belongs; what people write there by mistake is known. */
static bool fail_unexpected(scanner *s, const char *wanted)
{
    char c = s->text[s->at], text[16];
    if (c == '/')
        return fail_at(s, s->at, "JSON has no comments: use \"doc\"");
    return fail_at(s, s->at, "%s was expected, not %s%s", wanted, shown((unsigned char)c, text),
                   c >= '0' && c <= '9' ? ": the decimal point is '.'" : "");
}

static bool fail_end(scanner *s)
{
    if (s->depth == 0)
        return fail_at(s, s->size, "the text is empty: a JSON object was expected");
    const open *o = &s->stack[s->depth - 1];
    ks__position p = ks__position_of(s->text, o->at);
    return fail_at(s, s->size, "the text ends too early: '%c' of line %lld, column %lld is not closed", s->text[o->at], (long long)p.line,
                   (long long)p.column);
}

/* ---- characters and texts ------------------------------------------------------------------------------ */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool more(const scanner *s)
{
    return s->at < s->size;
}

static void skip_space(scanner *s)
{
    while (more(s) && (s->text[s->at] == ' ' || s->text[s->at] == '\n' || s->text[s->at] == '\t' || s->text[s->at] == '\r'))
        s->at++;
}

/* The four hexadecimal digits at text[at]; -1 if they are none. */
static int hex4(const char *text, size_t size, size_t at)
{
    int value = 0;
    for (size_t i = at; i < at + 4; i++) {
        char c = i < size ? text[i] : 0;
        int digit = is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

/* The backslash and what belongs to it. */
static bool escape(scanner *s)
{
    size_t at = s->at;
    char c = at + 1 < s->size ? s->text[at + 1] : 0, text[16];
    if (c && strchr("\"\\/bfnrt", c)) {
        s->at += 2;
        return true;
    }
    if (c != 'u')
        return fail_at(s, at, "a backslash before %s means nothing: write \\\\ for a backslash",
                       at + 1 < s->size ? shown((unsigned char)c, text) : "the end");
    int unit = hex4(s->text, s->size, at + 2);
    if (unit < 0)
        return fail_at(s, at, "\\u wants four hexadecimal digits");
    if (unit == 0)
        return fail_at(s, at, "\\u0000 may not stand in a text here");
    if (unit >= 0xDC00 && unit <= 0xDFFF)
        return fail_at(s, at, "\\u%.4s is the second half of a surrogate pair without its first", s->text + at + 2);
    s->at += 6;
    if (unit < 0xD800 || unit > 0xDBFF)
        return true;
    bool second = s->at + 1 < s->size && s->text[s->at] == '\\' && s->text[s->at + 1] == 'u';
    int low = second ? hex4(s->text, s->size, s->at + 2) : -1;
    if (low < 0xDC00 || low > 0xDFFF)
        return fail_at(s, at, "\\u%.4s is the first half of a surrogate pair without its second", s->text + at + 2);
    s->at += 6;
    return true;
}

/* From the opening quote to behind the closing one. */
static bool text_value(scanner *s)
{
    size_t start = s->at++;
    while (more(s)) {
        unsigned char c = (unsigned char)s->text[s->at];
        char text[16];
        if (c >= 0x20 && c < 0x80 && c != '"' && c != '\\') {
            s->at++; /* what most of a text is */
            continue;
        }
        if (c == '"') {
            s->at++;
            return true;
        }
        if (c == '\\') {
            if (!escape(s))
                return false;
            continue;
        }
        if (c == '\n' || c == '\r')
            return fail_at(s, start, "a text does not end on its line: close it with \" or write \\n");
        if (c == 0)
            return fail_at(s, s->at, "the byte 0x00 may not stand in a text");
        if (c < 0x20)
            return fail_at(s, s->at, "%s may not stand in a text: write it as \\u00%c%c", shown(c, text), "01"[c >> 4],
                           "0123456789abcdef"[c & 15]);
        size_t length = ks__utf8_length(s->text, s->size, s->at);
        if (!length)
            return fail_at(s, s->at, "%s is no valid UTF-8 here", shown(c, text));
        s->at += length;
    }
    return fail_at(s, start, "a text does not end: its closing \" is missing");
}

/* ---- keys ---------------------------------------------------------------------------------------------- */

/* The next character of a text that was found good, as a code point; 0 at its closing quote. */
static uint32_t next_character(const char *text, size_t *at)
{
    static const char letters[] = "bfnrt", meant[] = "\b\f\n\r\t";
    unsigned char c = (unsigned char)text[*at];
    if (c == '"')
        return 0;
    if (c != '\\') {
        size_t length = ks__utf8_length(text, *at + 4, *at);
        uint32_t code = length == 1 ? c : c & (0x7Fu >> length);
        for (size_t i = 1; i < length; i++)
            code = code << 6 | ((unsigned char)text[*at + i] & 0x3Fu);
        *at += length;
        return code;
    }
    char letter = text[*at + 1];
    if (letter != 'u') {
        const char *found = strchr(letters, letter);
        *at += 2;
        return (uint32_t)(found ? meant[found - letters] : letter);
    }
    uint32_t unit = (uint32_t)hex4(text, *at + 6, *at + 2);
    *at += 6;
    if (unit < 0xD800 || unit > 0xDBFF)
        return unit;
    uint32_t low = (uint32_t)hex4(text, *at + 6, *at + 2);
    *at += 6;
    return 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
}

static size_t hash_of(const char *text, size_t quote)
{
    uint64_t hash = 0xcbf29ce484222325u;
    size_t at = quote + 1;
    for (uint32_t c; (c = next_character(text, &at)) != 0;)
        hash = (hash ^ c) * 0x100000001b3u;
    return (size_t)(hash ^ hash >> 29);
}

static bool same_text(const char *text, size_t a, size_t b)
{
    uint32_t c;
    a++;
    b++;
    do {
        c = next_character(text, &a);
        if (c != next_character(text, &b))
            return false;
    } while (c);
    return true;
}

static bool reserve_slots(scanner *s, size_t count)
{
    if (count <= s->slot_capacity)
        return true;
    size_t capacity = count * 2;
    size_t *moved = ks__allocate(s->allocator, s->slots, s->slot_capacity * sizeof *moved, capacity * sizeof *moved);
    if (!moved)
        return ks__fail_memory(s->failure, capacity * sizeof *moved);
    s->slots = moved;
    s->slot_capacity = capacity;
    return true;
}

/* The slot of a key: where it stands, or the free one where it belongs. */
static size_t *slot_of(const scanner *s, size_t *table, size_t slots, size_t quote)
{
    size_t i = hash_of(s->text, quote) & (slots - 1);
    while (table[i] && !same_text(s->text, table[i] - 1, quote))
        i = (i + 1) & (slots - 1);
    return &table[i];
}

/* Twice the slots for the innermost object; its keys move. */
static bool widen(scanner *s, open *o)
{
    size_t wider = o->slots ? o->slots * 2 : 16;
    if (!reserve_slots(s, o->base + o->slots + wider))
        return false;
    size_t *old = s->slots + o->base, *table = old + o->slots;
    memset(table, 0, wider * sizeof *table);
    for (size_t i = 0; i < o->slots; i++) {
        if (old[i])
            *slot_of(s, table, wider, old[i] - 1) = old[i];
    }
    memmove(old, table, wider * sizeof *table);
    o->slots = wider;
    s->slot_count = o->base + wider;
    return true;
}

static bool add_key(scanner *s, size_t quote)
{
    open *o = &s->stack[s->depth - 1];
    if (2 * (o->keys + 1) > o->slots && !widen(s, o))
        return false;
    size_t *slot = slot_of(s, s->slots + o->base, o->slots, quote);
    if (*slot) {
        int length = (int)(s->at - quote) < 80 ? (int)(s->at - quote) : 80;
        return fail_at(s, quote, "the key %.*s stands twice in this object: it is on line %lld already", length, s->text + quote,
                       (long long)ks__position_of(s->text, *slot - 1).line);
    }
    *slot = quote + 1;
    o->keys++;
    return true;
}

/* A key and its colon. */
static bool key(scanner *s)
{
    skip_space(s);
    if (!more(s))
        return fail_end(s);
    size_t quote = s->at;
    if (s->text[quote] == '}')
        return fail_at(s, quote, "a comma stands before '}': remove it");
    if (s->text[quote] != '"')
        return fail_unexpected(s, "a key in double quotes");
    if (!text_value(s) || !add_key(s, quote))
        return false;
    skip_space(s);
    if (!more(s))
        return fail_end(s);
    if (s->text[s->at] != ':')
        return fail_unexpected(s, "':' after the key");
    s->at++;
    return true;
}

/* ---- values -------------------------------------------------------------------------------------------- */

static size_t digits(scanner *s)
{
    size_t start = s->at;
    while (more(s) && is_digit(s->text[s->at]))
        s->at++;
    return s->at - start;
}

static bool number(scanner *s)
{
    size_t start = s->at;
    bool exponent = false;
    s->at += s->text[s->at] == '-';
    size_t first = s->at, whole = digits(s);
    if (whole == 0)
        return fail_at(s, start, "a digit was expected after '-'");
    if (whole > 1 && s->text[first] == '0')
        return fail_at(s, start, "a number may not begin with 0 and another digit");
    if (more(s) && s->text[s->at] == '.') {
        s->at++;
        if (digits(s) == 0)
            return fail_at(s, start, "a digit was expected after the point of a number");
    }
    if (more(s) && (s->text[s->at] == 'e' || s->text[s->at] == 'E')) {
        exponent = true;
        s->at++;
        s->at += more(s) && (s->text[s->at] == '+' || s->text[s->at] == '-');
        if (digits(s) == 0)
            return fail_at(s, start, "a digit was expected in the exponent of a number");
    }
    double value;
    int length = (int)(s->at - start < 40 ? s->at - start : 40);
    if ((exponent || s->at - start > 300) && ks__f64_parse(s->text + start, s->at - start, &value) == KS__NUMBER_RANGE)
        return fail_at(s, start, "the number %.*s%s is beyond the largest there is, 1.8e308", length, s->text + start,
                       s->at - start > 40 ? "..." : "");
    return true;
}

size_t ks__scan_number_end(const char *text, size_t size, size_t at)
{
    while (at < size && (is_digit(text[at]) || text[at] == '-' || text[at] == '+' || text[at] == '.' || text[at] == 'e' || text[at] == 'E'))
        at++;
    return at;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool word_here(const scanner *s, const char *word)
{
    size_t length = strlen(word);
    return s->size - s->at >= length && !memcmp(s->text + s->at, word, length);
}

/* true, false, null, or what people write by mistake. */
static bool word(scanner *s)
{
    static const char *const good[] = {"true", "false", "null"};
    static const struct {
        const char *word, *mend;
    } wrong[] = {
        {"NaN", "NaN stands in double quotes: \"NaN\""},
        {"Infinity", "Infinity stands in double quotes: \"Infinity\""},
        {"-Infinity", "-Infinity stands in double quotes: \"-Infinity\""},
        {"True", "'True' is no JSON: write true"},
        {"False", "'False' is no JSON: write false"},
        {"None", "'None' is no JSON: write null"},
        {"'", "a text stands in double quotes"},
        {"+", "a number has no '+' before it"},
        {".", "a number begins with a digit: write 0.5 for .5"},
        {"]", "a value was expected before ']'"},
        {"}", "a value was expected before '}'"},
        {",", "a value was expected before ','"},
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        if (word_here(s, good[i])) {
            s->at += strlen(good[i]);
            return true;
        }
    }
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        if (word_here(s, wrong[i].word))
            return fail_at(s, s->at, "%s", wrong[i].mend);
    }
    int letters = 0;
    while (letters < 40 && s->at + (size_t)letters < s->size && is_letter(s->text[s->at + (size_t)letters]))
        letters++;
    if (letters)
        return fail_at(s, s->at, "'%.*s' is no value: there are true, false, null, numbers, and texts in double quotes", letters,
                       s->text + s->at);
    return fail_unexpected(s, "a value");
}

static bool push(scanner *s, bool object)
{
    if (s->depth == KS__SCAN_DEPTH)
        return fail_at(s, s->at, "more than %d brackets are open: that is deeper than any graph", KS__SCAN_DEPTH);
    s->stack[s->depth++] = (open){.object = object, .at = s->at, .base = s->slot_count};
    s->at++;
    return true;
}

static void pop(scanner *s)
{
    s->slot_count = s->stack[--s->depth].base;
    s->at++;
}

/* A value, or the beginning of one that holds others; *inside: one of these comes next. */
static bool value(scanner *s, bool *inside)
{
    *inside = false;
    skip_space(s);
    if (!more(s))
        return fail_end(s);
    char c = s->text[s->at];
    if (c == '"')
        return text_value(s);
    if (is_digit(c) || (c == '-' && !word_here(s, "-Infinity")))
        return number(s);
    if (c != '{' && c != '[')
        return word(s);
    bool object = c == '{';
    if (!push(s, object))
        return false;
    skip_space(s);
    if (more(s) && s->text[s->at] == (object ? '}' : ']')) {
        pop(s);
        return true;
    }
    *inside = true;
    return !object || key(s);
}

/* What stands after a value: closing brackets, then a comma (*again: a value comes next) or the end. */
static bool after_value(scanner *s, bool *again)
{
    char text[16];
    *again = false;
    for (;;) {
        skip_space(s);
        if (s->depth == 0)
            return !more(s) || fail_at(s, s->at, "the text should end here, but %s follows", shown((unsigned char)s->text[s->at], text));
        if (!more(s))
            return fail_end(s);
        const open *o = &s->stack[s->depth - 1];
        char c = s->text[s->at], closing = o->object ? '}' : ']';
        if (c == closing) {
            pop(s);
            continue;
        }
        if (c != ',')
            return fail_unexpected(s, o->object ? "',' or '}'" : "',' or ']'");
        size_t comma = s->at++;
        skip_space(s);
        if (!o->object && more(s) && s->text[s->at] == ']')
            return fail_at(s, comma, "a comma stands before ']': remove it");
        *again = true;
        return !o->object || key(s);
    }
}

/* Whether it begins as UTF-16 does: with its mark, or with a character of two bytes. */
static bool begins_wide(const scanner *s)
{
    return s->size >= 2 && (!memcmp(s->text, "\xFF\xFE", 2) || !memcmp(s->text, "\xFE\xFF", 2) || !s->text[0] || !s->text[1]);
}

static bool document(scanner *s)
{
    bool inside, again = true;
    if (begins_wide(s))
        return fail_at(s, 0, "the text looks like UTF-16: save it as UTF-8");
    if (s->size >= 3 && !memcmp(s->text, "\xEF\xBB\xBF", 3))
        return fail_at(s, 0, "the text begins with a byte order mark: save it as UTF-8 without one");
    while (again) {
        if (!value(s, &inside))
            return false;
        if (!inside && !after_value(s, &again))
            return false;
    }
    return true;
}

bool ks__scan(const char *text, size_t size, const ks_allocator *allocator, size_t *at, ks_failure *failure)
{
    scanner s = {.text = text, .size = size, .allocator = allocator, .failure = failure};
    bool good = document(&s);
    ks__allocate(allocator, s.slots, s.slot_capacity * sizeof *s.slots, 0);
    *at = s.at;
    return good;
}
