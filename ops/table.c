/*
 * ops/table.c - the operations as a list, and their look-up by name.
 */
#include "ops/table.h"

#include <string.h>

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
