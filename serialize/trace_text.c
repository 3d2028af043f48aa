/*
 * serialize/trace_text.c - a trace as a table, as a textbook would print it.
 *
 * Three parts: forward, backward, the gradients. Cells are collected first, so that columns can be aligned; a cell wider than its column
 * may be takes its room and moves only its own row. A backward step whose values do not fit a line is set in lines below it.
 */
#include "serialize/trace.h"
#include "serialize/io.h"

#define COLUMNS 3
#define WIDEST  48 /* of a column that is followed by another */
#define IN_LINE 64 /* columns that upstream, partial and contribution may take together */

typedef struct row {
    size_t start[COLUMNS + 1]; /* cell i of the cells' text is [start[i], start[i + 1]) */
    size_t below;              /* end of the lines that follow the row */
} row;

typedef struct table {
    const ks__trace *trace;
    ks__page text; /* of all cells */
    row *rows;
    uint32_t count, capacity;
    bool failed;
} table;

/* ---- tables -------------------------------------------------------------------------------------------- */

/* A new row; cells are written to t->text, each ended by end_cell. NULL: no memory. */
static row *begin_row(table *t)
{
    if (t->failed || !ks__grow(t->trace->g, &t->rows, &t->capacity, t->count, sizeof *t->rows)) {
        t->failed = true;
        return NULL;
    }
    row *r = &t->rows[t->count++];
    for (int i = 0; i <= COLUMNS; i++)
        r->start[i] = t->text.buffer.size;
    r->below = t->text.buffer.size;
    return r;
}

/* What was written until now was the row's cell of that column. */
static void end_cell(table *t, row *r, int column)
{
    for (int i = column + 1; i <= COLUMNS; i++)
        r->start[i] = t->text.buffer.size;
    r->below = t->text.buffer.size;
}

static size_t cell_width(const table *t, const row *r, int column)
{
    return r->start[column + 1] == r->start[column]
               ? 0
               : ks__page_width(t->text.buffer.data + r->start[column], r->start[column + 1] - r->start[column]);
}

/* Puts the rows on the page, each indented by two, and begins anew. */
static void end_table(table *t, ks__page *page)
{
    size_t wide[COLUMNS] = {0};
    for (uint32_t i = 0; i < t->count; i++) {
        for (int c = 0; c < COLUMNS; c++) {
            size_t width = cell_width(t, &t->rows[i], c);
            wide[c] = width <= (c == 1 ? IN_LINE : WIDEST) && width > wide[c] ? width : wide[c];
        }
    }
    for (uint32_t i = 0; i < t->count; i++) {
        const row *r = &t->rows[i];
        size_t owed = 2; /* spaces are written when something follows them */
        for (int c = 0; c < COLUMNS; c++) {
            size_t size = r->start[c + 1] - r->start[c], width = cell_width(t, r, c);
            if (size) {
                ks__page_spaces(page, owed);
                ks__page_put(page, t->text.buffer.data + r->start[c], size);
                owed = 0;
            }
            owed += wide[c] ? (wide[c] > width ? wide[c] - width : 0) + 3 : 0;
        }
        ks__page_put(page, "\n", 1);
        if (r->below > r->start[COLUMNS])
            ks__page_put(page, t->text.buffer.data + r->start[COLUMNS], r->below - r->start[COLUMNS]);
    }
    t->count = 0;
    t->text.buffer.size = 0;
}

static void heading(ks__page *page, const char *text)
{
    ks__page_put(page, "\n", 1);
    ks__page_text(page, text);
}

/* ---- forward ------------------------------------------------------------------------------------------- */

static void call_text(ks__page *page, const ks__trace *trace, const ks__trace_node *step)
{
    const ks_node *node = step->node;
    ks__page_text(page, step->name);
    ks__page_text(page, " = ");
    ks__page_text(page, node->op->name);
    if (node->op->flags & KS_OP_LEAF) {
        const ks__trace_value value = ks__trace_value_of(node);
        if (value.shape->rank) {
            ks__page_put(page, " ", 1);
            ks__trace_shape(page, value.shape);
        }
        return;
    }
    ks__page_put(page, "(", 1);
    for (uint32_t k = 0; k < node->n; k++) {
        ks__page_text(page, k ? ", " : "");
        ks__trace_input(page, trace, ks__inputs(node)[k]);
    }
    ks__page_put(page, ")", 1);
}

static void forward_row(table *t, const ks__trace_node *step)
{
    row *r = begin_row(t);
    if (!r)
        return;
    call_text(&t->text, t->trace, step);
    end_cell(t, r, 0);
    if (!(step->node->op->flags & KS_OP_LEAF) && step->node->op->formula)
        ks__page_text(&t->text, step->node->op->formula);
    end_cell(t, r, 1);
    ks__trace_value_text(&t->text, step->node, t->trace);
    end_cell(t, r, 2);
}

/* ---- backward ------------------------------------------------------------------------------------------ */

/* "1 × 1.1 = 1.1"; where there is no local partial, "from 1: [0.3, -0.3]". */
static void product_text(ks__page *page, const ks__trace *trace, const ks__trace_edge *edge, const ks_node *upstream)
{
    if (!edge->partial)
        ks__page_text(page, "from ");
    ks__trace_value_text(page, upstream, trace);
    if (edge->partial) {
        ks__page_text(page, " × ");
        ks__trace_value_text(page, edge->partial, trace);
    }
    ks__page_text(page, edge->partial ? " = " : " comes ");
    ks__trace_value_text(page, edge->contribution, trace);
}

static void line_below(ks__page *page, const ks__trace *trace, const char *label, const ks_node *node)
{
    if (!node)
        return;
    ks__page_text(page, label);
    ks__trace_value_text(page, node, trace);
    ks__page_put(page, "\n", 1);
}

static void edge_row(table *t, const ks__trace_entry *entry, const ks__trace_edge *edge)
{
    row *r = begin_row(t);
    if (!r)
        return;
    ks__page_text(&t->text, t->trace->nodes[edge->node].name);
    ks__page_text(&t->text, " → ");
    ks__page_text(&t->text, t->trace->nodes[edge->input].name);
    end_cell(t, r, 0);
    product_text(&t->text, t->trace, edge, entry->upstream);
    end_cell(t, r, 1);
    bool in_line = cell_width(t, r, 1) <= IN_LINE;
    if (!in_line) {
        t->text.buffer.size = r->start[1];
        end_cell(t, r, 0);
    }
    ks__trace_formula(&t->text, t->trace, edge);
    end_cell(t, r, 2);
    if (in_line)
        return;
    line_below(&t->text, t->trace, "      upstream       ", entry->upstream);
    line_below(&t->text, t->trace, "    × local partial  ", edge->partial);
    line_below(&t->text, t->trace, "    = contribution   ", edge->contribution);
    r->below = t->text.buffer.size;
}

/* "1 + 1 = 2" */
static void sum_row(table *t, const ks__trace_entry *entry)
{
    const ks__trace *trace = t->trace;
    row *r = begin_row(t);
    if (!r)
        return;
    ks__page_text(&t->text, trace->nodes[entry->node].name);
    end_cell(t, r, 0);
    for (uint32_t i = 0; i < entry->term_count; i++) {
        ks__page_text(&t->text, i ? " + " : "");
        ks__trace_value_text(&t->text, trace->edges[trace->terms[entry->term + i]].contribution, trace);
    }
    ks__page_text(&t->text, " = ");
    ks__trace_value_text(&t->text, entry->upstream, trace);
    end_cell(t, r, 1);
    bool in_line = cell_width(t, r, 1) <= IN_LINE;
    if (!in_line) {
        t->text.buffer.size = r->start[1];
        end_cell(t, r, 0);
    }
    ks__page_text(&t->text, "sum where paths meet");
    end_cell(t, r, 2);
    for (uint32_t i = 0; !in_line && i < entry->term_count; i++)
        line_below(&t->text, trace, i ? "    + " : "      ", trace->edges[trace->terms[entry->term + i]].contribution);
    if (!in_line)
        line_below(&t->text, trace, "    = ", entry->upstream);
    r->below = t->text.buffer.size;
}

static void backward(table *t, ks__page *page)
{
    const ks__trace *trace = t->trace;
    const ks__trace_node *of = &trace->nodes[trace->of];
    heading(page, "Backward");
    if (trace->entry_count == 0) {
        ks__page_text(page, ": ");
        ks__page_text(page, of->name);
        ks__page_text(page, " is ");
        ks__page_text(page, ks_dtype_name((ks_dtype)of->node->dtype));
        ks__page_text(page, ", and only f32 and f64 have derivatives\n");
        return;
    }
    ks__page_text(page, ": upstream × local partial = contribution; u is the upstream derivative, at ");
    ks__page_text(page, of->name);
    ks__page_text(page, " it is ");
    ks__trace_value_text(page, trace->entries[0].upstream, trace);
    ks__page_put(page, "\n", 1);
    for (uint32_t i = 0; i < trace->entry_count; i++) {
        const ks__trace_entry *entry = &trace->entries[i];
        if (entry->term_count)
            sum_row(t, entry);
        for (uint32_t k = 0; k < entry->edge_count; k++)
            edge_row(t, entry, &trace->edges[entry->edge + k]);
    }
    end_table(t, page);
}

/* ---- gradients ----------------------------------------------------------------------------------------- */

static void gradients(table *t, ks__page *page)
{
    const ks__trace *trace = t->trace;
    if (trace->entry_count == 0)
        return;
    heading(page, "Gradients of ");
    ks__page_text(page, trace->nodes[trace->of].name);
    ks__page_put(page, "\n", 1);
    for (uint32_t i = 0; i < trace->count; i++) {
        const ks__trace_node *step = &trace->nodes[i];
        row *r = step->shown && step->gradient ? begin_row(t) : NULL;
        if (!r)
            continue;
        ks__page_text(&t->text, step->name);
        end_cell(t, r, 0);
        ks__trace_value_text(&t->text, step->gradient, trace);
        end_cell(t, r, 2);
        r->start[1] = r->start[2] = r->start[1];
    }
    end_table(t, page);
}

/* ---- the whole ----------------------------------------------------------------------------------------- */

bool ks__trace_text(const ks__trace *trace, ks__page *page)
{
    table t = {.trace = trace, .text.buffer.allocator = page->buffer.allocator};
    ks__page_text(page, "Trace of ");
    ks__page_text(page, trace->nodes[trace->of].name);
    ks__page_text(page, ": every step, forward and backward\n");
    heading(page, "Forward\n");
    for (uint32_t i = 0; i < trace->count; i++) {
        if (trace->nodes[i].shown)
            forward_row(&t, &trace->nodes[i]);
    }
    end_table(&t, page);
    backward(&t, page);
    gradients(&t, page);
    bool good = !t.failed && !t.text.failed && !page->failed;
    ks__put(trace->g, t.rows, t.capacity * sizeof *t.rows);
    ks_buffer_free(&t.text.buffer);
    return good;
}
