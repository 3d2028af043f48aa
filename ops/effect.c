/*
 * ops/effect.c - what changes something: assign.
 *
 * An effect fires only in ks_run. The engine keeps what is assigned and hands it to the variable at the commit, after the last step
 * has gone well: every read in the run sees the old value.
 */
#include "ops/family.h"

static bool infer_assign(ks_infer *infer)
{
    const ks_shape *variable = infer->shape[0], *value = infer->shape[1];
    bool fits = variable->rank == value->rank;
    for (int i = 0; fits && i < variable->rank; i++) {
        int64_t same;
        fits = ks__dim_same(infer->graph, variable->dim[i], value->dim[i], &same);
    }
    infer->out = *variable;
    return fits || ks_infer_fail(infer, KS_BAD_SHAPE, "a variable keeps its shape: {0}, the value {1}");
}

/* Where nothing commits, the node's value is what it would assign. */
static bool assign_kernel(const ks_call *call, ks_failure *failure)
{
    (void)failure;
    if (call->out->count)
        memcpy(call->out->data, call->in[1].data, (size_t)call->out->count * ks_dtype_size(call->out->dtype));
    return true;
}

const ks_op ks__op_assign = {
    .size = sizeof(ks_op),
    .name = "assign",
    .formula = "variable <- value",
    .doc = "Gives a variable a value of its shape and dtype, at the end of a run that asks for this effect; reading the node gives the "
           "value and changes "
           "nothing. All reads in the run see the old value, and nothing is assigned if anything in it fails.",
    .types = "TT>T",
    .inputs = "variable value",
    .allowed = KS_ALL_TYPES,
    .flags = KS_OP_EFFECT,
    .infer = infer_assign,
    .kernel = assign_kernel,
    .no_derivative = "it is an effect: differentiate the value that it assigns",
};

ks_node *ks_assign_at(ks_place at, ks_node *variable, ks_node *value)
{
    return ks__apply2(at, &ks__op_assign, variable, value, NULL);
}
