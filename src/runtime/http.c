/*
 * The transport of runtime/http.h: libcurl says which sockets and what time it waits for, the loop
 * waits, and finished transfers are told only after libcurl has returned.
 */
#include "runtime/http.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/alarm.h"
#include "runtime/clock.h"
#include "runtime/curl_api.h"
#include "runtime/transfer.h"

#define HTTP_REASON_MAX 256

struct http {
    uv_loop_t *loop;
    char *user_agent;
    char *ca_file;
    char *proxy;
    bool proxied;
    char reason[HTTP_REASON_MAX];
    struct curl_api api;
    CURLM *multi; /* NULL until the first request */
    struct alarm alarm;
    int handles; /* of the loop, not yet closed */
    bool closing;
    struct watch *watches;
    struct transfer *transfers;
};

/* A socket that libcurl has asked the loop to watch. */
struct watch {
    struct watch *next;
    uv_poll_t poll;
    struct http *http;
    curl_socket_t socket;
    int events; /* that libcurl waits for */
};

static void http_collect(struct http *http);

/* ---- sockets and time ---- */

static void http_free(struct http *http)
{
    free(http->user_agent);
    free(http->ca_file);
    free(http->proxy);
    free(http);
}

static void http_handle_closed(void *context)
{
    struct http *http = context;

    http->handles--;
    if (http->closing && http->handles == 0) {
        http_free(http);
    }
}

static void http_watch_closed(uv_handle_t *handle)
{
    struct watch *watch = handle->data;
    struct http *http = watch->http;

    free(watch);
    http_handle_closed(http);
}

static void http_act(struct http *http, curl_socket_t socket, int events)
{
    int running = 0;

    http->api.multi_socket_action(http->multi, socket, events, &running);
    http_collect(http);
}

/*
 * An error may come behind an answer that is still to be read, so libcurl is told to read as well:
 * the error alone would end the transfer. The loop stops watching a socket with an error, libcurl
 * may still wait for it.
 */
static void http_socket_ready(uv_poll_t *poll, int status, int events)
{
    struct watch *watch = poll->data;
    int what = 0;

    if (status != 0) {
        what = CURL_CSELECT_ERR | CURL_CSELECT_IN;
        uv_poll_start(poll, watch->events, http_socket_ready);
    }
    what |= (events & UV_READABLE) != 0 ? CURL_CSELECT_IN : 0;
    what |= (events & UV_WRITABLE) != 0 ? CURL_CSELECT_OUT : 0;
    http_act(watch->http, watch->socket, what);
}

static void http_unwatch(struct http *http, struct watch *watch)
{
    struct watch **link = &http->watches;

    while (*link != watch) {
        link = &(*link)->next;
    }
    *link = watch->next;
    http->api.multi_assign(http->multi, watch->socket, NULL);
    uv_poll_stop(&watch->poll);
    uv_close((uv_handle_t *)&watch->poll, http_watch_closed);
}

static struct watch *http_watch(struct http *http, curl_socket_t socket)
{
    struct watch *watch = calloc(1, sizeof(*watch));

    if (watch == NULL || uv_poll_init_socket(http->loop, &watch->poll, socket) != 0) {
        free(watch);
        return NULL;
    }
    http->handles++;
    watch->http = http;
    watch->socket = socket;
    watch->poll.data = watch;
    watch->next = http->watches;
    http->watches = watch;
    http->api.multi_assign(http->multi, socket, watch);
    return watch;
}

/* libcurl says "remove" before it closes a descriptor; a watch that outlived it would see the
 * events of a stranger. */
static int http_close_socket(void *context, curl_socket_t socket)
{
    struct http *http = context;
    struct watch *watch = http->watches;

    while (watch != NULL && watch->socket != socket) {
        watch = watch->next;
    }
    assert(watch == NULL);
    if (watch != NULL) {
        http_unwatch(http, watch);
    }
    return close(socket);
}

static int http_socket_wanted(CURL *easy, curl_socket_t socket, int what, void *context,
                              void *assigned)
{
    struct http *http = context;
    struct watch *watch = assigned;

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (watch != NULL) {
            http_unwatch(http, watch);
        }
        return 0;
    }
    if (watch == NULL) {
        watch = http_watch(http, socket);
    }
    if (watch == NULL) {
        return -1;
    }
    watch->events = what != CURL_POLL_OUT ? UV_READABLE : 0;
    watch->events |= what != CURL_POLL_IN ? UV_WRITABLE : 0;
    return uv_poll_start(&watch->poll, watch->events, http_socket_ready);
}

static void http_alarm_rang(void *context)
{
    http_act(context, CURL_SOCKET_TIMEOUT, 0);
}

/* May be called from inside libcurl: only the alarm is touched. It rings from the poll, once a
 * turn, so that a delay of 0 starves nobody. */
static int http_timer_wanted(CURLM *multi, long timeout_ms, void *context)
{
    struct http *http = context;

    (void)multi;
    freshet_alarm_set(&http->alarm, timeout_ms >= 0 ? freshet_clock_sample().boot_ms + timeout_ms
                                                    : FRESHET_NEVER);
    return 0;
}

/* ---- transfers ---- */

static void http_unlink(struct http *http, const struct transfer *transfer)
{
    struct transfer **link = &http->transfers;

    while (*link != NULL && *link != transfer) {
        link = &(*link)->next;
    }
    if (*link != NULL) {
        *link = transfer->next;
    }
}

static void http_drop(struct http *http, struct transfer *transfer)
{
    http_unlink(http, transfer);
    http->api.multi_remove_handle(http->multi, transfer->easy);
    freshet_transfer_free(transfer, &http->api);
}

/* A transfer has ended: its answer goes out, then it goes away. */
static void http_finish(struct http *http, struct transfer *transfer, CURLcode result)
{
    struct http_response response = freshet_transfer_response(transfer, &http->api, result);
    bool direct = transfer->loopback || !http->proxied;
    char address[64] = "";
    char *primary = NULL;

    if (response.status != 0 && direct &&
        http->api.easy_getinfo(transfer->easy, CURLINFO_PRIMARY_IP, &primary) == CURLE_OK &&
        primary != NULL) {
        snprintf(address, sizeof(address), "%s", primary);
    }
    http_unlink(http, transfer);
    http->api.multi_remove_handle(http->multi, transfer->easy);
    transfer->callback(transfer->context, transfer->id, &response, address, freshet_clock_sample());
    freshet_transfer_free(transfer, &http->api);
}

static void http_collect(struct http *http)
{
    CURLMsg *message = NULL;
    int left = 0;

    while (!http->closing && (message = http->api.multi_info_read(http->multi, &left)) != NULL) {
        struct transfer *transfer = NULL;
        CURLcode result = message->data.result;

        if (message->msg == CURLMSG_DONE) {
            http->api.easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&transfer);
            http_finish(http, transfer, result);
        }
    }
}

/* The first request finds libcurl; one that failed to is followed by another try. */
static bool http_ready(struct http *http)
{
    if (http->multi != NULL) {
        return true;
    }
    if (!freshet_curl_load(&http->api, http->reason, sizeof(http->reason))) {
        return false;
    }
    http->multi = http->api.multi_init();
    if (http->multi == NULL) {
        snprintf(http->reason, sizeof(http->reason), "no memory for libcurl's connections");
        return false;
    }
    http->api.multi_setopt(http->multi, CURLMOPT_SOCKETFUNCTION, http_socket_wanted);
    http->api.multi_setopt(http->multi, CURLMOPT_SOCKETDATA, http);
    http->api.multi_setopt(http->multi, CURLMOPT_TIMERFUNCTION, http_timer_wanted);
    http->api.multi_setopt(http->multi, CURLMOPT_TIMERDATA, http);
    http->api.multi_setopt(http->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
    return true;
}

static bool http_add(struct http *http, struct transfer *transfer)
{
    const struct http_options options = {
        .user_agent = http->user_agent, .ca_file = http->ca_file, .proxy = http->proxy};

    return freshet_transfer_prepare(transfer, &http->api, &options) &&
           http->api.easy_setopt(transfer->easy, CURLOPT_CLOSESOCKETFUNCTION, http_close_socket) ==
               CURLE_OK &&
           http->api.easy_setopt(transfer->easy, CURLOPT_CLOSESOCKETDATA, http) == CURLE_OK &&
           http->api.multi_add_handle(http->multi, transfer->easy) == CURLM_OK;
}

bool freshet_http_send(struct http *http, struct http_request *request, request_id id,
                       bool loopback, http_callback *callback, void *context)
{
    struct transfer *transfer = NULL;

    if (http->closing || !http_ready(http)) {
        return false;
    }
    transfer = calloc(1, sizeof(*transfer));
    if (transfer != NULL) {
        *transfer = (struct transfer){.id = id,
                                      .request = *request,
                                      .callback = callback,
                                      .context = context,
                                      .loopback = loopback};
    }
    if (transfer == NULL || !http_add(http, transfer)) {
        snprintf(http->reason, sizeof(http->reason),
                 "libcurl does not take the request; are its address and the CA file right?");
        if (transfer != NULL) {
            transfer->request = (struct http_request){0};
            freshet_transfer_free(transfer, &http->api);
        }
        return false;
    }
    http->reason[0] = '\0';
    *request = (struct http_request){0};
    transfer->next = http->transfers;
    http->transfers = transfer;
    return true;
}

const char *freshet_http_reason(const struct http *http)
{
    return http->reason;
}

void freshet_http_abandon(struct http *http, request_id id)
{
    struct transfer *transfer = http->transfers;

    while (transfer != NULL && transfer->id != id) {
        transfer = transfer->next;
    }
    if (transfer != NULL) {
        http_drop(http, transfer);
    }
}

static struct transfer *http_doomed(const struct http *http)
{
    struct transfer *transfer = http->transfers;

    while (transfer != NULL && !transfer->doomed) {
        transfer = transfer->next;
    }
    return transfer;
}

/* Callbacks may send and abandon: those who were under way at the start are marked first. */
void freshet_http_fail_all(struct http *http)
{
    struct transfer *transfer = NULL;

    for (transfer = http->transfers; transfer != NULL; transfer = transfer->next) {
        transfer->doomed = !transfer->loopback && !http->proxied;
    }
    while ((transfer = http_doomed(http)) != NULL) {
        http_finish(http, transfer, CURLE_COULDNT_CONNECT);
    }
}

/* ---- life ---- */

static bool http_copy(char **copy, const char *text)
{
    *copy = text != NULL ? strdup(text) : NULL;
    return text == NULL || *copy != NULL;
}

/* The variables that libcurl looks at for https. */
static bool http_environment_has_proxy(void)
{
    static const char *const names[] = {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"};
    bool found = false;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *value = getenv(names[i]);

        found = found || (value != NULL && value[0] != '\0');
    }
    return found;
}

struct http *freshet_http_new(uv_loop_t *loop, const struct http_options *options)
{
    struct http *http = calloc(1, sizeof(*http));

    if (http == NULL) {
        return NULL;
    }
    http->loop = loop;
    http->proxied =
        options->proxy != NULL ? options->proxy[0] != '\0' : http_environment_has_proxy();
    http->handles = 1;
    if (!http_copy(&http->user_agent, options->user_agent) ||
        !http_copy(&http->ca_file, options->ca_file) || !http_copy(&http->proxy, options->proxy) ||
        freshet_alarm_init(&http->alarm, loop, http_alarm_rang, http) != 0) {
        freshet_http_close(http);
        return NULL;
    }
    return http;
}

bool freshet_http_proxied(const struct http *http)
{
    return http->proxied;
}

void freshet_http_close(struct http *http)
{
    if (http == NULL) {
        return;
    }
    while (http->transfers != NULL) {
        http_drop(http, http->transfers);
    }
    if (http->multi != NULL) {
        http->api.multi_cleanup(http->multi);
    }
    http->closing = true;
    if (http->alarm.open) {
        freshet_alarm_close_then(&http->alarm, http_handle_closed);
    } else {
        http_handle_closed(http);
    }
}
