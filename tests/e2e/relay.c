/*
 * The relay of tests/e2e/relay.h: a thread that accepts, and one for each visit.
 */
#include "cmocka_all.h"

#include "relay.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct sockaddr_in relay_address(int port)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

/* ---- one request, one answer ---- */

/* How long the message is that begins here; 0 while its head is not whole. */
static size_t relay_message_length(const char *text)
{
    static const char name[] = "\r\nContent-Length:";
    const char *end = strstr(text, "\r\n\r\n");
    const char *length = strcasestr(text, name);
    size_t head = end != NULL ? (size_t)(end - text) + 4 : 0;

    if (head == 0 || length == NULL || length > end) {
        return head;
    }
    return head + strtoul(length + sizeof(name) - 1, NULL, 10);
}

/* A whole request, or whatever comes until the other side ends; NULL if nothing came. */
static char *relay_read(int descriptor, bool request)
{
    char *text = calloc(1, RELAY_TEXT_MAX);
    size_t length = 0;
    ssize_t got = 1;

    while (text != NULL && got > 0 && length < RELAY_TEXT_MAX - 1) {
        got = recv(descriptor, text + length, RELAY_TEXT_MAX - 1 - length, 0);
        length += got > 0 ? (size_t)got : 0;
        if (request && length > 0 && relay_message_length(text) > 0 &&
            length >= relay_message_length(text)) {
            return text;
        }
    }
    if (request || length == 0) {
        free(text);
        return NULL;
    }
    return text;
}

static bool relay_send(int descriptor, const char *text, size_t length)
{
    ssize_t sent = 0;

    for (; length > 0; text += sent, length -= (size_t)sent) {
        sent = send(descriptor, text, length, MSG_NOSIGNAL);
        if (sent <= 0) {
            return false;
        }
    }
    return true;
}

/* The issuer's answer to a request; NULL if it gave none. */
static char *relay_forward(const struct relay *relay, const char *request)
{
    static const char close_after[] = "\r\nConnection: close";
    struct sockaddr_in address = relay_address(relay->upstream_port);
    size_t line = strcspn(request, "\r");
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char *answer = NULL;

    if (connect(descriptor, (const struct sockaddr *)(const void *)&address, sizeof(address)) ==
            0 &&
        relay_send(descriptor, request, line) &&
        relay_send(descriptor, close_after, sizeof(close_after) - 1) &&
        relay_send(descriptor, request + line, strlen(request + line))) {
        answer = relay_read(descriptor, false);
    }
    close(descriptor);
    return answer;
}

/* ---- visits ---- */

static void visit_note(struct visit *visit, char *request)
{
    pthread_mutex_lock(&visit->relay->lock);
    visit->request = request;
    pthread_cond_broadcast(&visit->relay->changed);
    pthread_mutex_unlock(&visit->relay->lock);
}

static bool relay_holds(const struct relay *relay, const char *request)
{
    return relay->hold[0] != '\0' && strstr(request, relay->hold) != NULL;
}

static void visit_wait(const struct visit *visit)
{
    struct relay *relay = visit->relay;

    pthread_mutex_lock(&relay->lock);
    if (relay_holds(relay, visit->request)) {
        relay->holding++;
        pthread_cond_broadcast(&relay->changed);
        while (relay_holds(relay, visit->request)) {
            pthread_cond_wait(&relay->changed, &relay->lock);
        }
        relay->holding--;
    }
    pthread_mutex_unlock(&relay->lock);
}

static void *visit_run(void *argument)
{
    struct visit *visit = argument;
    char *request = relay_read(visit->descriptor, true);
    char *answer = NULL;

    if (request != NULL) {
        visit_note(visit, request);
        answer = relay_forward(visit->relay, request);
        visit_wait(visit);
    }
    if (answer != NULL) {
        (void)relay_send(visit->descriptor, answer, strlen(answer));
    }
    free(answer);
    close(visit->descriptor);
    return NULL;
}

static void *relay_run(void *argument)
{
    struct relay *relay = argument;
    int descriptor = -1;

    while (relay->visit_count < RELAY_VISITS_MOST &&
           (descriptor = accept4(relay->listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
        struct visit *visit = &relay->visits[relay->visit_count];

        visit->relay = relay;
        visit->descriptor = descriptor;
        if (pthread_create(&visit->thread, NULL, visit_run, visit) != 0) {
            close(descriptor);
            break;
        }
        pthread_mutex_lock(&relay->lock);
        relay->visit_count++;
        pthread_cond_broadcast(&relay->changed);
        pthread_mutex_unlock(&relay->lock);
    }
    return NULL;
}

void freshet_relay_open(struct relay *relay, int upstream_port)
{
    struct sockaddr_in address = relay_address(0);
    socklen_t size = sizeof(address);
    struct sockaddr *generic = (struct sockaddr *)(void *)&address;

    *relay = (struct relay){.upstream_port = upstream_port,
                            .lock = PTHREAD_MUTEX_INITIALIZER,
                            .changed = PTHREAD_COND_INITIALIZER};
    relay->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(relay->listener, generic, size), 0);
    assert_int_equal(listen(relay->listener, 64), 0);
    assert_int_equal(getsockname(relay->listener, generic, &size), 0);
    snprintf(relay->url, sizeof(relay->url), "http://127.0.0.1:%d", ntohs(address.sin_port));
    assert_int_equal(pthread_create(&relay->thread, NULL, relay_run, relay), 0);
}

void freshet_relay_close(struct relay *relay)
{
    if (relay->upstream_port == 0) {
        return;
    }
    freshet_relay_release(relay);
    shutdown(relay->listener, SHUT_RDWR);
    assert_int_equal(pthread_join(relay->thread, NULL), 0);
    close(relay->listener);
    for (size_t i = 0; i < relay->visit_count; i++) {
        assert_int_equal(pthread_join(relay->visits[i].thread, NULL), 0);
        free(relay->visits[i].request);
    }
    assert_true(relay->visit_count < RELAY_VISITS_MOST);
    relay->upstream_port = 0;
}

/* ---- what a test asks ---- */

void freshet_relay_hold(struct relay *relay, const char *text)
{
    pthread_mutex_lock(&relay->lock);
    snprintf(relay->hold, sizeof(relay->hold), "%s", text);
    pthread_cond_broadcast(&relay->changed);
    pthread_mutex_unlock(&relay->lock);
}

void freshet_relay_release(struct relay *relay)
{
    freshet_relay_hold(relay, "");
}

void freshet_relay_await_held(struct relay *relay, int count)
{
    pthread_mutex_lock(&relay->lock);
    while (relay->holding != count) {
        pthread_cond_wait(&relay->changed, &relay->lock);
    }
    pthread_mutex_unlock(&relay->lock);
}

static size_t relay_count(const struct relay *relay, const char *text)
{
    size_t count = 0;

    for (size_t i = 0; i < relay->visit_count; i++) {
        const char *request = relay->visits[i].request;

        count += request != NULL && strstr(request, text) != NULL ? 1 : 0;
    }
    return count;
}

size_t freshet_relay_count(struct relay *relay, const char *text)
{
    size_t count = 0;

    pthread_mutex_lock(&relay->lock);
    count = relay_count(relay, text);
    pthread_mutex_unlock(&relay->lock);
    return count;
}

void freshet_relay_await(struct relay *relay, const char *text, size_t count)
{
    pthread_mutex_lock(&relay->lock);
    while (relay_count(relay, text) < count) {
        pthread_cond_wait(&relay->changed, &relay->lock);
    }
    pthread_mutex_unlock(&relay->lock);
}
