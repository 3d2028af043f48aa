/*
 * ops/reduce/scan.c - running results along one axis: cumsum, cumprod and linear_recurrence, and prod, whose derivative is made of
 * them.
 *
 * All three go step by step, so rows are walked together: eight that lie behind each other, or a range of columns. The derivative of a
 * linear recurrence is one that runs the other way, and those of the two products are linear recurrences, so none ever divides by x:
 * zeros are ordinary, in derivatives of any order.
 */
#include "ops/reduce/reduce.h"

#define COLUMNS  256
#define TOGETHER 8

typedef struct scan_attrs {
    int64_t axis, exclusive, reverse;
} scan_attrs;

static const ks_attr scan_table[] = {
    {"axis", KS_ATTR_INT, offsetof(scan_attrs, axis), false, false, "along which axis; negative counts from the end; default 0"},
    {"exclusive", KS_ATTR_BOOL, offsetof(scan_attrs, exclusive), false, false, "whether an element's own step is left out; default false"},
    {"reverse", KS_ATTR_BOOL, offsetof(scan_attrs, reverse), false, false, "whether it runs from the end; default false"},
    {0},
};

/* ---- the loops ----------------------------------------------------------------------------------------- */

#define ADD(acc, x, a)     ((acc) + (x))
#define TIMES(acc, x, a)   ((acc) * (x))
#define ADVANCE(acc, x, a) ((a) * (acc) + (x))

/* w rows of n, whose steps are `step` and which are `apart` from each other, from x (and a). Sums of f32 are kept in double. */
#define DEFINE_SCAN(NAME, TYPE, ACC, START, STEP)                                                                                          \
    static KS_INLINE void NAME##_walk(TYPE *y, const TYPE *x, const TYPE *a, int64_t n, int64_t w, int64_t step, int64_t apart,            \
                                      bool exclusive)                                                                                      \
    {                                                                                                                                      \
        ACC acc[COLUMNS];                                                                                                                  \
        for (int64_t c = 0; c < w; c++)                                                                                                    \
            acc[c] = START;                                                                                                                \
        for (int64_t i = 0; i < n; i++) {                                                                                                  \
            KS_LOOP                                                                                                                        \
            for (int64_t c = 0; c < w; c++) {                                                                                              \
                const int64_t at = i * step + c * apart;                                                                                   \
                const ACC before = acc[c], after = STEP(before, (ACC)x[at], (ACC)a[at]);                                                   \
                acc[c] = after;                                                                                                            \
                y[at] = (TYPE)(exclusive ? before : after);                                                                                \
            }                                                                                                                              \
        }                                                                                                                                  \
    }                                                                                                                                      \
    static KS_INLINE void NAME##_body(void *y, const void *x, const void *a, int64_t n, int64_t w, int64_t step, int64_t apart,            \
                                      bool exclusive)                                                                                      \
    {                                                                                                                                      \
        if (apart == 1)                                                                                                                    \
            NAME##_walk(y, x, a, n, w, step, 1, exclusive);                                                                                \
        else if (w == TOGETHER)                                                                                                            \
            NAME##_walk(y, x, a, n, TOGETHER, step, apart, exclusive);                                                                     \
        else                                                                                                                               \
            for (int64_t c = 0; c < w; c++)                                                                                                \
                NAME##_walk((TYPE *)y + c * apart, (const TYPE *)x + c * apart, (const TYPE *)a + c * apart, n, 1, step, 1, exclusive);    \
    }                                                                                                                                      \
    KS_TARGETS(void, NAME, (void *y, const void *x, const void *a, int64_t n, int64_t w, int64_t step, int64_t apart, bool exclusive),     \
               (y, x, a, n, w, step, apart, exclusive))

DEFINE_SCAN(cumsum_f32, float, double, 0, ADD)
DEFINE_SCAN(cumsum_f64, double, double, 0, ADD)
DEFINE_SCAN(cumsum_i32, uint32_t, uint32_t, 0, ADD)
DEFINE_SCAN(cumsum_i64, uint64_t, uint64_t, 0, ADD)
DEFINE_SCAN(cumprod_f32, float, double, 1, TIMES)
DEFINE_SCAN(cumprod_f64, double, double, 1, TIMES)
DEFINE_SCAN(cumprod_i32, uint32_t, uint32_t, 1, TIMES)
DEFINE_SCAN(cumprod_i64, uint64_t, uint64_t, 1, TIMES)
DEFINE_SCAN(recurrence_f32, float, float, 0, ADVANCE)
DEFINE_SCAN(recurrence_f64, double, double, 0, ADVANCE)

typedef void (*scan_fn)(void *y, const void *x, const void *a, int64_t n, int64_t w, int64_t step, int64_t apart, bool exclusive);

/* ---- the kernel ---------------------------------------------------------------------------------------- */

typedef struct job {
    const ks_call *call;
    scan_fn fn;
    const void *x, *a; /* a: x itself where there is none */
    ks__around around;
    int64_t ranges, chunk, units;
} job;

/* One unit: eight rows, or one range of columns. */
static void scan_unit(const job *j, int64_t unit)
{
    const scan_attrs *attrs = j->call->attrs;
    int64_t n = j->around.extent, after = j->around.after, first, w;
    if (after == 1) {
        first = unit * TOGETHER * n;
        w = j->around.before - unit * TOGETHER < TOGETHER ? j->around.before - unit * TOGETHER : TOGETHER;
    } else {
        int64_t column = unit % j->ranges * COLUMNS;
        first = unit / j->ranges * n * after + column;
        w = after - column < COLUMNS ? after - column : COLUMNS;
    }
    first += attrs->reverse ? (n - 1) * after : 0;
    size_t at = (size_t)first * ks_dtype_size(j->call->out->dtype);
    j->fn((char *)j->call->out->data + at, (const char *)j->x + at, (const char *)j->a + at, n, w, attrs->reverse ? -after : after,
          after == 1 ? n : 1, attrs->exclusive);
}

static void scan_task(void *payload, int64_t i)
{
    const job *j = payload;
    int64_t last = (i + 1) * j->chunk < j->units ? (i + 1) * j->chunk : j->units;
    for (int64_t unit = i * j->chunk; unit < last; unit++)
        scan_unit(j, unit);
}

static bool scan(const ks_call *call, const ks_tensor *x, const ks_tensor *a, scan_fn fn)
{
    const scan_attrs *attrs = call->attrs;
    job j = {.call = call, .fn = fn, .x = x->data, .a = a->data, .around = ks__split(call->out->shape, attrs->axis)};
    if (!call->out->count)
        return true;
    j.ranges = ks__ceil_div(j.around.after, COLUMNS);
    j.units = j.around.after == 1 ? ks__ceil_div(j.around.before, TOGETHER) : j.around.before * j.ranges;
    int64_t work = call->out->count / j.units;
    j.chunk = work >= KS__SMALL_WORK ? 1 : KS__SMALL_WORK / (work ? work : 1);
    ks__each(call, call->out->count, ks__ceil_div(j.units, j.chunk), scan_task, &j);
    return true;
}

static bool infer_scan(ks_infer *infer)
{
    const scan_attrs *attrs = infer->attrs;
    int axis;
    infer->out = *infer->shape[0];
    return ks__axis(attrs->axis, infer->out.rank, &axis) ||
           ks_infer_fail(infer, KS_BAD_SHAPE, "there is no axis %lld: {0}", (long long)attrs->axis);
}

/* ---- cumsum -------------------------------------------------------------------------------------------- */

static bool cumsum_kernel(const ks_call *call, ks_failure *failure)
{
    static const scan_fn fns[KS_DTYPES][KS_ISA_COUNT] = {
        [KS_F32] = KS_PICK(cumsum_f32), [KS_F64] = KS_PICK(cumsum_f64), [KS_I32] = KS_PICK(cumsum_i32), [KS_I64] = KS_PICK(cumsum_i64)};
    (void)failure;
    return scan(call, &call->in[0], &call->in[0], fns[call->out->dtype][call->isa]);
}

static ks_node *cumsum_pullback(ks_node *y, int i, ks_node *u)
{
    (void)i;
    const scan_attrs *attrs = ks__attrs(y);
    return ks_cumsum_at(ks_node_place(y), u, attrs->axis, attrs->exclusive, !attrs->reverse);
}

static ks_node *cumsum_example(ks_graph *g)
{
    return ks_cumsum(ks__reduce_some(g), 1, true, false);
}

const ks_op ks__op_cumsum = {
    .size = sizeof(ks_op),
    .name = "cumsum",
    .formula = "y[k] = x[0] + ... + x[k] along the axis",
    .doc = "Running sums along an axis; exclusive ones leave out the element itself and begin with 0, reverse ones run from the end. Sums "
           "of f32 are kept in double; whole numbers wrap.",
    .types = "T>T",
    .inputs = "x",
    .allowed = KS_FLOATS | 1u << KS_I32 | 1u << KS_I64,
    .flags = KS_OP_LINEAR | KS_OP_LINES,
    .attrs = scan_table,
    .attrs_size = sizeof(scan_attrs),
    .infer = infer_scan,
    .kernel = cumsum_kernel,
    .pullback = cumsum_pullback,
    .derivative = "cumsum(u), the other way",
    .onnx = "CumSum",
    .example = cumsum_example,
};

ks_node *ks_cumsum_at(ks_place at, ks_node *x, int64_t axis, bool exclusive, bool reverse)
{
    return ks__apply1(at, &ks__op_cumsum, x, &(scan_attrs){axis, exclusive, reverse});
}

/* ---- cumprod ------------------------------------------------------------------------------------------- */

static bool cumprod_kernel(const ks_call *call, ks_failure *failure)
{
    static const scan_fn fns[KS_DTYPES][KS_ISA_COUNT] = {
        [KS_F32] = KS_PICK(cumprod_f32), [KS_F64] = KS_PICK(cumprod_f64), [KS_I32] = KS_PICK(cumprod_i32), [KS_I64] = KS_PICK(cumprod_i64)};
    (void)failure;
    return scan(call, &call->in[0], &call->in[0], fns[call->out->dtype][call->isa]);
}

/*
 * dy[j]/dx[k] is the product before k times that of x[k+1] ... x[j] (or x[j-1]), for each j from k on. The latter, times u[j] and added
 * up, is a linear recurrence from the end: w[k] = u[k] + x[k+1] w[k+1].
 */
static ks_node *cumprod_pullback(ks_node *y, int i, ks_node *u)
{
    (void)i;
    const scan_attrs *attrs = ks__attrs(y);
    ks_place at = ks_node_place(y);
    ks_node *x = ks__in(y, 0);
    ks_node *before = attrs->exclusive ? y : ks_cumprod_at(at, x, attrs->axis, true, attrs->reverse);
    ks_node *feed = attrs->exclusive ? u : ks_chain_mul_at(at, u, x);
    ks_node *after = ks_linear_recurrence_at(at, x, feed, attrs->axis, true, !attrs->reverse);
    return ks_chain_mul_at(at, attrs->exclusive ? after : ks_add_at(at, u, after), before);
}

static ks_node *cumprod_example(ks_graph *g)
{
    ks_node *x = ks__given(g, "x", KS_SHAPE(2, 4), KS__VALUES(1, -2, 0, 3, 0.5, 0, -1.5, 0));
    return ks_cumprod(x, 1, false, false);
}

const ks_op ks__op_cumprod = {
    .size = sizeof(ks_op),
    .name = "cumprod",
    .formula = "y[k] = x[0] ... x[k] along the axis",
    .doc = "Running products along an axis; exclusive ones leave out the element itself and begin with 1, reverse ones run from the end. "
           "Products of f32 are kept in double; whole numbers wrap. The derivative never divides by x, so that it is right beside zeros.",
    .types = "T>T",
    .flags = KS_OP_LINES,
    .inputs = "x",
    .allowed = KS_FLOATS | 1u << KS_I32 | 1u << KS_I64,
    .attrs = scan_table,
    .attrs_size = sizeof(scan_attrs),
    .infer = infer_scan,
    .kernel = cumprod_kernel,
    .pullback = cumprod_pullback,
    .derivative = "(product before) (u + linear_recurrence(x, u x), the other way)",
    .example = cumprod_example,
};

ks_node *ks_cumprod_at(ks_place at, ks_node *x, int64_t axis, bool exclusive, bool reverse)
{
    return ks__apply1(at, &ks__op_cumprod, x, &(scan_attrs){axis, exclusive, reverse});
}

/* ---- linear_recurrence --------------------------------------------------------------------------------- */

static bool infer_recurrence(ks_infer *infer)
{
    const ks_shape *a = infer->shape[0], *b = infer->shape[1];
    bool fits = a->rank == b->rank;
    if (!infer_scan(infer))
        return false;
    for (int i = 0; fits && i < a->rank; i++)
        fits = ks__dim_same(infer->graph, a->dim[i], b->dim[i], &infer->out.dim[i]);
    return fits || ks_infer_fail(infer, KS_BAD_SHAPE, "both have one shape: {0}, {1}; ks_expand repeats what is smaller");
}

static bool recurrence_kernel(const ks_call *call, ks_failure *failure)
{
    static const scan_fn fns[2][KS_ISA_COUNT] = {KS_PICK(recurrence_f32), KS_PICK(recurrence_f64)};
    (void)failure;
    return scan(call, &call->in[1], &call->in[0], fns[call->out->dtype == KS_F64][call->isa]);
}

/*
 * With y[k] = a[k] y[k-1] + b[k] what arrives at b[k] is g[k] = u[k] + a[k+1] g[k+1], and at a[k] it is g[k] y[k-1]. Exclusive, y[k] is
 * the state before step k and g[k] = u[k+1] + a[k+1] g[k+1].
 */
static ks_node *recurrence_pullback(ks_node *y, int i, ks_node *u)
{
    const scan_attrs *attrs = ks__attrs(y);
    ks_place at = ks_node_place(y);
    ks_node *a = ks__in(y, 0), *b = ks__in(y, 1);
    ks_node *feed = attrs->exclusive ? u : ks_chain_mul_at(at, u, a);
    ks_node *arrived = ks_linear_recurrence_at(at, a, feed, attrs->axis, true, !attrs->reverse);
    if (!attrs->exclusive)
        arrived = ks_add_at(at, u, arrived);
    if (i == 1)
        return arrived;
    return ks_chain_mul_at(at, arrived, attrs->exclusive ? y : ks_linear_recurrence_at(at, a, b, attrs->axis, true, attrs->reverse));
}

static ks_node *recurrence_example(ks_graph *g)
{
    ks_node *a = ks__given(g, "a", KS_SHAPE(2, 3), KS__VALUES(0.9, -0.5, 0.25, 0, 1.5, -1));
    ks_node *b = ks__given(g, "b", KS_SHAPE(2, 3), KS__VALUES(1, 2, -0.5, 0.75, -1, 3));
    return ks_linear_recurrence(a, b, -1, false, false);
}

const ks_op ks__op_linear_recurrence = {
    .size = sizeof(ks_op),
    .name = "linear_recurrence",
    .formula = "y[k] = a[k] y[k-1] + b[k] along the axis, y[-1] = 0",
    .doc = "Runs a linear recurrence of first order along an axis, for a and b of one shape: moving averages (a = 1 - r, b = r x), "
           "discounted returns (reverse, a the discount), linear state-space layers. Exclusive gives the state before each step, which "
           "begins with 0; reverse runs from the end. Its derivative is a linear recurrence that runs the other way.",
    .types = "TT>T",
    .inputs = "a b",
    .attrs = scan_table,
    .attrs_size = sizeof(scan_attrs),
    .infer = infer_recurrence,
    .kernel = recurrence_kernel,
    .pullback = recurrence_pullback,
    .derivative = "g y[k-1]; g, where g[k] = u[k] + a[k+1] g[k+1]",
    .example = recurrence_example,
};

ks_node *ks_linear_recurrence_at(ks_place at, ks_node *a, ks_node *b, int64_t axis, bool exclusive, bool reverse)
{
    return ks__apply2(at, &ks__op_linear_recurrence, a, b, &(scan_attrs){axis, exclusive, reverse});
}

/* ---- prod ---------------------------------------------------------------------------------------------- */

static bool prod_kernel(const ks_call *call, ks_failure *failure)
{
    (void)failure;
    ks__reduce_with(call, KS__FOLD_PROD);
    return true;
}

/* u times the product of the others along one axis: of those before and of those after. */
static ks_node *times_others(ks_place at, ks_node *u, ks_node *x, int64_t axis)
{
    ks_node *before = ks_cumprod_at(at, x, axis, true, false), *after = ks_cumprod_at(at, x, axis, true, true);
    return ks_chain_mul_at(at, u, ks_mul_at(at, before, after));
}

/* Axis after axis: step[k + 1] is the product of step[k] over one axis more, and u goes back the way they came. */
static ks_node *prod_pullback(ks_node *y, int i, ks_node *u)
{
    (void)i;
    const ks__reduce_attrs *attrs = ks__attrs(y);
    ks_place at = ks_node_place(y);
    ks_node *step[KS_MAX_RANK + 1] = {ks__in(y, 0)};
    unsigned mask = ks__axes_found(&attrs->axes, ks__rank(step[0]));
    int axis[KS_MAX_RANK], n = 0;
    for (int k = 0; k < ks__rank(step[0]); k++) {
        if (mask >> k & 1)
            axis[n++] = k;
    }
    for (int k = 0; k < n; k++)
        step[k + 1] = k + 1 < n || !attrs->keepdims ? ks_prod_at(at, step[k], KS_INTS(axis[k]), true) : y;
    if (n && !attrs->keepdims)
        u = ks_expand_at(at, u, step[n], attrs->axes);
    for (int k = n; k-- > 0;)
        u = times_others(at, u, step[k], axis[k]);
    return u;
}

static ks_node *prod_example(ks_graph *g)
{
    ks_node *x = ks__given(g, "x", KS_SHAPE(3, 4), KS__VALUES(1, -2, 3, 0.5, 1.5, 0, 2, -1, 0, 3, 0, -0.5));
    return ks_prod(x, KS_INTS(1), false);
}

const ks_op ks__op_prod = {
    .size = sizeof(ks_op),
    .name = "prod",
    .formula = "y = product of x over the axes",
    .doc =
        "Multiplies x over the axes, pairwise, in an order that depends on the shape only. Whole numbers wrap. The product of nothing is "
        "1. An element's derivative is the product of the others, computed without dividing by it: with one zero only that zero has "
        "one, with two none has.",
    .types = "T>T",
    .flags = KS_OP_LINES,
    .inputs = "x",
    .allowed = KS_FLOATS | 1u << KS_I32 | 1u << KS_I64,
    .attrs = ks__reduce_table,
    .attrs_size = sizeof(ks__reduce_attrs),
    .defaults = &ks__reduce_defaults,
    .infer = ks__reduce_infer,
    .kernel = prod_kernel,
    .scratch = ks__reduce_scratch,
    .pullback = prod_pullback,
    .derivative = "u (product of those before) (product of those after)",
    .onnx = "ReduceProd",
    .example = prod_example,
};

ks_node *ks_prod_at(ks_place at, ks_node *x, ks_ints axes, bool keepdims)
{
    return ks__reduce_at(at, &ks__op_prod, x, &axes, keepdims);
}
