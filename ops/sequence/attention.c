/*
 * ops/sequence/attention.c - scaled dot-product attention, in one head and in many.
 */
#include "ops/sequence/fold.h"

#include <math.h>

/* ---- axes folded --------------------------------------------------------------------------------------- */

/* A node of which only the shape is taken: x's without its last axes, then `tail`. */
static ks_node *of_folded_shape(ks_place at, ks_node *x, int axes, ks_shape tail)
{
    ks_ints dropped = {.count = axes}, added = {.count = tail.rank};
    for (int i = 0; i < axes; i++)
        dropped.at[i] = i - axes;
    for (int i = 0; i < tail.rank; i++)
        added.at[i] = i - tail.rank;
    ks_node *front = ks_unsqueeze_at(at, ks_sum_at(at, x, dropped, false), added);
    return ks_add_at(at, front, ks_full_at(at, x->graph, ks_node_dtype(x), tail, 0));
}

ks_node *ks__fold_last(ks_place at, ks_node *x, int axes, ks_shape tail)
{
    if (!x)
        return NULL;
    ks_shape shape = x->dims->shape;
    int open = 0;
    shape.rank -= axes;
    for (int i = 0; i < shape.rank; i++)
        open += ks__dim_open(shape.dim[i]);
    if (shape.rank + tail.rank > KS_MAX_RANK)
        return ks__null(x->graph, KS_BAD_SHAPE, at, "'%.100s' has rank %d: there is no room for %d axes more", ks_name(x), ks__rank(x),
                        tail.rank - axes);
    if (open > 1) /* no numbers say this shape */
        return ks_reshape_like_at(at, x, of_folded_shape(at, x, axes, tail));
    for (int i = 0; i < tail.rank; i++)
        shape.dim[shape.rank++] = tail.dim[i];
    return ks_reshape_at(at, x, shape);
}

/* ---- who sees whom ------------------------------------------------------------------------------------- */

/* [Tq, Tk], bool: no later place than one's own. */
static ks_node *not_later(ks_place at, ks_node *q, ks_node *k)
{
    ks_node *own = ks_unsqueeze_at(at, ks_positions_at(at, q, -2), KS_INTS(1)), *other = ks_positions_at(at, k, -2);
    return ks_greater_equal_at(at, own, other);
}

typedef struct masking {
    ks_node *seen;  /* bool; NULL: all */
    ks_node *added; /* to the scores; NULL: nothing */
    ks_node *dead;  /* rows that see nothing, [..., Tq, 1]; NULL: there are none */
} masking;

/* A row that sees nothing is computed as if it saw everything, so that no NaN is made, and struck out afterwards. */
static bool plan_masking(ks_place at, ks_node *q, ks_node *k, const ks_attention_options *o, masking *m)
{
    ks_graph *g = q->graph;
    *m = (masking){0};
    ks_node *past = o->causal ? not_later(at, q, k) : NULL;
    if (!o->mask) {
        m->seen = past; /* a row sees at least the first place */
        return !o->causal || past;
    }
    if (ks_node_dtype(o->mask) == KS_BOOL) {
        m->seen = past ? ks_logical_and_at(at, o->mask, past) : o->mask;
        m->dead = ks_logical_not_at(at, ks_any_at(at, m->seen, KS_INTS(-1), true));
        m->seen = ks_logical_or_at(at, m->seen, m->dead);
        return m->seen != NULL;
    }
    ks_node *never = ks_number_at(at, g, -INFINITY);
    m->added = past ? ks_where_at(at, past, o->mask, never) : o->mask;
    m->dead = ks_all_at(at, ks_equal_at(at, m->added, never), KS_INTS(-1), true);
    m->added = ks_where_at(at, m->dead, ks_number_at(at, g, 0), m->added);
    return m->added != NULL;
}

/* ---- one head ------------------------------------------------------------------------------------------ */

static ks_attention_options read_options(const ks_attention_options *options)
{
    ks_attention_options own = KS_ATTENTION_OPTIONS_DEFAULT;
    if (options)
        memcpy(&own, options, options->size < sizeof own ? options->size : sizeof own);
    return own;
}

/* q times the scale: it has less elements than the scores. */
static ks_node *scaled(ks_place at, ks_node *q, double scale)
{
    int64_t d = ks__extent(q, 1);
    if (scale != 0)
        return ks_mul_at(at, q, ks_number_at(at, q->graph, scale));
    if (ks__dim_open(d))
        return ks_mul_at(at, q, ks_rsqrt_at(at, ks__count_of(at, q, KS_INTS(-1), ks_node_dtype(q))));
    return ks_mul_at(at, q, ks_number_at(at, q->graph, d ? 1 / sqrt((double)d) : 1));
}

static bool check(ks_place at, ks_node *q, ks_node *k, ks_node *v, const ks_attention_options *o)
{
    ks_node *all[] = {q, k, v};
    for (int i = 0; i < 3; i++) {
        if (!ks__usable(all[i]))
            return false;
        if (ks__rank(all[i]) < 2)
            return ks__refuse(q->graph, KS_BAD_SHAPE, at, "attention: '%.100s' has rank %d: give q, k and v as [..., T, d]",
                              ks_name(all[i]), ks__rank(all[i]));
    }
    if (!(o->dropout >= 0 && o->dropout < 1))
        return ks__refuse(q->graph, KS_BAD_ARGUMENT, at, "attention: dropout is a share in [0, 1)");
    if (!o->mask)
        return true;
    if (!ks__usable(o->mask))
        return false;
    bool fits = o->mask->dtype == KS_BOOL || o->mask->dtype == q->dtype;
    if (!fits || ks__rank(o->mask) < 1)
        return ks__refuse(q->graph, KS_BAD_DTYPE, at, "attention: the mask '%.100s' must be bool, or %s, and have the axis of the keys",
                          ks_name(o->mask), ks_dtype_name((ks_dtype)q->dtype));
    return true;
}

ks_node *ks_attention_at(ks_place at, ks_node *q, ks_node *k, ks_node *v, const ks_attention_options *options)
{
    ks_attention_options o = read_options(options);
    masking m;
    if (!check(at, q, k, v, &o) || !plan_masking(at, q, k, &o, &m))
        return NULL;
    ks_node *score = ks__matmul(at, scaled(at, q, o.scale), k, false, true);
    if (m.added)
        score = ks_add_at(at, score, m.added);
    if (m.seen)
        score = ks_where_at(at, m.seen, score, ks_number_at(at, q->graph, -INFINITY));
    ks_node *weight = ks_softmax_at(at, score, -1);
    if (o.dropout > 0)
        weight = ks_dropout_at(at, weight, o.dropout, KS_DROPOUT_INVERTED);
    ks_node *y = ks_matmul_at(at, weight, v);
    return m.dead ? ks_where_at(at, m.dead, ks_number_at(at, q->graph, 0), y) : y;
}

/* ---- many heads ---------------------------------------------------------------------------------------- */

ks_node *ks_split_heads_at(ks_place at, ks_node *x, int heads)
{
    if (!ks__usable(x))
        return NULL;
    int64_t width = ks__rank(x) >= 2 ? ks__extent(x, 1) : 0;
    if (ks__rank(x) < 2 || ks__dim_open(width) || heads < 1 || width % heads)
        return ks__null(x->graph, KS_BAD_SHAPE, at, "split_heads: '%.100s' must be [..., T, E] with E known and divisible by the %d heads",
                        ks_name(x), heads);
    return ks_swapaxes_at(at, ks__fold_last(at, x, 1, KS_SHAPE(heads, width / heads)), -3, -2);
}

ks_node *ks_join_heads_at(ks_place at, ks_node *x)
{
    if (!ks__usable(x))
        return NULL;
    if (ks__rank(x) < 3 || ks__dim_open(ks__extent(x, 1)) || ks__dim_open(ks__extent(x, 3)))
        return ks__null(x->graph, KS_BAD_SHAPE, at, "join_heads: '%.100s' must be [..., heads, T, d] with heads and d known", ks_name(x));
    int64_t width = ks__extent(x, 3) * ks__extent(x, 1);
    return ks__fold_last(at, ks_swapaxes_at(at, x, -3, -2), 2, KS_SHAPE(width));
}

static ks_node *dense(ks_place at, ks_node *x, ks_node *w, ks_node *b)
{
    return b ? ks_dense_at(at, x, w, b) : ks_matmul_at(at, x, w);
}

/* q, k and v, before they are split into heads. */
static bool project(ks_place at, ks_node *x, ks_node *memory, const ks_attention_weights *w, ks_node **out)
{
    if (!w->k && !w->v) {
        if (memory)
            return ks__refuse(x->graph, KS_BAD_ARGUMENT, at, "multi_head_attention: a memory needs weights of its own for k and v");
        return ks_split_at(at, dense(at, x, w->q, w->q_bias), -1, 3, out);
    }
    ks_node *from = memory ? memory : x;
    out[0] = dense(at, x, w->q, w->q_bias);
    out[1] = dense(at, from, w->k, w->k_bias);
    out[2] = dense(at, from, w->v, w->v_bias);
    return out[0] && out[1] && out[2];
}

ks_node *ks_multi_head_attention_at(ks_place at, ks_node *x, ks_node *memory, const ks_attention_weights *weights, int heads,
                                    const ks_attention_options *options)
{
    ks_node *part[3];
    if (!ks__usable(x) || !weights || !project(at, x, memory, weights, part))
        return NULL;
    for (int i = 0; i < 3; i++)
        part[i] = ks_split_heads_at(at, part[i], heads);
    ks_node *y = ks_join_heads_at(at, ks_attention_at(at, part[0], part[1], part[2], options));
    return weights->out ? dense(at, y, weights->out, weights->out_bias) : y;
}
