/*
 * Answers and how faults spoil them. What a fault with a status of 300 or more says replaces the
 * answer (the request was not carried out); every other fault damages the real one.
 */
#include "issuer/answer.h"

#include "issuer/faults.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

static void answer_text(struct answer *answer, const char *text);

void freshet_answer_json(struct answer *answer, int status, json_t *object)
{
    freshet_answer_clear(answer);
    answer->status = status;
    answer->json = true;
    answer->body = object == NULL ? NULL : json_dumps(object, JSON_COMPACT);
    json_decref(object);
    if (answer->body == NULL)
        answer->status = 500;
    answer->length = answer->sent = answer->body == NULL ? 0 : strlen(answer->body);
}

void freshet_answer_error(struct answer *answer, int status, const char *code, const char *message,
                          const char *param)
{
    unsigned char random[16];
    char trace[2 * sizeof random + 1];
    json_t *meta = json_object();

    randombytes_buf(random, sizeof random);
    sodium_bin2hex(trace, sizeof trace, random, sizeof random);
    if (param != NULL)
        (void)json_object_set_new(meta, "param_name", json_string(param));
    freshet_answer_json(answer, status,
                        json_pack("{s:[{s:s, s:s, s:s, s:o}], s:s}", "errors", "code", code,
                                  "message", message, "long_message", message, "meta", meta,
                                  "clerk_trace_id", trace));
}

static const char *answer_code(int status)
{
    static const struct {
        int status;
        const char *code;
    } codes[] = {
        {400, "bad_request"},           {401, "authentication_invalid"},
        {403, "authorization_invalid"}, {404, "resource_not_found"},
        {422, "form_param_invalid"},    {429, "too_many_requests"},
        {503, "service_unavailable"},
    };

    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        if (codes[i].status == status)
            return codes[i].code;
    }
    return "internal_clerk_error";
}

void freshet_answer_spoil(struct answer *answer, const struct fault *fault)
{
    const char *code = fault->code[0] == '\0' ? answer_code(fault->status) : fault->code;

    if (!fault->struck)
        return;
    if (fault->status >= 300)
        freshet_answer_error(answer, fault->status, code, "a fault that was asked for", NULL);
    else if (fault->status != 0)
        answer->status = fault->status;
    memcpy(answer->retry_after, fault->retry_after, sizeof answer->retry_after);

    if (fault->body != NULL)
        answer_text(answer, json_string_value(fault->body));
    if (fault->empty || fault->status == 204 || fault->status == 304)
        answer_text(answer, "");
    if (fault->malformed && answer->length > 0)
        answer->sent = --answer->length;
    if (fault->body_bytes > 0) {
        answer->filler = true;
        answer->length = answer->sent = (size_t)fault->body_bytes;
    }
    if (fault->truncate)
        answer->sent = answer->length / 2;
}

static void answer_text(struct answer *answer, const char *text)
{
    free(answer->body);
    answer->body = strdup(text);
    answer->length = answer->sent = answer->body == NULL ? 0 : strlen(answer->body);
    answer->json = text[0] == '{' || text[0] == '[';
}

/* The body may hold a token and `authorization` is one, so both are wiped. */
void freshet_answer_clear(struct answer *answer)
{
    if (answer->body != NULL)
        sodium_memzero(answer->body, strlen(answer->body));
    if (answer->authorization != NULL)
        sodium_memzero(answer->authorization, strlen(answer->authorization));
    free(answer->body);
    free(answer->authorization);
    *answer = (struct answer){0};
}
