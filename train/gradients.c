/*
 * train/gradients.c - what happens to gradients before an optimiser uses them: clipping, then weight decay.
 *
 * That is PyTorch's order.
 */
#include "train/optimizer.h"
#include <keisan/autodiff.h>
#include <keisan/ops.h>

/* g += decay p, as of a loss with decay / 2 times the sum of all weights' squares more. */
static bool add_decay(ks_optimizer *o, double decay)
{
    ks_node *rate = ks_number(o->graph, decay);
    for (uint32_t i = 0; i < o->count; i++) {
        ks_node *p = o->variables[i];
        if (!ks__optimizer_decays(p))
            continue;
        o->gradients[i] = ks_add(o->gradients[i], ks_mul(rate, p));
        if (!o->gradients[i])
            return false;
    }
    return true;
}

bool ks__optimizer_decays(const ks_node *variable)
{
    return variable->dims->shape.rank >= 2;
}

bool ks__optimizer_gradients(ks_optimizer *o)
{
    ks_place at = ks_node_place(o->loss);
    int count = (int)o->count;
    double value = ks__optimizer_field_of(o, "clip_value"), norm = ks__optimizer_field_of(o, "clip_norm");
    double decay = o->kind == KS_ADAMW ? 0 : ks__optimizer_field_of(o, "weight_decay");
    if (value != 0 && !ks_clip_by_value_at(at, o->gradients, count, -value, value, o->gradients))
        return false;
    if (norm != 0 && !ks_clip_by_norm_at(at, o->gradients, count, norm, o->gradients, NULL))
        return false;
    return decay == 0 || add_decay(o, decay);
}
