/*
 * The loop and its turns. Whatever wakes the loop, one turn before the next sleep does all there is
 * to do: the library's part, then the daemon's, until both are content. The daemon and the library
 * have epoll sets of their own, which the loop watches. With nobody connected there is no timer.
 */
#include "agent/server.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "agent/question.h"

enum {
    SERVER_SPARE_DESCRIPTORS = 64,
    SERVER_CONNECTION_BYTES = 8 * 1024,
    SERVER_GRACE_MS = 5000,
    SERVER_TURNS_MOST = 64
};

/* ---- turns ---- */

static void server_on_news(uv_poll_t *handle, int status, int events)
{
    (void)handle;
    (void)status;
    (void)events;
}

static void server_on_time(uv_timer_t *timer)
{
    (void)timer;
}

static void server_on_again(uv_idle_t *handle)
{
    (void)uv_idle_stop(handle);
}

static void server_on_arrival(uv_poll_t *handle, int status, int events)
{
    (void)status;
    (void)events;
    freshet_peers_accept(handle->data);
}

/* When connections closed in a turn the daemon needs another, else it may not see the next ones. */
static bool server_turn_once(struct server *server, MHD_UNSIGNED_LONG_LONG *wait_ms, bool *timed)
{
    uint64_t closed = server->closed;

    server->resumed = false;
    (void)freshet_dispatch(server->keeper->client);
    (void)MHD_run(server->daemon);
    *timed = MHD_get_timeout(server->daemon, wait_ms) == MHD_YES;
    return closed != server->closed || server->resumed || (*timed && *wait_ms == 0);
}

static void server_on_turn(uv_prepare_t *handle)
{
    struct server *server = handle->data;
    MHD_UNSIGNED_LONG_LONG wait_ms = 0;
    bool timed = false;
    bool more = true;

    for (int i = 0; i < SERVER_TURNS_MOST && more; i++) {
        more = server_turn_once(server, &wait_ms, &timed);
    }
    (void)uv_timer_stop(&server->timer);
    if (more) {
        (void)uv_idle_start(&server->again, server_on_again);
    } else if (timed) {
        uv_update_time(&server->loop);
        (void)uv_timer_start(&server->timer, server_on_time, wait_ms, 0);
    }
    if (server->stopping && server->keeper->metrics.clients == 0) {
        uv_stop(&server->loop);
    }
}

/* ---- the end ---- */

static void server_on_grace(uv_timer_t *timer)
{
    uv_stop(timer->loop);
}

void freshet_server_stop(struct server *server)
{
    if (server->stopping) {
        uv_stop(&server->loop);
        return;
    }
    server->stopping = true;
    (void)uv_poll_stop(&server->arrival);
    freshet_place_leave(server->place);
    freshet_exchanges_stop(server);
    (void)MHD_run(server->daemon);
    freshet_peers_cut_idle(server);
    (void)uv_timer_start(&server->grace, server_on_grace, SERVER_GRACE_MS, 0);
}

/* ---- open ---- */

static void server_log_nothing(void *context, const char *format, va_list arguments)
{
    (void)context;
    (void)format;
    (void)arguments;
}

static size_t server_unescape(void *context, struct MHD_Connection *connection, char *text)
{
    (void)context;
    (void)connection;
    return freshet_agent_unescape(text);
}

/* As many clients as were asked for, if there are descriptors for them; else as many as there are. */
static unsigned server_clients(unsigned asked)
{
    struct rlimit limit = {0, 0};
    rlim_t needed = (rlim_t)asked + SERVER_SPARE_DESCRIPTORS;
    unsigned possible = 0;

    (void)getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur < needed) {
        limit.rlim_cur = limit.rlim_max < needed ? limit.rlim_max : needed;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
        (void)getrlimit(RLIMIT_NOFILE, &limit);
    }
    if (limit.rlim_cur >= needed) {
        return asked;
    }
    possible = limit.rlim_cur > SERVER_SPARE_DESCRIPTORS
                   ? (unsigned)(limit.rlim_cur - SERVER_SPARE_DESCRIPTORS)
                   : 1;
    (void)fprintf(stderr,
                  "freshet: %llu descriptors are enough for %u clients, not for %u; raise "
                  "the limit (ulimit -n, LimitNOFILE=)\n",
                  (unsigned long long)limit.rlim_cur, possible, asked);
    return possible;
}

static struct MHD_Daemon *server_daemon(struct server *server, unsigned clients)
{
    return MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ERROR_LOG, 0,
        NULL, NULL, freshet_exchange_handle, server, MHD_OPTION_EXTERNAL_LOGGER, server_log_nothing,
        NULL, MHD_OPTION_CONNECTION_LIMIT, clients, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)SERVER_CONNECTION_BYTES, MHD_OPTION_CONNECTION_TIMEOUT, 0U,
        MHD_OPTION_UNESCAPE_CALLBACK, server_unescape, NULL, MHD_OPTION_NOTIFY_CONNECTION,
        freshet_peer_notify, server, MHD_OPTION_NOTIFY_COMPLETED, freshet_exchange_completed,
        server, MHD_OPTION_END);
}

static bool server_handles(struct server *server)
{
    uv_loop_t *loop = &server->loop;
    int daemon_fd = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    int client_fd = freshet_poll_fd(server->keeper->client);

    (void)uv_prepare_init(loop, &server->turn);
    (void)uv_idle_init(loop, &server->again);
    (void)uv_timer_init(loop, &server->timer);
    (void)uv_timer_init(loop, &server->patience);
    (void)uv_timer_init(loop, &server->grace);
    server->turn.data = server->patience.data = server->arrival.data = server;
    return uv_poll_init(loop, &server->arrival, server->place->listener) == 0 &&
           uv_poll_init(loop, &server->daemon_news, daemon_fd) == 0 &&
           uv_poll_init(loop, &server->client_news, client_fd) == 0 &&
           uv_poll_start(&server->arrival, UV_READABLE, server_on_arrival) == 0 &&
           uv_poll_start(&server->daemon_news, UV_READABLE, server_on_news) == 0 &&
           uv_poll_start(&server->client_news, UV_READABLE, server_on_news) == 0 &&
           uv_prepare_start(&server->turn, server_on_turn) == 0;
}

int freshet_server_open(struct server *server, const struct agent_options *options,
                        struct agent_problem *problem)
{
    unsigned clients = server_clients(options->clients_max);

    LIST_INIT(&server->peers);
    LIST_INIT(&server->exchanges);
    server->patience_ms = (uint64_t)options->patience_ms;
    server->keeper->metrics.clients_max = clients;
    server->keeper->tell = freshet_exchanges_news;
    server->keeper->tell_context = server;
    if (uv_loop_init(&server->loop) != 0) {
        return freshet_agent_problem(problem, "cannot start an event loop");
    }
    server->daemon = server_daemon(server, clients);
    if (server->daemon == NULL || !server_handles(server)) {
        freshet_server_close(server);
        return freshet_agent_problem(problem, "cannot start the HTTP server");
    }
    return 0;
}

void freshet_server_run(struct server *server)
{
    (void)uv_run(&server->loop, UV_RUN_DEFAULT);
}

static void server_close_handle(uv_handle_t *handle, void *context)
{
    (void)context;
    if (!uv_is_closing(handle)) {
        uv_close(handle, NULL);
    }
}

/* No request may be suspended when the daemon stops. */
void freshet_server_close(struct server *server)
{
    server->stopping = true;
    if (server->daemon != NULL) {
        freshet_exchanges_stop(server);
        (void)MHD_run(server->daemon);
        MHD_stop_daemon(server->daemon);
    }
    uv_walk(&server->loop, server_close_handle, NULL);
    (void)uv_run(&server->loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&server->loop);
}
