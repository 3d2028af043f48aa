/*
 * engine/kernels/gemm_f64.c - the loops of f64 matrix products, for each instruction set.
 */
#include "engine/kernels/gemm_kit.h"

#define KS__T     double
#define KS__BYTES 8
#define KS__LOOPS "engine/kernels/gemm_tile.h"
#include "engine/kernels/gemm_sets.h"

const ks__kit *const ks__kit_f64[KS_ISAS] = KS__KITS;
