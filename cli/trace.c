/*
 * cli/trace.c - keisan trace: every step of forward and backward, as text, JSON, DOT or SVG.
 */
#include "commands.h"
#include "feed.h"
#include "output.h"

#include <string.h>

static const struct {
    const char *ending;
    ks_trace_form form;
} forms[] = {{".txt", KS_TRACE_TEXT}, {".json", KS_TRACE_JSON}, {".dot", KS_TRACE_DOT}, {".svg", KS_TRACE_SVG}};

static int choose_form(const args *a, ks_trace_form *form)
{
    *form = a->json ? KS_TRACE_JSON : KS_TRACE_TEXT;
    if (!a->out)
        return DONE;
    if (a->json) {
        complain("trace: --json prints and --out writes a file: give one of them");
        return BAD_INPUT;
    }
    const char *ending = strrchr(a->out, '.');
    for (size_t i = 0; ending && i < sizeof forms / sizeof forms[0]; i++) {
        if (!strcmp(ending, forms[i].ending)) {
            *form = forms[i].form;
            return DONE;
        }
    }
    complain("trace: --out %s: the ending says the form: .txt, .json, .dot or .svg", a->out);
    return BAD_INPUT;
}

/* What starts the backward pass: an input of the traced node's shape, fed from --upstream. */
static int set_upstream(const model *m, const args *a, ks_node *of, ks_trace_options *options)
{
    if (!a->upstream) {
        if (ks_shape_count(ks_node_shape(of)) == 1 || ks_value_shape(of).rank == 0)
            return DONE;
        char text[SHAPE_TEXT];
        complain("%s: '%s' is no scalar: give --upstream, %s %s", m->path, ks_name(of), ks_dtype_name(ks_node_dtype(of)),
                 shape_text(m->graph, ks_value_shape(of), text));
        return BAD_INPUT;
    }
    ks_shape shape = ks_value_shape(of);
    options->upstream = shape.rank >= 0
                            ? ks_input(m->graph, ks_find(m->graph, "upstream") ? "keisan.upstream" : "upstream", ks_node_dtype(of), shape)
                            : NULL;
    if (!options->upstream)
        return model_failed(m);
    return feed_node(m, options->upstream, "upstream", a->upstream, a);
}

static int trace(const model *m, const args *a, ks_trace_form form)
{
    ks_trace_options options = KS_TRACE_OPTIONS_DEFAULT;
    ks_node *of = model_node_or(m, a->of, "loss", "of");
    int status = of ? model_check_fed(m, &of, 1, "feed") : BAD_INPUT;
    if (status)
        return status;
    if (!ks_eval(of))
        return model_failed(m);
    status = set_upstream(m, a, of, &options);
    if (status)
        return status;
    options.digits = (int)a->digits;
    options.most = a->most;
    options.unfold = a->unfold;
    bool good = a->out ? ks_trace(of, form, a->out, &options) : ks_trace_to(of, form, output_writer(stdout), &options);
    if (good || (!a->out && ferror(stdout)))
        return DONE;
    return output_failed(m, a->out);
}

static int run(const args *a)
{
    model m = {0};
    ks_trace_form form;
    int status = choose_form(a, &form);
    if (!status)
        status = model_open(&m, a->files.at[0], a, NULL);
    if (!status)
        status = feed_all(&m, a);
    if (!status)
        status = trace(&m, a, form);
    model_close(&m);
    return status;
}

static const option options[] = {
    {"of", OPTION_TEXT, FIELD(of), "NODE", "where the backward pass starts; default: the output loss"},
    OPTION_FEED,
    OPTION_DATA,
    OPTION_ROWS,
    {"out", OPTION_TEXT, FIELD(out), "FILE", "write it there; .txt, .json, .dot or .svg says the form"},
    {"upstream", OPTION_TEXT, FIELD(upstream), "VALUE", "what starts the backward pass of what is no scalar: as the value of a feed"},
    OPTION_DIGITS,
    {"most", OPTION_WHOLE, FIELD(most), "N", "tensors of more elements are summarised; default 8", 1, 9e15},
    {"unfold", OPTION_FLAG, FIELD(unfold), NULL, "show what is inside calls and scans too"},
    {"json", OPTION_FLAG, FIELD(json), NULL, "print it as JSON, exact to the bit"},
    OPTION_CAST,
    OPTION_SEED,
    OPTION_THREADS,
    {0},
};

const command trace_command = {
    .name = "trace",
    .usage = "MODEL --of NODE --feed NAME=VALUE ... --out t.svg",
    .summary = "Shows every step of forward and backward",
    .doc = "Without --out it is printed as text. SVG needs Graphviz's dot.",
    .options = options,
    .least = 1,
    .most = 1,
    .run = run,
};
