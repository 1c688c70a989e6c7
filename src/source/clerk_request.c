/*
 * Building the Frontend API's requests, in the form of the native flow.
 *
 * Only GET and POST go on the wire; another verb travels as `_method`. Query parameters keep the
 * reference's order: the request's own, the versions, the method, the session, the native mark.
 * The pump calls this for each EFFECT_FETCH; whether and when to ask is the engine's business.
 */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "source/clerk.h"
#include "source/text.h"

#define CLERK_API_VERSION "2025-11-10"
#define TOKEN_ANSWER_MAX  65536
#define OTHER_ANSWER_MAX  1048576

size_t freshet_clerk_answer_max(enum endpoint on)
{
    return on == ON_TOKENS ? TOKEN_ANSWER_MAX : OTHER_ANSWER_MAX;
}

/* ---- the URL ---- */

static void request_session_path(struct text *url, const char *sid, const char *verb)
{
    freshet_text_say(url, "/client/sessions/");
    freshet_text_segment(url, sid);
    freshet_text_say(url, verb);
}

static void request_path(struct text *url, const struct effect *fetch)
{
    const struct key_view *key = &fetch->u.fetch.key;

    switch (fetch->u.fetch.on) {
    case ON_ENVIRONMENT:
        freshet_text_say(url, "/environment");
        break;
    case ON_CLIENT:
        freshet_text_say(url, "/client");
        break;
    case ON_TOKENS:
        request_session_path(url, key->sid, "/tokens");
        if (key->template_name[0] != '\0') {
            freshet_text_say(url, "/");
            freshet_text_segment(url, key->template_name);
        }
        break;
    case ON_TOUCH:
        request_session_path(url, key->sid, "/touch");
        break;
    case ON_END:
        request_session_path(url, key->sid, "/end");
        break;
    case ON_REMOVE:
        request_session_path(url, key->sid, "/remove");
        break;
    case ON_SESSIONS:
        freshet_text_say(url, "/client/sessions");
        break;
    case ON_COUNT:
        break;
    }
}

/* Behaviour rows 3.2 and C10: the request that shows the expired token drops `debug`. */
static void request_query(struct text *query, const struct effect *fetch, const char *version)
{
    enum endpoint on = fetch->u.fetch.on;

    if (fetch->u.fetch.with_expired && fetch->u.fetch.last_text != NULL) {
        freshet_text_pair(query, "expired_token", fetch->u.fetch.last_text,
                          fetch->u.fetch.last_length);
    } else if (on == ON_TOKENS && fetch->u.fetch.skip_cache) {
        freshet_text_pair_string(query, "debug", "skip_cache");
    }
    freshet_text_pair_string(query, "__clerk_api_version", CLERK_API_VERSION);
    freshet_text_pair_string(query, "_clerk_js_version", version);
    if (on == ON_SESSIONS) {
        freshet_text_pair_string(query, "_method", "DELETE");
    }
    if (on == ON_ENVIRONMENT && fetch->u.fetch.key.sid[0] != '\0') {
        freshet_text_pair_string(query, "_clerk_session_id", fetch->u.fetch.key.sid);
    }
    freshet_text_pair_string(query, "_is_native", "1");
}

/* ---- the body ---- */

/* A template's token has an empty body. The session minter makes the next token from the last. */
static void request_token_body(struct text *body, const struct effect *fetch)
{
    if (fetch->u.fetch.key.template_name[0] != '\0') {
        return;
    }
    freshet_text_pair_string(body, "organization_id", fetch->u.fetch.key.organization);
    if (!fetch->u.fetch.session_minter) {
        return;
    }
    if (fetch->u.fetch.last_text != NULL) {
        freshet_text_pair(body, "token", fetch->u.fetch.last_text, fetch->u.fetch.last_length);
    }
    if (fetch->u.fetch.skip_cache) {
        freshet_text_pair_string(body, "force_origin", "true");
    }
}

static void request_touch_body(struct text *body, const struct effect *fetch)
{
    static const char *const intents[] = {[INTENT_NONE] = NULL,
                                          [INTENT_FOCUS] = "focus",
                                          [INTENT_SELECT_SESSION] = "select_session",
                                          [INTENT_SELECT_ORG] = "select_org"};
    const char *intent = intents[fetch->u.fetch.intent];

    freshet_text_pair_string(body, "active_organization_id", fetch->u.fetch.key.organization);
    if (intent != NULL) {
        freshet_text_pair_string(body, "intent", intent);
    }
}

/* Every POST has a body, if only an empty one. */
static void request_body(struct text *body, const struct effect *fetch)
{
    freshet_text_say(body, "");
    if (fetch->u.fetch.on == ON_TOKENS) {
        request_token_body(body, fetch);
    } else if (fetch->u.fetch.on == ON_TOUCH) {
        request_touch_body(body, fetch);
    }
}

/* ---- the whole ---- */

bool freshet_clerk_request(const struct clerk_instance *instance, const struct effect *fetch,
                           const char *credential, const char *version,
                           struct http_request *request)
{
    enum endpoint on = fetch->u.fetch.on;
    struct text url = {0};
    struct text query = {0};
    struct text body = {0};
    bool wants_credential = credential != NULL && credential[0] != '\0';

    *request = (struct http_request){.post = on != ON_ENVIRONMENT && on != ON_CLIENT,
                                     .answer_max = freshet_clerk_answer_max(on),
                                     .may_rotate = on != ON_TOKENS && on != ON_ENVIRONMENT};
    freshet_text_say(&url, instance->base_url);
    request_path(&url, fetch);
    request_query(&query, fetch, version);
    freshet_text_say(&url, "?");
    freshet_text_add(&url, query.bytes != NULL ? query.bytes : "", query.length);
    freshet_text_free(&query);
    if (request->post) {
        request_body(&body, fetch);
    }
    request->url = url.bytes;
    request->body = body.bytes;
    request->body_length = body.length;
    request->authorization = wants_credential ? strdup(credential) : NULL;
    if (url.failed || query.failed || body.failed ||
        (wants_credential && request->authorization == NULL)) {
        freshet_http_request_free(request);
        return false;
    }
    return true;
}

static void request_wipe(char *text)
{
    if (text != NULL) {
        sodium_memzero(text, strlen(text));
        free(text);
    }
}

void freshet_http_request_free(struct http_request *request)
{
    request_wipe(request->url);
    request_wipe(request->body);
    request_wipe(request->authorization);
    *request = (struct http_request){0};
}
