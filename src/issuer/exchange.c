/*
 * One request: its body is taken in, bounded; its fault and latency decide whether it waits; then it
 * is answered, dropped or left hanging. While it waits the connection is suspended, which blinds
 * libmicrohttpd to a client that leaves, so our own loop watches the socket.
 */
#include "issuer/server.h"

#include "issuer/form.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    BODY_MOST = 256 * 1024,
    PATH_MOST = 512,
    ANSWER_S = 120, /* how long a client may take to read an answer */
    BETWEEN_S = 75, /* and to begin its next request */
    BLOCK_BYTES = 64 * 1024
};

enum stage { STAGE_BODY, STAGE_WAITING, STAGE_DUE, STAGE_LEFT };

/* The loop's part of a suspended exchange. It outlives it until both handles are closed. */
struct pause {
    uv_timer_t timer;
    uv_poll_t watch;
    struct exchange *exchange;
    int handles;
};

struct exchange {
    LIST_ENTRY(exchange) entry; /* while suspended */
    struct server *server;
    struct MHD_Connection *connection;
    struct pause *pause;
    struct moment began;
    struct route route;
    struct fault fault;
    enum stage stage;
    int64_t seq;
    char method[16];
    char path[PATH_MOST];
    char *body;
    size_t body_bytes;
    bool too_large;
    bool counted; /* among those in flight */
    bool hanging;
};

/* What is left to send of an answer that does not lie whole in memory, or must break off. */
struct stream {
    char *body; /* NULL: filler */
    uint64_t sent;
};

static struct exchange *exchange_open(struct server *server, struct MHD_Connection *connection,
                                      const char *url, const char *method);
static void exchange_take_in(struct exchange *exchange, const char *bytes, size_t size);
static enum MHD_Result exchange_begin(struct exchange *exchange);
static enum MHD_Result exchange_finish(struct exchange *exchange);
static enum MHD_Result exchange_wait(struct exchange *exchange, int64_t latency_ms);
static void exchange_wake(struct exchange *exchange, enum stage stage);
static void exchange_act(struct exchange *exchange, struct answer *answer);
static enum MHD_Result exchange_send(struct exchange *exchange, struct answer *answer);
static void exchange_log(const struct exchange *exchange, const struct answer *answer,
                         const char *outcome);
static void exchange_deadline(const struct exchange *exchange, int64_t span_us);

enum MHD_Result freshet_exchange_handle(void *context, struct MHD_Connection *connection,
                                        const char *url, const char *method, const char *version,
                                        const char *upload, size_t *upload_bytes, void **state)
{
    struct server *server = context;
    struct exchange *exchange = *state;

    (void)version;
    if (exchange == NULL) {
        exchange = exchange_open(server, connection, url, method);
        *state = exchange;
        return exchange == NULL ? MHD_NO : MHD_YES;
    }
    if (*upload_bytes > 0) {
        exchange_take_in(exchange, upload, *upload_bytes);
        *upload_bytes = 0;
        return MHD_YES;
    }
    switch (exchange->stage) {
    case STAGE_BODY:
        return exchange_begin(exchange);
    case STAGE_DUE:
        return exchange_finish(exchange);
    case STAGE_LEFT:
        return MHD_NO;
    case STAGE_WAITING:
        break;
    }
    return MHD_YES;
}

static const char *exchange_query(const struct exchange *exchange, const char *name)
{
    return MHD_lookup_connection_value(exchange->connection, MHD_GET_ARGUMENT_KIND, name);
}

static const char *exchange_header(const struct exchange *exchange, const char *name)
{
    return MHD_lookup_connection_value(exchange->connection, MHD_HEADER_KIND, name);
}

static struct exchange *exchange_open(struct server *server, struct MHD_Connection *connection,
                                      const char *url, const char *method)
{
    struct exchange *exchange = calloc(1, sizeof *exchange);

    if (exchange == NULL)
        return NULL;
    exchange->server = server;
    exchange->connection = connection;
    exchange->began = freshet_moment();
    exchange->seq = ++server->issuer->request_count;
    (void)snprintf(exchange->method, sizeof exchange->method, "%s", method);
    (void)snprintf(exchange->path, sizeof exchange->path, "%s", url);
    exchange->route = freshet_route(method, exchange_query(exchange, "_method"), url);
    exchange_deadline(exchange, server->issuer->options->patience_ms * 1000);
    return exchange;
}

/* Past the bound the bytes are let through unread: the refusal is sent when the body has ended. */
static void exchange_take_in(struct exchange *exchange, const char *bytes, size_t size)
{
    char *grown;

    if (exchange->too_large || size > BODY_MOST - exchange->body_bytes) {
        exchange->too_large = true;
        return;
    }
    grown = realloc(exchange->body, exchange->body_bytes + size);
    if (grown == NULL) {
        exchange->too_large = true;
        return;
    }
    memcpy(grown + exchange->body_bytes, bytes, size);
    exchange->body = grown;
    exchange->body_bytes += size;
}

/* The request is whole: its fault is chosen now, and how long it waits. */
static enum MHD_Result exchange_begin(struct exchange *exchange)
{
    struct issuer *issuer = exchange->server->issuer;
    enum endpoint endpoint = exchange->route.endpoint;
    struct answer unsent = {0};
    int64_t latency_ms = 0;

    issuer->requests[endpoint]++;
    exchange->counted = !freshet_endpoint_admin(endpoint);
    issuer->in_flight += exchange->counted ? 1 : 0;
    exchange_deadline(exchange, 0);
    if (!exchange->too_large) {
        exchange->fault =
            freshet_faults_take(issuer->faults, endpoint, exchange->route.template_name);
        if (freshet_endpoint_faulty(endpoint))
            latency_ms = exchange->fault.latency_ms > 0 ? exchange->fault.latency_ms
                                                        : issuer->world.settings.latency_ms;
    }
    if (exchange->fault.hang) {
        exchange_act(exchange, &unsent);
        exchange_log(exchange, &unsent, "hanging");
        freshet_answer_clear(&unsent);
        exchange->hanging = true;
        issuer->hanging++;
        return exchange_wait(exchange, -1);
    }
    return latency_ms > 0 ? exchange_wait(exchange, latency_ms) : exchange_finish(exchange);
}

static enum MHD_Result exchange_finish(struct exchange *exchange)
{
    struct answer answer = {0};
    enum MHD_Result result = MHD_NO;

    exchange_act(exchange, &answer);
    if (exchange->fault.drop)
        exchange_log(exchange, &answer, "dropped");
    else
        result = exchange_send(exchange, &answer);
    freshet_answer_clear(&answer);
    return result;
}

/* Carries the request out, unless its fault stands instead, and spoils the answer. */
static void exchange_act(struct exchange *exchange, struct answer *answer)
{
    static const char cookie[] = "__session";
    const char *authorization = exchange_header(exchange, "Authorization");
    const char *host = exchange_header(exchange, "Host");
    const char *native = exchange_query(exchange, "_is_native");
    const char *session = exchange_query(exchange, "_clerk_session_id");
    const char *token = MHD_lookup_connection_value(exchange->connection, MHD_COOKIE_KIND, cookie);
    struct call call = {
        .route = exchange->route,
        .native = native != NULL && strcmp(native, "1") == 0,
        .authorization = authorization == NULL ? "" : freshet_api_credential(authorization),
        .session_query = session == NULL ? "" : session,
        .cookie = token == NULL ? "" : token,
        .origin = exchange_header(exchange, "Origin"),
        .host = host == NULL ? "" : host,
        .body = exchange->body == NULL ? "" : exchange->body,
        .body_bytes = exchange->body_bytes,
    };

    if (exchange->too_large)
        freshet_answer_error(answer, 413, "request_too_large", "The body is too large", NULL);
    else if (freshet_fault_acts(&exchange->fault))
        freshet_issuer_answer(exchange->server->issuer, &call, answer);
    freshet_answer_spoil(answer, &exchange->fault);
}

static void exchange_on_closed(uv_handle_t *handle)
{
    struct pause *pause = handle->data;

    if (--pause->handles == 0)
        free(pause);
}

static void exchange_on_time(uv_timer_t *timer)
{
    exchange_wake(((struct pause *)timer->data)->exchange, STAGE_DUE);
}

static void exchange_on_left(uv_poll_t *watch, int status, int events)
{
    struct exchange *exchange = ((struct pause *)watch->data)->exchange;
    const struct answer none = {0};

    (void)status;
    (void)events;
    if (!exchange->hanging)
        exchange_log(exchange, &none, "left");
    exchange_wake(exchange, STAGE_LEFT);
}

/* Suspends the exchange: for that long, or for ever when negative. */
static enum MHD_Result exchange_wait(struct exchange *exchange, int64_t latency_ms)
{
    uv_loop_t *loop = &exchange->server->loop;
    int descriptor =
        MHD_get_connection_info(exchange->connection, MHD_CONNECTION_INFO_CONNECTION_FD)
            ->connect_fd;
    struct pause *pause = calloc(1, sizeof *pause);

    if (pause == NULL)
        return MHD_NO;
    if (uv_poll_init(loop, &pause->watch, descriptor) != 0) {
        free(pause);
        return MHD_NO;
    }
    (void)uv_timer_init(loop, &pause->timer);
    pause->handles = 2;
    pause->exchange = exchange;
    pause->watch.data = pause->timer.data = pause;
    exchange->pause = pause;
    exchange->stage = STAGE_WAITING;
    LIST_INSERT_HEAD(&exchange->server->waiting, exchange, entry);
    MHD_suspend_connection(exchange->connection);

    (void)uv_poll_start(&pause->watch, UV_DISCONNECT, exchange_on_left);
    uv_update_time(loop);
    if (latency_ms >= 0)
        (void)uv_timer_start(&pause->timer, exchange_on_time, (uint64_t)latency_ms, 0);
    return MHD_YES;
}

/* Ends the wait. The watch goes first: the daemon may close the descriptor in its next turn. */
static void exchange_wake(struct exchange *exchange, enum stage stage)
{
    struct pause *pause = exchange->pause;

    exchange->stage = stage;
    pause->exchange = NULL;
    LIST_REMOVE(exchange, entry);
    (void)uv_poll_stop(&pause->watch);
    uv_close((uv_handle_t *)&pause->watch, exchange_on_closed);
    uv_close((uv_handle_t *)&pause->timer, exchange_on_closed);
    MHD_resume_connection(exchange->connection);
    freshet_server_again(exchange->server);
}

void freshet_exchanges_abandon(struct server *server)
{
    struct exchange *exchange;

    while ((exchange = LIST_FIRST(&server->waiting)) != NULL)
        exchange_wake(exchange, STAGE_LEFT);
}

void freshet_exchange_completed(void *context, struct MHD_Connection *connection, void **state,
                                enum MHD_RequestTerminationCode code)
{
    struct server *server = context;
    struct exchange *exchange = *state;

    (void)connection;
    (void)code;
    if (exchange == NULL)
        return;
    if (exchange->counted)
        server->issuer->in_flight--;
    if (exchange->hanging)
        server->issuer->hanging--;
    exchange_deadline(exchange, INT64_C(1000000) * BETWEEN_S);
    freshet_fault_done(&exchange->fault);
    if (exchange->body != NULL)
        sodium_memzero(exchange->body, exchange->body_bytes);
    free(exchange->body);
    free(exchange);
    *state = NULL;
}

static ssize_t exchange_read(void *context, uint64_t position, char *buffer, size_t size)
{
    const struct stream *stream = context;

    if (position >= stream->sent)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    if (size > stream->sent - position)
        size = (size_t)(stream->sent - position);
    if (stream->body == NULL)
        memset(buffer, ' ', size);
    else
        memcpy(buffer, stream->body + position, size);
    return (ssize_t)size;
}

static void exchange_free_stream(void *context)
{
    struct stream *stream = context;

    free(stream->body);
    free(stream);
}

static struct MHD_Response *exchange_response(const struct answer *answer)
{
    struct MHD_Response *response;
    struct stream *stream;

    if (!answer->filler && answer->sent == answer->length)
        return MHD_create_response_from_buffer(answer->length, answer->body, MHD_RESPMEM_MUST_COPY);
    stream = calloc(1, sizeof *stream);
    if (stream == NULL)
        return NULL;
    stream->sent = answer->sent;
    if (!answer->filler && answer->body != NULL)
        stream->body = strdup(answer->body);
    response = MHD_create_response_from_callback(answer->length, BLOCK_BYTES, exchange_read, stream,
                                                 exchange_free_stream);
    if (response == NULL)
        exchange_free_stream(stream);
    return response;
}

static void exchange_add_date(const struct world *world, struct MHD_Response *response)
{
    time_t now_s = (time_t)(freshet_world_now(world, freshet_moment().wall_ms) / 1000);
    struct tm parts;
    char date[64];

    if (gmtime_r(&now_s, &parts) != NULL &&
        strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", &parts) > 0)
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_DATE, date);
}

static enum MHD_Result exchange_send(struct exchange *exchange, struct answer *answer)
{
    const struct world *world = &exchange->server->issuer->world;
    struct MHD_Response *response = exchange_response(answer);
    enum MHD_Result queued;

    if (response == NULL)
        return MHD_NO;
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
                                  answer->json ? "application/json; charset=utf-8"
                                               : "text/html; charset=utf-8");
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    if (answer->authorization != NULL)
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_AUTHORIZATION,
                                      answer->authorization);
    if (answer->retry_after[0] != '\0')
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_RETRY_AFTER, answer->retry_after);
    if (answer->challenge != NULL)
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE,
                                      answer->challenge);
    if (world->settings.date)
        exchange_add_date(world, response);
    exchange_log(exchange, answer, "answered");
    exchange_deadline(exchange, INT64_C(1000000) * ANSWER_S);
    queued = MHD_queue_response(exchange->connection, (unsigned)answer->status, response);
    MHD_destroy_response(response);
    return queued;
}

/* Sets the peer's deadline that far from now; 0 for none. */
static void exchange_deadline(const struct exchange *exchange, int64_t span_us)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(exchange->connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct peer *peer = info == NULL ? NULL : info->socket_context;

    if (peer != NULL)
        peer->deadline_us = span_us == 0 ? 0 : freshet_moment().mono_us + span_us;
}

static void exchange_log(const struct exchange *exchange, const struct answer *answer,
                         const char *outcome)
{
    struct issuer *issuer = exchange->server->issuer;
    const char *authorization = exchange_header(exchange, "Authorization");
    const char *field =
        exchange->route.endpoint == ENDPOINT_TOUCH ? "active_organization_id" : "organization_id";
    char organization[128];
    enum form form = exchange->body == NULL
                         ? FORM_ABSENT
                         : freshet_form_field(exchange->body, exchange->body_bytes, field,
                                              organization, sizeof organization);
    struct log_line line = {
        .t_ms = (exchange->began.mono_us - issuer->started.mono_us) / 1000,
        .seq = exchange->seq,
        .wall_ms = exchange->began.wall_ms,
        .method = exchange->method,
        .path = exchange->path,
        .on = freshet_endpoint_name(exchange->route.endpoint),
        .template_name = exchange->route.template_name,
        .session = exchange->route.session,
        .organization = form == FORM_PRESENT ? organization : NULL,
        .status = strcmp(outcome, "answered") == 0 ? answer->status : 0,
        .fault = freshet_fault_name(&exchange->fault),
        .outcome = outcome,
        .duration_us = freshet_moment().mono_us - exchange->began.mono_us,
    };

    if (authorization != NULL)
        freshet_log_fingerprint(freshet_api_credential(authorization), line.presented);
    freshet_log_fingerprint(answer->authorization, line.returned);
    freshet_log_write(issuer->log, &line);
}
