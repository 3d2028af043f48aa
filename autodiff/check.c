/*
 * autodiff/check.c - ks_gradcheck: the chained derivative beside differences of values.
 *
 * Works on a private copy in f64, whose leaves are changed in place, an element at a time, under one plan. Central differences
 * D(h) and D(h/2) give Richardson's (4 D(h/2) - D(h)) / 3, whose error falls with h^4. A corner is told from a bend by how
 * these shrink: for a smooth function D(h) - D(h/2) is a quarter at half the step, and of the jump J of the one-sided slopes
 * J(h) - 2 J(h/2) is an eighth.
 */
#include "autodiff/gradient.h"
#include "autodiff/private.h"
#include "graph/list.h"
#include "keisan/autodiff.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define FINER 32 /* by how much the step shrinks where the first met a corner */

typedef struct checker {
    ks_graph *g; /* the copy */
    ks_gradcheck_options options;
    int count;
    ks_node **nodes, **copies; /* [1 + count]: the loss, then what it is derived by */
    ks_node **gradients;       /* [1 + count]: the loss again, then its gradients */
    double rest;               /* the loss where nothing is moved */
} checker;

/* ---- values -------------------------------------------------------------------------------------------- */

static double element(const ks_node *node, int64_t i)
{
    return ks__element(node->value->block->data, (ks_dtype)node->dtype, i);
}

static bool run(checker *c, ks_node *const *fetches, int count)
{
    ks_run_options options = {.size = sizeof options, .mode = c->options.mode};
    return ks_run(c->g, fetches, count, NULL, 0, &options);
}

/* The loss with element i of x at `value`; the element is put back. */
static bool loss_at(checker *c, ks_node *x, int64_t i, double value, double *loss)
{
    double *place = (double *)x->value->block->data + i, before = *place;
    *place = value;
    ks__touch(x);
    bool good = run(c, c->copies, 1);
    *place = before;
    ks__touch(x);
    *loss = good ? element(c->copies[0], 0) : NAN;
    return good;
}

/* ---- one element --------------------------------------------------------------------------------------- */

/* What the loss does h to either side: its slope, and by how much the slopes of the two sides differ. */
typedef struct look {
    double slope, jump;
} look;

static bool look_around(checker *c, ks_node *x, int64_t i, double h, look *out)
{
    double at = element(x, i), up, down;
    if (!loss_at(c, x, i, at + h, &up) || !loss_at(c, x, i, at - h, &down))
        return false;
    out->slope = (up - down) / ((at + h) - (at - h));
    out->jump = ((up - c->rest) - (c->rest - down)) / h;
    return true;
}

/* Whether b is a over `ratio`, as it is for a smooth function, up to noise. */
static bool shrinks(double a, double b, double ratio, double noise)
{
    return fabs(a - ratio * b) <= 0.35 * fabs(a) + ratio * noise;
}

typedef struct numeric {
    double value;
    bool smooth;  /* no corner within the step */
    bool settled; /* less of a step would not change it */
} numeric;

/* The numeric derivative from steps of h and less. What is no number is left to the comparison. */
static bool slope_within(checker *c, ks_node *x, int64_t i, double h, numeric *out)
{
    look a, b, d;
    if (!look_around(c, x, i, h, &a) || !look_around(c, x, i, h / 2, &b))
        return false;
    double noise = 1e-8 * fmax(1, fabs(b.slope)) + 256 * DBL_EPSILON * fabs(c->rest) / h;
    double bend = a.slope - b.slope, turn = a.jump - 2 * b.jump, once = b.slope - bend / 3;
    *out = (numeric){.value = once, .smooth = true, .settled = true};
    if ((fabs(bend) <= noise && fabs(turn) <= noise) || !isfinite(bend))
        return true;
    if (!look_around(c, x, i, h / 4, &d))
        return false;
    double finer = b.slope - d.slope, twice = d.slope - finer / 3;
    out->value = twice + (twice - once) / 15; /* Richardson's, once more */
    out->smooth = shrinks(bend, finer, 4, noise) && shrinks(turn, b.jump - 2 * d.jump, 8, noise);
    out->settled = fabs(twice - once) <= 16 * noise;
    return true;
}

/* Where a corner lies within the step, or the function bends too fast for it, a smaller step decides. */
static bool differentiate(checker *c, ks_node *x, int64_t i, numeric *out, bool *kink)
{
    double h = c->options.step * fmax(1, fabs(element(x, i)));
    if (!slope_within(c, x, i, h, out))
        return false;
    *kink = !out->smooth;
    return (out->smooth && out->settled) || slope_within(c, x, i, h / FINER, out);
}

/* ---- one parameter ------------------------------------------------------------------------------------- */

static void note(ks_gradcheck_row *row, int64_t i, double analytic, double numeric_value)
{
    double difference = fabs(analytic - numeric_value), relative = difference / fmax(1, fmax(fabs(analytic), fabs(numeric_value)));
    if (!isfinite(relative))
        relative = INFINITY;
    row->mean_difference += difference;
    if (row->worst_index >= 0 && relative <= row->worst_relative)
        return;
    row->worst_relative = relative;
    row->worst_index = i;
    row->analytic = analytic;
    row->numeric = numeric_value;
}

static bool check_parameter(checker *c, int p, ks_gradcheck_row *row)
{
    ks_node *x = c->copies[p], *gradient = c->gradients[p];
    int64_t count = x->value->dims->count, compared = 0, most = c->options.most;
    *row = (ks_gradcheck_row){.elements = most > 0 && most < count ? most : count, .worst_index = -1};
    snprintf(row->name, sizeof row->name, "%.127s", ks_name(x));
    for (int64_t k = 0; k < row->elements; k++) {
        int64_t i = (int64_t)((double)k * (double)count / (double)row->elements);
        numeric n;
        bool kink;
        if (!differentiate(c, x, i, &n, &kink))
            return false;
        row->kinks += kink;
        compared += n.smooth;
        if (n.smooth)
            note(row, i, element(gradient, i), n.value);
    }
    row->mean_difference = compared ? row->mean_difference / (double)compared : 0;
    return true;
}

/* ---- the copy ------------------------------------------------------------------------------------------ */

static bool check_arguments(const ks_node *loss, ks_node *const *x, int count)
{
    ks_graph *g = loss->graph;
    if (!ks__is_float(loss))
        return ks__refuse(g, KS_NO_GRADIENT, KS__NOWHERE, "ks_gradcheck: '%s' is %s, and only f32 and f64 have derivatives", ks_name(loss),
                          ks_dtype_name((ks_dtype)loss->dtype));
    for (int i = 0; i < count; i++) {
        if (!ks__usable(x[i]))
            return false;
        if (x[i]->graph != g)
            return ks__refuse(g, KS_BAD_ARGUMENT, KS__NOWHERE, "ks_gradcheck: '%s' belongs to another graph", ks_name(x[i]));
        if (!(x[i]->op->flags & (KS_OP_FED | KS_OP_VARIABLE)) || !ks__is_float(x[i]))
            return ks__refuse(g, KS_BAD_ARGUMENT, KS__NOWHERE,
                              "ks_gradcheck: '%s' is a %s of %s: variables and inputs of f32 and f64 can be checked", ks_name(x[i]),
                              x[i]->op->name, ks_dtype_name((ks_dtype)x[i]->dtype));
    }
    return true;
}

/* The loss and what it is derived by, in c->nodes: the given, else the trainable variables under it. */
static bool list_nodes(checker *c, ks_node *loss, ks_node *const *x, int count, uint32_t *capacity)
{
    ks_graph *g = loss->graph;
    ks__list list = {0};
    bool good = count > 0 || ks__list_reach(g, &list, &loss, 1);
    c->count = count;
    for (uint32_t i = 0; good && !count && i < list.count; i++)
        c->count += ks_is_trainable(list.nodes[i]);
    *capacity = (uint32_t)c->count + 1;
    if (good && !c->count)
        good = ks__refuse(g, KS_NO_GRADIENT, KS__NOWHERE, "ks_gradcheck: '%s' depends on no trainable variable: name what to check",
                          ks_name(loss));
    c->nodes = good ? ks__get(g, *capacity * sizeof *c->nodes) : NULL;
    if (c->nodes) {
        uint32_t n = 0;
        c->nodes[n++] = loss;
        for (int i = 0; i < count; i++)
            c->nodes[n++] = x[i];
        for (uint32_t i = 0; !count && i < list.count; i++) {
            if (ks_is_trainable(list.nodes[i]))
                c->nodes[n++] = list.nodes[i];
        }
    }
    ks__list_free(g, &list);
    return c->nodes != NULL;
}

ks_graph *ks__private_graph(const ks_graph *g, bool plain)
{
    ks_graph_options options = g->options;
    options.size = sizeof options;
    options.on_error = NULL; /* the failure is said once, by the graph that was asked */
    options.on_log = NULL;   /* and the copy's draws are no run of the model's */
    options.keep_all = options.check_finite = false;
    options.without = plain ? ~0u : g->options.without;
    options.products = g->provider ? "blas" : NULL;
    ks_graph *copy = ks_graph_new(&options);
    if (copy)
        ks_set_step_number(copy, g->step);
    return copy;
}

/* The chained derivatives, and values of all that is moved. */
static bool prepare(checker *c)
{
    if (!ks_copy(c->g, c->nodes, c->count + 1, true, c->copies))
        return false;
    c->gradients[0] = c->copies[0];
    if (!ks_gradients(c->copies[0], c->copies + 1, c->count, NULL, c->gradients + 1) || !ks_eval_all(c->copies + 1, c->count) ||
        !run(c, c->gradients, c->count + 1))
        return false;
    const ks_node *loss = c->copies[0];
    char text[KS__SHAPE_TEXT];
    if (loss->value->dims->count != 1)
        return ks__refuse(c->g, KS_BAD_SHAPE, ks_node_place(loss), "ks_gradcheck: '%s' is %s, and a scalar is needed: sum it",
                          ks_name(loss), ks__shape_text(c->g, &loss->value->dims->shape, text));
    c->rest = element(loss, 0);
    return true;
}

static bool check_all(checker *c, ks_gradcheck_row *rows, bool *passed)
{
    if (!prepare(c))
        return false;
    *passed = true;
    for (int p = 1; p <= c->count; p++) {
        if (!check_parameter(c, p, &rows[p - 1]))
            return false;
        *passed = *passed && rows[p - 1].worst_relative <= c->options.tolerance;
    }
    return true;
}

/* The copy's failure becomes the graph's; its place names a file by the graph's own words. */
bool ks__hand_over(ks_graph *g, const ks_failure *failure)
{
    ks_failure own = *failure;
    own.place.file = NULL;
    for (uint32_t i = 0; failure->place.file && i < g->file_count; i++) {
        if (!strcmp(g->files[i], failure->place.file))
            own.place.file = g->files[i];
    }
    return ks__refuse_with(g, &own);
}

static bool check_copy(checker *c, ks_graph *g, ks_gradcheck_report *report)
{
    size_t n = (size_t)c->count + 1, bytes = (size_t)c->count * sizeof *report->rows;
    c->g = ks__private_graph(g, false);
    if (!c->g)
        return ks__refuse(g, KS_NO_MEMORY, KS__NOWHERE, "out of memory: no room for a copy of the graph");
    c->copies = ks__get(c->g, n * sizeof *c->copies);
    c->gradients = ks__get(c->g, n * sizeof *c->gradients);
    bool good = c->copies && c->gradients;
    report->rows = good ? ks__allocate(&report->allocator, NULL, 0, bytes) : NULL;
    if (good && !report->rows)
        good = ks__refuse(c->g, KS_NO_MEMORY, KS__NOWHERE, "out of memory: %zu bytes were refused", bytes);
    if (report->rows) {
        memset(report->rows, 0, bytes);
        report->count = c->count;
    }
    good = good && check_all(c, report->rows, &report->passed);
    if (!good && ks_error(c->g))
        ks__hand_over(g, ks_error(c->g));
    ks__put(c->g, c->copies, n * sizeof *c->copies);
    ks__put(c->g, c->gradients, n * sizeof *c->gradients);
    ks_graph_free(c->g);
    return good;
}

/* ---- the calls ----------------------------------------------------------------------------------------- */

bool ks_gradcheck(ks_node *loss, ks_node *const *x, int count, const ks_gradcheck_options *options, ks_gradcheck_report *report)
{
    if (!report)
        return false;
    *report = (ks_gradcheck_report){.passed = false};
    if (!ks__usable(loss) || count < 0 || (count && !x) || !check_arguments(loss, x, count))
        return false;
    ks_graph *g = loss->graph;
    report->allocator = g->options.allocator;
    checker c = {.options = {.size = sizeof c.options}};
    if (options)
        memcpy(&c.options, options, options->size < sizeof c.options ? options->size : sizeof c.options);
    if (c.options.step == 0)
        c.options.step = 1e-4;
    if (c.options.tolerance == 0)
        c.options.tolerance = 1e-6;
    if (!(c.options.step > 0) || !(c.options.tolerance > 0))
        return ks__refuse(g, KS_BAD_ARGUMENT, KS__NOWHERE, "ks_gradcheck: the step and the tolerance must be above 0");
    uint32_t capacity = 0;
    bool good = list_nodes(&c, loss, x, count, &capacity) && check_copy(&c, g, report);
    ks__put(g, c.nodes, capacity * sizeof *c.nodes);
    if (!good)
        ks_gradcheck_free(report);
    return good;
}

void ks_gradcheck_free(ks_gradcheck_report *report)
{
    if (!report)
        return;
    if (report->rows)
        ks__allocate(&report->allocator, report->rows, (size_t)report->count * sizeof *report->rows, 0);
    *report = (ks_gradcheck_report){.passed = false};
}
