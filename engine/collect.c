/*
 * engine/collect.c - which nodes a request needs, and which of them are known already.
 *
 * A walk with a stack of its own goes from the targets towards the leaves and stops at values that are known to be valid.
 * node->local serves as a sparse set: a node is in the list if list[node->local] is the node, so nothing has to be cleared.
 */
#include "engine/engine.h"

#include <stdlib.h>
#include <string.h>

static bool in_list(const ks__walk *walk, const ks_node *node)
{
    return node->local < walk->count && walk->nodes[node->local] == node;
}

static bool add(ks_graph *g, ks__walk *walk, ks_node *node)
{
    if (in_list(walk, node))
        return true;
    if (!ks__grow(g, &walk->nodes, &walk->capacity, walk->count, sizeof *walk->nodes))
        return false;
    node->local = walk->count;
    walk->nodes[walk->count++] = node;
    return true;
}

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
        if (!add(g, walk, request->targets[i]))
            return false;
    }
    for (uint32_t i = 0; i < request->effect_count; i++) {
        if (!add(g, walk, request->effects[i]))
            return false;
    }
    for (uint32_t i = 0; i < walk->count; i++) {
        ks_node *node = walk->nodes[i];
        if (known(g, node, request->fresh))
            continue;
        ks_node *const *inputs = ks__inputs(node);
        for (uint32_t k = 0; k < node->n; k++) {
            if (!add(g, walk, inputs[k]))
                return false;
        }
    }
    return true;
}

/* Variables first, then by id. */
static uint64_t rank_of(const ks_node *node)
{
    return node->flags & KS__VARIABLE ? node->id : (uint64_t)1 << 32 | node->id;
}

static int by_rank(const void *a, const void *b)
{
    uint64_t x = rank_of(*(ks_node *const *)a), y = rank_of(*(ks_node *const *)b);
    return x < y ? -1 : x > y;
}

static void sort(ks__walk *walk)
{
    bool up = true, down = true;
    for (uint32_t i = 1; i < walk->count; i++) {
        bool less = rank_of(walk->nodes[i - 1]) < rank_of(walk->nodes[i]);
        up = up && less;
        down = down && !less;
    }
    if (down && !up) {
        for (uint32_t i = 0, j = walk->count; i + 1 < j; i++) {
            ks_node *node = walk->nodes[i];
            walk->nodes[i] = walk->nodes[--j];
            walk->nodes[j] = node;
        }
    } else if (!up) {
        qsort(walk->nodes, walk->count, sizeof *walk->nodes, by_rank);
    }
    for (uint32_t i = 0; i < walk->count; i++)
        walk->nodes[i]->local = i;
}

/* What a node hangs on: the epoch of the newest of it, and whether the mode of the run is among it. */
typedef struct basis {
    uint64_t newest;
    bool mode;
} basis;

static basis basis_of(const ks_graph *g, const ks_node *node, const basis *known_bases)
{
    basis own = {node->checked ? 0 : node->changed,
                 node->op->flags & KS_OP_MODE}; /* a node whose attributes changed is itself what is new */
    ks_node *const *inputs = ks__inputs(node);
    for (uint32_t k = 0; k < node->n; k++) {
        const basis *input = &known_bases[inputs[k]->local];
        own.newest = input->newest > own.newest ? input->newest : own.newest;
        own.mode = own.mode || input->mode;
    }
    if ((node->op->flags & KS_OP_RANDOM) && g->random_epoch > own.newest)
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
    basis *bases = ks__get(g, (walk->count + 1) * sizeof *bases);
    if (!bases)
        return false;
    for (uint32_t i = 0; i < walk->count; i++) {
        ks_node *node = walk->nodes[i];
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
    ks__put(g, bases, (walk->count + 1) * sizeof *bases);
    return true;
}

/* From the back: what a missing node reads is wanted; what nobody wants is dropped. */
static bool wanted(ks_graph *g, const ks__request *request, ks__walk *walk)
{
    uint8_t *want = ks__get(g, walk->count + 1); /* 1: shape, 2: value */
    if (!want)
        return false;
    memset(want, 0, walk->count + 1);
    for (uint32_t i = 0; i < request->target_count; i++)
        want[request->targets[i]->local] = 2;
    for (uint32_t i = 0; i < request->effect_count; i++)
        want[request->effects[i]->local] = 2;
    for (uint32_t i = walk->count; i-- > 0;) {
        ks_node *node = walk->nodes[i];
        if (!want[i] || walk->roles[i] == KS__ROLE_GIVEN || walk->roles[i] == KS__ROLE_NUMBER)
            continue;
        if (want[i] == 1)
            walk->roles[i] = KS__ROLE_SHAPE;
        ks_node *const *inputs = ks__inputs(node);
        for (uint32_t k = 0; k < node->n; k++) {
            uint8_t need = want[i] == 2 && ks__input_letter(node->op, k) != 'S' ? 2 : 1;
            if (need > want[inputs[k]->local])
                want[inputs[k]->local] = need;
        }
    }
    uint32_t kept = 0;
    for (uint32_t i = 0; i < walk->count; i++) {
        if (!want[i])
            continue;
        walk->nodes[kept] = walk->nodes[i];
        walk->roles[kept] = walk->roles[i];
        walk->nodes[kept]->local = kept;
        kept++;
    }
    uint32_t before = walk->count;
    walk->count = kept;
    ks__put(g, want, before + 1);
    return true;
}

bool ks__collect(ks_graph *g, const ks__request *request, ks__walk *walk)
{
    if (!reach(g, request, walk))
        return false;
    sort(walk);
    walk->roles = ks__get(g, walk->capacity);
    return walk->roles && validate(g, request, walk) && wanted(g, request, walk);
}

void ks__walk_free(ks_graph *g, ks__walk *walk)
{
    ks__put(g, walk->nodes, walk->capacity * sizeof *walk->nodes);
    ks__put(g, walk->roles, walk->capacity);
    *walk = (ks__walk){0};
}
