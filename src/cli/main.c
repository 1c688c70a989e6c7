/*
 * freshet: the command. Finds the command in its table and hands the rest over.
 */
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <freshet/version.h>

#include "cli/cli.h"

struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary;
};

static const struct command commands[] = {
    {"token", freshet_command_token, "print a valid session token"},
    {"status", freshet_command_status, "show what is known about a session"},
    {"watch", freshet_command_watch, "follow a session live"},
    {"issuer", freshet_command_issuer, "run a development issuer on this machine"},
    {"simulate", freshet_command_simulate, "run a scenario in virtual time"},
};

static void main_help(FILE *out)
{
    fputs("freshet: session tokens that are always fresh\n\n"
          "usage: freshet COMMAND [FLAG...]\n\n",
          out);
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].summary);
    }
    fputs("\nTry it on this machine alone:\n"
          "  freshet issuer --ttl 10s &      prints a key and a client token as JSON\n"
          "  freshet token --url URL --client-token-file FILE\n\n"
          "freshet COMMAND --help says more about each.\n",
          out);
}

/* Tokens and credentials pass through this process: no core file, no tracing by others. */
static void main_harden(void)
{
    const struct rlimit none = {0, 0};

    (void)setrlimit(RLIMIT_CORE, &none);
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "--help";

    main_harden();
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        main_help(stdout);
        return argc > 1 ? EXIT_DONE : EXIT_USAGE;
    }
    if (strcmp(name, "--version") == 0) {
        puts("freshet " FRESHET_VERSION);
        return EXIT_DONE;
    }
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(name, commands[i].name) == 0) {
            return commands[i].run(argc - 1, argv + 1);
        }
    }
    fprintf(stderr, "freshet: there is no command '%s'; freshet --help lists them\n", name);
    return EXIT_USAGE;
}
