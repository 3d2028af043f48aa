/*
 * ops/table.c - the operations as a list, and their look-up by name.
 */
#include "ops/table.h"

#include <string.h>

#include "graph/graph.h"

#define POINTER(NAME) &ks__op_##NAME,
static const ks_op *const table[] = {KS__OPS(POINTER)};
#undef POINTER

int ks_op_count(void)
{
    return (int)(sizeof table / sizeof table[0]);
}

const ks_op *ks_op_at(int i)
{
    return i >= 0 && i < ks_op_count() ? table[i] : NULL;
}

const ks_op *ks__op_named(const char *name)
{
    for (int i = 0; name && i < ks_op_count(); i++) {
        if (!strcmp(table[i]->name, name))
            return table[i];
    }
    return NULL;
}

const ks_op *ks_op_find(const ks_graph *graph, const char *name)
{
    ks__user_op *user = NULL;
    if (graph && name)
        HASH_FIND_STR(graph->user_ops, name, user);
    return user ? user->op : ks__op_named(name);
}
