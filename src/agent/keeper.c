/*
 * Sessions through the public library: opened, wanted from the start, found by name. What happens
 * to them becomes events in the backlog.
 */
#include "agent/keeper.h"

#include <freshet/sink.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Without memory an event is lost; the status still says how things are. */
static void keeper_tell(struct keeper *keeper, bool news, const char *event, const char *data)
{
    bool told = news && freshet_backlog_put(&keeper->news, event, data);

    if (keeper->trace_readers > 0) {
        told |= freshet_backlog_put(&keeper->trace, event, data);
    }
    keeper->metrics.events += told ? 1 : 0;
    if (told && keeper->tell != NULL) {
        keeper->tell(keeper->tell_context);
    }
}

static void keeper_event(void *context, const struct freshet_event *event)
{
    static const char *const names[] = {[FRESHET_EVENT_TOKEN_UPDATED] = "token_updated",
                                        [FRESHET_EVENT_TOKEN_RESOLVED] = "token_resolved",
                                        [FRESHET_EVENT_SESSION_STATUS] = "session_status",
                                        [FRESHET_EVENT_SIGNED_OUT] = "signed_out"};
    struct keeper *keeper = context;
    json_t *object = NULL;
    char *data = NULL;

    if (event->kind == FRESHET_EVENT_TRACE) {
        keeper_tell(keeper, false, "trace", event->trace);
        return;
    }
    object =
        json_pack("{s:s, s:s}", "session", event->session_name, "status", event->session_status);
    data = object != NULL ? json_dumps(object, 0) : NULL;
    json_decref(object);
    if (data != NULL) {
        keeper_tell(keeper, true, names[event->kind], data);
    }
    free(data);
}

/* The agent keeps a jar for the whole machine: nobody has to turn to it first. */
static enum freshet_status keeper_open_sink(struct kept_session *session,
                                            struct freshet_error *error)
{
    const struct agent_session_options *options = session->options;
    const struct freshet_sink_options how = {.size = sizeof(how),
                                             .token_file = options->token_file,
                                             .cookie_jar = options->cookie_jar,
                                             .cookie_domain = options->cookie_domain,
                                             .agent = 1};

    return how.token_file != NULL || how.cookie_jar != NULL
               ? freshet_sink_open(session->handle, &how, &session->sink, error)
               : FRESHET_OK;
}

static enum freshet_status keeper_open_session(struct keeper *keeper, struct kept_session *session,
                                               struct agent_problem *problem)
{
    const struct agent_session_options *options = session->options;
    const struct freshet_session_options how = {.size = sizeof(how),
                                                .name = options->name,
                                                .publishable_key = options->publishable_key,
                                                .url = options->url,
                                                .client_token_file = options->client_token_file,
                                                .session = options->session};
    struct freshet_error error;
    enum freshet_status status =
        freshet_session_open(keeper->client, &how, &session->handle, &error);

    if (status == FRESHET_OK) {
        status = keeper_open_sink(session, &error);
    }
    if (status == FRESHET_OK) {
        status = freshet_want(session->handle, &options->request);
        (void)snprintf(error.message, sizeof(error.message), "%s",
                       status == FRESHET_INVALID ? "the template or the organization is too long"
                                                 : freshet_status_name(status));
    }
    if (status != FRESHET_OK) {
        (void)freshet_agent_problem(problem, "session '%s': %s", options->name, error.message);
    }
    return status;
}

enum freshet_status freshet_keeper_open(struct keeper *keeper, const struct agent_options *options,
                                        struct agent_problem *problem)
{
    struct freshet_error error;
    enum freshet_status status = freshet_open(&options->client, &keeper->client, &error);

    if (status != FRESHET_OK) {
        (void)freshet_agent_problem(problem, "%s", error.message);
        return status;
    }
    status = freshet_subscribe(keeper->client, keeper_event, keeper);
    if (status == FRESHET_OK) {
        keeper->sessions = calloc(options->session_count, sizeof(*keeper->sessions));
        status = keeper->sessions != NULL ? FRESHET_OK : FRESHET_NO_MEMORY;
    }
    if (status != FRESHET_OK) {
        (void)freshet_agent_problem(problem, "cannot start: %s", freshet_status_name(status));
        return status;
    }
    for (size_t i = 0; i < options->session_count && status == FRESHET_OK; i++) {
        keeper->sessions[i].options = &options->sessions[i];
        status = keeper_open_session(keeper, &keeper->sessions[i], problem);
        keeper->session_count++;
    }
    return status;
}

void freshet_keeper_close(struct keeper *keeper)
{
    keeper->tell = NULL;
    for (size_t i = 0; i < keeper->session_count; i++) {
        freshet_sink_close(keeper->sessions[i].sink);
    }
    freshet_close(keeper->client);
    free(keeper->sessions);
    freshet_backlog_clear(&keeper->news);
    freshet_backlog_clear(&keeper->trace);
}

struct kept_session *freshet_keeper_find(struct keeper *keeper, const char *name)
{
    if (name == NULL) {
        return keeper->session_count == 1 ? &keeper->sessions[0] : NULL;
    }
    for (size_t i = 0; i < keeper->session_count; i++) {
        if (strcmp(keeper->sessions[i].options->name, name) == 0) {
            return &keeper->sessions[i];
        }
    }
    return NULL;
}
