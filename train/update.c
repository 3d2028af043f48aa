/*
 * train/update.c - the formulas of the optimisers, composed of ordinary operations.
 *
 * Source: Saito, "Deep Learning from Scratch", chapter 6; Adam with its bias correction folded into the rate as in section 2 of Kingma
 * and Ba 2014. Every read sees the value from before the step.
 */
#include "train/optimizer.h"
#include "serialize/training.h"
#include <keisan/ops.h>

#include <stdio.h>

enum { SLOT_V = 0, SLOT_ADAM_M = 0, SLOT_ADAM_V = 1 };
enum { FIELD_RATE, FIELD_MOMENTUM, FIELD_BETA1 = 1, FIELD_BETA2, FIELD_EPSILON };

/* ---- states -------------------------------------------------------------------------------------------- */

static ks_node *state(ks_optimizer *o, const char *variable, const char *slot, ks_dtype dtype, const ks_shape *shape)
{
    char label[40], name[KS__STATE_NAME];
    const char *kind = ks__optimizer_kinds[o->kind].name;
    int length = snprintf(label, sizeof label, "%s.%d", kind, o->label);
    if (o->label == 1)
        label[length - 2] = 0;
    if (!ks__training_state_name(variable, label, slot, name))
        return ks__null(o->graph, KS_BAD_NAME, ks_node_place(o->loss), "%s: the name '%s' is too long to name its state after it", kind,
                        variable);
    return ks_state_at(ks_node_place(o->loss), o->graph, name, dtype, *shape, KS_ZEROS);
}

static ks_node **state_of(const ks_optimizer *o, uint32_t i, int slot)
{
    return &o->states[i * (uint32_t)ks__optimizer_kinds[o->kind].slot_count + (uint32_t)slot];
}

static bool make_states(ks_optimizer *o)
{
    const ks__optimizer_kind *kind = &ks__optimizer_kinds[o->kind];
    ks_shape scalar = KS_SCALAR;
    o->t = NULL;
    if (kind->counts && !(o->t = state(o, "", "t", KS_F64, &scalar)))
        return false;
    for (uint32_t i = 0; i < o->count; i++) {
        const ks_node *p = o->variables[i];
        for (int slot = 0; slot < kind->slot_count; slot++) {
            *state_of(o, i, slot) = state(o, ks_name(p), kind->slots[slot], (ks_dtype)p->dtype, &p->dims->shape);
            if (!*state_of(o, i, slot))
                return false;
        }
    }
    return true;
}

/* ---- formulas ------------------------------------------------------------------------------------------ */

/* The variable takes this value when the step is committed. */
static bool becomes(ks_optimizer *o, ks_node *variable, ks_node *value)
{
    ks_node *effect = ks_assign_at(ks_node_place(o->loss), variable, value);
    if (!effect)
        return false;
    o->effects[o->effect_count++] = effect;
    return true;
}

/* p -= rate g */
static bool sgd(ks_optimizer *o)
{
    for (uint32_t i = 0; i < o->count; i++) {
        ks_node *p = o->variables[i];
        if (!becomes(o, p, ks_sub(p, ks_mul(o->rate, o->gradients[i]))))
            return false;
    }
    return true;
}

/* v = momentum v - rate g; p += v */
static bool momentum(ks_optimizer *o)
{
    ks_node *alpha = ks_number(o->graph, o->fields[FIELD_MOMENTUM]);
    for (uint32_t i = 0; i < o->count; i++) {
        ks_node *p = o->variables[i], *v = *state_of(o, i, SLOT_V);
        ks_node *moved = ks_sub(ks_mul(alpha, v), ks_mul(o->rate, o->gradients[i]));
        if (!becomes(o, v, moved) || !becomes(o, p, ks_add(p, moved)))
            return false;
    }
    return true;
}

/* rate sqrt(1 - beta2^t) / (1 - beta1^t), with the t of this step, in f64. */
static ks_node *adam_rate(ks_optimizer *o)
{
    ks_graph *g = o->graph;
    ks_node *one = ks_number(g, 1), *t = ks_add(o->t, one);
    ks_node *second = ks_sub(one, ks_pow(ks_number(g, o->fields[FIELD_BETA2]), t));
    ks_node *first = ks_sub(one, ks_pow(ks_number(g, o->fields[FIELD_BETA1]), t));
    return becomes(o, o->t, t) ? ks_div(ks_mul(o->rate, ks_sqrt(second)), first) : NULL;
}

/* m += (1 - beta1)(g - m); v += (1 - beta2)(g^2 - v); p -= rate_t m / (sqrt(v) + epsilon) */
static bool adam(ks_optimizer *o)
{
    ks_graph *g = o->graph;
    ks_node *rates[KS_DTYPES] = {[KS_F64] = adam_rate(o)};
    ks_node *keep1 = ks_number(g, 1 - o->fields[FIELD_BETA1]), *keep2 = ks_number(g, 1 - o->fields[FIELD_BETA2]);
    ks_node *epsilon = ks_number(g, o->fields[FIELD_EPSILON]);
    for (uint32_t i = 0; i < o->count; i++) {
        ks_node *p = o->variables[i], *slope = o->gradients[i];
        ks_node *m = *state_of(o, i, SLOT_ADAM_M), *v = *state_of(o, i, SLOT_ADAM_V), **rate = &rates[p->dtype];
        if (!*rate)
            *rate = ks_cast(rates[KS_F64], (ks_dtype)p->dtype);
        ks_node *first = ks_add(m, ks_mul(keep1, ks_sub(slope, m)));
        ks_node *second = ks_add(v, ks_mul(keep2, ks_sub(ks_square(slope), v)));
        ks_node *moved = ks_sub(p, ks_div(ks_mul(*rate, first), ks_add(ks_sqrt(second), epsilon)));
        if (!becomes(o, m, first) || !becomes(o, v, second) || !becomes(o, p, moved))
            return false;
    }
    return true;
}

bool ks__optimizer_updates(ks_optimizer *o)
{
    static bool (*const compose[])(ks_optimizer *) = {[KS_SGD] = sgd, [KS_MOMENTUM] = momentum, [KS_ADAM] = adam};
    o->effect_count = 0;
    if (!make_states(o))
        return false;
    o->rate = ks_number(o->graph, o->fields[FIELD_RATE]);
    return o->rate && compose[o->kind](o);
}
