/*
 * cli/feed.c - values for inputs: a text that is JSON is a literal, another names a file, @ forces a file.
 */
#include "feed.h"
#include "output.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

/* Whether the text begins as a JSON value does; what a broken literal should be is then said by its reader. */
static bool is_literal(const char *text)
{
    static const char *const constants[] = {"true", "false", "null"};
    text += strspn(text, " \t\r\n");
    if (*text == '[' || *text == '{' || *text == '"')
        return true;
    for (size_t i = 0; i < sizeof constants / sizeof constants[0]; i++) {
        size_t n = strlen(constants[i]);
        if (!strncmp(text, constants[i], n) && !text[n + strspn(text + n, " \t\r\n")])
            return true;
    }
    /* A number: digits, signs, a point, an exponent and nothing else. */
    if (!isdigit((unsigned char)*text) && *text != '-')
        return false;
    text += strspn(text, "0123456789+-.eE");
    return !text[strspn(text, " \t\r\n")];
}

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), k = strlen(end);
    return n >= k && !strcmp(text + n - k, end);
}

/* Says what the graph keeps; the exit status. */
static int failed(const model *m, const ks_node *node, const char *flag, const args *a)
{
    const ks_failure *failure = ks_error(m->graph);
    if (!failure)
        return complain_failure(NULL, NULL);
    /* Most messages name the node; where one speaks of the file alone, the name goes before. */
    char place[256], name[256];
    snprintf(name, sizeof name, "'%.200s'", ks_name(node));
    bool named = strstr(failure->message, name) || strcmp(flag, "feed") != 0;
    snprintf(place, sizeof place, "--%s%s%.200s", flag, named ? "" : " ", named ? "" : ks_name(node));
    int status = complain_failure(place, failure);
    if (failure->code == KS_BAD_DTYPE && !a->cast)
        remark("--cast converts feeds even where digits are lost");
    return status;
}

/* A file of a kind that is not read, or that is not there: said in the command's own words. */
static int check_file(const char *flag, const char *path)
{
    static const char *const foreign[] = {".npz", ".safetensors", ".json", ".csv", ".png"};
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++) {
        if (!ends_with(path, foreign[i]))
            continue;
        complain("--%s: %s: %s files are not read: give a .npy or IDX file, or a literal such as [[1, 2], [3, 4]]", flag, path, foreign[i]);
        return BAD_INPUT;
    }
    FILE *file = fopen(path, "rb");
    if (!file) {
        complain("--%s: %s: %s (a literal is written as JSON: 2.5, [1, 2])", flag, path, strerror(errno));
        return BAD_INPUT;
    }
    fclose(file);
    return DONE;
}

int feed_node(const model *m, ks_node *node, const char *flag, const char *value, const args *a)
{
    if (*value != '@' && is_literal(value))
        return ks_feed_literal(node, value) ? DONE : failed(m, node, flag, a);
    const char *path = *value == '@' ? value + 1 : value;
    int status = check_file(flag, path);
    if (status)
        return status;
    return ks_feed_npy(node, path) ? DONE : failed(m, node, flag, a);
}

ks_data *feed_open(const model *m, const char *flag, const char *text, int *status)
{
    ks_data *data = ks_data_open(m->graph, text);
    const ks_failure *failure = ks_error(m->graph);
    if (!data && failure) {
        complain("--%s: %s", flag, failure->message + (strncmp(failure->message, "data: ", 6) ? 0 : 6));
        *status = status_of(failure->code);
    } else if (!data) {
        *status = complain_memory();
    }
    return data;
}

/* "3:100": from row 3 on, 100 rows; nothing: all there are. */
static int feed_rows(const model *m, const args *a, ks_data *data)
{
    long long first = 0, count = ks_data_rows(data);
    int length = 0;
    if (a->rows && (sscanf(a->rows, "%lld:%lld%n", &first, &count, &length) != 2 || a->rows[length] || first < 0 || count < 1)) {
        complain("--rows is FIRST:COUNT, as in 0:100, not '%s'", a->rows);
        return BAD_INPUT;
    }
    return ks_data_rows_feed(data, first, count) ? DONE : complain_failure(a->rows ? "--rows" : "--data", ks_error(m->graph));
}

static int feed_data(const model *m, const args *a)
{
    int status = DONE;
    if (!a->data && a->rows) {
        complain("--rows %s: rows of what? Give --data", a->rows);
        return BAD_INPUT;
    }
    ks_data *data = a->data ? feed_open(m, "data", a->data, &status) : NULL;
    if (data)
        status = feed_rows(m, a, data);
    ks_data_free(data);
    return status;
}

int feed_all(const model *m, const args *a)
{
    int status = feed_data(m, a);
    if (status)
        return status;
    for (int i = 0; i < a->feeds.count; i++) {
        char *text = a->feeds.at[i], *value = strchr(text, '=');
        if (!value || value == text) {
            complain("--feed %s: write NAME=VALUE, as in --feed x=2.5 or --feed x=x.npy", text);
            return BAD_INPUT;
        }
        *value = 0;
        ks_node *node = ks_find(m->graph, text);
        if (!node)
            node = model_node(m, text);
        if (!node)
            return BAD_INPUT;
        if (!ks_is_input(node) && !ks_is_variable(node)) {
            complain("%s: --feed %s: '%s' is computed (%s): only inputs and variables take a value", m->path, text, text,
                     ks_node_op_name(node));
            return BAD_INPUT;
        }
        status = feed_node(m, node, "feed", value + 1, a);
        if (status)
            return status;
    }
    return DONE;
}
