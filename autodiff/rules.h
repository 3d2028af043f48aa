/*
 * autodiff/rules.h - what a backward pass must look like, as a table of rules (as engine/rules.h for graphs and plans).
 */
#ifndef KS_AUTODIFF_RULES_H
#define KS_AUTODIFF_RULES_H

#include "autodiff/gradient.h"

/* Whether all rules hold; else the graph's failure names the node, its operation and the rule. */
bool ks__backward_holds(ks_graph *g, const ks__backward *b);

#endif
