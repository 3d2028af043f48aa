/*
 * function/map.c - one row's function for all rows.
 *
 * A scan without states runs the rows side by side.
 */
#include "function/function.h"

bool ks_map_at(ks_place at, ks_function *function, ks_node *const *arguments, const bool *mapped, ks_node **out)
{
    (void)at;
    (void)function;
    (void)arguments;
    (void)mapped;
    (void)out;
    return false;
}
