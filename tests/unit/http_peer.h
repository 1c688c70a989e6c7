/*
 * The other end of a connection, for tests of the transport: a server on loopback, on the loop of
 * the test, that hands every whole request to the test and says what it is told to say.
 */
#ifndef FRESHET_TESTS_HTTP_PEER_H
#define FRESHET_TESTS_HTTP_PEER_H

#include <stddef.h>
#include <uv.h>

#define PEER_REQUEST_MAX 4096

struct peer;

/* One connection. */
struct visit {
    struct visit *next;
    struct peer *peer;
    uv_tcp_t tcp;
    char request[PEER_REQUEST_MAX + 1];
    size_t length;
};

/* Called once for every request, head and body in `visit->request`. */
typedef void peer_callback(struct visit *visit);

struct peer {
    uv_tcp_t listener;
    int port;
    int connections;
    int requests;
    int left; /* connections that the other side has ended */
    size_t written;
    struct visit *visits;
    peer_callback *answer;
    peer_callback *drained; /* what was said has been sent; NULL: does not matter */
    peer_callback *gone;    /* the other side has left; NULL: does not matter */
    void *context;
};

/* 0, or a negative libuv error. */
int freshet_peer_open(struct peer *peer, uv_loop_t *loop, peer_callback *answer, void *context);

void freshet_peer_say(struct visit *visit, const char *text, size_t length);
void freshet_peer_hang_up(struct visit *visit);

/* Ends every connection; the loop must run until they are closed. */
void freshet_peer_close(struct peer *peer);

#endif
