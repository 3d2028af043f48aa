/*
 * train/optimizer.c - making optimisers, stepping them, and finding them again.
 *
 * A step is one run of nodes that were composed once. Composing anew after a release hands the same optimiser back; one whose
 * nodes were cut off refuses to step and its record serves the next that is made, so that a loop may make optimisers forever.
 */
#include "train/optimizer.h"
#include "autodiff/gradient.h"
#include "serialize/training.h"
#include <keisan/autodiff.h>

#include <math.h>
#include <string.h>

/* ---- the records --------------------------------------------------------------------------------------- */

/* All its nodes are there: not cut off, and not waiting after a release. */
static bool stands(const ks_optimizer *o)
{
    return !o->cut && o->highest < o->graph->count;
}

static void cut_optimizers(ks_graph *g, uint32_t from)
{
    for (ks_optimizer *o = g->optimizers; o; o = o->next)
        o->cut = o->cut || o->highest >= from;
}

static void free_lists(ks_optimizer *o)
{
    size_t room = o->capacity * sizeof(ks_node *), slots = (size_t)ks__optimizer_kinds[o->kind].slot_count;
    ks__put(o->graph, o->variables, room);
    ks__put(o->graph, o->gradients, room);
    ks__put(o->graph, o->states, room * slots);
    ks__put(o->graph, o->effects, room * (slots + 1) + sizeof(ks_node *));
    o->variables = o->gradients = o->states = o->effects = NULL;
    o->capacity = 0;
}

static void free_optimizers(ks_graph *g)
{
    while (g->optimizers) {
        ks_optimizer *o = g->optimizers;
        g->optimizers = o->next;
        free_lists(o);
        ks__put(g, o->fetches, o->fetch_capacity * sizeof *o->fetches);
        ks__put(g, o, sizeof *o);
    }
}

/* Room for `count` variables: an assign each, one a state, and one for the count of steps. */
static bool make_lists(ks_optimizer *o, uint32_t count)
{
    if (count <= o->capacity)
        return true;
    free_lists(o);
    ks_graph *g = o->graph;
    size_t room = count * sizeof(ks_node *), slots = (size_t)ks__optimizer_kinds[o->kind].slot_count;
    o->variables = ks__get(g, room);
    o->gradients = o->variables ? ks__get(g, room) : NULL;
    o->states = o->gradients && slots ? ks__get(g, room * slots) : NULL;
    o->effects = o->gradients && (o->states || !slots) ? ks__get(g, room * (slots + 1) + sizeof(ks_node *)) : NULL;
    if (o->effects) {
        o->capacity = count;
        return true;
    }
    ks__put(g, o->variables, room);
    ks__put(g, o->gradients, room);
    ks__put(g, o->states, room * slots);
    o->variables = o->gradients = o->states = NULL;
    return false;
}

/* The least number that no other standing optimiser of the kind goes by. */
static int free_label(const ks_optimizer *mine)
{
    for (int label = 1;; label++) {
        const ks_optimizer *o = mine->graph->optimizers;
        while (o && (o == mine || o->kind != mine->kind || o->label != label || !stands(o)))
            o = o->next;
        if (!o)
            return label;
    }
}

/* The record to build in: the one that waits to be recognised here, one that was cut off, or a new one. */
static ks_optimizer *take_record(ks_graph *g, ks_optimizer_kind kind)
{
    ks_optimizer *spare = NULL;
    for (ks_optimizer *o = g->optimizers; o; o = o->next) {
        if (!o->cut && o->kind == kind && o->start == g->count && g->nodes.extent > g->count)
            return o;
        spare = o->cut ? o : spare;
    }
    if (!spare) {
        spare = ks__get(g, sizeof *spare);
        if (!spare)
            return NULL;
        memset(spare, 0, sizeof *spare);
        spare->graph = g;
        spare->next = g->optimizers;
        g->optimizers = spare;
        g->optimizers_free = free_optimizers;
        g->optimizers_cut = cut_optimizers;
    }
    if (spare->kind != kind)
        free_lists(spare);
    if (spare == g->loaded_optimizer)
        g->loaded_optimizer = NULL;
    spare->kind = kind;
    spare->cut = true; /* until it is whole */
    spare->label = free_label(spare);
    spare->steps = 0;
    return spare;
}

/* ---- making one ---------------------------------------------------------------------------------------- */

static bool fail(const ks_node *loss, ks_optimizer_kind kind, ks_code code, const char *what)
{
    return ks__refuse(loss->graph, code, ks_node_place(loss), "%s: '%s' %s", ks__optimizer_kinds[kind].name, ks_name(loss), what);
}

static bool check_loss(const ks_node *loss, ks_optimizer_kind kind)
{
    char text[KS__SHAPE_TEXT];
    if (!ks__usable(loss))
        return false;
    if (loss->dtype != KS_F32 && loss->dtype != KS_F64)
        return fail(loss, kind, KS_NO_GRADIENT, "is neither f32 nor f64, so it has no derivative: ks_cast it first");
    return loss->dims->count == 1 ||
           ks__refuse(loss->graph, KS_BAD_SHAPE, ks_node_place(loss),
                      "%s: '%s' is %s, and a loss is a single number: take ks_mean_all or ks_sum_all of it", ks__optimizer_kinds[kind].name,
                      ks_name(loss), ks__shape_text(loss->graph, &loss->dims->shape, text));
}

static bool check_fields(const ks_node *loss, ks_optimizer_kind kind, const double *fields)
{
    const ks__optimizer_kind *k = &ks__optimizer_kinds[kind];
    for (int i = 0; i < k->field_count; i++) {
        if (!(fields[i] >= 0 && fields[i] <= k->fields[i].most && isfinite(fields[i])))
            return ks__refuse(loss->graph, KS_BAD_ARGUMENT, ks_node_place(loss), "%s: %s must be a number from 0%s", k->name,
                              k->fields[i].name, isfinite(k->fields[i].most) ? " to 1" : " on");
    }
    return true;
}

static bool find_variables(ks_optimizer *o)
{
    ks__list list = {0};
    bool good = ks__trainable_under(o->loss, &list);
    if (good && !list.count)
        good = fail(o->loss, o->kind, KS_NO_GRADIENT, "depends on no trainable variable: there is nothing to train");
    good = good && make_lists(o, list.count);
    if (good) {
        memcpy(o->variables, list.nodes, list.count * sizeof *list.nodes);
        o->count = list.count;
    }
    ks__list_free(o->graph, &list);
    return good;
}

static void note_highest(ks_optimizer *o)
{
    o->highest = 0;
    if (!(o->loss->flags & KS__VARIABLE))
        o->highest = o->loss->id;
    for (uint32_t i = 0; i < o->effect_count; i++) {
        if (o->effects[i]->id > o->highest)
            o->highest = o->effects[i]->id;
    }
}

static bool describe(const ks_optimizer *o, ks__training *out);

ks_optimizer *ks__optimizer_make(ks_node *loss, ks_optimizer_kind kind, const double fields[KS__OPTIMIZER_FIELDS])
{
    if (!loss || !check_loss(loss, kind) || !check_fields(loss, kind, fields))
        return NULL;
    ks_graph *g = loss->graph;
    ks_optimizer *o = take_record(g, kind);
    if (!o)
        return NULL;
    o->loss = loss;
    o->start = g->count;
    memcpy(o->fields, fields, sizeof o->fields);
    bool good = find_variables(o) && ks_gradients_at(ks_node_place(loss), loss, o->variables, (int)o->count, NULL, o->gradients) &&
                ks__optimizer_gradients(o) && ks__optimizer_updates(o);
    o->cut = !good;
    if (!good) {
        ks_graph_release(g, o->start); /* what was composed so far waits; the same call made again goes on from there */
        return NULL;
    }
    note_highest(o);
    if (o->t && o->t->value)
        o->steps = (uint64_t)ks__element(o->t->value->block->data, KS_F64, 0);
    g->describe_training = describe;
    return o;
}

/* ---- stepping ------------------------------------------------------------------------------------------ */

static bool check_stands(const ks_optimizer *o, const char *call)
{
    return stands(o) ||
           ks__refuse(o->graph, KS_RELEASED, KS__NOWHERE,
                      "%s: ks_graph_release cut off nodes of this %s optimiser: make it before ks_graph_mark, or anew after each release",
                      call, ks__optimizer_kinds[o->kind].name);
}

static bool run(ks_optimizer *o, ks_node *const *fetches, int count)
{
    static const ks_run_options options = {.size = sizeof options, .mode = KS_TRAIN};
    if (!ks_run(o->graph, fetches, count, o->effects, (int)o->effect_count, &options))
        return false;
    o->steps++;
    return true;
}

bool ks_step(ks_optimizer *optimizer)
{
    return optimizer && check_stands(optimizer, "ks_step") && run(optimizer, &optimizer->loss, 1);
}

bool ks_step_with(ks_optimizer *optimizer, ks_node *const *fetches, int count)
{
    ks_optimizer *o = optimizer;
    if (!o || count < 0 || (count && !fetches) || !check_stands(o, "ks_step_with"))
        return false;
    if ((uint32_t)count >= o->fetch_capacity) {
        ks_node **more = ks__get(o->graph, ((size_t)count + 1) * sizeof *more);
        if (!more)
            return false;
        ks__put(o->graph, o->fetches, o->fetch_capacity * sizeof *more);
        o->fetches = more;
        o->fetch_capacity = (uint32_t)count + 1;
    }
    int n = 1;
    o->fetches[0] = o->loss;
    for (int i = 0; i < count; i++) {
        if (fetches[i] != o->loss)
            o->fetches[n++] = fetches[i];
    }
    return run(o, o->fetches, n);
}

/* ---- looking at one ------------------------------------------------------------------------------------ */

ks_node *ks_optimizer_loss(const ks_optimizer *optimizer)
{
    return optimizer && stands(optimizer) ? optimizer->loss : NULL;
}

ks_optimizer_kind ks_optimizer_kind_of(const ks_optimizer *optimizer)
{
    return optimizer ? optimizer->kind : KS_SGD;
}

const char *ks_optimizer_name(const ks_optimizer *optimizer)
{
    return optimizer ? ks__optimizer_kinds[optimizer->kind].name : "NULL";
}

uint64_t ks_optimizer_steps(const ks_optimizer *optimizer)
{
    return optimizer ? optimizer->steps : 0;
}

double ks_optimizer_rate(const ks_optimizer *optimizer)
{
    return optimizer ? optimizer->fields[0] : NAN;
}

bool ks_optimizer_set_rate(ks_optimizer *optimizer, double rate)
{
    if (!optimizer || !check_stands(optimizer, "ks_optimizer_set_rate"))
        return false;
    double fields[KS__OPTIMIZER_FIELDS];
    memcpy(fields, optimizer->fields, sizeof fields);
    fields[0] = rate;
    if (!check_fields(optimizer->loss, optimizer->kind, fields) || !ks_set_number(optimizer->rate, rate))
        return false;
    optimizer->fields[0] = rate;
    return true;
}

/* ---- saved and read ------------------------------------------------------------------------------------ */

/* An output's name before the node's own: it is what the reader of the file looks for. */
static const char *name_of(const ks_graph *g, const ks_node *loss)
{
    for (uint32_t i = 0; i < g->output_count; i++) {
        if (g->outputs[i].node == loss)
            return g->outputs[i].name;
    }
    return ks_name(loss);
}

static void describe_states(const ks_optimizer *o, ks__training *out)
{
    const ks__optimizer_kind *kind = &ks__optimizer_kinds[o->kind];
    if (o->t)
        out->states[out->state_count++] = (ks__training_state){NULL, "t", o->t};
    for (uint32_t i = 0; i < o->count; i++) {
        for (int slot = 0; slot < kind->slot_count; slot++)
            out->states[out->state_count++] =
                (ks__training_state){o->variables[i], kind->slots[slot], o->states[i * (uint32_t)kind->slot_count + (uint32_t)slot]};
    }
}

/* What any kind may be told is written only where it was told. */
static void describe_fields(const ks_optimizer *o, ks__training *out)
{
    const ks__optimizer_kind *kind = &ks__optimizer_kinds[o->kind];
    for (int i = 0; i < kind->field_count; i++) {
        if (i < kind->own_count || o->fields[i] != kind->fields[i].usual)
            out->fields[out->field_count++] = (ks__training_field){kind->fields[i].name, o->fields[i]};
    }
}

static bool describe(const ks_optimizer *o, ks__training *out)
{
    const ks__optimizer_kind *kind = &ks__optimizer_kinds[o->kind];
    ks_graph *g = o->graph;
    if (!check_stands(o, "ks_save"))
        return false;
    *out = (ks__training){.graph = g,
                          .loss = name_of(g, o->loss),
                          .step = o->steps,
                          .random_step = g->step,
                          .epoch = g->data_epoch,
                          .row = g->data_row,
                          .kind = kind->name};
    describe_fields(o, out);
    size_t states = (size_t)o->count * (size_t)kind->slot_count + (o->t != NULL);
    if (!states)
        return true;
    out->states = ks__get(g, states * sizeof *out->states);
    if (!out->states)
        return false;
    describe_states(o, out);
    return true;
}

/* The optimiser that the record speaks of, over nodes that were read with it. */
static ks_optimizer *rebuild(ks_graph *g, const ks__training *t)
{
    ks_node *loss = ks_output_find(g, t->loss);
    int kind = 0;
    double fields[KS__OPTIMIZER_FIELDS] = {0};
    while (kind < KS__OPTIMIZER_KINDS && strcmp(ks__optimizer_kinds[kind].name, t->kind) != 0)
        kind++;
    if (!loss && !(loss = ks_find(g, t->loss)))
        return ks__null(g, KS_BAD_NAME, KS__NOWHERE, "training: there is no output or node '%s', which the optimiser was to make smaller",
                        t->loss);
    if (kind == KS__OPTIMIZER_KINDS)
        return ks__null(g, KS_UNSUPPORTED, KS__NOWHERE, "training: '%s' is no optimiser: there are %s", t->kind, ks__training_kinds());
    const ks__optimizer_kind *k = &ks__optimizer_kinds[kind];
    for (int i = 0; i < k->field_count; i++) {
        fields[i] = k->fields[i].usual;
        for (int j = 0; j < t->field_count; j++) {
            if (!strcmp(t->fields[j].name, k->fields[i].name))
                fields[i] = t->fields[j].value;
        }
    }
    ks_optimizer *o = ks__optimizer_make(loss, (ks_optimizer_kind)kind, fields);
    if (!o)
        return NULL;
    o->steps = t->step;
    return o;
}

ks_optimizer *ks_graph_optimizer(const ks_graph *graph)
{
    ks_graph *g = (ks_graph *)(uintptr_t)graph; /* the optimiser is made when first asked for */
    if (!g || !g->training || !g->training->kind)
        return NULL;
    if (!g->loaded_optimizer) {
        g->loaded_optimizer = rebuild(g, g->training);
        if (g->loaded_optimizer) {
            g->data_epoch = g->training->epoch;
            g->data_row = g->training->row;
        }
    }
    return g->loaded_optimizer;
}
