/*
 * serialize/load_node.c - one node of a file, composed by the builders that a program uses: what they refuse, a file can't have either.
 */
#include "serialize/load.h"

#include <string.h>

typedef ks__load loader;
typedef ks__load_entry entry;

static const cJSON *member(const cJSON *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

static ks_place place_of(loader *l, const entry *e)
{
    return (ks_place){l->g->source ? l->g->source : "JSON", ks__json_line(l->doc, e->item)};
}

/* Where the builders' failures are said to be. */
static void begin(loader *l, const ks__spot *spot, const entry *e)
{
    ks__json_begin(l->doc, spot, e->item, e->name);
}

static bool shape_of(loader *l, const ks__spot *spot, const entry *e, bool open, ks_dtype *dtype, ks_shape *shape)
{
    ks__spot at_dtype = {spot, "dtype", 0}, at_shape = {spot, "shape", 0};
    const cJSON *item = member(e->item, "shape");
    if (!item)
        return ks__json_fail(l->doc, spot, e->item, KS_BAD_FILE, "'shape' is missing: write [2, 3], say, or [] for a scalar");
    return ks__load_dtype(l->doc, &at_dtype, member(e->item, "dtype"), KS_F32, dtype) &&
           ks__load_shape(l->doc, &at_shape, item, open, false, shape);
}

static ks_node *make_input(loader *l, const ks__spot *spot, const entry *e)
{
    ks_dtype dtype;
    ks_shape shape;
    if (!shape_of(l, spot, e, true, &dtype, &shape))
        return NULL;
    begin(l, spot, e);
    return ks_input_at(place_of(l, e), l->g, e->name, dtype, shape);
}

static ks_node *make_constant(loader *l, const ks__spot *spot, const entry *e)
{
    ks_dtype dtype;
    ks_shape shape;
    size_t bytes;
    const cJSON *value = member(e->item, "value");
    ks__spot at = {spot, "value", 0};
    if (!shape_of(l, spot, e, false, &dtype, &shape))
        return NULL;
    if (!value) {
        ks__json_fail(l->doc, spot, e->item, KS_BAD_FILE, "'value' is missing: a constant has one");
        return NULL;
    }
    void *data = ks__load_value(l->doc, &at, value, dtype, &shape, &bytes);
    if (!data)
        return NULL;
    begin(l, spot, e);
    ks_node *node = ks_constant_at(place_of(l, e), l->g, dtype, shape, data);
    ks__put(l->g, data, bytes);
    return node;
}

static ks_node *make_number(loader *l, const ks__spot *spot, const entry *e)
{
    const cJSON *value = member(e->item, "value");
    ks__spot at = {spot, "value", 0};
    double number;
    if (!value) {
        ks__json_fail(l->doc, spot, e->item, KS_BAD_FILE, "'value' is missing: a number has one");
        return NULL;
    }
    if (!ks__json_f64(l->doc, &at, value, &number))
        return NULL;
    begin(l, spot, e);
    return ks_number_at(place_of(l, e), l->g, number);
}

static ks_node *make_variable(loader *l, const ks__spot *spot, const entry *e)
{
    ks_dtype dtype;
    ks_shape shape;
    ks_init init = KS_UNSET;
    size_t bytes = 0;
    void *data = NULL;
    bool trains = true;
    const cJSON *value = member(e->item, "value"), *first = member(e->item, "init"), *trainable = member(e->item, "trainable");
    ks__spot at_value = {spot, "value", 0}, at_init = {spot, "init", 0}, at_trainable = {spot, "trainable", 0};
    if (!shape_of(l, spot, e, false, &dtype, &shape))
        return NULL;
    if (!value && !first) {
        ks__json_fail(l->doc, spot, e->item, KS_BAD_FILE, "'value' is missing: give one, or an \"init\" such as {\"kind\": \"he\"}");
        return NULL;
    }
    if ((first && !ks__load_init(l->doc, &at_init, first, &init)) ||
        (trainable && !ks__json_bool(l->doc, &at_trainable, trainable, &trains)))
        return NULL;
    if (value && !(data = ks__load_value(l->doc, &at_value, value, dtype, &shape, &bytes)))
        return NULL;
    begin(l, spot, e);
    ks_node *node = ks_variable_at(place_of(l, e), l->g, e->name, dtype, shape, init);
    if (node && trainable)
        ks_set_trainable(node, trains);
    if (node && data && !ks_set(node, dtype, data))
        node = NULL;
    ks__put(l->g, data, bytes);
    return node;
}

/* The inputs as nodes: names were found when the walk came by, numbers are made here. */
static bool gather_inputs(loader *l, const entry *e, ks_node **inputs)
{
    uint32_t n = 0;
    const cJSON *list = member(e->item, "inputs");
    for (const cJSON *item = list ? list->child : NULL; item; item = item->next) {
        double number;
        if (cJSON_IsString(item)) {
            inputs[n++] = l->entries[*ks__load_slot(l, item->valuestring)].node;
            continue;
        }
        ks__spot nowhere = {NULL, "inputs", n};
        if (!ks__json_f64(l->doc, &nowhere, item, &number) || !(inputs[n++] = ks_number_at(place_of(l, e), l->g, number)))
            return false;
    }
    return true;
}

#define FEW         8
#define ATTRS_BYTES 512

static ks_node *make_applied(loader *l, const ks__spot *spot, const entry *e)
{
    _Alignas(16) char attrs[ATTRS_BYTES];
    ks_node *few[FEW], **inputs = few, *node = NULL;
    const cJSON *list = member(e->item, "inputs");
    size_t n = list ? (size_t)cJSON_GetArraySize(list) : 0;
    if (e->op->attrs_size > ATTRS_BYTES) {
        ks__json_fail(l->doc, spot, e->item, KS_UNSUPPORTED, "%s has more than %d bytes of attributes", e->op->name, ATTRS_BYTES);
        return NULL;
    }
    memset(attrs, 0, sizeof attrs);
    if (e->op->defaults)
        memcpy(attrs, e->op->defaults, e->op->attrs_size);
    if (!ks__load_attrs(l->doc, spot, e->item, e->op, attrs))
        return NULL;
    begin(l, spot, e);
    if (n > FEW && !(inputs = ks__get(l->g, n * sizeof *inputs)))
        return NULL;
    if (gather_inputs(l, e, inputs)) {
        begin(l, spot, e);
        node = ks_apply_at(place_of(l, e), l->g, e->op, inputs, (int)n, e->op->attrs_size ? attrs : NULL);
    }
    if (inputs != few)
        ks__put(l->g, inputs, n * sizeof *inputs);
    return node;
}

/* Whether the name is one that the library made up: the operation's and a count. */
static bool made_up(const entry *e)
{
    size_t length = strlen(e->op->name);
    const char *count = e->name + length + 1;
    return !strncmp(e->name, e->op->name, length) && e->name[length] == '_' && *count >= '1' && *count <= '9' &&
           count[strspn(count, "0123456789")] == 0;
}

/* The name, the documentation, and for random numbers without a name of their own the stream. */
static bool finish_node(loader *l, const ks__spot *spot, entry *e)
{
    const cJSON *stream = member(e->item, "stream"), *doc = member(e->item, "doc");
    ks__spot at_stream = {spot, "stream", 0}, at_doc = {spot, "doc", 0};
    ks_node *node = e->node;
    uint64_t number;
    if (doc && !ks__json_text(l->doc, &at_doc, doc))
        return false;
    if (stream && !ks__json_u64(l->doc, &at_stream, stream, &number))
        return false;
    if (stream && (number == 0 || number > UINT32_MAX))
        return ks__json_fail(l->doc, &at_stream, stream, KS_BAD_FILE, "a stream is a number from 1 to %u", UINT32_MAX);
    if (stream && !(ks__flags(node) & KS_OP_RANDOM))
        return ks__json_fail(l->doc, &at_stream, stream, KS_BAD_FILE, "what '%s' calls draws no random numbers: it has no stream", e->name);
    begin(l, spot, e);
    bool good = ks_named(e->name, node) && (!doc || ks_set_doc(node, doc->valuestring));
    ks__json_end(l->doc);
    if (!good)
        return false;
    bool draws = node->aside->stream != 0; /* and by its name, if that was given */
    if (stream) {
        node->aside->stream = number;
        if (number > l->g->random_nodes)
            l->g->random_nodes = (uint32_t)number;
    }
    if (stream || (made_up(e) && !draws && !(e->op->flags & (KS_OP_FED | KS_OP_VARIABLE))))
        node->aside->given = false;
    return true;
}

bool ks__load_make(loader *l, uint32_t i)
{
    entry *e = &l->entries[i];
    ks__spot nodes = {l->at, "nodes", 0}, spot = {&nodes, NULL, i};
    unsigned flags = e->op->flags;
    e->node = flags & KS_OP_FED        ? make_input(l, &spot, e)
              : flags & KS_OP_CONSTANT ? make_constant(l, &spot, e)
              : flags & KS_OP_NUMBER   ? make_number(l, &spot, e)
              : flags & KS_OP_VARIABLE ? make_variable(l, &spot, e)
                                       : make_applied(l, &spot, e);
    ks__json_end(l->doc);
    return e->node && finish_node(l, &spot, e);
}
