/*
 * tests/support/same_graph.c - whether a graph that was read is the one that was written.
 */
#include "tests/support/same_graph.h"
#include "graph/function.h"

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char said[1024];

static const char *differ(const char *format, ...) __attribute__((format(printf, 1, 2)));
static const char *differ(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    vsnprintf(said, sizeof said, format, list);
    va_end(list);
    return said;
}

/* Nodes in order, and of a's nodes which are needed. */
typedef struct nodes {
    ks_node **at;
    int64_t count;
} nodes;

static int64_t place_of(ks_graph *g, const ks_node *node)
{
    for (int64_t i = 0; i < ks_node_count(g); i++) {
        if (ks_node_at(g, i) == node)
            return i;
    }
    return -1;
}

/* What the outputs need (all without outputs), without numbers. */
static nodes needed(ks_graph *g)
{
    int64_t count = ks_node_count(g);
    bool *need = calloc((size_t)count + 1, sizeof *need);
    nodes list = {calloc((size_t)count + 1, sizeof *list.at), 0};
    for (int64_t i = 0; i < count; i++)
        need[i] = ks_output_count(g) == 0;
    for (int i = 0; i < ks_output_count(g); i++)
        need[place_of(g, ks_output_node(g, i))] = true;
    for (int64_t i = count; i-- > 0;) {
        ks_node *node = ks_node_at(g, i);
        for (int k = 0; need[i] && k < ks_node_input_count(node); k++)
            need[place_of(g, ks_node_input(node, k))] = true;
    }
    for (int64_t i = 0; i < count; i++) {
        if (need[i] && !ks_is_number(ks_node_at(g, i)))
            list.at[list.count++] = ks_node_at(g, i);
    }
    free(need);
    return list;
}

/* ---- one node against another -------------------------------------------------------------------------- */

static bool same_bits(const void *a, const void *b, ks_dtype dtype, int64_t count)
{
    size_t size = ks_dtype_size(dtype);
    for (int64_t i = 0; i < count; i++) {
        const char *x = (const char *)a + (size_t)i * size, *y = (const char *)b + (size_t)i * size;
        double p = ks__element(a, dtype, i), q = ks__element(b, dtype, i);
        if (memcmp(x, y, size) != 0 && !(p != p && q != q))
            return false;
    }
    return true;
}

/* Dimensions stand for the same: equal numbers, symbols of one name, or both unknown. */
static bool same_shape(ks_graph *g, const ks_shape *a, ks_graph *h, const ks_shape *b)
{
    if (a->rank != b->rank)
        return false;
    for (int i = 0; i < a->rank; i++) {
        int64_t p = a->dim[i], q = b->dim[i];
        if (p < 0 && q < 0 ? strcmp(ks_dim_name(g, p), ks_dim_name(h, q)) != 0 : p != q)
            return false;
    }
    return true;
}

static const char *functions_differ(const ks_function *f, const ks_function *h);

static bool same_field(ks_graph *g, const void *a, ks_graph *h, const void *b, const ks_attr *attr)
{
    const void *x = (const char *)a + attr->offset, *y = (const char *)b + attr->offset;
    const ks_ints *p = x, *q = y;
    if (attr->type == KS_ATTR_SHAPE)
        return same_shape(g, x, h, y);
    if (attr->type == KS_ATTR_INTS)
        return p->count == q->count && (p->count <= 0 || !memcmp(p->at, q->at, (size_t)p->count * sizeof(int64_t)));
    return attr->type == KS_ATTR_FLOAT ? same_bits(x, y, KS_F64, 1) : !memcmp(x, y, sizeof(int64_t));
}

static const char *attrs_differ(ks_node *a, ks_node *b)
{
    for (const ks_attr *attr = a->op->attrs; attr && attr->name; attr++) {
        const char *x = ks__attrs(a), *y = ks__attrs(b), *why = NULL;
        if (attr->type == KS_ATTR_FUNCTION)
            why = functions_differ(*(ks_function *const *)(x + attr->offset), *(ks_function *const *)(y + attr->offset));
        else if (!same_field(a->graph, x, b->graph, y, attr))
            why = differ("'%s': attribute %s differs", ks_name(a), attr->name);
        if (why)
            return why;
    }
    return NULL;
}

static bool same_text(const char *a, const char *b)
{
    return a && b ? !strcmp(a, b) : a == b;
}

static const char *leaves_differ(ks_node *a, ks_node *b)
{
    ks_init x = ks_variable_init(a), y = ks_variable_init(b);
    if (ks_is_trainable(a) != ks_is_trainable(b))
        return differ("'%s': one is trainable, the other is not", ks_name(a));
    if (x.kind != y.kind || memcmp(&x.a, &y.a, sizeof x.a) || memcmp(&x.b, &y.b, sizeof x.b) || x.fan_in != y.fan_in)
        return differ("'%s': initialisers differ", ks_name(a));
    bool stays = ks_is_variable(a) || ks_is_constant(a);
    if (!stays)
        return NULL;
    if ((a->value == NULL) != (b->value == NULL))
        return differ("'%s': one has a value, the other has none", ks_name(a));
    if (a->value && !same_bits(a->value->block->data, b->value->block->data, (ks_dtype)a->dtype, a->dims->count))
        return differ("'%s': values differ", ks_name(a));
    return NULL;
}

/* Whether the library could have made the name up: then a file does not tell who gave it. */
static bool looks_made_up(const ks_node *node)
{
    size_t length = strlen(node->op->name);
    return !strncmp(ks_name(node), node->op->name, length) && ks_name(node)[length] == '_';
}

static const char *node_differs(ks_node *a, ks_node *b)
{
    if (strcmp(ks_name(a), ks_name(b)) != 0)
        return differ("'%s' became '%s'", ks_name(a), ks_name(b));
    if (a->op != b->op)
        return differ("'%s': %s became %s", ks_name(a), a->op->name, b->op->name);
    if (a->aside->given != b->aside->given && !(a->aside->given && looks_made_up(a)))
        return differ("'%s': the name was %s, and now is %s", ks_name(a), a->aside->given ? "given" : "made up",
                      b->aside->given ? "given" : "made up");
    if (a->dtype != b->dtype)
        return differ("'%s': dtypes differ", ks_name(a));
    if (!same_shape(a->graph, &a->dims->shape, b->graph, &b->dims->shape))
        return differ("'%s': shapes differ", ks_name(a));
    if (!same_text(ks_doc(a), ks_doc(b)))
        return differ("'%s': docs differ", ks_name(a));
    if ((ks__flags(a) & KS_OP_RANDOM) && !a->aside->given && a->aside->stream != b->aside->stream)
        return differ("'%s': stream %llu became %llu", ks_name(a), (unsigned long long)a->aside->stream,
                      (unsigned long long)b->aside->stream);
    const char *why = leaves_differ(a, b);
    return why ? why : attrs_differ(a, b);
}

/* Bodies are the same node by node, at the same positions, numbers and what no result needs included. */
static const char *functions_differ(const ks_function *f, const ks_function *h)
{
    if (!f || !h)
        return f == h ? NULL : differ("one function is missing");
    ks_graph *a = f->graph, *b = h->graph;
    size_t length = strlen(f->name); /* another function may have its name, which then gets a number */
    if (strncmp(f->name, h->name, length) != 0 || !strchr("-", h->name[length]) || a->count != b->count ||
        f->input_count != h->input_count || a->output_count != b->output_count)
        return differ("function '%s' of %u nodes became '%s' of %u", f->name, a->count, h->name, b->count);
    for (uint32_t i = 0; i < a->count; i++) {
        ks_node *x = ks__stack_at(&a->nodes, i), *y = ks__stack_at(&b->nodes, i);
        const char *why = node_differs(x, y);
        if (why)
            return why;
        if (x->n != y->n || (ks_is_number(x) && !same_bits(&x->data.number, &y->data.number, KS_F64, 1)))
            return differ("'%s' of '%s' differs", ks_name(x), f->name);
        for (uint32_t k = 0; k < x->n; k++) {
            if (ks__inputs(x)[k]->id != ks__inputs(y)[k]->id)
                return differ("input %u of '%s' of '%s' differs", k, ks_name(x), f->name);
        }
    }
    for (uint32_t k = 0; k < a->output_count; k++) {
        if (strcmp(a->outputs[k].name, b->outputs[k].name) != 0 || a->outputs[k].node->id != b->outputs[k].node->id)
            return differ("result %u of '%s' differs", k, f->name);
    }
    return NULL;
}

/* ---- one graph against another ------------------------------------------------------------------------- */

/* Pairs of numbers met so far: each stands for one of the other graph. */
typedef struct pairs {
    ks_node *a[4096], *b[4096];
    int count;
} pairs;

static const char *number_differs(pairs *p, ks_node *a, ks_node *b, const char *of)
{
    if (!ks_is_number(b) || !same_bits(&a->data.number, &b->data.number, KS_F64, 1))
        return differ("'%s': the number %g became something else", of, a->data.number);
    for (int i = 0; i < p->count; i++) {
        if ((p->a[i] == a) != (p->b[i] == b))
            return differ("'%s': a number is shared in one graph and not in the other", of);
        if (p->a[i] == a)
            return NULL;
    }
    if (p->count < 4096) {
        p->a[p->count] = a;
        p->b[p->count++] = b;
    }
    return NULL;
}

static const char *inputs_differ(pairs *p, ks_node *a, ks_node *b)
{
    if (a->n != b->n)
        return differ("'%s': %u inputs became %u", ks_name(a), (unsigned)a->n, (unsigned)b->n);
    for (uint32_t k = 0; k < a->n; k++) {
        ks_node *x = ks__inputs(a)[k], *y = ks__inputs(b)[k];
        const char *why = ks_is_number(x) ? number_differs(p, x, y, ks_name(a)) : NULL;
        if (why)
            return why;
        if (!ks_is_number(x) && strcmp(ks_name(x), ks_name(y)) != 0)
            return differ("'%s': input %u was '%s' and is '%s'", ks_name(a), k, ks_name(x), ks_name(y));
    }
    return NULL;
}

static const char *lists_differ(const nodes *x, const nodes *y)
{
    static pairs numbers;
    numbers.count = 0;
    if (x->count != y->count)
        return differ("%lld nodes became %lld", (long long)x->count, (long long)y->count);
    for (int64_t i = 0; i < x->count; i++) {
        const char *why = node_differs(x->at[i], y->at[i]);
        why = why ? why : inputs_differ(&numbers, x->at[i], y->at[i]);
        if (why)
            return why;
    }
    return NULL;
}

const char *ks_test_difference(ks_graph *a, ks_graph *b)
{
    nodes x = needed(a), y = needed(b);
    const char *why = lists_differ(&x, &y);
    free(x.at);
    free(y.at);
    if (why)
        return why;
    if (ks_seed(a) != ks_seed(b) || ks_step_number(a) != ks_step_number(b))
        return differ("seeds or steps differ");
    if (ks_output_count(a) != ks_output_count(b))
        return differ("%d outputs became %d", ks_output_count(a), ks_output_count(b));
    for (int i = 0; i < ks_output_count(a); i++) {
        if (strcmp(ks_output_name(a, i), ks_output_name(b, i)) != 0)
            return differ("output '%s' became '%s'", ks_output_name(a, i), ks_output_name(b, i));
        if (strcmp(ks_name(ks_output_node(a, i)), ks_name(ks_output_node(b, i))) != 0)
            return differ("output '%s' is another node", ks_output_name(a, i));
    }
    return NULL;
}

static ks_buffer written(ks_graph *graph, const ks_save_options *options)
{
    ks_buffer text = {.data = NULL};
    cr_assert(ks_save_to(graph, ks_buffer_writer(&text), options), "%s", ks_error(graph)->message);
    return text;
}

ks_graph *ks_test_reread(ks_graph *graph, const ks_save_options *options)
{
    ks_buffer text = written(graph, options);
    ks_failure failure;
    ks_graph_options same = {.size = sizeof same};
    ks_bytes bytes = {.data = text.data, .size = text.size};
    ks_graph *read = ks_graph_new(&same);
    for (ks__user_op *user = graph->user_ops; user; user = user->hh.next)
        cr_assert(ks_register(read, user->op));
    bool good = ks_load_into_from(read, ks_bytes_reader(&bytes));
    failure = good ? (ks_failure){.code = KS_OK} : *ks_error(read);
    cr_assert(good, "%s\n%.*s", failure.message, (int)text.size, text.data);
    ks_buffer_free(&text);
    return read;
}

void ks_test_round_trip(ks_graph *graph)
{
    ks_graph *read = ks_test_reread(graph, NULL);
    ks_buffer first = written(graph, NULL), second = written(read, NULL);
    const char *why = ks_test_difference(graph, read);
    cr_assert_null(why, "%s\n%.*s", why, (int)first.size, first.data);
    cr_assert_eq(first.size, second.size, "%.*s\n%.*s", (int)first.size, first.data, (int)second.size, second.data);
    cr_assert_arr_eq(first.data, second.data, first.size);
    ks_buffer_free(&first);
    ks_buffer_free(&second);
    ks_graph_free(read);
}
