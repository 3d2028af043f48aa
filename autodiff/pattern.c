/*
 * autodiff/pattern.c - which elements of x each element of y can hang on, found from the graph alone.
 *
 * Every element carries the set of the columns (elements of x) that it can hang on; sets are stretches of one pool. Elementwise operations
 * unite what stands at one place; what moves elements is applied to their numbers, and so says itself where each came from; what
 * works along axes unites along them; matrix products unite a row with a column. All else is taken to mix everything.
 */
#include "autodiff/pattern.h"
#include "autodiff/private.h"
#include "ops/family.h"

#include <stdlib.h>
#include <string.h>

/* ---- sets ---------------------------------------------------------------------------------------------- */

uint32_t ks__union_begin(ks__pattern *p)
{
    p->unions++;
    return p->pool_count;
}

bool ks__union_add(ks__pattern *p, ks__stretch row)
{
    for (uint32_t i = 0; i < row.count; i++) {
        uint32_t column = p->pool[row.start + i];
        if (p->mark[column] == p->unions)
            continue;
        if (p->pool_count == UINT32_MAX || !ks__grow(p->g, &p->pool, &p->pool_capacity, p->pool_count, sizeof *p->pool))
            return false;
        p->mark[column] = p->unions;
        p->pool[p->pool_count++] = column;
    }
    return true;
}

static int ascending(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

ks__stretch ks__union_end(ks__pattern *p, uint32_t start)
{
    ks__stretch out = {start, p->pool_count - start};
    bool sorted = true;
    for (uint32_t i = 1; sorted && i < out.count; i++)
        sorted = p->pool[start + i - 1] < p->pool[start + i];
    if (!sorted)
        qsort(p->pool + start, out.count, sizeof *p->pool, ascending);
    return out;
}

/* *into becomes the union of itself and `row`. */
static bool unite(ks__pattern *p, ks__stretch *into, ks__stretch row)
{
    if (!row.count || (into->start == row.start && into->count == row.count))
        return true;
    if (!into->count) {
        *into = row;
        return true;
    }
    uint32_t start = ks__union_begin(p);
    bool good = ks__union_add(p, *into) && ks__union_add(p, row);
    *into = ks__union_end(p, start);
    return good;
}

/* ---- nodes --------------------------------------------------------------------------------------------- */

static ks__stretch *rows_of(const ks__pattern *p, const ks_node *node, uint32_t k)
{
    const ks_node *input = ks__inputs(node)[k];
    return ks__listed(&p->list, input) && ks__edge_passes(node, k) ? p->rows[input->local] : NULL;
}

void ks__broadcast_steps(const ks_shape *in, const ks_shape *out, int64_t step[KS_MAX_RANK])
{
    int64_t run = 1;
    for (int i = out->rank - 1, k = in->rank - 1; i >= 0; i--, k--) {
        step[i] = k >= 0 && in->dim[k] != 1 ? run : 0;
        run *= k >= 0 ? in->dim[k] : 1;
    }
}

int64_t ks__stepped(const ks_shape *shape, const int64_t step[KS_MAX_RANK], int64_t e)
{
    int64_t at = 0;
    for (int i = shape->rank - 1; i >= 0; i--) {
        at += e % shape->dim[i] * step[i];
        e /= shape->dim[i];
    }
    return at;
}

static bool elementwise(ks__pattern *p, ks_node *node, ks__stretch *out)
{
    const ks_shape *shape = &node->dims->shape;
    for (uint32_t k = 0; k < node->n; k++) {
        const ks__stretch *rows = rows_of(p, node, k);
        if (!rows)
            continue;
        const ks_shape *in = &ks__inputs(node)[k]->dims->shape;
        ks_shape as = *in;
        if (k == 0 && node->op->seen)
            node->op->seen(ks__attrs(node), in, shape, &as);
        int64_t step[KS_MAX_RANK];
        ks__broadcast_steps(&as, shape, step);
        bool same = ks__inputs(node)[k]->dims == node->dims;
        for (int64_t e = 0; e < node->dims->count; e++) {
            if (!unite(p, &out[e], rows[same ? e : ks__stepped(shape, step, e)]))
                return false;
        }
    }
    return true;
}

/* Every element can hang on all that comes in. */
static bool mixed(ks__pattern *p, ks_node *node, ks__stretch *out)
{
    uint32_t start = ks__union_begin(p);
    for (uint32_t k = 0; k < node->n; k++) {
        const ks__stretch *rows = rows_of(p, node, k), *last = NULL;
        for (int64_t e = 0; rows && e < ks__inputs(node)[k]->dims->count; last = &rows[e++]) {
            if ((!last || last->start != rows[e].start) && !ks__union_add(p, rows[e]))
                return false;
        }
    }
    ks__stretch all = ks__union_end(p, start);
    for (int64_t e = 0; e < node->dims->count; e++)
        out[e] = all;
    return true;
}

/* ---- what moves elements ------------------------------------------------------------------------------- */

/* The numbers first, first + 1, ... (zeros where first is 0) as a constant of the shape. */
static ks_node *numbered(ks__pattern *p, const ks_node *like, int64_t first)
{
    int64_t n = like->dims->count;
    size_t bytes = (size_t)(n ? n : 1) * sizeof(double);
    double *data = ks__get(p->g, bytes);
    if (!data)
        return NULL;
    for (int64_t i = 0; i < n; i++)
        data[i] = first ? (double)(first + i) : 0;
    ks_node *out = ks_constant(p->aside, KS_F64, like->dims->shape, data);
    ks__put(p->g, data, bytes);
    return out;
}

/* The node's operation on the numbers of its inputs' elements, counted through all inputs from `first`, in the graph aside; NULL: it
 * can't be seen that way. */
static ks_node *on_numbers(ks__pattern *p, const ks_node *node, ks_node **inputs, int64_t first)
{
    for (uint32_t k = 0; k < node->n; k++) {
        const ks_node *input = ks__inputs(node)[k];
        char letter = ks__input_letter(node->op, k);
        bool data = letter == 'I' || letter == 'B';
        if (data && !(input->op->flags & KS_OP_CONSTANT))
            return NULL;
        inputs[k] = data ? ks_constant(p->aside, (ks_dtype)input->dtype, input->dims->shape, input->value->block->data)
                         : numbered(p, input, rows_of(p, node, k) ? first : 0);
        if (!inputs[k])
            return NULL;
        first += input->dims->count;
    }
    ks_node *y = ks_apply(p->aside, node->op, inputs, (int)node->n, ks__attrs(node));
    return y && ks_eval(y) && y->dtype == KS_F64 && y->value->dims->count == node->dims->count ? y : NULL;
}

/* The row of the element with this number; none for 0. */
static ks__stretch numbered_row(const ks__pattern *p, const ks_node *node, int64_t number)
{
    for (uint32_t k = 0; k < node->n && number > 0; k++) {
        int64_t n = ks__inputs(node)[k]->dims->count;
        const ks__stretch *rows = rows_of(p, node, k);
        if (number <= n)
            return rows ? rows[number - 1] : (ks__stretch){0, 0};
        number -= n;
    }
    return (ks__stretch){0, 0};
}

/* With other numbers what was moved is another, by as much; what is not is a constant. */
static bool moved(ks__pattern *p, ks_node *node, ks__stretch *out)
{
    if (!p->aside && !(p->aside = ks_graph_new(
                           &(ks_graph_options){.size = sizeof(ks_graph_options), .allocator = p->g->options.allocator, .threads = 1})))
        return ks__refuse(p->g, KS_NO_MEMORY, KS__NOWHERE, "out of memory: no room for a graph beside this one");
    ks_node *few[8], **inputs = node->n > 8 ? ks__get(p->g, node->n * sizeof *inputs) : few;
    if (!inputs)
        return false;
    const int64_t shift = (int64_t)1 << 34; /* beyond all numbers */
    const ks_node *y = on_numbers(p, node, inputs, 1), *z = y ? on_numbers(p, node, inputs, 1 + shift) : NULL;
    if (inputs != few)
        ks__put(p->g, inputs, node->n * sizeof *inputs);
    if (!z && ks_error(p->aside) && ks_error(p->aside)->code == KS_NO_MEMORY)
        return ks__hand_over(p->g, ks_error(p->aside));
    if (p->g->failure.code == KS_NO_MEMORY)
        return false;
    for (int64_t e = 0; z && e < node->dims->count; e++) {
        double number = ((const double *)y->value->block->data)[e], other = ((const double *)z->value->block->data)[e];
        out[e] = numbered_row(p, node, other - number == (double)shift ? (int64_t)number : 0);
    }
    ks_error_clear(p->aside);
    ks_graph_release(p->aside, 0);
    return z || mixed(p, node, out);
}

/* ---- what works along axes ----------------------------------------------------------------------------- */

static const void *attr_of(const ks_node *node, const char *name)
{
    for (const ks_attr *attr = node->op->attrs; attr && attr->name; attr++) {
        if (!strcmp(attr->name, name))
            return (const char *)ks__attrs(node) + attr->offset;
    }
    return NULL;
}

/* The axes of input 0 along which the node works: its attribute "axes" or "axis"; without, those that the result has lost. */
static unsigned line_axes(const ks_node *node)
{
    const ks_shape *in = &ks__inputs(node)[0]->dims->shape, *out = &node->dims->shape;
    const ks_ints *axes = attr_of(node, "axes");
    const int64_t *axis = attr_of(node, "axis");
    unsigned mask = 0;
    if (axes && axes->count < 0)
        return (1u << in->rank) - 1;
    if (axes || axis) {
        for (int i = 0; i < (axes ? axes->count : 1); i++) {
            int64_t a = axes ? axes->at[i] : *axis;
            mask |= 1u << (a < 0 ? a + in->rank : a);
        }
        return mask;
    }
    int extra = in->rank - out->rank;
    for (int i = 0; i < in->rank; i++)
        mask |= i < extra || out->dim[i - extra] != in->dim[i] ? 1u << i : 0;
    return mask;
}

/* Puts the union of each line into lines[line]. */
static bool unite_lines(ks__pattern *p, const ks_node *x, const ks__stretch *rows, unsigned mask, ks__stretch *lines)
{
    const ks_shape *in = &x->dims->shape;
    int64_t step[KS_MAX_RANK], run = 1, inner[KS_MAX_RANK], length = 1, own = 1, start[KS_MAX_RANK];
    ks_shape along = {.rank = 0}, across = {.rank = 0};
    for (int i = in->rank - 1; i >= 0; own *= in->dim[i--])
        step[i] = own;
    for (int i = 0; i < in->rank; i++) {
        ks_shape *shape = mask >> i & 1 ? &along : &across;
        (mask >> i & 1 ? inner : start)[shape->rank] = step[i];
        shape->dim[shape->rank++] = in->dim[i];
        *(mask >> i & 1 ? &length : &run) *= in->dim[i];
    }
    for (int64_t line = 0; line < run; line++) {
        uint32_t begin = ks__union_begin(p);
        int64_t at = ks__stepped(&across, start, line);
        for (int64_t k = 0; k < length; k++) {
            if (!ks__union_add(p, rows[at + ks__stepped(&along, inner, k)]))
                return false;
        }
        lines[line] = ks__union_end(p, begin);
    }
    return true;
}

static bool in_lines(ks__pattern *p, ks_node *node, ks__stretch *out)
{
    const ks__stretch *rows = rows_of(p, node, 0);
    const ks_node *x = ks__inputs(node)[0];
    for (uint32_t k = 1; k < node->n; k++) {
        if (rows_of(p, node, k))
            return mixed(p, node, out);
    }
    unsigned mask = line_axes(node);
    int64_t lines = 1, step[KS_MAX_RANK] = {0};
    const ks_shape *in = &x->dims->shape;
    for (int i = in->rank - 1; i >= 0; i--) {
        step[i] = mask >> i & 1 ? 0 : lines;
        lines *= mask >> i & 1 ? 1 : in->dim[i];
    }
    if (lines == node->dims->count)
        return unite_lines(p, x, rows, mask, out);
    if (x->dims != node->dims)
        return mixed(p, node, out);
    size_t room = (size_t)(lines ? lines : 1) * sizeof(ks__stretch);
    ks__stretch *sets = ks__get(p->g, room);
    bool good = sets && unite_lines(p, x, rows, mask, sets);
    for (int64_t e = 0; good && e < node->dims->count; e++)
        out[e] = sets[ks__stepped(in, step, e)];
    ks__put(p->g, sets, sets ? room : 0);
    return good;
}

/* ---- matrix products ----------------------------------------------------------------------------------- */

/* The sets of an operand's rows (side 0) or columns (side 1), batch by batch; NULL in *sets if it hangs on no x. */
static bool product_lines(ks__pattern *p, const ks_node *node, int side, ks__stretch **sets)
{
    const ks__stretch *rows = rows_of(p, node, (uint32_t)side);
    const ks_node *x = ks__inputs(node)[side];
    const ks_shape *in = &x->dims->shape;
    const int64_t *turned = attr_of(node, side ? "trans_b" : "trans_a");
    *sets = NULL;
    if (!rows)
        return true;
    int summed = in->rank == 1 || (side == 0) == (turned && *turned) ? in->rank - 2 : in->rank - 1;
    if (in->rank == 1)
        summed = 0;
    *sets = ks__get(p->g, (size_t)(x->dims->count + 1) * sizeof **sets);
    return *sets && unite_lines(p, x, rows, 1u << summed, *sets);
}

/* As a batch of lines: the operand's shape without the axis that is summed over, a line at the end; a vector is one line. */
static ks_shape line_shape(const ks_shape *in, bool turned_to_rows)
{
    ks_shape out = {.rank = 0};
    for (int i = 0; i + 2 < in->rank; i++)
        out.dim[out.rank++] = in->dim[i];
    if (in->rank >= 2)
        out.dim[out.rank++] = in->dim[turned_to_rows ? in->rank - 1 : in->rank - 2];
    return out;
}

static bool product(ks__pattern *p, ks_node *node, ks__stretch *out)
{
    const ks_node *operand[2] = {ks__inputs(node)[0], ks__inputs(node)[1]};
    const int64_t *ta = attr_of(node, "trans_a"), *tb = attr_of(node, "trans_b");
    ks__stretch *sets[2] = {NULL, NULL};
    bool good = product_lines(p, node, 0, &sets[0]) && product_lines(p, node, 1, &sets[1]);
    const ks_shape *shape = &node->dims->shape;
    bool vector[2] = {ks__rank(operand[0]) == 1, ks__rank(operand[1]) == 1};
    for (int side = 0; good && side < 2; side++) {
        if (!sets[side])
            continue;
        /* the lines seen as a tensor that broadcasts to the result: [batch, m, 1] or [batch, 1, n] */
        ks_shape lines = line_shape(&operand[side]->dims->shape, side ? !(tb && *tb) : ta && *ta), as = lines;
        int64_t step[KS_MAX_RANK];
        if (side == 0 && !vector[0] && !vector[1])
            as.dim[as.rank++] = 1;
        if (side == 1 && !vector[0] && !vector[1]) {
            as.dim[as.rank] = as.dim[as.rank - 1];
            as.dim[as.rank++ - 1] = 1;
        }
        ks__broadcast_steps(&as, shape, step);
        for (int64_t e = 0; good && e < node->dims->count; e++)
            good = unite(p, &out[e], sets[side][ks__stepped(shape, step, e)]);
    }
    for (int side = 0; side < 2; side++)
        ks__put(p->g, sets[side], sets[side] ? (size_t)(operand[side]->dims->count + 1) * sizeof **sets : 0);
    return good;
}

/* ---- the walk ------------------------------------------------------------------------------------------ */

static bool follow(ks__pattern *p, ks_node *node, ks__stretch *out)
{
    unsigned flags = node->op->flags;
    const ks__stretch *first = node->n ? rows_of(p, node, 0) : NULL;
    if (node->op->tiles)
        return elementwise(p, node, out);
    if (flags & KS_OP_VIEW && first) {
        memcpy(out, first, (size_t)node->dims->count * sizeof *out);
        return true;
    }
    if (flags & KS_OP_MOVES)
        return moved(p, node, out);
    if (flags & KS_OP_LINES && first)
        return in_lines(p, node, out);
    return node->op == &ks__op_matmul ? product(p, node, out) : mixed(p, node, out);
}

static bool start(ks__pattern *p, const ks_node *x)
{
    p->columns = (uint32_t)x->dims->count;
    p->mark = ks__get(p->g, (p->columns + 1) * sizeof *p->mark);
    p->rows = ks__get(p->g, p->list.count * sizeof *p->rows);
    if (p->rows)
        memset(p->rows, 0, p->list.count * sizeof *p->rows);
    if (!p->mark || !p->rows)
        return false;
    memset(p->mark, 0, (p->columns + 1) * sizeof *p->mark);
    for (uint32_t i = 0; i < p->columns; i++) {
        if (!ks__grow(p->g, &p->pool, &p->pool_capacity, p->pool_count, sizeof *p->pool))
            return false;
        p->pool[p->pool_count++] = i;
    }
    return true;
}

static size_t room_of(const ks_node *node)
{
    return (size_t)(node->dims->count + 1) * sizeof(ks__stretch);
}

static bool visit(ks__pattern *p, ks_place at, const char *call, uint32_t i, const ks_node *x)
{
    ks_node *node = p->list.nodes[i];
    bool hangs = node == x;
    for (uint32_t k = 0; k < node->n; k++)
        hangs = hangs || rows_of(p, node, k);
    if (!hangs)
        return true;
    for (uint32_t k = 0; k < node->n; k++) {
        if (!ks__sized(at, call, ks__inputs(node)[k]))
            return false;
    }
    ks__stretch *rows = ks__sized(at, call, node) ? ks__get(p->g, room_of(node)) : NULL;
    if (!rows)
        return false;
    p->rows[i] = rows;
    memset(rows, 0, room_of(node));
    for (uint32_t e = 0; node == x && e < p->columns; e++)
        rows[e] = (ks__stretch){e, 1};
    return node == x || follow(p, node, rows);
}

bool ks__pattern_find(ks__pattern *p, ks_place at, const char *call, ks_node *y, ks_node *x)
{
    *p = (ks__pattern){.g = y->graph};
    bool good = ks__sized(at, call, y) && ks__sized(at, call, x);
    if (good && (x->dims->count >= UINT32_MAX || y->dims->count >= UINT32_MAX))
        good =
            ks__refuse(p->g, KS_BAD_SHAPE, at, "%s: '%s' and '%s' may have 4,294,967,294 elements at most", call, ks_name(y), ks_name(x));
    good = good && ks__cone(p->g, &p->list, &y, 1, ks__lowest_id(&x, 1)) && start(p, x);
    for (uint32_t i = 0; good && i < p->list.count; i++)
        good = visit(p, at, call, i, x);
    return good;
}

const ks__stretch *ks__pattern_rows(const ks__pattern *p, const ks_node *y)
{
    return p->rows[y->local];
}

void ks__pattern_free(ks__pattern *p)
{
    for (uint32_t i = 0; p->rows && i < p->list.count; i++)
        ks__put(p->g, p->rows[i], p->rows[i] ? room_of(p->list.nodes[i]) : 0);
    ks__put(p->g, p->rows, p->rows ? p->list.count * sizeof *p->rows : 0);
    ks__put(p->g, p->mark, p->mark ? (p->columns + 1) * sizeof *p->mark : 0);
    ks__put(p->g, p->pool, p->pool_capacity * sizeof *p->pool);
    ks__list_free(p->g, &p->list);
    ks_graph_free(p->aside);
    *p = (ks__pattern){0};
}
