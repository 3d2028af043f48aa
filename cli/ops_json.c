/*
 * cli/ops_json.c - an operation explained, as JSON for programs.
 */
#include "ops.h"
#include "output.h"

#include <string.h>

/* "key": "text", or null where there is none. */
static void member(const char *key, const char *text)
{
    printf(", \"%s\": ", key);
    if (text && *text)
        json_string(text);
    else
        printf("null");
}

/* ---- what it takes and gives --------------------------------------------------------------------------- */

/* The dtype that a letter of `types` stands for. */
static const char *letter_name(char letter)
{
    switch (letter) {
    case 'T':
        return "T";
    case 'B':
        return "bool";
    case 'I':
        return "whole";
    case 'S':
        return "shape";
    case 'D':
        return "own";
    default:
        return "any";
    }
}

static void put_inputs(const ks_op *op)
{
    input in;
    printf(", \"inputs\": [");
    for (int i = 0; ops_input(op, i, &in); i++)
        printf("%s{\"name\": \"%.*s\", \"dtype\": \"%s\", \"repeated\": %s}", i ? ", " : "", in.length, in.name, letter_name(in.letter),
               in.more ? "true" : "false");
    printf("], \"result\": \"%s\", \"T\": [", ops_result(op) == 'I' ? "i64" : letter_name(ops_result(op)));
    const char *comma = "";
    for (int dtype = 0; strchr(op->types ? op->types : "", 'T') && dtype < KS_DTYPES; dtype++) {
        if (!((op->allowed ? op->allowed : KS_FLOATS) & (1u << dtype)))
            continue;
        printf("%s\"%s\"", comma, ks_dtype_name((ks_dtype)dtype));
        comma = ", ";
    }
    putchar(']');
}

/* ---- attributes ---------------------------------------------------------------------------------------- */

static void put_ints(const ks_ints *ints)
{
    putchar('[');
    for (int i = 0; i < ints->count; i++)
        printf("%s%lld", i ? ", " : "", (long long)ints->at[i]);
    putchar(']');
}

/* A default as the JSON that a model would have; null: absent. */
static void put_default(const ks_op *op, const ks_attr *attr)
{
    static const ks_shape zeros = {0}; /* the largest of the fields */
    const void *field = op->defaults ? (const char *)op->defaults + attr->offset : (const void *)&zeros;
    switch (attr->type) {
    case KS_ATTR_INT:
        printf("%lld", (long long)*(const int64_t *)field);
        return;
    case KS_ATTR_BOOL:
        printf("%s", *(const int64_t *)field ? "true" : "false");
        return;
    case KS_ATTR_FLOAT:
        json_real(*(const double *)field);
        return;
    case KS_ATTR_DTYPE:
        json_string(ks_dtype_name((ks_dtype)(*(const int64_t *)field)));
        return;
    case KS_ATTR_SHAPE:
        json_shape(NULL, *(const ks_shape *)field);
        return;
    default:
        if (attr->type == KS_ATTR_INTS && ((const ks_ints *)field)->count >= 0)
            put_ints(field);
        else
            printf("null");
    }
}

static const char *type_name(const ks_attr *attr)
{
    static const char *const types[] = {"int", "float", "bool", "ints", "dtype", "shape"};
    return (size_t)attr->type < sizeof types / sizeof types[0] ? types[attr->type] : "function";
}

static void put_attributes(const ks_op *op)
{
    printf(", \"attributes\": [");
    for (const ks_attr *attr = op->attrs; attr && attr->name; attr++) {
        printf("%s{\"name\": \"%s\", \"type\": \"%s\", \"needed\": %s", attr > op->attrs ? ", " : "", attr->name, type_name(attr),
               attr->required ? "true" : "false");
        if (!attr->required) {
            printf(", \"default\": ");
            put_default(op, attr);
        }
        member("doc", attr->doc);
        putchar('}');
    }
    putchar(']');
}

/* ---- all of it ----------------------------------------------------------------------------------------- */

void ops_put_json(const ks_op *op)
{
    const entry *known = ops_entry(op->name);
    printf("{\"name\": \"%s\"", op->name);
    member("family", known->family);
    member("formula", op->formula);
    member("doc", op->doc);
    put_inputs(op);
    put_attributes(op);
    member("derivative", op->no_derivative ? NULL : op->derivative);
    member("no_derivative", op->no_derivative);
    member("onnx", op->onnx);
    member("builder", known->builder);
    example e = ops_example(op);
    printf(", \"example\": ");
    if (e.node)
        printf("%.*s", e.length, e.json);
    else
        printf("null");
    ops_example_free(&e);
    putchar('}');
}
