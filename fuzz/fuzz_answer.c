/*
 * Any response on any endpoint becomes an outcome that the engine can take.
 *
 * Input: a line with a digit for the endpoint and the status ("2 200"), one line each with
 * Retry-After, Date and Authorization (an empty line: no such header), then the body.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "source/source.h"

#define WALL_MS INT64_C(1445412470000)

struct input {
    const char *at;
    size_t left;
};

/* The next line, without its end, as a string of its own. */
static char *input_line(struct input *input)
{
    const char *end = memchr(input->at, '\n', input->left);
    size_t length = end != NULL ? (size_t)(end - input->at) : input->left;
    char *line = strndup(input->at, length);

    fuzz_check(line != NULL);
    input->at += length + (end != NULL ? 1 : 0);
    input->left -= length + (end != NULL ? 1 : 0);
    return line;
}

static const char *header_or_none(const char *line)
{
    return line[0] != '\0' ? line : NULL;
}

static void check_token(const struct token *token)
{
    fuzz_check(token->text != NULL && token->length > 0 && token->length <= FRESHET_TOKEN_MAX);
    fuzz_check(token->fingerprint == freshet_fingerprint(token->text, token->length));
    fuzz_check(token->iat_s > 0 && token->iat_s <= token->exp_s);
    fuzz_check(token->has_oiat ? token->oiat_s > 0 : token->oiat_s == 0);
    fuzz_check(strlen(token->sid) <= 255 && strlen(token->organization) <= 255);
}

static void check_client(const struct client_answer *client)
{
    fuzz_check(strlen(client->last_active_session) <= 255);
    for (size_t i = 0; i < client->session_count; i++) {
        const struct client_session *session = &client->sessions[i];

        fuzz_check(session->id[0] != '\0' && strlen(session->id) <= 255);
        fuzz_check(strlen(session->organization) <= 255);
        if (session->has_token) {
            check_token(&session->token);
        }
    }
}

static void check_reading(enum endpoint on, const struct http_response *response,
                          const struct reading *reading)
{
    const struct outcome *outcome = &reading->outcome;

    fuzz_check(outcome->http_status == response->status);
    fuzz_check((outcome->kind == OUTCOME_NO_ANSWER) == (response->status == 0));
    fuzz_check(strlen(outcome->code) <= 64 && strpbrk(outcome->code, "\n\033%\"\\ ") == NULL);
    fuzz_check(!outcome->has_retry_after || outcome->retry_after_ms >= 0);
    fuzz_check(outcome->date_s >= 0);
    fuzz_check(outcome->unreadable == READ_WELL || outcome->kind == OUTCOME_TRY_LATER);
    if (outcome->kind == OUTCOME_GOOD) {
        fuzz_check(on != ON_TOKENS || outcome->has_token);
        fuzz_check(on != ON_CLIENT || outcome->has_client);
        fuzz_check(on != ON_ENVIRONMENT || outcome->has_environment);
    }
    if (outcome->has_token) {
        fuzz_check(on == ON_TOKENS);
        check_token(&outcome->token);
    }
    if (outcome->has_client) {
        check_client(&outcome->client);
    }
    fuzz_check(reading->credential == NULL ||
               (reading->credential[0] != '\0' && strpbrk(reading->credential, " \t\r\n") == NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {.at = (const char *)data, .left = size};
    char *first = input_line(&input);
    char *retry_after = input_line(&input);
    char *date = input_line(&input);
    char *authorization = input_line(&input);
    char *body = malloc(input.left > 0 ? input.left : 1);
    enum endpoint on = (enum endpoint)((unsigned char)first[0] % ON_COUNT);
    struct http_response response = {
        .status = first[0] != '\0' ? (int)strtoul(first + 1, NULL, 10) % 1000 : 0,
        .body = body,
        .body_length = input.left,
        .body_too_long = first[0] != '\0' && strchr(first, '!') != NULL,
        .retry_after = header_or_none(retry_after),
        .date = header_or_none(date),
        .authorization = header_or_none(authorization)};
    struct reading reading;

    fuzz_check(body != NULL);
    memcpy(body, input.at, input.left);
    freshet_clerk_read(on, &response, WALL_MS, &reading);
    check_reading(on, &response, &reading);
    freshet_reading_free(&reading);
    free(body);
    free(authorization);
    free(date);
    free(retry_after);
    free(first);
    return 0;
}
