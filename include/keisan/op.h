/*
 * keisan/op.h - what an operation is.
 *
 * One `const ks_op` answers every question about an operation: its name and formula, what it takes, the shape and
 * dtype of its result, its kernels, its derivative, its name in ONNX, and an example on which the tests check it.
 * The library's own operations and a user's are defined by the same struct; a user's is made known with ks_register.
 */
#ifndef KEISAN_OP_H
#define KEISAN_OP_H

#include <keisan/graph.h>

KS_BEGIN

/* ---- attributes ---------------------------------------------------------------------------------------- */

/* A list of whole numbers such as axes; count -1: absent. */
typedef struct ks_ints {
    int count;
    int64_t at[KS_MAX_RANK];
} ks_ints;
#define KS_INTS(...) ((ks_ints){.count = (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), .at = {__VA_ARGS__}})
#define KS_ABSENT    ((ks_ints){.count = -1})

/* The C type of the field: int64_t, double, bool (in an int64_t), ks_ints, ks_dtype (in an int64_t), ks_shape, ks_function * (may be NULL). */
typedef enum ks_attr_type {
    KS_ATTR_INT,
    KS_ATTR_FLOAT,
    KS_ATTR_BOOL,
    KS_ATTR_INTS,
    KS_ATTR_DTYPE,
    KS_ATTR_SHAPE,
    KS_ATTR_FUNCTION
} ks_attr_type;

/*
 * One attribute: a field of the operation's attribute struct. A *value* attribute (a rate, a slice's start) may change without
 * a new plan; all others are structural. The table ends with a NULL name. Attribute structs have no padding that is not zero.
 */
typedef struct ks_attr {
    const char *name;
    ks_attr_type type;
    size_t offset;
    bool value;
    bool required; /* has no default */
    const char *doc;
} ks_attr;

/* ---- shapes and dtypes of a result --------------------------------------------------------------------- */

/* What a shape rule sees. It sets `out`; out_dtype is preset from `types`. Dimensions may be open (negative). */
typedef struct ks_infer {
    ks_graph *graph;
    const struct ks_op *op;
    int n;
    const ks_shape *const *shape; /* [n] */
    const ks_dtype *dtype;        /* [n] */
    const void *attrs;
    ks_shape out;
    ks_dtype out_dtype;
    ks_failure *failure; /* filled by ks_infer_fail */
    int64_t result;      /* which of several results is asked for */
} ks_infer;

/* Records why the shapes do not fit (the caller adds the operation, the names and the place) and returns false. */
KS_API bool ks_infer_fail(ks_infer *infer, ks_code code, const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 3, 4)))
#endif
    ;

/* The rule of elementwise operations: all inputs broadcast together as NumPy's do. */
KS_API bool ks_infer_broadcast(ks_infer *infer);
/* The rule of what keeps the shape of its first input. */
KS_API bool ks_infer_same(ks_infer *infer);

/* ---- kernels ------------------------------------------------------------------------------------------- */

/* Kernels are compiled for several instruction sets: plain, x86-64-v2, v3, v4. A NULL entry falls back to the one before. */
#define KS_ISA_COUNT 4

/*
 * An elementwise kernel: out[i] from in[k][i] for i in [0, n), one loop and nothing more. Broadcasting, threads and fusion
 * are the engine's. `out` is disjoint from or equal to each in[k]. It may be called with n rounded up to a whole
 * vector: it must not fault on what lies there.
 */
typedef void (*ks_tile_fn)(void *out, const void *const *in, int64_t n, const void *attrs);
/* The same for one element. */
typedef void (*ks_scalar_fn)(void *out, const void *const *in, const void *attrs);
typedef struct ks_tile {
    ks_tile_fn fn[KS_ISA_COUNT];
    ks_scalar_fn scalar[KS_ISA_COUNT]; /* optional */
} ks_tile;

/* A tensor as a kernel sees it: contiguous, row-major. */
typedef struct ks_tensor {
    void *data;
    const ks_shape *shape;
    int64_t count;
    ks_dtype dtype;
} ks_tensor;

/* What a whole-tensor kernel receives. */
typedef struct ks_call {
    const ks_tensor *in; /* [n]; data is NULL for an input of which only the shape is taken */
    int n;
    const ks_tensor *out; /* [results]; data is NULL for a result that nobody wants */
    const void *attrs;
    void *scratch; /* as many bytes as `scratch` of the operation asked for, aligned to 64 */
    int isa;
    int provider;                    /* 0: our kernels for matrix products, 1: the CBLAS */
    ks_parallel_for_fn parallel_for; /* never NULL */
    void *parallel_user;
    uint64_t seed, stream, step; /* of random operations */
    bool train;
    ks_graph *graph; /* that runs */
    void *prepared;  /* what `prepare` of the operation gave */
} ks_call;

/* Computes out; false and a filled failure if it can't (an index out of range, say). */
typedef bool (*ks_kernel_fn)(const ks_call *call, ks_failure *failure);
/* Bytes of workspace the kernel wants; data pointers are NULL here. */
typedef size_t (*ks_scratch_fn)(const ks_call *call);

/* ---- derivatives --------------------------------------------------------------------------------------- */

/*
 * partial(y, i): the local partial dy/dx_i as a node of y's shape, made once and cached on the edge; the contribution is
 * upstream times partial. pullback(y, i, u): the contribution itself, for what is linear in x_i or special. Each may return
 * NULL with no failure recorded, which means: no derivative with respect to that input.
 */
typedef ks_node *(*ks_partial_fn)(ks_node *y, int i);
typedef ks_node *(*ks_pullback_fn)(ks_node *y, int i, ks_node *upstream);

/* What arrives at one of several results, and which. */
typedef struct ks_arrival {
    int64_t result;
    ks_node *upstream;
} ks_arrival;
/*
 * pullbacks(y, arrivals, count, out): the contributions to all inputs at once, from what arrived at any of y's results; out[n]:
 * NULL where there is none, or where it was not `wanted`. False on failure.
 */
typedef bool (*ks_pullbacks_fn)(ks_node *y, const ks_arrival *arrivals, int count, const bool *wanted, ks_node **out);
/* pushforwards(y, tangents, result): the tangent of that result from those of the inputs, NULL where there is none; NULL on failure. */
typedef ks_node *(*ks_pushforwards_fn)(ks_node *y, ks_node *const *tangents, int64_t result);

/* How upstream and partial are multiplied. */
typedef enum ks_chain {
    KS_CHAIN_ZERO_WINS, /* an upstream of zero gives zero, whatever the partial: it may be infinite or NaN */
    KS_CHAIN_FINITE,    /* the partial of a finite x is finite: a plain product */
    KS_CHAIN_SELECT     /* the partial selects: zero wins on both sides */
} ks_chain;

/* ---- the operation ------------------------------------------------------------------------------------- */

typedef enum ks_op_flag {
    KS_OP_JOINT = 1 << 20,   /* linear in all inputs that have a derivative together, as a sum is: its tangent is itself of the tangents */
    KS_OP_PRODUCT = 1 << 21, /* linear in each of them while the others stay, as a product is */
    KS_OP_MOVES = 1 << 22,   /* each element of the result is an element of an input, or a constant; which one hangs on shapes and indices alone */
    KS_OP_LINES = 1 << 23,   /* each element of the result hangs on those elements of input 0 only that lie with it along the attribute
                                "axes" or "axis" (without one: along the axes that the result has lost) */
    KS_OP_FED = 1,      /* leaf: given by ks_feed */
    KS_OP_CONSTANT = 2, /* leaf: fixed tensor */
    KS_OP_NUMBER = 4,   /* leaf: bare number */
    KS_OP_VARIABLE = 8, /* leaf: stays, may be assigned */
    KS_OP_EFFECT = 16,  /* assign: commits in a run */
    KS_OP_RANDOM = 32,  /* depends on seed, stream and step */
    KS_OP_MODE = 64,    /* depends on the mode of the run */
    KS_OP_VIEW = 128,   /* its elements are those of input 0, in order */
    KS_OP_STOP = 256,   /* value passes, derivatives do not */
    KS_OP_LINEAR = 512, /* linear in each input that has a derivative: its edges have a formula and no partial */
    KS_OP_SAME = 1024,  /* where the result has input 0's shape and dtype, it is input 0 */
    KS_OP_TOTAL = 2048, /* where the result is a scalar, it is the sum of input 0's elements */
    KS_OP_SPREAD = 4096, /* its elements are those of input 0, repeated */
    KS_OP_RESULT = 8192, /* a further result of the node that is its input */
    KS_OP_CALLS = 16384, /* runs the functions among its attributes; the first attribute is one */
    KS_OP_REDRAWS = 32768 /* draws the random numbers of its first input again, and has no stream of its own */
} ks_op_flag;
#define KS_OP_LEAF (KS_OP_FED | KS_OP_CONSTANT | KS_OP_NUMBER | KS_OP_VARIABLE)

/* Which dtypes T may be, bits 1 << dtype. */
#define KS_FLOATS    ((1u << KS_F32) | (1u << KS_F64))
#define KS_INTEGERS  ((1u << KS_I32) | (1u << KS_I64) | (1u << KS_U8))
#define KS_NUMBERS   (KS_FLOATS | KS_INTEGERS)
#define KS_ALL_TYPES (KS_NUMBERS | (1u << KS_BOOL))

typedef struct ks_op {
    size_t size;         /* sizeof(ks_op) */
    const char *name;    /* "matmul"; a user's has a dot in it: "user.swish" */
    const char *formula; /* "y = a b" */
    const char *doc;     /* a paragraph: meaning, shapes, source */
    /*
     * What it takes and gives, a letter an input, then '>' and a letter for the result: T the operation's dtype (bare
     * numbers take it), B bool, I i32 or i64 or u8, S shape only, * any dtype of its own. A '+' repeats the letter before it.
     * For the result also D: what the shape rule sets. "TT>T", "TT>B", "BTT>T", "T+>T".
     */
    const char *types;
    const char *inputs; /* the inputs' names, "a b" */
    unsigned allowed;   /* dtypes that T may be; 0: KS_FLOATS */
    unsigned flags;     /* ks_op_flag */
    /* attributes */
    const ks_attr *attrs;
    size_t attrs_size;
    const void *defaults; /* attrs_size bytes; NULL: zeros */
    /* the result */
    bool (*infer)(ks_infer *infer);
    const ks_tile *tiles; /* elementwise: [KS_DTYPES], by the dtype of the last input that is not S.
                             With a '+' in types: a kernel of two inputs, with which all are folded in their order */
    ks_kernel_fn kernel;  /* otherwise */
    ks_scratch_fn scratch;
    /* the derivative */
    ks_partial_fn partial;
    ks_pullback_fn pullback;
    ks_chain chain;
    const char *derivative;    /* its formula, an input after the other: "u b; u a" (u is the upstream derivative) */
    const char *no_derivative; /* why there is none */
    /* exchange and tests */
    const char *onnx;
    ks_node *(*example)(ks_graph *graph); /* a small graph ending in this operation; its variables are checked */
    /* A number beside which the other operand is the result, to the bit: for each of two inputs, "1 1" for mul, "- 0" for sub; NULL: none.
     * add has none: -0 + 0 is 0. */
    const char *neutral;
    /* Elementwise: the shape as which input 0 is broadcast to the result's, where that is not its own; NULL: its own. */
    void (*seen)(const void *attrs, const ks_shape *in, const ks_shape *out, ks_shape *as);
    /*
     * Several results: how many; NULL: one. The node stands for result 0, ks_result gives the others. The shape rule is asked for each
     * (infer->result), the kernel fills those that are wanted, `pullbacks` stands for partial and pullback.
     */
    int64_t (*results)(const void *attrs);
    ks_pullbacks_fn pullbacks;
    ks_pushforwards_fn pushforwards;
    /* What a kernel needs ready before it runs, for the shapes of the call (no data is there yet): kept with the plan, seen as
     * call->prepared, freed by `release`. NULL with a failure filled: it can't be. */
    void *(*prepare)(const ks_call *call, ks_failure *failure);
    void (*release)(void *prepared);
} ks_op;

/* Applies an operation to inputs: the builder under all builders. attrs: its attribute struct, NULL for the defaults. */
#define ks_apply(graph, op, inputs, count, ...) ks_apply_at(KS_HERE, graph, op, inputs, count, __VA_ARGS__)
KS_API ks_node *ks_apply_at(ks_place at, ks_graph *graph, const ks_op *op, ks_node *const *inputs, int count, const void *attrs);

/* Makes a user's operation known to the graph, so that JSON can name it. The struct must outlive the graph. */
KS_API bool ks_register(ks_graph *graph, const ks_op *op);

/* Result k of a node that has several: the node itself for 0. */
#define ks_result(node, ...) ks_result_at(KS_HERE, node, __VA_ARGS__)
KS_API ks_node *ks_result_at(ks_place at, ks_node *node, int64_t k);

/* The operation of that name: the graph's own (graph may be NULL), else the library's; NULL if none. */
KS_API const ks_op *ks_op_find(const ks_graph *graph, const char *name);

/* The library's operations in their order. */
KS_API int ks_op_count(void);
KS_API const ks_op *ks_op_at(int i);

KS_END

#endif
