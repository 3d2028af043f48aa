/*
 * serialize/trace_dot.c - a trace as a picture for Graphviz, in the book's view: operations are nodes, values ride on the arrows forward,
 * derivatives on the arrows backward.
 *
 * Source of the view: Saito, Deep Learning from Scratch, chapter 5. Each edge is a pair of arrows: the value (solid, blue), and what flows
 * back (dashed, vermillion) with the local partial that it was multiplied by; colours from Okabe and Ito's palette for all eyes. Leaves
 * stand on the left, the result leaves on the right. Where paths meet, the arrows part at a point, and their sum flows back from it. An
 * arrow that would cross much of the picture begins anew beside its end, under its name: Graphviz takes minutes for a few dozen long ones.
 */
#include "serialize/trace.h"
#include "graph/function.h"
#include "serialize/io.h"
#include "serialize/number.h"

#include <string.h>

#define FORWARD  "#0072B2"
#define BACKWARD "#D55E00"
#define QUIET    "#5F6368"
#define LINE     28 /* columns of a value on an arrow */
#define LINES    4
#define MANY     100 /* nodes from which on Graphviz should not seek the best places for as long as it takes */
#define FAR      4   /* nodes that an arrow may pass */

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
        if (break_rows(scratch->buffer.data, scratch->buffer.size)) {
            put_escaped(page, scratch->buffer.data, scratch->buffer.size);
            return;
        }
        scratch->buffer.size = 0;
    }
    put_range(scratch, &value, trace->digits);
    put_escaped(page, scratch->buffer.data, scratch->buffer.size);
}

/* ---- nodes --------------------------------------------------------------------------------------------- */

/* How far from the leaves a node stands, what meets at it, and whether an arrow from it would be too long. */
typedef struct spot {
    uint32_t depth;
    const ks__trace_entry *sum; /* where paths meet; else NULL */
    bool far;
} spot;

typedef struct drawing {
    const ks__trace *trace;
    ks__page *page;
    ks__page scratch;
    spot *spots;
} drawing;

/* Whether the arrow begins anew beside its end. */
static bool is_far(const drawing *d, uint32_t from, uint32_t to)
{
    return d->spots[to].depth > d->spots[from].depth + FAR;
}

/* The arrows from there part at a point. */
static bool parts(const drawing *d, uint32_t i)
{
    return d->spots[i].sum || d->spots[i].far;
}

/* An operation stands after its inputs, a leaf before its first user. */
static void find_depths(drawing *d)
{
    const ks__trace *trace = d->trace;
    for (uint32_t i = 0; i < trace->count; i++) {
        const ks_node *node = trace->nodes[i].node;
        spot *s = &d->spots[i];
        *s = (spot){.depth = node->n ? 1 : UINT32_MAX};
        for (uint32_t k = 0; k < node->n; k++) {
            const spot *in = &d->spots[ks__inputs(node)[k]->local];
            s->depth = in->depth != UINT32_MAX && in->depth >= s->depth ? in->depth + 1 : s->depth;
        }
        for (uint32_t k = 0; k < node->n; k++) {
            spot *in = &d->spots[ks__inputs(node)[k]->local];
            in->depth = in->depth == UINT32_MAX ? s->depth - 1 : in->depth;
        }
    }
}

static void find_spots(drawing *d)
{
    const ks__trace *trace = d->trace;
    find_depths(d);
    for (uint32_t i = 0; i < trace->count; i++) {
        const ks_node *node = trace->nodes[i].node;
        uint32_t entry = trace->nodes[i].entry;
        if (entry != UINT32_MAX && trace->entries[entry].term_count)
            d->spots[i].sum = &trace->entries[entry];
        for (uint32_t k = 0; k < node->n; k++) {
            uint32_t from = ks__inputs(node)[k]->local;
            d->spots[from].far = d->spots[from].far || is_far(d, from, i);
        }
    }
}

/* Nodes have their names. What is no node has a sign before it that no name has: '+' where paths part, '=' the result, '#' an input beside
 * its user. */
static void put_id(drawing *d, const char *sign, uint32_t node)
{
    ks__page_text(d->page, "\"");
    ks__page_text(d->page, sign);
    ks__page_text(d->page, d->trace->nodes[node].name);
    ks__page_text(d->page, "\"");
}

static const char *given_name(const ks__trace_node *step)
{
    return step->node->aside && step->node->aside->given ? step->name : NULL;
}

/* A user's operation may have any name. */
static void put_op(drawing *d, const ks_node *node, const char *size)
{
    d->scratch.buffer.size = 0;
    ks__trace_op(&d->scratch, node);
    begin_part(d->page, "black", size);
    put_escaped(d->page, d->scratch.buffer.data, d->scratch.buffer.size);
    end_part(d->page);
}

static void put_node(drawing *d, uint32_t i)
{
    const ks__trace_node *step = &d->trace->nodes[i];
    const ks_op *op = step->node->op;
    const char *symbol = symbol_of(op);
    ks__page_text(d->page, "  ");
    put_id(d, "", i);
    if (op->flags & KS_OP_LEAF) {
        ks__page_text(d->page, " [shape=plaintext, label=<");
        put_part(d->page, given_name(step) ? "black" : QUIET, "14", step->name);
    } else if (symbol) {
        ks__page_text(d->page, " [shape=circle, fixedsize=true, width=0.5, label=<");
        put_part(d->page, "black", "20", symbol);
    } else {
        ks__page_text(d->page, " [shape=box, style=\"rounded,filled\", label=<");
        put_op(d, step->node, "13");
    }
    ks__page_text(d->page, ">];\n");
    if (!parts(d, i))
        return;
    ks__page_text(d->page, "  ");
    put_id(d, "+", i);
    ks__page_text(d->page, " [shape=point, width=0.08, fillcolor=\"#202124\"];\n");
}

static void put_nodes(drawing *d)
{
    for (uint32_t i = 0; i < d->trace->count; i++) {
        if (d->trace->nodes[i].shown)
            put_node(d, i);
    }
    ks__page_text(d->page, "  ");
    put_id(d, "=", d->trace->of);
    ks__page_text(d->page, " [shape=plaintext, label=<<b>");
    ks__page_text(d->page, d->trace->nodes[d->trace->of].name);
    ks__page_text(d->page, "</b>>];\n");
}

/* ---- arrows -------------------------------------------------------------------------------------------- */

/* An arrow's two ends; `slot` when it begins beside its end. */
typedef struct ends {
    const char *from_sign, *to_sign;
    uint32_t from, to;
    uint32_t slot;
} ends;

#define NO_SLOT UINT32_MAX

/* What stands beside a node for its input: a bare number, or the name of what is far away. */
static void put_beside(drawing *d, uint32_t user, uint32_t slot)
{
    ks__page_text(d->page, "\"#");
    put_number(d->page, slot);
    ks__page_text(d->page, d->trace->nodes[user].name);
    ks__page_text(d->page, "\"");
}

static void put_ends(drawing *d, const ends *e)
{
    ks__page_text(d->page, "  ");
    if (e->slot != NO_SLOT)
        put_beside(d, e->to, e->slot);
    else
        put_id(d, e->from_sign, e->from);
    ks__page_text(d->page, " -> ");
    put_id(d, e->to_sign, e->to);
}

/* The value that rides forward, under its name if the user gave it one. */
static void put_forward(drawing *d, const ends *e, const char *name)
{
    put_ends(d, e);
    ks__page_text(d->page, " [color=\"" FORWARD "\", label=<");
    if (name) {
        put_part(d->page, QUIET, "9", name);
        ks__page_text(d->page, "<br/>");
    }
    begin_part(d->page, FORWARD, "12");
    put_value(d->page, &d->scratch, d->trace->nodes[e->from].node, d->trace);
    end_part(d->page);
    ks__page_text(d->page, ">];\n");
}

static void begin_backward(drawing *d, const ends *e)
{
    put_ends(d, e);
    ks__page_text(d->page, " [dir=back, style=dashed, color=\"" BACKWARD "\", label=<");
    begin_part(d->page, BACKWARD, "12");
}

/* What flows back, and the local partial that it was multiplied by. */
static void put_backward(drawing *d, const ends *e, const ks_node *contribution, const ks_node *partial)
{
    begin_backward(d, e);
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

/* "1 + 1 = 2" where a few scalars meet, else how many meet, and their sum. */
static void put_sum(drawing *d, const ends *e, const ks__trace_entry *entry)
{
    const ks__trace *trace = d->trace;
    bool few = entry->term_count <= 4 && ks__trace_value_of(entry->upstream).shape->rank == 0;
    begin_backward(d, e);
    for (uint32_t i = 0; few && i < entry->term_count; i++) {
        ks__page_text(d->page, i ? " + " : "");
        put_value(d->page, &d->scratch, trace->edges[trace->terms[entry->term + i]].contribution, trace);
    }
    if (!few) {
        ks__page_text(d->page, "sum of ");
        put_number(d->page, entry->term_count);
    }
    ks__page_text(d->page, !few ? "<br/>" : entry->term_count > 2 ? "<br/>= " : " = ");
    put_value(d->page, &d->scratch, entry->upstream, trace);
    end_part(d->page);
    ks__page_text(d->page, ">];\n");
}

/* A bare number stands beside each of its users. */
static void put_number_arrow(drawing *d, const ends *e)
{
    ks__page_text(d->page, "  ");
    put_beside(d, e->to, e->slot);
    ks__page_text(d->page, " [shape=plaintext, label=<");
    begin_part(d->page, FORWARD, "12");
    put_value(d->page, &d->scratch, d->trace->nodes[e->from].node, d->trace);
    end_part(d->page);
    ks__page_text(d->page, ">];\n");
    put_ends(d, e);
    ks__page_text(d->page, " [color=\"" FORWARD "\"];\n");
}

static void put_name_beside(drawing *d, const ends *e)
{
    ks__page_text(d->page, "  ");
    put_beside(d, e->to, e->slot);
    ks__page_text(d->page, " [shape=plaintext, label=<<i>");
    put_part(d->page, QUIET, "12", d->trace->nodes[e->from].name);
    ks__page_text(d->page, "</i>>];\n");
}

/* The name beside a value: where it is seen nowhere else, and was given or is referred to. */
static const char *name_on_arrow(const drawing *d, uint32_t from)
{
    const ks__trace_node *step = &d->trace->nodes[from];
    if (step->node->op->flags & KS_OP_LEAF)
        return NULL;
    return d->spots[from].far ? step->name : given_name(step);
}

/* The arrows into a node. `edges` are those of them that a derivative passes, in the order of their slots. */
static void put_arrows_into(drawing *d, uint32_t i, const ks__trace_edge *edges, uint32_t edge_count)
{
    const ks_node *node = d->trace->nodes[i].node;
    for (uint32_t k = 0; k < node->n; k++) {
        const ks_node *input = ks__inputs(node)[k];
        bool number = input->op->flags & KS_OP_NUMBER, far = is_far(d, input->local, i);
        ends e = {parts(d, input->local) ? "+" : "", "", input->local, i, number || far ? k : NO_SLOT};
        if (number) {
            put_number_arrow(d, &e);
            continue;
        }
        if (far)
            put_name_beside(d, &e);
        put_forward(d, &e, parts(d, input->local) ? NULL : name_on_arrow(d, input->local));
        if (edge_count && edges->slot == k) {
            put_backward(d, &e, edges->contribution, edges->partial);
            edges++;
            edge_count--;
        }
    }
}

/* From a node to the point where the arrows part. */
static void put_trunk(drawing *d, uint32_t i)
{
    ends e = {"", "+", i, i, NO_SLOT};
    put_forward(d, &e, name_on_arrow(d, i));
    if (d->spots[i].sum)
        put_sum(d, &e, d->spots[i].sum);
    else if (d->trace->nodes[i].gradient)
        put_backward(d, &e, d->trace->nodes[i].gradient, NULL);
}

static void put_arrows(drawing *d)
{
    const ks__trace *trace = d->trace;
    for (uint32_t i = 0; i < trace->count; i++) {
        const ks__trace_entry *entry = trace->nodes[i].entry != UINT32_MAX ? &trace->entries[trace->nodes[i].entry] : NULL;
        if (trace->nodes[i].shown && parts(d, i))
            put_trunk(d, i);
        put_arrows_into(d, i, entry ? &trace->edges[entry->edge] : NULL, entry ? entry->edge_count : 0);
    }
    ends e = {"", "=", trace->of, trace->of, NO_SLOT};
    put_forward(d, &e, NULL);
    if (trace->nodes[trace->of].gradient)
        put_backward(d, &e, trace->nodes[trace->of].gradient, NULL);
}

/* ---- inside calls and scans ---------------------------------------------------------------------------- */

/* A node inside: '@', the name of what runs it, and its position in the body. */
static void put_inside_id(drawing *d, uint32_t user, const ks_node *node)
{
    ks__page_text(d->page, "\"@");
    ks__page_text(d->page, d->trace->nodes[user].name);
    ks__page_text(d->page, "/");
    put_number(d->page, node->id);
    ks__page_text(d->page, "\"");
}

static void put_inside_node(drawing *d, uint32_t user, const ks_node *node)
{
    ks__page_text(d->page, "    ");
    put_inside_id(d, user, node);
    if (node->op->flags & KS_OP_LEAF) {
        ks__page_text(d->page, " [shape=plaintext, fillcolor=none, label=<");
        put_part(d->page, QUIET, "12", ks_name(node));
    } else {
        const char *symbol = symbol_of(node->op);
        ks__page_text(d->page, symbol ? " [shape=circle, label=<" : " [shape=box, style=\"rounded,filled\", label=<");
        if (symbol)
            put_part(d->page, "black", "12", symbol);
        else
            put_op(d, node, "12");
    }
    ks__page_text(d->page, ">];\n");
}

/* They stand in the order of their ids. NULL: it is a bare number. */
static const ks__trace_inside *find_inside(const ks__trace_inside *insides, uint32_t count, const ks_node *node)
{
    uint32_t low = 0, high = count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (insides[middle].node->id < node->id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && insides[low].node == node ? &insides[low] : NULL;
}

/* The values ride on the arrows, of a scan stacked over its steps. Bare numbers are not drawn. */
static void put_inside_arrows(drawing *d, uint32_t user, const ks__trace_inside *insides, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const ks_node *node = insides[i].node;
        for (uint32_t k = 0; k < node->n; k++) {
            const ks_node *input = ks__inputs(node)[k];
            const ks__trace_inside *from = find_inside(insides, i, input);
            if (!from)
                continue;
            ks__page_text(d->page, "    ");
            put_inside_id(d, user, input);
            ks__page_text(d->page, " -> ");
            put_inside_id(d, user, node);
            ks__page_text(d->page, " [color=\"" FORWARD "\", label=<");
            begin_part(d->page, FORWARD, "10");
            if (from->value)
                put_value(d->page, &d->scratch, from->value, d->trace);
            end_part(d->page);
            ks__page_text(d->page, ">];\n");
        }
    }
}

/* What is inside stands in a frame; a dotted arrow leads from each result to the node outside. */
static void put_inside(drawing *d, uint32_t user)
{
    const ks__trace_node *step = &d->trace->nodes[user];
    const ks__trace_inside *insides = &d->trace->insides[step->inside];
    const ks_function *body = ks__trace_body(step->node);
    ks__page_text(d->page, "  subgraph \"cluster_");
    ks__page_text(d->page, step->name);
    ks__page_text(d->page, "\" {\n    style=\"rounded,dashed\"; color=\"" QUIET "\"; label=<");
    put_part(d->page, QUIET, "11", body->name);
    ks__page_text(d->page, ">;\n");
    for (uint32_t i = 0; i < step->inside_count; i++)
        put_inside_node(d, user, insides[i].node);
    put_inside_arrows(d, user, insides, step->inside_count);
    ks__page_text(d->page, "  }\n");
    for (uint32_t k = 0; k < ks__function_outputs(body); k++) {
        if (ks__function_output(body, k)->op->flags & KS_OP_NUMBER)
            continue;
        ks__page_text(d->page, "  ");
        put_inside_id(d, user, ks__function_output(body, k));
        ks__page_text(d->page, " -> ");
        put_id(d, "", user);
        ks__page_text(d->page, " [style=dotted, color=\"" QUIET "\"];\n");
    }
}

/* ---- the whole ----------------------------------------------------------------------------------------- */

static void put_legend(ks__page *page)
{
    ks__page_text(page, "  label=<<br/>");
    put_part(page, FORWARD, "11", "→ value, forward");
    ks__page_text(page, " &nbsp; ");
    put_part(page, BACKWARD, "11", "⇠ derivative, backward");
    ks__page_text(page, " &nbsp; ");
    put_part(page, QUIET, "11", "× local partial derivative");
    ks__page_text(page, ">;\n");
}

static void put_all(drawing *d)
{
    ks__page_text(d->page, "digraph ");
    put_id(d, "", d->trace->of);
    ks__page_text(d->page,
                  " {\n"
                  "  rankdir=LR; ordering=in; nodesep=0.35; ranksep=0.5; bgcolor=white; fontname=\"Helvetica\"; fontsize=11;\n"
                  "  node [fontname=\"Helvetica\", style=filled, fillcolor=white, color=\"#202124\", penwidth=1.2, margin=\"0.08,0.05\", "
                  "height=0.3, width=0.2];\n"
                  "  edge [fontname=\"Helvetica\", penwidth=1.4, arrowsize=0.8];\n");
    if (d->trace->count > MANY)
        ks__page_text(d->page, "  nslimit=1;\n");
    put_legend(d->page);
    put_nodes(d);
    put_arrows(d);
    for (uint32_t i = 0; i < d->trace->count; i++) {
        if (d->trace->nodes[i].inside_count)
            put_inside(d, i);
    }
    ks__page_text(d->page, "}\n");
}

bool ks__trace_dot(const ks__trace *trace, ks__page *page)
{
    drawing d = {.trace = trace, .page = page, .scratch.buffer.allocator = page->buffer.allocator};
    d.spots = ks__allocate(&page->buffer.allocator, NULL, 0, trace->count * sizeof *d.spots);
    if (!d.spots)
        return false;
    find_spots(&d);
    put_all(&d);
    ks__allocate(&page->buffer.allocator, d.spots, trace->count * sizeof *d.spots, 0);
    ks_buffer_free(&d.scratch.buffer);
    return !page->failed && !d.scratch.failed;
}
