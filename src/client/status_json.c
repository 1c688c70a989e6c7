/*
 * What the client knows, as JSON for status displays. No secrets.
 */
#include <jansson.h>
#include <stdlib.h>

#include "client/internal.h"
#include "runtime/clock.h"

static const char *status_zone_name(enum zone zone)
{
    static const char *const names[] = {
        [ZONE_FRESH] = "fresh", [ZONE_DUE] = "due", [ZONE_DANGER] = "danger", [ZONE_NONE] = "none"};

    return names[zone];
}

static void status_set_ms(json_t *object, const char *name, int64_t value)
{
    json_object_set_new(object, name, value == FRESHET_NEVER ? json_null() : json_integer(value));
}

static json_t *status_entry(const struct entry_view *view, struct now now)
{
    json_t *entry = json_object();
    bool tried = view->last_attempt_ms != 0;

    json_object_set_new(entry, "template", json_string(view->key.template_name));
    json_object_set_new(entry, "organization", json_string(view->key.organization));
    json_object_set_new(entry, "zone", json_string(status_zone_name(view->zone)));
    status_set_ms(entry, "remaining_ms", view->remaining_ms);
    status_set_ms(entry, "life_ms", view->token.life_ms);
    status_set_ms(entry, "due_at_remaining_ms", view->due_ms);
    status_set_ms(entry, "age_ms",
                  view->token.fingerprint != 0 && view->token.committed_ms > 0
                      ? now.boot_ms - view->token.committed_ms
                      : FRESHET_NEVER);
    json_object_set_new(entry, "flight", json_string(view->flight));
    json_object_set_new(entry, "attempt", json_integer(view->attempt));
    json_object_set_new(entry, "waiters", json_integer(view->waiters));
    status_set_ms(entry, "last_attempt_ago_ms",
                  tried ? now.boot_ms - view->last_attempt_ms : FRESHET_NEVER);
    json_object_set_new(entry, "last_result", json_string(freshet_status_name(view->last_status)));
    json_object_set_new(entry, "last_http_status", json_integer(view->last_http_status));
    status_set_ms(entry, "next_in_ms",
                  view->next_ms == FRESHET_NEVER ? FRESHET_NEVER : view->next_ms - now.boot_ms);
    return entry;
}

/* Where the credential is, and what is wrong with that. */
static void status_credential(const struct freshet_client *client, const struct account *account,
                              json_t *object)
{
    const char *where = account->given.path != NULL ? "file" : "memory";
    const char *fault = account->vault != NULL ? account->fault.text : client->store_fault;

    if (account->given.unsaved) {
        fault = "the client token file cannot be written; the successor is in memory alone";
    }
    json_object_set_new(object, "credential",
                        json_string(account->vault != NULL ? "store" : where));
    json_object_set_new(object, "credential_fault", json_string(fault));
}

static void status_sharing(const struct sharing *sharing, json_t *root)
{
    const struct share *share = sharing->share;
    const char *path = share != NULL ? freshet_share_path(share) : "";

    json_object_set_new(root, "sharing", json_string(path[0] != '\0' ? "on" : "off"));
    json_object_set_new(root, "sharing_place", json_string(path));
    json_object_set_new(root, "sharing_fault",
                        json_string(share != NULL ? freshet_share_fault(share) : ""));
}

static json_t *status_session(const struct freshet_client *client,
                              const struct freshet_session *session, struct now now)
{
    json_t *object = json_object();
    json_t *tokens = json_array();
    struct session_view view;
    struct entry_view entry;

    json_object_set_new(object, "name", json_string(session->name));
    if (freshet_engine_view_session(client->pump.engine, session->id, now, &view)) {
        json_object_set_new(object, "status",
                            json_string(freshet_session_status_name(view.status)));
        json_object_set_new(object, "session", json_string(view.sid));
        json_object_set_new(object, "organization", json_string(view.organization));
        status_set_ms(object, "clock_offset_ms",
                      view.clock_known ? view.clock_offset_ms : FRESHET_NEVER);
        status_set_ms(object, "clock_error_ms", view.clock_error_ms);
    }
    for (uint32_t i = 0;
         freshet_engine_view_entry(client->pump.engine, session->id, i, now, &entry); i++) {
        json_array_append_new(tokens, status_entry(&entry, now));
    }
    json_object_set_new(object, "tokens", tokens);
    status_credential(client, client->pump.sessions[session->id]->account, object);
    return object;
}

static json_t *status_events(struct freshet_client *client)
{
    json_t *events = json_array();
    size_t first =
        (client->kept_next + FRESHET_EVENTS_KEPT - client->kept_count) % FRESHET_EVENTS_KEPT;

    pthread_mutex_lock(&client->lock);
    for (size_t i = 0; i < client->kept_count; i++) {
        json_array_append_new(
            events, json_loads(client->kept[(first + i) % FRESHET_EVENTS_KEPT].text, 0, NULL));
    }
    pthread_mutex_unlock(&client->lock);
    return events;
}

struct status_task {
    struct freshet_client *client;
    char *json;
};

static void status_make(void *context)
{
    struct status_task *task = context;
    struct now now = freshet_clock_sample();
    json_t *root = json_object();
    json_t *sessions = json_array();

    for (const struct freshet_session *s = task->client->sessions; s != NULL; s = s->next) {
        if (!s->over) {
            json_array_append_new(sessions, status_session(task->client, s, now));
        }
    }
    status_sharing(&task->client->pump.sharing, root);
    json_object_set_new(root, "memory_locked",
                        json_boolean(freshet_locked_is_locked(task->client->pump.memory)));
    json_object_set_new(root, "sessions", sessions);
    json_object_set_new(root, "events", status_events(task->client));
    task->json = json_dumps(root, JSON_INDENT(2));
    json_decref(root);
}

enum freshet_status freshet_status_json(struct freshet_client *client, char **json)
{
    struct status_task task = {.client = client};

    *json = NULL;
    if (freshet_client_forked(client)) {
        return FRESHET_FORKED;
    }
    if (!freshet_client_run(client, status_make, &task) || task.json == NULL) {
        return FRESHET_NO_MEMORY;
    }
    *json = task.json;
    return FRESHET_OK;
}
