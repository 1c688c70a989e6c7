/*
 * Tokens as the caller holds them: counted, in memory for secrets, and wiped when the last reference
 * goes. In a child after fork() nothing is left of them but zeros.
 */
#include <string.h>

#include "client/internal.h"

struct freshet_token *freshet_token_new(struct locked_memory *memory, const char *text,
                                        size_t length)
{
    struct freshet_token *token = freshet_locked_obtain(memory, sizeof(*token) + length + 1);

    if (token != NULL) {
        atomic_init(&token->references, 1);
        token->memory = memory;
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
        freshet_locked_release(token->memory, token, sizeof(*token) + token->length + 1);
    }
}
