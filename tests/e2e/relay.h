/*
 * A relay between the library and the development issuer, on loopback: it writes down every request
 * as it came, and can hold answers back that the issuer has given already.
 *
 * It changes nothing but that each connection carries one request. Its own threads judge nothing.
 */
#ifndef FRESHET_TESTS_RELAY_H
#define FRESHET_TESTS_RELAY_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#define RELAY_VISITS_MOST 256
#define RELAY_TEXT_MAX    65536

struct relay;

struct visit {
    struct relay *relay;
    pthread_t thread;
    int descriptor;
    char *request; /* NUL-terminated, head and body; NULL until it is whole */
};

struct relay {
    char url[64];
    int upstream_port;
    int listener;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    char hold[128]; /* answers to requests that hold this text wait; "": none */
    int holding;    /* how many wait */
    size_t visit_count;
    struct visit visits[RELAY_VISITS_MOST];
};

void freshet_relay_open(struct relay *relay, int upstream_port);

/* Nobody listens at its address from now on. It waits for the answers that the issuer owes; one that
 * is not open is left alone. */
void freshet_relay_close(struct relay *relay);

/* From now on the answers to requests that hold this text stay here, until they are released. */
void freshet_relay_hold(struct relay *relay, const char *text);
void freshet_relay_await_held(struct relay *relay, int count);
void freshet_relay_release(struct relay *relay);

/* How many requests so far hold a text; waiting until there are so many. */
size_t freshet_relay_count(struct relay *relay, const char *text);
void freshet_relay_await(struct relay *relay, const char *text, size_t count);

#endif
