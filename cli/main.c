/*
 * cli/main.c - the command keisan: finds the subcommand and hands over.
 *
 * Results go to stdout, messages to stderr. A pipe that breaks is an error of writing like any other, so that the exit
 * status can tell.
 */
#include "args.h"
#include "commands.h"
#include "output.h"

#include <signal.h>
#include <string.h>

const command *const commands[] = {&info_command,  &run_command,   &grad_command, &check_command,
                                   &trace_command, &train_command, &ops_command,  NULL};

static int run(const command *cmd, int argc, char **argv)
{
    args a;
    int status = args_parse(&a, cmd, argc, argv);
    if (status == DONE && a.help)
        help_command(stdout, cmd);
    else if (status == DONE)
        status = cmd->run(&a);
    args_free(&a);
    return status;
}

/* "keisan help", "keisan help NAME". */
static int help(const char *name)
{
    const command *cmd = name ? command_named(name) : NULL;
    if (cmd)
        help_command(stdout, cmd);
    else if (!name)
        help_all(stdout);
    else
        complain("help: no subcommand %s: 'keisan help' lists them", name);
    return cmd || !name ? DONE : BAD_INPUT;
}

static int choose(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : NULL;
    if (!name) {
        help_all(stderr);
        return BAD_INPUT;
    }
    if (!strcmp(name, "help") || !strcmp(name, "--help") || !strcmp(name, "-h"))
        return help(argc > 2 ? argv[2] : NULL);
    if (!strcmp(name, "version") || !strcmp(name, "--version")) {
        printf("keisan %s\n", ks_version());
        return DONE;
    }
    const command *cmd = command_named(name);
    if (cmd)
        return run(cmd, argc - 2, argv + 2);
    const char *near = command_near(name);
    if (near)
        complain("no subcommand %s: did you mean %s?", name, near);
    else
        complain("no subcommand %s: 'keisan help' lists them", name);
    return BAD_INPUT;
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN);
    return output_close(choose(argc, argv));
}
