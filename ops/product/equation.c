/*
 * ops/product/equation.c - reads an equation such as "bij,bjk->bik" and checks it against the operands: every slip is named.
 */
#include "ops/product/einsum.h"

#define REFUSE(e, code, format, ...) ks__refuse((e)->g, code, (e)->at, "einsum '%.100s': " format, (e)->equation, __VA_ARGS__)

/* ---- one term of the text ------------------------------------------------------------------------------ */

/* A term as it is written: letters, and where "..." stands among them. */
typedef struct written {
    int count, dots; /* letters; how many stand before "...", -1: there is none */
    int letter[KS_MAX_RANK + 1];
} written;

static int label_of(char c)
{
    return c >= 'A' && c <= 'Z' ? c - 'A' : c >= 'a' && c <= 'z' ? c - 'a' + 26 : -1;
}

static char letter_of(int label)
{
    return (char)(label < 26 ? 'A' + label : 'a' + label - 26);
}

/* Reads up to a comma, an arrow or the end. */
static bool read_term(const ks__einsum *e, const char **text, written *term)
{
    *term = (written){.dots = -1};
    for (const char *c = *text;; c++) {
        *text = c;
        if (!*c || *c == ',' || (c[0] == '-' && c[1] == '>'))
            return true;
        if (*c == ' ')
            continue;
        if (c[0] == '.') {
            if (strncmp(c, "...", 3) || term->dots >= 0)
                return REFUSE(e, KS_BAD_ARGUMENT, "at position %d: dots come as '...', once in a term", (int)(c - e->equation));
            term->dots = term->count;
            c += 2;
        } else if (label_of(*c) < 0) {
            return REFUSE(e, KS_BAD_ARGUMENT, "'%c' at position %d: an equation is made of letters, ',', '...' and '->'", *c,
                          (int)(c - e->equation));
        } else if (term->count == KS_MAX_RANK) {
            return REFUSE(e, KS_BAD_ARGUMENT, "a term has more than %d letters, the most dimensions of a tensor", KS_MAX_RANK);
        } else {
            term->letter[term->count++] = label_of(*c);
        }
    }
}

/* The term's labels where "..." stands for `dots` axes. */
static void label_term(const written *w, int dots, ks__einsum_term *t)
{
    t->rank = 0;
    for (int i = 0; i <= w->count; i++) {
        for (int k = dots - 1; i == w->dots && k >= 0; k--)
            t->label[t->rank++] = KS__EINSUM_DOTS + k;
        if (i < w->count)
            t->label[t->rank++] = w->letter[i];
    }
}

/* ---- operands ------------------------------------------------------------------------------------------ */

/* A label's size as all operands have it; those of "..." broadcast. */
static bool meet_size(ks__einsum *e, int i, int axis)
{
    const ks__einsum_term *t = &e->term[i];
    int label = t->label[axis];
    int64_t dim = t->node->dims->shape.dim[axis], *known = &e->dim[label];
    char text[KS__SHAPE_TEXT];
    bool first = *known == INT64_MAX;
    bool fits = first || (label >= KS__EINSUM_DOTS ? ks__dim_broadcast(e->g, *known, dim, known) : ks__dim_same(e->g, *known, dim, known));
    if (first)
        *known = dim;
    if (fits)
        return true;
    const char *shape = ks__shape_text(e->g, &t->node->dims->shape, text);
    if (label >= KS__EINSUM_DOTS)
        return REFUSE(e, KS_BAD_SHAPE, "the axes of '...' do not broadcast: operand %d, '%.100s', is %s", i, ks_name(t->node), shape);
    return REFUSE(e, KS_BAD_SHAPE, "'%c' has another size before than in operand %d, '%.100s', which is %s", letter_of(label), i,
                  ks_name(t->node), shape);
}

static bool fit_operand(ks__einsum *e, int i, const written *w)
{
    ks__einsum_term *t = &e->term[i];
    int rank = ks__rank(t->node), dots = rank - w->count;
    if (w->dots < 0 ? dots != 0 : dots < 0)
        return REFUSE(e, KS_BAD_SHAPE, "operand %d, '%.100s', has %d dimensions, but its term %s%d", i, ks_name(t->node), rank,
                      w->dots < 0 ? "names " : "names at least ", w->count);
    label_term(w, dots, t);
    for (int axis = 0; axis < rank; axis++) {
        if (!meet_size(e, i, axis))
            return false;
    }
    return true;
}

static bool read_operands(ks__einsum *e, const char **text, ks_node *const *nodes, int count)
{
    for (e->n = 0;; ++*text) {
        written w;
        if (!read_term(e, text, &w))
            return false;
        if (e->n < count) {
            e->term[e->n].node = nodes[e->n];
            if (!fit_operand(e, e->n, &w))
                return false;
        }
        e->n++;
        if (**text != ',')
            break;
    }
    return e->n == count || REFUSE(e, KS_BAD_ARGUMENT, "it has %d operands, but %d are given", e->n, count);
}

/* ---- the result ---------------------------------------------------------------------------------------- */

/* How many axes "..." stands for in the result: the most of any operand. */
static int dots_of(const ks__einsum *e)
{
    int dots = 0;
    while (dots < KS_MAX_RANK && e->dim[KS__EINSUM_DOTS + dots] != INT64_MAX)
        dots++;
    return dots;
}

/* Without an arrow: "...", then the letters that stand once, in alphabetical order. */
static bool implied_result(ks__einsum *e, written *w)
{
    int times[KS__EINSUM_DOTS] = {0};
    *w = (written){.dots = 0};
    for (int i = 0; i < e->n; i++) {
        for (int k = 0; k < e->term[i].rank; k++) {
            if (e->term[i].label[k] < KS__EINSUM_DOTS)
                times[e->term[i].label[k]]++;
        }
    }
    for (int label = 0; label < KS__EINSUM_DOTS; label++) {
        if (times[label] != 1)
            continue;
        if (w->count == KS_MAX_RANK)
            return REFUSE(e, KS_BAD_SHAPE, "the result would have more than %d dimensions", KS_MAX_RANK);
        w->letter[w->count++] = label;
    }
    return true;
}

static bool read_result(ks__einsum *e, const char *text, written *w)
{
    if (!read_term(e, &text, w))
        return false;
    if (*text)
        return REFUSE(e, KS_BAD_ARGUMENT, "'%c' at position %d: the result is one term", *text, (int)(text - e->equation));
    for (int i = 0; i < w->count; i++) {
        if (e->dim[w->letter[i]] == INT64_MAX)
            return REFUSE(e, KS_BAD_ARGUMENT, "the result names '%c', which no operand has", letter_of(w->letter[i]));
        for (int k = 0; k < i; k++) {
            if (w->letter[i] == w->letter[k])
                return REFUSE(e, KS_BAD_ARGUMENT, "the result names '%c' twice", letter_of(w->letter[i]));
        }
    }
    return w->dots >= 0 || !dots_of(e) ||
           REFUSE(e, KS_BAD_ARGUMENT, "the result leaves out '...', which stands for %d axes: write it, or letters to sum over",
                  dots_of(e));
}

bool ks__einsum_parse(ks__einsum *e, ks_place at, const char *equation, ks_node *const *nodes, int count)
{
    memset(e, 0, sizeof *e);
    e->at = at;
    e->g = nodes[0]->graph;
    e->equation = equation ? equation : "NULL";
    for (int i = 0; i < KS__EINSUM_LABELS; i++)
        e->dim[i] = INT64_MAX;
    if (!equation || count > KS__EINSUM_MOST)
        return REFUSE(e, KS_BAD_ARGUMENT, "needs an equation, and takes up to %d operands", KS__EINSUM_MOST);
    const char *text = equation;
    written w;
    if (!read_operands(e, &text, nodes, count) || !(*text ? read_result(e, text + 2, &w) : implied_result(e, &w)))
        return false;
    int dots = w.dots >= 0 ? dots_of(e) : 0;
    if (w.count + dots > KS_MAX_RANK)
        return REFUSE(e, KS_BAD_SHAPE, "the result would have %d dimensions, more than %d", w.count + dots, KS_MAX_RANK);
    label_term(&w, dots, &e->out);
    return true;
}
