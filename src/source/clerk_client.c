/*
 * Reading a client: its sessions, and the tokens they bring.
 *
 * A client that shows no session is a sign-out, so it is believed only when it can be read whole: a
 * session without an id or a status, or more sessions than fit, and none of it is taken. A token
 * that cannot be read is only left out. clerk_answer.c finds the client in an answer.
 */
#include <stdlib.h>
#include <string.h>

#include "source/clerk.h"
#include "source/json.h"

#define CLIENT_SESSIONS_MAX 1024

static bool client_session(const json_t *json, struct client_session *session, void **claims)
{
    const char *status = freshet_json_string(json, "status");
    const char *jwt = freshet_json_string(json_object_get(json, "last_active_token"), "jwt");

    if (!freshet_json_id(json, "id", &session->id) || session->id[0] == '\0' || status[0] == '\0' ||
        !freshet_json_id(json, "last_active_organization_id", &session->organization)) {
        return false;
    }
    session->signed_in = strcmp(status, "active") == 0 || strcmp(status, "pending") == 0;
    session->has_token = freshet_jwt_read(jwt, strlen(jwt), &session->token, claims);
    return true;
}

/* Room for the sessions of one client; false if there is one already, too many, or no memory. */
static bool client_room(struct reading_memory *memory, size_t count)
{
    if (memory->sessions != NULL || count > CLIENT_SESSIONS_MAX) {
        return false;
    }
    memory->sessions = calloc(count + 1, sizeof(*memory->sessions));
    memory->session_claims = calloc(count + 1, sizeof(*memory->session_claims));
    if (memory->sessions == NULL || memory->session_claims == NULL) {
        return false;
    }
    memory->session_count = count;
    return true;
}

static void client_show(struct reading *reading, const char *last_active)
{
    const struct reading_memory *memory = reading->memory;

    reading->outcome.has_client = true;
    reading->outcome.client = (struct client_answer){.last_active_session = last_active,
                                                     .sessions = memory->sessions,
                                                     .session_count = memory->session_count};
}

bool freshet_clerk_client(struct reading *reading, const json_t *client)
{
    struct reading_memory *memory = reading->memory;
    const json_t *sessions = json_object_get(client, "sessions");
    const char *last_active = "";

    if (!json_is_null(client) &&
        (!json_is_object(client) || !json_is_array(sessions) ||
         !freshet_json_id(client, "last_active_session_id", &last_active))) {
        return false;
    }
    if (!client_room(memory, json_array_size(sessions))) {
        return false;
    }
    for (size_t i = 0; i < memory->session_count; i++) {
        if (!client_session(json_array_get(sessions, i), &memory->sessions[i],
                            &memory->session_claims[i])) {
            return false;
        }
    }
    client_show(reading, last_active);
    return true;
}

bool freshet_clerk_lone_session(struct reading *reading, const json_t *session)
{
    struct reading_memory *memory = reading->memory;

    if (!client_room(memory, 1) ||
        !client_session(session, &memory->sessions[0], &memory->session_claims[0])) {
        return false;
    }
    client_show(reading, "");
    return true;
}
