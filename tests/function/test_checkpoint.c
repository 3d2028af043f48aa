/*
 * Checkpoints in a deep net: the gradients stay what they are, and the memory for what lies between shrinks.
 */
#include "function.h"

#include <stdio.h>

#define WIDE 16
#define ROWS 64
#define MOST 40

/* `depth` dense layers with tanh, checkpointed in groups of `group` (0: not at all), and the gradients of all weights and biases. */
static ks_graph *net(int depth, int group, ks_node **gradients)
{
    ks_graph *g = ks_graph_new(&(ks_graph_options){.size = sizeof(ks_graph_options), .threads = 1});
    ks_node *h = some(g, "x", KS_SHAPE(ROWS, WIDE)), *p[2 * MOST];
    for (int i = 0; i < depth; i++) {
        char name[16];
        snprintf(name, sizeof name, "w%d", i);
        p[2 * i] = some(g, name, KS_SHAPE(WIDE, WIDE));
        snprintf(name, sizeof name, "b%d", i);
        p[2 * i + 1] = some(g, name, KS_SHAPE(WIDE));
    }
    for (int first = 0, end; first < depth; first = end) {
        end = group && first + group < depth ? first + group : depth;
        ks_node *from = h, *to = h;
        for (int i = first; i < end; i++)
            to = ks_tanh(ks_add(ks_matmul(to, p[2 * i]), p[2 * i + 1]));
        h = to;
        if (group)
            cr_assert(ks_checkpoint(&from, 1, &to, 1, &h), "%s", why(g));
    }
    cr_assert(ks_gradients(ks_mean_all(ks_square(h)), p, 2 * depth, NULL, gradients), "%s", why(g));
    return g;
}

Test(checkpoint, in_groups_of_layers_leaves_every_gradient_as_it_is)
{
    enum { DEPTH = 7 };
    ks_node *plain[2 * DEPTH], *kept[2 * DEPTH];
    ks_graph *g = net(DEPTH, 0, plain);
    for (int group = 1; group <= DEPTH; group++) {
        ks_graph *c = net(DEPTH, group, kept);
        for (int i = 0; i < 2 * DEPTH; i++)
            same(kept[i], plain[i], 1e-12);
        ks_graph_free(c);
    }
    ks_graph_free(g);
}

/* Bytes for what lies between the inputs and the gradients. */
static double between(int depth, int group)
{
    ks_node *gradients[2 * MOST];
    ks_graph *g = net(depth, group, gradients);
    int64_t bytes = ks_plan_bytes(g, gradients, 2 * depth, NULL, 0);
    cr_assert(bytes > 0, "%s", why(g));
    ks_graph_free(g);
    return (double)bytes - (double)depth * (WIDE * WIDE + WIDE) * sizeof(double);
}

Test(checkpoint, of_a_net_of_40_layers_in_groups_of_6_needs_half_the_memory)
{
    double plain = between(40, 0), kept = between(40, 6);
    cr_expect(kept <= 0.5 * plain, "%g bytes instead of %g: %g", kept, plain, kept / plain);
}
