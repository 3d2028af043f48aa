/*
 * keisan/ops.h - the operations, a builder each, a header a family. `keisan ops NAME` prints the full documentation.
 *
 * Every builder makes one node (or finds it, when composing anew) and returns NULL on failure. Elementwise operations
 * broadcast as NumPy's do. Attributes have ONNX's names and NumPy's defaults: a negative axis counts from the end,
 * absent axes (KS_ABSENT) mean all.
 */
#ifndef KEISAN_OPS_H
#define KEISAN_OPS_H

#include <keisan/ops/elementwise.h>
#include <keisan/ops/reduce.h>
#include <keisan/ops/shape.h>
#include <keisan/ops/index.h>
#include <keisan/ops/product.h>
#include <keisan/ops/linalg.h>
#include <keisan/ops/conv.h>
#include <keisan/ops/norm.h>
#include <keisan/ops/loss.h>
#include <keisan/ops/random.h>
#include <keisan/ops/sequence.h>
#include <keisan/ops/effect.h>

#endif
