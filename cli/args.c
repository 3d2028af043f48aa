/*
 * cli/args.c - reads the command line by the tables, and prints them as help.
 *
 * "--name value" and "--name=value" are the same; "--" ends the options. A mistake is one line that names the option and
 * what it takes, and suggests the nearest.
 */
#include "args.h"
#include "output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- near misses --------------------------------------------------------------------------------------- */

int word_distance(const char *a, const char *b)
{
    int row[64];
    int n = (int)strnlen(b, 60);
    for (int j = 0; j <= n; j++)
        row[j] = j;
    for (int i = 1; a[i - 1] && i < 60; i++) {
        int diagonal = row[0];
        row[0] = i;
        for (int j = 1; j <= n; j++) {
            int change = diagonal + (a[i - 1] != b[j - 1]), shift = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            diagonal = row[j];
            row[j] = change < shift ? change : shift;
        }
    }
    return row[n];
}

int word_reach(const char *name)
{
    return (int)strlen(name) / 3 + 1;
}

const command *command_named(const char *name)
{
    for (const command *const *c = commands; *c; c++) {
        if (!strcmp((*c)->name, name))
            return *c;
    }
    return NULL;
}

const char *command_near(const char *name)
{
    const char *best = NULL;
    int least = word_reach(name) + 1;
    for (const command *const *c = commands; *c; c++) {
        int distance = word_distance(name, (*c)->name);
        if (distance < least) {
            least = distance;
            best = (*c)->name;
        }
    }
    return best;
}

static const char *option_near(const command *cmd, const char *name)
{
    const char *best = NULL;
    int least = word_reach(name) + 1;
    for (const option *o = cmd->options; o && o->name; o++) {
        int distance = word_distance(name, o->name);
        if (distance < least) {
            least = distance;
            best = o->name;
        }
    }
    return best;
}

/* ---- reading ------------------------------------------------------------------------------------------- */

static bool push(words *list, char *word, int most)
{
    if (!list->at)
        list->at = calloc((size_t)most, sizeof *list->at);
    if (!list->at)
        return false;
    list->at[list->count++] = word;
    return true;
}

/* Splits at the commas in place: argv is ours to change. */
static bool push_names(words *list, char *text)
{
    int most = list->count + 1;
    for (const char *c = text; *c; c++)
        most += *c == ',';
    char **at = realloc(list->at, (size_t)most * sizeof *at);
    if (!at)
        return false;
    list->at = at;
    for (char *rest = text, *name; (name = strsep(&rest, ",")) != NULL;)
        list->at[list->count++] = name;
    return true;
}

static int set_number(const option *o, void *field, const char *text, const char *name)
{
    char *end;
    errno = 0;
    double value = strtod(text, &end);
    bool whole = o->kind == OPTION_WHOLE;
    if (!*text || *end || errno || !(value >= o->least && value <= o->most) || (whole && value != (double)(int64_t)value)) {
        complain("%s: --%s takes a %s from %.15g to %.15g, not '%s'", name, o->name, whole ? "whole number" : "number", o->least, o->most,
                 text);
        return BAD_INPUT;
    }
    if (whole)
        *(int64_t *)field = (int64_t)value;
    else
        *(double *)field = value;
    return DONE;
}

static int set_option(args *a, const option *o, char *value, int argc)
{
    void *field = (char *)a + o->field;
    switch (o->kind) {
    case OPTION_FLAG:
        *(bool *)field = true;
        return DONE;
    case OPTION_TEXT:
        *(const char **)field = value;
        return DONE;
    case OPTION_WORDS:
        return push(field, value, argc) ? DONE : complain_memory();
    case OPTION_NAMES:
        return push_names(field, value) ? DONE : complain_memory();
    default:
        return set_number(o, field, value, a->command->name);
    }
}

/* One option at argv[*i], whose value may be the next word. */
static int read_option(args *a, int argc, char **argv, int *i)
{
    const command *cmd = a->command;
    char *word = argv[*i], *value = strchr(word, '=');
    int length = (int)(value ? value - word : (ptrdiff_t)strlen(word)) - 2;
    for (const option *o = cmd->options; o && o->name; o++) {
        if ((int)strlen(o->name) != length || strncmp(o->name, word + 2, (size_t)length) != 0)
            continue;
        if (o->kind == OPTION_FLAG && value) {
            complain("%s: --%s takes no value", cmd->name, o->name);
            return BAD_INPUT;
        }
        if (o->kind != OPTION_FLAG && !value && *i + 1 == argc) {
            complain("%s: --%s needs a value: --%s %s", cmd->name, o->name, o->name, o->value);
            return BAD_INPUT;
        }
        if (o->kind != OPTION_FLAG)
            value = value ? value + 1 : argv[++*i];
        if (o->field == FIELD(seed))
            a->has_seed = true;
        return set_option(a, o, value, argc);
    }
    char name[64];
    snprintf(name, sizeof name, "%.*s", length, word + 2);
    const char *near = option_near(cmd, name);
    if (near)
        complain("%s: no option --%s: did you mean --%s?", cmd->name, name, near);
    else
        complain("%s: no option --%s: 'keisan %s --help' lists them", cmd->name, name, cmd->name);
    return BAD_INPUT;
}

static int check_whole(const args *a)
{
    const command *cmd = a->command;
    if (a->files.count < cmd->least) {
        complain("%s: a file is missing: keisan %s %s", cmd->name, cmd->name, cmd->usage);
        return BAD_INPUT;
    }
    if (a->files.count > cmd->most) {
        complain("%s: '%s' is one too many: keisan %s %s", cmd->name, a->files.at[cmd->most], cmd->name, cmd->usage);
        return BAD_INPUT;
    }
    for (const option *o = cmd->options; o && o->name; o++) {
        if (o->required && !*(const char *const *)((const char *)a + o->field)) {
            complain("%s: --%s %s is missing: %s", cmd->name, o->name, o->value, o->doc);
            return BAD_INPUT;
        }
    }
    return DONE;
}

int args_parse(args *a, const command *cmd, int argc, char **argv)
{
    bool options = true;
    *a = (args){.command = cmd, .digits = 6, .tolerance = 1e-6, .epochs = 1};
    for (int i = 0; i < argc; i++) {
        int status = DONE;
        if (options && !strcmp(argv[i], "--"))
            options = false;
        else if (options && (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")))
            a->help = true;
        else if (options && !strncmp(argv[i], "--", 2))
            status = read_option(a, argc, argv, &i);
        else if (options && argv[i][0] == '-' && argv[i][1])
            status = (complain("%s: no option %s: options have two dashes", cmd->name, argv[i]), BAD_INPUT);
        else if (!push(&a->files, argv[i], argc))
            status = complain_memory();
        if (status)
            return status;
    }
    return a->help ? DONE : check_whole(a);
}

void args_free(args *a)
{
    free(a->files.at);
    free(a->feeds.at);
    free(a->fetch.at);
    free(a->wrt.at);
}

/* ---- help ---------------------------------------------------------------------------------------------- */

void help_command(FILE *file, const command *cmd)
{
    fprintf(file, "keisan %s %s\n\n%s.\n", cmd->name, cmd->usage, cmd->summary);
    if (cmd->doc)
        fprintf(file, "%s\n", cmd->doc);
    if (!cmd->options)
        return;
    fprintf(file, "\n");
    for (const option *o = cmd->options; o->name; o++) {
        char left[64];
        snprintf(left, sizeof left, "--%s%s%s", o->name, o->value ? " " : "", o->value ? o->value : "");
        fprintf(file, "  %-24s %s%s\n", left, o->doc, o->required ? " (needed)" : "");
    }
}

void help_all(FILE *file)
{
    fprintf(file, "keisan %s: computation graphs and automatic differentiation\n\n", ks_version());
    for (const command *const *c = commands; *c; c++)
        fprintf(file, "  keisan %-6s %s\n", (*c)->name, (*c)->summary);
    fprintf(file, "\n'keisan NAME --help' tells the options. MODEL is a graph as JSON.\n"
                  "Exit status: 0 done, 1 the answer is no, 2 bad usage or input, 3 the machine failed,\n"
                  "130 interrupted after a checkpoint.\n");
}
