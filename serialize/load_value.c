/*
 * serialize/load_value.c - what nodes are made of, read strictly: dtypes, shapes, elements, initialisers, attributes.
 *
 * A list is measured against the shape before any memory is asked for, so that a file that promises more than it holds costs nothing.
 */
#include "serialize/json.h"
#include "serialize/array.h"
#include "serialize/base64.h"
#include "serialize/number.h"
#include "serialize/stored.h"

#include <math.h>
#include <string.h>

/* ---- dtypes and shapes --------------------------------------------------------------------------------- */

bool ks__load_dtype(ks__json *doc, const ks__spot *spot, const cJSON *item, ks_dtype usual, ks_dtype *dtype)
{
    char shown[KS__SHOWN_BYTES];
    *dtype = usual;
    if (!item)
        return true;
    const char *name = ks__json_text(doc, spot, item);
    if (!name)
        return false;
    *dtype = ks_dtype_named(name);
    return *dtype != KS_DTYPES || ks__json_fail(doc, spot, item, KS_BAD_FILE, "'%s' is no dtype: there are f32, f64, i32, i64, u8, bool",
                                                ks__json_shown(name, shown));
}

static bool load_dim(ks__json *doc, const ks__spot *spot, const cJSON *item, bool open, bool attribute, int64_t *dim)
{
    if (cJSON_IsNumber(item))
        return ks__json_i64(doc, spot, item, attribute ? -1 : 0, INT64_MAX, dim);
    if (!open)
        return ks__json_fail(doc, spot, item, KS_BAD_FILE, "a dimension here is a whole number: only an input's may be open");
    *dim = KS_ANY;
    if (cJSON_IsNull(item))
        return true;
    const char *name = cJSON_IsString(item) ? ks__json_name(doc, spot, item) : NULL;
    if (!name)
        return cJSON_IsString(item)
                   ? false
                   : ks__json_fail(doc, spot, item, KS_BAD_FILE, "a dimension is a whole number, a name such as \"N\", or null");
    ks__json_begin(doc, spot, item, NULL);
    *dim = ks_dim(doc->g, name);
    ks__json_end(doc);
    return *dim != 0;
}

bool ks__load_shape(ks__json *doc, const ks__spot *spot, const cJSON *item, bool open, bool attribute, ks_shape *shape)
{
    char shown[KS__SHOWN_BYTES + 16];
    *shape = (ks_shape){.rank = 0};
    if (!cJSON_IsArray(item))
        return ks__json_fail(doc, spot, item, KS_BAD_FILE, "a shape is a list such as [2, 3], or [] for a scalar, not %s",
                             ks__json_what(doc, item, shown));
    const cJSON *dim;
    cJSON_ArrayForEach (dim, item) {
        ks__spot at = {spot, NULL, shape->rank};
        if (shape->rank == KS_MAX_RANK)
            return ks__json_fail(doc, spot, item, KS_BAD_FILE, "a shape has at most %d dimensions, this one %d", KS_MAX_RANK,
                                 cJSON_GetArraySize(item));
        if (!load_dim(doc, &at, dim, open, attribute, &shape->dim[shape->rank]))
            return false;
        shape->rank++;
    }
    return true;
}

/* ---- elements ------------------------------------------------------------------------------------------ */

static bool load_float(ks__json *doc, const ks__spot *spot, const cJSON *item, ks_dtype dtype, void *out)
{
    size_t size;
    double value;
    if (dtype == KS_F64 || cJSON_IsString(item)) {
        if (!ks__json_f64(doc, spot, item, &value))
            return false;
        if (dtype == KS_F64)
            memcpy(out, &value, sizeof value);
        else
            *(float *)out = (float)value;
        return true;
    }
    if (!cJSON_IsNumber(item))
        return ks__json_f64(doc, spot, item, &value);
    const char *raw = ks__json_raw(doc, item, &size);
    return ks__f32_parse(raw, size, out) == KS__NUMBER_OK ||
           ks__json_fail(doc, spot, item, KS_BAD_FILE, "%.*s is beyond the largest f32, 3.4e38: make it f64", (int)(size < 40 ? size : 40),
                         raw);
}

static bool load_element(ks__json *doc, const ks__spot *spot, const cJSON *item, ks_dtype dtype, void *out)
{
    int64_t value = 0;
    bool truth = false;
    switch (dtype) {
    case KS_F32:
    case KS_F64:
        return load_float(doc, spot, item, dtype, out);
    case KS_BOOL:
        if (!ks__json_bool(doc, spot, item, &truth))
            return false;
        *(uint8_t *)out = truth;
        return true;
    case KS_I32:
        if (!ks__json_i64(doc, spot, item, INT32_MIN, INT32_MAX, &value))
            return false;
        *(int32_t *)out = (int32_t)value;
        return true;
    case KS_U8:
        if (!ks__json_i64(doc, spot, item, 0, 255, &value))
            return false;
        *(uint8_t *)out = (uint8_t)value;
        return true;
    default:
        return ks__json_i64(doc, spot, item, INT64_MIN, INT64_MAX, out);
    }
}

/* A nested list being read; the walk goes down no deeper than the shape has dimensions. */
typedef struct lists {
    ks__json *doc;
    ks_dtype dtype;
    const ks_shape *shape;
    char *out; /* NULL: only measured */
} lists;

static bool walk_list(lists *l, const ks__spot *spot, const cJSON *item, int axis)
{
    char text[KS__SHAPE_TEXT], shown[KS__SHOWN_BYTES + 16];
    if (axis == l->shape->rank) {
        if (!l->out)
            return !cJSON_IsArray(item) ||
                   ks__json_fail(l->doc, spot, item, KS_BAD_FILE, "an element was expected, not a list: the shape is %s",
                                 ks__shape_text(l->doc->g, l->shape, text));
        if (!load_element(l->doc, spot, item, l->dtype, l->out))
            return false;
        l->out += ks_dtype_size(l->dtype);
        return true;
    }
    if (!cJSON_IsArray(item))
        return ks__json_fail(l->doc, spot, item, KS_BAD_FILE, "a list of %lld elements was expected, not %s: the shape is %s",
                             (long long)l->shape->dim[axis], ks__json_what(l->doc, item, shown), ks__shape_text(l->doc->g, l->shape, text));
    if (!l->out && cJSON_GetArraySize(item) != l->shape->dim[axis])
        return ks__json_fail(l->doc, spot, item, KS_BAD_FILE, "the list has %d elements, not the %lld of the shape %s",
                             cJSON_GetArraySize(item), (long long)l->shape->dim[axis], ks__shape_text(l->doc->g, l->shape, text));
    ks__spot at = {spot, NULL, 0};
    for (const cJSON *part = item->child; part; part = part->next, at.index++) {
        if (!walk_list(l, &at, part, axis + 1))
            return false;
    }
    return true;
}

static void *load_lists(ks__json *doc, const ks__spot *spot, const cJSON *item, ks_dtype dtype, const ks_shape *shape, size_t bytes)
{
    lists l = {doc, dtype, shape, NULL};
    if (!walk_list(&l, spot, item, 0))
        return NULL;
    char *data = ks__get(doc->g, bytes);
    l.out = data;
    if (!data || walk_list(&l, spot, item, 0))
        return data;
    ks__put(doc->g, data, bytes);
    return NULL;
}

/* Base64 of little-endian elements. */
static void *load_base64(ks__json *doc, const ks__spot *spot, const cJSON *item, ks_dtype dtype, const ks_shape *shape, size_t bytes)
{
    const char *text = ks__json_text(doc, spot, item);
    char shape_text[KS__SHAPE_TEXT];
    size_t length = text ? strlen(text) : 0, there, bad;
    if (!text)
        return NULL;
    if (!ks__base64_bytes(text, length, &there)) {
        ks__json_fail(doc, spot, item, KS_BAD_FILE, "base64 comes in fours, and these are %zu characters", length);
        return NULL;
    }
    if (there != bytes) {
        ks__json_fail(doc, spot, item, KS_BAD_FILE, "the base64 holds %zu bytes, but %s of shape %s takes %zu", there, ks_dtype_name(dtype),
                      ks__shape_text(doc->g, shape, shape_text), bytes);
        return NULL;
    }
    uint8_t *data = ks__get(doc->g, bytes);
    if (!data)
        return NULL;
    bool good = ks__base64_read(text, length, data, &bad) ||
                ks__json_fail(doc, spot, item, KS_BAD_FILE, "character %zu of the base64 can't stand there", bad);
    for (size_t i = 0; good && dtype == KS_BOOL && i < bytes; i++) {
        if (data[i] > 1)
            good = ks__json_fail(doc, spot, item, KS_BAD_FILE, "byte %zu is %d, but a bool is 0 or 1", i, data[i]);
    }
    if (!good) {
        ks__put(doc->g, data, bytes);
        return NULL;
    }
    if (ks__big_endian())
        ks__swap_bytes(data, bytes / ks_dtype_size(dtype), ks_dtype_size(dtype));
    return data;
}

void *ks__load_value(ks__json *doc, const ks__spot *spot, const cJSON *item, ks_dtype dtype, const ks_shape *shape, size_t *bytes)
{
    static const char *const keys[] = {"base64", NULL};
    char text[KS__SHAPE_TEXT];
    size_t count;
    if (!ks__array_measure(dtype, shape, &count, bytes)) {
        ks__json_fail(doc, spot, item, KS_BAD_FILE, "the sizes of %s multiply to more than memory can hold",
                      ks__shape_text(doc->g, shape, text));
        return NULL;
    }
    if (!cJSON_IsObject(item)) {
        *bytes = *bytes ? *bytes : 1; /* something to hand over where there are no elements */
        return load_lists(doc, spot, item, dtype, shape, *bytes);
    }
    if (cJSON_GetObjectItemCaseSensitive(item, "file")) {
        ks__json_fail(doc, spot, item, KS_UNSUPPORTED,
                      "values in other files can't be read by this version: write them as \"base64\" or lists");
        return NULL;
    }
    if (!ks__json_keys(doc, spot, item, keys, "a value"))
        return NULL;
    const cJSON *base64 = cJSON_GetObjectItemCaseSensitive(item, "base64");
    if (!base64) {
        ks__json_fail(doc, spot, item, KS_BAD_FILE, "a value is a number, a list, or an object with \"base64\"");
        return NULL;
    }
    ks__spot at = {spot, "base64", 0};
    if (*bytes)
        return load_base64(doc, &at, base64, dtype, shape, *bytes);
    if (cJSON_IsString(base64) && *base64->valuestring) {
        ks__json_fail(doc, &at, base64, KS_BAD_FILE, "the shape %s has no elements: the base64 must be empty",
                      ks__shape_text(doc->g, shape, text));
        return NULL;
    }
    *bytes = 1;
    return ks__json_text(doc, &at, base64) ? ks__get(doc->g, *bytes) : NULL;
}

/* ---- initialisers -------------------------------------------------------------------------------------- */

/* The words of "init": what they are to the library, and the fields each takes. */
static const struct {
    const char *kind;
    ks_init_kind is;
    double a;
    const char *first, *second; /* the fields that are init.a and init.b */
    bool fan_in;
} kinds[] = {
    {"none", KS_INIT_NONE, 0, NULL, NULL, false},        {"zeros", KS_INIT_CONSTANT, 0, NULL, NULL, false},
    {"ones", KS_INIT_CONSTANT, 1, NULL, NULL, false},    {"constant", KS_INIT_CONSTANT, 0, "value", NULL, false},
    {"normal", KS_INIT_NORMAL, 0, "mean", "std", false}, {"uniform", KS_INIT_UNIFORM, 0, "low", "high", false},
    {"xavier", KS_INIT_XAVIER, 0, NULL, NULL, true},     {"he", KS_INIT_HE, 0, NULL, NULL, true},
};
#define KINDS (sizeof kinds / sizeof kinds[0])
static const char *const kind_words[KINDS + 1] = {"none", "zeros", "ones", "constant", "normal", "uniform", "xavier", "he", NULL};

static bool load_field(ks__json *doc, const ks__spot *spot, const cJSON *init, const char *field, const char *kind, bool required,
                       double *value)
{
    const cJSON *item = field ? cJSON_GetObjectItemCaseSensitive(init, field) : NULL;
    ks__spot at = {spot, field, 0};
    if (!item)
        return !field || !required || ks__json_fail(doc, spot, init, KS_BAD_FILE, "'%s' is missing: %s needs it", field, kind);
    if (!ks__json_f64(doc, &at, item, value))
        return false;
    return isfinite(*value) || ks__json_fail(doc, &at, item, KS_BAD_FILE, "an initialiser's numbers are finite");
}

bool ks__load_init(ks__json *doc, const ks__spot *spot, const cJSON *item, ks_init *init)
{
    char shown[KS__SHOWN_BYTES + 16], guess[KS__GUESS_BYTES];
    *init = (ks_init){.kind = KS_INIT_NONE};
    if (!cJSON_IsObject(item))
        return ks__json_fail(doc, spot, item, KS_BAD_FILE, "an initialiser is an object such as {\"kind\": \"he\"}, not %s",
                             ks__json_what(doc, item, shown));
    const cJSON *kind = cJSON_GetObjectItemCaseSensitive(item, "kind"), *fan_in = cJSON_GetObjectItemCaseSensitive(item, "fan_in");
    ks__spot at = {spot, "kind", 0}, at_fan = {spot, "fan_in", 0};
    if (!kind)
        return ks__json_fail(doc, spot, item, KS_BAD_FILE, "'kind' is missing: write {\"kind\": \"he\"}, say");
    const char *word = ks__json_text(doc, &at, kind);
    size_t k = 0;
    while (word && k < KINDS && strcmp(kinds[k].kind, word) != 0)
        k++;
    if (!word)
        return false;
    if (k == KINDS)
        return ks__json_fail(doc, &at, kind, KS_BAD_FILE,
                             "'%s' is no initialiser%s: there are none, zeros, ones, constant, normal, uniform, xavier, he",
                             ks__json_shown(word, shown), ks__json_guess(word, kind_words, guess));
    const char *keys[5] = {"kind"};
    int n = 1;
    for (int i = 0; i < 3; i++) {
        const char *key = i == 0 ? kinds[k].first : i == 1 ? kinds[k].second : kinds[k].fan_in ? "fan_in" : NULL;
        if (key)
            keys[n++] = key;
    }
    *init = (ks_init){.kind = kinds[k].is, .a = kinds[k].a};
    return ks__json_keys(doc, spot, item, keys, word) &&
           load_field(doc, spot, item, kinds[k].first, word, kinds[k].is != KS_INIT_NORMAL, &init->a) &&
           load_field(doc, spot, item, kinds[k].second, word, true, &init->b) &&
           (!fan_in || ks__json_i64(doc, &at_fan, fan_in, 1, INT64_MAX, &init->fan_in));
}

/* ---- attributes ---------------------------------------------------------------------------------------- */

static bool load_ints(ks__json *doc, const ks__spot *spot, const cJSON *item, ks_ints *ints)
{
    *ints = (ks_ints){.count = cJSON_IsNull(item) ? -1 : 0};
    if (cJSON_IsNull(item))
        return true;
    char shown[KS__SHOWN_BYTES + 16];
    if (!cJSON_IsArray(item))
        return ks__json_fail(doc, spot, item, KS_BAD_FILE, "a list of whole numbers was expected, not %s", ks__json_what(doc, item, shown));
    const cJSON *part;
    cJSON_ArrayForEach (part, item) {
        ks__spot at = {spot, NULL, ints->count};
        if (ints->count == KS_MAX_RANK)
            return ks__json_fail(doc, spot, item, KS_BAD_FILE, "at most %d numbers may stand here, not %d", KS_MAX_RANK,
                                 cJSON_GetArraySize(item));
        if (!ks__json_i64(doc, &at, part, INT64_MIN, INT64_MAX, &ints->at[ints->count]))
            return false;
        ints->count++;
    }
    return true;
}

static bool load_attr(ks__json *doc, const ks__spot *spot, const cJSON *item, const ks_attr *attr, void *attrs)
{
    void *field = (char *)attrs + attr->offset;
    int64_t whole = 0;
    bool truth, good;
    ks_dtype dtype;
    ks_function *function;
    switch (attr->type) {
    case KS_ATTR_FLOAT:
        return ks__json_f64(doc, spot, item, field);
    case KS_ATTR_INTS:
        return load_ints(doc, spot, item, field);
    case KS_ATTR_SHAPE:
        return ks__load_shape(doc, spot, item, true, true, field);
    case KS_ATTR_FUNCTION:
        function = ks__load_function_named(doc, spot, item);
        memcpy(field, &function, sizeof function);
        return function != NULL;
    case KS_ATTR_BOOL:
        good = ks__json_bool(doc, spot, item, &truth);
        whole = truth;
        break;
    case KS_ATTR_DTYPE:
        good = ks__load_dtype(doc, spot, item, KS_F32, &dtype);
        whole = (int64_t)dtype;
        break;
    default:
        good = ks__json_i64(doc, spot, item, INT64_MIN, INT64_MAX, &whole);
        break;
    }
    if (good)
        memcpy(field, &whole, sizeof whole);
    return good;
}

#define MOST_ATTRS 31

bool ks__load_attrs(ks__json *doc, const ks__spot *spot, const cJSON *node, const ks_op *op, void *attrs)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(node, "attrs");
    ks__spot at_attrs = {spot, "attrs", 0};
    const char *keys[MOST_ATTRS + 1] = {NULL};
    char shown[KS__SHOWN_BYTES + 16];
    int n = 0;
    if (item && !cJSON_IsObject(item))
        return ks__json_fail(doc, &at_attrs, item, KS_BAD_FILE, "attributes are an object such as {\"axis\": 1}, not %s",
                             ks__json_what(doc, item, shown));
    for (const ks_attr *attr = op->attrs; attr && attr->name && n < MOST_ATTRS; attr++)
        keys[n++] = attr->name;
    if (item && item->child && !n)
        return ks__json_fail(doc, &at_attrs, item->child, KS_BAD_FILE, "unknown key '%s': %s has no attributes",
                             ks__json_shown(item->child->string, shown), op->name);
    if (item && !ks__json_keys(doc, &at_attrs, item, keys, op->name))
        return false;
    for (const ks_attr *attr = op->attrs; attr && attr->name; attr++) {
        const cJSON *given = item ? cJSON_GetObjectItemCaseSensitive(item, attr->name) : NULL;
        ks__spot at = {&at_attrs, attr->name, 0};
        if (!given && attr->required)
            return ks__json_fail(doc, item ? &at_attrs : spot, item ? item : node, KS_BAD_FILE, "%s'%s' is missing: %s needs it (%s)",
                                 item ? "" : "'attrs' with ", attr->name, op->name, attr->doc ? attr->doc : "");
        if (given && !load_attr(doc, &at, given, attr, attrs))
            return false;
    }
    return true;
}
