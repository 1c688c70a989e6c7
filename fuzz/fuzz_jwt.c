/*
 * Any text is a token with usable claims, or none.
 *
 * Input: the text itself; or, if it begins with a brace, the header's JSON, a line feed and the
 * claims' JSON, which are encoded first, so that mutations reach behind the encoding.
 */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "source/source.h"

#define SIGNATURE ".c2ln"

static char *encode(char *to, const uint8_t *bytes, size_t size)
{
    size_t room = sodium_base64_encoded_len(size, sodium_base64_VARIANT_URLSAFE_NO_PADDING);

    sodium_bin2base64(to, room, bytes, size, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    return to + room - 1;
}

/* The token's text, in memory of exactly its length. */
static char *token_text(const uint8_t *data, size_t size, size_t *length)
{
    const uint8_t *line = size > 0 && data[0] == '{' ? memchr(data, '\n', size) : NULL;
    char *text = malloc(2 * size + 64);
    char *exact = NULL;
    char *end = text;

    fuzz_check(text != NULL);
    if (line != NULL) {
        size_t header = (size_t)(line - data);

        end = encode(end, data, header);
        *end++ = '.';
        end = encode(end, line + 1, size - header - 1);
        memcpy(end, SIGNATURE, sizeof(SIGNATURE) - 1);
        end += sizeof(SIGNATURE) - 1;
    } else if (size > 0) {
        memcpy(end, data, size);
        end += size;
    }
    *length = (size_t)(end - text);
    exact = malloc(*length > 0 ? *length : 1);
    fuzz_check(exact != NULL);
    memcpy(exact, text, *length);
    free(text);
    return exact;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t length = 0;
    char *text = token_text(data, size, &length);
    struct token token;
    void *memory = NULL;
    bool good = freshet_jwt_read(text, length, &token, &memory);

    fuzz_check(good == (memory != NULL));
    fuzz_check(good == (token.text != NULL));
    fuzz_check(strlen(token.sid) <= 255 && strlen(token.organization) <= 255);
    if (good) {
        fuzz_check(token.text == text && token.length == length);
        fuzz_check(length <= FRESHET_TOKEN_MAX && token.fingerprint != 0);
        fuzz_check(token.iat_s > 0 && token.iat_s <= token.exp_s);
        fuzz_check(token.has_oiat ? token.oiat_s > 0 : token.oiat_s == 0);
    }
    freshet_jwt_free(memory);
    free(text);
    return 0;
}
