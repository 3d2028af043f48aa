/*
 * function/clone.c - a body's nodes composed again in another graph.
 */
#include "function/function.h"

ks_node **ks__nodes_get(ks_graph *g, const ks_function *f)
{
    ks_node **nodes = ks__get(g, (f->graph->count + 1) * sizeof *nodes);
    return nodes ? memset(nodes, 0, (f->graph->count + 1) * sizeof *nodes) : NULL;
}

void ks__nodes_put(ks_graph *g, const ks_function *f, ks_node **nodes)
{
    ks__put(g, nodes, (f->graph->count + 1) * sizeof *nodes);
}

/* ---- open dimensions ----------------------------------------------------------------------------------- */

static size_t symbol_bytes(const ks_function *f)
{
    return (f->graph->symbol_count + 1) * sizeof(int64_t);
}

int64_t *ks__clone_symbols(ks_graph *into, const ks_function *f, ks_node *const *made)
{
    int64_t *symbols = ks__get(into, symbol_bytes(f));
    if (!symbols)
        return NULL;
    memset(symbols, 0xff, symbol_bytes(f)); /* KS_ANY: not known */
    for (uint32_t i = 0; i < f->input_count; i++) {
        const ks_node *input = f->inputs[i], *stands = made[input->id];
        for (int d = 0; stands && d < ks__rank(input); d++) {
            int64_t dim = input->dims->shape.dim[d];
            if (dim < 0 && symbols[-dim - 1] < 0)
                symbols[-dim - 1] = stands->dims->shape.dim[d];
        }
    }
    return symbols;
}

/* -1 is no symbol: it asks a shape rule to find the size. */
static void translate_shape(ks_shape *shape, const ks_graph *from, const int64_t *symbols)
{
    for (int d = 0; d < shape->rank; d++) {
        if (shape->dim[d] < -1 && -shape->dim[d] - 1 < (int64_t)from->symbol_count)
            shape->dim[d] = symbols[-shape->dim[d] - 1];
    }
}

static bool clone_attrs(ks_graph *into, const ks_graph *from, const int64_t *symbols, const ks_node *node, void *attrs)
{
    memcpy(attrs, node->data.attrs, node->op->attrs_size);
    for (const ks_attr *attr = node->op->attrs; attr && attr->name; attr++) {
        void *field = (char *)attrs + attr->offset;
        if (attr->type == KS_ATTR_SHAPE)
            translate_shape(field, from, symbols);
        if (attr->type == KS_ATTR_FUNCTION && *(ks_function **)field && !ks__function_keep(into, *(ks_function **)field))
            return false;
    }
    return true;
}

ks_shape ks__shape_in(ks_graph *into, const ks_graph *from, ks_shape shape, int64_t *symbols)
{
    for (int d = 0; d < shape.rank; d++) {
        if (shape.dim[d] >= 0)
            continue;
        int64_t k = -shape.dim[d] - 1;
        const char *name = from->symbols[k].name;
        if (!symbols[k])
            symbols[k] = name ? ks_dim(into, name) : ks__dim_fresh(into);
        shape.dim[d] = symbols[k];
    }
    return shape;
}

bool ks__shape_equal(const ks_shape *a, const ks_shape *b)
{
    for (int d = 0; a->rank == b->rank && d < a->rank; d++) {
        if (a->dim[d] != b->dim[d])
            return false;
    }
    return a->rank == b->rank;
}

/* ---- nodes --------------------------------------------------------------------------------------------- */

static ks_node *clone_applied(ks_graph *into, ks_node *const *inputs, const int64_t *symbols, const ks_node *node)
{
    _Alignas(16) char attrs[512];
    if (node->op->attrs_size && !clone_attrs(into, node->graph, symbols, node, attrs))
        return NULL;
    return ks__compose(ks_node_place(node), into, node->op, inputs, node->n, node->op->attrs_size ? attrs : NULL);
}

/* What a copy that runs by itself has in common with the original. */
static bool clone_identity(ks_graph *into, const ks_node *node, ks_node *clone)
{
    if (node->aside && node->aside->stream && ks__aside_of(clone)) {
        clone->aside->stream = node->aside->stream;
        if (into->random_nodes < node->aside->stream)
            into->random_nodes = (uint32_t)node->aside->stream;
    }
    return !node->aside || !node->aside->given || node->op->flags & KS_OP_FED || ks_find(into, node->aside->name) ||
           ks_named(node->aside->name, clone);
}

ks_node *ks__clone_with(ks_graph *into, const ks_node *node, ks_node *const *inputs, const int64_t *symbols, bool exact)
{
    ks_place at = ks_node_place(node);
    ks_node *clone;
    if (node->op->flags & KS_OP_NUMBER)
        clone = ks_number_at(at, into, node->data.number);
    else if (node->op->flags & KS_OP_CONSTANT)
        clone = ks_constant_at(at, into, (ks_dtype)node->dtype, node->value->dims->shape, node->value->block->data);
    else
        clone = clone_applied(into, inputs, symbols, node);
    if (!clone)
        return NULL;
    clone->flags |= node->flags & KS__SEED;
    if (exact && node->op->flags & KS_OP_NUMBER)
        clone->flags |= node->flags & KS__DERIVED; /* the library's own: its value holds */
    return !exact || clone_identity(into, node, clone) ? clone : NULL;
}

ks_node *ks__clone_node(ks_graph *into, const ks_node *node, ks_node *const *made, const int64_t *symbols, bool exact)
{
    ks_node *few[16] = {NULL}, **inputs = node->n > 16 ? ks__get(into, node->n * sizeof *inputs) : few;
    if (!inputs)
        return NULL;
    for (uint32_t k = 0; k < node->n; k++)
        inputs[k] = made[ks__inputs(node)[k]->id];
    ks_node *clone = ks__clone_with(into, node, inputs, symbols, exact);
    if (inputs != few)
        ks__put(into, inputs, node->n * sizeof *inputs);
    return clone;
}

bool ks__clone(ks_graph *into, const ks_function *f, ks_node **made, bool exact)
{
    ks__function_lock(f);
    int64_t *symbols = ks__clone_symbols(into, f, made);
    bool good = symbols != NULL;
    for (uint32_t i = 0; good && i < f->graph->count; i++) {
        if (!made[i])
            good = (made[i] = ks__clone_node(into, ks__stack_at(&f->graph->nodes, i), made, symbols, exact)) != NULL;
    }
    ks__function_unlock(f);
    ks__put(into, symbols, symbol_bytes(f));
    return good;
}
