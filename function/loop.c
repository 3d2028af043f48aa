/*
 * function/loop.c - the builders of loops, and functions run on numbers from outside any graph.
 */
#include "function/scan.h"

#include <stdio.h>

/* ---- scan ---------------------------------------------------------------------------------------------- */

static bool place_scan(ks_place at, ks_graph *g, const ks__scan_attrs *attrs, ks_node *const *arguments, uint32_t n, ks_node **out)
{
    if (!ks__function_keep(g, attrs->body) || (attrs->until && !ks__function_keep(g, attrs->until)))
        return false;
    ks_node *head = ks__compose(at, g, &ks__op_scan, arguments, n, attrs);
    for (uint32_t k = 0; k < ks__function_outputs(attrs->body); k++) {
        if (!(out[k] = ks_result_at(at, head, k)))
            return false;
    }
    return true;
}

/* The number of rows of what is scanned, if it is known. */
static int64_t known_rows(const ks_scan_options *o, ks_node *const *arguments)
{
    for (int i = o->states; i < o->states + o->scanned; i++) {
        if (ks__rank(arguments[i]) && arguments[i]->dims->shape.dim[0] >= 0)
            return arguments[i]->dims->shape.dim[0];
    }
    return o->length;
}

/* A function of `rows` steps at once: it takes and gives whole tensors of so many rows. */
static ks_function *segment_of(ks_graph *g, ks_function *body, const ks_scan_options *o, int64_t rows)
{
    char name[128];
    ks_graph *into = ks__graph_beside(body->graph);
    size_t symbols_bytes = (body->graph->symbol_count + 1) * sizeof(int64_t);
    int64_t *symbols = into ? ks__get(into, symbols_bytes) : NULL;
    size_t room = (body->input_count + ks__function_outputs(body) + 1) * sizeof(ks_node *);
    ks_node **nodes = into ? ks__get(into, room) : NULL;
    bool good = symbols && nodes;
    if (good)
        memset(symbols, 0, symbols_bytes);
    for (uint32_t i = 0; good && i < body->input_count; i++) {
        const ks_node *input = body->inputs[i];
        ks_shape shape = ks__shape_in(into, body->graph, input->dims->shape, symbols);
        if ((int)i >= o->states && (int)i < o->states + o->scanned) {
            memmove(&shape.dim[1], &shape.dim[0], sizeof shape.dim - sizeof shape.dim[0]);
            shape.dim[0] = rows;
            shape.rank++;
        }
        good = shape.rank <= KS_MAX_RANK && (nodes[i] = ks_input(into, ks_name(input), (ks_dtype)input->dtype, shape));
    }
    ks_node **out = nodes + body->input_count;
    ks__scan_attrs attrs = {.body = body,
                            .states = o->states,
                            .scanned = o->scanned,
                            .length = o->scanned ? 0 : rows,
                            .reverse = o->reverse,
                            .recompute = o->recompute};
    good = good && place_scan(KS__NOWHERE, into, &attrs, nodes, body->input_count, out);
    for (uint32_t k = 0; good && k < ks__function_outputs(body); k++) {
        snprintf(name, sizeof name, "result_%u", k);
        good = ks_output(into, name, out[k]) != NULL;
    }
    snprintf(name, sizeof name, "%.100s.segment", body->name);
    ks_function *made = good ? ks_function_new(name, into) : NULL;
    if (into) {
        ks__put(into, symbols, symbols ? symbols_bytes : 0);
        ks__put(into, nodes, nodes ? room : 0);
    }
    if (!made) {
        ks__refuse(g, into && into->failure.code ? into->failure.code : KS_NO_MEMORY, KS__NOWHERE, "scan: a segment of '%s': %s",
                   body->name, into && into->failure.code ? into->failure.message : "no memory");
        ks_graph_free(into);
    }
    return made;
}

typedef struct segments {
    ks_place at;
    ks_graph *g;
    ks_function *body;
    const ks_scan_options *o;
    int64_t rows, whole, rest; /* of a segment; segments; steps left over */
    ks_node **part;            /* [inputs] arguments of the scan at work */
    ks_node **first, **second; /* [outputs] of the segments, of what is left over */
} segments;

static ks_shape split_shape(const ks_node *x, int64_t whole, int64_t rows)
{
    ks_shape shape = {.rank = ks__rank(x) + 1, .dim = {whole, rows}};
    for (int d = 1; d < ks__rank(x); d++)
        shape.dim[d + 1] = x->dims->shape.dim[d];
    return shape;
}

/* [whole, rows, ...] -> [whole * rows, ...]. */
static ks_node *joined(ks_place at, ks_node *x, int64_t rows)
{
    if (!x || ks__rank(x) < 2)
        return NULL;
    ks_shape shape = {.rank = ks__rank(x) - 1, .dim = {rows}};
    for (int d = 2; d < ks__rank(x); d++)
        shape.dim[d - 1] = x->dims->shape.dim[d];
    return ks_reshape_at(at, x, shape);
}

static bool run_segments(segments *s, ks_node *const *arguments, ks_node **out)
{
    ks_function *segment = segment_of(s->g, s->body, s->o, s->rows);
    int64_t covered = s->whole * s->rows;
    bool good = segment != NULL;
    for (uint32_t i = 0; good && i < s->body->input_count; i++) {
        s->part[i] = arguments[i];
        if ((int)i < s->o->states || (int)i >= s->o->states + s->o->scanned)
            continue;
        ks_node *rows = s->rest ? ks_slice_at(s->at, arguments[i], 0, 0, covered) : arguments[i];
        s->part[i] = rows ? ks_reshape_at(s->at, rows, split_shape(rows, s->whole, s->rows)) : NULL;
        good = s->part[i] != NULL;
    }
    ks__scan_attrs attrs = {.body = segment,
                            .states = s->o->states,
                            .scanned = s->o->scanned,
                            .length = s->o->scanned ? 0 : s->whole,
                            .reverse = s->o->reverse,
                            .recompute = true};
    good = good && place_scan(s->at, s->g, &attrs, s->part, s->body->input_count, out);
    for (uint32_t k = (uint32_t)s->o->states; good && k < ks__function_outputs(s->body); k++)
        good = (out[k] = joined(s->at, out[k], covered)) != NULL;
    ks_function_free(segment);
    return good;
}

static bool run_rest(segments *s, ks_node *const *arguments, ks_node **out)
{
    for (uint32_t i = 0; i < s->body->input_count; i++) {
        bool row = (int)i >= s->o->states && (int)i < s->o->states + s->o->scanned;
        s->part[i] = row ? ks_slice_at(s->at, arguments[i], 0, s->whole * s->rows, INT64_MAX) : arguments[i];
    }
    ks__scan_attrs attrs = {.body = s->body,
                            .states = s->o->states,
                            .scanned = s->o->scanned,
                            .length = s->o->scanned ? 0 : s->rest,
                            .reverse = s->o->reverse,
                            .recompute = s->o->recompute};
    return place_scan(s->at, s->g, &attrs, s->part, s->body->input_count, out);
}

/* Segments, and what is left over at the end; a reversed scan begins with the latter. The states go from the one to the other. */
static bool in_segments(segments *s, ks_node **arguments, ks_node **out)
{
    uint32_t states = (uint32_t)s->o->states, outputs = ks__function_outputs(s->body);
    bool rest_first = s->o->reverse;
    for (int turn = 0; turn < 2; turn++) {
        bool rest = (turn == 0) == rest_first;
        if (rest && !s->rest)
            continue;
        ks_node **to = rest ? s->second : s->first;
        if (!(rest ? run_rest(s, arguments, to) : run_segments(s, arguments, to)))
            return false;
        memcpy(arguments, to, states * sizeof *arguments);
        memcpy(out, to, states * sizeof *out);
    }
    for (uint32_t k = states; k < outputs; k++) {
        ks_node *both[] = {s->first[k], s->second[k]};
        out[k] = s->rest ? ks_concat_at(s->at, both, 2, 0) : s->first[k];
        if (!out[k])
            return false;
    }
    return true;
}

static bool scan_in_segments(ks_place at, ks_graph *g, ks_function *body, ks_node *const *arguments, const ks_scan_options *o,
                             ks_node **out)
{
    int64_t steps = known_rows(o, arguments);
    if (o->until)
        return ks__refuse(g, KS_BAD_ARGUMENT, at, "scan: segments need a number of steps that is known: leave out `until`");
    if (steps <= 0)
        return ks__refuse(g, KS_BAD_ARGUMENT, at,
                          "scan: segments need a number of steps that is known while composing: give `length`, or fixed rows");
    segments s = {.at = at, .g = g, .body = body, .o = o, .rows = o->segment, .whole = steps / o->segment, .rest = steps % o->segment};
    size_t room = (2 * body->input_count + 2 * ks__function_outputs(body) + 1) * sizeof(ks_node *);
    ks_node **memory = ks__get(g, room);
    if (!memory)
        return false;
    s.part = memory;
    s.first = memory + 2 * body->input_count;
    s.second = s.first + ks__function_outputs(body);
    ks_node **own = memory + body->input_count;
    memcpy(own, arguments, body->input_count * sizeof *own);
    bool good = in_segments(&s, own, out);
    ks__put(g, memory, room);
    return good;
}

bool ks_scan_at(ks_place at, ks_function *body, ks_node *const *arguments, const ks_scan_options *options, ks_node **out)
{
    ks_scan_options o = {.size = sizeof o};
    if (options)
        memcpy(&o, options, options->size < sizeof o ? options->size : sizeof o);
    ks_graph *g = out ? ks__arguments_graph(at, body, arguments) : NULL;
    if (!g)
        return false;
    if (o.states < 0 || o.scanned < 0 || o.states + o.scanned > (int)body->input_count || o.length < 0)
        return ks__refuse(g, KS_BAD_ARGUMENT, at, "scan: %d states and %d scanned arguments, but '%s' takes %u", o.states, o.scanned,
                          body->name, body->input_count);
    int64_t steps = known_rows(&o, arguments);
    if (o.segment > 1 && !(steps > 0 && steps <= o.segment))
        return scan_in_segments(at, g, body, arguments, &o, out);
    ks__scan_attrs attrs = {.body = body,
                            .until = o.until,
                            .states = o.states,
                            .scanned = o.scanned,
                            .length = o.length,
                            .reverse = o.reverse,
                            .recompute = o.recompute};
    return place_scan(at, g, &attrs, arguments, body->input_count, out);
}

/* ---- while --------------------------------------------------------------------------------------------- */

bool ks_while_at(ks_place at, ks_function *condition, ks_function *body, ks_node *const *arguments, int states, int64_t most, ks_node **out,
                 ks_node **count)
{
    ks_graph *g = out && condition ? ks__arguments_graph(at, body, arguments) : NULL;
    if (!g)
        return false;
    if (states < 1 || states != (int)ks__function_outputs(body) || most < 1)
        return ks__refuse(g, KS_BAD_ARGUMENT, at, "while: '%s' gives %u results, which must be the %d states, and `most` must be 1 or more",
                          body->name, ks__function_outputs(body), states);
    ks__scan_attrs attrs = {.body = body, .until = condition, .states = states, .length = most, .strict = true};
    if (!place_scan(at, g, &attrs, arguments, body->input_count, out))
        return false;
    return !count || (*count = ks_result_at(at, out[0], ks__scan_inside(&attrs) - 1));
}

/* ---- programs ------------------------------------------------------------------------------------------ */

struct ks_program {
    ks_graph *host;
    ks_function *function;
    ks__inner *inner;
    ks_tensor *inputs; /* [inputs] as they were last time: their shapes */
    ks_shape *shapes;  /* [inputs] */
    uint32_t *wanted;  /* [outputs] */
    size_t *large;     /* [outputs] where a large result's place begins */
    char *workspace;
    size_t bytes;
    uint64_t step;
};

static size_t aligned(size_t bytes)
{
    return (bytes + 127) & ~(size_t)63;
}

void ks_program_free(ks_program *program)
{
    if (!program)
        return;
    ks_graph *g = program->host;
    ks__inner_free(program->inner);
    ks_function_free(program->function);
    ks__put(g, program->workspace, program->bytes);
    ks_graph_free(g); /* the rest lies in it */
}

ks_program *ks_program_new(ks_function *function, const ks_graph_options *options)
{
    ks_graph_options own = KS_GRAPH_OPTIONS_DEFAULT;
    own.threads = 1;
    ks_graph *g = function ? ks_graph_new(options ? options : &own) : NULL;
    if (!g)
        return NULL;
    ks_program *p = ks__engine_of(g) ? ks__small(g, sizeof *p) : NULL;
    if (p) {
        *p = (ks_program){.host = g, .function = ks_function_retain(function)};
        p->inputs = ks__small(g, (function->input_count + 1) * sizeof *p->inputs);
        p->shapes = ks__small(g, (function->input_count + 1) * sizeof *p->shapes);
        p->wanted = ks__small(g, (ks__function_outputs(function) + 1) * sizeof *p->wanted);
        p->large = ks__small(g, (ks__function_outputs(function) + 1) * sizeof *p->large);
    }
    if (!p || !p->inputs || !p->shapes || !p->wanted || !p->large) {
        if (p)
            ks_function_free(function);
        ks_graph_free(g);
        return NULL;
    }
    for (uint32_t k = 0; k < ks__function_outputs(function); k++)
        p->wanted[k] = ks__function_output(function, k)->id;
    return p;
}

const ks_failure *ks_program_error(const ks_program *program)
{
    return program ? ks_error(program->host) : NULL;
}

static bool same_shapes(const ks_program *p, const ks_tensor *inputs)
{
    for (uint32_t i = 0; i < p->function->input_count; i++) {
        if (!ks__shape_equal(inputs[i].shape, &p->shapes[i]))
            return false;
    }
    return p->inner != NULL;
}

static bool make_ready(ks_program *p, const ks_tensor *inputs)
{
    ks_failure failure;
    ks__fail_nothing(&failure);
    ks__inner_free(p->inner);
    p->inner = NULL;
    for (uint32_t i = 0; i < p->function->input_count; i++) {
        p->shapes[i] = *inputs[i].shape;
        p->inputs[i] =
            (ks_tensor){.shape = &p->shapes[i], .count = ks_shape_count(p->shapes[i]), .dtype = (ks_dtype)p->function->inputs[i]->dtype};
    }
    p->inner = ks__inner_new(p->host, p->function, p->inputs, p->wanted, ks__function_outputs(p->function), false, &failure);
    if (!p->inner)
        return ks__refuse(p->host, failure.code ? failure.code : KS_NO_MEMORY, KS__NOWHERE, "%s", failure.message);
    size_t bytes = aligned(ks__inner_bytes(p->inner));
    for (uint32_t k = 0; k < ks__function_outputs(p->function); k++) {
        p->large[k] = bytes;
        bytes += aligned(ks__inner_result_bytes(p->inner, k));
    }
    ks__put(p->host, p->workspace, p->bytes);
    p->workspace = ks__get(p->host, bytes);
    p->bytes = p->workspace ? bytes : 0;
    if (!p->workspace) {
        ks__inner_free(p->inner);
        p->inner = NULL;
        return false;
    }
    memset(p->workspace, 0, bytes);
    return true;
}

static bool check_inputs(ks_program *p, const ks_tensor *inputs)
{
    for (uint32_t i = 0; i < p->function->input_count; i++) {
        const ks_node *input = p->function->inputs[i];
        if (inputs[i].dtype != (ks_dtype)input->dtype || !inputs[i].shape || ks_shape_count(*inputs[i].shape) < 0)
            return ks__refuse(p->host, KS_BAD_ARGUMENT, KS__NOWHERE, "program of '%s': '%s' is %s of a shape without open dimensions",
                              p->function->name, ks_name(input), ks_dtype_name((ks_dtype)input->dtype));
    }
    return true;
}

bool ks_program_run(ks_program *program, const ks_tensor *inputs, ks_tensor *outputs)
{
    ks_program *p = program;
    if (!p || !inputs || !outputs)
        return false;
    ks_error_clear(p->host);
    if (!check_inputs(p, inputs))
        return false;
    if (!same_shapes(p, inputs) && !make_ready(p, inputs))
        return false;
    ks_failure failure;
    ks__fail_nothing(&failure);
    ks_call call = {.seed = p->host->options.seed, .step = p->host->step, .graph = p->host};
    call.parallel_for = ks__parallel_of(p->host, &call.parallel_user);
    ks__inner_open(p->inner, &call, 0, p->workspace, false);
    for (uint32_t i = 0; i < p->function->input_count; i++)
        ks__inner_give(p->inner, i, inputs[i].data);
    for (uint32_t k = 0; k < ks__function_outputs(p->function); k++)
        ks__inner_aim(p->inner, k, p->workspace + p->large[k]);
    if (!ks__inner_step(p->inner, 0, &failure))
        return ks__refuse(p->host, failure.code, KS__NOWHERE, "%s", failure.message);
    for (uint32_t k = 0; k < ks__function_outputs(p->function); k++) {
        const ks__dims *dims = ks__inner_dims(p->inner, k);
        outputs[k] = (ks_tensor){.data = (void *)(uintptr_t)ks__inner_result(p->inner, k),
                                 .shape = &dims->shape,
                                 .count = dims->count,
                                 .dtype = (ks_dtype)ks__function_output(p->function, k)->dtype};
    }
    return true;
}
