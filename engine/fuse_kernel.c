/*
 * engine/fuse_kernel.c - sets up a step that is one whole-tensor kernel: its tensors, its results that are wanted, what it needs ready.
 */
#include "engine/fuse.h"

/* The further results that are wanted: their locals, and their shapes among the tensors. */
static bool list_results(ks_graph *g, ks__plan *plan, const ks__members *m, uint32_t s)
{
    ks__step *step = &plan->steps[s];
    ks_tensor *out = &step->u.kernel.tensors[step->count];
    uint32_t count = 0;
    for (uint32_t i = m->next[m->first[s]]; i != KS__NONE; i = m->next[i])
        count++;
    step->u.kernel.wanted_count = count;
    if (count && !(step->u.kernel.wanted = ks__plan_raw(g, plan, count * sizeof *step->u.kernel.wanted)))
        return false;
    count = 0;
    for (uint32_t i = m->next[m->first[s]]; i != KS__NONE; i = m->next[i]) {
        const ks__local *result = &plan->locals[i];
        step->u.kernel.wanted[count++] = i;
        out[ks__result_index(result->node)] =
            (ks_tensor){.shape = &result->dims->shape, .count = result->dims->count, .dtype = (ks_dtype)result->dtype};
    }
    return true;
}

/* What the kernel needs ready before it runs, and how much workspace it wants. */
static bool prepare(ks_graph *g, const ks__plan *plan, const ks__local *local, ks__step *step)
{
    const ks_op *op = local->node->op;
    ks_call call = {.in = step->u.kernel.tensors,
                    .n = (int)local->n,
                    .out = &step->u.kernel.tensors[local->n],
                    .attrs = ks__attrs(local->node),
                    .isa = g->isa,
                    .provider = g->provider,
                    .train = plan->mode == KS_TRAIN,
                    .graph = g};
    if (KS__HAS(op, prepare)) {
        ks_failure failure = {.code = KS_OK};
        call.prepared = step->u.kernel.prepared = op->prepare(&call, &failure);
        step->u.kernel.release = op->release;
        if (!call.prepared)
            return ks__refuse(g, failure.code ? failure.code : KS_NO_MEMORY, ks_node_place(local->node), "%s '%s': %s", op->name,
                              ks_name(local->node), failure.code ? failure.message : "no memory");
    }
    if (op->scratch)
        step->scratch_bytes = op->scratch(&call);
    return true;
}

bool ks__fuse_kernel(ks_graph *g, ks__plan *plan, const ks__members *m, uint32_t s)
{
    ks__step *step = &plan->steps[s];
    ks__local *local = &plan->locals[step->local];
    const ks_op *op = local->node->op;
    size_t results = KS__HAS(op, results) ? (size_t)op->results(ks__attrs(local->node)) : 1;
    ks_tensor *tensors = ks__plan_get(g, plan, (local->n + results) * sizeof *tensors);
    if (!tensors)
        return false;
    for (uint32_t k = 0; k < local->n; k++) {
        const ks__local *input = &plan->locals[local->inputs[k]];
        tensors[k] = (ks_tensor){.shape = &input->dims->shape, .count = input->dims->count, .dtype = ks__input_dtype(local->node, k)};
    }
    tensors[local->n] = (ks_tensor){.shape = &local->dims->shape, .count = local->dims->count, .dtype = (ks_dtype)local->dtype};
    step->u.kernel.tensors = tensors;
    step->count = local->n;
    return list_results(g, plan, m, s) && prepare(g, plan, local, step);
}
