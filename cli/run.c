/*
 * cli/run.c - keisan run: feeds, computes, prints or writes.
 */
#include "commands.h"
#include "feed.h"
#include "output.h"

#include <stdlib.h>
#include <string.h>

/* The fetched nodes, or the outputs that the feeds allow. */
static int choose(const model *m, const args *a, result *results, int *count)
{
    *count = 0;
    for (int i = 0; i < a->fetch.count; i++) {
        ks_node *node = model_node(m, a->fetch.at[i]);
        if (!node)
            return BAD_INPUT;
        results[(*count)++] = (result){a->fetch.at[i], node};
    }
    if (a->fetch.count)
        return DONE;
    if (!ks_output_count(m->graph)) {
        complain("%s: it has no outputs: name nodes with --fetch", m->path);
        return BAD_INPUT;
    }
    for (int i = 0; i < ks_output_count(m->graph); i++) {
        ks_node *node = ks_output_node(m->graph, i);
        if (model_fed(m, node))
            results[(*count)++] = (result){ks_output_name(m->graph, i), node};
    }
    if (*count)
        return DONE;
    /* Nothing can be computed: say what the first output lacks. */
    ks_node *first = ks_output_node(m->graph, 0);
    int status = model_check_fed(m, &first, 1, "feed");
    return status ? status : complain_memory();
}

static int compute(const model *m, const args *a, ks_node **nodes, int count)
{
    ks_run_options options = KS_RUN_OPTIONS_DEFAULT;
    options.mode = a->mode && !strcmp(a->mode, "train") ? KS_TRAIN : KS_INFER;
    int status = model_check_fed(m, nodes, count, "feed");
    if (status)
        return status;
    return ks_run(m->graph, nodes, count, NULL, 0, &options) ? DONE : model_failed(m);
}

static int check_usage(const args *a)
{
    if (a->mode && strcmp(a->mode, "train") != 0 && strcmp(a->mode, "infer") != 0) {
        complain("run: --mode is train or infer, not '%s'", a->mode);
        return BAD_INPUT;
    }
    return output_check(a);
}

static int work(const model *m, const args *a, result *results, ks_node **nodes)
{
    int count;
    int status = feed_all(m, a);
    if (!status)
        status = choose(m, a, results, &count);
    if (status)
        return status;
    for (int i = 0; i < count; i++)
        nodes[i] = results[i].node;
    status = compute(m, a, nodes, count);
    return status ? status : output_write(m, results, count, a);
}

static int run(const args *a)
{
    model m = {0};
    int status = check_usage(a);
    if (!status)
        status = model_open(&m, a->files.at[0], a, NULL);
    if (!status) {
        size_t most = (size_t)(a->fetch.count ? a->fetch.count : ks_output_count(m.graph)) + 1;
        result *results = calloc(most, sizeof *results);
        ks_node **nodes = calloc(most, sizeof(ks_node *));
        status = results && nodes ? work(&m, a, results, nodes) : complain_memory();
        free(results);
        free(nodes);
    }
    model_close(&m);
    return status;
}

static const option options[] = {
    OPTION_FEED,
    OPTION_DATA,
    OPTION_ROWS,
    {"fetch", OPTION_NAMES, FIELD(fetch), "NODE,...", "what to compute; default: the outputs that the feeds allow"},
    {"out", OPTION_TEXT, FIELD(out), "FILE.npy", "write the one result there instead of printing it"},
    OPTION_JSON,
    OPTION_CAST,
    {"mode", OPTION_TEXT, FIELD(mode), "train|infer", "how dropout and its like behave; default infer"},
    OPTION_SEED,
    OPTION_THREADS,
    OPTION_DIGITS,
    {0},
};

const command run_command = {
    .name = "run",
    .usage = "MODEL --feed NAME=VALUE ...",
    .summary = "Computes a model's outputs",
    .doc = "More than 1,000 elements are printed cut short; --json and --out give them all.\n"
           "Images become rows with --data x=images.gz:flatten:scale=255.",
    .options = options,
    .least = 1,
    .most = 1,
    .run = run,
};
