/*
 * function/scan_run.c - runs a scan: private copies of the body, and steps in turn or rows side by side.
 *
 * States go from step to step through two buffers in turn. Rows without states have nothing to do with each other: they are shared out to
 * several copies of the body, each with a workspace of its own.
 */
#include "function/scan.h"

#define LANES       8 /* rows without states are shared out to so many copies of the body */
#define ROOM(bytes) (((size_t)(bytes) + 127u) & ~(size_t)63u)

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

void ks__scan_release(void *memory)
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
    const ks_tensor *in = m->call->in + ks__scan_first(a);
    m->p->steps = a->length;
    for (uint32_t i = 0; i < m->p->inputs; i++) {
        m->arguments[i] = in[i];
        if (ks__scan_is_row(a, i)) {
            m->p->steps = in[i].shape->dim[0];
            m->rows[i] = ks__row_of(in[i].shape);
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
        m->wanted[m->wanted_count++] = ks__scan_node(a, k)->id;
    int64_t results = ks__scan_results(a);
    for (int64_t r = a->states; r < results; r++) {
        if (!m->call->out[r].shape || r == ks__scan_inside(a) - 1)
            continue;
        m->p->stacked[m->p->stacked_count++] = (stacked){.wanted = m->wanted_count, .result = r};
        m->wanted[m->wanted_count++] = ks__scan_node(a, r)->id;
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
        if (!ks__scan_is_row(a, i))
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

void *ks__scan_prepare(const ks_call *call, ks_failure *failure)
{
    const ks__scan_attrs *a = call->attrs;
    ks_graph *g = call->graph;
    uint32_t inputs = a->body->input_count;
    size_t results = (size_t)ks__scan_results(a) + 1, count = 0;
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
    ks__scan_release(p);
    return NULL;
}

size_t ks__scan_scratch(const ks_call *call)
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
    return (const char *)l->in[i].data + (ks__scan_is_row(l->a, i) ? (size_t)t * l->p->row[i] : 0);
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
        else if (!ks__scan_is_row(l->a, i))
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

bool ks__scan_kernel(const ks_call *call, ks_failure *failure)
{
    const ks__scan_attrs *a = call->attrs;
    prepared *p = call->prepared;
    ks_failure failures[LANES];
    for (int i = 0; i < LANES; i++)
        ks__fail_nothing(&failures[i]);
    char *buffers = (char *)call->scratch + (size_t)p->lanes * p->lane_bytes + p->until_bytes;
    loop l = {.call = call, .a = a, .p = p, .in = call->in + ks__scan_first(a), .failure = failures};
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
