/*
 * graph/function.c - functions: a graph closed off, with parameters and results; and what shapes come out for given arguments.
 */
#include "graph/function.h"
#include <keisan/function.h>

#include <sched.h>
#include <string.h>

/* ---- one at a time ------------------------------------------------------------------------------------- */

void ks__function_lock(const ks_function *f)
{
    while (atomic_flag_test_and_set(&((ks_function *)(uintptr_t)f)->locked))
        sched_yield();
}

void ks__function_unlock(const ks_function *f)
{
    atomic_flag_clear(&((ks_function *)(uintptr_t)f)->locked);
}

/* ---- what it calls ------------------------------------------------------------------------------------- */

ks_function *ks__function_called(const ks_node *node, uint32_t k)
{
    if (!(node->op->flags & KS_OP_CALLS))
        return NULL;
    for (const ks_attr *attr = node->op->attrs; attr && attr->name; attr++) {
        ks_function *f = attr->type == KS_ATTR_FUNCTION ? *(ks_function *const *)((const char *)node->data.attrs + attr->offset) : NULL;
        if (f && k-- == 0)
            return f;
    }
    return NULL;
}

/* Shape rules go down into what is called, once for each result: neither the way down nor all of it may be without end. */
#define MOST_DEEP  64u
#define MOST_NODES ((uint64_t)1 << 22)

static bool is_bounded(ks_function *f, const char *name)
{
    ks_graph *g = f->graph;
    for (uint32_t i = 0; i < g->count; i++) {
        const ks_node *head = ks__head(ks__stack_at(&g->nodes, i));
        const ks_function *called;
        f->weight++;
        for (uint32_t k = 0; (called = ks__function_called(head, k)) != NULL; k++) {
            f->depth = called->depth > f->depth ? called->depth : f->depth;
            f->weight += called->weight; /* no sum of two that are bounded overflows */
        }
        if (f->weight > MOST_NODES)
            return ks__refuse(g, KS_UNSUPPORTED, KS__NOWHERE, "function '%s' has more than %llu nodes with all that it calls", name,
                              (unsigned long long)MOST_NODES);
    }
    f->depth++;
    return f->depth <= MOST_DEEP ||
           ks__refuse(g, KS_UNSUPPORTED, KS__NOWHERE, "function '%s': its calls are %u deep, at most %u may be", name, f->depth, MOST_DEEP);
}

/* ---- making and freeing -------------------------------------------------------------------------------- */

static bool is_pure(ks_graph *g, const char *name)
{
    if (g->variables.extent)
        return ks__refuse(g, KS_BAD_ARGUMENT, KS__NOWHERE,
                          "function '%s': its body has the variable '%s': make it an input, and give the variable where it is called", name,
                          ks_name(ks__stack_at(&g->variables, 0)));
    for (uint32_t i = 0; i < g->count; i++) {
        const ks_node *node = ks__stack_at(&g->nodes, i);
        if (node->op->flags & KS_OP_EFFECT)
            return ks__refuse(g, KS_BAD_ARGUMENT, ks_node_place(node),
                              "function '%s': '%s' is an effect: give its value as a result instead", name, ks_name(node));
    }
    return g->output_count || ks__refuse(g, KS_BAD_ARGUMENT, KS__NOWHERE, "function '%s' has no result: declare it with ks_output", name);
}

static bool list_inputs(ks_function *f)
{
    ks_graph *g = f->graph;
    uint32_t capacity = 0;
    for (uint32_t i = 0; i < g->count; i++) {
        ks_node *node = ks__stack_at(&g->nodes, i);
        f->flags |= ks__flags(node) & (KS_OP_RANDOM | KS_OP_MODE);
        if (node->op->flags & KS_OP_FED)
            capacity++;
    }
    f->inputs = ks__small(g, (capacity + 1) * sizeof *f->inputs);
    for (uint32_t i = 0; f->inputs && i < g->count; i++) {
        ks_node *node = ks__stack_at(&g->nodes, i);
        if (node->op->flags & KS_OP_FED)
            f->inputs[f->input_count++] = node;
    }
    return f->inputs != NULL;
}

ks_function *ks_function_new(const char *name, ks_graph *body)
{
    if (!body)
        return NULL;
    ks_graph *g = body;
    if (!ks__name_valid(name))
        return ks__null(g, KS_BAD_NAME, KS__NOWHERE, "function: '%s' is no name: use letters, digits and _.:/-", name ? name : "NULL");
    if (g->failure.code || !is_pure(g, name))
        return NULL;
    ks__cut(g, g->count);
    ks_function *f = ks__small(g, sizeof *f);
    if (!f)
        return NULL;
    f->graph = g;
    atomic_init(&f->references, 1);
    atomic_flag_clear(&f->locked);
    f->name = ks__text_copy(g, name);
    return f->name && list_inputs(f) && is_bounded(f, name) ? f : NULL;
}

ks_function *ks_function_retain(ks_function *function)
{
    if (function)
        atomic_fetch_add(&function->references, 1);
    return function;
}

void ks_function_free(ks_function *function)
{
    if (!function || atomic_fetch_sub(&function->references, 1) != 1)
        return;
    for (ks__derived *d = function->derived; d; d = d->next)
        ks_function_free(d->function);
    ks_graph_free(function->graph); /* the function lies in it */
}

bool ks__function_keep(ks_graph *g, ks_function *f)
{
    for (uint32_t i = g->function_count; i-- > 0;) {
        if (g->functions[i] == f)
            return true;
    }
    if (!ks__grow(g, &g->functions, &g->function_capacity, g->function_count, sizeof *g->functions))
        return false;
    g->functions[g->function_count++] = ks_function_retain(f);
    g->function_free = ks_function_free;
    return true;
}

ks_graph *ks__graph_beside(const ks_graph *g)
{
    ks_graph_options options = KS_GRAPH_OPTIONS_DEFAULT;
    options.allocator = g->options.allocator;
    options.threads = 1;
    options.seed = g->options.seed;
    return ks_graph_new(&options);
}

/* ---- what is kept -------------------------------------------------------------------------------------- */

const ks__derived *ks__derived_find(ks_function *f, const uint64_t *key, uint32_t words)
{
    ks__function_lock(f);
    const ks__derived *d = f->derived;
    while (d && (d->key_words != words || memcmp(d->key, key, words * sizeof *key) != 0))
        d = d->next;
    ks__function_unlock(f);
    return d;
}

const ks__derived *ks__derived_keep(ks_function *f, const uint64_t *key, uint32_t words, ks_function *made, const uint32_t *found,
                                    uint32_t count)
{
    const ks__derived *known = ks__derived_find(f, key, words);
    if (known) {
        ks_function_free(made);
        return known;
    }
    ks__function_lock(f);
    ks__derived *d = ks__small(f->graph, sizeof *d);
    uint64_t *own_key = ks__small(f->graph, words * sizeof *own_key);
    uint32_t *own_found = ks__small(f->graph, (count + 1) * sizeof *own_found);
    if (d && own_key && own_found) {
        memcpy(own_key, key, words * sizeof *key);
        if (count)
            memcpy(own_found, found, count * sizeof *found);
        *d = (ks__derived){f->derived, made, own_key, words, own_found, count};
        f->derived = d;
    } else {
        ks_function_free(made);
        d = NULL;
    }
    ks__function_unlock(f);
    return d;
}

/* ---- looking at one ------------------------------------------------------------------------------------ */

const char *ks_function_name(const ks_function *function)
{
    return function ? function->name : NULL;
}

int ks_function_input_count(const ks_function *function)
{
    return function ? (int)function->input_count : 0;
}

int ks_function_output_count(const ks_function *function)
{
    return function ? (int)ks__function_outputs(function) : 0;
}

const ks_graph *ks_function_graph(const ks_function *function)
{
    return function ? function->graph : NULL;
}

bool ks__function_name_all(const ks_function *f)
{
    ks_graph *body = f->graph;
    bool good = true;
    ks__function_lock(f);
    ks_failure before = body->failure;
    void (*handler)(void *user, const ks_failure *failure) = body->options.on_error;
    body->options.on_error = NULL;
    for (uint32_t i = body->count; good && i-- > 0;) {
        const ks_node *node = ks__stack_at(&body->nodes, i);
        ks_name(node);
        good = node->aside && node->aside->name;
    }
    body->options.on_error = handler;
    body->failure = before;
    ks__function_unlock(f);
    return good;
}

/* ---- shapes -------------------------------------------------------------------------------------------- */

/* What the body's symbols stand for among the arguments' dimensions; 0: not known yet (then size + 1, or the open dimension). */
typedef struct binding {
    ks_graph *g; /* whose dimensions the arguments have */
    const ks_function *f;
    int64_t *dims;
    bool *known;
} binding;

static bool bind_dim(binding *b, const ks_node *input, int axis, int64_t given, ks_failure *failure)
{
    int64_t declared = input->dims->shape.dim[axis];
    const char *name = ks_name(input);
    if (declared >= 0)
        return given < 0 || given == declared ||
               ks__fail(failure, KS_BAD_SHAPE, "function '%s': dimension %d of '%s' is %lld, %lld was given", b->f->name, axis, name,
                        (long long)declared, (long long)given);
    int64_t k = -declared - 1, was = b->dims[k];
    if (!b->known[k] || (was < 0 && given >= 0)) {
        b->known[k] = true;
        b->dims[k] = given;
        return true;
    }
    return given < 0 || was < 0 || was == given ||
           ks__fail(failure, KS_BAD_SHAPE, "function '%s': dimension %d of '%s' is '%s', which is %lld elsewhere and %lld here", b->f->name,
                    axis, name, ks_dim_name(b->f->graph, declared), (long long)was, (long long)given);
}

static bool bind_arguments(binding *b, const ks_shape *const *arguments, bool *open, ks_failure *failure)
{
    char is[KS__SHAPE_TEXT], wanted[KS__SHAPE_TEXT];
    for (uint32_t i = 0; i < b->f->input_count; i++) {
        const ks_node *input = b->f->inputs[i];
        if (arguments[i]->rank != input->dims->shape.rank)
            return ks__fail(failure, KS_BAD_SHAPE, "function '%s': '%s' is %s, but %s was given", b->f->name, ks_name(input),
                            ks__shape_text(b->f->graph, &input->dims->shape, wanted), ks__shape_text(b->g, arguments[i], is));
        for (int d = 0; d < arguments[i]->rank; d++) {
            *open = *open || arguments[i]->dim[d] < 0;
            if (!bind_dim(b, input, d, arguments[i]->dim[d], failure))
                return false;
        }
    }
    return true;
}

/* With open arguments: what was inferred when the body was composed, in the caller's dimensions. */
static bool translate(binding *b, ks_shape *shape)
{
    for (int d = 0; d < shape->rank; d++) {
        if (shape->dim[d] >= 0)
            continue;
        int64_t k = -shape->dim[d] - 1;
        if (!b->known[k]) {
            b->dims[k] = ks__dim_fresh(b->g);
            b->known[k] = true;
        }
        shape->dim[d] = b->dims[k];
        if (!shape->dim[d])
            return false;
    }
    return true;
}

/* With sizes: every shape rule of the body is asked again. */
static bool infer_one(const ks_function *f, uint32_t i, ks_shape *shapes, ks_failure *failure)
{
    const ks_node *node = ks__stack_at(&f->graph->nodes, i), *head = ks__head(node);
    const ks_shape *few_shapes[16], **in = few_shapes;
    ks_dtype few_dtypes[16], *dtypes = few_dtypes, dtype;
    size_t room = head->n * (sizeof *in + sizeof *dtypes);
    if (head->n > 16 && !(in = ks__get_quiet(f->graph, room)))
        return ks__fail_memory(failure, room);
    if (head->n > 16)
        dtypes = (ks_dtype *)(void *)(in + head->n);
    for (uint32_t k = 0; k < head->n; k++) {
        in[k] = &shapes[ks__inputs(head)[k]->id];
        dtypes[k] = ks__input_dtype(head, k);
    }
    bool good = ks__infer(f->graph, head->op, in, dtypes, head->n, ks__attrs(head), ks__dtype_t(head), ks__result_index(node), &shapes[i],
                          &dtype, failure);
    if (in != few_shapes)
        ks__put(f->graph, in, room);
    return good || ks__fail(failure, KS_BAD_SHAPE, "the shapes do not fit in function '%s'", f->name);
}

static bool fill_shapes(binding *b, const ks_shape *const *arguments, ks_shape *shapes, bool open, ks_failure *failure)
{
    const ks_graph *body = b->f->graph;
    uint32_t argument = 0;
    for (uint32_t i = 0; i < body->count; i++) {
        const ks_node *node = ks__stack_at(&body->nodes, i);
        shapes[i] = node->dims->shape;
        if (node->op->flags & KS_OP_FED) {
            shapes[i] = *arguments[argument++];
        } else if (open ? !translate(b, &shapes[i]) : !(node->op->flags & KS_OP_LEAF) && !infer_one(b->f, i, shapes, failure)) {
            return false;
        }
    }
    return true;
}

bool ks__function_shapes(ks_graph *g, const ks_function *f, const ks_shape *const *arguments, ks_shape *shapes, ks_failure *failure)
{
    size_t symbols = f->graph->symbol_count + 1, room = symbols * (sizeof(int64_t) + sizeof(bool));
    int64_t *memory = ks__get_quiet(g, room);
    if (!memory)
        return ks__fail_memory(failure, room);
    memset(memory, 0, room);
    binding b = {.g = g, .f = f, .dims = memory, .known = (bool *)(memory + symbols)};
    bool open = false;
    ks__function_lock(f);
    bool good = bind_arguments(&b, arguments, &open, failure) && fill_shapes(&b, arguments, shapes, open, failure);
    ks__function_unlock(f);
    ks__put(g, memory, room);
    return good;
}
