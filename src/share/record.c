/*
 * Encoding and decoding records. Every line is always there, so that there is one way to write a
 * record; what does not apply is zero or empty.
 */
#include "share/record.h"

#include <sodium.h>
#include <string.h>

#include "share/lines.h"

#define RECORD_MARK          "freshet record 1"
#define RECORD_ISSUER_MAX    511
#define RECORD_NAME_MAX      255
#define RECORD_TIME_MAX      (INT64_MAX / 4) /* sums and differences of two stay in range */
#define RECORD_ATTEMPT_MAX   1000
#define RECORD_NOT_BEFORE_MS 60000
#define RECORD_SLACK_MS      1000 /* our sample of the time may be older than what we read */

static bool record_fits(const char *text, size_t max)
{
    return strlen(text) <= max;
}

static bool record_key_fits(const struct key_view *key)
{
    return record_fits(key->issuer, RECORD_ISSUER_MAX) && record_fits(key->sid, RECORD_NAME_MAX) &&
           record_fits(key->template_name, RECORD_NAME_MAX) &&
           record_fits(key->organization, RECORD_NAME_MAX) &&
           record_fits(key->audience, RECORD_NAME_MAX);
}

static bool record_is_token(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (text[i] <= 0x20 || text[i] >= 0x7f) {
            return false;
        }
    }
    return length <= FRESHET_TOKEN_MAX;
}

/* A failure tells others to wait, or that it is no use. It may not tell them that their credential is
 * refused: that is a verdict, and each process hears it from the issuer or from the session record. */
static bool record_failure_makes_sense(const struct failure *failure)
{
    return failure->attempt == 0 || failure->status == FRESHET_NETWORK ||
           failure->status == FRESHET_UPSTREAM || failure->status == FRESHET_THROTTLED ||
           failure->status == FRESHET_REFUSED;
}

static void record_put_key(struct lines_out *out, const struct key_view *key)
{
    freshet_lines_put_text(out, "issuer", key->issuer);
    freshet_lines_put_text(out, "sid", key->sid);
    freshet_lines_put_text(out, "template", key->template_name);
    freshet_lines_put_text(out, "organization", key->organization);
    freshet_lines_put_text(out, "audience", key->audience);
}

static void record_put_failure(struct lines_out *out, const struct failure *failure)
{
    freshet_lines_put_number(out, "attempt", failure->attempt);
    freshet_lines_put_number(out, "waited", failure->waited);
    freshet_lines_put_number(out, "failed-ms", failure->failed_ms);
    freshet_lines_put_number(out, "first-ms", failure->first_ms);
    freshet_lines_put_number(out, "not-before-ms", failure->not_before_ms);
    freshet_lines_put_number(out, "for-issuer", failure->for_issuer);
    freshet_lines_put_number(out, "status", (int64_t)failure->status);
    freshet_lines_put_number(out, "http-status", failure->http_status);
}

size_t freshet_record_encode(const struct key_view *key, const struct record *record,
                             uint64_t epoch, const struct origin *here, char *bytes, size_t size)
{
    const struct failure none = {0};
    const struct token *token = &record->token;
    const bool has_token = record->has_token;
    struct lines_out out = {.bytes = bytes, .size = size};

    if (epoch > INT64_MAX || !record_key_fits(key) ||
        (has_token && (token->length == 0 || !record_is_token(token->text, token->length)))) {
        return 0;
    }
    freshet_lines_put_mark(&out, RECORD_MARK);
    record_put_key(&out, key);
    freshet_lines_put_number(&out, "epoch", (int64_t)epoch);
    freshet_lines_put_text(&out, "boot", here->boot_id);
    freshet_lines_put_number(&out, "time-namespace", here->time_namespace);
    freshet_lines_put_number(&out, "committed-ms", has_token ? record->committed_ms : 0);
    freshet_lines_put_number(&out, "sent-ms", has_token ? record->sent_ms : 0);
    freshet_lines_put_number(&out, "has-offset", record->has_offset);
    freshet_lines_put_number(&out, "offset-ms", record->has_offset ? record->offset_ms : 0);
    record_put_failure(&out,
                       record_failure_makes_sense(&record->failure) ? &record->failure : &none);
    freshet_lines_put_number(&out, "exp-s", has_token ? token->exp_s : 0);
    freshet_lines_put_bytes(&out, "token", has_token ? token->text : "",
                            has_token ? token->length : 0);
    return out.failed ? 0 : out.length;
}

static bool record_take_name(struct lines_in *in, const char *line, const char *expected)
{
    size_t length = 0;
    const char *name = freshet_lines_take_bytes(in, line, RECORD_ISSUER_MAX, &length);

    return length == strlen(expected) && memcmp(name, expected, length) == 0;
}

/* All lines are taken whatever they say, so that damage is not mistaken for another key. */
static bool record_take_key(struct lines_in *in, const struct key_view *key)
{
    bool same = record_take_name(in, "issuer", key->issuer);

    same = record_take_name(in, "sid", key->sid) && same;
    same = record_take_name(in, "template", key->template_name) && same;
    same = record_take_name(in, "organization", key->organization) && same;
    return record_take_name(in, "audience", key->audience) && same;
}

static int64_t record_take_time(struct lines_in *in, const char *name)
{
    return freshet_lines_take_number(in, name, FRESHET_LONG_AGO, RECORD_TIME_MAX);
}

static void record_take_failure(struct lines_in *in, struct failure *failure)
{
    failure->attempt = (int)freshet_lines_take_number(in, "attempt", 0, RECORD_ATTEMPT_MAX);
    failure->waited = freshet_lines_take_number(in, "waited", 0, 1) != 0;
    failure->failed_ms = record_take_time(in, "failed-ms");
    failure->first_ms = freshet_lines_take_number(in, "first-ms", 0, RECORD_NOT_BEFORE_MS);
    failure->not_before_ms = record_take_time(in, "not-before-ms");
    failure->for_issuer = freshet_lines_take_number(in, "for-issuer", 0, 1) != 0;
    failure->status =
        (enum freshet_status)freshet_lines_take_number(in, "status", 0, FRESHET_STORE);
    failure->http_status = (int)freshet_lines_take_number(in, "http-status", 0, 999);
}

static bool record_take_token(struct lines_in *in, struct shared_record *out)
{
    size_t length = 0;
    const char *text = NULL;

    out->exp_s = freshet_lines_take_number(in, "exp-s", 0, RECORD_TIME_MAX / 1000);
    text = freshet_lines_take_bytes(in, "token", FRESHET_TOKEN_MAX, &length);
    if (!record_is_token(text, length)) {
        return false;
    }
    memcpy(out->text, text, length);
    out->record.has_token = length > 0;
    out->record.token = (struct token){.text = out->text,
                                       .length = (uint32_t)length,
                                       .exp_s = out->exp_s,
                                       .sid = "",
                                       .organization = ""};
    return true;
}

static enum record_verdict record_judge_times(struct record *record, bool same_origin,
                                              struct now now)
{
    struct failure *failure = &record->failure;

    if (!same_origin) {
        record->committed_ms = FRESHET_LONG_AGO;
        record->sent_ms = FRESHET_LONG_AGO;
        record->has_offset = false;
        record->offset_ms = 0;
        *failure = (struct failure){0};
        return RECORD_GOOD;
    }
    if (record->sent_ms > record->committed_ms ||
        record->committed_ms > now.boot_ms + RECORD_SLACK_MS ||
        failure->failed_ms > now.boot_ms + RECORD_SLACK_MS) {
        return RECORD_FROM_FUTURE;
    }
    record->committed_ms = freshet_min(record->committed_ms, now.boot_ms);
    record->sent_ms = freshet_min(record->sent_ms, now.boot_ms);
    failure->failed_ms = freshet_min(failure->failed_ms, now.boot_ms);
    failure->not_before_ms =
        freshet_min(failure->not_before_ms, now.boot_ms + RECORD_NOT_BEFORE_MS);
    return RECORD_GOOD;
}

static enum record_verdict record_read(struct lines_in *in, const struct key_view *key,
                                       const struct origin *here, struct now now,
                                       struct shared_record *out)
{
    struct record *record = &out->record;
    struct origin origin = {0};
    bool same_key = false;
    bool sound = false;

    freshet_lines_take_mark(in, RECORD_MARK);
    same_key = record_take_key(in, key);
    out->epoch = (uint64_t)freshet_lines_take_number(in, "epoch", 0, INT64_MAX);
    freshet_lines_take_text(in, "boot", origin.boot_id, sizeof(origin.boot_id));
    origin.time_namespace = freshet_lines_take_number(in, "time-namespace", 0, INT64_MAX);
    record->committed_ms = record_take_time(in, "committed-ms");
    record->sent_ms = record_take_time(in, "sent-ms");
    record->has_offset = freshet_lines_take_number(in, "has-offset", 0, 1) != 0;
    record->offset_ms = record_take_time(in, "offset-ms");
    record_take_failure(in, &record->failure);
    sound = record_take_token(in, out) && record_failure_makes_sense(&record->failure);
    if (!sound || !freshet_lines_done(in)) {
        return RECORD_MALFORMED;
    }
    return same_key ? record_judge_times(record, freshet_origin_same(&origin, here), now)
                    : RECORD_FOREIGN_KEY;
}

enum record_verdict freshet_record_decode(const char *bytes, size_t length,
                                          const struct key_view *key, const struct origin *here,
                                          struct now now, struct shared_record *out)
{
    struct lines_in in = {.bytes = bytes, .length = length};
    enum record_verdict verdict = RECORD_GOOD;

    *out = (struct shared_record){0};
    verdict = record_read(&in, key, here, now, out);
    if (verdict != RECORD_GOOD) {
        freshet_shared_record_wipe(out);
    }
    return verdict;
}

bool freshet_shared_record_read_claims(struct shared_record *shared, share_read_token *read_token,
                                       void *context)
{
    struct token claims = {0};

    if (!shared->record.has_token || read_token == NULL) {
        return true;
    }
    if (!read_token(shared->text, shared->record.token.length, &claims, context) ||
        claims.exp_s != shared->exp_s) {
        return false;
    }
    claims.text = shared->text;
    claims.length = shared->record.token.length;
    shared->record.token = claims;
    return true;
}

int64_t freshet_shared_record_remaining(const struct shared_record *shared, struct now now)
{
    const struct record *record = &shared->record;

    if (!record->has_token) {
        return 0;
    }
    return shared->exp_s * 1000 -
           (record->has_offset ? now.boot_ms + record->offset_ms : now.wall_ms);
}

void freshet_shared_record_wipe(struct shared_record *record)
{
    sodium_memzero(record, sizeof(*record));
}

const char *freshet_record_verdict_text(enum record_verdict verdict)
{
    switch (verdict) {
    case RECORD_GOOD:
        break;
    case RECORD_MALFORMED:
        return "it is damaged or not a record";
    case RECORD_FOREIGN_KEY:
        return "it is the record of another key";
    case RECORD_FROM_FUTURE:
        return "its times are in the future";
    }
    return "nothing is wrong with it";
}
