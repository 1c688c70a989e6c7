/*
 * The program starts once there is a token: in the file, and if asked in its environment. From then
 * on the loop serves the socket and passes signals on, and ends with the program.
 */
#include "agent/run.h"

#include <errno.h>
#include <freshet/sink.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/child.h"
#include "agent/server.h"

enum { RUN_CLIENTS = 256, RUN_PATIENCE_MS = 10000 };

struct run {
    const struct run_options *options;
    struct agent_problem *problem;
    struct child child;
    struct place place;
    struct keeper keeper;
    struct server server;
    struct freshet_sink *sink;
    char token_file[FRESHET_PLACE_BYTES + 8];
    uv_poll_t signals;
    bool over;
    int status;
};

static void run_end(struct run *run, int status)
{
    run->over = true;
    run->status = status;
    uv_stop(&run->server.loop);
}

/* ---- the program ---- */

static void run_start(struct run *run, const struct freshet_token *token)
{
    const struct run_options *options = run->options;
    const struct child_variable variables[FRESHET_CHILD_VARIABLES] = {
        {"FRESHET_SOCKET", run->place.path},
        {"FRESHET_TOKEN_FILE", run->token_file},
        {options->variable, freshet_token_text(token)}};
    int fault = freshet_child_start(&run->child, options->line, variables);

    if (fault != 0) {
        (void)freshet_agent_problem(run->problem, "cannot start '%s': %s", options->line[0],
                                    strerror(fault));
        run_end(run, fault == ENOENT ? RUN_NOT_FOUND : RUN_NOT_EXECUTABLE);
    }
}

/* The file may be behind the call that brought the token; focus writes it at once. */
static bool run_has_file(struct run *run)
{
    char fault[256] = "";

    (void)freshet_sink_focus(run->sink, 1);
    if (access(run->token_file, R_OK) == 0) {
        return true;
    }
    freshet_sink_fault(run->sink, fault, sizeof(fault));
    (void)freshet_agent_problem(run->problem, "the token cannot be written to a file: %s", fault);
    return false;
}

static void run_on_token(void *context, enum freshet_status status, struct freshet_token *token,
                         const struct freshet_error *error)
{
    struct run *run = context;

    if (run->over) {
        return;
    }
    if (status != FRESHET_OK) {
        (void)freshet_agent_problem(run->problem, "no token, so nothing is run: %s: %s",
                                    freshet_status_name(status), error->message);
        run_end(run, RUN_FAILED);
    } else if (run_has_file(run)) {
        run_start(run, token);
    } else {
        run_end(run, RUN_FAILED);
    }
}

static void run_on_signal(uv_poll_t *handle, int status, int events)
{
    struct run *run = handle->data;

    (void)status;
    (void)events;
    if (freshet_child_hear(&run->child)) {
        run_end(run, run->child.status);
    }
}

/* ---- from start to end ---- */

static bool run_open_sink(struct run *run)
{
    const struct freshet_sink_options how = {.size = sizeof(how), .token_file = run->token_file};
    struct freshet_error error;
    enum freshet_status status =
        freshet_sink_open(run->keeper.sessions[0].handle, &how, &run->sink, &error);

    if (status != FRESHET_OK) {
        (void)freshet_agent_problem(run->problem, "no token file: %s", error.message);
    }
    return status == FRESHET_OK;
}

static bool run_ask(struct run *run)
{
    const struct freshet_request request = {.size = sizeof(request),
                                            .timeout_ms = run->options->timeout_ms};
    bool heard = uv_poll_init(&run->server.loop, &run->signals, run->child.signals) == 0;

    run->signals.data = run;
    if (heard && uv_poll_start(&run->signals, UV_READABLE, run_on_signal) == 0 &&
        freshet_get_async(run->keeper.sessions[0].handle, &request, run_on_token, run, NULL) ==
            FRESHET_OK) {
        return true;
    }
    (void)freshet_agent_problem(run->problem, "cannot ask for a token: out of memory");
    return false;
}

static void run_serve(struct run *run, const struct agent_options *agent)
{
    run->server = (struct server){.keeper = &run->keeper, .place = &run->place};
    if (freshet_server_open(&run->server, agent, run->problem) != 0) {
        return;
    }
    if (run_ask(run)) {
        freshet_server_run(&run->server);
    }
    run->over = true;
    freshet_server_close(&run->server);
}

int freshet_run(const struct run_options *options, struct agent_problem *problem)
{
    const struct agent_options agent = {.client = options->client,
                                        .clients_max = RUN_CLIENTS,
                                        .patience_ms = RUN_PATIENCE_MS,
                                        .sessions = options->session,
                                        .session_count = 1};
    struct run run = {.options = options, .problem = problem, .status = RUN_FAILED};

    problem->text[0] = '\0';
    if (!freshet_child_open(&run.child)) {
        (void)freshet_agent_problem(
            problem, "no memory or no descriptor is left; raise the limits (ulimit -a)");
        return run.status;
    }
    if (freshet_place_take_private(&run.place, options->client.runtime_dir, problem) == 0) {
        (void)snprintf(run.token_file, sizeof(run.token_file), "%s/token", run.place.private);
        if (freshet_keeper_open(&run.keeper, &agent, problem) == FRESHET_OK &&
            run_open_sink(&run)) {
            run_serve(&run, &agent);
        }
        freshet_sink_close(run.sink);
        freshet_keeper_close(&run.keeper);
        freshet_place_leave(&run.place);
    }
    freshet_child_close(&run.child);
    return run.status;
}
