/*
 * keisan/ops/conv.h - windows that slide: convolution, pooling, up-sampling.
 */
#ifndef KEISAN_OPS_CONV_H
#define KEISAN_OPS_CONV_H

#include <keisan/op.h>

KS_BEGIN

KS_END

#endif
