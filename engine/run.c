/*
 * engine/run.c - runs a plan's steps and commits.
 *
 * Everything that can fail (memory, a kernel, the host's wish to stop, a NaN where none may be) comes before the first commit; the commit
 * itself only hands over blocks.
 */
#include "engine/engine.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- threads ------------------------------------------------------------------------------------------- */

void ks__serially(void *user, int64_t n, ks_task_fn task, void *payload)
{
    (void)user;
#ifdef KS_TORTURE
    for (int64_t i = n; i-- > 0;)
        task(payload, i);
#else
    for (int64_t i = 0; i < n; i++)
        task(payload, i);
#endif
}

static void with_pool(void *user, int64_t n, ks_task_fn task, void *payload)
{
    ks__pool_run(user, n, task, payload);
}

static ks__pool *pool_of(ks_graph *g)
{
    if (!g->engine->pool_tried) {
        g->engine->pool_tried = true;
        int threads = g->options.threads > 0 ? g->options.threads : (int)sysconf(_SC_NPROCESSORS_ONLN);
        g->engine->pool = threads > 1 ? ks__pool_new(threads, g->options.allocator) : NULL;
    }
    return g->engine->pool;
}

ks_parallel_for_fn ks__parallel_of(ks_graph *g, void **user)
{
    *user = g->options.parallel_user;
    if (g->options.parallel_for)
        return g->options.parallel_for;
    *user = pool_of(g);
    return *user ? with_pool : ks__serially;
}

void ks__parallel_for(ks_graph *g, int64_t n, ks_task_fn task, void *payload)
{
    void *user;
    ks_parallel_for_fn parallel_for = ks__parallel_of(g, &user);
    parallel_for(user, n, task, payload);
}

/* ---- before the steps ---------------------------------------------------------------------------------- */

static bool make_arena(ks_graph *g, const ks__plan *plan)
{
    struct ks__engine *e = g->engine;
    if (e->arena_bytes < plan->arena_bytes) {
        ks__put(g, e->arena, e->arena_bytes);
        e->arena_bytes = 0;
        e->arena = ks__get(g, plan->arena_bytes);
        if (!e->arena)
            return false;
        e->arena_bytes = plan->arena_bytes;
        memset(e->arena, 0, plan->arena_bytes);
    }
#ifdef KS_TORTURE
    memset(e->arena, 0xff, e->arena_bytes);
#endif
    return true;
}

/* Blocks that this run writes: the one from last time if nobody else refers to it. */
static bool make_owns(ks_graph *g, ks__plan *plan)
{
    for (uint32_t i = 0; i < plan->own_count; i++) {
        ks__own *own = &plan->owns[i];
        if (own->block && !own->block->borrowed && atomic_load(&own->block->references) > 1) { /* one that was given stays */
            ks__block_put(own->block);
            own->block = NULL;
        }
        if (!own->block && !(own->block = ks__block_new(g, own->bytes)))
            return false;
    }
    return true;
}

static void find_place(ks_graph *g, ks__plan *plan, uint32_t i)
{
    const ks__local *root = &plan->locals[plan->locals[i].memory];
    if (root->home == KS__HOME_GIVEN)
        plan->at[i] = root->node->value->block->data;
    else if (root->home == KS__HOME_OWN)
        plan->at[i] = plan->owns[root->own].block->data;
    else if (root->home == KS__HOME_ARENA)
        plan->at[i] = g->engine->arena + root->offset;
}

static void find_places(ks_graph *g, ks__plan *plan)
{
    if (plan->arena != g->engine->arena) {
        for (uint32_t i = 0; i < plan->count; i++)
            find_place(g, plan, i);
        plan->arena = g->engine->arena;
        return;
    }
    for (uint32_t i = 0; i < plan->moving_count; i++)
        find_place(g, plan, plan->moving[i]);
}

static void fill_cells(ks__plan *plan)
{
    for (uint32_t i = 0; i < plan->number_count; i++) {
        const ks_node *node = plan->locals[plan->numbers[i]].node;
        if (node->changed <= plan->epoch)
            continue;
        int64_t bad;
        for (int dtype = 0; dtype < KS_DTYPES; dtype++) {
            if (plan->cell_types[i] >> dtype & 1)
                ks__convert(&plan->cells[i * KS_DTYPES + (uint32_t)dtype], (ks_dtype)dtype, &node->data.number, KS_F64, 1, false, &bad);
        }
    }
}

/* ---- the steps ----------------------------------------------------------------------------------------- */

uint64_t ks__stream_of(const ks_node *node)
{
    const ks_node *source = ks__redraws(node) ? ks__inputs(node)[0] : node;
    if (source->aside && source->aside->name && source->aside->given) {
        uint64_t hash = 0xcbf29ce484222325u;
        for (const char *c = source->aside->name; *c; c++)
            hash = (hash ^ (unsigned char)*c) * 0x100000001b3u;
        return hash | (uint64_t)1 << 63;
    }
    return source->aside ? source->aside->stream : 0;
}

static bool run_kernel(ks_graph *g, ks__plan *plan, ks__step *step)
{
    ks__local *local = &plan->locals[step->local];
    ks_tensor *tensors = step->u.kernel.tensors;
    for (uint32_t k = 0; k < step->count; k++) {
        const ks__local *input = &plan->locals[local->inputs[k]];
        if (ks__input_letter(local->node->op, k) == 'S')
            tensors[k].data = NULL; /* whether or not it happens to be there */
        else if (input->role == KS__ROLE_NUMBER)
            tensors[k].data = &plan->cells[input->own * KS_DTYPES + (uint32_t)tensors[k].dtype];
        else
            tensors[k].data = plan->at[local->inputs[k]];
    }
    tensors[step->count].data = plan->at[step->local];
    for (uint32_t k = 0; k < step->u.kernel.wanted_count; k++)
        tensors[step->count + (uint32_t)ks__result_index(plan->locals[step->u.kernel.wanted[k]].node)].data =
            plan->at[step->u.kernel.wanted[k]];
    ks_call call = {.in = tensors,
                    .n = (int)step->count,
                    .out = &tensors[step->count],
                    .attrs = ks__attrs(local->node),
                    .scratch = g->engine->arena + step->scratch,
                    .isa = g->isa,
                    .provider = g->provider,
                    .seed = g->options.seed,
                    .step = g->step,
                    .train = plan->mode == KS_TRAIN,
                    .graph = g,
                    .prepared = step->u.kernel.prepared};
    call.parallel_for = ks__parallel_of(g, &call.parallel_user);
    if (ks__flags(local->node) & KS_OP_RANDOM)
        call.stream = ks__stream_of(local->node);
    ks_failure failure = {.code = KS_OK};
    if (local->node->op->kernel(&call, &failure))
        return true;
    ks_failure said = {.code = failure.code ? failure.code : KS_BAD_ARGUMENT};
    return ks__refuse(g, said.code, ks_node_place(local->node), "%s '%s': %s", local->node->op->name, ks_name(local->node),
                      failure.code ? failure.message : "the kernel failed");
}

static void run_copy(ks__plan *plan, const ks__step *step)
{
    ks__own *own = &plan->owns[step->local];
    const ks__local *from = &plan->locals[plan->locals[step->u.copy.from].memory]; /* a view of a number is that number */
    uint32_t wanted = own->fetch != KS__NONE ? own->fetch : own->assign;
    ks_dtype dtype = (ks_dtype)plan->locals[wanted].dtype;
    const void *data =
        from->role == KS__ROLE_NUMBER ? (const void *)&plan->cells[from->own * KS_DTYPES + (uint32_t)dtype] : plan->at[step->u.copy.from];
    if (own->bytes)
        memcpy(own->block->data, data, own->bytes);
}

/* Whether any exponent is all ones; by bits and without a branch, so that it runs as vectors. */
static bool meets_odd(const void *data, ks_dtype dtype, int64_t n)
{
    typedef uint32_t __attribute__((may_alias)) word;
    typedef uint64_t __attribute__((may_alias)) wide;
    uint64_t odd = 0;
    if (dtype == KS_F32) {
        uint32_t narrow = 0;
        for (int64_t k = 0; k < n; k++)
            narrow |= (((const word *)data)[k] & 0x7f800000u) == 0x7f800000u;
        return narrow;
    }
    for (int64_t k = 0; k < n; k++)
        odd |= (((const wide *)data)[k] & 0x7ff0000000000000u) == 0x7ff0000000000000u;
    return odd;
}

/* ": 'x' [3] lies between 0 and 4" for each input that is read and was not written over. */
static void say_inputs(const ks_graph *g, const ks__plan *plan, const ks__local *local, const void *written, char *text, size_t room)
{
    size_t at = 0;
    for (uint32_t k = 0; k < local->n && at < room; k++) {
        const ks__local *input = &plan->locals[local->inputs[k]];
        const void *data = plan->at[local->inputs[k]];
        if (ks__input_letter(local->node->op, k) == 'S' || input->role == KS__ROLE_NUMBER || !data || data == written ||
            !input->dims->count)
            continue;
        double least = NAN, most = NAN;
        bool odd = false;
        for (int64_t e = 0; e < input->dims->count; e++) {
            double value = ks__element(data, (ks_dtype)input->dtype, e);
            odd = odd || isnan(value);
            least = fmin(least, value);
            most = fmax(most, value);
        }
        char low[KS__REAL_TEXT], high[KS__REAL_TEXT], shape[KS__SHAPE_TEXT];
        at += (size_t)snprintf(text + at, room - at, "%s '%.60s' %s lies between %s and %s%s", at ? "," : ":", ks_name(input->node),
                               ks__shape_text(g, &input->dims->shape, shape), ks__real_text(least, low), ks__real_text(most, high),
                               odd ? ", nan among it" : "");
    }
}

static bool is_finite(ks_graph *g, const ks__plan *plan, uint32_t i)
{
    const ks__local *local = &plan->locals[i];
    if ((local->dtype != KS_F32 && local->dtype != KS_F64) || !plan->at[i])
        return true;
    if (!meets_odd(plan->at[i], (ks_dtype)local->dtype, local->dims->count))
        return true;
    for (int64_t k = 0; k < local->dims->count; k++) {
        double value = ks__element(plan->at[i], (ks_dtype)local->dtype, k);
        char number[KS__REAL_TEXT], inputs[KS_MESSAGE_BYTES] = "";
        if (isfinite(value))
            continue;
        say_inputs(g, plan, local, plan->at[i], inputs, sizeof inputs);
        return ks__refuse(g, KS_NOT_FINITE, ks_node_place(local->node), "%s '%s' became %s at element %lld%s", local->node->op->name,
                          ks_name(local->node), ks__real_text(value, number), (long long)k, inputs);
    }
    return true;
}

static bool results_finite(ks_graph *g, const ks__plan *plan, const ks__step *step)
{
    bool finite = is_finite(g, plan, step->local);
    for (uint32_t k = 0; finite && step->kind == KS__STEP_KERNEL && k < step->u.kernel.wanted_count; k++)
        finite = is_finite(g, plan, step->u.kernel.wanted[k]);
    return finite;
}

static bool run_steps(ks_graph *g, ks__plan *plan)
{
    for (uint32_t s = 0; s < plan->step_count; s++) {
        ks__step *step = &plan->steps[s];
        if (g->options.cancel && g->options.cancel(g->options.cancel_user))
            return ks__refuse(g, KS_CANCELLED, KS__NOWHERE, "the run was cancelled after %u of %u steps: nothing was committed", s,
                              plan->step_count);
        if (step->kind == KS__STEP_KERNEL) {
            if (!run_kernel(g, plan, step))
                return false;
        } else if (step->kind == KS__STEP_TILES) {
            if (!ks__tiles_run(g, plan, step))
                return false;
        } else if (step->kind == KS__STEP_SCALARS) {
            ks__scalars_run(g, plan, step);
        } else {
            run_copy(plan, step);
        }
        if (g->options.check_finite && step->kind != KS__STEP_COPY && !results_finite(g, plan, step))
            return false;
    }
    return !g->options.cancel || !g->options.cancel(g->options.cancel_user) ||
           ks__refuse(g, KS_CANCELLED, KS__NOWHERE, "the run was cancelled before its commit: nothing was committed");
}

/* ---- the commit ---------------------------------------------------------------------------------------- */

/* Room for every value that is handed over, so that the commit cannot fail. */
static bool make_values(ks_graph *g, ks__plan *plan)
{
    for (uint32_t i = 0; i < plan->own_count; i++) {
        const ks__own *own = &plan->owns[i];
        ks_node *node = own->fetch != KS__NONE ? plan->locals[own->fetch].node : ks__inputs(plan->locals[own->assign].node)[0];
        if (!node->value && !(node->value = ks__small(g, sizeof *node->value)))
            return false;
    }
    return true;
}

static void commit(ks_graph *g, ks__plan *plan)
{
    bool effects = plan->effect_count > 0;
    if (effects)
        g->epoch++;
    for (uint32_t i = 0; i < plan->own_count; i++) {
        ks__own *own = &plan->owns[i];
        ks_node *node = own->fetch != KS__NONE ? plan->locals[own->fetch].node : ks__inputs(plan->locals[own->assign].node)[0];
        ks__block *old = node->value->block;
        node->value->block = own->block;
        node->value->dims = plan->locals[own->fetch != KS__NONE ? own->fetch : own->assign].dims;
        node->changed = g->epoch;
        node->checked = g->epoch & KS__EPOCHS;
        node->flags = (uint8_t)(plan->fresh ? node->flags | KS__FETCHED : node->flags & ~KS__FETCHED);
        own->block = NULL;
        if (old && !old->borrowed && old->bytes == node->value->block->bytes && atomic_load(&old->references) == 1) {
            own->block = old; /* next time's */
        } else if (old) {
            if (atomic_load(&old->references) == 1)
                g->statistics.bytes_live -= sizeof *old + (old->borrowed ? 0 : old->bytes);
            ks__block_put(old);
        }
    }
    if (effects) {
        g->step++;
        g->random_epoch = g->epoch;
    }
    plan->epoch = g->epoch;
}

bool ks__plan_run(ks_graph *g, ks__plan *plan)
{
    /* A value without a block is no value: on failure, headers that were just made are dropped again. */
    bool good = make_arena(g, plan) && make_owns(g, plan) && make_values(g, plan);
    if (good) {
        find_places(g, plan);
        fill_cells(plan);
        good = run_steps(g, plan);
    }
    if (good) {
        commit(g, plan);
        g->statistics.runs++;
        g->statistics.nodes_evaluated += plan->made;
        g->statistics.partials_evaluated += plan->partials;
        g->statistics.steps_last = plan->step_count;
        return true;
    }
    for (uint32_t i = 0; i < plan->own_count; i++) {
        const ks__own *own = &plan->owns[i];
        ks_node *node = own->fetch != KS__NONE ? plan->locals[own->fetch].node : ks__inputs(plan->locals[own->assign].node)[0];
        if (node->value && !node->value->block)
            ks__value_drop(node);
    }
    return false;
}
