/*
 * Answers as JSON. The member "error" is what a program should look at: the HTTP status is the
 * nearest there is, and several errors share one.
 */
#include "agent/reply.h"

#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char reply_json[] = "application/json";

static int reply_http_status(enum freshet_status status)
{
    static const int known[] = {
        [FRESHET_OK] = 200,         [FRESHET_OFFLINE] = 503,      [FRESHET_TIMEOUT] = 504,
        [FRESHET_SIGNED_OUT] = 401, [FRESHET_UNAUTHORIZED] = 401, [FRESHET_REFUSED] = 422,
        [FRESHET_THROTTLED] = 429,  [FRESHET_UPSTREAM] = 502,     [FRESHET_NETWORK] = 502,
        [FRESHET_INVALID] = 400,    [FRESHET_CLOSED] = 503,       [FRESHET_CANCELLED] = 503,
        [FRESHET_NO_MEMORY] = 503,  [FRESHET_LIMIT] = 503,
    };
    size_t index = (size_t)status;

    return index < sizeof(known) / sizeof(known[0]) && known[index] != 0 ? known[index] : 500;
}

static const char *reply_advice(enum freshet_advice advice)
{
    static const char *const names[] = {[FRESHET_ADVICE_NONE] = "none",
                                        [FRESHET_ADVICE_RETRY_LATER] = "retry_later",
                                        [FRESHET_ADVICE_SIGN_IN] = "sign_in",
                                        [FRESHET_ADVICE_FIX_CALL] = "fix_call",
                                        [FRESHET_ADVICE_GIVE_UP] = "give_up"};

    return names[advice];
}

static struct reply reply_error(int status, const char *error, const char *message,
                                const char *advice, int http_status)
{
    struct reply reply = {.status = status, .type = reply_json};
    json_t *object = json_pack("{s:s, s:s, s:s, s:i}", "error", error, "message", message, "advice",
                               advice, "http_status", http_status);

    reply.body = object != NULL ? json_dumps(object, 0) : NULL;
    json_decref(object);
    return reply;
}

struct reply freshet_agent_reply_failure(const struct freshet_error *error)
{
    return reply_error(reply_http_status(error->status), freshet_status_name(error->status),
                       error->message, reply_advice(freshet_status_advice(error->status)),
                       error->http_status);
}

struct reply freshet_agent_reply_refusal(int status, const char *error, const char *message)
{
    return reply_error(status, error, message, reply_advice(FRESHET_ADVICE_FIX_CALL), 0);
}

/* Written by hand, so that no copy stays behind in freed memory. A token is base64url and dots. */
struct reply freshet_agent_reply_token(const struct freshet_token *token)
{
    struct reply reply = {.status = 200, .type = reply_json};

    if (asprintf(&reply.body,
                 "{\"token\": \"%s\", \"expires_at_ms\": %lld, \"remaining_ms\": %lld, "
                 "\"stale\": %s}",
                 freshet_token_text(token), (long long)freshet_token_expires_at_ms(token),
                 (long long)freshet_token_remaining_ms(token),
                 freshet_token_is_stale(token) ? "true" : "false") < 0) {
        reply.body = NULL;
    }
    return reply;
}

struct reply freshet_agent_reply_text(const char *type, char *body)
{
    return (struct reply){.status = 200, .type = type != NULL ? type : reply_json, .body = body};
}

void freshet_agent_reply_clear(struct reply *reply)
{
    if (reply->body != NULL) {
        sodium_memzero(reply->body, strlen(reply->body));
    }
    free(reply->body);
    reply->body = NULL;
}
