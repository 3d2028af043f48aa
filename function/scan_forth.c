/*
 * function/scan_forth.c - a scan in forward mode: tangents go along with the states.
 */
#include "function/scan.h"

/* Which parameters of the body have a tangent: all float states, and of the rest those that were given. */
static void find_given(const ks__scan_attrs *a, ks_node *const *tangents, bool *given)
{
    for (uint32_t i = 0; i < a->body->input_count; i++)
        given[i] = ks__scan_is_state(a, i) ? ks__is_float(a->body->inputs[i]) : tangents[ks__scan_first(a) + i] != NULL;
}

typedef struct forwards {
    ks_graph *g;
    ks_node *y;
    const ks__scan_attrs *a;
    bool *given;
    uint32_t *of; /* next float states, then the stacked result that is asked for */
    uint32_t floats, of_count;
    const ks__derived *jvp;
} forwards;

/* (states, tangents of states; rows, tangents of rows; constants, tangents of constants) -> (states, tangents; the tangent asked for). */
static bool compose_forward(ks__building *d, const forwards *w)
{
    ks_function *f = w->a->body, *j = w->jvp->function;
    uint32_t inputs = f->input_count;
    ks_node **body = ks__nodes_get(d->g, f), **made = ks__nodes_get(d->g, j);
    bool good = body && made;
    for (int kind = 0; good && kind < 3; kind++) { /* states, rows, constants: first the values, then their tangents */
        for (int tangent = 0; tangent < 2; tangent++) {
            uint32_t t = inputs;
            for (uint32_t i = 0; good && i < inputs; i++) {
                int is = ks__scan_is_state(w->a, i) ? 0 : ks__scan_is_row(w->a, i) ? 1 : 2;
                uint32_t own = tangent ? t : i;
                bool counts = is == kind && (!tangent || w->given[i]);
                t += w->given[i];
                if (!counts)
                    continue;
                ks_node *p = ks__body_parameter(d, j, j->inputs[own]);
                good = p != NULL;
                made[j->inputs[own]->id] = p;
                if (!tangent)
                    body[f->inputs[i]->id] = p;
            }
        }
    }
    good = good && ks__clone(d->g, f, body, true) && ks__clone(d->g, j, made, false);
    for (uint32_t k = 0; good && k < w->a->states; k++)
        good = ks__body_result(d, body[ks__function_output(f, k)->id]);
    for (uint32_t k = 0; good && k < w->of_count; k++)
        good = ks__body_result(d, made[ks__function_output(j, k)->id]);
    if (body)
        ks__nodes_put(d->g, f, body);
    if (made)
        ks__nodes_put(d->g, j, made);
    return good;
}

static ks_function *forward_body(const forwards *w)
{
    ks_function *j = w->jvp->function;
    uint64_t key = 4 | (uint64_t)w->floats << 8 | (uint64_t)w->a->states << 24 | (uint64_t)w->a->scanned << 44;
    const ks__derived *known = ks__derived_find(j, &key, 1);
    if (known)
        return known->function;
    ks__building d;
    bool good = ks__body_open(&d, w->a->body, j) && compose_forward(&d, w);
    ks_function *made = ks__body_close(w->g, &d, j, "forth", good);
    known = made ? ks__derived_keep(j, &key, 1, made, NULL, 0) : NULL;
    if (made && !known)
        ks__refuse(w->g, KS_NO_MEMORY, KS__NOWHERE, "the derivative of '%s': no memory to keep it", w->a->body->name);
    return known ? known->function : NULL;
}

static uint32_t forward_arguments(const forwards *w, ks_node *const *tangents, ks__scan_attrs *attrs, ks_node **arguments)
{
    const ks__scan_attrs *a = w->a;
    uint32_t n = 0;
    if (attrs->counted)
        arguments[n++] = ks_result_at(ks_node_place(w->y), w->y, ks__scan_inside(a) - 1);
    for (int kind = 0; kind < 3; kind++) {
        uint32_t start = n;
        for (int tangent = 0; tangent < 2; tangent++) {
            for (uint32_t i = 0; i < a->body->input_count; i++) {
                int is = ks__scan_is_state(a, i) ? 0 : ks__scan_is_row(a, i) ? 1 : 2;
                if (is != kind || (tangent && !w->given[i]))
                    continue;
                ks_node *value = ks__in(w->y, (int)(ks__scan_first(a) + i)), *t = tangents[ks__scan_first(a) + i];
                arguments[n++] = !tangent ? value : t ? t : ks__filled_like(ks_node_place(w->y), value, 0);
            }
        }
        if (kind == 0)
            attrs->states = n - start;
        else if (kind == 1)
            attrs->scanned = n - start;
    }
    return n;
}

static ks_node *run_forward(forwards *w, ks_node *const *tangents, int64_t r)
{
    const ks__scan_attrs *a = w->a;
    int64_t at = r; /* which result of the forward scan is asked for */
    find_given(a, tangents, w->given);
    for (uint32_t k = 0; k < a->states; k++) {
        if (k == r)
            at = a->states + w->floats;
        if (ks__is_float(a->body->inputs[k]))
            w->of[w->floats++] = ks__scan_node(a, k)->id;
    }
    w->of_count = w->floats;
    if (r >= a->states) {
        at = a->states + w->floats;
        w->of[w->of_count++] = ks__scan_node(a, r)->id;
    }
    w->jvp = ks__function_jvp(w->g, a->body, w->given, w->of, w->of_count);
    ks_function *body = w->jvp ? forward_body(w) : NULL;
    size_t bytes = (2 * a->body->input_count + 2) * sizeof(ks_node *);
    ks_node **arguments = body && ks__function_keep(w->g, body) ? ks__get(w->g, bytes) : NULL, *head = NULL;
    if (arguments) {
        ks__scan_attrs attrs = {.body = body,
                                .length = a->length,
                                .reverse = a->reverse,
                                .counted = a->until || a->counted,
                                .recompute = a->recompute,
                                .stream = ks__body_stream(w->y, a->stream)};
        uint32_t n = forward_arguments(w, tangents, &attrs, arguments);
        head = ks__compose(ks_node_place(w->y), w->g, &ks__op_scan, arguments, n, &attrs);
        ks__put(w->g, arguments, bytes);
    }
    return ks_result_at(ks_node_place(w->y), head, at);
}

ks_node *ks__scan_pushforwards(ks_node *y, ks_node *const *tangents, int64_t result)
{
    const ks__scan_attrs *a = y->data.attrs;
    ks_graph *g = y->graph;
    size_t given = a->body->input_count + 1, of = ((size_t)a->states + 2) * sizeof(uint32_t);
    forwards w = {.g = g, .y = y, .a = a, .given = ks__get(g, given), .of = ks__get(g, of)};
    ks_node *out = w.given && w.of ? run_forward(&w, tangents, result) : NULL;
    ks__put(g, w.given, w.given ? given : 0);
    ks__put(g, w.of, w.of ? of : 0);
    return out;
}
