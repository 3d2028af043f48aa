/*
 * cli/ops_text.c - an operation explained, as text.
 */
#include "ops.h"
#include "output.h"

#include <string.h>

#define COLUMN "%-11s " /* what a line is about */

/* ---- words --------------------------------------------------------------------------------------------- */

/* The text, broken at spaces where a line would pass 78 bytes. */
static void put_wrapped(const char *text)
{
    int column = 0;
    while (*text) {
        int length = (int)strcspn(text, " ");
        if (column && column + 1 + length > 78) {
            putchar('\n');
            column = 0;
        }
        column += printf("%s%.*s", column ? " " : "", length, text);
        text += length;
        text += strspn(text, " ");
    }
    putchar('\n');
}

static const char *letter_text(char letter)
{
    switch (letter) {
    case 'T':
        return "T";
    case 'B':
        return "bool";
    case 'I':
        return "i32, i64 or u8";
    case 'S':
        return "any; only its shape is taken";
    case 'D':
        return "set by the operation";
    default:
        return "any";
    }
}

/* ---- what it takes and gives --------------------------------------------------------------------------- */

static void put_inputs(const ks_op *op)
{
    input in;
    if (!ops_input(op, 0, &in))
        printf("inputs      none\n");
    for (int i = 0; ops_input(op, i, &in); i++)
        printf(COLUMN "%.*s%s: %s\n", i ? "" : "inputs", in.length, in.name, in.more ? ", ..." : "", letter_text(in.letter));
    char given = ops_result(op);
    printf(COLUMN "%s\n", "result", !given ? "any" : given == 'I' ? "i64" : letter_text(given));
    if (!op->types || !strchr(op->types, 'T'))
        return;
    printf("%-11s", "T");
    for (int dtype = 0; dtype < KS_DTYPES; dtype++) {
        if ((op->allowed ? op->allowed : KS_FLOATS) & (1u << dtype))
            printf(" %s", ks_dtype_name((ks_dtype)dtype));
    }
    putchar('\n');
}

/* ---- attributes ---------------------------------------------------------------------------------------- */

static const char *type_text(const ks_attr *attr)
{
    static const char *const types[] = {"whole number", "number", "true or false", "whole numbers", "dtype", "shape"};
    return (size_t)attr->type < sizeof types / sizeof types[0] ? types[attr->type] : "function";
}

static void put_ints(const ks_ints *ints)
{
    if (ints->count < 0) {
        printf("absent");
        return;
    }
    putchar('[');
    for (int i = 0; i < ints->count; i++)
        printf("%s%lld", i ? ", " : "", (long long)ints->at[i]);
    putchar(']');
}

static void put_default(const ks_op *op, const ks_attr *attr)
{
    static const ks_shape no_shape = {0};
    static const ks_ints no_ints = {0};
    const char *field = op->defaults ? (const char *)op->defaults + attr->offset : NULL;
    int64_t whole =
        field && attr->type != KS_ATTR_INTS && attr->type != KS_ATTR_SHAPE && attr->type != KS_ATTR_FLOAT ? *(const int64_t *)field : 0;
    char text[SHAPE_TEXT];
    switch (attr->type) {
    case KS_ATTR_BOOL:
        printf("%s", whole ? "true" : "false");
        return;
    case KS_ATTR_FLOAT:
        printf("%.9g", field ? *(const double *)field : 0);
        return;
    case KS_ATTR_INTS:
        put_ints(field ? (const ks_ints *)field : &no_ints);
        return;
    case KS_ATTR_DTYPE:
        printf("%s", ks_dtype_name((ks_dtype)whole));
        return;
    case KS_ATTR_SHAPE:
        printf("%s", shape_text(NULL, field ? *(const ks_shape *)field : no_shape, text));
        return;
    case KS_ATTR_INT:
        if (whole == INT64_MAX)
            printf("the end");
        else
            printf("%lld", (long long)whole);
        return;
    default:
        printf("absent");
    }
}

static void put_attributes(const ks_op *op)
{
    bool first = true;
    for (const ks_attr *attr = op->attrs; attr && attr->name; attr++, first = false) {
        printf("%-11s %s: %s", first ? "attributes" : "", attr->name, type_text(attr));
        if (attr->required) {
            printf(", needed");
        } else if (!attr->doc || !strstr(attr->doc, "default")) {
            printf(", default ");
            put_default(op, attr);
        }
        if (attr->doc)
            printf("; %s", attr->doc);
        putchar('\n');
    }
}

/* ---- its example --------------------------------------------------------------------------------------- */

static void put_leaf(const char *about, const ks_node *node)
{
    char text[SHAPE_TEXT];
    printf(COLUMN "%s: %s %s\n", about, ks_name(node), ks_dtype_name(ks_node_dtype(node)),
           shape_text(ks_node_graph(node), ks_node_shape(node), text));
}

static void put_example(const ks_op *op)
{
    example e = ops_example(op);
    for (int i = 0; e.node && i < ks_node_input_count(e.node); i++)
        put_leaf(i ? "" : "example", ks_node_input(e.node, i));
    if (e.node) {
        printf(COLUMN "%.*s\n", ks_node_input_count(e.node) ? "" : "example", e.length, e.json);
        put_leaf("", e.node);
    }
    ops_example_free(&e);
}

void ops_put_text(const ks_op *op)
{
    const entry *known = ops_entry(op->name);
    printf("%s: %s\n\n", op->name, op->formula);
    put_wrapped(op->doc ? op->doc : "");
    putchar('\n');
    put_inputs(op);
    put_attributes(op);
    if (op->no_derivative)
        printf(COLUMN "none: %s\n", "derivative", op->no_derivative);
    else
        printf(COLUMN "%s\n", "derivative", op->derivative ? op->derivative : "none");
    printf(COLUMN "%s\n", "ONNX", op->onnx ? op->onnx : "none");
    printf(COLUMN "%s\n", "family", known->family);
    printf(COLUMN "%s\n", "in C", *known->builder ? known->builder : "no call of its own");
    put_example(op);
}
