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

/* The gradients of 7 layers of dense, layer norm and gelu; what lies between the inputs and them. */
static double between_normed(bool checkpoints, ks_node **gradients, ks_graph **graph)
{
    enum { DEPTH = 7 };
    ks_graph *g = *graph = ks_graph_new(&(ks_graph_options){.size = sizeof(ks_graph_options), .threads = 1});
    ks_node *h = some(g, "x", KS_SHAPE(16 * ROWS, WIDE)), *p[3 * DEPTH];
    for (int i = 0; i < DEPTH; i++) {
        char name[16];
        for (int k = 0; k < 3; k++) {
            snprintf(name, sizeof name, "%c%d", "wsb"[k], i);
            p[3 * i + k] = some(g, name, k ? KS_SHAPE(WIDE) : KS_SHAPE(WIDE, WIDE));
        }
    }
    for (int i = 0; i < DEPTH; i++) {
        ks_node *from = h;
        h = ks_gelu(ks_layer_norm(ks_matmul(h, p[3 * i]), p[3 * i + 1], p[3 * i + 2], -1, 1e-5));
        if (checkpoints && i + 1 < DEPTH) /* the last layer is taken back at once: nothing is gained there */
            cr_assert(ks_checkpoint(&from, 1, (ks_node *[]){h}, 1, &h), "%s", why(g));
    }
    cr_assert(ks_gradients(ks_mean_all(ks_square(h)), p, 3 * DEPTH, NULL, gradients), "%s", why(g));
    int64_t bytes = ks_plan_bytes(g, gradients, 3 * DEPTH, NULL, 0);
    cr_assert(bytes > 0, "%s", why(g));
    return (double)bytes - (double)DEPTH * (WIDE * WIDE + 2 * WIDE) * sizeof(double);
}

Test(checkpoint, of_7_layers_with_norm_and_gelu_halve_the_memory_for_the_same_gradients)
{
    ks_node *plain[21], *kept[21];
    ks_graph *g, *c;
    double all = between_normed(false, plain, &g), few = between_normed(true, kept, &c);
    cr_expect(few <= 0.5 * all, "%g bytes instead of %g: %g", few, all, few / all);
    for (int i = 0; i < 21; i++)
        same(kept[i], plain[i], 1e-12);
    ks_graph_free(g);
    ks_graph_free(c);
}
