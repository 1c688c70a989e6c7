/*
 * The simulator's shared records are JSON. Every member must be there, of its type and in bounds;
 * the key inside must be the key that was asked for; the token must be readable.
 */
#include "simulate/codec.h"

#include <string.h>

#include "source/source.h"

#define RECORD_MAX_BYTES 65536
#define TIME_MAX_MS      INT64_C(4000000000000000)
#define LONG_AGO_MS      (INT64_MIN / 2) /* of a token that an earlier run left in the store */

static json_t *codec_failure(const struct failure *failure)
{
    return json_pack("{s:i, s:b, s:I, s:I, s:I, s:b, s:i, s:i}", "attempt", failure->attempt,
                     "waited", failure->waited, "failed_ms", (json_int_t)failure->failed_ms,
                     "first_ms", (json_int_t)failure->first_ms, "not_before_ms",
                     (json_int_t)failure->not_before_ms, "for_issuer", failure->for_issuer,
                     "status", (int)failure->status, "http_status", failure->http_status);
}

char *freshet_sim_record_encode(const struct key_view *key, const struct record *record)
{
    json_t *token =
        record->has_token ? json_stringn(record->token.text, record->token.length) : json_null();
    json_t *object =
        json_pack("{s:i, s:s, s:s, s:s, s:s, s:s, s:o, s:I, s:I, s:I, s:b, s:o}", "version", 1,
                  "issuer", key->issuer, "session", key->sid, "template", key->template_name,
                  "organization", key->organization, "audience", key->audience, "token", token,
                  "committed_ms", (json_int_t)record->committed_ms, "sent_ms",
                  (json_int_t)record->sent_ms, "offset_ms", (json_int_t)record->offset_ms,
                  "has_offset", record->has_offset, "failure", codec_failure(&record->failure));
    char *bytes = object == NULL ? NULL : json_dumps(object, JSON_COMPACT);

    json_decref(object);
    return bytes;
}

static bool codec_is(const json_t *object, const char *name, const char *text)
{
    const char *found = json_string_value(json_object_get(object, name));

    return found != NULL && strcmp(found, text) == 0;
}

static bool codec_integer(const json_t *object, const char *name, int64_t least, int64_t most,
                          int64_t *number)
{
    const json_t *value = json_object_get(object, name);

    *number = json_integer_value(value);
    return json_is_integer(value) && *number >= least && *number <= most;
}

static bool codec_flag(const json_t *object, const char *name, bool *flag)
{
    const json_t *value = json_object_get(object, name);

    *flag = json_is_true(value);
    return json_is_boolean(value);
}

static bool codec_read_failure(const json_t *object, struct failure *failure)
{
    int64_t attempt;
    int64_t status;
    int64_t http_status;
    bool good =
        json_object_size(object) == 8 && codec_integer(object, "attempt", 0, 1000000, &attempt) &&
        codec_flag(object, "waited", &failure->waited) &&
        codec_integer(object, "failed_ms", -TIME_MAX_MS, TIME_MAX_MS, &failure->failed_ms) &&
        codec_integer(object, "first_ms", 0, TIME_MAX_MS, &failure->first_ms) &&
        codec_integer(object, "not_before_ms", -TIME_MAX_MS, INT64_MAX, &failure->not_before_ms) &&
        codec_flag(object, "for_issuer", &failure->for_issuer) &&
        codec_integer(object, "status", 0, FRESHET_STORE, &status) &&
        codec_integer(object, "http_status", 0, 999, &http_status);

    if (!good)
        return false;
    failure->attempt = (int)attempt;
    failure->status = (enum freshet_status)status;
    failure->http_status = (int)http_status;
    return true;
}

static bool codec_read_token(const json_t *value, struct decoded *decoded)
{
    struct token *token = &decoded->record.token;
    size_t length = json_string_length(value);

    if (json_is_null(value))
        return true;
    if (!json_is_string(value) || length == 0 || length > FRESHET_TOKEN_MAX ||
        !freshet_jwt_read(json_string_value(value), length, token, &decoded->claims))
        return false;
    token->text = json_string_value(value);
    token->length = (uint32_t)length;
    token->fingerprint = freshet_fingerprint(token->text, length);
    decoded->record.has_token = true;
    return true;
}

bool freshet_sim_record_decode(const char *bytes, size_t length, const struct key_view *key,
                               struct decoded *decoded)
{
    struct record *record = &decoded->record;
    const json_t *root;
    int64_t version;

    *decoded = (struct decoded){.root = NULL};
    if (length > RECORD_MAX_BYTES)
        return false;
    root = decoded->root = json_loadb(bytes, length, JSON_REJECT_DUPLICATES, NULL);
    return json_object_size(root) == 12 && codec_integer(root, "version", 1, 1, &version) &&
           codec_is(root, "issuer", key->issuer) && codec_is(root, "session", key->sid) &&
           codec_is(root, "template", key->template_name) &&
           codec_is(root, "organization", key->organization) &&
           codec_is(root, "audience", key->audience) &&
           codec_integer(root, "committed_ms", LONG_AGO_MS, TIME_MAX_MS, &record->committed_ms) &&
           codec_integer(root, "sent_ms", LONG_AGO_MS, TIME_MAX_MS, &record->sent_ms) &&
           codec_integer(root, "offset_ms", -TIME_MAX_MS, TIME_MAX_MS, &record->offset_ms) &&
           codec_flag(root, "has_offset", &record->has_offset) &&
           codec_read_failure(json_object_get(root, "failure"), &record->failure) &&
           codec_read_token(json_object_get(root, "token"), decoded);
}

void freshet_sim_record_free(struct decoded *decoded)
{
    freshet_jwt_free(decoded->claims);
    json_decref(decoded->root);
    *decoded = (struct decoded){.root = NULL};
}
