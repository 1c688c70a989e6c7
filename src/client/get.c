/*
 * Getting a token: at once where one can be read, else by waiting for the engine's answer.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/internal.h"
#include "runtime/clock.h"

/* No token lives that long and nobody waits that long; more could not be added to a time. */
#define GET_SPAN_MAX_MS (INT64_C(366) * 24 * 3600 * 1000)

/* ---- reading without the engine ---- */

static int64_t get_remaining(const struct cell_view *view, int64_t boot_ms)
{
    return view->exp_ms != 0 ? view->exp_ms - view->offset_ms - boot_ms : 0;
}

enum freshet_status freshet_peek(struct freshet_session *session, char *buffer, size_t size,
                                 size_t *length, int64_t *expires_at_ms)
{
    struct cell *cell = freshet_session_cell(session);
    struct cell_view view = {0};
    int64_t remaining = 0;

    if (freshet_client_forked(session->client)) {
        return FRESHET_FORKED;
    }
    if (cell == NULL || !freshet_cell_read(cell, buffer, size > 0 ? size - 1 : 0, &view)) {
        return FRESHET_NONE;
    }
    remaining = get_remaining(&view, freshet_clock_boot_ms());
    if (length != NULL) {
        *length = view.length;
    }
    if (expires_at_ms != NULL) {
        *expires_at_ms = freshet_clock_sample().wall_ms + remaining;
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
    struct cell *cell = freshet_session_cell(session);
    struct freshet_token *token = NULL;
    struct cell_view view = {0};
    struct now now;

    if (!get_is_plain(request) || cell == NULL || !freshet_cell_read(cell, NULL, 0, &view) ||
        view.length == 0) {
        return NULL;
    }
    token = freshet_token_new(session->client->pump.memory, NULL, view.length);
    now = freshet_clock_sample();
    if (token == NULL || !freshet_cell_read(cell, token->text, token->length, &view) ||
        view.length != token->length || get_remaining(&view, now.boot_ms) <= view.ask_ms) {
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
    return value < 0 ? 0 : freshet_min(value, GET_SPAN_MAX_MS);
}

static struct event get_event(const struct freshet_session *session,
                              const struct freshet_request *request)
{
    struct event event = {.kind = EVENT_GET, .session = session->id};
    struct get_options *options = &event.u.get.options;

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
    options->timeout_ms = freshet_min(request->timeout_ms, GET_SPAN_MAX_MS);
    return event;
}

bool freshet_request_valid(const struct freshet_request *request)
{
    return request == NULL ||
           ((request->size == 0 || request->size >= sizeof(*request)) &&
            request->allow_stale >= FRESHET_STALE_DEFAULT &&
            request->allow_stale <= FRESHET_STALE_EXPIRED && request->timeout_ms >= 0 &&
            (request->template_name == NULL ||
             strlen(request->template_name) <= FRESHET_NAME_MAX) &&
            (request->organization == NULL || strlen(request->organization) <= FRESHET_NAME_MAX));
}

/* ---- calls on their way ---- */

static struct call *call_new(struct freshet_session *session, freshet_get_callback *callback,
                             void *context)
{
    struct call *call = calloc(1, sizeof(*call));

    if (call != NULL) {
        *call = (struct call){.session = session,
                              .callback = callback,
                              .context = context,
                              .done = PTHREAD_COND_INITIALIZER};
    }
    return call;
}

static void call_free(struct call *call)
{
    pthread_cond_destroy(&call->done);
    free(call);
}

void freshet_calls_add(struct freshet_client *client, struct call *call)
{
    call->ticket = ++client->last_ticket;
    *client->calls_end = call;
    client->calls_end = &call->next;
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
    if (*link == NULL) {
        client->calls_end = link;
    }
    return call;
}

void freshet_calls_free(struct freshet_client *client)
{
    while (client->calls != NULL) {
        struct call *call = client->calls;

        client->calls = call->next;
        free(call);
    }
}

static void call_deliver(struct freshet_client *client, struct call *call)
{
    struct freshet_error error;

    if (call->callback == NULL) {
        pthread_mutex_lock(&client->lock);
        call->ended = true;
        pthread_cond_signal(&call->done);
        pthread_mutex_unlock(&client->lock);
        return;
    }
    freshet_error_set(&error, call->status, call->http_status, call->reason);
    call->callback(call->context, call->status, call->token,
                   call->status == FRESHET_OK ? NULL : &error);
    freshet_token_unref(call->token);
    call_free(call);
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
    freshet_client_reason(client, effect->session, call->status, call->reason);
    if (call->status == FRESHET_OK) {
        call->token = freshet_token_new(client->pump.memory, effect->u.resolve.text, held->length);
        if (call->token == NULL) {
            call->status = FRESHET_NO_MEMORY;
        } else {
            call->token->remaining_ms = effect->u.resolve.remaining_ms;
            call->token->expires_at_ms = now.wall_ms + call->token->remaining_ms;
            call->token->fingerprint = held->fingerprint;
            call->token->stale = effect->u.resolve.stale;
        }
    }
    call_deliver(client, call);
}

/* Every call ends, because the client is closed. */
void freshet_calls_close(struct freshet_client *client)
{
    for (;;) {
        struct call *call = NULL;

        pthread_mutex_lock(&client->lock);
        call = client->calls != NULL ? calls_take(client, client->calls->ticket) : NULL;
        pthread_mutex_unlock(&client->lock);
        if (call == NULL) {
            return;
        }
        call->status = FRESHET_CLOSED;
        snprintf(call->reason, sizeof(call->reason), "%s", freshet_error_text(FRESHET_CLOSED));
        call_deliver(client, call);
    }
}

/* In a host's loop a waiting call is what turns it; if a callback closes the client meanwhile, the
 * call has ended too. */
static void call_wait(struct freshet_client *client, struct call *call)
{
    bool open = true;

    if (!client->host_loop) {
        freshet_client_wait(client, &call->done, &call->ended);
        return;
    }
    while (open && !call->ended) {
        open = freshet_client_turn(client, true);
    }
}

/* The slow way: asks the engine and waits for its answer. */
static enum freshet_status get_wait(struct freshet_session *session,
                                    const struct freshet_request *request,
                                    struct freshet_token **token, struct freshet_error *error)
{
    struct event event = get_event(session, request);
    struct call *call = call_new(session, NULL, NULL);
    enum freshet_status status = FRESHET_NO_MEMORY;

    if (call != NULL) {
        status = freshet_inbox_put_call(session->client, call, &event, NULL);
    }
    if (status == FRESHET_OK) {
        call_wait(session->client, call);
        status = freshet_error_set(error, call->status, call->http_status, call->reason);
        *token = call->token;
    } else {
        freshet_error_set(error, status, 0, freshet_error_text(status));
    }
    if (call != NULL) {
        call_free(call);
    }
    return status;
}

/* What can be said without the engine; FRESHET_NONE: it has to be asked. */
static enum freshet_status get_at_once(struct freshet_session *session,
                                       const struct freshet_request *request,
                                       struct freshet_token **token)
{
    if (freshet_client_forked(session->client)) {
        return FRESHET_FORKED;
    }
    if (!freshet_request_valid(request)) {
        return FRESHET_INVALID;
    }
    if (freshet_session_closed(session)) {
        return FRESHET_CLOSED;
    }
    *token = get_fast(session, request);
    if (*token != NULL) {
        return FRESHET_OK;
    }
    return freshet_client_in_loop(session->client) ? FRESHET_WOULD_BLOCK : FRESHET_NONE;
}

enum freshet_status freshet_get(struct freshet_session *session,
                                const struct freshet_request *request, struct freshet_token **token,
                                struct freshet_error *error)
{
    enum freshet_status status = FRESHET_OK;

    *token = NULL;
    status = get_at_once(session, request, token);
    if (status == FRESHET_NONE) {
        return get_wait(session, request, token, error);
    }
    return freshet_error_set(error, status, 0, freshet_error_text(status));
}

enum freshet_status freshet_get_async(struct freshet_session *session,
                                      const struct freshet_request *request,
                                      freshet_get_callback *callback, void *context,
                                      freshet_ticket *ticket)
{
    struct event event;
    struct call *call = NULL;
    enum freshet_status status = FRESHET_NO_MEMORY;

    if (freshet_client_forked(session->client)) {
        return FRESHET_FORKED;
    }
    if (callback == NULL || !freshet_request_valid(request)) {
        return FRESHET_INVALID;
    }
    if (freshet_session_closed(session)) {
        return FRESHET_CLOSED;
    }
    call = call_new(session, callback, context);
    if (call == NULL) {
        return status;
    }
    event = get_event(session, request);
    status = freshet_inbox_put_call(session->client, call, &event, ticket);
    if (status != FRESHET_OK) {
        call_free(call);
    }
    return status;
}

void freshet_cancel(struct freshet_session *session, freshet_ticket ticket)
{
    struct event event = {.kind = EVENT_CANCEL, .session = session->id};

    if (!freshet_client_forked(session->client) && !freshet_session_closed(session)) {
        event.u.cancel.ticket = ticket;
        (void)freshet_inbox_put(session->client, &event);
    }
}
