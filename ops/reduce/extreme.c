/*
 * ops/reduce/extreme.c - the greatest and the least over axes: max, min, and where they stand, argmax, argmin.
 *
 * A position is found in a row by looking at a piece twice: for its best, in lanes, then for the first that equals it. Rows beside
 * each other are walked together, a range of columns at a time.
 */
#include "ops/reduce/reduce.h"

/* "greatest" or "least", for what is said. */
static const char *which(const ks_op *op)
{
    return op == &ks__op_min || op == &ks__op_argmin ? "least" : "greatest";
}

/* ---- max and min --------------------------------------------------------------------------------------- */

static bool infer_extreme(ks_infer *infer)
{
    const ks__reduce_attrs *attrs = infer->attrs;
    const ks_shape *x = infer->shape[0];
    unsigned mask;
    if (!ks__axes_mask(infer, &attrs->axes, x->rank, &mask))
        return false;
    ks__without_axes(x, mask, attrs->keepdims, &infer->out);
    for (int i = 0; i < x->rank; i++) {
        if ((mask >> i & 1) && x->dim[i] == 0)
            return ks_infer_fail(infer, KS_BAD_SHAPE, "there is no %s of no elements: {0}", which(infer->op));
    }
    return true;
}

static bool max_kernel(const ks_call *call, ks_failure *failure)
{
    (void)failure;
    if (call->out->count)
        ks__reduce_with(call, KS__FOLD_MAX);
    return true;
}

static bool min_kernel(const ks_call *call, ks_failure *failure)
{
    (void)failure;
    if (call->out->count)
        ks__reduce_with(call, KS__FOLD_MIN);
    return true;
}

/* What equals the extreme gets the upstream derivative; if there are several, each gets its share. */
static ks_node *extreme_pullback(ks_node *y, int i, ks_node *u)
{
    (void)i;
    const ks__reduce_attrs *attrs = ks__attrs(y);
    ks_place at = ks_node_place(y);
    ks_node *x = ks__in(y, 0), *extreme = ks_equal_at(at, x, ks__spread_back(y, y));
    ks_node *shares = ks_sum_at(at, ks_cast_at(at, extreme, ks_node_dtype(y)), attrs->axes, attrs->keepdims);
    return ks_where_at(at, extreme, ks__spread_back(y, ks_div_at(at, u, shares)), ks_number_at(at, y->graph, 0));
}

static ks_node *max_example(ks_graph *g)
{
    return ks_max(ks__reduce_some(g), KS_INTS(1), false);
}

const ks_op ks__op_max = {
    .size = sizeof(ks_op),
    .name = "max",
    .formula = "y = greatest of x over the axes",
    .doc = "The greatest element over the axes; a NaN among them wins. Equal ones share the derivative, so that it is the same whichever "
           "order they stand in, as in PyTorch's amax. There is no greatest of no elements.",
    .types = "T>T",
    .flags = KS_OP_LINES,
    .inputs = "x",
    .allowed = KS_NUMBERS,
    .attrs = ks__reduce_table,
    .attrs_size = sizeof(ks__reduce_attrs),
    .defaults = &ks__reduce_defaults,
    .infer = infer_extreme,
    .kernel = max_kernel,
    .scratch = ks__reduce_scratch,
    .pullback = extreme_pullback,
    .derivative = "u / (number of the greatest) where x = y, else 0",
    .onnx = "ReduceMax",
    .example = max_example,
};

ks_node *ks_max_at(ks_place at, ks_node *x, ks_ints axes, bool keepdims)
{
    return ks__reduce_at(at, &ks__op_max, x, &axes, keepdims);
}

static ks_node *min_example(ks_graph *g)
{
    return ks_min(ks__reduce_some(g), KS_INTS(1), false);
}

const ks_op ks__op_min = {
    .size = sizeof(ks_op),
    .name = "min",
    .formula = "y = least of x over the axes",
    .doc = "The least element over the axes; a NaN among them wins. Equal ones share the derivative, so that it is the same whichever "
           "order they stand in, as in PyTorch's amin. There is no least of no elements.",
    .types = "T>T",
    .flags = KS_OP_LINES,
    .inputs = "x",
    .allowed = KS_NUMBERS,
    .attrs = ks__reduce_table,
    .attrs_size = sizeof(ks__reduce_attrs),
    .defaults = &ks__reduce_defaults,
    .infer = infer_extreme,
    .kernel = min_kernel,
    .scratch = ks__reduce_scratch,
    .pullback = extreme_pullback,
    .derivative = "u / (number of the least) where x = y, else 0",
    .onnx = "ReduceMin",
    .example = min_example,
};

ks_node *ks_min_at(ks_place at, ks_node *x, ks_ints axes, bool keepdims)
{
    return ks__reduce_at(at, &ks__op_min, x, &axes, keepdims);
}

/* ---- where: the loops ---------------------------------------------------------------------------------- */

#define LANES   32
#define PIECE   4096 /* of a row that is looked at twice while the cache holds it */
#define COLUMNS 256
#define ROWS    1024 /* whose positions fit any INDEX */

#define GREATER(a, b) ((a) > (b))
#define LESS(a, b)    ((a) < (b))

/*
 * A NaN beats any number, and nothing beats a NaN, so the first of them is found as the first of equals is. INDEX is as wide as
 * TYPE, so that one vector compares and another keeps the positions.
 */
#define DEFINE_WHERE(NAME, TYPE, INDEX, BEATS)                                                                                             \
    static KS_INLINE TYPE NAME##_best(const TYPE *x, int64_t n)                                                                            \
    {                                                                                                                                      \
        TYPE lane[LANES], best = x[0];                                                                                                     \
        int64_t i = 0;                                                                                                                     \
        for (int l = 0; l < LANES; l++)                                                                                                    \
            lane[l] = x[0];                                                                                                                \
        for (; i + LANES <= n; i += LANES)                                                                                                 \
            for (int l = 0; l < LANES; l++)                                                                                                \
                lane[l] = (BEATS(x[i + l], lane[l]) | (x[i + l] != x[i + l])) ? x[i + l] : lane[l];                                        \
        for (int l = 0; l < LANES; l++)                                                                                                    \
            best = (BEATS(lane[l], best) | (lane[l] != lane[l])) ? lane[l] : best;                                                         \
        for (; i < n; i++)                                                                                                                 \
            best = (BEATS(x[i], best) | (x[i] != x[i])) ? x[i] : best;                                                                     \
        return best;                                                                                                                       \
    }                                                                                                                                      \
    /* The first of x[n] that is `best`, which is there. */                                                                                \
    static KS_INLINE int64_t NAME##_first(const TYPE *x, TYPE best, int64_t n)                                                             \
    {                                                                                                                                      \
        int64_t i = 0;                                                                                                                     \
        for (; i + LANES <= n; i += LANES) {                                                                                               \
            unsigned any = 0;                                                                                                              \
            for (int l = 0; l < LANES; l++)                                                                                                \
                any |= (unsigned)(x[i + l] == best) | (unsigned)(x[i + l] != x[i + l]);                                                    \
            if (any)                                                                                                                       \
                break;                                                                                                                     \
        }                                                                                                                                  \
        while (i < n - 1 && x[i] != best && x[i] == x[i])                                                                                  \
            i++;                                                                                                                           \
        return i;                                                                                                                          \
    }                                                                                                                                      \
    static KS_INLINE void NAME##_row_body(int64_t *out, const void *in, int64_t rows, int64_t n)                                           \
    {                                                                                                                                      \
        for (int64_t r = 0; r < rows; r++) {                                                                                               \
            const TYPE *x = (const TYPE *)in + r * n;                                                                                      \
            TYPE best = x[0];                                                                                                              \
            int64_t piece = 0;                                                                                                             \
            for (int64_t i = 0; i < n && best == best; i += PIECE) {                                                                       \
                TYPE b = NAME##_best(x + i, n - i < PIECE ? n - i : PIECE);                                                                \
                if (BEATS(b, best) || b != b) {                                                                                            \
                    best = b;                                                                                                              \
                    piece = i;                                                                                                             \
                }                                                                                                                          \
            }                                                                                                                              \
            out[r] = piece + NAME##_first(x + piece, best, n - piece < PIECE ? n - piece : PIECE);                                         \
        }                                                                                                                                  \
    }                                                                                                                                      \
    static KS_INLINE void NAME##_columns_body(int64_t *out, const void *in, int64_t n, int64_t w, int64_t stride)                          \
    {                                                                                                                                      \
        const TYPE *x = in;                                                                                                                \
        TYPE best[COLUMNS];                                                                                                                \
        INDEX at[COLUMNS];                                                                                                                 \
        for (int64_t c = 0; c < w; c++) {                                                                                                  \
            best[c] = x[c];                                                                                                                \
            out[c] = 0;                                                                                                                    \
        }                                                                                                                                  \
        for (int64_t first = 0; first < n; first += ROWS) {                                                                                \
            int64_t rows = n - first < ROWS ? n - first : ROWS;                                                                            \
            for (int64_t c = 0; c < w; c++)                                                                                                \
                at[c] = -1;                                                                                                                \
            for (int64_t i = 0; i < rows; i++) {                                                                                           \
                const TYPE *row = x + (first + i) * stride;                                                                                \
                KS_LOOP                                                                                                                    \
                for (int64_t c = 0; c < w; c++) {                                                                                          \
                    const bool beats = BEATS(row[c], best[c]) | ((row[c] != row[c]) & (best[c] == best[c]));                               \
                    at[c] = beats ? (INDEX)i : at[c];                                                                                      \
                    best[c] = beats ? row[c] : best[c];                                                                                    \
                }                                                                                                                          \
            }                                                                                                                              \
            for (int64_t c = 0; c < w; c++)                                                                                                \
                out[c] = at[c] < 0 ? out[c] : first + (int64_t)at[c];                                                                      \
        }                                                                                                                                  \
    }                                                                                                                                      \
    KS_TARGETS(void, NAME##_row, (int64_t * out, const void *x, int64_t rows, int64_t n), (out, x, rows, n))                               \
    KS_TARGETS(void, NAME##_columns, (int64_t * out, const void *x, int64_t n, int64_t w, int64_t stride), (out, x, n, w, stride))

DEFINE_WHERE(greatest_f32, float, int32_t, GREATER)
DEFINE_WHERE(greatest_f64, double, int64_t, GREATER)
DEFINE_WHERE(greatest_i32, int32_t, int32_t, GREATER)
DEFINE_WHERE(greatest_i64, int64_t, int64_t, GREATER)
DEFINE_WHERE(greatest_u8, uint8_t, int16_t, GREATER)
DEFINE_WHERE(least_f32, float, int32_t, LESS)
DEFINE_WHERE(least_f64, double, int64_t, LESS)
DEFINE_WHERE(least_i32, int32_t, int32_t, LESS)
DEFINE_WHERE(least_i64, int64_t, int64_t, LESS)
DEFINE_WHERE(least_u8, uint8_t, int16_t, LESS)

/* out[rows] from x [rows, n]; out[w] from x [n, w], whose rows begin `stride` apart. */
typedef struct where_fns {
    void (*row[KS_ISA_COUNT])(int64_t *out, const void *x, int64_t rows, int64_t n);
    void (*columns[KS_ISA_COUNT])(int64_t *out, const void *x, int64_t n, int64_t w, int64_t stride);
} where_fns;

#define WHERE(NAME)                                                                                                                        \
    {                                                                                                                                      \
        KS_PICK(NAME##_row), KS_PICK(NAME##_columns)                                                                                       \
    }
static const where_fns all_where[2][KS_DTYPES] = {
    {[KS_F32] = WHERE(greatest_f32),
     [KS_F64] = WHERE(greatest_f64),
     [KS_I32] = WHERE(greatest_i32),
     [KS_I64] = WHERE(greatest_i64),
     [KS_U8] = WHERE(greatest_u8)},
    {[KS_F32] = WHERE(least_f32),
     [KS_F64] = WHERE(least_f64),
     [KS_I32] = WHERE(least_i32),
     [KS_I64] = WHERE(least_i64),
     [KS_U8] = WHERE(least_u8)},
};

/* ---- argmax and argmin --------------------------------------------------------------------------------- */

typedef struct arg_attrs {
    int64_t axis, keepdims;
} arg_attrs;

static const ks_attr arg_table[] = {
    {"axis", KS_ATTR_INT, offsetof(arg_attrs, axis), false, false, "along which axis; negative counts from the end; default 0"},
    {"keepdims", KS_ATTR_BOOL, offsetof(arg_attrs, keepdims), false, false, "whether the axis stays as a dimension of 1; default false"},
    {0},
};

static bool infer_arg(ks_infer *infer)
{
    const arg_attrs *attrs = infer->attrs;
    int axis;
    if (!ks__axis(attrs->axis, infer->shape[0]->rank, &axis))
        return ks_infer_fail(infer, KS_BAD_SHAPE, "there is no axis %lld: {0}", (long long)attrs->axis);
    if (infer->shape[0]->dim[axis] == 0)
        return ks_infer_fail(infer, KS_BAD_SHAPE, "there is no %s of no elements: {0}", which(infer->op));
    ks__without_axes(infer->shape[0], 1u << axis, attrs->keepdims, &infer->out);
    return true;
}

typedef struct arg_job {
    const ks_call *call;
    const where_fns *fns;
    ks__around x;
    int64_t chunk, ranges; /* rows of a task; ranges of columns beside each other */
} arg_job;

static void arg_rows_task(void *payload, int64_t i)
{
    const arg_job *j = payload;
    int64_t first = i * j->chunk, rows = j->x.before - first < j->chunk ? j->x.before - first : j->chunk;
    const ks_tensor *x = &j->call->in[0];
    j->fns->row[j->call->isa]((int64_t *)j->call->out->data + first,
                              (const char *)x->data + (size_t)(first * j->x.extent) * ks_dtype_size(x->dtype), rows, j->x.extent);
}

static void arg_columns_task(void *payload, int64_t i)
{
    const arg_job *j = payload;
    int64_t column = i % j->ranges * COLUMNS, w = j->x.after - column < COLUMNS ? j->x.after - column : COLUMNS, o = i / j->ranges;
    const ks_tensor *x = &j->call->in[0];
    size_t at = (size_t)(o * j->x.extent * j->x.after + column) * ks_dtype_size(x->dtype);
    j->fns->columns[j->call->isa]((int64_t *)j->call->out->data + o * j->x.after + column, (const char *)x->data + at, j->x.extent, w,
                                  j->x.after);
}

static bool arg_kernel(const ks_call *call, const where_fns all[KS_DTYPES])
{
    const arg_attrs *attrs = call->attrs;
    arg_job j = {.call = call, .fns = &all[call->in[0].dtype], .x = ks__split(call->in[0].shape, attrs->axis), .chunk = 1};
    if (!call->out->count)
        return true;
    if (j.x.after == 1) {
        j.chunk = j.x.extent < KS__SMALL_WORK ? ks__ceil_div(KS__SMALL_WORK, j.x.extent) : 1;
        ks__each(call, call->in[0].count, ks__ceil_div(j.x.before, j.chunk), arg_rows_task, &j);
    } else {
        j.ranges = ks__ceil_div(j.x.after, COLUMNS);
        ks__each(call, call->in[0].count, j.x.before * j.ranges, arg_columns_task, &j);
    }
    return true;
}

static bool argmax_kernel(const ks_call *call, ks_failure *failure)
{
    (void)failure;
    return arg_kernel(call, all_where[0]);
}

static bool argmin_kernel(const ks_call *call, ks_failure *failure)
{
    (void)failure;
    return arg_kernel(call, all_where[1]);
}

static const char a_position[] = "a position is a whole number: it stays or jumps";

static ks_node *argmax_example(ks_graph *g)
{
    return ks_argmax(ks__reduce_some(g), 1, false);
}

const ks_op ks__op_argmax = {
    .size = sizeof(ks_op),
    .name = "argmax",
    .formula = "y = position of the greatest of x along the axis",
    .doc = "Where the greatest element stands along an axis, as i64; the first of equal ones, and a NaN before any number. The class that "
           "a network answers is the argmax of its scores: softmax would not change it.",
    .types = "T>I",
    .flags = KS_OP_LINES,
    .inputs = "x",
    .allowed = KS_NUMBERS,
    .attrs = arg_table,
    .attrs_size = sizeof(arg_attrs),
    .infer = infer_arg,
    .kernel = argmax_kernel,
    .no_derivative = a_position,
    .onnx = "ArgMax",
    .example = argmax_example,
};

ks_node *ks_argmax_at(ks_place at, ks_node *x, int64_t axis, bool keepdims)
{
    return ks__apply1(at, &ks__op_argmax, x, &(arg_attrs){.axis = axis, .keepdims = keepdims});
}

static ks_node *argmin_example(ks_graph *g)
{
    return ks_argmin(ks__reduce_some(g), 1, false);
}

const ks_op ks__op_argmin = {
    .size = sizeof(ks_op),
    .name = "argmin",
    .formula = "y = position of the least of x along the axis",
    .doc = "Where the least element stands along an axis, as i64; the first of equal ones, and a NaN before any number.",
    .types = "T>I",
    .flags = KS_OP_LINES,
    .inputs = "x",
    .allowed = KS_NUMBERS,
    .attrs = arg_table,
    .attrs_size = sizeof(arg_attrs),
    .infer = infer_arg,
    .kernel = argmin_kernel,
    .no_derivative = a_position,
    .onnx = "ArgMin",
    .example = argmin_example,
};

ks_node *ks_argmin_at(ks_place at, ks_node *x, int64_t axis, bool keepdims)
{
    return ks__apply1(at, &ks__op_argmin, x, &(arg_attrs){.axis = axis, .keepdims = keepdims});
}
