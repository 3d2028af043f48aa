/*
 * ops/index/sort.c - order: argsort and top_k_indices, from whose positions sort and top_k take the values.
 *
 * An element becomes a key, a whole number without sign in the same order, so one sort serves all dtypes: by insertion where few
 * are left, else by digits of eight bits, which is linear. Both keep equals in their order. A NaN has the greatest key.
 */
#include "ops/index/position.h"

/* ---- keys ---------------------------------------------------------------------------------------------- */

typedef struct item {
    uint64_t key;
    int64_t at;
} item;

/* IEEE numbers are in the order of their bits, where negative ones are turned round; + 0 makes -0 and 0 equal. */
static uint64_t key_f32(float x)
{
    uint32_t bits;
    x += 0.0f;
    memcpy(&bits, &x, sizeof bits);
    return bits >> 31 ? ~bits : bits | 0x80000000u;
}

static uint64_t key_f64(double x)
{
    uint64_t bits;
    x += 0.0;
    memcpy(&bits, &x, sizeof bits);
    return bits >> 63 ? ~bits : bits | (uint64_t)1 << 63;
}

#define DEFINE_KEYS(S, TYPE, KEY, BITS, IS_NAN)                                                                                            \
    static void keys_##S(const void *data, int64_t n, int64_t stride, bool down, item *out)                                                \
    {                                                                                                                                      \
        const TYPE *x = data;                                                                                                              \
        const uint64_t all = ~(uint64_t)0 >> (64 - (BITS)), turn = down ? all : 0;                                                         \
        for (int64_t i = 0; i < n; i++) {                                                                                                  \
            TYPE v = x[i * stride];                                                                                                        \
            out[i] = (item){(IS_NAN) ? all : (KEY) ^ turn, i};                                                                             \
        }                                                                                                                                  \
    }
DEFINE_KEYS(f32, float, key_f32(v), 32, v != v)
DEFINE_KEYS(f64, double, key_f64(v), 64, v != v)
DEFINE_KEYS(i32, int32_t, (uint32_t)v ^ 0x80000000u, 32, false)
DEFINE_KEYS(i64, int64_t, (uint64_t)v ^ (uint64_t)1 << 63, 64, false)
DEFINE_KEYS(u8, uint8_t, v, 8, false)

static void keys_of(const ks_tensor *x, int64_t first, int64_t n, int64_t stride, bool down, item *out)
{
    static void (*const keys[KS_DTYPES])(const void *, int64_t, int64_t, bool, item *) = {
        [KS_F32] = keys_f32, [KS_F64] = keys_f64, [KS_I32] = keys_i32, [KS_I64] = keys_i64, [KS_U8] = keys_u8, [KS_BOOL] = keys_u8};
    keys[x->dtype]((const char *)x->data + (size_t)first * ks_dtype_size(x->dtype), n, stride, down, out);
}

/* ---- sorting ------------------------------------------------------------------------------------------- */

#define FEW 48 /* sorted by insertion */

static void insert(item *x, int64_t n)
{
    for (int64_t i = 1; i < n; i++) {
        item moved = x[i];
        int64_t k = i;
        for (; k > 0 && x[k - 1].key > moved.key; k--)
            x[k] = x[k - 1];
        x[k] = moved;
    }
}

/* By one digit, from one array to the other; false if all have the same. */
static bool by_digit(const item *from, item *to, int64_t n, int shift)
{
    int64_t count[256] = {0}, sum = 0;
    for (int64_t i = 0; i < n; i++)
        count[from[i].key >> shift & 255]++;
    if (count[from[0].key >> shift & 255] == n)
        return false;
    for (int d = 0; d < 256; d++) {
        int64_t here = count[d];
        count[d] = sum;
        sum += here;
    }
    for (int64_t i = 0; i < n; i++)
        to[count[from[i].key >> shift & 255]++] = from[i];
    return true;
}

/* Sorts x; returns where the result is, x or spare. Equals keep their order. */
static const item *sorted(item *x, item *spare, int64_t n, int bits)
{
    if (n <= FEW) {
        insert(x, n);
        return x;
    }
    for (int shift = 0; shift < bits; shift += 8) {
        if (by_digit(x, spare, n, shift)) {
            item *other = x;
            x = spare;
            spare = other;
        }
    }
    return x;
}

/* ---- the greatest of many ------------------------------------------------------------------------------ */

/* Whether a comes after b: they are of different positions. */
static bool after(item a, item b)
{
    return a.key > b.key || (a.key == b.key && a.at > b.at);
}

/* Lets an item sink to its place in a heap, whose root comes last of all. */
static void sink(item *heap, int64_t n, int64_t root)
{
    item moved = heap[root];
    int64_t i = root;
    for (int64_t child = 2 * i + 1; child < n; child = 2 * i + 1) {
        child += child + 1 < n && after(heap[child + 1], heap[child]);
        if (!after(heap[child], moved))
            break;
        heap[i] = heap[child];
        i = child;
    }
    heap[i] = moved;
}

/* The k that come first, to the front and in order. */
static const item *first_of(item *x, item *spare, int64_t n, int64_t k, int bits)
{
    if (k > n / 8)
        return sorted(x, spare, n, bits);
    for (int64_t root = k / 2 - 1; root >= 0; root--)
        sink(x, k, root);
    for (int64_t i = k; i < n; i++) {
        if (after(x[0], x[i])) {
            x[0] = x[i];
            sink(x, k, 0);
        }
    }
    for (int64_t last = k - 1; last > 0; last--) {
        item greatest = x[0];
        x[0] = x[last];
        x[last] = greatest;
        sink(x, last, 0);
    }
    return x;
}

/* ---- lines of a tensor --------------------------------------------------------------------------------- */

#define MOST_BLOCKS 16
#define MOST_ROOM   ((int64_t)1 << 24) /* bytes of workspace, if one line does not need more */

typedef struct lines {
    const ks_call *call;
    ks__around x;
    int64_t k; /* positions wanted of each line */
    int64_t count, blocks;
    bool down;
} lines;

static lines lines_of(const ks_call *call, int64_t axis, int64_t k, bool down)
{
    lines l = {.call = call, .x = ks__split(call->in[0].shape, axis), .k = k, .down = down};
    l.count = l.x.before * l.x.after;
    int64_t fit = MOST_ROOM / (2 * (int64_t)sizeof(item) * (l.x.extent + 1));
    l.blocks = l.count < MOST_BLOCKS ? l.count : MOST_BLOCKS;
    l.blocks = l.blocks > fit ? fit : l.blocks;
    l.blocks = l.blocks < 1 ? 1 : l.blocks;
    return l;
}

static size_t lines_room(const lines *l)
{
    return (size_t)(2 * l->blocks * l->x.extent) * sizeof(item);
}

static void sort_block(void *payload, int64_t block)
{
    const lines *l = payload;
    int64_t n = l->x.extent, stride = l->x.after, each = ks__ceil_div(l->count, l->blocks);
    item *room = (item *)l->call->scratch + 2 * block * n;
    int bits = 8 * (int)ks_dtype_size(l->call->in[0].dtype);
    for (int64_t i = block * each; i < (block + 1) * each && i < l->count; i++) {
        int64_t before = i / stride, column = i % stride;
        keys_of(&l->call->in[0], before * n * stride + column, n, stride, l->down, room);
        const item *result = first_of(room, room + n, n, l->k, bits);
        int64_t *out = (int64_t *)l->call->out->data + before * l->k * stride + column;
        for (int64_t j = 0; j < l->k; j++)
            out[j * stride] = result[j].at;
    }
}

static bool sort_lines(lines l)
{
    if (l.call->out->count)
        ks__each(l.call, l.call->in[0].count, l.blocks, sort_block, &l);
    return true;
}

static const char jumps[] = "positions are whole numbers: they stay or jump; values come from gather_elements, which has a derivative";

static ks_node *some(ks_graph *g)
{
    return ks__given(g, "x", KS_SHAPE(2, 4), KS__VALUES(1, -2, 3, 1, 4, 0.5, -6, 7));
}

/* ---- argsort and sort ---------------------------------------------------------------------------------- */

typedef struct argsort_attrs {
    int64_t axis, descending;
} argsort_attrs;

static const ks_attr argsort_table[] = {
    {"axis", KS_ATTR_INT, offsetof(argsort_attrs, axis), false, false, "along which axis; default the last"},
    {"descending", KS_ATTR_BOOL, offsetof(argsort_attrs, descending), false, false, "the greatest first; default false"},
    {0},
};
static const argsort_attrs argsort_defaults = {.axis = -1};

static bool infer_argsort(ks_infer *infer)
{
    const argsort_attrs *attrs = infer->attrs;
    int axis;
    infer->out = *infer->shape[0];
    infer->out_dtype = KS_I64;
    return ks__axis(attrs->axis, infer->out.rank, &axis) ||
           ks_infer_fail(infer, KS_BAD_SHAPE, "there is no axis %lld: {0}", (long long)attrs->axis);
}

static lines argsort_lines(const ks_call *call)
{
    const argsort_attrs *attrs = call->attrs;
    return lines_of(call, attrs->axis, ks__split(call->in[0].shape, attrs->axis).extent, attrs->descending);
}

static size_t argsort_scratch(const ks_call *call)
{
    lines l = argsort_lines(call);
    return lines_room(&l);
}

static bool argsort_kernel(const ks_call *call, ks_failure *failure)
{
    (void)failure;
    return sort_lines(argsort_lines(call));
}

static ks_node *argsort_example(ks_graph *g)
{
    return ks_argsort(some(g), 1, false);
}

const ks_op ks__op_argsort = {
    .size = sizeof(ks_op),
    .name = "argsort",
    .formula = "y = the positions in the order of x's values",
    .doc =
        "The positions along an axis, as i64, in the order in which the values there rise, or fall with descending. Equal ones, among them "
        "-0 and 0, stay in the order of their positions, and NaNs come last either way. ks_sort takes the values in this order by "
        "gather_elements, through which derivatives pass.",
    .types = "T>I",
    .flags = KS_OP_LINES,
    .inputs = "x",
    .allowed = KS_ALL_TYPES,
    .attrs = argsort_table,
    .attrs_size = sizeof(argsort_attrs),
    .defaults = &argsort_defaults,
    .infer = infer_argsort,
    .kernel = argsort_kernel,
    .scratch = argsort_scratch,
    .no_derivative = jumps,
    .example = argsort_example,
};

ks_node *ks_argsort_at(ks_place at, ks_node *x, int64_t axis, bool descending)
{
    return ks__apply1(at, &ks__op_argsort, x, &(argsort_attrs){axis, descending});
}

ks_node *ks_sort_at(ks_place at, ks_node *x, int64_t axis, bool descending)
{
    return ks_gather_elements_at(at, x, ks_argsort_at(at, x, axis, descending), axis);
}

/* ---- top_k --------------------------------------------------------------------------------------------- */

typedef struct top_k_attrs {
    int64_t k, axis, smallest;
} top_k_attrs;

static const ks_attr top_k_table[] = {
    {"k", KS_ATTR_INT, offsetof(top_k_attrs, k), false, true, "how many"},
    {"axis", KS_ATTR_INT, offsetof(top_k_attrs, axis), false, false, "along which axis; default the last"},
    {"smallest", KS_ATTR_BOOL, offsetof(top_k_attrs, smallest), false, false, "the smallest instead of the greatest; default false"},
    {0},
};
static const top_k_attrs top_k_defaults = {.axis = -1};

static bool infer_top_k(ks_infer *infer)
{
    const top_k_attrs *attrs = infer->attrs;
    int axis;
    infer->out = *infer->shape[0];
    infer->out_dtype = KS_I64;
    if (!ks__axis(attrs->axis, infer->out.rank, &axis))
        return ks_infer_fail(infer, KS_BAD_SHAPE, "there is no axis %lld: {0}", (long long)attrs->axis);
    int64_t *dim = &infer->out.dim[axis];
    if (attrs->k < 0 || (!ks__dim_open(*dim) && attrs->k > *dim))
        return ks_infer_fail(infer, KS_BAD_ARGUMENT, "k is %lld: it is at most the number of elements along axis %d: {0}",
                             (long long)attrs->k, axis);
    *dim = attrs->k;
    return true;
}

static lines top_k_lines(const ks_call *call)
{
    const top_k_attrs *attrs = call->attrs;
    return lines_of(call, attrs->axis, attrs->k, !attrs->smallest);
}

static size_t top_k_scratch(const ks_call *call)
{
    lines l = top_k_lines(call);
    return lines_room(&l);
}

static bool top_k_kernel(const ks_call *call, ks_failure *failure)
{
    (void)failure;
    return sort_lines(top_k_lines(call));
}

static ks_node *top_k_example(ks_graph *g)
{
    return ks_top_k_indices(some(g), 2, 1, true);
}

const ks_op ks__op_top_k_indices = {
    .size = sizeof(ks_op),
    .name = "top_k_indices",
    .formula = "y = the positions of the k greatest of x, the greatest first",
    .doc = "The positions along an axis, as i64, of the k greatest values there, the greatest first, or of the k smallest, the smallest "
           "first. "
           "Of equal ones the lower position comes first, and a NaN is taken only when nothing else is left. ks_top_k takes the values "
           "there by gather_elements, through which derivatives pass. The positions are the second result of ONNX's TopK.",
    .types = "T>I",
    .flags = KS_OP_LINES,
    .inputs = "x",
    .allowed = KS_ALL_TYPES,
    .attrs = top_k_table,
    .attrs_size = sizeof(top_k_attrs),
    .defaults = &top_k_defaults,
    .infer = infer_top_k,
    .kernel = top_k_kernel,
    .scratch = top_k_scratch,
    .no_derivative = jumps,
    .onnx = "TopK",
    .example = top_k_example,
};

ks_node *ks_top_k_indices_at(ks_place at, ks_node *x, int64_t k, int64_t axis, bool largest)
{
    return ks__apply1(at, &ks__op_top_k_indices, x, &(top_k_attrs){k, axis, !largest});
}

ks_node *ks_top_k_at(ks_place at, ks_node *x, int64_t k, int64_t axis, bool largest)
{
    return ks_gather_elements_at(at, x, ks_top_k_indices_at(at, x, k, axis, largest), axis);
}
