/*
 * function/map.c - one row's function for all rows.
 *
 * The body's nodes are composed again with a leading dimension of rows. An operation that has a rule here runs on all rows at once; one
 * that has none runs row by row, as a scan without states. What hangs on no mapped argument is computed once.
 */
#include "function/function.h"

typedef struct mapping {
    ks_graph *g;
    ks_place at;
    const ks_function *f;
    ks_node **made; /* [body's count] with a leading dimension of rows where `mapped` */
    bool *mapped;   /* [body's count] */
    ks_node *rows;  /* a mapped argument: it has as many rows as all */
    int64_t *symbols;
} mapping;

/* A node's inputs in the other graph, as a rule changes them. */
typedef struct lifted {
    ks_node *in[8];
    bool mapped[8];
    uint32_t n;
} lifted;

static ks_node *apply(const mapping *m, const ks_node *node, ks_node *const *inputs, const void *attrs)
{
    return ks__compose(ks_node_place(node), m->g, node->op, inputs, node->n, attrs);
}

/* ---- bringing shapes together -------------------------------------------------------------------------- */

/* [rows, ...] of body rank `from` -> with dimensions of one behind the rows, up to body rank `to`. */
static ks_node *lift(const mapping *m, ks_node *x, int from, int to)
{
    if (!x || from >= to)
        return x;
    ks_ints axes = {.count = to - from};
    for (int d = 0; d < axes.count; d++)
        axes.at[d] = d + 1;
    return ks_unsqueeze_at(m->at, x, axes);
}

/* x for every row alike: [...] -> [rows, ...]. What says how many rows there are is read for its shape only, and never computed. */
static ks_node *repeated(const mapping *m, ks_node *x)
{
    ks_ints others = {.count = 0};
    for (int d = 1; d < ks__rank(m->rows); d++)
        others.at[others.count++] = d;
    ks_node *column = ks_cast_at(m->at, m->rows, KS_F32), *one = ks_unsqueeze_at(m->at, x, KS_INTS(0));
    if (others.count)
        column = ks_sum_at(m->at, column, others, false);
    ks_node *like = ks_add_at(m->at, lift(m, column, 0, ks__rank(x)), ks_cast_at(m->at, one, KS_F32));
    return ks_expand_at(m->at, one, like, KS_ABSENT);
}

/* Every input with rows, a bare number apart. */
static bool repeat_all(const mapping *m, lifted *l)
{
    for (uint32_t k = 0; k < l->n; k++) {
        if (l->mapped[k] || l->in[k]->op->flags & KS_OP_NUMBER)
            continue;
        if (!(l->in[k] = repeated(m, l->in[k])))
            return false;
        l->mapped[k] = true;
    }
    return true;
}

/* ---- rules --------------------------------------------------------------------------------------------- */

typedef ks_node *(*rule_fn)(const mapping *m, const ks_node *node, lifted *l);

static int body_rank(const ks_node *node, uint32_t k)
{
    return ks__rank(ks__inputs(node)[k]);
}

static ks_node *elementwise(const mapping *m, const ks_node *node, lifted *l)
{
    if (strchr(node->op->types, '+') && !repeat_all(m, l)) /* all of one shape */
        return NULL;
    for (uint32_t k = 0; k < l->n; k++) {
        if (l->mapped[k])
            l->in[k] = lift(m, l->in[k], body_rank(node, k), ks__rank(node));
    }
    return apply(m, node, l->in, node->data.attrs);
}

/* Matrices stay the last two dimensions; the rows become a batch. */
static ks_node *matmul(const mapping *m, const ks_node *node, lifted *l)
{
    int a = body_rank(node, 0), b = body_rank(node, 1);
    if (a == 1 && b == 2 && !l->mapped[1]) /* the rows are a matrix; a vector has no transpose */
        return ks__matmul(ks_node_place(node), l->in[0], l->in[1], false, ((const int64_t *)node->data.attrs)[1]);
    if (b == 1 || (a == 1 && (l->mapped[1] || b != 2))) { /* vectors as matrices */
        if (a == 1)
            l->in[0] = ks_unsqueeze_at(m->at, l->in[0], KS_INTS(-2));
        if (b == 1)
            l->in[1] = ks_unsqueeze_at(m->at, l->in[1], KS_INTS(-1));
        a = a == 1 ? 2 : a;
        int right = b == 1 ? 2 : b, rank = a > right ? a : right;
        for (int k = 0; k < 2; k++)
            l->in[k] = l->mapped[k] ? lift(m, l->in[k], k ? right : a, rank) : l->in[k];
        ks_node *y = apply(m, node, l->in, node->data.attrs);
        if (b == 1)
            y = ks_squeeze_at(m->at, y, KS_INTS(-1));
        return body_rank(node, 0) == 1 ? ks_squeeze_at(m->at, y, b == 1 ? KS_INTS(-1) : KS_INTS(-2)) : y;
    }
    int rank = a > b ? a : b;
    for (int k = 0; k < 2; k++)
        l->in[k] = l->mapped[k] ? lift(m, l->in[k], k ? b : a, rank) : l->in[k];
    return apply(m, node, l->in, node->data.attrs);
}

static ks_node *reshape(const mapping *m, const ks_node *node, lifted *l)
{
    ks_shape shape = {.rank = ks__rank(node) + 1, .dim = {m->rows->dims->shape.dim[0]}};
    if (shape.rank > KS_MAX_RANK)
        return NULL;
    const ks_shape *own = &node->dims->shape;
    for (int d = 0; d < own->rank; d++)
        shape.dim[d + 1] = own->dim[d] >= 0 ? own->dim[d] : m->symbols[-own->dim[d] - 1];
    int open = 0;
    for (int d = 0; d < shape.rank; d++)
        open += shape.dim[d] == KS_ANY;
    return open <= 1 ? ks_reshape_at(m->at, l->in[0], shape) : NULL;
}

static ks_node *transpose(const mapping *m, const ks_node *node, lifted *l)
{
    const ks_ints *perm = node->data.attrs;
    ks_ints with_rows = {.count = ks__rank(node) + 1};
    for (int d = 0; d < ks__rank(node); d++)
        with_rows.at[d + 1] = 1 + (perm->count < 0 ? ks__rank(node) - 1 - d : perm->at[d] < 0 ? perm->at[d] + ks__rank(node) : perm->at[d]);
    return ks_transpose_at(m->at, l->in[0], with_rows);
}

/* x takes like's shape, from behind, or with dimensions of one at the given axes. */
static ks_node *expand(const mapping *m, const ks_node *node, lifted *l)
{
    ks_ints axes = *(const ks_ints *)node->data.attrs;
    if (!repeat_all(m, l))
        return NULL;
    if (axes.count < 0)
        return ks_expand_at(m->at, lift(m, l->in[0], body_rank(node, 0), body_rank(node, 1)), l->in[1], axes);
    for (int d = 0; d < axes.count; d++)
        axes.at[d] += axes.at[d] >= 0;
    return ks_expand_at(m->at, l->in[0], l->in[1], axes);
}

static ks_node *sum_to(const mapping *m, const ks_node *node, lifted *l)
{
    if (!repeat_all(m, l))
        return NULL;
    int from = body_rank(node, 0), to = body_rank(node, 1);
    ks_node *like = lift(m, l->in[1], to, from), *sum = like ? ks_sum_to_at(m->at, l->in[0], like) : NULL;
    return sum && to < from ? ks_reshape_like_at(m->at, sum, l->in[1]) : sum;
}

static ks_node *reshape_like(const mapping *m, const ks_node *node, lifted *l)
{
    return repeat_all(m, l) ? apply(m, node, l->in, node->data.attrs) : NULL;
}

/* Rows of a table: with indices for each row, or of a table for each. */
static ks_node *gather(const mapping *m, const ks_node *node, lifted *l)
{
    int64_t axis = *(const int64_t *)node->data.attrs;
    axis += axis < 0 ? body_rank(node, 0) : 0;
    if (l->mapped[0] && l->mapped[1])
        return NULL;
    if (l->mapped[0])
        return ks_gather_at(m->at, l->in[0], l->in[1], axis + 1);
    return axis == 0 ? ks_gather_at(m->at, l->in[0], l->in[1], 0) : NULL;
}

static const struct {
    const ks_op *op;
    rule_fn rule;
} rules[] = {
    {&ks__op_matmul, matmul}, {&ks__op_reshape, reshape}, {&ks__op_transpose, transpose},       {&ks__op_expand, expand},
    {&ks__op_sum_to, sum_to}, {&ks__op_gather, gather},   {&ks__op_reshape_like, reshape_like},
};

/* What works along axes of one tensor: every axis stands one further back. */
static ks_node *along_axes(const mapping *m, const ks_node *node, lifted *l)
{
    _Alignas(16) char attrs[512];
    memcpy(attrs, node->data.attrs, node->op->attrs_size);
    for (const ks_attr *attr = node->op->attrs; attr && attr->name; attr++) {
        void *field = attrs + attr->offset;
        if (attr->type == KS_ATTR_INTS && !strcmp(attr->name, "axes")) {
            ks_ints *axes = field;
            if (axes->count < 0) {
                axes->count = body_rank(node, 0);
                for (int d = 0; d < axes->count; d++)
                    axes->at[d] = d;
            }
            for (int d = 0; d < axes->count; d++)
                axes->at[d] += axes->at[d] >= 0;
        } else if (attr->type == KS_ATTR_INT && !strcmp(attr->name, "axis")) {
            *(int64_t *)field += *(int64_t *)field >= 0;
        }
    }
    return apply(m, node, l->in, attrs);
}

static bool has_axes(const ks_op *op)
{
    for (const ks_attr *attr = op->attrs; attr && attr->name; attr++) {
        if ((attr->type == KS_ATTR_INTS && !strcmp(attr->name, "axes")) || (attr->type == KS_ATTR_INT && !strcmp(attr->name, "axis")))
            return true;
    }
    return false;
}

static rule_fn rule_of(const ks_node *node)
{
    for (size_t r = 0; r < sizeof rules / sizeof *rules; r++) {
        if (rules[r].op == node->op)
            return rules[r].rule;
    }
    bool seen = KS__HAS(node->op, seen);
    if (node->op->tiles && !seen && node->n <= 8)
        return elementwise;
    /* Lines of different rows have nothing to do with each other: what the flag promises. */
    return node->n == 1 && has_axes(node->op) && node->op->flags & KS_OP_LINES ? along_axes : NULL;
}

/* ---- row by row ---------------------------------------------------------------------------------------- */

#define MOST 64

/* A node that has no rule, with what it reads and what reads further results of it. */
typedef struct lone {
    ks_node *inputs[MOST], *arguments[MOST], *outputs[MOST], *out[MOST];
    uint32_t input_count, output_count, scanned;
} lone;

/* Mapped inputs first: they are scanned. A node that is read twice is one parameter; numbers and constants come along. */
static void list_inputs(const mapping *m, const ks_node *head, lone *l)
{
    for (int turn = 0; turn < 2; turn++) {
        for (uint32_t k = 0; k < head->n; k++) {
            ks_node *input = ks__inputs(head)[k];
            bool skip = m->mapped[input->id] != (turn == 0) || input->op->flags & (KS_OP_NUMBER | KS_OP_CONSTANT);
            for (uint32_t j = 0; j < l->input_count; j++)
                skip = skip || l->inputs[j] == input;
            if (skip)
                continue;
            l->arguments[l->input_count] = m->made[input->id];
            l->inputs[l->input_count++] = input;
            l->scanned += turn == 0;
        }
    }
}

static bool list_outputs(const mapping *m, uint32_t i, lone *l)
{
    ks_node *head = ks__stack_at(&m->f->graph->nodes, i);
    l->outputs[l->output_count++] = head;
    for (uint32_t j = i + 1; KS__HAS(head->op, results) && j < m->f->graph->count; j++) {
        ks_node *node = ks__stack_at(&m->f->graph->nodes, j);
        if (!(node->op->flags & KS_OP_RESULT) || ks__inputs(node)[0] != head)
            continue;
        if (l->output_count == MOST)
            return false;
        l->outputs[l->output_count++] = node;
    }
    return true;
}

static bool by_rows(mapping *m, uint32_t i)
{
    const ks_node *head = ks__stack_at(&m->f->graph->nodes, i);
    lone l = {.scanned = 0};
    if (head->n > MOST || !list_outputs(m, i, &l))
        return ks__refuse(m->g, KS_BAD_ARGUMENT, m->at, "map: '%s' in '%s' has more than %d inputs or results", head->op->name, m->f->name,
                          MOST);
    list_inputs(m, head, &l);
    ks__function_lock(m->f); /* extraction leaves marks in the body */
    ks_function *row = ks__extract(head->op->name, l.inputs, l.input_count, l.outputs, l.output_count, NULL);
    ks__function_unlock(m->f);
    ks_scan_options options = {.size = sizeof options, .scanned = (int)l.scanned};
    bool good = row && ks_scan_at(m->at, row, l.arguments, &options, l.out);
    if (!row)
        ks__refuse(m->g, KS_BAD_ARGUMENT, m->at, "map: '%s' of '%s' can't be taken out of it", head->op->name, m->f->name);
    for (uint32_t k = 0; good && k < l.output_count; k++) {
        m->made[l.outputs[k]->id] = l.out[k];
        m->mapped[l.outputs[k]->id] = true;
    }
    ks_function_free(row);
    return good;
}

/* ---- the walk ------------------------------------------------------------------------------------------ */

/* Whether what a rule made has the rows first and the node's own dimensions behind. */
static bool fits(const ks_node *made, const ks_node *node)
{
    if (!made || ks__rank(made) != ks__rank(node) + 1)
        return false;
    for (int d = 0; d < ks__rank(node); d++) {
        int64_t is = made->dims->shape.dim[d + 1], wanted = node->dims->shape.dim[d];
        if (is >= 0 && wanted >= 0 && is != wanted)
            return false;
    }
    return true;
}

static bool at_once(mapping *m, uint32_t i)
{
    const ks_node *node = ks__stack_at(&m->f->graph->nodes, i);
    rule_fn rule = rule_of(node);
    if (!rule)
        return false;
    lifted l = {.n = node->n};
    for (uint32_t k = 0; k < node->n; k++) {
        l.in[k] = m->made[ks__inputs(node)[k]->id];
        l.mapped[k] = m->mapped[ks__inputs(node)[k]->id];
    }
    ks_failure earlier = m->g->failure;
    ks_node *made = rule(m, node, &l);
    if (!made)
        m->g->failure = earlier; /* then row by row */
    if (!fits(made, node))
        return false;
    m->made[i] = made;
    m->mapped[i] = true;
    return true;
}

static bool map_node(mapping *m, uint32_t i)
{
    const ks_node *node = ks__stack_at(&m->f->graph->nodes, i);
    if (m->made[i])
        return true;
    bool any = false;
    for (uint32_t k = 0; k < node->n; k++)
        any = any || m->mapped[ks__inputs(node)[k]->id];
    if (!any)
        return (m->made[i] = ks__clone_node(m->g, node, m->made, m->symbols, false)) != NULL;
    return at_once(m, i) || by_rows(m, i);
}

static bool map_all(mapping *m, ks_node *const *arguments, const bool *mapped, ks_node **out)
{
    for (uint32_t i = 0; i < m->f->input_count; i++) {
        m->made[m->f->inputs[i]->id] = arguments[i];
        m->mapped[m->f->inputs[i]->id] = mapped[i];
    }
    for (uint32_t i = 0; i < m->f->graph->count; i++) {
        if (!map_node(m, i))
            return false;
    }
    for (uint32_t k = 0; k < ks__function_outputs(m->f); k++) {
        uint32_t id = ks__function_output(m->f, k)->id;
        out[k] = m->mapped[id] ? m->made[id] : repeated(m, m->made[id]);
        if (!out[k])
            return false;
    }
    return true;
}

/* What the body's open dimensions are: a mapped argument's first dimension is not its own. */
static bool find_symbols(mapping *m, ks_node *const *arguments, const bool *mapped)
{
    for (uint32_t i = 0; i < m->f->input_count; i++) {
        const ks_node *input = m->f->inputs[i];
        const ks_shape *given = &arguments[i]->dims->shape;
        int rows = mapped[i] ? 1 : 0;
        char is[KS__SHAPE_TEXT], wanted[KS__SHAPE_TEXT];
        if (given->rank != ks__rank(input) + rows || arguments[i]->dtype != input->dtype)
            return ks__refuse(m->g, KS_BAD_SHAPE, m->at, "map: '%s' is %s %s in '%s'%s, but '%s' is %s %s", ks_name(input),
                              ks_dtype_name((ks_dtype)input->dtype), ks__shape_text(m->f->graph, &input->dims->shape, wanted), m->f->name,
                              rows ? " and mapped, so it takes a dimension of rows more" : "", ks_name(arguments[i]),
                              ks_dtype_name((ks_dtype)arguments[i]->dtype), ks__shape_text(m->g, given, is));
        for (int d = 0; d < ks__rank(input); d++) {
            int64_t dim = input->dims->shape.dim[d];
            if (dim < 0 && m->symbols[-dim - 1] < 0)
                m->symbols[-dim - 1] = given->dim[d + rows];
        }
        if (rows && !m->rows)
            m->rows = arguments[i];
    }
    return m->rows || ks__refuse(m->g, KS_BAD_ARGUMENT, m->at, "map: no argument of '%s' is mapped: call it instead", m->f->name);
}

bool ks_map_at(ks_place at, ks_function *function, ks_node *const *arguments, const bool *mapped, ks_node **out)
{
    ks_graph *g = out && mapped ? ks__arguments_graph(at, function, arguments) : NULL;
    if (!g)
        return false;
    size_t symbols = (function->graph->symbol_count + 1) * sizeof(int64_t), flags = function->graph->count + 1;
    mapping m = {.g = g, .at = at, .f = function, .made = ks__nodes_get(g, function)};
    m.mapped = ks__get(g, flags);
    m.symbols = ks__get(g, symbols);
    bool good = m.made && m.mapped && m.symbols;
    if (good) {
        memset(m.mapped, 0, flags);
        memset(m.symbols, 0xff, symbols); /* KS_ANY: not known */
        good = find_symbols(&m, arguments, mapped) && map_all(&m, arguments, mapped, out);
    }
    if (m.made)
        ks__nodes_put(g, function, m.made);
    ks__put(g, m.mapped, m.mapped ? flags : 0);
    ks__put(g, m.symbols, m.symbols ? symbols : 0);
    return good;
}
