/*
 * Arguments of a helper that keeps sessions: flags of its own, names of sessions, the flags that every
 * command has for a session, and a command line behind "--". Private to cli/.
 */
#ifndef FRESHET_CLI_ARGUMENTS_H
#define FRESHET_CLI_ARGUMENTS_H

#include "cli/cli.h"

/* A flag of the helper's own; all take a value. The table ends with a NULL name. */
struct own_flag {
    const char *name;
    const char *value;
    const char *help;
    const char **text; /* set when the flag is given */
};

struct arguments {
    const struct command *command;
    const struct own_flag *own;
    char **flags; /* as freshet_settings_read() wants them; two places are left behind them */
    int flag_count;
    const char **names;
    size_t name_count;
    char **line; /* what stands behind "--", in argv; NULL without it */
};

/* Sorts the arguments; prints the reason and returns EXIT_USAGE if an own flag has no value. */
enum exit_code freshet_arguments_sort(struct arguments *arguments, const struct command *command,
                                      const struct own_flag *own, int argc, char **argv);
void freshet_arguments_free(struct arguments *arguments);

/* The help was asked for; and this is it. */
bool freshet_arguments_ask_help(const struct arguments *arguments);
void freshet_arguments_help(const struct arguments *arguments);

/* A number from 1 to `most`; prints the reason if the text is none. NULL leaves it as it is. */
enum exit_code freshet_arguments_number(const char *flag, const char *text, long most,
                                        long *number);

/* Says that a word cannot be used, and where one finds what can. Always EXIT_USAGE. */
enum exit_code freshet_arguments_refuse(const struct command *command, const char *what,
                                        const char *word);

#endif
