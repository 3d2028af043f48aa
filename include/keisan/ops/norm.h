/*
 * keisan/ops/norm.h - values brought to a common scale: batch, layer, group, instance, rms, local response.
 */
#ifndef KEISAN_OPS_NORM_H
#define KEISAN_OPS_NORM_H

#include <keisan/op.h>

KS_BEGIN

KS_END

#endif
