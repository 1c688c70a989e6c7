/*
 * `freshet-agent`, which the freshet command runs as `freshet agent`: arguments, the sessions, then
 * the agent until a signal.
 */
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "cli/roster.h"

#define AGENT_CLIENTS      1024
#define AGENT_CLIENTS_MOST 100000
#define AGENT_PATIENCE_MS  10000
#define AGENT_PATIENCE_MAX 3600000

static const struct command main_command = {
    .name = "agent",
    .arguments = "[NAME...] [FLAG...]",
    .help =
        "Keeps the sessions of the configuration fresh (all, or those named), or the one that\n"
        "--url or --publishable-key describes, and gives tokens to every program of this user,\n"
        "over HTTP on a Unix socket:\n\n"
        "  curl -s --unix-socket \"$XDG_RUNTIME_DIR/freshet/agent.socket\" \\\n"
        "       http://agent/v1/token/work\n\n"
        "  GET /v1/token/NAME       a valid token; waits if need be\n"
        "  GET /v1/status           what is known about every session\n"
        "  GET /v1/events           what happens, as it happens\n"
        "  POST /v1/reject/NAME     {\"token\": \"...\"}: a server did not accept this one\n"
        "  POST /v1/sign-out/NAME   ends the session\n"
        "  GET /metrics, /healthz   for Prometheus, for a supervisor\n\n"
        "--template, --organization, --min-remaining, --refresh-threshold, --allow-stale and\n"
        "--timeout are for requests that do not say. Prints one JSON line when it is ready. Ends\n"
        "at SIGTERM or SIGINT.\n"
        "Exit status: 0 ok, 1 cannot serve, 2 usage or configuration.",
    .flags = FLAGS_SESSION | FLAGS_KEY | FLAGS_SINK | FLAGS_ALL | FLAGS_HELP};

/* Tokens and credentials pass through this process: no core file, no tracing by others. */
static void main_harden(void)
{
    const struct rlimit none = {0, 0};

    (void)setrlimit(RLIMIT_CORE, &none);
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    (void)signal(SIGPIPE, SIG_IGN);
}

static enum exit_code main_serve(struct agent_options *options, const struct roster *roster)
{
    struct agent_problem problem;
    enum freshet_status status = FRESHET_OK;

    options->client = freshet_settings_client(&roster->settings[0]);
    options->sessions = roster->sessions;
    options->session_count = roster->count;
    status = freshet_agent_run(options, stdout, &problem);
    if (status == FRESHET_OK) {
        return EXIT_DONE;
    }
    fprintf(stderr, "freshet agent: %s\n", problem.text);
    return status == FRESHET_INVALID ? EXIT_USAGE : EXIT_OTHER;
}

int main(int argc, char **argv)
{
    struct agent_options options = {.socket = NULL};
    const char *clients = NULL;
    const char *patience = NULL;
    long clients_max = AGENT_CLIENTS;
    long patience_ms = AGENT_PATIENCE_MS;
    const struct own_flag own[] = {
        {"--socket", "PATH", "where to listen (FRESHET_SOCKET)", &options.socket},
        {"--max-clients", "N", "connections at once (default: 1024)", &clients},
        {"--patience-ms", "N", "for a client to send one request (default: 10000)", &patience},
        {NULL, NULL, NULL, NULL}};
    struct arguments arguments;
    struct roster roster = {.count = 0};
    enum exit_code code = EXIT_DONE;

    main_harden();
    code = freshet_arguments_sort(&arguments, &main_command, own, argc, argv);
    if (code == EXIT_DONE && freshet_arguments_ask_help(&arguments)) {
        freshet_arguments_help(&arguments);
        goto out;
    }
    if (code == EXIT_DONE && arguments.line != NULL) {
        code = freshet_arguments_refuse(&main_command, "nothing stands behind", "--");
    }
    if (code == EXIT_DONE) {
        code = freshet_arguments_number("--max-clients", clients, AGENT_CLIENTS_MOST, &clients_max);
    }
    if (code == EXIT_DONE) {
        code =
            freshet_arguments_number("--patience-ms", patience, AGENT_PATIENCE_MAX, &patience_ms);
    }
    if (code == EXIT_DONE) {
        code = freshet_roster_read(&roster, &arguments);
    }
    if (code == EXIT_DONE) {
        options.clients_max = (unsigned)clients_max;
        options.patience_ms = patience_ms;
        code = main_serve(&options, &roster);
    }
out:
    freshet_roster_free(&roster);
    freshet_arguments_free(&arguments);
    return (int)code;
}
