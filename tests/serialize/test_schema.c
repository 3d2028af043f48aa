/*
 * test_schema.c - docs/graph.schema.json says what the reader takes: it is made here, from the table of operations.
 *
 * KEISAN_REWRITE=1 writes it anew.
 */
#include <criterion/criterion.h>
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <keisan/keisan.h>
#include "ops/table.h"

/* A piece written as JSON. */
static cJSON *json(const char *text)
{
    cJSON *item = cJSON_Parse(text);
    cr_assert_not_null(item, "%s", text);
    return item;
}

static cJSON *reference(const char *name)
{
    char text[96];
    snprintf(text, sizeof text, "{\"$ref\": \"#/$defs/%s\"}", name);
    return json(text);
}

static void add_strings(cJSON *object, const char *key, const char *words)
{
    cJSON *list = cJSON_AddArrayToObject(object, key);
    while (*words) {
        char word[64];
        size_t length = strcspn(words, " ");
        snprintf(word, sizeof word, "%.*s", (int)length, words);
        cJSON_AddItemToArray(list, cJSON_CreateString(word));
        words += length + (words[length] == ' ');
    }
}

/* ---- an operation -------------------------------------------------------------------------------------- */

static cJSON *attribute(const ks_attr *attr)
{
    static const char *const types[] = {[KS_ATTR_INT] = "{\"type\": \"integer\"}",
                                        [KS_ATTR_FLOAT] = "{\"$ref\": \"#/$defs/number\"}",
                                        [KS_ATTR_BOOL] = "{\"type\": \"boolean\"}",
                                        [KS_ATTR_INTS] =
                                            "{\"type\": [\"array\", \"null\"], \"items\": {\"type\": \"integer\"}, \"maxItems\": 8}",
                                        [KS_ATTR_DTYPE] = "{\"$ref\": \"#/$defs/dtype\"}",
                                        [KS_ATTR_SHAPE] = "{\"$ref\": \"#/$defs/new_shape\"}",
                                        [KS_ATTR_FUNCTION] = "{\"$ref\": \"#/$defs/name\"}"};
    cJSON *item = json(types[attr->type]);
    cJSON_AddStringToObject(item, "description", attr->doc);
    return item;
}

static cJSON *attributes(const ks_op *op, bool *required)
{
    cJSON *item = json("{\"type\": \"object\", \"additionalProperties\": false}"), *all = cJSON_AddObjectToObject(item, "properties"),
          *list = NULL;
    for (const ks_attr *attr = op->attrs; attr && attr->name; attr++) {
        cJSON_AddItemToObject(all, attr->name, attribute(attr));
        if (attr->required && !list)
            list = cJSON_AddArrayToObject(item, "required");
        if (attr->required)
            cJSON_AddItemToArray(list, cJSON_CreateString(attr->name));
    }
    *required = list != NULL;
    return item;
}

static cJSON *inputs(const ks_op *op)
{
    int n = 0;
    bool more = false;
    for (const char *c = op->types; *c != '>'; c++) {
        more = more || *c == '+';
        n += *c != '+';
    }
    cJSON *item = json("{\"type\": \"array\"}");
    cJSON_AddItemToObject(item, "items", reference("input"));
    cJSON_AddNumberToObject(item, "minItems", n);
    if (!more)
        cJSON_AddNumberToObject(item, "maxItems", n);
    return item;
}

static void add_leaf(cJSON *all, const ks_op *op)
{
    if (!(op->flags & KS_OP_NUMBER)) {
        cJSON_AddItemToObject(all, "dtype", reference("dtype"));
        cJSON_AddItemToObject(all, "shape", reference(op->flags & KS_OP_FED ? "shape" : "sizes"));
    }
    if (op->flags & (KS_OP_CONSTANT | KS_OP_VARIABLE))
        cJSON_AddItemToObject(all, "value", reference("value"));
    if (op->flags & KS_OP_NUMBER)
        cJSON_AddItemToObject(all, "value", reference("number"));
    if (op->flags & KS_OP_VARIABLE) {
        cJSON_AddItemToObject(all, "init", reference("init"));
        cJSON_AddItemToObject(all, "trainable", json("{\"type\": \"boolean\"}"));
    }
}

static cJSON *operation(const ks_op *op)
{
    bool required = false;
    cJSON *item = json("{\"type\": \"object\", \"additionalProperties\": false}"), *all, *name;
    cJSON_AddStringToObject(item, "title", op->formula);
    cJSON_AddStringToObject(item, "description", op->doc);
    all = cJSON_AddObjectToObject(item, "properties");
    cJSON_AddItemToObject(all, "name", reference("name"));
    name = cJSON_AddObjectToObject(all, "op");
    cJSON_AddStringToObject(name, "const", op->name);
    if (op->flags & KS_OP_LEAF) {
        add_leaf(all, op);
    } else {
        cJSON_AddItemToObject(all, "inputs", inputs(op));
        cJSON_AddItemToObject(all, "attrs", attributes(op, &required));
    }
    if (op->flags & (KS_OP_RANDOM | KS_OP_CALLS))
        cJSON_AddItemToObject(all, "stream", json("{\"type\": \"integer\", \"minimum\": 1, \"maximum\": 4294967295}"));
    cJSON_AddItemToObject(all, "doc", json("{\"type\": \"string\"}"));
    bool typed = (op->flags & KS_OP_LEAF) && !(op->flags & KS_OP_NUMBER), valued = op->flags & (KS_OP_CONSTANT | KS_OP_NUMBER);
    bool takes = !(op->flags & KS_OP_LEAF) && op->types[0] != '>';
    char words[64];
    snprintf(words, sizeof words, "name op%s%s%s%s", typed ? " shape" : "", valued ? " value" : "", takes ? " inputs" : "",
             required ? " attrs" : "");
    add_strings(item, "required", words);
    if (op->flags & KS_OP_VARIABLE)
        cJSON_AddItemToObject(item, "anyOf", json("[{\"required\": [\"value\"]}, {\"required\": [\"init\"]}]"));
    return item;
}

/* An operation of the user's: a dot is in its name, and its attributes are not known here. */
static const char users[] =
    "{\"type\": \"object\", \"additionalProperties\": false, \"properties\": {\"name\": {\"$ref\": \"#/$defs/name\"},"
    "\"op\": {\"type\": \"string\", \"pattern\": \"[.]\"}, \"inputs\": {\"type\": \"array\", \"items\": {\"$ref\": \"#/$defs/input\"}},"
    "\"attrs\": {\"type\": \"object\"}, \"stream\": {\"type\": \"integer\", \"minimum\": 1}, \"doc\": {\"type\": \"string\"}},"
    "\"required\": [\"name\", \"op\"]}";

/* ---- the document -------------------------------------------------------------------------------------- */

static const char definitions[] =
    "{\"name\": {\"type\": \"string\", \"pattern\": \"^[A-Za-z0-9_.:/-]{1,200}$\"},"
    "\"dtype\": {\"enum\": [\"f32\", \"f64\", \"i32\", \"i64\", \"u8\", \"bool\"]},"
    "\"sizes\": {\"type\": \"array\", \"maxItems\": 8, \"items\": {\"type\": \"integer\", \"minimum\": 0}},"
    "\"shape\": {\"type\": \"array\", \"maxItems\": 8, \"items\": {\"anyOf\": [{\"type\": \"integer\", \"minimum\": 0}, {\"$ref\": "
    "\"#/$defs/name\"}, {\"type\": \"null\"}]}},"
    "\"new_shape\": {\"type\": \"array\", \"maxItems\": 8, \"items\": {\"anyOf\": [{\"type\": \"integer\", \"minimum\": -1}, {\"$ref\": "
    "\"#/$defs/name\"}, {\"type\": \"null\"}]}},"
    "\"number\": {\"anyOf\": [{\"type\": \"number\"}, {\"enum\": [\"NaN\", \"Infinity\", \"-Infinity\"]}]},"
    "\"input\": {\"anyOf\": [{\"$ref\": \"#/$defs/name\"}, {\"type\": \"number\"}]},"
    "\"base64\": {\"type\": \"object\", \"properties\": {\"base64\": {\"type\": \"string\", \"pattern\": "
    "\"^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$\"}},"
    "\"required\": [\"base64\"], \"additionalProperties\": false},"
    "\"value\": {\"anyOf\": [{\"$ref\": \"#/$defs/number\"}, {\"type\": \"boolean\"}, {\"type\": \"array\", \"items\": {\"$ref\": "
    "\"#/$defs/value\"}}, {\"$ref\": \"#/$defs/base64\"}]},"
    "\"init\": {\"type\": \"object\", \"properties\": {\"kind\": {\"enum\": [\"none\", \"zeros\", \"ones\", \"constant\", \"normal\", "
    "\"uniform\", \"xavier\", \"he\"]},"
    "\"value\": {\"type\": \"number\"}, \"mean\": {\"type\": \"number\"}, \"std\": {\"type\": \"number\"}, \"low\": {\"type\": "
    "\"number\"}, \"high\": {\"type\": \"number\"},"
    "\"fan_in\": {\"type\": \"integer\", \"minimum\": 1}}, \"required\": [\"kind\"], \"additionalProperties\": false},"
    "\"outputs\": {\"type\": \"object\", \"propertyNames\": {\"$ref\": \"#/$defs/name\"}, \"additionalProperties\": {\"$ref\": "
    "\"#/$defs/name\"}},"
    "\"function\": {\"type\": \"object\", \"additionalProperties\": false, \"required\": [\"nodes\", \"outputs\"], \"properties\": {"
    "\"nodes\": {\"type\": \"array\", \"items\": {\"$ref\": \"#/$defs/node\"}},"
    "\"outputs\": {\"$ref\": \"#/$defs/outputs\", \"minProperties\": 1}}},"
    "\"training\": {\"type\": \"object\", \"properties\": {\"loss\": {\"type\": \"string\"}, \"step\": {\"type\": \"integer\", "
    "\"minimum\": 0},"
    "\"random_step\": {\"type\": \"integer\", \"minimum\": 0}, \"epoch\": {\"type\": \"integer\", \"minimum\": 0}, \"row\": {\"type\": "
    "\"integer\", \"minimum\": 0},"
    "\"optimizer\": {\"type\": \"object\", \"properties\": {\"kind\": {\"enum\": [\"sgd\", \"momentum\", "
    "\"nesterov\", \"adagrad\", \"rmsprop\", \"adadelta\", \"adam\", \"adamw\"]}}, \"required\": "
    "[\"kind\"],"
    "\"additionalProperties\": {\"type\": \"number\", \"minimum\": 0}}, \"state\": {\"type\": \"object\", \"additionalProperties\": "
    "{\"type\": \"object\"}}},"
    "\"required\": [\"loss\", \"optimizer\"], \"additionalProperties\": false}}";

static const char document[] =
    "{\"$schema\": \"https://json-schema.org/draft/2020-12/schema\", \"title\": \"keisan.graph, version 1\", \"type\": \"object\","
    "\"additionalProperties\": false, \"required\": [\"format\", \"version\", \"nodes\"], \"properties\": {\"format\": {\"const\": "
    "\"keisan.graph\"},"
    "\"version\": {\"const\": 1}, \"seed\": {\"type\": \"integer\", \"minimum\": 0}, \"step\": {\"type\": \"integer\", \"minimum\": 0}, "
    "\"metadata\": {\"type\": \"object\"},"
    "\"functions\": {\"type\": \"object\", \"propertyNames\": {\"$ref\": \"#/$defs/name\"}, \"additionalProperties\": {\"$ref\": "
    "\"#/$defs/function\"}},"
    "\"nodes\": {\"type\": \"array\", \"items\": {\"$ref\": \"#/$defs/node\"}},"
    "\"outputs\": {\"$ref\": \"#/$defs/outputs\"},"
    "\"training\": {\"$ref\": \"#/$defs/training\"}}}";

static char *make_schema(void)
{
    cJSON *schema = json(document), *parts = json(definitions), *node = cJSON_CreateObject(), *kinds;
    cr_assert(schema && parts);
    kinds = cJSON_AddArrayToObject(node, "oneOf");
    for (int i = 0; i < ks_op_count(); i++)
        cJSON_AddItemToArray(kinds, operation(ks_op_at(i)));
    cJSON_AddItemToArray(kinds, json(users));
    cJSON_AddItemToObject(parts, "node", node);
    cJSON_AddItemToObject(schema, "$defs", parts);
    char *text = cJSON_Print(schema);
    cJSON_Delete(schema);
    for (char *c = text; *c; c++)
        *c = *c == '\t' ? ' ' : *c; /* no text in it has a tab */
    return text;
}

Test(schema, the_one_in_docs_is_up_to_date)
{
    char path[1024], *wanted = make_schema();
    static char there[1 << 20];
    snprintf(path, sizeof path, "%.900s/docs/graph.schema.json", getenv("KEISAN_SOURCE") ? getenv("KEISAN_SOURCE") : ".");
    if (getenv("KEISAN_REWRITE")) {
        FILE *file = fopen(path, "wb");
        fprintf(file, "%s\n", wanted);
        fclose(file);
    }
    FILE *file = fopen(path, "rb");
    cr_assert_not_null(file, "%s is missing: KEISAN_REWRITE=1 writes it", path);
    size_t size = fread(there, 1, sizeof there - 1, file);
    fclose(file);
    cr_assert(size == strlen(wanted) + 1 && !strncmp(there, wanted, size - 1),
              "docs/graph.schema.json is old: KEISAN_REWRITE=1 writes it anew");
    free(wanted);
}
