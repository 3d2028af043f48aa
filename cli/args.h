/*
 * cli/args.h - what stands on the command line.
 *
 * A subcommand is one `const command` with a table of its options. Parsing, --help and the messages about mistakes all come
 * from these tables: a new option is one row and one field of `args`.
 */
#ifndef KEISAN_CLI_ARGS_H
#define KEISAN_CLI_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* How the command ends. */
enum { DONE = 0, ANSWER_NO = 1, BAD_INPUT = 2, MACHINE_FAILED = 3, INTERRUPTED = 130 };

/* Words in the order they were given. The texts belong to `args`. */
typedef struct words {
    char **at;
    int count;
} words;

struct command;

/* All that can be asked for; a subcommand reads what its table has. */
typedef struct args {
    const struct command *command;
    words files;      /* what stands without an option */
    words feeds;      /* NAME=VALUE */
    words fetch, wrt; /* names */
    const char *of, *out, *upstream, *mode;
    const char *data, *rows, *test, *loss, *score, *labels, *optimizer, *schedule, *resume;
    int64_t seed, threads, digits, most, batch, epochs;
    double tolerance;
    bool json, cast, unchecked, unfold, help, has_seed;
} args;

typedef enum option_kind { OPTION_FLAG, OPTION_TEXT, OPTION_WORDS, OPTION_NAMES, OPTION_WHOLE, OPTION_REAL } option_kind;

/* One option: a field of `args`. WORDS may be given again; NAMES also splits at commas. The table ends with a NULL name. */
typedef struct option {
    const char *name; /* without its two dashes */
    option_kind kind;
    size_t field;      /* offset in args */
    const char *value; /* what --help calls the value */
    const char *doc;
    double least, most; /* of a number */
    bool required;
} option;

#define FIELD(name) offsetof(args, name)

/* Options that several subcommands have. */
#define OPTION_FEED                                                                                                                        \
    {                                                                                                                                      \
        "feed", OPTION_WORDS, FIELD(feeds), "NAME=VALUE",                                                                                  \
            "a value for an input or variable: a literal (2.5, [[1, 2], [3, 4]]) or a file (.npy, IDX); @FILE forces a file"               \
    }
#define OPTION_CAST                                                                                                                        \
    {                                                                                                                                      \
        "cast", OPTION_FLAG, FIELD(cast), NULL, "convert feeds even where digits are lost"                                                 \
    }
#define OPTION_JSON                                                                                                                        \
    {                                                                                                                                      \
        "json", OPTION_FLAG, FIELD(json), NULL, "results as one JSON object, exact to the bit"                                             \
    }
#define OPTION_SEED                                                                                                                        \
    {                                                                                                                                      \
        "seed", OPTION_WHOLE, FIELD(seed), "N", "of every random number; default: the model's", 0, 9e15                                    \
    }
#define OPTION_DATA                                                                                                                        \
    {                                                                                                                                      \
        "data", OPTION_TEXT, FIELD(data), "X=FILE,...", "rows for inputs, as train takes them: FILE:flatten:scale=255"                     \
    }
#define OPTION_ROWS                                                                                                                        \
    {                                                                                                                                      \
        "rows", OPTION_TEXT, FIELD(rows), "FIRST:COUNT", "which rows of --data; default: all"                                              \
    }
#define OPTION_THREADS                                                                                                                     \
    {                                                                                                                                      \
        "threads", OPTION_WHOLE, FIELD(threads), "N", "default: one a core; the results are the same", 1, 1024                             \
    }
#define OPTION_DIGITS                                                                                                                      \
    {                                                                                                                                      \
        "digits", OPTION_WHOLE, FIELD(digits), "N", "significant digits in text; default 6", 1, 17                                         \
    }

typedef struct command {
    const char *name;
    const char *usage;     /* what follows the name: "MODEL --feed NAME=VALUE" */
    const char *summary;   /* a line */
    const char *doc;       /* what --help adds to it */
    const option *options; /* NULL: none */
    int least, most;       /* how many files */
    int (*run)(const args *a);
} command;

/* The subcommands in the order of the help, ending with NULL. */
extern const command *const commands[];

/* Reads `argv` after the subcommand into `a`; DONE, or an exit status after complaining. The caller calls args_free either way. */
int args_parse(args *a, const command *cmd, int argc, char **argv);
void args_free(args *a);

/* Prints the help of a subcommand, or of all. */
void help_command(FILE *file, const command *cmd);
void help_all(FILE *file);

const command *command_named(const char *name);
/* The subcommand's name nearest to `name`, NULL if none is near. */
const char *command_near(const char *name);

/* How many letters must change to make b of a. */
int word_distance(const char *a, const char *b);
/* The distance up to which a name is worth suggesting. */
int word_reach(const char *name);

#endif
