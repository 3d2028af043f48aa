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

static int feed_file(const model *m, ks_node *node, const char *flag, const char *path)
{
    static const char *const foreign[] = {".npz", ".safetensors", ".json", ".csv", ".png"};
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++) {
        if (ends_with(path, foreign[i])) {
            complain("--%s: %s: %s files are not read: give a .npy or IDX file, or a literal such as [[1, 2], [3, 4]]", flag, path,
                     foreign[i]);
            return BAD_INPUT;
        }
    }
    FILE *file = fopen(path, "rb");
    if (!file) {
        complain("--%s: %s: %s (a literal is written as JSON: 2.5, [1, 2])", flag, path, strerror(errno));
        return BAD_INPUT;
    }
    fclose(file);
    return ks_feed_npy(node, path) ? DONE : complain_failure(NULL, ks_error(m->graph));
}

int feed_node(const model *m, ks_node *node, const char *flag, const char *value, const args *a)
{
    int status;
    if (*value != '@' && is_literal(value))
        status = ks_feed_literal(node, value) ? DONE : complain_failure(NULL, ks_error(m->graph));
    else
        status = feed_file(m, node, flag, *value == '@' ? value + 1 : value);
    const ks_failure *failure = ks_error(m->graph);
    if (status && failure && failure->code == KS_BAD_DTYPE && !a->cast)
        remark("--cast converts feeds even where digits are lost");
    return status;
}

int feed_all(const model *m, const args *a)
{
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
            complain("%s: --feed %s: '%s' is a %s: only inputs and variables take a value", m->path, text, text, ks_node_op_name(node));
            return BAD_INPUT;
        }
        int status = feed_node(m, node, "feed", value + 1, a);
        if (status)
            return status;
    }
    return DONE;
}
