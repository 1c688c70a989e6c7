/*
 * The agent from start to end: place, sessions, server, readiness.
 */
#include "agent/agent.h"

#include <jansson.h>

#include <signal.h>

#include "agent/activation.h"
#include "agent/server.h"

struct agent_signals {
    uv_signal_t interrupt;
    uv_signal_t terminate;
};

/* Said when clients can connect: {"socket": ..., "sessions": [...]}. */
static int agent_announce(const struct agent_options *options, const struct place *place, FILE *out)
{
    json_t *names = json_array();
    json_t *line = NULL;
    int written = -1;

    for (size_t i = 0; i < options->session_count; i++) {
        (void)json_array_append_new(names, json_string(options->sessions[i].name));
    }
    line = json_pack("{s:s, s:o}", "socket", place->path, "sessions", names);
    written = line != NULL ? json_dumpf(line, out, JSON_COMPACT) : -1;
    json_decref(line);
    return written == 0 && putc('\n', out) != EOF && fflush(out) == 0 ? 0 : -1;
}

static void agent_on_signal(uv_signal_t *handle, int number)
{
    (void)number;
    freshet_activation_notify("STOPPING=1");
    freshet_server_stop(handle->data);
}

/* The server closes them with its loop. */
static bool agent_hear(struct agent_signals *signals, struct server *server)
{
    signals->interrupt.data = signals->terminate.data = server;
    return uv_signal_init(&server->loop, &signals->interrupt) == 0 &&
           uv_signal_init(&server->loop, &signals->terminate) == 0 &&
           uv_signal_start(&signals->interrupt, agent_on_signal, SIGINT) == 0 &&
           uv_signal_start(&signals->terminate, agent_on_signal, SIGTERM) == 0;
}

static int agent_serve(const struct agent_options *options, struct keeper *keeper,
                       struct place *place, FILE *out, struct agent_problem *problem)
{
    struct server server = {.keeper = keeper, .place = place};
    struct agent_signals signals;

    if (freshet_server_open(&server, options, problem) != 0) {
        return -1;
    }
    if (!agent_hear(&signals, &server)) {
        (void)freshet_agent_problem(problem, "cannot listen for signals");
    } else if (agent_announce(options, place, out) == 0) {
        freshet_activation_notify("READY=1");
        freshet_server_run(&server);
    } else {
        (void)freshet_agent_problem(problem, "nobody reads the ready line on standard output");
    }
    freshet_server_close(&server);
    return problem->text[0] == '\0' ? 0 : -1;
}

enum freshet_status freshet_agent_run(const struct agent_options *options, FILE *out,
                                      struct agent_problem *problem)
{
    struct keeper keeper = {.client = NULL};
    struct place place;
    enum freshet_status status = FRESHET_LIMIT;

    problem->text[0] = '\0';
    if (freshet_place_take(&place, options->socket, options->client.runtime_dir, problem) != 0) {
        return status;
    }
    status = freshet_keeper_open(&keeper, options, problem);
    if (status == FRESHET_OK && agent_serve(options, &keeper, &place, out, problem) != 0) {
        status = FRESHET_LIMIT;
    }
    freshet_keeper_close(&keeper);
    freshet_place_leave(&place);
    return status;
}
