/*
 * ops/elementwise/special.c - functions that are integrals: erf, erfc, and lgamma with its derivatives, digamma and polygamma.
 */
#include "ops/elementwise/gamma.h"
#include "ops/elementwise/elementwise.h"

/* ---- erf ----------------------------------------------------------------------------------------------- */

#define SLOPE 1.1283791670955125739 /* 2 / sqrt(pi) */

KS__FLOATS1(erf, ks__erf_f(a), ks__erf_d(a))
KS__EXAMPLE1(erf, 1, -2, 0.5, 3)

static ks_node *erf_partial(ks_node *y, int i)
{
    (void)i;
    ks_place at = ks_node_place(y);
    ks_node *x = ks__in(y, i);
    return ks_mul_at(at, ks__num(y, SLOPE), ks_exp_at(at, ks_neg_at(at, ks_square_at(at, x))));
}

const ks_op ks__op_erf = {
    .size = sizeof(ks_op),
    .name = "erf",
    .formula = "y = 2 / sqrt(pi) times the integral of e^(-t^2) from 0 to x",
    .doc = "The error function, element by element, to 2 units in the last place: the probability that a normal number of variance "
           "1/2 lies within |x| of 0, with the sign of x.",
    .types = "T>T",
    .inputs = "x",
    .infer = ks_infer_same,
    .tiles = erf_tiles,
    .partial = erf_partial,
    .chain = KS_CHAIN_FINITE,
    .derivative = "u 2 e^(-x^2) / sqrt(pi)",
    .onnx = "Erf",
    .example = erf_example,
};
KS__BUILDER1(erf)

/* ---- erfc ---------------------------------------------------------------------------------------------- */

KS__FLOATS1(erfc, ks__erfc_f(a), ks__erfc_d(a))
KS__EXAMPLE1(erfc, 1, -2, 0.5, 3)

static ks_node *erfc_partial(ks_node *y, int i)
{
    (void)i;
    ks_place at = ks_node_place(y);
    ks_node *x = ks__in(y, i);
    return ks_mul_at(at, ks__num(y, -SLOPE), ks_exp_at(at, ks_neg_at(at, ks_square_at(at, x))));
}

const ks_op ks__op_erfc = {
    .size = sizeof(ks_op),
    .name = "erfc",
    .formula = "y = 1 - erf(x)",
    .doc = "The complementary error function, element by element, to 2 units in the last place: where erf is near 1 it keeps the "
           "digits that 1 - erf(x) would lose.",
    .types = "T>T",
    .inputs = "x",
    .infer = ks_infer_same,
    .tiles = erfc_tiles,
    .partial = erfc_partial,
    .chain = KS_CHAIN_FINITE,
    .derivative = "-u 2 e^(-x^2) / sqrt(pi)",
    .example = erfc_example,
};
KS__BUILDER1(erfc)

/* ---- lgamma -------------------------------------------------------------------------------------------- */

/* lgamma itself would write the sign to a global variable. */
static double log_gamma(double x)
{
    int sign;
    return lgamma_r(x, &sign);
}

KS__FLOATS1(lgamma, (float)log_gamma((double)a), log_gamma(a))
KS__EXAMPLE1(lgamma, 1.5, -2.25, 0.5, 4)

static ks_node *lgamma_partial(ks_node *y, int i)
{
    (void)i;
    ks_place at = ks_node_place(y);
    ks_node *x = ks__in(y, i);
    return ks_digamma_at(at, x);
}

const ks_op ks__op_lgamma = {
    .size = sizeof(ks_op),
    .name = "lgamma",
    .formula = "y = log |Gamma(x)|",
    .doc = "The logarithm of the absolute value of the gamma function, element by element: log (n - 1)! for a whole n > 0, "
           "infinite at 0 and at negative whole numbers. The C library computes it, an element at a time.",
    .types = "T>T",
    .inputs = "x",
    .infer = ks_infer_same,
    .tiles = lgamma_tiles,
    .partial = lgamma_partial,
    .derivative = "u digamma(x)",
    .example = lgamma_example,
};
KS__BUILDER1(lgamma)

/* ---- digamma ------------------------------------------------------------------------------------------- */

KS__FLOATS1(digamma, (float)ks__digamma((double)a), ks__digamma(a))
KS__EXAMPLE1(digamma, 1.5, -2.25, 0.5, 4)

static ks_node *digamma_partial(ks_node *y, int i)
{
    (void)i;
    ks_place at = ks_node_place(y);
    ks_node *x = ks__in(y, i);
    return ks_polygamma_at(at, x, 1);
}

const ks_op ks__op_digamma = {
    .size = sizeof(ks_op),
    .name = "digamma",
    .formula = "y = the derivative of log Gamma(x)",
    .doc = "The derivative of lgamma, element by element: NaN at negative whole numbers, -infinity at 0 (infinity at -0). By "
           "recurrence and an asymptotic series, an element at a time, within 1e-14 of the greater of 1 and its value.",
    .types = "T>T",
    .inputs = "x",
    .infer = ks_infer_same,
    .tiles = digamma_tiles,
    .partial = digamma_partial,
    .derivative = "u polygamma(x, 1)",
    .example = digamma_example,
};
KS__BUILDER1(digamma)

/* ---- polygamma ----------------------------------------------------------------------------------------- */

typedef struct order_attrs {
    int64_t n;
} order_attrs;

static const ks_attr polygamma_table[] = {
    {"n", KS_ATTR_INT, offsetof(order_attrs, n), false, true, "the order of the derivative, from 0 to 150"},
    {0},
};

#define MOST_ORDER 150 /* n! is a double up to 170 */
#define ORDER      ((int)((const order_attrs *)attrs)->n)
KS__FLOATS1(polygamma, (float)ks__polygamma(ORDER, (double)a), ks__polygamma(ORDER, a))

static bool infer_polygamma(ks_infer *infer)
{
    int64_t n = ((const order_attrs *)infer->attrs)->n;
    if (n < 0 || n > MOST_ORDER)
        return ks_infer_fail(infer, KS_BAD_ARGUMENT, "n is %lld: the order must be from 0 to %d", (long long)n, MOST_ORDER);
    return ks_infer_same(infer);
}

static ks_node *polygamma_partial(ks_node *y, int i)
{
    int64_t n = ((const order_attrs *)ks__attrs(y))->n;
    return n < MOST_ORDER ? ks_polygamma_at(ks_node_place(y), ks__in(y, i), n + 1) : NULL;
}

static ks_node *polygamma_example(ks_graph *g)
{
    return ks_polygamma(ks__given(g, "x", KS_SHAPE(2, 2), KS__VALUES(1.5, -2.25, 0.5, 4)), 1);
}

const ks_op ks__op_polygamma = {
    .size = sizeof(ks_op),
    .name = "polygamma",
    .formula = "y = the n-th derivative of digamma(x)",
    .doc = "The derivatives of digamma, element by element: n = 0 is digamma itself, n = 1 the trigamma function. At 0 and at "
           "negative whole numbers it is infinite for odd n and NaN for even n > 0. By the Euler-Maclaurin sum of n! / (x + k)^(n "
           "+ 1), an element at a time.",
    .types = "T>T",
    .inputs = "x",
    .attrs = polygamma_table,
    .attrs_size = sizeof(order_attrs),
    .infer = infer_polygamma,
    .tiles = polygamma_tiles,
    .partial = polygamma_partial,
    .derivative = "u polygamma(x, n + 1)",
    .example = polygamma_example,
};

ks_node *ks_polygamma_at(ks_place at, ks_node *x, int64_t n)
{
    return ks__apply1(at, &ks__op_polygamma, x, &(order_attrs){n});
}
