/*
 * engine/kernels/conv_f32.c - the loops of f32 convolutions, for each instruction set.
 */
#include "engine/kernels/conv_kit.h"

#include <string.h>

#define KS__T     float
#define KS__BYTES 4
#define KS__LOOPS "engine/kernels/conv_tile.h"
#include "engine/kernels/gemm_sets.h"

const ks__conv_kit *const ks__conv_kit_f32[KS_ISAS] = KS__KITS;
