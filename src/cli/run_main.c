/*
 * `freshet-run`, which the freshet command runs as `freshet run`: arguments, the session, then the
 * program that is to be run.
 */
#include <ctype.h>
#include <string.h>

#include "agent/run.h"
#include "cli/roster.h"

#define RUN_TIMEOUT_MS 30000

static const struct command main_command = {
    .name = "run",
    .arguments = "[NAME] [FLAG...] -- COMMAND [ARGUMENT...]",
    .help = "Runs COMMAND with a session kept fresh for it alone. COMMAND starts once there is a "
            "token\n(--timeout, 30 s without it), and finds\n\n"
            "  FRESHET_TOKEN_FILE  the path of a file that always holds a valid token\n"
            "  FRESHET_SOCKET      the path of a socket that serves it, as freshet agent does:\n"
            "                      curl --unix-socket \"$FRESHET_SOCKET\" "
            "http://agent/v1/token\n\n"
            "in its environment, and with --env a variable that holds the first token. Signals "
            "and\nthe exit status pass through; 125 means that freshet itself failed, 126 that "
            "COMMAND\ncannot be executed, 127 that there is none.",
    .flags = FLAGS_SESSION | FLAGS_HELP};

static bool main_is_variable(const char *name)
{
    bool good = isalpha((unsigned char)name[0]) || name[0] == '_';

    for (; good && *name != '\0'; name++) {
        good = isalnum((unsigned char)*name) || *name == '_';
    }
    return good;
}

static enum exit_code main_check(const struct arguments *arguments, const char *variable)
{
    if (arguments->line == NULL || arguments->line[0] == NULL) {
        fputs("freshet run: run what? Say it behind --, as in: freshet run work -- make deploy\n",
              stderr);
        return EXIT_USAGE;
    }
    if (variable != NULL && !main_is_variable(variable)) {
        return freshet_arguments_refuse(&main_command, "no name of a variable:", variable);
    }
    return EXIT_DONE;
}

/* The file and the variable hold the session's own token; a key would be a promise they do not keep. */
static enum exit_code main_check_session(const struct agent_session_options *session)
{
    if (session->request.template_name == NULL && session->request.organization == NULL) {
        return EXIT_DONE;
    }
    fprintf(stderr,
            "freshet run: the session '%s' is configured with a template or an organization, but "
            "the token file holds the session's own token; configure one without, and let the "
            "command ask the socket for ?template= or ?organization=\n",
            session->name);
    return EXIT_USAGE;
}

static int main_run(const struct roster *roster, char **line, const char *variable)
{
    const struct agent_session_options *session = &roster->sessions[0];
    const struct run_options options = {.client = freshet_settings_client(&roster->settings[0]),
                                        .session = session,
                                        .line = line,
                                        .variable = variable,
                                        .timeout_ms = session->request.timeout_ms != 0
                                                          ? session->request.timeout_ms
                                                          : RUN_TIMEOUT_MS};
    struct agent_problem problem;
    int status = freshet_run(&options, &problem);

    if (problem.text[0] != '\0') {
        fprintf(stderr, "freshet run: %s\n", problem.text);
    }
    return status;
}

int main(int argc, char **argv)
{
    const char *variable = NULL;
    const struct own_flag own[] = {
        {"--env", "NAME", "a variable that holds the first token", &variable},
        {NULL, NULL, NULL, NULL}};
    struct arguments arguments;
    struct roster roster = {.count = 0};
    int status = RUN_FAILED;
    enum exit_code code = freshet_arguments_sort(&arguments, &main_command, own, argc, argv);

    if (code == EXIT_DONE && freshet_arguments_ask_help(&arguments)) {
        freshet_arguments_help(&arguments);
        status = EXIT_DONE;
        goto out;
    }
    if (code == EXIT_DONE) {
        code = main_check(&arguments, variable);
    }
    if (code == EXIT_DONE) {
        code = freshet_roster_read_one(&roster, &arguments);
    }
    if (code == EXIT_DONE) {
        code = main_check_session(&roster.sessions[0]);
    }
    if (code == EXIT_DONE) {
        status = main_run(&roster, arguments.line, variable);
    }
out:
    freshet_roster_free(&roster);
    freshet_arguments_free(&arguments);
    return status;
}
