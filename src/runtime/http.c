/*
 * The transport of runtime/http.h: libcurl says which sockets and what time it waits for, the loop
 * waits, and finished transfers are told only after libcurl has returned.
 */
#include "runtime/http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/clock.h"
#include "runtime/curl_api.h"
#include "runtime/transfer.h"

struct http {
    uv_loop_t *loop;
    char *user_agent;
    char *ca_file;
    struct curl_api api;
    CURLM *multi; /* NULL until the first request */
    uv_timer_t timer;
    int handles; /* of the loop, not yet closed */
    bool closing;
    struct transfer *transfers;
};

/* A socket that libcurl has asked the loop to watch. */
struct watch {
    uv_poll_t poll;
    struct http *http;
    curl_socket_t socket;
};

static void http_collect(struct http *http);

/* ---- sockets and time ---- */

static void http_handle_closed(struct http *http)
{
    http->handles--;
    if (http->closing && http->handles == 0) {
        free(http->user_agent);
        free(http->ca_file);
        free(http);
    }
}

static void http_watch_closed(uv_handle_t *handle)
{
    struct watch *watch = handle->data;
    struct http *http = watch->http;

    free(watch);
    http_handle_closed(http);
}

static void http_timer_closed(uv_handle_t *handle)
{
    http_handle_closed(handle->data);
}

static void http_act(struct http *http, curl_socket_t socket, int events)
{
    int running = 0;

    http->api.multi_socket_action(http->multi, socket, events, &running);
    http_collect(http);
}

static void http_socket_ready(uv_poll_t *poll, int status, int events)
{
    struct watch *watch = poll->data;
    int what = 0;

    if (status != 0) {
        what = CURL_CSELECT_ERR;
    }
    what |= (events & UV_READABLE) != 0 ? CURL_CSELECT_IN : 0;
    what |= (events & UV_WRITABLE) != 0 ? CURL_CSELECT_OUT : 0;
    http_act(watch->http, watch->socket, what);
}

static void http_unwatch(struct http *http, struct watch *watch, curl_socket_t socket)
{
    if (watch != NULL) {
        uv_poll_stop(&watch->poll);
        uv_close((uv_handle_t *)&watch->poll, http_watch_closed);
        http->api.multi_assign(http->multi, socket, NULL);
    }
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
    http->api.multi_assign(http->multi, socket, watch);
    return watch;
}

static int http_socket_wanted(CURL *easy, curl_socket_t socket, int what, void *context,
                              void *assigned)
{
    struct http *http = context;
    struct watch *watch = assigned;
    int events = 0;

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        http_unwatch(http, watch, socket);
        return 0;
    }
    if (watch == NULL) {
        watch = http_watch(http, socket);
    }
    if (watch == NULL) {
        return -1;
    }
    events |= what != CURL_POLL_OUT ? UV_READABLE : 0;
    events |= what != CURL_POLL_IN ? UV_WRITABLE : 0;
    return uv_poll_start(&watch->poll, events, http_socket_ready);
}

static void http_timer_rang(uv_timer_t *timer)
{
    http_act(timer->data, CURL_SOCKET_TIMEOUT, 0);
}

/* May be called from inside libcurl: only the timer is touched. */
static int http_timer_wanted(CURLM *multi, long timeout_ms, void *context)
{
    struct http *http = context;

    (void)multi;
    if (timeout_ms < 0) {
        uv_timer_stop(&http->timer);
        return 0;
    }
    uv_update_time(http->loop);
    return uv_timer_start(&http->timer, http_timer_rang, timeout_ms > 0 ? (uint64_t)timeout_ms : 1,
                          0);
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
static void http_finish(struct http *http, struct transfer *transfer, bool answered)
{
    struct http_response response = freshet_transfer_response(transfer, &http->api, answered);
    char address[64] = "";
    char *primary = NULL;

    http_unlink(http, transfer);
    if (answered &&
        http->api.easy_getinfo(transfer->easy, CURLINFO_PRIMARY_IP, &primary) == CURLE_OK &&
        primary != NULL) {
        snprintf(address, sizeof(address), "%s", primary);
    }
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

        if (message->msg != CURLMSG_DONE) {
            continue;
        }
        http->api.easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&transfer);
        http_finish(http, transfer, result == CURLE_OK || transfer->body_too_long);
    }
}

static bool http_ready(struct http *http)
{
    if (http->multi != NULL) {
        return true;
    }
    if (freshet_curl_load(&http->api) != 0) {
        return false;
    }
    http->multi = http->api.multi_init();
    if (http->multi == NULL) {
        return false;
    }
    http->api.multi_setopt(http->multi, CURLMOPT_SOCKETFUNCTION, http_socket_wanted);
    http->api.multi_setopt(http->multi, CURLMOPT_SOCKETDATA, http);
    http->api.multi_setopt(http->multi, CURLMOPT_TIMERFUNCTION, http_timer_wanted);
    http->api.multi_setopt(http->multi, CURLMOPT_TIMERDATA, http);
    http->api.multi_setopt(http->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
    return true;
}

bool freshet_http_send(struct http *http, struct http_request *request, request_id id,
                       bool loopback, http_callback *callback, void *context)
{
    const struct http_options options = {.user_agent = http->user_agent, .ca_file = http->ca_file};
    struct transfer *transfer = NULL;

    if (!http_ready(http)) {
        return false;
    }
    transfer = calloc(1, sizeof(*transfer));
    if (transfer == NULL) {
        return false;
    }
    transfer->http = http;
    transfer->id = id;
    transfer->callback = callback;
    transfer->context = context;
    transfer->request = *request;
    if (!freshet_transfer_prepare(transfer, &http->api, &options, loopback) ||
        http->api.multi_add_handle(http->multi, transfer->easy) != CURLM_OK) {
        transfer->request = (struct http_request){0};
        freshet_transfer_free(transfer, &http->api);
        return false;
    }
    *request = (struct http_request){0};
    transfer->next = http->transfers;
    http->transfers = transfer;
    return true;
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

void freshet_http_fail_all(struct http *http)
{
    while (http->transfers != NULL) {
        http_finish(http, http->transfers, false);
    }
}

/* ---- life ---- */

struct http *freshet_http_new(uv_loop_t *loop, const struct http_options *options)
{
    struct http *http = calloc(1, sizeof(*http));

    if (http == NULL) {
        return NULL;
    }
    http->loop = loop;
    http->user_agent = strdup(options->user_agent);
    http->ca_file = options->ca_file != NULL ? strdup(options->ca_file) : NULL;
    if (http->user_agent == NULL || (options->ca_file != NULL && http->ca_file == NULL)) {
        free(http->user_agent);
        free(http);
        return NULL;
    }
    uv_timer_init(loop, &http->timer);
    http->timer.data = http;
    http->handles = 1;
    return http;
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
    uv_close((uv_handle_t *)&http->timer, http_timer_closed);
}
