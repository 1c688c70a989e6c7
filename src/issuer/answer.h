/*
 * An answer before it becomes HTTP: status, body and the few headers that an issuer sets.
 */
#ifndef FRESHET_ISSUER_ANSWER_H
#define FRESHET_ISSUER_ANSWER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fault;

struct answer {
    int status;
    char *body; /* owned; NULL for none */
    size_t length;
    char *authorization;   /* owned: the client token's successor */
    const char *challenge; /* WWW-Authenticate, static */
    char retry_after[64];
    size_t sent; /* how much of `length` really goes out */
    bool filler; /* `length` bytes of nothing instead of the body */
    bool json;
};

/* Takes the object over. Without one (no memory) the answer is a plain 500. */
void freshet_answer_json(struct answer *answer, int status, json_t *object);

/* {"errors":[{code, message, long_message, meta}], "clerk_trace_id"}; `param` may be NULL. */
void freshet_answer_error(struct answer *answer, int status, const char *code, const char *message,
                          const char *param);

/* Lets a fault have its way with a good answer, or makes the answer that it asks for. */
void freshet_answer_spoil(struct answer *answer, const struct fault *fault);

void freshet_answer_clear(struct answer *answer);

#endif
