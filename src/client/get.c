/*
 * Getting a token: at once where one can be read, else by waiting for the engine's answer.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/internal.h"
#include "runtime/clock.h"

/* ---- reading without the engine ---- */

static int64_t get_remaining(const struct cell_view *view, int64_t boot_ms)
{
    return view->exp_ms != 0 ? view->exp_ms - view->offset_ms - boot_ms : 0;
}

enum freshet_status freshet_peek(struct freshet_session *session, char *buffer, size_t size,
                                 size_t *length, int64_t *expires_at_ms)
{
    struct cell *cell = atomic_load_explicit(&session->plain, memory_order_acquire);
    struct cell_view view = {0};
    struct now now;
    int64_t remaining = 0;

    if (freshet_client_forked(session->client)) {
        return FRESHET_FORKED;
    }
    if (cell == NULL || !freshet_cell_read(cell, buffer, size > 0 ? size - 1 : 0, &view)) {
        return FRESHET_NONE;
    }
    now = freshet_clock_sample();
    remaining = get_remaining(&view, now.boot_ms);
    if (length != NULL) {
        *length = view.length;
    }
    if (expires_at_ms != NULL) {
        *expires_at_ms = now.wall_ms + remaining;
    }
    if (remaining <= 0) {
        return FRESHET_NONE;
    }
    if (view.length + 1 > size) {
        return FRESHET_LIMIT;
    }
    buffer[view.length] = '\0';
    freshet_cell_mark_used(cell);
    return remaining > view.need_ms ? FRESHET_OK : FRESHET_STALE;
}

static bool get_is_plain(const struct freshet_request *request)
{
    return request == NULL ||
           (request->template_name == NULL && request->organization == NULL &&
            !request->skip_cache && !request->refresh_if_stale && request->min_remaining_ms == 0 &&
            request->refresh_threshold_ms == 0);
}

/* A fresh token of the session itself needs nobody. In the due zone the engine is asked, so that
 * a sleeping or a reactive session refreshes. */
static struct freshet_token *get_fast(struct freshet_session *session,
                                      const struct freshet_request *request)
{
    struct cell *cell = atomic_load_explicit(&session->plain, memory_order_acquire);
    struct freshet_token *token = NULL;
    struct cell_view view = {0};
    struct now now;

    if (!get_is_plain(request) || cell == NULL || !freshet_cell_read(cell, NULL, 0, &view) ||
        view.length == 0) {
        return NULL;
    }
    token = freshet_token_new(NULL, view.length);
    now = freshet_clock_sample();
    if (token == NULL || !freshet_cell_read(cell, token->text, token->length, &view) ||
        view.length != token->length || get_remaining(&view, now.boot_ms) <= view.due_ms) {
        freshet_token_unref(token);
        return NULL;
    }
    freshet_cell_mark_used(cell);
    token->remaining_ms = get_remaining(&view, now.boot_ms);
    token->expires_at_ms = now.wall_ms + token->remaining_ms;
    token->fingerprint = view.fingerprint;
    return token;
}

/* ---- asking the engine ---- */

static int64_t get_option_ms(int64_t value)
{
    if (value == 0) {
        return FRESHET_UNSET;
    }
    return value < 0 ? 0 : value;
}

static struct event get_event(const struct call *call, const struct freshet_request *request)
{
    struct event event = {.kind = EVENT_GET, .session = call->session->id};
    struct get_options *options = &event.u.get.options;

    event.u.get.ticket = call->ticket;
    options->min_remaining_ms = FRESHET_UNSET;
    options->refresh_threshold_ms = FRESHET_UNSET;
    if (request == NULL) {
        return event;
    }
    options->template_name = request->template_name;
    options->organization = request->organization;
    options->skip_cache = request->skip_cache != 0;
    options->refresh_if_stale = request->refresh_if_stale != 0;
    options->allow_stale = (enum allow_stale)request->allow_stale;
    options->min_remaining_ms = get_option_ms(request->min_remaining_ms);
    options->refresh_threshold_ms = get_option_ms(request->refresh_threshold_ms);
    options->timeout_ms = request->timeout_ms;
    return event;
}

static bool get_request_valid(const struct freshet_request *request)
{
    return request == NULL ||
           ((request->size == 0 || request->size >= sizeof(*request)) &&
            request->allow_stale >= FRESHET_STALE_DEFAULT &&
            request->allow_stale <= FRESHET_STALE_EXPIRED && request->timeout_ms >= 0 &&
            (request->template_name == NULL ||
             strlen(request->template_name) <= FRESHET_NAME_MAX) &&
            (request->organization == NULL || strlen(request->organization) <= FRESHET_NAME_MAX));
}

static void calls_add(struct freshet_client *client, struct call *call)
{
    pthread_mutex_lock(&client->lock);
    call->ticket = ++client->last_ticket;
    call->next = client->calls;
    client->calls = call;
    pthread_mutex_unlock(&client->lock);
}

/* Takes a call out of the list; NULL if it has ended. The lock must be held. */
static struct call *calls_take(struct freshet_client *client, ticket_id ticket)
{
    struct call **link = &client->calls;

    while (*link != NULL && (*link)->ticket != ticket) {
        link = &(*link)->next;
    }
    if (*link == NULL) {
        return NULL;
    }
    struct call *call = *link;

    *link = call->next;
    return call;
}

static void call_deliver(struct freshet_client *client, struct call *call)
{
    struct freshet_error error;

    if (call->callback == NULL) {
        pthread_mutex_lock(&client->lock);
        call->ended = true;
        if (call->done != NULL) {
            pthread_cond_signal(call->done);
        }
        pthread_mutex_unlock(&client->lock);
        return;
    }
    freshet_error_set(&error, call->status, call->http_status, freshet_error_text(call->status));
    call->callback(call->context, call->status, call->token,
                   call->status == FRESHET_OK ? NULL : &error);
    freshet_token_unref(call->token);
    free(call);
}

void freshet_calls_resolve(struct freshet_client *client, const struct effect *effect,
                           struct now now)
{
    struct call *call = NULL;
    const struct held *held = &effect->u.resolve.token;

    pthread_mutex_lock(&client->lock);
    call = calls_take(client, effect->u.resolve.ticket);
    pthread_mutex_unlock(&client->lock);
    if (call == NULL) {
        return;
    }
    call->status = effect->u.resolve.status;
    call->http_status = effect->u.resolve.http_status;
    if (call->status == FRESHET_OK) {
        struct cell_view view = {0};

        call->token = freshet_token_new(effect->u.resolve.text, held->length);
        if (call->token == NULL) {
            call->status = FRESHET_NO_MEMORY;
        } else if (freshet_cell_read(effect->u.resolve.cell, NULL, 0, &view)) {
            call->token->remaining_ms = get_remaining(&view, now.boot_ms);
            call->token->expires_at_ms = now.wall_ms + call->token->remaining_ms;
            call->token->fingerprint = held->fingerprint;
            call->token->stale = effect->u.resolve.stale;
        }
    }
    call_deliver(client, call);
}

/* The calls of a session (NULL: all) end, because it is closed. */
void freshet_calls_close(struct freshet_client *client, const struct freshet_session *session)
{
    for (;;) {
        struct call *call = NULL;

        pthread_mutex_lock(&client->lock);
        for (call = client->calls; call != NULL; call = call->next) {
            if (session == NULL || call->session == session) {
                break;
            }
        }
        call = call != NULL ? calls_take(client, call->ticket) : NULL;
        pthread_mutex_unlock(&client->lock);
        if (call == NULL) {
            return;
        }
        call->status = FRESHET_CLOSED;
        call_deliver(client, call);
    }
}

static void get_wait(struct freshet_client *client, struct call *call)
{
    if (client->host_loop) {
        while (!call->ended) {
            freshet_client_turn(client, true);
        }
        return;
    }
    pthread_mutex_lock(&client->lock);
    while (!call->ended) {
        pthread_cond_wait(call->done, &client->lock);
    }
    pthread_mutex_unlock(&client->lock);
}

enum freshet_status freshet_get(struct freshet_session *session,
                                const struct freshet_request *request, struct freshet_token **token,
                                struct freshet_error *error)
{
    struct freshet_client *client = session->client;
    pthread_cond_t done = PTHREAD_COND_INITIALIZER;
    struct call call = {.session = session, .done = &done};
    struct event event;

    *token = NULL;
    if (freshet_client_forked(client)) {
        return freshet_error_set(error, FRESHET_FORKED, 0, freshet_error_text(FRESHET_FORKED));
    }
    if (!get_request_valid(request)) {
        return freshet_error_set(error, FRESHET_INVALID, 0, freshet_error_text(FRESHET_INVALID));
    }
    *token = get_fast(session, request);
    if (*token != NULL) {
        return freshet_error_set(error, FRESHET_OK, 0, "");
    }
    if (freshet_client_in_loop(client)) {
        return freshet_error_set(error, FRESHET_WOULD_BLOCK, 0,
                                 freshet_error_text(FRESHET_WOULD_BLOCK));
    }
    calls_add(client, &call);
    event = get_event(&call, request);
    if (!freshet_inbox_put(client, &event)) {
        pthread_mutex_lock(&client->lock);
        (void)calls_take(client, call.ticket);
        pthread_mutex_unlock(&client->lock);
        return freshet_error_set(error, FRESHET_NO_MEMORY, 0,
                                 freshet_error_text(FRESHET_NO_MEMORY));
    }
    get_wait(client, &call);
    pthread_cond_destroy(&done);
    *token = call.token;
    return freshet_error_set(error, call.status, call.http_status, freshet_error_text(call.status));
}

enum freshet_status freshet_get_async(struct freshet_session *session,
                                      const struct freshet_request *request,
                                      freshet_get_callback *callback, void *context,
                                      freshet_ticket *ticket)
{
    struct freshet_client *client = session->client;
    struct call *call = NULL;
    struct event event;

    if (freshet_client_forked(client)) {
        return FRESHET_FORKED;
    }
    if (callback == NULL || !get_request_valid(request)) {
        return FRESHET_INVALID;
    }
    call = calloc(1, sizeof(*call));
    if (call == NULL) {
        return FRESHET_NO_MEMORY;
    }
    call->session = session;
    call->callback = callback;
    call->context = context;
    calls_add(client, call);
    if (ticket != NULL) {
        *ticket = call->ticket;
    }
    event = get_event(call, request);
    if (!freshet_inbox_put(client, &event)) {
        pthread_mutex_lock(&client->lock);
        free(calls_take(client, call->ticket));
        pthread_mutex_unlock(&client->lock);
        return FRESHET_NO_MEMORY;
    }
    return FRESHET_OK;
}

void freshet_cancel(struct freshet_session *session, freshet_ticket ticket)
{
    struct event event = {.kind = EVENT_CANCEL, .session = session->id};

    if (!freshet_client_forked(session->client)) {
        event.u.cancel.ticket = ticket;
        (void)freshet_inbox_put(session->client, &event);
    }
}
