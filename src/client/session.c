/*
 * Sessions as the host sees them, and what the host tells about them.
 */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/internal.h"

struct freshet_session *freshet_session_find(struct freshet_client *client, session_id id)
{
    struct freshet_session *session = client->sessions;

    while (session != NULL && session->id != id) {
        session = session->next;
    }
    return session;
}

/* Points readers at the cell of the active token; called on the pump's thread after each change. */
void freshet_session_refresh_cell(struct freshet_session *session)
{
    struct session_view view;
    struct key_view key = {.template_name = "", .audience = ""};
    struct cell *cell = NULL;

    if (!atomic_load_explicit(&session->closed, memory_order_acquire) &&
        freshet_engine_view_session(session->client->pump.engine, session->id, (struct now){0},
                                    &view) &&
        (view.status == SESSION_READY || view.status == SESSION_DEGRADED)) {
        key.session = session->id;
        key.organization = view.organization;
        cell = freshet_engine_cell(session->client->pump.engine, &key);
    }
    atomic_store_explicit(&session->plain, cell, memory_order_release);
}

/* What the pump's thread does for freshet_session_open(). */
struct opening {
    struct freshet_session *session;
    const struct clerk_instance *instance;
    struct credential *credential;
    const char *sid;
    enum freshet_status status;
};

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
    opening->status = freshet_pump_open(&client->pump, opening->instance, opening->credential,
                                        opening->sid, &session->id);
    if (opening->status != FRESHET_OK) {
        pthread_mutex_lock(&client->lock);
        client->sessions = session->next;
        pthread_mutex_unlock(&client->lock);
    }
}

static bool session_options_valid(const struct freshet_session_options *options)
{
    return options != NULL && (options->size == 0 || options->size >= sizeof(*options)) &&
           (options->session == NULL || strlen(options->session) <= FRESHET_NAME_MAX);
}

enum freshet_status freshet_session_open(struct freshet_client *client,
                                         const struct freshet_session_options *options,
                                         struct freshet_session **session,
                                         struct freshet_error *error)
{
    struct source_error reason = {.text = ""};
    struct clerk_instance instance;
    struct credential credential = {0};
    struct freshet_session *made = NULL;
    struct opening opening;
    enum freshet_status status = FRESHET_INVALID;

    *session = NULL;
    if (freshet_client_forked(client)) {
        return freshet_error_set(error, FRESHET_FORKED, 0, freshet_error_text(FRESHET_FORKED));
    }
    if (freshet_client_in_loop(client) && client->pump.busy) {
        return freshet_error_set(error, FRESHET_WOULD_BLOCK, 0,
                                 "a session cannot be opened inside a callback");
    }
    if (!session_options_valid(options)) {
        return freshet_error_set(error, status, 0, "the session options are not valid");
    }
    status =
        freshet_clerk_instance_init(&instance, options->publishable_key, options->url, &reason);
    if (status == FRESHET_OK) {
        status = freshet_credential_load(&credential, options->client_token,
                                         options->client_token_file, &reason);
    }
    if (status != FRESHET_OK) {
        goto out;
    }
    made = calloc(1, sizeof(*made));
    status = FRESHET_NO_MEMORY;
    if (made == NULL) {
        goto out;
    }
    made->client = client;
    made->status = SESSION_LOADING;
    made->name = strdup(options->name != NULL ? options->name : "default");
    if (made->name == NULL) {
        goto out;
    }
    opening = (struct opening){.session = made,
                               .instance = &instance,
                               .credential = &credential,
                               .sid = options->session != NULL ? options->session : ""};
    status = FRESHET_NO_MEMORY;
    if (freshet_client_run(client, session_start, &opening)) {
        status = opening.status;
    }
    if (status == FRESHET_OK) {
        *session = made;
        made = NULL;
    }
out:
    if (made != NULL) {
        free(made->name);
        free(made);
    }
    freshet_credential_free(&credential);
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
    atomic_store_explicit(&session->closed, true, memory_order_release);
    atomic_store_explicit(&session->plain, NULL, memory_order_release);
    (void)freshet_inbox_put(client, &event);
}

void freshet_reject(struct freshet_session *session, const struct freshet_token *token)
{
    struct event event = {.kind = EVENT_REJECTED, .session = session->id};

    if (!freshet_client_forked(session->client) && token != NULL) {
        event.u.rejected.fingerprint = token->fingerprint;
        (void)freshet_inbox_put(session->client, &event);
    }
}

enum freshet_status freshet_sign_out(struct freshet_session *session)
{
    struct event event = {.kind = EVENT_SIGN_OUT, .session = session->id};

    if (freshet_client_forked(session->client)) {
        return FRESHET_FORKED;
    }
    return freshet_inbox_put(session->client, &event) ? FRESHET_OK : FRESHET_NO_MEMORY;
}

enum freshet_status freshet_set_organization(struct freshet_session *session,
                                             const char *organization)
{
    struct event event = {.kind = EVENT_ORGANIZATION, .session = session->id};

    if (freshet_client_forked(session->client)) {
        return FRESHET_FORKED;
    }
    if (organization == NULL || strlen(organization) > FRESHET_NAME_MAX) {
        return FRESHET_INVALID;
    }
    event.u.organization.organization = organization;
    return freshet_inbox_put(session->client, &event) ? FRESHET_OK : FRESHET_NO_MEMORY;
}

void freshet_wake(struct freshet_client *client)
{
    static const struct event wake = {.kind = EVENT_WAKE};

    if (!freshet_client_forked(client)) {
        (void)freshet_inbox_put(client, &wake);
    }
}
