/*
 * Sessions as the host sees them, and what the host tells about them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/internal.h"

struct freshet_session *freshet_session_find(struct freshet_client *client, session_id id)
{
    struct freshet_session *session = client->sessions;

    while (session != NULL && (session->id != id || session->over)) {
        session = session->next;
    }
    return session;
}

bool freshet_session_closed(const struct freshet_session *session)
{
    return atomic_load_explicit(&session->closed, memory_order_acquire);
}

/* Points readers at the cell of the active token; called on the pump's thread after each change. */
void freshet_session_refresh_cell(struct freshet_session *session)
{
    struct session_view view;
    struct key_view key = {.template_name = "", .audience = ""};
    struct cell *cell = NULL;

    if (!freshet_session_closed(session) &&
        freshet_engine_view_session(session->client->pump.engine, session->id, (struct now){0},
                                    &view) &&
        (view.status == SESSION_READY || view.status == SESSION_DEGRADED)) {
        key.session = session->id;
        key.organization = view.organization;
        cell = freshet_engine_cell(session->client->pump.engine, &key);
    }
    atomic_store_explicit(&session->plain, cell, memory_order_release);
}

struct cell *freshet_session_cell(struct freshet_session *session)
{
    return atomic_load_explicit(&session->changes, memory_order_acquire) == 0
               ? atomic_load_explicit(&session->plain, memory_order_acquire)
               : NULL;
}

/* What the pump's thread does for freshet_session_open(). */
struct opening {
    struct freshet_session *session;
    struct pump_opening opening;
    enum freshet_status status;
};

/* Subscribers want the own token of each session, also of those that are opened later. */
static void session_want(struct freshet_client *client, session_id id, int change)
{
    const struct event want = {
        .kind = EVENT_WANT, .session = id, .u.want = {.key = {.session = id}, .change = change}};

    if (change != 0) {
        freshet_pump_event(&client->pump, &want);
    }
}

static void session_start(void *context)
{
    struct opening *opening = context;
    struct freshet_session *session = opening->session;
    struct freshet_client *client = session->client;

    /* Listed first: opening already has effects that speak of it. */
    session->id = FRESHET_NO_SESSION;
    pthread_mutex_lock(&client->lock);
    session->next = client->sessions;
    client->sessions = session;
    pthread_mutex_unlock(&client->lock);
    opening->status = freshet_pump_open(&client->pump, &opening->opening, &session->id);
    if (opening->status != FRESHET_OK) {
        pthread_mutex_lock(&client->lock);
        client->sessions = session->next;
        pthread_mutex_unlock(&client->lock);
        return;
    }
    session_want(client, session->id, client->wants);
}

void freshet_session_over(struct freshet_client *client, session_id id)
{
    struct freshet_session *session = freshet_session_find(client, id);

    if (session != NULL) {
        freshet_pump_end(&client->pump, id);
        session->over = true;
    }
}

void freshet_sessions_tell(struct freshet_client *client, const struct event *event)
{
    struct event own = *event;

    if (event->kind == EVENT_WANT) {
        client->wants += event->u.want.change;
    }
    for (struct freshet_session *session = client->sessions; session != NULL;
         session = session->next) {
        if (!session->over) {
            own.session = session->id;
            freshet_pump_event(&client->pump, &own);
        }
    }
}

static struct freshet_session *session_new(struct freshet_client *client, const char *name)
{
    struct freshet_session *session = calloc(1, sizeof(*session));

    if (session == NULL) {
        return NULL;
    }
    session->client = client;
    session->status = SESSION_LOADING;
    session->name = strdup(name);
    if (session->name == NULL) {
        free(session);
        return NULL;
    }
    return session;
}

static enum freshet_status session_open(struct freshet_client *client, const struct wish *wish,
                                        struct freshet_session **session)
{
    struct opening opening = {.session = session_new(client, wish->name),
                              .opening = wish->opening,
                              .status = FRESHET_NO_MEMORY};

    if (opening.session != NULL) {
        (void)freshet_client_run(client, session_start, &opening);
    }
    if (opening.status == FRESHET_OK) {
        *session = opening.session;
    } else if (opening.session != NULL) {
        free(opening.session->name);
        free(opening.session);
    }
    return opening.status;
}

enum freshet_status freshet_session_open(struct freshet_client *client,
                                         const struct freshet_session_options *options,
                                         struct freshet_session **session,
                                         struct freshet_error *error)
{
    struct source_error reason = {.text = ""};
    struct wish wish;
    enum freshet_status status = FRESHET_OK;

    *session = NULL;
    if (freshet_client_forked(client)) {
        return freshet_error_set(error, FRESHET_FORKED, 0, freshet_error_text(FRESHET_FORKED));
    }
    if (freshet_client_in_loop(client) && client->pump.busy) {
        return freshet_error_set(error, FRESHET_WOULD_BLOCK, 0,
                                 "a session cannot be opened inside a callback");
    }
    status = freshet_wish_read(&wish, options, &reason);
    if (status == FRESHET_OK) {
        status = session_open(client, &wish, session);
    }
    freshet_wish_free(&wish);
    return freshet_error_set(error, status, 0,
                             reason.text[0] != '\0' ? reason.text : freshet_error_text(status));
}

void freshet_session_close(struct freshet_session *session)
{
    struct freshet_client *client = NULL;
    struct event event = {.kind = EVENT_CLOSE};

    if (session == NULL || freshet_client_forked(session->client)) {
        return;
    }
    client = session->client;
    event.session = session->id;
    if (atomic_exchange_explicit(&session->closed, true, memory_order_acq_rel)) {
        return;
    }
    atomic_store_explicit(&session->plain, NULL, memory_order_release);
    (void)freshet_inbox_put(client, &event);
}

/* ---- what a host tells ---- */

static enum freshet_status session_tell(struct freshet_session *session, const struct event *event)
{
    if (freshet_client_forked(session->client)) {
        return FRESHET_FORKED;
    }
    if (freshet_session_closed(session)) {
        return FRESHET_CLOSED;
    }
    if (event->kind == EVENT_WANT) {
        return freshet_inbox_put(session->client, event) ? FRESHET_OK : FRESHET_NO_MEMORY;
    }
    return freshet_inbox_put_change(session, event) ? FRESHET_OK : FRESHET_NO_MEMORY;
}

void freshet_reject(struct freshet_session *session, const struct freshet_token *token)
{
    struct event event = {.kind = EVENT_REJECTED, .session = session->id};

    if (token != NULL) {
        event.u.rejected.fingerprint = token->fingerprint;
        (void)session_tell(session, &event);
    }
}

enum freshet_status freshet_reject_text(struct freshet_session *session, const char *text,
                                        size_t length)
{
    struct event event = {.kind = EVENT_REJECTED, .session = session->id};

    if (text == NULL || length == 0 || length > FRESHET_TOKEN_MAX) {
        return FRESHET_INVALID;
    }
    event.u.rejected.fingerprint = freshet_fingerprint(text, length);
    return session_tell(session, &event);
}

static enum freshet_status session_change_want(struct freshet_session *session,
                                               const struct freshet_request *request, int change)
{
    struct event event = {.kind = EVENT_WANT, .session = session->id};
    struct key_view *key = &event.u.want.key;

    *key = (struct key_view){.session = session->id, .template_name = "", .audience = ""};
    event.u.want.change = change;
    if (request != NULL) {
        key->organization = request->organization;
        key->template_name = request->template_name != NULL ? request->template_name : "";
    }
    if (strlen(key->template_name) > FRESHET_NAME_MAX ||
        (key->organization != NULL && strlen(key->organization) > FRESHET_NAME_MAX)) {
        return FRESHET_INVALID;
    }
    return session_tell(session, &event);
}

enum freshet_status freshet_want(struct freshet_session *session,
                                 const struct freshet_request *request)
{
    return session_change_want(session, request, 1);
}

enum freshet_status freshet_unwant(struct freshet_session *session,
                                   const struct freshet_request *request)
{
    return session_change_want(session, request, -1);
}

enum freshet_status freshet_sign_out(struct freshet_session *session,
                                     enum freshet_sign_out_scope scope)
{
    static const enum sign_out_scope scopes[] = {[FRESHET_SIGN_OUT_FITTING] = SIGN_OUT_FITTING,
                                                 [FRESHET_SIGN_OUT_SESSION] = SIGN_OUT_END,
                                                 [FRESHET_SIGN_OUT_ALL] = SIGN_OUT_ALL};
    struct event event = {.kind = EVENT_SIGN_OUT, .session = session->id};

    if ((unsigned)scope >= sizeof(scopes) / sizeof(scopes[0])) {
        return FRESHET_INVALID;
    }
    event.u.sign_out.scope = scopes[scope];
    return session_tell(session, &event);
}

enum freshet_status freshet_set_organization(struct freshet_session *session,
                                             const char *organization)
{
    struct event event = {.kind = EVENT_ORGANIZATION, .session = session->id};

    if (organization == NULL || strlen(organization) > FRESHET_NAME_MAX) {
        return FRESHET_INVALID;
    }
    event.u.organization.organization = organization;
    return session_tell(session, &event);
}

void freshet_wake(struct freshet_client *client)
{
    static const struct event focus = {.kind = EVENT_FOCUS, .session = FRESHET_NO_SESSION};

    if (!freshet_client_forked(client)) {
        (void)freshet_inbox_put(client, &focus);
    }
}
