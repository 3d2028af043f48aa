/*
 * engine/rules.h - what a graph and a plan must look like, as tables of rules.
 *
 * Tests walk them, and a torture build walks them after every pass. A broken rule is a mistake of ours, never of the user: it is
 * recorded as a failure that names the node, its operation and the rule.
 */
#ifndef KS_ENGINE_RULES_H
#define KS_ENGINE_RULES_H

#include "engine/engine.h"

/* How far a plan has come: each stage's rules hold from then on. */
typedef enum ks__stage { KS__STAGE_LISTED, KS__STAGE_SHARED, KS__STAGE_FUSED, KS__STAGE_PLACED } ks__stage;

/* Whether all rules hold; else the graph's failure says which does not. */
bool ks__graph_holds(ks_graph *g);
bool ks__plan_holds(ks_graph *g, const ks__plan *plan, ks__stage stage);

#endif
