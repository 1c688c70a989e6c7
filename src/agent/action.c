/*
 * What each route does. A token request becomes one asynchronous get of the library; its answer
 * often is there before the request need be held.
 */
#include "agent/exchange.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "agent/question.h"

/* A get under way. It outlives its exchange when the client leaves. */
struct wait {
    struct exchange *exchange;
    struct keeper *keeper;
    struct kept_session *session;
    freshet_ticket ticket;
    bool counted; /* among those that wait now */
};

static void wait_count(struct wait *wait, bool waiting)
{
    struct metrics *metrics = &wait->keeper->metrics;

    if (wait->counted != waiting) {
        wait->counted = waiting;
        metrics->waiting = waiting ? metrics->waiting + 1 : metrics->waiting - 1;
    }
}

static enum MHD_Result action_refuse(struct exchange *exchange, int status, const char *error,
                                     const char *message)
{
    struct reply reply = freshet_agent_reply_refusal(status, error, message);

    return freshet_exchange_send(exchange, &reply);
}

static enum MHD_Result action_fail(struct exchange *exchange, enum freshet_status status,
                                   const char *message)
{
    struct freshet_error error = {.status = status};
    struct reply reply;

    (void)snprintf(error.message, sizeof(error.message), "%s", message);
    reply = freshet_agent_reply_failure(&error);
    return freshet_exchange_send(exchange, &reply);
}

static enum MHD_Result action_say(struct exchange *exchange, const char *type, char *body)
{
    struct reply reply = freshet_agent_reply_text(type, body);

    return freshet_exchange_send(exchange, &reply);
}

/* What a query says, as far as its route has a use for it. */
struct parameters {
    struct freshet_request request;
    bool trace;
    enum freshet_sign_out_scope scope;
    char reason[FRESHET_AGENT_REASON_BYTES];
    bool wrong;
};

/* ---- token ---- */

static enum MHD_Result action_parameter(void *context, enum MHD_ValueKind kind, const char *name,
                                        const char *value)
{
    struct parameters *parameters = context;

    (void)kind;
    parameters->wrong =
        !freshet_agent_parameter(&parameters->request, name, value, parameters->reason);
    return parameters->wrong ? MHD_NO : MHD_YES;
}

static void wait_answered(void *context, enum freshet_status status, struct freshet_token *token,
                          const struct freshet_error *error)
{
    struct wait *wait = context;
    struct exchange *exchange = wait->exchange;
    struct metrics *metrics = &wait->keeper->metrics;

    wait_count(wait, false);
    if (exchange != NULL) {
        exchange->wait = NULL;
        if (status == FRESHET_OK) {
            exchange->reply = freshet_agent_reply_token(token);
        } else {
            metrics->errors[(size_t)status % FRESHET_METRICS_STATUSES]++;
            exchange->reply = freshet_agent_reply_failure(error);
        }
        if (exchange->stage == STAGE_HELD) {
            freshet_exchange_release(exchange, STAGE_DUE);
        }
    }
    free(wait);
}

static enum freshet_status wait_begin(struct exchange *exchange,
                                      const struct freshet_request *request)
{
    struct wait *wait = calloc(1, sizeof(*wait));
    enum freshet_status status = FRESHET_NO_MEMORY;

    if (wait == NULL) {
        return status;
    }
    wait->exchange = exchange;
    wait->keeper = exchange->server->keeper;
    wait->session = exchange->session;
    exchange->wait = wait;
    status =
        freshet_get_async(exchange->session->handle, request, wait_answered, wait, &wait->ticket);
    if (status != FRESHET_OK) {
        exchange->wait = NULL;
        free(wait);
    }
    return status;
}

static enum MHD_Result action_token(struct exchange *exchange)
{
    struct keeper *keeper = exchange->server->keeper;
    struct parameters parameters = {.request = exchange->session->options->request};
    enum freshet_status status = FRESHET_OK;

    (void)MHD_get_connection_values(exchange->connection, MHD_GET_ARGUMENT_KIND, action_parameter,
                                    &parameters);
    if (parameters.wrong) {
        return action_refuse(exchange, MHD_HTTP_BAD_REQUEST, "invalid", parameters.reason);
    }
    status = wait_begin(exchange, &parameters.request);
    if (status != FRESHET_OK) {
        return action_fail(exchange, status,
                           status == FRESHET_INVALID ? "the template or the organization is too "
                                                       "long"
                                                     : freshet_status_name(status));
    }
    (void)freshet_dispatch(keeper->client);
    if (exchange->wait == NULL) {
        return freshet_exchange_send(exchange, &exchange->reply);
    }
    keeper->metrics.waits++;
    wait_count(exchange->wait, true);
    return freshet_exchange_hold(exchange);
}

void freshet_action_forget(struct exchange *exchange)
{
    struct wait *wait = exchange->wait;

    if (wait != NULL) {
        wait_count(wait, false);
        exchange->wait = NULL;
        wait->exchange = NULL;
        freshet_cancel(wait->session->handle, wait->ticket);
    }
}

static const char action_stopping[] = "the agent is shutting down; ask again in a moment";

void freshet_action_stop(struct exchange *exchange)
{
    struct freshet_error error = {.status = FRESHET_CLOSED};

    if (exchange->wait != NULL) {
        freshet_action_forget(exchange);
        (void)snprintf(error.message, sizeof(error.message), "%s", action_stopping);
        exchange->reply = freshet_agent_reply_failure(&error);
    }
}

/* ---- the others ---- */

static enum MHD_Result action_status(struct exchange *exchange)
{
    char *text = NULL;
    enum freshet_status status = freshet_status_json(exchange->server->keeper->client, &text);

    return status == FRESHET_OK
               ? action_say(exchange, NULL, text)
               : action_fail(exchange, status, "there is no memory for the status");
}

static enum MHD_Result action_trace(void *context, enum MHD_ValueKind kind, const char *name,
                                    const char *value)
{
    struct parameters *parameters = context;

    (void)kind;
    parameters->wrong =
        !freshet_agent_events_parameter(&parameters->trace, name, value, parameters->reason);
    return parameters->wrong ? MHD_NO : MHD_YES;
}

static enum MHD_Result action_events(struct exchange *exchange)
{
    struct parameters parameters = {.trace = false};

    (void)MHD_get_connection_values(exchange->connection, MHD_GET_ARGUMENT_KIND, action_trace,
                                    &parameters);
    return parameters.wrong
               ? action_refuse(exchange, MHD_HTTP_BAD_REQUEST, "invalid", parameters.reason)
               : freshet_stream_begin(exchange, parameters.trace);
}

static enum MHD_Result action_reject(struct exchange *exchange)
{
    char *text = freshet_agent_rejected(exchange->body, exchange->body_bytes);
    enum freshet_status status = FRESHET_INVALID;

    if (text != NULL) {
        status = freshet_reject_text(exchange->session->handle, text, strlen(text));
        sodium_memzero(text, strlen(text));
        free(text);
    }
    if (status == FRESHET_INVALID) {
        return action_refuse(exchange, MHD_HTTP_BAD_REQUEST, "invalid",
                             "the body must be {\"token\": \"...\"}, the token that was rejected");
    }
    return status == FRESHET_OK ? action_say(exchange, NULL, strdup("{\"rejected\": true}"))
                                : action_fail(exchange, status, "the token was not rejected");
}

static enum MHD_Result action_scope(void *context, enum MHD_ValueKind kind, const char *name,
                                    const char *value)
{
    struct parameters *parameters = context;

    (void)kind;
    parameters->wrong =
        !freshet_agent_sign_out_parameter(&parameters->scope, name, value, parameters->reason);
    return parameters->wrong ? MHD_NO : MHD_YES;
}

static enum MHD_Result action_sign_out(struct exchange *exchange)
{
    struct parameters parameters = {.scope = FRESHET_SIGN_OUT_FITTING};
    enum freshet_status status = FRESHET_OK;

    (void)MHD_get_connection_values(exchange->connection, MHD_GET_ARGUMENT_KIND, action_scope,
                                    &parameters);
    if (parameters.wrong) {
        return action_refuse(exchange, MHD_HTTP_BAD_REQUEST, "invalid", parameters.reason);
    }
    status = freshet_sign_out(exchange->session->handle, parameters.scope);
    return status == FRESHET_OK ? action_say(exchange, NULL, strdup("{\"signed_out\": true}"))
                                : action_fail(exchange, status, "the session was not signed out");
}

static enum MHD_Result action_metrics(struct exchange *exchange)
{
    struct keeper *keeper = exchange->server->keeper;
    char *status = NULL;
    char *text = NULL;

    if (freshet_status_json(keeper->client, &status) == FRESHET_OK) {
        text = freshet_metrics_text(&keeper->metrics, status);
    }
    free(status);
    return action_say(exchange, "text/plain; version=0.0.4; charset=utf-8", text);
}

static enum MHD_Result action_health(struct exchange *exchange)
{
    return action_say(exchange, NULL, strdup("{\"status\": \"ok\"}"));
}

static enum MHD_Result action_count_lengths(void *context, enum MHD_ValueKind kind,
                                            const char *name, const char *value)
{
    int *count = context;

    (void)kind;
    (void)value;
    *count += strcasecmp(name, MHD_HTTP_HEADER_CONTENT_LENGTH) == 0 ? 1 : 0;
    return MHD_YES;
}

/* A body of two lengths is none that everybody reads alike (RFC 9112 section 6.3). */
static bool action_is_ambiguous(const struct exchange *exchange)
{
    int lengths = 0;

    (void)MHD_get_connection_values(exchange->connection, MHD_HEADER_KIND, action_count_lengths,
                                    &lengths);
    return lengths > 1;
}

enum MHD_Result freshet_action(struct exchange *exchange)
{
    static enum MHD_Result (*const actions[ROUTE_COUNT])(struct exchange *) = {
        [ROUTE_TOKEN] = action_token,       [ROUTE_STATUS] = action_status,
        [ROUTE_EVENTS] = action_events,     [ROUTE_REJECT] = action_reject,
        [ROUTE_SIGN_OUT] = action_sign_out, [ROUTE_METRICS] = action_metrics,
        [ROUTE_HEALTH] = action_health};

    if (exchange->server->stopping) {
        return action_fail(exchange, FRESHET_CLOSED, action_stopping);
    }
    if (action_is_ambiguous(exchange)) {
        return action_refuse(exchange, MHD_HTTP_BAD_REQUEST, "invalid",
                             "a request has one Content-Length, not two");
    }
    if (exchange->too_large) {
        return action_refuse(exchange, MHD_HTTP_CONTENT_TOO_LARGE, "too_large",
                             "the body is larger than 32 KiB");
    }
    if (exchange->route == ROUTE_UNKNOWN) {
        return action_refuse(exchange, MHD_HTTP_NOT_FOUND, "not_found",
                             "there is nothing at this path; freshet-agent(1) lists what there is");
    }
    if (!exchange->allowed) {
        return action_refuse(exchange, MHD_HTTP_METHOD_NOT_ALLOWED, "method_not_allowed",
                             "this path is there for another method; see Allow");
    }
    if (exchange->about_session && exchange->session == NULL) {
        return action_refuse(
            exchange, MHD_HTTP_NOT_FOUND, "no_session",
            "the agent keeps no session of that name, or several and none was named; "
            "/v1/status lists them");
    }
    return actions[exchange->route](exchange);
}
