/*
 * ops/loss/fit.c - a word to the host's log where a loss stands behind an output that another loss was made for.
 *
 * It is a warning and never an error: such a net computes what was written, and learns slowly or not at all.
 */
#include "ops/loss/each.h"

static const struct {
    const ks_op *loss, *output;
    const char *mend;
} misfits[] = {
    {&ks__op_sum_squared_error, &ks__op_sigmoid,
     "binary_cross_entropy_with_logits on the scores before the sigmoid has the derivative y - t"},
    {&ks__op_mean_squared_error, &ks__op_sigmoid,
     "binary_cross_entropy_with_logits on the scores before the sigmoid has the derivative y - t"},
    {&ks__op_sum_squared_error, &ks__op_softmax, "softmax_cross_entropy on the scores before the softmax has the derivative y - t"},
    {&ks__op_mean_squared_error, &ks__op_softmax, "softmax_cross_entropy on the scores before the softmax has the derivative y - t"},
    {&ks__op_binary_cross_entropy, &ks__op_sigmoid,
     "binary_cross_entropy_with_logits on the scores before the sigmoid is exact where the sigmoid is 0 or 1"},
    {&ks__op_binary_cross_entropy_with_logits, &ks__op_sigmoid, "it applies the sigmoid itself: give it the scores before the sigmoid"},
    {&ks__op_softmax_cross_entropy, &ks__op_softmax, "it applies the softmax itself: give it the scores before the softmax"},
    {&ks__op_negative_log_likelihood, &ks__op_softmax, "it takes logarithms: give it log_softmax of the scores"},
};

ks_node *ks__loss_fits(ks_node *loss, uint64_t composed_before)
{
    if (!loss || loss->graph->statistics.nodes_composed == composed_before)
        return loss; /* recognised: it was said when it was made */
    const ks_node *y = ks__in(loss, 0);
    for (size_t i = 0; i < sizeof misfits / sizeof misfits[0]; i++) {
        if (misfits[i].loss == loss->op && misfits[i].output == y->op)
            ks__log(loss->graph, "%s on '%s', a %s: %s", loss->op->name, ks_name(y), y->op->name, misfits[i].mend);
    }
    return loss;
}
