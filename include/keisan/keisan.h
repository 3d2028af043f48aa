/*
 * keisan/keisan.h - all of Keisan: computation graphs and automatic differentiation in C.
 *
 *   base.h       the words used everywhere: dtypes, shapes, failures, allocators, readers and writers
 *   graph.h      graphs, nodes, names, values that are fed
 *   run.h        computing values; transactions
 *   op.h         what an operation is; your own
 *   ops.h        the operations
 *   autodiff.h   derivatives and their check
 *   serialize.h  graphs as JSON, arrays as files, traces
 *   train.h      optimisers, data, training
 */
#ifndef KEISAN_KEISAN_H
#define KEISAN_KEISAN_H

#include <keisan/base.h>
#include <keisan/graph.h>
#include <keisan/run.h>
#include <keisan/op.h>
#include <keisan/ops.h>
#include <keisan/autodiff.h>
#include <keisan/function.h>
#include <keisan/sequence.h>
#include <keisan/serialize.h>
#include <keisan/train.h>

#endif
