/*
 * One request: its body is taken in, bounded; it is carried out, and answered at once or later.
 * While it is held the connection is suspended, which blinds libmicrohttpd to a client that leaves,
 * so our own loop watches the socket.
 */
#include "agent/exchange.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { EXCHANGE_BODY_MOST = 32 * 1024 };

/* Outlives its exchange until the loop has closed the handle. */
struct hold {
    uv_poll_t watch;
    struct exchange *exchange;
};

/* ---- taken in ---- */

static struct exchange *exchange_open(struct server *server, struct MHD_Connection *connection,
                                      const char *url, const char *method)
{
    struct exchange *exchange = calloc(1, sizeof(*exchange));
    struct route route = freshet_agent_route(method, url);

    if (exchange == NULL) {
        return NULL;
    }
    exchange->server = server;
    exchange->connection = connection;
    exchange->peer = freshet_peer_of(connection);
    exchange->route = route.kind;
    exchange->allowed = route.allowed;
    exchange->about_session = route.about_session;
    if (route.about_session) {
        exchange->session = freshet_keeper_find(server->keeper, route.name);
    }
    LIST_INSERT_HEAD(&server->exchanges, exchange, entry);
    freshet_peer_phase(server, exchange->peer, PEER_ASKING);
    return exchange;
}

/* Past the bound the bytes are let through unread: the refusal is sent when the body has ended. */
static void exchange_take_in(struct exchange *exchange, const char *bytes, size_t size)
{
    if (exchange->body == NULL && !exchange->too_large) {
        exchange->body = malloc(EXCHANGE_BODY_MOST);
    }
    if (exchange->body == NULL || size > EXCHANGE_BODY_MOST - exchange->body_bytes) {
        exchange->too_large = true;
        return;
    }
    memcpy(exchange->body + exchange->body_bytes, bytes, size);
    exchange->body_bytes += size;
}

/* The first call only makes the exchange: an answer in it would cost the client its connection. */
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
        return exchange != NULL ? MHD_YES : MHD_NO;
    }
    if (*upload_bytes > 0) {
        exchange_take_in(exchange, upload, *upload_bytes);
        *upload_bytes = 0;
        return MHD_YES;
    }
    switch (exchange->stage) {
    case STAGE_ASKING:
        server->keeper->metrics.requests[exchange->route]++;
        freshet_peer_phase(server, exchange->peer, PEER_WAITING);
        return freshet_action(exchange);
    case STAGE_DUE:
        return freshet_exchange_send(exchange, &exchange->reply);
    case STAGE_LEFT:
        return MHD_NO;
    case STAGE_HELD:
        break;
    }
    return MHD_YES;
}

/* ---- held ---- */

static void hold_on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void hold_on_left(uv_poll_t *watch, int status, int events)
{
    const struct hold *hold = watch->data;

    (void)status;
    (void)events;
    freshet_exchange_release(hold->exchange, STAGE_LEFT);
}

static struct hold *hold_new(struct exchange *exchange)
{
    struct hold *hold = calloc(1, sizeof(*hold));

    if (hold == NULL || exchange->peer == NULL ||
        uv_poll_init(&exchange->server->loop, &hold->watch, exchange->peer->descriptor) != 0) {
        free(hold);
        return NULL;
    }
    hold->exchange = exchange;
    hold->watch.data = hold;
    return hold;
}

enum MHD_Result freshet_exchange_hold(struct exchange *exchange)
{
    if (exchange->hold == NULL) {
        exchange->hold = hold_new(exchange);
    }
    if (exchange->hold == NULL ||
        uv_poll_start(&exchange->hold->watch, UV_DISCONNECT, hold_on_left) != 0) {
        return MHD_NO;
    }
    exchange->stage = STAGE_HELD;
    MHD_suspend_connection(exchange->connection);
    return MHD_YES;
}

/* The watch goes first: the daemon may close the descriptor in its next turn. */
void freshet_exchange_release(struct exchange *exchange, enum stage stage)
{
    exchange->stage = stage;
    (void)uv_poll_stop(&exchange->hold->watch);
    MHD_resume_connection(exchange->connection);
    exchange->server->resumed = true;
}

void freshet_exchanges_news(void *context)
{
    struct server *server = context;
    struct exchange *exchange = NULL;

    LIST_FOREACH(exchange, &server->exchanges, entry)
    {
        freshet_stream_news(exchange);
    }
}

void freshet_exchanges_stop(struct server *server)
{
    struct exchange *exchange = NULL;

    LIST_FOREACH(exchange, &server->exchanges, entry)
    {
        freshet_action_stop(exchange);
        if (exchange->stage == STAGE_HELD) {
            freshet_exchange_release(exchange, STAGE_DUE);
        }
    }
}

/* ---- answered ---- */

/* A string and its end, wiped: the answer may hold a token. */
static void exchange_free_body(void *body)
{
    sodium_memzero(body, strlen(body));
    free(body);
}

static void exchange_add_headers(const struct exchange *exchange, struct MHD_Response *response,
                                 const struct reply *reply)
{
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, reply->type);
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    if (reply->status == MHD_HTTP_METHOD_NOT_ALLOWED) {
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW,
                                      freshet_agent_route_method(exchange->route));
    }
    if (exchange->server->stopping) {
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    }
}

enum MHD_Result freshet_exchange_send(struct exchange *exchange, struct reply *reply)
{
    struct MHD_Response *response = NULL;
    enum MHD_Result queued = MHD_NO;

    if (reply->body != NULL) {
        response = MHD_create_response_from_buffer_with_free_callback(
            strlen(reply->body), reply->body, exchange_free_body);
    }
    if (response == NULL) {
        freshet_agent_reply_clear(reply);
        return MHD_NO;
    }
    reply->body = NULL;
    exchange_add_headers(exchange, response, reply);
    freshet_peer_phase(exchange->server, exchange->peer, PEER_READING);
    queued = MHD_queue_response(exchange->connection, (unsigned)reply->status, response);
    MHD_destroy_response(response);
    return queued;
}

void freshet_exchange_completed(void *context, struct MHD_Connection *connection, void **state,
                                enum MHD_RequestTerminationCode code)
{
    struct server *server = context;
    struct exchange *exchange = *state;

    (void)connection;
    (void)code;
    if (exchange == NULL) {
        return;
    }
    *state = NULL;
    freshet_peer_phase(server, exchange->peer, PEER_BETWEEN);
    freshet_action_forget(exchange);
    LIST_REMOVE(exchange, entry);
    freshet_stream_end(exchange);
    if (exchange->hold != NULL) {
        uv_close((uv_handle_t *)&exchange->hold->watch, hold_on_closed);
    }
    if (exchange->body != NULL) {
        sodium_memzero(exchange->body, exchange->body_bytes);
    }
    free(exchange->body);
    freshet_agent_reply_clear(&exchange->reply);
    free(exchange);
}
