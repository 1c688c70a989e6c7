/*
 * Reading the Frontend API's answers: one response becomes one outcome.
 *
 * The status decides the class (architecture: flights); the body can add to it, and take from a good
 * status what it does not keep. A body that is no JSON keeps its status (behaviour row D28). Every
 * answer may carry the client, errors too. The pumps call freshet_clerk_read() for each response.
 */
#include <stdlib.h>
#include <string.h>

#include "source/clerk.h"
#include "source/json.h"

#define ANSWER_CREDENTIAL_MAX 16384

/* ---- error codes ---- */

/* A code is a short word of the issuer's; what is no such word is not repeated to anyone. */
static void answer_copy_code(char *to, const char *code)
{
    size_t length = strnlen(code, FRESHET_CODE_MAX);

    for (size_t i = 0; i < length; i++) {
        char c = code[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     c == '_' || c == '-' || c == '.';

        to[i] = plain ? c : '?';
    }
    to[length] = '\0';
}

static const char *answer_code(const json_t *errors, size_t index)
{
    return freshet_json_string(json_array_get(errors, index), "code");
}

static bool answer_has_code(const json_t *errors, const char *code)
{
    for (size_t i = 0; i < json_array_size(errors); i++) {
        if (strcmp(answer_code(errors, i), code) == 0) {
            return true;
        }
    }
    return false;
}

/* ---- classes ---- */

static enum outcome_kind answer_class_of_error(int status, const json_t *errors)
{
    bool unauthenticated = false;

    switch (status) {
    case 401:
        unauthenticated = !answer_has_code(errors, "dev_browser_unauthenticated") &&
                          !answer_has_code(errors, "requires_captcha");
        break;
    case 403:
        unauthenticated =
            answer_has_code(errors, "user_banned") || answer_has_code(errors, "user_deactivated");
        break;
    case 422:
        if (strcmp(answer_code(errors, 0), "missing_expired_token") == 0) {
            return OUTCOME_MISSING_EXPIRED;
        }
        unauthenticated = true;
        break;
    default:
        break;
    }
    return unauthenticated ? OUTCOME_UNAUTHENTICATED : OUTCOME_REFUSED;
}

static enum outcome_kind answer_class(int status, const json_t *errors)
{
    if (status >= 200 && status < 300) {
        return OUTCOME_GOOD;
    }
    if (status >= 400 && status < 500 && status != 429) {
        return answer_class_of_error(status, errors);
    }
    return OUTCOME_TRY_LATER;
}

/* ---- good answers ---- */

static enum unreadable answer_read_token(struct reading *reading)
{
    struct reading_memory *memory = reading->memory;
    struct outcome *outcome = &reading->outcome;
    const json_t *jwt = json_object_get(memory->root, "jwt");

    if (jwt == NULL || json_is_null(jwt) || (json_is_string(jwt) && json_string_length(jwt) == 0)) {
        return READ_EMPTY;
    }
    outcome->has_token = freshet_jwt_read(json_string_value(jwt), json_string_length(jwt),
                                          &outcome->token, &memory->claims);
    return outcome->has_token ? READ_WELL : READ_MALFORMED;
}

static enum unreadable answer_read_client(struct reading *reading)
{
    const struct reading_memory *memory = reading->memory;

    if (json_object_size(memory->root) == 0) {
        return READ_EMPTY;
    }
    return freshet_clerk_client(reading, json_object_get(memory->root, "response"))
               ? READ_WELL
               : READ_MALFORMED;
}

/* The environment comes bare, or wrapped like other resources. */
static enum unreadable answer_read_environment(struct reading *reading)
{
    const struct reading_memory *memory = reading->memory;
    const json_t *wrapped = json_object_get(memory->root, "response");
    const json_t *config =
        json_object_get(json_is_object(wrapped) ? wrapped : memory->root, "auth_config");

    if (!json_is_object(config)) {
        return json_object_size(memory->root) == 0 ? READ_EMPTY : READ_MALFORMED;
    }
    reading->outcome.has_environment = true;
    reading->outcome.session_minter = json_is_true(json_object_get(config, "session_minter"));
    return READ_WELL;
}

/* What a good status promised. Touch and sign-out need no body, but a page that is no JSON comes
 * from something that stands in the way, not from the issuer. */
static enum unreadable answer_read_good(enum endpoint on, bool no_body, struct reading *reading)
{
    const struct reading_memory *memory = reading->memory;
    bool needs_body = on == ON_TOKENS || on == ON_CLIENT || on == ON_ENVIRONMENT;

    if (no_body) {
        return needs_body ? READ_EMPTY : READ_WELL;
    }
    if (memory->root == NULL) {
        return READ_MALFORMED;
    }
    switch (on) {
    case ON_TOKENS:
        return answer_read_token(reading);
    case ON_CLIENT:
        return answer_read_client(reading);
    case ON_ENVIRONMENT:
        return answer_read_environment(reading);
    case ON_TOUCH:
    case ON_END:
    case ON_REMOVE:
    case ON_SESSIONS:
    case ON_COUNT:
        break;
    }
    return READ_WELL;
}

/* The client beside the answer, or in the meta of an error; a touch may show its session alone. */
static void answer_read_embedded(enum endpoint on, struct reading *reading)
{
    const struct reading_memory *memory = reading->memory;
    const json_t *client = json_object_get(memory->root, "client");

    if (!json_is_object(client)) {
        client = json_object_get(json_object_get(memory->root, "meta"), "client");
    }
    if (json_is_object(client)) {
        (void)freshet_clerk_client(reading, client);
    } else if (on == ON_TOUCH && reading->outcome.kind == OUTCOME_GOOD) {
        (void)freshet_clerk_lone_session(reading, json_object_get(memory->root, "response"));
    }
}

/* ---- headers ---- */

/* "Bearer", in any case, with the space that follows it. */
static size_t answer_scheme_length(const char *value)
{
    static const char scheme[] = "bearer";
    size_t length = 0;

    while (length < sizeof(scheme) - 1 && (value[length] | 0x20) == scheme[length]) {
        length++;
    }
    if (length < sizeof(scheme) - 1 || (value[length] != ' ' && value[length] != '\0')) {
        return 0;
    }
    return length + strspn(value + length, " ");
}

/* One word of visible ASCII; anything else would not fit into a header again. Space around it is
 * forgiven: a successor that is not kept signs the device out. */
static void answer_read_credential(struct reading *reading, const char *value)
{
    struct reading_memory *memory = reading->memory;
    size_t length = 0;

    if (value == NULL) {
        return;
    }
    value += strspn(value, " \t");
    value += answer_scheme_length(value);
    while (value[length] > ' ' && value[length] <= '~' && length <= ANSWER_CREDENTIAL_MAX) {
        length++;
    }
    if (length == 0 || length > ANSWER_CREDENTIAL_MAX ||
        value[length + strspn(value + length, " \t\r\n")] != '\0') {
        return;
    }
    memory->credential = strndup(value, length);
    reading->credential = memory->credential;
}

/* A date in Retry-After is the issuer's time, so its own Date is the better "now" to take it from. */
static void answer_read_headers(struct reading *reading, const struct http_response *response,
                                int64_t wall_ms)
{
    struct outcome *outcome = &reading->outcome;
    int64_t now_ms = wall_ms;

    if (freshet_http_date(response->date, &outcome->date_s)) {
        now_ms = outcome->date_s * 1000;
    }
    if (response->status == 429 || response->status == 503) {
        outcome->has_retry_after =
            freshet_retry_after(response->retry_after, now_ms, &outcome->retry_after_ms);
    }
    answer_read_credential(reading, response->authorization);
}

/* ---- the whole ---- */

static void answer_read(enum endpoint on, const struct http_response *response,
                        struct reading *reading)
{
    struct reading_memory *memory = reading->memory;
    struct outcome *outcome = &reading->outcome;
    const json_t *errors = NULL;
    bool no_body =
        response->status == 204 || (response->body_length == 0 && !response->body_too_long);

    if (!no_body && !response->body_too_long) {
        memory->root = freshet_json_object(response->body, response->body_length,
                                           freshet_clerk_answer_max(on));
    }
    errors = json_object_get(memory->root, "errors");
    answer_copy_code(memory->code, answer_code(errors, 0));
    outcome->code = memory->code;
    outcome->kind = answer_class(response->status, errors);
    if (outcome->kind == OUTCOME_GOOD) {
        outcome->unreadable = answer_read_good(on, no_body, reading);
    }
    if (outcome->unreadable != READ_WELL) {
        outcome->kind = OUTCOME_TRY_LATER;
    }
    if (!outcome->has_client) {
        answer_read_embedded(on, reading);
    }
}

void freshet_clerk_read(enum endpoint on, const struct http_response *response, int64_t wall_ms,
                        struct reading *reading)
{
    struct outcome *outcome = &reading->outcome;

    *reading = (struct reading){.outcome = {.code = "", .http_status = response->status}};
    if (response->status == 0) {
        outcome->kind = OUTCOME_NO_ANSWER;
        outcome->no_answer = response->no_answer;
        return;
    }
    if (freshet_reading_new(reading) == NULL) {
        outcome->kind = OUTCOME_TRY_LATER;
        return;
    }
    answer_read_headers(reading, response, wall_ms);
    answer_read(on, response, reading);
}
