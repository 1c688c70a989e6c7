/*
 * Events for the subscriber, and the last lines kept for status displays.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/internal.h"
#include "core/trace.h"

enum freshet_status freshet_subscribe(struct freshet_client *client,
                                      freshet_event_callback *callback, void *context)
{
    if (freshet_client_forked(client)) {
        return FRESHET_FORKED;
    }
    pthread_mutex_lock(&client->lock);
    client->subscriber = callback;
    client->subscriber_context = context;
    pthread_mutex_unlock(&client->lock);
    return FRESHET_OK;
}

static void events_tell(struct freshet_client *client, struct freshet_event *event,
                        session_id session)
{
    freshet_event_callback *callback = NULL;
    void *context = NULL;

    pthread_mutex_lock(&client->lock);
    callback = client->subscriber;
    context = client->subscriber_context;
    event->session = freshet_session_find(client, session);
    pthread_mutex_unlock(&client->lock);
    if (callback == NULL || event->session == NULL) {
        return;
    }
    event->session_name = event->session->name;
    event->session_status = freshet_session_status_name(event->session->status);
    callback(context, event);
}

/* One line: kept, and told. */
static void events_line(struct freshet_client *client, struct trace_line *line, session_id session,
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

static void events_complete(struct trace_line *line, const struct effect *effect, struct now now)
{
    if (effect->kind == EFFECT_COMMIT) {
        line->expires_ms = effect->u.commit.token.exp_s * 1000;
    }
    if (effect->kind == EFFECT_RESOLVE && effect->u.resolve.cell != NULL) {
        struct cell_view view = {0};

        if (freshet_cell_read(effect->u.resolve.cell, NULL, 0, &view)) {
            line->remaining_ms = view.exp_ms - view.offset_ms - now.boot_ms;
        }
    }
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
        events_complete(&line, effect, now);
        events_line(client, &line, effect->session, now);
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

    events_line(client, &line, session, now);
}
