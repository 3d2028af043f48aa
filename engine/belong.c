/*
 * engine/belong.c - effects that belong to nodes.
 *
 * An effect that a node has among the inputs of which it takes the shape only belongs to that node: whoever asks a training run for
 * effects gets it too, where the run computes the node. So what moves a running statistic goes with the node that goes by it: it is
 * copied, saved and recognised as any input is.
 */
#include "engine/engine.h"

#include <string.h>

/* Whether input k of the node is an effect of its own. */
static bool belongs(const ks_node *node, uint32_t k)
{
    return (ks__inputs(node)[k]->op->flags & KS_OP_EFFECT) && ks__input_letter(node->op, k) == 'S';
}

/* Each effect once: those asked for are marked, and so is what was added. */
static uint32_t add_all(ks_node **effects, uint32_t count, const ks__list *list)
{
    for (uint32_t i = 0; i < count; i++)
        effects[i]->flags |= KS__NOTED;
    for (uint32_t i = 0; i < list->count; i++) {
        const ks_node *node = list->nodes[i];
        for (uint32_t k = 0; k < node->n; k++) {
            ks_node *input = ks__inputs(node)[k];
            if (belongs(node, k) && !(input->flags & KS__NOTED)) {
                input->flags |= KS__NOTED;
                effects[count++] = input;
            }
        }
    }
    for (uint32_t i = 0; i < count; i++)
        effects[i]->flags &= (uint8_t)~KS__NOTED;
    return count;
}

static bool reach(ks_graph *g, const ks__request *request, ks__list *list)
{
    bool good = true;
    for (uint32_t i = 0; good && i < request->target_count; i++)
        good = ks__list_add(g, list, request->targets[i]);
    for (uint32_t i = 0; good && i < request->effect_count; i++)
        good = ks__list_add(g, list, request->effects[i]);
    for (uint32_t i = 0; good && i < list->count; i++) {
        for (uint32_t k = 0; good && k < list->nodes[i]->n; k++)
            good = ks__list_add(g, list, ks__inputs(list->nodes[i])[k]);
    }
    return good && ks__list_sort(g, list);
}

bool ks__with_own_effects(ks_graph *g, const ks__request *request, ks__request *whole)
{
    ks__list list = {0};
    uint32_t most = request->effect_count;
    *whole = *request;
    whole->room = 0;
    if (!request->fresh || request->mode != KS_TRAIN || !request->effect_count)
        return true;
    bool good = reach(g, request, &list);
    for (uint32_t i = 0; good && i < list.count; i++)
        most += (list.nodes[i]->op->flags & KS_OP_EFFECT) != 0;
    ks_node **effects = good ? ks__get(g, most * sizeof *effects) : NULL;
    if (effects) {
        memcpy(effects, request->effects, request->effect_count * sizeof *effects);
        whole->effects = effects;
        whole->effect_count = add_all(effects, request->effect_count, &list);
        whole->room = most * sizeof *effects;
    }
    ks__list_free(g, &list);
    return effects != NULL;
}

void ks__own_effects_free(ks_graph *g, ks__request *whole)
{
    if (whole->room)
        ks__put(g, (void *)(uintptr_t)whole->effects, whole->room);
    whole->room = 0;
}
