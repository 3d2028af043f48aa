/*
 * engine/kernels/gemm.c - how a matrix product is cut up.
 *
 * Tiny products and single rows are loops of their own. All others are tiles in registers: C is cut into blocks of rows and panels
 * of columns, a task takes some of both, and k is cut so that a panel of B stays in the cache. A few columns left over beyond whole vectors
 * would waste most of a vector; they are computed with the vectors along k or along the rows, whichever lies in memory so. B is packed
 * where its columns do not lie side by side, or far apart and often read; A where it is read often.
 */
#include "engine/kernels/gemm_kit.h"

#include <string.h>

#define TINY          4096         /* multiply-adds up to which nothing is planned */
#define SMALL         131072       /* up to which one thread is enough */
#define TASK          131072       /* that a task has at least, where there are blocks enough */
#define DEPTH         512          /* of a block of k */
#define DEPTH_MOST    1024         /* up to which k is not cut */
#define NEAR_BYTES    (256 * 1024) /* a B of that size is near enough to be read in place */
#define ROWS_A_TASK   16           /* blocks */
#define PANELS_A_TASK 8

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t ceil_div(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

/* How the columns beyond whole vectors are computed. */
typedef enum rest_kind { REST_NONE, REST_DOTS, REST_ACROSS } rest_kind;

/* Things in a row, cut into parts that differ by one at most: the last ones are the larger. */
typedef struct cut {
    int64_t parts, each, small; /* parts of `each`; those after the first `small` have one more */
} cut;

typedef struct plan {
    ks__gemm g;
    const ks__kit *kit;
    const char *a, *b;
    char *c;
    size_t size;           /* of an element */
    int64_t columns, rest; /* by tiles; beyond */
    rest_kind rest_kind;
    bool narrow; /* a padded vector is wider than C */
    bool pack_a, pack_b;
    int64_t vectors;       /* of columns */
    cut panels, blocks;    /* vectors in panels, rows in blocks */
    int64_t depth, depths; /* blocks of k */
    int64_t row_tasks, column_tasks;
    char *packed_b, *packed_rest, *packed_a;
    size_t bytes;
    /* the block of k at work */
    int64_t k0, k;
} plan;

/* ---- cutting ------------------------------------------------------------------------------------------- */

static cut cut_in(int64_t count, int64_t most)
{
    cut c = {.parts = ceil_div(count, most)};
    c.each = c.parts ? count / c.parts : 0;
    c.small = c.parts - (count - c.parts * c.each);
    return c;
}

/* Where part i starts. */
static int64_t start_of(const cut *c, int64_t i)
{
    return i * c->each + (i > c->small ? i - c->small : 0);
}

/* An element of op(A), op(B) */
static const char *a_at(const plan *p, int64_t row, int64_t k)
{
    return p->a + (size_t)(p->g.trans_a ? k * p->g.lda + row : row * p->g.lda + k) * p->size;
}

static const char *b_at(const plan *p, int64_t k, int64_t column)
{
    return p->b + (size_t)(p->g.trans_b ? column * p->g.ldb + k : k * p->g.ldb + column) * p->size;
}

static char *c_at(const plan *p, int64_t row, int64_t column)
{
    return p->c + (size_t)(row * p->g.ldc + column) * p->size;
}

/* One column on the right is one row on the left, and the other way round. An operand with one row or column is as good as turned. */
static void turn(ks__gemm *g, const void **a, const void **b)
{
    if ((g->n == 1 && g->trans_a && g->ldc == 1) || (g->m == 1 && g->trans_b)) {
        const void *left = *a;
        *a = *b;
        *b = left;
        *g = (ks__gemm){.dtype = g->dtype,
                        .isa = g->isa,
                        .trans_a = !g->trans_b,
                        .trans_b = !g->trans_a,
                        .m = g->n,
                        .n = g->m,
                        .k = g->k,
                        .lda = g->ldb,
                        .ldb = g->lda,
                        .ldc = g->n == 1 ? g->m : 1};
    }
    if (g->trans_a && g->lda == 1) { /* [k, 1] */
        g->trans_a = false;
        g->lda = g->k;
    }
    if (g->trans_b && g->ldb == 1) { /* [n, 1] */
        g->trans_b = false;
        g->ldb = g->n;
    }
    if (g->n == 1 && (g->trans_b || g->ldb == 1)) { /* one run of k */
        g->trans_b = true;
        g->ldb = g->k;
    }
}

static bool is_tiny(const ks__gemm *g)
{
    return g->m <= TINY && g->n <= TINY && g->k <= TINY && g->m * g->n * g->k <= TINY && (!g->trans_b || g->n == 1);
}

static bool is_row(const ks__gemm *g, const ks__kit *kit)
{
    return g->m == 1 && !g->trans_b && !g->trans_a && g->n >= least(4, kit->lanes);
}

static void choose_rest(plan *p)
{
    int lanes = p->kit->lanes;
    int64_t rest = p->g.n % lanes;
    if (rest && rest <= lanes / 4 + (p->g.n < lanes) && !p->g.trans_a && p->g.k >= 2 * lanes)
        p->rest_kind = REST_DOTS;
    else if (rest && rest <= lanes / 4 && p->g.trans_a && p->g.m >= 4 * lanes && rest <= p->kit->rows)
        p->rest_kind = REST_ACROSS;
    p->rest = p->rest_kind == REST_NONE ? 0 : rest;
    p->columns = p->g.n - p->rest;
}

static void choose_tasks(plan *p)
{
    double work = (double)p->g.m * (double)p->g.n * (double)p->k;
    p->row_tasks = p->column_tasks = 1;
    if (work < SMALL)
        return;
    int64_t wanted = work / TASK < 1024 ? (int64_t)(work / TASK) + 1 : 1024;
    p->row_tasks = ceil_div(p->blocks.parts, ROWS_A_TASK);
    p->column_tasks = p->panels.parts ? ceil_div(p->panels.parts, PANELS_A_TASK) : 1;
    if (p->row_tasks * p->column_tasks < wanted)
        p->row_tasks = least(ceil_div(wanted, p->column_tasks), p->blocks.parts);
    if (p->rest_kind == REST_ACROSS) /* each has a vector of rows at least */
        p->row_tasks = least(p->row_tasks, p->g.m / (3 * p->kit->lanes));
    if (p->row_tasks < 1)
        p->row_tasks = 1;
}

static size_t rounded(size_t bytes)
{
    return (bytes + 63) & ~(size_t)63;
}

static void choose_packing(plan *p)
{
    const ks__gemm *g = &p->g;
    size_t b_bytes = (size_t)(g->k * g->n) * p->size;
    p->pack_b = p->columns && (p->narrow || g->trans_b || (p->blocks.parts >= 8 && b_bytes > NEAR_BYTES));
    p->pack_a = p->panels.parts >= 4 && p->blocks.parts >= 2;
    size_t b = p->pack_b ? rounded((size_t)(p->depth * p->vectors * p->kit->lanes) * p->size) : 0;
    size_t rest = p->rest_kind == REST_DOTS && !g->trans_b ? rounded((size_t)(p->depth * p->rest) * p->size) : 0;
    size_t a = p->pack_a ? rounded((size_t)(p->depth * g->m) * p->size) : 0;
    p->packed_rest = p->packed_b ? p->packed_b + b : NULL;
    p->packed_a = p->packed_b ? p->packed_b + b + rest : NULL;
    p->bytes = b + rest + a;
}

/* The plan for a product that is neither tiny nor a row. */
static plan plan_of(const ks__gemm *g, const ks__kit *kit, const void *a, const void *b, void *c, void *scratch)
{
    plan p = {.g = *g, .kit = kit, .a = a, .b = b, .c = c, .size = ks_dtype_size(g->dtype), .packed_b = scratch};
    choose_rest(&p);
    p.vectors = ceil_div(p.columns, kit->lanes);
    p.panels = cut_in(p.vectors, kit->vectors);
    p.blocks = cut_in(g->m, p.vectors > 1 ? kit->rows : KS__MOST_ROWS);
    p.narrow = p.columns && p.columns < kit->lanes;
    p.depths = g->k > DEPTH_MOST ? ceil_div(g->k, DEPTH) : 1;
    p.depth = p.k = ceil_div(g->k, p.depths);
    choose_packing(&p);
    choose_tasks(&p);
    return p;
}

/* ---- packing ------------------------------------------------------------------------------------------- */

static void pack_panel(const plan *p, int64_t panel)
{
    int64_t lanes = p->kit->lanes, v0 = start_of(&p->panels, panel), v1 = start_of(&p->panels, panel + 1);
    int64_t padded = (v1 - v0) * lanes, width = least(padded, p->columns - v0 * lanes);
    p->kit->pack(p->k, width, padded, b_at(p, p->k0, v0 * lanes), p->g.ldb, p->g.trans_b,
                 p->packed_b + (size_t)(v0 * lanes * p->k) * p->size);
}

static void pack_block(const plan *p, int64_t block)
{
    int64_t row = start_of(&p->blocks, block), rows = start_of(&p->blocks, block + 1) - row;
    p->kit->pack(p->k, rows, rows, a_at(p, row, p->k0), p->g.lda, !p->g.trans_a, p->packed_a + (size_t)(row * p->k) * p->size);
}

/* The columns beyond whole vectors, each a run along k: packed [rest, depth]. */
static void pack_rest(const plan *p)
{
    p->kit->pack(p->rest, p->k, p->k, b_at(p, p->k0, p->columns), p->g.ldb, true, p->packed_rest);
}

/* Tasks of packing: the rest, then B's panels, then A's blocks. */
static void pack_task(void *payload, int64_t i)
{
    const plan *p = payload;
    if (p->rest_kind == REST_DOTS && !p->g.trans_b && i-- == 0)
        pack_rest(p);
    else if (p->pack_b && i < p->panels.parts)
        pack_panel(p, i);
    else
        pack_block(p, i - (p->pack_b ? p->panels.parts : 0));
}

static int64_t pack_tasks(const plan *p)
{
    return (p->rest_kind == REST_DOTS && !p->g.trans_b) + (p->pack_b ? p->panels.parts : 0) + (p->pack_a ? p->blocks.parts : 0);
}

/* ---- computing ----------------------------------------------------------------------------------------- */

/* Room for a tile that goes to C in another form. */
typedef union room {
    float f32[KS__MOST_ROWS * KS__MOST_VECTORS * KS__MOST_LANES];
    double f64[KS__MOST_ROWS * KS__MOST_VECTORS * KS__MOST_LANES / 2];
    _Alignas(64) char bytes[1];
} room;

static void compute_tile(const plan *p, int64_t panel, int64_t block)
{
    int64_t lanes = p->kit->lanes, v0 = start_of(&p->panels, panel), vectors = start_of(&p->panels, panel + 1) - v0;
    int64_t row = start_of(&p->blocks, block), rows = start_of(&p->blocks, block + 1) - row, column = v0 * lanes;
    int64_t last = least(vectors * lanes, p->columns - column) - lanes;
    bool add = p->k0 > 0, along = p->pack_a || p->g.trans_a;
    const char *a = p->pack_a ? p->packed_a + (size_t)(row * p->k) * p->size : a_at(p, row, p->k0);
    const char *b = p->pack_b ? p->packed_b + (size_t)(column * p->k) * p->size : b_at(p, p->k0, column);
    int64_t as = p->pack_a ? rows : p->g.lda, bs = p->pack_b ? vectors * lanes : p->g.ldb;
    ks__tile_fn tile = p->kit->tile[along][vectors - 1][rows - 1];
    if (!p->narrow) {
        tile(p->k, a, as, b, bs, last, c_at(p, row, column), p->g.ldc, add);
        return;
    }
    room own;
    tile(p->k, a, as, b, bs, 0, own.bytes, lanes, false);
    p->kit->put(rows, p->columns, own.bytes, lanes, false, c_at(p, row, column), p->g.ldc, add);
}

static void compute_dots(const plan *p, int64_t row, int64_t rows)
{
    const char *b = p->g.trans_b ? b_at(p, p->k0, p->columns) : p->packed_rest;
    p->kit->dots(rows, p->rest, p->k, a_at(p, row, p->k0), p->g.lda, b, p->g.trans_b ? p->g.ldb : p->k, c_at(p, row, p->columns), p->g.ldc,
                 p->k0 > 0);
}

/* The rest of Cᵀ = op(B)ᵀ A, where A lies [k, m]: the columns of that are rows of C. */
static void compute_across(const plan *p, int64_t row, int64_t rows)
{
    int64_t lanes = p->kit->lanes, vectors = ceil_div(rows, lanes);
    cut panels = cut_in(vectors, p->kit->vectors);
    for (int64_t i = 0; i < panels.parts; i++) {
        int64_t v0 = start_of(&panels, i), count = start_of(&panels, i + 1) - v0;
        int64_t from = v0 * lanes, width = least(count * lanes, rows - from);
        room own;
        p->kit->tile[!p->g.trans_b][count - 1][p->rest - 1](p->k, b_at(p, p->k0, p->columns), p->g.ldb, a_at(p, row + from, p->k0),
                                                            p->g.lda, width - lanes, own.bytes, count * lanes, false);
        p->kit->put(width, p->rest, own.bytes, count * lanes, true, c_at(p, row + from, p->columns), p->g.ldc, p->k0 > 0);
    }
}

static void compute_task(void *payload, int64_t i)
{
    const plan *p = payload;
    int64_t down = i % p->row_tasks, right = i / p->row_tasks;
    int64_t block0 = down * p->blocks.parts / p->row_tasks, block1 = (down + 1) * p->blocks.parts / p->row_tasks;
    int64_t panel0 = right * p->panels.parts / p->column_tasks, panel1 = (right + 1) * p->panels.parts / p->column_tasks;
    for (int64_t panel = panel0; panel < panel1; panel++) {
        for (int64_t block = block0; block < block1; block++)
            compute_tile(p, panel, block);
    }
    int64_t row = start_of(&p->blocks, block0), rows = start_of(&p->blocks, block1) - row;
    if (right == p->column_tasks - 1 && p->rest_kind == REST_DOTS)
        compute_dots(p, row, rows);
    else if (right == p->column_tasks - 1 && p->rest_kind == REST_ACROSS)
        compute_across(p, row, rows);
}

static void each(const plan *p, int64_t n, ks_task_fn task, void *payload, ks_parallel_for_fn parallel_for, void *user)
{
    if (parallel_for && n > 1 && p->row_tasks * p->column_tasks > 1) {
        parallel_for(user, n, task, payload);
        return;
    }
    for (int64_t i = 0; i < n; i++)
        task(payload, i);
}

static void run_plan(plan *p, ks_parallel_for_fn parallel_for, void *user)
{
    for (int64_t d = 0; d < p->depths; d++) {
        p->k0 = d * p->g.k / p->depths;
        p->k = (d + 1) * p->g.k / p->depths - p->k0;
        each(p, pack_tasks(p), pack_task, p, parallel_for, user);
        each(p, p->row_tasks * p->column_tasks, compute_task, p, parallel_for, user);
    }
}

/* ---- the door ------------------------------------------------------------------------------------------ */

static const ks__kit *kit_of(const ks__gemm *g)
{
    return (g->dtype == KS_F32 ? ks__kit_f32 : ks__kit_f64)[g->isa];
}

/* Parts of a long row, on the threads. */
typedef struct row_job {
    const ks__gemm *g;
    const ks__kit *kit;
    const void *a, *b;
    void *c;
    int64_t parts;
} row_job;

static void row_task(void *payload, int64_t i)
{
    const row_job *job = payload;
    int64_t unit = 4 * job->kit->lanes, units = job->g->n / unit;
    int64_t from = i * units / job->parts * unit, to = (i + 1) * units / job->parts * unit;
    job->kit->row(job->g, job->a, job->b, job->c, from, i == job->parts - 1 ? job->g->n : to);
}

static void run_row(const ks__gemm *g, const ks__kit *kit, const void *a, const void *b, void *c, ks_parallel_for_fn parallel_for,
                    void *user)
{
    row_job job = {g, kit, a, b, c, 1};
    int64_t units = g->n / (4 * kit->lanes);
    if (parallel_for && units > 1 && g->n * g->k >= 2 * SMALL) {
        job.parts = least(units, 32);
        parallel_for(user, job.parts, row_task, &job);
        return;
    }
    kit->row(g, a, b, c, 0, g->n);
}

static void clear(const ks__gemm *g, void *c)
{
    size_t size = ks_dtype_size(g->dtype);
    for (int64_t i = 0; i < g->m; i++)
        memset((char *)c + (size_t)(i * g->ldc) * size, 0, (size_t)g->n * size);
}

size_t ks__gemm_scratch(const ks__gemm *gemm)
{
    ks__gemm g = *gemm;
    const void *a = NULL, *b = NULL;
    const ks__kit *kit = kit_of(&g);
    if (g.m <= 0 || g.n <= 0 || g.k <= 0)
        return 0;
    turn(&g, &a, &b);
    if (is_tiny(&g) || is_row(&g, kit))
        return 0;
    return plan_of(&g, kit, NULL, NULL, NULL, NULL).bytes;
}

void ks__gemm_run(const ks__gemm *gemm, const void *a, const void *b, void *c, void *scratch, ks_parallel_for_fn parallel_for, void *user)
{
    ks__gemm g = *gemm;
    const ks__kit *kit = kit_of(&g);
    if (g.m <= 0 || g.n <= 0)
        return;
    if (g.k <= 0) {
        clear(&g, c);
        return;
    }
    if (g.n > 1 && is_tiny(&g)) {
        kit->tiny(gemm, a, b, c);
        return;
    }
    turn(&g, &a, &b);
    if (is_tiny(&g)) {
        if (g.trans_b)
            g.ldb = 1;
        kit->tiny(&g, a, b, c);
    } else if (is_row(&g, kit)) {
        run_row(&g, kit, a, b, c, parallel_for, user);
    } else {
        plan p = plan_of(&g, kit, a, b, c, scratch);
        run_plan(&p, parallel_for, user);
    }
}
