/*
 * serialize/json.c - a JSON document being read strictly into a graph: its tree, where each value stands, and its failures.
 */
#include "serialize/json.h"
#include "serialize/number.h"
#include "serialize/scan.h"

#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- the document -------------------------------------------------------------------------------------- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* One past the closing quote of the text that begins at `at`. */
static size_t text_end(const char *text, size_t at)
{
    for (at++; text[at] != '"'; at++)
        at += text[at] == '\\';
    return at + 1;
}

/* A copy in which every number is 0, the rest of it blank: cJSON reads numbers as the locale has it, and only 63 characters of them. */
static char *without_numbers(const char *text, size_t size, char *copy)
{
    memcpy(copy, text, size);
    copy[size] = 0;
    for (size_t at = 0; at < size;) {
        if (text[at] == '"') {
            at = text_end(text, at);
        } else if (is_digit(text[at]) || text[at] == '-') {
            size_t end = ks__scan_number_end(text, size, at);
            copy[at++] = '0';
            memset(copy + at, ' ', end - at);
            at = end;
        } else {
            at++;
        }
    }
    return copy;
}

/* Where the next item begins: after what closes the ones before it, commas, and its own key. */
static size_t find_item(const char *text, size_t at, const cJSON *item)
{
    at += strspn(text + at, " \t\r\n,]}");
    if (item->string) {
        at = text_end(text, at);
        at += strspn(text + at, " \t\r\n:");
    }
    return at;
}

static size_t item_end(const ks__json *doc, const cJSON *item, size_t at)
{
    if (cJSON_IsString(item))
        return text_end(doc->text.data, at);
    if (cJSON_IsNumber(item))
        return ks__scan_number_end(doc->text.data, doc->text.size, at);
    return at + (cJSON_IsTrue(item) || cJSON_IsNull(item) ? 4u : cJSON_IsFalse(item) ? 5u : 1u);
}

/* Walks text and tree side by side and leaves in each item where it begins. */
static void locate(const ks__json *doc)
{
    cJSON *above[KS__SCAN_DEPTH];
    int depth = 0;
    size_t at = 0;
    for (cJSON *item = doc->root; item;) {
        at = find_item(doc->text.data, at, item);
        item->valuedouble = (double)at;
        at = item_end(doc, item, at);
        if (item->child) {
            above[depth++] = item;
            item = item->child;
            continue;
        }
        while (!item->next && depth > 0)
            item = above[--depth];
        item = item->next;
    }
}

/* The scanner's word, with line and column before it. */
static bool fail_scan(ks__json *doc, size_t at, const ks_failure *failure)
{
    ks__position p = ks__position_of(doc->text.data, at);
    const char *file = doc->file ? doc->file : "";
    if (failure->code != KS_BAD_FILE)
        return ks__refuse_with(doc->g, failure);
    if (doc->file)
        snprintf(doc->place, sizeof doc->place, "%.200s:%lld:%lld", file, (long long)p.line, (long long)p.column);
    else
        snprintf(doc->place, sizeof doc->place, "line %lld, column %lld", (long long)p.line, (long long)p.column);
    doc->g->failing_in = doc->place;
    ks__refuse_with(doc->g, failure);
    ks__json_end(doc);
    return false;
}

bool ks__json_parse(ks__json *doc)
{
    ks_graph *g = doc->g;
    ks_failure failure = {.code = KS_OK};
    size_t at, size = doc->text.size;
    if (!ks__scan(doc->text.data, size, &g->options.allocator, &at, &failure))
        return fail_scan(doc, at, &failure);
    char *copy = ks__get(g, size + 1);
    if (!copy)
        return false;
    doc->root = cJSON_ParseWithLength(without_numbers(doc->text.data, size, copy), size + 1);
    ks__put(g, copy, size + 1);
    if (!doc->root)
        return ks__refuse(g, KS_NO_MEMORY, KS__NOWHERE, "out of memory: no room for the tree of a JSON text of %zu bytes", size);
    locate(doc);
    return true;
}

void ks__json_free(ks__json *doc)
{
    cJSON_Delete(doc->root);
    doc->root = NULL;
    ks_buffer_free(&doc->text);
    ks__json_end(doc);
}

int ks__json_line(ks__json *doc, const cJSON *item)
{
    size_t at = (size_t)item->valuedouble;
    if (at < doc->line_at || doc->line == 0) {
        doc->line_at = 0;
        doc->line = 1;
    }
    for (; doc->line_at < at; doc->line_at++)
        doc->line += doc->text.data[doc->line_at] == '\n' && doc->line < INT_MAX;
    return doc->line;
}

const char *ks__json_raw(const ks__json *doc, const cJSON *item, size_t *size)
{
    size_t start = (size_t)item->valuedouble, at = start;
    int depth = 0;
    do { /* brackets open and closed, texts skipped */
        char c = doc->text.data[at];
        depth += (c == '[' || c == '{') - (c == ']' || c == '}');
        at = c == '"' ? text_end(doc->text.data, at) : cJSON_IsArray(item) || cJSON_IsObject(item) ? at + 1 : item_end(doc, item, at);
    } while (depth > 0);
    *size = at - start;
    return doc->text.data + start;
}

/* ---- failing ------------------------------------------------------------------------------------------- */

const char *ks__json_shown(const char *text, char shown[KS__SHOWN_BYTES])
{
    size_t length = strlen(text), room = KS__SHOWN_BYTES - 8;
    bool cut = length > room;
    if (cut) {
        length = room;
        while (length > 0 && ((unsigned char)text[length] & 0xC0) == 0x80)
            length--;
    }
    for (size_t i = 0; i < length; i++)
        shown[i] = (unsigned char)text[i] < 0x20 || text[i] == 0x7F ? '?' : text[i];
    memcpy(shown + length, cut ? "..." : "", cut ? 4 : 1);
    return shown;
}

/* In small letters, cut: ReLU is meant as relu. */
static const char *small_letters(const char *word, char small[64])
{
    size_t n = 0;
    for (; word[n] && n < 63; n++)
        small[n] = word[n] >= 'A' && word[n] <= 'Z' ? (char)(word[n] + 'a' - 'A') : word[n];
    small[n] = 0;
    return small;
}

const char *ks__json_guess(const char *word, const char *const *words, char guess[KS__GUESS_BYTES])
{
    const char *best = NULL;
    char meant[64], small[64];
    small_letters(word, meant);
    int least = (int)(strlen(meant) / 3) + 1;
    for (; *words; words++) {
        int distance = ks__word_distance(meant, small_letters(*words, small));
        if (distance <= least && distance < (int)strlen(*words)) {
            least = distance - 1;
            best = *words;
        }
    }
    guess[0] = 0;
    if (best)
        snprintf(guess, KS__GUESS_BYTES, " (did you mean '%.100s'?)", best);
    return guess;
}

#define MOST_SPOTS 40

/* "nodes[3].inputs[1]"; a key that is no plain word stands in brackets and quotes. */
static size_t put_spot(char *out, size_t room, const ks__spot *spot)
{
    const ks__spot *way[MOST_SPOTS];
    int n = 0;
    size_t at = 0;
    for (; spot && n < MOST_SPOTS; spot = spot->in)
        way[n++] = spot;
    while (n-- > 0 && at + KS__SHOWN_BYTES + 8 < room) {
        char shown[KS__SHOWN_BYTES];
        const char *key = way[n]->key;
        if (!key)
            at += (size_t)snprintf(out + at, room - at, "[%lld]", (long long)way[n]->index);
        else if (*key && key[strspn(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")] == 0)
            at += (size_t)snprintf(out + at, room - at, "%s%s", at ? "." : "", ks__json_shown(key, shown));
        else
            at += (size_t)snprintf(out + at, room - at, "[\"%s\"]", ks__json_shown(key, shown));
    }
    return at;
}

void ks__json_begin(ks__json *doc, const ks__spot *spot, const cJSON *item, const char *name)
{
    size_t at = 0, room = sizeof doc->place;
    int line = item ? ks__json_line(doc, item) : 0;
    doc->place[0] = 0;
    if (doc->file)
        at = (size_t)snprintf(doc->place, room, line ? "%.200s:%d%s" : "%.200s", doc->file, line, spot ? ": " : "");
    at += put_spot(doc->place + at, room - at, spot);
    doc->g->failing_in = at ? doc->place : NULL;
    doc->g->composing = name;
    doc->g->composing_at = (ks_place){doc->g->source ? doc->g->source : "JSON", line};
}

void ks__json_end(ks__json *doc)
{
    doc->g->failing_in = NULL;
    doc->g->composing = NULL;
    doc->g->composing_at = KS__NOWHERE;
}

bool ks__json_fail(ks__json *doc, const ks__spot *spot, const cJSON *item, ks_code code, const char *format, ...)
{
    ks_failure failure = {.code = KS_OK};
    va_list arguments;
    va_start(arguments, format);
    ks__fail_va(&failure, code, format, arguments);
    va_end(arguments);
    ks__json_begin(doc, spot, item ? item : doc->root, NULL);
    ks__refuse_with(doc->g, &failure);
    ks__json_end(doc);
    return false;
}

/* ---- reading ------------------------------------------------------------------------------------------- */

const char *ks__json_what(const ks__json *doc, const cJSON *item, char shown[KS__SHOWN_BYTES + 16])
{
    if (cJSON_IsString(item)) {
        memcpy(shown, "the text '", 10);
        ks__json_shown(item->valuestring, shown + 10);
        strcat(shown, "'");
        return shown;
    }
    if (cJSON_IsNumber(item)) {
        size_t size;
        const char *raw = ks__json_raw(doc, item, &size);
        snprintf(shown, KS__SHOWN_BYTES, "the number %.*s", (int)(size < 40 ? size : 40), raw);
        return shown;
    }
    if (!item)
        return "nothing";
    return cJSON_IsArray(item)    ? "a list"
           : cJSON_IsObject(item) ? "an object"
           : cJSON_IsTrue(item)   ? "true"
           : cJSON_IsFalse(item)  ? "false"
                                  : "null";
}

bool ks__json_keys(ks__json *doc, const ks__spot *spot, const cJSON *object, const char *const *known, const char *whose)
{
    const cJSON *item;
    cJSON_ArrayForEach (item, object) {
        char shown[KS__SHOWN_BYTES], guess[KS__GUESS_BYTES], list[200];
        size_t at = 0;
        int i = 0;
        while (known[i] && strcmp(known[i], item->string) != 0)
            i++;
        if (known[i])
            continue;
        list[0] = 0;
        for (i = 0; known[i] && at < sizeof list - 24; i++)
            at += (size_t)snprintf(list + at, sizeof list - at, "%s%.20s", i ? ", " : "", known[i]);
        ks__json_guess(item->string, known, guess);
        return ks__json_fail(doc, spot, item, KS_BAD_FILE, "unknown key '%s'%s: %s has %s", ks__json_shown(item->string, shown), guess,
                             whose, list);
    }
    return true;
}

static bool fail_type(ks__json *doc, const ks__spot *spot, const cJSON *item, const char *wanted)
{
    char shown[KS__SHOWN_BYTES + 16];
    return ks__json_fail(doc, spot, item, KS_BAD_FILE, "%s was expected, not %s", wanted, ks__json_what(doc, item, shown));
}

const char *ks__json_text(ks__json *doc, const ks__spot *spot, const cJSON *item)
{
    if (cJSON_IsString(item))
        return item->valuestring;
    fail_type(doc, spot, item, "a text in double quotes");
    return NULL;
}

const char *ks__json_name(ks__json *doc, const ks__spot *spot, const cJSON *item)
{
    char shown[KS__SHOWN_BYTES];
    const char *name = ks__json_text(doc, spot, item);
    if (!name || ks__name_valid(name))
        return name;
    ks__json_fail(doc, spot, item, KS_BAD_FILE, "'%s' is no name: a name has 1 to 200 letters, digits and _.:/-",
                  ks__json_shown(name, shown));
    return NULL;
}

bool ks__json_bool(ks__json *doc, const ks__spot *spot, const cJSON *item, bool *value)
{
    *value = cJSON_IsTrue(item);
    return cJSON_IsBool(item) || fail_type(doc, spot, item, "true or false");
}

bool ks__json_i64(ks__json *doc, const ks__spot *spot, const cJSON *item, int64_t low, int64_t high, int64_t *value)
{
    size_t size;
    if (!cJSON_IsNumber(item))
        return fail_type(doc, spot, item, "a whole number");
    const char *raw = ks__json_raw(doc, item, &size);
    ks__number_status status = ks__i64_parse(raw, size, value);
    if (status == KS__NUMBER_BAD)
        return fail_type(doc, spot, item, "a whole number without point and exponent");
    if (status == KS__NUMBER_OK && *value >= low && *value <= high)
        return true;
    return ks__json_fail(doc, spot, item, KS_BAD_FILE, "%.*s is outside %lld to %lld", (int)(size < 40 ? size : 40), raw, (long long)low,
                         (long long)high);
}

bool ks__json_u64(ks__json *doc, const ks__spot *spot, const cJSON *item, uint64_t *value)
{
    size_t size;
    if (!cJSON_IsNumber(item))
        return fail_type(doc, spot, item, "a whole number from 0 on");
    const char *raw = ks__json_raw(doc, item, &size);
    bool fits = true;
    *value = 0;
    for (size_t i = 0; i < size; i++) {
        if (!is_digit(raw[i]))
            return fail_type(doc, spot, item, "a whole number from 0 on");
        fits = fits && !__builtin_mul_overflow(*value, (uint64_t)10, value) &&
               !__builtin_add_overflow(*value, (uint64_t)(raw[i] - '0'), value);
    }
    return fits || ks__json_fail(doc, spot, item, KS_BAD_FILE, "%.*s is beyond 18446744073709551615", (int)(size < 40 ? size : 40), raw);
}

bool ks__json_f64(ks__json *doc, const ks__spot *spot, const cJSON *item, double *value)
{
    size_t size;
    if (cJSON_IsString(item)) {
        const char *word = item->valuestring;
        *value = !strcmp(word, "NaN") ? (double)NAN : !strcmp(word, "-Infinity") ? -(double)INFINITY : (double)INFINITY;
        if (isnan(*value) || *value < 0 || !strcmp(word, "Infinity"))
            return true;
    }
    if (!cJSON_IsNumber(item))
        return fail_type(doc, spot, item, "a number");
    const char *raw = ks__json_raw(doc, item, &size);
    ks__f64_parse(raw, size, value); /* the scanner has seen that it is in range */
    return true;
}
