/*
 * train/named.c - optimisers from text: "adam", "sgd:rate=0.1", "momentum:rate=0.01,momentum=0.9".
 *
 * A field that stands in the text is taken as it stands, zero too; what does not is the book's default.
 */
#include "train/optimizer.h"
#include "serialize/number.h"
#include "serialize/training.h"

#include <string.h>

#define WORD 32

/* The word of `size` bytes as a text of its own, cut where it is too long to be any we know. */
static const char *word_of(const char *text, size_t size, char word[WORD])
{
    size = size < WORD - 1 ? size : WORD - 1;
    memcpy(word, text, size);
    word[size] = 0;
    return word;
}

/* " (did you mean 'rate'?)" */
static const char *near(const char *word, const char *best, int distance)
{
    return best && distance <= (int)strlen(word) / 3 + 1 ? best : NULL;
}

static int find_kind(const ks_node *loss, const char *word)
{
    const char *best = NULL;
    int least = 1000;
    for (int i = 0; i < KS__OPTIMIZER_KINDS; i++) {
        int distance = ks__word_distance(word, ks__optimizer_kinds[i].name);
        if (!distance)
            return i;
        if (distance < least) {
            least = distance;
            best = ks__optimizer_kinds[i].name;
        }
    }
    best = near(word, best, least);
    ks__refuse(loss->graph, KS_BAD_NAME, KS__NOWHERE, "optimiser: there is no '%s'%s%s%s; there are %s", word,
               best ? " (did you mean '" : "", best ? best : "", best ? "'?)" : "", ks__training_kinds());
    return -1;
}

static int find_field(const ks_node *loss, const ks__optimizer_kind *kind, const char *word)
{
    const char *best = NULL;
    int least = 1000;
    for (int i = 0; i < kind->field_count; i++) {
        int distance = ks__word_distance(word, kind->fields[i].name);
        if (!distance)
            return i;
        if (distance < least) {
            least = distance;
            best = kind->fields[i].name;
        }
    }
    best = near(word, best, least);
    ks__refuse(loss->graph, KS_BAD_NAME, KS__NOWHERE, "optimiser '%s': there is no '%s'%s%s%s; there are %s", kind->name, word,
               best ? " (did you mean '" : "", best ? best : "", best ? "'?)" : "", ks__training_fields(kind->name));
    return -1;
}

/* One "rate=0.1" of `size` bytes. */
static bool read_field(const ks_node *loss, const ks__optimizer_kind *kind, const char *text, size_t size, double *fields, unsigned *seen)
{
    char word[WORD];
    const char *equals = memchr(text, '=', size);
    if (!equals)
        return ks__refuse(loss->graph, KS_BAD_ARGUMENT, KS__NOWHERE, "optimiser '%s': '%s' is no FIELD=NUMBER, such as rate=0.1",
                          kind->name, word_of(text, size, word));
    int field = find_field(loss, kind, word_of(text, (size_t)(equals - text), word));
    if (field < 0)
        return false;
    if (*seen >> field & 1)
        return ks__refuse(loss->graph, KS_BAD_ARGUMENT, KS__NOWHERE, "optimiser '%s': '%s' stands there twice", kind->name, word);
    *seen |= 1u << field;
    const char *number = equals + 1;
    size_t length = size - (size_t)(number - text);
    if (ks__f64_parse(number, length, &fields[field]) == KS__NUMBER_OK)
        return true;
    return ks__refuse(loss->graph, KS_BAD_ARGUMENT, KS__NOWHERE, "optimiser '%s': %s is no number: '%s'", kind->name,
                      kind->fields[field].name, word_of(number, length, word));
}

ks_optimizer *ks_optimizer_named(ks_node *loss, const char *text)
{
    char word[WORD];
    double fields[KS__OPTIMIZER_FIELDS] = {0};
    if (!ks__usable(loss))
        return NULL;
    if (!text)
        return ks__null(loss->graph, KS_BAD_ARGUMENT, KS__NOWHERE, "optimiser: no text; there are %s", ks__training_kinds());
    size_t size = strcspn(text, ":");
    int which = find_kind(loss, word_of(text, size, word));
    if (which < 0)
        return NULL;
    const ks__optimizer_kind *kind = &ks__optimizer_kinds[which];
    for (int i = 0; i < kind->field_count; i++)
        fields[i] = kind->fields[i].usual;
    unsigned seen = 0;
    for (const char *at = text + size; *at; at += size) {
        size = strcspn(++at, ",");
        if (!read_field(loss, kind, at, size, fields, &seen))
            return NULL;
    }
    return ks__optimizer_make(loss, (ks_optimizer_kind)which, fields);
}
