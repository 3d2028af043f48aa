/*
 * keisan/ops/sequence.h - steps in time: recurrent cells and nets, attention, positions.
 */
#ifndef KEISAN_OPS_SEQUENCE_H
#define KEISAN_OPS_SEQUENCE_H

#include <keisan/op.h>

KS_BEGIN

KS_END

#endif
