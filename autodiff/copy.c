/*
 * autodiff/copy.c - what some outputs need, composed again in another graph.
 *
 * Nodes are copied in the order in which inputs come first, and a variable stands where it stood among them. With to_f64, whatever
 * names f32 (leaves and attributes of type dtype) names f64 in the copy: so a network is checked in double precision. Functions are
 * shared with the original; with to_f64 a function has an f64 form, made once, whose nodes stand where those of its body stand.
 */
#include "graph/function.h"
#include "graph/list.h"
#include "keisan/autodiff.h"
#include <keisan/function.h>

#include <string.h>

typedef struct copier {
    ks_graph *from, *into;
    bool to_f64;
    ks__list list;
    ks_node **made;     /* [list.count], NULL until copied */
    int64_t *symbols;   /* [from->symbol_count], 0 until met */
    const char **files; /* [from->file_count], the copies of their names */
    bool fresh_streams; /* the target has random nodes of its own */
    bool *arguments;    /* [list.count] numbers that are given to functions: in f64 these want tensors of their own dtype */
} copier;

/* ---- what nodes are made of ---------------------------------------------------------------------------- */

static ks_dtype copied_dtype(const copier *c, ks_dtype dtype)
{
    return c->to_f64 && dtype == KS_F32 ? KS_F64 : dtype;
}

/* The other graph's symbol of that name. A negative number that is no symbol (reshape's -1) stays. */
static bool copy_dim(copier *c, int64_t *dim)
{
    if (*dim >= 0 || *dim < -(int64_t)c->from->symbol_count)
        return true;
    int64_t k = -*dim - 1;
    const char *name = c->from->symbols[k].name;
    if (!c->symbols[k])
        c->symbols[k] = name ? ks_dim(c->into, name) : ks__dim_fresh(c->into);
    *dim = c->symbols[k];
    return *dim != 0;
}

static bool copy_shape(copier *c, ks_shape *shape)
{
    for (int i = 0; i < shape->rank; i++) {
        if (!copy_dim(c, &shape->dim[i]))
            return false;
    }
    return true;
}

/* The name of a file may belong to the graph it was read into, so the copy keeps its own. */
static ks_place copy_place(copier *c, const ks_node *node)
{
    ks_place at = ks_node_place(node);
    if (!at.file)
        return at;
    const char **file = &c->files[(node->origin >> 20) - 1];
    if (!*file)
        *file = ks__text_copy(c->into, at.file);
    at.file = *file;
    return at;
}

static ks_function *in_f64(copier *c, ks_function *f);

/* The function itself, or its form in f64. */
static bool copy_function(copier *c, ks_function **f)
{
    if (c->to_f64)
        *f = in_f64(c, *f);
    return *f && ks__function_keep(c->into, *f);
}

/* Whose random numbers a call draws again, as the copy numbers them. */
static void copy_source(const copier *c, int64_t *stream)
{
    for (uint32_t i = 0; *stream && c->fresh_streams && i < c->list.count; i++) {
        const ks_node *node = c->list.nodes[i], *copy = c->made[i];
        if (copy && node->aside && !node->aside->given && (int64_t)node->aside->stream == *stream) {
            *stream = (int64_t)copy->aside->stream;
            return;
        }
    }
}

static bool copy_attrs(copier *c, const ks_node *node, void *attrs)
{
    if (node->op->attrs_size)
        memcpy(attrs, node->data.attrs, node->op->attrs_size);
    for (const ks_attr *attr = node->op->attrs; attr && attr->name; attr++) {
        void *field = (char *)attrs + attr->offset;
        if (attr->type == KS_ATTR_SHAPE && !copy_shape(c, field))
            return false;
        if (attr->type == KS_ATTR_FUNCTION && *(ks_function **)field && !copy_function(c, field))
            return false;
        if (node->op->flags & KS_OP_CALLS && !strcmp(attr->name, "stream"))
            copy_source(c, field);
        if (attr->type == KS_ATTR_DTYPE && c->to_f64 && *(int64_t *)field == KS_F32)
            *(int64_t *)field = KS_F64;
    }
    return true;
}

/* ---- leaves -------------------------------------------------------------------------------------------- */

static ks_node *copy_constant(copier *c, const ks_node *node, ks_place at)
{
    const ks__value *value = node->value;
    ks_dtype dtype = (ks_dtype)node->dtype, to = copied_dtype(c, dtype);
    if (to == dtype)
        return ks_constant_at(at, c->into, dtype, value->dims->shape, value->block->data);
    size_t bytes = (size_t)value->dims->count * ks_dtype_size(to);
    void *data = ks__get(c->into, bytes ? bytes : 1);
    if (!data)
        return NULL;
    int64_t bad;
    ks__convert(data, to, value->block->data, dtype, value->dims->count, false, &bad);
    ks_node *copy = ks_constant_at(at, c->into, to, value->dims->shape, data);
    ks__put(c->into, data, bytes ? bytes : 1);
    return copy;
}

static ks_node *copy_input(copier *c, const ks_node *node, ks_place at)
{
    ks_shape shape = node->dims->shape;
    if (!copy_shape(c, &shape))
        return NULL;
    ks_node *copy = ks_input_at(at, c->into, ks_name(node), copied_dtype(c, (ks_dtype)node->dtype), shape);
    if (copy && node->value && !ks_feed(copy, (ks_dtype)node->dtype, node->value->dims->shape, node->value->block->data))
        return NULL;
    return copy;
}

static ks_node *copy_variable(copier *c, const ks_node *node, ks_place at)
{
    ks_dtype dtype = (ks_dtype)node->dtype;
    ks_node *copy = ks_variable_at(at, c->into, ks_name(node), copied_dtype(c, dtype), node->dims->shape, node->aside->init);
    if (!copy || !ks_set_trainable(copy, ks_is_trainable(node)))
        return NULL;
    return !node->value || ks_set(copy, dtype, node->value->block->data) ? copy : NULL;
}

static ks_node *copy_leaf(copier *c, const ks_node *node, ks_place at)
{
    if (node->op->flags & KS_OP_NUMBER && c->arguments[node->local])
        return ks_constant_at(at, c->into, KS_F64, KS_SCALAR, &node->data.number);
    if (node->op->flags & KS_OP_NUMBER)
        return ks_number_at(at, c->into, node->data.number);
    if (node->op->flags & KS_OP_CONSTANT)
        return copy_constant(c, node, at);
    return node->op->flags & KS_OP_VARIABLE ? copy_variable(c, node, at) : copy_input(c, node, at);
}

/* ---- nodes --------------------------------------------------------------------------------------------- */

/* A user's operation is known to the target too, by the same name. */
static bool copy_op(copier *c, const ks_op *op)
{
    const ks__user_op *user;
    HASH_FIND_STR(c->from->user_ops, op->name, user);
    return !user || user->op != op || ks_register(c->into, op);
}

static ks_node *copy_applied(copier *c, const ks_node *node, ks_place at)
{
    ks_node *few[8], **inputs = node->n > 8 ? ks__get(c->into, node->n * sizeof *inputs) : few;
    _Alignas(16) char attrs[512]; /* as much as an operation may have */
    if (!inputs)
        return NULL;
    for (uint32_t i = 0; i < node->n; i++)
        inputs[i] = c->made[ks__inputs(node)[i]->local];
    ks_node *copy = copy_op(c, node->op) && copy_attrs(c, node, attrs) ? ks__compose(at, c->into, node->op, inputs, node->n, attrs) : NULL;
    if (inputs != few)
        ks__put(c->into, inputs, node->n * sizeof *inputs);
    return copy;
}

static void copy_stream(copier *c, const ks_node *node, ks_node *copy)
{
    if (c->fresh_streams || !node->aside || !node->aside->stream || !ks__aside_of(copy))
        return;
    copy->aside->stream = node->aside->stream;
    if (c->into->random_nodes < node->aside->stream)
        c->into->random_nodes = (uint32_t)node->aside->stream;
}

static bool copy_node(copier *c, ks_node *node)
{
    ks_place at = copy_place(c, node);
    if (node->origin >> 20 && !at.file)
        return false;
    ks_node *copy = node->op->flags & KS_OP_LEAF ? copy_leaf(c, node, at) : copy_applied(c, node, at);
    if (!copy)
        return false;
    c->made[node->local] = copy;
    copy->flags |= node->flags & KS__KEEP;
    copy_stream(c, node, copy);
    if (node->aside && node->aside->given && !ks_named(node->aside->name, copy))
        return false;
    return !ks_doc(node) || ks_set_doc(copy, ks_doc(node));
}

/* Variables come first in the list; each waits for its turn. */
static bool copy_all(copier *c)
{
    uint32_t v = 0, variables = 0;
    while (variables < c->list.count && c->list.nodes[variables]->flags & KS__VARIABLE)
        variables++;
    for (uint32_t i = variables; i <= c->list.count; i++) {
        for (; v < variables && (i == c->list.count || c->list.nodes[v]->aside->at <= c->list.nodes[i]->id); v++) {
            if (!copy_node(c, c->list.nodes[v]))
                return false;
        }
        if (i < c->list.count && !copy_node(c, c->list.nodes[i]))
            return false;
    }
    return true;
}

/* ---- a copy of a list ---------------------------------------------------------------------------------- */

static void *zeroed(ks_graph *g, size_t bytes)
{
    void *memory = ks__get(g, bytes);
    return memory ? memset(memory, 0, bytes) : NULL;
}

static void note_arguments(copier *c)
{
    for (uint32_t i = 0; c->to_f64 && i < c->list.count; i++) {
        const ks_node *node = c->list.nodes[i];
        for (uint32_t k = 0; (node->op->flags & KS_OP_CALLS) && k < node->n; k++) {
            const ks_node *input = ks__inputs(node)[k];
            if (input->op->flags & KS_OP_NUMBER)
                c->arguments[input->local] = true;
        }
    }
}

/* Copies what is listed; c->made has the copies until close_copier. What was begun goes again on failure; variables stay, as always. */
static bool copy_list(copier *c)
{
    uint32_t start = c->into->count;
    c->made = zeroed(c->into, (c->list.count + 1) * sizeof *c->made);
    c->symbols = zeroed(c->into, (c->from->symbol_count + 1) * sizeof *c->symbols);
    c->files = zeroed(c->into, (c->from->file_count + 1) * sizeof *c->files);
    c->arguments = zeroed(c->into, (c->list.count + 1) * sizeof *c->arguments);
    if (c->arguments)
        note_arguments(c);
    if (c->made && c->symbols && c->files && c->arguments && copy_all(c))
        return true;
    c->into->count = start;
    ks__cut(c->into, start);
    return false;
}

static void close_copier(copier *c)
{
    ks__put(c->into, c->made, c->made ? (c->list.count + 1) * sizeof *c->made : 0);
    ks__put(c->into, c->symbols, c->symbols ? (c->from->symbol_count + 1) * sizeof *c->symbols : 0);
    ks__put(c->into, c->arguments, c->arguments ? (c->list.count + 1) * sizeof *c->arguments : 0);
    ks__put(c->into, c->files, c->files ? (c->from->file_count + 1) * sizeof *c->files : 0);
    ks__list_free(c->into, &c->list);
}

/* ---- functions in f64 ---------------------------------------------------------------------------------- */

/* The whole body, node by node, so that positions stay, and its results. */
static bool copy_body(copier *c)
{
    bool good = true;
    for (uint32_t i = 0; good && i < c->from->count; i++)
        good = ks__list_add(c->into, &c->list, ks__stack_at(&c->from->nodes, i));
    good = good && copy_list(c);
    for (uint32_t k = 0; good && k < c->from->output_count; k++) {
        const ks__output *output = &c->from->outputs[k];
        good = ks_output(c->into, output->name, c->made[output->node->local]) != NULL;
    }
    return good;
}

static ks_function *in_f64(copier *c, ks_function *f)
{
    const uint64_t key = 3;
    const ks__derived *known = ks__derived_find(f, &key, 1);
    if (known)
        return known->function;
    ks_graph *g = c->into, *body = ks__graph_beside(f->graph);
    if (!body)
        return ks__null(g, KS_NO_MEMORY, KS__NOWHERE, "ks_copy: no memory for '%s' in f64", f->name);
    copier own = {.from = f->graph, .into = body, .to_f64 = true};
    ks__function_lock(f);
    bool good = copy_body(&own);
    ks__function_unlock(f);
    close_copier(&own);
    ks_function *made = good ? ks_function_new(f->name, body) : NULL;
    if (made) {
        known = ks__derived_keep(f, &key, 1, made, NULL, 0);
        return known ? known->function : ks__null(g, KS_NO_MEMORY, KS__NOWHERE, "ks_copy: no memory for '%s' in f64", f->name);
    }
    ks_code code = body->failure.code ? body->failure.code : KS_NO_MEMORY;
    ks__refuse(g, code, KS__NOWHERE, "ks_copy: '%s' in f64: %s", f->name, body->failure.code ? body->failure.message : "no memory");
    ks_graph_free(body);
    return NULL;
}

/* ---- the call ------------------------------------------------------------------------------------------ */

static bool check(ks_graph *into, ks_node *const *outputs, int count)
{
    for (int i = 0; i < count; i++) {
        if (!outputs[i])
            return false;
        if (!ks__alive(outputs[i]))
            return ks__refuse(into, KS_RELEASED, KS__NOWHERE, "ks_copy: output %d was released: compose it again", i);
        if (outputs[i]->graph != outputs[0]->graph)
            return ks__refuse(into, KS_BAD_ARGUMENT, KS__NOWHERE, "ks_copy: '%s' and '%s' belong to different graphs", ks_name(outputs[0]),
                              ks_name(outputs[i]));
    }
    return outputs[0]->graph != into ||
           ks__refuse(into, KS_BAD_ARGUMENT, KS__NOWHERE, "ks_copy: '%s' is in the target already", ks_name(outputs[0]));
}

bool ks_copy(ks_graph *into, ks_node *const *outputs, int count, bool to_f64, ks_node **out)
{
    if (!into || !outputs || count <= 0 || !out || !check(into, outputs, count))
        return false;
    ks_graph *from = outputs[0]->graph;
    copier c = {.from = from, .into = into, .to_f64 = to_f64, .fresh_streams = into->random_nodes > 0};
    bool good = ks__list_reach(into, &c.list, outputs, (uint32_t)count) && copy_list(&c);
    for (int i = 0; good && i < count; i++)
        out[i] = c.made[outputs[i]->local];
    close_copier(&c);
    return good;
}
