/*
 * serialize/trace_value.c - values, formulas and inputs as text for those who read a trace.
 *
 * Numbers are rounded from their shortest exact text, a half up, so that 3.3000000000000003 is 3.3 as a book prints it. Nothing here
 * knows the locale.
 */
#include "serialize/trace.h"
#include "serialize/io.h"
#include "serialize/number.h"
#include "graph/function.h"
#include "ops/table.h"

#include <math.h>
#include <string.h>

/* ---- a page -------------------------------------------------------------------------------------------- */

void ks__page_put(ks__page *page, const char *text, size_t size)
{
    if (!page->failed && !ks__buffer_append(&page->buffer, text, size))
        page->failed = true;
}

void ks__page_text(ks__page *page, const char *text)
{
    ks__page_put(page, text, strlen(text));
}

void ks__page_spaces(ks__page *page, size_t count)
{
    static const char spaces[] = "                                ";
    for (; count > sizeof spaces - 1; count -= sizeof spaces - 1)
        ks__page_put(page, spaces, sizeof spaces - 1);
    ks__page_put(page, spaces, count);
}

size_t ks__page_width(const char *text, size_t size)
{
    size_t width = 0;
    for (size_t i = 0; i < size; i++)
        width += ((unsigned char)text[i] & 0xc0) != 0x80;
    return width;
}

/* ---- numbers ------------------------------------------------------------------------------------------- */

/* d.ddd 10^exponent; n is 0 for zero. */
typedef struct decimal {
    int n, exponent;
    char digit[KS__NUMBER_BYTES];
} decimal;

/* From the text of a finite number without its sign. */
static void take_apart(const char *text, decimal *d)
{
    int at = 0, first = 0, whole = -1, exponent = 0;
    d->n = 0;
    for (; *text && *text != 'e'; text++) {
        if (*text == '.') {
            whole = at;
            continue;
        }
        if (d->n == 0)
            first = at;
        if (d->n || *text != '0')
            d->digit[d->n++] = *text;
        at++;
    }
    if (*text == 'e') {
        bool negative = text[1] == '-';
        for (text += 1 + negative; *text; text++)
            exponent = 10 * exponent + (*text - '0');
        exponent = negative ? -exponent : exponent;
    }
    d->exponent = exponent + (whole < 0 ? at : whole) - 1 - first;
}

/* To so many digits; whether that changed nothing. */
static bool round_to(decimal *d, int digits)
{
    bool up = d->n > digits && d->digit[digits] >= '5', exact = true;
    for (int i = digits; i < d->n; i++)
        exact = exact && d->digit[i] == '0';
    d->n = d->n > digits ? digits : d->n;
    while (up && d->n > 0) {
        up = d->digit[d->n - 1] == '9';
        if (up)
            d->n--;
        else
            d->digit[d->n - 1]++;
    }
    if (up) {
        d->digit[d->n++] = '1';
        d->exponent++;
    }
    while (d->n > 1 && d->digit[d->n - 1] == '0')
        d->n--;
    return exact;
}

static void put_zeros(ks__page *page, int count)
{
    for (; count > 0; count--)
        ks__page_put(page, "0", 1);
}

static void put_with_exponent(ks__page *page, const decimal *d)
{
    char text[KS__NUMBER_BYTES];
    ks__page_put(page, d->digit, 1);
    if (d->n > 1) {
        ks__page_put(page, ".", 1);
        ks__page_put(page, d->digit + 1, (size_t)d->n - 1);
    }
    ks__page_put(page, "e", 1);
    ks__page_put(page, text, ks__i64_text(d->exponent, text));
}

/* Whole numbers that lose nothing stand in full up to here. */
#define MOST_WHOLE 9

static void put_rounded(ks__page *page, const char *text, int digits)
{
    decimal d;
    bool negative = *text == '-';
    text += negative;
    if (*text == 'N' || *text == 'I') {
        ks__page_text(page, text - negative);
        return;
    }
    take_apart(text, &d);
    bool exact = round_to(&d, digits);
    if (negative && d.n)
        ks__page_put(page, "-", 1);
    if (d.n == 0) {
        ks__page_put(page, "0", 1);
    } else if (d.exponent < -4 || (d.exponent >= digits && !(exact && d.exponent < MOST_WHOLE))) {
        put_with_exponent(page, &d);
    } else if (d.exponent < 0) {
        ks__page_put(page, "0.", 2);
        put_zeros(page, -d.exponent - 1);
        ks__page_put(page, d.digit, (size_t)d.n);
    } else {
        int whole = d.exponent + 1 < d.n ? d.exponent + 1 : d.n;
        ks__page_put(page, d.digit, (size_t)whole);
        put_zeros(page, d.exponent + 1 - d.n);
        if (d.n > whole) {
            ks__page_put(page, ".", 1);
            ks__page_put(page, d.digit + whole, (size_t)(d.n - whole));
        }
    }
}

void ks__trace_number(ks__page *page, double value, int digits)
{
    char text[KS__NUMBER_BYTES];
    ks__f64_text(value, text);
    put_rounded(page, text, digits);
}

static int64_t whole_at(const ks__trace_value *value, int64_t i)
{
    return value->dtype == KS_I64 ? ((const int64_t *)value->data)[i] : (int64_t)ks__element(value->data, value->dtype, i);
}

void ks__trace_element(ks__page *page, const ks__trace_value *value, int64_t i, int digits)
{
    char text[KS__NUMBER_BYTES];
    if (value->dtype == KS_F64) {
        ks__trace_number(page, ((const double *)value->data)[i], digits);
    } else if (value->dtype == KS_F32) {
        ks__f32_text(((const float *)value->data)[i], text);
        put_rounded(page, text, digits);
    } else if (value->dtype == KS_BOOL) {
        ks__page_text(page, ((const uint8_t *)value->data)[i] ? "true" : "false");
    } else {
        ks__page_put(page, text, ks__i64_text(whole_at(value, i), text));
    }
}

/* ---- values -------------------------------------------------------------------------------------------- */

ks__trace_value ks__trace_value_of(const ks_node *node)
{
    if (node->op->flags & KS_OP_NUMBER)
        return (ks__trace_value){KS_F64, &node->graph->scalar->shape, &node->data.number, 1};
    const ks__value *value = node->value;
    return (ks__trace_value){(ks_dtype)node->dtype, &value->dims->shape, value->block->data, value->dims->count};
}

/* Whether element i comes before element k on the way to one end. */
static bool beyond(const ks__trace_value *value, int64_t i, int64_t k, bool up)
{
    if (value->dtype == KS_I64) {
        int64_t a = whole_at(value, i), b = whole_at(value, k);
        return up ? a > b : a < b;
    }
    double a = ks__element(value->data, value->dtype, i), b = ks__element(value->data, value->dtype, k);
    if (isnan(a) || isnan(b))
        return !isnan(b);
    return up ? a > b : a < b;
}

void ks__trace_extremes(const ks__trace_value *value, int64_t *least, int64_t *greatest, double *mean)
{
    double sum = 0;
    *least = *greatest = 0;
    for (int64_t i = 0; i < value->count; i++) {
        *least = beyond(value, i, *least, false) ? i : *least;
        *greatest = beyond(value, i, *greatest, true) ? i : *greatest;
        sum += ks__element(value->data, value->dtype, i);
    }
    *mean = sum / (double)value->count;
}

void ks__trace_shape(ks__page *page, const ks_shape *shape)
{
    char text[KS__NUMBER_BYTES];
    ks__page_put(page, "[", 1);
    for (int i = 0; i < shape->rank; i++) {
        ks__page_text(page, i ? ", " : "");
        ks__page_put(page, text, ks__i64_text(shape->dim[i], text));
    }
    ks__page_put(page, "]", 1);
}

/* How many lists begin at element i, and end before it. */
static int lists_at(const ks_shape *shape, int64_t i)
{
    int64_t block = 1;
    int lists = 0;
    for (int d = shape->rank - 1; d >= 0; d--) {
        block *= shape->dim[d];
        lists += i % block == 0;
    }
    return lists;
}

#define FIRST 3 /* values shown of a tensor that is too big */

static void put_summary(ks__page *page, const ks__trace_value *value, int digits)
{
    int64_t least, greatest;
    double mean;
    ks__trace_extremes(value, &least, &greatest, &mean);
    ks__trace_shape(page, value->shape);
    ks__page_text(page, " min ");
    ks__trace_element(page, value, least, digits);
    ks__page_text(page, ", mean ");
    ks__trace_number(page, mean, digits);
    ks__page_text(page, ", max ");
    ks__trace_element(page, value, greatest, digits);
    ks__page_text(page, ", first ");
    for (int64_t i = 0; i < FIRST && i < value->count; i++) {
        ks__trace_element(page, value, i, digits);
        ks__page_text(page, ", ");
    }
    ks__page_text(page, "...");
}

void ks__trace_value_text(ks__page *page, const ks_node *node, const ks__trace *trace)
{
    ks__trace_value value = ks__trace_value_of(node);
    if (value.count > trace->most) {
        put_summary(page, &value, trace->digits);
        return;
    }
    for (int64_t i = 0; i < value.count; i++) {
        int lists = lists_at(value.shape, i);
        for (int k = 0; i && k < lists; k++)
            ks__page_put(page, "]", 1);
        ks__page_text(page, i ? ", " : "");
        for (int k = 0; k < lists; k++)
            ks__page_put(page, "[", 1);
        ks__trace_element(page, &value, i, trace->digits);
    }
    for (int k = 0; value.count && k < value.shape->rank; k++)
        ks__page_put(page, "]", 1);
    if (value.count == 0) {
        ks__page_text(page, "nothing ");
        ks__trace_shape(page, value.shape);
    }
}

/* ---- calls --------------------------------------------------------------------------------------------- */

const ks_function *ks__trace_body(const ks_node *node)
{
    return KS__HAS(node->op, results) ? ks__function_called(node, 0) : NULL;
}

const ks_node *ks__trace_argument(const ks_node *node, const ks_node *inside)
{
    const ks_function *body = ks__trace_body(node);
    for (uint32_t i = 0; i < body->input_count; i++) {
        if (body->inputs[i] == inside)
            return ks__inputs(node)[node->n - body->input_count + i]; /* what stands before the arguments is no parameter's */
    }
    return NULL;
}

void ks__trace_op(ks__page *page, const ks_node *node)
{
    char text[KS__NUMBER_BYTES];
    const ks_function *called = ks__function_called(node, 0);
    ks__page_text(page, node->op->name);
    if (called || node->op->flags & KS_OP_RESULT)
        ks__page_text(page, " ");
    if (called)
        ks__page_text(page, called->name);
    if (node->op->flags & KS_OP_RESULT)
        ks__page_put(page, text, ks__i64_text(ks__result_index(node), text));
}

/* ---- formulas ------------------------------------------------------------------------------------------ */

/* The i-th of several parts; the last stands for all that follow it. */
static size_t part_of(const char *text, const char *between, uint32_t i, const char **begin)
{
    size_t step = strlen(between);
    const char *end;
    while ((end = strstr(text, between)) != NULL && i-- > 0)
        text = end + step;
    *begin = text;
    return end ? (size_t)(end - text) : strlen(text);
}

bool ks__trace_summed(const ks__trace *trace, const ks__trace_edge *edge)
{
    const ks_node *node = trace->nodes[edge->node].node, *input = trace->nodes[edge->input].node;
    return node->op->tiles && node->dims != input->dims && edge->contribution->op == &ks__op_sum_to;
}

void ks__trace_formula(ks__page *page, const ks__trace *trace, const ks__trace_edge *edge)
{
    const ks_node *node = trace->nodes[edge->node].node;
    const char *letter, *formula;
    char text[KS__NUMBER_BYTES];
    if (edge->result) {
        ks__page_text(page, "u arrives at result ");
        ks__page_put(page, text, ks__i64_text(edge->result, text));
        return;
    }
    size_t letter_size = part_of(node->op->inputs && *node->op->inputs ? node->op->inputs : "x", " ", edge->slot, &letter), size;
    if (node->op->derivative) {
        size = part_of(node->op->derivative, "; ", edge->slot, &formula);
        ks__page_put(page, formula, size);
    } else {
        ks__page_text(page, edge->partial ? "u dy/d" : "pullback of u to ");
        ks__page_put(page, letter, letter_size);
    }
    if (ks__trace_summed(trace, edge)) {
        ks__page_text(page, ", summed to the shape of ");
        ks__page_put(page, letter, letter_size);
    }
}

void ks__trace_input(ks__page *page, const ks__trace *trace, const ks_node *input)
{
    if (input->op->flags & KS_OP_NUMBER)
        ks__trace_number(page, input->data.number, trace->digits);
    else
        ks__page_text(page, trace->nodes[input->local].name);
}
