/*
 * autodiff/anomaly.c - which node was the first to become NaN or infinite, and what it was made of.
 *
 * Everything that the targets are computed from is computed once more in a private copy, plainly: nothing is fused, all values are kept.
 * From the targets that are not finite the walk goes down through what is not finite either. There the first node at which
 * it was new is the one that did it: a NaN where no input had one, an infinity where every input was finite. What some
 * node shut out never counts, nor does an infinity that was given, such as a mask of -inf, while a NaN that was given does.
 */
#include "autodiff/pattern.h"
#include "autodiff/private.h"
#include "keisan/autodiff.h"
#include "ops/family.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef enum odd { IS_INFINITE = 1, IS_NAN = 2, REACHED = 4 } odd;

typedef struct looker {
    ks_graph *g, *copy;
    ks__list list;
    ks_node **copies; /* [list.count] */
    ks_node **wanted; /* [list.count] what is computed */
    uint8_t *odd;     /* [list.count] */
} looker;

/* ---- values -------------------------------------------------------------------------------------------- */

static int64_t count_of(const ks_node *copy)
{
    return copy->op->flags & KS_OP_NUMBER ? 1 : copy->value ? copy->value->dims->count : 0;
}

static double value_of(const ks_node *copy, int64_t e)
{
    return copy->op->flags & KS_OP_NUMBER ? copy->data.number : ks__element(copy->value->block->data, (ks_dtype)copy->dtype, e);
}

static uint8_t oddness(double value)
{
    return isnan(value) ? IS_NAN : isinf(value) ? IS_INFINITE : 0;
}

/* Whether the value of input k, and not only its shape, went into the node. */
static bool reads(const ks_node *node, uint32_t k)
{
    return ks__is_float(ks__inputs(node)[k]) && ks__input_letter(node->op, k) != 'S';
}

static bool compute(looker *l, ks_mode mode)
{
    int n = 0;
    for (uint32_t i = 0; i < l->list.count; i++) {
        if (!(l->list.nodes[i]->op->flags & (KS_OP_LEAF | KS_OP_EFFECT)))
            l->wanted[n++] = l->copies[i];
    }
    if (n && !ks_run(l->copy, l->wanted, n, NULL, 0, &(ks_run_options){.size = sizeof(ks_run_options), .mode = mode}))
        return false;
    for (uint32_t i = 0; i < l->list.count; i++) {
        l->odd[i] = 0;
        for (int64_t e = 0; ks__is_float(l->copies[i]) && e < count_of(l->copies[i]); e++)
            l->odd[i] |= oddness(value_of(l->copies[i], e));
    }
    return true;
}

/* ---- the first ----------------------------------------------------------------------------------------- */

/* Where element e of an elementwise node finds its operand in input k. */
static int64_t operand_place(const ks_node *copy, uint32_t k, int64_t e)
{
    const ks_node *input = ks__inputs(copy)[k];
    if (count_of(input) <= 1)
        return 0;
    const ks_shape *out = &copy->value->dims->shape;
    ks_shape as = input->value->dims->shape;
    int64_t step[KS_MAX_RANK];
    if (k == 0 && copy->op->seen)
        copy->op->seen(ks__attrs(copy), &input->value->dims->shape, out, &as);
    ks__broadcast_steps(&as, out, step);
    return ks__stepped(out, step, e);
}

/* Whether what went into element e accounts for a value as odd as that. */
static bool accounted(const looker *l, uint32_t i, int64_t e, uint8_t how)
{
    const ks_node *node = l->list.nodes[i], *copy = l->copies[i];
    for (uint32_t k = 0; k < node->n; k++) {
        if (!reads(node, k))
            continue;
        uint8_t was = l->odd[ks__inputs(node)[k]->local];
        if (node->op->tiles && was)
            was = oddness(value_of(ks__inputs(copy)[k], operand_place(copy, k, e)));
        if (how == IS_NAN ? was & IS_NAN : was & (IS_NAN | IS_INFINITE))
            return true;
    }
    return false;
}

/* The first element at which the node is not finite and nothing before accounts for it; -1: none. */
static int64_t new_at(const looker *l, uint32_t i)
{
    const ks_node *copy = l->copies[i];
    bool leaf = copy->op->flags & KS_OP_LEAF;
    for (int64_t e = 0; (l->odd[i] & (IS_NAN | IS_INFINITE)) && e < count_of(copy); e++) {
        uint8_t how = oddness(value_of(copy, e));
        if (how && (leaf ? how == IS_NAN : !accounted(l, i, e, how)))
            return e;
    }
    return -1;
}

static void reach(looker *l, ks_node *const *targets, int count)
{
    for (int t = 0; t < count; t++)
        l->odd[targets[t]->local] |= l->odd[targets[t]->local] ? REACHED : 0;
    for (uint32_t i = l->list.count; i-- > 0;) {
        const ks_node *node = l->list.nodes[i];
        for (uint32_t k = 0; l->odd[i] & REACHED && k < node->n; k++) {
            uint8_t *input = &l->odd[ks__inputs(node)[k]->local];
            *input |= reads(node, k) && *input ? REACHED : 0;
        }
    }
}

static void find_first(looker *l, ks_node *const *targets, int count, ks_anomaly *out)
{
    reach(l, targets, count);
    uint32_t given = UINT32_MAX;
    for (uint32_t i = 0; i < l->list.count; i++) {
        if (!(l->odd[i] & REACHED))
            continue;
        if (given == UINT32_MAX)
            given = i;
        int64_t e = new_at(l, i);
        if (e < 0)
            continue;
        *out = (ks_anomaly){.found = true, .node = l->list.nodes[i], .element = e, .value = value_of(l->copies[i], e)};
        return;
    }
    for (int64_t e = 0; given != UINT32_MAX && e < count_of(l->copies[given]); e++) { /* an infinity that was given, and nothing else */
        double value = value_of(l->copies[given], e);
        if (!isfinite(value)) {
            *out = (ks_anomaly){.found = true, .node = l->list.nodes[given], .element = e, .value = value};
            return;
        }
    }
}

/* ---- the sentence -------------------------------------------------------------------------------------- */

/* The node in whose derivative a derived node stands: its place is that node's, and what it is made of is too. */
static ks_node *derivative_of(const ks_node *derived)
{
    ks_graph *g = derived->graph;
    ks_node *best = NULL;
    int most = 0;
    for (uint32_t i = 0; i < derived->id && i < g->count; i++) {
        ks_node *node = ks__stack_at(&g->nodes, i);
        if (node->flags & KS__DERIVED || node->op->flags & KS_OP_LEAF || node->origin != derived->origin)
            continue;
        int score = 1;
        for (uint32_t a = 0; a < derived->n; a++) {
            score += ks__inputs(derived)[a] == node;
            for (uint32_t b = 0; b < node->n; b++)
                score += ks__inputs(derived)[a] == ks__inputs(node)[b];
        }
        if (score >= most) {
            best = node;
            most = score;
        }
    }
    return best;
}

/* ": 'x' [2, 3] lies between 0 and 4, 0 there" for each input. */
static size_t say_inputs(const looker *l, const ks_anomaly *a, char *text, size_t room)
{
    const ks_node *node = a->node, *copy = l->copies[node->local];
    size_t at = 0;
    for (uint32_t k = 0; k < node->n && at < room; k++) {
        const ks_node *input = ks__inputs(copy)[k];
        int64_t n = count_of(input);
        if (!reads(node, k) || !n)
            continue;
        double least = NAN, most = NAN;
        for (int64_t e = 0; e < n; e++) {
            least = fmin(least, value_of(input, e));
            most = fmax(most, value_of(input, e));
        }
        char low[KS__REAL_TEXT], high[KS__REAL_TEXT], here[KS__REAL_TEXT], shape[KS__SHAPE_TEXT];
        ks__real_text(least, low);
        ks__real_text(most, high);
        if (n == 1)
            at += (size_t)snprintf(text + at, room - at, "%s '%.60s' is %s", at ? "," : ":", ks_name(ks__inputs(node)[k]), low);
        else
            at += (size_t)snprintf(text + at, room - at, "%s '%.60s' %s lies between %s and %s", at ? "," : ":",
                                   ks_name(ks__inputs(node)[k]), ks__shape_text(l->copy, &input->value->dims->shape, shape), low, high);
        if (n > 1 && node->op->tiles && at < room)
            at += (size_t)snprintf(text + at, room - at, " and is %s there",
                                   ks__real_text(value_of(input, operand_place(copy, k, a->element)), here));
    }
    return at;
}

static void say(const looker *l, ks_anomaly *a)
{
    char value[KS__REAL_TEXT], inputs[KS_MESSAGE_BYTES] = "", of[160] = "";
    const ks_node *node = a->node;
    say_inputs(l, a, inputs, sizeof inputs);
    if (node->flags & KS__DERIVED)
        a->of = derivative_of(node);
    if (a->of)
        snprintf(of, sizeof of, " in the derivative of %s '%.100s'", a->of->op->name, ks_name(a->of));
    ks__real_text(a->value, value);
    a->place = ks_node_place(node);
    snprintf(a->message, sizeof a->message, "%s '%.100s'%s %s %s at element %lld%.300s", node->op->name, ks_name(node), of,
             node->op->flags & KS_OP_LEAF ? "was given" : "became", value, (long long)a->element, inputs);
}

/* ---- the call ------------------------------------------------------------------------------------------ */

static bool look(looker *l, ks_node *const *targets, int count, ks_mode mode, ks_anomaly *out)
{
    size_t n = l->list.count;
    l->copies = ks__get(l->g, n * sizeof *l->copies);
    l->wanted = ks__get(l->g, n * sizeof *l->wanted);
    l->odd = ks__get(l->g, n);
    if (!l->copies || !l->wanted || !l->odd)
        return false;
    if (!ks_copy(l->copy, l->list.nodes, (int)n, false, l->copies))
        return false;
    for (uint32_t i = 0; i < n; i++)
        l->list.nodes[i]->local = i; /* the copying has numbered them too */
    if (!compute(l, mode))
        return false;
    find_first(l, targets, count, out);
    if (out->found)
        say(l, out);
    return true;
}

bool ks_find_anomaly(ks_node *const *targets, int count, ks_mode mode, ks_anomaly *out)
{
    if (!out)
        return false;
    *out = (ks_anomaly){.found = false};
    if (!targets || count <= 0 || !ks__usable(targets[0]))
        return false;
    looker l = {.g = targets[0]->graph};
    for (int i = 0; i < count; i++) {
        if (!ks__usable(targets[i]))
            return false;
        if (targets[i]->graph != l.g)
            return ks__refuse(l.g, KS_BAD_ARGUMENT, KS__NOWHERE, "ks_find_anomaly: '%s' belongs to another graph", ks_name(targets[i]));
    }
    l.copy = ks__private_graph(l.g, true);
    if (!l.copy)
        return ks__refuse(l.g, KS_NO_MEMORY, KS__NOWHERE, "out of memory: no room for a copy of the graph");
    bool good = ks__list_reach(l.g, &l.list, targets, (uint32_t)count) && look(&l, targets, count, mode, out);
    if (!good && ks_error(l.copy))
        ks__hand_over(l.g, ks_error(l.copy));
    size_t n = l.list.count;
    ks__put(l.g, l.copies, l.copies ? n * sizeof *l.copies : 0);
    ks__put(l.g, l.wanted, l.wanted ? n * sizeof *l.wanted : 0);
    ks__put(l.g, l.odd, l.odd ? n : 0);
    ks__list_free(l.g, &l.list);
    ks_graph_free(l.copy);
    return good;
}
