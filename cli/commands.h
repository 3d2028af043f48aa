/*
 * cli/commands.h - the subcommands, each defined in the file of its name.
 */
#ifndef KEISAN_CLI_COMMANDS_H
#define KEISAN_CLI_COMMANDS_H

#include "args.h"

extern const command info_command, run_command, grad_command, check_command, trace_command, train_command, ops_command;

#endif
