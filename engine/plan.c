/*
 * engine/plan.c - from collected nodes to a plan: the list of its nodes, concrete dims for all, and the passes in their order.
 *
 * The plan's own list of nodes carries positions, never pointers, wherever structure is meant, so that a plan is found again for
 * other nodes of the same structure.
 */
#include "engine/rules.h"

#include <stdio.h>
#include <string.h>

/* ---- memory of a plan ---------------------------------------------------------------------------------- */

#define SLAB_BYTES 4096u
#define SLAB_HEAD  ((sizeof(ks__slab) + 63) & ~(size_t)63)

static bool open_slab(ks_graph *g, ks__plan *plan, size_t room)
{
    ks__slab *slab = ks__get(g, room);
    if (!slab)
        return false;
    *slab = (ks__slab){plan->memory, room};
    plan->memory = slab;
    plan->used = SLAB_HEAD;
    return true;
}

/* The first slab is of about the size that the plan will need in all: most plans are one block of memory. */
static bool open_memory(ks_graph *g, ks__plan *plan, const ks__walk *walk)
{
    size_t edges = 0, count = walk->list.count;
    for (size_t i = 0; i < count; i++)
        edges += walk->list.nodes[i]->n;
    size_t node = sizeof(ks__local) + 4 * sizeof(uint64_t) /* signature */ + sizeof(void *) + sizeof(uint32_t) + sizeof(ks__scalar_op);
    size_t edge = sizeof(uint32_t) + sizeof(uint64_t);
    return open_slab(g, plan, SLAB_HEAD + SLAB_BYTES / 4 + count * node + edges * edge);
}

void *ks__plan_raw(ks_graph *g, ks__plan *plan, size_t bytes)
{
    size_t size = (bytes + 15) & ~(size_t)15;
    if (plan->used + size > plan->memory->bytes && !open_slab(g, plan, size + SLAB_HEAD > SLAB_BYTES ? size + SLAB_HEAD : SLAB_BYTES))
        return NULL;
    void *memory = (char *)plan->memory + plan->used;
    plan->used += size;
    return memory;
}

void *ks__plan_get(ks_graph *g, ks__plan *plan, size_t bytes)
{
    void *memory = ks__plan_raw(g, plan, bytes);
    return memory && bytes ? memset(memory, 0, bytes) : memory;
}

void ks__plan_free(ks_graph *g, ks__plan *plan)
{
    for (uint32_t s = 0; s < plan->step_count; s++) {
        ks__step *step = &plan->steps[s];
        if (step->kind == KS__STEP_KERNEL && step->u.kernel.prepared)
            step->u.kernel.release(step->u.kernel.prepared);
    }
    for (uint32_t i = 0; i < plan->own_count; i++) {
        if (plan->owns[i].block) {
            g->statistics.bytes_live -= sizeof(ks__block) + plan->owns[i].block->bytes;
            ks__block_put(plan->owns[i].block);
        }
    }
    ks__put(g, plan->steps, plan->step_capacity * sizeof *plan->steps);
    for (ks__slab *slab = plan->memory, *next; slab; slab = next) {
        next = slab->next;
        ks__put(g, slab, slab->bytes);
    }
    ks__put(g, plan, sizeof *plan);
}

/* ---- concrete shapes ----------------------------------------------------------------------------------- */

/* What each symbol stands for in this run; 0 unknown, else size + 1. */
typedef struct sizes {
    int64_t *size;
    ks_node **by;
} sizes;

static bool bind_leaf(ks_graph *g, sizes *known, ks_node *leaf)
{
    const ks_shape *declared = &leaf->dims->shape, *given = &leaf->value->dims->shape;
    for (int i = 0; i < declared->rank; i++) {
        if (declared->dim[i] >= 0)
            continue;
        int64_t k = -declared->dim[i] - 1;
        if (!known->by[k]) {
            known->by[k] = leaf;
            known->size[k] = given->dim[i];
        } else if (known->size[k] != given->dim[i]) {
            return ks__refuse(g, KS_BAD_SHAPE, ks_node_place(leaf), "'%s' is %lld in '%s' but %lld in '%s': feed them alike",
                              ks_dim_name(g, declared->dim[i]), (long long)known->size[k], ks_name(known->by[k]), (long long)given->dim[i],
                              ks_name(leaf));
        }
    }
    return true;
}

static bool missing_value(ks_graph *g, ks_node *node)
{
    if (node->op->flags & KS_OP_FED)
        return ks__refuse(g, KS_NOT_FED, ks_node_place(node), "input '%s' has no data: ks_feed it before the run", ks_name(node));
    return ks__refuse(g, KS_NOT_FED, ks_node_place(node), "variable '%s' has no value: ks_set it, load it, or give it an initialiser",
                      ks_name(node));
}

/* Weights that a run without training needs and nobody set: they are drawn, which is worth a word. */
static void say_undrawn(ks_graph *g, const ks__walk *walk)
{
    const ks_node *first = NULL;
    uint32_t others = 0;
    for (uint32_t i = 0; i < walk->list.count; i++) {
        const ks_node *node = walk->list.nodes[i];
        if (walk->roles[i] != KS__ROLE_GIVEN || node->value || !ks_is_trainable(node) || ks_variable_init(node).kind == KS_INIT_NONE)
            continue;
        others += first != NULL;
        first = first ? first : node;
    }
    if (first && others)
        ks__log(g, "'%s' and %u more were never trained or loaded: they are drawn by their initialisers", ks_name(first), others);
    else if (first)
        ks__log(g, "'%s' was never trained or loaded: it is drawn by its initialiser", ks_name(first));
}

static bool given_dims(ks_graph *g, ks__plan *plan, const ks__walk *walk)
{
    if (g->options.on_log && plan->fresh && !plan->effect_count)
        say_undrawn(g, walk);
    sizes known = {ks__get(g, (g->symbol_count + 1) * sizeof(int64_t)), ks__get(g, (g->symbol_count + 1) * sizeof(ks_node *))};
    bool good = known.size && known.by;
    if (good)
        memset(known.by, 0, (g->symbol_count + 1) * sizeof(ks_node *));
    for (uint32_t i = 0; good && i < walk->list.count; i++) {
        ks_node *node = walk->list.nodes[i];
        if (walk->roles[i] != KS__ROLE_GIVEN)
            continue;
        if (!node->value && (node->op->flags & KS_OP_VARIABLE) && !ks__draw(node))
            good = g->failure.code == KS_OK || g->failure.code != KS_NO_MEMORY ? missing_value(g, node) : false;
        else if (!node->value)
            good = missing_value(g, node);
        else
            good = !(node->op->flags & KS_OP_FED) || bind_leaf(g, &known, node);
        if (good)
            plan->locals[i].dims = node->value->dims;
    }
    ks__put(g, known.size, (g->symbol_count + 1) * sizeof(int64_t));
    ks__put(g, known.by, (g->symbol_count + 1) * sizeof(ks_node *));
    return good;
}

static bool say_shapes(ks_graph *g, const ks__plan *plan, uint32_t i, const ks_failure *failure)
{
    /* The rule's message names inputs by {0}: here with the sizes that were fed. */
    char text[KS_MESSAGE_BYTES], shape[KS__SHAPE_TEXT];
    const ks__local *local = &plan->locals[i];
    size_t at = 0;
    for (const char *c = failure->message; *c && at + 200 < sizeof text; c++) {
        uint32_t k = (uint32_t)(*c == '{' && c[1] && c[2] == '}' ? c[1] - '0' : 99);
        if (k < local->n) {
            const ks__local *input = &plan->locals[local->inputs[k]];
            at += (size_t)snprintf(text + at, sizeof text - at, "'%.80s' is %s", ks_name(input->node),
                                   ks__shape_text(g, &input->dims->shape, shape));
            c += 2;
        } else {
            text[at++] = *c;
        }
    }
    text[at] = 0;
    return ks__refuse(g, failure->code, ks_node_place(local->node), "%s '%s': %s", local->node->op->name, ks_name(local->node), text);
}

static bool made_dims(ks_graph *g, ks__plan *plan, uint32_t i)
{
    ks__local *local = &plan->locals[i];
    ks_node *node = local->node;
    if (node->dims->count >= 0) {
        local->dims = node->dims; /* nothing open: as composed */
        bool closed = true;
        for (uint32_t k = 0; k < local->n; k++)
            closed = closed && ks__inputs(node)[k]->dims->count >= 0;
        if (closed)
            return true;
    }
    const ks_shape *few_shapes[16], **shapes = few_shapes;
    ks_dtype few_dtypes[16], *dtypes = few_dtypes, dtype;
    const ks_node *head = ks__head(node);
    const ks__local *from = head == node ? local : &plan->locals[local->inputs[0]];
    if (from->n > 16) {
        shapes = ks__plan_get(g, plan, from->n * sizeof *shapes);
        dtypes = ks__plan_get(g, plan, from->n * sizeof *dtypes);
        if (!shapes || !dtypes)
            return false;
    }
    for (uint32_t k = 0; k < from->n; k++) {
        shapes[k] = &plan->locals[from->inputs[k]].dims->shape;
        dtypes[k] = ks__input_dtype(head, k);
    }
    ks_shape out;
    ks_failure failure;
    ks__fail_nothing(&failure);
    if (!ks__infer(g, head->op, shapes, dtypes, from->n, ks__attrs(head), ks__dtype_t(head), ks__result_index(node), &out, &dtype,
                   &failure))
        return failure.code ? say_shapes(g, plan, i, &failure) : false;
    local->dims = ks__dims_of(g, &out);
    if (!local->dims)
        return false;
    if (local->dims->count < 0)
        return ks__refuse(g, KS_BAD_SHAPE, ks_node_place(node), "%s '%s': its size stays open or is too large", node->op->name,
                          ks_name(node));
    return true;
}

/* ---- the list ------------------------------------------------------------------------------------------ */

/* What the letters of an operation say: which inputs' values are read, whether they are folded, whether the rule sets the dtype. */
typedef struct letters {
    const ks_op *op;
    uint32_t reads;
    bool folds, typed;
} letters;

static letters read_letters(const ks_op *op)
{
    letters l = {.op = op};
    uint32_t k = 0;
    char last = 0;
    const char *c = op->types;
    for (; *c && *c != '>'; c++) {
        l.folds = l.folds || *c == '+';
        if (*c == '+')
            continue;
        last = *c;
        if (k < 31 && last != 'S')
            l.reads |= 1u << k;
        k++;
    }
    if (last != 'S') /* the last letter repeats */
        l.reads |= k < 32 ? ~0u << k : 1u << 31;
    l.typed = *c && c[1] == 'D';
    return l;
}

/* A plan has many nodes of few operations: the letters of each are read about once. */
#define FEW_OPS 32
static void set_letters(letters *met, ks__local *local)
{
    const ks_op *op = local->node->op;
    letters *l = &met[(uintptr_t)op / 64 % FEW_OPS];
    if (l->op != op)
        *l = read_letters(op);
    local->reads = l->reads;
    local->folds = l->folds;
    local->typed = l->typed;
}

static bool fill_locals(ks_graph *g, ks__plan *plan, const ks__walk *walk)
{
    uint32_t count = walk->list.count;
    size_t edges = 0;
    bool keep = g->options.keep_all;
    letters met[FEW_OPS] = {{NULL}};
    for (uint32_t i = 0; i < count; i++)
        edges += walk->list.nodes[i]->n;
    plan->count = count;
    plan->locals = ks__plan_raw(g, plan, ((size_t)count + 1) * sizeof *plan->locals);
    uint32_t *inputs = ks__plan_raw(g, plan, (edges + 1) * sizeof *inputs);
    if (!plan->locals || !inputs)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        ks__local *local = &plan->locals[i];
        ks_node *node = walk->list.nodes[i];
        bool made = walk->roles[i] == KS__ROLE_MADE || walk->roles[i] == KS__ROLE_SHAPE;
        *local = (ks__local){.node = node,
                             .dims = node->dims,
                             .n = made ? node->n : 0,
                             .same = i,
                             .memory = i,
                             .step = KS__NONE,
                             .role = walk->roles[i],
                             .own = KS__NONE,
                             .inside = true,
                             .target = (keep || node->flags & KS__KEEP) && walk->roles[i] == KS__ROLE_MADE,
                             .read_as = 1u << KS_F32,
                             .dtype = (uint8_t)node->dtype,
                             .inputs = inputs};
        for (uint32_t k = 0; k < local->n; k++) {
            uint32_t input = *inputs++ = ks__inputs(node)[k]->local;
            if (walk->roles[input] == KS__ROLE_NUMBER)
                plan->locals[input].read_as |= (uint8_t)(1u << ks__input_dtype(node, k));
        }
        if (made)
            set_letters(met, local);
        if (!(node->flags & KS__VARIABLE) && node->id + 1 > plan->highest)
            plan->highest = node->id + 1;
    }
    return true;
}

static void mark_wanted(ks__plan *plan, const ks__request *request)
{
    for (uint32_t i = 0; i < request->target_count; i++)
        plan->locals[request->targets[i]->local].target = true;
    for (uint32_t i = 0; i < request->effect_count; i++)
        plan->locals[request->effects[i]->local].effect = true;
}

/* ---- leaves and numbers -------------------------------------------------------------------------------- */

static bool list_leaves(ks_graph *g, ks__plan *plan)
{
    uint32_t numbers = 0, leaves = 0;
    for (uint32_t i = 0; i < plan->count; i++) {
        numbers += plan->locals[i].role == KS__ROLE_NUMBER;
        leaves += plan->locals[i].role == KS__ROLE_GIVEN;
    }
    plan->leaves = ks__plan_raw(g, plan, (leaves + 1) * sizeof *plan->leaves);
    plan->reach = ks__plan_raw(g, plan, (leaves + 1) * sizeof *plan->reach);
    plan->numbers = ks__plan_raw(g, plan, (numbers + 1) * sizeof *plan->numbers);
    plan->number_reach = ks__plan_raw(g, plan, (numbers + 1) * sizeof *plan->number_reach);
    plan->cells = ks__plan_get(g, plan, (numbers + 1) * KS_DTYPES * sizeof *plan->cells);
    plan->cell_types = ks__plan_raw(g, plan, numbers + 1);
    plan->at = ks__plan_get(g, plan, (plan->count + 1) * sizeof *plan->at);
    if (!plan->leaves || !plan->reach || !plan->numbers || !plan->number_reach || !plan->cells || !plan->cell_types || !plan->at)
        return false;
    plan->true_leaves = true;
    for (uint32_t i = 0; i < plan->count; i++) {
        ks__local *local = &plan->locals[i];
        if (local->role == KS__ROLE_GIVEN) {
            plan->leaves[plan->leaf_count++] = i;
            local->home = KS__HOME_GIVEN;
            plan->true_leaves = plan->true_leaves && (local->node->op->flags & KS_OP_LEAF);
        } else if (local->role == KS__ROLE_NUMBER) {
            local->own = plan->number_count; /* which cells are its */
            plan->cell_types[plan->number_count] = local->read_as;
            plan->numbers[plan->number_count++] = i;
        } else if (local->needed && local->same == i && local->role == KS__ROLE_MADE) {
            plan->made++;
            plan->partials += (local->node->flags & KS__PARTIAL) != 0;
        }
    }
    return true;
}

/* Which targets hang on which leaf: one pass from the back. */
static bool find_reach(ks_graph *g, ks__plan *plan)
{
    uint64_t *reach = ks__get(g, (plan->count + 1) * sizeof *reach);
    if (!reach)
        return false;
    memset(reach, 0, (plan->count + 1) * sizeof *reach);
    for (uint32_t i = 0; i < plan->target_count; i++)
        reach[plan->targets[i]->local] |= (uint64_t)1 << (i % KS__REACH_BITS);
    for (uint32_t i = plan->count; i-- > 0;) {
        ks__local *local = &plan->locals[i];
        for (uint32_t k = 0; k < local->n; k++)
            reach[ks__inputs(local->node)[k]->local] |= reach[i];
        if (ks__flags(local->node) & KS_OP_RANDOM)
            plan->random_reach |= reach[i];
        if (ks__flags(local->node) & KS_OP_MODE)
            plan->mode_reach |= reach[i];
    }
    for (uint32_t i = 0; i < plan->leaf_count; i++)
        plan->reach[i] = reach[plan->leaves[i]];
    for (uint32_t i = 0; i < plan->number_count; i++)
        plan->number_reach[i] = reach[plan->numbers[i]];
    ks__put(g, reach, (plan->count + 1) * sizeof *reach);
    return true;
}

/* ---- making -------------------------------------------------------------------------------------------- */

static bool copy_request(ks_graph *g, ks__plan *plan, const ks__request *request)
{
    plan->mode = request->mode;
    plan->fresh = request->fresh;
    plan->targets = ks__plan_get(g, plan, (request->target_count + 1) * sizeof(ks_node *));
    plan->effects = ks__plan_get(g, plan, (request->effect_count + 1) * sizeof(ks_node *));
    if (!plan->targets || !plan->effects)
        return false;
    for (uint32_t i = 0; i < request->target_count; i++)
        plan->targets[plan->target_count++] = request->targets[i];
    for (uint32_t i = 0; i < request->effect_count; i++)
        plan->effects[plan->effect_count++] = request->effects[i];
    return true;
}

/* Another set of nodes of the same structure: attributes are read anew, positions stay. */
void ks__plan_bind(ks__plan *plan, const ks__request *request, const ks__walk *walk)
{
    plan->highest = 0;
    for (uint32_t i = 0; i < plan->count; i++) {
        ks_node *node = walk->list.nodes[i];
        plan->locals[i].node = node;
        if (!(node->flags & KS__VARIABLE) && node->id + 1 > plan->highest)
            plan->highest = node->id + 1;
    }
    for (uint32_t i = 0; i < plan->target_count; i++)
        plan->targets[i] = request->targets[i];
    for (uint32_t i = 0; i < plan->effect_count; i++)
        plan->effects[i] = request->effects[i];
    for (uint32_t s = 0; s < plan->step_count; s++) {
        ks__step *step = &plan->steps[s];
        for (uint32_t k = 0; step->kind == KS__STEP_TILES && k < step->count; k++)
            step->u.tiles.ops[k].attrs = ks__attrs(plan->locals[step->u.tiles.ops[k].local].node);
        for (uint32_t k = 0; step->kind == KS__STEP_SCALARS && k < step->u.scalars.rare_count; k++)
            step->u.scalars.rare[k].attrs = ks__attrs(plan->locals[step->u.scalars.rare[k].local].node);
    }
    plan->bound = true;
    plan->epoch = 0;
}

static ks__plan *find_equal(ks_graph *g, const ks__plan *plan)
{
    if (g->options.without & KS_CACHE)
        return NULL;
    for (ks__plan *other = g->engine->plans; other; other = other->next) {
        if (other->hash == plan->hash && other->signature_words == plan->signature_words &&
            !memcmp(other->signature, plan->signature, plan->signature_words * sizeof *plan->signature))
            return other;
    }
    return NULL;
}

/* In a torture build the rules are walked after every pass. */
static bool holds(ks_graph *g, const ks__plan *plan, ks__stage stage)
{
#ifdef KS_TORTURE
    return ks__plan_holds(g, plan, stage) && (stage != KS__STAGE_PLACED || ks__graph_holds(g));
#else
    (void)g;
    (void)plan;
    (void)stage;
    return true;
#endif
}

static bool compile(ks_graph *g, ks__plan *plan)
{
    if (!holds(g, plan, KS__STAGE_LISTED) || !ks__share(g, plan))
        return false;
    if (!holds(g, plan, KS__STAGE_SHARED) || !list_leaves(g, plan) || !find_reach(g, plan) || !ks__fuse(g, plan) ||
        !holds(g, plan, KS__STAGE_FUSED) || !ks__place(g, plan) || !holds(g, plan, KS__STAGE_PLACED))
        return false;
    g->statistics.plans_compiled++;
    plan->bound = true;
    return true;
}

ks__plan *ks__plan_make(ks_graph *g, const ks__request *request, const ks__walk *walk)
{
    ks__plan *plan = ks__get(g, sizeof *plan);
    if (!plan)
        return NULL;
    *plan = (ks__plan){.bound = false};
    bool good = open_memory(g, plan, walk) && copy_request(g, plan, request) && fill_locals(g, plan, walk) && given_dims(g, plan, walk);
    for (uint32_t i = 0; good && i < plan->count; i++) {
        if (plan->locals[i].role == KS__ROLE_MADE || plan->locals[i].role == KS__ROLE_SHAPE)
            good = made_dims(g, plan, i);
    }
    if (good) {
        mark_wanted(plan, request);
        good = ks__sign(g, plan);
    }
    ks__plan *equal = good ? find_equal(g, plan) : NULL;
    if (equal) {
        ks__plan_free(g, plan);
        ks__plan_bind(equal, request, walk);
        g->statistics.plans_reused++;
        return equal;
    }
    if (!good || !compile(g, plan)) {
        ks__plan_free(g, plan);
        return NULL;
    }
    return plan;
}
