/*
 * Reading the Frontend API's answers: one response becomes one outcome.
 *
 * The status decides the class (architecture: flights), the body only adds to it; a body that is no
 * JSON keeps its status. Every answer may carry the client, errors too.
 */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "source/json.h"
#include "source/source.h"

#define ANSWER_SESSIONS_MAX 64
#define ANSWER_CODE_MAX 64
#define ANSWER_ID_MAX 255
#define ANSWER_CREDENTIAL_MAX 16384

/* Everything an outcome points into. */
struct answer_memory {
    json_t *root;
    void *token_strings;
    struct client_session sessions[ANSWER_SESSIONS_MAX];
    void *session_strings[ANSWER_SESSIONS_MAX];
    size_t session_count;
    char code[ANSWER_CODE_MAX + 1];
    char *credential;
};

void freshet_reading_free(struct reading *reading)
{
    struct answer_memory *memory = reading->memory;

    if (memory == NULL) {
        return;
    }
    freshet_jwt_free(memory->token_strings);
    for (size_t i = 0; i < memory->session_count; i++) {
        freshet_jwt_free(memory->session_strings[i]);
    }
    if (memory->credential != NULL) {
        sodium_memzero(memory->credential, strlen(memory->credential));
        free(memory->credential);
    }
    json_decref(memory->root);
    free(memory);
    reading->memory = NULL;
    reading->credential = NULL;
}

/* ---- parts ---- */

/* A code is a short word of the issuer's; anything else is not repeated to anyone. */
static void answer_copy_code(char *to, const char *code)
{
    size_t length = strnlen(code, ANSWER_CODE_MAX);

    for (size_t i = 0; i < length; i++) {
        char c = code[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                     (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';

        to[i] = plain ? c : '?';
    }
    to[length] = '\0';
}

static const json_t *answer_errors(const struct answer_memory *memory)
{
    return json_object_get(memory->root, "errors");
}

static const char *answer_error_code(const json_t *errors, size_t index)
{
    return freshet_json_string(json_array_get(errors, index), "code");
}

static bool answer_has_code(const json_t *errors, const char *code)
{
    for (size_t i = 0; i < json_array_size(errors); i++) {
        if (strcmp(answer_error_code(errors, i), code) == 0) {
            return true;
        }
    }
    return false;
}

static bool answer_token(const char *text, struct token *token, void **strings)
{
    return freshet_jwt_read(text, strlen(text), token, strings);
}

static void answer_session(struct answer_memory *memory, const json_t *json)
{
    struct client_session *session = &memory->sessions[memory->session_count];
    const char *status = freshet_json_string(json, "status");
    const char *jwt = freshet_json_string(json_object_get(json, "last_active_token"), "jwt");

    *session = (struct client_session){.id = freshet_json_string(json, "id")};
    if (session->id[0] == '\0' || strlen(session->id) > ANSWER_ID_MAX) {
        return;
    }
    session->signed_in = strcmp(status, "active") == 0 || strcmp(status, "pending") == 0;
    session->organization = freshet_json_string(json, "last_active_organization_id");
    session->has_token = jwt[0] != '\0' && answer_token(jwt, &session->token,
                                                        &memory->session_strings
                                                             [memory->session_count]);
    memory->session_count++;
}

/* A client; null means a client without sessions. */
static void answer_client(struct reading *reading, const json_t *client)
{
    struct answer_memory *memory = reading->memory;
    const json_t *sessions = json_object_get(client, "sessions");
    size_t count = json_array_size(sessions);

    for (size_t i = 0; i < count && memory->session_count < ANSWER_SESSIONS_MAX; i++) {
        answer_session(memory, json_array_get(sessions, i));
    }
    reading->outcome.has_client = true;
    reading->outcome.client =
        (struct client_answer){.last_active_session =
                                   freshet_json_string(client, "last_active_session_id"),
                               .sessions = memory->sessions,
                               .session_count = memory->session_count};
}

/* The client inside any answer: beside the response, or in the meta of an error. */
static void answer_embedded_client(struct reading *reading, enum endpoint on)
{
    struct answer_memory *memory = reading->memory;
    const json_t *client = json_object_get(memory->root, "client");

    if (!json_is_object(client)) {
        client = json_object_get(json_object_get(memory->root, "meta"), "client");
    }
    if (json_is_object(client)) {
        answer_client(reading, client);
        return;
    }
    if (on == ON_TOUCH && json_is_object(json_object_get(memory->root, "response"))) {
        answer_session(memory, json_object_get(memory->root, "response"));
        reading->outcome.has_client = memory->session_count > 0;
        reading->outcome.client = (struct client_answer){
            .last_active_session = "", .sessions = memory->sessions,
            .session_count = memory->session_count};
    }
}

/* ---- classes ---- */

static enum outcome_kind answer_class(int status, const json_t *errors)
{
    if (status >= 500 || status == 429 || status < 200 || (status >= 300 && status < 400)) {
        return OUTCOME_TRY_LATER;
    }
    if (status < 300) {
        return OUTCOME_GOOD;
    }
    if (status == 401) {
        return answer_has_code(errors, "dev_browser_unauthenticated") ||
                       answer_has_code(errors, "requires_captcha")
                   ? OUTCOME_REFUSED
                   : OUTCOME_UNAUTHENTICATED;
    }
    if (status == 403) {
        return answer_has_code(errors, "user_banned") || answer_has_code(errors, "user_deactivated")
                   ? OUTCOME_UNAUTHENTICATED
                   : OUTCOME_REFUSED;
    }
    if (status == 422) {
        return strcmp(answer_error_code(errors, 0), "missing_expired_token") == 0
                   ? OUTCOME_MISSING_EXPIRED
                   : OUTCOME_UNAUTHENTICATED;
    }
    return OUTCOME_REFUSED;
}

/* A good status whose body makes no sense is a failure of the issuer. */
static void answer_unreadable(struct outcome *outcome, enum unreadable how)
{
    outcome->kind = OUTCOME_TRY_LATER;
    outcome->unreadable = how;
}

static void answer_read_token(struct reading *reading)
{
    struct answer_memory *memory = reading->memory;
    struct outcome *outcome = &reading->outcome;
    const char *jwt = freshet_json_string(memory->root, "jwt");

    if (jwt[0] == '\0') {
        answer_unreadable(outcome, READ_EMPTY);
        return;
    }
    outcome->has_token = answer_token(jwt, &outcome->token, &memory->token_strings);
    if (!outcome->has_token) {
        answer_unreadable(outcome, READ_MALFORMED);
    }
}

static void answer_read_client(struct reading *reading)
{
    struct answer_memory *memory = reading->memory;
    const json_t *response = json_object_get(memory->root, "response");

    if (!json_is_object(response) && !json_is_null(response)) {
        answer_unreadable(&reading->outcome, READ_MALFORMED);
        return;
    }
    answer_client(reading, response);
}

static void answer_read_environment(struct reading *reading)
{
    struct answer_memory *memory = reading->memory;
    const json_t *environment = json_object_get(memory->root, "response");
    const json_t *config = NULL;

    if (!json_is_object(environment)) {
        environment = memory->root;
    }
    config = json_object_get(environment, "auth_config");
    reading->outcome.has_environment = json_is_object(config);
    reading->outcome.session_minter = json_is_true(json_object_get(config, "session_minter"));
}

static void answer_read_good(enum endpoint on, const struct http_response *response,
                             struct reading *reading)
{
    struct answer_memory *memory = reading->memory;

    if (on == ON_TOUCH || on == ON_END || on == ON_REMOVE || on == ON_SESSIONS || on == ON_COUNT) {
        return;
    }
    if (memory->root == NULL) {
        answer_unreadable(&reading->outcome,
                          response->body_length == 0 ? READ_EMPTY : READ_MALFORMED);
    } else if (on == ON_TOKENS) {
        answer_read_token(reading);
    } else if (on == ON_CLIENT) {
        answer_read_client(reading);
    } else {
        answer_read_environment(reading);
    }
}

/* ---- headers ---- */

static void answer_read_credential(struct reading *reading, const char *value)
{
    struct answer_memory *memory = reading->memory;

    if (value == NULL) {
        return;
    }
    if (strncmp(value, "Bearer ", 7) == 0 || strncmp(value, "bearer ", 7) == 0) {
        value += 7;
    }
    if (value[0] == '\0' || strnlen(value, ANSWER_CREDENTIAL_MAX + 1) > ANSWER_CREDENTIAL_MAX) {
        return;
    }
    memory->credential = strdup(value);
    reading->credential = memory->credential;
}

static void answer_read_headers(struct reading *reading, const struct http_response *response,
                                int64_t wall_ms)
{
    struct outcome *outcome = &reading->outcome;

    if (!freshet_http_date(response->date, &outcome->date_s)) {
        outcome->date_s = 0;
    }
    if (response->status == 429 || response->status == 503) {
        outcome->has_retry_after =
            freshet_retry_after(response->retry_after, wall_ms, &outcome->retry_after_ms);
    }
    answer_read_credential(reading, response->authorization);
}

void freshet_clerk_read(enum endpoint on, const struct http_response *response, int64_t wall_ms,
                        struct reading *reading)
{
    struct outcome *outcome = &reading->outcome;
    struct answer_memory *memory = NULL;

    *reading = (struct reading){.outcome = {.code = "", .http_status = response->status}};
    if (response->status == 0) {
        outcome->kind = OUTCOME_NO_ANSWER;
        outcome->no_answer = response->no_answer;
        return;
    }
    memory = calloc(1, sizeof(*memory));
    if (memory == NULL) {
        answer_unreadable(outcome, READ_WELL);
        return;
    }
    reading->memory = memory;
    if (!response->body_too_long && response->status != 204) {
        memory->root = freshet_json_object(response->body, response->body_length);
    }
    outcome->kind = answer_class(response->status, answer_errors(memory));
    answer_copy_code(memory->code, answer_error_code(answer_errors(memory), 0));
    outcome->code = memory->code;
    answer_read_headers(reading, response, wall_ms);
    if (outcome->kind == OUTCOME_GOOD) {
        answer_read_good(on, response, reading);
    }
    if (!outcome->has_client) {
        answer_embedded_client(reading, on);
    }
}
