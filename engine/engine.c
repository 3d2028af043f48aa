/*
 * engine/engine.c - the calls of keisan/run.h: what is missing is planned, run, and remembered.
 *
 * A plan whose targets are asked for again is found by their identity; one whose nodes were cut off waits, unbound,
 * to be found by structure.
 */
#include "engine/engine.h"

#include <math.h>
#include <string.h>

/* ---- the engine of a graph ----------------------------------------------------------------------------- */

static void cut(ks_graph *g, uint32_t from)
{
    for (ks__plan *plan = g->engine->plans; plan; plan = plan->next) {
        if (plan->highest > from)
            plan->bound = false;
    }
}

static void free_engine(ks_graph *g)
{
    struct ks__engine *e = g->engine;
    while (e->plans) {
        ks__plan *plan = e->plans;
        e->plans = plan->next;
        ks__plan_free(g, plan);
    }
    ks__pool_free(e->pool);
    ks__put(g, e->arena, e->arena_bytes);
    ks__put(g, e, sizeof *e);
    g->engine = NULL;
}

struct ks__engine *ks__engine_of(ks_graph *g)
{
    if (!g->engine) {
        g->engine = ks__get(g, sizeof *g->engine);
        if (!g->engine)
            return NULL;
        memset(g->engine, 0, sizeof *g->engine);
        g->engine_cut = cut;
        g->engine_free = free_engine;
    }
    return g->engine;
}

/* ---- finding a plan ------------------------------------------------------------------------------------ */

static bool same_request(const ks__plan *plan, const ks__request *request)
{
    return plan->bound && plan->mode == request->mode && plan->fresh == request->fresh && plan->target_count == request->target_count &&
           plan->asked == request->effect_count &&
           !(request->target_count && memcmp(plan->targets, request->targets, request->target_count * sizeof(ks_node *))) &&
           !(request->effect_count && memcmp(plan->effects, request->effects, request->effect_count * sizeof(ks_node *)));
}

/* Leaves still have the dims that were planned for, and numbers that were taken for granted their values. */
static bool still_fits(const ks__plan *plan)
{
    for (uint32_t i = 0; i < plan->leaf_count; i++) {
        const ks__local *leaf = &plan->locals[plan->leaves[i]];
        if (!leaf->node->value || leaf->node->value->dims != leaf->dims)
            return false;
    }
    for (uint32_t i = 0; i < plan->guard_count; i++) {
        if (plan->locals[plan->guards[i].local].node->data.number != plan->guards[i].value)
            return false;
    }
    return true;
}

static uint64_t changed_targets(const ks_graph *g, const ks__plan *plan)
{
    uint64_t changed = 0;
    for (uint32_t i = 0; i < plan->leaf_count; i++) {
        if (plan->locals[plan->leaves[i]].node->changed > plan->epoch)
            changed |= plan->reach[i];
    }
    for (uint32_t i = 0; i < plan->number_count; i++) {
        if (plan->locals[plan->numbers[i]].node->changed > plan->epoch)
            changed |= plan->number_reach[i];
    }
    if (g->random_epoch > plan->epoch)
        changed |= plan->random_reach;
    return changed;
}

static void to_front(struct ks__engine *e, ks__plan *plan)
{
    ks__plan **link = &e->plans;
    while (*link != plan)
        link = &(*link)->next;
    *link = plan->next;
    plan->next = e->plans;
    e->plans = plan;
}

/* A plan that can run as it stands. For a reading run all targets must be stale, lest what is known be computed again. */
static ks__plan *find_plan(ks_graph *g, const ks__request *request)
{
    struct ks__engine *e = g->engine;
    if (g->options.without & KS_CACHE)
        return NULL;
    for (ks__plan *plan = e->plans; plan; plan = plan->next) {
        if (!same_request(plan, request) || !still_fits(plan))
            continue;
        if (!request->fresh) {
            uint64_t all = plan->target_count >= KS__REACH_BITS ? 0 : ((uint64_t)1 << plan->target_count) - 1;
            bool kept = g->options.keep_all || plan->own_count != plan->target_count;
            if (!plan->true_leaves || !plan->epoch || !all || kept || g->attribute_epoch > plan->epoch || changed_targets(g, plan) != all ||
                plan->mode_reach)
                continue;
        } else if (!plan->true_leaves) {
            continue;
        }
        if (plan != e->plans)
            to_front(e, plan);
        g->statistics.plans_reused++;
        return plan;
    }
    return NULL;
}

static void remember(ks_graph *g, ks__plan *plan)
{
    struct ks__engine *e = g->engine;
    for (ks__plan *known = e->plans; known; known = known->next) {
        if (known == plan) {
            to_front(e, plan);
            return;
        }
    }
    plan->next = e->plans;
    e->plans = plan;
    if (++e->plan_count <= KS__MOST_PLANS)
        return;
    ks__plan **last = &e->plans;
    while ((*last)->next)
        last = &(*last)->next;
    ks__plan_free(g, *last);
    *last = NULL;
    e->plan_count--;
}

/* ---- a request ----------------------------------------------------------------------------------------- */

/* Values that hang on the mode are stale when it changes. */
static void set_mode(ks_graph *g, ks_mode mode)
{
    if (g->mode != mode) {
        g->mode = mode;
        g->mode_epoch = ++g->epoch;
    }
}

static bool check_effects(ks_graph *g, ks_node *const *effects, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (!(effects[i]->op->flags & KS_OP_EFFECT))
            return ks__refuse(g, KS_BAD_ARGUMENT, ks_node_place(effects[i]), "ks_run: '%s' is a %s, not an effect: use ks_assign",
                              ks_name(effects[i]), effects[i]->op->name);
    }
    /* Marked while looked at, so that many effects take linear time. */
    ks_node *twice = NULL;
    for (uint32_t i = 0; i < count; i++) {
        ks_node *variable = ks__inputs(effects[i])[0];
        if (variable->flags & KS__NOTED)
            twice = variable;
        variable->flags |= KS__NOTED;
    }
    for (uint32_t i = 0; i < count; i++)
        ks__inputs(effects[i])[0]->flags &= (uint8_t)~KS__NOTED;
    return !twice ||
           ks__refuse(g, KS_BAD_ARGUMENT, ks_node_place(twice), "ks_run: variable '%s' is assigned twice in one run", ks_name(twice));
}

/* *nothing: all that is asked for is known. */
static ks__plan *plan_for(ks_graph *g, const ks__request *request, bool *nothing)
{
    *nothing = false;
    if (!ks__engine_of(g))
        return NULL;
    ks__plan *plan = find_plan(g, request);
    if (plan)
        return plan;
    ks__walk walk = {0};
    ks__request whole;
    if (ks__with_own_effects(g, request, &whole) && check_effects(g, whole.effects, whole.effect_count) && ks__collect(g, &whole, &walk)) {
        *nothing = whole.effect_count == 0;
        for (uint32_t i = 0; i < walk.list.count && *nothing; i++)
            *nothing = walk.roles[i] != KS__ROLE_MADE;
        plan = *nothing ? NULL : ks__plan_make(g, &whole, &walk);
    }
    ks__walk_free(g, &walk);
    ks__own_effects_free(g, &whole);
    if (plan) {
        plan->asked = request->effect_count;
        remember(g, plan);
    }
    return plan;
}

static bool usable_all(ks_graph *g, ks_node *const *nodes, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (!ks__usable(nodes[i]))
            return false;
        if (nodes[i]->graph != g)
            return ks__refuse(g, KS_BAD_ARGUMENT, KS__NOWHERE, "'%s' belongs to another graph", ks_name(nodes[i]));
    }
    return true;
}

/* A number that is read by itself is an f32 scalar. */
static bool number_value(ks_node *node)
{
    if (node->value && node->checked >= node->changed && node->checked != 0 &&
        *(float *)node->value->block->data == (float)node->data.number)
        return true;
    ks__block *block = ks__block_new(node->graph, sizeof(float));
    if (!block)
        return false;
    *(float *)block->data = (float)node->data.number;
    return ks__value_set(node, block, node->graph->scalar);
}

static bool leaf_value(ks_node *node)
{
    if (node->op->flags & KS_OP_NUMBER)
        return number_value(node);
    if (node->value)
        return true;
    if (node->op->flags & KS_OP_VARIABLE) {
        if (ks__draw(node))
            return true;
        return node->graph->failure.code == KS_NO_MEMORY
                   ? false
                   : ks__refuse(node->graph, KS_NOT_FED, ks_node_place(node),
                                "variable '%s' has no value: ks_set it, load it, or give it an initialiser", ks_name(node));
    }
    return ks__refuse(node->graph, KS_NOT_FED, ks_node_place(node), "input '%s' has no data: ks_feed it before reading it", ks_name(node));
}

static bool is_known(const ks_graph *g, const ks_node *node)
{
    return node->value && node->checked == g->epoch;
}

bool ks_eval_all(ks_node *const *nodes, int count)
{
    ks_node *few[16], **missing = few;
    uint32_t n = 0;
    ks_graph *g = count > 0 && nodes && nodes[0] ? nodes[0]->graph : NULL;
    if (!g || !usable_all(g, nodes, (uint32_t)count))
        return false;
    if (count > 16 && !(missing = ks__get(g, (size_t)count * sizeof *missing)))
        return false;
    bool good = true;
    for (int i = 0; good && i < count; i++) {
        if (nodes[i]->op->flags & KS_OP_LEAF)
            good = leaf_value(nodes[i]);
        else if (!is_known(g, nodes[i]) || nodes[i]->op->flags & KS_OP_EFFECT)
            missing[n++] = nodes[i];
    }
    if (good && n) {
        bool nothing;
        set_mode(g, KS_INFER); /* only now: what a training run fetched stays as it was until it is stale */
        ks__request request = {.targets = missing, .target_count = n, .mode = KS_INFER};
        ks__plan *plan = plan_for(g, &request, &nothing);
        good = nothing || (plan && ks__plan_run(g, plan));
    }
    if (missing != few)
        ks__put(g, missing, (size_t)count * sizeof *missing);
    return good;
}

bool ks_eval(ks_node *node)
{
    return ks_eval_all(&node, 1);
}

/* ---- transactions -------------------------------------------------------------------------------------- */

bool ks_run(ks_graph *graph, ks_node *const *fetches, int fetch_count, ks_node *const *effects, int effect_count,
            const ks_run_options *options)
{
    ks_run_options own = {.size = sizeof own};
    if (!graph || fetch_count < 0 || effect_count < 0 || (fetch_count && !fetches) || (effect_count && !effects))
        return false;
    if (options)
        memcpy(&own, options, options->size < sizeof own ? options->size : sizeof own);
    if (!usable_all(graph, fetches, (uint32_t)fetch_count) || !usable_all(graph, effects, (uint32_t)effect_count) ||
        !check_effects(graph, effects, (uint32_t)effect_count))
        return false;
    set_mode(graph, own.mode);
    for (int i = 0; i < fetch_count; i++) {
        if ((fetches[i]->op->flags & KS_OP_LEAF) && !leaf_value(fetches[i]))
            return false;
    }
    ks__request request = {.targets = fetches,
                           .target_count = (uint32_t)fetch_count,
                           .effects = effects,
                           .effect_count = (uint32_t)effect_count,
                           .mode = own.mode,
                           .fresh = true};
    bool nothing;
    ks__plan *plan = plan_for(graph, &request, &nothing);
    return nothing || (plan && ks__plan_run(graph, plan));
}

int64_t ks_plan_bytes(ks_graph *graph, ks_node *const *fetches, int fetch_count, ks_node *const *effects, int effect_count)
{
    if (!graph || !usable_all(graph, fetches, (uint32_t)fetch_count) || !usable_all(graph, effects, (uint32_t)effect_count) ||
        !check_effects(graph, effects, (uint32_t)effect_count))
        return -1;
    ks__request request = {.targets = fetches,
                           .target_count = (uint32_t)fetch_count,
                           .effects = effects,
                           .effect_count = (uint32_t)effect_count,
                           .mode = effect_count ? KS_TRAIN : KS_INFER,
                           .fresh = true};
    bool nothing;
    ks__plan *plan = plan_for(graph, &request, &nothing);
    if (!plan)
        return nothing ? 0 : -1;
    uint64_t bytes = plan->arena_bytes;
    for (uint32_t i = 0; i < plan->own_count; i++)
        bytes += (plan->owns[i].bytes + 127) & ~(size_t)63;
    return (int64_t)bytes;
}

/* ---- reading ------------------------------------------------------------------------------------------- */

const void *ks_value(ks_node *node)
{
    return ks_eval(node) ? node->value->block->data : NULL;
}

ks_shape ks_value_shape(ks_node *node)
{
    return ks_eval(node) ? node->value->dims->shape : (ks_shape){.rank = -1};
}

double ks_scalar(ks_node *node)
{
    if (!ks_eval(node))
        return NAN;
    if (node->op->flags & KS_OP_NUMBER)
        return node->data.number;
    if (node->value->dims->count != 1) {
        char text[KS__SHAPE_TEXT];
        ks__refuse(node->graph, KS_BAD_SHAPE, ks_node_place(node), "ks_scalar: '%s' is %s, no single element", ks_name(node),
                   ks__shape_text(node->graph, &node->value->dims->shape, text));
        return NAN;
    }
    return ks__element(node->value->block->data, (ks_dtype)node->dtype, 0);
}

bool ks_read(ks_node *node, ks_dtype dtype, void *out, int64_t count)
{
    int64_t bad;
    if (!ks_eval(node))
        return false;
    if (count != node->value->dims->count || (unsigned)dtype >= KS_DTYPES || (count && !out))
        return ks__refuse(node->graph, KS_BAD_ARGUMENT, ks_node_place(node), "ks_read: '%s' has %lld elements, %lld were asked for",
                          ks_name(node), (long long)node->value->dims->count, (long long)count);
    return ks__convert(out, dtype, node->value->block->data, (ks_dtype)node->dtype, count, false, &bad);
}

ks_node *ks_keep(ks_node *node)
{
    if (!ks__usable(node))
        return NULL;
    node->flags |= KS__KEEP;
    return node;
}

/* ---- the step of the random numbers -------------------------------------------------------------------- */

void ks_next_step(ks_graph *graph)
{
    if (graph)
        ks_set_step_number(graph, graph->step + 1);
}

uint64_t ks_step_number(const ks_graph *graph)
{
    return graph ? graph->step : 0;
}

void ks_set_step_number(ks_graph *graph, uint64_t step)
{
    if (!graph)
        return;
    graph->step = step;
    graph->random_epoch = ++graph->epoch;
}

uint64_t ks_seed(const ks_graph *graph)
{
    return graph ? graph->options.seed : 0;
}

void ks_set_seed(ks_graph *graph, uint64_t seed)
{
    if (!graph)
        return;
    graph->options.seed = seed;
    graph->random_epoch = ++graph->epoch;
}
