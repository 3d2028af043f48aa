/*
 * engine/collect.c - which nodes a request needs, and which of them are known already.
 *
 * A walk with a stack of its own goes from the targets towards the leaves and stops at values that are known to be valid.
 */
#include "engine/engine.h"

#include <string.h>

/* Whether the walk need not look behind this node. */
static bool known(const ks_graph *g, const ks_node *node, bool fresh)
{
    if (node->op->flags & KS_OP_LEAF)
        return true;
    return !fresh && node->value && node->checked == g->epoch && !(node->op->flags & KS_OP_EFFECT);
}

/* The list is its own stack of what is still to be looked at: everything in it is looked at once, in the order of its finding. */
static bool reach(ks_graph *g, const ks__request *request, ks__walk *walk)
{
    for (uint32_t i = 0; i < request->target_count; i++) {
        if (!ks__list_add(g, &walk->list, request->targets[i]))
            return false;
    }
    for (uint32_t i = 0; i < request->effect_count; i++) {
        if (!ks__list_add(g, &walk->list, request->effects[i]))
            return false;
    }
    for (uint32_t i = 0; i < walk->list.count; i++) {
        ks_node *node = walk->list.nodes[i];
        if (known(g, node, request->fresh) && !KS__HAS(node->op, results)) /* a further result may be missing */
            continue;
        ks_node *const *inputs = ks__inputs(node);
        for (uint32_t k = 0; k < node->n; k++) {
            if (!ks__list_add(g, &walk->list, inputs[k]))
                return false;
        }
    }
    return true;
}

/* What a node hangs on: the epoch of the newest of it, and whether the mode of the run is among it. */
typedef struct basis {
    uint64_t newest;
    bool mode;
} basis;

static basis basis_of(const ks_graph *g, const ks_node *node, const basis *known_bases)
{
    basis own = {node->checked ? 0 : node->changed,
                 ks__flags(node) & KS_OP_MODE}; /* a node whose attributes changed is itself what is new */
    ks_node *const *inputs = ks__inputs(node);
    for (uint32_t k = 0; k < node->n; k++) {
        const basis *input = &known_bases[inputs[k]->local];
        own.newest = input->newest > own.newest ? input->newest : own.newest;
        own.mode = own.mode || input->mode;
    }
    if ((ks__flags(node) & KS_OP_RANDOM) && g->random_epoch > own.newest)
        own.newest = g->random_epoch;
    return own;
}

/* Nothing under it changed since it was computed. What a run fetched is as of that run: another mode does not make it stale. */
static bool is_valid(const ks_graph *g, const ks_node *node, const basis *own)
{
    bool mode_holds = !own->mode || (node->flags & KS__FETCHED) || g->mode_epoch <= node->changed;
    return node->value && own->newest <= node->changed && mode_holds;
}

/* Says of each node whether its value is valid. */
static bool validate(ks_graph *g, const ks__request *request, ks__walk *walk)
{
    basis *bases = ks__get(g, (walk->list.count + 1) * sizeof *bases);
    if (!bases)
        return false;
    for (uint32_t i = 0; i < walk->list.count; i++) {
        ks_node *node = walk->list.nodes[i];
        walk->roles[i] = KS__ROLE_MADE;
        bases[i] = (basis){UINT64_MAX, false};
        if (node->op->flags & KS_OP_NUMBER) {
            walk->roles[i] = KS__ROLE_NUMBER;
            bases[i].newest = node->changed;
        } else if (known(g, node, request->fresh)) {
            walk->roles[i] = KS__ROLE_GIVEN;
            bases[i].newest = node->changed;
        } else if (!(node->op->flags & KS_OP_EFFECT)) {
            basis own = basis_of(g, node, bases);
            if (!request->fresh && is_valid(g, node, &own)) {
                node->checked = g->epoch & KS__EPOCHS;
                walk->roles[i] = KS__ROLE_GIVEN;
                bases[i].newest = node->changed;
            } else {
                bases[i] = node->value ? (basis){UINT64_MAX, own.mode} : own;
            }
        }
    }
    ks__put(g, bases, (walk->list.count + 1) * sizeof *bases);
    return true;
}

static bool takes_shapes(const ks_op *op)
{
    const char *c = op->types;
    while (*c && *c != 'S')
        c++;
    return *c;
}

/* From the back: what a missing node reads is wanted; what nobody wants is dropped. */
static bool wanted(ks_graph *g, const ks__request *request, ks__walk *walk)
{
    uint8_t *want = ks__get(g, walk->list.count + 1); /* 1: shape, 2: value */
    if (!want)
        return false;
    memset(want, 0, walk->list.count + 1);
    for (uint32_t i = 0; i < request->target_count; i++)
        want[request->targets[i]->local] = 2;
    for (uint32_t i = 0; i < request->effect_count; i++)
        want[request->effects[i]->local] = 2;
    for (uint32_t i = walk->list.count; i-- > 0;) {
        ks_node *node = walk->list.nodes[i];
        if (!want[i] || walk->roles[i] == KS__ROLE_GIVEN || walk->roles[i] == KS__ROLE_NUMBER)
            continue;
        if (want[i] == 1)
            walk->roles[i] = KS__ROLE_SHAPE;
        ks_node *const *inputs = ks__inputs(node);
        if (node->op->flags & KS_OP_RESULT) /* comes from its head's kernel only */
            walk->roles[inputs[0]->local] = KS__ROLE_MADE;
        bool shapes = takes_shapes(node->op);
        for (uint32_t k = 0; k < node->n; k++) {
            uint8_t need = want[i] == 2 && !(shapes && ks__input_letter(node->op, k) == 'S') ? 2 : 1;
            if (need > want[inputs[k]->local])
                want[inputs[k]->local] = need;
        }
    }
    uint32_t kept = 0;
    for (uint32_t i = 0; i < walk->list.count; i++) {
        if (!want[i])
            continue;
        walk->list.nodes[kept] = walk->list.nodes[i];
        walk->roles[kept] = walk->roles[i];
        walk->list.nodes[kept]->local = kept;
        kept++;
    }
    uint32_t before = walk->list.count;
    walk->list.count = kept;
    ks__put(g, want, before + 1);
    return true;
}

bool ks__collect(ks_graph *g, const ks__request *request, ks__walk *walk)
{
    if (!reach(g, request, walk))
        return false;
    if (!ks__list_sort(g, &walk->list))
        return false;
    walk->roles = ks__get(g, walk->list.capacity);
    return walk->roles && validate(g, request, walk) && wanted(g, request, walk);
}

void ks__walk_free(ks_graph *g, ks__walk *walk)
{
    ks__put(g, walk->roles, walk->list.capacity);
    ks__list_free(g, &walk->list);
    *walk = (ks__walk){0};
}
