/*
 * Reading a JWT's claims (RFC 7519), bounded and strict. The signature is the server's business.
 */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "source/json.h"
#include "source/source.h"

#define JWT_CLAIM_MAX 255
#define JWT_SECONDS_MAX 253402300799 /* the year 9999 */

/* The strings that a token points to. */
struct jwt_memory {
    char sid[JWT_CLAIM_MAX + 1];
    char organization[JWT_CLAIM_MAX + 1];
};

struct jwt_parts {
    const char *header;
    size_t header_length;
    const char *claims;
    size_t claims_length;
};

/* Three non-empty parts of the base64url alphabet. */
static bool jwt_split(const char *text, size_t length, struct jwt_parts *parts)
{
    const char *first = memchr(text, '.', length);
    const char *second = NULL;
    size_t rest = 0;

    if (first == NULL || first == text) {
        return false;
    }
    rest = length - (size_t)(first + 1 - text);
    second = memchr(first + 1, '.', rest);
    if (second == NULL || second == first + 1) {
        return false;
    }
    rest = length - (size_t)(second + 1 - text);
    if (rest == 0 || memchr(second + 1, '.', rest) != NULL) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '-' || c == '_' || c == '.')) {
            return false;
        }
    }
    *parts = (struct jwt_parts){.header = text,
                                .header_length = (size_t)(first - text),
                                .claims = first + 1,
                                .claims_length = (size_t)(second - first - 1)};
    return true;
}

/* One part as a JSON object; the decoded bytes are wiped. */
static json_t *jwt_part(const char *part, size_t length)
{
    unsigned char *bytes = malloc(length + 1);
    size_t size = 0;
    json_t *object = NULL;

    if (bytes == NULL) {
        return NULL;
    }
    if (sodium_base642bin(bytes, length + 1, part, length, NULL, &size, NULL,
                          sodium_base64_VARIANT_URLSAFE_NO_PADDING) == 0) {
        object = freshet_json_object((const char *)bytes, size);
    }
    sodium_memzero(bytes, length + 1);
    free(bytes);
    return object;
}

static bool jwt_copy(char *to, const char *from)
{
    size_t length = strlen(from);

    if (length > JWT_CLAIM_MAX) {
        return false;
    }
    memcpy(to, from, length + 1);
    return true;
}

static bool jwt_claims(const json_t *claims, struct token *token, struct jwt_memory *memory)
{
    const char *organization = freshet_json_string(claims, "org_id");

    if (organization[0] == '\0') {
        organization = freshet_json_string(json_object_get(claims, "o"), "id");
    }
    return freshet_json_integer(claims, "iat", &token->iat_s) &&
           freshet_json_integer(claims, "exp", &token->exp_s) && token->iat_s > 0 &&
           token->exp_s > 0 && token->iat_s <= JWT_SECONDS_MAX &&
           token->exp_s <= JWT_SECONDS_MAX && token->exp_s > token->iat_s &&
           jwt_copy(memory->sid, freshet_json_string(claims, "sid")) &&
           jwt_copy(memory->organization, organization);
}

bool freshet_jwt_read(const char *text, size_t length, struct token *token, void **memory)
{
    struct jwt_parts parts;
    struct jwt_memory *strings = NULL;
    json_t *header = NULL;
    json_t *claims = NULL;
    bool good = false;

    *token = (struct token){.sid = "", .organization = ""};
    *memory = NULL;
    if (length == 0 || length > FRESHET_TOKEN_MAX || !jwt_split(text, length, &parts)) {
        return false;
    }
    strings = calloc(1, sizeof(*strings));
    header = jwt_part(parts.header, parts.header_length);
    claims = jwt_part(parts.claims, parts.claims_length);
    if (strings == NULL || header == NULL || claims == NULL || !jwt_claims(claims, token, strings)) {
        goto out;
    }
    token->has_oiat = freshet_json_integer(header, "oiat", &token->oiat_s);
    token->text = text;
    token->length = (uint32_t)length;
    token->fingerprint = freshet_fingerprint(text, length);
    token->sid = strings->sid;
    token->organization = strings->organization;
    *memory = strings;
    good = true;
out:
    if (!good) {
        free(strings);
        *token = (struct token){.sid = "", .organization = ""};
    }
    json_decref(header);
    json_decref(claims);
    return good;
}

void freshet_jwt_free(void *memory)
{
    free(memory);
}
