/*
 * function/scan.c - a function repeated: the operation `scan`.
 *
 * Step t computes the next states, and rows of what is stacked, from the states before it, rows of what is scanned, and constants. Its
 * results are the last states, the stacked results, the number of steps taken, and after these the stacked values of any node of the body:
 * what a derivative wants to read of the steps is simply another result.
 */
#include "function/function.h"

#define LANES       8 /* rows without states are shared out to so many copies of the body */
#define ROOM(bytes) (((size_t)(bytes) + 127u) & ~(size_t)63u)

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

/* ---- which argument is what ---------------------------------------------------------------------------- */

static uint32_t first_of(const ks__scan_attrs *a)
{
    return a->counted ? 1 : 0;
}

static bool is_scanned(const ks__scan_attrs *a, uint32_t i)
{
    return i >= a->states && i < a->states + a->scanned;
}

/* The body's node that result r is about; NULL: the number of steps. */
static const ks_node *result_node(const ks__scan_attrs *a, int64_t r)
{
    int64_t outputs = ks__function_outputs(a->body);
    if (r < outputs)
        return ks__function_output(a->body, (uint32_t)r);
    return r == outputs ? NULL : ks__stack_at(&a->body->graph->nodes, (uint32_t)(r - ks__scan_inside(a)));
}

static ks_shape row_of(const ks_shape *shape)
{
    ks_shape row = {.rank = shape->rank - 1};
    for (int d = 1; d < shape->rank; d++)
        row.dim[d - 1] = shape->dim[d];
    return row;
}

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
    if (!ks__check_arguments(infer, a->body, first_of(a)))
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
        const ks_shape *given = infer->shape[first_of(a) + i];
        s->arguments[i] = given;
        if (!is_scanned(a, i))
            continue;
        if (given->rank == 0)
            return ks_infer_fail(infer, KS_BAD_SHAPE, "'%s' is scanned by rows, but its argument is a scalar", ks_name(a->body->inputs[i]));
        int64_t same = given->dim[0];
        if (known && !ks__dim_same(infer->graph, s->steps, given->dim[0], &same))
            return ks_infer_fail(infer, KS_BAD_SHAPE, "'%s' has %lld rows, but there are %lld steps", ks_name(a->body->inputs[i]),
                                 (long long)given->dim[0], (long long)s->steps);
        s->steps = same;
        known = true;
        s->rows[i] = row_of(given);
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
        if (is_scanned(a, i))
            continue;
        const ks_node *takes = f->inputs[n++];
        if (takes->dtype != infer->dtype[first_of(a) + i] || ks__rank(takes) != infer->shape[first_of(a) + i]->rank)
            return ks_infer_fail(infer, KS_BAD_ARGUMENT, "'%s' takes '%s' as %s of rank %d, but the loop has it as %s of rank %d", f->name,
                                 ks_name(takes), ks_dtype_name((ks_dtype)takes->dtype), ks__rank(takes),
                                 ks_dtype_name(infer->dtype[first_of(a) + i]), infer->shape[first_of(a) + i]->rank);
    }
    return true;
}

static bool fill_result(ks_infer *infer, const ks__scan_attrs *a, const shapes *s)
{
    const ks_node *node = result_node(a, infer->result);
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

static int64_t scan_results(const void *attrs)
{
    const ks__scan_attrs *a = attrs;
    return ks__scan_inside(a) + a->body->graph->count;
}

/* ---- ready to run -------------------------------------------------------------------------------------- */

typedef struct stacked {
    uint32_t wanted; /* which of the nodes that a step computes */
    int64_t result;
    size_t row; /* bytes */
} stacked;

typedef struct prepared {
    ks_graph *host;
    ks__inner *lane[LANES], *until;
    int64_t lanes, steps;
    stacked *stacked; /* [stacked_count], with room for stacked_room */
    size_t stacked_room;
    uint32_t stacked_count, inputs;
    size_t *row; /* [inputs] bytes of a row, of a state, of a constant */
    size_t lane_bytes, until_bytes, state_bytes;
    bool warm; /* every lane has run once, so that it allocates no more */
} prepared;

static void release(void *memory)
{
    prepared *p = memory;
    for (int64_t i = 0; i < LANES; i++)
        ks__inner_free(p->lane[i]);
    ks__inner_free(p->until);
    ks__put(p->host, p->stacked, p->stacked ? p->stacked_room * sizeof *p->stacked : 0);
    ks__put(p->host, p->row, p->row ? (p->inputs + 1) * sizeof *p->row : 0);
    ks__put(p->host, p, sizeof *p);
}

typedef struct making {
    const ks_call *call;
    const ks__scan_attrs *a;
    prepared *p;
    ks_tensor *arguments; /* [inputs], then those of until */
    ks_shape *rows;
    uint32_t *wanted, wanted_count;
    ks_failure *failure;
} making;

static void split_arguments(making *m)
{
    const ks__scan_attrs *a = m->a;
    const ks_tensor *in = m->call->in + first_of(a);
    m->p->steps = a->length;
    for (uint32_t i = 0; i < m->p->inputs; i++) {
        m->arguments[i] = in[i];
        if (is_scanned(a, i)) {
            m->p->steps = in[i].shape->dim[0];
            m->rows[i] = row_of(in[i].shape);
            m->arguments[i].shape = &m->rows[i];
            m->arguments[i].count = ks_shape_count(m->rows[i]);
        }
        m->p->row[i] = (size_t)m->arguments[i].count * ks_dtype_size(m->arguments[i].dtype);
        if (i < a->states)
            m->p->state_bytes += 2 * ROOM(m->p->row[i]);
    }
}

/* States are always wanted, of the rest what someone reads. */
static void list_wanted(making *m)
{
    const ks__scan_attrs *a = m->a;
    for (int64_t k = 0; k < a->states; k++)
        m->wanted[m->wanted_count++] = result_node(a, k)->id;
    int64_t results = scan_results(a);
    for (int64_t r = a->states; r < results; r++) {
        if (!m->call->out[r].shape || r == ks__scan_inside(a) - 1)
            continue;
        m->p->stacked[m->p->stacked_count++] = (stacked){.wanted = m->wanted_count, .result = r};
        m->wanted[m->wanted_count++] = result_node(a, r)->id;
    }
}

static bool make_until(making *m)
{
    const ks__scan_attrs *a = m->a;
    if (!a->until)
        return true;
    ks_tensor *arguments = m->arguments + m->p->inputs;
    uint32_t n = 0, first = 0;
    for (uint32_t i = 0; i < m->p->inputs; i++) {
        if (!is_scanned(a, i))
            arguments[n++] = m->arguments[i];
    }
    first = ks__function_output(a->until, 0)->id;
    m->p->until = ks__inner_new(m->call->graph, a->until, arguments, &first, 1, m->call->train, m->failure);
    m->p->until_bytes = m->p->until ? ROOM(ks__inner_bytes(m->p->until)) : 0;
    return m->p->until != NULL;
}

static bool make_lanes(making *m)
{
    prepared *p = m->p;
    bool apart = !m->a->states && !m->a->until && !m->a->counted;
    p->lanes = !apart || p->steps < 2 ? 1 : p->steps < LANES ? p->steps : LANES;
    for (int64_t i = 0; i < p->lanes; i++) {
        p->lane[i] = ks__inner_new(m->call->graph, m->a->body, m->arguments, m->wanted, m->wanted_count, m->call->train, m->failure);
        if (!p->lane[i])
            return false;
    }
    p->lane_bytes = ROOM(ks__inner_bytes(p->lane[0]));
    for (uint32_t k = 0; k < p->stacked_count; k++)
        p->stacked[k].row = ks__inner_result_bytes(p->lane[0], p->stacked[k].wanted);
    return true;
}

static bool make(making *m)
{
    split_arguments(m);
    list_wanted(m);
    return make_until(m) && make_lanes(m);
}

static void *prepare(const ks_call *call, ks_failure *failure)
{
    const ks__scan_attrs *a = call->attrs;
    ks_graph *g = call->graph;
    uint32_t inputs = a->body->input_count;
    size_t results = (size_t)scan_results(a) + 1, count = 0;
    for (size_t r = 0; r + 1 < results; r++)
        count += call->out[r].shape != NULL;
    prepared *p = ks__get_quiet(g, sizeof *p);
    if (!p)
        return NULL;
    memset(p, 0, sizeof *p);
    p->host = g;
    p->inputs = inputs;
    p->stacked_room = count + 1;
    making m = {.call = call, .a = a, .p = p, .failure = failure};
    size_t bytes = (2 * inputs + 1) * sizeof *m.arguments + inputs * sizeof *m.rows + (results + (size_t)a->states) * sizeof *m.wanted;
    char *memory = ks__get_quiet(g, bytes);
    p->row = ks__get_quiet(g, (inputs + 1) * sizeof *p->row);
    p->stacked = ks__get_quiet(g, p->stacked_room * sizeof *p->stacked);
    bool good = memory && p->row && p->stacked;
    if (good) {
        m.arguments = (ks_tensor *)(void *)memory;
        m.rows = (ks_shape *)(void *)(m.arguments + 2 * inputs + 1);
        m.wanted = (uint32_t *)(void *)(m.rows + inputs);
        good = make(&m);
    }
    ks__put(g, memory, memory ? bytes : 0);
    if (good)
        return p;
    release(p);
    return NULL;
}

static size_t scan_scratch(const ks_call *call)
{
    const prepared *p = call->prepared;
    return (size_t)p->lanes * p->lane_bytes + p->until_bytes + p->state_bytes +
           (size_t)((const ks__scan_attrs *)call->attrs)->states * sizeof(char *);
}

/* ---- steps --------------------------------------------------------------------------------------------- */

typedef struct loop {
    const ks_call *call;
    const ks__scan_attrs *a;
    prepared *p;
    const ks_tensor *in;
    const char **state;  /* [states] where they are */
    char *buffer[2];     /* of all states, in turn */
    ks_failure *failure; /* [lanes] */
} loop;

static const char *row(const loop *l, uint32_t i, int64_t t)
{
    return (const char *)l->in[i].data + (is_scanned(l->a, i) ? (size_t)t * l->p->row[i] : 0);
}

/* Whether `until` lets another step be taken. */
static bool goes_on(const loop *l, bool *on)
{
    *on = true;
    if (!l->p->until)
        return true;
    uint32_t n = 0;
    for (uint32_t i = 0; i < l->p->inputs; i++) {
        if (i < l->a->states)
            ks__inner_give(l->p->until, n++, l->state[i]);
        else if (!is_scanned(l->a, i))
            ks__inner_give(l->p->until, n++, l->in[i].data);
    }
    if (!ks__inner_step(l->p->until, 0, l->failure))
        return false;
    *on = *(const uint8_t *)ks__inner_result(l->p->until, 0) != 0;
    return true;
}

static void give_constants(const loop *l, ks__inner *lane)
{
    for (uint32_t i = (uint32_t)(l->a->states + l->a->scanned); i < l->p->inputs; i++)
        ks__inner_give(lane, i, l->in[i].data);
}

/* Step t in a lane: rows in, rows out. */
static bool take_step(const loop *l, int64_t lane, int64_t t)
{
    ks__inner *inner = l->p->lane[lane];
    for (uint32_t i = (uint32_t)l->a->states; i < l->a->states + l->a->scanned; i++)
        ks__inner_give(inner, i, row(l, i, t));
    for (uint32_t k = 0; k < l->p->stacked_count; k++)
        ks__inner_aim(inner, l->p->stacked[k].wanted,
                      (char *)l->call->out[l->p->stacked[k].result].data + (size_t)t * l->p->stacked[k].row);
    if (!ks__inner_step(inner, (uint64_t)t + 1, &l->failure[lane]))
        return false;
    for (uint32_t k = 0; k < l->p->stacked_count; k++)
        ks__inner_take(inner, l->p->stacked[k].wanted,
                       (char *)l->call->out[l->p->stacked[k].result].data + (size_t)t * l->p->stacked[k].row);
    return true;
}

/* The same with states, which move to the other buffer. */
static bool take_stateful(const loop *l, int64_t n, int64_t t)
{
    ks__inner *inner = l->p->lane[0];
    char *to = l->buffer[n & 1], *at = to;
    for (uint32_t k = 0; k < l->a->states; k++) {
        ks__inner_give(inner, k, l->state[k]);
        ks__inner_aim(inner, k, at);
        at += ROOM(l->p->row[k]);
    }
    if (!take_step(l, 0, t))
        return false;
    for (uint32_t k = 0; k < l->a->states; k++) {
        ks__inner_take(inner, k, to);
        l->state[k] = to;
        to += ROOM(l->p->row[k]);
    }
    return true;
}

/* Rows of steps that were not taken. */
static void clear_rows(const loop *l, int64_t from, int64_t to)
{
    for (uint32_t k = 0; from < to && k < l->p->stacked_count; k++) {
        size_t bytes = l->p->stacked[k].row;
        if (bytes)
            memset((char *)l->call->out[l->p->stacked[k].result].data + (size_t)from * bytes, 0, (size_t)(to - from) * bytes);
    }
}

static bool in_turn(const loop *l, int64_t steps)
{
    int64_t n = 0;
    bool on = true;
    for (; n < steps; n++) {
        if (!goes_on(l, &on))
            return false;
        if (!on)
            break;
        if (!take_stateful(l, n, l->a->reverse ? steps - 1 - n : n))
            return false;
    }
    if (l->a->strict && on && (!goes_on(l, &on) || on))
        return ks__fail(l->failure, KS_BAD_ARGUMENT, "the loop did not end within %lld steps: raise `most`, or look why '%s' stays true",
                        (long long)steps, l->a->until ? l->a->until->name : "?");
    for (uint32_t k = 0; k < l->a->states; k++) {
        if (l->call->out[k].data && l->p->row[k])
            memcpy(l->call->out[k].data, l->state[k], l->p->row[k]);
    }
    clear_rows(l, l->a->reverse ? 0 : n, l->a->reverse ? steps - n : steps);
    clear_rows(l, steps, l->p->steps);
    const ks_tensor *taken = &l->call->out[ks__scan_inside(l->a) - 1];
    if (taken->data)
        *(int64_t *)taken->data = n;
    return true;
}

/* The rows of a lane; those of different lanes have nothing to do with each other. */
static void lane_task(void *payload, int64_t lane)
{
    const loop *l = payload;
    int64_t from = l->p->steps * lane / l->p->lanes, to = l->p->steps * (lane + 1) / l->p->lanes;
    for (int64_t t = from; t < to; t++) {
        if (!take_step(l, lane, t))
            return;
    }
}

static bool apart(loop *l)
{
    if (l->p->warm && l->p->lanes > 1)
        l->call->parallel_for(l->call->parallel_user, l->p->lanes, lane_task, l);
    else
        for (int64_t i = 0; i < l->p->lanes; i++)
            lane_task(l, i);
    l->p->warm = true;
    const ks_tensor *taken = &l->call->out[ks__scan_inside(l->a) - 1];
    if (taken->data)
        *(int64_t *)taken->data = l->p->steps;
    for (int64_t i = 0; i < l->p->lanes; i++) {
        if (l->failure[i].code) {
            l->failure[0] = l->failure[i];
            return false;
        }
    }
    return true;
}

static bool count_steps(const loop *l, int64_t *steps)
{
    *steps = l->p->steps;
    if (!l->a->counted)
        return true;
    int64_t count = *(const int64_t *)l->call->in[0].data;
    if (count < 0 || count > *steps)
        return ks__fail(l->failure, KS_BAD_ARGUMENT, "%lld steps are asked for, but there are %lld", (long long)count, (long long)*steps);
    *steps = count;
    return true;
}

static void open(const loop *l)
{
    uint64_t stream = l->a->stream ? (uint64_t)l->a->stream : l->call->stream;
    char *at = l->call->scratch;
    for (int64_t i = 0; i < l->p->lanes; i++) {
        ks__inner_open(l->p->lane[i], l->call, stream, at, l->p->lanes > 1);
        give_constants(l, l->p->lane[i]);
        at += l->p->lane_bytes;
    }
    if (l->p->until)
        ks__inner_open(l->p->until, l->call, stream, at, false);
}

static bool scan_kernel(const ks_call *call, ks_failure *failure)
{
    const ks__scan_attrs *a = call->attrs;
    prepared *p = call->prepared;
    ks_failure failures[LANES];
    for (int i = 0; i < LANES; i++)
        ks__fail_nothing(&failures[i]);
    char *buffers = (char *)call->scratch + (size_t)p->lanes * p->lane_bytes + p->until_bytes;
    loop l = {.call = call, .a = a, .p = p, .in = call->in + first_of(a), .failure = failures};
    l.buffer[0] = buffers;
    l.buffer[1] = buffers + p->state_bytes / 2;
    l.state = (const char **)(void *)(buffers + p->state_bytes);
    for (uint32_t k = 0; k < a->states; k++)
        l.state[k] = l.in[k].data;
    open(&l);
    int64_t steps;
    bool good = count_steps(&l, &steps) && (p->lanes > 1 || (!a->states && !a->until && !a->counted) ? apart(&l) : in_turn(&l, steps));
    if (!good)
        ks__fail(failure, failures[0].code ? failures[0].code : KS_BAD_ARGUMENT, "%s", failures[0].message);
    return good;
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
    .formula = "states, y_t = body(states, x_t, constants) for each t",
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
    .kernel = scan_kernel,
    .scratch = scan_scratch,
    .derivative = "a scan of the body's vjp in the other direction",
    .onnx = "Scan",
    .example = scan_example,
    .results = scan_results,
    .pullbacks = ks__scan_pullbacks,
    .pushforwards = ks__scan_pushforwards,
    .prepare = prepare,
    .release = release,
};
