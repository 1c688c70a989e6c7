/*
 * The agent's sockets: libmicrohttpd and the library's client on one libuv loop, one thread. What is
 * here is shared by server.c (the loop, its turns and its end), peer.c (connections) and exchange.c
 * (one request from first byte to last). Signals belong to whoever runs it: agent.c and run.c add
 * handles of their own to the loop. Private to agent/.
 */
#ifndef FRESHET_AGENT_SERVER_H
#define FRESHET_AGENT_SERVER_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <uv.h>

#include "agent/keeper.h"
#include "agent/place.h"

/* What a connection is waited for; its deadline depends on it. */
enum peer_phase { PEER_ASKING, PEER_WAITING, PEER_READING, PEER_BETWEEN };

struct peer {
    LIST_ENTRY(peer) entry;
    int descriptor;
    enum peer_phase phase;
    uint64_t deadline_ms; /* of our loop; 0: none */
};

struct exchange;

struct server {
    struct keeper *keeper;
    struct place *place;
    struct MHD_Daemon *daemon;
    uint64_t patience_ms;
    uv_loop_t loop;
    uv_prepare_t turn;     /* before every sleep */
    uv_poll_t arrival;     /* the listener */
    uv_poll_t daemon_news; /* the daemon's epoll set */
    uv_poll_t client_news; /* the library's */
    uv_idle_t again;       /* no sleep: there is more to do */
    uv_timer_t timer;      /* when the daemon wants its next turn */
    uv_timer_t patience;   /* the nearest deadline of a peer */
    uv_timer_t grace;      /* for what is under way at the end */
    LIST_HEAD(peer_list, peer) peers;
    LIST_HEAD(exchange_list, exchange) exchanges;
    uint64_t closed; /* connections, so far */
    uint64_t crest;  /* most of them at once since memory was given back */
    bool resumed;    /* a request was: the daemon must look at it */
    bool full;       /* nobody is accepted until somebody goes */
    bool stopping;
};

/* ---- server.c ---- */

int freshet_server_open(struct server *server, const struct agent_options *options,
                        struct agent_problem *problem);
void freshet_server_run(struct server *server);

/* New clients go elsewhere from now on; those we have get their answers, within a grace; then
 * freshet_server_run() returns. A second call ends it at once. */
void freshet_server_stop(struct server *server);
void freshet_server_close(struct server *server);

/* ---- peer.c ---- */

/* libmicrohttpd's callback for connections; `context` is the server. */
void freshet_peer_notify(void *context, struct MHD_Connection *connection, void **state,
                         enum MHD_ConnectionNotificationCode code);

/* The peer of a connection; NULL if there was no memory for it. */
struct peer *freshet_peer_of(struct MHD_Connection *connection);

/* From now on the peer is waited for in this way, and not for ever. */
void freshet_peer_phase(struct server *server, struct peer *peer, enum peer_phase phase);

/* Accepts who waits, up to the bound. */
void freshet_peers_accept(struct server *server);

/* Cuts every connection that has no request under way. */
void freshet_peers_cut_idle(struct server *server);

void freshet_peers_on_patience(uv_timer_t *timer);

/* ---- exchange.c ---- */

/* libmicrohttpd's callbacks for a request; `context` is the server. */
enum MHD_Result freshet_exchange_handle(void *context, struct MHD_Connection *connection,
                                        const char *url, const char *method, const char *version,
                                        const char *upload, size_t *upload_bytes, void **state);
void freshet_exchange_completed(void *context, struct MHD_Connection *connection, void **state,
                                enum MHD_RequestTerminationCode code);

/* There are events: their readers go on, and those too far behind are dropped. */
void freshet_exchanges_news(void *context);

/* The agent stops: whoever waits is told so. */
void freshet_exchanges_stop(struct server *server);

#endif
