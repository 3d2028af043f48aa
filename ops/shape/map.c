/*
 * ops/shape/map.c - copying and adding by the positions of each axis (ops/shape/map.h).
 *
 * Positions that follow one another are a run, and axes that stay as they are at the end of the shape make it longer: a run is one
 * block copy. Where runs are single elements, as when each is repeated, elements are fetched one by one. Adding goes axis by axis,
 * for the transpose of a product is the product of the transposes, so each sum is over one axis and in its order.
 */
#include "ops/shape/map.h"

/* Positions at + 0, at + 1, ... of x (or none: at is -1) for places to + 0, to + 1, ... of y. */
typedef struct run {
    int64_t to, at, count;
} run;

typedef struct axis_map {
    int64_t in, out;
    int64_t *position; /* [out] */
    run *runs;
    int64_t run_count;
    bool same; /* every position is its own */
} axis_map;

static int64_t run_end(const int64_t *position, int64_t i, int64_t n)
{
    int64_t step = position[i] >= 0, end = i + 1;
    while (end < n && position[end] == position[end - 1] + step)
        end++;
    return end;
}

static void find_runs(axis_map *map)
{
    map->run_count = 0;
    for (int64_t i = 0; i < map->out;) {
        int64_t end = run_end(map->position, i, map->out);
        map->runs[map->run_count++] = (run){i, map->position[i], end - i};
        i = end;
    }
    map->same = map->in == map->out && (!map->out || (map->run_count == 1 && map->runs[0].at == 0));
}

#define PER_PLACE (sizeof(int64_t) + sizeof(run)) /* bytes for a place of an axis */

static size_t whole_lines(size_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

size_t ks__map_scratch(const ks_shape *y)
{
    size_t bytes = 0;
    for (int i = 0; i < y->rank; i++)
        bytes += (size_t)y->dim[i] * PER_PLACE;
    return whole_lines(bytes);
}

/* Elements of what stands between two axes while adding: each axis is as it was or as it will be. */
static int64_t most_between(const ks_shape *y, const ks_shape *x)
{
    int64_t most = 1;
    for (int i = 0; i < y->rank; i++)
        most *= y->dim[i] > x->dim[i] ? y->dim[i] : x->dim[i];
    return most;
}

size_t ks__map_add_scratch(const ks_call *call)
{
    const ks_shape *y = call->in[0].shape, *x = call->out->shape;
    return ks__map_scratch(y) + 2 * whole_lines((size_t)most_between(y, x) * sizeof(double));
}

/* The maps of all axes, in the workspace. */
static void make_maps(const ks_call *call, ks__positions_fn positions, const ks_shape *y, const ks_shape *x, axis_map maps[KS_MAX_RANK])
{
    char *room = call->scratch;
    for (int i = 0; i < y->rank; i++) {
        axis_map *map = &maps[i];
        *map = (axis_map){.in = x->dim[i], .out = y->dim[i]};
        map->position = (int64_t *)(void *)room;
        room += (size_t)map->out * sizeof(int64_t);
        map->runs = (run *)(void *)room;
        room += (size_t)map->out * sizeof(run);
        positions(call->attrs, i, map->in, map->out, map->position);
        find_runs(map);
    }
}

/* ---- copying ------------------------------------------------------------------------------------------- */

typedef struct copying {
    const ks_call *call;
    axis_map maps[KS_MAX_RANK];
    int outer;                      /* axes before the one along which runs lie */
    int64_t after;                  /* elements of a place of that axis */
    int64_t rows, pieces, piece;    /* rows of it, pieces of a row, places of a piece */
    int64_t chunk;                  /* pieces of a task */
    size_t size;                    /* of an element */
    const void *fill;               /* NULL: zero */
    int64_t in_stride[KS_MAX_RANK]; /* elements */
    bool single;                    /* runs are too short for block copies */
} copying;

/* Elements are moved as unsigned words of their size, whatever they mean. */
typedef uint8_t __attribute__((may_alias)) word1;
typedef uint32_t __attribute__((may_alias)) word4;
typedef uint64_t __attribute__((may_alias)) word8;

#define DEFINE_WORD(W)                                                                                                                     \
    static void fill_##W(W *out, int64_t n, const void *fill)                                                                              \
    {                                                                                                                                      \
        W value = fill ? *(const W *)fill : 0;                                                                                             \
        for (int64_t i = 0; i < n; i++)                                                                                                    \
            out[i] = value;                                                                                                                \
    }                                                                                                                                      \
    static void fetch_##W(W *restrict out, const W *restrict in, const int64_t *restrict position, int64_t n, const void *fill)            \
    {                                                                                                                                      \
        W value = fill ? *(const W *)fill : 0;                                                                                             \
        for (int64_t i = 0; i < n; i++)                                                                                                    \
            out[i] = position[i] < 0 ? value : in[position[i]];                                                                            \
    }
DEFINE_WORD(word1)
DEFINE_WORD(word4)
DEFINE_WORD(word8)

static void fill(const copying *c, char *out, int64_t n)
{
    if (!c->fill)
        memset(out, 0, (size_t)n * c->size);
    else if (c->size == 1)
        fill_word1((word1 *)out, n, c->fill);
    else if (c->size == 4)
        fill_word4((word4 *)(void *)out, n, c->fill);
    else
        fill_word8((word8 *)(void *)out, n, c->fill);
}

static void fetch(const copying *c, char *out, const char *in, const int64_t *position, int64_t n)
{
    if (c->size == 1)
        fetch_word1((word1 *)out, (const word1 *)in, position, n, c->fill);
    else if (c->size == 4)
        fetch_word4((word4 *)(void *)out, (const word4 *)(const void *)in, position, n, c->fill);
    else
        fetch_word8((word8 *)(void *)out, (const word8 *)(const void *)in, position, n, c->fill);
}

/* Where in x the row begins; -1: nowhere, all of it is filled. */
static int64_t row_begin(const copying *c, int64_t row)
{
    int64_t begin = 0;
    for (int d = c->outer - 1; d >= 0; d--) {
        int64_t at = c->maps[d].position[row % c->maps[d].out];
        if (at < 0)
            return -1;
        begin += at * c->in_stride[d];
        row /= c->maps[d].out;
    }
    return begin;
}

/* The first run that ends after the place. */
static int64_t run_at(const axis_map *map, int64_t place)
{
    int64_t low = 0, high = map->run_count - 1;
    while (low < high) {
        int64_t middle = (low + high) / 2;
        if (map->runs[middle].to + map->runs[middle].count > place)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* Places [first, last) of a row. */
static void copy_places(const copying *c, char *out, const char *in, int64_t first, int64_t last)
{
    const axis_map *map = &c->maps[c->outer];
    size_t place = (size_t)c->after * c->size;
    if (c->single) {
        fetch(c, out, in, map->position + first, last - first);
        return;
    }
    for (int64_t r = run_at(map, first); first < last; r++) {
        const run *piece = &map->runs[r];
        int64_t skip = first - piece->to, end = piece->to + piece->count < last ? piece->to + piece->count : last, n = end - first;
        if (piece->at < 0)
            fill(c, out, n * c->after);
        else
            memcpy(out, in + (size_t)(piece->at + skip) * place, (size_t)n * place);
        out += (size_t)n * place;
        first = end;
    }
}

static void copy_task(void *payload, int64_t block)
{
    const copying *c = payload;
    int64_t units = c->rows * c->pieces, places = c->maps[c->outer].out;
    int64_t end = (block + 1) * c->chunk < units ? (block + 1) * c->chunk : units;
    for (int64_t u = block * c->chunk; u < end; u++) {
        int64_t row = u / c->pieces, first = u % c->pieces * c->piece, last = first + c->piece < places ? first + c->piece : places;
        int64_t begin = row_begin(c, row);
        char *out = (char *)c->call->out->data + (size_t)((row * places + first) * c->after) * c->size;
        if (begin < 0)
            fill(c, out, (last - first) * c->after);
        else
            copy_places(c, out, (const char *)c->call->in[0].data + (size_t)begin * c->size, first, last);
    }
}

/* Chooses the axis along which runs lie: the last that does not stay as it is. */
static void choose_rows(copying *c, const ks_shape *x, const ks_shape *y)
{
    int64_t stride = 1;
    for (int d = x->rank - 1; d >= 0; d--) {
        c->in_stride[d] = stride;
        stride *= x->dim[d];
    }
    c->outer = y->rank - 1;
    c->after = c->rows = 1;
    while (c->outer > 0 && c->maps[c->outer].same)
        c->after *= y->dim[c->outer--];
    for (int d = 0; d < c->outer; d++)
        c->rows *= y->dim[d];
}

void ks__map_copy(const ks_call *call, ks__positions_fn positions, const void *fill_with)
{
    const ks_shape *x = call->in[0].shape, *y = call->out->shape;
    copying c = {.call = call, .size = ks_dtype_size(call->out->dtype), .fill = fill_with};
    if (!call->out->count)
        return;
    if (!y->rank) {
        memcpy(call->out->data, call->in[0].data, c.size);
        return;
    }
    make_maps(call, positions, y, x, c.maps);
    choose_rows(&c, x, y);
    const axis_map *map = &c.maps[c.outer];
    c.single = c.after == 1 && map->out < 8 * map->run_count;
    c.piece = KS__SMALL_WORK / c.after + 1;
    c.pieces = ks__ceil_div(map->out, c.piece);
    c.chunk = c.pieces > 1 ? 1 : KS__SMALL_WORK / (map->out * c.after) + 1;
    ks__each(call, call->out->count, ks__ceil_div(c.rows * c.pieces, c.chunk), copy_task, &c);
}

/* ---- adding -------------------------------------------------------------------------------------------- */

typedef struct adding {
    const axis_map *map;
    const char *from;
    char *to;
    int64_t after, columns, ranges; /* elements of a place; of these a task; tasks for a place */
    ks_dtype dtype;
} adding;

/* One block: columns [column, column + n) of every place. */
#define DEFINE_ADD(S, TYPE)                                                                                                                \
    static void add_##S(const adding *a, int64_t before, int64_t column, int64_t n)                                                        \
    {                                                                                                                                      \
        const axis_map *map = a->map;                                                                                                      \
        const TYPE *restrict from = (const TYPE *)(const void *)a->from + before * map->out * a->after + column;                           \
        TYPE *restrict to = (TYPE *)(void *)a->to + before * map->in * a->after + column;                                                  \
        bool whole = n == a->after; /* a run is one stretch */                                                                             \
        for (int64_t i = 0; i < map->in; i++)                                                                                              \
            memset(to + i * a->after, 0, (size_t)n * sizeof(TYPE));                                                                        \
        for (int64_t r = 0; r < map->run_count; r++) {                                                                                     \
            run piece = map->runs[r];                                                                                                      \
            int64_t lines = whole ? 1 : piece.count, width = whole ? n * piece.count : n;                                                  \
            for (int64_t k = 0; piece.at >= 0 && k < lines; k++) {                                                                         \
                const TYPE *x = from + (piece.to + k) * a->after;                                                                          \
                TYPE *sum = to + (piece.at + k) * a->after;                                                                                \
                for (int64_t i = 0; i < width; i++)                                                                                        \
                    sum[i] = (TYPE)(sum[i] + x[i]);                                                                                        \
            }                                                                                                                              \
        }                                                                                                                                  \
    }
/* Whole numbers wrap, which only unsigned ones may. */
DEFINE_ADD(f32, float)
DEFINE_ADD(f64, double)
DEFINE_ADD(i32, uint32_t)
DEFINE_ADD(i64, uint64_t)
DEFINE_ADD(u8, uint8_t)

static void add_task(void *payload, int64_t unit)
{
    static void (*const add[KS_DTYPES])(const adding *, int64_t, int64_t, int64_t) = {
        [KS_F32] = add_f32, [KS_F64] = add_f64, [KS_I32] = add_i32, [KS_I64] = add_i64, [KS_U8] = add_u8};
    const adding *a = payload;
    int64_t column = unit % a->ranges * a->columns;
    add[a->dtype](a, unit / a->ranges, column, a->after - column < a->columns ? a->after - column : a->columns);
}

#define COLUMNS 1024 /* columns of a task */

void ks__map_add(const ks_call *call, ks__positions_fn positions)
{
    const ks_shape *y = call->in[0].shape, *x = call->out->shape;
    axis_map maps[KS_MAX_RANK];
    make_maps(call, positions, y, x, maps);
    char *room = (char *)call->scratch + ks__map_scratch(y);
    char *spare[2] = {room, room + whole_lines((size_t)most_between(y, x) * sizeof(double))};
    ks_shape now = *y;
    int left = 0, turn = 0;
    for (int d = 0; d < y->rank; d++)
        left += !maps[d].same;
    const void *from = call->in[0].data;
    if (!left)
        memcpy(call->out->data, from, (size_t)call->out->count * ks_dtype_size(call->out->dtype));
    for (int d = y->rank - 1; d >= 0; d--) {
        if (maps[d].same)
            continue;
        ks__around around = ks__split(&now, d);
        adding a = {&maps[d], from, --left ? spare[turn] : call->out->data, around.after, COLUMNS, 1, call->out->dtype};
        turn = !turn;
        a.ranges = ks__ceil_div(a.after, COLUMNS);
        ks__each(call, around.before * around.extent * around.after, around.before * a.ranges, add_task, &a);
        from = a.to;
        now.dim[d] = maps[d].in;
    }
}

bool ks__infer_like_second(ks_infer *infer)
{
    infer->out = *infer->shape[1];
    return infer->shape[0]->rank == infer->out.rank || ks_infer_fail(infer, KS_BAD_SHAPE, "the ranks differ: {0}, {1}");
}
