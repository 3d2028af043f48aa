/*
 * function/scan_body.c - composing the body of a scan that derives from another.
 */
#include "function/scan.h"

#include <stdio.h>

bool ks__body_open(ks__building *b, ks_function *f, const ks_function *shapes)
{
    *b = (ks__building){.f = f, .g = ks__graph_beside(f->graph)};
    if (!b->g)
        return false;
    size_t bytes = (shapes->graph->symbol_count + 1) * sizeof *b->symbols;
    b->symbols = ks__get(b->g, bytes);
    return b->symbols && memset(b->symbols, 0, bytes);
}

ks_node *ks__body_parameter(ks__building *b, const ks_function *shapes, const ks_node *like)
{
    char name[32];
    ks_shape shape = ks__shape_in(b->g, shapes->graph, like->dims->shape, b->symbols);
    snprintf(name, sizeof name, "p%u", b->inputs++);
    return ks_input(b->g, name, (ks_dtype)like->dtype, shape);
}

bool ks__body_result(ks__building *b, ks_node *node)
{
    char name[32];
    snprintf(name, sizeof name, "r%u", b->results++);
    return ks_output(b->g, name, node) != NULL;
}

ks_function *ks__body_close(ks_graph *g, ks__building *b, const ks_function *shapes, const char *kind, bool good)
{
    char name[128];
    snprintf(name, sizeof name, "%.100s.%s", b->f->name, kind);
    if (b->g)
        ks__put(b->g, b->symbols, b->symbols ? (shapes->graph->symbol_count + 1) * sizeof *b->symbols : 0);
    ks_function *made = good ? ks_function_new(name, b->g) : NULL;
    if (made)
        return made;
    const ks_failure *why = b->g ? &b->g->failure : NULL;
    ks__refuse(g, why && why->code ? why->code : KS_NO_MEMORY, KS__NOWHERE, "the derivative of '%s': %s", b->f->name,
               why && why->code ? why->message : "no memory");
    ks_graph_free(b->g);
    return NULL;
}
