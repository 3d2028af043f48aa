/*
 * function/scan.c - a function repeated: the operation `scan`.
 *
 * Step t computes the next states, and rows of what is stacked, from the states before it, rows of what is scanned, and constants. Its
 * results are the last states, the stacked results, the number of steps taken, and after these the stacked values of any node of the body:
 * what a derivative wants to read of the steps is simply another result.
 */
#include "function/scan.h"

static const ks_attr scan_table[] = {
    {"body", KS_ATTR_FUNCTION, offsetof(ks__scan_attrs, body), .required = true,
     .doc = "takes states, rows and constants; gives states and what is stacked"},
    {"until", KS_ATTR_FUNCTION, offsetof(ks__scan_attrs, until),
     .doc = "of states and constants, before each step: the loop ends where it is false"},
    {"states", KS_ATTR_INT, offsetof(ks__scan_attrs, states), .doc = "how many of the first arguments are states"},
    {"scanned", KS_ATTR_INT, offsetof(ks__scan_attrs, scanned), .doc = "how many arguments after the states are scanned by rows"},
    {"length", KS_ATTR_INT, offsetof(ks__scan_attrs, length), .doc = "steps; 0: the rows of what is scanned"},
    {"reverse", KS_ATTR_BOOL, offsetof(ks__scan_attrs, reverse), .doc = "from the last row to the first"},
    {"counted", KS_ATTR_BOOL, offsetof(ks__scan_attrs, counted),
     .doc = "a first argument, an i64 scalar, says how many of the steps are taken"},
    {"strict", KS_ATTR_BOOL, offsetof(ks__scan_attrs, strict), .doc = "a loop that `until` has not ended after its last step fails"},
    {"recompute", KS_ATTR_BOOL, offsetof(ks__scan_attrs, recompute), .doc = "of the steps only the states are kept for the derivative"},
    {"stream", KS_ATTR_INT, offsetof(ks__scan_attrs, stream), .doc = "of random numbers: another scan's, drawn again; 0: its own"},
    {NULL},
};

/* ---- shapes -------------------------------------------------------------------------------------------- */

typedef struct shapes {
    const ks_shape **arguments; /* [inputs of the body] */
    ks_shape *rows;             /* [inputs of the body] of those that are scanned */
    ks_shape *all;              /* [nodes of the body] */
    size_t bytes;
    int64_t steps;
} shapes;

static bool check_attrs(ks_infer *infer, const ks__scan_attrs *a)
{
    if (!a->body || a->states < 0 || a->scanned < 0 || a->length < 0 || a->states > a->body->input_count ||
        a->scanned > a->body->input_count - a->states || a->states > ks__function_outputs(a->body))
        return ks_infer_fail(infer, KS_BAD_ARGUMENT, "%lld states and %lld scanned arguments are more than the body takes and gives",
                             (long long)a->states, (long long)a->scanned);
    if (!a->scanned && !a->length)
        return ks_infer_fail(infer, KS_BAD_ARGUMENT, "nothing is scanned, so `length` must say how many steps there are");
    if (!ks__check_arguments(infer, a->body, ks__scan_first(a)))
        return false;
    if (a->counted && (infer->dtype[0] != KS_I64 || infer->shape[0]->rank != 0))
        return ks_infer_fail(infer, KS_BAD_ARGUMENT, "the first argument counts the steps: it must be an i64 scalar");
    return true;
}

static bool split_rows(ks_infer *infer, const ks__scan_attrs *a, shapes *s)
{
    bool known = a->length > 0;
    s->steps = a->length;
    for (uint32_t i = 0; i < a->body->input_count; i++) {
        const ks_shape *given = infer->shape[ks__scan_first(a) + i];
        s->arguments[i] = given;
        if (!ks__scan_is_row(a, i))
            continue;
        if (given->rank == 0)
            return ks_infer_fail(infer, KS_BAD_SHAPE, "'%s' is scanned by rows, but its argument is a scalar", ks_name(a->body->inputs[i]));
        int64_t same = given->dim[0];
        if (known && !ks__dim_same(infer->graph, s->steps, given->dim[0], &same))
            return ks_infer_fail(infer, KS_BAD_SHAPE, "'%s' has %lld rows, but there are %lld steps", ks_name(a->body->inputs[i]),
                                 (long long)given->dim[0], (long long)s->steps);
        s->steps = same;
        known = true;
        s->rows[i] = ks__row_of(given);
        s->arguments[i] = &s->rows[i];
    }
    return true;
}

/* A state keeps its shape and dtype from step to step. */
static bool check_states(ks_infer *infer, const ks__scan_attrs *a, const shapes *s)
{
    char is[KS__SHAPE_TEXT], was[KS__SHAPE_TEXT];
    for (uint32_t k = 0; k < a->states; k++) {
        const ks_node *next = ks__function_output(a->body, k), *state = a->body->inputs[k];
        const ks_shape *to = &s->all[next->id], *from = s->arguments[k];
        bool same = to->rank == from->rank;
        int64_t dim;
        for (int d = 0; same && d < to->rank; d++)
            same = ks__dim_same(infer->graph, to->dim[d], from->dim[d], &dim);
        if (!same || next->dtype != state->dtype)
            return ks_infer_fail(infer, KS_BAD_SHAPE, "state '%s' is %s %s before a step and %s %s after it", ks_name(state),
                                 ks_dtype_name((ks_dtype)state->dtype), ks__shape_text(infer->graph, from, was),
                                 ks_dtype_name((ks_dtype)next->dtype), ks__shape_text(infer->graph, to, is));
    }
    return true;
}

static bool check_until(ks_infer *infer, const ks__scan_attrs *a)
{
    const ks_function *f = a->until;
    if (!f)
        return true;
    const ks_node *out = ks__function_output(f, 0);
    uint32_t wanted = a->body->input_count - (uint32_t)a->scanned;
    if (f->input_count != wanted || out->dtype != KS_BOOL || ks__rank(out) != 0)
        return ks_infer_fail(infer, KS_BAD_ARGUMENT, "'%s' must take the %u states and constants and give a bool scalar", f->name, wanted);
    for (uint32_t i = 0, n = 0; i < a->body->input_count; i++) {
        if (ks__scan_is_row(a, i))
            continue;
        const ks_node *takes = f->inputs[n++];
        if (takes->dtype != infer->dtype[ks__scan_first(a) + i] || ks__rank(takes) != infer->shape[ks__scan_first(a) + i]->rank)
            return ks_infer_fail(infer, KS_BAD_ARGUMENT, "'%s' takes '%s' as %s of rank %d, but the loop has it as %s of rank %d", f->name,
                                 ks_name(takes), ks_dtype_name((ks_dtype)takes->dtype), ks__rank(takes),
                                 ks_dtype_name(infer->dtype[ks__scan_first(a) + i]), infer->shape[ks__scan_first(a) + i]->rank);
    }
    return true;
}

static bool fill_result(ks_infer *infer, const ks__scan_attrs *a, const shapes *s)
{
    const ks_node *node = ks__scan_node(a, infer->result);
    infer->out_dtype = node ? (ks_dtype)node->dtype : KS_I64;
    infer->out = (ks_shape){.rank = 0};
    if (!node)
        return true;
    const ks_shape *shape = &s->all[node->id];
    if (infer->result < a->states) {
        infer->out = *shape;
        return true;
    }
    if (shape->rank == KS_MAX_RANK)
        return ks_infer_fail(infer, KS_BAD_SHAPE, "'%s' has rank %d already: stacked it would be too high", ks_name(node), KS_MAX_RANK);
    infer->out.rank = shape->rank + 1;
    infer->out.dim[0] = s->steps;
    for (int d = 0; d < shape->rank; d++)
        infer->out.dim[d + 1] = shape->dim[d];
    return true;
}

static bool infer_scan(ks_infer *infer)
{
    const ks__scan_attrs *a = infer->attrs;
    if (!check_attrs(infer, a) || !check_until(infer, a))
        return false;
    shapes s = {.bytes = a->body->input_count * (sizeof *s.arguments + sizeof *s.rows) + a->body->graph->count * sizeof *s.all};
    char *memory = ks__get_quiet(infer->graph, s.bytes);
    if (!memory)
        return ks_infer_fail(infer, KS_NO_MEMORY, "no memory for the shapes of '%s'", a->body->name);
    s.all = (ks_shape *)(void *)memory;
    s.rows = s.all + a->body->graph->count;
    s.arguments = (const ks_shape **)(void *)(s.rows + a->body->input_count);
    bool good = split_rows(infer, a, &s) && ks__function_shapes(infer->graph, a->body, s.arguments, s.all, infer->failure) &&
                check_states(infer, a, &s) && fill_result(infer, a, &s);
    ks__put(infer->graph, memory, s.bytes);
    return good;
}

int64_t ks__scan_results(const void *attrs)
{
    const ks__scan_attrs *a = attrs;
    return ks__scan_inside(a) + a->body->graph->count;
}

/* ---- the operation ------------------------------------------------------------------------------------- */

static ks_node *scan_example(ks_graph *g)
{
    ks_graph *body = ks__graph_beside(g);
    if (!body)
        return NULL;
    ks_node *h = ks_input(body, "h", KS_F64, KS_SHAPE(2)), *x = ks_input(body, "x", KS_F64, KS_SHAPE(2)),
            *w = ks_input(body, "w", KS_F64, KS_SHAPE(2, 2));
    ks_node *next = ks_tanh(ks_add(ks_matmul(h, w), x));
    ks_output(body, "h_next", next);
    ks_output(body, "y", ks_square(next));
    ks_function *f = ks_function_new("step", body);
    if (!f) {
        ks_graph_free(body);
        return NULL;
    }
    ks_node *out[2], *arguments[] = {ks__given(g, "h", KS_SHAPE(2), KS__VALUES(0.5, -0.3)),
                                     ks__given(g, "x", KS_SHAPE(3, 2), KS__VALUES(0.1, 0.2, -0.4, 0.6, 0.7, -0.2)),
                                     ks__given(g, "w", KS_SHAPE(2, 2), KS__VALUES(0.3, 0.1, -0.2, 0.4))};
    ks_scan_options options = {.size = sizeof options, .states = 1, .scanned = 1};
    bool good = ks_scan(f, arguments, &options, out);
    ks_function_free(f);
    return good ? out[0] : NULL;
}

const ks_op ks__op_scan = {
    .size = sizeof(ks_op),
    .name = "scan",
    .formula = "states, y_t = body(states, x_t)",
    .doc = "A function repeated over the rows of its scanned arguments, each step handing its states to the next: a recurrent net, a "
           "solver of "
           "differential equations, a loop of any kind. Gives the last states, then each stacked result with a leading dimension of steps. "
           "Without "
           "states the rows are independent and run on all threads. The derivative is a scan in the other direction over what the steps "
           "kept.",
    .types = "*+>D",
    .inputs = "arguments",
    .flags = KS_OP_CALLS,
    .attrs = scan_table,
    .attrs_size = sizeof(ks__scan_attrs),
    .infer = infer_scan,
    .kernel = ks__scan_kernel,
    .scratch = ks__scan_scratch,
    .derivative = "a scan of the body's vjp in the other direction",
    .onnx = "Scan",
    .example = scan_example,
    .results = ks__scan_results,
    .pullbacks = ks__scan_pullbacks,
    .pushforwards = ks__scan_pushforwards,
    .prepare = ks__scan_prepare,
    .release = ks__scan_release,
};
