/*
 * function/call.c - a function as one node: the operation `call`.
 *
 * Its results are the function's, and after these whatever a derivative reads of the inside. With recompute its derivative reads nothing of
 * the inside but computes it again: memory against time.
 */
#include "function/function.h"

static const ks_attr call_table[] = {
    {"function", KS_ATTR_FUNCTION, offsetof(ks__call_attrs, function), .required = true, .doc = "what is called"},
    {"recompute", KS_ATTR_BOOL, offsetof(ks__call_attrs, recompute),
     .doc = "nothing inside is kept for the derivative, which computes it again"},
    {"stream", KS_ATTR_INT, offsetof(ks__call_attrs, stream), .doc = "of random numbers: another call's, drawn again; 0: its own"},
    {NULL},
};

/* ---- shapes -------------------------------------------------------------------------------------------- */

bool ks__check_arguments(ks_infer *infer, const ks_function *f, uint32_t first)
{
    if (infer->n != (int)(f->input_count + first))
        return ks_infer_fail(infer, KS_BAD_ARGUMENT, "'%s' takes %u arguments, %d were given", f->name, f->input_count,
                             infer->n - (int)first);
    for (uint32_t i = 0; i < f->input_count; i++) {
        if (infer->dtype[first + i] != (ks_dtype)f->inputs[i]->dtype)
            return ks_infer_fail(infer, KS_BAD_DTYPE, "'%s' takes '%s' as %s, but argument %u is %s: ks_cast it", f->name,
                                 ks_name(f->inputs[i]), ks_dtype_name((ks_dtype)f->inputs[i]->dtype), i,
                                 ks_dtype_name(infer->dtype[first + i]));
    }
    return true;
}

/* The body's node that result r of a call stands for. */
static const ks_node *result_node(const ks_function *f, int64_t r)
{
    int64_t outputs = ks__function_outputs(f);
    return r < outputs ? ks__function_output(f, (uint32_t)r) : ks__stack_at(&f->graph->nodes, (uint32_t)(r - outputs));
}

static bool infer_call(ks_infer *infer)
{
    const ks_function *f = ((const ks__call_attrs *)infer->attrs)->function;
    if (!ks__check_arguments(infer, f, 0))
        return false;
    size_t room = f->graph->count * sizeof(ks_shape);
    ks_shape *shapes = ks__get_quiet(infer->graph, room);
    if (!shapes)
        return ks_infer_fail(infer, KS_NO_MEMORY, "no memory for the shapes of '%s'", f->name);
    bool good = ks__function_shapes(infer->graph, f, infer->shape, shapes, infer->failure);
    const ks_node *node = result_node(f, infer->result);
    if (good) {
        infer->out = shapes[node->id];
        infer->out_dtype = (ks_dtype)node->dtype;
    }
    ks__put(infer->graph, shapes, room);
    return good;
}

static int64_t call_results(const void *attrs)
{
    const ks_function *f = ((const ks__call_attrs *)attrs)->function;
    return (int64_t)ks__function_outputs(f) + f->graph->count;
}

/* ---- running ------------------------------------------------------------------------------------------- */

typedef struct prepared {
    ks__inner *inner;
    ks_graph *host;
    uint32_t count;
    uint32_t *results; /* [count] which result of the call each wanted node is */
} prepared;

static void release(void *memory)
{
    prepared *p = memory;
    ks__inner_free(p->inner);
    ks__put(p->host, p->results, p->results ? (p->count + 1) * sizeof *p->results : 0);
    ks__put(p->host, p, sizeof *p);
}

static void *prepare(const ks_call *call, ks_failure *failure)
{
    const ks_function *f = ((const ks__call_attrs *)call->attrs)->function;
    int64_t results = call_results(call->attrs);
    prepared *p = ks__get_quiet(call->graph, sizeof *p);
    if (!p)
        return NULL;
    *p = (prepared){.host = call->graph};
    for (int64_t r = 0; r < results; r++)
        p->count += call->out[r].shape != NULL;
    uint32_t *wanted = ks__get_quiet(call->graph, (p->count + 1) * sizeof *wanted), n = 0;
    p->results = ks__get_quiet(call->graph, (p->count + 1) * sizeof *p->results);
    for (int64_t r = 0; wanted && p->results && r < results; r++) {
        if (!call->out[r].shape)
            continue;
        wanted[n] = result_node(f, r)->id;
        p->results[n++] = (uint32_t)r;
    }
    if (wanted && p->results)
        p->inner = ks__inner_new(call->graph, f, call->in, wanted, n, call->train, failure);
    ks__put(call->graph, wanted, wanted ? (p->count + 1) * sizeof *wanted : 0);
    if (p->inner)
        return p;
    release(p);
    return NULL;
}

static size_t call_scratch(const ks_call *call)
{
    return ks__inner_bytes(((const prepared *)call->prepared)->inner);
}

static bool call_kernel(const ks_call *call, ks_failure *failure)
{
    const prepared *p = call->prepared;
    int64_t stream = ((const ks__call_attrs *)call->attrs)->stream;
    ks__inner_open(p->inner, call, stream ? (uint64_t)stream : call->stream, call->scratch, false);
    for (int i = 0; i < call->n; i++)
        ks__inner_give(p->inner, (uint32_t)i, call->in[i].data);
    for (uint32_t k = 0; k < p->count; k++)
        ks__inner_aim(p->inner, k, call->out[p->results[k]].data);
    if (!ks__inner_step(p->inner, 0, failure))
        return false;
    for (uint32_t k = 0; k < p->count; k++)
        ks__inner_take(p->inner, k, call->out[p->results[k]].data);
    return true;
}

/* ---- derivatives --------------------------------------------------------------------------------------- */

/* The random stream of a node that runs a body: the derivative's copies draw the same numbers. */
int64_t ks__body_stream(const ks_node *y, int64_t given)
{
    return given || !(ks__flags(y) & KS_OP_RANDOM) ? given : (int64_t)ks__stream_of(y);
}

static bool pull(ks_node *y, const ks__call_attrs *a, const ks_arrival *arrivals, uint32_t count, const bool *wanted, uint32_t *from,
                 ks_node **arguments, ks_node **results, ks_node **out)
{
    ks_function *f = a->function;
    ks_graph *g = y->graph;
    for (uint32_t k = 0; k < count; k++)
        from[k] = result_node(f, arrivals[k].result)->id;
    const ks__derived *d =
        ks__function_vjp(g, f, &(ks__vjp_spec){.from = from, .from_count = count, .wanted = wanted, .recompute = a->recompute});
    if (!d || !ks__function_keep(g, d->function))
        return false;
    uint32_t n = 0;
    for (uint32_t k = 0; k < d->found_count; k++)
        arguments[n++] = ks_result_at(ks_node_place(y), y, (int64_t)ks__function_outputs(f) + d->found[k]);
    for (uint32_t i = 0; i < y->n; i++)
        arguments[n++] = ks__in(y, (int)i);
    for (uint32_t k = 0; k < count; k++)
        arguments[n++] = arrivals[k].upstream;
    ks__call_attrs attrs = {.function = d->function, .recompute = a->recompute, .stream = ks__body_stream(y, a->stream)};
    ks_node *head = ks__compose(ks_node_place(y), g, &ks__op_call, arguments, n, &attrs);
    for (uint32_t i = 0, k = 0; head && i < y->n; i++) {
        if (wanted[i])
            out[i] = ks_result_at(ks_node_place(y), head, k++);
    }
    (void)results;
    return head != NULL;
}

static bool call_pullbacks(ks_node *y, const ks_arrival *arrivals, int count, const bool *wanted, ks_node **out)
{
    const ks__call_attrs *a = y->data.attrs;
    ks_graph *g = y->graph;
    size_t room = (a->function->graph->count + y->n + (size_t)count + 1) * sizeof(ks_node *);
    uint32_t *from = ks__get(g, ((size_t)count + 1) * sizeof *from);
    ks_node **arguments = ks__get(g, room);
    bool good = from && arguments && pull(y, a, arrivals, (uint32_t)count, wanted, from, arguments, NULL, out);
    ks__put(g, from, from ? ((size_t)count + 1) * sizeof *from : 0);
    ks__put(g, arguments, arguments ? room : 0);
    return good;
}

static ks_node *call_pushforwards(ks_node *y, ks_node *const *tangents, int64_t result)
{
    const ks__call_attrs *a = y->data.attrs;
    ks_graph *g = y->graph;
    size_t room = 2 * y->n * sizeof(ks_node *);
    bool *given = ks__get(g, y->n);
    ks_node **arguments = ks__get(g, room), *out = NULL;
    uint32_t n = 0, of = result_node(a->function, result)->id;
    for (uint32_t i = 0; given && arguments && i < y->n; i++) {
        given[i] = tangents[i] != NULL;
        arguments[n++] = ks__in(y, (int)i);
    }
    for (uint32_t i = 0; given && arguments && i < y->n; i++) {
        if (tangents[i])
            arguments[n++] = tangents[i];
    }
    const ks__derived *d = given && arguments ? ks__function_jvp(g, a->function, given, &of, 1) : NULL;
    if (d && ks__function_keep(g, d->function)) {
        ks__call_attrs attrs = {.function = d->function, .recompute = a->recompute, .stream = ks__body_stream(y, a->stream)};
        out = ks__compose(ks_node_place(y), g, &ks__op_call, arguments, n, &attrs);
    }
    ks__put(g, given, given ? y->n : 0);
    ks__put(g, arguments, arguments ? room : 0);
    return out;
}

/* ---- the operation ------------------------------------------------------------------------------------- */

static ks_node *call_example(ks_graph *g)
{
    ks_graph *body = ks__graph_beside(g);
    if (!body)
        return NULL;
    ks_node *x = ks_input(body, "x", KS_F64, KS_SHAPE(2, 2)), *w = ks_input(body, "w", KS_F64, KS_SHAPE(2, 2));
    ks_output(body, "y", ks_tanh(ks_matmul(x, w)));
    ks_function *f = ks_function_new("layer", body);
    if (!f) {
        ks_graph_free(body);
        return NULL;
    }
    ks_node *out, *arguments[] = {ks__given(g, "x", KS_SHAPE(2, 2), KS__VALUES(1, -2, 0.5, -0.25)),
                                  ks__given(g, "w", KS_SHAPE(2, 2), KS__VALUES(0.3, 0.1, -0.2, 0.4))};
    bool good = ks_call_function(f, arguments, &out);
    ks_function_free(f);
    return good ? out : NULL;
}

const ks_op ks__op_call = {
    .size = sizeof(ks_op),
    .name = "call",
    .formula = "y = f(x...)",
    .doc =
        "A function as one node: what the function's body computes from the arguments, its results one after the other. The body runs as a "
        "plan of its own inside this node. The derivative calls the function's own derivative, which is made once and kept with it.",
    .types = "*+>D",
    .inputs = "arguments",
    .flags = KS_OP_CALLS,
    .attrs = call_table,
    .attrs_size = sizeof(ks__call_attrs),
    .infer = infer_call,
    .kernel = call_kernel,
    .scratch = call_scratch,
    .derivative = "the vjp of f",
    .example = call_example,
    .results = call_results,
    .pullbacks = call_pullbacks,
    .pushforwards = call_pushforwards,
    .prepare = prepare,
    .release = release,
};

/* ---- builders ------------------------------------------------------------------------------------------ */

ks_graph *ks__arguments_graph(ks_place at, const ks_function *f, ks_node *const *arguments)
{
    ks_graph *g = NULL;
    for (uint32_t i = 0; f && arguments && i < f->input_count; i++) {
        if (!ks__usable(arguments[i]))
            return NULL;
        g = g ? g : arguments[i]->graph;
        if (arguments[i]->graph != g)
            return ks__null(g, KS_BAD_ARGUMENT, at, "function '%s': '%s' belongs to another graph", f->name, ks_name(arguments[i]));
    }
    return g;
}

static bool place_call(ks_place at, ks_function *f, ks_node *const *arguments, bool recompute, ks_node **out)
{
    ks_graph *g = out ? ks__arguments_graph(at, f, arguments) : NULL;
    if (!g || !ks__function_keep(g, f))
        return false;
    ks__call_attrs attrs = {.function = f, .recompute = recompute};
    ks_node *head = ks__compose(at, g, &ks__op_call, arguments, f->input_count, &attrs);
    for (uint32_t k = 0; k < ks__function_outputs(f); k++) {
        if (!(out[k] = ks_result_at(at, head, k)))
            return false;
    }
    return true;
}

bool ks_call_function_at(ks_place at, ks_function *function, ks_node *const *arguments, ks_node **out)
{
    return place_call(at, function, arguments, false, out);
}

bool ks_checkpoint_function_at(ks_place at, ks_function *function, ks_node *const *arguments, ks_node **out)
{
    return place_call(at, function, arguments, true, out);
}

bool ks_inline_function_at(ks_place at, ks_function *function, ks_node *const *arguments, ks_node **out)
{
    ks_graph *g = out ? ks__arguments_graph(at, function, arguments) : NULL;
    ks_node **made = g ? ks__nodes_get(g, function) : NULL;
    if (!made)
        return false;
    for (uint32_t i = 0; i < function->input_count; i++)
        made[function->inputs[i]->id] = arguments[i];
    bool good = ks__clone(g, function, made, false);
    for (uint32_t k = 0; good && k < ks__function_outputs(function); k++)
        out[k] = made[ks__function_output(function, k)->id];
    ks__nodes_put(g, function, made);
    return good;
}

/* What tells one checkpoint from another when a graph is composed anew. */
static const char checkpoint_event;

bool ks_checkpoint_at(ks_place at, ks_node *const *inputs, int input_count, ks_node *const *outputs, int output_count, ks_node **out)
{
    ks_graph *g = out ? ks__fragment_graph("checkpoint", inputs, input_count, outputs, output_count) : NULL;
    if (!g)
        return false;
    ks__list captured = {0};
    ks_function *f = NULL;
    ks_node **arguments = NULL;
    size_t words = (size_t)input_count + (size_t)output_count, room = 0;
    ks_node **key = ks__get(g, words * sizeof *key);
    bool good = key != NULL;
    if (good) {
        if (input_count)
            memcpy(key, inputs, (size_t)input_count * sizeof *key);
        memcpy(key + input_count, outputs, (size_t)output_count * sizeof *key);
        const void *given = ks__event_recognise(g, &checkpoint_event, key, words * sizeof *key);
        if (given) {
            memcpy(out, given, (size_t)output_count * sizeof *out);
            ks__put(g, key, words * sizeof *key);
            return true;
        }
        ks__cut(g, g->count);
        f = ks__extract("checkpoint", inputs, (uint32_t)input_count, outputs, (uint32_t)output_count, &captured);
        good = f != NULL;
    }
    if (good) {
        room = ((size_t)input_count + captured.count + 1) * sizeof *arguments;
        arguments = ks__get(g, room);
        good = arguments != NULL;
    }
    if (good) {
        uint32_t start = g->count;
        if (input_count)
            memcpy(arguments, inputs, (size_t)input_count * sizeof *arguments);
        if (captured.count)
            memcpy(arguments + input_count, captured.nodes, captured.count * sizeof *arguments);
        good = place_call(at, f, arguments, true, out);
        for (uint32_t i = start; good && i < g->count; i++)
            ks__stack_at(&g->nodes, i)->flags |= KS__DERIVED; /* found with its event, or not at all */
        good = good && ks__event_note(g, &checkpoint_event, start, key, words * sizeof *key, out, (size_t)output_count * sizeof *out);
    }
    ks_function_free(f);
    ks__list_free(g, &captured);
    ks__put(g, arguments, arguments ? room : 0);
    ks__put(g, key, key ? words * sizeof *key : 0);
    return good;
}
