/*
 * serialize/trace_dot.c - a trace as a picture for Graphviz, in the book's view: operations are nodes, values ride on the arrows forward,
 * derivatives on the arrows backward.
 *
 * Source of the view: Saito, Deep Learning from Scratch, chapter 5. Each edge is a pair of arrows, the value above (solid, blue) and what
 * flows back below (dashed, vermillion), with the local partial it was multiplied by; colours from Okabe and Ito's palette for all
 * eyes. Leaves stand on the left, the result leaves on the right.
 */
#include "serialize/trace.h"
#include "serialize/io.h"
#include "serialize/number.h"

#include <string.h>

#define FORWARD  "#0072B2"
#define BACKWARD "#D55E00"
#define QUIET    "#5F6368"
#define LINE     28 /* columns of a value on an arrow */
#define LINES    4

static const struct {
    const char *name, *symbol;
} symbols[] = {{"add", "+"}, {"add_n", "+"}, {"sub", "−"}, {"mul", "×"}, {"div", "÷"}, {"neg", "−"}, {"pow", "^"}, {"matmul", "·"}};

static const char *symbol_of(const ks_op *op)
{
    for (size_t i = 0; i < sizeof symbols / sizeof symbols[0]; i++) {
        if (!strcmp(op->name, symbols[i].name))
            return symbols[i].symbol;
    }
    return NULL;
}

/* ---- text in labels ------------------------------------------------------------------------------------ */

static void put_escaped(ks__page *page, const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        switch (text[i]) {
        case '&':
            ks__page_text(page, "&amp;");
            break;
        case '<':
            ks__page_text(page, "&lt;");
            break;
        case '>':
            ks__page_text(page, "&gt;");
            break;
        case '"':
            ks__page_text(page, "&quot;");
            break;
        case '\n':
            ks__page_text(page, "<br/>");
            break;
        default:
            ks__page_put(page, text + i, 1);
        }
    }
}

static void put_number(ks__page *page, uint32_t number)
{
    char text[KS__NUMBER_BYTES];
    ks__page_put(page, text, ks__i64_text(number, text));
}

/* A part of a label; ended by end_part. */
static void begin_part(ks__page *page, const char *colour, const char *size)
{
    ks__page_text(page, "<font color=\"");
    ks__page_text(page, colour);
    ks__page_text(page, "\" point-size=\"");
    ks__page_text(page, size);
    ks__page_text(page, "\">");
}

static void end_part(ks__page *page)
{
    ks__page_text(page, "</font>");
}

static void put_part(ks__page *page, const char *colour, const char *size, const char *text)
{
    begin_part(page, colour, size);
    put_escaped(page, text, strlen(text));
    end_part(page);
}

/* ---- values on arrows ---------------------------------------------------------------------------------- */

/* Shape, and the range of what is in it. */
static void put_range(ks__page *page, const ks__trace_value *value, int digits)
{
    int64_t least, greatest;
    double mean;
    ks__trace_shape(page, value->shape);
    if (value->count == 0)
        return;
    ks__trace_extremes(value, &least, &greatest, &mean);
    ks__page_put(page, "\n", 1);
    ks__trace_element(page, value, least, digits);
    ks__page_text(page, " … ");
    ks__trace_element(page, value, greatest, digits);
}

/* Breaks "[[1, 2], [3, 4]]" between its rows. False: a line or their number is too big. */
static bool break_rows(char *text, size_t size)
{
    size_t begin = 0, lines = 1;
    for (size_t i = 0; i + 2 < size; i++) {
        if (text[i] != ']' || text[i + 1] != ',')
            continue;
        if (ks__page_width(text + begin, i + 2 - begin) > LINE || ++lines > LINES)
            return false;
        text[i + 2] = '\n';
        begin = i + 3;
    }
    return ks__page_width(text + begin, size - begin) <= LINE;
}

static void put_value(ks__page *page, ks__page *scratch, const ks_node *node, const ks__trace *trace)
{
    ks__trace_value value = ks__trace_value_of(node);
    scratch->buffer.size = 0;
    if (value.count <= trace->most && value.count > 0) {
        ks__trace_value_text(scratch, node, trace);
        if (ks__page_width(scratch->buffer.data, scratch->buffer.size) <= LINE || break_rows(scratch->buffer.data, scratch->buffer.size)) {
            put_escaped(page, scratch->buffer.data, scratch->buffer.size);
            return;
        }
        scratch->buffer.size = 0;
    }
    put_range(scratch, &value, trace->digits);
    put_escaped(page, scratch->buffer.data, scratch->buffer.size);
}

/* ---- nodes --------------------------------------------------------------------------------------------- */

typedef struct drawing {
    const ks__trace *trace;
    ks__page *page;
    ks__page scratch;
} drawing;

static void put_id(ks__page *page, uint32_t node)
{
    ks__page_text(page, "n");
    put_number(page, node);
}

/* "1 + 1 = 2" where paths meet, for scalars and small tensors; for others that they do. */
static void put_sum(drawing *d, const ks__trace_entry *entry)
{
    const ks__trace *trace = d->trace;
    bool few = entry->term_count <= 4 && entry->upstream->dims->shape.rank == 0;
    begin_part(d->page, BACKWARD, "10");
    for (uint32_t i = 0; few && i < entry->term_count; i++) {
        ks__page_text(d->page, i ? " + " : "");
        put_value(d->page, &d->scratch, trace->edges[trace->terms[entry->term + i]].contribution, trace);
    }
    if (!few) {
        ks__page_text(d->page, "sum of ");
        put_number(d->page, entry->term_count);
    }
    ks__page_text(d->page, few ? " = " : ":<br/>");
    put_value(d->page, &d->scratch, entry->upstream, trace);
    end_part(d->page);
}

static const char *given_name(const ks__trace_node *step)
{
    return step->node->aside && step->node->aside->given ? step->name : NULL;
}

static void put_leaf(drawing *d, uint32_t i, const ks__trace_entry *sum)
{
    const ks__trace_node *step = &d->trace->nodes[i];
    ks__page_text(d->page, "  ");
    put_id(d->page, i);
    ks__page_text(d->page, " [shape=plain, label=<");
    put_part(d->page, given_name(step) ? "black" : QUIET, "14", step->name);
    if (sum) {
        ks__page_text(d->page, "<br/>");
        put_sum(d, sum);
    }
    ks__page_text(d->page, ">];\n");
}

static void put_operation(drawing *d, uint32_t i, const ks__trace_entry *sum)
{
    const ks_op *op = d->trace->nodes[i].node->op;
    const char *symbol = symbol_of(op);
    ks__page_text(d->page, "  ");
    put_id(d->page, i);
    ks__page_text(d->page,
                  symbol ? " [shape=circle, fixedsize=true, width=0.5, label=<" : " [shape=box, style=\"rounded,filled\", label=<");
    put_part(d->page, "black", symbol ? "20" : "13", symbol ? symbol : op->name);
    if (sum) {
        ks__page_text(d->page, ">, xlabel=<");
        put_sum(d, sum);
    }
    ks__page_text(d->page, ">];\n");
}

static void put_nodes(drawing *d, const uint32_t *entry_of)
{
    const ks__trace *trace = d->trace;
    for (uint32_t i = 0; i < trace->count; i++) {
        const ks__trace_entry *entry = entry_of[i] != UINT32_MAX ? &trace->entries[entry_of[i]] : NULL;
        if (!trace->nodes[i].shown)
            continue;
        entry = entry && entry->term_count ? entry : NULL;
        if (trace->nodes[i].node->op->flags & KS_OP_LEAF)
            put_leaf(d, i, entry);
        else
            put_operation(d, i, entry);
    }
    ks__page_text(d->page, "  result [shape=plain, label=<<b>");
    put_escaped(d->page, trace->nodes[trace->of].name, strlen(trace->nodes[trace->of].name));
    ks__page_text(d->page, "</b>>];\n");
}

/* ---- arrows -------------------------------------------------------------------------------------------- */

static void begin_arrow(drawing *d, uint32_t from, uint32_t to)
{
    ks__page_text(d->page, "  ");
    put_id(d->page, from);
    ks__page_text(d->page, " -> ");
    if (to == UINT32_MAX)
        ks__page_text(d->page, "result");
    else
        put_id(d->page, to);
}

/* The value that rides forward, under its name if its maker gave it one. */
static void put_forward(drawing *d, uint32_t from, uint32_t to)
{
    const ks__trace_node *step = &d->trace->nodes[from];
    const char *name = step->node->op->flags & KS_OP_LEAF || to == UINT32_MAX ? NULL : given_name(step);
    begin_arrow(d, from, to);
    ks__page_text(d->page, " [color=\"" FORWARD "\", label=<");
    if (name) {
        put_part(d->page, QUIET, "9", name);
        ks__page_text(d->page, "<br/>");
    }
    begin_part(d->page, FORWARD, "12");
    put_value(d->page, &d->scratch, step->node, d->trace);
    end_part(d->page);
    ks__page_text(d->page, ">];\n");
}

/* What flows back, and the local partial that it was multiplied by. */
static void put_backward(drawing *d, uint32_t from, uint32_t to, const ks_node *contribution, const ks_node *partial)
{
    begin_arrow(d, from, to);
    ks__page_text(d->page, " [dir=back, style=dashed, color=\"" BACKWARD "\", label=<");
    begin_part(d->page, BACKWARD, "12");
    put_value(d->page, &d->scratch, contribution, d->trace);
    end_part(d->page);
    if (partial) {
        ks__page_text(d->page, "<br/>");
        begin_part(d->page, QUIET, "9");
        ks__page_text(d->page, "× ");
        put_value(d->page, &d->scratch, partial, d->trace);
        end_part(d->page);
    }
    ks__page_text(d->page, ">];\n");
}

/* A bare number stands beside each of its users. */
static void put_number_arrow(drawing *d, uint32_t user, uint32_t slot, const ks_node *number)
{
    for (int part = 0; part < 2; part++) {
        ks__page_text(d->page, "  c");
        put_number(d->page, user);
        ks__page_text(d->page, "_");
        put_number(d->page, slot);
        if (part == 0) {
            ks__page_text(d->page, " [shape=plain, label=<");
            begin_part(d->page, FORWARD, "12");
            put_value(d->page, &d->scratch, number, d->trace);
            end_part(d->page);
            ks__page_text(d->page, ">];\n");
        }
    }
    ks__page_text(d->page, " -> ");
    put_id(d->page, user);
    ks__page_text(d->page, " [color=\"" FORWARD "\"];\n");
}

static void put_arrows(drawing *d, const uint32_t *entry_of)
{
    const ks__trace *trace = d->trace;
    for (uint32_t i = 0; i < trace->count; i++) {
        const ks_node *node = trace->nodes[i].node;
        const ks__trace_entry *entry = entry_of[i] != UINT32_MAX ? &trace->entries[entry_of[i]] : NULL;
        uint32_t next = 0; /* edges stand in the order of their slots */
        for (uint32_t k = 0; k < node->n; k++) {
            const ks_node *input = ks__inputs(node)[k];
            const ks__trace_edge *edge = entry && next < entry->edge_count ? &trace->edges[entry->edge + next] : NULL;
            if (input->op->flags & KS_OP_NUMBER)
                put_number_arrow(d, i, k, input);
            else
                put_forward(d, input->local, i);
            if (edge && edge->slot == k) {
                put_backward(d, input->local, i, edge->contribution, edge->partial);
                next++;
            }
        }
    }
    put_forward(d, trace->of, UINT32_MAX);
    if (trace->nodes[trace->of].gradient)
        put_backward(d, trace->of, UINT32_MAX, trace->nodes[trace->of].gradient, NULL);
}

/* ---- the whole ----------------------------------------------------------------------------------------- */

static void put_all(drawing *d, const uint32_t *entry_of)
{
    ks__page_text(d->page,
                  "digraph trace {\n"
                  "  rankdir=LR; nodesep=0.35; ranksep=0.55; forcelabels=true; bgcolor=white; fontname=\"Helvetica\"; fontsize=11;\n"
                  "  node [fontname=\"Helvetica\", style=filled, fillcolor=white, color=\"#202124\", penwidth=1.2];\n"
                  "  edge [fontname=\"Helvetica\", penwidth=1.4, arrowsize=0.8];\n"
                  "  label=<");
    put_part(d->page, FORWARD, "11", "→ value, forward");
    ks__page_text(d->page, " &nbsp; ");
    put_part(d->page, BACKWARD, "11", "⇠ derivative, backward");
    ks__page_text(d->page, " &nbsp; ");
    put_part(d->page, QUIET, "11", "× local partial derivative");
    ks__page_text(d->page, ">;\n");
    put_nodes(d, entry_of);
    put_arrows(d, entry_of);
    ks__page_text(d->page, "}\n");
}

bool ks__trace_dot(const ks__trace *trace, ks__page *page)
{
    drawing d = {.trace = trace, .page = page, .scratch.buffer.allocator = page->buffer.allocator};
    uint32_t *entry_of = ks__get(trace->g, trace->count * sizeof *entry_of);
    if (!entry_of)
        return false;
    memset(entry_of, 0xff, trace->count * sizeof *entry_of);
    for (uint32_t i = 0; i < trace->entry_count; i++)
        entry_of[trace->entries[i].node] = i;
    put_all(&d, entry_of);
    ks__put(trace->g, entry_of, trace->count * sizeof *entry_of);
    ks_buffer_free(&d.scratch.buffer);
    return !page->failed && !d.scratch.failed;
}
