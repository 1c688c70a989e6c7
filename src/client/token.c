/*
 * Tokens as the caller holds them: counted, and wiped when the last reference goes.
 */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "client/internal.h"

struct freshet_token *freshet_token_new(const char *text, size_t length)
{
    struct freshet_token *token = calloc(1, sizeof(*token) + length + 1);

    if (token != NULL) {
        atomic_init(&token->references, 1);
        token->length = length;
        if (text != NULL) {
            memcpy(token->text, text, length);
        }
    }
    return token;
}

const char *freshet_token_text(const struct freshet_token *token)
{
    return token->text;
}

size_t freshet_token_length(const struct freshet_token *token)
{
    return token->length;
}

int64_t freshet_token_expires_at_ms(const struct freshet_token *token)
{
    return token->expires_at_ms;
}

int64_t freshet_token_remaining_ms(const struct freshet_token *token)
{
    return token->remaining_ms;
}

int freshet_token_is_stale(const struct freshet_token *token)
{
    return token->stale ? 1 : 0;
}

struct freshet_token *freshet_token_ref(struct freshet_token *token)
{
    atomic_fetch_add_explicit(&token->references, 1, memory_order_relaxed);
    return token;
}

void freshet_token_unref(struct freshet_token *token)
{
    if (token != NULL &&
        atomic_fetch_sub_explicit(&token->references, 1, memory_order_acq_rel) == 1) {
        sodium_memzero(token->text, token->length);
        free(token);
    }
}
