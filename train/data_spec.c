/*
 * train/data_spec.c - "x=images.gz:flatten:scale=255,t=labels.gz" taken apart.
 *
 * Columns are parted by commas, what is done to one by colons; a backslash before a comma, a colon or a backslash makes it part of the
 * file's name.
 */
#include "train/data.h"
#include "serialize/number.h"

#include <math.h>
#include <string.h>

/* Ends the word that begins at *at before the next comma or colon, without its backslashes. The mark that ended it, 0 at the end. */
static char next_word(char **at, char **word)
{
    char *from = *at, *to = *at;
    *word = *at;
    while (*from && *from != ',' && *from != ':') {
        if (*from == '\\' && from[1] && strchr(",:\\", from[1]))
            from++;
        *to++ = *from++;
    }
    char mark = *from;
    *to = 0;
    *at = mark ? from + 1 : from;
    return mark;
}

static bool refuse(const ks_data *data, const char *input, const char *what, const char *word)
{
    return ks__refuse(data->graph, KS_BAD_ARGUMENT, KS__NOWHERE, "data for '%s': %s '%s'", input, what, word);
}

static bool read_option(ks_data *data, ks__column *column, const char *word)
{
    if (!strcmp(word, "flatten")) {
        column->flatten = true;
        return true;
    }
    if (!strncmp(word, "scale=", 6)) {
        if (column->scaled)
            return refuse(data, column->input, "scale stands there twice:", word);
        column->scaled = true;
        if (ks__f64_parse(word + 6, strlen(word + 6), &column->scale) != KS__NUMBER_OK || column->scale == 0)
            return refuse(data, column->input, "scale= takes a number to divide by, such as scale=255, not", word + 6);
        return true;
    }
    char key[32] = {0};
    strncpy(key, word, strcspn(word, "=") < 31 ? strcspn(word, "=") : 31);
    if (ks__word_distance(key, "flatten") <= 3)
        return refuse(data, column->input, "did you mean 'flatten'? There is no", word);
    if (ks__word_distance(key, "scale") <= 2)
        return refuse(data, column->input, "did you mean 'scale=255'? There is no", word);
    return refuse(data, column->input, "after a file may stand :flatten and :scale=NUMBER (a colon in its name is written \\:), not", word);
}

/* One "x=images.gz:flatten". */
static bool read_column(ks_data *data, ks__column *column, char **at, char *mark)
{
    char *word;
    *mark = next_word(at, &word);
    char *equals = strchr(word, '=');
    if (!equals || equals == word || !equals[1])
        return ks__refuse(data->graph, KS_BAD_ARGUMENT, KS__NOWHERE,
                          "data: '%s' is no INPUT=FILE, such as x=images.gz:flatten:scale=255,t=labels.gz", word);
    *equals = 0;
    *column = (ks__column){.input = word, .path = equals + 1, .scale = 1};
    while (*mark == ':') {
        *mark = next_word(at, &word);
        if (!read_option(data, column, word))
            return false;
    }
    for (const ks__column *other = data->columns; other < column; other++) {
        if (!strcmp(other->input, column->input))
            return refuse(data, column->input, "it stands there twice, the second time with", column->path);
    }
    return true;
}

bool ks__data_spec(ks_data *data)
{
    char *at = data->text, mark = ',';
    while (mark == ',') {
        if (!read_column(data, &data->columns[data->count], &at, &mark))
            return false;
        data->count++;
    }
    return true;
}
