/*
 * cli/feed.h - values for inputs: literals and files.
 */
#ifndef KEISAN_CLI_FEED_H
#define KEISAN_CLI_FEED_H

#include "model.h"

/* Feeds --data, and then every --feed; DONE, or an exit status after complaining. */
int feed_all(const model *m, const args *a);

/* Feeds one node from a literal or file, as the right side of --feed. `flag` names the option in messages. */
int feed_node(const model *m, ks_node *node, const char *flag, const char *value, const args *a);

/* Opens data for the model's inputs; NULL after complaining, with the exit status in `status`. The caller frees it with ks_data_free. */
ks_data *feed_open(const model *m, const char *flag, const char *text, int *status);

#endif
