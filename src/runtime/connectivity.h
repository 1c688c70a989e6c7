/*
 * Is there a way to the issuers at all? Loop thread only.
 *
 * "Offline" is said only when the kernel has no route to any address where an issuer was reached
 * lately (a UDP connect, which sends nothing) nor to the world by a family that none was reached by
 * or, before an address is known, when no interface but loopback is up with an address. Everything
 * else counts as online. Netlink only says when to ask again.
 */
#ifndef FRESHET_RUNTIME_CONNECTIVITY_H
#define FRESHET_RUNTIME_CONNECTIVITY_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#define CONNECTIVITY_ADDRESSES   8
#define CONNECTIVITY_ADDRESS_MAX 64

enum connectivity_state { CONNECTIVITY_UNKNOWN, CONNECTIVITY_ONLINE, CONNECTIVITY_OFFLINE };

typedef void connectivity_callback(void *context, enum connectivity_state state);

struct connectivity {
    uv_poll_t poll;
    int descriptor;
    bool open;
    enum connectivity_state state;
    char addresses[CONNECTIVITY_ADDRESSES][CONNECTIVITY_ADDRESS_MAX]; /* of issuers, "": none */
    size_t next;                                                      /* to be replaced */
    connectivity_callback *callback;
    void *context;
};

/* 0, or a negative libuv error. The state is known afterwards, and not told until it changes. */
int freshet_connectivity_init(struct connectivity *connectivity, uv_loop_t *loop,
                              connectivity_callback *callback, void *context);

/* An issuer has been reached at this numeric address. */
void freshet_connectivity_reached(struct connectivity *connectivity, const char *address);

/* Asks now, and tells the callback if the answer has changed. */
void freshet_connectivity_look(struct connectivity *connectivity);

void freshet_connectivity_close(struct connectivity *connectivity);

#endif
