/*
 * function/result.c - the further results of a node that has several.
 *
 * The node itself stands for its first result. Another one is a node of the operation `result`, which computes nothing: the head's kernel
 * fills it along with the rest. What arrives at it in a backward walk is handed to the head, which answers for all its results at once.
 */
#include "function/function.h"

typedef struct result_attrs {
    int64_t index; /* first: ks__result_index reads it */
} result_attrs;

static const ks_attr result_table[] = {
    {"index", KS_ATTR_INT, offsetof(result_attrs, index), .required = true, .doc = "which result, from 1"},
    {NULL},
};

/* Never asked: the head's rule is (graph/compose.c). */
static bool infer_result(ks_infer *infer)
{
    return ks_infer_fail(infer, KS_BAD_ARGUMENT, "a further result has no shape of its own");
}

static ks_node *result_example(ks_graph *g)
{
    ks_graph *body = ks__graph_beside(g);
    if (!body)
        return NULL;
    ks_node *x = ks_input(body, "x", KS_F64, KS_SHAPE(2, 2));
    ks_output(body, "sine", ks_sin(x));
    ks_output(body, "cosine", ks_cos(x));
    ks_function *f = ks_function_new("circle", body);
    if (!f) {
        ks_graph_free(body);
        return NULL;
    }
    ks_node *argument = ks__given(g, "x", KS_SHAPE(2, 2), KS__VALUES(1, -2, 0.5, -0.25)), *out[2];
    bool good = argument && ks_call_function(f, &argument, out);
    ks_function_free(f);
    return good ? out[1] : NULL;
}

const ks_op ks__op_result = {
    .size = sizeof(ks_op),
    .name = "result",
    .formula = "y = result k of the call that made x",
    .doc = "A further result of an operation that gives several at once, such as a call of a function or a scan. The operation's own node "
           "is its "
           "result 0. It costs nothing beyond the work of that operation.",
    .types = "*>D",
    .inputs = "call",
    .allowed = KS_ALL_TYPES,
    .flags = KS_OP_RESULT,
    .attrs = result_table,
    .attrs_size = sizeof(result_attrs),
    .infer = infer_result,
    .derivative = "u arrives at result k of the call",
    .example = result_example,
};

ks_node *ks_result_at(ks_place at, ks_node *node, int64_t k)
{
    result_attrs attrs = {k};
    return k == 0 ? node : ks__apply1(at, &ks__op_result, node, &attrs);
}
