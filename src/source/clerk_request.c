/*
 * Building the Frontend API's requests, in the form of the native flow.
 *
 * Only GET and POST go on the wire; other verbs travel as `_method`. Query parameters keep the
 * reference's order: the request's own, the versions, the method, the session, the native mark.
 */
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "source/source.h"

#define CLERK_API_VERSION "2025-11-10"
#define TOKEN_ANSWER_MAX 65536
#define OTHER_ANSWER_MAX 1048576

/* Text that grows; after a failed allocation it stays empty and says so. */
struct text {
    char *bytes;
    size_t length;
    size_t capacity;
    bool failed;
};

static void text_free(struct text *text)
{
    if (text->bytes != NULL) {
        sodium_memzero(text->bytes, text->capacity);
        free(text->bytes);
    }
    text->bytes = NULL;
}

static bool text_room(struct text *text, size_t more)
{
    size_t capacity = text->capacity != 0 ? text->capacity : 256;
    char *bytes = NULL;

    if (text->length + more < text->capacity) {
        return true;
    }
    while (capacity <= text->length + more) {
        capacity *= 2;
    }
    bytes = calloc(1, capacity);
    if (bytes == NULL) {
        text->failed = true;
        return false;
    }
    if (text->bytes != NULL) {
        memcpy(bytes, text->bytes, text->length);
    }
    text_free(text);
    text->bytes = bytes;
    text->capacity = capacity;
    return true;
}

static void text_add(struct text *text, const char *bytes, size_t length)
{
    if (text_room(text, length)) {
        memcpy(text->bytes + text->length, bytes, length);
        text->length += length;
        text->bytes[text->length] = '\0';
    }
}

static void text_say(struct text *text, const char *word)
{
    text_add(text, word, strlen(word));
}

/* Percent-encoding; in a form a space is a plus and the tilde is encoded (WHATWG URL, 5.2). */
static void text_encode(struct text *text, const char *bytes, size_t length, bool form)
{
    static const char hex[] = "0123456789ABCDEF";

    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)bytes[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     c == '-' || c == '.' || c == '_' || (form ? c == '*' : c == '~');
        char encoded[3] = {'%', hex[c >> 4], hex[c & 15]};

        if (plain) {
            text_add(text, (const char *)&c, 1);
        } else if (form && c == ' ') {
            text_say(text, "+");
        } else {
            text_add(text, encoded, sizeof(encoded));
        }
    }
}

/* "name=value", after an ampersand if it is not the first. */
static void text_pair(struct text *text, const char *name, const char *value, size_t length)
{
    if (text->length > 0) {
        text_say(text, "&");
    }
    text_say(text, name);
    text_say(text, "=");
    text_encode(text, value, length, true);
}

static void text_pair_string(struct text *text, const char *name, const char *value)
{
    text_pair(text, name, value, strlen(value));
}

/* ---- the parts of a request ---- */

static void request_session_path(struct text *path, const char *sid, const char *verb)
{
    text_say(path, "/client/sessions/");
    text_encode(path, sid, strlen(sid), false);
    text_say(path, verb);
}

static void request_path(struct text *path, const struct effect *fetch)
{
    const struct key_view *key = &fetch->u.fetch.key;

    switch (fetch->u.fetch.on) {
    case ON_ENVIRONMENT:
        text_say(path, "/environment");
        break;
    case ON_CLIENT:
        text_say(path, "/client");
        break;
    case ON_TOKENS:
        request_session_path(path, key->sid, "/tokens");
        if (key->template_name[0] != '\0') {
            text_say(path, "/");
            text_encode(path, key->template_name, strlen(key->template_name), false);
        }
        break;
    case ON_TOUCH:
        request_session_path(path, key->sid, "/touch");
        break;
    case ON_END:
        request_session_path(path, key->sid, "/end");
        break;
    case ON_REMOVE:
        request_session_path(path, key->sid, "/remove");
        break;
    case ON_SESSIONS:
    case ON_COUNT:
        text_say(path, "/client/sessions");
        break;
    }
}

static void request_query(struct text *query, const struct effect *fetch, const char *version)
{
    enum endpoint on = fetch->u.fetch.on;

    if (fetch->u.fetch.with_expired && fetch->u.fetch.last_text != NULL) {
        text_pair(query, "expired_token", fetch->u.fetch.last_text, fetch->u.fetch.last_length);
    } else if (on == ON_TOKENS && fetch->u.fetch.skip_cache) {
        text_pair_string(query, "debug", "skip_cache");
    }
    text_pair_string(query, "__clerk_api_version", CLERK_API_VERSION);
    text_pair_string(query, "_clerk_js_version", version);
    if (on == ON_SESSIONS) {
        text_pair_string(query, "_method", "DELETE");
    }
    if (on == ON_ENVIRONMENT && fetch->u.fetch.key.sid[0] != '\0') {
        text_pair_string(query, "_clerk_session_id", fetch->u.fetch.key.sid);
    }
    text_pair_string(query, "_is_native", "1");
}

static void request_token_body(struct text *body, const struct effect *fetch)
{
    if (fetch->u.fetch.key.template_name[0] != '\0') {
        return;
    }
    text_pair_string(body, "organization_id", fetch->u.fetch.key.organization);
    if (!fetch->u.fetch.session_minter) {
        return;
    }
    if (fetch->u.fetch.last_text != NULL) {
        text_pair(body, "token", fetch->u.fetch.last_text, fetch->u.fetch.last_length);
    }
    if (fetch->u.fetch.skip_cache) {
        text_pair_string(body, "force_origin", "true");
    }
}

static void request_touch_body(struct text *body, const struct effect *fetch)
{
    static const char *const intents[] = {[INTENT_NONE] = NULL,
                                          [INTENT_FOCUS] = "focus",
                                          [INTENT_SELECT_SESSION] = "select_session",
                                          [INTENT_SELECT_ORG] = "select_org"};
    const char *intent = intents[fetch->u.fetch.intent];

    text_pair_string(body, "active_organization_id", fetch->u.fetch.key.organization);
    if (intent != NULL) {
        text_pair_string(body, "intent", intent);
    }
}

static void request_body(struct text *body, const struct effect *fetch)
{
    text_say(body, "");
    if (fetch->u.fetch.on == ON_TOKENS) {
        request_token_body(body, fetch);
    } else if (fetch->u.fetch.on == ON_TOUCH) {
        request_touch_body(body, fetch);
    }
}

static bool request_credential(struct http_request *request, const char *credential)
{
    if (credential == NULL || credential[0] == '\0') {
        return true;
    }
    request->authorization = strdup(credential);
    return request->authorization != NULL;
}

bool freshet_clerk_request(const struct clerk_instance *instance, const struct effect *fetch,
                           const char *credential, const char *version,
                           struct http_request *request)
{
    enum endpoint on = fetch->u.fetch.on;
    struct text url = {0};
    struct text query = {0};
    struct text body = {0};

    *request = (struct http_request){
        .post = on != ON_ENVIRONMENT && on != ON_CLIENT,
        .answer_max = on == ON_TOKENS ? TOKEN_ANSWER_MAX : OTHER_ANSWER_MAX,
        .may_rotate = on != ON_TOKENS && on != ON_ENVIRONMENT};
    text_say(&url, instance->base_url);
    request_path(&url, fetch);
    request_query(&query, fetch, version);
    text_say(&url, "?");
    text_add(&url, query.bytes != NULL ? query.bytes : "", query.length);
    if (request->post) {
        request_body(&body, fetch);
    }
    text_free(&query);
    request->url = url.bytes;
    request->body = body.bytes;
    request->body_length = body.length;
    if (url.failed || query.failed || body.failed || !request_credential(request, credential)) {
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
