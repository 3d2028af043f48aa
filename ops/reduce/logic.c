/*
 * ops/reduce/logic.c - whether any or all of what is bool holds, over axes.
 */
#include "ops/reduce/reduce.h"

/* Numbers are refused: whether 0.1 counts as true is for the caller to say. */
static bool infer_logic(ks_infer *infer)
{
    if (infer->dtype[0] != KS_BOOL)
        return ks_infer_fail(infer, KS_BAD_DTYPE, "takes bool, but {0} of %s: ks_not_equal(x, 0) is true where x is not zero",
                             ks_dtype_name(infer->dtype[0]));
    return ks__reduce_infer(infer);
}

/* true is 1 and false 0: any is the greatest and all the least of them, and of nothing what changes neither. */
static bool any_kernel(const ks_call *call, ks_failure *failure)
{
    (void)failure;
    if (call->in[0].count)
        ks__reduce_with(call, KS__FOLD_MAX);
    else
        memset(call->out->data, 0, (size_t)call->out->count);
    return true;
}

static bool all_kernel(const ks_call *call, ks_failure *failure)
{
    (void)failure;
    if (call->in[0].count)
        ks__reduce_with(call, KS__FOLD_MIN);
    else
        memset(call->out->data, 1, (size_t)call->out->count);
    return true;
}

static const char yes_or_no[] = "it is true or false, and nothing between";

static ks_node *some_bools(ks_graph *g)
{
    return ks_greater(ks__reduce_some(g), ks_number(g, 0.25));
}

static ks_node *any_example(ks_graph *g)
{
    return ks_any(some_bools(g), KS_INTS(0), false);
}

const ks_op ks__op_any = {
    .size = sizeof(ks_op),
    .name = "any",
    .formula = "y = whether any of x over the axes is true",
    .doc = "Whether at least one element over the axes is true. Of nothing it is false. Takes bool: for numbers write not_equal(x, 0).",
    .types = "T>B",
    .flags = KS_OP_LINES,
    .inputs = "x",
    .allowed = KS_ALL_TYPES,
    .attrs = ks__reduce_table,
    .attrs_size = sizeof(ks__reduce_attrs),
    .defaults = &ks__reduce_defaults,
    .infer = infer_logic,
    .kernel = any_kernel,
    .scratch = ks__reduce_scratch,
    .no_derivative = yes_or_no,
    .example = any_example,
};

ks_node *ks_any_at(ks_place at, ks_node *x, ks_ints axes, bool keepdims)
{
    return ks__reduce_at(at, &ks__op_any, x, &axes, keepdims);
}

static ks_node *all_example(ks_graph *g)
{
    return ks_all(some_bools(g), KS_INTS(1), true);
}

const ks_op ks__op_all = {
    .size = sizeof(ks_op),
    .name = "all",
    .formula = "y = whether all of x over the axes are true",
    .doc = "Whether every element over the axes is true. Of nothing it is true. Takes bool: for numbers write not_equal(x, 0).",
    .types = "T>B",
    .flags = KS_OP_LINES,
    .inputs = "x",
    .allowed = KS_ALL_TYPES,
    .attrs = ks__reduce_table,
    .attrs_size = sizeof(ks__reduce_attrs),
    .defaults = &ks__reduce_defaults,
    .infer = infer_logic,
    .kernel = all_kernel,
    .scratch = ks__reduce_scratch,
    .no_derivative = yes_or_no,
    .example = all_example,
};

ks_node *ks_all_at(ks_place at, ks_node *x, ks_ints axes, bool keepdims)
{
    return ks__reduce_at(at, &ks__op_all, x, &axes, keepdims);
}
