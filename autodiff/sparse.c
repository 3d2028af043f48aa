/*
 * autodiff/sparse.c - sparse Jacobians: the pattern as rows, a colouring of it, and the values from one pass a colour.
 *
 * Columns that share no row can be seeded together: each row of the product then holds one column's entry (Curtis, Powell and Reid
 * 1974). The same holds of rows in reverse mode. Colours are given greedily in the order of the columns.
 */
#include "autodiff/pattern.h"
#include "keisan/autodiff.h"
#include "ops/family.h"

#include <string.h>

/* ---- arrays that outlive the call ---------------------------------------------------------------------- */

static int64_t *array(ks_graph *g, const ks_allocator *allocator, int64_t count)
{
    size_t bytes = (size_t)(count ? count : 1) * sizeof(int64_t);
    int64_t *out = ks__allocate(allocator, NULL, 0, bytes);
    if (!out)
        ks__refuse(g, KS_NO_MEMORY, KS__NOWHERE, "out of memory: no room for %zu bytes", bytes);
    return out ? memset(out, 0, bytes) : NULL;
}

static void array_put(const ks_allocator *allocator, const int64_t *array, int64_t count)
{
    if (array)
        ks__allocate(allocator, (void *)(uintptr_t)array, (size_t)(count ? count : 1) * sizeof *array, 0);
}

/* A pattern by rows, as ks_sparsity has it. */
typedef struct matrix {
    int64_t rows, columns;
    int64_t *start, *column;
} matrix;

static int64_t entries_of(const matrix *m)
{
    return m->start ? m->start[m->rows] : 0;
}

static void matrix_put(const ks_allocator *allocator, matrix *m)
{
    array_put(allocator, m->column, entries_of(m));
    array_put(allocator, m->start, m->rows + 1);
    *m = (matrix){0};
}

static bool matrix_from(ks_graph *g, const ks__pattern *p, const ks_node *y, matrix *out)
{
    const ks_allocator *allocator = &g->options.allocator;
    const ks__stretch *rows = ks__pattern_rows(p, y);
    *out = (matrix){.rows = y->dims->count, .columns = p->columns};
    out->start = array(g, allocator, out->rows + 1);
    for (int64_t i = 0; out->start && i < out->rows; i++)
        out->start[i + 1] = out->start[i] + (rows ? rows[i].count : 0);
    out->column = out->start ? array(g, allocator, entries_of(out)) : NULL;
    for (int64_t i = 0; out->column && i < out->rows; i++) {
        for (int64_t k = out->start[i]; k < out->start[i + 1]; k++)
            out->column[k] = p->pool[rows[i].start + (k - out->start[i])];
    }
    return out->column != NULL;
}

static bool transpose(ks_graph *g, const matrix *m, matrix *out)
{
    const ks_allocator *allocator = &g->options.allocator;
    *out = (matrix){.rows = m->columns, .columns = m->rows};
    out->start = array(g, allocator, out->rows + 1);
    if (!out->start)
        return false;
    for (int64_t k = 0; k < entries_of(m); k++)
        out->start[m->column[k] + 1]++;
    for (int64_t i = 0; i < out->rows; i++)
        out->start[i + 1] += out->start[i];
    int64_t *next = array(g, allocator, out->rows + 1);
    out->column = next ? array(g, allocator, entries_of(out)) : NULL;
    if (next)
        memcpy(next, out->start, (size_t)(out->rows + 1) * sizeof *next);
    for (int64_t i = 0; out->column && i < m->rows; i++) {
        for (int64_t k = m->start[i]; k < m->start[i + 1]; k++)
            out->column[next[m->column[k]]++] = i;
    }
    array_put(allocator, next, out->rows + 1);
    return out->column != NULL;
}

/* ---- colours ------------------------------------------------------------------------------------------- */

/* The columns that meet in some row get different colours. `turned` is m transposed. Returns the number of colours, -1: no memory. */
static int64_t colour(ks_graph *g, const matrix *m, const matrix *turned, int64_t *colours)
{
    int64_t *taken = array(g, &g->options.allocator, m->columns + 1), most = 0; /* the column, + 1, that may not have this colour */
    if (!taken)
        return -1;
    for (int64_t j = 0; j < m->columns; j++) {
        for (int64_t r = turned->start[j]; r < turned->start[j + 1]; r++) {
            int64_t row = turned->column[r];
            for (int64_t k = m->start[row]; k < m->start[row + 1] && m->column[k] < j; k++)
                taken[colours[m->column[k]]] = j + 1;
        }
        while (taken[colours[j]] == j + 1)
            colours[j]++;
        most = colours[j] + 1 > most ? colours[j] + 1 : most;
    }
    array_put(&g->options.allocator, taken, m->columns + 1);
    return most;
}

/* A column's own row may hold no other column of its colour: that is all that the diagonal needs. */
static int64_t colour_diagonal(ks_graph *g, const matrix *m, const matrix *turned, int64_t *colours)
{
    int64_t *taken = array(g, &g->options.allocator, m->columns + 1), most = 0;
    if (!taken)
        return -1;
    for (int64_t j = 0; j < m->columns; j++) {
        const matrix *both[2] = {m, turned};
        for (int side = 0; side < 2; side++) {
            const matrix *one = both[side];
            for (int64_t k = one->start[j]; k < one->start[j + 1] && one->column[k] < j; k++)
                taken[colours[one->column[k]]] = j + 1;
        }
        while (taken[colours[j]] == j + 1)
            colours[j]++;
        most = colours[j] + 1 > most ? colours[j] + 1 : most;
    }
    array_put(&g->options.allocator, taken, m->columns + 1);
    return most;
}

static int64_t longest_row(const matrix *m)
{
    int64_t most = 0;
    for (int64_t i = 0; i < m->rows; i++)
        most = m->start[i + 1] - m->start[i] > most ? m->start[i + 1] - m->start[i] : most;
    return most;
}

/* Colours the columns, and the rows where these could do with fewer; what is better goes into `out`. */
static bool choose_colours(ks_graph *g, const matrix *m, const matrix *turned, ks_sparsity *out)
{
    const ks_allocator *allocator = &g->options.allocator;
    int64_t *of_columns = array(g, allocator, m->columns), *of_rows = of_columns ? array(g, allocator, m->rows) : NULL;
    int64_t columns = of_rows ? colour(g, m, turned, of_columns) : -1, rows = -1;
    bool good = columns >= 0;
    if (columns > longest_row(turned)) /* rows need as many colours as the longest column has entries */
        good = (rows = colour(g, turned, m, of_rows)) >= 0;
    bool reverse = rows >= 0 && rows < columns;
    out->direction = reverse ? KS_REVERSE : KS_FORWARD;
    out->colours = !entries_of(m) ? 0 : reverse ? rows : columns;
    out->colour = reverse ? of_rows : of_columns;
    array_put(allocator, reverse ? of_columns : of_rows, reverse ? m->columns : m->rows);
    return good;
}

/* ---- the pattern --------------------------------------------------------------------------------------- */

static bool find(const char *call, ks_node *y, ks_node *x, matrix *m, matrix *turned)
{
    ks__pattern p;
    bool good = ks__pattern_find(&p, KS__NOWHERE, call, y, x) && matrix_from(y->graph, &p, y, m) && transpose(y->graph, m, turned);
    ks__pattern_free(&p);
    return good;
}

bool ks_jacobian_sparsity(ks_node *y, ks_node *x, ks_sparsity *out)
{
    static const char call[] = "ks_jacobian_sparsity";
    if (!out)
        return false;
    *out = (ks_sparsity){.rows = 0};
    if (!y || !x || !ks__derivable(KS__NOWHERE, y->graph, call, y) || !ks__derivable(KS__NOWHERE, y->graph, call, x))
        return false;
    ks_graph *g = y->graph;
    matrix m = {0}, turned = {0};
    bool good = find(call, y, x, &m, &turned);
    *out = (ks_sparsity){.rows = m.rows,
                         .columns = m.columns,
                         .entries = entries_of(&m),
                         .row_start = m.start,
                         .column = m.column,
                         .direction = KS_FORWARD,
                         .allocator = g->options.allocator};
    good = good && choose_colours(g, &m, &turned, out);
    matrix_put(&g->options.allocator, &turned);
    if (good)
        ks__log(g, "ks_jacobian_sparsity: %lld by %lld with %lld entries, %lld passes in %s mode", (long long)out->rows,
                (long long)out->columns, (long long)out->entries, (long long)out->colours,
                out->direction == KS_FORWARD ? "forward" : "reverse");
    else
        ks_sparsity_free(out);
    return good;
}

void ks_sparsity_free(ks_sparsity *sparsity)
{
    if (!sparsity)
        return;
    array_put(&sparsity->allocator, sparsity->colour, sparsity->direction == KS_FORWARD ? sparsity->columns : sparsity->rows);
    array_put(&sparsity->allocator, sparsity->column, sparsity->entries);
    array_put(&sparsity->allocator, sparsity->row_start, sparsity->rows + 1);
    *sparsity = (ks_sparsity){.rows = 0};
}

/* ---- values -------------------------------------------------------------------------------------------- */

/* 1 where the colour is this one, else 0; of like's shape. */
static ks_node *seed_of(ks_place at, ks_node *colours, int64_t which, ks_node *like)
{
    return ks_cast_at(at, ks_equal_at(at, colours, ks_number_at(at, like->graph, (double)which)), (ks_dtype)like->dtype);
}

static ks_node *colours_like(ks_place at, const int64_t *colours, ks_node *like)
{
    return ks_constant_at(at, like->graph, KS_I64, like->dims->shape, colours);
}

/* What each pass gave, one after the other: [passes * elements]. */
static ks_node *compressed(ks_place at, ks_node *y, ks_node *x, const ks_sparsity *s)
{
    bool forward = s->direction == KS_FORWARD;
    size_t room = (size_t)s->colours * sizeof(ks_node *);
    ks_node *seeded = forward ? x : y, *colours = colours_like(at, s->colour, seeded);
    ks_node **parts = ks__get(y->graph, room);
    bool good = colours && parts;
    for (int64_t c = 0; good && c < s->colours; c++) {
        ks_node *part = ks__pass(at, y, x, forward, seed_of(at, colours, c, seeded));
        parts[c] = ks_reshape_at(at, part, KS_SHAPE(forward ? s->rows : s->columns));
        good = parts[c] != NULL;
    }
    ks_node *out = good ? ks_concat_at(at, parts, (int)s->colours, 0) : NULL;
    ks__put(y->graph, parts, parts ? room : 0);
    return out;
}

/* Where each entry stands in what is compressed. */
static ks_node *places(ks_place at, ks_graph *g, const ks_sparsity *s)
{
    size_t room = (size_t)s->entries * sizeof(int64_t);
    int64_t *where = ks__get(g, room);
    if (!where)
        return NULL;
    for (int64_t i = 0; i < s->rows; i++) {
        for (int64_t k = s->row_start[i]; k < s->row_start[i + 1]; k++) {
            int64_t j = s->column[k];
            where[k] = s->direction == KS_FORWARD ? s->colour[j] * s->rows + i : s->colour[i] * s->columns + j;
        }
    }
    ks_node *out = ks_constant_at(at, g, KS_I64, KS_SHAPE(s->entries), where);
    ks__put(g, where, room);
    return out;
}

ks_node *ks_sparse_jacobian_at(ks_place at, ks_node *y, ks_node *x, const ks_sparsity *sparsity)
{
    static const char call[] = "ks_sparse_jacobian";
    if (!y || !x || !sparsity || !ks__derivable(at, y->graph, call, y) || !ks__derivable(at, y->graph, call, x))
        return NULL;
    if (!sparsity->row_start || y->dims->count != sparsity->rows || x->dims->count != sparsity->columns)
        return ks__null(y->graph, KS_BAD_SHAPE, at,
                        "%s: the pattern is %lld by %lld, not that of '%s' by '%s': ks_jacobian_sparsity finds it", call,
                        (long long)sparsity->rows, (long long)sparsity->columns, ks_name(y), ks_name(x));
    if (!sparsity->entries)
        return ks_constant_at(at, y->graph, (ks_dtype)y->dtype, KS_SHAPE(0), NULL);
    if (sparsity->colours > INT32_MAX)
        return ks__null(y->graph, KS_BAD_SHAPE, at, "%s: %lld passes are too many", call, (long long)sparsity->colours);
    return ks_gather_at(at, compressed(at, y, x, sparsity), places(at, y->graph, sparsity), 0);
}

/* ---- the diagonal of a Hessian ------------------------------------------------------------------------- */

/* The sum over the colours of seed times Hessian times seed: each element meets itself alone. */
static ks_node *diagonal(ks_place at, ks_node *gradient, ks_node *x, const int64_t *colour_of, int64_t colours)
{
    ks_node *sum = NULL, *constant = colours_like(at, colour_of, x);
    for (int64_t c = 0; c < colours; c++) {
        ks_node *seed = seed_of(at, constant, c, x), *part = ks_chain_mul_at(at, seed, ks__pass(at, gradient, x, true, seed));
        sum = sum ? ks_add_at(at, sum, part) : part;
        if (!sum)
            return NULL;
    }
    return sum;
}

ks_node *ks_hessian_diagonal_at(ks_place at, ks_node *y, ks_node *x)
{
    static const char call[] = "ks_hessian_diagonal";
    if (!y || !x || !ks__derivable(at, y->graph, call, y) || !ks__derivable(at, y->graph, call, x) || !ks__sized(at, call, x))
        return NULL;
    ks_graph *g = y->graph;
    const ks_allocator *allocator = &g->options.allocator;
    ks_node *gradient = ks_gradient_at(at, y, x), *out = NULL;
    matrix m = {0}, turned = {0};
    int64_t count = x->dims->count, *colours = NULL, n = -1;
    if (gradient && find(call, gradient, x, &m, &turned) && (colours = array(g, allocator, count)))
        n = colour_diagonal(g, &m, &turned, colours);
    if (n >= 0)
        out = count ? diagonal(at, gradient, x, colours, n) : ks_constant_at(at, g, (ks_dtype)x->dtype, x->dims->shape, NULL);
    array_put(allocator, colours, colours ? count : 0);
    matrix_put(allocator, &turned);
    matrix_put(allocator, &m);
    return out;
}
