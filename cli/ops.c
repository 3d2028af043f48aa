/*
 * cli/ops.c - keisan ops: the operations, from their definitions.
 */
#include "commands.h"
#include "output.h"

#include <string.h>

static int list(void)
{
    for (int i = 0; i < ks_op_count(); i++)
        printf("%-26s %s\n", ks_op_at(i)->name, ks_op_at(i)->formula);
    return DONE;
}

/* ---- one operation ------------------------------------------------------------------------------------- */

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

static void put_inputs(const ks_op *op)
{
    const char *name = op->inputs ? op->inputs : "", *letter = op->types ? op->types : "";
    if (*letter == '>' || !*letter)
        printf("inputs      none\n");
    for (bool first = true; *letter && *letter != '>'; letter++, first = false) {
        int length = (int)strcspn(name, " ");
        bool more = letter[1] == '+';
        printf("%-11s %.*s%s: %s\n", first ? "inputs" : "", length, length ? name : "x", more ? ", ..." : "", letter_text(*letter));
        letter += more;
        name += length;
        name += strspn(name, " ");
    }
    letter = strchr(op->types ? op->types : "", '>');
    printf("%-11s %s\n", "result", !letter ? "any" : letter[1] == 'I' ? "i64" : letter_text(letter[1]));
    if (!op->types || !strchr(op->types, 'T'))
        return;
    printf("%-11s", "T");
    for (int dtype = 0; dtype < KS_DTYPES; dtype++) {
        if ((op->allowed ? op->allowed : KS_FLOATS) & (1u << dtype))
            printf(" %s", ks_dtype_name((ks_dtype)dtype));
    }
    putchar('\n');
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
    default:
        if (whole == INT64_MAX)
            printf("the end");
        else
            printf("%lld", (long long)whole);
    }
}

static void put_attributes(const ks_op *op)
{
    static const char *const types[] = {"whole number", "number", "true or false", "whole numbers", "dtype", "shape"};
    bool first = true;
    for (const ks_attr *attr = op->attrs; attr && attr->name; attr++, first = false) {
        printf("%-11s %s: %s", first ? "attributes" : "", attr->name, types[attr->type]);
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

static int describe(const ks_op *op)
{
    printf("%s: %s\n\n", op->name, op->formula);
    put_wrapped(op->doc ? op->doc : "");
    putchar('\n');
    put_inputs(op);
    put_attributes(op);
    if (op->no_derivative)
        printf("derivative  none: %s\n", op->no_derivative);
    else
        printf("derivative  %s\n", op->derivative ? op->derivative : "none");
    printf("ONNX        %s\n", op->onnx ? op->onnx : "none");
    return DONE;
}

static int run(const args *a)
{
    if (!a->files.count)
        return list();
    const char *name = a->files.at[0], *best = NULL;
    const ks_op *op = ks_op_find(NULL, name);
    if (op)
        return describe(op);
    int least = word_reach(name) + 1;
    for (int i = 0; i < ks_op_count(); i++) {
        int distance = word_distance(name, ks_op_at(i)->name);
        if (distance < least) {
            least = distance;
            best = ks_op_at(i)->name;
        }
    }
    if (best)
        complain("ops: no operation %s: did you mean %s?", name, best);
    else
        complain("ops: no operation %s: 'keisan ops' lists them", name);
    return BAD_INPUT;
}

const command ops_command = {
    .name = "ops",
    .usage = "[NAME]",
    .summary = "Lists the operations, or explains one",
    .doc = "In a derivative u is the upstream derivative; there is one formula for each input.",
    .least = 0,
    .most = 1,
    .run = run,
};
