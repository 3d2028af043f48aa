/*
 * engine/rules.c - what a graph and a plan must look like, as tables of rules.
 *
 * A rule looks at one node, or one local of a plan, and says whether it is as it must be. The words of a rule are its message.
 */
#include "engine/rules.h"

/* ---- the graph ----------------------------------------------------------------------------------------- */

typedef struct graph_rule {
    const char *says;
    bool (*holds)(ks_graph *g, const ks_node *node);
} graph_rule;

static bool inputs_come_before(ks_graph *g, const ks_node *node)
{
    (void)g;
    for (uint32_t k = 0; k < node->n; k++) {
        const ks_node *input = ks__inputs(node)[k];
        if (!(input->flags & KS__VARIABLE) && input->id >= node->id)
            return false;
    }
    return true;
}

static bool inputs_are_of_the_graph(ks_graph *g, const ks_node *node)
{
    for (uint32_t k = 0; k < node->n; k++) {
        const ks_node *input = ks__inputs(node)[k];
        const ks__stack *stack = input->flags & KS__VARIABLE ? &g->variables : &g->nodes;
        if (input->graph != g || input->id >= stack->extent || ks__stack_at(stack, input->id) != input)
            return false;
    }
    return true;
}

static bool leaves_have_no_inputs(ks_graph *g, const ks_node *node)
{
    (void)g;
    return !(node->op->flags & KS_OP_LEAF) || node->n == 0;
}

static bool variables_are_variables(ks_graph *g, const ks_node *node)
{
    (void)g;
    return !(node->flags & KS__VARIABLE) == !(node->op->flags & KS_OP_VARIABLE);
}

static bool value_fits_declaration(ks_graph *g, const ks_node *node)
{
    (void)g;
    if (!node->value || node->op->flags & KS_OP_NUMBER)
        return true;
    const ks_shape *declared = &node->dims->shape, *is = &node->value->dims->shape;
    for (int i = 0; i < declared->rank && declared->rank == is->rank; i++) {
        if (declared->dim[i] >= 0 && declared->dim[i] != is->dim[i])
            return false;
    }
    return declared->rank == is->rank;
}

static bool value_has_room(ks_graph *g, const ks_node *node)
{
    (void)g;
    const ks__value *value = node->value;
    return !value || (value->block && value->dims->count >= 0 &&
                      value->block->bytes >= (size_t)value->dims->count * ks_dtype_size((ks_dtype)node->dtype));
}

static bool partials_are_of_the_graph(ks_graph *g, const ks_node *node)
{
    for (uint32_t k = 0; node->aside && node->aside->partials && k < node->n; k++) {
        const ks_node *partial = node->aside->partials[k];
        if (partial && !(partial->flags & KS__VARIABLE) && (partial->id >= g->nodes.extent || partial->graph != g))
            return false;
    }
    return true;
}

static bool name_is_in_the_table(ks_graph *g, const ks_node *node)
{
    if (!node->aside || !node->aside->name)
        return true;
    ks__aside *found;
    HASH_FIND_STR(g->names, node->aside->name, found);
    return found == node->aside && found->node == node;
}

static const graph_rule graph_rules[] = {
    {"its inputs are variables or come before it", inputs_come_before},
    {"its inputs belong to its graph", inputs_are_of_the_graph},
    {"a leaf has no inputs", leaves_have_no_inputs},
    {"variables, and only they, stand in the list of variables", variables_are_variables},
    {"its value has the declared shape", value_fits_declaration},
    {"its value has room for its elements", value_has_room},
    {"its cached partials belong to its graph", partials_are_of_the_graph},
    {"its name leads to it", name_is_in_the_table},
};

static bool node_holds(ks_graph *g, const ks_node *node)
{
    for (size_t r = 0; r < sizeof graph_rules / sizeof *graph_rules; r++) {
        if (!graph_rules[r].holds(g, node))
            return ks__refuse(g, KS_BAD_ARGUMENT, KS__NOWHERE, "broken rule of graphs at %s %u: %s", node->op->name, node->id,
                              graph_rules[r].says);
    }
    return true;
}

bool ks__graph_holds(ks_graph *g)
{
    for (uint32_t i = 0; i < g->variables.extent; i++) {
        if (!node_holds(g, ks__stack_at(&g->variables, i)))
            return false;
    }
    for (uint32_t i = 0; i < g->nodes.extent; i++) {
        if (!node_holds(g, ks__stack_at(&g->nodes, i)))
            return false;
    }
    return true;
}

/* ---- plans --------------------------------------------------------------------------------------------- */

typedef struct plan_rule {
    ks__stage from;
    const char *says;
    bool (*holds)(const ks__plan *plan, uint32_t i);
} plan_rule;

static bool is_computed(const ks__plan *plan, uint32_t i)
{
    const ks__local *local = &plan->locals[i];
    return local->needed && local->same == i && local->role == KS__ROLE_MADE;
}

static bool positions_rise(const ks__plan *plan, uint32_t i)
{
    const ks__local *local = &plan->locals[i];
    for (uint32_t k = 0; k < local->n; k++) {
        if (local->inputs[k] >= i)
            return false;
    }
    return true;
}

static bool dims_are_numbers(const ks__plan *plan, uint32_t i)
{
    return plan->locals[i].dims && plan->locals[i].dims->count >= 0;
}

static bool stands_for_itself(const ks__plan *plan, uint32_t i)
{
    uint32_t same = plan->locals[i].same;
    return same <= i && plan->locals[same].same == same && plan->locals[same].dims == plan->locals[i].dims &&
           plan->locals[same].dtype == plan->locals[i].dtype;
}

static bool read_is_needed(const ks__plan *plan, uint32_t i)
{
    const ks__local *local = &plan->locals[i];
    for (uint32_t k = 0; is_computed(plan, i) && k < local->n; k++) {
        const ks__local *input = &plan->locals[local->inputs[k]];
        if (ks__reads(local, k) && input->role == KS__ROLE_MADE && !input->needed)
            return false;
    }
    return true;
}

static bool written_before_read(const ks__plan *plan, uint32_t i)
{
    const ks__local *local = &plan->locals[i];
    for (uint32_t k = 0; is_computed(plan, i) && local->memory == i && k < local->n; k++) {
        const ks__local *root = &plan->locals[plan->locals[local->inputs[k]].memory];
        if (!ks__reads(local, k) || root->role != KS__ROLE_MADE)
            continue;
        bool together = root->step == local->step && !root->total &&
                        (plan->steps[local->step].kind != KS__STEP_KERNEL || local->node->op->flags & KS_OP_RESULT);
        if (root->step == KS__NONE || !(root->step < local->step || together))
            return false;
    }
    return !is_computed(plan, i) || local->memory != i || local->step != KS__NONE;
}

static bool lives_until_read(const ks__plan *plan, uint32_t i)
{
    const ks__local *local = &plan->locals[i];
    for (uint32_t k = 0; is_computed(plan, i) && local->memory == i && k < local->n; k++) {
        const ks__local *root = &plan->locals[plan->locals[local->inputs[k]].memory];
        if (ks__reads(local, k) && root->role == KS__ROLE_MADE && root->last < local->step)
            return false;
    }
    return true;
}

static bool has_a_home(const ks__plan *plan, uint32_t i)
{
    const ks__local *local = &plan->locals[i];
    bool in_memory = is_computed(plan, i) && local->memory == i && !local->inside;
    return !in_memory || local->home == KS__HOME_ARENA || local->home == KS__HOME_OWN;
}

static uint64_t end_of(const ks__local *local)
{
    return local->offset + (uint64_t)local->dims->count * ks_dtype_size((ks_dtype)local->dtype);
}

static bool shares_no_bytes(const ks__plan *plan, uint32_t i)
{
    const ks__local *a = &plan->locals[i];
    for (uint32_t j = 0; a->home == KS__HOME_ARENA && a->memory == i && j < i; j++) {
        const ks__local *b = &plan->locals[j];
        if (b->home != KS__HOME_ARENA || b->memory != j)
            continue;
        bool same_time = a->step <= b->last && b->step <= a->last;
        if (same_time && a->offset < end_of(b) && b->offset < end_of(a))
            return false;
    }
    return true;
}

static bool lies_in_the_arena(const ks__plan *plan, uint32_t i)
{
    const ks__local *local = &plan->locals[i];
    return local->home != KS__HOME_ARENA || local->memory != i || (local->offset % 64 == 0 && end_of(local) <= plan->arena_bytes);
}

static const plan_rule plan_rules[] = {
    {KS__STAGE_LISTED, "its inputs stand before it", positions_rise},
    {KS__STAGE_LISTED, "its dimensions are numbers", dims_are_numbers},
    {KS__STAGE_SHARED, "what stands for it has its shape and dtype and stands for itself", stands_for_itself},
    {KS__STAGE_SHARED, "what it reads is computed", read_is_needed},
    {KS__STAGE_FUSED, "what it reads is written before", written_before_read},
    {KS__STAGE_FUSED, "what it reads lives until then", lives_until_read},
    {KS__STAGE_PLACED, "what leaves its step has a place in memory", has_a_home},
    {KS__STAGE_PLACED, "it lies inside the arena, aligned", lies_in_the_arena},
    {KS__STAGE_PLACED, "it shares no bytes with what lives at the same time", shares_no_bytes},
};

bool ks__plan_holds(ks_graph *g, const ks__plan *plan, ks__stage stage)
{
    for (size_t r = 0; r < sizeof plan_rules / sizeof *plan_rules; r++) {
        bool quadratic = plan_rules[r].holds == shares_no_bytes && plan->count > 4096;
        for (uint32_t i = 0; plan_rules[r].from <= stage && !quadratic && i < plan->count; i++) {
            if (!plan_rules[r].holds(plan, i))
                return ks__refuse(g, KS_BAD_ARGUMENT, KS__NOWHERE, "broken rule of plans at %s '%s': %s", plan->locals[i].node->op->name,
                                  ks_name(plan->locals[i].node), plan_rules[r].says);
        }
    }
    return true;
}
