/*
 * ops/product/einsum.c - sums of products written as an equation, composed of ordinary nodes.
 *
 * Every axis of an operand gets a label: a letter, or its place among the axes of "...", counted from the end. First each operand is
 * brought in order by itself: diagonals are taken and what nobody else names is summed over. Then two operands at a time become one, the
 * pair first whose product is the smallest beside them. Nothing here needs a size but that choice, in which an open dimension counts as
 * OPEN_SIZE.
 */
#include "ops/product/einsum.h"

#define OPEN_SIZE 64.0

/* ---- axes by label ------------------------------------------------------------------------------------- */

static int axis_of(const ks__einsum_term *t, int label)
{
    for (int i = 0; i < t->rank; i++) {
        if (t->label[i] == label)
            return i;
    }
    return -1;
}

static uint64_t labels_of(const ks__einsum_term *t)
{
    uint64_t mask = 0;
    for (int i = 0; i < t->rank; i++)
        mask |= UINT64_C(1) << t->label[i];
    return mask;
}

static bool has(uint64_t mask, int label)
{
    return mask >> label & 1;
}

/* Appends the labels of `from` that are in the mask, in their order. */
static void append(ks__einsum_term *to, const ks__einsum_term *from, uint64_t mask)
{
    for (int i = 0; i < from->rank && to->rank < KS_MAX_RANK; i++) {
        if (has(mask, from->label[i]))
            to->label[to->rank++] = from->label[i];
    }
}

static bool in_order(const ks__einsum_term *t, const ks__einsum_term *wanted)
{
    return t->rank == wanted->rank && !memcmp(t->label, wanted->label, sizeof t->label[0] * (size_t)t->rank);
}

/* The operand with its axes in the wanted order, which has the same labels. */
static ks_node *arranged(ks_place at, const ks__einsum_term *t, const ks__einsum_term *wanted)
{
    ks_ints perm = {.count = t->rank};
    if (in_order(t, wanted))
        return t->node;
    for (int i = 0; i < t->rank; i++)
        perm.at[i] = axis_of(t, wanted->label[i]);
    return ks_transpose_at(at, t->node, perm);
}

/* ---- one operand by itself ----------------------------------------------------------------------------- */

/* A label that stands twice: the two axes go to the end, and their diagonal is taken. */
static bool take_diagonal(ks_place at, ks__einsum_term *t, int first, int second)
{
    ks_ints perm = {.count = 0};
    ks__einsum_term rest = {.rank = 0};
    for (int i = 0; i < t->rank; i++) {
        if (i == first || i == second)
            continue;
        perm.at[perm.count++] = i;
        rest.label[rest.rank++] = t->label[i];
    }
    bool last = first == t->rank - 2;
    perm.at[perm.count++] = first;
    perm.at[perm.count++] = second;
    rest.label[rest.rank++] = t->label[first];
    rest.node = ks_diagonal_at(at, last ? t->node : ks_transpose_at(at, t->node, perm), 0);
    *t = rest;
    return t->node;
}

static bool take_diagonals(ks_place at, ks__einsum_term *t)
{
    for (int i = 0; i < t->rank; i++) {
        for (int k = i + 1; k < t->rank; k++) {
            if (t->label[i] != t->label[k])
                continue;
            if (!take_diagonal(at, t, i, k))
                return false;
            i = -1;
            break;
        }
    }
    return true;
}

/* Sums over the axes whose labels are not in the mask. */
static bool sum_others(ks_place at, ks__einsum_term *t, uint64_t mask)
{
    ks_ints axes = {.count = 0};
    ks__einsum_term rest = {.node = t->node};
    append(&rest, t, mask);
    for (int i = 0; i < t->rank; i++) {
        if (!has(mask, t->label[i]))
            axes.at[axes.count++] = i;
    }
    if (axes.count)
        rest.node = ks_sum_at(at, t->node, axes, false);
    *t = rest;
    return t->node;
}

/* What the result and all operands but these two name. */
static uint64_t others_name(const ks__einsum *e, int i, int k)
{
    uint64_t mask = labels_of(&e->out);
    for (int t = 0; t < e->n; t++) {
        if (t != i && t != k)
            mask |= labels_of(&e->term[t]);
    }
    return mask;
}

/* An axis of 1 among the axes of "..." that others have larger is left to broadcasting: it goes. */
static uint64_t spread_axes(const ks__einsum *e, const ks__einsum_term *t)
{
    uint64_t mask = 0;
    for (int i = 0; i < t->rank; i++) {
        if (t->label[i] >= KS__EINSUM_DOTS && e->dim[t->label[i]] != 1 && t->node->dims->shape.dim[i] == 1)
            mask |= UINT64_C(1) << t->label[i];
    }
    return mask;
}

static bool prepare(ks__einsum *e, int i)
{
    ks__einsum_term *t = &e->term[i];
    uint64_t spread = spread_axes(e, t);
    return take_diagonals(e->at, t) && sum_others(e->at, t, others_name(e, i, i) & ~spread);
}

/* ---- two operands become one --------------------------------------------------------------------------- */

/* How the labels of two operands meet. */
typedef struct meeting {
    uint64_t batch, inner, left, right;
} meeting;

static meeting meet(const ks__einsum *e, int i, int k)
{
    uint64_t a = labels_of(&e->term[i]), b = labels_of(&e->term[k]), kept = others_name(e, i, k);
    return (meeting){.batch = a & b & kept, .inner = a & b & ~kept, .left = a & ~b, .right = b & ~a};
}

/* How the axes of both lie for one product: [batch, left, inner] and [batch, inner, right], or with the last two groups exchanged. */
typedef struct arrangement {
    ks__einsum_term a, b;
    bool trans_a, trans_b;
    int turned; /* operands that must be transposed in memory */
} arrangement;

static ks__einsum_term in_groups(const ks__einsum_term *batch, const ks__einsum_term *second, uint64_t mask2, const ks__einsum_term *third,
                                 uint64_t mask3, uint64_t mask1)
{
    ks__einsum_term t = {.rank = 0};
    append(&t, batch, mask1);
    append(&t, second, mask2);
    append(&t, third, mask3);
    return t;
}

/* The batch's and the inner axes in the order in which they stand in `by`. */
static arrangement arrange_by(const ks__einsum_term *a, const ks__einsum_term *b, const ks__einsum_term *by, const meeting *m)
{
    arrangement r = {.turned = 0};
    ks__einsum_term turned_a = in_groups(by, by, m->inner, a, m->left, m->batch),
                    turned_b = in_groups(by, b, m->right, by, m->inner, m->batch);
    r.a = in_groups(by, a, m->left, by, m->inner, m->batch);
    r.b = in_groups(by, by, m->inner, b, m->right, m->batch);
    r.trans_a = !in_order(a, &r.a) && in_order(a, &turned_a);
    r.trans_b = !in_order(b, &r.b) && in_order(b, &turned_b);
    if (r.trans_a)
        r.a = turned_a;
    if (r.trans_b)
        r.b = turned_b;
    r.turned = !in_order(a, &r.a) + !in_order(b, &r.b);
    return r;
}

static int count_of(uint64_t mask)
{
    return __builtin_popcountll(mask);
}

/* The product of both as nodes. A plain matrix product is a matmul, which is what readers and other systems know. */
static ks_node *multiply(const ks__einsum *e, const ks__einsum_term *a, const ks__einsum_term *b, const meeting *m)
{
    arrangement by_a = arrange_by(a, b, a, m), by_b = arrange_by(a, b, b, m);
    const arrangement *r = by_b.turned < by_a.turned ? &by_b : &by_a;
    ks_node *x = arranged(e->at, a, &r->a), *y = arranged(e->at, b, &r->b);
    int left = count_of(m->left), right = count_of(m->right), batch = count_of(m->batch), inner = count_of(m->inner);
    bool matrices = inner == 1 && (left == 1 || (left == 0 && !batch)) && (right == 1 || (right == 0 && !batch));
    if (matrices)
        return ks__matmul(e->at, x, y, r->trans_a && left, r->trans_b && right);
    return ks__tensordot(e->at, x, y, (ks__tensordot_attrs){.batch = batch, .inner = inner, .trans_a = r->trans_a, .trans_b = r->trans_b});
}

/* Nothing to sum over, and all axes of `small` are axes of `large`: it broadcasts. */
static ks__einsum_term scale(const ks__einsum *e, const ks__einsum_term *large, const ks__einsum_term *small)
{
    uint64_t common = labels_of(small);
    ks__einsum_term t = {.rank = 0}, ordered = {.rank = 0};
    append(&t, large, ~common);
    append(&t, large, common);
    append(&ordered, large, common);
    t.node = ks_mul_at(e->at, arranged(e->at, large, &t), arranged(e->at, small, &ordered));
    return t;
}

/* Whether the result of the pair comes out in the wanted order if they are exchanged: the wanted result has b's own axes first. */
static bool better_exchanged(const ks__einsum *e, const meeting *m)
{
    for (int i = 0; i < e->out.rank; i++) {
        if (has(m->left | m->right, e->out.label[i]))
            return has(m->right, e->out.label[i]);
    }
    return false;
}

static bool join(ks__einsum *e, int i, int k)
{
    meeting m = meet(e, i, k);
    if (better_exchanged(e, &m)) {
        int swap = i;
        i = k;
        k = swap;
        m = meet(e, i, k);
    }
    const ks__einsum_term *a = &e->term[i], *b = &e->term[k];
    ks__einsum_term joined = {.rank = 0};
    if (!m.inner && (!m.left || !m.right)) {
        joined = m.right ? scale(e, b, a) : scale(e, a, b);
    } else if (count_of(m.batch | m.left | m.right) > KS_MAX_RANK) {
        ks__null(e->g, KS_BAD_SHAPE, e->at, "einsum '%.100s': a product of two operands would have more than %d dimensions", e->equation,
                 KS_MAX_RANK);
    } else {
        arrangement by_a = arrange_by(a, b, a, &m), by_b = arrange_by(a, b, b, &m);
        append(&joined, by_b.turned < by_a.turned ? b : a, m.batch);
        append(&joined, a, m.left);
        append(&joined, b, m.right);
        joined.node = multiply(e, a, b, &m);
    }
    e->term[i < k ? i : k] = joined;
    int gone = i < k ? k : i;
    memmove(&e->term[gone], &e->term[gone + 1], (size_t)(--e->n - gone) * sizeof e->term[0]);
    return joined.node;
}

/* ---- which two ----------------------------------------------------------------------------------------- */

static double size_of(const ks__einsum *e, uint64_t mask)
{
    double size = 1;
    for (int label = 0; mask; label++, mask >>= 1) {
        if (mask & 1)
            size *= ks__dim_open(e->dim[label]) ? OPEN_SIZE : (double)e->dim[label];
    }
    return size;
}

/* What the product adds to what is there: its own size without those of the two. */
static double growth(const ks__einsum *e, int i, int k)
{
    uint64_t a = labels_of(&e->term[i]), b = labels_of(&e->term[k]);
    return size_of(e, (a | b) & others_name(e, i, k)) - size_of(e, a) - size_of(e, b);
}

static void choose(const ks__einsum *e, int *first, int *second)
{
    double least = 0;
    *first = -1;
    for (int i = 0; i < e->n; i++) {
        for (int k = i + 1; k < e->n; k++) {
            double grows = growth(e, i, k);
            if (*first >= 0 && grows >= least)
                continue;
            least = grows;
            *first = i;
            *second = k;
        }
    }
}

static ks_node *compose(ks__einsum *e)
{
    for (int i = 0; i < e->n; i++) {
        if (!prepare(e, i))
            return NULL;
    }
    while (e->n > 1) {
        int i, k = 0;
        choose(e, &i, &k);
        if (!join(e, i, k))
            return NULL;
    }
    return arranged(e->at, &e->term[0], &e->out);
}

ks_node *ks_einsum_at(ks_place at, const char *equation, ks_node *const *nodes, int count)
{
    ks__einsum e;
    for (int i = 0; i < count; i++) {
        if (!ks__usable(nodes[i]))
            return NULL;
    }
    if (count < 1)
        return NULL;
    return ks__einsum_parse(&e, at, equation, nodes, count) ? compose(&e) : NULL;
}
