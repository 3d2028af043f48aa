/*
 * serialize/save_node.c - a node, its value, its attributes, and the "training" section as JSON.
 */
#include "serialize/save.h"
#include "serialize/array.h"
#include "serialize/base64.h"
#include "serialize/number.h"
#include "serialize/stored.h"
#include "serialize/utf8.h"

#include <string.h>

/* Values of more elements are base64. */
#define LISTED 64

/* ---- numbers, lists, base64 ---------------------------------------------------------------------------- */

static cJSON *number_item(const char *text, bool finite)
{
    return finite ? cJSON_CreateRaw(text) : cJSON_CreateString(text);
}

cJSON *ks__save_f64(double value)
{
    char text[KS__NUMBER_BYTES];
    ks__f64_text(value, text);
    return number_item(text, value - value == 0);
}

static cJSON *save_i64(int64_t value)
{
    char text[KS__NUMBER_BYTES];
    ks__i64_text(value, text);
    return cJSON_CreateRaw(text);
}

static cJSON *save_u64(uint64_t value)
{
    char text[KS__NUMBER_BYTES];
    if (value <= INT64_MAX)
        return save_i64((int64_t)value);
    size_t length = ks__i64_text((int64_t)(value / 10), text);
    text[length] = (char)('0' + value % 10);
    text[length + 1] = 0;
    return cJSON_CreateRaw(text);
}

static cJSON *save_element(const void *data, ks_dtype dtype, int64_t i)
{
    char text[KS__NUMBER_BYTES];
    float value;
    switch (dtype) {
    case KS_F32:
        value = ((const float *)data)[i];
        ks__f32_text(value, text);
        return number_item(text, value - value == 0);
    case KS_F64:
        return ks__save_f64(((const double *)data)[i]);
    case KS_BOOL:
        return cJSON_CreateBool(((const uint8_t *)data)[i]);
    case KS_I64:
        return save_i64(((const int64_t *)data)[i]);
    default:
        return save_i64((int64_t)ks__element(data, dtype, i));
    }
}

/* Appends to a list, taking `item` over; NULL is no memory, and the list is freed. */
static cJSON *appended(cJSON *list, cJSON *item)
{
    if (list && item && cJSON_AddItemToArray(list, item))
        return list;
    cJSON_Delete(list);
    cJSON_Delete(item);
    return NULL;
}

/* The nested list of x[...] from `axis` on; *at is the next element. No deeper than the rank. */
static cJSON *save_list(const ks_shape *shape, int axis, const void *data, ks_dtype dtype, int64_t *at)
{
    if (axis == shape->rank)
        return save_element(data, dtype, (*at)++);
    cJSON *list = cJSON_CreateArray();
    for (int64_t i = 0; list && i < shape->dim[axis]; i++)
        list = appended(list, save_list(shape, axis + 1, data, dtype, at));
    return list;
}

/* Bytes in little-endian order; a copy only where the machine has the other. */
static cJSON *save_base64(ks__save *s, const void *data, size_t bytes, size_t size)
{
    size_t length = ks__base64_length(bytes);
    void *swapped = NULL;
    if (ks__big_endian()) {
        swapped = ks__get_quiet(s->host, bytes);
        if (!swapped)
            return NULL;
        memcpy(swapped, data, bytes);
        ks__swap_bytes(swapped, bytes / size, size);
    }
    char *text = ks__get_quiet(s->host, length + 1);
    if (text) {
        ks__base64_write(text, swapped ? swapped : data, bytes);
        text[length] = 0;
    }
    cJSON *object = text ? cJSON_CreateObject() : NULL;
    if (object && !cJSON_AddStringToObject(object, "base64", text)) {
        cJSON_Delete(object);
        object = NULL;
    }
    ks__put(s->host, text, length + 1);
    ks__put(s->host, swapped, bytes);
    return object;
}

/* Lists of nothing inside lists of millions would be long as well. */
static bool is_short(const ks_shape *shape)
{
    int64_t lists = 1;
    for (int i = 0; i < shape->rank; i++)
        lists = shape->dim[i] > LISTED || lists > LISTED ? LISTED + 1 : lists * (shape->dim[i] ? shape->dim[i] : 1);
    return lists <= LISTED;
}

cJSON *ks__save_value(ks__save *s, const ks_node *node)
{
    const void *data = node->value->block->data;
    const ks_shape *shape = &node->dims->shape;
    ks_dtype dtype = (ks_dtype)node->dtype;
    int64_t at = 0;
    if (is_short(shape))
        return save_list(shape, 0, data, dtype, &at);
    return save_base64(s, data, (size_t)node->dims->count * ks_dtype_size(dtype), ks_dtype_size(dtype));
}

/* ---- shapes, initialisers, attributes ------------------------------------------------------------------ */

/* In an attribute -1 stands for what is left, and so does a dimension that nobody named. */
static cJSON *save_shape(const ks_graph *g, const ks_shape *shape, bool attribute)
{
    cJSON *list = cJSON_CreateArray();
    for (int i = 0; list && i < shape->rank; i++) {
        int64_t dim = shape->dim[i];
        const char *name = dim < 0 ? ks_dim_name(g, dim) : "";
        list = appended(list, dim >= 0       ? save_i64(dim)
                              : *name != '?' ? cJSON_CreateString(name)
                              : attribute    ? save_i64(-1)
                                             : cJSON_CreateNull());
    }
    return list;
}

static cJSON *save_init(ks__save *s, const ks_init *init)
{
    cJSON *object = cJSON_CreateObject();
    bool good = object != NULL;
    static const char *const words[] = {[KS_INIT_NONE] = "none",       [KS_INIT_CONSTANT] = "constant", [KS_INIT_NORMAL] = "normal",
                                        [KS_INIT_UNIFORM] = "uniform", [KS_INIT_XAVIER] = "xavier",     [KS_INIT_HE] = "he"};
    uint64_t bits;
    memcpy(&bits, &init->a, sizeof bits);
    bool zeros = init->kind == KS_INIT_CONSTANT && bits == 0, ones = init->kind == KS_INIT_CONSTANT && init->a == 1;
    good = good && ks__save_add(s, object, "kind", cJSON_CreateString(zeros ? "zeros" : ones ? "ones" : words[init->kind]));
    if (good && init->kind == KS_INIT_CONSTANT && !zeros && !ones)
        good = ks__save_add(s, object, "value", ks__save_f64(init->a));
    if (good && init->kind == KS_INIT_NORMAL)
        good = ks__save_add(s, object, "mean", ks__save_f64(init->a)) && ks__save_add(s, object, "std", ks__save_f64(init->b));
    if (good && init->kind == KS_INIT_UNIFORM)
        good = ks__save_add(s, object, "low", ks__save_f64(init->a)) && ks__save_add(s, object, "high", ks__save_f64(init->b));
    if (good && init->fan_in > 0)
        good = ks__save_add(s, object, "fan_in", save_i64(init->fan_in));
    if (!good) {
        cJSON_Delete(object);
        return NULL;
    }
    return object;
}

static cJSON *save_ints(const ks_ints *ints)
{
    cJSON *list = ints->count < 0 ? cJSON_CreateNull() : cJSON_CreateArray();
    for (int i = 0; list && i < ints->count; i++)
        list = appended(list, save_i64(ints->at[i]));
    return list;
}

static cJSON *save_attr(const ks__save *s, const ks_attr *attr, const void *field)
{
    int64_t whole;
    double real;
    const ks_function *function;
    switch (attr->type) {
    case KS_ATTR_FLOAT:
        memcpy(&real, field, sizeof real);
        return ks__save_f64(real);
    case KS_ATTR_INTS:
        return save_ints(field);
    case KS_ATTR_SHAPE:
        return save_shape(s->g, field, true);
    case KS_ATTR_FUNCTION:
        memcpy(&function, field, sizeof function);
        return cJSON_CreateString(ks__save_function_name(s, function));
    default:
        memcpy(&whole, field, sizeof whole);
        return attr->type == KS_ATTR_BOOL    ? cJSON_CreateBool(whole != 0)
               : attr->type == KS_ATTR_DTYPE ? cJSON_CreateString(ks_dtype_name((ks_dtype)whole))
                                             : save_i64(whole);
    }
}

/* Whether two fields mean the same; what lies beyond a list's count does not count. */
static bool same_field(const ks_attr *attr, const void *a, const void *b)
{
    if (attr->type == KS_ATTR_INTS) {
        const ks_ints *x = a, *y = b;
        return x->count == y->count && (x->count <= 0 || !memcmp(x->at, y->at, (size_t)x->count * sizeof x->at[0]));
    }
    if (attr->type == KS_ATTR_SHAPE) {
        const ks_shape *x = a, *y = b;
        return x->rank == y->rank && !memcmp(x->dim, y->dim, (size_t)x->rank * sizeof x->dim[0]);
    }
    return !memcmp(a, b, sizeof(int64_t));
}

static bool save_attrs(ks__save *s, cJSON *object, const ks_node *node)
{
    static const char none[512];
    const char *attrs = node->data.attrs, *usual = node->op->defaults ? node->op->defaults : none;
    cJSON *all = NULL;
    for (const ks_attr *attr = node->op->attrs; attr && attr->name; attr++) {
        if (!attr->required && same_field(attr, attrs + attr->offset, usual + attr->offset))
            continue;
        if (!all && !(all = cJSON_AddObjectToObject(object, "attrs")))
            return ks__save_no_memory(s);
        if (!ks__save_add(s, all, attr->name, save_attr(s, attr, attrs + attr->offset)))
            return false;
    }
    return true;
}

/* ---- nodes --------------------------------------------------------------------------------------------- */

static bool save_type(ks__save *s, cJSON *object, const ks_node *node)
{
    return ks__save_add(s, object, "dtype", cJSON_CreateString(ks_dtype_name((ks_dtype)node->dtype))) &&
           ks__save_add(s, object, "shape", save_shape(s->g, &node->dims->shape, false));
}

static bool save_variable(ks__save *s, cJSON *object, const ks_node *node)
{
    bool floats = node->dtype == KS_F32 || node->dtype == KS_F64, trainable = node->flags & KS__TRAINABLE;
    bool value = node->value && !s->without_values;
    const ks_init *init = &node->aside->init;
    if (!save_type(s, object, node))
        return false;
    if ((init->kind != KS_INIT_NONE || !value) && !ks__save_add(s, object, "init", save_init(s, init)))
        return false;
    if (value && !ks__save_add(s, object, "value", ks__save_value(s, node)))
        return false;
    return trainable == floats || ks__save_add(s, object, "trainable", cJSON_CreateBool(trainable));
}

static bool save_inputs(ks__save *s, cJSON *object, const ks_node *node)
{
    if (node->n == 0)
        return true;
    cJSON *list = cJSON_CreateArray();
    for (uint32_t k = 0; list && k < node->n; k++) {
        ks_node *input = ks__inputs(node)[k];
        list = appended(list, ks__save_inline(s, input) ? ks__save_f64(input->data.number) : cJSON_CreateString(ks_name(input)));
    }
    return ks__save_add(s, object, "inputs", list);
}

static bool save_rest(ks__save *s, cJSON *object, const ks_node *node)
{
    unsigned flags = node->op->flags;
    if (flags & KS_OP_FED)
        return save_type(s, object, node);
    if (flags & KS_OP_CONSTANT)
        return save_type(s, object, node) && ks__save_add(s, object, "value", ks__save_value(s, node));
    if (flags & KS_OP_NUMBER)
        return ks__save_add(s, object, "value", ks__save_f64(node->data.number));
    if (flags & KS_OP_VARIABLE)
        return save_variable(s, object, node);
    bool stream = (ks__flags(node) & KS_OP_RANDOM) && !node->aside->given && node->aside->stream;
    return save_inputs(s, object, node) && save_attrs(s, object, node) &&
           (!stream || ks__save_add(s, object, "stream", save_u64(node->aside->stream)));
}

bool ks__save_node(ks__save *s, ks_node *node)
{
    const char *doc = ks_doc(node);
    if (doc && !ks__utf8_valid(doc, strlen(doc)))
        return ks__fail(s->failure, KS_BAD_ARGUMENT, "ks_save: the documentation of '%s' is no valid UTF-8", ks_name(node));
    cJSON *object = cJSON_CreateObject();
    bool good = ks__save_add(s, object, "name", cJSON_CreateString(ks_name(node))) &&
                ks__save_add(s, object, "op", cJSON_CreateString(node->op->name)) && save_rest(s, object, node) &&
                (!doc || ks__save_add(s, object, "doc", cJSON_CreateString(doc)));
    if (good)
        return ks__save_item(s, object);
    cJSON_Delete(object);
    return false;
}

/* ---- training ------------------------------------------------------------------------------------------ */

static bool save_optimizer(ks__save *s, const ks__training *t)
{
    cJSON *object = cJSON_CreateObject();
    bool good = ks__save_add(s, object, "kind", cJSON_CreateString(t->kind));
    for (int i = 0; good && i < t->field_count; i++)
        good = ks__save_add(s, object, t->fields[i].name, ks__save_f64(t->fields[i].value));
    ks__save_text(s, ",\n  \"optimizer\": ");
    if (good)
        return ks__save_item(s, object);
    cJSON_Delete(object);
    return false;
}

/* The slots of one variable, those that hold a value; its states stand together. */
static bool save_slots(ks__save *s, const ks__training *t, int first, int *after, bool *any)
{
    const ks_node *variable = t->states[first].variable;
    cJSON *object = cJSON_CreateObject();
    bool good = object || ks__save_no_memory(s);
    int i = first;
    for (; good && i < t->state_count && t->states[i].variable == variable; i++) {
        const ks_node *state = t->states[i].state;
        if (!state->value)
            continue;
        cJSON *value = ks__save_value(s, state);
        if (!variable) { /* a scalar of its own dtype */
            cJSON *own = cJSON_CreateObject();
            good = ks__save_add(s, own, "dtype", cJSON_CreateString(ks_dtype_name((ks_dtype)state->dtype)));
            good = ks__save_add(s, good ? own : NULL, "value", value);
            value = own;
        }
        if (good)
            good = ks__save_add(s, object, t->states[i].slot, value);
        else
            cJSON_Delete(value);
    }
    *after = i;
    if (!good || !object->child) {
        cJSON_Delete(object);
        return good;
    }
    const char *begin = *any ? ",\n   " : ",\n  \"state\": {\n   ";
    cJSON *name = cJSON_CreateString(variable ? ks_name(variable) : "");
    *any = true;
    if (ks__save_text(s, begin) && ks__save_item(s, name) && ks__save_text(s, ": "))
        return ks__save_item(s, object);
    cJSON_Delete(object);
    return false;
}

static bool save_states(ks__save *s, const ks__training *t)
{
    bool any = false;
    for (int i = 0; i < t->state_count;) {
        if (!save_slots(s, t, i, &i, &any))
            return false;
    }
    return !any || ks__save_text(s, "}");
}

bool ks__save_training(ks__save *s, bool without_states)
{
    const ks__training *t = &s->training;
    cJSON *head = t->kind ? cJSON_CreateObject() : NULL;
    if (!t->kind)
        return true;
    bool good = ks__save_add(s, head, "loss", cJSON_CreateString(t->loss)) && ks__save_add(s, head, "step", save_u64(t->step));
    if (good && s->g->step != t->step)
        good = ks__save_add(s, head, "random_step", save_u64(s->g->step));
    if (good && t->epoch)
        good = ks__save_add(s, head, "epoch", save_u64(t->epoch));
    if (good && t->row)
        good = ks__save_add(s, head, "row", save_i64(t->row));
    if (!good) {
        cJSON_Delete(head);
        return false;
    }
    ks__save_text(s, ",\n \"training\": {\n  ");
    return ks__save_members(s, head) && save_optimizer(s, t) && (without_states || save_states(s, t)) && ks__save_text(s, "}");
}
