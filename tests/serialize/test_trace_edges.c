/*
 * tests/serialize/test_trace_edges.c - upstream times local partial is the contribution, and contributions add up, on every edge of random
 * nets.
 */
#include "tests/serialize/trace.h"

#include <math.h>

/* A net of elementwise operations on [2, 3] and [3], drawn with a generator of its own. */
static ks_node *random_net(ks_graph *g, uint32_t seed, int steps)
{
    static const double a[6] = {0.5, -1.25, 2, 0.75, -0.5, 1.5}, b[3] = {1.5, 0.25, -0.75};
    ks_node *nodes[64] = {ks_variable(g, "a", KS_F64, KS_SHAPE(2, 3), KS_UNSET), ks_variable(g, "b", KS_F64, KS_SHAPE(3), KS_UNSET)};
    cr_assert(ks_set(nodes[0], KS_F64, a) && ks_set(nodes[1], KS_F64, b));
    for (int i = 2; i < steps + 2; i++) {
        seed = seed * 1664525 + 1013904223;
        ks_node *x = nodes[i - 1], *y = nodes[(seed >> 16) % (uint32_t)i];
        switch (seed >> 8 & 15) {
        case 0:
            nodes[i] = ks_tanh(x);
            break;
        case 1:
            nodes[i] = ks_sigmoid(x);
            break;
        case 2:
            nodes[i] = ks_sin(x);
            break;
        case 3:
            nodes[i] = ks_cos(x);
            break;
        case 4:
            nodes[i] = ks_relu(x);
            break;
        case 5:
            nodes[i] = ks_abs(x);
            break;
        case 6:
            nodes[i] = ks_maximum(x, y);
            break;
        case 7:
            nodes[i] = ks_minimum(x, y);
            break;
        case 8:
            nodes[i] = ks_sub(x, y);
            break;
        case 9:
            nodes[i] = ks_add(x, y);
            break;
        case 10:
            nodes[i] = ks_div(x, ks_add(ks_square(y), ks_number(g, 1)));
            break;
        case 11:
            nodes[i] = ks_sqrt(ks_add(ks_square(x), ks_number(g, 0.5)));
            break;
        case 12:
            nodes[i] = ks_exp(ks_neg(ks_square(x)));
            break;
        case 13:
            nodes[i] = ks_log(ks_add(ks_abs(x), ks_number(g, 1.5)));
            break;
        case 14:
            nodes[i] = ks_pow(ks_add(ks_abs(x), ks_number(g, 0.25)), ks_number(g, 1.5));
            break;
        default:
            nodes[i] = ks_mul(x, y);
            break;
        }
    }
    return ks_sum_all(nodes[steps + 1]);
}

/* Values of [2, 3], [3] or [] as [2, 3]. */
static void spread(const cJSON *value, double out[6])
{
    double own[6];
    int count = numbers_of(value, own, 6);
    for (int i = 0; i < 6; i++)
        out[i] = own[count == 1 ? 0 : i % count];
}

/* contribution = upstream × partial; where the input is smaller, the rows' sum. */
static void check_edge(const cJSON *turn, const cJSON *edge, int *checked)
{
    double upstream[6], partial[6], got[6];
    if (cJSON_IsNull(get(edge, "local_partial")))
        return;
    spread(get(turn, "upstream"), upstream);
    spread(get(edge, "local_partial"), partial);
    int count = numbers_of(get(edge, "contribution"), got, 6), rows = numbers_of(get(turn, "upstream"), (double[6]){0}, 6) / count;
    for (int i = 0; i < count; i++) {
        double expected = 0;
        for (int row = 0; row < rows; row++)
            expected += upstream[row * count + i] * partial[row * count + i];
        cr_expect_float_eq(got[i], expected, 1e-13 * fmax(1, fabs(expected)), "%s → %s: %g, expected %g", get(turn, "node")->valuestring,
                           get(edge, "input")->valuestring, got[i], expected);
    }
    ++*checked;
}

Test(trace_edges, upstream_times_local_partial_is_the_contribution_on_every_edge)
{
    int checked = 0;
    for (uint32_t seed = 1; seed <= 40; seed++) {
        ks_graph *g = ks_graph_new(NULL);
        cJSON *json = trace_json(random_net(g, seed, 24));
        const cJSON *turn, *edge;
        cJSON_ArrayForEach (turn, get(json, "backward")) {
            cJSON_ArrayForEach (edge, get(turn, "edges"))
                check_edge(turn, edge, &checked);
        }
        cJSON_Delete(json);
        ks_graph_free(g);
    }
    cr_expect_gt(checked, 500);
}

Test(trace_edges, terms_add_up_to_the_upstream_of_the_node_they_meet_at)
{
    int sums = 0;
    for (uint32_t seed = 1; seed <= 40; seed++) {
        ks_graph *g = ks_graph_new(NULL);
        cJSON *json = trace_json(random_net(g, seed, 24));
        const cJSON *turn, *term;
        cJSON_ArrayForEach (turn, get(json, "backward")) {
            double total[6] = {0}, part[6], upstream[6];
            int count = numbers_of(get(turn, "upstream"), upstream, 6);
            cJSON_ArrayForEach (term, get(get(turn, "sum"), "terms")) {
                cr_assert_eq(numbers_of(term, part, 6), count);
                for (int i = 0; i < count; i++)
                    total[i] += part[i];
            }
            for (int i = 0; get(turn, "sum") && i < count; i++)
                cr_expect_float_eq(total[i], upstream[i], 1e-13 * fmax(1, fabs(upstream[i])));
            sums += get(turn, "sum") != NULL;
        }
        cJSON_Delete(json);
        ks_graph_free(g);
    }
    cr_expect_gt(sums, 50);
}
