/*
 * function/scan_back.c - a scan in reverse: a scan in the other direction, whose body is made from the body's derivative.
 *
 * A step takes what has arrived at its states, adds what arrives at its rows, and hands back what arrives at the states before it; what
 * arrives at constants is added up over the steps. So the states of the backward scan are the upstreams of the states and one sum for each
 * wanted constant; what it scans are the rows that the body's derivative reads. A weight's derivative, a product of two matrices in every
 * step, is not added up: the matrices are stacked, and one tall product after the loop does it all.
 */
#include "function/scan.h"

/* What the backward scan of one set of arrivals looks like. All arrays lie in one block. */
typedef struct backward {
    ks_graph *g;
    ks_node *y;
    const ks__scan_attrs *a;
    const ks_arrival *arrivals;
    uint32_t count;
    const bool *wanted; /* [inputs of y] */
    uint32_t *from;     /* [froms] nodes of the body where an upstream arrives: float states first */
    uint32_t froms, floats;
    bool *derive; /* [inputs of the body] whose derivative a step gives */
    const ks__derived *vjp;
    ks_node **product; /* [inputs of the body] the vjp's product that is taken after the loop; NULL: none */
    bool *used;        /* [inputs of vjp->function] */
    ks_node **arguments;
    size_t bytes;
} backward;

static void plan_backward(backward *b)
{
    const ks__scan_attrs *a = b->a;
    for (uint32_t k = 0; k < a->states; k++) {
        if (ks__is_float(a->body->inputs[k]))
            b->from[b->froms++] = ks__scan_node(a, k)->id;
    }
    b->floats = b->froms;
    for (uint32_t k = 0; k < b->count; k++) {
        if (b->arrivals[k].result >= a->states)
            b->from[b->froms++] = ks__scan_node(a, b->arrivals[k].result)->id;
    }
    for (uint32_t i = 0; i < a->body->input_count; i++)
        b->derive[i] = ks__scan_is_state(a, i) ? ks__is_float(a->body->inputs[i]) : b->wanted[ks__scan_first(a) + i];
}

/* Whether a node of the function reads the parameter. */
static bool reads(const ks_function *f, const ks_node *input)
{
    for (uint32_t i = 0; i < f->graph->count; i++) {
        const ks_node *node = ks__stack_at(&f->graph->nodes, i);
        for (uint32_t k = 0; k < node->n; k++) {
            if (ks__inputs(node)[k] == input)
                return true;
        }
    }
    for (uint32_t k = 0; k < ks__function_outputs(f); k++) {
        if (ks__function_output(f, k) == input)
            return true;
    }
    return false;
}

/* Something must be scanned if no length is given. */
static void find_used(backward *b)
{
    const ks_function *v = b->vjp->function;
    for (uint32_t i = 0; i < v->input_count; i++)
        b->used[i] = reads(v, v->inputs[i]);
    if (b->a->scanned)
        b->used[b->vjp->found_count + b->a->states] = true;
}

static bool stands_as_row(const backward *b, uint32_t i);

/* Which parameter of the vjp the node is; their number if it is none. */
static uint32_t parameter_of(const ks_function *v, const ks_node *node)
{
    uint32_t i = 0;
    while (i < v->input_count && v->inputs[i] != node)
        i++;
    return i;
}

/* Whether the node differs from step to step: made in the step, or a row. */
static bool varies(const backward *b, const ks_node *node)
{
    uint32_t i = parameter_of(b->vjp->function, node), inputs = b->vjp->found_count + b->a->body->input_count;
    return i == b->vjp->function->input_count ? !(node->op->flags & KS_OP_LEAF)
                                              : stands_as_row(b, i) && !(i >= inputs && i < inputs + b->floats);
}

static bool is_sum(const backward *b, uint32_t i)
{
    return b->derive[i] && !ks__scan_is_state(b->a, i) && !ks__scan_is_row(b->a, i);
}

static void find_products(backward *b)
{
    uint32_t at = 0;
    for (uint32_t i = 0; i < b->a->body->input_count; i++) {
        ks_node *node = b->derive[i] ? ks__function_output(b->vjp->function, at++) : NULL;
        bool product = is_sum(b, i) && ks__is_rows_product(node) && varies(b, ks__in(node, 0)) && varies(b, ks__in(node, 1));
        b->product[i] = product ? node : NULL;
    }
}

/* The parameters of the vjp, class by class: what of the backward body's parameters each is. */
static bool stands_as_row(const backward *b, uint32_t i)
{
    uint32_t kept = b->vjp->found_count, inputs = b->a->body->input_count;
    if (i < kept)
        return true; /* kept from the forward pass, stacked */
    if (i < kept + inputs)
        return ks__scan_is_state(b->a, i - kept) || ks__scan_is_row(b->a, i - kept); /* the states before each step, too */
    return i >= kept + inputs + b->floats;                                           /* what arrives at stacked results */
}

static bool compose_backward(ks__building *d, const backward *b)
{
    const ks_function *v = b->vjp->function;
    uint32_t kept = b->vjp->found_count, inputs = b->a->body->input_count, sums = 0;
    ks_node **made = ks__nodes_get(d->g, v), **sum = ks__get(d->g, (inputs + 1) * sizeof *sum);
    bool good = made && sum;
    for (uint32_t i = 0; good && i < b->floats; i++) /* states: upstreams of states */
        good = (made[v->inputs[kept + inputs + i]->id] = ks__body_parameter(d, v, v->inputs[kept + inputs + i])) != NULL;
    for (uint32_t i = 0; good && i < inputs; i++) { /* states: sums for constants */
        if (is_sum(b, i) && !b->product[i])
            good = (sum[sums++] = ks__body_parameter(d, v, v->inputs[kept + i])) != NULL;
    }
    for (int rows = 1; rows >= 0; rows--) { /* what is scanned, then constants */
        for (uint32_t i = 0; good && i < v->input_count; i++) {
            bool upstream = i >= kept + inputs && i < kept + inputs + b->floats;
            if (!upstream && b->used[i] && stands_as_row(b, i) == (rows == 1))
                good = (made[v->inputs[i]->id] = ks__body_parameter(d, v, v->inputs[i])) != NULL;
        }
    }
    ks_node *nothing = good ? ks_number(d->g, 0) : NULL;
    for (uint32_t i = 0; good && i < v->input_count; i++) {
        if (!made[v->inputs[i]->id])
            made[v->inputs[i]->id] = nothing; /* nobody reads it */
    }
    good = good && nothing && ks__clone(d->g, v, made, true);
    /* Results of the vjp stand in the order of the body's parameters: states, rows, constants. */
    uint32_t at = 0, constants = 0;
    for (uint32_t i = 0; good && i < inputs; i++) {
        if (b->derive[i] && ks__scan_is_state(b->a, i))
            good = ks__body_result(d, made[ks__function_output(v, at++)->id]);
        else
            at += b->derive[i];
    }
    at = 0;
    for (uint32_t i = 0; good && i < inputs; i++) {
        if (is_sum(b, i) && !b->product[i])
            good = ks__body_result(d, ks_add(sum[constants++], made[ks__function_output(v, at)->id]));
        at += b->derive[i];
    }
    at = 0;
    for (uint32_t i = 0; good && i < inputs; i++) {
        if (b->derive[i] && ks__scan_is_row(b->a, i))
            good = ks__body_result(d, made[ks__function_output(v, at)->id]);
        at += b->derive[i];
    }
    for (uint32_t i = 0; good && i < inputs; i++) {
        for (int side = 0; good && b->product[i] && side < 2; side++) {
            const ks_node *operand = ks__in(b->product[i], side);
            good = parameter_of(v, operand) < v->input_count || ks__body_result(d, made[operand->id]); /* a row is there already */
        }
    }
    if (made)
        ks__nodes_put(d->g, v, made);
    ks__put(d->g, sum, sum ? (inputs + 1) * sizeof *sum : 0);
    return good;
}

/* The body of the backward scan, made once for each vjp. */
static ks_function *backward_body(const backward *b)
{
    ks_function *v = b->vjp->function;
    uint64_t key = 3 | (uint64_t)b->floats << 8 | (uint64_t)b->a->states << 24 | (uint64_t)b->a->scanned << 44;
    const ks__derived *known = ks__derived_find(v, &key, 1);
    if (known)
        return known->function;
    ks__building d;
    bool good = ks__body_open(&d, b->a->body, v) && compose_backward(&d, b);
    ks_function *made = ks__body_close(b->g, &d, v, "back", good);
    known = made ? ks__derived_keep(v, &key, 1, made, NULL, 0) : NULL;
    if (made && !known)
        ks__refuse(b->g, KS_NO_MEMORY, KS__NOWHERE, "the derivative of '%s': no memory to keep it", b->a->body->name);
    return known ? known->function : NULL;
}

static ks_node *inside(const backward *b, uint32_t id)
{
    return ks_result_at(ks_node_place(b->y), b->y, ks__scan_inside(b->a) + id);
}

static ks_node *arrived_at_state(const backward *b, uint32_t state)
{
    for (uint32_t k = 0; k < b->count; k++) {
        if (b->arrivals[k].result == state)
            return b->arrivals[k].upstream;
    }
    return ks__filled_like(ks_node_place(b->y), ks__in(b->y, (int)(ks__scan_first(b->a) + state)), 0);
}

static ks_node *arrived_at_rows(const backward *b, uint32_t n)
{
    for (uint32_t k = 0; k < b->count; k++) {
        if (b->arrivals[k].result >= b->a->states && n-- == 0)
            return b->arrivals[k].upstream;
    }
    return NULL;
}

/* The argument for parameter i of the vjp. */
static ks_node *argument(const backward *b, uint32_t i)
{
    uint32_t kept = b->vjp->found_count, inputs = b->a->body->input_count;
    if (i < kept)
        return inside(b, b->vjp->found[i]);
    if (i < kept + inputs)
        return ks__scan_is_state(b->a, i - kept) ? inside(b, b->a->body->inputs[i - kept]->id)
                                                 : ks__in(b->y, (int)(ks__scan_first(b->a) + i - kept));
    return arrived_at_rows(b, i - kept - inputs - b->floats);
}

static uint32_t fill_arguments(const backward *b, ks__scan_attrs *attrs)
{
    const ks__scan_attrs *a = b->a;
    ks_place at = ks_node_place(b->y);
    uint32_t n = 0, kept = b->vjp->found_count, inputs = a->body->input_count;
    if (attrs->counted)
        b->arguments[n++] = ks_result_at(at, b->y, ks__scan_inside(a) - 1);
    for (uint32_t k = 0; k < a->states; k++) {
        if (ks__is_float(a->body->inputs[k]))
            b->arguments[n++] = arrived_at_state(b, k);
    }
    for (uint32_t i = 0; i < inputs; i++) {
        if (is_sum(b, i) && !b->product[i])
            b->arguments[n++] = ks__filled_like(at, ks__in(b->y, (int)(ks__scan_first(a) + i)), 0);
    }
    attrs->states = n - ks__scan_first(attrs);
    for (int rows = 1; rows >= 0; rows--) {
        for (uint32_t i = 0; i < b->vjp->function->input_count; i++) {
            bool upstream = i >= kept + inputs && i < kept + inputs + b->floats;
            if (!upstream && b->used[i] && stands_as_row(b, i) == (rows == 1))
                b->arguments[n++] = argument(b, i);
        }
        if (rows)
            attrs->scanned = n - ks__scan_first(attrs) - attrs->states;
    }
    return n;
}

/* The tall products of what was stacked; r: the first result that is. */
static bool hand_out_products(const backward *b, ks_node *head, int64_t r, ks_node **out)
{
    const ks_function *v = b->vjp->function;
    ks_place at = ks_node_place(b->y);
    for (uint32_t i = 0; i < b->a->body->input_count; i++) {
        ks_node *rows[2];
        for (int side = 0; b->product[i] && side < 2; side++) {
            uint32_t own = parameter_of(v, ks__in(b->product[i], side));
            rows[side] = own < v->input_count ? argument(b, own) : ks_result_at(at, head, r++);
        }
        if (b->product[i] && !(out[ks__scan_first(b->a) + i] = ks__rows_product(at, rows[0], rows[1])))
            return false;
    }
    return true;
}

/* The results of the backward scan, to where they belong. */
static bool hand_out(const backward *b, ks_node *head, ks_node **out)
{
    const ks__scan_attrs *a = b->a;
    ks_place at = ks_node_place(b->y);
    int64_t r = 0;
    for (int kind = 0; kind < 3; kind++) { /* states, constants, rows */
        for (uint32_t i = 0; i < a->body->input_count; i++) {
            int is = ks__scan_is_state(a, i) ? 0 : ks__scan_is_row(a, i) ? 2 : 1;
            if (!b->derive[i] || is != kind || b->product[i])
                continue;
            if (b->wanted[ks__scan_first(a) + i] && !(out[ks__scan_first(a) + i] = ks_result_at(at, head, r)))
                return false;
            r++;
        }
    }
    return hand_out_products(b, head, r, out);
}

static bool run_backward(backward *b, ks_node **out)
{
    const ks__scan_attrs *a = b->a;
    plan_backward(b);
    b->vjp = ks__function_vjp(b->g, a->body,
                              &(ks__vjp_spec){.from = b->from, .from_count = b->froms, .wanted = b->derive, .recompute = a->recompute});
    if (!b->vjp)
        return false;
    uint32_t n = b->vjp->function->input_count, inputs = a->body->input_count;
    size_t used = (n + 1) * sizeof *b->used, arguments = (n + 2 * inputs + 2) * sizeof *b->arguments;
    size_t products = (inputs + 1) * sizeof *b->product;
    b->product = ks__get(b->g, products);
    b->used = ks__get(b->g, used);
    b->arguments = ks__get(b->g, arguments);
    bool good = b->used && b->arguments && b->product;
    if (good) {
        find_used(b);
        find_products(b);
        ks_function *body = backward_body(b);
        good = body && ks__function_keep(b->g, body);
        ks__scan_attrs attrs = {.body = body,
                                .length = a->length,
                                .reverse = !a->reverse,
                                .counted = a->until || a->counted,
                                .recompute = a->recompute,
                                .stream = ks__body_stream(b->y, a->stream)};
        uint32_t count = good ? fill_arguments(b, &attrs) : 0;
        ks_node *head = good ? ks__compose(ks_node_place(b->y), b->g, &ks__op_scan, b->arguments, count, &attrs) : NULL;
        good = head && hand_out(b, head, out);
    }
    ks__put(b->g, b->product, b->product ? products : 0);
    ks__put(b->g, b->used, b->used ? used : 0);
    ks__put(b->g, b->arguments, b->arguments ? arguments : 0);
    return good;
}

bool ks__scan_pullbacks(ks_node *y, const ks_arrival *arrivals, int count, const bool *wanted, ks_node **out)
{
    const ks__scan_attrs *a = y->data.attrs;
    ks_graph *g = y->graph;
    backward b = {.g = g, .y = y, .a = a, .arrivals = arrivals, .count = (uint32_t)count, .wanted = wanted};
    size_t from = ((size_t)a->states + (size_t)count + 1) * sizeof *b.from, derive = a->body->input_count + 1;
    b.from = ks__get(g, from);
    b.derive = ks__get(g, derive);
    bool good = b.from && b.derive && run_backward(&b, out);
    ks__put(g, b.from, b.from ? from : 0);
    ks__put(g, b.derive, b.derive ? derive : 0);
    return good;
}
