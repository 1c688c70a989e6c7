/*
 * Sorting comes before reading: each word goes to whoever understands it, so the flags of a session
 * are read, and their mistakes told, by the same code for every command.
 */
#include "cli/arguments.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool arguments_is(const char *word, const char *flag)
{
    size_t length = strcspn(word, "=");

    return strlen(flag) == length && strncmp(word, flag, length) == 0;
}

static const struct own_flag *arguments_own(const struct arguments *arguments, const char *word)
{
    for (const struct own_flag *own = arguments->own; own->name != NULL; own++) {
        if (arguments_is(word, own->name)) {
            return own;
        }
    }
    return NULL;
}

/* The word behind this one is its value. */
static bool arguments_takes_next(const char *word)
{
    for (const struct flag *flag = freshet_flags; flag->name != NULL; flag++) {
        if (arguments_is(word, flag->name)) {
            return flag->kind != FLAG_SWITCH && strchr(word, '=') == NULL;
        }
    }
    return false;
}

enum exit_code freshet_arguments_refuse(const struct command *command, const char *what,
                                        const char *word)
{
    fprintf(stderr, "freshet %s: %s '%s'; freshet %s --help lists what there is\n", command->name,
            what, word, command->name);
    return EXIT_USAGE;
}

/* One flag, and its value if that is the next word. */
static enum exit_code arguments_flag(struct arguments *arguments, int argc, char **argv, int *at)
{
    const char *word = argv[*at];
    const struct own_flag *own = arguments_own(arguments, word);
    const char *value = strchr(word, '=');
    bool follows = *at + 1 < argc;

    if (own == NULL) {
        arguments->flags[arguments->flag_count++] = argv[*at];
        if (arguments_takes_next(word) && follows) {
            arguments->flags[arguments->flag_count++] = argv[++*at];
        }
        return EXIT_DONE;
    }
    if (value == NULL && !follows) {
        return freshet_arguments_refuse(arguments->command, "a value is missing after", own->name);
    }
    *own->text = value != NULL ? value + 1 : argv[++*at];
    return EXIT_DONE;
}

enum exit_code freshet_arguments_sort(struct arguments *arguments, const struct command *command,
                                      const struct own_flag *own, int argc, char **argv)
{
    enum exit_code code = EXIT_DONE;

    *arguments = (struct arguments){.command = command,
                                    .own = own,
                                    .flags = calloc((size_t)argc + 3, sizeof(char *)),
                                    .names = calloc((size_t)argc + 1, sizeof(char *))};
    if (arguments->flags == NULL || arguments->names == NULL) {
        fprintf(stderr, "freshet %s: out of memory\n", command->name);
        return EXIT_OTHER;
    }
    arguments->flags[arguments->flag_count++] = argv[0];
    for (int i = 1; i < argc && code == EXIT_DONE && arguments->line == NULL; i++) {
        if (strcmp(argv[i], "--") == 0) {
            arguments->line = argv + i + 1;
        } else if (argv[i][0] == '-') {
            code = arguments_flag(arguments, argc, argv, &i);
        } else {
            arguments->names[arguments->name_count++] = argv[i];
        }
    }
    return code;
}

void freshet_arguments_free(struct arguments *arguments)
{
    free(arguments->flags);
    free(arguments->names);
}

bool freshet_arguments_ask_help(const struct arguments *arguments)
{
    for (int i = 1; i < arguments->flag_count; i++) {
        if (strcmp(arguments->flags[i], "--help") == 0 || strcmp(arguments->flags[i], "-h") == 0) {
            return true;
        }
    }
    return false;
}

static void arguments_help_flag(const char *name, const char *value, const char *help)
{
    int width = 24 - (int)strlen(name) - 1;

    printf("  %s %-*s  %s\n", name, width > 0 ? width : 0, value, help);
}

void freshet_arguments_help(const struct arguments *arguments)
{
    const struct command *command = arguments->command;

    printf("usage: freshet %s %s\n\n%s\n\n", command->name, command->arguments, command->help);
    for (const struct own_flag *own = arguments->own; own->name != NULL; own++) {
        arguments_help_flag(own->name, own->value, own->help);
    }
    /* Switches say how one token is printed, and helpers print none. */
    for (const struct flag *flag = freshet_flags; flag->name != NULL; flag++) {
        if ((flag->sets & command->flags) != 0 && flag->kind != FLAG_SWITCH) {
            arguments_help_flag(flag->name, flag->value, flag->help);
        }
    }
    printf("\nfreshet-agent(1) says more, freshet(1) how sessions are configured.\n");
}

enum exit_code freshet_arguments_number(const char *flag, const char *text, long most, long *number)
{
    char *end = NULL;

    if (text == NULL) {
        return EXIT_DONE;
    }
    errno = 0;
    *number = strtol(text, &end, 10);
    if (errno == 0 && end != text && *end == '\0' && *number > 0 && *number <= most) {
        return EXIT_DONE;
    }
    fprintf(stderr, "freshet: %s: '%s' is no whole number from 1 to %ld\n", flag, text, most);
    return EXIT_USAGE;
}
