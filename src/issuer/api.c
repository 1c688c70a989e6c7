/*
 * The endpoints, one function each, over the world. A credential is judged before anything else is
 * looked at, and a refusal says the same whether the token was bad or old. Rotation happens where an
 * answer succeeded, never on token answers.
 */
#include "issuer/api.h"

#include "issuer/form.h"
#include "issuer/shape.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct work {
    struct world *world;
    const struct call *call;
    struct answer *answer;
    int64_t now_ms;
    enum bearer bearer;
};

static void api_environment(struct work *work);
static void api_client(struct work *work);
static void api_tokens(struct work *work);
static void api_touch(struct work *work);
static void api_leave(struct work *work);
static void api_sessions(struct work *work);
static void api_me(struct work *work);
static void api_whoami(struct work *work);
static void api_refuse(struct work *work);
static void api_signed_out(struct work *work);
static bool api_identified(struct work *work);
static struct session *api_session(struct work *work);
static bool api_organization(struct work *work, const char *field, char *organization);
static void api_answer_session(struct work *work, const struct session *session);
static void api_rotate(struct work *work);

void freshet_api_answer(struct world *world, const struct call *call, int64_t wall_ms,
                        struct answer *answer)
{
    static void (*const handlers[ENDPOINT_COUNT])(struct work *) = {
        [ENDPOINT_ENVIRONMENT] = api_environment,
        [ENDPOINT_CLIENT] = api_client,
        [ENDPOINT_TOKENS] = api_tokens,
        [ENDPOINT_TOUCH] = api_touch,
        [ENDPOINT_END] = api_leave,
        [ENDPOINT_REMOVE] = api_leave,
        [ENDPOINT_SESSIONS] = api_sessions,
        [ENDPOINT_ME] = api_me,
        [ENDPOINT_WHOAMI] = api_whoami,
    };
    struct work work = {
        .world = world,
        .call = call,
        .answer = answer,
        .now_ms = freshet_world_now(world, wall_ms),
        .bearer = BEARER_NONE,
    };
    enum endpoint endpoint = call->route.endpoint;

    if (endpoint != ENDPOINT_UNKNOWN && !call->route.allowed)
        freshet_answer_error(answer, 405, "method_not_allowed",
                             "This path exists, but not for this method", NULL);
    else if (endpoint == ENDPOINT_JWKS)
        freshet_answer_json(answer, 200, freshet_mint_jwks(world->mint));
    else if (endpoint == ENDPOINT_HEALTH)
        freshet_answer_json(answer, 200, json_pack("{s:s}", "status", "healthy"));
    else if (handlers[endpoint] == NULL)
        freshet_answer_error(answer, 404, "resource_not_found", "There is nothing at this path",
                             NULL);
    else
        handlers[endpoint](&work);
}

const char *freshet_api_credential(const char *authorization)
{
    return strncasecmp(authorization, "Bearer ", 7) == 0 ? authorization + 7 : authorization;
}

static void api_environment(struct work *work)
{
    freshet_answer_json(work->answer, 200, freshet_shape_environment(work->world));
}

/* Judges the client token. A header that will not be read is refused aloud, not ignored. */
static bool api_identified(struct work *work)
{
    if (!work->call->native && work->call->authorization[0] != '\0') {
        freshet_answer_error(work->answer, 401, "authentication_invalid",
                             "The Authorization header is read only with _is_native=1", NULL);
        return false;
    }
    work->bearer = freshet_world_present(work->world, work->call->authorization);
    if (work->bearer != BEARER_BAD)
        return true;
    api_refuse(work);
    return false;
}

static void api_refuse(struct work *work)
{
    freshet_answer_error(work->answer, 401, "authentication_invalid",
                         "The client token is missing, wrong, or replaced by its successor", NULL);
}

static void api_signed_out(struct work *work)
{
    freshet_answer_error(work->answer, 401, "signed_out", "You are signed out", NULL);
}

/* A client inside an envelope: the answer of every endpoint whose resource is the client. */
static void api_answer_client(struct work *work)
{
    bool owner = work->bearer == BEARER_OWNER;

    freshet_answer_json(work->answer, 200,
                        json_pack("{s:o, s:n}", "response",
                                  freshet_shape_client(work->world, owner, work->now_ms),
                                  "client"));
}

static void api_client(struct work *work)
{
    enum verb verb = work->call->route.verb;

    if (!api_identified(work))
        return;
    if (verb == VERB_DELETE && work->bearer != BEARER_OWNER) {
        api_refuse(work);
    } else if (verb == VERB_DELETE) {
        freshet_world_forget(work->world, work->now_ms);
        api_answer_client(work);
    } else if (verb == VERB_GET && work->bearer == BEARER_NONE) {
        freshet_answer_json(work->answer, 200, json_pack("{s:n, s:n}", "response", "client"));
    } else {
        api_answer_client(work);
        if (work->bearer == BEARER_NONE)
            work->answer->authorization = freshet_world_guest_token(work->world, work->now_ms);
        api_rotate(work);
    }
}

static void api_rotate(struct work *work)
{
    if (work->bearer == BEARER_OWNER)
        work->answer->authorization = freshet_world_rotate(work->world, work->now_ms);
}

/* The session of the path, if the bearer may use it; else the answer is made. */
static struct session *api_session(struct work *work)
{
    struct session *session;

    if (!api_identified(work))
        return NULL;
    if (work->bearer == BEARER_NONE) {
        api_refuse(work);
        return NULL;
    }
    session = work->bearer == BEARER_OWNER
                  ? freshet_world_session(work->world, work->call->route.session)
                  : NULL;
    if (session == NULL)
        freshet_answer_error(work->answer, 404, "resource_not_found", "No such session",
                             "session_id");
    return session;
}

static struct session *api_active_session(struct work *work)
{
    struct session *session = api_session(work);

    if (session == NULL || session->status == SESSION_ACTIVE)
        return session;
    api_signed_out(work);
    return NULL;
}

/* The organization of a form field; left as it is when the field is absent. */
static bool api_organization(struct work *work, const char *field, char *organization)
{
    char given[NAME_MOST];
    enum form form =
        freshet_form_field(work->call->body, work->call->body_bytes, field, given, sizeof given);

    if (form == FORM_ABSENT)
        return true;
    if (form == FORM_PRESENT &&
        (given[0] == '\0' || freshet_names_have(&work->world->organizations, given))) {
        memcpy(organization, given, sizeof given);
        return true;
    }
    freshet_answer_error(work->answer, 404, "resource_not_found", "No such organization", field);
    return false;
}

static void api_tokens(struct work *work)
{
    const char *template_name = work->call->route.template_name;
    const struct world *world = work->world;
    struct session *session = api_active_session(work);
    char organization[NAME_MOST];
    char *jwt;

    if (session == NULL)
        return;
    if (template_name[0] != '\0') {
        if (world->templates.count > 0 && !freshet_names_have(&world->templates, template_name)) {
            freshet_answer_error(work->answer, 404, "resource_not_found", "No such template",
                                 "template");
            return;
        }
        jwt = freshet_world_template_token(work->world, session, template_name, work->call->origin,
                                           work->now_ms);
    } else {
        memcpy(organization, session->organization, sizeof organization);
        if (!api_organization(work, "organization_id", organization))
            return;
        jwt = freshet_world_session_token(work->world, session, organization, work->call->origin,
                                          work->now_ms);
    }
    freshet_answer_json(work->answer, 200, json_pack("{s:s, s:s}", "object", "token", "jwt", jwt));
    free(jwt);
}

static void api_touch(struct work *work)
{
    struct session *session = api_active_session(work);

    if (session == NULL || !api_organization(work, "active_organization_id", session->organization))
        return;
    session->active_ms = session->updated_ms = work->world->updated_ms = work->now_ms;
    api_answer_session(work, session);
}

/* Ends or removes. Ending twice is no error; what is removed is gone. */
static void api_leave(struct work *work)
{
    struct session *session = api_session(work);

    if (session == NULL)
        return;
    if (session->status == SESSION_REMOVED) {
        freshet_answer_error(work->answer, 404, "resource_not_found", "No such session",
                             "session_id");
        return;
    }
    session->status = work->call->route.endpoint == ENDPOINT_END ? SESSION_ENDED : SESSION_REMOVED;
    session->updated_ms = work->world->updated_ms = work->now_ms;
    work->world->settings.signed_in = freshet_world_active(work->world) != NULL;
    api_answer_session(work, session);
}

static void api_answer_session(struct work *work, const struct session *session)
{
    freshet_answer_json(work->answer, 200,
                        json_pack("{s:o, s:o}", "response",
                                  freshet_shape_session(work->world, session, work->now_ms),
                                  "client", freshet_shape_client(work->world, true, work->now_ms)));
    api_rotate(work);
}

static void api_sessions(struct work *work)
{
    if (!api_identified(work))
        return;
    if (work->bearer == BEARER_NONE) {
        api_refuse(work);
        return;
    }
    if (work->bearer == BEARER_OWNER)
        freshet_world_sign_out(work->world, work->now_ms);
    api_answer_client(work);
    api_rotate(work);
}

static void api_me(struct work *work)
{
    const char *id = work->call->session_query;
    const struct session *session;

    if (!api_identified(work))
        return;
    if (work->bearer == BEARER_NONE) {
        api_refuse(work);
        return;
    }
    session =
        id[0] == '\0' ? freshet_world_active(work->world) : freshet_world_session(work->world, id);
    if (work->bearer != BEARER_OWNER || session == NULL || session->status != SESSION_ACTIVE) {
        api_signed_out(work);
        return;
    }
    freshet_answer_json(
        work->answer, 200,
        json_pack("{s:o, s:n}", "response", freshet_shape_user(work->world, session), "client"));
}

/* The demo API: what any server does with a session token, on the issuer's own clock. */
static void api_whoami(struct work *work)
{
    const char *token =
        work->call->authorization[0] != '\0' ? work->call->authorization : work->call->cookie;
    json_t *claims = freshet_mint_verify(work->world->mint, token);
    const char *subject = json_string_value(json_object_get(claims, "sub"));
    int64_t exp_s = json_integer_value(json_object_get(claims, "exp"));
    json_t *organization = json_object_get(json_object_get(claims, "o"), "id");

    if (token[0] == '\0') {
        freshet_answer_error(work->answer, 401, "token_missing",
                             "Send a session token: Authorization: Bearer, or cookie __session",
                             NULL);
    } else if (subject == NULL) {
        freshet_answer_error(work->answer, 401, "token_invalid",
                             "This is no token that this issuer has signed", NULL);
    } else if (exp_s * 1000 <= work->now_ms) {
        freshet_answer_error(work->answer, 401, "token_expired",
                             "The token has expired by the issuer's clock", NULL);
    } else {
        freshet_answer_json(work->answer, 200,
                            json_pack("{s:s, s:O?, s:O*, s:I, s:I}", "sub", subject, "sid",
                                      json_object_get(claims, "sid"), "org_id", organization, "exp",
                                      (json_int_t)exp_s, "remaining_ms",
                                      (json_int_t)(exp_s * 1000 - work->now_ms)));
    }
    if (work->answer->status == 401)
        work->answer->challenge = "Bearer";
    json_decref(claims);
}
