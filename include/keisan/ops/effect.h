/*
 * keisan/ops/effect.h - what changes variables.
 */
#ifndef KEISAN_OPS_EFFECT_H
#define KEISAN_OPS_EFFECT_H

#include <keisan/op.h>

KS_BEGIN

#define ks_assign(variable, ...) ks_assign_at(KS_HERE, variable, __VA_ARGS__)
/* In ks_run: the variable gets the value at the commit. The node's own value is the new value. */
KS_API ks_node *ks_assign_at(ks_place at, ks_node *variable, ks_node *value);

KS_END

#endif
