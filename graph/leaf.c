/*
 * graph/leaf.c - the builders of leaves: inputs, constants, numbers, variables. Their definitions as operations stand in
 * ops/leaf.c; here is how they are made, found again by name, and recognised in place.
 */
#include "graph/graph.h"

#include <string.h>

extern const ks_op ks__op_input, ks__op_constant, ks__op_number, ks__op_variable;

static const ks__dims *leaf_dims(ks_place at, ks_graph *g, const char *kind, const char *name, ks_dtype dtype, ks_shape *shape, bool open)
{
    if ((unsigned)dtype >= KS_DTYPES)
        return ks__null(g, KS_BAD_DTYPE, at, "%s '%s': %d is no dtype", kind, name, (int)dtype);
    if (shape->rank < 0 || shape->rank > KS_MAX_RANK)
        return ks__null(g, KS_BAD_SHAPE, at, "%s '%s': a shape has 0 to %d dimensions, this one %d", kind, name, KS_MAX_RANK, shape->rank);
    for (int i = 0; i < shape->rank; i++) {
        int64_t dim = shape->dim[i];
        if (dim >= 0)
            continue;
        if (!open)
            return ks__null(g, KS_BAD_SHAPE, at, "%s '%s': dimension %d is open, but only an input's may be", kind, name, i);
        if (dim == KS_ANY)
            shape->dim[i] = ks__dim_fresh(g);
        else if (dim == -1 || dim < -(int64_t)g->symbol_count)
            return ks__null(g, KS_BAD_SHAPE, at, "%s '%s': dimension %d is %lld: use a number, ks_dim or KS_ANY", kind, name, i,
                            (long long)dim);
        if (!shape->dim[i])
            return NULL;
    }
    const ks__dims *dims = ks__dims_of(g, shape);
    bool closed = true;
    for (int i = 0; i < shape->rank; i++)
        closed = closed && shape->dim[i] >= 0;
    if (dims && closed && (dims->count < 0 || dims->count > (int64_t)1 << 58))
        return ks__null(g, KS_BAD_SHAPE, at, "%s '%s': the sizes multiply to more than memory can hold", kind, name);
    return dims;
}

/* Whether a waiting input was declared as this: KS_ANY fits any anonymous dimension. */
static bool same_declaration(const ks_graph *g, const ks_shape *known, const ks_shape *asked)
{
    if (known->rank != asked->rank)
        return false;
    for (int i = 0; i < known->rank; i++) {
        bool anonymous = known->dim[i] < 0 && !g->symbols[-known->dim[i] - 1].name;
        if (known->dim[i] != asked->dim[i] && !(asked->dim[i] == KS_ANY && anonymous))
            return false;
    }
    return true;
}

ks_node *ks_input_at(ks_place at, ks_graph *graph, const char *name, ks_dtype dtype, ks_shape shape)
{
    ks_graph *g = graph;
    if (!g)
        return NULL;
    ks_node *waiting = ks__waiting(g);
    if (waiting && waiting->op == &ks__op_input && waiting->dtype == (uint8_t)dtype && waiting->aside && waiting->aside->name && name &&
        !strcmp(waiting->aside->name, name) && same_declaration(g, &waiting->dims->shape, &shape))
        return ks__recognise(waiting, ks__origin(g, at));
    if (!ks__name_valid(name))
        return ks__null(g, KS_BAD_NAME, at, "input: '%s' is no name: use letters, digits and _.:/-", name ? name : "NULL");
    ks_node *other = ks_find(g, name);
    if (other && other->aside->given)
        return ks__null(g, KS_BAD_NAME, at, "input '%s': the name is taken by a %s: names are unique in a graph", name, other->op->name);
    const ks__dims *dims = leaf_dims(at, g, "input", name, dtype, &shape, true);
    if (!dims)
        return NULL;
    ks_node *node = ks__node_new(g, &ks__op_input, NULL, 0, dtype, dims, ks__origin(g, at), false);
    return node ? ks_named(name, node) : NULL;
}

ks_node *ks_number_at(ks_place at, ks_graph *graph, double value)
{
    ks_graph *g = graph;
    if (!g)
        return NULL;
    ks_node *waiting = ks__waiting(g);
    if (waiting && waiting->op == &ks__op_number) {
        if (memcmp(&waiting->data.number, &value, sizeof value) != 0) {
            waiting->data.number = value;
            ks__touch(waiting);
        }
        return ks__recognise(waiting, ks__origin(g, at));
    }
    ks_node *node = ks__node_new(g, &ks__op_number, NULL, 0, KS_F32, g->scalar, ks__origin(g, at), false);
    if (!node)
        return NULL;
    node->data.number = value;
    ks__touch(node);
    return node;
}

ks_node *ks__unit(const ks_node *y, int sign)
{
    ks_node **unit = &y->graph->units[sign < 0];
    if (*unit && ks__alive(*unit))
        return *unit;
    ks_node *fresh = ks_number_at(ks_node_place(y), y->graph, sign);
    if (!fresh)
        return NULL;
    fresh->flags |= KS__DERIVED; /* nobody changes its value */
    return *unit = fresh;
}

/* Bool data is brought to 0 and 1. */
static void copy_in(void *out, const void *data, ks_dtype dtype, int64_t count)
{
    if (!count)
        return;
    memcpy(out, data, (size_t)count * ks_dtype_size(dtype));
    for (int64_t i = 0; dtype == KS_BOOL && i < count; i++)
        ((uint8_t *)out)[i] = ((uint8_t *)out)[i] != 0;
}

ks_node *ks_constant_at(ks_place at, ks_graph *graph, ks_dtype dtype, ks_shape shape, const void *data)
{
    ks_graph *g = graph;
    if (!g)
        return NULL;
    const ks__dims *dims = leaf_dims(at, g, "constant", "", dtype, &shape, false);
    if (!dims)
        return NULL;
    if (dims->count > 0 && !data)
        return ks__null(g, KS_BAD_ARGUMENT, at, "constant: no data");
    size_t bytes = (size_t)dims->count * ks_dtype_size(dtype);
    ks_node *waiting = ks__waiting(g);
    if (waiting && waiting->op == &ks__op_constant && waiting->dtype == (uint8_t)dtype && waiting->dims == dims) {
        if (memcmp(waiting->value->block->data, data, bytes) != 0) {
            copy_in(waiting->value->block->data, data, dtype, dims->count);
            ks__touch(waiting);
        }
        return ks__recognise(waiting, ks__origin(g, at));
    }
    ks__block *block = ks__block_new(g, bytes);
    if (!block)
        return NULL;
    copy_in(block->data, data, dtype, dims->count);
    ks_node *node = ks__node_new(g, &ks__op_constant, NULL, 0, dtype, dims, ks__origin(g, at), false);
    if (!node) {
        ks__block_put(block);
        return NULL;
    }
    if (!ks__value_set(node, block, dims)) {
        ks__cut(g, --g->count);
        return NULL;
    }
    ks__touch(node);
    return node;
}

static ks_node *variable(ks_place at, ks_graph *g, const char *name, ks_dtype dtype, ks_shape shape, ks_init init, bool trainable)
{
    if (!g)
        return NULL;
    if (!ks__name_valid(name))
        return ks__null(g, KS_BAD_NAME, at, "variable: '%s' is no name: use letters, digits and _.:/-", name ? name : "NULL");
    const ks__dims *dims = leaf_dims(at, g, "variable", name, dtype, &shape, false);
    if (!dims)
        return NULL;
    ks_node *known = ks_find(g, name);
    if (known && known->aside->given) {
        char is[KS__SHAPE_TEXT], asked[KS__SHAPE_TEXT];
        if (!(known->flags & KS__VARIABLE))
            return ks__null(g, KS_BAD_NAME, at, "variable '%s': the name is taken by a %s: names are unique in a graph", name,
                            known->op->name);
        if (known->dims != dims || known->dtype != (uint8_t)dtype)
            return ks__null(g, KS_BAD_SHAPE, at, "variable '%s' is %s %s, asked for as %s %s: use another name", name,
                            ks_dtype_name((ks_dtype)known->dtype), ks__shape_text(g, &known->dims->shape, is), ks_dtype_name(dtype),
                            ks__shape_text(g, &dims->shape, asked));
        return known;
    }
    ks_node *node = ks__node_new(g, &ks__op_variable, NULL, 0, dtype, dims, ks__origin(g, at), true);
    if (!node)
        return NULL;
    if (!ks__aside_of(node) || !ks_named(name, node)) {
        /* Nothing refers to it yet: it leaves as it came. */
        ks__name_drop(node);
        ks__small_put(g, node->aside, sizeof *node->aside);
        node->aside = NULL;
        g->variables.extent--;
        return NULL;
    }
    node->aside->init = init;
    node->aside->at = g->count;
    if (trainable)
        node->flags |= KS__TRAINABLE;
    return node;
}

ks_node *ks_variable_at(ks_place at, ks_graph *graph, const char *name, ks_dtype dtype, ks_shape shape, ks_init init)
{
    return variable(at, graph, name, dtype, shape, init, dtype == KS_F32 || dtype == KS_F64);
}

ks_node *ks_state_at(ks_place at, ks_graph *graph, const char *name, ks_dtype dtype, ks_shape shape, ks_init init)
{
    return variable(at, graph, name, dtype, shape, init, false);
}

ks_node *ks_share(ks_graph *graph, const ks_node *other)
{
    if (!graph || !other)
        return NULL;
    if (!(other->flags & KS__VARIABLE) || !other->value)
        return ks__null(graph, KS_BAD_ARGUMENT, KS__NOWHERE, "ks_share: '%s' is no variable with a value", ks_name(other));
    ks_node *node = variable(ks_node_place(other), graph, ks_name(other), (ks_dtype)other->dtype, other->dims->shape, KS_UNSET, false);
    if (!node)
        return NULL;
    atomic_fetch_add(&other->value->block->references, 1);
    if (!ks__value_set(node, other->value->block, node->dims))
        return NULL;
    ks__touch(node);
    return node;
}
