/*
 * The issuer's sockets: libmicrohttpd on a libuv loop, one thread. What is in this header is shared
 * by server.c (the daemon and its turns) and exchange.c (one request from first byte to last).
 */
#ifndef FRESHET_ISSUER_SERVER_H
#define FRESHET_ISSUER_SERVER_H

#include "issuer/issuer.h"

#include <microhttpd.h>
#include <sys/queue.h>
#include <uv.h>

/* An accepted connection; it is cut when its deadline passes. */
struct peer {
    LIST_ENTRY(peer) entry;
    int descriptor;
    int64_t deadline_us; /* 0: none */
};

struct exchange;

struct server {
    struct issuer *issuer;
    struct MHD_Daemon *daemon;
    int listener;
    uv_loop_t loop;
    uv_poll_t readiness; /* the daemon's epoll set */
    uv_timer_t timer;    /* when the daemon wants its next turn */
    uv_idle_t again;     /* the daemon wants it at once */
    uv_timer_t sweep;    /* looks for peers past their deadline */
    uv_signal_t interrupt;
    uv_signal_t terminate;
    LIST_HEAD(peer_list, peer) peers;
    LIST_HEAD(exchange_list, exchange) waiting; /* suspended exchanges */
    uint64_t closed;                            /* connections closed so far */
};

/* Binds and listens, so that the issuer learns its URL. */
int freshet_server_open(struct server *server, struct issuer *issuer, struct problem *problem);

/* Serves until SIGTERM or SIGINT. */
void freshet_server_run(struct server *server);
void freshet_server_close(struct server *server);

/* Asks for a turn of the daemon; for use in callbacks of the loop. */
void freshet_server_again(struct server *server);

/* libmicrohttpd's callbacks for a request; `context` is the server. */
enum MHD_Result freshet_exchange_handle(void *context, struct MHD_Connection *connection,
                                        const char *url, const char *method, const char *version,
                                        const char *upload, size_t *upload_bytes, void **state);
void freshet_exchange_completed(void *context, struct MHD_Connection *connection, void **state,
                                enum MHD_RequestTerminationCode code);

/* Lets every suspended exchange go, unanswered: a daemon with one cannot be stopped. */
void freshet_exchanges_abandon(struct server *server);

#endif
