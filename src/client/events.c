/*
 * Events for the subscribers, and the last lines kept for status displays.
 *
 * Subscribers are told one after another, in the order in which they came, with no lock held. One that
 * ends is not told again; its memory goes when nobody is in it and nobody waits for that.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/internal.h"
#include "core/trace.h"

/* ---- subscribers; the lock is held ---- */

static struct subscriber **events_find(struct freshet_client *client,
                                       freshet_event_callback *callback, const void *context)
{
    struct subscriber **at = &client->subscribers;

    while (*at != NULL &&
           ((*at)->ended || (*at)->callback != callback || (*at)->context != context)) {
        at = &(*at)->next;
    }
    return at;
}

/* While an event is told the list only grows. */
static void events_sweep(struct freshet_client *client)
{
    struct subscriber **at = &client->subscribers;

    while (client->telling == 0 && *at != NULL) {
        struct subscriber *subscriber = *at;

        if (subscriber->ended && subscriber->awaited == 0) {
            *at = subscriber->next;
            free(subscriber);
        } else {
            at = &subscriber->next;
        }
    }
}

void freshet_events_end(struct freshet_client *client)
{
    for (struct subscriber *at = client->subscribers; at != NULL; at = at->next) {
        at->ended = true;
    }
}

void freshet_events_free(struct freshet_client *client)
{
    while (client->subscribers != NULL) {
        struct subscriber *subscriber = client->subscribers;

        client->subscribers = subscriber->next;
        free(subscriber);
    }
}

/* ---- the public calls ---- */

enum freshet_status freshet_subscribe(struct freshet_client *client,
                                      freshet_event_callback *callback, void *context)
{
    const struct event want = {
        .kind = EVENT_WANT, .session = FRESHET_NO_SESSION, .u.want = {.change = 1}};
    enum freshet_status status = FRESHET_OK;
    struct subscriber **at = NULL;
    bool added = false;

    if (freshet_client_forked(client)) {
        return FRESHET_FORKED;
    }
    if (callback == NULL) {
        return FRESHET_INVALID;
    }
    pthread_mutex_lock(&client->lock);
    at = events_find(client, callback, context);
    if (client->closing) {
        status = FRESHET_CLOSED;
    } else if (*at == NULL) {
        *at = calloc(1, sizeof(**at));
        status = *at != NULL ? FRESHET_OK : FRESHET_NO_MEMORY;
        added = status == FRESHET_OK;
    }
    if (status == FRESHET_OK) {
        (*at)->callback = callback;
        (*at)->context = context;
    }
    pthread_mutex_unlock(&client->lock);
    if (added) {
        (void)freshet_inbox_put(client, &want);
    }
    return status;
}

void freshet_unsubscribe(struct freshet_client *client, freshet_event_callback *callback,
                         void *context)
{
    const struct event unwant = {
        .kind = EVENT_WANT, .session = FRESHET_NO_SESSION, .u.want = {.change = -1}};
    struct subscriber *subscriber = NULL;

    if (freshet_client_forked(client)) {
        return;
    }
    pthread_mutex_lock(&client->lock);
    subscriber = *events_find(client, callback, context);
    if (subscriber != NULL) {
        subscriber->ended = true;
        subscriber->awaited++;
        while (subscriber->running > 0 && !freshet_client_in_loop(client)) {
            pthread_cond_wait(&client->told, &client->lock);
        }
        subscriber->awaited--;
    }
    events_sweep(client);
    pthread_mutex_unlock(&client->lock);
    if (subscriber != NULL) {
        (void)freshet_inbox_put(client, &unwant);
    }
}

/* ---- telling ---- */

static void events_tell(struct freshet_client *client, struct freshet_event *event,
                        session_id session)
{
    pthread_mutex_lock(&client->lock);
    event->session = freshet_session_find(client, session);
    if (event->session != NULL) {
        event->session_name = event->session->name;
        event->session_status = freshet_session_status_name(event->session->status);
    }
    client->telling++;
    for (struct subscriber *at = client->subscribers; at != NULL && event->session != NULL;
         at = at->next) {
        if (at->ended) {
            continue;
        }
        at->running++;
        pthread_mutex_unlock(&client->lock);
        at->callback(at->context, event);
        pthread_mutex_lock(&client->lock);
        at->running--;
        pthread_cond_broadcast(&client->told);
    }
    client->telling--;
    events_sweep(client);
    pthread_mutex_unlock(&client->lock);
}

void freshet_events_line(struct freshet_client *client, struct trace_line *line, session_id session,
                         struct now now)
{
    struct freshet_event event = {.kind = FRESHET_EVENT_TRACE};
    struct kept_event *kept = NULL;
    char text[FRESHET_EVENT_TEXT_MAX];

    line->t_ms = now.wall_ms;
    if (freshet_trace_json(line, text, sizeof(text)) == 0) {
        return;
    }
    pthread_mutex_lock(&client->lock);
    kept = &client->kept[client->kept_next];
    memcpy(kept->text, text, sizeof(kept->text));
    client->kept_next = (client->kept_next + 1) % FRESHET_EVENTS_KEPT;
    client->kept_count += client->kept_count < FRESHET_EVENTS_KEPT ? 1 : 0;
    pthread_mutex_unlock(&client->lock);
    event.trace = text;
    events_tell(client, &event, session);
}

static void events_emit(struct freshet_client *client, const struct effect *effect)
{
    static const enum freshet_event_kind kinds[] = {
        [EMIT_TOKEN_UPDATED] = FRESHET_EVENT_TOKEN_UPDATED,
        [EMIT_TOKEN_RESOLVED] = FRESHET_EVENT_TOKEN_RESOLVED,
        [EMIT_SESSION_STATUS] = FRESHET_EVENT_SESSION_STATUS,
        [EMIT_SIGNED_OUT] = FRESHET_EVENT_SIGNED_OUT};
    struct freshet_event event = {.kind = kinds[effect->u.emit.name]};

    events_tell(client, &event, effect->session);
}

void freshet_events_effect(struct freshet_client *client, const struct effect *effect,
                           struct now now)
{
    struct freshet_session *session = NULL;
    struct trace_line line = {.process = 0};

    if (effect->kind == EFFECT_STATUS) {
        session = freshet_session_find(client, effect->session);
        if (session != NULL) {
            session->status = effect->u.status.status;
        }
    }
    if (freshet_trace_effect(effect, &line)) {
        if (effect->kind == EFFECT_COMMIT) {
            line.expires_ms = effect->u.commit.token.exp_s * 1000;
        }
        freshet_events_line(client, &line, effect->session, now);
    }
    if (effect->kind == EFFECT_EMIT) {
        events_emit(client, effect);
    }
}

void freshet_events_response(struct freshet_client *client, request_id request, session_id session,
                             int http_status, const char *error, struct now now)
{
    struct trace_line line = {
        .kind = TRACE_RESPONSE, .request = request, .http_status = http_status, .error = error};

    freshet_events_line(client, &line, session, now);
}
