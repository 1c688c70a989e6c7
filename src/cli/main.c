/*
 * freshet: the command. Finds the command in its table, reads its settings and hands over.
 */
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <freshet/version.h>

#include "cli/cli.h"

#define TAKES_SESSION (FLAGS_SESSION | FLAGS_HELP)
#define TAKES_TOKEN   (TAKES_SESSION | FLAGS_KEY)

const struct command freshet_commands[] = {
    {"token", "[NAME] [FLAG...]", "print a valid session token",
     "Prints a session token that is valid now. For a shell:\n"
     "  curl -H \"Authorization: Bearer $(freshet token work)\" https://api.example.com/\n\n"
     "With --json: {\"token\", \"expires_at_ms\", \"remaining_ms\", \"stale\"}; stale says that it "
     "has\nless life left than is wanted, because no newer one could be had. Without --timeout it\n"
     "waits 30 s at most.\n\n"
     "It is taken from what a process of yours has published, else from your agent, else from the\n"
     "issuer. With FRESHET_SOCKET set and nothing configured, the agent there is asked.",
     TAKES_TOKEN | FLAGS_AGENT, false, freshet_command_token, NULL},
    {"status", "[NAME] [FLAG...]", "show what is known about a session, and why",
     "Asks for a token as freshet token would, 30 s at most without --timeout, and shows what is\n"
     "known then: the session's status, the issuer's clock, each token's zone, age, last attempt\n"
     "and next one, and the last events. No token is shown. The exit status is 0 also when the\n"
     "session is in trouble.",
     TAKES_TOKEN, false, freshet_command_status, NULL},
    {"watch", "[NAME] [FLAG...]", "follow a session live",
     "Keeps a session fresh, or without NAME and flags that name one all of the configuration, and\n"
     "prints a line for each request, answer, new token and failure.\n"
     "On a terminal a bar for each token shows the life it has left; it is refreshed at the mark.\n"
     "Zones: fresh; due (a new one is asked for); danger (callers wait for it); none.\n\n"
     "--template and --organization watch that token too. With --json each line is one JSON\n"
     "object. It ends at Ctrl-C or after --timeout (status 0), when one has to sign in again (4),\n"
     "or when the issuer refuses template or organization (6).\n\n"
     "--cookie-jar and --token-file keep the session's own token in files for other programs, as\n"
     "long as this runs:\n"
     "  curl -b FILE https://api.example.com/",
     TAKES_TOKEN | FLAGS_SINK | FLAGS_FOLLOW | FLAGS_ALL, false, freshet_command_watch, NULL},
    {"logout", "NAME [FLAG...]", "sign a session out",
     "Signs the session out here, at once and for good, then tells the issuer and waits for its\n"
     "answer, 30 s at most without --timeout. Status 0: the issuer knows. 3 or 6: it could not be\n"
     "told yet; it is told when a program uses the session again, or repeat the command. While the\n"
     "issuer cannot say which sessions there are, nothing is signed out. The client token file\n"
     "stays; the token is taken out of --cookie-jar and --token-file.",
     TAKES_SESSION | FLAGS_SINK, true, freshet_command_logout, NULL},
    {"switch", "NAME --organization ID [FLAG...]", "switch a session's active organization",
     "Makes ID the session's active organization at the issuer, '' the personal workspace, and\n"
     "prints what is active then. Tokens asked for without --organization are for that one from\n"
     "then on. Without --timeout it waits 30 s at most.",
     TAKES_SESSION | FLAGS_ORGANIZATION, true, freshet_command_switch, NULL},
    {"agent", "[NAME...] [FLAG...]", "keep sessions fresh and serve their tokens", NULL, 0, false,
     NULL, freshet_command_agent},
    {"run", "[NAME] [FLAG...] -- COMMAND", "run a command with a session kept fresh for it", NULL,
     0, false, NULL, freshet_command_run},
    {"issuer", "[OPTION...]", "run a development issuer on this machine", NULL, 0, false, NULL,
     freshet_command_issuer},
    {"simulate", "[OPTION...] SCENARIO.json", "run a scenario in virtual time", NULL, 0, false,
     NULL, freshet_command_simulate},
    {"completion", "bash", "print completions for a shell", NULL, 0, false, NULL,
     freshet_command_completion},
    {NULL, NULL, NULL, NULL, 0, false, NULL, NULL},
};

/* Tokens and credentials pass through this process: no core file, no tracing by others. */
static void main_harden(void)
{
    const struct rlimit none = {0, 0};

    (void)setrlimit(RLIMIT_CORE, &none);
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

static int main_work(const struct command *command, int argc, char **argv)
{
    struct settings settings;
    enum exit_code code = freshet_settings_read(&settings, command, argc, argv);

    if (code == EXIT_DONE && settings.help) {
        freshet_help_command(command, stdout);
    } else if (code == EXIT_DONE) {
        code = command->work(&settings);
    }
    freshet_settings_free(&settings);
    return (int)code;
}

/* What could not be written did not happen. */
static int main_end(int code)
{
    if ((fflush(stdout) != 0 || ferror(stdout)) && code == EXIT_DONE) {
        fputs("freshet: standard output could not be written; is the disk full?\n", stderr);
        return EXIT_OTHER;
    }
    return code;
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";

    main_harden();
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        freshet_help(stdout);
        return main_end(EXIT_DONE);
    }
    if (name[0] == '\0') {
        freshet_help(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(name, "--version") == 0) {
        puts("freshet " FRESHET_VERSION);
        return main_end(EXIT_DONE);
    }
    for (const struct command *command = freshet_commands; command->name != NULL; command++) {
        if (strcmp(name, command->name) == 0) {
            return main_end(command->work != NULL ? main_work(command, argc - 1, argv + 1)
                                                  : command->program(argc - 1, argv + 1));
        }
    }
    fprintf(stderr, "freshet: there is no command '%s'; freshet --help lists them\n", name);
    return EXIT_USAGE;
}
