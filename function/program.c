/*
 * function/program.c - a function that runs on numbers: a copy of it with sizes for its open dimensions, planned once.
 *
 * Its workspace holds, one after the other, a place for each small argument, a place for each small result, and the arena of its plan. The
 * places have room for whole vectors behind their ends, so that short loops run as vectors; what is larger is read and written where the
 * caller has it.
 */
#include "function/function.h"

#define ROOM(bytes) (((size_t)(bytes) + 127u) & ~(size_t)63u)
#define SMALL       4096 /* bytes up to which copying costs less than loops that must stop at the end */

static bool is_small(size_t bytes)
{
    return bytes <= SMALL;
}

struct ks__inner {
    ks_graph *host, *graph;
    ks_allocator memory; /* the host's, through its accounts */
    ks__plan *plan;
    ks_node **inputs, **wanted; /* of the copy */
    uint32_t input_count, wanted_count, own_count;
    ks__block *arguments; /* [input_count] */
    ks__block *results;   /* [own_count] */
    ks__block **blocks;   /* [own_count] */
    uint32_t *own;        /* [wanted_count] which result block, KS__NONE: a leaf's value */
    size_t bytes;
    char *arena;
    uint64_t step;
};

/* ---- memory -------------------------------------------------------------------------------------------- */

/* The host's allocator and its accounts. Only while a program is made or runs for the first time: on the host's thread. */
static void *through(void *user, void *old, size_t old_size, size_t new_size)
{
    ks_graph *host = user;
    void *memory = new_size ? ks__get_quiet(host, new_size) : NULL;
    if (memory && old)
        memcpy(memory, old, old_size < new_size ? old_size : new_size);
    if (old && (memory || !new_size))
        ks__put(host, old, old_size);
    return memory;
}

static void *zeroed(ks_graph *host, size_t count, size_t size)
{
    void *memory = ks__get_quiet(host, (count + 1) * size);
    return memory ? memset(memory, 0, (count + 1) * size) : NULL;
}

void ks__inner_free(ks__inner *inner)
{
    if (!inner)
        return;
    ks_graph *host = inner->host;
    ks_graph_free(inner->graph); /* before the blocks that its values refer to */
    ks__put(host, inner->inputs, (inner->input_count + 1) * sizeof *inner->inputs);
    ks__put(host, inner->wanted, (inner->wanted_count + 1) * sizeof *inner->wanted);
    ks__put(host, inner->arguments, (inner->input_count + 1) * sizeof *inner->arguments);
    ks__put(host, inner->results, (inner->own_count + 1) * sizeof *inner->results);
    ks__put(host, inner->blocks, (inner->own_count + 1) * sizeof *inner->blocks);
    ks__put(host, inner->own, (inner->wanted_count + 1) * sizeof *inner->own);
    ks__put(host, inner, sizeof *inner);
}

/* ---- making -------------------------------------------------------------------------------------------- */

static ks_graph *graph_like(ks__inner *inner)
{
    static const char *const names[] = {"plain", "x86-64-v2", "x86-64-v3", "x86-64-v4"};
    const ks_graph *host = inner->host;
    inner->memory = (ks_allocator){.user = inner->host, .alloc = through};
    ks_graph_options options = host->options;
    options.allocator = inner->memory;
    options.on_error = NULL;
    options.on_log = NULL;
    options.keep_all = false;
    options.parallel_for = NULL;
    options.threads = 1;
    options.isa = names[host->isa];
    return ks_graph_new(&options);
}

static void set_block(ks__block *block, size_t bytes)
{
    *block = (ks__block){.bytes = bytes, .borrowed = true, .roomy = true};
    atomic_init(&block->references, 1); /* ours: it is never freed by count */
}

/* The copy's input, with a size for each dimension, and fed: with nothing yet, but of its shape. */
static ks_node *make_input(ks__inner *inner, const ks_node *input, const ks_tensor *argument, ks__block *block)
{
    ks_node *copy = ks_input_at(ks_node_place(input), inner->graph, ks_name(input), (ks_dtype)input->dtype, *argument->shape);
    if (!copy)
        return NULL;
    set_block(block, (size_t)argument->count * ks_dtype_size((ks_dtype)input->dtype));
    atomic_fetch_add(&block->references, 1); /* the value's */
    return ks__value_set(copy, block, copy->dims) ? copy : NULL;
}

static bool make_copy(ks__inner *inner, const ks_function *f, const ks_tensor *arguments, const uint32_t *wanted)
{
    ks_graph *g = inner->graph;
    ks_node **made = ks__nodes_get(g, f);
    bool good = made != NULL;
    for (uint32_t i = 0; good && i < f->input_count; i++) {
        inner->inputs[i] = made[f->inputs[i]->id] = make_input(inner, f->inputs[i], &arguments[i], &inner->arguments[i]);
        good = inner->inputs[i] != NULL;
    }
    good = good && ks__clone(g, f, made, true);
    for (uint32_t k = 0; good && k < inner->wanted_count; k++)
        inner->wanted[k] = made[wanted[k]];
    if (made)
        ks__nodes_put(g, f, made);
    return good;
}

/* A number that is a result has a value of its own. */
static bool leaf_values(ks__inner *inner)
{
    for (uint32_t k = 0; k < inner->wanted_count; k++) {
        if (inner->wanted[k]->op->flags & KS_OP_NUMBER && !ks_eval(inner->wanted[k]))
            return false;
    }
    return true;
}

static bool make_plan(ks__inner *inner, bool train)
{
    inner->plan = ks__inner_plan(inner->graph, inner->wanted, inner->wanted_count, train ? KS_TRAIN : KS_INFER);
    if (!inner->plan)
        return false;
    inner->own_count = inner->plan->own_count;
    inner->results = zeroed(inner->host, inner->own_count, sizeof *inner->results);
    inner->blocks = zeroed(inner->host, inner->own_count, sizeof *inner->blocks);
    if (!inner->results || !inner->blocks)
        return false;
    for (uint32_t i = 0; i < inner->input_count; i++)
        inner->bytes += is_small(inner->arguments[i].bytes) ? ROOM(inner->arguments[i].bytes) : 0;
    for (uint32_t i = 0; i < inner->own_count; i++) {
        inner->blocks[i] = &inner->results[i];
        set_block(&inner->results[i], inner->plan->owns[i].bytes);
        inner->bytes += is_small(inner->results[i].bytes) ? ROOM(inner->results[i].bytes) : 0;
    }
    for (uint32_t k = 0; k < inner->wanted_count; k++) {
        if (!ks__inner_owns(inner->plan, inner->wanted[k], &inner->own[k]))
            inner->own[k] = KS__NONE;
    }
    inner->bytes += ks__inner_workspace(inner->plan);
    return true;
}

static bool make(ks__inner *inner, const ks_function *f, const ks_tensor *arguments, const uint32_t *wanted, bool train,
                 ks_failure *failure)
{
    ks_graph *host = inner->host;
    inner->inputs = zeroed(host, inner->input_count, sizeof *inner->inputs);
    inner->wanted = zeroed(host, inner->wanted_count, sizeof *inner->wanted);
    inner->arguments = zeroed(host, inner->input_count, sizeof *inner->arguments);
    inner->own = zeroed(host, inner->wanted_count, sizeof *inner->own);
    bool room = inner->inputs && inner->wanted && inner->arguments && inner->own;
    if (!room || !(inner->graph = graph_like(inner)))
        return ks__fail(failure, KS_NO_MEMORY, "no memory to make '%s' ready", f->name);
    if (make_copy(inner, f, arguments, wanted) && leaf_values(inner) && make_plan(inner, train))
        return true;
    const ks_failure *why = &inner->graph->failure;
    return ks__fail(failure, why->code ? why->code : KS_NO_MEMORY, "in '%s': %s", f->name, why->code ? why->message : "no memory");
}

ks__inner *ks__inner_new(ks_graph *host, const ks_function *f, const ks_tensor *arguments, const uint32_t *wanted, uint32_t count,
                         bool train, ks_failure *failure)
{
    ks__inner *inner = zeroed(host, 0, sizeof *inner);
    if (!inner) {
        ks__fail_memory(failure, sizeof *inner);
        return NULL;
    }
    *inner = (ks__inner){.host = host, .input_count = f->input_count, .wanted_count = count};
    if (make(inner, f, arguments, wanted, train, failure))
        return inner;
    ks__inner_free(inner);
    return NULL;
}

/* ---- running ------------------------------------------------------------------------------------------- */

size_t ks__inner_bytes(const ks__inner *inner)
{
    return inner->bytes;
}

/* Lays the small places out in the workspace. */
static char *lay_out(ks__block *blocks, uint32_t count, char *at)
{
    for (uint32_t i = 0; i < count; i++) {
        blocks[i].roomy = is_small(blocks[i].bytes);
        if (!blocks[i].roomy)
            continue;
        blocks[i].data = at;
        at += ROOM(blocks[i].bytes);
    }
    return at;
}

void ks__inner_open(ks__inner *inner, const ks_call *call, uint64_t stream, char *workspace, bool alone)
{
    ks_graph *g = inner->graph;
    g->options.parallel_for = alone ? ks__serially : call->parallel_for;
    g->options.parallel_user = alone ? NULL : call->parallel_user;
    g->options.cancel = alone ? NULL : inner->host->options.cancel;
    g->options.seed = call->seed ^ (stream + 1) * 0x9e3779b97f4a7c15u;
    inner->step = call->step;
    inner->arena = lay_out(inner->results, inner->own_count, lay_out(inner->arguments, inner->input_count, workspace));
    inner->plan->arena = NULL; /* places are found anew */
}

void ks__inner_give(ks__inner *inner, uint32_t i, const void *data)
{
    ks__block *block = &inner->arguments[i];
    if (!block->roomy)
        block->data = (void *)(uintptr_t)data;
    else if (block->bytes)
        memcpy(block->data, data, block->bytes);
}

void ks__inner_aim(ks__inner *inner, uint32_t k, void *data)
{
    if (inner->own[k] != KS__NONE && !inner->results[inner->own[k]].roomy)
        inner->results[inner->own[k]].data = data;
}

bool ks__inner_step(ks__inner *inner, uint64_t index, ks_failure *failure)
{
    ks_graph *g = inner->graph;
    g->step = inner->step + index * 0xbf58476d1ce4e5b9u; /* the index keys the random numbers of a loop's steps and a map's rows */
    if (ks__inner_run(g, inner->plan, inner->arena, inner->blocks))
        return true;
    const ks_failure *why = &g->failure;
    ks__fail(failure, why->code ? why->code : KS_NO_MEMORY, "%s", why->code ? why->message : "no memory");
    g->failure.code = KS_OK;
    return false;
}

static const void *result(const ks__inner *inner, uint32_t k)
{
    return inner->own[k] == KS__NONE ? inner->wanted[k]->value->block->data : inner->results[inner->own[k]].data;
}

const void *ks__inner_result(const ks__inner *inner, uint32_t k)
{
    return result(inner, k);
}

void ks__inner_take(const ks__inner *inner, uint32_t k, void *data)
{
    const void *from = result(inner, k);
    size_t bytes = ks__inner_result_bytes(inner, k);
    if (from != data && bytes)
        memcpy(data, from, bytes);
}

const ks__dims *ks__inner_dims(const ks__inner *inner, uint32_t k)
{
    const ks_node *node = inner->wanted[k];
    return inner->own[k] == KS__NONE ? node->value->dims : inner->plan->locals[inner->plan->owns[inner->own[k]].fetch].dims;
}

size_t ks__inner_result_bytes(const ks__inner *inner, uint32_t k)
{
    return (size_t)ks__inner_dims(inner, k)->count * ks_dtype_size((ks_dtype)inner->wanted[k]->dtype);
}
