/*
 * Connections: who may have one, how many there are, how long each may keep us waiting. We accept
 * for libmicrohttpd, so that a stranger is gone before a byte of his is read, and so that a full
 * house leaves the next ones in the kernel's queue.
 */
#include "agent/server.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    PEER_BETWEEN_MS = 75000, /* between two requests */
    PEER_READING_MS = 30000, /* for reading an answer, or one part of the events */
    PEER_BATCH = 64,
    PEER_CROWD = 64 /* fewer leave too little memory behind to care */
};

/* ---- deadlines ---- */

static void peers_watch(struct server *server, uint64_t deadline_ms)
{
    uint64_t now_ms = uv_now(&server->loop);

    if (!uv_is_active((uv_handle_t *)&server->patience) ||
        uv_timer_get_due_in(&server->patience) + now_ms > deadline_ms) {
        (void)uv_timer_start(&server->patience, freshet_peers_on_patience,
                             deadline_ms > now_ms ? deadline_ms - now_ms : 1, 0);
    }
}

void freshet_peer_phase(struct server *server, struct peer *peer, enum peer_phase phase)
{
    const uint64_t spans_ms[] = {[PEER_ASKING] = server->patience_ms,
                                 [PEER_WAITING] = 0,
                                 [PEER_READING] = PEER_READING_MS,
                                 [PEER_BETWEEN] = PEER_BETWEEN_MS};

    if (peer == NULL) {
        return;
    }
    peer->phase = phase;
    peer->deadline_ms = 0;
    if (spans_ms[phase] > 0) {
        uv_update_time(&server->loop);
        peer->deadline_ms = uv_now(&server->loop) + spans_ms[phase];
        peers_watch(server, peer->deadline_ms);
    }
}

/* The daemon sees the end of the stream, and closes. */
static void peer_cut(struct server *server, struct peer *peer)
{
    uint64_t *dropped = server->keeper->metrics.dropped;

    (void)shutdown(peer->descriptor, SHUT_RDWR);
    dropped[DROP_SILENT] += peer->phase == PEER_ASKING ? 1 : 0;
    dropped[DROP_SLOW] += peer->phase == PEER_READING ? 1 : 0;
    peer->phase = PEER_BETWEEN;
    peer->deadline_ms = 0;
}

void freshet_peers_on_patience(uv_timer_t *timer)
{
    struct server *server = timer->data;
    uint64_t now_ms = uv_now(&server->loop);
    uint64_t next_ms = 0;
    struct peer *peer = NULL;

    LIST_FOREACH(peer, &server->peers, entry)
    {
        if (peer->deadline_ms == 0) {
            continue;
        }
        if (peer->deadline_ms <= now_ms) {
            peer_cut(server, peer);
        } else if (next_ms == 0 || peer->deadline_ms < next_ms) {
            next_ms = peer->deadline_ms;
        }
    }
    if (next_ms != 0) {
        peers_watch(server, next_ms);
    }
}

void freshet_peers_cut_idle(struct server *server)
{
    struct peer *peer = NULL;

    LIST_FOREACH(peer, &server->peers, entry)
    {
        if (peer->phase == PEER_ASKING || peer->phase == PEER_BETWEEN) {
            peer->phase = PEER_BETWEEN;
            peer_cut(server, peer);
        }
    }
}

/* ---- coming and going ---- */

/* What a crowd used goes back to the system each time that it has halved. */
static void peers_ebb(struct server *server)
{
    uint64_t clients = server->keeper->metrics.clients;

    if (server->crest >= PEER_CROWD && clients <= server->crest / 2) {
        (void)malloc_trim(0);
        server->crest = clients;
    }
}

static void peer_begin(struct server *server, struct MHD_Connection *connection, void **state)
{
    struct metrics *metrics = &server->keeper->metrics;
    struct peer *peer = calloc(1, sizeof(*peer));

    *state = peer;
    metrics->clients++;
    server->crest = metrics->clients > server->crest ? metrics->clients : server->crest;
    if (peer != NULL) {
        peer->descriptor =
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
        LIST_INSERT_HEAD(&server->peers, peer, entry);
        freshet_peer_phase(server, peer, PEER_ASKING);
    }
}

void freshet_peer_notify(void *context, struct MHD_Connection *connection, void **state,
                         enum MHD_ConnectionNotificationCode code)
{
    struct server *server = context;
    struct peer *peer = *state;

    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        peer_begin(server, connection, state);
        return;
    }
    server->closed++;
    server->keeper->metrics.clients--;
    if (peer != NULL) {
        LIST_REMOVE(peer, entry);
        free(peer);
        *state = NULL;
    }
    peers_ebb(server);
    if (LIST_EMPTY(&server->peers)) {
        (void)uv_timer_stop(&server->patience);
    }
    if (server->full && !server->stopping) {
        server->full = false;
        (void)uv_poll_start(&server->arrival, UV_READABLE, server->arrival.poll_cb);
    }
}

struct peer *freshet_peer_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

    return info != NULL ? info->socket_context : NULL;
}

static bool peer_is_ours(int descriptor)
{
    struct ucred peer = {0};
    socklen_t size = sizeof(peer);

    return getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
           size == sizeof(peer) && peer.uid == geteuid();
}

/* Waiting for somebody to go; with nobody there, nothing would wake us: then it is tried again. */
static void peers_full(struct server *server)
{
    server->full = !LIST_EMPTY(&server->peers);
    if (server->full) {
        (void)uv_poll_stop(&server->arrival);
    }
}

void freshet_peers_accept(struct server *server)
{
    const struct sockaddr address = {.sa_family = AF_UNIX};
    struct metrics *metrics = &server->keeper->metrics;
    uint64_t room = metrics->clients_max - metrics->clients;
    int descriptor = -1;

    if (metrics->clients >= metrics->clients_max) {
        peers_full(server);
        return;
    }
    for (uint64_t i = 0; i < room && i < PEER_BATCH; i++) {
        descriptor = accept4(server->place->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (descriptor < 0 && (errno == EMFILE || errno == ENFILE)) {
            peers_full(server);
        }
        if (descriptor < 0) {
            return;
        }
        if (!peer_is_ours(descriptor)) {
            metrics->dropped[DROP_OTHER_USER]++;
            (void)close(descriptor);
        } else {
            (void)MHD_add_connection(server->daemon, descriptor, &address, sizeof(address));
        }
    }
}
