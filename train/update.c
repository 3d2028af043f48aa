/*
 * train/update.c - the formulas of the optimisers, composed of ordinary operations.
 *
 * Source: Saito, "Deep Learning from Scratch", chapter 6; Adam with its bias correction folded into the rate as in section 2 of Kingma
 * and Ba 2014. AdaDelta is Zeiler 2012, AdamW is algorithm 2 of Loshchilov and Hutter 2019, both in PyTorch's form. Every read sees
 * the value from before the step.
 */
#include "train/optimizer.h"
#include "serialize/training.h"
#include <keisan/ops.h>

#include <stdio.h>

enum { SLOT_V = 0, SLOT_H = 0, SLOT_D = 1, SLOT_ADAM_M = 0, SLOT_ADAM_V = 1 };

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

/* A field as a number of the graph. */
static ks_node *field(const ks_optimizer *o, const char *name)
{
    return ks_number(o->graph, ks__optimizer_field_of(o, name));
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
    ks_node *alpha = field(o, "momentum");
    for (uint32_t i = 0; i < o->count; i++) {
        ks_node *p = o->variables[i], *v = *state_of(o, i, SLOT_V);
        ks_node *moved = ks_sub(ks_mul(alpha, v), ks_mul(o->rate, o->gradients[i]));
        if (!becomes(o, v, moved) || !becomes(o, p, ks_add(p, moved)))
            return false;
    }
    return true;
}

/* p += momentum^2 v - (1 + momentum) rate g; v = momentum v - rate g */
static bool nesterov(ks_optimizer *o)
{
    double momentum = ks__optimizer_field_of(o, "momentum");
    ks_node *alpha = ks_number(o->graph, momentum), *square = ks_number(o->graph, momentum * momentum);
    ks_node *ahead = ks_number(o->graph, 1 + momentum);
    for (uint32_t i = 0; i < o->count; i++) {
        ks_node *p = o->variables[i], *v = *state_of(o, i, SLOT_V), *step = ks_mul(o->rate, o->gradients[i]);
        ks_node *moved = ks_sub(ks_add(p, ks_mul(square, v)), ks_mul(ahead, step));
        if (!becomes(o, v, ks_sub(ks_mul(alpha, v), step)) || !becomes(o, p, moved))
            return false;
    }
    return true;
}

/* p - rate g / (sqrt(h) + epsilon) */
static ks_node *scaled(const ks_optimizer *o, uint32_t i, ks_node *h, ks_node *epsilon)
{
    return ks_sub(o->variables[i], ks_div(ks_mul(o->rate, o->gradients[i]), ks_add(ks_sqrt(h), epsilon)));
}

/* rho h + (1 - rho) x^2 */
static ks_node *mean_square(const ks_optimizer *o, ks_node *h, ks_node *x)
{
    ks_node *fade = ks_number(o->graph, 1 - ks__optimizer_field_of(o, "rho"));
    return ks_add(ks_mul(field(o, "rho"), h), ks_mul(fade, ks_square(x)));
}

/* h += g^2; p -= rate g / (sqrt(h) + epsilon) */
static bool adagrad(ks_optimizer *o)
{
    ks_node *epsilon = field(o, "epsilon");
    for (uint32_t i = 0; i < o->count; i++) {
        ks_node *h = *state_of(o, i, SLOT_H), *sum = ks_add(h, ks_square(o->gradients[i]));
        if (!becomes(o, h, sum) || !becomes(o, o->variables[i], scaled(o, i, sum, epsilon)))
            return false;
    }
    return true;
}

/* h = rho h + (1 - rho) g^2; p -= rate g / (sqrt(h) + epsilon) */
static bool rmsprop(ks_optimizer *o)
{
    ks_node *epsilon = field(o, "epsilon");
    for (uint32_t i = 0; i < o->count; i++) {
        ks_node *h = *state_of(o, i, SLOT_H), *mean = mean_square(o, h, o->gradients[i]);
        if (!becomes(o, h, mean) || !becomes(o, o->variables[i], scaled(o, i, mean, epsilon)))
            return false;
    }
    return true;
}

/* h = rho h + (1 - rho) g^2; s = sqrt(d + epsilon) / sqrt(h + epsilon) g; d = rho d + (1 - rho) s^2; p -= rate s */
static bool adadelta(ks_optimizer *o)
{
    ks_node *epsilon = field(o, "epsilon");
    for (uint32_t i = 0; i < o->count; i++) {
        ks_node *p = o->variables[i], *h = *state_of(o, i, SLOT_H), *d = *state_of(o, i, SLOT_D);
        ks_node *mean = mean_square(o, h, o->gradients[i]);
        ks_node *ratio = ks_div(ks_sqrt(ks_add(d, epsilon)), ks_sqrt(ks_add(mean, epsilon)));
        ks_node *step = ks_mul(ratio, o->gradients[i]);
        if (!becomes(o, h, mean) || !becomes(o, d, mean_square(o, d, step)) || !becomes(o, p, ks_sub(p, ks_mul(o->rate, step))))
            return false;
    }
    return true;
}

/* ---- the family of Adam -------------------------------------------------------------------------------- */

/* What a step of Adam knows of its number, in each dtype that is in use; made from f64. */
typedef struct corrections {
    ks_node *rate[KS_DTYPES], *root[KS_DTYPES]; /* root: of the second moment's correction, where AdamW divides by it */
} corrections;

/*
 * Adam as in the book: rate sqrt(1 - beta2^t) / (1 - beta1^t), with the t of this step. AdamW corrects the root by itself, so that
 * epsilon is beside the corrected one: rate / (1 - beta1^t) and sqrt(1 - beta2^t).
 */
static bool correct(ks_optimizer *o, corrections *c)
{
    ks_node *one = ks_number(o->graph, 1), *t = ks_add(o->t, one);
    ks_node *root = ks_sqrt(ks_sub(one, ks_pow(field(o, "beta2"), t)));
    ks_node *first = ks_sub(one, ks_pow(field(o, "beta1"), t));
    bool apart = o->kind == KS_ADAMW;
    c->root[KS_F64] = root;
    c->rate[KS_F64] = ks_div(apart ? o->rate : ks_mul(o->rate, root), first);
    return becomes(o, o->t, t);
}

static void correct_in(corrections *c, ks_dtype dtype, bool apart)
{
    if (!c->rate[dtype])
        c->rate[dtype] = ks_cast(c->rate[KS_F64], dtype);
    if (apart && !c->root[dtype])
        c->root[dtype] = ks_cast(c->root[KS_F64], dtype);
}

/* AdamW: p (1 - rate decay), apart from the gradient. */
static ks_node *decayed(const ks_optimizer *o, ks_node *p)
{
    double decay = ks__optimizer_field_of(o, "weight_decay");
    if (o->kind != KS_ADAMW || decay == 0 || !ks__optimizer_decays(p))
        return p;
    return ks_sub(p, ks_mul(ks_number(o->graph, decay), ks_mul(o->rate, p)));
}

/* m += (1 - beta1)(g - m); v += (1 - beta2)(g^2 - v); p -= rate_t m / (sqrt(v) + epsilon) */
static bool adam(ks_optimizer *o)
{
    ks_graph *g = o->graph;
    corrections c = {.rate = {NULL}};
    bool apart = o->kind == KS_ADAMW;
    if (!correct(o, &c))
        return false;
    ks_node *keep1 = ks_number(g, 1 - ks__optimizer_field_of(o, "beta1")), *epsilon = field(o, "epsilon");
    ks_node *keep2 = ks_number(g, 1 - ks__optimizer_field_of(o, "beta2"));
    for (uint32_t i = 0; i < o->count; i++) {
        ks_node *p = o->variables[i], *slope = o->gradients[i];
        ks_node *m = *state_of(o, i, SLOT_ADAM_M), *v = *state_of(o, i, SLOT_ADAM_V);
        correct_in(&c, (ks_dtype)p->dtype, apart);
        ks_node *first = ks_add(m, ks_mul(keep1, ks_sub(slope, m)));
        ks_node *second = ks_add(v, ks_mul(keep2, ks_sub(ks_square(slope), v)));
        ks_node *root = apart ? ks_div(ks_sqrt(second), c.root[p->dtype]) : ks_sqrt(second);
        ks_node *moved = ks_sub(decayed(o, p), ks_div(ks_mul(c.rate[p->dtype], first), ks_add(root, epsilon)));
        if (!becomes(o, m, first) || !becomes(o, v, second) || !becomes(o, p, moved))
            return false;
    }
    return true;
}

bool ks__optimizer_updates(ks_optimizer *o)
{
    static bool (*const compose[])(ks_optimizer *) = {
        [KS_SGD] = sgd,         [KS_MOMENTUM] = momentum, [KS_NESTEROV] = nesterov, [KS_ADAGRAD] = adagrad,
        [KS_RMSPROP] = rmsprop, [KS_ADADELTA] = adadelta, [KS_ADAM] = adam,         [KS_ADAMW] = adam};
    o->effect_count = 0;
    if (!make_states(o))
        return false;
    o->rate = ks_number(o->graph, o->fields[0]);
    return o->rate && compose[o->kind](o);
}
