/*
 * graph/compose.c - one call makes one node.
 *
 * A call is first compared with the node that stood at its place before ks_graph_release: same operation, inputs and
 * attributes means that node is handed back. Otherwise dtypes and shapes are checked here, at the line that is wrong, and a
 * node is made. No operation is named in this file: all it knows comes from the operation's definition.
 */
#include "graph/graph.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- the letters of op->types -------------------------------------------------------------------------- */

/* How many inputs the letters ask for; *more: the last one repeats. */
static uint32_t letters(const ks_op *op, bool *more)
{
    uint32_t n = 0;
    *more = false;
    for (const char *c = op->types; *c && *c != '>'; c++) {
        if (*c == '+')
            *more = true;
        else
            n++;
    }
    return n;
}

ks_dtype ks__dtype_t(const ks_node *node)
{
    for (uint32_t i = 0; i < node->n; i++) {
        const ks_node *input = ks__inputs(node)[i];
        if (ks__input_letter(node->op, i) == 'T' && !(input->op->flags & KS_OP_NUMBER))
            return (ks_dtype)input->dtype;
    }
    return ks__result_letter(node->op) == 'T' ? (ks_dtype)node->dtype : KS_F32;
}

ks_dtype ks__number_dtype(const ks_node *node, uint32_t i)
{
    return ks__input_letter(node->op, i) == 'T' ? ks__dtype_t(node) : KS_F32;
}

/* ---- messages ------------------------------------------------------------------------------------------ */

static size_t put_input(const ks_graph *g, char *out, size_t room, const ks_node *input)
{
    char text[KS__SHAPE_TEXT], number[KS__REAL_TEXT];
    if (input->op->flags & KS_OP_NUMBER)
        return (size_t)snprintf(out, room, "the number %s", ks__real_text(input->data.number, number));
    return (size_t)snprintf(out, room, "'%.120s' is %s", ks_name(input), ks__shape_text(g, &input->dims->shape, text));
}

/* Replaces {0}, {1} by the name and shape of that input. */
static void with_inputs(const ks_graph *g, const char *message, ks_node *const *inputs, uint32_t n, char out[KS_MESSAGE_BYTES])
{
    size_t at = 0;
    while (*message && at + 1 < KS_MESSAGE_BYTES) {
        uint32_t k = (uint32_t)(message[0] == '{' && message[1] ? message[1] - '0' : 99);
        if (k < n && message[2] == '}') {
            at += put_input(g, out + at, KS_MESSAGE_BYTES - at, inputs[k]);
            if (at >= KS_MESSAGE_BYTES)
                at = KS_MESSAGE_BYTES - 1;
            message += 3;
        } else {
            out[at++] = *message++;
        }
    }
    out[at] = 0;
}

static void *complain(ks_place at, ks_graph *g, const ks_op *op, ks_node *const *inputs, uint32_t n, ks_code code, const char *message)
{
    char text[KS_MESSAGE_BYTES];
    with_inputs(g, message, inputs, n, text);
    if (g->composing)
        return ks__null(g, code, at, "%s '%.100s': %s", op->name, g->composing, text);
    return ks__null(g, code, at, "%s: %s", op->name, text);
}

/* ---- dtypes -------------------------------------------------------------------------------------------- */

static bool list_types(unsigned allowed, char *text, size_t room)
{
    size_t at = 0;
    text[0] = 0;
    for (int i = 0; i < KS_DTYPES; i++) {
        if (allowed & 1u << i)
            at += (size_t)snprintf(text + at, room - at, "%s%s", at ? ", " : "", ks_dtype_name((ks_dtype)i));
    }
    return true;
}

static bool check_letter(char letter, uint32_t i, const ks_node *input, ks_failure *failure)
{
    ks_dtype dtype = (ks_dtype)input->dtype;
    bool number = input->op->flags & KS_OP_NUMBER;
    if (letter == 'B' && (number || dtype != KS_BOOL)) {
        snprintf(failure->message, sizeof failure->message, "input %u must be bool, but '%.100s' is %s: compare it, or ks_cast it to bool",
                 i, ks_name(input), ks_dtype_name(dtype));
    } else if (letter == 'I' && (number || !(1u << dtype & KS_INTEGERS))) {
        snprintf(failure->message, sizeof failure->message, "input %u must be i32, i64 or u8, but '%.100s' is %s: ks_cast it", i,
                 ks_name(input), ks_dtype_name(dtype));
    } else {
        return true;
    }
    failure->code = KS_BAD_DTYPE;
    return false;
}

/* Finds T: the dtype that all inputs with the letter T share. Bare numbers take it. The number of inputs is right. */
static bool find_t(const ks_op *op, ks_node *const *inputs, uint32_t n, ks_dtype *t, ks_failure *failure)
{
    const ks_node *first = NULL;
    bool any = false;
    *t = KS_F32;
    const char *letter = op->types; /* of input i; the one before a '+' stays */
    for (uint32_t i = 0; i < n; i++) {
        char is = *letter;
        letter += letter[1] != '+';
        if (is != 'T') {
            if (!check_letter(is, i, inputs[i], failure))
                return false;
            continue;
        }
        any = true;
        if (inputs[i]->op->flags & KS_OP_NUMBER)
            continue;
        if (first && first->dtype != inputs[i]->dtype) {
            failure->code = KS_BAD_DTYPE;
            snprintf(failure->message, sizeof failure->message, "dtypes differ: '%.100s' is %s, '%.100s' is %s: ks_cast one of them",
                     ks_name(first), ks_dtype_name((ks_dtype)first->dtype), ks_name(inputs[i]), ks_dtype_name((ks_dtype)inputs[i]->dtype));
            return false;
        }
        first = inputs[i];
        *t = (ks_dtype)first->dtype;
    }
    unsigned allowed = op->allowed ? op->allowed : KS_FLOATS;
    if (any && !(allowed & 1u << *t)) {
        char types[64];
        list_types(allowed, types, sizeof types);
        failure->code = KS_BAD_DTYPE;
        snprintf(failure->message, sizeof failure->message, "takes %s, but '%.100s' is %s: ks_cast it", types, first ? ks_name(first) : "?",
                 ks_dtype_name(*t));
        return false;
    }
    return true;
}

/* A bare number among whole numbers must be one. */
static bool check_numbers(ks_node *const *inputs, uint32_t n, ks_dtype t, ks_failure *failure)
{
    if (1u << t & KS_FLOATS)
        return true;
    for (uint32_t i = 0; i < n; i++) {
        int64_t bad;
        char room[8], text[KS__REAL_TEXT];
        if ((inputs[i]->op->flags & KS_OP_NUMBER) && !ks__convert(room, t, &inputs[i]->data.number, KS_F64, 1, true, &bad)) {
            failure->code = KS_BAD_DTYPE;
            snprintf(failure->message, sizeof failure->message, "the number %s is no %s: ks_cast the other operand",
                     ks__real_text(inputs[i]->data.number, text), ks_dtype_name(t));
            return false;
        }
    }
    return true;
}

/* ---- shapes -------------------------------------------------------------------------------------------- */

/* What the letter of the result says; a shape rule may set another. */
static ks_dtype preset_dtype(const ks_op *op, ks_dtype t)
{
    char letter = ks__result_letter(op);
    return letter == 'B' ? KS_BOOL : letter == 'I' ? KS_I64 : t;
}

bool ks__infer(ks_graph *g, const ks_op *op, const ks_shape *const *shapes, const ks_dtype *dtypes, uint32_t n, const void *attrs,
               ks_dtype t, int64_t result, ks_shape *out, ks_dtype *dtype, ks_failure *failure)
{
    ks_infer infer = {.graph = g,
                      .op = op,
                      .n = (int)n,
                      .shape = shapes,
                      .dtype = dtypes,
                      .attrs = attrs,
                      .failure = failure,
                      .result = result,
                      .out_dtype = preset_dtype(op, t)};
    memset(&infer.out, 0, sizeof infer.out);
    if (!op->infer(&infer)) {
        if (!failure->code) {
            failure->code = KS_BAD_SHAPE;
            snprintf(failure->message, sizeof failure->message, "the shapes do not fit");
        }
        return false;
    }
    *out = infer.out;
    *dtype = infer.out_dtype;
    return true;
}

#define FEW 16

/* Whether the node has a further result of that number. */
static bool has_result(const ks_node *head, int64_t result, ks_failure *failure)
{
    int64_t count = KS__HAS(head->op, results) ? head->op->results(ks__attrs(head)) : 1;
    if (result > 0 && result < count)
        return true;
    failure->code = KS_BAD_ARGUMENT;
    snprintf(failure->message, sizeof failure->message, "'%.100s' has %lld result%s: there is no further one of number %lld", ks_name(head),
             (long long)count, count == 1 ? "" : "s", (long long)result);
    return false;
}

static bool infer_node(ks_graph *g, const ks_op *op, ks_node *const *inputs, uint32_t n, const void *attrs, ks_dtype t,
                       const ks__dims **dims, ks_dtype *dtype, ks_failure *failure)
{
    int64_t result = 0;
    if (op->flags & KS_OP_RESULT) { /* a matter of its head */
        const ks_node *head = inputs[0];
        result = *(const int64_t *)attrs;
        if (!has_result(head, result, failure))
            return false;
        op = head->op, attrs = ks__attrs(head), inputs = ks__inputs(head), n = head->n, t = ks__dtype_t(head);
    }
    const ks_shape *few_shapes[FEW], **shapes = few_shapes;
    ks_dtype few_dtypes[FEW], *dtypes = few_dtypes;
    ks_shape out;
    few_shapes[0] = NULL, few_dtypes[0] = t; /* without inputs, too, something is there */
    if (n > FEW) {
        shapes = ks__get(g, n * sizeof *shapes);
        dtypes = ks__get(g, n * sizeof *dtypes);
    }
    bool good = shapes && dtypes;
    for (uint32_t i = 0; good && i < n; i++) {
        shapes[i] = &inputs[i]->dims->shape;
        dtypes[i] = (inputs[i]->op->flags & KS_OP_NUMBER) && ks__input_letter(op, i) == 'T' ? t : (ks_dtype)inputs[i]->dtype;
    }
    good = good && ks__infer(g, op, shapes, dtypes, n, attrs, t, result, &out, dtype, failure);
    if (n > FEW) {
        ks__put(g, shapes, n * sizeof *shapes);
        ks__put(g, dtypes, n * sizeof *dtypes);
    }
    *dims = good ? ks__dims_of(g, &out) : NULL;
    return *dims != NULL;
}

/* The common case in no time: the first input's shape, or operands of one shape or with a scalar. NULL: ask the rule. */
static const ks__dims *dims_quickly(const ks_op *op, ks_node *const *inputs, uint32_t n)
{
    if (op->infer == ks_infer_same && n)
        return inputs[0]->dims;
    if (op->infer != ks_infer_broadcast)
        return NULL;
    const ks__dims *dims = inputs[0]->dims;
    for (uint32_t i = 1; i < n; i++) {
        const ks__dims *other = inputs[i]->dims;
        if (other == dims || other->shape.rank == 0)
            continue;
        if (dims->shape.rank != 0)
            return NULL;
        dims = other;
    }
    return dims;
}

/* ---- recognising --------------------------------------------------------------------------------------- */

static bool same_structure(const ks_op *op, const void *a, const void *b, bool *same_values)
{
    *same_values = true;
    for (const ks_attr *attr = op->attrs; attr && attr->name; attr++) {
        static const size_t sizes[] = {[KS_ATTR_INT] = 8,
                                       [KS_ATTR_FLOAT] = 8,
                                       [KS_ATTR_BOOL] = 8,
                                       [KS_ATTR_INTS] = sizeof(ks_ints),
                                       [KS_ATTR_DTYPE] = 8,
                                       [KS_ATTR_SHAPE] = sizeof(ks_shape),
                                       [KS_ATTR_FUNCTION] = sizeof(ks_function *)};
        if (!memcmp((const char *)a + attr->offset, (const char *)b + attr->offset, sizes[attr->type]))
            continue;
        if (!attr->value)
            return false;
        *same_values = false;
    }
    return true;
}

/* Other value attributes, same structure: the node stays if its shape does, and what depends on it is stale. */
static bool refresh(ks_node *node, const void *attrs)
{
    bool same_values;
    if (!same_structure(node->op, node->data.attrs, attrs, &same_values))
        return false;
    if (same_values)
        return true;
    const ks__dims *dims;
    ks_dtype dtype;
    ks_failure failure;
    ks__fail_nothing(&failure);
    if (!infer_node(node->graph, node->op, ks__inputs(node), node->n, attrs, ks__dtype_t(node), &dims, &dtype, &failure) ||
        dims != node->dims)
        return false;
    memcpy(node->data.attrs, attrs, node->op->attrs_size);
    node->changed = node->graph->attribute_epoch = ++node->graph->epoch;
    node->checked = 0; /* its own value is stale, unlike a leaf's */
    ks__value_drop(node);
    /* Its derivatives may have taken the old values over. */
    ks__forget_events(node->graph, node->id + 1);
    if (node->aside && node->aside->partials)
        memset(node->aside->partials, 0, node->n * sizeof(ks_node *));
    return true;
}

static bool same_call(ks_node *node, const ks_op *op, ks_node *const *inputs, uint32_t n, const void *attrs)
{
    if (node->op != op || node->n != n)
        return false;
    ks_node *const *own = ks__inputs(node);
    for (uint32_t i = 0; i < n; i++) {
        if (own[i] != inputs[i])
            return false;
    }
    return !op->attrs_size || !memcmp(node->data.attrs, attrs, op->attrs_size) || refresh(node, attrs);
}

/* ---- composing ----------------------------------------------------------------------------------------- */

static ks_node *make(ks_place at, ks_graph *g, const ks_op *op, ks_node *const *inputs, uint32_t n, const void *attrs)
{
    ks_failure failure;
    ks__fail_nothing(&failure);
    bool more;
    uint32_t wanted = letters(op, &more);
    if (more ? n < wanted : n != wanted) {
        snprintf(failure.message, sizeof failure.message, "takes %s%u input%s (%s), %u given", more ? "at least " : "", wanted,
                 wanted == 1 ? "" : "s", op->inputs ? op->inputs : "", n);
        return complain(at, g, op, inputs, n, KS_BAD_ARGUMENT, failure.message);
    }
    if ((op->flags & KS_OP_EFFECT) && n && !(inputs[0]->op->flags & KS_OP_VARIABLE)) {
        snprintf(failure.message, sizeof failure.message, "'%.100s' is no variable but %s: only variables are assigned", ks_name(inputs[0]),
                 inputs[0]->op->name);
        return complain(at, g, op, inputs, n, KS_BAD_ARGUMENT, failure.message);
    }
    ks_dtype t, dtype;
    if (!find_t(op, inputs, n, &t, &failure) || !check_numbers(inputs, n, t, &failure))
        return complain(at, g, op, inputs, n, failure.code, failure.message);
    const ks__dims *dims = dims_quickly(op, inputs, n);
    if (dims)
        dtype = preset_dtype(op, t);
    else if (!infer_node(g, op, inputs, n, attrs, t, &dims, &dtype, &failure))
        return failure.code ? complain(at, g, op, inputs, n, failure.code, failure.message) : NULL;
    void *own = NULL;
    if (op->attrs_size) {
        own = ks__small(g, op->attrs_size);
        if (!own)
            return NULL;
        memcpy(own, attrs, op->attrs_size);
    }
    ks_node *node = ks__node_new(g, op, inputs, n, dtype, dims, ks__origin(g, at), false);
    if (!node) {
        ks__small_put(g, own, op->attrs_size);
        return NULL;
    }
    node->data.attrs = own;
    if ((ks__flags(node) & KS_OP_RANDOM) && !ks__redraws(node) && ks__aside_of(node))
        node->aside->stream = ++g->random_nodes;
    return node;
}

ks_node *ks__compose(ks_place at, ks_graph *g, const ks_op *op, ks_node *const *inputs, uint32_t n, const void *attrs)
{
    static const char none[512]; /* attributes that were not given and have no defaults are zero */
    if (!attrs)
        attrs = op->defaults ? op->defaults : none;
    ks_node *waiting = ks__waiting(g); /* its inputs are good ones: they stand before it */
    if (waiting && same_call(waiting, op, inputs, n, attrs))
        return ks__recognise(waiting, ks__origin(g, at));
    for (uint32_t i = 0; i < n; i++) {
        if (!ks__usable(inputs[i]))
            return NULL;
        if (inputs[i]->graph != g)
            return ks__null(g, KS_BAD_ARGUMENT, at, "%s: '%s' belongs to another graph", op->name, ks_name(inputs[i]));
    }
    return make(at, g, op, inputs, n, attrs);
}

ks_node *ks_apply_at(ks_place at, ks_graph *graph, const ks_op *op, ks_node *const *inputs, int count, const void *attrs)
{
    if (!graph)
        return NULL;
    if (!op || op->size < offsetof(ks_op, infer) || !op->types || op->flags & KS_OP_LEAF || count < 0 || op->attrs_size > 512)
        return ks__null(graph, KS_BAD_ARGUMENT, at, "ks_apply: %s", op && op->name ? op->name : "no operation");
    return ks__compose(at, graph, op, inputs, (uint32_t)count, attrs);
}

bool ks_register(ks_graph *graph, const ks_op *op)
{
    ks_graph *g = graph;
    if (!g)
        return false;
    if (!op || op->size != sizeof *op || !op->name || !strchr(op->name, '.') || !ks__name_valid(op->name) || !op->types || !op->infer ||
        (!op->tiles && !op->kernel))
        return ks__refuse(g, KS_BAD_ARGUMENT, KS__NOWHERE,
                          "ks_register: an operation needs size, a name with a dot (user.swish), types, infer, and tiles or a kernel");
    if (!op->partial && !op->pullback && !op->no_derivative)
        return ks__refuse(g, KS_NO_GRADIENT, KS__NOWHERE, "ks_register: '%s' has neither a derivative nor a reason why there is none",
                          op->name);
    ks__user_op *user;
    HASH_FIND_STR(g->user_ops, op->name, user);
    if (user)
        return user->op == op || ks__refuse(g, KS_BAD_NAME, KS__NOWHERE, "ks_register: another operation is called '%s'", op->name);
    user = ks__small(g, sizeof *user);
    if (!user)
        return false;
    user->op = op;
    HASH_ADD_KEYPTR(hh, g->user_ops, op->name, strlen(op->name), user);
    return user->hh.tbl != NULL;
}

/* ---- calls that make several nodes --------------------------------------------------------------------- */

const void *ks__event_recognise(ks_graph *g, const void *kind, const void *key, size_t key_bytes)
{
    if (g->count >= g->nodes.extent)
        return NULL;
    uint32_t low = 0, high = g->event_count; /* the first event that starts here or later */
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (g->events[middle].start < g->count)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < g->event_count && g->events[low].start == g->count; low++) {
        ks__event *event = &g->events[low];
        if (event->kind == kind && event->key_bytes == key_bytes && !memcmp(event->data, key, key_bytes)) {
            g->statistics.nodes_recognised += event->end - event->start;
            g->count = event->end;
            return event->data + key_bytes;
        }
    }
    return NULL;
}

bool ks__event_note(ks_graph *g, const void *kind, uint32_t start, const void *key, size_t key_bytes, const void *given, size_t given_bytes)
{
    if (start == g->count)
        return true;
    if (g->event_count && g->events[g->event_count - 1].end > start)
        return true; /* inside another event, which is recognised whole */
    if (!ks__grow(g, &g->events, &g->event_capacity, g->event_count, sizeof *g->events))
        return false;
    char *data = ks__small(g, key_bytes + given_bytes);
    if (!data)
        return false;
    memcpy(data, key, key_bytes);
    memcpy(data + key_bytes, given, given_bytes);
    g->events[g->event_count++] = (ks__event){start, g->count, kind, key_bytes + given_bytes, key_bytes, data};
    return true;
}
