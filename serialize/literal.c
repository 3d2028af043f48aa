/*
 * serialize/literal.c - arrays written as text.
 *
 * Lists are walked with a counter a level, never by recursion. The first list of a level fixes the length of all the others;
 * one that differs is ragged, and the message says where it is in the array: at [1][0].
 */
#include "serialize/literal.h"
#include "serialize/io.h"
#include "serialize/number.h"
#include "graph/failure.h"
#include "graph/memory.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- reading ------------------------------------------------------------------------------------------- */

typedef struct literal {
    const char *begin, *at, *end;
    ks_dtype dtype;
    int level, rank;             /* lists that are open; depth of the elements, -1: not met */
    int64_t place[KS_MAX_RANK];  /* items of each open list so far */
    int64_t length[KS_MAX_RANK]; /* of the lists of a level, -1: not known */
    char *data;
    size_t count, capacity;
    const ks_allocator *allocator;
    ks_failure *failure;
} literal;

#define PLACE_TEXT 200

/* "character 7, at [1][0]" */
static const char *place_of(const literal *l, int levels, char text[PLACE_TEXT])
{
    int at = snprintf(text, PLACE_TEXT, "character %zu%s", (size_t)(l->at - l->begin) + 1, levels ? ", at " : "");
    for (int i = 0; i < levels; i++)
        at += snprintf(text + at, PLACE_TEXT - (size_t)at, "[%lld]", (long long)l->place[i]);
    return text;
}

static bool bad(const literal *l, const char *what)
{
    char place[PLACE_TEXT];
    return ks__fail(l->failure, KS_BAD_FILE, "%s: %s", place_of(l, l->level, place), what);
}

static void skip(literal *l)
{
    while (l->at < l->end && (*l->at == ' ' || *l->at == '\t' || *l->at == '\n' || *l->at == '\r'))
        l->at++;
}

static bool reserve(literal *l)
{
    size_t size = ks_dtype_size(l->dtype);
    if (l->count < l->capacity)
        return true;
#ifdef KS_TORTURE
    size_t capacity = l->count + 1;
#else
    size_t capacity = l->capacity ? l->capacity * 2 : 16;
#endif
    char *data = ks__allocate(l->allocator, l->data, l->capacity * size, capacity * size);
    if (!data)
        return ks__fail_memory(l->failure, capacity * size);
    l->data = data;
    l->capacity = capacity;
    return true;
}

/* The element's text: up to a comma, bracket or space. */
static size_t token(const literal *l)
{
    size_t size = 0, left = (size_t)(l->end - l->at);
    while (size < left && !strchr(",[] \t\r\n", l->at[size]))
        size++;
    return size;
}

static bool is_word(const char *text, size_t size, const char *word)
{
    if (size >= 2 && text[0] == '"' && text[size - 1] == '"') {
        text++;
        size -= 2;
    }
    return size == strlen(word) && !memcmp(text, word, size);
}

/* Reads the words that are no number into *value. */
static bool read_word(const char *text, size_t size, double *value)
{
    bool quotes = size && *text == '"';
    if (is_word(text, size, "NaN"))
        *value = (double)NAN;
    else if (is_word(text, size, "Infinity"))
        *value = (double)INFINITY;
    else if (is_word(text, size, "-Infinity"))
        *value = -(double)INFINITY;
    else if (!quotes && is_word(text, size, "true"))
        *value = 1;
    else if (!quotes && is_word(text, size, "false"))
        *value = 0;
    else
        return false;
    return true;
}

static bool put_whole(const literal *l, double value, void *out)
{
    static const double least[KS_DTYPES] = {[KS_I32] = -0x1p31, [KS_I64] = -0x1p63};
    static const double beyond[KS_DTYPES] = {[KS_I32] = 0x1p31, [KS_I64] = 0x1p63, [KS_U8] = 256, [KS_BOOL] = 2};
    if (!(value >= least[l->dtype] && value < beyond[l->dtype]) || value != floor(value))
        return false;
    int64_t whole = (int64_t)value;
    if (l->dtype == KS_I64)
        *(int64_t *)out = whole;
    else if (l->dtype == KS_I32)
        *(int32_t *)out = (int32_t)whole;
    else
        *(uint8_t *)out = (uint8_t)whole;
    return true;
}

/* The number as an element of dtype; KS__NUMBER_RANGE when it has no place there. */
static ks__number_status convert(const literal *l, const char *text, size_t size, void *out)
{
    double value;
    int64_t whole;
    bool real = l->dtype == KS_F32 || l->dtype == KS_F64;
    if (read_word(text, size, &value)) {
        if (l->dtype == KS_F64)
            *(double *)out = value;
        else if (l->dtype == KS_F32)
            *(float *)out = (float)value;
        return real || put_whole(l, value, out) ? KS__NUMBER_OK : KS__NUMBER_RANGE;
    }
    if (real)
        return l->dtype == KS_F32 ? ks__f32_parse(text, size, out) : ks__f64_parse(text, size, out);
    if (ks__number_whole(text, size) && l->dtype == KS_I64)
        return ks__i64_parse(text, size, out);
    if (ks__number_whole(text, size) && ks__i64_parse(text, size, &whole) == KS__NUMBER_OK)
        return put_whole(l, (double)whole, out) ? KS__NUMBER_OK : KS__NUMBER_RANGE;
    ks__number_status status = ks__f64_parse(text, size, &value);
    return status != KS__NUMBER_OK || put_whole(l, value, out) ? status : KS__NUMBER_RANGE;
}

static bool element(literal *l)
{
    if (l->rank >= 0 && l->rank != l->level)
        return bad(l, l->level < l->rank ? "a list is expected here, as at its neighbours"
                                         : "a number is expected here, as at its neighbours");
    l->rank = l->level;
    if (!reserve(l))
        return false;
    size_t size = token(l), span = ks_dtype_size(l->dtype);
    if (!size)
        return bad(l, "a number or a list expected");
    ks__number_status status = convert(l, l->at, size, l->data + l->count * span);
    if (status != KS__NUMBER_OK) {
        char place[PLACE_TEXT];
        place_of(l, l->level, place);
        return ks__fail(l->failure, status == KS__NUMBER_BAD ? KS_BAD_FILE : KS_BAD_DTYPE,
                        status == KS__NUMBER_BAD ? "%s: '%.*s' is no number" : "%s: %.*s does not fit %s", place,
                        (int)(size < 40 ? size : 40), l->at, ks_dtype_name(l->dtype));
    }
    l->count++;
    l->at += size;
    return true;
}

static bool open_list(literal *l)
{
    if (l->level == KS_MAX_RANK)
        return bad(l, "lists within lists, more than 8 deep");
    if (l->rank >= 0 && l->level >= l->rank)
        return bad(l, "a number is expected here, as at its neighbours");
    l->at++;
    l->place[l->level++] = 0;
    return true;
}

static bool close_list(literal *l)
{
    int level = l->level - 1;
    int64_t length = l->place[level];
    if (l->length[level] >= 0 && l->length[level] != length) {
        char place[PLACE_TEXT];
        return ks__fail(l->failure, KS_BAD_SHAPE,
                        "%s: a list of %lld where its neighbours have %lld: all lists of a level are equally long",
                        place_of(l, level, place), (long long)length, (long long)l->length[level]);
    }
    if (length == 0 && l->rank < 0)
        l->rank = l->level;
    l->length[level] = length;
    l->level = level;
    l->at++;
    return true;
}

/* One item of the open list was read: what may follow is a comma, or the end of this list and others. */
static bool after_item(literal *l)
{
    for (;;) {
        skip(l);
        if (l->level == 0)
            return true;
        l->place[l->level - 1]++;
        if (l->at == l->end)
            return bad(l, "the text ends within a list: ']' expected");
        if (*l->at == ',') {
            l->at++;
            return true;
        }
        if (*l->at != ']')
            return bad(l, "',' or ']' expected");
        if (!close_list(l))
            return false;
    }
}

static bool walk(literal *l)
{
    for (bool fresh = true;;) { /* fresh: a list that has just begun, which may be empty */
        skip(l);
        if (l->at == l->end)
            return bad(l, l->level ? "the text ends within a list: ']' expected" : "a number or a list expected");
        if (*l->at == '[') {
            if (!open_list(l))
                return false;
            fresh = true;
            continue;
        }
        bool empty = fresh && l->level && *l->at == ']';
        if (!(empty ? close_list(l) : element(l)) || !after_item(l))
            return false;
        if (l->level == 0)
            return l->at == l->end || bad(l, "nothing may follow the value");
        fresh = false;
    }
}

bool ks__literal_read(ks__array *array, const char *text, size_t size, ks_dtype dtype, const ks_allocator *allocator, ks_failure *failure)
{
    literal l = {.begin = text, .at = text, .end = text + size, .dtype = dtype, .rank = -1, .allocator = allocator, .failure = failure};
    memset(l.length, 0xff, sizeof l.length);
    *array = (ks__array){.dtype = dtype};
    bool good = walk(&l);
    ks_shape shape = {.rank = good ? l.rank : 0};
    for (int i = 0; i < shape.rank; i++)
        shape.dim[i] = l.length[i];
    size_t span = ks_dtype_size(dtype);
    good = good && ks__array_new(array, dtype, &shape, allocator, failure);
    if (good && l.count)
        memcpy(array->data, l.data, l.count * span);
    ks__allocate(allocator, l.data, l.capacity * span, 0);
    return good;
}

/* ---- writing ------------------------------------------------------------------------------------------- */

static size_t text_of(ks_dtype dtype, const void *data, size_t i, char text[KS__NUMBER_BYTES])
{
    switch (dtype) {
    case KS_F32:
        return ks__f32_text(((const float *)data)[i], text);
    case KS_F64:
        return ks__f64_text(((const double *)data)[i], text);
    case KS_I32:
        return ks__i64_text(((const int32_t *)data)[i], text);
    case KS_I64:
        return ks__i64_text(((const int64_t *)data)[i], text);
    case KS_U8:
        return ks__i64_text(((const uint8_t *)data)[i], text);
    default:
        strcpy(text, ((const uint8_t *)data)[i] ? "true" : "false");
        return strlen(text);
    }
}

static bool finite_at(ks_dtype dtype, const void *data, size_t i)
{
    return dtype == KS_F32 ? isfinite(((const float *)data)[i]) : dtype != KS_F64 || isfinite(((const double *)data)[i]);
}

static bool write_element(const ks_writer *writer, ks_dtype dtype, const void *data, size_t i)
{
    char text[KS__NUMBER_BYTES];
    bool quotes = !finite_at(dtype, data, i);
    size_t size = text_of(dtype, data, i, text);
    return (!quotes || ks__write(writer, "\"", 1)) && ks__write(writer, text, size) && (!quotes || ks__write(writer, "\"", 1));
}

bool ks__literal_write(const ks_writer *writer, ks_dtype dtype, const ks_shape *shape, const void *data)
{
    static const char open[] = "[[[[[[[[", close[] = "]]]]]]]]";
    int64_t index[KS_MAX_RANK] = {0};
    int rank = shape->rank, first_empty = 0;
    while (first_empty < rank && shape->dim[first_empty] > 0)
        first_empty++;
    int depth = first_empty < rank ? first_empty : rank; /* lists to walk; below an empty dimension nothing is seen */
    if (!ks__write(writer, open, (size_t)depth))
        return false;
    for (size_t i = 0;; i++) {
        if (!(depth < rank ? ks__write_text(writer, "[]") : write_element(writer, dtype, data, i)))
            return false;
        int ended = 0;
        for (int d = depth - 1; d >= 0 && ++index[d] == shape->dim[d]; d--, ended++)
            index[d] = 0;
        if (!ks__write(writer, close, (size_t)ended))
            return false;
        if (ended == depth)
            return true;
        if (!ks__write(writer, ", ", 2) || !ks__write(writer, open, (size_t)ended))
            return false;
    }
}
