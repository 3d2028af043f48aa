/*
 * keisan/autodiff.h - derivatives.
 *
 * A derivative is an ordinary node, made by the same operations, so gradients of gradients just work. The local partial
 * of an edge is made once and shared by every backward pass that crosses it.
 */
#ifndef KEISAN_AUTODIFF_H
#define KEISAN_AUTODIFF_H

#include <keisan/ops.h>
#include <keisan/run.h>

KS_BEGIN

/*
 * dy/dx for any two nodes: a node of x's shape. When y is no scalar, of the sum of its elements. Zeros where y does not
 * depend on x, ones where y is x. y and x are f32 or f64.
 */
#define ks_gradient(y, ...) ks_gradient_at(KS_HERE, y, __VA_ARGS__)
KS_API ks_node *ks_gradient_at(ks_place at, ks_node *y, ks_node *x);

/* The same for several x in one backward pass: out[i] = dy/dx[i]. upstream: what starts the chain, of y's shape or a
 * bare number; NULL: ones. */
#define ks_gradients(y, x, count, upstream, ...) ks_gradients_at(KS_HERE, y, x, count, upstream, __VA_ARGS__)
KS_API bool ks_gradients_at(ks_place at, ks_node *y, ks_node *const *x, int count, ks_node *upstream, ks_node **out);

/* The product of upstream and Jacobian: another name for ks_gradients. */
#define ks_vjp(y, x, count, upstream, ...) ks_gradients(y, x, count, upstream, __VA_ARGS__)

/*
 * The product of Jacobian and tangents, in forward mode: by how much y changes where x[i] changes by tangents[i] (of x[i]'s shape,
 * or a bare number). A node of y's shape; zeros where y depends on no x. One pass costs about as much as y itself, however many x
 * there are, where ks_gradients does for many x and one y.
 */
#define ks_jvp(y, x, tangents, ...) ks_jvp_at(KS_HERE, y, x, tangents, __VA_ARGS__)
KS_API ks_node *ks_jvp_at(ks_place at, ks_node *y, ks_node *const *x, ks_node *const *tangents, int count);
/* The same for several y of one graph in one pass: out[i] is y[i]'s tangent. */
#define ks_jvps(y, y_count, x, tangents, count, ...) ks_jvps_at(KS_HERE, y, y_count, x, tangents, count, __VA_ARGS__)
KS_API bool ks_jvps_at(ks_place at, ks_node *const *y, int y_count, ks_node *const *x, ks_node *const *tangents, int count, ks_node **out);

/*
 * The Hessian of y (of the sum of its elements) times v[i], of x[i]'s shape: out[i] is the tangent of dy/dx[i]. Costs a few
 * gradients, whatever the number of elements.
 */
#define ks_hvp(y, x, v, count, ...) ks_hvp_at(KS_HERE, y, x, v, count, __VA_ARGS__)
KS_API bool ks_hvp_at(ks_place at, ks_node *y, ks_node *const *x, ks_node *const *v, int count, ks_node **out);

/* ---- whole derivatives --------------------------------------------------------------------------------- */

typedef enum ks_direction { KS_EITHER, KS_FORWARD, KS_REVERSE } ks_direction;

/*
 * The Jacobian: a node of y's shape followed by x's. All sizes must be known. *direction says which mode is wanted and is told which
 * one was chosen (KS_EITHER, or a NULL direction: the one of fewer passes; the log says it): forward mode makes a pass for each
 * element of x, reverse mode one for each element of y.
 */
#define ks_jacobian(y, x, ...) ks_jacobian_at(KS_HERE, y, x, __VA_ARGS__)
KS_API ks_node *ks_jacobian_at(ks_place at, ks_node *y, ks_node *x, ks_direction *direction);
/* The Hessian of y (of the sum of its elements): a node of x's shape twice over. Forward over reverse, a pass for each element of x. */
#define ks_hessian(y, ...) ks_hessian_at(KS_HERE, y, __VA_ARGS__)
KS_API ks_node *ks_hessian_at(ks_place at, ks_node *y, ks_node *x);
/* Its diagonal, exactly: a node of x's shape. Elements that do not meet in any second derivative share a pass. */
#define ks_hessian_diagonal(y, ...) ks_hessian_diagonal_at(KS_HERE, y, __VA_ARGS__)
KS_API ks_node *ks_hessian_diagonal_at(ks_place at, ks_node *y, ks_node *x);

/* ---- sparse Jacobians ---------------------------------------------------------------------------------- */

/*
 * Where dy/dx can be other than zero, row by row (a row is an element of y, a column one of x), found from the graph alone; and
 * in how many passes its values come. Rows that share no column, or columns that share no row, have one colour and take one pass.
 */
typedef struct ks_sparsity {
    int64_t rows, columns, entries;
    const int64_t *row_start; /* [rows + 1]: row i's entries are row_start[i] .. row_start[i + 1] */
    const int64_t *column;    /* [entries], ascending in each row */
    const int64_t *colour;    /* [columns] in forward mode, [rows] in reverse mode */
    int64_t colours;          /* passes */
    ks_direction direction;   /* of the passes: that of fewer colours */
    ks_allocator allocator;
} ks_sparsity;

/*
 * Finds the pattern as the graph is now; freed by ks_sparsity_free. It holds for all values of inputs and variables. What an
 * operation says about itself is used (elementwise, KS_OP_MOVES, KS_OP_LINES, matrix products); any other one is taken to mix all.
 */
KS_API bool ks_jacobian_sparsity(ks_node *y, ks_node *x, ks_sparsity *out);
KS_API void ks_sparsity_free(ks_sparsity *sparsity);
/* The values at the pattern's entries, in their order: a node [entries], that is computed anew when x changes, with no new colouring. */
#define ks_sparse_jacobian(y, x, ...) ks_sparse_jacobian_at(KS_HERE, y, x, __VA_ARGS__)
KS_API ks_node *ks_sparse_jacobian_at(ks_place at, ks_node *y, ks_node *x, const ks_sparsity *sparsity);

/* ---- gradients kept small ------------------------------------------------------------------------------ */

/* out[i]: each element of gradients[i] brought into [low, high]. */
#define ks_clip_by_value(gradients, count, low, high, ...) ks_clip_by_value_at(KS_HERE, gradients, count, low, high, __VA_ARGS__)
KS_API bool ks_clip_by_value_at(ks_place at, ks_node *const *gradients, int count, double low, double high, ks_node **out);
/*
 * All gradients together made shorter where their norm is beyond `most`: out[i] = gradients[i] min(1, most / (norm + 1e-6)), where norm is
 * the root of the sum of the squares of all their elements (PyTorch's clip_grad_norm_). *norm: that norm as a node; may be NULL.
 */
#define ks_clip_by_norm(gradients, count, most, out, ...) ks_clip_by_norm_at(KS_HERE, gradients, count, most, out, __VA_ARGS__)
KS_API bool ks_clip_by_norm_at(ks_place at, ks_node *const *gradients, int count, double most, ks_node **out, ks_node **norm);

/* ---- training ------------------------------------------------------------------------------------------ */

/* Makes the gradient of `loss` for every trainable variable it depends on: ks_grad gives it. Set, not added. */
#define ks_backward(...) ks_backward_at(KS_HERE, __VA_ARGS__)
KS_API bool ks_backward_at(ks_place at, ks_node *loss);
/* The gradient that the last ks_backward made for this variable; NULL if none. */
KS_API ks_node *ks_grad(const ks_node *variable);

/* The local partial dy/dx_i of the edge into y from its i-th input, NULL if the edge has none (linear or special). */
KS_API ks_node *ks_local_partial(ks_node *y, int i);

/* Why dy/dx is zero or missing, in a sentence: where the path from x to y ends. NULL when there is a path. Belongs to the graph. */
KS_API const char *ks_why_no_gradient(ks_node *y, ks_node *x);

/* The first node that became NaN or infinite on the way to what was asked. */
typedef struct ks_anomaly {
    bool found;
    ks_node *node;
    ks_node *of;     /* where `node` is part of a derivative: of this node's; else NULL */
    int64_t element; /* the first that is not finite there */
    double value;
    ks_place place;                 /* where the node was written; of a derivative, where what it is derived from was */
    char message[KS_MESSAGE_BYTES]; /* "log 'log_1' became -inf at element 2: 'x' [3] lies between 0 and 4 and is 0 there" */
} ks_anomaly;

/*
 * Computes the targets (losses, gradients) once more in a private copy and names the first node that made what is not finite in
 * them: a NaN where no input had one, an infinity where all inputs were finite. What is shut out before it reaches a target does not count, nor
 * does an infinity that was given (a mask) unless nothing else explains it. Nothing in the graph changes. False: it could not be
 * done; whether there is an anomaly is out->found.
 */
KS_API bool ks_find_anomaly(ks_node *const *targets, int count, ks_mode mode, ks_anomaly *out);

/* One parameter's comparison of the chained derivative with differences of values. */
typedef struct ks_gradcheck_row {
    char name[128];
    int64_t elements;         /* checked */
    double mean_difference;   /* of |analytic - numeric|, over the elements that could be compared */
    double worst_relative;    /* of these the largest |a - n| / max(1, |a|, |n|); infinite if one is no number */
    int64_t worst_index;      /* the worst element, -1 if none could be compared */
    double analytic, numeric; /* its derivatives */
    int64_t kinks;            /* elements at which the function has a corner within the step; compared if a smaller step avoids it */
} ks_gradcheck_row;

typedef struct ks_gradcheck_options {
    size_t size;
    double step;      /* h of the central difference; default 1e-4 (the book's), times max(1, |x|) */
    double tolerance; /* on worst_relative; default 1e-6 */
    int64_t most;     /* elements checked a parameter, spread evenly; 0: all */
    ks_mode mode;     /* default KS_INFER; in KS_TRAIN dropout erases, with the masks of the graph's present step */
} ks_gradcheck_options;
#define KS_GRADCHECK_OPTIONS_DEFAULT {.size = sizeof(ks_gradcheck_options)}

typedef struct ks_gradcheck_report {
    bool passed;
    int count;
    ks_gradcheck_row *rows; /* one a variable; freed by ks_gradcheck_free */
    ks_allocator allocator;
} ks_gradcheck_report;

/*
 * Compares the gradient of the scalar `loss` with differences of its values for every trainable variable (for `x` when
 * count > 0: variables and inputs). Works on a copy of the graph in f64: nothing in the graph changes. The numeric derivative is
 * Richardson's (4 D(h/2) - D(h)) / 3 of central differences D. False: it could not be done; whether the gradients agree is
 * report->passed.
 */
KS_API bool ks_gradcheck(ks_node *loss, ks_node *const *x, int count, const ks_gradcheck_options *options, ks_gradcheck_report *report);
KS_API void ks_gradcheck_free(ks_gradcheck_report *report);

/*
 * A copy in `into` of what `outputs` need, f32 made f64 if asked; out[i] is the copy of outputs[i]. Names, values, initialisers,
 * documentation and the user's operations come along; a variable that `into` has already is used and gets the value. Declared
 * outputs do not come along: ks_output declares them anew. On failure `into` records why and has no new nodes but variables.
 */
KS_API bool ks_copy(ks_graph *into, ks_node *const *outputs, int count, bool to_f64, ks_node **out);

KS_END

#endif
