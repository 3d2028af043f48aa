/*
 * cli/grad.c - keisan grad: derivatives of one node with respect to others.
 */
#include "commands.h"
#include "feed.h"
#include "output.h"

#include <stdlib.h>

/* --wrt, or every trainable variable that `of` depends on. `x` has room for every node of the graph. */
static int choose(const model *m, const args *a, ks_node *of, ks_node **x, int *count)
{
    *count = 0;
    for (int i = 0; i < a->wrt.count; i++) {
        if (!(x[(*count)++] = model_node(m, a->wrt.at[i])))
            return BAD_INPUT;
    }
    if (*count)
        return DONE;
    bool *needed = model_needs(m, &of, 1);
    if (!needed)
        return complain_memory();
    for (int64_t i = 0; i < ks_node_count(m->graph); i++) {
        if (needed[i] && ks_is_trainable(ks_node_at(m->graph, i)))
            x[(*count)++] = ks_node_at(m->graph, i);
    }
    free(needed);
    if (*count)
        return DONE;
    complain("%s: '%s' depends on no trainable variable: name nodes with --wrt", m->path, ks_name(of));
    return BAD_INPUT;
}

static int differentiate(const model *m, const args *a, ks_node **x, ks_node **dx, result *results)
{
    int count, status;
    ks_node *of = model_node_or(m, a->of, "loss", "of");
    status = of ? choose(m, a, of, x, &count) : BAD_INPUT;
    if (!status)
        status = model_check_fed(m, &of, 1, "feed");
    if (status)
        return status;
    if (!ks_gradients(of, x, count, NULL, dx) || !ks_eval_all(dx, count))
        return model_failed(m);
    for (int i = 0; i < count; i++) {
        const char *why = ks_why_no_gradient(of, x[i]);
        if (why)
            remark("%s: %s", m->path, why);
    }
    for (int i = 0; i < count; i++)
        results[i] = (result){a->wrt.count ? a->wrt.at[i] : ks_name(x[i]), dx[i]};
    return output_write(m, results, count, a);
}

static int run(const args *a)
{
    model m = {0};
    int status = output_check(a);
    if (!status)
        status = model_open(&m, a->files.at[0], a, NULL);
    if (!status)
        status = feed_all(&m, a);
    if (!status) {
        size_t most = (size_t)ks_node_count(m.graph) + (size_t)a->wrt.count + 1;
        ks_node **x = calloc(most, sizeof(ks_node *)), **dx = calloc(most, sizeof(ks_node *));
        result *results = calloc(most, sizeof *results);
        status = x && dx && results ? differentiate(&m, a, x, dx, results) : complain_memory();
        free(x);
        free(dx);
        free(results);
    }
    model_close(&m);
    return status;
}

static const option options[] = {
    {"of", OPTION_TEXT, FIELD(of), "NODE", "what is differentiated (the sum of its elements); default: the output loss"},
    {"wrt", OPTION_NAMES, FIELD(wrt), "NODE,...", "with respect to what; default: every trainable variable it depends on"},
    OPTION_FEED,
    OPTION_DATA,
    OPTION_ROWS,
    {"out", OPTION_TEXT, FIELD(out), "FILE.npy", "write the one result there instead of printing it"},
    OPTION_JSON,
    OPTION_CAST,
    OPTION_SEED,
    OPTION_THREADS,
    OPTION_DIGITS,
    {0},
};

const command grad_command = {
    .name = "grad",
    .usage = "MODEL --of loss --wrt NODE,... --feed NAME=VALUE ...",
    .summary = "Differentiates one node with respect to others",
    .doc = "Any pair of nodes will do. Each result bears the name of what it was differentiated by.",
    .options = options,
    .least = 1,
    .most = 1,
    .run = run,
};
