/*
 * The tokens of token_text.h.
 */
#include "token_text.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *token_part(const char *text)
{
    size_t length = strlen(text);
    size_t size = sodium_base64_encoded_len(length, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    char *part = malloc(size);

    if (part == NULL) {
        abort();
    }
    return sodium_bin2base64(part, size, (const unsigned char *)text, length,
                             sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

char *freshet_token_text(const char *header, const char *claims)
{
    char *first = token_part(header);
    char *second = token_part(claims);
    char *text = NULL;

    if (asprintf(&text, "%s.%s.c2ln", first, second) < 0) {
        abort();
    }
    free(first);
    free(second);
    return text;
}
