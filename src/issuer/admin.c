/*
 * The admin endpoint: look at the issuer, and change what it does, while it runs. It serves whoever
 * can reach the loopback port, but not a browser: a Host that is not ours (a rebound name) or any
 * Origin is refused. The state holds no token; POST session returns one, as the ready line does.
 */
#include "issuer/issuer.h"

#include <string.h>

/* Bodies are small; deeper or wider input than this is no list of faults. */
enum { DEPTH_MOST = 16 };

static void admin_state(struct issuer *issuer, struct moment now, struct answer *answer);
static void admin_faults(struct issuer *issuer, json_t *body, struct answer *answer);
static void admin_settings(struct issuer *issuer, json_t *body, struct moment now,
                           struct answer *answer);
static void admin_session(struct issuer *issuer, struct moment now, struct answer *answer);
static bool admin_trusts(const struct issuer *issuer, const struct call *call);
static bool admin_shallow(const char *bytes, size_t length);

void freshet_admin_answer(struct issuer *issuer, const struct call *call, struct moment now,
                          struct answer *answer)
{
    enum endpoint endpoint = call->route.endpoint;
    json_t *body = NULL;

    if (!admin_trusts(issuer, call)) {
        freshet_answer_error(answer, 403, "authorization_invalid",
                             "The admin endpoint wants its own Host and no Origin", NULL);
        return;
    }
    if (!call->route.allowed) {
        freshet_answer_error(answer, 405, "method_not_allowed",
                             "This path exists, but not for this method", NULL);
        return;
    }
    if (call->route.verb == VERB_PUT) {
        if (admin_shallow(call->body, call->body_bytes))
            body = json_loadb(call->body, call->body_bytes, JSON_REJECT_DUPLICATES, NULL);
        if (!json_is_object(body)) {
            freshet_answer_error(answer, 400, "bad_request", "The body must be one JSON object",
                                 NULL);
            json_decref(body);
            return;
        }
    }
    if (endpoint == ENDPOINT_STATE)
        admin_state(issuer, now, answer);
    else if (endpoint == ENDPOINT_FAULTS)
        admin_faults(issuer, body, answer);
    else if (endpoint == ENDPOINT_SETTINGS)
        admin_settings(issuer, body, now, answer);
    else
        admin_session(issuer, now, answer);
    json_decref(body);
}

static bool admin_trusts(const struct issuer *issuer, const struct call *call)
{
    const char *place = issuer->world.issuer + strlen("http://");
    const char *port = strrchr(place, ':');

    return call->origin == NULL &&
           (strcmp(call->host, place) == 0 ||
            (strncmp(call->host, "localhost:", 10) == 0 && strcmp(call->host + 9, port) == 0));
}

static bool admin_shallow(const char *bytes, size_t length)
{
    int depth = 0;

    for (size_t i = 0; i < length; i++) {
        if (bytes[i] == '{' || bytes[i] == '[')
            depth++;
        if (bytes[i] == '}' || bytes[i] == ']')
            depth--;
        if (depth > DEPTH_MOST)
            return false;
    }
    return true;
}

static void admin_state(struct issuer *issuer, struct moment now, struct answer *answer)
{
    const struct world *world = &issuer->world;
    json_t *requests = json_object();
    json_t *sessions = json_array();

    for (int i = ENDPOINT_UNKNOWN; i < ENDPOINT_COUNT; i++) {
        if (issuer->requests[i] > 0)
            (void)json_object_set_new(requests, freshet_endpoint_name((enum endpoint)i),
                                      json_integer(issuer->requests[i]));
    }
    for (size_t i = 0; i < world->session_count; i++) {
        const struct session *session = &world->sessions[i];

        (void)json_array_append_new(sessions, json_pack("{s:s, s:b, s:s}", "id", session->id,
                                                        "active", session->status == SESSION_ACTIVE,
                                                        "organization", session->organization));
    }
    freshet_answer_json(
        answer, 200,
        json_pack("{s:s, s:s, s:I, s:o, s:I, s:I, s:I, s:{s:I, s:I}, s:o, s:o, s:o}", "url",
                  world->issuer, "publishable_key", issuer->publishable_key, "uptime_ms",
                  (json_int_t)((now.mono_us - issuer->started.mono_us) / 1000), "requests",
                  requests, "in_flight", (json_int_t)issuer->in_flight, "hanging",
                  (json_int_t)issuer->hanging, "minted", (json_int_t)world->minted, "rotation",
                  "generation", (json_int_t)world->generation, "accepted_from",
                  (json_int_t)world->accepted_from, "sessions", sessions, "settings",
                  freshet_settings_show(&world->settings), "faults",
                  freshet_faults_show(issuer->faults)));
}

static void admin_wrong(struct answer *answer, const struct problem *problem)
{
    freshet_answer_error(answer, 422, "form_param_invalid", problem->text, NULL);
}

static void admin_faults(struct issuer *issuer, json_t *body, struct answer *answer)
{
    struct problem problem = {""};

    if (body != NULL && freshet_faults_set(issuer->faults, body, &problem) != 0)
        admin_wrong(answer, &problem);
    else
        freshet_answer_json(answer, 200, freshet_faults_show(issuer->faults));
}

static void admin_settings(struct issuer *issuer, json_t *body, struct moment now,
                           struct answer *answer)
{
    struct settings settings = issuer->world.settings;
    struct problem problem = {""};

    if (body != NULL && freshet_settings_change(&settings, body, &problem) != 0) {
        admin_wrong(answer, &problem);
        return;
    }
    if (body != NULL)
        freshet_world_settle(&issuer->world, &settings, now.wall_ms + settings.clock_ahead_ms);
    freshet_answer_json(answer, 200, freshet_settings_show(&settings));
}

static void admin_session(struct issuer *issuer, struct moment now, struct answer *answer)
{
    freshet_world_sign_in(&issuer->world, freshet_world_now(&issuer->world, now.wall_ms));
    freshet_answer_json(answer, 200, freshet_issuer_ready(issuer));
}
