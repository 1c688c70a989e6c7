/*
 * The daemon and its turns. libmicrohttpd has its own epoll set, which our loop watches; it says when
 * it wants a turn by time. Precautions that it needs: another turn when connections closed in one
 * (else a full daemon stops accepting), a deadline for each peer (its own time-out starts again with
 * every byte), and no suspended request when it stops.
 */
#include "issuer/server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    CONNECTIONS_MOST = 1024,
    DESCRIPTORS_SPARE = 64,
    CONNECTION_BYTES = 32 * 1024,
    IDLE_S = 75,
    TURNS_MOST = 64
};

static int server_listen(struct server *server, struct problem *problem);
static int server_start(struct server *server, struct problem *problem);
static void server_turn(struct server *server);
static void server_on_ready(uv_poll_t *handle, int status, int events);
static void server_on_time(uv_timer_t *handle);
static void server_on_again(uv_idle_t *handle);
static void server_on_sweep(uv_timer_t *handle);
static void server_on_signal(uv_signal_t *handle, int number);

int freshet_server_open(struct server *server, struct issuer *issuer, struct problem *problem)
{
    server->issuer = issuer;
    LIST_INIT(&server->peers);
    LIST_INIT(&server->waiting);
    if (uv_loop_init(&server->loop) != 0)
        return freshet_problem(problem, "cannot start an event loop");
    if (server_listen(server, problem) != 0 || server_start(server, problem) != 0) {
        if (server->listener >= 0)
            (void)close(server->listener);
        (void)uv_loop_close(&server->loop);
        return -1;
    }
    return 0;
}

static int server_listen(struct server *server, struct problem *problem)
{
    struct sockaddr_in address = server->issuer->options->listen;
    socklen_t size = sizeof address;
    int on = 1;

    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (server->listener < 0 ||
        setsockopt(server->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(server->listener, (const struct sockaddr *)&address, size) != 0 ||
        listen(server->listener, SOMAXCONN) != 0 ||
        getsockname(server->listener, (struct sockaddr *)&address, &size) != 0)
        return freshet_problem(problem, "cannot listen on port %u: %s; choose another --listen",
                               (unsigned)ntohs(address.sin_port), strerror(errno));
    freshet_issuer_located(server->issuer, &address);
    return 0;
}

static void server_log_nothing(void *context, const char *format, va_list arguments)
{
    (void)context;
    (void)format;
    (void)arguments;
}

/* Paths and queries stay encoded: route.c decodes them segment by segment. */
static size_t server_keep_encoded(void *context, struct MHD_Connection *connection, char *text)
{
    (void)context;
    (void)connection;
    return strlen(text);
}

static void server_on_connection(void *context, struct MHD_Connection *connection,
                                 void **socket_context, enum MHD_ConnectionNotificationCode code)
{
    struct server *server = context;
    struct peer *peer = *socket_context;
    int64_t patience_us = server->issuer->options->patience_ms * 1000;
    uint64_t period_ms = (uint64_t)patience_us / 4000;

    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        peer = calloc(1, sizeof *peer);
        *socket_context = peer;
        if (peer == NULL)
            return;
        peer->descriptor =
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
        peer->deadline_us = freshet_moment().mono_us + patience_us;
        if (LIST_EMPTY(&server->peers))
            (void)uv_timer_start(&server->sweep, server_on_sweep, period_ms, period_ms);
        LIST_INSERT_HEAD(&server->peers, peer, entry);
        return;
    }
    server->closed++;
    if (peer == NULL)
        return;
    LIST_REMOVE(peer, entry);
    free(peer);
    *socket_context = NULL;
    if (LIST_EMPTY(&server->peers))
        (void)uv_timer_stop(&server->sweep);
}

/* As many connections as there are descriptors for, a bound of our own at most. */
static unsigned server_connections(void)
{
    struct rlimit limit = {.rlim_cur = 256};

    (void)getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur > CONNECTIONS_MOST + DESCRIPTORS_SPARE)
        return CONNECTIONS_MOST;
    return limit.rlim_cur > 2 * DESCRIPTORS_SPARE ? (unsigned)limit.rlim_cur - DESCRIPTORS_SPARE
                                                  : DESCRIPTORS_SPARE;
}

static int server_start(struct server *server, struct problem *problem)
{
    uv_loop_t *loop = &server->loop;

    server->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG |
            MHD_USE_SUPPRESS_DATE_NO_CLOCK,
        0, NULL, NULL, freshet_exchange_handle, server, MHD_OPTION_EXTERNAL_LOGGER,
        server_log_nothing, NULL, MHD_OPTION_LISTEN_SOCKET, server->listener,
        MHD_OPTION_CONNECTION_LIMIT, server_connections(), MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)CONNECTION_BYTES, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_S,
        MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_UNESCAPE_CALLBACK, server_keep_encoded, NULL,
        MHD_OPTION_NOTIFY_CONNECTION, server_on_connection, server, MHD_OPTION_NOTIFY_COMPLETED,
        freshet_exchange_completed, server, MHD_OPTION_END);
    if (server->daemon == NULL)
        return freshet_problem(problem, "cannot start the HTTP server");

    (void)uv_poll_init(loop, &server->readiness,
                       MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd);
    (void)uv_timer_init(loop, &server->timer);
    (void)uv_timer_init(loop, &server->sweep);
    (void)uv_idle_init(loop, &server->again);
    (void)uv_signal_init(loop, &server->interrupt);
    (void)uv_signal_init(loop, &server->terminate);
    server->readiness.data = server->timer.data = server->sweep.data = server;
    server->again.data = server->interrupt.data = server->terminate.data = server;
    (void)uv_poll_start(&server->readiness, UV_READABLE, server_on_ready);
    (void)uv_signal_start(&server->interrupt, server_on_signal, SIGINT);
    (void)uv_signal_start(&server->terminate, server_on_signal, SIGTERM);
    return 0;
}

void freshet_server_run(struct server *server)
{
    (void)uv_run(&server->loop, UV_RUN_DEFAULT);
}

static void server_on_ready(uv_poll_t *handle, int status, int events)
{
    (void)status;
    (void)events;
    server_turn(handle->data);
}

static void server_on_time(uv_timer_t *handle)
{
    server_turn(handle->data);
}

static void server_on_again(uv_idle_t *handle)
{
    (void)uv_idle_stop(handle);
    server_turn(handle->data);
}

void freshet_server_again(struct server *server)
{
    (void)uv_idle_start(&server->again, server_on_again);
}

/* Turns until nothing closed in the last one and none is wanted at once, within reason. */
static void server_turn(struct server *server)
{
    MHD_UNSIGNED_LONG_LONG wait_ms = 0;
    enum MHD_Result timed = MHD_NO;
    uint64_t closed;

    for (int i = 0; i < TURNS_MOST; i++) {
        closed = server->closed;
        (void)MHD_run(server->daemon);
        timed = MHD_get_timeout(server->daemon, &wait_ms);
        if (closed == server->closed && (timed == MHD_NO || wait_ms > 0))
            break;
        wait_ms = 0;
        timed = MHD_YES;
    }
    (void)uv_timer_stop(&server->timer);
    if (timed == MHD_YES && wait_ms == 0) {
        freshet_server_again(server);
    } else if (timed == MHD_YES) {
        uv_update_time(&server->loop);
        (void)uv_timer_start(&server->timer, server_on_time, wait_ms, 0);
    }
}

/* A cut connection is closed by the daemon, which sees the end of the stream. */
static void server_on_sweep(uv_timer_t *handle)
{
    struct server *server = handle->data;
    int64_t now_us = freshet_moment().mono_us;

    for (struct peer *peer = LIST_FIRST(&server->peers); peer != NULL;
         peer = LIST_NEXT(peer, entry)) {
        if (peer->deadline_us == 0 || peer->deadline_us > now_us)
            continue;
        (void)shutdown(peer->descriptor, SHUT_RDWR);
        peer->deadline_us = 0;
    }
}

static void server_on_signal(uv_signal_t *handle, int number)
{
    (void)number;
    uv_stop(handle->loop);
}

static void server_close_handle(uv_handle_t *handle, void *context)
{
    (void)context;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

void freshet_server_close(struct server *server)
{
    MHD_socket listener = MHD_quiesce_daemon(server->daemon);

    if (listener >= 0)
        (void)close(listener);
    freshet_exchanges_abandon(server);
    (void)MHD_run(server->daemon);
    (void)uv_poll_stop(&server->readiness);
    MHD_stop_daemon(server->daemon);
    uv_walk(&server->loop, server_close_handle, NULL);
    (void)uv_run(&server->loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&server->loop);
}
