/*
 * vmath.h - the vector functions for float (_f) and double (_d): exp, expm1, sigmoid, tanh, sinh, cosh; log, log1p, asinh,
 * acosh, atanh; sin, cos, tan, asin, acos, atan, atan2; pow; erf, erfc and the normal distribution.
 *
 * Straight-line scalar code, inlined into loops that the compiler vectorises: bit patterns are integers, choices
 * are selects, there are no tables and no calls. At most 2 ulp with and without fused multiply-add, and right for
 * NaN, infinities, denormal arguments and results, and signed zeros, when rounding is to nearest. Compile with
 * -fno-math-errno -fno-trapping-math -ffp-contract=fast, never with -ffast-math.
 *
 * All polynomials are minimax in the relative error of the final result. The coefficients come from the Remez
 * exchange algorithm on the interval given beside each, run with 200 bits and rounded to nearest; "2^-59" beside
 * one is its largest relative error before that rounding. Constants split in parts (ln 2, pi/2) have so many
 * trailing zero bits that the products with the reduction's whole number are exact.
 */
#ifndef KS_KERNELS_VMATH_H
#define KS_KERNELS_VMATH_H

#include "engine/kernels/vmath_erf.h"
#include "engine/kernels/vmath_exp.h"
#include "engine/kernels/vmath_log.h"
#include "engine/kernels/vmath_pow.h"
#include "engine/kernels/vmath_trig.h"

#endif
