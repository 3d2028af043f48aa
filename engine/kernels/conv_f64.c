/*
 * engine/kernels/conv_f64.c - the loops of f64 convolutions, for each instruction set.
 */
#include "engine/kernels/conv_kit.h"

#include <string.h>

#define KS__T     double
#define KS__BYTES 8
#define KS__LOOPS "engine/kernels/conv_tile.h"
#include "engine/kernels/gemm_sets.h"

const ks__conv_kit *const ks__conv_kit_f64[KS_ISAS] = KS__KITS;
