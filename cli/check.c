/*
 * cli/check.c - keisan check: chained derivatives against central differences, a row per parameter.
 */
#include "commands.h"
#include "feed.h"
#include "output.h"

#include <stdlib.h>
#include <string.h>

static const char *verdict(const ks_gradcheck_row *row, double tolerance)
{
    /* A NaN agrees with nothing. */
    return row->worst_relative <= tolerance ? "agrees" : "DIFFERS";
}

static void put_text(const ks_gradcheck_report *report, const args *a)
{
    int width = 9;
    for (int i = 0; i < report->count; i++) {
        int length = (int)strlen(report->rows[i].name);
        width = length > width ? length : width;
    }
    printf("%-*s  %9s  %12s  %12s\n", width, "parameter", "elements", "mean diff", "worst rel");
    for (int i = 0; i < report->count; i++) {
        const ks_gradcheck_row *row = &report->rows[i];
        const char *said = verdict(row, a->tolerance);
        printf("%-*s  %9lld  %12.2e  %12.2e  %s", width, row->name, (long long)row->elements, row->mean_difference, row->worst_relative,
               said);
        if (*said == 'D')
            printf(" at element %lld: analytic %.9g, numeric %.9g", (long long)row->worst_index, row->analytic, row->numeric);
        if (row->kinks)
            printf("; %lld at a kink", (long long)row->kinks);
        putchar('\n');
    }
}

static void put_json(const ks_gradcheck_report *report, const args *a)
{
    printf("{\"passed\": %s, \"tolerance\": ", report->passed ? "true" : "false");
    json_real(a->tolerance);
    printf(", \"parameters\": [");
    for (int i = 0; i < report->count; i++) {
        const ks_gradcheck_row *row = &report->rows[i];
        printf("%s{\"name\": ", i ? ",\n " : "");
        json_string(row->name);
        printf(", \"elements\": %lld, \"mean_difference\": ", (long long)row->elements);
        json_real(row->mean_difference);
        printf(", \"worst_relative\": ");
        json_real(row->worst_relative);
        printf(", \"worst_index\": %lld, \"analytic\": ", (long long)row->worst_index);
        json_real(row->analytic);
        printf(", \"numeric\": ");
        json_real(row->numeric);
        printf(", \"kinks\": %lld}", (long long)row->kinks);
    }
    printf("]}\n");
}

/* --wrt; else nothing, which means the trainable variables; where there are none, the inputs with a derivative. */
static int choose(const model *m, const args *a, ks_node *of, ks_node **x, int *count)
{
    *count = 0;
    for (int i = 0; i < a->wrt.count; i++) {
        if (!(x[(*count)++] = model_node(m, a->wrt.at[i])))
            return BAD_INPUT;
    }
    bool *needed = model_needs(m, &of, 1), variables = *count > 0;
    if (!needed)
        return complain_memory();
    for (int64_t i = 0; !variables && i < ks_node_count(m->graph); i++)
        variables = needed[i] && ks_is_trainable(ks_node_at(m->graph, i));
    for (int64_t i = 0; !variables && i < ks_node_count(m->graph); i++) {
        ks_node *node = ks_node_at(m->graph, i);
        if (needed[i] && ks_is_input(node) && (ks_node_dtype(node) == KS_F32 || ks_node_dtype(node) == KS_F64))
            x[(*count)++] = node;
    }
    free(needed);
    if (variables || *count)
        return DONE;
    complain("%s: '%s' depends on nothing that could be varied: name nodes with --wrt", m->path, ks_name(of));
    return BAD_INPUT;
}

static int check(const model *m, const args *a, ks_node **x)
{
    ks_gradcheck_options options = KS_GRADCHECK_OPTIONS_DEFAULT;
    ks_gradcheck_report report = {0};
    int count, status;
    ks_node *of = model_node_or(m, a->of, "loss", "of");
    status = of ? choose(m, a, of, x, &count) : BAD_INPUT;
    if (!status)
        status = model_check_fed(m, &of, 1, "feed");
    if (status)
        return status;
    /* Zero would mean the default; the least number there is accepts only equality. */
    options.tolerance = a->tolerance > 0 ? a->tolerance : 5e-324;
    options.most = a->most;
    if (!ks_gradcheck(of, x, count, &options, &report))
        return model_failed(m);
    if (a->json)
        put_json(&report, a);
    else
        put_text(&report, a);
    status = report.passed ? DONE : ANSWER_NO;
    ks_gradcheck_free(&report);
    if (status)
        complain("%s: the gradient of '%s' does not agree with central differences", m->path, ks_name(of));
    return status;
}

static int run(const args *a)
{
    model m = {0};
    int status = model_open(&m, a->files.at[0], a, NULL);
    if (!status)
        status = feed_all(&m, a);
    if (!status) {
        ks_node **x = calloc((size_t)ks_node_count(m.graph) + (size_t)a->wrt.count + 1, sizeof(ks_node *));
        status = x ? check(&m, a, x) : complain_memory();
        free(x);
    }
    model_close(&m);
    return status;
}

static const option options[] = {
    {"of", OPTION_TEXT, FIELD(of), "NODE", "the scalar that is differentiated; default: the output loss"},
    {"wrt", OPTION_NAMES, FIELD(wrt), "NODE,...", "variables and inputs to vary; default: every trainable variable"},
    OPTION_FEED,
    OPTION_DATA,
    OPTION_ROWS,
    {"tolerance", OPTION_REAL, FIELD(tolerance), "X", "of |analytic - numeric| / max(1, both); default 1e-6", 0, 1e300},
    {"most", OPTION_WHOLE, FIELD(most), "N", "elements checked a parameter, spread evenly; default: all", 1, 9e15},
    OPTION_JSON,
    OPTION_CAST,
    OPTION_SEED,
    OPTION_THREADS,
    {0},
};

const command check_command = {
    .name = "check",
    .usage = "MODEL --of loss --feed NAME=VALUE ...",
    .summary = "Checks gradients against central differences",
    .doc = "Computed in f64, whatever the model's dtype. Kinks (a ReLU at 0) are reported and fail nothing.",
    .options = options,
    .least = 1,
    .most = 1,
    .run = run,
};
