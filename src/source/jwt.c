/*
 * Reading a JWT's claims (RFC 7519), bounded and strict. The signature is the server's business.
 *
 * Called for every token that comes in: bare, inside a client, shared, or stored by an earlier run.
 * What it lets through has three parts of strict base64url, and times that can be reckoned with.
 */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "source/json.h"
#include "source/source.h"

#define JWT_SECONDS_MAX INT64_C(253402300799) /* the end of the year 9999 */

enum jwt_part { JWT_HEADER, JWT_CLAIMS, JWT_SIGNATURE, JWT_PARTS };

/* The strings that a token points to. */
struct jwt_memory {
    char sid[FRESHET_ID_MAX + 1];
    char organization[FRESHET_ID_MAX + 1];
};

struct jwt_slice {
    const char *text;
    size_t length;
};

/* Three non-empty parts. */
static bool jwt_split(const char *text, size_t length, struct jwt_slice parts[JWT_PARTS])
{
    const char *end = text + length;

    for (int i = JWT_HEADER; i < JWT_PARTS; i++) {
        const char *dot = memchr(text, '.', (size_t)(end - text));
        const char *stop = dot != NULL ? dot : end;

        parts[i] = (struct jwt_slice){.text = text, .length = (size_t)(stop - text)};
        if (parts[i].length == 0 || (dot == NULL) != (i == JWT_SIGNATURE)) {
            return false;
        }
        text = stop + (dot != NULL ? 1 : 0);
    }
    return true;
}

/* Decodes a part, and reads it as an object where one is wanted; the decoded bytes are wiped. */
static bool jwt_decode(const struct jwt_slice *part, json_t **object)
{
    unsigned char *bytes = malloc(part->length);
    size_t size = 0;
    bool good = false;

    if (bytes == NULL) {
        return false;
    }
    good = sodium_base642bin(bytes, part->length, part->text, part->length, NULL, &size, NULL,
                             sodium_base64_VARIANT_URLSAFE_NO_PADDING) == 0;
    if (good && object != NULL) {
        *object = freshet_json_object((const char *)bytes, size, FRESHET_TOKEN_MAX);
        good = *object != NULL;
    }
    sodium_memzero(bytes, part->length);
    free(bytes);
    return good;
}

/* Version 1 has `org_id`, version 2 `o.id`. */
static bool jwt_names(const json_t *claims, struct jwt_memory *memory)
{
    const char *sid = NULL;
    const char *organization = NULL;

    if (!freshet_json_id(claims, "sid", &sid) ||
        !freshet_json_id(claims, "org_id", &organization) ||
        (organization[0] == '\0' &&
         !freshet_json_id(json_object_get(claims, "o"), "id", &organization))) {
        return false;
    }
    memcpy(memory->sid, sid, strlen(sid) + 1);
    memcpy(memory->organization, organization, strlen(organization) + 1);
    return true;
}

static bool jwt_times(const json_t *header, const json_t *claims, struct token *token)
{
    if (!freshet_json_seconds(claims, "iat", &token->iat_s) ||
        !freshet_json_seconds(claims, "exp", &token->exp_s) || token->iat_s <= 0 ||
        token->exp_s < token->iat_s || token->exp_s > JWT_SECONDS_MAX) {
        return false;
    }
    token->has_oiat = freshet_json_seconds(header, "oiat", &token->oiat_s) && token->oiat_s > 0 &&
                      token->oiat_s <= JWT_SECONDS_MAX;
    token->oiat_s = token->has_oiat ? token->oiat_s : 0;
    return true;
}

bool freshet_jwt_read(const char *text, size_t length, struct token *token, void **memory)
{
    struct jwt_slice parts[JWT_PARTS];
    struct jwt_memory *names = calloc(1, sizeof(*names));
    struct token read = {.text = text, .length = (uint32_t)length};
    json_t *header = NULL;
    json_t *claims = NULL;
    bool good = names != NULL && length > 0 && length <= FRESHET_TOKEN_MAX &&
                jwt_split(text, length, parts) && jwt_decode(&parts[JWT_HEADER], &header) &&
                jwt_decode(&parts[JWT_CLAIMS], &claims) &&
                jwt_decode(&parts[JWT_SIGNATURE], NULL) && jwt_times(header, claims, &read) &&
                jwt_names(claims, names);

    *token = (struct token){.sid = "", .organization = ""};
    *memory = NULL;
    if (good) {
        read.fingerprint = freshet_fingerprint(text, length);
        read.sid = names->sid;
        read.organization = names->organization;
        *token = read;
        *memory = names;
        names = NULL;
    }
    free(names);
    freshet_json_free(header);
    freshet_json_free(claims);
    return good;
}

void freshet_jwt_free(void *memory)
{
    free(memory);
}
