/*
 * engine/kernels/gemm_f32.c - the loops of f32 matrix products, for each instruction set.
 */
#include "engine/kernels/gemm_kit.h"

#define KS__T     float
#define KS__BYTES 4
#define KS__LOOPS "engine/kernels/gemm_tile.h"
#include "engine/kernels/gemm_sets.h"

const ks__kit *const ks__kit_f32[KS_ISAS] = KS__KITS;
