/*
 * serialize/trace_text.c - a trace as tables, as a textbook would print it.
 *
 * Three parts: forward, backward, the gradients. Cells are collected first, so that columns can be aligned; a cell wider than its column
 * may be takes its room and moves only its own row. A backward step whose values do not fit a line is set in lines below it.
 */
#include "serialize/trace.h"
#include "serialize/io.h"
#include "serialize/number.h"

#define COLUMNS 4
#define IN_LINE 64 /* columns of paper for upstream, partial and contribution together */

/* Of a table: how wide a column may be, and the gap after it. The last one stands free. */
typedef struct column {
    size_t widest, gap;
} column;

static const column forward_columns[COLUMNS] = {{24, 1}, {48, 3}, {40, 3}};
static const column backward_columns[COLUMNS] = {{40, 3}, {IN_LINE, 3}};
static const column gradient_columns[COLUMNS] = {{40, 3}};

typedef struct row {
    size_t start[COLUMNS + 1]; /* cell i of the cells' text is [start[i], start[i + 1]) */
    size_t below;              /* the end of the lines that follow it */
} row;

typedef struct table {
    const ks__trace *trace;
    ks__page text;  /* of all cells */
    ks_buffer rows; /* of row */
    bool failed;
} table;

/* ---- tables -------------------------------------------------------------------------------------------- */

static row *row_at(const table *t, size_t i)
{
    return (row *)(void *)t->rows.data + i;
}

static size_t row_count(const table *t)
{
    return t->rows.size / sizeof(row);
}

/* A new row; its cells are written to t->text, each ended by end_cell. NULL: no memory. */
static row *begin_row(table *t)
{
    row fresh = {.below = t->text.buffer.size};
    for (int i = 0; i <= COLUMNS; i++)
        fresh.start[i] = t->text.buffer.size;
    t->failed = t->failed || !ks__buffer_append(&t->rows, &fresh, sizeof fresh);
    return t->failed ? NULL : row_at(t, row_count(t) - 1);
}

/* What was written since the last cell is the row's cell of that column. */
static void end_cell(table *t, row *r, int at)
{
    for (int i = at + 1; i <= COLUMNS; i++)
        r->start[i] = t->text.buffer.size;
    r->below = t->text.buffer.size;
}

/* Empties the cell that was just ended. */
static void take_back(table *t, row *r, int at)
{
    t->text.buffer.size = r->start[at];
    end_cell(t, r, at);
}

static size_t cell_width(const table *t, const row *r, int at)
{
    size_t size = r->start[at + 1] - r->start[at];
    return size ? ks__page_width(t->text.buffer.data + r->start[at], size) : 0;
}

static void put_row(const table *t, const row *r, const column *columns, const size_t *wide, ks__page *page)
{
    size_t owed = 2; /* spaces are written when something follows them */
    for (int c = 0; c < COLUMNS; c++) {
        size_t size = r->start[c + 1] - r->start[c], width = cell_width(t, r, c);
        if (size) {
            ks__page_spaces(page, owed);
            ks__page_put(page, t->text.buffer.data + r->start[c], size);
            owed = 0;
        }
        if (wide[c])
            owed += (wide[c] > width ? wide[c] - width : 0) + columns[c].gap;
    }
    ks__page_put(page, "\n", 1);
    if (r->below > r->start[COLUMNS])
        ks__page_put(page, t->text.buffer.data + r->start[COLUMNS], r->below - r->start[COLUMNS]);
}

/* Puts the rows on the page, and begins anew. */
static void end_table(table *t, const column *columns, ks__page *page)
{
    size_t wide[COLUMNS] = {0};
    for (size_t i = 0; i < row_count(t); i++) {
        for (int c = 0; c < COLUMNS && columns[c].widest; c++) {
            size_t width = cell_width(t, row_at(t, i), c);
            wide[c] = width <= columns[c].widest && width > wide[c] ? width : wide[c];
        }
    }
    for (size_t i = 0; i < row_count(t); i++)
        put_row(t, row_at(t, i), columns, wide, page);
    t->rows.size = t->text.buffer.size = 0;
}

/* ---- forward ------------------------------------------------------------------------------------------- */

/* "= mul(price, 1.1)", "= variable [784, 50]" */
static void put_call(ks__page *page, const ks__trace *trace, const ks_node *node)
{
    ks__page_text(page, "= ");
    ks__trace_op(page, node);
    if (node->op->flags & KS_OP_RESULT) {
        ks__page_text(page, " of ");
        ks__trace_input(page, trace, ks__inputs(node)[0]);
    } else if (!(node->op->flags & KS_OP_LEAF)) {
        ks__page_text(page, "(");
        for (uint32_t k = 0; k < node->n; k++) {
            ks__page_text(page, k ? ", " : "");
            ks__trace_input(page, trace, ks__inputs(node)[k]);
        }
        ks__page_text(page, ")");
    } else if (ks__trace_value_of(node).shape->rank) {
        ks__page_text(page, " ");
        ks__trace_shape(page, ks__trace_value_of(node).shape);
    }
}

static void forward_row(table *t, const ks__trace_node *step)
{
    const ks_op *op = step->node->op;
    row *r = begin_row(t);
    if (!r)
        return;
    ks__page_text(&t->text, step->name);
    end_cell(t, r, 0);
    put_call(&t->text, t->trace, step->node);
    end_cell(t, r, 1);
    ks__page_text(&t->text, op->flags & (KS_OP_LEAF | KS_OP_RESULT) || !op->formula ? "" : op->formula);
    end_cell(t, r, 2);
    ks__trace_value_text(&t->text, step->node, t->trace);
    end_cell(t, r, 3);
}

/* "= mul(h, 0.5)" in a body, "from x" for a parameter. */
static void put_inside_call(ks__page *page, const ks__trace *trace, const ks_node *user, const ks_node *node)
{
    const ks_node *argument = ks__trace_argument(user, node);
    if (argument) {
        ks__page_text(page, "from ");
        ks__trace_input(page, trace, argument);
        return;
    }
    ks__page_text(page, "= ");
    ks__trace_op(page, node);
    ks__page_text(page, node->op->flags & KS_OP_RESULT ? " of " : node->n ? "(" : "");
    for (uint32_t k = 0; k < node->n; k++) {
        const ks_node *input = ks__inputs(node)[k];
        ks__page_text(page, k ? ", " : "");
        if (input->op->flags & KS_OP_NUMBER)
            ks__trace_number(page, input->data.number, trace->digits);
        else
            ks__page_text(page, ks_name(input));
    }
    ks__page_text(page, node->n && !(node->op->flags & KS_OP_RESULT) ? ")" : "");
}

static void inside_row(table *t, const ks_node *user, const ks__trace_inside *inside)
{
    const ks_op *op = inside->node->op;
    row *r = begin_row(t);
    if (!r)
        return;
    ks__page_text(&t->text, "  ");
    ks__page_text(&t->text, ks_name(inside->node));
    end_cell(t, r, 0);
    put_inside_call(&t->text, t->trace, user, inside->node);
    end_cell(t, r, 1);
    ks__page_text(&t->text, op->flags & (KS_OP_LEAF | KS_OP_RESULT) || !op->formula ? "" : op->formula);
    end_cell(t, r, 2);
    if (inside->value)
        ks__trace_value_text(&t->text, inside->value, t->trace);
    end_cell(t, r, 3);
}

/* ---- backward ------------------------------------------------------------------------------------------ */

/* What arrived at the node, and, of one with several results, at each of the others: "0, u1 = 1". */
static void put_arrivals(ks__page *page, const ks__trace *trace, uint32_t node, const ks_node *upstream)
{
    char text[KS__NUMBER_BYTES];
    ks__trace_value_text(page, upstream, trace);
    if (!ks__trace_body(trace->nodes[node].node))
        return;
    for (uint32_t i = 0; i < trace->edge_count; i++) {
        const ks__trace_edge *edge = &trace->edges[i];
        if (!edge->result || edge->input != node)
            continue;
        ks__page_text(page, ", u");
        ks__page_put(page, text, ks__i64_text(edge->result, text));
        ks__page_text(page, " = ");
        ks__trace_value_text(page, edge->contribution, trace);
    }
}

/* "1 × 1.1 = 1.1"; where there is no local partial, "u = 1 gives [0.3, -0.3]". */
static void put_product(ks__page *page, const ks__trace *trace, const ks__trace_edge *edge, const ks_node *upstream)
{
    ks__page_text(page, edge->partial ? "" : "u = ");
    put_arrivals(page, trace, edge->node, upstream);
    if (edge->result)
        return;
    if (edge->partial) {
        ks__page_text(page, " × ");
        ks__trace_value_text(page, edge->partial, trace);
    }
    ks__page_text(page, !edge->partial ? " gives " : ks__trace_summed(trace, edge) ? " summed = " : " = ");
    ks__trace_value_text(page, edge->contribution, trace);
}

static void line_below(ks__page *page, const ks__trace *trace, const char *label, const ks_node *node)
{
    if (!node)
        return;
    ks__page_text(page, label);
    ks__trace_value_text(page, node, trace);
    ks__page_text(page, "\n");
}

/* Ends the row's middle cell; one that is too wide goes. Whether it stays. */
static bool fits_in_line(table *t, row *r)
{
    end_cell(t, r, 1);
    if (cell_width(t, r, 1) <= IN_LINE)
        return true;
    take_back(t, r, 1);
    return false;
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
    put_product(&t->text, t->trace, edge, entry->upstream);
    bool in_line = fits_in_line(t, r);
    ks__trace_formula(&t->text, t->trace, edge);
    end_cell(t, r, 2);
    end_cell(t, r, 3);
    if (in_line)
        return;
    line_below(&t->text, t->trace, edge->partial ? "      " : "      u = ", entry->upstream);
    if (edge->result) {
        r->below = t->text.buffer.size;
        return;
    }
    line_below(&t->text, t->trace, "    × ", edge->partial);
    line_below(&t->text, t->trace,
               !edge->partial                     ? "      gives "
               : ks__trace_summed(t->trace, edge) ? "    summed = "
                                                  : "    = ",
               edge->contribution);
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
    bool in_line = fits_in_line(t, r);
    ks__page_text(&t->text, "sum where paths meet");
    end_cell(t, r, 2);
    end_cell(t, r, 3);
    if (in_line)
        return;
    for (uint32_t i = 0; i < entry->term_count; i++)
        line_below(&t->text, trace, i ? "    + " : "      ", trace->edges[trace->terms[entry->term + i]].contribution);
    line_below(&t->text, trace, "    = ", entry->upstream);
    r->below = t->text.buffer.size;
}

static void put_backward(table *t, ks__page *page)
{
    const ks__trace *trace = t->trace;
    const ks__trace_node *of = &trace->nodes[trace->of];
    if (trace->entry_count == 0) {
        ks__page_text(page, "\nBackward: nothing, for ");
        ks__page_text(page, of->name);
        ks__page_text(page, " is ");
        ks__page_text(page, ks_dtype_name((ks_dtype)of->node->dtype));
        ks__page_text(page, " and only f32 and f64 have derivatives\n");
        return;
    }
    ks__page_text(page, "\nBackward: upstream × local partial = contribution\nu is the upstream derivative; at ");
    ks__page_text(page, of->name);
    ks__page_text(page, " it begins with ");
    ks__trace_value_text(page, trace->entries[0].upstream, trace);
    ks__page_text(page, "\n");
    for (uint32_t i = 0; i < trace->entry_count; i++) {
        const ks__trace_entry *entry = &trace->entries[i];
        if (entry->term_count)
            sum_row(t, entry);
        for (uint32_t k = 0; k < entry->edge_count; k++)
            edge_row(t, entry, &trace->edges[entry->edge + k]);
    }
    end_table(t, backward_columns, page);
}

/* ---- the whole ----------------------------------------------------------------------------------------- */

static void put_gradients(table *t, ks__page *page)
{
    const ks__trace *trace = t->trace;
    if (trace->entry_count == 0)
        return;
    ks__page_text(page, "\nGradients: the derivative of ");
    ks__page_text(page, trace->nodes[trace->of].name);
    ks__page_text(page, " with respect to each node\n");
    for (uint32_t i = 0; i < trace->count; i++) {
        const ks__trace_node *step = &trace->nodes[i];
        row *r = step->shown && step->gradient ? begin_row(t) : NULL;
        if (!r)
            continue;
        ks__page_text(&t->text, step->name);
        end_cell(t, r, 0);
        ks__trace_value_text(&t->text, step->gradient, trace);
        end_cell(t, r, 1);
    }
    end_table(t, gradient_columns, page);
}

bool ks__trace_text(const ks__trace *trace, ks__page *page)
{
    table t = {.trace = trace, .text.buffer.allocator = page->buffer.allocator, .rows.allocator = page->buffer.allocator};
    ks__page_text(page, "Trace of ");
    ks__page_text(page, trace->nodes[trace->of].name);
    ks__page_text(page, ": every step, forward and backward\n\nForward\n");
    for (uint32_t i = 0; i < trace->count; i++) {
        const ks__trace_node *step = &trace->nodes[i];
        if (step->shown)
            forward_row(&t, step);
        for (uint32_t k = 0; k < step->inside_count; k++)
            inside_row(&t, step->node, &trace->insides[step->inside + k]);
    }
    end_table(&t, forward_columns, page);
    put_backward(&t, page);
    put_gradients(&t, page);
    bool good = !t.failed && !t.text.failed && !page->failed;
    ks_buffer_free(&t.rows);
    ks_buffer_free(&t.text.buffer);
    return good;
}
