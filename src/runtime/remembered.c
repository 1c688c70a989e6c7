/*
 * What earlier runs and other processes left, and what is left for later ones.
 */
#include "runtime/remembered.h"

#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/standing.h"

#define LAST_TOKEN_MS       INT64_C(300000)
#define ENVIRONMENT_LIFE_MS (INT64_C(24) * 3600 * 1000)

/* {"read_ms": 1, "session_minter": true}: what is needed of an environment. */
static bool environment_decode(const struct secret *plain, struct now now)
{
    json_t *root = json_loadb(plain->text, plain->length, 0, NULL);
    int64_t age_ms = now.wall_ms - json_integer_value(json_object_get(root, "read_ms"));
    bool minter = json_is_true(json_object_get(root, "session_minter"));

    json_decref(root);
    return age_ms >= 0 && age_ms <= ENVIRONMENT_LIFE_MS && minter;
}

void freshet_environment_save(const struct pump_session *session, const struct outcome *outcome,
                              struct now now)
{
    char text[96];
    int length = snprintf(text, sizeof(text), "{\"read_ms\":%lld,\"session_minter\":%s}",
                          (long long)now.wall_ms, outcome->session_minter ? "true" : "false");

    if (session->account->vault != NULL && outcome->has_environment && length > 0) {
        (void)freshet_vault_write(session->account->vault, VAULT_ENVIRONMENT, text, (size_t)length,
                                  NULL);
    }
}

static void remembered_take(struct remembered *remembered)
{
    remembered->has_token = freshet_jwt_read(remembered->text.text, remembered->text.length,
                                             &remembered->token, &remembered->claims);
}

/* Of the session that other processes mean, and its end if that is what they know last. */
static bool remembered_shared(struct pump_session *session, struct share *share, struct now now,
                              struct remembered *remembered)
{
    struct session_record record;
    struct shared_record shared;
    struct key_view key = {.template_name = "", .audience = ""};

    if (!freshet_standing_read(session->wished, share, now, &record) || record.sid[0] == '\0') {
        return false;
    }
    session->epoch = freshet_standing_epoch_after(session->epoch, &record);
    if (record.standing == SESSION_ENDED) {
        if (strcmp(record.reason, FRESHET_STANDING_ASKED) == 0) {
            remembered->ended = true;
            snprintf(remembered->ended_sid, sizeof(remembered->ended_sid), "%s", record.sid);
        }
        return false;
    }
    key.issuer = session->instance.base_url;
    key.sid = record.sid;
    key.organization = record.organization;
    if (freshet_share_read(share, &key, record.epoch, now, &shared) != SHARE_FOUND) {
        return false;
    }
    if (shared.record.has_token && shared.epoch == record.epoch &&
        freshet_secret_copy(&remembered->text, shared.text, shared.record.token.length) ==
            FRESHET_OK) {
        remembered_take(remembered);
        remembered->committed_ms = shared.record.committed_ms;
        remembered->sent_ms = shared.record.sent_ms;
        remembered->has_offset = shared.record.has_offset;
        remembered->offset_ms = shared.record.offset_ms;
    }
    freshet_shared_record_wipe(&shared);
    return remembered->has_token;
}

/* Takes the second line off. */
static void remembered_split(struct remembered *remembered, struct now now)
{
    char *line = memchr(remembered->text.text, '\n', remembered->text.length);

    if (line != NULL) {
        remembered->has_offset = true;
        remembered->offset_ms = strtoll(line + 1, NULL, 10) + now.wall_ms - now.boot_ms;
        *line = '\0';
        remembered->text.length = (size_t)(line - remembered->text.text);
    }
}

static void remembered_stored(struct pump_session *session, struct now now,
                              struct remembered *remembered, bool want_token)
{
    struct vault_session ended = {0};
    struct secret environment = {0};

    if (freshet_vault_read(session->account->vault, VAULT_ENVIRONMENT, &environment, NULL) ==
        FRESHET_OK) {
        remembered->session_minter = environment_decode(&environment, now);
        freshet_secret_free(&environment);
    }
    if (freshet_vault_session_read(session->vault, &ended, NULL) == FRESHET_OK &&
        ended.epoch > session->epoch) {
        session->epoch = ended.epoch;
    }
    if (ended.signed_out && ended.pending_sign_out) {
        remembered->ended = true;
        remembered->ended_scope = ended.scope;
        snprintf(remembered->ended_sid, sizeof(remembered->ended_sid), "%s", ended.sid);
    }
    if (want_token && !ended.signed_out &&
        freshet_vault_read(session->vault, VAULT_TOKEN, &remembered->text, NULL) == FRESHET_OK) {
        remembered_split(remembered, now);
        remembered_take(remembered);
    }
}

bool freshet_remembered_share(struct pump_session *session, struct share *share, struct now now,
                              struct remembered *remembered)
{
    *remembered = (struct remembered){0};
    return remembered_shared(session, share, now, remembered);
}

void freshet_remembered_read(struct pump_session *session, struct share *share, struct now now,
                             struct remembered *remembered)
{
    bool shared = false;

    *remembered = (struct remembered){0};
    shared = remembered_shared(session, share, now, remembered);
    if (session->vault != NULL) {
        remembered_stored(session, now, remembered, !shared);
    }
}

void freshet_remembered_free(struct remembered *remembered)
{
    freshet_jwt_free(remembered->claims);
    freshet_secret_free(&remembered->text);
    *remembered = (struct remembered){0};
}

/* The token, and on a second line (issuer - wall) in ms if that is known: boot time ends with a boot. */
static void remembered_write(const struct vault *vault, const struct effect *save, struct now now)
{
    char text[FRESHET_TOKEN_MAX + 32];
    int64_t ahead_ms = save->u.save.offset_ms + now.boot_ms - now.wall_ms;
    int length = 0;

    if (save->u.save.has_offset) {
        length = snprintf(text, sizeof(text), "%.*s\n%lld", (int)save->u.save.length,
                          save->u.save.text, (long long)ahead_ms);
    } else {
        length = snprintf(text, sizeof(text), "%.*s", (int)save->u.save.length, save->u.save.text);
    }
    if (length > 0 && (size_t)length < sizeof(text)) {
        (void)freshet_vault_write(vault, VAULT_TOKEN, text, (size_t)length, NULL);
    }
    sodium_memzero(text, sizeof(text));
}

void freshet_last_token_save(struct pump_session *session, const struct share *share,
                             const struct effect *save, struct now now)
{
    const struct vault *vault = session->vault;
    bool shared = share != NULL && freshet_share_path(share)[0] != '\0';

    if (vault == NULL) {
        return;
    }
    if (save->u.save.text == NULL) {
        (void)freshet_vault_remove(vault, VAULT_TOKEN, NULL);
    } else if (!session->ended && (!shared || session->saved_ms == 0 ||
                                   now.boot_ms - session->saved_ms > LAST_TOKEN_MS)) {
        remembered_write(vault, save, now);
        session->saved_ms = now.boot_ms;
    }
}
