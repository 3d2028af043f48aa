/*
 * engine/sign.c - the signature of a plan: what it is found again by.
 *
 * Operations, structural attributes, inputs by position, dims of what is given: words in which no node's address stands.
 */
#include "engine/engine.h"

#include <string.h>

static const size_t field_words[] = {[KS_ATTR_INT] = 1,     [KS_ATTR_FLOAT] = 1,
                                     [KS_ATTR_BOOL] = 1,    [KS_ATTR_INTS] = sizeof(ks_ints) / 8,
                                     [KS_ATTR_DTYPE] = 1,   [KS_ATTR_SHAPE] = sizeof(ks_shape) / 8,
                                     [KS_ATTR_FUNCTION] = 1};

static size_t attr_words(const ks_op *op)
{
    size_t words = 0;
    for (const ks_attr *attr = op->attrs; attr && attr->name; attr++)
        words += attr->value ? 0 : field_words[attr->type];
    return words;
}

static uint64_t *put_attrs(uint64_t *word, const ks_node *node)
{
    for (const ks_attr *attr = node->op->attrs; attr && attr->name; attr++) {
        if (attr->value)
            continue;
        memcpy(word, (const char *)node->data.attrs + attr->offset, field_words[attr->type] * sizeof *word);
        word += field_words[attr->type];
    }
    return word;
}

/* Words that put_local writes at most. */
static size_t local_words(const ks__local *local)
{
    return 4 + local->n + attr_words(local->node->op);
}

static uint64_t *put_local(uint64_t *word, const ks__local *local)
{
    const ks_node *node = local->node;
    *word++ = (uint64_t)(uintptr_t)node->op;
    *word++ = (uint64_t)local->role | (uint64_t)local->target << 8 | (uint64_t)local->effect << 9 | (uint64_t)local->dtype << 16 |
              (uint64_t)(node->flags & (KS__PARTIAL | KS__SEED | KS__KEEP)) << 24 | (uint64_t)local->n << 32;
    if (local->role == KS__ROLE_NUMBER) {
        double value = node->data.number; /* only 0 and 1 matter to structure */
        *word++ = value == 1 ? 1 : value == 0 ? 2 : 3;
        return word;
    }
    *word++ = (uint64_t)(uintptr_t)local->dims;
    if (local->role == KS__ROLE_GIVEN && node->flags & KS__SEED) /* its value is taken for granted */
        *word++ = (uint64_t)ks__element(node->value->block->data, (ks_dtype)node->dtype, 0);
    for (uint32_t k = 0; k < local->n; k++)
        *word++ = local->inputs[k];
    return local->n || local->role == KS__ROLE_MADE ? put_attrs(word, node) : word;
}

static uint64_t stir(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * 0xff51afd7ed558ccdu;
    return hash ^ hash >> 29;
}

/* Four words at a time, none of which waits for another. */
static uint64_t hash_words(const uint64_t *words, size_t count)
{
    uint64_t a = 0x9e3779b97f4a7c15u, b = 1, c = 2, d = 3;
    size_t i = 0;
    for (; i + 4 <= count; i += 4) {
        a = stir(a, words[i]);
        b = stir(b, words[i + 1]);
        c = stir(c, words[i + 2]);
        d = stir(d, words[i + 3]);
    }
    for (; i < count; i++)
        a = stir(a, words[i]);
    return stir(stir(stir(a, b), c), d);
}

bool ks__sign(ks_graph *g, ks__plan *plan)
{
    size_t room = 2 + plan->target_count + plan->effect_count;
    for (uint32_t i = 0; i < plan->count; i++)
        room += local_words(&plan->locals[i]);
    plan->signature = ks__plan_raw(g, plan, room * sizeof *plan->signature);
    if (!plan->signature)
        return false;
    uint64_t *word = plan->signature;
    *word++ = (uint64_t)plan->mode | (uint64_t)plan->fresh << 4 | (uint64_t)plan->count << 8;
    *word++ = (uint64_t)plan->target_count << 32 | plan->effect_count;
    for (uint32_t i = 0; i < plan->target_count; i++)
        *word++ = plan->targets[i]->local;
    for (uint32_t i = 0; i < plan->effect_count; i++)
        *word++ = plan->effects[i]->local;
    for (uint32_t i = 0; i < plan->count; i++)
        word = put_local(word, &plan->locals[i]);
    plan->signature_words = (uint32_t)(word - plan->signature);
    plan->hash = hash_words(plan->signature, plan->signature_words);
    return true;
}
