/*
 * engine/share.c - equal work once, and what changes nothing dropped.
 *
 * A local's `same` is the local that stands for it from here on: the first that does the same work, or the operand that an operation
 * hands on unchanged, to the bit. The graph keeps what its user wrote.
 */
#include "engine/engine.h"

#include <math.h>
#include <string.h>

/* The number beside which operand k's partner is the result: "1 1", "- 0". */
static bool neutral(const ks_op *op, uint32_t k, double *value)
{
    if (op->size < sizeof(ks_op) || !op->neutral || k > 1)
        return false;
    const char *word = op->neutral;
    while (k-- > 0) {
        word = strchr(word, ' ');
        if (!word++)
            return false;
    }
    *value = *word == '1' ? 1 : 0;
    return *word != '-';
}

static bool guard(ks_graph *g, ks__plan *plan, uint32_t number)
{
    if (plan->guard_count % 8 == 0) {
        void *more = ks__plan_get(g, plan, (plan->guard_count + 8) * sizeof *plan->guards);
        if (!more)
            return false;
        if (plan->guard_count)
            memcpy(more, plan->guards, plan->guard_count * sizeof *plan->guards);
        plan->guards = more;
    }
    plan->guards[plan->guard_count].local = number;
    plan->guards[plan->guard_count++].value = plan->locals[number].node->data.number;
    return true;
}

/* The number that all elements of a local are, looking through what only repeats it. */
static uint32_t number_behind(const ks__plan *plan, uint32_t i)
{
    for (int depth = 0; depth < 8; depth++) {
        const ks__local *local = &plan->locals[i];
        if (local->role == KS__ROLE_NUMBER || (local->role == KS__ROLE_GIVEN && (local->node->flags & KS__SEED)))
            return i;
        if (local->role != KS__ROLE_MADE || !(local->node->op->flags & (KS_OP_SPREAD | KS_OP_VIEW)) || !local->n)
            return KS__NONE;
        i = plan->locals[local->inputs[0]].same;
    }
    return KS__NONE;
}

/* A number's value may be changed by its owner, so it is guarded; a seed's never is. Minus zero is not neutral: 0 + -0 is 0. */
static bool is_value(const ks__local *local, double value)
{
    double is =
        local->role == KS__ROLE_NUMBER ? local->node->data.number : ks__element(local->node->value->block->data, (ks_dtype)local->dtype, 0);
    return is == value && !signbit(is);
}

static uint32_t simplified(ks_graph *g, ks__plan *plan, uint32_t i)
{
    ks__local *local = &plan->locals[i];
    const ks_op *op = local->node->op;
    if ((op->flags & KS_OP_SAME) && local->n) {
        const ks__local *first = &plan->locals[local->inputs[0]];
        if (first->dims == local->dims && first->dtype == local->dtype && first->role != KS__ROLE_NUMBER)
            return local->inputs[0];
    }
    for (uint32_t k = 0; k < 2 && local->n == 2; k++) {
        double value;
        uint32_t other = local->inputs[1 - k], number;
        if (!neutral(op, k, &value) || plan->locals[other].dims != local->dims || plan->locals[other].role == KS__ROLE_NUMBER ||
            plan->locals[other].dtype != local->dtype)
            continue;
        number = number_behind(plan, local->inputs[k]);
        if (number != KS__NONE && is_value(&plan->locals[number], value))
            return plan->locals[number].role != KS__ROLE_NUMBER || guard(g, plan, number) ? other : i;
    }
    return i;
}

/* Equal operation, attributes and inputs. */
static bool equal_work(const ks__local *a, const ks__local *b)
{
    if (a->node->op != b->node->op || a->n != b->n || a->dtype != b->dtype || a->dims != b->dims || a->role != b->role)
        return false;
    for (uint32_t k = 0; k < a->n; k++) {
        if (a->inputs[k] != b->inputs[k])
            return false;
    }
    size_t bytes = a->node->op->attrs_size;
    return !bytes || !memcmp(a->node->data.attrs, b->node->data.attrs, bytes);
}

static uint64_t work_hash(const ks__local *local)
{
    const ks_op *op = local->node->op;
    uint64_t hash = (uint64_t)(uintptr_t)op ^ (uint64_t)(uintptr_t)local->dims << 7;
    for (uint32_t k = 0; k < local->n; k++)
        hash = (hash ^ local->inputs[k]) * 0x9e3779b97f4a7c15u;
    for (size_t k = 0; k + 8 <= op->attrs_size; k += 8) {
        uint64_t word;
        memcpy(&word, (const char *)local->node->data.attrs + k, sizeof word);
        hash = (hash ^ word) * 0xff51afd7ed558ccdu;
    }
    return hash ^ hash >> 32;
}

/* Which attributes are values is a matter of runs, so nodes that have some are left alone by sharing. */
static bool shareable(const ks__local *local)
{
    const ks_op *op = local->node->op;
    if (local->role == KS__ROLE_GIVEN || local->role == KS__ROLE_NUMBER ||
        ks__flags(local->node) & (KS_OP_EFFECT | KS_OP_RANDOM | KS_OP_MODE))
        return false;
    for (const ks_attr *attr = op->attrs; attr && attr->name; attr++) {
        if (attr->value)
            return false;
    }
    return true;
}

/* Where equal work is found again: half of the hash beside the local, so that unequal work is seldom looked at. */
typedef struct work {
    uint32_t hash, local;
} work;

/* The local that does this one's work already; itself if none does, and then it is put down. */
static uint32_t first_to_do(work *table, uint32_t mask, const ks__plan *plan, uint32_t i)
{
    uint64_t hash = work_hash(&plan->locals[i]);
    uint32_t at = (uint32_t)hash & mask, upper = (uint32_t)(hash >> 32);
    for (; table[at].local != KS__NONE; at = (at + 1) & mask) {
        if (table[at].hash == upper && equal_work(&plan->locals[table[at].local], &plan->locals[i]))
            return table[at].local;
    }
    table[at] = (work){upper, i};
    return i;
}

static void share_one(ks_graph *g, ks__plan *plan, work *table, uint32_t mask, uint32_t i)
{
    ks__local *local = &plan->locals[i];
    uint32_t *inputs = (uint32_t *)(uintptr_t)local->inputs;
    for (uint32_t k = 0; k < local->n; k++)
        inputs[k] = plan->locals[inputs[k]].same;
    if (local->role != KS__ROLE_MADE && local->role != KS__ROLE_SHAPE)
        return;
    if (local->role == KS__ROLE_MADE && !(g->options.without & KS_SIMPLIFY))
        local->same = simplified(g, plan, i);
    bool may = !(g->options.without & KS_SHARE) || local->node->op->flags & KS_OP_RESULT; /* a result has one place */
    if (local->same == i && may && shareable(local))
        local->same = first_to_do(table, mask, plan, i);
}

static bool share_all(ks_graph *g, ks__plan *plan)
{
    uint32_t size = 16;
    while (size < plan->count + plan->count / 2)
        size *= 2;
    work *table = ks__get(g, size * sizeof *table);
    if (!table)
        return false;
    memset(table, 0xff, size * sizeof *table);
    for (uint32_t i = 0; i < plan->count; i++)
        share_one(g, plan, table, size - 1, i);
    ks__put(g, table, size * sizeof *table);
    return true;
}

/* Backwards from what is asked for: what is read. */
static void mark_needed(ks__plan *plan)
{
    for (uint32_t i = plan->count; i-- > 0;) {
        ks__local *local = &plan->locals[i];
        if (local->target || local->effect)
            plan->locals[local->same].needed = true;
        if (local->effect)
            local->needed = true;
        if (!local->needed || local->same != i || local->role != KS__ROLE_MADE)
            continue;
        for (uint32_t k = 0; k < local->n; k++) {
            if (ks__reads(local, k))
                plan->locals[local->inputs[k]].needed = true;
        }
    }
}

bool ks__share(ks_graph *g, ks__plan *plan)
{
    if (!share_all(g, plan))
        return false;
    mark_needed(plan);
    return true;
}
